/* store_sql_erase.c: deleting what is known about a person, what stays of
 * them, and who is due. Run by the thread that owns the store; owns
 * nothing. */
#include <string.h>

#include "store_sql_ops.h"

/* ---- erasure ------------------------------------------------------------- */

enum sid_err
sid_sql_idempotency_forget(struct sid_back *back, const char *enrolment_id) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_IDEMPOTENCY_FORGET);

    sid_sql_bind_text(&query, enrolment_id);
    return sid_sql_run(&query, NULL);
}

static enum sid_err
run_for(struct sid_back *back, enum sid_sql_stmt which,
        const char *enrolment_id, int *changes) {
    struct sid_sql_query query = sid_sql_start(sid_sql_of(back), which);

    sid_sql_bind_text(&query, enrolment_id);
    return sid_sql_run(&query, changes);
}

enum sid_err
sid_sql_credentials_erase(struct sid_back *back, const char *enrolment_id,
                          bool *deleted) {
    int changes = 0;
    enum sid_err err =
        run_for(back, SID_SQL_OLD_SERIALS_ERASED, enrolment_id, NULL);

    if (err == SID_OK)
        err = run_for(back, SID_SQL_SERIALS_ERASED, enrolment_id, NULL);
    if (err == SID_OK)
        err = run_for(back, SID_SQL_CREDENTIALS_DELETE, enrolment_id, &changes);
    if (err == SID_OK)
        *deleted = changes > 0;
    return err;
}

enum sid_err
sid_sql_enrol_delete(struct sid_back *back, const char *id, bool *deleted) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_ENROL_DELETE);
    int changes = 0;

    sid_sql_bind_text(&query, id);
    enum sid_err err = sid_sql_run(&query, &changes);
    if (err == SID_OK)
        *deleted = changes > 0;
    return err;
}

enum sid_err
sid_sql_erasure_put(struct sid_back *back, const struct sid_erasure *erasure) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_ERASURE_PUT);

    sid_sql_bind_text(&query, erasure->enrolment_id);
    sid_sql_bind_text(&query, erasure->credential_id);
    sid_sql_bind_int(&query, erasure->erased_at_s);
    sid_sql_bind_text(&query, sid_erase_cause_name(erasure->cause));
    return sid_sql_run(&query, NULL);
}

/* ---- retention ----------------------------------------------------------- */

/* The state a rule is about; NULL when it is about credentials. */
static const char *
state_of(enum sid_retention_rule rule) {
    switch (rule) {
    case SID_RETAIN_UNDECIDED:
        return sid_enrol_state_name(SID_ENROL_REVIEW);
    case SID_RETAIN_REJECTED:
        return sid_enrol_state_name(SID_ENROL_REJECTED);
    case SID_RETAIN_FAILED:
        return sid_enrol_state_name(SID_ENROL_FAILED);
    case SID_RETAIN_REVOKED:
        return NULL;
    case SID_RETAIN_AUDIT:
    case SID_RETENTION_COUNT:
        break;
    }
    SID_ASSERT(false);
    return NULL;
}

/* One of two statements that differ in the state, bound up to before_s. */
static struct sid_sql_query
start_for(struct sid_back *back, enum sid_retention_rule rule,
          enum sid_sql_stmt of_enrolments, enum sid_sql_stmt of_credentials,
          int64_t before_s) {
    const char *state = state_of(rule);
    struct sid_sql_query query = sid_sql_start(
        sid_sql_of(back), state == NULL ? of_credentials : of_enrolments);

    if (state != NULL)
        sid_sql_bind_text(&query, state);
    sid_sql_bind_int(&query, before_s);
    return query;
}

enum sid_err
sid_sql_retention_each(struct sid_back *back, enum sid_retention_rule rule,
                       int64_t before_s, int limit,
                       enum sid_err (*each)(const char *, const char *, void *),
                       void *ctx) {
    struct sid_sql_query query = start_for(back, rule, SID_SQL_DUE_ENROLMENTS,
                                           SID_SQL_DUE_CREDENTIALS, before_s);
    enum sid_err err = SID_OK;
    bool row = true;

    sid_sql_bind_int(&query, limit);
    while (err == SID_OK) {
        char enrolment_id[SID_ID_SIZE] = "";
        char credential_id[SID_ID_SIZE] = "";

        err = sid_sql_next(&query, &row);
        if (err != SID_OK || !row)
            break;
        sid_sql_read_text(&query, enrolment_id, sizeof enrolment_id);
        sid_sql_read_text(&query, credential_id, sizeof credential_id);
        err = query.err == SID_OK ? each(enrolment_id, credential_id, ctx)
                                  : query.err;
    }
    sid_sql_end(&query);
    return err;
}

enum sid_err
sid_sql_retention_count(struct sid_back *back, enum sid_retention_rule rule,
                        int64_t before_s, int64_t *due, int64_t *oldest_s) {
    struct sid_sql_query query = start_for(back, rule, SID_SQL_COUNT_ENROLMENTS,
                                           SID_SQL_COUNT_CREDENTIALS, before_s);
    bool row = false;
    enum sid_err err = sid_sql_next(&query, &row);

    if (err == SID_OK) {
        SID_ASSERT(row);
        *due = sid_sql_read_int(&query);
        *oldest_s = sid_sql_read_int(&query);
    }
    sid_sql_end(&query);
    return err;
}

enum sid_err
sid_sql_retention_ran(struct sid_back *back, enum sid_retention_rule rule,
                      int64_t now_s) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_RETENTION_RAN);

    sid_sql_bind_text(&query, sid_retention_name(rule));
    sid_sql_bind_int(&query, now_s);
    return sid_sql_run(&query, NULL);
}

enum sid_err
sid_sql_retention_last(struct sid_back *back, enum sid_retention_rule rule,
                       int64_t *ran_at_s) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_RETENTION_LAST);
    bool row = false;

    sid_sql_bind_text(&query, sid_retention_name(rule));
    enum sid_err err = sid_sql_next(&query, &row);
    if (err == SID_OK)
        *ran_at_s = row ? sid_sql_read_int(&query) : 0;
    sid_sql_end(&query);
    return err;
}
