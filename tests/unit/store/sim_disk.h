/* sim_disk.h: what of the simulated runs (sim.h) is SQLite: the disk under the
 * store, how it fails, and what is left of it when the power goes or the
 * process is killed. One run at a time, one thread. */
#ifndef SID_SIM_DISK_H
#define SID_SIM_DISK_H

#include "compound_vfs.h"
#include "people_fixture.h"

enum sim_fault { SIM_IO_ONCE, SIM_IO_FOR_GOOD, SIM_NO_MEMORY, SIM_FAULTS };
enum sim_end { SIM_POWER_CUT, SIM_KILL };

/* FNV-1a by words. Source: RFC 9923. */
static inline uint64_t
sim_hash(uint64_t hash, uint64_t word) {
    return (hash ^ word) * UINT64_C(0x100000001B3);
}

static struct power_disk sim_disk;
static uint64_t sim_disk_random; /* of SQLite's own chance */
static uint64_t sim_disk_trace;  /* of all that was written */
/* A database that was just made: each run begins with a copy. */
static struct power_image sim_disk_made;
/* A pragma that makes it unsafe, for the control; NULL: none. */
static const char *sim_disk_pragma;

static int
sim_disk_randomness(sqlite3_vfs *vfs, int n, char *out) {
    (void)vfs;
    for (int i = 0; i < n; i++) {
        sim_disk_random = sim_disk_random * UINT64_C(6364136223846793005) +
                          UINT64_C(1442695040888963407);
        out[i] = (char)(sim_disk_random >> 56);
    }
    return n;
}

/* Once, before all else. */
static inline void
sim_disk_install(void) {
    compound_install();
    pass_vfs.xRandomness = sim_disk_randomness;
}

static inline void
sim_disk_make(const char *path, const struct sid_mac_key *key) {
    struct sid_store *store = NULL;
    struct power_file file = {.exists = true};

    ok(sid_store_open(path, true, key, &store));
    sid_store_close(&store);
    power_load_file(&file, path);
    power_copy(&sim_disk_made, &file.live);
    free(file.live.data);
    free(file.synced.data);
}

static inline void
sim_disk_begin(const char *path, uint64_t seed) {
    static const char *const beside[] = {"-wal", "-shm"};
    char name[512];

    for (int i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%s%s", path, beside[i]);
        remove(name); /* of a run that went wrong */
    }
    power_save(&sim_disk_made, path);
    power_disk_init(&sim_disk, ~seed);
    power_disk_load(&sim_disk, path);
    power_forget();
    power_on = true;
    sim_disk_trace = sim_disk_random = seed;
    sqlite3_randomness(0, NULL);
}

static inline void
sim_disk_end(void) {
    power_on = false;
    power_disk_fini(&sim_disk);
}

static inline void
sim_disk_free(void) {
    free(sim_disk_made.data);
    power_free();
}

/* ---- faults ------------------------------------------------------------ */

/* The nth call from now on fails. */
static inline void
sim_disk_arm(enum sim_fault fault, int nth) {
    alloc_calls = 0;
    alloc_nth = fault == SIM_NO_MEMORY ? nth : 0;
    atomic_store(&fault_calls, 0);
    atomic_store(&fault_for_good, fault == SIM_IO_FOR_GOOD);
    atomic_store(&fault_nth, fault == SIM_NO_MEMORY ? 0 : nth);
}

/* Whether it has failed; from now on none does. */
static inline bool
sim_disk_disarm(void) {
    int nth = atomic_load(&fault_nth);
    bool struck = (nth != 0 && atomic_load(&fault_calls) >= nth) ||
                  (alloc_nth != 0 && alloc_calls >= alloc_nth);

    fault_clear();
    alloc_nth = 0;
    return struck;
}

/* ---- cuts -------------------------------------------------------------- */

static inline void
sim_disk_note(void) {
    uint64_t word = 0;

    for (size_t i = 0; i < power_count; i++) {
        const struct power_event *e = &power_events[i];
        word = (uint64_t)e->act << 56 ^ (uint64_t)e->kind << 48 ^ e->at ^ e->n;
        sim_disk_trace = sim_hash(sim_disk_trace, word);
    }
    for (size_t i = 0; i < power_bytes; i += sizeof word) {
        size_t n =
            power_bytes - i < sizeof word ? power_bytes - i : sizeof word;
        word = 0;
        memcpy(&word, power_data + i, n);
        sim_disk_trace = sim_hash(sim_disk_trace, word);
    }
}

/* A cut to come lies behind this. */
static inline void
sim_disk_keep(void) {
    power_play_until(&sim_disk, power_count);
    sim_disk_note();
    power_forget();
    sim_disk.next = 0;
}

/* The files as they are in the memory of the operating system. */
static inline void
sim_disk_leave_all(const char *path) {
    char name[512];

    for (int i = 0; i < PASS_OTHER; i++) {
        snprintf(name, sizeof name, "%s%s", path, i == PASS_WAL ? "-wal" : "");
        remove(name);
        if (sim_disk.file[i].exists)
            power_save(&sim_disk.file[i].live, name);
    }
}

/* Ends the process at some moment since sim_disk_keep(), in one of four cases
 * at its last. What the store does in closing does not count. Returns whether
 * it was the last. */
static inline bool
sim_disk_cut(const char *path, struct sid_store **store, enum sim_end end) {
    size_t all = power_count;
    size_t at = power_random(&sim_disk) % 4 == 0
                    ? all
                    : power_random(&sim_disk) % (all + 1);
    char name[512];

    power_on = false;
    sid_store_close(store);
    sim_disk_note();
    power_play_until(&sim_disk, at);
    snprintf(name, sizeof name, "%s-shm", path);
    remove(name);
    if (end == SIM_POWER_CUT) {
        power_cut(&sim_disk, path);
        power_disk_load(&sim_disk, path);
    } else {
        sim_disk_leave_all(path);
    }
    power_forget();
    sim_disk.next = 0;
    power_on = true;
    return at == all;
}

/* ---- the store on it --------------------------------------------------- */

static inline enum sid_err
sim_disk_open(struct fixture *f) {
    enum sid_err err = sid_store_open(f->path, false, f->key, &f->store);

    if (err == SID_OK && sim_disk_pragma != NULL)
        assert_int_equal(
            sqlite3_exec(power_db, sim_disk_pragma, NULL, NULL, NULL),
            SQLITE_OK);
    return err;
}

/* By a connection beside the store's: sound, and nothing there by half. */
static inline bool
sim_disk_whole(const char *path) {
    sqlite3 *db = NULL, *writer = power_db;
    struct people_left left = {.half = false};
    bool good =
        sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
        people_read_by(db, &left);

    sqlite3_close(db);
    power_db = writer;
    return good && !left.half;
}

#endif
