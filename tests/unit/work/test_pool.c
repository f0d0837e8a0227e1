/* Tests of the pool: places, order, every job once, start and stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/metrics.h"
#include "smartid/pool.h"

#define ok(expression) assert_int_equal((expression), SID_OK)

static void
wait_for(sem_t *sem) {
    while (sem_wait(sem) != 0)
        assert_int_equal(errno, EINTR);
}

static struct sid_pool *
make_pool(int workers, int capacity) {
    struct sid_pool_config config = {
        .name = "test", .workers = workers, .capacity = capacity};
    struct sid_pool *pool = NULL;

    ok(sid_pool_new(&config, &pool));
    return pool;
}

/* A job that reports, waits to be let go, and notes its turn. */
struct test_job {
    struct sid_job job; /* first */
    sem_t *begun;
    sem_t *go; /* NULL: does not wait */
    atomic_int *turns;
    int turn;
    int ran;
    void *worker_ctx;
    char thread_name[16];
};

static void
run_job(struct sid_job *job, void *worker_ctx) {
    struct test_job *t = (struct test_job *)(void *)job;

    t->ran++;
    t->worker_ctx = worker_ctx;
    t->turn = atomic_fetch_add(t->turns, 1);
    pthread_getname_np(pthread_self(), t->thread_name, sizeof t->thread_name);
    if (t->begun != NULL)
        sem_post(t->begun);
    if (t->go != NULL)
        while (sem_wait(t->go) != 0)
            ;
}

static void
every_job_runs_once_in_the_order_of_submission(void **state) {
    enum { JOBS = 500 };
    (void)state;
    struct sid_pool *pool = make_pool(1, JOBS);
    struct test_job *jobs = calloc(JOBS, sizeof *jobs);
    atomic_int turns = 0;

    assert_non_null(jobs);
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (struct test_job){.job.run = run_job, .turns = &turns};
        ok(sid_pool_reserve(pool));
        sid_pool_submit(pool, &jobs[i].job);
    }
    sid_pool_free(&pool);
    assert_null(pool);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(jobs[i].ran, 1);
        assert_int_equal(jobs[i].turn, i);
    }
    assert_string_equal(jobs[0].thread_name, "test0");
    free(jobs);
}

static void
places_are_bounded_and_come_back_when_released(void **state) {
    (void)state;
    struct sid_pool *pool = make_pool(1, 2);

    ok(sid_pool_reserve(pool));
    ok(sid_pool_reserve(pool));
    assert_int_equal(sid_pool_reserve(pool), SID_E_QUEUE_FULL);
    sid_pool_release(pool);
    ok(sid_pool_reserve(pool));
    assert_int_equal(sid_pool_reserve(pool), SID_E_QUEUE_FULL);
    sid_pool_free(&pool);
}

static void
a_job_keeps_its_place_until_it_is_released(void **state) {
    (void)state;
    struct sid_pool *pool = make_pool(1, 1);
    atomic_int turns = 0;
    sem_t begun;
    struct test_job job = {
        .job.run = run_job, .begun = &begun, .turns = &turns};

    sem_init(&begun, 0, 0);
    ok(sid_pool_reserve(pool));
    sid_pool_submit(pool, &job.job);
    wait_for(&begun);
    assert_int_equal(sid_pool_reserve(pool), SID_E_QUEUE_FULL);
    sid_pool_release(pool);
    ok(sid_pool_reserve(pool));
    sid_pool_free(&pool);
    sem_destroy(&begun);
}

static void
depth_and_busy_are_counted(void **state) {
    (void)state;
    struct sid_pool *pool = make_pool(2, 5);
    struct test_job jobs[5];
    atomic_int turns = 0;
    sem_t begun;
    sem_t go;

    sem_init(&begun, 0, 0);
    sem_init(&go, 0, 0);
    for (int i = 0; i < 5; i++) {
        jobs[i] = (struct test_job){
            .job.run = run_job, .begun = &begun, .go = &go, .turns = &turns};
        ok(sid_pool_reserve(pool));
        sid_pool_submit(pool, &jobs[i].job);
    }
    wait_for(&begun);
    wait_for(&begun);
    assert_int_equal(sid_pool_busy(pool), 2);
    assert_int_equal(sid_pool_depth(pool), 3);
    assert_int_equal(sid_metric_get(SID_M_WORKERS_BUSY), 2);
    assert_int_equal(sid_metric_get(SID_M_QUEUE_DEPTH), 3);
    for (int i = 0; i < 5; i++)
        sem_post(&go);
    sid_pool_free(&pool);
    assert_int_equal(sid_metric_get(SID_M_WORKERS_BUSY), 0);
    assert_int_equal(sid_metric_get(SID_M_QUEUE_DEPTH), 0);
    sem_destroy(&begun);
    sem_destroy(&go);
}

static void
a_quiet_pool_takes_no_more_but_finishes_what_it_has(void **state) {
    (void)state;
    struct sid_pool *pool = make_pool(1, 4);
    struct test_job jobs[2];
    atomic_int turns = 0;

    ok(sid_pool_reserve(pool));
    ok(sid_pool_reserve(pool));
    sid_pool_quiesce(pool);
    assert_int_equal(sid_pool_reserve(pool), SID_E_STOPPING);
    for (int i = 0; i < 2; i++) {
        jobs[i] = (struct test_job){.job.run = run_job, .turns = &turns};
        sid_pool_submit(pool, &jobs[i].job); /* its place was held before */
    }
    sid_pool_free(&pool);
    assert_int_equal(jobs[0].ran + jobs[1].ran, 2);
}

/* ---- worker contexts --------------------------------------------------- */

struct starts {
    atomic_int started;
    atomic_int stopped;
    int fail_at; /* the start that fails, from 1; 0: none */
    int value[4];
};

static enum sid_err
start(void *ctx, void **worker_ctx) {
    struct starts *starts = ctx;
    int n = atomic_fetch_add(&starts->started, 1);

    if (n + 1 == starts->fail_at)
        return SID_E_MODEL;
    *worker_ctx = &starts->value[n];
    return SID_OK;
}

static void
stop(void *ctx, void *worker_ctx) {
    struct starts *starts = ctx;

    (*(int *)worker_ctx)++;
    atomic_fetch_add(&starts->stopped, 1);
}

static void
each_worker_has_its_own_context_for_its_life(void **state) {
    (void)state;
    struct starts starts = {.fail_at = 0};
    struct sid_pool_config config = {.name = "test",
                                     .workers = 3,
                                     .capacity = 3,
                                     .worker_start = start,
                                     .worker_stop = stop,
                                     .ctx = &starts};
    struct sid_pool *pool = NULL;
    struct test_job jobs[3];
    atomic_int turns = 0;
    sem_t begun;
    sem_t go;

    sem_init(&begun, 0, 0);
    sem_init(&go, 0, 0);
    ok(sid_pool_new(&config, &pool));
    assert_int_equal(atomic_load(&starts.started), 3);
    for (int i = 0; i < 3; i++) {
        jobs[i] = (struct test_job){
            .job.run = run_job, .begun = &begun, .go = &go, .turns = &turns};
        ok(sid_pool_reserve(pool));
        sid_pool_submit(pool, &jobs[i].job);
    }
    for (int i = 0; i < 3; i++)
        wait_for(&begun); /* all three at once: one on each worker */
    for (int i = 0; i < 3; i++)
        sem_post(&go);
    sid_pool_free(&pool);
    assert_ptr_not_equal(jobs[0].worker_ctx, jobs[1].worker_ctx);
    assert_ptr_not_equal(jobs[1].worker_ctx, jobs[2].worker_ctx);
    assert_ptr_not_equal(jobs[0].worker_ctx, jobs[2].worker_ctx);
    for (int i = 0; i < 3; i++)
        assert_int_equal(starts.value[i], 1);
    sem_destroy(&begun);
    sem_destroy(&go);
}

static void
what_comes_after_the_workers_is_run_when_the_pool_is_freed(void **state) {
    (void)state;
    struct sid_pool *pool = make_pool(2, 2);
    atomic_int turns = 0;
    struct test_job job = {
        .job.run = run_job, .turns = &turns, .worker_ctx = &turns};

    ok(sid_pool_reserve(pool));
    ok(sid_pool_reserve(pool));
    sid_pool_stop(pool);
    assert_int_equal(sid_pool_reserve(pool), SID_E_STOPPING);
    sid_pool_submit(pool, &job.job);
    sid_pool_release(pool);
    assert_int_equal(job.ran, 0);
    sid_pool_free(&pool);
    assert_int_equal(job.ran, 1);
    assert_null(job.worker_ctx);
}

static void
a_worker_that_cannot_start_fails_the_pool_and_stops_the_others(void **state) {
    (void)state;
    struct starts starts = {.fail_at = 2};
    struct sid_pool_config config = {.name = "test",
                                     .workers = 3,
                                     .capacity = 3,
                                     .worker_start = start,
                                     .worker_stop = stop,
                                     .ctx = &starts};
    struct sid_pool *pool = NULL;

    assert_int_equal(sid_pool_new(&config, &pool), SID_E_MODEL);
    assert_null(pool);
    assert_int_equal(atomic_load(&starts.started), 3);
    assert_int_equal(atomic_load(&starts.stopped), 2);
}

/* ---- many threads ------------------------------------------------------ */

struct counted {
    struct sid_job job; /* first */
    struct sid_pool *pool;
    atomic_int *ran;
};

static void
run_counted(struct sid_job *job, void *worker_ctx) {
    struct counted *c = (struct counted *)(void *)job;
    struct sid_pool *pool = c->pool;

    (void)worker_ctx;
    atomic_fetch_add(c->ran, 1);
    free(c); /* the pool must not touch it any more */
    sid_pool_release(pool);
}

struct feeder {
    pthread_t thread;
    struct sid_pool *pool;
    atomic_int *ran;
    int submitted;
    int refused;
};

static void *
feed(void *arg) {
    struct feeder *f = arg;

    for (int i = 0; i < 5000; i++) {
        if (sid_pool_reserve(f->pool) != SID_OK) {
            f->refused++;
            continue;
        }
        struct counted *c = malloc(sizeof *c);
        if (c == NULL)
            abort();
        *c = (struct counted){
            .job.run = run_counted, .pool = f->pool, .ran = f->ran};
        sid_pool_submit(f->pool, &c->job);
        f->submitted++;
    }
    return NULL;
}

static void
jobs_of_many_threads_each_run_once_and_give_their_place_back(void **state) {
    (void)state;
    struct sid_pool *pool = make_pool(4, 16);
    struct feeder feeders[4];
    atomic_int ran = 0;
    int submitted = 0;
    int refused = 0;

    for (int i = 0; i < 4; i++) {
        feeders[i] = (struct feeder){.pool = pool, .ran = &ran};
        assert_int_equal(
            pthread_create(&feeders[i].thread, NULL, feed, &feeders[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(feeders[i].thread, NULL);
        submitted += feeders[i].submitted;
        refused += feeders[i].refused;
    }
    sid_pool_free(&pool);
    assert_int_equal(submitted + refused, 4 * 5000);
    assert_int_equal(atomic_load(&ran), submitted);
    assert_true(submitted >= 16);
}

/* ---- parts --------------------------------------------------------------- */

/* A job that offers a part of itself again and again. */
struct sharer {
    struct sid_job job; /* first */
    struct sid_pool *pool;
    int offers;
    int offered, mine; /* parts that were taken back */
    bool until_helped; /* at least once, however long that takes */
    bool wrong;
    sem_t done;
};

struct part {
    struct sid_subtask subtask; /* first */
    pthread_t by;
    int ran;
};

static void
run_part(struct sid_subtask *subtask, void *worker_ctx) {
    struct part *part = (struct part *)(void *)subtask;

    (void)worker_ctx;
    part->by = pthread_self();
    part->ran++;
}

static void
run_sharer(struct sid_job *job, void *worker_ctx) {
    struct sharer *sharer = (struct sharer *)(void *)job;

    (void)worker_ctx;
    for (int i = 0; i < sharer->offers ||
                    (sharer->until_helped && sharer->offered == sharer->mine);
         i++) {
        struct part part = {.subtask.run = run_part};
        if (!sid_pool_offer(sharer->pool, &part.subtask))
            continue;
        sharer->offered++;
        if (i % 2 == 0)
            sched_yield();
        bool mine = sid_pool_take_back(sharer->pool, &part.subtask);
        sharer->mine += mine;
        if (part.ran != (mine ? 0 : 1) ||
            (!mine && pthread_equal(part.by, pthread_self())))
            sharer->wrong = true;
    }
    sem_post(&sharer->done);
}

static void
share(struct sid_pool *pool, bool until_helped, struct sharer *sharer) {
    *sharer = (struct sharer){.job.run = run_sharer,
                              .pool = pool,
                              .offers = 20000,
                              .until_helped = until_helped};
    sem_init(&sharer->done, 0, 0);
    ok(sid_pool_reserve(pool));
    sid_pool_submit(pool, &sharer->job);
}

static void
end_sharer(struct sharer *sharer) {
    wait_for(&sharer->done);
    assert_false(sharer->wrong);
    sem_destroy(&sharer->done);
}

static void
a_part_is_done_once_by_another_worker_or_taken_back(void **state) {
    (void)state;
    struct sid_pool *pool = make_pool(3, 2);
    struct sharer one, two;

    share(pool, true, &one);
    share(pool, true, &two);
    end_sharer(&one);
    end_sharer(&two);
    assert_true(one.offered > one.mine);
    assert_true(two.offered > two.mine);
    sid_pool_free(&pool);
}

static void
with_no_worker_idle_nothing_is_offered(void **state) {
    (void)state;
    struct sid_pool *pool = make_pool(1, 1);
    struct sharer sharer;

    share(pool, false, &sharer);
    end_sharer(&sharer);
    assert_int_equal(sharer.offered, 0);
    sid_pool_free(&pool);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_runs_once_in_the_order_of_submission),
        cmocka_unit_test(places_are_bounded_and_come_back_when_released),
        cmocka_unit_test(a_job_keeps_its_place_until_it_is_released),
        cmocka_unit_test(depth_and_busy_are_counted),
        cmocka_unit_test(a_quiet_pool_takes_no_more_but_finishes_what_it_has),
        cmocka_unit_test(each_worker_has_its_own_context_for_its_life),
        cmocka_unit_test(
            what_comes_after_the_workers_is_run_when_the_pool_is_freed),
        cmocka_unit_test(
            a_worker_that_cannot_start_fails_the_pool_and_stops_the_others),
        cmocka_unit_test(
            jobs_of_many_threads_each_run_once_and_give_their_place_back),
        cmocka_unit_test(a_part_is_done_once_by_another_worker_or_taken_back),
        cmocka_unit_test(with_no_worker_idle_nothing_is_offered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
