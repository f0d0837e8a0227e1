/* fixture.h: picture files made in memory for the tests of src/image. */
#ifndef SID_TEST_IMAGE_FIXTURE_H
#define SID_TEST_IMAGE_FIXTURE_H

#include "smartid/image.h"

/* What colour the pixel at (x, y) of a w x h picture has. */
struct rgb {
    uint8_t r, g, b;
};
typedef struct rgb paint_fn(int x, int y, int w, int h);
paint_fn paint_quadrants; /* red, green / blue, white */
paint_fn paint_slope;     /* red grows to the right, green downwards */

struct jpeg_kind {
    int quality; /* 0: 95 */
    bool grey;   /* one component */
    bool cmyk;   /* four components */
    bool progressive;
    int scans;         /* more than 0: grey, progressive, in so many scans */
    bool separate;     /* a scan for each component, not progressive */
    int orientation;   /* 0: no EXIF */
    bool big_endian;   /* of the EXIF */
    bool subsampled;   /* 4:2:0, as phones do it; else 4:4:4 */
    unsigned restarts; /* units between two restart markers; 0: none */
};
void make_jpeg(int w, int h, paint_fn *paint, const struct jpeg_kind *kind,
               struct sid_buf *out);

struct png_kind {
    int colour_type; /* PNG_COLOR_TYPE_* */
    int bits;        /* 8 or 16 */
    bool interlaced;
    uint8_t alpha;   /* of the left half, where there is alpha */
    int orientation; /* 0: no eXIf */
};
void make_png(int w, int h, paint_fn *paint, const struct png_kind *kind,
              struct sid_buf *out);

/* An EXIF TIFF block of 26 bytes. */
#define EXIF_BYTES 26
void make_exif(int orientation, bool big_endian, uint8_t out[EXIF_BYTES]);

/* The whole file at full size. */
SID_FALLIBLE enum sid_err decode_whole(const struct sid_buf *file,
                                       struct sid_image *out);
struct rgb pixel(const struct sid_image *image, int x, int y);
void assert_near(struct rgb got, struct rgb expected, int tolerance);
/* The colours (r g b w) of the four quadrants of paint_quadrants, clockwise
 * from the top left. */
void assert_quadrants(const struct sid_image *image, const char *colours);
/* The file is refused with that error, by probe and by decoding. */
void assert_refused(const struct sid_buf *file, enum sid_err expected);
/* Position of the first marker of that kind in a JPEG. */
size_t find_marker(const struct sid_buf *file, uint8_t marker);

#endif
