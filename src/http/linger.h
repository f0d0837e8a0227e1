/* linger.h: closing a connection whose client is still sending.
 *
 * An answer that is given before the body has been read is lost when the socket
 * is closed with unread bytes: the kernel then sends a reset, and the client's
 * kernel throws away what its program had not read. libmicrohttpd 0.9.75 closes
 * at once. So the socket is duplicated before, and one thread reads and drops
 * what still comes until the client hangs up or the time is over. Owns that
 * thread and the duplicates. */
#ifndef SMARTID_HTTP_LINGER_H
#define SMARTID_HTTP_LINGER_H

#include "smartid/err.h"

struct sid_linger;

/* Errors: SID_E_NO_MEMORY, SID_E_IO. */
SID_FALLIBLE enum sid_err sid_linger_new(struct sid_linger **out);
/* Keeps a duplicate of socket `fd` (borrowed) open for a while. When all places
 * are taken nothing is done: the client may then miss its answer. Any thread.
 */
void sid_linger_add(struct sid_linger *linger, int fd);
/* Closes all duplicates, ends the thread. */
void sid_linger_free(struct sid_linger **linger);

#endif
