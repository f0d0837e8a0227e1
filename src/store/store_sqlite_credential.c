/* store_sqlite_credential.c: rows of credentials in SQLite; by serial is the
 * hot path of every verification. Run by the thread that owns the store; owns
 * nothing. */
#include <string.h>

#include "store_sqlite.h"

enum sid_err
sid_sqlite_credential_insert(struct sid_back *back,
                             const struct sid_credential *c, uint64_t *serial) {
    struct sid_sqlite *sq = sid_sqlite_of(back);
    struct sid_sq_query query = sid_sq_start(sq, SID_SQ_CREDENTIAL_INSERT);

    sid_sq_bind_text(&query, c->id);
    sid_sq_bind_text(&query, c->enrolment_id);
    sid_sq_bind_text(&query, c->client_id);
    sid_sq_bind_text(&query, c->type);
    sid_sq_bind_text(&query, c->assurance);
    sid_sq_bind_text(&query, sid_credential_state_name(c->state));
    sid_sq_bind_int(&query, c->issued_at_s);
    sid_sq_bind_int(&query, c->revoked_at_s);
    sid_sq_bind_blob(&query, c->note_sealed.ptr, c->note_sealed.len);
    sid_sq_bind_blob(&query, c->id_index, sizeof c->id_index);
    sid_sq_bind_blob(&query, c->holder_hash, sizeof c->holder_hash);
    sid_sq_bind_blob(&query, c->holder_sealed.ptr, c->holder_sealed.len);
    enum sid_err err = sid_sq_run(&query, NULL);
    if (err == SID_OK)
        *serial = (uint64_t)sqlite3_last_insert_rowid(sq->db);
    return err;
}

static enum sid_err
parse_state(const char *name, enum sid_credential_state *out) {
    static const enum sid_credential_state states[] = {
        SID_CREDENTIAL_ACTIVE,
        SID_CREDENTIAL_REVOKED,
    };

    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        if (strcmp(name, sid_credential_state_name(states[i])) == 0) {
            *out = states[i];
            return SID_OK;
        }
    }
    return SID_E_STORE;
}

/* In the order of CREDENTIAL_COLUMNS. */
static enum sid_err
read_credential(struct sid_sq_query *query, struct sid_credential *out) {
    char state[16] = "";

    out->serial = (uint64_t)sid_sq_read_int(query);
    sid_sq_read_text(query, out->id, sizeof out->id);
    sid_sq_read_text(query, out->enrolment_id, sizeof out->enrolment_id);
    sid_sq_read_text(query, out->client_id, sizeof out->client_id);
    sid_sq_read_text(query, out->type, sizeof out->type);
    sid_sq_read_text(query, out->assurance, sizeof out->assurance);
    sid_sq_read_text(query, state, sizeof state);
    out->issued_at_s = sid_sq_read_int(query);
    out->revoked_at_s = sid_sq_read_int(query);
    sid_sq_read_buf(query, &out->note_sealed);
    sid_sq_read_blob(query, out->id_index, sizeof out->id_index);
    sid_sq_read_blob(query, out->holder_hash, sizeof out->holder_hash);
    sid_sq_read_buf(query, &out->holder_sealed);
    sid_sq_read_subject(query, &out->key);
    if (query->err != SID_OK)
        return query->err;
    return parse_state(state, &out->state);
}

/* The one row a bound query gives; ends the query. A row of another id than
 * this one (NULL: any) is as good as none. */
static enum sid_err
fetch(struct sid_sq_query *query, const char *id, struct sid_credential *out) {
    struct sid_credential credential = {.serial = 0};
    bool row = false;
    enum sid_err err = sid_sq_next(query, &row);

    if (err == SID_OK && !row)
        err = SID_E_NOT_FOUND;
    if (err == SID_OK)
        err = read_credential(query, &credential);
    if (row && id != NULL && strcmp(credential.id, id) != 0)
        err = SID_E_NOT_FOUND; /* the next one, whatever is wrong with it */
    sid_sq_end(query);
    if (err == SID_OK)
        *out = credential;
    else
        sid_credential_fini(&credential);
    return err;
}

enum sid_err
sid_sqlite_credential_get(struct sid_back *back, const char *id,
                          struct sid_credential *out) {
    struct sid_sq_query query =
        sid_sq_start(sid_sqlite_of(back), SID_SQ_CREDENTIAL_GET);

    sid_sq_bind_text(&query, id);
    return fetch(&query, id, out);
}

enum sid_err
sid_sqlite_credential_by_serial(struct sid_back *back, uint64_t serial,
                                struct sid_credential *out) {
    struct sid_sq_query query =
        sid_sq_start(sid_sqlite_of(back), SID_SQ_CREDENTIAL_BY_SERIAL);

    if (serial > INT64_MAX)
        return SID_E_NOT_FOUND; /* never given */
    sid_sq_bind_int(&query, (int64_t)serial);
    return fetch(&query, NULL, out);
}

enum sid_err
sid_sqlite_credential_in_use(struct sid_back *back,
                             const uint8_t id_index[SID_SHA256_BYTES],
                             bool *out) {
    struct sid_sq_query query =
        sid_sq_start(sid_sqlite_of(back), SID_SQ_CREDENTIAL_IN_USE);

    sid_sq_bind_blob(&query, id_index, SID_SHA256_BYTES);
    return sid_sq_has_row(&query, out);
}

enum sid_err
sid_sqlite_credential_revoke(struct sid_back *back, const char *id,
                             struct sid_span note_sealed, int64_t now_s) {
    struct sid_sqlite *sq = sid_sqlite_of(back);
    struct sid_sq_query query = sid_sq_start(sq, SID_SQ_CREDENTIAL_REVOKE);
    int changes = 0;

    sid_sq_bind_int(&query, now_s);
    sid_sq_bind_blob(&query, note_sealed.ptr, note_sealed.len);
    sid_sq_bind_text(&query, id);
    enum sid_err err = sid_sq_run(&query, &changes);
    if (err == SID_OK && changes == 0)
        err = sid_sq_why_unchanged(sq, SID_SQ_CREDENTIAL_HAS, id);
    return err;
}
