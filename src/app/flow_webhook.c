/* flow_webhook.c: see flow_webhook.h. Owns nothing beyond the caller's structs.
 */
#include "smartid/flow_webhook.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "app_internal.h"
#include "smartid/metrics.h"

static enum sid_err
keep_row(const struct sid_dead_event *event, void *ctx) {
    struct sid_webhook_look *look = ctx;
    look->rows[look->count++] = *event;
    return SID_OK;
}

static enum sid_err
look_run(struct sid_op *op, struct sid_store *store) {
    struct sid_webhook_look *look = (struct sid_webhook_look *)op;
    look->count = 0;
    enum sid_err err = sid_store_webhook_dead_count(store, &look->dead);
    if (err == SID_OK)
        err = sid_store_webhook_dead_each(store, false, 0, SID_WEBHOOK_DEAD_MAX,
                                          keep_row, look);
    return err;
}

void
sid_webhook_look_start(struct sid_webhook_look *look) {
    if (!sid_flow_admit(&look->flow))
        return;
    look->rows = calloc(SID_WEBHOOK_DEAD_MAX, sizeof *look->rows);
    if (look->rows == NULL) {
        look->flow.err = SID_E_NO_MEMORY;
        look->flow.done(&look->flow);
        return;
    }
    struct sid_config config;
    sid_app_config(look->flow.app, &config);
    (void)snprintf(look->url, sizeof look->url, "%s", config.webhook_url);
    sid_webhook_state(look->flow.app, &look->state);
    look->behind_s = sid_metric_get(SID_M_WEBHOOK_BEHIND);
    look->flow.op.read_only = true;
    sid_flow_submit(&look->flow, look_run, sid_flow_end);
}

void
sid_webhook_look_fini(struct sid_webhook_look *look) {
    free(look->rows);
    look->rows = NULL;
}

static enum sid_err
replay_run(struct sid_op *op, struct sid_store *store) {
    struct sid_webhook_replay *replay = (struct sid_webhook_replay *)op;
    char detail[32] = "all";
    if (replay->seq != 0)
        (void)snprintf(detail, sizeof detail, "seq=%" PRId64, replay->seq);
    enum sid_err err = sid_store_webhook_again(store, replay->seq);
    if (err == SID_OK)
        err = sid_app_audit(store, "webhook_replayed",
                            sid_caller_actor(&replay->flow.caller), "", "asked",
                            detail);
    return err;
}

static void
replay_done(struct sid_op *op) {
    struct sid_webhook_replay *replay = (struct sid_webhook_replay *)op;
    if (op->err == SID_OK)
        sid_webhook_replay(replay->flow.app);
    sid_flow_end(op);
}

void
sid_webhook_replay_start(struct sid_webhook_replay *replay) {
    if (sid_flow_admit(&replay->flow))
        sid_flow_submit(&replay->flow, replay_run, replay_done);
}
