/* backup.c: smartidctl backup: a copy of the database and its photos, also
 * while the daemon runs (see backup.h for why that is whole).
 *
 * It is made in a folder of another name, which gets its own at the end, when
 * all is on disk: what has the name is whole. Photos come first, right behind
 * the beginning of the transaction that everything is read in: the daemon
 * removes the file of a photo as soon as its person is decided. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit.h"
#include "manifest.h"
#include "smartid/backup.h"
#include "smartid/blobs.h"
#include "smartid/clock.h"
#include "smartid/master.h"
#include "smartid/url.h"

struct backup {
    const struct sid_config *config;
    const char *to;
    char partial[PATH_MAX];
    int folder;       /* holds partial; owned */
    json_t *manifest; /* owned */
    int64_t photos, gone;
};

static int
usage(FILE *to, int status) {
    (void)fputs(
        "usage: smartidctl [-c FILE] backup --to FOLDER\n"
        "\n"
        "Copies database and photos into a new folder, also while the daemon "
        "runs: all\nthat was acknowledged before the copy began is in it. Not "
        "in it: the master key,\nwithout which it cannot be read (its "
        "fingerprint is), settings and purposes.\nA database on a server is "
        "copied by the server's own tools: see README, \"Growing\".\n",
        to);
    return status;
}

/* ---- parts --------------------------------------------------------------- */

/* A photo that goes is overwritten with zeros from its beginning, then removed:
 * one that still begins as it did was whole until now. */
static bool
is_untouched(const char *path) {
    char first = '\0';
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool untouched = read(fd, &first, 1) == 1 && first != '\0';
    close(fd);
    return untouched;
}

static enum sid_err
copy_photo(const char *name, void *ctx) {
    struct backup *me = ctx;
    char from[PATH_MAX], to[PATH_MAX], part[128];
    uint8_t sha[SID_SHA256_BYTES];
    int64_t bytes = 0;
    (void)snprintf(from, sizeof from, "%s%s/%s", me->config->database,
                   SID_BLOBS_SUFFIX, name);
    (void)snprintf(part, sizeof part, "%s/%s", SID_BACKUP_PHOTOS, name);
    (void)snprintf(to, sizeof to, "%.*s/%s", PATH_MAX / 2, me->partial, part);
    enum sid_err err = sid_copy_file(from, to, sha, &bytes);
    if (err == SID_OK && !is_untouched(from)) {
        (void)unlink(to);
        err = SID_E_NOT_FOUND;
    }
    if (err == SID_E_NOT_FOUND) {
        me->gone++;
        return SID_OK;
    }
    me->photos++;
    return err == SID_OK ? sid_manifest_add_part(me->manifest, part, bytes, sha)
                         : err;
}

static enum sid_err
copy_database(struct backup *me, struct sid_store *store) {
    char path[PATH_MAX];
    uint8_t sha[SID_SHA256_BYTES];
    int64_t bytes = 0;
    (void)snprintf(path, sizeof path, "%.*s/%s", PATH_MAX / 2, me->partial,
                   SID_BACKUP_DATABASE);
    enum sid_err err = sid_backup_copy(store, path);
    if (err == SID_OK)
        err = sid_copy_file(path, NULL, sha, &bytes);
    return err == SID_OK ? sid_manifest_add_part(
                               me->manifest, SID_BACKUP_DATABASE, bytes, sha)
                         : err;
}

/* ---- what is said of it -------------------------------------------------- */

static enum sid_err
note_count(const char *table, int64_t rows, void *ctx) {
    return json_object_set_new(ctx, table, json_integer(rows)) == 0
               ? SID_OK
               : SID_E_NO_MEMORY;
}

static enum sid_err
note_head(struct backup *me, struct sid_store *store,
          const struct sid_keyring *keys) {
    char line[SID_HEAD_TEXT_SIZE];
    struct sid_audit_head head = {.at_s = sid_now_s()};
    enum sid_err err = sid_backup_head(store, &head.seq, head.mac);
    if (err == SID_OK)
        err = sid_head_sign(sid_keyring_head(keys), &head);
    if (err != SID_OK)
        return err;
    sid_head_print(&head, line);
    return json_object_set_new(me->manifest, "head", json_string(line)) == 0
               ? SID_OK
               : SID_E_NO_MEMORY;
}

static enum sid_err
note_state(struct backup *me, struct sid_store *store) {
    char made_at[SID_TIME_TEXT_SIZE];
    char fingerprint[SID_FINGERPRINT_SIZE];
    struct sid_master *master = NULL;
    json_t *rows = json_object();
    enum sid_err err = sid_master_load(me->config->master_key_file, &master);
    if (err == SID_OK) {
        sid_master_fingerprint(master, fingerprint);
        sid_time_text(sid_now_s(), made_at);
        err = sid_backup_counts(store, note_count, rows);
    }
    sid_master_free(&master);
    json_t *more =
        err != SID_OK
            ? NULL
            : json_pack("{s:s, s:s, s:s, s:I, s:O}", "made_at", made_at,
                        "program", SID_VERSION, "master_key", fingerprint,
                        "photos_gone", (json_int_t)me->gone, "rows", rows);
    if (err == SID_OK && json_object_update(me->manifest, more) != 0)
        err = SID_E_NO_MEMORY;
    json_decref(more);
    json_decref(rows);
    return err;
}

/* ---- the backup ---------------------------------------------------------- */

static enum sid_err
fill(struct backup *me, struct sid_ctl_store *open) {
    enum sid_err err = sid_store_begin_read(open->store);
    if (err != SID_OK)
        return err;
    err = note_head(me, open->store, open->keys); /* the first read */
    if (err == SID_OK)
        err = sid_backup_photos(open->store, copy_photo, me);
    if (err == SID_OK)
        err = copy_database(me, open->store);
    if (err == SID_OK)
        err = note_state(me, open->store);
    sid_store_rollback(open->store);
    return err;
}

static enum sid_err
make_folders(struct backup *me) {
    char photos[PATH_MAX];
    (void)snprintf(photos, sizeof photos, "%.*s/%s", PATH_MAX / 2, me->partial,
                   SID_BACKUP_PHOTOS);
    enum sid_err err = sid_take_folder(me->partial, &me->folder);
    if (err == SID_E_LOCKED)
        (void)fprintf(stderr, "smartidctl: %s: another backup is being made\n",
                      me->partial);
    if (err == SID_OK && mkdir(photos, 0700) != 0) {
        (void)fprintf(stderr, "smartidctl: %s: %s\n", photos, strerror(errno));
        err = SID_E_IO;
    }
    return err;
}

/* From here on it has its name. */
static enum sid_err
settle(const struct backup *me) {
    char photos[PATH_MAX], folder[PATH_MAX];
    (void)snprintf(photos, sizeof photos, "%.*s/%s", PATH_MAX / 2, me->partial,
                   SID_BACKUP_PHOTOS);
    (void)snprintf(folder, sizeof folder, "%s", me->to);
    enum sid_err err = sid_sync_folder(photos);
    if (err == SID_OK)
        err = sid_manifest_write(me->manifest, me->partial);
    if (err == SID_OK)
        err = sid_sync_folder(me->partial);
    if (err == SID_OK)
        err = sid_give_name(me->partial, me->to);
    return err == SID_OK ? sid_sync_folder(dirname(folder)) : err;
}

static int
run(struct backup *me) {
    struct sid_ctl_store open = {0};
    int64_t began_us = sid_mono_us();
    int status = sid_ctl_open_readonly(me->config, &open);
    if (status != 0)
        return status;
    me->manifest = sid_manifest_new();
    enum sid_err err = me->manifest == NULL ? SID_E_NO_MEMORY : SID_OK;
    if (err == SID_OK)
        err = make_folders(me);
    if (err == SID_OK)
        err = fill(me, &open);
    if (err == SID_OK)
        err = settle(me);
    sid_ctl_close(&open);
    if (err != SID_OK)
        return sid_ctl_print_error(err);
    (void)printf("backup      %s\nphotos      %" PRId64 " files, %" PRId64
                 " gone while it was made\nmaster key  %s: not in it\ntook    "
                 "    %.1f s\n",
                 me->to, me->photos, me->gone,
                 json_string_value(json_object_get(me->manifest, "master_key")),
                 (double)(sid_mono_us() - began_us) / 1e6);
    return SID_CTL_OK;
}

int
sid_ctl_backup(const char *config_path, int argc, char **argv) {
    struct sid_config config;
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout, SID_CTL_OK);
    if (argc != 3 || strcmp(argv[1], "--to") != 0 || argv[2][0] == '\0' ||
        strlen(argv[2]) > PATH_MAX / 4 || argv[2][strlen(argv[2]) - 1] == '/')
        return usage(stderr, SID_CTL_USAGE);
    int status = sid_ctl_load_config(config_path, &config);
    if (status != 0)
        return status;
    if (sid_url_is_server(config.database)) {
        (void)fputs("smartidctl: the database is on a server, which makes its "
                    "backups itself:\npg_basebackup or pgBackRest, see README, "
                    "\"Growing\"; smartidctl restore --verify\nlooks at a "
                    "server that was restored\n",
                    stderr);
        return SID_CTL_FAILED;
    }
    if (access(argv[2], F_OK) == 0) {
        (void)fprintf(stderr,
                      "smartidctl: %s: exists already: name a new folder\n",
                      argv[2]);
        return SID_CTL_FAILED;
    }
    struct backup me = {.config = &config, .to = argv[2], .folder = -1};
    (void)snprintf(me.partial, sizeof me.partial, "%s.partial", argv[2]);
    status = run(&me);
    json_decref(me.manifest);
    if (me.folder >= 0)
        close(me.folder);
    return status;
}
