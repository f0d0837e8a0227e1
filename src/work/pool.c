/* pool.c: a bounded queue and the named worker threads that empty it.
 *
 * One lock guards places, queue, parts and flags; the gauges are atomics so
 * that they can be read without it. Reserve, release, submit and quiesce are
 * called by any thread; the workers are the pool's own. The pool owns its
 * threads and their contexts, never a job. */
#include "smartid/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "smartid/buf.h"
#include "smartid/metrics.h"

#define WORKERS_MAX 64    /* Source: pool.h */
#define CAPACITY_MAX 4096 /* Source: pool.h */
#define NAME_SIZE 16      /* Source: pthread_setname_np(3), NUL included */

struct worker {
    struct sid_pool *pool;
    int number;
    pthread_t thread;
};

struct sid_pool {
    struct sid_pool_config config;
    struct worker *workers;
    int running; /* threads made */

    pthread_mutex_t lock;
    pthread_cond_t work;    /* a job is there, or stopping */
    pthread_cond_t started; /* one more worker has tried to start */
    struct sid_job *first;
    struct sid_job **end;      /* where the next one is hung */
    struct sid_subtask *parts; /* offered and not begun; borrowed */
    pthread_cond_t shared;     /* a part is done */
    int idle;                  /* workers that wait for work */
    int places;                /* taken */
    int tried;                 /* workers that have run worker_start */
    enum sid_err start_err;
    bool quiet;    /* no new places */
    bool stopping; /* workers end once the queue is empty */

    atomic_int depth;
    atomic_int busy;
};

/* ---- the workers ------------------------------------------------------- */

enum part_state { PART_WAITS, PART_BEGUN, PART_DONE };

struct work {
    struct sid_job *job;      /* or NULL */
    struct sid_subtask *part; /* else this, if not NULL */
};

/* The next job; a part of another worker's when there is none; nothing when
 * there will be none. It counts as busy before it stops counting as queued, so
 * that nobody sees a pool at rest in between. */
static struct work
take_work(struct sid_pool *pool) {
    struct work work = {NULL, NULL};

    pthread_mutex_lock(&pool->lock);
    while (pool->first == NULL && pool->parts == NULL && !pool->stopping) {
        pool->idle++;
        pthread_cond_wait(&pool->work, &pool->lock);
        pool->idle--;
    }
    if (pool->first != NULL) {
        work.job = pool->first;
        pool->first = work.job->next;
        if (pool->first == NULL)
            pool->end = &pool->first;
        atomic_fetch_sub(&pool->depth, 1);
        sid_metric_add(SID_M_QUEUE_DEPTH, -1);
    } else if (pool->parts != NULL) {
        work.part = pool->parts;
        pool->parts = work.part->next;
        work.part->state = PART_BEGUN;
    }
    if (work.job != NULL || work.part != NULL) {
        atomic_fetch_add(&pool->busy, 1);
        sid_metric_add(SID_M_WORKERS_BUSY, 1);
    }
    pthread_mutex_unlock(&pool->lock);
    return work;
}

/* False: there will be no more. */
static bool
do_next(struct sid_pool *pool, void *ctx) {
    struct work work = take_work(pool);

    if (work.job != NULL)
        work.job->run(work.job, ctx);
    else if (work.part != NULL)
        work.part->run(work.part, ctx);
    else
        return false;
    sid_wipe_stack();
    atomic_fetch_sub(&pool->busy, 1);
    sid_metric_add(SID_M_WORKERS_BUSY, -1);
    if (work.part != NULL) {
        pthread_mutex_lock(&pool->lock);
        work.part->state = PART_DONE;
        pthread_cond_broadcast(&pool->shared);
        pthread_mutex_unlock(&pool->lock);
    }
    return true;
}

static void
name_thread(const struct worker *worker) {
    char name[NAME_SIZE];

    snprintf(name, sizeof name, "%.11s%d", worker->pool->config.name,
             worker->number);
    pthread_setname_np(pthread_self(), name);
}

static void *
worker_main(void *arg) {
    const struct worker *worker = arg;
    struct sid_pool *pool = worker->pool;
    const struct sid_pool_config *config = &pool->config;
    void *ctx = NULL;
    enum sid_err err = SID_OK;

    name_thread(worker);
    if (config->worker_start != NULL)
        err = config->worker_start(config->ctx, &ctx);
    pthread_mutex_lock(&pool->lock);
    pool->tried++;
    if (pool->start_err == SID_OK)
        pool->start_err = err;
    pthread_cond_signal(&pool->started);
    pthread_mutex_unlock(&pool->lock);
    if (err != SID_OK)
        return NULL;

    while (do_next(pool, ctx))
        ;
    if (config->worker_stop != NULL)
        config->worker_stop(config->ctx, ctx);
    return NULL;
}

/* ---- life -------------------------------------------------------------- */

/* Makes the threads and waits until each has tried to start. */
static enum sid_err
start_workers(struct sid_pool *pool) {
    enum sid_err err = SID_OK;

    for (int i = 0; i < pool->config.workers && err == SID_OK; i++) {
        pool->workers[i] = (struct worker){.pool = pool, .number = i};
        if (pthread_create(&pool->workers[i].thread, NULL, worker_main,
                           &pool->workers[i]) == 0)
            pool->running++;
        else
            err = SID_E_INTERNAL;
    }
    pthread_mutex_lock(&pool->lock);
    while (pool->tried < pool->running)
        pthread_cond_wait(&pool->started, &pool->lock);
    if (err == SID_OK)
        err = pool->start_err;
    pthread_mutex_unlock(&pool->lock);
    return err;
}

static enum sid_err
init_sync(struct sid_pool *pool) {
    if (pthread_mutex_init(&pool->lock, NULL) != 0)
        return SID_E_INTERNAL;
    if (pthread_cond_init(&pool->work, NULL) != 0)
        goto no_work;
    if (pthread_cond_init(&pool->started, NULL) != 0)
        goto no_started;
    if (pthread_cond_init(&pool->shared, NULL) != 0)
        goto no_shared;
    return SID_OK;

no_shared:
    pthread_cond_destroy(&pool->started);
no_started:
    pthread_cond_destroy(&pool->work);
no_work:
    pthread_mutex_destroy(&pool->lock);
    return SID_E_INTERNAL;
}

enum sid_err
sid_pool_new(const struct sid_pool_config *config, struct sid_pool **out) {
    enum sid_err err = SID_OK;
    struct sid_pool *pool = NULL;

    SID_ASSERT(config->workers >= 1 && config->workers <= WORKERS_MAX);
    SID_ASSERT(config->capacity >= 1 && config->capacity <= CAPACITY_MAX);
    pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return SID_E_NO_MEMORY;
    pool->config = *config;
    pool->end = &pool->first;
    pool->workers = calloc((size_t)config->workers, sizeof *pool->workers);
    err = pool->workers == NULL ? SID_E_NO_MEMORY : init_sync(pool);
    if (err != SID_OK) {
        free(pool->workers);
        free(pool);
        return err;
    }
    err = start_workers(pool);
    if (err != SID_OK)
        sid_pool_free(&pool);
    else
        *out = pool;
    return err;
}

void
sid_pool_stop(struct sid_pool *p) {
    pthread_mutex_lock(&p->lock);
    p->quiet = true;
    p->stopping = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->running; i++)
        pthread_join(p->workers[i].thread, NULL);
    p->running = 0;
}

void
sid_pool_free(struct sid_pool **pool) {
    struct sid_pool *p = *pool;

    if (p == NULL)
        return;
    sid_pool_stop(p);
    while (p->first != NULL) {
        struct sid_job *job = p->first;
        p->first = job->next;
        job->run(job, NULL);
    }
    pthread_cond_destroy(&p->shared);
    pthread_cond_destroy(&p->started);
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->lock);
    free(p->workers);
    free(p);
    *pool = NULL;
}

/* ---- places and jobs --------------------------------------------------- */

enum sid_err
sid_pool_reserve(struct sid_pool *pool) {
    enum sid_err err = SID_OK;

    pthread_mutex_lock(&pool->lock);
    if (pool->quiet)
        err = SID_E_STOPPING;
    else if (pool->places >= pool->config.capacity)
        err = SID_E_QUEUE_FULL;
    else
        pool->places++;
    pthread_mutex_unlock(&pool->lock);
    return err;
}

void
sid_pool_release(struct sid_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    SID_ASSERT(pool->places > 0);
    pool->places--;
    pthread_mutex_unlock(&pool->lock);
}

void
sid_pool_submit(struct sid_pool *pool, struct sid_job *job) {
    job->next = NULL;
    pthread_mutex_lock(&pool->lock);
    SID_ASSERT(pool->places > 0);
    *pool->end = job;
    pool->end = &job->next;
    atomic_fetch_add(&pool->depth, 1);
    sid_metric_add(SID_M_QUEUE_DEPTH, 1);
    pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->lock);
}

/* ---- parts ------------------------------------------------------------ */

bool
sid_pool_offer(struct sid_pool *pool, struct sid_subtask *part) {
    pthread_mutex_lock(&pool->lock);
    bool offered = pool->idle > 0 && pool->first == NULL && !pool->stopping;
    if (offered) {
        part->state = PART_WAITS;
        part->next = pool->parts;
        pool->parts = part;
        pthread_cond_signal(&pool->work);
    }
    pthread_mutex_unlock(&pool->lock);
    return offered;
}

bool
sid_pool_take_back(struct sid_pool *pool, struct sid_subtask *part) {
    pthread_mutex_lock(&pool->lock);
    bool mine = part->state == PART_WAITS;
    if (mine) {
        struct sid_subtask **link = &pool->parts;
        while (*link != part)
            link = &(*link)->next;
        *link = part->next;
    }
    while (!mine && part->state != PART_DONE)
        pthread_cond_wait(&pool->shared, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    return mine;
}

int
sid_pool_depth(const struct sid_pool *pool) {
    return atomic_load(&pool->depth);
}

int
sid_pool_busy(const struct sid_pool *pool) {
    return atomic_load(&pool->busy);
}

void
sid_pool_quiesce(struct sid_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    pool->quiet = true;
    pthread_mutex_unlock(&pool->lock);
}
