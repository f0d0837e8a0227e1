/* store_sqlite.h: what the files of the SQLite back end share.
 *
 * One connection and its statements, prepared once, finalised at close. Private
 * to src/store; used by the thread that owns the store. */
#ifndef SID_STORE_SQLITE_H
#define SID_STORE_SQLITE_H

#include <sqlite3.h>

#include "store_sql.h"

#define SID_SQ_TOLD_MAX 8

/* The only page size: what store_sqlite_wipe.c knows its way about in. */
#define SID_SQ_PAGE_BYTES 4096

/* See store_sqlite_wipe.c. */
struct sid_sq_wipe {
    sqlite3_io_methods methods; /* first: what SQLite sees of the file */
    const sqlite3_io_methods *own;
    bool has_maps; /* the database has pointer map pages */
    uint8_t page[SID_SQ_PAGE_BYTES];
};

struct sid_sqlite {
    struct sid_sql sql; /* first: a sid_back is cast back to this */
    sqlite3 *db;
    sqlite3_stmt *stmt[SID_SQL_COUNT];
    int lock_fd;       /* holds the flock; -1: none (":memory:") */
    bool in_txn;       /* between begin and commit or rollback */
    enum sid_err lost; /* why SQLite dropped the open transaction; SID_OK */
    bool broken;       /* a sync failed or the file is damaged */
    int wal_pages;     /* in the WAL after the last commit */
    /* SQLite results that were logged since the last commit that wrote. */
    int told[SID_SQ_TOLD_MAX];
    int told_count;
    bool log_empty; /* the WAL's file is: nothing deleted is in it */
    struct sid_sq_wipe wipe;
    sqlite3_stmt *moving; /* see store_sqlite_move.c; NULL but there */
};

static inline struct sid_sqlite *
sid_sqlite_of(struct sid_back *back) {
    return (struct sid_sqlite *)(void *)back;
}

/* ---- store_sqlite_engine.c --------------------------------------------- */

extern const struct sid_sql_engine sid_sq_engine;

/* Prepares every statement. Errors: SID_E_STORE, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_sq_prepare_all(struct sid_sqlite *sq);
void sid_sq_finalize_all(struct sid_sqlite *sq);
/* What an SQLite result means; logs it unless it is an expected refusal
 * (uniqueness: SID_E_EXISTS, foreign key: SID_E_NOT_FOUND) or has been logged
 * since the last commit that wrote; notes a lost transaction and a broken
 * database. where: a static word for the log. */
enum sid_err sid_sq_error(struct sid_sqlite *sq, int rc, const char *where);

/* ---- store_sqlite_file.c ----------------------------------------------- */

/* The path with its folder resolved (malloc), so that a symbolic link on the
 * way is taken once and SQLite may refuse links. Errors: SID_E_NOT_FOUND,
 * SID_E_STORE, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_sq_file_resolve(const char *path, char **out);
/* Takes the lock "<path>.lock". Errors: SID_E_LOCKED, SID_E_STORE. */
SID_FALLIBLE enum sid_err sid_sq_file_lock(const char *path, int *out_fd);
/* Makes the file if asked to, checks what it is, sets its mode. Errors:
 * SID_E_NOT_FOUND, SID_E_STORE, SID_E_STORE_FULL. */
SID_FALLIBLE enum sid_err sid_sq_file_prepare(const char *path, bool create);

/* ---- store_sqlite_setup.c ---------------------------------------------- */

/* Settings before the first statement; each answer is checked. Errors:
 * SID_E_STORE, SID_E_STORE_FULL. */
SID_FALLIBLE enum sid_err sid_sq_setup(struct sid_sqlite *sq, bool in_memory);
/* The same for a connection that only reads. Errors: SID_E_STORE. */
SID_FALLIBLE enum sid_err sid_sq_setup_readonly(struct sid_sqlite *sq);
/* Limits on what SQL may do, after the migrations. */
void sid_sq_limit(struct sid_sqlite *sq);

/* The value of a PRAGMA that is a number; 0 when it has none. Errors:
 * SID_E_STORE. */
SID_FALLIBLE enum sid_err sid_sq_ask(struct sid_sqlite *sq, const char *sql,
                                     int64_t *out);

/* ---- store_sqlite_wipe.c ----------------------------------------------- */

/* From now on the unused middle of pages is cleared on the way into the
 * database file. Before any change. Errors: SID_E_STORE. */
SID_FALLIBLE enum sid_err sid_sq_wipe_begin(struct sid_sqlite *sq,
                                            bool has_maps);

/* ---- store_sqlite_backup.c --------------------------------------------- */

/* As sid_backup_copy() and sid_backup_check(). */
SID_FALLIBLE enum sid_err sid_sq_copy(struct sid_sqlite *sq, const char *path);
SID_FALLIBLE enum sid_err sid_sq_check(struct sid_sqlite *sq);

/* ---- migrate.c --------------------------------------------------------- */

struct sid_migration {
    int number;
    const char *name;
    const char *sql;
};
/* Brings the schema up to the last of list[n], which is in rising order.
 * Errors: SID_E_SCHEMA, SID_E_STORE, SID_E_STORE_FULL, SID_E_NO_MEMORY,
 * SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err sid_migrate_apply(struct sid_sqlite *sq,
                                            const struct sid_migration *list,
                                            size_t n);
/* The same with the migrations embedded in the program. Before the first, the
 * mark of a move when the back end is to be marked. */
SID_FALLIBLE enum sid_err sid_migrate_all(struct sid_sqlite *sq);
/* Whether there is any table. Errors: SID_E_NOT_FOUND (none; sid_store_why()
 * says what that means), SID_E_STORE. */
SID_FALLIBLE enum sid_err sid_migrate_there(struct sid_sqlite *sq);
/* Whether exactly those have been applied. Errors: SID_E_SCHEMA (logged),
 * those of sid_migrate_there(), SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err sid_migrate_check(struct sid_sqlite *sq);

#endif
