/* image_scan_png.c: judges the chunks of a PNG file before libpng sees it:
 * their order, lengths and checksums, how much there is beside the pixels,
 * where EXIF lies, and whether there is enough data for the pixels. One pass
 * over the bytes, no memory; of zlib only its checksum. Any thread; owns
 * nothing. */
#include <zlib.h>

#include "image_priv.h"

/* Source: PNG specification (W3C), 5.3: length, type, CRC. */
#define CHUNK_FRAME_BYTES 12
#define TYPE(a, b, c, d)                                                       \
    ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 |          \
     (uint32_t)(d))
#define IHDR TYPE('I', 'H', 'D', 'R')
#define PLTE TYPE('P', 'L', 'T', 'E')
#define IDAT TYPE('I', 'D', 'A', 'T')
#define IEND TYPE('I', 'E', 'N', 'D')
#define TRNS TYPE('t', 'R', 'N', 'S')
#define EXIF TYPE('e', 'X', 'I', 'f')
#define ACTL TYPE('a', 'c', 'T', 'L')
/* 5.4: what is not critical has a small first letter. */
#define ANCILLARY_BIT TYPE(0x20, 0, 0, 0)

#define IHDR_BYTES 13
#define COLOUR_PALETTE 3
#define PALETTE_MAX 256
/* Deflate makes 258 bytes out of 2 bits at best. Source: zlib's
 * technical notes ("Maximum Expansion Factor"). */
#define DEFLATE_MAX 1032

struct walk {
    struct sid_span file;
    size_t at;
    struct sid_image_info *info;
    unsigned colour_type;
    bool palette, data_over, ended;
    size_t extra_bytes; /* chunks beside the pixels, and what frames chunks */
    size_t data_bytes;  /* in all IDAT chunks */
};

struct chunk {
    uint32_t type;
    struct sid_span body;
};

static bool
is_type(const uint8_t *p) {
    for (int i = 0; i < 4; i++) {
        uint8_t small = p[i] | 0x20;
        if (small < 'a' || small > 'z')
            return false;
    }
    return true;
}

/* The chunk at w->at, which then stands behind it. Errors in ancillary ones
 * don't matter: libpng leaves such a chunk out. */
static bool
next_chunk(struct walk *w, struct chunk *out) {
    size_t left = w->file.len - w->at;
    const uint8_t *p = w->file.ptr + w->at;
    if (left < CHUNK_FRAME_BYTES || sid_be32(p) > left - CHUNK_FRAME_BYTES ||
        !is_type(p + 4))
        return false;
    size_t len = sid_be32(p);
    struct chunk chunk = {.type = sid_be32(p + 4),
                          .body = sid_span_of(p + 8, len)};
    w->at += CHUNK_FRAME_BYTES + len;
    w->extra_bytes += CHUNK_FRAME_BYTES + (chunk.type == IDAT ? 0 : len);
    if (w->extra_bytes > SID_IMAGE_MAX_EXTRA_BYTES)
        return false;
    if ((chunk.type & ANCILLARY_BIT) == 0 &&
        crc32_z(0, p + 4, 4 + len) != sid_be32(p + 8 + len))
        return false;
    *out = chunk;
    return true;
}

/* Samples of one pixel by colour type; 0: there is no such type. */
static unsigned
samples(unsigned colour_type) {
    static const uint8_t by_type[] = {1, 0, 3, 1, 2, 0, 4};
    return colour_type < sizeof by_type ? by_type[colour_type] : 0;
}

/* 8 bits, not interlaced, the one method of compression and of filters. */
static bool
take_header(struct walk *w) {
    struct chunk chunk;
    if (!next_chunk(w, &chunk) || chunk.type != IHDR ||
        chunk.body.len != IHDR_BYTES)
        return false;
    const uint8_t *p = chunk.body.ptr;
    uint32_t width = sid_be32(p), height = sid_be32(p + 4);
    if (width == 0 || height == 0 || width > INT32_MAX || height > INT32_MAX)
        return false;
    w->info->file_width_px = (int)width;
    w->info->file_height_px = (int)height;
    w->colour_type = p[9];
    return p[8] == 8 && samples(p[9]) > 0 && p[10] == 0 && p[11] == 0 &&
           p[12] == 0;
}

static bool
take_palette(struct walk *w, size_t len) {
    if (w->palette || w->data_bytes > 0 || len == 0 || len % 3 != 0 ||
        len > 3 * (size_t)PALETTE_MAX)
        return false;
    w->palette = true;
    return true;
}

static bool
take_data(struct walk *w, size_t len) {
    if (w->data_over || (w->colour_type == COLOUR_PALETTE && !w->palette))
        return false;
    w->data_bytes += len;
    return true;
}

static bool
take_chunk(struct walk *w, const struct chunk *chunk) {
    size_t len = chunk->body.len;
    if (chunk->type == IDAT)
        return take_data(w, len);
    w->data_over = w->data_bytes > 0;
    switch (chunk->type) {
    case PLTE:
        return take_palette(w, len);
    case IEND:
        w->ended = true;
        return len == 0 && w->data_bytes > 0;
    case TRNS:
        return len <= PALETTE_MAX;
    case ACTL: /* a film: which of its pictures would be the photo? */
        return false;
    case EXIF:
        w->info->orientation = sid_exif_orientation(chunk->body);
        return true;
    default:
        return (chunk->type & ANCILLARY_BIT) != 0;
    }
}

enum sid_err
sid_png_scan(struct sid_span file, struct sid_image_info *info,
             bool *out_enough) {
    struct walk w = {
        .file = file, .at = 8 /* behind the signature */, .info = info};
    if (!take_header(&w))
        return SID_E_IMAGE_UNREADABLE;
    while (!w.ended) {
        struct chunk chunk;
        if (!next_chunk(&w, &chunk) || !take_chunk(&w, &chunk))
            return SID_E_IMAGE_UNREADABLE;
    }
    /* A row begins with the number of its filter. Compared by division: the
     * numbers may be anything here. */
    uint64_t row = 1 + (uint64_t)info->file_width_px * samples(w.colour_type);
    *out_enough = (uint64_t)w.data_bytes * DEFLATE_MAX / row >=
                  (uint64_t)info->file_height_px;
    return SID_OK;
}
