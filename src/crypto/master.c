/* master.c: wrapping of keys by what the master key gives (see master.h). Any
 * thread after sid_crypto_init(); a master object owns its wrapping keys. */
#include "smartid/master.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/secretfile.h"
#include "smartid/text.h"

/* The wrapping keys are never rotated by themselves: a new master key makes
 * new ones. */
#define WRAP_VERSION 1

#define FINGERPRINT_INFO "smartid master fingerprint 1"

struct sid_master {
    struct sid_aead_key *wrap[SID_KEY_USE_COUNT];
    char fingerprint[SID_FINGERPRINT_SIZE];
};

static const struct {
    const char *name;
    const char *info;
} uses[SID_KEY_USE_COUNT] = {
#define SID_KEY_USE_ROW(sym, name, info) [sym] = {name, info},
    SID_KEY_USE_MAP(SID_KEY_USE_ROW)
#undef SID_KEY_USE_ROW
};

const char *
sid_key_use_name(enum sid_key_use use) {
    SID_ASSERT((unsigned)use < SID_KEY_USE_COUNT);
    return uses[use].name;
}

enum sid_err
sid_key_use_parse(const char *name, enum sid_key_use *out) {
    for (size_t i = 0; i < SID_KEY_USE_COUNT; i++) {
        if (strcmp(uses[i].name, name) == 0) {
            *out = (enum sid_key_use)i;
            return SID_OK;
        }
    }
    return SID_E_FIELD_INVALID;
}

enum sid_err
sid_master_new(const uint8_t key[SID_KEY_BYTES], struct sid_master **out) {
    struct sid_master *master = calloc(1, sizeof *master);
    if (master == NULL)
        return SID_E_NO_MEMORY;
    uint8_t raw[SID_KEY_BYTES];
    enum sid_err err = SID_OK;
    for (size_t i = 0; i < SID_KEY_USE_COUNT && err == SID_OK; i++) {
        err = sid_hkdf(key, uses[i].info, raw);
        if (err == SID_OK)
            err = sid_aead_key_new(raw, WRAP_VERSION, &master->wrap[i]);
    }
    if (err == SID_OK)
        err = sid_hkdf(key, FINGERPRINT_INFO, raw);
    if (err == SID_OK)
        sid_hex_encode(raw, SID_FINGERPRINT_SIZE / 2, master->fingerprint);
    sid_wipe(raw, sizeof raw);
    if (err == SID_OK) {
        *out = master;
        master = NULL;
    }
    sid_master_free(&master);
    return err;
}

enum sid_err
sid_master_load(const char *path, struct sid_master **out) {
    uint8_t key[SID_KEY_BYTES];
    enum sid_err err = sid_secretfile_read(path, key, sizeof key);
    if (err == SID_OK)
        err = sid_master_new(key, out);
    sid_wipe(key, sizeof key);
    return err;
}

void
sid_master_fingerprint(const struct sid_master *master,
                       char out[SID_FINGERPRINT_SIZE]) {
    memcpy(out, master->fingerprint, SID_FINGERPRINT_SIZE);
}

void
sid_master_free(struct sid_master **master) {
    if (*master == NULL)
        return;
    for (size_t i = 0; i < SID_KEY_USE_COUNT; i++)
        sid_aead_key_free(&(*master)->wrap[i]);
    free(*master);
    *master = NULL;
}

/* "data/3" */
#define ROW_SIZE 16
static struct sid_place
place_of(enum sid_key_use use, int version, char row[ROW_SIZE]) {
    SID_ASSERT(version >= 1 && version <= 255);
    (void)snprintf(row, ROW_SIZE, "%s/%d", sid_key_use_name(use), version);
    return (struct sid_place){"wrapped_key", "wrapped", row};
}

enum sid_err
sid_master_wrap(const struct sid_master *master, enum sid_key_use use,
                int version, const uint8_t key[SID_KEY_BYTES],
                uint8_t out[SID_WRAPPED_BYTES]) {
    char row[ROW_SIZE];
    struct sid_place place = place_of(use, version, row);
    struct sid_buf sealed = SID_BUF_EMPTY;
    enum sid_err err = sid_seal(master->wrap[use], &place,
                                sid_span_of(key, SID_KEY_BYTES), &sealed);
    if (err != SID_OK)
        return err;
    SID_ASSERT(sealed.len == SID_WRAPPED_BYTES);
    memcpy(out, sealed.ptr, SID_WRAPPED_BYTES);
    sid_buf_free(&sealed);
    return SID_OK;
}

enum sid_err
sid_master_unwrap(const struct sid_master *master, enum sid_key_use use,
                  int version, const uint8_t wrapped[SID_WRAPPED_BYTES],
                  uint8_t out[SID_KEY_BYTES]) {
    char row[ROW_SIZE];
    struct sid_place place = place_of(use, version, row);
    struct sid_buf plain = SID_BUF_EMPTY;
    enum sid_err err =
        sid_open(master->wrap[use], &place,
                 sid_span_of(wrapped, SID_WRAPPED_BYTES), &plain);
    if (err == SID_E_SEAL)
        return SID_E_WRONG_KEY;
    if (err == SID_OK)
        memcpy(out, plain.ptr, SID_KEY_BYTES);
    sid_buf_free(&plain);
    return err;
}
