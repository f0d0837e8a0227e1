/* store_sql_dispute.c: the checks of a credential and what is disputed of
 * them. Run by the thread that owns the store; owns nothing. */
#include <string.h>

#include "store_sql_ops.h"

/* ---- checks -------------------------------------------------------------- */

static void
read_check(struct sid_sql_query *query, struct sid_check *out) {
    out->seq = sid_sql_read_int(query);
    out->at_us = sid_sql_read_int(query);
    sid_sql_read_text(query, out->party, sizeof out->party);
    sid_sql_read_text(query, out->outcome, sizeof out->outcome);
    sid_sql_read_text(query, out->detail, sizeof out->detail);
}

static enum sid_err
read_outcome(struct sid_sql_query *query, enum sid_dispute_outcome *out) {
    char word[16] = "";

    sid_sql_read_text(query, word, sizeof word);
    if (query->err != SID_OK)
        return query->err;
    return sid_dispute_outcome_parse(word, out) == SID_OK ? SID_OK
                                                          : SID_E_STORE;
}

enum sid_err
sid_sql_check_list(struct sid_back *back, const char *credential_id,
                   int64_t before_seq, int limit, sid_check_each_fn *each,
                   void *ctx) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_CHECK_LIST);
    enum sid_err err = SID_OK;
    bool row = true;

    sid_sql_bind_text(&query, credential_id);
    sid_sql_bind_int(&query, before_seq);
    sid_sql_bind_int(&query, limit);
    while (err == SID_OK) {
        struct sid_check check = {.seq = 0};
        struct sid_dispute dispute = {.id = ""};

        err = sid_sql_next(&query, &row);
        if (err != SID_OK || !row)
            break;
        read_check(&query, &check);
        sid_sql_read_text(&query, dispute.id, sizeof dispute.id);
        err = read_outcome(&query, &dispute.outcome);
        dispute.settled_at_s = sid_sql_read_int(&query);
        if (err == SID_OK)
            err = query.err;
        if (err == SID_OK)
            err = each(&check, &dispute, ctx);
    }
    sid_sql_end(&query);
    return err;
}

enum sid_err
sid_sql_check_find(struct sid_back *back, const char *credential_id,
                   const char *verification_id, int64_t *seq) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_CHECK_FIND);

    sid_sql_bind_text(&query, credential_id);
    sid_sql_bind_text(&query, verification_id);
    return sid_sql_fetch_int(&query, seq);
}

/* ---- disputes ------------------------------------------------------------ */

enum sid_err
sid_sql_dispute_put(struct sid_back *back, const struct sid_dispute *d) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_DISPUTE_PUT);

    sid_sql_bind_text(&query, d->id);
    sid_sql_bind_int(&query, d->check.seq);
    sid_sql_bind_text(&query, d->verification_id);
    sid_sql_bind_text(&query, d->credential_id);
    sid_sql_bind_text(&query, d->enrolment_id);
    sid_sql_bind_int(&query, d->opened_at_s);
    sid_sql_bind_blob(&query, d->reason_sealed.ptr, d->reason_sealed.len);
    sid_sql_bind_text(&query, sid_dispute_outcome_name(d->outcome));
    return sid_sql_run(&query, NULL);
}

/* In the order of DISPUTE_COLUMNS. */
static enum sid_err
read_dispute(struct sid_sql_query *query, struct sid_dispute *out) {
    sid_sql_read_text(query, out->id, sizeof out->id);
    sid_sql_read_text(query, out->verification_id, sizeof out->verification_id);
    sid_sql_read_text(query, out->credential_id, sizeof out->credential_id);
    sid_sql_read_text(query, out->enrolment_id, sizeof out->enrolment_id);
    out->opened_at_s = sid_sql_read_int(query);
    enum sid_err err = read_outcome(query, &out->outcome);
    out->settled_at_s = sid_sql_read_int(query);
    sid_sql_read_text(query, out->settled_by, sizeof out->settled_by);
    read_check(query, &out->check);
    sid_sql_read_buf(query, &out->reason_sealed);
    sid_sql_read_buf(query, &out->note_sealed);
    sid_sql_read_subject(query, &out->key);
    return query->err != SID_OK ? query->err : err;
}

enum sid_err
sid_sql_dispute_get(struct sid_back *back, const char *id,
                    struct sid_dispute *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_DISPUTE_GET);
    struct sid_dispute found = {.id = ""};
    bool row = false;

    sid_sql_bind_text(&query, id);
    enum sid_err err = sid_sql_next(&query, &row);
    if (err == SID_OK && !row)
        err = SID_E_NOT_FOUND;
    if (err == SID_OK)
        err = read_dispute(&query, &found);
    sid_sql_end(&query);
    if (err == SID_OK)
        *out = found;
    else
        sid_dispute_fini(&found);
    return err;
}

/* When `after` was opened: the list goes on behind it. */
static enum sid_err
opened_at(struct sid_sql *sql, const char *after, int64_t *out) {
    struct sid_sql_query query = sid_sql_start(sql, SID_SQL_DISPUTE_HAS);

    sid_sql_bind_text(&query, after);
    return sid_sql_fetch_int(&query, out);
}

enum sid_err
sid_sql_dispute_list(struct sid_back *back, enum sid_dispute_outcome outcome,
                     const char *after, int limit,
                     enum sid_err (*each)(struct sid_dispute *take, void *ctx),
                     void *ctx) {
    struct sid_sql *sql = sid_sql_of(back);
    int64_t after_at_s = INT64_MIN;
    enum sid_err err =
        after[0] == '\0' ? SID_OK : opened_at(sql, after, &after_at_s);

    if (err != SID_OK)
        return err;
    struct sid_sql_query query = sid_sql_start(sql, SID_SQL_DISPUTE_LIST);
    bool row = true;
    sid_sql_bind_text(&query, sid_dispute_outcome_name(outcome));
    sid_sql_bind_int(&query, after_at_s);
    sid_sql_bind_text(&query, after);
    sid_sql_bind_int(&query, limit);
    while (err == SID_OK) {
        struct sid_dispute dispute = {.id = ""};

        err = sid_sql_next(&query, &row);
        if (err != SID_OK || !row)
            break;
        err = read_dispute(&query, &dispute);
        if (err == SID_OK)
            err = each(&dispute, ctx);
        sid_dispute_fini(&dispute);
    }
    sid_sql_end(&query);
    return err;
}

enum sid_err
sid_sql_dispute_settle(struct sid_back *back, const struct sid_dispute *d) {
    struct sid_sql *sql = sid_sql_of(back);
    struct sid_sql_query query = sid_sql_start(sql, SID_SQL_DISPUTE_SETTLE);
    int changes = 0;

    sid_sql_bind_text(&query, sid_dispute_outcome_name(d->outcome));
    sid_sql_bind_int(&query, d->settled_at_s);
    sid_sql_bind_text(&query, d->settled_by);
    sid_sql_bind_blob(&query, d->note_sealed.ptr, d->note_sealed.len);
    sid_sql_bind_text(&query, d->id);
    enum sid_err err = sid_sql_run(&query, &changes);
    if (err == SID_OK && changes == 0)
        err = sid_sql_why_unchanged(sql, SID_SQL_DISPUTE_HAS, d->id);
    return err;
}

enum sid_err
sid_sql_dispute_forget(struct sid_back *back, const char *enrolment_id) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_DISPUTE_FORGET);

    sid_sql_bind_text(&query, enrolment_id);
    return sid_sql_run(&query, NULL);
}
