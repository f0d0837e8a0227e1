/* algs.c: start and stop of the cryptographic library: the secure heap and the
 * fetched algorithms, owned here from sid_crypto_init() to sid_crypto_fini();
 * and the context pools. Init and fini: main thread, with no other running. */
#include "algs.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <stdatomic.h>

#include "smartid/log.h"
#include "smartid/mac.h"

/* A key object keeps 32 bytes here and OpenSSL's HMAC another 32 per context:
 * 255 code keys of two halves, of which the MAC has 16 contexts at most, are
 * 150 KiB; a dozen others hardly count. */
#define SECURE_HEAP_BYTES ((size_t)262144)
#define SECURE_HEAP_LEAST_BYTES ((size_t)32)

struct crypto_algs crypto_algs;

static enum sid_err
open_secure_heap(void) {
    if (CRYPTO_secure_malloc_initialized())
        return SID_OK;
    int made =
        CRYPTO_secure_malloc_init(SECURE_HEAP_BYTES, SECURE_HEAP_LEAST_BYTES);
    if (made == 0)
        return SID_E_CRYPTO;
    if (made == 2) /* made, but the kernel would not lock it in memory */
        sid_log(SID_LOG_WARN, "secure_heap_not_locked",
                SID_N("bytes", SECURE_HEAP_BYTES));
    return SID_OK;
}

enum sid_err
sid_crypto_init(void) {
    enum sid_err err = open_secure_heap();
    if (err != SID_OK)
        return err;
    crypto_algs.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    crypto_algs.hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    crypto_algs.hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    crypto_algs.gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    crypto_algs.block = EVP_CIPHER_fetch(NULL, "AES-256-ECB", NULL);
    crypto_algs.sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    crypto_algs.cbc = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    if (crypto_algs.sha256 == NULL || crypto_algs.hmac == NULL ||
        crypto_algs.hkdf == NULL || crypto_algs.gcm == NULL ||
        crypto_algs.block == NULL || crypto_algs.sha1 == NULL ||
        crypto_algs.cbc == NULL) {
        sid_crypto_fini();
        return SID_E_CRYPTO;
    }
    return SID_OK;
}

void
sid_crypto_fini(void) {
    EVP_MD_free(crypto_algs.sha256);
    EVP_MAC_free(crypto_algs.hmac);
    EVP_KDF_free(crypto_algs.hkdf);
    EVP_CIPHER_free(crypto_algs.gcm);
    EVP_CIPHER_free(crypto_algs.block);
    EVP_MD_free(crypto_algs.sha1);
    EVP_CIPHER_free(crypto_algs.cbc);
    crypto_algs = (struct crypto_algs){0};
    /* Refuses while something still lies in it; the process ends soon. */
    (void)CRYPTO_secure_malloc_done();
}

/* Each thread begins at a slot of its own, so that two seldom meet. */
static size_t
first_slot(void) {
    static _Atomic size_t threads;
    static _Thread_local size_t mine; /* 0: not given yet */
    if (mine == 0)
        mine = 1 + atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed);
    return (mine - 1) % CTX_POOL_SLOTS;
}

void *
ctx_pool_take(struct ctx_pool *pool) {
    size_t first = first_slot();
    for (size_t i = 0; i < CTX_POOL_SLOTS; i++) {
        _Atomic(void *) *slot = &pool->slot[(first + i) % CTX_POOL_SLOTS];
        /* A look first: an exchange would take the cache line for writing. */
        if (atomic_load_explicit(slot, memory_order_relaxed) == NULL)
            continue;
        void *ctx = atomic_exchange_explicit(slot, NULL, memory_order_acquire);
        if (ctx != NULL)
            return ctx;
    }
    return NULL;
}

void *
ctx_pool_give(struct ctx_pool *pool, void *ctx) {
    size_t first = first_slot();
    for (size_t i = 0; i < CTX_POOL_SLOTS; i++) {
        void *none = NULL;
        if (atomic_compare_exchange_strong_explicit(
                &pool->slot[(first + i) % CTX_POOL_SLOTS], &none, ctx,
                memory_order_release, memory_order_relaxed))
            return NULL;
    }
    return ctx;
}
