/* store_sql_portrait.c: rows of portraits. Run by the thread that
 * owns the store; owns nothing. */
#include "store_sql_ops.h"

enum sid_err
sid_sql_portrait_put(struct sid_back *back, const char *enrolment_id,
                     struct sid_span sealed) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_PORTRAIT_PUT);

    sid_sql_bind_text(&query, enrolment_id);
    sid_sql_bind_blob(&query, sealed.ptr, sealed.len);
    return sid_sql_run(&query, NULL);
}

enum sid_err
sid_sql_portrait_get(struct sid_back *back, const char *enrolment_id,
                     struct sid_buf *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_PORTRAIT_GET);

    sid_sql_bind_text(&query, enrolment_id);
    return sid_sql_fetch_buf(&query, out);
}

enum sid_err
sid_sql_portrait_has(struct sid_back *back, const char *enrolment_id,
                     bool *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_PORTRAIT_HAS);
    bool row = false;

    sid_sql_bind_text(&query, enrolment_id);
    enum sid_err err = sid_sql_next(&query, &row);
    sid_sql_end(&query);
    if (err == SID_OK)
        *out = row;
    return err;
}

enum sid_err
sid_sql_portrait_delete(struct sid_back *back, const char *enrolment_id) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_PORTRAIT_DELETE);

    sid_sql_bind_text(&query, enrolment_id);
    return sid_sql_run(&query, NULL);
}
