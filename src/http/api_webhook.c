/* api_webhook.c: how the app's backend is being told what happens, for admins
 * and smartidctl. io thread of the connection; flows belong to the request. */
#include <string.h>

#include "api.h"
#include "server_priv.h"

/* ---- GET /v1/webhook ----------------------------------------------------- */
static enum sid_err
look_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.webhook_look);
    return SID_OK;
}

static void
look_start(struct sid_request *req) {
    sid_webhook_look_start(&req->u.webhook_look);
}

static void
write_refused(struct sid_json *json, const struct sid_dead_event *event) {
    sid_json_open(json, NULL, '{');
    sid_json_int(json, "seq", event->seq);
    sid_json_string(json, "id", event->id);
    sid_json_string(json, "type", event->type);
    sid_json_int(json, "tries", event->tries);
    sid_json_time(json, "tried_at", event->tried_at_s);
    sid_json_string(json, "why", event->why);
    sid_json_bool(json, "replayed", event->again);
    sid_json_close(json, '}');
}

static enum sid_err
look_finish(struct sid_request *req) {
    const struct sid_webhook_look *look = &req->u.webhook_look;
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_json_string(&json, "url", look->url);
    sid_json_int(&json, "behind_s", look->behind_s);
    if (look->state.ok_at_s != 0)
        sid_json_time(&json, "taken_at", look->state.ok_at_s);
    if (look->state.tried_at_s != 0) {
        sid_json_time(&json, "failed_at", look->state.tried_at_s);
        sid_json_string(&json, "why", look->state.why);
    }
    sid_json_int(&json, "refused", look->dead);
    sid_json_open(&json, "refused_events", '[');
    for (int i = 0; i < look->count; i++)
        write_refused(&json, &look->rows[i]);
    sid_json_close(&json, ']');
    sid_json_close(&json, '}');
    return json.err;
}

static void
look_fini(struct sid_request *req) {
    sid_webhook_look_fini(&req->u.webhook_look);
}

const struct sid_handler sid_api_webhook_look = {
    .prepare = look_prepare,
    .start = look_start,
    .finish = look_finish,
    .fini = look_fini,
};

/* ---- POST /v1/webhook/replay --------------------------------------------- */
static enum sid_err
read_replay(const json_t *body, struct sid_webhook_replay *replay,
            struct sid_field *field) {
    static const char *const names[] = {"seq", NULL};
    enum sid_err err = sid_json_only(body, "", names, field);
    if (err != SID_OK)
        return err;
    const json_t *seq = json_object_get(body, "seq");
    if (seq == NULL)
        return SID_OK;
    replay->seq = json_integer_value(seq);
    if (json_is_integer(seq) && replay->seq > 0)
        return SID_OK;
    sid_field_set(field, "", "seq");
    return SID_E_FIELD_INVALID;
}

static enum sid_err
replay_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.webhook_replay);
    json_t *body = NULL;
    enum sid_err err = sid_json_parse(sid_buf_span(&req->body), &body);
    if (err != SID_OK)
        return err;
    err = read_replay(body, &req->u.webhook_replay, &req->field);
    json_decref(body);
    return err;
}

static void
replay_start(struct sid_request *req) {
    sid_webhook_replay_start(&req->u.webhook_replay);
}

static enum sid_err
replay_finish(struct sid_request *req) {
    req->answer.success = SID_SUCCESS_NO_CONTENT;
    return SID_OK;
}

const struct sid_handler sid_api_webhook_replay = {
    .prepare = replay_prepare,
    .start = replay_start,
    .finish = replay_finish,
};
