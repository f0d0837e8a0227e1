/* api_policy.h: when to call, when to call again, when to stop calling: the
 * client's rules. Pure: time and chance come in. Any thread; one owner. */
#ifndef SID_WECHAT_API_POLICY_H
#define SID_WECHAT_API_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "smartid/wechat_api.h"

/* What an attempt has come to. */
enum wechat_verdict {
    WECHAT_DONE,
    WECHAT_REFUSED, /* not done, and asking again changes nothing */
    WECHAT_TOKEN,   /* not done: the access token is not taken */
    WECHAT_AGAIN,   /* not done; may be done later */
    WECHAT_UNCLEAR, /* nobody knows whether it was done */
};

/* The verdict on an errcode that is not 0. */
enum wechat_verdict wechat_errcode_verdict(int64_t errcode);

/* The wait before attempt `next` (2, 3 …): doubled each time, at most max_us,
 * and of that a part between a half and all, by chance. */
int64_t wechat_backoff_us(int64_t first_us, int64_t max_us, int next,
                          uint32_t chance);

/* Counts failures in a row; open, it lets nothing pass for a while, then one
 * call as a probe. */
struct wechat_breaker {
    int failures;
    int64_t pause_us; /* 0: closed */
    int64_t until_us; /* the end of the pause */
    bool probing;
};
struct wechat_breaker_limits {
    int failures;
    int64_t pause_us, pause_max_us;
};
/* True when a call may go out; each must be followed by one of the two. */
bool wechat_breaker_allows(struct wechat_breaker *breaker, int64_t now_us);
/* True when it was open until now. */
bool wechat_breaker_success(struct wechat_breaker *breaker);
/* True when it has opened, for pause_us from now. */
bool wechat_breaker_failure(struct wechat_breaker *breaker,
                            const struct wechat_breaker_limits *limits,
                            int64_t now_us, uint32_t chance);

/* An access token or ticket, as long as it is good. */
struct wechat_secret {
    char text[SID_WECHAT_SECRET_SIZE];
    int64_t until_us;    /* renewed from here on */
    uint64_t generation; /* of the text; 0: none yet */
    bool fetching;
    struct sid_wechat_call fetch; /* the one that fetches it */
};
bool wechat_secret_fresh(const struct wechat_secret *secret, int64_t now_us);
/* Renewed 300 s before its end, or at half of a shorter life. */
void wechat_secret_set(struct wechat_secret *secret, const char *text,
                       int64_t expires_in_s, int64_t now_us);
/* Forgets the text, if it is still the one of that generation. */
void wechat_secret_drop(struct wechat_secret *secret, uint64_t generation);

#endif
