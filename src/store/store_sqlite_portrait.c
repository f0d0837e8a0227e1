/* store_sqlite_portrait.c: rows of portraits in SQLite. Run by the thread that
 * owns the store; owns nothing. */
#include "store_sqlite.h"

enum sid_err
sid_sqlite_portrait_put(struct sid_back *back, const char *enrolment_id,
                        struct sid_span sealed) {
    struct sid_sq_query query =
        sid_sq_start(sid_sqlite_of(back), SID_SQ_PORTRAIT_PUT);

    sid_sq_bind_text(&query, enrolment_id);
    sid_sq_bind_blob(&query, sealed.ptr, sealed.len);
    return sid_sq_run(&query, NULL);
}

enum sid_err
sid_sqlite_portrait_get(struct sid_back *back, const char *enrolment_id,
                        struct sid_buf *out) {
    struct sid_sq_query query =
        sid_sq_start(sid_sqlite_of(back), SID_SQ_PORTRAIT_GET);

    sid_sq_bind_text(&query, enrolment_id);
    return sid_sq_fetch_buf(&query, out);
}

enum sid_err
sid_sqlite_portrait_has(struct sid_back *back, const char *enrolment_id,
                        bool *out) {
    struct sid_sq_query query =
        sid_sq_start(sid_sqlite_of(back), SID_SQ_PORTRAIT_HAS);
    bool row = false;

    sid_sq_bind_text(&query, enrolment_id);
    enum sid_err err = sid_sq_next(&query, &row);
    sid_sq_end(&query);
    if (err == SID_OK)
        *out = row;
    return err;
}

enum sid_err
sid_sqlite_portrait_delete(struct sid_back *back, const char *enrolment_id) {
    struct sid_sq_query query =
        sid_sq_start(sid_sqlite_of(back), SID_SQ_PORTRAIT_DELETE);

    sid_sq_bind_text(&query, enrolment_id);
    return sid_sq_run(&query, NULL);
}
