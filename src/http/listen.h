/* listen.h: the two listening sockets. Main thread. */
#ifndef SMARTID_HTTP_LISTEN_H
#define SMARTID_HTTP_LISTEN_H

#include <stdint.h>

#include "smartid/err.h"

/* Several sockets can share a port, so that the kernel spreads connections over
 * the threads behind them. */
enum sid_share {
    SID_SHARE_NONE,
    SID_SHARE_FIRST, /* the port must be free; then others may join */
    SID_SHARE_NEXT,
};

/* Binds and listens on a numeric IPv4 or IPv6 address; *port is the one that
 * was got (for port 0). Errors: SID_E_IO (logged with address and reason). */
SID_FALLIBLE enum sid_err sid_listen_tcp(const char *address, int64_t port,
                                         enum sid_share share, int *fd,
                                         int *got_port);
/* Makes a descriptor of the caller's own for a socket that the service manager
 * listens on: TCP over IPv4 or IPv6. Errors: SID_E_CONFIG (anything else),
 * SID_E_IO; both are logged. */
SID_FALLIBLE enum sid_err sid_listen_adopt(int inherited, int *fd,
                                           int *got_port);
/* Binds and listens on a Unix socket, mode 0600. A socket file that nobody
 * listens on is replaced; any other file is left alone. Errors: SID_E_IO. */
SID_FALLIBLE enum sid_err sid_listen_unix(const char *path, int *fd);

#endif
