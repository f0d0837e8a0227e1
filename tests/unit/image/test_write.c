/* test_write.c: pixels in another size, and as a JPEG file. */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define W 240
#define H 320

static struct sid_image
painted(int w, int h, paint_fn *paint) {
    struct sid_image image = SID_IMAGE_EMPTY;
    assert_int_equal(sid_image_new(w, h, &image), SID_OK);
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            struct rgb c = paint(x, y, w, h);
            uint8_t *px = image.bgr + (size_t)y * image.stride_bytes + 3 * x;
            px[0] = c.b;
            px[1] = c.g;
            px[2] = c.r;
        }
    }
    return image;
}

/* The part in the size of a portrait. */
static struct sid_image
fitted(const struct sid_image *from, struct sid_image_part part) {
    struct sid_image image = SID_IMAGE_EMPTY;
    assert_int_equal(sid_image_new(W, H, &image), SID_OK);
    sid_image_fit(from, part, W, H, image.bgr);
    return image;
}

static void
a_part_is_made_larger_or_smaller_and_stays_the_same_picture(void **state) {
    (void)state;
    static const int sides[][2] = {
        {60, 80}, {240, 320}, {480, 640}, {700, 900}};
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        float w = (float)sides[i][0], h = (float)sides[i][1];
        struct sid_image from =
            painted(sides[i][0], sides[i][1], paint_quadrants);
        struct sid_image to =
            fitted(&from, (struct sid_image_part){0, 0, w, h});
        assert_quadrants(&to, "rgwb");
        sid_image_fini(&to);
        to = fitted(&from, (struct sid_image_part){w / 2, 0, w / 2, h / 2});
        assert_near(pixel(&to, W / 2, H / 2), (struct rgb){20, 220, 20}, 8);
        sid_image_fini(&to);
        sid_image_fini(&from);
    }
}

static void
a_slope_stays_smooth(void **state) {
    (void)state;
    struct sid_image from = painted(100, 100, paint_slope);
    struct sid_image to =
        fitted(&from, (struct sid_image_part){10, 10, 60, 80});
    for (int x = 1; x < W; x++) {
        int step = pixel(&to, x, 9).r - pixel(&to, x - 1, 9).r;
        assert_true(step >= 0 && step <= 2);
    }
    sid_image_fini(&to);
    sid_image_fini(&from);
}

static void
outside_the_image_its_edge_goes_on(void **state) {
    (void)state;
    struct sid_image from = painted(200, 200, paint_quadrants);
    struct sid_image to =
        fitted(&from, (struct sid_image_part){-500, -500, 510, 510});
    assert_near(pixel(&to, 0, 0), pixel(&from, 0, 0), 1);
    assert_near(pixel(&to, W - 1, H - 1), pixel(&from, 1, 1), 1);
    sid_image_fini(&to);
    sid_image_fini(&from);
}

static void
a_written_file_is_read_back_and_has_nothing_but_pixels(void **state) {
    (void)state;
    struct sid_image image = painted(W, H, paint_quadrants);
    struct sid_image back = SID_IMAGE_EMPTY;
    struct sid_image_info info;
    struct sid_buf file = SID_BUF_EMPTY;
    assert_int_equal(sid_image_write_jpeg(&image, 65536, &file), SID_OK);
    assert_int_equal(sid_image_probe(sid_buf_span(&file), &info), SID_OK);
    assert_int_equal(info.format, SID_IMAGE_JPEG);
    assert_int_equal(info.width_px, W);
    assert_int_equal(info.height_px, H);
    /* After JFIF's own 18 bytes the tables begin. */
    assert_int_equal(file.ptr[20], 0xFF);
    assert_int_equal(file.ptr[21], 0xDB);
    assert_int_equal(decode_whole(&file, &back), SID_OK);
    assert_quadrants(&back, "rgwb");
    sid_image_fini(&back);
    sid_image_fini(&image);
    sid_buf_free(&file);
}

static struct rgb
noise(int x, int y, int w, int h) {
    (void)w;
    (void)h;
    uint32_t r = ((uint32_t)x * 2654435761u) ^ ((uint32_t)y * 2246822519u);
    r ^= r >> 15;
    r *= 2654435761u;
    r ^= r >> 13;
    return (struct rgb){(uint8_t)r, (uint8_t)(r >> 8), (uint8_t)(r >> 16)};
}

static void
a_file_takes_no_more_room_than_it_may(void **state) {
    (void)state;
    struct sid_image image = painted(W, H, noise);
    struct sid_buf file = SID_BUF_EMPTY;
    assert_int_equal(sid_image_write_jpeg(&image, 256 * 1024, &file), SID_OK);
    size_t needs = file.len;
    assert_true(needs < 128 * 1024);
    sid_buf_free(&file);
    assert_int_equal(sid_image_write_jpeg(&image, needs + 1, &file), SID_OK);
    sid_buf_free(&file);
    for (size_t room = needs; room > 997; room -= 997) {
        assert_int_equal(sid_image_write_jpeg(&image, room, &file),
                         SID_E_IMAGE_TOO_LARGE);
        assert_null(file.ptr);
    }
    sid_image_fini(&image);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_part_is_made_larger_or_smaller_and_stays_the_same_picture),
        cmocka_unit_test(a_slope_stays_smooth),
        cmocka_unit_test(outside_the_image_its_edge_goes_on),
        cmocka_unit_test(
            a_written_file_is_read_back_and_has_nothing_but_pixels),
        cmocka_unit_test(a_file_takes_no_more_room_than_it_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
