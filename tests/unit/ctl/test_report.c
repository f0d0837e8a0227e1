/* test_report.c: each rule of audit report at its limit, and what it reads of
 * places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../src/ctl/places.h"

/* Monday 2026-11-23, 10:00 in Beijing. */
#define MORNING_S INT64_C(1795399200)
#define HOUR_S 3600
#define DAY_S 86400

static struct sid_report_limits limits;
static struct sid_report *report;
static struct sid_places *places;
static char told[4096];

static void
note(const struct sid_suspicion *s, void *ctx) {
    size_t len = strlen(told);
    (void)ctx;
    (void)snprintf(told + len, sizeof told - len, "%s %s%s%s %s %lld;",
                   sid_report_rule_name(s->rule), s->client,
                   s->other[0] != '\0' ? "+" : "", s->other, s->credential,
                   (long long)s->count);
    assert_true(strlen(s->text) > 10);
}

static int
begin(void **state) {
    (void)state;
    told[0] = '\0';
    sid_report_limits_default(&limits);
    return sid_report_new(&limits, places, note, NULL, &report) == SID_OK ? 0
                                                                          : -1;
}

static int
end(void **state) {
    (void)state;
    sid_report_free(&report);
    sid_places_free(&places);
    return 0;
}

struct ask {
    int64_t at_s;
    const char *client, *credential, *outcome, *purpose, *counter;
};

static void
ask(struct ask ask) {
    const char *purpose = ask.purpose == NULL ? "bank_account" : ask.purpose;
    const char *counter = ask.counter == NULL ? "" : ask.counter;
    struct sid_report_check check = {
        .at_s = ask.at_s,
        .client = ask.client == NULL ? "cli_1" : ask.client,
        .credential = ask.credential == NULL ? "" : ask.credential,
        .outcome = ask.outcome == NULL ? "valid" : ask.outcome,
        .purpose = sid_span_str(purpose),
        .counter = sid_span_str(counter),
    };
    assert_int_equal(sid_report_add(report, &check), SID_OK);
}

/* The same as a row of the log. */
static void
row(const char *event, const char *actor, const char *detail) {
    struct sid_audit_entry entry = {.row = {.at_us = MORNING_S * 1000000,
                                            .event = event,
                                            .actor = actor,
                                            .subject = "crd_1",
                                            .outcome = "code_mac",
                                            .detail = detail}};
    assert_int_equal(sid_report_row(report, &entry), SID_OK);
}

static void
expect(const char *expected) {
    sid_report_end(&report);
    assert_string_equal(told, expected);
}

static void
an_empty_log_has_nothing_to_tell(void **state) {
    (void)state;
    expect("");
    expect(""); /* it has ended */
}

/* ---- rows in, JSON out --------------------------------------------------- */

static void
of_the_log_only_checks_that_somebody_made_count(void **state) {
    (void)state;
    for (int i = 0; i < 10; i++) {
        row("verification", "cli_1", "purpose=train_ticket counter=3");
        row("code_issued", "cli_2", "");
        row("verification", "", "");
    }
    expect("not_valid cli_1  10;");
}

static void
what_is_kept_is_counted_and_gone_with_its_window(void **state) {
    (void)state;
    assert_int_equal(sid_report_held(report), 0);
    ask((struct ask){.at_s = MORNING_S, .credential = "crd_1"});
    size_t one = sid_report_held(report);
    ask((struct ask){.at_s = MORNING_S + 1, .credential = "crd_1"});
    assert_int_equal(sid_report_held(report), one);
    ask((struct ask){.at_s = MORNING_S + 2, .credential = "crd_2"});
    assert_true(sid_report_held(report) > one);
    ask((struct ask){.at_s = MORNING_S + 9 * DAY_S, .credential = "crd_3"});
    assert_true(sid_report_held(report) <=
                one + 2); /* and yesterday's places */
}

static void
purposes_beyond_what_can_be_told_apart_are_counted_together(void **state) {
    (void)state;
    for (int i = 0; i < 80; i++) {
        char purpose[8], client[16];
        (void)snprintf(purpose, sizeof purpose, "p%d", i);
        (void)snprintf(client, sizeof client, "cli_%d", i);
        ask((struct ask){MORNING_S, client, NULL, NULL, purpose, NULL});
    }
    for (int i = 0; i < 62; i++)
        ask((struct ask){.at_s = MORNING_S, .purpose = i > 0 ? "p79" : ""});
    expect("bulk cli_1  62;");
}

static void
a_clock_that_was_set_back_begins_another_look(void **state) {
    (void)state;
    for (int i = 0; i < 6; i++)
        ask((struct ask){.at_s = MORNING_S - i, .credential = "crd_1"});
    expect("often cli_1 crd_1 6;");
}

static void
a_suspicion_is_an_object_with_what_is_known(void **state) {
    (void)state;
    struct sid_buf out = SID_BUF_EMPTY;
    struct sid_suspicion s = {.rule = SID_RULE_OFTEN_ALL,
                              .at_s = MORNING_S,
                              .client = "",
                              .other = "",
                              .credential = "crd_1",
                              .count = 11,
                              .text = "so it is"};
    assert_int_equal(sid_suspicion_json(&s, &out), SID_OK);
    assert_int_equal(sid_buf_append(&out, "", 1), SID_OK);
    assert_string_equal((const char *)out.ptr,
                        "{\"rule\":\"often_all\","
                        "\"at\":\"2026-11-23T02:00:00Z\","
                        "\"credential\":\"crd_1\",\"count\":11,"
                        "\"text\":\"so it is\"}");
    sid_buf_free(&out);
}

/* ---- one person, often --------------------------------------------------- */

static void
five_checks_of_a_person_in_a_day_are_usual_and_six_are_not(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++) {
        ask((struct ask){.at_s = MORNING_S + i * HOUR_S,
                         .credential = "crd_1"});
        ask((struct ask){.at_s = MORNING_S + i * HOUR_S,
                         .credential = "crd_2"});
    }
    ask((struct ask){.at_s = MORNING_S + 5 * HOUR_S, .credential = "crd_2"});
    expect("often cli_1 crd_2 6;");
}

static void
scans_that_follow_at_once_are_one_look(void **state) {
    (void)state;
    for (int i = 0; i < 100; i++)
        ask((struct ask){.at_s = MORNING_S + 29 * i, .credential = "crd_1"});
    for (int i = 0; i < 6; i++)
        ask((struct ask){.at_s = MORNING_S + 30 * i, .credential = "crd_2"});
    sid_report_end(&report);
    assert_non_null(strstr(told, "often cli_1 crd_2 6;"));
    assert_null(strstr(told, "crd_1"));
}

static void
a_day_is_the_bureaus(void **state) {
    (void)state;
    /* 23:30 and 00:30 in Beijing are two days, in UTC they are one. */
    int64_t before_s = MORNING_S + 13 * HOUR_S + 1800;
    for (int i = 0; i < 4; i++) {
        ask((struct ask){.at_s = before_s + 60 * i,
                         .credential = "crd_1",
                         .purpose = "train_ticket"});
    }
    for (int i = 0; i < 4; i++)
        ask((struct ask){.at_s = before_s + HOUR_S + 60 * i,
                         .credential = "crd_1",
                         .purpose = "train_ticket"});
    expect("");
}

static void
a_person_who_is_checked_everywhere_is_told_without_a_key(void **state) {
    (void)state;
    char client[16];
    for (int i = 0; i < 11; i++) {
        (void)snprintf(client, sizeof client, "cli_%d", i);
        ask((struct ask){.at_s = MORNING_S + i * 600,
                         .client = client,
                         .credential = "crd_1"});
    }
    expect("often_all  crd_1 11;");
}

/* ---- night --------------------------------------------------------------- */

static void
offices_sleep_from_ten_to_six(void **state) {
    (void)state;
    const int64_t midnight_s = MORNING_S - 10 * HOUR_S;
    ask((struct ask){.at_s = midnight_s + 6 * HOUR_S, .client = "cli_1"});
    ask((struct ask){.at_s = midnight_s + 22 * HOUR_S - 1, .client = "cli_2"});
    ask((struct ask){.at_s = midnight_s + 22 * HOUR_S, .client = "cli_3"});
    ask((struct ask){.at_s = midnight_s + 24 * HOUR_S, .client = "cli_3"});
    ask((struct ask){.at_s = midnight_s + 30 * HOUR_S - 1, .client = "cli_4"});
    ask((struct ask){.at_s = midnight_s + 30 * HOUR_S, .client = "cli_5"});
    ask((struct ask){.at_s = midnight_s + 47 * HOUR_S, .client = "cli_3"});
    /* One finding per key and night. */
    sid_report_end(&report);
    assert_non_null(strstr(told, "night cli_3  2;"));
    assert_non_null(strstr(told, "night cli_4  1;"));
    assert_non_null(strstr(told, "night cli_3  1;"));
    assert_int_equal(strlen(told), 3 * strlen("night cli_3  2;"));
}

static void
hotels_do_not_sleep_and_a_night_may_be_set_or_none(void **state) {
    (void)state;
    const int64_t midnight_s = MORNING_S - 10 * HOUR_S;
    ask((struct ask){.at_s = midnight_s + 3 * HOUR_S,
                     .purpose = "hotel_check_in"});
    ask((struct ask){.at_s = midnight_s + 3 * HOUR_S, .purpose = "hotel"});
    expect("night cli_1  1;");
    told[0] = '\0';
    limits.night_from_h = 1;
    limits.night_to_h = 3;
    assert_int_equal(sid_report_new(&limits, NULL, note, NULL, &report),
                     SID_OK);
    ask((struct ask){.at_s = midnight_s + HOUR_S - 1, .client = "cli_1"});
    ask((struct ask){.at_s = midnight_s + HOUR_S, .client = "cli_2"});
    ask((struct ask){.at_s = midnight_s + 3 * HOUR_S, .client = "cli_3"});
    expect("night cli_2  1;");
    told[0] = '\0';
    limits.night_from_h = limits.night_to_h = 6;
    assert_int_equal(sid_report_new(&limits, NULL, note, NULL, &report),
                     SID_OK);
    for (int h = 0; h < 24; h++)
        ask((struct ask){.at_s = midnight_s + h * HOUR_S});
    expect("");
}

/* ---- an hour ------------------------------------------------------------- */

/* n checks of `people` different people in the hour. */
static void
work(int64_t hour_s, const char *client, int n, int people,
     const char *purpose) {
    char credential[48];
    for (int i = 0; i < n; i++) {
        (void)snprintf(credential, sizeof credential, "crd_%s_%d_%d", client,
                       (int)(hour_s % 100000), i % people);
        ask((struct ask){.at_s = hour_s + i,
                         .client = client,
                         .credential = credential,
                         .purpose = purpose});
    }
}

/* What others do: so much is usual. */
static void
usual(int n) {
    for (int i = 0; i < 8; i++) {
        char client[16];
        (void)snprintf(client, sizeof client, "u_%d", i);
        work(MORNING_S, client, n, n, "bank_account");
    }
}

static void
many_checks_in_an_hour_are_told_when_far_above_floor_and_median(void **state) {
    (void)state;
    usual(10);
    work(MORNING_S + HOUR_S, "cli_1", 60, 20, "bank_account");
    work(MORNING_S + 2 * HOUR_S, "cli_2", 61, 20, "bank_account");
    expect("bulk cli_2  61;");
}

static void
what_is_usual_for_the_work_is_not_told(void **state) {
    (void)state;
    usual(10);
    /* A gate lets hundreds through. */
    for (int i = 0; i < 6; i++)
        work(MORNING_S + HOUR_S, i % 2 == 0 ? "gate_1" : "gate_2", 150, 150,
             "security_check");
    /* Nothing is known of how often this is done: its own is the median. */
    work(MORNING_S + HOUR_S, "cli_3", 61, 61, "drivers_licence");
    expect("");
}

static void
many_different_people_are_told_below_the_floor_of_checks(void **state) {
    (void)state;
    usual(10);
    work(MORNING_S + HOUR_S, "cli_1", 41, 41, "bank_account");
    work(MORNING_S + HOUR_S, "cli_2", 41, 40, "bank_account");
    expect("people cli_1  41;");
}

static void
an_hour_ends_with_the_clock_and_counts_begin_anew(void **state) {
    (void)state;
    usual(10);
    work(MORNING_S + HOUR_S + 3570, "cli_1", 60, 60, "bank_account");
    expect(""); /* 30 in each of two hours */
}

static void
many_answers_that_are_not_valid_are_told_but_not_expired_ones(void **state) {
    (void)state;
    for (int i = 0; i < 10; i++)
        ask((struct ask){
            .at_s = MORNING_S + i, .client = "cli_1", .outcome = "code_mac"});
    for (int i = 0; i < 9; i++)
        ask((struct ask){
            .at_s = MORNING_S + i, .client = "cli_2", .outcome = "code_mac"});
    for (int i = 0; i < 30; i++)
        ask((struct ask){.at_s = MORNING_S + i,
                         .client = "cli_3",
                         .outcome = i % 2 == 0 ? "code_expired"
                                               : "assurance_too_low"});
    for (int i = 0; i < 31; i++)
        ask((struct ask){.at_s = MORNING_S + i,
                         .client = "cli_4",
                         .outcome = i < 10 ? "unknown_credential" : "valid"});
    expect("not_valid cli_1  10;");
}

/* ---- two places ---------------------------------------------------------- */

static void
put_places(const char *csv, enum sid_err expected) {
    char path[] = "/tmp/sid-places-XXXXXX", problem[200] = "";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, csv, strlen(csv)), strlen(csv));
    assert_int_equal(close(fd), 0);
    assert_int_equal(sid_places_read(path, &places, problem, sizeof problem),
                     expected);
    assert_int_equal(problem[0] != '\0', expected == SID_E_BAD_REQUEST);
    assert_int_equal(unlink(path), 0);
}

/* Two offices 20 km apart, a desk beside the first, one in another city. */
#define CSV                                                                    \
    "counter,latitude,longitude\n"                                             \
    "east,39.90,116.60\nwest,39.90,116.365\neast desk 2,39.9001,116.6001\n"    \
    "cli_far,31.23,121.47\n"

static int
begin_with_places(void **state) {
    put_places(CSV, SID_OK);
    return begin(state);
}

static void
a_person_cannot_be_faster_than_a_train_between_two_counters(void **state) {
    (void)state;
    ask((struct ask){.at_s = MORNING_S,
                     .client = "cli_1",
                     .credential = "crd_1",
                     .counter = "east"});
    ask((struct ask){.at_s = MORNING_S + 300,
                     .client = "cli_2",
                     .credential = "crd_1",
                     .counter = "west"});
    ask((struct ask){.at_s = MORNING_S,
                     .client = "cli_1",
                     .credential = "crd_2",
                     .counter = "east"});
    ask((struct ask){.at_s = MORNING_S + 600,
                     .client = "cli_2",
                     .credential = "crd_2",
                     .counter = "west"});
    /* The same key, carried from counter to counter. */
    ask((struct ask){.at_s = MORNING_S,
                     .client = "cli_1",
                     .credential = "crd_3",
                     .counter = "east"});
    ask((struct ask){.at_s = MORNING_S + 10,
                     .client = "cli_1",
                     .credential = "crd_3",
                     .counter = "west"});
    /* By the client's id, across a thousand kilometres. */
    ask((struct ask){.at_s = MORNING_S,
                     .client = "cli_1",
                     .credential = "crd_4",
                     .counter = "east"});
    ask((struct ask){.at_s = MORNING_S + 6 * HOUR_S,
                     .client = "cli_far",
                     .credential = "crd_4"});
    expect("two_places cli_2+cli_1 crd_1 2;two_places cli_1+cli_1 crd_3 2;"
           "two_places cli_far+cli_1 crd_4 2;");
}

static void
a_counter_with_a_name_that_none_can_have_is_nowhere(void **state) {
    (void)state;
    char name[100] = "";
    memset(name, 'x', sizeof name - 1);
    for (int i = 0; i < 2; i++)
        ask((struct ask){.at_s = MORNING_S + 60 * i,
                         .client = i == 0 ? "key_1" : "key_2",
                         .credential = "crd_1",
                         .counter = name});
    expect("two_places key_2+key_1 crd_1 2;"); /* by two keys */
}

static void
two_desks_of_one_house_are_one_place(void **state) {
    (void)state;
    ask((struct ask){.at_s = MORNING_S,
                     .client = "cli_1",
                     .credential = "crd_1",
                     .counter = "east"});
    ask((struct ask){.at_s = MORNING_S + 1,
                     .client = "cli_2",
                     .credential = "crd_1",
                     .counter = "east desk 2"});
    expect("");
}

static void
where_a_place_is_unknown_two_keys_within_five_minutes_are_told(void **state) {
    (void)state;
    ask((struct ask){.at_s = MORNING_S,
                     .client = "cli_1",
                     .credential = "crd_1",
                     .counter = "east"});
    ask((struct ask){.at_s = MORNING_S + 300,
                     .client = "cli_2",
                     .credential = "crd_1",
                     .counter = "?"});
    ask((struct ask){
        .at_s = MORNING_S, .client = "cli_1", .credential = "crd_2"});
    ask((struct ask){
        .at_s = MORNING_S + 301, .client = "cli_2", .credential = "crd_2"});
    ask((struct ask){
        .at_s = MORNING_S, .client = "cli_1", .credential = "crd_3"});
    ask((struct ask){
        .at_s = MORNING_S + 1, .client = "cli_1", .credential = "crd_3"});
    expect("two_places cli_2+cli_1 crd_1 2;");
}

static void
a_person_is_followed_over_midnight_and_told_once_a_day(void **state) {
    (void)state;
    int64_t midnight_s = MORNING_S + 14 * HOUR_S;
    const char *purpose = "train_ticket";
    ask((struct ask){.at_s = midnight_s - 60,
                     .client = "cli_1",
                     .credential = "crd_1",
                     .purpose = purpose});
    ask((struct ask){.at_s = midnight_s + 60,
                     .client = "cli_2",
                     .credential = "crd_1",
                     .purpose = purpose});
    ask((struct ask){.at_s = midnight_s + 70,
                     .client = "cli_1",
                     .credential = "crd_1",
                     .purpose = purpose});
    ask((struct ask){.at_s = midnight_s + DAY_S,
                     .client = "cli_1",
                     .credential = "crd_1",
                     .purpose = purpose});
    ask((struct ask){.at_s = midnight_s + DAY_S + 9,
                     .client = "cli_2",
                     .credential = "crd_1",
                     .purpose = purpose});
    expect("two_places cli_2+cli_1 crd_1 2;two_places cli_2+cli_1 crd_1 2;");
}

static void
a_clock_that_was_set_back_is_no_finding(void **state) {
    (void)state;
    ask((struct ask){
        .at_s = MORNING_S, .client = "cli_1", .credential = "crd_1"});
    ask((struct ask){
        .at_s = MORNING_S - 60, .client = "cli_2", .credential = "crd_1"});
    ask((struct ask){.at_s = -5,
                     .client = "cli_2",
                     .credential = "crd_9",
                     .purpose = "train_ticket"});
    expect("");
}

static void
the_distance_is_that_of_the_globe(void **state) {
    (void)state;
    int beijing = sid_places_find(places, "east");
    int shanghai = sid_places_find(places, "cli_far");
    assert_true(beijing >= 0 && shanghai >= 0);
    /* Source: great circle between these coordinates, computed elsewhere. */
    assert_true(fabs(sid_places_km(places, beijing, shanghai) - 1059.5) < 0.5);
    assert_true(sid_places_km(places, beijing, beijing) < 0.001);
    assert_int_equal(sid_places_find(places, "nowhere"), -1);
    assert_int_equal(sid_places_find(places, ""), -1);
    assert_int_equal(sid_places_find(NULL, "east"), -1);
}

static void
a_table_of_counters_of_another_form_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "counter,latitude\na,1\n",
        "a,1,2\n",
        "counter,latitude,longitude\na,1\n",
        "counter,latitude,longitude\na,91,2\n",
        "counter,latitude,longitude\na,1,181\n",
        "counter,latitude,longitude\na,nan,1\n",
        "counter,latitude,longitude\na,1,2x\n",
        "counter,latitude,longitude\n,1,2\n",
        "counter,latitude,longitude\n"
        "a counter with a name that is longer than any name of a counter may "
        "be and then some more of it and more,1,2\n",
        "counter,latitude,longitude\na,1,2\na,3,4\n",
        "counter,latitude,longitude\n\"a,1,2\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put_places(bad[i], SID_E_BAD_REQUEST);
        assert_null(places);
    }
    put_places("x,longitude,counter,latitude\n9,2,\"b, c\",1\n", SID_OK);
    assert_int_equal(sid_places_find(places, "b, c"), 0);
    sid_places_free(&places);
    char problem[200];
    assert_int_equal(
        sid_places_read("/nowhere", &places, problem, sizeof problem),
        SID_E_IO);
}

int
main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
#define P(name) cmocka_unit_test_setup_teardown(name, begin_with_places, end)
    const struct CMUnitTest tests[] = {
        T(an_empty_log_has_nothing_to_tell),
        T(of_the_log_only_checks_that_somebody_made_count),
        T(what_is_kept_is_counted_and_gone_with_its_window),
        T(purposes_beyond_what_can_be_told_apart_are_counted_together),
        T(a_clock_that_was_set_back_begins_another_look),
        T(a_suspicion_is_an_object_with_what_is_known),
        T(five_checks_of_a_person_in_a_day_are_usual_and_six_are_not),
        T(scans_that_follow_at_once_are_one_look),
        T(a_day_is_the_bureaus),
        T(a_person_who_is_checked_everywhere_is_told_without_a_key),
        T(offices_sleep_from_ten_to_six),
        T(hotels_do_not_sleep_and_a_night_may_be_set_or_none),
        T(many_checks_in_an_hour_are_told_when_far_above_floor_and_median),
        T(what_is_usual_for_the_work_is_not_told),
        T(many_different_people_are_told_below_the_floor_of_checks),
        T(an_hour_ends_with_the_clock_and_counts_begin_anew),
        T(many_answers_that_are_not_valid_are_told_but_not_expired_ones),
        P(a_person_cannot_be_faster_than_a_train_between_two_counters),
        P(a_counter_with_a_name_that_none_can_have_is_nowhere),
        P(two_desks_of_one_house_are_one_place),
        P(where_a_place_is_unknown_two_keys_within_five_minutes_are_told),
        T(a_person_is_followed_over_midnight_and_told_once_a_day),
        T(a_clock_that_was_set_back_is_no_finding),
        P(the_distance_is_that_of_the_globe),
        T(a_table_of_counters_of_another_form_is_refused),
    };
#undef T
#undef P
    return cmocka_run_group_tests(tests, NULL, NULL);
}
