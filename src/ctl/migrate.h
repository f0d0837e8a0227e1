/* migrate.h: whether a copy of a database is one: what needs the keys. Private
 * to src/ctl. Single threaded. */
#ifndef SID_CTL_MIGRATE_H
#define SID_CTL_MIGRATE_H

#include "ctl.h"

/* Walks the audit chain, which must have the row of this head (a line; NULL:
 * any), and opens a sample of what is sealed; prints both. What does not open
 * in the original either (NULL: there is none) is told and no fault of the
 * copy. Neither store is in a transaction. Returns the exit code. */
int sid_check_copy(struct sid_store *copy, struct sid_store *original,
                   const struct sid_keyring *keys, const char *head);

#endif
