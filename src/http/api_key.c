/* api_key.c: the daemon's own keys, for admins and smartidctl. io thread of the
 * connection; flows belong to the request. */
#include <string.h>

#include "api.h"
#include "server_priv.h"

/* ---- GET /v1/keys -------------------------------------------------------- */
static enum sid_err
list_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.key_list);
    return SID_OK;
}

static void
list_start(struct sid_request *req) {
    sid_key_list_start(&req->u.key_list);
}

static const char *
state_of(const struct sid_key_list *list, const struct sid_wrapped_key *key) {
    if (key->retired_at_s != 0)
        return "destroyed";
    return key->version == list->current[key->use] ? "current" : "valid";
}

static enum sid_err
list_finish(struct sid_request *req) {
    const struct sid_key_list *list = &req->u.key_list;
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_json_open(&json, "keys", '[');
    for (size_t i = 0; i < list->count; i++) {
        const struct sid_wrapped_key *key = &list->rows[i];
        sid_json_open(&json, NULL, '{');
        sid_json_string(&json, "use", sid_key_use_name(key->use));
        sid_json_int(&json, "version", key->version);
        sid_json_string(&json, "state", state_of(list, key));
        sid_json_time(&json, "made_at", key->made_at_s);
        if (key->retired_at_s != 0)
            sid_json_time(&json, "destroyed_at", key->retired_at_s);
        sid_json_close(&json, '}');
    }
    sid_json_close(&json, ']');
    sid_json_open(&json, "rewrap", '{');
    sid_json_int(&json, "left", list->rewrap_left);
    sid_json_int(&json, "total", list->rewrap_total);
    sid_json_close(&json, '}');
    sid_json_close(&json, '}');
    return json.err;
}

static void
list_fini(struct sid_request *req) {
    sid_key_list_fini(&req->u.key_list);
}

const struct sid_handler sid_api_key_list = {
    .prepare = list_prepare,
    .start = list_start,
    .finish = list_finish,
    .fini = list_fini,
};

/* ---- POST /v1/keys/rotate ------------------------------------------------ */
static enum sid_err
read_rotate(const json_t *body, struct sid_key_rotate *rotate,
            struct sid_field *field) {
    static const char *const names[] = {"use", "revoke_old", NULL};
    char use[16];
    enum sid_err err = sid_json_only(body, "", names, field);
    if (err == SID_OK)
        err = sid_json_get_text(
            body, &(struct sid_json_text){.path = "", .name = "use"}, use,
            sizeof use, field);
    if (err != SID_OK)
        return err;
    if (sid_key_use_parse(use, &rotate->use) != SID_OK ||
        rotate->use == SID_KEY_ROOT) {
        sid_field_set(field, "", "use");
        return SID_E_FIELD_INVALID;
    }
    const json_t *revoke_old = json_object_get(body, "revoke_old");
    rotate->revoke_old = json_is_true(revoke_old);
    if ((revoke_old != NULL && !json_is_boolean(revoke_old)) ||
        (rotate->revoke_old && rotate->use != SID_KEY_CODE)) {
        sid_field_set(field, "", "revoke_old");
        return SID_E_FIELD_INVALID;
    }
    return SID_OK;
}

static enum sid_err
rotate_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.key_rotate);
    json_t *body = NULL;
    enum sid_err err = sid_json_parse(sid_buf_span(&req->body), &body);
    if (err != SID_OK)
        return err;
    err = read_rotate(body, &req->u.key_rotate, &req->field);
    json_decref(body);
    return err;
}

static void
rotate_start(struct sid_request *req) {
    sid_key_rotate_start(&req->u.key_rotate);
}

static enum sid_err
rotate_finish(struct sid_request *req) {
    const struct sid_key_rotate *rotate = &req->u.key_rotate;
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_json_string(&json, "use", sid_key_use_name(rotate->use));
    sid_json_int(&json, "version", rotate->version);
    sid_json_close(&json, '}');
    return json.err;
}

static void
rotate_fini(struct sid_request *req) {
    sid_key_rotate_fini(&req->u.key_rotate);
}

const struct sid_handler sid_api_key_rotate = {
    .prepare = rotate_prepare,
    .start = rotate_start,
    .finish = rotate_finish,
    .fini = rotate_fini,
};

/* ---- POST /v1/keys/master ------------------------------------------------ */
/* It names a file of this machine: the route is for those who are on it. */
static enum sid_err
master_prepare(struct sid_request *req) {
    static const char *const names[] = {"new_key_file", NULL};
    sid_request_make_flow(req, sizeof req->u.master_change);
    if (req->body.len == 0)
        return SID_OK;
    struct sid_master_change *change = &req->u.master_change;
    json_t *body = NULL;
    enum sid_err err = sid_json_parse(sid_buf_span(&req->body), &body);
    if (err != SID_OK)
        return err;
    err = sid_json_only(body, "", names, &req->field);
    if (err == SID_OK)
        err = sid_json_get_text(
            body,
            &(struct sid_json_text){
                .path = "", .name = "new_key_file", .optional = true},
            change->new_key_file, sizeof change->new_key_file, &req->field);
    json_decref(body);
    return err;
}

static void
master_start(struct sid_request *req) {
    sid_master_change_start(&req->u.master_change);
}

static enum sid_err
master_finish(struct sid_request *req) {
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_json_bool(&json, "replaced", req->u.master_change.replaced);
    sid_json_close(&json, '}');
    return json.err;
}

static void
master_fini(struct sid_request *req) {
    sid_master_change_fini(&req->u.master_change);
}

const struct sid_handler sid_api_master_change = {
    .prepare = master_prepare,
    .start = master_start,
    .finish = master_finish,
    .fini = master_fini,
};
