/* test_copy.c: one picture twice, whatever was done to the second, and two
 * pictures that differ in a few places only. The pictures are made of waves, so
 * that they can be moved by parts of a pixel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "smartid/copy.h"

#define PX SID_COPY_PX
#define WAVES 30
/* Source: core/policy.c. */
#define COPY 0.975f

static uint8_t first[PX * PX], second[PX * PX];

struct how {
    double turn, scale, dx, dy, tilt; /* geometry; tilt: of a plane */
    double gain, bias, gamma;
    double blur; /* the shorter waves fade as under a Gaussian blur */
    bool mirror;
    unsigned seed;
    double other; /* weight of what is changed about eyes and mouth */
};
static const struct how plain = {.scale = 1, .gain = 1, .gamma = 1, .seed = 1};

static double
next(unsigned *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return (double)(*seed >> 8) / (1 << 24);
}

struct wave {
    double x, y, phase, height;
};

/* The waves of a seed's picture. */
static void
make_waves(unsigned seed, double blur, struct wave out[WAVES]) {
    for (int i = 0; i < WAVES; i++) {
        double angle = next(&seed) * 6.2832, phase = next(&seed) * 6.2832;
        double k = 6.2832 / (5 + 35 * next(&seed) * next(&seed));
        out[i] =
            (struct wave){k * cos(angle), k * sin(angle), phase,
                          60 / sqrt(WAVES) * exp(-k * k * blur * blur / 2)};
    }
}

/* Luma over the mean at a point in pixels from the middle. */
static double
height(const struct wave waves[WAVES], double x, double y) {
    double v = 0;
    for (int i = 0; i < WAVES; i++)
        v += waves[i].height *
             sin(waves[i].x * x + waves[i].y * y + waves[i].phase);
    return v;
}

static void
paint(const struct how *how, uint8_t out[PX * PX]) {
    struct wave waves[WAVES], others[WAVES];
    make_waves(how->seed, how->blur, waves);
    make_waves(99, 0, others);
    for (int j = 0; j < PX; j++)
        for (int i = 0; i < PX; i++) {
            double u = (how->mirror ? PX - 1 - i : i) - 55.5, v = j - 55.5;
            double w = 1 + how->tilt * u / 100;
            double x = u * cos(how->turn) - v * sin(how->turn);
            double y = u * sin(how->turn) + v * cos(how->turn);
            x = x / how->scale / w + how->dx;
            y = y / how->scale / w + how->dy;
            double grey = 128 + height(waves, x, y);
            /* An eye that looks elsewhere, a mouth that smiles. */
            if (how->other > 0 && ((y < -5 && y > -19) || y > 25))
                grey += how->other * height(others, x, y);
            grey = pow(fmax(grey, 0) / 255, how->gamma) * 255;
            grey = grey * how->gain + how->bias;
            out[j * PX + i] = (uint8_t)fmin(fmax(grey + 0.5, 0), 255);
        }
}

static float
score(struct how how) {
    paint(&plain, first);
    paint(&how, second);
    return sid_copy_score(first, second);
}

static void
is_copy(struct how how) {
    float found = score(how);
    if (found < COPY)
        print_error("score %.4f\n", (double)found);
    assert_true(found >= COPY);
}

static void
a_picture_is_a_copy_of_itself(void **state) {
    (void)state;
    assert_true(score(plain) > 0.999f);
}

static void
a_moved_turned_scaled_picture_is_a_copy(void **state) {
    (void)state;
    struct how how = plain;
    how.dx = 1.5;
    how.dy = -1.2;
    is_copy(how);
    how.turn = 0.05;
    is_copy(how);
    how.scale = 1.06;
    is_copy(how);
}

static void
a_mirrored_picture_is_a_copy(void **state) {
    (void)state;
    struct how how = plain;
    how.mirror = true;
    is_copy(how);
    how.dx = 1;
    how.turn = -0.03;
    is_copy(how);
}

static void
a_tilted_picture_is_a_copy(void **state) {
    (void)state;
    struct how how = plain;
    how.tilt = 0.08;
    is_copy(how);
}

static void
a_picture_in_other_light_is_a_copy(void **state) {
    (void)state;
    struct how how = plain;
    how.bias = 30;
    is_copy(how);
    how.gain = 0.6;
    is_copy(how);
    how = plain;
    how.gamma = 2.5;
    is_copy(how);
}

static void
a_blurred_picture_is_a_copy_whichever_it_is(void **state) {
    (void)state;
    struct how how = plain;
    how.blur = 2;
    is_copy(how);
    assert_true(sid_copy_score(second, first) >= COPY);
}

static void
a_picture_that_differs_in_eyes_and_mouth_is_no_copy(void **state) {
    (void)state;
    struct how how = plain;
    how.other = 0.5;
    assert_true(score(how) < 0.95f);
    how.other = 1;
    assert_true(score(how) < 0.8f);
}

static void
another_picture_is_no_copy(void **state) {
    (void)state;
    struct how how = plain;
    how.seed = 2;
    assert_true(score(how) < 0.5f);
}

static void
the_order_does_not_matter(void **state) {
    (void)state;
    struct how how = plain;
    how.dx = 1;
    is_copy(how);
    assert_true(sid_copy_score(second, first) >= COPY);
    how.other = 0.5;
    assert_true(score(how) < COPY);
    assert_true(sid_copy_score(second, first) < COPY);
}

static void
pictures_of_nothing_are_no_copies(void **state) {
    (void)state;
    memset(first, 128, sizeof first);
    assert_true(sid_copy_score(first, first) == 0);
    memset(second, 255, sizeof second);
    assert_true(sid_copy_score(first, second) == 0);
    memset(first, 0, sizeof first);
    assert_true(sid_copy_score(first, second) == 0);
    paint(&plain, second);
    assert_true(sid_copy_score(first, second) == 0);
    assert_true(sid_copy_score(second, first) == 0);
}

/* The bytes come from a process that a photo may have taken over. */
static void
whatever_the_bytes_the_score_is_one(void **state) {
    (void)state;
    unsigned seed = 7;
    for (int i = 0; i < 60; i++) {
        for (size_t k = 0; k < sizeof first; k++) {
            double a = next(&seed), b = next(&seed);
            bool rare = a < 0.001;
            first[k] = i % 3 == 0   ? (uint8_t)(a * 256)
                       : i % 3 == 1 ? (a < 0.5 ? 0 : 255)
                                    : (uint8_t)(rare ? 255 : 0);
            second[k] = i % 2 == 0 ? (uint8_t)(b * 256) : (uint8_t)(k * k);
        }
        float score = sid_copy_score(first, second);
        assert_true(score >= -1 && score <= 1.001F);
    }
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_picture_is_a_copy_of_itself),
        cmocka_unit_test(a_moved_turned_scaled_picture_is_a_copy),
        cmocka_unit_test(a_mirrored_picture_is_a_copy),
        cmocka_unit_test(a_tilted_picture_is_a_copy),
        cmocka_unit_test(a_picture_in_other_light_is_a_copy),
        cmocka_unit_test(a_blurred_picture_is_a_copy_whichever_it_is),
        cmocka_unit_test(a_picture_that_differs_in_eyes_and_mouth_is_no_copy),
        cmocka_unit_test(another_picture_is_no_copy),
        cmocka_unit_test(the_order_does_not_matter),
        cmocka_unit_test(pictures_of_nothing_are_no_copies),
        cmocka_unit_test(whatever_the_bytes_the_score_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
