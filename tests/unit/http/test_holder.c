/* test_holder.c: what the person states, and how it is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../src/http/holder.h"
#include "smartid/clock.h"

#define NOW_S 1795000000 /* 2026-11-18T11:06:40Z */
#define NUMBER "\"id_number\":\"11010519491231002X\""
#define NAME "\"name\":\"Specimen\""
#define CONSENT                                                                \
    "\"consent\":{\"version\":\"2\",\"given_at\":\"2026-11-18T11:00:00Z\"}"

static enum sid_err
read_text(const char *text, struct sid_enrol_submit *out, char *field_name) {
    struct sid_field field = {""};
    memset(out, 0, sizeof *out);
    enum sid_err err = sid_holder_read(sid_span_str(text), NOW_S, out, &field);
    strcpy(field_name, field.name);
    return err;
}

static void
a_whole_statement_is_read(void **state) {
    (void)state;
    struct sid_enrol_submit out;
    char field[SID_FIELD_SIZE];
    assert_int_equal(
        read_text("{\"name\":\"  \xe5\xbc\xa0\xe4\xb8\x89 \"," NUMBER
                  ",\"phone\":\"+86 10-1234\"," CONSENT "}",
                  &out, field),
        SID_OK);
    assert_string_equal(out.holder.name, "\xe5\xbc\xa0\xe4\xb8\x89");
    assert_string_equal(out.id_number_text, "11010519491231002X");
    assert_string_equal(out.holder.phone, "+86 10-1234");
    assert_string_equal(out.consent_version, "2");
    assert_int_equal(out.consent_at_s, NOW_S - 400);
    assert_string_equal(field, "");
}

static void
the_phone_may_be_left_out(void **state) {
    (void)state;
    struct sid_enrol_submit out;
    char field[SID_FIELD_SIZE];
    assert_int_equal(
        read_text("{" NAME "," NUMBER "," CONSENT "}", &out, field), SID_OK);
    assert_string_equal(out.holder.phone, "");
}

static void
a_wrong_number_is_left_to_the_flow(void **state) {
    (void)state;
    struct sid_enrol_submit out;
    char field[SID_FIELD_SIZE];
    assert_int_equal(
        read_text("{" NAME ",\"id_number\":\"123\"," CONSENT "}", &out, field),
        SID_OK);
    assert_string_equal(out.id_number_text, "123");
}

static void
each_refusal_names_its_field(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum sid_err err;
        const char *field;
    } cases[] = {
        {"", SID_E_BAD_JSON, "holder"},
        {"[]", SID_E_BAD_JSON, "holder"},
        {"{" NUMBER "," CONSENT "}", SID_E_FIELD_MISSING, "holder.name"},
        {"{" NAME "," CONSENT "}", SID_E_FIELD_MISSING, "holder.id_number"},
        {"{" NAME "," NUMBER "}", SID_E_FIELD_MISSING, "holder.consent"},
        {"{" NAME "," NUMBER "," CONSENT ",\"sex\":\"M\"}", SID_E_FIELD_UNKNOWN,
         "holder.sex"},
        {"{\"name\":\"   \"," NUMBER "," CONSENT "}", SID_E_FIELD_INVALID,
         "holder.name"},
        {"{\"name\":7," NUMBER "," CONSENT "}", SID_E_FIELD_INVALID,
         "holder.name"},
        {"{\"name\":\"a\\u0007b\"," NUMBER "," CONSENT "}", SID_E_FIELD_INVALID,
         "holder.name"},
        {"{" NAME ",\"id_number\":11010519491231," CONSENT "}",
         SID_E_FIELD_INVALID, "holder.id_number"},
        {"{" NAME "," NUMBER ",\"phone\":\"1234\"," CONSENT "}",
         SID_E_FIELD_INVALID, "holder.phone"},
        {"{" NAME "," NUMBER ",\"phone\":\"12345x\"," CONSENT "}",
         SID_E_FIELD_INVALID, "holder.phone"},
        {"{" NAME "," NUMBER ",\"phone\":\"1234567890123456789012345\"," CONSENT
         "}",
         SID_E_FIELD_INVALID, "holder.phone"},
        {"{" NAME "," NUMBER ",\"consent\":true}", SID_E_FIELD_INVALID,
         "holder.consent"},
        {"{" NAME "," NUMBER ",\"consent\":{}}", SID_E_FIELD_MISSING,
         "holder.consent.version"},
        {"{" NAME "," NUMBER ",\"consent\":{\"version\":\"1\"}}",
         SID_E_FIELD_MISSING, "holder.consent.given_at"},
        {"{" NAME "," NUMBER
         ",\"consent\":{\"version\":\"1\",\"given_at\":\"yesterday\"}}",
         SID_E_FIELD_INVALID, "holder.consent.given_at"},
        {"{" NAME "," NUMBER
         ",\"consent\":{\"version\":\"1\",\"given_at\":\"2026-02-30T00:00:00Z"
         "\"}}",
         SID_E_FIELD_INVALID, "holder.consent.given_at"},
        {"{" NAME "," NUMBER
         ",\"consent\":{\"version\":\"1\",\"given_at\":\"2026-11-18T11:00:00Z"
         "\",\"by\":1}}",
         SID_E_FIELD_UNKNOWN, "holder.consent.by"},
        {"{" NAME "," NUMBER
         ",\"consent\":{\"version\":\"123456789012345678901234567890123\","
         "\"given_at\":\"2026-11-18T11:00:00Z\"}}",
         SID_E_FIELD_INVALID, "holder.consent.version"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sid_enrol_submit out;
        char field[SID_FIELD_SIZE];
        assert_int_equal(read_text(cases[i].text, &out, field), cases[i].err);
        assert_string_equal(field, cases[i].field);
    }
}

static void
a_name_of_128_bytes_is_the_longest(void **state) {
    (void)state;
    for (size_t len = 128; len <= 129; len++) {
        char text[512] = "{\"name\":\"";
        memset(text + strlen(text), 'n', len);
        strcat(text, "\"," NUMBER "," CONSENT "}");
        struct sid_enrol_submit out;
        char field[SID_FIELD_SIZE];
        assert_int_equal(read_text(text, &out, field),
                         len == 128 ? SID_OK : SID_E_FIELD_INVALID);
    }
}

static void
consent_may_be_five_minutes_ahead_and_not_more(void **state) {
    (void)state;
    for (int64_t ahead = SID_CONSENT_SKEW_S; ahead <= SID_CONSENT_SKEW_S + 1;
         ahead++) {
        char at[SID_TIME_TEXT_SIZE], text[512] = "";
        sid_time_text(NOW_S + ahead, at);
        strcat(text, "{" NAME "," NUMBER
                     ",\"consent\":{\"version\":\"1\",\"given_at\":\"");
        strcat(text, at);
        strcat(text, "\"}}");
        struct sid_enrol_submit out;
        char field[SID_FIELD_SIZE];
        assert_int_equal(read_text(text, &out, field),
                         ahead == SID_CONSENT_SKEW_S ? SID_OK
                                                     : SID_E_FIELD_INVALID);
    }
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_statement_is_read),
        cmocka_unit_test(the_phone_may_be_left_out),
        cmocka_unit_test(a_wrong_number_is_left_to_the_flow),
        cmocka_unit_test(each_refusal_names_its_field),
        cmocka_unit_test(a_name_of_128_bytes_is_the_longest),
        cmocka_unit_test(consent_may_be_five_minutes_ahead_and_not_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
