/* store_slot.c: the part of the store's front about several stores on one
 * database: which this one is, which others there are, what is taken over from
 * those that have gone. Run by the thread that owns the store; owns nothing. */
#include "store_front.h"

static enum sid_err
note_slot(const struct sid_audit_entry *entry, void *ctx) {
    *(int *)ctx = sid_chain_slot(entry->row.seq);
    return SID_OK;
}

enum sid_err
sid_store_audit_slot(struct sid_store *store, int *slot) {
    int found = -1;

    if (*slot >= SID_SLOTS_MAX)
        return SID_E_NOT_FOUND;
    enum sid_err err = store->back->ops->audit_scan(
        store->back, sid_chain_low(*slot), INT64_MAX, 1, note_slot, &found);
    if (err != SID_OK)
        return err;
    if (found < 0)
        return SID_E_NOT_FOUND;
    *slot = found;
    return SID_OK;
}

enum sid_err
sid_store_audit_chains(struct sid_store *store, uint64_t *out) {
    uint64_t chains = 0;
    enum sid_err err = SID_OK;

    for (int slot = 0; (err = sid_store_audit_slot(store, &slot)) == SID_OK;
         slot++)
        chains |= UINT64_C(1) << slot;
    if (err != SID_E_NOT_FOUND)
        return err;
    *out = chains;
    return SID_OK;
}

enum sid_err
sid_store_audit_began(struct sid_store *store, int slot, bool *out) {
    struct sid_back *back = store->back;
    struct sid_back_anchor anchor = {.seq = 0};
    bool began = false;
    enum sid_err err = back->ops->anchor_get(back, slot, &anchor);

    if (err == SID_OK)
        began = true;
    else if (err == SID_E_NOT_FOUND)
        err = back->ops->slot_used == NULL
                  ? SID_OK
                  : back->ops->slot_used(back, slot, &began);
    if (err == SID_OK)
        *out = began;
    return err;
}

int
sid_store_slot(const struct sid_store *store) {
    return store->slot;
}

bool
sid_store_is_shared(const struct sid_store *store) {
    return store->back->ops->enrol_orphans != NULL;
}

enum sid_err
sid_store_slot_each(struct sid_store *store, int64_t since_us,
                    enum sid_err (*each)(int slot, void *ctx), void *ctx) {
    return store->back->ops->slot_each == NULL
               ? each(store->slot, ctx)
               : store->back->ops->slot_each(store->back, since_us, each, ctx);
}

enum sid_err
sid_store_recount(struct sid_store *store) {
    int64_t own = 0;
    int64_t others = 0;
    enum sid_err err = store->back->ops->template_count(
        store->back, store->slot, &own, &others);

    if (err == SID_OK)
        store->faces_others = others;
    return err;
}

enum sid_err
sid_store_client_mark(struct sid_store *store, struct sid_client_mark *out) {
    return store->back->ops->client_mark(store->back, out);
}

enum sid_err
sid_store_enrol_orphans(struct sid_store *store, int64_t before_us, bool *out) {
    *out = false;
    return sid_store_is_shared(store)
               ? store->back->ops->enrol_orphans(store->back, before_us, out)
               : SID_OK;
}

enum sid_err
sid_store_enrol_take_over(struct sid_store *store, int64_t before_us,
                          enum sid_err (*each)(const char *id, int attempts,
                                               void *ctx),
                          void *ctx) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->enrol_take_over == NULL
               ? SID_OK
               : back->ops->enrol_take_over(back, before_us, each, ctx);
}

enum sid_err
sid_store_audit_range(struct sid_store *store, int64_t after_seq,
                      int64_t last_seq, int64_t limit, sid_audit_each_fn *each,
                      void *ctx) {
    if (limit <= 0)
        return SID_OK;
    return store->back->ops->audit_scan(store->back, after_seq, last_seq, limit,
                                        each, ctx);
}
