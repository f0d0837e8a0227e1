/* symbol.c: from a text to modules, by libqrencode (thread safe as Debian
 * builds it). Any thread; the symbol is owned by its caller. */
#include "symbol.h"

#include <errno.h>
#include <limits.h>
#include <qrencode.h>
#include <string.h>

static QRecLevel
level_of(enum sid_qr_level level) {
    return level == SID_QR_Q ? QR_ECLEVEL_Q : QR_ECLEVEL_M;
}

static enum sid_err
last_error(void) {
    return errno == ENOMEM ? SID_E_NO_MEMORY : SID_E_ARGUMENT;
}

enum sid_err
symbol_make(const char *text, enum sid_qr_level level, struct symbol *out) {
    /* The longest symbol (version 40, level L) has 4296 characters. Source:
     * ISO/IEC 18004. */
    size_t len = strnlen(text, 4297);
    if (len == 0 || len > 4296)
        return SID_E_ARGUMENT;
    enum sid_err err = SID_OK;
    QRcode *code = NULL;
    QRinput *input = QRinput_new2(0, level_of(level)); /* 0: smallest */
    if (input == NULL)
        return last_error();
    /* Alphanumeric by force: a guess of the mode could differ between codes
     * and with it the size. */
    if (QRinput_append(input, QR_MODE_AN, (int)len,
                       (const unsigned char *)text) != 0) {
        err = last_error();
        goto out;
    }
    code = QRcode_encodeInput(input);
    if (code == NULL) {
        err = last_error();
        goto out;
    }
    out->modules = code->width + 2 * SID_QR_QUIET_MODULES;
    out->code = code;
out:
    QRinput_free(input);
    return err;
}

void
symbol_fini(struct symbol *symbol) {
    QRcode_free(symbol->code);
    symbol->code = NULL;
}

bool
symbol_is_dark(const struct symbol *symbol, int x, int y) {
    const QRcode *code = symbol->code;
    x -= SID_QR_QUIET_MODULES;
    y -= SID_QR_QUIET_MODULES;
    if (x < 0 || y < 0 || x >= code->width || y >= code->width)
        return false;
    return (code->data[y * code->width + x] & 1) != 0;
}
