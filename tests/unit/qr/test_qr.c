/* test_qr.c: the symbol's size, its quiet zone, its finder patterns, in the
 * three forms. That an independent decoder reads it is tested end to end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/qr.h"

/* 56 characters, as a code has. */
#define CODE "SID1:W50DD2C.LKRG8VCXIU0WDE:PFOCN38V4A9CNYPDX8QG4ICHT7/0"
#define V3_MODULES 29 /* Source: ISO/IEC 18004: version 3 */
#define SIDE (V3_MODULES + 2 * SID_QR_QUIET_MODULES)

static uint32_t
big_endian(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
           (uint32_t)at[2] << 8 | at[3];
}

/* The pixels of a PNG as one byte each, by libpng's own reader; freed by the
 * caller. */
static uint8_t *
read_png(struct sid_span png, uint32_t *side_px) {
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_memory(&image, png.ptr, png.len));
    image.format = PNG_FORMAT_GRAY;
    uint8_t *pixels = malloc(PNG_IMAGE_SIZE(image));
    assert_non_null(pixels);
    assert_true(png_image_finish_read(&image, NULL, pixels, 0, NULL));
    assert_int_equal(image.width, image.height);
    *side_px = image.width;
    return pixels;
}

/* One byte per module, 1 = dark, quiet zone included; freed by the caller.
 * Checks that every pixel of a module is alike, and black or white. */
static uint8_t *
modules_of(const char *text, enum sid_qr_level level, int scale, int *side) {
    struct sid_buf png = SID_BUF_EMPTY;
    uint32_t side_px;
    assert_int_equal(sid_qr_png(text, level, scale, &png), SID_OK);
    uint8_t *pixels = read_png(sid_buf_span(&png), &side_px);
    assert_int_equal(side_px % (uint32_t)scale, 0);
    size_t n = side_px / (uint32_t)scale, s = (size_t)scale;
    uint8_t *out = malloc(n * n);
    assert_non_null(out);
    for (size_t y = 0; y < side_px; y++) {
        for (size_t x = 0; x < side_px; x++) {
            uint8_t pixel = pixels[y * side_px + x];
            assert_true(pixel == 0 || pixel == 255);
            if (x % s == 0 && y % s == 0)
                out[y / s * n + x / s] = pixel == 0;
            else
                assert_int_equal(out[y / s * n + x / s], pixel == 0);
        }
    }
    *side = (int)n;
    free(pixels);
    sid_buf_free(&png);
    return out;
}

static void
the_png_has_one_bit_of_grey(void **state) {
    (void)state;
    struct sid_buf png = SID_BUF_EMPTY;
    assert_int_equal(sid_qr_png(CODE, SID_QR_M, 8, &png), SID_OK);
    assert_true(png.len > 100 && png.len < 3000);
    assert_memory_equal(png.ptr, "\x89PNG\r\n\x1a\n", 8);
    assert_memory_equal(png.ptr + 12, "IHDR", 4);
    assert_int_equal(big_endian(png.ptr + 16), SIDE * 8);
    assert_int_equal(big_endian(png.ptr + 20), SIDE * 8);
    assert_int_equal(png.ptr[24], 1); /* bit depth */
    assert_int_equal(png.ptr[25], 0); /* grey */
    assert_int_equal(png.ptr[28], 0); /* not interlaced */
    assert_memory_equal(png.ptr + png.len - 8, "IEND", 4);
    sid_buf_free(&png);
}

static void
a_code_is_version_3_at_level_m_and_4_at_level_q(void **state) {
    (void)state;
    int side;
    free(modules_of(CODE, SID_QR_M, 1, &side));
    assert_int_equal(side, SIDE);
    free(modules_of(CODE, SID_QR_Q, 1, &side));
    assert_int_equal(side, SIDE + 4);
}

static void
the_quiet_zone_is_light_and_the_finders_are_in_place(void **state) {
    (void)state;
    /* Source: ISO/IEC 18004, 6.3.3: 7 x 7, a dark ring, a light ring, a dark
     * square of 3 x 3. */
    int side;
    uint8_t *m = modules_of(CODE, SID_QR_M, 3, &side);
    const int q = SID_QR_QUIET_MODULES;
    int dark = 0;
    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++) {
            bool quiet = x < q || y < q || x >= side - q || y >= side - q;
            if (quiet)
                assert_int_equal(m[y * side + x], 0);
            dark += m[y * side + x];
        }
    }
    const int corners[3][2] = {{q, q}, {side - q - 7, q}, {q, side - q - 7}};
    for (int c = 0; c < 3; c++) {
        for (int y = 0; y < 7; y++) {
            for (int x = 0; x < 7; x++) {
                int dx = abs(x - 3), dy = abs(y - 3);
                int ring = dx > dy ? dx : dy;
                assert_int_equal(
                    m[(corners[c][1] + y) * side + corners[c][0] + x],
                    ring != 2);
            }
        }
    }
    /* Masking keeps about half of the modules dark. */
    assert_in_range(dark, V3_MODULES * V3_MODULES * 2 / 5,
                    V3_MODULES * V3_MODULES * 3 / 5);
    free(m);
}

static void
every_scale_shows_the_same_modules(void **state) {
    (void)state;
    int side, again;
    uint8_t *first = modules_of(CODE, SID_QR_M, SID_QR_SCALE_MIN, &side);
    static const int scales[] = {2, 3, 7, 10, SID_QR_SCALE_MAX};
    for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++) {
        uint8_t *m = modules_of(CODE, SID_QR_M, scales[i], &again);
        assert_int_equal(side, again);
        assert_memory_equal(first, m, (size_t)(side * side));
        free(m);
    }
    free(first);
}

/* Paints the SVG's path "M x y h n v1 h-n z" into modules. */
static void
paint(const char *path, uint8_t *m, int side) {
    int x, y, n, back, used;
    while (sscanf(path, "M%d %dh%dv1h-%dz%n", &x, &y, &n, &back, &used) == 4) {
        assert_int_equal(n, back);
        assert_true(x >= 0 && y >= 0 && n > 0 && x + n <= side && y < side);
        for (int i = 0; i < n; i++) {
            assert_int_equal(m[y * side + x + i], 0);
            m[y * side + x + i] = 1;
        }
        path += used;
    }
    assert_int_equal(*path, '"');
}

static void
the_svg_has_the_modules_of_the_png(void **state) {
    (void)state;
    struct sid_buf svg = SID_BUF_EMPTY;
    int side;
    uint8_t *expected = modules_of(CODE, SID_QR_Q, 1, &side);
    assert_int_equal(sid_qr_svg(CODE, SID_QR_Q, 8, &svg), SID_OK);
    assert_int_equal(sid_buf_append(&svg, "", 1), SID_OK);
    const char *text = (const char *)svg.ptr;
    static const char start[] =
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"328\" "
        "height=\"328\" viewBox=\"0 0 41 41\" "
        "shape-rendering=\"crispEdges\"><path fill=\"#fff\" "
        "d=\"M0 0h41v41H0z\"/><path fill=\"#000\" d=\"";
    assert_int_equal(side, 41);
    assert_memory_equal(text, start, sizeof start - 1);
    assert_string_equal(text + strlen(text) - 10, "\"/></svg>\n");
    uint8_t *m = calloc((size_t)side, (size_t)side);
    assert_non_null(m);
    paint(text + sizeof start - 1, m, side);
    assert_memory_equal(m, expected, (size_t)(side * side));
    free(m);
    free(expected);
    sid_buf_free(&svg);
}

static void
the_terminal_text_has_the_modules_of_the_png(void **state) {
    (void)state;
    struct sid_buf out = SID_BUF_EMPTY;
    int side;
    uint8_t *m = modules_of(CODE, SID_QR_M, 1, &side);
    assert_int_equal(sid_qr_terminal(CODE, SID_QR_M, &out), SID_OK);
    assert_int_equal(sid_buf_append(&out, "", 1), SID_OK);
    const char *at = (const char *)out.ptr;
    for (int y = 0; y < side; y += 2) {
        int upper = -1, lower = -1, used = 0;
        for (int x = 0; x < side; x++) {
            if (sscanf(at, "\x1b[38;5;%d;48;5;%dm%n", &upper, &lower, &used) ==
                2)
                at += used;
            assert_int_equal(upper, m[y * side + x] ? 16 : 231);
            bool below = y + 1 < side && m[(y + 1) * side + x];
            assert_int_equal(lower, below ? 16 : 231);
            assert_memory_equal(at, "\xe2\x96\x80", 3);
            at += 3;
        }
        assert_memory_equal(at, "\x1b[0m\n", 5);
        at += 5;
    }
    assert_int_equal(*at, '\0');
    free(m);
    sid_buf_free(&out);
}

static void
refused(const char *text, int scale) {
    struct sid_buf out = SID_BUF_EMPTY;
    assert_int_equal(sid_qr_png(text, SID_QR_M, scale, &out), SID_E_ARGUMENT);
    assert_int_equal(sid_qr_svg(text, SID_QR_Q, scale, &out), SID_E_ARGUMENT);
    assert_null(out.ptr);
}

static void
a_character_outside_the_alphanumeric_set_is_refused(void **state) {
    (void)state;
    struct sid_buf out = SID_BUF_EMPTY;
    static const char *const wrong[] = {
        "a", "SID1:a", "A,B", "A_B", "\xe5\xbc\xa0", "A\n", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        refused(wrong[i], 4);
        assert_int_equal(sid_qr_terminal(wrong[i], SID_QR_M, &out),
                         SID_E_ARGUMENT);
    }
    assert_null(out.ptr);
}

static void
a_text_longer_than_the_largest_symbol_is_refused(void **state) {
    (void)state;
    /* Source: ISO/IEC 18004, table 7: version 40 holds 3391 at M. */
    static char text[6000];
    int side;
    memset(text, 'A', sizeof text - 1);
    text[3391] = '\0';
    free(modules_of(text, SID_QR_M, 1, &side));
    assert_int_equal(side, 177 + 8);
    text[3391] = 'A';
    text[3392] = '\0';
    refused(text, 1);
    text[3392] = 'A';
    refused(text, 1);
}

static void
a_scale_out_of_range_is_refused(void **state) {
    (void)state;
    refused(CODE, 0);
    refused(CODE, -1);
    refused(CODE, 33);
}

static void
the_largest_symbol_at_the_largest_scale_is_whole(void **state) {
    (void)state;
    static char text[3392];
    int side;
    memset(text, 'Z', sizeof text - 1);
    free(modules_of(text, SID_QR_M, SID_QR_SCALE_MAX, &side));
    assert_int_equal(side, 185);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_png_has_one_bit_of_grey),
        cmocka_unit_test(a_code_is_version_3_at_level_m_and_4_at_level_q),
        cmocka_unit_test(the_quiet_zone_is_light_and_the_finders_are_in_place),
        cmocka_unit_test(every_scale_shows_the_same_modules),
        cmocka_unit_test(the_svg_has_the_modules_of_the_png),
        cmocka_unit_test(the_terminal_text_has_the_modules_of_the_png),
        cmocka_unit_test(a_character_outside_the_alphanumeric_set_is_refused),
        cmocka_unit_test(a_text_longer_than_the_largest_symbol_is_refused),
        cmocka_unit_test(a_scale_out_of_range_is_refused),
        cmocka_unit_test(the_largest_symbol_at_the_largest_scale_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
