/* store_slot.h: several stores on one database: which this one is, what the
 * others are and have changed, and the audit log over all their chains. On a
 * file there is one, and its slot is 0.
 *
 * Thread rule and errors are those of store.h. */
#ifndef SMARTID_STORE_SLOT_H
#define SMARTID_STORE_SLOT_H

#include "smartid/store.h"

/* After an open that failed, in the same thread: why the database cannot be
 * used and what to do; static, quotes nothing of the URI. NULL: the error says
 * it all. */
const char *sid_store_why(void);
/* As sid_store_open(), as one of several stores on a server, for a daemon: in
 * the lowest slot that is free. sid_store_open() is refused there while any of
 * them is open. The tables must be there; sid_store_use_audit_key() comes
 * before the first audit row. Errors: as sid_store_open(). */
SID_FALLIBLE enum sid_err sid_store_join(const char *path,
                                         struct sid_store **out);
/* Which of the daemons on this database the store is for, from 0: whose chain
 * of the audit log (audit.h), whose numbers and counts it has. 0 where there is
 * one alone. */
int sid_store_slot(const struct sid_store *store);
/* Whether there may be others. */
bool sid_store_is_shared(const struct sid_store *store);
/* Calls each for every slot that has a store which has renewed its lease until
 * since_us (Unix microseconds) or later, by number. */
SID_FALLIBLE enum sid_err
sid_store_slot_each(struct sid_store *store, int64_t since_us,
                    enum sid_err (*each)(int slot, void *ctx), void *ctx);
/* Looks how many templates the other slots have added. */
SID_FALLIBLE enum sid_err sid_store_recount(struct sid_store *store);
/* Changes whenever a client is added or revoked. */
struct sid_client_mark {
    int64_t count;
    int64_t revoked; /* sum of revoked_at_s */
};
SID_FALLIBLE enum sid_err sid_store_client_mark(struct sid_store *store,
                                                struct sid_client_mark *out);
/* Whether other slots have enrolments in received or processing although nobody
 * has renewed these slots since before_us, Unix microseconds. */
SID_FALLIBLE enum sid_err sid_store_enrol_orphans(struct sid_store *store,
                                                  int64_t before_us, bool *out);
/* Makes them this slot's; each as in sid_store_enrol_unfinished(), in no order.
 */
SID_FALLIBLE enum sid_err sid_store_enrol_take_over(
    struct sid_store *store, int64_t before_us,
    enum sid_err (*each)(const char *id, int attempts, void *ctx), void *ctx);

/* ---- the audit log ------------------------------------------------------- */
/* The chains there are: *slot becomes the first one from *slot on that has
 * rows. Errors: SID_E_NOT_FOUND (no more). */
SID_FALLIBLE enum sid_err sid_store_audit_slot(struct sid_store *store,
                                               int *slot);
/* All of them, a bit each: that of slot n is 1 << n. */
SID_FALLIBLE enum sid_err sid_store_audit_chains(struct sid_store *store,
                                                 uint64_t *out);
/* Whether a chain must have rows: some were removed, which leaves the last one,
 * or a store of this slot has changed something, and none does so before its
 * first row. Where there is one store alone only the former tells. */
SID_FALLIBLE enum sid_err sid_store_audit_began(struct sid_store *store,
                                                int slot, bool *out);
/* The number behind which the rows of a chain were made at before_us or later.
 */
SID_FALLIBLE enum sid_err sid_store_audit_find(struct sid_store *store,
                                               int slot, int64_t before_us,
                                               int64_t *seq);
/* As sid_store_audit_each(), up to last_seq: with sid_chain_low() and
 * sid_chain_high(), one chain.
 */
SID_FALLIBLE enum sid_err sid_store_audit_range(struct sid_store *store,
                                                int64_t after_seq,
                                                int64_t last_seq, int64_t limit,
                                                sid_audit_each_fn *each,
                                                void *ctx);
/* Calls each for rows of all chains in the order of their times, at most limit
 * in all. at (in and out): behind which number each chain is read; a row's
 * place in it does not change, so that the next call goes on. Times of one
 * chain do not go back; two chains' are as good as their machines' clocks.
 * *rows is how many there were. */
struct sid_audit_places {
    int64_t after[SID_SLOTS_MAX];
};
void sid_audit_places_begin(struct sid_audit_places *at);
SID_FALLIBLE enum sid_err sid_store_audit_by_time(struct sid_store *store,
                                                  struct sid_audit_places *at,
                                                  int64_t limit,
                                                  sid_audit_each_fn *each,
                                                  void *ctx, int64_t *rows);

#endif
