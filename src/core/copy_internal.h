/* copy_internal.h: what copy.c (compare) and copy_lay.c (lay one face over the
 * other) share. Private to src/core. A plane is side * side floats. */
#ifndef SID_COPY_INTERNAL_H
#define SID_COPY_INTERNAL_H

#include "smartid/copy.h"

/* Part of the aligned face that is looked at, in its pixels: brows to lower
 * lip, cheek to cheek; all of it is face in any upright photo. */
#define SID_COPY_LEFT 20
#define SID_COPY_TOP 36
#define SID_COPY_RIGHT 92
#define SID_COPY_BOTTOM 102

/* A projective map from points of the first face to points of the second, in
 * units of half a side from the middle, row by row. */
struct sid_copy_map {
    double h[9];
};
#define SID_COPY_IDENTITY ((struct sid_copy_map){{1, 0, 0, 0, 1, 0, 0, 0, 1}})

/* What a map may do: the number of its parameters. */
enum sid_copy_motion {
    SID_COPY_SIMILARITY = 4, /* shift, turn, scale */
    SID_COPY_AFFINE = 6,
    SID_COPY_PROJECTIVE = 8 /* a plane seen from anywhere */
};

/* Improves *map until b, seen through it, is most like a (both without slow
 * changes of light, equal in contrast). step: every how many pixels. */
void sid_copy_lay(const float *a, const float *b, int side, int step,
                  enum sid_copy_motion motion, struct sid_copy_map *map);

/* b seen through the map. */
void sid_copy_warp(const float *b, int side, const struct sid_copy_map *map,
                   float *out);

#endif
