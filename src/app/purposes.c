/* purposes.c: the purposes in force (see app.h). They are replaced as a whole;
 * a set that was in force lives as long as the app, because callers point to
 * the one they were judged by. A reload that changes nothing keeps nothing. */
#include <stdlib.h>

#include "app_internal.h"
#include "smartid/log.h"

struct sid_kept_purposes {
    struct sid_kept_purposes *older;
    struct sid_purposes set;
};

const struct sid_purposes *
sid_app_purposes(const struct sid_app *app) {
    return &atomic_load(&app->purposes)->set;
}

static void
log_unknown(const char *client_id, const char *purpose, void *ctx) {
    (void)ctx;
    sid_log(SID_LOG_WARN, "purpose_unknown", SID_S("client", client_id),
            SID_S("purpose", purpose));
}

enum sid_err
sid_app_use_purposes(struct sid_app *app, const struct sid_purposes *purposes) {
    struct sid_kept_purposes *now = atomic_load(&app->purposes);
    if (now != NULL && sid_purposes_same(&now->set, purposes))
        return SID_OK;
    struct sid_kept_purposes *next = malloc(sizeof *next);
    if (next == NULL)
        return SID_E_NO_MEMORY;
    next->older = now;
    next->set = *purposes;
    atomic_store(&app->purposes, next);
    sid_keyset_use_purposes(app->keyset, &next->set, log_unknown, NULL);
    sid_log(SID_LOG_INFO, "purposes", SID_N("count", next->set.count));
    return SID_OK;
}

void
sid_app_free_purposes(struct sid_app *app) {
    struct sid_kept_purposes *at = atomic_exchange(&app->purposes, NULL);
    while (at != NULL) {
        struct sid_kept_purposes *older = at->older;
        free(at);
        at = older;
    }
}
