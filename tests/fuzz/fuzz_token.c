/* fuzz_token.c: src/core/token.c and offline.c: codes, as anybody can send
 * them. A code that opens must be the one form of its content: made again, it
 * is the same text. libFuzzer's one thread; the keyring lives as long as the
 * process. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "smartid/err.h"
#include "smartid/mac.h"
#include "smartid/offline.h"
#include "smartid/text.h"
#include "smartid/token.h"

static const struct sid_token_times times = {
    .now_s = 1795428000, .period_s = 86400, .grace_s = 120, .skew_s = 30};

static struct sid_keyring *ring;

void
fuzz_setup(void) {
    static const uint8_t master[SID_KEY_BYTES] = {1, 2, 3};
    if (sid_crypto_init() != SID_OK ||
        sid_keyring_new_fixed(master, &ring) != SID_OK)
        abort();
}

static void
open_and_make(const char *text, size_t len) {
    struct sid_token token;
    char again[SID_TOKEN_SIZE];
    if (sid_token_open(ring, text, len, &times, &token) != SID_OK)
        return;
    if (sid_token_make(ring, &token, again) == SID_OK)
        fuzz_expect(len == SID_TOKEN_CHARS && memcmp(text, again, len) == 0);
    else
        fuzz_expect(false);
}

/* The bytes as the inside of a code, so that the ladder's upper steps are
 * reached; with and without a MAC that fits. */
static void
as_content(const uint8_t *data, size_t size) {
    uint8_t bytes[SID_TOKEN_BYTES] = {1, 1};
    char text[SID_TOKEN_SIZE] = SID_TOKEN_PREFIX;
    memcpy(bytes + 1, data, size < sizeof bytes - 1 ? size : sizeof bytes - 1);
    sid_base45_encode(bytes, sizeof bytes, text + strlen(SID_TOKEN_PREFIX));
    open_and_make(text, strlen(text));

    struct sid_token token = {.key_id = 1};
    memcpy(&token.serial, bytes + 1, sizeof token.serial);
    memcpy(&token.not_after_s, bytes + 9, sizeof token.not_after_s);
    if ((bytes[13] & 1) != 0) {
        token.kind = SID_TOKEN_LIVE;
        memcpy(&token.draw, bytes + 14, 3);
    }
    if (sid_token_make(ring, &token, text) == SID_OK)
        open_and_make(text, strlen(text));
}

static const uint8_t *
key_of(uint8_t key_id, const void *ctx) {
    static uint8_t key[SID_PUBLIC_KEY_BYTES];
    const struct sid_sign_key *pair = sid_keyring_offline(ring, key_id);
    (void)ctx;
    if (pair == NULL)
        return NULL;
    sid_sign_public(pair, key);
    return key;
}

/* A code for counters without a network must be the one form of its content. */
static void
open_offline(const char *text, size_t len) {
    struct sid_offline code;
    char again[SID_OFFLINE_SIZE];
    if (sid_offline_open(text, len, key_of, NULL, times.now_s, 120, &code) !=
        SID_OK)
        return;
    const struct sid_sign_key *pair = sid_keyring_offline(ring, code.key_id);
    fuzz_expect(sid_offline_make(pair, &code, again) == SID_OK &&
                strlen(again) == len && memcmp(text, again, len) == 0);
}

/* The bytes signed, so that what is behind the signature is reached. */
static void
as_signed(const uint8_t *data, size_t size) {
    uint8_t bytes[6 + SID_OFFLINE_BYTES] = SID_OFFLINE_PREFIX;
    char text[SID_OFFLINE_SIZE] = SID_OFFLINE_PREFIX;
    size_t most = SID_OFFLINE_BYTES - SID_SIGNATURE_BYTES;
    size_t len = size < most ? size : most;
    memcpy(bytes + 6, data, len);
    if (sid_sign(sid_keyring_offline(ring, 1), sid_span_of(bytes, 6 + len),
                 bytes + 6 + len) != SID_OK)
        return;
    sid_base45_encode(bytes + 6, len + SID_SIGNATURE_BYTES, text + 6);
    open_offline(text, strlen(text));
}

void
fuzz_one(const uint8_t *data, size_t size) {
    open_and_make((const char *)data, size);
    as_content(data, size);
    open_offline((const char *)data, size);
    as_signed(data, size);
}
