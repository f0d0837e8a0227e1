/* said.c: what was said in a conversation, as one sealed text: when consent was
 * given, name, number, a line each. Pure; any thread. */
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
    enum sid_err err =
        sid_buf_printf(&plain, "%lld\n%s\n%s", (long long)said->consent_at_s,
                       said->name, said->number);
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

enum sid_err
wechat_said_open(const struct sid_keyring *keys,
                 const struct sid_wechat_contact *contact,
                 const struct sid_wechat_chat *chat, struct wechat_said *out) {
    struct sid_buf plain = SID_BUF_EMPTY;
    struct wechat_said said = {.consent_at_s = 0};
    char time_text[24];
    if (chat->said_sealed.len == 0) {
        *out = said;
        return SID_OK;
    }
    enum sid_err err =
        sid_contact_open(keys, contact, SID_CONTACT_SAID,
                         sid_buf_span(&chat->said_sealed), &plain);
    if (err == SID_OK)
        err = sid_buf_append(&plain, "", 1);
    if (err == SID_OK) {
        char *at = (char *)plain.ptr;
        err = take_line(&at, time_text, sizeof time_text);
        if (err == SID_OK)
            err = take_line(&at, said.name, sizeof said.name);
        if (err == SID_OK)
            err = take_line(&at, said.number, sizeof said.number);
    }
    if (err == SID_OK &&
        sid_text_number(time_text, 0, INT64_MAX, &said.consent_at_s) != SID_OK)
        err = SID_E_SEAL;
    if (err == SID_OK)
        *out = said;
    sid_buf_free(&plain);
    sid_wipe(&said, sizeof said);
    return err;
}
