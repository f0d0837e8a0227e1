/* store_wechat.c: the front's part in what is kept of people who talk to a
 * WeChat account. Run by the thread that owns the store; owns nothing. */
#include "smartid/store_wechat.h"

#include <string.h>

#include "store_front.h"

void
sid_wechat_contact_fini(struct sid_wechat_contact *contact) {
    sid_buf_free(&contact->openid_sealed);
    sid_wipe(contact, sizeof *contact);
}

void
sid_wechat_chat_fini(struct sid_wechat_chat *chat) {
    sid_buf_free(&chat->said_sealed);
    sid_wipe(chat, sizeof *chat);
}

void
sid_wechat_seen_fini(struct sid_wechat_seen *seen) {
    sid_buf_free(&seen->answer_sealed);
    sid_wipe(seen, sizeof *seen);
}

void
sid_errand_fini(struct sid_errand *errand) {
    sid_buf_free(&errand->content_sealed);
    sid_wipe(errand, sizeof *errand);
}

/* ---- contacts ------------------------------------------------------------ */

enum sid_err
sid_store_contact_put(struct sid_store *store,
                      const struct sid_wechat_contact *contact) {
    struct sid_back *back = sid_front_for_write(store);
    enum sid_err err = back->ops->contact_put(back, contact);

    if (err == SID_OK)
        err = back->ops->subject_put(back, contact->id, &contact->key);
    return err;
}

enum sid_err
sid_store_contact_find(struct sid_store *store,
                       const uint8_t person[SID_SHA256_BYTES],
                       struct sid_wechat_contact *out) {
    return store->back->ops->contact_find(store->back, person, out);
}

enum sid_err
sid_store_contact_get(struct sid_store *store, const char *id,
                      struct sid_wechat_contact *out) {
    return store->back->ops->contact_get(store->back, id, out);
}

enum sid_err
sid_store_contact_change(struct sid_store *store,
                         const struct sid_wechat_contact *contact) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->contact_change(back, contact);
}

enum sid_err
sid_store_contact_of(
    struct sid_store *store, const char *enrolment_id,
    enum sid_err (*each)(const struct sid_wechat_contact *contact, void *ctx),
    void *ctx) {
    return store->back->ops->contact_of(store->back, enrolment_id, each, ctx);
}

enum sid_err
sid_store_contact_forget(struct sid_store *store, const char *id) {
    struct sid_back *back = sid_front_for_write(store);

    store->littered = true;
    enum sid_err err = back->ops->errand_delete_all(back, id, false);
    if (err == SID_OK)
        err = back->ops->chat_delete(back, id);
    if (err == SID_OK)
        err = back->ops->subject_forget(back, id);
    return err == SID_OK ? back->ops->contact_delete(back, id) : err;
}

enum sid_err
sid_store_contact_purge(struct sid_store *store, int64_t before_s, int limit) {
    struct sid_back *back = sid_front_for_write(store);
    enum sid_err err = SID_OK;

    for (int i = 0; err == SID_OK && i < limit; i++) {
        char id[SID_ID_SIZE] = "";
        err = back->ops->contact_stale(back, before_s, id);
        if (err == SID_OK)
            err = sid_store_contact_forget(store, id);
    }
    return err == SID_E_NOT_FOUND ? SID_OK : err;
}

/* A clerk stays one when what is known of them as a resident goes. */
static enum sid_err
erase_one(const struct sid_wechat_contact *contact, void *ctx) {
    struct sid_store *store = ctx;
    struct sid_wechat_contact left = *contact; /* borrows what it owns */

    if (contact->client_id[0] == '\0')
        return sid_store_contact_forget(store, contact->id);
    left.enrolment_id[0] = '\0';
    enum sid_err err = sid_store_contact_change(store, &left);
    if (err == SID_OK)
        err = store->back->ops->errand_delete_all(store->back, contact->id,
                                                  false);
    return err == SID_OK
               ? store->back->ops->chat_delete(store->back, contact->id)
               : err;
}

struct counted {
    struct sid_store *store;
    int count;
};

static enum sid_err
erase_counted(const struct sid_wechat_contact *contact, void *ctx) {
    struct counted *counted = ctx;

    counted->count++;
    return erase_one(contact, counted->store);
}

enum sid_err
sid_front_contacts_erase(struct sid_store *store, const char *enrolment_id) {
    struct counted counted = {.store = store};
    enum sid_err err;

    do {
        counted.count = 0;
        err =
            sid_store_contact_of(store, enrolment_id, erase_counted, &counted);
    } while (err == SID_OK && counted.count > 0);
    return err;
}

/* ---- conversations ------------------------------------------------------- */

enum sid_err
sid_store_chat_put(struct sid_store *store,
                   const struct sid_wechat_chat *chat) {
    struct sid_back *back = sid_front_for_write(store);

    store->littered = true; /* one may be replaced */
    return back->ops->chat_put(back, chat);
}

enum sid_err
sid_store_chat_get(struct sid_store *store, const char *contact_id,
                   struct sid_wechat_chat *out) {
    return store->back->ops->chat_get(store->back, contact_id, out);
}

enum sid_err
sid_store_chat_forget(struct sid_store *store, const char *contact_id) {
    struct sid_back *back = sid_front_for_write(store);

    store->littered = true;
    enum sid_err err = back->ops->errand_delete_all(back, contact_id, true);
    return err == SID_OK ? back->ops->chat_delete(back, contact_id) : err;
}

enum sid_err
sid_store_chat_purge(struct sid_store *store, int64_t before_s) {
    struct sid_back *back = sid_front_for_write(store);
    enum sid_err err = SID_OK;

    while (err == SID_OK) {
        char id[SID_ID_SIZE] = "";
        err = back->ops->chat_stale(back, before_s, id);
        if (err == SID_OK)
            err = sid_store_chat_forget(store, id);
    }
    return err == SID_E_NOT_FOUND ? SID_OK : err;
}

enum sid_err
sid_store_chat_photo_put(struct sid_store *store, const char *contact_id,
                         enum sid_photo_kind kind, struct sid_span sealed) {
    struct sid_back *back = sid_front_for_write(store);

    if (sealed.len > SID_SEALED_MAX_BYTES)
        return SID_E_ARGUMENT;
    store->littered = true; /* one may be replaced */
    return back->ops->chat_photo_put(back, contact_id, kind, sealed);
}

enum sid_err
sid_store_chat_photo_get(struct sid_store *store, const char *contact_id,
                         enum sid_photo_kind kind, struct sid_buf *out) {
    return store->back->ops->chat_photo_get(store->back, contact_id, kind, out);
}

/* ---- pushes -------------------------------------------------------------- */

enum sid_err
sid_store_push_put(struct sid_store *store,
                   const uint8_t push[SID_SHA256_BYTES],
                   const struct sid_wechat_seen *seen) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->push_put(back, push, seen);
}

enum sid_err
sid_store_push_get(struct sid_store *store,
                   const uint8_t push[SID_SHA256_BYTES],
                   struct sid_wechat_seen *out) {
    return store->back->ops->push_get(store->back, push, out);
}

enum sid_err
sid_store_push_purge(struct sid_store *store, int64_t before_s) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->push_purge(back, before_s);
}

/* ---- outbox -------------------------------------------------------------- */

enum sid_err
sid_store_errand_put(struct sid_store *store, const struct sid_errand *errand) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->errand_put(back, errand);
}

enum sid_err
sid_store_errand_take(struct sid_store *store, const char *account,
                      int64_t now_s, struct sid_errand *out) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->errand_take(back, account, now_s, out);
}

enum sid_err
sid_store_errand_back(struct sid_store *store, int64_t seq, int64_t due_at_s) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->errand_back(back, seq, due_at_s);
}

enum sid_err
sid_store_errand_end(struct sid_store *store, int64_t seq) {
    struct sid_back *back = sid_front_for_write(store);

    store->littered = true;
    return back->ops->errand_end(back, seq);
}

enum sid_err
sid_store_errand_recover(struct sid_store *store, int64_t *lost) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->errand_recover(back, lost);
}

enum sid_err
sid_store_errand_count(struct sid_store *store, int64_t *out) {
    return store->back->ops->errand_count(store->back, out);
}
