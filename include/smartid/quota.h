/* quota.h: how much one client may ask: a token bucket in one number.
 *
 * The bucket holds a minute's worth, so a client that has rested may ask that
 * much at once, and then as often as tokens drip in. What is kept is the time
 * at which the bucket will be full again (the generic cell rate algorithm), so
 * that taking a token is one compare and swap. Any thread; time comes in. */
#ifndef SMARTID_QUOTA_H
#define SMARTID_QUOTA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Most that can be set: one in 60 µs. Own choice, beyond any client. */
#define SID_QUOTA_PER_MINUTE_MAX 1000000

/* Starts at 0: full. */
typedef _Atomic int64_t sid_bucket;

/* Takes count (1 or more) tokens of a bucket of per_minute
 * (1..SID_QUOTA_PER_MINUTE_MAX) at now_us, which never falls: all or none.
 * False when there are not so many: *retry_s (1..60) is in how many seconds
 * there may be. More than per_minute there never are. */
bool sid_quota_take(sid_bucket *bucket, int64_t per_minute, int64_t count,
                    int64_t now_us, int64_t *retry_s);

#endif
