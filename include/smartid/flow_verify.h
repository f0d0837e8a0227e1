/* flow_verify.h: a clerk asks who a code stands for, or who many codes do.
 *
 * io: sid_verify_start opens the code (pure) and submits; writer: status and
 * audit row in one transaction; io: sid_verify_finish opens the attributes that
 * the purpose allows. Of a live code, and of a batch, the writer opens them, so
 * that a failure uses no code up and is written down. Whatever fails on the way
 * is an error, never an answer about the code. */
#ifndef SMARTID_FLOW_VERIFY_H
#define SMARTID_FLOW_VERIFY_H

#include "smartid/app.h"
#include "smartid/enrolment.h"
#include "smartid/pseudonym.h"
#include "smartid/purpose.h"
#include "smartid/token.h"

#define SID_COUNTER_SIZE 65    /* 64 bytes and NUL */
#define SID_CODE_TEXT_SIZE 257 /* longer codes are cut: refused by length */

struct sid_verify {
    struct sid_flow flow;
    /* in */
    const struct sid_purpose *purpose; /* of the caller's set: borrowed */
    char counter[SID_COUNTER_SIZE];    /* "" when none; clean UTF-8 */
    char code[SID_CODE_TEXT_SIZE];
    size_t code_len;
    int64_t received_at_s; /* when the code was taken, Unix s; 0: now. For the
                              record: codes are judged as of now */
    /* out, when flow.err is SID_OK */
    char id[SID_ID_SIZE]; /* "ver_…" */
    int64_t checked_at_s;
    bool valid;
    bool expired;             /* not valid because it is too old */
    bool too_low;             /* not valid because its assurance is too low */
    bool needs_live;          /* not valid because it is no live code */
    bool used;                /* not valid because it was taken before */
    bool portrait;            /* there is one that the purpose may be told of */
    char type[SID_TYPE_SIZE]; /* of the credential; only when valid */
    char assurance[16];       /* only when valid */
    char pseudonym[SID_PSEUDONYM_SIZE]; /* only when valid, after finish */
    struct sid_holder holder;           /* only when valid, after finish */
    /* The fields of the credential's type; NULL: none are told. After finish.
     */
    const struct sid_credential_type *with_details;
    struct sid_details details;
    /* private */
    struct sid_token token;
    enum sid_err code_err;
    int64_t started_us; /* wall clock */
    char credential_id[SID_ID_SIZE];
    enum sid_dead_serial dead; /* when there is an id and nothing stands */
    char enrolment_id[SID_ID_SIZE];
    uint8_t id_index[SID_SHA256_BYTES];
    struct sid_subject_key key;
    struct sid_buf sealed, details_sealed;
    bool base_dead; /* what it stands on is not active */
    bool of_batch;
    enum sid_err open_err; /* of a batch: what flow.err is before the store */
    bool opened;           /* what finish opens was opened with the rest */
};

/* Errors end up in flow.err: SID_E_PURPOSE_FORBIDDEN (recorded), SID_E_STORE
 * …, SID_E_STOPPING. done is always called. */
void sid_verify_start(struct sid_verify *verify);
/* Opens the attributes, makes the pseudonym and remembers the check for what
 * may be asked about it (flow_face.h) (io thread, after done). Errors:
 * SID_E_SEAL, SID_E_CRYPTO, … */
SID_FALLIBLE enum sid_err sid_verify_finish(struct sid_verify *verify);
void sid_verify_fini(struct sid_verify *verify);

/* Most codes of one batch. Source: issue 5, letter H. */
#define SID_BATCH_MAX 50
struct sid_verify_batch {
    struct sid_flow flow;
    /* in */
    const struct sid_purpose *purpose;
    char counter[SID_COUNTER_SIZE];
    size_t count; /* 1..SID_BATCH_MAX */
    /* in and out: code, code_len and received_at_s; then as sid_verify, its
     * flow.err being its own: that of a code that could not be checked does not
     * hurt the others. Owned, of calloc(). */
    struct sid_verify *item;
    /* private: what the store is asked for at once */
    uint64_t serials[SID_BATCH_MAX];
};
/* All codes in one transaction, each with its row. flow.err:
 * SID_E_PURPOSE_FORBIDDEN (recorded), SID_E_STORE …, SID_E_STOPPING: then
 * nothing is known about any of them. */
void sid_verify_batch_start(struct sid_verify_batch *batch);
/* sid_verify_finish() of each item without an error (io thread, after done). */
void sid_verify_batch_finish(struct sid_verify_batch *batch);
void sid_verify_batch_fini(struct sid_verify_batch *batch);

#endif
