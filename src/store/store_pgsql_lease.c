/* store_pgsql_lease.c: whose database it is.
 *
 * A row for each slot names its owner: a process and its connection. It is
 * renewed by every transaction for changes, and about each second without one.
 * A transaction begins by asking that row whether the lease is still ours, and
 * fails with a constraint when it is not: a process that lost it, or a
 * transaction that was on its way when its connection broke, cannot commit any
 * more. The row also says which transaction was the last one, so that after a
 * commit whose answer was lost one can look it up. No advisory locks: not every
 * engine of this family has them. Run by the thread that owns the store; owns
 * nothing. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "smartid/clock.h"
#include "smartid/log.h"
#include "store_pgsql.h"
#include "store_sql_ops.h"

int sid_pg_slots = SID_SLOTS_MAX;

/* A lease that was not renewed for so long is free. Source: own choice: five
 * times the second in which it is, and half of the 10 s in which work must go
 * on after a process has died. */
#define LEASE_US ((int64_t)5 * 1000 * 1000)
#define RENEW_US ((int64_t)900 * 1000)
/* How far the clocks of two machines may be apart: a lease that has lapsed by
 * ours may still be renewed by another's. Source: own choice: far above what a
 * machine with NTP has, and a slot is not missed for so long. */
#define CLOCKS_APART_US ((int64_t)5 * 1000 * 1000)
/* How long one must have been connected before others are taken for dead: when
 * the server was away, all leases have lapsed, and their owners come back one
 * after the other. Source: own choice: a lease, and the longest pause between
 * two tries to connect. */
#define SETTLED_US (LEASE_US + (int64_t)3 * 1000 * 1000)
/* How often somebody else's is looked at. Source: own choice: several times
 * within the second in which a living owner renews it. */
#define LOOK_US ((int64_t)200 * 1000)

struct lease {
    char owner[SID_PG_OWNER_SIZE];
    int64_t until_us;
    int64_t batch;
};

/* A later connection of a process comes later in the alphabet, too: a move of
 * which the answer was lost is followed by the next one, and never follows it.
 */
static void
name_owner(const struct sid_pgsql *pg, char out[SID_PG_OWNER_SIZE]) {
    snprintf(out, SID_PG_OWNER_SIZE, "%s:%010" PRId64, pg->id, pg->connections);
}

/* In the table the first slot is row 1. */
static void
bind_slot(struct sid_sql_query *query, int slot) {
    sid_sql_bind_int(query, slot + 1);
}

/* Errors: SID_E_NOT_FOUND (nobody has ever had this slot). */
static enum sid_err
look(struct sid_pgsql *pg, int slot, struct lease *out) {
    struct sid_sql_query query = sid_sql_start(&pg->sql, SID_SQL_LEASE_GET);
    bool row = false;

    bind_slot(&query, slot);
    enum sid_err err = sid_sql_next(&query, &row);
    if (err == SID_OK && !row)
        err = SID_E_NOT_FOUND;
    if (err == SID_OK) {
        sid_sql_read_text(&query, out->owner, sizeof out->owner);
        out->until_us = sid_sql_read_int(&query);
        out->batch = sid_sql_read_int(&query);
        err = query.err;
    }
    sid_sql_end(&query);
    return err;
}

/* The batch of the row that the bound update has changed; SID_E_LOCKED when it
 * changed none. */
static enum sid_err
change(struct sid_sql_query *query, int64_t *batch) {
    enum sid_err err = sid_sql_fetch_int(query, batch);

    return err == SID_E_NOT_FOUND ? SID_E_LOCKED : err;
}

static void
is_ours(struct sid_pgsql *pg, const char *owner, int64_t batch) {
    memcpy(pg->owner, owner, sizeof pg->owner);
    pg->committed = batch;
    if (!pg->leased)
        pg->batch = batch;
    pg->leased = true;
    pg->held_at_us = sid_mono_us();
}

static enum sid_err
take(struct sid_pgsql *pg, int slot, const struct lease *old) {
    char owner[SID_PG_OWNER_SIZE];
    int64_t batch = 0;

    name_owner(pg, owner);
    struct sid_sql_query query = sid_sql_start(&pg->sql, SID_SQL_LEASE_TAKE);
    sid_sql_bind_text(&query, owner);
    sid_sql_bind_int(&query, sid_now_us() + LEASE_US);
    sid_sql_bind_text(&query, old->owner);
    sid_sql_bind_int(&query, old->until_us);
    bind_slot(&query, slot);
    enum sid_err err = change(&query, &batch);
    if (err == SID_OK) {
        pg->slot = slot;
        is_ours(pg, owner, batch);
    }
    return err;
}

/* A row for a slot that there was none of. */
static enum sid_err
make(struct sid_pgsql *pg, int slot) {
    struct sid_sql_query query = sid_sql_start(&pg->sql, SID_SQL_LEASE_PUT);

    bind_slot(&query, slot);
    return sid_sql_run(&query, NULL);
}

/* Given back, or lapsed by any clock. */
static bool
is_free(const struct lease *lease) {
    return lease->until_us + CLOCKS_APART_US <= sid_now_us();
}

/* Takes a slot when its lease has lapsed. Errors: SID_E_LOCKED (it has not, or
 * somebody was quicker). */
static enum sid_err
take_if_free(struct sid_pgsql *pg, int slot) {
    struct lease old = {.batch = 0};
    enum sid_err err = look(pg, slot, &old);

    if (err == SID_E_NOT_FOUND) {
        err = make(pg, slot);
        if (err == SID_OK)
            err = look(pg, slot, &old);
    }
    if (err == SID_OK && !is_free(&old))
        err = SID_E_LOCKED;
    return err == SID_OK ? take(pg, slot, &old) : err;
}

/* Clocks of two machines differ: what counts is that nobody renews it. Errors:
 * SID_E_LOCKED (somebody does). */
static enum sid_err
watch(struct sid_pgsql *pg, int slot, struct lease *lease) {
    struct lease now = {.batch = 0};
    int64_t until_us = sid_mono_us() + LEASE_US;
    enum sid_err err = SID_OK;

    while (err == SID_OK && !is_free(lease) && sid_mono_us() < until_us) {
        nanosleep(&(struct timespec){.tv_nsec = LOOK_US * 1000}, NULL);
        err = look(pg, slot, &now);
        if (err == SID_OK && (now.until_us != lease->until_us ||
                              strcmp(now.owner, lease->owner) != 0))
            err = SID_E_LOCKED;
    }
    return err;
}

static enum sid_err
take_when_lapsed(struct sid_pgsql *pg, int slot) {
    struct lease old = {.batch = 0};
    enum sid_err err = look(pg, slot, &old);

    if (err == SID_OK)
        err = watch(pg, slot, &old);
    return err == SID_OK ? take(pg, slot, &old) : err;
}

/* Slots are made one after the other. */
static enum sid_err
check_alone(struct sid_pgsql *pg) {
    enum sid_err err = SID_OK;

    for (int slot = 1; err == SID_OK && slot < SID_SLOTS_MAX; slot++) {
        struct lease other = {.batch = 0};

        err = look(pg, slot, &other);
        if (err == SID_OK && other.until_us > sid_now_us())
            err = SID_E_LOCKED;
        if (err == SID_OK)
            err = watch(pg, slot, &other);
    }
    return err == SID_E_NOT_FOUND ? SID_OK : err;
}

enum sid_err
sid_pg_lease_take(struct sid_pgsql *pg, bool alone) {
    enum sid_err err = SID_E_LOCKED;

    if (alone) {
        err = take_when_lapsed(pg, 0);
        return err == SID_OK ? check_alone(pg) : err;
    }
    for (int slot = 0; err == SID_E_LOCKED && slot < sid_pg_slots; slot++)
        err = take_if_free(pg, slot);
    return err == SID_E_LOCKED ? take_when_lapsed(pg, 0) : err;
}

/* A server that was restored from a copy, or a successor that had not got all:
 * what is in memory, keys above all, is of a database that is no more. */
static void
taken_back(struct sid_pgsql *pg) {
    sid_log(SID_LOG_ERROR, "store_taken_back",
            SID_S("text", "the server has less than was committed: it was "
                          "restored from a copy, or is behind the one before; "
                          "a restart goes on with what it has"));
    pg->broken = true;
}

enum sid_err
sid_pg_lease_move(struct sid_pgsql *pg) {
    char owner[SID_PG_OWNER_SIZE];
    int64_t batch = 0;

    name_owner(pg, owner);
    struct sid_sql_query query = sid_sql_start(&pg->sql, SID_SQL_LEASE_MOVE);
    sid_sql_bind_text(&query, owner);
    sid_sql_bind_int(&query, sid_now_us() + LEASE_US);
    sid_sql_bind_text(&query, pg->owner);
    bind_slot(&query, pg->slot);
    enum sid_err err = change(&query, &batch);
    if (err == SID_OK)
        is_ours(pg, owner, batch);
    if (err == SID_OK && batch < pg->promised) {
        taken_back(pg);
        err = SID_E_STORE;
    }
    if (err == SID_E_LOCKED)
        sid_pg_lease_lost(pg);
    return err;
}

void
sid_pg_lease_lost(struct sid_pgsql *pg) {
    if (!pg->broken)
        sid_log(
            SID_LOG_ERROR, "store_taken",
            SID_S("text",
                  "another process has this one's place in the database now"));
    pg->broken = true;
    pg->leased = false;
}

enum sid_err
sid_pg_lease_hold(struct sid_pgsql *pg) {
    struct sid_sql_query query = sid_sql_start(&pg->sql, SID_SQL_LEASE_HOLD);

    sid_sql_bind_text(&query, pg->owner);
    sid_sql_bind_int(&query, sid_now_us() + LEASE_US);
    sid_sql_bind_int(&query, pg->batch);
    bind_slot(&query, pg->slot);
    enum sid_err err = sid_sql_run(&query, NULL);
    if (err == SID_OK)
        pg->held_at_us = sid_mono_us();
    return err;
}

void
sid_pg_lease_keep(struct sid_pgsql *pg) {
    if (sid_mono_us() - pg->held_at_us < RENEW_US || sid_pg_ready(pg) != SID_OK)
        return;
    PGresult *last = NULL;
    /* Counted like a transaction: a server that was restored from a copy is
     * noticed also by one that has only looked since, at what others did. But
     * not before the first one: what has counted has rows (store_slot.h). */
    if (pg->batch > 0)
        pg->batch++;
    enum sid_err err = sid_pg_lease_hold(pg);
    if (err == SID_OK)
        err = sid_pg_wait(pg, &last);
    if (err == SID_OK && sid_pg_is_refusal(last))
        sid_pg_lease_lost(pg);
    else if (err == SID_OK && PQresultStatus(last) == PGRES_COMMAND_OK)
        pg->promised = pg->batch;
    PQclear(last);
}

void
sid_pg_lease_free(struct sid_pgsql *pg) {
    struct sid_sql_query query = sid_sql_start(&pg->sql, SID_SQL_LEASE_FREE);

    bind_slot(&query, pg->slot);
    sid_sql_bind_text(&query, pg->owner);
    if (sid_sql_run(&query, NULL) != SID_OK)
        sid_log(SID_LOG_WARN, "lease_kept");
    pg->leased = false;
}

/* ---- the others ---------------------------------------------------------- */

enum sid_err
sid_pg_slot_each(struct sid_back *back, int64_t since_us,
                 enum sid_err (*each)(int slot, void *ctx), void *ctx) {
    struct sid_sql_query query =
        sid_sql_start(sid_sql_of(back), SID_SQL_LEASE_EACH);
    enum sid_err err = SID_OK;
    bool row = true;

    sid_sql_bind_int(&query, since_us);
    while (err == SID_OK) {
        err = sid_sql_next(&query, &row);
        if (err != SID_OK || !row)
            break;
        int slot = (int)sid_sql_read_int(&query) - 1;
        err = query.err == SID_OK ? each(slot, ctx) : query.err;
    }
    sid_sql_end(&query);
    return err;
}

enum sid_err
sid_pg_slot_used(struct sid_back *back, int slot, bool *out) {
    struct lease lease = {.batch = 0};
    enum sid_err err = look(sid_pgsql_of(back), slot, &lease);

    if (err == SID_E_NOT_FOUND)
        err = SID_OK;
    if (err == SID_OK)
        *out = lease.batch > 0;
    return err;
}

enum sid_err
sid_pg_orphans(struct sid_back *back, int64_t before_us, bool *out) {
    *out = false;
    return sid_mono_us() - sid_pgsql_of(back)->since_us < SETTLED_US
               ? SID_OK
               : sid_sql_enrol_orphans(back, before_us, out);
}
