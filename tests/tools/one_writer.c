/* one_writer.c: a library to preload: notes in the file named by ONE_WRITER who
 * opens a database and how, who moves its log, and who writes into its file: a
 * line of thread and act each. Test tool; any thread; owns nothing. */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
note(const char *act) {
    const char *path = getenv("ONE_WRITER");
    char name[16] = "?", line[64];

    if (path == NULL)
        return;
    (void)pthread_getname_np(pthread_self(), name, sizeof name);
    int len = snprintf(line, sizeof line, "%s %s\n", name, act);
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0 || write(fd, line, (size_t)len) != len)
        abort();
    close(fd);
}

static void
find(const char *name, void *function, size_t size) {
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(function, &found, size); /* ISO C has no such cast */
}

int
sqlite3_open(const char *path, sqlite3 **out) {
    int (*real)(const char *, sqlite3 **);

    note("opens_to_write");
    find("sqlite3_open", &real, sizeof real);
    return real(path, out);
}

int
sqlite3_open_v2(const char *path, sqlite3 **out, int flags, const char *vfs) {
    int (*real)(const char *, sqlite3 **, int, const char *);

    note((flags & SQLITE_OPEN_READWRITE) != 0 ? "opens_to_write"
                                              : "opens_to_read");
    find("sqlite3_open_v2", &real, sizeof real);
    return real(path, out, flags, vfs);
}

int
sqlite3_wal_checkpoint_v2(sqlite3 *db, const char *name, int mode, int *log,
                          int *moved) {
    int (*real)(sqlite3 *, const char *, int, int *, int *);

    note("checkpoints");
    find("sqlite3_wal_checkpoint_v2", &real, sizeof real);
    return real(db, name, mode, log, moved);
}

ssize_t
pwrite64(int fd, const void *data, size_t len, off64_t at) {
    ssize_t (*real)(int, const void *, size_t, off64_t);
    char link[32], path[512] = "";

    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n > 3 && strcmp(path + n - 3, ".db") == 0)
        note("writes");
    find("pwrite64", &real, sizeof real);
    return real(fd, data, len, at);
}
