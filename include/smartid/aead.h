/* aead.h: the one seam through which stored personal data is sealed and opened:
 * AES-256-GCM, 96-bit random nonce, additional data that binds a value to its
 * place; and the single AES-256 block that hides a code's handle.
 *
 * Sealed form: 1 byte format (1), 1 byte key version, 12 bytes nonce,
 * ciphertext, 16 bytes tag. A key object is immutable: any number of threads.
 */
#ifndef SMARTID_AEAD_H
#define SMARTID_AEAD_H

#include <stdint.h>

#include "smartid/buf.h"
#include "smartid/err.h"
#include "smartid/mac.h"

#define SID_SEAL_OVERHEAD_BYTES 30

struct sid_aead_key;

/* Copies the 32 key bytes into the secure heap. version: 1..255, stored in each
 * sealed value. Errors: SID_E_CRYPTO, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_aead_key_new(const uint8_t key[SID_KEY_BYTES],
                                           uint8_t version,
                                           struct sid_aead_key **out);
void sid_aead_key_free(struct sid_aead_key **key);

/* Where a value lies; becomes the additional data
 * "table|column|row|key version". All borrowed. */
struct sid_place {
    const char *table;
    const char *column;
    const char *row; /* the row's public id */
};

/* Seals `plain` (not empty) into *out (must be empty; owned by the caller).
 * Errors: SID_E_ARGUMENT (empty), SID_E_CRYPTO, SID_E_IO (no randomness),
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_seal(const struct sid_aead_key *key,
                                   const struct sid_place *place,
                                   struct sid_span plain, struct sid_buf *out);

/* Opens what sid_seal made for the same place. Errors: SID_E_SEAL (any
 * difference: key, place, bytes, length), SID_E_CRYPTO, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_open(const struct sid_aead_key *key,
                                   const struct sid_place *place,
                                   struct sid_span sealed, struct sid_buf *out);

#define SID_BLOCK_BYTES 16
struct sid_block_key;
/* One AES-256 block under a key of its own (no mode: exactly 16 bytes). */
SID_FALLIBLE enum sid_err sid_block_key_new(const uint8_t key[SID_KEY_BYTES],
                                            struct sid_block_key **out);
void sid_block_key_free(struct sid_block_key **key);
SID_FALLIBLE enum sid_err sid_block_encrypt(const struct sid_block_key *key,
                                            const uint8_t in[SID_BLOCK_BYTES],
                                            uint8_t out[SID_BLOCK_BYTES]);
SID_FALLIBLE enum sid_err sid_block_decrypt(const struct sid_block_key *key,
                                            const uint8_t in[SID_BLOCK_BYTES],
                                            uint8_t out[SID_BLOCK_BYTES]);

#endif
