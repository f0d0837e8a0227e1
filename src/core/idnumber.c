/* idnumber.c: the citizen's number: what is repaired, what is refused, what can
 * be read out of it. Pure; any thread; owns nothing. */
#include "smartid/idnumber.h"

#include <stdbool.h>
#include <string.h>

#include "smartid/buf.h"
#include "smartid/clock.h"

#define AGE_MAX_YEARS 150
#define UTC8_S (8 * 3600) /* China has one time zone, without summer time */

/* Reads one character of the text, whatever its width. Gives the digit or 'X',
 * ' ' for a space, 0 for anything else; *bytes is how long it was. */
static char
read_char(const char *at, size_t left, size_t *bytes) {
    const uint8_t *u = (const uint8_t *)at;
    *bytes = 1;
    if ((*at >= '0' && *at <= '9') || *at == 'X')
        return *at;
    if (*at == 'x')
        return 'X';
    if (*at == ' ' || *at == '\t')
        return ' ';
    if (left < 3)
        return 0;
    *bytes = 3;
    if (memcmp(u, "\xe3\x80\x80", 3) == 0) /* U+3000 ideographic space */
        return ' ';
    if (u[0] != 0xef)
        return 0;
    if (u[1] == 0xbc && u[2] >= 0x90 && u[2] <= 0x99) /* U+FF10..FF19 */
        return (char)('0' + (u[2] - 0x90));
    bool big_x = u[1] == 0xbc && u[2] == 0xb8;   /* U+FF38 */
    bool small_x = u[1] == 0xbd && u[2] == 0x98; /* U+FF58 */
    return big_x || small_x ? 'X' : 0;
}

static bool
read_chars(const char *text, size_t len, char out[SID_IDNUMBER_SIZE]) {
    size_t count = 0;
    while (len > 0) {
        size_t bytes;
        char c = read_char(text, len, &bytes);
        text += bytes;
        len -= bytes;
        if (c == ' ')
            continue;
        /* X is a check digit only: it stands at the end. */
        if (c == 0 || count == SID_IDNUMBER_CHARS ||
            (c == 'X' && count != SID_IDNUMBER_CHARS - 1))
            return false;
        out[count++] = c;
    }
    out[count] = '\0';
    return count == SID_IDNUMBER_CHARS;
}

/* Source: GB 11643-1999, ISO 7064 MOD 11-2: the weight of place i is
 * 2^(17-i) mod 11. */
static bool
checksum_holds(const char *number) {
    static const int weights[] = {7, 9, 10, 5,  8, 4, 2, 1, 6,
                                  3, 7, 9,  10, 5, 8, 4, 2};
    static const char check[] = "10X98765432";
    int sum = 0;
    for (size_t i = 0; i < SID_IDNUMBER_CHARS - 1; i++)
        sum += (number[i] - '0') * weights[i];
    return number[SID_IDNUMBER_CHARS - 1] == check[sum % 11];
}

static int
digits(const char *at, int count) {
    int value = 0;
    for (int i = 0; i < count; i++)
        value = value * 10 + (at[i] - '0');
    return value;
}

struct sid_birth_date
sid_idnumber_birth(const char *number) {
    return (struct sid_birth_date){.year = digits(number + 6, 4),
                                   .month = digits(number + 10, 2),
                                   .day = digits(number + 12, 2)};
}

/* The day in China; before 1970 the first day. */
static struct sid_birth_date
today_at(int64_t now_s) {
    struct sid_birth_date today;
    int64_t local_s = now_s > 0 ? now_s + UTC8_S : 0;
    sid_date_of_days(local_s / 86400, &today.year, &today.month, &today.day);
    return today;
}

/* Full years from birth to today; negative before the birth. */
static int
years_between(struct sid_birth_date birth, struct sid_birth_date today) {
    bool had_birthday = today.month > birth.month ||
                        (today.month == birth.month && today.day >= birth.day);
    return today.year - birth.year - (had_birthday ? 0 : 1);
}

static bool
birth_is_possible(const char *number, int64_t now_s) {
    struct sid_birth_date birth = sid_idnumber_birth(number);
    if (sid_days_of_date(birth.year, birth.month, birth.day) == SID_DAYS_NONE)
        return false;
    int age = years_between(birth, today_at(now_s));
    return age >= 0 && age <= AGE_MAX_YEARS;
}

enum sid_err
sid_idnumber_normalise(const char *text, size_t len, int64_t now_s,
                       char out[SID_IDNUMBER_SIZE]) {
    char number[SID_IDNUMBER_SIZE];
    enum sid_err err = SID_E_FIELD_INVALID;
    if (read_chars(text, len, number) && checksum_holds(number) &&
        birth_is_possible(number, now_s)) {
        memcpy(out, number, sizeof number);
        err = SID_OK;
    }
    sid_wipe(number, sizeof number);
    return err;
}

char
sid_idnumber_sex(const char *number) {
    /* The sequence number is odd for men. */
    return (number[16] - '0') % 2 == 1 ? 'M' : 'F';
}

int
sid_idnumber_age(const char *number, int64_t now_s) {
    return years_between(sid_idnumber_birth(number), today_at(now_s));
}

void
sid_idnumber_region(const char *number, char out[7]) {
    memcpy(out, number, 6);
    out[6] = '\0';
}

void
sid_idnumber_mask(const char *number, char out[SID_IDNUMBER_SIZE]) {
    memcpy(out, number, SID_IDNUMBER_SIZE);
    memset(out + 6, '*', 8);
}
