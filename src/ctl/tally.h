/* tally.h: counts by key, for one window of time: a hash table that is emptied
 * when the window ends. Private to src/ctl. One owner at a time. */
#ifndef SID_CTL_TALLY_H
#define SID_CTL_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartid/rand.h"

/* Two ids, a small number between them, and a NUL. */
#define SID_TALLY_KEY_SIZE 80

struct sid_tally {
    char key[SID_TALLY_KEY_SIZE]; /* "": a free slot */
    int64_t count, people, not_valid;
    int64_t at_s;             /* of the last one */
    int64_t told_day;         /* when it was last told */
    int place;                /* of the last one; -1: unknown */
    int purpose;              /* index */
    char client[SID_ID_SIZE]; /* of the last one, or of all */
    char credential[SID_ID_SIZE];
};

struct sid_tallies {
    struct sid_tally *slot; /* owned */
    size_t room, used;      /* room is a power of two or 0 */
};

/* The tally of that key, a new one (zeros, place -1) when there is none; NULL
 * without memory. Good until the next get. key: not empty, shorter than
 * SID_TALLY_KEY_SIZE. */
struct sid_tally *sid_tally_get(struct sid_tallies *tallies, const char *key);
/* NULL when there is none. */
struct sid_tally *sid_tally_find(const struct sid_tallies *tallies,
                                 const char *key);
/* Forgets all; keeps the room unless it was hardly used. */
void sid_tallies_clear(struct sid_tallies *tallies);
void sid_tallies_fini(struct sid_tallies *tallies);

#endif
