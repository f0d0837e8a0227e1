/* flow_issue.c: a person who has a credential gets one of another type (see
 * flow_credential.h). Writer thread; owns nothing beyond the caller's struct.
 */
#include <string.h>

#include "app_internal.h"
#include "smartid/clock.h"
#include "smartid/flow_credential.h"
#include "smartid/metrics.h"
#include "smartid/text.h"

/* What is sealed for the base is sealed again for the new row. */
static enum sid_err
seal_all(const struct sid_issue *issue, const struct sid_credential *base,
         struct sid_credential *made) {
    struct sid_subject subject =
        sid_app_subject(issue->look.flow.app, base->enrolment_id, &base->key);
    struct sid_place from = {"credential", "holder", base->id};
    struct sid_place holder = {"credential", "holder", made->id};
    struct sid_place details = {"credential", "details", made->id};
    struct sid_buf plain = SID_BUF_EMPTY, fields = SID_BUF_EMPTY;
    enum sid_err err = sid_subject_open(
        &subject, &from, sid_buf_span(&base->holder_sealed), &plain);
    if (err == SID_OK)
        err = sid_subject_seal(&subject, &holder, sid_buf_span(&plain),
                               &made->holder_sealed);
    if (err == SID_OK)
        err = sid_details_pack(issue->type, &issue->details, &fields);
    if (err == SID_OK)
        err = sid_subject_seal(&subject, &details, sid_buf_span(&fields),
                               &made->details_sealed);
    sid_buf_free(&plain);
    sid_buf_free(&fields);
    return err;
}

static enum sid_err
make(const struct sid_issue *issue, const struct sid_credential *base,
     struct sid_credential *made) {
    made->issued_at_s = sid_now_s();
    made->life.valid_until_s = issue->valid_until_s;
    memcpy(made->enrolment_id, base->enrolment_id, sizeof base->enrolment_id);
    memcpy(made->client_id, base->client_id, sizeof base->client_id);
    memcpy(made->assurance, base->assurance, sizeof base->assurance);
    memcpy(made->id_index, base->id_index, sizeof base->id_index);
    memcpy(made->holder_hash, base->holder_hash, sizeof base->holder_hash);
    enum sid_err err =
        sid_text_copy(made->type, sizeof made->type, issue->type->name);
    if (err == SID_OK)
        err = sid_id_make("crd_", made->id);
    return err == SID_OK ? seal_all(issue, base, made) : err;
}

/* The credential that it stands on: the caller's to see, of the right type, in
 * force. */
static enum sid_err
read_base(struct sid_issue *issue, struct sid_store *store,
          struct sid_credential *out) {
    const struct sid_caller *caller = &issue->look.flow.caller;
    enum sid_err err = sid_store_credential_get(store, issue->look.id, out);
    if (err != SID_OK)
        return err;
    if (caller->role != SID_ROLE_OFFICER &&
        !sid_caller_owns(caller, out->client_id, out->holder_hash))
        return SID_E_NOT_FOUND;
    if (issue->type->needs == NULL ||
        strcmp(issue->type->needs, out->type) != 0)
        return SID_E_CONFLICT;
    return sid_credential_state_err(
        sid_life_state(&out->life, sid_time_s(issue->look.flow.app)));
}

/* What somebody else has suspended is not had again by another one in its
 * place: who may not resume it may not issue it anew. */
static enum sid_err
judge_standing(struct sid_issue *issue, struct sid_store *store,
               const struct sid_credential *base) {
    struct sid_flow *flow = &issue->look.flow;
    struct sid_credential row = {0};
    enum sid_err err = sid_store_credential_standing(store, base->id_index,
                                                     issue->type->name, &row);
    if (err != SID_OK)
        return err == SID_E_NOT_FOUND ? SID_OK : err;
    if (sid_life_resume(&row.life, flow->caller.role, sid_time_s(flow->app)) ==
        SID_E_FORBIDDEN) {
        flow->refusal = SID_E_FORBIDDEN;
        err = sid_app_audit(store, "credential_change_refused",
                            sid_caller_actor(&flow->caller), row.id,
                            sid_err_code(flow->refusal), "issue");
    }
    sid_credential_fini(&row);
    return err;
}

/* One that has expired would take the place of one that has not. */
static enum sid_err
judge_validity(struct sid_issue *issue) {
    struct sid_flow *flow = &issue->look.flow;
    if (issue->valid_until_s == 0 ||
        issue->valid_until_s > sid_time_s(flow->app))
        return SID_OK;
    flow->field = "valid_until";
    return SID_E_FIELD_INVALID;
}

static enum sid_err
issue_new(struct sid_issue *issue, struct sid_store *store,
          const struct sid_credential *base) {
    struct sid_credential made = {0};
    enum sid_err err = make(issue, base, &made);
    if (err == SID_OK)
        err = sid_app_issue(store, &made,
                            sid_caller_actor(&issue->look.flow.caller));
    sid_credential_fini(&issue->look.credential);
    if (err == SID_OK)
        err = sid_store_credential_get(store, made.id, &issue->look.credential);
    sid_credential_fini(&made);
    return err;
}

static enum sid_err
issue_run(struct sid_op *op, struct sid_store *store) {
    struct sid_issue *issue = (struct sid_issue *)op;
    struct sid_credential base = {0};
    enum sid_err err = read_base(issue, store, &base);
    if (err == SID_OK)
        err = judge_validity(issue);
    if (err == SID_OK)
        err = judge_standing(issue, store, &base);
    if (err == SID_OK && issue->look.flow.refusal == SID_OK)
        err = issue_new(issue, store, &base);
    sid_credential_fini(&base);
    return err;
}

static void
issue_done(struct sid_op *op) {
    if (sid_flow_result(op) == SID_OK)
        sid_metric_add(SID_M_CREDENTIAL_ISSUED, 1);
    sid_flow_end(op);
}

void
sid_issue_start(struct sid_issue *issue) {
    if (sid_flow_admit(&issue->look.flow))
        sid_flow_submit(&issue->look.flow, issue_run, issue_done);
}

void
sid_issue_fini(struct sid_issue *issue) {
    sid_credential_look_fini(&issue->look);
    sid_wipe(&issue->details, sizeof issue->details);
}
