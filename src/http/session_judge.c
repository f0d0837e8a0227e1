/* session_judge.c: a ladder of refusals over a request that shows a session's
 * cookie in place of a key. io thread of the connection; owns nothing. */
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
           sid_cookie_find(req->head.cookie, sid_request_tls(req), out);
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
    if (session->applicant)
        return SID_PAGE_ENROLL;
    return role == SID_ROLE_CLERK ? SID_PAGE_SCAN : SID_PAGE_CONSOLE;
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
    if (session.applicant &&
        !sid_session_applicant_may(server->sessions, attempt->from,
                                   limits.applicant_per_minute, times.now_s,
                                   &req->retry_s))
        return SID_E_RATE;
    err = sid_app_resume(server->app, attempt, session.client_id,
                         session.applicant, &caller, &req->retry_s);
    if (err == SID_OK && !sid_page_on(pages, page_of(&session, caller.role)))
        err = SID_E_UNAUTHENTICATED;
    if (err == SID_OK) {
        req->session = session;
        req->caller = caller;
    } else if (err == SID_E_UNAUTHENTICATED || err == SID_E_RATE) {
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
