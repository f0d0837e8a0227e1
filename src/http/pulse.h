/* pulse.h: whether an io thread turns: that it goes round its loop and is not
 * stuck in a callback. Main thread.
 *
 * libmicrohttpd has no call for that. So its thread is handed a connection that
 * has already been ended by its other side; when the thread comes by, it closes
 * it, which can be seen at the other end. No request begins. */
#ifndef SMARTID_HTTP_PULSE_H
#define SMARTID_HTTP_PULSE_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

struct sid_pulse {
    int fd; /* our end; -1: nothing is asked */
};

/* Asks, unless the last question is still open. A thread that holds as many
 * connections as it may is not asked, and neither is it without memory or
 * descriptors: too much work is no hang. */
void sid_pulse_ask(struct sid_pulse *pulse, struct MHD_Daemon *daemon);
/* True when no question is open. Waits for it until then; now or earlier: looks
 * only. */
bool sid_pulse_answered(struct sid_pulse *pulse, int64_t until_us);
void sid_pulse_fini(struct sid_pulse *pulse);

#endif
