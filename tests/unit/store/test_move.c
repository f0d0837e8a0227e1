/* test_move.c: what a move copies is all there is: each table of the schema,
 * with the columns of its primary key; and what it leaves is no database. */
#include "store_fixture.h"

#include <sqlite3.h>

#include "../../../src/store/store_sqlite.h"
#include "smartid/move.h"
#include "smartid/store_purposes.h"

static const struct sid_migration migrations[] = {
#include "migrations_sqlite.inc"
};

static sqlite3_stmt *
prepare(struct sid_sqlite *sq, const char *sql, const char *param) {
    sqlite3_stmt *stmt = NULL;

    assert_int_equal(sqlite3_prepare_v2(sq->db, sql, -1, &stmt, NULL),
                     SQLITE_OK);
    if (param != NULL)
        assert_int_equal(sqlite3_bind_text(stmt, 1, param, -1, SQLITE_STATIC),
                         SQLITE_OK);
    return stmt;
}

static const char *
key_of(const char *table) {
    for (int i = 0; sid_move_table(i) != NULL; i++) {
        if (strcmp(sid_move_table(i), table) == 0)
            return sid_move_key(i);
    }
    fail_msg("no move copies the table %s", table);
    return NULL;
}

static void
every_table_is_copied_by_its_primary_key(void **state) {
    (void)state;
    struct sid_sqlite sq = {.lock_fd = -1};
    int tables = 0;

    assert_int_equal(sqlite3_open(":memory:", &sq.db), SQLITE_OK);
    ok(sid_migrate_apply(&sq, migrations,
                         sizeof migrations / sizeof migrations[0]));
    sqlite3_stmt *all =
        prepare(&sq,
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name "
                "NOT LIKE 'sqlite_%' AND name <> 'schema_migration'",
                NULL);
    while (sqlite3_step(all) == SQLITE_ROW) {
        const char *table = (const char *)sqlite3_column_text(all, 0);
        sqlite3_stmt *key =
            prepare(&sq,
                    "SELECT group_concat(name, ', ') FROM (SELECT name FROM "
                    "pragma_table_info(?1) WHERE pk > 0 ORDER BY pk)",
                    table);
        assert_int_equal(sqlite3_step(key), SQLITE_ROW);
        assert_string_equal(key_of(table),
                            (const char *)sqlite3_column_text(key, 0));
        sqlite3_finalize(key);
        tables++;
    }
    sqlite3_finalize(all);
    sqlite3_close(sq.db);
    assert_true(tables > 20);
    assert_null(sid_move_table(tables));
}

static void
no_progress(const char *table, int64_t done, int64_t all, void *ctx) {
    (void)table;
    (void)done;
    (void)all;
    (void)ctx;
}

/* Else the first daemon to start would put an old file into force. */
static void
purposes_that_were_in_force_go_along(void **state) {
    struct fixture *f = *state;
    struct sid_buf said = SID_BUF_EMPTY;
    struct sid_move *move = NULL;
    enum sid_move_side side = SID_MOVE_FROM;
    const char *differs = NULL;
    bool flag = false;
    int64_t n = 0;
    int64_t lost = 0;
    char from[320];

    snprintf(from, sizeof from, "%s/from.db", f->folder);
    ok(sid_store_open(from, true, f->key, &f->store));
    ok(sid_store_begin(f->store));
    ok(sid_store_purposes_put(f->store, "[a]\n", 5, &n));
    ok(sid_store_purposes_put(f->store, "[b]\n", 6, &n));
    ok(sid_store_commit(f->store));
    sid_store_close(&f->store);
    ok(sid_move_open(from, f->path, &side, &move));
    ok(sid_move_begin(move, false, &flag));
    ok(sid_move_copy(move, no_progress, NULL, &n, &lost));
    ok(sid_move_compare(move, no_progress, NULL, &n, &differs));
    assert_null(differs);
    ok(sid_move_finish(move));
    sid_move_close(&move);
    ok(sid_store_open(f->path, false, f->key, &f->store));
    ok(sid_store_purposes_last(f->store, 0, &n, &said));
    assert_int_equal(n, 2);
    assert_true(sid_span_eq(sid_buf_span(&said), sid_span_str("[b]\n")));
    sid_buf_free(&said);
    ok(sid_store_purposes_had(f->store, "[a]\n", &flag));
    assert_true(flag);
}

/* As one that is killed when the target has its tables and nothing else. */
static void
a_move_that_never_began_leaves_nothing_a_daemon_starts_on(void **state) {
    struct fixture *f = *state;
    struct sid_move *move = NULL;
    enum sid_move_side side = SID_MOVE_FROM;
    bool resumed = true;
    char from[320];
    char to[320];

    snprintf(to, sizeof to, "%s%s", fixture_is("pgsql") ? f->path : f->folder,
             fixture_is("pgsql") ? "" : "/to.db");
    snprintf(from, sizeof from, "%s/from.db", f->folder);
    ok(sid_store_open(from, true, f->key, &f->store));
    sid_store_close(&f->store);
    ok(sid_move_open(from, to, &side, &move));
    sid_move_close(&move);
    assert_int_equal(sid_store_open(to, false, f->key, &f->store),
                     SID_E_SCHEMA);
    assert_int_equal(sid_store_open_readonly(to, &f->store), SID_E_SCHEMA);
    ok(sid_move_open(from, to, &side, &move));
    ok(sid_move_begin(move, false, &resumed));
    assert_false(resumed);
    ok(sid_move_finish(move));
    sid_move_close(&move);
    ok(sid_store_open(to, false, f->key, &f->store));
}

static int
count_files(const char *folder) {
    DIR *dir = opendir(folder);
    int count = 0;

    assert_non_null(dir);
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir))
        count += e->d_name[0] != '.';
    closedir(dir);
    return count;
}

/* As one that is killed before its first table: the file is there, and may have
 * got its first page. */
static void
r_an_empty_file_is_no_database_but_a_target(void **state) {
    struct fixture *f = *state;
    struct sid_move *move = NULL;
    enum sid_move_side side = SID_MOVE_FROM;
    bool resumed = true;
    char from[320];
    char to[320];

    snprintf(from, sizeof from, "%s/from.db", f->folder);
    ok(sid_store_open(from, true, f->key, &f->store));
    sid_store_close(&f->store);
    for (int paged = 0; paged < 2; paged++) {
        sqlite3 *db = NULL;
        snprintf(to, sizeof to, "%s/to%d.db", f->folder, paged);
        FILE *file = fopen(to, "we");
        assert_non_null(file);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(sqlite3_open(to, &db), SQLITE_OK);
        if (paged)
            assert_int_equal(
                sqlite3_exec(db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL),
                SQLITE_OK);
        sqlite3_close(db);
        assert_int_equal(sid_store_join(to, &f->store), SID_E_NOT_FOUND);
        assert_non_null(sid_store_why());
        assert_int_equal(sid_store_open(to, false, f->key, &f->store),
                         SID_E_NOT_FOUND);
        assert_int_equal(sid_store_open_readonly(to, &f->store),
                         SID_E_NOT_FOUND);
        ok(sid_move_open(from, to, &side, &move));
        ok(sid_move_begin(move, false, &resumed));
        assert_false(resumed);
        sid_move_close(&move);
        assert_int_equal(sid_store_join(to, &f->store), SID_E_SCHEMA);
    }
}

static void
r_a_source_that_is_not_there_is_named_and_leaves_nothing(void **state) {
    struct fixture *f = *state;
    struct sid_move *move = NULL;
    enum sid_move_side side = SID_MOVE_TO;
    char from[320];
    char to[320];
    int before = count_files(f->folder);

    snprintf(to, sizeof to, "%s/to.db", f->folder);
    snprintf(from, sizeof from, "%s/missing.db", f->folder);
    assert_int_equal(sid_move_open(from, to, &side, &move), SID_E_NOT_FOUND);
    assert_int_equal(side, SID_MOVE_FROM);
    assert_non_null(strstr(sid_store_why(), "no file"));
    snprintf(from, sizeof from, "%s/missing/from.db", f->folder);
    assert_int_equal(sid_move_open(from, to, &side, &move), SID_E_NOT_FOUND);
    assert_non_null(strstr(sid_store_why(), "folder"));
    assert_int_equal(count_files(f->folder), before);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_table_is_copied_by_its_primary_key),
        cmocka_unit_test_setup_teardown(purposes_that_were_in_force_go_along,
                                        fixture_setup_closed, fixture_teardown),
        cmocka_unit_test_setup_teardown(
            a_move_that_never_began_leaves_nothing_a_daemon_starts_on,
            fixture_setup_closed, fixture_teardown),
        cmocka_unit_test_setup_teardown(
            r_an_empty_file_is_no_database_but_a_target, fixture_setup_closed,
            fixture_teardown),
        cmocka_unit_test_setup_teardown(
            r_a_source_that_is_not_there_is_named_and_leaves_nothing,
            fixture_setup_closed, fixture_teardown),
    };
    return FIXTURE_RUN(tests);
}
