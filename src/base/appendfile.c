/* appendfile.c: durable lines at the end of a file (see appendfile.h). Any
 * thread that may wait for a disk; owns nothing. */
#include "smartid/appendfile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smartid/buf.h"
#include "smartid/log.h"

#define FILE_MODE 0600

static enum sid_err
failed(const char *at, int sys) {
    sid_log(SID_LOG_ERROR, "append_failed", SID_S("at", at),
            SID_N("errno", sys), SID_S("text", strerrordesc_np(sys)));
    return SID_E_IO;
}

/* O_NONBLOCK: a FIFO put in its place must not hang us. */
static enum sid_err
open_regular(const char *path, int flags, int *out_fd, struct stat *st) {
    int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK,
                  FILE_MODE);
    if (fd < 0)
        return errno == ENOENT ? SID_E_NOT_FOUND : failed("open", errno);
    enum sid_err err = SID_OK;
    if (fstat(fd, st) != 0)
        err = failed("stat", errno);
    else if (!S_ISREG(st->st_mode))
        err = failed("open", EINVAL);
    if (err == SID_OK)
        *out_fd = fd;
    else
        close(fd);
    return err;
}

static enum sid_err
write_all(int fd, const uint8_t *at, size_t len) {
    while (len > 0) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return failed("write", n < 0 ? errno : ENOSPC);
        at += n;
        len -= (size_t)n;
    }
    return SID_OK;
}

/* A new name is durable only once its folder is. */
static enum sid_err
sync_folder_of(const char *path) {
    char *copy = strdup(path);
    if (copy == NULL)
        return failed("folder", ENOMEM);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum sid_err err =
        fd < 0 || fsync(fd) != 0 ? failed("folder", errno) : SID_OK;
    if (fd >= 0)
        close(fd);
    free(copy);
    return err;
}

static bool
ends_open(int fd, off_t size) {
    char last = '\n';
    return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

enum sid_err
sid_appendfile_add(const char *path, const char *line) {
    struct sid_buf text = SID_BUF_EMPTY;
    struct stat st;
    int fd = -1;
    enum sid_err err =
        open_regular(path, O_RDWR | O_APPEND | O_CREAT, &fd, &st);
    if (err != SID_OK)
        return err == SID_E_NOT_FOUND ? failed("open", ENOENT) : err;
    if (sid_buf_printf(&text, "%s%s\n", ends_open(fd, st.st_size) ? "\n" : "",
                       line) != SID_OK)
        err = failed("line", ENOMEM);
    if (err == SID_OK)
        err = write_all(fd, text.ptr, text.len);
    if (err == SID_OK && fsync(fd) != 0)
        err = failed("sync", errno);
    close(fd);
    sid_buf_free(&text);
    if (err == SID_OK && st.st_size == 0)
        err = sync_folder_of(path);
    return err;
}

enum sid_err
sid_appendfile_tail(const char *path, char *out, size_t out_size) {
    struct stat st;
    int fd = -1;
    enum sid_err err = open_regular(path, O_RDONLY, &fd, &st);
    if (err != SID_OK)
        return err;
    off_t room = (off_t)out_size - 1;
    off_t from = st.st_size > room ? st.st_size - room : 0;
    size_t have = 0;
    while (have < out_size - 1) {
        ssize_t n =
            pread(fd, out + have, out_size - 1 - have, from + (off_t)have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            err = failed("read", errno);
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    out[have] = '\0';
    close(fd);
    return err;
}
