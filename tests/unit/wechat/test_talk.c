/* Tests of what people ask for and of how it is worded: talk.c, said.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../../../src/wechat/service.h"
#include "smartid/mac.h"

#define ok(expression) assert_int_equal((expression), SID_OK)

static void
a_command_is_known_with_blanks_around_it_and_in_any_case(void **state) {
    (void)state;
    assert_int_equal(wechat_command_of("办理"), COMMAND_APPLY);
    assert_int_equal(wechat_command_of(" \n我的码\xe3\x80\x80 "), COMMAND_CODE);
    assert_int_equal(wechat_command_of("Chat Apply"), COMMAND_APPLY_CHAT);
    assert_int_equal(wechat_command_of("确认挂失"), COMMAND_LOST_SURE);
    assert_int_equal(wechat_command_of("挂失"), COMMAND_LOST);
    assert_int_equal(wechat_command_of("确认删除"), COMMAND_DELETE_SURE);
    assert_int_equal(wechat_command_of("用途"), COMMAND_PURPOSE);
    assert_int_equal(wechat_command_of("我要办理"), COMMAND_NONE);
    assert_int_equal(wechat_command_of(""), COMMAND_NONE);
    assert_int_equal(wechat_command_of("\xe3\x80\x80"), COMMAND_NONE);
}

static void
a_menu_key_is_known_as_it_stands_only(void **state) {
    (void)state;
    assert_int_equal(wechat_menu_of("APPLY"), COMMAND_APPLY);
    assert_int_equal(wechat_menu_of("ASKED"), COMMAND_ASKED);
    assert_int_equal(wechat_menu_of("apply"), COMMAND_NONE);
    assert_int_equal(wechat_menu_of(""), COMMAND_NONE);
}

static void
a_name_has_no_digits_and_no_signs(void **state) {
    (void)state;
    static const char *const bad[] = {"",    "A",   "王1",    "a\nb",
                                      "<b>", "a@b", "王\xff", "什么时候办?"};
    char name[SID_NAME_SIZE] = "untouched", longest[SID_NAME_SIZE + 1];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(wechat_name_fits(bad[i], name));
    memset(longest, 'a', sizeof longest);
    longest[SID_NAME_SIZE] = '\0';
    assert_false(wechat_name_fits(longest, name));
    assert_string_equal(name, "untouched");
    longest[SID_NAME_SIZE - 1] = '\0';
    assert_true(wechat_name_fits(longest, name));
    assert_true(wechat_name_fits(" 古丽·买买提\n", name));
    assert_string_equal(name, "古丽·买买提");
    assert_true(wechat_name_fits("O'Neil-Wang", name));
}

static void
a_time_is_told_by_the_clock_of_china(void **state) {
    (void)state;
    char text[WECHAT_TIME_SIZE];
    wechat_time_text(1767225600, text); /* 2026-01-01T00:00:00Z */
    assert_string_equal(text, "1月1日08:00");
    wechat_time_text(1767200400, text);
    assert_string_equal(text, "1月1日01:00");
}

/* ---- said.c ---------------------------------------------------------------
 */

static int
make_keys(void **state) {
    static const uint8_t key[SID_KEY_BYTES] = {1};
    struct sid_keyring *ring = NULL;
    ok(sid_crypto_init());
    ok(sid_keyring_new_fixed(key, &ring));
    *state = ring;
    return 0;
}

static int
free_keys(void **state) {
    struct sid_keyring *ring = *state;
    sid_keyring_free(&ring);
    sid_crypto_fini();
    return 0;
}

static void
what_was_said_is_read_back_and_by_nobody_else(void **state) {
    struct sid_keyring *keys = *state;
    struct sid_wechat_contact mine = {.id = ""}, other = {.id = ""};
    struct sid_wechat_chat chat = {.step = ""};
    struct wechat_said said = {.consent_at_s = 5}, back = {.consent_at_s = 1};
    ok(sid_id_make("wcc_", mine.id));
    ok(sid_id_make("wcc_", other.id));
    ok(sid_subject_make(keys, mine.id, &mine.key));
    ok(sid_subject_make(keys, other.id, &other.key));
    ok(wechat_said_open(keys, &mine, &chat, &back)); /* nothing yet */
    assert_string_equal(back.name, "");
    strcpy(said.name, "王样例");
    strcpy(said.number, "11010519491231002X");
    said.photo_at_s = 1735689600;
    strcpy(said.photo_msg_id, "18446744073709551615");
    said.swapped = true;
    ok(wechat_said_seal(keys, &mine, &said, &chat));
    ok(wechat_said_open(keys, &mine, &chat, &back));
    assert_int_equal(back.consent_at_s, 5);
    assert_string_equal(back.name, said.name);
    assert_string_equal(back.number, said.number);
    assert_int_equal(back.photo_at_s, said.photo_at_s);
    assert_string_equal(back.photo_msg_id, said.photo_msg_id);
    assert_true(back.swapped);
    assert_int_equal(wechat_said_open(keys, &other, &chat, &back), SID_E_SEAL);
    chat.said_sealed.ptr[chat.said_sealed.len - 1] ^= 1;
    assert_int_equal(wechat_said_open(keys, &mine, &chat, &back), SID_E_SEAL);
    sid_wechat_chat_fini(&chat);
}

static void
what_was_sent_first_is_told_by_time_and_then_by_number(void **state) {
    (void)state;
    static const struct {
        int64_t noted_s, at_s;
        const char *noted, *id;
        bool earlier;
    } rows[] = {
        {5, 4, "1", "2", true},   {5, 6, "2", "1", false},
        {5, 5, "10", "9", true},  {5, 5, "9", "10", false},
        {5, 5, "9", "9", false},  {5, 5, "12", "0011", true},
        {5, 5, "8", "007", true}, {0, 5, "", "7", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct wechat_said said = {.consent_at_s = 0};
        struct sid_wechat_push push = {.created_at_s = rows[i].noted_s};
        (void)snprintf(push.msg_id, sizeof push.msg_id, "%s", rows[i].noted);
        wechat_said_note(&said, &push);
        push.created_at_s = rows[i].at_s;
        (void)snprintf(push.msg_id, sizeof push.msg_id, "%s", rows[i].id);
        assert_int_equal(wechat_said_is_earlier(&said, &push), rows[i].earlier);
    }
}

static void
photos_that_were_swapped_lie_in_each_others_place(void **state) {
    (void)state;
    struct wechat_said said = {.swapped = false};
    assert_int_equal(wechat_said_place(&said, SID_PHOTO_ID), SID_PHOTO_ID);
    assert_int_equal(wechat_said_place(&said, SID_PHOTO_SELFIE),
                     SID_PHOTO_SELFIE);
    said.swapped = true;
    assert_int_equal(wechat_said_place(&said, SID_PHOTO_ID), SID_PHOTO_SELFIE);
    assert_int_equal(wechat_said_place(&said, SID_PHOTO_SELFIE), SID_PHOTO_ID);
}

/* One that was sealed before photos were put in order. */
static void
what_was_said_before_an_update_is_still_read(void **state) {
    struct sid_keyring *keys = *state;
    static const char old[] = "7\n王样例\n11010519491231002X";
    struct sid_wechat_contact mine = {.id = ""};
    struct sid_wechat_chat chat = {.step = ""};
    struct wechat_said back = {.swapped = true};
    ok(sid_id_make("wcc_", mine.id));
    ok(sid_subject_make(keys, mine.id, &mine.key));
    ok(sid_contact_seal(keys, &mine, SID_CONTACT_SAID, sid_span_str(old),
                        &chat.said_sealed));
    ok(wechat_said_open(keys, &mine, &chat, &back));
    assert_int_equal(back.consent_at_s, 7);
    assert_string_equal(back.number, "11010519491231002X");
    assert_int_equal(back.photo_at_s, 0);
    assert_false(back.swapped);
    sid_wechat_chat_fini(&chat);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_command_is_known_with_blanks_around_it_and_in_any_case),
        cmocka_unit_test(a_menu_key_is_known_as_it_stands_only),
        cmocka_unit_test(a_name_has_no_digits_and_no_signs),
        cmocka_unit_test(a_time_is_told_by_the_clock_of_china),
        cmocka_unit_test_setup_teardown(
            what_was_said_is_read_back_and_by_nobody_else, make_keys,
            free_keys),
        cmocka_unit_test_setup_teardown(
            what_was_said_before_an_update_is_still_read, make_keys, free_keys),
        cmocka_unit_test(
            what_was_sent_first_is_told_by_time_and_then_by_number),
        cmocka_unit_test(photos_that_were_swapped_lie_in_each_others_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
