/* api_batch.c: a clerk's question about many codes: a group at the door, or
 * what was taken while the service was away. io thread of the connection; the
 * flow belongs to the request. */
#include <stdlib.h>

#include "api.h"
#include "server_priv.h"
#include "smartid/clock.h"

/* Of received_at. Own choice: an outage and a holiday. */
#define LATE_MAX_S ((int64_t)30 * 86400)
/* Clocks of counters that are ahead. Own choice. */
#define AHEAD_MAX_S 300
/* When some could not be checked. Source: reply.c, a restart. */
#define RETRY_S 5

static enum sid_err
read_received(const json_t *check, struct sid_verify *item,
              struct sid_field *field) {
    static const struct sid_json_text what = {
        .path = "checks", .name = "received_at", .optional = true};
    char text[SID_TIME_TEXT_SIZE];
    enum sid_err err =
        sid_json_get_text(check, &what, text, sizeof text, field);
    if (err != SID_OK || text[0] == '\0')
        return err;
    int64_t now_s = sid_now_s();
    if (sid_time_parse(text, &item->received_at_s) == SID_OK &&
        item->received_at_s > now_s - LATE_MAX_S &&
        item->received_at_s < now_s + AHEAD_MAX_S)
        return SID_OK;
    sid_field_set(field, what.path, what.name);
    return SID_E_FIELD_INVALID;
}

static enum sid_err
read_code(const json_t *check, struct sid_verify *item,
          struct sid_field *field) {
    const json_t *code = json_object_get(check, "code");
    sid_field_set(field, "checks", "code");
    if (code == NULL)
        return SID_E_FIELD_MISSING;
    if (!json_is_string(code))
        return SID_E_FIELD_INVALID;
    sid_api_take_code(json_string_value(code), json_string_length(code), item);
    return SID_OK;
}

static enum sid_err
read_check(const json_t *check, struct sid_verify *item,
           struct sid_field *field) {
    static const char *const names[] = {"code", "received_at", NULL};
    sid_field_set(field, "", "checks");
    if (!json_is_object(check))
        return SID_E_FIELD_INVALID;
    enum sid_err err = sid_json_only(check, "checks", names, field);
    if (err == SID_OK)
        err = read_code(check, item, field);
    return err == SID_OK ? read_received(check, item, field) : err;
}

static enum sid_err
read_checks(const json_t *body, struct sid_verify_batch *batch,
            struct sid_field *field) {
    const json_t *checks = json_object_get(body, "checks");
    size_t count = json_array_size(checks); /* 0 for what is none */
    sid_field_set(field, "", "checks");
    if (checks == NULL)
        return SID_E_FIELD_MISSING;
    if (count == 0 || count > SID_BATCH_MAX)
        return SID_E_FIELD_INVALID;
    batch->item = calloc(count, sizeof *batch->item);
    if (batch->item == NULL)
        return SID_E_NO_MEMORY;
    batch->count = count;
    enum sid_err err = SID_OK;
    for (size_t i = 0; i < count && err == SID_OK; i++)
        err = read_check(json_array_get(checks, i), &batch->item[i], field);
    return err;
}

static enum sid_err
read_batch(const json_t *body, const struct sid_caller *caller,
           struct sid_verify_batch *batch, struct sid_field *field) {
    static const char *const names[] = {"checks", "purpose", "counter", NULL};
    static const struct sid_json_text purpose_field = {.path = "",
                                                       .name = "purpose"};
    static const struct sid_json_text counter_field = {
        .path = "", .name = "counter", .optional = true, .trim = true};
    char purpose[64];
    enum sid_err err = sid_json_only(body, "", names, field);
    if (err == SID_OK)
        err = read_checks(body, batch, field);
    if (err == SID_OK)
        err = sid_json_get_text(body, &purpose_field, purpose, sizeof purpose,
                                field);
    if (err == SID_OK)
        err = sid_api_find_purpose(caller, purpose, &batch->purpose, field);
    if (err == SID_OK)
        err = sid_json_get_text(body, &counter_field, batch->counter,
                                sizeof batch->counter, field);
    if (err == SID_OK)
        err = sid_api_judge_counter(caller, batch->purpose, batch->counter,
                                    field);
    return err;
}

static enum sid_err
batch_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.verify_batch);
    struct sid_verify_batch *batch = &req->u.verify_batch;
    json_t *body = NULL;
    enum sid_err err = sid_json_parse(sid_buf_span(&req->body), &body);
    if (err != SID_OK)
        return err;
    err = read_batch(body, &req->caller, batch, &req->field);
    json_decref(body);
    /* The first one was counted with the head. */
    if (err == SID_OK)
        err =
            sid_app_rest_within_quota(req->door->server->app, &req->caller,
                                      (int64_t)batch->count - 1, &req->retry_s);
    if (err == SID_E_RATE)
        sid_field_set(&req->field, "", "checks");
    return err;
}

static void
batch_start(struct sid_request *req) {
    sid_verify_batch_start(&req->u.verify_batch);
}

static void
write_item(struct sid_json *json, const struct sid_verify *item) {
    sid_json_open(json, NULL, '{');
    if (item->flow.err == SID_OK) {
        sid_api_write_check(json, item);
    } else {
        sid_json_string(json, "id", item->id);
        sid_json_string(json, "result", "could_not_check");
        sid_json_string(json, "code",
                        sid_err_code(sid_reply_public(item->flow.err)));
    }
    if (item->received_at_s != 0)
        sid_json_time(json, "received_at", item->received_at_s);
    sid_json_close(json, '}');
}

static enum sid_err
batch_finish(struct sid_request *req) {
    struct sid_verify_batch *batch = &req->u.verify_batch;
    sid_verify_batch_finish(batch);
    enum sid_err err =
        sid_buf_reserve(&req->answer.body, batch->count * SID_API_CHECK_BYTES);
    if (err != SID_OK)
        return err;
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_json_open(&json, "results", '[');
    for (size_t i = 0; i < batch->count; i++) {
        write_item(&json, &batch->item[i]);
        if (batch->item[i].flow.err != SID_OK)
            req->answer.retry_after_s = RETRY_S;
    }
    sid_json_close(&json, ']');
    sid_json_close(&json, '}');
    return json.err;
}

static void
batch_fini(struct sid_request *req) {
    sid_verify_batch_fini(&req->u.verify_batch);
}

const struct sid_handler sid_api_verify_batch = {
    .prepare = batch_prepare,
    .start = batch_start,
    .finish = batch_finish,
    .fini = batch_fini,
    .is_check = true,
};
