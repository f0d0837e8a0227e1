/* move_side.h: the two ends of a move as one engine and the other have them:
 * columns from the catalog, rows in and out as they are. Private to src/store;
 * used by the thread of the move. */
#ifndef SID_MOVE_SIDE_H
#define SID_MOVE_SIDE_H

#include "smartid/buf.h"
#include "store_sql.h"

/* Of one table; enrolment has 32. */
#define SID_MOVE_COLUMNS_MAX 64
/* In the target, from its first table on until the move into it has come to its
 * end; without a row until it has begun. */
#define SID_MOVE_MARK "moving"
#define SID_MOVE_MARK_TABLE                                                    \
    "CREATE TABLE IF NOT EXISTS " SID_MOVE_MARK                                \
    " (source TEXT NOT NULL PRIMARY KEY)"

/* A column of a row; bytes are borrowed for the call. */
struct sid_move_value {
    enum sid_sql_kind kind;
    int64_t number;
    double real;
    struct sid_span bytes; /* of a text or a blob */
};
typedef enum sid_err sid_move_row_fn(const struct sid_move_value *value, int n,
                                     void *ctx);

struct sid_move_ops {
    char param; /* a parameter is this and its number */
    /* Asks for the names of the columns of a table, its parameter, in their
     * order by bytes. */
    const char *columns;
    /* Calls each for every row; its error ends the walk. */
    enum sid_err (*read)(struct sid_back *back, const char *sql,
                         const struct sid_move_value *param, int params,
                         sid_move_row_fn *each, void *ctx);
    /* A statement without rows. */
    enum sid_err (*exec)(struct sid_back *back, const char *sql);
    /* A transaction for changes, which fails when the database is no longer
     * ours. */
    enum sid_err (*begin)(struct sid_back *back);
    enum sid_err (*commit)(struct sid_back *back);
    void (*rollback)(struct sid_back *back);
    /* Renews the lease, if there is one. */
    enum sid_err (*keep)(struct sid_back *back);
    /* Rows into one table; n columns, their names as columns() has them.
     * put_end() with good false gives up. */
    enum sid_err (*put_begin)(struct sid_back *back, const char *table,
                              const char *columns, int n);
    enum sid_err (*put)(struct sid_back *back,
                        const struct sid_move_value *value, int n);
    enum sid_err (*put_end)(struct sid_back *back, bool good);
    /* The last numbers that were given to rows by the daemon of a slot, with
     * the slot in them (audit.h); 0: none. Set in the order of the slots. */
    enum sid_err (*number_get)(struct sid_back *back, int slot,
                               int64_t *credential, int64_t *errand);
    enum sid_err (*number_set)(struct sid_back *back, int slot,
                               int64_t credential, int64_t errand);
    /* Between these the functions above may be called, and no others. */
    enum sid_err (*enter)(struct sid_back *back);
    enum sid_err (*leave)(struct sid_back *back);
};

extern const struct sid_move_ops sid_sq_move_ops;
extern const struct sid_move_ops sid_pg_move_ops;

/* ---- move.c -------------------------------------------------------------- */

/* For read(), of a row of one number, which becomes *ctx, an int64_t. Errors:
 * SID_E_STORE (it is another row). */
SID_FALLIBLE enum sid_err
sid_move_take_number(const struct sid_move_value *value, int n, void *ctx);

/* ---- store.c ------------------------------------------------------------- */

/* As sid_store_open(), also of a database that is marked. */
SID_FALLIBLE enum sid_err sid_front_open_marked(const char *place, bool create,
                                                struct sid_store **out);

#endif
