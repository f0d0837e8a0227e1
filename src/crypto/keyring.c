/* keyring.c: the tree of keys: each one HKDF-SHA-256 of the master key with an
 * info of its own. Made by main before threads start, read by any thread, freed
 * by main after they ended; owns every key in it. */
#include "smartid/keyring.h"

#include <stdio.h>
#include <stdlib.h>

#include "smartid/secretfile.h"

#define DATA_KEY_VERSION 1
#define CODE_KEY_CURRENT 1
/* Code keys known, by id; id 0 is never used. */
#define CODE_KEYS 2

struct code_key {
    struct sid_mac_key *mac;
    struct sid_block_key *handle;
};

struct sid_keyring {
    struct sid_aead_key *data;
    struct sid_mac_key *blind;
    struct sid_mac_key *holder;
    struct sid_mac_key *audit;
    struct code_key code[CODE_KEYS];
};

static enum sid_err
derive_mac(const uint8_t *master, const char *info, struct sid_mac_key **out) {
    uint8_t key[SID_KEY_BYTES];
    enum sid_err err = sid_hkdf(master, info, key);
    if (err == SID_OK)
        err = sid_mac_key_new(key, out);
    sid_wipe(key, sizeof key);
    return err;
}

static enum sid_err
derive_data(const uint8_t *master, struct sid_aead_key **out) {
    uint8_t key[SID_KEY_BYTES];
    enum sid_err err = sid_hkdf(master, "smartidd/data/v1", key);
    if (err == SID_OK)
        err = sid_aead_key_new(key, DATA_KEY_VERSION, out);
    sid_wipe(key, sizeof key);
    return err;
}

static enum sid_err
derive_code(const uint8_t *master, unsigned kid, struct code_key *out) {
    char info[SID_HKDF_INFO_MAX_BYTES];
    (void)snprintf(info, sizeof info, "smartidd/code/mac/%u", kid);
    enum sid_err err = derive_mac(master, info, &out->mac);
    if (err != SID_OK)
        return err;
    (void)snprintf(info, sizeof info, "smartidd/code/handle/%u", kid);
    uint8_t key[SID_KEY_BYTES];
    err = sid_hkdf(master, info, key);
    if (err == SID_OK)
        err = sid_block_key_new(key, &out->handle);
    sid_wipe(key, sizeof key);
    return err;
}

enum sid_err
sid_keyring_new(const uint8_t master[SID_KEY_BYTES], struct sid_keyring **out) {
    struct sid_keyring *ring = calloc(1, sizeof *ring);
    if (ring == NULL)
        return SID_E_NO_MEMORY;
    enum sid_err err = derive_data(master, &ring->data);
    if (err == SID_OK)
        err = derive_mac(master, "smartidd/blind/v1", &ring->blind);
    if (err == SID_OK)
        err = derive_mac(master, "smartidd/holder/v1", &ring->holder);
    if (err == SID_OK)
        err = derive_mac(master, "smartidd/audit/v1", &ring->audit);
    for (unsigned kid = 1; kid < CODE_KEYS && err == SID_OK; kid++)
        err = derive_code(master, kid, &ring->code[kid]);
    if (err == SID_OK) {
        *out = ring;
        ring = NULL;
    }
    sid_keyring_free(&ring);
    return err;
}

enum sid_err
sid_keyring_load(const char *path, struct sid_keyring **out) {
    uint8_t master[SID_KEY_BYTES];
    enum sid_err err = sid_secretfile_read(path, master, sizeof master);
    if (err == SID_OK)
        err = sid_keyring_new(master, out);
    sid_wipe(master, sizeof master);
    return err;
}

void
sid_keyring_free(struct sid_keyring **ring) {
    if (*ring == NULL)
        return;
    sid_aead_key_free(&(*ring)->data);
    sid_mac_key_free(&(*ring)->blind);
    sid_mac_key_free(&(*ring)->holder);
    sid_mac_key_free(&(*ring)->audit);
    for (unsigned kid = 0; kid < CODE_KEYS; kid++) {
        sid_mac_key_free(&(*ring)->code[kid].mac);
        sid_block_key_free(&(*ring)->code[kid].handle);
    }
    free(*ring);
    *ring = NULL;
}

const struct sid_aead_key *
sid_keyring_data(const struct sid_keyring *ring) {
    return ring->data;
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

uint8_t
sid_keyring_code_current(const struct sid_keyring *ring) {
    (void)ring;
    return CODE_KEY_CURRENT;
}

int
sid_keyring_code(const struct sid_keyring *ring, uint8_t kid,
                 const struct sid_mac_key **mac,
                 const struct sid_block_key **handle) {
    if (kid >= CODE_KEYS || ring->code[kid].mac == NULL)
        return 0;
    *mac = ring->code[kid].mac;
    *handle = ring->code[kid].handle;
    return 1;
}
