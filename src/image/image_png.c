/* image_png.c: a PNG file as BGR pixels, by libpng with its limits set. PNG
 * has no scaled decoding, so the whole picture is read and then cut and
 * averaged down. libpng's own memory is wiped when it gives it back. Any
 * thread; owns nothing beyond a call. */
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "image_priv.h"

/* The largest chunk but IDAT that libpng shall take memory for. */
#define CHUNK_BYTES_MAX SID_IMAGE_MAX_EXTRA_BYTES
/* Bytes of the file that the last row may take beyond its size unpacked: what
 * libpng reads ahead (8 KiB), tables of deflate, heads of chunks. */
#define LAST_ROW_MORE_BYTES (64 * 1024)

struct source {
    struct sid_span in;
    size_t at;
    size_t end; /* nothing behind it is read */
};

static void
read_bytes(png_structp png, png_bytep to, size_t len) {
    struct source *source = png_get_io_ptr(png);
    if (len > source->end - source->at)
        png_error(png, "the file ends early");
    memcpy(to, source->in.ptr + source->at, len);
    source->at += len;
}

static _Noreturn void
on_error(png_structp png, png_const_charp text) {
    (void)text;
    png_longjmp(png, 1);
}

static void
on_warning(png_structp png, png_const_charp text) {
    (void)png; /* odd colour profiles and the like: harmless here */
    (void)text;
}

/* The size stands before each block so that it can be wiped. */
union header {
    size_t len;
    max_align_t align;
};

static png_voidp
take_memory(png_structp png, png_alloc_size_t len) {
    bool *no_memory = png_get_mem_ptr(png);
    union header *header =
        len > SIZE_MAX - sizeof *header ? NULL : malloc(sizeof *header + len);
    if (header == NULL) {
        *no_memory = true;
        return NULL;
    }
    header->len = len;
    return header + 1;
}

static void
give_memory(png_structp png, png_voidp ptr) {
    (void)png;
    if (ptr == NULL)
        return;
    union header *header = (union header *)ptr - 1;
    sid_wipe(ptr, header->len);
    free(header);
}

/* May be left by longjmp. */
static void
set_limits(png_structp png) {
    png_set_user_limits(png, SID_IMAGE_MAX_PX, SID_IMAGE_MAX_PX);
    png_set_chunk_malloc_max(png, CHUNK_BYTES_MAX);
    /* Texts, colour profiles and the like are not even unpacked. */
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
}

/* Everything becomes 8-bit BGR; transparent parts are white. */
static void
set_conversions(png_structp png) {
    png_color_16 white = {.red = 255, .green = 255, .blue = 255, .gray = 255};
    png_set_expand(png);
    png_set_gray_to_rgb(png);
    png_set_background(png, &white, PNG_BACKGROUND_GAMMA_SCREEN, 0, 1.0);
    png_set_bgr(png);
}

/* With the last row libpng unpacks all that is left in the IDAT chunks, if it
 * were gigabytes, only to warn that it was too much: so not much may be left.
 */
static void
read_rows(png_structp png, struct sid_image *image) {
    struct source *source = png_get_io_ptr(png);
    for (int y = 0; y < image->height_px; y++) {
        size_t last = image->stride_bytes * 2 + LAST_ROW_MORE_BYTES;
        if (y + 1 == image->height_px && last < source->end - source->at)
            source->end = source->at + last;
        png_read_row(png, image->bgr + (size_t)y * image->stride_bytes, NULL);
    }
    source->end = source->in.len;
}

/* Reads the picture into image; may be left by longjmp, so it
 * changes only what it was handed. */
static enum sid_err
read_picture(png_structp png, png_infop head, const struct sid_image_info *info,
             struct sid_image *image) {
    if (setjmp(png_jmpbuf(png)) != 0) {
        const bool *no_memory = png_get_mem_ptr(png);
        return *no_memory ? SID_E_NO_MEMORY : SID_E_IMAGE_UNREADABLE;
    }
    set_limits(png);
    png_read_info(png, head);
    if (png_get_image_width(png, head) != (png_uint_32)info->file_width_px ||
        png_get_image_height(png, head) != (png_uint_32)info->file_height_px)
        return SID_E_IMAGE_UNREADABLE;
    set_conversions(png);
    png_read_update_info(png, head);
    enum sid_err err =
        sid_image_new(info->file_width_px, info->file_height_px, image);
    if (err != SID_OK)
        return err;
    if (png_get_rowbytes(png, head) != image->stride_bytes)
        return SID_E_IMAGE_UNREADABLE;
    read_rows(png, image);
    png_read_end(png, NULL);
    return SID_OK;
}

static enum sid_err
read_file(struct sid_span file, const struct sid_image_info *info,
          struct sid_image *out) {
    struct source source = {.in = file, .end = file.len};
    struct sid_image image = SID_IMAGE_EMPTY;
    enum sid_err err = SID_E_NO_MEMORY;
    bool no_memory = false; /* some block was not to be had */
    png_infop head = NULL;
    png_structp png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, NULL,
                                               on_error, on_warning, &no_memory,
                                               take_memory, give_memory);
    if (png == NULL)
        return SID_E_NO_MEMORY;
    head = png_create_info_struct(png);
    if (head == NULL)
        goto out;
    png_set_read_fn(png, &source, read_bytes);
    err = read_picture(png, head, info, &image);
    if (err != SID_OK)
        goto out;
    *out = image;
    image = SID_IMAGE_EMPTY;
out:
    png_destroy_read_struct(&png, &head, NULL);
    sid_image_fini(&image);
    return err;
}

/* One pixel: the mean of up to denom x denom. */
static void
average(const struct sid_image *from, int x0, int y0, int denom, uint8_t *to) {
    int x1 = x0 + denom < from->width_px ? x0 + denom : from->width_px;
    int y1 = y0 + denom < from->height_px ? y0 + denom : from->height_px;
    unsigned sum[3] = {0}, n = (unsigned)((x1 - x0) * (y1 - y0));
    for (int y = y0; y < y1; y++) {
        const uint8_t *p =
            from->bgr + (size_t)y * from->stride_bytes + (size_t)x0 * 3;
        for (int x = x0; x < x1; x++, p += 3)
            for (int c = 0; c < 3; c++)
                sum[c] += p[c];
    }
    for (int c = 0; c < 3; c++)
        to[c] = (uint8_t)((sum[c] + n / 2) / n);
}

static enum sid_err
reduce(const struct sid_image *from, const struct sid_image_rect *rect,
       int denom, struct sid_image *out) {
    struct sid_image made = SID_IMAGE_EMPTY;
    enum sid_err err = sid_image_new((rect->w + denom - 1) / denom,
                                     (rect->h + denom - 1) / denom, &made);
    if (err != SID_OK)
        return err;
    for (int y = 0; y < made.height_px; y++)
        for (int x = 0; x < made.width_px; x++)
            average(from, rect->x + x * denom, rect->y + y * denom, denom,
                    made.bgr + (size_t)y * made.stride_bytes + (size_t)x * 3);
    made.origin_x_px = (float)rect->x;
    made.origin_y_px = (float)rect->y;
    made.scale = 1.0F / (float)denom;
    *out = made;
    return SID_OK;
}

enum sid_err
sid_png_decode(struct sid_span file, const struct sid_image_info *info,
               const struct sid_image_rect *rect, int denom,
               struct sid_image *out) {
    struct sid_image whole = SID_IMAGE_EMPTY;
    enum sid_err err = read_file(file, info, &whole);
    if (err != SID_OK)
        return err;
    if (denom == 1 && rect->w == whole.width_px && rect->h == whole.height_px) {
        *out = whole;
        return SID_OK;
    }
    err = reduce(&whole, rect, denom, out);
    sid_image_fini(&whole);
    return err;
}
