/* image_priv.h: what the files of src/image share with each other only. */
#ifndef SID_IMAGE_PRIV_H
#define SID_IMAGE_PRIV_H

#include "smartid/image.h"

/* image_scan_jpeg.c: walks the markers of a JPEG file behind its magic bytes.
 * Fills info except width_px/height_px; *out_enough says whether the data can
 * be that many pixels. Errors: SID_E_IMAGE_UNREADABLE. */
SID_FALLIBLE enum sid_err sid_jpeg_scan(struct sid_span file,
                                        struct sid_image_info *info,
                                        bool *out_enough);
/* image_scan_png.c: the same for the chunks of a PNG file. */
SID_FALLIBLE enum sid_err sid_png_scan(struct sid_span file,
                                       struct sid_image_info *info,
                                       bool *out_enough);

static inline uint32_t
sid_be16(const uint8_t *p) {
    return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t
sid_be32(const uint8_t *p) {
    return sid_be16(p) << 16 | sid_be16(p + 2);
}

/* image_exif.c: the orientation (1..8) in a TIFF block, 1 when there is none
 * or the block makes no sense: it is advice, never a reason to refuse. */
int sid_exif_orientation(struct sid_span tiff);

/* Decodes the part `rect` (file coordinates, inside the file) at 1/denom
 * (1, 2, 4 or 8). *out gets pixels in file orientation, origin and scale in
 * file coordinates; it may begin a little before the wanted part. */
SID_FALLIBLE enum sid_err sid_jpeg_decode(struct sid_span file,
                                          const struct sid_image_info *info,
                                          const struct sid_image_rect *rect,
                                          int denom, struct sid_image *out);
SID_FALLIBLE enum sid_err sid_png_decode(struct sid_span file,
                                         const struct sid_image_info *info,
                                         const struct sid_image_rect *rect,
                                         int denom, struct sid_image *out);

/* A quarter turn or mirror as EXIF means it: first mirror in the file's own
 * axes, then exchange the axes. */
struct sid_flip {
    bool mirror_x, mirror_y, swap;
};
SID_FALLIBLE enum sid_err sid_image_flip(const struct sid_image *image,
                                         struct sid_flip flip,
                                         struct sid_image *out);

#endif
