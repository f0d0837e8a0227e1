/* replay.c: the window of accepted times, and a ring of the signatures seen in
 * it, found by hash. Pure; its owner locks; owns ring and heads. */
#include "smartid/wechat_replay.h"

#include <stdlib.h>
#include <string.h>

#include "smartid/mac.h"

#define CAPACITY_MAX 1000000
/* Decimal digits of a time until the year 33,658. */
#define TIMESTAMP_DIGITS_MAX 12

enum sid_err
sid_wechat_timestamp_check(const char *text, int64_t window_s, int64_t now_s,
                           int64_t *out) {
    int64_t at_s = 0;
    size_t len = strnlen(text, TIMESTAMP_DIGITS_MAX + 1);
    if (len == 0 || len > TIMESTAMP_DIGITS_MAX)
        return SID_E_PUSH_FORMAT;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return SID_E_PUSH_FORMAT;
        at_s = at_s * 10 + (text[i] - '0');
    }
    if (at_s < now_s - window_s || at_s > now_s + window_s)
        return SID_E_PUSH_STALE;
    *out = at_s;
    return SID_OK;
}

/* ---- the ring ----------------------------------------------------------- */

#define NONE UINT32_MAX

struct entry {
    uint8_t key[16];  /* of the signature: first half of its SHA-256 */
    uint8_t body[16]; /* of the body: the same */
    int64_t until_s;  /* later than this it can come again as it likes */
    uint32_t next;    /* in the chain of its head */
};

struct sid_wechat_replay {
    size_t capacity;
    size_t used;        /* entries in use */
    size_t at;          /* the next to be written; when full, the oldest */
    struct entry *ring; /* capacity */
    uint32_t *heads;    /* capacity; index of an entry, or NONE */
};

enum sid_err
sid_wechat_replay_new(size_t capacity, struct sid_wechat_replay **out) {
    SID_ASSERT(capacity >= 1 && capacity <= CAPACITY_MAX);
    struct sid_wechat_replay *made = calloc(1, sizeof *made);
    if (made == NULL)
        return SID_E_NO_MEMORY;
    made->capacity = capacity;
    made->ring = calloc(capacity, sizeof *made->ring);
    made->heads = malloc(capacity * sizeof *made->heads);
    if (made->ring == NULL || made->heads == NULL) {
        sid_wechat_replay_free(&made);
        return SID_E_NO_MEMORY;
    }
    for (size_t i = 0; i < capacity; i++)
        made->heads[i] = NONE;
    *out = made;
    return SID_OK;
}

void
sid_wechat_replay_free(struct sid_wechat_replay **replay) {
    if (*replay == NULL)
        return;
    free((*replay)->ring);
    free((*replay)->heads);
    free(*replay);
    *replay = NULL;
}

/* SHA-256 is uniform: its first bytes choose the chain. */
static uint32_t *
head_of(const struct sid_wechat_replay *replay, const uint8_t *key) {
    uint32_t hash;
    memcpy(&hash, key, sizeof hash);
    return &replay->heads[hash % replay->capacity];
}

static struct entry *
find(const struct sid_wechat_replay *replay, const uint8_t *key) {
    for (uint32_t i = *head_of(replay, key); i != NONE;
         i = replay->ring[i].next) {
        if (memcmp(replay->ring[i].key, key, sizeof replay->ring[i].key) == 0)
            return &replay->ring[i];
    }
    return NULL;
}

static void
unchain(struct sid_wechat_replay *replay, size_t index) {
    uint32_t *link = head_of(replay, replay->ring[index].key);
    while (*link != index) {
        SID_ASSERT(*link != NONE);
        link = &replay->ring[*link].next;
    }
    *link = replay->ring[index].next;
}

/* A place in the ring, chained to its head. */
static struct entry *
add(struct sid_wechat_replay *replay, const uint8_t *key) {
    size_t index = replay->at;
    if (replay->used == replay->capacity)
        unchain(replay, index);
    else
        replay->used++;
    replay->at = (index + 1) % replay->capacity;
    struct entry *entry = &replay->ring[index];
    uint32_t *head = head_of(replay, key);
    memcpy(entry->key, key, sizeof entry->key);
    entry->next = *head;
    *head = (uint32_t)index;
    return entry;
}

enum sid_err
sid_wechat_replay_take(struct sid_wechat_replay *replay, const char *signature,
                       struct sid_span body, int64_t at_s, int64_t window_s,
                       int64_t now_s, bool *again) {
    uint8_t key[SID_SHA256_BYTES], hash[SID_SHA256_BYTES];
    enum sid_err err = sid_sha256(sid_span_str(signature), key);
    if (err == SID_OK)
        err = sid_sha256(body, hash);
    if (err != SID_OK)
        return err;
    struct entry *entry = find(replay, key);
    bool known = entry != NULL && entry->until_s >= now_s;
    if (known && memcmp(entry->body, hash, sizeof entry->body) != 0)
        return SID_E_PUSH_REPLAYED;
    if (entry == NULL)
        entry = add(replay, key);
    if (!known) {
        memcpy(entry->body, hash, sizeof entry->body);
        entry->until_s = at_s + window_s;
    }
    *again = known;
    return SID_OK;
}
