/* Tests of the writer on a disk that fails: full, unable to sync, damaged. */
#include "fault_vfs.h"
#include "writer_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

enum { BATCH = 10 };

/* Submits ops[BATCH] as one batch, with the disk failing as set by
 * `break_disk`. */
static void
run_batch(struct writer_fixture *w, struct test_op *ops,
          void (*break_disk)(void)) {
    struct gate gate;

    gate_close(&gate, w->writer);
    for (int i = 0; i < BATCH; i++) {
        ops[i] = make_op(w, i, i % 2 + 1);
        sid_writer_submit(w->writer, &ops[i].op);
    }
    if (break_disk != NULL)
        break_disk();
    gate_open(&gate);
    wait_answers(w, BATCH);
}

/* The same without a gate: a stopped writer runs nothing, not even that. */
static void
submit_all(struct writer_fixture *w, struct test_op *ops) {
    for (int i = 0; i < BATCH; i++) {
        ops[i] = make_op(w, i, 1);
        sid_writer_submit(w->writer, &ops[i].op);
    }
    wait_answers(w, BATCH);
}

static void
all_end_with(const struct test_op *ops, enum sid_err err) {
    for (int i = 0; i < BATCH; i++) {
        assert_int_equal(ops[i].op.err, err);
        assert_int_equal(ops[i].answers, 1);
    }
}

static void
fill_disk(void) {
    atomic_store(&fault_write_rc, SQLITE_FULL);
}

static void
fail_writes(void) {
    atomic_store(&fault_write_rc, SQLITE_IOERR_WRITE);
}

static void
fail_syncs(void) {
    atomic_store(&fault_sync_rc, SQLITE_IOERR_FSYNC);
}

static int
fault_setup(void **state) {
    fault_clear();
    return writer_setup(state);
}

static int
fault_teardown(void **state) {
    fault_clear();
    return writer_teardown(state);
}

/* ---- full -------------------------------------------------------------- */

static void
a_full_disk_fails_the_whole_batch_and_the_next_one_works(void **state) {
    struct writer_fixture *w = *state;
    struct test_op ops[BATCH];
    int64_t errors = sid_metric_get(SID_M_STORE_ERRORS);

    run_batch(w, ops, NULL);
    all_end_with(ops, SID_OK);
    for (int round = 0; round < 3; round++) {
        run_batch(w, ops, fill_disk);
        all_end_with(ops, SID_E_STORE_FULL);
        assert_int_equal(ops[0].ran, 1);
    }
    assert_true(sid_writer_healthy(w->writer));
    assert_int_equal(sid_metric_get(SID_M_STORE_ERRORS), errors + 3);
    fault_clear();
    run_batch(w, ops, NULL);
    all_end_with(ops, SID_OK);
    assert_int_equal(count_audit(writer_end(w)), 2 * 15);
}

static void
a_write_error_fails_the_whole_batch_and_the_next_one_works(void **state) {
    struct writer_fixture *w = *state;
    struct test_op ops[BATCH];

    run_batch(w, ops, fail_writes);
    all_end_with(ops, SID_E_STORE);
    assert_true(sid_writer_healthy(w->writer));
    fault_clear();
    run_batch(w, ops, NULL);
    all_end_with(ops, SID_OK);
    assert_int_equal(count_audit(writer_end(w)), 15);
}

static void
reads_go_on_while_the_disk_is_full(void **state) {
    struct writer_fixture *w = *state;
    struct test_op op = make_op(w, 1, 0);

    fill_disk();
    op.op.read_only = true;
    sid_writer_submit(w->writer, &op.op);
    wait_answers(w, 1);
    assert_int_equal(op.op.err, SID_OK);
}

static enum sid_err
count_run(struct sid_op *op, struct sid_store *store) {
    struct test_op *t = (struct test_op *)(void *)op;

    t->ran++;
    t->number = (int)count_audit(store);
    return SID_OK;
}

/* A client that only looks must not be told that nothing was changed, nor be
 * shown what was not changed in the end. */
static void
reads_beside_writes_that_fail_keep_their_own_answer(void **state) {
    struct writer_fixture *w = *state;
    struct test_op write[2] = {make_op(w, 1, 1), make_op(w, 2, 2)};
    struct test_op read[2] = {make_op(w, 0, 0), make_op(w, 0, 0)};
    struct gate gate;

    gate_close(&gate, w->writer);
    for (int i = 0; i < 2; i++) {
        read[i].op.run = count_run;
        read[i].op.read_only = true;
        sid_writer_submit(w->writer, &write[i].op);
        sid_writer_submit(w->writer, &read[i].op);
    }
    fill_disk();
    gate_open(&gate);
    wait_answers(w, 4);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(write[i].op.err, SID_E_STORE_FULL);
        assert_int_equal(read[i].op.err, SID_OK);
        assert_int_equal(read[i].ran, 1);
        assert_int_equal(read[i].number, 0);
    }
}

static void
reads_of_a_batch_see_its_writes(void **state) {
    struct writer_fixture *w = *state;
    struct test_op write = make_op(w, 1, 3);
    struct test_op read = make_op(w, 0, 0);
    struct gate gate;

    read.op.run = count_run;
    read.op.read_only = true;
    gate_close(&gate, w->writer);
    sid_writer_submit(w->writer, &write.op);
    sid_writer_submit(w->writer, &read.op);
    gate_open(&gate);
    wait_answers(w, 2);
    assert_int_equal(read.op.err, SID_OK);
    assert_int_equal(read.number, 3);
}

/* Up to ten seconds. */
static bool
storage_becomes(struct writer_fixture *w, enum sid_err wanted) {
    const struct timespec nap = {.tv_nsec = 20000000L};

    for (int i = 0; i < 500; i++) {
        if (sid_writer_storage(w->writer) == wanted)
            return true;
        nanosleep(&nap, NULL);
    }
    return false;
}

static void
a_full_disk_is_told_until_it_takes_something_again(void **state) {
    struct writer_fixture *w = *state;
    struct test_op op = make_op(w, 1, 1);

    assert_int_equal(sid_writer_storage(w->writer), SID_OK);
    fill_disk();
    sid_writer_submit(w->writer, &op.op);
    wait_answers(w, 1);
    assert_int_equal(sid_writer_storage(w->writer), SID_E_STORE_FULL);
    /* Nothing to write is no proof that it can be written. */
    op.rows = 0;
    sid_writer_submit(w->writer, &op.op);
    wait_answers(w, 1);
    assert_int_equal(op.op.err, SID_OK);
    assert_int_equal(sid_writer_storage(w->writer), SID_E_STORE_FULL);
    fault_clear();
    /* Without anybody asking. */
    assert_true(storage_becomes(w, SID_OK));
    assert_int_equal(count_audit(writer_end(w)), 0);
}

static void
a_writer_that_needs_a_restart_says_so(void **state) {
    struct writer_fixture *w = *state;
    struct test_op op = make_op(w, 1, 1);

    fail_syncs();
    sid_writer_submit(w->writer, &op.op);
    wait_answers(w, 1);
    fault_clear();
    assert_false(sid_writer_healthy(w->writer));
    assert_int_equal(sid_writer_storage(w->writer), SID_E_STORE);
}

/* What stderr got while work(w) ran. */
static size_t
lines_of(struct writer_fixture *w, void (*work)(struct writer_fixture *w),
         const char *word) {
    char text[16384] = "";
    size_t count = 0;
    FILE *file = tmpfile();
    int stderr_fd = dup(STDERR_FILENO);

    assert_non_null(file);
    assert_true(stderr_fd >= 0);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    work(w);
    assert_true(dup2(stderr_fd, STDERR_FILENO) >= 0);
    close(stderr_fd);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    (void)fclose(file);
    for (const char *at = text; (at = strstr(at, word)) != NULL; at++)
        count++;
    return count;
}

static void
fail_often(struct writer_fixture *w) {
    struct test_op ops[BATCH];

    for (int round = 0; round < 10; round++)
        run_batch(w, ops, fill_disk);
}

static void
one_kind_of_error_is_logged_once_until_a_write_succeeds(void **state) {
    struct writer_fixture *w = *state;
    struct test_op ops[BATCH];

    assert_int_equal(lines_of(w, fail_often, "event=store_error"), 1);
    fault_clear();
    run_batch(w, ops, NULL);
    all_end_with(ops, SID_OK);
    assert_int_equal(lines_of(w, fail_often, "event=store_error"), 1);
}

/* Writes more than the page cache holds, so that SQLite must write in the
 * middle of the transaction, and drops the transaction when it cannot. */
struct big_op {
    struct test_op op; /* first */
    uint8_t *photo;
};

static enum sid_err
big_run(struct sid_op *op, struct sid_store *store) {
    struct big_op *big = (struct big_op *)(void *)op;
    struct sid_enrolment e = make_enrolment(big->op.number);
    enum sid_err err = SID_OK;

    err = sid_store_enrol_insert(store, &e);
    for (int kind = SID_PHOTO_ID; err == SID_OK && kind <= SID_PHOTO_SELFIE;
         kind++)
        err =
            sid_store_photo_put(store, e.id, (enum sid_photo_kind)kind,
                                sid_span_of(big->photo, SID_SEALED_MAX_BYTES));
    sid_enrolment_fini(&e);
    return err;
}

static void
a_transaction_dropped_half_way_fails_all_and_leaks_nothing(void **state) {
    struct writer_fixture *w = *state;
    struct test_op before[2] = {make_op(w, 1, 1), make_op(w, 2, 2)};
    struct big_op big = {.op = make_op(w, 3, 0)};
    struct test_op after[2] = {make_op(w, 4, 1), make_op(w, 5, 2)};
    struct gate gate;

    big.photo = calloc(1, SID_SEALED_MAX_BYTES);
    assert_non_null(big.photo);
    memset(big.photo, 1, SID_SEALED_MAX_BYTES);
    big.op.op.run = big_run;
    gate_close(&gate, w->writer);
    sid_writer_submit(w->writer, &before[0].op);
    sid_writer_submit(w->writer, &before[1].op);
    sid_writer_submit(w->writer, &big.op.op);
    sid_writer_submit(w->writer, &after[0].op);
    sid_writer_submit(w->writer, &after[1].op);
    fill_disk();
    gate_open(&gate);
    wait_answers(w, 5);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(before[i].op.err, SID_E_STORE_FULL);
        assert_int_equal(after[i].op.err, SID_E_STORE_FULL);
    }
    assert_int_equal(big.op.op.err, SID_E_STORE_FULL);
    assert_true(sid_writer_healthy(w->writer));
    fault_clear();
    sid_writer_submit(w->writer, &big.op.op);
    wait_answers(w, 1);
    assert_int_equal(big.op.op.err, SID_OK);
    struct sid_store *store = writer_end(w);
    assert_int_equal(count_audit(store), 0);
    assert_int_equal(count_photos(store), 2);
    free(big.photo);
}

/* ---- broken ------------------------------------------------------------ */

static void
a_failed_sync_is_never_retried(void **state) {
    struct writer_fixture *w = *state;
    struct test_op ops[BATCH];
    struct test_op read = make_op(w, 1, 0);

    run_batch(w, ops, NULL);
    all_end_with(ops, SID_OK);
    run_batch(w, ops, fail_syncs);
    all_end_with(ops, SID_E_STORE);
    assert_false(sid_writer_healthy(w->writer));
    fault_clear(); /* the disk syncs again: too late */
    int writes = atomic_load(&fault_writes);
    read.op.read_only = true;
    sid_writer_submit(w->writer, &read.op);
    wait_answers(w, 1);
    assert_int_equal(read.op.err, SID_E_STORE);
    submit_all(w, ops);
    all_end_with(ops, SID_E_STORE);
    assert_int_equal(ops[0].ran, 0);
    assert_false(sid_writer_healthy(w->writer));
    sid_writer_free(&w->writer);
    assert_int_equal(atomic_load(&fault_writes), writes);
    /* A restart finds the acknowledged batch, and the failed one whole or not
     * at all. */
    ok(sid_store_open(w->base->path, false, w->base->key, &w->base->store));
    int64_t rows = count_audit(w->base->store);
    assert_true(rows == 15 || rows == 30);
}

/* For the kernel the log of a failed sync is written; nothing may rest on that.
 */
static void
a_log_left_behind_is_moved_and_synced_before_anything_else(void **state) {
    struct writer_fixture *w = *state;
    struct test_op ops[BATCH];
    char log[320];
    struct stat st;

    run_batch(w, ops, NULL);
    run_batch(w, ops, fail_syncs);
    sid_writer_free(&w->writer);
    snprintf(log, sizeof log, "%s-wal", w->base->path);
    assert_int_equal(stat(log, &st), 0);
    assert_true(st.st_size > 0);
    assert_int_equal(
        sid_store_open(w->base->path, false, w->base->key, &w->base->store),
        SID_E_STORE);
    assert_null(w->base->store);
    fault_clear();
    ok(sid_store_open(w->base->path, false, w->base->key, &w->base->store));
    assert_int_equal(stat(log, &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_true(count_audit(w->base->store) >= 15);
}

static enum sid_err
look_up_run(struct sid_op *op, struct sid_store *store) {
    struct test_op *t = (struct test_op *)(void *)op;
    struct sid_credential found;
    enum sid_err err =
        sid_store_credential_by_serial(store, (uint64_t)t->number, &found);

    if (err == SID_OK)
        sid_credential_fini(&found);
    return err;
}

static void
a_damaged_database_stops_the_writer(void **state) {
    struct writer_fixture *w = *state;
    struct test_op look_up = make_op(w, 1, 0);
    struct test_op ops[BATCH];
    uint64_t serial = 0;
    struct sid_store *store = writer_end(w);

    ok(sid_store_begin(store));
    ok(insert_credential(store, 1, 1, &serial));
    ok(sid_store_commit(store));
    fixture_reopen(w->base); /* with a cold cache */
    ok(sid_writer_new(&w->base->store, &w->writer));
    atomic_store(&fault_rubbish, 1);
    look_up.op.run = look_up_run;
    look_up.op.read_only = true;
    look_up.number = (int)serial;
    sid_writer_submit(w->writer, &look_up.op);
    wait_answers(w, 1);
    assert_int_equal(look_up.op.err, SID_E_STORE);
    assert_false(sid_writer_healthy(w->writer));
    submit_all(w, ops);
    all_end_with(ops, SID_E_STORE);
}

int
main(void) {
    fault_install();
    const struct CMUnitTest tests[] = {
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, fault_setup, fault_teardown)
        T(a_full_disk_fails_the_whole_batch_and_the_next_one_works),
        T(a_write_error_fails_the_whole_batch_and_the_next_one_works),
        T(reads_go_on_while_the_disk_is_full),
        T(reads_beside_writes_that_fail_keep_their_own_answer),
        T(reads_of_a_batch_see_its_writes),
        T(a_full_disk_is_told_until_it_takes_something_again),
        T(a_writer_that_needs_a_restart_says_so),
        T(one_kind_of_error_is_logged_once_until_a_write_succeeds),
        T(a_transaction_dropped_half_way_fails_all_and_leaks_nothing),
        T(a_failed_sync_is_never_retried),
        T(a_log_left_behind_is_moved_and_synced_before_anything_else),
        T(a_damaged_database_stops_the_writer),
#undef T
    };

    return cmocka_run_group_tests(tests, fixture_group_setup,
                                  fixture_group_teardown);
}
