/* store_erase.c: the front's part in what is kept about a person and how long:
 * templates, portraits, erasure, who is due. Run by the thread that owns the
 * store; owns nothing. */
#include "store_front.h"

/* ---- templates ----------------------------------------------------------- */

enum sid_err
sid_store_template_put(struct sid_store *store, const char *enrolment_id,
                       struct sid_span sealed) {
    struct sid_back *back = sid_front_for_write(store);
    int change = 0;

    if (sealed.len != SID_TEMPLATE_SEALED_BYTES)
        return SID_E_ARGUMENT;
    enum sid_err err =
        back->ops->template_put(back, enrolment_id, sealed, &change);
    if (err == SID_OK)
        store->faces += change;
    store->littered = true; /* one may have been replaced */
    return err;
}

enum sid_err
sid_store_template_get(struct sid_store *store, const char *enrolment_id,
                       struct sid_buf *out) {
    return store->back->ops->template_get(store->back, enrolment_id, out);
}

enum sid_err
sid_front_template_delete(struct sid_store *store, const char *enrolment_id) {
    struct sid_back *back = sid_front_for_write(store);
    int change = 0;
    enum sid_err err = back->ops->template_delete(back, enrolment_id, &change);

    if (err == SID_OK)
        store->faces += change;
    return err;
}

int64_t
sid_store_template_count(const struct sid_store *store) {
    return store->faces + store->faces_others;
}

/* ---- portraits ----------------------------------------------------------- */

enum sid_err
sid_store_portrait_put(struct sid_store *store, const char *enrolment_id,
                       struct sid_span sealed) {
    struct sid_back *back = sid_front_for_write(store);

    if (sealed.len > SID_PORTRAIT_SEALED_MAX_BYTES)
        return SID_E_ARGUMENT;
    store->littered = true; /* one may be replaced */
    return back->ops->portrait_put(back, enrolment_id, sealed);
}

enum sid_err
sid_store_portrait_get(struct sid_store *store, const char *enrolment_id,
                       struct sid_buf *out) {
    return store->back->ops->portrait_get(store->back, enrolment_id, out);
}

enum sid_err
sid_store_portrait_has(struct sid_store *store, const char *enrolment_id,
                       bool *out) {
    return store->back->ops->portrait_has(store->back, enrolment_id, out);
}

/* ---- erasure ------------------------------------------------------------- */

enum sid_err
sid_store_erase(struct sid_store *store, const struct sid_erasure *erasure) {
    struct sid_back *back = sid_front_for_write(store);
    const char *id = erasure->enrolment_id;
    bool credentials = false;
    bool deleted = false;

    store->littered = true;
    /* Rows that refer to another one go before it. */
    enum sid_err err = back->ops->subject_forget(back, id);
    if (err == SID_OK)
        err = sid_front_template_delete(store, id);
    if (err == SID_OK)
        err = back->ops->portrait_delete(back, id);
    if (err == SID_OK)
        err = sid_front_photos_delete(store, id);
    if (err == SID_OK)
        err = back->ops->idempotency_forget(back, id);
    if (err == SID_OK)
        err = back->ops->dispute_forget(back, id);
    if (err == SID_OK)
        err = sid_front_contacts_erase(store, id);
    if (err == SID_OK)
        err = back->ops->credentials_erase(back, id, &credentials);
    if (err == SID_OK)
        err = back->ops->enrol_delete(back, id, &deleted);
    if (err == SID_OK && !deleted && !credentials)
        err = SID_E_NOT_FOUND;
    if (err == SID_OK)
        err = back->ops->erasure_put(back, erasure);
    return err;
}

/* ---- retention ----------------------------------------------------------- */

enum sid_err
sid_store_retention_each(struct sid_store *store, enum sid_retention_rule rule,
                         int64_t before_s, int limit,
                         enum sid_err (*each)(const char *enrolment_id,
                                              const char *credential_id,
                                              void *ctx),
                         void *ctx) {
    if (limit <= 0)
        return SID_OK;
    return store->back->ops->retention_each(store->back, rule, before_s, limit,
                                            each, ctx);
}

enum sid_err
sid_store_retention_count(struct sid_store *store, enum sid_retention_rule rule,
                          int64_t before_s, int64_t *due, int64_t *oldest_s) {
    return store->back->ops->retention_count(store->back, rule, before_s, due,
                                             oldest_s);
}

enum sid_err
sid_store_retention_ran(struct sid_store *store, enum sid_retention_rule rule,
                        int64_t now_s) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->retention_ran(back, rule, now_s);
}

enum sid_err
sid_store_retention_last(struct sid_store *store, enum sid_retention_rule rule,
                         int64_t *ran_at_s) {
    return store->back->ops->retention_last(store->back, rule, ran_at_s);
}
