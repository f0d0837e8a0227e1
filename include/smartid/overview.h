/* overview.h: what waits for officers and what became of enrolments, counted by
 * the store. As store.h: run by the thread that owns the store. */
#ifndef SMARTID_OVERVIEW_H
#define SMARTID_OVERVIEW_H

#include "smartid/store.h"

struct sid_store_overview {
    int64_t review, review_second; /* in review; those after a first decision */
    int64_t review_oldest_s;       /* since when the oldest is; 0: none is */
    int64_t disputes, disputes_oldest_s;   /* open ones, the same way */
    int64_t states[SID_ENROL_STATE_COUNT]; /* of enrolments since since_s */
};
SID_FALLIBLE enum sid_err sid_store_overview(struct sid_store *store,
                                             int64_t since_s,
                                             struct sid_store_overview *out);
/* Why enrolments sent since since_s are in this state: the newest first, at
 * most limit. each may end the walk by returning an error, which is then
 * returned. */
SID_FALLIBLE enum sid_err sid_store_reasons_each(
    struct sid_store *store, enum sid_enrol_state state, int64_t since_s,
    int limit, enum sid_err (*each)(const struct sid_reasons *, void *ctx),
    void *ctx);

#endif
