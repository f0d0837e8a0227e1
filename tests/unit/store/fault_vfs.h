/* fault_vfs.h: a disk that fails when a test says so.
 *
 * Wraps SQLite's default VFS and becomes the default itself; must be registered
 * before the store opens. The switches may be set by any thread. */
#ifndef SID_FAULT_VFS_H
#define SID_FAULT_VFS_H

#include <stdatomic.h>

#include "pass_vfs.h"

/* SQLite result codes; 0: works. */
static atomic_int fault_write_rc;
static atomic_int fault_sync_rc;
/* Every page but the first of the main database file reads as rubbish. */
static atomic_int fault_rubbish;
static atomic_int fault_writes; /* calls of xWrite so far */
/* The call that fails, counted from 1; 0: none. */
static atomic_int fault_nth;
static atomic_int fault_for_good;    /* and so do all behind it */
static atomic_int fault_calls;       /* so far */
static atomic_int fault_sync_struck; /* a sync was among those */

static atomic_int fault_fast; /* a sync that works does not reach the disk */

/* rc when this call is to fail. */
static int
fault_strike(int rc) {
    int call = atomic_fetch_add(&fault_calls, 1) + 1;
    int nth = atomic_load(&fault_nth);

    return nth != 0 &&
                   (call == nth || (call > nth && atomic_load(&fault_for_good)))
               ? rc
               : SQLITE_OK;
}

static int
fault_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at) {
    int rc = fault_strike(SQLITE_IOERR_READ);

    if (rc == SQLITE_OK)
        rc = pass_read(file, out, n, at);
    if (pass_of(file)->kind == PASS_MAIN && at >= 4096 &&
        atomic_load(&fault_rubbish) != 0)
        memset(out, 0xA5, (size_t)n);
    return rc;
}

static int
fault_write(sqlite3_file *file, const void *in, int n, sqlite3_int64 at) {
    int rc = fault_strike(SQLITE_IOERR_WRITE);

    if (rc == SQLITE_OK)
        rc = atomic_load(&fault_write_rc);
    atomic_fetch_add(&fault_writes, 1);
    return rc != SQLITE_OK ? rc : pass_write(file, in, n, at);
}

static int
fault_truncate(sqlite3_file *file, sqlite3_int64 size) {
    int rc = fault_strike(SQLITE_IOERR_TRUNCATE);

    return rc != SQLITE_OK ? rc : pass_truncate(file, size);
}

static int
fault_sync(sqlite3_file *file, int flags) {
    int rc = fault_strike(SQLITE_IOERR_FSYNC);

    if (rc != SQLITE_OK)
        atomic_store(&fault_sync_struck, 1);
    if (rc == SQLITE_OK)
        rc = atomic_load(&fault_sync_rc);
    return rc != SQLITE_OK || atomic_load(&fault_fast) ? rc
                                                       : pass_sync(file, flags);
}

static int
fault_size(sqlite3_file *file, sqlite3_int64 *size) {
    int rc = fault_strike(SQLITE_IOERR_FSTAT);

    return rc != SQLITE_OK ? rc : pass_size(file, size);
}

static int
fault_shm_map(sqlite3_file *file, int page, int size, int extend,
              void volatile **out) {
    int rc = fault_strike(SQLITE_IOERR_SHMMAP);

    *out = NULL;
    return rc != SQLITE_OK ? rc : pass_shm_map(file, page, size, extend, out);
}

static int
fault_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
           int *out_flags) {
    int rc = fault_strike(SQLITE_CANTOPEN);

    file->pMethods = NULL;
    return rc != SQLITE_OK ? rc : pass_open(vfs, name, file, flags, out_flags);
}

static int
fault_delete(sqlite3_vfs *vfs, const char *name, int sync_folder) {
    int rc = fault_strike(SQLITE_IOERR_DELETE);

    (void)vfs;
    return rc != SQLITE_OK
               ? rc
               : pass_real_vfs()->xDelete(pass_real_vfs(), name, sync_folder);
}

static int
fault_access(sqlite3_vfs *vfs, const char *name, int flags, int *out) {
    int rc = fault_strike(SQLITE_IOERR_ACCESS);

    (void)vfs;
    return rc != SQLITE_OK
               ? rc
               : pass_real_vfs()->xAccess(pass_real_vfs(), name, flags, out);
}

static void
fault_install(void) {
    pass_install();
    pass_methods.xRead = fault_read;
    pass_methods.xWrite = fault_write;
    pass_methods.xTruncate = fault_truncate;
    pass_methods.xSync = fault_sync;
    pass_methods.xFileSize = fault_size;
    pass_methods.xShmMap = fault_shm_map;
    pass_vfs.xOpen = fault_open;
    pass_vfs.xDelete = fault_delete;
    pass_vfs.xAccess = fault_access;
}

static void
fault_clear(void) {
    atomic_store(&fault_write_rc, SQLITE_OK);
    atomic_store(&fault_sync_rc, SQLITE_OK);
    atomic_store(&fault_rubbish, 0);
    atomic_store(&fault_nth, 0);
}

#endif
