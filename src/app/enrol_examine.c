/* enrol_examine.c: a job's photos, taken apart one after the other, or two at a
 * time while another worker has nothing to do: whoever enrols alone has an
 * answer in little more than half the time, and with all workers busy nothing
 * changes. Runs on the workers' threads; owns the plain photo while it is
 * looked at. */
#include "enrol_examine.h"

#include "smartid/photo.h"
#include "smartid/pool.h"

/* One photo, for whoever looks at it. All but `out` is the owner's again once
 * the part has been taken back. */
struct look {
    struct sid_subtask part;
    struct sid_enrol_job *job;
    enum sid_photo_kind kind;
    uint8_t *portrait;
    struct sid_photo_facts *out;
    int64_t deadline_us; /* for another worker */
    /* What came of it when another worker did it. */
    enum sid_err err;
    enum sid_fault fault;
    bool gave_up;
};

static enum sid_err
examine(const struct look *look, struct sid_examiner *examiner) {
    struct sid_enrol_job *job = look->job;
    struct sid_subject subject =
        sid_app_subject(job->app, job->id, &job->enrolment.key);
    struct sid_place place = sid_enrol_photo_place(job->id, look->kind);
    struct sid_buf photo = SID_BUF_EMPTY;
    enum sid_err err = sid_subject_open(
        &subject, &place, sid_buf_span(&job->sealed[look->kind]), &photo);
    if (err == SID_OK)
        err = sid_examiner_portray(
            examiner, job->id, sid_buf_span(&photo), look->kind,
            look->kind == SID_PHOTO_SELFIE ? look->portrait : NULL, look->out);
    sid_buf_free(&photo);
    return err;
}

static void
assist(struct sid_subtask *part, void *worker_ctx) {
    struct look *look = (struct look *)part;
    struct sid_examiner *examiner = worker_ctx;
    look->err = sid_examiner_assist(examiner, look->deadline_us);
    if (look->err == SID_OK)
        look->err = examine(look, examiner);
    look->fault = sid_examiner_fault(examiner);
    look->gave_up = sid_examiner_gave_up(examiner);
}

/* What another worker did counts; what it could not do is done here, as far as
 * the job may still try. */
static enum sid_err
take_over(struct look *look, struct sid_examiner *examiner) {
    if (look->err == SID_OK && !look->gave_up)
        return SID_OK;
    sid_photo_facts_fini(look->out);
    *look->out = (struct sid_photo_facts){0};
    return sid_examiner_take_over(examiner, look->fault)
               ? examine(look, examiner)
               : SID_OK;
}

enum sid_err
sid_enrol_examine(struct sid_enrol_job *job, struct sid_examiner *examiner,
                  uint8_t *portrait, struct sid_photo_facts *facts,
                  enum sid_photo_kind *broken) {
    int kinds = SID_PHOTO_FRAME_1 + job->enrolment.challenge.steps.count;
    struct sid_pool *pool = atomic_load(&job->app->pool);
    enum sid_err err = SID_OK;
    *broken = SID_PHOTO_NONE;
    for (int kind = 0; err == SID_OK && kind < kinds; kind++) {
        struct look mine = {.job = job,
                            .kind = (enum sid_photo_kind)kind,
                            .portrait = portrait,
                            .out = &facts[kind]};
        struct look next = mine;
        next.part.run = assist;
        next.kind = (enum sid_photo_kind)(kind + 1);
        next.out = &facts[kind + 1];
        next.deadline_us = sid_examiner_deadline(examiner);
        /* A suspect costs one process at a time. */
        bool offered = kind + 1 < kinds && !job->suspect && pool != NULL &&
                       sid_pool_offer(pool, &next.part);
        err = examine(&mine, examiner);
        bool done = offered && !sid_pool_take_back(pool, &next.part);
        if (err == SID_OK && done && !sid_examiner_gave_up(examiner)) {
            kind++;
            err = take_over(&next, examiner);
        }
        if (err == SID_OK && sid_examiner_gave_up(examiner)) {
            *broken = (enum sid_photo_kind)kind;
            break;
        }
    }
    return err;
}
