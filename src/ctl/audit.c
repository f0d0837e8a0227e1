/* audit.c: smartidctl audit: picks the command, and what they share: findings,
 * times, walking the rows. */
#include "audit.h"

#include <stdarg.h>
#include <string.h>

#include "smartid/clock.h"
#include "smartid/text.h"

/* Lines of findings that are printed. */
#define FINDINGS_SHOWN 20
/* Rows read in one transaction. Source: own choice: some tens of
 * milliseconds. */
#define PIECE_ROWS 4096

static int
usage(FILE *to, int status) {
    (void)fputs(
        "usage: smartidctl [-c FILE] audit verify [--heads FILE]… [--head "
        "LINE]…\n"
        "           [--archive FOLDER] [--public-key HEX]\n"
        "       smartidctl [-c FILE] audit public-key\n"
        "       smartidctl audit check-heads FILE --public-key HEX\n"
        "       smartidctl [-c FILE] audit export [--since TIME] [--until "
        "TIME] "
        "[--event NAME]\n"
        "       smartidctl [-c FILE] audit archive --until MONTH --to FOLDER\n"
        "       smartidctl [-c FILE] audit report …   (see audit report "
        "--help)\n"
        "\n"
        "All of it while the daemon runs, or not; but for archive, nothing is "
        "changed.\n"
        "\n"
        "verify       reads every row and checks that none was changed, "
        "removed, swapped or\n"
        "             put in, and that the log has every row that a signed "
        "head names: a\n"
        "             tail that was cut off or an older file shows. The heads "
        "are the\n"
        "             daemon's own file, or copies (--heads, oldest first), "
        "and single\n"
        "             lines of the log (--head). --public-key is what the key "
        "has to be.\n"
        "             With --archive, segments and log are read as one chain; "
        "one "
        "that is\n"
        "             missing, changed or out of order shows.\n"
        "public-key   prints the key that heads are checked with. Keep it "
        "elsewhere.\n"
        "check-heads  checks a file of heads, or the log (FILE or -), with "
        "nothing but\n"
        "             that key.\n"
        "export       one JSON object per row and line. TIME is RFC 3339 or a "
        "date.\n"
        "archive      moves the log's oldest whole months, those before MONTH "
        "(2026-10), into\n"
        "             files, one for each, and out of the database. Stopped, "
        "it "
        "goes on when\n"
        "             it is run again. The folder must be there, and be kept.\n"
        "report       what looks like misuse.\n"
        "\n"
        "Exit codes: 0 all is well, 1 something was found or could not be "
        "read.\n",
        to);
    return status;
}

/* ---- findings ------------------------------------------------------------ */

void
sid_finding(struct sid_findings *findings, const char *fmt, ...) {
    if (findings->count++ >= FINDINGS_SHOWN)
        return;
    va_list args;
    va_start(args, fmt);
    (void)vfprintf(findings->to, fmt, args);
    va_end(args);
    (void)fputc('\n', findings->to);
}

void
sid_findings_end(struct sid_findings *findings) {
    if (findings->count > FINDINGS_SHOWN)
        (void)fprintf(findings->to, "… and %lld more\n",
                      (long long)(findings->count - FINDINGS_SHOWN));
}

/* ---- rows ---------------------------------------------------------------- */

enum sid_err
sid_audit_parse_time(const char *text, int64_t offset_s, int64_t *out_us) {
    char whole[SID_TIME_TEXT_SIZE];
    int64_t at_s = 0;
    bool is_date = strlen(text) == 10;
    if (is_date)
        (void)snprintf(whole, sizeof whole, "%.10sT00:00:00Z", text);
    if (sid_time_parse(is_date ? whole : text, &at_s) != SID_OK)
        return SID_E_ARGUMENT;
    *out_us = (at_s - (is_date ? offset_s : 0)) * 1000000;
    return SID_OK;
}

enum sid_err
sid_audit_walk(struct sid_store *store, sid_audit_each_fn *each,
               enum sid_err (*pause)(void *ctx), void *ctx) {
    struct sid_audit_places at;
    int64_t rows = 0;
    enum sid_err err = SID_OK;
    sid_audit_places_begin(&at);
    do {
        err = sid_store_begin_read(store);
        if (err != SID_OK)
            return err;
        err = sid_store_audit_by_time(store, &at, PIECE_ROWS, each, ctx, &rows);
        sid_store_rollback(store);
        if (err == SID_OK)
            err = pause(ctx);
    } while (err == SID_OK && rows == PIECE_ROWS);
    return err;
}

/* ---- commands ------------------------------------------------------------ */

static int
public_key(const char *config_path) {
    struct sid_config config;
    struct sid_ctl_store open = {0};
    int status = sid_ctl_load_config(config_path, &config);
    if (status == 0)
        status = sid_ctl_open_readonly(&config, &open);
    if (status != 0)
        return status;
    uint8_t key[SID_PUBLIC_KEY_BYTES];
    char text[2 * SID_PUBLIC_KEY_BYTES + 1];
    sid_sign_public(sid_keyring_head(open.keys), key);
    sid_hex_encode(key, sizeof key, text);
    (void)puts(text);
    sid_ctl_close(&open);
    return SID_CTL_OK;
}

int
sid_ctl_audit(const char *config_path, int argc, char **argv) {
    const char *what = argc >= 2 ? argv[1] : "";
    if (strcmp(what, "report") == 0)
        return sid_audit_report(config_path, argc - 1, argv + 1);
    if (argc >= 2 && strcmp(argv[argc - 1], "--help") == 0)
        return usage(stdout, SID_CTL_OK);
    int status = -1;
    if (strcmp(what, "verify") == 0)
        status = sid_audit_verify(config_path, argc - 1, argv + 1);
    else if (strcmp(what, "check-heads") == 0)
        status = sid_audit_check_heads(argc - 1, argv + 1);
    else if (strcmp(what, "export") == 0)
        status = sid_audit_export(config_path, argc - 1, argv + 1);
    else if (strcmp(what, "archive") == 0)
        status = sid_audit_archive(config_path, argc - 1, argv + 1);
    else if (strcmp(what, "public-key") == 0 && argc == 2)
        status = public_key(config_path);
    return status < 0 || status == SID_CTL_USAGE ? usage(stderr, SID_CTL_USAGE)
                                                 : status;
}
