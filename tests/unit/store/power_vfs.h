/* power_vfs.h: a disk whose power is cut: what is left of the database and its
 * log at any point of what was done.
 *
 * While power_on is set, every create, write, truncate, sync and delete of both
 * files is recorded, and the answers the clients got in between. A disk is then
 * played forward from that record as far as wanted; a cut leaves of each file
 * what was synced, and of each sector of 512 bytes that was not, by chance, the
 * new, the old, or the beginning of the new before the rest of the old. A file
 * made or deleted since its folder was last synced is there or not, by chance
 * too. Syncs never reach the real disk. One thread at a time. */
#ifndef SID_POWER_VFS_H
#define SID_POWER_VFS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "pass_vfs.h"

#define POWER_SECTOR_BYTES 512

enum power_act {
    POWER_CREATE,
    POWER_WRITE,
    POWER_TRUNCATE,
    POWER_SYNC,
    POWER_DELETE,
    POWER_TOLD, /* a client has got its answer; at: which */
};

struct power_event {
    enum power_act act;
    enum pass_kind kind;
    size_t at; /* offset or size in the file; POWER_DELETE: folder synced */
    size_t n;
    size_t data; /* where its bytes begin in power_data */
};

static bool power_on;
static struct power_event *power_events;
static size_t power_count, power_room;
static uint8_t *power_data;
static size_t power_bytes, power_data_room;
/* The connection that was opened last. */
static sqlite3 *power_db;

static void
power_grow(void **block, size_t *room, size_t needed, size_t each) {
    if (needed <= *room)
        return;
    size_t next = *room * 2 > needed ? *room * 2 : needed + 1024;
    void *fresh = realloc(*block, next * each);
    if (fresh == NULL)
        abort();
    *block = fresh;
    *room = next;
}

static void
power_note(enum power_act act, enum pass_kind kind, size_t at, const void *data,
           size_t n) {
    if (!power_on || kind == PASS_OTHER)
        return;
    void *events = power_events;
    power_grow(&events, &power_room, power_count + 1, sizeof *power_events);
    power_events = events;
    void *bytes = power_data;
    power_grow(&bytes, &power_data_room, power_bytes + n, 1);
    power_data = bytes;
    power_events[power_count++] = (struct power_event){
        .act = act, .kind = kind, .at = at, .n = n, .data = power_bytes};
    if (n > 0)
        memcpy(power_data + power_bytes, data, n);
    power_bytes += n;
}

static void
power_forget(void) {
    power_count = power_bytes = 0;
}

static void
power_free(void) {
    free(power_events);
    free(power_data);
    power_events = NULL;
    power_data = NULL;
    power_count = power_bytes = power_room = power_data_room = 0;
}

/* ---- the VFS ----------------------------------------------------------- */

static int
power_write(sqlite3_file *file, const void *in, int n, sqlite3_int64 at) {
    int rc = pass_write(file, in, n, at);

    if (rc == SQLITE_OK)
        power_note(POWER_WRITE, pass_of(file)->kind, (size_t)at, in, (size_t)n);
    return rc;
}

static int
power_truncate(sqlite3_file *file, sqlite3_int64 size) {
    int rc = pass_truncate(file, size);

    if (rc == SQLITE_OK)
        power_note(POWER_TRUNCATE, pass_of(file)->kind, (size_t)size, NULL, 0);
    return rc;
}

static int
power_sync(sqlite3_file *file, int flags) {
    (void)flags;
    power_note(POWER_SYNC, pass_of(file)->kind, 0, NULL, 0);
    return SQLITE_OK;
}

static bool
power_ends_with(const char *name, const char *end) {
    size_t n = strlen(name), m = strlen(end);

    return n >= m && strcmp(name + n - m, end) == 0;
}

static int
power_delete(sqlite3_vfs *vfs, const char *name, int sync_folder) {
    int rc = pass_real_vfs()->xDelete(pass_real_vfs(), name, 0);

    (void)vfs;
    if (rc == SQLITE_OK && power_ends_with(name, "-wal"))
        power_note(POWER_DELETE, PASS_WAL, sync_folder != 0, NULL, 0);
    return rc;
}

static int
power_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
           int *out_flags) {
    int there = 1;

    if ((flags & SQLITE_OPEN_WAL) != 0)
        (void)pass_real_vfs()->xAccess(pass_real_vfs(), name,
                                       SQLITE_ACCESS_EXISTS, &there);
    int rc = pass_open(vfs, name, file, flags, out_flags);
    if (rc == SQLITE_OK && there == 0)
        power_note(POWER_CREATE, PASS_WAL, 0, NULL, 0);
    return rc;
}

static int
power_remember(sqlite3 *db, char **error,
               const struct sqlite3_api_routines *api) {
    (void)error;
    (void)api;
    power_db = db;
    return SQLITE_OK;
}

static void
power_install(void) {
    pass_install();
    pass_methods.xWrite = power_write;
    pass_methods.xTruncate = power_truncate;
    pass_methods.xSync = power_sync;
    pass_vfs.xDelete = power_delete;
    pass_vfs.xOpen = power_open;
    sqlite3_auto_extension((void (*)(void))power_remember);
}

/* ---- a disk ------------------------------------------------------------ */

struct power_image {
    uint8_t *data;
    size_t size, room;
};

struct power_file {
    bool exists;
    bool named; /* whether it exists is known after a cut, too */
    struct power_image live, synced;
    bool had_before; /* of the same name, deleted since the folder's sync */
    struct power_image before;
};

struct power_disk {
    struct power_file file[PASS_OTHER];
    size_t next; /* the event to be played next */
    uint64_t random;
};

/* splitmix64 */
static uint64_t
power_random(struct power_disk *disk) {
    uint64_t z = disk->random += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static void
power_resize(struct power_image *image, size_t size) {
    void *data = image->data;

    power_grow(&data, &image->room, size, 1);
    image->data = data;
    if (size > image->size)
        memset(image->data + image->size, 0, size - image->size);
    image->size = size;
}

static void
power_copy(struct power_image *to, const struct power_image *from) {
    power_resize(to, from->size);
    if (from->size > 0)
        memcpy(to->data, from->data, from->size);
}

/* The database's own file is made and its folder synced before SQLite opens
 * it. */
static void
power_disk_init(struct power_disk *disk, uint64_t seed) {
    memset(disk, 0, sizeof *disk);
    disk->random = seed;
    disk->file[PASS_MAIN].exists = disk->file[PASS_MAIN].named = true;
    disk->file[PASS_WAL].named = true;
}

/* What a file on the real disk has, as if it had always been there. */
static inline void
power_load_file(struct power_file *f, const char *name) {
    FILE *file = fopen(name, "rb");

    f->exists = file != NULL;
    f->named = true;
    f->had_before = false;
    power_resize(&f->live, 0);
    if (file != NULL) {
        if (fseek(file, 0, SEEK_END) != 0)
            abort();
        power_resize(&f->live, (size_t)ftell(file));
        rewind(file);
        if (f->live.size > 0 && fread(f->live.data, f->live.size, 1, file) != 1)
            abort();
        fclose(file);
    }
    power_copy(&f->synced, &f->live);
}

/* Goes on from the files `path` and `path`-wal, and a record that is empty. */
static inline void
power_disk_load(struct power_disk *disk, const char *path) {
    char wal[512];

    snprintf(wal, sizeof wal, "%s-wal", path);
    power_load_file(&disk->file[PASS_MAIN], path);
    power_load_file(&disk->file[PASS_WAL], wal);
    disk->next = 0;
}

static void
power_disk_fini(struct power_disk *disk) {
    for (int i = 0; i < PASS_OTHER; i++) {
        free(disk->file[i].live.data);
        free(disk->file[i].synced.data);
        free(disk->file[i].before.data);
    }
}

static void
power_delete_file(struct power_file *f, bool folder_synced) {
    if (f->named && f->exists) {
        power_copy(&f->before, &f->synced);
        f->had_before = true;
    }
    f->exists = false;
    f->named = folder_synced;
    if (folder_synced)
        f->had_before = false;
}

static void
power_play(struct power_disk *disk, const struct power_event *event) {
    struct power_file *f = &disk->file[event->kind];

    switch (event->act) {
    case POWER_CREATE:
        f->exists = true;
        f->named = false;
        power_resize(&f->live, 0);
        power_resize(&f->synced, 0);
        break;
    case POWER_WRITE:
        if (event->at + event->n > f->live.size)
            power_resize(&f->live, event->at + event->n);
        memcpy(f->live.data + event->at, power_data + event->data, event->n);
        break;
    case POWER_TRUNCATE:
        power_resize(&f->live, event->at);
        break;
    case POWER_SYNC: /* the first one syncs the folder, too */
        power_copy(&f->synced, &f->live);
        f->named = true;
        f->had_before = false;
        break;
    case POWER_DELETE:
        power_delete_file(f, event->at != 0);
        break;
    case POWER_TOLD:
    default:
        break;
    }
}

static void
power_play_until(struct power_disk *disk, size_t end) {
    while (disk->next < end)
        power_play(disk, &power_events[disk->next++]);
}

/* One sector of what is left, into at. */
static void
power_cut_sector(struct power_disk *disk, const struct power_file *f,
                 size_t from, uint8_t at[POWER_SECTOR_BYTES]) {
    uint8_t fresh[POWER_SECTOR_BYTES] = {0};
    uint64_t dice = power_random(disk);
    size_t torn = dice >> 8 & (POWER_SECTOR_BYTES - 1);

    memset(at, 0, POWER_SECTOR_BYTES);
    for (size_t i = 0; i < POWER_SECTOR_BYTES; i++) {
        if (from + i < f->synced.size)
            at[i] = f->synced.data[from + i];
        if (from + i < f->live.size)
            fresh[i] = f->live.data[from + i];
    }
    if (dice % 3 == 0)
        memcpy(at, fresh, sizeof fresh);
    else if (dice % 3 == 1)
        memcpy(at, fresh, torn);
}

static void
power_cut_file(struct power_disk *disk, const struct power_file *f,
               struct power_image *out) {
    const struct power_image *a = &f->synced, *b = &f->live;
    size_t longer = a->size > b->size ? a->size : b->size;
    size_t size = power_random(disk) % 2 == 0 ? a->size : b->size;
    uint8_t sector[POWER_SECTOR_BYTES];

    power_resize(out, longer);
    for (size_t from = 0; from < longer; from += POWER_SECTOR_BYTES) {
        size_t n = longer - from < POWER_SECTOR_BYTES ? longer - from
                                                      : POWER_SECTOR_BYTES;
        bool same = from + n <= a->size && from + n <= b->size &&
                    memcmp(a->data + from, b->data + from, n) == 0;
        /* A shorter file is so at once: it has no zeros at its old length. */
        if (same || from >= b->size)
            memcpy(sector, a->data + from, n);
        else
            power_cut_sector(disk, f, from, sector);
        memcpy(out->data + from, sector, n);
    }
    power_resize(out, size);
}

static void
power_save(const struct power_image *image, const char *path) {
    FILE *file = fopen(path, "wb");

    if (file == NULL ||
        (image->size > 0 && fwrite(image->data, image->size, 1, file) != 1) ||
        fclose(file) != 0)
        abort();
}

/* Leaves what a cut now leaves in the files `path` and `path`-wal. */
static void
power_cut(struct power_disk *disk, const char *path) {
    for (int i = 0; i < PASS_OTHER; i++) {
        struct power_file *f = &disk->file[i];
        struct power_image left = {NULL, 0, 0};
        bool as_before = !f->named && power_random(disk) % 2 == 0;
        bool there = as_before ? f->had_before : f->exists;
        char name[512];

        snprintf(name, sizeof name, "%s%s", path, i == PASS_WAL ? "-wal" : "");
        remove(name);
        if (there && as_before)
            power_save(&f->before, name);
        if (there && !as_before) {
            power_cut_file(disk, f, &left);
            power_save(&left, name);
        }
        free(left.data);
    }
}

#endif
