/* move_walk.c: the rows of a move: read in batches in the order of their key,
 * put into the target, and compared. Run by one thread; owns nothing. */
#include <stdio.h>
#include <string.h>

#include "move_priv.h"

/* Columns of a primary key. */
#define KEY_MAX 4

/* ---- reading a table ----------------------------------------------------- */

/* A walk over one table in the order of its key, in batches. */
struct walk {
    const struct sid_move *move;
    const struct sid_move_end *side;
    const struct sid_move_table *table;
    const char *columns;
    int at_key[KEY_MAX]; /* columns of the key */
    int keys;
    struct sid_move_value last[KEY_MAX]; /* of the last row */
    struct sid_buf bytes[KEY_MAX];       /* what their bytes are; owned */
    bool begun;                          /* last is set */
    int got;                             /* rows of this batch */
    int64_t rows;                        /* of all */
    int64_t lost;
    int blob, kind, sealed; /* columns of a photo; -1: of another table */
    /* What becomes of the rows. */
    enum sid_err (*each)(struct walk *walk, const struct sid_move_value *value,
                         int n);
    struct sid_sha256 *sha;
    struct sid_buf row; /* as it is hashed; owned */
};

static int
column_of(const char *columns, const char *name, size_t len) {
    int at = 0;

    for (const char *c = columns; *c != '\0'; at++) {
        size_t n = strcspn(c, ",");
        if (n == len && memcmp(c, name, len) == 0)
            return at;
        c += n + (c[n] == ',' ? 2 : 0);
    }
    return -1;
}

static void
walk_init(struct walk *walk, const struct sid_move *move, int table,
          enum sid_move_side side) {
    *walk = (struct walk){.move = move,
                          .side = &move->side[side],
                          .table = &sid_move_tables[table],
                          .columns = (const char *)move->columns[table].ptr,
                          .blob = -1};
    for (const char *c = walk->table->key; *c != '\0';) {
        size_t n = strcspn(c, ",");
        int at = column_of(walk->columns, c, n);
        SID_ASSERT(walk->keys < KEY_MAX && at >= 0);
        walk->at_key[walk->keys++] = at;
        c += n + (c[n] == ',' ? 2 : 0);
    }
    if (strcmp(walk->table->name, "photo") == 0) {
        walk->blob = column_of(walk->columns, "blob", 4);
        walk->kind = column_of(walk->columns, "kind", 4);
        walk->sealed = column_of(walk->columns, "sealed", 6);
    }
}

static void
walk_fini(struct walk *walk) {
    for (int i = 0; i < KEY_MAX; i++)
        sid_buf_free(&walk->bytes[i]);
    sid_buf_free(&walk->row);
}

static enum sid_err
remember(struct walk *walk, const struct sid_move_value *const key[KEY_MAX]) {
    enum sid_err err = SID_OK;

    for (int i = 0; err == SID_OK && i < walk->keys; i++) {
        SID_ASSERT(key[i] != NULL);
        sid_buf_clear(&walk->bytes[i]);
        walk->last[i] = *key[i];
        if (key[i]->kind == SID_SQL_TEXT || key[i]->kind == SID_SQL_BLOB)
            err = sid_buf_append(&walk->bytes[i], key[i]->bytes.ptr,
                                 key[i]->bytes.len);
        walk->last[i].bytes = sid_buf_span(&walk->bytes[i]);
    }
    walk->begun = walk->begun || err == SID_OK;
    return err;
}

/* The photo's bytes for the row that says in which file they are. */
static enum sid_err
fetch_photo(struct walk *walk, struct sid_move_value *value,
            struct sid_buf *photo) {
    const struct sid_blobs *blobs = walk->side->store->blobs;
    struct sid_span name = value[walk->blob].bytes;
    struct sid_span kind = value[walk->kind].bytes;
    char id[SID_ID_SIZE] = "";

    if (name.len == 0 || blobs == NULL)
        return SID_OK;
    if (name.len >= sizeof id)
        return SID_E_STORE;
    memcpy(id, name.ptr, name.len);
    enum sid_err err = sid_blobs_get(
        blobs, id, sid_photo_kind_parse((const char *)kind.ptr, kind.len),
        photo);
    if (err != SID_OK && err != SID_E_NOT_FOUND)
        return err;
    walk->lost += err == SID_E_NOT_FOUND;
    value[walk->sealed].bytes = sid_buf_span(photo);
    value[walk->blob].bytes = sid_span_of("", 0);
    return SID_OK;
}

static enum sid_err
take_row(const struct sid_move_value *value, int n, void *ctx) {
    struct walk *walk = ctx;
    struct sid_move_value row[SID_MOVE_COLUMNS_MAX];
    const struct sid_move_value *key[KEY_MAX] = {NULL};
    struct sid_buf photo = SID_BUF_EMPTY;
    enum sid_err err = SID_OK;

    memcpy(row, value, (size_t)n * sizeof *row);
    if (walk->blob >= 0)
        err = fetch_photo(walk, row, &photo);
    if (err == SID_OK)
        err = walk->each(walk, row, n);
    for (int i = 0; i < walk->keys; i++)
        key[i] = &row[walk->at_key[i]];
    if (err == SID_OK)
        err = remember(walk, key);
    walk->got++;
    sid_buf_free(&photo);
    return err;
}

/* The next rows behind the last one; got 0: there are no more. */
static enum sid_err
read_batch(struct walk *walk) {
    struct sid_buf sql = SID_BUF_EMPTY;
    enum sid_err err = sid_buf_printf(&sql, "SELECT %s FROM %s", walk->columns,
                                      walk->table->name);

    for (int i = 0; err == SID_OK && walk->begun && i < walk->keys; i++) {
        if (i == 0)
            err = sid_buf_printf(&sql, " WHERE (%s) > (", walk->table->key);
        if (err == SID_OK)
            err = sid_buf_printf(&sql, "%s%c%d", i == 0 ? "" : ", ",
                                 walk->side->ops->param, i + 1);
    }
    if (err == SID_OK)
        err = sid_buf_printf(&sql, "%s ORDER BY %s LIMIT %d%c",
                             walk->begun ? ")" : "", walk->table->key,
                             walk->table->batch, '\0');
    walk->got = 0;
    if (err == SID_OK)
        err = walk->side->ops->keep(sid_move_back(walk->side));
    if (err == SID_OK)
        err = walk->side->ops->read(
            sid_move_back(walk->side), (const char *)sql.ptr, walk->last,
            walk->begun ? walk->keys : 0, take_row, walk);
    sid_buf_free(&sql);
    walk->rows += walk->got;
    return err;
}

/* ---- copying ------------------------------------------------------------- */

static enum sid_err
put_row(struct walk *walk, const struct sid_move_value *value, int n) {
    const struct sid_move_end *to = &walk->move->side[SID_MOVE_TO];

    return to->ops->put(sid_move_back(to), value, n);
}

static enum sid_err
take_key(const struct sid_move_value *value, int n, void *ctx) {
    struct walk *walk = ctx;
    const struct sid_move_value *key[KEY_MAX] = {NULL};

    SID_ASSERT(n == walk->keys);
    for (int i = 0; i < walk->keys; i++)
        key[i] = &value[i];
    return remember(walk, key);
}

/* The last row of the target is the last one of the source that is done. */
static enum sid_err
find_place(struct walk *walk) {
    const struct sid_move_end *to = &walk->move->side[SID_MOVE_TO];
    struct sid_buf sql = SID_BUF_EMPTY;
    enum sid_err err = sid_buf_printf(&sql, "SELECT %s FROM %s ORDER BY ",
                                      walk->table->key, walk->table->name);

    for (const char *c = walk->table->key; err == SID_OK && *c != '\0';) {
        size_t n = strcspn(c, ",");
        err = sid_buf_printf(&sql, "%.*s DESC%s", (int)n, c,
                             c[n] == ',' ? ", " : "");
        c += n + (c[n] == ',' ? 2 : 0);
    }
    if (err == SID_OK)
        err = sid_buf_append(&sql, " LIMIT 1", sizeof " LIMIT 1");
    if (err == SID_OK)
        err = to->ops->read(sid_move_back(to), (const char *)sql.ptr, NULL, 0,
                            take_key, walk);
    sid_buf_free(&sql);
    return err;
}

static enum sid_err
copy_batch(struct walk *walk, int columns) {
    const struct sid_move_end *to = &walk->move->side[SID_MOVE_TO];
    struct sid_back *back = sid_move_back(to);
    enum sid_err err = to->ops->begin(back);

    if (err != SID_OK)
        return err;
    err = to->ops->put_begin(back, walk->table->name, walk->columns, columns);
    if (err == SID_OK) {
        err = read_batch(walk);
        enum sid_err ended = to->ops->put_end(back, err == SID_OK);
        err = err == SID_OK ? ended : err;
    }
    if (err == SID_OK)
        err = to->ops->commit(back);
    else
        to->ops->rollback(back);
    return err;
}

static enum sid_err
copy_table(struct sid_move *move, int table, sid_move_progress_fn *progress,
           void *ctx, int64_t *rows, int64_t *lost) {
    struct walk walk;
    int64_t all = 0;
    int64_t done = 0;

    walk_init(&walk, move, table, SID_MOVE_FROM);
    walk.each = put_row;
    enum sid_err err = sid_move_count(walk.side, walk.table->name, &all);
    if (err == SID_OK)
        err = sid_move_count(&move->side[SID_MOVE_TO], walk.table->name, &done);
    if (err == SID_OK)
        err = find_place(&walk);
    while (err == SID_OK && done + walk.rows < all) {
        err = copy_batch(&walk, move->column_count[table]);
        if (err == SID_OK && walk.got == 0)
            err = SID_E_STORE; /* the target has what the source has not */
        if (err == SID_OK)
            progress(walk.table->name, done + walk.rows, all, ctx);
    }
    *rows += walk.rows;
    *lost += walk.lost;
    walk_fini(&walk);
    return err;
}

static enum sid_err
copy_numbers(struct sid_move *move) {
    const struct sid_move_end *from = &move->side[SID_MOVE_FROM];
    const struct sid_move_end *to = &move->side[SID_MOVE_TO];
    enum sid_err err = to->ops->begin(sid_move_back(to));

    if (err != SID_OK)
        return err;
    for (int slot = 0; err == SID_OK && slot < SID_SLOTS_MAX; slot++) {
        int64_t credential = 0;
        int64_t errand = 0;
        err = from->ops->number_get(sid_move_back(from), slot, &credential,
                                    &errand);
        if (err == SID_OK && (credential > 0 || errand > 0))
            err = to->ops->number_set(sid_move_back(to), slot, credential,
                                      errand);
    }
    if (err == SID_OK)
        return to->ops->commit(sid_move_back(to));
    to->ops->rollback(sid_move_back(to));
    return err;
}

enum sid_err
sid_move_copy(struct sid_move *move, sid_move_progress_fn *progress, void *ctx,
              int64_t *rows, int64_t *lost) {
    enum sid_err err = sid_move_enter(move);
    int64_t copied = 0;
    int64_t gone = 0;

    if (err != SID_OK)
        return err;
    for (int i = 0; err == SID_OK && i < SID_MOVE_TABLES; i++)
        err = copy_table(move, i, progress, ctx, &copied, &gone);
    if (err == SID_OK)
        err = copy_numbers(move);
    err = sid_move_leave(move, err);
    if (err == SID_OK) {
        *rows = copied;
        *lost = gone;
    }
    return err;
}

/* ---- comparing ----------------------------------------------------------- */

/* Kind and length before the bytes: no two rows give the same. */
static enum sid_err
hash_row(struct walk *walk, const struct sid_move_value *value, int n) {
    struct sid_buf *row = &walk->row;
    enum sid_err err = SID_OK;

    sid_buf_clear(row);
    for (int i = 0; err == SID_OK && i < n; i++) {
        uint64_t head[3] = {(uint64_t)value[i].kind, value[i].bytes.len,
                            (uint64_t)value[i].number};
        if (value[i].kind == SID_SQL_REAL)
            memcpy(&head[2], &value[i].real, sizeof head[2]);
        err = sid_buf_append(row, head, sizeof head);
        if (err == SID_OK)
            err = sid_buf_append(row, value[i].bytes.ptr, value[i].bytes.len);
    }
    return err == SID_OK ? sid_sha256_update(walk->sha, sid_buf_span(row))
                         : err;
}

static enum sid_err
hash_table(struct sid_move *move, int table, enum sid_move_side side,
           sid_move_progress_fn *progress, void *ctx, int64_t *rows,
           uint8_t out[SID_SHA256_BYTES]) {
    struct walk walk;
    int64_t all = 0;

    walk_init(&walk, move, table, side);
    walk.each = hash_row;
    enum sid_err err = sid_sha256_new(&walk.sha);
    if (err == SID_OK)
        err = sid_move_count(walk.side, walk.table->name, &all);
    do {
        if (err == SID_OK)
            err = read_batch(&walk);
        if (err == SID_OK && walk.got > 0)
            progress(walk.table->name, walk.rows, all, ctx);
    } while (err == SID_OK && walk.got == walk.table->batch);
    if (err == SID_OK)
        err = sid_sha256_final(walk.sha, out);
    *rows = walk.rows;
    sid_sha256_free(&walk.sha);
    walk_fini(&walk);
    return err;
}

static enum sid_err
compare(struct sid_move *move, sid_move_progress_fn *progress, void *ctx,
        int64_t *rows, const char **differs) {
    uint8_t sha[2][SID_SHA256_BYTES];
    int64_t count[2] = {0, 0};
    enum sid_err err = SID_OK;

    *rows = 0;
    *differs = NULL;
    for (int i = 0; err == SID_OK && *differs == NULL && i < SID_MOVE_TABLES;
         i++) {
        for (int side = 0; err == SID_OK && side < 2; side++)
            err = hash_table(move, i, (enum sid_move_side)side, progress, ctx,
                             &count[side], sha[side]);
        if (err == SID_OK && (count[0] != count[1] ||
                              memcmp(sha[0], sha[1], sizeof sha[0]) != 0))
            *differs = sid_move_tables[i].name;
        *rows += count[1];
    }
    return err;
}

enum sid_err
sid_move_compare(struct sid_move *move, sid_move_progress_fn *progress,
                 void *ctx, int64_t *rows, const char **differs) {
    enum sid_err err = sid_move_enter(move);

    return err == SID_OK ? sid_move_leave(move, compare(move, progress, ctx,
                                                        rows, differs))
                         : err;
}
