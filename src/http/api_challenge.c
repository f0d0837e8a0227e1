/* api_challenge.c: making a challenge. io thread of the connection; the flow
 * belongs to the request. */
#include "api.h"

/* ---- POST /v1/challenges ------------------------------------------------ */
static enum sid_err
read_steps(const json_t *body, int *out, struct sid_field *field) {
    static const char *const names[] = {"steps", NULL};
    enum sid_err err = sid_json_only(body, "", names, field);
    if (err != SID_OK)
        return err;
    const json_t *steps = json_object_get(body, "steps");
    json_int_t count = steps == NULL            ? SID_STEPS_MIN
                       : json_is_integer(steps) ? json_integer_value(steps)
                                                : 0;
    if (count < SID_STEPS_MIN || count > SID_STEPS_MAX) {
        sid_field_set(field, "", "steps");
        return SID_E_FIELD_INVALID;
    }
    *out = (int)count;
    return SID_OK;
}

static enum sid_err
make_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.challenge);
    json_t *body = NULL;
    enum sid_err err = sid_json_parse(sid_buf_span(&req->body), &body);
    if (err != SID_OK)
        return err;
    err = read_steps(body, &req->u.challenge.steps, &req->field);
    json_decref(body);
    return err;
}

static void
make_start(struct sid_request *req) {
    sid_challenge_make_start(&req->u.challenge);
}

static enum sid_err
make_finish(struct sid_request *req) {
    const struct sid_challenge *challenge = &req->u.challenge.challenge;
    struct sid_json json;
    req->answer.success = SID_SUCCESS_CREATED;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_json_string(&json, "id", challenge->id);
    sid_json_open(&json, "steps", '[');
    for (int i = 0; i < challenge->steps.count; i++)
        sid_json_string(&json, NULL, sid_turn_name(challenge->steps.turn[i]));
    sid_json_close(&json, ']');
    sid_json_time(&json, "expires_at", challenge->expires_at_s);
    sid_json_close(&json, '}');
    return json.err;
}

const struct sid_handler sid_api_challenge_make = {
    .prepare = make_prepare,
    .start = make_start,
    .finish = make_finish,
};
