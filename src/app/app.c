/* app.c: the object all flows share: keys, writer, pool, settings.
 *
 * Made and freed by main; its functions run on the threads that app.h names.
 * Owns the pool, and the loaded models or the fork server; borrows the rest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app_internal.h"
#include "examiner.h"
#include "smartid/clock.h"
#include "smartid/flow_wechat.h"
#include "smartid/log.h"
#include "smartid/metrics.h"
#include "smartid/models.h"
#include "smartid/recent.h"

/* How often what has grown old is looked for. */
#define PURGE_EVERY_US ((int64_t)60 * 1000 * 1000)

struct load_keys {
    struct sid_op op;
    struct sid_app *app;
    int64_t floor_us; /* the newest row of the chains */
};

static enum sid_err
load_floor_run(struct sid_op *op, struct sid_store *store) {
    struct load_keys *load = (struct load_keys *)op;
    int64_t at_us = sid_store_audit_at_us(store);
    if (at_us > load->floor_us)
        load->floor_us = at_us;
    return SID_OK;
}

static enum sid_err
put_key(const struct sid_client *client, void *ctx) {
    return sid_keyset_put(ctx, client);
}

static enum sid_err
load_keys_run(struct sid_op *op, struct sid_store *store) {
    struct load_keys *load = (struct load_keys *)op;
    enum sid_err err = sid_store_client_each(store, put_key, load->app->keyset);
    if (err == SID_OK)
        err = sid_shared_begin(load->app, store);
    return err == SID_OK ? sid_keys_rewrap_begin(load->app, store) : err;
}

static enum sid_err
load_all(struct sid_app *app) {
    struct load_keys load = {.app = app};
    enum sid_err err = SID_OK;
    for (int i = 0; err == SID_OK && i < app->writer_count; i++) {
        load.op = (struct sid_op){.run = load_floor_run, .read_only = true};
        err = sid_writer_run(app->writers[i].writer, &load.op);
    }
    sid_time_begin(app, load.floor_us);
    load.op = (struct sid_op){.run = load_keys_run, .read_only = true};
    return err == SID_OK ? sid_writer_run(app->writer, &load.op) : err;
}

/* A suspect must get its turn although others keep coming. */
static void
init_suspects(struct sid_app *app) {
    pthread_rwlockattr_t attr;
    SID_ASSERT(pthread_rwlockattr_init(&attr) == 0);
    SID_ASSERT(pthread_rwlockattr_setkind_np(
                   &attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP) == 0);
    SID_ASSERT(pthread_rwlock_init(&app->suspects, &attr) == 0);
    pthread_rwlockattr_destroy(&attr);
}

enum sid_err
sid_app_new(const struct sid_app_parts *parts, struct sid_app **out) {
    struct sid_app *app = calloc(1, sizeof *app);
    if (app == NULL)
        return SID_E_NO_MEMORY;
    app->keys = parts->keys;
    app->master = parts->master;
    sid_writers_init(app, parts);
    app->blobs = parts->blobs;
    app->keyset = parts->keyset;
    app->config = *parts->config;
    if (parts->head_file != NULL)
        (void)snprintf(app->heads.path, sizeof app->heads.path, "%s",
                       parts->head_file);
    SID_ASSERT(pthread_rwlock_init(&app->config_lock, NULL) == 0);
    SID_ASSERT(pthread_mutex_init(&app->lock, NULL) == 0);
    SID_ASSERT(pthread_mutex_init(&app->time.lock, NULL) == 0);
    init_suspects(app);
    enum sid_err err = sid_gate_new(&app->gate);
    if (err == SID_OK)
        err = sid_recent_new(&app->recent);
    if (err == SID_OK)
        err = load_all(app);
    if (err == SID_OK)
        err = sid_purposes_begin(app, parts->purposes);
    if (err != SID_OK) {
        sid_app_free(&app);
        return err;
    }
    *out = app;
    return SID_OK;
}

static enum sid_err
worker_start(void *ctx, void **worker_ctx) {
    struct sid_app *app = ctx;
    return sid_examiner_new(app->models, app->forkserver,
                            (struct sid_examiner **)worker_ctx);
}

static void
worker_stop(void *ctx, void *worker_ctx) {
    (void)ctx;
    struct sid_examiner *examiner = worker_ctx;
    sid_examiner_free(&examiner);
}

static enum sid_err
load_faces(struct sid_app *app, const struct sid_config *config, char *problem,
           size_t problem_size) {
    if (strcmp(config->face_isolation, "thread") == 0)
        return sid_models_load(config->model_dir, &app->models, problem,
                               problem_size);
    return sid_forkserver_new(config->model_dir, &app->forkserver, problem,
                              problem_size);
}

enum sid_err
sid_app_start_workers(struct sid_app *app, char *problem,
                      unsigned problem_size) {
    struct sid_config config;
    sid_app_config(app, &config);
    enum sid_err err = load_faces(app, &config, problem, problem_size);
    if (err != SID_OK)
        return err;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int workers = (int)config.workers;
    if (workers == 0)
        workers = cores < 1 ? 1 : cores > 64 ? 64 : (int)cores;
    struct sid_pool_config pool_config = {
        .name = "face",
        .workers = workers,
        .capacity = (int)config.queue_capacity,
        .worker_start = worker_start,
        .worker_stop = worker_stop,
        .ctx = app,
    };
    struct sid_pool *pool = NULL;
    err = sid_pool_new(&pool_config, &pool);
    if (err != SID_OK) {
        if (err == SID_E_MODEL && app->models != NULL)
            sid_models_problem(app->models, problem, problem_size);
        return err;
    }
    sid_models_free(&app->models); /* the engines have their own copies */
    atomic_store(&app->pool, pool);
    /* Faces may have taken long: who is ready knows the clients. The look is
     * over when the next operation is. */
    sid_shared_tick(app, sid_mono_us());
    err = sid_enrol_resume(app);
    return err == SID_OK ? sid_webhook_start(app) : err;
}

bool
sid_app_ready(const struct sid_app *app) {
    return atomic_load(&app->pool) != NULL && !atomic_load(&app->stopping) &&
           sid_app_healthy(app) && sid_app_knows_clients(app);
}

/* How long an expired challenge is still known, so that the record of its use
 * says "expired" and not "unknown". Own choice. */
#define CHALLENGE_KEPT_S 3600
/* The same of a used live code, so that its last second is over for every check
 * under way. */
#define LIVE_KEPT_S 3600
/* How long a push of WeChat is known by, and somebody who has only said hello.
 * Source: own choice; it is delivered three times within 15 seconds. */
#define PUSH_KEPT_S 86400
/* Of those, forgotten in one go. */
#define CONTACTS_AT_ONCE 100

struct purge {
    struct sid_op op;
    struct sid_app *app;
    int64_t retries_before_s;
    int64_t challenges_before_s;
    int64_t attempts_before_s;
    int64_t live_before_s;
    int64_t now_s;
};

static enum sid_err
purge_run(struct sid_op *op, struct sid_store *store) {
    struct purge *purge = (struct purge *)op;
    enum sid_err err =
        sid_store_idempotency_purge(store, purge->retries_before_s);
    if (err == SID_OK)
        err = sid_store_challenge_purge(store, purge->challenges_before_s);
    if (err == SID_OK)
        err = sid_store_attempt_purge(store, purge->attempts_before_s,
                                      purge->attempts_before_s +
                                          2 * SID_ATTEMPT_DAY_S);
    if (err == SID_OK)
        err = sid_store_live_purge(store, purge->live_before_s);
    if (err == SID_OK)
        err = sid_store_chat_purge(store, purge->now_s - SID_WECHAT_SILENCE_S);
    if (err == SID_OK)
        err = sid_store_push_purge(store, purge->now_s - PUSH_KEPT_S);
    if (err == SID_OK)
        err = sid_store_contact_purge(store, purge->now_s - PUSH_KEPT_S,
                                      CONTACTS_AT_ONCE);
    return err;
}

static void
purge_done(struct sid_op *op) {
    struct purge *purge = (struct purge *)op;
    if (op->err == SID_E_AGAIN) /* another daemon was in the way */
        atomic_store(&purge->app->purge_again, true);
    free(purge);
}

static void
purge_expired(struct sid_app *app) {
    struct sid_config config;
    sid_app_config(app, &config);
    struct purge *purge = calloc(1, sizeof *purge);
    if (purge == NULL)
        return; /* the next round will do it */
    purge->op.run = purge_run;
    purge->op.done = purge_done;
    purge->op.alone = true;
    purge->app = app;
    int64_t now_s = sid_now_s();
    purge->now_s = now_s;
    purge->challenges_before_s = now_s - CHALLENGE_KEPT_S;
    purge->attempts_before_s = now_s - SID_ATTEMPT_DAY_S;
    purge->retries_before_s = now_s - config.idempotency_s;
    /* By the time that codes go by. */
    purge->live_before_s = sid_time_s(app) - LIVE_KEPT_S;
    sid_writer_submit(app->writer, &purge->op);
}

void
sid_app_tick(struct sid_app *app) {
    int64_t now_us = sid_mono_us();
    sid_time_tick(app);
    sid_wait_expire(app, now_us);
    sid_enrol_work_tick(app);
    if (app->forkserver != NULL)
        sid_forkserver_tick(app->forkserver);
    sid_shared_tick(app, now_us);
    sid_key_ages_tick(app);
    sid_heads_tick(app, now_us);
    if (!sid_app_leads(app))
        return;
    sid_keys_tick(app);
    sid_retention_tick(app, now_us);
    bool due = now_us >= app->next_purge_us;
    if (atomic_exchange(&app->purge_again, false) || due)
        purge_expired(app);
    if (due) {
        app->next_purge_us = now_us + PURGE_EVERY_US;
        sid_keys_purge(app);
        sid_expiring_tick(app);
    }
}

void
sid_app_quiesce(struct sid_app *app) {
    pthread_mutex_lock(&app->lock);
    atomic_store(&app->stopping, true);
    pthread_mutex_unlock(&app->lock);
    struct sid_pool *pool = atomic_load(&app->pool);
    if (pool != NULL)
        sid_pool_quiesce(pool);
    sid_wait_expire(app, INT64_MAX);
}

void
sid_app_free(struct sid_app **app) {
    struct sid_app *me = *app;
    if (me == NULL)
        return;
    *app = NULL;
    atomic_store(&me->stopping, true);
    struct sid_pool *pool = atomic_exchange(&me->pool, NULL);
    if (pool != NULL)
        sid_pool_stop(pool);
    sid_misuse_stop(me);
    /* The workers' last decisions and the last refusals are still with the
     * writers; when they are done nobody there still looks at the pool. */
    if (sid_writers_finish(me) != SID_OK)
        sid_log(SID_LOG_WARN, "stop_fence_failed");
    sid_reload_drop(me);
    sid_pool_free(&pool);
    sid_webhook_stop(me);
    sid_audit_stop(me);
    sid_enrol_work_fini(me);
    sid_gate_free(&me->gate);
    sid_recent_free(&me->recent);
    sid_purposes_end(me);
    sid_app_free_purposes(me);
    sid_models_free(&me->models);
    sid_forkserver_free(&me->forkserver);
    pthread_mutex_destroy(&me->lock);
    pthread_mutex_destroy(&me->time.lock);
    pthread_rwlock_destroy(&me->suspects);
    pthread_rwlock_destroy(&me->config_lock);
    free(me);
}

/* The lock is not part of what callers see as constant. */
static void
config_rdlock(const struct sid_app *app) {
    pthread_rwlock_rdlock((pthread_rwlock_t *)(uintptr_t)&app->config_lock);
}

static void
config_unlock(const struct sid_app *app) {
    pthread_rwlock_unlock((pthread_rwlock_t *)(uintptr_t)&app->config_lock);
}

void
sid_app_config(const struct sid_app *app, struct sid_config *out) {
    config_rdlock(app);
    *out = app->config;
    config_unlock(app);
}

int64_t
sid_app_clerk_per_minute(const struct sid_app *app) {
    config_rdlock(app);
    int64_t rate = app->config.clerk_per_minute;
    config_unlock(app);
    return rate;
}

void
sid_app_policy(const struct sid_app *app, struct sid_policy *out) {
    config_rdlock(app);
    sid_policy_from_config(&app->config, out);
    config_unlock(app);
}

void
sid_app_token_times(const struct sid_app *app, int64_t now_s,
                    struct sid_token_times *out) {
    config_rdlock(app);
    *out = (struct sid_token_times){
        .now_s = now_s,
        .period_s = app->config.code_period_s,
        .grace_s = app->config.code_grace_s,
        .skew_s = app->config.clock_skew_s,
    };
    config_unlock(app);
}
