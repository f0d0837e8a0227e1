/* store_credential.c: the front's part in what codes stand for. Run by the
 * thread that owns the store; owns nothing. */
#include "store_front.h"

void
sid_credential_fini(struct sid_credential *credential) {
    sid_buf_free(&credential->holder_sealed);
    sid_buf_free(&credential->details_sealed);
    sid_buf_free(&credential->note_sealed);
    sid_wipe(credential, sizeof *credential);
}

enum sid_err
sid_store_credential_insert(struct sid_store *store,
                            const struct sid_credential *credential,
                            uint64_t *serial) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->credential_insert(back, credential, serial);
}

enum sid_err
sid_store_credential_get(struct sid_store *store, const char *id,
                         struct sid_credential *out) {
    return store->back->ops->credential_get(store->back, id, out);
}

enum sid_err
sid_store_credential_by_serial(struct sid_store *store, uint64_t serial,
                               struct sid_credential *out) {
    return store->back->ops->credential_by_serial(store->back, serial, out);
}

enum sid_err
sid_store_credential_standing(struct sid_store *store,
                              const uint8_t id_index[SID_SHA256_BYTES],
                              const char *type, struct sid_credential *out) {
    return store->back->ops->credential_standing(store->back, id_index, type,
                                                 out);
}

enum sid_err
sid_store_credential_change(struct sid_store *store,
                            const struct sid_credential *credential) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->credential_change(back, credential);
}

enum sid_err
sid_store_live_use(struct sid_store *store, const struct sid_token *token) {
    struct sid_back *back = sid_front_for_write(store);
    bool used = false;
    enum sid_err err = back->ops->live_use(back, token, &used);

    return err == SID_OK && !used ? SID_E_EXISTS : err;
}

enum sid_err
sid_store_live_purge(struct sid_store *store, int64_t before_s) {
    struct sid_back *back = sid_front_for_write(store);

    return back->ops->live_purge(back, before_s);
}

enum sid_err
sid_store_credential_next(struct sid_store *store, const char *enrolment_id,
                          uint64_t after_serial, struct sid_credential *out) {
    return store->back->ops->credential_next(store->back, enrolment_id,
                                             after_serial, out);
}

enum sid_err
sid_store_credential_renew(struct sid_store *store,
                           const struct sid_credential *credential) {
    struct sid_back *back = sid_front_for_write(store);
    uint64_t serial = 0;

    store->littered = true;
    enum sid_err err = back->ops->serial_retire(back, credential->serial);
    if (err == SID_OK)
        err = back->ops->credential_insert(back, credential, &serial);
    return err;
}

const char *
sid_dead_serial_name(enum sid_dead_serial why) {
    return why == SID_DEAD_ERASED ? "erased" : "recovered";
}

enum sid_err
sid_store_dead_serial(struct sid_store *store, uint64_t serial,
                      char credential_id[SID_ID_SIZE],
                      enum sid_dead_serial *why) {
    return store->back->ops->dead_serial(store->back, serial, credential_id,
                                         why);
}
