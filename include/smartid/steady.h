/* steady.h: a time that never goes back, for what must stay dead once it has
 * expired.
 *
 * It is the wall clock's while that goes on. When the wall clock is set back,
 * the steady time goes on at half the speed of the monotonic clock until the
 * wall clock has caught up: nothing expired returns, nothing lives longer than
 * twice its time, and an hour is caught up in two. Source: own choice; at full
 * speed the two would never meet again, at a standstill a code would live for
 * ever after a clock that was years ahead. Pure, no lock: one user at a time.
 */
#ifndef SMARTID_STEADY_H
#define SMARTID_STEADY_H

#include <stdint.h>

struct sid_steady {
    int64_t at_us;   /* Unix time when it was last read */
    int64_t mono_us; /* the monotonic clock then */
};

/* Begins at floor_us, a time that was in force before, or 0. */
void sid_steady_begin(struct sid_steady *steady, int64_t floor_us,
                      int64_t mono_us);
/* The steady time, in microseconds since 1970, from what both clocks say now;
 * mono_us never falls. */
int64_t sid_steady_read(struct sid_steady *steady, int64_t wall_us,
                        int64_t mono_us);

#endif
