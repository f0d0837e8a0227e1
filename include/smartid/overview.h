/* overview.h: what waits for officers and what became of enrolments, counted by
 * the store; and what else one ID number has sent. As store.h: run by the
 * thread that owns the store. */
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

/* Another enrolment of the same ID number. */
struct sid_earlier {
    char id[SID_ID_SIZE];
    enum sid_enrol_state state;
    bool counter; /* without a face */
    int64_t created_at_s;
    struct sid_reasons reasons;
};
/* Those of this blind index but for the one of that id: the newest first, at
 * most limit, into out. Errors: SID_E_STORE (a row was spoilt). */
SID_FALLIBLE enum sid_err sid_store_enrol_earlier(
    struct sid_store *store, const uint8_t id_index[SID_SHA256_BYTES],
    const char *id, int limit, struct sid_earlier *out, int *count);

/* Which photos of an enrolment there are: bits 1 << enum sid_photo_kind. */
SID_FALLIBLE enum sid_err sid_store_photo_kinds(struct sid_store *store,
                                                const char *enrolment_id,
                                                unsigned *out);

#endif
