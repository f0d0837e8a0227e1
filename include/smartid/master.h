/* master.h: the master key, which wraps every other key.
 *
 * HKDF-SHA-256 makes one wrapping key per use of it (the infos stand in
 * SID_KEY_USE_MAP); the keys themselves are random, lie wrapped in the
 * database, and are opened into the keyring. So the master key can be changed
 * by wrapping a handful of rows again. Made by main, immutable: any thread. */
#ifndef SMARTID_MASTER_H
#define SMARTID_MASTER_H

#include <stdint.h>

#include "smartid/aead.h"
#include "smartid/err.h"

/* X(symbol, stored name, HKDF info of the key that wraps it) */
#define SID_KEY_USE_MAP(X)                                                     \
    /* blind index, holder secrets, audit, pseudonyms, webhooks come of it */  \
    X(SID_KEY_ROOT, "root", "smartidd/wrap-root/v1")                           \
    /* wraps each person's own data key */                                     \
    X(SID_KEY_DATA, "data", "smartidd/wrap-data/v1")                           \
    /* wraps each person's own template key */                                 \
    X(SID_KEY_TEMPLATE, "template", "smartidd/wrap-template/v1")               \
    /* MAC and handle of the codes */                                          \
    X(SID_KEY_CODE, "code", "smartidd/wrap-code/v1")
enum sid_key_use {
#define SID_KEY_USE_ENUM(sym, name, info) sym,
    SID_KEY_USE_MAP(SID_KEY_USE_ENUM)
#undef SID_KEY_USE_ENUM
        SID_KEY_USE_COUNT
};
const char *sid_key_use_name(enum sid_key_use use);
/* Errors: SID_E_FIELD_INVALID. */
SID_FALLIBLE enum sid_err sid_key_use_parse(const char *name,
                                            enum sid_key_use *out);

/* A key and the seal around it. */
#define SID_WRAPPED_BYTES (SID_KEY_BYTES + SID_SEAL_OVERHEAD_BYTES)

struct sid_master;

/* Derives from 32 bytes (borrowed; the caller wipes them). Errors:
 * SID_E_CRYPTO, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_master_new(const uint8_t key[SID_KEY_BYTES],
                                         struct sid_master **out);
/* Reads the key file and derives. Errors: those of sid_secretfile_read() and
 * of sid_master_new(). */
SID_FALLIBLE enum sid_err sid_master_load(const char *path,
                                          struct sid_master **out);
void sid_master_free(struct sid_master **master);
/* Says which master key this is, and nothing about it: 16 hex digits of what
 * HKDF gives for that alone. */
#define SID_FINGERPRINT_SIZE 17
void sid_master_fingerprint(const struct sid_master *master,
                            char out[SID_FINGERPRINT_SIZE]);

/* Wraps a key for its row (use, version 1..255), and opens it again. Errors:
 * SID_E_CRYPTO, SID_E_IO, SID_E_NO_MEMORY; of unwrap also SID_E_WRONG_KEY
 * (another master key, another row, or changed). */
SID_FALLIBLE enum sid_err sid_master_wrap(const struct sid_master *master,
                                          enum sid_key_use use, int version,
                                          const uint8_t key[SID_KEY_BYTES],
                                          uint8_t out[SID_WRAPPED_BYTES]);
SID_FALLIBLE enum sid_err
sid_master_unwrap(const struct sid_master *master, enum sid_key_use use,
                  int version, const uint8_t wrapped[SID_WRAPPED_BYTES],
                  uint8_t out[SID_KEY_BYTES]);

#endif
