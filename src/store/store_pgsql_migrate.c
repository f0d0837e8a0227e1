/* store_pgsql_migrate.c: brings the schema up to date, forward only.
 *
 * As migrate.c does for SQLite: embedded texts, each in one transaction with
 * the row that records it and its SHA-256. The first has the number up to which
 * SQLite's are in it. Run once per open, before the pipeline is entered. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "move_side.h"
#include "smartid/clock.h"
#include "smartid/log.h"
#include "store_pgsql.h"

static const struct {
    int number;
    const char *name;
    const char *sql;
} embedded[] = {
#include "migrations_pgsql.inc"
};
#define MIGRATIONS (sizeof embedded / sizeof embedded[0])

/* The tables that are there before the first migration. */
#define RECORD_TABLE                                                           \
    "CREATE TABLE IF NOT EXISTS schema_migration ("                            \
    "number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, "                 \
    "sha256 BYTEA NOT NULL CHECK (length(sha256) = 32), "                      \
    "applied_at_s BIGINT NOT NULL)"
#define LEASE_TABLE                                                            \
    "CREATE TABLE IF NOT EXISTS lease ("                                       \
    "one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1), owner TEXT NOT NULL, "   \
    "until_us BIGINT NOT NULL, batch BIGINT NOT NULL CHECK (batch >= 0))"
#define LEASE_ROW                                                              \
    "INSERT INTO lease (one, owner, until_us, batch) VALUES (1, '', 0, 0) "    \
    "ON CONFLICT DO NOTHING"

/* Who makes tables there must be allowed to. Source: PostgreSQL 15 manual,
 * appendix A. */
#define INSUFFICIENT_PRIVILEGE "42501"

static enum sid_err
failed(struct sid_pgsql *pg, const char *state, const char *where) {
    if (state != NULL && strcmp(state, INSUFFICIENT_PRIVILEGE) == 0)
        return sid_pg_unusable(pg, state, where,
                               "the user may not make tables in this database: "
                               "make it the owner (createdb -O)");
    return sid_pg_error(pg, state, where);
}

static enum sid_err
exec(struct sid_pgsql *pg, const char *sql, const char *where) {
    PGresult *result = PQexec(pg->conn, sql);
    ExecStatusType status = PQresultStatus(result);
    enum sid_err err = SID_OK;

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        err = failed(pg, sid_pg_state(result), where);
    PQclear(result);
    return err == SID_E_EXISTS || err == SID_E_NOT_FOUND ? SID_E_STORE : err;
}

/* Commits what went well, and undoes what did not. */
static enum sid_err
end(struct sid_pgsql *pg, enum sid_err err, const char *where) {
    if (err == SID_OK)
        err = exec(pg, "COMMIT", where);
    if (err != SID_OK)
        (void)exec(pg, "ROLLBACK", where);
    return err;
}

/* Whether there is a table, which may lie in any schema of the search path. */
static enum sid_err
has_table(struct sid_pgsql *pg, const char *name, bool *out) {
    PGresult *result =
        PQexecParams(pg->conn, "SELECT to_regclass($1) IS NOT NULL", 1, NULL,
                     &name, NULL, NULL, 0);
    enum sid_err err = SID_OK;

    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        err = sid_pg_error(pg, sid_pg_state(result), "has_table");
    else
        *out = strcmp(PQgetvalue(result, 0, 0), "t") == 0;
    PQclear(result);
    return err;
}

enum sid_err
sid_pg_prepare(struct sid_pgsql *pg, bool create) {
    bool there = false;
    enum sid_err err = has_table(pg, "lease", &there);

    if (err != SID_OK || there)
        return err;
    if (!create) {
        sid_pg_tell("there are no tables in this database: smartidctl init "
                    "--database makes them");
        return SID_E_NOT_FOUND;
    }
    /* All or none: tables without their row would be of use to nobody. */
    err = exec(pg, "BEGIN", "migrate_table");
    if (err == SID_OK)
        err = exec(pg, RECORD_TABLE, "migrate_table");
    if (err == SID_OK)
        err = exec(pg, LEASE_TABLE, "migrate_table");
    if (err == SID_OK)
        err = exec(pg, LEASE_ROW, "migrate_table");
    if (err == SID_OK && pg->sql.base.marked)
        err = exec(pg, SID_MOVE_MARK_TABLE, "migrate_table");
    return end(pg, err, "migrate_table");
}

static enum sid_err
schema_error(int number, const char *text) {
    sid_log(SID_LOG_ERROR, "store_error",
            SID_S("code", sid_err_code(SID_E_SCHEMA)), SID_S("at", "migrate"),
            SID_N("migration", number), SID_S("text", text));
    return SID_E_SCHEMA;
}

/* In lower-case hex, as the server gives it. */
static enum sid_err
digest(const char *sql, char out[2 * SID_SHA256_BYTES + 1]) {
    uint8_t sha[SID_SHA256_BYTES];
    enum sid_err err = sid_sha256(sid_span_str(sql), sha);

    for (size_t i = 0; err == SID_OK && i < sizeof sha; i++)
        snprintf(out + 2 * i, 3, "%02x", sha[i]);
    return err;
}

static enum sid_err
check_recorded(const PGresult *result, int row, size_t *applied) {
    char sha[2 * SID_SHA256_BYTES + 1];
    int number = (int)strtol(PQgetvalue(result, row, 0), NULL, 10);
    size_t at = *applied;

    if (at >= MIGRATIONS)
        return schema_error(number, "newer than this program");
    if (number != embedded[at].number)
        return schema_error(number, "not a migration of this program");
    enum sid_err err = digest(embedded[at].sql, sha);
    if (err != SID_OK)
        return err;
    if (strcmp(PQgetvalue(result, row, 1), sha) != 0)
        return schema_error(number, "made by another text of this migration");
    *applied = at + 1;
    return SID_OK;
}

/* Counts what has been applied, and checks it against the list. */
static enum sid_err
read_applied(struct sid_pgsql *pg, size_t *applied) {
    PGresult *result = PQexec(pg->conn, "SELECT number, encode(sha256, 'hex') "
                                        "FROM schema_migration "
                                        "ORDER BY number");
    enum sid_err err = SID_OK;

    *applied = 0;
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        err = sid_pg_error(pg, sid_pg_state(result), "migrate_read");
    for (int i = 0; err == SID_OK && i < PQntuples(result); i++)
        err = check_recorded(result, i, applied);
    PQclear(result);
    return err;
}

static enum sid_err
record(struct sid_pgsql *pg, size_t at) {
    char sha[2 * SID_SHA256_BYTES + 1];
    char number[16];
    char now[24];
    enum sid_err err = digest(embedded[at].sql, sha);

    if (err != SID_OK)
        return err;
    snprintf(number, sizeof number, "%d", embedded[at].number);
    snprintf(now, sizeof now, "%lld", (long long)sid_now_s());
    const char *const values[] = {number, embedded[at].name, sha, now};
    PGresult *result = PQexecParams(
        pg->conn,
        "INSERT INTO schema_migration (number, name, sha256, applied_at_s) "
        "VALUES ($1, $2, decode($3, 'hex'), $4)",
        4, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        err = sid_pg_error(pg, sid_pg_state(result), embedded[at].name);
    PQclear(result);
    return err;
}

/* Holds the row of the lease until the transaction ends: nobody else
 * takes it meanwhile. Fails when somebody has. */
static enum sid_err
hold(struct sid_pgsql *pg, const char *where) {
    char one[16];
    const char *const values[] = {pg->owner, one};
    snprintf(one, sizeof one, "%d", pg->slot + 1);
    PGresult *result = PQexecParams(
        pg->conn,
        "UPDATE lease SET batch = CASE WHEN owner = $1 THEN batch ELSE -1 END "
        "WHERE one = $2",
        2, NULL, values, NULL, NULL, 0);
    enum sid_err err = SID_OK;

    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        err = sid_pg_error(pg, sid_pg_state(result), where);
    PQclear(result);
    return err;
}

static enum sid_err
apply_one(struct sid_pgsql *pg, size_t at) {
    const char *name = embedded[at].name;
    enum sid_err err = exec(pg, "BEGIN", name);

    if (err == SID_OK)
        err = hold(pg, name);
    if (err == SID_OK)
        err = exec(pg, embedded[at].sql, name);
    if (err == SID_OK)
        err = record(pg, at);
    err = end(pg, err, name);
    if (err == SID_OK)
        sid_log(SID_LOG_INFO, "migrated", SID_S("name", name));
    return err;
}

enum sid_err
sid_pg_migrate(struct sid_pgsql *pg) {
    size_t applied = 0;
    enum sid_err err = read_applied(pg, &applied);

    for (size_t i = applied; err == SID_OK && i < MIGRATIONS; i++)
        err = apply_one(pg, i);
    if (err == SID_OK)
        err = has_table(pg, SID_MOVE_MARK, &pg->sql.base.marked);
    return err;
}

enum sid_err
sid_pg_migrate_check(struct sid_pgsql *pg) {
    size_t applied = 0;
    enum sid_err err = read_applied(pg, &applied);

    if (err == SID_OK && applied < MIGRATIONS)
        err = schema_error(embedded[applied].number,
                           "not applied yet: start the daemon first");
    if (err == SID_OK)
        err = has_table(pg, SID_MOVE_MARK, &pg->sql.base.marked);
    return err;
}
