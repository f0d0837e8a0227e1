/* store_pgsql_connect.c: making the connection and making it anew. Run by the
 * thread that owns the store; the connection is the back end's. */
#include <poll.h>
#include <string.h>
#include <time.h>

#include "smartid/clock.h"
#include "smartid/log.h"
#include "smartid/metrics.h"
#include "store_pgsql.h"

/* Between two tries to reach a server that is away: the first pause, doubled
 * each time up to the second. Source: own choice: a server that is back is
 * found within a second, and is not flooded while it starts. */
#define PAUSE_FIRST_US ((int64_t)50 * 1000)
#define PAUSE_MOST_US ((int64_t)1000 * 1000)

static enum sid_err
setting_error(const char *name, const char *found, const char *text) {
    sid_pg_tell(text);
    sid_log(SID_LOG_ERROR, "store_error",
            SID_S("code", sid_err_code(SID_E_STORE)), SID_S("at", name),
            SID_S("found", found == NULL ? "" : found), SID_S("text", text));
    return SID_E_STORE;
}

static enum sid_err
run(struct sid_pgsql *pg, const char *sql) {
    PGresult *result = PQexec(pg->conn, sql);
    enum sid_err err = SID_OK;

    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        err = sid_pg_error(pg, sid_pg_state(result), "settings");
    PQclear(result);
    return err;
}

/* After a commit was answered it must be on disk. */
static enum sid_err
check_commit(struct sid_pgsql *pg) {
    PGresult *result = PQexec(pg->conn, "SHOW synchronous_commit");
    enum sid_err err = SID_OK;

    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        err = sid_pg_error(pg, sid_pg_state(result), "settings");
    else if (strcmp(PQgetvalue(result, 0, 0), "off") == 0)
        err = setting_error("synchronous_commit", "off",
                            "synchronous_commit is off: what is acknowledged "
                            "could be lost; set it to on");
    PQclear(result);
    return err;
}

/* A server whose daemon has gone without a word must not keep what the next
 * connection waits for. Source: own choice: as long as a peer that does not
 * answer is waited for here, and far above what lies between two statements. */
#define LET_GO                                                                 \
    "SET idle_in_transaction_session_timeout = '5s';"                          \
    "SET tcp_user_timeout = '5s'; SET tcp_keepalives_idle = 5;"                \
    "SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 2"
/* Rows are found by an index in a table of a few rows, too: what was read is
 * noted, and whoever has read all leases is in the way of each daemon that
 * renews its own. Where there is no index such a plan costs so much in the
 * server's eyes that it would compile the statement, each time: measured, 0.2
 * to 0.4 s for a row or two. */
#define BY_INDEX "SET enable_seqscan = off; SET jit = off"

static void
no_notice(void *ctx, const PGresult *result) {
    (void)ctx;
    (void)result;
}

static enum sid_err
set_up(struct sid_pgsql *pg) {
    const char *encoding = PQparameterStatus(pg->conn, "server_encoding");
    enum sid_err err = SID_OK;

    PQsetNoticeReceiver(pg->conn, no_notice, NULL);
    if (encoding == NULL || strcmp(encoding, "UTF8") != 0)
        return setting_error("server_encoding", encoding,
                             "the encoding of the database is not UTF8: make "
                             "it with createdb -E UTF8 -T template0");
    err = pg->read_only ? run(pg, "SET default_transaction_read_only = on")
                        : check_commit(pg);
    /* A reader keeps nobody waiting, and may think for long about what it has
     * read. */
    if (err == SID_OK && !pg->read_only)
        err = run(pg, LET_GO "; " BY_INDEX);
    if (err != SID_OK)
        return err;
    return PQsetnonblocking(pg->conn, 1) == 0 ? SID_OK : SID_E_NO_MEMORY;
}

enum sid_err
sid_pg_connect(struct sid_pgsql *pg) {
    /* What stands before dbname is for what the URI does not say, what stands
     * behind it goes before it. Times: of a try, and until a peer that does
     * not answer is given up (Source: own choice: half of the 10 s in which a
     * new primary is to be found). No certificate of our own, as this file is
     * never there: else libpq looks into the user's home for one and gives up
     * where it may not look, as under the unit's ProtectHome=. */
    const char *names[] = {"application_name",
                           "connect_timeout",
                           "tcp_user_timeout",
                           "keepalives_idle",
                           "keepalives_interval",
                           "keepalives_count",
                           "target_session_attrs",
                           "sslcert",
                           "dbname",
                           "client_encoding",
                           NULL};
    const char *values[] = {"smartidd",
                            "2",
                            "5000",
                            "5",
                            "2",
                            "2",
                            pg->read_only ? "any" : "read-write",
                            "/dev/null/none",
                            pg->uri,
                            "UTF8",
                            NULL};

    SID_ASSERT(pg->conn == NULL);
    sid_metric_add(SID_M_STORE_WAITING, 1);
    pg->conn = PQconnectdbParams(names, values, 1);
    sid_metric_add(SID_M_STORE_WAITING, -1);
    if (pg->conn == NULL)
        return SID_E_NO_MEMORY;
    enum sid_err err =
        PQstatus(pg->conn) == CONNECTION_OK
            ? set_up(pg)
            : sid_pg_unusable(pg, NULL, "connect",
                              sid_pg_why_not(PQerrorMessage(pg->conn)));
    if (err != SID_OK) {
        sid_pg_drop(pg);
        return err;
    }
    pg->connections++;
    pg->since_us = sid_mono_us();
    return SID_OK;
}

/* ---- anew ---------------------------------------------------------------- */

/* A connection that the server has ended can be read from: its last words, if
 * it had any, and then the end. */
static void
look(struct sid_pgsql *pg) {
    struct pollfd fd = {.fd = PQsocket(pg->conn), .events = POLLIN};
    bool whole = fd.fd >= 0;

    while (whole && poll(&fd, 1, 0) > 0)
        whole = PQconsumeInput(pg->conn) != 0;
    if (!whole || PQstatus(pg->conn) != CONNECTION_OK)
        sid_pg_drop(pg);
}

static enum sid_err
again(struct sid_pgsql *pg) {
    enum sid_err err = sid_pg_connect(pg);

    if (err == SID_OK && PQenterPipelineMode(pg->conn) != 1)
        err = SID_E_STORE;
    if (err == SID_OK && pg->leased)
        err = sid_pg_lease_move(pg);
    if (err == SID_OK) {
        pg->pause_us = 0;
        sid_log(SID_LOG_INFO, "store_connected");
        return SID_OK;
    }
    if (pg->conn != NULL)
        sid_pg_drop(pg);
    pg->pause_us = pg->pause_us == 0 ? PAUSE_FIRST_US : 2 * pg->pause_us;
    if (pg->pause_us > PAUSE_MOST_US)
        pg->pause_us = PAUSE_MOST_US;
    pg->retry_at_us = sid_mono_us() + pg->pause_us;
    return err == SID_E_LOCKED ? SID_E_STORE : err;
}

enum sid_err
sid_pg_ready(struct sid_pgsql *pg) {
    SID_ASSERT(!pg->in_txn);
    if (pg->broken)
        return SID_E_STORE;
    if (pg->conn != NULL)
        look(pg);
    if (pg->conn != NULL)
        return SID_OK;
    return sid_mono_us() < pg->retry_at_us ? SID_E_STORE : again(pg);
}

enum sid_err
sid_pg_ready_within(struct sid_pgsql *pg, int64_t most_us) {
    int64_t until_us = sid_mono_us() + most_us;
    enum sid_err err = SID_E_STORE;

    for (;;) {
        err = sid_pg_ready(pg);
        int64_t now_us = sid_mono_us();
        if (err == SID_OK || pg->broken || now_us >= until_us)
            return err;
        int64_t wait_us = pg->retry_at_us - now_us;
        sid_metric_add(SID_M_STORE_WAITING, 1);
        if (wait_us > 0)
            nanosleep(&(struct timespec){.tv_sec = wait_us / 1000000,
                                         .tv_nsec = wait_us % 1000000 * 1000},
                      NULL);
        sid_metric_add(SID_M_STORE_WAITING, -1);
    }
}
