/* test_api_policy.c: when the client calls, calls again, and stops calling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <string.h>

#include "../../../src/wechat/api_policy.h"

#define MS INT64_C(1000)
#define S INT64_C(1000000)
#define ALL UINT32_MAX

static void
errcodes_are_told_apart(void **state) {
    (void)state;
    static const int64_t token[] = {40001, 40014, 42001};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(wechat_errcode_verdict(token[i]), WECHAT_TOKEN);
    assert_int_equal(wechat_errcode_verdict(-1), WECHAT_AGAIN);
    static const int64_t refused[] = {40007, 40013, 40029, 40125, 40164,
                                      45009, 45015, 45047, -2,    1};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_int_equal(wechat_errcode_verdict(refused[i]), WECHAT_REFUSED);
    static const int64_t account[] = {40001, 40013, 40014, 40125, 40164,
                                      42001, 45009, 45011, 48001};
    for (size_t i = 0; i < sizeof account / sizeof account[0]; i++)
        assert_true(sid_wechat_errcode_of_account(account[i]));
    static const int64_t call[] = {0, -1, 40007, 40029, 45015, 45047};
    for (size_t i = 0; i < sizeof call / sizeof call[0]; i++)
        assert_false(sid_wechat_errcode_of_account(call[i]));
    assert_true(sid_wechat_errcode_window_closed(45015));
    assert_false(sid_wechat_errcode_window_closed(45047));
    assert_true(sid_wechat_errcode_quota_used(45047));
    assert_false(sid_wechat_errcode_quota_used(45015));
}

static void
the_wait_doubles_up_to_its_bound_with_half_of_it_left_to_chance(void **state) {
    (void)state;
    static const int64_t all_ms[] = {300, 600, 1200, 2400, 4800, 5000, 5000};
    for (int next = 2; next < 9; next++) {
        int64_t all = all_ms[next - 2] * MS;
        assert_int_equal(wechat_backoff_us(300 * MS, 5000 * MS, next, 0),
                         all / 2);
        assert_in_range(wechat_backoff_us(300 * MS, 5000 * MS, next, ALL),
                        all - all / 1000, all);
    }
    assert_in_range(wechat_backoff_us(300 * MS, 5000 * MS, 1000000, ALL),
                    4990 * MS, 5000 * MS);
}

static const struct wechat_breaker_limits limits = {
    .failures = 3, .pause_us = 5 * S, .pause_max_us = 15 * S};

static void
failures_in_a_row_open_the_breaker(void **state) {
    (void)state;
    struct wechat_breaker b = {0};
    assert_true(wechat_breaker_allows(&b, 0));
    assert_false(wechat_breaker_failure(&b, &limits, 0, ALL));
    assert_false(wechat_breaker_failure(&b, &limits, 0, ALL));
    assert_true(wechat_breaker_allows(&b, 0));
    assert_false(wechat_breaker_success(&b));
    assert_false(wechat_breaker_failure(&b, &limits, 0, ALL));
    assert_false(wechat_breaker_failure(&b, &limits, 0, ALL));
    assert_true(wechat_breaker_failure(&b, &limits, 0, ALL));
    assert_false(wechat_breaker_allows(&b, 0));
    assert_false(wechat_breaker_allows(&b, 4 * S));
}

static void
after_the_pause_one_call_probes(void **state) {
    (void)state;
    struct wechat_breaker b = {0};
    for (int i = 0; i < 3; i++)
        (void)wechat_breaker_failure(&b, &limits, 0, ALL);
    assert_true(wechat_breaker_allows(&b, 5 * S));
    assert_false(wechat_breaker_allows(&b, 5 * S));
    assert_true(wechat_breaker_success(&b));
    for (int i = 0; i < 9; i++)
        assert_true(wechat_breaker_allows(&b, 5 * S));
}

static void
a_probe_that_fails_doubles_the_pause_up_to_its_bound(void **state) {
    (void)state;
    struct wechat_breaker b = {0};
    for (int i = 0; i < 3; i++)
        (void)wechat_breaker_failure(&b, &limits, 0, ALL);
    int64_t now = 5 * S;
    static const int64_t pauses_s[] = {10, 15, 15};
    for (size_t i = 0; i < 3; i++) {
        assert_true(wechat_breaker_allows(&b, now));
        assert_true(wechat_breaker_failure(&b, &limits, now, ALL));
        assert_false(wechat_breaker_allows(&b, now + pauses_s[i] * S - S));
        now += pauses_s[i] * S;
    }
    assert_true(wechat_breaker_allows(&b, now));
    assert_true(wechat_breaker_success(&b));
    /* Then it begins anew. */
    assert_false(wechat_breaker_failure(&b, &limits, now, ALL));
    assert_true(wechat_breaker_allows(&b, now));
}

static void
calls_from_before_do_not_make_the_pause_longer(void **state) {
    (void)state;
    struct wechat_breaker b = {0};
    for (int i = 0; i < 3; i++)
        (void)wechat_breaker_failure(&b, &limits, 0, ALL);
    for (int i = 0; i < 20; i++)
        assert_false(wechat_breaker_failure(&b, &limits, 1 * S, ALL));
    assert_true(wechat_breaker_allows(&b, 5 * S));
}

static void
a_token_is_renewed_five_minutes_early(void **state) {
    (void)state;
    static struct wechat_secret secret;
    assert_false(wechat_secret_fresh(&secret, 0));
    wechat_secret_set(&secret, "T", 7200, 1 * S);
    assert_true(wechat_secret_fresh(&secret, 1 * S));
    assert_true(wechat_secret_fresh(&secret, (1 + 6900) * S - 1));
    assert_false(wechat_secret_fresh(&secret, (1 + 6900) * S));
    /* A short life is used by half, and never not at all. */
    wechat_secret_set(&secret, "T", 100, 0);
    assert_true(wechat_secret_fresh(&secret, 50 * S - 1));
    assert_false(wechat_secret_fresh(&secret, 50 * S));
    wechat_secret_set(&secret, "T", 1, 0);
    assert_true(wechat_secret_fresh(&secret, 1 * S - 1));
}

static void
only_the_token_that_was_refused_is_dropped(void **state) {
    (void)state;
    static struct wechat_secret secret;
    wechat_secret_set(&secret, "old", 7200, 0);
    uint64_t old = secret.generation;
    wechat_secret_set(&secret, "new", 7200, 0);
    wechat_secret_drop(&secret, old);
    assert_true(wechat_secret_fresh(&secret, 0));
    assert_string_equal(secret.text, "new");
    wechat_secret_drop(&secret, secret.generation);
    assert_false(wechat_secret_fresh(&secret, 0));
    for (size_t i = 0; i < sizeof secret.text; i++)
        assert_int_equal(secret.text[i], 0);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errcodes_are_told_apart),
        cmocka_unit_test(
            the_wait_doubles_up_to_its_bound_with_half_of_it_left_to_chance),
        cmocka_unit_test(failures_in_a_row_open_the_breaker),
        cmocka_unit_test(after_the_pause_one_call_probes),
        cmocka_unit_test(a_probe_that_fails_doubles_the_pause_up_to_its_bound),
        cmocka_unit_test(calls_from_before_do_not_make_the_pause_longer),
        cmocka_unit_test(a_token_is_renewed_five_minutes_early),
        cmocka_unit_test(only_the_token_that_was_refused_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
