/* cookie.h: the cookie of a session, and the origin of a page: pure parsers.
 * Any thread. */
#ifndef SMARTID_HTTP_COOKIE_H
#define SMARTID_HTTP_COOKIE_H

#include <stdbool.h>

#include "session.h"

/* The prefix makes a browser refuse it from a subdomain, from plain HTTP, and
 * for part of the site. Source: RFC 6265bis 4.1.3.2. */
#define SID_COOKIE_NAME "sid_session"
#define SID_COOKIE_NAME_TLS "__Host-sid_session"
/* Of somebody who is on the way to WeChat and back. */
#define SID_COOKIE_VISIT "sid_visit"
#define SID_COOKIE_VISIT_TLS "__Host-sid_visit"

/* The value of the cookie of that name in a Cookie line; false when it is not
 * there, there twice, or not of a session's form. */
bool sid_cookie_find(const char *line, const char *name,
                     char out[SID_SESSION_COOKIE_SIZE]);

/* Whether an Origin line names the host of a Host line: name and port alike, a
 * port that is not named being that of the origin's scheme. tls: only https. */
bool sid_origin_is_host(const char *origin, const char *host, bool tls);

#endif
