/* compound_vfs.h: a disk that fails (fault_vfs.h) and whose power is cut
 * (power_vfs.h), under an SQLite that may also get no memory.
 *
 * A write that fails has put its first half on the disk. compound_install() is
 * called before anything else of SQLite. One thread at a time. */
#ifndef SID_COMPOUND_VFS_H
#define SID_COMPOUND_VFS_H

#include "fault_vfs.h"
#include "power_vfs.h"

/* ---- memory ------------------------------------------------------------ */

/* The allocation that fails, counted from 1; 0: none. */
static int alloc_nth, alloc_calls;
static sqlite3_mem_methods alloc_real;

static bool
alloc_strike(void) {
    return ++alloc_calls == alloc_nth;
}

static void *
alloc_malloc(int n) {
    return alloc_strike() ? NULL : alloc_real.xMalloc(n);
}

static void *
alloc_realloc(void *old, int n) {
    return alloc_strike() ? NULL : alloc_real.xRealloc(old, n);
}

/* ---- the disk ---------------------------------------------------------- */

static int
compound_write(sqlite3_file *file, const void *in, int n, sqlite3_int64 at) {
    int rc = fault_strike(SQLITE_IOERR_WRITE);

    if (rc != SQLITE_OK && n > 1)
        (void)power_write(file, in, n / 2, at);
    return rc != SQLITE_OK ? rc : power_write(file, in, n, at);
}

static int
compound_truncate(sqlite3_file *file, sqlite3_int64 size) {
    int rc = fault_strike(SQLITE_IOERR_TRUNCATE);

    return rc != SQLITE_OK ? rc : power_truncate(file, size);
}

static int
compound_sync(sqlite3_file *file, int flags) {
    int rc = fault_strike(SQLITE_IOERR_FSYNC);

    return rc != SQLITE_OK ? rc : power_sync(file, flags);
}

static int
compound_delete(sqlite3_vfs *vfs, const char *name, int sync_folder) {
    int rc = fault_strike(SQLITE_IOERR_DELETE);

    return rc != SQLITE_OK ? rc : power_delete(vfs, name, sync_folder);
}

static int
compound_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
              int *out_flags) {
    int rc = fault_strike(SQLITE_CANTOPEN);

    file->pMethods = NULL;
    return rc != SQLITE_OK ? rc : power_open(vfs, name, file, flags, out_flags);
}

static void
compound_install(void) {
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &alloc_real) != SQLITE_OK)
        abort();
    sqlite3_mem_methods mine = alloc_real;
    mine.xMalloc = alloc_malloc;
    mine.xRealloc = alloc_realloc;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &mine) != SQLITE_OK)
        abort();
    fault_install();
    power_install();
    pass_methods.xWrite = compound_write;
    pass_methods.xTruncate = compound_truncate;
    pass_methods.xSync = compound_sync;
    pass_vfs.xDelete = compound_delete;
    pass_vfs.xOpen = compound_open;
}

#endif
