/* api_overview.c: how the service fares, for the console's first view. io
 * thread of the connection; the flow belongs to the request. */
#include "api.h"
#include "server_priv.h"
#include "smartid/metrics.h"

static enum sid_err
overview_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.overview);
    return SID_OK;
}

static void
overview_start(struct sid_request *req) {
    sid_overview_start(&req->u.overview);
}

/* Something that waits, and since when. */
static void
write_waiting(struct sid_json *json, int64_t oldest_s) {
    if (oldest_s > 0)
        sid_json_time(json, "oldest_at", oldest_s);
    sid_json_close(json, '}');
}

static void
write_queue(struct sid_json *json, const struct sid_request *req) {
    struct sid_config config;
    sid_app_measure(req->door->server->app);
    sid_app_config(req->door->server->app, &config);
    sid_json_open(json, "queue", '{');
    sid_json_int(json, "waiting", sid_metric_get(SID_M_QUEUE_DEPTH));
    sid_json_int(json, "busy", sid_metric_get(SID_M_WORKERS_BUSY));
    sid_json_int(json, "capacity", config.queue_capacity);
    sid_json_close(json, '}');
}

/* Of the time since the start; no more exact than the histogram's buckets. */
static void
write_latency(struct sid_json *json) {
    static const struct {
        const char *name;
        enum sid_histogram of;
    } rows[] = {{"checks", SID_H_VERIFY}, {"enrolments", SID_H_ENROL_WORK}};
    sid_json_open(json, "latency_ms", '{');
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double p50 = (double)sid_histogram_quantile_us(rows[i].of, 500);
        double p99 = (double)sid_histogram_quantile_us(rows[i].of, 990);
        sid_json_open(json, rows[i].name, '{');
        sid_json_int(json, "count", sid_histogram_count(rows[i].of));
        sid_json_real(json, "p50", p50 / 1000);
        sid_json_real(json, "p99", p99 / 1000);
        sid_json_close(json, '}');
    }
    sid_json_close(json, '}');
}

static void
write_day(struct sid_json *json, const struct sid_overview *overview) {
    sid_json_open(json, "enrollments_24h", '{');
    for (int i = 0; i < SID_ENROL_STATE_COUNT; i++)
        sid_json_int(json, sid_enrol_state_name((enum sid_enrol_state)i),
                     overview->found.states[i]);
    sid_json_close(json, '}');
    sid_json_open(json, "reasons_24h", '{');
    for (int i = 0; i < SID_REASON_COUNT; i++) {
        if (overview->reasons[i] > 0)
            sid_json_int(json, sid_reason_code((enum sid_reason)i),
                         overview->reasons[i]);
    }
    sid_json_close(json, '}');
}

static enum sid_err
overview_finish(struct sid_request *req) {
    const struct sid_overview *overview = &req->u.overview;
    const struct sid_store_overview *found = &overview->found;
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_json_open(&json, "review", '{');
    sid_json_int(&json, "waiting", found->review);
    sid_json_int(&json, "waiting_second", found->review_second);
    write_waiting(&json, found->review_oldest_s);
    sid_json_open(&json, "disputes", '{');
    sid_json_int(&json, "open", found->disputes);
    write_waiting(&json, found->disputes_oldest_s);
    write_queue(&json, req);
    write_latency(&json);
    write_day(&json, overview);
    sid_json_close(&json, '}');
    return json.err;
}

const struct sid_handler sid_api_overview = {
    .prepare = overview_prepare,
    .start = overview_start,
    .finish = overview_finish,
};
