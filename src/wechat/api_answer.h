/* api_answer.h: what an answer of WeChat's API comes to. Pure; the client's
 * thread. */
#ifndef SID_WECHAT_API_ANSWER_H
#define SID_WECHAT_API_ANSWER_H

#include "api_policy.h"

/* One answer as it came; borrowed. */
struct wechat_raw {
    long status;              /* HTTP */
    const char *content_type; /* NULL: none was named */
    struct sid_span body;
};

struct wechat_judged {
    enum wechat_verdict verdict;
    enum sid_err err;     /* SID_OK with WECHAT_DONE */
    int64_t errcode;      /* 0: none */
    int64_t expires_in_s; /* tokens and tickets; 1..86400 */
};

/* Judges the answer to call->op; with WECHAT_DONE the call's text, format,
 * answer (not for MEDIA_GET: the body itself is the file) are filled. snapshot
 * is set either way. */
struct wechat_judged wechat_answer_judge(const struct wechat_raw *raw,
                                         struct sid_wechat_call *call);

#endif
