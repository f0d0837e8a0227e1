/* test_rand.c: random bytes and public names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/rand.h"

#define NAMES 2000

static int
by_text(const void *a, const void *b) {
    return memcmp(a, b, SID_ID_SIZE);
}

static void
no_two_of_two_thousand_names_are_alike(void **state) {
    (void)state;
    static char names[NAMES][SID_ID_SIZE];
    for (size_t i = 0; i < NAMES; i++) {
        assert_int_equal(sid_id_make("enr_", names[i]), SID_OK);
        assert_int_equal(strlen(names[i]), SID_ID_CHARS);
        assert_true(sid_id_valid("enr_", names[i]));
    }
    qsort(names, NAMES, SID_ID_SIZE, by_text);
    for (size_t i = 1; i < NAMES; i++)
        assert_string_not_equal(names[i - 1], names[i]);
}

static void
only_the_prefix_and_26_characters_are_a_name(void **state) {
    (void)state;
    const char good[] = "enr_0123456789abcdefghjkmnpqrs";
    assert_true(sid_id_valid("enr_", good));
    assert_false(sid_id_valid("cli_", good));
    assert_false(sid_id_valid("enr_", ""));
    assert_false(sid_id_valid("enr_", "enr_0123456789abcdefghjkmnpqr"));
    assert_false(sid_id_valid("enr_", "enr_0123456789abcdefghjkmnpqrs0"));
    assert_false(sid_id_valid("enr_", "enr_0123456789Abcdefghjkmnpqrs"));
    assert_false(sid_id_valid("enr_", "enr_0123456789ubcdefghjkmnpqrs"));
    assert_false(sid_id_valid("enr_", "enr_0123456789%bcdefghjkmnpqrs"));
}

static void
random_bytes_fill_all_that_was_asked_for(void **state) {
    (void)state;
    /* Every place of 4 KiB differs from zero in one of 8 draws: the chance
     * that it does not is 4096 / 2^64. */
    static uint8_t any[4096], once[4096];
    memset(any, 0, sizeof any);
    for (int draw = 0; draw < 8; draw++) {
        assert_int_equal(sid_rand_bytes(once, sizeof once), SID_OK);
        for (size_t i = 0; i < sizeof any; i++)
            any[i] |= once[i];
    }
    for (size_t i = 0; i < sizeof any; i++)
        assert_int_not_equal(any[i], 0);
    assert_int_equal(sid_rand_bytes(once, 0), SID_OK);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_two_of_two_thousand_names_are_alike),
        cmocka_unit_test(only_the_prefix_and_26_characters_are_a_name),
        cmocka_unit_test(random_bytes_fill_all_that_was_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
