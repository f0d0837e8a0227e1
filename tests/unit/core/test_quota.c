/* test_quota.c: a token bucket: so much at once, then as it drips in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <pthread.h>

#include "smartid/quota.h"

#define SECOND_US ((int64_t)1000000)
#define NOW_US (1000 * SECOND_US)

static int
take(sid_bucket *bucket, int64_t per_minute, int64_t now_us, int times) {
    int64_t retry_s = 0;
    int got = 0;
    for (int i = 0; i < times; i++)
        got += sid_quota_take(bucket, per_minute, 1, now_us, &retry_s);
    return got;
}

static void
a_minutes_worth_is_there_at_once_and_no_more(void **state) {
    (void)state;
    sid_bucket bucket = 0;
    assert_int_equal(take(&bucket, 60, NOW_US, 100), 60);
}

static void
tokens_drip_in(void **state) {
    (void)state;
    sid_bucket bucket = 0;
    assert_int_equal(take(&bucket, 60, NOW_US, 60), 60);
    assert_int_equal(take(&bucket, 60, NOW_US + SECOND_US - 1, 1), 0);
    assert_int_equal(take(&bucket, 60, NOW_US + SECOND_US, 2), 1);
    assert_int_equal(take(&bucket, 60, NOW_US + 11 * SECOND_US, 20), 10);
    /* Never more than a minute's worth. */
    assert_int_equal(take(&bucket, 60, NOW_US + 9999 * SECOND_US, 100), 60);
}

static void
it_says_when_the_next_one_comes(void **state) {
    (void)state;
    sid_bucket bucket = 0;
    int64_t retry_s = 0;
    assert_true(sid_quota_take(&bucket, 1, 1, NOW_US, &retry_s));
    assert_false(sid_quota_take(&bucket, 1, 1, NOW_US, &retry_s));
    assert_int_equal(retry_s, 60);
    assert_false(
        sid_quota_take(&bucket, 1, 1, NOW_US + 30 * SECOND_US + 1, &retry_s));
    assert_int_equal(retry_s, 30);
    assert_false(
        sid_quota_take(&bucket, 1, 1, NOW_US + 60 * SECOND_US - 1, &retry_s));
    assert_int_equal(retry_s, 1);
    assert_true(
        sid_quota_take(&bucket, 1, 1, NOW_US + 60 * SECOND_US, &retry_s));
}

static void
who_is_refused_loses_nothing(void **state) {
    (void)state;
    sid_bucket bucket = 0;
    assert_int_equal(take(&bucket, 60, NOW_US, 60), 60);
    assert_int_equal(take(&bucket, 60, NOW_US, 1000), 0);
    assert_int_equal(take(&bucket, 60, NOW_US + SECOND_US, 1), 1);
}

static void
the_highest_rate_works(void **state) {
    (void)state;
    sid_bucket bucket = 0;
    assert_int_equal(take(&bucket, SID_QUOTA_PER_MINUTE_MAX, NOW_US,
                          SID_QUOTA_PER_MINUTE_MAX + 5),
                     SID_QUOTA_PER_MINUTE_MAX);
}

static void *
take_1000(void *bucket) {
    return (void *)(intptr_t)take(bucket, 900, NOW_US, 1000);
}

static void
threads_share_what_there_is(void **state) {
    (void)state;
    sid_bucket bucket = 0;
    pthread_t thread[4];
    intptr_t sum = 0;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, take_1000, &bucket),
                         0);
    for (int i = 0; i < 4; i++) {
        void *got = NULL;
        assert_int_equal(pthread_join(thread[i], &got), 0);
        sum += (intptr_t)got;
    }
    assert_int_equal(sum, 900);
}

static void
many_are_taken_together_or_not_at_all(void **state) {
    (void)state;
    sid_bucket bucket = 0;
    int64_t retry_s = 0;
    assert_true(sid_quota_take(&bucket, 60, 50, NOW_US, &retry_s));
    assert_false(sid_quota_take(&bucket, 60, 11, NOW_US, &retry_s));
    assert_int_equal(retry_s, 1);
    assert_true(sid_quota_take(&bucket, 60, 10, NOW_US, &retry_s));
    assert_false(sid_quota_take(&bucket, 60, 50, NOW_US, &retry_s));
    assert_int_equal(retry_s, 50);
    /* More than a minute's worth there never is. */
    bucket = 0;
    assert_false(sid_quota_take(&bucket, 60, 61, NOW_US, &retry_s));
    bucket = NOW_US + 60 * SECOND_US;
    assert_false(sid_quota_take(&bucket, 60, 61, NOW_US, &retry_s));
    assert_int_equal(retry_s, 60);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_are_taken_together_or_not_at_all),
        cmocka_unit_test(a_minutes_worth_is_there_at_once_and_no_more),
        cmocka_unit_test(tokens_drip_in),
        cmocka_unit_test(it_says_when_the_next_one_comes),
        cmocka_unit_test(who_is_refused_loses_nothing),
        cmocka_unit_test(the_highest_rate_works),
        cmocka_unit_test(threads_share_what_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
