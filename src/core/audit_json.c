/* audit_json.c: see audit_json.h. Pure; any thread; owns nothing. */
#include "smartid/audit_json.h"

#include <stdio.h>
#include <string.h>

#include "smartid/clock.h"
#include "smartid/json_out.h"
#include "smartid/text.h"

/* Members of one detail that are shown as such. */
#define MEMBERS_MAX 32

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
write_detail(struct sid_buf *scratch, struct sid_json *json,
             const char *detail) {
    struct sid_audit_member members[MEMBERS_MAX];
    size_t count = split(detail, members);
    if (count == 0 && detail[0] != '\0') {
        sid_json_string(json, "detail", detail);
        return SID_OK;
    }
    /* A copy that can be cut into strings. */
    scratch->len = 0;
    enum sid_err err = sid_buf_append(scratch, detail, strlen(detail) + 1);
    sid_json_open(json, "detail", '{');
    for (size_t i = 0; i < count && err == SID_OK; i++) {
        char *key = (char *)scratch->ptr + (members[i].key - detail);
        char *value = (char *)scratch->ptr + (members[i].value - detail);
        key[members[i].key_len] = '\0';
        value[members[i].value_len] = '\0';
        sid_json_string(json, key, value);
    }
    sid_json_close(json, '}');
    return err;
}

/* ---- rows ---------------------------------------------------------------- */

/* RFC 3339 with microseconds: what the MAC was made over. */
void
sid_audit_time_text(int64_t at_us, char out[SID_AUDIT_TIME_SIZE]) {
    char at[SID_TIME_TEXT_SIZE];
    int64_t at_s = at_us < 0 ? 0 : at_us / 1000000;
    sid_time_text(at_s, at);
    (void)snprintf(out, SID_AUDIT_TIME_SIZE, "%.19s.%06uZ", at,
                   at_us < 0 ? 0U : (unsigned)(at_us % 1000000));
}

void
sid_audit_write_row(struct sid_json *json,
                    const struct sid_audit_entry *entry) {
    const struct sid_audit_row *row = &entry->row;
    char at[SID_AUDIT_TIME_SIZE], mac[2 * SID_SHA256_BYTES + 1];
    sid_audit_time_text(row->at_us, at);
    sid_hex_encode(entry->mac, sizeof entry->mac, mac);
    sid_json_int(json, "seq", row->seq);
    sid_json_string(json, "at", at);
    sid_json_string(json, "event", row->event);
    sid_json_string(json, "actor", row->actor);
    sid_json_string(json, "subject", row->subject);
    sid_json_string(json, "outcome", row->outcome);
    sid_json_string(json, "mac", mac);
}

enum sid_err
sid_audit_json(const struct sid_audit_entry *entry, struct sid_buf *scratch,
               struct sid_buf *out) {
    struct sid_json json;
    sid_json_init(&json, out);
    sid_json_open(&json, NULL, '{');
    sid_audit_write_row(&json, entry);
    enum sid_err err = write_detail(scratch, &json, entry->row.detail);
    sid_json_close(&json, '}');
    return err == SID_OK ? json.err : err;
}
