/* rows.h: a row of an audit log for each request, in SQLite: the least that a
 * durable check can be. See durable.c. */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include <stdbool.h>
#include <stddef.h>

struct rows;

/* Makes a database of a million credentials at path, and opens it; NULL when
 * it cannot. */
struct rows *rows_open(const char *path);
/* One transaction, synced: for each of n, a credential's state is looked up
 * and a row is added, whose MAC covers the one before it. False when one of
 * them fails. */
bool rows_write(struct rows *rows, size_t n);

#endif
