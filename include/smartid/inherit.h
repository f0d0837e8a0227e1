/* inherit.h: listening sockets that the service manager has opened.
 *
 * The protocol of sd_listen_fds(3): descriptors from 3 on, LISTEN_FDS of them,
 * for the process LISTEN_PID. The manager keeps them open when the daemon ends,
 * so that clients wait in them until the next one runs instead of being
 * refused. Main thread. */
#ifndef SMARTID_INHERIT_H
#define SMARTID_INHERIT_H

#include "smartid/err.h"

/* Source: own choice; one for each address and io thread. */
#define SID_INHERITED_MAX 16

struct sid_inherited {
    int fd[SID_INHERITED_MAX]; /* closed in children */
    int count;                 /* 0: none, the daemon opens its own */
};

/* Takes them, and removes LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES from the
 * environment, so before there are threads. What is meant for another process
 * is left alone. Errors: SID_E_CONFIG (no number, too many, or not open):
 * logged. */
SID_FALLIBLE enum sid_err sid_inherit(struct sid_inherited *out);
/* Closes them; the manager's own stay open. */
void sid_inherited_close(struct sid_inherited *inherited);

#endif
