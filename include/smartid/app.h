/* app.h: what the flows share, and the shape every flow has.
 *
 * A flow is one request's way through the stages. It is embedded in the
 * caller's object. The caller fills the inputs and starts it on an io thread;
 * from then on the flow is not the caller's until flow.done is called, exactly
 * once: on another thread (writer or main), or, when it is refused at once, on
 * this one before start returns. done only hands the request back to its io
 * thread. Then the caller reads err and the outputs and calls the
 * flow's fini, which frees and wipes. */
#ifndef SMARTID_APP_H
#define SMARTID_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "smartid/apikey.h"
#include "smartid/config.h"
#include "smartid/err.h"
#include "smartid/keyring.h"
#include "smartid/policy.h"
#include "smartid/pool.h"
#include "smartid/writer.h"

struct sid_app;

/* One of several writers of a daemon, each with a store of its own on the same
 * server. */
struct sid_app_writer {
    struct sid_writer *writer;
    int slot; /* its store's, see store_slot.h */
};

struct sid_app_parts {
    const struct sid_config *config;     /* copied */
    struct sid_keyring *keys;            /* borrowed for the app's life */
    struct sid_master **master;          /* the same; a change of the master key
                                            puts another one here. NULL: keys
                                            cannot be changed */
    struct sid_writer *writer;           /* borrowed for the app's life */
    const struct sid_app_writer *more;   /* copied, the writers borrowed: what
                                            any may do goes to one of these
                                            while that is busy. NULL: none */
    int more_count;                      /* below SID_WRITERS_MAX */
    struct sid_blobs *blobs;             /* the store's; NULL: it has none */
    struct sid_keyset *keyset;           /* borrowed for the app's life */
    const struct sid_purposes *purposes; /* copied */
    const char *head_file; /* copied; signed heads go there. NULL: none are
                              written */
};

/* Makes the app and fills the keyset from the store. The pool comes later
 * (sid_app_start_workers), so that the port can be open meanwhile. Errors:
 * SID_E_NO_MEMORY, those of the store. */
SID_FALLIBLE enum sid_err sid_app_new(const struct sid_app_parts *parts,
                                      struct sid_app **out);
/* Loads the models, starts the face workers and takes up enrolments that a
 * former run left unfinished. problem: filled on SID_E_MODEL. Errors:
 * SID_E_MODEL, SID_E_NO_MEMORY, those of the store. */
SID_FALLIBLE enum sid_err sid_app_start_workers(struct sid_app *app,
                                                char *problem,
                                                unsigned problem_size);
/* Writes down that the daemon starts, and the settings in force; from then on
 * signed heads are written, and sid_app_free() writes down the stop. Before
 * requests are taken; main thread. Errors: those of the store, of the chain. */
SID_FALLIBLE enum sid_err sid_app_audit_start(struct sid_app *app);
/* False while signed heads of the audit log cannot be written. */
bool sid_app_heads_written(const struct sid_app *app);
/* False when one of the writers needs a restart, see sid_writer_healthy(). Any
 * thread. */
bool sid_app_healthy(const struct sid_app *app);
/* True once the workers run, the writers are healthy and nobody stops us, and
 * while it is known what other daemons have changed (below). */
bool sid_app_ready(const struct sid_app *app);
/* Whether what is written is stored, as sid_writer_storage(): without, nobody
 * can be enrolled or checked. Any thread. */
enum sid_err sid_app_storage(const struct sid_app *app);
/* Once a tick (every 100 ms or so) on the main thread: ends waits whose
 * deadline has passed, goes on with what is done in the background: old
 * idempotency keys and challenges, wrapping keys again, retention, signed heads
 * of the audit log. */
void sid_app_tick(struct sid_app *app);
/* Whether this daemon is the one of those on its database that does what only
 * one need do; the only one always is. Any thread. */
bool sid_app_leads(const struct sid_app *app);
/* Asks each writer for a sign of life, unless the last one is still awaited;
 * and whether they have given it, or wait for a server, which ends by itself,
 * and can still store. Costs no sync. Main thread. */
void sid_app_ask(struct sid_app *app);
bool sid_app_answered(const struct sid_app *app);
/* From now on new flows are refused with SID_E_STOPPING; all waiting clients
 * are answered with the state their enrolment has. */
void sid_app_quiesce(struct sid_app *app);
/* Ends the workers after their present job (what has not begun stays
 * `received` for the next start), then frees. */
void sid_app_free(struct sid_app **app);

/* A copy of the settings in force; any thread. */
void sid_app_config(const struct sid_app *app, struct sid_config *out);
/* Begins to take over the reloadable settings of next, and the purposes (both
 * copied): the writer is asked to write the changes down, which a server that
 * is away may keep waiting for long. Where there are several daemons on the
 * database, purposes that are not those of the last reading come into force at
 * all of them, and those that are change nothing. next NULL: that they were
 * refused is written down. One at a time. Main thread. Errors: SID_E_NO_MEMORY.
 */
SID_FALLIBLE enum sid_err sid_app_reload(struct sid_app *app,
                                         const struct sid_config *next,
                                         const struct sid_purposes *purposes);
/* False while they are not written down. Then they are taken over, and grants
 * that the purposes do not know are logged; *err: those of the store,
 * SID_E_NO_MEMORY: nothing was taken over. Main thread. */
bool sid_app_reloaded(struct sid_app *app, enum sid_err *err);

/* The purposes in force, at the start the parts', where there are several
 * daemons on the database the last ones in it; what is returned stays as it is
 * until the app is freed. Any thread. */
const struct sid_purposes *sid_app_purposes(const struct sid_app *app);

/* The time by which credentials expire: the clock's, in Unix seconds, but it
 * never falls. Any thread. */
int64_t sid_app_now_s(struct sid_app *app);

/* Brings the gauges up to date that nothing else keeps so. Any thread. */
void sid_app_measure(struct sid_app *app);

/* ---- the gate: who may come in ------------------------------------------ */
/* What is asked for, what was shown for it, and from where. */
struct sid_attempt {
    const char *key; /* behind "Bearer "; NULL: something else was shown */
    size_t key_len;
    const struct sid_address *from; /* NULL: the control socket */
    const char *route;              /* its pattern: static text */
};
/* Whether it is known here which clients and keys other daemons on the database
 * had made and revoked 5 s ago (Source: issue 8, letter C): not so when the
 * server is away, when this process was stopped and goes on, or when its master
 * key is an older one. Always so on a file. Any thread. */
bool sid_app_knows_clients(const struct sid_app *app);
/* Who proves to be who. A refusal becomes a row of the audit log, behind the
 * caller's back: within the limit on failures of the source, and as far as
 * there is room; else it is only counted. Any thread; does not wait. Errors:
 * SID_E_UNAUTHENTICATED; SID_E_RATE (the source has failed too often: *retry_s
 * is when it may fail again); SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err
sid_app_authenticate(struct sid_app *app, const struct sid_attempt *attempt,
                     struct sid_caller *out, int64_t *retry_s);
/* The same for a session that was opened with this client's key: as if the key
 * were shown again. anywhere: whoever asks acts for the client, but is not it,
 * so that its networks do not bind them. attempt->key is not looked at. Errors:
 * as sid_app_authenticate(). */
SID_FALLIBLE enum sid_err sid_app_resume(struct sid_app *app,
                                         const struct sid_attempt *attempt,
                                         const char *client_id, bool anywhere,
                                         struct sid_caller *out,
                                         int64_t *retry_s);
/* Records that a caller may not do this. Errors: SID_E_FORBIDDEN always, but
 * SID_E_RATE for a caller that has proven nothing and has failed too often. */
enum sid_err sid_app_forbid(struct sid_app *app,
                            const struct sid_attempt *attempt,
                            const struct sid_caller *caller, int64_t *retry_s);

/* How a person is found: the blind index of an ID number as somebody has typed
 * it. Errors: SID_E_FIELD_INVALID (no such number can be), SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err sid_app_number_index(const struct sid_app *app,
                                               const char *text,
                                               uint8_t out[SID_SHA256_BYTES]);

/* The role of a client's key, be it revoked or expired. Errors:
 * SID_E_NOT_FOUND. */
SID_FALLIBLE enum sid_err sid_app_client_role(const struct sid_app *app,
                                              const char *client_id,
                                              enum sid_role *out);

/* Takes a request from what the caller's key may ask in a minute. Errors:
 * SID_E_RATE (*retry_s is when it may ask again). */
SID_FALLIBLE enum sid_err sid_app_within_quota(struct sid_app *app,
                                               const struct sid_caller *caller,
                                               int64_t *retry_s);
/* Takes the rest (0 or more) of what is asked in one request that was taken
 * before, all or none; a minute's worth at most, so that it can be had. Errors:
 * SID_E_RATE. */
SID_FALLIBLE enum sid_err
sid_app_rest_within_quota(struct sid_app *app, const struct sid_caller *caller,
                          int64_t rest, int64_t *retry_s);

/* Whether the secret that a holder has shown is the one of this enrolment: as
 * secrets are derived, no store is asked. "" has none. Any thread. */
bool sid_app_holds(const struct sid_app *app, const struct sid_caller *caller,
                   const char *enrolment_id);

/* Most rows on a page of a list. Own choice: a screenful or two. */
#define SID_PAGE_MAX 50

/* The common head of every flow; must be its first member. */
struct sid_flow {
    struct sid_op op;                  /* the writer's node */
    struct sid_app *app;               /* in */
    struct sid_caller caller;          /* in: role, client */
    void (*done)(struct sid_flow *me); /* in: see above */
    enum sid_err err;                  /* out */
    const char *field;     /* out: what the error is about, or NULL; static */
    int64_t retry_after_s; /* out: when the error will be over; 0: unknown */
    enum sid_err refusal;  /* private: see sid_flow_end */
    sid_op_run_fn *run;    /* private: see sid_flow_submit */
};

#endif
