/* api_request.c: the URL, the body and the options of one attempt. The client's
 * thread; a transfer owns its buffers, which are wiped: the URL has the token,
 * and for two calls the secret, in it, because the protocol wants that. */
#include "api_request.h"

#include <stdlib.h>
#include <string.h>

#include "smartid/json.h"
#include "smartid/text.h"
#include "text_tame.h"

/* An answer that is not a file. */
#define JSON_MAX_BYTES ((size_t)65536)

/* Source: developers.weixin.qq.com, section 5 to 7 of the reference. */
static const struct wechat_op_facts facts[SID_WECHAT_OP_COUNT] = {
    [SID_WECHAT_MEDIA_GET] = {.path = "/cgi-bin/media/get",
                              .token = true,
                              .repeat = true},
    /* An upload nobody refers to is gone after three days. */
    [SID_WECHAT_MEDIA_UPLOAD] = {.path = "/cgi-bin/media/upload",
                                 .token = true,
                                 .repeat = true},
    [SID_WECHAT_SEND_TEXT] = {.path = "/cgi-bin/message/custom/send",
                              .token = true},
    [SID_WECHAT_SEND_IMAGE] = {.path = "/cgi-bin/message/custom/send",
                               .token = true},
    /* A code that was used already is refused: no harm. */
    [SID_WECHAT_OAUTH_CODE] = {.path = "/sns/oauth2/access_token",
                               .repeat = true},
    [SID_WECHAT_CALLBACK_IPS] = {.path = "/cgi-bin/getcallbackip",
                                 .token = true,
                                 .repeat = true},
    [SID_WECHAT_FETCH_TOKEN] = {.path = "/cgi-bin/stable_token",
                                .repeat = true},
    [SID_WECHAT_FETCH_TICKET] = {.path = "/cgi-bin/ticket/getticket",
                                 .token = true,
                                 .repeat = true},
};

const char *
wechat_op_name(enum sid_wechat_op op) {
    static const char *const names[SID_WECHAT_OP_COUNT] = {
#define SID_WECHAT_OP_ROW(sym, name) [sym] = name,
        SID_WECHAT_OP_MAP(SID_WECHAT_OP_ROW)
#undef SID_WECHAT_OP_ROW
    };
    SID_ASSERT((unsigned)op < SID_WECHAT_OP_COUNT);
    return names[op];
}

const struct wechat_op_facts *
wechat_op_facts(enum sid_wechat_op op) {
    SID_ASSERT((unsigned)op < SID_WECHAT_OP_COUNT);
    return &facts[op];
}

/* ---- URL ----------------------------------------------------------------- */

/* Appends "?name=value" or "&name=value". */
static enum sid_err
add_parameter(struct sid_buf *url, const char *name, const char *value) {
    bool first = memchr(url->ptr, '?', url->len) == NULL;
    enum sid_err err = sid_buf_printf(url, "%c%s=", first ? '?' : '&', name);
    return err == SID_OK ? sid_percent_append(url, value) : err;
}

/* The parameters of a call, besides the token. */
static enum sid_err
add_own_parameters(const struct sid_wechat_call *call,
                   const struct sid_wechat_account *account,
                   struct sid_buf *url) {
    enum sid_err err = SID_OK;
    if (call->op == SID_WECHAT_MEDIA_GET)
        return add_parameter(url, "media_id", call->param);
    if (call->op == SID_WECHAT_MEDIA_UPLOAD)
        return add_parameter(url, "type", "image");
    if (call->op == SID_WECHAT_FETCH_TICKET)
        return add_parameter(url, "type", "jsapi");
    if (call->op == SID_WECHAT_OAUTH_CODE) {
        err = add_parameter(url, "appid", account->app_id);
        if (err == SID_OK)
            err = add_parameter(url, "secret", account->app_secret);
        if (err == SID_OK)
            err = add_parameter(url, "code", call->param);
        if (err == SID_OK)
            err = add_parameter(url, "grant_type", "authorization_code");
    }
    return err;
}

static enum sid_err
write_url(const struct sid_wechat_call *call,
          const struct sid_wechat_account *account, const char *token,
          struct sid_buf *url) {
    enum sid_err err = sid_buf_append_str(url, account->api_base);
    if (err == SID_OK)
        err = sid_buf_append_str(url, facts[call->op].path);
    if (err == SID_OK && facts[call->op].token)
        err = add_parameter(url, "access_token", token);
    if (err == SID_OK)
        err = add_own_parameters(call, account, url);
    return err == SID_OK ? sid_buf_append(url, "", 1) : err;
}

/* ---- body ---------------------------------------------------------------- */

static void
write_message(const struct sid_wechat_call *call, const char *text,
              struct sid_json *json) {
    bool image = call->op == SID_WECHAT_SEND_IMAGE;
    const char *kind = image ? "image" : "text";
    sid_json_string(json, "touser", call->openid);
    sid_json_string(json, "msgtype", kind);
    sid_json_open(json, kind, '{');
    sid_json_string(json, image ? "media_id" : "content",
                    image ? call->param : text);
    sid_json_close(json, '}');
}

/* JSON of the calls that post it; nothing for the others. */
static enum sid_err
write_body(const struct sid_wechat_call *call,
           const struct sid_wechat_account *account, struct sid_buf *out) {
    struct sid_buf text = SID_BUF_EMPTY; /* ended by NUL */
    struct sid_json json;
    sid_json_init(&json, out);
    if (call->op == SID_WECHAT_FETCH_TOKEN) {
        sid_json_open(&json, NULL, '{');
        sid_json_string(&json, "grant_type", "client_credential");
        sid_json_string(&json, "appid", account->app_id);
        sid_json_string(&json, "secret", account->app_secret);
        sid_json_bool(&json, "force_refresh", false);
        sid_json_close(&json, '}');
    } else if (call->op == SID_WECHAT_SEND_TEXT ||
               call->op == SID_WECHAT_SEND_IMAGE) {
        json.err = sid_buf_append(&text, call->body.ptr, call->body.len);
        if (json.err == SID_OK)
            json.err = wechat_text_tame((char *)text.ptr, text.len);
        if (json.err == SID_OK)
            json.err = sid_buf_append(&text, "", 1);
        sid_json_open(&json, NULL, '{');
        write_message(call, (const char *)text.ptr, &json);
        sid_json_close(&json, '}');
    }
    sid_buf_free(&text);
    return json.err;
}

/* ---- libcurl ------------------------------------------------------------- */

static size_t
on_data(char *data, size_t size, size_t count, void *ctx) {
    struct wechat_transfer *t = ctx;
    size_t len = size * count;
    if (len > t->received_max_bytes - t->received.len) {
        t->too_large = true;
        return 0;
    }
    return sid_buf_append(&t->received, data, len) == SID_OK ? len : 0;
}

/* What holds for every attempt. The first failure stays. */
static CURLcode
set_common(struct wechat_transfer *t, const struct wechat_wire *wire,
           bool repeat) {
    CURL *easy = t->easy;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, t->url.ptr);
#define SET(option, value)                                                     \
    code = code == CURLE_OK ? curl_easy_setopt(easy, option, value) : code
    SET(CURLOPT_PRIVATE, t);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)wire->connect_timeout_ms);
    SET(CURLOPT_TIMEOUT_MS, (long)wire->timeout_ms);
    SET(CURLOPT_WRITEFUNCTION, on_data);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_HTTPHEADER, t->headers);
    /* libcurl itself repeats a request when a connection that was kept open
     * turns out to be dead; whether it was read, it cannot know. */
    SET(CURLOPT_FRESH_CONNECT, repeat ? 0L : 1L);
    return code;
}

static CURLcode
set_body(struct wechat_transfer *t) {
    CURL *easy = t->easy;
    CURLcode code = CURLE_OK;
    if (t->sent.len > 0) {
        SET(CURLOPT_POSTFIELDSIZE, (long)t->sent.len);
        SET(CURLOPT_POSTFIELDS, t->sent.ptr);
    }
    if (t->mime != NULL)
        SET(CURLOPT_MIMEPOST, t->mime);
    return code;
#undef SET
}

/* The multipart form of an upload. */
static bool
make_form(struct wechat_transfer *t, const struct sid_buf *file) {
    bool png = file->len > 0 && file->ptr[0] == 0x89;
    t->mime = curl_mime_init(t->easy);
    curl_mimepart *part = t->mime == NULL ? NULL : curl_mime_addpart(t->mime);
    return part != NULL && curl_mime_name(part, "media") == CURLE_OK &&
           curl_mime_filename(part, png ? "code.png" : "code.jpg") ==
               CURLE_OK &&
           curl_mime_type(part, png ? "image/png" : "image/jpeg") == CURLE_OK &&
           curl_mime_data(part, (const char *)file->ptr, file->len) == CURLE_OK;
}

static bool
make_headers(struct wechat_transfer *t) {
    /* No "Expect: 100-continue": it only costs a round trip here. */
    t->headers = curl_slist_append(NULL, "Expect:");
    if (t->headers == NULL || t->sent.len == 0)
        return t->headers != NULL;
    struct curl_slist *more = curl_slist_append(
        t->headers, "Content-Type: application/json; charset=utf-8");
    t->headers = more != NULL ? more : t->headers;
    return more != NULL;
}

enum sid_err
wechat_transfer_new(struct sid_wechat_call *call,
                    const struct sid_wechat_account *account, const char *token,
                    const struct wechat_wire *wire,
                    struct wechat_transfer **out) {
    enum sid_err err = SID_E_NO_MEMORY;
    struct wechat_transfer *t = calloc(1, sizeof *t);
    if (t == NULL)
        return err;
    t->call = call;
    t->received_max_bytes = call->op == SID_WECHAT_MEDIA_GET
                                ? wire->media_max_bytes
                                : JSON_MAX_BYTES;
    err = write_url(call, account, token, &t->url);
    if (err == SID_OK)
        err = write_body(call, account, &t->sent);
    if (err != SID_OK)
        goto out;
    err = SID_E_NO_MEMORY;
    t->easy = curl_easy_init();
    if (t->easy == NULL || !make_headers(t) ||
        (call->op == SID_WECHAT_MEDIA_UPLOAD && !make_form(t, &call->body)))
        goto out;
    err = SID_E_INTERNAL;
    if (set_common(t, wire, facts[call->op].repeat) != CURLE_OK ||
        set_body(t) != CURLE_OK)
        goto out;
    *out = t;
    t = NULL;
    err = SID_OK;
out:
    wechat_transfer_free(&t);
    return err;
}

void
wechat_transfer_free(struct wechat_transfer **transfer) {
    struct wechat_transfer *t = *transfer;
    if (t == NULL)
        return;
    if (t->easy != NULL)
        curl_easy_cleanup(t->easy);
    curl_mime_free(t->mime);
    curl_slist_free_all(t->headers);
    sid_buf_free(&t->url);
    sid_buf_free(&t->sent);
    sid_buf_free(&t->received);
    free(t);
    *transfer = NULL;
}
