/* fixture.c: picture files made in memory for the tests of src/image. */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jpeglib.h>
#include <png.h>

struct rgb
paint_quadrants(int x, int y, int w, int h) {
    static const struct rgb colours[4] = {
        {220, 20, 20}, {20, 220, 20}, {20, 20, 220}, {240, 240, 240}};
    return colours[(x >= w / 2) + 2 * (y >= h / 2)];
}

struct rgb
paint_slope(int x, int y, int w, int h) {
    return (struct rgb){(uint8_t)(255 * x / (w - 1)),
                        (uint8_t)(255 * y / (h - 1)), 100};
}

void
make_exif(int orientation, bool big_endian, uint8_t out[EXIF_BYTES]) {
    static const uint8_t big[EXIF_BYTES] = {'M', 'M',  0,    42, 0, 0, 0, 8, 0,
                                            1,   0x01, 0x12, 0,  3, 0, 0, 0, 1};
    static const uint8_t little[EXIF_BYTES] = {
        'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0};
    memcpy(out, big_endian ? big : little, EXIF_BYTES);
    out[big_endian ? 19 : 18] = (uint8_t)orientation;
}

/* One scan for DC, then one for each of the first scans - 1 AC coefficients,
 * the last one taking what is left. */
static void
set_scans(struct jpeg_compress_struct *cinfo, jpeg_scan_info *script, int n) {
    memset(script, 0, (size_t)n * sizeof *script);
    for (int i = 0; i < n; i++) {
        script[i].comps_in_scan = 1;
        script[i].Ss = i;
        script[i].Se = i == 0 ? 0 : i == n - 1 ? 63 : i;
    }
    cinfo->scan_info = script;
    cinfo->num_scans = n;
}

/* One scan with all coefficients of each component. */
static void
set_separate(struct jpeg_compress_struct *cinfo, jpeg_scan_info *script) {
    memset(script, 0, 3 * sizeof *script);
    for (int i = 0; i < 3; i++) {
        script[i].comps_in_scan = 1;
        script[i].component_index[0] = i;
        script[i].Se = 63;
    }
    cinfo->scan_info = script;
    cinfo->num_scans = 3;
}

static void
set_kind(struct jpeg_compress_struct *cinfo, const struct jpeg_kind *kind,
         jpeg_scan_info *script) {
    jpeg_set_defaults(cinfo);
    jpeg_set_quality(cinfo, kind->quality > 0 ? kind->quality : 95, TRUE);
    if (kind->grey || kind->scans > 0)
        jpeg_set_colorspace(cinfo, JCS_GRAYSCALE);
    if (!kind->subsampled && !kind->cmyk)
        cinfo->comp_info[0].h_samp_factor = cinfo->comp_info[0].v_samp_factor =
            1;
    cinfo->restart_interval = kind->restarts;
    if (kind->progressive)
        jpeg_simple_progression(cinfo);
    if (kind->scans > 0)
        set_scans(cinfo, script, kind->scans);
    if (kind->separate)
        set_separate(cinfo, script);
}

void
make_jpeg(int w, int h, paint_fn *paint, const struct jpeg_kind *kind,
          struct sid_buf *out) {
    struct jpeg_compress_struct cinfo = {0};
    struct jpeg_error_mgr error;
    jpeg_scan_info script[64];
    unsigned char *bytes = NULL;
    unsigned long len = 0;
    int components = kind->cmyk ? 4 : 3;
    uint8_t *row = malloc((size_t)w * 4);
    SID_ASSERT(row != NULL);
    cinfo.err = jpeg_std_error(&error);
    jpeg_create_compress(&cinfo);
    jpeg_mem_dest(&cinfo, &bytes, &len);
    cinfo.image_width = (JDIMENSION)w;
    cinfo.image_height = (JDIMENSION)h;
    cinfo.input_components = components;
    cinfo.in_color_space = kind->cmyk ? JCS_CMYK : JCS_RGB;
    set_kind(&cinfo, kind, script);
    jpeg_start_compress(&cinfo, TRUE);
    if (kind->orientation > 0) {
        uint8_t exif[6 + EXIF_BYTES] = {'E', 'x', 'i', 'f', 0, 0};
        make_exif(kind->orientation, kind->big_endian, exif + 6);
        jpeg_write_marker(&cinfo, JPEG_APP0 + 1, exif, sizeof exif);
    }
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            struct rgb c = paint(x, y, w, h);
            uint8_t *p = row + (size_t)x * (size_t)components;
            p[0] = c.r;
            p[1] = c.g;
            p[2] = c.b;
            if (kind->cmyk)
                p[3] = 0;
        }
        JSAMPROW rows[1] = {row};
        (void)jpeg_write_scanlines(&cinfo, rows, 1);
    }
    jpeg_finish_compress(&cinfo);
    jpeg_destroy_compress(&cinfo);
    SID_ASSERT(sid_buf_append(out, bytes, len) == SID_OK);
    free(bytes);
    free(row);
}

static void
append(png_structp png, png_bytep bytes, size_t len) {
    SID_ASSERT(sid_buf_append(png_get_io_ptr(png), bytes, len) == SID_OK);
}

static void
flush(png_structp png) {
    (void)png;
}

/* Four colours of a palette, the first transparent. */
static void
set_palette(png_structp png, png_infop info, uint8_t alpha) {
    static const png_color colours[4] = {
        {220, 20, 20}, {20, 220, 20}, {20, 20, 220}, {240, 240, 240}};
    png_byte transparency[1] = {alpha};
    png_set_PLTE(png, info, colours, 4);
    png_set_tRNS(png, info, transparency, 1, NULL);
}

static void
put_value(uint8_t **p, uint8_t value, int bits) {
    *(*p)++ = value;
    if (bits == 16)
        *(*p)++ = value;
}

static void
fill_row(uint8_t *row, int y, int w, int h, paint_fn *paint,
         const struct png_kind *kind) {
    uint8_t *p = row;
    for (int x = 0; x < w; x++) {
        struct rgb c = paint(x, y, w, h);
        if (kind->colour_type == PNG_COLOR_TYPE_PALETTE) {
            *p++ = (uint8_t)((x >= w / 2) + 2 * (y >= h / 2));
        } else if ((kind->colour_type & PNG_COLOR_MASK_COLOR) == 0) {
            put_value(&p, c.r, kind->bits);
        } else {
            put_value(&p, c.r, kind->bits);
            put_value(&p, c.g, kind->bits);
            put_value(&p, c.b, kind->bits);
        }
        if ((kind->colour_type & PNG_COLOR_MASK_ALPHA) != 0)
            put_value(&p, x < w / 2 ? kind->alpha : 255, kind->bits);
    }
}

void
make_png(int w, int h, paint_fn *paint, const struct png_kind *kind,
         struct sid_buf *out) {
    png_structp png =
        png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    uint8_t *row = malloc((size_t)w * 8);
    uint8_t exif[EXIF_BYTES];
    SID_ASSERT(png != NULL && info != NULL && row != NULL);
    png_set_write_fn(png, out, append, flush);
    png_set_IHDR(png, info, (png_uint_32)w, (png_uint_32)h, kind->bits,
                 kind->colour_type,
                 kind->interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (kind->colour_type == PNG_COLOR_TYPE_PALETTE)
        set_palette(png, info, kind->alpha);
    if (kind->orientation > 0) {
        make_exif(kind->orientation, false, exif);
        png_set_eXIf_1(png, info, sizeof exif, exif);
    }
    png_write_info(png, info);
    int passes = png_set_interlace_handling(png);
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < h; y++) {
            fill_row(row, y, w, h, paint, kind);
            png_write_row(png, row);
        }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    free(row);
}

enum sid_err
decode_whole(const struct sid_buf *file, struct sid_image *out) {
    const struct sid_image_want want = {.min_long_px = 0};
    return sid_image_decode(sid_buf_span(file), &want, out);
}

struct rgb
pixel(const struct sid_image *image, int x, int y) {
    assert_in_range(x, 0, image->width_px - 1);
    assert_in_range(y, 0, image->height_px - 1);
    const uint8_t *p =
        image->bgr + (size_t)y * image->stride_bytes + (size_t)x * 3;
    return (struct rgb){p[2], p[1], p[0]};
}

void
assert_near(struct rgb got, struct rgb expected, int tolerance) {
    assert_true(abs(got.r - expected.r) <= tolerance);
    assert_true(abs(got.g - expected.g) <= tolerance);
    assert_true(abs(got.b - expected.b) <= tolerance);
}

void
assert_quadrants(const struct sid_image *image, const char *colours) {
    int w = image->width_px, h = image->height_px;
    const int at[4][2] = {{w / 4, h / 4},
                          {w * 3 / 4, h / 4},
                          {w * 3 / 4, h * 3 / 4},
                          {w / 4, h * 3 / 4}};
    for (int i = 0; i < 4; i++) {
        struct rgb c = pixel(image, at[i][0], at[i][1]);
        struct rgb expected = colours[i] == 'r'   ? (struct rgb){220, 20, 20}
                              : colours[i] == 'g' ? (struct rgb){20, 220, 20}
                              : colours[i] == 'b' ? (struct rgb){20, 20, 220}
                                                  : (struct rgb){240, 240, 240};
        assert_near(c, expected, 12);
    }
}

void
assert_refused(const struct sid_buf *file, enum sid_err expected) {
    struct sid_image_info info = {.width_px = -7};
    struct sid_image image = SID_IMAGE_EMPTY;
    assert_int_equal(sid_image_probe(sid_buf_span(file), &info), expected);
    assert_int_equal(info.width_px, -7);
    assert_int_equal(decode_whole(file, &image), expected);
    assert_null(image.bgr);
}

size_t
find_marker(const struct sid_buf *file, uint8_t marker) {
    for (size_t i = 0; i + 1 < file->len; i++)
        if (file->ptr[i] == 0xFF && file->ptr[i + 1] == marker)
            return i;
    fail();
    return 0;
}
