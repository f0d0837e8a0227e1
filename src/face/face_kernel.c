/* face_kernel.c: inner loops for AVX2 and FMA, see face_kernel.h. Written with
 * intrinsics, because at -O2 the compiler makes no vectors of such loops, and
 * compiled for AVX2 function by function, because the rest of the daemon runs
 * on any processor. Owns nothing. */
#include "face_kernel.h"

#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>

#define FOR_AVX2 __attribute__((target("avx2,fma")))
#define INLINE static inline __attribute__((always_inline)) FOR_AVX2
#define LANES 8

bool
sid_kernels_usable(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

/* The first n lanes of a vector; all for 8 and more, none for 0 and less. */
INLINE __m256i
lane_mask(int n) {
    const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), index);
}

/* ---- products of matrices ------------------------------------------------ */

void
sid_pack_rows(const float *weights, int rows, int depth, float *out) {
    for (int at = 0; at < rows; at += SID_PANEL_ROWS) {
        int n = rows - at < SID_PANEL_ROWS ? rows - at : SID_PANEL_ROWS;
        for (int k = 0; k < depth; k++)
            for (int r = 0; r < n; r++)
                *out++ = weights[(size_t)(at + r) * (size_t)depth + (size_t)k];
    }
}

/* `rows` is known where this is inlined, so that the loops over it are unrolled
 * and the sums stay in registers. */
INLINE void
multiply_rows(int rows, const float *packed, const float *bias, int depth,
              const float *panel, int columns, float *out, size_t out_step) {
    __m256 left[SID_PANEL_ROWS], right[SID_PANEL_ROWS];
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++)
        left[r] = right[r] = _mm256_set1_ps(bias[r]);
    for (int k = 0; k < depth; k++) {
        __m256 in_left = _mm256_loadu_ps(panel);
        __m256 in_right = _mm256_loadu_ps(panel + LANES);
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++) {
            __m256 weight = _mm256_broadcast_ss(packed + r);
            left[r] = _mm256_fmadd_ps(weight, in_left, left[r]);
            right[r] = _mm256_fmadd_ps(weight, in_right, right[r]);
        }
        panel += SID_PANEL_COLUMNS;
        packed += rows;
    }
    __m256i mask_left = lane_mask(columns);
    __m256i mask_right = lane_mask(columns - LANES);
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
        _mm256_maskstore_ps(out, mask_left, left[r]);
        if (columns > LANES)
            _mm256_maskstore_ps(out + LANES, mask_right, right[r]);
        out += out_step;
    }
}

FOR_AVX2 static void
multiply_block(int rows, const float *packed, const float *bias, int depth,
               const float *panel, int columns, float *out, size_t out_step) {
#define CASE(n)                                                                \
    case n:                                                                    \
        multiply_rows(n, packed, bias, depth, panel, columns, out, out_step);  \
        break
    switch (rows) {
        CASE(1);
        CASE(2);
        CASE(3);
        CASE(4);
        CASE(5);
    default:
        multiply_rows(SID_PANEL_ROWS, packed, bias, depth, panel, columns, out,
                      out_step);
    }
#undef CASE
}

/* The columns next to each other: rows of the input are often a multiple of
 * 4 KiB apart, of which the cache holds a few only. */
FOR_AVX2 static void
pack_panel(const float *in, size_t in_step, int depth, int columns,
           float *panel) {
    __m256i left = lane_mask(columns), right = lane_mask(columns - LANES);
    for (int k = 0; k < depth; k++) {
        _mm256_storeu_ps(panel, _mm256_maskload_ps(in, left));
        _mm256_storeu_ps(panel + LANES,
                         columns > LANES ? _mm256_maskload_ps(in + LANES, right)
                                         : _mm256_setzero_ps());
        in += in_step;
        panel += SID_PANEL_COLUMNS;
    }
}

void
sid_multiply_panel(const float *packed, const float *bias, int rows, int depth,
                   const float *in, size_t in_step, int columns, float *panel,
                   float *out, size_t out_step) {
    pack_panel(in, in_step, depth, columns, panel);
    for (int at = 0; at < rows; at += SID_PANEL_ROWS) {
        int n = rows - at < SID_PANEL_ROWS ? rows - at : SID_PANEL_ROWS;
        multiply_block(n, packed, bias + at, depth, panel, columns, out,
                       out_step);
        packed += (size_t)n * (size_t)depth;
        out += (size_t)n * out_step;
    }
}

/* ---- planes --------------------------------------------------------------
 */

/* Room holds the plane with its border. With stride 2 each row is kept as its
 * even columns, then its odd ones, so that neighbours in the output are
 * neighbours there. Behind each part is room for a vector that begins in it. */
struct room {
    int rows;
    size_t part, row; /* floats of a part, of a row */
};

static struct room
room_of(const struct sid_plane_conv *shape) {
    int padded = shape->in_width + 2;
    int part = (padded + shape->stride - 1) / shape->stride + LANES;
    return (struct room){.rows = shape->in_height + 2,
                         .part = (size_t)part,
                         .row = (size_t)part * (size_t)shape->stride};
}

size_t
sid_plane_room(const struct sid_plane_conv *shape) {
    struct room room = room_of(shape);
    return (size_t)room.rows * room.row;
}

static void
fill_room(const struct sid_plane_conv *shape, const struct room *room,
          const float *in, float *to) {
    size_t width = (size_t)shape->in_width;
    for (int y = 0; y < shape->in_height; y++, in += width) {
        float *row = to + (size_t)(y + 1) * room->row;
        if (shape->stride == 1) {
            memcpy(row + 1, in, width * sizeof *in);
            continue;
        }
        /* With the border, column x of the plane is column x + 1. */
        float *even = row + 1, *odd = row + room->part;
        for (size_t x = 0; x < width; x += 2) {
            *odd++ = in[x];
            if (x + 1 < width)
                *even++ = in[x + 1];
        }
    }
}

/* One row of the output. tap: where the first weight of each column looks. */
INLINE void
convolve_row(const float *const tap[3], size_t row, const __m256 w[9],
             __m256 bias, int width, float *out) {
    for (int x = 0; x < width; x += LANES) {
        __m256 sum = bias;
#pragma GCC unroll 3
        for (size_t y = 0; y < 3; y++)
#pragma GCC unroll 3
            for (size_t c = 0; c < 3; c++)
                sum = _mm256_fmadd_ps(
                    w[3 * y + c], _mm256_loadu_ps(tap[c] + y * row + x), sum);
        _mm256_maskstore_ps(out + x, lane_mask(width - x), sum);
    }
}

FOR_AVX2 void
sid_convolve_plane(const struct sid_plane_conv *shape, const float *in,
                   const float *weights, float bias, float *room, float *out) {
    struct room sides = room_of(shape);
    fill_room(shape, &sides, in, room);
    __m256 w[9], start = _mm256_set1_ps(bias);
    for (int i = 0; i < 9; i++)
        w[i] = _mm256_broadcast_ss(weights + i);
    for (int y = 0; y < shape->out_height; y++, out += shape->out_width) {
        const float *top = room + (size_t)(y * shape->stride) * sides.row;
        const float *tap[3] = {top, top + 1, top + 2};
        if (shape->stride == 2) {
            tap[1] = top + sides.part;
            tap[2] = top + 1;
        }
        convolve_row(tap, sides.row, w, start, shape->out_width, out);
    }
}

#else

#include "smartid/err.h"

bool
sid_kernels_usable(void) {
    return false; /* OpenCV's own loops run there */
}
void
sid_pack_rows(const float *weights, int rows, int depth, float *out) {
    (void)weights, (void)rows, (void)depth, (void)out;
    SID_ASSERT(!"usable");
}
void
sid_multiply_panel(const float *packed, const float *bias, int rows, int depth,
                   const float *in, size_t in_step, int columns, float *panel,
                   float *out, size_t out_step) {
    (void)packed, (void)bias, (void)rows, (void)depth, (void)in, (void)in_step;
    (void)columns, (void)panel, (void)out, (void)out_step;
    SID_ASSERT(!"usable");
}
size_t
sid_plane_room(const struct sid_plane_conv *shape) {
    (void)shape;
    SID_ASSERT(!"usable");
    return 0;
}
void
sid_convolve_plane(const struct sid_plane_conv *shape, const float *in,
                   const float *weights, float bias, float *room, float *out) {
    (void)shape, (void)in, (void)weights, (void)bias, (void)room, (void)out;
    SID_ASSERT(!"usable");
}

#endif
