/* legacy.h: algorithms that other people's protocols force on us. NOT for
 * anything of our own.
 *
 * SHA-1 is broken as a hash (collisions can be made), and AES-CBC without
 * authentication can be changed in flight: WeChat's server protocol uses both.
 * Only src/wechat may include this (tests/lint/layers.sh); everything that is
 * ours to choose goes through mac.h and aead.h. Algorithms are fetched once by
 * sid_crypto_init(). Any thread. */
#ifndef SMARTID_LEGACY_H
#define SMARTID_LEGACY_H

#include <stddef.h>
#include <stdint.h>

#include "smartid/buf.h"
#include "smartid/err.h"

#define SID_SHA1_BYTES 20

/* SHA-1 over `n` parts, as if they stood one behind the other. Errors:
 * SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err sid_legacy_sha1(const struct sid_span *parts,
                                          size_t n,
                                          uint8_t out[SID_SHA1_BYTES]);

#define SID_CBC_KEY_BYTES 32
#define SID_CBC_BLOCK_BYTES 16

/* AES-256-CBC without padding: in.len must be a multiple of 16 and not 0; out
 * has as many bytes, and may be in.ptr itself; it is wiped on failure. Errors:
 * SID_E_ARGUMENT (length; out untouched), SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err
sid_legacy_cbc_encrypt(const uint8_t key[SID_CBC_KEY_BYTES],
                       const uint8_t iv[SID_CBC_BLOCK_BYTES],
                       struct sid_span in, uint8_t *out);
SID_FALLIBLE enum sid_err
sid_legacy_cbc_decrypt(const uint8_t key[SID_CBC_KEY_BYTES],
                       const uint8_t iv[SID_CBC_BLOCK_BYTES],
                       struct sid_span in, uint8_t *out);

#endif
