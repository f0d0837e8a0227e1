/* crypt.c: signature, padding and envelope of WeChat's encrypted messages.
 * Pure; any thread; owns nothing. What was decrypted or built is wiped. */
#include "smartid/wechat_crypt.h"

#include <string.h>

#include "smartid/legacy.h"
#include "smartid/text.h"

/* random ‖ length (big-endian) ‖ message ‖ app id ‖ padding */
#define LENGTH_BYTES 4
#define HEAD_BYTES (SID_WECHAT_RANDOM_BYTES + LENGTH_BYTES)
/* PKCS#7 with blocks of 32, though AES has blocks of 16. */
#define PAD_BLOCK_BYTES 32

enum sid_err
sid_wechat_aes_key_parse(const char *text, struct sid_wechat_aes_key *out) {
    char padded[SID_WECHAT_AES_KEY_CHARS + 2];
    struct sid_wechat_aes_key key;
    size_t len = 0;
    if (strnlen(text, sizeof padded) != SID_WECHAT_AES_KEY_CHARS)
        return SID_E_SECRET_FORMAT;
    memcpy(padded, text, SID_WECHAT_AES_KEY_CHARS);
    padded[SID_WECHAT_AES_KEY_CHARS] = '=';
    enum sid_err err = sid_base64_decode(padded, SID_WECHAT_AES_KEY_CHARS + 1,
                                         key.bytes, sizeof key.bytes, &len);
    if (err == SID_OK && len == sizeof key.bytes)
        *out = key;
    else
        err = SID_E_SECRET_FORMAT;
    sid_wipe(padded, sizeof padded);
    sid_wipe(&key, sizeof key);
    return err;
}

/* ---- signatures --------------------------------------------------------- */

static bool
comes_before(struct sid_span a, struct sid_span b) {
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.ptr, b.ptr, common);
    return order != 0 ? order < 0 : a.len < b.len;
}

enum sid_err
sid_wechat_sign(const struct sid_span *parts, size_t n,
                char out[SID_WECHAT_SIGNATURE_SIZE]) {
    SID_ASSERT(n <= SID_WECHAT_SIGNED_MAX);
    struct sid_span sorted[SID_WECHAT_SIGNED_MAX];
    for (size_t i = 0; i < n; i++) {
        size_t at = i;
        for (; at > 0 && comes_before(parts[i], sorted[at - 1]); at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = parts[i];
    }
    uint8_t digest[SID_SHA1_BYTES];
    enum sid_err err = sid_legacy_sha1(sorted, n, digest);
    if (err == SID_OK)
        sid_hex_encode(digest, sizeof digest, out);
    return err;
}

enum sid_err
sid_wechat_signature_check(const struct sid_span *parts, size_t n,
                           const char *claimed) {
    char ours[SID_WECHAT_SIGNATURE_SIZE];
    enum sid_err err = sid_wechat_sign(parts, n, ours);
    if (err != SID_OK)
        return err;
    if (strnlen(claimed, sizeof ours) != SID_WECHAT_SIGNATURE_CHARS ||
        !sid_equal_ct(ours, claimed, SID_WECHAT_SIGNATURE_CHARS))
        err = SID_E_PUSH_SIGNATURE;
    /* For as long as the request is fresh, this would let it pass. */
    sid_wipe(ours, sizeof ours);
    return err;
}

/* ---- the envelope ------------------------------------------------------- */

/* The bytes in front of the padding; 0 when the padding is wrong. The sender
 * knew the token, for its signature has been checked: how long this takes
 * tells a stranger nothing. */
static size_t
unpadded_len(struct sid_span plain) {
    size_t pad = plain.ptr[plain.len - 1];
    if (pad < 1 || pad > PAD_BLOCK_BYTES || pad > plain.len)
        return 0;
    for (size_t i = plain.len - pad; i < plain.len; i++) {
        if (plain.ptr[i] != pad)
            return 0;
    }
    return plain.len - pad;
}

/* Finds the message in what was decrypted. */
static enum sid_err
unwrap(struct sid_span plain, const char *app_id, struct sid_span *out) {
    size_t len = unpadded_len(plain);
    if (len < HEAD_BYTES)
        return SID_E_PUSH_SEALED;
    const uint8_t *at = plain.ptr + SID_WECHAT_RANDOM_BYTES;
    size_t message_len =
        (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
    if (message_len > len - HEAD_BYTES)
        return SID_E_PUSH_SEALED;
    const uint8_t *message = plain.ptr + HEAD_BYTES;
    struct sid_span sender =
        sid_span_of(message + message_len, len - HEAD_BYTES - message_len);
    if (!sid_span_eq(sender, sid_span_str(app_id)))
        return SID_E_PUSH_SEALED;
    *out = sid_span_of(message, message_len);
    return SID_OK;
}

enum sid_err
sid_wechat_decrypt(const struct sid_wechat_aes_key *keys, size_t key_n,
                   const char *app_id, struct sid_span encrypted,
                   struct sid_buf *out, size_t *used) {
    struct sid_buf cipher = SID_BUF_EMPTY, plain = SID_BUF_EMPTY;
    enum sid_err err = SID_E_PUSH_SEALED;
    if (encrypted.len > SID_WECHAT_BODY_MAX_BYTES)
        goto out;
    err = sid_buf_reserve(&cipher, encrypted.len / 4 * 3 + 1);
    if (err == SID_OK)
        err = sid_buf_reserve(&plain, encrypted.len / 4 * 3 + 1);
    if (err != SID_OK)
        goto out;
    err = SID_E_PUSH_SEALED;
    if (sid_base64_decode((const char *)encrypted.ptr, encrypted.len,
                          cipher.ptr, cipher.cap, &cipher.len) != SID_OK ||
        cipher.len == 0 || cipher.len % PAD_BLOCK_BYTES != 0)
        goto out;
    plain.len = cipher.len;
    for (size_t i = 0; i < key_n && err == SID_E_PUSH_SEALED; i++) {
        struct sid_span message = {0};
        /* The IV is the key's first half: the protocol's choice. */
        err = sid_legacy_cbc_decrypt(keys[i].bytes, keys[i].bytes,
                                     sid_buf_span(&cipher), plain.ptr);
        if (err == SID_OK)
            err = unwrap(sid_buf_span(&plain), app_id, &message);
        if (err == SID_OK)
            err = sid_buf_append(out, message.ptr, message.len);
        if (err == SID_OK)
            *used = i;
    }
out:
    sid_buf_free(&cipher);
    sid_buf_free(&plain);
    return err;
}

/* random ‖ length ‖ message ‖ app id ‖ padding. */
static enum sid_err
wrap(const char *app_id, const uint8_t *random, struct sid_span message,
     struct sid_buf *out) {
    size_t len = HEAD_BYTES + message.len + strlen(app_id);
    size_t pad = PAD_BLOCK_BYTES - len % PAD_BLOCK_BYTES;
    uint8_t length[LENGTH_BYTES] = {
        (uint8_t)(message.len >> 24), (uint8_t)(message.len >> 16),
        (uint8_t)(message.len >> 8), (uint8_t)message.len};
    enum sid_err err = sid_buf_reserve(out, len + pad);
    if (err == SID_OK)
        err = sid_buf_append(out, random, SID_WECHAT_RANDOM_BYTES);
    if (err == SID_OK)
        err = sid_buf_append(out, length, sizeof length);
    if (err == SID_OK)
        err = sid_buf_append(out, message.ptr, message.len);
    if (err == SID_OK)
        err = sid_buf_append_str(out, app_id);
    if (err == SID_OK) {
        memset(out->ptr + len, (int)pad, pad);
        out->len = len + pad;
    }
    return err;
}

enum sid_err
sid_wechat_encrypt(const struct sid_wechat_aes_key *key, const char *app_id,
                   const uint8_t random[SID_WECHAT_RANDOM_BYTES],
                   struct sid_span message, struct sid_buf *out) {
    if (message.len > SID_WECHAT_BODY_MAX_BYTES)
        return SID_E_ARGUMENT;
    struct sid_buf plain = SID_BUF_EMPTY;
    enum sid_err err = wrap(app_id, random, message, &plain);
    if (err == SID_OK)
        err = sid_legacy_cbc_encrypt(key->bytes, key->bytes,
                                     sid_buf_span(&plain), plain.ptr);
    if (err == SID_OK)
        err = sid_buf_reserve(out, SID_BASE64_CHARS(plain.len) + 1);
    if (err == SID_OK) {
        sid_base64_encode(plain.ptr, plain.len, (char *)out->ptr);
        out->len = SID_BASE64_CHARS(plain.len);
    }
    sid_buf_free(&plain);
    return err;
}
