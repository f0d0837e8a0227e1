/* flow_session.c: see flow_session.h. Owns nothing beyond the caller's struct.
 */
#include "smartid/flow_session.h"

#include <stdio.h>

#include "app_internal.h"

static enum sid_err
note_run(struct sid_op *op, struct sid_store *store) {
    const struct sid_session_note *note = (const struct sid_session_note *)op;
    char detail[48];
    (void)snprintf(detail, sizeof detail, "source=%s",
                   sid_address_class(note->from));
    return sid_app_audit(
        store, note->closed ? "session_closed" : "session_opened",
        sid_caller_actor(&note->flow.caller),
        note->subject == NULL ? "" : note->subject, "done", detail);
}

void
sid_session_note_start(struct sid_session_note *note) {
    if (!sid_flow_admit(&note->flow))
        return;
    if (note->quiet) {
        note->flow.done(&note->flow);
        return;
    }
    note->flow.op.single_write = true;
    sid_flow_submit(&note->flow, note_run, sid_flow_end);
}
