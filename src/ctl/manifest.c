/* manifest.c: files of a backup and what it says of itself (see manifest.h). */
#include "manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smartid/json.h"
#include "smartid/text.h"

#define CHUNK_BYTES ((size_t)256 * 1024)
/* The form of a manifest. */
#define FORM 1
#define OPEN_FILES 16

static enum sid_err
failed(const char *path) {
    (void)fprintf(stderr, "smartidctl: %s: %s\n", path, strerror(errno));
    return SID_E_IO;
}

/* ---- files --------------------------------------------------------------- */

static enum sid_err
write_all(int fd, const uint8_t *bytes, size_t len) {
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno != EINTR)
            return SID_E_IO;
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        }
    }
    return SID_OK;
}

static enum sid_err
pump(int in, int out, struct sid_sha256 *hash, int64_t *bytes) {
    uint8_t *chunk = malloc(CHUNK_BYTES);
    enum sid_err err = chunk == NULL ? SID_E_NO_MEMORY : SID_OK;
    while (err == SID_OK) {
        ssize_t n = read(in, chunk, CHUNK_BYTES);
        if (n == 0)
            break;
        if (n < 0) {
            err = errno == EINTR ? SID_OK : SID_E_IO;
            continue;
        }
        *bytes += n;
        err = sid_sha256_update(hash, sid_span_of(chunk, (size_t)n));
        if (err == SID_OK && out >= 0)
            err = write_all(out, chunk, (size_t)n);
    }
    free(chunk);
    return err;
}

enum sid_err
sid_copy_file(const char *from, const char *to, uint8_t sha[SID_SHA256_BYTES],
              int64_t *bytes) {
    struct sid_sha256 *hash = NULL;
    int out = -1;
    int64_t count = 0;
    int in = open(from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (in < 0)
        return errno == ENOENT ? SID_E_NOT_FOUND : failed(from);
    if (to != NULL)
        out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                   0600);
    enum sid_err err = to == NULL || out >= 0 ? SID_OK
                       : errno == EEXIST      ? SID_E_EXISTS
                                              : failed(to);
    if (err == SID_OK)
        err = sid_sha256_new(&hash);
    if (err == SID_OK)
        err = pump(in, out, hash, &count);
    if (err == SID_OK && out >= 0 && fsync(out) != 0)
        err = SID_E_IO;
    if (err == SID_E_IO)
        (void)failed(to == NULL ? from : to);
    if (err == SID_OK)
        err = sid_sha256_final(hash, sha);
    if (err == SID_OK)
        *bytes = count;
    sid_sha256_free(&hash);
    close(in);
    if (out >= 0)
        close(out);
    return err;
}

enum sid_err
sid_sync_folder(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum sid_err err = fd >= 0 && fsync(fd) == 0 ? SID_OK : failed(path);
    if (fd >= 0)
        close(fd);
    return err;
}

static int
remove_one(const char *path, const struct stat *st, int kind,
           struct FTW *where) {
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

enum sid_err
sid_remove_folder(const char *path) {
    if (nftw(path, remove_one, OPEN_FILES, FTW_DEPTH | FTW_PHYS) != 0 &&
        errno != ENOENT)
        return failed(path);
    return SID_OK;
}

/* Renamed or removed meanwhile, it is somebody's who was quicker. */
static enum sid_err
lock_folder(const char *path, int *out) {
    struct stat named, held;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? SID_E_NOT_FOUND : failed(path);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &held) == 0 &&
        lstat(path, &named) == 0 && named.st_dev == held.st_dev &&
        named.st_ino == held.st_ino) {
        *out = fd;
        return SID_OK;
    }
    close(fd);
    return SID_E_LOCKED;
}

enum sid_err
sid_take_folder(const char *path, int *fd) {
    int left = -1;
    enum sid_err err = lock_folder(path, &left);
    if (err == SID_OK)
        err = sid_remove_folder(path);
    else if (err == SID_E_NOT_FOUND)
        err = SID_OK;
    if (left >= 0)
        close(left);
    if (err == SID_OK && mkdir(path, 0700) != 0)
        err = errno == EEXIST ? SID_E_LOCKED : failed(path);
    return err == SID_OK ? lock_folder(path, fd) : err;
}

enum sid_err
sid_give_name(const char *from, const char *to) {
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return SID_OK;
    if (errno != EEXIST)
        return failed(to);
    (void)fprintf(stderr,
                  "smartidctl: %s: was made meanwhile, by somebody else; "
                  "nothing was changed\n",
                  to);
    return SID_E_IO;
}

/* ---- the manifest -------------------------------------------------------- */

json_t *
sid_manifest_new(void) {
    return json_pack("{s:i, s:[]}", "smartid_backup", FORM, "parts");
}

enum sid_err
sid_manifest_add_part(json_t *manifest, const char *name, int64_t bytes,
                      const uint8_t sha[SID_SHA256_BYTES]) {
    char hex[2 * SID_SHA256_BYTES + 1];
    sid_hex_encode(sha, SID_SHA256_BYTES, hex);
    json_t *part = json_pack("{s:s, s:I, s:s}", "name", name, "bytes",
                             (json_int_t)bytes, "sha256", hex);
    return json_array_append_new(json_object_get(manifest, "parts"), part) == 0
               ? SID_OK
               : SID_E_NO_MEMORY;
}

/* As libjansson prints it, which goes on when a word found no room. */
struct text {
    struct sid_buf bytes;
    enum sid_err err;
};

static int
take_text(const char *bytes, size_t len, void *ctx) {
    struct text *text = ctx;
    if (text->err == SID_OK)
        text->err = sid_buf_append(&text->bytes, bytes, len);
    return text->err == SID_OK ? 0 : -1;
}

static enum sid_err
print(const json_t *manifest, struct sid_buf *out) {
    struct text text = {.bytes = SID_BUF_EMPTY};
    int rc = json_dump_callback(manifest, take_text, &text, JSON_INDENT(1));
    *out = text.bytes;
    return text.err == SID_OK && rc != 0 ? SID_E_NO_MEMORY : text.err;
}

enum sid_err
sid_manifest_write(const json_t *manifest, const char *folder) {
    char path[PATH_MAX];
    struct sid_buf text = SID_BUF_EMPTY;
    int fd = -1;
    (void)snprintf(path, sizeof path, "%s/%s", folder, SID_MANIFEST_NAME);
    enum sid_err err = print(manifest, &text);
    if (err != SID_OK)
        goto out;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || write_all(fd, text.ptr, text.len) != SID_OK || fsync(fd) != 0)
        err = failed(path);
out:
    if (fd >= 0)
        close(fd);
    sid_buf_free(&text);
    return err;
}

enum sid_err
sid_manifest_read(const char *folder, json_t **out) {
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", folder, SID_MANIFEST_NAME);
    if (access(path, R_OK) != 0)
        return errno == ENOENT || errno == ENOTDIR ? SID_E_NOT_FOUND
                                                   : failed(path);
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    if (json_integer_value(json_object_get(root, "smartid_backup")) != FORM ||
        !json_is_array(json_object_get(root, "parts"))) {
        json_decref(root);
        return SID_E_BAD_JSON;
    }
    *out = root;
    return SID_OK;
}

/* Names that lead nowhere but into the backup. */
static bool
is_plain(const char *name) {
    static const char photos[] = SID_BACKUP_PHOTOS "/";
    if (strcmp(name, SID_BACKUP_DATABASE) == 0)
        return true;
    if (strncmp(name, photos, sizeof photos - 1) != 0)
        return false;
    return sid_id_valid("blb_", name + sizeof photos - 1) != 0;
}

bool
sid_manifest_part(const json_t *manifest, size_t at, const char **name,
                  int64_t *bytes, uint8_t sha[SID_SHA256_BYTES],
                  enum sid_err *err) {
    json_t *part = json_array_get(json_object_get(manifest, "parts"), at);
    const char *hex = NULL;
    json_int_t count = 0;
    if (part == NULL)
        return false;
    *err = SID_E_BAD_JSON;
    if (json_unpack(part, "{s:s, s:I, s:s}", "name", name, "bytes", &count,
                    "sha256", &hex) != 0 ||
        !is_plain(*name) ||
        sid_hex_decode(hex, sha, SID_SHA256_BYTES) != SID_OK)
        return true;
    *bytes = count;
    *err = SID_OK;
    return true;
}
