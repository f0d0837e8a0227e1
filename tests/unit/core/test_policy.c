/* test_policy.c: each fact at both sides of its limit, and what follows. */
#include <stdio.h>

#include "policy_fixture.h"

static void
two_good_photos_of_one_person_are_approved(void **state) {
    (void)state;
    struct sid_decision d = decide();
    assert_int_equal(d.state, SID_ENROL_APPROVED);
    assert_int_equal(d.reasons.count, 0);
    assert_true(d.has_scores);
    assert_true(fabsf(d.similarity - 0.8f) < 1e-6f);
    assert_true(d.liveness == selfie.liveness);
}

static void
a_photo_without_pixels_tells_why(void **state) {
    (void)state;
    static const struct {
        enum sid_err image;
        enum sid_reason reason;
    } cases[] = {
        {SID_E_IMAGE_UNREADABLE, SID_REASON_IMAGE_UNREADABLE},
        {SID_E_IMAGE_TOO_LARGE, SID_REASON_IMAGE_TOO_LARGE},
        {SID_E_IMAGE_TOO_SMALL, SID_REASON_IMAGE_TOO_SMALL},
    };
    for (size_t i = 0; i < 3; i++) {
        (void)good_photos(NULL);
        selfie.image = cases[i].image;
        selfie.faces = 0;
        decides(&policy, SID_ENROL_REJECTED, cases[i].reason, SID_PHOTO_SELFIE);
        (void)good_photos(NULL);
        id_photo.image = cases[i].image;
        decides(&policy, SID_ENROL_REJECTED, cases[i].reason, SID_PHOTO_ID);
    }
}

static void
no_face_and_many_faces_are_told_of_both_photos(void **state) {
    (void)state;
    selfie.faces = 0;
    decides(&policy, SID_ENROL_REJECTED, SID_REASON_NO_FACE, SID_PHOTO_SELFIE);
    selfie.faces = 2;
    decides(&policy, SID_ENROL_REJECTED, SID_REASON_MANY_FACES,
            SID_PHOTO_SELFIE);
    selfie.faces = 1;
    id_photo.faces = 0;
    decides(&policy, SID_ENROL_REJECTED, SID_REASON_NO_FACE, SID_PHOTO_ID);
    id_photo.faces = 3;
    decides(&policy, SID_ENROL_REJECTED, SID_REASON_MANY_FACES, SID_PHOTO_ID);
}

static void
a_face_may_be_as_small_as_its_limit(void **state) {
    (void)state;
    selfie.face_px = 64;
    id_photo.face_px = 40;
    approves();
    selfie.face_px = 63.9f;
    decides(&policy, SID_ENROL_REJECTED, SID_REASON_FACE_TOO_SMALL,
            SID_PHOTO_SELFIE);
    selfie.face_px = 64;
    id_photo.face_px = 39.9f;
    decides(&policy, SID_ENROL_REJECTED, SID_REASON_FACE_TOO_SMALL,
            SID_PHOTO_ID);
}

static void
a_face_may_be_as_dark_and_as_bright_as_its_limits(void **state) {
    (void)state;
    struct sid_photo_facts *const photos[] = {&id_photo, &selfie};
    for (int kind = 0; kind < 2; kind++) {
        photos[kind]->brightness = 35;
        approves();
        photos[kind]->brightness = 34.9f;
        decides(&policy, SID_ENROL_REJECTED, SID_REASON_TOO_DARK,
                (enum sid_photo_kind)kind);
        photos[kind]->brightness = 225;
        approves();
        photos[kind]->brightness = 225.1f;
        decides(&policy, SID_ENROL_REJECTED, SID_REASON_TOO_BRIGHT,
                (enum sid_photo_kind)kind);
        photos[kind]->brightness = 128;
    }
}

static void
a_blurred_face_is_told(void **state) {
    (void)state;
    selfie.sharpness = 44.9f;
    decides(&policy, SID_ENROL_REJECTED, SID_REASON_TOO_BLURRED,
            SID_PHOTO_SELFIE);
    selfie.sharpness = 45;
    id_photo.sharpness = 34.9f;
    decides(&policy, SID_ENROL_REJECTED, SID_REASON_TOO_BLURRED, SID_PHOTO_ID);
}

static void
a_selfie_may_be_turned_by_thirty_degrees(void **state) {
    (void)state;
    static const float signs[] = {1, -1};
    for (int i = 0; i < 2; i++) {
        selfie.yaw_deg = 30 * signs[i];
        selfie.pitch_deg = 30 * signs[i];
        approves();
        selfie.yaw_deg = 30.1f * signs[i];
        decides(&policy, SID_ENROL_REJECTED, SID_REASON_FACE_TURNED_AWAY,
                SID_PHOTO_SELFIE);
        selfie.yaw_deg = 0;
        selfie.pitch_deg = 30.1f * signs[i];
        decides(&policy, SID_ENROL_REJECTED, SID_REASON_FACE_TURNED_AWAY,
                SID_PHOTO_SELFIE);
    }
}

static void
a_card_has_no_pose_and_no_liveness(void **state) {
    (void)state;
    id_photo.has_pose = id_photo.has_liveness = true;
    id_photo.yaw_deg = 80;
    id_photo.liveness = 0;
    approves();
}

static void
what_was_not_measured_on_a_selfie_is_no_reason(void **state) {
    (void)state;
    selfie.has_pose = selfie.has_liveness = false;
    selfie.yaw_deg = 80;
    selfie.liveness = 0;
    approves();
}

static void
all_reasons_of_both_photos_are_told_at_once(void **state) {
    (void)state;
    id_photo.sharpness = 0;
    id_photo.brightness = 10;
    selfie.faces = 2;
    selfie.yaw_deg = 60;
    point(-0.5f, selfie.embedding);
    struct sid_decision d = decide();
    char text[SID_REASONS_TEXT_SIZE];
    sid_reasons_pack(&d.reasons, text);
    assert_string_equal(text, "too_dark:id_photo too_blurred:id_photo "
                              "many_faces:selfie face_turned_away:selfie");
    assert_int_equal(d.state, SID_ENROL_REJECTED);
    assert_false(d.has_scores);
}

static void
the_same_file_twice_is_told(void **state) {
    (void)state;
    selfie.sha256[0] = id_photo.sha256[0];
    decides(&policy, SID_ENROL_REJECTED, SID_REASON_SAME_FILE,
            SID_PHOTO_SELFIE);
    /* It is told first even where something else is wrong as well. */
    selfie.face_px = 50;
    struct sid_decision d = decide();
    char text[SID_REASONS_TEXT_SIZE];
    sid_reasons_pack(&d.reasons, text);
    assert_string_equal(text, "same_file:selfie face_too_small:selfie");
    /* Two photos that could not be read are not called copies. */
    id_photo.image = selfie.image = SID_E_IMAGE_UNREADABLE;
    d = decide();
    sid_reasons_pack(&d.reasons, text);
    assert_string_equal(text,
                        "image_unreadable:id_photo image_unreadable:selfie");
}

static void
the_same_picture_in_another_file_goes_to_review(void **state) {
    (void)state;
    picture(1, selfie.grey);
    decides(&policy, SID_ENROL_REVIEW, SID_REASON_SELFIE_IS_ID_PHOTO,
            SID_PHOTO_SELFIE);
    assert_true(decide().has_scores);
    point(0.601f, selfie.embedding);
    decides(&policy, SID_ENROL_REVIEW, SID_REASON_SELFIE_IS_ID_PHOTO,
            SID_PHOTO_SELFIE);
    /* Pictures are compared only where the faces are alike. */
    point(0.599f, selfie.embedding);
    approves();
    point(0.99f, selfie.embedding);
    picture(2, selfie.grey);
    approves();
}

static void
a_copy_is_told_beside_what_else_sends_to_review(void **state) {
    (void)state;
    struct sid_policy p = policy;
    char text[SID_REASONS_TEXT_SIZE];
    picture(1, selfie.grey);
    selfie.liveness = 0;
    p.match_accept = 0.9f;
    struct sid_decision d = decide_with(&p);
    assert_int_equal(d.state, SID_ENROL_REVIEW);
    sid_reasons_pack(&d.reasons, text);
    assert_string_equal(text, "faces_unclear selfie_is_id_photo:selfie "
                              "selfie_not_live:selfie");
}

static void
similarity_falls_into_three_bands(void **state) {
    (void)state;
    assert_int_equal(sid_policy_band(&policy, 0.5f), SID_BAND_ACCEPT);
    assert_int_equal(sid_policy_band(&policy, 0.4999f), SID_BAND_REVIEW);
    assert_int_equal(sid_policy_band(&policy, 0.35f), SID_BAND_REVIEW);
    assert_int_equal(sid_policy_band(&policy, 0.3499f), SID_BAND_REJECT);
    assert_int_equal(sid_policy_band(&policy, -1), SID_BAND_REJECT);
    assert_int_equal(sid_policy_band(&policy, 1), SID_BAND_ACCEPT);
    assert_string_equal(sid_band_name(SID_BAND_ACCEPT), "accept");
    assert_string_equal(sid_band_name(SID_BAND_REVIEW), "review");
    assert_string_equal(sid_band_name(SID_BAND_REJECT), "reject");
    point(0.4f, selfie.embedding);
    decides(&policy, SID_ENROL_REVIEW, SID_REASON_FACES_UNCLEAR,
            SID_PHOTO_NONE);
    point(0.1f, selfie.embedding);
    decides(&policy, SID_ENROL_REJECTED, SID_REASON_FACES_DIFFER,
            SID_PHOTO_NONE);
    assert_true(decide().has_scores);
}

static void
a_selfie_that_does_not_look_alive_goes_to_an_officer_and_no_further(
    void **state) {
    (void)state;
    struct sid_policy p = policy;
    selfie.liveness = 0.1f;
    approves();
    selfie.liveness = 0.0999f;
    decides(&p, SID_ENROL_REVIEW, SID_REASON_SELFIE_NOT_LIVE, SID_PHOTO_SELFIE);
    selfie.liveness = NAN; /* a broken score is not a live face */
    decides(&p, SID_ENROL_REVIEW, SID_REASON_SELFIE_NOT_LIVE, SID_PHOTO_SELFIE);
    p.liveness_action = SID_LIVENESS_OFF;
    struct sid_decision d = decide_with(&p);
    assert_int_equal(d.state, SID_ENROL_APPROVED);
    assert_int_equal(d.reasons.count, 0);
}

static void
liveness_and_band_can_both_apply(void **state) {
    (void)state;
    selfie.liveness = 0;
    point(0.4f, selfie.embedding);
    assert_string_equal(reasons_with(&policy, SID_ENROL_REVIEW),
                        "faces_unclear selfie_not_live:selfie");
    /* Written down for officers, though the band has rejected already. */
    point(0.1f, selfie.embedding);
    assert_string_equal(reasons_with(&policy, SID_ENROL_REJECTED),
                        "faces_differ selfie_not_live:selfie");
}

static void
similarity_is_the_cosine_and_never_more(void **state) {
    (void)state;
    float a[SID_EMBEDDING_FLOATS], b[SID_EMBEDDING_FLOATS];
    for (size_t i = 0; i < SID_EMBEDDING_FLOATS; i++)
        a[i] = 1.0f / sqrtf(SID_EMBEDDING_FLOATS);
    assert_true(fabsf(sid_similarity(a, a) - 1) < 1e-6f);
    for (size_t i = 0; i < SID_EMBEDDING_FLOATS; i++)
        b[i] = i % 2 == 0 ? a[i] : -a[i];
    assert_true(fabsf(sid_similarity(a, b)) < 1e-6f);
    for (size_t i = 0; i < SID_EMBEDDING_FLOATS; i++)
        b[i] = -2 * a[i];
    assert_true(sid_similarity(a, b) >= -1);
    b[7] = NAN;
    assert_true(sid_similarity(a, b) == -1);
}

static void
wiped_facts_hold_nothing(void **state) {
    (void)state;
    sid_photo_facts_fini(&selfie);
    for (size_t i = 0; i < sizeof selfie; i++)
        assert_int_equal(((const char *)&selfie)[i], 0);
}

static void
the_settings_become_the_policy(void **state) {
    (void)state;
    static const struct {
        const char *liveness, *challenge;
        enum sid_liveness_action action;
        enum sid_challenge_mode mode;
    } words[] = {{"review", "required", SID_LIVENESS_REVIEW, SID_MODE_REQUIRED},
                 {"off", "preferred", SID_LIVENESS_OFF, SID_MODE_PREFERRED},
                 {"off", "off", SID_LIVENESS_OFF, SID_MODE_OFF}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct sid_config config = {.match_accept = 0.75,
                                    .match_review = 0.5,
                                    .liveness_review = 0.25,
                                    .match_accept_without = 0.875,
                                    .min_turn_deg = 20};
        struct sid_policy made;
        (void)snprintf(config.liveness_action, sizeof config.liveness_action,
                       "%s", words[i].liveness);
        (void)snprintf(config.challenge, sizeof config.challenge, "%s",
                       words[i].challenge);
        sid_policy_from_config(&config, &made);
        assert_true(made.match_accept == 0.75F);
        assert_true(made.match_review == 0.5F);
        assert_true(made.liveness_review == 0.25F);
        assert_true(made.match_accept_without == 0.875F);
        assert_true(made.min_turn_deg == 20);
        assert_int_equal(made.liveness_action, words[i].action);
        assert_int_equal(made.challenge, words[i].mode);
    }
}

int
main(void) {
#define T(name) cmocka_unit_test_setup(name, good_photos)
    const struct CMUnitTest tests[] = {
        T(the_settings_become_the_policy),
        T(two_good_photos_of_one_person_are_approved),
        T(a_photo_without_pixels_tells_why),
        T(no_face_and_many_faces_are_told_of_both_photos),
        T(a_face_may_be_as_small_as_its_limit),
        T(a_face_may_be_as_dark_and_as_bright_as_its_limits),
        T(a_blurred_face_is_told),
        T(a_selfie_may_be_turned_by_thirty_degrees),
        T(a_card_has_no_pose_and_no_liveness),
        T(what_was_not_measured_on_a_selfie_is_no_reason),
        T(all_reasons_of_both_photos_are_told_at_once),
        T(the_same_file_twice_is_told),
        T(the_same_picture_in_another_file_goes_to_review),
        T(a_copy_is_told_beside_what_else_sends_to_review),
        T(similarity_falls_into_three_bands),
        T(a_selfie_that_does_not_look_alive_goes_to_an_officer_and_no_further),
        T(liveness_and_band_can_both_apply),
        T(similarity_is_the_cosine_and_never_more),
        T(wiped_facts_hold_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
