/* test_keyring.c: each use has a key of its own, derived as documented. */
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

static uint8_t master[SID_KEY_BYTES];
static struct sid_keyring *ring;

static int
start(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof master; i++)
        master[i] = (uint8_t)i;
    if (sid_crypto_init() != SID_OK)
        return -1;
    return sid_keyring_new(master, &ring) == SID_OK ? 0 : -1;
}

static int
stop(void **state) {
    (void)state;
    sid_keyring_free(&ring);
    sid_keyring_free(&ring);
    sid_crypto_fini();
    return 0;
}

static void
mac_under(const struct sid_mac_key *key, uint8_t out[SID_SHA256_BYTES]) {
    const struct sid_span text = sid_span_str("same text");
    assert_int_equal(sid_mac(key, &text, 1, out), SID_OK);
}

static void
is_derived_with(const struct sid_mac_key *key, const char *info) {
    uint8_t raw[SID_KEY_BYTES], a[SID_SHA256_BYTES], b[SID_SHA256_BYTES];
    struct sid_mac_key *expected = NULL;
    assert_int_equal(sid_hkdf(master, info, raw), SID_OK);
    assert_int_equal(sid_mac_key_new(raw, &expected), SID_OK);
    mac_under(key, a);
    mac_under(expected, b);
    assert_memory_equal(a, b, sizeof a);
    sid_mac_key_free(&expected);
}

static void
each_key_is_derived_with_its_documented_info(void **state) {
    (void)state;
    const struct sid_mac_key *mac = NULL;
    const struct sid_block_key *handle = NULL;
    is_derived_with(sid_keyring_blind(ring), "smartidd/blind/v1");
    is_derived_with(sid_keyring_holder(ring), "smartidd/holder/v1");
    is_derived_with(sid_keyring_audit(ring), "smartidd/audit/v1");
    assert_true(sid_keyring_code(ring, 1, &mac, &handle));
    is_derived_with(mac, "smartidd/code/mac/1");

    uint8_t raw[SID_KEY_BYTES], a[16] = {5}, b[16] = {5};
    struct sid_block_key *expected = NULL;
    assert_int_equal(sid_hkdf(master, "smartidd/code/handle/1", raw), SID_OK);
    assert_int_equal(sid_block_key_new(raw, &expected), SID_OK);
    assert_int_equal(sid_block_encrypt(handle, a, a), SID_OK);
    assert_int_equal(sid_block_encrypt(expected, b, b), SID_OK);
    assert_memory_equal(a, b, sizeof a);
    sid_block_key_free(&expected);
}

static void
the_data_key_is_version_1_of_its_own_info(void **state) {
    (void)state;
    uint8_t raw[SID_KEY_BYTES];
    struct sid_aead_key *expected = NULL;
    struct sid_buf sealed = SID_BUF_EMPTY, plain = SID_BUF_EMPTY;
    const struct sid_place place = {"t", "c", "r"};
    assert_int_equal(sid_hkdf(master, "smartidd/data/v1", raw), SID_OK);
    assert_int_equal(sid_aead_key_new(raw, 1, &expected), SID_OK);
    assert_int_equal(
        sid_seal(sid_keyring_data(ring), &place, sid_span_str("x"), &sealed),
        SID_OK);
    assert_int_equal(sid_open(expected, &place, sid_buf_span(&sealed), &plain),
                     SID_OK);
    sid_buf_free(&sealed);
    sid_buf_free(&plain);
    sid_aead_key_free(&expected);
}

static void
no_two_uses_and_no_two_masters_share_a_key(void **state) {
    (void)state;
    uint8_t other_master[SID_KEY_BYTES] = {1}, mac[5][SID_SHA256_BYTES];
    struct sid_keyring *other = NULL;
    const struct sid_mac_key *code = NULL;
    const struct sid_block_key *handle = NULL;
    assert_int_equal(sid_keyring_new(other_master, &other), SID_OK);
    assert_true(sid_keyring_code(ring, 1, &code, &handle));
    mac_under(sid_keyring_blind(ring), mac[0]);
    mac_under(sid_keyring_holder(ring), mac[1]);
    mac_under(sid_keyring_audit(ring), mac[2]);
    mac_under(code, mac[3]);
    mac_under(sid_keyring_blind(other), mac[4]);
    for (int i = 0; i < 5; i++) {
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(mac[i], mac[j], SID_SHA256_BYTES);
    }
    sid_keyring_free(&other);
}

static void
only_the_current_code_key_is_known(void **state) {
    (void)state;
    const struct sid_mac_key *mac = NULL;
    const struct sid_block_key *handle = NULL;
    for (int kid = 0; kid < 256; kid++) {
        int known = sid_keyring_code(ring, (uint8_t)kid, &mac, &handle);
        assert_int_equal(known, kid == sid_keyring_code_current(ring));
    }
}

static void
a_master_key_file_gives_the_keys_or_its_refusal(void **state) {
    (void)state;
    char folder[] = "/tmp/sid-keyring-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/master.key", folder);
    struct sid_keyring *loaded = NULL;
    assert_int_equal(sid_keyring_load(path, &loaded), SID_E_NOT_FOUND);
    assert_int_equal(sid_secretfile_make(path, SID_KEY_BYTES), SID_OK);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(sid_keyring_load(path, &loaded), SID_E_SECRET_MODE);
    assert_null(loaded);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(sid_keyring_load(path, &loaded), SID_OK);
    struct sid_keyring *again = NULL;
    assert_int_equal(sid_keyring_load(path, &again), SID_OK);
    uint8_t a[SID_SHA256_BYTES], b[SID_SHA256_BYTES];
    mac_under(sid_keyring_audit(loaded), a);
    mac_under(sid_keyring_audit(again), b);
    assert_memory_equal(a, b, sizeof a);
    sid_keyring_free(&loaded);
    sid_keyring_free(&again);
    assert_int_equal(truncate(path, 10), 0);
    assert_int_equal(sid_keyring_load(path, &loaded), SID_E_SECRET_FORMAT);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_is_derived_with_its_documented_info),
        cmocka_unit_test(the_data_key_is_version_1_of_its_own_info),
        cmocka_unit_test(no_two_uses_and_no_two_masters_share_a_key),
        cmocka_unit_test(only_the_current_code_key_is_known),
        cmocka_unit_test(a_master_key_file_gives_the_keys_or_its_refusal),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
