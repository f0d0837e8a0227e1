/* store_photo.h: the sealed photos of those who are not decided yet.
 *
 * A photo has a row; its bytes are in the row, or in the blob that the row
 * names. Run by the thread that owns the store, but for sid_store_blobs(). */
#ifndef SMARTID_STORE_PHOTO_H
#define SMARTID_STORE_PHOTO_H

#include "smartid/blobs.h"
#include "smartid/store.h"

/* The store's own (see blobs.h), open as long as it is. NULL: there are none.
 */
struct sid_blobs *sid_store_blobs(const struct sid_store *store);
/* Sealed photos of an enrolment: put into the row, at most
 * SID_SEALED_MAX_BYTES, or noted to lie in a blob, which is dropped when its
 * rows go. Errors of put and note: SID_E_EXISTS (this kind is there),
 * SID_E_NOT_FOUND (no such enrolment), SID_E_ARGUMENT (too large); of get:
 * SID_E_NOT_FOUND, SID_E_SEAL (its blob is gone). *out of get must be empty. */
SID_FALLIBLE enum sid_err sid_store_photo_put(struct sid_store *store,
                                              const char *enrolment_id,
                                              enum sid_photo_kind kind,
                                              struct sid_span sealed);
SID_FALLIBLE enum sid_err sid_store_photo_note(struct sid_store *store,
                                               const char *enrolment_id,
                                               enum sid_photo_kind kind,
                                               const char *blob);
SID_FALLIBLE enum sid_err sid_store_photo_get(struct sid_store *store,
                                              const char *enrolment_id,
                                              enum sid_photo_kind kind,
                                              struct sid_buf *out);
/* Number of photos, by their rows (for tests and metrics). */
SID_FALLIBLE enum sid_err sid_store_photo_count(struct sid_store *store,
                                                int64_t *out);

#endif
