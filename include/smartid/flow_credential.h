/* flow_credential.h: looking at a credential, its code of the day, revoking.
 * Who may: the app that enrolled the person, the holder, an officer (no codes
 * for officers). Anybody else gets SID_E_NOT_FOUND. */
#ifndef SMARTID_FLOW_CREDENTIAL_H
#define SMARTID_FLOW_CREDENTIAL_H

#include "smartid/app.h"
#include "smartid/token.h"

struct sid_credential_look {
    struct sid_flow flow;
    char id[SID_ID_SIZE];             /* in */
    struct sid_credential credential; /* out */
};
/* flow.err: SID_E_NOT_FOUND … */
void sid_credential_look_start(struct sid_credential_look *look);
void sid_credential_look_fini(struct sid_credential_look *look);

struct sid_credential_code {
    struct sid_flow flow;
    char id[SID_ID_SIZE]; /* in */
    /* out, after finish */
    char code[SID_TOKEN_SIZE];
    int64_t not_before_s, not_after_s;
    int64_t refresh_after_s; /* from then on another code is given */
    /* private */
    struct sid_credential credential;
    int64_t now_s;
};
/* flow.err: SID_E_NOT_FOUND, SID_E_REVOKED … */
void sid_credential_code_start(struct sid_credential_code *code);
SID_FALLIBLE enum sid_err
sid_credential_code_finish(struct sid_credential_code *code);
void sid_credential_code_fini(struct sid_credential_code *code);

struct sid_credential_revoke {
    struct sid_flow flow;
    char id[SID_ID_SIZE];             /* in */
    char reason[SID_NOTE_SIZE];       /* in, not empty */
    struct sid_credential credential; /* out: as it is now */
};
/* After SID_OK no verification that begins later answers valid. flow.err:
 * SID_E_NOT_FOUND, SID_E_REVOKED (already) … */
void sid_credential_revoke_start(struct sid_credential_revoke *revoke);
void sid_credential_revoke_fini(struct sid_credential_revoke *revoke);

#endif
