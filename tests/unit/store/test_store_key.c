/* test_store_key.c: wrapped keys and people's own keys keep their form, are
 * found when they are old, and are gone when they are destroyed. */
#include "store_fixture.h"

static struct sid_wrapped_key
make_key(enum sid_key_use use, int version) {
    struct sid_wrapped_key key = {
        .use = use, .version = version, .made_at_s = 100 * version};

    memset(key.wrapped, version, sizeof key.wrapped);
    return key;
}

struct seen {
    int count;
    struct sid_wrapped_key last;
};

static enum sid_err
keep(const struct sid_wrapped_key *key, void *ctx) {
    struct seen *seen = ctx;

    seen->count++;
    seen->last = *key;
    return SID_OK;
}

static struct seen
keys_of(struct sid_store *store) {
    struct seen seen = {0};

    ok(sid_store_key_each(store, keep, &seen));
    return seen;
}

static void
a_key_is_kept_rewrapped_and_destroyed_but_its_number_stays(void **state) {
    struct fixture *f = *state;
    struct sid_wrapped_key key = make_key(SID_KEY_CODE, 3);

    ok(sid_store_begin(f->store));
    ok(sid_store_key_put(f->store, &key));
    assert_int_equal(sid_store_key_put(f->store, &key), SID_E_EXISTS);
    ok(sid_store_commit(f->store));
    fixture_reopen(f);
    struct seen seen = keys_of(f->store);
    assert_int_equal(seen.count, 1);
    assert_memory_equal(&seen.last, &key, sizeof key);

    memset(key.wrapped, 9, sizeof key.wrapped);
    ok(sid_store_begin(f->store));
    ok(sid_store_key_rewrap(f->store, &key));
    assert_memory_equal(keys_of(f->store).last.wrapped, key.wrapped,
                        sizeof key.wrapped);
    ok(sid_store_key_retire(f->store, SID_KEY_CODE, 3, 777));
    assert_int_equal(sid_store_key_retire(f->store, SID_KEY_CODE, 3, 778),
                     SID_E_NOT_FOUND);
    assert_int_equal(sid_store_key_rewrap(f->store, &key), SID_E_NOT_FOUND);
    assert_int_equal(sid_store_key_put(f->store, &key), SID_E_EXISTS);
    ok(sid_store_commit(f->store));
    seen = keys_of(f->store);
    const uint8_t none[SID_WRAPPED_BYTES] = {0};
    assert_int_equal(seen.last.retired_at_s, 777);
    assert_memory_equal(seen.last.wrapped, none, sizeof none);
}

static void
an_unknown_key_can_be_neither_rewrapped_nor_destroyed(void **state) {
    struct fixture *f = *state;
    struct sid_wrapped_key key = make_key(SID_KEY_DATA, 1);

    ok(sid_store_begin(f->store));
    assert_int_equal(sid_store_key_rewrap(f->store, &key), SID_E_NOT_FOUND);
    assert_int_equal(sid_store_key_retire(f->store, SID_KEY_DATA, 1, 1),
                     SID_E_NOT_FOUND);
    sid_store_rollback(f->store);
}

/* ---- people's own -------------------------------------------------------- */

static struct sid_subject_key
subject_key(int data_version, int template_version) {
    struct sid_subject_key key = {.data_version = data_version,
                                  .template_version = template_version};

    memset(key.data_wrapped, 10 + data_version, sizeof key.data_wrapped);
    if (template_version != 0)
        memset(key.template_wrapped, 20 + template_version,
               sizeof key.template_wrapped);
    return key;
}

/* Enrolment `number` with keys of these versions, in its own transaction. */
static void
put_enrolment(struct fixture *f, int number, int data, int template) {
    struct sid_enrolment e = make_enrolment(number);

    e.key = subject_key(data, template);
    ok(sid_store_begin(f->store));
    ok(sid_store_enrol_insert(f->store, &e));
    ok(sid_store_commit(f->store));
    sid_enrolment_fini(&e);
}

static struct sid_subject_key
key_of(struct fixture *f, int number) {
    struct sid_enrolment e = {0};
    char id[SID_ID_SIZE];

    make_id(id, "enr_", number);
    ok(sid_store_enrol_get(f->store, id, &e));
    struct sid_subject_key key = e.key;
    sid_enrolment_fini(&e);
    return key;
}

static void
an_enrolment_comes_with_its_keys(void **state) {
    struct fixture *f = *state;
    struct sid_subject_key with = subject_key(1, 2);
    struct sid_subject_key without = subject_key(1, 0);

    put_enrolment(f, 1, 1, 2);
    put_enrolment(f, 2, 1, 0);
    struct sid_subject_key got = key_of(f, 1);
    assert_memory_equal(&got, &with, sizeof with);
    got = key_of(f, 2);
    assert_memory_equal(&got, &without, sizeof without);
}

static void
a_credential_comes_with_the_keys_of_its_enrolment(void **state) {
    struct fixture *f = *state;
    struct sid_subject_key expected = subject_key(3, 1);
    struct sid_credential c = {.type = "resident_id", .assurance = "remote"};
    struct sid_credential got = {.serial = 0};
    uint64_t serial = 0;

    put_enrolment(f, 1, 3, 1);
    make_id(c.id, "crd_", 1);
    make_id(c.enrolment_id, "enr_", 1);
    make_id(c.client_id, "cli_", 1);
    ok(sid_buf_append(&c.holder_sealed, "sealed", 6));
    ok(sid_store_begin(f->store));
    ok(sid_store_credential_insert(f->store, &c, &serial));
    ok(sid_store_commit(f->store));
    ok(sid_store_credential_get(f->store, c.id, &got));
    assert_memory_equal(&got.key, &expected, sizeof expected);
    sid_credential_fini(&got);
    ok(sid_store_credential_by_serial(f->store, serial, &got));
    assert_memory_equal(&got.key, &expected, sizeof expected);
    sid_credential_fini(&got);
    sid_credential_fini(&c);
}

struct stale {
    int count;
    char subject[8][SID_ID_SIZE];
};

static enum sid_err
keep_stale(const char *subject, void *ctx) {
    struct stale *stale = ctx;

    snprintf(stale->subject[stale->count++], SID_ID_SIZE, "%s", subject);
    return SID_OK;
}

static int64_t
count_stale(struct fixture *f, int data, int template) {
    int64_t n = -1;

    ok(sid_store_subject_count_stale(f->store, data, template, &n));
    return n;
}

static void
those_that_older_versions_wrapped_are_found(void **state) {
    struct fixture *f = *state;
    struct stale stale = {0};

    put_enrolment(f, 1, 1, 1);
    put_enrolment(f, 2, 2, 1);
    put_enrolment(f, 3, 2, 2);
    put_enrolment(f, 4, 2, 0); /* no template key: nothing to wrap */
    assert_int_equal(count_stale(f, 1, 1), 0);
    assert_int_equal(count_stale(f, 2, 1), 1);
    assert_int_equal(count_stale(f, 2, 2), 2);
    assert_int_equal(count_stale(f, 3, 2), 4);
    ok(sid_store_subject_stale(f->store, 2, 2, 8, keep_stale, &stale));
    assert_int_equal(stale.count, 2);
    for (int i = 0; i < stale.count; i++) {
        struct sid_subject_key key = {.data_version = 0};
        ok(sid_store_subject_get(f->store, stale.subject[i], &key));
        assert_int_equal(key.data_wrapped[0], 10 + key.data_version);
        assert_true(key.data_version < 2 || key.template_version == 1);
    }
    struct sid_subject_key none = {.data_version = 0};
    assert_int_equal(sid_store_subject_get(f->store, "enr_none", &none),
                     SID_E_NOT_FOUND);
    stale.count = 0;
    ok(sid_store_subject_stale(f->store, 3, 3, 3, keep_stale, &stale));
    assert_int_equal(stale.count, 3); /* the limit */
}

static void
a_new_wrapping_replaces_the_old_one(void **state) {
    struct fixture *f = *state;
    struct sid_subject_key next = subject_key(2, 2);
    char id[SID_ID_SIZE];

    put_enrolment(f, 1, 1, 1);
    make_id(id, "enr_", 1);
    ok(sid_store_begin(f->store));
    ok(sid_store_subject_rewrap(f->store, id, &next));
    assert_int_equal(sid_store_subject_rewrap(f->store, "enr_none", &next),
                     SID_E_NOT_FOUND);
    ok(sid_store_commit(f->store));
    struct sid_subject_key got = key_of(f, 1);
    assert_memory_equal(&got, &next, sizeof next);
}

static void
a_forgotten_persons_row_stays_without_keys(void **state) {
    struct fixture *f = *state;
    const struct sid_subject_key none = {0};
    char id[SID_ID_SIZE];

    put_enrolment(f, 1, 1, 1);
    make_id(id, "enr_", 1);
    ok(sid_store_begin(f->store));
    ok(sid_store_subject_forget(f->store, id));
    ok(sid_store_subject_forget(f->store, id));
    ok(sid_store_commit(f->store));
    struct sid_subject_key got = key_of(f, 1);
    assert_memory_equal(&got, &none, sizeof none);
}

int
main(void) {
#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest any[] = {
        T(an_unknown_key_can_be_neither_rewrapped_nor_destroyed),
        T(an_enrolment_comes_with_its_keys),
        T(a_credential_comes_with_the_keys_of_its_enrolment),
        T(those_that_older_versions_wrapped_are_found),
        T(a_new_wrapping_replaces_the_old_one),
        T(a_forgotten_persons_row_stays_without_keys),
    };
    /* In memory nothing outlives its store. */
    const struct CMUnitTest kept[] = {
        T(a_key_is_kept_rewrapped_and_destroyed_but_its_number_stays),
    };
#undef T
    int failed = 0;

    failed += FIXTURE_RUN(any);
    if (!fixture_is("memory"))
        failed += FIXTURE_RUN(kept);
    return failed;
}
