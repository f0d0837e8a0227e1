/* test_header.c: the lines of a head: URIs, ids, lengths, keys, boundaries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../src/http/header.h"

static bool
clean(const char *uri, bool want_query) {
    bool query = !want_query;
    bool ok = sid_uri_clean(uri, &query);
    assert_int_equal(query, want_query);
    return ok;
}

static void
a_plain_path_is_taken_with_or_without_a_query(void **state) {
    (void)state;
    assert_true(clean("/", false));
    assert_true(clean("/v1/enrollments/enr_0.~-Z", false));
    assert_true(clean("/v1/enrollments?state=review&after=enr_1", true));
    assert_true(clean("/a?", true));
}

static void
a_target_that_could_mean_two_things_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",      "*",    "v1/x",  "http://x/y", "/a%2fb", "/a%00",
        "/a\\b", "/a b", "/a;b",  "/a\r\nb",    "/a\x7f", "/a\xc3\xa9",
        "/a+b",  "/a#b", "/a\"b", "/a=b",       "/a&b",   "/{id}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(clean(bad[i], false));
    assert_false(clean("/a?b=%31", true));
    assert_false(clean("/a?b=c+d", true));
    assert_false(clean("/a?b?c", true));
    assert_false(clean("/a?b/c", true));
}

static void
a_request_id_is_1_to_64_safe_characters(void **state) {
    (void)state;
    char id[70];
    memset(id, 'x', sizeof id);
    id[64] = '\0';
    assert_true(sid_request_id_clean(id));
    assert_true(sid_request_id_clean("a.B_c-9"));
    id[64] = 'x';
    id[65] = '\0';
    assert_false(sid_request_id_clean(id));
    assert_false(sid_request_id_clean(""));
    assert_false(sid_request_id_clean("a b"));
    assert_false(sid_request_id_clean("a\nb"));
    assert_false(sid_request_id_clean("a\"b"));
    assert_false(sid_request_id_clean("a/b"));
}

static void
ids_made_here_are_clean_and_differ(void **state) {
    (void)state;
    char a[SID_REQUEST_ID_SIZE], b[SID_REQUEST_ID_SIZE];
    sid_request_id_make(a);
    for (int i = 0; i < 1000; i++) {
        sid_request_id_make(b);
        assert_true(sid_request_id_clean(b));
        assert_string_not_equal(a, b);
    }
}

static void
control_characters_in_a_value_are_seen(void **state) {
    (void)state;
    assert_true(sid_header_value_clean("a\tb \xe4", 5));
    assert_false(sid_header_value_clean("a\0b", 3));
    assert_false(sid_header_value_clean("a\rb", 3));
    assert_false(sid_header_value_clean("\x7f", 1));
}

static void
a_length_is_digits_and_nothing_else(void **state) {
    (void)state;
    uint64_t out = 7;
    assert_int_equal(sid_content_length_parse("18446744073709551615", &out),
                     SID_OK);
    assert_true(out == UINT64_MAX);
    assert_int_equal(sid_content_length_parse("0042", &out), SID_OK);
    assert_int_equal(out, 42);
    static const char *const bad[] = {"",    "+1",  "-1",
                                      " 1",  "1 ",  "1,1",
                                      "0x1", "1.0", "18446744073709551616"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(sid_content_length_parse(bad[i], &out),
                         SID_E_BAD_REQUEST);
    assert_int_equal(out, 42);
}

static void
a_number_of_a_query_is_within_its_bounds(void **state) {
    (void)state;
    assert_int_equal(sid_number_parse("1", 50), 1);
    assert_int_equal(sid_number_parse("050", 50), 50);
    assert_int_equal(sid_number_parse("2147483647", INT32_MAX), INT32_MAX);
    static const char *const bad[] = {
        "", "0", "51", "-1", "+1", "1 ", "1a", "0x1", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(sid_number_parse(bad[i], 50), 0);
}

static void
a_bearer_key_is_found_behind_its_scheme(void **state) {
    (void)state;
    const char *key = NULL;
    size_t len = 0;
    assert_true(sid_bearer_parse("Bearer abc", &key, &len));
    assert_int_equal(len, 3);
    assert_memory_equal(key, "abc", 3);
    assert_true(sid_bearer_parse("bEARER   a_b  ", &key, &len));
    assert_int_equal(len, 3);
    assert_memory_equal(key, "a_b", 3);
    assert_false(sid_bearer_parse("Basic abc", &key, &len));
    assert_false(sid_bearer_parse("Bearer", &key, &len));
    assert_false(sid_bearer_parse("Bearer   ", &key, &len));
    assert_false(sid_bearer_parse("Bearerabc", &key, &len));
}

static void
a_media_type_is_known_whatever_its_case_and_parameters(void **state) {
    (void)state;
    assert_true(sid_media_type_is("application/json", "application/json"));
    assert_true(sid_media_type_is(" Application/JSON ; charset=utf-8",
                                  "application/json"));
    assert_false(sid_media_type_is("application/jsonp", "application/json"));
    assert_false(sid_media_type_is("application/json x", "application/json"));
    assert_false(sid_media_type_is("text/json", "application/json"));
}

static void
parameters_come_as_tokens_or_quoted_strings(void **state) {
    (void)state;
    const char *at = "; a=1 ;; b=\"x; \\\"y\\\"\"; c=z";
    struct sid_header_param param;
    enum sid_err err;
    assert_true(sid_header_param_next(&at, &param, &err));
    assert_string_equal(param.name, "a");
    assert_string_equal(param.value, "1");
    assert_true(sid_header_param_next(&at, &param, &err));
    assert_string_equal(param.name, "b");
    assert_string_equal(param.value, "x; \"y\"");
    assert_true(sid_header_param_next(&at, &param, &err));
    assert_string_equal(param.value, "z");
    assert_false(sid_header_param_next(&at, &param, &err));
    assert_int_equal(err, SID_OK);
    static const char *const bad[] = {"; a",     "; a=",      "; =b",
                                      "; a=\"b", "; a=b c=d", "; a=\"b\\"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        at = bad[i];
        assert_false(sid_header_param_next(&at, &param, &err));
        assert_int_equal(err, SID_E_BAD_REQUEST);
    }
}

static void
a_boundary_is_read_from_the_content_type(void **state) {
    (void)state;
    char out[SID_BOUNDARY_SIZE] = "";
    assert_int_equal(sid_boundary_parse(
                         "multipart/form-data; boundary=abc'()+_,-./:=?", out),
                     SID_E_BAD_REQUEST); /* those need quotes */
    assert_int_equal(sid_boundary_parse("Multipart/Form-Data; charset=utf-8; "
                                        "Boundary=\"a b:c\"",
                                        out),
                     SID_OK);
    assert_string_equal(out, "a b:c");
    assert_int_equal(sid_boundary_parse("multipart/mixed; boundary=a", out),
                     SID_E_MEDIA_TYPE);
    assert_int_equal(sid_boundary_parse("application/json", out),
                     SID_E_MEDIA_TYPE);
}

static void
a_missing_or_improper_boundary_is_refused(void **state) {
    (void)state;
    char out[SID_BOUNDARY_SIZE] = "kept";
    char longest[128] = "multipart/form-data; boundary=";
    memset(longest + strlen(longest), 'b', 70);
    assert_int_equal(sid_boundary_parse(longest, out), SID_OK);
    assert_int_equal(strlen(out), 70);
    longest[strlen(longest)] = 'b';
    static const char *const bad[] = {
        "multipart/form-data",
        "multipart/form-data; boundary",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=\"a \"",
        "multipart/form-data; boundary=\"a\tb\"",
        "multipart/form-data; boundary=a; boundary=a",
        "multipart/form-data; boundary=\"a\\\"b\"",
    };
    assert_int_equal(sid_boundary_parse(longest, out), SID_E_BAD_REQUEST);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(sid_boundary_parse(bad[i], out), SID_E_BAD_REQUEST);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_path_is_taken_with_or_without_a_query),
        cmocka_unit_test(a_target_that_could_mean_two_things_is_refused),
        cmocka_unit_test(a_request_id_is_1_to_64_safe_characters),
        cmocka_unit_test(ids_made_here_are_clean_and_differ),
        cmocka_unit_test(control_characters_in_a_value_are_seen),
        cmocka_unit_test(a_length_is_digits_and_nothing_else),
        cmocka_unit_test(a_number_of_a_query_is_within_its_bounds),
        cmocka_unit_test(a_bearer_key_is_found_behind_its_scheme),
        cmocka_unit_test(
            a_media_type_is_known_whatever_its_case_and_parameters),
        cmocka_unit_test(parameters_come_as_tokens_or_quoted_strings),
        cmocka_unit_test(a_boundary_is_read_from_the_content_type),
        cmocka_unit_test(a_missing_or_improper_boundary_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
