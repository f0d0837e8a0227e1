/* keyset.c: the clients' keys in memory, so that a request can be refused
 * before its body is read. An array sorted by the key's public name, under a
 * read-write lock: many io threads look up, the writer's thread seldom changes.
 * Revoked keys stay, so that the record can say which one it was. Owns its
 * entries; borrows the set of purposes. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/apikey.h"
#include "smartid/buf.h"
#include "smartid/text.h"

struct entry {
    char key_name[SID_APIKEY_NAME_CHARS + 1];
    char id[SID_ID_SIZE];
    uint8_t key_hash[SID_SHA256_BYTES];
    enum sid_role role;
    uint64_t purposes;   /* of purpose_names, in the set's purposes */
    char *purpose_names; /* owned; NULL: none */
    char party[SID_CLIENT_NAME_SIZE];
    struct sid_networks networks;
    int64_t expires_at_s;
    int64_t per_minute;
    struct sid_key_state *state; /* owned by the set; stays where it is */
    _Atomic uint64_t failures;
};

struct sid_keyset {
    pthread_rwlock_t lock;
    struct entry *entry; /* sorted by key_name */
    size_t count, cap;
    const struct sid_purposes *purposes; /* borrowed; NULL: none yet */
};

const char *
sid_key_refusal_name(enum sid_key_refusal refusal) {
    static const char *const names[SID_KEY_REFUSAL_COUNT] = {
#define SID_KEY_REFUSAL_ROW(sym, word) [sym] = (word),
        SID_KEY_REFUSAL_MAP(SID_KEY_REFUSAL_ROW)
#undef SID_KEY_REFUSAL_ROW
    };
    SID_ASSERT((unsigned)refusal < SID_KEY_REFUSAL_COUNT);
    return names[refusal];
}

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
free_entries(struct entry *entry, size_t cap) {
    if (entry != NULL)
        sid_wipe(entry, cap * sizeof *entry);
    free(entry);
}

void
sid_keyset_free(struct sid_keyset **set) {
    struct sid_keyset *me = *set;
    if (me == NULL)
        return;
    *set = NULL;
    for (size_t i = 0; i < me->count; i++) {
        free(me->entry[i].purpose_names);
        free(me->entry[i].state);
    }
    free_entries(me->entry, me->cap);
    (void)pthread_rwlock_destroy(&me->lock);
    free(me);
}

/* Where a key name is, or where it would stand. */
static size_t
place_of(const struct sid_keyset *set, const char *key_name) {
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(set->entry[middle].key_name, key_name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct entry *
find_id(const struct sid_keyset *set, const char *id) {
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->entry[i].id, id) == 0)
            return &set->entry[i];
    }
    return NULL;
}

static enum sid_err
make_room(struct sid_keyset *set) {
    if (set->count < set->cap)
        return SID_OK;
    size_t cap = set->cap == 0 ? 16 : set->cap * 2;
    struct entry *room = calloc(cap, sizeof *room);
    if (room == NULL)
        return SID_E_NO_MEMORY;
    if (set->count > 0)
        memcpy(room, set->entry, set->count * sizeof *room);
    free_entries(set->entry, set->cap);
    set->entry = room;
    set->cap = cap;
    return SID_OK;
}

static enum sid_err
make_entry(const struct sid_keyset *set, const struct sid_client *client,
           struct entry *out) {
    *out = (struct entry){
        .role = client->role,
        .purposes = sid_purposes_resolve(set->purposes, client->purpose_names,
                                         NULL, NULL),
        .networks = client->networks,
        .expires_at_s = client->expires_at_s,
        .per_minute = client->per_minute,
    };
    memcpy(out->key_name, client->key_name, sizeof out->key_name);
    memcpy(out->id, client->id, sizeof out->id);
    memcpy(out->key_hash, client->key_hash, sizeof out->key_hash);
    memcpy(out->party, client->party, sizeof out->party);
    if (client->purpose_names[0] == '\0')
        return SID_OK;
    out->purpose_names = strdup(client->purpose_names);
    return out->purpose_names == NULL ? SID_E_NO_MEMORY : SID_OK;
}

/* Takes the client with this id out, if there is one. Its state goes on. */
static void
drop_id(struct sid_keyset *set, const char *id) {
    struct entry *at = find_id(set, id);
    if (at == NULL)
        return;
    free(at->purpose_names);
    size_t behind = set->count - (size_t)(at - set->entry) - 1;
    memmove(at, at + 1, behind * sizeof *at);
    set->count--;
}

enum sid_err
sid_keyset_put(struct sid_keyset *set, const struct sid_client *client) {
    struct entry made;
    (void)pthread_rwlock_wrlock(&set->lock);
    enum sid_err err = make_room(set);
    if (err == SID_OK)
        err = make_entry(set, client, &made);
    const struct entry *old = find_id(set, client->id);
    if (err == SID_OK && old == NULL) {
        made.state = calloc(1, sizeof *made.state);
        if (made.state == NULL) {
            free(made.purpose_names);
            err = SID_E_NO_MEMORY;
        }
    } else if (err == SID_OK) {
        made.state = old->state;
    }
    if (err == SID_OK) {
        drop_id(set, client->id);
        atomic_store(&made.state->revoked, client->revoked_at_s != 0);
        size_t at = place_of(set, client->key_name);
        memmove(&set->entry[at + 1], &set->entry[at],
                (set->count - at) * sizeof *set->entry);
        set->entry[at] = made;
        set->count++;
    }
    (void)pthread_rwlock_unlock(&set->lock);
    return err;
}

void
sid_keyset_revoke(struct sid_keyset *set, const char *client_id) {
    (void)pthread_rwlock_wrlock(&set->lock);
    struct entry *at = find_id(set, client_id);
    if (at != NULL)
        atomic_store(&at->state->revoked, true);
    (void)pthread_rwlock_unlock(&set->lock);
}

enum sid_err
sid_keyset_follow(struct sid_keyset *set, const struct sid_client *client) {
    enum sid_role role;
    if (sid_keyset_role(set, client->id, &role) != SID_OK)
        return sid_keyset_put(set, client);
    if (client->revoked_at_s != 0)
        sid_keyset_revoke(set, client->id);
    return SID_OK;
}

/* ---- purposes ----------------------------------------------------------- */

struct telling {
    const struct entry *of;
    sid_keyset_unknown_fn *unknown;
    void *ctx;
};

static void
tell_unknown(const char *name, void *ctx) {
    const struct telling *telling = ctx;
    if (telling->unknown != NULL && !atomic_load(&telling->of->state->revoked))
        telling->unknown(telling->of->id, name, telling->ctx);
}

void
sid_keyset_use_purposes(struct sid_keyset *set,
                        const struct sid_purposes *purposes,
                        sid_keyset_unknown_fn *unknown, void *ctx) {
    (void)pthread_rwlock_wrlock(&set->lock);
    set->purposes = purposes;
    for (size_t i = 0; i < set->count; i++) {
        struct entry *at = &set->entry[i];
        struct telling telling = {at, unknown, ctx};
        if (at->purpose_names != NULL)
            at->purposes = sid_purposes_resolve(purposes, at->purpose_names,
                                                tell_unknown, &telling);
    }
    (void)pthread_rwlock_unlock(&set->lock);
}

/* ---- judging ------------------------------------------------------------ */

enum form { FORM_NONE, FORM_KEY, FORM_HOLDER_SECRET };

/* What the text looks like. Its form is no secret. */
static enum form
form_of(const char *text, size_t len) {
    const size_t name_at = 5, secret_at = 5 + SID_APIKEY_NAME_CHARS + 1;
    if (len == SID_APIKEY_CHARS && memcmp(text, "sidk_", 5) == 0 &&
        sid_base32_clean(text + name_at, SID_APIKEY_NAME_CHARS) &&
        text[secret_at - 1] == '_' &&
        sid_base32_clean(text + secret_at, SID_APIKEY_CHARS - secret_at))
        return FORM_KEY;
    if (len == SID_HOLDER_SECRET_CHARS && memcmp(text, "sidh_", 5) == 0 &&
        sid_base32_clean(text + 5, SID_HOLDER_SECRET_CHARS - 5))
        return FORM_HOLDER_SECRET;
    return FORM_NONE;
}

static bool
is_at_home(const struct entry *entry, const struct sid_address *from) {
    return entry->networks.count == 0 ||
           (from != NULL && sid_networks_have(&entry->networks, from));
}

/* The first thing wrong, the proof before all that only its owner may learn. */
static bool
judge(const struct entry *entry, bool same, bool at_home, int64_t now_s,
      enum sid_key_refusal *why) {
    if (entry->id[0] == '\0')
        *why = SID_KEY_UNKNOWN;
    else if (!same)
        *why = SID_KEY_WRONG;
    else if (atomic_load(&entry->state->revoked))
        *why = SID_KEY_REVOKED;
    else if (now_s >= entry->expires_at_s)
        *why = SID_KEY_EXPIRED;
    else if (!at_home)
        *why = SID_KEY_ELSEWHERE;
    else
        return true;
    return false;
}

static void
tell_refused(const struct entry *entry, enum sid_key_refusal why,
             struct sid_refused_key *refused) {
    if (refused == NULL)
        return;
    *refused = (struct sid_refused_key){.why = why};
    memcpy(refused->claimed_id, entry->id, sizeof entry->id);
    if (why != SID_KEY_WRONG)
        memcpy(refused->client_id, entry->id, sizeof entry->id);
}

static void
tell_caller(const struct sid_keyset *set, const struct entry *entry,
            struct sid_caller *out) {
    *out = (struct sid_caller){.role = entry->role,
                               .purposes = entry->purposes,
                               .per_minute = entry->per_minute,
                               .key = entry->state,
                               .purpose_set = set->purposes};
    memcpy(out->client_id, entry->id, sizeof out->client_id);
    memcpy(out->party, entry->party, sizeof out->party);
}

static enum sid_err
check_key(struct sid_keyset *set, const struct sid_shown_key *shown,
          int64_t now_s, struct sid_caller *out,
          struct sid_refused_key *refused) {
    static struct entry dummy; /* for unknown names: the same way for both */
    char name[SID_APIKEY_NAME_CHARS + 1];
    memcpy(name, shown->text + 5, SID_APIKEY_NAME_CHARS);
    name[SID_APIKEY_NAME_CHARS] = '\0';
    uint8_t hash[SID_SHA256_BYTES];
    enum sid_err err =
        sid_sha256(sid_span_of(shown->text, SID_APIKEY_CHARS), hash);
    if (err != SID_OK)
        return err;
    (void)pthread_rwlock_rdlock(&set->lock);
    size_t at = place_of(set, name);
    bool found = at < set->count && strcmp(set->entry[at].key_name, name) == 0;
    struct entry *entry = found ? &set->entry[at] : &dummy;
    bool same = sid_equal_ct(hash, entry->key_hash, sizeof hash);
    enum sid_key_refusal why;
    if (judge(entry, same, is_at_home(entry, shown->from), now_s, &why)) {
        tell_caller(set, entry, out);
    } else {
        atomic_fetch_add(&entry->failures, 1);
        tell_refused(entry, why, refused);
        err = SID_E_UNAUTHENTICATED;
    }
    (void)pthread_rwlock_unlock(&set->lock);
    return err;
}

enum sid_err
sid_keyset_stand_in(struct sid_keyset *set, const struct sid_stand_in *one,
                    int64_t now_s, struct sid_caller *out,
                    struct sid_refused_key *refused) {
    static const struct entry nobody;
    enum sid_key_refusal why;
    (void)pthread_rwlock_rdlock(&set->lock);
    const struct entry *found = find_id(set, one->client_id);
    const struct entry *entry = found == NULL ? &nobody : found;
    bool at_home = one->anywhere || is_at_home(entry, one->from);
    bool good = judge(entry, true, at_home, now_s, &why);
    if (good)
        tell_caller(set, entry, out);
    else
        tell_refused(entry, why, refused);
    (void)pthread_rwlock_unlock(&set->lock);
    return good ? SID_OK : SID_E_UNAUTHENTICATED;
}

enum sid_err
sid_keyset_check(struct sid_keyset *set, const struct sid_shown_key *shown,
                 int64_t now_s, struct sid_caller *out,
                 struct sid_refused_key *refused) {
    struct sid_caller holder = {.role = SID_ROLE_HOLDER,
                                .has_holder_secret = true};
    enum form form = form_of(shown->text, shown->len);
    if (form == FORM_KEY)
        return check_key(set, shown, now_s, out, refused);
    if (form == FORM_NONE) {
        if (refused != NULL)
            *refused = (struct sid_refused_key){.why = SID_KEY_MALFORMED};
        return SID_E_UNAUTHENTICATED;
    }
    enum sid_err err =
        sid_sha256(sid_span_of(shown->text, shown->len), holder.holder_hash);
    if (err == SID_OK)
        *out = holder;
    return err;
}

enum sid_err
sid_keyset_role(struct sid_keyset *set, const char *client_id,
                enum sid_role *out) {
    (void)pthread_rwlock_rdlock(&set->lock);
    const struct entry *at = find_id(set, client_id);
    if (at != NULL)
        *out = at->role;
    (void)pthread_rwlock_unlock(&set->lock);
    return at == NULL ? SID_E_NOT_FOUND : SID_OK;
}

/* ---- counts ------------------------------------------------------------- */

uint64_t
sid_keyset_failures(struct sid_keyset *set, const char *client_id) {
    (void)pthread_rwlock_rdlock(&set->lock);
    const struct entry *at = find_id(set, client_id);
    uint64_t failures = at == NULL ? 0 : atomic_load(&at->failures);
    (void)pthread_rwlock_unlock(&set->lock);
    return failures;
}

void
sid_keyset_ages(struct sid_keyset *set, enum sid_role role, int64_t now_s,
                struct sid_key_ages *out) {
    struct sid_key_ages ages = {0};
    (void)pthread_rwlock_rdlock(&set->lock);
    for (size_t i = 0; i < set->count; i++) {
        const struct entry *at = &set->entry[i];
        if (atomic_load(&at->state->revoked) || at->role != role)
            continue;
        int64_t left_s = at->expires_at_s - now_s;
        ages.expired += left_s <= 0;
        ages.soon += left_s > 0 && left_s <= SID_KEY_WARN_SOON_S;
        ages.warn += left_s > 0 && left_s <= SID_KEY_WARN_S;
    }
    (void)pthread_rwlock_unlock(&set->lock);
    *out = ages;
}
