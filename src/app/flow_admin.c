/* flow_admin.c: keys of clients (see flow_admin.h). The daemon's set of keys
 * follows the database: it is changed after the commit, before the answer. */
#include "smartid/flow_admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app_internal.h"
#include "smartid/clock.h"
#include "smartid/text.h"

static enum sid_err
check_order(const struct sid_client_order *order) {
    size_t len = strnlen(order->name, sizeof order->name);
    bool named =
        len > 0 && len < sizeof order->name && sid_utf8_clean(order->name, len);
    bool lives = order->lifetime_s >= SID_CLIENT_LIFETIME_MIN_S &&
                 order->lifetime_s <= SID_CLIENT_LIFETIME_MAX_S;
    bool purposes_fit = order->role == SID_ROLE_CLERK ? order->purposes != 0
                                                      : order->purposes == 0;
    return named && lives && purposes_fit ? SID_OK : SID_E_FIELD_INVALID;
}

enum sid_err
sid_client_add_in(struct sid_store *store, const struct sid_client_order *order,
                  const char *actor, int64_t now_us, struct sid_client *client,
                  char key[SID_APIKEY_SIZE]) {
    enum sid_err err = check_order(order);
    if (err != SID_OK)
        return err;
    struct sid_client made = {
        .role = order->role,
        .purposes = order->purposes,
        .created_at_s = now_us / 1000000,
        .expires_at_s = now_us / 1000000 + order->lifetime_s,
    };
    memcpy(made.name, order->name, sizeof made.name);
    char text[SID_APIKEY_SIZE];
    err = sid_id_make("cli_", made.id);
    if (err == SID_OK)
        err = sid_apikey_make(&made, text);
    if (err == SID_OK)
        err = sid_store_client_put(store, &made);
    if (err == SID_OK)
        err = sid_app_audit(store, "client_added", actor, made.id,
                            sid_role_name(made.role), "");
    if (err == SID_OK) {
        *client = made;
        memcpy(key, text, sizeof text);
    }
    sid_wipe(text, sizeof text);
    return err;
}

enum sid_err
sid_client_revoke_in(struct sid_store *store, const char *id, const char *actor,
                     int64_t now_us) {
    enum sid_err err = sid_store_client_revoke(store, id, now_us / 1000000);
    if (err == SID_OK)
        err = sid_app_audit(store, "client_revoked", actor, id, "revoked", "");
    return err;
}

/* ---- flows ----------------------------------------------------------------
 */

static enum sid_err
add_run(struct sid_op *op, struct sid_store *store) {
    struct sid_client_add *add = (struct sid_client_add *)op;
    return sid_client_add_in(store, &add->order,
                             sid_caller_actor(&add->flow.caller), sid_now_us(),
                             &add->client, add->key);
}

static void
add_done(struct sid_op *op) {
    struct sid_client_add *add = (struct sid_client_add *)op;
    add->flow.err = op->err;
    if (op->err == SID_OK)
        add->flow.err = sid_keyset_put(add->flow.app->keyset, &add->client);
    add->flow.done(&add->flow);
}

void
sid_client_add_start(struct sid_client_add *add) {
    if (sid_flow_admit(&add->flow))
        sid_flow_submit(&add->flow, add_run, add_done);
}

void
sid_client_add_fini(struct sid_client_add *add) {
    sid_wipe(add->key, sizeof add->key);
}

static enum sid_err
list_one(const struct sid_client *client, void *ctx) {
    struct sid_client_list *list = ctx;
    if ((list->count & (list->count - 1)) == 0) { /* full at powers of two */
        size_t room = list->count == 0 ? 1 : (size_t)list->count * 2;
        struct sid_client *rows = realloc(list->rows, room * sizeof *rows);
        if (rows == NULL)
            return SID_E_NO_MEMORY;
        list->rows = rows;
    }
    list->rows[list->count++] = *client;
    return SID_OK;
}

static enum sid_err
list_run(struct sid_op *op, struct sid_store *store) {
    return sid_store_client_each(store, list_one, (struct sid_client_list *)op);
}

void
sid_client_list_start(struct sid_client_list *list) {
    if (!sid_flow_admit(&list->flow))
        return;
    list->flow.op.read_only = true;
    sid_flow_submit(&list->flow, list_run, sid_flow_end);
}

void
sid_client_list_fini(struct sid_client_list *list) {
    free(list->rows);
    list->rows = NULL;
    list->count = 0;
}

static enum sid_err
revoke_run(struct sid_op *op, struct sid_store *store) {
    struct sid_client_revoke *revoke = (struct sid_client_revoke *)op;
    return sid_client_revoke_in(store, revoke->id,
                                sid_caller_actor(&revoke->flow.caller),
                                sid_now_us());
}

static void
revoke_done(struct sid_op *op) {
    struct sid_client_revoke *revoke = (struct sid_client_revoke *)op;
    revoke->flow.err = op->err;
    if (op->err == SID_OK)
        sid_keyset_revoke(revoke->flow.app->keyset, revoke->id);
    revoke->flow.done(&revoke->flow);
}

void
sid_client_revoke_start(struct sid_client_revoke *revoke) {
    if (sid_flow_admit(&revoke->flow))
        sid_flow_submit(&revoke->flow, revoke_run, revoke_done);
}
