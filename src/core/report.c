/* report.c: the rules of report.h. Each window's counts lie in a table
 * that is judged and emptied when the window ends. Owns the tables. */
#include "smartid/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/tally.h"

#define HOUR_S 3600
#define DAY_S 86400
/* Kinds of purposes that are told apart; the rest is one. */
#define PURPOSES_MAX 64
#define PURPOSE_SIZE 48
/* Largest count that a median is kept of. */
#define MEDIAN_MAX 2048
/* Source of both: own choice. */
#define ONE_LOOK_S 30 /* a scan so soon after another is the same look */
/* Clocks are not trusted closer than that: what is nearer than a minute's way
 * is one place. */
#define ONE_MOMENT_S 60

/* How many key-hours had which count, to find the median of all so far. */
struct spread {
    int64_t hours[MEDIAN_MAX + 1];
    int64_t total;
};

struct purpose {
    char name[PURPOSE_SIZE];
    bool sleeps_not; /* at home at night */
    struct spread checks, people;
};

struct sid_report {
    const struct sid_report_limits *limits;
    const struct sid_places *places;
    sid_suspicion_fn *tell;
    void *ctx;
    bool begun;
    int64_t hour, day, night; /* windows that are open, by their number */
    struct sid_tallies pairs, persons;       /* of the day */
    struct sid_tallies nights;               /* of the night */
    struct sid_tallies works, seen, clients; /* of the hour */
    struct sid_tallies last[2]; /* where a person was last: today, yesterday */
    struct purpose purpose[PURPOSES_MAX];
    int purposes;
};

const char *
sid_report_rule_name(enum sid_report_rule rule) {
    static const char *const names[] = {
        [SID_RULE_OFTEN] = "often",       [SID_RULE_OFTEN_ALL] = "often_all",
        [SID_RULE_NIGHT] = "night",       [SID_RULE_BULK] = "bulk",
        [SID_RULE_PEOPLE] = "people",     [SID_RULE_NOT_VALID] = "not_valid",
        [SID_RULE_PLACES] = "two_places",
    };
    return names[rule];
}

void
sid_report_limits_default(struct sid_report_limits *out) {
    *out = (struct sid_report_limits){
        .utc_offset_s = (int64_t)8 * HOUR_S,
        .night_from_h = 22,
        .night_to_h = 6,
        .often = 5,
        .often_all = 10,
        .bulk = 60,
        .people = 40,
        .factor = 4,
        .not_valid = 10,
        .near_min = 5,
        .speed_kmh = 150,
        .night_purposes = "hotel_check_in,train_ticket,security_check,"
                          "emergency_service,immigration_service",
    };
}

/* Rounds down, below zero too. */
static int64_t
window(int64_t at_s, int64_t length_s) {
    return at_s / length_s - (at_s % length_s < 0 ? 1 : 0);
}

/* ---- telling ------------------------------------------------------------- */

static void
tell(const struct sid_report *report, struct sid_suspicion *suspicion) {
    if (suspicion->other == NULL)
        suspicion->other = "";
    report->tell(suspicion, report->ctx);
}

/* The first second of a window in Unix time. */
static int64_t
began_s(const struct sid_report *report, int64_t number, int64_t length_s) {
    return number * length_s - report->limits->utc_offset_s;
}

/* ---- the day: one person, often ------------------------------------------ */

static void
judge_pair(const struct sid_report *report, const struct sid_tally *tally) {
    if (tally->count <= report->limits->often)
        return;
    struct sid_suspicion s = {.rule = SID_RULE_OFTEN,
                              .at_s = began_s(report, report->day, DAY_S),
                              .client = tally->client,
                              .credential = tally->credential,
                              .count = tally->count};
    (void)snprintf(s.text, sizeof s.text,
                   "%" PRId64 " looks at one person by one key in a day "
                   "(limit %" PRId64 ")",
                   tally->count, report->limits->often);
    tell(report, &s);
}

static void
judge_person(const struct sid_report *report, const struct sid_tally *tally) {
    if (tally->count <= report->limits->often_all)
        return;
    struct sid_suspicion s = {.rule = SID_RULE_OFTEN_ALL,
                              .at_s = began_s(report, report->day, DAY_S),
                              .client = "",
                              .credential = tally->credential,
                              .count = tally->count};
    (void)snprintf(s.text, sizeof s.text,
                   "%" PRId64 " looks at one person in a day, in all (limit "
                   "%" PRId64 ")",
                   tally->count, report->limits->often_all);
    tell(report, &s);
}

typedef void judge_fn(const struct sid_report *report,
                      const struct sid_tally *tally);

static void
judge_all(const struct sid_report *report, const struct sid_tallies *tallies,
          judge_fn *judge) {
    for (size_t i = 0; i < tallies->room; i++) {
        if (tallies->slot[i].key[0] != '\0')
            judge(report, &tallies->slot[i]);
    }
}

static void
end_day(struct sid_report *report) {
    judge_all(report, &report->pairs, judge_pair);
    judge_all(report, &report->persons, judge_person);
    sid_tallies_clear(&report->pairs);
    sid_tallies_clear(&report->persons);
    struct sid_tallies yesterday = report->last[1];
    report->last[1] = report->last[0];
    report->last[0] = yesterday;
    sid_tallies_clear(&report->last[0]);
}

/* ---- the night ----------------------------------------------------------- */

static bool
is_night(const struct sid_report *report, int64_t local_s) {
    int64_t hour = window(local_s, HOUR_S) - window(local_s, DAY_S) * 24;
    int64_t from = report->limits->night_from_h;
    int64_t to = report->limits->night_to_h;
    return from <= to ? hour >= from && hour < to : hour >= from || hour < to;
}

static void
judge_night(const struct sid_report *report, const struct sid_tally *tally) {
    struct sid_suspicion s = {.rule = SID_RULE_NIGHT,
                              .at_s = tally->at_s,
                              .client = tally->client,
                              .credential = "",
                              .count = tally->count};
    (void)snprintf(s.text, sizeof s.text,
                   "%" PRId64 " checks at night, for purposes that are not "
                   "served then",
                   tally->count);
    tell(report, &s);
}

static void
end_night(struct sid_report *report) {
    judge_all(report, &report->nights, judge_night);
    sid_tallies_clear(&report->nights);
}

/* ---- the hour ------------------------------------------------------------ */

static void
spread_add(struct spread *spread, int64_t count) {
    spread->hours[count > MEDIAN_MAX ? MEDIAN_MAX : count]++;
    spread->total++;
}

static int64_t
median(const struct spread *spread) {
    int64_t count = 0;
    int64_t below = spread->hours[0];
    while (2 * below < spread->total) /* of which the last one has all */
        below += spread->hours[++count];
    return count;
}

static bool
is_far_above(const struct sid_report *report, int64_t count, int64_t floor,
             int64_t usual) {
    return count > floor && count > report->limits->factor * usual;
}

/* Against the usual of those who do the same work. */
static void
judge_work(const struct sid_report *report, const struct sid_tally *tally) {
    const struct purpose *purpose = &report->purpose[tally->purpose];
    int64_t usual = median(&purpose->checks);
    int64_t usual_people = median(&purpose->people);
    bool bulk = is_far_above(report, tally->count, report->limits->bulk, usual);
    bool people = is_far_above(report, tally->people, report->limits->people,
                               usual_people);
    if (!bulk && !people)
        return;
    struct sid_suspicion s = {.rule = bulk ? SID_RULE_BULK : SID_RULE_PEOPLE,
                              .at_s = began_s(report, report->hour, HOUR_S),
                              .client = tally->client,
                              .credential = "",
                              .count = bulk ? tally->count : tally->people};
    (void)snprintf(
        s.text, sizeof s.text,
        "%" PRId64 " checks of %" PRId64
        " people in an hour for %s (usual: %" PRId64 " of %" PRId64 ")",
        tally->count, tally->people, purpose->name, usual, usual_people);
    tell(report, &s);
}

static void
judge_answers(const struct sid_report *report, const struct sid_tally *tally) {
    if (tally->not_valid < report->limits->not_valid ||
        3 * tally->not_valid < tally->count)
        return;
    struct sid_suspicion s = {.rule = SID_RULE_NOT_VALID,
                              .at_s = began_s(report, report->hour, HOUR_S),
                              .client = tally->client,
                              .credential = "",
                              .count = tally->not_valid};
    (void)snprintf(s.text, sizeof s.text,
                   "%" PRId64 " of %" PRId64
                   " checks in an hour were not valid (limit %" PRId64 ")",
                   tally->not_valid, tally->count, report->limits->not_valid);
    tell(report, &s);
}

static void
end_hour(struct sid_report *report) {
    /* All of the hour first: the median is of everybody's work. */
    for (size_t i = 0; i < report->works.room; i++) {
        const struct sid_tally *tally = &report->works.slot[i];
        if (tally->key[0] == '\0')
            continue;
        spread_add(&report->purpose[tally->purpose].checks, tally->count);
        spread_add(&report->purpose[tally->purpose].people, tally->people);
    }
    judge_all(report, &report->works, judge_work);
    judge_all(report, &report->clients, judge_answers);
    sid_tallies_clear(&report->works);
    sid_tallies_clear(&report->seen);
    sid_tallies_clear(&report->clients);
}

/* ---- one check ----------------------------------------------------------- */

static bool
is_listed(const char *list, const char *name) {
    size_t len = strlen(name);
    for (const char *at = list; at != NULL;) {
        size_t word = strcspn(at, ",");
        if (word == len && memcmp(at, name, len) == 0)
            return true;
        at = at[word] == '\0' ? NULL : at + word + 1;
    }
    return false;
}

/* The index of a purpose; those that find no room are the last one. */
static int
purpose_of(struct sid_report *report, struct sid_span text) {
    char name[PURPOSE_SIZE];
    size_t len = text.len < sizeof name - 1 ? text.len : sizeof name - 1;
    memcpy(name, len == 0 ? "" : (const char *)text.ptr, len);
    name[len] = '\0';
    int i = 0;
    while (i < report->purposes && strcmp(report->purpose[i].name, name) != 0)
        i++;
    if (i < report->purposes)
        return i;
    if (i == PURPOSES_MAX)
        return PURPOSES_MAX - 1;
    memcpy(report->purpose[i].name, name, sizeof name);
    report->purpose[i].sleeps_not =
        is_listed(report->limits->night_purposes, name);
    report->purposes++;
    return i;
}

/* Counts one more under the key; NULL without memory. */
static struct sid_tally *
count(struct sid_tallies *tallies, const char *key,
      const struct sid_report_check *check) {
    struct sid_tally *tally = sid_tally_get(tallies, key);
    if (tally == NULL)
        return NULL;
    if (tally->count++ == 0) {
        (void)snprintf(tally->client, sizeof tally->client, "%s",
                       check->client);
        (void)snprintf(tally->credential, sizeof tally->credential, "%s",
                       check->credential);
        tally->at_s = check->at_s;
    }
    return tally;
}

static enum sid_err
count_day(struct sid_report *report, const struct sid_report_check *check) {
    char key[SID_TALLY_KEY_SIZE];
    if (check->credential[0] == '\0')
        return SID_OK;
    (void)snprintf(key, sizeof key, "%.30s %.30s", check->credential,
                   check->client);
    const struct sid_tally *pair = sid_tally_find(&report->pairs, key);
    int64_t since_s = pair == NULL ? ONE_LOOK_S : check->at_s - pair->at_s;
    bool again = since_s >= 0 && since_s < ONE_LOOK_S;
    struct sid_tally *now = again ? sid_tally_get(&report->pairs, key)
                                  : count(&report->pairs, key, check);
    if (now == NULL)
        return SID_E_NO_MEMORY;
    now->at_s = check->at_s;
    if (again)
        return SID_OK;
    (void)snprintf(key, sizeof key, "%.30s", check->credential);
    return count(&report->persons, key, check) == NULL ? SID_E_NO_MEMORY
                                                       : SID_OK;
}

/* Whatever a spoilt row has for a client, the key is one. */
static enum sid_err
count_night(struct sid_report *report, const struct sid_report_check *check) {
    char key[SID_TALLY_KEY_SIZE];
    (void)snprintf(key, sizeof key, "=%.30s", check->client);
    return count(&report->nights, key, check) == NULL ? SID_E_NO_MEMORY
                                                      : SID_OK;
}

/* What no honest code gives: one of yesterday does, one whose card has expired,
 * one that is not what the purpose asks for, and one that nobody could check.
 */
static bool
is_refused(const char *outcome) {
    static const char *const honest[] = {"valid",
                                         "code_expired",
                                         "expired",
                                         "assurance_too_low",
                                         "live_code_required",
                                         "could_not_check"};
    for (size_t i = 0; i < sizeof honest / sizeof honest[0]; i++) {
        if (strcmp(outcome, honest[i]) == 0)
            return false;
    }
    return true;
}

static enum sid_err
count_hour(struct sid_report *report, const struct sid_report_check *check,
           int purpose) {
    char key[SID_TALLY_KEY_SIZE];
    (void)snprintf(key, sizeof key, "%.30s %d", check->client, purpose);
    struct sid_tally *work = count(&report->works, key, check);
    if (work == NULL)
        return SID_E_NO_MEMORY;
    work->purpose = purpose;
    if (check->credential[0] != '\0') {
        (void)snprintf(key, sizeof key, "%.30s %d %.30s", check->client,
                       purpose, check->credential);
        const struct sid_tally *seen = count(&report->seen, key, check);
        if (seen == NULL)
            return SID_E_NO_MEMORY;
        work->people += seen->count == 1;
    }
    (void)snprintf(key, sizeof key, "=%.30s", check->client);
    struct sid_tally *client = count(&report->clients, key, check);
    if (client == NULL)
        return SID_E_NO_MEMORY;
    client->not_valid += is_refused(check->outcome);
    return SID_OK;
}

/* ---- two places ---------------------------------------------------------- */

static int
place_of(const struct sid_report *report,
         const struct sid_report_check *check) {
    char counter[SID_TALLY_KEY_SIZE] = "";
    if (check->counter.len > 0 && check->counter.len < sizeof counter)
        memcpy(counter, check->counter.ptr, check->counter.len);
    int place = sid_places_find(report->places, counter);
    return place >= 0 ? place : sid_places_find(report->places, check->client);
}

/* Fills the suspicion's text when a person cannot have come from there. */
static bool
too_fast(const struct sid_report *report, const struct sid_tally *before,
         const struct sid_report_check *check, int place,
         struct sid_suspicion *s) {
    int64_t took_s = check->at_s - before->at_s;
    if (took_s < 0)
        return false; /* the clock was set back */
    if (before->place >= 0 && place >= 0) {
        double km = sid_places_km(report->places, before->place, place);
        double hours =
            (double)(took_s < ONE_MOMENT_S ? ONE_MOMENT_S : took_s) / HOUR_S;
        (void)snprintf(s->text, sizeof s->text,
                       "one person at two counters, %.0f km in %" PRId64
                       " minutes (limit %" PRId64 " km/h)",
                       km, took_s / 60, report->limits->speed_kmh);
        return km / hours > (double)report->limits->speed_kmh;
    }
    (void)snprintf(s->text, sizeof s->text,
                   "one person, two keys, within %" PRId64
                   " minutes (limit %" PRId64 ")",
                   took_s / 60, report->limits->near_min);
    return strncmp(before->client, check->client, sizeof before->client - 1) !=
               0 &&
           took_s <= report->limits->near_min * 60;
}

static enum sid_err
follow(struct sid_report *report, const struct sid_report_check *check) {
    char key[SID_TALLY_KEY_SIZE];
    if (check->credential[0] == '\0')
        return SID_OK;
    (void)snprintf(key, sizeof key, "%.30s", check->credential);
    int place = place_of(report, check);
    const struct sid_tally *yesterday = sid_tally_find(&report->last[1], key);
    struct sid_tally *now = sid_tally_get(&report->last[0], key);
    if (now == NULL)
        return SID_E_NO_MEMORY;
    const struct sid_tally *before = now->count > 0 ? now : yesterday;
    struct sid_suspicion s = {.rule = SID_RULE_PLACES,
                              .at_s = check->at_s,
                              .client = check->client,
                              .credential = check->credential,
                              .count = 2};
    bool told = now->told_day == report->day;
    if (before != NULL && !told && too_fast(report, before, check, place, &s)) {
        s.other = before->client;
        now->told_day = report->day;
        tell(report, &s);
    }
    now->count++;
    now->at_s = check->at_s;
    now->place = place;
    (void)snprintf(now->client, sizeof now->client, "%s", check->client);
    return SID_OK;
}

/* ---- the stream ---------------------------------------------------------- */

static void
end_windows(struct sid_report *report, int64_t hour, int64_t day,
            int64_t night) {
    if (report->begun && hour != report->hour)
        end_hour(report);
    if (report->begun && night != report->night)
        end_night(report);
    if (report->begun && day != report->day)
        end_day(report);
    report->hour = hour;
    report->day = day;
    report->night = night;
    report->begun = true;
}

enum sid_err
sid_report_add(struct sid_report *report,
               const struct sid_report_check *check) {
    int64_t local_s = check->at_s + report->limits->utc_offset_s;
    /* A night belongs to the evening it begins in. */
    int64_t night =
        window(local_s - report->limits->night_to_h * HOUR_S, DAY_S);
    end_windows(report, window(local_s, HOUR_S), window(local_s, DAY_S), night);
    int purpose = purpose_of(report, check->purpose);
    enum sid_err err = count_day(report, check);
    if (err == SID_OK)
        err = count_hour(report, check, purpose);
    if (err == SID_OK && is_night(report, local_s) &&
        !report->purpose[purpose].sleeps_not)
        err = count_night(report, check);
    if (err == SID_OK)
        err = follow(report, check);
    return err;
}

enum sid_err
sid_report_new(const struct sid_report_limits *limits,
               const struct sid_places *places, sid_suspicion_fn *told,
               void *ctx, struct sid_report **out) {
    struct sid_report *report = calloc(1, sizeof *report);
    if (report == NULL)
        return SID_E_NO_MEMORY;
    report->limits = limits;
    report->places = places;
    report->tell = told;
    report->ctx = ctx;
    *out = report;
    return SID_OK;
}

size_t
sid_report_held(const struct sid_report *report) {
    return report->pairs.used + report->persons.used + report->nights.used +
           report->works.used + report->seen.used + report->clients.used +
           report->last[0].used + report->last[1].used;
}

void
sid_report_end(struct sid_report **report) {
    if (*report != NULL && (*report)->begun) {
        end_hour(*report);
        end_night(*report);
        end_day(*report);
    }
    sid_report_free(report);
}

void
sid_report_free(struct sid_report **report) {
    struct sid_report *me = *report;
    if (me == NULL)
        return;
    sid_tallies_fini(&me->pairs);
    sid_tallies_fini(&me->persons);
    sid_tallies_fini(&me->nights);
    sid_tallies_fini(&me->works);
    sid_tallies_fini(&me->seen);
    sid_tallies_fini(&me->clients);
    sid_tallies_fini(&me->last[0]);
    sid_tallies_fini(&me->last[1]);
    free(me);
    *report = NULL;
}
