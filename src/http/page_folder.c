/* page_folder.c: the operator's own files for the pages, read whole into
 * memory, within bounds. Main thread, at the start and at a reload; owns
 * nothing afterwards. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "page_files.h"
#include "smartid/text.h"

/* Own choice: thirty times what is built in. */
#define TOTAL_MAX_BYTES ((size_t)32 << 20)
/* css/, js/, vendor/ and two below. Own choice, as the next. */
#define DEPTH_MAX 3

#define FOLDERS_MAX 32u

struct reading {
    const char *root;
    int root_fd;
    /* Folders below it that are still to be read. */
    char todo[FOLDERS_MAX][SID_PAGE_PATH_SIZE];
    size_t folders;
    struct sid_page_set *set;
    struct sid_config_problem *problem;
    size_t total_bytes;
};

static enum sid_err
refuse(struct reading *r, const char *name, const char *why) {
    (void)snprintf(r->problem->text, sizeof r->problem->text,
                   "pages.dir: %s/%s: %s", r->root, name, why);
    return SID_E_CONFIG;
}

static enum sid_err
io_failed(struct reading *r, const char *name) {
    (void)snprintf(r->problem->text, sizeof r->problem->text,
                   "pages.dir: %s/%s: cannot be read: %s", r->root, name,
                   strerror(errno));
    return SID_E_IO;
}

/* What the target of a request may consist of, see sid_uri_clean(). */
static bool
name_clean(const char *name) {
    return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789._~-") == strlen(name);
}

/* Reads until the end: the size may change meanwhile. */
static enum sid_err
read_all(struct reading *r, int fd, const char *name, struct sid_buf *out) {
    uint8_t block[16384];
    for (;;) {
        ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return io_failed(r, name);
        if (n == 0)
            return SID_OK;
        r->total_bytes += (size_t)n;
        if (r->total_bytes > TOTAL_MAX_BYTES)
            return refuse(r, name, "the folder has too much; accepted: 32 MiB");
        enum sid_err err = sid_buf_append(out, block, (size_t)n);
        if (err != SID_OK)
            return err;
    }
}

static enum sid_err
take_file(struct reading *r, int fd, const char *name) {
    struct sid_buf bytes = SID_BUF_EMPTY;
    enum sid_err err = read_all(r, fd, name, &bytes);
    if (err == SID_OK) {
        const struct sid_page_source source = {.name = name,
                                               .plain = sid_buf_span(&bytes)};
        err = page_set_put(r->set, &source, &bytes);
    }
    if (err == SID_E_ARGUMENT)
        err = refuse(r, name,
                     "cannot be served; accepted: up to 256 files .html .css "
                     ".js .json .webmanifest .svg .png .ico .woff2 .wasm .txt");
    sid_buf_free(&bytes);
    return err;
}

static enum sid_err
take_folder(struct reading *r, const char *name) {
    int depth = 1;
    for (const char *at = name; *at != '\0'; at++)
        depth += *at == '/';
    if (depth > DEPTH_MAX || r->folders == FOLDERS_MAX)
        return refuse(r, name, "folders are nested too deep, or too many");
    return sid_text_copy(r->todo[r->folders++], SID_PAGE_PATH_SIZE, name);
}

/* name: below the root. */
static enum sid_err
take_entry(struct reading *r, const char *name) {
    struct stat info;
    int fd = openat(r->root_fd, name,
                    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return io_failed(r, name);
    enum sid_err err;
    if (fstat(fd, &info) != 0)
        err = io_failed(r, name);
    else if (S_ISDIR(info.st_mode))
        err = take_folder(r, name);
    else if (S_ISREG(info.st_mode))
        err = take_file(r, fd, name);
    else
        err = refuse(r, name, "neither a file nor a folder");
    close(fd);
    return err;
}

/* What is in the folder of that name ("" is the root). Names that begin with a
 * dot are left out. */
static enum sid_err
take_entries(struct reading *r, DIR *folder, const char *name) {
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (entry == NULL)
            return errno == 0 ? SID_OK : io_failed(r, name);
        if (entry->d_name[0] == '.')
            continue;
        char path[SID_PAGE_PATH_SIZE];
        int n = snprintf(path, sizeof path, "%s%s%s", name,
                         name[0] == '\0' ? "" : "/", entry->d_name);
        if (n <= 0 || (size_t)n >= sizeof path)
            return refuse(r, entry->d_name, "the path is too long");
        if (!name_clean(entry->d_name))
            return refuse(r, path, "not a name that can be asked for");
        enum sid_err err = take_entry(r, path);
        if (err != SID_OK)
            return err;
    }
}

static enum sid_err
read_folder(struct reading *r, const char *name) {
    int fd = openat(r->root_fd, name[0] == '\0' ? "." : name,
                    O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL) {
        enum sid_err err = io_failed(r, name);
        if (fd >= 0)
            close(fd);
        return err;
    }
    enum sid_err err = take_entries(r, folder, name);
    (void)closedir(folder);
    return err;
}

enum sid_err
page_folder_read(const char *path, struct sid_page_set *set,
                 struct sid_config_problem *problem) {
    struct reading r = {.root = path, .set = set, .problem = problem};
    r.root_fd = open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (r.root_fd < 0)
        return io_failed(&r, "");
    enum sid_err err = read_folder(&r, "");
    while (err == SID_OK && r.folders > 0) {
        char name[SID_PAGE_PATH_SIZE];
        memcpy(name, r.todo[--r.folders], sizeof name);
        err = read_folder(&r, name);
    }
    close(r.root_fd);
    return err;
}
