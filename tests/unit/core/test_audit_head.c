/* test_audit_head.c: one head has one text, and only the owner of the key can
 * make it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "smartid/audit_head.h"
#include "smartid/text.h"

static struct sid_sign_key *key, *other_key;
static uint8_t public_key[SID_PUBLIC_KEY_BYTES];

static int
start(void **state) {
    (void)state;
    uint8_t seed[SID_KEY_BYTES] = {1}, other[SID_KEY_BYTES] = {2};
    if (sid_crypto_init() != SID_OK || sid_sign_key_new(seed, &key) != SID_OK ||
        sid_sign_key_new(other, &other_key) != SID_OK)
        return -1;
    sid_sign_public(key, public_key);
    return 0;
}

static int
stop(void **state) {
    (void)state;
    sid_sign_key_free(&key);
    sid_sign_key_free(&other_key);
    sid_crypto_fini();
    return 0;
}

static struct sid_audit_head
make(void) {
    struct sid_audit_head head = {.after = 41, .seq = 43, .at_s = 1795428000};
    for (size_t i = 0; i < sizeof head.mac; i++)
        head.mac[i] = (uint8_t)i;
    assert_int_equal(sid_head_sign(key, &head), SID_OK);
    return head;
}

static void
a_head_is_one_line_of_fixed_form(void **state) {
    (void)state;
    struct sid_audit_head head = make();
    char text[SID_HEAD_TEXT_SIZE], expected[SID_HEAD_TEXT_SIZE];
    char chain[17], signature[129];
    sid_hex_encode(head.chain, 8, chain);
    sid_hex_encode(head.signature, 64, signature);
    sid_head_print(&head, text);
    (void)snprintf(expected, sizeof expected,
                   "version=1 chain=%s after=41 seq=43 "
                   "time=2026-11-23T10:00:00Z mac=000102030405060708090a0b0c0d0"
                   "e0f101112131415161718191a1b1c1d1e1f sig=%s",
                   chain, signature);
    assert_string_equal(text, expected);
}

static void
a_head_is_read_back_from_its_line_and_from_the_log(void **state) {
    (void)state;
    struct sid_audit_head head = make(), back = {0}, log = {0};
    char text[SID_HEAD_TEXT_SIZE], line[SID_HEAD_TEXT_SIZE + 64];
    sid_head_print(&head, text);
    assert_int_equal(sid_head_parse(text, &back), SID_OK);
    assert_memory_equal(&back, &head, sizeof head);
    assert_true(sid_head_verify(public_key, &back));
    (void)snprintf(line, sizeof line,
                   "ts=2026-11-23T10:00:00.000Z level=info event=audit_head "
                   "%s\r\n",
                   text);
    assert_int_equal(sid_head_parse(line, &log), SID_OK);
    assert_memory_equal(&log, &head, sizeof head);
}

static void
the_largest_numbers_fit(void **state) {
    (void)state;
    struct sid_audit_head head = {.after = INT64_MAX - 1,
                                  .seq = INT64_MAX,
                                  .at_s = INT64_C(253402300799)},
                          back = {0};
    char text[SID_HEAD_TEXT_SIZE];
    assert_int_equal(sid_head_sign(key, &head), SID_OK);
    sid_head_print(&head, text);
    assert_int_equal(sid_head_parse(text, &back), SID_OK);
    assert_memory_equal(&back, &head, sizeof head);
}

static void
a_change_of_any_character_is_refused_or_not_signed(void **state) {
    (void)state;
    struct sid_audit_head head = make();
    char text[SID_HEAD_TEXT_SIZE];
    sid_head_print(&head, text);
    for (size_t i = 0; text[i] != '\0'; i++) {
        for (const char *c = "0a9 =zT\n"; *c != '\0'; c++) {
            char was = text[i];
            struct sid_audit_head got;
            text[i] = *c;
            if (*c != was && sid_head_parse(text, &got) == SID_OK)
                assert_false(sid_head_verify(public_key, &got));
            text[i] = was;
        }
    }
}

static void
a_text_of_another_form_is_refused_and_out_is_untouched(void **state) {
    (void)state;
    struct sid_audit_head head = make(), got = {.seq = 7};
    char text[SID_HEAD_TEXT_SIZE], bad[SID_HEAD_TEXT_SIZE + 32];
    sid_head_print(&head, text);
    size_t len = strlen(text);
    for (size_t cut = 0; cut < len; cut++) {
        memcpy(bad, text, cut);
        bad[cut] = '\0';
        assert_int_equal(sid_head_parse(bad, &got), SID_E_ARGUMENT);
    }
    (void)snprintf(bad, sizeof bad, "%s0", text);
    assert_int_equal(sid_head_parse(bad, &got), SID_E_ARGUMENT);
    (void)snprintf(bad, sizeof bad, "%s x=1", text);
    assert_int_equal(sid_head_parse(bad, &got), SID_E_ARGUMENT);
    static const struct {
        const char *from, *to;
    } changes[] = {
        {"seq=43", "seq=043"},
        {"seq=43", "seq=+43"},
        {"seq=43", "seq=0"},
        {"seq=43", "seq=-3"},
        {"after=41", "after=-1"},
        {"after=41", "after= 41"},
        {"seq=43", "seq=99999999999999999999"},
        {"version=1", "version=2"},
        {"2026-11-23T10:00:00Z", "2026-11-23T10:00:60Z"},
        {"2026-11-23T10:00:00Z", "2026-11-23t10:00:00Z"},
        {"0a0b", "0A0B"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const char *at = strstr(text, changes[i].from);
        assert_non_null(at);
        (void)snprintf(bad, sizeof bad, "%.*s%s%s", (int)(at - text), text,
                       changes[i].to, at + strlen(changes[i].from));
        assert_int_equal(sid_head_parse(bad, &got), SID_E_ARGUMENT);
    }
    assert_int_equal(got.seq, 7);
}

static void
a_head_of_another_log_is_not_taken(void **state) {
    (void)state;
    struct sid_audit_head head = make(), other = make();
    uint8_t others[SID_PUBLIC_KEY_BYTES];
    sid_sign_public(other_key, others);
    assert_false(sid_head_verify(others, &head));
    assert_int_equal(sid_head_sign(other_key, &other), SID_OK);
    assert_memory_not_equal(other.chain, head.chain, sizeof head.chain);
    assert_false(sid_head_verify(public_key, &other));
    assert_true(sid_head_verify(others, &other));
}

static void
a_signature_of_another_purpose_is_none(void **state) {
    (void)state;
    struct sid_audit_head head = make();
    char text[SID_HEAD_TEXT_SIZE];
    sid_head_print(&head, text);
    *strstr(text, " sig=") = '\0';
    assert_int_equal(sid_sign(key, sid_span_str(text), head.signature), SID_OK);
    assert_false(sid_head_verify(public_key, &head));
}

/* Rightly signed, but said to be of another log. */
static void
a_head_that_names_another_log_is_not_taken(void **state) {
    (void)state;
    struct sid_audit_head head = make();
    char text[SID_HEAD_TEXT_SIZE], signed_text[SID_HEAD_TEXT_SIZE + 32];
    head.chain[0] ^= 1;
    sid_head_print(&head, text);
    *strstr(text, " sig=") = '\0';
    (void)snprintf(signed_text, sizeof signed_text, "smartid audit head\n%s",
                   text);
    assert_int_equal(sid_sign(key, sid_span_str(signed_text), head.signature),
                     SID_OK);
    assert_false(sid_head_verify(public_key, &head));
    head.chain[0] ^= 1;
    assert_int_equal(sid_head_sign(key, &head), SID_OK);
    assert_true(sid_head_verify(public_key, &head));
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_is_one_line_of_fixed_form),
        cmocka_unit_test(a_head_is_read_back_from_its_line_and_from_the_log),
        cmocka_unit_test(the_largest_numbers_fit),
        cmocka_unit_test(a_change_of_any_character_is_refused_or_not_signed),
        cmocka_unit_test(
            a_text_of_another_form_is_refused_and_out_is_untouched),
        cmocka_unit_test(a_head_of_another_log_is_not_taken),
        cmocka_unit_test(a_head_that_names_another_log_is_not_taken),
        cmocka_unit_test(a_signature_of_another_purpose_is_none),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
