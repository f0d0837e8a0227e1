/* flow_challenge.h: making an active challenge: the turns of the head that an
 * app lets the person show. What answers it is an enrolment or an appeal
 * (flow_enrol.h). */
#ifndef SMARTID_FLOW_CHALLENGE_H
#define SMARTID_FLOW_CHALLENGE_H

#include "smartid/app.h"
#include "smartid/challenge.h"

struct sid_challenge_make {
    struct sid_flow flow;
    int steps;                      /* in: SID_STEPS_MIN to SID_STEPS_MAX */
    struct sid_challenge challenge; /* out */
};
/* flow.err: SID_E_IO, those of the store … */
void sid_challenge_make_start(struct sid_challenge_make *make);

#endif
