/* move.h: a database moved whole from one place to another: from a file to a
 * server, back, or from one file to the next.
 *
 * Both sides are opened and locked, so no daemon runs on either. Rows are
 * copied table by table in the order of their primary keys, a batch in one
 * transaction of the target: what the target has says how far the move has
 * come, so one that was broken off at any moment goes on where it was, and
 * nothing is copied twice. A table in the target (the mark) says from which
 * state of the source it is; until it is gone sid_store_open() refuses the
 * target. One thread; used by smartidctl. */
#ifndef SMARTID_MOVE_H
#define SMARTID_MOVE_H

#include <stdbool.h>
#include <stdint.h>

#include "smartid/err.h"
#include "smartid/store.h"

struct sid_move;

/* Which side could not be opened. */
enum sid_move_side { SID_MOVE_FROM, SID_MOVE_TO };

/* Called after each batch; table is static, rows of it that are done, and how
 * many there are in all. */
typedef void sid_move_progress_fn(const char *table, int64_t done, int64_t all,
                                  void *ctx);

/* Opens both: places as sid_store_open() takes them. The target is made when it
 * is not there; the schemas of both are brought up to date. *side: which one an
 * error is about. Errors: those of sid_store_open(). */
SID_FALLIBLE enum sid_err sid_move_open(const char *from, const char *to,
                                        enum sid_move_side *side,
                                        struct sid_move **out);
/* Puts the mark into the target, or finds it there: *resumed. What init has put
 * into an empty target (its own keys, and the rows that say so) is removed;
 * with anew, all that an earlier move has. Errors: SID_E_EXISTS (the target has
 * data that no move has put there), SID_E_CONFLICT (an earlier move was of
 * another state of the source, and not anew), SID_E_SCHEMA (the two have not
 * the same columns), those of the stores. */
SID_FALLIBLE enum sid_err sid_move_begin(struct sid_move *move, bool anew,
                                         bool *resumed);
/* Copies what is not there yet. *rows: copied now; *lost: photos of which the
 * source has the row and no longer the file. Errors: those of the stores. */
SID_FALLIBLE enum sid_err sid_move_copy(struct sid_move *move,
                                        sid_move_progress_fn *progress,
                                        void *ctx, int64_t *rows,
                                        int64_t *lost);
/* Reads all rows of both again and compares count and SHA-256 of each table.
 * *differs: the first table in which they differ (static), NULL: none. Errors:
 * those of the stores. */
SID_FALLIBLE enum sid_err sid_move_compare(struct sid_move *move,
                                           sid_move_progress_fn *progress,
                                           void *ctx, int64_t *rows,
                                           const char **differs);
/* Removes the mark: from now on a daemon may start on the target. Errors:
 * SID_E_CONFLICT (the source was changed meanwhile), those of the stores. */
SID_FALLIBLE enum sid_err sid_move_finish(struct sid_move *move);
/* The sides, for whoever looks at them between the steps. Borrowed. */
struct sid_store *sid_move_store(struct sid_move *move,
                                 enum sid_move_side side);
void sid_move_close(struct sid_move **move);

/* The tables that are copied, in this order (parents before children), and the
 * columns of their primary keys, "a, b". NULL behind the last. */
const char *sid_move_table(int index);
const char *sid_move_key(int index);

#endif
