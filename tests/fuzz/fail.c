/* fail.c: makes one in 400 calls fail that can fail when memory runs out or a
 * library gives up: allocations of the program, of OpenSSL and of SQLite, and
 * OpenSSL's own functions, randomness, mutexes. The linker puts these wrappers
 * in the program's way (FAIL_WRAPPED in the Makefile). The input's bytes alone
 * decide which calls fail, so that a crash comes again: with one thread. Where
 * a test has a writer beside it, whichever thread makes the nth call fails. */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "fuzz.h"

static atomic_bool armed, failed, by_chance;
static uint64_t state;   /* of chance */
static atomic_uint left; /* until the one that fails */

void
fuzz_fail_begin(const uint8_t *data, size_t size) {
    /* FNV-1a. Source: RFC draft draft-eastlake-fnv. */
    state = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++)
        state = (state ^ data[i]) * 0x100000001b3u;
    failed = false;
    by_chance = true;
    armed = true;
}

void
fuzz_fail_nth(unsigned n) {
    failed = false;
    by_chance = false;
    left = n;
    armed = true;
}

bool
fuzz_fail_end(void) {
    armed = false;
    return failed;
}

bool
fuzz_has_failed(void) {
    return failed;
}

/* Source: xorshift64*, Vigna 2016. */
bool
fuzz_fails(void) {
    if (!armed)
        return false;
    if (!by_chance) {
        bool it_is = atomic_fetch_sub(&left, 1) == 1;
        if (it_is) {
            failed = true;
            armed = false;
        }
        return it_is;
    }
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    state |= state == 0;
    bool now = (state * 0x2545f4914f6cdd1du >> 32) % FUZZ_FAILS_ONE_IN == 0;
    failed = failed || now;
    return now;
}

FUZZ_WRAP(void *, NULL, malloc, (size_t size), (size))
FUZZ_WRAP(void *, NULL, calloc, (size_t count, size_t size), (count, size))
FUZZ_WRAP(void *, NULL, realloc, (void *ptr, size_t size), (ptr, size))
FUZZ_WRAP(void *, NULL, reallocarray, (void *ptr, size_t count, size_t size),
          (ptr, count, size))

FUZZ_WRAP(void *, NULL, CRYPTO_secure_malloc,
          (size_t size, const char *file, int line), (size, file, line))
FUZZ_WRAP(EVP_CIPHER_CTX *, NULL, EVP_CIPHER_CTX_new, (void), ())
FUZZ_WRAP(EVP_MD_CTX *, NULL, EVP_MD_CTX_new, (void), ())
FUZZ_WRAP(EVP_MAC_CTX *, NULL, EVP_MAC_CTX_new, (EVP_MAC * mac), (mac))
FUZZ_WRAP(EVP_KDF_CTX *, NULL, EVP_KDF_CTX_new, (EVP_KDF * kdf), (kdf))
FUZZ_WRAP(int, 0, EVP_CipherInit_ex2,
          (EVP_CIPHER_CTX * ctx, const EVP_CIPHER *cipher,
           const unsigned char *key, const unsigned char *iv, int enc,
           const OSSL_PARAM params[]),
          (ctx, cipher, key, iv, enc, params))
FUZZ_WRAP(int, 0, EVP_CipherUpdate,
          (EVP_CIPHER_CTX * ctx, unsigned char *out, int *out_len,
           const unsigned char *in, int in_len),
          (ctx, out, out_len, in, in_len))
FUZZ_WRAP(int, 0, EVP_CipherFinal_ex,
          (EVP_CIPHER_CTX * ctx, unsigned char *out, int *out_len),
          (ctx, out, out_len))
FUZZ_WRAP(int, 0, EVP_Digest,
          (const void *in, size_t in_len, unsigned char *out, unsigned *out_len,
           const EVP_MD *md, ENGINE *engine),
          (in, in_len, out, out_len, md, engine))
FUZZ_WRAP(int, 0, EVP_DigestSign,
          (EVP_MD_CTX * ctx, unsigned char *out, size_t *out_len,
           const unsigned char *in, size_t in_len),
          (ctx, out, out_len, in, in_len))
/* As OpenSSL itself fails inside: like a signature that is none, but with an
 * error behind it. */
FUZZ_WRAP(int, (ERR_raise(ERR_LIB_EVP, ERR_R_MALLOC_FAILURE), 0),
          EVP_DigestVerify,
          (EVP_MD_CTX * ctx, const unsigned char *mac, size_t mac_len,
           const unsigned char *in, size_t in_len),
          (ctx, mac, mac_len, in, in_len))
FUZZ_WRAP(int, 0, EVP_KDF_derive,
          (EVP_KDF_CTX * ctx, unsigned char *out, size_t len,
           const OSSL_PARAM params[]),
          (ctx, out, len, params))
FUZZ_WRAP(int, 0, EVP_MAC_init,
          (EVP_MAC_CTX * ctx, const unsigned char *key, size_t len,
           const OSSL_PARAM params[]),
          (ctx, key, len, params))
FUZZ_WRAP(int, 0, EVP_MAC_update,
          (EVP_MAC_CTX * ctx, const unsigned char *in, size_t len),
          (ctx, in, len))
FUZZ_WRAP(int, 0, EVP_MAC_final,
          (EVP_MAC_CTX * ctx, unsigned char *out, size_t *len, size_t size),
          (ctx, out, len, size))

FUZZ_WRAP(int, 0, EVP_CIPHER_CTX_ctrl,
          (EVP_CIPHER_CTX * ctx, int type, int arg, void *ptr),
          (ctx, type, arg, ptr))
FUZZ_WRAP(int, 0, EVP_CIPHER_CTX_set_padding, (EVP_CIPHER_CTX * ctx, int pad),
          (ctx, pad))
FUZZ_WRAP(int, 0, EVP_DigestInit_ex2,
          (EVP_MD_CTX * ctx, const EVP_MD *md, const OSSL_PARAM params[]),
          (ctx, md, params))
FUZZ_WRAP(int, 0, EVP_DigestUpdate,
          (EVP_MD_CTX * ctx, const void *in, size_t len), (ctx, in, len))
FUZZ_WRAP(int, 0, EVP_DigestFinal_ex,
          (EVP_MD_CTX * ctx, unsigned char *out, unsigned *len),
          (ctx, out, len))
FUZZ_WRAP(int, 0, EVP_DigestSignInit_ex,
          (EVP_MD_CTX * ctx, EVP_PKEY_CTX **pctx, const char *name,
           OSSL_LIB_CTX *lib, const char *query, EVP_PKEY *key,
           const OSSL_PARAM params[]),
          (ctx, pctx, name, lib, query, key, params))
FUZZ_WRAP(int, 0, EVP_DigestVerifyInit_ex,
          (EVP_MD_CTX * ctx, EVP_PKEY_CTX **pctx, const char *name,
           OSSL_LIB_CTX *lib, const char *query, EVP_PKEY *key,
           const OSSL_PARAM params[]),
          (ctx, pctx, name, lib, query, key, params))
FUZZ_WRAP(EVP_PKEY *, NULL, EVP_PKEY_new_raw_private_key,
          (int type, ENGINE *engine, const unsigned char *key, size_t len),
          (type, engine, key, len))
FUZZ_WRAP(EVP_PKEY *, NULL, EVP_PKEY_new_raw_public_key,
          (int type, ENGINE *engine, const unsigned char *key, size_t len),
          (type, engine, key, len))
FUZZ_WRAP(int, 0, EVP_PKEY_get_raw_public_key,
          (const EVP_PKEY *key, unsigned char *out, size_t *len),
          (key, out, len))
FUZZ_WRAP(EVP_MD *, NULL, EVP_MD_fetch,
          (OSSL_LIB_CTX * lib, const char *name, const char *query),
          (lib, name, query))
FUZZ_WRAP(EVP_MAC *, NULL, EVP_MAC_fetch,
          (OSSL_LIB_CTX * lib, const char *name, const char *query),
          (lib, name, query))
FUZZ_WRAP(EVP_KDF *, NULL, EVP_KDF_fetch,
          (OSSL_LIB_CTX * lib, const char *name, const char *query),
          (lib, name, query))
FUZZ_WRAP(EVP_CIPHER *, NULL, EVP_CIPHER_fetch,
          (OSSL_LIB_CTX * lib, const char *name, const char *query),
          (lib, name, query))
FUZZ_WRAP(int, 0, CRYPTO_secure_malloc_init, (size_t size, size_t least),
          (size, least))

FUZZ_WRAP(ssize_t, (errno = EIO, -1), getrandom,
          (void *out, size_t len, unsigned flags), (out, len, flags))
FUZZ_WRAP(char *, NULL, strdup, (const char *text), (text))
FUZZ_WRAP(int, ENOMEM, pthread_rwlock_init,
          (pthread_rwlock_t * lock, const pthread_rwlockattr_t *how),
          (lock, how))
FUZZ_WRAP(int, ENOMEM, pthread_mutex_init,
          (pthread_mutex_t * mutex, const pthread_mutexattr_t *how),
          (mutex, how))

/* ---- the libraries' own allocations -------------------------------------- */
static void *
crypto_malloc(size_t size, const char *file, int line) {
    (void)file;
    (void)line;
    return size == 0 ? NULL : malloc(size);
}

static void *
crypto_realloc(void *ptr, size_t size, const char *file, int line) {
    (void)file;
    (void)line;
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, size);
}

static void
crypto_free(void *ptr, const char *file, int line) {
    (void)file;
    (void)line;
    free(ptr);
}

static sqlite3_mem_methods sqlite_own;

static void *
sqlite_malloc(int size) {
    return fuzz_fails() ? NULL : sqlite_own.xMalloc(size);
}

static void *
sqlite_realloc(void *ptr, int size) {
    return fuzz_fails() ? NULL : sqlite_own.xRealloc(ptr, size);
}

void
fuzz_fail_setup(void) {
    if (CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) !=
            1 ||
        sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_own) != SQLITE_OK)
        abort();
    sqlite3_mem_methods mine = sqlite_own;
    mine.xMalloc = sqlite_malloc;
    mine.xRealloc = sqlite_realloc;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &mine) != SQLITE_OK)
        abort();
}
