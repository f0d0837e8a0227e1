/* audit.h: the rows of the audit log and how they are chained.
 *
 * Each row's MAC covers the row and the MAC before it, under a key that is not
 * in the database. Appended by the store in the transaction of what it records.
 * Pure. Any thread. */
#ifndef SMARTID_AUDIT_H
#define SMARTID_AUDIT_H

#include <stdint.h>

#include "smartid/err.h"
#include "smartid/mac.h"

/* A row. All text is borrowed, never NULL ("" when empty), and never personal:
 * ids, words, numbers. */
struct sid_audit_row {
    int64_t seq;         /* 1, 2, 3 … */
    int64_t at_us;       /* wall clock */
    const char *event;   /* "verification", "enrolment_decided" … */
    const char *actor;   /* client id, "holder", "system", "control" */
    const char *subject; /* id of what it is about */
    const char *outcome; /* "valid", "code_mac", "approved" … */
    const char *detail;  /* "purpose=bank_account counter=12 id=ver_…" */
};

/* mac = HMAC(key, previous mac | each field with its length). Errors:
 * SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err sid_audit_link(const struct sid_mac_key *key,
                                         const uint8_t prev[SID_SHA256_BYTES],
                                         const struct sid_audit_row *row,
                                         uint8_t mac[SID_SHA256_BYTES]);

/* The seal of the place where the log begins once its oldest rows are gone: seq
 * and MAC of the last of them. Errors: SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err sid_audit_anchor(const struct sid_mac_key *key,
                                           int64_t seq,
                                           const uint8_t mac[SID_SHA256_BYTES],
                                           uint8_t seal[SID_SHA256_BYTES]);

#endif
