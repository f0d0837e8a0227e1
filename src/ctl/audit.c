/* audit.c: smartidctl audit: checks the chain of the audit log, while no daemon
 * runs. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl.h"

static int
usage(FILE *to, int status) {
    (void)fputs("usage: smartidctl [-c FILE] audit verify\n"
                "Reads every row of the audit log and checks that none was "
                "changed, removed,\nswapped or put in. The daemon must be "
                "stopped.\n",
                to);
    return status;
}

int
sid_ctl_audit(const char *config_path, int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout, SID_CTL_OK);
    if (argc != 2 || strcmp(argv[1], "verify") != 0)
        return usage(stderr, SID_CTL_USAGE);
    struct sid_config config;
    struct sid_ctl_store open = {0};
    int status = sid_ctl_load_config(config_path, &config);
    if (status == 0)
        status = sid_ctl_open(&config, &open);
    if (status != 0)
        return status;
    int64_t rows = 0, bad_seq = 0;
    enum sid_err err = sid_store_audit_verify(open.store, &rows, &bad_seq);
    if (err != SID_OK) {
        (void)fprintf(stderr, "smartidctl: the log cannot be read: %s\n",
                      sid_err_text(err));
        status = SID_CTL_FAILED;
    } else if (bad_seq != 0) {
        (void)printf("audit log: row %" PRId64 " does not fit the chain\n",
                     bad_seq);
        status = SID_CTL_FAILED;
    } else {
        (void)printf("audit log: %" PRId64 " rows, chain unbroken\n", rows);
    }
    sid_ctl_close(&open);
    return status;
}
