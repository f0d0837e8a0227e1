/* block.c: one AES-256 block under a key of its own, which hides what is in a
 * code. A single block of unique content needs no mode. Any thread after
 * sid_crypto_init(); a key object owns its copy of the key and the contexts
 * made from it. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "algs.h"
#include "smartid/aead.h"

struct sid_block_key {
    uint8_t *secret; /* 32 bytes in the secure heap */
    /* EVP_CIPHER_CTX, keyed; [0] decrypts, [1] encrypts; behind const. */
    struct ctx_pool *ready;
};

static EVP_CIPHER_CTX *
keyed_new(const struct sid_block_key *key, int encrypting) {
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (ctx != NULL &&
        EVP_CipherInit_ex2(ctx, crypto_algs.block, key->secret, NULL,
                           encrypting, NULL) == 1 &&
        EVP_CIPHER_CTX_set_padding(ctx, 0) == 1)
        return ctx;
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

enum sid_err
sid_block_key_new(const uint8_t key[SID_KEY_BYTES],
                  struct sid_block_key **out) {
    enum sid_err err = SID_E_NO_MEMORY;
    struct sid_block_key *made = calloc(1, sizeof *made);
    if (made == NULL)
        return err;
    made->secret = OPENSSL_secure_malloc(SID_KEY_BYTES);
    made->ready = calloc(2, sizeof *made->ready);
    if (made->secret == NULL || made->ready == NULL)
        goto out;
    memcpy(made->secret, key, SID_KEY_BYTES);
    EVP_CIPHER_CTX *first = keyed_new(made, 0);
    err = SID_E_CRYPTO;
    if (first == NULL)
        goto out;
    (void)ctx_pool_give(&made->ready[0], first);
    *out = made;
    made = NULL;
    err = SID_OK;
out:
    sid_block_key_free(&made);
    return err;
}

void
sid_block_key_free(struct sid_block_key **key) {
    if (*key == NULL)
        return;
    for (int way = 0; way < 2 && (*key)->ready != NULL; way++) {
        struct ctx_pool *pool = &(*key)->ready[way];
        for (EVP_CIPHER_CTX *c; (c = ctx_pool_take(pool)) != NULL;)
            EVP_CIPHER_CTX_free(c);
    }
    free((*key)->ready);
    OPENSSL_secure_clear_free((*key)->secret, SID_KEY_BYTES);
    free(*key);
    *key = NULL;
}

static enum sid_err
run(const struct sid_block_key *key, int encrypting,
    const uint8_t in[SID_BLOCK_BYTES], uint8_t out[SID_BLOCK_BYTES]) {
    EVP_CIPHER_CTX *ctx = ctx_pool_take(&key->ready[encrypting]);
    if (ctx == NULL)
        ctx = keyed_new(key, encrypting);
    if (ctx == NULL)
        return SID_E_CRYPTO;
    uint8_t block[SID_BLOCK_BYTES];
    int n = 0;
    bool good = EVP_CipherUpdate(ctx, block, &n, in, SID_BLOCK_BYTES) == 1;
    SID_ASSERT(!good || n == SID_BLOCK_BYTES);
    EVP_CIPHER_CTX_free(good ? ctx_pool_give(&key->ready[encrypting], ctx)
                             : ctx);
    if (good)
        memcpy(out, block, sizeof block);
    sid_wipe(block, sizeof block);
    return good ? SID_OK : SID_E_CRYPTO;
}

enum sid_err
sid_block_encrypt(const struct sid_block_key *key,
                  const uint8_t in[SID_BLOCK_BYTES],
                  uint8_t out[SID_BLOCK_BYTES]) {
    return run(key, 1, in, out);
}

enum sid_err
sid_block_decrypt(const struct sid_block_key *key,
                  const uint8_t in[SID_BLOCK_BYTES],
                  uint8_t out[SID_BLOCK_BYTES]) {
    return run(key, 0, in, out);
}
