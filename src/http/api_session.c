/* api_session.c: signing in on a page with a key, or as somebody who enrols;
 * who is signed in; signing out. io thread of the connection; the flow belongs
 * to the request. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api.h"
#include "cookie.h"
#include "page.h"
#include "server_priv.h"
#include "smartid/metrics.h"

#define KEY_TEXT_SIZE 128
#define PAGE_SIZE 16

void
sid_api_set_cookie(struct sid_request *req,
                   const struct sid_api_cookie *cookie) {
    bool tls = sid_request_tls(req);
    int n =
        snprintf(req->answer.cookie, SID_COOKIE_LINE_SIZE,
                 "%s=%s; Path=/; HttpOnly; SameSite=%s; Max-Age=%" PRId64 "%s",
                 tls ? cookie->name_tls : cookie->name, cookie->value,
                 cookie->same_site, cookie->life_s, tls ? "; Secure" : "");
    SID_ASSERT(n > 0 && n < SID_COOKIE_LINE_SIZE);
}

static void
set_cookie(struct sid_request *req, const char *value, int64_t life_s) {
    const struct sid_api_cookie cookie = {SID_COOKIE_NAME, SID_COOKIE_NAME_TLS,
                                          "Strict", value, life_s};
    sid_api_set_cookie(req, &cookie);
}

static void
write_purpose(struct sid_json *json, const struct sid_purpose *purpose) {
    sid_json_open(json, NULL, '{');
    sid_json_string(json, "name", purpose->name);
    sid_json_open(json, "tells", '[');
    for (int i = 0; i < SID_ATTRIBUTE_COUNT; i++) {
        if ((purpose->attributes & 1u << i) != 0)
            sid_json_string(json, NULL,
                            sid_attribute_name((enum sid_attribute)i));
    }
    sid_json_close(json, ']');
    sid_json_string(json, "code", purpose->live_required ? "live" : "any");
    sid_json_string(json, "assurance", sid_assurance_name(purpose->assurance));
    sid_json_bool(json, "counter", purpose->counter_required);
    sid_json_bool(json, "portrait",
                  (purpose->attributes & SID_ATTR_PORTRAIT) != 0);
    sid_json_bool(json, "face", purpose->face_required);
    sid_json_close(json, '}');
}

static bool
is_applicant(const struct sid_request *req) {
    return req->session.kind == SID_SESSION_APPLICANT;
}

static const char *
role_name(const struct sid_request *req) {
    if (req->session.kind == SID_SESSION_VISITOR)
        return "visitor";
    return is_applicant(req) ? "applicant" : sid_role_name(req->caller.role);
}

/* What a page has to know about who uses it. */
static enum sid_err
write_session(struct sid_request *req, const char *cookie) {
    const struct sid_caller *caller = &req->caller;
    const struct sid_session *session = &req->session;
    const struct sid_purposes *set = caller->purpose_set;
    struct sid_page_set *pages = sid_pages_hold(req->door->server);
    const struct sid_page_limits limits = sid_page_limits(pages);
    sid_page_set_drop(&pages);
    char token[SID_CSRF_SIZE];
    enum sid_err err = sid_session_csrf(cookie, token);
    if (err != SID_OK)
        return err;
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_json_string(&json, "role", role_name(req));
    sid_json_string(&json, "csrf_token", token);
    sid_json_time(&json, "expires_at", req->session.ends_at_s);
    sid_json_int(&json, "idle_s", limits.session_idle_s);
    sid_json_open(&json, "purposes", '[');
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        if ((caller->purposes & sid_purposes_bit(set, &set->item[i])) != 0)
            write_purpose(&json, &set->item[i]);
    }
    sid_json_close(&json, ']');
    if (session->enrolment_id[0] != '\0')
        sid_json_string(&json, "enrollment_id", session->enrolment_id);
    if (session->credential_id[0] != '\0')
        sid_json_string(&json, "credential_id", session->credential_id);
    if (session->wechat_account[0] != '\0')
        sid_json_string(&json, "wechat", session->wechat_account);
    sid_json_close(&json, '}');
    sid_wipe(token, sizeof token);
    return json.err;
}

/* There are no pages on the control socket. */
static enum sid_err
check_source(struct sid_request *req, struct sid_address *out) {
    if (req->door->control)
        return SID_E_NOT_FOUND;
    return sid_request_source(req, out);
}

/* ---- POST /v1/sessions --------------------------------------------------- */
static enum sid_err
open_check(struct sid_request *req) {
    struct sid_address from;
    enum sid_err err = check_source(req, &from);
    return err == SID_OK ? sid_session_judge_origin(req) : err;
}

/* Which page a role works on; SID_PAGE_COUNT: none. */
static enum sid_page
page_of_role(enum sid_role role) {
    if (role == SID_ROLE_CLERK)
        return SID_PAGE_SCAN;
    return role == SID_ROLE_OFFICER || role == SID_ROLE_ADMIN ? SID_PAGE_CONSOLE
                                                              : SID_PAGE_COUNT;
}

static enum sid_err
open_with_key(struct sid_request *req, const struct sid_page_set *pages,
              struct sid_attempt *attempt) {
    struct sid_app *app = req->door->server->app;
    if (!sid_page_on(pages, SID_PAGE_SCAN) &&
        !sid_page_on(pages, SID_PAGE_CONSOLE))
        return SID_E_NOT_FOUND;
    enum sid_err err =
        sid_app_authenticate(app, attempt, &req->caller, &req->retry_s);
    if (err != SID_OK)
        return err;
    enum sid_page page = page_of_role(req->caller.role);
    if (page == SID_PAGE_COUNT || !sid_page_on(pages, page))
        return sid_app_forbid(app, attempt, &req->caller, &req->retry_s);
    return sid_app_within_quota(app, &req->caller, &req->retry_s);
}

/* The session that the browser has already; false: none. */
static bool
find_before(const struct sid_request *req, struct sid_session *out) {
    struct sid_server *server = req->door->server;
    struct sid_page_set *pages = sid_pages_hold(server);
    const struct sid_session_times times = {
        sid_app_now_s(server->app), sid_page_limits(pages).session_idle_s};
    sid_page_set_drop(&pages);
    char cookie[SID_SESSION_COOKIE_SIZE];
    bool found =
        sid_session_cookie(req, cookie) &&
        sid_session_find(server->sessions, cookie, &times, out) == SID_OK;
    sid_wipe(cookie, sizeof cookie);
    return found;
}

static void
keep_chat(struct sid_request *req, const struct sid_session *before) {
    memcpy(req->session.wechat_account, before->wechat_account,
           sizeof before->wechat_account);
    memcpy(req->session.wechat_openid, before->wechat_openid,
           sizeof before->wechat_openid);
}

/* Who came out of a chat, and has no card there, goes on as who they are there,
 * for the account's client. NULL: it is not so. */
static const char *
take_chat(struct sid_request *req) {
    struct sid_wechat *wechat = req->door->server->wechat;
    struct sid_session before = {.wechat_openid = ""};
    const char *client = NULL;
    size_t account;
    if (find_before(req, &before) && before.credential_id[0] == '\0' &&
        (before.kind == SID_SESSION_APPLICANT ||
         before.kind == SID_SESSION_HOLDER) &&
        sid_wechat_find(wechat, before.wechat_account,
                        strlen(before.wechat_account), &account)) {
        keep_chat(req, &before);
        client = sid_wechat_account(wechat, account)->client;
    }
    sid_wipe(&before, sizeof before);
    return client;
}

/* Somebody of whom nothing is known acts for the page's client. */
static enum sid_err
open_page(struct sid_request *req, const struct sid_page_set *pages,
          const struct sid_attempt *attempt) {
    struct sid_server *server = req->door->server;
    if (!sid_page_on(pages, SID_PAGE_ENROLL))
        return SID_E_NOT_FOUND;
    if (!sid_session_applicant_may(server->sessions, attempt->from,
                                   sid_page_limits(pages).applicant_per_minute,
                                   sid_app_now_s(server->app), &req->retry_s))
        return SID_E_RATE;
    const char *client = take_chat(req);
    enum sid_err err = sid_app_resume(
        server->app, attempt, client != NULL ? client : sid_page_client(pages),
        true, &req->caller, &req->retry_s);
    req->session.kind = SID_SESSION_APPLICANT;
    /* Not the asker's fault: the page's own key is not good any more. */
    return err == SID_E_UNAUTHENTICATED ? SID_E_FORBIDDEN : err;
}

/* Either a key or the name of a page. */
static enum sid_err
read_open(const json_t *body, char key[KEY_TEXT_SIZE], char page[PAGE_SIZE],
          struct sid_field *field) {
    static const char *const names[] = {"key", "page", NULL};
    enum sid_err err = sid_json_only(body, "", names, field);
    if (err == SID_OK)
        err = sid_json_get_text(
            body,
            &(struct sid_json_text){
                .path = "", .name = "key", .optional = true, .trim = true},
            key, KEY_TEXT_SIZE, field);
    if (err == SID_OK)
        err =
            sid_json_get_text(body,
                              &(struct sid_json_text){
                                  .path = "", .name = "page", .optional = true},
                              page, PAGE_SIZE, field);
    if (err != SID_OK)
        return err;
    sid_field_set(field, "", page[0] == '\0' ? "key" : "page");
    if (key[0] == '\0' && page[0] == '\0')
        return SID_E_FIELD_MISSING;
    if (page[0] != '\0' && (key[0] != '\0' || strcmp(page, "enroll") != 0))
        return SID_E_FIELD_INVALID;
    field->name[0] = '\0';
    return SID_OK;
}

static enum sid_err
open_prepare(struct sid_request *req) {
    char key[KEY_TEXT_SIZE] = "", page[PAGE_SIZE] = "";
    json_t *body = NULL;
    sid_request_make_flow(req, sizeof req->u.session);
    struct sid_session_note *note = &req->u.session.flow;
    struct sid_page_set *pages = NULL;
    enum sid_err err = sid_json_parse(sid_buf_span(&req->body), &body);
    if (err != SID_OK)
        return err;
    err = read_open(body, key, page, &req->field);
    json_decref(body);
    if (err == SID_OK)
        err = check_source(req, &req->u.session.from);
    if (err != SID_OK)
        goto out;
    struct sid_attempt attempt = {.key = key,
                                  .key_len = strlen(key),
                                  .from = &req->u.session.from,
                                  .route = req->route->pattern};
    pages = sid_pages_hold(req->door->server);
    err = key[0] != '\0' ? open_with_key(req, pages, &attempt)
                         : open_page(req, pages, &attempt);
    note->quiet = is_applicant(req);
    note->from = &req->u.session.from;
out:
    sid_page_set_drop(&pages);
    sid_wipe(key, sizeof key);
    return err;
}

static void
note_start(struct sid_request *req) {
    sid_session_note_start(&req->u.session.flow);
}

enum sid_err
sid_api_begin_session(struct sid_request *req,
                      char cookie[SID_SESSION_COOKIE_SIZE]) {
    static const enum sid_metric by[] = {
        [SID_SESSION_KEY] = SID_M_SESSIONS_KEY,
        [SID_SESSION_APPLICANT] = SID_M_SESSIONS_APPLICANT,
        [SID_SESSION_HOLDER] = SID_M_SESSIONS_HOLDER,
        [SID_SESSION_VISITOR] = SID_M_SESSIONS_VISITOR,
    };
    struct sid_server *server = req->door->server;
    struct sid_page_set *pages = sid_pages_hold(server);
    const struct sid_page_limits limits = sid_page_limits(pages);
    sid_page_set_drop(&pages);
    const struct sid_session_times times = {sid_app_now_s(server->app),
                                            limits.session_idle_s};
    req->session.ends_at_s = times.now_s + limits.session_life_s;
    enum sid_err err =
        sid_session_open(server->sessions, &req->session, &times, cookie);
    if (err != SID_OK)
        return err;
    sid_metric_add(by[req->session.kind], 1);
    set_cookie(req, cookie, limits.session_life_s);
    return SID_OK;
}

/* The session begins once it is written down. */
static enum sid_err
open_finish(struct sid_request *req) {
    char cookie[SID_SESSION_COOKIE_SIZE];
    struct sid_session before = {.wechat_openid = ""};
    memcpy(req->session.client_id, req->caller.client_id,
           sizeof req->session.client_id);
    /* Who came out of a chat and signs in with a key is still the same person.
     */
    if (!is_applicant(req) && find_before(req, &before))
        keep_chat(req, &before);
    sid_wipe(&before, sizeof before);
    enum sid_err err = sid_api_begin_session(req, cookie);
    if (err != SID_OK)
        return err;
    err = write_session(req, cookie);
    sid_wipe(cookie, sizeof cookie);
    req->answer.success = SID_SUCCESS_CREATED;
    return err;
}

const struct sid_handler sid_api_session_open = {
    .check = open_check,
    .prepare = open_prepare,
    .start = note_start,
    .finish = open_finish,
};

/* ---- GET /v1/sessions ---------------------------------------------------- */
/* Everybody may ask: who has no session is told so. */
static enum sid_err
judge(struct sid_request *req) {
    struct sid_address from;
    enum sid_err err = check_source(req, &from);
    if (err != SID_OK)
        return err;
    const struct sid_attempt attempt = {.from = &from,
                                        .route = req->route->pattern};
    return req->head.authorization == NULL ? sid_session_judge(req, &attempt)
                                           : SID_E_UNAUTHENTICATED;
}

static enum sid_err
get_prepare(struct sid_request *req) {
    (void)req;
    return SID_OK;
}

static enum sid_err
get_finish(struct sid_request *req) {
    char cookie[SID_SESSION_COOKIE_SIZE];
    if (!sid_session_cookie(req, cookie))
        return SID_E_UNAUTHENTICATED;
    enum sid_err err = write_session(req, cookie);
    sid_wipe(cookie, sizeof cookie);
    return err;
}

const struct sid_handler sid_api_session_get = {
    .check = judge,
    .prepare = get_prepare,
    .finish = get_finish,
};

/* ---- DELETE /v1/sessions ------------------------------------------------- */
/* Who has none is signed out already. */
static enum sid_err
close_check(struct sid_request *req) {
    enum sid_err err = judge(req);
    return err == SID_E_UNAUTHENTICATED ? SID_OK : err;
}

static enum sid_err
close_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.session);
    struct sid_session_note *note = &req->u.session.flow;
    note->closed = true;
    note->quiet = req->session.ends_at_s == 0 || is_applicant(req);
    note->from = &req->u.session.from;
    enum sid_err err = sid_api_nothing(req);
    return err == SID_OK ? check_source(req, &req->u.session.from) : err;
}

static enum sid_err
close_finish(struct sid_request *req) {
    char cookie[SID_SESSION_COOKIE_SIZE];
    enum sid_err err = SID_OK;
    if (req->session.ends_at_s != 0 && sid_session_cookie(req, cookie))
        err = sid_session_close(req->door->server->sessions, cookie);
    sid_wipe(cookie, sizeof cookie);
    set_cookie(req, "", 0);
    req->answer.success = SID_SUCCESS_NO_CONTENT;
    return err;
}

const struct sid_handler sid_api_session_close = {
    .check = close_check,
    .prepare = close_prepare,
    .start = note_start,
    .finish = close_finish,
};
