/* test_migrate_life.c: credentials of a database made before they could be
 * suspended keep their state, and no serial is given twice. */
#include "store_fixture.h"

#include <sqlite3.h>

#include "../../../src/store/store_sqlite.h"

static const struct sid_migration migrations[] = {
#include "migrations_sqlite.inc"
};
#define BEFORE 13 /* migrations before the one tested */

static void
exec(struct sid_sqlite *sq, const char *sql) {
    assert_int_equal(sqlite3_exec(sq->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static int64_t
number(struct sid_sqlite *sq, const char *sql) {
    sqlite3_stmt *stmt = NULL;

    assert_int_equal(sqlite3_prepare_v2(sq->db, sql, -1, &stmt, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return value;
}

#define INSERT(columns, values)                                                \
    "INSERT INTO credential (" columns "id, enrolment_id, client_id, type, "   \
    "assurance, issued_at_s, id_index, holder_hash, holder_sealed) "           \
    "VALUES (" values ", 'enr_x', 'cli_x', 'resident_id', 'remote', 5, "       \
    "zeroblob(32), zeroblob(32), X'01')"

static void
states_stay_and_serials_are_not_given_again(void **state) {
    (void)state;
    struct sid_sqlite sq = {.lock_fd = -1};

    assert_int_equal(sqlite3_open(":memory:", &sq.db), SQLITE_OK);
    ok(sid_migrate_apply(&sq, migrations, BEFORE));
    exec(&sq, INSERT("state, revoked_at_s, ", "'revoked', 77, 'crd_1'"));
    exec(&sq, INSERT("state, ", "'active', 'crd_2'"));
    exec(&sq, INSERT("state, ", "'revoked', 'crd_3'"));
    exec(&sq, "DELETE FROM credential WHERE id = 'crd_3'");
    ok(sid_migrate_apply(&sq, migrations,
                         sizeof migrations / sizeof migrations[0]));
    assert_int_equal(
        number(&sq, "SELECT state_since_s FROM credential WHERE "
                    "state = 'revoked' AND id = 'crd_1' AND serial = 1"),
        77);
    assert_int_equal(
        number(&sq, "SELECT count(*) FROM credential WHERE state = 'active' "
                    "AND id = 'crd_2' AND serial = 2 AND state_since_s = 0 AND "
                    "suspended_by = 'none' AND valid_until_s = 0"),
        1);
    exec(&sq, INSERT("state, ", "'revoked', 'crd_4'"));
    assert_int_equal(
        number(&sq, "SELECT serial FROM credential WHERE id = 'crd_4'"), 4);
    sqlite3_close(sq.db);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_stay_and_serials_are_not_given_again),
    };
    return cmocka_run_group_tests(tests, fixture_group_setup,
                                  fixture_group_teardown);
}
