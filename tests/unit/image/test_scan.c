/* test_scan.c: what the scan of a photo's structure lets through, and what it
 * stops just beyond: scans, restart markers, what is beside the pixels, kinds
 * of PNG. Files made to hurt: test_hostile.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <png.h>

#include "fixture.h"
#include "smartid/image.h"

static void
a_jpeg_with_more_scans_than_allowed_is_unreadable(void **state) {
    (void)state;
    struct sid_buf most = SID_BUF_EMPTY, bomb = SID_BUF_EMPTY;
    struct sid_image image = SID_IMAGE_EMPTY;
    make_jpeg(200, 200, paint_slope,
              &(struct jpeg_kind){.scans = SID_IMAGE_MAX_SCANS}, &most);
    assert_int_equal(decode_whole(&most, &image), SID_OK);
    sid_image_fini(&image);
    make_jpeg(200, 200, paint_slope,
              &(struct jpeg_kind){.scans = SID_IMAGE_MAX_SCANS + 1}, &bomb);
    assert_refused(&bomb, SID_E_IMAGE_UNREADABLE);
    sid_buf_free(&most);
    sid_buf_free(&bomb);
}

static void
a_jpeg_with_two_frames_is_unreadable(void **state) {
    (void)state;
    struct sid_buf file = SID_BUF_EMPTY, two = SID_BUF_EMPTY;
    make_jpeg(200, 200, paint_slope, &(struct jpeg_kind){0}, &file);
    size_t frame = find_marker(&file, 0xC0);
    assert_int_equal(sid_buf_append(&two, file.ptr, frame + 19), SID_OK);
    assert_int_equal(sid_buf_append(&two, file.ptr + frame, file.len - frame),
                     SID_OK);
    assert_refused(&two, SID_E_IMAGE_UNREADABLE);
    sid_buf_free(&file);
    sid_buf_free(&two);
}

static void
restart_markers_in_their_turn_are_read(void **state) {
    (void)state;
    struct sid_buf file = SID_BUF_EMPTY;
    struct sid_image image = SID_IMAGE_EMPTY;
    for (int progressive = 0; progressive < 2; progressive++) {
        make_jpeg(
            333, 217, paint_quadrants,
            &(struct jpeg_kind){.progressive = progressive == 1, .restarts = 3},
            &file);
        size_t mark = find_marker(&file, 0xD7); /* it has all eight */
        assert_int_equal(decode_whole(&file, &image), SID_OK);
        assert_quadrants(&image, "rgwb");
        sid_image_fini(&image);
        file.ptr[mark + 1] = 0xD0;
        assert_refused(&file, SID_E_IMAGE_UNREADABLE);
        sid_buf_free(&file);
    }
}

/* A JPEG with so much in comments that there is `extra` beside the pixels. */
static void
with_extra(size_t extra, struct sid_buf *out) {
    struct sid_buf file = SID_BUF_EMPTY;
    static const uint8_t comment[65535 + 2] = {0xFF, 0xFE};
    make_jpeg(200, 200, paint_quadrants, &(struct jpeg_kind){0}, &file);
    size_t scan = find_marker(&file, 0xDA);
    size_t left = extra - (scan - 2) - 14; /* its header and the scan's */
    assert_int_equal(sid_buf_append(out, file.ptr, 2), SID_OK);
    while (left > 0) {
        size_t len = left > 50000 + 4 ? 50000 : left;
        size_t begin = out->len;
        assert_int_equal(sid_buf_append(out, comment, len), SID_OK);
        out->ptr[begin + 2] = (uint8_t)((len - 2) >> 8);
        out->ptr[begin + 3] = (uint8_t)(len - 2);
        left -= len;
    }
    assert_int_equal(sid_buf_append(out, file.ptr + 2, file.len - 2), SID_OK);
    sid_buf_free(&file);
}

static void
a_photo_may_have_256_kib_beside_its_pixels(void **state) {
    (void)state;
    struct sid_buf most = SID_BUF_EMPTY, more = SID_BUF_EMPTY;
    struct sid_image image = SID_IMAGE_EMPTY;
    with_extra(SID_IMAGE_MAX_EXTRA_BYTES, &most);
    assert_int_equal(decode_whole(&most, &image), SID_OK);
    assert_quadrants(&image, "rgwb");
    sid_image_fini(&image);
    with_extra(SID_IMAGE_MAX_EXTRA_BYTES + 1, &more);
    assert_refused(&more, SID_E_IMAGE_UNREADABLE);
    sid_buf_free(&most);
    sid_buf_free(&more);
}

static void
a_png_of_16_bits_or_interlaced_is_unreadable(void **state) {
    (void)state;
    static const int types[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_RGB,
                                PNG_COLOR_TYPE_RGB_ALPHA};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        for (int kind = 1; kind < 4; kind++) {
            struct sid_buf file = SID_BUF_EMPTY;
            make_png(201, 170, paint_quadrants,
                     &(struct png_kind){.colour_type = types[i],
                                        .bits = (kind & 1) != 0 ? 16 : 8,
                                        .interlaced = (kind & 2) != 0},
                     &file);
            assert_refused(&file, SID_E_IMAGE_UNREADABLE);
            sid_buf_free(&file);
        }
    }
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_jpeg_with_more_scans_than_allowed_is_unreadable),
        cmocka_unit_test(a_jpeg_with_two_frames_is_unreadable),
        cmocka_unit_test(restart_markers_in_their_turn_are_read),
        cmocka_unit_test(a_photo_may_have_256_kib_beside_its_pixels),
        cmocka_unit_test(a_png_of_16_bits_or_interlaced_is_unreadable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
