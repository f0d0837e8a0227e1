/* image_exif.c: the one thing wanted from EXIF, the orientation, read by a
 * small bounded reader, because a full EXIF library is more code than all of
 * this daemon's image code and has had more holes. Any thread; owns nothing. */
#include "image_priv.h"

/* Source: TIFF 6.0 section 2, EXIF 2.32 table 4. */
#define TAG_ORIENTATION 0x0112u
#define TYPE_SHORT 3u
#define IFD_ENTRY_BYTES 12u
/* More entries than any camera writes; keeps a forged count cheap. */
#define IFD_ENTRIES_MAX 512u

struct reader {
    struct sid_span in;
    bool big_endian;
};

static bool
read_u16(const struct reader *r, size_t at, uint32_t *out) {
    if (at > r->in.len || r->in.len - at < 2)
        return false;
    const uint8_t *p = r->in.ptr + at;
    *out =
        r->big_endian ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
    return true;
}

static bool
read_u32(const struct reader *r, size_t at, uint32_t *out) {
    uint32_t a = 0, b = 0;
    if (!read_u16(r, at, &a) || !read_u16(r, at + 2, &b))
        return false;
    *out = r->big_endian ? a << 16 | b : b << 16 | a;
    return true;
}

int
sid_exif_orientation(struct sid_span tiff) {
    struct reader r = {.in = tiff};
    uint32_t magic = 0, ifd = 0, count = 0;
    if (tiff.len < 8)
        return 1;
    if (tiff.ptr[0] == 'M' && tiff.ptr[1] == 'M')
        r.big_endian = true;
    else if (tiff.ptr[0] != 'I' || tiff.ptr[1] != 'I')
        return 1;
    if (!read_u16(&r, 2, &magic) || magic != 42 || !read_u32(&r, 4, &ifd) ||
        !read_u16(&r, ifd, &count) || count > IFD_ENTRIES_MAX)
        return 1;
    for (uint32_t i = 0; i < count; i++) {
        size_t at = (size_t)ifd + 2 + (size_t)i * IFD_ENTRY_BYTES;
        uint32_t tag = 0, type = 0, values = 0, value = 0;
        if (!read_u16(&r, at, &tag))
            return 1;
        if (tag != TAG_ORIENTATION)
            continue;
        if (!read_u16(&r, at + 2, &type) || type != TYPE_SHORT ||
            !read_u32(&r, at + 4, &values) || values != 1 ||
            !read_u16(&r, at + 8, &value) || value < 1 || value > 8)
            return 1;
        return (int)value;
    }
    return 1;
}
