/* wechat_push.h: what WeChat pushes to the account's server: messages of users
 * and events, out of XML or JSON.
 *
 * One struct for all of them; what the conversation does not use (voice,
 * places, template results …) is told as "other" so that it can still be
 * answered. A push has a name, an ID number or a photo's address in it: it is
 * wiped by its owner. Pure; any thread. */
#ifndef SMARTID_WECHAT_PUSH_H
#define SMARTID_WECHAT_PUSH_H

#include <stdbool.h>
#include <stdint.h>

#include "smartid/buf.h"
#include "smartid/err.h"

enum sid_wechat_format { SID_WECHAT_XML, SID_WECHAT_JSON };

/* X(symbol, MsgType, Event)
 * Source: developers.weixin.qq.com, doc/service, Custom_Menu_Push_Events. */
#define SID_WECHAT_KIND_MAP(X)                                                 \
    X(SID_WECHAT_TEXT, "text", "")                                             \
    X(SID_WECHAT_IMAGE, "image", "")                                           \
    X(SID_WECHAT_SUBSCRIBE, "event", "subscribe")                              \
    X(SID_WECHAT_UNSUBSCRIBE, "event", "unsubscribe")                          \
    X(SID_WECHAT_SCAN, "event", "SCAN")                                        \
    X(SID_WECHAT_CLICK, "event", "CLICK")                                      \
    X(SID_WECHAT_VIEW, "event", "VIEW")                                        \
    X(SID_WECHAT_SCANCODE_PUSH, "event", "scancode_push")                      \
    X(SID_WECHAT_SCANCODE_WAITMSG, "event", "scancode_waitmsg")

enum sid_wechat_kind {
#define SID_WECHAT_KIND_ENUM(sym, type, event) sym,
    SID_WECHAT_KIND_MAP(SID_WECHAT_KIND_ENUM)
#undef SID_WECHAT_KIND_ENUM
        SID_WECHAT_OTHER_MESSAGE,
    SID_WECHAT_OTHER_EVENT,
};

/* Sizes with NUL. WeChat names no bounds: an openid has 28 characters, a media
 * id 64, a menu key 128 bytes, a menu's URL 1,024 (own choice beyond). */
#define SID_WECHAT_NAME_SIZE 65
#define SID_WECHAT_MEDIA_ID_SIZE 257
#define SID_WECHAT_MSG_ID_SIZE 21 /* 64 bits in decimal */
/* Longest text that may be sent in an answer; the same is read of a user. */
#define SID_WECHAT_TEXT_SIZE 2049

struct sid_wechat_push {
    enum sid_wechat_kind kind;
    char to[SID_WECHAT_NAME_SIZE];       /* the account: gh_… */
    char from[SID_WECHAT_NAME_SIZE];     /* the user's openid: personal data */
    int64_t created_at_s;                /* Unix time, WeChat's clock */
    char msg_id[SID_WECHAT_MSG_ID_SIZE]; /* "" for events */
    char event[65]; /* events: as WeChat spells it; "" for messages */
    char media_id[SID_WECHAT_MEDIA_ID_SIZE]; /* image */
    /* What people typed, scanned or pressed: UTF-8 with no control characters
     * but newline and tab. A longer one is left out, and too_long is set. */
    char content[SID_WECHAT_TEXT_SIZE]; /* text */
    char event_key[1025]; /* menu key, URL, scene; "qrscene_…" of subscribe */
    char scan_result[1025]; /* scancode_*: what the code says */
    bool too_long;
};

/* Reads a push that is not, or no longer, encrypted. *out is written only on
 * success. Errors: SID_E_PUSH_FORMAT (neither form, a DOCTYPE, nested deeper
 * than 8, a field missing, twice or not of its form), SID_E_BODY_TOO_LARGE
 * (over SID_WECHAT_BODY_MAX_BYTES), SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_wechat_push_parse(struct sid_span body,
                                                struct sid_wechat_push *out,
                                                enum sid_wechat_format *format);

/* Finds Encrypt in a pushed body of secure or compat mode; *encrypted (must be
 * empty) gets its text. Errors: as above. */
SID_FALLIBLE enum sid_err
sid_wechat_envelope_parse(struct sid_span body, struct sid_buf *encrypted,
                          enum sid_wechat_format *format);

/* What two deliveries of one push have in common: MsgId, or for events
 * FromUserName, CreateTime and Event, with the account before it. Two events
 * within one second may still have it in common: what was pressed or scanned
 * goes beside it into what is kept (turn.c). It names a person: store a keyed
 * hash only. */
#define SID_WECHAT_DEDUPE_SIZE 256
void sid_wechat_dedupe_key(const struct sid_wechat_push *push,
                           char out[SID_WECHAT_DEDUPE_SIZE]);

#endif
