/* test_ratelimit.c: counting what one source does, in a table that cannot grow.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "smartid/ratelimit.h"

#define PERIOD_S 60

static struct sid_rate *rate;

static int
setup(void **state) {
    (void)state;
    return sid_rate_new(PERIOD_S, &rate) == SID_OK ? 0 : -1;
}

static int
teardown(void **state) {
    (void)state;
    sid_rate_free(&rate);
    sid_rate_free(&rate);
    return rate == NULL ? 0 : -1;
}

static uint32_t
count(const char *source, int64_t now_s, int64_t *left_s) {
    struct sid_address address;
    assert_int_equal(sid_address_parse(source, strlen(source), &address),
                     SID_OK);
    return sid_rate_count(rate, &address, now_s, left_s);
}

static void
events_are_counted_until_the_period_ends(void **state) {
    (void)state;
    int64_t left_s = 0;
    for (uint32_t i = 1; i <= 7; i++)
        assert_int_equal(count("192.0.2.1", 100, &left_s), i);
    assert_int_equal(left_s, PERIOD_S);
    assert_int_equal(count("192.0.2.1", 159, &left_s), 8);
    assert_int_equal(left_s, 1);
    assert_int_equal(count("192.0.2.1", 160, &left_s), 1);
    assert_int_equal(left_s, PERIOD_S);
}

static void
sources_do_not_count_for_each_other(void **state) {
    (void)state;
    int64_t left_s;
    assert_int_equal(count("192.0.2.1", 0, &left_s), 1);
    assert_int_equal(count("192.0.2.2", 0, &left_s), 1);
    assert_int_equal(count("::ffff:192.0.2.1", 0, &left_s), 2);
}

static void
one_subscriber_of_ipv6_is_one_source(void **state) {
    (void)state;
    int64_t left_s;
    assert_int_equal(count("2001:db8:1:2::1", 0, &left_s), 1);
    assert_int_equal(count("2001:db8:1:2:ffff:ffff:ffff:ffff", 0, &left_s), 2);
    assert_int_equal(count("2001:db8:1:3::1", 0, &left_s), 1);
}

static void
a_full_table_forgets_whose_period_began_first(void **state) {
    (void)state;
    int64_t left_s;
    char source[32];
    for (int i = 0; i < SID_RATE_SOURCES; i++) {
        (void)snprintf(source, sizeof source, "10.0.%d.%d", i / 256, i % 256);
        assert_int_equal(count(source, 10 + (i == 7 ? -5 : 0), &left_s), 1);
    }
    assert_int_equal(count("192.0.2.1", 20, &left_s), 1);
    assert_int_equal(count("10.0.0.8", 20, &left_s), 2);
    assert_int_equal(count("192.0.2.1", 20, &left_s), 2);
    /* Forgotten; it takes the place of another one now. */
    assert_int_equal(count("10.0.0.7", 20, &left_s), 1);
    assert_int_equal(count("10.0.0.7", 20, &left_s), 2);
}

int
main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(events_are_counted_until_the_period_ends),
        T(sources_do_not_count_for_each_other),
        T(one_subscriber_of_ipv6_is_one_source),
        T(a_full_table_forgets_whose_period_began_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
