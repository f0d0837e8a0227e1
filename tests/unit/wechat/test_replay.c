/* test_replay.c: the window of times, and signatures that come again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdio.h>

#include "smartid/wechat_replay.h"
#include "vectors.h"

#define NOW 1700000000
#define WINDOW 600

static void
a_time_within_the_window_is_taken_and_its_edges_too(void **state) {
    (void)state;
    static const struct {
        int64_t shift_s;
        enum sid_err err;
    } times[] = {{0, SID_OK},
                 {-WINDOW, SID_OK},
                 {WINDOW, SID_OK},
                 {-WINDOW - 1, SID_E_PUSH_STALE},
                 {WINDOW + 1, SID_E_PUSH_STALE}};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        char text[24];
        int64_t at_s = 7;
        (void)snprintf(text, sizeof text, "%lld",
                       (long long)(NOW + times[i].shift_s));
        assert_int_equal(sid_wechat_timestamp_check(text, WINDOW, NOW, &at_s),
                         times[i].err);
        assert_int_equal(at_s,
                         times[i].err == SID_OK ? NOW + times[i].shift_s : 7);
    }
}

static void
what_is_no_time_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "-1700000000",
                                      "1.7e9",
                                      " 1700000000",
                                      "1700000000 ",
                                      "0x1700000000",
                                      "1234567890123",
                                      "99999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t at_s = 7;
        assert_int_equal(sid_wechat_timestamp_check(bad[i], WINDOW, NOW, &at_s),
                         SID_E_PUSH_FORMAT);
        assert_int_equal(at_s, 7);
    }
}

static enum sid_err
take(struct sid_wechat_replay *replay, const char *signature, const char *body,
     int64_t now_s, bool *again) {
    *again = false;
    return sid_wechat_replay_take(replay, signature, sid_span_str(body), NOW,
                                  WINDOW, now_s, again);
}

static void
the_same_signature_is_taken_again_with_the_same_body_only(void **state) {
    (void)state;
    struct sid_wechat_replay *replay = NULL;
    bool again;
    assert_int_equal(sid_wechat_replay_new(8, &replay), SID_OK);
    assert_int_equal(take(replay, "a", "body", NOW, &again), SID_OK);
    assert_false(again);
    assert_int_equal(take(replay, "a", "body", NOW + 5, &again), SID_OK);
    assert_true(again);
    assert_int_equal(take(replay, "a", "other", NOW + 5, &again),
                     SID_E_PUSH_REPLAYED);
    assert_int_equal(take(replay, "b", "other", NOW + 5, &again), SID_OK);
    assert_false(again);
    assert_int_equal(take(replay, "a", "body", NOW + 6, &again), SID_OK);
    assert_true(again);
    sid_wechat_replay_free(&replay);
    assert_null(replay);
    sid_wechat_replay_free(&replay);
}

static void
a_signature_is_forgotten_once_its_time_has_left_the_window(void **state) {
    (void)state;
    struct sid_wechat_replay *replay = NULL;
    bool again;
    assert_int_equal(sid_wechat_replay_new(8, &replay), SID_OK);
    assert_int_equal(take(replay, "a", "body", NOW, &again), SID_OK);
    assert_int_equal(take(replay, "a", "x", NOW + WINDOW, &again),
                     SID_E_PUSH_REPLAYED);
    assert_int_equal(take(replay, "a", "x", NOW + WINDOW + 1, &again), SID_OK);
    assert_false(again);
    sid_wechat_replay_free(&replay);
}

static void
a_full_ring_forgets_the_oldest_and_keeps_the_rest(void **state) {
    (void)state;
    enum { CAPACITY = 64, TAKEN = 1000 };
    struct sid_wechat_replay *replay = NULL;
    bool again;
    char name[16];
    assert_int_equal(sid_wechat_replay_new(CAPACITY, &replay), SID_OK);
    for (int i = 0; i < TAKEN; i++) {
        (void)snprintf(name, sizeof name, "s%d", i);
        assert_int_equal(take(replay, name, name, NOW, &again), SID_OK);
        assert_false(again);
        /* All of the last CAPACITY are known, none is mixed up. */
        for (int j = i < CAPACITY ? 0 : i - CAPACITY + 1; j <= i; j += 7) {
            (void)snprintf(name, sizeof name, "s%d", j);
            assert_int_equal(take(replay, name, name, NOW, &again), SID_OK);
            assert_true(again);
            assert_int_equal(take(replay, name, "x", NOW, &again),
                             SID_E_PUSH_REPLAYED);
        }
    }
    assert_int_equal(take(replay, "s0", "x", NOW, &again), SID_OK);
    assert_false(again);
    sid_wechat_replay_free(&replay);
}

static void
a_ring_of_one_remembers_one(void **state) {
    (void)state;
    struct sid_wechat_replay *replay = NULL;
    bool again;
    assert_int_equal(sid_wechat_replay_new(1, &replay), SID_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(take(replay, "a", "1", NOW, &again), SID_OK);
        assert_false(again);
        assert_int_equal(take(replay, "b", "2", NOW, &again), SID_OK);
        assert_false(again);
    }
    sid_wechat_replay_free(&replay);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_within_the_window_is_taken_and_its_edges_too),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(
            the_same_signature_is_taken_again_with_the_same_body_only),
        cmocka_unit_test(
            a_signature_is_forgotten_once_its_time_has_left_the_window),
        cmocka_unit_test(a_full_ring_forgets_the_oldest_and_keeps_the_rest),
        cmocka_unit_test(a_ring_of_one_remembers_one),
    };
    return cmocka_run_group_tests(tests, vectors_start, vectors_stop);
}
