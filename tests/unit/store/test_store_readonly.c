/* test_store_readonly.c: reading beside a writer: nothing is locked, changed or
 * moved, one transaction sees one state, and spoilt rows are shown as such. */
#include <sqlite3.h>
#include <sys/stat.h>

#include "store_fixture.h"

static void
append(struct fixture *f, int rows) {
    ok(sid_store_begin(f->store));
    for (int i = 0; i < rows; i++) {
        struct sid_audit_row row = audit_row(i + 1);
        ok(sid_store_audit(f->store, &row));
    }
    ok(sid_store_commit(f->store));
}

static struct sid_store *
reader(struct fixture *f) {
    struct sid_store *store = NULL;

    ok(sid_store_open_readonly(f->path, &store));
    return store;
}

static int64_t
size_of(struct fixture *f, const char *suffix) {
    char path[400];
    struct stat st;

    snprintf(path, sizeof path, "%s%s", f->path, suffix);
    return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

static void
a_reader_opens_beside_the_writer_and_sees_what_is_committed(void **state) {
    struct fixture *f = *state;

    append(f, 3);
    struct sid_store *store = reader(f);
    assert_int_equal(count_audit(store), 3);
    append(f, 2);
    assert_int_equal(count_audit(store), 5);
    /* and the writer goes on */
    sid_store_close(&store);
    append(f, 1);
    assert_int_equal(count_audit(f->store), 6);
}

static void
one_read_transaction_sees_one_state(void **state) {
    struct fixture *f = *state;

    append(f, 3);
    struct sid_store *store = reader(f);
    ok(sid_store_begin_read(store));
    assert_int_equal(count_audit(store), 3);
    append(f, 2);
    assert_int_equal(count_audit(store), 3);
    sid_store_rollback(store);
    assert_int_equal(count_audit(store), 5);
    sid_store_close(&store);
}

static void
what_is_not_committed_is_not_seen(void **state) {
    struct fixture *f = *state;
    struct sid_audit_row row = audit_row(9);

    append(f, 3);
    struct sid_store *store = reader(f);
    ok(sid_store_begin(f->store));
    ok(sid_store_audit(f->store, &row));
    assert_int_equal(count_audit(store), 3);
    sid_store_rollback(f->store);
    sid_store_close(&store);
}

static void
closing_moves_nothing_and_takes_no_file_away(void **state) {
    struct fixture *f = *state;

    append(f, 3);
    int64_t wal = size_of(f, "-wal");
    int64_t db = size_of(f, "");
    assert_true(wal > 0);
    struct sid_store *store = reader(f);
    assert_int_equal(count_audit(store), 3);
    sid_store_close(&store);
    assert_int_equal(size_of(f, "-wal"), wal);
    assert_int_equal(size_of(f, ""), db);
}

static void
a_stopped_database_is_read_too_and_opens_for_writing_afterwards(void **state) {
    struct fixture *f = *state;

    append(f, 3);
    sid_store_close(&f->store);
    assert_int_equal(size_of(f, "-wal"), -1);
    struct sid_store *store = reader(f);
    assert_int_equal(count_audit(store), 3);
    /* No lock: the writer may start meanwhile. */
    ok(sid_store_open(f->path, false, f->key, &f->store));
    append(f, 1);
    assert_int_equal(count_audit(store), 4);
    sid_store_close(&store);
    append(f, 1);
    assert_int_equal(count_audit(f->store), 5);
}

static void
copy(struct fixture *f, const char *suffix) {
    char from[400], to[400], bytes[4096];
    snprintf(from, sizeof from, "%s%s", f->path, suffix);
    snprintf(to, sizeof to, "%s/killed%s", f->folder, suffix);
    FILE *in = fopen(from, "re");
    FILE *out = fopen(to, "we");

    assert_non_null(in);
    assert_non_null(out);
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, in)) > 0;)
        assert_int_equal(fwrite(bytes, 1, n, out), n);
    assert_int_equal(fclose(in), 0);
    assert_int_equal(fclose(out), 0);
}

/* As a daemon that was killed leaves them: rows in the WAL, no index. */
static void
what_a_killed_daemon_left_is_read_and_left_as_it_is(void **state) {
    struct fixture *f = *state;
    struct sid_store *store = NULL;
    char path[400], wal[420];
    struct stat before, after;

    append(f, 3);
    copy(f, "");
    copy(f, "-wal");
    snprintf(path, sizeof path, "%s/killed", f->folder);
    snprintf(wal, sizeof wal, "%s-wal", path);
    assert_int_equal(stat(wal, &before), 0);
    assert_true(before.st_size > 0);
    ok(sid_store_open_readonly(path, &store));
    assert_int_equal(count_audit(store), 3);
    sid_store_close(&store);
    assert_int_equal(stat(wal, &after), 0);
    assert_int_equal(after.st_size, before.st_size);
}

static void
a_database_that_is_not_there_is_not_made(void **state) {
    struct fixture *f = *state;
    struct sid_store *store = NULL;

    assert_int_equal(sid_store_open_readonly(f->path, &store), SID_E_NOT_FOUND);
    assert_int_equal(size_of(f, ""), -1);
    assert_int_equal(size_of(f, ".lock"), -1);
    assert_int_equal(sid_store_open_readonly("/nowhere/at/all.db", &store),
                     SID_E_NOT_FOUND);
    assert_null(store);
}

static void
change(struct fixture *f, const char *sql) {
    sqlite3 *db = NULL;

    sid_store_close(&f->store);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
a_schema_that_is_not_exactly_this_programs_is_refused(void **state) {
    struct fixture *f = *state;
    struct sid_store *store = NULL;

    append(f, 1);
    change(f, "INSERT INTO schema_migration SELECT max(number) + 1, 'later', "
              "sha256, applied_at_s FROM schema_migration");
    assert_int_equal(sid_store_open_readonly(f->path, &store), SID_E_SCHEMA);
    change(f, "DELETE FROM schema_migration WHERE name = 'later'");
    ok(sid_store_open_readonly(f->path, &store));
    sid_store_close(&store);
    change(f, "DELETE FROM schema_migration WHERE number = "
              "(SELECT max(number) FROM schema_migration)");
    assert_int_equal(sid_store_open_readonly(f->path, &store), SID_E_SCHEMA);
}

static void
what_is_no_database_is_refused(void **state) {
    struct fixture *f = *state;
    struct sid_store *store = NULL;
    FILE *file = fopen(f->path, "w");

    assert_non_null(file);
    assert_true(fputs("this is no database, and long enough to be looked at "
                      "as one by anybody who reads a hundred bytes of it",
                      file) > 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(sid_store_open_readonly(f->path, &store), SID_E_STORE);
    assert_null(store);
}

/* ---- spoilt rows ------------------------------------------------------- */

/* Makes the table take anything, as a hand in the file can. */
#define LOOSE                                                                  \
    "ALTER TABLE audit RENAME TO strict_audit;"                                \
    "CREATE TABLE audit (seq INTEGER, at_us, event, actor, subject, outcome, " \
    "detail, mac);"                                                            \
    "INSERT INTO audit SELECT * FROM strict_audit;"                            \
    "DROP TABLE strict_audit;"

static void
columns_of_another_form_are_told_and_do_not_end_the_walk(void **state) {
    struct fixture *f = *state;
    static const char *const changes[] = {
        "mac = x'00'",
        "mac = NULL",
        "mac = CAST(mac AS TEXT)",
        "mac = 7",
        "event = NULL",
        "event = 5",
        "detail = CAST('purpose=bank_account' AS BLOB)",
        "detail = detail || char(0)",
        "at_us = 'soon'",
        "at_us = at_us + 0.5",
        "at_us = NULL",
    };
    char sql[700];

    append(f, 5);
    change(f, LOOSE);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        int64_t rows = -1, bad = -1;
        snprintf(sql, sizeof sql,
                 "CREATE TABLE kept AS SELECT * FROM audit; UPDATE audit SET "
                 "%s WHERE seq = 3",
                 changes[i]);
        change(f, sql);
        struct sid_store *store = reader(f);
        check_audit(store, f->key, &rows, &bad);
        assert_int_equal(rows, 5);
        assert_int_equal(bad, 3);
        sid_store_close(&store);
        change(f, "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept; "
                  "DROP TABLE kept");
    }
    struct sid_store *store = reader(f);
    assert_int_equal(count_audit(store), 5);
    sid_store_close(&store);
}

static void
a_number_that_is_there_twice_is_found(void **state) {
    struct fixture *f = *state;
    int64_t rows = -1, bad = -1;

    append(f, 5);
    change(f, LOOSE "INSERT INTO audit SELECT * FROM audit WHERE seq = 3");
    struct sid_store *store = reader(f);
    check_audit(store, f->key, &rows, &bad);
    assert_int_equal(rows, 6);
    assert_int_equal(bad, 3);
    sid_store_close(&store);
}

static void
a_view_in_place_of_the_table_is_not_read(void **state) {
    struct fixture *f = *state;
    struct sid_store *store = NULL;

    append(f, 5);
    change(f, "ALTER TABLE audit RENAME TO real_audit;"
              "CREATE VIEW audit AS SELECT * FROM real_audit;");
    assert_int_equal(sid_store_open_readonly(f->path, &store), SID_E_STORE);
    assert_null(store);
}

int
main(void) {
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
#define C(name)                                                                \
    cmocka_unit_test_setup_teardown(name, fixture_setup_closed,                \
                                    fixture_teardown)
    /* In memory nothing outlives its store. */
    const struct CMUnitTest kept[] = {
        T(a_reader_opens_beside_the_writer_and_sees_what_is_committed),
        T(one_read_transaction_sees_one_state),
        T(what_is_not_committed_is_not_seen),
        T(a_stopped_database_is_read_too_and_opens_for_writing_afterwards),
        C(a_database_that_is_not_there_is_not_made),
    };
    /* About the file. */
    const struct CMUnitTest file[] = {
        T(closing_moves_nothing_and_takes_no_file_away),
        T(what_a_killed_daemon_left_is_read_and_left_as_it_is),
        T(a_schema_that_is_not_exactly_this_programs_is_refused),
        C(what_is_no_database_is_refused),
        T(columns_of_another_form_are_told_and_do_not_end_the_walk),
        T(a_number_that_is_there_twice_is_found),
        T(a_view_in_place_of_the_table_is_not_read),
    };
#undef C
#undef T
    int failed = 0;

    if (!fixture_is("memory"))
        failed += FIXTURE_RUN(kept);
    if (fixture_is("sqlite"))
        failed += FIXTURE_RUN(file);
    return failed;
}
