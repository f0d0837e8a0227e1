/* Tests of credentials, against the front: any back end must pass them. */
#include "store_fixture.h"

static void
a_credential_is_read_back_by_id_and_by_serial(void **state) {
    struct fixture *f = *state;
    struct sid_credential in = make_credential(1, 1);
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
        assert_int_equal(out->state, SID_CREDENTIAL_ACTIVE);
        assert_int_equal(out->issued_at_s, 7001);
        assert_int_equal(out->revoked_at_s, 0);
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

static void
a_person_has_at_most_one_active_credential(void **state) {
    struct fixture *f = *state;
    const struct sid_credential person = make_credential(0, 7);
    struct sid_credential gone;
    uint64_t first = 0;
    uint64_t serial = 0;
    char id[SID_ID_SIZE];
    bool used = true;

    make_id(id, "crd_", 1);
    ok(sid_store_begin(f->store));
    ok(sid_store_credential_in_use(f->store, person.id_index, &used));
    assert_false(used);
    ok(insert_credential(f->store, 1, 7, &first));
    ok(sid_store_credential_in_use(f->store, person.id_index, &used));
    assert_true(used);
    assert_int_equal(insert_credential(f->store, 2, 7, &serial), SID_E_EXISTS);
    assert_int_equal(serial, 0);
    ok(insert_credential(f->store, 3, 8, &serial));
    ok(sid_store_credential_revoke(f->store, id, sid_span_str("phone lost"),
                                   7500));
    ok(sid_store_credential_in_use(f->store, person.id_index, &used));
    assert_false(used);
    ok(insert_credential(f->store, 2, 7, &serial));
    ok(sid_store_commit(f->store));
    assert_int_not_equal(serial, first);
    ok(sid_store_credential_by_serial(f->store, first, &gone));
    assert_int_equal(gone.state, SID_CREDENTIAL_REVOKED);
    assert_int_equal(gone.revoked_at_s, 7500);
    assert_true(sid_span_eq(sid_buf_span(&gone.note_sealed),
                            sid_span_str("phone lost")));
    sid_credential_fini(&gone);
    struct sid_buf sealed = person.holder_sealed;
    sid_buf_free(&sealed);
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
a_credential_is_revoked_once(void **state) {
    struct fixture *f = *state;
    struct sid_credential out;
    uint64_t serial = 0;
    char id[SID_ID_SIZE];

    make_id(id, "crd_", 1);
    ok(sid_store_begin(f->store));
    ok(insert_credential(f->store, 1, 1, &serial));
    ok(sid_store_credential_revoke(f->store, id, sid_span_str("first"), 10));
    assert_int_equal(
        sid_store_credential_revoke(f->store, id, sid_span_str("second"), 20),
        SID_E_CONFLICT);
    assert_int_equal(
        sid_store_credential_revoke(f->store, "crd_none", sid_span_str(""), 20),
        SID_E_NOT_FOUND);
    ok(sid_store_commit(f->store));
    ok(sid_store_credential_get(f->store, id, &out));
    assert_true(
        sid_span_eq(sid_buf_span(&out.note_sealed), sid_span_str("first")));
    assert_int_equal(out.revoked_at_s, 10);
    sid_credential_fini(&out);
}

static void
states_have_names(void **state) {
    (void)state;
    assert_string_equal(sid_credential_state_name(SID_CREDENTIAL_ACTIVE),
                        "active");
    assert_string_equal(sid_credential_state_name(SID_CREDENTIAL_REVOKED),
                        "revoked");
}

int
main(void) {
    const struct CMUnitTest tests[] = {
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        T(a_credential_is_read_back_by_id_and_by_serial),
        T(an_unknown_credential_is_not_found_and_leaves_the_output),
        T(a_person_has_at_most_one_active_credential),
        T(a_credentials_id_is_unique),
        T(a_credential_is_revoked_once),
        cmocka_unit_test(states_have_names),
#undef T
    };

    return cmocka_run_group_tests(tests, fixture_group_setup,
                                  fixture_group_teardown);
}
