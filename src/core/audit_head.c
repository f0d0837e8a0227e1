/* audit_head.c: signed heads as text (see audit_head.h). Pure; owns nothing. */
#include "smartid/audit_head.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/clock.h"
#include "smartid/text.h"

/* Keeps signatures of heads apart from any other use of the key. */
#define PURPOSE "smartid audit head\n"
#define BEGINNING "version=1 chain="

enum sid_err
sid_chain_id(const uint8_t public_key[SID_PUBLIC_KEY_BYTES],
             uint8_t out[SID_CHAIN_ID_BYTES]) {
    uint8_t digest[SID_SHA256_BYTES];
    enum sid_err err =
        sid_sha256(sid_span_of(public_key, SID_PUBLIC_KEY_BYTES), digest);
    if (err == SID_OK)
        memcpy(out, digest, SID_CHAIN_ID_BYTES);
    return err;
}

/* What is signed, with a NUL; the line up to " sig=" has at most 181 bytes. */
#define SIGNED_SIZE (sizeof PURPOSE + 200)

static struct sid_span
signed_part(const struct sid_audit_head *head, char out[SIGNED_SIZE]) {
    char chain[2 * SID_CHAIN_ID_BYTES + 1], mac[2 * SID_SHA256_BYTES + 1];
    char at[SID_TIME_TEXT_SIZE];
    sid_hex_encode(head->chain, sizeof head->chain, chain);
    sid_hex_encode(head->mac, sizeof head->mac, mac);
    sid_time_text(head->at_s, at);
    (void)snprintf(out, SIGNED_SIZE,
                   PURPOSE BEGINNING "%s after=%" PRId64 " seq=%" PRId64
                                     " time=%s mac=%s",
                   chain, head->after, head->seq, at, mac);
    return sid_span_str(out);
}

enum sid_err
sid_head_sign(const struct sid_sign_key *key, struct sid_audit_head *head) {
    uint8_t public_key[SID_PUBLIC_KEY_BYTES];
    char text[SIGNED_SIZE];
    sid_sign_public(key, public_key);
    enum sid_err err = sid_chain_id(public_key, head->chain);
    if (err == SID_OK)
        err = sid_sign(key, signed_part(head, text), head->signature);
    return err;
}

enum sid_err
sid_head_check(const uint8_t public_key[SID_PUBLIC_KEY_BYTES],
               const struct sid_audit_head *head, bool *good) {
    uint8_t chain[SID_CHAIN_ID_BYTES];
    char text[SIGNED_SIZE];
    bool own = false;
    enum sid_err err = sid_chain_id(public_key, chain);
    if (err == SID_OK)
        err = sid_sign_check(public_key, signed_part(head, text),
                             head->signature, &own);
    if (err == SID_OK)
        *good = own && memcmp(chain, head->chain, sizeof chain) == 0;
    return err;
}

bool
sid_head_verify(const uint8_t public_key[SID_PUBLIC_KEY_BYTES],
                const struct sid_audit_head *head) {
    bool good = false;
    (void)!sid_head_check(public_key, head, &good);
    return good; /* not when it could not be checked */
}

void
sid_head_print(const struct sid_audit_head *head,
               char out[SID_HEAD_TEXT_SIZE]) {
    char text[SIGNED_SIZE], signature[2 * SID_SIGNATURE_BYTES + 1];
    (void)signed_part(head, text);
    sid_hex_encode(head->signature, sizeof head->signature, signature);
    (void)snprintf(out, SID_HEAD_TEXT_SIZE, "%.200s sig=%s",
                   text + sizeof PURPOSE - 1, signature);
}

/* ---- reading ------------------------------------------------------------- */

/* Moves *at behind `word` if it stands there. */
static bool
take_word(const char **at, const char *word) {
    size_t len = strlen(word);
    if (strncmp(*at, word, len) != 0)
        return false;
    *at += len;
    return true;
}

static bool
take_hex(const char **at, uint8_t *out, size_t len) {
    char text[2 * SID_SIGNATURE_BYTES + 1];
    size_t digits = strnlen(*at, 2 * len);
    if (digits != 2 * len)
        return false;
    memcpy(text, *at, digits);
    text[digits] = '\0';
    *at += digits;
    return sid_hex_decode(text, out, len) == SID_OK;
}

static bool
take_number(const char **at, int64_t *out) {
    char *end = NULL;
    *out = strtoll(*at, &end, 10); /* another form prints differently */
    bool some = end != *at;
    *at = end;
    return some;
}

static bool
take_time(const char **at, int64_t *out) {
    char text[SID_TIME_TEXT_SIZE];
    size_t len = strnlen(*at, sizeof text - 1);
    memcpy(text, *at, len);
    text[len] = '\0';
    *at += len;
    return sid_time_parse(text, out) == SID_OK;
}

enum sid_err
sid_head_parse(const char *line, struct sid_audit_head *out) {
    const char *begin = strstr(line, BEGINNING);
    if (begin == NULL)
        return SID_E_ARGUMENT;
    const char *at = begin + sizeof BEGINNING - 1;
    struct sid_audit_head head;
    bool good = take_hex(&at, head.chain, sizeof head.chain) &&
                take_word(&at, " after=") && take_number(&at, &head.after) &&
                take_word(&at, " seq=") && take_number(&at, &head.seq) &&
                take_word(&at, " time=") && take_time(&at, &head.at_s) &&
                take_word(&at, " mac=") &&
                take_hex(&at, head.mac, sizeof head.mac) &&
                take_word(&at, " sig=") &&
                take_hex(&at, head.signature, sizeof head.signature);
    if (!good || head.seq < 1 || head.after < 0 ||
        at[strspn(at, "\r\n")] != '\0')
        return SID_E_ARGUMENT;
    /* One head has one text: no other spelling of a number or digit. */
    char text[SID_HEAD_TEXT_SIZE];
    sid_head_print(&head, text);
    if (strncmp(text, begin, strlen(text)) != 0)
        return SID_E_ARGUMENT;
    *out = head;
    return SID_OK;
}
