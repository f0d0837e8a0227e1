/* store_pgsql.h: what the files of the PostgreSQL back end share.
 *
 * One connection in pipeline mode: a statement whose answer nobody needs yet
 * goes out without waiting; its error comes to light with the next answer that
 * is waited for, at the latest with that of the commit. Private to src/store;
 * used by the thread that owns the store. */
#ifndef SID_STORE_PGSQL_H
#define SID_STORE_PGSQL_H

#include <libpq-fe.h>

#include "store_sql.h"

/* Parameters of one statement; an enrolment has 31. */
#define SID_PG_PARAMS_MAX 40
/* Statements that wait for their answers: more than the largest batch of the
 * writer has. Neither side waits for the other, because what cannot be sent yet
 * stays in libpq's memory. */
#define SID_PG_PENDING_MAX 16384
/* Of the lease: an id, a colon, the number of the connection. */
#define SID_PG_OWNER_SIZE (SID_ID_SIZE + 24)
#define SID_PG_STATE_BYTES 5 /* of an SQLSTATE */
#define SID_PG_TOLD_MAX 8

struct sid_pg_params {
    int n;
    bool full; /* more were bound than there is room for */
    Oid types[SID_PG_PARAMS_MAX];
    const char *values[SID_PG_PARAMS_MAX];
    int lengths[SID_PG_PARAMS_MAX];
    int formats[SID_PG_PARAMS_MAX];
    uint64_t room[SID_PG_PARAMS_MAX]; /* numbers, in the network's order */
};

struct sid_pg_pending {
    enum sid_sql_stmt which;
    bool prepare; /* its preparation, not its run */
};

struct sid_pgsql {
    struct sid_sql sql; /* first: a sid_back is cast back to this */
    char *uri;          /* owned; may have what must not be logged */
    PGconn *conn;       /* owned; NULL while there is none */
    bool read_only;
    bool in_txn;       /* between begin and commit or rollback */
    bool writes;       /* that transaction does */
    enum sid_err lost; /* why the open transaction cannot go on; SID_OK */
    bool broken;       /* the database belongs to another process now */
    bool unsure;       /* a commit may have been made or not */
    bool prepared[SID_SQL_COUNT];
    struct sid_pg_params params; /* of the statement that is being bound */
    /* Credentials that were fetched ahead, by serial; NULL: none, or something
     * was changed since. Owned. */
    PGresult *ahead;
    struct sid_pg_pending pending[SID_PG_PENDING_MAX];
    int pending_count;
    int64_t given_bytes; /* with those, to be written */
    int64_t trips;       /* times an answer was waited for */
    int64_t retry_at_us; /* monotonic: no new connection before */
    int64_t pause_us;    /* until the one after that */
    /* The lease; see store_pgsql_lease.c. */
    char owner[SID_PG_OWNER_SIZE];
    char id[SID_ID_SIZE];
    int slot;            /* which of the leases it has */
    int64_t connections; /* made so far */
    int64_t batch;       /* the last transaction for changes that began */
    int64_t committed;   /* that the database had at the last connection */
    int64_t promised;    /* whose commit was answered last */
    int64_t held_at_us;  /* monotonic: when the lease was renewed last */
    int64_t since_us;    /* monotonic: when the connection was made */
    bool leased;
    struct sid_buf copy; /* see store_pgsql_move.c; empty but there */
    /* SQLSTATEs that were logged since the last commit. */
    char told[SID_PG_TOLD_MAX][SID_PG_STATE_BYTES + 1];
    int told_count;
};

static inline struct sid_pgsql *
sid_pgsql_of(struct sid_back *back) {
    return (struct sid_pgsql *)(void *)back;
}

/* ---- store_pgsql_error.c ----------------------------------------------- */

/* What an SQLSTATE means; logs it unless it is an expected refusal
 * (uniqueness: SID_E_EXISTS, foreign key: SID_E_NOT_FOUND), two transactions
 * that were in each other's way, or has been logged since the last commit.
 * SID_E_AGAIN inside a transaction: that may succeed when it is run again; the
 * caller knows that it was not committed. state: NULL when the connection has
 * gone. where: a static word for the log. */
enum sid_err sid_pg_error(struct sid_pgsql *pg, const char *state,
                          const char *where);
/* True for a refusal that costs its statement only: class 23. */
bool sid_pg_is_refusal(const PGresult *result);
/* True for a transaction that was in another's way, and is undone. */
bool sid_pg_is_conflict(const PGresult *result);
/* As sid_pg_error(), of a server that cannot be used; text: static, says what
 * to do, is logged and is what sid_store_why() gives. */
enum sid_err sid_pg_unusable(struct sid_pgsql *pg, const char *state,
                             const char *where, const char *text);
/* Of a result; NULL when it has none. */
const char *sid_pg_state(const PGresult *result);

/* ---- store_pgsql_why.c ------------------------------------------------- */

/* Why a connection was not made, from what libpq said of it: a static text that
 * says what to do and quotes nothing. */
const char *sid_pg_why_not(const char *said);

/* ---- store_pgsql_pipe.c ------------------------------------------------ */

/* Queues a statement with the parameters that are bound. Errors: SID_E_STORE
 * (the connection has gone), SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_pg_queue(struct sid_pgsql *pg,
                                       enum sid_sql_stmt which);
/* Waits for the answers to all that was queued. The one to the last statement
 * becomes *last (PQclear), whatever it says; not set on an error: then another
 * one has failed, or the connection has gone. */
SID_FALLIBLE enum sid_err sid_pg_wait(struct sid_pgsql *pg, PGresult **last);
/* Lets go of a connection that is of no use any more; an open transaction is
 * lost with it. */
void sid_pg_drop(struct sid_pgsql *pg);

/* ---- store_pgsql_connect.c --------------------------------------------- */

/* A connection, with its settings checked. Errors: SID_E_STORE,
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_pg_connect(struct sid_pgsql *pg);
/* Finds out whether the connection still stands, without waiting; makes a new
 * one when it does not and the last try is long enough ago. Not inside a
 * transaction. Errors: SID_E_STORE. */
SID_FALLIBLE enum sid_err sid_pg_ready(struct sid_pgsql *pg);
/* The same, trying for so long. */
SID_FALLIBLE enum sid_err sid_pg_ready_within(struct sid_pgsql *pg,
                                              int64_t most_us);

/* ---- store_pgsql_lease.c ----------------------------------------------- */

/* How many daemons may have the database at once. Source: own choice; the most
 * is SID_SLOTS_MAX. A variable for the tests. */
extern int sid_pg_slots;
/* Makes this store the owner of the lowest slot that is free; when none is, it
 * waits for a lease that nobody renews to lapse. alone: of the first one, and
 * no other may have an owner. Errors: SID_E_LOCKED (they are renewed),
 * SID_E_STORE.
 */
SID_FALLIBLE enum sid_err sid_pg_lease_take(struct sid_pgsql *pg, bool alone);
/* After a new connection: the lease moves to it, and transactions of the old
 * one that are still on their way fail. `committed` becomes the last one that
 * was committed; when it is before what was promised the store is broken from
 * here on. Errors: SID_E_LOCKED (another process has it), SID_E_STORE. */
SID_FALLIBLE enum sid_err sid_pg_lease_move(struct sid_pgsql *pg);
/* Queues what makes this transaction fail unless the lease is ours. */
SID_FALLIBLE enum sid_err sid_pg_lease_hold(struct sid_pgsql *pg);
/* Another process has it: says so, once, and ends this store's use. */
void sid_pg_lease_lost(struct sid_pgsql *pg);
/* As the members of sid_back_ops of these names. */
enum sid_err sid_pg_slot_each(struct sid_back *back, int64_t since_us,
                              enum sid_err (*each)(int slot, void *ctx),
                              void *ctx);
enum sid_err sid_pg_slot_used(struct sid_back *back, int slot, bool *out);
enum sid_err sid_pg_orphans(struct sid_back *back, int64_t before_us,
                            bool *out);
/* Renews the lease between transactions. */
void sid_pg_lease_keep(struct sid_pgsql *pg);
/* Leaves the database to whoever wants it next. Failures are logged. */
void sid_pg_lease_free(struct sid_pgsql *pg);

/* ---- store_pgsql_cursor.c ---------------------------------------------- */

/* The row of the table "number" in which the daemon of a slot counts. */
#define SID_PG_SORT_SIZE 32
void sid_pg_sort(const char *sort, int slot, char out[SID_PG_SORT_SIZE]);

extern const struct sid_sql_engine sid_pg_engine;

/* As sid_store_look_ahead(). Errors: SID_E_STORE, SID_E_NO_MEMORY. */
enum sid_err sid_pg_look_ahead(struct sid_back *back, const uint64_t *serials,
                               size_t n);
void sid_pg_forget_ahead(struct sid_pgsql *pg);

/* ---- store_pgsql_migrate.c --------------------------------------------- */

/* The tables that come before the first migration, and the mark of a move when
 * the back end is to be marked. With create false they must
 * be there. Errors: SID_E_NOT_FOUND, SID_E_STORE. */
SID_FALLIBLE enum sid_err sid_pg_prepare(struct sid_pgsql *pg, bool create);
/* Brings the schema up to date. Errors: SID_E_SCHEMA, SID_E_STORE,
 * SID_E_STORE_FULL, SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err sid_pg_migrate(struct sid_pgsql *pg);
/* Whether it is. Errors: SID_E_SCHEMA (logged), SID_E_STORE, SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err sid_pg_migrate_check(struct sid_pgsql *pg);

#endif
