/* store_sqlite.c: the SQLite back end: opening, transactions, closing.
 *
 * Owns the connection, the lock and the statements. The one read-write
 * connection in the world, and the only one that does checkpoints (Source: the
 * WAL-reset bug of SQLite 3.7.0-3.51.2); or one of a reader, which takes no
 * lock and writes nothing. Used by one thread at a time. */
#include "store_sqlite.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "move_side.h"
#include "smartid/log.h"
#include "store_sql_ops.h"

/* Pages of 4 KiB in the WAL from which on a checkpoint is due between two
 * transactions: 8 MiB. Source: own choice, half of journal_size_limit. */
#define CHECKPOINT_PAGES 2048
/* Free pages that are kept, 16 MiB, and given back at a time, 4 MiB. Source:
 * own choice: what some enrolments take up and leave again; a step was measured
 * to take 4 to 20 ms, so a second's rest of the writer is enough for one. */
#define KEEP_PAGES 4096
#define SHRINK_PAGES 1024
#define STR(x) STR_OF(x)
#define STR_OF(x) #x

static int
note_wal(void *ctx, sqlite3 *db, const char *name, int pages) {
    struct sid_sqlite *sq = ctx;

    (void)db;
    (void)name;
    sq->wal_pages = pages;
    sq->told_count = 0; /* a commit that wrote: the next error is a new one */
    sq->log_empty = false;
    return SQLITE_OK;
}

static void
close_sqlite(struct sid_back **back) {
    struct sid_sqlite *sq = sid_sqlite_of(*back);

    sid_sq_finalize_all(sq);
    /* A checkpoint after a failed sync could overwrite good pages with pages
     * that were never on disk. */
    if (sq->broken)
        sqlite3_db_config(sq->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    /* The last connection's close also moves the WAL and deletes it. */
    int rc = sqlite3_close(sq->db);
    if (rc != SQLITE_OK)
        sid_log(SID_LOG_ERROR, "store_error", SID_N("sqlite", rc),
                SID_S("at", "close"));
    if (sq->lock_fd >= 0)
        close(sq->lock_fd); /* and unlocks */
    free(sq);
    *back = NULL;
}

static bool
is_broken(const struct sid_back *back) {
    const struct sid_sqlite *sq = (const struct sid_sqlite *)(const void *)back;

    return sq->broken;
}

/* ---- transactions ------------------------------------------------------ */

static enum sid_err
run(struct sid_sqlite *sq, enum sid_sql_stmt which) {
    struct sid_sql_query query = sid_sql_start(&sq->sql, which);

    return sid_sql_run(&query, NULL);
}

static enum sid_err
begin(struct sid_back *back, bool read_only) {
    struct sid_sqlite *sq = sid_sqlite_of(back);
    enum sid_err err =
        run(sq, read_only ? SID_SQL_BEGIN_READ : SID_SQL_BEGIN_WRITE);

    if (err == SID_OK)
        sq->in_txn = true;
    return err;
}

static void
rollback(struct sid_back *back) {
    struct sid_sqlite *sq = sid_sqlite_of(back);
    bool dropped = sqlite3_get_autocommit(sq->db) != 0;

    sq->in_txn = false;
    sq->lost = SID_OK;
    /* Without a failed ROLLBACK's repair nothing could be begun again. */
    if (!dropped && run(sq, SID_SQL_ROLLBACK) != SID_OK &&
        sqlite3_get_autocommit(sq->db) == 0)
        sq->broken = true;
}

static enum sid_err
commit(struct sid_back *back) {
    struct sid_sqlite *sq = sid_sqlite_of(back);
    enum sid_err err = run(sq, SID_SQL_COMMIT);

    if (err == SID_OK)
        sq->in_txn = false;
    return err;
}

static enum sid_err
savepoint(struct sid_back *back) {
    return run(sid_sqlite_of(back), SID_SQL_SAVEPOINT);
}

static enum sid_err
savepoint_release(struct sid_back *back) {
    return run(sid_sqlite_of(back), SID_SQL_SAVEPOINT_RELEASE);
}

static void
savepoint_undo(struct sid_back *back) {
    struct sid_sqlite *sq = sid_sqlite_of(back);

    if (sq->lost != SID_OK)
        return; /* gone with the transaction */
    enum sid_err err = run(sq, SID_SQL_SAVEPOINT_UNDO);
    if (err == SID_OK)
        err = run(sq, SID_SQL_SAVEPOINT_RELEASE);
    /* What could not be undone must not be committed. */
    if (err != SID_OK && sq->lost == SID_OK)
        sq->lost = err;
}

static enum sid_err
touch(struct sid_back *back) {
    return run(sid_sqlite_of(back), SID_SQL_TOUCH);
}

/* A commit that fails is known to have failed, or breaks the store. */
static bool
unsure(struct sid_back *back) {
    (void)back;
    return false;
}

/* The lock on the file needs no keeping. */
static bool
keep(struct sid_back *back) {
    (void)back;
    return false;
}

static bool
checkpoint(struct sid_back *back, enum sid_back_checkpoint how) {
    struct sid_sqlite *sq = sid_sqlite_of(back);
    bool all = how == SID_BACK_CHECKPOINT_ALL;
    int in_wal = 0;
    int moved = 0;

    if (sq->wal_pages == 0 && sq->log_empty)
        return true;
    if (!all && sq->wal_pages < CHECKPOINT_PAGES)
        return false;
    /* A reader in the way is no reason for the writer to wait. */
    sqlite3_busy_timeout(sq->db, 0);
    int rc = sqlite3_wal_checkpoint_v2(sq->db, NULL,
                                       all ? SQLITE_CHECKPOINT_TRUNCATE
                                           : SQLITE_CHECKPOINT_PASSIVE,
                                       &in_wal, &moved);
    sqlite3_busy_timeout(sq->db, 2000);
    if (rc == SQLITE_OK && in_wal == moved) {
        sq->wal_pages = 0;
        sq->log_empty = all;
    } else if (rc != SQLITE_OK && rc != SQLITE_BUSY) {
        (void)sid_sq_error(sq, rc, "checkpoint");
    }
    return sq->log_empty;
}

static bool
shrink(struct sid_back *back) {
    struct sid_sqlite *sq = sid_sqlite_of(back);
    int64_t free_pages = 0;

    if (!sq->wipe.has_maps ||
        sid_sq_ask(sq, "PRAGMA freelist_count", &free_pages) != SID_OK ||
        free_pages < KEEP_PAGES + SHRINK_PAGES)
        return false;
    int rc =
        sqlite3_exec(sq->db, "PRAGMA incremental_vacuum(" STR(SHRINK_PAGES) ")",
                     NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        (void)sid_sq_error(sq, rc, "shrink");
    return rc == SQLITE_OK;
}

/* ---- open -------------------------------------------------------------- */

static const struct sid_back_ops ops = {
    .close = close_sqlite,
    .broken = is_broken,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .savepoint = savepoint,
    .savepoint_release = savepoint_release,
    .savepoint_undo = savepoint_undo,
    .touch = touch,
    .unsure = unsure,
    .keep = keep,
    .checkpoint = checkpoint,
    .shrink = shrink,
    SID_SQL_OPS,
};

static enum sid_err
no_file(void) {
    sid_pg_tell("there is no file of this name");
    return SID_E_NOT_FOUND;
}

/* Lock first, then look: what the file is can change until the lock is held. */
static enum sid_err
take_files(struct sid_sqlite *sq, const char *path, bool create) {
    /* No lock file beside a database that is not there. */
    if (!create && access(path, F_OK) != 0)
        return no_file();
    enum sid_err err = sid_sq_file_lock(path, &sq->lock_fd);

    if (err == SID_OK)
        err = sid_sq_file_prepare(path, create);
    return err;
}

/* SQLite counts every allocation under one lock, for figures nobody reads.
 * Too late (and refused) when something has used SQLite before: no harm. */
static void
configure_once(void) {
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static int
open_db(struct sid_sqlite *sq, const char *path, int mode) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, configure_once);
    /* NOMUTEX: the store has one owner at a time. */
    return sqlite3_open_v2(path, &sq->db,
                           mode | SQLITE_OPEN_NOMUTEX |
                               SQLITE_OPEN_PRIVATECACHE |
                               SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW,
                           NULL);
}

static enum sid_err
open_error(struct sid_sqlite *sq, int rc) {
    return sq->db == NULL ? SID_E_NO_MEMORY : sid_sq_error(sq, rc, "open");
}

static enum sid_err
connect_db(struct sid_sqlite *sq, const char *path, bool in_memory,
           bool create) {
    int rc = open_db(sq, path, SQLITE_OPEN_READWRITE);

    if (rc != SQLITE_OK)
        return open_error(sq, rc);
    /* Before anything is written: an empty file may be what a move, or init,
     * has left when it was killed. */
    enum sid_err err = create || in_memory ? SID_OK : sid_migrate_there(sq);
    if (err == SID_OK)
        err = sid_sq_setup(sq, in_memory);
    if (err != SID_OK)
        return err;
    int64_t auto_vacuum = 0;
    err = sid_sq_ask(sq, "PRAGMA auto_vacuum", &auto_vacuum);
    if (err == SID_OK)
        err = sid_sq_wipe_begin(sq, auto_vacuum != 0);
    if (err != SID_OK)
        return err;
    sqlite3_wal_hook(sq->db, note_wal, sq);
    err = sid_migrate_all(sq);
    if (err != SID_OK)
        return err;
    sid_sq_limit(sq);
    return sid_sq_prepare_all(sq);
}

static struct sid_sqlite *
new_sqlite(void) {
    struct sid_sqlite *sq = calloc(1, sizeof *sq);

    if (sq != NULL) {
        sq->lock_fd = -1;
        sq->sql.base.ops = &ops;
        sq->sql.base.move = &sid_sq_move_ops;
        sq->sql.engine = &sid_sq_engine;
    }
    return sq;
}

enum sid_err
sid_sqlite_open(const char *path, bool create, bool moving,
                struct sid_back **out) {
    bool in_memory = strcmp(path, ":memory:") == 0;
    enum sid_err err = SID_E_NO_MEMORY;
    char *full = NULL;
    struct sid_sqlite *sq = new_sqlite();
    struct sid_back *back = sq == NULL ? NULL : &sq->sql.base;

    if (sq == NULL)
        goto out;
    if (!in_memory) {
        err = sid_sq_file_resolve(path, &full);
        if (err != SID_OK)
            goto out;
        err = take_files(sq, full, create);
        if (err != SID_OK)
            goto out;
    }
    back->marked = moving;
    err = connect_db(sq, in_memory ? path : full, in_memory, create);
    if (err != SID_OK)
        goto out;
    /* A log that a failed sync has left is whole in the kernel's memory, and
     * the kernel holds it for written: nothing may be built on it, so it is
     * moved, and synced, before the first commit (Source: Rebello et al., "Can
     * Applications Recover from fsync Failures?", USENIX ATC 2020). */
    (void)checkpoint(back, SID_BACK_CHECKPOINT_ALL);
    if (sq->broken) {
        err = SID_E_STORE;
        goto out;
    }
    *out = back;
    back = NULL;
out:
    if (back != NULL)
        close_sqlite(&back);
    free(full);
    return err;
}

enum sid_err
sid_sqlite_open_readonly(const char *path, struct sid_back **out) {
    char *full = NULL;
    enum sid_err err = sid_sq_file_resolve(path, &full);
    struct sid_sqlite *sq = err == SID_OK ? new_sqlite() : NULL;
    struct sid_back *back = sq == NULL ? NULL : &sq->sql.base;

    if (err == SID_OK && sq == NULL)
        err = SID_E_NO_MEMORY;
    if (err == SID_OK && access(full, F_OK) != 0)
        err = no_file();
    if (err != SID_OK)
        goto out;
    int rc = open_db(sq, full, SQLITE_OPEN_READONLY);
    err = rc == SQLITE_OK ? sid_sq_setup_readonly(sq) : open_error(sq, rc);
    if (err == SID_OK)
        err = sid_migrate_check(sq);
    if (err != SID_OK)
        goto out;
    sid_sq_limit(sq);
    err = sid_sq_prepare_all(sq);
    if (err == SID_OK) {
        *out = back;
        back = NULL;
    }
out:
    if (back != NULL)
        close_sqlite(&back);
    free(full);
    return err;
}
