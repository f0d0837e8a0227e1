/* wechat_api.h: calls to WeChat's API, on one thread of their own.
 *
 * Nothing else ever waits for WeChat: a call is handed over and its done() is
 * called later, on the client's thread, where it may only hand the result on.
 * The client holds what the calls need: the access token (stable_token, one
 * fetch at a time, renewed 300 s early, dropped and fetched again once when
 * WeChat refuses it), the JS-SDK ticket, retries with backoff and jitter, and a
 * breaker per account that stops calling a service that is down.
 *
 * Calls run side by side, in no order: whoever wants one submits the next call
 * from done() of the one before.
 *
 * Only the account's api_base is ever contacted: no redirect is followed, no
 * proxy asked, no address taken from an answer. Secrets and what people said
 * are wiped and never logged.
 *
 * What cannot be known is told: when the answer to a message is lost, nobody
 * can say whether it was shown. Such a call is not repeated here; maybe_done is
 * set, and its sender decides between "at most once" and "at least once". */
#ifndef SMARTID_WECHAT_API_H
#define SMARTID_WECHAT_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartid/image.h"
#include "smartid/wechat_account.h"
#include "smartid/wechat_push.h"

/* X(symbol, name in the log). What each takes and gives:
 *   MEDIA_GET      param: media id              answer: the file, format
 *   MEDIA_UPLOAD   body: a JPEG or PNG          text: media id, good for 3 days
 *   SEND_TEXT      openid, body: the text       -
 *   SEND_IMAGE     openid, param: media id      -
 *   OAUTH_CODE     param: code                  text: openid, snapshot
 *   JSAPI_TICKET   -                            text: ticket
 *   CALLBACK_IPS   -                            answer: an address a line
 * The last two are the client's own. */
#define SID_WECHAT_OP_MAP(X)                                                   \
    X(SID_WECHAT_MEDIA_GET, "media_get")                                       \
    X(SID_WECHAT_MEDIA_UPLOAD, "media_upload")                                 \
    X(SID_WECHAT_SEND_TEXT, "send_text")                                       \
    X(SID_WECHAT_SEND_IMAGE, "send_image")                                     \
    X(SID_WECHAT_OAUTH_CODE, "oauth_code")                                     \
    X(SID_WECHAT_JSAPI_TICKET, "jsapi_ticket")                                 \
    X(SID_WECHAT_CALLBACK_IPS, "callback_ips")                                 \
    X(SID_WECHAT_FETCH_TOKEN, "fetch_token")                                   \
    X(SID_WECHAT_FETCH_TICKET, "fetch_ticket")
enum sid_wechat_op {
#define SID_WECHAT_OP_ENUM(sym, name) sym,
    SID_WECHAT_OP_MAP(SID_WECHAT_OP_ENUM)
#undef SID_WECHAT_OP_ENUM
        SID_WECHAT_OP_COUNT
};

/* Tokens and tickets: up to 512 characters (Source: WeChat's advice for
 * storing them), doubled. */
#define SID_WECHAT_SECRET_SIZE 1025
/* Source: developers.weixin.qq.com, uploadTempMedia: 2 MB for an image. */
#define SID_WECHAT_UPLOAD_MAX_BYTES ((size_t)2 << 20)

struct wechat_secret;
struct wechat_transfer;

/* A call; embedded in its caller's object. From submit to done() it is not the
 * caller's. */
struct sid_wechat_call {
    /* in */
    enum sid_wechat_op op;
    size_t account;                       /* index into the list */
    char openid[SID_WECHAT_NAME_SIZE];    /* SEND_* */
    char param[SID_WECHAT_MEDIA_ID_SIZE]; /* see above */
    struct sid_buf body;                  /* owned; freed by _fini() */
    int64_t limit_ms; /* with all its attempts; 0: deadline_ms of the client */
    void (*done)(struct sid_wechat_call *me);
    /* out */
    enum sid_err err;
    int64_t errcode;              /* WeChat's; 0: it named none */
    bool maybe_done;              /* failed, but WeChat may have done it */
    bool snapshot;                /* OAUTH_CODE: a visitor without an account */
    enum sid_image_format format; /* MEDIA_GET */
    char text[SID_WECHAT_SECRET_SIZE];
    struct sid_buf answer; /* owned; freed by _fini() */
    /* the client's own */
    struct sid_wechat_call *next;
    int state;
    int attempts;
    bool token_renewed;
    uint64_t generation; /* of the token it was tried with */
    int64_t due_us, deadline_us;
    struct wechat_secret *waits_for;
    struct wechat_transfer *transfer;
};

/* Wipes and frees what a call holds; it is as new. */
void sid_wechat_call_fini(struct sid_wechat_call *call);

struct sid_wechat_api_config {
    const struct sid_wechat_accounts *accounts; /* borrowed for its life */
    size_t capacity;            /* calls held at once, 1..1024 */
    long connections;           /* open at once, 1..64 */
    int64_t connect_timeout_ms; /* TCP and TLS */
    int64_t timeout_ms;         /* one attempt */
    int64_t deadline_ms;        /* a call with all its attempts */
    int attempts;               /* 1..10 */
    int64_t backoff_ms;         /* before the second; doubles, with jitter */
    int64_t backoff_max_ms;
    int breaker_failures; /* in a row, until calls pause */
    int64_t breaker_ms;   /* the first pause; doubles */
    int64_t breaker_max_ms;
    size_t media_max_bytes; /* of MEDIA_GET */
    int64_t stop_ms;        /* grace for what is on the wire */
    /* For tests: the clock that tokens, waits and pauses go by, and jitter's
     * chance. NULL: sid_mono_us(), sid_rand_bytes(). */
    int64_t (*mono_us)(void);
    enum sid_err (*random)(void *out, size_t len);
};
/* Every figure at its default; accounts is set by the caller. */
void sid_wechat_api_config_default(struct sid_wechat_api_config *out);

struct sid_wechat_api;

/* Starts the client and its thread. Main thread, before others use libcurl.
 * Errors: SID_E_NO_MEMORY, SID_E_INTERNAL. */
SID_FALLIBLE enum sid_err
sid_wechat_api_new(const struct sid_wechat_api_config *config,
                   struct sid_wechat_api **out);

/* Hands a call over; done() is called exactly once if this succeeds, never
 * otherwise. Any thread, done() too. Errors, none of which has touched the
 * call: SID_E_ARGUMENT (op, account, or an input that is empty, too long or not
 * of its form), SID_E_QUEUE_FULL, SID_E_STOPPING.
 *
 * Errors of the call, in call->err: SID_E_API_UNREACHABLE (no connection, no
 * answer, 5xx, "busy", after all attempts), SID_E_API_PAUSED (the breaker is
 * open: nothing was tried), SID_E_API_REFUSED (errcode says why; also a
 * snapshot user), SID_E_API_ANSWER (none that can be), SID_E_BODY_TOO_LARGE (a
 * file over media_max_bytes), SID_E_TIMEOUT (no token in time),
 * SID_E_STOPPING, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_wechat_api_submit(struct sid_wechat_api *api,
                                                struct sid_wechat_call *call);

/* From now on submit refuses. Any thread. */
void sid_wechat_api_quiesce(struct sid_wechat_api *api);

/* Ends: what waits is completed with SID_E_STOPPING, what is on the wire gets
 * stop_ms, then the thread ends. Every done() has been called when it returns.
 * Main thread. */
void sid_wechat_api_free(struct sid_wechat_api **api);

/* What an errcode means for whoever sent a message. Any thread. */
bool sid_wechat_errcode_window_closed(int64_t errcode); /* 45015: 48 h over */
bool sid_wechat_errcode_quota_used(int64_t errcode);    /* 45047: 5 were sent */
/* It is the account that is refused (its secret, its address, its allowance)
 * and not this call, which may pass once its operator or another day has
 * changed that. */
bool sid_wechat_errcode_of_account(int64_t errcode);

#endif
