/* api_search.c: an officer looks for a person. io thread of the connection; the
 * flow belongs to the request. */
#include <string.h>

#include "api.h"
#include "server_priv.h"

#define NUMBER_SIZE 73 /* see SID_NUMBER_PART_MAX_BYTES */

/* ---- POST /v1/credentials/search ----------------------------------------- */
static enum sid_err
take_number(struct sid_request *req, const char *number) {
    struct sid_credential_search *search = &req->u.search;
    search->by_number = true;
    enum sid_err err =
        sid_app_number_index(req->door->server->app, number, search->id_index);
    if (err == SID_E_FIELD_INVALID)
        sid_field_set(&req->field, "", "id_number");
    return err;
}

/* An id that cannot be is nobody's. */
static enum sid_err
take_credential(struct sid_request *req, const char *id) {
    if (!sid_id_valid("crd_", id)) {
        sid_field_set(&req->field, "", "credential_id");
        return SID_E_FIELD_INVALID;
    }
    memcpy(req->u.search.credential_id, id, SID_ID_SIZE);
    return SID_OK;
}

static enum sid_err
read_search(struct sid_request *req, const json_t *body) {
    static const char *const names[] = {"id_number", "credential_id", NULL};
    char number[NUMBER_SIZE] = "", id[SID_ID_SIZE] = "";
    enum sid_err err = sid_json_only(body, "", names, &req->field);
    if (err == SID_OK)
        err = sid_json_get_text(body,
                                &(struct sid_json_text){.path = "",
                                                        .name = "id_number",
                                                        .optional = true},
                                number, sizeof number, &req->field);
    if (err == SID_OK)
        err = sid_json_get_text(body,
                                &(struct sid_json_text){.path = "",
                                                        .name = "credential_id",
                                                        .optional = true},
                                id, sizeof id, &req->field);
    if (err == SID_OK && (number[0] == '\0') == (id[0] == '\0')) {
        sid_field_set(&req->field, "", "id_number");
        err = id[0] == '\0' ? SID_E_FIELD_MISSING : SID_E_FIELD_INVALID;
    }
    if (err == SID_OK)
        err = number[0] != '\0' ? take_number(req, number)
                                : take_credential(req, id);
    sid_wipe(number, sizeof number);
    return err;
}

static enum sid_err
search_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.search);
    json_t *body = NULL;
    enum sid_err err = sid_json_parse(sid_buf_span(&req->body), &body);
    if (err != SID_OK)
        return err;
    err = read_search(req, body);
    json_decref(body);
    return err;
}

static void
search_start(struct sid_request *req) {
    sid_credential_search_start(&req->u.search);
}

static enum sid_err
search_finish(struct sid_request *req) {
    struct sid_credential_search *search = &req->u.search;
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_json_open(&json, "credentials", '[');
    for (int i = 0; i < search->count; i++) {
        struct sid_credential_look *look = &search->rows[i];
        enum sid_err err = sid_credential_look_finish(look);
        if (err != SID_OK)
            return err;
        sid_json_open(&json, NULL, '{');
        sid_api_write_credential(&json, req, &look->credential, look->state);
        sid_api_write_details(&json, "fields", look->with_details,
                              &look->details);
        sid_json_close(&json, '}');
    }
    sid_json_close(&json, ']');
    sid_json_close(&json, '}');
    return json.err;
}

static void
search_fini(struct sid_request *req) {
    sid_credential_search_fini(&req->u.search);
}

const struct sid_handler sid_api_credential_search = {
    .prepare = search_prepare,
    .start = search_start,
    .finish = search_finish,
    .fini = search_fini,
};
