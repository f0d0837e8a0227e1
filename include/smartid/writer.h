/* writer.h: the one thread that touches the store.
 *
 * Operations are queued by any thread; the writer takes all that is queued,
 * runs those that write in one transaction (each in a savepoint of its own
 * unless it says that it writes with one statement only), commits once, then
 * runs those that only read in another, and only then calls each operation's
 * done, in the order they were queued. Nothing is acknowledged or read that is
 * not on disk, and a batch forms by itself while the last one syncs. Reads are
 * operations too, so no other thread needs SQL. When the commit fails, every
 * operation of the batch that writes ends with that error; those that read keep
 * their own.
 *
 * A database that other processes write to, too, may break a transaction off
 * through no fault of its own (SID_E_AGAIN). Nothing of it is left then, and
 * all of it is run again after a short pause, for 10 s. What is likely to meet
 * with that says so (alone), and no other has to wait for it.
 *
 * An operation's node is embedded in the caller's object: a submit cannot fail.
 * It belongs to the writer from submit until done is called, on the writer
 * thread; after done returns the writer never touches it. */
#ifndef SMARTID_WRITER_H
#define SMARTID_WRITER_H

#include <stdbool.h>

#include "smartid/err.h"
#include "smartid/store.h"

struct sid_op;
/* Runs on the writer thread, inside the transaction. An error undoes what this
 * operation changed and becomes op->err; it does not hurt the others.
 *
 * It may be called again after its transaction was rolled back, and then finds
 * other rows: it sets all its outputs afresh, and changes nothing but the store
 * and its own operation. What else is to follow, counters too, is done's. */
typedef enum sid_err sid_op_run_fn(struct sid_op *op, struct sid_store *store);
/* Called once, after the commits, with op->err set. Must not block. */
typedef void sid_op_done_fn(struct sid_op *op);

struct sid_op {
    struct sid_op *next; /* the writer's */
    sid_op_run_fn *run;
    sid_op_done_fn *done;
    bool single_write; /* run changes the store with at most one statement, as
                          its last act: no savepoint is needed */
    bool read_only;    /* run changes nothing, and needs no sync */
    bool alone;        /* run reads or changes so much that on a server it often
                          meets others: it has a transaction of its own, run
                          again once at most, then err is SID_E_AGAIN */
    const uint64_t *serials; /* of credentials that run will ask for; borrowed
                                until done */
    size_t serial_count;
    enum sid_err err;
};

struct sid_writer;

/* Takes the store (the caller's pointer becomes NULL) and starts the thread.
 * Errors: SID_E_NO_MEMORY, SID_E_INTERNAL. */
SID_FALLIBLE enum sid_err sid_writer_new(struct sid_store **take,
                                         struct sid_writer **out);
void sid_writer_submit(struct sid_writer *writer, struct sid_op *op);
/* Submits and waits for done; for start-up, stop and worker threads. The op's
 * done must be NULL. Returns op->err. */
SID_FALLIBLE enum sid_err sid_writer_run(struct sid_writer *writer,
                                         struct sid_op *op);
/* True while a batch is under way, which what is submitted now has to wait for.
 * It may be over when the caller has read it. Any thread. */
bool sid_writer_busy(const struct sid_writer *writer);
/* False once a commit has failed in a way that needs a restart (a failed sync
 * is never retried) or the thread has ended: /readyz. Any thread. */
bool sid_writer_healthy(const struct sid_writer *writer);
/* How the storage takes what is written: SID_OK; SID_E_STORE_FULL or
 * SID_E_STORE since a commit has failed so, until the writer's own attempt,
 * once a second, succeeds; SID_E_STORE for ever when not healthy. Any thread.
 */
enum sid_err sid_writer_storage(const struct sid_writer *writer);
/* Finishes what is queued, stops the thread, closes the store. */
void sid_writer_free(struct sid_writer **writer);

#endif
