/* post.h: sends JSON to an address that the settings name.
 *
 * Nothing else is reached: no redirect is followed, no proxy of the environment
 * used, and the address was judged by sid_url_target(). A sender keeps its
 * connection open from one call to the next; it belongs to one thread. */
#ifndef SMARTID_POST_H
#define SMARTID_POST_H

#include <stdatomic.h>

#include "smartid/buf.h"
#include "smartid/err.h"

/* One call at most, connecting included. Own choice: long for a program that
 * only puts an event on a list. */
#define SID_POST_LIMIT_MS 10000

struct sid_poster;

/* Errors: SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_poster_new(struct sid_poster **out);
void sid_poster_free(struct sid_poster **poster);

struct sid_post {
    const char *url;
    const char *ca_file;     /* "": the system's authorities */
    const char *header;      /* one more line, "Name: value" */
    struct sid_span body;    /* JSON */
    const atomic_bool *stop; /* set: the call ends within a second */
};
/* *status: the answer's HTTP status; its body is dropped. Errors: SID_E_IO (not
 * reached, no answer, a certificate that is not to be trusted), SID_E_TIMEOUT,
 * SID_E_STOPPING, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_post(struct sid_poster *poster,
                                   const struct sid_post *what, long *status);

#endif
