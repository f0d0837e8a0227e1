/* Tests of the time that never goes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>

#include "smartid/steady.h"

#define HOUR INT64_C(3600000000)
#define NOW (500000 * HOUR)

static void
it_is_the_wall_clock_while_that_goes_on(void **state) {
    struct sid_steady steady;

    (void)state;
    sid_steady_begin(&steady, 0, 5);
    assert_int_equal(sid_steady_read(&steady, NOW, 5), NOW);
    assert_int_equal(sid_steady_read(&steady, NOW + 1, 6), NOW + 1);
    /* Set ahead, or a machine that slept. */
    assert_int_equal(sid_steady_read(&steady, NOW + HOUR, 7), NOW + HOUR);
}

static void
set_back_it_goes_on_at_half_speed_until_the_wall_clock_is_there(void **state) {
    struct sid_steady steady;

    (void)state;
    sid_steady_begin(&steady, 0, 0);
    assert_int_equal(sid_steady_read(&steady, NOW, 0), NOW);
    assert_int_equal(sid_steady_read(&steady, NOW - HOUR, 0), NOW);
    assert_int_equal(sid_steady_read(&steady, NOW, HOUR), NOW + HOUR / 2);
    assert_int_equal(sid_steady_read(&steady, NOW + HOUR, 2 * HOUR),
                     NOW + HOUR);
    assert_int_equal(sid_steady_read(&steady, NOW + 2 * HOUR, 3 * HOUR),
                     NOW + 2 * HOUR);
}

static void
it_begins_where_it_was_before_a_restart(void **state) {
    struct sid_steady steady;

    (void)state;
    sid_steady_begin(&steady, NOW, 7);
    assert_int_equal(sid_steady_read(&steady, NOW - HOUR, 7), NOW);
    sid_steady_begin(&steady, NOW - HOUR, 7);
    assert_int_equal(sid_steady_read(&steady, NOW, 7), NOW);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_wall_clock_while_that_goes_on),
        cmocka_unit_test(
            set_back_it_goes_on_at_half_speed_until_the_wall_clock_is_there),
        cmocka_unit_test(it_begins_where_it_was_before_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
