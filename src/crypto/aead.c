/* aead.c: sealing of stored personal data with AES-256-GCM. Any thread after
 * sid_crypto_init(); a key object owns its copy of the key and the contexts
 * made from it. OpenSSL keeps the expanded key of a cipher context on the
 * ordinary heap and wipes it when the context is freed. */
#include "smartid/aead.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "algs.h"
#include "smartid/rand.h"

#define SEAL_FORMAT 1
#define HEAD_BYTES 2
#define NONCE_BYTES 12 /* 96 bits; Source: NIST SP 800-38D, 5.2.1.1 */
#define TAG_BYTES 16

struct sid_aead_key {
    uint8_t *secret; /* 32 bytes in the secure heap */
    uint8_t version;
    /* EVP_CIPHER_CTX, keyed; [0] opens, [1] seals; changes behind const. */
    struct ctx_pool *ready;
};

static EVP_CIPHER_CTX *
keyed_new(const struct sid_aead_key *key, int sealing) {
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (ctx != NULL && EVP_CipherInit_ex2(ctx, crypto_algs.gcm, key->secret,
                                          NULL, sealing, NULL) == 1)
        return ctx;
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

static EVP_CIPHER_CTX *
borrow(const struct sid_aead_key *key, int sealing) {
    EVP_CIPHER_CTX *ctx = ctx_pool_take(&key->ready[sealing]);
    return ctx != NULL ? ctx : keyed_new(key, sealing);
}

/* A context that failed is not used again. */
static void
give_back(const struct sid_aead_key *key, int sealing, EVP_CIPHER_CTX *ctx,
          bool good) {
    EVP_CIPHER_CTX_free(good ? ctx_pool_give(&key->ready[sealing], ctx) : ctx);
}

enum sid_err
sid_aead_key_new(const uint8_t key[SID_KEY_BYTES], uint8_t version,
                 struct sid_aead_key **out) {
    SID_ASSERT(version >= 1);
    enum sid_err err = SID_E_NO_MEMORY;
    struct sid_aead_key *made = calloc(1, sizeof *made);
    if (made == NULL)
        return err;
    made->version = version;
    made->secret = OPENSSL_secure_malloc(SID_KEY_BYTES);
    made->ready = calloc(2, sizeof *made->ready);
    if (made->secret == NULL || made->ready == NULL)
        goto out;
    memcpy(made->secret, key, SID_KEY_BYTES);
    EVP_CIPHER_CTX *first = keyed_new(made, 0);
    err = SID_E_CRYPTO;
    if (first == NULL)
        goto out;
    give_back(made, 0, first, true);
    *out = made;
    made = NULL;
    err = SID_OK;
out:
    sid_aead_key_free(&made);
    return err;
}

void
sid_aead_key_free(struct sid_aead_key **key) {
    if (*key == NULL)
        return;
    for (int sealing = 0; sealing < 2 && (*key)->ready != NULL; sealing++) {
        struct ctx_pool *pool = &(*key)->ready[sealing];
        for (EVP_CIPHER_CTX *c; (c = ctx_pool_take(pool)) != NULL;)
            EVP_CIPHER_CTX_free(c);
    }
    free((*key)->ready);
    OPENSSL_secure_clear_free((*key)->secret, SID_KEY_BYTES);
    free(*key);
    *key = NULL;
}

/* Additional data on its way: the library takes it in any number of pieces, and
 * longer for each piece than for its bytes. */
struct extra {
    EVP_CIPHER_CTX *ctx;
    size_t len;
    uint8_t bytes[128]; /* own choice: nearly every place as a whole */
};

static bool
flush(struct extra *extra) {
    int n = 0;
    SID_ASSERT(extra->len > 0);
    bool good = EVP_CipherUpdate(extra->ctx, NULL, &n, extra->bytes,
                                 (int)extra->len) == 1;
    extra->len = 0;
    return good;
}

static bool
put(struct extra *extra, const char *text) {
    for (; *text != '\0'; text++) {
        if (extra->len == sizeof extra->bytes && !flush(extra))
            return false;
        extra->bytes[extra->len++] = (uint8_t)*text;
    }
    return true;
}

/* Sets the nonce, then the additional data "table|column|row|key version". */
static bool
begin(EVP_CIPHER_CTX *ctx, int sealing, const uint8_t *nonce,
      const struct sid_place *place, uint8_t version) {
    char number[4] = {0};
    char *digit = number + sizeof number - 1;
    for (unsigned left = version; left > 0; left /= 10)
        *--digit = (char)('0' + left % 10);
    const char *const parts[] = {place->table, "|", place->column, "|",
                                 place->row,   "|", digit};
    struct extra extra = {.ctx = ctx};
    bool good = EVP_CipherInit_ex2(ctx, NULL, NULL, nonce, sealing, NULL) == 1;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && good; i++)
        good = put(&extra, parts[i]);
    return good && flush(&extra);
}

/* Fills the sealed form behind its head and nonce. */
static bool
encrypt(EVP_CIPHER_CTX *ctx, struct sid_span plain, uint8_t *to) {
    int n = 0, rest = 0;
    return EVP_CipherUpdate(ctx, to, &n, plain.ptr, (int)plain.len) == 1 &&
           EVP_CipherFinal_ex(ctx, to + n, &rest) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES,
                               to + plain.len) == 1;
}

enum sid_err
sid_seal(const struct sid_aead_key *key, const struct sid_place *place,
         struct sid_span plain, struct sid_buf *out) {
    SID_ASSERT(out->ptr == NULL);
    if (plain.len == 0 || plain.len > INT_MAX - SID_SEAL_OVERHEAD_BYTES)
        return SID_E_ARGUMENT;
    struct sid_buf made = SID_BUF_EMPTY;
    EVP_CIPHER_CTX *ctx = NULL;
    enum sid_err err =
        sid_buf_reserve(&made, plain.len + SID_SEAL_OVERHEAD_BYTES);
    if (err != SID_OK)
        goto out;
    made.ptr[0] = SEAL_FORMAT;
    made.ptr[1] = key->version;
    uint8_t *nonce = made.ptr + HEAD_BYTES;
    err = sid_rand_bytes(nonce, NONCE_BYTES);
    if (err != SID_OK)
        goto out;
    err = SID_E_CRYPTO;
    ctx = borrow(key, 1);
    if (ctx == NULL || !begin(ctx, 1, nonce, place, key->version) ||
        !encrypt(ctx, plain, nonce + NONCE_BYTES))
        goto out;
    made.len = made.cap;
    sid_buf_move(&made, out);
    err = SID_OK;
out:
    give_back(key, 1, ctx, err == SID_OK);
    sid_buf_free(&made);
    return err;
}

enum sid_err
sid_open(const struct sid_aead_key *key, const struct sid_place *place,
         struct sid_span sealed, struct sid_buf *out) {
    SID_ASSERT(out->ptr == NULL);
    if (sealed.len <= SID_SEAL_OVERHEAD_BYTES || sealed.len > INT_MAX ||
        sealed.ptr[0] != SEAL_FORMAT || sealed.ptr[1] != key->version)
        return SID_E_SEAL;
    size_t plain_len = sealed.len - SID_SEAL_OVERHEAD_BYTES;
    const uint8_t *nonce = sealed.ptr + HEAD_BYTES;
    const uint8_t *cipher = nonce + NONCE_BYTES;
    uint8_t tag[TAG_BYTES]; /* a copy: the library takes it without const */
    memcpy(tag, cipher + plain_len, TAG_BYTES);
    struct sid_buf made = SID_BUF_EMPTY;
    int n = 0;
    EVP_CIPHER_CTX *ctx = NULL;
    enum sid_err err = sid_buf_reserve(&made, plain_len);
    if (err != SID_OK)
        goto out;
    err = SID_E_CRYPTO;
    ctx = borrow(key, 0);
    if (ctx == NULL || !begin(ctx, 0, nonce, place, key->version) ||
        EVP_CipherUpdate(ctx, made.ptr, &n, cipher, (int)plain_len) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) != 1)
        goto out;
    err = SID_E_SEAL;
    uint8_t none[TAG_BYTES];
    if (EVP_CipherFinal_ex(ctx, none, &n) != 1)
        goto out;
    made.len = plain_len;
    sid_buf_move(&made, out);
    err = SID_OK;
out:
    give_back(key, 0, ctx, err == SID_OK);
    sid_buf_free(&made);
    return err;
}
