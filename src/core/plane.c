/* plane.c: the best homography between two aligned faces, and how well they
 * agree under it (see plane.h).
 *
 * Source: inverse compositional image alignment (Baker and Matthews, 2004),
 * from coarse to fine, on luma with local mean and contrast made even; in
 * coordinates from -1 to 1 across the aligned face. Pure; any thread; pixels
 * are wiped. */
#include "smartid/plane.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "smartid/buf.h"

#define SIDE SID_FACE_GREY_PX
#define LEVELS 3 /* sides of 112, 56 and 28 pixels */
#define PARAMETERS 8
/* The inner face in the aligned one: an ellipse from the brows to the chin.
 * Source: the template the feature network was trained with; with more of the
 * forehead the edges of tight crops come in. */
#define INNER_X 0.72
#define INNER_Y 0.62
#define INNER_DOWN 0.24
/* Grey levels below which a spread is noise. Own choice: some levels. */
#define SPREAD_MIN 4.0F
/* At least this part of the inner face must be seen in both. */
#define SEEN_MIN 0.6
/* A step larger than the whole picture has lost its way. */
#define STEP_MAX 1.0

/* Steps and radius of the local mean, from fine to coarse. Source: measured:
 * more steps find no better homography on 853 plane warps; a pair takes 3 ms.
 */
static const int level_steps[LEVELS] = {4, 8, 10};
static const int level_radius_px[LEVELS] = {8, 6, 5};

/* seen: 0 where the photo ends inside the aligned face, else 1. */
struct picture {
    int side;
    float at[SIDE * SIDE], seen[SIDE * SIDE];
};

struct work {
    struct picture a[LEVELS], b[LEVELS]; /* evened */
    struct picture raw, smooth, mean, spread, columns;
};

/* x' = (h0 x + h1 y + h2) / (h6 x + h7 y + h8) and so on, row by row. */
struct homography {
    double h[9];
};

static void
shrink(struct picture *p) {
    int n = p->side / 2;
    for (int y = 0; y < n; y++)
        for (int x = 0; x < n; x++) {
            int from = 2 * y * p->side + 2 * x, below = from + p->side;
            int to = y * n + x;
            p->seen[to] = p->seen[from] * p->seen[from + 1] * p->seen[below] *
                          p->seen[below + 1];
            p->at[to] = (p->at[from] + p->at[from + 1] + p->at[below] +
                         p->at[below + 1]) /
                        4;
        }
    p->side = n;
}

/* One line of a running sum; `step` from pixel to pixel. */
static void
sum_line(const float *from, int n, int step, int radius, float *to) {
    float sum = 0;
    for (int i = 0; i < radius && i < n; i++)
        sum += from[i * step];
    for (int i = 0; i < n; i++) {
        if (i + radius < n)
            sum += from[(i + radius) * step];
        if (i > radius)
            sum -= from[(i - radius - 1) * step];
        to[i * step] = sum;
    }
}

/* The sum over the square round each pixel. */
static void
sum_squares(const float *from, int n, int radius, float *columns, float *to) {
    for (int x = 0; x < n; x++)
        sum_line(from + x, n, n, radius, columns + x);
    for (int y = 0; y < n; y++)
        sum_line(columns + (ptrdiff_t)y * n, n, 1, radius,
                 to + (ptrdiff_t)y * n);
}

/* The mean of what is seen of the square round each pixel; unseen pixels of
 * *from are 0. */
static void
mean_of(const struct picture *from, int radius, struct picture *to,
        struct picture *columns) {
    int n = from->side;
    to->side = n;
    sum_squares(from->at, n, radius, columns->at, to->at);
    sum_squares(from->seen, n, radius, columns->at, columns->seen);
    for (int i = 0; i < n * n; i++) {
        to->at[i] = from->seen[i] > 0 ? to->at[i] / columns->seen[i] : 0;
        to->seen[i] = from->seen[i];
    }
}

/* Takes light and contrast out of w->raw. */
static void
make_even(struct work *w, int radius, struct picture *to) {
    int pixels = w->raw.side * w->raw.side;
    mean_of(&w->raw, 1, &w->smooth, &w->columns);
    mean_of(&w->smooth, radius, &w->mean, &w->columns);
    *to = w->smooth;
    for (int i = 0; i < pixels; i++) {
        float d = w->smooth.at[i] - w->mean.at[i];
        to->at[i] = d * d;
    }
    mean_of(to, radius, &w->spread, &w->columns);
    for (int i = 0; i < pixels; i++)
        to->at[i] = (w->smooth.at[i] - w->mean.at[i]) /
                    (sqrtf(fmaxf(w->spread.at[i], 0)) + SPREAD_MIN);
}

/* Black is where the photo ends (aligning fills with it); pixels that touch it
 * are half black. */
static bool
is_seen(const uint8_t *grey, int x, int y) {
    for (int v = y - 1; v <= y + 1; v++)
        for (int u = x - 1; u <= x + 1; u++)
            if (u >= 0 && v >= 0 && u < SIDE && v < SIDE &&
                grey[v * SIDE + u] == 0)
                return false;
    return true;
}

static void
make_levels(struct work *w, const uint8_t *grey, struct picture to[LEVELS]) {
    w->raw.side = SIDE;
    for (int i = 0; i < SIDE * SIDE; i++) {
        bool seen = is_seen(grey, i % SIDE, i / SIDE);
        w->raw.seen[i] = seen ? 1 : 0;
        w->raw.at[i] = seen ? grey[i] : 0;
    }
    for (int level = 0; level < LEVELS; level++) {
        if (level > 0)
            shrink(&w->raw);
        make_even(w, level_radius_px[level], &to[level]);
    }
}

static bool
is_inner(double x, double y) {
    double u = x / INNER_X, v = (y - INNER_DOWN) / INNER_Y;
    return u * u + v * v < 1;
}

/* The value of p where the homography puts (x, y); false outside. */
static bool
look_up(const struct picture *p, const struct homography *m, double x, double y,
        double *out) {
    const double *h = m->h;
    double w = h[6] * x + h[7] * y + h[8];
    double half = p->side / 2.0;
    double px = ((h[0] * x + h[1] * y + h[2]) / w + 1) * half - 0.5;
    double py = ((h[3] * x + h[4] * y + h[5]) / w + 1) * half - 0.5;
    if (!(w > 0 && px >= 0 && py >= 0 && px < p->side - 1 && py < p->side - 1))
        return false;
    int ix = (int)px, iy = (int)py;
    const float *seen = &p->seen[iy * p->side + ix];
    if (seen[0] + seen[1] + seen[p->side] + seen[p->side + 1] < 4)
        return false;
    double fx = px - ix, fy = py - iy;
    const float *at = &p->at[iy * p->side + ix];
    double upper = (double)at[0] * (1 - fx) + (double)at[1] * fx;
    double lower =
        (double)at[p->side] * (1 - fx) + (double)at[p->side + 1] * fx;
    *out = upper * (1 - fy) + lower * fy;
    return true;
}

/* Sums over the inner pixels that both pictures show. */
struct sums {
    double n, inner, a, b, aa, bb, ab;
};

static void
add_up(const struct picture *a, const struct picture *b,
       const struct homography *m, struct sums *s) {
    *s = (struct sums){0};
    for (int i = 0; i < a->side; i++)
        for (int j = 0; j < a->side; j++) {
            double x = (2 * j + 1.0) / a->side - 1;
            double y = (2 * i + 1.0) / a->side - 1;
            double va = (double)a->at[i * a->side + j], vb;
            if (!is_inner(x, y))
                continue;
            s->inner++;
            if (a->seen[i * a->side + j] <= 0 || !look_up(b, m, x, y, &vb))
                continue;
            s->n++;
            s->a += va;
            s->b += vb;
            s->aa += va * va;
            s->bb += vb * vb;
            s->ab += va * vb;
        }
}

static double
correlation(const struct sums *s) {
    if (s->n < SEEN_MIN * s->inner)
        return 0;
    double va = s->aa - s->a * s->a / s->n, vb = s->bb - s->b * s->b / s->n;
    double both = va * vb;
    return both > 0 ? (s->ab - s->a * s->b / s->n) / sqrt(both) : 0;
}

/* Solves the normal equations (8 x 8, symmetric, last column the right side)
 * by elimination. False when they have no one answer. */
static bool
solve(double m[PARAMETERS][PARAMETERS + 1], double out[PARAMETERS]) {
    for (int k = 0; k < PARAMETERS; k++) {
        if (!(m[k][k] > 1e-9))
            return false;
        for (int r = k + 1; r < PARAMETERS; r++) {
            double f = m[r][k] / m[k][k];
            for (int c = k; c <= PARAMETERS; c++)
                m[r][c] -= f * m[k][c];
        }
    }
    for (int k = PARAMETERS - 1; k >= 0; k--) {
        out[k] = m[k][PARAMETERS];
        for (int c = k + 1; c < PARAMETERS; c++)
            out[k] -= m[k][c] * out[c];
        out[k] /= m[k][k];
        if (!(fabs(out[k]) < STEP_MAX))
            return false;
    }
    return true;
}

/* m after the inverse of the small homography 1 + d. */
static void
step_back(struct homography *m, const double d[PARAMETERS]) {
    const double p[9] = {1 + d[0], d[1], d[2], d[3], 1 + d[4],
                         d[5],     d[6], d[7], 1};
    const double inverse[9] = {
        p[4] * p[8] - p[5] * p[7], p[2] * p[7] - p[1] * p[8],
        p[1] * p[5] - p[2] * p[4], p[5] * p[6] - p[3] * p[8],
        p[0] * p[8] - p[2] * p[6], p[2] * p[3] - p[0] * p[5],
        p[3] * p[7] - p[4] * p[6], p[1] * p[6] - p[0] * p[7],
        p[0] * p[4] - p[1] * p[3]};
    struct homography next;
    for (int r = 0; r < 3; r++)
        for (int c = 0; c < 3; c++)
            next.h[r * 3 + c] = m->h[r * 3] * inverse[c] +
                                m->h[r * 3 + 1] * inverse[3 + c] +
                                m->h[r * 3 + 2] * inverse[6 + c];
    for (int i = 0; i < 9; i++)
        m->h[i] = next.h[i] / next.h[8];
}

/* The normal equations of one step; s: the sums at the present homography. */
static void
make_equations(const struct picture *a, const struct picture *b,
               const struct homography *m, const struct sums *s,
               double to[PARAMETERS][PARAMETERS + 1]) {
    int n = a->side;
    double mean_a = s->a / s->n, mean_b = s->b / s->n;
    double gain = sqrt((s->aa / s->n - mean_a * mean_a) /
                       fmax(s->bb / s->n - mean_b * mean_b, 1e-9));
    for (int i = 1; i < n - 1; i++)
        for (int j = 1; j < n - 1; j++) {
            double x = (2 * j + 1.0) / n - 1, y = (2 * i + 1.0) / n - 1, vb;
            if (!is_inner(x, y) || !look_up(b, m, x, y, &vb))
                continue;
            const float *at = &a->at[i * n + j];
            const float *seen = &a->seen[i * n + j];
            if (seen[0] + seen[1] + seen[-1] + seen[n] + seen[-n] < 5)
                continue;
            double gx = (double)(at[1] - at[-1]) * n / 4;
            double gy = (double)(at[n] - at[-n]) * n / 4;
            double turn = gx * x + gy * y;
            const double g[PARAMETERS] = {gx * x, gx * y, gx,        gy * x,
                                          gy * y, gy,     -x * turn, -y * turn};
            double e = (vb - mean_b) * gain - ((double)at[0] - mean_a);
            for (int r = 0; r < PARAMETERS; r++) {
                for (int c = r; c < PARAMETERS; c++)
                    to[r][c] += g[r] * g[c];
                to[r][PARAMETERS] += g[r] * e;
            }
        }
    for (int r = 0; r < PARAMETERS; r++) {
        for (int c = 0; c < r; c++)
            to[r][c] = to[c][r];
        to[r][r] *= 1.001; /* keeps directions that nothing shows still */
    }
}

/* Betters *m by some steps. */
static void
refine(const struct picture *a, const struct picture *b, int steps,
       struct homography *m) {
    for (int i = 0; i < steps; i++) {
        double equations[PARAMETERS][PARAMETERS + 1] = {{0}};
        double d[PARAMETERS];
        struct sums s;
        add_up(a, b, m, &s);
        if (s.n < SEEN_MIN * s.inner)
            return;
        make_equations(a, b, m, &s, equations);
        if (!solve(equations, d))
            return;
        step_back(m, d);
    }
}

/* The best correlation of a with what a homography makes of b. */
static double
best_match(const struct picture a[LEVELS], const struct picture b[LEVELS]) {
    struct homography m = {{1, 0, 0, 0, 1, 0, 0, 0, 1}};
    struct sums s;
    double best = 0;
    for (int level = LEVELS - 1; level >= 0; level--)
        refine(&a[level], &b[level], level_steps[level], &m);
    /* The finest detail tells most, but noise hides it: the next level does
     * not see the noise. */
    for (int level = 0; level < 2; level++) {
        add_up(&a[level], &b[level], &m, &s);
        best = fmax(best, correlation(&s));
    }
    return best;
}

float
sid_plane_flatness(const uint8_t a[SIDE * SIDE], const uint8_t b[SIDE * SIDE]) {
    struct work w;
    make_levels(&w, a, w.a);
    make_levels(&w, b, w.b);
    /* Where the sheet's edges cross the face, one way may fail. */
    double best = fmax(best_match(w.a, w.b), best_match(w.b, w.a));
    sid_wipe(&w, sizeof w);
    return (float)fmin(best, 1);
}

bool
sid_plane_shows(const uint8_t a[SIDE * SIDE]) {
    int inner = 0, seen = 0;
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            if (!is_inner((2 * j + 1.0) / SIDE - 1, (2 * i + 1.0) / SIDE - 1))
                continue;
            inner++;
            seen += is_seen(a, j, i) ? 1 : 0;
        }
    return seen >= SEEN_MIN * inner;
}
