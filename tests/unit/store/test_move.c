/* test_move.c: what a move copies is all there is: each table of the schema,
 * with the columns of its primary key; and what it leaves is no database. */
#include "store_fixture.h"

#include <sqlite3.h>

#include "../../../src/store/store_sqlite.h"
#include "smartid/move.h"

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

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_table_is_copied_by_its_primary_key),
        cmocka_unit_test_setup_teardown(
            a_move_that_never_began_leaves_nothing_a_daemon_starts_on,
            fixture_setup_closed, fixture_teardown),
    };
    return FIXTURE_RUN(tests);
}
