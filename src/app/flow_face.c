/* flow_face.c: does a photo from the counter's camera show whom a clerk has
 * checked (see flow_face.h). The flow belongs to the writer, then to the pool
 * and its worker, then to the writer again; the photo stays in its memory. Owns
 * nothing beyond the caller's struct. */
#include "smartid/flow_face.h"

#include <stdio.h>
#include <string.h>

#include "app_internal.h"
#include "examiner.h"
#include "smartid/clock.h"
#include "smartid/log.h"
#include "smartid/metrics.h"

#define DETAIL_SIZE (SID_REASONS_TEXT_SIZE + 96)

const char *
sid_face_result_name(enum sid_face_result result) {
    static const char *const names[] = {[SID_FACE_MATCH] = "match",
                                        [SID_FACE_NO_MATCH] = "no_match",
                                        [SID_FACE_UNCLEAR] = "unclear"};
    return names[result];
}

static struct sid_face_check *
face_of_op(struct sid_op *op) {
    return (struct sid_face_check *)op;
}

/* ---- the end ------------------------------------------------------------- */

static void
give_back(struct sid_face_check *face) {
    struct sid_app *app = face->flow.app;
    sid_buf_free(&face->photo);
    if (face->has_place)
        sid_enrol_release(app, face->body_bytes);
    face->has_place = false;
    if (face->has_try)
        sid_recent_give_try(app->recent, face->id);
    face->has_try = false;
    face->tries_left = sid_recent_tries_left(app->recent, face->id);
}

static void
count(const struct sid_face_check *face) {
    static const enum sid_metric metrics[] = {
        [SID_FACE_MATCH] = SID_M_FACE_MATCH,
        [SID_FACE_NO_MATCH] = SID_M_FACE_NO_MATCH,
        [SID_FACE_UNCLEAR] = SID_M_FACE_UNCLEAR,
    };
    sid_metric_add(
        face->reasons.count > 0 ? SID_M_FACE_RETAKE : metrics[face->result], 1);
}

static void
face_done(struct sid_op *op) {
    struct sid_face_check *face = face_of_op(op);
    give_back(face);
    if (sid_flow_result(op) == SID_OK)
        count(face);
    sid_flow_end(op);
}

/* ---- writer: after the photo --------------------------------------------- */

static enum sid_face_result
result_of(enum sid_band band) {
    switch (band) {
    case SID_BAND_ACCEPT:
        return SID_FACE_MATCH;
    case SID_BAND_REJECT:
        return SID_FACE_NO_MATCH;
    case SID_BAND_REVIEW:
        break;
    }
    return SID_FACE_UNCLEAR;
}

static enum sid_err
compare(struct sid_face_check *face, struct sid_store *store) {
    struct sid_app *app = face->flow.app;
    struct sid_subject_key key;
    char enrolment_id[SID_ID_SIZE];
    struct sid_policy policy;
    float similarity = 0;
    face->result = SID_FACE_UNCLEAR;
    enum sid_err err =
        sid_app_checked(app, store, &face->check, enrolment_id, &key);
    if (err != SID_OK || face->reasons.count > 0)
        return err;
    err = sid_template_compare(app->keys, store, enrolment_id, &key, face->face,
                               &similarity);
    if (err != SID_OK)
        return err;
    sid_app_policy(app, &policy);
    face->band = sid_policy_band(&policy, similarity);
    face->result = result_of(face->band);
    return SID_OK;
}

static enum sid_err
settle_run(struct sid_op *op, struct sid_store *store) {
    struct sid_face_check *face = face_of_op(op);
    char reasons[SID_REASONS_TEXT_SIZE];
    char detail[DETAIL_SIZE];
    if (face->work_err != SID_OK)
        return face->work_err;
    enum sid_err err = compare(face, store);
    if (err != SID_OK)
        return err;
    bool used = face->reasons.count == 0;
    sid_reasons_pack(&face->reasons, reasons);
    (void)snprintf(detail, sizeof detail, "id=%s band=%s reasons=%s", face->id,
                   used ? sid_band_name(face->band) : "", reasons);
    err = sid_app_audit(
        store, "face_checked", sid_caller_actor(&face->flow.caller),
        face->check.credential_id, sid_face_result_name(face->result), detail);
    /* It was compared, whatever becomes of the row. */
    if (used)
        face->has_try = false;
    return err;
}

static void
submit_settle(struct sid_face_check *face) {
    face->flow.op = (struct sid_op){0};
    sid_flow_submit(&face->flow, settle_run, face_done);
}

/* ---- worker -------------------------------------------------------------- */

/* A clerk has seen the person, so nothing is asked of liveness. The reasons are
 * about the one photo there is. */
static void
look_at(struct sid_face_check *face, const struct sid_photo_facts *facts) {
    struct sid_reasons reasons = {0};
    sid_policy_photo(facts, SID_PHOTO_SELFIE, &reasons);
    for (size_t i = 0; i < reasons.count; i++)
        sid_reasons_add(&face->reasons, reasons.item[i].reason, SID_PHOTO_NONE);
    if (reasons.count == 0)
        memcpy(face->face, facts->embedding, sizeof face->face);
}

static enum sid_err
work(struct sid_face_check *face, struct sid_examiner *examiner) {
    struct sid_app *app = face->flow.app;
    struct sid_photo_facts facts = {0};
    if (atomic_load(&app->stopping) || examiner == NULL)
        return SID_E_STOPPING;
    pthread_rwlock_rdlock(&app->suspects);
    enum sid_err err = sid_examiner_begin(examiner);
    if (err == SID_OK)
        err = sid_examiner_examine(examiner, face->check.credential_id,
                                   sid_buf_span(&face->photo), SID_PHOTO_SELFIE,
                                   &facts);
    pthread_rwlock_unlock(&app->suspects);
    if (err == SID_OK)
        look_at(face, &facts);
    sid_photo_facts_fini(&facts);
    return err;
}

static void
job_run(struct sid_job *node, void *worker_ctx) {
    struct sid_face_check *face =
        (struct sid_face_check *)(void *)((char *)node -
                                          offsetof(struct sid_face_check, job));
    int64_t start_us = sid_mono_us();
    enum sid_err err = work(face, worker_ctx);
    if (err != SID_OK && err != SID_E_STOPPING)
        sid_log(SID_LOG_ERROR, "face_not_examined", SID_S("id", face->id),
                SID_S("code", sid_err_code(err)));
    /* Nobody to look at the photo now: to the client it is a full queue. */
    face->work_err = err == SID_E_IO ? SID_E_QUEUE_FULL : err;
    sid_histogram_observe_us(SID_H_ENROL_WORK, sid_mono_us() - start_us);
    submit_settle(face);
}

/* ---- before the photo ---------------------------------------------------- */

/* A worker's time is for who has a face to compare with. */
static enum sid_err
begin_run(struct sid_op *op, struct sid_store *store) {
    struct sid_face_check *face = face_of_op(op);
    struct sid_subject_key key;
    char enrolment_id[SID_ID_SIZE];
    struct sid_buf sealed = SID_BUF_EMPTY;
    enum sid_err err = sid_app_checked(face->flow.app, store, &face->check,
                                       enrolment_id, &key);
    if (err != SID_OK)
        return err;
    err = sid_store_template_get(store, enrolment_id, &sealed);
    sid_buf_free(&sealed);
    return err == SID_E_NOT_FOUND ? SID_E_NO_FACE : err;
}

static void
begin_done(struct sid_op *op) {
    struct sid_face_check *face = face_of_op(op);
    struct sid_pool *pool = atomic_load(&face->flow.app->pool);
    if (sid_flow_result(op) != SID_OK) {
        face_done(op);
        return;
    }
    face->job.run = job_run;
    if (pool != NULL) {
        sid_pool_submit(pool, &face->job);
    } else {
        face->work_err = SID_E_STOPPING;
        submit_settle(face);
    }
}

enum sid_err
sid_face_check_known(struct sid_app *app, const struct sid_caller *caller,
                     const char *id) {
    return sid_recent_has_try(app->recent, id, caller->client_id,
                              sid_time_s(app));
}

void
sid_face_check_start(struct sid_face_check *face) {
    struct sid_flow *flow = &face->flow;
    struct sid_app *app = flow->app;
    face->has_place = true;
    flow->err =
        atomic_load(&app->stopping)
            ? SID_E_STOPPING
            : sid_recent_take_try(app->recent, face->id, flow->caller.client_id,
                                  sid_time_s(app), &face->check);
    if (flow->err != SID_OK) {
        give_back(face);
        flow->done(flow);
        return;
    }
    face->has_try = true;
    flow->op.read_only = true;
    sid_flow_submit(flow, begin_run, begin_done);
}

void
sid_face_check_fini(struct sid_face_check *face) {
    sid_buf_free(&face->photo);
    sid_wipe(face->face, sizeof face->face);
}
