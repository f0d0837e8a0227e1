/* flow_misuse.c: see flow_misuse.h. The flow belongs to the thread that is made
 * for it, then to the writer, which notes that it was read. The thread belongs
 * to the app, which waits for it at its end. */
#include "smartid/flow_misuse.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app_internal.h"
#include "smartid/clock.h"
#include "smartid/report.h"

/* Rows read in one transaction. Source: that of smartidctl's, some tens of
 * milliseconds: so long the writer cannot empty its WAL. */
#define SLICE_ROWS 4096
/* Behind everybody who waits for an answer. Source: sched(7), a tenth of the
 * daemon's weight. */
#define NICENESS 10

/* ---- what is found ------------------------------------------------------- */

static void
tell(const struct sid_suspicion *suspicion, void *ctx) {
    struct sid_misuse *misuse = ctx;
    misuse->count++;
    if (misuse->count > SID_MISUSE_FOUND_MAX || misuse->work_err != SID_OK)
        return;
    if (misuse->count > 1)
        misuse->work_err = sid_buf_append(&misuse->found, ",", 1);
    if (misuse->work_err == SID_OK)
        misuse->work_err = sid_suspicion_json(suspicion, &misuse->found);
}

/* ---- the log ------------------------------------------------------------- */

static enum sid_err
take_row(const struct sid_audit_entry *entry, void *ctx) {
    struct sid_misuse *misuse = ctx;
    const struct sid_audit_row *row = &entry->row;
    misuse->after_seq = row->seq;
    misuse->rows++;
    if (row->at_us >= misuse->until_s * 1000000)
        misuse->past = true;
    if (misuse->past || row->at_us < misuse->since_s * 1000000)
        return SID_OK;
    misuse->last_at_us = row->at_us;
    misuse->checks += strcmp(row->event, "verification") == 0;
    return sid_report_row(misuse->report, entry);
}

static enum sid_err
take_time(const struct sid_audit_entry *entry, void *ctx) {
    *(int64_t *)ctx = entry->row.at_us;
    return SID_OK;
}

/* The number behind which the rows of the time begin: the log's time never goes
 * back, so it is found by halving. */
static enum sid_err
find_begin(struct sid_misuse *misuse, struct sid_store *store) {
    enum sid_err err = sid_store_begin_read(store);
    if (err != SID_OK)
        return err;
    for (int64_t step = INT64_C(1) << 40; err == SID_OK && step > 0;
         step /= 2) {
        int64_t at_us = INT64_MAX; /* there is no row behind */
        err = sid_store_audit_each(store, misuse->after_seq + step, 1,
                                   take_time, &at_us);
        if (err == SID_OK && at_us < misuse->since_s * 1000000)
            misuse->after_seq += step;
    }
    sid_store_rollback(store);
    return err;
}

static enum sid_err
read_slice(struct sid_misuse *misuse, struct sid_store *store) {
    enum sid_err err = sid_store_begin_read(store);
    if (err != SID_OK)
        return err;
    err = sid_store_audit_each(store, misuse->after_seq, SLICE_ROWS, take_row,
                               misuse);
    sid_store_rollback(store);
    return err == SID_OK ? misuse->work_err : err;
}

static enum sid_err
read_rows(struct sid_misuse *misuse, struct sid_store *store) {
    enum sid_err err = find_begin(misuse, store);
    while (err == SID_OK && !misuse->past) {
        int64_t before = misuse->rows;
        if (atomic_load(&misuse->flow.app->stopping))
            return SID_E_STOPPING;
        err = read_slice(misuse, store);
        if (misuse->rows - before < SLICE_ROWS)
            misuse->past = true; /* there are no more */
        else if (misuse->rows >= misuse->rows_max ||
                 sid_report_held(misuse->report) > misuse->held_max)
            break;
    }
    return err;
}

static enum sid_err
make_report(struct sid_misuse *misuse) {
    struct sid_config config;
    struct sid_store *store = NULL;
    struct sid_report_limits limits;
    sid_app_config(misuse->flow.app, &config);
    sid_report_limits_default(&limits);
    enum sid_err err = sid_store_open_readonly(config.database, &store);
    if (err != SID_OK)
        return err == SID_E_NOT_FOUND ? SID_E_STORE : err;
    err = sid_report_new(&limits, NULL, tell, misuse, &misuse->report);
    if (err == SID_OK)
        err = read_rows(misuse, store);
    sid_store_close(&store);
    if (err == SID_OK) {
        sid_report_end(&misuse->report);
        err = misuse->work_err;
    }
    sid_report_free(&misuse->report);
    misuse->complete = misuse->past;
    if (!misuse->complete)
        misuse->until_s = misuse->last_at_us / 1000000;
    return err;
}

/* ---- the writer ---------------------------------------------------------- */

static enum sid_err
note_run(struct sid_op *op, struct sid_store *store) {
    struct sid_misuse *misuse = (struct sid_misuse *)op;
    char since[SID_TIME_TEXT_SIZE], until[SID_TIME_TEXT_SIZE];
    char detail[2 * SID_TIME_TEXT_SIZE + 64];
    if (misuse->work_err != SID_OK)
        return misuse->work_err;
    sid_time_text(misuse->since_s, since);
    sid_time_text(misuse->until_s, until);
    (void)snprintf(detail, sizeof detail, "found=%" PRId64 " since=%s until=%s",
                   misuse->count, since, until);
    return sid_app_audit(store, "misuse_reported",
                         sid_caller_actor(&misuse->flow.caller), "", "shown",
                         detail);
}

/* ---- the thread ---------------------------------------------------------- */

static void *
misuse_main(void *arg) {
    struct sid_misuse *misuse = arg;
    struct sid_app *app = misuse->flow.app;
    (void)!nice(NICENESS); /* of this thread, on Linux */
    enum sid_err err = make_report(misuse);
    misuse->work_err = err == SID_E_AGAIN ? SID_E_STORE : err;
    misuse->flow.op.single_write = true;
    /* First: who is answered may ask for the next one. */
    pthread_mutex_lock(&app->lock);
    app->misuse.running = false;
    pthread_mutex_unlock(&app->lock);
    sid_flow_submit(&misuse->flow, note_run, sid_flow_end);
    return NULL;
}

/* A thread that is not running any more has only to hand its flow over, which
 * needs no lock of the app's. */
static void
join(struct sid_app *app) {
    if (app->misuse.joinable)
        pthread_join(app->misuse.thread, NULL);
    app->misuse.joinable = false;
}

void
sid_misuse_start(struct sid_misuse *misuse) {
    struct sid_flow *flow = &misuse->flow;
    struct sid_app *app = flow->app;
    if (!sid_flow_admit(flow))
        return;
    pthread_mutex_lock(&app->lock);
    enum sid_err err = app->misuse.running ? SID_E_QUEUE_FULL : SID_OK;
    if (err == SID_OK) {
        join(app);
        if (pthread_create(&app->misuse.thread, NULL, misuse_main, misuse) == 0)
            app->misuse.running = app->misuse.joinable = true;
        else
            err = SID_E_NO_MEMORY;
    }
    pthread_mutex_unlock(&app->lock);
    if (err == SID_OK)
        return; /* the flow is the thread's */
    flow->err = err;
    flow->done(flow);
}

void
sid_misuse_stop(struct sid_app *app) {
    join(app);
}

void
sid_misuse_fini(struct sid_misuse *misuse) {
    sid_buf_free(&misuse->found);
}
