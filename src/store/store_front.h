/* store_front.h: the store as the files of its front see it. Private to
 * src/store; used by the thread that owns the store. */
#ifndef SID_STORE_FRONT_H
#define SID_STORE_FRONT_H

#include "store_back.h"

enum txn { TXN_NONE, TXN_READ, TXN_WRITE };

/* The last link of the audit chain; seq 0 and zeros before the first row. */
struct chain_head {
    int64_t seq;
    uint8_t mac[SID_SHA256_BYTES];
};

struct sid_store {
    struct sid_back *back;
    const struct sid_mac_key *audit_key; /* borrowed */
    enum txn txn;
    bool in_savepoint;
    struct chain_head head;
    struct chain_head head_at_begin;
    struct chain_head head_at_savepoint;
};

/* The back end, for a change: the caller must have begun a transaction. */
static inline struct sid_back *
sid_store_for_write(struct sid_store *store) {
    SID_ASSERT(store->txn == TXN_WRITE);
    return store->back;
}

#endif
