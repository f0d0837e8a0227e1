/* sign.c: Ed25519 over OpenSSL's EVP (see sign.h). Any thread; a key object
 * owns its EVP_PKEY. OpenSSL keeps the seed of an Ed25519 key in the secure
 * heap by itself. */
#include "smartid/sign.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct sid_sign_key {
    EVP_PKEY *pair;
    uint8_t public_key[SID_PUBLIC_KEY_BYTES];
};

enum sid_err
sid_sign_key_new(const uint8_t seed[SID_KEY_BYTES], struct sid_sign_key **out) {
    struct sid_sign_key *made = calloc(1, sizeof *made);
    if (made == NULL)
        return SID_E_NO_MEMORY;
    size_t len = sizeof made->public_key;
    made->pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed,
                                              SID_KEY_BYTES);
    if (made->pair == NULL ||
        EVP_PKEY_get_raw_public_key(made->pair, made->public_key, &len) != 1) {
        sid_sign_key_free(&made);
        return SID_E_CRYPTO;
    }
    SID_ASSERT(len == sizeof made->public_key);
    *out = made;
    return SID_OK;
}

void
sid_sign_key_free(struct sid_sign_key **key) {
    if (*key == NULL)
        return;
    EVP_PKEY_free((*key)->pair);
    free(*key);
    *key = NULL;
}

void
sid_sign_public(const struct sid_sign_key *key,
                uint8_t out[SID_PUBLIC_KEY_BYTES]) {
    memcpy(out, key->public_key, sizeof key->public_key);
}

enum sid_err
sid_sign(const struct sid_sign_key *key, struct sid_span text,
         uint8_t out[SID_SIGNATURE_BYTES]) {
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    if (md == NULL)
        return SID_E_NO_MEMORY;
    uint8_t signature[SID_SIGNATURE_BYTES];
    size_t len = sizeof signature;
    bool good = EVP_DigestSignInit_ex(md, NULL, NULL, NULL, NULL, key->pair,
                                      NULL) == 1 &&
                EVP_DigestSign(md, signature, &len, text.ptr, text.len) == 1;
    EVP_MD_CTX_free(md);
    if (!good)
        return SID_E_CRYPTO;
    SID_ASSERT(len == sizeof signature);
    memcpy(out, signature, sizeof signature);
    return SID_OK;
}

enum sid_err
sid_sign_check(const uint8_t public_key[SID_PUBLIC_KEY_BYTES],
               struct sid_span text,
               const uint8_t signature[SID_SIGNATURE_BYTES], bool *good) {
    /* OpenSSL says 0 also when it has failed inside, but then says why. */
    ERR_clear_error();
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(
        EVP_PKEY_ED25519, NULL, public_key, SID_PUBLIC_KEY_BYTES);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    int rc = -1;
    if (key != NULL && md != NULL &&
        EVP_DigestVerifyInit_ex(md, NULL, NULL, NULL, NULL, key, NULL) == 1)
        rc = EVP_DigestVerify(md, signature, SID_SIGNATURE_BYTES, text.ptr,
                              text.len);
    bool known = rc == 1 || (rc == 0 && ERR_peek_error() == 0);
    EVP_MD_CTX_free(md);
    EVP_PKEY_free(key);
    if (!known)
        return SID_E_CRYPTO;
    *good = rc == 1;
    return SID_OK;
}

bool
sid_sign_verify(const uint8_t public_key[SID_PUBLIC_KEY_BYTES],
                struct sid_span text,
                const uint8_t signature[SID_SIGNATURE_BYTES]) {
    bool good = false;
    (void)!sid_sign_check(public_key, text, signature, &good);
    return good; /* not when it could not be checked */
}
