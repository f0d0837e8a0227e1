/* steady.c: a time that never goes back (see steady.h). Pure; owns nothing. */
#include "smartid/steady.h"

void
sid_steady_begin(struct sid_steady *steady, int64_t floor_us, int64_t mono_us) {
    steady->at_us = floor_us;
    steady->mono_us = mono_us;
}

int64_t
sid_steady_read(struct sid_steady *steady, int64_t wall_us, int64_t mono_us) {
    steady->at_us += (mono_us - steady->mono_us) / 2;
    steady->mono_us = mono_us;
    if (wall_us > steady->at_us)
        steady->at_us = wall_us;
    return steady->at_us;
}
