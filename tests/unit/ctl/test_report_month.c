/* test_report_month.c: thirty synthetic days of forty keys, with twenty abuses
 * planted in them: how many audit report finds, and how often it accuses
 * somebody who did nothing. Source of both limits: reliability F5. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../src/ctl/report.h"

#define DAYS 30
#define HOUR_S 3600
#define DAY_S 86400
/* Sunday 2026-11-01, 00:00 in Beijing. */
#define BEGIN_S INT64_C(1793462400)

#define PEOPLE 60000
#define KEYS 40
#define ABUSES 20
#define FOUND_LEAST 18
#define FALSE_MOST 1 /* per key and month */

/* ---- dice ---------------------------------------------------------------- */

static uint64_t dice;

static int64_t
roll(int64_t below) {
    dice ^= dice >> 12;
    dice ^= dice << 25;
    dice ^= dice >> 27;
    return (int64_t)((dice * 2685821657736338717U) >> 33) % below;
}

static int64_t
between(int64_t least, int64_t most) {
    return least + roll(most - least + 1);
}

/* ---- the checks of a day ------------------------------------------------- */

struct check {
    int64_t at_s;
    int key;
    int person; /* -1: the code stood for nobody */
    const char *outcome;
};

static struct check *checks;
static size_t count, room;

static void
put(int64_t at_s, int key, int person, const char *outcome) {
    if (count == room) {
        room = room == 0 ? 4096 : room * 2;
        checks = reallocarray(checks, room, sizeof *checks);
        assert_non_null(checks);
    }
    checks[count++] = (struct check){at_s, key, person, outcome};
}

static int
by_time(const void *a, const void *b) {
    const struct check *x = a, *y = b;
    return x->at_s < y->at_s ? -1 : x->at_s > y->at_s;
}

/* ---- who works how ------------------------------------------------------- */

static const struct kind {
    const char *purpose;
    int keys;
    int64_t from_h, to_h; /* served */
    int64_t least, most;  /* checks in an hour */
    bool on_sunday;
} kinds[] = {
    {"household_registration", 10, 9, 17, 5, 14, false},
    {"bank_account", 6, 9, 18, 4, 12, false},
    {"drivers_licence", 4, 9, 17, 6, 16, false},
    {"hotel_check_in", 8, 0, 24, 0, 9, true},
    {"train_ticket", 6, 6, 23, 15, 40, true},
    {"security_check", 4, 5, 24, 40, 120, true},
    {"emergency_service", 2, 0, 24, 0, 3, true},
};
#define OFFICE_KEYS 20
#define FIRST_TICKET 28
#define FIRST_GATE 34

static const struct kind *
kind_of(int key) {
    const struct kind *kind = kinds;
    for (int first = 0; key >= first + kind->keys; kind++)
        first += kind->keys;
    return kind;
}

/* People of a day come once, in an order that is new each day. */
static int people[PEOPLE];
static size_t next_person;

static void
shuffle_people(void) {
    for (int i = PEOPLE - 1; i > 0; i--) {
        int64_t other = roll(i + 1);
        int kept = people[i];
        people[i] = people[other];
        people[other] = kept;
    }
    next_person = 0;
}

static int
somebody(void) {
    assert_true(next_person < PEOPLE);
    return people[next_person++];
}

/* One visit: now and then a bad scan before it, or one too many behind it, and
 * seldom a difficult case. */
static void
visit(int64_t at_s, int key, bool bad_scanner) {
    int person = somebody();
    if (roll(bad_scanner ? 4 : 50) == 0)
        put(at_s - 20, key, -1, "code_mac");
    for (int again = 0; again < 4 && roll(500) < (again == 0 ? 1 : 400);
         again++)
        put(at_s + 60 + 300 * again, key, person, "valid");
    if (roll(60) == 0)
        put(at_s - 15, key, person, "code_expired");
    put(at_s, key, person, "valid");
    for (int again = 0; again < 3 && roll(25) == 0; again++)
        put(at_s + 20 + 20 * again, key, person, "valid");
    /* From the ticket counter through the gate of the same station. */
    if (strcmp(kind_of(key)->purpose, "train_ticket") == 0 && roll(3) == 0)
        put(at_s + between(60, 2400), FIRST_GATE + key % 4, person, "valid");
    /* Later that day to another counter of the city. */
    else if (roll(15) == 0 && at_s % DAY_S < 2 * HOUR_S)
        put(at_s + between(2, 5) * HOUR_S, (int)roll(OFFICE_KEYS), person,
            "valid");
}

static void
honest_day(int day) {
    bool sunday = day % 7 == 0;
    shuffle_people();
    for (int key = 0; key < KEYS; key++) {
        const struct kind *kind = kind_of(key);
        if (sunday && !kind->on_sunday)
            continue;
        bool busy = roll(20) == 0; /* the first of a month, a fair */
        bool bad_scanner = roll(40) == 0;
        for (int64_t hour = kind->from_h; hour < kind->to_h; hour++) {
            int64_t n = between(kind->least, kind->most);
            n = busy ? n * 3 / 2 : n;
            for (int64_t i = 0; i < n; i++)
                visit(BEGIN_S + day * DAY_S + hour * HOUR_S + 60 +
                          roll(HOUR_S - 300),
                      key, bad_scanner);
        }
    }
}

/* ---- what is planted ----------------------------------------------------- */

enum abuse_kind { OFTEN, OFTEN_ALL, NIGHT, BULK, MANY_PEOPLE, GUESSING, RELAY };

static struct abuse {
    enum abuse_kind kind;
    int day, key, person;
    bool found;
} abuses[ABUSES];

/* A working day each, keys of offices: there the data is. */
static void
plan(void) {
    static const enum abuse_kind list[ABUSES] = {
        OFTEN, OFTEN,       OFTEN,       OFTEN,    OFTEN_ALL, OFTEN_ALL, NIGHT,
        NIGHT, NIGHT,       NIGHT,       BULK,     BULK,      BULK,      RELAY,
        RELAY, MANY_PEOPLE, MANY_PEOPLE, GUESSING, GUESSING,  RELAY};
    for (int i = 0; i < ABUSES; i++) {
        int day = (int)between(2, DAYS - 2);
        day += day % 7 == 0;
        abuses[i] = (struct abuse){.kind = list[i],
                                   .day = day,
                                   .key = (int)roll(OFFICE_KEYS),
                                   .person = PEOPLE + i};
    }
}

static void
plant(const struct abuse *abuse) {
    int64_t day_s = BEGIN_S + (int64_t)abuse->day * DAY_S;
    int64_t n = 0;
    switch (abuse->kind) {
    case OFTEN: /* a neighbour, looked at again and again */
        n = between(7, 12);
        for (int64_t i = 0; i < n; i++)
            put(day_s + between(9, 16) * HOUR_S + roll(HOUR_S), abuse->key,
                abuse->person, "valid");
        break;
    case OFTEN_ALL: /* somebody that everybody is curious about */
        n = between(11, 14);
        for (int64_t i = 0; i < n; i++)
            put(day_s + 9 * HOUR_S + i * 1500, (int)((abuse->key + i) % 5),
                abuse->person, "valid");
        break;
    case NIGHT: /* a key that somebody took home */
        n = between(1, 6);
        for (int64_t i = 0; i < n; i++)
            put(day_s + 23 * HOUR_S + roll(4 * HOUR_S), abuse->key,
                abuse->person, "valid");
        break;
    case BULK: /* a list that is worked off */
        n = between(75, 150);
        for (int64_t i = 0; i < n; i++)
            put(day_s + 11 * HOUR_S + roll(HOUR_S), abuse->key, somebody(),
                "valid");
        break;
    case MANY_PEOPLE:
        n = between(48, 58);
        for (int64_t i = 0; i < n; i++)
            put(day_s + 14 * HOUR_S + roll(HOUR_S), abuse->key, somebody(),
                "valid");
        break;
    case GUESSING:
        n = between(14, 40);
        for (int64_t i = 0; i < n; i++)
            put(day_s + 10 * HOUR_S + roll(HOUR_S), abuse->key, -1,
                i % 2 == 0 ? "code_mac" : "unknown_credential");
        break;
    case RELAY: /* a picture of a code, shown elsewhere */
        put(day_s + 10 * HOUR_S, abuse->key, abuse->person, "valid");
        put(day_s + 10 * HOUR_S + between(60, 240),
            (abuse->key + 15) % OFFICE_KEYS, abuse->person, "valid");
        break;
    }
}

/* ---- what is said -------------------------------------------------------- */

static int false_alarms[KEYS + 1]; /* the last one: no key was named */
static int64_t told;

static int
number_of(const char *id) {
    return id[0] == '\0' ? -1 : (int)strtol(id + 4, NULL, 10);
}

static void
judge(const struct sid_suspicion *s, void *ctx) {
    int key = number_of(s->client), other = number_of(s->other);
    int person = number_of(s->credential);
    int64_t day = (s->at_s - BEGIN_S) / DAY_S;
    bool meant = false;
    (void)ctx;
    told++;
    for (int i = 0; i < ABUSES; i++) {
        struct abuse *a = &abuses[i];
        bool same_day =
            day == a->day || (a->kind == NIGHT && day == a->day + 1);
        bool same_who = key == a->key || other == a->key ||
                        (person >= PEOPLE && person == a->person);
        if (same_day && same_who) {
            a->found = true;
            meant = true;
        }
    }
    if (meant)
        return;
    print_message("false: %s %s %s %s: %s\n", sid_report_rule_name(s->rule),
                  s->client, s->other, s->credential, s->text);
    false_alarms[key < 0 ? KEYS : key]++;
    if (other >= 0 && other != key)
        false_alarms[other]++;
}

static void
report_day(struct sid_report *report) {
    qsort(checks, count, sizeof *checks, by_time);
    for (size_t i = 0; i < count; i++) {
        char client[32], credential[32] = "", counter[8];
        const struct check *c = &checks[i];
        (void)snprintf(client, sizeof client, "cli_%026d", c->key);
        (void)snprintf(counter, sizeof counter, "%d", c->key);
        if (c->person >= 0)
            (void)snprintf(credential, sizeof credential, "crd_%026d",
                           c->person);
        struct sid_report_check check = {
            .at_s = c->at_s,
            .client = client,
            .credential = credential,
            .outcome = c->outcome,
            .purpose = sid_span_str(kind_of(c->key)->purpose),
            .counter = sid_span_str(counter),
        };
        assert_int_equal(sid_report_add(report, &check), SID_OK);
    }
    count = 0;
}

/* Counters over a city 30 km wide; a gate stands where its trains are. */
static struct sid_places *
map(void) {
    char path[] = "/tmp/sid-places-XXXXXX", problem[200];
    struct sid_places *places = NULL;
    int fd = mkstemp(path);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    assert_non_null(out);
    (void)fputs("counter,latitude,longitude\n", out);
    for (int key = 0; key < KEYS; key++) {
        bool station = key >= FIRST_TICKET && key < FIRST_GATE + 4;
        int at = !station           ? key
                 : key < FIRST_GATE ? FIRST_TICKET + key % 4
                                    : FIRST_TICKET + key - FIRST_GATE;
        (void)fprintf(out, "%d,%.4f,%.4f\n", key, 39.80 + 0.02 * (at % 10),
                      116.20 + 0.11 * (double)(at / 10));
    }
    assert_int_equal(fclose(out), 0);
    assert_int_equal(sid_places_read(path, &places, problem, sizeof problem),
                     SID_OK);
    assert_int_equal(unlink(path), 0);
    return places;
}

static void
month(uint64_t seed) {
    struct sid_report_limits limits;
    struct sid_report *report = NULL;
    struct sid_places *places = map();
    size_t all = 0;
    dice = seed * 0x9e3779b97f4a7c15U + 1;
    told = 0;
    memset(false_alarms, 0, sizeof false_alarms);
    for (int i = 0; i < PEOPLE; i++)
        people[i] = i;
    plan();
    sid_report_limits_default(&limits);
    assert_int_equal(sid_report_new(&limits, places, judge, NULL, &report),
                     SID_OK);
    for (int day = 0; day < DAYS; day++) {
        honest_day(day);
        for (int i = 0; i < ABUSES; i++)
            if (abuses[i].day == day)
                plant(&abuses[i]);
        all += count;
        report_day(report);
    }
    sid_report_end(&report);
    sid_places_free(&places);
    int found = 0, most_false = 0, sum_false = 0;
    for (int i = 0; i < ABUSES; i++) {
        found += abuses[i].found;
        if (!abuses[i].found)
            print_message("missed: kind %d day %d key %d\n", abuses[i].kind,
                          abuses[i].day, abuses[i].key);
    }
    for (int key = 0; key <= KEYS; key++) {
        sum_false += false_alarms[key];
        most_false =
            false_alarms[key] > most_false ? false_alarms[key] : most_false;
    }
    print_message("seed %d: %zu checks, %d of %d abuses found, %d false "
                  "alarms, at most %d for one key\n",
                  (int)seed, all, found, ABUSES, sum_false, most_false);
    assert_true(found >= FOUND_LEAST);
    assert_true(most_false <= FALSE_MOST);
}

static void
eighteen_of_twenty_abuses_are_found_and_hardly_anybody_is_accused(
    void **state) {
    (void)state;
    const char *many = getenv("SID_MONTHS"); /* make check-slow: 20 */
    int64_t months = many != NULL ? strtoll(many, NULL, 10) : 1;
    assert_true(months > 0);
    for (int64_t seed = 1; seed <= months; seed++)
        month((uint64_t)seed);
    free(checks);
    checks = NULL;
    count = room = 0;
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            eighteen_of_twenty_abuses_are_found_and_hardly_anybody_is_accused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
