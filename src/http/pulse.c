/* pulse.c: see pulse.h. Main thread; owns one end of a socket pair while it
 * waits. */
#include "pulse.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "smartid/clock.h"

void
sid_pulse_ask(struct sid_pulse *pulse, struct MHD_Daemon *daemon) {
    int pair[2];
    if (pulse->fd >= 0 || daemon == NULL ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                   pair) != 0)
        return;
    (void)shutdown(pair[0], SHUT_WR);
    static const struct sockaddr nobody = {.sa_family = AF_UNIX};
    /* It closes its end at once when it does not take it. */
    if (MHD_add_connection(daemon, pair[1], &nobody, sizeof nobody) != MHD_YES)
        close(pair[0]);
    else
        pulse->fd = pair[0];
}

bool
sid_pulse_answered(struct sid_pulse *pulse, int64_t until_us) {
    if (pulse->fd < 0)
        return true;
    int64_t left_us = until_us - sid_mono_us();
    struct pollfd end = {.fd = pulse->fd, .events = POLLIN};
    if (poll(&end, 1, left_us <= 0 ? 0 : (int)(left_us / 1000) + 1) <= 0)
        return false;
    sid_pulse_fini(pulse);
    return true;
}

void
sid_pulse_fini(struct sid_pulse *pulse) {
    if (pulse->fd >= 0)
        close(pulse->fd);
    pulse->fd = -1;
}
