/* api_misuse.c: what in the audit log looks like misuse. io thread of the
 * connection; the flow belongs to the request. */
#include <stdio.h>
#include <string.h>

#include "api.h"
#include "server_priv.h"
#include "smartid/clock.h"
#include "smartid/report.h"

#define DATE_CHARS 10 /* 2026-11-26 */
#define DAY_S ((int64_t)86400)
/* What a report is about when nothing is said. */
#define DAYS_DEFAULT 7

/* A date is a day at the bureau, from its first second on. */
static enum sid_err
read_day(struct sid_request *req, const char *name, int64_t *out_s) {
    const char *text = sid_request_query(req, name);
    struct sid_report_limits limits;
    char whole[SID_TIME_TEXT_SIZE];
    int64_t at_s = 0;
    if (text == NULL)
        return SID_OK;
    (void)snprintf(whole, sizeof whole, "%.10sT00:00:00Z", text);
    if (strlen(text) != DATE_CHARS || sid_time_parse(whole, &at_s) != SID_OK) {
        sid_field_set(&req->field, "", name);
        return SID_E_FIELD_INVALID;
    }
    sid_report_limits_default(&limits);
    *out_s = at_s - limits.utc_offset_s;
    return SID_OK;
}

static enum sid_err
read_query(struct sid_request *req, struct sid_misuse *misuse) {
    static const char *const names[] = {"since", "until", NULL};
    enum sid_err err = sid_request_query_only(req, names);
    misuse->until_s = sid_now_s() + 1; /* what is of this second, too */
    if (err == SID_OK)
        err = read_day(req, "until", &misuse->until_s);
    misuse->since_s = misuse->until_s - DAYS_DEFAULT * DAY_S;
    if (err == SID_OK)
        err = read_day(req, "since", &misuse->since_s);
    if (err != SID_OK)
        return err;
    int64_t length_s = misuse->until_s - misuse->since_s;
    if (length_s > 0 && length_s <= SID_MISUSE_DAYS_MAX * DAY_S)
        return SID_OK;
    sid_field_set(&req->field, "", "since");
    return SID_E_FIELD_INVALID;
}

static enum sid_err
misuse_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.misuse);
    req->u.misuse.rows_max = SID_MISUSE_ROWS_MAX;
    req->u.misuse.held_max = SID_MISUSE_HELD_MAX;
    return read_query(req, &req->u.misuse);
}

static void
misuse_start(struct sid_request *req) {
    sid_misuse_start(&req->u.misuse);
}

static enum sid_err
misuse_finish(struct sid_request *req) {
    struct sid_misuse *misuse = &req->u.misuse;
    struct sid_buf *out = &req->answer.body;
    struct sid_json json;
    sid_json_init(&json, out);
    sid_json_open(&json, NULL, '{');
    sid_json_time(&json, "since", misuse->since_s);
    sid_json_time(&json, "until", misuse->until_s);
    sid_json_bool(&json, "complete", misuse->complete);
    sid_json_int(&json, "checks", misuse->checks);
    sid_json_int(&json, "count", misuse->count);
    sid_json_open(&json, "found", '[');
    if (json.err == SID_OK)
        json.err = sid_buf_append(out, misuse->found.ptr, misuse->found.len);
    sid_json_close(&json, ']');
    sid_json_close(&json, '}');
    return json.err;
}

static void
misuse_fini(struct sid_request *req) {
    sid_misuse_fini(&req->u.misuse);
}

const struct sid_handler sid_api_misuse = {
    .prepare = misuse_prepare,
    .start = misuse_start,
    .finish = misuse_finish,
    .fini = misuse_fini,
};
