/* test_recent.c: checks that can still be asked about. */
#include "smartid/recent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW_S INT64_C(1767225600)

static struct sid_recent_check
check_of(int number, const char *client, int64_t at_s) {
    struct sid_recent_check check = {.at_s = at_s, .portrait = true};
    (void)snprintf(check.id, sizeof check.id, "ver_%026d", number);
    (void)snprintf(check.client_id, sizeof check.client_id, "%s", client);
    (void)snprintf(check.credential_id, sizeof check.credential_id, "crd_%d",
                   number);
    return check;
}

static int
setup(void **state) {
    return sid_recent_new((struct sid_recent **)state) == SID_OK ? 0 : -1;
}

static int
teardown(void **state) {
    sid_recent_free((struct sid_recent **)state);
    return 0;
}

static void
a_check_is_found_by_who_made_it(void **state) {
    struct sid_recent *recent = *state;
    struct sid_recent_check out = {0}, check = check_of(1, "cli_a", NOW_S);
    sid_recent_put(recent, &check);
    assert_int_equal(sid_recent_find(recent, check.id, "cli_a", NOW_S, &out),
                     SID_OK);
    assert_memory_equal(&out, &check, sizeof out);
    assert_int_equal(sid_recent_find(recent, check.id, "cli_b", NOW_S, &out),
                     SID_E_NOT_FOUND);
    assert_int_equal(sid_recent_find(recent, "", "cli_a", NOW_S, &out),
                     SID_E_NOT_FOUND);
    assert_int_equal(sid_recent_find(recent, "ver_x", "", NOW_S, &out),
                     SID_E_NOT_FOUND);
}

static void
after_five_minutes_it_is_forgotten(void **state) {
    struct sid_recent *recent = *state;
    struct sid_recent_check out = {0}, check = check_of(1, "cli_a", NOW_S);
    sid_recent_put(recent, &check);
    assert_int_equal(
        sid_recent_find(recent, check.id, "cli_a", NOW_S + SID_RECENT_S, &out),
        SID_OK);
    assert_int_equal(sid_recent_find(recent, check.id, "cli_a",
                                     NOW_S + SID_RECENT_S + 1, &out),
                     SID_E_NOT_FOUND);
    assert_int_equal(
        sid_recent_has_try(recent, check.id, "cli_a", NOW_S + SID_RECENT_S + 1),
        SID_E_NOT_FOUND);
}

static void
a_check_has_three_tries_and_gets_back_what_is_given(void **state) {
    struct sid_recent *recent = *state;
    struct sid_recent_check out = {0}, check = check_of(1, "cli_a", NOW_S);
    sid_recent_put(recent, &check);
    assert_int_equal(
        sid_recent_take_try(recent, check.id, "cli_b", NOW_S, &out),
        SID_E_NOT_FOUND);
    sid_recent_give_try(recent, check.id); /* none was taken */
    for (int left = SID_RECENT_TRIES; left > 0; left--) {
        assert_int_equal(sid_recent_tries_left(recent, check.id), left);
        assert_int_equal(sid_recent_has_try(recent, check.id, "cli_a", NOW_S),
                         SID_OK);
        assert_int_equal(
            sid_recent_take_try(recent, check.id, "cli_a", NOW_S, &out),
            SID_OK);
    }
    assert_int_equal(sid_recent_has_try(recent, check.id, "cli_a", NOW_S),
                     SID_E_FACE_TRIES);
    assert_int_equal(
        sid_recent_take_try(recent, check.id, "cli_a", NOW_S, &out),
        SID_E_FACE_TRIES);
    sid_recent_give_try(recent, check.id);
    assert_int_equal(
        sid_recent_take_try(recent, check.id, "cli_a", NOW_S, &out), SID_OK);
    assert_int_equal(sid_recent_tries_left(recent, "ver_unknown"), 0);
}

/* Twice as many as there is room for: the last ones are there, and none that is
 * found is another one. */
static void
of_more_than_fit_the_oldest_go(void **state) {
    struct sid_recent *recent = *state;
    const int all = 2 * SID_RECENT_SETS * SID_RECENT_WAYS;
    struct sid_recent_check out = {0};
    for (int i = 0; i < all; i++) {
        struct sid_recent_check check = check_of(i, "cli_a", NOW_S + i / 1000);
        sid_recent_put(recent, &check);
    }
    int found = 0;
    for (int i = 0; i < all; i++) {
        struct sid_recent_check check = check_of(i, "cli_a", NOW_S + i / 1000);
        if (sid_recent_find(recent, check.id, "cli_a", NOW_S + 131, &out) !=
            SID_OK) {
            assert_true(i < all - all / 64);
            continue;
        }
        assert_memory_equal(&out, &check, sizeof out);
        found++;
    }
    assert_true(found <= SID_RECENT_SETS * SID_RECENT_WAYS);
    assert_true(found > SID_RECENT_SETS * SID_RECENT_WAYS * 9 / 10);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_check_is_found_by_who_made_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(after_five_minutes_it_is_forgotten,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_check_has_three_tries_and_gets_back_what_is_given, setup,
            teardown),
        cmocka_unit_test_setup_teardown(of_more_than_fit_the_oldest_go, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
