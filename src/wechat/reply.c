/* reply.c: passive replies as XML or JSON, and their envelope. Pure; any
 * thread; borrows all it is given. */
#include "smartid/wechat_reply.h"

#include <stdio.h>
#include <string.h>

#include "smartid/json.h"
#include "text_tame.h"

/* ---- XML ---------------------------------------------------------------- */

/* The first failure (memory) sticks. */
struct xml {
    struct sid_buf *buf;
    enum sid_err err;
};

static void
put(struct xml *xml, const char *text) {
    if (xml->err == SID_OK)
        xml->err = sid_buf_append_str(xml->buf, text);
}

/* <name><![CDATA[text]]></name>; a "]]>" inside is cut in two. */
static void
put_text(struct xml *xml, const char *name, const char *text) {
    static const char end[] = "]]>";
    put(xml, "<");
    put(xml, name);
    put(xml, "><![CDATA[");
    for (const char *at; (at = strstr(text, end)) != NULL; text = at + 2) {
        if (xml->err == SID_OK)
            xml->err = sid_buf_append(xml->buf, text, (size_t)(at - text));
        put(xml, "]]]]><![CDATA[");
    }
    put(xml, text);
    put(xml, "]]></");
    put(xml, name);
    put(xml, ">");
}

static void
put_int(struct xml *xml, const char *name, int64_t value) {
    if (xml->err == SID_OK)
        xml->err = sid_buf_printf(xml->buf, "<%s>%lld</%s>", name,
                                  (long long)value, name);
}

/* ---- replies ------------------------------------------------------------ */

/* Content of a text, or MediaId of an image: the other is NULL. */
struct reply {
    const struct sid_wechat_push *push;
    const char *content;
    const char *media_id;
    int64_t now_s;
};

static enum sid_err
write_xml(const struct reply *reply, struct sid_buf *out) {
    struct xml xml = {.buf = out};
    put(&xml, "<xml>");
    put_text(&xml, "ToUserName", reply->push->from);
    put_text(&xml, "FromUserName", reply->push->to);
    put_int(&xml, "CreateTime", reply->now_s);
    put_text(&xml, "MsgType", reply->content != NULL ? "text" : "image");
    if (reply->content != NULL) {
        put_text(&xml, "Content", reply->content);
    } else {
        put(&xml, "<Image>");
        put_text(&xml, "MediaId", reply->media_id);
        put(&xml, "</Image>");
    }
    put(&xml, "</xml>");
    return xml.err;
}

static enum sid_err
write_json(const struct reply *reply, struct sid_buf *out) {
    struct sid_json json;
    sid_json_init(&json, out);
    sid_json_open(&json, NULL, '{');
    sid_json_string(&json, "ToUserName", reply->push->from);
    sid_json_string(&json, "FromUserName", reply->push->to);
    sid_json_int(&json, "CreateTime", reply->now_s);
    sid_json_string(&json, "MsgType",
                    reply->content != NULL ? "text" : "image");
    if (reply->content != NULL) {
        sid_json_string(&json, "Content", reply->content);
    } else {
        sid_json_open(&json, "Image", '{');
        sid_json_string(&json, "MediaId", reply->media_id);
        sid_json_close(&json, '}');
    }
    sid_json_close(&json, '}');
    return json.err;
}

static enum sid_err
write_reply(enum sid_wechat_format format, const struct reply *reply,
            struct sid_buf *out) {
    return format == SID_WECHAT_XML ? write_xml(reply, out)
                                    : write_json(reply, out);
}

enum sid_err
sid_wechat_reply_text(enum sid_wechat_format format,
                      const struct sid_wechat_push *push, const char *text,
                      int64_t now_s, struct sid_buf *out) {
    char tame[SID_WECHAT_TEXT_SIZE];
    size_t len = strlen(text);
    if (len == 0 || len >= sizeof tame)
        return SID_E_ARGUMENT;
    memcpy(tame, text, len + 1);
    const struct reply reply = {.push = push, .content = tame, .now_s = now_s};
    enum sid_err err =
        wechat_text_tame(tame, len) == SID_OK ? SID_OK : SID_E_ARGUMENT;
    if (err == SID_OK)
        err = write_reply(format, &reply, out);
    sid_wipe(tame, sizeof tame);
    return err;
}

enum sid_err
sid_wechat_reply_image(enum sid_wechat_format format,
                       const struct sid_wechat_push *push, const char *media_id,
                       int64_t now_s, struct sid_buf *out) {
    size_t len = strlen(media_id);
    if (len == 0 || len >= SID_WECHAT_MEDIA_ID_SIZE)
        return SID_E_ARGUMENT;
    for (size_t i = 0; i < len; i++) {
        if (media_id[i] <= ' ' || media_id[i] > '~')
            return SID_E_ARGUMENT;
    }
    const struct reply reply = {
        .push = push, .media_id = media_id, .now_s = now_s};
    return write_reply(format, &reply, out);
}

/* ---- the envelope ------------------------------------------------------- */

static enum sid_err
write_envelope(enum sid_wechat_format format, const char *encrypted,
               const char *signature, const struct sid_wechat_seal *seal,
               struct sid_buf *out) {
    if (format == SID_WECHAT_XML) {
        struct xml xml = {.buf = out};
        put(&xml, "<xml>");
        put_text(&xml, "Encrypt", encrypted);
        put_text(&xml, "MsgSignature", signature);
        put_int(&xml, "TimeStamp", seal->now_s);
        put_text(&xml, "Nonce", seal->nonce);
        put(&xml, "</xml>");
        return xml.err;
    }
    struct sid_json json;
    sid_json_init(&json, out);
    sid_json_open(&json, NULL, '{');
    sid_json_string(&json, "Encrypt", encrypted);
    sid_json_string(&json, "MsgSignature", signature);
    sid_json_int(&json, "TimeStamp", seal->now_s);
    sid_json_string(&json, "Nonce", seal->nonce);
    sid_json_close(&json, '}');
    return json.err;
}

enum sid_err
sid_wechat_reply_seal(enum sid_wechat_format format,
                      const struct sid_wechat_seal *seal, struct sid_span reply,
                      struct sid_buf *out) {
    struct sid_buf encrypted = SID_BUF_EMPTY;
    char signature[SID_WECHAT_SIGNATURE_SIZE];
    char at[24];
    (void)snprintf(at, sizeof at, "%lld", (long long)seal->now_s);
    enum sid_err err = sid_wechat_encrypt(seal->key, seal->app_id, seal->random,
                                          reply, &encrypted);
    if (err != SID_OK)
        goto out;
    const struct sid_span parts[] = {
        sid_span_str(seal->token), sid_span_str(at), sid_span_str(seal->nonce),
        sid_buf_span(&encrypted)};
    err = sid_wechat_sign(parts, 4, signature);
    if (err == SID_OK)
        err = sid_buf_append(&encrypted, "", 1);
    if (err == SID_OK)
        err = write_envelope(format, (const char *)encrypted.ptr, signature,
                             seal, out);
out:
    sid_buf_free(&encrypted);
    return err;
}
