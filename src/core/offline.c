/* offline.c: codes for counters without a network, made and judged as a ladder
 * of refusals (see offline.h). Pure; any thread; owns nothing. */
#include "smartid/offline.h"

#include <string.h>

#include "smartid/idnumber.h"
#include "smartid/text.h"

#define OFFLINE_VERSION 1
#define PREFIX_CHARS (sizeof SID_OFFLINE_PREFIX - 1)
#define HEAD_BYTES 11
/* The least there is: who is over 18. */
#define LEAST_BYTES (HEAD_BYTES + 1 + SID_SIGNATURE_BYTES)

_Static_assert(PREFIX_CHARS + SID_BASE45_CHARS(SID_OFFLINE_BYTES) + 1 <=
                   SID_OFFLINE_SIZE,
               "room for the longest name");

static const char *const words[] = {"", "age_over_18", "identity"};

enum sid_offline_kind
sid_offline_kind_parse(const char *word) {
    for (int i = SID_OFFLINE_AGE; i <= SID_OFFLINE_IDENTITY; i++) {
        if (strcmp(words[i], word) == 0)
            return (enum sid_offline_kind)i;
    }
    return SID_OFFLINE_NONE;
}

const char *
sid_offline_kind_name(enum sid_offline_kind kind) {
    SID_ASSERT((unsigned)kind < sizeof words / sizeof words[0]);
    return words[kind];
}

void
sid_offline_fini(struct sid_offline *offline) {
    sid_wipe(offline, sizeof *offline);
}

static void
put_u32(uint8_t *to, uint32_t value) {
    for (int i = 3; i >= 0; i--, value >>= 8)
        to[i] = (uint8_t)(value & 255);
}

static uint32_t
get_u32(const uint8_t *from) {
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 |
           (uint32_t)from[2] << 8 | from[3];
}

/* All but the signature, behind the prefix; the length with it. */
static size_t
lay(const struct sid_offline *offline, uint8_t *out) {
    memcpy(out, SID_OFFLINE_PREFIX, PREFIX_CHARS);
    uint8_t *at = out + PREFIX_CHARS;
    at[0] = OFFLINE_VERSION;
    at[1] = offline->key_id;
    at[2] = (uint8_t)offline->kind;
    put_u32(at + 3, offline->issued_at_s);
    put_u32(at + 7, offline->not_after_s);
    at += HEAD_BYTES;
    if (offline->kind == SID_OFFLINE_AGE) {
        *at++ = offline->age_over_18 ? 1 : 0;
        return (size_t)(at - out);
    }
    size_t len = strlen(offline->name);
    *at++ = (uint8_t)len;
    memcpy(at, offline->name, len);
    at += len;
    memcpy(at, offline->id_number, SID_IDNUMBER_CHARS);
    return (size_t)(at - out) + SID_IDNUMBER_CHARS;
}

enum sid_err
sid_offline_make(const struct sid_sign_key *key,
                 const struct sid_offline *offline,
                 char out[SID_OFFLINE_SIZE]) {
    uint8_t bytes[PREFIX_CHARS + SID_OFFLINE_BYTES];
    SID_ASSERT(offline->kind != SID_OFFLINE_NONE);
    size_t len = lay(offline, bytes);
    enum sid_err err = sid_sign(key, sid_span_of(bytes, len), bytes + len);
    if (err == SID_OK) {
        memcpy(out, SID_OFFLINE_PREFIX, PREFIX_CHARS);
        sid_base45_encode(bytes + PREFIX_CHARS,
                          len - PREFIX_CHARS + SID_SIGNATURE_BYTES,
                          out + PREFIX_CHARS);
    }
    sid_wipe(bytes, sizeof bytes);
    return err;
}

/* What is signed, between head and signature. */
static enum sid_err
read_content(const uint8_t *at, size_t len, struct sid_offline *out) {
    if (out->kind == SID_OFFLINE_AGE) {
        if (len != 1 || at[0] > 1)
            return SID_E_CODE_CONTENT;
        out->age_over_18 = at[0] == 1;
        return SID_OK;
    }
    SID_ASSERT(len > 0);
    size_t name_len = at[0];
    if (out->kind != SID_OFFLINE_IDENTITY || name_len == 0 ||
        name_len >= sizeof out->name ||
        len != 1 + name_len + SID_IDNUMBER_CHARS ||
        !sid_utf8_clean((const char *)at + 1, name_len) ||
        !sid_utf8_clean((const char *)at + 1 + name_len, SID_IDNUMBER_CHARS))
        return SID_E_CODE_CONTENT;
    memcpy(out->name, at + 1, name_len);
    memcpy(out->id_number, at + 1 + name_len, SID_IDNUMBER_CHARS);
    return SID_OK;
}

/* bytes: prefix and code. */
static enum sid_err
read_signed(const uint8_t *bytes, size_t len, sid_offline_key_fn *key_of,
            const void *ctx, struct sid_offline *out) {
    const uint8_t *at = bytes + PREFIX_CHARS;
    size_t signed_len = len - SID_SIGNATURE_BYTES;
    if (at[0] != OFFLINE_VERSION)
        return SID_E_CODE_VERSION;
    const uint8_t *key = key_of(at[1], ctx);
    if (key == NULL)
        return SID_E_CODE_KEY;
    if (!sid_sign_verify(key, sid_span_of(bytes, signed_len),
                         bytes + signed_len))
        return SID_E_CODE_MAC;
    out->key_id = at[1];
    out->kind = at[2] <= SID_OFFLINE_IDENTITY ? (enum sid_offline_kind)at[2]
                                              : SID_OFFLINE_NONE;
    out->issued_at_s = get_u32(at + 3);
    out->not_after_s = get_u32(at + 7);
    return read_content(at + HEAD_BYTES, signed_len - PREFIX_CHARS - HEAD_BYTES,
                        out);
}

enum sid_err
sid_offline_open(const char *text, size_t len, sid_offline_key_fn *key_of,
                 const void *ctx, int64_t now_s, int64_t skew_s,
                 struct sid_offline *out) {
    uint8_t bytes[PREFIX_CHARS + SID_OFFLINE_BYTES];
    struct sid_offline made = {0};
    size_t got = 0;
    if (len < PREFIX_CHARS + SID_BASE45_CHARS(LEAST_BYTES) ||
        len >= SID_OFFLINE_SIZE)
        return SID_E_CODE_LENGTH;
    if (memcmp(text, SID_OFFLINE_PREFIX, PREFIX_CHARS) != 0)
        return SID_E_CODE_VERSION;
    memcpy(bytes, text, PREFIX_CHARS);
    enum sid_err err = SID_E_CODE_ALPHABET;
    if (sid_base45_decode(text + PREFIX_CHARS, len - PREFIX_CHARS,
                          bytes + PREFIX_CHARS, SID_OFFLINE_BYTES,
                          &got) != SID_OK)
        goto out;
    err = read_signed(bytes, PREFIX_CHARS + got, key_of, ctx, &made);
    if (err != SID_OK)
        goto out;
    *out = made;
    if (now_s >= (int64_t)made.not_after_s + skew_s ||
        made.not_after_s - (int64_t)made.issued_at_s > SID_OFFLINE_LIFE_MAX_S)
        err = SID_E_CODE_EXPIRED;
    else if (made.issued_at_s > now_s + skew_s)
        err = SID_E_CODE_EARLY;
out:
    sid_wipe(bytes, sizeof bytes);
    sid_offline_fini(&made);
    return err;
}
