/* tally.c: the hash table of tally.h: open addressing, at most three quarters
 * full. Owns its slots. */
#include "tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/err.h"

#define FIRST_ROOM ((size_t)256)

/* FNV-1a: keys are random ids of our own making. */
static uint64_t
hash_of(const char *key) {
    uint64_t hash = 14695981039346656037U;
    for (; *key != '\0'; key++)
        hash = (hash ^ (unsigned char)*key) * 1099511628211U;
    return hash;
}

/* The slot of the key, or the free one where it would go. */
static struct sid_tally *
place_of(struct sid_tally *slot, size_t room, const char *key) {
    size_t at = (size_t)hash_of(key) & (room - 1);
    while (slot[at].key[0] != '\0' && strcmp(slot[at].key, key) != 0)
        at = (at + 1) & (room - 1);
    return &slot[at];
}

static bool
grow(struct sid_tallies *tallies) {
    size_t room = tallies->room == 0 ? FIRST_ROOM : tallies->room * 2;
    struct sid_tally *slot = calloc(room, sizeof *slot);
    if (slot == NULL)
        return false;
    for (size_t i = 0; i < tallies->room; i++) {
        if (tallies->slot[i].key[0] != '\0')
            *place_of(slot, room, tallies->slot[i].key) = tallies->slot[i];
    }
    free(tallies->slot);
    tallies->slot = slot;
    tallies->room = room;
    return true;
}

struct sid_tally *
sid_tally_get(struct sid_tallies *tallies, const char *key) {
    SID_ASSERT(key[0] != '\0' && strlen(key) < SID_TALLY_KEY_SIZE);
    if (4 * (tallies->used + 1) > 3 * tallies->room && !grow(tallies))
        return NULL;
    struct sid_tally *tally = place_of(tallies->slot, tallies->room, key);
    if (tally->key[0] == '\0') {
        (void)snprintf(tally->key, sizeof tally->key, "%s", key);
        tally->place = -1;
        tallies->used++;
    }
    return tally;
}

struct sid_tally *
sid_tally_find(const struct sid_tallies *tallies, const char *key) {
    if (tallies->used == 0)
        return NULL;
    struct sid_tally *tally = place_of(tallies->slot, tallies->room, key);
    return tally->key[0] == '\0' ? NULL : tally;
}

void
sid_tallies_clear(struct sid_tallies *tallies) {
    if (tallies->room > FIRST_ROOM && tallies->used < tallies->room / 8) {
        sid_tallies_fini(tallies);
        return;
    }
    if (tallies->used > 0)
        memset(tallies->slot, 0, tallies->room * sizeof *tallies->slot);
    tallies->used = 0;
}

void
sid_tallies_fini(struct sid_tallies *tallies) {
    free(tallies->slot);
    *tallies = (struct sid_tallies){0};
}
