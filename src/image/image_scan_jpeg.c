/* image_scan_jpeg.c: judges the structure of a JPEG file before libjpeg-turbo
 * sees it: the kind of frame, how many scans and how much beside them, where
 * EXIF lies, and whether there is enough data for its pixels. What no camera
 * writes is refused, because what nobody tests is where decoders break. One
 * pass over the bytes, no memory. Any thread; owns nothing. */
#include <string.h>

#include "image_priv.h"

/* Source: ITU-T T.81 table B.1. Markers that are not here are refused:
 * lossless, hierarchical and arithmetic-coded frames, DNL and the like. */
enum {
    MARK_SOF0 = 0xC0, /* baseline */
    MARK_SOF1 = 0xC1, /* extended sequential */
    MARK_SOF2 = 0xC2, /* progressive */
    MARK_DHT = 0xC4,
    MARK_RST0 = 0xD0,
    MARK_RST7 = 0xD7,
    MARK_EOI = 0xD9,
    MARK_SOS = 0xDA,
    MARK_DQT = 0xDB,
    MARK_DRI = 0xDD,
    MARK_APP0 = 0xE0,
    MARK_APP1 = 0xE1,
    MARK_APP15 = 0xEF,
    MARK_COM = 0xFE
};

/* Pixels along the side of a block. */
#define BLOCK_SIDE 8

struct walk {
    struct sid_span file;
    size_t at;
    struct sid_image_info *info;
    unsigned components; /* 0: no frame yet */
    unsigned restarts;   /* units between two restart markers; 0: none */
    int scans;
    size_t extra_bytes; /* segments beside the pixels */
    size_t coded_bytes;
};

/* A frame header: 8 bits, 1 or 3 components, one per file. */
static bool
take_frame(struct walk *w, struct sid_span body) {
    if (w->components != 0 || body.len < 6 || body.ptr[0] != 8)
        return false;
    unsigned components = body.ptr[5];
    w->info->file_height_px = (int)sid_be16(body.ptr + 1);
    w->info->file_width_px = (int)sid_be16(body.ptr + 3);
    w->components = components;
    return w->info->file_width_px > 0 && w->info->file_height_px > 0 &&
           (components == 1 || components == 3) &&
           body.len == 6 + 3 * (size_t)components;
}

static bool
take_restarts(struct walk *w, struct sid_span body) {
    if (body.len != 2)
        return false;
    w->restarts = sid_be16(body.ptr);
    return true;
}

/* EXIF is advice: never a reason to refuse. */
static bool
take_exif(struct walk *w, struct sid_span body) {
    static const uint8_t head[6] = {'E', 'x', 'i', 'f', 0, 0};
    if (body.len > sizeof head && memcmp(body.ptr, head, sizeof head) == 0)
        w->info->orientation = sid_exif_orientation(
            sid_span_of(body.ptr + sizeof head, body.len - sizeof head));
    return true;
}

/* Entropy-coded data, to the next marker or the end of the file. Restart
 * markers count round from 0 with data before each; libjpeg-turbo would look
 * for its place again among others. */
static bool
skip_coded(struct walk *w) {
    const uint8_t *p = w->file.ptr;
    size_t begin = w->at, part = begin, at = begin, len = w->file.len;
    unsigned restart = MARK_RST0;
    w->at = len;
    while (at + 1 < len) {
        /* Megabytes, of which one byte in a hundred is 0xFF. */
        const uint8_t *found = memchr(p + at, 0xFF, len - 1 - at);
        if (found == NULL)
            break;
        at = (size_t)(found - p);
        unsigned next = p[at + 1];
        if (next == 0xFF) { /* fill byte */
            at++;
            continue;
        }
        if (next != 0 && (next < MARK_RST0 || next > MARK_RST7)) {
            w->at = at;
            break;
        }
        at += 2;
        if (next == 0)
            continue;
        if (w->restarts == 0 || next != restart || at - 2 == part)
            return false;
        restart = next == MARK_RST7 ? MARK_RST0 : next + 1;
        part = at;
    }
    w->coded_bytes += w->at - begin;
    return true;
}

static bool
take_scan(struct walk *w, struct sid_span body) {
    if (++w->scans > SID_IMAGE_MAX_SCANS || body.len < 1)
        return false;
    unsigned components = body.ptr[0];
    if (components < 1 || components > w->components ||
        body.len != 4 + 2 * (size_t)components)
        return false;
    return skip_coded(w);
}

/* One segment; w->at stands behind it. */
static bool
take_segment(struct walk *w, unsigned mark, struct sid_span body) {
    switch (mark) {
    case MARK_SOF0:
    case MARK_SOF1:
    case MARK_SOF2:
        return take_frame(w, body);
    case MARK_DRI:
        return take_restarts(w, body);
    case MARK_SOS:
        return take_scan(w, body);
    case MARK_APP1:
        return take_exif(w, body);
    case MARK_DHT:
    case MARK_DQT:
    case MARK_COM:
        return true;
    default:
        return mark >= MARK_APP0 && mark <= MARK_APP15;
    }
}

/* Walks to the end marker, or to the end: some phones leave the marker out. */
static bool
walk(struct walk *w) {
    const struct sid_span file = w->file;
    while (w->at < file.len) {
        if (file.ptr[w->at] != 0xFF)
            return false;
        if (file.len - w->at < 2)
            break;
        unsigned mark = file.ptr[w->at + 1];
        if (mark == 0xFF) { /* fill byte */
            w->at++;
            continue;
        }
        w->at += 2;
        if (mark == MARK_EOI)
            break;
        if (file.len - w->at < 2)
            return false;
        size_t len = sid_be16(file.ptr + w->at);
        if (len < 2 || len > file.len - w->at)
            return false;
        struct sid_span body = sid_span_of(file.ptr + w->at + 2, len - 2);
        w->at += len;
        w->extra_bytes += 2 + len;
        if (w->extra_bytes > SID_IMAGE_MAX_EXTRA_BYTES ||
            !take_segment(w, mark, body))
            return false;
    }
    return w->scans > 0;
}

enum sid_err
sid_jpeg_scan(struct sid_span file, struct sid_image_info *info,
              bool *out_enough) {
    struct walk w = {.file = file, .at = 2 /* behind SOI */, .info = info};
    if (!walk(&w))
        return SID_E_IMAGE_UNREADABLE;
    /* The shortest code is of one bit, and each block of the component with
     * the most has at least one. */
    int64_t across = (info->file_width_px + BLOCK_SIDE - 1) / BLOCK_SIDE;
    int64_t down = (info->file_height_px + BLOCK_SIDE - 1) / BLOCK_SIDE;
    *out_enough = (int64_t)w.coded_bytes * 8 >= across * down;
    return SID_OK;
}
