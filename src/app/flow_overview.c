/* flow_overview.c: see flow_overview.h. Owns nothing beyond the caller's
 * struct. */
#include "smartid/flow_overview.h"

#include <string.h>

#include "app_internal.h"
#include "smartid/clock.h"

/* One reason is counted once for each enrolment, whatever photo it is of. */
static enum sid_err
count_reasons(const struct sid_reasons *reasons, void *ctx) {
    struct sid_overview *overview = ctx;
    bool seen[SID_REASON_COUNT] = {false};
    for (size_t i = 0; i < reasons->count; i++) {
        enum sid_reason reason = reasons->item[i].reason;
        if (!seen[reason])
            overview->reasons[reason]++;
        seen[reason] = true;
    }
    return SID_OK;
}

static enum sid_err
overview_run(struct sid_op *op, struct sid_store *store) {
    struct sid_overview *overview = (struct sid_overview *)op;
    int64_t since_s = sid_now_s() - SID_OVERVIEW_S;
    memset(overview->reasons, 0, sizeof overview->reasons);
    static const enum sid_enrol_state states[] = {SID_ENROL_REJECTED,
                                                  SID_ENROL_REVIEW};
    enum sid_err err = sid_store_overview(store, since_s, &overview->found);
    for (size_t i = 0; err == SID_OK && i < sizeof states / sizeof states[0];
         i++)
        err = sid_store_reasons_each(store, states[i], since_s,
                                     SID_OVERVIEW_REASONS, count_reasons,
                                     overview);
    return err;
}

void
sid_overview_start(struct sid_overview *overview) {
    if (!sid_flow_admit(&overview->flow))
        return;
    overview->flow.op.read_only = true;
    sid_flow_submit(&overview->flow, overview_run, sid_flow_end);
}
