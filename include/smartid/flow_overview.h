/* flow_overview.h: how the service fares, at a glance: what waits for an
 * officer, and what became of the enrolments of the last day. */
#ifndef SMARTID_FLOW_OVERVIEW_H
#define SMARTID_FLOW_OVERVIEW_H

#include "smartid/app.h"
#include "smartid/overview.h"

#define SID_OVERVIEW_S ((int64_t)86400)
/* Enrolments of a state whose reasons are counted. Own choice: more do not
 * change the picture. */
#define SID_OVERVIEW_REASONS 2000

struct sid_overview {
    struct sid_flow flow;
    struct sid_store_overview found; /* out; states: of SID_OVERVIEW_S */
    /* out: why enrolments of that time were rejected or had to be looked at */
    int64_t reasons[SID_REASON_COUNT];
};
void sid_overview_start(struct sid_overview *overview);

#endif
