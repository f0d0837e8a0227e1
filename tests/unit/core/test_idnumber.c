/* test_idnumber.c: the citizen's number, with the published specimen numbers
 * and numbers made from them that nobody was ever given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "smartid/idnumber.h"

#define NOW_S INT64_C(1795428000) /* 2026-11-23T10:00:00Z, 18:00 in China */
/* Source: the examples in GB 11643-1999. */
#define WOMAN "11010519491231002X"
#define MAN "440524188001010014"

static enum sid_err
judge_at(const char *text, int64_t now_s, char out[SID_IDNUMBER_SIZE]) {
    return sid_idnumber_normalise(text, strlen(text), now_s, out);
}

static void
taken_as(const char *text, const char *number) {
    char out[SID_IDNUMBER_SIZE] = "";
    assert_int_equal(judge_at(text, NOW_S, out), SID_OK);
    assert_string_equal(out, number);
}

static void
refused_at(const char *text, int64_t now_s) {
    char out[SID_IDNUMBER_SIZE] = "untouched";
    assert_int_equal(judge_at(text, now_s, out), SID_E_FIELD_INVALID);
    assert_string_equal(out, "untouched");
}

static void
refused(const char *text) {
    refused_at(text, NOW_S);
}

/* A number with this birth date and the right check digit. */
static const char *
born(const char *date, char out[SID_IDNUMBER_SIZE]) {
    static const int weights[] = {7, 9, 10, 5,  8, 4, 2, 1, 6,
                                  3, 7, 9,  10, 5, 8, 4, 2};
    (void)snprintf(out, SID_IDNUMBER_SIZE, "110105%.8s000", date);
    int sum = 0;
    for (size_t i = 0; i < 17; i++)
        sum += (out[i] - '0') * weights[i];
    out[17] = "10X98765432"[sum % 11];
    out[18] = '\0';
    return out;
}

static void
the_published_numbers_are_taken(void **state) {
    (void)state;
    taken_as(WOMAN, WOMAN);
    taken_as(MAN, MAN);
}

static void
small_differences_of_writing_are_repaired(void **state) {
    (void)state;
    taken_as("11010519491231002x", WOMAN);
    taken_as("  110105 19491231 002X\t", WOMAN);
    taken_as("１１０１０５１９４９１２３１００２Ｘ", WOMAN);
    taken_as("１１０１０５１９４９１２３１００２ｘ", WOMAN);
    taken_as("\xe3\x80\x80"
             "440524\xe3\x80\x80"
             "188001010014",
             MAN);
}

static void
nothing_else_is_repaired(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "",
        " ",
        "1101051949123100",
        "11010519491231002",
        "11010519491231002X1",
        "11010519491231002XX",
        "110105-19491231-002X",
        "11O10519491231002X",
        "1101051949123100X2",
        "X1010519491231002X",
        "11010519491231002Y",
        "11010519491231002*",
        "11010519491231002\xef\xbc",
        "11010519491231002\xef\xbc\xba",
        /* U+FF0F and U+FF1A, beside the digits: the checksum would hold. */
        ("1101051949123100\xef\xbc\x8f"
         "5"),
        ("1101051949123100\xef\xbc\x9a"
         "5"),
        "11010519491231002\xef\xbd\x99", /* U+FF59, behind x */
        "11010519491231002Х",            /* Cyrillic */
        ("\xc2\xa0" WOMAN),
        "110105194912310020",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        refused(wrong[i]);
    char out[SID_IDNUMBER_SIZE];
    assert_int_equal(
        sid_idnumber_normalise("11010519491231002X\0", 19, NOW_S, out),
        SID_E_FIELD_INVALID);
}

static void
a_clock_before_1970_stands_at_its_first_day(void **state) {
    (void)state;
    char out[SID_IDNUMBER_SIZE], number[SID_IDNUMBER_SIZE];
    assert_int_equal(judge_at(WOMAN, -86400, out), SID_OK);
    assert_int_equal(sid_idnumber_age(out, 0), 20);
    refused_at(born("19700102", number), -86400);
}

static void
the_fifteen_digits_of_1989_are_refused(void **state) {
    (void)state;
    refused("110105491231002");
}

static void
every_wrong_digit_is_caught(void **state) {
    (void)state;
    int caught = 0;
    for (size_t at = 0; at < 17; at++) {
        for (char digit = '0'; digit <= '9'; digit++) {
            char number[] = WOMAN;
            if (digit == number[at])
                continue;
            number[at] = digit;
            refused(number);
            caught++;
        }
    }
    assert_int_equal(caught, 153);
    for (char digit = '0'; digit <= '9'; digit++) {
        char number[] = WOMAN;
        number[17] = digit;
        refused(number);
    }
}

static void
every_swap_of_neighbours_is_caught(void **state) {
    (void)state;
    static const char *const numbers[] = {WOMAN, MAN};
    int caught = 0;
    for (size_t n = 0; n < 2; n++) {
        for (size_t at = 0; at < 17; at++) {
            char number[SID_IDNUMBER_SIZE];
            memcpy(number, numbers[n], sizeof number);
            char a = number[at], b = number[at + 1];
            if (a == b)
                continue;
            number[at] = b;
            number[at + 1] = a;
            refused(number);
            caught++;
        }
    }
    assert_true(caught >= 20);
}

static void
only_real_dates_are_taken(void **state) {
    (void)state;
    char number[SID_IDNUMBER_SIZE];
    taken_as(born("20000229", number), number);
    taken_as(born("20240229", number), number);
    taken_as(born("19991231", number), number);
    static const char *const unreal[] = {
        "20230229", "19000229", "20000230", "20000431", "20001301",
        "20000001", "20000100", "20000132", "00000101",
    };
    for (size_t i = 0; i < sizeof unreal / sizeof unreal[0]; i++)
        refused(born(unreal[i], number));
}

static void
nobody_is_born_after_today_in_china(void **state) {
    (void)state;
    char number[SID_IDNUMBER_SIZE];
    taken_as(born("20261123", number), number);
    refused(born("20261124", number));
    /* 16:00 UTC is midnight in China. */
    const int64_t midnight_s = NOW_S + 6 * 3600;
    refused_at(born("20261124", number), midnight_s - 1);
    char out[SID_IDNUMBER_SIZE];
    assert_int_equal(judge_at(number, midnight_s, out), SID_OK);
}

static void
nobody_is_older_than_150_years(void **state) {
    (void)state;
    char number[SID_IDNUMBER_SIZE];
    taken_as(born("18761123", number), number);
    taken_as(born("18751124", number), number); /* 151 tomorrow */
    refused(born("18751123", number));
    refused(born("10000101", number));
}

static void
an_unknown_region_is_no_reason_to_refuse(void **state) {
    (void)state;
    char number[SID_IDNUMBER_SIZE];
    (void)born("20000229", number);
    /* 999999 with a check digit found by trying. */
    memcpy(number, "999999", 6);
    char out[SID_IDNUMBER_SIZE];
    int taken = 0;
    for (const char *c = "0123456789X"; *c != '\0'; c++) {
        number[17] = *c;
        taken += judge_at(number, NOW_S, out) == SID_OK;
    }
    assert_int_equal(taken, 1);
}

static void
a_number_tells_birth_sex_and_region(void **state) {
    (void)state;
    struct sid_birth_date birth = sid_idnumber_birth(WOMAN);
    assert_int_equal(birth.year, 1949);
    assert_int_equal(birth.month, 12);
    assert_int_equal(birth.day, 31);
    assert_int_equal(sid_idnumber_sex(WOMAN), 'F');
    assert_int_equal(sid_idnumber_sex(MAN), 'M');
    char region[7];
    sid_idnumber_region(MAN, region);
    assert_string_equal(region, "440524");
}

static void
age_counts_full_years_in_china(void **state) {
    (void)state;
    char number[SID_IDNUMBER_SIZE];
    assert_int_equal(sid_idnumber_age(WOMAN, NOW_S), 76);
    assert_int_equal(sid_idnumber_age(born("20081123", number), NOW_S), 18);
    assert_int_equal(sid_idnumber_age(born("20081124", number), NOW_S), 17);
    assert_int_equal(
        sid_idnumber_age(born("20081124", number), NOW_S + 6 * 3600), 18);
    assert_int_equal(sid_idnumber_age(born("20261123", number), NOW_S), 0);
    /* Born on 29 February: a year older on 1 March. 2026-02-28, 2026-03-01 */
    (void)born("20080229", number);
    assert_int_equal(sid_idnumber_age(number, 1772236800), 17);
    assert_int_equal(sid_idnumber_age(number, 1772323200), 18);
}

static void
a_masked_number_shows_six_and_four(void **state) {
    (void)state;
    char out[SID_IDNUMBER_SIZE];
    sid_idnumber_mask(WOMAN, out);
    assert_string_equal(out, "110105********002X");
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_numbers_are_taken),
        cmocka_unit_test(small_differences_of_writing_are_repaired),
        cmocka_unit_test(nothing_else_is_repaired),
        cmocka_unit_test(a_clock_before_1970_stands_at_its_first_day),
        cmocka_unit_test(the_fifteen_digits_of_1989_are_refused),
        cmocka_unit_test(every_wrong_digit_is_caught),
        cmocka_unit_test(every_swap_of_neighbours_is_caught),
        cmocka_unit_test(only_real_dates_are_taken),
        cmocka_unit_test(nobody_is_born_after_today_in_china),
        cmocka_unit_test(nobody_is_older_than_150_years),
        cmocka_unit_test(an_unknown_region_is_no_reason_to_refuse),
        cmocka_unit_test(a_number_tells_birth_sex_and_region),
        cmocka_unit_test(age_counts_full_years_in_china),
        cmocka_unit_test(a_masked_number_shows_six_and_four),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
