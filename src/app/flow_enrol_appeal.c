/* flow_enrol_appeal.c: a rejected person appeals (see flow_enrol.h): the same
 * enrolment becomes received again, with new photos, and the worker sends it to
 * review. io thread makes the job; writer judges, seals, stores, photos in
 * their rows. Until that is on disk the job belongs to the request. */
#include <stdio.h>
#include <string.h>

#include "app_internal.h"
#include "smartid/clock.h"

#define DAY_S 86400

/* Whether this enrolment can be appealed against now. */
static bool
may_appeal(const struct sid_app *app, const struct sid_enrolment *row,
           int64_t now_s) {
    struct sid_config config;
    sid_app_config(app, &config);
    /* Without its keys the person was erased; without a number there is
     * nothing a credential could be about. */
    return row->state == SID_ENROL_REJECTED && row->appealed_at_s == 0 &&
           now_s < row->decided_at_s + config.appeal_days * DAY_S &&
           row->key.data_version != 0 &&
           !sid_reasons_has(&row->reasons, SID_REASON_ID_NUMBER_INVALID,
                            SID_PHOTO_NONE);
}

/* Those who had decided may not decide again. */
static void
bar_officers(struct sid_enrolment *row) {
    bool both = row->decided_by[0] != '\0' && row->first_by[0] != '\0';
    (void)snprintf(row->barred, sizeof row->barred, "%s%s%s", row->decided_by,
                   both ? " " : "", row->first_by);
}

/* On the writer thread, though it takes some milliseconds, because the key is
 * read here, and a person appeals once. */
static enum sid_err
seal(struct sid_enrol_appeal *appeal, struct sid_enrolment *row) {
    struct sid_subject subject =
        sid_app_subject(appeal->get.flow.app, row->id, &row->key);
    struct sid_place place =
        sid_enrol_words_place(row->id, SID_WORDS_STATEMENT);
    enum sid_err err =
        sid_enrol_job_seal(appeal->job, &row->key, appeal->photo);
    if (err == SID_OK)
        err = sid_app_seal_words(&subject, &place, appeal->statement,
                                 &row->statement_sealed);
    return err;
}

static enum sid_err
store_appeal(struct sid_enrol_appeal *appeal, struct sid_store *store,
             struct sid_enrolment *row) {
    bar_officers(row);
    row->appealed_at_s = row->updated_at_s = sid_now_s();
    enum sid_err err = sid_store_enrol_appeal(store, row);
    if (err == SID_OK)
        err = sid_enrol_job_store(appeal->job, store);
    if (err == SID_OK)
        err = sid_app_audit(store, "enrolment_appealed",
                            sid_caller_actor(&appeal->get.flow.caller), row->id,
                            "received", appeal->challenge_id);
    row->state = SID_ENROL_RECEIVED;
    row->reasons.count = 0;
    return err;
}

static enum sid_err
appeal_run(struct sid_op *op, struct sid_store *store) {
    struct sid_enrol_appeal *appeal = (struct sid_enrol_appeal *)op;
    struct sid_flow *flow = &appeal->get.flow;
    struct sid_enrolment row = {0};
    sid_enrolment_fini(&appeal->get.enrolment);
    enum sid_err err = sid_store_enrol_get(store, appeal->get.id, &row);
    if (err == SID_OK &&
        !sid_caller_owns(&flow->caller, row.client_id, row.holder_hash))
        err = SID_E_NOT_FOUND;
    if (err == SID_OK && !may_appeal(flow->app, &row, sid_now_s()))
        err = SID_E_CONFLICT;
    if (err == SID_OK)
        err = seal(appeal, &row);
    if (err == SID_OK)
        err = sid_enrol_take_challenge(flow, store, appeal->challenge_id,
                                       appeal->job->sealed, &row);
    if (err == SID_OK && flow->refusal == SID_OK)
        err = store_appeal(appeal, store, &row);
    if (err == SID_OK && flow->refusal == SID_OK)
        appeal->get.enrolment = row;
    else
        sid_enrolment_fini(&row);
    return err;
}

static void
appeal_done(struct sid_op *op) {
    struct sid_enrol_appeal *appeal = (struct sid_enrol_appeal *)op;
    struct sid_enrol_job *job = appeal->job;
    sid_enrol_give_room_back(appeal->get.flow.app, appeal->body_bytes);
    appeal->job = NULL;
    appeal->get.flow.err = sid_flow_result(op);
    /* The wait is registered before the job can settle it. The flow ends last:
     * while one is open the daemon does not stop. */
    bool work = appeal->get.flow.err == SID_OK;
    bool waits = sid_enrol_wait(&appeal->get);
    if (work) {
        sid_enrol_job_hold(job);
        sid_enrol_job_submit(&job);
    } else {
        sid_enrol_job_free(&job);
    }
    if (!waits)
        appeal->get.flow.done(&appeal->get.flow);
}

void
sid_enrol_appeal_start(struct sid_enrol_appeal *appeal) {
    struct sid_flow *flow = &appeal->get.flow;
    flow->err =
        atomic_load(&flow->app->stopping)
            ? SID_E_STOPPING
            : sid_enrol_job_new(flow->app, appeal->get.id, &appeal->job);
    if (flow->err != SID_OK) {
        sid_enrol_release(flow->app, appeal->body_bytes);
        flow->done(flow);
        return;
    }
    appeal->job->has_place = true;
    sid_flow_submit(flow, appeal_run, appeal_done);
}

void
sid_enrol_appeal_fini(struct sid_enrol_appeal *appeal) {
    sid_enrol_get_fini(&appeal->get);
    for (int kind = 0; kind < SID_PHOTO_KINDS; kind++)
        sid_buf_free(&appeal->photo[kind]);
    sid_wipe(appeal->statement, sizeof appeal->statement);
    sid_enrol_job_free(&appeal->job);
}
