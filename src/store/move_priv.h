/* move_priv.h: what move.c and move_walk.c share. Private to the two; used by
 * the thread of the move. */
#ifndef SID_MOVE_PRIV_H
#define SID_MOVE_PRIV_H

#include "move_side.h"
#include "smartid/move.h"
#include "store_front.h"

#define SID_MOVE_TABLES 27

/* A table that is copied. */
struct sid_move_table {
    const char *name, *key;
    int batch; /* rows in one transaction and in the memory of a reader */
};
extern const struct sid_move_table sid_move_tables[SID_MOVE_TABLES];

struct sid_move_end {
    struct sid_store *store; /* owned */
    const struct sid_move_ops *ops;
};

struct sid_move {
    struct sid_move_end side[2]; /* by enum sid_move_side */
    char *state;                 /* of the source, when the move began; owned */
    struct sid_buf columns[SID_MOVE_TABLES]; /* with a NUL; owned */
    int column_count[SID_MOVE_TABLES];
};

static inline struct sid_back *
sid_move_back(const struct sid_move_end *side) {
    return side->store->back;
}

/* ---- move.c -------------------------------------------------------------- */

/* Errors: those of the store. */
SID_FALLIBLE enum sid_err sid_move_count(const struct sid_move_end *side,
                                         const char *table, int64_t *out);
/* Both sides, before their operations and after; err is what was wrong in
 * between, and stays so. */
SID_FALLIBLE enum sid_err sid_move_enter(struct sid_move *move);
SID_FALLIBLE enum sid_err sid_move_leave(struct sid_move *move,
                                         enum sid_err err);

#endif
