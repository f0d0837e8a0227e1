/* qr_png.c: a symbol as a PNG of one bit per pixel, written to memory by
 * libpng, whose errors come by longjmp and end in this file. Any thread; owns
 * nothing. */
#include <png.h>
#include <string.h>

#include "smartid/qr.h"
#include "symbol.h"

/* Version 40 with its quiet zone: 177 + 8 modules. Source: ISO/IEC 18004. */
#define MODULES_MAX 185
#define ROW_MAX_BYTES ((MODULES_MAX * SID_QR_SCALE_MAX + 7) / 8)

/* All that must outlive a longjmp stands here, not in local variables. */
struct drawing {
    const struct symbol *symbol;
    int scale;
    struct sid_buf *to;
    enum sid_err err;
    png_structp png;
    png_infop info;
    png_byte row[ROW_MAX_BYTES];
};

static void
on_write(png_structp png, png_bytep bytes, png_size_t len) {
    struct drawing *d = png_get_io_ptr(png);
    d->err = sid_buf_append(d->to, bytes, len);
    if (d->err != SID_OK)
        png_error(png, "no memory");
}

static void
on_flush(png_structp png) {
    (void)png;
}

static _Noreturn void
on_error(png_structp png, png_const_charp text) {
    (void)text;
    png_longjmp(png, 1);
}

static void
on_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

/* Light is 1: the row is made white and the dark pixels are taken out. */
static void
fill_row(struct drawing *d, int module_y) {
    memset(d->row, 0xff, sizeof d->row);
    for (int x = 0; x < d->symbol->modules * d->scale; x++) {
        if (symbol_is_dark(d->symbol, x / d->scale, module_y))
            d->row[x / 8] = (png_byte)(d->row[x / 8] & ~(0x80u >> (x % 8)));
    }
}

static void
draw(struct drawing *d) {
    png_uint_32 side_px = (png_uint_32)(d->symbol->modules * d->scale);
    png_set_write_fn(d->png, d, on_write, on_flush);
    png_set_IHDR(d->png, d->info, side_px, side_px, 1, PNG_COLOR_TYPE_GRAY,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_set_filter(d->png, 0, PNG_FILTER_NONE | PNG_FILTER_UP);
    png_write_info(d->png, d->info);
    for (int y = 0; y < d->symbol->modules; y++) {
        fill_row(d, y);
        for (int again = 0; again < d->scale; again++)
            png_write_row(d->png, d->row);
    }
    png_write_end(d->png, d->info);
}

/* The frame of the setjmp: it has no variable that could be clobbered. */
static enum sid_err
draw_guarded(struct drawing *d) {
    if (setjmp(png_jmpbuf(d->png)) != 0)
        return d->err != SID_OK ? d->err : SID_E_NO_MEMORY;
    draw(d);
    return SID_OK;
}

enum sid_err
sid_qr_png(const char *text, enum sid_qr_level level, int scale,
           struct sid_buf *out) {
    SID_ASSERT(out->ptr == NULL);
    if (scale < SID_QR_SCALE_MIN || scale > SID_QR_SCALE_MAX)
        return SID_E_ARGUMENT;
    struct symbol symbol;
    struct sid_buf made = SID_BUF_EMPTY;
    enum sid_err err = symbol_make(text, level, &symbol);
    if (err != SID_OK)
        return err;
    SID_ASSERT(symbol.modules <= MODULES_MAX);
    struct drawing d = {.symbol = &symbol, .scale = scale, .to = &made};
    d.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, on_error,
                                    on_warning);
    if (d.png != NULL)
        d.info = png_create_info_struct(d.png);
    err = d.info == NULL ? SID_E_NO_MEMORY : draw_guarded(&d);
    if (err == SID_OK)
        sid_buf_move(&made, out);
    png_destroy_write_struct(&d.png, &d.info);
    symbol_fini(&symbol);
    sid_buf_free(&made);
    return err;
}
