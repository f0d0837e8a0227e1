/* face_kernel.h: the inner loops of the convolutions that the networks spend
 * their time in, for processors with AVX2 and FMA, or AVX-512. Private to
 * src/face. Pure; any thread; who calls owns all memory. */
#ifndef SID_FACE_KERNEL_H
#define SID_FACE_KERNEL_H

#include <stddef.h>

/* Rows of weights that are multiplied at a time, with two vectors of columns:
 * 12 sums. Source: AVX2 has 16 registers; fewer sums wait for each other. */
#define SID_KERNEL_ROWS 6

/* A plane with a border of zeros, as sid_kernel_fill() lays it out. */
struct sid_plane {
    int width, height; /* without the border */
    int stride;        /* 1 or 2: of the 3 x 3 convolution over it */
};

/* The loops for one kind of processor. */
struct sid_kernel {
    int columns; /* that are multiplied at a time */

    /* out[r][c] = bias[r] + sum over k of weights[r][k] * in[k][c], for c from
     * 0 to columns - 1; rows of in are in_step floats apart, those of out
     * out_step. packed: the weights, see sid_kernel_pack(). panel: room for
     * depth * kernel->columns floats. */
    void (*multiply)(const float *packed, const float *bias, int rows,
                     int depth, const float *in, size_t in_step, int columns,
                     float *panel, float *out, size_t out_step);

    /* 3 x 3 over `channels` planes one after the other in `filled`, each plane
     * with all its weights into each of `rows` planes of out. packed: rows x
     * (channels * 9). tap: room for channels * 9 numbers. */
    void (*convolve)(const struct sid_plane *plane, const float *filled,
                     int channels, const float *packed, const float *bias,
                     int rows, size_t *tap, float *out);

    /* 3 x 3 over one plane. weights: 9. */
    void (*convolve_one)(const struct sid_plane *plane, const float *filled,
                         const float *weights, float bias, float *out);
};

/* The loops for vectors of 8 or 16 floats; NULL where the processor has none
 * such. */
const struct sid_kernel *sid_kernel_of(int floats);
/* The fastest there are, or NULL. */
const struct sid_kernel *sid_kernel_best(void);

/* Brings weights (rows x depth, row by row) into the order in which they are
 * read: blocks of SID_KERNEL_ROWS rows, each depth by depth. out: rows * depth
 * floats. */
void sid_kernel_pack(const float *weights, int rows, int depth, float *out);

/* Sides of the plane after the convolution. */
int sid_plane_out_width(const struct sid_plane *plane);
int sid_plane_out_height(const struct sid_plane *plane);
/* Floats that a filled plane takes. */
size_t sid_plane_floats(const struct sid_plane *plane);
/* Lays a plane out. to: sid_plane_floats() floats, zeros at first; the next
 * plane of the same shape can be laid over it. */
void sid_plane_fill(const struct sid_plane *plane, const float *in, float *to);

#endif
