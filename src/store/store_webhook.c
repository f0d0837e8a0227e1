/* store_webhook.c: the part of the store's front about what the app's backend
 * is told. Run by the thread that owns the store; owns nothing. */
#include "store_front.h"

enum sid_err
sid_store_webhook_place(struct sid_store *store, int slot, int64_t *seq) {
    return store->back->ops->webhook_place(store->back, slot, seq);
}

enum sid_err
sid_store_webhook_told(struct sid_store *store, int64_t seq) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->webhook_told(back, seq);
}

enum sid_err
sid_store_webhook_bury(struct sid_store *store,
                       const struct sid_dead_event *event) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->webhook_bury(back, event);
}

enum sid_err
sid_store_webhook_dead_each(
    struct sid_store *store, bool again, int64_t after_seq, int limit,
    enum sid_err (*each)(const struct sid_dead_event *, void *), void *ctx) {
    return store->back->ops->webhook_dead_each(store->back, again, after_seq,
                                               limit, each, ctx);
}

enum sid_err
sid_store_webhook_dead_count(struct sid_store *store, int64_t *out) {
    return store->back->ops->webhook_dead_count(store->back, out);
}

enum sid_err
sid_store_webhook_again(struct sid_store *store, int64_t seq) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->webhook_again(back, seq);
}

enum sid_err
sid_store_webhook_exhume(struct sid_store *store, int64_t seq) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->webhook_exhume(back, seq);
}

enum sid_err
sid_store_expiring_each(struct sid_store *store, int64_t before_s, int limit,
                        enum sid_err (*each)(const char *, int64_t, void *),
                        void *ctx) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->expiring_each(back, before_s, limit, each, ctx);
}
