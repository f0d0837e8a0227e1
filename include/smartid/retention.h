/* retention.h: what is erased by itself after a time: the rules of [retention]
 * applied, and what they are about to do.
 *
 * The *_in functions work on a store inside the caller's transaction: the
 * writer's in the daemon, smartidctl's own while no daemon runs. */
#ifndef SMARTID_RETENTION_H
#define SMARTID_RETENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "smartid/app.h"
#include "smartid/config.h"
#include "smartid/erasure.h"
#include "smartid/store.h"

/* What one application of a rule does at most. Source: own choice; measured on
 * a busy machine, 16 people in review with two photos of 300 kB each take 10 to
 * 40 ms of the writer's time, most of it for zeros in place of the photos. */
#define SID_RETENTION_PEOPLE_MAX 16
#define SID_RETENTION_ROWS_MAX 1000

/* Applies a rule once. *done: people erased or rows of the log removed; *more:
 * there may be others that are due. Errors: those of the store. */
SID_FALLIBLE enum sid_err
sid_retention_apply_in(struct sid_store *store, const struct sid_config *config,
                       enum sid_retention_rule rule, int64_t now_s, int *done,
                       bool *more);

struct sid_retention_row {
    int64_t days;     /* of the settings; 0: for ever */
    int64_t due;      /* people, or rows of the log, that are to go now */
    int64_t oldest_s; /* since when the oldest is in that state; 0: none */
    int64_t ran_at_s; /* when the rule was applied last; 0: never */
};
/* Errors: those of the store. */
SID_FALLIBLE enum sid_err
sid_retention_status_in(struct sid_store *store,
                        const struct sid_config *config, int64_t now_s,
                        struct sid_retention_row out[SID_RETENTION_COUNT]);

/* The same, for admins. */
struct sid_retention_look {
    struct sid_flow flow;
    struct sid_retention_row row[SID_RETENTION_COUNT]; /* out */
    int64_t faces, faces_alarm;                        /* out */
};
void sid_retention_look_start(struct sid_retention_look *look);

#endif
