/* store_sql_challenge.c: rows of challenges. Run by the thread
 * that owns the store; owns nothing. */
#include "store_sql_ops.h"

enum sid_err
sid_sql_challenge_put(struct sid_back *back, const struct sid_challenge *c) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_CHALLENGE_PUT);
    char steps[SID_STEPS_TEXT_SIZE];

    sid_steps_pack(&c->steps, steps);
    sid_sql_bind_text(&query, c->id);
    sid_sql_bind_text(&query, c->client_id);
    sid_sql_bind_text(&query, steps);
    sid_sql_bind_int(&query, c->made_at_s);
    sid_sql_bind_int(&query, c->expires_at_s);
    sid_sql_bind_text(&query, c->enrolment_id);
    return sid_sql_run(&query, NULL);
}

enum sid_err
sid_sql_challenge_get(struct sid_back *back, const char *id,
                      struct sid_challenge *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_CHALLENGE_GET);
    struct sid_challenge found = {.id = ""};
    char steps[SID_STEPS_TEXT_SIZE] = "";
    bool row = false;

    sid_sql_bind_text(&query, id);
    enum sid_err err = sid_sql_next(&query, &row);
    if (err == SID_OK && !row)
        err = SID_E_NOT_FOUND;
    if (err == SID_OK) {
        sid_sql_read_text(&query, found.id, sizeof found.id);
        sid_sql_read_text(&query, found.client_id, sizeof found.client_id);
        sid_sql_read_text(&query, steps, sizeof steps);
        found.made_at_s = sid_sql_read_int(&query);
        found.expires_at_s = sid_sql_read_int(&query);
        sid_sql_read_text(&query, found.enrolment_id,
                          sizeof found.enrolment_id);
        err = query.err;
    }
    sid_sql_end(&query);
    if (err == SID_OK && sid_steps_unpack(steps, &found.steps) != SID_OK)
        err = SID_E_STORE;
    if (err == SID_OK)
        *out = found;
    return err;
}

enum sid_err
sid_sql_challenge_use(struct sid_back *back, const char *id,
                      const char *enrolment_id) {
    struct sid_sql *sql = sid_sql_of(back);
    struct sid_sql_query query = sid_sql_start(sql, SID_SQL_CHALLENGE_USE);
    int changes = 0;

    sid_sql_bind_text(&query, enrolment_id);
    sid_sql_bind_text(&query, id);
    enum sid_err err = sid_sql_run(&query, &changes);
    if (err == SID_OK && changes == 0)
        err = sid_sql_why_unchanged(sql, SID_SQL_CHALLENGE_HAS, id);
    return err;
}

enum sid_err
sid_sql_challenge_purge(struct sid_back *back, int64_t before_s) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_CHALLENGE_PURGE);

    sid_sql_bind_int(&query, before_s);
    return sid_sql_run(&query, NULL);
}
