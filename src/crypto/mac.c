/* mac.c: SHA-256, HMAC-SHA-256 and HKDF-SHA-256 over OpenSSL's EVP. Any thread
 * after sid_crypto_init(); a key object owns its copy of the key and the
 * contexts made from it. */
#include "smartid/mac.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#include "algs.h"

/* OSSL_PARAM takes names without const; nothing writes to this one. */
static char digest_name[] = "SHA256";

/* ---- SHA-256 ------------------------------------------------------------- */

enum sid_err
sid_sha256(struct sid_span in, uint8_t out[SID_SHA256_BYTES]) {
    uint8_t digest[SID_SHA256_BYTES];
    /* EVP_Digest copies nothing and keeps nothing. */
    if (EVP_Digest(in.ptr, in.len, digest, NULL, crypto_algs.sha256, NULL) != 1)
        return SID_E_CRYPTO;
    memcpy(out, digest, sizeof digest);
    return SID_OK;
}

struct sid_sha256 {
    EVP_MD_CTX *md;
    bool finished; /* OpenSSL 3.0 would go on and give nonsense */
};

enum sid_err
sid_sha256_new(struct sid_sha256 **out) {
    struct sid_sha256 *ctx = calloc(1, sizeof *ctx);
    if (ctx == NULL)
        return SID_E_NO_MEMORY;
    enum sid_err err = SID_E_NO_MEMORY;
    ctx->md = EVP_MD_CTX_new();
    if (ctx->md == NULL)
        goto out;
    err = SID_E_CRYPTO;
    if (EVP_DigestInit_ex2(ctx->md, crypto_algs.sha256, NULL) != 1)
        goto out;
    *out = ctx;
    ctx = NULL;
    err = SID_OK;
out:
    sid_sha256_free(&ctx);
    return err;
}

enum sid_err
sid_sha256_update(struct sid_sha256 *ctx, struct sid_span in) {
    if (ctx->finished || EVP_DigestUpdate(ctx->md, in.ptr, in.len) != 1)
        return SID_E_CRYPTO;
    return SID_OK;
}

enum sid_err
sid_sha256_final(struct sid_sha256 *ctx, uint8_t out[SID_SHA256_BYTES]) {
    uint8_t digest[SID_SHA256_BYTES];
    if (ctx->finished || EVP_DigestFinal_ex(ctx->md, digest, NULL) != 1)
        return SID_E_CRYPTO;
    ctx->finished = true;
    memcpy(out, digest, sizeof digest);
    return SID_OK;
}

void
sid_sha256_free(struct sid_sha256 **ctx) {
    if (*ctx == NULL)
        return;
    EVP_MD_CTX_free((*ctx)->md);
    free(*ctx);
    *ctx = NULL;
}

/* ---- HKDF ---------------------------------------------------------------- */

enum sid_err
sid_hkdf_from(struct sid_span key, const char *info,
              uint8_t out[SID_KEY_BYTES]) {
    /* The library takes its parameters without const but only reads them; an
     * empty salt is the one it uses when none is given. */
    uint8_t key_copy[SID_HKDF_KEY_MAX_BYTES];
    char info_copy[SID_HKDF_INFO_MAX_BYTES + 1];
    uint8_t made[SID_KEY_BYTES];
    if (key.len == 0 || key.len > sizeof key_copy ||
        strlen(info) >= sizeof info_copy)
        return SID_E_ARGUMENT;
    memcpy(key_copy, key.ptr, key.len);
    memcpy(info_copy, info, strlen(info) + 1);
    enum sid_err err = SID_E_CRYPTO;
    EVP_KDF_CTX *kdf = EVP_KDF_CTX_new(crypto_algs.hkdf);
    if (kdf == NULL)
        goto out;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest_name, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key_copy,
                                          key.len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info_copy,
                                          strlen(info_copy)),
        OSSL_PARAM_construct_end(),
    };
    if (EVP_KDF_derive(kdf, made, sizeof made, params) != 1)
        goto out;
    memcpy(out, made, sizeof made);
    err = SID_OK;
out:
    EVP_KDF_CTX_free(kdf);
    sid_wipe(key_copy, sizeof key_copy);
    sid_wipe(made, sizeof made);
    return err;
}

enum sid_err
sid_hkdf(const uint8_t key[SID_KEY_BYTES], const char *info,
         uint8_t out[SID_KEY_BYTES]) {
    return sid_hkdf_from(sid_span_of(key, SID_KEY_BYTES), info, out);
}

/* ---- HMAC ---------------------------------------------------------------- */

struct sid_mac_key {
    uint8_t *secret;        /* 32 bytes in the secure heap */
    struct ctx_pool *ready; /* EVP_MAC_CTX, keyed; changes behind const */
};

static EVP_MAC_CTX *
keyed_new(const struct sid_mac_key *key) {
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(crypto_algs.hmac);
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name, 0),
        OSSL_PARAM_construct_end(),
    };
    if (mac != NULL &&
        EVP_MAC_init(mac, key->secret, SID_KEY_BYTES, params) == 1)
        return mac;
    EVP_MAC_CTX_free(mac);
    return NULL;
}

enum sid_err
sid_mac_key_new(const uint8_t key[SID_KEY_BYTES], struct sid_mac_key **out) {
    enum sid_err err = SID_E_NO_MEMORY;
    struct sid_mac_key *made = calloc(1, sizeof *made);
    if (made == NULL)
        return err;
    made->secret = OPENSSL_secure_malloc(SID_KEY_BYTES);
    made->ready = calloc(1, sizeof *made->ready);
    if (made->secret == NULL || made->ready == NULL)
        goto out;
    memcpy(made->secret, key, SID_KEY_BYTES);
    EVP_MAC_CTX *first = keyed_new(made);
    err = SID_E_CRYPTO;
    if (first == NULL)
        goto out;
    (void)ctx_pool_give(made->ready, first);
    *out = made;
    made = NULL;
    err = SID_OK;
out:
    sid_mac_key_free(&made);
    return err;
}

void
sid_mac_key_free(struct sid_mac_key **key) {
    if (*key == NULL)
        return;
    if ((*key)->ready != NULL) {
        for (EVP_MAC_CTX *c; (c = ctx_pool_take((*key)->ready)) != NULL;)
            EVP_MAC_CTX_free(c);
    }
    free((*key)->ready);
    OPENSSL_secure_clear_free((*key)->secret, SID_KEY_BYTES);
    free(*key);
    *key = NULL;
}

/* A context ready for a new message. */
static EVP_MAC_CTX *
borrow(const struct sid_mac_key *key) {
    EVP_MAC_CTX *mac = ctx_pool_take(key->ready);
    if (mac == NULL)
        return keyed_new(key);
    /* No key: starts again with the one it has. */
    if (EVP_MAC_init(mac, NULL, 0, NULL) == 1)
        return mac;
    EVP_MAC_CTX_free(mac);
    return NULL;
}

enum sid_err
sid_mac(const struct sid_mac_key *key, const struct sid_span *parts, size_t n,
        uint8_t out[SID_SHA256_BYTES]) {
    EVP_MAC_CTX *mac = borrow(key);
    if (mac == NULL)
        return SID_E_CRYPTO;
    uint8_t tag[SID_SHA256_BYTES];
    size_t len = 0;
    bool good = true;
    for (size_t i = 0; i < n && good; i++)
        good = EVP_MAC_update(mac, parts[i].ptr, parts[i].len) == 1;
    good = good && EVP_MAC_final(mac, tag, &len, sizeof tag) == 1;
    SID_ASSERT(!good || len == sizeof tag);
    EVP_MAC_CTX_free(good ? ctx_pool_give(key->ready, mac) : mac);
    if (!good)
        return SID_E_CRYPTO;
    memcpy(out, tag, sizeof tag);
    return SID_OK;
}
