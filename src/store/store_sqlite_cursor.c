/* store_sqlite_cursor.c: the cursor every query is written with, and what
 * SQLite's errors mean. Run by the thread that owns the store; owns nothing. */
#include <errno.h>
#include <string.h>

#include "smartid/log.h"
#include "store_sqlite.h"

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
        return sid_sq_error(sq, query->rc, sid_sq_name(query->which));
    int rc = sqlite3_step(query->stmt);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return sid_sq_error(sq, rc, sid_sq_name(query->which));
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
    sid_log(
        SID_LOG_ERROR, "store_error", SID_S("code", sid_err_code(query->err)),
        SID_S("at", sid_sq_name(query->which)), SID_N("column", query->read));
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
