/* test_facts.c: facts that a taken-over face process could send are refused
 * when they cannot be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "../../../src/app/faceproc_internal.h"

/* As a good photo of that kind gives them. */
static struct sid_photo_facts
good_facts(enum sid_photo_kind kind) {
    struct sid_photo_facts facts;
    memset(&facts, 0, sizeof facts);
    facts.width_px = 4000;
    facts.height_px = 3000;
    facts.faces = 1;
    facts.box_x = -10;
    facts.box_w = facts.box_h = facts.face_px = 400;
    facts.box_score = 1.0F;
    facts.sharpness = 80;
    facts.brightness = 255;
    facts.has_pose = kind != SID_PHOTO_ID;
    facts.has_liveness = kind == SID_PHOTO_SELFIE;
    facts.yaw_deg = -99;
    facts.liveness = 1;
    facts.embedding[3] = 0.6F;
    facts.embedding[500] = -0.8F;
    facts.ms_detect = -0.01F;
    return facts;
}

static void
what_good_photos_give_is_believed(void **state) {
    (void)state;
    for (int kind = SID_PHOTO_ID; kind < SID_PHOTO_KINDS; kind++) {
        struct sid_photo_facts facts = good_facts((enum sid_photo_kind)kind);
        assert_true(sid_facts_credible(&facts, (enum sid_photo_kind)kind));
    }
    struct sid_photo_facts none = {.width_px = 160, .height_px = 160};
    assert_true(sid_facts_credible(&none, SID_PHOTO_SELFIE));
}

static void
what_bad_photos_give_is_believed(void **state) {
    (void)state;
    static const enum sid_err errors[] = {
        SID_E_IMAGE_UNREADABLE, SID_E_IMAGE_TOO_LARGE, SID_E_IMAGE_TOO_SMALL};
    for (int i = 0; i < 3; i++) {
        struct sid_photo_facts facts = {.image = errors[i]};
        assert_true(sid_facts_credible(&facts, SID_PHOTO_ID));
        facts.faces = 1;
        assert_false(sid_facts_credible(&facts, SID_PHOTO_ID));
    }
}

/* Whether some rule looks at the four bytes at offset: -1 is out of each
 * range, and as a float it is not a number. */
static bool
is_looked_at(size_t offset) {
    struct sid_photo_facts facts = good_facts(SID_PHOTO_SELFIE);
    memset((char *)&facts + offset, 0xff, 4);
    return !sid_facts_credible(&facts, SID_PHOTO_SELFIE);
}

static bool
is_free(size_t offset) {
    return (offset >= offsetof(struct sid_photo_facts, grey) &&
            offset < offsetof(struct sid_photo_facts, grey) +
                         SID_FACE_GREY_PX * SID_FACE_GREY_PX) ||
           (offset >= offsetof(struct sid_photo_facts, sha256) &&
            offset < offsetof(struct sid_photo_facts, sha256) + 32);
}

static void
no_fact_is_without_a_rule(void **state) {
    (void)state;
    for (size_t at = 0; at + 4 <= sizeof(struct sid_photo_facts); at += 4) {
        if (is_looked_at(at) == is_free(at))
            print_error("the fact at offset %zu\n", at);
        assert_int_equal(is_looked_at(at), !is_free(at));
    }
}

/* One change to good facts of a selfie that makes them impossible. */
#define REFUSED(change)                                                        \
    do {                                                                       \
        struct sid_photo_facts f = good_facts(SID_PHOTO_SELFIE);               \
        change;                                                                \
        assert_false(sid_facts_credible(&f, SID_PHOTO_SELFIE));                \
    } while (0)

static void
values_out_of_range_are_refused(void **state) {
    (void)state;
    REFUSED(f.image = SID_E_STORE);
    REFUSED(f.image = SID_E_MODEL);
    REFUSED(f.width_px = 159);
    REFUSED(f.height_px = 6126); /* more pixels than there may be */
    REFUSED(f.width_px = INT32_MIN);
    REFUSED(f.faces = -1);
    REFUSED(f.faces = SID_FACES_MAX + 1);
    REFUSED(f.box_x = -INFINITY);
    REFUSED(f.box_y = 1e30F);
    REFUSED(f.box_w = 0);
    REFUSED(f.box_h = -1);
    REFUSED(f.box_score = 1.01F);
    REFUSED(f.quarter_turns = 4);
    REFUSED(f.face_px = 0);
    REFUSED(f.sharpness = -1);
    REFUSED(f.sharpness = NAN);
    REFUSED(f.brightness = 256);
    REFUSED(f.yaw_deg = 181);
    REFUSED(f.pitch_deg = -181);
    REFUSED(f.roll_deg = NAN);
    REFUSED(f.liveness = 1.01F);
    REFUSED(f.liveness = -0.01F);
    REFUSED(f.ms_decode = INFINITY);
    REFUSED(f.ms_pose = 1e6F);
    REFUSED(memset(&f.has_pose, 2, 1));
    REFUSED(memset(&f.has_liveness, 255, 1));
}

static void
an_embedding_that_is_no_unit_vector_is_refused(void **state) {
    (void)state;
    REFUSED(f.embedding[500] = -0.79F);
    REFUSED(f.embedding[500] = -0.81F);
    REFUSED(f.embedding[0] = NAN);
    REFUSED(f.embedding[511] = INFINITY);
    REFUSED(memset(f.embedding, 0, sizeof f.embedding));
}

static void
what_the_rules_go_by_cannot_be_left_out(void **state) {
    (void)state;
    REFUSED(f.has_liveness = false);
    REFUSED(f.has_pose = false);
    struct sid_photo_facts selfie = good_facts(SID_PHOTO_SELFIE);
    struct sid_photo_facts frame = good_facts(SID_PHOTO_FRAME_1);
    struct sid_photo_facts card = good_facts(SID_PHOTO_ID);
    for (int kind = SID_PHOTO_FRAME_1; kind < SID_PHOTO_KINDS; kind++) {
        assert_false(sid_facts_credible(&selfie, (enum sid_photo_kind)kind));
        assert_false(sid_facts_credible(&card, (enum sid_photo_kind)kind));
    }
    assert_false(sid_facts_credible(&selfie, SID_PHOTO_ID));
    assert_false(sid_facts_credible(&frame, SID_PHOTO_ID));
    assert_false(sid_facts_credible(&frame, SID_PHOTO_SELFIE));
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_good_photos_give_is_believed),
        cmocka_unit_test(what_bad_photos_give_is_believed),
        cmocka_unit_test(no_fact_is_without_a_rule),
        cmocka_unit_test(values_out_of_range_are_refused),
        cmocka_unit_test(an_embedding_that_is_no_unit_vector_is_refused),
        cmocka_unit_test(what_the_rules_go_by_cannot_be_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
