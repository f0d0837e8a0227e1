/* symbol.h: a QR symbol as rows of modules, for the files of this folder that
 * draw it. The quiet zone is part of it here. Owned by one thread. */
#ifndef SID_QR_SYMBOL_H
#define SID_QR_SYMBOL_H

#include <stdbool.h>

#include "smartid/qr.h"

struct symbol {
    int modules; /* per side, quiet zone included */
    void *code;  /* libqrencode's */
};

/* Encodes. Errors: SID_E_ARGUMENT, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err symbol_make(const char *text, enum sid_qr_level level,
                                      struct symbol *out);
void symbol_fini(struct symbol *symbol);

/* Any x and y; outside and in the quiet zone it is light. */
bool symbol_is_dark(const struct symbol *symbol, int x, int y);

#endif
