/* test_json.c: bounded reading and escaped writing of JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "../../fuzz/fuzz.h"
#include "smartid/json.h"

static enum sid_err
parse(const char *text) {
    json_t *out = NULL;
    enum sid_err err = sid_json_parse(sid_span_str(text), &out);
    assert_int_equal(out != NULL, err == SID_OK);
    json_decref(out);
    return err;
}

static void
only_a_bounded_object_is_read(void **state) {
    (void)state;
    assert_int_equal(parse("{}"), SID_OK);
    assert_int_equal(parse(" {\"a\":[1,{\"b\":null}]} \n"), SID_OK);
    static const char *const bad[] = {
        "",
        "[]",
        "1",
        "\"a\"",
        "null",
        "{",
        "{}x",
        "{}{}",
        "{\"a\":1,}",
        "{'a':1}",
        "{\"a\":1,\"a\":2}",
        "{\"a\":{\"b\":1,\"b\":1}}",
        "{\"a\":\"\\u0000\"}",
        "{\"a\\u0000\":1}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\xff\"}",
        "{\"a\":\"\xc0\xaf\"}",
        "{\"a\":\"\n\"}",
        "{\"a\":NaN}",
        "{\"a\":01}",
        "\xef\xbb\xbf{}",
        "{\"a\":1}/* x */",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(parse(bad[i]), SID_E_BAD_JSON);
}

/* jansson 2.14 stops the process when its text buffer cannot grow. */
static void
r_memory_that_runs_out_while_a_body_is_read_is_an_error(void **state) {
    (void)state;
    static const char text[] =
        "{\"code\":\"0123456789012345678901234567890123456789\",\"list\":[1,2,"
        "{\"a\":\"012345678901234567890123456789012345678901234567890\"}],"
        "\"b\":1234567890123456789,\"c\":1.5}";
    bool failed = true;
    unsigned n = 0;
    while (failed) {
        json_t *out = NULL;
        fuzz_fail_nth(++n);
        enum sid_err err = sid_json_parse(sid_span_str(text), &out);
        failed = fuzz_fail_end();
        assert_int_equal(err, failed ? SID_E_NO_MEMORY : SID_OK);
        assert_int_equal(out != NULL, err == SID_OK);
        json_decref(out);
    }
    assert_true(n > 20);
}

static void
a_nul_between_is_refused(void **state) {
    (void)state;
    json_t *out = NULL;
    assert_int_equal(sid_json_parse(sid_span_of("{}\0", 3), &out),
                     SID_E_BAD_JSON);
    assert_int_equal(sid_json_parse(sid_span_of("{\"a\0\":1}", 8), &out),
                     SID_E_BAD_JSON);
    assert_null(out);
}

static void
nesting_deeper_than_eight_is_refused(void **state) {
    (void)state;
    assert_int_equal(parse("{\"a\":[[[[[[[1]]]]]]]}"), SID_OK);
    assert_int_equal(parse("{\"a\":[[[[[[[[1]]]]]]]]}"), SID_E_BAD_JSON);
    assert_int_equal(parse("{\"a\":\"[[[[[[[[[[[[\\\"[[[[\"}"), SID_OK);
}

static void
members_that_nobody_asked_for_are_named(void **state) {
    (void)state;
    static const char *const names[] = {"a", "b", NULL};
    struct sid_field field = {""};
    json_t *object = NULL;
    assert_int_equal(sid_json_parse(sid_span_str("{\"a\":1,\"b\":2}"), &object),
                     SID_OK);
    assert_int_equal(sid_json_only(object, "", names, &field), SID_OK);
    json_decref(object);
    assert_int_equal(sid_json_parse(sid_span_str("{\"a\":1,\"c\":2}"), &object),
                     SID_OK);
    assert_int_equal(sid_json_only(object, "holder", names, &field),
                     SID_E_FIELD_UNKNOWN);
    assert_string_equal(field.name, "holder.c");
    json_decref(object);
}

static void
a_name_that_is_none_of_ours_is_not_shown(void **state) {
    (void)state;
    static const char *const hidden[] = {"11010519491231002X",
                                         "Wang Example",
                                         "wang example",
                                         "\xe7\x8e\x8b",
                                         "sidk_0123",
                                         "a-b",
                                         "7",
                                         "abcdefghijklmnopqrstuvwxy"};
    struct sid_field field;
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
        sid_field_set_foreign(&field, "holder", hidden[i]);
        assert_string_equal(field.name, "holder");
        sid_field_set_foreign(&field, "", hidden[i]);
        assert_string_equal(field.name, "");
    }
    sid_field_set_foreign(&field, "holder", "nick_name");
    assert_string_equal(field.name, "holder.nick_name");
    sid_field_set_foreign(&field, "", "frame_4");
    assert_string_equal(field.name, "frame_4");
    sid_field_set_foreign(&field, "", "frame_42");
    assert_string_equal(field.name, "");
    sid_field_set_foreign(&field, "", "abcdefghijklmnopqrstuvwx");
    assert_string_equal(field.name, "abcdefghijklmnopqrstuvwx");
}

static void
a_field_name_shows_safe_characters_only(void **state) {
    (void)state;
    struct sid_field field;
    sid_field_set(&field, "", "a<script>");
    assert_string_equal(field.name, "a");
    sid_field_set(&field, "", "line\nbreak");
    assert_string_equal(field.name, "line");
    char big[200];
    memset(big, 'x', sizeof big);
    big[sizeof big - 1] = '\0';
    sid_field_set(&field, "p", big);
    assert_int_equal(strlen(field.name), SID_FIELD_SIZE - 1);
}

static enum sid_err
get(const char *text, bool optional, bool trim, char out[8],
    struct sid_field *field) {
    json_t *object = NULL;
    assert_int_equal(sid_json_parse(sid_span_str(text), &object), SID_OK);
    enum sid_err err = sid_json_get_text(
        object,
        &(struct sid_json_text){
            .path = "p", .name = "n", .optional = optional, .trim = trim},
        out, 8, field);
    json_decref(object);
    return err;
}

static void
a_text_is_copied_within_its_bounds(void **state) {
    (void)state;
    char out[8] = "";
    struct sid_field field = {""};
    assert_int_equal(get("{\"n\":\"1234567\"}", false, false, out, &field),
                     SID_OK);
    assert_string_equal(out, "1234567");
    assert_int_equal(get("{\"n\":\" \\t x y \"}", false, true, out, &field),
                     SID_OK);
    assert_string_equal(out, "x y");
    assert_int_equal(get("{}", true, false, out, &field), SID_OK);
    assert_string_equal(out, "");
    assert_int_equal(get("{\"n\":\"\\u5f20\"}", false, false, out, &field),
                     SID_OK);
    assert_string_equal(out, "\xe5\xbc\xa0");
    assert_string_equal(field.name, "");
}

static void
a_text_of_another_form_is_refused_by_name(void **state) {
    (void)state;
    char out[8] = "kept";
    struct sid_field field = {""};
    assert_int_equal(get("{}", false, false, out, &field), SID_E_FIELD_MISSING);
    assert_string_equal(field.name, "p.n");
    static const char *const bad[] = {
        "{\"n\":null}",        "{\"n\":1}",
        "{\"n\":[]}",          "{\"n\":\"\"}",
        "{\"n\":\"  \"}",      "{\"n\":\"12345678\"}",
        "{\"n\":\"a\\nb\"}",   "{\"n\":\"a\\u0085\"}",
        "{\"n\":\"\\u2028\"}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        field.name[0] = '\0';
        assert_int_equal(get(bad[i], true, true, out, &field),
                         SID_E_FIELD_INVALID);
        assert_string_equal(field.name, "p.n");
    }
    assert_string_equal(out, "kept");
}

static void
what_must_be_escaped_is_escaped(void **state) {
    (void)state;
    struct sid_buf buf = SID_BUF_EMPTY;
    struct sid_json json;
    sid_json_init(&json, &buf);
    sid_json_open(&json, NULL, '[');
    sid_json_string(&json, NULL, "a\"b\\c/\b\n\x1f\x7f");
    sid_json_string(&json, NULL, "\xe5\xbc\xa0 \xf0\x9f\x98\x80");
    sid_json_string(&json, NULL, "");
    sid_json_string(&json, NULL, NULL);
    /* What somebody takes for the end of a line: U+0085, U+2028, U+2029. */
    sid_json_string(&json, NULL,
                    "a\xc2\x85"
                    "b\xe2\x80\xa8"
                    "c\xe2\x80\xa9\xe2\x80\xaa");
    sid_json_close(&json, ']');
    assert_int_equal(json.err, SID_OK);
    assert_int_equal(sid_buf_append(&buf, "", 1), SID_OK);
    assert_string_equal((char *)buf.ptr,
                        "[\"a\\\"b\\\\c/\\u0008\\u000a\\u001f\\u007f\","
                        "\"\xe5\xbc\xa0 \xf0\x9f\x98\x80\",\"\",null,"
                        "\"a\\u0085b\\u2028c\\u2029\xe2\x80\xaa\"]");
    sid_buf_free(&buf);
}

static void
bytes_that_are_no_utf8_become_replacement_characters(void **state) {
    (void)state;
    static const char *const bad[] = {
        "\xff",
        "\x80",
        "\xc0",
        "\xc3",
        "\xe5\xbc",
        "\xed\xa0\x80",
        "\xf5\x80\x80\x80",
        "\xf0\x80\x80\x80",
        "\xe0\x80\x80",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sid_buf buf = SID_BUF_EMPTY;
        struct sid_json json;
        sid_json_init(&json, &buf);
        sid_json_open(&json, NULL, '{');
        sid_json_string(&json, "k", bad[i]);
        sid_json_close(&json, '}');
        /* A reader that insists on UTF-8 takes it. */
        json_t *back = NULL;
        assert_int_equal(sid_json_parse(sid_buf_span(&buf), &back), SID_OK);
        const char *text = json_string_value(json_object_get(back, "k"));
        assert_non_null(strstr(text, "\xef\xbf\xbd"));
        json_decref(back);
        sid_buf_free(&buf);
    }
}

static void
every_byte_survives_writing_and_reading(void **state) {
    (void)state;
    char all[128];
    for (int c = 1; c < 128; c++)
        all[c - 1] = (char)c;
    all[127] = '\0';
    struct sid_buf buf = SID_BUF_EMPTY;
    struct sid_json json;
    sid_json_init(&json, &buf);
    sid_json_open(&json, NULL, '{');
    sid_json_string(&json, all, all);
    sid_json_close(&json, '}');
    json_t *back = NULL;
    assert_int_equal(sid_json_parse(sid_buf_span(&buf), &back), SID_OK);
    assert_string_equal(json_string_value(json_object_get(back, all)), all);
    json_decref(back);
    sid_buf_free(&buf);
}

static void
members_elements_and_kinds_are_written(void **state) {
    (void)state;
    struct sid_buf buf = SID_BUF_EMPTY;
    struct sid_json json;
    sid_json_init(&json, &buf);
    sid_json_open(&json, NULL, '{');
    sid_json_int(&json, "i", INT64_MIN);
    sid_json_bool(&json, "t", true);
    sid_json_bool(&json, "f", false);
    sid_json_real(&json, "r", 0.90271);
    sid_json_real(&json, "n", (double)NAN);
    sid_json_real(&json, "big", 1e300);
    sid_json_time(&json, "at", 0);
    sid_json_open(&json, "e", '[');
    sid_json_close(&json, ']');
    sid_json_open(&json, "o", '{');
    sid_json_int(&json, "x", 1);
    sid_json_close(&json, '}');
    sid_json_close(&json, '}');
    assert_int_equal(json.err, SID_OK);
    assert_int_equal(sid_buf_append(&buf, "", 1), SID_OK);
    assert_string_equal(
        (char *)buf.ptr,
        "{\"i\":-9223372036854775808,\"t\":true,\"f\":false,\"r\":0.9027,"
        "\"n\":null,\"big\":null,\"at\":\"1970-01-01T00:00:00Z\",\"e\":[],"
        "\"o\":{\"x\":1}}");
    sid_buf_free(&buf);
}

static int
setup(void **state) {
    (void)state;
    return sid_json_setup() == SID_OK ? 0 : -1;
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_bounded_object_is_read),
        cmocka_unit_test(
            r_memory_that_runs_out_while_a_body_is_read_is_an_error),
        cmocka_unit_test(a_nul_between_is_refused),
        cmocka_unit_test(nesting_deeper_than_eight_is_refused),
        cmocka_unit_test(members_that_nobody_asked_for_are_named),
        cmocka_unit_test(a_field_name_shows_safe_characters_only),
        cmocka_unit_test(a_name_that_is_none_of_ours_is_not_shown),
        cmocka_unit_test(a_text_is_copied_within_its_bounds),
        cmocka_unit_test(a_text_of_another_form_is_refused_by_name),
        cmocka_unit_test(what_must_be_escaped_is_escaped),
        cmocka_unit_test(bytes_that_are_no_utf8_become_replacement_characters),
        cmocka_unit_test(every_byte_survives_writing_and_reading),
        cmocka_unit_test(members_elements_and_kinds_are_written),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
