/* store_sql_attempt.c: who tried to enrol when. Run by the thread
 * that owns the store; owns nothing. */
#include <string.h>

#include "store_sql_ops.h"

enum sid_err
sid_sql_attempt_put(struct sid_back *back, const char *enrolment_id,
                    const uint8_t person[SID_SHA256_BYTES], int64_t made_at_s) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_ATTEMPT_PUT);

    sid_sql_bind_text(&query, enrolment_id);
    sid_sql_bind_blob(&query, person, SID_SHA256_BYTES);
    sid_sql_bind_int(&query, made_at_s);
    return sid_sql_run(&query, NULL);
}

enum sid_err
sid_sql_attempt_get(struct sid_back *back,
                    const uint8_t person[SID_SHA256_BYTES], int64_t after_s,
                    int nth, char id[SID_ID_SIZE], int64_t *made_at_s) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_ATTEMPT_GET);
    char found[SID_ID_SIZE] = "";
    int64_t at_s = 0;
    bool row = false;

    sid_sql_bind_blob(&query, person, SID_SHA256_BYTES);
    sid_sql_bind_int(&query, after_s);
    sid_sql_bind_int(&query, nth - 1);
    enum sid_err err = sid_sql_next(&query, &row);
    if (err == SID_OK && !row)
        err = SID_E_NOT_FOUND;
    if (err == SID_OK) {
        sid_sql_read_text(&query, found, sizeof found);
        at_s = sid_sql_read_int(&query);
        err = query.err;
    }
    sid_sql_end(&query);
    if (err == SID_OK) {
        memcpy(id, found, sizeof found);
        *made_at_s = at_s;
    }
    return err;
}

enum sid_err
sid_sql_attempt_purge(struct sid_back *back, int64_t before_s,
                      int64_t after_s) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_ATTEMPT_PURGE);

    sid_sql_bind_int(&query, before_s);
    sid_sql_bind_int(&query, after_s);
    return sid_sql_run(&query, NULL);
}
