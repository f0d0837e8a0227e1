/* said.c: what was said in a conversation, as one sealed text: when consent was
 * given, name, number, then which of the photos was sent first, a line each.
 * Pure; any thread. */
#include <stdlib.h>
#include <string.h>

#include "service.h"
#include "smartid/text.h"

enum sid_err
wechat_said_seal(const struct sid_keyring *keys,
                 const struct sid_wechat_contact *contact,
                 const struct wechat_said *said, struct sid_wechat_chat *chat) {
    struct sid_buf plain = SID_BUF_EMPTY;
    sid_buf_free(&chat->said_sealed);
    enum sid_err err = sid_buf_printf(
        &plain, "%lld\n%s\n%s\n%lld\n%s\n%d", (long long)said->consent_at_s,
        said->name, said->number, (long long)said->photo_at_s,
        said->photo_msg_id, said->swapped ? 1 : 0);
    if (err == SID_OK)
        err = sid_contact_seal(keys, contact, SID_CONTACT_SAID,
                               sid_buf_span(&plain), &chat->said_sealed);
    sid_buf_free(&plain);
    return err;
}

/* The line at *at, which goes on to the next one. */
static enum sid_err
take_line(char **at, char *out, size_t out_size) {
    char *line = strsep(at, "\n");
    return line == NULL || sid_text_copy(out, out_size, line) != SID_OK
               ? SID_E_SEAL
               : SID_OK;
}

static enum sid_err
take_number(char **at, int64_t max, int64_t *out) {
    char text[24];
    enum sid_err err = take_line(at, text, sizeof text);
    return err == SID_OK && sid_text_number(text, 0, max, out) != SID_OK
               ? SID_E_SEAL
               : err;
}

/* The lines, ended by NUL. */
static enum sid_err
read_lines(char *at, struct wechat_said *said) {
    int64_t swapped = 0;
    enum sid_err err = take_number(&at, INT64_MAX, &said->consent_at_s);
    if (err == SID_OK)
        err = take_line(&at, said->name, sizeof said->name);
    if (err == SID_OK)
        err = take_line(&at, said->number, sizeof said->number);
    if (err != SID_OK || at == NULL)
        return err; /* of a version that did not know of the photos' order */
    err = take_number(&at, INT64_MAX, &said->photo_at_s);
    if (err == SID_OK)
        err = take_line(&at, said->photo_msg_id, sizeof said->photo_msg_id);
    if (err == SID_OK)
        err = take_number(&at, 1, &swapped);
    said->swapped = swapped != 0;
    return err;
}

enum sid_err
wechat_said_open(const struct sid_keyring *keys,
                 const struct sid_wechat_contact *contact,
                 const struct sid_wechat_chat *chat, struct wechat_said *out) {
    struct sid_buf plain = SID_BUF_EMPTY;
    struct wechat_said said = {.consent_at_s = 0};
    if (chat->said_sealed.len == 0) {
        *out = said;
        return SID_OK;
    }
    enum sid_err err =
        sid_contact_open(keys, contact, SID_CONTACT_SAID,
                         sid_buf_span(&chat->said_sealed), &plain);
    if (err == SID_OK)
        err = sid_buf_append(&plain, "", 1);
    if (err == SID_OK)
        err = read_lines((char *)plain.ptr, &said);
    if (err == SID_OK)
        *out = said;
    sid_buf_free(&plain);
    sid_wipe(&said, sizeof said);
    return err;
}

/* ---- which photo was sent first ------------------------------------------ */

void
wechat_said_note(struct wechat_said *said, const struct sid_wechat_push *push) {
    said->photo_at_s = push->created_at_s;
    memcpy(said->photo_msg_id, push->msg_id, sizeof push->msg_id);
}

/* Digits, without zeros before them. */
static int
compare_digits(const char *a, const char *b) {
    a += strspn(a, "0");
    b += strspn(b, "0");
    size_t a_len = strlen(a), b_len = strlen(b);
    if (a_len != b_len)
        return a_len < b_len ? -1 : 1;
    return strcmp(a, b);
}

bool
wechat_said_is_earlier(const struct wechat_said *said,
                       const struct sid_wechat_push *push) {
    if (push->created_at_s != said->photo_at_s)
        return push->created_at_s < said->photo_at_s;
    return compare_digits(push->msg_id, said->photo_msg_id) < 0;
}

enum sid_photo_kind
wechat_said_place(const struct wechat_said *said, enum sid_photo_kind kind) {
    if (!said->swapped)
        return kind;
    return kind == SID_PHOTO_ID ? SID_PHOTO_SELFIE : SID_PHOTO_ID;
}
