/* test_store_erase.c: templates stand on consent, erasure leaves nothing but a
 * tombstone, and who is due is found; against the front: any back end must pass
 * these, but for the two that use SQL. */
#include "store_fixture.h"

#include <sqlite3.h>

#include "smartid/metrics.h"

static const uint8_t sealed[SID_TEMPLATE_SEALED_BYTES] = {1, 2, 3};

static enum sid_err
put_template(struct sid_store *store, int number) {
    char id[SID_ID_SIZE];

    make_id(id, "enr_", number);
    return sid_store_template_put(store, id,
                                  sid_span_of(sealed, sizeof sealed));
}

static bool
has_template(struct sid_store *store, int number) {
    struct sid_buf out = SID_BUF_EMPTY;
    char id[SID_ID_SIZE];

    make_id(id, "enr_", number);
    enum sid_err err = sid_store_template_get(store, id, &out);
    if (err == SID_OK)
        assert_memory_equal(out.ptr, sealed, sizeof sealed);
    else
        assert_int_equal(err, SID_E_NOT_FOUND);
    sid_buf_free(&out);
    return err == SID_OK;
}

/* ---- templates ----------------------------------------------------------- */

static void
a_template_is_kept_replaced_and_read_back(void **state) {
    struct fixture *f = *state;
    uint8_t other[SID_TEMPLATE_SEALED_BYTES] = {9};
    struct sid_buf out = SID_BUF_EMPTY;
    char id[SID_ID_SIZE];

    make_id(id, "enr_", 1);
    ok(sid_store_begin(f->store));
    insert_enrolment(f->store, 1);
    assert_false(has_template(f->store, 1));
    ok(put_template(f->store, 1));
    assert_true(has_template(f->store, 1));
    ok(sid_store_template_put(f->store, id, sid_span_of(other, sizeof other)));
    ok(sid_store_commit(f->store));
    ok(sid_store_template_get(f->store, id, &out));
    assert_memory_equal(out.ptr, other, sizeof other);
    assert_int_equal(sid_store_template_count(f->store), 1);
    sid_buf_free(&out);
}

static void
a_template_without_an_enrolment_or_of_another_length_is_refused(void **state) {
    struct fixture *f = *state;
    char id[SID_ID_SIZE];

    make_id(id, "enr_", 1);
    ok(sid_store_begin(f->store));
    assert_int_equal(put_template(f->store, 1), SID_E_NOT_FOUND);
    insert_enrolment(f->store, 1);
    assert_int_equal(sid_store_template_put(
                         f->store, id, sid_span_of(sealed, sizeof sealed - 1)),
                     SID_E_ARGUMENT);
    assert_int_equal(sid_store_template_count(f->store), 0);
    ok(sid_store_commit(f->store));
}

/* What the schema itself says, whoever asks. */
static int
try_sql(struct fixture *f, const char *sql) {
    sqlite3 *db = NULL;

    sid_store_close(&f->store);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_extended_result_codes(db, 1), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "PRAGMA foreign_keys=ON", NULL, NULL, NULL),
        SQLITE_OK);
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    sqlite3_close(db);
    return rc;
}

#define ENROLMENT(version, at)                                                 \
    "INSERT INTO enrolment (id, client_id, state, created_at_s, "              \
    "updated_at_s, consent_version, consent_at_s, id_index, holder_hash, "     \
    "holder_sealed) VALUES ('enr_1', 'cli_1', 'approved', 1, 1, " version      \
    ", " at ", zeroblob(32), zeroblob(32), x'00')"
#define TEMPLATE                                                               \
    "INSERT INTO template (enrolment_id, sealed) "                             \
    "VALUES ('enr_1', zeroblob(2078))"

static void
the_schema_takes_no_template_without_consent(void **state) {
    struct fixture *f = *state;

    assert_int_equal(try_sql(f, TEMPLATE), SQLITE_CONSTRAINT_FOREIGNKEY);
    assert_int_equal(try_sql(f, ENROLMENT("NULL", "5") ";" TEMPLATE),
                     SQLITE_CONSTRAINT_NOTNULL);
    assert_int_equal(try_sql(f, ENROLMENT("'2026-01'", "NULL")),
                     SQLITE_CONSTRAINT_NOTNULL);
    assert_int_equal(try_sql(f, ENROLMENT("''", "5")), SQLITE_CONSTRAINT_CHECK);
    assert_int_equal(try_sql(f, ENROLMENT("'2026-01'", "0")),
                     SQLITE_CONSTRAINT_CHECK);
    assert_int_equal(try_sql(f, TEMPLATE), SQLITE_CONSTRAINT_FOREIGNKEY);
    assert_int_equal(try_sql(f, ENROLMENT("'2026-01'", "5") ";" TEMPLATE),
                     SQLITE_OK);
    /* Nor can the consent go before the template. */
    assert_int_equal(try_sql(f, "DELETE FROM enrolment"),
                     SQLITE_CONSTRAINT_FOREIGNKEY);
    assert_int_equal(try_sql(f, "UPDATE enrolment SET consent_version = ''"),
                     SQLITE_CONSTRAINT_CHECK);
}

static void
a_template_goes_with_every_decision_but_review_and_approval(void **state) {
    struct fixture *f = *state;
    static const struct {
        enum sid_enrol_state to;
        bool kept;
    } cases[] = {
        {SID_ENROL_APPROVED, true},
        {SID_ENROL_REVIEW, true},
        {SID_ENROL_REJECTED, false},
        {SID_ENROL_FAILED, false},
    };

    ok(sid_store_begin(f->store));
    for (int i = 0; i < 4; i++) {
        struct sid_enrolment e = make_enrolment(i);
        insert_enrolment(f->store, i);
        ok(put_template(f->store, i));
        e.state = cases[i].to;
        ok(sid_store_enrol_decide(f->store, &e, SID_ENROL_RECEIVED));
        assert_int_equal(has_template(f->store, i), cases[i].kept);
        sid_enrolment_fini(&e);
    }
    ok(sid_store_commit(f->store));
    assert_int_equal(sid_store_template_count(f->store), 2);
}

static void
the_count_of_templates_goes_back_with_the_transaction(void **state) {
    struct fixture *f = *state;

    ok(sid_store_begin(f->store));
    insert_enrolment(f->store, 1);
    insert_enrolment(f->store, 2);
    ok(put_template(f->store, 1));
    ok(sid_store_savepoint(f->store));
    ok(put_template(f->store, 2));
    assert_int_equal(sid_store_template_count(f->store), 2);
    sid_store_savepoint_undo(f->store);
    assert_int_equal(sid_store_template_count(f->store), 1);
    ok(sid_store_commit(f->store));
    assert_int_equal(sid_metric_get(SID_M_FACES_STORED), 1);
    ok(sid_store_begin(f->store));
    ok(put_template(f->store, 2));
    sid_store_rollback(f->store);
    assert_int_equal(sid_store_template_count(f->store), 1);
    fixture_reopen(f);
    assert_int_equal(sid_store_template_count(f->store), 1);
    assert_int_equal(sid_metric_get(SID_M_FACES_STORED), 1);
}

/* ---- erasure ------------------------------------------------------------- */

static struct sid_erasure
make_erasure(int number, bool credential) {
    struct sid_erasure e = {.erased_at_s = 9000 + number,
                            .cause = SID_ERASE_CONSENT};

    make_id(e.enrolment_id, "enr_", number);
    if (credential)
        make_id(e.credential_id, "crd_", number);
    return e;
}

/* An approved person with all that can be kept of them. */
static uint64_t
settle(struct sid_store *store, int number) {
    struct sid_enrolment e = make_enrolment(number);
    struct sid_idempotency retry = {.key = "retry", .created_at_s = 1};
    uint64_t serial = 0;

    memset(e.key.data_wrapped, number, sizeof e.key.data_wrapped);
    e.key.data_version = 1;
    ok(sid_store_enrol_insert(store, &e));
    snprintf(retry.client_id, sizeof retry.client_id, "cli_%d", number);
    memcpy(retry.enrolment_id, e.id, sizeof e.id);
    ok(sid_store_idempotency_put(store, &retry));
    ok(sid_store_photo_put(store, e.id, SID_PHOTO_ID, sid_span_str("card")));
    ok(insert_credential(store, number, number, &serial));
    ok(put_template(store, number));
    sid_enrolment_fini(&e);
    return serial;
}

static void
an_erased_person_leaves_a_tombstone_and_nothing_else(void **state) {
    struct fixture *f = *state;
    struct sid_erasure erasure = make_erasure(1, true);
    struct sid_enrolment e = {.attempts = 7};
    struct sid_credential c = {.serial = 0};
    struct sid_idempotency retry;
    char id[SID_ID_SIZE] = "";
    enum sid_dead_serial why = SID_DEAD_RECOVERED;

    ok(sid_store_begin(f->store));
    uint64_t serial = settle(f->store, 1);
    uint64_t other = settle(f->store, 2);
    ok(sid_store_commit(f->store));
    ok(sid_store_begin(f->store));
    ok(sid_store_erase(f->store, &erasure));
    ok(sid_store_commit(f->store));
    assert_int_equal(sid_store_enrol_get(f->store, erasure.enrolment_id, &e),
                     SID_E_NOT_FOUND);
    assert_int_equal(
        sid_store_credential_get(f->store, erasure.credential_id, &c),
        SID_E_NOT_FOUND);
    assert_int_equal(sid_store_credential_by_serial(f->store, serial, &c),
                     SID_E_NOT_FOUND);
    /* Stays, so that a retry enrols nobody anew, and tells nothing. */
    static const uint8_t nothing[SID_SHA256_BYTES];
    ok(sid_store_idempotency_get(f->store, "cli_1", "retry", &retry));
    assert_memory_equal(retry.fingerprint, nothing, sizeof nothing);
    assert_false(has_template(f->store, 1));
    uint8_t index[SID_SHA256_BYTES];
    memset(index, 1, sizeof index);
    assert_int_equal(
        sid_store_credential_standing(f->store, index, "resident_id", &c),
        SID_E_NOT_FOUND);
    ok(sid_store_dead_serial(f->store, serial, id, &why));
    assert_int_equal(why, SID_DEAD_ERASED);
    assert_string_equal(id, erasure.credential_id);
    /* The neighbour is untouched. */
    assert_int_equal(count_photos(f->store), 1);
    assert_int_equal(sid_store_template_count(f->store), 1);
    ok(sid_store_credential_by_serial(f->store, other, &c));
    assert_int_equal(c.key.data_version, 1);
    sid_credential_fini(&c);
    ok(sid_store_idempotency_get(f->store, "cli_2", "retry", &retry));
}

static void
a_person_is_erased_once(void **state) {
    struct fixture *f = *state;
    struct sid_erasure erasure = make_erasure(1, false);

    ok(sid_store_begin(f->store));
    assert_int_equal(sid_store_erase(f->store, &erasure), SID_E_NOT_FOUND);
    insert_enrolment(f->store, 1);
    ok(sid_store_erase(f->store, &erasure));
    assert_int_equal(sid_store_erase(f->store, &erasure), SID_E_NOT_FOUND);
    ok(sid_store_commit(f->store));
    assert_int_equal(count_photos(f->store), 0);
}

static void
a_credential_that_outlived_its_enrolment_is_erased_too(void **state) {
    struct fixture *f = *state;
    struct sid_erasure erasure = make_erasure(1, true);
    char id[SID_ID_SIZE] = "";
    enum sid_dead_serial why = SID_DEAD_RECOVERED;
    uint64_t serial = 0;

    ok(sid_store_begin(f->store));
    ok(insert_credential(f->store, 1, 1, &serial));
    ok(sid_store_erase(f->store, &erasure));
    ok(sid_store_commit(f->store));
    ok(sid_store_dead_serial(f->store, serial, id, &why));
    assert_int_equal(why, SID_DEAD_ERASED);
    assert_string_equal(id, erasure.credential_id);
}

static void
a_serial_that_was_not_erased_has_no_tombstone(void **state) {
    struct fixture *f = *state;
    struct sid_erasure without = make_erasure(2, false);
    char id[SID_ID_SIZE] = "as it was";
    enum sid_dead_serial why = SID_DEAD_RECOVERED;

    ok(sid_store_begin(f->store));
    uint64_t serial = settle(f->store, 1);
    insert_enrolment(f->store, 2);
    ok(sid_store_erase(f->store, &without));
    ok(sid_store_commit(f->store));
    const uint64_t unknown[] = {0, serial, 77, UINT64_MAX};
    for (int i = 0; i < 4; i++)
        assert_int_equal(sid_store_dead_serial(f->store, unknown[i], id, &why),
                         SID_E_NOT_FOUND);
    assert_string_equal(id, "as it was");
}

static void
an_erased_number_can_be_enrolled_again_under_a_new_serial(void **state) {
    struct fixture *f = *state;
    struct sid_erasure erasure = make_erasure(1, true);
    uint64_t second = 0;

    ok(sid_store_begin(f->store));
    uint64_t first = settle(f->store, 1);
    assert_int_equal(insert_credential(f->store, 3, 1, &second), SID_E_EXISTS);
    ok(sid_store_erase(f->store, &erasure));
    ok(insert_credential(f->store, 3, 1, &second));
    ok(sid_store_commit(f->store));
    assert_true(second > first);
}

/* ---- retention ----------------------------------------------------------- */

struct due {
    int count;
    int stop_at;
    char enrolment[8][SID_ID_SIZE];
    char credential[8][SID_ID_SIZE];
};

static enum sid_err
keep_due(const char *enrolment_id, const char *credential_id, void *ctx) {
    struct due *due = ctx;

    if (due->stop_at != 0 && due->count == due->stop_at)
        return SID_E_STOPPING;
    snprintf(due->enrolment[due->count], SID_ID_SIZE, "%s", enrolment_id);
    snprintf(due->credential[due->count++], SID_ID_SIZE, "%s", credential_id);
    return SID_OK;
}

static void
put_decided(struct sid_store *store, int number, enum sid_enrol_state state,
            int64_t decided_at_s) {
    struct sid_enrolment e = make_enrolment(number);

    e.state = state;
    e.decided_at_s = decided_at_s;
    ok(sid_store_enrol_insert(store, &e));
    sid_enrolment_fini(&e);
}

static void
who_is_due_is_found_by_state_and_age_longest_first(void **state) {
    struct fixture *f = *state;
    static const enum sid_enrol_state states[] = {
        SID_ENROL_REVIEW, SID_ENROL_REJECTED, SID_ENROL_FAILED};
    char expected[SID_ID_SIZE];

    ok(sid_store_begin(f->store));
    for (int s = 0; s < 3; s++) {
        put_decided(f->store, 10 * s + 1, states[s], 700);
        put_decided(f->store, 10 * s + 2, states[s], 500);
        put_decided(f->store, 10 * s + 3, states[s], 600);
    }
    put_decided(f->store, 90, SID_ENROL_APPROVED, 1);
    put_decided(f->store, 91, SID_ENROL_RECEIVED, 0);
    ok(sid_store_commit(f->store));
    for (int s = 0; s < 3; s++) {
        enum sid_retention_rule rule = (enum sid_retention_rule)s;
        struct due due = {.count = 0};
        int64_t n = -1, oldest = -1;
        ok(sid_store_retention_each(f->store, rule, 700, 8, keep_due, &due));
        assert_int_equal(due.count, 2);
        make_id(expected, "enr_", 10 * s + 2);
        assert_string_equal(due.enrolment[0], expected);
        assert_string_equal(due.credential[0], "");
        make_id(expected, "enr_", 10 * s + 3);
        assert_string_equal(due.enrolment[1], expected);
        ok(sid_store_retention_count(f->store, rule, 700, &n, &oldest));
        assert_int_equal(n, 2);
        assert_int_equal(oldest, 500);
        due.count = 0;
        ok(sid_store_retention_each(f->store, rule, 701, 1, keep_due, &due));
        assert_int_equal(due.count, 1);
        due = (struct due){.stop_at = 1};
        assert_int_equal(
            sid_store_retention_each(f->store, rule, 701, 8, keep_due, &due),
            SID_E_STOPPING);
        ok(sid_store_retention_each(f->store, rule, 701, 0, keep_due, &due));
    }
}

/* crd_<i> of person i, in this state since `at`, or until `at` valid. */
static void
put_ended(struct sid_store *store, int i, enum sid_credential_state state,
          int64_t at) {
    struct sid_credential c = make_credential(i, i);
    uint64_t serial = 0;

    if (state == SID_CREDENTIAL_EXPIRED)
        c.life.valid_until_s = at;
    ok(sid_store_credential_insert(store, &c, &serial));
    c.life.since_s = at;
    if (state != SID_CREDENTIAL_EXPIRED) {
        c.life.state = state;
        ok(sid_store_credential_change(store, &c));
    }
    sid_credential_fini(&c);
}

static void
credentials_are_due_by_when_they_ended(void **state) {
    struct fixture *f = *state;
    struct due due = {.count = 0};
    int64_t n = -1, oldest = -1;
    static const enum sid_credential_state ends[] = {
        SID_CREDENTIAL_REVOKED, SID_CREDENTIAL_REPLACED, SID_CREDENTIAL_EXPIRED,
        SID_CREDENTIAL_SUSPENDED};

    ok(sid_store_begin(f->store));
    ok(sid_store_retention_count(f->store, SID_RETAIN_REVOKED, 900, &n,
                                 &oldest));
    assert_int_equal(n, 0);
    assert_int_equal(oldest, 0);
    for (int i = 0; i < 4; i++) {
        put_ended(f->store, 2 * i + 1, ends[i], 898 - i);
        put_ended(f->store, 2 * i + 2, ends[i], 899);
    }
    ok(sid_store_commit(f->store));
    ok(sid_store_retention_each(f->store, SID_RETAIN_REVOKED, 899, 8, keep_due,
                                &due));
    assert_int_equal(due.count, 3);
    for (int i = 0; i < 3; i++) {
        char enrolment[SID_ID_SIZE], credential[SID_ID_SIZE];
        bool there = false;
        make_id(enrolment, "enr_", 2 * i + 1);
        make_id(credential, "crd_", 2 * i + 1);
        for (int j = 0; j < 3; j++)
            there = there || (strcmp(due.enrolment[j], enrolment) == 0 &&
                              strcmp(due.credential[j], credential) == 0);
        assert_true(there);
    }
    ok(sid_store_retention_count(f->store, SID_RETAIN_REVOKED, 899, &n,
                                 &oldest));
    assert_int_equal(n, 3);
    assert_int_equal(oldest, 896);
}

static void
when_a_rule_was_applied_is_remembered(void **state) {
    struct fixture *f = *state;
    int64_t at = -1;

    ok(sid_store_begin(f->store));
    ok(sid_store_retention_last(f->store, SID_RETAIN_AUDIT, &at));
    assert_int_equal(at, 0);
    for (int i = 0; i < SID_RETENTION_COUNT; i++) {
        ok(sid_store_retention_ran(f->store, (enum sid_retention_rule)i, 5));
        ok(sid_store_retention_ran(f->store, (enum sid_retention_rule)i,
                                   100 + i));
    }
    ok(sid_store_commit(f->store));
    fixture_reopen(f);
    for (int i = 0; i < SID_RETENTION_COUNT; i++) {
        ok(sid_store_retention_last(f->store, (enum sid_retention_rule)i, &at));
        assert_int_equal(at, 100 + i);
    }
}

int
main(void) {
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest any[] = {
        T(a_template_is_kept_replaced_and_read_back),
        T(a_template_without_an_enrolment_or_of_another_length_is_refused),
        T(a_template_goes_with_every_decision_but_review_and_approval),
        T(an_erased_person_leaves_a_tombstone_and_nothing_else),
        T(a_person_is_erased_once),
        T(a_credential_that_outlived_its_enrolment_is_erased_too),
        T(a_serial_that_was_not_erased_has_no_tombstone),
        T(an_erased_number_can_be_enrolled_again_under_a_new_serial),
        T(who_is_due_is_found_by_state_and_age_longest_first),
        T(credentials_are_due_by_when_they_ended),
    };
    /* In memory nothing outlives its store. */
    const struct CMUnitTest kept[] = {
        T(the_count_of_templates_goes_back_with_the_transaction),
        T(when_a_rule_was_applied_is_remembered),
    };
    /* About the file. */
    const struct CMUnitTest file[] = {
        T(the_schema_takes_no_template_without_consent),
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
