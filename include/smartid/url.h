/* url.h: addresses that this daemon may be told to send something to, or to
 * keep its data at. Pure; any thread. */
#ifndef SMARTID_URL_H
#define SMARTID_URL_H

#include <stdbool.h>

/* Longest address with its final NUL. Own choice: paths with a token in them
 * have 100 to 200 characters. */
#define SID_URL_SIZE 512

/* True for https://HOST[:PORT][/PATH…], and for http:// when HOST is
 * 127.0.0.1, [::1] or localhost. HOST: letters, digits, dots and hyphens, or an
 * IPv6 address in brackets. No user, no fragment, nothing but printable ASCII:
 * what is sent must not depend on how somebody else would read it. */
bool sid_url_target(const char *url);

/* True for a URI of a PostgreSQL server: what begins with postgresql:// or
 * postgres://. Source: libpq's manual, "Connection URIs". */
bool sid_url_is_server(const char *place);
/* Whether such a URI has a password, which would stand where settings, command
 * lines and errors are shown. False of a path. */
bool sid_url_has_password(const char *place);

#endif
