/* keyset.c: the clients' keys in memory, so that a request can be refused
 * before its body is read. An array sorted by the key's public name, under a
 * read-write lock: many io threads look up, the writer's thread seldom changes.
 * Owns copies of the clients. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/apikey.h"
#include "smartid/buf.h"
#include "smartid/text.h"

struct sid_keyset {
    pthread_rwlock_t lock;
    struct sid_client *client; /* sorted by key_name */
    size_t count, cap;
};

enum sid_err
sid_keyset_new(struct sid_keyset **out) {
    struct sid_keyset *set = calloc(1, sizeof *set);
    if (set == NULL)
        return SID_E_NO_MEMORY;
    if (pthread_rwlock_init(&set->lock, NULL) != 0) {
        free(set);
        return SID_E_NO_MEMORY;
    }
    *out = set;
    return SID_OK;
}

static void
free_clients(struct sid_client *client, size_t count) {
    if (client != NULL)
        sid_wipe(client, count * sizeof *client);
    free(client);
}

void
sid_keyset_free(struct sid_keyset **set) {
    if (*set == NULL)
        return;
    free_clients((*set)->client, (*set)->cap);
    (void)pthread_rwlock_destroy(&(*set)->lock);
    free(*set);
    *set = NULL;
}

/* Where a key name is, or where it would stand. */
static size_t
place_of(const struct sid_keyset *set, const char *key_name) {
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(set->client[middle].key_name, key_name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum sid_err
make_room(struct sid_keyset *set) {
    if (set->count < set->cap)
        return SID_OK;
    size_t cap = set->cap == 0 ? 16 : set->cap * 2;
    struct sid_client *room = calloc(cap, sizeof *room);
    if (room == NULL)
        return SID_E_NO_MEMORY;
    if (set->count > 0)
        memcpy(room, set->client, set->count * sizeof *room);
    free_clients(set->client, set->cap);
    set->client = room;
    set->cap = cap;
    return SID_OK;
}

/* Takes the client with this id out, if there is one. */
static void
drop_id(struct sid_keyset *set, const char *id) {
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->client[i].id, id) != 0)
            continue;
        memmove(&set->client[i], &set->client[i + 1],
                (set->count - i - 1) * sizeof *set->client);
        set->count--;
        return;
    }
}

enum sid_err
sid_keyset_put(struct sid_keyset *set, const struct sid_client *client) {
    (void)pthread_rwlock_wrlock(&set->lock);
    enum sid_err err = make_room(set);
    if (err == SID_OK) {
        drop_id(set, client->id);
        size_t at = place_of(set, client->key_name);
        memmove(&set->client[at + 1], &set->client[at],
                (set->count - at) * sizeof *set->client);
        set->client[at] = *client;
        set->count++;
    }
    (void)pthread_rwlock_unlock(&set->lock);
    return err;
}

void
sid_keyset_revoke(struct sid_keyset *set, const char *client_id) {
    (void)pthread_rwlock_wrlock(&set->lock);
    drop_id(set, client_id);
    (void)pthread_rwlock_unlock(&set->lock);
}

enum shown { SHOWN_NOTHING, SHOWN_KEY, SHOWN_HOLDER_SECRET };

/* What the text looks like. Its form is no secret. */
static enum shown
form_of(const char *text, size_t len) {
    const size_t name_at = 5, secret_at = 5 + SID_APIKEY_NAME_CHARS + 1;
    if (len == SID_APIKEY_CHARS && memcmp(text, "sidk_", 5) == 0 &&
        sid_base32_clean(text + name_at, SID_APIKEY_NAME_CHARS) &&
        text[secret_at - 1] == '_' &&
        sid_base32_clean(text + secret_at, SID_APIKEY_CHARS - secret_at))
        return SHOWN_KEY;
    if (len == SID_HOLDER_SECRET_CHARS && memcmp(text, "sidh_", 5) == 0 &&
        sid_base32_clean(text + 5, SID_HOLDER_SECRET_CHARS - 5))
        return SHOWN_HOLDER_SECRET;
    return SHOWN_NOTHING;
}

/* Copies out what a request needs of the client; a dummy for an unknown name,
 * so that both take the same way. */
static bool
find(struct sid_keyset *set, const char *key_name, struct sid_client *out) {
    (void)pthread_rwlock_rdlock(&set->lock);
    size_t at = place_of(set, key_name);
    bool found =
        at < set->count && strcmp(set->client[at].key_name, key_name) == 0;
    static const struct sid_client dummy;
    *out = found ? set->client[at] : dummy;
    (void)pthread_rwlock_unlock(&set->lock);
    return found;
}

static enum sid_err
check_key(struct sid_keyset *set, const char *text, int64_t now_s,
          struct sid_caller *out) {
    char name[SID_APIKEY_NAME_CHARS + 1];
    memcpy(name, text + 5, SID_APIKEY_NAME_CHARS);
    name[SID_APIKEY_NAME_CHARS] = '\0';
    uint8_t hash[SID_SHA256_BYTES];
    enum sid_err err = sid_sha256(sid_span_of(text, SID_APIKEY_CHARS), hash);
    if (err != SID_OK)
        return err;
    struct sid_client client;
    bool found = find(set, name, &client);
    bool same = sid_equal_ct(hash, client.key_hash, sizeof hash);
    bool alive = client.revoked_at_s == 0 && now_s < client.expires_at_s;
    if (!found || !same || !alive)
        return SID_E_UNAUTHENTICATED;
    *out =
        (struct sid_caller){.role = client.role, .purposes = client.purposes};
    memcpy(out->client_id, client.id, sizeof out->client_id);
    return SID_OK;
}

enum sid_err
sid_keyset_check(struct sid_keyset *set, const char *text, size_t len,
                 int64_t now_s, struct sid_caller *out) {
    struct sid_caller holder = {.role = SID_ROLE_HOLDER,
                                .has_holder_secret = true};
    enum sid_err err;
    switch (form_of(text, len)) {
    case SHOWN_KEY:
        return check_key(set, text, now_s, out);
    case SHOWN_HOLDER_SECRET:
        err = sid_sha256(sid_span_of(text, len), holder.holder_hash);
        if (err == SID_OK)
            *out = holder;
        return err;
    case SHOWN_NOTHING:
        break;
    }
    return SID_E_UNAUTHENTICATED;
}
