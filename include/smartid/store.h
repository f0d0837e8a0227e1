/* store.h: what is kept, behind one front with two back ends: SQLite, which is
 * a file, and PostgreSQL, which is a server.
 *
 * A store is used by one thread at a time: the writer's (writer.h), or
 * smartidctl's while no daemon runs; opening takes an exclusive lock on the
 * data folder, so there is exactly one read-write connection in the world
 * (Source: the WAL-reset bug of SQLite 3.7.0-3.51.2). Opening for reading takes
 * none. Personal data arrives
 * here sealed; the store cannot read it. Every change is made inside a
 * transaction of the caller. Rows returned own their buffers. */
#ifndef SMARTID_STORE_H
#define SMARTID_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "smartid/apikey.h"
#include "smartid/audit.h"
#include "smartid/buf.h"
#include "smartid/challenge.h"
#include "smartid/credential.h"
#include "smartid/enrolment.h"
#include "smartid/erasure.h"
#include "smartid/err.h"
#include "smartid/event.h"
#include "smartid/mac.h"
#include "smartid/rand.h"
#include "smartid/subject.h"
#include "smartid/template.h"
#include "smartid/token.h"

struct sid_store;
/* Largest sealed photo: 32 MiB and the seal around it. Source: four times the
 * 8 MiB of one upload, so that the limit of the API can be raised. */
#define SID_SEALED_MAX_BYTES (33 * 1024 * 1024)

/* Opens (and, with create, makes) the database; takes the lock; brings the
 * schema up to date by the embedded migrations; loads the head of the audit
 * chain. audit_key is borrowed for the store's life; NULL when it lies in the
 * store itself: sid_store_use_audit_key() then comes before the first audit
 * row. path ":memory:" gives a private in-memory store for tests. The files get
 * mode 0600; "<path>.lock" is the lock. path may be the URI of a PostgreSQL
 * server (sid_url_is_server()) without a password: then a row is the lock, a
 * lease of 5 s, which sid_store_keep() and every transaction for changes renew;
 * one that is not renewed any more is waited for. sid_crypto_init() comes
 * first. Errors: SID_E_NOT_FOUND (no file, or no tables, and not create),
 * SID_E_LOCKED, SID_E_SCHEMA (newer than this program, not made by its
 * migrations, or the target of a move that is not finished), SID_E_STORE,
 * SID_E_ARGUMENT (no URI libpq takes, or a password in it), SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_store_open(const char *path, bool create,
                                         const struct sid_mac_key *audit_key,
                                         struct sid_store **out);
void sid_store_use_audit_key(struct sid_store *store,
                             const struct sid_mac_key *audit_key);
/* Opens the database for reading, also while a daemon has it: no lock, no
 * checkpoint, no change of the schema. Functions that change something must not
 * be called on it. A read transaction sees one state; it keeps the daemon from
 * emptying its WAL, so it must be short or read without waiting for anybody.
 * Errors: SID_E_NOT_FOUND, SID_E_SCHEMA (not exactly this program's),
 * SID_E_STORE, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_store_open_readonly(const char *path,
                                                  struct sid_store **out);
/* Rolls back what is open, checkpoints (unless broken), closes, unlocks. */
void sid_store_close(struct sid_store **store);
/* True once a sync has failed or the database was found damaged, or another
 * process has taken the lease. From then on every transaction is refused with
 * SID_E_STORE: a failed sync is never retried, because the kernel may have
 * dropped the pages. */
bool sid_store_broken(const struct sid_store *store);
/* ---- transactions ------------------------------------------------------ */
/* For changes. Errors: SID_E_STORE, SID_E_AGAIN. */
SID_FALLIBLE enum sid_err sid_store_begin(struct sid_store *store);
/* For reads only: its commit needs no sync. Errors: the same. */
SID_FALLIBLE enum sid_err sid_store_begin_read(struct sid_store *store);
/* After SID_OK everything is on disk. Any error has rolled back; only after a
 * failed sync (sid_store_broken) a restart may find the transaction whole.
 * Errors: SID_E_STORE, SID_E_STORE_FULL, SID_E_AGAIN (it may well succeed when
 * all of it is done again). */
SID_FALLIBLE enum sid_err sid_store_commit(struct sid_store *store);
void sid_store_rollback(struct sid_store *store);
/* One level of savepoint, for one operation inside a batch. When the database
 * had to drop the whole transaction (disk full, I/O), every function gives that
 * error until sid_store_commit(), which gives it too, or sid_store_rollback().
 */
SID_FALLIBLE enum sid_err sid_store_savepoint(struct sid_store *store);
SID_FALLIBLE enum sid_err sid_store_savepoint_release(struct sid_store *store);
void sid_store_savepoint_undo(struct sid_store *store);
/* A transaction that writes a page and changes nothing: whether the storage
 * takes anything. Errors: SID_E_STORE, SID_E_STORE_FULL. */
SID_FALLIBLE enum sid_err sid_store_touch(struct sid_store *store);
/* In a transaction for changes: these credentials will be asked for by serial
 * in it, and may be fetched at once. Changes no answer, only how long it takes.
 */
SID_FALLIBLE enum sid_err sid_store_look_ahead(struct sid_store *store,
                                               const uint64_t *serials,
                                               size_t n);
/* Tells a database that other machines reach, too, that this store still owns
 * it; not inside a transaction. True when it wants to be told about once a
 * second while nothing else is done. Failures are logged. */
bool sid_store_keep(struct sid_store *store);
/* Moves the WAL into the database file and empties it, so that no deleted photo
 * lingers there; called by the owning thread when idle. Failures are logged. */
void sid_store_checkpoint(struct sid_store *store);
/* True while the log may hold what has been deleted since the last
 * sid_store_checkpoint() that reached its end. */
bool sid_store_littered(const struct sid_store *store);
/* Gives a step of free pages (4 MiB at most) back to the file system; some room
 * is kept for what comes next. True when it did: the file gets smaller with the
 * next sid_store_checkpoint(). Called by the owning thread when idle. A
 * database that was made without this feature keeps its size. Failures are
 * logged. */
bool sid_store_shrink(struct sid_store *store);
/* Moves the WAL into the database file if it has grown over its limit, and
 * keeps its room for reuse; called by the owning thread between transactions.
 */
void sid_store_checkpoint_if_due(struct sid_store *store);

/* All functions below: SID_E_STORE or SID_E_STORE_FULL when the database
 * fails, SID_E_NO_MEMORY; further errors are named. A function that changes
 * something needs sid_store_begin() before. A callback (each) must not call the
 * store. */

/* ---- audit ------------------------------------------------------------- */
/* Appends one row, chained to the last one; row->seq is set by the store and
 * ignored in the argument, and a row->at_us before the last row's becomes the
 * last row's: the log's time never goes back. A rolled-back transaction takes
 * the chain back. Errors: SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err sid_store_audit(struct sid_store *store,
                                          const struct sid_audit_row *row);
/* The number and the MAC (may be NULL) of the last row; 0 when there is none.
 * Inside a transaction that of its own rows too. Not on a store that was opened
 * for reading. */
int64_t sid_store_audit_head(const struct sid_store *store,
                             uint8_t mac[SID_SHA256_BYTES]);
/* The time of the last row, Unix microseconds; 0 when there is none. As
 * sid_store_audit_head(). */
int64_t sid_store_audit_at_us(const struct sid_store *store);
/* Where a chain begins once its oldest rows have been removed: number and MAC
 * of the last of them; its base and zeros while none was. key: the audit key
 * (borrowed). Errors: SID_E_SEAL (the anchor was changed), SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err sid_store_audit_anchor(struct sid_store *store,
                                                 const struct sid_mac_key *key,
                                                 int slot, int64_t *seq,
                                                 uint8_t mac[SID_SHA256_BYTES]);
/* Removes up to limit of the oldest rows of each chain, those made before
 * before_us, and leaves an anchor: number and MAC of the last one removed,
 * sealed. The newest row of a chain always stays. Rows go only while they fit
 * the chain, so that nothing that was changed vanishes. Errors: SID_E_SEAL (one
 * does not, or the anchor). */
SID_FALLIBLE enum sid_err sid_store_audit_prune(struct sid_store *store,
                                                int64_t before_us, int limit,
                                                int64_t *removed);
/* The same up to the row of this number and MAC. Errors: also SID_E_CONFLICT
 * (there is no such row, or it is the newest). */
SID_FALLIBLE enum sid_err
sid_store_audit_cut(struct sid_store *store, int64_t last_seq,
                    const uint8_t mac[SID_SHA256_BYTES], int limit,
                    int64_t *removed);
/* When the oldest row was made (0: there is none), and about how many were made
 * before before_us: exact while the clock never went back. */
SID_FALLIBLE enum sid_err sid_store_audit_age(struct sid_store *store,
                                              int64_t before_us, int64_t *due,
                                              int64_t *oldest_us);
/* Whether the log was begun under this store's audit key: a daemon with another
 * master key must not start. An empty log belongs to anybody. Errors:
 * SID_E_WRONG_KEY (or the first row was changed). */
SID_FALLIBLE enum sid_err sid_store_check_key(struct sid_store *store);
/* Calls each for every row with seq > after_seq, by number, at most limit.
 * An error of each ends the walk and is returned. The texts are borrowed for
 * the call. A row that somebody has spoilt is given too (see intact); numbers
 * below 1 come when after_seq is below them. */
typedef enum sid_err sid_audit_each_fn(const struct sid_audit_entry *entry,
                                       void *ctx);
SID_FALLIBLE enum sid_err sid_store_audit_each(struct sid_store *store,
                                               int64_t after_seq, int64_t limit,
                                               sid_audit_each_fn *each,
                                               void *ctx);

/* ---- keys -------------------------------------------------------------- */
/* A key of the keyring as it lies in the database. */
struct sid_wrapped_key {
    enum sid_key_use use;
    int version;
    int64_t made_at_s;
    int64_t retired_at_s; /* 0: in use; else wrapped is gone */
    uint8_t wrapped[SID_WRAPPED_BYTES];
};
/* Errors: SID_E_EXISTS. */
SID_FALLIBLE enum sid_err sid_store_key_put(struct sid_store *store,
                                            const struct sid_wrapped_key *key);
/* All keys, retired ones too, by use and version. */
SID_FALLIBLE enum sid_err sid_store_key_each(
    struct sid_store *store,
    enum sid_err (*each)(const struct sid_wrapped_key *key, void *ctx),
    void *ctx);
/* Replaces the wrapping. Errors: SID_E_NOT_FOUND (none, or retired). */
SID_FALLIBLE enum sid_err
sid_store_key_rewrap(struct sid_store *store,
                     const struct sid_wrapped_key *key);
/* Destroys the key; its row stays, so that its number is not given again.
 * Errors: SID_E_NOT_FOUND (none, or retired already). */
SID_FALLIBLE enum sid_err sid_store_key_retire(struct sid_store *store,
                                               enum sid_key_use use,
                                               int version, int64_t now_s);

/* People's own keys; an enrolment's is put with it. Errors: SID_E_NOT_FOUND. */
SID_FALLIBLE enum sid_err sid_store_subject_get(struct sid_store *store,
                                                const char *subject,
                                                struct sid_subject_key *out);
SID_FALLIBLE enum sid_err
sid_store_subject_rewrap(struct sid_store *store, const char *subject,
                         const struct sid_subject_key *key);
/* Up to limit subjects of which a key is wrapped by an older version than
 * these. each as in sid_store_client_each(). */
SID_FALLIBLE enum sid_err sid_store_subject_stale(
    struct sid_store *store, int data_version, int template_version, int limit,
    enum sid_err (*each)(const char *subject, void *ctx), void *ctx);
/* How many those are in all. */
SID_FALLIBLE enum sid_err sid_store_subject_count_stale(struct sid_store *store,
                                                        int data_version,
                                                        int template_version,
                                                        int64_t *out);
/* Forgets both keys: what was sealed under them can never be read again.
 * Unknown subjects: nothing. */
SID_FALLIBLE enum sid_err sid_store_subject_forget(struct sid_store *store,
                                                   const char *subject);

/* ---- clients ----------------------------------------------------------- */
/* Errors: SID_E_EXISTS (id or key name). */
SID_FALLIBLE enum sid_err sid_store_client_put(struct sid_store *store,
                                               const struct sid_client *client);
/* Errors: SID_E_NOT_FOUND, SID_E_CONFLICT (revoked already). */
SID_FALLIBLE enum sid_err
sid_store_client_revoke(struct sid_store *store, const char *id, int64_t now_s);
/* All clients, oldest first. each may stop the walk by returning an error,
 * which is then returned. */
SID_FALLIBLE enum sid_err sid_store_client_each(
    struct sid_store *store,
    enum sid_err (*each)(const struct sid_client *client, void *ctx),
    void *ctx);

/* ---- enrolments -------------------------------------------------------- */
#define SID_NOTE_SIZE                                                          \
    401 /* an officer's or holder's words: 400 bytes + NUL                     \
         */

/* Two officers' ids with a blank between. */
#define SID_BARRED_SIZE (2 * SID_ID_SIZE)

struct sid_enrolment {
    char id[SID_ID_SIZE];        /* "enr_…" */
    char client_id[SID_ID_SIZE]; /* the app that sent it */
    enum sid_enrol_state state;
    int64_t created_at_s;
    int64_t updated_at_s;
    int64_t decided_at_s; /* 0: not yet */
    int attempts;         /* times a worker began it */
    char consent_version[SID_CONSENT_SIZE];
    int64_t consent_at_s;
    bool consent_portrait; /* and to a portrait for the counter */
    bool replaces;         /* approved, it takes the place of what stands */
    int worker;            /* whose it is until it is decided: a slot; read */
    int64_t valid_until_s; /* of the card, as in sid_life; 0: not stated */
    enum sid_enrol_method method;
    uint32_t holder_generation; /* of the holder's secret */
    int recovery_failures;      /* since the last recovery that succeeded */
    uint8_t id_index[SID_SHA256_BYTES];    /* blind index of the ID number */
    uint8_t holder_hash[SID_SHA256_BYTES]; /* of the holder's secret */
    struct sid_buf holder_sealed;          /* sid_holder_pack(), sealed */
    struct sid_subject_key key;            /* what it is sealed under */
    struct sid_reasons reasons;
    bool has_scores;
    double similarity, liveness;
    char decided_by[SID_ID_SIZE];    /* client id of the officer, or "" */
    struct sid_buf note_sealed;      /* the officer's reason; empty: none */
    char credential_id[SID_ID_SIZE]; /* "" unless approved */
    struct sid_challenge_report challenge;
    /* The first of two officers' decisions; first_by "" when there is none. */
    bool first_approve;
    char first_by[SID_ID_SIZE];
    int64_t first_at_s;
    struct sid_buf first_note_sealed;
    /* The person's appeal. */
    int64_t appealed_at_s;           /* 0: none */
    char barred[SID_BARRED_SIZE];    /* who had decided: ids, blanks between */
    struct sid_buf statement_sealed; /* the person's words; empty: none */
};
void sid_enrolment_fini(struct sid_enrolment *enrolment);

/* Stores a new enrolment and its keys. Errors: SID_E_EXISTS. */
SID_FALLIBLE enum sid_err
sid_store_enrol_insert(struct sid_store *store,
                       const struct sid_enrolment *enrolment);
/* Errors: SID_E_NOT_FOUND (out untouched). */
SID_FALLIBLE enum sid_err sid_store_enrol_get(struct sid_store *store,
                                              const char *id,
                                              struct sid_enrolment *out);
/* state := processing, attempts + 1. Errors: SID_E_NOT_FOUND, SID_E_CONFLICT
 * (settled already, or another slot's). */
SID_FALLIBLE enum sid_err sid_store_enrol_begin_work(struct sid_store *store,
                                                     const char *id,
                                                     int64_t now_s,
                                                     int *attempts);
/* Writes state, reasons, scores, challenge, decided_*, note_sealed and
 * credential_id of *enrolment. In the same transaction its photos are deleted
 * unless the state is review, template and portrait unless it is review or
 * approved.
 * Errors: SID_E_NOT_FOUND, SID_E_CONFLICT (the stored state is not `expected`).
 */
SID_FALLIBLE enum sid_err
sid_store_enrol_decide(struct sid_store *store,
                       const struct sid_enrolment *enrolment,
                       enum sid_enrol_state expected);
/* Writes first_* of *enrolment, which must be in review; with first_by "" the
 * first decision is taken back. Errors: SID_E_NOT_FOUND, SID_E_CONFLICT. */
SID_FALLIBLE enum sid_err
sid_store_enrol_first(struct sid_store *store,
                      const struct sid_enrolment *enrolment);
/* A rejected enrolment that was never appealed becomes received again: what
 * was decided is cleared, challenge, appealed_at_s, barred, statement_sealed
 * and updated_at_s of *enrolment are written. Errors: SID_E_NOT_FOUND,
 * SID_E_CONFLICT. */
SID_FALLIBLE enum sid_err
sid_store_enrol_appeal(struct sid_store *store,
                       const struct sid_enrolment *enrolment);
/* Writes holder_generation, holder_hash and recovery_failures of *enrolment.
 * Errors: SID_E_NOT_FOUND. */
SID_FALLIBLE enum sid_err
sid_store_enrol_recovery(struct sid_store *store,
                         const struct sid_enrolment *enrolment);
/* Which of those in review: all, or by the first of two decisions. */
enum sid_waiting { SID_WAITING_ANY, SID_WAITING_FIRST, SID_WAITING_SECOND };
/* Up to limit enrolments in `state` with id order after `after` ("" = from the
 * start); order: created_at_s, id. Only list fields and the key are filled
 * (no sealed holder, no statement); each copies what it keeps. each may stop
 * the walk by returning an error, which is then returned. Errors:
 * SID_E_NOT_FOUND (no enrolment `after`). */
SID_FALLIBLE enum sid_err sid_store_enrol_list(
    struct sid_store *store, enum sid_enrol_state state,
    enum sid_waiting waiting, const char *after, int limit,
    enum sid_err (*each)(const struct sid_enrolment *enrolment, void *ctx),
    void *ctx);
/* Ids and attempts of this slot's enrolments in received or processing, oldest
 * first. What a store inserts, or opens again by an appeal, is its slot's. */
SID_FALLIBLE enum sid_err sid_store_enrol_unfinished(
    struct sid_store *store,
    enum sid_err (*each)(const char *id, int attempts, void *ctx), void *ctx);

/* ---- attempts ---------------------------------------------------------- */
/* An attempt of this person to enrol. It stays when the enrolment is erased, so
 * `person` must be nothing that stands anywhere else. */
SID_FALLIBLE enum sid_err
sid_store_attempt_put(struct sid_store *store, const char *enrolment_id,
                      const uint8_t person[SID_SHA256_BYTES],
                      int64_t made_at_s);
/* The person's nth newest (1: the newest) after after_s. Errors:
 * SID_E_NOT_FOUND (there are fewer). */
SID_FALLIBLE enum sid_err
sid_store_attempt_get(struct sid_store *store,
                      const uint8_t person[SID_SHA256_BYTES], int64_t after_s,
                      int nth, char id[SID_ID_SIZE], int64_t *made_at_s);
/* Forgets those made before before_s, and those made after after_s: in a future
 * that a corrected clock has left, which would count for as long. */
SID_FALLIBLE enum sid_err sid_store_attempt_purge(struct sid_store *store,
                                                  int64_t before_s,
                                                  int64_t after_s);

/* ---- challenges -------------------------------------------------------- */
/* Errors: SID_E_EXISTS. */
SID_FALLIBLE enum sid_err
sid_store_challenge_put(struct sid_store *store,
                        const struct sid_challenge *challenge);
/* Errors: SID_E_NOT_FOUND. */
SID_FALLIBLE enum sid_err sid_store_challenge_get(struct sid_store *store,
                                                  const char *id,
                                                  struct sid_challenge *out);
/* Marks it as used by an enrolment. Errors: SID_E_NOT_FOUND, SID_E_CONFLICT
 * (used already). */
SID_FALLIBLE enum sid_err sid_store_challenge_use(struct sid_store *store,
                                                  const char *id,
                                                  const char *enrolment_id);
/* Forgets those that expired before `before_s`. */
SID_FALLIBLE enum sid_err sid_store_challenge_purge(struct sid_store *store,
                                                    int64_t before_s);

/* ---- what the app's backend is told ------------------------------------- */
/* Up to which row of a chain. Errors: SID_E_NOT_FOUND (never of any). */
SID_FALLIBLE enum sid_err sid_store_webhook_place(struct sid_store *store,
                                                  int slot, int64_t *seq);
SID_FALLIBLE enum sid_err sid_store_webhook_told(struct sid_store *store,
                                                 int64_t seq);
/* An event that it would not take. */
#define SID_EVENT_WHY_SIZE 32
struct sid_dead_event {
    int64_t seq; /* of the audit row */
    char id[SID_EVENT_ID_SIZE];
    char type[32];
    char body[SID_EVENT_BODY_SIZE]; /* the event as JSON */
    int tries;
    int64_t tried_at_s;           /* the last time */
    char why[SID_EVENT_WHY_SIZE]; /* "http_400", "timeout" … */
    bool again;                   /* to be sent once more */
};
/* Puts it on the list, or there again with other tries and why. */
SID_FALLIBLE enum sid_err
sid_store_webhook_bury(struct sid_store *store,
                       const struct sid_dead_event *event);
/* Calls each for those with seq > after_seq, oldest first, at most limit;
 * again: only those to be sent once more. The event is borrowed. */
SID_FALLIBLE enum sid_err sid_store_webhook_dead_each(
    struct sid_store *store, bool again, int64_t after_seq, int limit,
    enum sid_err (*each)(const struct sid_dead_event *event, void *ctx),
    void *ctx);
SID_FALLIBLE enum sid_err sid_store_webhook_dead_count(struct sid_store *store,
                                                       int64_t *out);
/* Marks the one with this seq, or all (0), to be sent once more. Errors:
 * SID_E_NOT_FOUND (there is none). */
SID_FALLIBLE enum sid_err sid_store_webhook_again(struct sid_store *store,
                                                  int64_t seq);
/* Takes it off the list. */
SID_FALLIBLE enum sid_err sid_store_webhook_exhume(struct sid_store *store,
                                                   int64_t seq);
/* Marks active credentials that expire before before_s and of which that was
 * not told, at most limit, and calls each for them. */
SID_FALLIBLE enum sid_err
sid_store_expiring_each(struct sid_store *store, int64_t before_s, int limit,
                        enum sid_err (*each)(const char *credential_id,
                                             int64_t valid_until_s, void *ctx),
                        void *ctx);

/* ---- templates --------------------------------------------------------- */
/* The face of an enrolment, as sid_subject_seal() leaves it. */
#define SID_TEMPLATE_SEALED_BYTES (SID_TEMPLATE_BYTES + SID_SEAL_OVERHEAD_BYTES)
/* Keeps it; one that is there already is replaced. Errors: SID_E_NOT_FOUND (no
 * such enrolment, hence no consent), SID_E_ARGUMENT (length). */
SID_FALLIBLE enum sid_err sid_store_template_put(struct sid_store *store,
                                                 const char *enrolment_id,
                                                 struct sid_span sealed);
/* *out must be empty. Errors: SID_E_NOT_FOUND. */
SID_FALLIBLE enum sid_err sid_store_template_get(struct sid_store *store,
                                                 const char *enrolment_id,
                                                 struct sid_buf *out);
/* How many there are: counted once at the opening, kept up since. Also the
 * gauge smartidd_faces_stored, after each commit. */
int64_t sid_store_template_count(const struct sid_store *store);

/* ---- portraits --------------------------------------------------------- */
/* Of an enrolment, for counters, as sid_subject_seal() leaves it. */
#define SID_PORTRAIT_SEALED_MAX_BYTES                                          \
    (SID_PORTRAIT_MAX_BYTES + SID_SEAL_OVERHEAD_BYTES)
/* Keeps it; one that is there already is replaced. Errors: SID_E_NOT_FOUND (no
 * such enrolment, or its consent is to no portrait), SID_E_ARGUMENT (length).
 */
SID_FALLIBLE enum sid_err sid_store_portrait_put(struct sid_store *store,
                                                 const char *enrolment_id,
                                                 struct sid_span sealed);
/* Of an approved enrolment. *out must be empty. Errors: SID_E_NOT_FOUND. */
SID_FALLIBLE enum sid_err sid_store_portrait_get(struct sid_store *store,
                                                 const char *enrolment_id,
                                                 struct sid_buf *out);
/* Whether get would find one. */
SID_FALLIBLE enum sid_err sid_store_portrait_has(struct sid_store *store,
                                                 const char *enrolment_id,
                                                 bool *out);

/* ---- idempotency ------------------------------------------------------- */
#define SID_IDEMPOTENCY_SIZE 129 /* 128 characters and NUL */
struct sid_idempotency {
    char client_id[SID_ID_SIZE];
    char key[SID_IDEMPOTENCY_SIZE];
    uint8_t fingerprint[SID_SHA256_BYTES]; /* of the request's content */
    char enrolment_id[SID_ID_SIZE];
    int64_t created_at_s;
};
/* Errors: SID_E_NOT_FOUND. */
SID_FALLIBLE enum sid_err
sid_store_idempotency_get(struct sid_store *store, const char *client_id,
                          const char *key, struct sid_idempotency *out);
/* Errors: SID_E_EXISTS. */
SID_FALLIBLE enum sid_err
sid_store_idempotency_put(struct sid_store *store,
                          const struct sid_idempotency *row);
/* Forgets those made before `before_s`. */
SID_FALLIBLE enum sid_err sid_store_idempotency_purge(struct sid_store *store,
                                                      int64_t before_s);

/* ---- credentials ------------------------------------------------------- */
struct sid_credential {
    uint64_t serial;      /* given by the store at insert */
    char id[SID_ID_SIZE]; /* "crd_…" */
    char enrolment_id[SID_ID_SIZE];
    char client_id[SID_ID_SIZE]; /* the app that enrolled the person */
    char type[SID_TYPE_SIZE];    /* "resident_id" */
    char assurance[16];          /* "remote" | "remote_live" */
    struct sid_life life;
    int64_t issued_at_s;
    bool expiry_told;              /* see sid_store_expiring_each() */
    char replaced_by[SID_ID_SIZE]; /* the one that took its place, or "" */
    /* Reason of the revocation, sealed for place credential|note|id; empty:
     * none. */
    struct sid_buf note_sealed;
    uint8_t id_index[SID_SHA256_BYTES];
    uint8_t holder_hash[SID_SHA256_BYTES];
    struct sid_buf holder_sealed;  /* sealed for place credential|holder|id */
    struct sid_buf details_sealed; /* for credential|details|id; empty: none */
    struct sid_subject_key key;    /* the enrolment's; read, never written */
};
void sid_credential_fini(struct sid_credential *credential);

/* Inserts and sets *serial. A person has at most one of a type that stands
 * (active or suspended). Errors: SID_E_EXISTS (that, or the id). */
SID_FALLIBLE enum sid_err
sid_store_credential_insert(struct sid_store *store,
                            const struct sid_credential *credential,
                            uint64_t *serial);
/* Errors: SID_E_NOT_FOUND. */
SID_FALLIBLE enum sid_err sid_store_credential_get(struct sid_store *store,
                                                   const char *id,
                                                   struct sid_credential *out);
/* For verification: the hot path. Errors: SID_E_NOT_FOUND. */
SID_FALLIBLE enum sid_err
sid_store_credential_by_serial(struct sid_store *store, uint64_t serial,
                               struct sid_credential *out);
/* The person's credential of a type that stands; it may have expired. Errors:
 * SID_E_NOT_FOUND. */
SID_FALLIBLE enum sid_err
sid_store_credential_standing(struct sid_store *store,
                              const uint8_t id_index[SID_SHA256_BYTES],
                              const char *type, struct sid_credential *out);
/* Writes life, note_sealed, replaced_by and assurance of *credential. Errors:
 * SID_E_NOT_FOUND, SID_E_CONFLICT (the stored one is revoked or replaced, which
 * is final). */
SID_FALLIBLE enum sid_err
sid_store_credential_change(struct sid_store *store,
                            const struct sid_credential *credential);

/* Uses a live code up: whatever happens later, no other call does so again.
 * Errors: SID_E_EXISTS (it was used before). */
SID_FALLIBLE enum sid_err sid_store_live_use(struct sid_store *store,
                                             const struct sid_token *token);
/* Forgets those used that expired before before_s. */
SID_FALLIBLE enum sid_err sid_store_live_purge(struct sid_store *store,
                                               int64_t before_s);
/* The person's credential with the next serial after this one; 0: the first.
 * Errors: SID_E_NOT_FOUND (there are no more). */
SID_FALLIBLE enum sid_err sid_store_credential_next(struct sid_store *store,
                                                    const char *enrolment_id,
                                                    uint64_t after_serial,
                                                    struct sid_credential *out);
/* Gives a credential, as read and with another holder_hash and assurance, a new
 * serial: every code that was made before is dead. Errors: SID_E_NOT_FOUND. */
SID_FALLIBLE enum sid_err
sid_store_credential_renew(struct sid_store *store,
                           const struct sid_credential *credential);
/* Why nothing stands for a serial that was given. */
enum sid_dead_serial { SID_DEAD_RECOVERED, SID_DEAD_ERASED };
const char *sid_dead_serial_name(enum sid_dead_serial why);
/* Of which credential a dead serial was. Errors: SID_E_NOT_FOUND. */
SID_FALLIBLE enum sid_err sid_store_dead_serial(struct sid_store *store,
                                                uint64_t serial,
                                                char credential_id[SID_ID_SIZE],
                                                enum sid_dead_serial *why);

/* ---- erasure and retention --------------------------------------------- */
/* What stays of a person. */
struct sid_erasure {
    char enrolment_id[SID_ID_SIZE];
    char credential_id[SID_ID_SIZE]; /* the enrolment's; "" when none */
    int64_t erased_at_s;
    enum sid_erase_cause cause;
};
/* Forgets a person: keys, template, portrait, photos, what retries are known
 * by, what was disputed, the rows of credentials and enrolment; *erasure stays.
 * By id they are still named in the audit log and, for a day, by retry keys,
 * attempts and challenges. Errors: SID_E_NOT_FOUND (there is neither row). */
SID_FALLIBLE enum sid_err sid_store_erase(struct sid_store *store,
                                          const struct sid_erasure *erasure);

/* Whom a rule (not audit) applies to: those in its state since before before_s,
 * longest first, at most limit. each as in sid_store_client_each(). */
SID_FALLIBLE enum sid_err sid_store_retention_each(
    struct sid_store *store, enum sid_retention_rule rule, int64_t before_s,
    int limit,
    enum sid_err (*each)(const char *enrolment_id, const char *credential_id,
                         void *ctx),
    void *ctx);
/* How many those are, and since when the longest one in that state is (0: there
 * is none). */
SID_FALLIBLE enum sid_err
sid_store_retention_count(struct sid_store *store, enum sid_retention_rule rule,
                          int64_t before_s, int64_t *due, int64_t *oldest_s);
/* When a rule was applied last. last: 0 when never. */
SID_FALLIBLE enum sid_err sid_store_retention_ran(struct sid_store *store,
                                                  enum sid_retention_rule rule,
                                                  int64_t now_s);
SID_FALLIBLE enum sid_err sid_store_retention_last(struct sid_store *store,
                                                   enum sid_retention_rule rule,
                                                   int64_t *ran_at_s);

#endif
