/* copy_lay.c: lays one face over another: Lucas-Kanade registration, inverse
 * compositional. Pure; any thread. Source: Baker and Matthews, "Lucas-Kanade 20
 * years on", IJCV 56(3), 2004. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "copy_internal.h"
#include "smartid/buf.h"

#define PARAMETERS_MAX 8
#define ROUNDS 10
/* A step of less (0.03 px) is none. */
#define STEP_MIN 5e-4
/* Keeps the equations solvable where a face has no texture. */
#define DAMPING 1.001
#define POINTS_MAX                                                             \
    (((SID_COPY_RIGHT - SID_COPY_LEFT + 1) / 2) *                              \
     ((SID_COPY_BOTTOM - SID_COPY_TOP + 1) / 2))

/* The first face at the points that are looked at, and how it would change
 * there with each parameter. */
struct fit {
    int n, points;
    float x[POINTS_MAX], y[POINTS_MAX], value[POINTS_MAX];
    float change[POINTS_MAX][PARAMETERS_MAX];
    double normal[PARAMETERS_MAX][PARAMETERS_MAX];
    double energy;
};

static float
interpolate(const float *v, int side, float x, float y) {
    const float last = (float)side - 1.001F;
    x = x > 0 ? (x < last ? x : last) : 0; /* what is no number becomes 0 */
    y = y > 0 ? (y < last ? y : last) : 0;
    int i = (int)x, j = (int)y;
    float fx = x - (float)i, fy = y - (float)j;
    const float *p = v + j * side + i;
    float above = p[0] + (p[1] - p[0]) * fx;
    float below = p[side] + (p[side + 1] - p[side]) * fx;
    return above + (below - above) * fy;
}

static float
seen_at(const float *b, int side, const struct sid_copy_map *map, double x,
        double y) {
    const double *h = map->h;
    double half = side / 2.0, middle = half - 0.5;
    double w = h[6] * x + h[7] * y + h[8];
    return interpolate(
        b, side, (float)((h[0] * x + h[1] * y + h[2]) / w * half + middle),
        (float)((h[3] * x + h[4] * y + h[5]) / w * half + middle));
}

void
sid_copy_warp(const float *b, int side, const struct sid_copy_map *map,
              float *out) {
    double half = side / 2.0, middle = half - 0.5;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++)
            out[y * side + x] =
                seen_at(b, side, map, (x - middle) / half, (y - middle) / half);
}

static void
add_point(struct fit *fit, float x, float y, float gx, float gy) {
    float *change = fit->change[fit->points++];
    if (fit->n == SID_COPY_SIMILARITY) {
        change[0] = gx * x + gy * y;
        change[1] = gy * x - gx * y;
        change[2] = gx;
        change[3] = gy;
        return;
    }
    change[0] = gx * x;
    change[1] = gx * y;
    change[2] = gx;
    change[3] = gy * x;
    change[4] = gy * y;
    change[5] = gy;
    change[6] = -(gx * x + gy * y) * x;
    change[7] = -(gx * x + gy * y) * y;
}

static void
prepare(const float *a, int side, int step, enum sid_copy_motion motion,
        struct fit *fit) {
    float half = (float)side / 2, middle = half - 0.5F;
    int scale = SID_COPY_PX / side;
    fit->n = (int)motion;
    fit->points = 0;
    for (int v = SID_COPY_TOP / scale; v < SID_COPY_BOTTOM / scale; v += step)
        for (int u = SID_COPY_LEFT / scale; u < SID_COPY_RIGHT / scale;
             u += step) {
            const float *p = a + v * side + u;
            int at = fit->points;
            fit->x[at] = ((float)u - middle) / half;
            fit->y[at] = ((float)v - middle) / half;
            fit->value[at] = p[0];
            add_point(fit, fit->x[at], fit->y[at], (p[1] - p[-1]) / 2 * half,
                      (p[side] - p[-side]) / 2 * half);
        }
    memset(fit->normal, 0, sizeof fit->normal);
    fit->energy = 0;
    for (int i = 0; i < fit->points; i++) {
        const float *change = fit->change[i];
        fit->energy += (double)(fit->value[i] * fit->value[i]);
        for (int r = 0; r < fit->n; r++)
            for (int c = 0; c < fit->n; c++)
                fit->normal[r][c] += (double)(change[r] * change[c]);
    }
    for (int r = 0; r < fit->n; r++)
        fit->normal[r][r] *= DAMPING;
}

/* Gauss with pivots; the answer replaces b. */
static bool
solve(double m[PARAMETERS_MAX][PARAMETERS_MAX], double b[PARAMETERS_MAX],
      int n) {
    for (int i = 0; i < n; i++) {
        int best = i;
        for (int r = i + 1; r < n; r++)
            if (fabs(m[r][i]) > fabs(m[best][i]))
                best = r;
        if (!(fabs(m[best][i]) > 1e-12))
            return false;
        for (int c = 0; c < n && best != i; c++) {
            double kept = m[i][c];
            m[i][c] = m[best][c];
            m[best][c] = kept;
        }
        double kept = b[i];
        b[i] = b[best];
        b[best] = kept;
        for (int r = i + 1; r < n; r++) {
            double part = m[r][i] / m[i][i];
            for (int c = i; c < n; c++)
                m[r][c] -= part * m[i][c];
            b[r] -= part * b[i];
        }
    }
    for (int i = n - 1; i >= 0; i--) {
        for (int c = i + 1; c < n; c++)
            b[i] -= m[i][c] * b[c];
        b[i] /= m[i][i];
    }
    return true;
}

/* map = map * inverse of the small motion that p describes. */
static void
compose(struct sid_copy_map *map, const double p[PARAMETERS_MAX], int n) {
    bool similar = n == SID_COPY_SIMILARITY, plane = n == SID_COPY_PROJECTIVE;
    const double d[9] = {1 + p[0],
                         similar ? -p[1] : p[1],
                         p[2],
                         similar ? p[1] : p[3],
                         1 + (similar ? p[0] : p[4]),
                         similar ? p[3] : p[5],
                         plane ? p[6] : 0,
                         plane ? p[7] : 0,
                         1};
    /* The inverse but for a factor, which does not matter. */
    const double inverse[9] = {
        d[4] * d[8] - d[5] * d[7], d[2] * d[7] - d[1] * d[8],
        d[1] * d[5] - d[2] * d[4], d[5] * d[6] - d[3] * d[8],
        d[0] * d[8] - d[2] * d[6], d[2] * d[3] - d[0] * d[5],
        d[3] * d[7] - d[4] * d[6], d[1] * d[6] - d[0] * d[7],
        d[0] * d[4] - d[1] * d[3]};
    double out[9];
    for (int r = 0; r < 3; r++)
        for (int c = 0; c < 3; c++)
            out[r * 3 + c] = map->h[r * 3] * inverse[c] +
                             map->h[r * 3 + 1] * inverse[3 + c] +
                             map->h[r * 3 + 2] * inverse[6 + c];
    for (int i = 0; i < 9; i++)
        map->h[i] = out[i] / out[8];
}

/* One step; false when there is nothing left to gain. */
static bool
improve(const struct fit *fit, const float *b, int side,
        struct sid_copy_map *map) {
    float seen[POINTS_MAX];
    double normal[PARAMETERS_MAX][PARAMETERS_MAX], p[PARAMETERS_MAX] = {0};
    double energy = 0, longest = 0;
    for (int i = 0; i < fit->points; i++) {
        seen[i] = seen_at(b, side, map, (double)fit->x[i], (double)fit->y[i]);
        energy += (double)(seen[i] * seen[i]);
    }
    float gain = energy > 0 ? (float)sqrt(fit->energy / energy) : 1;
    for (int i = 0; i < fit->points; i++) {
        float error = gain * seen[i] - fit->value[i];
        for (int k = 0; k < fit->n; k++)
            p[k] += (double)(fit->change[i][k] * error);
    }
    sid_wipe(seen, sizeof seen);
    memcpy(normal, fit->normal, sizeof normal);
    if (!solve(normal, p, fit->n))
        return false;
    compose(map, p, fit->n);
    for (int k = 0; k < fit->n; k++)
        longest = fmax(longest, fabs(p[k]));
    return longest >= STEP_MIN;
}

void
sid_copy_lay(const float *a, const float *b, int side, int step,
             enum sid_copy_motion motion, struct sid_copy_map *map) {
    struct fit fit;
    prepare(a, side, step, motion, &fit);
    for (int round = 0; round < ROUNDS; round++)
        if (!improve(&fit, b, side, map))
            break;
    sid_wipe(&fit, sizeof fit);
}
