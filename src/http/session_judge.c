/* session_judge.c: a ladder of refusals over a request that shows a session's
 * cookie in place of a key or a holder's secret. io thread of the connection;
 * owns nothing. */
#include <stdio.h>
#include <string.h>

#include "cookie.h"
#include "page.h"
#include "request.h"
#include "server_priv.h"
#include "smartid/metrics.h"

bool
sid_session_cookie(const struct sid_request *req,
                   char out[SID_SESSION_COOKIE_SIZE]) {
    return req->head.cookie != NULL &&
           sid_cookie_find(req->head.cookie,
                           sid_request_tls(req) ? SID_COOKIE_NAME_TLS
                                                : SID_COOKIE_NAME,
                           out);
}

enum sid_err
sid_session_judge_origin(const struct sid_request *req) {
    const struct sid_head *head = &req->head;
    if (head->origin == NULL ||
        (head->host != NULL &&
         sid_origin_is_host(head->origin, head->host, sid_request_tls(req))))
        return SID_OK;
    sid_metric_add(SID_M_SESSION_ORIGIN, 1);
    return SID_E_ORIGIN;
}

/* A browser sends the cookie with what any page makes it send (SameSite keeps
 * most of that off); only ours can read the token. */
static enum sid_err
judge_token(const struct sid_request *req, const char *cookie) {
    char token[SID_CSRF_SIZE];
    const char *shown = req->head.csrf_token;
    if (req->method == SID_METHOD_GET || req->method == SID_METHOD_HEAD)
        return SID_OK;
    enum sid_err err = sid_session_csrf(cookie, token);
    if (err == SID_OK && (shown == NULL || strlen(shown) != SID_CSRF_CHARS ||
                          !sid_equal_ct(shown, token, SID_CSRF_CHARS)))
        err = SID_E_CSRF;
    if (err == SID_E_CSRF)
        sid_metric_add(SID_M_SESSION_CSRF, 1);
    sid_wipe(token, sizeof token);
    return err;
}

/* The page that somebody with this session works on. */
static enum sid_page
page_of(const struct sid_session *session, enum sid_role role) {
    if (session->kind == SID_SESSION_APPLICANT)
        return SID_PAGE_ENROLL;
    if (session->kind == SID_SESSION_VISITOR)
        return SID_PAGE_SCAN;
    if (session->kind == SID_SESSION_HOLDER)
        return session->credential_id[0] == '\0' ? SID_PAGE_ENROLL
                                                 : SID_PAGE_CARD;
    return role == SID_ROLE_CLERK ? SID_PAGE_SCAN : SID_PAGE_CONSOLE;
}

/* Who stands for no client. A holder, as if the secret had been shown: it opens
 * what has its hash, which is nothing any more once the person is erased or has
 * another phone. */
static struct sid_caller
caller_of(const struct sid_session *session) {
    bool holder = session->kind == SID_SESSION_HOLDER;
    struct sid_caller caller = {.role =
                                    holder ? SID_ROLE_HOLDER : SID_ROLE_NONE,
                                .has_holder_secret = holder};
    memcpy(caller.holder_hash, session->holder_hash, sizeof caller.holder_hash);
    (void)snprintf(caller.channel, sizeof caller.channel, "wechat:%s",
                   session->wechat_account);
    return caller;
}

static enum sid_err
judge_with(struct sid_request *req, const struct sid_page_set *pages,
           const struct sid_attempt *attempt, const char *cookie) {
    struct sid_server *server = req->door->server;
    const struct sid_page_limits limits = sid_page_limits(pages);
    const struct sid_session_times times = {sid_app_now_s(server->app),
                                            limits.session_idle_s};
    struct sid_session session;
    struct sid_caller caller;
    enum sid_err err =
        sid_session_find(server->sessions, cookie, &times, &session);
    if (err == SID_OK)
        err = judge_token(req, cookie);
    if (err != SID_OK)
        return err;
    bool applicant = session.kind == SID_SESSION_APPLICANT;
    if (applicant && !sid_session_applicant_may(server->sessions, attempt->from,
                                                limits.applicant_per_minute,
                                                times.now_s, &req->retry_s))
        return SID_E_RATE;
    if (session.client_id[0] == '\0')
        caller = caller_of(&session);
    else
        err = sid_app_resume(server->app, attempt, session.client_id, applicant,
                             &caller, &req->retry_s);
    if (err == SID_OK && !sid_page_on(pages, page_of(&session, caller.role)))
        err = SID_E_UNAUTHENTICATED;
    if (err == SID_OK) {
        req->session = session;
        req->caller = caller;
    } else { /* a key or a page that is no more: it will not come back */
        enum sid_err closed = sid_session_close(server->sessions, cookie);
        err = closed == SID_OK ? err : closed;
    }
    return err;
}

enum sid_err
sid_session_judge(struct sid_request *req, const struct sid_attempt *attempt) {
    char cookie[SID_SESSION_COOKIE_SIZE];
    if (!sid_session_cookie(req, cookie))
        return SID_E_UNAUTHENTICATED;
    struct sid_page_set *pages = NULL;
    enum sid_err err = sid_session_judge_origin(req);
    if (err == SID_OK) {
        pages = sid_pages_hold(req->door->server);
        err = judge_with(req, pages, attempt, cookie);
    }
    sid_page_set_drop(&pages);
    sid_wipe(cookie, sizeof cookie);
    return err;
}
