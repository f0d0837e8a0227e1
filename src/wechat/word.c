/* word.c: what the chat says, out of the texts and what is filled into them.
 * Any thread; owns nothing. */
#include <stdio.h>
#include <string.h>

#include "service.h"
#include "smartid/text.h"

enum sid_err
wechat_say(const struct sid_wechat *wechat, size_t account,
           enum sid_wechat_text text, const struct sid_wechat_fill *fill,
           struct sid_buf *to) {
    sid_buf_clear(to);
    return sid_wechat_texts_say(wechat->line[account].texts, text, fill, to);
}

enum sid_err
wechat_say_link(const struct sid_wechat *wechat, size_t account,
                enum sid_wechat_text text, const char *where,
                struct sid_buf *to) {
    const struct sid_wechat_account *a = &wechat->accounts.item[account];
    char url[SID_WECHAT_BASE_SIZE + 96];
    (void)snprintf(url, sizeof url, "%s/channels/wechat/%s/enter?to=%s",
                   a->page_base, a->name, where);
    const struct sid_wechat_fill fill[] = {{"url", url}, {NULL, NULL}};
    return wechat_say(wechat, account, text, fill, to);
}

/* One reason a line. */
static enum sid_err
list_reasons(const struct sid_wechat_texts *texts,
             const struct sid_reasons *reasons, struct sid_buf *out) {
    static const enum sid_wechat_text photos[] = {
        [SID_PHOTO_ID] = SID_WT_PHOTO_ID,
        [SID_PHOTO_SELFIE] = SID_WT_PHOTO_SELFIE,
    };
    enum sid_err err = SID_OK;
    for (size_t i = 0; err == SID_OK && i < reasons->count; i++) {
        enum sid_photo_kind kind = reasons->item[i].photo;
        struct sid_buf photo = SID_BUF_EMPTY;
        err = sid_wechat_texts_say(
            texts,
            kind == SID_PHOTO_ID || kind == SID_PHOTO_SELFIE ? photos[kind]
                                                             : SID_WT_PHOTO_ANY,
            NULL, &photo);
        if (err == SID_OK)
            err = sid_buf_append(&photo, "", 1);
        if (err == SID_OK && i > 0)
            err = sid_buf_append_str(out, "\n");
        if (err == SID_OK) {
            const struct sid_wechat_fill fill[] = {
                {"photo", (const char *)photo.ptr}, {NULL, NULL}};
            err = sid_wechat_texts_say(texts,
                                       sid_wechat_texts_reason(sid_reason_code(
                                           reasons->item[i].reason)),
                                       fill, out);
        }
        sid_buf_free(&photo);
    }
    return err == SID_OK ? sid_buf_append(out, "", 1) : err;
}

static enum sid_err
say_rejected(const struct sid_wechat *wechat, size_t account,
             const struct sid_reasons *reasons, struct sid_buf *to) {
    struct sid_buf list = SID_BUF_EMPTY;
    bool final = false;
    for (size_t i = 0; i < reasons->count; i++)
        final |= !sid_reason_retryable(reasons->item[i].reason);
    enum sid_err err =
        list_reasons(wechat->line[account].texts, reasons, &list);
    if (err == SID_OK) {
        const struct sid_wechat_fill fill[] = {
            {"reasons", (const char *)list.ptr}, {NULL, NULL}};
        err = wechat_say(wechat, account,
                         final ? SID_WT_REJECTED_FINAL : SID_WT_REJECTED, fill,
                         to);
    }
    sid_buf_free(&list);
    return err;
}

enum sid_err
wechat_say_state(const struct sid_wechat *wechat, size_t account,
                 enum sid_enrol_state state, const struct sid_reasons *reasons,
                 struct sid_buf *to) {
    switch (state) {
    case SID_ENROL_RECEIVED:
    case SID_ENROL_PROCESSING:
        return wechat_say(wechat, account, SID_WT_RUNNING, NULL, to);
    case SID_ENROL_REVIEW:
        return wechat_say(wechat, account, SID_WT_REVIEW, NULL, to);
    case SID_ENROL_APPROVED:
        return wechat_say(wechat, account, SID_WT_APPROVED, NULL, to);
    case SID_ENROL_REJECTED:
        return say_rejected(wechat, account, reasons, to);
    case SID_ENROL_FAILED:
    case SID_ENROL_STATE_COUNT:
        break;
    }
    return wechat_say(wechat, account, SID_WT_FAILED, NULL, to);
}

static enum sid_err
say_expiring(const struct sid_wechat *wechat, size_t account, const char *rest,
             struct sid_buf *to) {
    int64_t at_s = 0;
    char date[WECHAT_TIME_SIZE];
    if (sid_text_number(rest, 0, INT64_MAX, &at_s) != SID_OK)
        return SID_OK;
    wechat_time_text(at_s, date);
    const struct sid_wechat_fill fill[] = {{"date", date}, {NULL, NULL}};
    return wechat_say(wechat, account, SID_WT_EXPIRING, fill, to);
}

enum sid_err
wechat_say_event(const struct sid_wechat *wechat, size_t account,
                 const char *event, struct sid_buf *to) {
    size_t len = strcspn(event, " ");
    const char *rest = event[len] == '\0' ? "" : event + len + 1;
    struct sid_reasons reasons = {.count = 0};
    char word[24];
    sid_buf_clear(to);
    if (len >= sizeof word)
        return SID_OK;
    memcpy(word, event, len);
    word[len] = '\0';
    if (strcmp(word, "recovered") == 0)
        return wechat_say(wechat, account, SID_WT_RECOVERED, NULL, to);
    if (strcmp(word, "expiring") == 0)
        return say_expiring(wechat, account, rest, to);
    for (int i = 0; i <= SID_ENROL_FAILED; i++) {
        enum sid_enrol_state state = (enum sid_enrol_state)i;
        if (strcmp(word, sid_enrol_state_name(state)) != 0)
            continue;
        if (sid_reasons_unpack(rest, &reasons) != SID_OK)
            reasons.count = 0;
        return wechat_say_state(wechat, account, state, &reasons, to);
    }
    return SID_OK;
}
