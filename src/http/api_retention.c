/* api_retention.c: what is erased by itself and when, for admins and
 * smartidctl. io thread of the connection; the flow belongs to the request. */
#include "api.h"
#include "server_priv.h"

/* ---- GET /v1/retention --------------------------------------------------- */
static enum sid_err
look_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.retention);
    return SID_OK;
}

static void
look_start(struct sid_request *req) {
    sid_retention_look_start(&req->u.retention);
}

static void
write_rule(struct sid_json *json, enum sid_retention_rule rule,
           const struct sid_retention_row *row) {
    sid_json_open(json, NULL, '{');
    sid_json_string(json, "rule", sid_retention_name(rule));
    sid_json_int(json, "days", row->days);
    sid_json_int(json, "due", row->due);
    if (row->oldest_s != 0)
        sid_json_time(json, "oldest", row->oldest_s);
    if (row->ran_at_s != 0)
        sid_json_time(json, "last_run", row->ran_at_s);
    sid_json_close(json, '}');
}

static enum sid_err
look_finish(struct sid_request *req) {
    const struct sid_retention_look *look = &req->u.retention;
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_json_open(&json, "rules", '[');
    for (int rule = 0; rule < SID_RETENTION_COUNT; rule++)
        write_rule(&json, (enum sid_retention_rule)rule, &look->row[rule]);
    sid_json_close(&json, ']');
    sid_json_open(&json, "faces", '{');
    sid_json_int(&json, "stored", look->faces);
    sid_json_int(&json, "alarm_at", look->faces_alarm);
    sid_json_close(&json, '}');
    sid_json_close(&json, '}');
    return json.err;
}

const struct sid_handler sid_api_retention = {
    .prepare = look_prepare,
    .start = look_start,
    .finish = look_finish,
};
