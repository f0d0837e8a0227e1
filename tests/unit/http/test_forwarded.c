/* test_forwarded.c: where a request comes from, as trusted proxies tell it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <string.h>

#include "../../../src/http/forwarded.h"

#define TRUSTED "127.0.0.1/32 ::1/128 10.0.0.0/8"
#define PEER "127.0.0.1"

static struct sid_address
address(const char *text) {
    struct sid_address out;
    assert_int_equal(sid_address_parse(text, strlen(text), &out), SID_OK);
    return out;
}

static enum sid_err
source(const char *const *lines, size_t count, struct sid_address *out) {
    struct sid_networks trusted;
    struct sid_address peer = address(PEER);
    assert_int_equal(sid_networks_parse(TRUSTED, &trusted), SID_OK);
    return sid_forwarded_source(&peer, lines, count, &trusted, out);
}

static void
it_is(const char *expected, const char *const *lines, size_t count) {
    struct sid_address got, want = address(expected);
    assert_int_equal(source(lines, count, &got), SID_OK);
    assert_memory_equal(&got, &want, sizeof got);
}

static void
without_a_line_it_is_the_peer(void **state) {
    (void)state;
    it_is(PEER, NULL, 0);
}

static void
it_is_the_right_most_address_that_is_not_trusted(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"203.0.113.9", "203.0.113.9"},
        {" \t203.0.113.9 ", "203.0.113.9"},
        {"198.51.100.1, 203.0.113.9", "203.0.113.9"},
        {"198.51.100.1,203.0.113.9,10.1.2.3", "203.0.113.9"},
        {"203.0.113.9, 10.1.2.3, 127.0.0.1", "203.0.113.9"},
        {"2001:db8::7, ::1", "2001:db8::7"},
        {"::ffff:203.0.113.9", "203.0.113.9"},
        /* Somebody's invention stands further left. */
        {"127.0.0.1, 203.0.113.9", "203.0.113.9"},
        {"10.0.0.1", "10.0.0.1"},
        {"10.0.0.1, 127.0.0.1", "10.0.0.1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        it_is(cases[i][1], &cases[i][0], 1);
}

static void
several_lines_are_read_as_one_list(void **state) {
    (void)state;
    const char *const lines[] = {"198.51.100.1, 203.0.113.9", "10.0.0.1",
                                 "127.0.0.1"};
    it_is("203.0.113.9", lines, 3);
    const char *const last[] = {"203.0.113.9", "198.51.100.1"};
    it_is("198.51.100.1", last, 2);
    const char *many[SID_FORWARDED_LINES_MAX + 1];
    for (size_t i = 0; i <= SID_FORWARDED_LINES_MAX; i++)
        many[i] = "203.0.113.9";
    it_is("203.0.113.9", many, SID_FORWARDED_LINES_MAX);
    struct sid_address out;
    assert_int_equal(source(many, SID_FORWARDED_LINES_MAX + 1, &out),
                     SID_E_BAD_REQUEST);
}

static void
what_is_not_a_list_of_addresses_is_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "",
        " ",
        ",",
        "203.0.113.9,",
        ",203.0.113.9",
        "203.0.113.9,,203.0.113.9",
        "203.0.113.9 203.0.113.9",
        "unknown",
        "203.0.113.9:80",
        "[2001:db8::7]",
        "for=203.0.113.9",
        "rubbish, 203.0.113.9",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct sid_address out, before;
        memset(&out, 0x33, sizeof out);
        before = out;
        assert_int_equal(source(&wrong[i], 1, &out), SID_E_BAD_REQUEST);
        assert_memory_equal(&out, &before, sizeof out);
    }
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_line_it_is_the_peer),
        cmocka_unit_test(it_is_the_right_most_address_that_is_not_trusted),
        cmocka_unit_test(several_lines_are_read_as_one_list),
        cmocka_unit_test(what_is_not_a_list_of_addresses_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
