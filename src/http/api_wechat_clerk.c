/* api_wechat_clerk.c: a clerk who has come out of a chat and signed in binds
 * that chat account to the key, or parts them. io thread of the connection; the
 * flow belongs to the request. */
#include <string.h>

#include "api.h"

/* A program's key, or a browser that came another way, has none. */
static enum sid_err
check(struct sid_request *req) {
    return req->session.wechat_openid[0] == '\0' ? SID_E_CONFLICT : SID_OK;
}

static enum sid_err
prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.wechat_clerk);
    struct sid_wechat_clerk *clerk = &req->u.wechat_clerk;
    clerk->part = req->method == SID_METHOD_DELETE;
    memcpy(clerk->account, req->session.wechat_account, sizeof clerk->account);
    memcpy(clerk->openid, req->session.wechat_openid, sizeof clerk->openid);
    return sid_api_nothing(req);
}

static void
start(struct sid_request *req) {
    sid_wechat_clerk_start(&req->u.wechat_clerk);
}

static enum sid_err
finish(struct sid_request *req) {
    req->answer.success = SID_SUCCESS_NO_CONTENT;
    return SID_OK;
}

static void
fini(struct sid_request *req) {
    sid_wechat_clerk_fini(&req->u.wechat_clerk);
}

const struct sid_handler sid_api_wechat_clerk = {
    .check = check,
    .prepare = prepare,
    .start = start,
    .finish = finish,
    .fini = fini,
};
