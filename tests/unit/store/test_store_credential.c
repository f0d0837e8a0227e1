/* Tests of credentials, against the front: any back end must pass them. */
#include "store_fixture.h"

static void
a_credential_is_read_back_by_id_and_by_serial(void **state) {
    struct fixture *f = *state;
    struct sid_credential in = make_credential(1, 1);
    in.life = (struct sid_life){.state = SID_CREDENTIAL_SUSPENDED,
                                .since_s = 7100,
                                .suspended_by = SID_ROLE_APP,
                                .valid_until_s = 9000};
    struct sid_credential by_id;
    struct sid_credential by_serial;
    uint64_t serial = 0;

    ok(sid_store_begin(f->store));
    ok(sid_store_credential_insert(f->store, &in, &serial));
    ok(sid_store_commit(f->store));
    assert_int_not_equal(serial, 0);
    ok(sid_store_credential_get(f->store, in.id, &by_id));
    ok(sid_store_credential_by_serial(f->store, serial, &by_serial));
    const struct sid_credential *both[] = {&by_id, &by_serial};
    for (int i = 0; i < 2; i++) {
        const struct sid_credential *out = both[i];
        assert_int_equal(out->serial, serial);
        assert_string_equal(out->id, in.id);
        assert_string_equal(out->enrolment_id, in.enrolment_id);
        assert_string_equal(out->client_id, in.client_id);
        assert_string_equal(out->type, "resident_id");
        assert_string_equal(out->assurance, "remote");
        assert_int_equal(out->life.state, SID_CREDENTIAL_SUSPENDED);
        assert_int_equal(out->life.since_s, 7100);
        assert_int_equal(out->life.suspended_by, SID_ROLE_APP);
        assert_int_equal(out->life.reason, SID_REVOKE_NONE);
        assert_int_equal(out->life.valid_until_s, 9000);
        assert_string_equal(out->replaced_by, "");
        assert_int_equal(out->issued_at_s, 7001);
        assert_int_equal(out->note_sealed.len, 0);
        assert_memory_equal(out->id_index, in.id_index, sizeof in.id_index);
        assert_memory_equal(out->holder_hash, in.holder_hash,
                            sizeof in.holder_hash);
        assert_int_equal(out->holder_sealed.len, 13);
        assert_memory_equal(out->holder_sealed.ptr, "sealed\0holder", 13);
    }
    sid_credential_fini(&by_id);
    sid_credential_fini(&by_serial);
    sid_credential_fini(&in);
}

static void
an_unknown_credential_is_not_found_and_leaves_the_output(void **state) {
    struct fixture *f = *state;
    struct sid_credential out = {.issued_at_s = 77};
    static const uint64_t never[] = {0, 12345, INT64_MAX,
                                     (uint64_t)INT64_MAX + 1, UINT64_MAX};

    assert_int_equal(sid_store_credential_get(f->store, "crd_none", &out),
                     SID_E_NOT_FOUND);
    /* Before, between and behind those there are. */
    uint64_t serial = 0;
    ok(sid_store_begin(f->store));
    ok(insert_credential(f->store, 1, 1, &serial));
    ok(insert_credential(f->store, 3, 3, &serial));
    ok(sid_store_commit(f->store));
    char id[SID_ID_SIZE];
    for (int number = 0; number <= 4; number += 2) {
        make_id(id, "crd_", number);
        assert_int_equal(sid_store_credential_get(f->store, id, &out),
                         SID_E_NOT_FOUND);
    }
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        assert_int_equal(
            sid_store_credential_by_serial(f->store, never[i], &out),
            SID_E_NOT_FOUND);
    assert_int_equal(out.issued_at_s, 77);
}

/* crd_<number>, as it is stored, into this state. */
static enum sid_err
change(struct sid_store *store, int number, enum sid_credential_state to,
       int64_t at) {
    char id[SID_ID_SIZE];
    struct sid_credential c;

    make_id(id, "crd_", number);
    ok(sid_store_credential_get(store, id, &c));
    c.life.state = to;
    c.life.since_s = at;
    if (to == SID_CREDENTIAL_REVOKED)
        c.life.reason = SID_REVOKE_STOLEN;
    if (to == SID_CREDENTIAL_SUSPENDED)
        c.life.suspended_by = SID_ROLE_OFFICER;
    if (to == SID_CREDENTIAL_REPLACED)
        make_id(c.replaced_by, "crd_", 99);
    sid_buf_free(&c.note_sealed);
    ok(sid_buf_append(&c.note_sealed, "words", 5));
    enum sid_err err = sid_store_credential_change(store, &c);
    sid_credential_fini(&c);
    return err;
}

static bool
stands(struct sid_store *store, const struct sid_credential *person,
       const char *type) {
    struct sid_credential c = {.serial = 0};
    enum sid_err err =
        sid_store_credential_standing(store, person->id_index, type, &c);

    assert_true(err == SID_OK || err == SID_E_NOT_FOUND);
    sid_credential_fini(&c);
    return err == SID_OK;
}

static void
a_person_has_at_most_one_of_a_type_that_stands(void **state) {
    struct fixture *f = *state;
    struct sid_credential person = make_credential(9, 7);
    uint64_t first = 0;
    uint64_t serial = 0;

    ok(sid_store_begin(f->store));
    assert_false(stands(f->store, &person, "resident_id"));
    ok(insert_credential(f->store, 1, 7, &first));
    assert_true(stands(f->store, &person, "resident_id"));
    assert_false(stands(f->store, &person, "drivers_licence"));
    assert_int_equal(insert_credential(f->store, 2, 7, &serial), SID_E_EXISTS);
    assert_int_equal(serial, 0);
    ok(change(f->store, 1, SID_CREDENTIAL_SUSPENDED, 7400));
    assert_true(stands(f->store, &person, "resident_id"));
    assert_int_equal(insert_credential(f->store, 2, 7, &serial), SID_E_EXISTS);
    ok(insert_credential(f->store, 3, 8, &serial)); /* another person */
    memcpy(person.type, "drivers_licence", sizeof "drivers_licence");
    ok(sid_store_credential_insert(f->store, &person, &serial));
    ok(change(f->store, 1, SID_CREDENTIAL_REVOKED, 7500));
    assert_false(stands(f->store, &person, "resident_id"));
    ok(insert_credential(f->store, 2, 7, &serial));
    ok(change(f->store, 2, SID_CREDENTIAL_REPLACED, 7600));
    ok(insert_credential(f->store, 4, 7, &serial));
    ok(sid_store_commit(f->store));
    assert_int_not_equal(serial, first);
    sid_credential_fini(&person);
}

static void
a_credentials_id_is_unique(void **state) {
    struct fixture *f = *state;
    uint64_t serial = 0;

    ok(sid_store_begin(f->store));
    ok(insert_credential(f->store, 1, 1, &serial));
    assert_int_equal(insert_credential(f->store, 1, 2, &serial), SID_E_EXISTS);
    ok(sid_store_commit(f->store));
}

static void
a_change_is_read_back_and_an_end_is_final(void **state) {
    struct fixture *f = *state;
    struct sid_credential c;
    uint64_t serial = 0;
    char last[SID_ID_SIZE];

    make_id(last, "crd_", 99);
    ok(sid_store_begin(f->store));
    for (int i = 1; i <= 2; i++) {
        enum sid_credential_state end =
            i == 1 ? SID_CREDENTIAL_REVOKED : SID_CREDENTIAL_REPLACED;
        ok(insert_credential(f->store, i, i, &serial));
        ok(change(f->store, i, SID_CREDENTIAL_SUSPENDED, 10));
        ok(change(f->store, i, SID_CREDENTIAL_ACTIVE, 20));
        ok(change(f->store, i, end, 30));
        assert_int_equal(change(f->store, i, SID_CREDENTIAL_ACTIVE, 40),
                         SID_E_CONFLICT);
        ok(sid_store_credential_by_serial(f->store, serial, &c));
        assert_int_equal(c.life.state, end);
        assert_int_equal(c.life.since_s, 30);
        assert_int_equal(c.life.reason,
                         i == 1 ? SID_REVOKE_STOLEN : SID_REVOKE_NONE);
        assert_string_equal(c.replaced_by, i == 1 ? "" : last);
        assert_true(
            sid_span_eq(sid_buf_span(&c.note_sealed), sid_span_str("words")));
        make_id(c.id, "crd_", 50);
        assert_int_equal(sid_store_credential_change(f->store, &c),
                         SID_E_NOT_FOUND);
        sid_credential_fini(&c);
    }
    ok(sid_store_commit(f->store));
}

static void
a_live_code_is_used_once_and_forgotten_when_it_has_expired(void **state) {
    struct fixture *f = *state;
    struct sid_token token = {
        .serial = 7, .not_after_s = 100, .kind = SID_TOKEN_LIVE, .draw = 1};

    ok(sid_store_begin(f->store));
    ok(sid_store_live_use(f->store, &token));
    assert_int_equal(sid_store_live_use(f->store, &token), SID_E_EXISTS);
    token.draw = 2;
    ok(sid_store_live_use(f->store, &token));
    token.serial = 8;
    ok(sid_store_live_use(f->store, &token));
    token.not_after_s = 101;
    ok(sid_store_live_use(f->store, &token));
    ok(sid_store_commit(f->store));
    ok(sid_store_begin(f->store));
    ok(sid_store_live_purge(f->store, 101));
    assert_int_equal(sid_store_live_use(f->store, &token), SID_E_EXISTS);
    token.not_after_s = 100;
    ok(sid_store_live_use(f->store, &token));
    ok(sid_store_commit(f->store));
}

static void
a_renewed_credential_has_another_serial_and_the_old_one_is_dead(void **state) {
    struct fixture *f = *state;
    struct sid_credential c, other = make_credential(2, 2);
    enum sid_dead_serial why = SID_DEAD_ERASED;
    uint64_t old = 0, serial = 0;
    char id[SID_ID_SIZE] = "";

    make_id(other.enrolment_id, "enr_", 1);
    ok(sid_store_begin(f->store));
    ok(insert_credential(f->store, 1, 1, &old));
    ok(sid_store_credential_insert(f->store, &other, &serial));
    ok(insert_credential(f->store, 3, 3, &serial)); /* another person's */
    ok(sid_store_credential_next(f->store, other.enrolment_id, 0, &c));
    assert_int_equal(c.serial, old);
    memset(c.holder_hash, 9, sizeof c.holder_hash);
    ok(sid_store_credential_renew(f->store, &c));
    assert_int_equal(sid_store_credential_renew(f->store, &c), SID_E_NOT_FOUND);
    ok(sid_store_commit(f->store));
    ok(sid_store_dead_serial(f->store, old, id, &why));
    assert_string_equal(id, c.id);
    assert_int_equal(why, SID_DEAD_RECOVERED);
    sid_credential_fini(&c);
    assert_int_equal(sid_store_credential_by_serial(f->store, old, &c),
                     SID_E_NOT_FOUND);
    ok(sid_store_credential_get(f->store, id, &c));
    assert_true(c.serial > serial);
    assert_int_equal(c.holder_hash[0], 9);
    sid_credential_fini(&c);
    /* The walk: the other one, then the renewed one, then none. */
    ok(sid_store_credential_next(f->store, other.enrolment_id, 0, &c));
    assert_string_equal(c.id, other.id);
    uint64_t at = c.serial;
    sid_credential_fini(&c);
    ok(sid_store_credential_next(f->store, other.enrolment_id, at, &c));
    assert_string_equal(c.id, id);
    at = c.serial;
    sid_credential_fini(&c);
    assert_int_equal(
        sid_store_credential_next(f->store, other.enrolment_id, at, &c),
        SID_E_NOT_FOUND);
    sid_credential_fini(&other);
}

static void
an_erased_persons_dead_serials_say_so(void **state) {
    struct fixture *f = *state;
    struct sid_erasure erasure = {.erased_at_s = 9, .cause = SID_ERASE_REQUEST};
    enum sid_dead_serial why = SID_DEAD_RECOVERED;
    struct sid_credential c;
    uint64_t old = 0;
    char id[SID_ID_SIZE] = "";

    make_id(erasure.enrolment_id, "enr_", 1);
    ok(sid_store_begin(f->store));
    ok(insert_credential(f->store, 1, 1, &old));
    ok(sid_store_credential_next(f->store, erasure.enrolment_id, 0, &c));
    ok(sid_store_credential_renew(f->store, &c));
    sid_credential_fini(&c);
    ok(sid_store_erase(f->store, &erasure));
    for (uint64_t serial = old; serial <= old + 1; serial++) {
        ok(sid_store_dead_serial(f->store, serial, id, &why));
        assert_int_equal(why, SID_DEAD_ERASED);
    }
    ok(sid_store_commit(f->store));
}

int
main(void) {
    const struct CMUnitTest tests[] = {
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        T(a_credential_is_read_back_by_id_and_by_serial),
        T(an_unknown_credential_is_not_found_and_leaves_the_output),
        T(a_person_has_at_most_one_of_a_type_that_stands),
        T(a_credentials_id_is_unique),
        T(a_change_is_read_back_and_an_end_is_final),
        T(a_live_code_is_used_once_and_forgotten_when_it_has_expired),
        T(a_renewed_credential_has_another_serial_and_the_old_one_is_dead),
        T(an_erased_persons_dead_serials_say_so),
#undef T
    };

    return cmocka_run_group_tests(tests, fixture_group_setup,
                                  fixture_group_teardown);
}
