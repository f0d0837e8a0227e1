/* store_sqlite_gather.c: what a transaction appends to the log goes to the
 * kernel in few pieces.
 *
 * SQLite hands over each page in two writes, its head and itself: the two
 * photos of an enrolment, put and overwritten, are some 2,700 of them
 * (measured: most of what the writer's thread does for an enrolment). Here they
 * wait until something else than the next bytes is asked of the file: a sync,
 * which comes before the commit is told to anybody (synchronous=FULL), a read,
 * a write elsewhere. Order and content stay the same, and nothing that was
 * committed ever waits; a failed write is told by the call that it made wait.
 *
 * Used by the thread that owns the store. Owns nothing: struct sid_sqlite holds
 * the bytes, and the table of methods that takes the place of the file's own.
 */
#include <string.h>

#include "store_sqlite.h"

static struct sid_sq_gather *
gather_of(sqlite3_file *file) {
    /* The table is the first member, and ours to write to. */
    return (struct sid_sq_gather *)(uintptr_t)file->pMethods;
}

/* After a failure they are forgotten: the transaction is taken back. */
static int
flush(sqlite3_file *file) {
    struct sid_sq_gather *gather = gather_of(file);
    size_t len = gather->len;

    gather->len = 0;
    return len == 0
               ? SQLITE_OK
               : gather->own->xWrite(file, gather->bytes, (int)len, gather->at);
}

static int
gather_write(sqlite3_file *file, const void *in, int n, sqlite3_int64 at) {
    struct sid_sq_gather *gather = gather_of(file);
    size_t len = (size_t)n;

    if (at != gather->at + (sqlite3_int64)gather->len ||
        gather->len + len > sizeof gather->bytes) {
        int rc = flush(file);
        if (rc != SQLITE_OK)
            return rc;
        gather->at = at;
    }
    if (len > sizeof gather->bytes)
        return gather->own->xWrite(file, in, n, at);
    memcpy(gather->bytes + gather->len, in, len);
    gather->len += len;
    return SQLITE_OK;
}

static int
gather_sync(sqlite3_file *file, int flags) {
    int rc = flush(file);

    return rc == SQLITE_OK ? gather_of(file)->own->xSync(file, flags) : rc;
}

static int
gather_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at) {
    int rc = flush(file);

    return rc == SQLITE_OK ? gather_of(file)->own->xRead(file, out, n, at) : rc;
}

static int
gather_truncate(sqlite3_file *file, sqlite3_int64 size) {
    int rc = flush(file);

    return rc == SQLITE_OK ? gather_of(file)->own->xTruncate(file, size) : rc;
}

static int
gather_size(sqlite3_file *file, sqlite3_int64 *out) {
    int rc = flush(file);

    return rc == SQLITE_OK ? gather_of(file)->own->xFileSize(file, out) : rc;
}

/* What waits was not committed. */
static int
gather_close(sqlite3_file *file) {
    gather_of(file)->len = 0;
    return gather_of(file)->own->xClose(file);
}

enum sid_err
sid_sq_gather_begin(struct sid_sqlite *sq) {
    struct sid_sq_gather *gather = &sq->gather;
    sqlite3_file *file = NULL;
    int64_t version = 0;
    /* The log is opened by the first read. */
    enum sid_err err = sid_sq_ask(sq, "PRAGMA schema_version", &version);

    if (err != SID_OK)
        return err;
    int rc = sqlite3_file_control(sq->db, "main", SQLITE_FCNTL_JOURNAL_POINTER,
                                  &file);
    if (rc == SQLITE_OK && (file == NULL || file->pMethods == NULL))
        rc = SQLITE_MISUSE;
    if (rc != SQLITE_OK)
        return sid_sq_error(sq, rc, "journal_pointer");
    gather->own = file->pMethods;
    gather->methods = *file->pMethods;
    gather->methods.xWrite = gather_write;
    gather->methods.xSync = gather_sync;
    gather->methods.xRead = gather_read;
    gather->methods.xTruncate = gather_truncate;
    gather->methods.xFileSize = gather_size;
    gather->methods.xClose = gather_close;
    file->pMethods = &gather->methods;
    return SID_OK;
}
