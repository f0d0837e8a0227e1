/* image.c: pixels and their memory, and the way from a file to upright pixels:
 * judge, decode the wanted part, turn. Any thread; the caller owns the image.
 */
#include <stdlib.h>
#include <string.h>

#include "image_priv.h"

#define BYTES_PER_PX 3
#define BLOCK_PX 32

enum sid_err
sid_image_new(int width_px, int height_px, struct sid_image *out) {
    SID_ASSERT(out->bgr == NULL);
    if (width_px < 1 || height_px < 1 ||
        (int64_t)width_px * height_px > SID_IMAGE_MAX_PX)
        return SID_E_ARGUMENT;
    size_t stride = (size_t)width_px * BYTES_PER_PX;
    uint8_t *bgr = calloc((size_t)height_px, stride);
    if (bgr == NULL)
        return SID_E_NO_MEMORY;
    *out = (struct sid_image){.bgr = bgr,
                              .stride_bytes = stride,
                              .width_px = width_px,
                              .height_px = height_px,
                              .full_width_px = width_px,
                              .full_height_px = height_px,
                              .scale = 1.0F};
    return SID_OK;
}

void
sid_image_fini(struct sid_image *image) {
    if (image->bgr != NULL)
        sid_wipe(image->bgr, image->stride_bytes * (size_t)image->height_px);
    free(image->bgr);
    *image = SID_IMAGE_EMPTY;
}

enum sid_err
sid_image_probe(struct sid_span file, struct sid_image_info *out) {
    static const uint8_t png[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    struct sid_image_info info = {.orientation = 1};
    bool enough = false;
    enum sid_err err = SID_E_IMAGE_UNREADABLE;
    if (file.len >= 3 && memcmp(file.ptr, "\xFF\xD8\xFF", 3) == 0) {
        info.format = SID_IMAGE_JPEG;
        err = sid_jpeg_scan(file, &info, &enough);
    } else if (file.len >= sizeof png &&
               memcmp(file.ptr, png, sizeof png) == 0) {
        info.format = SID_IMAGE_PNG;
        err = sid_png_scan(file, &info, &enough);
    }
    if (err != SID_OK)
        return err;
    if ((int64_t)info.file_width_px * info.file_height_px > SID_IMAGE_MAX_PX)
        return SID_E_IMAGE_TOO_LARGE;
    if (info.file_width_px < SID_IMAGE_MIN_SIDE_PX ||
        info.file_height_px < SID_IMAGE_MIN_SIDE_PX)
        return SID_E_IMAGE_TOO_SMALL;
    /* A short file that claims many pixels would take their memory first. */
    if (!enough)
        return SID_E_IMAGE_UNREADABLE;
    bool swap = info.orientation >= 5;
    info.width_px = swap ? info.file_height_px : info.file_width_px;
    info.height_px = swap ? info.file_width_px : info.file_height_px;
    *out = info;
    return SID_OK;
}

/* Source: EXIF 2.32, Orientation: where the 0th row and column lie. */
static struct sid_flip
flip_of(int orientation) {
    static const struct sid_flip flips[9] = {
        [2] = {.mirror_x = true},
        [3] = {.mirror_x = true, .mirror_y = true},
        [4] = {.mirror_y = true},
        [5] = {.swap = true},
        [6] = {.mirror_y = true, .swap = true},
        [7] = {.mirror_x = true, .mirror_y = true, .swap = true},
        [8] = {.mirror_x = true, .swap = true}};
    return flips[orientation];
}

static void
flip_block(const struct sid_image *image, struct sid_flip flip, int x0, int y0,
           struct sid_image *to) {
    int w = image->width_px, h = image->height_px;
    int x1 = x0 + BLOCK_PX < w ? x0 + BLOCK_PX : w;
    int y1 = y0 + BLOCK_PX < h ? y0 + BLOCK_PX : h;
    size_t step = flip.swap ? to->stride_bytes : BYTES_PER_PX;
    for (int y = y0; y < y1; y++) {
        const uint8_t *from = image->bgr + (size_t)y * image->stride_bytes +
                              (size_t)x0 * BYTES_PER_PX;
        size_t v = (size_t)(flip.mirror_y ? h - 1 - y : y);
        uint8_t *row =
            to->bgr + (flip.swap ? v * BYTES_PER_PX : v * to->stride_bytes);
        for (int x = x0; x < x1; x++, from += BYTES_PER_PX) {
            size_t u = (size_t)(flip.mirror_x ? w - 1 - x : x);
            memcpy(row + u * step, from, BYTES_PER_PX);
        }
    }
}

enum sid_err
sid_image_flip(const struct sid_image *image, struct sid_flip flip,
               struct sid_image *out) {
    int w = image->width_px, h = image->height_px;
    struct sid_image made = SID_IMAGE_EMPTY;
    enum sid_err err =
        sid_image_new(flip.swap ? h : w, flip.swap ? w : h, &made);
    if (err != SID_OK)
        return err;
    /* In blocks, so that rows and columns both stay in the cache. */
    for (int y = 0; y < h; y += BLOCK_PX)
        for (int x = 0; x < w; x += BLOCK_PX)
            flip_block(image, flip, x, y, &made);
    *out = made;
    return SID_OK;
}

enum sid_err
sid_image_turn(const struct sid_image *image, int quarter_turns,
               struct sid_image *out) {
    static const int orientation[4] = {1, 6, 3, 8};
    if (quarter_turns < 0 || quarter_turns > 3)
        return SID_E_ARGUMENT;
    return sid_image_flip(image, flip_of(orientation[quarter_turns]), out);
}

/* The wanted region, cut to the photo. */
static enum sid_err
clip_region(const struct sid_image_info *info, struct sid_image_rect *r) {
    if (r->w == 0) {
        *r = (struct sid_image_rect){0, 0, info->width_px, info->height_px};
        return SID_OK;
    }
    int64_t x0 = r->x > 0 ? r->x : 0, y0 = r->y > 0 ? r->y : 0;
    int64_t x1 = (int64_t)r->x + r->w, y1 = (int64_t)r->y + r->h;
    if (x1 > info->width_px)
        x1 = info->width_px;
    if (y1 > info->height_px)
        y1 = info->height_px;
    if (r->w < 0 || r->h < 1 || x1 <= x0 || y1 <= y0)
        return SID_E_ARGUMENT;
    *r = (struct sid_image_rect){(int)x0, (int)y0, (int)(x1 - x0),
                                 (int)(y1 - y0)};
    return SID_OK;
}

/* Upright region to the file's own coordinates. */
static struct sid_image_rect
to_file(const struct sid_image_info *info, struct sid_flip flip,
        struct sid_image_rect r) {
    struct sid_image_rect f = r;
    if (flip.swap)
        f = (struct sid_image_rect){r.y, r.x, r.h, r.w};
    if (flip.mirror_x)
        f.x = info->file_width_px - f.x - f.w;
    if (flip.mirror_y)
        f.y = info->file_height_px - f.y - f.h;
    return f;
}

static int
denom_for(const struct sid_image_rect *r, int min_long_px) {
    int denom = 8, long_px = r->w > r->h ? r->w : r->h;
    if (min_long_px <= 0)
        return 1;
    while (denom > 1 && long_px / denom < min_long_px)
        denom /= 2;
    return denom;
}

/* Turns pixels in file orientation upright; their place goes along. */
static enum sid_err
make_upright(const struct sid_image_info *info, struct sid_flip flip,
             struct sid_image *take, struct sid_image *out) {
    float x = take->origin_x_px, y = take->origin_y_px, scale = take->scale;
    if (flip.mirror_x)
        x = (float)info->file_width_px - x - (float)take->width_px / scale;
    if (flip.mirror_y)
        y = (float)info->file_height_px - y - (float)take->height_px / scale;
    struct sid_image made = SID_IMAGE_EMPTY;
    if (!flip.swap && !flip.mirror_x && !flip.mirror_y) {
        made = *take;
        *take = SID_IMAGE_EMPTY;
    } else {
        enum sid_err err = sid_image_flip(take, flip, &made);
        sid_image_fini(take);
        if (err != SID_OK)
            return err;
    }
    made.full_width_px = info->width_px;
    made.full_height_px = info->height_px;
    made.origin_x_px = flip.swap ? y : x;
    made.origin_y_px = flip.swap ? x : y;
    made.scale = scale;
    *out = made;
    return SID_OK;
}

enum sid_err
sid_image_decode(struct sid_span file, const struct sid_image_want *want,
                 struct sid_image *out) {
    SID_ASSERT(out->bgr == NULL);
    struct sid_image_info info = {0};
    enum sid_err err = sid_image_probe(file, &info);
    if (err != SID_OK)
        return err;
    struct sid_image_rect region = want->region;
    err = clip_region(&info, &region);
    if (err != SID_OK)
        return err;
    struct sid_flip flip = flip_of(info.orientation);
    struct sid_image_rect rect = to_file(&info, flip, region);
    int denom = denom_for(&rect, want->min_long_px);
    struct sid_image stored = SID_IMAGE_EMPTY;
    err = info.format == SID_IMAGE_JPEG
              ? sid_jpeg_decode(file, &info, &rect, denom, &stored)
              : sid_png_decode(file, &info, &rect, denom, &stored);
    if (err != SID_OK)
        return err;
    return make_upright(&info, flip, &stored, out);
}
