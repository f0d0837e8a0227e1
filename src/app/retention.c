/* retention.c: what is erased by itself after a time (see retention.h). Begun
 * by the main thread's tick, done by the writer in small operations; a rule has
 * at most one under way. Owns the operations. */
#include "smartid/retention.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app_internal.h"
#include "smartid/clock.h"
#include "smartid/log.h"
#include "smartid/metrics.h"

#define DAY_S ((int64_t)86400)
/* How often what has become due is looked for. */
#define ROUND_US ((int64_t)60 * 1000 * 1000)

static int64_t
days_of(const struct sid_config *config, enum sid_retention_rule rule) {
    switch (rule) {
    case SID_RETAIN_UNDECIDED:
        return config->undecided_days;
    case SID_RETAIN_REJECTED:
        return config->rejected_days;
    case SID_RETAIN_FAILED:
        return config->failed_days;
    case SID_RETAIN_REVOKED:
        return config->revoked_days;
    case SID_RETAIN_AUDIT:
        return config->audit_days;
    case SID_RETENTION_COUNT:
        break;
    }
    SID_ASSERT(false);
    return 0;
}

/* ---- applying a rule ----------------------------------------------------- */

struct due {
    int count;
    struct sid_erasure person[SID_RETENTION_PEOPLE_MAX];
};

static enum sid_err
keep_due(const char *enrolment_id, const char *credential_id, void *ctx) {
    struct due *due = ctx;
    struct sid_erasure *person = &due->person[due->count++];
    (void)snprintf(person->enrolment_id, sizeof person->enrolment_id, "%s",
                   enrolment_id);
    (void)snprintf(person->credential_id, sizeof person->credential_id, "%s",
                   credential_id);
    return SID_OK;
}

static enum sid_err
erase_due(struct sid_store *store, enum sid_retention_rule rule,
          int64_t before_s, int64_t now_s, int *done) {
    struct due due = {0};
    enum sid_err err = sid_store_retention_each(
        store, rule, before_s, SID_RETENTION_PEOPLE_MAX, keep_due, &due);
    for (int i = 0; err == SID_OK && i < due.count; i++) {
        due.person[i].cause = sid_retention_cause(rule);
        due.person[i].erased_at_s = now_s;
        err = sid_person_erase(store, &due.person[i], "system");
    }
    if (err == SID_OK)
        *done = due.count;
    return err;
}

static enum sid_err
prune_audit(struct sid_store *store, int64_t before_s, int *done) {
    int64_t removed = 0;
    enum sid_err err = sid_store_audit_prune(store, before_s * 1000000,
                                             SID_RETENTION_ROWS_MAX, &removed);
    if (err == SID_OK && removed > 0) {
        char detail[64];
        (void)snprintf(detail, sizeof detail, "rows=%lld", (long long)removed);
        err =
            sid_app_audit(store, "audit_pruned", "system", "", "done", detail);
    }
    if (err == SID_OK)
        *done = (int)removed;
    return err;
}

enum sid_err
sid_retention_apply_in(struct sid_store *store, const struct sid_config *config,
                       enum sid_retention_rule rule, int64_t now_s, int *done,
                       bool *more) {
    bool audit = rule == SID_RETAIN_AUDIT;
    int64_t days = days_of(config, rule);
    int64_t before_s = now_s - days * DAY_S;
    int count = 0;
    enum sid_err err = sid_store_retention_ran(store, rule, now_s);
    if (err == SID_OK && days > 0)
        err = audit ? prune_audit(store, before_s, &count)
                    : erase_due(store, rule, before_s, now_s, &count);
    if (err == SID_OK) {
        *done = count;
        *more = count ==
                (audit ? SID_RETENTION_ROWS_MAX : SID_RETENTION_PEOPLE_MAX);
    }
    return err;
}

/* ---- the timer ----------------------------------------------------------- */

struct work {
    struct sid_op op;
    struct sid_app *app;
    struct sid_config config;
    enum sid_retention_rule rule;
    int done;
    bool more;
};

static enum sid_err
apply_run(struct sid_op *op, struct sid_store *store) {
    struct work *work = (struct work *)op;
    return sid_retention_apply_in(store, &work->config, work->rule, sid_now_s(),
                                  &work->done, &work->more);
}

static void
apply_done(struct sid_op *op) {
    struct work *work = (struct work *)op;
    struct sid_retention_state *state = &work->app->retention;
    const char *name = sid_retention_name(work->rule);
    bool audit = work->rule == SID_RETAIN_AUDIT;
    bool again = op->err == SID_E_AGAIN; /* another daemon was in the way */
    if (op->err != SID_OK && !again)
        sid_log(SID_LOG_ERROR, "retention_failed", SID_S("rule", name),
                SID_S("code", sid_err_code(op->err)));
    else if (op->err == SID_OK && work->done > 0)
        sid_log(SID_LOG_INFO, "retention_applied", SID_S("rule", name),
                SID_N(audit ? "rows" : "people", work->done));
    if (op->err == SID_OK && !audit)
        sid_metric_add(SID_M_ERASED, work->done);
    atomic_store(&state->due[work->rule],
                 again || (op->err == SID_OK && work->more));
    atomic_fetch_sub(&state->running, 1);
    free(work);
}

static void
apply(struct sid_app *app, const struct sid_config *config,
      enum sid_retention_rule rule) {
    struct work *work = calloc(1, sizeof *work);
    if (work == NULL)
        return; /* still due: the next tick tries again */
    work->op.run = apply_run;
    work->op.done = apply_done;
    work->op.alone = true;
    work->app = app;
    work->config = *config;
    work->rule = rule;
    atomic_fetch_add(&app->retention.running, 1);
    sid_writer_submit(app->writer, &work->op);
}

/* Says that the bureau has to file with the authority soon, once a day. */
static void
watch_faces(struct sid_app *app, const struct sid_config *config) {
    int64_t faces = sid_metric_get(SID_M_FACES_STORED);
    bool over = faces >= config->faces_alarm;
    int64_t now_s = sid_now_s();
    sid_metric_set(SID_M_FACES_ALARM, over);
    if (!over || now_s < app->retention.warned_at_s + DAY_S)
        return;
    app->retention.warned_at_s = now_s;
    sid_log(SID_LOG_WARN, "faces_alarm", SID_N("stored", faces),
            SID_N("faces_alarm", config->faces_alarm));
}

void
sid_retention_tick(struct sid_app *app, int64_t now_us) {
    struct sid_retention_state *state = &app->retention;
    struct sid_config config;
    sid_app_config(app, &config);
    watch_faces(app, &config);
    if (atomic_load(&state->running) > 0 || atomic_load(&app->stopping))
        return;
    bool begin = now_us >= state->next_us;
    if (begin)
        state->next_us = now_us + ROUND_US;
    for (int rule = 0; rule < SID_RETENTION_COUNT; rule++) {
        if (begin)
            atomic_store(&state->due[rule], true);
        if (atomic_load(&state->due[rule]))
            apply(app, &config, (enum sid_retention_rule)rule);
    }
}

/* ---- what is about to happen --------------------------------------------- */

enum sid_err
sid_retention_status_in(struct sid_store *store,
                        const struct sid_config *config, int64_t now_s,
                        struct sid_retention_row out[SID_RETENTION_COUNT]) {
    struct sid_retention_row rows[SID_RETENTION_COUNT] = {0};
    enum sid_err err = SID_OK;
    for (int i = 0; i < SID_RETENTION_COUNT && err == SID_OK; i++) {
        enum sid_retention_rule rule = (enum sid_retention_rule)i;
        struct sid_retention_row *row = &rows[i];
        row->days = days_of(config, rule);
        int64_t before_s = row->days > 0 ? now_s - row->days * DAY_S : 0;
        err = sid_store_retention_last(store, rule, &row->ran_at_s);
        if (err == SID_OK && rule == SID_RETAIN_AUDIT) {
            err = sid_store_audit_age(store, before_s * 1000000, &row->due,
                                      &row->oldest_s);
            row->oldest_s /= 1000000;
        } else if (err == SID_OK) {
            err = sid_store_retention_count(store, rule, before_s, &row->due,
                                            &row->oldest_s);
        }
    }
    if (err == SID_OK)
        memcpy(out, rows, sizeof rows);
    return err;
}

static enum sid_err
look_run(struct sid_op *op, struct sid_store *store) {
    struct sid_retention_look *look = (struct sid_retention_look *)op;
    struct sid_config config;
    sid_app_config(look->flow.app, &config);
    look->faces = sid_store_template_count(store);
    look->faces_alarm = config.faces_alarm;
    return sid_retention_status_in(store, &config, sid_now_s(), look->row);
}

void
sid_retention_look_start(struct sid_retention_look *look) {
    if (!sid_flow_admit(&look->flow))
        return;
    look->flow.op.read_only = true;
    sid_flow_submit(&look->flow, look_run, sid_flow_end);
}
