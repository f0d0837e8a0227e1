/* erasure.h: why a person is erased, and what is erased by itself after a time:
 * the words of it. Pure. Any thread. */
#ifndef SMARTID_ERASURE_H
#define SMARTID_ERASURE_H

#include <stdbool.h>

#include "smartid/err.h"

/* X(symbol, wire name, whether somebody can ask for it). A closed list: a
 * reason in free words could name the person who is to be forgotten. Stored by
 * wire name. Source of those that can be asked for: PIPL Art. 47. */
#define SID_ERASE_CAUSE_MAP(X)                                                 \
    X(SID_ERASE_REQUEST, "request", true)                                      \
    X(SID_ERASE_CONSENT, "consent_withdrawn", true)                            \
    X(SID_ERASE_PURPOSE, "purpose_ended", true)                                \
    X(SID_ERASE_MISTAKE, "mistake", true)                                      \
    X(SID_ERASE_UNLAWFUL, "unlawful", true)                                    \
    /* the rules of retention */                                               \
    X(SID_ERASE_UNDECIDED, "undecided", false)                                 \
    X(SID_ERASE_REJECTED, "rejected", false)                                   \
    X(SID_ERASE_FAILED, "failed", false)                                       \
    X(SID_ERASE_REVOKED, "revoked", false)
enum sid_erase_cause {
#define SID_ERASE_CAUSE_ENUM(sym, name, asked) sym,
    SID_ERASE_CAUSE_MAP(SID_ERASE_CAUSE_ENUM)
#undef SID_ERASE_CAUSE_ENUM
        SID_ERASE_CAUSE_COUNT
};
const char *sid_erase_cause_name(enum sid_erase_cause cause);
/* Reads a cause that can be asked for. Errors: SID_E_FIELD_INVALID. */
SID_FALLIBLE enum sid_err sid_erase_cause_parse(const char *name,
                                                enum sid_erase_cause *out);

/* What goes by itself: people, by the state they have been in for too long, and
 * old rows of the audit log. X(symbol, name, cause of the erasure). */
#define SID_RETENTION_MAP(X)                                                   \
    X(SID_RETAIN_UNDECIDED, "undecided", SID_ERASE_UNDECIDED)                  \
    X(SID_RETAIN_REJECTED, "rejected", SID_ERASE_REJECTED)                     \
    X(SID_RETAIN_FAILED, "failed", SID_ERASE_FAILED)                           \
    X(SID_RETAIN_REVOKED, "revoked", SID_ERASE_REVOKED)                        \
    X(SID_RETAIN_AUDIT, "audit", SID_ERASE_CAUSE_COUNT)
enum sid_retention_rule {
#define SID_RETENTION_ENUM(sym, name, cause) sym,
    SID_RETENTION_MAP(SID_RETENTION_ENUM)
#undef SID_RETENTION_ENUM
        SID_RETENTION_COUNT
};
const char *sid_retention_name(enum sid_retention_rule rule);
/* Not of SID_RETAIN_AUDIT: it erases nobody. */
enum sid_erase_cause sid_retention_cause(enum sid_retention_rule rule);

#endif
