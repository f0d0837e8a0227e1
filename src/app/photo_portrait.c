/* photo_portrait.c: the small picture of a face that a counter may see: cut out
 * on the engine's thread, in a face process as a rule; made into a file where
 * nobody's photo has been read. Owns nothing beyond a call. */
#include "photo_internal.h"

/* Height of the cut in sides of the detector's box, which goes from the chin to
 * the middle of the forehead: hair and neck are in it, and as on a passport
 * photo the face takes up half. Source: own choice. */
#define CUT 2.2F

/* As much of the cut as lies inside the image, moved there if need be. */
static struct sid_image_part
cut_out(const struct sid_image *image, const struct sid_face_box *box) {
    const float shape =
        (float)SID_PORTRAIT_WIDTH_PX / (float)SID_PORTRAIT_HEIGHT_PX;
    float w = (float)image->width_px, h = (float)image->height_px;
    float height = CUT * (box->w > box->h ? box->w : box->h);
    if (height > h)
        height = h;
    if (height * shape > w)
        height = w / shape;
    struct sid_image_part part = {.w = height * shape, .h = height};
    part.x = box->x + box->w / 2 - part.w / 2;
    part.y = box->y + box->h / 2 - part.h / 2;
    part.x = part.x < 0 ? 0 : part.x > w - part.w ? w - part.w : part.x;
    part.y = part.y < 0 ? 0 : part.y > h - part.h ? h - part.h : part.y;
    return part;
}

void
sid_photo_cut_portrait(const struct sid_image *image,
                       const struct sid_face_box *box,
                       uint8_t bgr[SID_PORTRAIT_PIXEL_BYTES]) {
    sid_image_fit(image, cut_out(image, box), SID_PORTRAIT_WIDTH_PX,
                  SID_PORTRAIT_HEIGHT_PX, bgr);
}

enum sid_err
sid_portrait_write(uint8_t bgr[SID_PORTRAIT_PIXEL_BYTES], struct sid_buf *out) {
    const struct sid_image image = {
        .bgr = bgr,
        .stride_bytes = (size_t)SID_PORTRAIT_WIDTH_PX * 3,
        .width_px = SID_PORTRAIT_WIDTH_PX,
        .height_px = SID_PORTRAIT_HEIGHT_PX,
    };
    return sid_image_write_jpeg(&image, SID_PORTRAIT_MAX_BYTES, out);
}
