/* store_pgsql_pipe.c: statements into the connection, answers out of it, never
 * longer than a limit. Run by the thread that owns the store; the connection is
 * the back end's. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "smartid/clock.h"
#include "smartid/metrics.h"
#include "store_pgsql.h"

/* A server that says nothing for so long is taken for gone, and so much longer
 * for each byte that it was given to write. Source: own choice: a cut network
 * shows itself within tcp_user_timeout; this is for a server that hangs, and
 * far above what the longest statement takes; a megabyte a second, a thirtieth
 * of what was measured, even a busy server writes. */
#define SILENCE_US ((int64_t)10 * 1000 * 1000)
#define BYTE_US 1
/* The longest statement is about 1,100 bytes; $ is as long as ?, a number
 * besides has two digits at most. */
#define TEXT_MAX 4096

void
sid_pg_drop(struct sid_pgsql *pg) {
    PQfinish(pg->conn);
    pg->conn = NULL;
    pg->pending_count = 0;
    pg->given_bytes = 0;
    memset(pg->prepared, 0, sizeof pg->prepared);
    if (pg->in_txn && pg->lost == SID_OK)
        pg->lost = SID_E_AGAIN;
}

static enum sid_err
gone(struct sid_pgsql *pg, enum sid_sql_stmt which) {
    enum sid_err err = sid_pg_error(pg, NULL, sid_sql_name(which));

    sid_pg_drop(pg);
    return err;
}

/* ---- out ----------------------------------------------------------------- */

/* ? and ?1 become $1; the texts have no question mark but these. */
static void
number_params(const char *text, char out[TEXT_MAX]) {
    size_t len = 0;
    int n = 0;

    for (; *text != '\0'; text++) {
        SID_ASSERT(len < TEXT_MAX - 4);
        if (*text != '?') {
            out[len++] = *text;
        } else if (text[1] >= '0' && text[1] <= '9') {
            out[len++] = '$';
        } else {
            len += (size_t)snprintf(out + len, 4, "$%d", ++n);
        }
    }
    out[len] = '\0';
}

static void
note(struct sid_pgsql *pg, enum sid_sql_stmt which, bool prepare) {
    SID_ASSERT(pg->pending_count < SID_PG_PENDING_MAX);
    pg->pending[pg->pending_count++] =
        (struct sid_pg_pending){.which = which, .prepare = prepare};
}

/* The types are those of the first run's parameters: they are the same in each
 * run. */
static bool
prepare(struct sid_pgsql *pg, enum sid_sql_stmt which) {
    char text[TEXT_MAX];

    number_params(sid_sql_text(which, SID_SQL_PGSQL), text);
    if (PQsendPrepare(pg->conn, sid_sql_name(which), text, pg->params.n,
                      pg->params.types) == 0)
        return false;
    note(pg, which, true);
    pg->prepared[which] = true;
    return true;
}

enum sid_err
sid_pg_queue(struct sid_pgsql *pg, enum sid_sql_stmt which) {
    struct sid_pg_params *params = &pg->params;

    SID_ASSERT(!params->full);
    if (pg->conn == NULL)
        return SID_E_STORE;
    /* Room for this one, its preparation, and what goes round it. */
    if (pg->pending_count > SID_PG_PENDING_MAX - 8) {
        PGresult *last = NULL;
        enum sid_err err = sid_pg_wait(pg, &last);

        if (err != SID_OK)
            return err;
        ExecStatusType status = PQresultStatus(last);
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
            err = pg->lost = sid_pg_error(pg, sid_pg_state(last), "pipeline");
        PQclear(last);
        if (err != SID_OK)
            return err;
    }
    if (!pg->prepared[which] && !prepare(pg, which))
        return gone(pg, which);
    if (PQsendQueryPrepared(pg->conn, sid_sql_name(which), params->n,
                            params->values, params->lengths, params->formats,
                            1) == 0)
        return gone(pg, which);
    note(pg, which, false);
    for (int i = 0; i < params->n; i++)
        pg->given_bytes += params->lengths[i];
    params->n = 0;
    return SID_OK;
}

/* ---- in ------------------------------------------------------------------ */

/* Sends what waits, and takes in what has come, until there is a result or the
 * connection is of no use. */
static bool
pump(struct sid_pgsql *pg) {
    int64_t until_us = sid_mono_us() + SILENCE_US + pg->given_bytes * BYTE_US;

    while (PQisBusy(pg->conn)) {
        int more = PQflush(pg->conn);
        int64_t left_us = until_us - sid_mono_us();
        struct pollfd fd = {.fd = PQsocket(pg->conn),
                            .events =
                                (short)(more == 1 ? POLLIN | POLLOUT : POLLIN)};

        if (more < 0 || left_us <= 0 || fd.fd < 0)
            return false;
        sid_metric_add(SID_M_STORE_WAITING, 1);
        int rc = poll(&fd, 1, (int)(left_us / 1000) + 1);
        sid_metric_add(SID_M_STORE_WAITING, -1);
        if (rc < 0 && errno != EINTR)
            return false;
        if (rc > 0 && (fd.revents & (POLLIN | POLLHUP | POLLERR)) != 0 &&
            PQconsumeInput(pg->conn) == 0)
            return false;
    }
    return true;
}

/* The answer to one statement; NULL: the connection has gone. */
static PGresult *
take(struct sid_pgsql *pg) {
    PGresult *result = pump(pg) ? PQgetResult(pg->conn) : NULL;

    if (result == NULL || PQstatus(pg->conn) != CONNECTION_OK)
        goto gone;
    if (PQresultStatus(result) == PGRES_PIPELINE_SYNC)
        return result;
    /* Each has a NULL behind it. */
    if (!pump(pg) || PQgetResult(pg->conn) != NULL)
        goto gone;
    return result;
gone:
    PQclear(result);
    return NULL;
}

static bool
is_good(const PGresult *result) {
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

enum sid_err
sid_pg_wait(struct sid_pgsql *pg, PGresult **last) {
    enum sid_err err = SID_OK;
    PGresult *result = NULL;
    int count = pg->pending_count;
    enum sid_sql_stmt which = SID_SQL_COMMIT;

    SID_ASSERT(count > 0);
    pg->trips++;
    sid_metric_add(SID_M_STORE_TRIPS, 1);
    if (pg->conn == NULL || PQpipelineSync(pg->conn) == 0)
        return gone(pg, which);
    for (int i = 0; i < count; i++) {
        PQclear(result);
        which = pg->pending[i].which;
        result = take(pg);
        if (result == NULL)
            return gone(pg, which);
        if (is_good(result))
            continue;
        if (pg->pending[i].prepare)
            pg->prepared[which] = false;
        /* Those behind the first one that fails are passed over. */
        if (err != SID_OK || (i == count - 1 && !pg->pending[i].prepare))
            continue;
        err = sid_pg_error(pg, sid_pg_state(result), sid_sql_name(which));
        if (which == SID_SQL_LEASE_HOLD && sid_pg_is_refusal(result))
            sid_pg_lease_lost(pg);
    }
    PGresult *sync = take(pg);
    bool whole = sync != NULL;
    PQclear(sync);
    if (!whole) {
        PQclear(result);
        return gone(pg, which);
    }
    pg->pending_count = 0;
    pg->given_bytes = 0;
    if (err != SID_OK) {
        /* Nobody waited for it, so it takes the whole transaction along. */
        if (err == SID_E_EXISTS || err == SID_E_NOT_FOUND)
            err = SID_E_STORE;
        if (pg->in_txn && pg->lost == SID_OK)
            pg->lost = err;
        PQclear(result);
        return err;
    }
    *last = result;
    return SID_OK;
}
