/* picture.c: pixels that a test can spoil. */
#include "picture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jpeglib.h>

static uint8_t *
at(const struct picture *p, int x, int y) {
    return p->rgb + ((size_t)y * (size_t)p->w + (size_t)x) * 3;
}

static uint8_t
clamp(double v) {
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v + 0.5);
}

void
picture_new(int w, int h, uint8_t grey, struct picture *out) {
    size_t bytes = (size_t)w * (size_t)h * 3;
    *out = (struct picture){.rgb = malloc(bytes), .w = w, .h = h};
    assert_non_null(out->rgb);
    memset(out->rgb, grey, bytes);
}

void
picture_free(struct picture *picture) {
    free(picture->rgb);
    *picture = (struct picture){0};
}

void
picture_read(const char *path, struct picture *out) {
    struct sid_buf file = SID_BUF_EMPTY;
    struct sid_image image = SID_IMAGE_EMPTY;
    const struct sid_image_want want = {.min_long_px = 0};
    FILE *from = fopen(path, "rb");
    if (from == NULL)
        print_error("%s cannot be read: run make setup\n", path);
    assert_non_null(from);
    uint8_t part[4096];
    for (size_t n; (n = fread(part, 1, sizeof part, from)) > 0;)
        assert_int_equal(sid_buf_append(&file, part, n), SID_OK);
    (void)fclose(from);
    assert_int_equal(sid_image_decode(sid_buf_span(&file), &want, &image),
                     SID_OK);
    picture_new(image.width_px, image.height_px, 0, out);
    for (int y = 0; y < out->h; y++)
        for (int x = 0; x < out->w; x++)
            for (int c = 0; c < 3; c++)
                at(out, x, y)[c] = image.bgr[(size_t)y * image.stride_bytes +
                                             (size_t)x * 3 + (size_t)(2 - c)];
    sid_image_fini(&image);
    sid_buf_free(&file);
}

void
picture_jpeg(const struct picture *picture, struct sid_buf *out) {
    struct jpeg_compress_struct cinfo = {0};
    struct jpeg_error_mgr error;
    unsigned char *bytes = NULL;
    unsigned long len = 0;
    cinfo.err = jpeg_std_error(&error);
    jpeg_create_compress(&cinfo);
    jpeg_mem_dest(&cinfo, &bytes, &len);
    cinfo.image_width = (JDIMENSION)picture->w;
    cinfo.image_height = (JDIMENSION)picture->h;
    cinfo.input_components = 3;
    cinfo.in_color_space = JCS_RGB;
    jpeg_set_defaults(&cinfo);
    jpeg_set_quality(&cinfo, 92, TRUE);
    jpeg_start_compress(&cinfo, TRUE);
    for (int y = 0; y < picture->h; y++) {
        JSAMPROW rows[1] = {at(picture, 0, y)};
        (void)jpeg_write_scanlines(&cinfo, rows, 1);
    }
    jpeg_finish_compress(&cinfo);
    jpeg_destroy_compress(&cinfo);
    assert_int_equal(sid_buf_append(out, bytes, len), SID_OK);
    free(bytes);
}

void
picture_put(const struct picture *what, int x, int y, struct picture *on) {
    for (int v = 0; v < what->h && y + v < on->h; v++)
        for (int u = 0; u < what->w && x + u < on->w; u++)
            memcpy(at(on, x + u, y + v), at(what, u, v), 3);
}

/* The mean of the pixels that become one. */
static void
average(const struct picture *from, int x0, int y0, int x1, int y1,
        uint8_t *to) {
    unsigned sum[3] = {0}, n = 0;
    for (int y = y0; y < y1 || y == y0; y++)
        for (int x = x0; x < x1 || x == x0; x++, n++)
            for (int c = 0; c < 3; c++)
                sum[c] += at(from, x, y)[c];
    for (int c = 0; c < 3; c++)
        to[c] = (uint8_t)(sum[c] / n);
}

void
picture_scale(const struct picture *from, int w, int h, struct picture *out) {
    picture_new(w, h, 0, out);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            average(from, x * from->w / w, y * from->h / h,
                    (x + 1) * from->w / w, (y + 1) * from->h / h,
                    at(out, x, y));
}

void
picture_blur(struct picture *picture, int side) {
    struct picture sharp = *picture;
    picture_new(sharp.w, sharp.h, 0, picture);
    for (int y = 0; y < sharp.h; y++)
        for (int x = 0; x < sharp.w; x++) {
            int x0 = x - side / 2, y0 = y - side / 2;
            int x1 = x0 + side, y1 = y0 + side;
            average(&sharp, x0 < 0 ? 0 : x0, y0 < 0 ? 0 : y0,
                    x1 > sharp.w ? sharp.w : x1, y1 > sharp.h ? sharp.h : y1,
                    at(picture, x, y));
        }
    picture_free(&sharp);
}

void
picture_light(struct picture *picture, double gain, double bias) {
    size_t bytes = (size_t)picture->w * (size_t)picture->h * 3;
    for (size_t i = 0; i < bytes; i++)
        picture->rgb[i] = clamp(picture->rgb[i] * gain + bias);
}

void
picture_mirror(struct picture *picture) {
    for (int y = 0; y < picture->h; y++)
        for (int x = 0; x < picture->w / 2; x++) {
            uint8_t kept[3], *left = at(picture, x, y);
            uint8_t *right = at(picture, picture->w - 1 - x, y);
            memcpy(kept, left, 3);
            memcpy(left, right, 3);
            memcpy(right, kept, 3);
        }
}

void
picture_yaw(struct picture *picture, double centre_x, double radius,
            double degrees) {
    const double right_angle = asin(1);
    struct picture front = *picture;
    picture_new(front.w, front.h, 0, picture);
    for (int x = 0; x < front.w; x++) {
        double s = (x - centre_x) / radius, from = x;
        if (fabs(s) < 1) {
            double angle = asin(s) - degrees * right_angle / 90;
            angle = fmax(-right_angle, fmin(right_angle, angle));
            from = centre_x + radius * sin(angle);
        }
        int u = (int)fmax(0, fmin(front.w - 1, from));
        for (int y = 0; y < front.h; y++)
            memcpy(at(picture, x, y), at(&front, u, y), 3);
    }
    picture_free(&front);
}

/* Mean of the four pixels round a place; grey outside. */
static void
sample(const struct picture *from, double x, double y, uint8_t *to) {
    int ix = (int)floor(x), iy = (int)floor(y);
    double fx = x - ix, fy = y - iy;
    if (ix < 0 || iy < 0 || ix + 1 >= from->w || iy + 1 >= from->h) {
        memset(to, 100, 3);
        return;
    }
    for (int c = 0; c < 3; c++) {
        double upper =
            at(from, ix, iy)[c] * (1 - fx) + at(from, ix + 1, iy)[c] * fx;
        double lower = at(from, ix, iy + 1)[c] * (1 - fx) +
                       at(from, ix + 1, iy + 1)[c] * fx;
        to[c] = clamp(upper * (1 - fy) + lower * fy);
    }
}

void
picture_plane(struct picture *picture, const struct picture_pose *pose) {
    const double degree = asin(1) / 90;
    double a = pose->pitch_deg * degree, b = pose->yaw_deg * degree;
    double c = pose->roll_deg * degree;
    struct picture front = *picture;
    double f = pose->focal_w * front.w;
    /* The sheet's two axes after the turns (roll last). */
    double ux = cos(b), uy = sin(a) * sin(b), uz = -cos(a) * sin(b);
    double vx = 0, vy = cos(a), vz = sin(a);
    picture_new(front.w, front.h, 0, picture);
    for (int y = 0; y < front.h; y++)
        for (int x = 0; x < front.w; x++) {
            double rx = x - front.w / 2.0, ry = y - front.h / 2.0;
            double px = rx * cos(c) + ry * sin(c);
            double py = ry * cos(c) - rx * sin(c);
            /* Where the ray (px, py, f) meets s u + t v + (0, 0, f). */
            double m11 = ux * f - px * uz, m12 = vx * f - px * vz;
            double m21 = uy * f - py * uz, m22 = vy * f - py * vz;
            double det = m11 * m22 - m12 * m21;
            double s = (px * f * m22 - m12 * py * f) / det;
            double t = (m11 * py * f - px * f * m21) / det;
            sample(&front, s + front.w / 2.0, t + front.h / 2.0,
                   at(picture, x, y));
        }
    picture_free(&front);
}

static void
turn_quarter(struct picture *picture) {
    struct picture old = *picture;
    picture_new(old.h, old.w, 0, picture);
    for (int y = 0; y < old.h; y++)
        for (int x = 0; x < old.w; x++)
            memcpy(at(picture, old.h - 1 - y, x), at(&old, x, y), 3);
    picture->mark_x = old.h - old.mark_y - old.mark_h;
    picture->mark_y = old.mark_x;
    picture->mark_w = old.mark_h;
    picture->mark_h = old.mark_w;
    picture_free(&old);
}

void
picture_card(const struct picture *portrait, int w, int h, int turns,
             struct picture *out) {
    struct picture card = {0}, face = {0};
    uint32_t random = 5;
    picture_new(w, h, 0, out);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            random = random * 1664525u + 1013904223u;
            uint8_t v = (uint8_t)(80 + y / 7 * 31 % 40 + (int)(random >> 28));
            memset(at(out, x, y), v, 3);
        }
    /* ID-1: 85.6 x 54 mm; the portrait 26 x 32 mm, 4 mm from the right. */
    int card_w = w * 42 / 100, card_h = card_w * 540 / 856;
    picture_new(card_w, card_h, 225, &card);
    /* The middle of a 720 x 576 frame has the format of a portrait. */
    struct picture middle = {0};
    picture_new(440, 541, 0, &middle);
    for (int y = 0; y < middle.h; y++)
        memcpy(at(&middle, 0, y), at(portrait, 150, y + 30),
               (size_t)middle.w * 3);
    picture_scale(&middle, card_w * 260 / 856, card_w * 320 / 856, &face);
    picture_put(&face, card_w * 556 / 856, card_w * 60 / 856, &card);
    picture_put(&card, w / 4, h / 3, out);
    out->mark_x = w / 4 + card_w * 556 / 856;
    out->mark_y = h / 3 + card_w * 60 / 856;
    out->mark_w = face.w;
    out->mark_h = face.h;
    picture_free(&middle);
    picture_free(&face);
    picture_free(&card);
    for (int i = 0; i < turns; i++)
        turn_quarter(out);
}
