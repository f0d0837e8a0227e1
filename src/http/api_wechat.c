/* api_wechat.c: GET and POST /channels/wechat/{account}: WeChat's server asks
 * whether this is ours, and pushes what people say. io thread of the
 * connection; flows belong to the request. Whatever is wrong with a push, the
 * outside sees the same 403; log and metrics know more. */
#include <stdlib.h>

#include "api.h"
#include "server_priv.h"
#include "smartid/wechat.h"

/* The account of the path. Errors: SID_E_NOT_FOUND (also without any). */
static enum sid_err
find(const struct sid_request *req, size_t *account) {
    return sid_wechat_find(req->door->server->wechat, req->account,
                           req->account_len, account)
               ? SID_OK
               : SID_E_NOT_FOUND;
}

static enum sid_err
check(struct sid_request *req) {
    size_t account;
    return find(req, &account);
}

static void
read_query(struct sid_request *req, struct sid_wechat_query *out) {
    *out = (struct sid_wechat_query){
        .signature = sid_request_query(req, "signature"),
        .timestamp = sid_request_query(req, "timestamp"),
        .nonce = sid_request_query(req, "nonce"),
        .echostr = sid_request_query(req, "echostr"),
        .encrypt_type = sid_request_query(req, "encrypt_type"),
        .msg_signature = sid_request_query(req, "msg_signature"),
    };
}

/* ---- GET ---------------------------------------------------------------- */
static enum sid_err
echo_prepare(struct sid_request *req) {
    (void)req;
    return SID_OK;
}

static enum sid_err
echo_finish(struct sid_request *req) {
    struct sid_wechat_query query;
    size_t account;
    enum sid_err err = find(req, &account);
    if (err != SID_OK)
        return err;
    read_query(req, &query);
    if (sid_wechat_verify_url(req->door->server->wechat, account, &query) !=
        SID_OK)
        return SID_E_FORBIDDEN;
    req->answer.content_type = "text/plain; charset=utf-8";
    return sid_buf_append_str(&req->answer.body, query.echostr);
}

const struct sid_handler sid_api_wechat_echo = {
    .check = check,
    .prepare = echo_prepare,
    .finish = echo_finish,
};

/* ---- POST --------------------------------------------------------------- */
static enum sid_err
push_prepare(struct sid_request *req) {
    struct sid_wechat *wechat = req->door->server->wechat;
    struct sid_wechat_query query;
    sid_request_make_flow(req, sizeof req->u.wechat_turn);
    struct sid_wechat_turn *turn = &req->u.wechat_turn;
    enum sid_err err = find(req, &turn->account);
    if (err != SID_OK)
        return err;
    turn->wechat = wechat;
    turn->taken = malloc(sizeof *turn->taken);
    if (turn->taken == NULL)
        return SID_E_NO_MEMORY;
    read_query(req, &query);
    err = sid_wechat_take(wechat, turn->account, &query,
                          sid_buf_span(&req->body), turn->taken);
    return err == SID_OK || err == SID_E_NO_MEMORY ? err : SID_E_FORBIDDEN;
}

static void
push_start(struct sid_request *req) {
    sid_wechat_turn_start(&req->u.wechat_turn);
}

static enum sid_err
push_finish(struct sid_request *req) {
    const struct sid_wechat_turn *turn = &req->u.wechat_turn;
    const struct sid_wechat_push *push = &turn->taken->push;
    /* Who leaves the account leaves its pages. */
    if (push->kind == SID_WECHAT_UNSUBSCRIBE)
        sid_session_close_chat(
            req->door->server->sessions,
            sid_wechat_account(turn->wechat, turn->account)->name, push->from);
    return sid_wechat_turn_reply(&req->u.wechat_turn, &req->answer.body,
                                 &req->answer.content_type);
}

static void
push_fini(struct sid_request *req) {
    sid_wechat_turn_fini(&req->u.wechat_turn);
}

const struct sid_handler sid_api_wechat_push = {
    .check = check,
    .prepare = push_prepare,
    .start = push_start,
    .finish = push_finish,
    .fini = push_fini,
};
