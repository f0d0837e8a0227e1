/* migrate.c: brings the schema up to date, forward only.
 *
 * The migrations are embedded at build time from migrations/sqlite. Each runs
 * in one transaction with the row that records it, so a crash leaves either
 * both or neither. The recorded SHA-256 finds a database that was made by other
 * migrations than these. Run once per open. */
#include <string.h>

#include "move_side.h"
#include "smartid/clock.h"
#include "smartid/log.h"
#include "store_sqlite.h"

static const struct sid_migration embedded[] = {
#include "migrations_sqlite.inc"
};

#define RECORD_TABLE                                                           \
    "CREATE TABLE IF NOT EXISTS schema_migration ("                            \
    "number INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, "                \
    "sha256 BLOB NOT NULL CHECK (length(sha256) = 32), "                       \
    "applied_at_s INTEGER NOT NULL) STRICT"

static enum sid_err
exec(struct sid_sqlite *sq, const char *sql, const char *where) {
    int rc = sqlite3_exec(sq->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? SID_OK : sid_sq_error(sq, rc, where);
}

static enum sid_err
digest(const struct sid_migration *migration, uint8_t out[SID_SHA256_BYTES]) {
    return sid_sha256(sid_span_str(migration->sql), out);
}

static enum sid_err
schema_error(int number, const char *text) {
    sid_log(SID_LOG_ERROR, "store_error",
            SID_S("code", sid_err_code(SID_E_SCHEMA)), SID_S("at", "migrate"),
            SID_N("migration", number), SID_S("text", text));
    return SID_E_SCHEMA;
}

/* One recorded migration must be the one this program has in its place. */
static enum sid_err
check_recorded(sqlite3_stmt *stmt, const struct sid_migration *list, size_t n,
               size_t at) {
    uint8_t sha[SID_SHA256_BYTES];
    int number = sqlite3_column_int(stmt, 0);
    const void *recorded = sqlite3_column_blob(stmt, 1);

    if (at >= n)
        return schema_error(number, "newer than this program");
    if (number != list[at].number)
        return schema_error(number, "not a migration of this program");
    enum sid_err err = digest(&list[at], sha);
    if (err != SID_OK)
        return err;
    if (recorded == NULL || sqlite3_column_bytes(stmt, 1) != SID_SHA256_BYTES ||
        memcmp(recorded, sha, sizeof sha) != 0)
        return schema_error(number, "made by another text of this migration");
    return SID_OK;
}

/* Counts what has been applied, and checks it against the list. */
static enum sid_err
read_applied(struct sid_sqlite *sq, const struct sid_migration *list, size_t n,
             size_t *applied) {
    enum sid_err err = SID_OK;
    sqlite3_stmt *stmt = NULL;
    size_t count = 0;
    int rc = sqlite3_prepare_v2(
        sq->db, "SELECT number, sha256 FROM schema_migration ORDER BY number",
        -1, &stmt, NULL);

    while (rc == SQLITE_OK || rc == SQLITE_ROW) {
        rc = sqlite3_step(stmt);
        if (rc != SQLITE_ROW)
            break;
        err = check_recorded(stmt, list, n, count);
        if (err != SID_OK)
            goto out;
        count++;
    }
    if (rc != SQLITE_DONE) {
        err = sid_sq_error(sq, rc, "migrate_read");
        goto out;
    }
    *applied = count;
out:
    sqlite3_finalize(stmt);
    return err;
}

static enum sid_err
record(struct sid_sqlite *sq, const struct sid_migration *migration) {
    uint8_t sha[SID_SHA256_BYTES];
    sqlite3_stmt *stmt = NULL;
    enum sid_err err = digest(migration, sha);

    if (err != SID_OK)
        return err;
    int rc = sqlite3_prepare_v2(
        sq->db,
        "INSERT INTO schema_migration (number, name, sha256, applied_at_s) "
        "VALUES (?, ?, ?, ?)",
        -1, &stmt, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int(stmt, 1, migration->number);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(stmt, 2, migration->name, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_blob(stmt, 3, sha, sizeof sha, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(stmt, 4, sid_now_s());
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc != SQLITE_DONE)
        err = sid_sq_error(sq, rc, migration->name);
    sqlite3_finalize(stmt);
    return err;
}

static enum sid_err
apply_one(struct sid_sqlite *sq, const struct sid_migration *migration) {
    enum sid_err err = exec(sq, "BEGIN IMMEDIATE", migration->name);

    if (err != SID_OK)
        return err;
    err = exec(sq, migration->sql, migration->name);
    if (err == SID_OK)
        err = record(sq, migration);
    if (err == SID_OK)
        err = exec(sq, "COMMIT", migration->name);
    if (err != SID_OK && sqlite3_get_autocommit(sq->db) == 0)
        sqlite3_exec(sq->db, "ROLLBACK", NULL, NULL, NULL);
    if (err == SID_OK)
        sid_log(SID_LOG_INFO, "migrated", SID_S("name", migration->name));
    return err;
}

enum sid_err
sid_migrate_apply(struct sid_sqlite *sq, const struct sid_migration *list,
                  size_t n) {
    size_t applied = 0;
    enum sid_err err = exec(sq, RECORD_TABLE, "migrate_table");

    if (err == SID_OK)
        err = read_applied(sq, list, n, &applied);
    for (size_t i = applied; err == SID_OK && i < n; i++)
        err = apply_one(sq, &list[i]);
    return err;
}

/* Whether a move into this database has not come to its end. */
static enum sid_err
look_for_mark(struct sid_sqlite *sq) {
    int64_t count = 0;
    enum sid_err err = sid_sq_ask(
        sq,
        "SELECT count(*) FROM sqlite_master WHERE name = '" SID_MOVE_MARK "'",
        &count);

    if (err == SID_OK)
        sq->sql.base.marked = count > 0;
    return err;
}

static enum sid_err
count_tables(struct sid_sqlite *sq, int64_t *out) {
    return sid_sq_ask(sq, "SELECT count(*) FROM sqlite_master", out);
}

enum sid_err
sid_migrate_there(struct sid_sqlite *sq) {
    int64_t count = 0;
    enum sid_err err = count_tables(sq, &count);

    if (err == SID_OK && count == 0) {
        sid_pg_tell("the file is empty: a move into it, or smartidctl init, "
                    "was broken off at its beginning: give the same command "
                    "again, before init put the file aside");
        err = SID_E_NOT_FOUND;
    }
    return err;
}

enum sid_err
sid_migrate_check(struct sid_sqlite *sq) {
    const size_t all = sizeof embedded / sizeof embedded[0];
    size_t applied = 0;
    enum sid_err err = sid_migrate_there(sq);

    if (err == SID_OK)
        err = read_applied(sq, embedded, all, &applied);
    if (err == SID_OK && applied < all)
        err = schema_error(embedded[applied].number,
                           "not applied yet: start the daemon first");
    return err == SID_OK ? look_for_mark(sq) : err;
}

/* Before the first table: whatever a move leaves when it is killed, no daemon
 * takes it for a database. */
static enum sid_err
mark_new(struct sid_sqlite *sq) {
    int64_t count = 0;
    enum sid_err err = count_tables(sq, &count);

    return err == SID_OK && count == 0
               ? exec(sq, SID_MOVE_MARK_TABLE, "migrate_table")
               : err;
}

enum sid_err
sid_migrate_all(struct sid_sqlite *sq) {
    enum sid_err err = sq->sql.base.marked ? mark_new(sq) : SID_OK;

    if (err == SID_OK)
        err = sid_migrate_apply(sq, embedded,
                                sizeof embedded / sizeof embedded[0]);
    return err == SID_OK ? look_for_mark(sq) : err;
}
