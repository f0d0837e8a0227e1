/* restore.c: smartidctl restore: a backup becomes the database of a daemon that
 * does not run; or is only looked at, or the database itself is.
 *
 * What is copied is hashed on the way and then judged as a database: its pages,
 * the rows it should have, the audit log up to the head that the backup was
 * made at, a sample of what is sealed. It gets its name at the end. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manifest.h"
#include "migrate.h"
#include "smartid/backup.h"
#include "smartid/blobs.h"
#include "smartid/clock.h"
#include "smartid/master.h"
#include "smartid/url.h"

/* Room for what stands behind the database's name. */
#define TAIL 32
#define BESIDE (SID_PATH_SIZE + TAIL)

struct restore {
    struct sid_config config;
    const char *from, *database;
    bool verify;
    char partial[BESIDE], photos[BESIDE], partial_photos[BESIDE];
    json_t *manifest; /* owned */
};

static int
usage(FILE *to, int status) {
    (void)fputs(
        "usage: smartidctl [-c FILE] restore --from FOLDER [--database PATH]\n"
        "       smartidctl [-c FILE] restore --verify --from FOLDER\n"
        "       smartidctl [-c FILE] restore --verify [--database PLACE]\n"
        "\n"
        "Makes a backup the database of the settings, or the file PATH, while "
        "no daemon\nruns. Nothing that exists is overwritten. With --verify "
        "nothing is put in place:\nthe backup is checked in the same way "
        "beside where it lies, or a database itself\nis, on a server, too.\n",
        to);
    return status;
}

static int
say(const char *what, const char *why) {
    (void)fprintf(stderr, "smartidctl: %s: %s\n", what, why);
    return SID_CTL_FAILED;
}

/* ---- rows ---------------------------------------------------------------- */

struct counts {
    const json_t *expected; /* NULL: of a database without a backup */
    bool differ;
};

static enum sid_err
check_count(const char *table, int64_t rows, void *ctx) {
    struct counts *counts = ctx;
    const json_t *expected = json_object_get(counts->expected, table);
    if (counts->expected == NULL && rows > 0)
        (void)printf("%-15s %10" PRId64 " rows\n", table, rows);
    if (expected != NULL && json_integer_value(expected) != rows) {
        (void)fprintf(
            stderr, "smartidctl: %s: %" PRId64 " rows instead of %" PRId64 "\n",
            table, rows, (int64_t)json_integer_value(expected));
        counts->differ = true;
    }
    return SID_OK;
}

static int
check_counts(struct sid_store *store, const json_t *manifest) {
    struct counts counts = {json_object_get(manifest, "rows"), false};
    enum sid_err err = sid_backup_counts(store, check_count, &counts);
    if (err != SID_OK)
        return say("rows", sid_err_text(err));
    return counts.differ ? SID_CTL_FAILED : 0;
}

/* ---- the copy ------------------------------------------------------------ */

/* A name of the backup in the copy. */
static void
place_part(const struct restore *me, const char *name, char out[PATH_MAX]) {
    const char *photo = strchr(name, '/');
    (void)snprintf(out, PATH_MAX, "%s%s",
                   photo == NULL ? me->partial : me->partial_photos,
                   photo == NULL ? "" : photo);
}

static int
copy_part(const struct restore *me, const char *name, int64_t bytes,
          const uint8_t sha[SID_SHA256_BYTES]) {
    char from[PATH_MAX], to[PATH_MAX];
    uint8_t found[SID_SHA256_BYTES];
    int64_t count = 0;
    (void)snprintf(from, sizeof from, "%.*s/%s", PATH_MAX / 2, me->from, name);
    place_part(me, name, to);
    enum sid_err err = sid_copy_file(from, to, found, &count);
    if (err == SID_E_NOT_FOUND)
        return say(name, "is not in the backup any more");
    if (err != SID_OK)
        return say(name, sid_err_text(err));
    if (count != bytes || memcmp(found, sha, sizeof found) != 0)
        return say(name, "is not what the backup says it was");
    return 0;
}

static int
copy_parts(const struct restore *me) {
    const char *name = "";
    int64_t bytes = 0;
    uint8_t sha[SID_SHA256_BYTES];
    enum sid_err err = SID_OK;
    bool database = false;
    int status = 0;
    for (size_t i = 0; status == 0 && sid_manifest_part(me->manifest, i, &name,
                                                        &bytes, sha, &err);
         i++) {
        if (err != SID_OK)
            return say(SID_MANIFEST_NAME, "is not what backup writes");
        database = database || strcmp(name, SID_BACKUP_DATABASE) == 0;
        status = copy_part(me, name, bytes, sha);
    }
    if (status == 0 && !database)
        return say(SID_MANIFEST_NAME, "names no database");
    return status;
}

/* Opened as a daemon would, which brings an older schema up to date. */
static int
check_copy(const struct restore *me) {
    struct sid_ctl_store open = {0};
    struct sid_config config = me->config;
    const char *head = json_string_value(json_object_get(me->manifest, "head"));
    (void)snprintf(config.database, sizeof config.database, "%.*s",
                   SID_PATH_SIZE - 1, me->partial);
    int status = sid_ctl_open(&config, &open);
    if (status != 0)
        return status;
    if (sid_backup_check(open.store) != SID_OK)
        status = say("database", "its pages are damaged");
    if (status == 0)
        status = check_counts(open.store, me->manifest);
    if (status == 0)
        status = sid_check_copy(open.store, NULL, open.keys, head);
    sid_ctl_close(&open);
    return status;
}

static enum sid_err
remove_files(const struct restore *me) {
    char path[BESIDE + TAIL];
    static const char *const tails[] = {"", "-wal", "-shm", ".lock"};
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        (void)snprintf(path, sizeof path, "%s%s", me->partial, tails[i]);
        if (unlink(path) != 0 && errno != ENOENT) {
            (void)say(path, strerror(errno));
            return SID_E_IO;
        }
    }
    return SID_OK;
}

static enum sid_err
remove_copy(const struct restore *me) {
    enum sid_err err = remove_files(me);
    return err == SID_OK ? sid_remove_folder(me->partial_photos) : err;
}

static enum sid_err
put_in_place(const struct restore *me) {
    char lock[BESIDE + TAIL], folder[SID_PATH_SIZE];
    (void)snprintf(lock, sizeof lock, "%s.lock", me->partial);
    (void)snprintf(folder, sizeof folder, "%s", me->database);
    char wal[BESIDE + TAIL];
    struct stat st;
    (void)snprintf(wal, sizeof wal, "%s-wal", me->partial);
    if (stat(wal, &st) == 0 && st.st_size > 0) {
        (void)say(wal, "could not be moved into the database");
        return SID_E_IO;
    }
    enum sid_err err = sid_sync_folder(me->partial_photos);
    if (err == SID_OK)
        err = sid_give_name(me->partial_photos, me->photos);
    if (err != SID_OK)
        return err;
    err = sid_give_name(me->partial, me->database);
    if (err != SID_OK) /* alone they would be in the way of the next one */
        return rename(me->photos, me->partial_photos) == 0 ? err : SID_E_IO;
    (void)unlink(lock);
    return sid_sync_folder(dirname(folder));
}

/* ---- before it ----------------------------------------------------------- */

/* A daemon whose files were taken away under it still has the lock. */
static int
check_place(const struct restore *me) {
    char path[BESIDE];
    static const char *const tails[] = {"", "-wal", SID_BLOBS_SUFFIX};
    (void)snprintf(path, sizeof path, "%s.lock", me->database);
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool free_place = fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (fd >= 0)
        close(fd);
    if (!free_place)
        return say(me->database, "a daemon runs on it: stop that first");
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        (void)snprintf(path, sizeof path, "%s%s", me->database, tails[i]);
        if (access(path, F_OK) == 0)
            return say(path, "is there already: put it aside; nothing was "
                             "changed");
    }
    return 0;
}

static int
check_master_key(const struct restore *me) {
    char found[SID_FINGERPRINT_SIZE] = "";
    struct sid_master *master = NULL;
    const char *needed =
        json_string_value(json_object_get(me->manifest, "master_key"));
    enum sid_err err = sid_master_load(me->config.master_key_file, &master);
    if (err != SID_OK)
        return say(me->config.master_key_file, sid_err_text(err));
    sid_master_fingerprint(master, found);
    sid_master_free(&master);
    if (needed != NULL && strcmp(needed, found) == 0)
        return 0;
    (void)fprintf(stderr,
                  "smartidctl: the backup was made under the master key %s; "
                  "that of the settings is %s\n",
                  needed == NULL ? "?" : needed, found);
    return SID_CTL_FAILED;
}

static int
restore(struct restore *me) {
    enum sid_err err = sid_manifest_read(me->from, &me->manifest);
    if (err == SID_E_NOT_FOUND)
        return say(me->from, access(me->from, F_OK) != 0
                                 ? "there is no such folder"
                                 : "is no backup, or one that was broken off");
    if (err == SID_E_IO)
        return SID_CTL_FAILED;
    if (err != SID_OK)
        return say(SID_MANIFEST_NAME, "is not what backup writes");
    int status = check_master_key(me);
    if (status == 0 && !me->verify)
        status = sid_ctl_check_folder(me->database);
    if (status == 0 && !me->verify)
        status = check_place(me);
    if (status != 0)
        return status;
    int folder = -1;
    err = sid_take_folder(me->partial_photos, &folder);
    if (err == SID_E_LOCKED)
        return say(me->partial_photos, "another restore is at work there");
    if (err == SID_OK)
        err = remove_files(me);
    if (err != SID_OK)
        return SID_CTL_FAILED;
    status = copy_parts(me);
    if (status == 0)
        status = check_copy(me);
    if (status == 0 && !me->verify && put_in_place(me) != SID_OK)
        status = SID_CTL_FAILED;
    if ((status != 0 || me->verify) && remove_copy(me) != SID_OK)
        status = SID_CTL_FAILED;
    close(folder);
    return status;
}

/* ---- looking at a database ----------------------------------------------- */

static int
look(struct restore *me) {
    struct sid_ctl_store open = {0};
    if (strlen(me->database) >= sizeof me->config.database)
        return say("--database", "is too long");
    if (sid_url_has_password(me->database)) /* what cannot be used is named */
        return say("--database", "has a password, which anybody can see here: "
                                 "put it into a file and name that with "
                                 "passfile=");
    (void)snprintf(me->config.database, sizeof me->config.database, "%s",
                   me->database);
    int status = sid_url_is_server(me->config.database)
                     ? sid_ctl_open_readonly(&me->config, &open)
                     : sid_ctl_open(&me->config, &open);
    if (status != 0)
        return status;
    if (!sid_url_is_server(me->config.database) &&
        sid_backup_check(open.store) != SID_OK)
        status = say("database", "its pages are damaged");
    if (status == 0)
        status = check_counts(open.store, NULL);
    if (status == 0)
        status = sid_check_copy(open.store, NULL, open.keys, NULL);
    sid_ctl_close(&open);
    return status;
}

static bool
parse(int argc, char **argv, struct restore *me) {
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--verify") == 0) {
            me->verify = true;
            continue;
        }
        if (value[0] == '\0')
            return false;
        if (strcmp(argv[i], "--from") == 0)
            me->from = value;
        else if (strcmp(argv[i], "--database") == 0)
            me->database = value;
        else
            return false;
        i++;
    }
    return (me->from != NULL || me->verify) &&
           !(me->from != NULL && me->verify && me->database != NULL);
}

static bool
name_files(struct restore *me) {
    const char *beside = me->verify ? me->from : me->database;
    const char *what = me->verify ? "-verify" : "";
    if (me->from == NULL)
        return true;
    int len =
        snprintf(me->partial, sizeof me->partial, "%s%s.partial", beside, what);
    (void)snprintf(me->partial_photos, sizeof me->partial_photos,
                   "%s%s.partial%s", beside, what, SID_BLOBS_SUFFIX);
    (void)snprintf(me->photos, sizeof me->photos, "%s%s", me->database,
                   SID_BLOBS_SUFFIX);
    return len < SID_PATH_SIZE;
}

int
sid_ctl_restore(const char *config_path, int argc, char **argv) {
    struct restore me = {.verify = false};
    char configured[SID_PATH_SIZE];
    int64_t began_us = sid_mono_us();
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout, SID_CTL_OK);
    if (!parse(argc, argv, &me))
        return usage(stderr, SID_CTL_USAGE);
    int status = sid_ctl_load_config(config_path, &me.config);
    if (status != 0)
        return status;
    (void)snprintf(configured, sizeof configured, "%s", me.config.database);
    if (me.database == NULL)
        me.database = configured;
    if (!me.verify && sid_url_is_server(me.database))
        return say("--database", "a server is restored by its own tools");
    if (!name_files(&me))
        return say(me.from, "the path is too long");
    status = me.from != NULL ? restore(&me) : look(&me);
    if (status == 0)
        (void)printf("%s %s, in %.1f s\n", me.verify ? "verified" : "restored",
                     me.verify && me.from != NULL ? me.from : "the database",
                     (double)(sid_mono_us() - began_us) / 1e6);
    json_decref(me.manifest);
    return status;
}
