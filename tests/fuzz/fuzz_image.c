/* fuzz_image.c: src/image/image.c, image_jpeg.c, image_png.c: photos, as
 * anybody can send them, up to their pixels. What decodes must have the
 * dimensions that the probe promised. libFuzzer's one thread. */
#include "fuzz.h"

#include <stdlib.h>

#include "smartid/image.h"

/* Larger ones only take time. */
#define FUZZ_MAX_PX 50000

void
fuzz_setup(void) {}

void
fuzz_one(const uint8_t *data, size_t size) {
    struct sid_span file = sid_span_of(data, size);
    struct sid_image_info info;
    if (sid_image_probe(file, &info) != SID_OK ||
        (long)info.width_px * info.height_px > FUZZ_MAX_PX)
        return;
    static const int wants_px[] = {0, 320};
    for (int i = 0; i < 2; i++) {
        struct sid_image image = SID_IMAGE_EMPTY;
        struct sid_image_want want = {.min_long_px = wants_px[i]};
        if (sid_image_decode(file, &want, &image) != SID_OK)
            continue;
        if (image.full_width_px != info.width_px ||
            image.full_height_px != info.height_px ||
            image.width_px > info.width_px || image.width_px < 1)
            abort();
        sid_image_fini(&image);
    }
}
