/* flow_recover.c: a lost phone (see flow_recover.h). The flow belongs to the
 * writer, then to the pool and its worker, then to the writer again; photos
 * stay in its memory. Owns nothing beyond the caller's struct. */
#include "smartid/flow_recover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app_internal.h"
#include "examiner.h"
#include "smartid/clock.h"
#include "smartid/flow_wechat.h"
#include "smartid/log.h"
#include "smartid/metrics.h"
#include "smartid/text.h"

#define DETAIL_SIZE (SID_REASONS_TEXT_SIZE + 64)

static struct sid_recover *
recover_of_op(struct sid_op *op) {
    return (struct sid_recover *)op;
}

static bool
by_officer(const struct sid_recover *recover) {
    return recover->look.flow.caller.role == SID_ROLE_OFFICER;
}

static enum sid_err
audit(const struct sid_recover *recover, struct sid_store *store,
      const char *event, const char *outcome, const char *detail) {
    return sid_app_audit(store, event,
                         sid_caller_actor(&recover->look.flow.caller),
                         recover->look.id, outcome, detail);
}

/* What a run tells, and reads. */
static void
begin_afresh(struct sid_recover *recover) {
    sid_credential_fini(&recover->look.credential);
    recover->recovered = false;
    recover->reasons.count = 0;
    recover->tries_left = 0;
}

/* ---- writer: who may, and the row of the person -------------------------- */

/* What suspends one stays in force. */
static enum sid_err
judge_state(enum sid_credential_state state) {
    return state == SID_CREDENTIAL_SUSPENDED ? SID_OK
                                             : sid_credential_state_err(state);
}

/* The credential and its enrolment, if it can be recovered now, with what it
 * stands on. */
static enum sid_err
read_both(struct sid_recover *recover, struct sid_store *store,
          struct sid_enrolment *enrolment) {
    struct sid_flow *flow = &recover->look.flow;
    struct sid_credential *row = &recover->look.credential;
    sid_credential_fini(row);
    enum sid_err err = sid_store_credential_get(store, recover->look.id, row);
    if (err != SID_OK)
        return err;
    if (!by_officer(recover) &&
        !sid_caller_owns(&flow->caller, row->client_id, row->holder_hash))
        return SID_E_NOT_FOUND;
    recover->look.state = sid_life_state(&row->life, sid_time_s(flow->app));
    err = judge_state(recover->look.state);
    struct sid_base base = {.state = SID_CREDENTIAL_REVOKED};
    if (err == SID_OK)
        err = sid_app_base(flow->app, store, row, &base);
    if (err == SID_OK)
        err = judge_state(base.state);
    return err == SID_OK
               ? sid_store_enrol_get(store, row->enrolment_id, enrolment)
               : err;
}

/* What would tell that somebody with this number is here. */
static bool
is_not_told(enum sid_err err) {
    return err == SID_E_NOT_FOUND || err == SID_E_EXPIRED ||
           err == SID_E_REVOKED || err == SID_E_REPLACED;
}

/* ---- writer: renewing ---------------------------------------------------- */

/* What was proven from afar is worth no more than that, whoever was seen at a
 * counter before; an officer has seen person and card again. */
static enum sid_err
lower_assurance(const struct sid_recover *recover,
                struct sid_credential *credential) {
    enum sid_assurance shown = recover->facts.challenge == SID_CHALLENGE_PASSED
                                   ? SID_ASSURANCE_REMOTE_LIVE
                                   : SID_ASSURANCE_REMOTE;
    enum sid_assurance had = SID_ASSURANCE_REMOTE;
    if (by_officer(recover) ||
        sid_assurance_parse(credential->assurance, &had) != SID_OK ||
        had <= shown)
        return SID_OK;
    return sid_text_copy(credential->assurance, sizeof credential->assurance,
                         sid_assurance_name(shown));
}

/* Every credential of the person gets the new holder's hash and a new serial.
 * The walk is over when it comes to those. */
static enum sid_err
renew_credentials(const struct sid_recover *recover, struct sid_store *store,
                  const struct sid_enrolment *enrolment) {
    uint64_t after = 0;
    for (;;) {
        struct sid_credential row = {0};
        enum sid_err err =
            sid_store_credential_next(store, enrolment->id, after, &row);
        if (err != SID_OK)
            return err == SID_E_NOT_FOUND ? SID_OK : err;
        bool over = sid_equal_ct(row.holder_hash, enrolment->holder_hash,
                                 sizeof row.holder_hash);
        after = row.serial;
        memcpy(row.holder_hash, enrolment->holder_hash, sizeof row.holder_hash);
        if (!over)
            err = lower_assurance(recover, &row);
        if (!over && err == SID_OK)
            err = sid_store_credential_renew(store, &row);
        sid_credential_fini(&row);
        if (over || err != SID_OK)
            return err;
    }
}

/* Chats on the old phone are its no more; the one in which this was done is. */
static enum sid_err
move_chats(const struct sid_recover *recover, struct sid_store *store,
           const struct sid_enrolment *enrolment) {
    const struct sid_wechat_who who = {recover->wechat_account,
                                       recover->wechat_openid};
    char operation[SID_ID_SIZE + 32];
    (void)snprintf(operation, sizeof operation, "%s recovered %u",
                   enrolment->id, (unsigned)enrolment->holder_generation);
    const struct sid_contact_move move = {.enrolment_id = enrolment->id,
                                          .now = who.openid[0] == '\0' ? NULL
                                                                       : &who,
                                          .operation = operation,
                                          .now_s = sid_now_s()};
    return sid_contact_move(recover->look.flow.app->keys, store, &move);
}

static enum sid_err
renew(struct sid_recover *recover, struct sid_store *store,
      struct sid_enrolment *enrolment) {
    struct sid_app *app = recover->look.flow.app;
    char detail[DETAIL_SIZE];
    bool officer = by_officer(recover);
    enrolment->holder_generation++;
    enrolment->recovery_failures = 0;
    enum sid_err err =
        sid_holder_secret_make(sid_keyring_holder(app->keys), enrolment->id,
                               enrolment->holder_generation,
                               recover->holder_secret, enrolment->holder_hash);
    if (err == SID_OK)
        err = sid_store_enrol_recovery(store, enrolment);
    if (err == SID_OK)
        err = renew_credentials(recover, store, enrolment);
    (void)snprintf(
        detail, sizeof detail, "%s=%s", officer ? "reason" : "challenge",
        officer ? sid_recover_reason_name(recover->reason)
                : sid_challenge_outcome_name(recover->facts.challenge));
    /* Who is to be told of a change of the phone is told from here on. */
    if (err == SID_OK)
        err = audit(recover, store, "credential_recovered",
                    officer ? "counter" : "face", detail);
    sid_credential_fini(&recover->look.credential);
    if (err == SID_OK)
        err = sid_store_credential_get(store, recover->look.id,
                                       &recover->look.credential);
    if (err == SID_OK)
        err = move_chats(recover, store, enrolment);
    recover->recovered = err == SID_OK;
    return err;
}

/* ---- the end ------------------------------------------------------------- */

static void
give_place_back(struct sid_recover *recover) {
    for (int kind = 0; kind < SID_PHOTO_KINDS; kind++)
        sid_buf_free(&recover->photo[kind]);
    if (recover->has_place)
        sid_enrol_release(recover->look.flow.app, recover->body_bytes);
    recover->has_place = false;
}

static void
count(const struct sid_recover *recover, enum sid_err err) {
    if (err == SID_E_RECOVERY_LOCKED)
        sid_metric_add(SID_M_RECOVERY_LOCKED, 1);
    if (err != SID_OK)
        return;
    sid_metric_add(!recover->recovered ? (sid_recovery_retake(&recover->quality)
                                              ? SID_M_RECOVERY_RETAKE
                                              : SID_M_RECOVERY_FAILED)
                   : by_officer(recover) ? SID_M_RECOVERY_COUNTER
                                         : SID_M_RECOVERY_FACE,
                   1);
}

static void
recover_done(struct sid_op *op) {
    struct sid_recover *recover = recover_of_op(op);
    give_place_back(recover);
    count(recover, sid_flow_result(op));
    sid_flow_end(op);
}

/* ---- writer: after the photos -------------------------------------------- */

/* What the photos have shown about the person of this template. */
static enum sid_err
judge(struct sid_recover *recover, struct sid_store *store,
      const struct sid_enrolment *enrolment, struct sid_reasons *out) {
    struct sid_app *app = recover->look.flow.app;
    struct sid_policy policy;
    *out = recover->quality;
    if (out->count > 0)
        return SID_OK;
    enum sid_err err =
        sid_template_compare(app->keys, store, enrolment->id, &enrolment->key,
                             recover->face, &recover->facts.similarity);
    if (err != SID_OK)
        return err;
    sid_app_policy(app, &policy);
    sid_recovery_judge(&policy, &recover->facts, out);
    return SID_OK;
}

/* An attempt that has shown nothing is given back. */
static enum sid_err
give_attempt_back(struct sid_store *store, struct sid_enrolment *enrolment) {
    if (enrolment->recovery_failures == 0)
        return SID_OK; /* an officer was quicker */
    enrolment->recovery_failures--;
    return sid_store_enrol_recovery(store, enrolment);
}

static enum sid_err
refuse(struct sid_recover *recover, struct sid_store *store,
       struct sid_enrolment *enrolment, const struct sid_reasons *reasons) {
    bool retake = sid_recovery_retake(reasons);
    char packed[SID_REASONS_TEXT_SIZE];
    char detail[DETAIL_SIZE];
    enum sid_err err = retake ? give_attempt_back(store, enrolment) : SID_OK;
    sid_reasons_pack(reasons, packed);
    (void)snprintf(detail, sizeof detail, "failures=%d challenge=%s reasons=%s",
                   enrolment->recovery_failures,
                   sid_challenge_outcome_name(recover->facts.challenge),
                   packed);
    sid_recovery_public(reasons, &recover->reasons);
    recover->tries_left =
        SID_RECOVERY_FAILURES_MAX - enrolment->recovery_failures;
    return err != SID_OK ? err
                         : audit(recover, store, "recovery_failed",
                                 retake ? "retake" : "failed", detail);
}

static enum sid_err
settle(struct sid_recover *recover, struct sid_store *store,
       struct sid_enrolment *enrolment) {
    struct sid_reasons reasons;
    if (recover->work_err != SID_OK) {
        recover->look.flow.refusal = recover->work_err;
        recover->recovered = false;
        return give_attempt_back(store, enrolment);
    }
    enum sid_err err = judge(recover, store, enrolment, &reasons);
    if (err != SID_OK)
        return err;
    return reasons.count == 0 ? renew(recover, store, enrolment)
                              : refuse(recover, store, enrolment, &reasons);
}

/* As if it were the wrong face. */
static enum sid_err
settle_nobody(struct sid_recover *recover, struct sid_store *store) {
    struct sid_reasons reasons = recover->quality;
    char packed[SID_REASONS_TEXT_SIZE];
    if (recover->work_err != SID_OK) {
        recover->look.flow.refusal = recover->work_err;
        return SID_OK;
    }
    if (reasons.count == 0)
        sid_reasons_add(&reasons, SID_REASON_FACES_DIFFER, SID_PHOTO_NONE);
    sid_recovery_public(&reasons, &recover->reasons);
    sid_reasons_pack(&recover->reasons, packed);
    return audit(recover, store, "recovery_refused", "not_told", packed);
}

static enum sid_err
settle_run(struct sid_op *op, struct sid_store *store) {
    struct sid_recover *recover = recover_of_op(op);
    struct sid_enrolment enrolment = {0};
    begin_afresh(recover);
    if (recover->nobody)
        return settle_nobody(recover, store);
    enum sid_err err = read_both(recover, store, &enrolment);
    if (err == SID_OK)
        err = settle(recover, store, &enrolment);
    else if (recover->by_number && is_not_told(err))
        err = settle_nobody(recover, store);
    sid_enrolment_fini(&enrolment);
    return err;
}

static void settle_done(struct sid_op *op);

static void
submit_settle(struct sid_recover *recover) {
    recover->look.flow.op = (struct sid_op){0};
    sid_flow_submit(&recover->look.flow, settle_run, settle_done);
}

/* What failed on our account was undone, and has shown nothing. */
static void
settle_done(struct sid_op *op) {
    struct sid_recover *recover = recover_of_op(op);
    if (op->err == SID_OK || recover->work_err != SID_OK) {
        recover_done(op);
        return;
    }
    recover->work_err = op->err;
    submit_settle(recover);
}

/* ---- worker -------------------------------------------------------------- */

static enum sid_err
examine(struct sid_recover *recover, struct sid_examiner *examiner,
        struct sid_photo_facts *facts) {
    int kinds = SID_PHOTO_FRAME_1 + recover->steps.count;
    for (int kind = SID_PHOTO_SELFIE; kind < kinds; kind++) {
        enum sid_photo_kind which = (enum sid_photo_kind)kind;
        enum sid_err err = sid_examiner_examine(
            examiner, recover->look.id, sid_buf_span(&recover->photo[kind]),
            which, &facts[kind]);
        if (err != SID_OK)
            return err;
        if (sid_examiner_gave_up(examiner)) {
            sid_reasons_add(&recover->quality, SID_REASON_IMAGE_UNREADABLE,
                            which);
            return SID_OK;
        }
    }
    return SID_OK;
}

/* What can be said without the template. */
static void
look_at(struct sid_recover *recover, const struct sid_photo_facts *facts) {
    const struct sid_photo_facts *selfie = &facts[SID_PHOTO_SELFIE];
    struct sid_challenge_report report = {.outcome = SID_CHALLENGE_NONE};
    struct sid_policy policy;
    sid_app_policy(recover->look.flow.app, &policy);
    const struct sid_challenge_answer answer = {
        .steps = recover->steps,
        .selfie = selfie,
        .frame = &facts[SID_PHOTO_FRAME_1],
        .min_turn_deg = policy.min_turn_deg,
    };
    sid_policy_photo(selfie, SID_PHOTO_SELFIE, &recover->quality);
    if (answer.steps.count > 0)
        sid_challenge_quality(&answer, &recover->quality, &report);
    if (recover->quality.count > 0)
        return;
    if (answer.steps.count > 0)
        sid_challenge_judge(&answer, &report);
    recover->facts.challenge = report.outcome;
    recover->facts.has_liveness = selfie->has_liveness;
    recover->facts.liveness = selfie->liveness;
    memcpy(recover->face, selfie->embedding, sizeof recover->face);
}

static enum sid_err
work(struct sid_recover *recover, struct sid_examiner *examiner) {
    struct sid_app *app = recover->look.flow.app;
    if (atomic_load(&app->stopping) || examiner == NULL)
        return SID_E_STOPPING;
    struct sid_photo_facts *facts = calloc(SID_PHOTO_KINDS, sizeof *facts);
    if (facts == NULL)
        return SID_E_NO_MEMORY;
    pthread_rwlock_rdlock(&app->suspects);
    enum sid_err err = sid_examiner_begin(examiner);
    if (err == SID_OK)
        err = examine(recover, examiner, facts);
    pthread_rwlock_unlock(&app->suspects);
    if (err == SID_OK && recover->quality.count == 0)
        look_at(recover, facts);
    for (int kind = 0; kind < SID_PHOTO_KINDS; kind++)
        sid_photo_facts_fini(&facts[kind]);
    free(facts);
    return err;
}

static void
job_run(struct sid_job *node, void *worker_ctx) {
    struct sid_recover *recover =
        (struct sid_recover *)(void *)((char *)node -
                                       offsetof(struct sid_recover, job));
    int64_t start_us = sid_mono_us();
    enum sid_err err = work(recover, worker_ctx);
    if (err != SID_OK && err != SID_E_STOPPING)
        sid_log(SID_LOG_ERROR, "recovery_not_examined",
                SID_S("id", recover->look.id),
                SID_S("code", sid_err_code(err)));
    /* Nobody to look at the photos now: to the client it is a full queue. */
    recover->work_err = err == SID_E_IO ? SID_E_QUEUE_FULL : err;
    sid_histogram_observe_us(SID_H_ENROL_WORK, sid_mono_us() - start_us);
    submit_settle(recover);
}

/* ---- writer: before the photos ------------------------------------------- */

static enum sid_err
refuse_locked(struct sid_recover *recover, struct sid_store *store,
              const char *why) {
    recover->look.flow.refusal = SID_E_RECOVERY_LOCKED;
    return audit(recover, store, "recovery_refused",
                 sid_err_code(SID_E_RECOVERY_LOCKED), why);
}

static enum sid_err
has_face(struct sid_store *store, const char *enrolment_id, bool *out) {
    struct sid_buf sealed = SID_BUF_EMPTY;
    enum sid_err err = sid_store_template_get(store, enrolment_id, &sealed);
    sid_buf_free(&sealed);
    *out = err == SID_OK;
    return err == SID_E_NOT_FOUND ? SID_OK : err;
}

/* Counts the attempt as a failure before it is made, so that many at once are
 * no more than one after the other. */
static enum sid_err
begin_counted(struct sid_recover *recover, struct sid_store *store,
              struct sid_enrolment *enrolment) {
    struct sid_flow *flow = &recover->look.flow;
    char detail[DETAIL_SIZE];
    enum sid_err err = sid_enrol_take_challenge(
        flow, store, recover->challenge_id, recover->photo, enrolment);
    if (err != SID_OK || flow->refusal != SID_OK)
        return err;
    recover->steps = enrolment->challenge.steps;
    enrolment->recovery_failures++;
    (void)snprintf(detail, sizeof detail, "failures=%d challenge=%s",
                   enrolment->recovery_failures, recover->challenge_id);
    err = sid_store_enrol_recovery(store, enrolment);
    return err == SID_OK
               ? audit(recover, store, "recovery_begun", "counted", detail)
               : err;
}

/* Why this person cannot be recognised now; NULL: can be. */
static enum sid_err
why_not(struct sid_store *store, const struct sid_enrolment *enrolment,
        const char **out) {
    bool face = false;
    *out = NULL;
    if (enrolment->recovery_failures >= SID_RECOVERY_FAILURES_MAX) {
        *out = "failures";
        return SID_OK;
    }
    enum sid_err err = has_face(store, enrolment->id, &face);
    if (err == SID_OK && !face)
        *out = "no_face";
    return err;
}

static enum sid_err
begin(struct sid_recover *recover, struct sid_store *store,
      struct sid_enrolment *enrolment) {
    const char *why = NULL;
    enum sid_err err = why_not(store, enrolment, &why);
    if (err != SID_OK)
        return err;
    return why != NULL ? refuse_locked(recover, store, why)
                       : begin_counted(recover, store, enrolment);
}

/* Nobody to be recognised; the challenge is judged, and the photos will be
 * looked at, as if there were. */
static enum sid_err
begin_nobody(struct sid_recover *recover, struct sid_store *store,
             const char *why) {
    struct sid_flow *flow = &recover->look.flow;
    struct sid_enrolment nobody = {0};
    recover->nobody = true;
    memcpy(nobody.client_id, flow->caller.client_id, sizeof nobody.client_id);
    enum sid_err err = sid_id_make("enr_", nobody.id);
    if (err == SID_OK)
        err = sid_enrol_take_challenge(flow, store, recover->challenge_id,
                                       recover->photo, &nobody);
    if (err != SID_OK || flow->refusal != SID_OK)
        return err;
    recover->steps = nobody.challenge.steps;
    return audit(recover, store, "recovery_refused", "not_told", why);
}

static enum sid_err
begin_by_number(struct sid_recover *recover, struct sid_store *store,
                struct sid_enrolment *enrolment) {
    struct sid_credential *row = &recover->look.credential;
    const char *why = NULL;
    enum sid_err err = sid_store_credential_standing(store, recover->id_index,
                                                     SID_TYPE_RESIDENT, row);
    if (err == SID_OK) {
        memcpy(recover->look.id, row->id, sizeof row->id);
        err = read_both(recover, store, enrolment);
    }
    if (err == SID_OK)
        err = why_not(store, enrolment, &why);
    else if (is_not_told(err))
        why = sid_err_code(err);
    if (why != NULL)
        return begin_nobody(recover, store, why);
    return err == SID_OK ? begin_counted(recover, store, enrolment) : err;
}

static enum sid_err
begin_run(struct sid_op *op, struct sid_store *store) {
    struct sid_recover *recover = recover_of_op(op);
    struct sid_enrolment enrolment = {0};
    enum sid_err err;
    begin_afresh(recover);
    recover->nobody = false;
    if (recover->by_number) {
        recover->look.id[0] = '\0';
        err = begin_by_number(recover, store, &enrolment);
    } else {
        err = read_both(recover, store, &enrolment);
        if (err == SID_OK)
            err = by_officer(recover) ? renew(recover, store, &enrolment)
                                      : begin(recover, store, &enrolment);
    }
    sid_enrolment_fini(&enrolment);
    return err;
}

static void
begin_done(struct sid_op *op) {
    struct sid_recover *recover = recover_of_op(op);
    struct sid_pool *pool = atomic_load(&recover->look.flow.app->pool);
    if (sid_flow_result(op) != SID_OK || by_officer(recover)) {
        recover_done(op);
        return;
    }
    recover->job.run = job_run;
    if (pool != NULL) {
        sid_pool_submit(pool, &recover->job);
    } else {
        recover->work_err = SID_E_STOPPING;
        submit_settle(recover);
    }
}

void
sid_recover_start(struct sid_recover *recover) {
    struct sid_flow *flow = &recover->look.flow;
    recover->has_place = !by_officer(recover);
    if (atomic_load(&flow->app->stopping)) {
        give_place_back(recover);
        flow->err = SID_E_STOPPING;
        flow->done(flow);
        return;
    }
    sid_flow_submit(flow, begin_run, begin_done);
}

void
sid_recover_fini(struct sid_recover *recover) {
    sid_credential_look_fini(&recover->look);
    for (int kind = 0; kind < SID_PHOTO_KINDS; kind++)
        sid_buf_free(&recover->photo[kind]);
    sid_wipe(recover->holder_secret, sizeof recover->holder_secret);
    sid_wipe(recover->face, sizeof recover->face);
    sid_wipe(recover->id_index, sizeof recover->id_index);
}
