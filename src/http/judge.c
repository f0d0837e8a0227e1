/* judge.c: a ladder of refusals over the head of a request, before a byte of
 * its body is read. io thread of the connection; owns nothing. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "request.h"
#include "route.h"
#include "server_priv.h"
#include "smartid/flow_enrol.h"
#include "upload.h"

static enum sid_method
method_of(const char *text) {
    if (strcmp(text, "GET") == 0)
        return SID_METHOD_GET;
    if (strcmp(text, "POST") == 0)
        return SID_METHOD_POST;
    if (strcmp(text, "DELETE") == 0)
        return SID_METHOD_DELETE;
    return strcmp(text, "HEAD") == 0 ? SID_METHOD_HEAD : SID_METHOD_OTHER;
}

/* The segments of the path that are names; a name that cannot exist is kept
 * empty and refused after the key. */
static void
take_segments(struct sid_request *req, const struct sid_path *path) {
    if (path->id_len == SID_ID_CHARS) {
        char id[SID_ID_SIZE];
        memcpy(id, path->id, SID_ID_CHARS);
        id[SID_ID_CHARS] = '\0';
        if (sid_id_valid(req->route->id_prefix, id))
            memcpy(req->id, id, sizeof id);
    }
    req->account = path->account;
    req->account_len = path->account_len;
    if (path->photo_len > 0)
        req->photo = sid_photo_kind_parse(path->photo, path->photo_len);
}

/* On the control socket, being able to connect as this user or as root is the
 * authority. */
static enum sid_err
judge_peer(struct sid_request *req) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        req->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    SID_ASSERT(info != NULL);
    struct ucred peer = {.uid = (uid_t)-1}; /* nobody, when it does not say */
    socklen_t size = sizeof peer;
    (void)getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
    if (peer.uid != geteuid() && peer.uid != 0)
        return SID_E_FORBIDDEN;
    req->caller.role = SID_ROLE_ADMIN;
    memcpy(req->caller.client_id, "control", sizeof "control");
    return SID_OK;
}

/* Whoever shows nothing is not told more and leaves no record. A key comes
 * before a session. */
static enum sid_err
judge_key(struct sid_request *req, struct sid_attempt *attempt) {
    if (req->head.authorization == NULL)
        return sid_session_judge(req, attempt);
    if (!sid_bearer_parse(req->head.authorization, &attempt->key,
                          &attempt->key_len))
        attempt->key = NULL;
    return sid_app_authenticate(req->door->server->app, attempt, &req->caller,
                                &req->retry_s);
}

static enum sid_err
judge_caller(struct sid_request *req) {
    struct sid_app *app = req->door->server->app;
    struct sid_attempt attempt = {.route = req->route->pattern};
    struct sid_address source;
    if (req->door->control && judge_peer(req) != SID_OK)
        return sid_app_forbid(app, &attempt, &req->caller, &req->retry_s);
    if (sid_route_open(req->route))
        return SID_OK;
    if (!req->door->control) {
        enum sid_err err = sid_request_source(req, &source);
        if (err != SID_OK)
            return err;
        attempt.from = &source;
        err =
            sid_app_knows_clients(app) ? judge_key(req, &attempt) : SID_E_STORE;
        if (err != SID_OK)
            return err;
    }
    /* An applicant acts for the page's client, but may do less. */
    unsigned who = req->session.kind == SID_SESSION_APPLICANT
                       ? SID_ROUTE_APPLICANT
                       : (unsigned)req->caller.role;
    if (req->door->control)
        who |= SID_ROUTE_CONTROL;
    if (sid_route_allows(req->route, who))
        return sid_app_within_quota(app, &req->caller, &req->retry_s);
    return sid_app_forbid(app, &attempt, &req->caller, &req->retry_s);
}

/* Whether this request has a body of parts, and of what. An officer who
 * recovers sends no photos. */
static bool
upload_of(const struct sid_request *req, enum sid_upload_of *out) {
    enum sid_body_kind kind = req->route->body;
    *out = kind == SID_BODY_APPEAL     ? SID_UPLOAD_APPEAL
           : kind == SID_BODY_RECOVERY ? SID_UPLOAD_RECOVERY
           : kind == SID_BODY_NUMBER   ? SID_UPLOAD_NUMBER
           : kind == SID_BODY_FACE     ? SID_UPLOAD_FACE
                                       : SID_UPLOAD_ENROLMENT;
    return kind == SID_BODY_MULTIPART || kind == SID_BODY_APPEAL ||
           kind == SID_BODY_FACE || kind == SID_BODY_NUMBER ||
           (kind == SID_BODY_RECOVERY && req->caller.role != SID_ROLE_OFFICER);
}

static enum sid_err
judge_body(struct sid_request *req) {
    const struct sid_head *head = &req->head;
    enum sid_body_kind kind = req->route->body;
    bool has_body = req->content_length > 0 || head->transfer_encoding != NULL;
    if (kind == SID_BODY_NONE)
        return has_body ? SID_E_BAD_REQUEST : SID_OK;
    if (kind == SID_BODY_NOTHING && !has_body)
        return SID_OK;
    enum sid_upload_of of;
    bool multipart = upload_of(req, &of);
    bool push = kind == SID_BODY_PUSH;
    if (!multipart && !push &&
        (head->content_type == NULL ||
         !sid_media_type_is(head->content_type, "application/json")))
        return SID_E_MEDIA_TYPE;
    char boundary[SID_BOUNDARY_SIZE];
    req->body_max_bytes =
        push ? SID_WECHAT_BODY_MAX_BYTES : SID_JSON_BODY_MAX_BYTES;
    if (multipart) {
        if (head->content_type == NULL)
            return SID_E_MEDIA_TYPE;
        enum sid_err err = sid_boundary_parse(head->content_type, boundary);
        if (err != SID_OK)
            return err;
        struct sid_config config;
        sid_app_config(req->door->server->app, &config);
        req->photo_max_bytes = (uint64_t)config.photo_max_bytes;
        req->body_max_bytes = (uint64_t)sid_config_upload_max_bytes(&config);
    }
    if (head->content_length == NULL)
        return SID_E_LENGTH_REQUIRED;
    if (req->content_length > req->body_max_bytes)
        return SID_E_BODY_TOO_LARGE;
    if (!multipart)
        return SID_OK;
    return sid_upload_new(boundary, of, (size_t)req->photo_max_bytes,
                          (size_t)req->content_length, &req->field,
                          &req->upload);
}

const struct sid_wechat_account *
sid_request_wechat(const struct sid_request *req, size_t *index) {
    const struct sid_wechat *wechat = req->door->server->wechat;
    return sid_wechat_find(wechat, req->account, req->account_len, index)
               ? sid_wechat_account(wechat, *index)
               : NULL;
}

enum sid_err
sid_request_judge(struct sid_request *req, const char *url, const char *method,
                  const char *version) {
    enum sid_err err = sid_head_read(req, method, url, version);
    if (err != SID_OK)
        return err;
    req->method = method_of(method);
    req->path = url;
    struct sid_path path;
    err = sid_route_find(req->method, url, &req->route, &path, &req->allow);
    if (err != SID_OK)
        return err;
    take_segments(req, &path);
    err = judge_caller(req);
    if (err != SID_OK)
        return err;
    if (req->has_query && !req->route->query)
        return SID_E_BAD_REQUEST;
    if (req->route->id_prefix != NULL && req->id[0] == '\0')
        return SID_E_NOT_FOUND;
    err = judge_body(req);
    if (err != SID_OK)
        return err;
    return req->route->handler->check == NULL ? SID_OK
                                              : req->route->handler->check(req);
}
