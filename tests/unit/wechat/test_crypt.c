/* test_crypt.c: signatures and envelopes against the published samples, in both
 * directions, and what does not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <string.h>

#include "smartid/legacy.h"
#include "smartid/text.h"
#include "smartid/wechat_crypt.h"
#include "vectors.h"

#define APP "wxba5fad812f8e6fb9"

static struct sid_wechat_aes_key
key_of(const char *text) {
    struct sid_wechat_aes_key key;
    assert_int_equal(sid_wechat_aes_key_parse(text, &key), SID_OK);
    return key;
}

/* ---- the published samples ---------------------------------------------- */

static void
every_published_signature_is_ours(void **state) {
    (void)state;
    size_t n, urls = 0, bodies = 0;
    const struct vector *v = vectors(&n);
    for (size_t i = 0; i < n; i++) {
        char ours[SID_WECHAT_SIGNATURE_SIZE];
        const struct sid_span parts[] = {
            sid_span_str(v[i].token), sid_span_str(v[i].timestamp),
            sid_span_str(v[i].nonce), sid_span_str(v[i].encrypt)};
        if (v[i].token[0] != '\0' && v[i].signature[0] != '\0') {
            assert_int_equal(sid_wechat_sign(parts, 3, ours), SID_OK);
            assert_string_equal(ours, v[i].signature);
            urls++;
        }
        if (v[i].msg_signature[0] != '\0') {
            assert_int_equal(sid_wechat_sign(parts, 4, ours), SID_OK);
            assert_string_equal(ours, v[i].msg_signature);
            assert_int_equal(
                sid_wechat_signature_check(parts, 4, v[i].msg_signature),
                SID_OK);
            bodies++;
        }
    }
    assert_int_equal(urls, 3);
    assert_int_equal(bodies, 5);
}

static void
every_published_message_opens(void **state) {
    (void)state;
    size_t n, opened = 0;
    const struct vector *v = vectors(&n);
    for (size_t i = 0; i < n; i++) {
        if (v[i].encrypt[0] == '\0')
            continue;
        struct sid_wechat_aes_key key = key_of(v[i].aes_key);
        struct sid_buf out = SID_BUF_EMPTY;
        size_t used = 9;
        assert_int_equal(sid_wechat_decrypt(&key, 1, v[i].app_id,
                                            sid_span_str(v[i].encrypt), &out,
                                            &used),
                         SID_OK);
        assert_string_equal(as_text(&out), v[i].plaintext);
        assert_int_equal(used, 0);
        sid_buf_free(&out);
        opened++;
    }
    assert_int_equal(opened, 5);
}

static void
every_published_message_is_sealed_to_the_very_same_bytes(void **state) {
    (void)state;
    size_t n, sealed = 0;
    const struct vector *v = vectors(&n);
    for (size_t i = 0; i < n; i++) {
        if (v[i].random[0] == '\0')
            continue;
        struct sid_wechat_aes_key key = key_of(v[i].aes_key);
        struct sid_buf out = SID_BUF_EMPTY;
        assert_int_equal(strlen(v[i].random), SID_WECHAT_RANDOM_BYTES);
        assert_int_equal(sid_wechat_encrypt(&key, v[i].app_id,
                                            (const uint8_t *)v[i].random,
                                            sid_span_str(v[i].plaintext), &out),
                         SID_OK);
        assert_string_equal(as_text(&out), v[i].encrypt);
        sid_buf_free(&out);
        sealed++;
    }
    assert_int_equal(sealed, 5);
}

/* ---- keys --------------------------------------------------------------- */

static void
a_key_whose_last_character_has_spare_bits_is_read(void **state) {
    (void)state;
    /* G is 6: its last two bits belong to no byte. E is 4: they are 0. */
    struct sid_wechat_aes_key a =
        key_of("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG");
    struct sid_wechat_aes_key b =
        key_of("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFE");
    assert_memory_equal(&a, &b, sizeof a);
    static const struct sid_wechat_aes_key zero;
    a = key_of("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    assert_memory_equal(&a, &zero, sizeof a);
}

static void
what_is_not_43_characters_of_base64_is_no_key(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "abcdefghijklmnopqrstuvwxyz0123456789ABCDEF",
        "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH",
        "abcdefghijklmnopqrstuvwxyz0123456789ABCDEF=",
        "abcdefghijklmnopqrstuvwxyz0123456789ABCDEF ",
        "abcdefghijklmnopqrstuvwxyz0123456789ABCDE-G",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sid_wechat_aes_key key = {{7}};
        assert_int_equal(sid_wechat_aes_key_parse(bad[i], &key),
                         SID_E_SECRET_FORMAT);
        assert_int_equal(key.bytes[0], 7);
    }
}

static void
the_previous_key_still_opens_and_is_told(void **state) {
    (void)state;
    const struct vector *v = vector_of("easywechat-EncryptorTest");
    struct sid_wechat_aes_key keys[2] = {
        key_of("jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"),
        key_of(v->aes_key)};
    struct sid_buf out = SID_BUF_EMPTY;
    size_t used = 9;
    assert_int_equal(sid_wechat_decrypt(keys, 2, v->app_id,
                                        sid_span_str(v->encrypt), &out, &used),
                     SID_OK);
    assert_int_equal(used, 1);
    assert_string_equal(as_text(&out), v->plaintext);
    sid_buf_free(&out);
    used = 9;
    assert_int_equal(sid_wechat_decrypt(keys, 1, v->app_id,
                                        sid_span_str(v->encrypt), &out, &used),
                     SID_E_PUSH_SEALED);
    assert_int_equal(used, 9);
    assert_null(out.ptr);
}

/* ---- what does not fit -------------------------------------------------- */

static void
a_signature_off_by_one_character_is_refused(void **state) {
    (void)state;
    const struct vector *v = vector_of("tencent-doc-plain-push");
    const struct sid_span parts[] = {sid_span_str(v->token),
                                     sid_span_str(v->timestamp),
                                     sid_span_str(v->nonce)};
    char claimed[SID_WECHAT_SIGNATURE_SIZE + 1];
    for (size_t i = 0; i < SID_WECHAT_SIGNATURE_CHARS; i++) {
        memcpy(claimed, v->signature, SID_WECHAT_SIGNATURE_SIZE);
        claimed[i] = claimed[i] == '0' ? '1' : '0';
        assert_int_equal(sid_wechat_signature_check(parts, 3, claimed),
                         SID_E_PUSH_SIGNATURE);
    }
    memcpy(claimed, v->signature, SID_WECHAT_SIGNATURE_SIZE);
    assert_int_equal(sid_wechat_signature_check(parts, 3, claimed), SID_OK);
    assert_int_equal(sid_wechat_signature_check(parts, 2, claimed),
                     SID_E_PUSH_SIGNATURE);
    claimed[39] = '\0';
    assert_int_equal(sid_wechat_signature_check(parts, 3, claimed),
                     SID_E_PUSH_SIGNATURE);
    memcpy(claimed, v->signature, SID_WECHAT_SIGNATURE_CHARS);
    memcpy(claimed + 40, "0", 2);
    assert_int_equal(sid_wechat_signature_check(parts, 3, claimed),
                     SID_E_PUSH_SIGNATURE);
    assert_int_equal(sid_wechat_signature_check(parts, 3, ""),
                     SID_E_PUSH_SIGNATURE);
    assert_int_equal(sid_wechat_signature_check(
                         parts, 3, "899CF89E464EFB63F54DDAC96B0A0A235F53AA78"),
                     SID_E_PUSH_SIGNATURE);
}

static void
parts_are_sorted_by_bytes_and_a_prefix_comes_first(void **state) {
    (void)state;
    char sorted[SID_WECHAT_SIGNATURE_SIZE], ours[SID_WECHAT_SIGNATURE_SIZE];
    const struct sid_span whole = sid_span_str("+1AB"
                                               "Aab");
    assert_int_equal(sid_wechat_sign(&whole, 1, sorted), SID_OK);
    const struct sid_span parts[] = {sid_span_str("b"), sid_span_str("Aa"),
                                     sid_span_str("+1AB"), sid_span_str("")};
    assert_int_equal(sid_wechat_sign(parts, 4, ours), SID_OK);
    assert_string_equal(ours, sorted);
    const struct sid_span prefix = sid_span_str("aaa"
                                                "aaab");
    assert_int_equal(sid_wechat_sign(&prefix, 1, sorted), SID_OK);
    const struct sid_span two[] = {sid_span_str("aaab"), sid_span_str("aaa")};
    assert_int_equal(sid_wechat_sign(two, 2, ours), SID_OK);
    assert_string_equal(ours, sorted);
}

/* Encrypts <plain, len> as it is and tries to open it. */
static enum sid_err
open_raw(const uint8_t *plain, size_t len) {
    struct sid_wechat_aes_key key =
        key_of("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG");
    uint8_t sealed[256];
    char text[SID_BASE64_CHARS(sizeof sealed) + 1];
    struct sid_buf out = SID_BUF_EMPTY;
    size_t used;
    assert_true(len <= sizeof sealed);
    assert_int_equal(sid_legacy_cbc_encrypt(key.bytes, key.bytes,
                                            sid_span_of(plain, len), sealed),
                     SID_OK);
    sid_base64_encode(sealed, len, text);
    enum sid_err err =
        sid_wechat_decrypt(&key, 1, APP, sid_span_str(text), &out, &used);
    assert_int_equal(out.ptr != NULL, err == SID_OK);
    sid_buf_free(&out);
    return err;
}

/* random, length 5, "hello", the app id, and `pad` bytes of value `value`. */
static size_t
plain_of(uint8_t plain[128], size_t message_len, const char *app_id,
         size_t total, int value) {
    memset(plain, 'r', 16);
    for (int i = 0; i < 4; i++)
        plain[16 + i] = (uint8_t)(message_len >> (24 - 8 * i));
    memcpy(plain + 20, "hello", 5);
    memcpy(plain + 25, app_id, strlen(app_id));
    size_t len = 25 + strlen(app_id);
    memset(plain + len, value, total - len);
    return total;
}

static void
a_padding_of_0_or_33_or_of_mixed_bytes_is_refused(void **state) {
    (void)state;
    uint8_t plain[128];
    /* 25 + 18 = 43 bytes: a padding of 21 is right. */
    assert_int_equal(open_raw(plain, plain_of(plain, 5, APP, 64, 21)), SID_OK);
    assert_int_equal(open_raw(plain, plain_of(plain, 5, APP, 64, 0)),
                     SID_E_PUSH_SEALED);
    assert_int_equal(open_raw(plain, plain_of(plain, 5, APP, 64, 33)),
                     SID_E_PUSH_SEALED);
    assert_int_equal(open_raw(plain, plain_of(plain, 5, APP, 64, 20)),
                     SID_E_PUSH_SEALED);
    assert_int_equal(open_raw(plain, plain_of(plain, 5, APP, 64, 22)),
                     SID_E_PUSH_SEALED);
    (void)plain_of(plain, 5, APP, 64, 21);
    plain[43] = 20;
    assert_int_equal(open_raw(plain, 64), SID_E_PUSH_SEALED);
    /* Right in every other way: 20 + 25 + 18 + 33 = 96. */
    (void)plain_of(plain, 25, "", 96, 33);
    memset(plain + 25, 'x', 20);
    memcpy(plain + 45, APP, 18);
    assert_int_equal(open_raw(plain, 96), SID_E_PUSH_SEALED);
    memset(plain, 32, 32); /* nothing but padding */
    assert_int_equal(open_raw(plain, 32), SID_E_PUSH_SEALED);
}

static void
a_message_length_beyond_the_buffer_is_refused(void **state) {
    (void)state;
    uint8_t plain[128];
    static const size_t lengths[] = {24,         44,         0x7fffffff,
                                     0xffffffff, 0x80000000, 0xffffffec};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        assert_int_equal(
            open_raw(plain, plain_of(plain, lengths[i], APP, 64, 21)),
            SID_E_PUSH_SEALED);
}

static void
another_app_id_is_refused(void **state) {
    (void)state;
    uint8_t plain[128];
    assert_int_equal(
        open_raw(plain, plain_of(plain, 5, "wxba5fad812f8e6fb8", 64, 21)),
        SID_E_PUSH_SEALED);
    assert_int_equal(
        open_raw(plain, plain_of(plain, 5, "wxba5fad812f8e6fb", 64, 22)),
        SID_E_PUSH_SEALED);
    assert_int_equal(open_raw(plain, plain_of(plain, 5, "", 32, 7)),
                     SID_E_PUSH_SEALED);
    /* A length that lies moves bytes of the message into the app id. */
    assert_int_equal(open_raw(plain, plain_of(plain, 4, APP, 64, 21)),
                     SID_E_PUSH_SEALED);
}

static void
what_is_not_whole_blocks_of_base64_is_refused(void **state) {
    (void)state;
    uint8_t plain[128] = {0};
    /* 48 bytes are whole for AES, but not for WeChat. */
    assert_int_equal(open_raw(plain, plain_of(plain, 5, APP, 48, 5)),
                     SID_E_PUSH_SEALED);
    struct sid_wechat_aes_key key = {{0}};
    static const char *const bad[] = {"", "AAAA", "====", "no base64!",
                                      "AAAAAAAAAAAAAAAAAAAAAA=="};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sid_buf out = SID_BUF_EMPTY;
        size_t used = 9;
        assert_int_equal(
            sid_wechat_decrypt(&key, 1, APP, sid_span_str(bad[i]), &out, &used),
            SID_E_PUSH_SEALED);
        assert_null(out.ptr);
        assert_int_equal(used, 9);
    }
}

static void
every_length_survives_sealing_and_opening(void **state) {
    (void)state;
    struct sid_wechat_aes_key key =
        key_of("jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C");
    static const uint8_t random[SID_WECHAT_RANDOM_BYTES] = {1, 2, 3};
    char message[130];
    memset(message, 'm', sizeof message);
    for (size_t len = 0; len < sizeof message; len++) {
        struct sid_buf sealed = SID_BUF_EMPTY, out = SID_BUF_EMPTY;
        size_t used;
        assert_int_equal(sid_wechat_encrypt(&key, APP, random,
                                            sid_span_of(message, len), &sealed),
                         SID_OK);
        assert_int_equal(sid_wechat_decrypt(&key, 1, APP, sid_buf_span(&sealed),
                                            &out, &used),
                         SID_OK);
        assert_int_equal(out.len, len);
        assert_true(len == 0 || memcmp(out.ptr, message, len) == 0);
        sid_buf_free(&sealed);
        sid_buf_free(&out);
    }
}

static void
a_message_that_is_too_long_is_neither_sealed_nor_opened(void **state) {
    (void)state;
    struct sid_wechat_aes_key key = {{0}};
    static const uint8_t random[SID_WECHAT_RANDOM_BYTES];
    static char large[SID_WECHAT_BODY_MAX_BYTES + 4];
    memset(large, 'A', sizeof large);
    struct sid_buf out = SID_BUF_EMPTY;
    size_t used;
    assert_int_equal(
        sid_wechat_encrypt(&key, APP, random,
                           sid_span_of(large, SID_WECHAT_BODY_MAX_BYTES + 1),
                           &out),
        SID_E_ARGUMENT);
    assert_int_equal(sid_wechat_decrypt(&key, 1, APP,
                                        sid_span_of(large, sizeof large), &out,
                                        &used),
                     SID_E_PUSH_SEALED);
    assert_null(out.ptr);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_published_signature_is_ours),
        cmocka_unit_test(every_published_message_opens),
        cmocka_unit_test(
            every_published_message_is_sealed_to_the_very_same_bytes),
        cmocka_unit_test(a_key_whose_last_character_has_spare_bits_is_read),
        cmocka_unit_test(what_is_not_43_characters_of_base64_is_no_key),
        cmocka_unit_test(the_previous_key_still_opens_and_is_told),
        cmocka_unit_test(a_signature_off_by_one_character_is_refused),
        cmocka_unit_test(parts_are_sorted_by_bytes_and_a_prefix_comes_first),
        cmocka_unit_test(a_padding_of_0_or_33_or_of_mixed_bytes_is_refused),
        cmocka_unit_test(a_message_length_beyond_the_buffer_is_refused),
        cmocka_unit_test(another_app_id_is_refused),
        cmocka_unit_test(what_is_not_whole_blocks_of_base64_is_refused),
        cmocka_unit_test(every_length_survives_sealing_and_opening),
        cmocka_unit_test(
            a_message_that_is_too_long_is_neither_sealed_nor_opened),
    };
    return cmocka_run_group_tests(tests, vectors_start, vectors_stop);
}
