/* early.c: linked into a daemon with --wrap: the writer's commits are said to
 * be made, and are made only when it goes on, some ms later. So it answers
 * before the disk has what it tells: what the tests that kill it are there to
 * find. Run by the writer's thread. */
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "smartid/store.h"

/* The linker's names. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
enum sid_err __real_sid_store_begin(struct sid_store *store);
enum sid_err __wrap_sid_store_begin(struct sid_store *store);
enum sid_err __real_sid_store_begin_read(struct sid_store *store);
enum sid_err __wrap_sid_store_begin_read(struct sid_store *store);
enum sid_err __real_sid_store_commit(struct sid_store *store);
enum sid_err __wrap_sid_store_commit(struct sid_store *store);
bool __real_sid_store_keep(struct sid_store *store);
bool __wrap_sid_store_keep(struct sid_store *store);
void __real_sid_store_checkpoint(struct sid_store *store);
void __wrap_sid_store_checkpoint(struct sid_store *store);
void __real_sid_store_checkpoint_if_due(struct sid_store *store);
void __wrap_sid_store_checkpoint_if_due(struct sid_store *store);

static _Thread_local bool late; /* a commit is still to be made */

static bool
is_writer(void) {
    char name[16] = "";

    return pthread_getname_np(pthread_self(), name, sizeof name) == 0 &&
           strcmp(name, "sid-writer") == 0;
}

static enum sid_err
make_up(struct sid_store *store) {
    if (!late)
        return SID_OK;
    late = false;
    /* For a kill to come between, nearly always. */
    (void)nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    return __real_sid_store_commit(store);
}

enum sid_err
__wrap_sid_store_commit(struct sid_store *store) {
    if (!is_writer())
        return __real_sid_store_commit(store);
    late = true;
    return SID_OK;
}

enum sid_err
__wrap_sid_store_begin(struct sid_store *store) {
    enum sid_err err = make_up(store);

    return err == SID_OK ? __real_sid_store_begin(store) : err;
}

enum sid_err
__wrap_sid_store_begin_read(struct sid_store *store) {
    enum sid_err err = make_up(store);

    return err == SID_OK ? __real_sid_store_begin_read(store) : err;
}

/* A file's lock needs no keeping. */
bool
__wrap_sid_store_keep(struct sid_store *store) {
    return !late && __real_sid_store_keep(store);
}

void
__wrap_sid_store_checkpoint(struct sid_store *store) {
    (void)make_up(store);
    __real_sid_store_checkpoint(store);
}

void
__wrap_sid_store_checkpoint_if_due(struct sid_store *store) {
    if (!late)
        __real_sid_store_checkpoint_if_due(store);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
