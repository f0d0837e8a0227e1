/* notify.h: telling the service manager how the daemon is.
 *
 * The protocol of sd_notify(3): a datagram of lines to the Unix socket that
 * NOTIFY_SOCKET names. Written out here instead of linking libsystemd: it is a
 * screenful, and the daemon must run without systemd. Without that variable
 * nothing is sent and nothing fails. Main thread. */
#ifndef SMARTID_NOTIFY_H
#define SMARTID_NOTIFY_H

#include <stdint.h>

#include "smartid/err.h"

struct sid_notify {
    int fd; /* connected; -1: nobody wants to know */
    /* Silence of that length is taken for a hang; 0: nobody watches. */
    int64_t watchdog_us;
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID and removes them from the
 * environment, so before there are threads. out->fd is closed in children.
 * Errors: SID_E_CONFIG (a socket that is no path and no abstract name, or
 * cannot be reached; a watchdog time that is no number): logged. */
SID_FALLIBLE enum sid_err sid_notify_open(struct sid_notify *out);
/* Serves: also the end of a reload. What cannot be sent is logged only, here
 * and below. */
void sid_notify_ready(const struct sid_notify *notify);
void sid_notify_reloading(const struct sid_notify *notify);
void sid_notify_stopping(const struct sid_notify *notify);
/* Not hung. To be called more often than every watchdog_us. */
void sid_notify_alive(const struct sid_notify *notify);
void sid_notify_close(struct sid_notify *notify);

#endif
