/* image_fit.c: a part of an image in another size. Any thread; owns nothing. */
#include <math.h>

#include "image_priv.h"

/* Samples per pixel and axis. Source: between two neighbouring pixels each, so
 * that nothing is left out down to a quarter of the size. */
#define SAMPLES 2

static int
within(int at, int limit) {
    return at < 0 ? 0 : at >= limit ? limit - 1 : at;
}

/* Adds the colour at a point, by the four pixels round it; the edge goes on
 * outside the image. */
static void
add_sample(const struct sid_image *image, float x, float y, float sum[3]) {
    int x0 = (int)floorf(x - 0.5F), y0 = (int)floorf(y - 0.5F);
    float part_x = x - 0.5F - (float)x0, part_y = y - 0.5F - (float)y0;
    for (int i = 0; i < 4; i++) {
        int at_x = within(x0 + (i & 1), image->width_px);
        int at_y = within(y0 + (i >> 1), image->height_px);
        float share = ((i & 1) != 0 ? part_x : 1 - part_x) *
                      ((i >> 1) != 0 ? part_y : 1 - part_y);
        const uint8_t *px =
            image->bgr + (size_t)at_y * image->stride_bytes + (size_t)at_x * 3;
        for (int c = 0; c < 3; c++)
            sum[c] += share * (float)px[c];
    }
}

static void
fill_pixel(const struct sid_image *image, float x, float y, float step_x,
           float step_y, uint8_t out[3]) {
    float sum[3] = {0, 0, 0};
    for (int i = 0; i < SAMPLES * SAMPLES; i++) {
        int row = i / SAMPLES, column = i % SAMPLES;
        add_sample(image, x + step_x * ((float)column + 0.5F) / SAMPLES,
                   y + step_y * ((float)row + 0.5F) / SAMPLES, sum);
    }
    for (int c = 0; c < 3; c++)
        out[c] = (uint8_t)(sum[c] / (SAMPLES * SAMPLES) + 0.5F);
}

void
sid_image_fit(const struct sid_image *image, struct sid_image_part part,
              int width_px, int height_px, uint8_t *bgr) {
    SID_ASSERT(image->bgr != NULL && width_px > 0 && height_px > 0);
    float step_x = part.w / (float)width_px, step_y = part.h / (float)height_px;
    for (int y = 0; y < height_px; y++)
        for (int x = 0; x < width_px; x++)
            fill_pixel(image, part.x + (float)x * step_x,
                       part.y + (float)y * step_y, step_x, step_y,
                       bgr + ((size_t)y * (size_t)width_px + (size_t)x) * 3);
}
