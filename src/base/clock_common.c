/* clock_common.c: what both builds of the clock share: the monotonic clock,
 * dates, and RFC 3339 text. Any thread; owns nothing. */
#include "smartid/clock.h"

#include <string.h>
#include <time.h>

#define DAY_S 86400

int64_t
sid_now_s(void) {
    return sid_now_us() / 1000000;
}

int64_t
sid_mono_us(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool
is_leap(int year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int
days_in_month(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Counting years from March puts the leap day last, so that the days before a
 * month are a straight line. */
int64_t
sid_days_of_date(int year, int month, int day) {
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 ||
        day > days_in_month(year, month))
        return SID_DAYS_NONE;
    int64_t y = month > 2 ? year : year - 1;
    int64_t m = month > 2 ? month - 3 : month + 9;
    int64_t to_year = y * 365 + y / 4 - y / 100 + y / 400;
    /* 719468 = days from 0000-03-01 to 1970-01-01. */
    return to_year + (m * 153 + 2) / 5 + day - 1 - 719468;
}

void
sid_date_of_days(int64_t days, int *year, int *month, int *day) {
    time_t at = (time_t)(days * DAY_S);
    struct tm tm = {0};
    (void)gmtime_r(&at, &tm);
    *year = tm.tm_year + 1900;
    *month = tm.tm_mon + 1;
    *day = tm.tm_mday;
}

/* By hand, as each line of the log and each answer has a time: snprintf took a
 * third of a log line. */
static char *
put_digits(char *to, size_t count, unsigned value, char end) {
    for (size_t i = count; i > 0; i--, value /= 10)
        to[i - 1] = (char)('0' + value % 10);
    to[count] = end;
    return to + count + 1;
}

void
sid_time_text(int64_t at_s, char out[SID_TIME_TEXT_SIZE]) {
    /* The text has four digits for the year: outside it, the nearest end. */
    const int64_t first_s = 0;
    const int64_t last_s = INT64_C(253402300799); /* 9999-12-31T23:59:59Z */
    at_s = at_s < first_s ? first_s : at_s > last_s ? last_s : at_s;
    int year, month, day;
    sid_date_of_days(at_s / DAY_S, &year, &month, &day);
    unsigned in_day_s = (unsigned)(at_s % DAY_S);
    char *at = put_digits(out, 4, (unsigned)year, '-');
    at = put_digits(at, 2, (unsigned)month, '-');
    at = put_digits(at, 2, (unsigned)day, 'T');
    at = put_digits(at, 2, in_day_s / 3600, ':');
    at = put_digits(at, 2, in_day_s / 60 % 60, ':');
    at = put_digits(at, 2, in_day_s % 60, 'Z');
    *at = '\0';
}

/* Reads `count` digits and the character `end` after them (0: none). Moves *at
 * behind both. */
static bool
take_number(const char **at, int count, char end, int *out) {
    int value = 0;
    for (int i = 0; i < count; i++) {
        char c = (*at)[i];
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    *at += count;
    if (end != 0 && *(*at)++ != end)
        return false;
    *out = value;
    return true;
}

/* "Z" or "+hh:mm" at the very end of the text. */
static bool
take_offset(const char *at, int *offset_s) {
    if ((*at == 'Z' || *at == 'z') && at[1] == '\0') {
        *offset_s = 0;
        return true;
    }
    if (*at != '+' && *at != '-')
        return false;
    int sign = *at++ == '+' ? 1 : -1;
    int hours, minutes;
    if (!take_number(&at, 2, ':', &hours) ||
        !take_number(&at, 2, 0, &minutes) || *at != '\0' || hours > 23 ||
        minutes > 59)
        return false;
    *offset_s = sign * (hours * 3600 + minutes * 60);
    return true;
}

static bool
skip_fraction(const char **at) {
    if (**at != '.')
        return true;
    const char *first = ++*at;
    while (**at >= '0' && **at <= '9')
        ++*at;
    return *at > first;
}

enum sid_err
sid_time_parse(const char *text, int64_t *out) {
    const char *at = text;
    int year, month, day, hour, minute, second, offset_s;
    if (!take_number(&at, 4, '-', &year) || !take_number(&at, 2, '-', &month) ||
        !take_number(&at, 2, 0, &day) || (*at != 'T' && *at != 't'))
        return SID_E_FIELD_INVALID;
    at++;
    if (!take_number(&at, 2, ':', &hour) ||
        !take_number(&at, 2, ':', &minute) || !take_number(&at, 2, 0, &second))
        return SID_E_FIELD_INVALID;
    if (!skip_fraction(&at) || !take_offset(at, &offset_s))
        return SID_E_FIELD_INVALID;
    int64_t days = sid_days_of_date(year, month, day);
    if (days == SID_DAYS_NONE || hour > 23 || minute > 59 || second > 60)
        return SID_E_FIELD_INVALID;
    int64_t at_s = days * DAY_S + hour * 3600 + minute * 60 + second - offset_s;
    /* A leap second stands only at the end of a UTC day. */
    if (second == 60 && at_s % DAY_S != 0)
        return SID_E_FIELD_INVALID;
    if (at_s < 0 || at_s > INT64_C(253402300799))
        return SID_E_FIELD_INVALID;
    *out = at_s;
    return SID_OK;
}
