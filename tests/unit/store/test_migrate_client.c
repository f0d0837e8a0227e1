/* test_migrate_client.c: clients of a database made before purposes had names
 * keep what they were granted. */
#include "store_fixture.h"

#include <sqlite3.h>

#include "../../../src/store/store_sqlite.h"

static const struct sid_migration migrations[] = {
#include "migrations_sqlite.inc"
};
#define BEFORE 5 /* migrations before the one tested */

/* Clients of role and purposes as they were before; then all migrations. */
static void
migrate_with(struct sid_sqlite *sq, const char *role, int purposes) {
    char sql[300];

    assert_int_equal(sqlite3_open(":memory:", &sq->db), SQLITE_OK);
    ok(sid_migrate_apply(sq, migrations, BEFORE));
    snprintf(sql, sizeof sql,
             "INSERT INTO client (id, key_name, key_hash, name, role, "
             "purposes, created_at_s, expires_at_s) VALUES "
             "('cli_x', 'a', zeroblob(32), 'Counter 1', '%s', %d, 1, 2)",
             role, purposes);
    assert_int_equal(sqlite3_exec(sq->db, sql, NULL, NULL, NULL), SQLITE_OK);
    ok(sid_migrate_apply(sq, migrations,
                         sizeof migrations / sizeof migrations[0]));
}

static void
becomes(const char *role, int purposes, const char *names, const char *party) {
    struct sid_sqlite sq = {.lock_fd = -1};
    sqlite3_stmt *stmt = NULL;
    const char *const expected[] = {"cli_x", names, party, ""};

    migrate_with(&sq, role, purposes);
    assert_int_equal(
        sqlite3_prepare_v2(
            sq.db, "SELECT id, purpose_names, party, networks FROM client", -1,
            &stmt, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    for (int column = 0; column < 4; column++)
        assert_string_equal((const char *)sqlite3_column_text(stmt, column),
                            expected[column]);
    sqlite3_finalize(stmt);
    sqlite3_close(sq.db);
}

static void
each_bit_becomes_the_name_it_stood_for(void **state) {
    (void)state;
    static const char *const names[] = {
        "household_registration", "bank_account",       "train_ticket",
        "drivers_licence",        "hotel_check_in",     "security_check",
        "emergency_service",      "immigration_service"};

    for (int i = 0; i < 8; i++)
        becomes("clerk", 1 << i, names[i], "Counter 1");
}

static void
a_clerk_keeps_all_grants_and_is_its_own_party(void **state) {
    (void)state;
    becomes("clerk", 255,
            "household_registration bank_account train_ticket drivers_licence "
            "hotel_check_in security_check emergency_service "
            "immigration_service",
            "Counter 1");
    becomes("clerk", 130, "bank_account immigration_service", "Counter 1");
}

static void
who_is_no_clerk_has_neither(void **state) {
    (void)state;
    becomes("app", 0, "", "");
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_bit_becomes_the_name_it_stood_for),
        cmocka_unit_test(a_clerk_keeps_all_grants_and_is_its_own_party),
        cmocka_unit_test(who_is_no_clerk_has_neither),
    };
    assert_int_equal(sid_crypto_init(), SID_OK);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sid_crypto_fini();
    return failed;
}
