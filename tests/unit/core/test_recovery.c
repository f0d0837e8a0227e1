/* test_recovery.c: who is recognised when a phone is lost, and what is told of
 * it. */
#include "policy_fixture.h"
#include "smartid/recovery.h"

static const struct sid_recovery_facts good = {.similarity = 0.8f,
                                               .liveness = 0.9f,
                                               .has_liveness = true,
                                               .challenge = SID_CHALLENGE_NONE};

static bool
only(const struct sid_reasons *reasons, enum sid_reason reason) {
    return reasons->count == 1 && reasons->item[0].reason == reason;
}

static struct sid_reasons
judge(const struct sid_policy *by, const struct sid_recovery_facts *facts) {
    struct sid_reasons out = {.count = 3};
    sid_recovery_judge(by, facts, &out);
    return out;
}

static void
a_live_face_like_the_template_is_recognised(void **state) {
    (void)state;
    assert_int_equal(judge(&policy, &good).count, 0);
}

static void
what_an_officer_would_have_to_look_at_is_refused(void **state) {
    (void)state;
    static const struct {
        float similarity;
        enum sid_reason reason;
    } cases[] = {{0.34f, SID_REASON_FACES_DIFFER},
                 {-1.0f, SID_REASON_FACES_DIFFER},
                 {NAN, SID_REASON_FACES_DIFFER},
                 {0.36f, SID_REASON_FACES_UNCLEAR},
                 {0.49f, SID_REASON_FACES_UNCLEAR}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sid_recovery_facts facts = good;
        facts.similarity = cases[i].similarity;
        struct sid_reasons reasons = judge(&policy, &facts);
        assert_true(only(&reasons, cases[i].reason));
    }
}

static void
the_photo_of_the_enrolment_is_refused(void **state) {
    (void)state;
    struct sid_recovery_facts facts = good;
    facts.similarity = 0.999f;
    facts.challenge = SID_CHALLENGE_PASSED;
    struct sid_reasons reasons = judge(&policy, &facts);
    assert_true(only(&reasons, SID_REASON_SELFIE_KNOWN));
}

static void
a_selfie_that_is_not_live_needs_a_challenge(void **state) {
    (void)state;
    struct sid_recovery_facts facts = good;
    facts.liveness = 0.05f;
    struct sid_reasons reasons = judge(&policy, &facts);
    assert_true(only(&reasons, SID_REASON_SELFIE_NOT_LIVE));
    facts.challenge = SID_CHALLENGE_PASSED;
    assert_int_equal(judge(&policy, &facts).count, 0);
    struct sid_policy off = policy;
    off.liveness_action = SID_LIVENESS_OFF;
    facts.challenge = SID_CHALLENGE_NONE;
    assert_int_equal(judge(&off, &facts).count, 0);
}

static void
a_failed_or_missing_challenge_counts_as_the_settings_say(void **state) {
    (void)state;
    struct sid_recovery_facts facts = good;
    struct sid_policy by = policy;
    facts.challenge = SID_CHALLENGE_FAILED;
    struct sid_reasons reasons = judge(&policy, &facts);
    assert_true(only(&reasons, SID_REASON_CHALLENGE_FAILED));
    facts.challenge = SID_CHALLENGE_NONE;
    by.challenge = SID_MODE_REQUIRED;
    reasons = judge(&by, &facts);
    assert_true(only(&reasons, SID_REASON_CHALLENGE_MISSING));
    by.challenge = SID_MODE_PREFERRED;
    assert_int_equal(judge(&by, &facts).count, 0);
    facts.similarity = 0.55f;
    reasons = judge(&by, &facts);
    assert_true(only(&reasons, SID_REASON_CHALLENGE_MISSING));
    facts.challenge = SID_CHALLENGE_PASSED;
    assert_int_equal(judge(&by, &facts).count, 0);
}

static void
what_is_wrong_with_a_photo_is_told_and_all_else_in_one_word(void **state) {
    (void)state;
    struct sid_reasons told;
    for (int i = 0; i < SID_REASON_COUNT; i++) {
        enum sid_reason reason = (enum sid_reason)i;
        bool quality = sid_reason_class_of(reason) == SID_CLASS_QUALITY;
        struct sid_reasons one = {0};
        sid_reasons_add(&one, reason, SID_PHOTO_SELFIE);
        sid_recovery_public(&one, &told);
        assert_true(only(&told, quality ? reason : SID_REASON_NOT_RECOGNISED));
        assert_int_equal(sid_recovery_retake(&one), quality);
        sid_reasons_add(&one, SID_REASON_FACES_DIFFER, SID_PHOTO_NONE);
        assert_false(sid_recovery_retake(&one));
    }
    const struct sid_reasons none = {0};
    sid_recovery_public(&none, &told);
    assert_int_equal(told.count, 0);
    assert_false(sid_recovery_retake(&none));
}

static void
an_officers_reasons_are_read_by_their_words(void **state) {
    (void)state;
    enum sid_recover_reason got = SID_RECOVER_REASON_COUNT;
    for (int i = 0; i < SID_RECOVER_REASON_COUNT; i++) {
        enum sid_recover_reason reason = (enum sid_recover_reason)i;
        assert_int_equal(
            sid_recover_reason_parse(sid_recover_reason_name(reason), &got),
            SID_OK);
        assert_int_equal(got, i);
    }
    assert_int_equal(sid_recover_reason_parse("", &got), SID_E_FIELD_INVALID);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test(name)
        T(a_live_face_like_the_template_is_recognised),
        T(what_an_officer_would_have_to_look_at_is_refused),
        T(the_photo_of_the_enrolment_is_refused),
        T(a_selfie_that_is_not_live_needs_a_challenge),
        T(a_failed_or_missing_challenge_counts_as_the_settings_say),
        T(what_is_wrong_with_a_photo_is_told_and_all_else_in_one_word),
        T(an_officers_reasons_are_read_by_their_words),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
