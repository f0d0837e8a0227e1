/* blobs.h: sealed photos as files, in a folder beside the database.
 *
 * A photo of 1 to 8 MiB in the database would be written four times (log,
 * database, and zeros over both when it is deleted), a page of 4 KiB at a time,
 * by the one thread that everybody's commit waits for. Here it is written once,
 * by a thread of its own. Measured: see README, "Speed".
 *
 * What a file is for is said by the database alone: a photo's row (store.h). A
 * file is on disk before the row is made; it goes after the row has gone. So a
 * file without a row is left over, and sid_blobs_each() finds it at the next
 * start. A row without its file comes of a database that was put back without
 * the folder.
 *
 * One file for an enrolment: all its photos, by kind, under a name that was
 * never used before. Functions: any thread, but for open and close. */
#ifndef SMARTID_BLOBS_H
#define SMARTID_BLOBS_H

#include "smartid/buf.h"
#include "smartid/enrolment.h"
#include "smartid/err.h"
#include "smartid/rand.h"

struct sid_blobs;

/* The folder's name: the database's, and this. */
#define SID_BLOBS_SUFFIX ".photos"
/* Opens (and makes) the folder, which only this user may enter, and starts the
 * thread. Errors: SID_E_STORE (not a folder of this user), SID_E_STORE_FULL,
 * SID_E_NO_MEMORY, SID_E_INTERNAL. */
SID_FALLIBLE enum sid_err sid_blobs_open(const char *path,
                                         struct sid_blobs **out);
/* Works off what was handed over, ends the thread. */
void sid_blobs_close(struct sid_blobs **blobs);

/* Photos to be written; embedded in its owner's object, who leaves it alone
 * until done(), which is called on the blobs' thread. */
struct sid_blob_put {
    char name[SID_ID_SIZE];                /* fresh: sid_id_make("blb_", ...) */
    struct sid_span part[SID_PHOTO_KINDS]; /* borrowed; empty: none */
    void (*done)(struct sid_blob_put *put);
    /* out: SID_OK: file and name are on disk. SID_E_STORE, SID_E_STORE_FULL,
     * SID_E_EXISTS (of this name there is one): nothing was written. */
    enum sid_err err;
    struct sid_blob_put *next; /* the blobs' own */
};
void sid_blobs_put(struct sid_blobs *blobs, struct sid_blob_put *put);

/* Reads one photo. *out must be empty. Errors: SID_E_NOT_FOUND (no file, or
 * without this kind), SID_E_STORE (cannot be read, or is not of our form),
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_blobs_get(const struct sid_blobs *blobs,
                                        const char *name,
                                        enum sid_photo_kind kind,
                                        struct sid_buf *out);

/* Overwrites and removes the file, if there is one, soon; a failure is logged.
 */
void sid_blobs_drop(struct sid_blobs *blobs, const char *name);
/* Waits until nothing that was handed over is left to do. */
void sid_blobs_settle(struct sid_blobs *blobs);

/* Calls each() with the name of every file. It may drop it. Errors:
 * SID_E_STORE, and those of each(), which end the walk. */
SID_FALLIBLE enum sid_err
sid_blobs_each(struct sid_blobs *blobs,
               enum sid_err (*each)(const char *name, void *ctx), void *ctx);

#endif
