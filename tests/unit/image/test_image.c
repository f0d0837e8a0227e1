/* test_image.c: photos as strangers send them, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <png.h>
#include <zlib.h>

#include "../../fuzz/fuzz.h"
#include "fixture.h"
#include "smartid/image.h"

static const struct sid_image_want whole = {.min_long_px = 0};

/* Before the picture was begun, libpng had nowhere to go back to. */
static void
r_memory_that_runs_out_while_a_png_is_read_is_an_error(void **state) {
    (void)state;
    struct sid_buf file = SID_BUF_EMPTY;
    make_png(200, 170, paint_quadrants,
             &(struct png_kind){.colour_type = PNG_COLOR_TYPE_RGB, .bits = 8},
             &file);
    bool failed = true;
    unsigned n = 0;
    while (failed) {
        struct sid_image image = SID_IMAGE_EMPTY;
        fuzz_fail_nth(++n);
        enum sid_err err = decode_whole(&file, &image);
        failed = fuzz_fail_end();
        assert_int_equal(err, failed ? SID_E_NO_MEMORY : SID_OK);
        assert_int_equal(image.bgr != NULL, err == SID_OK);
        sid_image_fini(&image);
    }
    assert_true(n > 4);
    sid_buf_free(&file);
}

static void
a_jpeg_becomes_pixels_in_the_order_blue_green_red(void **state) {
    (void)state;
    struct sid_buf file = SID_BUF_EMPTY;
    struct sid_image image = SID_IMAGE_EMPTY;
    make_jpeg(321, 200, paint_quadrants, &(struct jpeg_kind){.quality = 95},
              &file);
    assert_int_equal(decode_whole(&file, &image), SID_OK);
    assert_int_equal(image.width_px, 321);
    assert_int_equal(image.height_px, 200);
    assert_int_equal(image.full_width_px, 321);
    assert_true(image.scale == 1.0F);
    assert_quadrants(&image, "rgwb");
    const uint8_t *first = image.bgr + 20 * image.stride_bytes + 60;
    assert_true(first[0] < 40 && first[2] > 200); /* red: blue byte is low */
    sid_image_fini(&image);
    assert_null(image.bgr);
    sid_buf_free(&file);
}

static void
a_progressive_and_a_subsampled_jpeg_are_read_too(void **state) {
    (void)state;
    const struct jpeg_kind kinds[] = {
        {.progressive = true},
        {.subsampled = true},
        {.progressive = true, .subsampled = true}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct sid_buf file = SID_BUF_EMPTY;
        struct sid_image image = SID_IMAGE_EMPTY;
        make_jpeg(333, 217, paint_quadrants, &kinds[i], &file);
        assert_int_equal(decode_whole(&file, &image), SID_OK);
        assert_quadrants(&image, "rgwb");
        sid_image_fini(&image);
        sid_buf_free(&file);
    }
}

static void
a_grey_jpeg_becomes_three_equal_channels(void **state) {
    (void)state;
    struct sid_buf file = SID_BUF_EMPTY;
    struct sid_image image = SID_IMAGE_EMPTY;
    make_jpeg(200, 200, paint_quadrants, &(struct jpeg_kind){.grey = true},
              &file);
    assert_int_equal(decode_whole(&file, &image), SID_OK);
    for (int i = 20; i < 200; i += 40) {
        struct rgb c = pixel(&image, i, i);
        assert_int_equal(c.r, c.g);
        assert_int_equal(c.g, c.b);
    }
    sid_image_fini(&image);
    sid_buf_free(&file);
}

static void
a_cmyk_jpeg_is_unreadable(void **state) {
    (void)state;
    struct sid_buf file = SID_BUF_EMPTY;
    make_jpeg(200, 200, paint_quadrants, &(struct jpeg_kind){.cmyk = true},
              &file);
    assert_refused(&file, SID_E_IMAGE_UNREADABLE);
    sid_buf_free(&file);
}

static void
a_file_that_is_no_picture_is_unreadable(void **state) {
    (void)state;
    static const char *const texts[] = {"",
                                        "\xFF",
                                        "\xFF\xD8",
                                        "\xFF\xD8\xFF",
                                        "GIF89a",
                                        "<html>",
                                        "\xFF\xD8\xFF\xE0",
                                        "\x89PNG\r\n\x1A\n",
                                        "\x89PNG\r\n\x1A\nxxxxIHDR",
                                        "RIFF\x20\x20\x20\x20WEBPVP8 ",
                                        "%PDF-1.7"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct sid_buf file = SID_BUF_EMPTY;
        assert_int_equal(sid_buf_append(&file, texts[i], strlen(texts[i])),
                         SID_OK);
        assert_refused(&file, SID_E_IMAGE_UNREADABLE);
        sid_buf_free(&file);
    }
}

/* Every way to lay the coefficients out. */
static const struct jpeg_kind jpeg_kinds[] = {
    {.quality = 0},
    {.progressive = true},
    {.scans = 5},
    {.separate = true},
    {.grey = true},
    {.subsampled = true},
    {.progressive = true, .subsampled = true}};
#define JPEG_KINDS (sizeof jpeg_kinds / sizeof jpeg_kinds[0])

static void
a_file_that_ends_early_is_unreadable_wherever_it_is_cut(void **state) {
    (void)state;
    const struct png_kind rgb = {.colour_type = PNG_COLOR_TYPE_RGB, .bits = 8};
    for (int kind = 0; kind < 6; kind++) {
        struct sid_buf file = SID_BUF_EMPTY;
        if (kind == 5)
            make_png(170, 170, paint_slope, &rgb, &file);
        else
            make_jpeg(170, 170, paint_slope, &jpeg_kinds[kind], &file);
        /* The two bytes of EOI may be missing without loss. */
        for (size_t len = 0; len + 2 < file.len; len += 1 + file.len / 301) {
            struct sid_image image = SID_IMAGE_EMPTY;
            assert_int_equal(
                sid_image_decode(sid_span_of(file.ptr, len), &whole, &image),
                SID_E_IMAGE_UNREADABLE);
            assert_null(image.bgr);
        }
        sid_buf_free(&file);
    }
}

/* At its last bytes, and at each place where a scan ends. */
static void
a_jpeg_that_lacks_its_last_lines_or_scans_is_unreadable(void **state) {
    (void)state;
    for (size_t kind = 0; kind < JPEG_KINDS; kind++) {
        struct sid_buf file = SID_BUF_EMPTY;
        make_jpeg(170, 170, paint_slope, &jpeg_kinds[kind], &file);
        int scans = 0;
        for (size_t len = file.len - 3; len > 0; len--) {
            bool at_marker = file.ptr[len] == 0xFF && file.ptr[len + 1] != 0;
            if (file.len - len > 300 && !at_marker)
                continue;
            struct sid_image image = SID_IMAGE_EMPTY;
            assert_int_equal(
                sid_image_decode(sid_span_of(file.ptr, len), &whole, &image),
                SID_E_IMAGE_UNREADABLE);
            scans += at_marker;
        }
        assert_true(scans > 0);
        sid_buf_free(&file);
    }
}

/* Decodes what is in file, followed by tail; the same as the original. */
static void
assert_readable_with(const struct sid_buf *file, size_t keep,
                     struct sid_span tail) {
    struct sid_buf changed = SID_BUF_EMPTY;
    struct sid_image want = SID_IMAGE_EMPTY, got = SID_IMAGE_EMPTY;
    assert_int_equal(sid_buf_append(&changed, file->ptr, keep), SID_OK);
    if (tail.len > 0)
        assert_int_equal(sid_buf_append(&changed, tail.ptr, tail.len), SID_OK);
    assert_int_equal(decode_whole(file, &want), SID_OK);
    assert_int_equal(decode_whole(&changed, &got), SID_OK);
    assert_memory_equal(got.bgr, want.bgr,
                        want.stride_bytes * (size_t)want.height_px);
    sid_image_fini(&want);
    sid_image_fini(&got);
    sid_buf_free(&changed);
}

/* Phones and messengers write such files; every line is there. */
static void
what_follows_the_last_line_of_a_jpeg_does_not_matter(void **state) {
    (void)state;
    for (size_t kind = 0; kind < JPEG_KINDS; kind++) {
        struct sid_buf file = SID_BUF_EMPTY;
        make_jpeg(171, 170, paint_slope, &jpeg_kinds[kind], &file);
        size_t end = file.len - 2;
        assert_readable_with(&file, end, sid_span_of("\0\0\0\xFF\xD9", 5));
        assert_readable_with(&file, end, sid_span_of(NULL, 0)); /* no EOI */
        assert_readable_with(&file, end, sid_span_of("\xFF", 1));
        assert_readable_with(&file, end, sid_span_of("\0\0\0", 3));
        assert_readable_with(&file, file.len, sid_span_of("\0MPF\xFF\xD8", 6));
        sid_buf_free(&file);
    }
}

static void
the_photo_of_a_phone_with_24_megapixels_is_taken(void **state) {
    (void)state;
    struct sid_buf file = SID_BUF_EMPTY;
    struct sid_image image = SID_IMAGE_EMPTY;
    make_jpeg(5712, 4284, paint_quadrants,
              &(struct jpeg_kind){.subsampled = true}, &file);
    const struct sid_image_want want = {.min_long_px = 480};
    assert_int_equal(sid_image_decode(sid_buf_span(&file), &want, &image),
                     SID_OK);
    assert_int_equal(image.full_width_px, 5712);
    assert_quadrants(&image, "rgwb");
    sid_image_fini(&image);
    sid_buf_free(&file);
}

static void
a_jpeg_that_claims_too_many_pixels_is_refused_unread(void **state) {
    (void)state;
    struct sid_buf file = SID_BUF_EMPTY;
    make_jpeg(200, 200, paint_slope, &(struct jpeg_kind){0}, &file);
    size_t frame = find_marker(&file, 0xC0);
    memset(file.ptr + frame + 5, 0xFF, 4); /* 65535 x 65535 */
    assert_refused(&file, SID_E_IMAGE_TOO_LARGE);
    /* One row more than 24.5 million pixels: 6000 x 4084. */
    memcpy(file.ptr + frame + 5, "\x0F\xF4\x17\x70", 4);
    assert_refused(&file, SID_E_IMAGE_TOO_LARGE);
    /* One row less, but without the data: not large, unreadable. */
    memcpy(file.ptr + frame + 5, "\x0F\xF3\x17\x70", 4);
    assert_refused(&file, SID_E_IMAGE_UNREADABLE);
    sid_buf_free(&file);
}

/* Another size in a PNG's header, with the checksum that belongs to it. */
static void
claim_size(struct sid_buf *file, const char size[8]) {
    memcpy(file->ptr + 16, size, 8);
    uint32_t crc = (uint32_t)crc32_z(0, file->ptr + 12, 17);
    for (int i = 0; i < 4; i++)
        file->ptr[29 + i] = (uint8_t)(crc >> (24 - 8 * i));
}

static void
a_png_that_claims_too_many_pixels_is_refused_unread(void **state) {
    (void)state;
    struct sid_buf file = SID_BUF_EMPTY;
    make_png(200, 200, paint_slope,
             &(struct png_kind){.colour_type = PNG_COLOR_TYPE_RGB, .bits = 8},
             &file);
    claim_size(&file, "\x00\x01\x00\x00\x00\x01\x00\x00");
    assert_refused(&file, SID_E_IMAGE_TOO_LARGE);
    claim_size(&file, "\xFF\xFF\xFF\xFF\x00\x00\x00\xFF");
    assert_refused(&file, SID_E_IMAGE_UNREADABLE);
    claim_size(&file, "\0\0\0\0\0\0\0\0");
    assert_refused(&file, SID_E_IMAGE_UNREADABLE);
    /* 2000 x 2000: not large, but without the data. */
    claim_size(&file, "\x00\x00\x07\xD0\x00\x00\x07\xD0");
    assert_refused(&file, SID_E_IMAGE_UNREADABLE);
    sid_buf_free(&file);
}

static void
a_photo_with_a_side_below_the_limit_is_too_small(void **state) {
    (void)state;
    struct sid_buf small = SID_BUF_EMPTY, just = SID_BUF_EMPTY;
    struct sid_image image = SID_IMAGE_EMPTY;
    make_jpeg(SID_IMAGE_MIN_SIDE_PX - 1, 400, paint_slope,
              &(struct jpeg_kind){0}, &small);
    assert_refused(&small, SID_E_IMAGE_TOO_SMALL);
    make_jpeg(400, SID_IMAGE_MIN_SIDE_PX, paint_slope, &(struct jpeg_kind){0},
              &just);
    assert_int_equal(decode_whole(&just, &image), SID_OK);
    sid_image_fini(&image);
    sid_buf_free(&small);
    sid_buf_free(&just);
}

static void
exif_orientation_turns_the_photo_upright(void **state) {
    (void)state;
    /* Clockwise from the top left, for the values 0 (none) to 8. */
    static const char *const expected[9] = {
        "rgwb", "rgwb", "grbw", "wbrg", "bwgr", "rbwg", "brgw", "wgrb", "gwbr"};
    for (int orientation = 0; orientation <= 8; orientation++) {
        for (int variant = 0; variant < 3; variant++) {
            struct sid_buf file = SID_BUF_EMPTY;
            struct sid_image image = SID_IMAGE_EMPTY;
            struct sid_image_info info;
            if (variant == 2)
                make_png(300, 200, paint_quadrants,
                         &(struct png_kind){.colour_type = PNG_COLOR_TYPE_RGB,
                                            .bits = 8,
                                            .orientation = orientation},
                         &file);
            else
                make_jpeg(300, 200, paint_quadrants,
                          &(struct jpeg_kind){.orientation = orientation,
                                              .big_endian = variant == 1},
                          &file);
            assert_int_equal(sid_image_probe(sid_buf_span(&file), &info),
                             SID_OK);
            assert_int_equal(decode_whole(&file, &image), SID_OK);
            bool lies = orientation >= 5;
            assert_int_equal(image.width_px, lies ? 200 : 300);
            assert_int_equal(image.height_px, lies ? 300 : 200);
            assert_int_equal(info.width_px, image.width_px);
            assert_int_equal(info.orientation,
                             orientation == 0 ? 1 : orientation);
            assert_quadrants(&image, expected[orientation]);
            sid_image_fini(&image);
            sid_buf_free(&file);
        }
    }
}

static void
exif_that_makes_no_sense_is_ignored(void **state) {
    (void)state;
    struct sid_buf file = SID_BUF_EMPTY;
    make_jpeg(200, 180, paint_quadrants,
              &(struct jpeg_kind){.orientation = 6, .big_endian = true}, &file);
    size_t tiff = find_marker(&file, 0xE1) + 10;
    uint8_t good[EXIF_BYTES];
    memcpy(good, file.ptr + tiff, sizeof good);
    for (size_t at = 0; at < sizeof good; at++) {
        for (int value = 0; value < 256; value += 15) {
            struct sid_image_info info;
            memcpy(file.ptr + tiff, good, sizeof good);
            file.ptr[tiff + at] = (uint8_t)value;
            assert_int_equal(sid_image_probe(sid_buf_span(&file), &info),
                             SID_OK);
            assert_in_range(info.orientation, 1, 8);
        }
    }
    sid_buf_free(&file);
}

static void
every_kind_of_png_becomes_the_same_pixels(void **state) {
    (void)state;
    static const int types[] = {PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA,
                                PNG_COLOR_TYPE_PALETTE};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct sid_buf file = SID_BUF_EMPTY;
        struct sid_image image = SID_IMAGE_EMPTY;
        make_png(201, 170, paint_quadrants,
                 &(struct png_kind){
                     .colour_type = types[i], .bits = 8, .alpha = 255},
                 &file);
        assert_int_equal(decode_whole(&file, &image), SID_OK);
        assert_int_equal(image.width_px, 201);
        assert_quadrants(&image, "rgwb");
        sid_image_fini(&image);
        sid_buf_free(&file);
    }
}

static void
a_grey_png_becomes_three_equal_channels(void **state) {
    (void)state;
    static const int types[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA};
    for (int i = 0; i < 2; i++) {
        struct sid_buf file = SID_BUF_EMPTY;
        struct sid_image image = SID_IMAGE_EMPTY;
        make_png(200, 160, paint_slope,
                 &(struct png_kind){
                     .colour_type = types[i], .bits = 8, .alpha = 255},
                 &file);
        assert_int_equal(decode_whole(&file, &image), SID_OK);
        struct rgb c = pixel(&image, 100, 80);
        assert_near(c, (struct rgb){128, 128, 128}, 2);
        sid_image_fini(&image);
        sid_buf_free(&file);
    }
}

static void
what_is_transparent_in_a_png_is_white(void **state) {
    (void)state;
    static const struct rgb white = {255, 255, 255};
    struct sid_buf clear = SID_BUF_EMPTY, half = SID_BUF_EMPTY,
                   palette = SID_BUF_EMPTY;
    struct sid_image image = SID_IMAGE_EMPTY;
    make_png(200, 200, paint_quadrants,
             &(struct png_kind){.colour_type = PNG_COLOR_TYPE_RGB_ALPHA,
                                .bits = 8,
                                .alpha = 0},
             &clear);
    assert_int_equal(decode_whole(&clear, &image), SID_OK);
    assert_near(pixel(&image, 50, 50), white, 0);
    assert_near(pixel(&image, 50, 150), white, 0);
    assert_near(pixel(&image, 150, 50), (struct rgb){20, 220, 20}, 1);
    sid_image_fini(&image);
    make_png(200, 200, paint_quadrants,
             &(struct png_kind){.colour_type = PNG_COLOR_TYPE_RGB_ALPHA,
                                .bits = 8,
                                .alpha = 128},
             &half);
    assert_int_equal(decode_whole(&half, &image), SID_OK);
    assert_near(pixel(&image, 50, 50), (struct rgb){237, 137, 137}, 3);
    sid_image_fini(&image);
    make_png(200, 200, paint_quadrants,
             &(struct png_kind){
                 .colour_type = PNG_COLOR_TYPE_PALETTE, .bits = 8, .alpha = 0},
             &palette);
    assert_int_equal(decode_whole(&palette, &image), SID_OK);
    assert_near(pixel(&image, 50, 50), white, 0);
    assert_near(pixel(&image, 150, 50), (struct rgb){20, 220, 20}, 1);
    sid_image_fini(&image);
    sid_buf_free(&clear);
    sid_buf_free(&half);
    sid_buf_free(&palette);
}

static void
a_png_with_a_damaged_chunk_is_unreadable(void **state) {
    (void)state;
    struct sid_buf file = SID_BUF_EMPTY;
    make_png(200, 200, paint_slope,
             &(struct png_kind){.colour_type = PNG_COLOR_TYPE_RGB, .bits = 8},
             &file);
    file.ptr[file.len / 2] ^= 0x55;
    assert_refused(&file, SID_E_IMAGE_UNREADABLE);
    sid_buf_free(&file);
}

/* Damaged files end in pixels or in one of the errors, never otherwise. */
static void
damaged_files_never_do_harm(void **state) {
    (void)state;
    uint32_t random = 1;
    const struct png_kind rgba = {
        .colour_type = PNG_COLOR_TYPE_RGB_ALPHA, .bits = 8, .alpha = 9};
    for (int round = 0; round < 600; round++) {
        struct sid_buf file = SID_BUF_EMPTY;
        struct sid_image image = SID_IMAGE_EMPTY;
        if (round % 3 == 2)
            make_png(160, 160, paint_quadrants, &rgba, &file);
        else
            make_jpeg(176, 160, paint_quadrants,
                      &(struct jpeg_kind){.progressive = round % 3 == 1,
                                          .orientation = 1 + round % 8,
                                          .subsampled = true},
                      &file);
        for (int i = 0; i < 1 + round % 9; i++) {
            random = random * 1664525u + 1013904223u;
            file.ptr[random % file.len] = (uint8_t)(random >> 24);
        }
        struct sid_image_want want = {.min_long_px = round % 5 * 40};
        if (round % 2 == 1)
            want.region = (struct sid_image_rect){40, 30, 90, 90};
        enum sid_err err = sid_image_decode(sid_buf_span(&file), &want, &image);
        assert_true(err == SID_OK || err == SID_E_IMAGE_UNREADABLE ||
                    err == SID_E_IMAGE_TOO_LARGE ||
                    err == SID_E_IMAGE_TOO_SMALL || err == SID_E_ARGUMENT);
        assert_true((err == SID_OK) == (image.bgr != NULL));
        sid_image_fini(&image);
        sid_buf_free(&file);
    }
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            r_memory_that_runs_out_while_a_png_is_read_is_an_error),
        cmocka_unit_test(a_jpeg_becomes_pixels_in_the_order_blue_green_red),
        cmocka_unit_test(a_progressive_and_a_subsampled_jpeg_are_read_too),
        cmocka_unit_test(a_grey_jpeg_becomes_three_equal_channels),
        cmocka_unit_test(a_cmyk_jpeg_is_unreadable),
        cmocka_unit_test(a_file_that_is_no_picture_is_unreadable),
        cmocka_unit_test(
            a_file_that_ends_early_is_unreadable_wherever_it_is_cut),
        cmocka_unit_test(
            a_jpeg_that_lacks_its_last_lines_or_scans_is_unreadable),
        cmocka_unit_test(what_follows_the_last_line_of_a_jpeg_does_not_matter),
        cmocka_unit_test(the_photo_of_a_phone_with_24_megapixels_is_taken),
        cmocka_unit_test(a_jpeg_that_claims_too_many_pixels_is_refused_unread),
        cmocka_unit_test(a_png_that_claims_too_many_pixels_is_refused_unread),
        cmocka_unit_test(a_photo_with_a_side_below_the_limit_is_too_small),
        cmocka_unit_test(exif_orientation_turns_the_photo_upright),
        cmocka_unit_test(exif_that_makes_no_sense_is_ignored),
        cmocka_unit_test(every_kind_of_png_becomes_the_same_pixels),
        cmocka_unit_test(a_grey_png_becomes_three_equal_channels),
        cmocka_unit_test(what_is_transparent_in_a_png_is_white),
        cmocka_unit_test(a_png_with_a_damaged_chunk_is_unreadable),
        cmocka_unit_test(damaged_files_never_do_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
