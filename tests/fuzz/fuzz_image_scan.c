/* fuzz_image_scan.c: src/image/image_scan_jpeg.c, image_scan_png.c and
 * image_exif.c: the judgement of a photo before any decoder sees it. What is
 * let through keeps the limits, and what follows its end changes nothing.
 * Checksums of a PNG are put right first, or none would be passed. libFuzzer's
 * one thread. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "smartid/image.h"

static size_t
read_length(const uint8_t *p) {
    return (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
}

static void
put_checksums_right(uint8_t *file, size_t size) {
    for (size_t at = 8; size - at >= 12;) {
        size_t len = read_length(file + at);
        if (len > size - at - 12)
            break;
        unsigned long crc = crc32_z(0, file + at + 4, 4 + len);
        for (int i = 0; i < 4; i++)
            file[at + 8 + len + (size_t)i] = (uint8_t)(crc >> (24 - 8 * i));
        at += 12 + len;
    }
}

/* Whether the file is let through; then *out is within the limits. */
static bool
passes(struct sid_span file, struct sid_image_info *out) {
    const struct sid_image_info untouched = *out;
    if (sid_image_probe(file, out) != SID_OK) {
        if (memcmp(out, &untouched, sizeof untouched) != 0)
            abort();
        return false;
    }
    bool lies = out->orientation >= 5;
    if (out->orientation < 1 || out->orientation > 8 ||
        out->width_px != (lies ? out->file_height_px : out->file_width_px) ||
        out->height_px != (lies ? out->file_width_px : out->file_height_px) ||
        out->width_px < SID_IMAGE_MIN_SIDE_PX ||
        out->height_px < SID_IMAGE_MIN_SIDE_PX ||
        (int64_t)out->width_px * out->height_px > SID_IMAGE_MAX_PX)
        abort();
    return true;
}

void
fuzz_setup(void) {}

void
fuzz_one(const uint8_t *data, size_t size) {
    static const char tail[] = "\xFF\xD9 and more";
    struct sid_image_info info, again;
    memset(&info, 0, sizeof info);
    memset(&again, 0, sizeof again);
    uint8_t *copy = malloc(size + sizeof tail);
    if (copy == NULL)
        return;
    memcpy(copy, data, size);
    if (size > 8 && copy[0] == 0x89)
        put_checksums_right(copy, size);
    /* Right up to the end of its memory, for the sanitizer. */
    uint8_t *exact = malloc(size > 0 ? size : 1);
    if (exact != NULL) {
        memcpy(exact, copy, size);
        memcpy(copy + size, tail, sizeof tail);
        if (passes(sid_span_of(exact, size), &info) &&
            (!passes(sid_span_of(copy, size + sizeof tail), &again) ||
             again.width_px != info.width_px ||
             again.height_px != info.height_px ||
             again.orientation != info.orientation))
            abort();
    }
    free(exact);
    free(copy);
}
