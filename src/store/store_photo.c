/* store_photo.c: the front for photos: rows in the database, bytes in the row
 * or in the blobs, and what goes when the transaction is on disk. Run by the
 * thread that owns the store. */
#include "smartid/store_photo.h"

#include <stdlib.h>
#include <string.h>

#include "store_front.h"

/* Rows of one transaction that delete photos, before the list grows. */
#define GONE_START 16

struct sid_blobs *
sid_store_blobs(const struct sid_store *store) {
    return store->blobs;
}

enum sid_err
sid_store_photo_put(struct sid_store *store, const char *enrolment_id,
                    enum sid_photo_kind kind, struct sid_span sealed) {
    struct sid_back *back = sid_front_for_write(store);

    SID_ASSERT(kind != SID_PHOTO_NONE);
    return back->ops->photo_put(back, enrolment_id, kind, sealed, "");
}

enum sid_err
sid_store_photo_note(struct sid_store *store, const char *enrolment_id,
                     enum sid_photo_kind kind, const char *blob) {
    struct sid_back *back = sid_front_for_write(store);

    SID_ASSERT(kind != SID_PHOTO_NONE);
    SID_ASSERT(store->blobs != NULL);
    return back->ops->photo_put(back, enrolment_id, kind, sid_span_of(NULL, 0),
                                blob);
}

enum sid_err
sid_store_photo_get(struct sid_store *store, const char *enrolment_id,
                    enum sid_photo_kind kind, struct sid_buf *out) {
    SID_ASSERT(kind != SID_PHOTO_NONE);
    char blob[SID_ID_SIZE];
    enum sid_err err =
        store->back->ops->photo_get(store->back, enrolment_id, kind, out, blob);
    if (err != SID_OK || blob[0] == '\0')
        return err;
    SID_ASSERT(store->blobs != NULL);
    err = sid_blobs_get(store->blobs, blob, kind, out);
    return err == SID_E_NOT_FOUND ? SID_E_SEAL : err;
}

enum sid_err
sid_store_photo_count(struct sid_store *store, int64_t *out) {
    return store->back->ops->photo_count(store->back, out);
}

/* ---- deleting ---------------------------------------------------------- */

static enum sid_err
note_gone(struct sid_store *store, const char *enrolment_id) {
    char blob[SID_ID_SIZE];
    enum sid_err err =
        store->back->ops->photo_blob(store->back, enrolment_id, blob);
    if (err != SID_OK || blob[0] == '\0')
        return err;
    if (store->gone_n == store->gone_cap) {
        size_t cap = store->gone_cap == 0 ? GONE_START : 2 * store->gone_cap;
        void *more = realloc(store->gone, cap * sizeof *store->gone);
        if (more == NULL)
            return SID_E_NO_MEMORY;
        store->gone = more;
        store->gone_cap = cap;
    }
    memcpy(store->gone[store->gone_n++], blob, sizeof blob);
    return SID_OK;
}

enum sid_err
sid_front_photos_delete(struct sid_store *store, const char *enrolment_id) {
    struct sid_back *back = sid_front_for_write(store);
    enum sid_err err = note_gone(store, enrolment_id);

    return err == SID_OK ? back->ops->photo_delete_all(back, enrolment_id)
                         : err;
}

void
sid_front_photos_gone(struct sid_store *store) {
    for (size_t i = 0; i < store->gone_n; i++)
        sid_blobs_drop(store->blobs, store->gone[i]);
    store->gone_n = 0;
}

/* ---- at the start ------------------------------------------------------ */

static enum sid_err
drop_left_over(const char *name, void *ctx) {
    struct sid_store *store = ctx;
    int64_t count = 0;
    enum sid_err err =
        store->back->ops->photo_blob_count(store->back, name, &count);

    if (err == SID_OK && count == 0)
        sid_blobs_drop(store->blobs, name);
    return err;
}

enum sid_err
sid_front_photos_open(struct sid_store *store, const char *path) {
    struct sid_buf folder = SID_BUF_EMPTY;

    if (strcmp(path, ":memory:") == 0)
        return SID_OK;
    enum sid_err err =
        sid_buf_printf(&folder, "%s%s%c", path, SID_BLOBS_SUFFIX, '\0');
    if (err == SID_OK)
        err = sid_blobs_open((const char *)folder.ptr, &store->blobs);
    if (err == SID_OK)
        err = sid_blobs_each(store->blobs, drop_left_over, store);
    sid_buf_free(&folder);
    return err;
}
