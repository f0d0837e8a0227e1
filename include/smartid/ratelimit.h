/* ratelimit.h: how often one source has done something within a period.
 *
 * A table of fixed size: when it is full the source whose period began first is
 * forgotten, so that nobody can make it grow. Time comes in. Pure, no lock: one
 * user at a time. */
#ifndef SMARTID_RATELIMIT_H
#define SMARTID_RATELIMIT_H

#include <stdint.h>

#include "smartid/err.h"
#include "smartid/network.h"

/* Sources remembered at once. Own choice: 40 KB, searched in a few µs, and only
 * when something has failed. */
#define SID_RATE_SOURCES 1024

struct sid_rate;

/* period_s: 1 or more. Errors: SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_rate_new(int64_t period_s, struct sid_rate **out);
void sid_rate_free(struct sid_rate **rate);

/* Counts one event of the source (of IPv6: of its /64, which is what one
 * subscriber has) at now_s, which never falls. A period begins with the first
 * event and ends period_s later. Returns how many this period has had, this one
 * included; *left_s: seconds until it ends, 1 or more. */
uint32_t sid_rate_count(struct sid_rate *rate, const struct sid_address *source,
                        int64_t now_s, int64_t *left_s);

#endif
