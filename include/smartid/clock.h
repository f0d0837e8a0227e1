/* clock.h: the two clocks, behind a link seam.
 *
 * src/base/clock.c reads the system's clocks. src/base/clock_test.c, linked
 * into test builds only, adds the whole seconds it finds in the file named by
 * SMARTIDD_TEST_CLOCK (re-read whenever the file changes), so that tests can
 * walk over a day boundary; a release build has no such code. Any thread. */
#ifndef SMARTID_CLOCK_H
#define SMARTID_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "smartid/err.h"

/* Wall clock, seconds since 1970-01-01 UTC. */
int64_t sid_now_s(void);
/* Wall clock, microseconds since 1970-01-01 UTC. */
int64_t sid_now_us(void);
/* Monotonic clock, microseconds from an arbitrary start; for deadlines. Never
 * shifted by the test clock. */
int64_t sid_mono_us(void);
/* True in a build whose wall clock can be shifted; such a daemon says so in
 * its log and in /version. */
bool sid_clock_is_test(void);

/* Room for "2026-11-23T10:00:00Z" and a NUL. */
#define SID_TIME_TEXT_SIZE 21
/* Writes RFC 3339 UTC text, for example "2026-11-23T10:00:00Z". */
void sid_time_text(int64_t at_s, char out[SID_TIME_TEXT_SIZE]);
/* Reads RFC 3339 ("Z" or a numeric offset; fractions are dropped) into Unix
 * seconds. Errors: SID_E_FIELD_INVALID (out untouched) when it is not RFC 3339,
 * not a real date, or outside 1970..9999. */
SID_FALLIBLE enum sid_err sid_time_parse(const char *text, int64_t *out);

/* Days since 1970-01-01 of a date of the Gregorian calendar, years 1..9999;
 * SID_DAYS_NONE when there is no such date. Any thread. */
#define SID_DAYS_NONE INT64_MIN
int64_t sid_days_of_date(int year, int month, int day);
/* The date of a day counted from 1970-01-01. */
void sid_date_of_days(int64_t days, int *year, int *month, int *day);

#endif
