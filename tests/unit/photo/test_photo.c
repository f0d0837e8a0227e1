/* test_photo.c: the real face engine on real photos: what is found, and each
 * reason a photo can have by itself. Needs what `make setup` fetches: the
 * models in MODEL_DIR and the photos in SMARTID_DATA. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "picture.h"
#include "smartid/copy.h"
#include "smartid/models.h"
#include "smartid/photo.h"

static struct sid_models *models;
static struct sid_face_engine *engine;

static int
load_engine(void **state) {
    (void)state;
    char problem[512] = "";
    const char *dir = getenv("MODEL_DIR");
    assert_int_equal(sid_crypto_init(), SID_OK);
    enum sid_err err = sid_models_load(dir != NULL ? dir : ".data/models",
                                       &models, problem, sizeof problem);
    if (err != SID_OK)
        print_error("%s\n", problem);
    assert_int_equal(err, SID_OK);
    assert_int_equal(sid_models_engine(models, &engine), SID_OK);
    return 0;
}

static int
free_engine(void **state) {
    (void)state;
    sid_face_engine_free(&engine);
    assert_null(engine);
    sid_models_free(&models);
    sid_crypto_fini();
    return 0;
}

static void
read_photo(const char *name, struct picture *out) {
    char path[512];
    const char *data = getenv("SMARTID_DATA");
    (void)snprintf(path, sizeof path, "%s/photos/%s",
                   data != NULL ? data : ".data", name);
    picture_read(path, out);
}

static void
examine_picture(const struct picture *picture, enum sid_photo_kind kind,
                struct sid_photo_facts *out) {
    struct sid_buf file = SID_BUF_EMPTY;
    picture_jpeg(picture, &file);
    assert_int_equal(sid_photo_examine(engine, sid_buf_span(&file), kind, out),
                     SID_OK);
    sid_buf_free(&file);
}

static void
examine_named(const char *name, enum sid_photo_kind kind,
              struct sid_photo_facts *out) {
    struct picture picture = {0};
    read_photo(name, &picture);
    examine_picture(&picture, kind, out);
    picture_free(&picture);
}

/* Exactly this one reason. */
static void
assert_reason(const struct sid_photo_facts *facts, enum sid_photo_kind kind,
              enum sid_reason expected) {
    struct sid_reasons reasons = {0};
    sid_policy_photo(facts, kind, &reasons);
    if (reasons.count != 1)
        print_error("%zu reasons, sharpness %.1f, brightness %.1f, yaw %.1f, "
                    "%.0f px, %d faces\n",
                    reasons.count, (double)facts->sharpness,
                    (double)facts->brightness, (double)facts->yaw_deg,
                    (double)facts->face_px, facts->faces);
    assert_int_equal(reasons.count, 1);
    assert_int_equal(reasons.item[0].reason, expected);
}

static void
assert_good(const struct sid_photo_facts *facts, enum sid_photo_kind kind) {
    struct sid_reasons reasons = {0};
    sid_policy_photo(facts, kind, &reasons);
    assert_int_equal(reasons.count, 0);
}

static void
two_photos_of_one_man_match_and_strangers_do_not(void **state) {
    (void)state;
    struct sid_photo_facts man, again, other;
    examine_named("franck_02045.jpg", SID_PHOTO_SELFIE, &man);
    examine_named("franck_04117.jpg", SID_PHOTO_SELFIE, &again);
    examine_named("cage.jpg", SID_PHOTO_SELFIE, &other);
    assert_good(&man, SID_PHOTO_SELFIE);
    assert_good(&again, SID_PHOTO_SELFIE);
    assert_true(sid_similarity(man.embedding, again.embedding) > 0.6F);
    assert_true(sid_similarity(man.embedding, other.embedding) < 0.3F);
    assert_true(fabsf(sid_similarity(man.embedding, man.embedding) - 1) <
                0.001F);
}

static void
the_facts_of_a_selfie_are_complete(void **state) {
    (void)state;
    struct sid_photo_facts facts;
    examine_named("franck_02045.jpg", SID_PHOTO_SELFIE, &facts);
    assert_int_equal(facts.image, SID_OK);
    assert_int_equal(facts.width_px, 720);
    assert_int_equal(facts.height_px, 576);
    assert_int_equal(facts.faces, 1);
    /* The face is where a person sees it. */
    assert_true(facts.box_x > 150 && facts.box_x + facts.box_w < 560);
    assert_true(facts.box_y > 50 && facts.box_y + facts.box_h < 560);
    assert_true(facts.box_score > 0.9F);
    assert_int_equal(facts.quarter_turns, 0);
    assert_true(facts.has_pose && facts.has_liveness);
    assert_true(fabsf(facts.yaw_deg) < 20 && fabsf(facts.roll_deg) < 20);
    assert_true(facts.liveness >= 0 && facts.liveness <= 1);
    assert_true(facts.ms_decode > 0 && facts.ms_detect > 0 &&
                facts.ms_embed > 0 && facts.ms_pose > 0);
}

static void
a_portrait_as_id_photo_has_no_pose_and_no_liveness(void **state) {
    (void)state;
    struct sid_photo_facts facts;
    examine_named("franck_02045.jpg", SID_PHOTO_ID, &facts);
    assert_int_equal(facts.faces, 1);
    assert_false(facts.has_pose);
    assert_false(facts.has_liveness);
    assert_good(&facts, SID_PHOTO_ID);
}

static void
a_card_is_found_in_all_four_orientations(void **state) {
    (void)state;
    struct picture portrait = {0};
    struct sid_photo_facts selfie;
    examine_named("franck_04117.jpg", SID_PHOTO_SELFIE, &selfie);
    read_photo("franck_02045.jpg", &portrait);
    for (int turns = 0; turns < 4; turns++) {
        struct picture card = {0};
        struct sid_photo_facts facts;
        /* The card fills 42 % of the width; its portrait is 250 px wide. */
        picture_card(&portrait, 2400, 1800, turns, &card);
        examine_picture(&card, SID_PHOTO_ID, &facts);
        assert_int_equal(facts.faces, 1);
        assert_int_equal(facts.quarter_turns, (4 - turns) % 4);
        assert_true(sid_similarity(facts.embedding, selfie.embedding) > 0.5F);
        /* The box is where the portrait was drawn, in the photo as it is. */
        float x = facts.box_x + facts.box_w / 2;
        float y = facts.box_y + facts.box_h / 2;
        assert_true(x > (float)card.mark_x &&
                    x < (float)(card.mark_x + card.mark_w));
        assert_true(y > (float)card.mark_y &&
                    y < (float)(card.mark_y + card.mark_h));
        picture_free(&card);
    }
    picture_free(&portrait);
}

static void
a_picture_without_a_face_has_no_face(void **state) {
    (void)state;
    struct sid_photo_facts facts;
    examine_named("ironman.jpg", SID_PHOTO_SELFIE, &facts);
    assert_reason(&facts, SID_PHOTO_SELFIE, SID_REASON_NO_FACE);
    struct picture plain = {0};
    picture_new(1600, 1200, 150, &plain);
    examine_picture(&plain, SID_PHOTO_ID, &facts);
    assert_reason(&facts, SID_PHOTO_ID, SID_REASON_NO_FACE);
    picture_free(&plain);
}

static void
two_people_are_many_faces_in_both_kinds_of_photo(void **state) {
    (void)state;
    struct picture left = {0}, right = {0}, both = {0};
    struct sid_photo_facts facts;
    read_photo("franck_02045.jpg", &left);
    read_photo("cage.jpg", &right);
    picture_new(left.w + right.w, left.h > right.h ? left.h : right.h, 90,
                &both);
    picture_put(&left, 0, 0, &both);
    picture_put(&right, left.w, 0, &both);
    examine_picture(&both, SID_PHOTO_SELFIE, &facts);
    assert_int_equal(facts.faces, 2);
    assert_reason(&facts, SID_PHOTO_SELFIE, SID_REASON_MANY_FACES);
    examine_picture(&both, SID_PHOTO_ID, &facts);
    assert_reason(&facts, SID_PHOTO_ID, SID_REASON_MANY_FACES);
    picture_free(&left);
    picture_free(&right);
    picture_free(&both);
}

static void
the_same_person_twice_on_a_card_is_one(void **state) {
    (void)state;
    struct picture portrait = {0}, ghost = {0}, card = {0};
    struct sid_photo_facts facts;
    read_photo("franck_02045.jpg", &portrait);
    picture_scale(&portrait, 360, 288, &ghost);
    picture_new(1400, 700, 210, &card);
    picture_put(&portrait, 40, 60, &card);
    picture_put(&ghost, 900, 300, &card);
    examine_picture(&card, SID_PHOTO_ID, &facts);
    assert_int_equal(facts.faces, 1);
    picture_free(&portrait);
    picture_free(&ghost);
    picture_free(&card);
}

static void
a_face_far_away_is_too_small(void **state) {
    (void)state;
    struct picture portrait = {0}, small = {0}, room = {0};
    struct sid_photo_facts facts;
    read_photo("franck_02045.jpg", &portrait);
    picture_scale(&portrait, 150, 120, &small);
    picture_new(320, 240, 120, &room);
    picture_put(&small, 80, 60, &room);
    examine_picture(&room, SID_PHOTO_SELFIE, &facts);
    assert_reason(&facts, SID_PHOTO_SELFIE, SID_REASON_FACE_TOO_SMALL);
    picture_free(&portrait);
    picture_free(&small);
    picture_free(&room);
}

static void
a_blurred_face_is_too_blurred(void **state) {
    (void)state;
    struct picture photo = {0};
    struct sid_photo_facts facts;
    read_photo("franck_02045.jpg", &photo);
    picture_blur(&photo, 21);
    examine_picture(&photo, SID_PHOTO_SELFIE, &facts);
    assert_reason(&facts, SID_PHOTO_SELFIE, SID_REASON_TOO_BLURRED);
    picture_blur(&photo, 13);
    examine_picture(&photo, SID_PHOTO_ID, &facts);
    assert_reason(&facts, SID_PHOTO_ID, SID_REASON_TOO_BLURRED);
    picture_free(&photo);
}

static void
a_face_in_the_dark_is_too_dark(void **state) {
    (void)state;
    struct picture photo = {0};
    struct sid_photo_facts facts;
    read_photo("franck_02045.jpg", &photo);
    picture_light(&photo, 0.17, 0);
    examine_picture(&photo, SID_PHOTO_SELFIE, &facts);
    assert_reason(&facts, SID_PHOTO_SELFIE, SID_REASON_TOO_DARK);
    examine_picture(&photo, SID_PHOTO_ID, &facts);
    assert_reason(&facts, SID_PHOTO_ID, SID_REASON_TOO_DARK);
    picture_free(&photo);
}

static void
a_face_in_the_glare_is_too_bright(void **state) {
    (void)state;
    struct picture photo = {0};
    struct sid_photo_facts facts;
    read_photo("franck_02045.jpg", &photo);
    picture_light(&photo, 1.5, 70);
    examine_picture(&photo, SID_PHOTO_SELFIE, &facts);
    assert_reason(&facts, SID_PHOTO_SELFIE, SID_REASON_TOO_BRIGHT);
    examine_picture(&photo, SID_PHOTO_ID, &facts);
    assert_reason(&facts, SID_PHOTO_ID, SID_REASON_TOO_BRIGHT);
    picture_free(&photo);
}

static void
a_turned_face_is_turned_away(void **state) {
    (void)state;
    struct picture photo = {0};
    struct sid_photo_facts facts;
    read_photo("franck_02045.jpg", &photo);
    examine_picture(&photo, SID_PHOTO_SELFIE, &facts);
    picture_yaw(&photo, (double)(facts.box_x + facts.box_w / 2),
                0.62 * (double)facts.box_w, 55);
    examine_picture(&photo, SID_PHOTO_SELFIE, &facts);
    assert_true(fabsf(facts.yaw_deg) > 30);
    assert_reason(&facts, SID_PHOTO_SELFIE, SID_REASON_FACE_TURNED_AWAY);
    picture_free(&photo);
}

/* Copies are an officer's work, other photos of the man are not. */
static void
the_photo_of_the_card_as_selfie_goes_to_review(void **state) {
    (void)state;
    const struct sid_policy policy = {.match_accept = 0.5F,
                                      .match_review = 0.35F,
                                      .liveness_action = SID_LIVENESS_OFF};
    struct picture photo = {0};
    struct sid_photo_facts card, selfie, other;
    struct sid_decision decision;
    read_photo("franck_02045.jpg", &photo);
    examine_picture(&photo, SID_PHOTO_ID, &card);
    for (int changes = 0; changes < 3; changes++) {
        if (changes == 0)
            picture_light(&photo, 0.9, 5);
        else if (changes == 1)
            picture_mirror(&photo);
        else
            picture_blur(&photo, 5);
        examine_picture(&photo, SID_PHOTO_SELFIE, &selfie);
        assert_memory_not_equal(card.sha256, selfie.sha256, sizeof card.sha256);
        sid_policy_decide(&policy, &card, &selfie, NULL, &decision);
        assert_int_equal(decision.state, SID_ENROL_REVIEW);
        assert_int_equal(decision.reasons.count, 1);
        assert_int_equal(decision.reasons.item[0].reason,
                         SID_REASON_SELFIE_IS_ID_PHOTO);
    }
    /* Another frame of the same film is another photo. */
    examine_named("franck_02221.jpg", SID_PHOTO_SELFIE, &other);
    sid_policy_decide(&policy, &card, &other, NULL, &decision);
    assert_int_equal(decision.state, SID_ENROL_APPROVED);
    picture_free(&photo);
}

/* Wherever the face lies in the photo, the aligned one is the same. */
static void
the_aligned_face_is_the_face(void **state) {
    (void)state;
    struct picture photo = {0}, room = {0};
    struct sid_photo_facts alone, moved;
    read_photo("franck_02045.jpg", &photo);
    examine_picture(&photo, SID_PHOTO_SELFIE, &alone);
    picture_new(1000, 800, 120, &room);
    picture_put(&photo, 250, 200, &room);
    examine_picture(&room, SID_PHOTO_SELFIE, &moved);
    assert_true(sid_copy_score(alone.grey, moved.grey) > 0.98F);
    picture_free(&photo);
    picture_free(&room);
}

/* However many pixels the face has: it is halved 0 to 3 times, and what is left
 * lies between. */
static void
a_face_of_any_size_is_aligned_alike(void **state) {
    (void)state;
    static const int width_px[] = {300, 470, 720, 1100, 1700, 2900};
    struct picture photo = {0}, grown = {0};
    struct sid_photo_facts plain, facts;
    read_photo("franck_02045.jpg", &photo);
    examine_picture(&photo, SID_PHOTO_SELFIE, &plain);
    for (size_t i = 0; i < sizeof width_px / sizeof width_px[0]; i++) {
        int w = width_px[i];
        picture_scale(&photo, w, w * photo.h / photo.w, &grown);
        examine_picture(&grown, SID_PHOTO_SELFIE, &facts);
        float alike = sid_similarity(plain.embedding, facts.embedding);
        float copy = sid_copy_score(plain.grey, facts.grey);
        print_message("%d px: similarity %.4f, copy %.4f\n", w, (double)alike,
                      (double)copy);
        assert_int_equal(facts.faces, 1);
        assert_true(alike > 0.98F);
        assert_true(copy > 0.995F);
        picture_free(&grown);
    }
    picture_free(&photo);
}

static void
what_is_no_photo_is_told_in_the_facts(void **state) {
    (void)state;
    struct sid_photo_facts facts;
    struct picture small = {0};
    assert_int_equal(sid_photo_examine(engine, sid_span_str("no photo"),
                                       SID_PHOTO_SELFIE, &facts),
                     SID_OK);
    assert_int_equal(facts.image, SID_E_IMAGE_UNREADABLE);
    assert_int_equal(facts.faces, 0);
    assert_reason(&facts, SID_PHOTO_SELFIE, SID_REASON_IMAGE_UNREADABLE);
    picture_new(159, 400, 100, &small);
    examine_picture(&small, SID_PHOTO_SELFIE, &facts);
    assert_int_equal(facts.image, SID_E_IMAGE_TOO_SMALL);
    assert_reason(&facts, SID_PHOTO_SELFIE, SID_REASON_IMAGE_TOO_SMALL);
    picture_free(&small);
}

static void
pose_and_liveness_of_a_card_are_measured_on_demand_only(void **state) {
    (void)state;
    struct picture picture = {0};
    struct sid_buf file = SID_BUF_EMPTY;
    struct sid_photo_facts brief, full;
    read_photo("franck_01829.jpg", &picture);
    picture_jpeg(&picture, &file);
    assert_int_equal(
        sid_photo_examine(engine, sid_buf_span(&file), SID_PHOTO_ID, &brief),
        SID_OK);
    assert_int_equal(sid_photo_examine_fully(engine, sid_buf_span(&file),
                                             SID_PHOTO_ID, &full),
                     SID_OK);
    assert_false(brief.has_pose || brief.has_liveness);
    assert_true(brief.ms_pose == 0 && brief.ms_liveness == 0);
    assert_true(full.has_pose && full.has_liveness);
    assert_true(full.yaw_deg > -30 && full.yaw_deg < 30);
    assert_memory_equal(full.embedding, brief.embedding, sizeof full.embedding);
    sid_photo_facts_fini(&brief);
    sid_photo_facts_fini(&full);
    sid_buf_free(&file);
    picture_free(&picture);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            pose_and_liveness_of_a_card_are_measured_on_demand_only),
        cmocka_unit_test(two_photos_of_one_man_match_and_strangers_do_not),
        cmocka_unit_test(the_facts_of_a_selfie_are_complete),
        cmocka_unit_test(a_portrait_as_id_photo_has_no_pose_and_no_liveness),
        cmocka_unit_test(a_card_is_found_in_all_four_orientations),
        cmocka_unit_test(a_picture_without_a_face_has_no_face),
        cmocka_unit_test(two_people_are_many_faces_in_both_kinds_of_photo),
        cmocka_unit_test(the_same_person_twice_on_a_card_is_one),
        cmocka_unit_test(a_face_far_away_is_too_small),
        cmocka_unit_test(a_blurred_face_is_too_blurred),
        cmocka_unit_test(a_face_in_the_dark_is_too_dark),
        cmocka_unit_test(a_face_in_the_glare_is_too_bright),
        cmocka_unit_test(a_turned_face_is_turned_away),
        cmocka_unit_test(the_photo_of_the_card_as_selfie_goes_to_review),
        cmocka_unit_test(the_aligned_face_is_the_face),
        cmocka_unit_test(a_face_of_any_size_is_aligned_alike),
        cmocka_unit_test(what_is_no_photo_is_told_in_the_facts),
    };
    return cmocka_run_group_tests(tests, load_engine, free_engine);
}
