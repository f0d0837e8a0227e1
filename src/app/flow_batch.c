/* flow_batch.c: a clerk asks about many codes at once (see flow_verify.h). Owns
 * the items of the caller's struct sid_verify_batch. */
#include <stdlib.h>
#include <string.h>

#include "app_internal.h"
#include "smartid/metrics.h"

/* A code that cannot be checked has its row too, which says why. */
static enum sid_err
judge_item(struct sid_verify *item, struct sid_store *store) {
    sid_verify_forget(item);
    item->flow.err = item->open_err;
    enum sid_err err = sid_verify_judge(item, store);
    if (err == SID_OK)
        return SID_OK;
    item->flow.err = err;
    return sid_verify_judge(item, store);
}

static enum sid_err
batch_run(struct sid_op *op, struct sid_store *store) {
    struct sid_verify_batch *batch = (struct sid_verify_batch *)op;
    enum sid_err err = SID_OK;
    for (size_t i = 0; i < batch->count && err == SID_OK; i++) {
        struct sid_verify *item = &batch->item[i];
        err = judge_item(item, store);
        if (item->flow.err == SID_E_PURPOSE_FORBIDDEN)
            batch->flow.refusal = SID_E_PURPOSE_FORBIDDEN;
    }
    return err;
}

void
sid_verify_batch_start(struct sid_verify_batch *batch) {
    struct sid_flow *flow = &batch->flow;
    if (!sid_flow_admit(flow))
        return;
    for (size_t i = 0; i < batch->count; i++) {
        struct sid_verify *item = &batch->item[i];
        item->flow.app = flow->app;
        item->flow.caller = flow->caller;
        item->purpose = batch->purpose;
        item->of_batch = true;
        memcpy(item->counter, batch->counter, sizeof item->counter);
        enum sid_err err = sid_verify_open(item);
        item->open_err = err == SID_OK ? item->flow.err : err;
        /* Of an expired code, too: a batch may have many. */
        if (item->token.serial != 0)
            batch->serials[flow->op.serial_count++] = item->token.serial;
    }
    flow->op.serials = batch->serials;
    sid_flow_submit(flow, batch_run, sid_flow_end);
}

void
sid_verify_batch_finish(struct sid_verify_batch *batch) {
    for (size_t i = 0; i < batch->count; i++) {
        struct sid_verify *item = &batch->item[i];
        if (item->flow.err == SID_OK)
            item->flow.err = sid_verify_finish(item);
        if (item->flow.err != SID_OK)
            sid_metric_add(SID_M_VERIFY_UNCHECKED, 1);
    }
}

void
sid_verify_batch_fini(struct sid_verify_batch *batch) {
    for (size_t i = 0; batch->item != NULL && i < batch->count; i++)
        sid_verify_fini(&batch->item[i]);
    free(batch->item);
    batch->item = NULL;
}
