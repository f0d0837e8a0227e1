/* enrol_work.c: a stored enrolment's way through a face worker.
 *
 * A job belongs to the pool, then to the worker that runs it, then to the
 * writer that stores its decision, and ends there. A decision that could not be
 * stored (disk full) is parked and submitted again by the main thread's tick
 * once the writer says that the storage takes something: no work is lost while
 * the process lives, and none after, because the enrolment is still
 * `processing` on disk. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app_internal.h"
#include "enrol_examine.h"
#include "smartid/clock.h"
#include "smartid/log.h"
#include "smartid/metrics.h"
#include "smartid/photo.h"
#include "smartid/store_photo.h"

#define DETAIL_SIZE 64
/* How often a job comes back after an error of the store that may be the row's
 * own, or of OpenSSL, which does not tell that it had no memory: one that
 * passes is waited for in between. Own choice. */
#define FAILURES_MAX 5
/* How long no photo must have been freed before the heaps' free pages go back
 * to the system. Source: own choice: long against the gaps between enrolments
 * of a busy hour, which would only fetch the pages again. */
#define TRIM_AFTER_US ((int64_t)5 * 1000 * 1000)

enum sid_err
sid_enrol_job_new(struct sid_app *app, const char *id,
                  struct sid_enrol_job **out) {
    struct sid_enrol_job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return SID_E_NO_MEMORY;
    job->app = app;
    memcpy(job->id, id, sizeof job->id);
    *out = job;
    return SID_OK;
}

static void
drop_photos(struct sid_enrol_job *job) {
    for (int kind = 0; kind < SID_PHOTO_KINDS; kind++)
        sid_buf_free(&job->sealed[kind]);
    atomic_fetch_sub(&job->app->held_bytes, job->held_bytes);
    job->held_bytes = 0;
    atomic_store(&job->app->memory_used, true);
}

static void
give_place_back(struct sid_enrol_job *job) {
    struct sid_pool *pool = atomic_load(&job->app->pool);
    if (job->has_place && pool != NULL) /* NULL while the daemon stops */
        sid_pool_release(pool);
    job->has_place = false;
}

void
sid_enrol_job_free(struct sid_enrol_job **job) {
    struct sid_enrol_job *me = *job;
    if (me == NULL)
        return;
    *job = NULL;
    drop_photos(me);
    sid_enrolment_fini(&me->enrolment);
    sid_wipe(me->face, sizeof me->face);
    sid_buf_free(&me->portrait);
    for (int i = 0; i < SID_FACES_SHOWN; i++)
        sid_buf_free(&me->faces[i]);
    give_place_back(me);
    free(me);
}

enum sid_err
sid_enrol_job_seal(struct sid_enrol_job *job, const struct sid_subject_key *key,
                   struct sid_buf photo[SID_PHOTO_KINDS]) {
    struct sid_subject subject = sid_app_subject(job->app, job->id, key);
    for (int kind = 0; kind < SID_PHOTO_KINDS; kind++) {
        struct sid_place place =
            sid_enrol_photo_place(job->id, (enum sid_photo_kind)kind);
        if (photo[kind].len == 0)
            continue;
        enum sid_err err = sid_subject_seal(
            &subject, &place, sid_buf_span(&photo[kind]), &job->sealed[kind]);
        if (err != SID_OK)
            return err;
        sid_buf_free(&photo[kind]); /* one plain photo at a time */
    }
    return SID_OK;
}

enum sid_err
sid_enrol_job_store(const struct sid_enrol_job *job, struct sid_store *store) {
    enum sid_err err = SID_OK;
    for (int i = 0; err == SID_OK && i < SID_PHOTO_KINDS; i++) {
        enum sid_photo_kind kind = (enum sid_photo_kind)i;
        struct sid_span sealed = sid_buf_span(&job->sealed[i]);
        if (sealed.len == 0)
            continue;
        err = job->blob[0] == '\0'
                  ? sid_store_photo_put(store, job->id, kind, sealed)
                  : sid_store_photo_note(store, job->id, kind, job->blob);
    }
    return err;
}

void
sid_enrol_job_hold(struct sid_enrol_job *job) {
    for (int kind = 0; kind < SID_PHOTO_KINDS; kind++)
        job->held_bytes += job->sealed[kind].cap;
    size_t before = atomic_fetch_add(&job->app->held_bytes, job->held_bytes);
    if (before + job->held_bytes > SID_HELD_MAX_BYTES)
        drop_photos(job);
}

static struct sid_enrol_job *
job_of_op(struct sid_op *op) {
    return (struct sid_enrol_job *)((char *)op -
                                    offsetof(struct sid_enrol_job, op));
}

/* ---- the writer's part: counting the attempt, reading photos back -------- */

static enum sid_err
begin_run(struct sid_op *op, struct sid_store *store) {
    struct sid_enrol_job *job = job_of_op(op);
    int attempts = 0;
    sid_enrolment_fini(&job->enrolment); /* a commit before may have failed */
    enum sid_err err =
        sid_store_enrol_begin_work(store, job->id, sid_now_s(), &attempts);
    if (err == SID_OK)
        err = sid_store_enrol_get(store, job->id, &job->enrolment);
    char detail[DETAIL_SIZE];
    (void)snprintf(detail, sizeof detail, "attempts=%d", attempts);
    if (err == SID_OK)
        err = sid_app_audit(store, "enrolment_begun", "system", job->id,
                            sid_enrol_state_name(job->enrolment.state), detail);
    return err;
}

static enum sid_err
photos_run(struct sid_op *op, struct sid_store *store) {
    struct sid_enrol_job *job = job_of_op(op);
    enum sid_err err = SID_OK;
    int kinds = SID_PHOTO_FRAME_1 + job->enrolment.challenge.steps.count;
    for (int kind = 0; err == SID_OK && kind < kinds; kind++)
        if (job->sealed[kind].len == 0)
            err = sid_store_photo_get(store, job->id, (enum sid_photo_kind)kind,
                                      &job->sealed[kind]);
    /* What is not there does not open: the job finds out. */
    return err == SID_E_SEAL ? SID_OK : err;
}

static enum sid_err
run_on_writer(struct sid_enrol_job *job, sid_op_run_fn *run, bool read_only) {
    job->op = (struct sid_op){.run = run, .read_only = read_only};
    return sid_writer_run(job->app->writer, &job->op);
}

/* ---- the decision -------------------------------------------------------- */

void
sid_enrol_count(enum sid_enrol_state state) {
    if (state == SID_ENROL_APPROVED)
        sid_metric_add(SID_M_ENROL_APPROVED, 1);
    else if (state == SID_ENROL_REVIEW)
        sid_metric_add(SID_M_ENROL_REVIEW, 1);
    else if (state == SID_ENROL_REJECTED)
        sid_metric_add(SID_M_ENROL_REJECTED, 1);
    else if (state == SID_ENROL_FAILED)
        sid_metric_add(SID_M_ENROL_FAILED, 1);
}

/* An appeal goes to review in any case: there is no second one. An officer sees
 * what the rules would have said, or that nobody could look at the photos. */
static void
to_officer(struct sid_enrol_job *job) {
    job->decision.state = SID_ENROL_REVIEW;
    sid_reasons_add(&job->decision.reasons, SID_REASON_APPEAL, SID_PHOTO_NONE);
}

static enum sid_err
settle_run(struct sid_op *op, struct sid_store *store) {
    struct sid_enrol_job *job = job_of_op(op);
    sid_enrolment_fini(&job->enrolment);
    enum sid_err err = sid_store_enrol_get(store, job->id, &job->enrolment);
    if (err != SID_OK)
        return err;
    if (sid_store_is_shared(store) &&
        job->enrolment.worker != sid_store_slot(store))
        return SID_E_CONFLICT; /* another daemon took us for dead */
    if (job->enrolment.appealed_at_s != 0 &&
        job->decision.state != SID_ENROL_REVIEW)
        to_officer(job);
    struct sid_verdict verdict = {
        .state = job->decision.state,
        .reasons = job->decision.reasons,
        .has_scores = job->decision.has_scores,
        .similarity = (double)job->decision.similarity,
        .liveness = (double)job->decision.liveness,
        .challenge = job->decision.challenge.outcome != SID_CHALLENGE_NONE
                         ? &job->decision.challenge
                         : NULL,
        .actor = "system",
        .decided_by = "",
        .note = "",
        .face = job->has_face ? job->face : NULL,
        .portrait = sid_buf_span(&job->portrait),
        .faces = job->faces,
    };
    return sid_enrol_settle(job->app, store, &job->enrolment, &verdict);
}

/* Not found is how a job learns that the person was erased meanwhile, a
 * conflict that another daemon has it: nothing of it is stored. */
static void
log_lost(const struct sid_enrol_job *job, const char *event, enum sid_err err) {
    bool usual = err == SID_E_NOT_FOUND || err == SID_E_CONFLICT;
    sid_log(usual ? SID_LOG_INFO : SID_LOG_ERROR, event, SID_S("id", job->id),
            SID_S("code", sid_err_code(err)));
}

/* Whether it is worth another try, once the storage takes something. */
static bool
may_pass(struct sid_enrol_job *job, enum sid_err err) {
    return err == SID_E_STORE_FULL || err == SID_E_NO_MEMORY ||
           ((err == SID_E_STORE || err == SID_E_CRYPTO) &&
            job->failures++ < FAILURES_MAX);
}

static void
park(struct sid_enrol_job *job) {
    pthread_mutex_lock(&job->app->lock);
    job->next = job->app->parked;
    job->app->parked = job;
    pthread_mutex_unlock(&job->app->lock);
}

static void
settle_done(struct sid_op *op) {
    struct sid_enrol_job *job = job_of_op(op);
    struct sid_app *app = job->app;
    if (may_pass(job, op->err)) {
        park(job);
        return;
    }
    if (op->err == SID_OK)
        sid_enrol_count(job->enrolment.state);
    else
        log_lost(job, "enrolment_not_stored", op->err);
    char id[SID_ID_SIZE];
    memcpy(id, job->id, sizeof id);
    sid_enrol_job_free(&job);
    sid_wait_settled(app, id);
}

static void
submit_settle(struct sid_enrol_job *job) {
    job->op = (struct sid_op){.run = settle_run, .done = settle_done};
    sid_writer_submit(job->app->writer, &job->op);
}

void
sid_enrol_job_give_up(struct sid_enrol_job *job) {
    job->decision = (struct sid_decision){.state = SID_ENROL_FAILED};
    sid_reasons_add(&job->decision.reasons, SID_REASON_GAVE_UP, SID_PHOTO_NONE);
}

/* ---- the worker's part --------------------------------------------------- */

/* What follows from the photos. broken: the one that nobody could look at, and
 * the last one that was tried; or SID_PHOTO_NONE. */
static void
judge(struct sid_enrol_job *job, const struct sid_photo_facts *facts,
      enum sid_photo_kind broken) {
    struct sid_policy policy;
    struct sid_frames frames = {.steps = job->enrolment.challenge.steps,
                                .frame = &facts[SID_PHOTO_FRAME_1]};
    sid_app_policy(job->app, &policy);
    if (broken == SID_PHOTO_NONE) {
        sid_policy_decide(&policy, &facts[SID_PHOTO_ID],
                          &facts[SID_PHOTO_SELFIE], &frames, &job->decision);
    } else {
        job->decision = (struct sid_decision){.state = SID_ENROL_REJECTED};
        sid_reasons_add(&job->decision.reasons, SID_REASON_IMAGE_UNREADABLE,
                        broken);
    }
    if (job->enrolment.appealed_at_s != 0)
        to_officer(job);
}

/* The selfie's only: what is compared later is the living face, and the card
 * adds nothing that the decision has not used. An appeal goes to review without
 * a face, too. */
static void
keep_face(struct sid_enrol_job *job, const struct sid_photo_facts *selfie) {
    job->has_face =
        selfie->faces > 0 && (job->decision.state == SID_ENROL_APPROVED ||
                              job->decision.state == SID_ENROL_REVIEW);
    if (job->has_face)
        memcpy(job->face, selfie->embedding, sizeof job->face);
}

/* Room for a portrait, when the person agreed to one. */
static enum sid_err
make_room(const struct sid_enrol_job *job, struct sid_buf *portrait) {
    return job->enrolment.consent_portrait
               ? sid_buf_reserve(portrait, SID_PORTRAIT_PIXEL_BYTES)
               : SID_OK;
}

/* Where the face is kept, its portrait is, too: sealed before it leaves this
 * thread. */
static enum sid_err
keep_portrait(struct sid_enrol_job *job, uint8_t *pixels) {
    if (!job->has_face || pixels == NULL)
        return SID_OK;
    struct sid_subject subject =
        sid_app_subject(job->app, job->id, &job->enrolment.key);
    struct sid_place place = sid_portrait_place(job->id);
    struct sid_buf file = SID_BUF_EMPTY;
    sid_buf_free(&job->portrait); /* of an attempt before */
    enum sid_err err = sid_portrait_write(pixels, &file);
    if (err == SID_OK)
        err = sid_subject_seal(&subject, &place, sid_buf_span(&file),
                               &job->portrait);
    sid_buf_free(&file);
    /* Only what is no face grows like that; it is not worth an enrolment. */
    return err == SID_E_IMAGE_TOO_LARGE ? SID_OK : err;
}

/* What an officer will look at beside the photos. */
static enum sid_err
show_faces(struct sid_enrol_job *job, const struct sid_photo_facts *facts) {
    if (job->decision.state != SID_ENROL_REVIEW)
        return SID_OK;
    struct sid_subject subject =
        sid_app_subject(job->app, job->id, &job->enrolment.key);
    return sid_enrol_faces_seal(&subject, job->id, facts, job->faces);
}

/* Errors: SID_E_IO (nobody can look at the photos now), SID_E_NO_MEMORY,
 * SID_E_CRYPTO (that may pass): nothing is decided. */
static enum sid_err
decide(struct sid_enrol_job *job, struct sid_examiner *examiner) {
    struct sid_photo_facts *facts = calloc(SID_PHOTO_KINDS, sizeof *facts);
    struct sid_buf pixels = SID_BUF_EMPTY;
    enum sid_err err =
        facts == NULL ? SID_E_NO_MEMORY : make_room(job, &pixels);
    enum sid_photo_kind broken = SID_PHOTO_NONE;
    if (err == SID_OK)
        err = sid_enrol_examine(job, examiner, pixels.ptr, facts, &broken);
    if (err == SID_OK) {
        judge(job, facts, broken);
        keep_face(job, &facts[SID_PHOTO_SELFIE]);
        err = keep_portrait(job, pixels.ptr);
        if (err == SID_OK)
            err = show_faces(job, facts);
    }
    bool later = err == SID_E_IO || err == SID_E_NO_MEMORY ||
                 (err == SID_E_CRYPTO && job->failures < FAILURES_MAX);
    if (err != SID_OK && !later) {
        sid_log(SID_LOG_ERROR, "enrolment_failed", SID_S("id", job->id),
                SID_S("code", sid_err_code(err)));
        sid_enrol_job_give_up(job);
        err = SID_OK;
    }
    for (int kind = 0; facts != NULL && kind < SID_PHOTO_KINDS; kind++)
        sid_photo_facts_fini(&facts[kind]);
    free(facts);
    sid_buf_free(&pixels);
    return err;
}

void
sid_enrol_jobs_free(struct sid_enrol_job **list) {
    while (*list != NULL) {
        struct sid_enrol_job *job = *list;
        *list = job->next;
        sid_enrol_job_free(&job);
    }
}

void
sid_enrol_jobs_wait(struct sid_app *app, struct sid_enrol_job *list) {
    pthread_mutex_lock(&app->lock);
    struct sid_enrol_job **link = &app->backlog;
    while (*link != NULL)
        link = &(*link)->next;
    *link = list;
    pthread_mutex_unlock(&app->lock);
}

/* The job could not begin. When that may pass, it is tried again; else it stays
 * on disk as it is and is taken up at the next start, and those who wait are
 * told the state it has. */
static void
leave_for_later(struct sid_enrol_job *job, enum sid_err err) {
    struct sid_app *app = job->app;
    if (err == SID_E_IO || may_pass(job, err)) {
        drop_photos(job);
        give_place_back(job);
        sid_enrol_jobs_wait(app, job);
        return;
    }
    if (err != SID_OK)
        log_lost(job, "enrolment_left", err);
    char id[SID_ID_SIZE];
    memcpy(id, job->id, sizeof id);
    sid_enrol_job_free(&job);
    sid_wait_settled(app, id);
}

/* From the counted attempt to the decision; a suspect alone. */
static enum sid_err
work(struct sid_enrol_job *job, struct sid_examiner *examiner) {
    pthread_rwlock_t *suspects = &job->app->suspects;
    if (job->suspect)
        pthread_rwlock_wrlock(suspects);
    else
        pthread_rwlock_rdlock(suspects);
    enum sid_err err = sid_examiner_begin(examiner);
    if (err == SID_OK)
        err = run_on_writer(job, begin_run, false);
    if (err == SID_OK)
        err = run_on_writer(job, photos_run, true);
    if (err == SID_OK)
        err = decide(job, examiner);
    pthread_rwlock_unlock(suspects);
    return err;
}

static void
job_run(struct sid_job *node, void *worker_ctx) {
    struct sid_enrol_job *job = (struct sid_enrol_job *)node;
    struct sid_examiner *examiner = worker_ctx;
    if (atomic_load(&job->app->stopping)) {
        leave_for_later(job, SID_OK);
        return;
    }
    int64_t start_us = sid_mono_us();
    enum sid_err err = work(job, examiner);
    if (err != SID_OK) {
        leave_for_later(job, err);
        return;
    }
    drop_photos(job);
    sid_histogram_observe_us(SID_H_ENROL_WORK, sid_mono_us() - start_us);
    submit_settle(job);
}

void
sid_enrol_job_submit(struct sid_enrol_job **take) {
    struct sid_enrol_job *job = *take;
    struct sid_pool *pool = atomic_load(&job->app->pool);
    *take = NULL;
    job->node.run = job_run;
    if (pool != NULL)
        sid_pool_submit(pool, &job->node);
    else
        sid_enrol_job_free(&job); /* stopping: on disk for the next start */
}

/* ---- tick, end ----------------------------------------------------------- */

/* Takes what waits for a place, as far as there are places. */
static void
feed_backlog(struct sid_app *app, struct sid_pool *pool) {
    pthread_mutex_lock(&app->lock);
    struct sid_enrol_job *list = app->backlog;
    app->backlog = NULL;
    pthread_mutex_unlock(&app->lock);
    while (list != NULL) {
        struct sid_enrol_job *job = list;
        bool gave_up = job->decision.state == SID_ENROL_FAILED;
        if (!gave_up && sid_pool_reserve(pool) != SID_OK)
            break;
        list = job->next;
        job->next = NULL;
        if (gave_up) {
            sid_log(SID_LOG_WARN, "enrolment_set_aside", SID_S("id", job->id));
            submit_settle(job);
        } else {
            job->has_place = true;
            sid_enrol_job_submit(&job);
        }
    }
    if (list != NULL)
        sid_enrol_jobs_wait(app, list);
}

/* glibc keeps what was freed below something that was not. */
static void
give_memory_back(struct sid_app *app) {
    int64_t now_us = sid_mono_us();
    if (atomic_exchange(&app->memory_used, false)) {
        app->trim_at_us = now_us + TRIM_AFTER_US;
    } else if (app->trim_at_us != 0 && now_us >= app->trim_at_us) {
        app->trim_at_us = 0;
        (void)malloc_trim(0);
        sid_log(SID_LOG_DEBUG, "memory_given_back",
                SID_N("us", sid_mono_us() - now_us));
    }
}

void
sid_enrol_work_tick(struct sid_app *app) {
    give_memory_back(app);
    /* Nothing can be begun or stored now; the writer finds out when. */
    if (sid_writer_storage(app->writer) != SID_OK)
        return;
    struct sid_pool *pool = atomic_load(&app->pool);
    if (pool != NULL && !atomic_load(&app->stopping))
        feed_backlog(app, pool);
    pthread_mutex_lock(&app->lock);
    struct sid_enrol_job *parked = app->parked;
    app->parked = NULL;
    pthread_mutex_unlock(&app->lock);
    while (parked != NULL) {
        struct sid_enrol_job *job = parked;
        parked = job->next;
        job->next = NULL;
        submit_settle(job);
    }
}

void
sid_enrol_work_fini(struct sid_app *app) {
    sid_enrol_jobs_free(&app->backlog);
    sid_enrol_jobs_free(&app->parked);
}
