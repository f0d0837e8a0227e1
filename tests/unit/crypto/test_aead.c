/* test_aead.c: sealing against NIST's vectors and against every change, and the
 * single block against FIPS 197. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "smartid/aead.h"
#include "smartid/text.h"

static const struct sid_place place = {"enrolment", "holder", "enr_1"};
static struct sid_aead_key *key;

static int
start(void **state) {
    (void)state;
    uint8_t raw[SID_KEY_BYTES];
    for (size_t i = 0; i < sizeof raw; i++)
        raw[i] = (uint8_t)(i * 3 + 1);
    if (sid_crypto_init() != SID_OK)
        return -1;
    return sid_aead_key_new(raw, 7, &key) == SID_OK ? 0 : -1;
}

static int
stop(void **state) {
    (void)state;
    sid_aead_key_free(&key);
    sid_aead_key_free(&key);
    sid_crypto_fini();
    return 0;
}

static size_t
unhex(const char *text, uint8_t *out) {
    assert_int_equal(sid_hex_decode(text, out, strlen(text) / 2), SID_OK);
    return strlen(text) / 2;
}

/* ---- a second GCM, straight from NIST SP 800-38D ------------------------- */

static void
ghash_block(const uint8_t h[16], uint8_t y[16], const uint8_t *in, size_t n) {
    uint8_t z[16] = {0}, v[16];
    for (size_t i = 0; i < n; i++)
        y[i] ^= in[i];
    memcpy(v, h, 16);
    for (size_t bit = 0; bit < 128; bit++) {
        if ((y[bit / 8] >> (7 - bit % 8) & 1) != 0) {
            for (size_t i = 0; i < 16; i++)
                z[i] ^= v[i];
        }
        unsigned carry = v[15] & 1u;
        for (size_t i = 15; i > 0; i--)
            v[i] = (uint8_t)(v[i] >> 1 | v[i - 1] << 7);
        v[0] = (uint8_t)(v[0] >> 1 ^ (carry != 0 ? 0xe1 : 0));
    }
    memcpy(y, z, 16);
}

static void
ghash(const uint8_t h[16], uint8_t y[16], const uint8_t *in, size_t len) {
    for (size_t i = 0; i < len; i += 16)
        ghash_block(h, y, in + i, len - i < 16 ? len - i : 16);
}

static void
gcm(const uint8_t raw[32], const uint8_t nonce[12], struct sid_span aad,
    struct sid_span plain, uint8_t *cipher, uint8_t tag[16]) {
    struct sid_block_key *block = NULL;
    assert_int_equal(sid_block_key_new(raw, &block), SID_OK);
    uint8_t h[16] = {0}, counter[16] = {0}, stream[16], mask[16];
    uint8_t y[16] = {0}, lengths[16] = {0};
    assert_int_equal(sid_block_encrypt(block, h, h), SID_OK);
    memcpy(counter, nonce, 12);
    counter[15] = 1;
    assert_int_equal(sid_block_encrypt(block, counter, mask), SID_OK);
    for (size_t i = 0; i < plain.len; i++) {
        if (i % 16 == 0) {
            counter[15]++;
            assert_int_equal(sid_block_encrypt(block, counter, stream), SID_OK);
        }
        cipher[i] = plain.ptr[i] ^ stream[i % 16];
    }
    ghash(h, y, aad.ptr, aad.len);
    ghash(h, y, cipher, plain.len);
    lengths[6] = (uint8_t)(aad.len * 8 >> 8);
    lengths[7] = (uint8_t)(aad.len * 8);
    lengths[14] = (uint8_t)(plain.len * 8 >> 8);
    lengths[15] = (uint8_t)(plain.len * 8);
    ghash(h, y, lengths, 16);
    for (size_t i = 0; i < 16; i++)
        tag[i] = y[i] ^ mask[i];
    sid_block_key_free(&block);
}

static void
the_second_gcm_agrees_with_nists_case_16(void **state) {
    (void)state;
    /* Source: McGrew and Viega, The Galois/Counter Mode, test case 16. */
    uint8_t raw[32], nonce[12], aad[20], plain[60], expected[60];
    uint8_t cipher[60], tag[16], expected_tag[16];
    unhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
          raw);
    unhex("cafebabefacedbaddecaf888", nonce);
    unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2", aad);
    unhex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
          "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
          plain);
    unhex("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
          "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
          expected);
    unhex("76fc6ece0f4e1768cddf8853bb2d551b", expected_tag);
    gcm(raw, nonce, sid_span_of(aad, 20), sid_span_of(plain, 60), cipher, tag);
    assert_memory_equal(cipher, expected, sizeof cipher);
    assert_memory_equal(tag, expected_tag, sizeof tag);
}

static void
a_sealed_value_is_what_the_second_gcm_makes(void **state) {
    (void)state;
    uint8_t raw[SID_KEY_BYTES], cipher[300], tag[16];
    char plain[300];
    for (size_t i = 0; i < sizeof raw; i++)
        raw[i] = (uint8_t)(i * 3 + 1);
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (char)(i & 127);
    const struct sid_span aad = sid_span_str("enrolment|holder|enr_1|7");
    for (size_t len = 1; len <= sizeof plain; len += 23) {
        struct sid_buf sealed = SID_BUF_EMPTY;
        const struct sid_span in = sid_span_of(plain, len);
        assert_int_equal(sid_seal(key, &place, in, &sealed), SID_OK);
        assert_int_equal(sealed.len, len + SID_SEAL_OVERHEAD_BYTES);
        assert_int_equal(sealed.ptr[0], 1);
        assert_int_equal(sealed.ptr[1], 7);
        gcm(raw, sealed.ptr + 2, aad, in, cipher, tag);
        assert_memory_equal(sealed.ptr + 14, cipher, len);
        assert_memory_equal(sealed.ptr + 14 + len, tag, 16);
        sid_buf_free(&sealed);
    }
}

static void
a_place_of_any_length_is_bound_whole(void **state) {
    (void)state;
    uint8_t raw[SID_KEY_BYTES], cipher[4], tag[16];
    for (size_t i = 0; i < sizeof raw; i++)
        raw[i] = (uint8_t)(i * 3 + 1);
    char row[300], aad[sizeof row + 8];
    memset(row, 'r', sizeof row);
    for (size_t len = 1; len < sizeof row; len++) {
        row[len] = '\0';
        const struct sid_place at = {"t", "c", row};
        int n = snprintf(aad, sizeof aad, "t|c|%s|7", row);
        struct sid_buf sealed = SID_BUF_EMPTY;
        assert_int_equal(sid_seal(key, &at, sid_span_str("body"), &sealed),
                         SID_OK);
        gcm(raw, sealed.ptr + 2, sid_span_of(aad, (size_t)n),
            sid_span_str("body"), cipher, tag);
        assert_memory_equal(sealed.ptr + 14, cipher, sizeof cipher);
        assert_memory_equal(sealed.ptr + 14 + sizeof cipher, tag, sizeof tag);
        sid_buf_free(&sealed);
        row[len] = 'r';
    }
}

/* ---- seal and open ------------------------------------------------------- */

static void
what_was_sealed_opens_in_its_place(void **state) {
    (void)state;
    struct sid_buf sealed = SID_BUF_EMPTY, plain = SID_BUF_EMPTY;
    for (int again = 0; again < 3; again++) {
        assert_int_equal(sid_seal(key, &place, sid_span_str("a name"), &sealed),
                         SID_OK);
        assert_int_equal(sid_open(key, &place, sid_buf_span(&sealed), &plain),
                         SID_OK);
        assert_true(sid_span_eq(sid_buf_span(&plain), sid_span_str("a name")));
        sid_buf_free(&sealed);
        sid_buf_free(&plain);
    }
}

static void
the_same_value_never_seals_to_the_same_bytes(void **state) {
    (void)state;
    struct sid_buf a = SID_BUF_EMPTY, b = SID_BUF_EMPTY;
    assert_int_equal(sid_seal(key, &place, sid_span_str("x"), &a), SID_OK);
    assert_int_equal(sid_seal(key, &place, sid_span_str("x"), &b), SID_OK);
    assert_memory_not_equal(a.ptr + 2, b.ptr + 2, 12);
    sid_buf_free(&a);
    sid_buf_free(&b);
}

static void
nothing_cannot_be_sealed(void **state) {
    (void)state;
    struct sid_buf out = SID_BUF_EMPTY;
    assert_int_equal(sid_seal(key, &place, sid_span_of(NULL, 0), &out),
                     SID_E_ARGUMENT);
    assert_int_equal(
        sid_seal(key, &place, sid_span_of("", (size_t)1 << 31), &out),
        SID_E_ARGUMENT);
    assert_null(out.ptr);
}

static void
does_not_open(const struct sid_aead_key *with, const struct sid_place *where,
              struct sid_span sealed) {
    struct sid_buf out = SID_BUF_EMPTY;
    assert_int_equal(sid_open(with, where, sealed, &out), SID_E_SEAL);
    assert_null(out.ptr);
}

static void
every_flipped_bit_and_every_cut_is_refused(void **state) {
    (void)state;
    struct sid_buf sealed = SID_BUF_EMPTY;
    assert_int_equal(sid_seal(key, &place, sid_span_str("photo"), &sealed),
                     SID_OK);
    for (size_t bit = 0; bit < sealed.len * 8; bit++) {
        sealed.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        does_not_open(key, &place, sid_buf_span(&sealed));
        sealed.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < sealed.len; len++)
        does_not_open(key, &place, sid_span_of(sealed.ptr, len));
    assert_int_equal(sid_buf_append(&sealed, "x", 1), SID_OK);
    does_not_open(key, &place, sid_buf_span(&sealed));
    sid_buf_free(&sealed);
}

static void
another_place_or_key_does_not_open_it(void **state) {
    (void)state;
    struct sid_buf sealed = SID_BUF_EMPTY;
    assert_int_equal(sid_seal(key, &place, sid_span_str("photo"), &sealed),
                     SID_OK);
    static const struct sid_place others[] = {
        {"enrolments", "holder", "enr_1"},
        {"enrolment", "selfie", "enr_1"},
        {"enrolment", "holder", "enr_2"},
        {"", "", ""},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        does_not_open(key, &others[i], sid_buf_span(&sealed));
    uint8_t raw[SID_KEY_BYTES] = {1};
    struct sid_aead_key *other = NULL;
    assert_int_equal(sid_aead_key_new(raw, 7, &other), SID_OK);
    does_not_open(other, &place, sid_buf_span(&sealed));
    sid_aead_key_free(&other);
    sid_buf_free(&sealed);
}

static void
a_value_names_the_version_of_its_key(void **state) {
    (void)state;
    uint8_t raw[SID_KEY_BYTES];
    for (size_t i = 0; i < sizeof raw; i++)
        raw[i] = (uint8_t)(i * 3 + 1);
    struct sid_aead_key *newer = NULL;
    struct sid_buf sealed = SID_BUF_EMPTY;
    assert_int_equal(sid_aead_key_new(raw, 8, &newer), SID_OK);
    assert_int_equal(sid_seal(newer, &place, sid_span_str("x"), &sealed),
                     SID_OK);
    assert_int_equal(sealed.ptr[1], 8);
    /* The same key bytes under another number: refused, and still refused
     * when the number on the value is changed to fit. */
    does_not_open(key, &place, sid_buf_span(&sealed));
    sealed.ptr[1] = 7;
    does_not_open(key, &place, sid_buf_span(&sealed));
    sid_aead_key_free(&newer);
    sid_buf_free(&sealed);
}

static void *
seal_many(void *ctx) {
    int *wrong = ctx;
    for (int i = 0; i < 200; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "value %d", i);
        struct sid_buf sealed = SID_BUF_EMPTY, plain = SID_BUF_EMPTY;
        bool good =
            sid_seal(key, &place, sid_span_str(text), &sealed) == SID_OK &&
            sid_open(key, &place, sid_buf_span(&sealed), &plain) == SID_OK &&
            sid_span_eq(sid_buf_span(&plain), sid_span_str(text));
        *wrong += !good;
        sid_buf_free(&sealed);
        sid_buf_free(&plain);
    }
    return NULL;
}

static void
threads_seal_and_open_with_one_key(void **state) {
    (void)state;
    pthread_t thread[8];
    int wrong[8] = {0};
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, seal_many, &wrong[i]),
                         0);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
        assert_int_equal(wrong[i], 0);
    }
}

/* ---- one block ----------------------------------------------------------- */

static void
one_block_agrees_with_fips_197(void **state) {
    (void)state;
    /* Source: FIPS 197, appendix C.3. */
    uint8_t raw[32], plain[16], expected[16], out[16];
    unhex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
          raw);
    unhex("00112233445566778899aabbccddeeff", plain);
    unhex("8ea2b7ca516745bfeafc49904b496089", expected);
    struct sid_block_key *block = NULL;
    assert_int_equal(sid_block_key_new(raw, &block), SID_OK);
    for (int again = 0; again < 3; again++) {
        assert_int_equal(sid_block_encrypt(block, plain, out), SID_OK);
        assert_memory_equal(out, expected, 16);
        assert_int_equal(sid_block_decrypt(block, out, out), SID_OK);
        assert_memory_equal(out, plain, 16);
    }
    sid_block_key_free(&block);
    assert_null(block);
    sid_block_key_free(&block);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_block_agrees_with_fips_197),
        cmocka_unit_test(the_second_gcm_agrees_with_nists_case_16),
        cmocka_unit_test(a_sealed_value_is_what_the_second_gcm_makes),
        cmocka_unit_test(a_place_of_any_length_is_bound_whole),
        cmocka_unit_test(what_was_sealed_opens_in_its_place),
        cmocka_unit_test(the_same_value_never_seals_to_the_same_bytes),
        cmocka_unit_test(nothing_cannot_be_sealed),
        cmocka_unit_test(every_flipped_bit_and_every_cut_is_refused),
        cmocka_unit_test(another_place_or_key_does_not_open_it),
        cmocka_unit_test(a_value_names_the_version_of_its_key),
        cmocka_unit_test(threads_seal_and_open_with_one_key),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
