/* plane.h: whether two pictures of a face could be one flat picture seen from
 * two sides.
 *
 * A sheet or a screen that is turned before the camera moves as a plane: some
 * homography (a plane's perspective image) lays one picture exactly onto the
 * other. A head does not: the nose moves against the eyes and the ears, and the
 * face is never twice the same. A print that is bent, or a file warped by a
 * program, is not a plane: this does not find it. So the best homography is
 * searched, and how well the two agree under it is the measure. Light and
 * contrast are taken out first. Pure; any thread; nothing is owned; about 1.1
 * MB of stack. */
#ifndef SMARTID_PLANE_H
#define SMARTID_PLANE_H

#include <stdbool.h>
#include <stdint.h>

#include "smartid/face.h"

/* Two aligned faces (sid_face_print) -> their correlation under the best
 * homography, at most 1; 0 when none was found. Where a photo ends inside its
 * aligned face, the face is black and not looked at. Source of the numbers:
 * 1,350 pairs of frames of three films in which the head has turned by 15 to 33
 * degrees: 0.71 on average, 99 % at 0.88 and less, at most 0.92; 44 portraits
 * and 1,408 plane warps of them by 10 to 45 degrees about both axes (four focal
 * lengths, turned, cropped, blurred, brighter, darker): 99 % at 0.96 and more,
 * at least 0.93; 0.90 where the sheet's own edges cross the face. */
float sid_plane_flatness(const uint8_t a[SID_FACE_GREY_PX * SID_FACE_GREY_PX],
                         const uint8_t b[SID_FACE_GREY_PX * SID_FACE_GREY_PX]);
/* Whether enough of the inner face is there to be looked at: 60 %. Two pictures
 * of which one does not show it are never flat, so whoever needs that must ask
 * this too. */
bool sid_plane_shows(const uint8_t a[SID_FACE_GREY_PX * SID_FACE_GREY_PX]);

#endif
