/* algs.h: what the files of src/crypto share: the algorithms fetched once, and
 * a small pool of ready-made contexts per key.
 *
 * Keying a context again for each call would be wasted work (of the four
 * compressions of a short HMAC two depend on the key alone), so each key keeps
 * the contexts its threads have used. A slot is taken with one atomic exchange
 * and given back with one compare-and-swap: no lock, and nothing to clean up
 * when a thread ends, for the contexts belong to the key. */
#ifndef SID_CRYPTO_ALGS_H
#define SID_CRYPTO_ALGS_H

#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <stddef.h>

struct crypto_algs {
    EVP_MD *sha256;
    EVP_MAC *hmac;
    EVP_KDF *hkdf;
    EVP_CIPHER *gcm;   /* AES-256-GCM */
    EVP_CIPHER *block; /* AES-256-ECB: one block at a time */
    EVP_MD *sha1;      /* legacy.c alone */
    EVP_CIPHER *cbc;   /* AES-256-CBC: legacy.c alone */
};

/* Valid between sid_crypto_init() and sid_crypto_fini(); read-only there. */
extern struct crypto_algs crypto_algs;

/* More threads than this at one key at the same moment make their own. */
#define CTX_POOL_SLOTS 16

struct ctx_pool {
    _Atomic(void *) slot[CTX_POOL_SLOTS];
};

/* Takes a context out; NULL when there is none. Any thread. */
void *ctx_pool_take(struct ctx_pool *pool);
/* Gives one back. Returns it when every slot is full and the caller keeps it,
 * else NULL. */
void *ctx_pool_give(struct ctx_pool *pool, void *ctx);

#endif
