/* store_sqlite_setup.c: how the connection is set, each answer checked.
 *
 * SQLite ignores an unknown or refused PRAGMA in silence; a database that runs
 * without synchronous=FULL would break the promise of store.h without a word.
 * Run once per open. */
#include <string.h>

#include "smartid/log.h"
#include "store_sqlite.h"

/* What is asked to be set, how to ask back, and the answer that must come.
 * Source: reliability notes 3.4, unless said otherwise. */
struct pragma {
    const char *set;
    const char *ask;
    const char *answer;
    bool file_only; /* an in-memory database has no such thing */
};

static const struct pragma settings[] = {
    /* Known to store_sqlite_wipe.c; the first three come before the file is
     * made, auto_vacuum among them. */
    {"PRAGMA page_size=4096", "PRAGMA page_size", "4096", false},
    /* 128 GiB, see store_sqlite_wipe.c. */
    {"PRAGMA max_page_count=33554431", "PRAGMA max_page_count", "33554431",
     false},
    /* Free pages can be given back. Only where no table is yet: a database
     * that was made without it answers 0 and never shrinks. */
    {"PRAGMA auto_vacuum=INCREMENTAL", NULL, NULL, true},
    {"PRAGMA journal_mode=WAL", "PRAGMA journal_mode", "wal", true},
    {"PRAGMA synchronous=FULL", "PRAGMA synchronous", "2", false},
    {"PRAGMA foreign_keys=ON", "PRAGMA foreign_keys", "1", false},
    {"PRAGMA trusted_schema=OFF", "PRAGMA trusted_schema", "0", false},
    {"PRAGMA cell_size_check=ON", "PRAGMA cell_size_check", "1", false},
    {"PRAGMA mmap_size=0", "PRAGMA mmap_size", "0", true},
    {"PRAGMA secure_delete=ON", "PRAGMA secure_delete", "1", false},
    {"PRAGMA temp_store=MEMORY", "PRAGMA temp_store", "2", false},
    /* Only a reader that recovers the WAL can be in the way. */
    {"PRAGMA busy_timeout=2000", "PRAGMA busy_timeout", "2000", false},
    /* The writer does every checkpoint itself, between two transactions
     * instead of inside a commit that clients wait for. */
    {"PRAGMA wal_autocheckpoint=0", "PRAGMA wal_autocheckpoint", "0", true},
    {"PRAGMA journal_size_limit=16777216", "PRAGMA journal_size_limit",
     "16777216", true},
    /* In KiB when negative. Source: measured with 10 million credentials, of
     * whom 2,000 are checked in turn: with half of it their inner pages and
     * leaves put each other out. Only what is used is taken. */
    {"PRAGMA cache_size=-65536", "PRAGMA cache_size", "-65536", false},
};

/* For a second connection, which must leave no trace in the files. */
static const struct pragma reader_settings[] = {
    {"PRAGMA query_only=ON", "PRAGMA query_only", "1", false},
    {"PRAGMA trusted_schema=OFF", "PRAGMA trusted_schema", "0", false},
    {"PRAGMA cell_size_check=ON", "PRAGMA cell_size_check", "1", false},
    {"PRAGMA mmap_size=0", "PRAGMA mmap_size", "0", true},
    {"PRAGMA temp_store=MEMORY", "PRAGMA temp_store", "2", false},
    {"PRAGMA busy_timeout=2000", "PRAGMA busy_timeout", "2000", false},
};

static enum sid_err
set(struct sid_sqlite *sq, const char *sql) {
    int rc = sqlite3_exec(sq->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? SID_OK : sid_sq_error(sq, rc, sql);
}

static enum sid_err
expect(struct sid_sqlite *sq, const char *sql, const char *answer) {
    enum sid_err err = SID_OK;
    sqlite3_stmt *stmt = NULL;
    const char *got = NULL;
    int rc = sqlite3_prepare_v2(sq->db, sql, -1, &stmt, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        err = sid_sq_error(sq, rc, sql);
        goto out;
    }
    if (rc == SQLITE_ROW)
        got = (const char *)sqlite3_column_text(stmt, 0);
    if (got == NULL || strcmp(got, answer) != 0) {
        err = SID_E_STORE;
        sid_log(SID_LOG_ERROR, "store_error", SID_S("code", sid_err_code(err)),
                SID_S("at", sql), SID_S("expected", answer),
                SID_S("found", got == NULL ? "" : got));
    }
out:
    sqlite3_finalize(stmt);
    return err;
}

static enum sid_err
configure(struct sid_sqlite *sq) {
    static const struct {
        int option;
        int value;
        const char *name;
    } options[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1, "defensive"},
        {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, "load_extension"},
        {SQLITE_DBCONFIG_DQS_DML, 0, "dqs_dml"},
        {SQLITE_DBCONFIG_DQS_DDL, 0, "dqs_ddl"},
        /* The schema has neither; one that has was not made by us. */
        {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, "trigger"},
        {SQLITE_DBCONFIG_ENABLE_VIEW, 0, "view"},
    };

    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        int is = -1;
        int rc =
            sqlite3_db_config(sq->db, options[i].option, options[i].value, &is);
        if (rc != SQLITE_OK || is != options[i].value)
            return sid_sq_error(sq, rc == SQLITE_OK ? SQLITE_ERROR : rc,
                                options[i].name);
    }
    return SID_OK;
}

static enum sid_err
apply(struct sid_sqlite *sq, const struct pragma *list, size_t n,
      bool in_memory) {
    enum sid_err err = SID_OK;

    for (size_t i = 0; err == SID_OK && i < n; i++) {
        if (list[i].file_only && in_memory)
            continue;
        err = set(sq, list[i].set);
        if (err == SID_OK && list[i].ask != NULL)
            err = expect(sq, list[i].ask, list[i].answer);
    }
    return err;
}

enum sid_err
sid_sq_setup(struct sid_sqlite *sq, bool in_memory) {
    enum sid_err err = configure(sq);

    if (err == SID_OK)
        err = apply(sq, settings, sizeof settings / sizeof settings[0],
                    in_memory);
    return err;
}

enum sid_err
sid_sq_setup_readonly(struct sid_sqlite *sq) {
    enum sid_err err = configure(sq);

    /* Closing must not move the WAL: only the daemon's connection does. */
    int is = -1;
    int rc =
        sqlite3_db_config(sq->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, &is);
    if (err == SID_OK && (rc != SQLITE_OK || is != 1))
        err = sid_sq_error(sq, rc == SQLITE_OK ? SQLITE_ERROR : rc,
                           "no_checkpoint_on_close");
    if (err == SID_OK)
        err = apply(sq, reader_settings,
                    sizeof reader_settings / sizeof reader_settings[0], false);
    return err;
}

enum sid_err
sid_sq_ask(struct sid_sqlite *sq, const char *sql, int64_t *out) {
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(sq->db, sql, -1, &stmt, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    bool good = rc == SQLITE_ROW || rc == SQLITE_DONE;
    enum sid_err err = good ? SID_OK : sid_sq_error(sq, rc, sql);
    if (good)
        *out = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    return err;
}

void
sid_sq_limit(struct sid_sqlite *sq) {
    /* Source: reliability notes 3.4; LENGTH from the largest sealed photo, and
     * the columns beside it in its row. */
    static const struct {
        int id;
        int value;
    } limits[] = {
        {SQLITE_LIMIT_LENGTH, SID_SEALED_MAX_BYTES + 64 * 1024},
        {SQLITE_LIMIT_SQL_LENGTH, 16 * 1024},
        {SQLITE_LIMIT_ATTACHED, 0},
        {SQLITE_LIMIT_EXPR_DEPTH, 50},
        {SQLITE_LIMIT_VDBE_OP, 25000},
        {SQLITE_LIMIT_TRIGGER_DEPTH, 1},
    };

    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        sqlite3_limit(sq->db, limits[i].id, limits[i].value);
}
