/* store_sqlite_engine.c: statements and columns as SQLite runs and gives them,
 * and what its errors mean. Run by the thread that owns the store; owns the
 * prepared statements through struct sid_sqlite. */
#include <errno.h>

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

/* ---- statements --------------------------------------------------------- */

enum sid_err
sid_sq_prepare_all(struct sid_sqlite *sq) {
    for (int i = 0; i < SID_SQL_COUNT; i++) {
        const char *text = sid_sql_text((enum sid_sql_stmt)i, SID_SQL_SQLITE);
        if (text == NULL)
            continue;
        int rc = sqlite3_prepare_v3(sq->db, text, -1, SQLITE_PREPARE_PERSISTENT,
                                    &sq->stmt[i], NULL);
        if (rc != SQLITE_OK)
            return sid_sq_error(sq, rc, sid_sql_name((enum sid_sql_stmt)i));
    }
    return SID_OK;
}

void
sid_sq_finalize_all(struct sid_sqlite *sq) {
    for (int i = 0; i < SID_SQL_COUNT; i++) {
        sqlite3_finalize(sq->stmt[i]);
        sq->stmt[i] = NULL;
    }
}

static struct sid_sqlite *
sq_of(const struct sid_sql_query *query) {
    return (struct sid_sqlite *)(void *)query->sql;
}

static void
start(struct sid_sql_query *query) {
    sqlite3_stmt *stmt = sq_of(query)->stmt[query->which];

    /* A callback that calls the store would step the statement it came from. */
    SID_ASSERT(!sqlite3_stmt_busy(stmt));
    query->handle = stmt;
}

static void
bind_int(struct sid_sql_query *query, int64_t value) {
    if (query->rc == SQLITE_OK)
        query->rc = sqlite3_bind_int64(query->handle, ++query->bound, value);
}

static void
bind_real(struct sid_sql_query *query, bool present, double value) {
    if (query->rc != SQLITE_OK)
        return;
    query->rc = present
                    ? sqlite3_bind_double(query->handle, ++query->bound, value)
                    : sqlite3_bind_null(query->handle, ++query->bound);
}

static void
bind_text(struct sid_sql_query *query, const char *text) {
    if (query->rc == SQLITE_OK)
        query->rc = sqlite3_bind_text(query->handle, ++query->bound, text, -1,
                                      SQLITE_STATIC);
}

static void
bind_blob(struct sid_sql_query *query, const void *ptr, size_t len) {
    if (query->rc != SQLITE_OK)
        return;
    /* A NULL pointer would bind NULL instead of the empty blob. */
    query->rc = sqlite3_bind_blob64(query->handle, ++query->bound,
                                    ptr == NULL ? "" : ptr, len, SQLITE_STATIC);
}

static enum sid_err
next(struct sid_sql_query *query, bool *row) {
    struct sid_sqlite *sq = sq_of(query);

    if (sq->lost != SID_OK)
        return sq->lost;
    if (query->rc != SQLITE_OK)
        return sid_sq_error(sq, query->rc, sid_sql_name(query->which));
    int rc = sqlite3_step(query->handle);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return sid_sq_error(sq, rc, sid_sql_name(query->which));
    *row = rc == SQLITE_ROW;
    return SID_OK;
}

static int
changes(const struct sid_sql_query *query) {
    return sqlite3_changes(sq_of(query)->db);
}

static void
end(struct sid_sql_query *query) {
    sqlite3_reset(query->handle); /* repeats an error that was handled */
}

/* ---- columns ------------------------------------------------------------ */

static enum sid_sql_kind
kind(const struct sid_sql_query *query, int column) {
    switch (sqlite3_column_type(query->handle, column)) {
    case SQLITE_INTEGER:
        return SID_SQL_INT;
    case SQLITE_FLOAT:
        return SID_SQL_REAL;
    case SQLITE_TEXT:
        return SID_SQL_TEXT;
    case SQLITE_BLOB:
        return SID_SQL_BLOB;
    default:
        return SID_SQL_NULL;
    }
}

static int64_t
column_int(const struct sid_sql_query *query, int column) {
    return sqlite3_column_int64(query->handle, column);
}

static double
column_real(const struct sid_sql_query *query, int column) {
    return sqlite3_column_double(query->handle, column);
}

static const char *
column_text(const struct sid_sql_query *query, int column, size_t *len) {
    const void *text = sqlite3_column_text(query->handle, column);

    *len = (size_t)sqlite3_column_bytes(query->handle, column);
    return text;
}

static const void *
column_blob(const struct sid_sql_query *query, int column, size_t *len) {
    const void *blob = sqlite3_column_blob(query->handle, column);

    *len = (size_t)sqlite3_column_bytes(query->handle, column);
    return blob;
}

static enum sid_err
column_error(const struct sid_sql_query *query) {
    int rc = sqlite3_errcode(sq_of(query)->db);

    return (rc & 0xff) == SQLITE_NOMEM ? SID_E_NO_MEMORY : SID_E_STORE;
}

static enum sid_err
number(struct sid_sql *sql, const char *sort, int64_t *out) {
    (void)sql;
    (void)sort;
    *out = 0; /* SQLite numbers the rows of such a table itself */
    return SID_OK;
}

static int64_t
given(const struct sid_sql *sql) {
    const struct sid_sqlite *sq = (const struct sid_sqlite *)(const void *)sql;

    return sqlite3_last_insert_rowid(sq->db);
}

const struct sid_sql_engine sid_sq_engine = {
    .start = start,
    .bind_int = bind_int,
    .bind_real = bind_real,
    .bind_text = bind_text,
    .bind_blob = bind_blob,
    .next = next,
    .changes = changes,
    .end = end,
    .kind = kind,
    .column_int = column_int,
    .column_real = column_real,
    .column_text = column_text,
    .column_blob = column_blob,
    .column_error = column_error,
    .number = number,
    .given = given,
};
