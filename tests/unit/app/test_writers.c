/* test_writers.c: a daemon of two writers: who gets a check, what is told when
 * one of them cannot store, or does not answer. */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "fixture.h"
#include "smartid/metrics.h"

#include <cmocka.h>

#include "../../../src/app/app_internal.h"
#include "../../../src/store/store_front.h"
#include "../../fuzz/fuzz.h"

static struct fixture *f;
static struct sid_writer *second;

static int
setup(void **state) {
    struct sid_store *store = NULL;
    (void)state;
    f = fixture_new();
    assert_int_equal(
        sid_store_open(":memory:", true, sid_keyring_audit(f->keys), &store),
        SID_OK);
    /* As a second connection to one server has it. */
    store->slot = 1;
    store->head.seq = sid_chain_base(1);
    assert_int_equal(sid_writer_new(&store, &second), SID_OK);
    f->app->writers[1] = (struct sid_app_writer){second, 1};
    f->app->writer_count = 2;
    return 0;
}

static int
teardown(void **state) {
    (void)state;
    fixture_free(f);
    sid_writer_free(&second);
    return 0;
}

/* ---- operations ---------------------------------------------------------- */

struct held_op {
    struct sid_op op;
    sem_t runs, go, done;
};

static enum sid_err
held_run(struct sid_op *op, struct sid_store *store) {
    struct held_op *held = (struct held_op *)op;
    (void)store;
    assert_int_equal(sem_post(&held->runs), 0);
    assert_int_equal(sem_wait(&held->go), 0);
    return SID_OK;
}

static void
held_done(struct sid_op *op) {
    assert_int_equal(sem_post(&((struct held_op *)op)->done), 0);
}

/* From its return on the writer is at it, until it is let go. */
static void
hold(struct sid_writer *writer, struct held_op *held) {
    *held = (struct held_op){
        .op = {.run = held_run, .done = held_done, .read_only = true}};
    assert_int_equal(sem_init(&held->runs, 0, 0), 0);
    assert_int_equal(sem_init(&held->go, 0, 0), 0);
    assert_int_equal(sem_init(&held->done, 0, 0), 0);
    sid_writer_submit(writer, &held->op);
    assert_int_equal(sem_wait(&held->runs), 0);
}

static void
let_go(struct held_op *held) {
    assert_int_equal(sem_post(&held->go), 0);
    assert_int_equal(sem_wait(&held->done), 0);
    (void)sem_destroy(&held->runs);
    (void)sem_destroy(&held->go);
    (void)sem_destroy(&held->done);
}

static enum sid_err
row_run(struct sid_op *op, struct sid_store *store) {
    (void)op;
    return sid_app_audit(store, "verification", "cli_1", "", "valid", "");
}

static enum sid_err
write_row(struct sid_writer *writer) {
    struct sid_op op = {.run = row_run};
    return sid_writer_run(writer, &op);
}

static enum sid_err
nothing_run(struct sid_op *op, struct sid_store *store) {
    (void)op;
    (void)store;
    return SID_OK;
}

/* Behind all that was submitted. */
static void
wait_for(struct sid_writer *writer) {
    struct sid_op op = {.run = nothing_run, .read_only = true};
    assert_int_equal(sid_writer_run(writer, &op), SID_OK);
}

/* ---- who gets it --------------------------------------------------------- */

static void
a_check_goes_to_who_is_free_and_to_each_in_turn_when_none_is(void **state) {
    struct held_op first, other;
    int got[2] = {0};
    (void)state;
    hold(f->writer, &first);
    bool second_is_free = sid_writers_pick(f->app) == second;
    hold(second, &other);
    for (int i = 0; i < 8; i++)
        got[sid_writers_pick(f->app) == second]++;
    let_go(&first);
    let_go(&other);
    assert_true(second_is_free);
    assert_int_equal(got[0], 4);
    assert_int_equal(got[1], 4);
    assert_true(sid_writers_have(f->app, f->app->shared.slot));
    assert_true(sid_writers_have(f->app, 1));
    assert_false(sid_writers_have(f->app, 2));
}

/* ---- one that cannot store ----------------------------------------------- */

/* Until it is asked again, which writer.c does. */
static void
storage_that_fails_one_of_them_is_told(void **state) {
    struct sid_writer *const each[] = {second, f->writer};
    (void)state;
    assert_int_equal(sid_app_storage(f->app), SID_OK);
    for (size_t i = 0; i < 2; i++) {
        fuzz_fail_nth(1); /* its transaction */
        assert_int_equal(write_row(each[i]), SID_E_STORE);
        assert_true(fuzz_fail_end());
        assert_int_equal(sid_app_storage(f->app), SID_E_STORE);
        assert_true(sid_app_healthy(f->app)); /* no restart is needed */
        assert_int_equal(write_row(each[i]), SID_OK);
    }
}

static bool
is_broken(const struct sid_back *back) {
    (void)back;
    return true;
}

struct break_op {
    struct sid_op op; /* first */
    struct sid_back_ops ops;
};

static enum sid_err
break_run(struct sid_op *op, struct sid_store *store) {
    struct break_op *breaks = (struct break_op *)op;
    breaks->ops = *store->back->ops;
    breaks->ops.broken = is_broken;
    store->back->ops = &breaks->ops;
    return SID_OK;
}

static void
one_whose_store_is_broken_makes_the_daemon_need_a_restart(void **state) {
    struct sid_writer *const each[] = {second, f->writer};
    static struct break_op breaks[2]; /* for the rest of the stores' lives */
    (void)state;
    assert_true(sid_app_healthy(f->app));
    for (size_t i = 0; i < 2; i++) {
        breaks[i].op = (struct sid_op){.run = break_run};
        assert_int_not_equal(sid_writer_run(each[i], &breaks[i].op), SID_OK);
        assert_false(sid_app_healthy(f->app));
        assert_false(sid_app_answered(f->app));
    }
}

static void
all_are_waited_for_and_the_first_that_fails_is_told(void **state) {
    (void)state;
    assert_int_equal(sid_writers_finish(f->app), SID_OK);
    for (unsigned n = 1; n <= 2; n++) {
        fuzz_fail_nth(n); /* of the first, of the second */
        assert_int_equal(sid_writers_finish(f->app), SID_E_STORE);
        assert_true(fuzz_fail_end());
    }
    assert_int_equal(sid_writers_finish(f->app), SID_OK);
}

/* ---- a sign of life ------------------------------------------------------ */

static void
one_that_does_not_answer_is_seen_unless_it_waits_for_the_server(void **state) {
    struct sid_writer *const each[] = {f->writer, second};
    (void)state;
    assert_true(sid_app_answered(f->app)); /* nothing was asked */
    for (size_t i = 0; i < 2; i++) {
        struct held_op held;
        hold(each[i], &held);
        sid_app_ask(f->app);
        sid_app_ask(f->app); /* the first question is still open */
        bool answered = sid_app_answered(f->app);
        sid_metric_add(SID_M_STORE_WAITING, 1);
        bool excused = sid_app_answered(f->app);
        sid_metric_add(SID_M_STORE_WAITING, -1);
        let_go(&held);
        assert_false(answered);
        assert_true(excused);
        wait_for(f->writer);
        wait_for(second);
        assert_true(sid_app_answered(f->app));
    }
}

int
main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_check_goes_to_who_is_free_and_to_each_in_turn_when_none_is),
        T(storage_that_fails_one_of_them_is_told),
        T(one_whose_store_is_broken_makes_the_daemon_need_a_restart),
        T(all_are_waited_for_and_the_first_that_fails_is_told),
        T(one_that_does_not_answer_is_seen_unless_it_waits_for_the_server),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
