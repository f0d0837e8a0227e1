/* store_sql_purposes.c: rows of sets of purposes. Run by the thread that owns
 * the store; owns nothing. */
#include "store_sql_ops.h"

enum sid_err
sid_sql_purposes_last(struct sid_back *back, int64_t after_seq, int64_t *seq,
                      struct sid_buf *said) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_PURPOSES_LAST);
    bool row = false;
    bool whole = true;

    sid_sql_bind_int(&query, after_seq);
    enum sid_err err = sid_sql_next(&query, &row);
    if (err == SID_OK && !row)
        err = SID_E_NOT_FOUND;
    if (err == SID_OK) {
        int64_t found = sid_sql_peek_int(&query, &whole);
        const char *text = sid_sql_peek_text(&query, &whole);
        err = whole ? sid_buf_append_str(said, text) : SID_E_STORE;
        if (err == SID_OK)
            *seq = found;
    }
    sid_sql_end(&query);
    return err;
}

enum sid_err
sid_sql_purposes_had(struct sid_back *back,
                     const uint8_t sha256[SID_SHA256_BYTES], bool *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_PURPOSES_HAD);

    sid_sql_bind_blob(&query, sha256, SID_SHA256_BYTES);
    return sid_sql_has_row(&query, out);
}

enum sid_err
sid_sql_purposes_put(struct sid_back *back,
                     const struct sid_back_purposes *set) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_PURPOSES_PUT);

    sid_sql_bind_int(&query, set->seq);
    sid_sql_bind_blob(&query, set->sha256, sizeof set->sha256);
    sid_sql_bind_text(&query, set->said);
    sid_sql_bind_int(&query, set->since_us);
    sid_sql_bind_int(&query, set->slot);
    return sid_sql_run(&query, NULL);
}
