/* blobs.c: the blobs' thread and what it is handed (see blobs.h).
 *
 * Lists and flags are guarded by `lock`. Puts come before drops: somebody waits
 * for them. */
#include "smartid/blobs.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "blob_file.h"

struct drop {
    char name[SID_ID_SIZE];
    struct drop *next;
};

struct sid_blobs {
    int dir_fd;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work; /* a list is not empty any more, or stopping */
    pthread_cond_t idle; /* nothing is left to do */
    struct sid_blob_put *puts;
    struct sid_blob_put **puts_end; /* where the next one is hung */
    struct drop *drops;
    bool busy;
    bool stopping;
};

/* ---- the thread -------------------------------------------------------- */

/* The names of all that were written reach the disk with one sync. */
static void
write_all(struct sid_blobs *blobs, struct sid_blob_put *list) {
    bool wrote = false;

    for (struct sid_blob_put *put = list; put != NULL; put = put->next) {
        put->err = sid_blob_file_write(blobs->dir_fd, put->name, put->part);
        wrote = wrote || put->err == SID_OK;
    }
    enum sid_err err = wrote ? sid_blob_folder_sync(blobs->dir_fd) : SID_OK;
    while (list != NULL) {
        struct sid_blob_put *put = list;

        list = put->next;
        if (put->err == SID_OK && err != SID_OK) {
            put->err = err;
            sid_blob_file_remove(blobs->dir_fd, put->name);
        }
        put->done(put); /* the owner may free it */
    }
}

/* Takes all puts, or else one drop. False: there is nothing, and never will be.
 */
static bool
take(struct sid_blobs *blobs, struct sid_blob_put **puts, struct drop **drop) {
    pthread_mutex_lock(&blobs->lock);
    blobs->busy = false;
    while (blobs->puts == NULL && blobs->drops == NULL) {
        pthread_cond_broadcast(&blobs->idle);
        if (blobs->stopping)
            break;
        pthread_cond_wait(&blobs->work, &blobs->lock);
    }
    *puts = blobs->puts;
    *drop = *puts == NULL ? blobs->drops : NULL;
    blobs->puts = NULL;
    blobs->puts_end = &blobs->puts;
    if (*drop != NULL)
        blobs->drops = (*drop)->next;
    blobs->busy = *puts != NULL || *drop != NULL;
    bool any = blobs->busy;
    pthread_mutex_unlock(&blobs->lock);
    return any;
}

static void *
blobs_main(void *arg) {
    struct sid_blobs *blobs = arg;
    struct sid_blob_put *puts = NULL;
    struct drop *drop = NULL;

    while (take(blobs, &puts, &drop)) {
        if (puts != NULL)
            write_all(blobs, puts);
        if (drop != NULL)
            sid_blob_file_remove(blobs->dir_fd, drop->name);
        free(drop);
    }
    return NULL;
}

/* ---- what others call -------------------------------------------------- */

void
sid_blobs_put(struct sid_blobs *blobs, struct sid_blob_put *put) {
    put->next = NULL;
    pthread_mutex_lock(&blobs->lock);
    *blobs->puts_end = put;
    blobs->puts_end = &put->next;
    pthread_cond_signal(&blobs->work);
    pthread_mutex_unlock(&blobs->lock);
}

void
sid_blobs_drop(struct sid_blobs *blobs, const char *name) {
    struct drop *drop = calloc(1, sizeof *drop);

    if (drop == NULL) { /* it has to go, if not behind somebody's back */
        sid_blob_file_remove(blobs->dir_fd, name);
        return;
    }
    memcpy(drop->name, name, sizeof drop->name);
    pthread_mutex_lock(&blobs->lock);
    drop->next = blobs->drops;
    blobs->drops = drop;
    pthread_cond_signal(&blobs->work);
    pthread_mutex_unlock(&blobs->lock);
}

void
sid_blobs_settle(struct sid_blobs *blobs) {
    pthread_mutex_lock(&blobs->lock);
    while (blobs->puts != NULL || blobs->drops != NULL || blobs->busy)
        pthread_cond_wait(&blobs->idle, &blobs->lock);
    pthread_mutex_unlock(&blobs->lock);
}

enum sid_err
sid_blobs_get(const struct sid_blobs *blobs, const char *name,
              enum sid_photo_kind kind, struct sid_buf *out) {
    return sid_blob_file_read(blobs->dir_fd, name, kind, out);
}

enum sid_err
sid_blobs_each(struct sid_blobs *blobs,
               enum sid_err (*each)(const char *name, void *ctx), void *ctx) {
    return sid_blob_folder_each(blobs->dir_fd, each, ctx);
}

/* ---- life -------------------------------------------------------------- */

enum sid_err
sid_blobs_open(const char *path, struct sid_blobs **out) {
    struct sid_blobs *blobs = calloc(1, sizeof *blobs);

    if (blobs == NULL)
        return SID_E_NO_MEMORY;
    blobs->puts_end = &blobs->puts;
    enum sid_err err = sid_blob_folder_open(path, &blobs->dir_fd);
    if (err != SID_OK)
        goto no_folder;
    err = SID_E_INTERNAL;
    if (pthread_mutex_init(&blobs->lock, NULL) != 0)
        goto no_lock;
    if (pthread_cond_init(&blobs->work, NULL) != 0)
        goto no_work;
    if (pthread_cond_init(&blobs->idle, NULL) != 0)
        goto no_idle;
    if (pthread_create(&blobs->thread, NULL, blobs_main, blobs) != 0)
        goto no_thread;
    pthread_setname_np(blobs->thread, "sid-blobs");
    *out = blobs;
    return SID_OK;

no_thread:
    pthread_cond_destroy(&blobs->idle);
no_idle:
    pthread_cond_destroy(&blobs->work);
no_work:
    pthread_mutex_destroy(&blobs->lock);
no_lock:
    sid_blob_folder_close(blobs->dir_fd);
no_folder:
    free(blobs);
    return err;
}

void
sid_blobs_close(struct sid_blobs **blobs) {
    struct sid_blobs *me = *blobs;

    if (me == NULL)
        return;
    *blobs = NULL;
    pthread_mutex_lock(&me->lock);
    me->stopping = true;
    pthread_cond_signal(&me->work);
    pthread_mutex_unlock(&me->lock);
    pthread_join(me->thread, NULL);
    pthread_cond_destroy(&me->idle);
    pthread_cond_destroy(&me->work);
    pthread_mutex_destroy(&me->lock);
    sid_blob_folder_close(me->dir_fd);
    free(me);
}
