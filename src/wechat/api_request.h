/* api_request.h: one attempt of a call on the wire, and what libcurl is told.
 * The client's thread. */
#ifndef SID_WECHAT_API_REQUEST_H
#define SID_WECHAT_API_REQUEST_H

#include <curl/curl.h>

#include "api_policy.h"

/* What an op is like. */
struct wechat_op_facts {
    const char *path;
    bool token;  /* needs the access token */
    bool repeat; /* may be done twice without harm */
};
const struct wechat_op_facts *wechat_op_facts(enum sid_wechat_op op);
const char *wechat_op_name(enum sid_wechat_op op);

struct wechat_transfer {
    struct sid_wechat_call *call; /* borrowed */
    CURL *easy;
    struct curl_slist *headers;
    curl_mime *mime;
    struct sid_buf url, sent, received;
    size_t received_max_bytes;
    bool too_large; /* more than that came */
};

struct wechat_wire {
    int64_t connect_timeout_ms, timeout_ms;
    size_t media_max_bytes;
};

/* Makes an attempt ready to run. token: NULL where none is needed; both
 * borrowed for the call. Errors: SID_E_NO_MEMORY, SID_E_INTERNAL (libcurl). */
SID_FALLIBLE enum sid_err
wechat_transfer_new(struct sid_wechat_call *call,
                    const struct sid_wechat_account *account, const char *token,
                    const struct wechat_wire *wire,
                    struct wechat_transfer **out);
/* The easy handle must not be in a multi handle any more. */
void wechat_transfer_free(struct wechat_transfer **transfer);

#endif
