/* Tests of batches that the writer runs again, because something was in their
 * way on the server. Always on the server at SID_TEST_PG; the other session is
 * a connection of the test's own. */
#include "../../../src/store/store_front.h"
#include "../../../src/store/store_pgsql.h"
#include "smartid/clock.h"
#include "writer_fixture.h"

#include <pthread.h>

/* ---- the other session --------------------------------------------------- */

struct other {
    PGconn *conn;
    pthread_t thread;
    const char *next; /* for the thread */
    bool runs;        /* the thread, or it has ended */
};

/* One value, or "". */
static void
tell(struct other *other, const char *sql, char out[64]) {
    PGresult *result = PQexec(other->conn, sql);
    ExecStatusType status = PQresultStatus(result);

    assert_true(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK);
    snprintf(out, 64, "%s",
             PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
}

static void
say(struct other *other, const char *sql) {
    char none[64];

    tell(other, sql, none);
}

static struct other
other_new(const struct fixture *f) {
    struct other other = {.conn = PQconnectdb(f->path)};

    assert_int_equal(PQstatus(other.conn), CONNECTION_OK);
    return other;
}

static void
other_end(struct other *other) {
    if (other->runs)
        pthread_join(other->thread, NULL);
    PQfinish(other->conn);
}

static void *
say_and_commit(void *arg) {
    struct other *other = arg;

    say(other, other->next);
    say(other, "COMMIT");
    return NULL;
}

/* Waits until a session of these tests waits for another one's row. */
static void
wait_for_a_lock(const struct fixture *f) {
    struct other look = other_new(f);
    char waiting[64] = "0";

    while (strcmp(waiting, "0") == 0)
        tell(&look,
             "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a "
             "ON a.pid = l.pid WHERE NOT l.granted",
             waiting);
    other_end(&look);
}

static void
end_connection(struct other *other, const struct sid_store *store) {
    char sql[100];
    char gone[64];
    const struct sid_pgsql *pg = sid_pgsql_of(store->back);

    snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%d, 5000)",
             PQbackendPID(pg->conn));
    tell(other, sql, gone);
    assert_string_equal(gone, "t");
}

/* ---- an operation that something is in the way of ------------------------ */

struct meets {
    struct sid_op op; /* first */
    struct writer_fixture *w;
    struct other other;
    /* Between what it writes first and what it writes then; run: how often it
     * has been run. */
    void (*halfway)(struct meets *meets, struct sid_store *store);
    int ran;
    int answers;
};

static enum sid_err
note(struct sid_store *store, int number) {
    struct sid_audit_row row = audit_row(number);

    return sid_store_audit(store, &row);
}

static enum sid_err
suspend(struct sid_store *store, int number) {
    char id[SID_ID_SIZE];
    struct sid_credential c = {.serial = 0};

    make_id(id, "crd_", number);
    enum sid_err err = sid_store_credential_get(store, id, &c);
    c.life.state = SID_CREDENTIAL_SUSPENDED;
    c.life.suspended_by = SID_ROLE_OFFICER;
    if (err == SID_OK)
        err = sid_store_credential_change(store, &c);
    sid_credential_fini(&c);
    return err;
}

static enum sid_err
meets_run(struct sid_op *op, struct sid_store *store) {
    struct meets *meets = (struct meets *)(void *)op;
    enum sid_err err = suspend(store, 1);

    meets->ran++;
    if (err == SID_OK)
        err = note(store, 1);
    if (err == SID_OK)
        meets->halfway(meets, store);
    return err == SID_OK ? suspend(store, 2) : err;
}

static void
meets_done(struct sid_op *op) {
    struct meets *meets = (struct meets *)(void *)op;

    meets->answers++;
    sem_post(&meets->w->answered);
}

/* Two credentials. */
static void
make_two(struct writer_fixture *w) {
    struct sid_store *store = writer_end(w);
    uint64_t serial = 0;

    ok(sid_store_begin(store));
    ok(insert_credential(store, 1, 1, &serial));
    ok(insert_credential(store, 2, 2, &serial));
    ok(sid_store_commit(store));
    ok(sid_writer_new(&w->base->store, &w->writer));
}

/* In one batch with an operation before and one behind it, which are run again
 * with it, and answered once. */
static enum sid_err
run_in_a_batch(struct writer_fixture *w,
               void (*halfway)(struct meets *meets, struct sid_store *store),
               struct meets *out) {
    struct test_op before = make_op(w, 7, 1);
    struct test_op behind = make_op(w, 8, 2);
    struct gate gate;

    *out = (struct meets){.op = {.run = meets_run, .done = meets_done},
                          .w = w,
                          .other = other_new(w->base),
                          .halfway = halfway};
    gate_close(&gate, w->writer);
    sid_writer_submit(w->writer, &before.op);
    sid_writer_submit(w->writer, &out->op);
    sid_writer_submit(w->writer, &behind.op);
    gate_open(&gate);
    wait_answers(w, 3);
    other_end(&out->other);
    assert_int_equal(before.answers, 1);
    assert_int_equal(out->answers, 1);
    assert_int_equal(behind.answers, 1);
    assert_int_equal(before.op.err, out->op.err);
    assert_int_equal(behind.op.err, out->op.err);
    assert_int_equal(before.ran, out->ran);
    return out->op.err;
}

/* What the three leave: their rows once, in a chain that is whole. */
static void
is_done_once(struct writer_fixture *w) {
    struct sid_store *store = writer_end(w);
    struct sid_credential c = {.serial = 0};

    assert_int_equal(count_audit(store), 4);
    assert_int_equal(sid_store_audit_head(store, NULL), 4);
    for (int i = 1; i <= 2; i++) {
        char id[SID_ID_SIZE];
        make_id(id, "crd_", i);
        ok(sid_store_credential_get(store, id, &c));
        assert_int_equal(c.life.state, SID_CREDENTIAL_SUSPENDED);
        sid_credential_fini(&c);
    }
}

/* ---- two in each other's way --------------------------------------------- */

/* The other one has the second row and wants the first. It waits for longer
 * than we do before it looks for the cause. */
static void
cross(struct meets *meets, struct sid_store *store) {
    (void)store;
    if (meets->ran > 1)
        return;
    say(&meets->other, "SET deadlock_timeout = '1min'");
    say(&meets->other, "BEGIN");
    say(&meets->other, "UPDATE credential SET issued_at_s = issued_at_s "
                       "WHERE id LIKE 'crd%2'");
    meets->other.next = "UPDATE credential SET issued_at_s = issued_at_s "
                        "WHERE id LIKE 'crd%1'";
    assert_int_equal(pthread_create(&meets->other.thread, NULL, say_and_commit,
                                    &meets->other),
                     0);
    meets->other.runs = true;
    wait_for_a_lock(meets->w->base);
}

static void
a_batch_that_a_deadlock_breaks_off_is_run_again(void **state) {
    struct writer_fixture *w = *state;
    int64_t retries = sid_metric_get(SID_M_STORE_RETRIES);
    struct meets meets;

    make_two(w);
    ok(run_in_a_batch(w, cross, &meets));
    assert_int_equal(meets.ran, 2);
    assert_int_equal(sid_metric_get(SID_M_STORE_RETRIES) - retries, 1);
    is_done_once(w);
}

/* A server that says so so many times, whatever the kind of the transactions; a
 * sequence does not go back with them. */
static void
fail_first(const struct fixture *f, int times) {
    struct other other = other_new(f);
    char sql[256];

    snprintf(sql, sizeof sql,
             "CREATE FUNCTION in_the_way() RETURNS trigger LANGUAGE plpgsql "
             "AS $$ BEGIN IF nextval('times') <= %d THEN RAISE 'in the way' "
             "USING ERRCODE = '40001'; END IF; RETURN NEW; END $$",
             times);
    say(&other, "CREATE SEQUENCE times");
    say(&other, sql);
    say(&other, "CREATE TRIGGER first BEFORE UPDATE ON credential "
                "FOR EACH ROW EXECUTE FUNCTION in_the_way()");
    other_end(&other);
}

static void
nothing(struct meets *meets, struct sid_store *store) {
    (void)meets;
    (void)store;
}

static void
passes_after(struct writer_fixture *w, int times) {
    int64_t retries = sid_metric_get(SID_M_STORE_RETRIES);
    int64_t errors = sid_metric_get(SID_M_STORE_ERRORS);
    struct meets meets;

    make_two(w);
    fail_first(w->base, times);
    ok(run_in_a_batch(w, nothing, &meets));
    assert_int_equal(meets.ran, times + 1);
    assert_int_equal(sid_metric_get(SID_M_STORE_RETRIES) - retries, times);
    assert_int_equal(sid_metric_get(SID_M_STORE_ERRORS) - errors, 0);
    assert_int_equal(sid_writer_storage(w->writer), SID_OK);
    is_done_once(w);
}

static void
a_batch_that_cannot_be_put_in_order_is_run_again(void **state) {
    passes_after(*state, 1);
}

/* As where several daemons are kept busy by enrolments on a slow machine. */
static void
one_that_meets_others_ten_times_is_run_until_it_passes(void **state) {
    passes_after(*state, 10);
}

static void
one_that_is_alone_is_run_again_once_and_is_in_nobody_elses_way(void **state) {
    struct writer_fixture *w = *state;
    int64_t errors = sid_metric_get(SID_M_STORE_ERRORS);
    struct meets meets = {
        .op = {.run = meets_run, .done = meets_done, .alone = true},
        .w = w,
        .other = other_new(w->base),
        .halfway = nothing};
    struct gate gate;

    make_two(w);
    struct test_op before = make_op(w, 7, 1);
    struct test_op behind = make_op(w, 8, 2);
    fail_first(w->base, 2);
    gate_close(&gate, w->writer);
    sid_writer_submit(w->writer, &before.op);
    sid_writer_submit(w->writer, &meets.op);
    sid_writer_submit(w->writer, &behind.op);
    gate_open(&gate);
    wait_answers(w, 3);
    assert_int_equal(meets.op.err, SID_E_AGAIN);
    assert_int_equal(meets.ran, 2);
    ok(before.op.err);
    ok(behind.op.err);
    assert_int_equal(before.ran + behind.ran, 2);
    assert_int_equal(sid_writer_storage(w->writer), SID_OK);
    assert_int_equal(sid_metric_get(SID_M_STORE_ERRORS) - errors, 0);
    sid_writer_submit(w->writer, &meets.op);
    wait_answers(w, 1);
    ok(meets.op.err);
    other_end(&meets.other);
    is_done_once(w);
}

/* ---- a connection that breaks -------------------------------------------- */

static void
cut_once(struct meets *meets, struct sid_store *store) {
    if (meets->ran == 1)
        end_connection(&meets->other, store);
}

static void
a_batch_whose_connection_breaks_is_run_again_on_a_new_one(void **state) {
    struct writer_fixture *w = *state;
    struct meets meets;

    make_two(w);
    ok(run_in_a_batch(w, cut_once, &meets));
    assert_int_equal(meets.ran, 2);
    is_done_once(w);
}

static void
cut(struct meets *meets, struct sid_store *store) {
    end_connection(&meets->other, store);
}

static void
a_batch_that_breaks_each_time_is_given_up_and_the_next_one_works(void **state) {
    struct writer_fixture *w = *state;
    struct meets meets;
    int64_t began_us = sid_mono_us();

    make_two(w);
    assert_int_equal(run_in_a_batch(w, cut, &meets), SID_E_STORE);
    assert_true(sid_mono_us() - began_us >= 10 * 1000 * 1000);
    /* Not in a loop that leaves the server no time for the others. */
    assert_in_range(meets.ran, 9, 200);
    assert_true(sid_writer_healthy(w->writer));
    ok(run_in_a_batch(w, cut_once, &meets));
    is_done_once(w);
}

/* The commit is on its way behind a row that waits for somebody's lock, when
 * the connection breaks: it was not made. */
static void *
cut_the_commit(void *arg) {
    struct meets *meets = arg;
    char gone[64];

    wait_for_a_lock(meets->w->base);
    tell(&meets->other, meets->other.next, gone);
    say(&meets->other, "ROLLBACK");
    return NULL;
}

static char cut_sql[120];

static void
lock_log(struct meets *meets, struct sid_store *store) {
    const struct sid_pgsql *pg = sid_pgsql_of(store->back);

    if (meets->ran > 1)
        return;
    snprintf(cut_sql, sizeof cut_sql, "SELECT pg_terminate_backend(%d, 5000)",
             PQbackendPID(pg->conn));
    meets->other.next = cut_sql;
    say(&meets->other, "BEGIN");
    say(&meets->other, "LOCK TABLE audit IN EXCLUSIVE MODE");
    assert_int_equal(
        pthread_create(&meets->other.thread, NULL, cut_the_commit, meets), 0);
    meets->other.runs = true;
}

static enum sid_err
last_run(struct sid_op *op, struct sid_store *store) {
    struct meets *meets = (struct meets *)(void *)op;

    meets->ran++;
    lock_log(meets, store);
    return note(store, 1);
}

static void
a_commit_that_never_arrived_is_made_again(void **state) {
    struct writer_fixture *w = *state;
    struct meets meets = {
        .op = {.run = last_run, .done = meets_done, .single_write = true},
        .w = w,
        .other = other_new(w->base)};

    sid_writer_submit(w->writer, &meets.op);
    wait_answers(w, 1);
    ok(meets.op.err);
    assert_int_equal(meets.ran, 2);
    assert_int_equal(count_audit(writer_end(w)), 1);
    other_end(&meets.other);
}

int
main(void) {
    setenv("SID_TEST_STORE", "pgsql", 1);
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, writer_setup, writer_teardown)
    const struct CMUnitTest tests[] = {
        T(a_batch_that_a_deadlock_breaks_off_is_run_again),
        T(a_batch_that_cannot_be_put_in_order_is_run_again),
        T(one_that_meets_others_ten_times_is_run_until_it_passes),
        T(one_that_is_alone_is_run_again_once_and_is_in_nobody_elses_way),
        T(a_batch_whose_connection_breaks_is_run_again_on_a_new_one),
        T(a_batch_that_breaks_each_time_is_given_up_and_the_next_one_works),
        T(a_commit_that_never_arrived_is_made_again),
    };
#undef T

    return FIXTURE_RUN(tests);
}
