/* store_pgsql_error.c: what PostgreSQL's errors mean. Run by the thread that
 * owns the store; owns nothing. */
#include <stdio.h>
#include <string.h>

#include "smartid/log.h"
#include "store_pgsql.h"

/* SQLSTATEs, and classes of them. Source: PostgreSQL 15 manual, appendix A. */
#define CLASS_CONSTRAINT "23"
#define UNIQUE_VIOLATION "23505"
#define FOREIGN_KEY_VIOLATION "23503"
#define DISK_FULL "53100"
#define OUT_OF_MEMORY "53200"
#define SERIALIZATION_FAILURE "40001"
#define DEADLOCK_DETECTED "40P01"
/* The connection, or the server with it, has gone or is about to go. */
#define CLASS_CONNECTION "08"
#define CONNECTION_FAILURE "08006"
#define ADMIN_SHUTDOWN "57P01"
#define CRASH_SHUTDOWN "57P02"

static enum sid_err
meaning(const char *state) {
    if (strcmp(state, UNIQUE_VIOLATION) == 0)
        return SID_E_EXISTS;
    if (strcmp(state, FOREIGN_KEY_VIOLATION) == 0)
        return SID_E_NOT_FOUND;
    if (strcmp(state, DISK_FULL) == 0)
        return SID_E_STORE_FULL;
    if (strcmp(state, OUT_OF_MEMORY) == 0)
        return SID_E_NO_MEMORY;
    return SID_E_STORE;
}

static bool
is_conflict(const char *state) {
    return strcmp(state, SERIALIZATION_FAILURE) == 0 ||
           strcmp(state, DEADLOCK_DETECTED) == 0;
}

/* Whether the same transaction may well succeed when it is run again. */
static bool
may_pass(const char *state) {
    return is_conflict(state) ||
           strncmp(state, CLASS_CONNECTION, sizeof CLASS_CONNECTION - 1) == 0 ||
           strcmp(state, ADMIN_SHUTDOWN) == 0 ||
           strcmp(state, CRASH_SHUTDOWN) == 0;
}

/* True the first time since the last commit: a server that stays away is one
 * event, however often it is tried. */
static bool
is_news(struct sid_pgsql *pg, const char *state) {
    for (int i = 0; i < pg->told_count; i++) {
        if (strcmp(pg->told[i], state) == 0)
            return false;
    }
    if (pg->told_count < SID_PG_TOLD_MAX)
        snprintf(pg->told[pg->told_count++], sizeof pg->told[0], "%s", state);
    return true;
}

const char *
sid_pg_state(const PGresult *result) {
    return PQresultErrorField(result, PG_DIAG_SQLSTATE);
}

bool
sid_pg_is_refusal(const PGresult *result) {
    const char *state = sid_pg_state(result);

    return state != NULL && strncmp(state, CLASS_CONSTRAINT, 2) == 0;
}

bool
sid_pg_is_conflict(const PGresult *result) {
    const char *state = sid_pg_state(result);

    return state != NULL && is_conflict(state);
}

/* What a state means here; news: whether it is to be told. */
static enum sid_err
judge(struct sid_pgsql *pg, const char *shown, bool *news) {
    enum sid_err err = meaning(shown);

    if (pg->in_txn && may_pass(shown))
        err = SID_E_AGAIN;
    *news = err != SID_E_EXISTS && err != SID_E_NOT_FOUND &&
            !is_conflict(shown) && is_news(pg, shown);
    return err;
}

enum sid_err
sid_pg_error(struct sid_pgsql *pg, const char *state, const char *where) {
    /* The server's texts may quote what is in a row: they are not logged. */
    const char *shown = state == NULL ? CONNECTION_FAILURE : state;
    bool news = false;
    enum sid_err err = judge(pg, shown, &news);

    if (news)
        sid_log(SID_LOG_ERROR, "store_error", SID_S("code", sid_err_code(err)),
                SID_S("sqlstate", shown), SID_S("at", where));
    return err;
}

enum sid_err
sid_pg_unusable(struct sid_pgsql *pg, const char *state, const char *where,
                const char *text) {
    const char *shown = state == NULL ? CONNECTION_FAILURE : state;
    bool news = false;
    enum sid_err err = judge(pg, shown, &news);

    sid_pg_tell(text);
    if (news)
        sid_log(SID_LOG_ERROR, "store_error", SID_S("code", sid_err_code(err)),
                SID_S("sqlstate", shown), SID_S("at", where),
                SID_S("text", text));
    return err;
}
