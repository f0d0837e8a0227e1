/* wechat_replay.h: which signatures were used lately, and for what.
 *
 * WeChat's signature covers the time of a push but, in plain mode, not its
 * body. Within the window of accepted times a signature may come again only
 * with the very same body (WeChat delivers up to three times); with another
 * body it was stolen. Only checked signatures come in, so a stranger cannot
 * fill it. Pure: time comes in. NOT thread safe: its owner locks. */
#ifndef SMARTID_WECHAT_REPLAY_H
#define SMARTID_WECHAT_REPLAY_H

#include <stdint.h>

#include "smartid/buf.h"
#include "smartid/err.h"

/* Source: own choice; WeChat names no window, and its retries come within 15
 * seconds. */
#define SID_WECHAT_WINDOW_S 600

/* Judges the timestamp of a URL, decimal Unix seconds: within window_s of now,
 * before or after. *out gets it. Errors: SID_E_PUSH_FORMAT (no such number),
 * SID_E_PUSH_STALE. */
SID_FALLIBLE enum sid_err sid_wechat_timestamp_check(const char *text,
                                                     int64_t window_s,
                                                     int64_t now_s,
                                                     int64_t *out);

struct sid_wechat_replay;

/* Remembers the last `capacity` (1 to 1,000,000; 52 bytes each) signatures,
 * each until its time has left the window. Errors: SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_wechat_replay_new(size_t capacity,
                                                struct sid_wechat_replay **out);
void sid_wechat_replay_free(struct sid_wechat_replay **replay);

/* Takes a checked signature, used at at_s for this body. *again: it came
 * before, with the same body: a retry, or a copy of one, which the durable
 * dedupe judges further. When full, the oldest is forgotten. Errors:
 * SID_E_PUSH_REPLAYED (used for another body), SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err
sid_wechat_replay_take(struct sid_wechat_replay *replay, const char *signature,
                       struct sid_span body, int64_t at_s, int64_t window_s,
                       int64_t now_s, bool *again);

#endif
