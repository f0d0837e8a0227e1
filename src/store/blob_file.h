/* blob_file.h: one file of sealed photos, and the folder of them (see blobs.h).
 * Private to src/store. Any thread; nothing is owned but the folder's
 * descriptor, which is the caller's. Failures are logged where they happen. */
#ifndef SID_BLOB_FILE_H
#define SID_BLOB_FILE_H

#include "smartid/blobs.h"

/* Errors: as sid_blobs_open(). */
SID_FALLIBLE enum sid_err sid_blob_folder_open(const char *path, int *out_fd);
void sid_blob_folder_close(int dir_fd);
/* Makes the names in it survive a power cut. Errors: SID_E_STORE. */
SID_FALLIBLE enum sid_err sid_blob_folder_sync(int dir_fd);
/* Errors: SID_E_STORE, those of each(). */
SID_FALLIBLE enum sid_err sid_blob_folder_each(
    int dir_fd, enum sid_err (*each)(const char *name, void *ctx), void *ctx);

/* Writes and syncs a new file; its name is durable after
 * sid_blob_folder_sync(). Errors: SID_E_EXISTS, SID_E_STORE, SID_E_STORE_FULL:
 * no file is there that was not before. */
SID_FALLIBLE enum sid_err
sid_blob_file_write(int dir_fd, const char *name,
                    const struct sid_span part[SID_PHOTO_KINDS]);
/* Errors: as sid_blobs_get(). */
SID_FALLIBLE enum sid_err sid_blob_file_read(int dir_fd, const char *name,
                                             enum sid_photo_kind kind,
                                             struct sid_buf *out);
/* Overwrites what is in the file and removes it, if it is there. */
void sid_blob_file_remove(int dir_fd, const char *name);

#endif
