/* store_purposes.c: the part of the store's front about sets of purposes. Run
 * by the thread that owns the store; owns nothing. */
#include "smartid/store_purposes.h"

#include "store_front.h"

enum sid_err
sid_store_purposes_last(struct sid_store *store, int64_t after_seq,
                        int64_t *seq, struct sid_buf *said) {
    return store->back->ops->purposes_last(store->back, after_seq, seq, said);
}

enum sid_err
sid_store_purposes_had(struct sid_store *store, const char *said, bool *out) {
    uint8_t sha[SID_SHA256_BYTES];
    enum sid_err err = sid_sha256(sid_span_str(said), sha);

    return err == SID_OK ? store->back->ops->purposes_had(store->back, sha, out)
                         : err;
}

enum sid_err
sid_store_purposes_put(struct sid_store *store, const char *said, int64_t at_us,
                       int64_t *seq) {
    struct sid_back *back = sid_front_for_write(store);
    struct sid_back_purposes set = {
        .said = said, .since_us = at_us, .slot = store->slot};
    struct sid_buf last = SID_BUF_EMPTY;
    enum sid_err err = back->ops->purposes_last(back, 0, &set.seq, &last);

    bool is_last =
        err == SID_OK && sid_span_eq(sid_buf_span(&last), sid_span_str(said));
    sid_buf_free(&last);
    if (err == SID_E_NOT_FOUND)
        err = SID_OK;
    if (err == SID_OK && !is_last) {
        set.seq++;
        err = sid_sha256(sid_span_str(said), set.sha256);
        if (err == SID_OK)
            err = back->ops->purposes_put(back, &set);
    }
    if (err == SID_OK)
        *seq = set.seq;
    return err;
}
