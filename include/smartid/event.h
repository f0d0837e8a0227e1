/* event.h: what the app's backend is told: which rows of the audit log become
 * events, how an event reads, how a batch of them is signed. Pure; any thread.
 *
 * The audit log is the outbox: what happened is in it before it is answered, in
 * order, by ids and words alone, so that nothing has to be written twice. */
#ifndef SMARTID_EVENT_H
#define SMARTID_EVENT_H

#include "smartid/audit.h"
#include "smartid/buf.h"
#include "smartid/mac.h"

/* X(symbol, type as it is sent, the member that names what it is about) */
#define SID_EVENT_MAP(X)                                                       \
    X(SID_EVENT_DECIDED, "enrollment.decided", "enrollment")                   \
    X(SID_EVENT_CHANGED, "credential.changed", "credential")                   \
    X(SID_EVENT_RECOVERED, "credential.recovered", "credential")               \
    X(SID_EVENT_NOT_RECOVERED, "credential.recovery_failed", "credential")     \
    X(SID_EVENT_EXPIRING, "credential.expiring", "credential")                 \
    X(SID_EVENT_CHECKED, "credential.checked", "credential")
enum sid_event_type {
#define SID_EVENT_ENUM(sym, type, member) sym,
    SID_EVENT_MAP(SID_EVENT_ENUM)
#undef SID_EVENT_ENUM
        SID_EVENT_COUNT
};
const char *sid_event_type_name(enum sid_event_type type);

/* Whether a row becomes an event, and of which type. Rows that somebody has
 * spoilt do not. */
bool sid_event_of(const struct sid_audit_entry *entry,
                  enum sid_event_type *out);
/* "SEQ-MAC": the row's number and the beginning of its MAC, so that an id does
 * not come again with another event after a backup was restored. */
#define SID_EVENT_ID_SIZE 32
void sid_event_id(const struct sid_audit_entry *entry,
                  char out[SID_EVENT_ID_SIZE]);
/* Longest event as JSON, with a final NUL. Source: own count: names, ids and
 * words have under 400 bytes, a counter of 64 bytes has at most 384. */
#define SID_EVENT_BODY_SIZE 1024
/* Appends the event as a JSON object. Errors: SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_event_print(const struct sid_audit_entry *entry,
                                          enum sid_event_type type,
                                          struct sid_buf *to);

/* What both sides know: 160 bits, as 32 characters, and these are the key of
 * the signature. Made from the keyring's branch for it (borrowed). The caller
 * wipes it. Errors: SID_E_CRYPTO. */
#define SID_EVENT_SECRET_SIZE (SID_KEY_BYTES + 1)
SID_FALLIBLE enum sid_err sid_event_secret(const struct sid_mac_key *branch,
                                           char out[SID_EVENT_SECRET_SIZE]);
/* "t=TIME,v1=HEX": HMAC-SHA-256 under the secret over TIME, a dot, and the
 * body. Errors: SID_E_CRYPTO. */
#define SID_EVENT_SIGNATURE_SIZE 96
SID_FALLIBLE enum sid_err sid_event_sign(const struct sid_mac_key *secret,
                                         int64_t now_s, struct sid_span body,
                                         char out[SID_EVENT_SIGNATURE_SIZE]);

#endif
