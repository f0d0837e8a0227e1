/* hostile_png.c: PNG files that nobody's camera or editor has written. */
#include <string.h>

#include <zlib.h>

#include "fixture.h"
#include "hostile.h"

#define MIB ((size_t)1024 * 1024)
/* What the daemon takes at most. Source: README, POST /v1/enrollments. */
#define UPLOAD_MAX (8 * MIB)

static void
put_chunk(struct sid_buf *file, const char *type, const void *body,
          size_t len) {
    hostile_put_be32(file, len);
    size_t begin = file->len;
    hostile_put(file, type, 4);
    hostile_put(file, body, len);
    hostile_put_be32(file, crc32_z(0, file->ptr + begin, 4 + len));
}

/* A header; the five numbers behind the size are depth, colour type,
 * compression, filter, interlace. */
static void
put_start(struct sid_buf *file, size_t w, size_t h, const uint8_t kind[5]) {
    struct sid_buf body = SID_BUF_EMPTY;
    hostile_put_be32(&body, w);
    hostile_put_be32(&body, h);
    hostile_put(&body, kind, 5);
    hostile_put(file, "\x89PNG\r\n\x1A\n", 8);
    put_chunk(file, "IHDR", body.ptr, body.len);
    sid_buf_free(&body);
}

/* Zero bytes as a block of deflate that needs no other one; the last block of
 * all if `last`. At most 1 MiB. */
static void
pack_block(size_t len, bool last, struct sid_buf *out) {
    static uint8_t zeros[MIB], packed[MIB];
    z_stream z = {.next_in = zeros,
                  .avail_in = (uInt)len,
                  .next_out = packed,
                  .avail_out = sizeof packed};
    SID_ASSERT(deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY) ==
               Z_OK);
    SID_ASSERT(deflate(&z, last ? Z_FINISH : Z_FULL_FLUSH) ==
               (last ? Z_STREAM_END : Z_OK));
    hostile_put(out, packed, sizeof packed - z.avail_out);
    (void)deflateEnd(&z);
}

/* So many zero bytes in zlib's format. */
static void
pack_zeros(size_t len, struct sid_buf *out) {
    hostile_put(out, "\x78\xDA", 2);
    if (len / MIB > 0) {
        pack_block(MIB, false, out);
        hostile_repeat(out, 2, len / MIB);
    }
    pack_block(len % MIB, true, out);
    hostile_put_be32(out, len % 65521 << 16 | 1); /* Adler-32 of zeros */
}

/* All the rows of a black picture of 3 bytes a pixel as one IDAT, and IEND. */
static void
put_rest(struct sid_buf *file, size_t w, size_t h) {
    struct sid_buf data = SID_BUF_EMPTY;
    pack_zeros(h * (1 + 3 * w), &data);
    put_chunk(file, "IDAT", data.ptr, data.len);
    put_chunk(file, "IEND", NULL, 0);
    sid_buf_free(&data);
}

#define W 320
#define H 240
static const uint8_t rgb[5] = {8, 2, 0, 0, 0};
static const uint8_t palette[5] = {8, 3, 0, 0, 0};
static const uint8_t colours[3 * 300];

static void
headers(const struct hostile_sink *sink) {
    static const uint8_t kinds[][5] = {
        {1, 0},          {2, 0},          {4, 0},           {16, 0},
        {1, 3},          {2, 3},          {4, 3},           {16, 2},
        {16, 4},         {16, 6},         {0, 2},           {3, 2},
        {32, 2},         {255, 2},        {8, 1},           {8, 5},
        {8, 7},          {8, 255},        {8, 2, 1},        {8, 2, 255},
        {8, 2, 0, 1},    {8, 2, 0, 64},   {8, 2, 0, 0, 1},  {8, 0, 0, 0, 1},
        {8, 6, 0, 0, 1}, {8, 2, 0, 0, 2}, {8, 2, 0, 0, 255}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct sid_buf file = SID_BUF_EMPTY;
        put_start(&file, W, H, kinds[i]);
        if (kinds[i][1] == 3)
            put_chunk(&file, "PLTE", colours, 3);
        put_rest(&file, W, H);
        hostile_emit(sink, &file, HOSTILE_REFUSED, "png_kind_%u_%u_%zu",
                     kinds[i][0], kinds[i][1], i);
    }
    static const struct png_kind real[] = {
        {.colour_type = 2, .bits = 16},
        {.colour_type = 6, .bits = 16},
        {.colour_type = 0, .bits = 16},
        {.colour_type = 2, .bits = 8, .interlaced = true},
        {.colour_type = 6, .bits = 8, .interlaced = true},
        {.colour_type = 3, .bits = 8, .interlaced = true},
        {.colour_type = 6, .bits = 16, .interlaced = true}};
    for (size_t i = 0; i < sizeof real / sizeof real[0]; i++) {
        struct sid_buf file = SID_BUF_EMPTY;
        make_png(W, H, paint_slope, &real[i], &file);
        hostile_emit(sink, &file, HOSTILE_REFUSED, "png_real_%d_%d_%zu",
                     real[i].colour_type, real[i].bits, i);
    }
}

static void
sizes(const struct hostile_sink *sink) {
    static const struct {
        size_t w, h;
        enum sid_err expected;
    } cases[] = {{0, 300, SID_E_IMAGE_UNREADABLE},
                 {300, 0, SID_E_IMAGE_UNREADABLE},
                 {0x80000000, 300, SID_E_IMAGE_UNREADABLE},
                 {300, 0xFFFFFFFF, SID_E_IMAGE_UNREADABLE},
                 {0x7FFFFFFF, 0x7FFFFFFF, SID_E_IMAGE_TOO_LARGE},
                 {65536, 65536, SID_E_IMAGE_TOO_LARGE},
                 {8192, 8192, SID_E_IMAGE_TOO_LARGE},
                 {5000, 4901, SID_E_IMAGE_TOO_LARGE},
                 {1, 1, SID_E_IMAGE_TOO_SMALL},
                 {1000000, 2, SID_E_IMAGE_TOO_SMALL},
                 {159, 160, SID_E_IMAGE_TOO_SMALL},
                 /* Too little data for so many pixels. */
                 {5712, 4284, SID_E_IMAGE_UNREADABLE},
                 {2000, 1000, SID_E_IMAGE_UNREADABLE}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sid_buf file = SID_BUF_EMPTY;
        put_start(&file, cases[i].w, cases[i].h, rgb);
        put_rest(&file, W, H);
        hostile_emit(sink, &file, cases[i].expected, HOSTILE_CHEAP,
                     "png_%zux%zu", cases[i].w, cases[i].h);
    }
}

/* The place of the i-th chunk of that type. */
static size_t
find_chunk(const struct sid_buf *file, const char *type) {
    for (size_t i = 8; i + 8 <= file->len; i++)
        if (memcmp(file->ptr + i + 4, type, 4) == 0)
            return i;
    SID_ASSERT(false);
    return 0;
}

/* In each critical chunk: a checksum that is wrong, or content. */
static void
checksums(const struct hostile_sink *sink) {
    static const char *const types[] = {"IHDR", "PLTE", "IDAT", "IEND"};
    for (size_t i = 0; i < 4; i++) {
        for (int bit = 0; bit < 8; bit += 7) {
            struct sid_buf file = SID_BUF_EMPTY;
            make_png(W, H, paint_slope,
                     &(struct png_kind){.colour_type = 3, .bits = 8}, &file);
            size_t at = find_chunk(&file, types[i]);
            size_t len = (size_t)file.ptr[at + 2] << 8 | file.ptr[at + 3];
            file.ptr[at + 8 + len + 3] ^= (uint8_t)(1 << bit);
            hostile_emit(sink, &file, HOSTILE_REFUSED, "png_crc_%s_%d",
                         types[i], bit);
        }
    }
}

struct piece {
    const char *type; /* NULL: the picture's IDAT */
    size_t len;
};
#define DATA                                                                   \
    { NULL, 0 }
#define END                                                                    \
    { "IEND", 0 }

/* Chunks in this order, with blank content, in a picture of that kind. */
static void
emit_pieces(const struct hostile_sink *sink, const char *name,
            const uint8_t kind[5], const struct piece *pieces, size_t count) {
    static const uint8_t zeros[MIB];
    struct sid_buf file = SID_BUF_EMPTY, data = SID_BUF_EMPTY;
    pack_zeros((size_t)H * (1 + 3 * W), &data);
    put_start(&file, W, H, kind);
    for (size_t i = 0; i < count; i++)
        put_chunk(&file, pieces[i].type != NULL ? pieces[i].type : "IDAT",
                  pieces[i].type != NULL ? zeros : data.ptr,
                  pieces[i].type != NULL ? pieces[i].len : data.len);
    hostile_emit(sink, &file, HOSTILE_REFUSED, "png_%s", name);
    sid_buf_free(&data);
}

static void
orders(const struct hostile_sink *sink) {
    static const struct {
        const char *name;
        const uint8_t *kind;
        struct piece pieces[5];
        size_t count;
    } cases[] = {
        {"two_headers", rgb, {{"IHDR", 13}, DATA, END}, 3},
        {"no_data", rgb, {END}, 1},
        {"empty_data", rgb, {{"IDAT", 0}, END}, 2},
        {"split_data", rgb, {DATA, {"tEXt", 9}, {"IDAT", 9}, END}, 4},
        {"no_end", rgb, {DATA}, 1},
        {"end_with_content", rgb, {DATA, {"IEND", 4}}, 2},
        {"end_first", rgb, {END, DATA, END}, 3},
        {"unknown_critical", rgb, {{"CgBI", 4}, DATA, END}, 3},
        {"critical_behind", rgb, {DATA, {"JDAT", 4}, END}, 3},
        {"type_of_digits", rgb, {{"1234", 4}, DATA, END}, 3},
        {"type_of_zeros", rgb, {{"\0\0\0\0", 4}, DATA, END}, 3},
        {"film", rgb, {{"acTL", 8}, {"fcTL", 26}, DATA, END}, 4},
        {"no_palette", palette, {DATA, END}, 2},
        {"empty_palette", palette, {{"PLTE", 0}, DATA, END}, 3},
        {"palette_of_4_bytes", palette, {{"PLTE", 4}, DATA, END}, 3},
        {"palette_of_257", palette, {{"PLTE", 771}, DATA, END}, 3},
        {"palette_of_64k", palette, {{"PLTE", 65535}, DATA, END}, 3},
        {"palette_of_1m", palette, {{"PLTE", MIB}, DATA, END}, 3},
        {"two_palettes", palette, {{"PLTE", 9}, {"PLTE", 9}, DATA, END}, 4},
        {"palette_behind", palette, {DATA, {"PLTE", 9}, END}, 3},
        {"suggested_behind", rgb, {DATA, {"PLTE", 9}, END}, 3},
        {"trns_of_257", palette, {{"PLTE", 768}, {"tRNS", 257}, DATA, END}, 4},
        {"trns_of_64k",
         palette,
         {{"PLTE", 768}, {"tRNS", 65536}, DATA, END},
         4},
        {"trns_of_1m", palette, {{"PLTE", 768}, {"tRNS", MIB}, DATA, END}, 4},
        {"text_of_1m", rgb, {{"tEXt", MIB}, DATA, END}, 3},
        {"exif_of_1m", rgb, {{"eXIf", MIB}, DATA, END}, 3},
        {"palettes_of_1m", rgb, {{"sPLT", MIB}, DATA, END}, 3},
        {"unknown_of_1m", rgb, {{"ruST", MIB}, DATA, END}, 3},
        {"frames_of_1m", rgb, {DATA, {"fdAT", MIB}, END}, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        emit_pieces(sink, cases[i].name, cases[i].kind, cases[i].pieces,
                    cases[i].count);
}

/* Lengths that lie, and a header that isn't the first. */
static void
lengths(const struct hostile_sink *sink) {
    static const size_t lies[] = {0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
                                  0xFFFFFFF4, 14,         12};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        for (int chunk = 0; chunk < 2; chunk++) {
            struct sid_buf file = SID_BUF_EMPTY;
            put_start(&file, W, H, rgb);
            put_rest(&file, W, H);
            size_t at = chunk == 0 ? 8 : find_chunk(&file, "IDAT");
            for (int byte = 0; byte < 4; byte++)
                file.ptr[at + (size_t)byte] =
                    (uint8_t)(lies[i] >> (24 - 8 * byte));
            hostile_emit(sink, &file, HOSTILE_REFUSED, "png_length_%d_%zx",
                         chunk, lies[i]);
        }
    }
    struct sid_buf file = SID_BUF_EMPTY;
    hostile_put(&file, "\x89PNG\r\n\x1A\n", 8);
    put_chunk(&file, "tEXt", "a\0b", 3);
    put_chunk(&file, "IHDR", "\0\0\1\x40\0\0\0\xF0\x08\2\0\0\0", 13);
    put_rest(&file, W, H);
    hostile_emit(sink, &file, HOSTILE_REFUSED, "png_header_second");
}

/* Packed zeros where a decoder unpacks them, more than 256 KiB or less. */
static void
packed(const struct hostile_sink *sink) {
    static const struct {
        const char *type;
        struct sid_span head;
    } kinds[] = {
        {"zTXt", {(const uint8_t *)"Comment\0\0", 9}},
        {"iTXt", {(const uint8_t *)"Comment\0\1\0\0\0", 12}},
        {"iCCP", {(const uint8_t *)"profile\0\0", 9}},
    };
    struct sid_buf zeros = SID_BUF_EMPTY;
    pack_zeros(150 * MIB, &zeros); /* to some 170 KiB */
    for (int i = 0; i < 3; i++) {
        struct sid_buf bomb = SID_BUF_EMPTY, file = SID_BUF_EMPTY;
        hostile_put(&bomb, kinds[i].head.ptr, kinds[i].head.len);
        hostile_put(&bomb, zeros.ptr, zeros.len);
        put_start(&file, W, H, rgb);
        put_chunk(&file, kinds[i].type, bomb.ptr, bomb.len);
        put_rest(&file, W, H);
        hostile_emit(sink, &file, SID_OK, HOSTILE_CHEAP, "png_small_%s",
                     kinds[i].type);
        put_start(&file, W, H, rgb);
        put_chunk(&file, kinds[i].type, bomb.ptr, bomb.len);
        put_chunk(&file, kinds[i].type, bomb.ptr, bomb.len);
        put_rest(&file, W, H);
        hostile_emit(sink, &file, HOSTILE_REFUSED, "png_%s", kinds[i].type);
        hostile_fill(&bomb, 0, UPLOAD_MAX - bomb.len - 2000);
        put_start(&file, W, H, rgb);
        put_rest(&file, W, H);
        file.len -= 12;
        put_chunk(&file, kinds[i].type, bomb.ptr, bomb.len);
        put_chunk(&file, "IEND", NULL, 0);
        hostile_emit(sink, &file, HOSTILE_REFUSED, "png_large_%s_behind",
                     kinds[i].type);
        sid_buf_free(&bomb);
    }
    sid_buf_free(&zeros);
}

static void
floods(const struct hostile_sink *sink) {
    static const char *const types[] = {"tEXt", "IDAT", "gAMA", "abCd"};
    for (int i = 0; i < 4; i++) {
        struct sid_buf file = SID_BUF_EMPTY;
        put_start(&file, W, H, rgb);
        put_chunk(&file, types[i], NULL, 0);
        hostile_repeat(&file, 33, (UPLOAD_MAX - 2000) / 12);
        put_rest(&file, W, H);
        hostile_emit(sink, &file, HOSTILE_REFUSED, "png_empty_%s", types[i]);
    }
}

/* 8 MiB of IDAT that unpack to gigabytes, in a small picture: libpng would
 * unpack all of it behind the last row. */
static void
bomb_behind_last_row(const struct hostile_sink *sink) {
    struct sid_buf file = SID_BUF_EMPTY, data = SID_BUF_EMPTY;
    pack_zeros(7000 * MIB, &data);
    put_start(&file, W, H, rgb);
    put_chunk(&file, "IDAT", data.ptr, data.len);
    put_chunk(&file, "IEND", NULL, 0);
    hostile_emit(sink, &file, SID_E_IMAGE_UNREADABLE, HOSTILE_DEAR,
                 "png_bomb_behind_last_row");
    sid_buf_free(&data);
}

static void
cuts(const struct hostile_sink *sink) {
    struct sid_buf whole = SID_BUF_EMPTY;
    make_png(400, 300, paint_slope,
             &(struct png_kind){.colour_type = 2, .bits = 8}, &whole);
    for (size_t i = 0; i < 50; i++) {
        struct sid_buf part = SID_BUF_EMPTY;
        hostile_cut(&whole, (whole.len - 1) * (i + 1) / 50, &part);
        hostile_emit(sink, &part, HOSTILE_REFUSED, "png_cut_%zu", i);
    }
    sid_buf_free(&whole);
}

/* As many pixels, and as many bytes each, as there may be. */
static void
dearest_photo(const struct hostile_sink *sink) {
    static const uint8_t rgba[5] = {8, 6, 0, 0, 0};
    struct sid_buf file = SID_BUF_EMPTY, data = SID_BUF_EMPTY;
    pack_zeros((size_t)4284 * (1 + 4 * 5712), &data);
    put_start(&file, 5712, 4284, rgba);
    put_chunk(&file, "IDAT", data.ptr, data.len);
    put_chunk(&file, "IEND", NULL, 0);
    hostile_emit(sink, &file, SID_OK, HOSTILE_DEAR, "png_dearest_rgba");
    sid_buf_free(&data);
}

void
hostile_pngs(const struct hostile_sink *sink) {
    headers(sink);
    sizes(sink);
    checksums(sink);
    orders(sink);
    lengths(sink);
    packed(sink);
    floods(sink);
    bomb_behind_last_row(sink);
    cuts(sink);
    dearest_photo(sink);
}
