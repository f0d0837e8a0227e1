/* credential.h: the life of a credential: its states, and who may change them
 * into which. Pure. Any thread. */
#ifndef SMARTID_CREDENTIAL_H
#define SMARTID_CREDENTIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "smartid/apikey.h"
#include "smartid/credential_type.h"
#include "smartid/err.h"

/* X(symbol, word, what whoever wants to use it is told). Stored by word, but
 * for expired, which follows from the clock. */
#define SID_CREDENTIAL_STATE_MAP(X)                                            \
    X(SID_CREDENTIAL_ACTIVE, "active", SID_OK)                                 \
    X(SID_CREDENTIAL_SUSPENDED, "suspended", SID_E_SUSPENDED)                  \
    X(SID_CREDENTIAL_REVOKED, "revoked", SID_E_REVOKED)                        \
    X(SID_CREDENTIAL_REPLACED, "replaced", SID_E_REPLACED)                     \
    X(SID_CREDENTIAL_EXPIRED, "expired", SID_E_EXPIRED)
enum sid_credential_state {
#define SID_CREDENTIAL_STATE_ENUM(sym, word, err) sym,
    SID_CREDENTIAL_STATE_MAP(SID_CREDENTIAL_STATE_ENUM)
#undef SID_CREDENTIAL_STATE_ENUM
        SID_CREDENTIAL_STATE_COUNT
};
const char *sid_credential_state_name(enum sid_credential_state state);
/* Of a stored word. Errors: SID_E_FIELD_INVALID. */
SID_FALLIBLE enum sid_err
sid_credential_state_parse(const char *name, enum sid_credential_state *out);
/* SID_OK of active; else the error that says why it cannot be used. */
enum sid_err sid_credential_state_err(enum sid_credential_state state);

/* Why one is revoked. X(symbol, word, whether only an officer can say so). A
 * closed list: it stands in the audit log, and free words could name somebody.
 */
#define SID_REVOKE_REASON_MAP(X)                                               \
    X(SID_REVOKE_NONE, "", true) /* not revoked, or before there was a list */ \
    X(SID_REVOKE_LOST, "lost", false)                                          \
    X(SID_REVOKE_STOLEN, "stolen", false)                                      \
    X(SID_REVOKE_UNWANTED, "unwanted", false)                                  \
    X(SID_REVOKE_DATA_WRONG, "data_wrong", true)                               \
    X(SID_REVOKE_CARD_INVALID, "card_invalid", true)                           \
    X(SID_REVOKE_DECEASED, "deceased", true)                                   \
    X(SID_REVOKE_FRAUD, "fraud", true)
enum sid_revoke_reason {
#define SID_REVOKE_REASON_ENUM(sym, word, officers) sym,
    SID_REVOKE_REASON_MAP(SID_REVOKE_REASON_ENUM)
#undef SID_REVOKE_REASON_ENUM
        SID_REVOKE_REASON_COUNT
};
#define SID_REVOKE_REASON_SIZE 24 /* of the longest word, with room */
const char *sid_revoke_reason_name(enum sid_revoke_reason reason);
/* Whether only officers say, and are told, this reason. */
bool sid_revoke_reason_officers(enum sid_revoke_reason reason);
/* Of a word, "" too. Errors: SID_E_FIELD_INVALID. */
SID_FALLIBLE enum sid_err sid_revoke_reason_parse(const char *name,
                                                  enum sid_revoke_reason *out);

/* Where a credential stands. */
struct sid_life {
    enum sid_credential_state state; /* as stored: never expired */
    int64_t since_s;                 /* 0: active since it was issued */
    enum sid_role suspended_by;      /* NONE unless suspended */
    enum sid_revoke_reason reason;   /* NONE unless revoked */
    int64_t valid_until_s;           /* expired from then on; 0: never */
};
/* The state at now_s. What was revoked or replaced does not expire. */
enum sid_credential_state sid_life_state(const struct sid_life *life,
                                         int64_t now_s);

/* The changes; *life is untouched on an error. Each can give the error of a
 * state (sid_credential_state_err()) that does not allow it. */
/* A stronger role takes a suspension over: holder, app, officer. Errors:
 * SID_E_SUSPENDED (by this role already, or a stronger one), states. */
SID_FALLIBLE enum sid_err sid_life_suspend(struct sid_life *life,
                                           enum sid_role by, int64_t now_s);
/* By whoever has suspended it, or an officer. Errors: SID_E_FORBIDDEN
 * (somebody else has), SID_E_CONFLICT (it is active), states. */
SID_FALLIBLE enum sid_err sid_life_resume(struct sid_life *life,
                                          enum sid_role by, int64_t now_s);
/* For ever. Errors: SID_E_FIELD_INVALID (a reason that is not theirs), states
 * (an expired one can be revoked). */
SID_FALLIBLE enum sid_err sid_life_revoke(struct sid_life *life,
                                          enum sid_role by,
                                          enum sid_revoke_reason reason,
                                          int64_t now_s);
/* For ever: another one of its type takes its place. Errors: states. */
SID_FALLIBLE enum sid_err sid_life_replace(struct sid_life *life,
                                           int64_t now_s);

/* ---- the last day of a card ---------------------------------------------- */
#define SID_DATE_SIZE 11 /* "2035-01-31" and NUL */
/* From "2035-01-31", the last valid day in China, to the second in which it has
 * passed. Errors: SID_E_FIELD_INVALID (not a date of 1970..9998). */
SID_FALLIBLE enum sid_err sid_valid_until_parse(const char *text, int64_t *out);
void sid_valid_until_text(int64_t valid_until_s, char out[SID_DATE_SIZE]);

#endif
