/* store_pgsql.c: the PostgreSQL back end: opening, transactions, closing.
 *
 * Owns the connection, through which everything goes; a connection that breaks
 * is made anew between two transactions. Photos lie in their rows. Used by one
 * thread at a time. */
#include "store_pgsql.h"

#include <stdlib.h>
#include <string.h>

#include "move_side.h"
#include "smartid/log.h"
#include "store_sql_ops.h"

/* How long a commit whose answer was lost is looked up. Source: own choice: a
 * server that was only restarted is back by then, and who waits is told within
 * 20 s even after one that says nothing. */
#define LOOK_UP_US ((int64_t)6 * 1000 * 1000)

static void
close_pgsql(struct sid_back **back) {
    struct sid_pgsql *pg = sid_pgsql_of(*back);

    /* It may be outside of the pipeline when it could not be opened. */
    if (pg->conn != NULL && pg->leased && PQenterPipelineMode(pg->conn) == 1)
        sid_pg_lease_free(pg);
    sid_pg_forget_ahead(pg);
    PQfinish(pg->conn);
    free(pg->uri);
    free(pg);
    *back = NULL;
}

static bool
is_broken(const struct sid_back *back) {
    const struct sid_pgsql *pg = (const struct sid_pgsql *)(const void *)back;

    return pg->broken;
}

/* ---- transactions ------------------------------------------------------ */

/* A statement without parameters, whose answer is not waited for. */
static enum sid_err
queue(struct sid_pgsql *pg, enum sid_sql_stmt which) {
    if (pg->lost != SID_OK)
        return pg->lost;
    pg->params.n = 0;
    return sid_pg_queue(pg, which);
}

static enum sid_sql_stmt
beginning(bool read_only) {
    if (read_only)
        return SID_SQL_BEGIN_READ;
    return sid_pg_slots > 1 ? SID_SQL_BEGIN_SHARED : SID_SQL_BEGIN_WRITE;
}

/* Goes out with the first statement. */
static enum sid_err
begin(struct sid_back *back, bool read_only) {
    struct sid_pgsql *pg = sid_pgsql_of(back);
    enum sid_err err = sid_pg_ready(pg);

    if (err != SID_OK)
        return err;
    err = queue(pg, beginning(read_only));
    if (err != SID_OK)
        return err;
    pg->in_txn = true;
    pg->writes = !read_only;
    if (read_only)
        return SID_OK;
    pg->batch++;
    err = sid_pg_lease_hold(pg);
    if (err != SID_OK) {
        pg->in_txn = false;
        pg->lost = SID_OK;
    }
    return err;
}

static void
rollback(struct sid_back *back) {
    struct sid_pgsql *pg = sid_pgsql_of(back);
    PGresult *last = NULL;

    sid_pg_forget_ahead(pg);
    pg->lost = SID_OK;
    if (pg->conn != NULL && queue(pg, SID_SQL_ROLLBACK) == SID_OK &&
        sid_pg_wait(pg, &last) != SID_OK && pg->conn != NULL)
        sid_pg_drop(pg);
    PQclear(last);
    pg->in_txn = false;
    pg->lost = SID_OK;
}

/* The answer was lost with the connection: the row of the lease, which moves to
 * the new one, says whether the commit was made. */
static enum sid_err
look_up(struct sid_pgsql *pg) {
    pg->in_txn = false;
    pg->lost = SID_OK;
    enum sid_err err = sid_pg_ready_within(pg, LOOK_UP_US);
    if (err == SID_OK && pg->committed == pg->batch)
        return SID_OK;
    bool known = err == SID_OK;
    if (!known) {
        pg->unsure = true;
        sid_log(SID_LOG_ERROR, "commit_unknown",
                SID_S("text", "the server went away during a commit and did "
                              "not come back in time"));
    }
    pg->in_txn = true; /* until the rollback that comes now */
    /* It was not made, and the lease, which has moved, keeps it from being made
     * later. */
    return known ? SID_E_AGAIN : SID_E_STORE;
}

/* Whether the answer to COMMIT says that it was made: PostgreSQL answers the
 * COMMIT of a transaction that has failed with ROLLBACK. */
static enum sid_err
judge_commit(struct sid_pgsql *pg, PGresult *result) {
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        return sid_pg_error(pg, sid_pg_state(result), "COMMIT");
    return strcmp(PQcmdStatus(result), "COMMIT") == 0 ? SID_OK : SID_E_STORE;
}

static enum sid_err
commit_changes(struct sid_pgsql *pg) {
    PGresult *last = NULL;
    bool before = pg->conn != NULL;
    enum sid_err err = queue(pg, SID_SQL_COMMIT);

    if (err == SID_OK)
        err = sid_pg_wait(pg, &last);
    if (last != NULL) {
        err = judge_commit(pg, last);
        /* The last words of a server may come after the deed. */
        if (err == SID_E_AGAIN && !sid_pg_is_conflict(last))
            sid_pg_drop(pg);
    }
    PQclear(last);
    if (err != SID_OK && before && pg->conn == NULL)
        err = look_up(pg);
    return err;
}

static enum sid_err
commit(struct sid_back *back) {
    struct sid_pgsql *pg = sid_pgsql_of(back);
    enum sid_err err = SID_OK;

    sid_pg_forget_ahead(pg);
    if (pg->lost != SID_OK)
        return pg->lost;
    if (pg->writes) {
        err = commit_changes(pg);
        pg->told_count = err == SID_OK ? 0 : pg->told_count;
        pg->promised = err == SID_OK ? pg->batch : pg->promised;
    } else {
        /* Nothing depends on how it ends; but the server shall know at once. */
        err = queue(pg, SID_SQL_COMMIT);
        if (err == SID_OK)
            (void)PQflush(pg->conn);
    }
    if (err == SID_OK)
        pg->in_txn = false;
    return err;
}

static enum sid_err
savepoint(struct sid_back *back) {
    return queue(sid_pgsql_of(back), SID_SQL_SAVEPOINT);
}

static enum sid_err
savepoint_release(struct sid_back *back) {
    return queue(sid_pgsql_of(back), SID_SQL_SAVEPOINT_RELEASE);
}

static void
savepoint_undo(struct sid_back *back) {
    struct sid_pgsql *pg = sid_pgsql_of(back);
    enum sid_err err = queue(pg, SID_SQL_SAVEPOINT_UNDO);

    if (err == SID_OK)
        err = queue(pg, SID_SQL_SAVEPOINT_RELEASE);
    /* What could not be undone must not be committed. */
    if (err != SID_OK && pg->lost == SID_OK)
        pg->lost = err;
}

/* Each transaction for changes writes the row of the lease: enough. */
static enum sid_err
touch(struct sid_back *back) {
    return sid_pgsql_of(back)->lost;
}

static bool
unsure(struct sid_back *back) {
    struct sid_pgsql *pg = sid_pgsql_of(back);
    bool was = pg->unsure;

    pg->unsure = false;
    return was;
}

static int
slot(const struct sid_back *back) {
    return ((const struct sid_pgsql *)(const void *)back)->slot;
}

static bool
keep(struct sid_back *back) {
    struct sid_pgsql *pg = sid_pgsql_of(back);

    if (pg->leased && !pg->broken)
        sid_pg_lease_keep(pg);
    return pg->leased && !pg->broken;
}

/* The server looks after its files. */
static bool
checkpoint(struct sid_back *back, enum sid_back_checkpoint how) {
    (void)back;
    (void)how;
    return true;
}

static bool
shrink(struct sid_back *back) {
    (void)back;
    return false;
}

/* ---- open -------------------------------------------------------------- */

static const struct sid_back_ops ops = {
    .close = close_pgsql,
    .broken = is_broken,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .savepoint = savepoint,
    .savepoint_release = savepoint_release,
    .savepoint_undo = savepoint_undo,
    .touch = touch,
    .unsure = unsure,
    .keep = keep,
    .slot = slot,
    .slot_each = sid_pg_slot_each,
    .slot_used = sid_pg_slot_used,
    .enrol_orphans = sid_pg_orphans,
    .enrol_take_over = sid_sql_enrol_take_over,
    .look_ahead = sid_pg_look_ahead,
    .checkpoint = checkpoint,
    .shrink = shrink,
    SID_SQL_OPS,
};

/* No part of the text may get into a log, a wrong one least of all. A password
 * does not belong into it: it would stand in settings that are not secret. */
static enum sid_err
check_uri(const char *uri) {
    char *text = NULL;
    PQconninfoOption *options = PQconninfoParse(uri, &text);
    bool good = options != NULL;
    bool secret = false;

    for (PQconninfoOption *o = options; good && o->keyword != NULL; o++)
        secret = secret || (o->val != NULL && o->val[0] != '\0' &&
                            strcmp(o->keyword, "password") == 0);
    PQfreemem(text);
    PQconninfoFree(options);
    if (good && !secret)
        return SID_OK;
    const char *why = secret ? "the URI has a password: put that into a file "
                               "and name it with passfile="
                             : "the URI is not what libpq takes";
    sid_pg_tell(why);
    sid_log(SID_LOG_ERROR, "store_error",
            SID_S("code", sid_err_code(SID_E_ARGUMENT)), SID_S("at", "uri"),
            SID_S("text", why));
    return SID_E_ARGUMENT;
}

static enum sid_err
new_pgsql(const char *uri, bool read_only, struct sid_pgsql **out) {
    enum sid_err err = check_uri(uri);
    struct sid_pgsql *pg = err == SID_OK ? calloc(1, sizeof *pg) : NULL;

    if (err != SID_OK)
        return err;
    if (pg == NULL)
        return SID_E_NO_MEMORY;
    pg->sql.base.ops = &ops;
    pg->sql.base.move = &sid_pg_move_ops;
    pg->sql.engine = &sid_pg_engine;
    pg->read_only = read_only;
    pg->uri = strdup(uri);
    err = pg->uri == NULL ? SID_E_NO_MEMORY : sid_id_make("own_", pg->id);
    if (err == SID_OK)
        err = sid_pg_connect(pg);
    if (err == SID_OK) {
        *out = pg;
        return SID_OK;
    }
    struct sid_back *back = &pg->sql.base;
    close_pgsql(&back);
    return err;
}

static enum sid_err
pipeline(struct sid_pgsql *pg, bool on) {
    int rc = on ? PQenterPipelineMode(pg->conn) : PQexitPipelineMode(pg->conn);

    return rc == 1 ? SID_OK : SID_E_STORE;
}

enum sid_err
sid_pgsql_open(const char *uri, bool create, bool alone, bool moving,
               struct sid_back **out) {
    struct sid_pgsql *pg = NULL;
    enum sid_err err = new_pgsql(uri, false, &pg);

    if (err != SID_OK)
        return err;
    pg->sql.base.marked = moving;
    err = sid_pg_prepare(pg, create);
    if (err == SID_OK)
        err = pipeline(pg, true);
    if (err == SID_OK)
        err = sid_pg_lease_take(pg, alone);
    /* Only the owner changes the schema. */
    if (err == SID_OK)
        err = pipeline(pg, false);
    if (err == SID_OK)
        err = sid_pg_migrate(pg);
    if (err == SID_OK)
        err = pipeline(pg, true);
    struct sid_back *back = &pg->sql.base;
    if (err == SID_OK)
        *out = back;
    else
        close_pgsql(&back);
    return err;
}

enum sid_err
sid_pgsql_open_readonly(const char *uri, struct sid_back **out) {
    struct sid_pgsql *pg = NULL;
    enum sid_err err = new_pgsql(uri, true, &pg);

    if (err != SID_OK)
        return err;
    err = sid_pg_prepare(pg, false);
    if (err == SID_OK)
        err = sid_pg_migrate_check(pg);
    if (err == SID_OK)
        err = pipeline(pg, true);
    struct sid_back *back = &pg->sql.base;
    if (err == SID_OK)
        *out = back;
    else
        close_pgsql(&back);
    return err;
}
