/* hostile_jpeg.c: JPEG files that nobody's camera has written. Most are of one
 * colour, put together by hand: then a scan of any number of pixels is so many
 * zero bytes, and bombs of any size are made at once. */
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "hostile.h"

#define MIB ((size_t)1024 * 1024)
/* What the daemon takes at most. Source: README, POST /v1/enrollments. */
#define UPLOAD_MAX (8 * MIB)
/* Under one code word all blocks of a run have no more coefficients. */
#define END_OF_BLOCK 0x00
#define END_OF_16384_BLOCKS 0xE0

/* A file of one colour; zeros mean the usual. */
struct recipe {
    int w, h;                    /* 400 x 300 */
    unsigned mark;               /* of the frame: 0xC0 */
    unsigned precision;          /* 8 */
    unsigned components, listed; /* said, and in the header: 3 */
    struct sid_span start, before_frame, before_scan, after_scan, end;
    struct sid_span coded;       /* of the one scan; ptr NULL: what it needs */
    struct sid_span scan_header; /* with its length */
    bool progressive;            /* no scan but those in after_scan */
    bool no_frame, no_scan, zero_size;
};

#define SPAN(text)                                                             \
    { (const uint8_t *)(text), sizeof(text) - 1 }

static void
put_segment(struct sid_buf *file, unsigned mark, const void *body, size_t len) {
    const uint8_t head[] = {0xFF, (uint8_t)mark};
    hostile_put(file, head, sizeof head);
    hostile_put_be16(file, len + 2);
    hostile_put(file, body, len);
}

/* A segment of zeros. */
static void
put_blank(struct sid_buf *file, unsigned mark, size_t len) {
    static const uint8_t zeros[65533];
    put_segment(file, mark, zeros, len);
}

static void
put_tables(struct sid_buf *file, uint8_t ac_symbol) {
    uint8_t quant[65], codes[18] = {0, 1};
    memset(quant, 1, sizeof quant);
    quant[0] = 0;
    put_segment(file, 0xDB, quant, sizeof quant);
    put_segment(file, 0xC4, codes, sizeof codes); /* DC: no difference */
    codes[0] = 0x10;
    codes[17] = ac_symbol;
    put_segment(file, 0xC4, codes, sizeof codes);
}

static void
put_frame(struct sid_buf *file, const struct recipe *r) {
    uint8_t body[6 + 3 * 8] = {(uint8_t)r->precision, (uint8_t)(r->h >> 8),
                               (uint8_t)r->h,         (uint8_t)(r->w >> 8),
                               (uint8_t)r->w,         (uint8_t)r->components};
    for (unsigned i = 0; i < r->listed; i++) {
        body[6 + 3 * i] = (uint8_t)(i + 1);
        body[7 + 3 * i] = 0x11;
    }
    put_segment(file, r->mark, body, 6 + 3 * (size_t)r->listed);
}

static size_t
blocks(int w, int h) {
    return (size_t)((w + 7) / 8) * (size_t)((h + 7) / 8);
}

/* One scan, progressive if se or al is not that of a sequential one. */
struct scan {
    unsigned first, count; /* components */
    uint8_t ss, se, ah, al;
};

static void
put_scan(struct sid_buf *file, const struct scan *scan, size_t coded_bytes) {
    uint8_t body[10] = {(uint8_t)scan->count};
    for (unsigned i = 0; i < scan->count; i++)
        body[1 + 2 * i] = (uint8_t)(scan->first + i);
    uint8_t *end = body + 1 + 2 * (size_t)scan->count;
    end[0] = scan->ss;
    end[1] = scan->se;
    end[2] = (uint8_t)(scan->ah << 4 | scan->al);
    put_segment(file, 0xDA, body, 4 + 2 * (size_t)scan->count);
    hostile_fill(file, 0, coded_bytes);
}

/* DC of all components, then n times all AC of the first one. */
static void
put_scans(struct sid_buf *file, int w, int h, unsigned components, size_t n) {
    put_scan(file, &(struct scan){.first = 1, .count = components},
             blocks(w, h) * components / 8 + 1);
    size_t first = file->len;
    put_scan(file, &(struct scan){.first = 1, .count = 1, .ss = 1, .se = 63},
             (blocks(w, h) / 16384 + 1) * 15 / 8 + 1);
    hostile_repeat(file, first, n);
}

static void
put_span(struct sid_buf *file, struct sid_span span) {
    hostile_put(file, span.ptr, span.len);
}

static struct sid_buf
cook(struct recipe r) {
    struct sid_buf file = SID_BUF_EMPTY;
    if (!r.zero_size) {
        r.w = r.w > 0 ? r.w : 400;
        r.h = r.h > 0 ? r.h : 300;
    }
    r.mark = r.mark > 0 ? r.mark : r.progressive ? 0xC2 : 0xC0;
    r.precision = r.precision > 0 ? r.precision : 8;
    r.components = r.components > 0 ? r.components : 3;
    r.listed = r.listed > 0 ? r.listed : 3;
    put_span(&file, r.start);
    hostile_put(&file, "\xFF\xD8", 2);
    put_tables(&file, r.progressive ? END_OF_16384_BLOCKS : END_OF_BLOCK);
    put_span(&file, r.before_frame);
    if (!r.no_frame)
        put_frame(&file, &r);
    put_span(&file, r.before_scan);
    if (r.scan_header.ptr != NULL) {
        hostile_put(&file, "\xFF\xDA", 2);
        put_span(&file, r.scan_header);
    } else if (!r.progressive && !r.no_scan) {
        struct scan scan = {
            .first = 1, .count = r.listed < 4 ? r.listed : 1, .se = 63};
        size_t need = blocks(r.w, r.h) * scan.count / 4 + 1;
        put_scan(&file, &scan, r.coded.ptr != NULL ? 0 : need);
    }
    put_span(&file, r.coded);
    put_span(&file, r.after_scan);
    hostile_put(&file, "\xFF\xD9", 2);
    put_span(&file, r.end);
    return file;
}

static void
emit_unreadable(const struct hostile_sink *sink, const char *name,
                struct recipe recipe) {
    struct sid_buf file = cook(recipe);
    hostile_emit(sink, &file, HOSTILE_REFUSED, "jpeg_%s", name);
}

/* A header that claims that size, with data for less than 2 megapixels. */
static void
emit_sized(const struct hostile_sink *sink, enum sid_err expected, int w,
           int h) {
    static const uint8_t few[20000];
    struct sid_buf file =
        cook((struct recipe){.w = w, .h = h, .coded = {few, sizeof few}});
    hostile_emit(sink, &file, expected, HOSTILE_CHEAP, "jpeg_%dx%d", w, h);
}

static void
scan_bombs(const struct hostile_sink *sink) {
    static const size_t counts[] = {32, 100, 400, 1000, 5000, 70000, 250000};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct sid_buf scans = SID_BUF_EMPTY;
        put_scans(&scans, 4000, 3000, 3, counts[i]);
        struct sid_buf file =
            cook((struct recipe){.w = 4000,
                                 .h = 3000,
                                 .progressive = true,
                                 .after_scan = sid_buf_span(&scans)});
        hostile_emit(sink, &file, HOSTILE_REFUSED, "jpeg_scans_%zu",
                     counts[i] + 1);
        sid_buf_free(&scans);
    }
    struct sid_buf scans = SID_BUF_EMPTY;
    for (int i = 0; i < 40; i++)
        put_scan(&scans, &(struct scan){.first = 1, .count = 1, .se = 63}, 500);
    emit_unreadable(sink, "sequential_scans",
                    (struct recipe){.after_scan = sid_buf_span(&scans)});
    sid_buf_free(&scans);
}

/* As dear as 32 scans can be: each one of the refining kind looks at all
 * coefficients of its component. */
static void
dearest_photo(const struct hostile_sink *sink) {
    enum { W = 5712, H = 4284, AL = 10 };
    struct sid_buf scans = SID_BUF_EMPTY;
    put_scan(&scans, &(struct scan){.first = 1, .count = 3},
             blocks(W, H) * 3 / 8 + 1);
    for (int i = 1; i < 32; i++) {
        unsigned component = 1 + (unsigned)(i - 1) / (AL + 1);
        int al = component == 3 ? 8 - (i - 23) : AL - (i - 1) % (AL + 1);
        bool first = component == 3 ? i == 23 : al == AL;
        put_scan(&scans,
                 &(struct scan){.first = component,
                                .count = 1,
                                .ss = 1,
                                .se = 63,
                                .ah = first ? 0 : (uint8_t)(al + 1),
                                .al = (uint8_t)al},
                 (blocks(W, H) / 16384 + 1) * 15 / 8 + 1);
    }
    struct recipe recipe = {.w = W,
                            .h = H,
                            .progressive = true,
                            .after_scan = sid_buf_span(&scans)};
    struct sid_buf file = cook(recipe);
    hostile_emit(sink, &file, SID_OK, HOSTILE_DEAR, "jpeg_dearest_32_scans");
    sid_buf_free(&scans);
}

static void
frames(const struct hostile_sink *sink) {
    static const unsigned marks[] = {0xC3, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9,
                                     0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        struct sid_buf file = cook((struct recipe){.mark = marks[i]});
        hostile_emit(sink, &file, HOSTILE_REFUSED, "jpeg_frame_%02x", marks[i]);
    }
    static const unsigned precisions[] = {1, 2, 7, 9, 12, 16, 255};
    for (size_t i = 0; i < sizeof precisions / sizeof precisions[0]; i++) {
        struct sid_buf file =
            cook((struct recipe){.mark = 0xC1, .precision = precisions[i]});
        hostile_emit(sink, &file, HOSTILE_REFUSED, "jpeg_precision_%u",
                     precisions[i]);
    }
    static const unsigned components[][2] = {{2, 2}, {4, 4}, {5, 5}, {255, 3},
                                             {3, 1}, {1, 3}, {3, 4}, {4, 3}};
    for (size_t i = 0; i < sizeof components / sizeof components[0]; i++) {
        struct sid_buf file = cook((struct recipe){
            .components = components[i][0], .listed = components[i][1]});
        hostile_emit(sink, &file, HOSTILE_REFUSED, "jpeg_components_%u_%u",
                     components[i][0], components[i][1]);
    }
    struct sid_buf file = SID_BUF_EMPTY;
    make_jpeg(320, 240, paint_slope, &(struct jpeg_kind){.cmyk = true}, &file);
    hostile_emit(sink, &file, HOSTILE_REFUSED, "jpeg_cmyk");
}

static void
sizes(const struct hostile_sink *sink) {
    static const int zeros[][2] = {{0, 300}, {400, 0}, {0, 0}};
    for (int i = 0; i < 3; i++) {
        struct sid_buf file = cook(
            (struct recipe){.w = zeros[i][0],
                            .h = zeros[i][1],
                            .zero_size = true,
                            /* DNL: the number of lines, after the first scan */
                            .after_scan = SPAN("\xFF\xDC\0\x04\x01\x2C")});
        hostile_emit(sink, &file, HOSTILE_REFUSED, "jpeg_zero_%d", i);
    }
    emit_sized(sink, SID_E_IMAGE_TOO_LARGE, 65535, 65535);
    emit_sized(sink, SID_E_IMAGE_TOO_LARGE, 65535, 400);
    emit_sized(sink, SID_E_IMAGE_TOO_LARGE, 400, 65535);
    emit_sized(sink, SID_E_IMAGE_TOO_LARGE, 6000, 4084);
    emit_sized(sink, SID_E_IMAGE_TOO_SMALL, 1, 1);
    emit_sized(sink, SID_E_IMAGE_TOO_SMALL, 65535, 1);
    emit_sized(sink, SID_E_IMAGE_TOO_SMALL, 159, 160);
    emit_sized(sink, SID_E_IMAGE_TOO_SMALL, 160, 159);
    emit_sized(sink, SID_E_IMAGE_UNREADABLE, 5712, 4284);
    emit_sized(sink, SID_E_IMAGE_UNREADABLE, 4000, 3000);
}

/* Much beside the pixels: refused behind the first 256 KiB. */
static void
floods(const struct hostile_sink *sink) {
    for (unsigned mark = 0xE0; mark <= 0xF0; mark++) {
        struct sid_buf segments = SID_BUF_EMPTY;
        for (int i = 0; i < 5; i++)
            put_blank(&segments, mark == 0xF0 ? 0xFE : mark, 60000);
        struct sid_buf file =
            cook((struct recipe){.before_frame = sid_buf_span(&segments)});
        hostile_emit(sink, &file, HOSTILE_REFUSED, "jpeg_segments_%02x", mark);
        sid_buf_free(&segments);
    }
    static const struct {
        const char *name;
        unsigned mark;
        size_t len;
    } kinds[] = {{"extended_xmp", 0xE1, 65533},
                 {"icc", 0xE2, 65533},
                 {"empty_comments", 0xFE, 0},
                 {"empty_tables", 0xC4, 0},
                 {"intervals", 0xDD, 2}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct sid_buf segments = SID_BUF_EMPTY;
        put_blank(&segments, kinds[i].mark, kinds[i].len);
        hostile_repeat(&segments, 0, (UPLOAD_MAX - 2000) / segments.len);
        char name[64];
        (void)snprintf(name, sizeof name, "flood_%s", kinds[i].name);
        emit_unreadable(
            sink, name,
            (struct recipe){.before_scan = sid_buf_span(&segments)});
        (void)snprintf(name, sizeof name, "flood_%s_behind", kinds[i].name);
        emit_unreadable(sink, name,
                        (struct recipe){.after_scan = sid_buf_span(&segments)});
        sid_buf_free(&segments);
    }
    struct sid_buf fill = SID_BUF_EMPTY;
    hostile_fill(&fill, 0xFF, UPLOAD_MAX - 1000);
    emit_unreadable(sink, "flood_fill_bytes",
                    (struct recipe){.before_frame = sid_buf_span(&fill),
                                    .no_frame = true,
                                    .no_scan = true});
    sid_buf_free(&fill);
}

/* Restart markers, and what else looks like data. */
static void
restarts(const struct hostile_sink *sink) {
    static const struct sid_span interval = SPAN("\xFF\xDD\0\x04\0\x01");
    struct sid_buf coded = SID_BUF_EMPTY;
    hostile_fill(&coded, 0, 5000);
    hostile_put(&coded, "\xFF\xD0", 2);
    hostile_repeat(&coded, 5000, (UPLOAD_MAX - 6000) / 2);
    emit_unreadable(sink, "restarts_without_interval",
                    (struct recipe){.coded = sid_buf_span(&coded)});
    emit_unreadable(sink, "restarts_all_first",
                    (struct recipe){.before_scan = interval,
                                    .coded = sid_buf_span(&coded)});
    for (size_t i = 5000; i + 1 < coded.len; i += 2)
        coded.ptr[i + 1] = (uint8_t)(0xD0 + (i - 5000) / 2 % 8);
    emit_unreadable(sink, "restarts_with_nothing_between",
                    (struct recipe){.before_scan = interval,
                                    .coded = sid_buf_span(&coded)});
    for (size_t i = 5000; i + 1 < coded.len; i += 2)
        coded.ptr[i + 1] = 0;
    memset(coded.ptr, 0xFF, 5000);
    emit_unreadable(sink, "all_ones",
                    (struct recipe){.coded = sid_buf_span(&coded)});
    coded.len = 0;
    for (int i = 0; i < 9; i++) {
        hostile_fill(&coded, 0, 1000);
        const uint8_t mark[] = {0xFF, (uint8_t)(0xD0 + i * 3 % 8)};
        hostile_put(&coded, mark, 2);
    }
    emit_unreadable(sink, "restarts_out_of_turn",
                    (struct recipe){.before_scan = interval,
                                    .coded = sid_buf_span(&coded)});
    emit_unreadable(sink, "interval_of_3_bytes",
                    (struct recipe){.before_scan = SPAN("\xFF\xDD\0\x03\0")});
    sid_buf_free(&coded);
}

/* Where markers stand, and what they say of their lengths. */
static void
structures(const struct hostile_sink *sink) {
    static const struct {
        const char *name;
        struct sid_span bytes;
    } inserts[] = {
        {"garbage", SPAN("garbage")},
        {"zero", SPAN("\0")},
        {"length_0", SPAN("\xFF\xE1\0\0")},
        {"length_1", SPAN("\xFF\xE1\0\x01")},
        {"length_beyond", SPAN("\xFF\xE1\xFF\xFF")},
        {"soi", SPAN("\xFF\xD8")},
        {"restart", SPAN("\xFF\xD3")},
        {"tem", SPAN("\xFF\x01")},
        {"reserved", SPAN("\xFF\x02\0\x04\0\0")},
        {"arithmetic_tables", SPAN("\xFF\xCC\0\x04\0\x10")},
        {"dnl", SPAN("\xFF\xDC\0\x04\x01\x2C")},
        {"dhp", SPAN("\xFF\xDE\0\x0B\x08\x01\x2C\x01\x90\x01\x01\x11\0")},
        {"exp", SPAN("\xFF\xDF\0\x03\x11")},
        {"jpg0", SPAN("\xFF\xF0\0\x02")},
        {"jpg13", SPAN("\xFF\xFD\0\x02")},
        {"end", SPAN("\xFF\xD9")},
        {"frame", SPAN("\xFF\xC0\0\x0B\x08\x01\x2C\x01\x90\x01\x01\x11\0")},
    };
    for (size_t i = 0; i < sizeof inserts / sizeof inserts[0]; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "with_%s", inserts[i].name);
        emit_unreadable(sink, name,
                        (struct recipe){.before_scan = inserts[i].bytes});
    }
    emit_unreadable(sink, "frame_after_scan",
                    (struct recipe){.after_scan = inserts[16].bytes});
    emit_unreadable(sink, "no_frame", (struct recipe){.no_frame = true});
    emit_unreadable(sink, "no_scan", (struct recipe){.no_scan = true});
    static const struct sid_span headers[] = {
        SPAN("\0\x06\0\0\x3F\0"),
        SPAN("\0\x0C\x04\x01\0\x02\0\x03\0\0\x3F\0"),
        SPAN("\0\x02"),
        SPAN("\0\x03\x01"),
        SPAN("\0\x08\x02\x01\0\0\x3F\0"),
        SPAN("\0\x0E\x04\x01\0\x02\0\x03\0\x04\0\0\x3F\0")};
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        char name[64];
        static const uint8_t coded[8000];
        (void)snprintf(name, sizeof name, "scan_header_%zu", i);
        emit_unreadable(sink, name,
                        (struct recipe){.scan_header = headers[i],
                                        .coded = {coded, sizeof coded}});
    }
    struct sid_buf again = cook((struct recipe){.w = 160, .h = 160});
    emit_unreadable(sink, "nested",
                    (struct recipe){.before_frame = sid_buf_span(&again)});
    sid_buf_free(&again);
}

/* EXIF that leads nowhere is nobody's reason to refuse a photo, nor to look
 * for long; thumbnails are not read. */
static void
exif(const struct hostile_sink *sink) {
#define EXIF "Exif\0\0"
    static const struct {
        const char *name;
        struct sid_span bytes;
    } blocks[] = {
        {"next_is_itself",
         SPAN(EXIF "II*\0\x08\0\0\0\x01\0\x32\x01\x02\0\x01\0\0\0\0\0\0\0"
                   "\x08\0\0\0")},
        {"no_entries_next_is_itself",
         SPAN(EXIF "II*\0\x08\0\0\0\0\0\x08\0\0\0")},
        {"directory_in_header", SPAN(EXIF "MM\0*\0\0\0\0\0\0\0\0")},
        {"directory_far_off", SPAN(EXIF "MM\0*\xFF\xFF\xFF\xF0\0\0\0\0")},
        {"many_entries", SPAN(EXIF "MM\0*\0\0\0\x08\xFF\xFF\0\0")},
        {"exif_is_itself",
         SPAN(EXIF "MM\0*\0\0\0\x08\0\x02\x87\x69\0\x04\0\0\0\x01\0\0\0\x08"
                   "\x88\x25\0\x04\0\0\0\x01\0\0\0\x08\0\0\0\x08")},
        {"value_far_off",
         SPAN(EXIF "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\xFF\xFF\xFF\xFF\xFF\xFF"
                   "\xFF\xFF\0\0\0\0")},
    };
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        struct sid_buf segment = SID_BUF_EMPTY;
        put_segment(&segment, 0xE1, blocks[i].bytes.ptr, blocks[i].bytes.len);
        struct sid_buf file =
            cook((struct recipe){.before_frame = sid_buf_span(&segment)});
        hostile_emit(sink, &file, SID_OK, HOSTILE_CHEAP, "jpeg_exif_%s",
                     blocks[i].name);
        sid_buf_free(&segment);
    }
    struct sid_buf photo = cook((struct recipe){.w = 160, .h = 160});
    for (int depth = 0; depth < 8; depth++) {
        struct sid_buf segment = SID_BUF_EMPTY;
        put_segment(&segment, 0xE1, photo.ptr, photo.len);
        sid_buf_free(&photo);
        photo = cook((struct recipe){.before_frame = sid_buf_span(&segment)});
        sid_buf_free(&segment);
    }
    struct sid_buf copy = SID_BUF_EMPTY;
    hostile_put(&copy, photo.ptr, photo.len);
    hostile_emit(sink, &copy, SID_OK, HOSTILE_CHEAP, "jpeg_nested_thumbnails");
    /* A thumbnail that is longer than its segment. */
    struct sid_buf segment = SID_BUF_EMPTY;
    put_segment(&segment, 0xE1, photo.ptr, photo.len);
    segment.ptr[2] = 0;
    emit_unreadable(sink, "thumbnail_too_long",
                    (struct recipe){.before_frame = sid_buf_span(&segment)});
    sid_buf_free(&segment);
    sid_buf_free(&photo);
}

/* At 50 places each; and a large photo without its last lines. */
static void
cuts(const struct hostile_sink *sink) {
    static const struct jpeg_kind kinds[] = {{.subsampled = true},
                                             {.progressive = true}};
    for (int kind = 0; kind < 2; kind++) {
        struct sid_buf whole = SID_BUF_EMPTY;
        make_jpeg(400, 300, paint_slope, &kinds[kind], &whole);
        for (size_t i = 0; i < 50; i++) {
            struct sid_buf part = SID_BUF_EMPTY;
            hostile_cut(&whole, (whole.len - 3) * (i + 1) / 50, &part);
            hostile_emit(sink, &part, HOSTILE_REFUSED, "jpeg_cut_%d_%zu", kind,
                         i);
        }
        sid_buf_free(&whole);
    }
    struct sid_buf whole = cook((struct recipe){.w = 5712, .h = 4284});
    struct sid_buf part = SID_BUF_EMPTY;
    hostile_cut(&whole, whole.len - 10000, &part);
    hostile_emit(sink, &part, SID_E_IMAGE_UNREADABLE, HOSTILE_DEAR,
                 "jpeg_large_cut");
    hostile_emit(sink, &whole, SID_OK, HOSTILE_DEAR, "jpeg_large");
}

void
hostile_jpegs(const struct hostile_sink *sink) {
    scan_bombs(sink);
    dearest_photo(sink);
    frames(sink);
    sizes(sink);
    floods(sink);
    restarts(sink);
    structures(sink);
    exif(sink);
    cuts(sink);
}
