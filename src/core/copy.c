/* copy.c: whether two faces are one picture: light taken out, the second laid
 * over the first (copy_lay.c), tones and sharpness made equal, fine detail
 * compared tile by tile. Pure; any thread. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "copy_internal.h"
#include "smartid/buf.h"

#define PX SID_COPY_PX
#define HALF (PX / 2)
#define PIXELS (PX * PX)

/* The tiles, in pixels of the aligned face: overlapping by half, over eyes,
 * nose, mouth and what lies between. */
#define TILE 16
#define TILES_LEFT 26
#define TILES_TOP 40
#define TILES_PER_SIDE 6
#define TILES (TILES_PER_SIDE * TILES_PER_SIDE)
#define TILES_SIDE ((TILES_PER_SIDE + 1) * TILE / 2)
/* The score is the agreement of the tile above these worst ones: in a copy even
 * that one agrees. A dot painted into the face spoils more, as the tiles
 * overlap; with more left out true pairs were flagged (9: 3 of 102). */
#define TILES_LEFT_OUT 3
/* Two pictures count as equally sharp when their parts of fine detail differ by
 * less than this factor; and rounds of blurring that get there. */
#define SHARPER 1.15
#define BLUR_ROUNDS 6

/* Planes of one comparison. */
struct work {
    float a[PIXELS], b[PIXELS]; /* the faces */
    float detail_a[PIXELS], detail_b[PIXELS];
    float spare[PIXELS], row[PIXELS];
};

/* Mean of (2 * radius + 1)^2 pixels; the edge repeats. */
static void
blur(float *v, int side, int radius, float *scratch) {
    const float part = 1.0F / (float)(2 * radius + 1);
    const int last = side - 1;
    for (int y = 0; y < side; y++) {
        const float *in = v + y * side;
        float sum = in[0] * (float)(radius + 1);
        for (int x = 1; x <= radius; x++)
            sum += in[x];
        for (int x = 0; x < side; x++) {
            scratch[y * side + x] = sum * part;
            sum += in[x + radius < last ? x + radius + 1 : last] -
                   in[x > radius ? x - radius : 0];
        }
    }
    float sum[PX];
    for (int x = 0; x < side; x++) {
        sum[x] = scratch[x] * (float)(radius + 1);
        for (int y = 1; y <= radius; y++)
            sum[x] += scratch[y * side + x];
    }
    for (int y = 0; y < side; y++) {
        int in = y + radius < last ? y + radius + 1 : last;
        int out = y > radius ? y - radius : 0;
        for (int x = 0; x < side; x++) {
            v[y * side + x] = sum[x] * part;
            sum[x] += scratch[in * side + x] - scratch[out * side + x];
        }
    }
    sid_wipe(sum, sizeof sum);
}

/* out = detail of v between two radii: noise below and light above are gone. */
static void
band(const float *v, int side, int fine, int coarse, struct work *work,
     float *out) {
    size_t bytes = (size_t)(side * side) * sizeof *v;
    float *slow = work->spare;
    memcpy(out, v, bytes);
    memcpy(slow, v, bytes);
    for (int i = 0; i < 2; i++) {
        blur(out, side, fine, work->row);
        blur(slow, side, coarse, work->row);
    }
    for (int i = 0; i < side * side; i++)
        out[i] -= slow[i];
}

/* The same with equal contrast everywhere, so that no part outweighs the
 * others. floor: contrast, in luma, below which there is only noise. */
static void
even_band(const float *v, int side, const int radius[3], float floor,
          struct work *work, float *out) {
    float *power = work->spare;
    band(v, side, radius[0], radius[1], work, out);
    for (int i = 0; i < side * side; i++)
        power[i] = out[i] * out[i];
    for (int i = 0; i < 2; i++)
        blur(power, side, radius[2], work->row);
    for (int i = 0; i < side * side; i++)
        out[i] /= sqrtf(fmaxf(power[i], 0) + floor * floor);
}

static void
mirror(float *v, int side) {
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side / 2; x++) {
            float *left = v + y * side + x, *right = v + (y + 1) * side - 1 - x;
            float kept = *left;
            *left = *right;
            *right = kept;
        }
}

static void
halve(const float *v, float *out) {
    for (int y = 0; y < HALF; y++)
        for (int x = 0; x < HALF; x++) {
            const float *p = v + 2 * y * PX + 2 * x;
            out[y * HALF + x] = (p[0] + p[1] + p[PX] + p[PX + 1]) / 4;
        }
}

/* Correlation of two planes in a rectangle, -1..1; 0 where one is plain. */
static float
correlate(const float *a, const float *b, int side, int left, int top,
          int width, int height) {
    double sa = 0, sb = 0, aa = 0, bb = 0, ab = 0, n = width * height;
    for (int y = top; y < top + height; y++)
        for (int x = left; x < left + width; x++) {
            double p = (double)a[y * side + x], q = (double)b[y * side + x];
            sa += p;
            sb += q;
            aa += p * p;
            bb += q * q;
            ab += p * q;
        }
    double spread = (aa - sa * sa / n) * (bb - sb * sb / n);
    return spread > 0 ? (float)((ab - sa * sb / n) / sqrt(spread)) : 0;
}

/* Where b lies on a, roughly; and whether it is its mirror image that does. */
static bool
lay_roughly(struct work *work, struct sid_copy_map *out) {
    static const int radius[3] = {1, 6, 6};
    struct sid_copy_map map[2] = {SID_COPY_IDENTITY, SID_COPY_IDENTITY};
    float alike[2];
    float *a = work->detail_a, *b = work->detail_b, *small = work->detail_b;
    halve(work->a, small);
    even_band(small, HALF, radius, 4, work, a);
    small = work->detail_a + HALF * HALF;
    halve(work->b, small);
    even_band(small, HALF, radius, 4, work, b);
    for (int i = 0; i < 2; i++) {
        sid_copy_lay(a, b, HALF, 1, SID_COPY_SIMILARITY, &map[i]);
        sid_copy_warp(b, HALF, &map[i], small);
        alike[i] =
            correlate(a, small, HALF, SID_COPY_LEFT / 2, SID_COPY_TOP / 2,
                      (SID_COPY_RIGHT - SID_COPY_LEFT) / 2,
                      (SID_COPY_BOTTOM - SID_COPY_TOP) / 2);
        mirror(b, HALF);
    }
    bool mirrored = alike[1] > alike[0];
    *out = map[mirrored ? 1 : 0];
    return mirrored;
}

/* b becomes what a would be if they were one picture. */
static void
lay(struct work *work) {
    static const int radius[3] = {1, 6, 10};
    struct sid_copy_map map;
    if (lay_roughly(work, &map))
        mirror(work->b, PX);
    even_band(work->a, PX, radius, 3, work, work->detail_a);
    even_band(work->b, PX, radius, 3, work, work->detail_b);
    sid_copy_lay(work->detail_a, work->detail_b, PX, 2, SID_COPY_AFFINE, &map);
    sid_copy_lay(work->detail_a, work->detail_b, PX, 2, SID_COPY_PROJECTIVE,
                 &map);
    sid_copy_warp(work->b, PX, &map, work->spare);
    memcpy(work->b, work->spare, sizeof work->b);
}

/* A copy may be brightened or put through a filter: b's tones become a's by
 * the parabola that fits best. */
static void
match_tones(struct work *work) {
    double m[3][4] = {{0}};
    for (int y = TILES_TOP; y < TILES_TOP + TILES_SIDE; y++)
        for (int x = TILES_LEFT; x < TILES_LEFT + TILES_SIDE; x++) {
            double tone = (double)work->b[y * PX + x] / 255;
            double power[3] = {1, tone, tone * tone};
            for (int r = 0; r < 3; r++) {
                for (int c = 0; c < 3; c++)
                    m[r][c] += power[r] * power[c];
                m[r][3] += power[r] * (double)work->a[y * PX + x];
            }
        }
    for (int i = 0; i < 3; i++) /* solvable for a plain face, too */
        m[i][i] += 1e-6 * m[0][0];
    for (int i = 0; i < 3; i++)
        for (int r = 0; r < 3; r++)
            for (int c = 3; r != i && c >= i; c--)
                m[r][c] -= m[r][i] / m[i][i] * m[i][c];
    for (int i = 0; i < PIXELS; i++) {
        double tone = (double)work->b[i] / 255;
        work->b[i] = (float)(m[0][3] / m[0][0] + m[1][3] / m[1][1] * tone +
                             m[2][3] / m[2][2] * tone * tone);
    }
}

static double
energy(const float *v) {
    double sum = 0;
    for (int y = TILES_TOP; y < TILES_TOP + TILES_SIDE; y++)
        for (int x = TILES_LEFT; x < TILES_LEFT + TILES_SIDE; x++)
            sum += (double)(v[y * PX + x] * v[y * PX + x]);
    return sum;
}

/* How much of the contrast of v is its finest detail. */
static double
sharpness(const float *v, struct work *work, double contrast) {
    float *fine = work->spare;
    memcpy(fine, v, sizeof work->spare);
    blur(fine, PX, 1, work->row);
    for (int i = 0; i < PIXELS; i++)
        fine[i] = v[i] - fine[i];
    return energy(fine) / contrast;
}

/* A copy may be blurred: then the other is blurred as well. */
static void
make_equally_sharp(struct work *work) {
    band(work->a, PX, 2, 8, work, work->detail_a);
    double contrast_a = fmax(energy(work->detail_a), 1);
    band(work->b, PX, 2, 8, work, work->detail_a);
    double contrast_b = fmax(energy(work->detail_a), 1);
    for (int i = 0; i < BLUR_ROUNDS; i++) {
        double a = sharpness(work->a, work, contrast_a);
        double b = sharpness(work->b, work, contrast_b);
        if (a > b * SHARPER)
            blur(work->a, PX, 1, work->row);
        else if (b > a * SHARPER)
            blur(work->b, PX, 1, work->row);
        else
            break;
    }
}

static int
by_value(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static float
compare_tiles(struct work *work) {
    float tile[TILES];
    band(work->a, PX, 1, 4, work, work->detail_a);
    band(work->b, PX, 1, 4, work, work->detail_b);
    for (int i = 0; i < TILES; i++)
        tile[i] =
            correlate(work->detail_a, work->detail_b, PX,
                      TILES_LEFT + i % TILES_PER_SIDE * (TILE / 2),
                      TILES_TOP + i / TILES_PER_SIDE * (TILE / 2), TILE, TILE);
    qsort(tile, TILES, sizeof tile[0], by_value);
    return tile[TILES_LEFT_OUT];
}

float
sid_copy_score(const uint8_t a[SID_COPY_PX * SID_COPY_PX],
               const uint8_t b[SID_COPY_PX * SID_COPY_PX]) {
    struct work work;
    for (int i = 0; i < PIXELS; i++) {
        work.a[i] = (float)a[i];
        work.b[i] = (float)b[i];
    }
    lay(&work);
    match_tones(&work);
    make_equally_sharp(&work);
    float score = compare_tiles(&work);
    sid_wipe(&work, sizeof work);
    return score;
}
