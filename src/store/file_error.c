/* file_error.c: see file_error.h. */
#include "file_error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smartid/log.h"

enum sid_err
sid_file_error(const char *at) {
    int sys = errno;

    if (sys == ENOMEM)
        return SID_E_NO_MEMORY;
    enum sid_err err =
        sys == ENOSPC || sys == EDQUOT ? SID_E_STORE_FULL : SID_E_STORE;
    sid_log(SID_LOG_ERROR, "store_error", SID_S("code", sid_err_code(err)),
            SID_N("errno", sys), SID_S("text", strerrordesc_np(sys)),
            SID_S("at", at));
    return err;
}

char *
sid_file_folder_of(const char *path) {
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return strdup(".");
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

enum sid_err
sid_file_sync_name(const char *path) {
    enum sid_err err = SID_OK;
    char *folder = sid_file_folder_of(path);
    int fd = -1;

    if (folder == NULL)
        return SID_E_NO_MEMORY;
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        err = sid_file_error("folder_sync");
    if (fd >= 0)
        close(fd);
    free(folder);
    return err;
}
