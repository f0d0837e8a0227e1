/* store_sql_photo.c: sealed photos and idempotency keys: what
 * comes and goes with an enrolment. Run by the thread that owns the store; owns
 * nothing. */
#include <string.h>

#include "store_sql_ops.h"

enum sid_err
sid_sql_photo_put(struct sid_back *back, const char *enrolment_id,
                  enum sid_photo_kind kind, struct sid_span sealed,
                  const char *blob) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_PHOTO_PUT);

    if (sealed.len > SID_SEALED_MAX_BYTES)
        return SID_E_ARGUMENT;
    sid_sql_bind_text(&query, enrolment_id);
    sid_sql_bind_text(&query, sid_photo_kind_name(kind));
    sid_sql_bind_blob(&query, sealed.ptr, sealed.len);
    sid_sql_bind_text(&query, blob);
    return sid_sql_run(&query, NULL);
}

enum sid_err
sid_sql_photo_get(struct sid_back *back, const char *enrolment_id,
                  enum sid_photo_kind kind, struct sid_buf *out,
                  char blob[SID_ID_SIZE]) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_PHOTO_GET);
    struct sid_buf made = SID_BUF_EMPTY;
    char name[SID_ID_SIZE] = "";
    bool row = false;

    sid_sql_bind_text(&query, enrolment_id);
    sid_sql_bind_text(&query, sid_photo_kind_name(kind));
    enum sid_err err = sid_sql_next(&query, &row);
    if (err == SID_OK && !row)
        err = SID_E_NOT_FOUND;
    if (err == SID_OK) {
        sid_sql_read_buf(&query, &made);
        sid_sql_read_text(&query, name, sizeof name);
        err = query.err;
    }
    sid_sql_end(&query);
    if (err == SID_OK) {
        memcpy(blob, name, sizeof name);
        sid_buf_move(&made, out);
    }
    sid_buf_free(&made);
    return err;
}

enum sid_err
sid_sql_photo_delete_all(struct sid_back *back, const char *enrolment_id) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_PHOTO_DELETE_ALL);

    sid_sql_bind_text(&query, enrolment_id);
    return sid_sql_run(&query, NULL);
}

enum sid_err
sid_sql_photo_count(struct sid_back *back, int64_t *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_PHOTO_COUNT);
    return sid_sql_fetch_int(&query, out);
}

enum sid_err
sid_sql_photo_blob(struct sid_back *back, const char *enrolment_id,
                   char out[SID_ID_SIZE]) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_PHOTO_BLOB);
    char name[SID_ID_SIZE] = "";
    bool row = false;

    sid_sql_bind_text(&query, enrolment_id);
    enum sid_err err = sid_sql_next(&query, &row);
    if (err == SID_OK && row) {
        sid_sql_read_text(&query, name, sizeof name);
        err = query.err;
    }
    sid_sql_end(&query);
    if (err == SID_OK)
        memcpy(out, name, sizeof name);
    return err;
}

enum sid_err
sid_sql_photo_blob_count(struct sid_back *back, const char *blob,
                         int64_t *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_PHOTO_BLOB_COUNT);

    sid_sql_bind_text(&query, blob);
    return sid_sql_fetch_int(&query, out);
}

enum sid_err
sid_sql_idempotency_get(struct sid_back *back, const char *client_id,
                        const char *key, struct sid_idempotency *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_IDEMPOTENCY_GET);
    struct sid_idempotency found = {.key = ""};
    bool row = false;

    sid_sql_bind_text(&query, client_id);
    sid_sql_bind_text(&query, key);
    enum sid_err err = sid_sql_next(&query, &row);
    if (err == SID_OK && !row)
        err = SID_E_NOT_FOUND;
    if (err == SID_OK) {
        sid_sql_read_text(&query, found.client_id, sizeof found.client_id);
        sid_sql_read_text(&query, found.key, sizeof found.key);
        sid_sql_read_blob(&query, found.fingerprint, sizeof found.fingerprint);
        sid_sql_read_text(&query, found.enrolment_id,
                          sizeof found.enrolment_id);
        found.created_at_s = sid_sql_read_int(&query);
        err = query.err;
    }
    sid_sql_end(&query);
    if (err == SID_OK)
        *out = found;
    return err;
}

enum sid_err
sid_sql_idempotency_put(struct sid_back *back,
                        const struct sid_idempotency *row) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_IDEMPOTENCY_PUT);

    sid_sql_bind_text(&query, row->client_id);
    sid_sql_bind_text(&query, row->key);
    sid_sql_bind_blob(&query, row->fingerprint, sizeof row->fingerprint);
    sid_sql_bind_text(&query, row->enrolment_id);
    sid_sql_bind_int(&query, row->created_at_s);
    return sid_sql_run(&query, NULL);
}

enum sid_err
sid_sql_idempotency_purge(struct sid_back *back, int64_t before_s) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_IDEMPOTENCY_PURGE);

    sid_sql_bind_int(&query, before_s);
    return sid_sql_run(&query, NULL);
}
