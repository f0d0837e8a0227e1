/* test_region.c: the wanted part at the wanted size, and which way up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <png.h>

#include "fixture.h"
#include "smartid/image.h"

static void
a_large_photo_is_decoded_no_larger_than_wanted(void **state) {
    (void)state;
    static const struct {
        int want, width;
    } cases[] = {{0, 1600},  {1600, 1600}, {801, 1600}, {800, 800},
                 {401, 800}, {400, 400},   {200, 200},  {1, 200}};
    for (int png = 0; png < 2; png++) {
        struct sid_buf file = SID_BUF_EMPTY;
        if (png == 0)
            make_jpeg(1600, 1200, paint_quadrants,
                      &(struct jpeg_kind){.subsampled = true}, &file);
        else
            make_png(1600, 1200, paint_quadrants,
                     &(struct png_kind){.colour_type = PNG_COLOR_TYPE_RGB,
                                        .bits = 8},
                     &file);
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            struct sid_image image = SID_IMAGE_EMPTY;
            struct sid_image_want want = {.min_long_px = cases[i].want};
            assert_int_equal(
                sid_image_decode(sid_buf_span(&file), &want, &image), SID_OK);
            assert_int_equal(image.width_px, cases[i].width);
            assert_int_equal(image.height_px, cases[i].width * 3 / 4);
            assert_true(image.scale == (float)cases[i].width / 1600);
            assert_int_equal(image.full_width_px, 1600);
            assert_quadrants(&image, "rgwb");
            sid_image_fini(&image);
        }
        sid_buf_free(&file);
    }
}

/* Every pixel of a region lies where origin and scale say. */
static void
assert_region(const struct sid_buf *file, const struct sid_image_want *want,
              const struct sid_image *all) {
    struct sid_image part = SID_IMAGE_EMPTY;
    const struct sid_image_rect *r = &want->region;
    assert_int_equal(sid_image_decode(sid_buf_span(file), want, &part), SID_OK);
    float right = part.origin_x_px + (float)part.width_px / part.scale;
    float bottom = part.origin_y_px + (float)part.height_px / part.scale;
    assert_true(part.origin_x_px <= (float)r->x);
    assert_true(part.origin_y_px <= (float)r->y);
    assert_true(right >= (float)(r->x + r->w));
    assert_true(bottom >= (float)(r->y + r->h));
    for (int y = 2; y + 2 < part.height_px; y += 7) {
        for (int x = 2; x + 2 < part.width_px; x += 7) {
            int full_x =
                (int)(part.origin_x_px + ((float)x + 0.5F) / part.scale);
            int full_y =
                (int)(part.origin_y_px + ((float)y + 0.5F) / part.scale);
            assert_near(pixel(&part, x, y), pixel(all, full_x, full_y), 6);
        }
    }
    sid_image_fini(&part);
}

static void
a_region_lies_where_it_says_in_every_orientation_and_scale(void **state) {
    (void)state;
    static const struct sid_image_rect regions[] = {
        {0, 0, 200, 150}, {333, 217, 180, 160}, {600, 410, 100, 100}};
    for (int orientation = 1; orientation <= 8; orientation++) {
        for (int kind = 0; kind < 3; kind++) {
            struct sid_buf file = SID_BUF_EMPTY;
            struct sid_image all = SID_IMAGE_EMPTY;
            if (kind == 2)
                make_png(811, 607, paint_slope,
                         &(struct png_kind){.colour_type = PNG_COLOR_TYPE_RGB,
                                            .bits = 8,
                                            .orientation = orientation},
                         &file);
            else
                make_jpeg(811, 607, paint_slope,
                          &(struct jpeg_kind){.orientation = orientation,
                                              .progressive = kind == 1,
                                              .subsampled = true},
                          &file);
            assert_int_equal(decode_whole(&file, &all), SID_OK);
            for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++) {
                struct sid_image_want want = {.region = regions[i]};
                if (orientation >= 5) {
                    want.region.x = regions[i].y;
                    want.region.y = regions[i].x;
                }
                for (int px = 0; px <= 160; px += 40) {
                    want.min_long_px = px;
                    assert_region(&file, &want, &all);
                }
            }
            sid_image_fini(&all);
            sid_buf_free(&file);
        }
    }
}

static void
a_region_outside_the_photo_is_refused_and_one_across_its_edge_is_cut(
    void **state) {
    (void)state;
    struct sid_buf file = SID_BUF_EMPTY;
    struct sid_image image = SID_IMAGE_EMPTY;
    make_jpeg(300, 200, paint_slope, &(struct jpeg_kind){0}, &file);
    static const struct sid_image_rect outside[] = {
        {300, 0, 10, 10},
        {0, 200, 10, 10},
        {-10, 0, 10, 10},
        {0, -10, 10, 10},
        {5, 5, -1, 10},
        {5, 5, 10, 0},
        {INT32_MAX, 0, INT32_MAX, 1}};
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        struct sid_image_want want = {.region = outside[i]};
        assert_int_equal(sid_image_decode(sid_buf_span(&file), &want, &image),
                         SID_E_ARGUMENT);
        assert_null(image.bgr);
    }
    struct sid_image_want want = {.region = {-50, -50, 1000, 100}};
    assert_int_equal(sid_image_decode(sid_buf_span(&file), &want, &image),
                     SID_OK);
    assert_int_equal(image.width_px, 300);
    assert_int_equal(image.height_px, 50);
    sid_image_fini(&image);
    sid_buf_free(&file);
}

static void
an_image_turns_by_quarters(void **state) {
    (void)state;
    static const char *const expected[4] = {"rgwb", "brgw", "wbrg", "gwbr"};
    struct sid_buf file = SID_BUF_EMPTY;
    struct sid_image image = SID_IMAGE_EMPTY;
    make_jpeg(300, 200, paint_quadrants, &(struct jpeg_kind){0}, &file);
    assert_int_equal(decode_whole(&file, &image), SID_OK);
    for (int turns = 0; turns < 4; turns++) {
        struct sid_image turned = SID_IMAGE_EMPTY;
        assert_int_equal(sid_image_turn(&image, turns, &turned), SID_OK);
        assert_int_equal(turned.width_px, turns % 2 == 0 ? 300 : 200);
        assert_quadrants(&turned, expected[turns]);
        sid_image_fini(&turned);
    }
    struct sid_image none = SID_IMAGE_EMPTY;
    assert_int_equal(sid_image_turn(&image, 4, &none), SID_E_ARGUMENT);
    assert_int_equal(sid_image_turn(&image, -1, &none), SID_E_ARGUMENT);
    assert_int_equal(sid_image_new(0, 5, &none), SID_E_ARGUMENT);
    assert_int_equal(sid_image_new(100000, 100000, &none), SID_E_ARGUMENT);
    assert_null(none.bgr);
    sid_image_fini(&image);
    sid_buf_free(&file);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_photo_is_decoded_no_larger_than_wanted),
        cmocka_unit_test(
            a_region_lies_where_it_says_in_every_orientation_and_scale),
        cmocka_unit_test(
            a_region_outside_the_photo_is_refused_and_one_across_its_edge_is_cut),
        cmocka_unit_test(an_image_turns_by_quarters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
