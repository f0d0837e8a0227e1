/* Tests of several stores on one database: each has a slot, a chain of the
 * audit log and numbers of its own. Always on the server at SID_TEST_PG. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>

#include "../../../src/store/store_front.h"
#include "../../../src/store/store_pgsql.h"
#include "smartid/clock.h"
#include "smartid/writer.h"
#include "store_fixture.h"

#define STORES 3

struct slots {
    struct fixture *f; /* its store is the first one */
    struct sid_store *store[STORES];
};

static enum sid_err
join(struct slots *s, struct sid_store **out) {
    enum sid_err err = sid_store_join(s->f->path, out);

    if (err == SID_OK)
        sid_store_use_audit_key(*out, s->f->key);
    return err;
}

static int
slots_setup(void **state) {
    struct slots *s = calloc(1, sizeof *s);
    void *base = NULL;

    assert_non_null(s);
    sid_pg_slots = SID_SLOTS_MAX;
    fixture_setup(&base);
    s->f = base;
    s->store[0] = s->f->store;
    for (int i = 1; i < STORES; i++)
        ok(join(s, &s->store[i]));
    *state = s;
    return 0;
}

static int
slots_teardown(void **state) {
    struct slots *s = *state;
    void *base = s->f;

    for (int i = 1; i < STORES; i++)
        sid_store_close(&s->store[i]);
    s->f->store = s->store[0];
    fixture_teardown(&base);
    free(s);
    return 0;
}

static void
append(struct sid_store *store, int64_t at_us) {
    struct sid_audit_row row = audit_row(at_us);

    ok(sid_store_begin(store));
    ok(sid_store_audit(store, &row));
    ok(sid_store_commit(store));
}

/* On a connection of its own. */
static void
run_sql(struct slots *s, const char *sql) {
    char path[200];
    PGconn *conn = PQconnectdb(getenv("SID_TEST_PG"));

    snprintf(path, sizeof path, "SET search_path = %s", s->f->schema);
    PQclear(PQexec(conn, path));
    PGresult *result = PQexec(conn, sql);
    assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
    PQclear(result);
    PQfinish(conn);
}

static int64_t
number_of(int slot, int64_t place) {
    return sid_chain_base(slot) + place;
}

/* Rows of a chain that is unbroken. */
static int64_t
rows_of(struct slots *s, int slot) {
    struct sid_store *store = s->store[0];
    struct sid_chain chain;
    int64_t seq = 0;
    int64_t bad = 0;
    uint8_t mac[SID_SHA256_BYTES] = {0};

    ok(sid_store_audit_anchor(store, s->f->key, slot, &seq, mac));
    sid_chain_begin(&chain, s->f->key, seq, mac, note_first_bad, &bad);
    ok(sid_store_audit_range(store, sid_chain_low(slot), sid_chain_high(slot),
                             INT64_MAX, feed_chain, &chain));
    sid_chain_end(&chain);
    assert_int_equal(bad, 0);
    return chain.rows;
}

/* ---- slots --------------------------------------------------------------- */

/* All of them at once, several times: none is broken off for another's sake. */
static void
transactions_of_several_stores_are_not_in_each_others_way(void **state) {
    struct slots *s = *state;

    /* As it is after a while: the server knows that the table is small. */
    run_sql(s, "VACUUM ANALYZE lease");
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < STORES; i++)
            ok(sid_store_begin(s->store[i]));
        for (int i = 0; i < STORES; i++) {
            struct sid_audit_row row = audit_row(round);
            ok(sid_store_audit(s->store[i], &row));
            /* What is asked for is waited for: the lease is held by now. */
            assert_true(sid_store_audit_head(s->store[i], NULL) > 0);
            struct sid_client_mark mark;
            ok(sid_store_client_mark(s->store[i], &mark));
        }
        for (int i = 0; i < STORES; i++)
            ok(sid_store_commit(s->store[i]));
    }
}

static void
each_store_takes_the_lowest_slot_that_is_free(void **state) {
    struct slots *s = *state;

    for (int i = 0; i < STORES; i++)
        assert_int_equal(sid_store_slot(s->store[i]), i);
    sid_store_close(&s->store[1]);
    ok(join(s, &s->store[1]));
    assert_int_equal(sid_store_slot(s->store[1]), 1);
}

static void
there_are_no_more_stores_than_slots(void **state) {
    struct slots *s = *state;
    struct sid_store *more = NULL;
    struct sid_writer *writer = NULL;

    /* A store with a writer renews its slot, which is waited for. */
    ok(sid_writer_new(&s->store[0], &writer));
    sid_pg_slots = STORES;
    assert_int_equal(join(s, &more), SID_E_LOCKED);
    sid_writer_free(&writer); /* and the store */
}

static void
whoever_wants_it_alone_waits_until_all_have_gone(void **state) {
    struct slots *s = *state;
    struct sid_store *alone = NULL;

    sid_store_close(&s->store[0]);
    sid_store_close(&s->store[1]);
    assert_int_equal(sid_store_open(s->f->path, false, s->f->key, &alone),
                     SID_E_LOCKED);
    sid_store_close(&s->store[2]);
    ok(sid_store_open(s->f->path, false, s->f->key, &alone));
    assert_int_equal(sid_store_slot(alone), 0);
    sid_store_close(&alone);
}

static void
a_slot_that_is_taken_over_goes_on_with_its_chain_and_numbers(void **state) {
    struct slots *s = *state;
    uint64_t before = 0;
    uint64_t after = 0;

    append(s->store[1], 1);
    ok(sid_store_begin(s->store[1]));
    ok(insert_credential(s->store[1], 1, 1, &before));
    ok(sid_store_commit(s->store[1]));
    sid_store_close(&s->store[1]);
    ok(join(s, &s->store[1]));
    assert_int_equal(sid_store_audit_head(s->store[1], NULL), number_of(1, 1));
    append(s->store[1], 2);
    ok(sid_store_begin(s->store[1]));
    ok(insert_credential(s->store[1], 2, 2, &after));
    ok(sid_store_commit(s->store[1]));
    assert_int_equal(before, number_of(1, 1));
    assert_int_equal(after, number_of(1, 2));
    assert_int_equal(rows_of(s, 1), 2);
}

static void
whoever_lost_its_slot_commits_nothing_any_more(void **state) {
    struct slots *s = *state;
    struct sid_audit_row row = audit_row(5);
    struct sid_store *next = NULL;

    run_sql(s, "UPDATE lease SET until_us = 0 WHERE one = 2");
    ok(join(s, &next));
    assert_int_equal(sid_store_slot(next), 1);
    ok(sid_store_begin(s->store[1]));
    ok(sid_store_audit(s->store[1], &row));
    assert_int_equal(sid_store_commit(s->store[1]), SID_E_STORE);
    assert_true(sid_store_broken(s->store[1]));
    append(next, 6);
    append(s->store[0], 6); /* the others are not concerned */
    assert_int_equal(rows_of(s, 1), 1);
    sid_store_close(&next);
}

/* What a machine whose clock goes before sees of a lease that is renewed. */
#define LATE                                                                   \
    "UPDATE lease SET until_us = CAST(extract(epoch FROM clock_timestamp()) "  \
    "* 1000000 AS BIGINT) - 1000000 WHERE one = "

static void
r_a_clock_that_goes_before_takes_no_slot_away(void **state) {
    struct slots *s = *state;
    struct sid_store *next = NULL;

    run_sql(s, LATE "2");
    ok(join(s, &next));
    assert_int_equal(sid_store_slot(next), STORES);
    append(s->store[1], 5);
    sid_store_close(&next);
}

static void
r_a_server_that_was_taken_back_is_not_gone_on_with(void **state) {
    struct slots *s = *state;

    for (int i = 0; i < 2; i++) {
        for (int round = 0; round < 2; round++)
            append(s->store[i], round);
        (void)shutdown(PQsocket(sid_pgsql_of(s->store[i]->back)->conn),
                       SHUT_RDWR);
    }
    run_sql(s, "UPDATE lease SET batch = batch - 1 WHERE one = 2");
    ok(sid_store_begin(s->store[0])); /* has lost nothing */
    ok(sid_store_commit(s->store[0]));
    assert_int_equal(sid_store_begin(s->store[1]), SID_E_STORE);
    assert_true(sid_store_broken(s->store[1]));
}

struct renewer {
    struct slots *s;
    const char *sql;
    atomic_bool stop;
};

static void *
renew(void *arg) {
    struct renewer *me = arg;

    while (!atomic_load(&me->stop)) {
        run_sql(me->s, me->sql);
        nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    }
    return NULL;
}

static void
r_a_clock_that_goes_before_is_not_alone(void **state) {
    struct slots *s = *state;
    const char *const late[] = {LATE "1", LATE "2"};

    sid_store_close(&s->store[2]);
    for (int slot = 0; slot < 2; slot++) {
        struct renewer renewer = {.s = s, .sql = late[slot]};
        struct sid_store *alone = NULL;
        pthread_t thread;

        if (slot == 1)
            sid_store_close(&s->store[0]);
        run_sql(s, late[slot]);
        assert_int_equal(pthread_create(&thread, NULL, renew, &renewer), 0);
        assert_int_equal(sid_store_open(s->f->path, false, s->f->key, &alone),
                         SID_E_LOCKED);
        atomic_store(&renewer.stop, true);
        assert_int_equal(pthread_join(thread, NULL), 0);
        append(s->store[slot], 5);
    }
}

/* ---- chains -------------------------------------------------------------- */

static void
each_store_has_a_chain_of_its_own(void **state) {
    struct slots *s = *state;

    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < STORES; i++)
            append(s->store[i], 10 * round + i);
    }
    for (int i = 0; i < STORES; i++) {
        assert_int_equal(sid_store_audit_head(s->store[i], NULL),
                         number_of(i, 4));
        assert_int_equal(rows_of(s, i), 4);
        ok(sid_store_check_key(s->store[i]));
    }
}

static void
a_chain_without_rows_has_no_head(void **state) {
    struct slots *s = *state;
    int slot = 0;

    assert_int_equal(sid_store_audit_head(s->store[2], NULL), 0);
    assert_int_equal(sid_store_audit_slot(s->store[0], &slot), SID_E_NOT_FOUND);
    append(s->store[2], 1);
    ok(sid_store_audit_slot(s->store[0], &slot));
    assert_int_equal(slot, 2);
    slot = 3;
    assert_int_equal(sid_store_audit_slot(s->store[0], &slot), SID_E_NOT_FOUND);
    slot = SID_SLOTS_MAX;
    assert_int_equal(sid_store_audit_slot(s->store[0], &slot), SID_E_NOT_FOUND);
}

static void
old_rows_of_every_chain_go_but_the_newest(void **state) {
    struct slots *s = *state;
    int64_t removed = -1;
    int64_t due = -1;
    int64_t oldest = -1;

    for (int at = 1; at <= 6; at++) {
        append(s->store[0], 10 * at);
        append(s->store[2], 10 * at + 5);
    }
    ok(sid_store_audit_age(s->store[1], 40, &due, &oldest));
    assert_int_equal(due, 6); /* 10, 20, 30 and 15, 25, 35 */
    assert_int_equal(oldest, 10);
    /* By one that writes neither. */
    ok(sid_store_begin(s->store[1]));
    ok(sid_store_audit_prune(s->store[1], 40, 4, &removed));
    assert_int_equal(removed, 4);
    ok(sid_store_audit_prune(s->store[1], INT64_MAX, 100, &removed));
    assert_int_equal(removed, 6);
    ok(sid_store_commit(s->store[1]));
    assert_int_equal(rows_of(s, 0), 1);
    assert_int_equal(rows_of(s, 2), 1);
    append(s->store[2], 90);
    assert_int_equal(rows_of(s, 2), 2);
    ok(sid_store_check_key(s->store[1]));
}

static void
an_anchor_of_another_chain_does_not_pass(void **state) {
    struct slots *s = *state;
    int64_t removed = 0;
    int64_t seq = 0;
    uint8_t mac[SID_SHA256_BYTES];

    for (int at = 1; at <= 3; at++)
        append(s->store[1], at);
    ok(sid_store_begin(s->store[1]));
    ok(sid_store_audit_prune(s->store[1], 3, 10, &removed));
    ok(sid_store_commit(s->store[1]));
    run_sql(s, "UPDATE audit_anchor SET slot = 0");
    assert_int_equal(
        sid_store_audit_anchor(s->store[1], s->f->key, 0, &seq, mac),
        SID_E_SEAL);
}

struct times {
    int count;
    int64_t at_us[64];
};

static enum sid_err
note_time(const struct sid_audit_entry *entry, void *ctx) {
    struct times *times = ctx;

    assert_true(entry->intact);
    assert_string_equal(entry->row.event, "verification");
    assert_string_equal(entry->row.detail, "purpose=bank_account");
    times->at_us[times->count++] = entry->row.at_us;
    return SID_OK;
}

static void
rows_of_all_chains_come_in_the_order_of_their_times(void **state) {
    struct slots *s = *state;
    struct sid_audit_places at;
    struct times times = {.count = 0};
    int64_t rows = 1;

    for (int i = 0; i < 30; i++)
        append(s->store[i * 7 % STORES], i + 1);
    sid_audit_places_begin(&at);
    while (rows > 0) /* some at a time */
        ok(sid_store_audit_by_time(s->store[0], &at, 4, note_time, &times,
                                   &rows));
    assert_int_equal(times.count, 30);
    for (int i = 0; i < 30; i++)
        assert_int_equal(times.at_us[i], i + 1);
    /* One chain alone is only read. */
    times.count = 0;
    sid_audit_places_begin(&at);
    at.after[0] = number_of(0, 8);
    at.after[1] = sid_chain_high(1);
    at.after[2] = sid_chain_high(2);
    ok(sid_store_audit_by_time(s->store[0], &at, 100, note_time, &times,
                               &rows));
    assert_int_equal(rows, 2);
}

/* ---- numbers and counts -------------------------------------------------- */

static void
stores_never_give_the_same_number(void **state) {
    struct slots *s = *state;
    uint64_t serial[STORES] = {0};

    for (int i = 0; i < STORES; i++)
        ok(sid_store_begin(s->store[i]));
    for (int i = 0; i < STORES; i++)
        ok(insert_credential(s->store[i], i + 1, i + 1, &serial[i]));
    for (int i = 0; i < STORES; i++)
        ok(sid_store_commit(s->store[i]));
    for (int i = 0; i < STORES; i++)
        assert_int_equal(serial[i], number_of(i, 1));
}

static void
faces_are_counted_over_all_slots(void **state) {
    struct slots *s = *state;
    struct sid_store *later = NULL;
    uint8_t sealed[2078] = {1};
    char id[SID_ID_SIZE];

    for (int i = 0; i < STORES; i++) {
        make_id(id, "enr_", i + 1);
        ok(sid_store_begin(s->store[i]));
        insert_enrolment(s->store[i], i + 1);
        ok(sid_store_template_put(s->store[i], id,
                                  sid_span_of(sealed, sizeof sealed)));
        ok(sid_store_commit(s->store[i]));
    }
    ok(join(s, &later));
    assert_int_equal(sid_store_template_count(later), STORES);
    sid_store_close(&later);
}

/* ---- those that have died ------------------------------------------------ */

static enum sid_err
note_id(const char *id, int attempts, void *ctx) {
    char expected[SID_ID_SIZE];

    make_id(expected, "enr_", 1);
    assert_string_equal(id, expected);
    *(int *)ctx = attempts;
    return SID_OK;
}

static void
enrolments_of_a_slot_that_nobody_renews_are_taken_over(void **state) {
    struct slots *s = *state;
    struct sid_store *next = s->store[1];
    int64_t now_us = sid_now_us();
    int attempts = -1;
    bool any = true;
    char id[SID_ID_SIZE];

    make_id(id, "enr_", 1);
    ok(sid_store_begin(s->store[0]));
    insert_enrolment(s->store[0], 1);
    ok(sid_store_enrol_begin_work(s->store[0], id, 1, &attempts));
    ok(sid_store_commit(s->store[0]));
    sid_pgsql_of(next->back)->since_us = 0;
    ok(sid_store_enrol_orphans(next, now_us, &any));
    assert_false(any); /* its daemon lives */
    run_sql(s, "UPDATE lease SET until_us = 0 WHERE one = 1");
    sid_pgsql_of(next->back)->since_us = sid_mono_us();
    ok(sid_store_enrol_orphans(next, now_us, &any));
    assert_false(any); /* perhaps the server was away for all */
    sid_pgsql_of(next->back)->since_us = 0;
    ok(sid_store_enrol_orphans(next, now_us, &any));
    assert_true(any);
    ok(sid_store_begin(next));
    ok(sid_store_enrol_take_over(next, now_us, note_id, &attempts));
    assert_int_equal(attempts, 1);
    ok(sid_store_enrol_begin_work(next, id, 2, &attempts));
    assert_int_equal(attempts, 2);
    ok(sid_store_commit(next));
    ok(sid_store_enrol_orphans(next, now_us, &any));
    assert_false(any);
    /* Who had it, and lives after all, does not go on with it. */
    ok(sid_store_begin(s->store[0]));
    assert_int_equal(sid_store_enrol_begin_work(s->store[0], id, 3, &attempts),
                     SID_E_CONFLICT);
    sid_store_rollback(s->store[0]);
}

/* ---- what others change -------------------------------------------------- */

static void
a_client_that_is_added_or_revoked_changes_the_mark(void **state) {
    struct slots *s = *state;
    struct sid_client client = make_client(1);
    struct sid_client_mark mark[3];

    ok(sid_store_client_mark(s->store[1], &mark[0]));
    ok(sid_store_begin(s->store[0]));
    ok(sid_store_client_put(s->store[0], &client));
    ok(sid_store_commit(s->store[0]));
    ok(sid_store_client_mark(s->store[1], &mark[1]));
    assert_int_equal(mark[1].count, mark[0].count + 1);
    ok(sid_store_begin(s->store[0]));
    ok(sid_store_client_revoke(s->store[0], client.id, 77));
    ok(sid_store_commit(s->store[0]));
    ok(sid_store_client_mark(s->store[1], &mark[2]));
    assert_int_equal(mark[2].revoked, mark[1].revoked + 77);
}

static enum sid_err
note_slots(int slot, void *ctx) {
    char *out = ctx;
    size_t len = strlen(out);

    snprintf(out + len, 64 - len, "%d ", slot);
    return SID_OK;
}

static void
each_slot_that_lives_is_seen(void **state) {
    struct slots *s = *state;
    char all[64] = "";

    sid_store_close(&s->store[2]);
    ok(sid_store_slot_each(s->store[0], sid_now_us(), note_slots, all));
    assert_string_equal(all, "0 1 ");
    ok(join(s, &s->store[2]));
}

/* Else what another daemon has destroyed the key of could never be read. */
static void
no_key_of_a_person_is_wrapped_by_one_that_is_destroyed(void **state) {
    struct slots *s = *state;
    struct sid_wrapped_key key = {.use = SID_KEY_DATA, .version = 1};
    struct sid_enrolment e = make_enrolment(1);

    e.key.data_version = 1;
    ok(sid_store_begin(s->store[0]));
    ok(sid_store_key_put(s->store[0], &key));
    ok(sid_store_key_retire(s->store[0], SID_KEY_DATA, 1, 5));
    ok(sid_store_commit(s->store[0]));
    ok(sid_store_begin(s->store[1]));
    assert_int_equal(sid_store_enrol_insert(s->store[1], &e), SID_E_STORE);
    sid_store_rollback(s->store[1]);
    sid_enrolment_fini(&e);
}

int
main(void) {
    setenv("SID_TEST_STORE", "pgsql", 1);
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, slots_setup, slots_teardown)
    const struct CMUnitTest tests[] = {
        T(each_store_takes_the_lowest_slot_that_is_free),
        T(there_are_no_more_stores_than_slots),
        T(whoever_wants_it_alone_waits_until_all_have_gone),
        T(a_slot_that_is_taken_over_goes_on_with_its_chain_and_numbers),
        T(whoever_lost_its_slot_commits_nothing_any_more),
        T(r_a_clock_that_goes_before_takes_no_slot_away),
        T(r_a_clock_that_goes_before_is_not_alone),
        T(r_a_server_that_was_taken_back_is_not_gone_on_with),
        T(transactions_of_several_stores_are_not_in_each_others_way),
        T(each_store_has_a_chain_of_its_own),
        T(a_chain_without_rows_has_no_head),
        T(old_rows_of_every_chain_go_but_the_newest),
        T(an_anchor_of_another_chain_does_not_pass),
        T(rows_of_all_chains_come_in_the_order_of_their_times),
        T(stores_never_give_the_same_number),
        T(faces_are_counted_over_all_slots),
        T(enrolments_of_a_slot_that_nobody_renews_are_taken_over),
        T(a_client_that_is_added_or_revoked_changes_the_mark),
        T(each_slot_that_lives_is_seen),
        T(no_key_of_a_person_is_wrapped_by_one_that_is_destroyed),
    };
#undef T

    return FIXTURE_RUN(tests);
}
