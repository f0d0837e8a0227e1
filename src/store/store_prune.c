/* store_prune.c: the audit log without its oldest rows: removing them, the
 * anchor they leave, how old the rest is. Run by the thread that owns the
 * store; owns nothing. */
#include <string.h>

#include "store_front.h"

/* ---- the anchor ---------------------------------------------------------- */

enum sid_err
sid_store_audit_anchor(struct sid_store *store, const struct sid_mac_key *key,
                       int slot, int64_t *seq, uint8_t mac[SID_SHA256_BYTES]) {
    struct sid_back_anchor anchor = {.seq = 0};
    uint8_t seal[SID_SHA256_BYTES];
    enum sid_err err = store->back->ops->anchor_get(store->back, slot, &anchor);

    if (err == SID_OK)
        err = sid_audit_anchor(key, anchor.seq, anchor.mac, seal);
    /* Another chain's, put in this one's place, is sealed as well. */
    if (err == SID_OK && (!sid_equal_ct(seal, anchor.seal, sizeof seal) ||
                          sid_chain_slot(anchor.seq) != slot))
        err = SID_E_SEAL;
    if (err == SID_E_NOT_FOUND) {
        anchor = (struct sid_back_anchor){.seq = sid_chain_base(slot)};
        err = SID_OK;
    }
    if (err == SID_OK) {
        *seq = anchor.seq;
        memcpy(mac, anchor.mac, sizeof anchor.mac);
    }
    return err;
}

enum sid_err
sid_front_walk_begin(struct sid_store *store, int slot,
                     struct sid_chain_walk *out) {
    struct sid_chain_walk walk = {.key = store->audit_key};
    enum sid_err err = sid_store_audit_anchor(store, walk.key, slot,
                                              &walk.head.seq, walk.head.mac);

    if (err == SID_E_SEAL) {
        walk.bad = true;
        err = SID_OK;
    }
    if (err == SID_OK)
        *out = walk;
    return err;
}

static enum sid_err
put_anchor(struct sid_store *store, const struct chain_head *last) {
    struct sid_back_anchor anchor = {.seq = last->seq};
    enum sid_err err =
        sid_audit_anchor(store->audit_key, last->seq, last->mac, anchor.seal);

    memcpy(anchor.mac, last->mac, sizeof anchor.mac);
    return err == SID_OK ? store->back->ops->anchor_put(store->back, &anchor)
                         : err;
}

/* ---- removing ------------------------------------------------------------ */

struct prune {
    struct sid_chain_walk walk; /* its head: the last row to be removed */
    int64_t before_us;
    int64_t last_seq; /* the last that may go */
    bool enough;
};

static enum sid_err
prune_row(const struct sid_audit_entry *entry, void *ctx) {
    struct prune *prune = ctx;

    if (prune->enough || prune->walk.bad)
        return SID_OK;
    if (entry->row.at_us >= prune->before_us ||
        entry->row.seq > prune->last_seq) {
        prune->enough = true;
        return SID_OK;
    }
    return sid_front_walk_row(entry, &prune->walk);
}

/* Of the chain that prune->last_seq is in. */
static enum sid_err
remove_oldest(struct sid_store *store, struct prune *prune, int limit,
              int64_t *removed) {
    struct sid_back *back = sid_front_for_write(store);
    int slot = sid_chain_slot(prune->last_seq);
    enum sid_err err = sid_front_walk_begin(store, slot, &prune->walk);

    if (err == SID_OK)
        err = back->ops->audit_scan(back, sid_chain_low(slot),
                                    sid_chain_high(slot), limit, prune_row,
                                    prune);
    if (err == SID_OK && prune->walk.bad)
        err = SID_E_SEAL;
    if (err == SID_OK && prune->walk.rows > 0) {
        store->littered = true;
        err = back->ops->audit_prune(back, prune->walk.head.seq);
        if (err == SID_OK)
            err = put_anchor(store, &prune->walk.head);
    }
    if (err == SID_OK)
        *removed = prune->walk.rows;
    return err;
}

/* The last row of any chain; its base when there is none. */
static enum sid_err
last_of(struct sid_store *store, int slot, int64_t *seq) {
    uint8_t mac[SID_SHA256_BYTES];
    int64_t at_us = 0;

    if (slot == store->slot && !store->read_only) {
        *seq = store->head.seq;
        return SID_OK;
    }
    return store->back->ops->audit_head(store->back, slot, seq, &at_us, mac);
}

static enum sid_err
prune_chain(struct sid_store *store, int slot, int64_t before_us, int limit,
            int64_t *removed) {
    struct prune prune = {.before_us = before_us};
    enum sid_err err = last_of(store, slot, &prune.last_seq);

    if (err != SID_OK || prune.last_seq <= sid_chain_base(slot))
        return err;
    prune.last_seq--;
    return remove_oldest(store, &prune, limit, removed);
}

enum sid_err
sid_store_audit_prune(struct sid_store *store, int64_t before_us, int limit,
                      int64_t *removed) {
    int64_t all = 0;
    int slot = 0;
    enum sid_err err = SID_OK;

    while (err == SID_OK && all < limit &&
           (err = sid_store_audit_slot(store, &slot)) == SID_OK) {
        int64_t some = 0;

        err = prune_chain(store, slot++, before_us, limit - (int)all, &some);
        all += some;
    }
    if (err == SID_E_NOT_FOUND)
        err = SID_OK; /* there are no more chains */
    if (err == SID_OK)
        *removed = all;
    return err;
}

struct match {
    int64_t seq;
    const uint8_t *mac;
    bool found;
};

static enum sid_err
match_row(const struct sid_audit_entry *entry, void *ctx) {
    struct match *match = ctx;

    match->found = entry->intact && entry->row.seq == match->seq &&
                   sid_equal_ct(entry->mac, match->mac, sizeof entry->mac);
    return SID_OK;
}

enum sid_err
sid_store_audit_cut(struct sid_store *store, int64_t last_seq,
                    const uint8_t mac[SID_SHA256_BYTES], int limit,
                    int64_t *removed) {
    struct sid_back *back = sid_front_for_write(store);
    struct match match = {.seq = last_seq, .mac = mac};
    struct prune prune = {.before_us = INT64_MAX, .last_seq = last_seq};
    int slot = sid_chain_slot(last_seq);
    int64_t newest = 0;
    enum sid_err err = last_of(store, slot, &newest);

    if (err == SID_OK && last_seq > sid_chain_base(slot) && last_seq < newest)
        err = back->ops->audit_scan(back, last_seq - 1, last_seq, 1, match_row,
                                    &match);
    if (err == SID_OK && !match.found)
        err = SID_E_CONFLICT;
    return err == SID_OK ? remove_oldest(store, &prune, limit, removed) : err;
}

/* ---- its age ------------------------------------------------------------- */

struct peek {
    bool found;
    int64_t seq;
    int64_t at_us;
};

static enum sid_err
peek_row(const struct sid_audit_entry *entry, void *ctx) {
    struct peek *peek = ctx;

    *peek = (struct peek){true, entry->row.seq, entry->row.at_us};
    return SID_OK;
}

/* The first row of a chain behind after_seq. */
static enum sid_err
peek_behind(struct sid_store *store, int slot, int64_t after_seq,
            struct peek *out) {
    *out = (struct peek){.found = false};
    return store->back->ops->audit_scan(store->back, after_seq,
                                        sid_chain_high(slot), 1, peek_row, out);
}

enum sid_err
sid_store_audit_find(struct sid_store *store, int slot, int64_t before_us,
                     int64_t *seq) {
    struct peek first, middle;
    int64_t last = 0;
    enum sid_err err = peek_behind(store, slot, sid_chain_low(slot), &first);

    if (err == SID_OK)
        err = last_of(store, slot, &last);
    if (err != SID_OK)
        return err;
    /* Numbers rise by one with every row, and so do times: cut in halves. */
    int64_t low = first.found ? first.seq - 1 : sid_chain_base(slot);
    int64_t high = last + 1; /* is not older */
    while (first.found && high - low > 1) {
        int64_t at = low + (high - low) / 2;
        err = peek_behind(store, slot, at - 1, &middle);
        if (err != SID_OK)
            return err;
        if (middle.found && middle.at_us < before_us)
            low = at;
        else
            high = at;
    }
    *seq = low;
    return SID_OK;
}

enum sid_err
sid_store_audit_age(struct sid_store *store, int64_t before_us, int64_t *due,
                    int64_t *oldest_us) {
    int64_t rows = 0;
    int64_t oldest = 0;
    int slot = 0;
    enum sid_err err;

    for (; (err = sid_store_audit_slot(store, &slot)) == SID_OK; slot++) {
        struct peek first;
        int64_t seq = 0;

        err = peek_behind(store, slot, sid_chain_low(slot), &first);
        if (err == SID_OK)
            err = sid_store_audit_find(store, slot, before_us, &seq);
        if (err != SID_OK)
            return err;
        rows += seq - (first.seq - 1);
        if (oldest == 0 || first.at_us < oldest)
            oldest = first.at_us;
    }
    if (err != SID_E_NOT_FOUND)
        return err;
    *due = rows;
    *oldest_us = oldest;
    return SID_OK;
}
