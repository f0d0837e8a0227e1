/* store_sql_enrol.c: rows of enrolments. Run by the thread that
 * owns the store; owns nothing. */
#include <string.h>

#include "store_sql_ops.h"

static const char *
first_word(const struct sid_enrolment *e) {
    return e->first_by[0] == '\0' ? ""
           : e->first_approve     ? "approve"
                                  : "reject";
}

enum sid_err
sid_sql_enrol_insert(struct sid_back *back, const struct sid_enrolment *e) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_ENROL_INSERT);
    char reasons[SID_REASONS_TEXT_SIZE];
    char challenge[SID_CHALLENGE_TEXT_SIZE];

    sid_reasons_pack(&e->reasons, reasons);
    sid_challenge_pack(&e->challenge, challenge);
    sid_sql_bind_text(&query, e->id);
    sid_sql_bind_text(&query, e->client_id);
    sid_sql_bind_text(&query, sid_enrol_state_name(e->state));
    sid_sql_bind_int(&query, e->created_at_s);
    sid_sql_bind_int(&query, e->updated_at_s);
    sid_sql_bind_int(&query, e->decided_at_s);
    sid_sql_bind_int(&query, e->attempts);
    sid_sql_bind_text(&query, e->consent_version);
    sid_sql_bind_int(&query, e->consent_at_s);
    sid_sql_bind_text(&query, reasons);
    sid_sql_bind_real(&query, e->has_scores, e->similarity);
    sid_sql_bind_real(&query, e->has_scores, e->liveness);
    sid_sql_bind_text(&query, e->decided_by);
    sid_sql_bind_blob(&query, e->note_sealed.ptr, e->note_sealed.len);
    sid_sql_bind_text(&query, e->credential_id);
    sid_sql_bind_text(&query, challenge);
    sid_sql_bind_text(&query, first_word(e));
    sid_sql_bind_text(&query, e->first_by);
    sid_sql_bind_int(&query, e->first_at_s);
    sid_sql_bind_blob(&query, e->first_note_sealed.ptr,
                      e->first_note_sealed.len);
    sid_sql_bind_int(&query, e->appealed_at_s);
    sid_sql_bind_text(&query, e->barred);
    sid_sql_bind_int(&query, e->valid_until_s);
    sid_sql_bind_text(&query, sid_enrol_method_name(e->method));
    sid_sql_bind_int(&query, e->holder_generation);
    sid_sql_bind_int(&query, e->recovery_failures);
    sid_sql_bind_int(&query, e->consent_portrait ? 1 : 0);
    sid_sql_bind_int(&query, e->replaces ? 1 : 0);
    sid_sql_bind_int(&query, sid_sql_slot(query.sql));
    sid_sql_bind_blob(&query, e->id_index, sizeof e->id_index);
    sid_sql_bind_blob(&query, e->holder_hash, sizeof e->holder_hash);
    sid_sql_bind_blob(&query, e->holder_sealed.ptr, e->holder_sealed.len);
    return sid_sql_run(&query, NULL);
}

/* The columns of the list, in the order of ENROL_LIST_COLUMNS. */
static enum sid_err
read_list_fields(struct sid_sql_query *query, struct sid_enrolment *out) {
    char state[16] = "";
    char reasons[SID_REASONS_TEXT_SIZE] = "";
    char challenge[SID_CHALLENGE_TEXT_SIZE] = "";
    char first[8] = "";
    char method[8] = "";
    bool has_similarity = false;
    bool has_liveness = false;

    sid_sql_read_text(query, out->id, sizeof out->id);
    sid_sql_read_text(query, out->client_id, sizeof out->client_id);
    sid_sql_read_text(query, state, sizeof state);
    out->created_at_s = sid_sql_read_int(query);
    out->updated_at_s = sid_sql_read_int(query);
    out->decided_at_s = sid_sql_read_int(query);
    out->attempts = (int)sid_sql_read_int(query);
    sid_sql_read_text(query, out->consent_version, sizeof out->consent_version);
    out->consent_at_s = sid_sql_read_int(query);
    sid_sql_read_text(query, reasons, sizeof reasons);
    out->similarity = sid_sql_read_real(query, &has_similarity);
    out->liveness = sid_sql_read_real(query, &has_liveness);
    out->has_scores = has_similarity && has_liveness;
    sid_sql_read_text(query, out->decided_by, sizeof out->decided_by);
    sid_sql_read_buf(query, &out->note_sealed);
    sid_sql_read_text(query, out->credential_id, sizeof out->credential_id);
    sid_sql_read_text(query, challenge, sizeof challenge);
    sid_sql_read_text(query, first, sizeof first);
    out->first_approve = strcmp(first, "approve") == 0;
    sid_sql_read_text(query, out->first_by, sizeof out->first_by);
    out->first_at_s = sid_sql_read_int(query);
    sid_sql_read_buf(query, &out->first_note_sealed);
    out->appealed_at_s = sid_sql_read_int(query);
    sid_sql_read_text(query, out->barred, sizeof out->barred);
    out->valid_until_s = sid_sql_read_int(query);
    sid_sql_read_text(query, method, sizeof method);
    out->method =
        strcmp(method, "counter") == 0 ? SID_METHOD_COUNTER : SID_METHOD_FACE;
    out->holder_generation = (uint32_t)sid_sql_read_int(query);
    out->recovery_failures = (int)sid_sql_read_int(query);
    out->consent_portrait = sid_sql_read_int(query) != 0;
    out->replaces = sid_sql_read_int(query) != 0;
    out->worker = (int)sid_sql_read_int(query);
    if (query->err != SID_OK)
        return query->err;
    if (sid_enrol_state_parse(state, &out->state) != SID_OK ||
        sid_reasons_unpack(reasons, &out->reasons) != SID_OK ||
        sid_challenge_unpack(challenge, &out->challenge) != SID_OK)
        return SID_E_STORE;
    return SID_OK;
}

static enum sid_err
read_all_fields(struct sid_sql_query *query, struct sid_enrolment *out) {
    enum sid_err err = read_list_fields(query, out);
    if (err != SID_OK)
        return err;
    sid_sql_read_blob(query, out->id_index, SID_SHA256_BYTES);
    sid_sql_read_blob(query, out->holder_hash, SID_SHA256_BYTES);
    sid_sql_read_buf(query, &out->holder_sealed);
    sid_sql_read_buf(query, &out->statement_sealed);
    sid_sql_read_subject(query, &out->key);
    return query->err;
}

enum sid_err
sid_sql_enrol_get(struct sid_back *back, const char *id,
                  struct sid_enrolment *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_ENROL_GET);
    struct sid_enrolment enrolment = {.id = ""};
    bool row = false;

    sid_sql_bind_text(&query, id);
    enum sid_err err = sid_sql_next(&query, &row);
    if (err == SID_OK && !row)
        err = SID_E_NOT_FOUND;
    if (err == SID_OK) {
        err = read_all_fields(&query, &enrolment);
        if (strcmp(enrolment.id, id) != 0)
            err = SID_E_NOT_FOUND; /* the next one, whatever is wrong with it */
    }
    sid_sql_end(&query);
    if (err == SID_OK)
        *out = enrolment;
    else
        sid_enrolment_fini(&enrolment);
    return err;
}

enum sid_err
sid_sql_enrol_begin_work(struct sid_back *back, const char *id, int64_t now_s,
                         int *attempts) {
    struct sid_sql *sql = sid_sql_of(back);
    struct sid_sql_query query = sid_sql_start(sql, SID_SQL_ENROL_BEGIN_WORK);
    int count = 0;
    bool row = false;
    bool more = false;

    sid_sql_bind_int(&query, now_s);
    sid_sql_bind_text(&query, id);
    sid_sql_bind_int(&query, sid_sql_slot(sql));
    enum sid_err err = sid_sql_next(&query, &row);
    if (err == SID_OK && row) {
        count = (int)sid_sql_read_int(&query);
        err = sid_sql_next(&query, &more);
    }
    sid_sql_end(&query);
    if (err == SID_OK && !row)
        err = sid_sql_why_unchanged(sql, SID_SQL_ENROL_HAS, id);
    if (err == SID_OK)
        *attempts = count;
    return err;
}

enum sid_err
sid_sql_enrol_decide(struct sid_back *back, const struct sid_enrolment *e,
                     enum sid_enrol_state expected) {
    struct sid_sql *sql = sid_sql_of(back);
    struct sid_sql_query query = sid_sql_start(sql, SID_SQL_ENROL_DECIDE);
    char reasons[SID_REASONS_TEXT_SIZE];
    char challenge[SID_CHALLENGE_TEXT_SIZE];
    int changes = 0;

    sid_reasons_pack(&e->reasons, reasons);
    sid_challenge_pack(&e->challenge, challenge);
    sid_sql_bind_text(&query, sid_enrol_state_name(e->state));
    sid_sql_bind_int(&query, e->updated_at_s);
    sid_sql_bind_int(&query, e->decided_at_s);
    sid_sql_bind_text(&query, reasons);
    sid_sql_bind_real(&query, e->has_scores, e->similarity);
    sid_sql_bind_real(&query, e->has_scores, e->liveness);
    sid_sql_bind_text(&query, e->decided_by);
    sid_sql_bind_blob(&query, e->note_sealed.ptr, e->note_sealed.len);
    sid_sql_bind_text(&query, e->credential_id);
    sid_sql_bind_text(&query, challenge);
    sid_sql_bind_text(&query, e->id);
    sid_sql_bind_text(&query, sid_enrol_state_name(expected));
    enum sid_err err = sid_sql_run(&query, &changes);
    if (err == SID_OK && changes == 0)
        err = sid_sql_why_unchanged(sql, SID_SQL_ENROL_HAS, e->id);
    return err;
}

enum sid_err
sid_sql_enrol_first(struct sid_back *back, const struct sid_enrolment *e) {
    struct sid_sql *sql = sid_sql_of(back);
    struct sid_sql_query query = sid_sql_start(sql, SID_SQL_ENROL_FIRST);
    int changes = 0;

    sid_sql_bind_text(&query, first_word(e));
    sid_sql_bind_text(&query, e->first_by);
    sid_sql_bind_int(&query, e->first_at_s);
    sid_sql_bind_blob(&query, e->first_note_sealed.ptr,
                      e->first_note_sealed.len);
    sid_sql_bind_int(&query, e->updated_at_s);
    sid_sql_bind_text(&query, e->id);
    enum sid_err err = sid_sql_run(&query, &changes);
    if (err == SID_OK && changes == 0)
        err = sid_sql_why_unchanged(sql, SID_SQL_ENROL_HAS, e->id);
    return err;
}

enum sid_err
sid_sql_enrol_recovery(struct sid_back *back, const struct sid_enrolment *e) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_ENROL_RECOVERY);
    int changes = 0;

    sid_sql_bind_int(&query, e->holder_generation);
    sid_sql_bind_blob(&query, e->holder_hash, sizeof e->holder_hash);
    sid_sql_bind_int(&query, e->recovery_failures);
    sid_sql_bind_text(&query, e->id);
    enum sid_err err = sid_sql_run(&query, &changes);
    return err == SID_OK && changes == 0 ? SID_E_NOT_FOUND : err;
}

enum sid_err
sid_sql_enrol_appeal(struct sid_back *back, const struct sid_enrolment *e) {
    struct sid_sql *sql = sid_sql_of(back);
    struct sid_sql_query query = sid_sql_start(sql, SID_SQL_ENROL_APPEAL);
    char challenge[SID_CHALLENGE_TEXT_SIZE];
    int changes = 0;

    sid_challenge_pack(&e->challenge, challenge);
    sid_sql_bind_int(&query, e->updated_at_s);
    sid_sql_bind_text(&query, challenge);
    sid_sql_bind_int(&query, e->appealed_at_s);
    sid_sql_bind_text(&query, e->barred);
    sid_sql_bind_blob(&query, e->statement_sealed.ptr, e->statement_sealed.len);
    sid_sql_bind_int(&query, sid_sql_slot(sql));
    sid_sql_bind_text(&query, e->id);
    enum sid_err err = sid_sql_run(&query, &changes);
    if (err == SID_OK && changes == 0)
        err = sid_sql_why_unchanged(sql, SID_SQL_ENROL_HAS, e->id);
    return err;
}

/* When `after` was made: the list goes on behind it. */
static enum sid_err
made_at(struct sid_sql *sql, const char *after, int64_t *out) {
    struct sid_sql_query query = sid_sql_start(sql, SID_SQL_ENROL_HAS);
    bool row = false;

    sid_sql_bind_text(&query, after);
    enum sid_err err = sid_sql_next(&query, &row);
    if (err == SID_OK && !row)
        err = SID_E_NOT_FOUND;
    if (err == SID_OK)
        *out = sid_sql_read_int(&query);
    sid_sql_end(&query);
    return err;
}

enum sid_err
sid_sql_enrol_list(struct sid_back *back, enum sid_enrol_state state,
                   enum sid_waiting waiting, const char *after, int limit,
                   enum sid_err (*each)(const struct sid_enrolment *, void *),
                   void *ctx) {
    struct sid_sql *sql = sid_sql_of(back);
    int64_t after_at_s = INT64_MIN;
    enum sid_err err =
        after[0] == '\0' ? SID_OK : made_at(sql, after, &after_at_s);

    if (err != SID_OK)
        return err;
    struct sid_sql_query query = sid_sql_start(sql, SID_SQL_ENROL_LIST);
    bool row = true;
    sid_sql_bind_text(&query, sid_enrol_state_name(state));
    sid_sql_bind_int(&query, after_at_s);
    sid_sql_bind_text(&query, after);
    /* Ids begin with a letter and hold none behind 'z'. */
    sid_sql_bind_text(&query, waiting == SID_WAITING_SECOND ? "a" : "");
    sid_sql_bind_text(&query, waiting == SID_WAITING_FIRST ? "" : "zz");
    sid_sql_bind_int(&query, limit);
    while (err == SID_OK) {
        struct sid_enrolment enrolment = {.id = ""};

        err = sid_sql_next(&query, &row);
        if (err != SID_OK || !row)
            break;
        err = read_list_fields(&query, &enrolment);
        if (err == SID_OK) {
            sid_sql_read_subject(&query, &enrolment.key);
            err = query.err;
        }
        if (err == SID_OK)
            err = each(&enrolment, ctx);
        sid_enrolment_fini(&enrolment);
    }
    sid_sql_end(&query);
    return err;
}

static enum sid_err
each_open(struct sid_sql_query *query,
          enum sid_err (*each)(const char *, int, void *), void *ctx) {
    enum sid_err err = SID_OK;
    bool row = true;

    while (err == SID_OK) {
        char id[SID_ID_SIZE] = "";

        err = sid_sql_next(query, &row);
        if (err != SID_OK || !row)
            break;
        sid_sql_read_text(query, id, sizeof id);
        int attempts = (int)sid_sql_read_int(query);
        err = query->err == SID_OK ? each(id, attempts, ctx) : query->err;
    }
    sid_sql_end(query);
    return err;
}

enum sid_err
sid_sql_enrol_unfinished(struct sid_back *back,
                         enum sid_err (*each)(const char *, int, void *),
                         void *ctx) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_ENROL_UNFINISHED);

    sid_sql_bind_int(&query, sid_sql_slot(query.sql));
    return each_open(&query, each, ctx);
}

enum sid_err
sid_sql_enrol_orphans(struct sid_back *back, int64_t before_us, bool *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_ENROL_ORPHANS);

    sid_sql_bind_int(&query, sid_sql_slot(query.sql));
    sid_sql_bind_int(&query, before_us);
    return sid_sql_has_row(&query, out);
}

enum sid_err
sid_sql_enrol_take_over(struct sid_back *back, int64_t before_us,
                        enum sid_err (*each)(const char *, int, void *),
                        void *ctx) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_ENROL_TAKE_OVER);

    sid_sql_bind_int(&query, sid_sql_slot(query.sql));
    sid_sql_bind_int(&query, before_us);
    return each_open(&query, each, ctx);
}
