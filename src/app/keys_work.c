/* keys_work.c: what the daemon does about its keys by itself: it wraps people's
 * keys again after a rotation, a little with each tick, and destroys code keys
 * whose last code has died. Begun by the main thread, done by the writer; at
 * most one operation of each kind is under way. */
#include <stdlib.h>

#include "app_internal.h"
#include "smartid/clock.h"
#include "smartid/keys.h"
#include "smartid/log.h"
#include "smartid/metrics.h"
#include "smartid/offline.h"

/* Fewest people's keys that are wrapped again at once where others are in the
 * way. Source: own choice: a transaction of two or three milliseconds, which
 * one of a few daemons that enrol without a pause lets by. */
#define REWRAP_MIN 8

struct work {
    struct sid_op op;
    struct sid_app *app;
    struct sid_stale stale;
    int destroyed;
    struct sid_key_range dead;
    int64_t life_s;
};

static struct work *
work_of(struct sid_op *op) {
    return (struct work *)op;
}

/* NULL without memory: the next round will do it. */
static struct work *
work_new(struct sid_app *app, sid_op_run_fn *run, sid_op_done_fn *done) {
    struct work *work = calloc(1, sizeof *work);
    if (work == NULL)
        return NULL;
    work->op.run = run;
    work->op.done = done;
    work->app = app;
    return work;
}

/* ---- wrapping again ------------------------------------------------------ */

enum sid_err
sid_keys_rewrap_begin(struct sid_app *app, struct sid_store *store) {
    int64_t left = 0;
    enum sid_err err = sid_store_subject_count_stale(
        store, sid_keyring_current(app->keys, SID_KEY_DATA),
        sid_keyring_current(app->keys, SID_KEY_TEMPLATE), &left);
    if (err != SID_OK)
        return err;
    atomic_store(&app->rewrap.left, left);
    atomic_store(&app->rewrap.total, left);
    atomic_store(&app->rewrap.most, SID_REWRAP_MAX);
    sid_metric_set(SID_M_REWRAP_LEFT, left);
    /* Also with nothing left: older versions may wait to be destroyed. */
    atomic_store(&app->rewrap.due, true);
    return SID_OK;
}

/* It is looked who is left; then either they are seen to or, with nobody left,
 * the older versions are destroyed; and so on with the next tick. */

static void
rewrap_end(struct work *work) {
    atomic_store(&work->app->rewrap.running, false);
    free(work);
}

static void
left_is(struct sid_app *app, int64_t left) {
    atomic_store(&app->rewrap.left, left < 0 ? 0 : left);
    sid_metric_set(SID_M_REWRAP_LEFT, left < 0 ? 0 : left);
}

static void
not_rewrapped(enum sid_err err) {
    sid_log(SID_LOG_WARN, "keys_not_rewrapped",
            SID_S("code", sid_err_code(err)));
}

static enum sid_err
wrap_run(struct sid_op *op, struct sid_store *store) {
    struct work *work = work_of(op);
    return sid_keys_rewrap_in(store, work->app->keys, &work->stale);
}

/* The fewer, the sooner it is over and the less it meets. */
static void
wrap_done(struct sid_op *op) {
    struct work *work = work_of(op);
    struct sid_rewrap_state *state = &work->app->rewrap;
    int most = work->stale.count;
    if (op->err == SID_OK)
        left_is(work->app, atomic_load(&state->left) - work->stale.count);
    else if (op->err != SID_E_AGAIN)
        not_rewrapped(op->err);
    most = op->err == SID_E_AGAIN ? most / 2 : most * 2;
    most = most < REWRAP_MIN ? REWRAP_MIN : most;
    atomic_store(&state->most, most > SID_REWRAP_MAX ? SID_REWRAP_MAX : most);
    rewrap_end(work);
}

static enum sid_err
destroy_run(struct sid_op *op, struct sid_store *store) {
    struct work *work = work_of(op);
    return sid_keys_destroy_in(store, work->app->keys, "system", sid_now_s(),
                               &work->destroyed);
}

static void
destroy_done(struct sid_op *op) {
    struct work *work = work_of(op);
    struct sid_app *app = work->app;
    if (op->err == SID_OK) {
        left_is(app, 0);
        atomic_store(&app->rewrap.due, false);
        if (work->destroyed > 0)
            sid_log(SID_LOG_INFO, "keys_rewrapped",
                    SID_N("people", atomic_load(&app->rewrap.total)));
    } else if (op->err != SID_E_AGAIN && op->err != SID_E_CONFLICT) {
        not_rewrapped(op->err);
    }
    rewrap_end(work);
}

static enum sid_err
find_run(struct sid_op *op, struct sid_store *store) {
    struct work *work = work_of(op);
    return sid_keys_stale_in(store, work->app->keys,
                             atomic_load(&work->app->rewrap.most),
                             &work->stale);
}

static void
find_done(struct sid_op *op) {
    struct work *work = work_of(op);
    if (op->err != SID_OK) {
        not_rewrapped(op->err);
        rewrap_end(work);
        return;
    }
    bool none = work->stale.count == 0;
    work->op = (struct sid_op){.run = none ? destroy_run : wrap_run,
                               .done = none ? destroy_done : wrap_done,
                               .alone = true};
    sid_writer_submit(work->app->writer, &work->op);
}

void
sid_keys_tick(struct sid_app *app) {
    if (!atomic_load(&app->rewrap.due) || atomic_load(&app->stopping) ||
        atomic_exchange(&app->rewrap.running, true))
        return;
    struct work *work = work_new(app, find_run, find_done);
    if (work == NULL) {
        atomic_store(&app->rewrap.running, false);
        return;
    }
    work->op.read_only = true;
    sid_writer_submit(app->writer, &work->op);
}

/* ---- code keys ----------------------------------------------------------- */

static enum sid_err
purge_run(struct sid_op *op, struct sid_store *store) {
    struct work *work = work_of(op);
    return sid_keys_retire_codes_in(store, false, work->life_s, "system",
                                    sid_now_s(), &work->dead);
}

static void
purge_done(struct sid_op *op) {
    struct work *work = work_of(op);
    if (op->err == SID_OK && work->dead.last != 0) {
        sid_keys_retire_codes(work->app->keys, work->dead);
        sid_log(SID_LOG_INFO, "code_keys_destroyed",
                SID_N("last_version", work->dead.last));
    }
    free(work);
}

void
sid_keys_purge(struct sid_app *app) {
    struct sid_config config;
    sid_app_config(app, &config);
    /* A code of the old key may have been made until the last second of the
     * window that was open when the new key came. One more window, in which the
     * counter is told that it has expired, and not that it is no code. One for
     * counters without a network may have been made a day later, and lives a
     * day, whatever the window. */
    int64_t windows_s = 2 * config.code_period_s;
    int64_t offline_s = SID_OFFLINE_FETCH_S + SID_OFFLINE_LIFE_MAX_S;
    struct work *work = work_new(app, purge_run, purge_done);
    if (work == NULL)
        return;
    work->life_s = (windows_s > offline_s ? windows_s : offline_s) +
                   config.code_grace_s + config.clock_skew_s;
    sid_writer_submit(app->writer, &work->op);
}
