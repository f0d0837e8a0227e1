/* audit_export.c: smartidctl audit export: the log as JSON lines, streamed. */
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "smartid/clock.h"
#include "smartid/json_out.h"
#include "smartid/text.h"

/* Members of one detail that are shown as such. */
#define MEMBERS_MAX 32

struct exporter {
    int64_t since_us, until_us;
    const char *event; /* NULL: all */
    struct sid_buf out;
    struct sid_buf scratch;
};

/* ---- detail -------------------------------------------------------------- */

static bool
is_repeated(const struct sid_audit_member *members, size_t count) {
    const struct sid_audit_member *last = &members[count - 1];
    for (size_t i = 0; i + 1 < count; i++) {
        if (members[i].key_len == last->key_len &&
            memcmp(members[i].key, last->key, last->key_len) == 0)
            return true;
    }
    return false;
}

/* Number of members when the whole text is a list of them, each once; else 0.
 */
static size_t
split(const char *detail, struct sid_audit_member members[MEMBERS_MAX]) {
    size_t count = 0;
    while (count < MEMBERS_MAX &&
           sid_audit_member_next(&detail, &members[count])) {
        count++;
        if (is_repeated(members, count))
            return 0;
    }
    return *detail == '\0' ? count : 0;
}

static enum sid_err
write_detail(struct exporter *to, struct sid_json *json, const char *detail) {
    struct sid_audit_member members[MEMBERS_MAX];
    size_t count = split(detail, members);
    if (count == 0 && detail[0] != '\0') {
        sid_json_string(json, "detail", detail);
        return SID_OK;
    }
    /* A copy that can be cut into strings. */
    to->scratch.len = 0;
    enum sid_err err = sid_buf_append(&to->scratch, detail, strlen(detail) + 1);
    sid_json_open(json, "detail", '{');
    for (size_t i = 0; i < count && err == SID_OK; i++) {
        char *key = (char *)to->scratch.ptr + (members[i].key - detail);
        char *value = (char *)to->scratch.ptr + (members[i].value - detail);
        key[members[i].key_len] = '\0';
        value[members[i].value_len] = '\0';
        sid_json_string(json, key, value);
    }
    sid_json_close(json, '}');
    return err;
}

/* ---- rows ---------------------------------------------------------------- */

/* RFC 3339 with microseconds: what the MAC was made over. */
static void
write_time(struct sid_json *json, int64_t at_us) {
    char at[SID_TIME_TEXT_SIZE], text[40];
    int64_t at_s = at_us < 0 ? 0 : at_us / 1000000;
    sid_time_text(at_s, at);
    (void)snprintf(text, sizeof text, "%.19s.%06uZ", at,
                   at_us < 0 ? 0U : (unsigned)(at_us % 1000000));
    sid_json_string(json, "at", text);
}

static enum sid_err
export_row(const struct sid_audit_entry *entry, void *ctx) {
    struct exporter *to = ctx;
    const struct sid_audit_row *row = &entry->row;
    if (row->at_us < to->since_us || row->at_us >= to->until_us ||
        (to->event != NULL && strcmp(row->event, to->event) != 0))
        return SID_OK;
    char mac[2 * SID_SHA256_BYTES + 1];
    struct sid_json json;
    sid_hex_encode(entry->mac, sizeof entry->mac, mac);
    sid_json_init(&json, &to->out);
    sid_json_open(&json, NULL, '{');
    sid_json_int(&json, "seq", row->seq);
    write_time(&json, row->at_us);
    sid_json_string(&json, "event", row->event);
    sid_json_string(&json, "actor", row->actor);
    sid_json_string(&json, "subject", row->subject);
    sid_json_string(&json, "outcome", row->outcome);
    enum sid_err err = write_detail(to, &json, row->detail);
    sid_json_string(&json, "mac", mac);
    sid_json_close(&json, '}');
    if (err == SID_OK)
        err = json.err;
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
