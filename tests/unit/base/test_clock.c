/* test_clock.c: the shifted clock of test builds, dates, RFC 3339. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "smartid/clock.h"

static char folder[64];
static char file[96];

static void
write_shift(const char *text) {
    /* As a test does it: a new file put in place of the old one. */
    char next[128];
    (void)snprintf(next, sizeof next, "%s.next", file);
    FILE *to = fopen(next, "w");
    assert_non_null(to);
    assert_true(fputs(text, to) >= 0);
    assert_int_equal(fclose(to), 0);
    assert_int_equal(rename(next, file), 0);
}

static int
make_folder(void **state) {
    (void)state;
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(folder, sizeof folder, "%.40s/sid-clock-XXXXXX",
                   tmp != NULL && strlen(tmp) <= 40 ? tmp : "/tmp");
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(file, sizeof file, "%s/shift", folder);
    return setenv("SMARTIDD_TEST_CLOCK", file, 1);
}

static int
drop_folder(void **state) {
    (void)state;
    (void)unlink(file);
    return rmdir(folder);
}

/* The shift in force, in seconds: rounding allows one second of doubt. */
static int64_t
shift_s(void) {
    int64_t before_s = time(NULL); /* the later of the two may be a second on */
    return (sid_now_us() - before_s * 1000000) / 1000000;
}

static void
without_the_file_the_clock_is_the_systems(void **state) {
    (void)state;
    assert_true(sid_clock_is_test());
    assert_true(shift_s() >= 0 && shift_s() <= 1);
}

static void
the_clock_follows_each_change_of_the_file(void **state) {
    (void)state;
    write_shift("86400\n");
    assert_in_range(shift_s(), 86400, 86401);
    write_shift("86500\n"); /* the same size, another file */
    assert_in_range(shift_s(), 86500, 86501);
    write_shift("-3600");
    assert_true(shift_s() >= -3600 && shift_s() <= -3599);
    int64_t a = sid_now_s(), b = sid_now_us() / 1000000;
    assert_true(b - a >= 0 && b - a <= 1);
}

static void
a_file_without_a_number_keeps_the_last_shift(void **state) {
    (void)state;
    write_shift("500");
    assert_in_range(shift_s(), 500, 501);
    write_shift("");
    assert_in_range(shift_s(), 500, 501);
    write_shift("soon");
    assert_in_range(shift_s(), 500, 501);
}

static void
the_monotonic_clock_is_never_shifted(void **state) {
    (void)state;
    write_shift("0");
    (void)sid_now_us();
    int64_t before = sid_mono_us();
    write_shift("900000");
    (void)sid_now_us();
    int64_t after = sid_mono_us();
    assert_true(after >= before && after - before < 60000000);
}

static void *
read_clock(void *ctx) {
    int64_t *bad = ctx;
    for (int i = 0; i < 500; i++) {
        int64_t s = shift_s();
        *bad += s < 100 || s > 201;
    }
    return NULL;
}

static void
threads_see_one_of_the_shifts_and_nothing_else(void **state) {
    (void)state;
    write_shift("100");
    pthread_t thread[4];
    int64_t bad[4] = {0};
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, read_clock, &bad[i]),
                         0);
    for (int i = 0; i < 50; i++)
        write_shift(i % 2 == 0 ? "200" : "100");
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(thread[i], NULL), 0);
    assert_int_equal(bad[0] + bad[1] + bad[2] + bad[3], 0);
}

static void
each_day_of_four_centuries_counts_one_more(void **state) {
    (void)state;
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t expected = sid_days_of_date(1800, 1, 1);
    assert_int_equal(expected, -62091); /* date -d 1800-01-01 +%s / 86400 */
    for (int y = 1800; y < 2200; y++) {
        bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
        for (int m = 1; m <= 12; m++) {
            int last = m == 2 && !leap ? 28 : days[m - 1];
            for (int d = 1; d <= last; d++)
                assert_int_equal(sid_days_of_date(y, m, d), expected++);
            assert_true(sid_days_of_date(y, m, last + 1) == SID_DAYS_NONE);
        }
    }
    assert_true(sid_days_of_date(2000, 0, 1) == SID_DAYS_NONE);
    assert_true(sid_days_of_date(2000, 13, 1) == SID_DAYS_NONE);
    assert_true(sid_days_of_date(2000, 1, 0) == SID_DAYS_NONE);
    assert_true(sid_days_of_date(0, 1, 1) == SID_DAYS_NONE);
    assert_true(sid_days_of_date(10000, 1, 1) == SID_DAYS_NONE);
}

static void
a_day_gives_its_date_back(void **state) {
    (void)state;
    for (int64_t day = 0; day < 60000; day += 7) {
        int y, m, d;
        sid_date_of_days(day, &y, &m, &d);
        assert_int_equal(sid_days_of_date(y, m, d), day);
    }
}

static const struct {
    const char *text;
    int64_t at_s;
} good_times[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"2026-11-23T10:00:00Z", 1795428000},
    {"2026-11-23t10:00:00z", 1795428000},
    {"2026-11-23T18:00:00+08:00", 1795428000},
    {"2026-11-23T04:30:00-05:30", 1795428000},
    {"2026-11-23T10:00:00.999999999Z", 1795428000},
    {"2024-02-29T23:59:59Z", 1709251199},
    {"2016-12-31T23:59:60Z", 1483228800}, /* a real leap second */
    {"9999-12-31T23:59:59Z", 253402300799},
    {"1970-01-01T01:00:00+01:00", 0},
};

static void
rfc_3339_is_read(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof good_times / sizeof good_times[0]; i++) {
        int64_t at_s = -1;
        assert_int_equal(sid_time_parse(good_times[i].text, &at_s), SID_OK);
        assert_int_equal(at_s, good_times[i].at_s);
    }
}

static void
what_is_not_rfc_3339_is_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "",
        "2026-11-23",
        "2026-11-23T10:00:00",
        "2026-11-23 10:00:00Z",
        "2026-11-23T10:00Z",
        "2026-11-23T10:00:00Zx",
        "2026-11-23T10:00:00.Z",
        "2026-11-23T10:00:00+0800",
        "2026-11-23T10:00:00+24:00",
        "2026-11-23T10:00:00+08:60",
        "2026-11-23T24:00:00Z",
        "2026-11-23T10:60:00Z",
        "2026-11-23T10:00:61Z",
        "2026-11-23T10:00:60Z", /* a leap second at noon */
        "2026-02-29T10:00:00Z",
        "2026-13-01T10:00:00Z",
        "2026-00-10T10:00:00Z",
        "2026-04-31T10:00:00Z",
        "26-11-23T10:00:00Z",
        "+2026-11-23T10:00:00Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "2026-1-23T10:00:00Z",
        "2026-11-23T1０:00:00Z",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        int64_t at_s = 77;
        assert_int_equal(sid_time_parse(wrong[i], &at_s), SID_E_FIELD_INVALID);
        assert_int_equal(at_s, 77);
    }
}

static void
a_time_is_written_as_it_is_read(void **state) {
    (void)state;
    char text[SID_TIME_TEXT_SIZE];
    sid_time_text(1795428000, text);
    assert_string_equal(text, "2026-11-23T10:00:00Z");
    for (int64_t at_s = 0; at_s < 253402300799; at_s += 7654321987) {
        int64_t back;
        sid_time_text(at_s, text);
        assert_int_equal(sid_time_parse(text, &back), SID_OK);
        assert_int_equal(back, at_s);
    }
    sid_time_text(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59Z");
    sid_time_text(-5, text);
    assert_string_equal(text, "1970-01-01T00:00:00Z");
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_file_the_clock_is_the_systems),
        cmocka_unit_test(the_clock_follows_each_change_of_the_file),
        cmocka_unit_test(a_file_without_a_number_keeps_the_last_shift),
        cmocka_unit_test(the_monotonic_clock_is_never_shifted),
        cmocka_unit_test(threads_see_one_of_the_shifts_and_nothing_else),
        cmocka_unit_test(each_day_of_four_centuries_counts_one_more),
        cmocka_unit_test(a_day_gives_its_date_back),
        cmocka_unit_test(rfc_3339_is_read),
        cmocka_unit_test(what_is_not_rfc_3339_is_refused),
        cmocka_unit_test(a_time_is_written_as_it_is_read),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
