/* test_erasure.c: the words of erasure and retention. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>

#include "smartid/erasure.h"

static void
each_cause_that_can_be_asked_for_is_read_by_its_name(void **state) {
    (void)state;
    for (int i = SID_ERASE_REQUEST; i <= SID_ERASE_UNLAWFUL; i++) {
        enum sid_erase_cause cause = SID_ERASE_CAUSE_COUNT;
        assert_int_equal(
            sid_erase_cause_parse(sid_erase_cause_name((enum sid_erase_cause)i),
                                  &cause),
            SID_OK);
        assert_int_equal(cause, i);
    }
}

static void
nobody_can_ask_for_a_cause_of_retention_or_in_other_words(void **state) {
    (void)state;
    static const char *const words[] = {
        "undecided", "rejected", "failed",         "revoked",
        "",          "Request",  "Zhang has died", "request ",
    };
    enum sid_erase_cause cause = SID_ERASE_MISTAKE;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        assert_int_equal(sid_erase_cause_parse(words[i], &cause),
                         SID_E_FIELD_INVALID);
    assert_int_equal(cause, SID_ERASE_MISTAKE);
}

static void
a_rule_erases_by_the_cause_of_its_own_name(void **state) {
    (void)state;
    for (int i = 0; i < SID_RETENTION_COUNT; i++) {
        enum sid_retention_rule rule = (enum sid_retention_rule)i;
        if (rule != SID_RETAIN_AUDIT)
            assert_string_equal(sid_erase_cause_name(sid_retention_cause(rule)),
                                sid_retention_name(rule));
    }
    assert_string_equal(sid_retention_name(SID_RETAIN_AUDIT), "audit");
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_cause_that_can_be_asked_for_is_read_by_its_name),
        cmocka_unit_test(
            nobody_can_ask_for_a_cause_of_retention_or_in_other_words),
        cmocka_unit_test(a_rule_erases_by_the_cause_of_its_own_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
