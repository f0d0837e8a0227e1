/* flow_portrait.c: a clerk looks at the portrait of whom they have checked (see
 * flow_face.h). Writer thread, but for start and finish; owns nothing beyond
 * the caller's struct. */
#include <stdio.h>
#include <string.h>

#include "app_internal.h"
#include "smartid/flow_face.h"
#include "smartid/metrics.h"

#define DETAIL_SIZE 64

enum sid_err
sid_app_checked(struct sid_app *app, struct sid_store *store,
                const struct sid_recent_check *check,
                char enrolment_id[SID_ID_SIZE], struct sid_subject_key *key) {
    struct sid_credential row = {0};
    enum sid_err err =
        sid_store_credential_get(store, check->credential_id, &row);
    struct sid_base base = {.state = SID_CREDENTIAL_REVOKED};
    if (err == SID_OK)
        err = sid_app_base(app, store, &row, &base);
    if (err == SID_OK &&
        (sid_life_state(&row.life, sid_time_s(app)) != SID_CREDENTIAL_ACTIVE ||
         base.state != SID_CREDENTIAL_ACTIVE))
        err = SID_E_NOT_FOUND;
    if (err == SID_OK) {
        memcpy(enrolment_id, row.enrolment_id, sizeof row.enrolment_id);
        *key = row.key;
    }
    sid_credential_fini(&row);
    return err;
}

static enum sid_err
look_run(struct sid_op *op, struct sid_store *store) {
    struct sid_portrait_look *look = (struct sid_portrait_look *)op;
    char detail[DETAIL_SIZE];
    sid_buf_free(&look->sealed); /* a commit before may have failed */
    enum sid_err err = sid_app_checked(look->flow.app, store, &look->check,
                                       look->enrolment_id, &look->key);
    if (err == SID_OK)
        err = sid_store_portrait_get(store, look->enrolment_id, &look->sealed);
    (void)snprintf(detail, sizeof detail, "id=%s", look->id);
    if (err == SID_OK)
        err = sid_app_audit(store, "portrait_viewed",
                            sid_caller_actor(&look->flow.caller),
                            look->check.credential_id, "shown", detail);
    return err;
}

static void
look_done(struct sid_op *op) {
    if (sid_flow_result(op) == SID_OK)
        sid_metric_add(SID_M_PORTRAITS_VIEWED, 1);
    sid_flow_end(op);
}

void
sid_portrait_look_start(struct sid_portrait_look *look) {
    struct sid_flow *flow = &look->flow;
    if (!sid_flow_admit(flow))
        return;
    flow->err =
        sid_recent_find(flow->app->recent, look->id, flow->caller.client_id,
                        sid_time_s(flow->app), &look->check);
    if (flow->err == SID_OK && !look->check.portrait)
        flow->err = SID_E_NOT_FOUND;
    if (flow->err != SID_OK) {
        flow->done(flow);
        return;
    }
    flow->op.single_write = true;
    sid_flow_submit(flow, look_run, look_done);
}

enum sid_err
sid_portrait_look_finish(struct sid_portrait_look *look) {
    struct sid_subject subject =
        sid_app_subject(look->flow.app, look->enrolment_id, &look->key);
    struct sid_place place = sid_portrait_place(look->enrolment_id);
    return sid_subject_open(&subject, &place, sid_buf_span(&look->sealed),
                            &look->portrait);
}

void
sid_portrait_look_fini(struct sid_portrait_look *look) {
    sid_buf_free(&look->portrait);
    sid_buf_free(&look->sealed);
}
