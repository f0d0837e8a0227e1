/* image_scan.c: judges the structure of a JPEG or PNG file before any library
 * sees it: the kind of frame, its size, how many scans it has, where EXIF
 * lies. One pass over the bytes, no memory. Any thread; owns nothing. */
#include <string.h>

#include "image_priv.h"

/* Source: ITU-T T.81 table B.1. */
enum {
    MARK_SOF0 = 0xC0, /* baseline */
    MARK_SOF1 = 0xC1, /* extended sequential */
    MARK_SOF2 = 0xC2, /* progressive */
    MARK_DHT = 0xC4,
    MARK_JPG = 0xC8,
    MARK_DAC = 0xCC,
    MARK_SOF15 = 0xCF,
    MARK_RST0 = 0xD0,
    MARK_RST7 = 0xD7,
    MARK_SOI = 0xD8,
    MARK_EOI = 0xD9,
    MARK_SOS = 0xDA,
    MARK_APP1 = 0xE1,
    MARK_TEM = 0x01
};

static uint32_t
be16(const uint8_t *p) {
    return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t
be32(const uint8_t *p) {
    return be16(p) << 16 | be16(p + 2);
}

static bool
is_frame(unsigned mark) {
    return mark >= MARK_SOF0 && mark <= MARK_SOF15 && mark != MARK_DHT &&
           mark != MARK_JPG && mark != MARK_DAC;
}

/* Body of a frame header: 8 bits, 1 or 3 components, Huffman coded. */
static bool
take_frame(unsigned mark, struct sid_span body, struct sid_image_info *info) {
    if (mark != MARK_SOF0 && mark != MARK_SOF1 && mark != MARK_SOF2)
        return false;
    if (info->file_width_px != 0 || body.len < 6 || body.ptr[0] != 8)
        return false;
    uint32_t components = body.ptr[5];
    info->file_height_px = (int)be16(body.ptr + 1);
    info->file_width_px = (int)be16(body.ptr + 3);
    return info->file_width_px > 0 && info->file_height_px > 0 &&
           (components == 1 || components == 3);
}

static void
take_exif(struct sid_span body, struct sid_image_info *info) {
    static const uint8_t head[6] = {'E', 'x', 'i', 'f', 0, 0};
    if (body.len <= sizeof head || memcmp(body.ptr, head, sizeof head) != 0)
        return;
    info->orientation = sid_exif_orientation(
        sid_span_of(body.ptr + sizeof head, body.len - sizeof head));
}

/* Skips entropy-coded data: to the 0xFF of the next real marker. */
static size_t
skip_coded(struct sid_span file, size_t at) {
    while (at + 1 < file.len) {
        const uint8_t *ff = memchr(file.ptr + at, 0xFF, file.len - at - 1);
        if (ff == NULL)
            break;
        at = (size_t)(ff - file.ptr);
        unsigned next = ff[1];
        if (next != 0 && next != 0xFF &&
            !(next >= MARK_RST0 && next <= MARK_RST7))
            return at;
        at += next == 0xFF ? 1 : 2;
    }
    return file.len;
}

enum sid_err
sid_jpeg_scan(struct sid_span file, struct sid_image_info *info) {
    size_t at = 2; /* behind SOI */
    int scans = 0;
    while (at + 1 < file.len) {
        if (file.ptr[at] != 0xFF)
            return SID_E_IMAGE_UNREADABLE;
        unsigned mark = file.ptr[at + 1];
        if (mark == 0xFF) { /* fill byte */
            at++;
            continue;
        }
        at += 2;
        if (mark == MARK_EOI)
            break;
        if (mark == MARK_TEM)
            continue;
        if (mark == MARK_SOI || mark == 0 ||
            (mark >= MARK_RST0 && mark <= MARK_RST7) || file.len - at < 2)
            return SID_E_IMAGE_UNREADABLE;
        size_t len = be16(file.ptr + at);
        if (len < 2 || len > file.len - at)
            return SID_E_IMAGE_UNREADABLE;
        struct sid_span body = sid_span_of(file.ptr + at + 2, len - 2);
        at += len;
        if (is_frame(mark) && !take_frame(mark, body, info))
            return SID_E_IMAGE_UNREADABLE;
        if (mark == MARK_APP1)
            take_exif(body, info);
        if (mark == MARK_SOS) {
            if (++scans > SID_IMAGE_MAX_SCANS || info->file_width_px == 0)
                return SID_E_IMAGE_UNREADABLE;
            at = skip_coded(file, at);
        }
    }
    return scans > 0 ? SID_OK : SID_E_IMAGE_UNREADABLE;
}

enum sid_err
sid_png_scan(struct sid_span file, struct sid_image_info *info) {
    /* signature 8, length 4, "IHDR" 4, width 4, height 4, 5 more, CRC 4.
     * Source: PNG specification (W3C) 5.2, 11.2.2. */
    static const size_t header_bytes = 33;
    if (file.len < header_bytes || be32(file.ptr + 8) != 13 ||
        memcmp(file.ptr + 12, "IHDR", 4) != 0)
        return SID_E_IMAGE_UNREADABLE;
    uint32_t width = be32(file.ptr + 16), height = be32(file.ptr + 20);
    if (width == 0 || height == 0 || width > INT32_MAX || height > INT32_MAX)
        return SID_E_IMAGE_UNREADABLE;
    info->file_width_px = (int)width;
    info->file_height_px = (int)height;
    /* eXIf usually comes before the pixels; libpng reads it on decoding. */
    for (size_t at = 8; file.len - at >= 12;) {
        size_t len = be32(file.ptr + at);
        if (len > file.len - at - 12 ||
            memcmp(file.ptr + at + 4, "IDAT", 4) == 0)
            break;
        if (memcmp(file.ptr + at + 4, "eXIf", 4) == 0) {
            info->orientation =
                sid_exif_orientation(sid_span_of(file.ptr + at + 8, len));
            break;
        }
        at += len + 12;
    }
    return SID_OK;
}
