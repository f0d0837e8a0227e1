/* Tests of the writer: batches, order, answers, what an error undoes. */
#include "writer_fixture.h"

#include <pthread.h>
#include <sqlite3.h>

enum { THREADS = 8, OPS = 10000, PER_THREAD = OPS / THREADS };

/* ---- many threads ------------------------------------------------------ */

struct feeder {
    pthread_t thread;
    struct writer_fixture *w;
    struct test_op *ops;
};

static void *
feed(void *arg) {
    struct feeder *feeder = arg;

    for (int i = 0; i < PER_THREAD; i++)
        sid_writer_submit(feeder->w->writer, &feeder->ops[i].op);
    return NULL;
}

/* A seventh fails after it has written, a fifth only looks. */
static void
plan(struct test_op *op, struct writer_fixture *w, int number) {
    *op = make_op(w, number, number % 3 + 1);
    if (number % 7 == 0) {
        op->op.single_write = false;
        op->fails = op->expected = SID_E_CONFLICT;
    } else if (number % 5 == 0) {
        op->rows = 0;
        op->op.read_only = true;
    }
}

/* Feeds all from 8 threads; returns how many rows must be in the log. */
static int64_t
feed_all(struct writer_fixture *w, struct test_op *ops) {
    struct feeder feeders[THREADS];
    int64_t rows = 0;

    for (int i = 0; i < OPS; i++) {
        plan(&ops[i], w, i + 1);
        rows += ops[i].expected == SID_OK ? ops[i].rows : 0;
    }
    for (int i = 0; i < THREADS; i++) {
        feeders[i] =
            (struct feeder){.w = w, .ops = ops + (ptrdiff_t)i * PER_THREAD};
        assert_int_equal(
            pthread_create(&feeders[i].thread, NULL, feed, &feeders[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(feeders[i].thread, NULL);
    return rows;
}

static void
check_all(const struct test_op *ops) {
    for (int i = 0; i < OPS; i++) {
        assert_int_equal(ops[i].ran, 1);
        assert_int_equal(ops[i].answers, 1);
        assert_int_equal(ops[i].op.err, ops[i].expected);
    }
}

static void
operations_of_eight_threads_run_exactly_once_in_few_commits(void **state) {
    struct writer_fixture *w = *state;
    struct test_op *ops = calloc(OPS, sizeof *ops);
    int64_t commits = sid_metric_get(SID_M_COMMITS);
    int64_t counted = sid_metric_get(SID_M_OPS);

    assert_non_null(ops);
    int64_t rows = feed_all(w, ops);
    wait_answers(w, OPS);
    commits = sid_metric_get(SID_M_COMMITS) - commits;
    counted = sid_metric_get(SID_M_OPS) - counted;
    assert_true(sid_writer_healthy(w->writer));
    check_all(ops);
    assert_int_equal(counted, OPS);
    print_message("%d operations in %d commits\n", OPS, (int)commits);
    assert_true(commits >= 1 && commits < OPS / 4);
    assert_int_equal(count_audit(writer_end(w)), rows);
    free(ops);
}

struct order {
    int last[THREADS]; /* number of the last row of each thread */
    bool rising;
};

static enum sid_err
see_order(const struct sid_audit_entry *entry, void *ctx) {
    struct order *order = ctx;
    int number = (int)entry->row.at_us;
    int *last = &order->last[(number - 1) / PER_THREAD];

    order->rising = order->rising && number >= *last;
    *last = number;
    return SID_OK;
}

static void
what_gathers_behind_a_commit_is_one_batch_up_to_its_limit(void **state) {
    struct writer_fixture *w = *state;
    struct test_op *ops = calloc(OPS, sizeof *ops);
    struct order order = {.rising = true};
    struct gate gate;

    assert_non_null(ops);
    gate_close(&gate, w->writer);
    int64_t rows = feed_all(w, ops);
    int64_t commits = sid_metric_get(SID_M_COMMITS);
    gate_open(&gate);
    wait_answers(w, OPS);
    /* 10,000 in batches of 4,096 */
    assert_int_equal(sid_metric_get(SID_M_COMMITS) - commits, 3);
    check_all(ops);
    struct sid_store *store = writer_end(w);
    assert_int_equal(count_audit(store), rows);
    ok(sid_store_audit_each(store, 0, INT64_MAX, see_order, &order));
    assert_true(order.rising);
    free(ops);
}

/* ---- one batch --------------------------------------------------------- */

static void
an_error_of_one_operation_undoes_only_that_one(void **state) {
    struct writer_fixture *w = *state;
    struct test_op ops[3] = {make_op(w, 1, 2), make_op(w, 2, 2),
                             make_op(w, 3, 2)};
    struct gate gate;

    ops[1].fails = SID_E_NOT_FOUND;
    gate_close(&gate, w->writer);
    for (int i = 0; i < 3; i++)
        sid_writer_submit(w->writer, &ops[i].op);
    gate_open(&gate);
    wait_answers(w, 3);
    assert_int_equal(ops[0].op.err, SID_OK);
    assert_int_equal(ops[1].op.err, SID_E_NOT_FOUND);
    assert_int_equal(ops[2].op.err, SID_OK);
    assert_int_equal(count_audit(writer_end(w)), 4);
}

static void
a_batch_of_reads_commits_nothing(void **state) {
    struct writer_fixture *w = *state;
    struct test_op op = make_op(w, 1, 0);
    int64_t commits = sid_metric_get(SID_M_COMMITS);

    op.op.read_only = true;
    sid_writer_submit(w->writer, &op.op);
    wait_answers(w, 1);
    assert_int_equal(op.op.err, SID_OK);
    assert_int_equal(sid_metric_get(SID_M_COMMITS), commits);
}

/* What another connection sees: only what is committed. */
struct look {
    struct test_op op; /* first */
    sqlite3_stmt *count;
    int64_t rows_seen;
};

static int64_t
count_rows(sqlite3_stmt *stmt) {
    int64_t rows =
        sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;

    sqlite3_reset(stmt);
    return rows;
}

static enum sid_err
look_run(struct sid_op *op, struct sid_store *store) {
    struct look *look = (struct look *)(void *)op;
    enum sid_err err = test_op_run(op, store);

    if (count_rows(look->count) != 0)
        return SID_E_INTERNAL; /* seen before it was committed */
    return err;
}

static void
look_done(struct sid_op *op) {
    struct look *look = (struct look *)(void *)op;

    look->rows_seen = count_rows(look->count);
    test_op_done(op);
}

static void
an_answer_comes_only_after_the_commit(void **state) {
    struct writer_fixture *w = *state;
    struct look looks[3];
    struct gate gate;
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;

    assert_int_equal(
        sqlite3_open_v2(w->base->path, &db, SQLITE_OPEN_READONLY, NULL),
        SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT count(*) FROM audit", -1, &stmt, NULL),
        SQLITE_OK);
    gate_close(&gate, w->writer);
    for (int i = 0; i < 3; i++) {
        looks[i] = (struct look){.op = make_op(w, i, 1), .count = stmt};
        looks[i].op.op.run = look_run;
        looks[i].op.op.done = look_done;
        sid_writer_submit(w->writer, &looks[i].op.op);
    }
    gate_open(&gate);
    wait_answers(w, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(looks[i].op.op.err, SID_OK);
        assert_int_equal(looks[i].rows_seen, 3);
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

/* ---- submit and wait, stop --------------------------------------------- */

struct runner {
    pthread_t thread;
    struct writer_fixture *w;
    bool good;
};

static void *
run_fifty(void *arg) {
    struct runner *runner = arg;

    runner->good = true;
    for (int i = 0; i < 50; i++) {
        struct test_op op = make_op(runner->w, i, 2);
        op.op.done = NULL;
        op.fails = i % 2 == 0 ? SID_OK : SID_E_FORBIDDEN;
        runner->good = sid_writer_run(runner->w->writer, &op.op) == op.fails &&
                       op.op.err == op.fails && op.ran == 1 && runner->good;
    }
    return NULL;
}

static void
run_waits_for_the_answer_and_returns_it(void **state) {
    struct writer_fixture *w = *state;
    struct runner runners[4];

    for (int i = 0; i < 4; i++) {
        runners[i] = (struct runner){.w = w};
        assert_int_equal(
            pthread_create(&runners[i].thread, NULL, run_fifty, &runners[i]),
            0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(runners[i].thread, NULL);
        assert_true(runners[i].good);
    }
    assert_int_equal(count_audit(writer_end(w)), 4 * 25 * 2);
}

static void
again_done(struct sid_op *op) {
    struct test_op *t = (struct test_op *)(void *)op;

    if (++t->answers < 5)
        sid_writer_submit(t->w->writer, op);
    else
        sem_post(&t->w->answered);
}

static void
done_may_submit_the_operation_again(void **state) {
    struct writer_fixture *w = *state;
    struct test_op op = make_op(w, 1, 1);

    op.op.done = again_done;
    sid_writer_submit(w->writer, &op.op);
    wait_answers(w, 1);
    assert_int_equal(op.ran, 5);
    assert_int_equal(count_audit(writer_end(w)), 5);
}

static void
free_finishes_what_is_queued(void **state) {
    struct writer_fixture *w = *state;
    struct test_op ops[100];

    for (int i = 0; i < 100; i++) {
        ops[i] = make_op(w, i, 1);
        sid_writer_submit(w->writer, &ops[i].op);
    }
    struct sid_store *store = writer_end(w);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(ops[i].answers, 1);
        assert_int_equal(ops[i].op.err, SID_OK);
    }
    assert_int_equal(count_audit(store), 100);
}

int
main(void) {
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, writer_setup, writer_teardown)
    /* In memory nothing outlives its store. */
    const struct CMUnitTest kept[] = {
        T(operations_of_eight_threads_run_exactly_once_in_few_commits),
        T(what_gathers_behind_a_commit_is_one_batch_up_to_its_limit),
        T(an_error_of_one_operation_undoes_only_that_one),
        T(a_batch_of_reads_commits_nothing),
        T(run_waits_for_the_answer_and_returns_it),
        T(done_may_submit_the_operation_again),
        T(free_finishes_what_is_queued),
    };
    /* About the file. */
    const struct CMUnitTest file[] = {
        T(an_answer_comes_only_after_the_commit),
    };
#undef T
    int failed = 0;

    if (!fixture_is("memory"))
        failed += FIXTURE_RUN(kept);
    if (fixture_is("sqlite"))
        failed += FIXTURE_RUN(file);
    return failed;
}
