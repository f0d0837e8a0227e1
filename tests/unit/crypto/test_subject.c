/* test_subject.c: people's own keys: what is sealed under one opens under no
 * other, survives a new wrapping, and is gone when the key is forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <string.h>

#include "smartid/subject.h"

static const uint8_t seed[SID_KEY_BYTES] = {9};
static const struct sid_place place = {"enrolment", "holder", "enr_a"};
static struct sid_keyring *ring;
static struct sid_subject_key key;

static int
setup(void **state) {
    (void)state;
    if (sid_crypto_init() != SID_OK ||
        sid_keyring_new_fixed(seed, &ring) != SID_OK)
        return -1;
    return sid_subject_make(ring, "enr_a", &key) == SID_OK ? 0 : -1;
}

static int
teardown(void **state) {
    (void)state;
    sid_keyring_free(&ring);
    sid_crypto_fini();
    return 0;
}

static struct sid_subject
subject(const char *id, const struct sid_subject_key *of,
        enum sid_key_use branch) {
    return (struct sid_subject){ring, id, of, branch};
}

static void
seal(const struct sid_subject *by, struct sid_buf *out) {
    assert_int_equal(sid_subject_seal(by, &place, sid_span_str("a name"), out),
                     SID_OK);
}

static enum sid_err
opens(const struct sid_subject *by, const struct sid_buf *sealed) {
    struct sid_buf plain = SID_BUF_EMPTY;
    enum sid_err err =
        sid_subject_open(by, &place, sid_buf_span(sealed), &plain);
    if (err == SID_OK)
        assert_true(sid_span_eq(sid_buf_span(&plain), sid_span_str("a name")));
    else
        assert_null(plain.ptr);
    sid_buf_free(&plain);
    return err;
}

static void
what_is_sealed_under_a_persons_key_opens_under_it_only(void **state) {
    (void)state;
    struct sid_subject_key other;
    assert_int_equal(sid_subject_make(ring, "enr_b", &other), SID_OK);
    struct sid_subject mine = subject("enr_a", &key, SID_KEY_DATA);
    struct sid_subject template = subject("enr_a", &key, SID_KEY_TEMPLATE);
    struct sid_subject theirs = subject("enr_b", &other, SID_KEY_DATA);
    struct sid_subject renamed = subject("enr_b", &key, SID_KEY_DATA);
    struct sid_buf sealed = SID_BUF_EMPTY;
    seal(&mine, &sealed);
    assert_int_equal(opens(&mine, &sealed), SID_OK);
    assert_int_equal(opens(&template, &sealed), SID_E_SEAL);
    assert_int_equal(opens(&theirs, &sealed), SID_E_SEAL);
    assert_int_equal(opens(&renamed, &sealed), SID_E_SEAL);
    sid_buf_free(&sealed);
}

static void
a_forgotten_key_opens_nothing(void **state) {
    (void)state;
    const struct sid_subject_key none = {0};
    struct sid_subject mine = subject("enr_a", &key, SID_KEY_DATA);
    struct sid_subject forgotten = subject("enr_a", &none, SID_KEY_DATA);
    struct sid_buf sealed = SID_BUF_EMPTY, more = SID_BUF_EMPTY;
    seal(&mine, &sealed);
    assert_int_equal(opens(&forgotten, &sealed), SID_E_SEAL);
    assert_int_equal(
        sid_subject_seal(&forgotten, &place, sid_span_str("x"), &more),
        SID_E_SEAL);
    sid_buf_free(&sealed);
}

static void
a_new_wrapping_leaves_what_was_sealed_readable(void **state) {
    (void)state;
    const uint8_t second[SID_KEY_BYTES] = {77};
    struct sid_subject mine = subject("enr_a", &key, SID_KEY_DATA);
    struct sid_buf sealed = SID_BUF_EMPTY;
    bool changed = true;
    seal(&mine, &sealed);
    assert_int_equal(sid_subject_rewrap(ring, "enr_a", &key, &changed), SID_OK);
    assert_false(changed);
    assert_int_equal(sid_keyring_put(ring, SID_KEY_DATA, 2, 5, second), SID_OK);
    struct sid_subject_key before = key;
    assert_int_equal(sid_subject_rewrap(ring, "enr_a", &key, &changed), SID_OK);
    assert_true(changed);
    assert_int_equal(key.data_version, 2);
    assert_int_equal(key.template_version, 1);
    assert_memory_not_equal(key.data_wrapped, before.data_wrapped,
                            sizeof before.data_wrapped);
    /* The old key is destroyed: only the new wrapping opens. */
    sid_keyring_retire(ring, SID_KEY_DATA, 1);
    assert_int_equal(opens(&mine, &sealed), SID_OK);
    struct sid_subject old = subject("enr_a", &before, SID_KEY_DATA);
    assert_int_equal(opens(&old, &sealed), SID_E_SEAL);
    sid_buf_free(&sealed);
    /* What was never made is not wrapped again. */
    struct sid_subject_key none = {0};
    assert_int_equal(sid_subject_rewrap(ring, "enr_a", &none, &changed),
                     SID_OK);
    assert_false(changed);
}

static void
a_renewed_template_key_opens_nothing_of_the_old_one(void **state) {
    (void)state;
    const uint8_t second[SID_KEY_BYTES] = {77};
    struct sid_subject_key renewed = key;
    struct sid_subject was = subject("enr_a", &key, SID_KEY_TEMPLATE);
    struct sid_subject is = subject("enr_a", &renewed, SID_KEY_TEMPLATE);
    struct sid_subject data = subject("enr_a", &key, SID_KEY_DATA);
    struct sid_subject data_after = subject("enr_a", &renewed, SID_KEY_DATA);
    struct sid_buf old = SID_BUF_EMPTY, new = SID_BUF_EMPTY,
                   other = SID_BUF_EMPTY;
    seal(&was, &old);
    seal(&data, &other);
    assert_int_equal(sid_keyring_put(ring, SID_KEY_TEMPLATE, 2, 5, second),
                     SID_OK);
    assert_int_equal(sid_subject_renew_template(ring, "enr_a", &renewed),
                     SID_OK);
    assert_int_equal(renewed.template_version, 2);
    seal(&is, &new);
    assert_int_equal(opens(&is, &new), SID_OK);
    assert_int_equal(opens(&is, &old), SID_E_SEAL);
    assert_int_equal(opens(&was, &new), SID_E_SEAL);
    assert_int_equal(opens(&data_after, &other), SID_OK);
    sid_buf_free(&old);
    sid_buf_free(&new);
    sid_buf_free(&other);
}

static void
every_changed_byte_of_a_wrapped_key_is_found(void **state) {
    (void)state;
    struct sid_subject mine = subject("enr_a", &key, SID_KEY_DATA);
    struct sid_buf sealed = SID_BUF_EMPTY;
    seal(&mine, &sealed);
    for (size_t i = 0; i < sizeof key.data_wrapped; i++) {
        key.data_wrapped[i] ^= 0x40;
        assert_int_equal(opens(&mine, &sealed), SID_E_SEAL);
        key.data_wrapped[i] ^= 0x40;
    }
    assert_int_equal(opens(&mine, &sealed), SID_OK);
    sid_buf_free(&sealed);
}

static void
without_a_current_key_no_person_gets_one(void **state) {
    (void)state;
    struct sid_keyring *empty = NULL;
    struct sid_subject_key made = {.data_version = 99};
    assert_int_equal(sid_keyring_new(&empty), SID_OK);
    assert_int_equal(sid_subject_make(empty, "enr_a", &made), SID_E_CRYPTO);
    assert_int_equal(made.data_version, 99); /* untouched */
    assert_int_equal(sid_subject_renew_template(empty, "enr_a", &made),
                     SID_E_CRYPTO);
    assert_int_equal(made.template_version, 0);
    sid_keyring_free(&empty);
}

int
main(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(what_is_sealed_under_a_persons_key_opens_under_it_only),
        T(a_forgotten_key_opens_nothing),
        T(a_new_wrapping_leaves_what_was_sealed_readable),
        T(a_renewed_template_key_opens_nothing_of_the_old_one),
        T(every_changed_byte_of_a_wrapped_key_is_found),
        T(without_a_current_key_no_person_gets_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
