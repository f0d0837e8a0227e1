/* backup.c: what a copy is made from and judged by (see backup.h), whatever
 * engine has it. Run by the thread that owns the store; owns nothing. */
#include "smartid/backup.h"

#include <stdio.h>
#include <string.h>

#include "move_priv.h"
#include "store_sqlite.h"

static bool
is_file(const struct sid_store *store) {
    return store->back->move == &sid_sq_move_ops;
}

enum sid_err
sid_backup_copy(struct sid_store *store, const char *path) {
    SID_ASSERT(store->txn == TXN_READ);
    return is_file(store) ? sid_sq_copy(sid_sqlite_of(store->back), path)
                          : SID_E_ARGUMENT;
}

enum sid_err
sid_backup_check(struct sid_store *store) {
    return is_file(store) ? sid_sq_check(sid_sqlite_of(store->back))
                          : SID_E_ARGUMENT;
}

enum sid_err
sid_backup_head(struct sid_store *store, int64_t *seq,
                uint8_t mac[SID_SHA256_BYTES]) {
    int64_t at_us = 0;

    return store->back->ops->audit_head(store->back, store->slot, seq, &at_us,
                                        mac);
}

/* ---- lists of names ------------------------------------------------------ */

struct names {
    int64_t apart, at;
    struct sid_buf ids; /* of SID_ID_SIZE each */
};

static enum sid_err
take_name(const struct sid_move_value *value, int n, void *ctx) {
    struct names *names = ctx;
    char id[SID_ID_SIZE] = "";
    (void)n;

    if (names->at++ % names->apart != 0)
        return SID_OK;
    if (value->bytes.len >= sizeof id)
        return SID_E_STORE;
    memcpy(id, value->bytes.ptr, value->bytes.len);
    return sid_buf_append(&names->ids, id, sizeof id);
}

static enum sid_err
tell_names(const struct names *names,
           enum sid_err (*each)(const char *name, void *ctx), void *ctx) {
    enum sid_err err = SID_OK;

    for (size_t at = 0; err == SID_OK && at < names->ids.len; at += SID_ID_SIZE)
        err = each((const char *)names->ids.ptr + at, ctx);
    return err;
}

enum sid_err
sid_backup_photos(struct sid_store *store,
                  enum sid_err (*each)(const char *name, void *ctx),
                  void *ctx) {
    struct names names = {.apart = 1};

    if (!is_file(store))
        return SID_E_ARGUMENT;
    enum sid_err err =
        store->back->move->read(store->back,
                                "SELECT DISTINCT blob FROM photo WHERE "
                                "blob <> ''",
                                NULL, 0, take_name, &names);
    if (err == SID_OK)
        err = tell_names(&names, each, ctx);
    sid_buf_free(&names.ids);
    return err;
}

enum sid_err
sid_backup_sample(struct sid_store *store, bool with_photos, int limit,
                  enum sid_err (*each)(const char *enrolment_id, void *ctx),
                  void *ctx) {
    struct sid_move_end side = {.store = store, .ops = store->back->move};
    struct names names = {.ids = SID_BUF_EMPTY};
    const char *sql = with_photos ? "SELECT DISTINCT enrolment_id FROM photo"
                                  : "SELECT id FROM enrolment ORDER BY id";
    int64_t all = 0;
    enum sid_err err = side.ops->enter(store->back);

    if (err != SID_OK)
        return err;
    err = sid_move_count(&side, with_photos ? "photo" : "enrolment", &all);
    names.apart = all / limit + 1;
    if (err == SID_OK)
        err = side.ops->read(store->back, sql, NULL, 0, take_name, &names);
    enum sid_err left = side.ops->leave(store->back);
    err = err == SID_OK ? left : err;
    if (err == SID_OK)
        err = tell_names(&names, each, ctx);
    sid_buf_free(&names.ids);
    return err;
}

enum sid_err
sid_backup_counts(struct sid_store *store,
                  enum sid_err (*each)(const char *table, int64_t rows,
                                       void *ctx),
                  void *ctx) {
    struct sid_move_end side = {.store = store, .ops = store->back->move};
    int64_t rows[SID_MOVE_TABLES] = {0};
    enum sid_err err = side.ops->enter(store->back);

    if (err != SID_OK)
        return err;
    for (int i = 0; err == SID_OK && i < SID_MOVE_TABLES; i++)
        err = sid_move_count(&side, sid_move_tables[i].name, &rows[i]);
    enum sid_err left = side.ops->leave(store->back);
    err = err == SID_OK ? left : err;
    for (int i = 0; err == SID_OK && i < SID_MOVE_TABLES; i++)
        err = each(sid_move_tables[i].name, rows[i], ctx);
    return err;
}
