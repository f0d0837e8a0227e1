/* twice.c: linked into a daemon with --wrap=sid_store_commit: the writer's
 * first commit of each batch is rolled back as if something had been in its
 * way, the second one is made. So every operation runs twice, and whoever keeps
 * something of the first run gives a wrong answer. Run by the writer's thread.
 */
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "smartid/store.h"

/* The linker's names. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
enum sid_err __real_sid_store_commit(struct sid_store *store);
enum sid_err __wrap_sid_store_commit(struct sid_store *store);

static bool
is_writer(void) {
    char name[16] = "";

    return pthread_getname_np(pthread_self(), name, sizeof name) == 0 &&
           strcmp(name, "sid-writer") == 0;
}

enum sid_err
__wrap_sid_store_commit(struct sid_store *store) {
    static _Thread_local bool second;

    second = !second && is_writer();
    if (!second)
        return __real_sid_store_commit(store);
    sid_store_rollback(store);
    return SID_E_AGAIN;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
