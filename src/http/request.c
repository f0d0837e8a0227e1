/* request.c: the life of a request and its hand-overs between io thread and
 * flow. The functions run on the io thread of the connection, except
 * flow_done(), which the flow calls on its own thread. Owns the requests. */
#include "request.h"

#include <stdlib.h>
#include <string.h>

#include "page_files.h"
#include "route.h"
#include "server_priv.h"
#include "smartid/clock.h"
#include "smartid/log.h"
#include "smartid/metrics.h"
#include "upload.h"

/* A refused body up to this size is read to its end before the answer, which
 * keeps the connection alive. Own choice: one buffer of a connection. */
#define SWALLOW_MAX_BYTES 65536
/* Ended requests that a door keeps. Own choice: some 400 KiB. */
#define SPARES_MAX 64u

/* A request is larger than what malloc has at hand. */
static struct sid_request *
take_spare(struct sid_door *door) {
    struct sid_request *req = door->spare;
    if (req != NULL) {
        door->spare = req->next_back;
        door->spares--;
    }
    return req;
}

static void
give_spare(struct sid_request *req) {
    struct sid_door *door = req->door;
    if (door->spares >= SPARES_MAX) {
        free(req);
        return;
    }
    req->next_back = door->spare;
    door->spare = req;
    door->spares++;
}

void
sid_request_free_spares(struct sid_door *door) {
    for (struct sid_request *req; (req = take_spare(door)) != NULL;)
        free(req);
}

void *
sid_request_begin(void *cls, const char *uri,
                  struct MHD_Connection *connection) {
    struct sid_request *req = take_spare(cls);
    if (req == NULL)
        req = malloc(sizeof *req);
    if (req == NULL)
        return NULL; /* the next callback closes the connection */
    memset(req, 0, offsetof(struct sid_request, u));
    req->door = cls;
    req->connection = connection;
    atomic_init(&req->owner, SID_OWNER_IO);
    req->stage = SID_STAGE_LINE;
    req->started_us = sid_mono_us();
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    req->guest = info == NULL ? NULL : info->socket_context;
    req->photo = SID_PHOTO_NONE;
    req->method = SID_METHOD_OTHER;
    req->uri_clean = sid_uri_clean(uri, &req->has_query);
    return req;
}

void
sid_request_make_flow(struct sid_request *req, size_t size) {
    SID_ASSERT(size > 0 && size <= sizeof req->u && req->flow_bytes == 0);
    memset(&req->u, 0, size);
    req->flow_bytes = size;
}

/* What the client is waited for from now on, and for how long. */
static void
enter_phase(struct sid_request *req, enum sid_phase phase) {
    const struct sid_server *server = req->door->server;
    int64_t limit_us = phase == SID_PHASE_HEAD ? server->idle_timeout_us
                                               : server->body_timeout_us;
    sid_guest_phase(req->guest, phase, sid_mono_us() + limit_us);
}

/* A place in the queue, and room, that no flow has taken over. */
static void
give_place_back(struct sid_request *req) {
    if (req->has_place)
        sid_enrol_release(req->door->server->app, req->content_length);
    req->has_place = false;
}

/* The flow has ended, on whatever thread. After it is given back the request
 * may be gone, and after the count the server. */
static void
flow_done(struct sid_flow *flow) {
    struct sid_request *req =
        (struct sid_request *)(void *)((char *)flow -
                                       offsetof(struct sid_request, u));
    struct sid_server *server = req->door->server;
    int owner = atomic_exchange(&req->owner, SID_OWNER_IO);
    SID_ASSERT(owner == SID_OWNER_FLOW);
    sid_loop_give_back(&req->door->loop, req);
    atomic_fetch_sub(&server->in_flow, 1);
}

/* Suspend first, start after: the flow may end before start has returned.
 * Source: reliability.md 3.5, architecture.md section 3. */
static void
hand_to_flow(struct sid_request *req) {
    struct sid_server *server = req->door->server;
    req->u.flow.app = server->app;
    req->u.flow.caller = req->caller;
    req->u.flow.done = flow_done;
    req->stage = SID_STAGE_FLOW;
    req->counted = true;
    atomic_fetch_add(&server->in_flow, 1);
    atomic_fetch_add(&server->unanswered, 1);
    enter_phase(req, SID_PHASE_WORK);
    MHD_suspend_connection(req->connection);
    int owner = atomic_exchange(&req->owner, SID_OWNER_FLOW);
    SID_ASSERT(owner == SID_OWNER_IO);
    req->route->handler->start(req);
}

static enum MHD_Result
finish(struct sid_request *req) {
    enum sid_err err = req->route->handler->finish(req);
    return sid_reply(req, err);
}

static enum MHD_Result
refuse_flow(struct sid_request *req) {
    const struct sid_flow *flow = &req->u.flow;
    if (flow->field != NULL)
        sid_field_set(&req->field, "", flow->field);
    req->retry_s = flow->retry_after_s;
    return sid_reply(req, flow->err);
}

static enum sid_err
prepare(struct sid_request *req) {
    if (req->upload != NULL) {
        enum sid_err err = sid_upload_finish(req->upload);
        if (err != SID_OK)
            return err;
    }
    return req->route->handler->prepare(req);
}

/* A body may have taken its time: a key that was good when it began is worth
 * nothing once it is revoked. */
static bool
is_revoked(const struct sid_request *req) {
    return req->caller.key != NULL && atomic_load(&req->caller.key->revoked);
}

/* Head and body are here. */
static enum MHD_Result
step_complete(struct sid_request *req) {
    enum sid_err err = is_revoked(req) ? SID_E_UNAUTHENTICATED : prepare(req);
    sid_buf_clear(&req->body);
    if (err != SID_OK) {
        give_place_back(req);
        return sid_reply(req, err);
    }
    if (req->route->handler->start == NULL)
        return finish(req);
    hand_to_flow(req);
    return MHD_YES;
}

static enum MHD_Result
step_head(struct sid_request *req, const char *url, const char *method,
          const char *version) {
    enum sid_err err = sid_request_judge(req, url, method, version);
    enter_phase(req, SID_PHASE_BODY);
    if (err == SID_OK) {
        req->stage = SID_STAGE_BODY;
        return MHD_YES;
    }
    req->refusal = err;
    const struct sid_head *head = &req->head;
    bool has_body = req->content_length > 0 || head->transfer_encoding != NULL;
    /* A head with two meanings ends the connection, whatever its body. */
    bool two_meanings =
        head->broken || !req->uri_clean || head->transfer_encoding != NULL;
    if (!two_meanings &&
        (!has_body ||
         (req->content_length <= SWALLOW_MAX_BYTES && !head->expects))) {
        req->stage = SID_STAGE_DISCARD;
        return MHD_YES;
    }
    req->cut_body = has_body;
    return sid_reply(req, err);
}

static void
refuse_body(struct sid_request *req, enum sid_err err) {
    /* No answer can be queued while a body arrives. */
    req->refusal = err;
    req->stage = SID_STAGE_DISCARD;
    sid_upload_free(&req->upload);
    sid_buf_free(&req->body);
    give_place_back(req);
}

static enum MHD_Result
step_body(struct sid_request *req, const char *data, size_t len) {
    req->body_seen += len;
    sid_guest_step(req->guest);
    if (req->stage == SID_STAGE_DISCARD)
        return MHD_YES;
    enum sid_err err = SID_OK;
    if (req->upload != NULL) {
        err = sid_upload_feed(req->upload, data, len);
    } else {
        err = sid_buf_reserve(&req->body, (size_t)req->content_length);
        if (err == SID_OK)
            err = sid_buf_append(&req->body, data, len);
    }
    if (err != SID_OK)
        refuse_body(req, err);
    return MHD_YES;
}

/* What follows the head. */
static enum MHD_Result
step_on(struct sid_request *req, const char *data, size_t len) {
    switch (req->stage) {
    case SID_STAGE_BODY:
        return len > 0 ? step_body(req, data, len) : step_complete(req);
    case SID_STAGE_DISCARD:
        return len > 0 ? step_body(req, data, len)
                       : sid_reply(req, req->refusal);
    case SID_STAGE_FLOW:
        return req->u.flow.err == SID_OK ? finish(req) : refuse_flow(req);
    case SID_STAGE_LINE:
    case SID_STAGE_ANSWERED:
        break;
    }
    return MHD_YES;
}

enum MHD_Result
sid_request_step(void *cls, struct MHD_Connection *connection, const char *url,
                 const char *method, const char *version,
                 const char *upload_data, size_t *upload_data_size,
                 void **req_cls) {
    (void)cls;
    struct sid_request *req = *req_cls;
    if (req == NULL)
        return MHD_NO;
    SID_ASSERT(atomic_load(&req->owner) == SID_OWNER_IO &&
               req->connection == connection);
    size_t len = *upload_data_size;
    *upload_data_size = 0;
    enum MHD_Result result = req->stage == SID_STAGE_LINE
                                 ? step_head(req, url, method, version)
                                 : step_on(req, upload_data, len);
    if (req->stage == SID_STAGE_ANSWERED)
        enter_phase(req, SID_PHASE_ANSWER);
    return result;
}

static const char *
client_of(const struct sid_request *req) {
    if (req->caller.client_id[0] != '\0')
        return req->caller.client_id;
    return req->caller.role == SID_ROLE_HOLDER ? "holder" : "-";
}

static void
log_end(const struct sid_request *req, enum MHD_RequestTerminationCode why) {
    static const char *const methods[] = {"GET", "HEAD", "POST", "DELETE",
                                          "other"};
    int64_t took_us = sid_mono_us() - req->started_us;
    sid_histogram_observe_us(SID_H_HTTP, took_us);
    /* The pattern and never the path; the client's id and never its key. */
    sid_log(SID_LOG_INFO, "request", SID_S("method", methods[req->method]),
            SID_S("route", req->route == NULL ? "-" : req->route->pattern),
            SID_N("status", req->status), SID_N("us", took_us),
            SID_S("request_id", req->request_id),
            SID_S("client", client_of(req)),
            SID_S("end", why == MHD_REQUEST_TERMINATED_COMPLETED_OK ? "complete"
                                                                    : "cut"));
}

void
sid_request_end(void *cls, struct MHD_Connection *connection, void **req_cls,
                enum MHD_RequestTerminationCode why) {
    (void)cls;
    struct sid_request *req = *req_cls;
    if (req == NULL)
        return;
    *req_cls = NULL;
    SID_ASSERT(atomic_load(&req->owner) == SID_OWNER_IO);
    struct sid_server *server = req->door->server;
    if (req->cut_body && req->status != 0) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(
            connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        if (info != NULL)
            sid_linger_add(server->linger, info->connect_fd);
    }
    enter_phase(req, SID_PHASE_HEAD);
    if (req->stage != SID_STAGE_LINE)
        log_end(req, why);
    if (req->flow_bytes > 0 && req->route->handler->fini != NULL)
        req->route->handler->fini(req);
    give_place_back(req);
    sid_upload_free(&req->upload);
    sid_buf_free(&req->body);
    sid_buf_free(&req->answer.body);
    sid_page_set_drop(&req->pages);
    sid_reply_forget(&req->secret_response);
    if (req->counted)
        atomic_fetch_sub(&server->unanswered, 1);
    /* Reasons and counters are what somebody has written about a person. */
    sid_wipe(&req->u, req->flow_bytes);
    sid_wipe(&req->session, sizeof req->session);
    sid_wipe(req->answer.cookie, sizeof req->answer.cookie);
    give_spare(req);
    sid_wipe_stack();
}

const char *
sid_request_query(struct sid_request *req, const char *name) {
    return MHD_lookup_connection_value(req->connection, MHD_GET_ARGUMENT_KIND,
                                       name);
}

struct query_check {
    struct sid_request *req;
    const char *const *names;
    unsigned seen;
    enum sid_err err;
};

static enum MHD_Result
check_parameter(void *cls, enum MHD_ValueKind kind, const char *key,
                const char *value) {
    (void)kind;
    struct query_check *check = cls;
    size_t i = 0;
    while (check->names[i] != NULL && strcmp(check->names[i], key) != 0)
        i++;
    if (check->names[i] == NULL)
        check->err = SID_E_FIELD_UNKNOWN;
    else if (value == NULL || (check->seen & 1u << i) != 0)
        check->err = SID_E_FIELD_INVALID;
    if (check->err != SID_OK) {
        sid_field_set_foreign(&check->req->field, "", key);
        return MHD_NO;
    }
    check->seen |= 1u << i;
    return MHD_YES;
}

enum sid_err
sid_request_query_only(struct sid_request *req, const char *const *names) {
    struct query_check check = {.req = req, .names = names};
    (void)MHD_get_connection_values(req->connection, MHD_GET_ARGUMENT_KIND,
                                    check_parameter, &check);
    return check.err;
}

enum sid_err
sid_request_page(struct sid_request *req, const char *prefix,
                 char after[SID_ID_SIZE], int *limit) {
    const char *from = sid_request_query(req, "after");
    const char *many = sid_request_query(req, "limit");
    sid_field_set(&req->field, "", "after");
    if (from != NULL && !sid_id_valid(prefix, from))
        return SID_E_FIELD_INVALID;
    after[0] = '\0';
    if (from != NULL)
        memcpy(after, from, SID_ID_SIZE);
    *limit = many == NULL ? SID_PAGE_MAX : sid_number_parse(many, SID_PAGE_MAX);
    sid_field_set(&req->field, "", "limit");
    if (*limit == 0)
        return SID_E_FIELD_INVALID;
    req->field.name[0] = '\0';
    return SID_OK;
}
