/* flow_enrol_decide.c: an officer decides an enrolment that is in review (see
 * flow_enrol.h). Writer thread; owns nothing beyond the caller's struct. */
#include <string.h>

#include "app_internal.h"

static enum sid_err
decide_run(struct sid_op *op, struct sid_store *store) {
    struct sid_enrol_decide *decide = (struct sid_enrol_decide *)op;
    const char *actor = sid_caller_actor(&decide->flow.caller);
    struct sid_enrolment row = {0};
    enum sid_err err = sid_store_enrol_get(store, decide->id, &row);
    if (err == SID_OK && row.state != SID_ENROL_REVIEW)
        err = SID_E_CONFLICT;
    struct sid_verdict verdict = {
        .state = decide->approve ? SID_ENROL_APPROVED : SID_ENROL_REJECTED,
        .reasons = row.reasons,
        .actor = actor,
        .decided_by = actor,
        .note = decide->reason,
    };
    if (!decide->approve)
        sid_reasons_add(&verdict.reasons, SID_REASON_OFFICER, SID_PHOTO_NONE);
    else
        verdict.reasons.count = 0;
    if (err == SID_OK)
        err = sid_enrol_settle(decide->flow.app, store, &row, &verdict);
    if (err == SID_OK)
        decide->enrolment = row;
    else
        sid_enrolment_fini(&row);
    return err;
}

void
sid_enrol_decide_start(struct sid_enrol_decide *decide) {
    if (sid_flow_admit(&decide->flow))
        sid_flow_submit(&decide->flow, decide_run, sid_flow_end);
}

void
sid_enrol_decide_fini(struct sid_enrol_decide *decide) {
    sid_enrolment_fini(&decide->enrolment);
    sid_wipe(decide->reason, sizeof decide->reason);
}
