/* store_sql_credential.c: rows of credentials; by serial is the
 * hot path of every verification. Run by the thread that owns the store; owns
 * nothing. */
#include <string.h>

#include "store_sql_ops.h"

/* In the order of LIFE_COLUMNS. */
static void
bind_life(struct sid_sql_query *query, const struct sid_credential *c) {
    sid_sql_bind_text(query, sid_credential_state_name(c->life.state));
    sid_sql_bind_int(query, c->life.since_s);
    sid_sql_bind_text(query, sid_role_name(c->life.suspended_by));
    sid_sql_bind_text(query, sid_revoke_reason_name(c->life.reason));
    sid_sql_bind_text(query, c->replaced_by);
    sid_sql_bind_blob(query, c->note_sealed.ptr, c->note_sealed.len);
}

enum sid_err
sid_sql_credential_insert(struct sid_back *back, const struct sid_credential *c,
                          uint64_t *serial) {
    struct sid_sql *sql = sid_sql_of(back);
    int64_t number = 0;
    enum sid_err err = sql->engine->number(sql, "credential", &number);

    if (err != SID_OK)
        return err;
    struct sid_sql_query query = sid_sql_start(sql, SID_SQL_CREDENTIAL_INSERT);
    sid_sql_bind_number(&query, number);
    sid_sql_bind_text(&query, c->id);
    sid_sql_bind_text(&query, c->enrolment_id);
    sid_sql_bind_text(&query, c->client_id);
    sid_sql_bind_text(&query, c->type);
    sid_sql_bind_text(&query, c->assurance);
    sid_sql_bind_int(&query, c->issued_at_s);
    bind_life(&query, c);
    sid_sql_bind_int(&query, c->life.valid_until_s);
    sid_sql_bind_int(&query, c->expiry_told ? 1 : 0);
    sid_sql_bind_blob(&query, c->id_index, sizeof c->id_index);
    sid_sql_bind_blob(&query, c->holder_hash, sizeof c->holder_hash);
    sid_sql_bind_blob(&query, c->holder_sealed.ptr, c->holder_sealed.len);
    sid_sql_bind_blob(&query, c->details_sealed.ptr, c->details_sealed.len);
    err = sid_sql_run(&query, NULL);
    if (err == SID_OK)
        *serial = (uint64_t)(number != 0 ? number : sql->engine->given(sql));
    return err;
}

static bool
parse_role(const char *name, enum sid_role *out) {
    static const enum sid_role roles[] = {SID_ROLE_NONE, SID_ROLE_HOLDER,
                                          SID_ROLE_APP, SID_ROLE_OFFICER};

    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        if (strcmp(name, sid_role_name(roles[i])) == 0) {
            *out = roles[i];
            return true;
        }
    }
    return false;
}

/* In the order of LIFE_COLUMNS. */
static enum sid_err
read_life(struct sid_sql_query *query, struct sid_credential *out) {
    char state[16] = "";
    char by[16] = "";
    char reason[SID_REVOKE_REASON_SIZE] = "";

    sid_sql_read_text(query, state, sizeof state);
    out->life.since_s = sid_sql_read_int(query);
    sid_sql_read_text(query, by, sizeof by);
    sid_sql_read_text(query, reason, sizeof reason);
    sid_sql_read_text(query, out->replaced_by, sizeof out->replaced_by);
    sid_sql_read_buf(query, &out->note_sealed);
    if (query->err != SID_OK)
        return query->err;
    return sid_credential_state_parse(state, &out->life.state) == SID_OK &&
                   parse_role(by, &out->life.suspended_by) &&
                   sid_revoke_reason_parse(reason, &out->life.reason) == SID_OK
               ? SID_OK
               : SID_E_STORE;
}

/* In the order of CREDENTIAL_COLUMNS. */
static enum sid_err
read_credential(struct sid_sql_query *query, struct sid_credential *out) {
    out->serial = (uint64_t)sid_sql_read_int(query);
    sid_sql_read_text(query, out->id, sizeof out->id);
    sid_sql_read_text(query, out->enrolment_id, sizeof out->enrolment_id);
    sid_sql_read_text(query, out->client_id, sizeof out->client_id);
    sid_sql_read_text(query, out->type, sizeof out->type);
    sid_sql_read_text(query, out->assurance, sizeof out->assurance);
    out->issued_at_s = sid_sql_read_int(query);
    enum sid_err err = read_life(query, out);
    out->life.valid_until_s = sid_sql_read_int(query);
    out->expiry_told = sid_sql_read_int(query) != 0;
    sid_sql_read_blob(query, out->id_index, sizeof out->id_index);
    sid_sql_read_blob(query, out->holder_hash, sizeof out->holder_hash);
    sid_sql_read_buf(query, &out->holder_sealed);
    sid_sql_read_buf(query, &out->details_sealed);
    sid_sql_read_subject(query, &out->key);
    return query->err != SID_OK ? query->err : err;
}

/* The one row a bound query gives; ends the query. A row of another id than
 * this one (NULL: any) is as good as none. */
static enum sid_err
fetch(struct sid_sql_query *query, const char *id, struct sid_credential *out) {
    struct sid_credential credential = {.serial = 0};
    bool row = false;
    enum sid_err err = sid_sql_next(query, &row);

    if (err == SID_OK && !row)
        err = SID_E_NOT_FOUND;
    if (err == SID_OK)
        err = read_credential(query, &credential);
    if (row && id != NULL && strcmp(credential.id, id) != 0)
        err = SID_E_NOT_FOUND; /* the next one, whatever is wrong with it */
    sid_sql_end(query);
    if (err == SID_OK)
        *out = credential;
    else
        sid_credential_fini(&credential);
    return err;
}

enum sid_err
sid_sql_credential_get(struct sid_back *back, const char *id,
                       struct sid_credential *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_CREDENTIAL_GET);

    sid_sql_bind_text(&query, id);
    return fetch(&query, id, out);
}

enum sid_err
sid_sql_credential_by_serial(struct sid_back *back, uint64_t serial,
                             struct sid_credential *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_CREDENTIAL_BY_SERIAL);

    if (serial > INT64_MAX)
        return SID_E_NOT_FOUND; /* never given */
    sid_sql_bind_int(&query, (int64_t)serial);
    return fetch(&query, NULL, out);
}

enum sid_err
sid_sql_credential_standing(struct sid_back *back,
                            const uint8_t id_index[SID_SHA256_BYTES],
                            const char *type, struct sid_credential *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_CREDENTIAL_STANDING);

    sid_sql_bind_blob(&query, id_index, SID_SHA256_BYTES);
    sid_sql_bind_text(&query, type);
    return fetch(&query, NULL, out);
}

enum sid_err
sid_sql_credential_change(struct sid_back *back,
                          const struct sid_credential *c) {
    struct sid_sql *sql = sid_sql_of(back);
    struct sid_sql_query query = sid_sql_start(sql, SID_SQL_CREDENTIAL_CHANGE);
    int changes = 0;

    bind_life(&query, c);
    sid_sql_bind_text(&query, c->assurance);
    sid_sql_bind_text(&query, c->id);
    enum sid_err err = sid_sql_run(&query, &changes);
    if (err == SID_OK && changes == 0)
        err = sid_sql_why_unchanged(sql, SID_SQL_CREDENTIAL_HAS, c->id);
    return err;
}

enum sid_err
sid_sql_live_use(struct sid_back *back, const struct sid_token *token,
                 bool *used) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_LIVE_USE);
    int changes = 0;

    sid_sql_bind_int(&query, token->not_after_s);
    sid_sql_bind_int(&query, (int64_t)token->serial);
    sid_sql_bind_int(&query, token->draw);
    enum sid_err err = sid_sql_run(&query, &changes);
    if (err == SID_OK)
        *used = changes > 0;
    return err;
}

enum sid_err
sid_sql_live_purge(struct sid_back *back, int64_t before_s) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_LIVE_PURGE);

    sid_sql_bind_int(&query, before_s);
    return sid_sql_run(&query, NULL);
}

enum sid_err
sid_sql_credential_next(struct sid_back *back, const char *enrolment_id,
                        uint64_t after_serial, struct sid_credential *out) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_CREDENTIAL_NEXT);

    sid_sql_bind_text(&query, enrolment_id);
    sid_sql_bind_int(&query, (int64_t)after_serial);
    return fetch(&query, NULL, out);
}

enum sid_err
sid_sql_serial_retire(struct sid_back *back, uint64_t serial) {
    static const enum sid_sql_stmt steps[] = {SID_SQL_SERIAL_RETIRED,
                                              SID_SQL_CREDENTIAL_DELETE};
    enum sid_err err = SID_OK;

    for (int i = 0; err == SID_OK && i < 2; i++) {
        struct sid_sql_query query = sid_sql_start(sid_sql_of(back), steps[i]);
        int changes = 0;

        sid_sql_bind_int(&query, (int64_t)serial);
        err = sid_sql_run(&query, &changes);
        if (err == SID_OK && changes == 0)
            err = SID_E_NOT_FOUND;
    }
    return err;
}

enum sid_err
sid_sql_dead_serial(struct sid_back *back, uint64_t serial,
                    char credential_id[SID_ID_SIZE],
                    enum sid_dead_serial *why) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_DEAD_SERIAL_GET);
    char found[SID_ID_SIZE] = "";
    char word[16] = "";
    bool row = false;

    if (serial > INT64_MAX)
        return SID_E_NOT_FOUND; /* never given */
    sid_sql_bind_int(&query, (int64_t)serial);
    enum sid_err err = sid_sql_next(&query, &row);
    if (err == SID_OK && !row)
        err = SID_E_NOT_FOUND;
    if (err == SID_OK) {
        sid_sql_read_text(&query, found, sizeof found);
        sid_sql_read_text(&query, word, sizeof word);
        err = query.err;
    }
    sid_sql_end(&query);
    if (err == SID_OK) {
        memcpy(credential_id, found, sizeof found);
        *why = strcmp(word, sid_dead_serial_name(SID_DEAD_ERASED)) == 0
                   ? SID_DEAD_ERASED
                   : SID_DEAD_RECOVERED;
    }
    return err;
}
