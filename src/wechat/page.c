/* page.c: signature of the JS-SDK and the OAuth address. Pure; any thread;
 * owns nothing. */
#include "smartid/wechat_page.h"

#include <string.h>

#include "smartid/legacy.h"
#include "smartid/text.h"

/* Source: developers.weixin.qq.com: a-z, A-Z, 0-9, at most 128. */
#define STATE_CHARS_MAX 128

static bool
is_printable(const char *text) {
    for (const char *c = text; *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~')
            return false;
    }
    return *text != '\0';
}

enum sid_err
sid_wechat_jssdk_sign(const char *ticket, const char *noncestr,
                      int64_t timestamp_s, const char *url,
                      char out[SID_WECHAT_SIGNATURE_SIZE]) {
    bool web =
        strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0;
    if (!web || !is_printable(url) || !is_printable(noncestr))
        return SID_E_ARGUMENT;
    struct sid_buf text = SID_BUF_EMPTY;
    uint8_t digest[SID_SHA1_BYTES];
    enum sid_err err = sid_buf_printf(
        &text, "jsapi_ticket=%s&noncestr=%s&timestamp=%lld&url=%.*s", ticket,
        noncestr, (long long)timestamp_s, (int)strcspn(url, "#"), url);
    if (err == SID_OK) {
        const struct sid_span whole = sid_buf_span(&text);
        err = sid_legacy_sha1(&whole, 1, digest);
    }
    if (err == SID_OK)
        sid_hex_encode(digest, sizeof digest, out);
    sid_buf_free(&text);
    return err;
}

static bool
state_fits(const char *state) {
    size_t len = strnlen(state, STATE_CHARS_MAX + 1);
    for (size_t i = 0; i < len; i++) {
        bool plain = (state[i] >= 'a' && state[i] <= 'z') ||
                     (state[i] >= 'A' && state[i] <= 'Z') ||
                     (state[i] >= '0' && state[i] <= '9');
        if (!plain)
            return false;
    }
    return len > 0 && len <= STATE_CHARS_MAX;
}

enum sid_err
sid_wechat_oauth_url(const char *oauth_base, const char *app_id,
                     const char *redirect_uri, const char *state,
                     struct sid_buf *out) {
    if (!state_fits(state))
        return SID_E_ARGUMENT;
    /* The order of the parameters matters to WeChat. */
    enum sid_err err =
        sid_buf_printf(out, "%s/connect/oauth2/authorize?appid=", oauth_base);
    if (err == SID_OK)
        err = sid_percent_append(out, app_id);
    if (err == SID_OK)
        err = sid_buf_append_str(out, "&redirect_uri=");
    if (err == SID_OK)
        err = sid_percent_append(out, redirect_uri);
    if (err == SID_OK)
        err = sid_buf_printf(out,
                             "&response_type=code&scope=snsapi_base&state=%s"
                             "#wechat_redirect",
                             state);
    return err;
}
