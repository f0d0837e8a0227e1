/* writer_fixture.h: what the writer's tests share: a writer on a store on disk,
 * a gate that holds the writer so that a batch gathers behind it, and an
 * operation that appends audit rows and counts how often it was answered. */
#ifndef SID_WRITER_FIXTURE_H
#define SID_WRITER_FIXTURE_H

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "smartid/metrics.h"
#include "smartid/writer.h"
#include "store_fixture.h"

static inline void
wait_for(sem_t *sem) {
    while (sem_wait(sem) != 0)
        assert_int_equal(errno, EINTR);
}

struct writer_fixture {
    struct fixture *base;
    struct sid_writer *writer;
    sem_t answered; /* one post per answered test_op */
};

static inline int
writer_setup(void **state) {
    struct writer_fixture *w = calloc(1, sizeof *w);
    void *base = NULL;

    assert_non_null(w);
    fixture_setup(&base);
    w->base = base;
    assert_int_equal(sem_init(&w->answered, 0, 0), 0);
    ok(sid_writer_new(&w->base->store, &w->writer));
    assert_null(w->base->store);
    *state = w;
    return 0;
}

static inline int
writer_teardown(void **state) {
    struct writer_fixture *w = *state;
    void *base = w->base;

    sid_writer_free(&w->writer);
    sem_destroy(&w->answered);
    free(w);
    return fixture_teardown(&base);
}

/* Ends the writer and opens its store again. */
static inline struct sid_store *
writer_end(struct writer_fixture *w) {
    sid_writer_free(&w->writer);
    assert_null(w->writer);
    ok(sid_store_open(w->base->path, false, w->base->key, &w->base->store));
    return w->base->store;
}

/* ---- a gate ------------------------------------------------------------ */

struct gate {
    struct sid_op op; /* first */
    sem_t reached;
    sem_t open;
};

static inline enum sid_err
gate_run(struct sid_op *op, struct sid_store *store) {
    struct gate *gate = (struct gate *)(void *)op;

    (void)store;
    sem_post(&gate->reached);
    while (sem_wait(&gate->open) != 0)
        ;
    return SID_OK;
}

static inline void
gate_done(struct sid_op *op) {
    sem_post(&((struct gate *)(void *)op)->reached);
}

/* Returns once the writer stands in the gate, alone in its batch. */
static inline void
gate_close(struct gate *gate, struct sid_writer *writer) {
    gate->op =
        (struct sid_op){.run = gate_run, .done = gate_done, .read_only = true};
    sem_init(&gate->reached, 0, 0);
    sem_init(&gate->open, 0, 0);
    sid_writer_submit(writer, &gate->op);
    wait_for(&gate->reached);
}

static inline void
gate_open(struct gate *gate) {
    sem_post(&gate->open);
    wait_for(&gate->reached);
    sem_destroy(&gate->reached);
    sem_destroy(&gate->open);
}

/* ---- an operation ------------------------------------------------------ */

struct test_op {
    struct sid_op op; /* first */
    struct writer_fixture *w;
    int number;
    int rows;              /* audit rows it appends */
    enum sid_err fails;    /* what run returns after that */
    enum sid_err expected; /* what it must end with */
    int ran;
    int answers;
};

static inline enum sid_err
test_op_run(struct sid_op *op, struct sid_store *store) {
    struct test_op *t = (struct test_op *)(void *)op;

    t->ran++;
    for (int i = 0; i < t->rows; i++) {
        struct sid_audit_row row = audit_row(t->number);
        enum sid_err err = sid_store_audit(store, &row);
        if (err != SID_OK)
            return err;
    }
    return t->fails;
}

static inline void
test_op_done(struct sid_op *op) {
    struct test_op *t = (struct test_op *)(void *)op;

    t->answers++;
    sem_post(&t->w->answered);
}

static inline struct test_op
make_op(struct writer_fixture *w, int number, int rows) {
    return (struct test_op){
        .op = {.run = test_op_run,
               .done = test_op_done,
               .single_write = rows == 1},
        .w = w,
        .number = number,
        .rows = rows,
    };
}

static inline void
wait_answers(struct writer_fixture *w, int n) {
    for (int i = 0; i < n; i++)
        wait_for(&w->answered);
}

#endif
