/* fuzz_idnumber.c: src/core/idnumber.c: the citizen's number, as people type
 * it. What is taken is the one form of itself, and everything that is read out
 * of it is possible. Each input is tried as it is, and with its digits in order
 * and a check digit that fits. libFuzzer's one thread. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "smartid/clock.h"
#include "smartid/idnumber.h"

#define NOW_S 1795428000

void
fuzz_setup(void) {}

static void
normalise(const char *text, size_t len) {
    char number[SID_IDNUMBER_SIZE] = "untouched", again[SID_IDNUMBER_SIZE];
    char mask[SID_IDNUMBER_SIZE], region[7];
    if (sid_idnumber_normalise(text, len, NOW_S, number) != SID_OK) {
        fuzz_expect(strcmp(number, "untouched") == 0);
        return;
    }
    fuzz_expect(strlen(number) == SID_IDNUMBER_CHARS &&
                sid_idnumber_normalise(number, strlen(number), NOW_S, again) ==
                    SID_OK &&
                strcmp(number, again) == 0);
    struct sid_birth_date birth = sid_idnumber_birth(number);
    int age = sid_idnumber_age(number, NOW_S);
    char sex = sid_idnumber_sex(number);
    sid_idnumber_mask(number, mask);
    sid_idnumber_region(number, region);
    fuzz_expect(sid_days_of_date(birth.year, birth.month, birth.day) !=
                SID_DAYS_NONE);
    fuzz_expect(age >= 0 && age <= 150 && (sex == 'M' || sex == 'F'));
    fuzz_expect(strlen(mask) == SID_IDNUMBER_CHARS &&
                memcmp(mask + 6, "********", 8) == 0 &&
                strncmp(region, number, 6) == 0);
}

/* Source: GB 11643-1999. */
static void
complete(const uint8_t *data, size_t size) {
    char number[SID_IDNUMBER_SIZE];
    int sum = 0, weight = 7; /* 2^17 mod 11 */
    for (size_t i = 0; i < SID_IDNUMBER_CHARS - 1; i++) {
        int digit = i < size ? data[i] % 10 : 0;
        number[i] = (char)('0' + digit);
        sum += digit * weight;
        weight = weight * 6 % 11; /* 6 is a half, mod 11 */
    }
    number[SID_IDNUMBER_CHARS - 1] = "10X98765432"[sum % 11];
    normalise(number, SID_IDNUMBER_CHARS);
}

void
fuzz_one(const uint8_t *data, size_t size) {
    normalise((const char *)data, size);
    complete(data, size);
}
