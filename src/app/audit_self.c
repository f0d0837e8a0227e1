/* audit_self.c: what the daemon writes down about itself: start, stop, the
 * settings and purposes in force and their changes. Main thread, which waits
 * for the writer at start and stop, as nowhere else. */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app_internal.h"
#include "smartid/audit_head.h"
#include "smartid/clock.h"
#include "smartid/log.h"
#include "smartid/store_purposes.h"
#include "smartid/store_slot.h"

#define DETAIL_SIZE 128
#define NUMBER_SIZE 24
#define VALUE_SIZE (SID_PATH_SIZE + 16)

/* One row per setting, until the first error. */
struct settings {
    struct sid_store *store;
    enum sid_err err;
    int count;
};

static void
audit_setting(struct settings *to, const char *event, const char *name,
              const char *outcome, const char *value) {
    char detail[VALUE_SIZE];
    if (to->err != SID_OK)
        return;
    (void)snprintf(detail, sizeof detail, "value=%s", value);
    to->err = sid_app_audit(to->store, event, "system", name, outcome, detail);
    to->count++;
}

/* ---- purposes ------------------------------------------------------------ */

static void
audit_purpose(struct settings *to, const char *event, const char *outcome,
              const struct sid_purpose *purpose) {
    char detail[VALUE_SIZE];
    if (to->err != SID_OK)
        return;
    int len = snprintf(detail, sizeof detail,
                       "assurance=%s code=%s counter_required=%s "
                       "face_required=%s tells=",
                       sid_assurance_name(purpose->assurance),
                       purpose->live_required ? "live" : "day",
                       purpose->counter_required ? "yes" : "no",
                       purpose->face_required ? "yes" : "no");
    for (int i = 0; i < SID_ATTRIBUTE_COUNT; i++) {
        if ((purpose->attributes & 1u << i) != 0)
            len += snprintf(detail + len, sizeof detail - (size_t)len, "%s%s",
                            detail[len - 1] == '=' ? "" : ",",
                            sid_attribute_name((enum sid_attribute)i));
    }
    to->err = sid_app_audit(to->store, event, "system", purpose->name, outcome,
                            detail);
    to->count++;
}

/* Those of `next` that `now` has not, or has otherwise; then those it lost. */
static void
audit_purposes(struct settings *to, const struct sid_purposes *now,
               const struct sid_purposes *next) {
    for (size_t i = 0; i < next->count; i++) {
        const struct sid_purpose *is = &next->item[i];
        const struct sid_purpose *was = sid_purposes_find(now, is->name);
        if (was == NULL || was->attributes != is->attributes ||
            was->assurance != is->assurance ||
            was->live_required != is->live_required ||
            was->counter_required != is->counter_required ||
            was->face_required != is->face_required)
            audit_purpose(to, "purpose_changed", "in_force", is);
    }
    for (size_t i = 0; i < now->count; i++) {
        if (sid_purposes_find(next, now->item[i].name) == NULL)
            audit_purpose(to, "purpose_changed", "removed", &now->item[i]);
    }
}

/* ---- start --------------------------------------------------------------- */

struct start {
    struct sid_op op;
    struct sid_app *app;
    int number;                 /* of the writer whose chain it is, from 1 */
    struct sid_audit_head last; /* of the file; seq 0: none is known */
    bool unread;                /* because it could not be read */
    bool behind;                /* the log has not got that row any more */
    int64_t seq;
    uint8_t mac[SID_SHA256_BYTES];
    int64_t purposes_seq; /* of those that are put into the database */
};

static enum sid_err
compare_mac(const struct sid_audit_entry *entry, void *ctx) {
    struct start *start = ctx;
    start->behind = entry->row.seq != start->last.seq ||
                    memcmp(entry->mac, start->last.mac, sizeof entry->mac) != 0;
    return SID_OK;
}

static void
audit_in_force(const char *name, const char *value, bool is_default,
               void *ctx) {
    if (!is_default)
        audit_setting(ctx, "setting", name, "in_force", value);
}

/* Which chains there are, a bit each: when all of one is taken away, those that
 * started later have it in theirs. */
static enum sid_err
name_chains(struct sid_store *store, char *out, size_t size) {
    uint64_t chains = 0;
    if (!sid_store_is_shared(store))
        return SID_OK;
    enum sid_err err = sid_store_audit_chains(store, &chains);
    (void)snprintf(out, size, " chains=%" PRIx64, chains);
    return err;
}

static enum sid_err
audit_in_force_all(struct start *start, struct sid_store *store) {
    struct settings settings = {.store = store};
    sid_config_each(&start->app->config, audit_in_force, &settings);
    /* The built-in ones are those of the version. */
    const struct sid_purposes *purposes = sid_app_purposes(start->app);
    const struct sid_purposes_state *shared = &start->app->shared_purposes;
    bool own = start->app->config.purposes_file[0] != '\0' || shared->seq > 0;
    for (size_t i = 0; own && i < purposes->count; i++)
        audit_purpose(&settings, "purpose", "in_force", &purposes->item[i]);
    if (settings.err == SID_OK && shared->due.len > 0)
        settings.err =
            sid_store_purposes_put(store, (const char *)shared->due.ptr,
                                   sid_now_us(), &start->purposes_seq);
    return settings.err;
}

/* The chain of a further writer says which one it is. */
static void
print_number(int number, char out[NUMBER_SIZE]) {
    out[0] = '\0';
    if (number > 1)
        (void)snprintf(out, NUMBER_SIZE, "writer=%d", number);
}

static enum sid_err
start_run(struct sid_op *op, struct sid_store *store) {
    struct start *start = (struct start *)op;
    char detail[DETAIL_SIZE], number[NUMBER_SIZE];
    enum sid_err err = SID_OK;
    bool first = start->number == 1;
    start->behind = first && start->last.seq > 0; /* unless the row is found */
    if (start->behind)
        err = sid_store_audit_each(store, start->last.seq - 1, 1, compare_mac,
                                   start);
    print_number(start->number, number);
    int len = snprintf(detail, sizeof detail, "version=%s", SID_VERSION);
    if (!start->unread)
        len += snprintf(detail + len, sizeof detail - (size_t)len,
                        " head=%" PRId64, start->last.seq);
    len += snprintf(detail + len, sizeof detail - (size_t)len, "%s%s",
                    first ? "" : " ", number);
    if (err == SID_OK)
        err = name_chains(store, detail + len, sizeof detail - (size_t)len);
    if (err == SID_OK)
        err = sid_app_audit(store, "daemon_started", "system", "",
                            start->behind ? "behind_head" : "started", detail);
    if (err == SID_OK && first)
        err = audit_in_force_all(start, store);
    if (err == SID_OK)
        start->seq = sid_store_audit_head(store, start->mac);
    return err;
}

/* Each chain begins with it, and has a head of its own. */
static enum sid_err
start_chain(struct start *start) {
    struct sid_app *app = start->app;
    start->op = (struct sid_op){.run = start_run};
    enum sid_err err =
        sid_writer_run(app->writers[start->number - 1].writer, &start->op);
    if (err == SID_OK && start->behind)
        sid_log(SID_LOG_ERROR, "audit_log_behind_head",
                SID_N("head", start->last.seq), SID_S("file", app->heads.path),
                SID_S("text", "the database is older than its signed head, or "
                              "another one: it was replaced or restored"));
    if (err == SID_OK)
        sid_heads_write(app, start->seq, start->mac);
    return err;
}

enum sid_err
sid_app_audit_start(struct sid_app *app) {
    struct start start = {.app = app};
    enum sid_err err = SID_OK;
    sid_heads_begin(app, &start.last);
    start.unread = app->heads.unread;
    for (int i = 1; err == SID_OK && i <= app->writer_count; i++) {
        start.number = i;
        err = start_chain(&start);
    }
    if (start.purposes_seq > 0)
        app->shared_purposes.seq = start.purposes_seq;
    sid_buf_free(&app->shared_purposes.due);
    app->audit_stop = err == SID_OK;
    return err;
}

/* ---- stop ---------------------------------------------------------------- */

static enum sid_err
stop_run(struct sid_op *op, struct sid_store *store) {
    struct start *stop = (struct start *)op;
    char number[NUMBER_SIZE];
    print_number(stop->number, number);
    enum sid_err err =
        sid_app_audit(store, "daemon_stopped", "system", "", "stopped", number);
    stop->seq = sid_store_audit_head(store, stop->mac);
    return err;
}

void
sid_audit_stop(struct sid_app *app) {
    for (int i = app->writer_count; app->audit_stop && i >= 1; i--) {
        struct start stop = {.op = {.run = stop_run}, .app = app, .number = i};
        if (sid_writer_run(app->writers[i - 1].writer, &stop.op) == SID_OK)
            sid_heads_write(app, stop.seq, stop.mac);
        else
            sid_log(SID_LOG_ERROR, "stop_not_recorded",
                    SID_S("code", sid_err_code(stop.op.err)));
    }
}

/* ---- reload -------------------------------------------------------------- */

struct sid_reload {
    struct sid_op op; /* the writer's until done */
    struct sid_app *app;
    bool refused; /* there is nothing to take over */
    atomic_bool done;
    struct sid_config next;
    struct sid_purposes purposes;
    bool kept;           /* the purposes in force stay */
    struct sid_buf said; /* owned; of those that are put into the database */
    int64_t seq;         /* their number; 0: none are */
};

static void
audit_change(const char *name, const char *value, bool reloadable, void *ctx) {
    audit_setting(ctx, "setting_changed", name,
                  reloadable ? "in_force" : "needs_restart", value);
}

static enum sid_err
reload_run(struct sid_op *op, struct sid_store *store) {
    struct sid_reload *reload = (struct sid_reload *)op;
    struct settings settings = {.store = store};
    char detail[DETAIL_SIZE];
    if (reload->refused)
        return sid_app_audit(store, "settings_read", "system", "", "refused",
                             "");
    sid_config_diff(&reload->app->config, &reload->next, audit_change,
                    &settings);
    if (!reload->kept)
        audit_purposes(&settings, sid_app_purposes(reload->app),
                       &reload->purposes);
    if (settings.err == SID_OK && reload->said.len > 0)
        settings.err = sid_store_purposes_put(
            store, (const char *)reload->said.ptr, sid_now_us(), &reload->seq);
    if (settings.err != SID_OK)
        return settings.err;
    (void)snprintf(detail, sizeof detail, "changed=%d", settings.count);
    return sid_app_audit(store, "settings_read", "system", "", "taken", detail);
}

static void
reload_done(struct sid_op *op) {
    atomic_store(&((struct sid_reload *)op)->done, true);
}

enum sid_err
sid_app_reload(struct sid_app *app, const struct sid_config *next,
               const struct sid_purposes *purposes) {
    struct sid_reload *reload = calloc(1, sizeof *reload);
    SID_ASSERT(app->reload == NULL);
    if (reload == NULL)
        return SID_E_NO_MEMORY;
    reload->op = (struct sid_op){.run = reload_run, .done = reload_done};
    reload->app = app;
    reload->refused = next == NULL;
    if (next != NULL) {
        reload->next = *next;
        reload->purposes = *purposes;
    }
    app->reload = reload;
    enum sid_err err =
        next == NULL
            ? SID_OK
            : sid_purposes_reread(app, purposes, &reload->kept, &reload->said);
    if (err != SID_OK) {
        sid_reload_drop(app);
        return err;
    }
    sid_writer_submit(app->writer, &reload->op);
    return SID_OK;
}

bool
sid_app_reloaded(struct sid_app *app, enum sid_err *err) {
    struct sid_reload *reload = app->reload;
    if (reload == NULL || !atomic_load(&reload->done))
        return false;
    *err = reload->op.err;
    if (*err == SID_OK && !reload->refused)
        *err = sid_purposes_reread_done(app, &reload->purposes, reload->kept,
                                        reload->next.purposes_file[0] != '\0',
                                        reload->seq);
    if (*err == SID_OK && !reload->refused) {
        pthread_rwlock_wrlock(&app->config_lock);
        sid_config_take_reloadable(&app->config, &reload->next);
        pthread_rwlock_unlock(&app->config_lock);
    }
    sid_reload_drop(app);
    return true;
}

void
sid_reload_drop(struct sid_app *app) {
    if (app->reload != NULL)
        sid_buf_free(&app->reload->said);
    free(app->reload);
    app->reload = NULL;
}
