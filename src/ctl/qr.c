/* qr.c: smartidctl qr: a code as a QR symbol in the terminal. */
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "smartid/qr.h"

static int
usage(FILE *to, int status) {
    (void)fputs("usage: smartidctl qr [--level M|Q] [CODE]\n"
                "Shows CODE, or the first line of standard input, as a QR "
                "symbol.\n",
                to);
    return status;
}

static int
show(const char *code, enum sid_qr_level level) {
    struct sid_buf out = SID_BUF_EMPTY;
    enum sid_err err = sid_qr_terminal(code, level, &out);
    if (err != SID_OK)
        (void)fprintf(stderr, "smartidctl: this text cannot be shown: %s\n",
                      sid_err_text(err));
    else
        (void)fwrite(out.ptr, 1, out.len, stdout);
    sid_buf_free(&out);
    return err == SID_OK ? SID_CTL_OK : SID_CTL_FAILED;
}

int
sid_ctl_qr(int argc, char **argv) {
    enum sid_qr_level level = SID_QR_M;
    const char *code = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return usage(stdout, SID_CTL_OK);
        if (strcmp(argv[i], "--level") == 0 && i + 1 < argc &&
            (strcmp(argv[i + 1], "M") == 0 || strcmp(argv[i + 1], "Q") == 0))
            level = argv[++i][0] == 'Q' ? SID_QR_Q : SID_QR_M;
        else if (code == NULL && strncmp(argv[i], "--", 2) != 0)
            code = argv[i];
        else
            return usage(stderr, SID_CTL_USAGE);
    }
    char line[512] = "";
    if (code == NULL) {
        if (fgets(line, sizeof line, stdin) == NULL)
            return usage(stderr, SID_CTL_USAGE);
        line[strcspn(line, "\r\n")] = '\0';
        code = line;
    }
    int status = show(code, level);
    sid_wipe(line, sizeof line);
    return status;
}
