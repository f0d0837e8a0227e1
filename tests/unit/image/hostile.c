/* hostile.c: what the makers of hostile files share, and those that are neither
 * JPEG nor PNG, or both. */
#include "hostile.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"

void
hostile_emit(const struct hostile_sink *sink, struct sid_buf *file,
             enum sid_err expected, enum hostile_cost cost, const char *format,
             ...) {
    struct hostile made = {
        .bytes = sid_buf_span(file), .expected = expected, .cost = cost};
    va_list args;
    va_start(args, format);
    int len = vsnprintf(made.name, sizeof made.name, format, args);
    va_end(args);
    SID_ASSERT(len > 0 && (size_t)len < sizeof made.name);
    sink->fn(sink->context, &made);
    sid_buf_free(file);
}

void
hostile_put(struct sid_buf *file, const void *bytes, size_t len) {
    SID_ASSERT(len == 0 || sid_buf_append(file, bytes, len) == SID_OK);
}

void
hostile_fill(struct sid_buf *file, uint8_t value, size_t len) {
    if (len == 0)
        return;
    SID_ASSERT(sid_buf_reserve(file, file->len + len) == SID_OK);
    memset(file->ptr + file->len, value, len);
    file->len += len;
}

void
hostile_put_be16(struct sid_buf *file, size_t value) {
    const uint8_t bytes[] = {(uint8_t)(value >> 8), (uint8_t)value};
    hostile_put(file, bytes, sizeof bytes);
}

void
hostile_put_be32(struct sid_buf *file, size_t value) {
    hostile_put_be16(file, value >> 16);
    hostile_put_be16(file, value & 0xFFFF);
}

void
hostile_repeat(struct sid_buf *file, size_t from, size_t times) {
    size_t len = file->len - from;
    SID_ASSERT(times > 0 &&
               sid_buf_reserve(file, from + len * times) == SID_OK);
    for (size_t i = 1; i < times; i++)
        memcpy(file->ptr + from + i * len, file->ptr + from, len);
    file->len = from + len * times;
}

void
hostile_cut(const struct sid_buf *from, size_t len, struct sid_buf *out) {
    hostile_put(out, from->ptr, len);
}

/* What other decoders take, among them those that OpenCV would have handed a
 * file to. */
static void
foreign_magics(const struct hostile_sink *sink) {
    static const struct {
        const char *name;
        const char *magic;
        size_t len, at;
    } kinds[] = {
        {"nitf", "NITF02.10", 9, 0},
        {"nsif", "NSIF01.00", 9, 0},
        {"dicom", "DICM", 4, 128},
        {"tiff_little", "II*\0\x08\0\0\0", 8, 0},
        {"tiff_big", "MM\0*\0\0\0\x08", 8, 0},
        {"exr", "v/1\x01\x02\0\0\0", 8, 0},
        {"hdr", "#?RADIANCE\n\n-Y 200 +X 200\n", 26, 0},
        {"webp", "RIFF\x50\x02\0\0WEBPVP8 ", 16, 0},
        {"jp2", "\0\0\0\x0CjP  \r\n\x87\n", 12, 0},
        {"j2k", "\xFF\x4F\xFF\x51\0\x2F", 6, 0},
        {"pbm", "P4\n200 200\n", 11, 0},
        {"pgm", "P5\n200 200\n255\n", 15, 0},
        {"ppm", "P6\n200 200\n255\n", 15, 0},
        {"pam", "P7\nWIDTH 200\nHEIGHT 200\n", 24, 0},
        {"sun_raster", "\x59\xA6\x6A\x95\0\0\0\xC8\0\0\0\xC8", 12, 0},
        {"bmp", "BM\x58\x02\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", 18, 0},
        {"gif", "GIF89a\xC8\0\xC8\0", 10, 0},
        {"pdf", "%PDF-1.7\n", 9, 0},
        {"ico", "\0\0\x01\0\x01\0\x10\x10", 8, 0},
        {"heic", "\0\0\0\030ftypheic\0\0\0\0", 16, 0},
        {"avif", "\0\0\0\030ftypavif\0\0\0\0", 16, 0},
        {"jxl", "\xFF\x0A\xFA\x7F", 4, 0},
        {"psd", "8BPS\0\x01\0\0", 8, 0},
        {"svg", "<svg xmlns='http://www.w3.org/2000/svg'>", 40, 0},
        {"mng", "\x8AMNG\r\n\x1A\n\0\0\0\x1CMHDR", 16, 0},
        {"jng", "\x8BJNG\r\n\x1A\n\0\0\0\x10JHDR", 16, 0},
        {"qoi", "qoif\0\0\0\xC8\0\0\0\xC8\x03\0", 14, 0},
        {"elf", "\177ELF\x02\x01\x01", 7, 0},
        {"zip", "PK\x03\x04", 4, 0},
        {"gzip", "\x1F\x8B\x08", 3, 0},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct sid_buf file = SID_BUF_EMPTY;
        hostile_fill(&file, 0, kinds[i].at);
        hostile_put(&file, kinds[i].magic, kinds[i].len);
        hostile_fill(&file, 0, 600);
        hostile_emit(sink, &file, HOSTILE_REFUSED, "foreign_%s", kinds[i].name);
    }
}

/* A photo that begins as something else is not looked for; one that something
 * else follows is a photo, and the rest is not read. */
static void
polyglots(const struct hostile_sink *sink) {
    static const char *const heads[] = {
        "%PDF-1.7\n", "PK\x03\x04",        "GIF89a",      "<html><script>",
        "BM",         "\177ELF",           "#!/bin/sh\n", "\xEF\xBB\xBF",
        "\n",         "\x89PNG\r\n\x1A\n", "\xFF\xD8\xFF"};
    struct sid_buf jpeg = SID_BUF_EMPTY, png = SID_BUF_EMPTY;
    make_jpeg(320, 240, paint_slope, &(struct jpeg_kind){0}, &jpeg);
    make_png(320, 240, paint_slope,
             &(struct png_kind){.colour_type = 2, .bits = 8}, &png);
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct sid_buf file = SID_BUF_EMPTY;
        hostile_put(&file, heads[i], strlen(heads[i]));
        hostile_put(&file, jpeg.ptr, jpeg.len);
        hostile_emit(sink, &file, HOSTILE_REFUSED, "polyglot_jpeg_%zu", i);
        hostile_put(&file, heads[i], strlen(heads[i]));
        hostile_put(&file, png.ptr, png.len);
        hostile_emit(sink, &file, HOSTILE_REFUSED, "polyglot_png_%zu", i);
    }
    struct sid_buf *const photos[] = {&jpeg, &png};
    for (int i = 0; i < 2; i++) {
        struct sid_buf file = SID_BUF_EMPTY;
        hostile_put(&file, photos[i]->ptr, photos[i]->len);
        hostile_put(&file, "PK\x03\x04", 4);
        hostile_fill(&file, 0xFF, 1000000);
        hostile_put(&file, "PK\x05\x06", 4);
        hostile_emit(sink, &file, SID_OK, HOSTILE_CHEAP, "followed_by_zip_%d",
                     i);
    }
    sid_buf_free(&jpeg);
    sid_buf_free(&png);
}

void
hostile_others(const struct hostile_sink *sink) {
    foreign_magics(sink);
    polyglots(sink);
}

void
hostile_each(const struct hostile_sink *sink) {
    hostile_others(sink);
    hostile_jpegs(sink);
    hostile_pngs(sink);
}
