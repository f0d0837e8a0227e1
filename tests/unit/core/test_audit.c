/* test_audit.c: the chain of the audit log changes with every part of a row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "smartid/audit.h"
#include "smartid/text.h"

static struct sid_mac_key *key;
static const uint8_t zeros[SID_SHA256_BYTES];
static const struct sid_audit_row row = {
    .seq = 1,
    .at_us = 1795428000000000,
    .event = "verification",
    .actor = "cli_1",
    .subject = "crd_1",
    .outcome = "valid",
    .detail = "purpose=bank_account",
};

static int
start(void **state) {
    (void)state;
    uint8_t master[SID_KEY_BYTES], raw[SID_KEY_BYTES];
    for (size_t i = 0; i < sizeof master; i++)
        master[i] = (uint8_t)i;
    if (sid_crypto_init() != SID_OK ||
        sid_hkdf(master, "smartidd/audit/v1", raw) != SID_OK)
        return -1;
    return sid_mac_key_new(raw, &key) == SID_OK ? 0 : -1;
}

static int
stop(void **state) {
    (void)state;
    sid_mac_key_free(&key);
    sid_crypto_fini();
    return 0;
}

static void
the_link_has_not_drifted(void **state) {
    (void)state;
    /* Computed by a second implementation (Python's hmac). */
    uint8_t mac[SID_SHA256_BYTES];
    char text[65];
    assert_int_equal(sid_audit_link(key, zeros, &row, mac), SID_OK);
    sid_hex_encode(mac, sizeof mac, text);
    assert_string_equal(
        text,
        "00457bab3d33e754636e1f6a2a65616f26bc8b07d2efa94aa6e88382c5755bea");
}

static void
a_change_of_any_part_changes_the_link(void **state) {
    (void)state;
    struct sid_audit_row rows[9];
    uint8_t mac[10][SID_SHA256_BYTES];
    for (int i = 0; i < 9; i++)
        rows[i] = row;
    rows[1].seq = 2;
    rows[2].at_us++;
    rows[3].event = "verificatioN";
    rows[4].actor = "";
    rows[5].subject = "crd_2";
    rows[6].outcome = "code_mac";
    rows[7].detail = "purpose=train_ticket";
    /* The same characters, cut elsewhere. */
    rows[8].actor = "cli_1c";
    rows[8].subject = "rd_1";
    for (int i = 0; i < 9; i++)
        assert_int_equal(sid_audit_link(key, zeros, &rows[i], mac[i]), SID_OK);
    assert_int_equal(sid_audit_link(key, mac[0], &row, mac[9]), SID_OK);
    for (int i = 0; i < 10; i++) {
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(mac[i], mac[j], SID_SHA256_BYTES);
    }
}

static void
a_row_may_be_linked_in_place(void **state) {
    (void)state;
    /* The store keeps one MAC and moves it on. */
    uint8_t moving[SID_SHA256_BYTES] = {0}, first[SID_SHA256_BYTES];
    assert_int_equal(sid_audit_link(key, zeros, &row, first), SID_OK);
    assert_int_equal(sid_audit_link(key, moving, &row, moving), SID_OK);
    assert_memory_equal(moving, first, sizeof first);
}

/* "key|value;key|value;" and what was left over. */
static void
members_of(const char *detail, char *out, size_t out_size, const char **rest) {
    struct sid_audit_member m;
    size_t len = 0;
    *out = '\0';
    while (sid_audit_member_next(&detail, &m)) {
        int n = snprintf(out + len, out_size - len, "%.*s|%.*s;",
                         (int)m.key_len, m.key, (int)m.value_len, m.value);
        assert_in_range(n, 1, out_size - len - 1);
        len += (size_t)n;
    }
    *rest = detail;
}

static void
a_detail_is_read_as_members(void **state) {
    (void)state;
    static const struct {
        const char *detail, *members, *rest;
    } rows[] = {
        {"", "", ""},
        {"a=1", "a|1;", ""},
        {"attempts=1 reasons=", "attempts|1;reasons|;", ""},
        {"id=ver_1 purpose=x counter=12", "id|ver_1;purpose|x;counter|12;", ""},
        {"a==b c=d=e", "a|=b;c|d=e;", ""},
        {"id_photo", "", "id_photo"},
        {"n=\"a b\" p=\"\" q=1", "n|a b;p|;q|1;", ""},
        {"n=\"a b", "", "n=\"a b"},
        {"n=\"a\"b", "", "n=\"a\"b"},
        {"counter=\"a\" b", "counter|\"a\" b;", ""},
        {"a=1 word b=2", "a|1;", "word b=2"},
        {"a=1  b=2", "a|1;", " b=2"},
        {"a=1 ", "a|1;", " "},
        {" a=1", "", " a=1"},
        {"=1", "", "=1"},
        {"A=1", "", "A=1"},
        {":=1", "", ":=1"},
        {"{=1", "", "{=1"},
        {"a_0z9=1", "a_0z9|1;", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[128];
        const char *rest;
        members_of(rows[i].detail, text, sizeof text, &rest);
        assert_string_equal(text, rows[i].members);
        assert_string_equal(rest, rows[i].rest);
    }
}

static void
somebodys_own_text_cannot_pass_for_another_member(void **state) {
    (void)state;
    char text[128];
    const char *rest;
    struct sid_audit_member member;
    const char *detail =
        "id=ver_1 purpose=bank_account counter=7 purpose=x id=ver_2";
    members_of(detail, text, sizeof text, &rest);
    assert_string_equal(
        text, "id|ver_1;purpose|bank_account;counter|7 purpose=x id=ver_2;");
    assert_true(sid_audit_member_find(detail, "purpose", &member));
    assert_int_equal(member.value_len, strlen("bank_account"));
    assert_false(
        sid_audit_member_find("counter=7 purpose=x", "purpose", &member));
    assert_false(sid_audit_member_find(detail, "purpos", &member));
}

static void
an_anchor_depends_on_number_and_mac_and_is_no_link(void **state) {
    (void)state;
    uint8_t seal[4][SID_SHA256_BYTES], other[SID_SHA256_BYTES] = {1};
    assert_int_equal(sid_audit_anchor(key, 5, zeros, seal[0]), SID_OK);
    assert_int_equal(sid_audit_anchor(key, 6, zeros, seal[1]), SID_OK);
    assert_int_equal(sid_audit_anchor(key, 5, other, seal[2]), SID_OK);
    assert_int_equal(sid_audit_link(key, zeros, &row, seal[3]), SID_OK);
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(seal[i], seal[j], SID_SHA256_BYTES);
    }
    char text[65];
    sid_hex_encode(seal[0], sizeof seal[0], text);
    /* Computed by a second implementation (Python's hmac). */
    assert_string_equal(
        text,
        "09678c7daf524c41d6eec0ee58b27c4799d65bcc994e62039555487c11afa8a8");
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_link_has_not_drifted),
        cmocka_unit_test(a_change_of_any_part_changes_the_link),
        cmocka_unit_test(a_row_may_be_linked_in_place),
        cmocka_unit_test(a_detail_is_read_as_members),
        cmocka_unit_test(somebodys_own_text_cannot_pass_for_another_member),
        cmocka_unit_test(an_anchor_depends_on_number_and_mac_and_is_no_link),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
