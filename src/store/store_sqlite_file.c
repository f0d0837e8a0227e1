/* store_sqlite_file.c: the files under the database: lock, mode, place.
 *
 * SQLite would make its file with the umask's mode and would let a second
 * process in; both are settled here before it opens anything. Run once per
 * open by the thread that opens the store; the lock's descriptor is the
 * caller's. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_error.h"
#include "smartid/log.h"
#include "store_sqlite.h"

#define FILE_MODE 0600 /* owner only: the file holds sealed personal data */

enum sid_err
sid_sq_file_resolve(const char *path, char **out) {
    enum sid_err err = SID_OK;
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    char *folder = sid_file_folder_of(path);
    char *real = folder == NULL ? NULL : realpath(folder, NULL);
    char *full = NULL;

    if (folder == NULL) {
        err = SID_E_NO_MEMORY;
        goto out;
    }
    if (real == NULL) {
        err = errno == ENOENT || errno == ENOTDIR ? SID_E_NOT_FOUND
                                                  : sid_file_error("folder");
        if (err == SID_E_NOT_FOUND)
            sid_pg_tell("its folder does not exist");
        goto out;
    }
    if (asprintf(&full, "%s/%s", strcmp(real, "/") == 0 ? "" : real, name) <
        0) {
        err = SID_E_NO_MEMORY;
        goto out;
    }
    *out = full;
out:
    free(real);
    free(folder);
    return err;
}

enum sid_err
sid_sq_file_lock(const char *path, int *out_fd) {
    enum sid_err err = SID_OK;
    char *name = NULL;
    int fd = -1;

    if (asprintf(&name, "%s.lock", path) < 0)
        return SID_E_NO_MEMORY;
    fd = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    if (fd < 0) {
        err = sid_file_error("lock_open");
        goto out;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        err = errno == EWOULDBLOCK ? SID_E_LOCKED : sid_file_error("lock");
        goto out;
    }
    *out_fd = fd;
    fd = -1;
out:
    if (fd >= 0)
        close(fd);
    free(name);
    return err;
}

/* A regular file of this user that nobody else can read. */
static enum sid_err
check_file(int fd) {
    struct stat st;

    if (fstat(fd, &st) != 0)
        return sid_file_error("stat");
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid()) {
        sid_log(SID_LOG_ERROR, "store_error",
                SID_S("code", sid_err_code(SID_E_STORE)),
                SID_S("text", "not a regular file of this user"),
                SID_S("at", "file"));
        return SID_E_STORE;
    }
    if ((st.st_mode & 07777) == FILE_MODE)
        return SID_OK;
    if (fchmod(fd, FILE_MODE) != 0)
        return sid_file_error("mode");
    return SID_OK;
}

enum sid_err
sid_sq_file_prepare(const char *path, bool create) {
    const int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC;
    bool made = false;
    int fd = open(path, flags);

    if (fd < 0 && errno == ENOENT) {
        if (!create)
            return SID_E_NOT_FOUND;
        fd = open(path, flags | O_CREAT | O_EXCL, FILE_MODE);
        made = fd >= 0;
    }
    if (fd < 0)
        return sid_file_error("open");
    enum sid_err err = check_file(fd);
    close(fd);
    if (err == SID_OK && made)
        err = sid_file_sync_name(path);
    return err;
}
