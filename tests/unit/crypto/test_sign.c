/* test_sign.c: Ed25519 gives the signatures of RFC 8032 and refuses others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <string.h>

#include "smartid/sign.h"
#include "smartid/text.h"

/* Source: RFC 8032 7.1, tests 1 to 3. */
static const struct {
    const char *seed, *public_key, *text, *signature;
} vectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
     "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
     "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
};

static void
the_vectors_of_rfc_8032_come_out(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        uint8_t seed[SID_KEY_BYTES], text[8], got[SID_SIGNATURE_BYTES];
        uint8_t expected[SID_SIGNATURE_BYTES], got_public[SID_PUBLIC_KEY_BYTES],
            public_key[SID_PUBLIC_KEY_BYTES];
        size_t len = strlen(vectors[i].text) / 2;
        assert_int_equal(sid_hex_decode(vectors[i].seed, seed, sizeof seed),
                         SID_OK);
        assert_int_equal(sid_hex_decode(vectors[i].public_key, public_key,
                                        sizeof public_key),
                         SID_OK);
        assert_int_equal(
            sid_hex_decode(vectors[i].signature, expected, sizeof expected),
            SID_OK);
        assert_int_equal(sid_hex_decode(vectors[i].text, text, len), SID_OK);
        struct sid_sign_key *key = NULL;
        assert_int_equal(sid_sign_key_new(seed, &key), SID_OK);
        sid_sign_public(key, got_public);
        assert_memory_equal(got_public, public_key, sizeof public_key);
        assert_int_equal(sid_sign(key, sid_span_of(text, len), got), SID_OK);
        assert_memory_equal(got, expected, sizeof got);
        assert_true(sid_sign_verify(public_key, sid_span_of(text, len), got));
        sid_sign_key_free(&key);
        sid_sign_key_free(&key);
    }
}

static void
a_changed_text_signature_or_key_is_refused(void **state) {
    (void)state;
    const uint8_t seed[SID_KEY_BYTES] = {3};
    uint8_t public_key[SID_PUBLIC_KEY_BYTES], signature[SID_SIGNATURE_BYTES];
    struct sid_sign_key *key = NULL;
    struct sid_span text = sid_span_str("head 1 12");
    assert_int_equal(sid_sign_key_new(seed, &key), SID_OK);
    sid_sign_public(key, public_key);
    assert_int_equal(sid_sign(key, text, signature), SID_OK);
    assert_true(sid_sign_verify(public_key, text, signature));
    assert_false(
        sid_sign_verify(public_key, sid_span_str("head 1 13"), signature));
    for (size_t i = 0; i < sizeof signature; i++) {
        signature[i] ^= 1;
        assert_false(sid_sign_verify(public_key, text, signature));
        signature[i] ^= 1;
    }
    bool good = true;
    public_key[0] ^= 1;
    assert_int_equal(sid_sign_check(public_key, text, signature, &good),
                     SID_OK);
    assert_false(good);
    assert_false(sid_sign_verify(public_key, text, signature));
    sid_sign_key_free(&key);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_rfc_8032_come_out),
        cmocka_unit_test(a_changed_text_signature_or_key_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
