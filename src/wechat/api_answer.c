/* api_answer.c: WeChat answers with HTTP 200 whatever happened, and a file and
 * an error may come from the same address: this is where they are told apart.
 * Pure; the client's thread; owns nothing. */
#include "api_answer.h"

#include <string.h>
#include <strings.h>

#include "smartid/json.h"

/* A token's life is two hours; longer than a day is no answer. */
#define EXPIRES_MAX_S 86400
/* Addresses of WeChat's servers: some dozens. */
#define ADDRESSES_MAX 4096

static struct wechat_judged
judged(enum wechat_verdict verdict, enum sid_err err) {
    return (struct wechat_judged){.verdict = verdict, .err = err};
}

/* Nobody knows what has become of the call. */
static struct wechat_judged
nonsense(void) {
    return judged(WECHAT_UNCLEAR, SID_E_API_ANSWER);
}

/* Copies a member of printable ASCII, 1 to out_size-1 characters. */
static bool
take_word(const json_t *root, const char *name, char *out, size_t out_size) {
    const json_t *value = json_object_get(root, name);
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);
    if (text == NULL || len == 0 || len >= out_size)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    }
    memcpy(out, text, len);
    out[len] = '\0';
    return true;
}

/* ---- what each op wants of its JSON -------------------------------------- */

static struct wechat_judged
read_secret(const json_t *root, const char *name,
            struct sid_wechat_call *call) {
    const json_t *expires = json_object_get(root, "expires_in");
    struct wechat_judged done = judged(WECHAT_DONE, SID_OK);
    done.expires_in_s = json_integer_value(expires);
    if (!json_is_integer(expires) || done.expires_in_s < 1 ||
        done.expires_in_s > EXPIRES_MAX_S ||
        !take_word(root, name, call->text, sizeof call->text))
        return nonsense();
    return done;
}

static struct wechat_judged
read_openid(const json_t *root, struct sid_wechat_call *call) {
    const json_t *snapshot = json_object_get(root, "is_snapshotuser");
    call->snapshot =
        json_integer_value(snapshot) != 0 || json_is_true(snapshot);
    if (call->snapshot)
        return judged(WECHAT_REFUSED, SID_E_API_REFUSED);
    if (!take_word(root, "openid", call->text, SID_WECHAT_NAME_SIZE))
        return nonsense();
    return judged(WECHAT_DONE, SID_OK);
}

static struct wechat_judged
read_addresses(const json_t *root, struct sid_wechat_call *call) {
    const json_t *list = json_object_get(root, "ip_list");
    if (!json_is_array(list) || json_array_size(list) > ADDRESSES_MAX)
        return nonsense();
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        /* An address or a network, of either family. */
        if (text == NULL || *text == '\0' ||
            strspn(text, "0123456789abcdefABCDEF.:/") != strlen(text)) {
            sid_buf_free(&call->answer);
            return nonsense();
        }
        enum sid_err err = sid_buf_printf(&call->answer, "%s\n", text);
        if (err != SID_OK) {
            sid_buf_free(&call->answer);
            return judged(WECHAT_REFUSED, err);
        }
    }
    return judged(WECHAT_DONE, SID_OK);
}

static struct wechat_judged
read_upload(const json_t *root, struct sid_wechat_call *call) {
    if (!take_word(root, "media_id", call->text, SID_WECHAT_MEDIA_ID_SIZE))
        return nonsense();
    return judged(WECHAT_DONE, SID_OK);
}

static struct wechat_judged
read_fields(const json_t *root, struct sid_wechat_call *call) {
    switch (call->op) {
    case SID_WECHAT_FETCH_TOKEN:
        return read_secret(root, "access_token", call);
    case SID_WECHAT_FETCH_TICKET:
        return read_secret(root, "ticket", call);
    case SID_WECHAT_MEDIA_UPLOAD:
        return read_upload(root, call);
    case SID_WECHAT_OAUTH_CODE:
        return read_openid(root, call);
    case SID_WECHAT_CALLBACK_IPS:
        return read_addresses(root, call);
    case SID_WECHAT_SEND_TEXT:
    case SID_WECHAT_SEND_IMAGE:
        /* {"errcode":0}: it must be there, or this is somebody else. */
        return json_is_integer(json_object_get(root, "errcode"))
                   ? judged(WECHAT_DONE, SID_OK)
                   : nonsense();
    case SID_WECHAT_MEDIA_GET: /* a video's address, which we do not follow */
        return judged(WECHAT_REFUSED, SID_E_API_ANSWER);
    case SID_WECHAT_JSAPI_TICKET:
    case SID_WECHAT_OP_COUNT:
        break;
    }
    return judged(WECHAT_REFUSED, SID_E_INTERNAL);
}

/* ---- one answer ---------------------------------------------------------- */

static struct wechat_judged
judge_json(struct sid_span body, struct sid_wechat_call *call) {
    json_t *root = NULL;
    if (sid_json_parse(body, &root) != SID_OK)
        return nonsense();
    const json_t *errcode = json_object_get(root, "errcode");
    struct wechat_judged out;
    int64_t code = json_integer_value(errcode);
    if (errcode != NULL && !json_is_integer(errcode))
        out = nonsense();
    else if (code == 0)
        out = read_fields(root, call);
    else
        out = (struct wechat_judged){
            .verdict = wechat_errcode_verdict(code),
            .err = code == -1 ? SID_E_API_UNREACHABLE : SID_E_API_REFUSED,
            .errcode = code,
        };
    json_decref(root);
    return out;
}

static bool
type_is(const struct wechat_raw *raw, const char *prefix) {
    return raw->content_type != NULL &&
           strncasecmp(raw->content_type, prefix, strlen(prefix)) == 0;
}

static bool
is_picture(struct sid_span body, enum sid_image_format *format) {
    static const uint8_t jpeg[] = {0xff, 0xd8, 0xff};
    static const uint8_t png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    if (body.len > sizeof jpeg && memcmp(body.ptr, jpeg, sizeof jpeg) == 0) {
        *format = SID_IMAGE_JPEG;
        return true;
    }
    if (body.len > sizeof png && memcmp(body.ptr, png, sizeof png) == 0) {
        *format = SID_IMAGE_PNG;
        return true;
    }
    return false;
}

static struct wechat_judged
judge_media(const struct wechat_raw *raw, struct sid_wechat_call *call) {
    bool json = type_is(raw, "application/json") || type_is(raw, "text/") ||
                (raw->body.len > 0 && raw->body.ptr[0] == '{');
    if (json)
        return judge_json(raw->body, call);
    if (!is_picture(raw->body, &call->format))
        return judged(WECHAT_REFUSED, SID_E_API_ANSWER);
    return judged(WECHAT_DONE, SID_OK);
}

struct wechat_judged
wechat_answer_judge(const struct wechat_raw *raw,
                    struct sid_wechat_call *call) {
    if (raw->status == 200)
        return call->op == SID_WECHAT_MEDIA_GET ? judge_media(raw, call)
                                                : judge_json(raw->body, call);
    /* Source: RFC 9110, 15.6.4, and RFC 6585, 4: not done, try later. */
    if (raw->status == 503 || raw->status == 429)
        return judged(WECHAT_AGAIN, SID_E_API_UNREACHABLE);
    if (raw->status >= 500)
        return judged(WECHAT_UNCLEAR, SID_E_API_UNREACHABLE);
    /* Redirects too: nothing but api_base is contacted. */
    return judged(WECHAT_REFUSED, SID_E_API_ANSWER);
}
