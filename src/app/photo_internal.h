/* photo_internal.h: what photo.c (the recipe) and photo_find.c (which face, and
 * which way up) share. Private to src/app. */
#ifndef SMARTID_PHOTO_INTERNAL_H
#define SMARTID_PHOTO_INTERNAL_H

#include "smartid/face.h"
#include "smartid/image.h"
#include "smartid/photo.h"

/* What was found on a picture in one orientation. */
struct sid_photo_find {
    struct sid_image turned; /* the picture after the turns; empty for 0 */
    int turns;               /* clockwise quarters */
    struct sid_face_box box; /* the face, in the turned picture */
    int faces;               /* that count; 0: nothing was found */
    bool has_print;
    struct sid_face_print
        print; /* of the face as the turned picture shows it */
};

/* Who looks for faces, and how long the networks took altogether. */
struct sid_photo_seeker {
    struct sid_face_engine *engine; /* borrowed */
    float ms_landmark, ms_embed;
};

/* Finds the face of a selfie: the widest one, the photo being upright. */
SID_FALLIBLE enum sid_err sid_photo_find_selfie(struct sid_photo_seeker *seeker,
                                                const struct sid_image *image,
                                                struct sid_photo_find *out);
/* Finds the portrait on a card that lies in any of four orientations. */
SID_FALLIBLE enum sid_err sid_photo_find_card(struct sid_photo_seeker *seeker,
                                              const struct sid_image *image,
                                              struct sid_photo_find *out);
/* Wipes and frees. */
void sid_photo_find_fini(struct sid_photo_find *find);

/* ---- photo_portrait.c --------------------------------------------------- */
/* Cuts the face of that box, and what is round it, out of an image. */
void sid_photo_cut_portrait(const struct sid_image *image,
                            const struct sid_face_box *box,
                            uint8_t bgr[SID_PORTRAIT_PIXEL_BYTES]);

/* Milliseconds since *at_us, which moves to now. */
float sid_photo_lap_ms(int64_t *at_us);

/* A box of a picture of w x h pixels after clockwise quarter turns of it, and
 * back (w x h: before the turns, in both). */
struct sid_face_box sid_photo_turn_box(struct sid_face_box box, int turns,
                                       float w, float h);
struct sid_face_box sid_photo_unturn_box(struct sid_face_box box, int turns,
                                         float w, float h);

#endif
