/* test_offline.c: the code for counters without a network: one form, and every
 * other refused for its reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <string.h>

#include "smartid/offline.h"
#include "smartid/text.h"

#define NOW_S 1795428000
#define SKEW_S 120

static struct sid_sign_key *key;
static uint8_t public_key[SID_PUBLIC_KEY_BYTES];

static int
start(void **state) {
    static const uint8_t seed[SID_KEY_BYTES] = {1, 2, 3};
    (void)state;
    if (sid_crypto_init() != SID_OK || sid_sign_key_new(seed, &key) != SID_OK)
        return -1;
    sid_sign_public(key, public_key);
    return 0;
}

static int
stop(void **state) {
    (void)state;
    sid_sign_key_free(&key);
    sid_crypto_fini();
    return 0;
}

static const uint8_t *
key_of(uint8_t key_id, const void *ctx) {
    (void)ctx;
    return key_id == 3 ? public_key : NULL;
}

static struct sid_offline
identity(const char *name) {
    struct sid_offline out = {.key_id = 3,
                              .kind = SID_OFFLINE_IDENTITY,
                              .issued_at_s = NOW_S,
                              .not_after_s = NOW_S + 86400,
                              .id_number = "11010519491231002X"};
    assert_int_equal(sid_text_copy(out.name, sizeof out.name, name), SID_OK);
    return out;
}

static enum sid_err
open_at(const char *text, int64_t now_s, struct sid_offline *out) {
    return sid_offline_open(text, strlen(text), key_of, NULL, now_s, SKEW_S,
                            out);
}

static void
refused(const char *text, enum sid_err why) {
    struct sid_offline out, before;
    memset(&out, 0x33, sizeof out);
    before = out;
    assert_int_equal(open_at(text, NOW_S, &out), why);
    assert_memory_equal(&out, &before, sizeof out);
}

static void
it_opens_to_what_it_was_made_of(void **state) {
    (void)state;
    static const char *const names[] = {"张三", "Zhang Yangben", "x"};
    char code[SID_OFFLINE_SIZE];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct sid_offline in = identity(names[i]);
        struct sid_offline out = {0};
        assert_int_equal(sid_offline_make(key, &in, code), SID_OK);
        assert_true(sid_base45_clean(code, strlen(code)));
        assert_int_equal(open_at(code, NOW_S + 5, &out), SID_OK);
        assert_string_equal(out.name, names[i]);
        assert_string_equal(out.id_number, in.id_number);
        assert_int_equal(out.issued_at_s, NOW_S);
        assert_int_equal(out.not_after_s, NOW_S + 86400);
    }
    for (int over = 0; over < 2; over++) {
        const struct sid_offline in = {.key_id = 3,
                                       .kind = SID_OFFLINE_AGE,
                                       .issued_at_s = NOW_S,
                                       .not_after_s = NOW_S + 60,
                                       .age_over_18 = over == 1};
        struct sid_offline out = identity("x");
        assert_int_equal(sid_offline_make(key, &in, code), SID_OK);
        assert_int_equal(strlen(code), 120); /* QR version 5, level M: 122 */
        assert_int_equal(open_at(code, NOW_S, &out), SID_OK);
        assert_int_equal(out.age_over_18, over);
        assert_string_equal(out.name, "");
        assert_string_equal(out.id_number, "");
    }
}

static void
the_longest_name_fits(void **state) {
    (void)state;
    char name[SID_NAME_SIZE], code[SID_OFFLINE_SIZE];
    struct sid_offline out = {0};
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    const struct sid_offline in = identity(name);
    assert_int_equal(sid_offline_make(key, &in, code), SID_OK);
    assert_int_equal(open_at(code, NOW_S, &out), SID_OK);
    assert_string_equal(out.name, name);
}

static void
it_lives_as_long_as_it_says_and_a_day_at_most(void **state) {
    (void)state;
    struct sid_offline in = identity("x"), out = {0};
    char code[SID_OFFLINE_SIZE];
    assert_int_equal(sid_offline_make(key, &in, code), SID_OK);
    assert_int_equal(open_at(code, NOW_S + 86400 + SKEW_S - 1, &out), SID_OK);
    assert_int_equal(open_at(code, NOW_S + 86400 + SKEW_S, &out),
                     SID_E_CODE_EXPIRED);
    assert_int_equal(open_at(code, NOW_S - SKEW_S, &out), SID_OK);
    assert_int_equal(open_at(code, NOW_S - SKEW_S - 1, &out), SID_E_CODE_EARLY);
    in.not_after_s = NOW_S + 86401;
    assert_int_equal(sid_offline_make(key, &in, code), SID_OK);
    assert_int_equal(open_at(code, NOW_S, &out), SID_E_CODE_EXPIRED);
}

static void
every_changed_character_is_refused(void **state) {
    (void)state;
    const struct sid_offline in = identity("张三");
    char code[SID_OFFLINE_SIZE];
    struct sid_offline out = {0};
    assert_int_equal(sid_offline_make(key, &in, code), SID_OK);
    for (size_t at = 0; code[at] != '\0'; at++) {
        char good = code[at];
        code[at] = good == '7' ? '8' : '7';
        assert_int_not_equal(open_at(code, NOW_S, &out), SID_OK);
        code[at] = '\0';
        assert_int_not_equal(open_at(code, NOW_S, &out), SID_OK);
        code[at] = good;
    }
    assert_string_equal(out.name, "");
    assert_int_equal(open_at(code, NOW_S, &out), SID_OK);
}

/* A code that says anything, well signed. */
static void
sign(enum sid_offline_kind kind, const char *content, size_t len,
     char code[SID_OFFLINE_SIZE]) {
    uint8_t bytes[256] = SID_OFFLINE_PREFIX;
    uint8_t *at = bytes + strlen(SID_OFFLINE_PREFIX);
    const uint8_t head[] = {1, 3, (uint8_t)kind, 0, 0, 0, 0, 0, 0, 0, 0};
    size_t signed_len = strlen(SID_OFFLINE_PREFIX) + sizeof head + len;
    memcpy(at, head, sizeof head);
    memcpy(at + sizeof head, content, len);
    assert_int_equal(
        sid_sign(key, sid_span_of(bytes, signed_len), bytes + signed_len),
        SID_OK);
    memcpy(code, SID_OFFLINE_PREFIX, strlen(SID_OFFLINE_PREFIX));
    sid_base45_encode(at, sizeof head + len + SID_SIGNATURE_BYTES,
                      code + strlen(SID_OFFLINE_PREFIX));
}

static void
what_is_signed_must_make_sense_too(void **state) {
    (void)state;
    static const struct {
        enum sid_offline_kind kind;
        const char *content;
        size_t len;
    } bad[] = {
        {SID_OFFLINE_AGE, "\2", 1},
        {SID_OFFLINE_AGE, "\1\1", 2},
        {SID_OFFLINE_NONE, "\1x11010519491231002X", 20},
        {SID_OFFLINE_IDENTITY,
         "\0"
         "11010519491231002X",
         19},
        {SID_OFFLINE_IDENTITY, "\377x11010519491231002X", 20},
        {SID_OFFLINE_IDENTITY, "\2x11010519491231002X", 20},
        {SID_OFFLINE_IDENTITY, "\1x11010519491231002X1", 21},
        {SID_OFFLINE_IDENTITY,
         "\1\1"
         "11010519491231002X",
         20},
        {SID_OFFLINE_IDENTITY, "\1x1101051949123100\n2", 20},
    };
    char code[SID_OFFLINE_SIZE];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        sign(bad[i].kind, bad[i].content, bad[i].len, code);
        refused(code, SID_E_CODE_CONTENT);
    }
    struct sid_offline out = {0};
    sign(SID_OFFLINE_IDENTITY, "\1x11010519491231002X", 20, code);
    assert_int_equal(open_at(code, NOW_S, &out), SID_E_CODE_EXPIRED);
}

static void
each_refusal_has_its_reason(void **state) {
    (void)state;
    struct sid_offline in = identity("x");
    char code[SID_OFFLINE_SIZE];
    refused("", SID_E_CODE_LENGTH);
    refused("SIDO1:", SID_E_CODE_LENGTH);
    char longer[SID_OFFLINE_SIZE + 1];
    memset(longer, '0', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    refused(longer, SID_E_CODE_LENGTH);
    assert_int_equal(sid_offline_make(key, &in, code), SID_OK);
    code[4] = '2';
    refused(code, SID_E_CODE_VERSION);
    code[4] = '1';
    code[20] = 'a';
    refused(code, SID_E_CODE_ALPHABET);
    in.key_id = 4;
    assert_int_equal(sid_offline_make(key, &in, code), SID_OK);
    refused(code, SID_E_CODE_KEY);
    in.key_id = 3;
    in.kind = (enum sid_offline_kind)9;
    assert_int_equal(sid_offline_make(key, &in, code), SID_OK);
    refused(code, SID_E_CODE_CONTENT);
    in = identity("\x01");
    assert_int_equal(sid_offline_make(key, &in, code), SID_OK);
    refused(code, SID_E_CODE_CONTENT);
    in.name[0] = '\0';
    assert_int_equal(sid_offline_make(key, &in, code), SID_OK);
    refused(code, SID_E_CODE_CONTENT);
    /* Signed by somebody else. */
    static const uint8_t other_seed[SID_KEY_BYTES] = {9};
    struct sid_sign_key *other = NULL;
    assert_int_equal(sid_sign_key_new(other_seed, &other), SID_OK);
    in = identity("x");
    assert_int_equal(sid_offline_make(other, &in, code), SID_OK);
    refused(code, SID_E_CODE_MAC);
    sid_sign_key_free(&other);
}

static void
each_kind_has_its_word(void **state) {
    (void)state;
    assert_int_equal(sid_offline_kind_parse("age_over_18"), SID_OFFLINE_AGE);
    assert_int_equal(sid_offline_kind_parse("identity"), SID_OFFLINE_IDENTITY);
    assert_int_equal(sid_offline_kind_parse("name"), SID_OFFLINE_NONE);
    assert_int_equal(sid_offline_kind_parse(""), SID_OFFLINE_NONE);
    assert_string_equal(sid_offline_kind_name(SID_OFFLINE_AGE), "age_over_18");
    assert_string_equal(sid_offline_kind_name(SID_OFFLINE_NONE), "");
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_opens_to_what_it_was_made_of),
        cmocka_unit_test(the_longest_name_fits),
        cmocka_unit_test(it_lives_as_long_as_it_says_and_a_day_at_most),
        cmocka_unit_test(every_changed_character_is_refused),
        cmocka_unit_test(what_is_signed_must_make_sense_too),
        cmocka_unit_test(each_refusal_has_its_reason),
        cmocka_unit_test(each_kind_has_its_word),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
