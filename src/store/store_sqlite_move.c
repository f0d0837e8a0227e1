/* store_sqlite_move.c: a file as one end of a move. Run by the thread of the
 * move; owns the statement that rows are put with, through struct sid_sqlite.
 */
#include <stdio.h>
#include <string.h>

#include "move_side.h"
#include "store_sqlite.h"

static enum sid_err
failed(struct sid_back *back, int rc) {
    enum sid_err err = sid_sq_error(sid_sqlite_of(back), rc, "move");

    return err == SID_E_EXISTS || err == SID_E_NOT_FOUND ? SID_E_STORE : err;
}

static int
bind_value(sqlite3_stmt *stmt, int at, const struct sid_move_value *value) {
    const void *bytes = value->bytes.ptr;

    if (bytes == NULL)
        bytes = ""; /* a NULL pointer would bind NULL */

    switch (value->kind) {
    case SID_SQL_INT:
        return sqlite3_bind_int64(stmt, at, value->number);
    case SID_SQL_REAL:
        return sqlite3_bind_double(stmt, at, value->real);
    case SID_SQL_TEXT:
        return sqlite3_bind_text64(stmt, at, bytes, value->bytes.len,
                                   SQLITE_STATIC, SQLITE_UTF8);
    case SID_SQL_BLOB:
        return sqlite3_bind_blob64(stmt, at, bytes, value->bytes.len,
                                   SQLITE_STATIC);
    case SID_SQL_NULL:
    default:
        return sqlite3_bind_null(stmt, at);
    }
}

static struct sid_move_value
column(sqlite3_stmt *stmt, int at) {
    struct sid_move_value value = {.kind = SID_SQL_NULL};

    switch (sqlite3_column_type(stmt, at)) {
    case SQLITE_INTEGER:
        value.kind = SID_SQL_INT;
        value.number = sqlite3_column_int64(stmt, at);
        break;
    case SQLITE_FLOAT:
        value.kind = SID_SQL_REAL;
        value.real = sqlite3_column_double(stmt, at);
        break;
    case SQLITE_TEXT:
        value.kind = SID_SQL_TEXT;
        value.bytes.ptr = sqlite3_column_text(stmt, at);
        value.bytes.len = (size_t)sqlite3_column_bytes(stmt, at);
        break;
    case SQLITE_BLOB:
        value.kind = SID_SQL_BLOB;
        value.bytes.ptr = sqlite3_column_blob(stmt, at);
        value.bytes.len = (size_t)sqlite3_column_bytes(stmt, at);
        break;
    default:
        break;
    }
    return value;
}

static enum sid_err
read_rows(struct sid_back *back, const char *sql,
          const struct sid_move_value *param, int params, sid_move_row_fn *each,
          void *ctx) {
    struct sid_move_value value[SID_MOVE_COLUMNS_MAX] = {{.number = 0}};
    sqlite3_stmt *stmt = NULL;
    enum sid_err err = SID_OK;
    int rc = sqlite3_prepare_v2(sid_sqlite_of(back)->db, sql, -1, &stmt, NULL);

    for (int i = 0; rc == SQLITE_OK && i < params; i++)
        rc = bind_value(stmt, i + 1, &param[i]);
    int n = sqlite3_column_count(stmt);
    SID_ASSERT(n <= SID_MOVE_COLUMNS_MAX);
    while (rc == SQLITE_OK && err == SID_OK) {
        rc = sqlite3_step(stmt);
        if (rc != SQLITE_ROW)
            break;
        rc = SQLITE_OK;
        for (int i = 0; i < n; i++)
            value[i] = column(stmt, i);
        err = each(value, n, ctx);
    }
    if (err == SID_OK && rc != SQLITE_DONE)
        err = failed(back, rc);
    sqlite3_finalize(stmt);
    return err;
}

static enum sid_err
exec(struct sid_back *back, const char *sql) {
    int rc = sqlite3_exec(sid_sqlite_of(back)->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? SID_OK : failed(back, rc);
}

/* ---- rows in ------------------------------------------------------------ */

static enum sid_err
put_begin(struct sid_back *back, const char *table, const char *names, int n) {
    struct sid_sqlite *sq = sid_sqlite_of(back);
    struct sid_buf sql = SID_BUF_EMPTY;
    enum sid_err err =
        sid_buf_printf(&sql, "INSERT INTO %s (%s) VALUES (?", table, names);

    SID_ASSERT(sq->moving == NULL);
    for (int i = 1; err == SID_OK && i < n; i++)
        err = sid_buf_append_str(&sql, ", ?");
    if (err == SID_OK)
        err = sid_buf_append(&sql, ")", 2);
    if (err == SID_OK) {
        int rc = sqlite3_prepare_v2(sq->db, (const char *)sql.ptr, -1,
                                    &sq->moving, NULL);
        err = rc == SQLITE_OK ? SID_OK : failed(back, rc);
    }
    sid_buf_free(&sql);
    return err;
}

static enum sid_err
put(struct sid_back *back, const struct sid_move_value *value, int n) {
    sqlite3_stmt *stmt = sid_sqlite_of(back)->moving;
    int rc = SQLITE_OK;

    for (int i = 0; rc == SQLITE_OK && i < n; i++)
        rc = bind_value(stmt, i + 1, &value[i]);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    enum sid_err err = rc == SQLITE_DONE ? SID_OK : failed(back, rc);
    sqlite3_reset(stmt); /* repeats an error that was handled */
    return err;
}

static enum sid_err
put_end(struct sid_back *back, bool good) {
    struct sid_sqlite *sq = sid_sqlite_of(back);
    (void)good;

    sqlite3_finalize(sq->moving);
    sq->moving = NULL;
    return SID_OK;
}

/* ---- numbers, transactions ---------------------------------------------- */

/* The last number in the range of a slot; 0: none. */
static enum sid_err
last_in(struct sid_back *back, const char *column, const char *table, int slot,
        int64_t *out) {
    char sql[160];

    (void)snprintf(sql, sizeof sql,
                   "SELECT coalesce(max(%s), 0) FROM %s WHERE %s > %lld AND %s "
                   "<= %lld",
                   column, table, column, (long long)sid_chain_base(slot),
                   column, (long long)sid_chain_high(slot));
    return read_rows(back, sql, NULL, 0, sid_move_take_number, out);
}

/* A file that was a server's has serials of several slots: the sequence says
 * the last one, the rows, also of those that have gone, what others gave. */
static enum sid_err
number_get(struct sid_back *back, int slot, int64_t *credential,
           int64_t *errand) {
    static const char *const places[][2] = {{"serial", "credential"},
                                            {"serial", "dead_serial"},
                                            {"seq", "sqlite_sequence"}};
    enum sid_err err = SID_OK;

    for (size_t i = 0; err == SID_OK && i < sizeof places / sizeof *places;
         i++) {
        int64_t last = 0;
        err = last_in(back, places[i][0], places[i][1], slot, &last);
        if (last > *credential)
            *credential = last;
    }
    if (err == SID_OK)
        err = last_in(back, "seq", "wechat_outbox", slot, errand);
    return err;
}

/* The outbox goes on behind its last row by itself. */
static enum sid_err
number_set(struct sid_back *back, int slot, int64_t credential,
           int64_t errand) {
    char sql[160];
    (void)slot;
    (void)errand;

    if (credential == 0)
        return SID_OK;

    (void)snprintf(sql, sizeof sql,
                   "DELETE FROM sqlite_sequence WHERE name = 'credential'; "
                   "INSERT INTO sqlite_sequence (name, seq) VALUES "
                   "('credential', %lld)",
                   (long long)credential);
    return exec(back, sql);
}

static enum sid_err
begin(struct sid_back *back) {
    return back->ops->begin(back, false);
}

static enum sid_err
commit(struct sid_back *back) {
    enum sid_err err = back->ops->commit(back);

    if (err == SID_OK)
        (void)back->ops->checkpoint(back, SID_BACK_CHECKPOINT_IF_DUE);
    return err;
}

static void
rollback(struct sid_back *back) {
    back->ops->rollback(back);
}

/* The lock on the file needs no keeping. */
static enum sid_err
nothing(struct sid_back *back) {
    (void)back;
    return SID_OK;
}

const struct sid_move_ops sid_sq_move_ops = {
    .param = '?',
    .columns = "SELECT name FROM pragma_table_info(?1) ORDER BY name",
    .read = read_rows,
    .exec = exec,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .keep = nothing,
    .put_begin = put_begin,
    .put = put,
    .put_end = put_end,
    .number_get = number_get,
    .number_set = number_set,
    .enter = nothing,
    .leave = nothing,
};
