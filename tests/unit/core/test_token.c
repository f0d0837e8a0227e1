/* test_token.c: the code: one form, and every other refused for its reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <string.h>

#include "smartid/buf.h"
#include "smartid/text.h"
#include "smartid/token.h"

#define NOW_S 1795428000 /* 2026-11-23T10:00:00Z */
#define DAY_S 86400

static const struct sid_token_times times = {
    .now_s = NOW_S, .period_s = DAY_S, .grace_s = 120, .skew_s = 30};
static struct sid_keyring *ring;

static int
start(void **state) {
    (void)state;
    uint8_t key[SID_KEY_BYTES];
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    if (sid_crypto_init() != SID_OK || sid_keyring_new(&ring) != SID_OK)
        return -1;
    return sid_keyring_put(ring, SID_KEY_CODE, 1, 0, key) == SID_OK ? 0 : -1;
}

static int
stop(void **state) {
    (void)state;
    sid_keyring_free(&ring);
    sid_crypto_fini();
    return 0;
}

static void
make(uint64_t serial, uint32_t not_after_s, char out[SID_TOKEN_SIZE]) {
    const struct sid_token token = {.serial = serial,
                                    .not_after_s = not_after_s,
                                    .kind = SID_TOKEN_DAY,
                                    .key_id = 1};
    assert_int_equal(sid_token_make(ring, &token, out), SID_OK);
}

static enum sid_err
open_at(const char *text, int64_t now_s, struct sid_token *out) {
    struct sid_token_times t = times;
    t.now_s = now_s;
    return sid_token_open(ring, text, strlen(text), &t, out);
}

/* Refused, and nothing is given out. */
static void
refused(const char *text, size_t len, enum sid_err why) {
    struct sid_token out, before;
    memset(&out, 0x33, sizeof out);
    before = out;
    assert_int_equal(sid_token_open(ring, text, len, &times, &out), why);
    assert_memory_equal(&out, &before, sizeof out);
}

static void
to_bytes(const char *code, uint8_t out[SID_TOKEN_BYTES]) {
    size_t len = 0;
    assert_int_equal(sid_base45_decode(code + 5, SID_TOKEN_CHARS - 5, out,
                                       SID_TOKEN_BYTES, &len),
                     SID_OK);
    assert_int_equal(len, SID_TOKEN_BYTES);
}

static void
to_code(const uint8_t bytes[SID_TOKEN_BYTES], char out[SID_TOKEN_SIZE]) {
    memcpy(out, SID_TOKEN_PREFIX, 5);
    sid_base45_encode(bytes, SID_TOKEN_BYTES, out + 5);
}

/* A code with this content and a right MAC, as only the issuer could make. */
static void
make_with_content(const uint8_t content[16], char out[SID_TOKEN_SIZE]) {
    const struct sid_mac_key *mac = NULL;
    const struct sid_block_key *handle = NULL;
    uint8_t bytes[SID_TOKEN_BYTES] = {1, 1}, tag[SID_SHA256_BYTES];
    assert_true(sid_keyring_code(ring, 1, &mac, &handle));
    assert_int_equal(sid_block_encrypt(handle, content, bytes + 2), SID_OK);
    const struct sid_span parts[] = {sid_span_str("SID1"),
                                     sid_span_of(bytes, 18)};
    assert_int_equal(sid_mac(mac, parts, 2, tag), SID_OK);
    memcpy(bytes + 18, tag, 16);
    to_code(bytes, out);
}

static void
a_code_opens_to_what_it_was_made_of(void **state) {
    (void)state;
    static const uint64_t serials[] = {0, 1, 255, 1u << 31, UINT64_MAX};
    for (size_t i = 0; i < sizeof serials / sizeof serials[0]; i++) {
        for (unsigned kind = 0; kind < 2; kind++) {
            struct sid_token in = {.serial = serials[i],
                                   .not_after_s = NOW_S + 50,
                                   .kind = (enum sid_token_kind)kind,
                                   .key_id = 1};
            struct sid_token out = {0};
            char code[SID_TOKEN_SIZE], again[SID_TOKEN_SIZE];
            assert_int_equal(sid_token_make(ring, &in, code), SID_OK);
            assert_int_equal(strlen(code), SID_TOKEN_CHARS);
            assert_int_equal(open_at(code, NOW_S, &out), SID_OK);
            assert_true(out.serial == in.serial);
            assert_int_equal(out.not_after_s, in.not_after_s);
            assert_int_equal(out.kind, in.kind);
            assert_int_equal(out.key_id, 1);
            assert_int_equal(sid_token_make(ring, &in, again), SID_OK);
            assert_string_equal(code, again);
        }
    }
}

static void
the_format_has_not_drifted(void **state) {
    (void)state;
    /* Computed by a second implementation (Python's hmac and the openssl
     * command) under the code key 00 01 … 1f. */
    char code[SID_TOKEN_SIZE];
    make(1, 1795514400, code);
    assert_string_equal(
        code, "SID1:W50DD2C.LKRG8VCXIU0WDE:PFOCN38V4A9CNYPDX8QG4ICHT7/0");
    const struct sid_token live = {.serial = 0x0123456789abcdef,
                                   .not_after_s = UINT32_MAX,
                                   .kind = SID_TOKEN_LIVE,
                                   .key_id = 1};
    assert_int_equal(sid_token_make(ring, &live, code), SID_OK);
    assert_string_equal(
        code, "SID1:W50*5FEELP01P70TVMZKCMWH2ML6%AW5UUCJH5KJEAM9B:YK*U4");
}

static void
an_unknown_key_id_makes_no_code(void **state) {
    (void)state;
    const struct sid_token token = {.serial = 1, .key_id = 9};
    char code[SID_TOKEN_SIZE] = "untouched";
    assert_int_equal(sid_token_make(ring, &token, code), SID_E_CODE_KEY);
    assert_string_equal(code, "untouched");
}

static void
every_other_length_is_refused(void **state) {
    (void)state;
    char code[200];
    memset(code, 'A', sizeof code);
    make(1, NOW_S + 60, code);
    for (size_t len = 0; len < sizeof code; len++) {
        if (len != SID_TOKEN_CHARS)
            refused(code, len, SID_E_CODE_LENGTH);
    }
}

static void
a_character_that_codes_never_have_is_refused(void **state) {
    (void)state;
    char code[SID_TOKEN_SIZE];
    make(1, NOW_S + 60, code);
    for (size_t at = 0; at < SID_TOKEN_CHARS; at++) {
        char good = code[at];
        for (const char *bad = "a_!\xe4\n"; *bad != '\0'; bad++) {
            code[at] = *bad;
            refused(code, SID_TOKEN_CHARS, SID_E_CODE_ALPHABET);
        }
        code[at] = '\0';
        refused(code, SID_TOKEN_CHARS, SID_E_CODE_ALPHABET);
        code[at] = good;
    }
    /* Three characters that stand for more than two bytes can hold. */
    memcpy(code + 5, ":::", 3);
    refused(code, SID_TOKEN_CHARS, SID_E_CODE_ALPHABET);
}

static void
another_version_is_refused(void **state) {
    (void)state;
    char code[SID_TOKEN_SIZE];
    uint8_t bytes[SID_TOKEN_BYTES];
    static const char *const prefixes[] = {"SID2:", "HC1::", "SID1 ", "00000"};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        make(1, NOW_S + 60, code);
        memcpy(code, prefixes[i], 5);
        refused(code, SID_TOKEN_CHARS, SID_E_CODE_VERSION);
    }
    make(1, NOW_S + 60, code);
    to_bytes(code, bytes);
    for (unsigned version = 0; version < 256; version++) {
        bytes[0] = (uint8_t)version;
        to_code(bytes, code);
        if (version != 1)
            refused(code, SID_TOKEN_CHARS, SID_E_CODE_VERSION);
    }
}

static void
an_unknown_key_id_is_refused(void **state) {
    (void)state;
    char code[SID_TOKEN_SIZE];
    uint8_t bytes[SID_TOKEN_BYTES];
    make(1, NOW_S + 60, code);
    to_bytes(code, bytes);
    for (unsigned kid = 0; kid < 256; kid++) {
        bytes[1] = (uint8_t)kid;
        to_code(bytes, code);
        if (kid != 1)
            refused(code, SID_TOKEN_CHARS, SID_E_CODE_KEY);
    }
}

static void
a_code_of_another_issuer_is_refused(void **state) {
    (void)state;
    uint8_t master[SID_KEY_BYTES] = {42};
    struct sid_keyring *other = NULL;
    assert_int_equal(sid_keyring_new_fixed(master, &other), SID_OK);
    const struct sid_token token = {
        .serial = 1, .not_after_s = NOW_S + 60, .key_id = 1};
    char code[SID_TOKEN_SIZE];
    assert_int_equal(sid_token_make(other, &token, code), SID_OK);
    refused(code, SID_TOKEN_CHARS, SID_E_CODE_MAC);
    sid_keyring_free(&other);
}

static void
impossible_content_is_refused_even_with_a_right_mac(void **state) {
    (void)state;
    char code[SID_TOKEN_SIZE];
    uint8_t content[16] = {0, 0, 0, 0, 0, 0, 0, 1};
    content[8] = 0x6b; /* about 2026 */
    content[9] = 0x04;
    struct sid_token out;
    make_with_content(content, code);
    assert_int_not_equal(open_at(code, NOW_S, &out), SID_E_CODE_CONTENT);
    for (unsigned kind = 2; kind < 256; kind++) {
        content[12] = (uint8_t)kind;
        make_with_content(content, code);
        refused(code, SID_TOKEN_CHARS, SID_E_CODE_CONTENT);
    }
    content[12] = 0;
    for (size_t at = 13; at < 16; at++) {
        content[at] = 1;
        make_with_content(content, code);
        refused(code, SID_TOKEN_CHARS, SID_E_CODE_CONTENT);
        content[at] = 0;
    }
}

static void
every_flipped_bit_of_several_codes_is_refused(void **state) {
    (void)state;
    for (uint64_t serial = 1; serial <= 20; serial++) {
        char code[SID_TOKEN_SIZE];
        uint8_t bytes[SID_TOKEN_BYTES];
        make(serial * 1000003, NOW_S + 60, code);
        to_bytes(code, bytes);
        for (size_t bit = 0; bit < sizeof bytes * 8; bit++) {
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            to_code(bytes, code);
            refused(code, SID_TOKEN_CHARS,
                    bit < 8    ? SID_E_CODE_VERSION
                    : bit < 16 ? SID_E_CODE_KEY
                               : SID_E_CODE_MAC);
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}

static void
a_code_with_one_changed_character_is_refused(void **state) {
    (void)state;
    static const char alphabet[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
    char code[SID_TOKEN_SIZE];
    make(77, NOW_S + 60, code);
    for (size_t at = 0; at < SID_TOKEN_CHARS; at++) {
        char good = code[at];
        for (const char *c = alphabet; *c != '\0'; c++) {
            struct sid_token out;
            code[at] = *c;
            enum sid_err err = open_at(code, NOW_S, &out);
            if (*c == good)
                assert_int_equal(err, SID_OK);
            else
                assert_true(err == SID_E_CODE_MAC || err == SID_E_CODE_KEY ||
                            err == SID_E_CODE_VERSION ||
                            err == SID_E_CODE_ALPHABET);
        }
        code[at] = good;
    }
}

static void
two_neighbouring_characters_cannot_be_swapped(void **state) {
    (void)state;
    char code[SID_TOKEN_SIZE];
    make(78, NOW_S + 60, code);
    for (size_t at = 0; at + 1 < SID_TOKEN_CHARS; at++) {
        struct sid_token out;
        char a = code[at], b = code[at + 1];
        code[at] = b;
        code[at + 1] = a;
        assert_true((open_at(code, NOW_S, &out) == SID_OK) == (a == b));
        code[at] = a;
        code[at + 1] = b;
    }
}

static void
a_code_dies_at_its_last_second_plus_grace_and_skew(void **state) {
    (void)state;
    char code[SID_TOKEN_SIZE];
    struct sid_token out = {0};
    make(5, NOW_S, code);
    assert_int_equal(open_at(code, NOW_S - 1, &out), SID_OK);
    assert_int_equal(open_at(code, NOW_S, &out), SID_OK);
    assert_int_equal(open_at(code, NOW_S + 120 + 30 - 1, &out), SID_OK);
    out.serial = 0;
    assert_int_equal(open_at(code, NOW_S + 120 + 30, &out), SID_E_CODE_EXPIRED);
    assert_int_equal(out.serial, 5); /* the audit row needs it */
    assert_int_equal(open_at(code, NOW_S + DAY_S, &out), SID_E_CODE_EXPIRED);

    struct sid_token_times strict = {.now_s = NOW_S - 1, .period_s = DAY_S};
    assert_int_equal(sid_token_open(ring, code, SID_TOKEN_CHARS, &strict, &out),
                     SID_OK);
    strict.now_s = NOW_S;
    assert_int_equal(sid_token_open(ring, code, SID_TOKEN_CHARS, &strict, &out),
                     SID_E_CODE_EXPIRED);
}

static void
a_code_from_a_future_no_window_reaches_is_early(void **state) {
    (void)state;
    char code[SID_TOKEN_SIZE];
    struct sid_token out = {0};
    make(6, NOW_S + DAY_S, code);
    assert_int_equal(open_at(code, NOW_S, &out), SID_OK);
    assert_int_equal(open_at(code, NOW_S - 30, &out), SID_OK);
    out.serial = 0;
    assert_int_equal(open_at(code, NOW_S - 31, &out), SID_E_CODE_EARLY);
    assert_int_equal(out.serial, 6);
    make(6, UINT32_MAX, code);
    assert_int_equal(open_at(code, NOW_S, &out), SID_E_CODE_EARLY);
    make(6, 0, code);
    assert_int_equal(open_at(code, NOW_S, &out), SID_E_CODE_EXPIRED);
}

static void
the_codes_of_two_days_have_nothing_in_common(void **state) {
    (void)state;
    char code[SID_TOKEN_SIZE];
    uint8_t day[60][SID_TOKEN_BYTES];
    for (uint32_t d = 0; d < 60; d++) {
        make(9, NOW_S + d * DAY_S, code);
        to_bytes(code, day[d]);
    }
    for (size_t a = 0; a < 60; a++) {
        for (size_t b = 0; b < a; b++) {
            /* 256 bits that look random differ in 128 of them, with a spread
             * of 8: seven spreads do not happen in 1770 pairs. */
            int bits = 0;
            for (size_t i = 2; i < SID_TOKEN_BYTES; i++)
                bits += __builtin_popcount((unsigned)(day[a][i] ^ day[b][i]));
            assert_in_range(bits, 72, 184);
        }
    }
}

static void
windows_follow_each_other_from_the_issue_on(void **state) {
    (void)state;
    int64_t from, to;
    const int64_t issued = NOW_S - 12345;
    sid_token_window(issued, DAY_S, issued, &from, &to);
    assert_int_equal(from, issued);
    assert_int_equal(to, issued + DAY_S);
    sid_token_window(issued, DAY_S, issued + DAY_S - 1, &from, &to);
    assert_int_equal(from, issued);
    sid_token_window(issued, DAY_S, issued + DAY_S, &from, &to);
    assert_int_equal(from, issued + DAY_S);
    assert_int_equal(to, issued + 2 * DAY_S);
    sid_token_window(issued, DAY_S, issued + 1000 * DAY_S + 5, &from, &to);
    assert_int_equal(from, issued + 1000 * DAY_S);
    /* A clock that was set back. */
    sid_token_window(issued, DAY_S, issued - 99999, &from, &to);
    assert_int_equal(from, issued);
    assert_int_equal(to, issued + DAY_S);
    sid_token_window(issued, 60, issued + 61, &from, &to);
    assert_int_equal(from, issued + 60);
    assert_int_equal(to, issued + 120);
}

static void
what_a_scanner_types_round_a_code_is_stripped(void **state) {
    (void)state;
    static const char code[] = /* its last character is a blank */
        "SID1:0123456789ABCDEFGHIJ 0123456789ABCDEFGHIJ 01234567 ";
    static const char *const before[] = {"", "\t", "\r\n\t"};
    static const char *const after[] = {"",   "\r",   "\n",         "\r\n",
                                        "\t", " \r ", "  \r\n \t  "};
    assert_int_equal(strlen(code), SID_TOKEN_CHARS);
    for (size_t b = 0; b < sizeof before / sizeof before[0]; b++) {
        for (size_t a = 0; a < sizeof after / sizeof after[0]; a++) {
            char text[128];
            int len = snprintf(text, sizeof text, "%s%s%s", before[b], code,
                               after[a]);
            struct sid_span got = sid_token_strip(text, (size_t)len);
            assert_int_equal(got.len, SID_TOKEN_CHARS);
            assert_memory_equal(got.ptr, code, SID_TOKEN_CHARS);
        }
    }
    assert_int_equal(sid_token_strip(" x ", 3).len, 3);
    assert_int_equal(sid_token_strip("\r\n", 2).len, 0);
    assert_int_equal(sid_token_strip("", 0).len, 0);
    assert_int_equal(sid_token_strip("a\nb", 3).len, 3);
}

static void
a_live_code_lives_a_minute_and_has_no_grace(void **state) {
    (void)state;
    const struct sid_token in = {.serial = 7,
                                 .not_after_s = NOW_S + SID_TOKEN_LIVE_S,
                                 .kind = SID_TOKEN_LIVE,
                                 .key_id = 1,
                                 .draw = SID_TOKEN_DRAW_MAX};
    struct sid_token out = {0};
    char code[SID_TOKEN_SIZE];
    assert_int_equal(sid_token_make(ring, &in, code), SID_OK);
    assert_int_equal(open_at(code, NOW_S, &out), SID_OK);
    assert_int_equal(out.draw, SID_TOKEN_DRAW_MAX);
    assert_int_equal(open_at(code, NOW_S + 59, &out), SID_OK);
    assert_int_equal(open_at(code, NOW_S + 60, &out), SID_E_CODE_EXPIRED);
    assert_int_equal(open_at(code, NOW_S - 30, &out), SID_OK);
    assert_int_equal(open_at(code, NOW_S - 31, &out), SID_E_CODE_EARLY);
}

static void
two_draws_make_two_codes_and_a_day_code_has_none(void **state) {
    (void)state;
    struct sid_token token = {.serial = 7,
                              .not_after_s = NOW_S + 10,
                              .kind = SID_TOKEN_LIVE,
                              .key_id = 1,
                              .draw = 1};
    char one[SID_TOKEN_SIZE], other[SID_TOKEN_SIZE];
    assert_int_equal(sid_token_make(ring, &token, one), SID_OK);
    token.draw = 2;
    assert_int_equal(sid_token_make(ring, &token, other), SID_OK);
    assert_string_not_equal(one, other);
    token.kind = SID_TOKEN_DAY;
    assert_int_equal(sid_token_make(ring, &token, one), SID_OK);
    refused(one, SID_TOKEN_CHARS, SID_E_CODE_CONTENT);
}

static void
only_what_the_ladder_says_is_about_the_code(void **state) {
    (void)state;
    int judged = 0;
    for (int e = 0; e < SID_ERR_COUNT; e++) {
        enum sid_err err = (enum sid_err)e;
        bool of_code = strncmp(sid_err_code(err), "code_", 5) == 0;
        assert_int_equal(sid_token_judged(err), of_code || err == SID_OK);
        judged += sid_token_judged(err);
    }
    assert_int_equal(judged, 9);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_live_code_lives_a_minute_and_has_no_grace),
        cmocka_unit_test(two_draws_make_two_codes_and_a_day_code_has_none),
        cmocka_unit_test(only_what_the_ladder_says_is_about_the_code),
        cmocka_unit_test(what_a_scanner_types_round_a_code_is_stripped),
        cmocka_unit_test(a_code_opens_to_what_it_was_made_of),
        cmocka_unit_test(the_format_has_not_drifted),
        cmocka_unit_test(an_unknown_key_id_makes_no_code),
        cmocka_unit_test(every_other_length_is_refused),
        cmocka_unit_test(a_character_that_codes_never_have_is_refused),
        cmocka_unit_test(another_version_is_refused),
        cmocka_unit_test(an_unknown_key_id_is_refused),
        cmocka_unit_test(a_code_of_another_issuer_is_refused),
        cmocka_unit_test(impossible_content_is_refused_even_with_a_right_mac),
        cmocka_unit_test(every_flipped_bit_of_several_codes_is_refused),
        cmocka_unit_test(a_code_with_one_changed_character_is_refused),
        cmocka_unit_test(two_neighbouring_characters_cannot_be_swapped),
        cmocka_unit_test(a_code_dies_at_its_last_second_plus_grace_and_skew),
        cmocka_unit_test(a_code_from_a_future_no_window_reaches_is_early),
        cmocka_unit_test(the_codes_of_two_days_have_nothing_in_common),
        cmocka_unit_test(windows_follow_each_other_from_the_issue_on),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
