/* io_fails.c: see io_fails.h. The linker puts these wrappers in the program's
 * way (FAIL_IO in the Makefile), beside those of tests/fuzz/fail.c, with which
 * they are counted. One thread. */
#include "io_fails.h"

#include <dirent.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../fuzz/fuzz.h"

/* The linker's names. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
/* ---- files --------------------------------------------------------------- */

/* Set by a read that failed, until it is asked for. */
static bool read_error;

bool io_output_lost;

static void
lose(const FILE *file) {
    io_output_lost = io_output_lost || file == stdout;
    errno = ENOSPC;
}

/* As it is declared. */
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, mode_t mode);
int
__wrap_open(const char *path, int flags, mode_t mode) {
    errno = EMFILE;
    return fuzz_fails() ? -1 : __real_open(path, flags, mode);
}
FUZZ_WRAP(FILE *, (errno = EMFILE, NULL), fopen,
          (const char *path, const char *how), (path, how))
FUZZ_WRAP(FILE *, (errno = ENOMEM, NULL), fdopen, (int fd, const char *how),
          (fd, how))
FUZZ_WRAP(DIR *, (errno = EMFILE, NULL), opendir, (const char *path), (path))
FUZZ_WRAP(struct dirent *, (errno = EIO, NULL), readdir, (DIR * dir), (dir))
FUZZ_WRAP(ssize_t, (read_error = true, -1), getline,
          (char **line, size_t *room, FILE *file), (line, room, file))
FUZZ_WRAP(char *, (read_error = true, NULL), fgets,
          (char *text, int size, FILE *file), (text, size, file))
FUZZ_WRAP(size_t, (lose(file), (size_t)0), fwrite,
          (const void *data, size_t size, size_t count, FILE *file),
          (data, size, count, file))
FUZZ_WRAP(int, (lose(file), EOF), fflush, (FILE * file), (file))
FUZZ_WRAP(int, (errno = EIO, -1), fsync, (int fd), (fd))
FUZZ_WRAP(int, (errno = EIO, -1), ftruncate, (int fd, off_t len), (fd, len))
FUZZ_WRAP(int, (errno = EWOULDBLOCK, -1), flock, (int fd, int how), (fd, how))
FUZZ_WRAP(int, (errno = EIO, -1), rename, (const char *from, const char *to),
          (from, to))

int __real_ferror(FILE *file);
int __wrap_ferror(FILE *file);
int
__wrap_ferror(FILE *file) {
    bool failed = read_error;
    read_error = false;
    return failed ? 1 : __real_ferror(file);
}

/* ---- what fails only when it is asked for -------------------------------- */

bool io_deep;

#define DEEP_WRAP(type, none, name, params, args)                              \
    extern __typeof__(name) __real_##name;                                     \
    type __wrap_##name params;                                                 \
    type __wrap_##name params {                                                \
        return io_deep && fuzz_fails() ? (none) : __real_##name args;          \
    }
DEEP_WRAP(ssize_t, (errno = EIO, -1), read, (int fd, void *to, size_t len),
          (fd, to, len))
DEEP_WRAP(ssize_t, (errno = ENOSPC, -1), write,
          (int fd, const void *from, size_t len), (fd, from, len))
DEEP_WRAP(int, (errno = ENOSPC, -1), mkdir, (const char *path, mode_t mode),
          (path, mode))
DEEP_WRAP(int, SQLITE_NOMEM, sqlite3_prepare_v2,
          (sqlite3 * db, const char *sql, int len, sqlite3_stmt **out,
           const char **tail),
          (db, sql, len, out, tail))
DEEP_WRAP(int, SQLITE_NOMEM, sqlite3_prepare_v3,
          (sqlite3 * db, const char *sql, int len, unsigned how,
           sqlite3_stmt **out, const char **tail),
          (db, sql, len, how, out, tail))
DEEP_WRAP(int, SQLITE_FULL, sqlite3_step, (sqlite3_stmt * stmt), (stmt))
DEEP_WRAP(int, SQLITE_FULL, sqlite3_exec,
          (sqlite3 * db, const char *sql,
           int (*each)(void *, int, char **, char **), void *ctx, char **why),
          (db, sql, each, ctx, why))
DEEP_WRAP(sqlite3_backup *, NULL, sqlite3_backup_init,
          (sqlite3 * to, const char *to_name, sqlite3 *from,
           const char *from_name),
          (to, to_name, from, from_name))
DEEP_WRAP(int, SQLITE_FULL, sqlite3_backup_step,
          (sqlite3_backup * backup, int pages), (backup, pages))

/* ---- the daemon's control socket ----------------------------------------- */

struct io_daemon io_daemon;

enum sid_err __real_sid_ctl_control(const struct sid_config *config,
                                    const char *method, const char *path,
                                    const char *body, char **answer,
                                    long *status);
enum sid_err __wrap_sid_ctl_control(const struct sid_config *config,
                                    const char *method, const char *path,
                                    const char *body, char **answer,
                                    long *status);
enum sid_err
__wrap_sid_ctl_control(const struct sid_config *config, const char *method,
                       const char *path, const char *body, char **answer,
                       long *status) {
    if (fuzz_fails())
        return SID_E_IO;
    if (io_daemon.answer[0] == NULL)
        return __real_sid_ctl_control(config, method, path, body, answer,
                                      status);
    (void)snprintf(io_daemon.asked, sizeof io_daemon.asked, "%s %s %s", method,
                   path, body);
    bool again = io_daemon.times++ > 0 && io_daemon.answer[1] != NULL;
    *answer = strdup(io_daemon.answer[again]);
    *status = io_daemon.status;
    return *answer == NULL ? SID_E_NO_MEMORY : SID_OK;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
