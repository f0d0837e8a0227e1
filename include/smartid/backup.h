/* backup.h: what a copy of a database is made from and judged by.
 *
 * A copy is made beside a daemon that runs, by a connection that only reads:
 * its transaction sees one committed state, so every row that was acknowledged
 * before it began is in the copy, and the daemon's connection stays the only
 * one that writes. All pages are read in one step, because a copy in pieces
 * would begin again with each commit. Meanwhile the daemon commits as ever; its
 * log cannot be emptied and grows by what is written (some seconds for 100,000
 * people), and is emptied by the next checkpoint after it. The thread that owns
 * the store. */
#ifndef SMARTID_BACKUP_H
#define SMARTID_BACKUP_H

#include <stdint.h>

#include "smartid/err.h"
#include "smartid/store.h"

/* These want a read transaction of a database that is a file. */
/* Copies it into a new file (mode 0600), on disk when it returns. Errors:
 * SID_E_EXISTS, SID_E_ARGUMENT (not a file), SID_E_STORE, SID_E_STORE_FULL. */
SID_FALLIBLE enum sid_err sid_backup_copy(struct sid_store *store,
                                          const char *path);
/* Calls each for every file of photos that a row names. Errors: SID_E_ARGUMENT,
 * those of the store, of each. */
SID_FALLIBLE enum sid_err
sid_backup_photos(struct sid_store *store,
                  enum sid_err (*each)(const char *name, void *ctx), void *ctx);
/* The last row of this store's chain of the audit log; 0: none. */
SID_FALLIBLE enum sid_err sid_backup_head(struct sid_store *store, int64_t *seq,
                                          uint8_t mac[SID_SHA256_BYTES]);

/* Rows of each table; table is static. A server: outside of a transaction. */
SID_FALLIBLE enum sid_err sid_backup_counts(
    struct sid_store *store,
    enum sid_err (*each)(const char *table, int64_t rows, void *ctx),
    void *ctx);
/* Up to about limit ids of enrolments, spread over all: with_photos: of those
 * that have some. A server: outside of a transaction. */
SID_FALLIBLE enum sid_err
sid_backup_sample(struct sid_store *store, bool with_photos, int limit,
                  enum sid_err (*each)(const char *enrolment_id, void *ctx),
                  void *ctx);
/* Whether every page of the file is whole. Errors: SID_E_STORE (it is not),
 * SID_E_ARGUMENT. */
SID_FALLIBLE enum sid_err sid_backup_check(struct sid_store *store);

#endif
