/* store_prune.c: the audit log without its oldest rows: removing them, the
 * anchor they leave, how old the rest is. Run by the thread that owns the
 * store; owns nothing. */
#include <string.h>

#include "store_front.h"

/* ---- the anchor ---------------------------------------------------------- */

enum sid_err
sid_store_audit_anchor(struct sid_store *store, const struct sid_mac_key *key,
                       int64_t *seq, uint8_t mac[SID_SHA256_BYTES]) {
    struct sid_back_anchor anchor = {.seq = 0};
    uint8_t seal[SID_SHA256_BYTES];
    enum sid_err err = store->back->ops->anchor_get(store->back, &anchor);

    if (err == SID_OK)
        err = sid_audit_anchor(key, anchor.seq, anchor.mac, seal);
    if (err == SID_OK && !sid_equal_ct(seal, anchor.seal, sizeof seal))
        err = SID_E_SEAL;
    if (err == SID_E_NOT_FOUND) {
        anchor = (struct sid_back_anchor){.seq = 0};
        err = SID_OK;
    }
    if (err == SID_OK) {
        *seq = anchor.seq;
        memcpy(mac, anchor.mac, sizeof anchor.mac);
    }
    return err;
}

enum sid_err
sid_front_walk_begin(struct sid_store *store, struct sid_chain_walk *out) {
    struct sid_chain_walk walk = {.key = store->audit_key};
    enum sid_err err =
        sid_store_audit_anchor(store, walk.key, &walk.head.seq, walk.head.mac);

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

static enum sid_err
remove_oldest(struct sid_store *store, struct prune *prune, int limit,
              int64_t *removed) {
    struct sid_back *back = sid_front_for_write(store);
    enum sid_err err = sid_front_walk_begin(store, &prune->walk);

    if (err == SID_OK)
        err = back->ops->audit_scan(back, INT64_MIN, limit, prune_row, prune);
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

enum sid_err
sid_store_audit_prune(struct sid_store *store, int64_t before_us, int limit,
                      int64_t *removed) {
    struct prune prune = {.before_us = before_us,
                          .last_seq = store->head.seq - 1};

    return remove_oldest(store, &prune, limit, removed);
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
    enum sid_err err = SID_OK;

    if (last_seq >= 1 && last_seq < store->head.seq)
        err = back->ops->audit_scan(back, last_seq - 1, 1, match_row, &match);
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

/* The first row behind after_seq. */
static enum sid_err
peek_behind(struct sid_store *store, int64_t after_seq, struct peek *out) {
    *out = (struct peek){.found = false};
    return store->back->ops->audit_scan(store->back, after_seq, 1, peek_row,
                                        out);
}

enum sid_err
sid_store_audit_age(struct sid_store *store, int64_t before_us, int64_t *due,
                    int64_t *oldest_us) {
    struct peek first, middle;
    enum sid_err err = peek_behind(store, INT64_MIN, &first);

    if (err != SID_OK)
        return err;
    /* Numbers rise by one with every row, and so do times: cut in halves. */
    int64_t low = first.found ? first.seq - 1 : 0; /* is older, or nothing */
    int64_t high = store->head.seq + 1;            /* is not */
    while (first.found && high - low > 1) {
        int64_t at = low + (high - low) / 2;
        err = peek_behind(store, at - 1, &middle);
        if (err != SID_OK)
            return err;
        if (middle.found && middle.at_us < before_us)
            low = at;
        else
            high = at;
    }
    *due = first.found ? low - (first.seq - 1) : 0;
    *oldest_us = first.found ? first.at_us : 0;
    return SID_OK;
}
