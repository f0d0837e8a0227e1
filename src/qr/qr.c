/* qr.c: a symbol as SVG and as terminal text. Any thread; owns nothing. */
#include "smartid/qr.h"

#include "symbol.h"

static enum sid_err
svg_rows(const struct symbol *symbol, struct sid_buf *to) {
    enum sid_err err = SID_OK;
    for (int y = 0; y < symbol->modules; y++) {
        for (int x = 0; x < symbol->modules && err == SID_OK; x++) {
            if (!symbol_is_dark(symbol, x, y))
                continue;
            int run = 1;
            while (symbol_is_dark(symbol, x + run, y))
                run++;
            err = sid_buf_printf(to, "M%d %dh%dv1h-%dz", x, y, run, run);
            x += run;
        }
    }
    return err;
}

enum sid_err
sid_qr_svg(const char *text, enum sid_qr_level level, int scale,
           struct sid_buf *out) {
    SID_ASSERT(out->ptr == NULL);
    if (scale < SID_QR_SCALE_MIN || scale > SID_QR_SCALE_MAX)
        return SID_E_ARGUMENT;
    struct symbol symbol;
    struct sid_buf made = SID_BUF_EMPTY;
    enum sid_err err = symbol_make(text, level, &symbol);
    if (err != SID_OK)
        return err;
    int side = symbol.modules;
    err = sid_buf_printf(
        &made,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
        "viewBox=\"0 0 %d %d\" shape-rendering=\"crispEdges\">"
        "<path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/><path fill=\"#000\" d=\"",
        side * scale, side * scale, side, side, side, side);
    if (err == SID_OK)
        err = svg_rows(&symbol, &made);
    if (err == SID_OK)
        err = sid_buf_append_str(&made, "\"/></svg>\n");
    if (err == SID_OK)
        sid_buf_move(&made, out);
    symbol_fini(&symbol);
    sid_buf_free(&made);
    return err;
}

/* One row of cells: the upper half block shows one module in the foreground
 * colour, the lower half is the background. */
static enum sid_err
terminal_row(const struct symbol *symbol, int y, struct sid_buf *to) {
    /* 16 and 231 are black and white in the fixed part of the 256 colours,
     * which no theme changes. */
    static const int shade[] = {231, 16};
    enum sid_err err = SID_OK;
    int before = -1;
    for (int x = 0; x < symbol->modules && err == SID_OK; x++) {
        int upper = symbol_is_dark(symbol, x, y);
        int lower = symbol_is_dark(symbol, x, y + 1);
        if (before != upper * 2 + lower)
            err = sid_buf_printf(to, "\x1b[38;5;%d;48;5;%dm", shade[upper],
                                 shade[lower]);
        before = upper * 2 + lower;
        if (err == SID_OK)
            err = sid_buf_append_str(to, "\xe2\x96\x80");
    }
    return err != SID_OK ? err : sid_buf_append_str(to, "\x1b[0m\n");
}

enum sid_err
sid_qr_terminal(const char *text, enum sid_qr_level level,
                struct sid_buf *out) {
    SID_ASSERT(out->ptr == NULL);
    struct symbol symbol;
    struct sid_buf made = SID_BUF_EMPTY;
    enum sid_err err = symbol_make(text, level, &symbol);
    if (err != SID_OK)
        return err;
    for (int y = 0; y < symbol.modules && err == SID_OK; y += 2)
        err = terminal_row(&symbol, y, &made);
    if (err == SID_OK)
        sid_buf_move(&made, out);
    symbol_fini(&symbol);
    sid_buf_free(&made);
    return err;
}
