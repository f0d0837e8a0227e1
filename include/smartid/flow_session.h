/* flow_session.h: that somebody has signed in on a page, or out, in the audit
 * log. */
#ifndef SMARTID_FLOW_SESSION_H
#define SMARTID_FLOW_SESSION_H

#include "smartid/app.h"

/* flow.caller is whose session it is. */
struct sid_session_note {
    struct sid_flow flow;
    bool closed;         /* in: signed out, else in */
    bool quiet;          /* in: nothing is written: an applicant is
                            nobody yet */
    const char *subject; /* in: borrowed; what it is the session of. NULL: a
                            client's */
    const struct sid_address *from; /* in: borrowed; its kind is written down */
};
void sid_session_note_start(struct sid_session_note *note);

#endif
