/* legacy.c: SHA-1 and AES-256-CBC over OpenSSL's EVP, for the protocols of
 * others that know nothing better (see legacy.h). Any thread after
 * sid_crypto_init(); owns nothing: a message a second needs no ready-made
 * contexts. */
#include "smartid/legacy.h"

#include <limits.h>
#include <openssl/evp.h>
#include <string.h>

#include "algs.h"

enum sid_err
sid_legacy_sha1(const struct sid_span *parts, size_t n,
                uint8_t out[SID_SHA1_BYTES]) {
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    if (md == NULL)
        return SID_E_CRYPTO;
    uint8_t digest[SID_SHA1_BYTES];
    bool good = EVP_DigestInit_ex2(md, crypto_algs.sha1, NULL) == 1;
    for (size_t i = 0; i < n && good; i++)
        good = EVP_DigestUpdate(md, parts[i].ptr, parts[i].len) == 1;
    good = good && EVP_DigestFinal_ex(md, digest, NULL) == 1;
    EVP_MD_CTX_free(md); /* wipes what it holds */
    if (!good)
        return SID_E_CRYPTO;
    memcpy(out, digest, sizeof digest);
    return SID_OK;
}

static enum sid_err
run(const uint8_t *key, const uint8_t *iv, int encrypting, struct sid_span in,
    uint8_t *out) {
    if (in.len == 0 || in.len % SID_CBC_BLOCK_BYTES != 0 || in.len > INT_MAX)
        return SID_E_ARGUMENT;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;
    bool good = ctx != NULL &&
                EVP_CipherInit_ex2(ctx, crypto_algs.cbc, key, iv, encrypting,
                                   NULL) == 1 &&
                EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
                EVP_CipherUpdate(ctx, out, &n, in.ptr, (int)in.len) == 1;
    SID_ASSERT(!good || (size_t)n == in.len);
    EVP_CIPHER_CTX_free(ctx);
    if (!good)
        sid_wipe(out, in.len);
    return good ? SID_OK : SID_E_CRYPTO;
}

enum sid_err
sid_legacy_cbc_encrypt(const uint8_t key[SID_CBC_KEY_BYTES],
                       const uint8_t iv[SID_CBC_BLOCK_BYTES],
                       struct sid_span in, uint8_t *out) {
    return run(key, iv, 1, in, out);
}

enum sid_err
sid_legacy_cbc_decrypt(const uint8_t key[SID_CBC_KEY_BYTES],
                       const uint8_t iv[SID_CBC_BLOCK_BYTES],
                       struct sid_span in, uint8_t *out) {
    return run(key, iv, 0, in, out);
}
