/* token.c: the code behind the QR symbol, made and judged as a ladder of
 * refusals. Pure; any thread; owns nothing. */
#include "smartid/token.h"

#include <string.h>

#include "smartid/text.h"

#define TOKEN_VERSION 1
#define PREFIX_CHARS (sizeof SID_TOKEN_PREFIX - 1)
/* Where the parts lie; see token.h. */
#define AT_VERSION 0
#define AT_KEY_ID 1
#define AT_HANDLE 2
#define AT_MAC 18
#define MAC_BYTES 16
/* The MAC's first words, so that this MAC can never be one of another use. */
#define MAC_LABEL "SID1"

_Static_assert(AT_HANDLE + SID_BLOCK_BYTES == AT_MAC, "handle before MAC");
_Static_assert(AT_MAC + MAC_BYTES == SID_TOKEN_BYTES, "MAC at the end");
_Static_assert(PREFIX_CHARS + SID_BASE45_CHARS(SID_TOKEN_BYTES) ==
                   SID_TOKEN_CHARS,
               "length of the text");

static void
put_big_endian(uint8_t *to, size_t bytes, uint64_t value) {
    for (size_t i = bytes; i > 0; i--, value >>= 8)
        to[i - 1] = (uint8_t)(value & 255);
}

static uint64_t
get_big_endian(const uint8_t *from, size_t bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | from[i];
    return value;
}

/* The handle's content: serial 8, not_after 4, kind 1, draw 3. */
static void
write_content(const struct sid_token *token, uint8_t block[SID_BLOCK_BYTES]) {
    memset(block, 0, SID_BLOCK_BYTES);
    put_big_endian(block, 8, token->serial);
    put_big_endian(block + 8, 4, token->not_after_s);
    block[12] = (uint8_t)token->kind;
    put_big_endian(block + 13, 3, token->draw);
}

static enum sid_err
read_content(const uint8_t block[SID_BLOCK_BYTES], struct sid_token *out) {
    uint32_t draw = (uint32_t)get_big_endian(block + 13, 3);
    if (block[12] > SID_TOKEN_LIVE || (block[12] == SID_TOKEN_DAY && draw != 0))
        return SID_E_CODE_CONTENT;
    out->serial = get_big_endian(block, 8);
    out->not_after_s = (uint32_t)get_big_endian(block + 8, 4);
    out->kind = (enum sid_token_kind)block[12];
    out->draw = draw;
    return SID_OK;
}

static enum sid_err
mac_of(const struct sid_mac_key *key, const uint8_t *token,
       uint8_t out[SID_SHA256_BYTES]) {
    const struct sid_span parts[] = {
        sid_span_of(MAC_LABEL, sizeof MAC_LABEL - 1),
        sid_span_of(token, AT_MAC),
    };
    return sid_mac(key, parts, 2, out);
}

enum sid_err
sid_token_make(const struct sid_keyring *ring, const struct sid_token *token,
               char out[SID_TOKEN_SIZE]) {
    const struct sid_mac_key *mac;
    const struct sid_block_key *handle;
    if (!sid_keyring_code(ring, token->key_id, &mac, &handle))
        return SID_E_CODE_KEY;
    uint8_t bytes[SID_TOKEN_BYTES];
    uint8_t content[SID_BLOCK_BYTES];
    uint8_t tag[SID_SHA256_BYTES];
    bytes[AT_VERSION] = TOKEN_VERSION;
    bytes[AT_KEY_ID] = token->key_id;
    write_content(token, content);
    enum sid_err err = sid_block_encrypt(handle, content, bytes + AT_HANDLE);
    if (err != SID_OK)
        goto out;
    err = mac_of(mac, bytes, tag);
    if (err != SID_OK)
        goto out;
    memcpy(bytes + AT_MAC, tag, MAC_BYTES);
    memcpy(out, SID_TOKEN_PREFIX, PREFIX_CHARS);
    sid_base45_encode(bytes, sizeof bytes, out + PREFIX_CHARS);
out:
    sid_wipe(bytes, sizeof bytes);
    sid_wipe(content, sizeof content);
    sid_wipe(tag, sizeof tag);
    return err;
}

/* The rungs that need no key: length, alphabet, version. */
static enum sid_err
read_text(const char *text, size_t len, uint8_t out[SID_TOKEN_BYTES]) {
    if (len != SID_TOKEN_CHARS)
        return SID_E_CODE_LENGTH;
    size_t got = 0;
    if (!sid_base45_clean(text, PREFIX_CHARS) ||
        sid_base45_decode(text + PREFIX_CHARS, len - PREFIX_CHARS, out,
                          SID_TOKEN_BYTES, &got) != SID_OK)
        return SID_E_CODE_ALPHABET;
    SID_ASSERT(got == SID_TOKEN_BYTES);
    if (memcmp(text, SID_TOKEN_PREFIX, PREFIX_CHARS) != 0 ||
        out[AT_VERSION] != TOKEN_VERSION)
        return SID_E_CODE_VERSION;
    return SID_OK;
}

/* The rungs that need the key: key id, MAC, content. */
static enum sid_err
read_handle(const struct sid_keyring *ring, const uint8_t *bytes,
            struct sid_token *out) {
    const struct sid_mac_key *mac;
    const struct sid_block_key *handle;
    if (!sid_keyring_code(ring, bytes[AT_KEY_ID], &mac, &handle))
        return SID_E_CODE_KEY;
    uint8_t tag[SID_SHA256_BYTES];
    uint8_t content[SID_BLOCK_BYTES] = {0};
    enum sid_err err = mac_of(mac, bytes, tag);
    if (err != SID_OK)
        goto out;
    err = SID_E_CODE_MAC;
    if (!sid_equal_ct(tag, bytes + AT_MAC, MAC_BYTES))
        goto out;
    err = sid_block_decrypt(handle, bytes + AT_HANDLE, content);
    if (err != SID_OK)
        goto out;
    err = read_content(content, out);
    out->key_id = bytes[AT_KEY_ID];
out:
    sid_wipe(tag, sizeof tag);
    sid_wipe(content, sizeof content);
    return err;
}

static enum sid_err
judge_time(const struct sid_token *token, const struct sid_token_times *t) {
    bool live = token->kind == SID_TOKEN_LIVE;
    int64_t not_after_s = token->not_after_s;
    int64_t late_s = live ? 0 : t->grace_s + t->skew_s;
    int64_t period_s = live ? SID_TOKEN_LIVE_S : t->period_s;
    if (t->now_s >= not_after_s + late_s)
        return SID_E_CODE_EXPIRED;
    if (not_after_s > t->now_s + period_s + t->skew_s)
        return SID_E_CODE_EARLY;
    return SID_OK;
}

enum sid_err
sid_token_open(const struct sid_keyring *ring, const char *text,
               size_t text_len, const struct sid_token_times *times,
               struct sid_token *out) {
    uint8_t bytes[SID_TOKEN_BYTES] = {0};
    struct sid_token token = {0};
    enum sid_err err = read_text(text, text_len, bytes);
    if (err != SID_OK)
        goto out;
    err = read_handle(ring, bytes, &token);
    if (err != SID_OK)
        goto out;
    *out = token;
    err = judge_time(&token, times);
out:
    sid_wipe(bytes, sizeof bytes);
    return err;
}

bool
sid_token_judged(enum sid_err outcome) {
    return outcome == SID_OK ||
           (outcome >= SID_E_CODE_LENGTH && outcome <= SID_E_CODE_EARLY);
}

static bool
is_line_end(char c) {
    return c == '\r' || c == '\n' || c == '\t';
}

struct sid_span
sid_token_strip(const char *text, size_t text_len) {
    while (text_len > 0 && is_line_end(text[0])) {
        text++;
        text_len--;
    }
    while (text_len > 0 &&
           (is_line_end(text[text_len - 1]) ||
            (text[text_len - 1] == ' ' && text_len > SID_TOKEN_CHARS)))
        text_len--;
    return sid_span_of(text, text_len);
}

void
sid_token_window(int64_t issued_at_s, int64_t period_s, int64_t now_s,
                 int64_t *not_before_s, int64_t *not_after_s) {
    SID_ASSERT(period_s > 0);
    int64_t age_s = now_s > issued_at_s ? now_s - issued_at_s : 0;
    *not_before_s = issued_at_s + age_s / period_s * period_s;
    *not_after_s = *not_before_s + period_s;
}
