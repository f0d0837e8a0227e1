/* test_migrate_tally.c: a database made before templates were tallied, and
 * before photos lay in blobs, goes on with what it has. */
#include "store_fixture.h"

#include <sqlite3.h>

#include "../../../src/store/store_sqlite.h"

static const struct sid_migration migrations[] = {
#include "migrations_sqlite.inc"
};
#define COUNT (sizeof migrations / sizeof migrations[0])

static size_t
index_of(const char *name) {
    size_t at = 0;

    while (at < COUNT && strcmp(migrations[at].name, name) != 0)
        at++;
    assert_in_range(at, 1, COUNT - 1);
    return at;
}

static void
exec(struct sid_sqlite *sq, const char *sql) {
    assert_int_equal(sqlite3_exec(sq->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void
templates_are_tallied_and_photos_stay_in_their_rows(void **state) {
    struct fixture *f = *state;
    struct sid_sqlite sq = {.lock_fd = -1};
    struct sid_buf out = SID_BUF_EMPTY;

    assert_int_equal(sqlite3_open(f->path, &sq.db), SQLITE_OK);
    ok(sid_migrate_apply(&sq, migrations, index_of("0029_blob")));
    for (int i = 1; i <= 3; i++) {
        char sql[600], id[SID_ID_SIZE];

        make_id(id, "enr_", i);
        snprintf(sql, sizeof sql,
                 "INSERT INTO enrolment (id, client_id, state, created_at_s, "
                 "updated_at_s, consent_version, consent_at_s, id_index, "
                 "holder_hash, holder_sealed) VALUES ('%s', 'cli_x', 'review', "
                 "5, 5, '1', 4, zeroblob(32), zeroblob(32), X'01'); "
                 "INSERT INTO template VALUES ('%s', zeroblob(2078)); "
                 "INSERT INTO photo VALUES ('%s', 'selfie', X'616263')",
                 id, id, id);
        exec(&sq, sql);
    }
    sqlite3_close(sq.db);
    fixture_reopen(f);
    assert_int_equal(sid_store_template_count(f->store), 3);
    char id[SID_ID_SIZE];
    make_id(id, "enr_", 2);
    ok(sid_store_photo_get(f->store, id, SID_PHOTO_SELFIE, &out));
    assert_true(sid_span_eq(sid_buf_span(&out), sid_span_str("abc")));
    sid_buf_free(&out);
}

/* With ten million people counting would take seconds. */
static void
the_tally_is_read_at_the_start_and_nothing_counted(void **state) {
    struct fixture *f = *state;
    sqlite3 *db = NULL;

    sid_store_close(&f->store);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "UPDATE tally SET count = 41", NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    fixture_reopen(f);
    assert_int_equal(sid_store_template_count(f->store), 41);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            templates_are_tallied_and_photos_stay_in_their_rows,
            fixture_setup_closed, fixture_teardown),
        cmocka_unit_test_setup_teardown(
            the_tally_is_read_at_the_start_and_nothing_counted, fixture_setup,
            fixture_teardown),
    };
    return cmocka_run_group_tests(tests, fixture_group_setup,
                                  fixture_group_teardown);
}
