/* flow_audit.h: the oldest rows of the audit log leave the database once they
 * lie in a segment of an archive, a file that `smartidctl audit archive` has
 * written and synced.
 *
 * The *_in function works on a store inside the caller's transaction: the
 * writer's in the daemon, smartidctl's own while no daemon runs. */
#ifndef SMARTID_FLOW_AUDIT_H
#define SMARTID_FLOW_AUDIT_H

#include "smartid/app.h"
#include "smartid/mac.h"
#include "smartid/store.h"

/* Rows that one call removes at most. Source: as of retention.h. */
#define SID_ARCHIVE_ROWS_MAX 1000
/* "2026-09" and a NUL. */
#define SID_MONTH_SIZE 8

/* What a segment holds. */
struct sid_audit_segment {
    char month[SID_MONTH_SIZE];    /* digits and '-' */
    int64_t first, last;           /* numbers of rows, both included */
    uint8_t mac[SID_SHA256_BYTES]; /* of the last */
};

/* Removes the next of these rows; *left: how many of them are still there.
 * With the first of them, in the same transaction, goes a row "audit_archived"
 * that names the segment. Nothing is done when none is left. Errors:
 * SID_E_CONFLICT (the log does not begin in the segment, or has no such last
 * row, or the app's backend is yet to be told of some), SID_E_SEAL (a row or
 * the anchor does not fit the chain), SID_E_CRYPTO, those of the store. */
SID_FALLIBLE enum sid_err
sid_audit_archive_in(struct sid_store *store, const struct sid_keyring *keys,
                     const struct sid_config *config,
                     const struct sid_audit_segment *segment, const char *actor,
                     int64_t *left);

struct sid_audit_archive {
    struct sid_flow flow;
    struct sid_audit_segment segment; /* in */
    int64_t left;                     /* out */
};
/* The same in the daemon. */
void sid_audit_archive_start(struct sid_audit_archive *archive);

#endif
