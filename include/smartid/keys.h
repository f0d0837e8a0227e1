/* keys.h: the keys in the database: opening them at the start, making new
 * versions, wrapping again, changing the master key.
 *
 * The *_in functions work on a store inside the caller's transaction: the
 * writer's in the daemon, smartidctl's own while no daemon runs. What they
 * promise holds once that transaction is committed; the ring is changed after.
 */
#ifndef SMARTID_KEYS_H
#define SMARTID_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "smartid/err.h"
#include "smartid/keyring.h"
#include "smartid/master.h"
#include "smartid/store.h"

/* Reads the master key file, opens every key of the database into a new ring,
 * and gives the store its audit key. A database without any row gets its first
 * keys. When the file does not fit but "<path>.next" does, a change of the
 * master key was interrupted: it is finished. "credential:NAME" stands for a
 * file in the folder of systemd's credentials. Errors: those of
 * sid_master_load(); SID_E_WRONG_KEY; SID_E_SCHEMA (rows, but no keys: made by
 * a version that was never released); those of the store. */
SID_FALLIBLE enum sid_err sid_keys_open(struct sid_store *store,
                                        const char *master_path,
                                        struct sid_master **master,
                                        struct sid_keyring **ring);

/* The same on a store that was opened for reading: nothing is made, finished or
 * moved. Errors: as above; SID_E_NOT_FOUND also for a database without keys. */
SID_FALLIBLE enum sid_err sid_keys_open_readonly(struct sid_store *store,
                                                 const char *master_path,
                                                 struct sid_keyring **ring);

/* A key that was made and is not in the ring yet. The owner wipes it. */
struct sid_new_key {
    enum sid_key_use use;
    int version;
    int64_t made_at_s;
    uint8_t key[SID_KEY_BYTES];
};
/* Where several daemons use a database, a new key is used so long after it was
 * made: by then all of them know it. Source: issue 8, letter C. */
#define SID_KEY_AHEAD_S 5

/* What the database has and a ring has not, or, of code keys, the other way
 * round. */
#define SID_KEY_NEWS_MAX 8
struct sid_key_news {
    struct sid_new_key fresh[SID_KEY_NEWS_MAX];
    int fresh_count;
    struct {
        enum sid_key_use use;
        int version;
    } gone[SID_KEY_NEWS_MAX];
    int gone_count;
    int current[SID_KEY_USE_COUNT]; /* by the time; 0: none */
    int settled[SID_KEY_USE_COUNT]; /* current for SID_KEY_AHEAD_S */
};
/* Looks for news, those that there is room for; the owner wipes them. Errors:
 * those of the store; SID_E_WRONG_KEY (the master key is another one by now).
 */
SID_FALLIBLE enum sid_err sid_keys_follow_in(struct sid_store *store,
                                             const struct sid_master *master,
                                             const struct sid_keyring *ring,
                                             int64_t now_s,
                                             struct sid_key_news *out);
/* Brings the ring up to date; what it cannot take comes with the next look. */
void sid_keys_follow(struct sid_keyring *ring, struct sid_key_news *news);

/* Makes the next version. Errors: SID_E_ARGUMENT (root), SID_E_CONFLICT (no
 * number is left), SID_E_WRONG_KEY (another daemon has changed the master key),
 * those of seal and store. */
SID_FALLIBLE enum sid_err sid_keys_rotate_in(struct sid_store *store,
                                             const struct sid_master *master,
                                             enum sid_key_use use,
                                             const char *actor, int64_t now_s,
                                             struct sid_new_key *out);

/* Destroys code keys: all but the current one (`all`), or those whose last code
 * has died: the next newer key is older than life_s. *out: the versions that
 * are to be retired in the ring. Errors: those of the store. */
struct sid_key_range {
    int first, last; /* 0 when there is none */
};
SID_FALLIBLE enum sid_err sid_keys_retire_codes_in(struct sid_store *store,
                                                   bool all, int64_t life_s,
                                                   const char *actor,
                                                   int64_t now_s,
                                                   struct sid_key_range *out);

/* Most people's keys that are wrapped again in one transaction. Source:
 * measured, 0.14 ms each on a busy machine when there is a face to be turned
 * and sealed again: some 20 ms of the writer's time, with each tick. */
#define SID_REWRAP_MAX 128
struct sid_stale {
    int count;
    char subject[SID_REWRAP_MAX][SID_ID_SIZE];
};
/* Up to `most` (1 to SID_REWRAP_MAX) people of whom a key is wrapped by an
 * older version than the ring's current one. Only reads: asked in a transaction
 * that writes, on a server that others write to as well, it would be in the way
 * of everybody who enrols. Errors: those of the store. */
SID_FALLIBLE enum sid_err sid_keys_stale_in(struct sid_store *store,
                                            const struct sid_keyring *ring,
                                            int most, struct sid_stale *out);
/* Wraps the keys of those people again who still need it; template keys are
 * made anew, and what lies under them is turned and sealed again. Errors: those
 * of seal and store. */
SID_FALLIBLE enum sid_err sid_keys_rewrap_in(struct sid_store *store,
                                             const struct sid_keyring *ring,
                                             const struct sid_stale *stale);
/* Destroys the older versions in the database. The ring keeps them until the
 * process ends: a row that was read before may still be waiting to be opened.
 * Errors: SID_E_CONFLICT (somebody's key is still under one of them), those of
 * the store. */
SID_FALLIBLE enum sid_err sid_keys_destroy_in(struct sid_store *store,
                                              const struct sid_keyring *ring,
                                              const char *actor, int64_t now_s,
                                              int *destroyed);
/* Retires code keys in the ring, after the commit. */
void sid_keys_retire_codes(struct sid_keyring *ring,
                           struct sid_key_range range);

/* Where the key that is to follow the master key at master_path is looked for.
 * Errors: SID_E_ARGUMENT (too long). */
SID_FALLIBLE enum sid_err sid_master_next_path(const char *master_path,
                                               char *out, size_t out_size);
/* Wraps every key under `next` instead of `now`. Errors: SID_E_WRONG_KEY, those
 * of seal and store. */
SID_FALLIBLE enum sid_err sid_master_change_in(struct sid_store *store,
                                               const struct sid_master *now,
                                               const struct sid_master *next,
                                               const char *actor);
/* Puts the next master key file in the place of the present one, for good.
 * Errors: SID_E_IO (for example a folder that is read-only: the caller says
 * what remains to be done). */
SID_FALLIBLE enum sid_err sid_master_replace_file(const char *master_path,
                                                  const char *next_path);

#endif
