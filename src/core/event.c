/* event.c: see event.h. Pure; owns nothing. */
#include "smartid/event.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "smartid/json_out.h"
#include "smartid/text.h"

static const struct {
    const char *name, *member;
} types[SID_EVENT_COUNT] = {
#define SID_EVENT_ROW(sym, type, member) [sym] = {type, member},
    SID_EVENT_MAP(SID_EVENT_ROW)
#undef SID_EVENT_ROW
};

/* outcome: of the row; NULL: any. state: what a credential is from then on;
 * NULL: the row's outcome. */
static const struct {
    const char *event;
    enum sid_event_type type;
    const char *outcome, *state;
} sent[] = {
    {"enrolment_decided", SID_EVENT_DECIDED, NULL, NULL},
    {"credential_issued", SID_EVENT_CHANGED, NULL, "active"},
    {"credential_suspended", SID_EVENT_CHANGED, NULL, NULL},
    {"credential_resumed", SID_EVENT_CHANGED, NULL, NULL},
    {"credential_revoked", SID_EVENT_CHANGED, NULL, NULL},
    {"credential_replaced", SID_EVENT_CHANGED, NULL, NULL},
    {"credential_erased", SID_EVENT_CHANGED, NULL, "erased"},
    /* The old phone is told as well: it may not be the person's. */
    {"credential_recovered", SID_EVENT_RECOVERED, NULL, NULL},
    /* Not of a photo that only has to be taken again. */
    {"recovery_failed", SID_EVENT_NOT_RECOVERED, "failed", NULL},
    {"credential_expiring", SID_EVENT_EXPIRING, NULL, NULL},
    {"verification", SID_EVENT_CHECKED, NULL, NULL},
};

const char *
sid_event_type_name(enum sid_event_type type) {
    return types[type].name;
}

/* The row of `sent`, or -1. */
static int
find(const struct sid_audit_entry *entry) {
    /* A check of a code that is nobody's is nobody's affair. */
    if (!entry->intact || entry->row.subject[0] == '\0')
        return -1;
    for (int i = 0; i < (int)(sizeof sent / sizeof sent[0]); i++)
        if (strcmp(entry->row.event, sent[i].event) == 0)
            return sent[i].outcome == NULL ||
                           strcmp(entry->row.outcome, sent[i].outcome) == 0
                       ? i
                       : -1;
    return -1;
}

bool
sid_event_of(const struct sid_audit_entry *entry, enum sid_event_type *out) {
    int at = find(entry);
    if (at >= 0)
        *out = sent[at].type;
    return at >= 0;
}

void
sid_event_id(const struct sid_audit_entry *entry, char out[SID_EVENT_ID_SIZE]) {
    char mac[2 * 4 + 1];
    sid_hex_encode(entry->mac, 4, mac);
    (void)snprintf(out, SID_EVENT_ID_SIZE, "%" PRId64 "-%s", entry->row.seq,
                   mac);
}

/* Copies a member of the row's detail, when it is there. */
static void
print_member(struct sid_json *json, const char *detail, const char *key,
             const char *name) {
    struct sid_audit_member found;
    char value[256];
    if (!sid_audit_member_find(detail, key, &found))
        return;
    (void)snprintf(value, sizeof value, "%.*s", (int)found.value_len,
                   found.value);
    sid_json_string(json, name, value);
}

static void
print_facts(struct sid_json *json, const struct sid_audit_row *row,
            enum sid_event_type type, const char *state) {
    switch (type) {
    case SID_EVENT_DECIDED:
    case SID_EVENT_CHANGED:
        sid_json_string(json, "state", state == NULL ? row->outcome : state);
        print_member(json, row->detail, "enrolment", "enrollment");
        print_member(json, row->detail, "by", "by");
        break;
    case SID_EVENT_RECOVERED:
        sid_json_string(json, "how", row->outcome);
        break;
    case SID_EVENT_NOT_RECOVERED:
        print_member(json, row->detail, "failures", "failures");
        break;
    case SID_EVENT_EXPIRING:
        print_member(json, row->detail, "valid_until", "valid_until");
        break;
    case SID_EVENT_CHECKED:
        /* Of a code that could not be checked nobody knows. */
        if (strcmp(row->outcome, "could_not_check") != 0)
            sid_json_bool(json, "valid", strcmp(row->outcome, "valid") == 0);
        print_member(json, row->detail, "id", "verification");
        print_member(json, row->detail, "purpose", "purpose");
        print_member(json, row->detail, "counter", "counter");
        break;
    case SID_EVENT_COUNT:
        break;
    }
}

enum sid_err
sid_event_print(const struct sid_audit_entry *entry, enum sid_event_type type,
                struct sid_buf *to) {
    const struct sid_audit_row *row = &entry->row;
    int at = find(entry);
    char id[SID_EVENT_ID_SIZE];
    struct sid_json json;
    sid_event_id(entry, id);
    sid_json_init(&json, to);
    sid_json_open(&json, NULL, '{');
    sid_json_string(&json, "id", id);
    sid_json_string(&json, "type", types[type].name);
    sid_json_time(&json, "at", row->at_us / 1000000);
    sid_json_string(&json, types[type].member, row->subject);
    print_facts(&json, row, type, at < 0 ? NULL : sent[at].state);
    sid_json_close(&json, '}');
    return json.err;
}

enum sid_err
sid_event_secret(const struct sid_mac_key *branch,
                 char out[SID_EVENT_SECRET_SIZE]) {
    static const char label[] = "smartidd/webhook/secret/v1";
    _Static_assert(SID_BASE32_CHARS(20) == SID_EVENT_SECRET_SIZE - 1,
                   "the secret is as long as a key");
    struct sid_span part = sid_span_str(label);
    uint8_t mac[SID_SHA256_BYTES];
    enum sid_err err = sid_mac(branch, &part, 1, mac);
    if (err == SID_OK)
        sid_base32_encode(mac, 20, out);
    sid_wipe(mac, sizeof mac);
    return err;
}

enum sid_err
sid_event_sign(const struct sid_mac_key *secret, int64_t now_s,
               struct sid_span body, char out[SID_EVENT_SIGNATURE_SIZE]) {
    char time[24];
    uint8_t mac[SID_SHA256_BYTES];
    char hex[2 * sizeof mac + 1];
    (void)snprintf(time, sizeof time, "%" PRId64 ".", now_s);
    struct sid_span parts[] = {sid_span_str(time), body};
    enum sid_err err = sid_mac(secret, parts, 2, mac);
    if (err != SID_OK)
        return err;
    sid_hex_encode(mac, sizeof mac, hex);
    (void)snprintf(out, SID_EVENT_SIGNATURE_SIZE, "t=%" PRId64 ",v1=%s", now_s,
                   hex);
    return SID_OK;
}
