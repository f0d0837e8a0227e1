/* test_policy_challenge.c: what the frames of a challenge, or their absence, do
 * to the decision. */
#include "policy_fixture.h"

static void
without_a_challenge_the_match_must_be_better_where_it_is_preferred(
    void **state) {
    (void)state;
    struct sid_policy p = policy;
    p.challenge = SID_MODE_PREFERRED;
    point(0.601f, selfie.embedding);
    assert_string_equal(reasons_with(&p, SID_ENROL_APPROVED), "");
    point(0.599f, selfie.embedding);
    decides(&p, SID_ENROL_REVIEW, SID_REASON_CHALLENGE_MISSING, SID_PHOTO_NONE);
    approves(); /* off */
    p.challenge = SID_MODE_REQUIRED;
    point(0.9f, selfie.embedding);
    decides(&p, SID_ENROL_REVIEW, SID_REASON_CHALLENGE_MISSING, SID_PHOTO_NONE);
    /* One reason to look is enough. */
    point(0.4f, selfie.embedding);
    decides(&p, SID_ENROL_REVIEW, SID_REASON_FACES_UNCLEAR, SID_PHOTO_NONE);
}

static void
a_challenge_that_passed_makes_the_match_enough(void **state) {
    (void)state;
    struct sid_policy p = policy;
    p.challenge = SID_MODE_PREFERRED;
    answer_well();
    point(0.51f, selfie.embedding);
    point(0.51f, frame[0].embedding);
    point(0.51f, frame[1].embedding);
    struct sid_decision d = decide_with(&p);
    assert_int_equal(d.state, SID_ENROL_APPROVED);
    assert_int_equal(d.challenge.outcome, SID_CHALLENGE_PASSED);
    assert_true(d.challenge.frame[0].turned_deg == 20);
    assert_true(d.challenge.frame[1].turned_deg == 20);
    assert_true(d.challenge.frame[0].yaw_deg == -20);
    assert_true(d.challenge.frame[0].flatness < 0.5f);
    /* Passive liveness still has a word. */
    selfie.liveness = 0;
    assert_string_equal(reasons_with(&p, SID_ENROL_REVIEW),
                        "selfie_not_live:selfie");
}

static void
a_frame_that_shows_somebody_else_fails_the_challenge(void **state) {
    (void)state;
    answer_well();
    point(0.8f, selfie.embedding);
    point(1, frame[1].embedding); /* 0.8 to the selfie */
    assert_string_equal(reasons_with(&policy, SID_ENROL_APPROVED), "");
    memset(frame[1].embedding, 0, sizeof frame[1].embedding);
    frame[1].embedding[0] = 0.45f / 0.8f - 0.001f; /* just under 0.45 */
    assert_string_equal(reasons_with(&policy, SID_ENROL_REVIEW),
                        "challenge_failed");
    assert_int_equal(decide().challenge.outcome, SID_CHALLENGE_FAILED);
}

static void
a_frame_that_is_another_photos_flat_picture_fails_the_challenge(void **state) {
    (void)state;
    const struct sid_photo_facts *const of[] = {&selfie, &id_photo, &frame[0]};
    for (int i = 0; i < 3; i++) {
        answer_well();
        memcpy(frame[1].grey, of[i]->grey, sizeof frame[1].grey);
        assert_string_equal(reasons_with(&policy, SID_ENROL_REVIEW),
                            "challenge_failed");
        assert_true(decide().challenge.frame[1].flatness > 0.99f);
    }
}

static void
a_frame_must_be_turned_to_the_side_that_was_asked(void **state) {
    (void)state;
    static const struct {
        enum sid_turn turn;
        float yaw, pitch;
    } turns[] = {{SID_TURN_LEFT, -1, 0},
                 {SID_TURN_RIGHT, 1, 0},
                 {SID_TURN_UP, 0, 1},
                 {SID_TURN_DOWN, 0, -1}};
    for (int i = 0; i < 4; i++) {
        answer_well();
        frames.steps.turn[0] = turns[i].turn;
        frames.steps.turn[1] = turns[i ^ 1].turn;
        frame[1].yaw_deg = -turns[i].yaw * 15;
        frame[1].pitch_deg = -turns[i].pitch * 15;
        frame[0].yaw_deg = turns[i].yaw * 15;
        frame[0].pitch_deg = turns[i].pitch * 15;
        approves();
        frame[0].yaw_deg = turns[i].yaw * 14.9f;
        frame[0].pitch_deg = turns[i].pitch * 14.9f;
        decides(&policy, SID_ENROL_REJECTED, SID_REASON_NOT_TURNED,
                SID_PHOTO_FRAME_1);
        assert_int_equal(decide().challenge.outcome, SID_CHALLENGE_OPEN);
        frame[0].yaw_deg = turns[i].yaw * -20;
        frame[0].pitch_deg = turns[i].pitch * -20;
        decides(&policy, SID_ENROL_REJECTED, SID_REASON_NOT_TURNED,
                SID_PHOTO_FRAME_1);
        frame[0].yaw_deg = turns[i].yaw * 60.1f;
        frame[0].pitch_deg = turns[i].pitch * 60.1f;
        decides(&policy, SID_ENROL_REJECTED, SID_REASON_TURNED_TOO_FAR,
                SID_PHOTO_FRAME_1);
        frame[0].yaw_deg = frame[0].pitch_deg = NAN;
        assert_int_equal(decide().state, SID_ENROL_REJECTED);
    }
}

static void
a_turn_is_measured_from_the_selfie(void **state) {
    (void)state;
    answer_well();
    selfie.yaw_deg = -9;
    frame[0].yaw_deg = -23.9f;
    decides(&policy, SID_ENROL_REJECTED, SID_REASON_NOT_TURNED,
            SID_PHOTO_FRAME_1);
    frame[0].yaw_deg = -24.1f;
    approves();
    selfie.pitch_deg = -8;
    frame[1].pitch_deg = 7.1f;
    approves();
}

static void
with_a_challenge_the_selfie_must_be_frontal(void **state) {
    (void)state;
    static const float good[][2] = {{10, 0}, {-10, 0}, {0, 10}, {0, -20}};
    static const float bad[][2] = {{10.1f, 0},  {-10.1f, 0}, {0, 10.1f},
                                   {0, -20.1f}, {NAN, 0},    {35, 0}};
    answer_well();
    for (size_t i = 0; i < 4; i++) {
        selfie.yaw_deg = good[i][0];
        selfie.pitch_deg = good[i][1];
        frame[0].yaw_deg = selfie.yaw_deg - 20;
        frame[1].pitch_deg = selfie.pitch_deg + 20;
        approves();
    }
    for (size_t i = 0; i < 6; i++) {
        selfie.yaw_deg = bad[i][0];
        selfie.pitch_deg = bad[i][1];
        frame[0].yaw_deg = selfie.yaw_deg - 20;
        frame[1].pitch_deg = selfie.pitch_deg + 20;
        struct sid_decision d = decide();
        assert_int_equal(d.state, SID_ENROL_REJECTED);
        assert_true(sid_reasons_has(&d.reasons, SID_REASON_FACE_TURNED_AWAY,
                                    SID_PHOTO_SELFIE));
    }
    frames.steps.count = 0; /* without a challenge it may be turned by 30 */
    selfie.yaw_deg = 25;
    approves();
}

static void
a_frame_without_a_usable_face_is_told_by_its_name(void **state) {
    (void)state;
    answer_well();
    frame[1].faces = 0;
    decides(&policy, SID_ENROL_REJECTED, SID_REASON_NO_FACE, SID_PHOTO_FRAME_2);
    frame[1].faces = 1;
    frame[1].sharpness = 44.9f;
    decides(&policy, SID_ENROL_REJECTED, SID_REASON_TOO_BLURRED,
            SID_PHOTO_FRAME_2);
    frame[1].sharpness = 45;
    approves();
    frame[1].image = SID_E_IMAGE_UNREADABLE;
    decides(&policy, SID_ENROL_REJECTED, SID_REASON_IMAGE_UNREADABLE,
            SID_PHOTO_FRAME_2);
}

static void
a_challenge_that_failed_and_strangers_are_rejected_as_strangers(void **state) {
    (void)state;
    answer_well();
    point(-1, frame[0].embedding);
    point(0.1f, selfie.embedding);
    assert_string_equal(reasons_with(&policy, SID_ENROL_REJECTED),
                        "faces_differ challenge_failed");
}

int
main(void) {
#define T(name) cmocka_unit_test_setup(name, good_photos)
    const struct CMUnitTest tests[] = {
        T(without_a_challenge_the_match_must_be_better_where_it_is_preferred),
        T(a_challenge_that_passed_makes_the_match_enough),
        T(a_frame_that_shows_somebody_else_fails_the_challenge),
        T(a_frame_that_is_another_photos_flat_picture_fails_the_challenge),
        T(a_frame_must_be_turned_to_the_side_that_was_asked),
        T(a_turn_is_measured_from_the_selfie),
        T(with_a_challenge_the_selfie_must_be_frontal),
        T(a_frame_without_a_usable_face_is_told_by_its_name),
        T(a_challenge_that_failed_and_strangers_are_rejected_as_strangers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
