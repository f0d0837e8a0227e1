/* audit_export.c: smartidctl audit export: the log as JSON lines, streamed. */
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "smartid/audit_json.h"

struct exporter {
    int64_t since_us, until_us;
    const char *event; /* NULL: all */
    struct sid_buf out;
    struct sid_buf scratch;
};

/* ---- rows ---------------------------------------------------------------- */

static enum sid_err
export_row(const struct sid_audit_entry *entry, void *ctx) {
    struct exporter *to = ctx;
    const struct sid_audit_row *row = &entry->row;
    if (row->at_us < to->since_us || row->at_us >= to->until_us ||
        (to->event != NULL && strcmp(row->event, to->event) != 0))
        return SID_OK;
    enum sid_err err = sid_audit_json(entry, &to->scratch, &to->out);
    return err == SID_OK ? sid_buf_append(&to->out, "\n", 1) : err;
}

/* Between two pieces, when no transaction is open: the reader may be slow. */
static enum sid_err
write_out(void *ctx) {
    struct exporter *to = ctx;
    size_t len = to->out.len;
    size_t written = len == 0 ? 0 : fwrite(to->out.ptr, 1, len, stdout);
    to->out.len = 0;
    return written == len && fflush(stdout) == 0 ? SID_OK : SID_E_IO;
}

/* ---- smartidctl audit export --------------------------------------------- */

static bool
parse(int argc, char **argv, struct exporter *to) {
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (value == NULL)
            return false;
        bool taken = false;
        if (strcmp(argv[i], "--since") == 0)
            taken = sid_audit_parse_time(value, 0, &to->since_us) == SID_OK;
        else if (strcmp(argv[i], "--until") == 0)
            taken = sid_audit_parse_time(value, 0, &to->until_us) == SID_OK;
        else if (strcmp(argv[i], "--event") == 0)
            taken = (to->event = value)[0] != '\0';
        if (!taken)
            return false;
    }
    return true;
}

int
sid_audit_export(const char *config_path, int argc, char **argv) {
    struct exporter to = {.since_us = INT64_MIN, .until_us = INT64_MAX};
    if (!parse(argc, argv, &to))
        return SID_CTL_USAGE;
    struct sid_config config;
    struct sid_ctl_store open = {0};
    int status = sid_ctl_load_config(config_path, &config);
    if (status == 0)
        status = sid_ctl_open_readonly(&config, &open);
    if (status != 0)
        return status;
    enum sid_err err = sid_audit_walk(open.store, export_row, write_out, &to);
    sid_buf_free(&to.out);
    sid_buf_free(&to.scratch);
    sid_ctl_close(&open);
    return err == SID_OK ? SID_CTL_OK : sid_ctl_print_error(err);
}
