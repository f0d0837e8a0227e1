/* blob_file.c: one file of sealed photos, and the folder (see blob_file.h).
 *
 * A file: 8 bytes that say what it is, the length of each photo in bytes (32
 * bits, little endian, by kind), the photos. Nothing else is checked: a photo
 * is sealed, and opens as it was or not at all. */
#include "blob_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_error.h"
#include "smartid/store.h"

#define FILE_MODE 0600 /* owner only, as the database */
#define FOLDER_MODE 0700
#define OPEN_FLAGS (O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)

static const char magic[8] = "sidblob1";
#define HEAD_BYTES (sizeof magic + (size_t)4 * SID_PHOTO_KINDS)

/* ---- the folder -------------------------------------------------------- */

static enum sid_err
check_folder(int fd) {
    struct stat st;

    if (fstat(fd, &st) != 0)
        return sid_file_error("blob_folder");
    if (st.st_uid != geteuid()) {
        errno = EPERM;
        return sid_file_error("blob_folder_owner");
    }
    if ((st.st_mode & 07777) != FOLDER_MODE && fchmod(fd, FOLDER_MODE) != 0)
        return sid_file_error("blob_folder_mode");
    return SID_OK;
}

enum sid_err
sid_blob_folder_open(const char *path, int *out_fd) {
    if (mkdir(path, FOLDER_MODE) != 0 && errno != EEXIST)
        return sid_file_error("blob_folder_make");
    int fd = open(path, O_RDONLY | O_DIRECTORY | OPEN_FLAGS);
    if (fd < 0)
        return sid_file_error("blob_folder_open");
    enum sid_err err = check_folder(fd);
    /* Whoever made it may have ended before its name was on disk. */
    if (err == SID_OK)
        err = sid_file_sync_name(path);
    if (err != SID_OK) {
        close(fd);
        return err;
    }
    *out_fd = fd;
    return SID_OK;
}

void
sid_blob_folder_close(int dir_fd) {
    close(dir_fd);
}

enum sid_err
sid_blob_folder_sync(int dir_fd) {
    return fsync(dir_fd) == 0 ? SID_OK : sid_file_error("blob_folder_sync");
}

/* What somebody else has put here is left alone. */
static bool
is_blob(const char *name) {
    return sid_id_valid("blb_", name) != 0;
}

enum sid_err
sid_blob_folder_each(int dir_fd,
                     enum sid_err (*each)(const char *name, void *ctx),
                     void *ctx) {
    enum sid_err err = SID_OK;
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | OPEN_FLAGS);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (dir == NULL) {
        err = sid_file_error("blob_folder_read");
        if (fd >= 0)
            close(fd);
        return err;
    }
    while (err == SID_OK) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL && errno != 0)
            err = sid_file_error("blob_folder_read");
        if (entry == NULL)
            break;
        if (is_blob(entry->d_name))
            err = each(entry->d_name, ctx);
    }
    closedir(dir);
    return err;
}

/* ---- a file ------------------------------------------------------------ */

static void
put_u32(uint8_t *at, size_t value) {
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static size_t
get_u32(const uint8_t *at) {
    return (size_t)at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 |
           (size_t)at[3] << 24;
}

static enum sid_err
write_at(int fd, struct sid_span bytes, off_t *at) {
    while (bytes.len > 0) {
        ssize_t n = pwrite(fd, bytes.ptr, bytes.len, *at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = ENOSPC;
        if (n <= 0)
            return sid_file_error("blob_write");
        bytes = sid_span_of(bytes.ptr + n, bytes.len - (size_t)n);
        *at += n;
    }
    return SID_OK;
}

/* Errors: SID_E_NOT_FOUND (it ends before), SID_E_STORE. */
static enum sid_err
read_at(int fd, uint8_t *to, size_t len, off_t at) {
    while (len > 0) {
        ssize_t n = pread(fd, to, len, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return sid_file_error("blob_read");
        if (n == 0)
            return SID_E_NOT_FOUND;
        to += n;
        len -= (size_t)n;
        at += n;
    }
    return SID_OK;
}

enum sid_err
sid_blob_file_write(int dir_fd, const char *name,
                    const struct sid_span part[SID_PHOTO_KINDS]) {
    uint8_t head[HEAD_BYTES];
    off_t at = 0;
    int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | OPEN_FLAGS,
                    FILE_MODE);

    if (fd < 0)
        return errno == EEXIST ? SID_E_EXISTS : sid_file_error("blob_make");
    memcpy(head, magic, sizeof magic);
    for (int kind = 0; kind < SID_PHOTO_KINDS; kind++)
        put_u32(head + sizeof magic + (size_t)4 * (size_t)kind, part[kind].len);
    enum sid_err err = write_at(fd, sid_span_of(head, sizeof head), &at);
    for (int kind = 0; err == SID_OK && kind < SID_PHOTO_KINDS; kind++)
        err = write_at(fd, part[kind], &at);
    if (err == SID_OK && fdatasync(fd) != 0)
        err = sid_file_error("blob_sync");
    close(fd);
    if (err != SID_OK && unlinkat(dir_fd, name, 0) != 0)
        (void)sid_file_error("blob_undo");
    return err;
}

static enum sid_err
read_part(int fd, enum sid_photo_kind kind, struct sid_buf *out) {
    uint8_t head[HEAD_BYTES];
    enum sid_err err = read_at(fd, head, sizeof head, 0);

    if (err == SID_OK && memcmp(head, magic, sizeof magic) != 0)
        err = SID_E_NOT_FOUND;
    if (err != SID_OK)
        return err;
    off_t at = HEAD_BYTES;
    const uint8_t *lengths = head + sizeof magic;
    for (int before = 0; before < (int)kind; before++)
        at += (off_t)get_u32(lengths + (size_t)4 * (size_t)before);
    size_t len = get_u32(lengths + (size_t)4 * (size_t)kind);
    if (len == 0 || len > SID_SEALED_MAX_BYTES)
        return SID_E_NOT_FOUND;
    err = sid_buf_reserve(out, len);
    if (err == SID_OK)
        err = read_at(fd, out->ptr, len, at);
    if (err == SID_OK)
        out->len = len;
    else
        sid_buf_free(out);
    return err;
}

enum sid_err
sid_blob_file_read(int dir_fd, const char *name, enum sid_photo_kind kind,
                   struct sid_buf *out) {
    int fd = openat(dir_fd, name, O_RDONLY | OPEN_FLAGS);

    if (fd < 0)
        return errno == ENOENT ? SID_E_NOT_FOUND : sid_file_error("blob_open");
    enum sid_err err = read_part(fd, kind, out);
    close(fd);
    return err;
}

/* As deleted rows of the database are overwritten: a seal's key lives as long
 * as its person is stored. Best effort: what the medium keeps of an overwritten
 * block is not in our hands. */
static void
overwrite(int fd) {
    static const uint8_t zeros[65536];
    struct stat st;
    off_t at = 0;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return;
    while (at < st.st_size) {
        size_t left = (size_t)(st.st_size - at);
        size_t len = left < sizeof zeros ? left : sizeof zeros;
        if (write_at(fd, sid_span_of(zeros, len), &at) != SID_OK)
            return;
    }
    if (fdatasync(fd) != 0)
        (void)sid_file_error("blob_overwrite");
}

void
sid_blob_file_remove(int dir_fd, const char *name) {
    int fd = openat(dir_fd, name, O_WRONLY | OPEN_FLAGS);

    if (fd >= 0) {
        overwrite(fd);
        close(fd);
    }
    if (unlinkat(dir_fd, name, 0) != 0 && errno != ENOENT)
        (void)sid_file_error("blob_remove");
}
