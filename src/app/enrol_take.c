/* enrol_take.c: enrolments that are stored and not decided, and that nobody
 * works on: at the start those that a former run left, later those of daemons
 * on the same database that have died. They become jobs that wait for a place.
 */
#include <stdlib.h>

#include "app_internal.h"
#include "smartid/clock.h"
#include "smartid/log.h"

struct take {
    struct sid_op op;
    struct sid_app *app;
    struct sid_enrol_job *list; /* owned */
    struct sid_enrol_job **end; /* where the next one is hung */
    int64_t count;
};

static enum sid_err
take_one(const char *id, int attempts, void *ctx) {
    struct take *take = ctx;
    struct sid_enrol_job *job = NULL;
    enum sid_err err = sid_enrol_job_new(take->app, id, &job);
    if (err != SID_OK)
        return err;
    job->suspect = attempts > 0;
    if (attempts >= SID_ATTEMPTS_MAX)
        sid_enrol_job_give_up(job);
    *take->end = job;
    take->end = &job->next;
    take->count++;
    return SID_OK;
}

static void
begin_anew(struct take *take) {
    sid_enrol_jobs_free(&take->list);
    take->end = &take->list;
    take->count = 0;
}

/* ---- our own ------------------------------------------------------------- */

static enum sid_err
resume_run(struct sid_op *op, struct sid_store *store) {
    struct take *take = (struct take *)op;
    begin_anew(take);
    return sid_store_enrol_unfinished(store, take_one, take);
}

enum sid_err
sid_enrol_resume(struct sid_app *app) {
    struct take take = {.op = {.run = resume_run, .read_only = true},
                        .app = app};
    enum sid_err err = sid_writer_run(app->writer, &take.op);
    if (err != SID_OK) {
        sid_enrol_jobs_free(&take.list);
        return err;
    }
    sid_enrol_jobs_wait(app, take.list);
    if (take.count > 0)
        sid_log(SID_LOG_INFO, "enrolments_taken_up",
                SID_N("count", take.count));
    sid_enrol_work_tick(app);
    return SID_OK;
}

/* ---- those of the dead --------------------------------------------------- */

enum sid_err
sid_enrol_orphaned(struct sid_store *store, bool *out) {
    return sid_store_enrol_orphans(store, sid_now_us() - SID_DEAD_AFTER_US,
                                   out);
}

static enum sid_err
take_run(struct sid_op *op, struct sid_store *store) {
    struct take *take = (struct take *)op;
    begin_anew(take);
    return sid_store_enrol_take_over(store, sid_now_us() - SID_DEAD_AFTER_US,
                                     take_one, take);
}

static void
take_done(struct sid_op *op) {
    struct take *take = (struct take *)op;
    struct sid_app *app = take->app;
    if (op->err != SID_OK)
        sid_enrol_jobs_free(&take->list); /* there is another second */
    if (take->count > 0 && op->err == SID_OK)
        sid_log(SID_LOG_WARN, "enrolments_taken_over",
                SID_N("count", take->count));
    sid_enrol_jobs_wait(app, take->list);
    atomic_store(&app->shared.taking, false);
    free(take);
}

void
sid_enrol_take_over(struct sid_app *app) {
    if (atomic_load(&app->pool) == NULL || atomic_load(&app->stopping) ||
        atomic_exchange(&app->shared.taking, true))
        return;
    struct take *take = calloc(1, sizeof *take);
    if (take == NULL) {
        atomic_store(&app->shared.taking, false);
        return; /* the next look will do it */
    }
    take->op = (struct sid_op){.run = take_run, .done = take_done};
    take->app = app;
    sid_writer_submit(app->writer, &take->op);
}
