/* manifest.h: what a backup says of itself: its files with their SHA-256, the
 * state of the database, under which master key. Private to src/ctl. Single
 * threaded. */
#ifndef SID_CTL_MANIFEST_H
#define SID_CTL_MANIFEST_H

#include <jansson.h>

#include "ctl.h"
#include "smartid/audit_head.h"

#define SID_MANIFEST_NAME "manifest.json"
#define SID_BACKUP_DATABASE "smartidd.db"
#define SID_BACKUP_PHOTOS "photos"

/* Copies a file into a new one (mode 0600), syncs it, and tells what it was.
 * to NULL: reads it only. Errors: SID_E_NOT_FOUND (no file), SID_E_EXISTS,
 * SID_E_IO (told on stderr). */
SID_FALLIBLE enum sid_err sid_copy_file(const char *from, const char *to,
                                        uint8_t sha[SID_SHA256_BYTES],
                                        int64_t *bytes);
/* Makes the names in a folder survive a power cut. Errors: SID_E_IO (told). */
SID_FALLIBLE enum sid_err sid_sync_folder(const char *path);
/* Removes a folder and all that is in it; nothing there is fine. Errors:
 * SID_E_IO (told). */
SID_FALLIBLE enum sid_err sid_remove_folder(const char *path);
/* Makes an empty folder (mode 0700) in the place of what a call that was broken
 * off has left there. *fd holds it against other calls; the caller's. Errors:
 * SID_E_LOCKED (another call has it), SID_E_IO (told). */
SID_FALLIBLE enum sid_err sid_take_folder(const char *path, int *fd);
/* Gives a file or folder another name, which nothing may have. Errors: SID_E_IO
 * (told). */
SID_FALLIBLE enum sid_err sid_give_name(const char *from, const char *to);

/* A manifest is a JSON object; the caller's. New and empty; NULL: no memory. */
json_t *sid_manifest_new(void);
/* Errors: SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err
sid_manifest_add_part(json_t *manifest, const char *name, int64_t bytes,
                      const uint8_t sha[SID_SHA256_BYTES]);
/* Writes it into the folder, synced. Errors: SID_E_IO (told). */
SID_FALLIBLE enum sid_err sid_manifest_write(const json_t *manifest,
                                             const char *folder);
/* Reads it. Errors: SID_E_NOT_FOUND (there is none: no backup, or one that was
 * broken off), SID_E_IO (told), SID_E_BAD_JSON. */
SID_FALLIBLE enum sid_err sid_manifest_read(const char *folder, json_t **out);
/* The next part; at: 0 for the first. False when there are no more. name is
 * borrowed. Errors in *err: SID_E_BAD_JSON. */
bool sid_manifest_part(const json_t *manifest, size_t at, const char **name,
                       int64_t *bytes, uint8_t sha[SID_SHA256_BYTES],
                       enum sid_err *err);

#endif
