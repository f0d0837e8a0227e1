/* Tests of what PostgreSQL alone has: a connection that breaks, a lease, and
 * ways to the server that are counted. Always on the server at SID_TEST_PG. */
#include "../../../src/store/store_front.h"
#include "../../../src/store/store_pgsql.h"
#include "smartid/clock.h"
#include "writer_fixture.h"

static struct sid_pgsql *
back_of(struct sid_store *store) {
    return sid_pgsql_of(store->back);
}

/* On a connection of its own: one value, or "". */
static void
ask(const char *sql, char out[32]) {
    PGconn *conn = PQconnectdb(getenv("SID_TEST_PG"));
    PGresult *result = PQexec(conn, sql);

    snprintf(out, 32, "%s",
             PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    PQfinish(conn);
}

static void
tell(const struct fixture *f, const char *sql) {
    PGconn *conn = PQconnectdb(f->path);
    PGresult *result = PQexec(conn, sql);

    assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
    PQclear(result);
    PQfinish(conn);
}

static void
kill_connection(struct sid_store *store) {
    char sql[200];
    char gone[32];
    int pid = PQbackendPID(back_of(store)->conn);

    snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%d, 5000)", pid);
    ask(sql, gone);
    assert_string_equal(gone, "t");
}

static enum sid_err
append(struct sid_store *store, int64_t at_us) {
    struct sid_audit_row row = audit_row(at_us);

    return sid_store_audit(store, &row);
}

static void
append_one(struct sid_store *store) {
    ok(sid_store_begin(store));
    ok(append(store, 5));
    ok(sid_store_commit(store));
}

/* ---- the connection ------------------------------------------------------ */

/* A server that takes longer than the 10 s after which it would be taken for
 * gone, and less than a second more for each megabyte. */
static void
r_a_busy_server_has_longer_for_a_large_photo(void **state) {
    struct fixture *f = *state;
    struct sid_enrolment e = make_enrolment(1);
    size_t len = (size_t)8 << 20;
    uint8_t *photo = calloc(1, len);

    assert_non_null(photo);
    tell(f, "CREATE FUNCTION busy() RETURNS trigger LANGUAGE plpgsql "
            "AS $$ BEGIN PERFORM pg_sleep(10.5); RETURN NEW; END $$");
    tell(f, "CREATE TRIGGER slow BEFORE INSERT ON photo "
            "FOR EACH ROW EXECUTE FUNCTION busy()");
    ok(sid_store_begin(f->store));
    ok(sid_store_enrol_insert(f->store, &e));
    ok(sid_store_photo_put(f->store, e.id, SID_PHOTO_ID,
                           sid_span_of(photo, len)));
    ok(sid_store_commit(f->store));
    free(photo);
    sid_enrolment_fini(&e);
}

/* A plan without sequential scans is dear in the server's eyes where there is
 * no other, which compiled it for 0.2 to 0.4 s, each second, of each daemon. */
static void
r_the_server_compiles_no_statement(void **state) {
    struct fixture *f = *state;

    append_one(f->store);
    PGconn *conn = back_of(f->store)->conn;
    PQsetnonblocking(conn, 0);
    assert_int_equal(PQexitPipelineMode(conn), 1);
    PGresult *plan =
        PQexec(conn, "EXPLAIN SELECT count(*), sum(revoked_at_s) FROM client");
    assert_true(PQntuples(plan) > 0);
    for (int i = 0; i < PQntuples(plan); i++)
        assert_null(strstr(PQgetvalue(plan, i, 0), "JIT"));
    PQclear(plan);
    assert_int_equal(PQenterPipelineMode(conn), 1);
    PQsetnonblocking(conn, 1);
}

/* Two checks of a code, one with its look-up ahead and one without. */
static void
check_twice(struct sid_store *store) {
    const uint64_t serial = 1;
    struct sid_credential out;

    for (int ahead = 0; ahead < 2; ahead++) {
        ok(sid_store_begin(store));
        if (ahead)
            ok(sid_store_look_ahead(store, &serial, 1));
        ok(sid_store_credential_by_serial(store, serial, &out));
        sid_credential_fini(&out);
        ok(append(store, 6));
        ok(sid_store_commit(store));
    }
}

static void
what_a_check_runs_is_prepared_once_and_run_again(void **state) {
    struct fixture *f = *state;
    uint64_t serial = 0;

    ok(sid_store_begin(f->store));
    ok(insert_credential(f->store, 1, 1, &serial));
    ok(sid_store_commit(f->store));
    check_twice(f->store);
    check_twice(f->store);
    PGconn *conn = back_of(f->store)->conn;
    PQsetnonblocking(conn, 0);
    assert_int_equal(PQexitPipelineMode(conn), 1);
    PGresult *found =
        PQexec(conn, "SELECT name FROM pg_prepared_statements WHERE NOT "
                     "from_sql AND generic_plans + custom_plans >= 2 AND name "
                     "IN ('LEASE_HOLD', 'LOOK_AHEAD', 'CREDENTIAL_BY_SERIAL', "
                     "'AUDIT_APPEND')");
    assert_int_equal(PQntuples(found), 4);
    PQclear(found);
    assert_int_equal(PQenterPipelineMode(conn), 1);
    PQsetnonblocking(conn, 1);
}

static void
bytes_come_as_they_are(void **state) {
    struct fixture *f = *state;
    uint64_t serial = 0;
    int bytes = 0;

    ok(sid_store_begin(f->store));
    ok(insert_credential(f->store, 1, 1, &serial));
    ok(sid_store_commit(f->store));
    ok(sid_store_begin(f->store));
    ok(sid_store_look_ahead(f->store, &serial, 1));
    const PGresult *row = back_of(f->store)->ahead;
    for (int i = 0; i < PQnfields(row); i++) {
        assert_int_equal(PQfformat(row, i), 1);
        bytes += PQftype(row, i) == 17; /* bytea. Source: pg_type.dat */
    }
    assert_true(bytes >= 4);
    int index = PQfnumber(row, "id_index");
    assert_int_equal(PQftype(row, index), 17);
    assert_int_equal(PQgetlength(row, 0, index), 32); /* 66 as text */
    ok(sid_store_commit(f->store));
}

static void
a_connection_that_broke_between_transactions_is_made_anew(void **state) {
    struct fixture *f = *state;

    append_one(f->store);
    kill_connection(f->store);
    append_one(f->store);
    assert_false(sid_store_broken(f->store));
    assert_int_equal(count_audit(f->store), 2);
}

static void
a_connection_that_breaks_within_one_takes_it_along_and_no_more(void **state) {
    struct fixture *f = *state;
    uint64_t serial = 0;

    append_one(f->store);
    ok(sid_store_begin(f->store));
    ok(append(f->store, 6));
    ok(insert_credential(f->store, 1, 1, &serial));
    kill_connection(f->store);
    assert_int_equal(sid_store_commit(f->store), SID_E_AGAIN);
    assert_false(sid_store_broken(f->store));
    append_one(f->store);
    assert_int_equal(count_audit(f->store), 2);
    assert_int_equal(sid_store_audit_head(f->store, NULL), 2);
}

static void
every_function_tells_of_a_lost_transaction_until_it_ends(void **state) {
    struct fixture *f = *state;
    struct sid_credential out;

    ok(sid_store_begin(f->store));
    kill_connection(f->store);
    assert_int_equal(sid_store_credential_get(f->store, "crd_x", &out),
                     SID_E_AGAIN);
    assert_int_equal(append(f->store, 6), SID_E_AGAIN);
    assert_int_equal(sid_store_savepoint(f->store), SID_E_AGAIN);
    assert_int_equal(sid_store_commit(f->store), SID_E_AGAIN);
    append_one(f->store);
}

static void
a_row_the_chain_does_not_know_fails_the_commit(void **state) {
    struct fixture *f = *state;
    char none[32];
    char sql[300];

    append_one(f->store);
    snprintf(sql, sizeof sql,
             "INSERT INTO %s.audit SELECT 2, at_us, event, actor, subject, "
             "outcome, detail, mac FROM %s.audit",
             f->schema, f->schema);
    ask(sql, none);
    ok(sid_store_begin(f->store));
    ok(append(f->store, 6)); /* its answer is not waited for */
    assert_int_equal(sid_store_commit(f->store), SID_E_STORE);
    assert_int_equal(sid_store_audit_head(f->store, NULL), 1);
}

static void
a_refused_statement_leaves_its_transaction(void **state) {
    struct fixture *f = *state;
    struct sid_client client = make_client(1);

    ok(sid_store_begin(f->store));
    ok(sid_store_client_put(f->store, &client));
    assert_int_equal(sid_store_client_put(f->store, &client), SID_E_EXISTS);
    ok(append(f->store, 6));
    ok(sid_store_commit(f->store));
    assert_int_equal(count_audit(f->store), 1);
}

static void
what_is_no_uri_or_has_a_password_is_refused(void **state) {
    struct sid_store *store = NULL;
    static const char *const places[] = {"postgresql://%zz",
                                         "postgresql://a:b@127.0.0.1/x",
                                         "postgresql://127.0.0.1/x?password=b",
                                         "postgresql://127.0.0.1/x?nonsense=1"};

    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        assert_int_equal(sid_store_open(places[i], true, NULL, &store),
                         SID_E_ARGUMENT);
    assert_int_equal(
        sid_store_open("postgresql:///x?host=/nowhere", true, NULL, &store),
        SID_E_STORE);
}

/* ---- the lease ----------------------------------------------------------- */

static void
a_store_with_a_writer_keeps_others_out(void **state) {
    struct writer_fixture *w = *state;
    struct sid_store *second = NULL;

    assert_int_equal(
        sid_store_open(w->base->path, false, w->base->key, &second),
        SID_E_LOCKED);
}

static void
whoever_lost_the_lease_commits_nothing_any_more(void **state) {
    struct fixture *f = *state;
    struct sid_store *next = NULL;
    char sql[100];
    char none[32];

    append_one(f->store);
    snprintf(sql, sizeof sql, "UPDATE %s.lease SET until_us = 0", f->schema);
    ask(sql, none);
    ok(sid_store_open(f->path, false, f->key, &next));
    ok(sid_store_begin(f->store));
    ok(append(f->store, 7));
    assert_int_equal(sid_store_commit(f->store), SID_E_STORE);
    assert_true(sid_store_broken(f->store));
    append_one(next);
    assert_int_equal(count_audit(next), 2);
    sid_store_close(&f->store); /* the lease is not its own to leave */
    append_one(next);
    sid_store_close(&next);
}

/* A new connection that took the lease along and broke before it could say so.
 */
static void
r_a_lease_that_moved_unknown_to_us_moves_on(void **state) {
    struct fixture *f = *state;
    struct sid_pgsql *pg = back_of(f->store);
    char sql[300];
    char none[32];

    append_one(f->store);
    kill_connection(f->store);
    pg->connections++;
    snprintf(sql, sizeof sql, "UPDATE %s.lease SET owner = '%s:%010d'",
             f->schema, pg->id, (int)pg->connections);
    ask(sql, none);
    append_one(f->store);
    assert_false(sid_store_broken(f->store));
    assert_int_equal(count_audit(f->store), 2);
}

/* What others have done since the copy was made may be in memory: keys of
 * theirs, for example. */
static void
r_one_that_only_renews_its_lease_notices_a_server_that_was_taken_back(
    void **state) {
    struct fixture *f = *state;
    struct sid_pgsql *pg = back_of(f->store);
    char sql[200];
    char batch[32];
    char none[32];

    append_one(f->store);
    pg->held_at_us = 0; /* as if it were due */
    assert_true(sid_store_keep(f->store));
    kill_connection(f->store);
    append_one(f->store); /* nothing is amiss */
    snprintf(sql, sizeof sql, "SELECT batch FROM %s.lease", f->schema);
    ask(sql, batch);
    pg->held_at_us = 0;
    assert_true(sid_store_keep(f->store));
    kill_connection(f->store);
    snprintf(sql, sizeof sql, "UPDATE %s.lease SET batch = %s", f->schema,
             batch);
    ask(sql, none);
    assert_int_equal(sid_store_begin(f->store), SID_E_STORE);
    assert_true(sid_store_broken(f->store));
}

static void
a_store_that_is_closed_leaves_the_lease(void **state) {
    struct fixture *f = *state;
    int64_t began_us = sid_mono_us();

    fixture_reopen(f);
    assert_true(sid_mono_us() - began_us < 4 * 1000 * 1000);
}

/* ---- ways to the server -------------------------------------------------- */

struct look {
    struct sid_op op; /* first */
    struct writer_fixture *w;
    uint64_t serial;
    enum sid_credential_state found;
    bool revokes;
};

static enum sid_err
look_run(struct sid_op *op, struct sid_store *store) {
    struct look *look = (struct look *)(void *)op;
    struct sid_credential c;
    enum sid_err err = sid_store_credential_by_serial(store, look->serial, &c);

    if (err != SID_OK)
        return err;
    look->found = c.life.state;
    c.life.state = SID_CREDENTIAL_REVOKED;
    if (look->revokes)
        err = sid_store_credential_change(store, &c);
    sid_credential_fini(&c);
    return err == SID_OK ? append(store, 9) : err;
}

static void
look_done(struct sid_op *op) {
    sem_post(&((struct look *)(void *)op)->w->answered);
}

#define LOOKS 100

/* One batch of looks; *trips: what it cost. */
static void
run_looks(struct writer_fixture *w, struct look *looks, int64_t *trips) {
    struct gate gate;

    gate_close(&gate, w->writer);
    for (int i = 0; i < LOOKS; i++) {
        looks[i].w = w;
        looks[i].op.run = look_run;
        looks[i].op.done = look_done;
        looks[i].op.single_write = !looks[i].revokes;
        looks[i].op.serials = &looks[i].serial;
        looks[i].op.serial_count = 1;
        sid_writer_submit(w->writer, &looks[i].op);
    }
    int64_t before = sid_metric_get(SID_M_STORE_TRIPS);
    gate_open(&gate);
    wait_answers(w, LOOKS);
    *trips = sid_metric_get(SID_M_STORE_TRIPS) - before;
    for (int i = 0; i < LOOKS; i++)
        ok(looks[i].op.err);
}

static int
looks_setup(void **state) {
    writer_setup(state);
    struct writer_fixture *w = *state;
    struct sid_store *store = writer_end(w);
    uint64_t serial = 0;

    ok(sid_store_begin(store));
    for (int i = 1; i <= 3; i++)
        ok(insert_credential(store, i, i, &serial));
    ok(sid_store_commit(store));
    ok(sid_writer_new(&w->base->store, &w->writer));
    return 0;
}

static void
a_batch_of_verifications_goes_to_the_server_twice(void **state) {
    struct writer_fixture *w = *state;
    static struct look looks[LOOKS];
    int64_t trips = 0;

    memset(looks, 0, sizeof looks);
    for (int i = 0; i < LOOKS; i++)
        looks[i].serial = (uint64_t)(i % 3 + 1);
    run_looks(w, looks, &trips);
    for (int i = 0; i < LOOKS; i++)
        assert_int_equal(looks[i].found, SID_CREDENTIAL_ACTIVE);
    assert_int_equal(trips, 2);
}

static void
a_change_in_the_same_batch_is_seen_by_those_behind_it(void **state) {
    struct writer_fixture *w = *state;
    static struct look looks[LOOKS];
    int64_t trips = 0;

    memset(looks, 0, sizeof looks);
    for (int i = 0; i < LOOKS; i++)
        looks[i].serial = 2;
    looks[10].revokes = true;
    run_looks(w, looks, &trips);
    for (int i = 0; i < LOOKS; i++)
        assert_int_equal(looks[i].found, i <= 10 ? SID_CREDENTIAL_ACTIVE
                                                 : SID_CREDENTIAL_REVOKED);
}

int
main(void) {
    setenv("SID_TEST_STORE", "pgsql", 1);
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(r_a_busy_server_has_longer_for_a_large_photo),
        T(r_the_server_compiles_no_statement),
        T(what_a_check_runs_is_prepared_once_and_run_again),
        T(bytes_come_as_they_are),
        T(a_connection_that_broke_between_transactions_is_made_anew),
        T(a_connection_that_breaks_within_one_takes_it_along_and_no_more),
        T(every_function_tells_of_a_lost_transaction_until_it_ends),
        T(a_row_the_chain_does_not_know_fails_the_commit),
        T(a_refused_statement_leaves_its_transaction),
        cmocka_unit_test(what_is_no_uri_or_has_a_password_is_refused),
        cmocka_unit_test_setup_teardown(a_store_with_a_writer_keeps_others_out,
                                        writer_setup, writer_teardown),
        T(whoever_lost_the_lease_commits_nothing_any_more),
        T(r_a_lease_that_moved_unknown_to_us_moves_on),
        T(r_one_that_only_renews_its_lease_notices_a_server_that_was_taken_back),
        T(a_store_that_is_closed_leaves_the_lease),
        cmocka_unit_test_setup_teardown(
            a_batch_of_verifications_goes_to_the_server_twice, looks_setup,
            writer_teardown),
        cmocka_unit_test_setup_teardown(
            a_change_in_the_same_batch_is_seen_by_those_behind_it, looks_setup,
            writer_teardown),
    };
#undef T

    return FIXTURE_RUN(tests);
}
