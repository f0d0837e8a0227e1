/* dispute.h: the checks of a credential as its holder sees them, and what the
 * holder disputes, in the store.
 *
 * A check is a row of the audit log; a dispute is about one. Used by the thread
 * that owns the store, as store.h says. */
#ifndef SMARTID_DISPUTE_H
#define SMARTID_DISPUTE_H

#include "smartid/store.h"

/* X(symbol, word): what becomes of a dispute; stored by word. */
#define SID_DISPUTE_MAP(X)                                                     \
    X(SID_DISPUTE_OPEN, "open")                                                \
    X(SID_DISPUTE_UPHELD, "upheld")       /* the holder is right */            \
    X(SID_DISPUTE_DISMISSED, "dismissed") /* the check was in order */
enum sid_dispute_outcome {
#define SID_DISPUTE_ENUM(sym, word) sym,
    SID_DISPUTE_MAP(SID_DISPUTE_ENUM)
#undef SID_DISPUTE_ENUM
        SID_DISPUTE_OUTCOMES
};
const char *sid_dispute_outcome_name(enum sid_dispute_outcome outcome);
/* Errors: SID_E_FIELD_INVALID. */
SID_FALLIBLE enum sid_err
sid_dispute_outcome_parse(const char *name, enum sid_dispute_outcome *out);

#define SID_CHECK_OUTCOME_SIZE 32
#define SID_CHECK_DETAIL_SIZE 256

/* A check. Of one whose row was pruned only a dispute knows; then at_us is 0
 * and the texts are "". */
struct sid_check {
    int64_t seq; /* of its row */
    int64_t at_us;
    char party[SID_CLIENT_NAME_SIZE];     /* who asked, by their name */
    char outcome[SID_CHECK_OUTCOME_SIZE]; /* as the audit log has it */
    char detail[SID_CHECK_DETAIL_SIZE];   /* the same */
};

struct sid_dispute {
    char id[SID_ID_SIZE]; /* "dsp_…"; "" when there is none */
    char verification_id[SID_ID_SIZE];
    char credential_id[SID_ID_SIZE];
    char enrolment_id[SID_ID_SIZE];
    int64_t opened_at_s;
    enum sid_dispute_outcome outcome;
    int64_t settled_at_s;         /* 0: not yet */
    char settled_by[SID_ID_SIZE]; /* the officer's client id, or "" */
    struct sid_check check;
    struct sid_buf reason_sealed; /* for place dispute|reason|id */
    struct sid_buf note_sealed;   /* for place dispute|note|id; empty: none */
    struct sid_subject_key key;   /* the enrolment's; read, never written */
};
void sid_dispute_fini(struct sid_dispute *dispute);

/* Calls each for the checks of a credential made before that of the number
 * before_seq (INT64_MAX: all), the newest first, at most limit. Of the dispute
 * only id, outcome and settled_at_s are filled. each as in
 * sid_store_client_each(). */
typedef enum sid_err sid_check_each_fn(const struct sid_check *check,
                                       const struct sid_dispute *dispute,
                                       void *ctx);
SID_FALLIBLE enum sid_err sid_store_check_list(struct sid_store *store,
                                               const char *credential_id,
                                               int64_t before_seq, int limit,
                                               sid_check_each_fn *each,
                                               void *ctx);
/* The number of the row of one of these checks. Errors: SID_E_NOT_FOUND. */
SID_FALLIBLE enum sid_err sid_store_check_find(struct sid_store *store,
                                               const char *credential_id,
                                               const char *verification_id,
                                               int64_t *seq);

/* Errors: SID_E_EXISTS (this check is disputed already). */
SID_FALLIBLE enum sid_err
sid_store_dispute_put(struct sid_store *store,
                      const struct sid_dispute *dispute);
/* Errors: SID_E_NOT_FOUND. */
SID_FALLIBLE enum sid_err sid_store_dispute_get(struct sid_store *store,
                                                const char *id,
                                                struct sid_dispute *out);
/* Up to limit disputes with this outcome behind `after` ("" = from the start);
 * order: opened_at_s, id. each takes the row. Errors: SID_E_NOT_FOUND (there is
 * no dispute `after`). */
SID_FALLIBLE enum sid_err sid_store_dispute_list(
    struct sid_store *store, enum sid_dispute_outcome outcome,
    const char *after, int limit,
    enum sid_err (*each)(struct sid_dispute *take, void *ctx), void *ctx);
/* Writes outcome, settled_* and note_sealed. Errors: SID_E_NOT_FOUND,
 * SID_E_CONFLICT (settled already). */
SID_FALLIBLE enum sid_err
sid_store_dispute_settle(struct sid_store *store,
                         const struct sid_dispute *dispute);

#endif
