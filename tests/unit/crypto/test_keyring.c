/* test_keyring.c: each use has keys of its own, derived as documented, versions
 * stand side by side, and what is wrapped opens in its place only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smartid/keyring.h"
#include "smartid/secretfile.h"

static uint8_t root[SID_KEY_BYTES], code[SID_KEY_BYTES];
static struct sid_keyring *ring;

static int
start(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof root; i++) {
        root[i] = (uint8_t)i;
        code[i] = (uint8_t)(100 + i);
    }
    return sid_crypto_init() == SID_OK ? 0 : -1;
}

static int
stop(void **state) {
    (void)state;
    sid_crypto_fini();
    return 0;
}

static int
setup(void **state) {
    (void)state;
    return sid_keyring_new(&ring) == SID_OK ? 0 : -1;
}

static int
teardown(void **state) {
    (void)state;
    sid_keyring_free(&ring);
    sid_keyring_free(&ring); /* NULL is fine */
    return 0;
}

static enum sid_err
put(enum sid_key_use use, int version, int64_t made_at_s, const uint8_t *key) {
    return sid_keyring_put(ring, use, version, made_at_s, key);
}

static void
mac_under(const struct sid_mac_key *key, uint8_t out[SID_SHA256_BYTES]) {
    const struct sid_span text = sid_span_str("same text");
    assert_int_equal(sid_mac(key, &text, 1, out), SID_OK);
}

static void
is_derived_from(const uint8_t *from, const struct sid_mac_key *key,
                const char *info) {
    uint8_t raw[SID_KEY_BYTES], a[SID_SHA256_BYTES], b[SID_SHA256_BYTES];
    struct sid_mac_key *expected = NULL;
    assert_int_equal(sid_hkdf(from, info, raw), SID_OK);
    assert_int_equal(sid_mac_key_new(raw, &expected), SID_OK);
    mac_under(key, a);
    mac_under(expected, b);
    assert_memory_equal(a, b, sizeof a);
    sid_mac_key_free(&expected);
}

static void
each_key_of_the_root_is_derived_with_its_documented_info(void **state) {
    (void)state;
    assert_int_equal(put(SID_KEY_ROOT, 1, 0, root), SID_OK);
    is_derived_from(root, sid_keyring_holder(ring), "smartidd/holder/v1");
    is_derived_from(root, sid_keyring_blind(ring), "smartidd/blind/v1");
    is_derived_from(root, sid_keyring_audit(ring), "smartidd/audit/v1");
    is_derived_from(root, sid_keyring_pseudonym(ring), "smartidd/pseudonym/v1");
    is_derived_from(root, sid_keyring_webhook(ring), "smartidd/webhook/v1");

    uint8_t raw[SID_KEY_BYTES], a[SID_PUBLIC_KEY_BYTES],
        b[SID_PUBLIC_KEY_BYTES];
    struct sid_sign_key *expected = NULL;
    assert_int_equal(sid_hkdf(root, "smartidd/audit-head/v1", raw), SID_OK);
    assert_int_equal(sid_sign_key_new(raw, &expected), SID_OK);
    sid_sign_public(expected, a);
    sid_sign_public(sid_keyring_head(ring), b);
    assert_memory_equal(a, b, sizeof a);
    sid_sign_key_free(&expected);
}

static void
a_code_key_has_two_halves_derived_with_its_version(void **state) {
    (void)state;
    const struct sid_mac_key *mac = NULL;
    const struct sid_block_key *handle = NULL;
    assert_int_equal(put(SID_KEY_CODE, 7, 0, code), SID_OK);
    assert_true(sid_keyring_code(ring, 7, &mac, &handle));
    is_derived_from(code, mac, "smartidd/code/mac/7");

    uint8_t raw[SID_KEY_BYTES], a[16] = {5}, b[16] = {5};
    struct sid_block_key *expected = NULL;
    assert_int_equal(sid_hkdf(code, "smartidd/code/handle/7", raw), SID_OK);
    assert_int_equal(sid_block_key_new(raw, &expected), SID_OK);
    assert_int_equal(sid_block_encrypt(handle, a, a), SID_OK);
    assert_int_equal(sid_block_encrypt(expected, b, b), SID_OK);
    assert_memory_equal(a, b, sizeof a);
    sid_block_key_free(&expected);
}

static void
a_code_key_signs_with_a_key_of_its_own(void **state) {
    (void)state;
    uint8_t raw[SID_KEY_BYTES], is[SID_PUBLIC_KEY_BYTES],
        expected[SID_PUBLIC_KEY_BYTES];
    struct sid_sign_key *key = NULL;
    assert_null(sid_keyring_offline(ring, 7));
    assert_int_equal(put(SID_KEY_CODE, 7, 0, code), SID_OK);
    assert_int_equal(put(SID_KEY_DATA, 8, 0, code), SID_OK);
    assert_int_equal(sid_hkdf(code, "smartidd/code/offline/7", raw), SID_OK);
    assert_int_equal(sid_sign_key_new(raw, &key), SID_OK);
    sid_sign_public(key, expected);
    sid_sign_public(sid_keyring_offline(ring, 7), is);
    assert_memory_equal(is, expected, sizeof is);
    assert_null(sid_keyring_offline(ring, 8)); /* of the data key: none */
    sid_keyring_retire(ring, SID_KEY_CODE, 7);
    assert_null(sid_keyring_offline(ring, 7));
    sid_sign_key_free(&key);
}

static void
a_template_key_has_a_transform_of_its_own(void **state) {
    (void)state;
    assert_null(sid_keyring_transform(ring, 1));
    assert_int_equal(put(SID_KEY_TEMPLATE, 1, 0, code), SID_OK);
    assert_int_equal(put(SID_KEY_TEMPLATE, 2, 0, root), SID_OK);
    assert_int_equal(put(SID_KEY_DATA, 3, 0, root), SID_OK);
    is_derived_from(code, sid_keyring_transform(ring, 1),
                    "smartidd/transform/v1");
    is_derived_from(root, sid_keyring_transform(ring, 2),
                    "smartidd/transform/v1");
    assert_null(sid_keyring_transform(ring, 0));
    assert_null(sid_keyring_transform(ring, 3)); /* of the data key: none */
    assert_non_null(sid_keyring_wrap(ring, SID_KEY_TEMPLATE, 2));
}

static void
no_two_uses_of_one_root_share_a_key(void **state) {
    (void)state;
    uint8_t mac[5][SID_SHA256_BYTES];
    assert_int_equal(put(SID_KEY_ROOT, 1, 0, root), SID_OK);
    mac_under(sid_keyring_blind(ring), mac[0]);
    mac_under(sid_keyring_holder(ring), mac[1]);
    mac_under(sid_keyring_audit(ring), mac[2]);
    mac_under(sid_keyring_pseudonym(ring), mac[3]);
    mac_under(sid_keyring_webhook(ring), mac[4]);
    for (int i = 0; i < 5; i++) {
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(mac[i], mac[j], SID_SHA256_BYTES);
    }
}

static void
a_version_is_put_once_and_within_one_byte(void **state) {
    (void)state;
    assert_int_equal(put(SID_KEY_DATA, 0, 0, code), SID_E_ARGUMENT);
    assert_int_equal(put(SID_KEY_DATA, 256, 0, code), SID_E_ARGUMENT);
    assert_int_equal(put(SID_KEY_ROOT, 2, 0, code), SID_E_ARGUMENT);
    assert_int_equal(put(SID_KEY_DATA, 255, 0, code), SID_OK);
    assert_int_equal(put(SID_KEY_DATA, 7, 0, code), SID_OK);
    assert_int_equal(sid_keyring_current(ring, SID_KEY_DATA), 255);
    assert_int_equal(put(SID_KEY_DATA, 255, 0, code), SID_E_EXISTS);
    assert_int_equal(sid_keyring_current(ring, SID_KEY_DATA), 255);
    assert_int_equal(sid_keyring_current(ring, SID_KEY_CODE), 0);
}

static void
versions_stand_side_by_side_until_they_are_retired(void **state) {
    (void)state;
    const struct sid_mac_key *mac = NULL;
    const struct sid_block_key *handle = NULL;
    for (int kid = 1; kid <= 3; kid++)
        assert_int_equal(put(SID_KEY_CODE, kid, 100 * kid, code), SID_OK);
    assert_int_equal(sid_keyring_current(ring, SID_KEY_CODE), 3);
    for (int kid = -1; kid <= 256; kid++)
        assert_int_equal(sid_keyring_code(ring, kid, &mac, &handle),
                         kid >= 1 && kid <= 3);
    assert_true(sid_keyring_code(ring, 2, &mac, &handle));
    sid_keyring_retire(ring, SID_KEY_CODE, 2);
    sid_keyring_retire(ring, SID_KEY_CODE, 2);
    const struct sid_mac_key *none = NULL;
    assert_false(sid_keyring_code(ring, 2, &none, &handle));
    /* What was looked up before stays good. */
    uint8_t out[SID_SHA256_BYTES];
    mac_under(mac, out);
}

static void
a_window_keeps_the_code_key_that_was_current_when_it_began(void **state) {
    (void)state;
    assert_int_equal(sid_keyring_code_at(ring, 50), 0);
    for (int kid = 1; kid <= 3; kid++)
        assert_int_equal(put(SID_KEY_CODE, kid, 100 * kid, code), SID_OK);
    const struct {
        int64_t at_s;
        int kid;
    } rows[] = {{50, 1},  {100, 1}, {101, 1}, {200, 1}, /* the same second */
                {201, 2}, {300, 2}, {301, 3}, {9000, 3}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(sid_keyring_code_at(ring, rows[i].at_s), rows[i].kid);
    sid_keyring_retire(ring, SID_KEY_CODE, 1);
    assert_int_equal(sid_keyring_code_at(ring, 150), 2);
    sid_keyring_retire(ring, SID_KEY_CODE, 2);
    assert_int_equal(sid_keyring_code_at(ring, 150), 3);
}

static void
a_ring_from_a_seed_has_every_use_and_is_always_the_same(void **state) {
    (void)state;
    struct sid_keyring *one = NULL, *two = NULL;
    uint8_t a[SID_SHA256_BYTES], b[SID_SHA256_BYTES];
    assert_int_equal(sid_keyring_new_fixed(root, &one), SID_OK);
    assert_int_equal(sid_keyring_new_fixed(root, &two), SID_OK);
    for (int use = 0; use < SID_KEY_USE_COUNT; use++)
        assert_int_equal(sid_keyring_current(one, (enum sid_key_use)use), 1);
    mac_under(sid_keyring_audit(one), a);
    mac_under(sid_keyring_audit(two), b);
    assert_memory_equal(a, b, sizeof a);
    sid_keyring_free(&one);
    sid_keyring_free(&two);
}

/* ---- the master key ------------------------------------------------------ */

static void
a_wrapped_key_opens_in_its_own_row_and_under_its_own_master_only(void **state) {
    (void)state;
    struct sid_master *master = NULL, *other = NULL;
    uint8_t wrapped[SID_WRAPPED_BYTES], out[SID_KEY_BYTES];
    assert_int_equal(sid_master_new(root, &master), SID_OK);
    assert_int_equal(sid_master_new(code, &other), SID_OK);
    assert_int_equal(sid_master_wrap(master, SID_KEY_DATA, 3, code, wrapped),
                     SID_OK);
    assert_int_equal(sid_master_unwrap(master, SID_KEY_DATA, 3, wrapped, out),
                     SID_OK);
    assert_memory_equal(out, code, sizeof out);
    assert_int_equal(sid_master_unwrap(master, SID_KEY_DATA, 4, wrapped, out),
                     SID_E_WRONG_KEY);
    assert_int_equal(
        sid_master_unwrap(master, SID_KEY_TEMPLATE, 3, wrapped, out),
        SID_E_WRONG_KEY);
    assert_int_equal(sid_master_unwrap(other, SID_KEY_DATA, 3, wrapped, out),
                     SID_E_WRONG_KEY);
    for (size_t i = 0; i < sizeof wrapped; i++) {
        wrapped[i] ^= 1;
        assert_int_equal(
            sid_master_unwrap(master, SID_KEY_DATA, 3, wrapped, out),
            SID_E_WRONG_KEY);
        wrapped[i] ^= 1;
    }
    sid_master_free(&master);
    sid_master_free(&other);
    sid_master_free(&other);
}

static void
the_words_of_uses_are_read_back(void **state) {
    (void)state;
    for (int use = 0; use < SID_KEY_USE_COUNT; use++) {
        enum sid_key_use got = SID_KEY_USE_COUNT;
        assert_int_equal(
            sid_key_use_parse(sid_key_use_name((enum sid_key_use)use), &got),
            SID_OK);
        assert_int_equal(got, use);
    }
    enum sid_key_use got;
    assert_int_equal(sid_key_use_parse("audit", &got), SID_E_FIELD_INVALID);
}

static void
a_master_key_file_gives_a_master_or_its_refusal(void **state) {
    (void)state;
    char folder[] = "/tmp/sid-keyring-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/master.key", folder);
    struct sid_master *loaded = NULL;
    assert_int_equal(sid_master_load(path, &loaded), SID_E_NOT_FOUND);
    assert_int_equal(sid_secretfile_make(path, SID_KEY_BYTES), SID_OK);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(sid_master_load(path, &loaded), SID_E_SECRET_MODE);
    assert_null(loaded);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(sid_master_load(path, &loaded), SID_OK);
    sid_master_free(&loaded);
    assert_int_equal(truncate(path, 10), 0);
    assert_int_equal(sid_master_load(path, &loaded), SID_E_SECRET_FORMAT);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

int
main(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(each_key_of_the_root_is_derived_with_its_documented_info),
        T(a_code_key_has_two_halves_derived_with_its_version),
        T(a_code_key_signs_with_a_key_of_its_own),
        T(a_template_key_has_a_transform_of_its_own),
        T(no_two_uses_of_one_root_share_a_key),
        T(a_version_is_put_once_and_within_one_byte),
        T(versions_stand_side_by_side_until_they_are_retired),
        T(a_window_keeps_the_code_key_that_was_current_when_it_began),
        T(a_ring_from_a_seed_has_every_use_and_is_always_the_same),
        T(a_wrapped_key_opens_in_its_own_row_and_under_its_own_master_only),
        T(the_words_of_uses_are_read_back),
        T(a_master_key_file_gives_a_master_or_its_refusal),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
