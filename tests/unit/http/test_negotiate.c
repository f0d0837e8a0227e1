/* test_negotiate.c: Accept, Prefer and Idempotency-Key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../src/http/negotiate.h"

#define NONE SID_MEDIA_COUNT

static enum sid_media
choose(const char *line) {
    struct sid_accept accept = {0};
    if (line != NULL)
        sid_accept_add(&accept, line);
    enum sid_media out = NONE;
    enum sid_err err = sid_accept_choose(&accept, &out);
    if (err != SID_OK) {
        assert_int_equal(err, SID_E_NOT_ACCEPTABLE);
        assert_int_equal(out, NONE);
    }
    return out;
}

static void
without_accept_the_answer_is_json(void **state) {
    (void)state;
    assert_int_equal(choose(NULL), SID_MEDIA_JSON);
    assert_int_equal(choose("*/*"), SID_MEDIA_JSON);
    assert_int_equal(choose("application/*"), SID_MEDIA_JSON);
}

static void
the_highest_q_wins_and_ties_go_to_the_first_offered(void **state) {
    (void)state;
    assert_int_equal(choose("image/png"), SID_MEDIA_PNG);
    assert_int_equal(choose("IMAGE/PNG;q=0.2"), SID_MEDIA_PNG);
    assert_int_equal(choose("image/svg+xml"), SID_MEDIA_SVG);
    assert_int_equal(choose("image/*"), SID_MEDIA_PNG);
    assert_int_equal(choose("image/*;q=0.5, image/svg+xml"), SID_MEDIA_SVG);
    assert_int_equal(choose("application/json;q=0.5, image/png;q=0.500"),
                     SID_MEDIA_JSON);
    assert_int_equal(choose("application/json;q=0.499, image/png;q=0.5"),
                     SID_MEDIA_PNG);
    assert_int_equal(
        choose("text/html,application/xhtml+xml,image/avif,image/webp,*/*;q="
               "0.8"),
        SID_MEDIA_JSON);
    assert_int_equal(choose("image/avif,image/webp,image/png,image/svg+xml,"
                            "image/*;q=0.8,*/*;q=0.5"),
                     SID_MEDIA_PNG);
}

static void
the_more_specific_range_decides_whatever_the_order(void **state) {
    (void)state;
    assert_int_equal(choose("*/*, application/json;q=0"), SID_MEDIA_PNG);
    assert_int_equal(choose("application/json;q=0, */*"), SID_MEDIA_PNG);
    assert_int_equal(choose("image/png;q=0, image/*"), SID_MEDIA_SVG);
    assert_int_equal(choose("image/*;q=0, */*;q=0.1"), SID_MEDIA_JSON);
}

static void
nothing_that_can_be_made_is_not_acceptable(void **state) {
    (void)state;
    assert_int_equal(choose("text/html"), NONE);
    assert_int_equal(choose("*/*;q=0"), NONE);
    assert_int_equal(choose("image/png;q=0.000"), NONE);
    assert_int_equal(choose("image/pngx"), NONE);
    assert_int_equal(choose("image/pn"), NONE);
    assert_int_equal(choose(""), NONE);
}

static void
malformed_elements_are_passed_over(void **state) {
    (void)state;
    assert_int_equal(choose("image, ;;;, /, image/png;q=0.3"), SID_MEDIA_PNG);
    assert_int_equal(choose("image/png;q=2"), NONE);
    assert_int_equal(choose("image/png;q=-1"), NONE);
    assert_int_equal(choose("image/png;q="), NONE);
    assert_int_equal(choose("image/png;q=1.001"), NONE);
    assert_int_equal(choose("image/png;q=0.5x"), NONE);
    assert_int_equal(choose("image/png;a=\",\";q=0.5, image/svg+xml;q=0.4"),
                     SID_MEDIA_PNG);
}

static void
several_accept_lines_count_as_one(void **state) {
    (void)state;
    struct sid_accept accept = {0};
    enum sid_media out = NONE;
    sid_accept_add(&accept, "image/png;q=0.1");
    sid_accept_add(&accept, "image/svg+xml;q=0.2");
    assert_int_equal(sid_accept_choose(&accept, &out), SID_OK);
    assert_int_equal(out, SID_MEDIA_SVG);
}

static struct sid_prefer
prefer(const char *line) {
    struct sid_prefer out = {0};
    sid_prefer_add(&out, line);
    return out;
}

static void
a_wait_is_read_in_all_its_spellings(void **state) {
    (void)state;
    static const char *const lines[] = {
        "wait=10",
        "WAIT = 10",
        "wait=\"10\"",
        "respond-async, wait=10",
        "handling=lenient; x=\",wait=3\", wait=10; foo=bar",
        "wait=10, wait=20",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct sid_prefer got = prefer(lines[i]);
        assert_true(got.has_wait);
        assert_int_equal(got.wait_s, 10);
    }
    assert_true(prefer("respond-async, wait=10").respond_async);
    assert_true(prefer("wait=99999999999999999999").wait_s > INT32_MAX / 10);
    assert_true(prefer("wait=0").has_wait);
}

static void
preferences_that_are_not_understood_are_passed_over(void **state) {
    (void)state;
    static const char *const lines[] = {
        "",         "wait",          "wait=",     "wait=-1",
        "wait=abc", "wait=1.5",      "wait=\"10", "waits=10",
        "await=10", "x=\"wait=10\"", "wait=10s",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_false(prefer(lines[i]).has_wait);
    assert_false(prefer("respond-asynchronous").respond_async);
}

static void
a_key_is_the_same_bare_and_quoted(void **state) {
    (void)state;
    char bare[SID_IDEMPOTENCY_SIZE], quoted[SID_IDEMPOTENCY_SIZE];
    assert_int_equal(sid_idempotency_parse("8e03978e-40d5", bare), SID_OK);
    assert_int_equal(sid_idempotency_parse("\"8e03978e-40d5\"", quoted),
                     SID_OK);
    assert_string_equal(bare, quoted);
    assert_string_equal(bare, "8e03978e-40d5");
}

static void
a_key_of_another_form_is_refused(void **state) {
    (void)state;
    char out[SID_IDEMPOTENCY_SIZE] = "kept";
    char text[200];
    memset(text, 'k', sizeof text);
    text[128] = '\0';
    assert_int_equal(sid_idempotency_parse(text, out), SID_OK);
    text[128] = 'k';
    text[129] = '\0';
    static const char *const bad[] = {"",    "\"\"", "\"",       "a\"b", "\"a",
                                      "a\"", "a\\b", "\xc3\xa9", "a\tb"};
    assert_int_equal(sid_idempotency_parse(text, out), SID_E_BAD_REQUEST);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(sid_idempotency_parse(bad[i], out), SID_E_BAD_REQUEST);
}

static bool
takes_gzip(const char *line) {
    struct sid_encoding encoding = {0};
    if (line != NULL)
        sid_encoding_add(&encoding, line);
    return sid_encoding_gzip(&encoding);
}

static void
gzip_is_sent_to_those_who_say_that_they_take_it(void **state) {
    (void)state;
    static const char *const yes[] = {
        "gzip",     "GZIP",         "x-gzip",      "*",
        "br, gzip", "gzip;q=0.001", "*;q=0, gzip", "deflate;q=1.0, *;q=0.5"};
    static const char *const no[] = {
        "",       "br",          "identity", "gzip;q=0", "gzip; q=0.000",
        "*;q=0",  "*, gzip;q=0", "gzip;q=x", "gzipped",  "agzip",
        "\"gzip", ",",
    };
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (!takes_gzip(yes[i]))
            fail_msg("not taken: %s", yes[i]);
    }
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++) {
        if (takes_gzip(no[i]))
            fail_msg("taken: %s", no[i]);
    }
    assert_false(takes_gzip(NULL));
}

static void
a_tag_is_found_in_a_list(void **state) {
    (void)state;
    static const char tag[] = "\"0a1b\"";
    static const char *const yes[] = {tag,
                                      "W/\"0a1b\"",
                                      " \"0a1b\" ",
                                      "\"x\", \"0a1b\"",
                                      "\"a,b\",\"0a1b\",\"c\"",
                                      "*",
                                      " * "};
    static const char *const no[] = {
        "",      "0a1b",           "\"0a1\"",    "\"0a1b", "\"0a1b\"x",
        "\"x\"", "\"x,\"0a1b\"\"", "w/\"0a1b\"", "**",     "\"0A1B\"",
    };
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (!sid_etag_in(yes[i], tag))
            fail_msg("not found: %s", yes[i]);
    }
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++) {
        if (sid_etag_in(no[i], tag))
            fail_msg("found: %s", no[i]);
    }
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_accept_the_answer_is_json),
        cmocka_unit_test(the_highest_q_wins_and_ties_go_to_the_first_offered),
        cmocka_unit_test(the_more_specific_range_decides_whatever_the_order),
        cmocka_unit_test(nothing_that_can_be_made_is_not_acceptable),
        cmocka_unit_test(malformed_elements_are_passed_over),
        cmocka_unit_test(several_accept_lines_count_as_one),
        cmocka_unit_test(a_wait_is_read_in_all_its_spellings),
        cmocka_unit_test(preferences_that_are_not_understood_are_passed_over),
        cmocka_unit_test(a_key_is_the_same_bare_and_quoted),
        cmocka_unit_test(a_key_of_another_form_is_refused),
        cmocka_unit_test(gzip_is_sent_to_those_who_say_that_they_take_it),
        cmocka_unit_test(a_tag_is_found_in_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
