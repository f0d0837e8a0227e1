/* store_pgsql_cursor.c: statements and columns as PostgreSQL runs and gives
 * them, in binary. Run by the thread that owns the store; owns the results
 * through the query. */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_pgsql.h"

/* Types of parameters and columns. Source: PostgreSQL 15, pg_type.dat. */
#define TYPE_BYTEA 17
#define TYPE_INT8 20
#define TYPE_INT2 21
#define TYPE_INT4 23
#define TYPE_TEXT 25
#define TYPE_FLOAT8 701
#define TYPE_INT8_ARRAY 1016

static struct sid_pgsql *
pg_of(const struct sid_sql_query *query) {
    return (struct sid_pgsql *)(void *)query->sql;
}

/* ---- parameters ---------------------------------------------------------- */

static void
start(struct sid_sql_query *query) {
    struct sid_pg_params *params = &pg_of(query)->params;

    params->n = 0;
    params->full = false;
}

static void
bind_any(struct sid_sql_query *query, Oid type, const void *value, size_t len) {
    struct sid_pg_params *params = &pg_of(query)->params;
    int i = params->n;

    if (i == SID_PG_PARAMS_MAX || len > SID_SEALED_MAX_BYTES) {
        params->full = true;
        return;
    }
    params->types[i] = type;
    params->values[i] = value;
    params->lengths[i] = (int)len;
    params->formats[i] = 1;
    params->n++;
}

/* A number that outlives the caller's. */
static void
bind_word(struct sid_sql_query *query, Oid type, uint64_t word) {
    struct sid_pg_params *params = &pg_of(query)->params;
    uint64_t *room = &params->room[params->n % SID_PG_PARAMS_MAX];

    *room = htobe64(word);
    bind_any(query, type, room, sizeof *room);
}

static void
bind_int(struct sid_sql_query *query, int64_t value) {
    bind_word(query, TYPE_INT8, (uint64_t)value);
}

static void
bind_real(struct sid_sql_query *query, bool present, double value) {
    uint64_t word = 0;

    memcpy(&word, &value, sizeof word);
    if (present)
        bind_word(query, TYPE_FLOAT8, word);
    else
        bind_any(query, TYPE_FLOAT8, NULL, 0);
}

static void
bind_text(struct sid_sql_query *query, const char *text) {
    bind_any(query, TYPE_TEXT, text, strlen(text));
}

static void
bind_blob(struct sid_sql_query *query, const void *ptr, size_t len) {
    /* A NULL pointer would bind NULL instead of the empty blob. */
    bind_any(query, TYPE_BYTEA, ptr == NULL ? "" : ptr, len);
}

/* ---- running ------------------------------------------------------------- */

/* Those whose answer nobody looks at: they fail only when the whole
 * transaction does. */
static bool
is_deferred(enum sid_sql_stmt which) {
    return which == SID_SQL_BEGIN_WRITE || which == SID_SQL_BEGIN_SHARED ||
           which == SID_SQL_BEGIN_READ || which == SID_SQL_SAVEPOINT ||
           which == SID_SQL_SAVEPOINT_RELEASE ||
           which == SID_SQL_SAVEPOINT_UNDO || which == SID_SQL_GUARD ||
           which == SID_SQL_GUARD_RELEASE || which == SID_SQL_GUARD_UNDO ||
           which == SID_SQL_LEASE_HOLD || which == SID_SQL_AUDIT_APPEND ||
           which == SID_SQL_TEMPLATE_TALLY;
}

static bool
is_read(enum sid_sql_stmt which) {
    return strncmp(sid_sql_text(which, SID_SQL_PGSQL), "SELECT", 6) == 0;
}

static enum sid_err
queue_plain(struct sid_pgsql *pg, enum sid_sql_stmt which) {
    pg->params.n = 0;
    return sid_pg_queue(pg, which);
}

/* Ends the guard round a statement: undone, or kept. */
static enum sid_err
end_guard(struct sid_pgsql *pg, bool undo) {
    enum sid_err err = undo ? queue_plain(pg, SID_SQL_GUARD_UNDO) : SID_OK;

    return err == SID_OK ? queue_plain(pg, SID_SQL_GUARD_RELEASE) : err;
}

/* What the answer to a statement says; inside a transaction an error that is
 * not a refusal ends it. */
static enum sid_err
judge(struct sid_pgsql *pg, enum sid_sql_stmt which, const PGresult *result,
      bool guarded) {
    ExecStatusType status = PQresultStatus(result);

    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return guarded ? end_guard(pg, false) : SID_OK;
    enum sid_err err =
        sid_pg_error(pg, sid_pg_state(result), sid_sql_name(which));
    if (guarded && sid_pg_is_refusal(result)) {
        enum sid_err undone = end_guard(pg, true);
        return undone == SID_OK ? err : undone;
    }
    if (pg->in_txn && pg->lost == SID_OK)
        pg->lost = err;
    return err;
}

/* The guard goes first, and the parameters are those of the statement behind
 * it. */
static enum sid_err
queue_guarded(struct sid_pgsql *pg, enum sid_sql_stmt which, bool guarded) {
    if (guarded) {
        int n = pg->params.n;
        enum sid_err err = queue_plain(pg, SID_SQL_GUARD);

        pg->params.n = n;
        if (err != SID_OK)
            return err;
    }
    return sid_pg_queue(pg, which);
}

/* ---- ahead --------------------------------------------------------------- */

void
sid_pg_forget_ahead(struct sid_pgsql *pg) {
    PQclear(pg->ahead);
    pg->ahead = NULL;
}

/* An array as the server takes it: dimensions, no NULLs, type, length, first
 * index; then each with its length. Source: PostgreSQL 15, array_recv(). */
static enum sid_err
pack(const uint64_t *serials, size_t n, struct sid_buf *out) {
    const uint32_t head[] = {htobe32(1), 0, htobe32(TYPE_INT8),
                             htobe32((uint32_t)n), htobe32(1)};
    const uint32_t len = htobe32(sizeof serials[0]);
    enum sid_err err = sid_buf_append(out, head, sizeof head);

    for (size_t i = 0; err == SID_OK && i < n; i++) {
        uint64_t word = htobe64(serials[i]);
        err = sid_buf_append(out, &len, sizeof len);
        if (err == SID_OK)
            err = sid_buf_append(out, &word, sizeof word);
    }
    return err;
}

enum sid_err
sid_pg_look_ahead(struct sid_back *back, const uint64_t *serials, size_t n) {
    struct sid_pgsql *pg = sid_pgsql_of(back);
    struct sid_sql_query query = sid_sql_start(&pg->sql, SID_SQL_LOOK_AHEAD);
    struct sid_buf packed = SID_BUF_EMPTY;
    bool row = false;
    enum sid_err err = pack(serials, n, &packed);

    if (err == SID_OK) {
        bind_any(&query, TYPE_INT8_ARRAY, packed.ptr, packed.len);
        err = sid_sql_next(&query, &row);
    }
    if (err == SID_OK) {
        pg->ahead = query.handle;
        query.handle = NULL;
    }
    sid_sql_end(&query);
    sid_buf_free(&packed);
    return err;
}

/* The row of this serial among those that were fetched ahead; -1: none. */
static int
find_ahead(const PGresult *ahead, int64_t serial) {
    int low = 0;
    int high = PQntuples(ahead) - 1;

    while (low <= high) {
        int at = low + (high - low) / 2;
        uint64_t word = 0;

        memcpy(&word, PQgetvalue(ahead, at, 0), sizeof word);
        int64_t found = (int64_t)be64toh(word);
        if (found == serial)
            return at;
        if (found < serial)
            low = at + 1;
        else
            high = at - 1;
    }
    return -1;
}

static bool
take_ahead(struct sid_sql_query *query) {
    struct sid_pgsql *pg = pg_of(query);

    if (pg->ahead == NULL || query->which != SID_SQL_CREDENTIAL_BY_SERIAL)
        return false;
    int at = find_ahead(pg->ahead, (int64_t)be64toh(pg->params.room[0]));
    if (at < 0)
        return false;
    query->handle = pg->ahead;
    query->row = at;
    return true;
}

/* ---- one statement ------------------------------------------------------- */

static enum sid_err
send_it(struct sid_sql_query *query) {
    struct sid_pgsql *pg = pg_of(query);
    bool deferred = is_deferred(query->which);
    bool guarded = pg->in_txn && !deferred && !is_read(query->which);
    PGresult *result = NULL;

    if (pg->params.full)
        return SID_E_ARGUMENT;
    /* A code that is used up is no change of a credential. */
    if (guarded && query->which != SID_SQL_LIVE_USE)
        sid_pg_forget_ahead(pg);
    enum sid_err err = queue_guarded(pg, query->which, guarded);
    if (err == SID_OK && !deferred) {
        err = sid_pg_wait(pg, &result);
        if (err == SID_OK)
            err = judge(pg, query->which, result, guarded);
    }
    query->handle = result;
    return err;
}

static enum sid_err
next(struct sid_sql_query *query, bool *row) {
    struct sid_pgsql *pg = pg_of(query);

    if (pg->lost != SID_OK)
        return pg->lost;
    if (!query->sent) {
        query->sent = true;
        query->row = -1;
        *row = take_ahead(query);
        if (*row)
            return SID_OK;
        if (!pg->in_txn && sid_pg_ready(pg) != SID_OK)
            return SID_E_STORE;
        enum sid_err err = send_it(query);
        if (err != SID_OK)
            return err;
    }
    if (query->handle == pg->ahead && pg->ahead != NULL) {
        *row = false; /* there is one of each serial */
        return SID_OK;
    }
    query->row++;
    *row = query->handle != NULL && query->row < PQntuples(query->handle);
    return SID_OK;
}

static int
changes(const struct sid_sql_query *query) {
    return query->handle == NULL
               ? 0
               : (int)strtol(PQcmdTuples(query->handle), NULL, 10);
}

static void
end(struct sid_sql_query *query) {
    if (query->handle != pg_of(query)->ahead)
        PQclear(query->handle);
    query->handle = NULL;
}

/* ---- columns ------------------------------------------------------------- */

static enum sid_sql_kind
kind(const struct sid_sql_query *query, int column) {
    if (PQgetisnull(query->handle, query->row, column))
        return SID_SQL_NULL;
    switch (PQftype(query->handle, column)) {
    case TYPE_INT2:
    case TYPE_INT4:
    case TYPE_INT8:
        return SID_SQL_INT;
    case TYPE_FLOAT8:
        return SID_SQL_REAL;
    case TYPE_BYTEA:
        return SID_SQL_BLOB;
    default:
        return SID_SQL_TEXT;
    }
}

static const void *
column_bytes(const struct sid_sql_query *query, int column, size_t *len) {
    *len = (size_t)PQgetlength(query->handle, query->row, column);
    return PQgetisnull(query->handle, query->row, column)
               ? NULL
               : PQgetvalue(query->handle, query->row, column);
}

static int64_t
column_int(const struct sid_sql_query *query, int column) {
    size_t len = 0;
    const uint8_t *bytes = column_bytes(query, column, &len);
    uint64_t word = 0;

    if (bytes == NULL || len == 0)
        return 0;
    if ((bytes[0] & 0x80) != 0)
        word = UINT64_MAX;
    for (size_t i = 0; i < len; i++)
        word = word << 8 | bytes[i];
    return (int64_t)word;
}

static double
column_real(const struct sid_sql_query *query, int column) {
    uint64_t word = (uint64_t)column_int(query, column);
    double value = 0;

    memcpy(&value, &word, sizeof value);
    return value;
}

static const char *
column_text(const struct sid_sql_query *query, int column, size_t *len) {
    return column_bytes(query, column, len);
}

static enum sid_err
column_error(const struct sid_sql_query *query) {
    (void)query;
    return SID_E_STORE;
}

/* ---- numbers ------------------------------------------------------------- */

void
sid_pg_sort(const char *sort, int slot, char out[SID_PG_SORT_SIZE]) {
    if (slot == 0)
        snprintf(out, SID_PG_SORT_SIZE, "%s", sort);
    else
        snprintf(out, SID_PG_SORT_SIZE, "%s.%d", sort, slot);
}

/* Each slot counts by itself, in a row of its own, so that daemons do not wait
 * for one row; as in the audit log, the slot stands above the count. */
static enum sid_err
number(struct sid_sql *sql, const char *sort, int64_t *out) {
    struct sid_sql_query query = sid_sql_start(sql, SID_SQL_NUMBER_NEXT);
    int slot = pg_of(&query)->slot;
    char own[SID_PG_SORT_SIZE];
    int64_t count = 0;

    sid_pg_sort(sort, slot, own);
    sid_sql_bind_text(&query, own);
    enum sid_err err = sid_sql_fetch_int(&query, &count);
    if (err == SID_OK)
        *out = sid_chain_base(slot) | count;
    return err == SID_E_NOT_FOUND ? SID_E_STORE : err;
}

static int64_t
given(const struct sid_sql *sql) {
    (void)sql;
    SID_ASSERT(false); /* number() gives all */
    return 0;
}

const struct sid_sql_engine sid_pg_engine = {
    .start = start,
    .bind_int = bind_int,
    .bind_real = bind_real,
    .bind_text = bind_text,
    .bind_blob = bind_blob,
    .next = next,
    .changes = changes,
    .end = end,
    .kind = kind,
    .column_int = column_int,
    .column_real = column_real,
    .column_text = column_text,
    .column_blob = column_bytes,
    .column_error = column_error,
    .number = number,
    .given = given,
};
