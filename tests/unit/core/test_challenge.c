/* test_challenge.c: the words of a challenge: drawing, stored forms, when an
 * answer is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <string.h>

#include "smartid/challenge.h"

static void
turns_have_the_names_of_the_api(void **state) {
    (void)state;
    assert_string_equal(sid_turn_name(SID_TURN_LEFT), "left");
    assert_string_equal(sid_turn_name(SID_TURN_RIGHT), "right");
    assert_string_equal(sid_turn_name(SID_TURN_UP), "up");
    assert_string_equal(sid_turn_name(SID_TURN_DOWN), "down");
    assert_string_equal(sid_challenge_outcome_name(SID_CHALLENGE_OPEN), "open");
}

static void
steps_are_drawn_evenly_and_never_twice(void **state) {
    (void)state;
    int first[SID_TURN_COUNT] = {0},
        pair[SID_TURN_COUNT][SID_TURN_COUNT] = {{0}};
    const int draws = 6000;
    for (int i = 0; i < draws; i++) {
        struct sid_steps steps;
        int count = SID_STEPS_MIN + i % 2;
        assert_int_equal(sid_steps_make(count, &steps), SID_OK);
        assert_int_equal(steps.count, count);
        first[steps.turn[0]]++;
        for (int k = 1; k < count; k++)
            pair[steps.turn[k - 1]][steps.turn[k]]++;
        if (count == 3)
            assert_int_not_equal(steps.turn[0], steps.turn[2]);
    }
    for (int a = 0; a < SID_TURN_COUNT; a++) {
        /* 1,500 +- 34; 750 +- 27 */
        assert_in_range(first[a], 1500 - 200, 1500 + 200);
        for (int b = 0; b < SID_TURN_COUNT; b++) {
            if (a == b)
                assert_int_equal(pair[a][b], 0);
            else
                assert_in_range(pair[a][b], 750 - 160, 750 + 160);
        }
    }
}

static void
steps_survive_being_stored(void **state) {
    (void)state;
    char text[SID_STEPS_TEXT_SIZE];
    struct sid_steps in = {3, {SID_TURN_RIGHT, SID_TURN_DOWN, SID_TURN_RIGHT}};
    struct sid_steps out = {0};
    sid_steps_pack(&in, text);
    assert_string_equal(text, "right down right");
    assert_int_equal(sid_steps_unpack(text, &out), SID_OK);
    assert_int_equal(out.count, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(out.turn[i], in.turn[i]);
}

static void
steps_of_another_form_are_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "",         "left",    " left up",  "left up ",
        "left  up", "left,up", "left back", "left up left up"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct sid_steps out = {.count = 77};
        assert_int_equal(sid_steps_unpack(wrong[i], &out), SID_E_FIELD_INVALID);
        assert_int_equal(out.count, 77);
    }
}

static void
an_answer_is_taken_from_its_client_once_and_in_time(void **state) {
    (void)state;
    struct sid_challenge c = {.client_id = "cli_a", .expires_at_s = 220};
    assert_null(sid_challenge_refused(&c, "cli_a", 219));
    assert_string_equal(sid_challenge_refused(&c, "cli_a", 220), "expired");
    assert_string_equal(sid_challenge_refused(&c, "cli_b", 219), "foreign");
    memcpy(c.enrolment_id, "enr_x", 6);
    assert_string_equal(sid_challenge_refused(&c, "cli_a", 219), "used");
}

static void
a_report_survives_being_stored(void **state) {
    (void)state;
    char text[SID_CHALLENGE_TEXT_SIZE];
    struct sid_challenge_report out;
    struct sid_challenge_report in = {
        .outcome = SID_CHALLENGE_FAILED,
        .steps = {3, {SID_TURN_LEFT, SID_TURN_RIGHT, SID_TURN_DOWN}},
        .frame = {{-179.95F, -179.95F, -179.95F, -0.999F, -0.999F},
                  {-179.95F, -179.95F, -179.95F, -0.999F, -0.999F},
                  {-179.95F, -179.95F, -179.95F, -0.999F, -0.999F}}};
    sid_challenge_pack(&in, text); /* the longest there is */
    assert_int_equal(sid_challenge_unpack(text, &out), SID_OK);
    in = (struct sid_challenge_report){
        .outcome = SID_CHALLENGE_PASSED,
        .steps = {2, {SID_TURN_LEFT, SID_TURN_UP}},
        .frame = {{21.25F, -22, 1.5F, 0.8125F, 0.625F}, {16, 3, 11, 0.75F, 0}}};
    sid_challenge_pack(&in, text);
    assert_string_equal(text, "passed left:21.2:-22.0:1.5:0.812:0.625 "
                              "up:16.0:3.0:11.0:0.750:0.000");
    assert_int_equal(sid_challenge_unpack(text, &out), SID_OK);
    assert_int_equal(out.outcome, SID_CHALLENGE_PASSED);
    assert_int_equal(out.steps.count, 2);
    assert_int_equal(out.steps.turn[1], SID_TURN_UP);
    assert_true(out.frame[1].similarity == 0.75F);
    assert_true(out.frame[0].yaw_deg == -22);
    in = (struct sid_challenge_report){.outcome = SID_CHALLENGE_NONE};
    sid_challenge_pack(&in, text);
    assert_string_equal(text, "");
    assert_int_equal(sid_challenge_unpack(text, &out), SID_OK);
    assert_int_equal(out.outcome, SID_CHALLENGE_NONE);
    assert_int_equal(out.steps.count, 0);
}

static void
a_report_of_another_form_is_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "passed",
        "none left:1:2:3:4:5 up:1:2:3:4:5",
        "lost left:1:2:3:4:5 up:1:2:3:4:5",
        "passed left:1:2:3:4:5",
        "passed left:1:2:3:4 up:1:2:3:4:5",
        "passed left:1:2:3:4:5  up:1:2:3:4:5",
        "passed left:1:2:3:4:5 up:1:2:3:4:5 ",
        "passed left:1:2:3:4:5 up:1:2:3:4:5:6",
        "passed left:1:2:3:4:5 up:1:2:3:4:5 up:1:2:3:4:5 up:1:2:3:4:5"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct sid_challenge_report out = {.outcome = SID_CHALLENGE_OUTCOMES};
        assert_int_equal(sid_challenge_unpack(wrong[i], &out),
                         SID_E_FIELD_INVALID);
        assert_int_equal(out.outcome, SID_CHALLENGE_OUTCOMES);
    }
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_have_the_names_of_the_api),
        cmocka_unit_test(steps_are_drawn_evenly_and_never_twice),
        cmocka_unit_test(steps_survive_being_stored),
        cmocka_unit_test(steps_of_another_form_are_refused),
        cmocka_unit_test(an_answer_is_taken_from_its_client_once_and_in_time),
        cmocka_unit_test(a_report_survives_being_stored),
        cmocka_unit_test(a_report_of_another_form_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
