/* wechat_crypt.h: the signatures and the envelope of WeChat's server protocol.
 *
 * Pure: random bytes and keys come in. WeChat signs with SHA-1 and encrypts
 * with AES-256-CBC (see legacy.h); that is the protocol's choice, not ours.
 * Any thread after sid_crypto_init(). Source of every figure here:
 * developers.weixin.qq.com, doc/subscription/guide/dev/push/encryption. */
#ifndef SMARTID_WECHAT_CRYPT_H
#define SMARTID_WECHAT_CRYPT_H

#include <stddef.h>
#include <stdint.h>

#include "smartid/buf.h"
#include "smartid/err.h"

/* A pushed body, encrypted or not. Source: issue 7; the longest text that a
 * user can send has a few kilobytes, and compat mode triples it. */
#define SID_WECHAT_BODY_MAX_BYTES ((size_t)65536)

#define SID_WECHAT_SIGNATURE_CHARS 40
#define SID_WECHAT_SIGNATURE_SIZE (SID_WECHAT_SIGNATURE_CHARS + 1)

/* EncodingAESKey: 43 characters of Base64 that stand for 32 bytes. */
#define SID_WECHAT_AES_KEY_CHARS 43
struct sid_wechat_aes_key {
    uint8_t bytes[32]; /* its owner wipes it */
};

/* Reads an EncodingAESKey. The last character's spare bits may be set: in the
 * keys that WeChat hands out they usually are. Errors: SID_E_SECRET_FORMAT. */
SID_FALLIBLE enum sid_err
sid_wechat_aes_key_parse(const char *text, struct sid_wechat_aes_key *out);

/* Signs: lower-case hex of the SHA-1 of the parts (at most 4), sorted by their
 * bytes. Errors: SID_E_CRYPTO. */
#define SID_WECHAT_SIGNED_MAX 4
SID_FALLIBLE enum sid_err sid_wechat_sign(const struct sid_span *parts,
                                          size_t n,
                                          char out[SID_WECHAT_SIGNATURE_SIZE]);

/* Compares the parts' signature with the claimed one in constant time. Errors:
 * SID_E_PUSH_SIGNATURE (another one, another length, upper-case digits),
 * SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err
sid_wechat_signature_check(const struct sid_span *parts, size_t n,
                           const char *claimed);

/* Opens <encrypted> (Base64) with the first of the keys that fits: the current
 * one, then the previous one. *out (must be empty) gets the message, *used the
 * index of the key. Errors: SID_E_PUSH_SEALED (Base64, length, padding,
 * message length, or an app id that is not app_id), SID_E_CRYPTO,
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err
sid_wechat_decrypt(const struct sid_wechat_aes_key *keys, size_t key_n,
                   const char *app_id, struct sid_span encrypted,
                   struct sid_buf *out, size_t *used);

/* Seals a message of up to SID_WECHAT_BODY_MAX_BYTES; *out (must be empty)
 * gets Base64. random: fresh for each message. Errors: SID_E_ARGUMENT (too
 * long), SID_E_CRYPTO, SID_E_NO_MEMORY. */
#define SID_WECHAT_RANDOM_BYTES 16
SID_FALLIBLE enum sid_err
sid_wechat_encrypt(const struct sid_wechat_aes_key *key, const char *app_id,
                   const uint8_t random[SID_WECHAT_RANDOM_BYTES],
                   struct sid_span message, struct sid_buf *out);

#endif
