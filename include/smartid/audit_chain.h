/* audit_chain.h: walking the audit log row by row and telling what was done to
 * it.
 *
 * A row that does not fit is judged by the row behind it: that one's MAC stands
 * on the MAC its predecessor had when both were written. Feed the rows in the
 * order of their numbers. Nothing is allocated. One thread at a time. */
#ifndef SMARTID_AUDIT_CHAIN_H
#define SMARTID_AUDIT_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "smartid/audit.h"

enum sid_chain_fault {
    SID_CHAIN_MISSING, /* these numbers are not there */
    SID_CHAIN_EXTRA,   /* a number that is there twice, or below 1 */
    SID_CHAIN_CHANGED, /* other content than its MAC was made over */
    SID_CHAIN_MAC,     /* the content fits, another MAC was put beside it */
    SID_CHAIN_DAMAGED, /* a column has not the form that is written */
    SID_CHAIN_STRANGE, /* fits neither before nor behind it: swapped, moved, put
                          in, or changed more than once */
};

struct sid_chain_finding {
    enum sid_chain_fault fault;
    int64_t first, last; /* numbers of rows, both included */
};
typedef void sid_chain_found_fn(const struct sid_chain_finding *finding,
                                void *ctx);

struct sid_chain {
    const struct sid_mac_key *key; /* borrowed */
    sid_chain_found_fn *found;
    void *ctx;

    int64_t rows; /* read so far */
    int64_t seq;  /* number of the last row; 0: none */
    uint8_t mac[SID_SHA256_BYTES];
    bool mac_known; /* else what the next row stands on is gone */
    /* The last row did not fit; the next one will show why. */
    bool doubt;
    uint8_t due_mac[SID_SHA256_BYTES]; /* the MAC it should have had */
    /* A finding that the next one may lengthen. */
    bool held;
    struct sid_chain_finding finding;
};

/* The log begins behind the row of this number and MAC, see
 * sid_store_audit_anchor(); 0 and zeros: with row 1. found is called for each
 * finding, in order. */
void sid_chain_begin(struct sid_chain *chain, const struct sid_mac_key *key,
                     int64_t seq, const uint8_t mac[SID_SHA256_BYTES],
                     sid_chain_found_fn *found, void *ctx);
/* Errors: SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err sid_chain_row(struct sid_chain *chain,
                                        const struct sid_audit_entry *entry);
/* After the last row: what is still in doubt is told. */
void sid_chain_end(struct sid_chain *chain);

#endif
