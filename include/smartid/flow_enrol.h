/* flow_enrol.h: enrolments: taking them in, showing, listing, deciding.
 *
 * Way of a submission: io reserves a place (before the body), then
 * sid_enrol_submit_start seals the photos; writer stores them (state received:
 * now a crash loses nothing); a worker examines; writer decides; io answers the
 * client, if one still waits. */
#ifndef SMARTID_FLOW_ENROL_H
#define SMARTID_FLOW_ENROL_H

#include "smartid/app.h"
#include "smartid/blobs.h"
#include "smartid/enrolment.h"
#include "smartid/erasure.h"
#include "smartid/flow_wechat.h"
#include "smartid/overview.h"

/* Takes a place in the queue, and room for body_bytes among all bodies that are
 * being sent (upload_total_bytes); before the body is read. Errors:
 * SID_E_QUEUE_FULL (either), SID_E_STOPPING. */
SID_FALLIBLE enum sid_err sid_enrol_reserve(struct sid_app *app,
                                            uint64_t body_bytes);
/* Gives both back when the request ends without sid_enrol_submit_start. */
void sid_enrol_release(struct sid_app *app, uint64_t body_bytes);

/* A request that waits until an enrolment is settled. Private to the flows. */
struct sid_waiter {
    struct sid_waiter *next;
    struct sid_flow *flow;
    const char *id;      /* of the enrolment */
    int64_t deadline_us; /* monotonic */
};

struct sid_enrol_submit {
    struct sid_flow flow;
    /* in; the holder's number is the raw text, judged here */
    struct sid_holder holder; /* id_number unused */
    char id_number_text[64];
    char consent_version[SID_CONSENT_SIZE];
    int64_t consent_at_s;
    bool consent_portrait; /* and to a portrait for the counter */
    int64_t valid_until_s; /* of the card; 0: not stated */
    struct sid_buf photo[SID_PHOTO_KINDS];      /* taken; frames may be empty */
    char challenge_id[SID_ID_SIZE];             /* "" when none */
    char idempotency_key[SID_IDEMPOTENCY_SIZE]; /* "" when none; the flow
                                                   makes a hash of it */
    /* in: who sends it by WeChat, and is bound to it with its storing; "": not
     * by WeChat */
    char wechat_account[SID_WECHAT_ACCOUNT_SIZE];
    char wechat_openid[SID_OPENID_SIZE];
    int64_t wait_until_us; /* monotonic; 0: answer as soon as it is stored */
    uint64_t body_bytes;   /* reserved; the flow gives them back */
    void *for_channel;     /* in: whoever is told by done; the flow leaves it */
    /* in, of an officer who has seen person and card: no photos, no place */
    bool counter;
    bool replace; /* takes the place of a credential that stands */
    /* out, when flow.err is SID_OK */
    struct sid_enrolment enrolment; /* state and reasons as of the answer */
    char holder_secret[SID_HOLDER_SECRET_SIZE];
    bool replayed; /* the answer to an earlier request with the same key */
    /* private */
    struct sid_enrolment made; /* as it came in */
    struct sid_waiter waiter;
    struct sid_enrol_job *job;
    struct sid_blob_put blob; /* of the job's photos */
    bool in_blob;             /* they are there */
    uint8_t fingerprint[SID_SHA256_BYTES];
    bool id_number_bad;
};
/* Needs a reserved place and body_bytes (not at a counter), which it takes over
 * in every case; the bytes are free again once the photos are stored. At a
 * counter it is approved at once, without a face; with review_two_person it
 * goes to review, as the first officer's decision. flow.err:
 * SID_E_IDEMPOTENCY_MISMATCH, SID_E_ATTEMPTS (with flow.retry_after_s),
 * SID_E_FIELD_INVALID and SID_E_FIELD_MISSING (flow.field: the challenge cannot
 * be answered, a frame is missing or too many), SID_E_STORE, SID_E_STORE_FULL,
 * SID_E_NO_MEMORY, SID_E_STOPPING … done is always called. An invalid or used
 * ID number is not an error but a rejected enrolment with that reason. */
void sid_enrol_submit_start(struct sid_enrol_submit *submit);
void sid_enrol_submit_fini(struct sid_enrol_submit *submit);

/* A credential that came of an enrolment and is neither revoked nor replaced.
 */
struct sid_standing {
    char id[SID_ID_SIZE];
    char type[SID_TYPE_SIZE];
    enum sid_credential_state state; /* as of the answer */
};
/* One of each type stands at most; beyond the types there are. */
#define SID_STANDING_MAX 8
/* Other enrolments of the number that an officer is shown. Own choice: a person
 * has five attempts a day by default. */
#define SID_EARLIER_MAX 10
/* One enrolment, for the app that sent it, its holder, or an officer. */
struct sid_enrol_get {
    struct sid_flow flow;
    char id[SID_ID_SIZE];  /* in */
    int64_t wait_until_us; /* in: monotonic; wait until settled, or 0 */
    struct sid_enrolment enrolment; /* out */
    int standing_count;             /* out */
    struct sid_standing standing[SID_STANDING_MAX];
    /* out, for an officer while it is in review: the newest first */
    int earlier_count;
    struct sid_earlier earlier[SID_EARLIER_MAX];
    unsigned photos; /* out, with them: bits 1 << enum sid_photo_kind */
    struct sid_policy policy; /* out, for an officer: as in force now */
    /* private */
    struct sid_waiter waiter;
};
/* flow.err: SID_E_NOT_FOUND (also when it is somebody else's), … */
void sid_enrol_get_start(struct sid_enrol_get *get);
void sid_enrol_get_fini(struct sid_enrol_get *get);
/* Opens the holder's data of an enrolment, for officers. io thread. Errors:
 * SID_E_SEAL, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err
sid_enrol_open_holder(struct sid_app *app,
                      const struct sid_enrolment *enrolment,
                      struct sid_holder *out);

/* What people have written about an enrolment. */
enum sid_words {
    SID_WORDS_STATEMENT, /* the person's, of an appeal */
    SID_WORDS_NOTE,      /* the officer's reason */
    SID_WORDS_FIRST_NOTE /* the first of two officers' reason */
};
/* *out stays empty when there are none. io thread. Errors: SID_E_SEAL,
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err
sid_enrol_open_words(struct sid_app *app, const struct sid_enrolment *enrolment,
                     enum sid_words words, struct sid_buf *out);

/* A person's appeal against a rejection, by the app that sent the enrolment or
 * by its holder: once, with new photos. It goes to an officer who has not
 * decided before. */
struct sid_enrol_appeal {
    struct sid_enrol_get get; /* first: flow, id, wait and enrolment */
    /* in */
    struct sid_buf photo[SID_PHOTO_KINDS]; /* taken; frames may be empty */
    char challenge_id[SID_ID_SIZE];        /* "" when none */
    char statement[SID_NOTE_SIZE];         /* "" when none */
    uint64_t body_bytes; /* reserved; the flow gives them back */
    /* private */
    struct sid_enrol_job *job;
};
/* Needs a reserved place and body_bytes, like a submission. flow.err:
 * SID_E_NOT_FOUND (also when it is somebody else's), SID_E_CONFLICT (not
 * rejected, appealed before, too late, or the number was not valid), those of a
 * submission. */
void sid_enrol_appeal_start(struct sid_enrol_appeal *appeal);
void sid_enrol_appeal_fini(struct sid_enrol_appeal *appeal);

struct sid_enrol_list {
    struct sid_flow flow;
    enum sid_enrol_state state; /* in */
    enum sid_waiting waiting;   /* in */
    char after[SID_ID_SIZE];    /* in: "" or an id from a former page */
    int limit;                  /* in: 1..SID_PAGE_MAX */
    struct sid_enrolment *rows; /* out: owned, limit entries */
    int count;                  /* out */
    bool more;                  /* out: another page follows */
};
void sid_enrol_list_start(struct sid_enrol_list *list);
void sid_enrol_list_fini(struct sid_enrol_list *list);

/* An officer's decision on an enrolment in review. With review_two_person it
 * needs two officers who decide alike; until then it stays in review. */
struct sid_enrol_decide {
    struct sid_flow flow;
    char id[SID_ID_SIZE];           /* in */
    bool approve;                   /* in */
    bool withdraw;                  /* in: the first decision is taken back */
    char reason[SID_NOTE_SIZE];     /* in, not empty */
    struct sid_enrolment enrolment; /* out */
};
/* flow.err: SID_E_NOT_FOUND, SID_E_FORBIDDEN (the officer had decided what is
 * appealed), SID_E_CONFLICT (not in review; approving a number that has a
 * credential by now; the second decision comes from the same officer or is not
 * the first one's; nothing to withdraw), … */
void sid_enrol_decide_start(struct sid_enrol_decide *decide);
void sid_enrol_decide_fini(struct sid_enrol_decide *decide);

/* Erases the person of an enrolment, whatever its state: for officers, and for
 * the holder of it. */
struct sid_enrol_erase {
    struct sid_flow flow;
    char id[SID_ID_SIZE];       /* in */
    enum sid_erase_cause cause; /* in: one that can be asked for */
};
/* After SID_OK no check passes, the id is unknown to everybody, and those who
 * waited for the enrolment are told SID_E_NOT_FOUND. flow.err: SID_E_NOT_FOUND
 * (also when it is somebody else's) … */
void sid_enrol_erase_start(struct sid_enrol_erase *erase);

/* A photo, for officers, only while in review. The view is audited. */
struct sid_enrol_photo {
    struct sid_flow flow;
    char id[SID_ID_SIZE];     /* in */
    enum sid_photo_kind kind; /* in */
    struct sid_buf photo;     /* out: after finish, the file's bytes */
    /* private */
    struct sid_buf sealed;
    struct sid_subject_key key;
};
/* flow.err: SID_E_NOT_FOUND (none, or not in review). */
void sid_enrol_photo_start(struct sid_enrol_photo *photo);
SID_FALLIBLE enum sid_err sid_enrol_photo_finish(struct sid_enrol_photo *photo);
void sid_enrol_photo_fini(struct sid_enrol_photo *photo);

#endif
