/* test_legacy.c: SHA-1 and AES-256-CBC against published vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <limits.h>
#include <string.h>

#include "smartid/legacy.h"
#include "smartid/mac.h"
#include "smartid/text.h"

static int
start(void **state) {
    (void)state;
    return sid_crypto_init() == SID_OK ? 0 : -1;
}

static int
stop(void **state) {
    (void)state;
    sid_crypto_fini();
    return 0;
}

static void
sha1_is(const struct sid_span *parts, size_t n, const char *expected) {
    uint8_t out[SID_SHA1_BYTES];
    char text[2 * SID_SHA1_BYTES + 1];
    assert_int_equal(sid_legacy_sha1(parts, n, out), SID_OK);
    sid_hex_encode(out, sizeof out, text);
    assert_string_equal(text, expected);
}

/* Source: FIPS 180-2, appendix A. */
static void
sha1_agrees_with_fips_180(void **state) {
    (void)state;
    const struct sid_span abc = sid_span_str("abc");
    sha1_is(&abc, 1, "a9993e364706816aba3e25717850c26c9cd0d89d");
    const struct sid_span two = sid_span_str(
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq");
    sha1_is(&two, 1, "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    sha1_is(NULL, 0, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

static void
parts_are_hashed_as_one_wherever_they_are_cut(void **state) {
    (void)state;
    static const char abc[] = "abc";
    for (size_t a = 0; a <= 3; a++) {
        const struct sid_span parts[] = {sid_span_of(abc, a),
                                         sid_span_of(abc + a, 3 - a),
                                         sid_span_of(NULL, 0)};
        sha1_is(parts, 3, "a9993e364706816aba3e25717850c26c9cd0d89d");
    }
}

/* Source: NIST SP 800-38A, F.2.5 and F.2.6. */
static const char cbc_key[] = "603deb1015ca71be2b73aef0857d7781"
                              "1f352c073b6108d72d9810a30914dff4";
static const char cbc_iv[] = "000102030405060708090a0b0c0d0e0f";
static const char cbc_plain[] = "6bc1bee22e409f96e93d7e117393172a"
                                "ae2d8a571e03ac9c9eb76fac45af8e51"
                                "30c81c46a35ce411e5fbc1191a0a52ef"
                                "f69f2445df4f9b17ad2b417be66c3710";
static const char cbc_sealed[] = "f58c4c04d6e5f1ba779eabfb5f7bfbd6"
                                 "9cfc4e967edb808d679f777bc6702c7d"
                                 "39f23369a9d9bacfa530e26304231461"
                                 "b2eb05e2c39be9fcda6c19078c6a9d1b";

static void
cbc_agrees_with_nist_sp_800_38a_in_both_directions(void **state) {
    (void)state;
    uint8_t key[32], iv[16], plain[64], sealed[64], out[64];
    assert_int_equal(sid_hex_decode(cbc_key, key, 32), SID_OK);
    assert_int_equal(sid_hex_decode(cbc_iv, iv, 16), SID_OK);
    assert_int_equal(sid_hex_decode(cbc_plain, plain, 64), SID_OK);
    assert_int_equal(sid_hex_decode(cbc_sealed, sealed, 64), SID_OK);
    assert_int_equal(
        sid_legacy_cbc_encrypt(key, iv, sid_span_of(plain, 64), out), SID_OK);
    assert_memory_equal(out, sealed, 64);
    assert_int_equal(
        sid_legacy_cbc_decrypt(key, iv, sid_span_of(sealed, 64), out), SID_OK);
    assert_memory_equal(out, plain, 64);
    /* In place. */
    assert_int_equal(
        sid_legacy_cbc_decrypt(key, iv, sid_span_of(sealed, 64), sealed),
        SID_OK);
    assert_memory_equal(sealed, plain, 64);
}

static void
cbc_takes_whole_blocks_only(void **state) {
    (void)state;
    uint8_t key[32] = {0}, iv[16] = {0}, in[48] = {0}, out[48] = {9};
    for (size_t len = 0; len <= sizeof in; len++) {
        if (len == 16 || len == 32 || len == 48)
            continue;
        assert_int_equal(
            sid_legacy_cbc_encrypt(key, iv, sid_span_of(in, len), out),
            SID_E_ARGUMENT);
        assert_int_equal(
            sid_legacy_cbc_decrypt(key, iv, sid_span_of(in, len), out),
            SID_E_ARGUMENT);
        assert_int_equal(out[0], 9);
    }
    /* Whole, and more than OpenSSL can count; it is not looked at. */
    const struct sid_span long_one = sid_span_of(in, (size_t)INT_MAX + 1);
    assert_int_equal(long_one.len % 16, 0);
    assert_int_equal(sid_legacy_cbc_encrypt(key, iv, long_one, out),
                     SID_E_ARGUMENT);
    assert_int_equal(out[0], 9);
}

static void
before_the_algorithms_are_fetched_nothing_is_computed(void **state) {
    (void)state;
    sid_crypto_fini();
    uint8_t key[32] = {0}, iv[16] = {0}, block[16] = {7}, digest[20] = {9};
    assert_int_equal(sid_legacy_sha1(NULL, 0, digest), SID_E_CRYPTO);
    assert_int_equal(digest[0], 9);
    assert_int_equal(
        sid_legacy_cbc_encrypt(key, iv, sid_span_of(block, 16), block),
        SID_E_CRYPTO);
    assert_int_equal(block[0], 0);
    block[0] = 7;
    assert_int_equal(
        sid_legacy_cbc_decrypt(key, iv, sid_span_of(block, 16), block),
        SID_E_CRYPTO);
    assert_int_equal(block[0], 0);
    assert_int_equal(sid_crypto_init(), SID_OK);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha1_agrees_with_fips_180),
        cmocka_unit_test(parts_are_hashed_as_one_wherever_they_are_cut),
        cmocka_unit_test(cbc_agrees_with_nist_sp_800_38a_in_both_directions),
        cmocka_unit_test(cbc_takes_whole_blocks_only),
        cmocka_unit_test(before_the_algorithms_are_fetched_nothing_is_computed),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
