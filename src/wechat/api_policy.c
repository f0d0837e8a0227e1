/* api_policy.c: verdicts on errcodes, backoff, breaker, life of a token. Pure;
 * the client's thread; owns nothing. */
#include "api_policy.h"

#include <string.h>

#include "smartid/buf.h"

/* Source: developers.weixin.qq.com, getStableAccessToken: renewed five minutes
 * early, and both are good in between. */
#define EARLY_S 300

enum wechat_verdict
wechat_errcode_verdict(int64_t errcode) {
    switch (errcode) {
    case 40001: /* the token is not the latest one, or of another account */
    case 40014: /* it is no token */
    case 42001: /* it has expired */
        return WECHAT_TOKEN;
    case -1: /* busy */
        return WECHAT_AGAIN;
    default:
        return WECHAT_REFUSED;
    }
}

bool
sid_wechat_errcode_window_closed(int64_t errcode) {
    return errcode == 45015;
}

bool
sid_wechat_errcode_quota_used(int64_t errcode) {
    return errcode == 45047;
}

/* Source: developers.weixin.qq.com, global return codes. */
bool
sid_wechat_errcode_of_account(int64_t errcode) {
    switch (errcode) {
    case 40001: /* the secret or the token, also when it is new */
    case 40013: /* app id */
    case 40014:
    case 40125: /* app secret */
    case 40164: /* this address is not on the list */
    case 42001:
    case 45009: /* calls of the day */
    case 45011: /* calls of the minute */
    case 48001: /* the account may not do this */
        return true;
    default:
        return false;
    }
}

/* Between a half and all of it. */
static int64_t
jittered(int64_t wait_us, uint32_t chance) {
    return wait_us / 2 + wait_us / 2 * (int64_t)(chance >> 16) / 65536;
}

int64_t
wechat_backoff_us(int64_t first_us, int64_t max_us, int next, uint32_t chance) {
    int64_t wait_us = first_us;
    for (int i = 2; i < next && wait_us < max_us; i++)
        wait_us *= 2;
    return jittered(wait_us < max_us ? wait_us : max_us, chance);
}

/* ---- the breaker --------------------------------------------------------- */

bool
wechat_breaker_allows(struct wechat_breaker *breaker, int64_t now_us) {
    if (breaker->pause_us == 0)
        return true;
    if (breaker->probing || now_us < breaker->until_us)
        return false;
    breaker->probing = true;
    return true;
}

bool
wechat_breaker_success(struct wechat_breaker *breaker) {
    bool was_open = breaker->pause_us > 0;
    *breaker = (struct wechat_breaker){0};
    return was_open;
}

bool
wechat_breaker_failure(struct wechat_breaker *breaker,
                       const struct wechat_breaker_limits *limits,
                       int64_t now_us, uint32_t chance) {
    breaker->failures++;
    bool open = breaker->pause_us > 0;
    /* Calls that began before it opened say nothing new. */
    if (open ? !breaker->probing : breaker->failures < limits->failures)
        return false;
    int64_t pause_us = open ? breaker->pause_us * 2 : limits->pause_us;
    if (pause_us > limits->pause_max_us)
        pause_us = limits->pause_max_us;
    breaker->pause_us = pause_us;
    breaker->until_us = now_us + jittered(pause_us, chance);
    breaker->probing = false;
    return true;
}

/* ---- tokens and tickets -------------------------------------------------- */

bool
wechat_secret_fresh(const struct wechat_secret *secret, int64_t now_us) {
    return secret->text[0] != '\0' && now_us < secret->until_us;
}

void
wechat_secret_set(struct wechat_secret *secret, const char *text,
                  int64_t expires_in_s, int64_t now_us) {
    int64_t good_s =
        expires_in_s > 2 * EARLY_S ? expires_in_s - EARLY_S : expires_in_s / 2;
    if (good_s < 1) /* else it would be fetched without end */
        good_s = 1;
    sid_wipe(secret->text, sizeof secret->text);
    size_t len = strnlen(text, sizeof secret->text - 1);
    memcpy(secret->text, text, len);
    secret->until_us = now_us + good_s * 1000000;
    secret->generation++;
}

void
wechat_secret_drop(struct wechat_secret *secret, uint64_t generation) {
    if (secret->generation == generation)
        sid_wipe(secret->text, sizeof secret->text);
}
