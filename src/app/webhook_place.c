/* webhook_place.c: where the app's backend has been told of each chain of the
 * audit log up to. Run by the writer's thread; owns nothing. */
#include "app_internal.h"

static enum sid_err
find_chains(struct sid_webhook_places *begin, struct sid_store *store) {
    uint64_t others = 0;
    enum sid_err err = sid_store_audit_chains(store, &others);
    begin->chains = UINT64_C(1) << sid_store_slot(store) | others;
    return err;
}

static enum sid_err
find_places(struct sid_webhook_places *begin, struct sid_store *store) {
    enum sid_err err = SID_OK;
    begin->found = false;
    for (int slot = 0; err == SID_OK && slot < SID_SLOTS_MAX; slot++) {
        begin->known[slot] = false;
        if ((begin->chains >> slot & 1) == 0)
            continue;
        err = sid_store_webhook_place(store, slot, &begin->seq[slot]);
        begin->known[slot] = err == SID_OK;
        begin->found = begin->found || err == SID_OK;
        if (err == SID_E_NOT_FOUND)
            err = SID_OK;
    }
    return err;
}

static enum sid_err
keep_seq(const struct sid_audit_entry *entry, void *ctx) {
    *(int64_t *)ctx = entry->row.seq;
    return SID_OK;
}

/* Behind the last row of a chain, or before its first. */
static enum sid_err
place_of(struct sid_store *store, int slot, bool last, int64_t *out) {
    int64_t seq = sid_chain_base(slot);
    enum sid_err err = SID_OK;
    if (last)
        err = sid_store_audit_find(store, slot, INT64_MAX, &seq);
    else
        err = sid_store_audit_range(store, sid_chain_low(slot),
                                    sid_chain_high(slot), 1, keep_seq, &seq);
    if (err == SID_OK)
        *out = last || seq == sid_chain_base(slot) ? seq : seq - 1;
    return err;
}

enum sid_err
sid_webhook_find_places(struct sid_store *store,
                        struct sid_webhook_places *begin) {
    enum sid_err err = find_chains(begin, store);
    if (err == SID_OK)
        err = find_places(begin, store);
    for (int slot = 0; err == SID_OK && slot < SID_SLOTS_MAX; slot++) {
        if ((begin->chains >> slot & 1) == 0 || begin->known[slot])
            continue;
        err = place_of(store, slot, !begin->found, &begin->seq[slot]);
        if (err == SID_OK)
            err = sid_store_webhook_told(store, begin->seq[slot]);
        begin->known[slot] = err == SID_OK;
    }
    return err;
}
