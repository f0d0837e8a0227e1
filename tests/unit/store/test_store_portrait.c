/* test_store_portrait.c: portraits stand on a consent of their own and on an
 * approval, and go with the person; against the front, but for the one that
 * uses SQL. */
#include "store_fixture.h"

#include <sqlite3.h>

static void
add(struct sid_store *store, int number, bool consent) {
    struct sid_enrolment e = make_enrolment(number);
    e.consent_portrait = consent;
    ok(sid_store_enrol_insert(store, &e));
    sid_enrolment_fini(&e);
}

static enum sid_err
put(struct sid_store *store, int number, const char *sealed) {
    char id[SID_ID_SIZE];
    make_id(id, "enr_", number);
    return sid_store_portrait_put(store, id, sid_span_str(sealed));
}

static void
decide(struct sid_store *store, int number, enum sid_enrol_state to) {
    struct sid_enrolment e = make_enrolment(number);
    e.state = to;
    ok(sid_store_enrol_decide(store, &e, SID_ENROL_RECEIVED));
    sid_enrolment_fini(&e);
}

static bool
has(struct sid_store *store, int number) {
    struct sid_buf out = SID_BUF_EMPTY;
    char id[SID_ID_SIZE];
    bool found = false;
    make_id(id, "enr_", number);
    ok(sid_store_portrait_has(store, id, &found));
    enum sid_err err = sid_store_portrait_get(store, id, &out);
    assert_int_equal(err, found ? SID_OK : SID_E_NOT_FOUND);
    sid_buf_free(&out);
    return found;
}

static void
a_portrait_is_kept_replaced_and_read_back_once_approved(void **state) {
    struct fixture *f = *state;
    struct sid_buf out = SID_BUF_EMPTY;
    char id[SID_ID_SIZE];
    make_id(id, "enr_", 1);
    ok(sid_store_begin(f->store));
    add(f->store, 1, true);
    ok(put(f->store, 1, "first"));
    ok(put(f->store, 1, "second"));
    assert_false(has(f->store, 1));
    decide(f->store, 1, SID_ENROL_APPROVED);
    ok(sid_store_commit(f->store));
    fixture_reopen(f);
    assert_true(has(f->store, 1));
    ok(sid_store_portrait_get(f->store, id, &out));
    assert_true(sid_span_eq(sid_buf_span(&out), sid_span_str("second")));
    sid_buf_free(&out);
}

static void
without_that_consent_or_an_enrolment_it_is_refused(void **state) {
    static uint8_t large[SID_PORTRAIT_SEALED_MAX_BYTES + 1];
    struct fixture *f = *state;
    struct sid_enrolment e = {0};
    char id[SID_ID_SIZE];
    make_id(id, "enr_", 2);
    ok(sid_store_begin(f->store));
    assert_int_equal(put(f->store, 1, "x"), SID_E_NOT_FOUND);
    add(f->store, 1, false);
    assert_int_equal(put(f->store, 1, "x"), SID_E_NOT_FOUND);
    add(f->store, 2, true);
    assert_int_equal(
        sid_store_portrait_put(f->store, id, sid_span_of(large, sizeof large)),
        SID_E_ARGUMENT);
    ok(sid_store_portrait_put(f->store, id,
                              sid_span_of(large, sizeof large - 1)));
    ok(sid_store_enrol_get(f->store, id, &e));
    assert_true(e.consent_portrait);
    sid_enrolment_fini(&e);
    ok(sid_store_commit(f->store));
}

static void
only_an_approval_or_a_review_keeps_it(void **state) {
    struct fixture *f = *state;
    static const enum sid_enrol_state to[] = {
        SID_ENROL_APPROVED, SID_ENROL_REVIEW, SID_ENROL_REJECTED,
        SID_ENROL_FAILED};
    ok(sid_store_begin(f->store));
    for (int i = 0; i < 4; i++) {
        add(f->store, i, true);
        ok(put(f->store, i, "x"));
        decide(f->store, i, to[i]);
        assert_int_equal(has(f->store, i), to[i] == SID_ENROL_APPROVED);
    }
    /* Whatever they become later: it was kept in review, and else is gone. */
    for (int i = 1; i < 4; i++) {
        struct sid_enrolment e = make_enrolment(i);
        e.state = SID_ENROL_APPROVED;
        ok(sid_store_enrol_decide(f->store, &e, to[i]));
        sid_enrolment_fini(&e);
        assert_int_equal(has(f->store, i), to[i] == SID_ENROL_REVIEW);
    }
    ok(sid_store_commit(f->store));
}

static void
it_goes_with_the_person(void **state) {
    struct fixture *f = *state;
    struct sid_erasure erasure = {.erased_at_s = 9000,
                                  .cause = SID_ERASE_CONSENT};
    make_id(erasure.enrolment_id, "enr_", 1);
    ok(sid_store_begin(f->store));
    add(f->store, 1, true);
    ok(put(f->store, 1, "x"));
    decide(f->store, 1, SID_ENROL_APPROVED);
    ok(sid_store_erase(f->store, &erasure));
    assert_false(has(f->store, 1));
    ok(sid_store_commit(f->store));
}

/* What the schema itself says, whoever asks. */
static void
the_schema_takes_no_portrait_without_consent(void **state) {
    struct fixture *f = *state;
    sqlite3 *db = NULL;
    ok(sid_store_begin(f->store));
    add(f->store, 1, false);
    add(f->store, 2, true);
    ok(sid_store_commit(f->store));
    sid_store_close(&f->store);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "PRAGMA foreign_keys=ON", NULL, NULL, NULL),
        SQLITE_OK);
    static const struct {
        const char *sql;
        int rc;
    } cases[] = {
        {"INSERT INTO portrait (enrolment_id, sealed) SELECT id, x'00' FROM "
         "enrolment WHERE consent_portrait = 0",
         SQLITE_CONSTRAINT},
        {"INSERT INTO portrait (enrolment_id, consent, sealed) SELECT id, 0, "
         "x'00' FROM enrolment WHERE consent_portrait = 0",
         SQLITE_CONSTRAINT},
        {"INSERT INTO portrait (enrolment_id, sealed) SELECT id, x'00' FROM "
         "enrolment WHERE consent_portrait = 1",
         SQLITE_OK},
        /* Nor can the consent go before the portrait. */
        {"UPDATE enrolment SET consent_portrait = 0", SQLITE_CONSTRAINT},
        {"DELETE FROM enrolment", SQLITE_CONSTRAINT},
        {"UPDATE enrolment SET consent_portrait = 2", SQLITE_CONSTRAINT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(sqlite3_exec(db, cases[i].sql, NULL, NULL, NULL),
                         cases[i].rc);
    sqlite3_close(db);
}

int
main(void) {
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest any[] = {
        T(without_that_consent_or_an_enrolment_it_is_refused),
        T(only_an_approval_or_a_review_keeps_it),
        T(it_goes_with_the_person),
    };
    /* In memory nothing outlives its store. */
    const struct CMUnitTest kept[] = {
        T(a_portrait_is_kept_replaced_and_read_back_once_approved),
    };
    /* About the file. */
    const struct CMUnitTest file[] = {
        T(the_schema_takes_no_portrait_without_consent),
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
