/* test_json_plain.c: bodies of the simplest form, read without a parser. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "smartid/json.h"

#define MEMBERS 3

static bool
read_plain(const char *text, struct sid_json_plain members[MEMBERS]) {
    const struct sid_json_plain none[MEMBERS] = {
        {.name = "code"}, {.name = "purpose"}, {.name = "counter"}};
    memcpy(members, none, sizeof none);
    return sid_json_plain(sid_span_str(text), members, MEMBERS);
}

static void
assert_reads_as_jansson_does(const char *text) {
    struct sid_json_plain members[MEMBERS];
    assert_true(read_plain(text, members));
    json_t *root = NULL;
    assert_int_equal(sid_json_parse(sid_span_str(text), &root), SID_OK);
    size_t there = 0;
    for (size_t i = 0; i < MEMBERS; i++) {
        const json_t *value = json_object_get(root, members[i].name);
        assert_int_equal(value != NULL, members[i].text != NULL);
        if (value == NULL)
            continue;
        there++;
        assert_int_equal(json_string_length(value), members[i].len);
        assert_memory_equal(json_string_value(value), members[i].text,
                            members[i].len);
    }
    assert_int_equal(json_object_size(root), there);
    json_decref(root);
}

static void
what_is_plain_means_what_the_parser_would_read(void **state) {
    (void)state;
    static const char *const plain[] = {
        "{\"code\":\"SID1:A B $%*+-./:\",\"purpose\":\"x\"}",
        "{ \"purpose\" : \"x\" , \"code\" : \"\" }",
        "\r\n\t {\"counter\":\" a ~ \",\n\"code\":\"{}[]:,\"}\n ",
        "{\"counter\":\"1\",\"code\":\"2\",\"purpose\":\"3\"}",
    };
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        assert_reads_as_jansson_does(plain[i]);
}

static void
all_else_is_left_to_the_parser(void **state) {
    (void)state;
    static const char *const other[] = {
        "",
        " ",
        "{}",
        "[]",
        "{",
        "{\"code\"",
        "{\"code\":",
        "{\"code\":\"a",
        "{\"code\":\"a\"",
        "{\"code\":\"a\",}",
        "{\"code\":\"a\"}x",
        "{\"code\":\"a\"}{}",
        "{\"code\":1}",
        "{\"code\":null}",
        "{\"code\":{\"code\":\"a\"}}",
        "{\"code\":\"a\",\"code\":\"a\"}",
        "{\"code\":\"a\",\"other\":\"b\"}",
        "{\"cod\":\"a\"}",
        "{\"codes\":\"a\"}",
        "{\"cod\\u0065\":\"a\"}",
        "{\"code\":\"a\\nb\"}",
        "{\"code\":\"a\nb\"}",
        "{\"code\":\"\x7f\"}",
        "{\"code\":\"\xc3\xa4\"}",
        "{code:\"a\"}",
        "{\"code\" \"a\"}",
        "{\"code\":\"a\" \"purpose\":\"b\"}",
        "\xef\xbb\xbf{\"code\":\"a\"}",
    };
    struct sid_json_plain members[MEMBERS];
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
        assert_false(read_plain(other[i], members));
    const struct sid_span nul = sid_span_of("{\"code\":\"a\0b\"}", 14);
    assert_false(sid_json_plain(nul, members, MEMBERS));
}

static void
no_byte_behind_the_end_is_read(void **state) {
    (void)state;
    static const char text[] = "{\"code\":\"a\",\"purpose\":\"b\"}";
    for (size_t len = 0; len < sizeof text - 1; len++) {
        char exact[sizeof text];
        memcpy(exact, text, len);
        struct sid_json_plain members[MEMBERS] = {
            {.name = "code"}, {.name = "purpose"}, {.name = "counter"}};
        assert_false(sid_json_plain(sid_span_of(exact, len), members, MEMBERS));
    }
}

/* Found by a sanitizer: a place was reckoned behind no text at all. */
static void
r_a_body_that_is_not_there_is_left_to_the_parser(void **state) {
    (void)state;
    struct sid_json_plain members[MEMBERS] = {{.name = "code"}};
    assert_false(sid_json_plain((struct sid_span){NULL, 0}, members, MEMBERS));
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r_a_body_that_is_not_there_is_left_to_the_parser),
        cmocka_unit_test(what_is_plain_means_what_the_parser_would_read),
        cmocka_unit_test(all_else_is_left_to_the_parser),
        cmocka_unit_test(no_byte_behind_the_end_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
