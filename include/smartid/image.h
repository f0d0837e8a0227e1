/* image.h: from the bytes of a photo to bounded pixels.
 *
 * Everything here works on files that strangers sent. Magic bytes, structure
 * and dimensions are judged before libjpeg-turbo or libpng is called and
 * before memory is taken; pixels are 8-bit BGR, upright as EXIF says, and are
 * wiped when they are freed. Any thread; an image has one owner at a time. */
#ifndef SMARTID_IMAGE_H
#define SMARTID_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "smartid/buf.h"
#include "smartid/err.h"

/* Source: 5712 x 4284 (24.47 million), the usual photo of phones with 48-
 * megapixel sensors since 2023; issue 2 part C had 6000 x 4000. */
#define SID_IMAGE_MAX_PX 24500000
/* Source: a face needs 112 px across; with a margin for hair and neck that is
 * no photo of a face below this side. */
#define SID_IMAGE_MIN_SIDE_PX 160
/* A progressive JPEG repeats its work per scan; encoders use 10 or fewer.
 * Source: issue 2 part C. */
#define SID_IMAGE_MAX_SCANS 32
/* What a file may have beside its pixels: all segments of a JPEG together
 * (APPn, comments, tables, headers), all chunks of a PNG but the content of its
 * IDAT. Source: issue 3 part B; a phone's EXIF with its thumbnail and a colour
 * profile are 64 KiB and a few. */
#define SID_IMAGE_MAX_EXTRA_BYTES (256 * 1024)

enum sid_image_format { SID_IMAGE_JPEG, SID_IMAGE_PNG };

/* What the file says of itself. */
struct sid_image_info {
    enum sid_image_format format;
    int width_px, height_px;           /* upright: after the orientation */
    int file_width_px, file_height_px; /* as stored */
    int orientation;                   /* EXIF, 1..8; 1 when it says nothing */
};

/* Judges a file without decoding it, in one pass, taking no memory. Refused as
 * unreadable: what is neither JPEG nor PNG; a JPEG that is not baseline,
 * extended or progressive (Huffman-coded, 8 bits, 1 or 3 components), has two
 * frames, more than SID_IMAGE_MAX_SCANS scans, a marker that no camera writes
 * or restart markers out of turn; a PNG that is not of 8 bits, is interlaced or
 * animated, has unknown or misplaced critical chunks, a wrong checksum in one,
 * or no end; more than SID_IMAGE_MAX_EXTRA_BYTES beside the pixels; less data
 * than the pixels need at least. What follows the end is not looked at, and a
 * JPEG's end marker may be missing. Of a damaged file that is neither large nor
 * small, decoding may still find that it is unreadable. Errors:
 * SID_E_IMAGE_UNREADABLE, SID_E_IMAGE_TOO_LARGE, SID_E_IMAGE_TOO_SMALL. */
SID_FALLIBLE enum sid_err sid_image_probe(struct sid_span file,
                                          struct sid_image_info *out);

/* A part of the upright full-size photo, in its pixels. w 0: all of it. */
struct sid_image_rect {
    int x, y, w, h;
};

struct sid_image_want {
    struct sid_image_rect region;
    /* The file is decoded at 1/8, 1/4, 1/2 or 1/1, the smallest that leaves
     * the long side of the region at least this. 0: full size. */
    int min_long_px;
};

/* Pixels: rows of width_px * 3 bytes, blue first. */
struct sid_image {
    uint8_t *bgr;
    size_t stride_bytes;
    int width_px, height_px;
    /* Where these pixels lie in the upright full-size photo: its size, the
     * place of our top left corner, our pixels per one of its. */
    int full_width_px, full_height_px;
    float origin_x_px, origin_y_px;
    float scale;
};

#define SID_IMAGE_EMPTY ((struct sid_image){0})

/* Decodes (a part of) a file; the result covers at least the wanted region as
 * far as it lies inside the photo. A file that lacks lines or scans, or that
 * the library warns of, is unreadable (a JPEG's end marker may be missing, and
 * bytes that belong to nothing may stand before it); alpha is laid over white.
 * *out must be empty. Errors: those of sid_image_probe(),
 * SID_E_ARGUMENT (region outside the photo), SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_image_decode(struct sid_span file,
                                           const struct sid_image_want *want,
                                           struct sid_image *out);

/* Takes room for a black image of that size; full size and scale say that it
 * is a whole photo of its own. *out must be empty. Errors: SID_E_ARGUMENT (no
 * pixels, or more than SID_IMAGE_MAX_PX), SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_image_new(int width_px, int height_px,
                                        struct sid_image *out);

/* Makes a copy turned clockwise by 0..3 quarters. The copy is a photo of its
 * own: its place in the full-size photo is not kept. *out must be empty.
 * Errors: SID_E_ARGUMENT, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_image_turn(const struct sid_image *image,
                                         int quarter_turns,
                                         struct sid_image *out);

/* A part of an image, in its pixels; it may lie partly outside. */
struct sid_image_part {
    float x, y, w, h; /* w, h > 0 */
};
/* Fills rows of width_px * 3 bytes (blue first) with the part in that size,
 * smoothly; what lies outside the image goes on as its edge. The part must not
 * be more than SID_IMAGE_FIT_MAX_PX away from the image. */
#define SID_IMAGE_FIT_MAX_PX 100000
void sid_image_fit(const struct sid_image *image, struct sid_image_part part,
                   int width_px, int height_px, uint8_t *bgr);

/* Makes a baseline JPEG file of the pixels, with nothing else in it. *out must
 * be empty; max_bytes are taken for it. Errors: SID_E_IMAGE_TOO_LARGE (it has
 * max_bytes or more), SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_image_write_jpeg(const struct sid_image *image,
                                               size_t max_bytes,
                                               struct sid_buf *out);

/* Wipes, frees, and leaves the image empty. Safe on an empty image. */
void sid_image_fini(struct sid_image *image);

#endif
