/* move.c: moving a database: what is copied, in which order, from which
 * state of the source, and the mark. Rows are in move_walk.c, what the two
 * engines do differently is in store_sqlite_move.c and store_pgsql_move.c. Run
 * by one thread; owns both stores. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "move_priv.h"

/* Parents before children: rows refer to rows that are there. batch: rows in
 * one transaction and in the memory of a reader. Source: own choice: up to some
 * ten megabytes; for photos, which have 8 MiB each, a few. */
const struct sid_move_table sid_move_tables[SID_MOVE_TABLES] = {
    {"wrapped_key", "use, version", 1000},
    {"client", "id", 10000},
    {"purpose_set", "seq", 1000},
    {"subject_key", "subject", 20000},
    {"enrolment", "id", 10000},
    {"attempt", "enrolment_id", 20000},
    {"idempotency", "client_id, retry_key", 10000},
    {"challenge", "id", 10000},
    {"template", "enrolment_id", 5000},
    {"portrait", "enrolment_id", 500},
    {"photo", "enrolment_id, kind", 4},
    {"credential", "serial", 20000},
    {"dead_serial", "serial", 20000},
    {"live_code", "not_after_s, serial, draw", 20000},
    {"erasure", "enrolment_id", 20000},
    {"dispute", "id", 5000},
    {"retention", "rule", 100},
    {"tally", "name, slot", 1000},
    {"webhook_place", "slot", 100},
    {"webhook_dead", "seq", 5000},
    {"wechat_contact", "id", 10000},
    {"wechat_chat", "contact_id", 5000},
    {"wechat_photo", "contact_id, kind", 4},
    {"wechat_push", "push", 5000},
    {"wechat_outbox", "seq", 1000},
    {"audit_anchor", "slot", 100},
    {"audit", "seq", 5000},
};

const char *
sid_move_table(int index) {
    return index < SID_MOVE_TABLES ? sid_move_tables[index].name : NULL;
}

const char *
sid_move_key(int index) {
    return index < SID_MOVE_TABLES ? sid_move_tables[index].key : NULL;
}

struct sid_store *
sid_move_store(struct sid_move *move, enum sid_move_side side) {
    return move->side[side].store;
}

/* ---- one value, one number ----------------------------------------------- */

enum sid_err
sid_move_take_number(const struct sid_move_value *value, int n, void *ctx) {
    int64_t *out = ctx;

    if (n != 1 || value->kind != SID_SQL_INT)
        return SID_E_STORE;
    *out = value->number;
    return SID_OK;
}

static enum sid_err
ask_number(const struct sid_move_end *side, const char *before,
           const char *table, const char *after, int64_t *out) {
    char sql[160];

    (void)snprintf(sql, sizeof sql, "%s%s%s", before, table, after);
    return side->ops->read(sid_move_back(side), sql, NULL, 0,
                           sid_move_take_number, out);
}

enum sid_err
sid_move_count(const struct sid_move_end *side, const char *table,
               int64_t *out) {
    return ask_number(side, "SELECT count(*) FROM ", table, "", out);
}

/* What cannot stay as it is when anything happens on the source: a daemon that
 * starts writes a row into the audit log. */
static enum sid_err
describe(const struct sid_move_end *side, struct sid_buf *out) {
    int64_t number = 0;
    enum sid_err err = SID_OK;

    for (int i = 0; err == SID_OK && i < SID_MOVE_TABLES; i++) {
        err = sid_move_count(side, sid_move_tables[i].name, &number);
        if (err == SID_OK)
            err = side->ops->keep(sid_move_back(side));
        if (err == SID_OK)
            err = sid_buf_printf(out, "%" PRId64 " ", number);
    }
    if (err == SID_OK)
        err = ask_number(side, "SELECT coalesce(max(seq), 0) FROM ", "audit",
                         "", &number);
    if (err == SID_OK)
        err = sid_buf_printf(out, "%" PRId64 " ", number);
    if (err == SID_OK)
        err = ask_number(side, "SELECT coalesce(max(at_us), 0) FROM ", "audit",
                         "", &number);
    if (err == SID_OK)
        err = sid_buf_printf(out, "%" PRId64 "%c", number, '\0');
    return err;
}

/* ---- open ---------------------------------------------------------------- */

static enum sid_err
open_side(struct sid_move_end *side, const char *place, bool target) {
    enum sid_err err = target
                           ? sid_front_open_marked(place, true, &side->store)
                           : sid_store_open(place, false, NULL, &side->store);

    if (err == SID_OK)
        side->ops = side->store->back->move;
    return err;
}

enum sid_err
sid_move_open(const char *from, const char *to, enum sid_move_side *side,
              struct sid_move **out) {
    struct sid_move *move = calloc(1, sizeof *move);
    enum sid_err err = SID_E_NO_MEMORY;

    if (move == NULL)
        return err;
    *side = SID_MOVE_FROM;
    err = open_side(&move->side[SID_MOVE_FROM], from, false);
    if (err == SID_OK) {
        *side = SID_MOVE_TO;
        err = open_side(&move->side[SID_MOVE_TO], to, true);
    }
    if (err == SID_OK)
        *out = move;
    else
        sid_move_close(&move);
    return err;
}

void
sid_move_close(struct sid_move **move) {
    if (*move == NULL)
        return;
    for (int i = 0; i < SID_MOVE_TABLES; i++)
        sid_buf_free(&(*move)->columns[i]);
    sid_store_close(&(*move)->side[SID_MOVE_TO].store);
    sid_store_close(&(*move)->side[SID_MOVE_FROM].store);
    free((*move)->state);
    free(*move);
    *move = NULL;
}

enum sid_err
sid_move_enter(struct sid_move *move) {
    enum sid_err err = SID_OK;

    for (int i = 0; err == SID_OK && i < 2; i++)
        err = move->side[i].ops->enter(sid_move_back(&move->side[i]));
    return err;
}

/* What was wrong before stays what is wrong. */
enum sid_err
sid_move_leave(struct sid_move *move, enum sid_err err) {
    for (int i = 0; i < 2; i++) {
        enum sid_err left =
            move->side[i].ops->leave(sid_move_back(&move->side[i]));
        err = err == SID_OK ? left : err;
    }
    return err;
}

/* ---- the beginning ------------------------------------------------------- */

static enum sid_err
add_name(const struct sid_move_value *value, int n, void *ctx) {
    struct sid_buf *out = ctx;
    (void)n;

    return sid_buf_printf(out, "%s%.*s", out->len == 0 ? "" : ", ",
                          (int)value->bytes.len,
                          (const char *)value->bytes.ptr);
}

/* The names of a table's columns in order, with ", " between. Errors:
 * SID_E_SCHEMA (there is no such table), those of the store. */
static enum sid_err
names_of(const struct sid_move_end *side, const char *table,
         struct sid_buf *out) {
    const struct sid_move_value name = {.kind = SID_SQL_TEXT,
                                        .bytes = sid_span_str(table)};
    enum sid_err err = side->ops->read(sid_move_back(side), side->ops->columns,
                                       &name, 1, add_name, out);

    return err == SID_OK && out->len == 0 ? SID_E_SCHEMA : err;
}

/* The columns, which must be the same. */
static enum sid_err
read_columns(struct sid_move *move) {
    enum sid_err err = SID_OK;

    for (int i = 0; err == SID_OK && i < SID_MOVE_TABLES; i++) {
        struct sid_buf twin = SID_BUF_EMPTY;
        struct sid_buf *mine = &move->columns[i];
        err = names_of(&move->side[0], sid_move_tables[i].name, mine);
        if (err == SID_OK)
            err = names_of(&move->side[1], sid_move_tables[i].name, &twin);
        if (err == SID_OK &&
            !sid_span_eq(sid_buf_span(mine), sid_buf_span(&twin)))
            err = SID_E_SCHEMA;
        sid_buf_free(&twin);
        if (err == SID_OK)
            err = sid_buf_append(mine, "", 1);
        move->column_count[i] = 1;
        for (size_t at = 0; err == SID_OK && at < mine->len; at++)
            move->column_count[i] += mine->ptr[at] == ',';
        if (move->column_count[i] > SID_MOVE_COLUMNS_MAX)
            err = SID_E_SCHEMA;
    }
    return err;
}

static enum sid_err
take_text(const struct sid_move_value *value, int n, void *ctx) {
    struct sid_buf *out = ctx;
    (void)n;

    return sid_buf_append(out, value->bytes.ptr, value->bytes.len);
}

/* Init leaves keys and the rows that tell of them. */
static enum sid_err
check_empty(const struct sid_move_end *side) {
    int64_t count = 0;
    enum sid_err err = SID_OK;

    for (int i = 0; err == SID_OK && i < SID_MOVE_TABLES; i++) {
        const char *name = sid_move_tables[i].name;
        if (strcmp(name, "wrapped_key") == 0 || strcmp(name, "tally") == 0)
            continue;
        err = strcmp(name, "audit") == 0
                  ? ask_number(side, "SELECT count(*) FROM ", name,
                               " WHERE event NOT IN ('database_made', "
                               "'key_made')",
                               &count)
                  : sid_move_count(side, name, &count);
        if (err == SID_OK && count > 0)
            err = SID_E_EXISTS;
    }
    return err;
}

/* From here on the target is this move's. */
static enum sid_err
mark(const struct sid_move *move) {
    const struct sid_move_end *to = &move->side[SID_MOVE_TO];
    struct sid_back *back = sid_move_back(to);
    char sql[64];
    enum sid_err err = to->ops->begin(back);

    for (int i = SID_MOVE_TABLES; err == SID_OK && i > 0; i--) {
        (void)snprintf(sql, sizeof sql, "DELETE FROM %s",
                       sid_move_tables[i - 1].name);
        err = to->ops->exec(back, sql);
    }
    if (err == SID_OK)
        err = to->ops->exec(back, SID_MOVE_MARK_TABLE);
    if (err == SID_OK)
        err = to->ops->exec(back, "DELETE FROM " SID_MOVE_MARK);
    if (err == SID_OK) {
        struct sid_move_value state = {.kind = SID_SQL_TEXT,
                                       .bytes = sid_span_str(move->state)};
        err = to->ops->put_begin(back, SID_MOVE_MARK, "source", 1);
        if (err == SID_OK) {
            err = to->ops->put(back, &state, 1);
            enum sid_err ended = to->ops->put_end(back, err == SID_OK);
            err = err == SID_OK ? ended : err;
        }
    }
    if (err == SID_OK)
        err = to->ops->commit(back);
    else
        to->ops->rollback(back);
    if (err == SID_OK)
        back->marked = true;
    return err;
}

static enum sid_err
begin(struct sid_move *move, bool anew, bool *resumed) {
    const struct sid_move_end *to = &move->side[SID_MOVE_TO];
    struct sid_buf state = SID_BUF_EMPTY;
    struct sid_buf marked = SID_BUF_EMPTY;
    enum sid_err err = read_columns(move);

    if (err == SID_OK)
        err = describe(&move->side[SID_MOVE_FROM], &state);
    if (err != SID_OK)
        goto out;
    move->state = strdup((const char *)state.ptr);
    if (move->state == NULL)
        err = SID_E_NO_MEMORY;
    else if (sid_move_back(to)->marked)
        err = to->ops->read(sid_move_back(to),
                            "SELECT source FROM " SID_MOVE_MARK, NULL, 0,
                            take_text, &marked);
    if (err == SID_OK && marked.len == 0)
        err = check_empty(to);
    if (err != SID_OK)
        goto out;
    bool same = marked.len == strlen(move->state) &&
                memcmp(marked.ptr, move->state, marked.len) == 0;
    if (marked.len > 0 && !same && !anew)
        err = SID_E_CONFLICT;
    else if (!same || anew)
        err = mark(move);
    if (err == SID_OK)
        *resumed = same && !anew;
out:
    sid_buf_free(&state);
    sid_buf_free(&marked);
    return err;
}

enum sid_err
sid_move_begin(struct sid_move *move, bool anew, bool *resumed) {
    enum sid_err err = sid_move_enter(move);

    return err == SID_OK ? sid_move_leave(move, begin(move, anew, resumed))
                         : err;
}

/* ---- the end --------------------------------------------------- */

/* A transaction for changes of the source shows that it was ours all the time.
 */
static enum sid_err
finish(struct sid_move *move) {
    const struct sid_move_end *from = &move->side[SID_MOVE_FROM];
    const struct sid_move_end *to = &move->side[SID_MOVE_TO];
    struct sid_buf state = SID_BUF_EMPTY;
    enum sid_err err = from->ops->begin(sid_move_back(from));

    if (err == SID_OK)
        err = from->ops->commit(sid_move_back(from));
    if (err == SID_OK)
        err = describe(from, &state);
    if (err == SID_OK && strcmp((const char *)state.ptr, move->state) != 0)
        err = SID_E_CONFLICT;
    sid_buf_free(&state);
    if (err == SID_OK)
        err = to->ops->begin(sid_move_back(to));
    if (err != SID_OK)
        return err;
    /* Who had an enrolment in hand is not there: the first daemon takes it. */
    err = to->ops->exec(sid_move_back(to),
                        "UPDATE enrolment SET worker = 0 WHERE worker <> 0");
    if (err == SID_OK)
        err = to->ops->exec(sid_move_back(to), "DROP TABLE " SID_MOVE_MARK);
    if (err == SID_OK)
        return to->ops->commit(sid_move_back(to));
    to->ops->rollback(sid_move_back(to));
    return err;
}

enum sid_err
sid_move_finish(struct sid_move *move) {
    enum sid_err err = sid_move_enter(move);

    return err == SID_OK ? sid_move_leave(move, finish(move)) : err;
}
