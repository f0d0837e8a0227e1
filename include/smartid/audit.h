/* audit.h: the rows of the audit log and how they are chained.
 *
 * Each row's MAC covers the row and the MAC before it, under a key that is not
 * in the database. Appended by the store in the transaction of what it records.
 * Pure. Any thread. */
#ifndef SMARTID_AUDIT_H
#define SMARTID_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartid/err.h"
#include "smartid/mac.h"

/* Several daemons on one database write a chain each, so that none waits for
 * another. Above the lowest 40 bits of a row's number stands the chain: the
 * slot of the daemon that wrote it; below them the row's place in it, from 1.
 * Each chain stands on zeros; the number, which the MAC covers, says whose row
 * it is. Where there is one daemon, there is chain 0 alone: 1, 2, 3 … Source:
 * 2^40 rows are 34 years of 1,000 a second, and the numbers of 64 chains stay
 * below 2^53, up to which JSON's are exact. */
#define SID_CHAIN_BITS 40
#define SID_SLOTS_MAX 64

/* The number that a chain's rows come behind. */
static inline int64_t
sid_chain_base(int slot) {
    return (int64_t)slot << SID_CHAIN_BITS;
}

/* Which chain a row's number belongs to; one that nobody gives, to the first or
 * the last. */
static inline int
sid_chain_slot(int64_t seq) {
    int64_t slot = seq < 0 ? 0 : seq >> SID_CHAIN_BITS;

    return slot < SID_SLOTS_MAX ? (int)slot : SID_SLOTS_MAX - 1;
}

/* A chain has the numbers above low, up to high. */
static inline int64_t
sid_chain_low(int slot) {
    return slot == 0 ? INT64_MIN : sid_chain_base(slot) - 1;
}

static inline int64_t
sid_chain_high(int slot) {
    return slot == SID_SLOTS_MAX - 1 ? INT64_MAX : sid_chain_base(slot + 1) - 1;
}

/* A row. All text is borrowed, never NULL ("" when empty), and never personal:
 * ids, words, numbers. */
struct sid_audit_row {
    int64_t seq;         /* see above */
    int64_t at_us;       /* wall clock */
    const char *event;   /* "verification", "enrolment_decided" … */
    const char *actor;   /* client id, "holder", "system", "control" */
    const char *subject; /* id of what it is about */
    const char *outcome; /* "valid", "code_mac", "approved" … */
    const char *detail;  /* "id=ver_… purpose=bank_account counter=12" */
};

/* A row as it lies in a store. */
struct sid_audit_entry {
    struct sid_audit_row row;
    uint8_t mac[SID_SHA256_BYTES]; /* zero when it has not this length */
    bool intact;                   /* every column has the form that is written:
                                      its type, no NUL inside, a whole MAC */
};

/* mac = HMAC(key, previous mac | each field with its length). Errors:
 * SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err sid_audit_link(const struct sid_mac_key *key,
                                         const uint8_t prev[SID_SHA256_BYTES],
                                         const struct sid_audit_row *row,
                                         uint8_t mac[SID_SHA256_BYTES]);

/* One "key=value" of a detail; borrowed from it. */
struct sid_audit_member {
    const char *key, *value;
    size_t key_len, value_len; /* bytes */
};
/* Takes the next member and moves *at behind it. Members are parted by a blank;
 * a value of several words stands in quotes, which are taken away; a value that
 * is somebody's own text ("counter", "value") stands last and runs to the end.
 * False when nothing of that form follows: then *at is "" exactly when all has
 * been read. */
bool sid_audit_member_next(const char **at, struct sid_audit_member *out);
/* The member of that name, or false. */
bool sid_audit_member_find(const char *detail, const char *key,
                           struct sid_audit_member *out);
/* The seal of the place where the log begins once its oldest rows are gone: seq
 * and MAC of the last of them. Errors: SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err sid_audit_anchor(const struct sid_mac_key *key,
                                           int64_t seq,
                                           const uint8_t mac[SID_SHA256_BYTES],
                                           uint8_t seal[SID_SHA256_BYTES]);

#endif
