/* secretfile.c: files that hold a secret: read only after the checks on the
 * open descriptor, made only where nothing was before. Any thread; owns
 * nothing. */
#include "smartid/secretfile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smartid/rand.h"
#include "smartid/text.h"

/* Hex digits, newline, NUL, for secrets of at most 64 bytes. */
#define SECRET_MAX_BYTES 64
#define TEXT_SIZE (2 * SECRET_MAX_BYTES + 2)

/* A credential of systemd belongs to root, and an entry of its own lets our
 * user read it, which the group bits show. Source: systemd.exec(5), 252. */
static bool
credential_fits(const struct stat *st) {
    return (st->st_uid == 0 || st->st_uid == geteuid()) &&
           (st->st_mode & 07337) == 0;
}

static bool
file_fits(const struct stat *st) {
    mode_t mode = st->st_mode & 07777;
    return st->st_uid == geteuid() && (mode == 0600 || mode == 0400);
}

/* Whose file it is, and that it has min to max bytes. */
static enum sid_err
check_file(int fd, bool credential, size_t min, size_t max, size_t *size) {
    struct stat st;
    if (fstat(fd, &st) != 0)
        return SID_E_IO;
    if (!S_ISREG(st.st_mode) ||
        !(credential ? credential_fits(&st) : file_fits(&st)))
        return SID_E_SECRET_MODE;
    if (st.st_size < (off_t)min || st.st_size > (off_t)max)
        return SID_E_SECRET_FORMAT;
    *size = (size_t)st.st_size;
    return SID_OK;
}

static enum sid_err
read_whole(int fd, char *text, size_t size) {
    size_t have = 0;
    while (have < size) {
        ssize_t n = read(fd, text + have, size - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return SID_E_IO;
        have += (size_t)n;
    }
    return SID_OK;
}

/* The path of a credential; false when systemd has given us none. */
static bool
resolve(const char *name, char *out, size_t out_size) {
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    int n = folder == NULL || strchr(name, '/') != NULL
                ? -1
                : snprintf(out, out_size, "%s/%s", folder, name);
    return n > 0 && (size_t)n < out_size;
}

/* Reads min to max bytes of a secret into text (of max + 1 bytes, ended by a
 * NUL), after the checks. */
static enum sid_err
read_secret(const char *path, size_t min, size_t max, char *text,
            size_t *size) {
    char resolved[PATH_MAX];
    size_t prefix = sizeof SID_CREDENTIAL_PREFIX - 1;
    bool credential = strncmp(path, SID_CREDENTIAL_PREFIX, prefix) == 0;
    if (credential && !resolve(path + prefix, resolved, sizeof resolved))
        return SID_E_NOT_FOUND;
    if (credential)
        path = resolved;
    /* O_NONBLOCK: a FIFO put in its place must not hang us. */
    int fd =
        open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT  ? SID_E_NOT_FOUND
               : errno == ELOOP ? SID_E_SECRET_MODE
                                : SID_E_IO;
    enum sid_err err = check_file(fd, credential, min, max, size);
    if (err == SID_OK)
        err = read_whole(fd, text, *size);
    if (err == SID_OK)
        text[*size] = '\0';
    close(fd);
    return err;
}

enum sid_err
sid_secretfile_read(const char *path, void *out, size_t len) {
    SID_ASSERT(len > 0 && len <= SECRET_MAX_BYTES);
    char text[TEXT_SIZE] = {0};
    size_t size = 0;
    enum sid_err err = read_secret(path, 2 * len, 2 * len + 1, text, &size);
    if (err != SID_OK)
        goto out;
    if (size == 2 * len + 1 && text[2 * len] == '\n')
        text[2 * len] = '\0';
    if (sid_hex_decode(text, out, len) != SID_OK)
        err = SID_E_SECRET_FORMAT;
out:
    if (err != SID_OK)
        sid_wipe(out, len);
    sid_wipe(text, sizeof text);
    return err;
}

enum sid_err
sid_secretfile_read_text(const char *path, char *out, size_t out_size) {
    SID_ASSERT(out_size > 1 && out_size <= SID_SECRET_TEXT_SIZE);
    char text[SID_SECRET_TEXT_SIZE + 1] = {0};
    size_t size = 0;
    /* One more for the newline. */
    enum sid_err err = read_secret(path, 1, out_size, text, &size);
    if (err != SID_OK)
        goto out;
    if (text[size - 1] == '\n')
        text[--size] = '\0';
    if (size == 0 || size >= out_size)
        err = SID_E_SECRET_FORMAT;
    for (size_t i = 0; i < size; i++) {
        if (text[i] <= ' ' || text[i] > '~')
            err = SID_E_SECRET_FORMAT;
    }
    if (err == SID_OK)
        memcpy(out, text, size + 1);
out:
    if (err != SID_OK)
        sid_wipe(out, out_size);
    sid_wipe(text, sizeof text);
    return err;
}

static enum sid_err
write_synced(int fd, const char *text, size_t len) {
    /* The umask may have taken bits away from the mode. */
    if (fchmod(fd, 0600) != 0)
        return SID_E_IO;
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return SID_E_IO;
        text += n;
        len -= (size_t)n;
    }
    return fsync(fd) == 0 ? SID_OK : SID_E_IO;
}

/* A new name is durable only once its folder is. */
static enum sid_err
sync_folder_of(const char *path) {
    char *copy = strdup(path);
    if (copy == NULL)
        return SID_E_IO;
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    if (fd < 0)
        return SID_E_IO;
    enum sid_err err = fsync(fd) == 0 ? SID_OK : SID_E_IO;
    close(fd);
    return err;
}

enum sid_err
sid_secretfile_make(const char *path, size_t len) {
    SID_ASSERT(len > 0 && len <= SECRET_MAX_BYTES);
    uint8_t secret[SECRET_MAX_BYTES];
    char text[TEXT_SIZE];
    int fd = -1;
    enum sid_err err = sid_rand_bytes(secret, len);
    if (err != SID_OK)
        goto out;
    sid_hex_encode(secret, len, text);
    text[2 * len] = '\n';
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        err = errno == EEXIST ? SID_E_EXISTS : SID_E_IO;
        goto out;
    }
    err = write_synced(fd, text, 2 * len + 1);
    if (err == SID_OK)
        err = sync_folder_of(path);
    if (err != SID_OK)
        (void)unlink(path);
out:
    if (fd >= 0)
        close(fd);
    sid_wipe(secret, sizeof secret);
    sid_wipe(text, sizeof text);
    return err;
}

enum sid_err
sid_secretfile_replace(const char *from, const char *to) {
    if (rename(from, to) != 0)
        return SID_E_IO;
    return sync_folder_of(to);
}
