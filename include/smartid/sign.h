/* sign.h: Ed25519 signatures (RFC 8032) over OpenSSL's EVP: what the daemon
 * says to somebody who shall not be able to say it himself. A key object is
 * immutable: any thread. */
#ifndef SMARTID_SIGN_H
#define SMARTID_SIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "smartid/buf.h"
#include "smartid/err.h"
#include "smartid/mac.h"

#define SID_SIGNATURE_BYTES 64
#define SID_PUBLIC_KEY_BYTES 32

struct sid_sign_key;

/* Makes the key pair of a 32-byte seed (borrowed). Errors: SID_E_CRYPTO,
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_sign_key_new(const uint8_t seed[SID_KEY_BYTES],
                                           struct sid_sign_key **out);
void sid_sign_key_free(struct sid_sign_key **key);
void sid_sign_public(const struct sid_sign_key *key,
                     uint8_t out[SID_PUBLIC_KEY_BYTES]);

/* Errors: SID_E_CRYPTO, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_sign(const struct sid_sign_key *key,
                                   struct sid_span text,
                                   uint8_t out[SID_SIGNATURE_BYTES]);
/* *good: whether the signature is the public key owner's. Errors: SID_E_CRYPTO
 * (it could not be found out; out untouched). */
SID_FALLIBLE enum sid_err
sid_sign_check(const uint8_t public_key[SID_PUBLIC_KEY_BYTES],
               struct sid_span text,
               const uint8_t signature[SID_SIGNATURE_BYTES], bool *good);
/* The same for who does not believe what could not be found out. */
bool sid_sign_verify(const uint8_t public_key[SID_PUBLIC_KEY_BYTES],
                     struct sid_span text,
                     const uint8_t signature[SID_SIGNATURE_BYTES]);

#endif
