/* Tests of a row of the audit log as JSON: what of a detail is shown as
 * members, what stays text, and what happens when memory ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../fuzz/each_fails.h"
#include "smartid/audit_json.h"

static struct sid_audit_entry
entry_with(const char *detail) {
    return (struct sid_audit_entry){.row = {.seq = 7,
                                            .at_us = 1767225600000001,
                                            .event = "verification",
                                            .actor = "cli_a",
                                            .subject = "crd_a",
                                            .outcome = "valid",
                                            .detail = detail},
                                    .mac = {0xab},
                                    .intact = true};
}

/* The detail of the row as it is written. */
static void
assert_detail(const char *detail, const char *expected) {
    struct sid_audit_entry entry = entry_with(detail);
    struct sid_buf scratch = SID_BUF_EMPTY, out = SID_BUF_EMPTY;
    assert_int_equal(sid_audit_json(&entry, &scratch, &out), SID_OK);
    assert_int_equal(sid_buf_append(&out, "", 1), SID_OK);
    const char *found = strstr((const char *)out.ptr, "\"detail\":");
    assert_non_null(found);
    assert_string_equal(found + strlen("\"detail\":"), expected);
    sid_buf_free(&out);
    sid_buf_free(&scratch);
}

static void
a_list_of_members_is_an_object(void **state) {
    (void)state;
    assert_detail("", "{}}");
    assert_detail("purpose=bank_account counter=12 east",
                  "{\"purpose\":\"bank_account\",\"counter\":\"12 east\"}}");
    assert_detail("ab=1 a=2", "{\"ab\":\"1\",\"a\":\"2\"}}");
}

static void
what_is_no_list_of_members_stays_text(void **state) {
    (void)state;
    assert_detail("seal", "\"seal\"}");
    assert_detail("a=1 a=2", "\"a=1 a=2\"}");
    assert_detail("a=1 ab=2 b=3 ab=4", "\"a=1 ab=2 b=3 ab=4\"}");
    assert_detail("a=1 and more", "\"a=1 and more\"}");
}

static void
no_more_members_are_shown_than_there_is_room_for(void **state) {
    (void)state;
    char detail[400] = "", expected[410];
    size_t len = 0;
    for (int i = 0; i < 33; i++)
        len += (size_t)snprintf(detail + len, sizeof detail - len, "%sk%d=v",
                                i == 0 ? "" : " ", i);
    (void)snprintf(expected, sizeof expected, "\"%s\"}", detail);
    assert_detail(detail, expected);
}

static void
a_time_has_microseconds_and_none_before_1970(void **state) {
    (void)state;
    char text[SID_AUDIT_TIME_SIZE];
    sid_audit_time_text(1767225600000001, text);
    assert_string_equal(text, "2026-01-01T00:00:00.000001Z");
    sid_audit_time_text(-2000001, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000000Z");
}

static enum sid_err
write_one(void) {
    struct sid_audit_entry entry = entry_with("purpose=hotel counter=12");
    struct sid_buf scratch = SID_BUF_EMPTY, out = SID_BUF_EMPTY;
    enum sid_err err = sid_audit_json(&entry, &scratch, &out);
    sid_buf_free(&out);
    sid_buf_free(&scratch);
    return err;
}

static void
each_allocation_may_fail(void **state) {
    (void)state;
    each_call_fails(write_one);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_of_members_is_an_object),
        cmocka_unit_test(what_is_no_list_of_members_stays_text),
        cmocka_unit_test(no_more_members_are_shown_than_there_is_room_for),
        cmocka_unit_test(a_time_has_microseconds_and_none_before_1970),
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
