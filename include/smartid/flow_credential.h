/* flow_credential.h: looking at a credential, its code of the day or of the
 * minute, changing its state.
 * Who may: the app that enrolled the person, the holder, an officer (no codes
 * for officers). Anybody else gets SID_E_NOT_FOUND. */
#ifndef SMARTID_FLOW_CREDENTIAL_H
#define SMARTID_FLOW_CREDENTIAL_H

#include "smartid/app.h"
#include "smartid/offline.h"
#include "smartid/token.h"

struct sid_credential_look {
    struct sid_flow flow;
    char id[SID_ID_SIZE];             /* in */
    struct sid_credential credential; /* out */
    enum sid_credential_state state;  /* out: as of now */
    /* out, after finish: what its type adds; NULL: nothing */
    const struct sid_credential_type *with_details;
    struct sid_details details;
};
/* flow.err: SID_E_NOT_FOUND … */
void sid_credential_look_start(struct sid_credential_look *look);
/* Opens what is sealed. Errors: SID_E_SEAL, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err
sid_credential_look_finish(struct sid_credential_look *look);
void sid_credential_look_fini(struct sid_credential_look *look);

struct sid_credential_code {
    struct sid_flow flow;
    char id[SID_ID_SIZE];     /* in */
    enum sid_token_kind kind; /* in */
    /* in: NONE, or a code for counters without a network, whatever kind says */
    enum sid_offline_kind offline;
    /* out, after finish */
    char code[SID_OFFLINE_SIZE];
    int64_t not_before_s, not_after_s;
    int64_t refresh_after_s; /* from then on another code is given */
    /* private */
    struct sid_credential credential;
    int64_t base_until_s; /* as its valid_until_s, of what it stands on */
    int64_t now_s;
};
/* flow.err: SID_E_NOT_FOUND, those of a state that is not active … */
void sid_credential_code_start(struct sid_credential_code *code);
SID_FALLIBLE enum sid_err
sid_credential_code_finish(struct sid_credential_code *code);
void sid_credential_code_fini(struct sid_credential_code *code);

/* The public key for codes of SID_OFFLINE_*, by key id. False when there is
 * none. Any thread. */
bool sid_app_offline_key(const struct sid_app *app, int kid,
                         uint8_t out[SID_PUBLIC_KEY_BYTES]);

enum sid_change {
    SID_CHANGE_SUSPEND,
    SID_CHANGE_RESUME,
    SID_CHANGE_REVOKE,
    SID_CHANGE_UPGRADE /* an officer has seen person and card */
};
struct sid_credential_change {
    struct sid_credential_look look; /* first: flow, id, credential, state */
    enum sid_change change;          /* in */
    /* in, of a revocation */
    enum sid_revoke_reason reason;
    char note[SID_NOTE_SIZE]; /* "" when none */
};
/* After SID_OK no verification that begins later answers by the former state.
 * flow.err: SID_E_NOT_FOUND, SID_E_FORBIDDEN (resumed by somebody who may not;
 * recorded), SID_E_CONFLICT (upgraded already), those of sid_life_suspend(),
 * _resume(), _revoke() … */
void sid_credential_change_start(struct sid_credential_change *change);
void sid_credential_change_fini(struct sid_credential_change *change);

/* A person who has a credential gets one of another type, in the place of any
 * that they have of it: by the app that enrolled them, or an officer. */
struct sid_issue {
    struct sid_credential_look look; /* first: flow; id: of the one that it
                                        stands on; credential: the new one */
    const struct sid_credential_type *type; /* in: static; needs another one */
    struct sid_details details;             /* in */
    int64_t valid_until_s;                  /* in: as in sid_life */
};
/* flow.err: SID_E_NOT_FOUND, SID_E_CONFLICT (it does not stand on that type),
 * SID_E_FIELD_INVALID (it has expired), SID_E_FORBIDDEN (one that somebody else
 * has suspended stands), those of a state that is not active … */
void sid_issue_start(struct sid_issue *issue);
void sid_issue_fini(struct sid_issue *issue);

#endif
