/* writer.c: the one thread that touches the store.
 *
 * Callers push operations on a list under a lock; the writer takes the whole
 * list, runs it in one transaction, commits, and answers. While it syncs, the
 * next batch gathers. The writer thread owns the store from start to end; the
 * list and the flags beside it are guarded by `lock`. */
#include "smartid/writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "smartid/clock.h"
#include "smartid/log.h"
#include "smartid/metrics.h"
#include "smartid/rand.h"

/* Operations of one transaction at most, so that no answer waits for an endless
 * batch. Source: own choice; measured, 256 rows per commit already make one
 * row's share of the sync smaller than its own work. */
#define BATCH_MAX_OPS 4096
/* After so long without work the WAL is moved and emptied. Source: own choice:
 * long against a commit, short against the life of a deleted photo. */
#define IDLE_MS 1000
/* How often a storage that has refused a write is asked whether it takes one
 * again. Source: own choice: soon enough for whoever has made room. */
#define PROBE_US ((int64_t)1000 * 1000)

/* While work never ends the log is emptied so long after something personal was
 * deleted, and tried again after a second if somebody was in the way. Source:
 * own choice: a twelfth of the 60 s that are promised (reliability F6); one
 * takes some ms. */
#define SWEEP_US ((int64_t)5000 * 1000)
#define SWEEP_AGAIN_US ((int64_t)1000 * 1000)

/* A batch that something was in the way of is begun anew within so long; about
 * the first pause, and the longest. Source: own choice: who waits for an answer
 * is told something while it is still of use. Counting the runs instead gave up
 * after a second where three daemons enrolled without a pause on a slow
 * machine: a run in 15 is in somebody's way on a fast one. */
#define AGAIN_WITHIN_US ((int64_t)10 * 1000 * 1000)
#define AGAIN_FIRST_US ((int64_t)10 * 1000)
#define AGAIN_MOST_US ((int64_t)320 * 1000)

struct sid_writer {
    pthread_t thread;
    struct sid_store *store; /* the thread's alone */
    int64_t sweep_at_us;     /* the thread's alone; 0: nothing to sweep */

    pthread_mutex_t lock;
    pthread_cond_t work;     /* the list is not empty any more, or stopping */
    pthread_cond_t finished; /* an operation of sid_writer_run() is done */
    struct sid_op *first;
    struct sid_op **end; /* where the next one is hung */
    bool stopping;

    atomic_bool busy; /* a batch is under way: what comes now waits for it */
    atomic_bool healthy;
    atomic_int storage;  /* enum sid_err of the last write; SID_OK */
    int64_t probe_at_us; /* the thread's alone: when to ask it again */
};

/* ---- the queue --------------------------------------------------------- */

void
sid_writer_submit(struct sid_writer *writer, struct sid_op *op) {
    op->next = NULL;
    pthread_mutex_lock(&writer->lock);
    bool was_empty = writer->first == NULL;
    *writer->end = op;
    writer->end = &op->next;
    if (was_empty)
        pthread_cond_signal(&writer->work);
    pthread_mutex_unlock(&writer->lock);
}

static struct timespec
in_ms(int64_t ms) {
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += (time_t)(ms / 1000);
    at.tv_nsec += (long)(ms % 1000) * 1000000L;
    if (at.tv_nsec >= 1000000000L) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000L;
    }
    return at;
}

enum taken { TAKEN_WORK, TAKEN_NOTHING, TAKEN_STOP };

/* Waits for work and takes all of it. With may_idle it gives up after IDLE_MS
 * and says so. */
static enum taken
take_all(struct sid_writer *writer, bool may_idle, struct sid_op **list) {
    struct timespec until = in_ms(IDLE_MS);
    enum taken taken = TAKEN_WORK;
    int rc = 0;

    pthread_mutex_lock(&writer->lock);
    atomic_store(&writer->busy, false);
    while (writer->first == NULL && !writer->stopping && rc != ETIMEDOUT) {
        rc = may_idle
                 ? pthread_cond_timedwait(&writer->work, &writer->lock, &until)
                 : pthread_cond_wait(&writer->work, &writer->lock);
    }
    if (writer->first != NULL) {
        *list = writer->first;
        writer->first = NULL;
        writer->end = &writer->first;
        atomic_store(&writer->busy, true);
    } else {
        taken = writer->stopping ? TAKEN_STOP : TAKEN_NOTHING;
    }
    pthread_mutex_unlock(&writer->lock);
    return taken;
}

/* ---- a batch ----------------------------------------------------------- */

struct batch {
    struct sid_op *first;
    int64_t count;
    int64_t reads; /* those of them that change nothing */
};

/* Cuts the first BATCH_MAX_OPS off the list, or one that is to be alone. */
static struct batch
cut_batch(struct sid_op **list) {
    struct batch batch = {.first = *list};
    struct sid_op *last = NULL;

    for (struct sid_op *op = batch.first;
         op != NULL && batch.count < BATCH_MAX_OPS; op = op->next) {
        if (op != batch.first && (op->alone || batch.first->alone))
            break;
        batch.reads += op->read_only ? 1 : 0;
        batch.count++;
        last = op;
    }
    *list = last->next;
    last->next = NULL;
    return batch;
}

static void
run_op(struct sid_store *store, struct sid_op *op) {
    if (op->read_only || op->single_write) {
        op->err = op->run(op, store);
        return;
    }
    op->err = sid_store_savepoint(store);
    if (op->err != SID_OK)
        return;
    op->err = op->run(op, store);
    if (op->err == SID_OK)
        op->err = sid_store_savepoint_release(store);
    else
        sid_store_savepoint_undo(store);
}

/* What the operations that write will ask for is fetched for all at once. */
static enum sid_err
look_ahead(struct sid_store *store, const struct sid_op *batch) {
    uint64_t serials[BATCH_MAX_OPS];
    size_t n = 0;

    for (const struct sid_op *op = batch; op != NULL; op = op->next) {
        for (size_t i = 0; !op->read_only && i < op->serial_count; i++) {
            if (n < BATCH_MAX_OPS)
                serials[n++] = op->serials[i];
        }
    }
    return sid_store_look_ahead(store, serials, n);
}

static enum sid_err
run_and_commit(struct sid_store *store, struct sid_op *batch, bool reads) {
    enum sid_err err =
        reads ? sid_store_begin_read(store) : sid_store_begin(store);

    if (err != SID_OK)
        return err;
    /* An error of it is one of the transaction, and comes again. */
    if (!reads)
        (void)!look_ahead(store, batch);
    for (struct sid_op *op = batch; op != NULL; op = op->next) {
        if (op->read_only == reads)
            run_op(store, op);
    }
    int64_t began_us = sid_mono_us();
    err = sid_store_commit(store);
    if (err == SID_OK && !reads) {
        sid_metric_add(SID_M_COMMITS, 1);
        sid_histogram_observe_us(SID_H_COMMIT, sid_mono_us() - began_us);
    }
    return err;
}

/* Two that were in each other's way must not meet again at once: chance makes
 * it a quarter of that time to five. */
static void
pause_about(int64_t about_us) {
    uint16_t draw = 0;

    (void)!sid_rand_bytes(&draw, sizeof draw); /* else by the clock */
    int64_t us = about_us / 4 + about_us * draw / UINT16_MAX;
    nanosleep(&(struct timespec){.tv_sec = us / 1000000,
                                 .tv_nsec = us % 1000000 * 1000},
              NULL);
}

static enum sid_err
run_until_done(struct sid_store *store, struct sid_op *batch, bool reads) {
    int64_t until_us = sid_mono_us() + AGAIN_WITHIN_US;
    enum sid_err err = run_and_commit(store, batch, reads);

    if (err == SID_E_AGAIN && batch->alone) {
        sid_metric_add(SID_M_STORE_RETRIES, 1);
        return run_and_commit(store, batch, reads);
    }
    int64_t pause_us = AGAIN_FIRST_US;
    while (err == SID_E_AGAIN && sid_mono_us() < until_us) {
        sid_metric_add(SID_M_STORE_RETRIES, 1);
        pause_about(pause_us);
        pause_us = pause_us < AGAIN_MOST_US ? pause_us * 2 : AGAIN_MOST_US;
        err = run_and_commit(store, batch, reads);
    }
    if (err != SID_E_AGAIN)
        return err;
    sid_log(SID_LOG_ERROR, "store_retries_spent");
    return SID_E_STORE;
}

/* Runs the operations of a batch that read, or those that write, in one
 * transaction; its error hits every one of them. */
static enum sid_err
run_part(struct sid_store *store, struct sid_op *batch, bool reads) {
    enum sid_err err = run_until_done(store, batch, reads);

    if (err == SID_OK)
        return SID_OK;
    if (err != SID_E_AGAIN)
        sid_metric_add(SID_M_STORE_ERRORS, 1);
    for (struct sid_op *op = batch; op != NULL; op = op->next) {
        if (op->read_only == reads)
            op->err = err;
    }
    return err;
}

/* The owner may free or submit an operation again inside done. */
static void
answer(struct sid_op *batch) {
    while (batch != NULL) {
        struct sid_op *op = batch;

        batch = op->next;
        op->done(op);
    }
}

/* Says once that only a restart helps. */
static void
watch_health(struct sid_writer *writer) {
    if (sid_store_broken(writer->store) &&
        atomic_exchange(&writer->healthy, false))
        sid_log(SID_LOG_ERROR, "writer_stopped",
                SID_S("text", "a sync failed or the database is damaged; a "
                              "restart is needed"));
}

/* Only the probe below takes a refusal back: a commit with nothing to write
 * succeeds on a full disk, too. */
static void
note_refusal(struct sid_writer *writer, enum sid_err err) {
    if (err != SID_E_STORE_FULL && err != SID_E_STORE)
        return;
    atomic_store(&writer->storage, err);
    writer->probe_at_us = sid_mono_us() + PROBE_US;
}

/* Whether the storage takes a write again, so that /readyz can say so although
 * nobody sends requests to a daemon that is not ready. */
static void
probe_if_due(struct sid_writer *writer) {
    if (atomic_load(&writer->storage) == SID_OK ||
        !atomic_load(&writer->healthy) || sid_mono_us() < writer->probe_at_us)
        return;
    enum sid_err err = sid_store_touch(writer->store);

    watch_health(writer);
    note_refusal(writer, err);
    if (err != SID_OK)
        return; /* SID_E_AGAIN: with the next round */
    atomic_store(&writer->storage, SID_OK);
    sid_log(SID_LOG_INFO, "storage_writable");
}

/* Empties the log in time although there is work to do. */
static void
sweep_if_due(struct sid_writer *writer) {
    int64_t now_us = sid_mono_us();

    if (!sid_store_littered(writer->store)) {
        writer->sweep_at_us = 0;
    } else if (writer->sweep_at_us == 0) {
        writer->sweep_at_us = now_us + SWEEP_US;
    } else if (now_us >= writer->sweep_at_us) {
        sid_store_checkpoint(writer->store);
        writer->sweep_at_us = now_us + SWEEP_AGAIN_US;
    }
}

/* Those that read come after those that write, in a transaction of their own:
 * so they see what the batch has changed, and see it only when it is on disk;
 * what they have read stays true when the others' commit fails. */
static void
work_off(struct sid_writer *writer, struct sid_op *list) {
    while (list != NULL) {
        struct batch batch = cut_batch(&list);

        if (batch.reads < batch.count)
            note_refusal(writer, run_part(writer->store, batch.first, false));
        if (batch.reads > 0)
            (void)run_part(writer->store, batch.first, true);
        sid_metric_add(SID_M_OPS, batch.count);
        watch_health(writer);
        answer(batch.first);
        sid_store_checkpoint_if_due(writer->store);
        sweep_if_due(writer);
        watch_health(writer);
    }
}

static void *
writer_main(void *arg) {
    struct sid_writer *writer = arg;
    bool dirty = true; /* something may be in the WAL */
    bool kept = sid_store_keep(writer->store);
    enum taken taken = TAKEN_WORK;

    while (taken != TAKEN_STOP) {
        struct sid_op *list = NULL;

        taken = take_all(
            writer, dirty || kept || atomic_load(&writer->storage) != SID_OK,
            &list);
        if (taken == TAKEN_WORK) {
            work_off(writer, list);
            dirty = true;
            /* What only reads does not renew it, and may come all the time. */
            kept = sid_store_keep(writer->store);
        } else if (taken == TAKEN_NOTHING) {
            sid_store_checkpoint(writer->store);
            /* Shrinking writes to the log: it is emptied the next time. So it
             * is when a reader was in the way. */
            dirty = sid_store_shrink(writer->store) ||
                    sid_store_littered(writer->store);
            kept = sid_store_keep(writer->store);
            watch_health(writer);
        }
        probe_if_due(writer);
    }
    atomic_store(&writer->healthy, false);
    sid_store_checkpoint(writer->store);
    sid_store_close(&writer->store);
    return NULL;
}

/* ---- submit and wait --------------------------------------------------- */

/* Stands in the queue for the caller's operation. */
struct waiter {
    struct sid_op op; /* first: an op is cast back to its waiter */
    struct sid_op *inner;
    struct sid_writer *writer;
    bool finished; /* guarded by writer->lock */
};

static enum sid_err
waiter_run(struct sid_op *op, struct sid_store *store) {
    struct sid_op *inner = ((struct waiter *)(void *)op)->inner;

    return inner->run(inner, store);
}

static void
waiter_done(struct sid_op *op) {
    struct waiter *waiter = (struct waiter *)(void *)op;
    struct sid_writer *writer = waiter->writer;

    pthread_mutex_lock(&writer->lock);
    waiter->finished = true;
    pthread_cond_broadcast(&writer->finished);
    pthread_mutex_unlock(&writer->lock);
}

enum sid_err
sid_writer_run(struct sid_writer *writer, struct sid_op *op) {
    struct waiter waiter = {
        .op = {.run = waiter_run,
               .done = waiter_done,
               .single_write = op->single_write,
               .read_only = op->read_only,
               .alone = op->alone,
               .serials = op->serials,
               .serial_count = op->serial_count},
        .inner = op,
        .writer = writer,
    };

    SID_ASSERT(op->done == NULL);
    SID_ASSERT(!pthread_equal(pthread_self(), writer->thread));
    sid_writer_submit(writer, &waiter.op);
    pthread_mutex_lock(&writer->lock);
    while (!waiter.finished)
        pthread_cond_wait(&writer->finished, &writer->lock);
    pthread_mutex_unlock(&writer->lock);
    op->err = waiter.op.err;
    return op->err;
}

/* ---- life -------------------------------------------------------------- */

bool
sid_writer_busy(const struct sid_writer *writer) {
    return atomic_load(&writer->busy);
}

bool
sid_writer_healthy(const struct sid_writer *writer) {
    return atomic_load(&writer->healthy);
}

enum sid_err
sid_writer_storage(const struct sid_writer *writer) {
    return atomic_load(&writer->healthy)
               ? (enum sid_err)atomic_load(&writer->storage)
               : SID_E_STORE;
}

/* The idle wait is measured on the clock that nobody sets. */
static int
init_work(pthread_cond_t *cond) {
    pthread_condattr_t attr;
    int rc = pthread_condattr_init(&attr);

    if (rc != 0)
        return rc;
    rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    if (rc == 0)
        rc = pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
    return rc;
}

enum sid_err
sid_writer_new(struct sid_store **take, struct sid_writer **out) {
    struct sid_writer *writer = calloc(1, sizeof *writer);

    if (writer == NULL)
        return SID_E_NO_MEMORY;
    writer->store = *take;
    writer->end = &writer->first;
    atomic_init(&writer->healthy, true);
    atomic_init(&writer->storage, SID_OK);
    if (pthread_mutex_init(&writer->lock, NULL) != 0)
        goto no_lock;
    if (init_work(&writer->work) != 0)
        goto no_work;
    if (pthread_cond_init(&writer->finished, NULL) != 0)
        goto no_finished;
    if (pthread_create(&writer->thread, NULL, writer_main, writer) != 0)
        goto no_thread;
    pthread_setname_np(writer->thread, "sid-writer");
    *take = NULL;
    *out = writer;
    return SID_OK;

no_thread:
    pthread_cond_destroy(&writer->finished);
no_finished:
    pthread_cond_destroy(&writer->work);
no_work:
    pthread_mutex_destroy(&writer->lock);
no_lock:
    free(writer);
    return SID_E_INTERNAL;
}

void
sid_writer_free(struct sid_writer **writer) {
    struct sid_writer *w = *writer;

    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->finished);
    pthread_cond_destroy(&w->work);
    pthread_mutex_destroy(&w->lock);
    free(w);
    *writer = NULL;
}
