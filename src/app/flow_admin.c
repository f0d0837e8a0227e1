/* flow_admin.c: keys of clients (see flow_admin.h). The daemon's set of keys
 * follows the database: it is changed after the commit, before the answer. */
#include "smartid/flow_admin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app_internal.h"
#include "smartid/clock.h"
#include "smartid/text.h"

#define DETAIL_SIZE (SID_PURPOSE_NAMES_SIZE + SID_NETWORKS_TEXT_SIZE + 64)

static bool
name_clean(const char name[SID_CLIENT_NAME_SIZE]) {
    size_t len = strnlen(name, SID_CLIENT_NAME_SIZE);
    return len < SID_CLIENT_NAME_SIZE && sid_utf8_clean(name, len);
}

static void
note_unknown(const char *name, void *ctx) {
    (void)name;
    *(bool *)ctx = true;
}

static enum sid_err
check_order(const struct sid_client_order *order,
            const struct sid_purposes *purposes) {
    bool named = order->name[0] != '\0' && name_clean(order->name) &&
                 name_clean(order->party);
    bool lives = order->lifetime_s >= SID_CLIENT_LIFETIME_MIN_S &&
                 order->lifetime_s <= SID_CLIENT_LIFETIME_MAX_S;
    bool rated =
        order->per_minute >= 0 && order->per_minute <= SID_QUOTA_PER_MINUTE_MAX;
    bool unknown = false;
    uint64_t granted = sid_purposes_resolve(purposes, order->purpose_names,
                                            note_unknown, &unknown);
    bool grants_fit =
        order->role == SID_ROLE_CLERK
            ? granted != 0 && !unknown
            : order->purpose_names[0] == '\0' && order->party[0] == '\0';
    return named && lives && rated && grants_fit ? SID_OK : SID_E_FIELD_INVALID;
}

/* What was granted, for the audit log. */
static enum sid_err
audit_added(struct sid_store *store, const struct sid_client *client,
            const char *actor) {
    char networks[SID_NETWORKS_TEXT_SIZE];
    char detail[DETAIL_SIZE];
    sid_networks_text(&client->networks, networks);
    (void)snprintf(detail, sizeof detail,
                   "networks=\"%s\" purposes=\"%s\" per_minute=%" PRId64,
                   networks, client->purpose_names, client->per_minute);
    return sid_app_audit(store, "client_added", actor, client->id,
                         sid_role_name(client->role), detail);
}

enum sid_err
sid_client_add_in(struct sid_store *store, const struct sid_purposes *purposes,
                  const struct sid_client_order *order, const char *actor,
                  int64_t now_us, struct sid_client *client,
                  char key[SID_APIKEY_SIZE]) {
    enum sid_err err = check_order(order, purposes);
    if (err != SID_OK)
        return err;
    struct sid_client made = {
        .role = order->role,
        .networks = order->networks,
        .per_minute = order->per_minute,
        .created_at_s = now_us / 1000000,
        .expires_at_s = now_us / 1000000 + order->lifetime_s,
    };
    memcpy(made.name, order->name, sizeof made.name);
    memcpy(made.purpose_names, order->purpose_names, sizeof made.purpose_names);
    if (order->role == SID_ROLE_CLERK)
        memcpy(made.party, order->party[0] != '\0' ? order->party : order->name,
               sizeof made.party);
    char text[SID_APIKEY_SIZE];
    err = sid_id_make("cli_", made.id);
    if (err == SID_OK)
        err = sid_apikey_make(&made, text);
    if (err == SID_OK)
        err = sid_store_client_put(store, &made);
    if (err == SID_OK)
        err = audit_added(store, &made, actor);
    if (err == SID_OK) {
        *client = made;
        memcpy(key, text, sizeof text);
    }
    sid_wipe(text, sizeof text);
    return err;
}

enum sid_err
sid_client_list_in(struct sid_store *store, const char *actor,
                   enum sid_err (*each)(const struct sid_client *client,
                                        void *ctx),
                   void *ctx) {
    enum sid_err err = sid_store_client_each(store, each, ctx);
    if (err == SID_OK)
        err = sid_app_audit(store, "clients_listed", actor, "", "shown", "");
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

/* ---- flows --------------------------------------------------------------- */

static enum sid_err
add_run(struct sid_op *op, struct sid_store *store) {
    struct sid_client_add *add = (struct sid_client_add *)op;
    return sid_client_add_in(store, sid_app_purposes(add->flow.app),
                             &add->order, sid_caller_actor(&add->flow.caller),
                             sid_now_us(), &add->client, add->key);
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
    struct sid_client_list *list = (struct sid_client_list *)op;
    sid_client_list_fini(list);
    enum sid_err err = sid_client_list_in(
        store, sid_caller_actor(&list->flow.caller), list_one, list);
    if (err != SID_OK || list->count == 0)
        return err;
    list->failures = calloc((size_t)list->count, sizeof *list->failures);
    if (list->failures == NULL)
        return SID_E_NO_MEMORY;
    for (int i = 0; i < list->count; i++)
        list->failures[i] =
            sid_keyset_failures(list->flow.app->keyset, list->rows[i].id);
    return SID_OK;
}

void
sid_client_list_start(struct sid_client_list *list) {
    if (sid_flow_admit(&list->flow))
        sid_flow_submit(&list->flow, list_run, sid_flow_end);
}

void
sid_client_list_fini(struct sid_client_list *list) {
    free(list->rows);
    free(list->failures);
    list->rows = NULL;
    list->failures = NULL;
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
