/* store_sql_template.c: rows of face templates. Run by the thread
 * that owns the store; owns nothing. */
#include "store_sql_ops.h"

static enum sid_err
write_sealed(struct sid_back *back, enum sid_sql_stmt which,
             const char *enrolment_id, struct sid_span sealed, int *changes) {
    struct sid_sql_query query = sid_sql_start(sid_sql_of(back), which);

    sid_sql_bind_blob(&query, sealed.ptr, sealed.len);
    sid_sql_bind_text(&query, enrolment_id);
    return sid_sql_run(&query, changes);
}

enum sid_err
sid_sql_template_put(struct sid_back *back, const char *enrolment_id,
                     struct sid_span sealed, int *change) {
    int updated = 0;
    int inserted = 0;
    enum sid_err err = write_sealed(back, SID_SQL_TEMPLATE_UPDATE, enrolment_id,
                                    sealed, &updated);

    if (err == SID_OK && updated == 0)
        err = write_sealed(back, SID_SQL_TEMPLATE_INSERT, enrolment_id, sealed,
                           &inserted);
    if (err == SID_OK)
        *change = inserted;
    return err;
}

enum sid_err
sid_sql_template_get(struct sid_back *back, const char *enrolment_id,
                     struct sid_buf *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_TEMPLATE_GET);

    sid_sql_bind_text(&query, enrolment_id);
    return sid_sql_fetch_buf(&query, out);
}

enum sid_err
sid_sql_template_delete(struct sid_back *back, const char *enrolment_id,
                        int *change) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_TEMPLATE_DELETE);
    int deleted = 0;

    sid_sql_bind_text(&query, enrolment_id);
    enum sid_err err = sid_sql_run(&query, &deleted);
    if (err == SID_OK)
        *change = -deleted;
    return err;
}

enum sid_err
sid_sql_template_count(struct sid_back *back, int slot, int64_t *own,
                       int64_t *others) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_TEMPLATE_COUNT);
    bool row = false;

    sid_sql_bind_int(&query, slot);
    enum sid_err err = sid_sql_next(&query, &row);
    if (err == SID_OK && row) {
        int64_t mine = sid_sql_read_int(&query);
        int64_t theirs = sid_sql_read_int(&query);
        err = query.err;
        if (err == SID_OK) {
            *own = mine;
            *others = theirs;
        }
    }
    sid_sql_end(&query);
    return err;
}

enum sid_err
sid_sql_template_tally(struct sid_back *back, int slot, int64_t count) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_TEMPLATE_TALLY);

    sid_sql_bind_int(&query, slot);
    sid_sql_bind_int(&query, count);
    return sid_sql_run(&query, NULL);
}
