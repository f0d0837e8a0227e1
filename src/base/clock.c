/* clock.c: the wall clock of a release build. Any thread; owns nothing.
 * Its twin for test builds is clock_test.c. */
#include "smartid/clock.h"

#include <time.h>

int64_t
sid_now_us(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

bool
sid_clock_is_test(void) {
    return false;
}
