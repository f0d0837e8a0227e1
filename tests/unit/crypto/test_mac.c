/* test_mac.c: SHA-256, HMAC and HKDF against published vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <pthread.h>
#include <string.h>

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
is_hex(const uint8_t *bytes, const char *expected) {
    char text[65];
    sid_hex_encode(bytes, strlen(expected) / 2, text);
    assert_string_equal(text, expected);
}

static void
sha256_agrees_with_fips_180(void **state) {
    (void)state;
    uint8_t out[SID_SHA256_BYTES];
    assert_int_equal(sid_sha256(sid_span_str("abc"), out), SID_OK);
    is_hex(out, "ba7816bf8f01cfea414140de5dae2223"
                "b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(sid_sha256(sid_span_of(NULL, 0), out), SID_OK);
    is_hex(out, "e3b0c44298fc1c149afbf4c8996fb924"
                "27ae41e4649b934ca495991b7852b855");
}

static void
sha256_in_pieces_is_sha256_of_the_whole(void **state) {
    (void)state;
    struct sid_sha256 *ctx = NULL;
    uint8_t out[SID_SHA256_BYTES];
    uint8_t million[1000];
    memset(million, 'a', sizeof million);
    assert_int_equal(sid_sha256_new(&ctx), SID_OK);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(
            sid_sha256_update(ctx, sid_span_of(million, sizeof million)),
            SID_OK);
    assert_int_equal(sid_sha256_update(ctx, sid_span_of(NULL, 0)), SID_OK);
    assert_int_equal(sid_sha256_final(ctx, out), SID_OK);
    is_hex(out, "cdc76e5c9914fb9281a1c7e284d73e67"
                "f1809a48a497200e046d39ccc7112cd0");
    sid_sha256_free(&ctx);
    assert_null(ctx);
    sid_sha256_free(&ctx);
}

static void
a_finished_sha256_takes_no_more(void **state) {
    (void)state;
    struct sid_sha256 *ctx = NULL;
    uint8_t out[SID_SHA256_BYTES];
    assert_int_equal(sid_sha256_new(&ctx), SID_OK);
    assert_int_equal(sid_sha256_final(ctx, out), SID_OK);
    memset(out, 0x55, sizeof out);
    assert_int_equal(sid_sha256_final(ctx, out), SID_E_CRYPTO);
    assert_int_equal(out[0], 0x55);
    assert_int_equal(sid_sha256_update(ctx, sid_span_str("x")), SID_E_CRYPTO);
    sid_sha256_free(&ctx);
}

/* Source: RFC 4231, section 4. HMAC fills short keys up with zeros and hashes
 * long ones, so that every case can be asked with a key of 32 bytes. */
static const struct {
    int key_byte; /* -1: `key`; -2: 1, 2, 3 … */
    size_t key_len;
    const char *key;
    int data_byte; /* -1: `data` */
    size_t data_len;
    const char *data;
    const char *mac;
} rfc4231[] = {
    {0x0b, 20, "", -1, 0, "Hi There",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {-1, 4, "Jefe", -1, 0, "what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {0xaa, 20, "", 0xdd, 50, "",
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {-2, 25, "", 0xcd, 50, "",
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {0x0c, 20, "", -1, 0, "Test With Truncation",
     "a3b6167473100ee06e0c796c2955552b"},
    {0xaa, 131, "", -1, 0,
     "Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {0xaa, 131, "", -1, 0,
     "This is a test using a larger than block-size key and a larger than "
     "block-size data. The key needs to be hashed before being used by the "
     "HMAC algorithm.",
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};
#define CASES (sizeof rfc4231 / sizeof rfc4231[0])

static struct sid_mac_key *
key_of_case(size_t i) {
    uint8_t key[160] = {0};
    for (size_t k = 0; k < rfc4231[i].key_len; k++)
        key[k] = rfc4231[i].key_byte >= 0    ? (uint8_t)rfc4231[i].key_byte
                 : rfc4231[i].key_byte == -2 ? (uint8_t)(k + 1)
                                             : (uint8_t)rfc4231[i].key[k];
    if (rfc4231[i].key_len > 64)
        assert_int_equal(sid_sha256(sid_span_of(key, rfc4231[i].key_len), key),
                         SID_OK);
    struct sid_mac_key *made = NULL;
    assert_int_equal(sid_mac_key_new(key, &made), SID_OK);
    return made;
}

static size_t
data_of_case(size_t i, uint8_t data[200]) {
    if (rfc4231[i].data_byte < 0) {
        memcpy(data, rfc4231[i].data, strlen(rfc4231[i].data));
        return strlen(rfc4231[i].data);
    }
    memset(data, rfc4231[i].data_byte, rfc4231[i].data_len);
    return rfc4231[i].data_len;
}

static void
hmac_agrees_with_the_vectors_of_rfc_4231(void **state) {
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct sid_mac_key *key = key_of_case(i);
        uint8_t data[200], out[SID_SHA256_BYTES];
        struct sid_span whole = sid_span_of(data, data_of_case(i, data));
        /* Twice: the second time with a context that was used before. */
        for (int again = 0; again < 2; again++) {
            assert_int_equal(sid_mac(key, &whole, 1, out), SID_OK);
            is_hex(out, rfc4231[i].mac);
        }
        sid_mac_key_free(&key);
        assert_null(key);
    }
}

static void
parts_count_as_one_message_wherever_it_is_cut(void **state) {
    (void)state;
    struct sid_mac_key *key = key_of_case(1);
    uint8_t data[200], out[SID_SHA256_BYTES];
    size_t len = data_of_case(1, data);
    for (size_t a = 0; a <= len; a++) {
        for (size_t b = a; b <= len; b++) {
            const struct sid_span parts[] = {sid_span_of(data, a),
                                             sid_span_of(data + a, b - a),
                                             sid_span_of(data + b, len - b)};
            assert_int_equal(sid_mac(key, parts, 3, out), SID_OK);
            is_hex(out, rfc4231[1].mac);
        }
    }
    sid_mac_key_free(&key);
    sid_mac_key_free(&key);
}

static void
hkdf_agrees_with_the_third_case_of_rfc_5869(void **state) {
    (void)state;
    /* The case with neither salt nor info; the first 32 of its 42 bytes. */
    uint8_t ikm[22], out[SID_KEY_BYTES];
    memset(ikm, 0x0b, sizeof ikm);
    assert_int_equal(sid_hkdf_from(sid_span_of(ikm, sizeof ikm), "", out),
                     SID_OK);
    is_hex(out, "8da4e775a563c18f715f802a063c5a31"
                "b8a11f5c5ee1879ec3454e5f3c738d2d");
}

static void
hkdf_is_two_hmacs_as_rfc_5869_says(void **state) {
    (void)state;
    /* PRK = HMAC(zeros, key); OKM = HMAC(PRK, info | 1). */
    uint8_t master[SID_KEY_BYTES], prk[SID_SHA256_BYTES];
    uint8_t expected[SID_SHA256_BYTES], out[SID_KEY_BYTES];
    static const uint8_t zeros[SID_KEY_BYTES];
    for (size_t i = 0; i < sizeof master; i++)
        master[i] = (uint8_t)(7 * i + 1);
    struct sid_mac_key *extract = NULL, *expand = NULL;
    assert_int_equal(sid_mac_key_new(zeros, &extract), SID_OK);
    const struct sid_span key = sid_span_of(master, sizeof master);
    assert_int_equal(sid_mac(extract, &key, 1, prk), SID_OK);
    assert_int_equal(sid_mac_key_new(prk, &expand), SID_OK);
    const struct sid_span parts[] = {sid_span_str("smartidd/data/v1"),
                                     sid_span_of("\1", 1)};
    assert_int_equal(sid_mac(expand, parts, 2, expected), SID_OK);
    assert_int_equal(sid_hkdf(master, "smartidd/data/v1", out), SID_OK);
    assert_memory_equal(out, expected, sizeof out);
    sid_mac_key_free(&extract);
    sid_mac_key_free(&expand);
}

static void
hkdf_refuses_lengths_it_has_no_room_for(void **state) {
    (void)state;
    uint8_t key[SID_HKDF_KEY_MAX_BYTES + 1] = {1}, out[SID_KEY_BYTES] = {9};
    char info[SID_HKDF_INFO_MAX_BYTES + 2] = {0};
    assert_int_equal(sid_hkdf_from(sid_span_of(key, sizeof key), "x", out),
                     SID_E_ARGUMENT);
    assert_int_equal(sid_hkdf_from(sid_span_of(key, 0), "x", out),
                     SID_E_ARGUMENT);
    memset(info, 'i', SID_HKDF_INFO_MAX_BYTES);
    assert_int_equal(sid_hkdf_from(sid_span_of(key, 32), info, out), SID_OK);
    out[0] = 9;
    info[SID_HKDF_INFO_MAX_BYTES] = 'i';
    assert_int_equal(sid_hkdf_from(sid_span_of(key, 32), info, out),
                     SID_E_ARGUMENT);
    assert_int_equal(out[0], 9);
}

struct worker {
    const struct sid_mac_key *key;
    pthread_barrier_t *start;
    int wrong;
};

static void *
mac_many(void *ctx) {
    struct worker *w = ctx;
    const struct sid_span data = sid_span_str("Hi There");
    uint8_t out[SID_SHA256_BYTES];
    char text[65];
    (void)pthread_barrier_wait(w->start);
    for (int i = 0; i < 300; i++) {
        if (sid_mac(w->key, &data, 1, out) != SID_OK) {
            w->wrong++;
            continue;
        }
        sid_hex_encode(out, sizeof out, text);
        w->wrong += strcmp(text, rfc4231[0].mac) != 0;
    }
    return NULL;
}

static void
more_threads_than_kept_contexts_share_one_key(void **state) {
    (void)state;
    enum { THREADS = 24 };
    struct sid_mac_key *key = key_of_case(0);
    pthread_t thread[THREADS];
    struct worker worker[THREADS];
    pthread_barrier_t gate;
    assert_int_equal(pthread_barrier_init(&gate, NULL, THREADS), 0);
    for (int i = 0; i < THREADS; i++) {
        worker[i] = (struct worker){.key = key, .start = &gate};
        assert_int_equal(pthread_create(&thread[i], NULL, mac_many, &worker[i]),
                         0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
        assert_int_equal(worker[i].wrong, 0);
    }
    (void)pthread_barrier_destroy(&gate);
    sid_mac_key_free(&key);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_agrees_with_fips_180),
        cmocka_unit_test(sha256_in_pieces_is_sha256_of_the_whole),
        cmocka_unit_test(a_finished_sha256_takes_no_more),
        cmocka_unit_test(hmac_agrees_with_the_vectors_of_rfc_4231),
        cmocka_unit_test(parts_count_as_one_message_wherever_it_is_cut),
        cmocka_unit_test(hkdf_agrees_with_the_third_case_of_rfc_5869),
        cmocka_unit_test(hkdf_is_two_hmacs_as_rfc_5869_says),
        cmocka_unit_test(hkdf_refuses_lengths_it_has_no_room_for),
        cmocka_unit_test(more_threads_than_kept_contexts_share_one_key),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
