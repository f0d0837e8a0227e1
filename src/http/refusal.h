/* refusal.h: requests that libmicrohttpd refuses by itself, because it cannot
 * make a head of what it reads: too long, malformed, another version.
 *
 * It would answer in HTML, some with a status of the 500 class, and has no
 * option for that. But it queues these answers through its own public
 * MHD_queue_response(), which this file defines too: the program's comes before
 * the library's, so all answers pass here. Ours go on as they are, the
 * library's become problem documents like any other refusal, and the end of
 * their connection. */
#ifndef SMARTID_HTTP_REFUSAL_H
#define SMARTID_HTTP_REFUSAL_H

#include <microhttpd.h>

#include "smartid/err.h"

/* Finds the library's own function. Once, before any request. Errors:
 * SID_E_INTERNAL. */
SID_FALLIBLE enum sid_err sid_refusal_setup(void);
/* Queues an answer of ours. io threads. */
enum MHD_Result sid_refusal_pass(struct MHD_Connection *connection,
                                 unsigned status,
                                 struct MHD_Response *response);
/* What a status of the library's own becomes. */
enum sid_err sid_refusal_error(unsigned status);

#endif
