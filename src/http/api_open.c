/* api_open.c: what anybody may ask: is it alive, is it ready, what does it
 * count, which version is it. io thread; owns nothing. */
#include "api.h"
#include "server_priv.h"
#include "smartid/clock.h"
#include "smartid/metrics.h"

static enum sid_err
no_body(struct sid_request *req) {
    (void)req;
    return SID_OK;
}

static enum sid_err
healthz(struct sid_request *req) {
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_json_string(&json, "status", "ok");
    sid_json_close(&json, '}');
    return json.err;
}

static enum sid_err
readyz(struct sid_request *req) {
    bool stopping = atomic_load(&req->door->server->quiesced);
    bool app = sid_app_ready(req->door->server->app);
    enum sid_err storage = sid_app_storage(req->door->server->app);
    bool ready = app && storage == SID_OK && !stopping;
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_json_bool(&json, "ready", ready);
    sid_json_open(&json, "checks", '{');
    sid_json_string(&json, "workers_and_store", app ? "ok" : "not_ready");
    sid_json_string(&json, "storage", sid_err_code(storage));
    sid_json_string(&json, "accepting", stopping ? "stopping" : "ok");
    /* A warning: the service goes on without its second witness. */
    sid_json_string(
        &json, "audit_head",
        sid_app_heads_written(req->door->server->app) ? "ok" : "not_written");
    sid_json_close(&json, '}');
    sid_json_close(&json, '}');
    if (!ready) {
        req->answer.success = SID_SUCCESS_NOT_READY;
        req->answer.retry_after_s = 1;
    }
    return json.err;
}

static enum sid_err
metrics(struct sid_request *req) {
    sid_app_measure(req->door->server->app);
    req->answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
    return sid_metrics_write(&req->answer.body);
}

static enum sid_err
version(struct sid_request *req) {
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_json_string(&json, "version", SID_VERSION);
    sid_json_string(&json, "api", "v1");
    sid_json_bool(&json, "test_clock", sid_clock_is_test());
    sid_json_close(&json, '}');
    return json.err;
}

const struct sid_handler sid_api_healthz = {.prepare = no_body,
                                            .finish = healthz};
const struct sid_handler sid_api_readyz = {.prepare = no_body,
                                           .finish = readyz};
const struct sid_handler sid_api_metrics = {.prepare = no_body,
                                            .finish = metrics};
const struct sid_handler sid_api_version = {.prepare = no_body,
                                            .finish = version};
