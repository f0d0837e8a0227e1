/* Tests of what only the SQLite back end has: its files, its migrations, and
 * what a hand inside the database does to the audit log. */
#include "store_fixture.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "../../../src/store/store_sqlite.h"

/* Runs SQL on the closed database, as somebody with a shell could. */
static void
tamper(struct fixture *f, const char *sql) {
    sqlite3 *db = NULL;

    sid_store_close(&f->store);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_true(sqlite3_total_changes(db) > 0);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int
mode_of(const char *folder, const char *name) {
    char path[400];
    struct stat st;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(stat(path, &st), 0);
    return (int)(st.st_mode & 07777);
}

static void
append_rows(struct fixture *f, int n) {
    ok(sid_store_begin(f->store));
    for (int i = 0; i < n; i++) {
        struct sid_audit_row row = audit_row(i + 1);
        ok(sid_store_audit(f->store, &row));
    }
    ok(sid_store_commit(f->store));
}

/* ---- files ------------------------------------------------------------- */

static void
all_files_are_private_whatever_the_umask(void **state) {
    struct fixture *f = *state;
    mode_t old = umask(0);

    fixture_reopen(f);
    append_rows(f, 1);
    assert_int_equal(mode_of(f->folder, "test.db"), 0600);
    assert_int_equal(mode_of(f->folder, "test.db-wal"), 0600);
    assert_int_equal(mode_of(f->folder, "test.db-shm"), 0600);
    assert_int_equal(mode_of(f->folder, "test.db.lock"), 0600);
    umask(old);
}

static void
a_database_others_can_read_is_made_private(void **state) {
    struct fixture *f = *state;

    assert_int_equal(chmod(f->path, 0644), 0);
    fixture_reopen(f);
    assert_int_equal(mode_of(f->folder, "test.db"), 0600);
}

static void
a_link_in_place_of_the_database_is_refused(void **state) {
    struct fixture *f = *state;
    struct sid_store *store = NULL;
    char link_path[400];

    snprintf(link_path, sizeof link_path, "%s/link.db", f->folder);
    assert_int_equal(symlink(f->path, link_path), 0);
    assert_int_equal(sid_store_open(link_path, true, f->key, &store),
                     SID_E_STORE);
}

static void
a_folder_reached_through_a_link_is_taken(void **state) {
    struct fixture *f = *state;
    char link_path[400];
    char path[500];

    snprintf(link_path, sizeof link_path, "%s.link", f->folder);
    assert_int_equal(symlink(f->folder, link_path), 0);
    snprintf(path, sizeof path, "%s/test.db", link_path);
    ok(sid_store_open(path, true, f->key, &f->store));
    /* Both names are one database: it is locked. */
    struct sid_store *second = NULL;
    assert_int_equal(sid_store_open(f->path, true, f->key, &second),
                     SID_E_LOCKED);
    unlink(link_path);
}

static void
something_else_in_place_of_the_database_is_refused(void **state) {
    struct fixture *f = *state;
    struct sid_store *store = NULL;
    FILE *file = fopen(f->path, "w");

    assert_non_null(file);
    for (int i = 0; i < 1000; i++)
        fputs("this is not a database\n", file);
    fclose(file);
    assert_int_equal(sid_store_open(f->path, true, f->key, &store),
                     SID_E_STORE);
    unlink(f->path);
    assert_int_equal(mkdir(f->path, 0700), 0);
    assert_int_equal(sid_store_open(f->path, true, f->key, &store),
                     SID_E_STORE);
    assert_int_equal(rmdir(f->path), 0);
}

/* True when any file of the folder has the text. */
static bool
folder_contains(const char *folder, const char *text) {
    DIR *dir = opendir(folder);
    bool found = false;

    assert_non_null(dir);
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        char path[600];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
            continue;
        char *bytes = malloc((size_t)st.st_size);
        FILE *file = fopen(path, "rb");
        assert_non_null(bytes);
        assert_non_null(file);
        size_t n = fread(bytes, 1, (size_t)st.st_size, file);
        fclose(file);
        found = found || memmem(bytes, n, text, strlen(text)) != NULL;
        free(bytes);
    }
    closedir(dir);
    return found;
}

static void
no_byte_of_a_deleted_photo_is_left_after_a_checkpoint(void **state) {
    struct fixture *f = *state;
    struct sid_enrolment e = make_enrolment(1);
    char wal[400];
    struct stat st;

    ok(sid_store_begin(f->store));
    insert_enrolment(f->store, 1);
    ok(sid_store_commit(f->store));
    sid_store_checkpoint(f->store);
    assert_true(folder_contains(f->folder, "sealed selfie"));
    e.state = SID_ENROL_REJECTED;
    ok(sid_store_begin(f->store));
    ok(sid_store_enrol_decide(f->store, &e, SID_ENROL_RECEIVED));
    ok(sid_store_commit(f->store));
    sid_store_checkpoint(f->store);
    assert_false(folder_contains(f->folder, "sealed selfie"));
    snprintf(wal, sizeof wal, "%s-wal", f->path);
    assert_int_equal(stat(wal, &st), 0);
    assert_int_equal(st.st_size, 0);
    sid_enrolment_fini(&e);
}

static void
a_grown_wal_is_moved_when_due_and_a_small_one_is_not(void **state) {
    struct fixture *f = *state;
    struct sid_enrolment e = make_enrolment(1);
    size_t len = (size_t)9 * 1024 * 1024;
    uint8_t *photo = calloc(1, len);
    struct stat before;
    struct stat after;

    assert_non_null(photo);
    memset(photo, 7, len);
    sid_store_checkpoint(f->store);
    append_rows(f, 1);
    assert_int_equal(stat(f->path, &before), 0);
    sid_store_checkpoint_if_due(f->store);
    ok(sid_store_begin(f->store));
    ok(sid_store_enrol_insert(f->store, &e));
    ok(sid_store_photo_put(f->store, e.id, SID_PHOTO_ID,
                           sid_span_of(photo, len)));
    ok(sid_store_commit(f->store));
    assert_int_equal(stat(f->path, &after), 0);
    assert_int_equal(after.st_size, before.st_size);
    sid_store_checkpoint_if_due(f->store);
    assert_int_equal(stat(f->path, &after), 0);
    assert_true(after.st_size >= (off_t)len);
    free(photo);
    sid_enrolment_fini(&e);
}

static void
a_log_that_was_moved_already_is_emptied_all_the_same(void **state) {
    struct fixture *f = *state;
    struct sid_enrolment e = make_enrolment(1);
    size_t len = (size_t)9 * 1024 * 1024;
    uint8_t *photo = calloc(1, len);
    char wal[400];
    struct stat st;

    assert_non_null(photo);
    snprintf(wal, sizeof wal, "%s-wal", f->path);
    ok(sid_store_begin(f->store));
    ok(sid_store_enrol_insert(f->store, &e));
    ok(sid_store_photo_put(f->store, e.id, SID_PHOTO_ID,
                           sid_span_of(photo, len)));
    ok(sid_store_commit(f->store));
    sid_store_checkpoint_if_due(f->store);
    assert_int_equal(stat(wal, &st), 0);
    assert_true(st.st_size > (off_t)len);
    sid_store_checkpoint(f->store);
    assert_int_equal(stat(wal, &st), 0);
    assert_int_equal(st.st_size, 0);
    free(photo);
    sid_enrolment_fini(&e);
}

/* ---- migrations -------------------------------------------------------- */

static int64_t
ask_number(const char *path, const char *sql) {
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;

    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return n;
}

static void
each_migration_is_recorded_once(void **state) {
    struct fixture *f = *state;
    const char *count = "SELECT count(*) FROM schema_migration";
    int64_t n = ask_number(f->path, count);

    assert_true(n >= 4);
    for (int i = 0; i < 3; i++) {
        fixture_reopen(f);
        assert_int_equal(ask_number(f->path, count), n);
    }
}

static void
every_table_is_strict(void **state) {
    struct fixture *f = *state;

    assert_int_equal(ask_number(f->path,
                                "SELECT count(*) FROM pragma_table_list WHERE "
                                "type = 'table' AND NOT strict AND name NOT "
                                "LIKE 'sqlite_%'"),
                     0);
    assert_int_equal(ask_number(f->path,
                                "SELECT count(*) FROM pragma_journal_mode() "
                                "WHERE journal_mode = 'wal'"),
                     1);
}

static void
a_newer_schema_is_refused(void **state) {
    struct fixture *f = *state;

    tamper(f, "INSERT INTO schema_migration VALUES "
              "(9999, '9999_future', zeroblob(32), 0)");
    assert_int_equal(sid_store_open(f->path, false, f->key, &f->store),
                     SID_E_SCHEMA);
    assert_null(f->store);
}

static void
a_schema_made_by_other_migrations_is_refused(void **state) {
    struct fixture *f = *state;

    tamper(f, "UPDATE schema_migration SET sha256 = zeroblob(32) "
              "WHERE number = 2");
    assert_int_equal(sid_store_open(f->path, false, f->key, &f->store),
                     SID_E_SCHEMA);
    tamper(f, "DELETE FROM schema_migration WHERE number = 1");
    assert_int_equal(sid_store_open(f->path, false, f->key, &f->store),
                     SID_E_SCHEMA);
}

static void
a_failing_migration_leaves_nothing_and_runs_when_mended(void **state) {
    struct fixture *f = *state;
    struct sid_sqlite sq = {.lock_fd = -1};
    struct sid_migration list[] = {
        {1, "0001_one", "CREATE TABLE one (a INTEGER) STRICT;"},
        {2, "0002_two",
         "CREATE TABLE two (a INTEGER) STRICT; INSERT INTO none VALUES (1);"},
        {3, "0003_three", "CREATE TABLE three (a INTEGER) STRICT;"},
    };
    const char *count = "SELECT count(*) FROM sqlite_schema WHERE name IN "
                        "('one', 'two', 'three')";

    assert_int_equal(sqlite3_open(f->path, &sq.db), SQLITE_OK);
    assert_int_equal(sid_migrate_apply(&sq, list, 3), SID_E_STORE);
    assert_int_equal(ask_number(f->path, count), 1);
    assert_int_equal(
        ask_number(f->path, "SELECT max(number) FROM schema_migration"), 1);
    list[1].sql = "CREATE TABLE two (a INTEGER) STRICT;";
    ok(sid_migrate_apply(&sq, list, 3));
    assert_int_equal(ask_number(f->path, count), 3);
    ok(sid_migrate_apply(&sq, list, 3));
    assert_int_equal(sid_migrate_apply(&sq, list, 2), SID_E_SCHEMA);
    sqlite3_close(sq.db);
}

/* ---- a hand inside the audit log --------------------------------------- */

static void
expect_bad(struct fixture *f, int64_t rows, int64_t bad) {
    int64_t found_rows = -1;
    int64_t found_bad = -1;

    ok(sid_store_open(f->path, false, f->key, &f->store));
    check_audit(f->store, f->key, &found_rows, &found_bad);
    assert_int_equal(found_rows, rows);
    assert_int_equal(found_bad, bad);
}

static void
a_change_of_any_audit_column_is_found(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *change;
        const char *restore;
    } columns[] = {
        {"at_us = at_us + 1", "at_us = at_us - 1"},
        {"event = 'x'", "event = 'verification'"},
        {"actor = 'x'", "actor = 'cli_1'"},
        {"subject = 'x'", "subject = 'crd_1'"},
        {"outcome = 'x'", "outcome = 'valid'"},
        {"detail = 'x'", "detail = 'purpose=bank_account'"},
        {"detail = detail || char(0) || 'x'",
         "detail = 'purpose=bank_account'"},
        /* A field's end moved into the next field. */
        {"actor = 'cli_', subject = '1crd_1'",
         "actor = 'cli_1', subject = 'crd_1'"},
        {"mac = randomblob(32)", NULL},
    };
    char sql[200];

    append_rows(f, 5);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        snprintf(sql, sizeof sql, "UPDATE audit SET %s WHERE seq = 3",
                 columns[i].change);
        tamper(f, sql);
        expect_bad(f, 5, 3);
        if (columns[i].restore == NULL)
            break;
        snprintf(sql, sizeof sql, "UPDATE audit SET %s WHERE seq = 3",
                 columns[i].restore);
        tamper(f, sql);
        expect_bad(f, 5, 0);
    }
}

static void
a_changed_number_or_a_missing_row_is_found(void **state) {
    struct fixture *f = *state;

    append_rows(f, 5);
    tamper(f, "UPDATE audit SET seq = 50 WHERE seq = 3");
    expect_bad(f, 5, 3);
    tamper(f, "UPDATE audit SET seq = 3 WHERE seq = 50");
    expect_bad(f, 5, 0);
    tamper(f, "UPDATE audit SET seq = 0 WHERE seq = 1");
    expect_bad(f, 5, 1);
    tamper(f, "UPDATE audit SET seq = 1 WHERE seq = 0");
    expect_bad(f, 5, 0);
    tamper(f, "UPDATE audit SET seq = -7 WHERE seq = 5");
    expect_bad(f, 5, -7);
    tamper(f, "DELETE FROM audit WHERE seq = -7");
    expect_bad(f, 4, 0); /* the newest rows: only an anchor outside can tell */
    tamper(f, "DELETE FROM audit WHERE seq = 1");
    expect_bad(f, 3, 1);
}

static void
an_inserted_audit_row_is_found(void **state) {
    struct fixture *f = *state;

    append_rows(f, 2);
    tamper(f, "INSERT INTO audit SELECT 3, at_us, event, actor, subject, "
              "outcome, detail, mac FROM audit WHERE seq = 2");
    expect_bad(f, 3, 3);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
#define C(name)                                                                \
    cmocka_unit_test_setup_teardown(name, fixture_setup_closed,                \
                                    fixture_teardown)
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        C(all_files_are_private_whatever_the_umask),
        T(a_database_others_can_read_is_made_private),
        T(a_link_in_place_of_the_database_is_refused),
        C(a_folder_reached_through_a_link_is_taken),
        C(something_else_in_place_of_the_database_is_refused),
        T(no_byte_of_a_deleted_photo_is_left_after_a_checkpoint),
        T(a_grown_wal_is_moved_when_due_and_a_small_one_is_not),
        T(a_log_that_was_moved_already_is_emptied_all_the_same),
        T(each_migration_is_recorded_once),
        T(every_table_is_strict),
        T(a_newer_schema_is_refused),
        T(a_schema_made_by_other_migrations_is_refused),
        C(a_failing_migration_leaves_nothing_and_runs_when_mended),
        T(a_change_of_any_audit_column_is_found),
        T(a_changed_number_or_a_missing_row_is_found),
        T(an_inserted_audit_row_is_found),
#undef C
#undef T
    };

    return cmocka_run_group_tests(tests, fixture_group_setup,
                                  fixture_group_teardown);
}
