/* flow_keys.c: the daemon's keys for admins (see flow_keys.h). Owns nothing
 * beyond the caller's structs. */
#include "smartid/flow_keys.h"

#include <stdlib.h>
#include <string.h>

#include "app_internal.h"
#include "smartid/clock.h"
#include "smartid/log.h"

static void
refuse(struct sid_flow *flow, enum sid_err err) {
    flow->err = err;
    flow->done(flow);
}

/* ---- list ---------------------------------------------------------------- */

static enum sid_err
list_one(const struct sid_wrapped_key *key, void *ctx) {
    struct sid_key_list *list = ctx;
    struct sid_wrapped_key *rows =
        realloc(list->rows, (list->count + 1) * sizeof *rows);
    if (rows == NULL)
        return SID_E_NO_MEMORY;
    list->rows = rows;
    rows[list->count] = *key;
    memset(rows[list->count].wrapped, 0, sizeof key->wrapped);
    list->count++;
    return SID_OK;
}

static enum sid_err
list_run(struct sid_op *op, struct sid_store *store) {
    struct sid_key_list *list = (struct sid_key_list *)op;
    struct sid_app *app = list->flow.app;
    sid_key_list_fini(list);
    for (int use = 0; use < SID_KEY_USE_COUNT; use++)
        list->current[use] =
            sid_keyring_current(app->keys, (enum sid_key_use)use);
    list->rewrap_left = atomic_load(&app->rewrap.left);
    list->rewrap_total = atomic_load(&app->rewrap.total);
    return sid_store_key_each(store, list_one, list);
}

void
sid_key_list_start(struct sid_key_list *list) {
    if (!sid_flow_admit(&list->flow))
        return;
    list->flow.op.read_only = true;
    sid_flow_submit(&list->flow, list_run, sid_flow_end);
}

void
sid_key_list_fini(struct sid_key_list *list) {
    free(list->rows);
    list->rows = NULL;
    list->count = 0;
}

/* ---- rotate -------------------------------------------------------------- */

static enum sid_err
rotate_run(struct sid_op *op, struct sid_store *store) {
    struct sid_key_rotate *rotate = (struct sid_key_rotate *)op;
    const char *actor = sid_caller_actor(&rotate->flow.caller);
    int64_t now_s = sid_now_s();
    enum sid_err err =
        sid_keys_rotate_in(store, *rotate->flow.app->master, rotate->use, actor,
                           now_s, &rotate->made);
    if (err == SID_OK && rotate->revoke_old)
        err = sid_keys_retire_codes_in(store, true, 0, actor, now_s,
                                       &rotate->dead);
    return err;
}

static enum sid_err
count_run(struct sid_op *op, struct sid_store *store) {
    struct sid_key_rotate *rotate = (struct sid_key_rotate *)op;
    return sid_keys_rewrap_begin(rotate->flow.app, store);
}

/* The key is on disk: now it is used. */
static void
rotate_done(struct sid_op *op) {
    struct sid_key_rotate *rotate = (struct sid_key_rotate *)op;
    struct sid_flow *flow = &rotate->flow;
    struct sid_keyring *ring = flow->app->keys;
    flow->err = op->err;
    /* Where there are other daemons, all begin to use it at the same time. */
    bool ahead = flow->app->shared.is && rotate->made.use != SID_KEY_CODE;
    if (flow->err == SID_OK)
        flow->err = (ahead ? sid_keyring_put_ahead : sid_keyring_put)(
            ring, rotate->made.use, rotate->made.version,
            rotate->made.made_at_s, rotate->made.key);
    if (flow->app->shared.is && flow->err == SID_E_EXISTS)
        flow->err = SID_OK; /* a look in the same batch was quicker */
    if (flow->err == SID_OK) {
        sid_keys_retire_codes(ring, rotate->dead);
        rotate->version = rotate->made.version;
        sid_log(SID_LOG_INFO, "key_made",
                SID_S("use", sid_key_use_name(rotate->use)),
                SID_N("version", rotate->version));
    }
    if (flow->err != SID_OK || rotate->use == SID_KEY_CODE) {
        flow->done(flow);
        return;
    }
    flow->op = (struct sid_op){
        .run = count_run, .done = sid_flow_end, .read_only = true};
    sid_writer_submit(flow->app->writer, &flow->op);
}

void
sid_key_rotate_start(struct sid_key_rotate *rotate) {
    if (!sid_flow_admit(&rotate->flow))
        return;
    if (rotate->flow.app->master == NULL)
        refuse(&rotate->flow, SID_E_CONFLICT);
    else if (rotate->use == SID_KEY_ROOT ||
             (rotate->revoke_old && rotate->use != SID_KEY_CODE))
        refuse(&rotate->flow, SID_E_FIELD_INVALID);
    else
        sid_flow_submit(&rotate->flow, rotate_run, rotate_done);
}

void
sid_key_rotate_fini(struct sid_key_rotate *rotate) {
    sid_wipe(&rotate->made, sizeof rotate->made);
}

/* ---- another master key -------------------------------------------------- */

struct others {
    const struct sid_app *app;
    bool found;
};

static enum sid_err
look_at_slot(int slot, void *ctx) {
    struct others *others = ctx;
    others->found = others->found || !sid_writers_have(others->app, slot);
    return SID_OK;
}

static enum sid_err
change_run(struct sid_op *op, struct sid_store *store) {
    struct sid_master_change *change = (struct sid_master_change *)op;
    struct others others = {.app = change->flow.app};
    enum sid_err err = sid_store_slot_each(
        store, sid_now_us() - SID_DEAD_AFTER_US, look_at_slot, &others);
    /* The others have the old one in their memory, and in their files. */
    if (err == SID_OK && others.found)
        err = SID_E_CONFLICT;
    if (err != SID_OK)
        return err;
    return sid_master_change_in(store, *change->flow.app->master, change->next,
                                sid_caller_actor(&change->flow.caller));
}

static void
change_done(struct sid_op *op) {
    struct sid_master_change *change = (struct sid_master_change *)op;
    struct sid_flow *flow = &change->flow;
    flow->err = op->err;
    if (op->err == SID_OK) {
        struct sid_master **now = flow->app->master;
        sid_master_free(now);
        *now = change->next;
        change->next = NULL;
        struct sid_config config;
        sid_app_config(flow->app, &config);
        /* Committed: whatever happens to the files, the new key is the one. */
        change->replaced = sid_master_replace_file(config.master_key_file,
                                                   change->next_path) == SID_OK;
        sid_log(SID_LOG_INFO, "master_key_changed",
                SID_S("file", change->replaced ? config.master_key_file
                                               : change->next_path));
    }
    flow->done(flow);
}

void
sid_master_change_start(struct sid_master_change *change) {
    struct sid_flow *flow = &change->flow;
    if (!sid_flow_admit(flow))
        return;
    struct sid_config config;
    sid_app_config(flow->app, &config);
    enum sid_err err = flow->app->master == NULL ? SID_E_CONFLICT : SID_OK;
    if (err == SID_OK && change->new_key_file[0] != '\0')
        memcpy(change->next_path, change->new_key_file,
               sizeof change->new_key_file);
    else if (err == SID_OK)
        err = sid_master_next_path(config.master_key_file, change->next_path,
                                   sizeof change->next_path);
    if (err == SID_OK)
        err = sid_master_load(change->next_path, &change->next);
    if (err != SID_OK)
        refuse(flow, err);
    else
        sid_flow_submit(flow, change_run, change_done);
}

void
sid_master_change_fini(struct sid_master_change *change) {
    sid_master_free(&change->next);
}
