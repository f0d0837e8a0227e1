/* api_client.c: keys of clients, for admins and smartidctl. io thread of the
 * connection; flows belong to the request. */
#include <string.h>

#include "api.h"
#include "server_priv.h"
#include "smartid/clock.h"

/* A client's trust: what it may ask, for whom, and from where. */
static void
write_grants(struct sid_json *json, const struct sid_client *client) {
    char name[SID_PURPOSE_NAME_SIZE];
    sid_json_open(json, "purposes", '[');
    for (const char *at = client->purpose_names;
         sid_purpose_names_next(&at, name);)
        sid_json_string(json, NULL, name);
    sid_json_close(json, ']');
    if (client->party[0] != '\0')
        sid_json_string(json, "party", client->party);
    sid_json_open(json, "networks", '[');
    for (size_t i = 0; i < client->networks.count; i++) {
        char network[SID_NETWORK_TEXT_SIZE];
        sid_network_text(&client->networks.item[i], network);
        sid_json_string(json, NULL, network);
    }
    sid_json_close(json, ']');
}

static const char *
state_of(const struct sid_client *client) {
    if (client->revoked_at_s != 0)
        return "revoked";
    return client->expires_at_s <= sid_now_s() ? "expired" : "active";
}

static void
write_client(struct sid_json *json, const struct sid_client *client) {
    sid_json_string(json, "id", client->id);
    sid_json_string(json, "name", client->name);
    sid_json_string(json, "role", sid_role_name(client->role));
    sid_json_string(json, "state", state_of(client));
    write_grants(json, client);
    if (client->per_minute != 0)
        sid_json_int(json, "per_minute", client->per_minute);
    sid_json_time(json, "created_at", client->created_at_s);
    sid_json_time(json, "expires_at", client->expires_at_s);
    if (client->revoked_at_s != 0)
        sid_json_time(json, "revoked_at", client->revoked_at_s);
}

/* ---- POST /v1/clients --------------------------------------------------- */
/* Calls take with each text of a list. */
typedef enum sid_err take_text_fn(struct sid_client_order *order,
                                  const char *text);

static enum sid_err
read_list(const json_t *list, struct sid_client_order *order,
          take_text_fn *take) {
    if (!json_is_array(list))
        return SID_E_FIELD_INVALID;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text == NULL || take(order, text) != SID_OK)
            return SID_E_FIELD_INVALID;
    }
    return SID_OK;
}

static enum sid_err
take_purpose(struct sid_client_order *order, const char *text) {
    return sid_purpose_names_add(order->purpose_names, text);
}

static enum sid_err
take_network(struct sid_client_order *order, const char *text) {
    return sid_networks_add(&order->networks, text, strlen(text));
}

static enum sid_err
read_lifetime(const json_t *lifetime, struct sid_client_order *order) {
    order->lifetime_s =
        json_is_integer(lifetime) ? json_integer_value(lifetime) : 0;
    return order->lifetime_s >= SID_CLIENT_LIFETIME_MIN_S &&
                   order->lifetime_s <= SID_CLIENT_LIFETIME_MAX_S
               ? SID_OK
               : SID_E_FIELD_INVALID;
}

static enum sid_err
read_rate(const json_t *rate, struct sid_client_order *order) {
    order->per_minute = json_is_integer(rate) ? json_integer_value(rate) : -1;
    return order->per_minute >= 0 &&
                   order->per_minute <= SID_QUOTA_PER_MINUTE_MAX
               ? SID_OK
               : SID_E_FIELD_INVALID;
}

static enum sid_err
read_optional(const json_t *body, struct sid_client_order *order,
              struct sid_field *field) {
    const json_t *purposes = json_object_get(body, "purposes");
    const json_t *networks = json_object_get(body, "networks");
    const json_t *lifetime = json_object_get(body, "lifetime_s");
    const json_t *rate = json_object_get(body, "per_minute");
    enum sid_err err = SID_OK;
    order->lifetime_s = SID_CLIENT_LIFETIME_S;
    sid_field_set(field, "", "purposes");
    if (purposes != NULL)
        err = read_list(purposes, order, take_purpose);
    if (err != SID_OK)
        return err;
    sid_field_set(field, "", "networks");
    if (networks != NULL)
        err = read_list(networks, order, take_network);
    if (err != SID_OK)
        return err;
    sid_field_set(field, "", "lifetime_s");
    if (lifetime != NULL)
        err = read_lifetime(lifetime, order);
    if (err != SID_OK)
        return err;
    sid_field_set(field, "", "per_minute");
    if (rate != NULL)
        err = read_rate(rate, order);
    if (err != SID_OK)
        return err;
    return sid_json_get_text(
        body,
        &(struct sid_json_text){
            .path = "", .name = "party", .optional = true, .trim = true},
        order->party, sizeof order->party, field);
}

/* A clerk needs a purpose that is in force; nobody else has one, or a party. */
static enum sid_err
check_grants(const struct sid_client_order *order,
             const struct sid_purposes *purposes, struct sid_field *field) {
    bool clerk = order->role == SID_ROLE_CLERK;
    bool granted = order->purpose_names[0] != '\0';
    sid_field_set(field, "", "party");
    if (!clerk && order->party[0] != '\0')
        return SID_E_FIELD_INVALID;
    sid_field_set(field, "", "purposes");
    if (clerk != granted)
        return clerk ? SID_E_FIELD_MISSING : SID_E_FIELD_INVALID;
    char name[SID_PURPOSE_NAME_SIZE];
    for (const char *at = order->purpose_names;
         sid_purpose_names_next(&at, name);) {
        if (sid_purposes_find(purposes, name) == NULL)
            return SID_E_FIELD_INVALID;
    }
    return SID_OK;
}

static enum sid_err
read_order(const json_t *body, const struct sid_purposes *purposes,
           struct sid_client_order *order, struct sid_field *field) {
    static const char *const names[] = {"name",       "role",     "purposes",
                                        "party",      "networks", "lifetime_s",
                                        "per_minute", NULL};
    char role[16];
    enum sid_err err = sid_json_only(body, "", names, field);
    if (err == SID_OK)
        err = sid_json_get_text(
            body,
            &(struct sid_json_text){.path = "", .name = "name", .trim = true},
            order->name, sizeof order->name, field);
    if (err == SID_OK)
        err = sid_json_get_text(
            body, &(struct sid_json_text){.path = "", .name = "role"}, role,
            sizeof role, field);
    if (err != SID_OK)
        return err;
    if (sid_role_parse(role, &order->role) != SID_OK) {
        sid_field_set(field, "", "role");
        return SID_E_FIELD_INVALID;
    }
    err = read_optional(body, order, field);
    if (err == SID_OK)
        err = check_grants(order, purposes, field);
    return err;
}

static enum sid_err
add_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.client_add);
    json_t *body = NULL;
    enum sid_err err = sid_json_parse(sid_buf_span(&req->body), &body);
    if (err != SID_OK)
        return err;
    err = read_order(body, sid_app_purposes(req->door->server->app),
                     &req->u.client_add.order, &req->field);
    json_decref(body);
    if (err == SID_OK)
        req->field.name[0] = '\0';
    return err;
}

static void
add_start(struct sid_request *req) {
    sid_client_add_start(&req->u.client_add);
}

static enum sid_err
add_finish(struct sid_request *req) {
    const struct sid_client_add *made = &req->u.client_add;
    req->answer.success = SID_SUCCESS_CREATED;
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    write_client(&json, &made->client);
    sid_json_string(&json, "key", made->key);
    sid_json_close(&json, '}');
    return json.err;
}

static void
add_fini(struct sid_request *req) {
    sid_client_add_fini(&req->u.client_add);
}

const struct sid_handler sid_api_client_add = {
    .prepare = add_prepare,
    .start = add_start,
    .finish = add_finish,
    .fini = add_fini,
};

/* ---- GET /v1/clients ---------------------------------------------------- */
static enum sid_err
list_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.client_list);
    return SID_OK;
}

static void
list_start(struct sid_request *req) {
    sid_client_list_start(&req->u.client_list);
}

static enum sid_err
list_finish(struct sid_request *req) {
    const struct sid_client_list *list = &req->u.client_list;
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_json_open(&json, "clients", '[');
    for (int i = 0; i < list->count; i++) {
        sid_json_open(&json, NULL, '{');
        write_client(&json, &list->rows[i]);
        sid_json_int(&json, "failures", (int64_t)list->failures[i]);
        sid_json_close(&json, '}');
    }
    sid_json_close(&json, ']');
    sid_json_close(&json, '}');
    return json.err;
}

static void
list_fini(struct sid_request *req) {
    sid_client_list_fini(&req->u.client_list);
}

const struct sid_handler sid_api_client_list = {
    .prepare = list_prepare,
    .start = list_start,
    .finish = list_finish,
    .fini = list_fini,
};

/* ---- POST /v1/clients/{id}/revoke --------------------------------------- */
static enum sid_err
revoke_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.client_revoke);
    memcpy(req->u.client_revoke.id, req->id, sizeof req->id);
    return sid_api_nothing(req);
}

static void
revoke_start(struct sid_request *req) {
    sid_client_revoke_start(&req->u.client_revoke);
}

static enum sid_err
revoke_finish(struct sid_request *req) {
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_json_string(&json, "id", req->id);
    sid_json_string(&json, "state", "revoked");
    sid_json_close(&json, '}');
    return json.err;
}

const struct sid_handler sid_api_client_revoke = {
    .prepare = revoke_prepare,
    .start = revoke_start,
    .finish = revoke_finish,
};
