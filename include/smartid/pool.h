/* pool.h: a bounded queue and the named worker threads that empty it.
 *
 * A place is reserved before a request's body is read; with a reserved place a
 * submit cannot fail, because the job's node is embedded in the caller's
 * object. A job belongs to the caller until submit, then to the pool, then to
 * the worker that runs it; after `run` returns the pool never touches it. */
#ifndef SMARTID_POOL_H
#define SMARTID_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "smartid/err.h"

struct sid_job;
/* Runs on a worker thread. worker_ctx is what worker_start returned. */
typedef void sid_job_run_fn(struct sid_job *job, void *worker_ctx);

struct sid_job {
    struct sid_job *next; /* the pool's */
    sid_job_run_fn *run;
};

/* A part of a job that another worker may do meanwhile. It belongs to whoever
 * offers it until sid_pool_take_back() has returned. */
struct sid_subtask {
    struct sid_subtask *next; /* the pool's */
    void (*run)(struct sid_subtask *part, void *worker_ctx);
    int state; /* the pool's */
};

struct sid_pool;

struct sid_pool_config {
    const char *name; /* thread name, at most 11 characters + number */
    int workers;      /* 1..64 */
    int capacity;     /* places, 1..4096 */
    /* Makes a worker's own context on its own thread (for example its face
     * engine). NULL: no context. */
    enum sid_err (*worker_start)(void *ctx, void **worker_ctx);
    void (*worker_stop)(void *ctx, void *worker_ctx);
    void *ctx;
};

/* Starts the workers and waits until each has run worker_start. Errors:
 * SID_E_NO_MEMORY, SID_E_INTERNAL (no thread), or what worker_start returned.
 */
SID_FALLIBLE enum sid_err sid_pool_new(const struct sid_pool_config *config,
                                       struct sid_pool **out);

/* Takes a place. Errors: SID_E_QUEUE_FULL, SID_E_STOPPING. Any thread. */
SID_FALLIBLE enum sid_err sid_pool_reserve(struct sid_pool *pool);
/* Gives an unused or finished place back. Any thread. */
void sid_pool_release(struct sid_pool *pool);
/* Queues a job for which a place is held. The place stays taken until
 * sid_pool_release(). Any thread. */
void sid_pool_submit(struct sid_pool *pool, struct sid_job *job);

/* Offers a part of a job to a worker that has nothing to do. False: there is
 * none now, and nothing was offered. From a job, on its worker's thread. */
bool sid_pool_offer(struct sid_pool *pool, struct sid_subtask *part);
/* True: nobody had begun it, and nobody will. False: it has been done; waits
 * until then. Once after each sid_pool_offer() that was true. */
bool sid_pool_take_back(struct sid_pool *pool, struct sid_subtask *part);

/* Jobs queued and not yet begun; workers at work. Any thread. */
int sid_pool_depth(const struct sid_pool *pool);
int sid_pool_busy(const struct sid_pool *pool);
/* From now on sid_pool_reserve() refuses. */
void sid_pool_quiesce(struct sid_pool *pool);
/* Quiesces, lets the workers finish what was submitted, joins them. Places may
 * still be given back, and jobs submitted, by who has seen the pool before. */
void sid_pool_stop(struct sid_pool *pool);
/* Stops if that was not done, and frees. A job that came when the workers had
 * ended is run here, with NULL for the worker's context. */
void sid_pool_free(struct sid_pool **pool);

#endif
