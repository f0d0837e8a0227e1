/* recent.c: see recent.h. Ids are random, so a few characters of one say in
 * which set of SID_RECENT_WAYS places it lies; there is no list to walk and
 * nothing to clear away. Any thread; owns its places, under its lock. */
#include "smartid/recent.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/buf.h"

struct place {
    struct sid_recent_check check; /* id "": free */
    int tries;                     /* taken */
};

struct sid_recent {
    pthread_mutex_t lock;
    struct place place[SID_RECENT_SETS][SID_RECENT_WAYS];
};

enum sid_err
sid_recent_new(struct sid_recent **out) {
    struct sid_recent *recent = calloc(1, sizeof *recent);
    if (recent == NULL)
        return SID_E_NO_MEMORY;
    SID_ASSERT(pthread_mutex_init(&recent->lock, NULL) == 0);
    *out = recent;
    return SID_OK;
}

void
sid_recent_free(struct sid_recent **recent) {
    if (*recent == NULL)
        return;
    pthread_mutex_destroy(&(*recent)->lock);
    free(*recent);
    *recent = NULL;
}

/* Source: FNV-1a, 32 bits; it only spreads. */
static struct place *
set_of(struct sid_recent *recent, const char *id) {
    uint32_t hash = 2166136261u;
    for (; *id != '\0'; id++)
        hash = (hash ^ (uint8_t)*id) * 16777619u;
    return recent->place[(hash >> 16 ^ hash) % SID_RECENT_SETS];
}

static struct place *
find(struct sid_recent *recent, const char *id) {
    struct place *set = set_of(recent, id);
    for (int i = 0; i < SID_RECENT_WAYS; i++)
        if (set[i].check.id[0] != '\0' && strcmp(set[i].check.id, id) == 0)
            return &set[i];
    return NULL;
}

void
sid_recent_put(struct sid_recent *recent,
               const struct sid_recent_check *check) {
    struct place *set = set_of(recent, check->id), *oldest = set;
    pthread_mutex_lock(&recent->lock);
    for (int i = 1; i < SID_RECENT_WAYS; i++)
        if (set[i].check.at_s < oldest->check.at_s)
            oldest = &set[i]; /* a free one is of 1970 */
    *oldest = (struct place){.check = *check};
    pthread_mutex_unlock(&recent->lock);
}

/* The caller holds the lock. */
static struct place *
find_for(struct sid_recent *recent, const char *id, const char *client_id,
         int64_t now_s) {
    struct place *place = find(recent, id);
    bool theirs = place != NULL &&
                  strcmp(place->check.client_id, client_id) == 0 &&
                  now_s - place->check.at_s <= SID_RECENT_S;
    return theirs ? place : NULL;
}

enum sid_err
sid_recent_find(struct sid_recent *recent, const char *id,
                const char *client_id, int64_t now_s,
                struct sid_recent_check *out) {
    pthread_mutex_lock(&recent->lock);
    const struct place *place = find_for(recent, id, client_id, now_s);
    if (place != NULL)
        *out = place->check;
    pthread_mutex_unlock(&recent->lock);
    return place != NULL ? SID_OK : SID_E_NOT_FOUND;
}

/* The caller holds the lock. */
static enum sid_err
judge_tries(const struct place *place) {
    if (place == NULL)
        return SID_E_NOT_FOUND;
    return place->tries < SID_RECENT_TRIES ? SID_OK : SID_E_FACE_TRIES;
}

enum sid_err
sid_recent_take_try(struct sid_recent *recent, const char *id,
                    const char *client_id, int64_t now_s,
                    struct sid_recent_check *out) {
    pthread_mutex_lock(&recent->lock);
    struct place *place = find_for(recent, id, client_id, now_s);
    enum sid_err err = judge_tries(place);
    if (err == SID_OK) {
        place->tries++;
        *out = place->check;
    }
    pthread_mutex_unlock(&recent->lock);
    return err;
}

enum sid_err
sid_recent_has_try(struct sid_recent *recent, const char *id,
                   const char *client_id, int64_t now_s) {
    pthread_mutex_lock(&recent->lock);
    enum sid_err err = judge_tries(find_for(recent, id, client_id, now_s));
    pthread_mutex_unlock(&recent->lock);
    return err;
}

void
sid_recent_give_try(struct sid_recent *recent, const char *id) {
    pthread_mutex_lock(&recent->lock);
    struct place *place = find(recent, id);
    if (place != NULL && place->tries > 0)
        place->tries--;
    pthread_mutex_unlock(&recent->lock);
}

int
sid_recent_tries_left(struct sid_recent *recent, const char *id) {
    pthread_mutex_lock(&recent->lock);
    const struct place *place = find(recent, id);
    int left = place != NULL ? SID_RECENT_TRIES - place->tries : 0;
    pthread_mutex_unlock(&recent->lock);
    return left;
}
