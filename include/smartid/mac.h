/* mac.h: SHA-256, HMAC-SHA-256 and HKDF-SHA-256 over OpenSSL's EVP.
 *
 * Algorithms are fetched once by sid_crypto_init(). A sid_mac_key is immutable
 * after it was made and may be used by any number of threads at once. */
#ifndef SMARTID_MAC_H
#define SMARTID_MAC_H

#include <stddef.h>
#include <stdint.h>

#include "smartid/buf.h"
#include "smartid/err.h"

#define SID_SHA256_BYTES 32
#define SID_KEY_BYTES 32

/* Once, first thing in main, before threads: secure heap (64 KiB, smallest
 * block 32 bytes; Source: reliability notes 3.3), algorithms. Errors:
 * SID_E_CRYPTO. sid_crypto_fini() undoes it, after all keys are freed. */
SID_FALLIBLE enum sid_err sid_crypto_init(void);
void sid_crypto_fini(void);

/* SHA-256 of a span. Errors: SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err sid_sha256(struct sid_span in,
                                     uint8_t out[SID_SHA256_BYTES]);

/* An incremental SHA-256, for hashing a body while it arrives. */
struct sid_sha256;
SID_FALLIBLE enum sid_err sid_sha256_new(struct sid_sha256 **out);
SID_FALLIBLE enum sid_err sid_sha256_update(struct sid_sha256 *ctx,
                                            struct sid_span in);
SID_FALLIBLE enum sid_err sid_sha256_final(struct sid_sha256 *ctx,
                                           uint8_t out[SID_SHA256_BYTES]);
void sid_sha256_free(struct sid_sha256 **ctx);

/* HKDF-SHA-256 (RFC 5869), empty salt: 32 bytes from key and info. The info is
 * distinct for each use of the master key. Errors: SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err sid_hkdf(const uint8_t key[SID_KEY_BYTES],
                                   const char *info,
                                   uint8_t out[SID_KEY_BYTES]);

/* The same from a key of any length up to SID_HKDF_KEY_MAX_BYTES and an info
 * of up to SID_HKDF_INFO_MAX_BYTES. Errors: SID_E_ARGUMENT (lengths),
 * SID_E_CRYPTO. */
#define SID_HKDF_KEY_MAX_BYTES 64
#define SID_HKDF_INFO_MAX_BYTES 63
SID_FALLIBLE enum sid_err sid_hkdf_from(struct sid_span key, const char *info,
                                        uint8_t out[SID_KEY_BYTES]);

struct sid_mac_key;

/* Takes a copy of the 32 bytes into the secure heap. Errors: SID_E_CRYPTO,
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_mac_key_new(const uint8_t key[SID_KEY_BYTES],
                                          struct sid_mac_key **out);
void sid_mac_key_free(struct sid_mac_key **key);

/* HMAC-SHA-256 over up to `n` parts, as if they stood one behind the other.
 * Errors: SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err sid_mac(const struct sid_mac_key *key,
                                  const struct sid_span *parts, size_t n,
                                  uint8_t out[SID_SHA256_BYTES]);

#endif
