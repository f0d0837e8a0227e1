/* keyring.c: the keys in force, by use and version (see keyring.h). Changes are
 * made under a lock; a look-up reads one pointer. Owns every key in it. */
#include "smartid/keyring.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define VERSIONS (SID_KEY_VERSION_MAX + 1)

/* What a key of one version gives. */
struct entry {
    int64_t made_at_s;
    struct sid_aead_key *wrap;    /* data, template */
    struct sid_mac_key *mac;      /* code, template (its transform) */
    struct sid_block_key *handle; /* code */
    struct sid_sign_key *offline; /* code */
    struct entry *next;           /* in `retired` */
};

struct sid_keyring {
    pthread_mutex_t lock; /* of changes */
    _Atomic(struct entry *) slot[SID_KEY_USE_COUNT][VERSIONS];
    _Atomic int current[SID_KEY_USE_COUNT];
    struct entry *retired; /* may still be in somebody's hands */
    struct sid_mac_key *blind, *holder, *audit, *pseudonym, *webhook;
    struct sid_sign_key *head;
};

enum sid_err
sid_keyring_new(struct sid_keyring **out) {
    struct sid_keyring *ring = calloc(1, sizeof *ring);
    if (ring == NULL)
        return SID_E_NO_MEMORY;
    if (pthread_mutex_init(&ring->lock, NULL) != 0) {
        free(ring);
        return SID_E_NO_MEMORY;
    }
    *out = ring;
    return SID_OK;
}

static void
entry_free(struct entry *entry) {
    if (entry == NULL)
        return;
    sid_aead_key_free(&entry->wrap);
    sid_mac_key_free(&entry->mac);
    sid_block_key_free(&entry->handle);
    sid_sign_key_free(&entry->offline);
    free(entry);
}

static void
free_root(struct sid_keyring *ring) {
    sid_mac_key_free(&ring->blind);
    sid_mac_key_free(&ring->holder);
    sid_mac_key_free(&ring->audit);
    sid_mac_key_free(&ring->pseudonym);
    sid_mac_key_free(&ring->webhook);
    sid_sign_key_free(&ring->head);
}

void
sid_keyring_free(struct sid_keyring **ring) {
    struct sid_keyring *me = *ring;
    if (me == NULL)
        return;
    *ring = NULL;
    for (int use = 0; use < SID_KEY_USE_COUNT; use++) {
        for (int version = 0; version < VERSIONS; version++)
            entry_free(atomic_load(&me->slot[use][version]));
    }
    while (me->retired != NULL) {
        struct entry *entry = me->retired;
        me->retired = entry->next;
        entry_free(entry);
    }
    free_root(me);
    (void)pthread_mutex_destroy(&me->lock);
    free(me);
}

/* ---- putting ------------------------------------------------------------- */

static enum sid_err
derive_mac(const uint8_t *key, const char *info, struct sid_mac_key **out) {
    uint8_t raw[SID_KEY_BYTES];
    enum sid_err err = sid_hkdf(key, info, raw);
    if (err == SID_OK)
        err = sid_mac_key_new(raw, out);
    sid_wipe(raw, sizeof raw);
    return err;
}

static enum sid_err
derive_sign(const uint8_t *key, const char *info, struct sid_sign_key **out) {
    uint8_t raw[SID_KEY_BYTES];
    enum sid_err err = sid_hkdf(key, info, raw);
    if (err == SID_OK)
        err = sid_sign_key_new(raw, out);
    sid_wipe(raw, sizeof raw);
    return err;
}

static enum sid_err
derive_root(struct sid_keyring *ring, const uint8_t *key) {
    enum sid_err err = derive_mac(key, "smartidd/blind/v1", &ring->blind);
    if (err == SID_OK)
        err = derive_mac(key, "smartidd/holder/v1", &ring->holder);
    if (err == SID_OK)
        err = derive_mac(key, "smartidd/audit/v1", &ring->audit);
    if (err == SID_OK)
        err = derive_mac(key, "smartidd/pseudonym/v1", &ring->pseudonym);
    if (err == SID_OK)
        err = derive_mac(key, "smartidd/webhook/v1", &ring->webhook);
    if (err == SID_OK)
        err = derive_sign(key, "smartidd/audit-head/v1", &ring->head);
    if (err != SID_OK)
        free_root(ring);
    return err;
}

static enum sid_err
derive_code(const uint8_t *key, int kid, struct entry *out) {
    char info[SID_HKDF_INFO_MAX_BYTES];
    (void)snprintf(info, sizeof info, "smartidd/code/mac/%d", kid);
    enum sid_err err = derive_mac(key, info, &out->mac);
    if (err != SID_OK)
        return err;
    (void)snprintf(info, sizeof info, "smartidd/code/handle/%d", kid);
    uint8_t raw[SID_KEY_BYTES];
    err = sid_hkdf(key, info, raw);
    if (err == SID_OK)
        err = sid_block_key_new(raw, &out->handle);
    sid_wipe(raw, sizeof raw);
    if (err != SID_OK)
        return err;
    (void)snprintf(info, sizeof info, "smartidd/code/offline/%d", kid);
    return derive_sign(key, info, &out->offline);
}

static enum sid_err
derive_template(const uint8_t *key, int version, struct entry *out) {
    enum sid_err err = derive_mac(key, "smartidd/transform/v1", &out->mac);
    if (err == SID_OK)
        err = sid_aead_key_new(key, (uint8_t)version, &out->wrap);
    return err;
}

static enum sid_err
derive(struct sid_keyring *ring, enum sid_key_use use, int version,
       const uint8_t *key, struct entry *out) {
    SID_ASSERT(use < SID_KEY_USE_COUNT);
    if (use == SID_KEY_ROOT)
        return derive_root(ring, key);
    if (use == SID_KEY_DATA)
        return sid_aead_key_new(key, (uint8_t)version, &out->wrap);
    return use == SID_KEY_TEMPLATE ? derive_template(key, version, out)
                                   : derive_code(key, version, out);
}

static void
make_current(struct sid_keyring *ring, enum sid_key_use use, int version) {
    if (version > atomic_load(&ring->current[use]))
        atomic_store(&ring->current[use], version);
}

enum sid_err
sid_keyring_put(struct sid_keyring *ring, enum sid_key_use use, int version,
                int64_t made_at_s, const uint8_t key[SID_KEY_BYTES]) {
    enum sid_err err =
        sid_keyring_put_ahead(ring, use, version, made_at_s, key);
    if (err == SID_OK)
        sid_keyring_use(ring, use, version);
    return err;
}

void
sid_keyring_use(struct sid_keyring *ring, enum sid_key_use use, int version) {
    (void)pthread_mutex_lock(&ring->lock);
    make_current(ring, use, version);
    (void)pthread_mutex_unlock(&ring->lock);
}

enum sid_err
sid_keyring_put_ahead(struct sid_keyring *ring, enum sid_key_use use,
                      int version, int64_t made_at_s,
                      const uint8_t key[SID_KEY_BYTES]) {
    if (version < 1 || version > SID_KEY_VERSION_MAX ||
        (use == SID_KEY_ROOT && version != 1))
        return SID_E_ARGUMENT;
    struct entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL)
        return SID_E_NO_MEMORY;
    entry->made_at_s = made_at_s;
    (void)pthread_mutex_lock(&ring->lock);
    enum sid_err err = atomic_load(&ring->slot[use][version]) != NULL
                           ? SID_E_EXISTS
                           : derive(ring, use, version, key, entry);
    if (err == SID_OK) {
        atomic_store(&ring->slot[use][version], entry);
        entry = NULL;
    }
    (void)pthread_mutex_unlock(&ring->lock);
    entry_free(entry);
    return err;
}

enum sid_err
sid_keyring_new_fixed(const uint8_t seed[SID_KEY_BYTES],
                      struct sid_keyring **out) {
    struct sid_keyring *ring = NULL;
    enum sid_err err = sid_keyring_new(&ring);
    for (int use = 0; use < SID_KEY_USE_COUNT && err == SID_OK; use++) {
        uint8_t key[SID_KEY_BYTES];
        err = sid_hkdf(seed, sid_key_use_name((enum sid_key_use)use), key);
        if (err == SID_OK)
            err = sid_keyring_put(ring, (enum sid_key_use)use, 1, 0, key);
        sid_wipe(key, sizeof key);
    }
    if (err == SID_OK)
        *out = ring;
    else
        sid_keyring_free(&ring);
    return err;
}

void
sid_keyring_retire(struct sid_keyring *ring, enum sid_key_use use,
                   int version) {
    (void)pthread_mutex_lock(&ring->lock);
    struct entry *entry = atomic_exchange(&ring->slot[use][version], NULL);
    if (entry != NULL) {
        entry->next = ring->retired;
        ring->retired = entry;
    }
    (void)pthread_mutex_unlock(&ring->lock);
}

/* ---- looking up ---------------------------------------------------------- */

static const struct entry *
entry_of(const struct sid_keyring *ring, enum sid_key_use use, int version) {
    if (version < 1 || version > SID_KEY_VERSION_MAX)
        return NULL;
    return atomic_load_explicit(&ring->slot[use][version],
                                memory_order_acquire);
}

bool
sid_keyring_has(const struct sid_keyring *ring, enum sid_key_use use,
                int version) {
    return entry_of(ring, use, version) != NULL;
}

int
sid_keyring_current(const struct sid_keyring *ring, enum sid_key_use use) {
    return atomic_load(&ring->current[use]);
}

const struct sid_aead_key *
sid_keyring_wrap(const struct sid_keyring *ring, enum sid_key_use use,
                 int version) {
    const struct entry *entry = entry_of(ring, use, version);
    return entry == NULL ? NULL : entry->wrap;
}

const struct sid_mac_key *
sid_keyring_transform(const struct sid_keyring *ring, int version) {
    const struct entry *entry = entry_of(ring, SID_KEY_TEMPLATE, version);
    return entry == NULL ? NULL : entry->mac;
}

const struct sid_mac_key *
sid_keyring_blind(const struct sid_keyring *ring) {
    return ring->blind;
}

const struct sid_mac_key *
sid_keyring_holder(const struct sid_keyring *ring) {
    return ring->holder;
}

const struct sid_mac_key *
sid_keyring_audit(const struct sid_keyring *ring) {
    return ring->audit;
}

const struct sid_mac_key *
sid_keyring_pseudonym(const struct sid_keyring *ring) {
    return ring->pseudonym;
}

const struct sid_mac_key *
sid_keyring_webhook(const struct sid_keyring *ring) {
    return ring->webhook;
}

const struct sid_sign_key *
sid_keyring_head(const struct sid_keyring *ring) {
    return ring->head;
}

int
sid_keyring_code_at(const struct sid_keyring *ring, int64_t at_s) {
    int found = 0;
    int current = sid_keyring_current(ring, SID_KEY_CODE);
    for (int kid = 1; kid <= current; kid++) {
        const struct entry *entry = entry_of(ring, SID_KEY_CODE, kid);
        if (entry == NULL)
            continue;
        if (entry->made_at_s >= at_s)
            return found != 0 ? found : kid;
        found = kid;
    }
    return found;
}

bool
sid_keyring_code(const struct sid_keyring *ring, int kid,
                 const struct sid_mac_key **mac,
                 const struct sid_block_key **handle) {
    const struct entry *entry = entry_of(ring, SID_KEY_CODE, kid);
    if (entry == NULL)
        return false;
    *mac = entry->mac;
    *handle = entry->handle;
    return true;
}

const struct sid_sign_key *
sid_keyring_offline(const struct sid_keyring *ring, int kid) {
    const struct entry *entry = entry_of(ring, SID_KEY_CODE, kid);
    return entry == NULL ? NULL : entry->offline;
}
