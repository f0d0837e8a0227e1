/* face_kernel_loops.h: the loops of face_kernel.c, for one kind of vector:
 * included once for each, with
 *   NAME(x) of that kind      LANES     floats of a vector
 *   VEC, MASK                 LOAD, LOAD_MASKED, STORE_MASKED, SET1, FMA
 *   FIRST(n)                  mask of the first n lanes
 *   FOR_IT                    the attribute that compiles for it
 * Written with intrinsics, because at -O2 the compiler makes no vectors of such
 * loops; functions with a count of rows are inlined where it is a constant, so
 * that their sums stay in registers. */

#define COLUMNS (2 * LANES)
#define INLINE static inline __attribute__((always_inline)) FOR_IT

/* tap: where the floats of each depth begin; NULL: COLUMNS apart. */
INLINE void
NAME(multiply_rows)(int rows, const float *packed, const float *bias, int depth,
                    const float *in, const size_t *tap, int columns, float *out,
                    size_t out_step) {
    VEC left[SID_KERNEL_ROWS], right[SID_KERNEL_ROWS];
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++)
        left[r] = right[r] = SET1(bias[r]);
    for (int k = 0; k < depth; k++) {
        const float *at = tap == NULL ? in + (size_t)k * COLUMNS : in + tap[k];
        VEC in_left = LOAD(at), in_right = LOAD(at + LANES);
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++) {
            VEC weight = SET1(packed[r]);
            left[r] = FMA(weight, in_left, left[r]);
            right[r] = FMA(weight, in_right, right[r]);
        }
        packed += rows;
    }
    MASK mask_left = FIRST(columns), mask_right = FIRST(columns - LANES);
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
        STORE_MASKED(out, mask_left, left[r]);
        if (columns > LANES)
            STORE_MASKED(out + LANES, mask_right, right[r]);
        out += out_step;
    }
}

/* All rows of the weights, block by block. */
INLINE void
NAME(multiply_all)(const float *packed, const float *bias, int rows, int depth,
                   const float *in, const size_t *tap, int columns, float *out,
                   size_t out_step) {
#define CASE(n)                                                                \
    case n:                                                                    \
        NAME(multiply_rows)                                                    \
        (n, packed, bias, depth, in, tap, columns, out, out_step);             \
        break
    while (rows >= SID_KERNEL_ROWS) {
        NAME(multiply_rows)
        (SID_KERNEL_ROWS, packed, bias, depth, in, tap, columns, out, out_step);
        packed += (size_t)SID_KERNEL_ROWS * (size_t)depth;
        bias += SID_KERNEL_ROWS;
        out += SID_KERNEL_ROWS * out_step;
        rows -= SID_KERNEL_ROWS;
    }
    switch (rows) {
        CASE(1);
        CASE(2);
        CASE(3);
        CASE(4);
        CASE(5);
    default:
        break;
    }
#undef CASE
}

/* The columns are first laid next to each other: rows of the input are often a
 * multiple of 4 KiB apart, of which the cache holds a few only. */
FOR_IT static void
NAME(multiply)(const float *packed, const float *bias, int rows, int depth,
               const float *in, size_t in_step, int columns, float *panel,
               float *out, size_t out_step) {
    MASK left = FIRST(columns), right = FIRST(columns - LANES);
    float *to = panel;
    for (int k = 0; k < depth; k++, in += in_step, to += COLUMNS) {
        STORE(to, LOAD_MASKED(left, in));
        STORE(to + LANES,
              columns > LANES ? LOAD_MASKED(right, in + LANES) : SET1(0.0F));
    }
    NAME(multiply_all)
    (packed, bias, rows, depth, panel, NULL, columns, out, out_step);
}

FOR_IT static void
NAME(convolve)(const struct sid_plane *plane, const float *filled, int channels,
               const float *packed, const float *bias, int rows, size_t *tap,
               float *out) {
    const struct layout layout = layout_of(plane);
    const int width = sid_plane_out_width(plane);
    const int height = sid_plane_out_height(plane);
    for (int c = 0; c < channels; c++)
        for (int i = 0; i < TAPS; i++)
            tap[c * TAPS + i] = (size_t)c * layout.floats + layout.tap[i];
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x += COLUMNS) {
            int columns = width - x < COLUMNS ? width - x : COLUMNS;
            NAME(multiply_all)
            (packed, bias, rows, channels * TAPS,
             filled + (size_t)(y * plane->stride) * layout.row + x, tap,
             columns, out + (size_t)y * (size_t)width + x,
             (size_t)width * (size_t)height);
        }
}

FOR_IT static void
NAME(convolve_one)(const struct sid_plane *plane, const float *filled,
                   const float *weights, float bias, float *out) {
    const struct layout layout = layout_of(plane);
    const int width = sid_plane_out_width(plane);
    const int height = sid_plane_out_height(plane);
    VEC w[TAPS], start = SET1(bias);
    for (int i = 0; i < TAPS; i++)
        w[i] = SET1(weights[i]);
    for (int y = 0; y < height; y++, out += width) {
        const float *in = filled + (size_t)(y * plane->stride) * layout.row;
        for (int x = 0; x < width; x += LANES) {
            VEC sum = start;
#pragma GCC unroll 9
            for (int i = 0; i < TAPS; i++)
                sum = FMA(w[i], LOAD(in + x + layout.tap[i]), sum);
            STORE_MASKED(out + x, FIRST(width - x), sum);
        }
    }
}

static const struct sid_kernel NAME(kernel) = {
    .columns = COLUMNS,
    .multiply = NAME(multiply),
    .convolve = NAME(convolve),
    .convolve_one = NAME(convolve_one),
};

#undef COLUMNS
#undef INLINE
