/* test_migrate_client.c: clients of a database made before purposes had names
 * keep what they were granted. */
#include "store_fixture.h"

#include <sqlite3.h>

#include "../../../src/store/store_sqlite.h"

static const struct sid_migration migrations[] = {
#include "migrations_sqlite.inc"
};
#define BEFORE 5 /* migrations before the one tested */

static void
run_sql(sqlite3 *db, const char *sql) {
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void
a_bit_becomes_the_name_it_stood_for_and_a_clerk_its_own_party(void **state) {
    (void)state;
    static const struct {
        const char *id, *names, *party;
    } expected[] = {
        {"cli_all",
         "household_registration bank_account train_ticket drivers_licence "
         "hotel_check_in security_check emergency_service immigration_service",
         "Counter 1"},
        {"cli_app", "", ""},
        {"cli_two", "bank_account immigration_service", "Counter 2"},
    };
    struct sid_sqlite sq = {.lock_fd = -1};
    sqlite3_stmt *stmt = NULL;

    assert_int_equal(sqlite3_open(":memory:", &sq.db), SQLITE_OK);
    ok(sid_migrate_apply(&sq, migrations, BEFORE));
    run_sql(sq.db,
            "INSERT INTO client (id, key_name, key_hash, name, role, purposes, "
            "created_at_s, expires_at_s) VALUES "
            "('cli_all', 'a', zeroblob(32), 'Counter 1', 'clerk', 255, 1, 2), "
            "('cli_two', 'b', zeroblob(32), 'Counter 2', 'clerk', 130, 1, 2), "
            "('cli_app', 'c', zeroblob(32), 'City app', 'app', 0, 1, 2)");
    ok(sid_migrate_apply(&sq, migrations,
                         sizeof migrations / sizeof migrations[0]));
    assert_int_equal(
        sqlite3_prepare_v2(sq.db,
                           "SELECT id, purpose_names, party, networks "
                           "FROM client ORDER BY id",
                           -1, &stmt, NULL),
        SQLITE_OK);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
        const char *const got[] = {expected[i].id, expected[i].names,
                                   expected[i].party, ""};
        for (int column = 0; column < 4; column++)
            assert_string_equal((const char *)sqlite3_column_text(stmt, column),
                                got[column]);
    }
    assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
    sqlite3_finalize(stmt);
    sqlite3_close(sq.db);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_bit_becomes_the_name_it_stood_for_and_a_clerk_its_own_party),
    };
    assert_int_equal(sid_crypto_init(), SID_OK);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sid_crypto_fini();
    return failed;
}
