/* audit.c: the link that chains one row of the audit log to the next. Every
 * field goes in with its length, so that no two different rows read alike.
 * Pure; any thread; owns nothing. */
#include "smartid/audit.h"

#include <string.h>

#define TEXTS 5
#define LENGTH_BYTES 4

static void
put_big_endian(uint8_t *to, size_t bytes, uint64_t value) {
    for (size_t i = bytes; i > 0; i--, value >>= 8)
        to[i - 1] = (uint8_t)(value & 255);
}

enum sid_err
sid_audit_link(const struct sid_mac_key *key,
               const uint8_t prev[SID_SHA256_BYTES],
               const struct sid_audit_row *row, uint8_t mac[SID_SHA256_BYTES]) {
    const char *const texts[TEXTS] = {row->event, row->actor, row->subject,
                                      row->outcome, row->detail};
    uint8_t numbers[16];
    uint8_t lengths[TEXTS][LENGTH_BYTES];
    struct sid_span parts[2 + 2 * TEXTS];
    put_big_endian(numbers, 8, (uint64_t)row->seq);
    put_big_endian(numbers + 8, 8, (uint64_t)row->at_us);
    parts[0] = sid_span_of(prev, SID_SHA256_BYTES);
    parts[1] = sid_span_of(numbers, sizeof numbers);
    for (size_t i = 0; i < TEXTS; i++) {
        size_t len = strlen(texts[i]);
        SID_ASSERT(len <= UINT32_MAX);
        put_big_endian(lengths[i], LENGTH_BYTES, len);
        parts[2 + 2 * i] = sid_span_of(lengths[i], LENGTH_BYTES);
        parts[3 + 2 * i] = sid_span_of(texts[i], len);
    }
    return sid_mac(key, parts, 2 + 2 * TEXTS, mac);
}

enum sid_err
sid_audit_anchor(const struct sid_mac_key *key, int64_t seq,
                 const uint8_t mac[SID_SHA256_BYTES],
                 uint8_t seal[SID_SHA256_BYTES]) {
    /* With its NUL 25 bytes: shorter than any row's, so that neither can pass
     * for the other. */
    static const char label[] = "smartidd/audit-anchor/v1";
    uint8_t number[8];
    put_big_endian(number, sizeof number, (uint64_t)seq);
    const struct sid_span parts[] = {
        sid_span_of(label, sizeof label),
        sid_span_of(number, sizeof number),
        sid_span_of(mac, SID_SHA256_BYTES),
    };
    return sid_mac(key, parts, sizeof parts / sizeof parts[0], seal);
}

/* ---- details ------------------------------------------------------------- */

/* Keys whose value is free text. */
static const char *const free_keys[] = {"counter", "value"};

static bool
is_key_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static bool
is_named(const struct sid_audit_member *member, const char *key) {
    return strlen(key) == member->key_len &&
           memcmp(key, member->key, member->key_len) == 0;
}

bool
sid_audit_member_next(const char **at, struct sid_audit_member *out) {
    struct sid_audit_member member = {.key = *at};
    while (is_key_char(member.key[member.key_len]))
        member.key_len++;
    if (member.key_len == 0 || member.key[member.key_len] != '=')
        return false;
    member.value = member.key + member.key_len + 1;
    member.value_len = strcspn(member.value, " ");
    bool quoted = member.value[0] == '"';
    for (size_t i = 0; i < sizeof free_keys / sizeof *free_keys; i++) {
        if (is_named(&member, free_keys[i]))
            member.value_len = strlen(member.value);
        quoted = quoted && !is_named(&member, free_keys[i]);
    }
    if (quoted)
        member.value_len = strcspn(++member.value, "\"");
    const char *end = member.value + member.value_len;
    if (quoted && *end++ != '"')
        return false;
    if (*end != ' ' && *end != '\0')
        return false;
    *at = *end == ' ' && end[1] != '\0' ? end + 1 : end;
    *out = member;
    return true;
}

bool
sid_audit_member_find(const char *detail, const char *key,
                      struct sid_audit_member *out) {
    struct sid_audit_member member;
    while (sid_audit_member_next(&detail, &member)) {
        if (is_named(&member, key)) {
            *out = member;
            return true;
        }
    }
    return false;
}
