/* store_sqlite_query.c: the SQL, and the cursor every query is written with.
 *
 * All statements of the back end stand here, so that one page shows what is
 * asked of the database. Run by the thread that owns the store; owns the
 * prepared statements through struct sid_sqlite. */
#include <errno.h>
#include <string.h>

#include "smartid/log.h"
#include "store_sqlite.h"

#define CLIENT_COLUMNS                                                         \
    "id, key_name, key_hash, name, role, purpose_names, party, networks, "     \
    "created_at_s, expires_at_s, revoked_at_s, per_minute"
#define ENROL_LIST_COLUMNS                                                     \
    "id, client_id, state, created_at_s, updated_at_s, decided_at_s, "         \
    "attempts, consent_version, consent_at_s, reasons, similarity, liveness, " \
    "decided_by, note_sealed, credential_id, challenge, first_decision, "      \
    "first_by, first_at_s, first_note_sealed, appealed_at_s, barred"
#define SUBJECT_KEY                                                            \
    "data_version, data_wrapped, template_version, template_wrapped"
#define CREDENTIAL_COLUMNS                                                     \
    "serial, id, enrolment_id, client_id, type, assurance, state, "            \
    "issued_at_s, revoked_at_s, note_sealed, id_index, holder_hash, "          \
    "holder_sealed, " SUBJECT_KEY
#define WITH_KEY " LEFT JOIN subject_key ON subject = "
/* The row of this id or, when there is none, the one after it, which the caller
 * drops: an id that is unknown costs as much as one that is somebody else's.
 * The few ids behind the last row cost less and tell nobody anything. */
#define OR_NEXT " WHERE id >= ? ORDER BY id LIMIT 1"

static const struct {
    const char *name;
    const char *sql;
} statements[SID_SQ_COUNT] = {
#define S(symbol, text) [SID_SQ_##symbol] = {#symbol, text}
    S(BEGIN_WRITE, "BEGIN IMMEDIATE"),
    S(BEGIN_READ, "BEGIN DEFERRED"),
    S(COMMIT, "COMMIT"),
    S(ROLLBACK, "ROLLBACK"),
    S(SAVEPOINT, "SAVEPOINT op"),
    S(SAVEPOINT_RELEASE, "RELEASE SAVEPOINT op"),
    S(SAVEPOINT_UNDO, "ROLLBACK TO SAVEPOINT op"),
    /* Means nothing here, but is written whatever its value was. */
    S(TOUCH, "PRAGMA user_version = 1"),

    S(AUDIT_HEAD,
      "SELECT seq, at_us, mac FROM audit ORDER BY seq DESC LIMIT 1"),
    S(AUDIT_APPEND, "INSERT INTO audit (seq, at_us, event, actor, subject, "
                    "outcome, detail, mac) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
    S(AUDIT_SCAN, "SELECT seq, at_us, event, actor, subject, outcome, detail, "
                  "mac FROM audit WHERE seq > ? ORDER BY seq LIMIT ?"),
    S(AUDIT_PRUNE, "DELETE FROM audit WHERE seq <= ?"),
    S(ANCHOR_GET, "SELECT seq, mac, seal FROM audit_anchor"),
    S(ANCHOR_PUT, "INSERT INTO audit_anchor (one, seq, mac, seal) "
                  "VALUES (1, ?, ?, ?) ON CONFLICT (one) DO UPDATE SET "
                  "seq = excluded.seq, mac = excluded.mac, "
                  "seal = excluded.seal"),

    S(KEY_PUT, "INSERT INTO wrapped_key (use, version, made_at_s, "
               "retired_at_s, wrapped) VALUES (?, ?, ?, ?, ?)"),
    S(KEY_EACH, "SELECT use, version, made_at_s, retired_at_s, wrapped "
                "FROM wrapped_key ORDER BY use, version"),
    S(KEY_REWRAP, "UPDATE wrapped_key SET wrapped = ? "
                  "WHERE use = ? AND version = ? AND retired_at_s = 0"),
    S(KEY_RETIRE, "UPDATE wrapped_key SET retired_at_s = ?, wrapped = ? "
                  "WHERE use = ? AND version = ? AND retired_at_s = 0"),

    S(SUBJECT_PUT, "INSERT INTO subject_key (subject, " SUBJECT_KEY
                   ") VALUES (?, ?, ?, ?, ?)"),
    S(SUBJECT_REWRAP,
      "UPDATE subject_key SET data_version = ?, data_wrapped = ?, "
      "template_version = ?, template_wrapped = ? WHERE subject = ?"),
    /* Versions only rise; 0 is no key. */
    S(SUBJECT_STALE,
      "SELECT subject, " SUBJECT_KEY " FROM subject_key "
      "WHERE data_version < ?1 OR template_version BETWEEN 1 AND ?2 - 1 "
      "LIMIT ?3"),
    S(SUBJECT_COUNT,
      "SELECT count(*) FROM subject_key WHERE data_version < ?1 OR "
      "template_version BETWEEN 1 AND ?2 - 1"),
    S(SUBJECT_FORGET, "DELETE FROM subject_key WHERE subject = ?"),

    S(CLIENT_PUT, "INSERT INTO client (" CLIENT_COLUMNS
                  ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    S(CLIENT_REVOKE, "UPDATE client SET revoked_at_s = ? "
                     "WHERE id = ? AND revoked_at_s = 0"),
    S(CLIENT_HAS, "SELECT 1 FROM client WHERE id = ?"),
    S(CLIENT_EACH,
      "SELECT " CLIENT_COLUMNS " FROM client ORDER BY created_at_s, id"),

    S(ENROL_INSERT,
      "INSERT INTO enrolment (" ENROL_LIST_COLUMNS
      ", id_index, holder_hash, holder_sealed) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
      "?, ?, ?, ?, ?)"),
    S(ENROL_GET,
      "SELECT " ENROL_LIST_COLUMNS ", id_index, holder_hash, holder_sealed, "
      "statement_sealed, " SUBJECT_KEY " FROM enrolment" WITH_KEY "id" OR_NEXT),
    S(ENROL_HAS, "SELECT created_at_s FROM enrolment WHERE id = ?"),
    S(ENROL_BEGIN_WORK,
      "UPDATE enrolment SET state = 'processing', attempts = attempts + 1, "
      "updated_at_s = ? WHERE id = ? AND state IN ('received', 'processing') "
      "RETURNING attempts"),
    S(ENROL_DECIDE,
      "UPDATE enrolment SET state = ?, updated_at_s = ?, decided_at_s = ?, "
      "reasons = ?, similarity = ?, liveness = ?, decided_by = ?, "
      "note_sealed = ?, credential_id = ?, challenge = ? WHERE id = ? AND "
      "state = ?"),
    S(ENROL_FIRST,
      "UPDATE enrolment SET first_decision = ?, first_by = ?, first_at_s = ?, "
      "first_note_sealed = ?, updated_at_s = ? WHERE id = ? AND state = "
      "'review'"),
    S(ENROL_APPEAL,
      "UPDATE enrolment SET state = 'received', attempts = 0, "
      "decided_at_s = 0, reasons = '', similarity = NULL, liveness = NULL, "
      "decided_by = '', note_sealed = X'', first_decision = '', "
      "first_by = '', first_at_s = 0, first_note_sealed = X'', "
      "updated_at_s = ?, challenge = ?, "
      "appealed_at_s = ?, barred = ?, statement_sealed = ? "
      "WHERE id = ? AND state = 'rejected' AND appealed_at_s = 0"),
    S(ATTEMPT_PUT, "INSERT INTO attempt (enrolment_id, person, made_at_s) "
                   "VALUES (?, ?, ?)"),
    S(ATTEMPT_GET,
      "SELECT enrolment_id, made_at_s FROM attempt WHERE person = ? AND "
      "made_at_s > ? ORDER BY made_at_s DESC LIMIT 1 OFFSET ?"),
    S(ATTEMPT_PURGE,
      "DELETE FROM attempt WHERE made_at_s < ? OR made_at_s > ?"),
    S(ENROL_LIST,
      "SELECT " ENROL_LIST_COLUMNS ", " SUBJECT_KEY " FROM enrolment" WITH_KEY
      "id WHERE state = ?1 AND "
      "(created_at_s, id) > (?2, ?3) AND first_by BETWEEN ?4 AND ?5 "
      "ORDER BY created_at_s, id LIMIT ?6"),
    S(ENROL_UNFINISHED,
      "SELECT id, attempts FROM enrolment "
      "WHERE state IN ('received', 'processing') ORDER BY created_at_s, id"),

    S(PHOTO_PUT,
      "INSERT INTO photo (enrolment_id, kind, sealed) VALUES (?, ?, ?)"),
    S(PHOTO_GET,
      "SELECT sealed FROM photo WHERE enrolment_id = ? AND kind = ?"),
    S(PHOTO_DELETE_ALL, "DELETE FROM photo WHERE enrolment_id = ?"),
    S(PHOTO_COUNT, "SELECT count(*) FROM photo"),

    S(CHALLENGE_PUT, "INSERT INTO challenge (id, client_id, steps, made_at_s, "
                     "expires_at_s, enrolment_id) VALUES (?, ?, ?, ?, ?, ?)"),
    S(CHALLENGE_GET, "SELECT id, client_id, steps, made_at_s, expires_at_s, "
                     "enrolment_id FROM challenge WHERE id = ?"),
    S(CHALLENGE_HAS, "SELECT 1 FROM challenge WHERE id = ?"),
    S(CHALLENGE_USE, "UPDATE challenge SET enrolment_id = ? "
                     "WHERE id = ? AND enrolment_id = ''"),
    S(CHALLENGE_PURGE, "DELETE FROM challenge WHERE expires_at_s < ?"),
    S(TEMPLATE_UPDATE, "UPDATE template SET sealed = ? WHERE enrolment_id = ?"),
    S(TEMPLATE_INSERT,
      "INSERT INTO template (sealed, enrolment_id) VALUES (?, ?)"),
    S(TEMPLATE_GET, "SELECT sealed FROM template WHERE enrolment_id = ?"),
    S(TEMPLATE_DELETE, "DELETE FROM template WHERE enrolment_id = ?"),
    S(TEMPLATE_COUNT, "SELECT count(*) FROM template"),

    S(IDEMPOTENCY_GET,
      "SELECT client_id, retry_key, fingerprint, enrolment_id, created_at_s "
      "FROM idempotency WHERE client_id = ? AND retry_key = ?"),
    S(IDEMPOTENCY_PUT,
      "INSERT INTO idempotency (client_id, retry_key, fingerprint, "
      "enrolment_id, created_at_s) VALUES (?, ?, ?, ?, ?)"),
    S(IDEMPOTENCY_PURGE, "DELETE FROM idempotency WHERE created_at_s < ?"),

    S(CREDENTIAL_INSERT,
      "INSERT INTO credential (id, enrolment_id, client_id, type, assurance, "
      "state, issued_at_s, revoked_at_s, note_sealed, id_index, holder_hash, "
      "holder_sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    S(CREDENTIAL_GET, "SELECT " CREDENTIAL_COLUMNS " FROM credential" WITH_KEY
                      "enrolment_id" OR_NEXT),
    S(CREDENTIAL_BY_SERIAL,
      "SELECT " CREDENTIAL_COLUMNS " FROM credential" WITH_KEY
      "enrolment_id WHERE serial = ?"),
    S(CREDENTIAL_HAS, "SELECT 1 FROM credential WHERE id = ?"),
    S(CREDENTIAL_IN_USE,
      "SELECT 1 FROM credential WHERE id_index = ? AND state = 'active'"),
    S(CREDENTIAL_REVOKE, "UPDATE credential SET state = 'revoked', "
                         "revoked_at_s = ?, note_sealed = ? "
                         "WHERE id = ? AND state = 'active'"),

    S(IDEMPOTENCY_FORGET, "UPDATE idempotency SET fingerprint = zeroblob(32) "
                          "WHERE enrolment_id = ?"),
    S(CREDENTIAL_DELETE,
      "DELETE FROM credential WHERE id = ? RETURNING serial"),
    S(ENROL_DELETE, "DELETE FROM enrolment WHERE id = ?"),
    S(ERASURE_PUT, "INSERT INTO erasure (enrolment_id, credential_id, serial, "
                   "erased_at_s, cause) VALUES (?, ?, ?, ?, ?)"),
    S(ERASED_CREDENTIAL,
      "SELECT credential_id FROM erasure WHERE serial = ? AND serial > 0"),
    S(DUE_ENROLMENTS,
      "SELECT id, credential_id FROM enrolment WHERE state = ? AND "
      "decided_at_s < ? ORDER BY decided_at_s, id LIMIT ?"),
    S(DUE_CREDENTIALS,
      "SELECT enrolment_id, id FROM credential WHERE state = 'revoked' AND "
      "revoked_at_s < ? ORDER BY revoked_at_s LIMIT ?"),
    S(COUNT_ENROLMENTS,
      "SELECT (SELECT count(*) FROM enrolment WHERE state = ?1 AND "
      "decided_at_s < ?2), (SELECT coalesce(min(decided_at_s), 0) "
      "FROM enrolment WHERE state = ?1)"),
    S(COUNT_CREDENTIALS,
      "SELECT (SELECT count(*) FROM credential WHERE state = 'revoked' AND "
      "revoked_at_s < ?1), (SELECT coalesce(min(revoked_at_s), 0) "
      "FROM credential WHERE state = 'revoked')"),
    S(RETENTION_RAN,
      "INSERT INTO retention (rule, ran_at_s) VALUES (?, ?) "
      "ON CONFLICT (rule) DO UPDATE SET ran_at_s = excluded.ran_at_s"),
    S(RETENTION_LAST, "SELECT ran_at_s FROM retention WHERE rule = ?"),
#undef S
};

enum sid_err
sid_sq_prepare_all(struct sid_sqlite *sq) {
    for (int i = 0; i < SID_SQ_COUNT; i++) {
        int rc =
            sqlite3_prepare_v3(sq->db, statements[i].sql, -1,
                               SQLITE_PREPARE_PERSISTENT, &sq->stmt[i], NULL);
        if (rc != SQLITE_OK)
            return sid_sq_error(sq, rc, statements[i].name);
    }
    return SID_OK;
}

void
sid_sq_finalize_all(struct sid_sqlite *sq) {
    for (int i = 0; i < SID_SQ_COUNT; i++) {
        sqlite3_finalize(sq->stmt[i]);
        sq->stmt[i] = NULL;
    }
}

/* ---- errors ------------------------------------------------------------ */

static bool
is_broken(int rc) {
    return rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC ||
           (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB;
}

static enum sid_err
meaning(int rc, int sys) {
    if (rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
        rc == SQLITE_CONSTRAINT_ROWID)
        return SID_E_EXISTS;
    if (rc == SQLITE_CONSTRAINT_FOREIGNKEY)
        return SID_E_NOT_FOUND;
    if ((rc & 0xff) == SQLITE_NOMEM || rc == SQLITE_IOERR_NOMEM)
        return SID_E_NO_MEMORY;
    if ((rc & 0xff) == SQLITE_FULL)
        return SID_E_STORE_FULL;
    /* A full disk shows itself so when the WAL index cannot grow, a quota
     * always. After a failed sync nothing is known, so that is not "full". */
    if ((rc & 0xff) == SQLITE_IOERR && !is_broken(rc) &&
        (sys == ENOSPC || sys == EDQUOT))
        return SID_E_STORE_FULL;
    return SID_E_STORE;
}

/* True the first time since the last commit that wrote: a disk that stays full
 * is one event, however often it is tried. */
static bool
is_news(struct sid_sqlite *sq, int rc) {
    for (int i = 0; i < sq->told_count; i++) {
        if (sq->told[i] == rc)
            return false;
    }
    if (sq->told_count < SID_SQ_TOLD_MAX)
        sq->told[sq->told_count++] = rc;
    return true;
}

enum sid_err
sid_sq_error(struct sid_sqlite *sq, int rc, const char *where) {
    int sys = sqlite3_system_errno(sq->db);
    enum sid_err err = meaning(rc, sys);

    if (is_broken(rc))
        sq->broken = true;
    if (sq->in_txn && sq->lost == SID_OK && sqlite3_get_autocommit(sq->db) != 0)
        sq->lost = err;
    if (err != SID_E_EXISTS && err != SID_E_NOT_FOUND && is_news(sq, rc))
        sid_log(SID_LOG_ERROR, "store_error", SID_S("code", sid_err_code(err)),
                SID_N("sqlite", rc), SID_S("text", sqlite3_errstr(rc)),
                SID_N("errno", (rc & 0xff) == SQLITE_IOERR ? sys : 0),
                SID_S("at", where));
    return err;
}

/* ---- the cursor -------------------------------------------------------- */

struct sid_sq_query
sid_sq_start(struct sid_sqlite *sq, enum sid_sq_stmt which) {
    sqlite3_stmt *stmt = sq->stmt[which];

    /* A callback that calls the store would step the statement it came from. */
    SID_ASSERT(!sqlite3_stmt_busy(stmt));
    return (struct sid_sq_query){.sq = sq, .stmt = stmt, .which = which};
}

void
sid_sq_bind_int(struct sid_sq_query *query, int64_t value) {
    if (query->rc == SQLITE_OK)
        query->rc = sqlite3_bind_int64(query->stmt, ++query->bound, value);
}

void
sid_sq_bind_real(struct sid_sq_query *query, bool present, double value) {
    if (query->rc != SQLITE_OK)
        return;
    query->rc = present
                    ? sqlite3_bind_double(query->stmt, ++query->bound, value)
                    : sqlite3_bind_null(query->stmt, ++query->bound);
}

void
sid_sq_bind_text(struct sid_sq_query *query, const char *text) {
    if (query->rc == SQLITE_OK)
        query->rc = sqlite3_bind_text(query->stmt, ++query->bound, text, -1,
                                      SQLITE_STATIC);
}

void
sid_sq_bind_blob(struct sid_sq_query *query, const void *ptr, size_t len) {
    if (query->rc != SQLITE_OK)
        return;
    /* A NULL pointer would bind NULL instead of the empty blob. */
    query->rc = sqlite3_bind_blob64(query->stmt, ++query->bound,
                                    ptr == NULL ? "" : ptr, len, SQLITE_STATIC);
}

enum sid_err
sid_sq_next(struct sid_sq_query *query, bool *row) {
    struct sid_sqlite *sq = query->sq;

    if (sq->lost != SID_OK)
        return sq->lost;
    if (query->rc != SQLITE_OK)
        return sid_sq_error(sq, query->rc, statements[query->which].name);
    int rc = sqlite3_step(query->stmt);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return sid_sq_error(sq, rc, statements[query->which].name);
    query->read = 0;
    *row = rc == SQLITE_ROW;
    return SID_OK;
}

/* A column is not what the front wrote. */
static void
bad_column(struct sid_sq_query *query) {
    if (query->err != SID_OK)
        return;
    int rc = sqlite3_errcode(query->sq->db);
    query->err = (rc & 0xff) == SQLITE_NOMEM ? SID_E_NO_MEMORY : SID_E_STORE;
    sid_log(SID_LOG_ERROR, "store_error",
            SID_S("code", sid_err_code(query->err)),
            SID_S("at", statements[query->which].name),
            SID_N("column", query->read));
}

int64_t
sid_sq_read_int(struct sid_sq_query *query) {
    return sqlite3_column_int64(query->stmt, query->read++);
}

double
sid_sq_read_real(struct sid_sq_query *query, bool *present) {
    int column = query->read++;

    *present = sqlite3_column_type(query->stmt, column) != SQLITE_NULL;
    return sqlite3_column_double(query->stmt, column);
}

int64_t
sid_sq_peek_int(struct sid_sq_query *query, bool *whole) {
    int column = query->read++;

    if (sqlite3_column_type(query->stmt, column) != SQLITE_INTEGER)
        *whole = false;
    return sqlite3_column_int64(query->stmt, column);
}

const char *
sid_sq_peek_text(struct sid_sq_query *query, bool *whole) {
    int column = query->read++;
    bool is_text = sqlite3_column_type(query->stmt, column) == SQLITE_TEXT;
    const char *text = (const char *)sqlite3_column_text(query->stmt, column);

    if (text == NULL)
        text = "";
    if (!is_text ||
        strlen(text) != (size_t)sqlite3_column_bytes(query->stmt, column))
        *whole = false;
    return text;
}

void
sid_sq_peek_blob(struct sid_sq_query *query, void *out, size_t len,
                 bool *whole) {
    int column = query->read++;
    bool is_blob = sqlite3_column_type(query->stmt, column) == SQLITE_BLOB;
    const void *blob = sqlite3_column_blob(query->stmt, column);

    if (is_blob && blob != NULL &&
        (size_t)sqlite3_column_bytes(query->stmt, column) == len) {
        memcpy(out, blob, len);
        return;
    }
    memset(out, 0, len);
    *whole = false;
}

void
sid_sq_read_text(struct sid_sq_query *query, char *out, size_t out_size) {
    int column = query->read++;
    const unsigned char *text = sqlite3_column_text(query->stmt, column);
    size_t len = (size_t)sqlite3_column_bytes(query->stmt, column);

    if (text == NULL || len >= out_size) {
        bad_column(query);
        return;
    }
    memcpy(out, text, len);
    out[len] = '\0';
}

void
sid_sq_read_blob(struct sid_sq_query *query, void *out, size_t len) {
    int column = query->read++;
    const void *blob = sqlite3_column_blob(query->stmt, column);

    if (blob == NULL ||
        (size_t)sqlite3_column_bytes(query->stmt, column) != len) {
        bad_column(query);
        return;
    }
    memcpy(out, blob, len);
}

void
sid_sq_read_buf(struct sid_sq_query *query, struct sid_buf *out) {
    int column = query->read++;
    const void *blob = sqlite3_column_blob(query->stmt, column);
    size_t len = (size_t)sqlite3_column_bytes(query->stmt, column);

    if (len == 0)
        return;
    if (blob == NULL) {
        bad_column(query);
        return;
    }
    enum sid_err err = sid_buf_append(out, blob, len);
    if (err != SID_OK && query->err == SID_OK)
        query->err = err;
}

void
sid_sq_read_wrapped(struct sid_sq_query *query, int *version,
                    uint8_t out[SID_WRAPPED_BYTES]) {
    *version = (int)sid_sq_read_int(query);
    if (*version == 0)
        query->read++;
    else
        sid_sq_read_blob(query, out, SID_WRAPPED_BYTES);
}

void
sid_sq_read_subject(struct sid_sq_query *query, struct sid_subject_key *out) {
    sid_sq_read_wrapped(query, &out->data_version, out->data_wrapped);
    sid_sq_read_wrapped(query, &out->template_version, out->template_wrapped);
}

void
sid_sq_end(struct sid_sq_query *query) {
    sqlite3_reset(query->stmt); /* repeats an error that was handled */
}

enum sid_err
sid_sq_run(struct sid_sq_query *query, int *changes) {
    bool row = false;
    enum sid_err err = sid_sq_next(query, &row);

    SID_ASSERT(!row);
    if (err == SID_OK && changes != NULL)
        *changes = sqlite3_changes(query->sq->db);
    sid_sq_end(query);
    return err;
}

static enum sid_err
first_row(struct sid_sq_query *query) {
    bool row = false;
    enum sid_err err = sid_sq_next(query, &row);

    return err == SID_OK && !row ? SID_E_NOT_FOUND : err;
}

enum sid_err
sid_sq_fetch_buf(struct sid_sq_query *query, struct sid_buf *out) {
    struct sid_buf made = SID_BUF_EMPTY;
    enum sid_err err = first_row(query);

    if (err == SID_OK) {
        sid_sq_read_buf(query, &made);
        err = query->err;
    }
    sid_sq_end(query);
    if (err == SID_OK)
        sid_buf_move(&made, out);
    sid_buf_free(&made);
    return err;
}

enum sid_err
sid_sq_fetch_int(struct sid_sq_query *query, int64_t *out) {
    int64_t read = 0;
    enum sid_err err = first_row(query);

    if (err == SID_OK) {
        read = sid_sq_read_int(query);
        err = query->err;
    }
    sid_sq_end(query);
    if (err == SID_OK)
        *out = read;
    return err;
}

enum sid_err
sid_sq_has_row(struct sid_sq_query *query, bool *out) {
    bool row = false;
    enum sid_err err = sid_sq_next(query, &row);

    sid_sq_end(query);
    if (err == SID_OK)
        *out = row;
    return err;
}

enum sid_err
sid_sq_why_unchanged(struct sid_sqlite *sq, enum sid_sq_stmt has,
                     const char *id) {
    struct sid_sq_query query = sid_sq_start(sq, has);
    bool found = false;

    sid_sq_bind_text(&query, id);
    enum sid_err err = sid_sq_has_row(&query, &found);
    if (err != SID_OK)
        return err;
    return found ? SID_E_CONFLICT : SID_E_NOT_FOUND;
}
