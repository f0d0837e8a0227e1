/* test_credential.c: the life of a credential: who may change which state into
 * which, and the last day of a card. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <string.h>

#include "smartid/clock.h"
#include "smartid/credential.h"

#define H SID_ROLE_HOLDER
#define A SID_ROLE_APP
#define O SID_ROLE_OFFICER

static void
each_stored_state_is_read_by_its_word_and_expired_is_none(void **state) {
    (void)state;
    enum sid_credential_state got = SID_CREDENTIAL_STATE_COUNT;
    for (int i = 0; i < SID_CREDENTIAL_EXPIRED; i++) {
        const char *word =
            sid_credential_state_name((enum sid_credential_state)i);
        assert_int_equal(sid_credential_state_parse(word, &got), SID_OK);
        assert_int_equal(got, i);
    }
    assert_int_equal(sid_credential_state_parse("expired", &got),
                     SID_E_FIELD_INVALID);
    assert_string_equal(sid_credential_state_name(SID_CREDENTIAL_EXPIRED),
                        "expired");
}

static void
only_an_active_one_can_be_used(void **state) {
    (void)state;
    for (int i = 0; i < SID_CREDENTIAL_STATE_COUNT; i++)
        assert_int_equal(
            sid_credential_state_err((enum sid_credential_state)i) == SID_OK,
            i == SID_CREDENTIAL_ACTIVE);
}

static void
reasons_are_read_by_their_words_and_no_others(void **state) {
    (void)state;
    enum sid_revoke_reason got = SID_REVOKE_REASON_COUNT;
    for (int i = 0; i < SID_REVOKE_REASON_COUNT; i++) {
        const char *word = sid_revoke_reason_name((enum sid_revoke_reason)i);
        assert_true(strlen(word) < SID_REVOKE_REASON_SIZE);
        assert_int_equal(sid_revoke_reason_parse(word, &got), SID_OK);
        assert_int_equal(got, i);
    }
    assert_int_equal(sid_revoke_reason_parse("lost phone", &got),
                     SID_E_FIELD_INVALID);
}

static struct sid_life
suspended_by(enum sid_role role) {
    return (struct sid_life){
        .state = SID_CREDENTIAL_SUSPENDED, .since_s = 5, .suspended_by = role};
}

static void
the_stronger_takes_a_suspension_over(void **state) {
    (void)state;
    static const enum sid_role roles[] = {H, A, O};
    for (int first = 0; first < 3; first++) {
        for (int second = 0; second < 3; second++) {
            struct sid_life life = suspended_by(roles[first]);
            bool takes = second > first;
            assert_int_equal(sid_life_suspend(&life, roles[second], 9),
                             takes ? SID_OK : SID_E_SUSPENDED);
            assert_int_equal(life.suspended_by, roles[takes ? second : first]);
            assert_int_equal(life.since_s, takes ? 9 : 5);
        }
    }
}

static void
who_suspended_it_or_an_officer_resumes_it(void **state) {
    (void)state;
    static const enum sid_role roles[] = {H, A, O};
    for (int first = 0; first < 3; first++) {
        for (int second = 0; second < 3; second++) {
            struct sid_life life = suspended_by(roles[first]);
            bool may = first == second || roles[second] == O;
            assert_int_equal(sid_life_resume(&life, roles[second], 9),
                             may ? SID_OK : SID_E_FORBIDDEN);
            assert_int_equal(life.state, may ? SID_CREDENTIAL_ACTIVE
                                             : SID_CREDENTIAL_SUSPENDED);
            assert_int_equal(life.suspended_by,
                             may ? SID_ROLE_NONE : roles[first]);
        }
    }
    struct sid_life active = {.state = SID_CREDENTIAL_ACTIVE};
    assert_int_equal(sid_life_resume(&active, O, 9), SID_E_CONFLICT);
}

static void
an_end_is_final(void **state) {
    (void)state;
    static const enum sid_credential_state ends[] = {SID_CREDENTIAL_REVOKED,
                                                     SID_CREDENTIAL_REPLACED};
    for (int i = 0; i < 2; i++) {
        struct sid_life life = {.state = ends[i], .valid_until_s = 7};
        enum sid_err err = sid_credential_state_err(ends[i]);
        assert_int_equal(sid_life_suspend(&life, O, 9), err);
        assert_int_equal(sid_life_resume(&life, O, 9), err);
        assert_int_equal(sid_life_revoke(&life, O, SID_REVOKE_LOST, 9), err);
        assert_int_equal(sid_life_replace(&life, 9), err);
        assert_int_equal(sid_life_state(&life, 9), ends[i]);
    }
}

static void
one_that_has_expired_can_only_be_revoked_or_replaced(void **state) {
    (void)state;
    struct sid_life life = {.valid_until_s = 7};
    assert_int_equal(sid_life_state(&life, 6), SID_CREDENTIAL_ACTIVE);
    assert_int_equal(sid_life_state(&life, 7), SID_CREDENTIAL_EXPIRED);
    assert_int_equal(sid_life_suspend(&life, O, 7), SID_E_EXPIRED);
    assert_int_equal(sid_life_resume(&life, O, 7), SID_E_EXPIRED);
    struct sid_life other = life;
    assert_int_equal(sid_life_revoke(&life, H, SID_REVOKE_UNWANTED, 7), SID_OK);
    assert_int_equal(sid_life_state(&life, 7), SID_CREDENTIAL_REVOKED);
    assert_int_equal(life.since_s, 7);
    assert_int_equal(sid_life_replace(&other, 8), SID_OK);
    assert_int_equal(sid_life_state(&other, 8), SID_CREDENTIAL_REPLACED);
}

static void
a_reason_that_is_an_officers_is_nobody_elses(void **state) {
    (void)state;
    for (int i = 0; i < SID_REVOKE_REASON_COUNT; i++) {
        enum sid_revoke_reason reason = (enum sid_revoke_reason)i;
        struct sid_life life = suspended_by(O), same = life;
        enum sid_err err = sid_life_revoke(&life, A, reason, 9);
        assert_int_equal(err, sid_revoke_reason_officers(reason)
                                  ? SID_E_FIELD_INVALID
                                  : SID_OK);
        assert_int_equal(life.state,
                         err == SID_OK ? SID_CREDENTIAL_REVOKED : same.state);
        life = same;
        assert_int_equal(sid_life_revoke(&life, O, reason, 9),
                         reason == SID_REVOKE_NONE ? SID_E_FIELD_INVALID
                                                   : SID_OK);
        assert_int_equal(life.reason, reason);
    }
}

static void
a_card_is_valid_to_the_end_of_its_last_day_in_china(void **state) {
    (void)state;
    int64_t until = 0, end = 0;
    char text[SID_DATE_SIZE];
    assert_int_equal(sid_valid_until_parse("2035-01-31", &until), SID_OK);
    assert_int_equal(sid_time_parse("2035-02-01T00:00:00+08:00", &end), SID_OK);
    assert_int_equal(until, end);
    sid_valid_until_text(until, text);
    assert_string_equal(text, "2035-01-31");
    static const char *const bad[] = {
        "",           "2035-1-31",   "2035-02-30", "1969-12-31", "9999-01-01",
        "2035/01/31", "2035-01-31Z", "20350-1-31", "2035-01-3x", "long"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(sid_valid_until_parse(bad[i], &until),
                         SID_E_FIELD_INVALID);
    assert_int_equal(until, end);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test(name)
        T(each_stored_state_is_read_by_its_word_and_expired_is_none),
        T(only_an_active_one_can_be_used),
        T(reasons_are_read_by_their_words_and_no_others),
        T(the_stronger_takes_a_suspension_over),
        T(who_suspended_it_or_an_officer_resumes_it),
        T(an_end_is_final),
        T(one_that_has_expired_can_only_be_revoked_or_replaced),
        T(a_reason_that_is_an_officers_is_nobody_elses),
        T(a_card_is_valid_to_the_end_of_its_last_day_in_china),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
