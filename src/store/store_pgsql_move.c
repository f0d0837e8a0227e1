/* store_pgsql_move.c: a server as one end of a move: rows go in by COPY, in
 * binary. The connection leaves its pipeline for that, and every transaction
 * begins in it, so that the lease is asked and renewed as ever. Run by the
 * thread of the move; owns nothing. */
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "move_side.h"
#include "store_pgsql.h"

/* Types of parameters and columns. Source: PostgreSQL 15, pg_type.dat. */
#define TYPE_BYTEA 17
#define TYPE_INT8 20
#define TYPE_TEXT 25
#define TYPE_FLOAT8 701
#define PARAMS_MAX 8

static enum sid_err
failed(struct sid_pgsql *pg, const PGresult *result) {
    enum sid_err err = sid_pg_error(pg, sid_pg_state(result), "move");

    return err == SID_E_EXISTS || err == SID_E_NOT_FOUND ? SID_E_STORE : err;
}

/* ---- in the pipeline and out of it --------------------------------------- */

static enum sid_err
enter(struct sid_back *back) {
    struct sid_pgsql *pg = sid_pgsql_of(back);

    if (pg->conn == NULL || PQexitPipelineMode(pg->conn) != 1 ||
        PQsetnonblocking(pg->conn, 0) != 0)
        return SID_E_STORE;
    return SID_OK;
}

static enum sid_err
leave(struct sid_back *back) {
    struct sid_pgsql *pg = sid_pgsql_of(back);

    if (pg->conn == NULL || PQsetnonblocking(pg->conn, 1) != 0 ||
        PQenterPipelineMode(pg->conn) != 1)
        return SID_E_STORE;
    return SID_OK;
}

static enum sid_err
begin(struct sid_back *back) {
    struct sid_pgsql *pg = sid_pgsql_of(back);
    PGresult *last = NULL;
    enum sid_err err = leave(back);

    if (err == SID_OK)
        err = back->ops->begin(back, false);
    if (err == SID_OK)
        err = sid_pg_wait(pg, &last);
    if (err == SID_OK && sid_pg_is_refusal(last)) {
        sid_pg_lease_lost(pg);
        err = SID_E_LOCKED;
    }
    PQclear(last);
    return err == SID_OK ? enter(back) : err;
}

static enum sid_err
commit(struct sid_back *back) {
    enum sid_err err = leave(back);

    if (err == SID_OK)
        err = back->ops->commit(back);
    return err == SID_OK ? enter(back) : err;
}

static void
rollback(struct sid_back *back) {
    if (leave(back) == SID_OK) {
        back->ops->rollback(back);
        if (enter(back) != SID_OK)
            sid_pg_drop(sid_pgsql_of(back));
    }
}

static enum sid_err
keep(struct sid_back *back) {
    enum sid_err err = leave(back);

    if (err != SID_OK)
        return err;
    (void)back->ops->keep(back);
    if (back->ops->broken(back))
        return SID_E_LOCKED;
    return enter(back);
}

/* ---- rows out ------------------------------------------------------------ */

struct params {
    Oid type[PARAMS_MAX];
    const char *value[PARAMS_MAX];
    int length[PARAMS_MAX], format[PARAMS_MAX];
    uint64_t number[PARAMS_MAX];
};

static void
bind_value(struct params *to, int at, const struct sid_move_value *value) {
    to->format[at] = 1;
    if (value->kind == SID_SQL_INT) {
        to->number[at] = htobe64((uint64_t)value->number);
        to->type[at] = TYPE_INT8;
        to->value[at] = (const char *)&to->number[at];
        to->length[at] = sizeof to->number[at];
        return;
    }
    to->type[at] = value->kind == SID_SQL_TEXT ? TYPE_TEXT : TYPE_BYTEA;
    to->value[at] = value->bytes.len == 0 ? "" : (const char *)value->bytes.ptr;
    to->length[at] = (int)value->bytes.len;
}

static enum sid_err
column(const PGresult *result, int row, int at, struct sid_move_value *out) {
    struct sid_move_value value = {.kind = SID_SQL_NULL};
    const char *bytes = PQgetvalue(result, row, at);
    int len = PQgetlength(result, row, at);
    uint64_t word = 0;

    if (PQgetisnull(result, row, at)) {
        *out = value;
        return SID_OK;
    }
    switch (PQftype(result, at)) {
    case TYPE_INT8:
    case TYPE_FLOAT8:
        if (len != sizeof word)
            return SID_E_STORE;
        memcpy(&word, bytes, sizeof word);
        word = be64toh(word);
        value.kind =
            PQftype(result, at) == TYPE_INT8 ? SID_SQL_INT : SID_SQL_REAL;
        if (value.kind == SID_SQL_INT)
            value.number = (int64_t)word;
        else
            memcpy(&value.real, &word, sizeof word);
        break;
    case TYPE_TEXT:
    case TYPE_BYTEA:
        value.kind =
            PQftype(result, at) == TYPE_TEXT ? SID_SQL_TEXT : SID_SQL_BLOB;
        value.bytes = sid_span_of(bytes, (size_t)len);
        break;
    default:
        return SID_E_SCHEMA;
    }
    *out = value;
    return SID_OK;
}

static enum sid_err
read_rows(struct sid_back *back, const char *sql,
          const struct sid_move_value *param, int params, sid_move_row_fn *each,
          void *ctx) {
    struct sid_pgsql *pg = sid_pgsql_of(back);
    struct sid_move_value value[SID_MOVE_COLUMNS_MAX] = {{.number = 0}};
    struct params to = {0};
    enum sid_err err = SID_OK;

    SID_ASSERT(params <= PARAMS_MAX);
    for (int i = 0; i < params; i++)
        bind_value(&to, i, &param[i]);
    PGresult *result = PQexecParams(pg->conn, sql, params, to.type, to.value,
                                    to.length, to.format, 1);
    int n = PQnfields(result);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        err = failed(pg, result);
    SID_ASSERT(n <= SID_MOVE_COLUMNS_MAX);
    for (int row = 0; err == SID_OK && row < PQntuples(result); row++) {
        for (int i = 0; err == SID_OK && i < n; i++)
            err = column(result, row, i, &value[i]);
        if (err == SID_OK)
            err = each(value, n, ctx);
    }
    PQclear(result);
    return err;
}

static enum sid_err
exec(struct sid_back *back, const char *sql) {
    struct sid_pgsql *pg = sid_pgsql_of(back);
    PGresult *result = PQexec(pg->conn, sql);
    enum sid_err err = SID_OK;

    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        err = failed(pg, result);
    PQclear(result);
    return err;
}

/* ---- rows in ------------------------------------------------------------- */

/* Bytes that go to the server at a time. Source: own choice: much more than a
 * row, much less than a batch. */
#define COPY_BYTES ((size_t)64 * 1024)

static enum sid_err
flush(struct sid_pgsql *pg) {
    int rc =
        PQputCopyData(pg->conn, (const char *)pg->copy.ptr, (int)pg->copy.len);

    sid_buf_clear(&pg->copy);
    return rc == 1 ? SID_OK : sid_pg_error(pg, NULL, "move");
}

static enum sid_err
send_bytes(struct sid_pgsql *pg, const void *bytes, size_t len) {
    enum sid_err err = sid_buf_append(&pg->copy, bytes, len);

    return err == SID_OK && pg->copy.len >= COPY_BYTES ? flush(pg) : err;
}

static enum sid_err
send_word(struct sid_pgsql *pg, uint64_t word) {
    word = htobe64(word);
    return send_bytes(pg, &word, sizeof word);
}

/* What a binary COPY begins with: signature, flags, no extension. Source:
 * PostgreSQL 15, manual of COPY, "Binary Format". */
static const char head[19] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0";

static enum sid_err
put_begin(struct sid_back *back, const char *table, const char *names, int n) {
    struct sid_pgsql *pg = sid_pgsql_of(back);
    struct sid_buf sql = SID_BUF_EMPTY;
    enum sid_err err =
        sid_buf_printf(&sql, "COPY %s (%s) FROM STDIN WITH (FORMAT binary)%c",
                       table, names, '\0');
    (void)n;

    if (err == SID_OK) {
        PGresult *result = PQexec(pg->conn, (const char *)sql.ptr);
        if (PQresultStatus(result) != PGRES_COPY_IN)
            err = failed(pg, result);
        PQclear(result);
    }
    sid_buf_free(&sql);
    return err == SID_OK ? send_bytes(pg, head, sizeof head) : err;
}

static enum sid_err
put_value(struct sid_pgsql *pg, const struct sid_move_value *value) {
    bool wide = value->kind == SID_SQL_INT || value->kind == SID_SQL_REAL;
    uint64_t word = (uint64_t)value->number;
    uint32_t len = htobe32((uint32_t)(wide ? 8 : value->bytes.len));

    if (value->kind == SID_SQL_NULL)
        len = UINT32_MAX; /* -1 */
    if (value->kind == SID_SQL_REAL)
        memcpy(&word, &value->real, sizeof word);
    enum sid_err err = send_bytes(pg, &len, sizeof len);
    if (err != SID_OK || value->kind == SID_SQL_NULL)
        return err;
    return wide ? send_word(pg, word)
                : send_bytes(pg,
                             value->bytes.ptr == NULL
                                 ? ""
                                 : (const char *)value->bytes.ptr,
                             value->bytes.len);
}

static enum sid_err
put(struct sid_back *back, const struct sid_move_value *value, int n) {
    struct sid_pgsql *pg = sid_pgsql_of(back);
    uint16_t fields = htobe16((uint16_t)n);
    enum sid_err err = send_bytes(pg, &fields, sizeof fields);

    for (int i = 0; err == SID_OK && i < n; i++)
        err = put_value(pg, &value[i]);
    return err;
}

static enum sid_err
put_end(struct sid_back *back, bool good) {
    struct sid_pgsql *pg = sid_pgsql_of(back);
    uint16_t end = UINT16_MAX; /* -1: no more rows */
    enum sid_err err = good ? send_bytes(pg, &end, sizeof end) : SID_OK;

    if (good && err == SID_OK)
        err = flush(pg);
    sid_buf_free(&pg->copy);
    if (PQputCopyEnd(pg->conn, good ? NULL : "given up") != 1)
        return sid_pg_error(pg, NULL, "move");
    PGresult *result = PQgetResult(pg->conn);
    if (good && err == SID_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
        err = failed(pg, result);
    while (result != NULL) {
        PQclear(result);
        result = PQgetResult(pg->conn);
    }
    return err;
}

/* ---- numbers ------------------------------------------------------------- */

static enum sid_err
last_get(struct sid_back *back, const char *sort, int slot, int64_t *out) {
    char name[SID_PG_SORT_SIZE];
    char sql[128];
    int64_t last = 0;

    sid_pg_sort(sort, slot, name);
    (void)snprintf(sql, sizeof sql, "SELECT last FROM number WHERE sort = '%s'",
                   name);
    enum sid_err err =
        read_rows(back, sql, NULL, 0, sid_move_take_number, &last);
    if (err == SID_OK)
        *out = last == 0 ? 0 : sid_chain_base(slot) + last;
    return err;
}

static enum sid_err
last_set(struct sid_back *back, const char *sort, int slot, int64_t last) {
    char name[SID_PG_SORT_SIZE];
    char sql[192];

    if (last == 0)
        return SID_OK;
    sid_pg_sort(sort, slot, name);
    (void)snprintf(sql, sizeof sql,
                   "INSERT INTO number (sort, last) VALUES ('%s', %lld) ON "
                   "CONFLICT (sort) DO UPDATE SET last = EXCLUDED.last",
                   name, (long long)(last - sid_chain_base(slot)));
    return exec(back, sql);
}

static enum sid_err
number_get(struct sid_back *back, int slot, int64_t *credential,
           int64_t *errand) {
    enum sid_err err = last_get(back, "credential", slot, credential);

    return err == SID_OK ? last_get(back, "errand", slot, errand) : err;
}

static enum sid_err
number_set(struct sid_back *back, int slot, int64_t credential,
           int64_t errand) {
    enum sid_err err = last_set(back, "credential", slot, credential);

    return err == SID_OK ? last_set(back, "errand", slot, errand) : err;
}

const struct sid_move_ops sid_pg_move_ops = {
    .param = '$',
    .columns =
        "SELECT CAST(attname AS text) FROM pg_attribute WHERE attrelid = "
        "to_regclass($1) AND attnum > 0 AND NOT attisdropped "
        "ORDER BY CAST(attname AS text) COLLATE \"C\"",
    .read = read_rows,
    .exec = exec,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .keep = keep,
    .put_begin = put_begin,
    .put = put,
    .put_end = put_end,
    .number_get = number_get,
    .number_set = number_set,
    .enter = enter,
    .leave = leave,
};
