/* test_plane.c: a drawn face seen as a turned sheet is flat; a drawn head that
 * turns is not. Real faces: tests/unit/photo/test_challenge.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "smartid/plane.h"

#define SIDE SID_FACE_GREY_PX

/* A smooth random picture: the same for the same seed. */
static float
wave(unsigned seed, float x, float y) {
    float sum = 0;
    for (int i = 0; i < 14; i++) {
        seed = seed * 1664525 + 1013904223;
        float fx = (float)(seed >> 16 & 255) / 18 - 7;
        seed = seed * 1664525 + 1013904223;
        float fy = (float)(seed >> 16 & 255) / 18 - 7;
        sum += sinf(fx * x + fy * y + (float)i);
    }
    return 128 + 20 * sum;
}

/* What the camera sees: picture a at the pixels that the map leads to. deep:
 * how far the middle stands out of the sheet, in parts of the half side. */
static void
look(unsigned seed, float turn, float deep, float light, uint8_t *out) {
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            float x = (2 * (float)j + 1) / SIDE - 1;
            float y = (2 * (float)i + 1) / SIDE - 1;
            /* The ray meets the turned sheet; then the relief moves it. */
            float w = 1 - 0.4F * sinf(turn) * x;
            float u = x / cosf(turn) * w, v = y * w;
            u += deep * expf(-6 * (u * u + v * v)) * sinf(turn);
            float p = wave(seed, u, v) * light;
            out[i * SIDE + j] = (uint8_t)fmaxf(0, fminf(p, 255));
        }
}

static void
a_turned_sheet_is_flat_whatever_the_light(void **state) {
    (void)state;
    static uint8_t a[SIDE * SIDE], b[SIDE * SIDE];
    for (unsigned seed = 1; seed <= 5; seed++)
        for (int deg = -30; deg <= 30; deg += 10) {
            look(seed, 0, 0, 1, a);
            look(seed, (float)deg * 3.14159F / 180, 0, 0.7F, b);
            assert_true(sid_plane_flatness(a, b) > 0.94F);
        }
}

static void
what_stands_out_of_the_sheet_is_not_flat(void **state) {
    (void)state;
    static uint8_t a[SIDE * SIDE], b[SIDE * SIDE];
    for (unsigned seed = 1; seed <= 5; seed++)
        for (int deg = -25; deg <= 25; deg += 50) {
            look(seed, 0, 4, 1, a);
            look(seed, (float)deg * 3.14159F / 180, 4, 1, b);
            assert_true(sid_plane_flatness(a, b) < 0.92F);
        }
}

static void
a_face_full_of_black_dots_does_not_show_enough(void **state) {
    (void)state;
    static uint8_t a[SIDE * SIDE];
    look(1, 0, 0, 1, a);
    assert_true(sid_plane_shows(a));
    /* The lower quarter, where a photo may end, is not enough to hide it. */
    memset(a + SIDE * SIDE * 3 / 4, 0, SIDE * SIDE / 4);
    assert_true(sid_plane_shows(a));
    look(1, 0, 0, 1, a);
    for (int i = 0; i < SIDE * SIDE; i++)
        if (i % 4 == 0 && i / SIDE % 4 == 0)
            a[i] = 0;
    assert_false(sid_plane_shows(a));
    memset(a, 0, sizeof a);
    assert_false(sid_plane_shows(a));
}

static void
other_pictures_and_empty_ones_are_not_flat(void **state) {
    (void)state;
    static uint8_t a[SIDE * SIDE], b[SIDE * SIDE];
    look(1, 0, 0, 1, a);
    look(2, 0, 0, 1, b);
    assert_true(sid_plane_flatness(a, b) < 0.8F);
    for (int i = 0; i < SIDE * SIDE; i++)
        b[i] = 90;
    float flat = sid_plane_flatness(a, b);
    assert_true(flat >= 0 && flat < 0.5F);
    flat = sid_plane_flatness(b, b);
    assert_true(flat >= 0 && flat <= 1);
    assert_true(sid_plane_flatness(a, a) > 0.999F);
}

/* The bytes come from a process that a photo may have taken over. */
static void
whatever_the_bytes_the_flatness_is_one(void **state) {
    (void)state;
    static uint8_t a[SIDE * SIDE], b[SIDE * SIDE];
    uint32_t seed = 7;
    for (int i = 0; i < 60; i++) {
        for (int k = 0; k < SIDE * SIDE; k++) {
            seed = seed * 1664525 + 1013904223;
            uint8_t byte = (uint8_t)(seed >> 24);
            a[k] = i % 3 == 0 ? byte : i % 3 == 1 ? (byte & 1) * 255 : 1;
            b[k] = i % 2 == 0 ? (uint8_t)(seed >> 16) : (uint8_t)(k * k);
        }
        if (i % 3 == 2)
            a[seed % (SIDE * SIDE)] = 255;
        float flatness = sid_plane_flatness(a, b);
        assert_true(flatness >= 0 && flatness <= 1);
    }
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_turned_sheet_is_flat_whatever_the_light),
        cmocka_unit_test(what_stands_out_of_the_sheet_is_not_flat),
        cmocka_unit_test(a_face_full_of_black_dots_does_not_show_enough),
        cmocka_unit_test(other_pictures_and_empty_ones_are_not_flat),
        cmocka_unit_test(whatever_the_bytes_the_flatness_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
