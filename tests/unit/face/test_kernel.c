/* test_kernel.c: the fast loops of the face networks against plain ones, for
 * every remainder that a row, a panel or a block can leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../../src/face/face_kernel.h"

/* Sums of up to 40 products of numbers below 1. */
#define TOLERANCE 1e-5F
/* Around each output: what must be left alone. */
#define GUARD 16
#define UNTOUCHED 12345.0F

static float
next_number(void) {
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return (float)(state >> 8) / (float)(1u << 23) - 1.0F;
}

static float *
numbers(size_t n) {
    float *out = malloc(n * sizeof *out);
    assert_non_null(out);
    for (size_t i = 0; i < n; i++)
        out[i] = next_number();
    return out;
}

/* Room for n floats between two guards. */
static float *
guarded(size_t n) {
    float *all = malloc((n + 2 * GUARD) * sizeof *all);
    assert_non_null(all);
    for (size_t i = 0; i < n + 2 * GUARD; i++)
        all[i] = UNTOUCHED;
    return all + GUARD;
}

static void
assert_guards(const float *out, size_t n) {
    for (size_t i = 0; i < GUARD; i++) {
        assert_true(out[(ptrdiff_t)i - GUARD] == UNTOUCHED);
        assert_true(out[n + i] == UNTOUCHED);
    }
}

static void
check_product(const struct sid_kernel *kernel, int rows, int depth,
              int columns) {
    size_t m = (size_t)rows, d = (size_t)depth, n = (size_t)columns;
    size_t step = n + 3; /* the columns are a part of a wider matrix */
    float *weights = numbers(m * d), *bias = numbers(m);
    float *in = numbers((d - 1) * step + n); /* nothing is read behind it */
    float *packed = guarded(m * d), *out = guarded((m - 1) * step + n);
    float *panel = guarded(d * (size_t)kernel->columns);
    sid_kernel_pack(weights, rows, depth, packed);
    assert_guards(packed, m * d);
    kernel->multiply(packed, bias, rows, depth, in, step, columns, panel, out,
                     step);
    assert_guards(out, (m - 1) * step + n);
    assert_guards(panel, d * (size_t)kernel->columns);
    for (size_t r = 0; r < m; r++) {
        for (size_t c = 0; c < n; c++) {
            float sum = bias[r];
            for (size_t k = 0; k < d; k++)
                sum += weights[r * d + k] * in[k * step + c];
            assert_true(fabsf(sum - out[r * step + c]) < TOLERANCE);
        }
        for (size_t c = n; r + 1 < m && c < step; c++)
            assert_true(out[r * step + c] == UNTOUCHED);
    }
    free(weights);
    free(bias);
    free(in);
    free(packed - GUARD);
    free(out - GUARD);
    free(panel - GUARD);
}

static float
at(const struct sid_plane *plane, const float *in, int y, int x) {
    if (y < 0 || x < 0 || y >= plane->height || x >= plane->width)
        return 0;
    return in[(size_t)y * (size_t)plane->width + (size_t)x];
}

/* What 3 x 3 weights around a place give. */
static float
around(const struct sid_plane *plane, const float *in, const float *weights,
       int y, int x) {
    float sum = 0;
    for (int i = 0; i < 9; i++)
        sum += weights[i] * at(plane, in, y * plane->stride + i / 3 - 1,
                               x * plane->stride + i % 3 - 1);
    return sum;
}

static void
check_one(const struct sid_kernel *kernel, const struct sid_plane *plane,
          const float *in, const float *filled) {
    int width = sid_plane_out_width(plane);
    int height = sid_plane_out_height(plane);
    size_t n = (size_t)width * (size_t)height;
    float *weights = numbers(9), bias = next_number(), *out = guarded(n);
    kernel->convolve_one(plane, filled, weights, bias, out);
    assert_guards(out, n);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            float expected = bias + around(plane, in, weights, y, x);
            assert_true(fabsf(expected - out[y * width + x]) < TOLERANCE);
        }
    free(weights);
    free(out - GUARD);
}

#define CHANNELS 2

static void
check_all(const struct sid_kernel *kernel, const struct sid_plane *plane,
          const float *in, const float *filled, int rows) {
    int width = sid_plane_out_width(plane);
    int height = sid_plane_out_height(plane);
    size_t n = (size_t)width * (size_t)height, m = (size_t)rows;
    size_t in_floats = (size_t)plane->width * (size_t)plane->height;
    float *weights = numbers(m * CHANNELS * 9), *bias = numbers(m);
    float *packed = guarded(m * CHANNELS * 9), *out = guarded(m * n);
    size_t tap[CHANNELS * 9];
    sid_kernel_pack(weights, rows, CHANNELS * 9, packed);
    kernel->convolve(plane, filled, CHANNELS, packed, bias, rows, tap, out);
    assert_guards(out, m * n);
    for (size_t r = 0; r < m; r++)
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++) {
                const float *w = weights + r * CHANNELS * 9;
                float expected = bias[r] + around(plane, in, w, y, x) +
                                 around(plane, in + in_floats, w + 9, y, x);
                float found = out[r * n + (size_t)(y * width + x)];
                assert_true(fabsf(expected - found) < TOLERANCE);
            }
    free(weights);
    free(bias);
    free(packed - GUARD);
    free(out - GUARD);
}

static void
check_planes(const struct sid_kernel *kernel, int width, int height,
             int stride) {
    const struct sid_plane plane = {
        .width = width, .height = height, .stride = stride};
    size_t floats = sid_plane_floats(&plane);
    size_t in_floats = (size_t)width * (size_t)height;
    float *filled = guarded(CHANNELS * floats);
    memset(filled, 0, CHANNELS * floats * sizeof *filled);
    /* The second time it is as the first has left it. */
    for (int time = 0; time < 2; time++) {
        float *in = numbers(CHANNELS * in_floats);
        for (size_t c = 0; c < CHANNELS; c++)
            sid_plane_fill(&plane, in + c * in_floats, filled + c * floats);
        check_one(kernel, &plane, in, filled);
        check_all(kernel, &plane, in, filled, 1 + (width + height) % 13);
        free(in);
    }
    assert_guards(filled, CHANNELS * floats);
    free(filled - GUARD);
}

/* ---- tests, for each kind of processor ----------------------------------- */

/* NULL: this processor has no such vectors, and OpenCV's loops run. */
static const struct sid_kernel *
kernel_of(void **state) {
    return sid_kernel_of(*(const int *)*state);
}

static void
a_product_of_any_size_is_right_and_stays_in_its_place(void **state) {
    const struct sid_kernel *kernel = kernel_of(state);
    for (int rows = 1; kernel != NULL && rows <= 2 * SID_KERNEL_ROWS + 1;
         rows++)
        for (int columns = 1; columns <= kernel->columns; columns++)
            for (int depth = 1; depth <= 40; depth += 13)
                check_product(kernel, rows, depth, columns);
}

static void
planes_of_any_size_are_convolved_right_and_stay_in_their_place(void **state) {
    const struct sid_kernel *kernel = kernel_of(state);
    for (int stride = 1; kernel != NULL && stride <= 2; stride++)
        for (int width = 1; width <= 70; width++)
            for (int height = 1; height <= 4; height++)
                check_planes(kernel, width, height, stride);
}

static void
there_are_no_loops_for_other_vectors(void **state) {
    (void)state;
    assert_null(sid_kernel_of(4));
    assert_null(sid_kernel_of(32));
}

int
main(void) {
    static int eight = 8, sixteen = 16;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(
            a_product_of_any_size_is_right_and_stays_in_its_place, &eight),
        cmocka_unit_test_prestate(
            a_product_of_any_size_is_right_and_stays_in_its_place, &sixteen),
        cmocka_unit_test_prestate(
            planes_of_any_size_are_convolved_right_and_stay_in_their_place,
            &eight),
        cmocka_unit_test_prestate(
            planes_of_any_size_are_convolved_right_and_stay_in_their_place,
            &sixteen),
        cmocka_unit_test(there_are_no_loops_for_other_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
