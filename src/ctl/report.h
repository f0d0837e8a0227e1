/* report.h: what in the audit log looks like misuse: rules over a stream of
 * checks. Private to src/ctl. Single threaded.
 *
 * The rules see the checks in the order of time and keep one day, one night and
 * one hour in memory, whatever the length of the log. They point at what
 * somebody should ask about; they prove nothing. */
#ifndef SID_CTL_REPORT_H
#define SID_CTL_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "smartid/buf.h"
#include "smartid/err.h"

/* ---- places (report_places.c) -------------------------------------------- */

/* Where the counters stand: counter (or client id), latitude, longitude. */
struct sid_places;
/* Reads a CSV file with a header. problem: why not, one line. Errors: SID_E_IO,
 * SID_E_BAD_REQUEST, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_places_read(const char *path,
                                          struct sid_places **out,
                                          char *problem, size_t problem_size);
void sid_places_free(struct sid_places **places);
/* Index of a counter, or -1. places may be NULL. */
int sid_places_find(const struct sid_places *places, const char *counter);
/* Great-circle distance, in km. */
double sid_places_km(const struct sid_places *places, int a, int b);

/* ---- rules (report_rules.c) ---------------------------------------------- */

enum sid_report_rule {
    SID_RULE_OFTEN,     /* one person, one key, many times a day */
    SID_RULE_OFTEN_ALL, /* one person, many times a day, by whomever */
    SID_RULE_NIGHT,     /* for a purpose that sleeps at night */
    SID_RULE_BULK,      /* many checks in an hour */
    SID_RULE_PEOPLE,    /* many different people in an hour */
    SID_RULE_NOT_VALID, /* many answers that were not valid in an hour */
    SID_RULE_PLACES,    /* one person in two places at once */
};
const char *sid_report_rule_name(enum sid_report_rule rule);

/* Source of the defaults: own choice, so that 30 synthetic days of 40 clerks
 * (tests/slow) give at most one false alarm per clerk and month; reliability
 * F5. */
struct sid_report_limits {
    int64_t utc_offset_s;       /* of the bureau's clock; default 8 h */
    int64_t night_from_h;       /* 0..23, default 22 */
    int64_t night_to_h;         /* 0..23, default 6; equal: no night */
    int64_t often;              /* looks at a person by a key in a day: 5 */
    int64_t often_all;          /* by all keys: 10 */
    int64_t bulk;               /* checks in an hour: 60 */
    int64_t people;             /* different people in an hour: 40 */
    int64_t factor;             /* and that many times the median: 4 */
    int64_t not_valid;          /* in an hour, and a third of its checks: 10 */
    int64_t near_min;           /* two keys, one person: 5 minutes */
    int64_t speed_kmh;          /* faster than that between two counters: 150 */
    const char *night_purposes; /* at home at night, parted by commas */
};
void sid_report_limits_default(struct sid_report_limits *out);

/* One check. Borrowed for the call. */
struct sid_report_check {
    int64_t at_s;
    const char *client;     /* who asked */
    const char *credential; /* "" when the code stood for none */
    const char *outcome;
    struct sid_span purpose, counter;
};

struct sid_suspicion {
    enum sid_report_rule rule;
    int64_t at_s; /* the moment, or the first second of its hour or day */
    const char *client, *other, *credential; /* "" when none; borrowed */
    int64_t count;
    char text[160]; /* what and against which limit */
};
typedef void sid_suspicion_fn(const struct sid_suspicion *suspicion, void *ctx);

struct sid_report;
/* limits and places are borrowed for the report's life. Errors:
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_report_new(const struct sid_report_limits *limits,
                                         const struct sid_places *places,
                                         sid_suspicion_fn *tell, void *ctx,
                                         struct sid_report **out);
/* Checks come in the order of the log. Errors: SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_report_add(struct sid_report *report,
                                         const struct sid_report_check *check);
/* Ends the windows that are open, and frees. NULL is fine. */
void sid_report_end(struct sid_report **report);
void sid_report_free(struct sid_report **report);

#endif
