/* idnumber.h: the citizen's number of GB 11643-1999: checksum (ISO 7064
 * MOD 11-2), birth date, sex, region. Pure. Any thread. */
#ifndef SMARTID_IDNUMBER_H
#define SMARTID_IDNUMBER_H

#include <stddef.h>
#include <stdint.h>

#include "smartid/err.h"

#define SID_IDNUMBER_CHARS 18
#define SID_IDNUMBER_SIZE (SID_IDNUMBER_CHARS + 1)

struct sid_birth_date {
    int year, month, day;
};

/* Normalises and judges. Taken: surrounding and inner spaces, full-width digits
 * and X, lower-case x; nothing else is repaired. The check: 18 characters,
 * checksum, a real birth date that is not after `today` (Unix s, UTC+8 day) and
 * not more than 150 years before it. Unknown regions are not refused (a number
 * keeps its region code for life). 15-digit numbers of 1989 are refused: they
 * lapsed in 2013. out: 18 characters and NUL. Errors: SID_E_FIELD_INVALID. */
SID_FALLIBLE enum sid_err sid_idnumber_normalise(const char *text, size_t len,
                                                 int64_t now_s,
                                                 char out[SID_IDNUMBER_SIZE]);

/* The following take a normalised number. */
struct sid_birth_date sid_idnumber_birth(const char *number);
/* 'M' or 'F'. */
char sid_idnumber_sex(const char *number);
/* Full years of age at now_s, counted in UTC+8. */
int sid_idnumber_age(const char *number, int64_t now_s);
/* The six digits of the region. out: 7 bytes. */
void sid_idnumber_region(const char *number, char out[7]);
/* "110105********002X": first six and last four. */
void sid_idnumber_mask(const char *number, char out[SID_IDNUMBER_SIZE]);

#endif
