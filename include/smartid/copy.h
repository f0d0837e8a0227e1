/* copy.h: whether two faces are one and the same picture.
 *
 * Two photos of a person differ in expression, gaze, hair and light, however
 * alike they are to the face network; two copies of one photo agree in every
 * part of the face, whatever was done to the file. Pure; any thread; owns
 * nothing beyond a call, and wipes what it made of the faces. */
#ifndef SMARTID_COPY_H
#define SMARTID_COPY_H

#include <stdint.h>

/* Side of an aligned face (see face.h, sid_face_print.grey). */
#define SID_COPY_PX 112

/* How far two aligned grey faces agree where they agree least, -1..1: lays the
 * second one (or its mirror image) over the first, allowing for shift, turn,
 * scale and the view of a tilted plane, makes both equally sharp, and compares
 * fine detail tile by tile. The order matters little. About 2 ms and 400 KB of
 * stack. */
float sid_copy_score(const uint8_t a[SID_COPY_PX * SID_COPY_PX],
                     const uint8_t b[SID_COPY_PX * SID_COPY_PX]);

#endif
