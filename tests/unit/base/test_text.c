/* test_text.c: encodings and UTF-8, with the vectors of RFC 9285. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <string.h>

#include "smartid/text.h"

static void
a_text_that_does_not_fit_is_not_copied(void **state) {
    (void)state;
    char out[4] = "old";
    assert_int_equal(sid_text_copy(out, sizeof out, "four"), SID_E_ARGUMENT);
    assert_string_equal(out, "old");
    assert_int_equal(sid_text_copy(out, sizeof out, "abc"), SID_OK);
    assert_string_equal(out, "abc");
}

static void
a_number_is_digits_alone_within_its_bounds(void **state) {
    (void)state;
    int64_t n = -7;
    static const char *const wrong[] = {"",
                                        " 5",
                                        "5 ",
                                        "+5",
                                        "-5",
                                        "5x",
                                        "0x5",
                                        "5.0",
                                        "1",
                                        "1000001",
                                        "99999999999999999999",
                                        "9223372036854775808"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(sid_text_number(wrong[i], 2, 1000000, &n),
                         SID_E_ARGUMENT);
    assert_int_equal(n, -7);
    assert_int_equal(sid_text_number("2", 2, 1000000, &n), SID_OK);
    assert_int_equal(n, 2);
    assert_int_equal(sid_text_number("0001000000", 2, 1000000, &n), SID_OK);
    assert_int_equal(n, 1000000);
    assert_int_equal(sid_text_number("9223372036854775807", 0, INT64_MAX, &n),
                     SID_OK);
    assert_true(n == INT64_MAX);
    assert_int_equal(sid_text_number("9223372036854775808", 0, INT64_MAX, &n),
                     SID_E_ARGUMENT);
}

static void
hex_is_written_small_and_read_in_both_cases(void **state) {
    (void)state;
    const uint8_t bytes[] = {0x00, 0x9a, 0xff, 0x5c};
    char text[9];
    sid_hex_encode(bytes, sizeof bytes, text);
    assert_string_equal(text, "009aff5c");
    uint8_t back[4] = {0};
    assert_int_equal(sid_hex_decode("009AfF5c", back, sizeof back), SID_OK);
    assert_memory_equal(back, bytes, sizeof back);
}

static void
hex_of_another_length_or_letter_is_refused(void **state) {
    (void)state;
    uint8_t out[2] = {7, 7};
    static const char *const wrong[] = {
        "", "123", "12345", "12g4", "123 ", " 123", "0x12", "-123", "123456"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(sid_hex_decode(wrong[i], out, 2), SID_E_ARGUMENT);
    assert_int_equal(out[0] + out[1], 14);
}

static void
base32_has_the_most_significant_bits_first(void **state) {
    (void)state;
    char text[32];
    sid_base32_encode("", 0, text);
    assert_string_equal(text, "");
    sid_base32_encode("\xff", 1, text);
    assert_string_equal(text, "zw");
    sid_base32_encode("\x00\x01", 2, text);
    assert_string_equal(text, "000g");
    /* "foobar" in RFC 4648's base32 is MZXW6YTBOI; the same numbers here. */
    sid_base32_encode("foobar", 6, text);
    assert_string_equal(text, "csqpyrk1e8");
    assert_int_equal(SID_BASE32_CHARS(16), 26);
    assert_int_equal(SID_BASE32_CHARS(32), 52);
}

static void
base32_letters_that_look_like_others_are_not_clean(void **state) {
    (void)state;
    assert_true(sid_base32_clean("0123456789abcdefghjkmnpqrstvwxyz", 32));
    for (const char *c = "iloulOIA-_ "; *c != '\0'; c++)
        assert_false(sid_base32_clean(c, 1));
    assert_false(sid_base32_clean("ab\0c", 4));
}

/* Source: RFC 9285, sections 4.3 and 4.4. */
static const struct {
    const char *plain, *encoded;
} base45_vectors[] = {
    {"AB", "BB8"},
    {"Hello!!", "%69 VD92EX0"},
    {"base-45", "UJCLQE7W581"},
    {"ietf!", "QED8WEX0"},
    {"", ""},
};

static void
base45_agrees_with_the_vectors_of_rfc_9285(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof base45_vectors / sizeof base45_vectors[0];
         i++) {
        const char *plain = base45_vectors[i].plain;
        const char *encoded = base45_vectors[i].encoded;
        char text[32];
        sid_base45_encode(plain, strlen(plain), text);
        assert_string_equal(text, encoded);
        assert_int_equal(SID_BASE45_CHARS(strlen(plain)), strlen(encoded));
        uint8_t back[32];
        size_t len = 99;
        assert_int_equal(sid_base45_decode(encoded, strlen(encoded), back,
                                           sizeof back, &len),
                         SID_OK);
        assert_int_equal(len, strlen(plain));
        assert_memory_equal(back, plain, len);
    }
}

static void
every_pair_of_bytes_survives_base45(void **state) {
    (void)state;
    for (unsigned n = 0; n <= 0xffff; n++) {
        const uint8_t in[] = {(uint8_t)(n >> 8), (uint8_t)n};
        char text[8];
        uint8_t back[2];
        size_t len;
        sid_base45_encode(in, 2, text);
        assert_int_equal(sid_base45_decode(text, 3, back, 2, &len), SID_OK);
        assert_memory_equal(in, back, 2);
        assert_true(sid_base45_clean(text, 3));
    }
}

static void
refused_base45(const char *text, size_t len, size_t cap) {
    uint8_t out[16];
    memset(out, 0x55, sizeof out);
    size_t out_len = 77;
    assert_int_equal(sid_base45_decode(text, len, out, cap, &out_len),
                     SID_E_ARGUMENT);
    assert_int_equal(out_len, 77);
    for (size_t i = 0; i < sizeof out; i++)
        assert_int_equal(out[i], 0x55);
}

static void
base45_of_an_impossible_length_is_refused(void **state) {
    (void)state;
    refused_base45("A", 1, 16);
    refused_base45("BB8A", 4, 16);
}

static void
base45_over_its_greatest_value_is_refused(void **state) {
    (void)state;
    /* Source: RFC 9285, section 6: FGW is 65535, GGW is 65536. */
    uint8_t out[2];
    size_t len;
    assert_int_equal(sid_base45_decode("FGW", 3, out, 2, &len), SID_OK);
    assert_memory_equal(out, "\xff\xff", 2);
    refused_base45("GGW", 3, 16);
    refused_base45(":::", 3, 16);
    assert_int_equal(sid_base45_decode("U5", 2, out, 2, &len), SID_OK);
    assert_int_equal(out[0], 255);
    refused_base45("V5", 2, 16);
    refused_base45("::", 2, 16);
    /* A bad end must not leave a good beginning behind. */
    refused_base45("BB8:::", 6, 16);
}

static void
base45_refuses_every_character_outside_its_alphabet(void **state) {
    (void)state;
    static const char alphabet[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
    for (int c = 0; c < 256; c++) {
        char text[] = "000";
        text[1] = (char)c;
        if (c != 0 && strchr(alphabet, c) != NULL) {
            uint8_t out[2];
            size_t len;
            assert_int_equal(sid_base45_decode(text, 3, out, 2, &len), SID_OK);
        } else {
            refused_base45(text, 3, 16);
            assert_false(sid_base45_clean(text, 3));
        }
    }
}

static void
base45_refuses_too_little_room(void **state) {
    (void)state;
    refused_base45("BB8", 3, 1);
    refused_base45("BB8BB8", 6, 3);
}

static void
well_formed_text_is_clean(void **state) {
    (void)state;
    static const char *const clean[] = {
        "",
        "Zhang San",
        "张三丰",
        "José Ångström",
        "买买提·吐尔逊",
        "𠮷野",
        "😀",
        "\xf4\x8f\xbf\xbf",
        "\xc2\xa0",
    };
    for (size_t i = 0; i < sizeof clean / sizeof clean[0]; i++)
        assert_true(sid_utf8_clean(clean[i], strlen(clean[i])));
    assert_int_equal(sid_utf8_count("张三丰", strlen("张三丰")), 3);
    assert_int_equal(sid_utf8_count("a𠮷é", strlen("a𠮷é")), 3);
}

static void
malformed_text_and_control_characters_are_not_clean(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t len;
    } dirty[] = {
        {"a\0b", 3},                 /* NUL */
        {"a\nb", 3},                 /* C0 */
        {"\x1b[0m", 4},              /* escape */
        {"\x7f", 1},                 /* DEL */
        {"\xc2\x85", 2},             /* C1, next line */
        {"\xe2\x80\xa8", 3},         /* U+2028 */
        {"\xe2\x80\xa9", 3},         /* U+2029 */
        {"\x80", 1},                 /* continuation alone */
        {"\xc0\xaf", 2},             /* overlong '/' */
        {"\xc1\xbf", 2},             /* overlong */
        {"\xe0\x80\xaf", 3},         /* overlong '/' */
        {"\xf0\x80\x80\xaf", 4},     /* overlong '/' */
        {"\xed\xa0\x80", 3},         /* surrogate */
        {"\xf4\x90\x80\x80", 4},     /* above U+10FFFF */
        {"\xf8\x88\x80\x80\x80", 5}, /* five bytes */
        {"\xff", 1},                 /* never a byte of UTF-8 */
        {"\xe5\xbc", 2},             /* cut off */
        {"\xe5"
         "a\xa0",
         3}, /* broken in the middle */
    };
    for (size_t i = 0; i < sizeof dirty / sizeof dirty[0]; i++)
        assert_false(sid_utf8_clean(dirty[i].text, dirty[i].len));
}

/* Source: RFC 4648, section 10. */
static const struct {
    const char *plain, *encoded;
} base64_vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xfb\xff\xbf", "+/+/"},
};

static void
base64_agrees_with_the_vectors_of_rfc_4648(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof base64_vectors / sizeof base64_vectors[0];
         i++) {
        const char *plain = base64_vectors[i].plain;
        const char *encoded = base64_vectors[i].encoded;
        char text[16];
        uint8_t back[8];
        size_t len = 99;
        sid_base64_encode(plain, strlen(plain), text);
        assert_string_equal(text, encoded);
        assert_int_equal(SID_BASE64_CHARS(strlen(plain)), strlen(encoded));
        assert_int_equal(sid_base64_decode(encoded, strlen(encoded), back,
                                           strlen(plain), &len),
                         SID_OK);
        assert_int_equal(len, strlen(plain));
        assert_memory_equal(back, plain, len);
    }
}

static void
base64_that_is_not_whole_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "A",     "AA",   "AAA",  "AAAAA",      "A===",     "====",
        "=AAA",  "A=AA", "AA=A", "AAAA====",   "AA==AA==", "AA A",
        "AAA\n", "AA-A", "AA_A", "AA\xc3\xa4", "AAA*",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t out[16];
        memset(out, 0x55, sizeof out);
        size_t len = 77;
        assert_int_equal(
            sid_base64_decode(bad[i], strlen(bad[i]), out, sizeof out, &len),
            SID_E_ARGUMENT);
        assert_int_equal(len, 77);
        assert_int_equal(out[0], 0x55);
    }
    uint8_t out[3] = {0x55, 0x55, 0x55};
    size_t len = 77;
    assert_int_equal(sid_base64_decode("AAAA", 4, out, 2, &len),
                     SID_E_ARGUMENT);
    assert_int_equal(sid_base64_decode("AA\0A", 4, out, 3, &len),
                     SID_E_ARGUMENT);
    assert_int_equal(out[0], 0x55);
}

static void
spare_bits_of_the_last_base64_character_are_ignored(void **state) {
    (void)state;
    uint8_t out[2] = {0};
    size_t len = 0;
    assert_int_equal(sid_base64_decode("Zm9=", 4, out, 2, &len), SID_OK);
    assert_int_equal(len, 2);
    assert_memory_equal(out, "fo", 2);
    assert_int_equal(sid_base64_decode("Zp==", 4, out, 1, &len), SID_OK);
    assert_int_equal(len, 1);
    assert_int_equal(out[0], 'f');
}

static void
a_query_value_is_percent_encoded_but_for_the_unreserved(void **state) {
    (void)state;
    struct sid_buf out = SID_BUF_EMPTY;
    assert_int_equal(sid_percent_append(&out, "aZ09-._~ &=?#/%+\xe4\xb8"),
                     SID_OK);
    assert_int_equal(sid_buf_append(&out, "", 1), SID_OK);
    assert_string_equal((char *)out.ptr,
                        "aZ09-._~%20%26%3D%3F%23%2F%25%2B%E4%B8");
    sid_buf_free(&out);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_that_does_not_fit_is_not_copied),
        cmocka_unit_test(a_number_is_digits_alone_within_its_bounds),
        cmocka_unit_test(hex_is_written_small_and_read_in_both_cases),
        cmocka_unit_test(hex_of_another_length_or_letter_is_refused),
        cmocka_unit_test(base32_has_the_most_significant_bits_first),
        cmocka_unit_test(base32_letters_that_look_like_others_are_not_clean),
        cmocka_unit_test(base45_agrees_with_the_vectors_of_rfc_9285),
        cmocka_unit_test(every_pair_of_bytes_survives_base45),
        cmocka_unit_test(base45_of_an_impossible_length_is_refused),
        cmocka_unit_test(base45_over_its_greatest_value_is_refused),
        cmocka_unit_test(base45_refuses_every_character_outside_its_alphabet),
        cmocka_unit_test(base45_refuses_too_little_room),
        cmocka_unit_test(well_formed_text_is_clean),
        cmocka_unit_test(malformed_text_and_control_characters_are_not_clean),
        cmocka_unit_test(base64_agrees_with_the_vectors_of_rfc_4648),
        cmocka_unit_test(base64_that_is_not_whole_is_refused),
        cmocka_unit_test(spare_bits_of_the_last_base64_character_are_ignored),
        cmocka_unit_test(
            a_query_value_is_percent_encoded_but_for_the_unreserved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
