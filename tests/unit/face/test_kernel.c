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
skip_without_avx2(void) {
    if (!sid_kernels_usable())
        skip();
}

static void
check_product(int rows, int depth, int columns) {
    size_t m = (size_t)rows, d = (size_t)depth, n = (size_t)columns;
    size_t step = n + 3; /* the panel is a part of a wider matrix */
    float *weights = numbers(m * d), *bias = numbers(m);
    float *in = numbers((d - 1) * step + n); /* ends where the panel ends */
    float *packed = guarded(m * d), *out = guarded((m - 1) * step + n);
    float *panel = malloc(d * SID_PANEL_COLUMNS * sizeof *panel);
    sid_pack_rows(weights, rows, depth, packed);
    assert_guards(packed, m * d);
    sid_multiply_panel(packed, bias, rows, depth, in, step, columns, panel, out,
                       step);
    assert_guards(out, (m - 1) * step + n);
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
    free(panel);
}

static void
a_product_of_any_size_is_right_and_stays_in_its_place(void **state) {
    (void)state;
    skip_without_avx2();
    for (int rows = 1; rows <= 2 * SID_PANEL_ROWS + 1; rows++)
        for (int columns = 1; columns <= SID_PANEL_COLUMNS; columns++)
            for (int depth = 1; depth <= 40; depth += 13)
                check_product(rows, depth, columns);
}

static float
at(const struct sid_plane_conv *shape, const float *in, int y, int x) {
    if (y < 0 || x < 0 || y >= shape->in_height || x >= shape->in_width)
        return 0;
    return in[(size_t)y * (size_t)shape->in_width + (size_t)x];
}

static void
check_plane(int width, int height, int stride) {
    const struct sid_plane_conv shape = {.in_width = width,
                                         .in_height = height,
                                         .stride = stride,
                                         .out_width = (width - 1) / stride + 1,
                                         .out_height =
                                             (height - 1) / stride + 1};
    size_t n = (size_t)shape.out_width * (size_t)shape.out_height;
    size_t room_len = sid_plane_room(&shape);
    float *room = guarded(room_len), *out = guarded(n);
    memset(room, 0, room_len * sizeof *room);
    /* The second plane finds the room as the first has left it. */
    for (int plane = 0; plane < 2; plane++) {
        float *in = numbers((size_t)width * (size_t)height);
        float *weights = numbers(9), bias = next_number();
        sid_convolve_plane(&shape, in, weights, bias, room, out);
        for (int y = 0; y < shape.out_height; y++)
            for (int x = 0; x < shape.out_width; x++) {
                float sum = bias;
                for (int i = 0; i < 9; i++)
                    sum += weights[i] * at(&shape, in, y * stride + i / 3 - 1,
                                           x * stride + i % 3 - 1);
                float found =
                    out[(size_t)y * (size_t)shape.out_width + (size_t)x];
                assert_true(fabsf(sum - found) < TOLERANCE);
            }
        free(in);
        free(weights);
    }
    assert_guards(out, n);
    assert_guards(room, room_len);
    free(room - GUARD);
    free(out - GUARD);
}

static void
a_plane_of_any_size_is_convolved_right_and_stays_in_its_place(void **state) {
    (void)state;
    skip_without_avx2();
    for (int stride = 1; stride <= 2; stride++)
        for (int width = 1; width <= 35; width++)
            for (int height = 1; height <= 5; height++)
                check_plane(width, height, stride);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_product_of_any_size_is_right_and_stays_in_its_place),
        cmocka_unit_test(
            a_plane_of_any_size_is_convolved_right_and_stays_in_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
