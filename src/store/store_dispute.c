/* store_dispute.c: the front's part in the checks that holders see and dispute.
 * Run by the thread that owns the store; owns nothing. */
#include "smartid/dispute.h"

#include <string.h>

#include "store_front.h"

static const char *const outcomes[SID_DISPUTE_OUTCOMES] = {
#define SID_DISPUTE_ROW(sym, word) [sym] = (word),
    SID_DISPUTE_MAP(SID_DISPUTE_ROW)
#undef SID_DISPUTE_ROW
};

const char *
sid_dispute_outcome_name(enum sid_dispute_outcome outcome) {
    SID_ASSERT((unsigned)outcome < SID_DISPUTE_OUTCOMES);
    return outcomes[outcome];
}

enum sid_err
sid_dispute_outcome_parse(const char *name, enum sid_dispute_outcome *out) {
    for (int i = 0; i < SID_DISPUTE_OUTCOMES; i++) {
        if (strcmp(outcomes[i], name) == 0) {
            *out = (enum sid_dispute_outcome)i;
            return SID_OK;
        }
    }
    return SID_E_FIELD_INVALID;
}

void
sid_dispute_fini(struct sid_dispute *dispute) {
    sid_buf_free(&dispute->reason_sealed);
    sid_buf_free(&dispute->note_sealed);
    sid_wipe(dispute, sizeof *dispute);
}

enum sid_err
sid_store_check_list(struct sid_store *store, const char *credential_id,
                     int64_t before_seq, int limit, sid_check_each_fn *each,
                     void *ctx) {
    return store->back->ops->check_list(store->back, credential_id, before_seq,
                                        limit, each, ctx);
}

enum sid_err
sid_store_check_find(struct sid_store *store, const char *credential_id,
                     const char *verification_id, int64_t *seq) {
    return store->back->ops->check_find(store->back, credential_id,
                                        verification_id, seq);
}

enum sid_err
sid_store_dispute_put(struct sid_store *store,
                      const struct sid_dispute *dispute) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->dispute_put(back, dispute);
}

enum sid_err
sid_store_dispute_get(struct sid_store *store, const char *id,
                      struct sid_dispute *out) {
    return store->back->ops->dispute_get(store->back, id, out);
}

enum sid_err
sid_store_dispute_list(
    struct sid_store *store, enum sid_dispute_outcome outcome,
    const char *after, int limit,
    enum sid_err (*each)(struct sid_dispute *take, void *ctx), void *ctx) {
    return store->back->ops->dispute_list(store->back, outcome, after, limit,
                                          each, ctx);
}

enum sid_err
sid_store_dispute_settle(struct sid_store *store,
                         const struct sid_dispute *dispute) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->dispute_settle(back, dispute);
}
