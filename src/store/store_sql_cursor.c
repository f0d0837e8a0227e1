/* store_sql_cursor.c: the cursor every query is written with. Run by the thread
 * that owns the store; owns nothing. */
#include <string.h>

#include "smartid/log.h"
#include "store_sql.h"

struct sid_sql_query
sid_sql_start(struct sid_sql *sql, enum sid_sql_stmt which) {
    struct sid_sql_query query = {.sql = sql, .which = which};

    sql->engine->start(&query);
    return query;
}

void
sid_sql_bind_int(struct sid_sql_query *query, int64_t value) {
    query->sql->engine->bind_int(query, value);
}

void
sid_sql_bind_real(struct sid_sql_query *query, bool present, double value) {
    query->sql->engine->bind_real(query, present, value);
}

void
sid_sql_bind_text(struct sid_sql_query *query, const char *text) {
    query->sql->engine->bind_text(query, text);
}

void
sid_sql_bind_blob(struct sid_sql_query *query, const void *ptr, size_t len) {
    query->sql->engine->bind_blob(query, ptr, len);
}

void
sid_sql_bind_number(struct sid_sql_query *query, int64_t number) {
    if (number == 0)
        sid_sql_bind_real(query, false, 0);
    else
        sid_sql_bind_int(query, number);
}

enum sid_err
sid_sql_next(struct sid_sql_query *query, bool *row) {
    query->read = 0;
    return query->sql->engine->next(query, row);
}

/* A column is not what the front wrote. */
static void
bad_column(struct sid_sql_query *query) {
    if (query->err != SID_OK)
        return;
    query->err = query->sql->engine->column_error(query);
    sid_log(
        SID_LOG_ERROR, "store_error", SID_S("code", sid_err_code(query->err)),
        SID_S("at", sid_sql_name(query->which)), SID_N("column", query->read));
}

int64_t
sid_sql_read_int(struct sid_sql_query *query) {
    return query->sql->engine->column_int(query, query->read++);
}

double
sid_sql_read_real(struct sid_sql_query *query, bool *present) {
    int column = query->read++;

    *present = query->sql->engine->kind(query, column) != SID_SQL_NULL;
    return query->sql->engine->column_real(query, column);
}

int64_t
sid_sql_peek_int(struct sid_sql_query *query, bool *whole) {
    int column = query->read++;

    if (query->sql->engine->kind(query, column) != SID_SQL_INT)
        *whole = false;
    return query->sql->engine->column_int(query, column);
}

const char *
sid_sql_peek_text(struct sid_sql_query *query, bool *whole) {
    int column = query->read++;
    size_t len = 0;
    bool is_text = query->sql->engine->kind(query, column) == SID_SQL_TEXT;
    const char *text = query->sql->engine->column_text(query, column, &len);

    if (text == NULL)
        text = "";
    if (!is_text || strlen(text) != len)
        *whole = false;
    return text;
}

void
sid_sql_peek_blob(struct sid_sql_query *query, void *out, size_t out_len,
                  bool *whole) {
    int column = query->read++;
    size_t len = 0;
    bool is_blob = query->sql->engine->kind(query, column) == SID_SQL_BLOB;
    const void *blob = query->sql->engine->column_blob(query, column, &len);

    if (is_blob && blob != NULL && len == out_len) {
        memcpy(out, blob, len);
        return;
    }
    memset(out, 0, out_len);
    *whole = false;
}

void
sid_sql_read_text(struct sid_sql_query *query, char *out, size_t out_size) {
    size_t len = 0;
    const char *text =
        query->sql->engine->column_text(query, query->read++, &len);

    if (text == NULL || len >= out_size) {
        bad_column(query);
        return;
    }
    memcpy(out, text, len);
    out[len] = '\0';
}

void
sid_sql_read_blob(struct sid_sql_query *query, void *out, size_t out_len) {
    size_t len = 0;
    const void *blob =
        query->sql->engine->column_blob(query, query->read++, &len);

    if (blob == NULL || len != out_len) {
        bad_column(query);
        return;
    }
    memcpy(out, blob, len);
}

void
sid_sql_read_buf(struct sid_sql_query *query, struct sid_buf *out) {
    size_t len = 0;
    const void *blob =
        query->sql->engine->column_blob(query, query->read++, &len);

    if (len == 0)
        return;
    if (blob == NULL) {
        bad_column(query);
        return;
    }
    enum sid_err err = sid_buf_append(out, blob, len);
    if (err != SID_OK && query->err == SID_OK)
        query->err = err;
}

void
sid_sql_read_wrapped(struct sid_sql_query *query, int *version,
                     uint8_t out[SID_WRAPPED_BYTES]) {
    *version = (int)sid_sql_read_int(query);
    if (*version == 0)
        query->read++;
    else
        sid_sql_read_blob(query, out, SID_WRAPPED_BYTES);
}

void
sid_sql_read_subject(struct sid_sql_query *query, struct sid_subject_key *out) {
    sid_sql_read_wrapped(query, &out->data_version, out->data_wrapped);
    sid_sql_read_wrapped(query, &out->template_version, out->template_wrapped);
}

void
sid_sql_end(struct sid_sql_query *query) {
    query->sql->engine->end(query);
}

enum sid_err
sid_sql_run(struct sid_sql_query *query, int *changes) {
    bool row = false;
    enum sid_err err = sid_sql_next(query, &row);

    SID_ASSERT(!row);
    if (err == SID_OK && changes != NULL)
        *changes = query->sql->engine->changes(query);
    sid_sql_end(query);
    return err;
}

static enum sid_err
first_row(struct sid_sql_query *query) {
    bool row = false;
    enum sid_err err = sid_sql_next(query, &row);

    return err == SID_OK && !row ? SID_E_NOT_FOUND : err;
}

enum sid_err
sid_sql_fetch_buf(struct sid_sql_query *query, struct sid_buf *out) {
    struct sid_buf made = SID_BUF_EMPTY;
    enum sid_err err = first_row(query);

    if (err == SID_OK) {
        sid_sql_read_buf(query, &made);
        err = query->err;
    }
    sid_sql_end(query);
    if (err == SID_OK)
        sid_buf_move(&made, out);
    sid_buf_free(&made);
    return err;
}

enum sid_err
sid_sql_fetch_int(struct sid_sql_query *query, int64_t *out) {
    int64_t read = 0;
    enum sid_err err = first_row(query);

    if (err == SID_OK) {
        read = sid_sql_read_int(query);
        err = query->err;
    }
    sid_sql_end(query);
    if (err == SID_OK)
        *out = read;
    return err;
}

enum sid_err
sid_sql_has_row(struct sid_sql_query *query, bool *out) {
    bool row = false;
    enum sid_err err = sid_sql_next(query, &row);

    sid_sql_end(query);
    if (err == SID_OK)
        *out = row;
    return err;
}

enum sid_err
sid_sql_why_unchanged(struct sid_sql *sql, enum sid_sql_stmt has,
                      const char *id) {
    struct sid_sql_query query = sid_sql_start(sql, has);
    bool found = false;

    sid_sql_bind_text(&query, id);
    enum sid_err err = sid_sql_has_row(&query, &found);
    if (err != SID_OK)
        return err;
    return found ? SID_E_CONFLICT : SID_E_NOT_FOUND;
}
