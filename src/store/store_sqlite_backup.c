/* store_sqlite_backup.c: the file side of backup.h: a copy of all pages, and
 * whether they are whole. Run by the thread that owns the store; owns the
 * connection to the copy while it is made. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "file_error.h"
#include "store_sqlite.h"

/* SQLite would make it with the umask's mode. */
static enum sid_err
make_file(const char *path) {
    int fd =
        open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return errno == EEXIST ? SID_E_EXISTS : sid_file_error("backup");
    close(fd);
    return SID_OK;
}

static int
copy_pages(sqlite3 *to, sqlite3 *from) {
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");

    if (backup == NULL)
        return sqlite3_errcode(to);
    int rc = sqlite3_backup_step(backup, -1);
    int ended = sqlite3_backup_finish(backup);
    if (rc == SQLITE_DONE)
        rc = ended;
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

enum sid_err
sid_sq_copy(struct sid_sqlite *sq, const char *path) {
    sqlite3 *to = NULL;
    enum sid_err err = make_file(path);

    if (err != SID_OK)
        return err;
    int rc = sqlite3_open_v2(path, &to,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW |
                                 SQLITE_OPEN_EXRESCODE,
                             NULL);
    /* Nobody reads it before it is whole: no journal, one sync at the end. */
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(to, "PRAGMA journal_mode=OFF", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = copy_pages(to, sq->db);
    if (rc != SQLITE_OK)
        err = sid_sq_error(sq, rc, "backup");
    if (sqlite3_close(to) != SQLITE_OK && err == SID_OK)
        err = SID_E_STORE;
    return err;
}

enum sid_err
sid_sq_check(struct sid_sqlite *sq) {
    sqlite3_stmt *stmt = NULL;
    const char *text = NULL;
    int rc = sqlite3_prepare_v2(sq->db, "PRAGMA integrity_check(1)", -1, &stmt,
                                NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    enum sid_err err =
        rc == SQLITE_ROW ? SID_OK : sid_sq_error(sq, rc, "check");
    if (err == SID_OK)
        text = (const char *)sqlite3_column_text(stmt, 0);
    if (err == SID_OK && (text == NULL || strcmp(text, "ok") != 0))
        err = SID_E_STORE;
    sqlite3_finalize(stmt);
    return err;
}
