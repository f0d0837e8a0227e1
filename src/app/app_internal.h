/* app_internal.h: what the files of src/app share: the app itself, waiting
 * clients, the one way to decide an enrolment. Private to this folder. */
#ifndef SMARTID_APP_INTERNAL_H
#define SMARTID_APP_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "smartid/app.h"
#include "smartid/erasure.h"
#include "smartid/flow_enrol.h"
#include "smartid/flow_verify.h"
#include "smartid/purpose.h"
#include "smartid/steady.h"
#include "smartid/store_slot.h"
#include "smartid/token.h"

struct sid_audit_head;
struct sid_enrol_job;
struct sid_forkserver;
struct sid_gate;
struct sid_kept_purposes;
struct sid_models;
struct sid_purposes_news;
struct sid_recent;
struct sid_recent_check;
struct sid_webhook;
struct sid_webhook_state;

struct sid_app {
    struct sid_keyring *keys;   /* borrowed */
    struct sid_master **master; /* borrowed; the writer's alone */
    struct sid_writer *writer;  /* borrowed; the first of the writers */
    struct sid_app_writer writers[SID_WRITERS_MAX];
    int writer_count;
    _Atomic unsigned turn;       /* of a writer, when all are busy */
    struct sid_blobs *blobs;     /* borrowed; NULL: the store has none */
    struct sid_keyset *keyset;   /* borrowed */
    struct sid_gate *gate;       /* owned */
    struct sid_recent *recent;   /* owned; valid checks */
    struct sid_webhook *webhook; /* owned; NULL before its start */

    /* All sets that were ever in force, the newest first: callers point to
     * theirs. The list is the main thread's. */
    struct sid_kept_purposes *_Atomic purposes;

    pthread_rwlock_t config_lock;
    struct sid_config config; /* under config_lock */

    /* One of them, before the pool starts: engines in the workers' threads are
     * made of the models, face processes come from the fork server. */
    struct sid_models *models;
    struct sid_forkserver *forkserver;
    struct sid_pool *_Atomic pool;
    _Atomic bool stopping;
    /* Jobs run under the read side; one that was at work when the process died
     * runs alone, under the write side: should the process die again, it was
     * this one. */
    pthread_rwlock_t suspects;
    /* Bytes of sealed photos that jobs keep in memory, see SID_HELD_MAX. */
    _Atomic size_t held_bytes;
    /* Bytes of bodies that are being sent, or sealed and not yet stored. */
    _Atomic uint64_t upload_bytes;
    _Atomic bool memory_used; /* photos were freed since the last tick */
    int64_t trim_at_us;       /* main thread; 0: nothing to give back */
    int64_t next_purge_us;    /* main thread */
    _Atomic bool purge_again; /* at once */
    int64_t next_warning_s;   /* main thread; wall clock */
    struct sid_app_question { /* to each writer, for a sign of life */
        struct sid_op op;
        _Atomic bool open;
    } question[SID_WRITERS_MAX];
    bool audit_stop;           /* main thread: the start was recorded */
    struct sid_reload *reload; /* main thread; see audit_self.c; owned */
    /* Signed heads of the audit log, see audit_head.c. Main thread's, but for
     * the question while it is with the writer. */
    struct sid_heads {
        char path[SID_BESIDE_SIZE]; /* "": none are written */
        int64_t written_seq;        /* row of the last head in the file */
        int64_t signed_seq[SID_SLOTS_MAX]; /* the same of each chain */
        bool unread; /* what the file ends with could not be found out yet */
        int64_t asked_us;
        _Atomic bool failing;
        struct sid_head_ask {
            struct sid_op op;
            _Atomic int state; /* SID_HEAD_… */
            int64_t seq;       /* 0: no answer */
            uint8_t mac[SID_SHA256_BYTES];
        } ask[SID_WRITERS_MAX];
    } heads;
    /* See shared.c. */
    struct sid_shared_state {
        bool is;            /* there may be other daemons on the database */
        int slot;           /* the first writer's */
        _Atomic bool leads; /* does what one does for all */
        _Atomic bool looking, taking;
        _Atomic int64_t known_us; /* monotonic: the last look's begin */
        int64_t next_us;          /* main thread */
        /* The writer thread's. */
        struct sid_client_mark mark;
        int settled[SID_KEY_USE_COUNT];
        unsigned keys_failed; /* looks in a row */
        bool purposes_failed;
    } shared;
    /* See purposes_shared.c. Main thread's, but for the news. */
    struct sid_purposes_state {
        struct sid_purposes file; /* as they were read last */
        bool own;                 /* there is a file; else the built-in ones */
        bool differs;             /* from those in force */
        struct sid_buf due;       /* to be put into the database; owned */
        int64_t seq;              /* in the database, of those in force */
        struct sid_purposes_news *_Atomic news; /* owned; NULL: none */
    } shared_purposes;
    /* See time.c. */
    struct sid_app_time {
        pthread_mutex_t lock;
        struct sid_steady steady; /* under lock */
        bool behind;              /* main thread: the clock was set back */
    } time;
    /* Wrapping people's keys again, see keys_work.c. */
    struct sid_rewrap_state {
        _Atomic bool due, running;
        _Atomic int most; /* people at once, next time */
        _Atomic int64_t left, total;
    } rewrap;
    /* See retention.c. */
    struct sid_retention_state {
        _Atomic int running; /* operations under way */
        _Atomic bool due[SID_RETENTION_COUNT];
        int64_t next_us;     /* main thread */
        int64_t warned_at_s; /* main thread: of too many faces */
    } retention;

    /* Who makes a report on misuse, see flow_misuse.c. Under lock. */
    struct sid_misuse_state {
        bool running, joinable;
        pthread_t thread;
    } misuse;

    pthread_mutex_t lock;
    struct sid_waiter *waiters;    /* under lock */
    struct sid_enrol_job *parked;  /* under lock: decided, not yet stored */
    struct sid_enrol_job *backlog; /* under lock: no place in the queue yet */
};

/* Sealed photos kept in memory between storing and examining, all jobs
 * together; beyond that a job reads them back. Source: aim of 500 MB at 50
 * parallel enrolments, issue 1, of which upload_total_bytes takes 256 MiB. */
#define SID_HELD_MAX_BYTES ((size_t)32 << 20)
/* A job that was begun this often and never finished has killed the process as
 * often. Source: architecture.md section 3. */
#define SID_ATTEMPTS_MAX 2
/* In which a person's attempts to enrol are counted. */
#define SID_ATTEMPT_DAY_S ((int64_t)86400)

/* What a clerk's key may ask in a minute; 0: any number. */
int64_t sid_app_clerk_per_minute(const struct sid_app *app);
void sid_app_policy(const struct sid_app *app, struct sid_policy *out);
void sid_app_token_times(const struct sid_app *app, int64_t now_s,
                         struct sid_token_times *out);

/* Common start of a flow: refuses with SID_E_STOPPING when the app stops (then
 * done has been called and false is returned). */
bool sid_flow_admit(struct sid_flow *flow);
/* Zeroed rows for a page of 1..SID_PAGE_MAX, for free(). NULL when there is no
 * memory: then done has been called. */
void *sid_flow_page(struct sid_flow *flow, int limit, size_t row_size);
/* Submits the flow's operation. */
void sid_flow_submit(struct sid_flow *flow, sid_op_run_fn *run,
                     sid_op_done_fn *done);
/* The same by any of the writers: for what reads what is committed and writes
 * nothing but rows of its own. */
void sid_flow_submit_any(struct sid_flow *flow, sid_op_run_fn *run,
                         sid_op_done_fn *done);
/* The op's error; else flow->refusal: a run that refuses but keeps what it has
 * written (the audit row about it) sets that and returns SID_OK. */
enum sid_err sid_flow_result(const struct sid_op *op);
/* An op's done that ends the flow with that. */
void sid_flow_end(struct sid_op *op);
/* Who acts, for the audit log: client id, "holder" or "nobody". */
const char *sid_caller_actor(const struct sid_caller *caller);
/* Audit row with the time of now, or of at_us; no row is older than the one
 * before it. */
SID_FALLIBLE enum sid_err
sid_app_audit(struct sid_store *store, const char *event, const char *actor,
              const char *subject, const char *outcome, const char *detail);
SID_FALLIBLE enum sid_err
sid_app_audit_at(struct sid_store *store, int64_t at_us, const char *event,
                 const char *actor, const char *subject, const char *outcome,
                 const char *detail);
/* True when the caller sent this object (app) or is its holder. */
bool sid_caller_owns(const struct sid_caller *caller, const char *client_id,
                     const uint8_t holder_hash[SID_SHA256_BYTES]);

/* ---- writers.c ---------------------------------------------------------- */
void sid_writers_init(struct sid_app *app, const struct sid_app_parts *parts);
/* One that is free; else they take turns. Any thread. */
struct sid_writer *sid_writers_pick(struct sid_app *app);
/* Whether one of them has this place. */
bool sid_writers_have(const struct sid_app *app, int slot);
/* Waits until each has done what is queued. Errors: those of the store. */
SID_FALLIBLE enum sid_err sid_writers_finish(struct sid_app *app);

/* ---- gate.c ------------------------------------------------------------- */
/* Errors: SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_gate_new(struct sid_gate **out);
/* After its last refusal has come back from the writer. */
void sid_gate_free(struct sid_gate **gate);

/* ---- time.c ------------------------------------------------------------- */
/* Before any other thread: the time that was in force before, Unix
 * microseconds. */
void sid_time_begin(struct sid_app *app, int64_t floor_us);
/* The time by which codes live and die, Unix microseconds: the clock's, but it
 * never goes back. Any thread. */
int64_t sid_time_us(struct sid_app *app);
/* The same in whole seconds: by it credentials expire. */
int64_t sid_time_s(struct sid_app *app);
/* Each tick: says once when the clock was set back by more than the skew, and
 * when that is over. Main thread. */
void sid_time_tick(struct sid_app *app);

/* ---- webhook.c ---------------------------------------------------------- */
/* Once everything else runs; it may do so without an address to send to.
 * Errors: SID_E_NO_MEMORY, SID_E_CRYPTO, SID_E_INTERNAL. */
SID_FALLIBLE enum sid_err sid_webhook_start(struct sid_app *app);
/* Ends the request under way, and the thread; while the writer works. */
void sid_webhook_stop(struct sid_app *app);
/* How it went so far. Any thread. */
void sid_webhook_state(struct sid_app *app, struct sid_webhook_state *out);
/* Refused events were marked to be sent once more. Any thread. */
void sid_webhook_replay(struct sid_app *app);

/* ---- shared.c ----------------------------------------------------------- */
/* How long after its lease has ended a daemon is taken for dead. Source: own
 * choice: clocks of two machines may differ by so much. */
#define SID_DEAD_AFTER_US ((int64_t)2 * 1000 * 1000)
/* What stands in memory now is what the store has. Writer thread, at the start.
 * Errors: those of the store. */
SID_FALLIBLE enum sid_err sid_shared_begin(struct sid_app *app,
                                           struct sid_store *store);
/* Each tick. Main thread. */
void sid_shared_tick(struct sid_app *app, int64_t now_us);
/* What the others had changed at_us (monotonic) is in force here. Writer and
 * main thread. */
void sid_shared_known(struct sid_app *app, int64_t at_us);

/* ---- webhook_place.c ---------------------------------------------------- */
/* Where to go on in each chain. The first time ever that is at the end of all
 * of them: nobody is told of what was before there was somebody to tell. A
 * chain that comes later is told from its beginning. */
struct sid_webhook_places {
    bool found;      /* there is a place in some chain */
    uint64_t chains; /* that there are, by slot */
    bool known[SID_SLOTS_MAX];
    int64_t seq[SID_SLOTS_MAX];
};
/* Finds them; those that are new are noted. Errors: those of the store. */
SID_FALLIBLE enum sid_err
sid_webhook_find_places(struct sid_store *store,
                        struct sid_webhook_places *begin);

/* ---- expiring.c --------------------------------------------------------- */
/* Now and then: credentials that will expire soon get a row in the log, from
 * which the app's backend is told. Main thread. */
void sid_expiring_tick(struct sid_app *app);

/* ---- purposes.c --------------------------------------------------------- */
/* From now on these (copied) are in force; grants that they do not know are
 * logged. Main thread. Errors: SID_E_NO_MEMORY (nothing has changed). */
SID_FALLIBLE enum sid_err
sid_app_use_purposes(struct sid_app *app, const struct sid_purposes *purposes);
void sid_app_free_purposes(struct sid_app *app);

/* ---- purposes_shared.c -------------------------------------------------- */
/* Puts into force what is in force at the start: the file's, or those of the
 * database. Main thread. Errors: SID_E_NO_MEMORY, those of the store. */
SID_FALLIBLE enum sid_err sid_purposes_begin(struct sid_app *app,
                                             const struct sid_purposes *file);
/* Before a reload: *kept when what is in force stays whatever the file has, as
 * it has nothing new; *said (empty before): its text when it is to be put into
 * the database. Main thread. Errors: SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_purposes_reread(struct sid_app *app,
                                              const struct sid_purposes *file,
                                              bool *kept, struct sid_buf *said);
/* After it: puts the file's into force, unless they are kept or others than
 * those of this number have come meanwhile. own: there is a file; seq: of what
 * was put there, 0: nothing was. Main thread. Errors: SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err
sid_purposes_reread_done(struct sid_app *app, const struct sid_purposes *file,
                         bool kept, bool own, int64_t seq);
/* What was found in the database becomes news for the main thread. Takes the
 * text, unless there is no memory: then it is found again. at_us: for
 * sid_shared_known(), once it is in force. Writer thread. */
void sid_purposes_tell(struct sid_app *app, int64_t seq, struct sid_buf *take,
                       int64_t at_us);
/* Each tick. Main thread. */
void sid_purposes_tick(struct sid_app *app);
/* At the end. */
void sid_purposes_end(struct sid_app *app);

/* ---- key_ages.c --------------------------------------------------------- */
/* Once a day at most: a line in the log about keys that will soon expire. */
void sid_key_ages_tick(struct sid_app *app);

/* ---- keys_work.c -------------------------------------------------------- */
/* Each tick: some more of people's keys are wrapped again when that is due. */
void sid_keys_tick(struct sid_app *app);
/* Now and then: code keys whose last code has died are destroyed. */
void sid_keys_purge(struct sid_app *app);
/* Counts what lies under older versions and makes the ticks work on it. Writer
 * thread. Errors: those of the store. */
SID_FALLIBLE enum sid_err sid_keys_rewrap_begin(struct sid_app *app,
                                                struct sid_store *store);

/* ---- audit_head.c ------------------------------------------------------- */
enum { SID_HEAD_IDLE, SID_HEAD_ASKED, SID_HEAD_ANSWERED };
/* Signs and writes the head of a committed row, unless it has been. What fails
 * is logged and counted, and tried again with the next one. */
void sid_heads_write(struct sid_app *app, int64_t seq,
                     const uint8_t mac[SID_SHA256_BYTES]);
/* Reads the last head of this log in the file; out->seq is 0 when there is
 * none, or no file. What could not be found out (logged) is tried again with
 * each head, and the file gets none before. */
void sid_heads_begin(struct sid_app *app, struct sid_audit_head *out);
void sid_heads_tick(struct sid_app *app, int64_t now_us);

/* ---- audit_self.c ------------------------------------------------------- */
/* After the writer has done all: of a reload that nobody waits for any more. */
void sid_reload_drop(struct sid_app *app);
/* At the end, if the start was recorded: the last row, and its head. */
void sid_audit_stop(struct sid_app *app);

/* ---- template.c --------------------------------------------------------- */
/* Keeps an embedding as the face of an enrolment, under its template key
 * (borrowed, as it is stored now). Writer thread or a tool's. Errors:
 * SID_E_NOT_FOUND (no such enrolment), those of seal and store. */
SID_FALLIBLE enum sid_err
sid_template_keep(const struct sid_keyring *ring, struct sid_store *store,
                  const char *enrolment_id, const struct sid_subject_key *key,
                  const float face[SID_EMBEDDING_FLOATS]);
/* How like the kept face another one is, -1..1. Errors: SID_E_NOT_FOUND (none
 * is kept), SID_E_SEAL, those of the store. */
SID_FALLIBLE enum sid_err
sid_template_compare(const struct sid_keyring *ring, struct sid_store *store,
                     const char *enrolment_id,
                     const struct sid_subject_key *key,
                     const float face[SID_EMBEDDING_FLOATS], float *similarity);
/* Makes a fresh template key under the current version; a face that is kept is
 * turned by that version's transform and sealed again. *key: the stored one
 * becomes the one to be stored. Errors: those of seal and store. */
SID_FALLIBLE enum sid_err sid_template_renew(const struct sid_keyring *ring,
                                             struct sid_store *store,
                                             const char *enrolment_id,
                                             struct sid_subject_key *key);

/* ---- flow_portrait.c ---------------------------------------------------- */
/* Inside a transaction: whose enrolment and keys a recent check is about.
 * Errors: SID_E_NOT_FOUND (the credential, or what it stands on, is not active
 * any more, or gone), those of the store. */
SID_FALLIBLE enum sid_err sid_app_checked(struct sid_app *app,
                                          struct sid_store *store,
                                          const struct sid_recent_check *check,
                                          char enrolment_id[SID_ID_SIZE],
                                          struct sid_subject_key *key);

/* ---- flow_enrol_erase.c ------------------------------------------------- */
/* Forgets a person and says so in the audit log, by ids. Inside a transaction.
 * Errors: SID_E_NOT_FOUND, those of the store. */
SID_FALLIBLE enum sid_err sid_person_erase(struct sid_store *store,
                                           const struct sid_erasure *erasure,
                                           const char *actor);

/* ---- flow_misuse.c ------------------------------------------------------- */
/* Waits for the end of a report that is being made; while the writer works, and
 * when nobody begins another one. */
void sid_misuse_stop(struct sid_app *app);

/* ---- retention.c -------------------------------------------------------- */
/* Each tick: applies what is due, in small operations, and watches the number
 * of faces. Main thread. */
void sid_retention_tick(struct sid_app *app, int64_t now_us);

/* ---- enrol_wait.c ------------------------------------------------------- */
/* Registers flow to be woken when enrolment `id` is settled or at deadline_us.
 * False when the app stops: then nothing was registered. Writer thread. */
bool sid_wait_add(struct sid_app *app, struct sid_waiter *waiter);
/* Wakes those that wait for id: their `op` is submitted as prepared. */
void sid_wait_settled(struct sid_app *app, const char *id);
/* Has those look again that may wait for another daemon's decision. */
void sid_wait_look(struct sid_app *app);
/* Wakes those whose deadline has passed (all: INT64_MAX). */
void sid_wait_expire(struct sid_app *app, int64_t now_us);

/* Waits as get asks for when its enrolment is open: then the flow may end at
 * any moment. False: the caller ends it. Its op is not in use. Writer thread.
 */
bool sid_enrol_wait(struct sid_enrol_get *get);

/* ---- flow_challenge.c --------------------------------------------------- */
/* Inside a transaction: judges the challenge that an enrolment of this client
 * answers ("" none), marks it as used by enrolment, and fills its challenge.
 * A refusal is audited, and set in the flow. sealed: the photos, by kind.
 * Errors: those of the store. */
SID_FALLIBLE enum sid_err
sid_enrol_take_challenge(struct sid_flow *flow, struct sid_store *store,
                         const char *id,
                         const struct sid_buf sealed[SID_PHOTO_KINDS],
                         struct sid_enrolment *enrolment);

/* ---- flow_credential.c -------------------------------------------------- */
/* Reads a credential for the app that enrolled its holder, or for the holder;
 * for others it does not exist. Errors: SID_E_NOT_FOUND, those of the store. */
SID_FALLIBLE enum sid_err sid_credential_for(const struct sid_caller *caller,
                                             struct sid_store *store,
                                             const char *id,
                                             struct sid_credential *out);

/* ---- flow_verify.c ------------------------------------------------------ */
/* Reads the code of a check whose inputs are set. Any thread. Errors: those of
 * our own, after which nothing is known about it. */
SID_FALLIBLE enum sid_err sid_verify_open(struct sid_verify *verify);
/* Forgets what an earlier run has found, which was rolled back. */
void sid_verify_forget(struct sid_verify *verify);
/* Judges what was read and writes it down, inside a transaction; of a check
 * whose flow.err is set it writes down that. Errors: those of the store. */
SID_FALLIBLE enum sid_err sid_verify_judge(struct sid_verify *verify,
                                           struct sid_store *store);

/* ---- flow_enrol_submit.c ------------------------------------------------- */
/* A body of which the rest is counted as held, or gone. Any thread. */
void sid_enrol_give_room_back(struct sid_app *app, uint64_t bytes);

/* ---- enrol_faces.c ------------------------------------------------------- */
/* The faces of card and selfie that an officer sees beside the photos, by the
 * kinds from SID_PHOTO_ID_FACE on: the aligned grey squares of
 * SID_FACE_GREY_PX that were compared. */
#define SID_FACES_SHOWN 2
/* Makes a picture of each face that was found, sealed for its place. facts: of
 * all photos, by kind. Worker's thread. Errors: those of seal, SID_E_NO_MEMORY.
 */
SID_FALLIBLE enum sid_err
sid_enrol_faces_seal(const struct sid_subject *subject, const char *id,
                     const struct sid_photo_facts *facts,
                     struct sid_buf out[SID_FACES_SHOWN]);
/* Stores those there are. Writer thread. Errors: those of the store. */
SID_FALLIBLE enum sid_err
sid_enrol_faces_store(struct sid_store *store, const char *id,
                      const struct sid_buf faces[SID_FACES_SHOWN]);

/* ---- enrol_settle.c ----------------------------------------------------- */
/* What is to become of an enrolment, by a worker or an officer. */
struct sid_verdict {
    enum sid_enrol_state state;
    struct sid_reasons reasons;
    bool has_scores;
    double similarity, liveness;
    const struct sid_challenge_report *challenge; /* NULL: as it is stored */
    const char *actor;                            /* for the audit row */
    const char *decided_by;
    const char *note;
    const float *face; /* the selfie's embedding, or NULL; kept when it is
                          approved or goes to review */
    struct sid_span portrait; /* sealed, or empty; kept with the face */
    /* Sealed, or empty: the faces as they were compared, see enrol_faces.c;
     * NULL: none. Kept in review. */
    const struct sid_buf *faces;
};
/* Inside a transaction: issues the credential when approved (a number that is
 * in use by now, or a card that has expired, turns the verdict into rejected),
 * writes the decision, deletes the photos unless it goes to review, keeps or
 * deletes the face, audits. enrolment is the stored row and becomes the new
 * one. Errors: SID_E_CONFLICT, SID_E_EXPIRED (instead, when an officer
 * decides), those of seal and store. */
SID_FALLIBLE enum sid_err sid_enrol_settle(struct sid_app *app,
                                           struct sid_store *store,
                                           struct sid_enrolment *enrolment,
                                           const struct sid_verdict *verdict);

/* ---- credential_issue.c -------------------------------------------------- */
/* Whether a credential of this type stands that another one may not simply
 * take the place of: one that has not expired. Errors: those of the store. */
SID_FALLIBLE enum sid_err
sid_app_in_use(struct sid_app *app, struct sid_store *store,
               const uint8_t id_index[SID_SHA256_BYTES], const char *type,
               bool *out);
/* What a credential stands on. */
struct sid_base {
    enum sid_credential_state state;    /* active, too, when on nothing */
    char assurance[SID_ASSURANCE_SIZE]; /* what the credential is worth */
    int64_t valid_until_s;              /* 0: does not end */
};
/* The credential that one of this type stands on: of the same enrolment, so
 * that what an old phone has does not come back with a new enrolment. Errors:
 * those of the store. */
SID_FALLIBLE enum sid_err sid_app_base(struct sid_app *app,
                                       struct sid_store *store,
                                       const struct sid_credential *credential,
                                       struct sid_base *out);
/* Inserts a credential, in the place of whatever stands of its type and person,
 * and writes both down. Errors: those of the store and the log. */
SID_FALLIBLE enum sid_err sid_app_issue(struct sid_store *store,
                                        const struct sid_credential *credential,
                                        const char *actor);

/* ---- enrol_work.c ------------------------------------------------------- */
/* A stored enrolment on its way through the worker. Owned by the pool, then
 * the worker, then the writer; ends in sid_enrol_job_free. */
struct sid_enrol_job {
    struct sid_job node;
    struct sid_op op;
    struct sid_enrol_job *next; /* parked or backlog list */
    struct sid_app *app;
    char id[SID_ID_SIZE];
    char blob[SID_ID_SIZE]; /* where its photos lie; "": in their rows */
    /* Photos by kind, or empty: read them back. */
    struct sid_buf sealed[SID_PHOTO_KINDS];
    size_t held_bytes;              /* counted in app->held_bytes */
    bool has_place;                 /* a place in the pool */
    bool suspect;                   /* was at work when the process died */
    int failures;                   /* of the store, for no lasting reason */
    struct sid_enrolment enrolment; /* the stored row */
    struct sid_decision decision;
    bool has_face; /* worth being kept */
    float face[SID_EMBEDDING_FLOATS];
    struct sid_buf portrait;               /* sealed; empty: none */
    struct sid_buf faces[SID_FACES_SHOWN]; /* sealed; empty: none */
};
/* Errors: SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_enrol_job_new(struct sid_app *app, const char *id,
                                            struct sid_enrol_job **out);
void sid_enrol_job_free(struct sid_enrol_job **job);
/* Seals the photos that are there into the job and frees them one by one.
 * Errors: SID_E_CRYPTO, SID_E_NO_MEMORY … */
SID_FALLIBLE enum sid_err
sid_enrol_job_seal(struct sid_enrol_job *job, const struct sid_subject_key *key,
                   struct sid_buf photo[SID_PHOTO_KINDS]);
/* Makes the rows of the job's photos, with the photos or, when these are on
 * disk already, the name of their blob. Writer thread. Errors: those of the
 * store. */
SID_FALLIBLE enum sid_err sid_enrol_job_store(const struct sid_enrol_job *job,
                                              struct sid_store *store);
/* Keeps the sealed photos for the worker, unless other jobs hold much already:
 * then they are read back. */
void sid_enrol_job_hold(struct sid_enrol_job *job);
/* Counts a decision in the metrics. */
void sid_enrol_count(enum sid_enrol_state state);
/* Hands a job with a place to the workers. */
void sid_enrol_job_submit(struct sid_enrol_job **take);
/* Puts jobs (taken) behind those that wait for a place; frees them. */
void sid_enrol_jobs_wait(struct sid_app *app, struct sid_enrol_job *list);
void sid_enrol_jobs_free(struct sid_enrol_job **list);
/* The job's decision becomes that nobody can decide it. */
void sid_enrol_job_give_up(struct sid_enrol_job *job);
/* Whether daemons have died with enrolments in hand; makes these ours, unless
 * that is under way. Writer thread. */
SID_FALLIBLE enum sid_err sid_enrol_orphaned(struct sid_store *store,
                                             bool *out);
void sid_enrol_take_over(struct sid_app *app);
/* At start: takes up what a former run left. */
SID_FALLIBLE enum sid_err sid_enrol_resume(struct sid_app *app);
/* Each tick, while the storage takes what is written: backlog into free places,
 * parked decisions to the writer again. */
void sid_enrol_work_tick(struct sid_app *app);
/* At the end: frees both lists. */
void sid_enrol_work_fini(struct sid_app *app);
/* Whose key, of an enrolment or of its credential: all that is stored about the
 * person is sealed under it. */
struct sid_subject sid_app_subject(const struct sid_app *app,
                                   const char *enrolment_id,
                                   const struct sid_subject_key *key);
/* Opens what its type adds to a credential: *out_type is left alone when that
 * is nothing. Any thread. Errors: SID_E_SEAL, SID_E_NO_MEMORY, SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err
sid_app_open_details(const struct sid_subject *subject, const char *id,
                     const char *type, struct sid_span sealed,
                     const struct sid_credential_type **out_type,
                     struct sid_details *out);
/* Replaces *out by the sealed words; by nothing when they are "". Errors: those
 * of sid_subject_seal(). */
SID_FALLIBLE enum sid_err sid_app_seal_words(const struct sid_subject *subject,
                                             const struct sid_place *place,
                                             const char *words,
                                             struct sid_buf *out);
/* Where a photo is sealed for. */
struct sid_place sid_enrol_photo_place(const char *id,
                                       enum sid_photo_kind kind);
struct sid_place sid_enrol_holder_place(const char *id);
struct sid_place sid_portrait_place(const char *id);
struct sid_place sid_enrol_words_place(const char *id, enum sid_words words);

#endif
