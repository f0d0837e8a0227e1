/* test_store_prune.c: the audit log loses its oldest rows, verifies from there
 * on, and nobody without its key can move its beginning. */
#include "store_fixture.h"

#include <sqlite3.h>

/* Rows 1..n, made at 1, 2 … us. */
static void
append_rows(struct fixture *f, int n) {
    ok(sid_store_begin(f->store));
    for (int i = 0; i < n; i++) {
        struct sid_audit_row row =
            audit_row(sid_store_audit_head(f->store, NULL) + 1);
        ok(sid_store_audit(f->store, &row));
    }
    ok(sid_store_commit(f->store));
}

static enum sid_err
prune(struct fixture *f, int64_t before_us, int limit, int64_t *removed) {
    *removed = -1;
    ok(sid_store_begin(f->store));
    enum sid_err err =
        sid_store_audit_prune(f->store, before_us, limit, removed);
    if (err == SID_OK)
        ok(sid_store_commit(f->store));
    else
        sid_store_rollback(f->store);
    return err;
}

static void
tamper(struct fixture *f, const char *sql) {
    sqlite3 *db = NULL;

    sid_store_close(&f->store);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    ok(sid_store_open(f->path, false, f->key, &f->store));
}

static void
expect(struct fixture *f, int64_t rows, int64_t bad) {
    int64_t got_rows = -1, got_bad = -1;

    check_audit(f->store, f->key, &got_rows, &got_bad);
    assert_int_equal(got_rows, rows);
    assert_int_equal(got_bad, bad);
}

static void
a_pruned_log_verifies_from_the_anchor_on_and_goes_on(void **state) {
    struct fixture *f = *state;
    int64_t removed;

    append_rows(f, 20);
    ok(prune(f, 6, 100, &removed));
    assert_int_equal(removed, 5);
    expect(f, 15, 0);
    fixture_reopen(f);
    expect(f, 15, 0);
    ok(sid_store_check_key(f->store));
    append_rows(f, 3);
    assert_int_equal(sid_store_audit_head(f->store, NULL), 23);
    ok(prune(f, 11, 100, &removed));
    assert_int_equal(removed, 5);
    expect(f, 13, 0);
    ok(prune(f, 11, 100, &removed));
    assert_int_equal(removed, 0);
    expect(f, 13, 0);
}

static void
a_batch_has_a_limit(void **state) {
    struct fixture *f = *state;
    int64_t removed;

    append_rows(f, 20);
    ok(prune(f, 100, 8, &removed));
    assert_int_equal(removed, 8);
    expect(f, 12, 0);
    ok(prune(f, 100, 8, &removed));
    assert_int_equal(removed, 8);
    expect(f, 4, 0);
}

static void
the_newest_row_stays(void **state) {
    struct fixture *f = *state;
    int64_t removed;

    append_rows(f, 3);
    ok(prune(f, 1000, 100, &removed));
    assert_int_equal(removed, 2);
    fixture_reopen(f);
    assert_int_equal(sid_store_audit_head(f->store, NULL), 3);
    append_rows(f, 1);
    expect(f, 2, 0);
}

static void
rows_behind_a_younger_one_stay_whatever_their_time(void **state) {
    struct fixture *f = *state;
    struct sid_audit_row young = audit_row(900);
    int64_t removed;

    append_rows(f, 2);
    ok(sid_store_begin(f->store));
    ok(sid_store_audit(f->store, &young));
    ok(sid_store_commit(f->store));
    append_rows(f, 3); /* the clock went back */
    ok(prune(f, 500, 100, &removed));
    assert_int_equal(removed, 2);
    expect(f, 4, 0);
}

static void
a_changed_row_is_not_pruned_away(void **state) {
    struct fixture *f = *state;
    int64_t removed;

    append_rows(f, 9);
    tamper(f, "UPDATE audit SET actor = 'x' WHERE seq = 4");
    assert_int_equal(prune(f, 8, 100, &removed), SID_E_SEAL);
    assert_int_equal(removed, -1);
    expect(f, 9, 4);
    /* Those before it may go. */
    ok(prune(f, 4, 100, &removed));
    assert_int_equal(removed, 3);
    expect(f, 6, 4);
}

static void
nobody_without_the_key_moves_the_beginning(void **state) {
    struct fixture *f = *state;
    int64_t removed;

    append_rows(f, 9);
    ok(prune(f, 4, 100, &removed));
    tamper(f, "DELETE FROM audit WHERE seq = 4");
    expect(f, 5, 4);
    /* With an anchor moved by hand, its own MAC or that of the row. */
    tamper(f, "UPDATE audit_anchor SET seq = 4");
    expect(f, 5, -1);
    assert_int_equal(sid_store_check_key(f->store), SID_E_WRONG_KEY);
    assert_int_equal(prune(f, 7, 100, &removed), SID_E_SEAL);
    tamper(f, "UPDATE audit_anchor SET seq = 5, "
              "mac = (SELECT mac FROM audit WHERE seq = 5)");
    expect(f, 5, -1);
    tamper(f, "DELETE FROM audit_anchor");
    expect(f, 5, 1);
}

static void
the_oldest_row_and_how_many_are_older_are_told(void **state) {
    struct fixture *f = *state;
    int64_t due = -1, oldest = -1, removed;

    ok(sid_store_audit_age(f->store, 50, &due, &oldest));
    assert_int_equal(due, 0);
    assert_int_equal(oldest, 0);
    append_rows(f, 100);
    for (int64_t before = 0; before <= 102; before++) {
        ok(sid_store_audit_age(f->store, before, &due, &oldest));
        assert_int_equal(due, before <= 1    ? 0
                              : before > 100 ? 100
                                             : before - 1);
        assert_int_equal(oldest, 1);
    }
    ok(prune(f, 31, 100, &removed));
    ok(sid_store_audit_age(f->store, 51, &due, &oldest));
    assert_int_equal(due, 20);
    assert_int_equal(oldest, 31);
}

static void
a_rolled_back_prune_removes_nothing(void **state) {
    struct fixture *f = *state;
    int64_t removed = -1;

    append_rows(f, 9);
    ok(sid_store_begin(f->store));
    ok(sid_store_audit_prune(f->store, 5, 100, &removed));
    assert_int_equal(removed, 4);
    sid_store_rollback(f->store);
    expect(f, 9, 0);
}

/* ---- up to a row ------------------------------------------------------- */

static enum sid_err
note_mac(const struct sid_audit_entry *entry, void *ctx) {
    memcpy(ctx, entry->mac, sizeof entry->mac);
    return SID_OK;
}

static enum sid_err
cut(struct fixture *f, int64_t last, int64_t mac_of, int limit,
    int64_t *removed) {
    uint8_t mac[SID_SHA256_BYTES] = {0};

    *removed = -1;
    ok(sid_store_audit_each(f->store, mac_of - 1, 1, note_mac, mac));
    ok(sid_store_begin(f->store));
    enum sid_err err = sid_store_audit_cut(f->store, last, mac, limit, removed);
    if (err == SID_OK)
        ok(sid_store_commit(f->store));
    else
        sid_store_rollback(f->store);
    return err;
}

static void
the_log_is_cut_behind_a_row_some_at_a_time(void **state) {
    struct fixture *f = *state;
    int64_t removed;

    append_rows(f, 20);
    ok(cut(f, 12, 12, 8, &removed));
    assert_int_equal(removed, 8);
    expect(f, 12, 0);
    ok(cut(f, 12, 12, 8, &removed));
    assert_int_equal(removed, 4);
    expect(f, 8, 0);
    fixture_reopen(f);
    append_rows(f, 1);
    expect(f, 9, 0);
}

static void
only_behind_a_row_that_the_caller_has(void **state) {
    struct fixture *f = *state;
    int64_t removed;

    append_rows(f, 20);
    assert_int_equal(cut(f, 12, 11, 100, &removed), SID_E_CONFLICT);
    assert_int_equal(cut(f, 0, 1, 100, &removed), SID_E_CONFLICT);
    assert_int_equal(cut(f, 21, 20, 100, &removed), SID_E_CONFLICT);
    /* The newest one stays. */
    assert_int_equal(cut(f, 20, 20, 100, &removed), SID_E_CONFLICT);
    assert_int_equal(removed, -1);
    expect(f, 20, 0);
    ok(cut(f, 12, 12, 100, &removed));
    assert_int_equal(cut(f, 12, 12, 100, &removed), SID_E_CONFLICT);
    expect(f, 8, 0);
}

static void
a_changed_row_is_not_cut_away(void **state) {
    struct fixture *f = *state;
    int64_t removed;

    append_rows(f, 20);
    tamper(f, "UPDATE audit SET outcome = 'x' WHERE seq = 4");
    assert_int_equal(cut(f, 12, 12, 100, &removed), SID_E_SEAL);
    assert_int_equal(removed, -1);
    expect(f, 20, 4);
}

int
main(void) {
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest any[] = {
        T(a_batch_has_a_limit),
        T(rows_behind_a_younger_one_stay_whatever_their_time),
        T(the_oldest_row_and_how_many_are_older_are_told),
        T(a_rolled_back_prune_removes_nothing),
        T(only_behind_a_row_that_the_caller_has),
    };
    /* In memory nothing outlives its store. */
    const struct CMUnitTest kept[] = {
        T(a_pruned_log_verifies_from_the_anchor_on_and_goes_on),
        T(the_newest_row_stays),
        T(the_log_is_cut_behind_a_row_some_at_a_time),
    };
    /* About the file. */
    const struct CMUnitTest file[] = {
        T(a_changed_row_is_not_pruned_away),
        T(nobody_without_the_key_moves_the_beginning),
        T(a_changed_row_is_not_cut_away),
    };
#undef T
    int failed = 0;

    failed += FIXTURE_RUN(any);
    if (!fixture_is("memory"))
        failed += FIXTURE_RUN(kept);
    if (fixture_is("sqlite"))
        failed += FIXTURE_RUN(file);
    return failed;
}
