/* push.c: from the fields of a pushed document to struct sid_wechat_push, each
 * field by the row that describes it. Pure; any thread; owns nothing. */
#include "smartid/wechat_push.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "doc.h"
#include "smartid/text.h"
#include "text_tame.h"

enum field_type {
    FIELD_WORD,   /* printable ASCII without blanks */
    FIELD_DIGITS, /* decimal */
    FIELD_TEXT,   /* what people wrote; may be too long */
};

/* Room for MsgType, which is not kept, and CreateTime as it came. */
struct draft {
    struct sid_wechat_push push;
    char type[33];
    char created_at[13];
    uint32_t seen; /* fields, by row */
};

enum {
    F_TO,
    F_FROM,
    F_CREATED,
    F_TYPE,
    F_EVENT,
    F_MSG_ID,
    F_CONTENT,
    F_MEDIA_ID,
    F_EVENT_KEY,
    F_SCAN_RESULT,
    FIELD_COUNT
};

static const char *const paths[FIELD_COUNT] = {
    [F_TO] = "ToUserName",      [F_FROM] = "FromUserName",
    [F_CREATED] = "CreateTime", [F_TYPE] = "MsgType",
    [F_EVENT] = "Event",        [F_MSG_ID] = "MsgId",
    [F_CONTENT] = "Content",    [F_MEDIA_ID] = "MediaId",
    [F_EVENT_KEY] = "EventKey", [F_SCAN_RESULT] = "ScanCodeInfo/ScanResult",
};

#define AT(member)                                                             \
    offsetof(struct draft, member), sizeof(((struct draft *)NULL)->member)
static const struct {
    enum field_type type;
    size_t offset, size;
} rows[FIELD_COUNT] = {
    [F_TO] = {FIELD_WORD, AT(push.to)},
    [F_FROM] = {FIELD_WORD, AT(push.from)},
    [F_CREATED] = {FIELD_DIGITS, AT(created_at)},
    [F_TYPE] = {FIELD_WORD, AT(type)},
    [F_EVENT] = {FIELD_WORD, AT(push.event)},
    [F_MSG_ID] = {FIELD_DIGITS, AT(push.msg_id)},
    [F_CONTENT] = {FIELD_TEXT, AT(push.content)},
    [F_MEDIA_ID] = {FIELD_WORD, AT(push.media_id)},
    [F_EVENT_KEY] = {FIELD_TEXT, AT(push.event_key)},
    [F_SCAN_RESULT] = {FIELD_TEXT, AT(push.scan_result)},
};

static bool
is_word(const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    }
    return len > 0;
}

static bool
is_digits(const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
    }
    return len > 0;
}

static enum sid_err
take_field(void *ctx, size_t index, const char *text, size_t len) {
    struct draft *draft = ctx;
    char *to = (char *)draft + rows[index].offset;
    bool fits = len < rows[index].size;
    bool good = false;
    draft->seen |= 1u << index;
    switch (rows[index].type) {
    case FIELD_WORD:
        good = fits && is_word(text, len);
        break;
    case FIELD_DIGITS:
        good = fits && is_digits(text, len);
        break;
    case FIELD_TEXT:
        if (!fits) {
            draft->push.too_long = true;
            return SID_OK;
        }
        good = true;
        break;
    }
    if (!good)
        return SID_E_PUSH_FORMAT;
    memcpy(to, text, len);
    to[len] = '\0';
    return rows[index].type == FIELD_TEXT ? wechat_text_tame(to, len) : SID_OK;
}

static enum sid_wechat_kind
kind_of(const char *type, const char *event) {
    static const struct {
        const char *type, *event;
    } kinds[] = {
#define SID_WECHAT_KIND_ROW(sym, type, event) [sym] = {type, event},
        SID_WECHAT_KIND_MAP(SID_WECHAT_KIND_ROW)
#undef SID_WECHAT_KIND_ROW
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        /* Spellings of events differ between documents. */
        if (strcmp(kinds[i].type, type) == 0 &&
            strcasecmp(kinds[i].event, event) == 0)
            return (enum sid_wechat_kind)i;
    }
    return strcmp(type, "event") == 0 ? SID_WECHAT_OTHER_EVENT
                                      : SID_WECHAT_OTHER_MESSAGE;
}

/* The fields that each push of this kind must have. */
static uint32_t
needed_by(enum sid_wechat_kind kind, bool event) {
    uint32_t needed =
        1u << F_TO | 1u << F_FROM | 1u << F_CREATED | 1u << F_TYPE;
    needed |= event ? 1u << F_EVENT : 1u << F_MSG_ID;
    if (kind == SID_WECHAT_TEXT)
        needed |= 1u << F_CONTENT;
    if (kind == SID_WECHAT_IMAGE)
        needed |= 1u << F_MEDIA_ID;
    if (kind == SID_WECHAT_SCANCODE_PUSH || kind == SID_WECHAT_SCANCODE_WAITMSG)
        needed |= 1u << F_SCAN_RESULT;
    return needed;
}

static enum sid_err
complete(struct draft *draft) {
    struct sid_wechat_push *push = &draft->push;
    bool event = strcmp(draft->type, "event") == 0;
    if (!event)
        push->event[0] = '\0';
    else
        push->msg_id[0] = '\0';
    push->kind = kind_of(draft->type, push->event);
    uint32_t needed = needed_by(push->kind, event);
    if ((draft->seen & needed) != needed)
        return SID_E_PUSH_FORMAT;
    for (const char *c = draft->created_at; *c != '\0'; c++)
        push->created_at_s = push->created_at_s * 10 + (*c - '0');
    return SID_OK;
}

enum sid_err
sid_wechat_push_parse(struct sid_span body, struct sid_wechat_push *out,
                      enum sid_wechat_format *format) {
    struct draft draft = {0};
    enum sid_wechat_format found = SID_WECHAT_XML;
    const struct wechat_doc doc = {.wanted = paths,
                                   .wanted_n = FIELD_COUNT,
                                   .field = take_field,
                                   .ctx = &draft};
    enum sid_err err = wechat_doc_read(body, &doc, &found);
    if (err == SID_OK)
        err = complete(&draft);
    if (err == SID_OK) {
        *out = draft.push;
        *format = found;
    }
    sid_wipe(&draft, sizeof draft);
    return err;
}

/* ---- the envelope ------------------------------------------------------- */

static enum sid_err
take_encrypt(void *ctx, size_t index, const char *text, size_t len) {
    (void)index;
    return len == 0 ? SID_E_PUSH_FORMAT : sid_buf_append(ctx, text, len);
}

enum sid_err
sid_wechat_envelope_parse(struct sid_span body, struct sid_buf *encrypted,
                          enum sid_wechat_format *format) {
    static const char *const wanted[] = {"Encrypt"};
    struct sid_buf found = SID_BUF_EMPTY;
    const struct wechat_doc doc = {
        .wanted = wanted, .wanted_n = 1, .field = take_encrypt, .ctx = &found};
    enum sid_err err = wechat_doc_read(body, &doc, format);
    if (err == SID_OK && found.len == 0)
        err = SID_E_PUSH_FORMAT;
    if (err == SID_OK)
        sid_buf_move(&found, encrypted);
    sid_buf_free(&found);
    return err;
}

/* ---- one push, delivered again ------------------------------------------ */

void
sid_wechat_dedupe_key(const struct sid_wechat_push *push,
                      char out[SID_WECHAT_DEDUPE_SIZE]) {
    int n =
        push->msg_id[0] != '\0'
            ? snprintf(out, SID_WECHAT_DEDUPE_SIZE, "%s m %s", push->to,
                       push->msg_id)
            : snprintf(out, SID_WECHAT_DEDUPE_SIZE, "%s e %s %lld %s", push->to,
                       push->from, (long long)push->created_at_s, push->event);
    SID_ASSERT(n > 0 && n < SID_WECHAT_DEDUPE_SIZE);
}
