/* api_visit.c: the way of somebody in a chat onto a page: to WeChat, which says
 * who they are, and back. A link in a chat holds no secret: forwarded, it shows
 * whoever taps it what is theirs. io thread of the connection; the flow belongs
 * to the request.
 *
 * The way back is bound to the browser that set out: its cookie stands for an
 * entry in a table of visits, and `state` is the token of that cookie. Both are
 * good once. */
#include <string.h>

#include "api.h"
#include "cookie.h"
#include "page.h"
#include "server_priv.h"
#include "smartid/text.h"
#include "smartid/wechat_page.h"

/* How long somebody may be on the way. Source: WeChat's code is good for five
 * minutes. */
#define VISIT_LIFE_S 600

static const struct {
    const char *name;
    enum sid_page page;
} pages_for[] = {
    [SID_FOR_CARD] = {"card", SID_PAGE_CARD},
    [SID_FOR_ENROLL] = {"enroll", SID_PAGE_ENROLL},
    [SID_FOR_SCAN] = {"scan", SID_PAGE_SCAN},
};
#define PAGES_FOR (sizeof pages_for / sizeof pages_for[0])

/* ---- shared with api_jssdk.c --------------------------------------------- */
enum sid_err
sid_api_visit_check(struct sid_request *req) {
    size_t index;
    const struct sid_wechat_account *account = sid_request_wechat(req, &index);
    return req->door->control || account == NULL ||
                   account->page_base[0] == '\0'
               ? SID_E_NOT_FOUND
               : SID_OK;
}

enum sid_err
sid_api_visit_page(struct sid_request *req, const char *name,
                   const char **page) {
    const char *const names[] = {name, NULL};
    enum sid_err err = sid_request_query_only(req, names);
    if (err != SID_OK)
        return err;
    const char *to = sid_request_query(req, name);
    sid_field_set(&req->field, "", name);
    if (to == NULL)
        return SID_E_FIELD_MISSING;
    for (size_t i = 0; i < PAGES_FOR; i++) {
        if (strcmp(to, pages_for[i].name) == 0) {
            req->session.page = (enum sid_session_for)i;
            *page = pages_for[i].name;
            req->field.name[0] = '\0';
            return SID_OK;
        }
    }
    return SID_E_FIELD_INVALID;
}

/* ---- GET …/enter --------------------------------------------------------- */
static enum sid_err
enter_prepare(struct sid_request *req) {
    struct sid_server *server = req->door->server;
    struct sid_address from;
    enum sid_err err = sid_request_source(req, &from);
    const char *page;
    if (err == SID_OK)
        err = sid_api_visit_page(req, "to", &page);
    if (err != SID_OK)
        return err;
    struct sid_page_set *pages = sid_pages_hold(server);
    if (!sid_page_on(pages, pages_for[req->session.page].page))
        err = SID_E_NOT_FOUND;
    else if (!sid_session_applicant_may(
                 server->visits, &from,
                 sid_page_limits(pages).applicant_per_minute,
                 sid_app_now_s(server->app), &req->retry_s))
        err = SID_E_RATE;
    sid_page_set_drop(&pages);
    return err;
}

/* Where WeChat is to ask who this is. */
static enum sid_err
write_location(struct sid_request *req,
               const struct sid_wechat_account *account, const char *state) {
    struct sid_buf back = SID_BUF_EMPTY, url = SID_BUF_EMPTY;
    enum sid_err err = sid_buf_printf(&back, "%s/channels/wechat/%s/oauth%c",
                                      account->page_base, account->name, '\0');
    if (err == SID_OK)
        err = sid_wechat_oauth_url(account->oauth_base, account->app_id,
                                   (const char *)back.ptr, state, &url);
    if (err == SID_OK)
        err = sid_buf_append(&url, "", 1);
    if (err == SID_OK)
        err = sid_text_copy(req->answer.location, sizeof req->answer.location,
                            (const char *)url.ptr);
    sid_buf_free(&back);
    sid_buf_free(&url);
    return err;
}

static enum sid_err
enter_finish(struct sid_request *req) {
    struct sid_server *server = req->door->server;
    size_t index;
    const struct sid_wechat_account *account = sid_request_wechat(req, &index);
    const struct sid_session_times times = {sid_app_now_s(server->app),
                                            VISIT_LIFE_S};
    struct sid_session visit = {.kind = SID_SESSION_APPLICANT,
                                .page = req->session.page,
                                .ends_at_s = times.now_s + VISIT_LIFE_S};
    memcpy(visit.wechat_account, account->name, sizeof account->name);
    char value[SID_SESSION_COOKIE_SIZE] = "", state[SID_CSRF_SIZE];
    enum sid_err err = sid_session_open(server->visits, &visit, &times, value);
    if (err == SID_OK)
        err = sid_session_csrf(value, state);
    if (err == SID_OK)
        err = write_location(req, account, state);
    if (err == SID_OK) {
        /* Lax: it has to come along when WeChat leads back. */
        const struct sid_api_cookie cookie = {
            SID_COOKIE_VISIT, SID_COOKIE_VISIT_TLS, "Lax", value, VISIT_LIFE_S};
        sid_api_set_cookie(req, &cookie);
        req->answer.success = SID_SUCCESS_SEE_OTHER;
    }
    sid_wipe(value, sizeof value);
    return err;
}

const struct sid_handler sid_api_visit_enter = {
    .check = sid_api_visit_check,
    .prepare = enter_prepare,
    .finish = enter_finish,
};

/* ---- GET …/oauth --------------------------------------------------------- */
/* The visit that this browser has set out on, once. False: none, or what comes
 * back is not its. */
static bool
take_visit(struct sid_request *req, const char *account, const char *state) {
    struct sid_server *server = req->door->server;
    const struct sid_session_times times = {sid_app_now_s(server->app),
                                            VISIT_LIFE_S};
    char value[SID_SESSION_COOKIE_SIZE], token[SID_CSRF_SIZE];
    struct sid_session visit;
    const char *name =
        sid_request_tls(req) ? SID_COOKIE_VISIT_TLS : SID_COOKIE_VISIT;
    bool good =
        state != NULL && strlen(state) == SID_CSRF_CHARS &&
        req->head.cookie != NULL &&
        sid_cookie_find(req->head.cookie, name, value) &&
        sid_session_csrf(value, token) == SID_OK &&
        sid_equal_ct(state, token, SID_CSRF_CHARS) &&
        sid_session_find(server->visits, value, &times, &visit) == SID_OK &&
        sid_session_close(server->visits, value) == SID_OK &&
        strcmp(visit.wechat_account, account) == 0;
    if (good)
        req->session.page = visit.page;
    sid_wipe(value, sizeof value);
    return good;
}

/* WeChat may add parameters of its own: those that mean nothing here are not
 * looked at. */
static enum sid_err
back_prepare(struct sid_request *req) {
    struct sid_server *server = req->door->server;
    sid_request_make_flow(req, sizeof req->u.visit);
    struct sid_wechat_visit *visit = &req->u.visit.flow;
    const char *code = sid_request_query(req, "code");
    const struct sid_wechat_account *account =
        sid_request_wechat(req, &visit->account);
    visit->api = sid_wechat_api(server->wechat);
    visit->from = &req->u.visit.from;
    memcpy(visit->whois.account, account->name, sizeof visit->whois.account);
    visit->end = SID_VISIT_AGAIN;
    if (take_visit(req, account->name, sid_request_query(req, "state")) &&
        code != NULL &&
        sid_text_copy(visit->code, sizeof visit->code, code) == SID_OK)
        visit->end = SID_VISIT_KNOWN;
    return sid_request_source(req, &req->u.visit.from);
}

static void
back_start(struct sid_request *req) {
    sid_wechat_visit_start(&req->u.visit.flow);
}

/* Whose session begins: the holder's, or that of somebody who is to become one,
 * or whoever will sign in with a key. */
static enum sid_err
make_session(struct sid_request *req, const char *client) {
    const struct sid_wechat_whois *whois = &req->u.visit.flow.whois;
    struct sid_session *session = &req->session;
    memcpy(session->wechat_account, whois->account, sizeof whois->account);
    memcpy(session->wechat_openid, whois->openid, sizeof whois->openid);
    if (session->page == SID_FOR_SCAN) {
        session->kind = SID_SESSION_VISITOR;
        return SID_OK;
    }
    if (whois->enrolment_id[0] == '\0') {
        session->kind = SID_SESSION_APPLICANT;
        session->page = SID_FOR_ENROLL;
        return sid_text_copy(session->client_id, sizeof session->client_id,
                             client);
    }
    session->kind = SID_SESSION_HOLDER;
    session->page =
        whois->credential_id[0] == '\0' ? SID_FOR_ENROLL : SID_FOR_CARD;
    memcpy(session->enrolment_id, whois->enrolment_id,
           sizeof whois->enrolment_id);
    memcpy(session->credential_id, whois->credential_id,
           sizeof whois->credential_id);
    memcpy(session->holder_hash, whois->holder_hash, sizeof whois->holder_hash);
    return SID_OK;
}

/* Whatever has happened, the answer is a page that says what to do. */
static enum sid_err
back_finish(struct sid_request *req) {
    enum sid_visit_end end = req->u.visit.flow.end;
    char cookie[SID_SESSION_COOKIE_SIZE] = "";
    enum sid_err err = SID_OK;
    if (end == SID_VISIT_KNOWN) {
        size_t index;
        err = make_session(req, sid_request_wechat(req, &index)->client);
        if (err == SID_OK)
            err = sid_api_begin_session(req, cookie);
        sid_wipe(cookie, sizeof cookie);
        if (err == SID_E_QUEUE_FULL) {
            end = SID_VISIT_DOWN;
            err = SID_OK;
        }
    }
    if (err != SID_OK)
        return err;
    const char *why = sid_visit_word(end);
    int n = snprintf(req->answer.location, sizeof req->answer.location,
                     "/%s#wechat%s%s", pages_for[req->session.page].name,
                     why[0] == '\0' ? "" : "=", why);
    SID_ASSERT(n > 0 && (size_t)n < sizeof req->answer.location);
    req->answer.success = SID_SUCCESS_SEE_OTHER;
    return SID_OK;
}

static void
back_fini(struct sid_request *req) {
    sid_wechat_visit_fini(&req->u.visit.flow);
}

const struct sid_handler sid_api_visit_back = {
    .check = sid_api_visit_check,
    .prepare = back_prepare,
    .start = back_start,
    .finish = back_finish,
    .fini = back_fini,
};
