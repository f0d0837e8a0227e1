/* wechat_page.h: what pages inside WeChat need: the signature of the JS-SDK and
 * the address that tells us the openid of whoever opened it.
 *
 * Pure; any thread. Source: developers.weixin.qq.com, JS-SDK appendix 1 and
 * web page authorisation. */
#ifndef SMARTID_WECHAT_PAGE_H
#define SMARTID_WECHAT_PAGE_H

#include <stdint.h>

#include "smartid/wechat_crypt.h"

/* Signs a page's URL for wx.config(): with its query, without what stands
 * behind a '#'. ticket: of sid_wechat_api's SID_WECHAT_JSAPI_TICKET. The
 * caller makes sure that the URL is one of its own pages. Errors:
 * SID_E_ARGUMENT (noncestr or url not printable ASCII, or not http),
 * SID_E_CRYPTO, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err
sid_wechat_jssdk_sign(const char *ticket, const char *noncestr,
                      int64_t timestamp_s, const char *url,
                      char out[SID_WECHAT_SIGNATURE_SIZE]);

/* Appends the address to send a browser to, so that WeChat sends it back to
 * redirect_uri with code and state: silently (snsapi_base), which yields the
 * openid and nothing more. oauth_base: "https://open.weixin.qq.com". state: 1
 * to 128 of [A-Za-z0-9], bound to the browser by a cookie, against forged
 * returns. Errors: SID_E_ARGUMENT (state), SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_wechat_oauth_url(const char *oauth_base,
                                               const char *app_id,
                                               const char *redirect_uri,
                                               const char *state,
                                               struct sid_buf *out);

#endif
