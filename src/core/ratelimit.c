/* ratelimit.c: events of sources within a period (see ratelimit.h). Pure; one
 * user at a time; owns its table. */
#include "smartid/ratelimit.h"

#include <stdlib.h>
#include <string.h>

#define SUBSCRIBER_BYTES 8 /* of an IPv6 address. Source: RFC 6177 */

struct source {
    struct sid_address key;
    int64_t begun_s;
    uint32_t count; /* 0: a free place */
};

struct sid_rate {
    int64_t period_s;
    struct source source[SID_RATE_SOURCES];
};

enum sid_err
sid_rate_new(int64_t period_s, struct sid_rate **out) {
    SID_ASSERT(period_s >= 1);
    struct sid_rate *rate = calloc(1, sizeof *rate);
    if (rate == NULL)
        return SID_E_NO_MEMORY;
    rate->period_s = period_s;
    *out = rate;
    return SID_OK;
}

void
sid_rate_free(struct sid_rate **rate) {
    free(*rate);
    *rate = NULL;
}

static struct sid_address
key_of(const struct sid_address *source) {
    struct sid_address key = *source;
    if (!sid_address_is_v4(source))
        memset(key.bytes + SUBSCRIBER_BYTES, 0,
               sizeof key.bytes - SUBSCRIBER_BYTES);
    return key;
}

/* The place of the source; else a free one; else the oldest one's. Places are
 * taken from the first on and never given back: behind a free one all are. */
static struct source *
place_of(struct sid_rate *rate, const struct sid_address *key) {
    struct source *best = &rate->source[0];
    for (size_t i = 0; i < SID_RATE_SOURCES; i++) {
        struct source *at = &rate->source[i];
        if (at->count == 0) {
            best = at;
            break;
        }
        if (memcmp(&at->key, key, sizeof *key) == 0)
            return at;
        if (at->begun_s < best->begun_s)
            best = at;
    }
    *best = (struct source){.key = *key};
    return best;
}

uint32_t
sid_rate_count(struct sid_rate *rate, const struct sid_address *source,
               int64_t now_s, int64_t *left_s) {
    struct sid_address key = key_of(source);
    struct source *at = place_of(rate, &key);
    if (at->count == 0 || now_s - at->begun_s >= rate->period_s) {
        at->begun_s = now_s;
        at->count = 0;
    }
    at->count += at->count < UINT32_MAX;
    *left_s = at->begun_s + rate->period_s - now_s;
    return at->count;
}
