/* Tests of opening, of transactions and of the audit chain, against the front:
 * any back end must pass them. */
#include "store_fixture.h"

#include <sys/wait.h>

static void
append(struct sid_store *store, int n) {
    for (int i = 0; i < n; i++) {
        struct sid_audit_row row = audit_row(100 + i);
        ok(sid_store_audit(store, &row));
    }
}

/* ---- open -------------------------------------------------------------- */

static void
a_missing_database_is_not_made_without_create(void **state) {
    struct fixture *f = *state;
    struct sid_store *store = NULL;

    assert_int_equal(sid_store_open(f->path, false, f->key, &store),
                     SID_E_NOT_FOUND);
    assert_null(store);
    assert_int_not_equal(access(f->path, F_OK), 0);
}

static void
a_missing_folder_is_not_found(void **state) {
    struct fixture *f = *state;
    struct sid_store *store = NULL;
    char path[400];

    snprintf(path, sizeof path, "%s/none/test.db", f->folder);
    assert_int_equal(sid_store_open(path, true, f->key, &store),
                     SID_E_NOT_FOUND);
}

static void
an_in_memory_store_works_and_is_private(void **state) {
    struct fixture *f = *state;
    struct sid_store *a = NULL;
    struct sid_store *b = NULL;

    ok(sid_store_open(":memory:", true, f->key, &a));
    ok(sid_store_open(":memory:", true, f->key, &b));
    ok(sid_store_begin(a));
    append(a, 2);
    ok(sid_store_commit(a));
    sid_store_checkpoint(a);
    assert_int_equal(count_audit(a), 2);
    assert_int_equal(count_audit(b), 0);
    sid_store_close(&a);
    sid_store_close(&b);
    assert_null(a);
}

static void
a_second_open_in_the_same_process_is_locked_out(void **state) {
    struct fixture *f = *state;
    struct sid_store *second = NULL;

    assert_int_equal(sid_store_open(f->path, true, f->key, &second),
                     SID_E_LOCKED);
    assert_null(second);
    fixture_reopen(f); /* and after a close the lock is free again */
}

static void
a_second_process_is_locked_out(void **state) {
    struct fixture *f = *state;
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        struct sid_store *second = NULL;
        _exit(sid_store_open(f->path, false, f->key, &second) == SID_E_LOCKED
                  ? 0
                  : 1);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void
what_was_committed_is_there_after_reopening(void **state) {
    struct fixture *f = *state;
    struct sid_client client = make_client(1);

    ok(sid_store_begin(f->store));
    ok(sid_store_client_put(f->store, &client));
    append(f->store, 3);
    ok(sid_store_commit(f->store));
    fixture_reopen(f);
    assert_int_equal(count_audit(f->store), 3);
    ok(sid_store_begin(f->store));
    assert_int_equal(sid_store_client_put(f->store, &client), SID_E_EXISTS);
    append(f->store, 2); /* the head was loaded: the chain goes on */
    ok(sid_store_commit(f->store));
    assert_int_equal(count_audit(f->store), 5);
}

/* ---- transactions ------------------------------------------------------ */

static void
a_rollback_takes_rows_and_the_chain_back(void **state) {
    struct fixture *f = *state;
    struct sid_client client = make_client(1);

    ok(sid_store_begin(f->store));
    append(f->store, 2);
    ok(sid_store_commit(f->store));
    ok(sid_store_begin(f->store));
    ok(sid_store_client_put(f->store, &client));
    append(f->store, 5);
    sid_store_rollback(f->store);
    assert_int_equal(count_audit(f->store), 2);
    ok(sid_store_begin(f->store));
    ok(sid_store_client_put(f->store, &client));
    append(f->store, 1);
    ok(sid_store_commit(f->store));
    assert_int_equal(count_audit(f->store), 3);
}

static void
closing_rolls_an_open_transaction_back(void **state) {
    struct fixture *f = *state;

    ok(sid_store_begin(f->store));
    append(f->store, 1);
    fixture_reopen(f);
    assert_int_equal(count_audit(f->store), 0);
}

static void
an_undone_savepoint_takes_only_its_own_rows_and_chain_back(void **state) {
    struct fixture *f = *state;
    struct sid_client kept = make_client(1);
    struct sid_client undone = make_client(2);

    ok(sid_store_begin(f->store));
    ok(sid_store_savepoint(f->store));
    ok(sid_store_client_put(f->store, &kept));
    append(f->store, 1);
    ok(sid_store_savepoint_release(f->store));
    ok(sid_store_savepoint(f->store));
    ok(sid_store_client_put(f->store, &undone));
    append(f->store, 3);
    sid_store_savepoint_undo(f->store);
    append(f->store, 1);
    ok(sid_store_commit(f->store));
    assert_int_equal(count_audit(f->store), 2);
    ok(sid_store_begin(f->store));
    assert_int_equal(sid_store_client_put(f->store, &kept), SID_E_EXISTS);
    ok(sid_store_client_put(f->store, &undone));
    ok(sid_store_commit(f->store));
}

static void
a_read_transaction_reads_and_commits(void **state) {
    struct fixture *f = *state;

    ok(sid_store_begin_read(f->store));
    assert_int_equal(count_audit(f->store), 0);
    ok(sid_store_commit(f->store));
    ok(sid_store_begin_read(f->store));
    sid_store_rollback(f->store);
    ok(sid_store_begin(f->store));
    ok(sid_store_commit(f->store));
    assert_false(sid_store_broken(f->store));
}

/* ---- audit ------------------------------------------------------------- */

struct seen {
    int64_t first_seq;
    int64_t last_seq;
    int n;
    bool same;
};

static enum sid_err
see(const struct sid_audit_entry *entry, void *ctx) {
    const struct sid_audit_row *row = &entry->row;
    struct seen *seen = ctx;

    if (seen->n == 0)
        seen->first_seq = row->seq;
    seen->last_seq = row->seq;
    seen->n++;
    seen->same = seen->same && entry->intact && row->at_us == 99 + row->seq &&
                 strcmp(row->event, "verification") == 0 &&
                 strcmp(row->actor, "cli_1") == 0 &&
                 strcmp(row->subject, "crd_1") == 0 &&
                 strcmp(row->outcome, "valid") == 0 &&
                 strcmp(row->detail, "purpose=bank_account") == 0;
    return SID_OK;
}

static void
audit_rows_are_read_back_in_order_from_a_place_up_to_a_limit(void **state) {
    struct fixture *f = *state;
    struct seen seen = {.same = true};

    ok(sid_store_begin(f->store));
    append(f->store, 10);
    ok(sid_store_commit(f->store));
    ok(sid_store_audit_each(f->store, 3, 4, see, &seen));
    assert_int_equal(seen.n, 4);
    assert_int_equal(seen.first_seq, 4);
    assert_int_equal(seen.last_seq, 7);
    assert_true(seen.same);
    seen = (struct seen){.same = true};
    ok(sid_store_audit_each(f->store, 0, 0, see, &seen));
    assert_int_equal(seen.n, 0);
    ok(sid_store_audit_each(f->store, 0, 1000, see, &seen));
    assert_int_equal(seen.n, 10);
    assert_true(seen.same);
}

static void
the_head_is_the_last_row_and_follows_what_is_undone(void **state) {
    struct fixture *f = *state;
    uint8_t mac[3][SID_SHA256_BYTES], none[SID_SHA256_BYTES] = {0};

    assert_int_equal(sid_store_audit_head(f->store, mac[0]), 0);
    assert_memory_equal(mac[0], none, sizeof none);
    ok(sid_store_begin(f->store));
    append(f->store, 2);
    ok(sid_store_commit(f->store));
    assert_int_equal(sid_store_audit_head(f->store, mac[0]), 2);
    ok(sid_store_begin(f->store));
    append(f->store, 1);
    assert_int_equal(sid_store_audit_head(f->store, mac[1]), 3);
    assert_memory_not_equal(mac[1], mac[0], sizeof none);
    sid_store_rollback(f->store);
    assert_int_equal(sid_store_audit_head(f->store, mac[2]), 2);
    assert_memory_equal(mac[2], mac[0], sizeof none);
    assert_int_equal(sid_store_audit_head(f->store, NULL), 2);
}

static void
the_time_of_the_log_never_goes_back(void **state) {
    struct fixture *f = *state;
    struct sid_audit_row row = audit_row(500);

    assert_int_equal(sid_store_audit_at_us(f->store), 0);
    ok(sid_store_begin(f->store));
    ok(sid_store_audit(f->store, &row));
    row.at_us = 400;
    ok(sid_store_audit(f->store, &row));
    assert_int_equal(sid_store_audit_at_us(f->store), 500);
    ok(sid_store_commit(f->store));
    ok(sid_store_begin(f->store));
    row.at_us = 900;
    ok(sid_store_audit(f->store, &row));
    sid_store_rollback(f->store);
    fixture_reopen(f);
    assert_int_equal(sid_store_audit_at_us(f->store), 500);
    assert_int_equal(count_audit(f->store), 2);
}

static void
another_key_does_not_verify_the_log(void **state) {
    struct fixture *f = *state;
    const uint8_t other[SID_KEY_BYTES] = {9};
    struct sid_mac_key *key = NULL;
    struct sid_store *store = NULL;
    int64_t rows = -1;
    int64_t bad = -1;

    ok(sid_store_begin(f->store));
    append(f->store, 4);
    ok(sid_store_commit(f->store));
    sid_store_close(&f->store);
    ok(sid_mac_key_new(other, &key));
    ok(sid_store_open(f->path, false, key, &store));
    check_audit(store, key, &rows, &bad);
    assert_int_equal(rows, 4);
    assert_int_equal(bad, 1);
    assert_int_equal(sid_store_check_key(store), SID_E_WRONG_KEY);
    sid_store_close(&store);
    sid_mac_key_free(&key);
}

int
main(void) {
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
#define C(name)                                                                \
    cmocka_unit_test_setup_teardown(name, fixture_setup_closed,                \
                                    fixture_teardown)
    const struct CMUnitTest any[] = {
        C(a_missing_folder_is_not_found),
        C(an_in_memory_store_works_and_is_private),
        T(a_rollback_takes_rows_and_the_chain_back),
        T(closing_rolls_an_open_transaction_back),
        T(an_undone_savepoint_takes_only_its_own_rows_and_chain_back),
        T(a_read_transaction_reads_and_commits),
        T(audit_rows_are_read_back_in_order_from_a_place_up_to_a_limit),
        T(the_head_is_the_last_row_and_follows_what_is_undone),
    };
    /* In memory nothing outlives its store. */
    const struct CMUnitTest kept[] = {
        C(a_missing_database_is_not_made_without_create),
        T(what_was_committed_is_there_after_reopening),
        T(the_time_of_the_log_never_goes_back),
        T(another_key_does_not_verify_the_log),
    };
    /* About the file. */
    const struct CMUnitTest file[] = {
        T(a_second_open_in_the_same_process_is_locked_out),
        T(a_second_process_is_locked_out),
    };
#undef C
#undef T
    int failed = 0;

    failed += FIXTURE_RUN(any);
    if (!fixture_is("memory"))
        failed += FIXTURE_RUN(kept);
    if (fixture_is("sqlite"))
        failed += FIXTURE_RUN(file);
    return failed;
}
