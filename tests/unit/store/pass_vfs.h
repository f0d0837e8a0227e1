/* pass_vfs.h: a VFS that hands every call on to SQLite's default one: what the
 * disks of the tests stand on (fault_vfs.h, power_vfs.h), each of which takes
 * over the calls it is about.
 *
 * Must be registered before the store opens; becomes the default. */
#ifndef SID_PASS_VFS_H
#define SID_PASS_VFS_H

#include <sqlite3.h>
#include <string.h>

enum pass_kind { PASS_MAIN, PASS_WAL, PASS_OTHER };

struct pass_file {
    sqlite3_file base;
    enum pass_kind kind;
    sqlite3_file *real; /* lies behind this struct */
};

static inline struct pass_file *
pass_of(sqlite3_file *file) {
    return (struct pass_file *)(void *)file;
}

static inline sqlite3_file *
pass_real(sqlite3_file *file) {
    return pass_of(file)->real;
}

static int
pass_close(sqlite3_file *file) {
    return pass_real(file)->pMethods->xClose(pass_real(file));
}

static int
pass_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at) {
    return pass_real(file)->pMethods->xRead(pass_real(file), out, n, at);
}

static int
pass_write(sqlite3_file *file, const void *in, int n, sqlite3_int64 at) {
    return pass_real(file)->pMethods->xWrite(pass_real(file), in, n, at);
}

static int
pass_truncate(sqlite3_file *file, sqlite3_int64 size) {
    return pass_real(file)->pMethods->xTruncate(pass_real(file), size);
}

static int
pass_sync(sqlite3_file *file, int flags) {
    return pass_real(file)->pMethods->xSync(pass_real(file), flags);
}

static int
pass_size(sqlite3_file *file, sqlite3_int64 *size) {
    return pass_real(file)->pMethods->xFileSize(pass_real(file), size);
}

static int
pass_lock(sqlite3_file *file, int level) {
    return pass_real(file)->pMethods->xLock(pass_real(file), level);
}

static int
pass_unlock(sqlite3_file *file, int level) {
    return pass_real(file)->pMethods->xUnlock(pass_real(file), level);
}

static int
pass_reserved(sqlite3_file *file, int *out) {
    return pass_real(file)->pMethods->xCheckReservedLock(pass_real(file), out);
}

static int
pass_control(sqlite3_file *file, int op, void *arg) {
    return pass_real(file)->pMethods->xFileControl(pass_real(file), op, arg);
}

static int
pass_sector(sqlite3_file *file) {
    return pass_real(file)->pMethods->xSectorSize(pass_real(file));
}

static int
pass_device(sqlite3_file *file) {
    return pass_real(file)->pMethods->xDeviceCharacteristics(pass_real(file));
}

static int
pass_shm_map(sqlite3_file *file, int page, int size, int extend,
             void volatile **out) {
    return pass_real(file)->pMethods->xShmMap(pass_real(file), page, size,
                                              extend, out);
}

static int
pass_shm_lock(sqlite3_file *file, int offset, int n, int flags) {
    return pass_real(file)->pMethods->xShmLock(pass_real(file), offset, n,
                                               flags);
}

static void
pass_shm_barrier(sqlite3_file *file) {
    pass_real(file)->pMethods->xShmBarrier(pass_real(file));
}

static int
pass_shm_unmap(sqlite3_file *file, int delete_it) {
    return pass_real(file)->pMethods->xShmUnmap(pass_real(file), delete_it);
}

static sqlite3_io_methods pass_methods = {
    .iVersion = 2,
    .xClose = pass_close,
    .xRead = pass_read,
    .xWrite = pass_write,
    .xTruncate = pass_truncate,
    .xSync = pass_sync,
    .xFileSize = pass_size,
    .xLock = pass_lock,
    .xUnlock = pass_unlock,
    .xCheckReservedLock = pass_reserved,
    .xFileControl = pass_control,
    .xSectorSize = pass_sector,
    .xDeviceCharacteristics = pass_device,
    .xShmMap = pass_shm_map,
    .xShmLock = pass_shm_lock,
    .xShmBarrier = pass_shm_barrier,
    .xShmUnmap = pass_shm_unmap,
};

static sqlite3_vfs pass_vfs;

static inline sqlite3_vfs *
pass_real_vfs(void) {
    return pass_vfs.pAppData;
}

static int
pass_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
          int *out_flags) {
    struct pass_file *f = pass_of(file);
    sqlite3_vfs *real = vfs->pAppData;

    f->base.pMethods = NULL;
    f->kind = (flags & SQLITE_OPEN_MAIN_DB) != 0 ? PASS_MAIN
              : (flags & SQLITE_OPEN_WAL) != 0   ? PASS_WAL
                                                 : PASS_OTHER;
    f->real = (sqlite3_file *)(void *)(f + 1);
    int rc = real->xOpen(real, name, f->real, flags, out_flags);
    if (f->real->pMethods != NULL)
        f->base.pMethods = &pass_methods;
    return rc;
}

/* Afterwards functions of pass_vfs and pass_methods may be replaced. A second
 * call does nothing. */
static void
pass_install(void) {
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);

    if (real == &pass_vfs)
        return;
    pass_vfs = *real; /* the rest of its functions know no file */
    pass_vfs.pNext = NULL;
    pass_vfs.zName = "pass";
    pass_vfs.pAppData = real;
    pass_vfs.szOsFile = (int)sizeof(struct pass_file) + real->szOsFile;
    pass_vfs.xOpen = pass_open;
    sqlite3_vfs_register(&pass_vfs, 1);
}

#endif
