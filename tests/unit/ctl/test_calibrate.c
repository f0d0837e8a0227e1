/* test_calibrate.c: tables as spreadsheets write them, and the figures that are
 * made of them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../src/ctl/calibrate.h"
#include "../../../src/ctl/csv.h"

/* Reads all records; fields are joined with '|', records with '/'. */
static enum sid_err
join(const char *text, size_t len, char *out) {
    struct sid_csv_reader reader = {.in = sid_span_of(text, len)};
    struct sid_csv_record record = {0};
    enum sid_err err = SID_OK;
    out[0] = '\0';
    while (sid_csv_next(&reader, &record, &err)) {
        for (size_t i = 0; i < record.count; i++) {
            (void)strcat(out, sid_csv_field(&record, i));
            (void)strcat(out, i + 1 < record.count ? "|" : "/");
        }
    }
    sid_csv_record_fini(&record);
    return err;
}

static void
a_table_is_read_as_rfc_4180_says(void **state) {
    (void)state;
    static const struct {
        const char *text, *joined;
    } cases[] = {{"", ""},
                 {"a,b\r\n1,2\r\n", "a|b/1|2/"},
                 {"a,b\n1,2", "a|b/1|2/"},
                 {"\"a,\"\"b\"\"\n\",c", "a,\"b\"\n|c/"},
                 {",\n", "|/"},
                 {"\"\",x", "|x/"},
                 {"\xEF\xBB\xBFpath,b\n\n\nx,y\n", "path|b/x|y/"},
                 {"a b , c", "a b | c/"}};
    char joined[256];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(join(cases[i].text, strlen(cases[i].text), joined),
                         SID_OK);
        assert_string_equal(joined, cases[i].joined);
    }
}

static void
a_table_with_broken_quotes_is_refused(void **state) {
    (void)state;
    char joined[512], many[128];
    static const char *const bad[] = {"\"a", "\"a\"b,c", "a,\"b\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(join(bad[i], strlen(bad[i]), joined),
                         SID_E_BAD_REQUEST);
    assert_int_equal(join("a\0b", 3, joined), SID_E_BAD_REQUEST);
    memset(many, ',', SID_CSV_FIELDS_MAX);
    assert_int_equal(join(many, SID_CSV_FIELDS_MAX, joined), SID_E_BAD_REQUEST);
    assert_int_equal(join(many, SID_CSV_FIELDS_MAX - 1, joined), SID_OK);
}

static void
yes_and_no_are_what_spreadsheets_write(void **state) {
    (void)state;
    static const char *const yes[] = {"1", "true", "TRUE", "True"};
    static const char *const no[] = {"0", "false", "FALSE", "False"};
    static const char *const neither[] = {"",   "2",     "01",   "yes",
                                          " 1", "true ", "wahr", "-1"};
    bool value = false;
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        assert_true(sid_csv_truth(yes[i], &value));
        assert_true(value);
        assert_true(sid_csv_truth(no[i], &value));
        assert_false(value);
    }
    for (size_t i = 0; i < sizeof neither / sizeof neither[0]; i++)
        assert_false(sid_csv_truth(neither[i], &value));
}

static void
a_record_knows_the_line_on_which_it_began(void **state) {
    (void)state;
    static const char text[] = "a,b\r\n\n\"x\ny\",2\n\"broken";
    struct sid_csv_reader reader = {.in = sid_span_str(text)};
    struct sid_csv_record record = {0};
    enum sid_err err = SID_OK;
    assert_true(sid_csv_next(&reader, &record, &err));
    assert_int_equal(record.line, 1);
    assert_true(sid_csv_next(&reader, &record, &err));
    assert_int_equal(record.line, 3);
    assert_false(sid_csv_next(&reader, &record, &err));
    assert_int_equal(err, SID_E_BAD_REQUEST);
    assert_int_equal(record.line, 5);
    reader = (struct sid_csv_reader){.in = sid_span_str("")};
    assert_false(sid_csv_next(&reader, &record, &err));
    assert_int_equal(record.line, 1);
    sid_csv_record_fini(&record);
}

static void
a_written_field_reads_back_the_same(void **state) {
    (void)state;
    static const char *const fields[] = {"plain", "a,b", "say \"hi\"",
                                         "two\nlines", ""};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        char *text = NULL, joined[256], expected[256];
        size_t len = 0;
        FILE *to = open_memstream(&text, &len);
        assert_non_null(to);
        sid_csv_write(to, fields[i]);
        (void)fputs(",x", to);
        assert_int_equal(fclose(to), 0);
        assert_int_equal(join(text, len, joined), SID_OK);
        (void)snprintf(expected, sizeof expected, "%s|x/", fields[i]);
        assert_string_equal(joined, expected);
        free(text);
    }
}

static void
assert_close(double got, double expected) {
    if (fabs(got - expected) > 5e-4 * fmax(expected, 1e-6))
        print_error("%.8g is not %.8g\n", got, expected);
    assert_true(fabs(got - expected) <= 5e-4 * fmax(expected, 1e-6));
}

static void
intervals_are_the_exact_ones_of_the_binomial(void **state) {
    (void)state;
    /* No error in n: one-sided, 1 - 0.05^(1/n); the rule of three. */
    assert_close(sid_share_of(0, 1000).high, 1 - pow(0.05, 1.0 / 1000));
    assert_true(fabs(sid_share_of(0, 1000000).high * 1e6 - 3) < 0.01);
    /* All errors. */
    assert_close(sid_share_of(20, 20).low, pow(0.05, 1.0 / 20));
    assert_close(sid_share_of(20, 20).high, 1);
    /* Two of two coins: (1 of 2) by hand: 1 - sqrt(0.975), sqrt(0.975). */
    assert_close(sid_share_of(1, 2).low, 1 - sqrt(0.975));
    assert_close(sid_share_of(1, 2).high, sqrt(0.975));
    /* Published table: 10 of 100 is 4.90 % .. 17.62 %. */
    assert_true(fabs(sid_share_of(10, 100).low - 0.0490) < 0.0001);
    assert_true(fabs(sid_share_of(10, 100).high - 0.1762) < 0.0001);
    /* Nothing known. */
    assert_close(sid_share_of(0, 0).high, 1);
}

static void
thresholds_are_told_only_where_the_data_can_tell(void **state) {
    (void)state;
    enum { N = 1000 };
    static float differs[N], same[10];
    for (int i = 0; i < N; i++)
        differs[i] = (float)i / 2000.0F; /* 0 .. 0.4995 */
    for (int i = 0; i < 10; i++)
        same[i] = 0.6F + (float)i / 100.0F;
    const struct sid_scores scores = {
        .same = same, .differs = differs, .same_count = 10, .differs_count = N};
    assert_int_equal(sid_scores_at_least(differs, N, 0), N);
    assert_int_equal(sid_scores_at_least(differs, N, differs[N - 1]), 1);
    assert_int_equal(sid_scores_at_least(differs, N, 0.5F), 0);
    float t = 0;
    /* 1e-2: ten strangers may match. */
    assert_true(sid_scores_threshold(&scores, 1e-2, false, &t));
    assert_int_equal(sid_scores_at_least(differs, N, t), 10);
    /* Sure of 1e-2: 4 of 1000 has an upper end of 1.02 %, 3 has 0.87 %. */
    assert_true(sid_scores_threshold(&scores, 1e-2, true, &t));
    assert_int_equal(sid_scores_at_least(differs, N, t), 3);
    /* 1e-3: one of a thousand, but nobody can be sure of it. */
    assert_true(sid_scores_threshold(&scores, 1e-3, false, &t));
    assert_int_equal(sid_scores_at_least(differs, N, t), 1);
    assert_false(sid_scores_threshold(&scores, 1e-3, true, &t));
    assert_false(sid_scores_threshold(&scores, 1e-4, false, &t));
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_read_as_rfc_4180_says),
        cmocka_unit_test(a_table_with_broken_quotes_is_refused),
        cmocka_unit_test(yes_and_no_are_what_spreadsheets_write),
        cmocka_unit_test(a_record_knows_the_line_on_which_it_began),
        cmocka_unit_test(a_written_field_reads_back_the_same),
        cmocka_unit_test(intervals_are_the_exact_ones_of_the_binomial),
        cmocka_unit_test(thresholds_are_told_only_where_the_data_can_tell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
