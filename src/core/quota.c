/* quota.c: see quota.h. Pure but for the bucket. */
#include "smartid/quota.h"

#define SECOND_US ((int64_t)1000 * 1000)
#define MINUTE_US (60 * SECOND_US)

bool
sid_quota_take(sid_bucket *bucket, int64_t per_minute, int64_t count,
               int64_t now_us, int64_t *retry_s) {
    int64_t taken_us = MINUTE_US / per_minute * count;
    int64_t full_us = atomic_load_explicit(bucket, memory_order_relaxed);
    int64_t next_us;
    do {
        next_us = (full_us > now_us ? full_us : now_us) + taken_us;
        if (next_us - now_us > MINUTE_US) {
            int64_t wait_us = next_us - now_us - MINUTE_US;
            if (wait_us > MINUTE_US)
                wait_us = MINUTE_US;
            *retry_s = (wait_us + SECOND_US - 1) / SECOND_US;
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(
        bucket, &full_us, next_us, memory_order_relaxed, memory_order_relaxed));
    return true;
}
