/* flow_enrol_erase.c: erasing a person, on request (see flow_enrol.h) or by
 * retention. Writer thread; owns nothing beyond the caller's struct. */
#include <string.h>

#include "app_internal.h"
#include "smartid/clock.h"
#include "smartid/metrics.h"

/* A row for each credential of the person. */
static enum sid_err
audit_credentials(struct sid_store *store, const struct sid_erasure *erasure,
                  const char *actor) {
    const char *cause = sid_erase_cause_name(erasure->cause);
    uint64_t after = 0;
    for (;;) {
        struct sid_credential row = {0};
        enum sid_err err = sid_store_credential_next(
            store, erasure->enrolment_id, after, &row);
        if (err != SID_OK)
            return err == SID_E_NOT_FOUND ? SID_OK : err;
        after = row.serial;
        err = sid_app_audit(store, "credential_erased", actor, row.id, cause,
                            erasure->enrolment_id);
        sid_credential_fini(&row);
        if (err != SID_OK)
            return err;
    }
}

enum sid_err
sid_person_erase(struct sid_store *store, const struct sid_erasure *erasure,
                 const char *actor) {
    const char *cause = sid_erase_cause_name(erasure->cause);
    enum sid_err err = audit_credentials(store, erasure, actor);
    if (err == SID_OK)
        err = sid_store_erase(store, erasure);
    if (err == SID_OK)
        err =
            sid_app_audit(store, "enrolment_erased", actor,
                          erasure->enrolment_id, cause, erasure->credential_id);
    return err;
}

static bool
may_erase(const struct sid_caller *caller,
          const struct sid_enrolment *enrolment) {
    return caller->role == SID_ROLE_OFFICER ||
           (caller->role == SID_ROLE_HOLDER &&
            sid_caller_owns(caller, enrolment->client_id,
                            enrolment->holder_hash));
}

static enum sid_err
erase_run(struct sid_op *op, struct sid_store *store) {
    struct sid_enrol_erase *erase = (struct sid_enrol_erase *)op;
    const struct sid_caller *caller = &erase->flow.caller;
    struct sid_erasure erasure = {.cause = erase->cause,
                                  .erased_at_s = sid_now_s()};
    struct sid_enrolment row = {0};
    enum sid_err err = sid_store_enrol_get(store, erase->id, &row);
    if (err != SID_OK)
        return err;
    if (!may_erase(caller, &row))
        err = SID_E_NOT_FOUND; /* looks like an unknown id */
    memcpy(erasure.enrolment_id, row.id, sizeof row.id);
    memcpy(erasure.credential_id, row.credential_id, sizeof row.credential_id);
    sid_enrolment_fini(&row);
    if (err == SID_OK)
        err = sid_person_erase(store, &erasure, sid_caller_actor(caller));
    return err;
}

/* Those who wait for the enrolment to be settled are told that it is gone. A
 * worker that has it in hand finds out when it wants to store its decision. */
static void
erase_done(struct sid_op *op) {
    struct sid_enrol_erase *erase = (struct sid_enrol_erase *)op;
    if (op->err == SID_OK) {
        sid_metric_add(SID_M_ERASED, 1);
        sid_wait_settled(erase->flow.app, erase->id);
    }
    sid_flow_end(op);
}

void
sid_enrol_erase_start(struct sid_enrol_erase *erase) {
    if (sid_flow_admit(&erase->flow))
        sid_flow_submit(&erase->flow, erase_run, erase_done);
}
