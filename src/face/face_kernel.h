/* face_kernel.h: the inner loops of the two kinds of convolution that the
 * networks spend their time in, for processors with AVX2 and FMA. Private to
 * src/face. Pure; any thread; who calls owns all memory. */
#ifndef SID_FACE_KERNEL_H
#define SID_FACE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

/* Whether this processor can run what is here; nothing else may be called
 * where it cannot. */
bool sid_kernels_usable(void);

/* Columns of a panel, and rows of weights that are multiplied at a time.
 * Source: 6 x 16 sums are 12 of the 16 vector registers. */
#define SID_PANEL_COLUMNS 16
#define SID_PANEL_ROWS 6

/* Brings weights (rows x depth, row by row) into the order in which
 * sid_multiply_panel() reads them: blocks of SID_PANEL_ROWS rows, each depth by
 * depth. out: rows * depth floats. */
void sid_pack_rows(const float *weights, int rows, int depth, float *out);

/* out[r][c] = bias[r] + sum over k of weights[r][k] * in[k][c], for `columns`
 * (1 to SID_PANEL_COLUMNS) columns; rows of in are in_step floats apart, those
 * of out out_step. panel: room for depth * SID_PANEL_COLUMNS floats. */
void sid_multiply_panel(const float *packed, const float *bias, int rows,
                        int depth, const float *in, size_t in_step, int columns,
                        float *panel, float *out, size_t out_step);

/* A 3 x 3 convolution of one plane with a border of one zero around it. */
struct sid_plane_conv {
    int in_width, in_height;
    int stride;                /* 1 or 2 */
    int out_width, out_height; /* (in - 1) / stride + 1 */
};

/* Floats of room that sid_convolve_plane() needs. */
size_t sid_plane_room(const struct sid_plane_conv *shape);

/* weights: 9, row by row. room: sid_plane_room() floats, zeros at first; left
 * so that a next plane of the same shape can have it as it is. */
void sid_convolve_plane(const struct sid_plane_conv *shape, const float *in,
                        const float *weights, float bias, float *room,
                        float *out);

#endif
