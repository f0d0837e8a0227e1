/* store_front.h: what the files of the front share (store.c, store_erase.c,
 * store_prune.c). Private to src/store; used by the thread that owns the store.
 */
#ifndef SID_STORE_FRONT_H
#define SID_STORE_FRONT_H

#include <stdbool.h>
#include <stdint.h>

#include "smartid/store_photo.h"
#include "smartid/store_slot.h"
#include "store_back.h"

enum txn { TXN_NONE, TXN_READ, TXN_WRITE };

/* The last link of an audit chain; its base and zeros before the first row. */
struct chain_head {
    int64_t seq;
    int64_t at_us;
    uint8_t mac[SID_SHA256_BYTES];
};

struct sid_store {
    struct sid_back *back;
    const struct sid_mac_key *audit_key; /* borrowed */
    enum txn txn;
    bool in_savepoint;
    bool read_only; /* opened so */
    int slot;       /* of this store's chain, numbers and counts */
    struct chain_head head;
    struct chain_head head_at_begin;
    struct chain_head head_at_savepoint;
    /* Templates, as this slot counts; goes back with the transaction as the
     * head does. */
    int64_t faces, faces_at_begin, faces_at_savepoint;
    int64_t faces_others; /* as the other slots counted when it was asked */
    bool unsure;          /* head and faces are to be read anew */
    bool littered;        /* something was deleted, if perhaps rolled back */
    /* Owned; NULL: all photos lie in their rows (in memory, read-only). */
    struct sid_blobs *blobs;
    /* Blobs that this transaction leaves without a row; owned. */
    char (*gone)[SID_ID_SIZE];
    size_t gone_n, gone_cap, gone_at_savepoint;
};

/* The back end, for a change: the caller must have begun a transaction. */
struct sid_back *sid_front_for_write(struct sid_store *store);

/* ---- store_photo.c ----------------------------------------------------- */
/* Opens the blobs beside the database and drops those that no row knows.
 * Errors: those of the blobs, of the back end. */
SID_FALLIBLE enum sid_err sid_front_photos_open(struct sid_store *store,
                                                const char *path);
/* Deletes all photos of an enrolment; what is in the blobs goes when the
 * transaction is on disk. Errors: SID_E_NO_MEMORY, those of the back end. */
SID_FALLIBLE enum sid_err sid_front_photos_delete(struct sid_store *store,
                                                  const char *enrolment_id);
/* The transaction is on disk. */
void sid_front_photos_gone(struct sid_store *store);

/* Deletes the template of an enrolment, if there is one. */
SID_FALLIBLE enum sid_err sid_front_template_delete(struct sid_store *store,
                                                    const char *enrolment_id);

/* Forgets the contacts of WeChat that are bound to an enrolment. */
SID_FALLIBLE enum sid_err sid_front_contacts_erase(struct sid_store *store,
                                                   const char *enrolment_id);

/* ---- walking the audit chain ------------------------------------------- */
struct sid_chain_walk {
    const struct sid_mac_key *key;
    struct chain_head head; /* the last row that fits */
    int64_t rows;
    bool bad; /* the anchor, or the row behind the head, does not fit */
};
/* Sets a walk to where a chain begins: the anchor, when there is one. An anchor
 * that does not fit makes the walk bad. Errors: those of the back end,
 * SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err sid_front_walk_begin(struct sid_store *store,
                                               int slot,
                                               struct sid_chain_walk *out);
/* For audit_scan; ctx is the walk. */
enum sid_err sid_front_walk_row(const struct sid_audit_entry *entry, void *ctx);

#endif
