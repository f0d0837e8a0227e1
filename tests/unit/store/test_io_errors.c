/* Tests of each single call to the disk failing, once and for good: nobody gets
 * a wrong yes, and a restart on a disk that works finds everything whole. */
#include "fault_vfs.h"
#include "people_fixture.h"
#include "smartid/log.h"

enum { BEFORE = 4, OPS = 12 };

/* A database with BEFORE enrolments, copied for each run. */
static uint8_t *made;
static size_t made_bytes;

static void
save_made(const char *path) {
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(made, made_bytes, 1, file), 1);
    assert_int_equal(fclose(file), 0);
}

static void
read_made(const char *path) {
    FILE *file = fopen(path, "rb");

    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    made_bytes = (size_t)ftell(file);
    rewind(file);
    made = malloc(made_bytes);
    assert_non_null(made);
    assert_int_equal(fread(made, made_bytes, 1, file), 1);
    fclose(file);
}

static int
group_setup(void **state) {
    void *base = NULL;

    fixture_group_setup(state);
    fixture_setup(&base);
    struct fixture *f = base;
    ok(sid_store_begin(f->store));
    for (int i = 0; i < BEFORE; i++)
        ok(enrol(f->store, i));
    ok(sid_store_commit(f->store));
    sid_store_close(&f->store);
    read_made(f->path);
    return fixture_teardown(&base);
}

static int
group_teardown(void **state) {
    free(made);
    return fixture_group_teardown(state);
}

/* ---- one run ----------------------------------------------------------- */

/* What the clients of one life of the daemon are told. */
struct run {
    struct people_op ops[OPS];
    bool told[OPS];
    int count;
    bool asked_sync; /* a sync failed while somebody waited */
    bool healthy;    /* the writer, after that */
};

/* One operation of each kind. Without a gate: a stopped writer runs nothing,
 * not even that. */
static void
run_batch(struct writer_fixture *w, struct run *run, int number) {
    int first = run->count;

    for (int kind = ENROL; kind <= FAIL; kind++) {
        int subject = kind == DECIDE ? number : BEFORE + run->count;
        struct people_op *p = &run->ops[run->count];
        *p = people_op(w, run->count, (enum people_kind)kind, subject);
        run->count++;
        sid_writer_submit(w->writer, &p->op.op);
    }
    wait_answers(w, run->count - first);
}

/* On a disk that works again: what is not broken serves. */
static void
next_is_fine(struct writer_fixture *w) {
    struct test_op op = make_op(w, 1, 1);
    int nth = atomic_exchange(&fault_nth, 0);

    sid_writer_submit(w->writer, &op.op);
    wait_answers(w, 1);
    assert_int_equal(op.op.err,
                     sid_writer_healthy(w->writer) ? SID_OK : SID_E_STORE);
    atomic_store(&fault_nth, nth);
}

/* Opens, serves and closes the store, call `nth` to the disk failing. */
static void
live(struct fixture *f, struct run *run) {
    struct writer_fixture w = {.base = f};

    run->healthy = true;
    if (sid_store_open(f->path, false, f->key, &f->store) != SID_OK)
        return;
    assert_int_equal(sem_init(&w.answered, 0, 0), 0);
    ok(sid_writer_new(&f->store, &w.writer));
    for (int i = 0; i < OPS / 4; i++)
        run_batch(&w, run, i);
    run->asked_sync = atomic_load(&fault_sync_struck) != 0;
    run->healthy = sid_writer_healthy(w.writer);
    next_is_fine(&w);
    sid_writer_free(&w.writer);
    sem_destroy(&w.answered);
    for (int i = 0; i < run->count; i++) {
        assert_int_equal(run->ops[i].op.answers, 1);
        run->told[i] = run->ops[i].op.op.err == SID_OK;
        assert_false(run->told[i] && run->ops[i].kind == FAIL);
    }
}

static void
check_after(struct fixture *f, const struct run *run) {
    struct people_left left = {.half = false};
    bool lost = false, half = false;

    assert_true(people_open_and_go_on(f));
    assert_true(people_read(f->path, &left));
    people_judge(run->ops, run->count, run->told, &left, &lost, &half);
    assert_false(lost);
    assert_false(half);
    for (int i = 0; i < BEFORE; i++)
        assert_true(left.enrolled[i]);
    if (run->asked_sync)
        assert_false(run->healthy);
}

/* Returns whether the disk was called that often. */
static bool
fail_call(int nth, bool for_good) {
    static struct run run;
    void *base = NULL;

    memset(&run, 0, sizeof run);
    fixture_setup_closed(&base);
    struct fixture *f = base;
    save_made(f->path);
    atomic_store(&fault_calls, 0);
    atomic_store(&fault_sync_struck, 0);
    atomic_store(&fault_for_good, for_good);
    atomic_store(&fault_nth, nth);
    live(f, &run);
    bool struck = atomic_load(&fault_calls) >= nth;
    fault_clear();
    check_after(f, &run);
    fixture_teardown(&base);
    return struck;
}

static void
fail_each_call(bool for_good) {
    int nth = 1;

    while (fail_call(nth, for_good))
        nth++;
    printf("%d calls to the disk\n", nth - 1);
    assert_true(nth > 100);
}

static void
any_call_to_the_disk_may_fail_once(void **state) {
    (void)state;
    fail_each_call(false);
}

static void
any_call_to_the_disk_may_be_the_last_that_works(void **state) {
    (void)state;
    fail_each_call(true);
}

int
main(void) {
    fault_install();
    atomic_store(&fault_fast, 1);
    sid_log_set_level(SID_LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_call_to_the_disk_may_fail_once),
        cmocka_unit_test(any_call_to_the_disk_may_be_the_last_that_works),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
