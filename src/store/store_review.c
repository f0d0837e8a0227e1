/* store_review.c: the part of the store's front that challenges, attempts,
 * two-person decisions, appeals and the overview use. Run by the thread that
 * owns the store; owns nothing. */
#include "store_front.h"

enum sid_err
sid_store_enrol_first(struct sid_store *store,
                      const struct sid_enrolment *enrolment) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->enrol_first(back, enrolment);
}

enum sid_err
sid_store_enrol_appeal(struct sid_store *store,
                       const struct sid_enrolment *enrolment) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->enrol_appeal(back, enrolment);
}

enum sid_err
sid_store_attempt_put(struct sid_store *store, const char *enrolment_id,
                      const uint8_t person[SID_SHA256_BYTES],
                      int64_t made_at_s) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->attempt_put(back, enrolment_id, person, made_at_s);
}

enum sid_err
sid_store_attempt_get(struct sid_store *store,
                      const uint8_t person[SID_SHA256_BYTES], int64_t after_s,
                      int nth, char id[SID_ID_SIZE], int64_t *made_at_s) {
    return store->back->ops->attempt_get(store->back, person, after_s, nth, id,
                                         made_at_s);
}

enum sid_err
sid_store_attempt_purge(struct sid_store *store, int64_t before_s,
                        int64_t after_s) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->attempt_purge(back, before_s, after_s);
}

enum sid_err
sid_store_challenge_put(struct sid_store *store,
                        const struct sid_challenge *challenge) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->challenge_put(back, challenge);
}

enum sid_err
sid_store_challenge_get(struct sid_store *store, const char *id,
                        struct sid_challenge *out) {
    return store->back->ops->challenge_get(store->back, id, out);
}

enum sid_err
sid_store_challenge_use(struct sid_store *store, const char *id,
                        const char *enrolment_id) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->challenge_use(back, id, enrolment_id);
}

enum sid_err
sid_store_challenge_purge(struct sid_store *store, int64_t before_s) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->challenge_purge(back, before_s);
}

enum sid_err
sid_store_enrol_recovery(struct sid_store *store,
                         const struct sid_enrolment *enrolment) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->enrol_recovery(back, enrolment);
}

enum sid_err
sid_store_overview(struct sid_store *store, int64_t since_s,
                   struct sid_store_overview *out) {
    return store->back->ops->overview(store->back, since_s, out);
}

enum sid_err
sid_store_reasons_each(struct sid_store *store, enum sid_enrol_state state,
                       int64_t since_s, int limit,
                       enum sid_err (*each)(const struct sid_reasons *,
                                            void *ctx),
                       void *ctx) {
    return store->back->ops->reasons_each(store->back, state, since_s, limit,
                                          each, ctx);
}
