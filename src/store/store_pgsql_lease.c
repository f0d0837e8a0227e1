/* store_pgsql_lease.c: whose database it is.
 *
 * One row names the owner: a process and its connection. It is renewed by every
 * transaction for changes, and about each second without one. A transaction
 * begins by asking that row whether the lease is still ours, and fails with a
 * constraint when it is not: a process that lost it, or a transaction that was
 * on its way when its connection broke, cannot commit any more. The row also
 * says which transaction was the last one, so that after a commit whose answer
 * was lost one can look it up. No advisory locks: not every engine of this
 * family has them. Run by the thread that owns the store; owns nothing. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "smartid/clock.h"
#include "smartid/log.h"
#include "store_pgsql.h"

/* A lease that was not renewed for so long is free. Source: own choice: five
 * times the second in which it is, and half of the 10 s in which work must go
 * on after a process has died. */
#define LEASE_US ((int64_t)5 * 1000 * 1000)
#define RENEW_US ((int64_t)900 * 1000)
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

static enum sid_err
look(struct sid_pgsql *pg, struct lease *out) {
    struct sid_sql_query query = sid_sql_start(&pg->sql, SID_SQL_LEASE_GET);
    bool row = false;
    enum sid_err err = sid_sql_next(&query, &row);

    if (err == SID_OK && !row)
        err = SID_E_SCHEMA;
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
take(struct sid_pgsql *pg, const struct lease *old) {
    char owner[SID_PG_OWNER_SIZE];
    int64_t batch = 0;

    name_owner(pg, owner);
    struct sid_sql_query query = sid_sql_start(&pg->sql, SID_SQL_LEASE_TAKE);
    sid_sql_bind_text(&query, owner);
    sid_sql_bind_int(&query, sid_now_us() + LEASE_US);
    sid_sql_bind_text(&query, old->owner);
    sid_sql_bind_int(&query, old->until_us);
    enum sid_err err = change(&query, &batch);
    if (err == SID_OK)
        is_ours(pg, owner, batch);
    return err;
}

enum sid_err
sid_pg_lease_take(struct sid_pgsql *pg) {
    struct lease old = {.batch = 0};
    struct lease now = {.batch = 0};
    int64_t until_us = sid_mono_us() + LEASE_US;
    enum sid_err err = look(pg, &old);

    /* Clocks of two machines differ: what counts is that nobody renews it. */
    while (err == SID_OK && old.until_us > sid_now_us() &&
           sid_mono_us() < until_us) {
        nanosleep(&(struct timespec){.tv_nsec = LOOK_US * 1000}, NULL);
        err = look(pg, &now);
        if (err == SID_OK &&
            (now.until_us != old.until_us || strcmp(now.owner, old.owner) != 0))
            return SID_E_LOCKED;
    }
    return err == SID_OK ? take(pg, &old) : err;
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
    enum sid_err err = change(&query, &batch);
    if (err == SID_OK)
        is_ours(pg, owner, batch);
    if (err == SID_E_LOCKED)
        sid_pg_lease_lost(pg);
    return err;
}

void
sid_pg_lease_lost(struct sid_pgsql *pg) {
    if (!pg->broken)
        sid_log(SID_LOG_ERROR, "store_taken",
                SID_S("text", "another process owns the database now"));
    pg->broken = true;
    pg->leased = false;
}

enum sid_err
sid_pg_lease_hold(struct sid_pgsql *pg) {
    struct sid_sql_query query = sid_sql_start(&pg->sql, SID_SQL_LEASE_HOLD);

    sid_sql_bind_text(&query, pg->owner);
    sid_sql_bind_int(&query, sid_now_us() + LEASE_US);
    sid_sql_bind_int(&query, pg->batch);
    enum sid_err err = sid_sql_run(&query, NULL);
    if (err == SID_OK)
        pg->held_at_us = sid_mono_us();
    return err;
}

void
sid_pg_lease_keep(struct sid_pgsql *pg) {
    if (sid_pg_ready(pg) != SID_OK || sid_mono_us() - pg->held_at_us < RENEW_US)
        return;
    PGresult *last = NULL;
    enum sid_err err = sid_pg_lease_hold(pg);
    if (err == SID_OK)
        err = sid_pg_wait(pg, &last);
    if (err == SID_OK && sid_pg_is_refusal(last))
        sid_pg_lease_lost(pg);
    PQclear(last);
}

void
sid_pg_lease_free(struct sid_pgsql *pg) {
    struct sid_sql_query query = sid_sql_start(&pg->sql, SID_SQL_LEASE_FREE);

    sid_sql_bind_text(&query, pg->owner);
    if (sid_sql_run(&query, NULL) != SID_OK)
        sid_log(SID_LOG_WARN, "lease_kept");
    pg->leased = false;
}
