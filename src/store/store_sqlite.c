/* store_sqlite.c: the SQLite back end: opening, transactions, closing.
 *
 * Owns the connection, the lock and the statements. The one read-write
 * connection in the world, and the only one that does checkpoints (Source: the
 * WAL-reset bug of SQLite 3.7.0-3.51.2); or one of a reader, which takes no
 * lock and writes nothing. Used by one thread at a time. */
#include "store_sqlite.h"
#include "store_sqlite_wechat.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smartid/log.h"

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
run(struct sid_sqlite *sq, enum sid_sq_stmt which) {
    struct sid_sq_query query = sid_sq_start(sq, which);

    return sid_sq_run(&query, NULL);
}

static enum sid_err
begin(struct sid_back *back, bool read_only) {
    struct sid_sqlite *sq = sid_sqlite_of(back);
    enum sid_err err =
        run(sq, read_only ? SID_SQ_BEGIN_READ : SID_SQ_BEGIN_WRITE);

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
    if (!dropped && run(sq, SID_SQ_ROLLBACK) != SID_OK &&
        sqlite3_get_autocommit(sq->db) == 0)
        sq->broken = true;
}

static enum sid_err
commit(struct sid_back *back) {
    struct sid_sqlite *sq = sid_sqlite_of(back);
    enum sid_err err = run(sq, SID_SQ_COMMIT);

    if (err == SID_OK)
        sq->in_txn = false;
    return err;
}

static enum sid_err
savepoint(struct sid_back *back) {
    return run(sid_sqlite_of(back), SID_SQ_SAVEPOINT);
}

static enum sid_err
savepoint_release(struct sid_back *back) {
    return run(sid_sqlite_of(back), SID_SQ_SAVEPOINT_RELEASE);
}

static void
savepoint_undo(struct sid_back *back) {
    struct sid_sqlite *sq = sid_sqlite_of(back);

    if (sq->lost != SID_OK)
        return; /* gone with the transaction */
    enum sid_err err = run(sq, SID_SQ_SAVEPOINT_UNDO);
    if (err == SID_OK)
        err = run(sq, SID_SQ_SAVEPOINT_RELEASE);
    /* What could not be undone must not be committed. */
    if (err != SID_OK && sq->lost == SID_OK)
        sq->lost = err;
}

static enum sid_err
touch(struct sid_back *back) {
    return run(sid_sqlite_of(back), SID_SQ_TOUCH);
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
    .checkpoint = checkpoint,
    .shrink = shrink,
    .audit_head = sid_sqlite_audit_head,
    .audit_append = sid_sqlite_audit_append,
    .audit_scan = sid_sqlite_audit_scan,
    .audit_prune = sid_sqlite_audit_prune,
    .anchor_get = sid_sqlite_anchor_get,
    .anchor_put = sid_sqlite_anchor_put,
    .key_put = sid_sqlite_key_put,
    .key_each = sid_sqlite_key_each,
    .key_rewrap = sid_sqlite_key_rewrap,
    .key_retire = sid_sqlite_key_retire,
    .subject_put = sid_sqlite_subject_put,
    .subject_rewrap = sid_sqlite_subject_rewrap,
    .subject_stale = sid_sqlite_subject_stale,
    .subject_count_stale = sid_sqlite_subject_count_stale,
    .subject_forget = sid_sqlite_subject_forget,
    .client_put = sid_sqlite_client_put,
    .client_revoke = sid_sqlite_client_revoke,
    .client_each = sid_sqlite_client_each,
    .enrol_insert = sid_sqlite_enrol_insert,
    .enrol_get = sid_sqlite_enrol_get,
    .enrol_begin_work = sid_sqlite_enrol_begin_work,
    .enrol_decide = sid_sqlite_enrol_decide,
    .enrol_first = sid_sqlite_enrol_first,
    .enrol_appeal = sid_sqlite_enrol_appeal,
    .enrol_recovery = sid_sqlite_enrol_recovery,
    .attempt_put = sid_sqlite_attempt_put,
    .attempt_get = sid_sqlite_attempt_get,
    .attempt_purge = sid_sqlite_attempt_purge,
    .enrol_list = sid_sqlite_enrol_list,
    .enrol_unfinished = sid_sqlite_enrol_unfinished,
    .photo_put = sid_sqlite_photo_put,
    .photo_get = sid_sqlite_photo_get,
    .photo_delete_all = sid_sqlite_photo_delete_all,
    .photo_count = sid_sqlite_photo_count,
    .photo_blob = sid_sqlite_photo_blob,
    .photo_blob_count = sid_sqlite_photo_blob_count,
    .challenge_put = sid_sqlite_challenge_put,
    .challenge_get = sid_sqlite_challenge_get,
    .challenge_use = sid_sqlite_challenge_use,
    .challenge_purge = sid_sqlite_challenge_purge,
    .webhook_place = sid_sqlite_webhook_place,
    .webhook_told = sid_sqlite_webhook_told,
    .webhook_bury = sid_sqlite_webhook_bury,
    .webhook_dead_each = sid_sqlite_webhook_dead_each,
    .webhook_dead_count = sid_sqlite_webhook_dead_count,
    .webhook_again = sid_sqlite_webhook_again,
    .webhook_exhume = sid_sqlite_webhook_exhume,
    .expiring_each = sid_sqlite_expiring_each,
    .template_put = sid_sqlite_template_put,
    .template_get = sid_sqlite_template_get,
    .template_delete = sid_sqlite_template_delete,
    .template_count = sid_sqlite_template_count,
    .template_tally = sid_sqlite_template_tally,
    .portrait_put = sid_sqlite_portrait_put,
    .portrait_get = sid_sqlite_portrait_get,
    .portrait_has = sid_sqlite_portrait_has,
    .portrait_delete = sid_sqlite_portrait_delete,
    .idempotency_get = sid_sqlite_idempotency_get,
    .idempotency_put = sid_sqlite_idempotency_put,
    .idempotency_purge = sid_sqlite_idempotency_purge,
    .credential_insert = sid_sqlite_credential_insert,
    .credential_get = sid_sqlite_credential_get,
    .credential_by_serial = sid_sqlite_credential_by_serial,
    .credential_standing = sid_sqlite_credential_standing,
    .credential_change = sid_sqlite_credential_change,
    .live_use = sid_sqlite_live_use,
    .live_purge = sid_sqlite_live_purge,
    .check_list = sid_sqlite_check_list,
    .check_find = sid_sqlite_check_find,
    .contact_put = sid_sqlite_contact_put,
    .contact_find = sid_sqlite_contact_find,
    .contact_get = sid_sqlite_contact_get,
    .contact_change = sid_sqlite_contact_change,
    .contact_of = sid_sqlite_contact_of,
    .contact_delete = sid_sqlite_contact_delete,
    .contact_stale = sid_sqlite_contact_stale,
    .contact_unbind_client = sid_sqlite_contact_unbind_client,
    .chat_put = sid_sqlite_chat_put,
    .chat_get = sid_sqlite_chat_get,
    .chat_delete = sid_sqlite_chat_delete,
    .chat_stale = sid_sqlite_chat_stale,
    .chat_photo_put = sid_sqlite_chat_photo_put,
    .chat_photo_get = sid_sqlite_chat_photo_get,
    .push_put = sid_sqlite_push_put,
    .push_get = sid_sqlite_push_get,
    .push_purge = sid_sqlite_push_purge,
    .errand_put = sid_sqlite_errand_put,
    .errand_take = sid_sqlite_errand_take,
    .errand_back = sid_sqlite_errand_back,
    .errand_end = sid_sqlite_errand_end,
    .errand_delete_all = sid_sqlite_errand_delete_all,
    .errand_recover = sid_sqlite_errand_recover,
    .errand_count = sid_sqlite_errand_count,
    .dispute_put = sid_sqlite_dispute_put,
    .dispute_get = sid_sqlite_dispute_get,
    .dispute_list = sid_sqlite_dispute_list,
    .dispute_settle = sid_sqlite_dispute_settle,
    .overview = sid_sqlite_overview,
    .reasons_each = sid_sqlite_reasons_each,
    .photo_kinds = sid_sqlite_photo_kinds,
    .enrol_earlier = sid_sqlite_enrol_earlier,
    .dispute_forget = sid_sqlite_dispute_forget,
    .credential_next = sid_sqlite_credential_next,
    .serial_retire = sid_sqlite_serial_retire,
    .dead_serial = sid_sqlite_dead_serial,
    .idempotency_forget = sid_sqlite_idempotency_forget,
    .credentials_erase = sid_sqlite_credentials_erase,
    .enrol_delete = sid_sqlite_enrol_delete,
    .erasure_put = sid_sqlite_erasure_put,
    .retention_each = sid_sqlite_retention_each,
    .retention_count = sid_sqlite_retention_count,
    .retention_ran = sid_sqlite_retention_ran,
    .retention_last = sid_sqlite_retention_last,
};

/* Lock first, then look: what the file is can change until the lock is held. */
static enum sid_err
take_files(struct sid_sqlite *sq, const char *path, bool create) {
    /* No lock file beside a database that is not there. */
    if (!create && access(path, F_OK) != 0)
        return SID_E_NOT_FOUND;
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
connect_db(struct sid_sqlite *sq, const char *path, bool in_memory) {
    int rc = open_db(sq, path, SQLITE_OPEN_READWRITE);

    if (rc != SQLITE_OK)
        return open_error(sq, rc);
    enum sid_err err = sid_sq_setup(sq, in_memory);
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
        sq->base.ops = &ops;
    }
    return sq;
}

enum sid_err
sid_sqlite_open(const char *path, bool create, struct sid_back **out) {
    bool in_memory = strcmp(path, ":memory:") == 0;
    enum sid_err err = SID_E_NO_MEMORY;
    char *full = NULL;
    struct sid_sqlite *sq = new_sqlite();
    struct sid_back *back = sq == NULL ? NULL : &sq->base;

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
    err = connect_db(sq, in_memory ? path : full, in_memory);
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
    struct sid_back *back = sq == NULL ? NULL : &sq->base;

    if (err == SID_OK && sq == NULL)
        err = SID_E_NO_MEMORY;
    if (err == SID_OK && access(full, F_OK) != 0)
        err = SID_E_NOT_FOUND;
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
