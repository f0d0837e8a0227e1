/* api_jssdk.c: by what WeChat knows that pages are ours: the file at the root
 * of their domain, and the signature by which a page may use its scanner. Only
 * addresses of ours are signed: a page has no query. io thread of the
 * connection; the flow belongs to the request. */
#include <string.h>

#include "api.h"
#include "server_priv.h"
#include "smartid/clock.h"
#include "smartid/text.h"
#include "smartid/wechat_page.h"

#define NONCE_BYTES 15 /* 24 characters of base32 */
#define NONCE_SIZE 25

static enum sid_err
prepare(struct sid_request *req) {
    const char *page;
    enum sid_err err = sid_api_visit_page(req, "page", &page);
    if (err != SID_OK)
        return err;
    sid_request_make_flow(req, sizeof req->u.ticket);
    req->u.ticket.api = sid_wechat_api(req->door->server->wechat);
    return sid_request_wechat(req, &req->u.ticket.account) != NULL
               ? SID_OK
               : SID_E_NOT_FOUND;
}

static void
start(struct sid_request *req) {
    sid_wechat_ticket_start(&req->u.ticket);
}

/* The address is made here, and not taken from whoever asks. */
static enum sid_err
sign(const struct sid_request *req, const char *page, const char *nonce,
     int64_t now_s, char out[SID_WECHAT_SIGNATURE_SIZE]) {
    struct sid_buf url = SID_BUF_EMPTY;
    size_t index;
    enum sid_err err =
        sid_buf_printf(&url, "%s/%s%c",
                       sid_request_wechat(req, &index)->page_base, page, '\0');
    if (err == SID_OK)
        err = sid_wechat_jssdk_sign(req->u.ticket.call.text, nonce, now_s,
                                    (const char *)url.ptr, out);
    sid_buf_free(&url);
    return err;
}

static enum sid_err
finish(struct sid_request *req) {
    uint8_t random[NONCE_BYTES];
    char nonce[NONCE_SIZE], signature[SID_WECHAT_SIGNATURE_SIZE];
    const char *page;
    size_t index;
    int64_t now_s = sid_now_s();
    enum sid_err err = sid_api_visit_page(req, "page", &page);
    if (err == SID_OK)
        err = sid_rand_bytes(random, sizeof random);
    if (err != SID_OK)
        return err;
    sid_base32_encode(random, sizeof random, nonce);
    err = sign(req, page, nonce, now_s, signature);
    if (err != SID_OK)
        return err;
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_json_string(&json, "app_id", sid_request_wechat(req, &index)->app_id);
    sid_json_int(&json, "timestamp", now_s);
    sid_json_string(&json, "nonce", nonce);
    sid_json_string(&json, "signature", signature);
    sid_json_close(&json, '}');
    return json.err;
}

static void
fini(struct sid_request *req) {
    sid_wechat_ticket_fini(&req->u.ticket);
}

const struct sid_handler sid_api_jssdk = {
    .check = sid_api_visit_check,
    .prepare = prepare,
    .start = start,
    .finish = finish,
    .fini = fini,
};

/* ---- GET /MP_verify_….txt ------------------------------------------------ */
static enum sid_err
domain_prepare(struct sid_request *req) {
    const char *name = req->path + 1; /* behind the slash */
    const struct sid_wechat_account *account =
        sid_wechat_domain(req->door->server->wechat, name);
    if (account == NULL)
        return SID_E_NOT_FOUND;
    req->answer.content_type = "text/plain; charset=utf-8";
    return sid_buf_append_str(&req->answer.body, account->domain_text);
}

static enum sid_err
domain_finish(struct sid_request *req) {
    (void)req;
    return SID_OK;
}

const struct sid_handler sid_api_domain = {.prepare = domain_prepare,
                                           .finish = domain_finish};
