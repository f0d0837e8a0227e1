/* face_kernel.c: which loops this processor can run, and how planes and weights
 * are laid out for them (face_kernel.h); the loops themselves are in
 * face_kernel_loops.h. They are compiled for their processor one by one,
 * because the rest of the daemon runs on any. Owns nothing. */
#include "face_kernel.h"

#include <string.h>

/* 3 x 3. */
#define TAPS 9
/* Behind each row: a vector that begins in the row may end there. Two vectors
 * are read at a time. */
#define SLACK 32

void
sid_kernel_pack(const float *weights, int rows, int depth, float *out) {
    for (int at = 0; at < rows; at += SID_KERNEL_ROWS) {
        int n = rows - at < SID_KERNEL_ROWS ? rows - at : SID_KERNEL_ROWS;
        for (int k = 0; k < depth; k++)
            for (int r = 0; r < n; r++)
                *out++ = weights[(size_t)(at + r) * (size_t)depth + (size_t)k];
    }
}

/* A plane has a border of one zero. With stride 2 each row is kept as its even
 * columns, then its odd ones, so that neighbours in the output are neighbours
 * there. */
struct layout {
    size_t row, odd, floats; /* of a row, to its odd columns, of the plane */
    size_t tap[TAPS];        /* what each weight looks at, from there on */
};

static struct layout
layout_of(const struct sid_plane *plane) {
    size_t padded = (size_t)plane->width + 2;
    size_t part = plane->stride == 1 ? padded : (padded + 1) / 2;
    struct layout out = {.row = part * (size_t)plane->stride + SLACK,
                         .odd = plane->stride == 1 ? 0 : part};
    out.floats = out.row * ((size_t)plane->height + 2) + SLACK;
    for (size_t y = 0; y < 3; y++) {
        size_t *tap = out.tap + 3 * y;
        tap[0] = y * out.row;
        tap[1] = tap[0] + (plane->stride == 1 ? 1 : out.odd);
        tap[2] = tap[0] + (plane->stride == 1 ? 2 : 1);
    }
    return out;
}

int
sid_plane_out_width(const struct sid_plane *plane) {
    return (plane->width - 1) / plane->stride + 1;
}

int
sid_plane_out_height(const struct sid_plane *plane) {
    return (plane->height - 1) / plane->stride + 1;
}

size_t
sid_plane_floats(const struct sid_plane *plane) {
    return layout_of(plane).floats;
}

void
sid_plane_fill(const struct sid_plane *plane, const float *in, float *to) {
    struct layout layout = layout_of(plane);
    size_t width = (size_t)plane->width;
    for (int y = 0; y < plane->height; y++, in += width) {
        float *row = to + (size_t)(y + 1) * layout.row;
        if (plane->stride == 1) {
            memcpy(row + 1, in, width * sizeof *in);
            continue;
        }
        /* With the border, column x of the plane is column x + 1. */
        float *even = row + 1, *odd = row + layout.odd;
        size_t x = 0;
        for (; x + 1 < width; x += 2) {
            *odd++ = in[x];
            *even++ = in[x + 1];
        }
        if (x < width)
            *odd = in[x];
    }
}

#ifdef __x86_64__
#include <immintrin.h>

/* The first n lanes; all for 8 and more, none for 0 and less. */
static inline __attribute__((always_inline, target("avx2,fma"))) __m256i
first_of_8(int n) {
    const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), index);
}

#define NAME(x) x##_8
#define FOR_IT __attribute__((target("avx2,fma")))
#define LANES 8
#define VEC __m256
#define MASK __m256i
#define FIRST(n) first_of_8(n)
#define LOAD(at) _mm256_loadu_ps(at)
#define STORE(at, v) _mm256_storeu_ps(at, v)
#define LOAD_MASKED(mask, at) _mm256_maskload_ps(at, mask)
#define STORE_MASKED(at, mask, v) _mm256_maskstore_ps(at, mask, v)
#define SET1(x) _mm256_set1_ps(x)
#define FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#include "face_kernel_loops.h"
#undef NAME
#undef FOR_IT
#undef LANES
#undef VEC
#undef MASK
#undef FIRST
#undef LOAD
#undef STORE
#undef LOAD_MASKED
#undef STORE_MASKED
#undef SET1
#undef FMA

/* The same for 16 lanes. */
static inline __mmask16
first_of_16(int n) {
    if (n >= 16)
        return 0xFFFF;
    return (__mmask16)(n <= 0 ? 0 : (1u << n) - 1);
}

#define NAME(x) x##_16
#define FOR_IT __attribute__((target("avx512f")))
#define LANES 16
#define VEC __m512
#define MASK __mmask16
#define FIRST(n) first_of_16(n)
#define LOAD(at) _mm512_loadu_ps(at)
#define STORE(at, v) _mm512_storeu_ps(at, v)
#define LOAD_MASKED(mask, at) _mm512_maskz_loadu_ps(mask, at)
#define STORE_MASKED(at, mask, v) _mm512_mask_storeu_ps(at, mask, v)
#define SET1(x) _mm512_set1_ps(x)
#define FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#include "face_kernel_loops.h"

const struct sid_kernel *
sid_kernel_of(int floats) {
    if (floats == 8 && __builtin_cpu_supports("avx2") &&
        __builtin_cpu_supports("fma"))
        return &kernel_8;
    if (floats == 16 && __builtin_cpu_supports("avx512f"))
        return &kernel_16;
    return NULL;
}

#else

/* OpenCV's own loops run there. */
const struct sid_kernel *
sid_kernel_of(int floats) {
    (void)floats;
    return NULL;
}

#endif

const struct sid_kernel *
sid_kernel_best(void) {
    const struct sid_kernel *widest = sid_kernel_of(16);
    return widest != NULL ? widest : sid_kernel_of(8);
}
