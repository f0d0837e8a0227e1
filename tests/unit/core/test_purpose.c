/* test_purpose.c: what a clerk may ask for, pinned name by name: a change of
 * this table is a change of what people agreed to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>

#include "smartid/purpose.h"

#define N SID_ATTR_NAME
#define I SID_ATTR_ID_NUMBER
#define B SID_ATTR_BIRTH_DATE
#define S SID_ATTR_SEX
#define R SID_ATTR_REGION

static const struct {
    const char *name;
    uint32_t attributes;
} expected[] = {
    {"household_registration", N | I | B | S | R},
    {"bank_account", N | I | B | S},
    {"train_ticket", N | I},
    {"drivers_licence", N | I | B | S},
    {"hotel_check_in", N | I},
    {"security_check", SID_ATTR_NAME_MASKED | SID_ATTR_ID_NUMBER_MASKED},
    {"emergency_service", N | B | S},
    {"immigration_service", N | I | B | S | R},
};

static void
each_purpose_sees_exactly_what_it_may(void **state) {
    (void)state;
    assert_int_equal(SID_PURPOSE_COUNT, sizeof expected / sizeof expected[0]);
    uint32_t bits = 0;
    for (size_t i = 0; i < SID_PURPOSE_COUNT; i++) {
        enum sid_purpose purpose = SID_PURPOSE_COUNT;
        assert_int_equal(sid_purpose_parse(expected[i].name, &purpose), SID_OK);
        assert_string_equal(sid_purpose_name(purpose), expected[i].name);
        assert_int_equal(sid_purpose_attributes(purpose),
                         expected[i].attributes);
        assert_int_equal(bits & sid_purpose_bit(purpose), 0);
        bits |= sid_purpose_bit(purpose);
    }
}

static void
an_unknown_purpose_is_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {"", "bank", "Bank_account",
                                        "bank_account "};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        enum sid_purpose purpose = SID_PURPOSE_TRAIN;
        assert_int_equal(sid_purpose_parse(wrong[i], &purpose),
                         SID_E_FIELD_INVALID);
        assert_int_equal(purpose, SID_PURPOSE_TRAIN);
    }
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_purpose_sees_exactly_what_it_may),
        cmocka_unit_test(an_unknown_purpose_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
