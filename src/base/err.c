/* err.c: the texts of the error table, and the end of the process when the
 * program itself is wrong. Any thread; owns nothing. */
#include "smartid/err.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *code;
    const char *text;
} errors[SID_ERR_COUNT] = {
#define SID_ERR_ROW(sym, code, text) [sym] = {code, text},
    SID_ERR_MAP(SID_ERR_ROW)
#undef SID_ERR_ROW
};

static enum sid_err
known(enum sid_err err) {
    return (unsigned)err < SID_ERR_COUNT ? err : SID_E_INTERNAL;
}

const char *
sid_err_code(enum sid_err err) {
    return errors[known(err)].code;
}

const char *
sid_err_text(enum sid_err err) {
    return errors[known(err)].text;
}

_Noreturn void
sid_assert_failed(const char *cond, const char *file, int line) {
    fprintf(stderr, "level=error event=assert_failed at=%s:%d cond=\"%s\"\n",
            file, line, cond);
    abort();
}
