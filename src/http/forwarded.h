/* forwarded.h: where a request comes from, when a proxy that is trusted says
 * so. Pure: no connection, no allocation. Any thread. */
#ifndef SMARTID_HTTP_FORWARDED_H
#define SMARTID_HTTP_FORWARDED_H

#include <stddef.h>

#include "smartid/err.h"
#include "smartid/network.h"

/* X-Forwarded-For lines that are looked at; proxies add to one line or put
 * their own behind it. */
#define SID_FORWARDED_LINES_MAX 8

/* The source of a request whose peer is a trusted proxy: the right-most address
 * of the lines, read as one list, that is not trusted itself; the left-most
 * when all are; the peer when there is none. What stands further left may be
 * anybody's invention, but must be addresses. Errors: SID_E_BAD_REQUEST. */
SID_FALLIBLE enum sid_err
sid_forwarded_source(const struct sid_address *peer, const char *const *lines,
                     size_t count, const struct sid_networks *trusted,
                     struct sid_address *out);

#endif
