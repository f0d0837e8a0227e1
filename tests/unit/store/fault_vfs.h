/* fault_vfs.h: a disk that fails when a test says so.
 *
 * Wraps SQLite's default VFS and becomes the default itself; must be registered
 * before the store opens. The switches may be set by any thread. */
#ifndef SID_FAULT_VFS_H
#define SID_FAULT_VFS_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>

/* SQLite result codes; 0: works. */
static atomic_int fault_write_rc;
static atomic_int fault_sync_rc;
/* Every page but the first of the main database file reads as rubbish. */
static atomic_int fault_rubbish;
static atomic_int fault_writes; /* calls of xWrite so far */

struct fault_file {
    sqlite3_file base;
    int is_main;
    sqlite3_file *real; /* lies behind this struct */
};

static inline sqlite3_file *
fault_real(sqlite3_file *file) {
    return ((struct fault_file *)(void *)file)->real;
}

static int
fault_close(sqlite3_file *file) {
    return fault_real(file)->pMethods->xClose(fault_real(file));
}

static int
fault_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at) {
    int rc = fault_real(file)->pMethods->xRead(fault_real(file), out, n, at);

    if (((struct fault_file *)(void *)file)->is_main && at >= 4096 &&
        atomic_load(&fault_rubbish) != 0)
        memset(out, 0xA5, (size_t)n);
    return rc;
}

static int
fault_write(sqlite3_file *file, const void *in, int n, sqlite3_int64 at) {
    int rc = atomic_load(&fault_write_rc);

    atomic_fetch_add(&fault_writes, 1);
    if (rc != SQLITE_OK)
        return rc;
    return fault_real(file)->pMethods->xWrite(fault_real(file), in, n, at);
}

static int
fault_truncate(sqlite3_file *file, sqlite3_int64 size) {
    return fault_real(file)->pMethods->xTruncate(fault_real(file), size);
}

static int
fault_sync(sqlite3_file *file, int flags) {
    int rc = atomic_load(&fault_sync_rc);

    if (rc != SQLITE_OK)
        return rc;
    return fault_real(file)->pMethods->xSync(fault_real(file), flags);
}

static int
fault_size(sqlite3_file *file, sqlite3_int64 *size) {
    return fault_real(file)->pMethods->xFileSize(fault_real(file), size);
}

static int
fault_lock(sqlite3_file *file, int level) {
    return fault_real(file)->pMethods->xLock(fault_real(file), level);
}

static int
fault_unlock(sqlite3_file *file, int level) {
    return fault_real(file)->pMethods->xUnlock(fault_real(file), level);
}

static int
fault_reserved(sqlite3_file *file, int *out) {
    return fault_real(file)->pMethods->xCheckReservedLock(fault_real(file),
                                                          out);
}

static int
fault_control(sqlite3_file *file, int op, void *arg) {
    return fault_real(file)->pMethods->xFileControl(fault_real(file), op, arg);
}

static int
fault_sector(sqlite3_file *file) {
    return fault_real(file)->pMethods->xSectorSize(fault_real(file));
}

static int
fault_device(sqlite3_file *file) {
    return fault_real(file)->pMethods->xDeviceCharacteristics(fault_real(file));
}

static int
fault_shm_map(sqlite3_file *file, int page, int size, int extend,
              void volatile **out) {
    return fault_real(file)->pMethods->xShmMap(fault_real(file), page, size,
                                               extend, out);
}

static int
fault_shm_lock(sqlite3_file *file, int offset, int n, int flags) {
    return fault_real(file)->pMethods->xShmLock(fault_real(file), offset, n,
                                                flags);
}

static void
fault_shm_barrier(sqlite3_file *file) {
    fault_real(file)->pMethods->xShmBarrier(fault_real(file));
}

static int
fault_shm_unmap(sqlite3_file *file, int delete_it) {
    return fault_real(file)->pMethods->xShmUnmap(fault_real(file), delete_it);
}

static const sqlite3_io_methods fault_methods = {
    .iVersion = 2,
    .xClose = fault_close,
    .xRead = fault_read,
    .xWrite = fault_write,
    .xTruncate = fault_truncate,
    .xSync = fault_sync,
    .xFileSize = fault_size,
    .xLock = fault_lock,
    .xUnlock = fault_unlock,
    .xCheckReservedLock = fault_reserved,
    .xFileControl = fault_control,
    .xSectorSize = fault_sector,
    .xDeviceCharacteristics = fault_device,
    .xShmMap = fault_shm_map,
    .xShmLock = fault_shm_lock,
    .xShmBarrier = fault_shm_barrier,
    .xShmUnmap = fault_shm_unmap,
};

static sqlite3_vfs fault_vfs;

static int
fault_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
           int *out_flags) {
    struct fault_file *f = (struct fault_file *)(void *)file;
    sqlite3_vfs *real = vfs->pAppData;

    f->base.pMethods = NULL;
    f->is_main = (flags & SQLITE_OPEN_MAIN_DB) != 0;
    f->real = (sqlite3_file *)(void *)(f + 1);
    int rc = real->xOpen(real, name, f->real, flags, out_flags);
    if (f->real->pMethods != NULL)
        f->base.pMethods = &fault_methods;
    return rc;
}

static void
fault_install(void) {
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);

    fault_vfs = *real; /* the rest of its functions know no file */
    fault_vfs.pNext = NULL;
    fault_vfs.zName = "fault";
    fault_vfs.pAppData = real;
    fault_vfs.szOsFile = (int)sizeof(struct fault_file) + real->szOsFile;
    fault_vfs.xOpen = fault_open;
    sqlite3_vfs_register(&fault_vfs, 1);
}

static void
fault_clear(void) {
    atomic_store(&fault_write_rc, SQLITE_OK);
    atomic_store(&fault_sync_rc, SQLITE_OK);
    atomic_store(&fault_rubbish, 0);
}

#endif
