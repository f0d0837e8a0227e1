/* api_recover.c: a lost phone: by an app with a fresh selfie, by an officer at
 * the counter. io thread of the connection; what prepare makes belongs to the
 * flow in the request. */
#include <string.h>

#include "api.h"
#include "server_priv.h"
#include "upload.h"

static bool
by_officer(const struct sid_request *req) {
    return req->caller.role == SID_ROLE_OFFICER;
}

/* The place among the workers is for who sends photos. */
static enum sid_err
recover_check(struct sid_request *req) {
    return by_officer(req) ? SID_OK : sid_api_take_place(req);
}

static enum sid_err
read_reason(const json_t *body, enum sid_recover_reason *out,
            struct sid_field *field) {
    static const char *const names[] = {"reason", NULL};
    static const struct sid_json_text what = {.path = "", .name = "reason"};
    char word[24];
    enum sid_err err = sid_json_only(body, "", names, field);
    if (err == SID_OK)
        err = sid_json_get_text(body, &what, word, sizeof word, field);
    if (err != SID_OK)
        return err;
    err = sid_recover_reason_parse(word, out);
    if (err != SID_OK)
        sid_field_set(field, what.path, what.name);
    return err;
}

/* Who does not know the credential shows the number of its person. */
static enum sid_err
take_number(struct sid_request *req) {
    char number[SID_NUMBER_PART_MAX_BYTES + 1];
    struct sid_span text = sid_upload_text(req->upload, SID_TEXT_NUMBER);
    const struct sid_json_text what = {.path = "", .name = "id_number"};
    enum sid_err err =
        sid_json_take_text((const char *)text.ptr, text.len, &what, number,
                           sizeof number, &req->field);
    if (err == SID_OK)
        err = sid_app_number_index(req->door->server->app, number,
                                   req->u.recover.id_index);
    if (err == SID_E_FIELD_INVALID)
        sid_field_set(&req->field, "", "id_number");
    sid_wipe(number, sizeof number);
    return err;
}

static enum sid_err
recovery_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.recover);
    struct sid_recover *recover = &req->u.recover;
    recover->by_number = true;
    memcpy(recover->wechat_account, req->session.wechat_account,
           sizeof recover->wechat_account);
    memcpy(recover->wechat_openid, req->session.wechat_openid,
           sizeof recover->wechat_openid);
    enum sid_err err = take_number(req);
    return err == SID_OK
               ? sid_api_take_photos(req, recover->photo, recover->challenge_id)
               : err;
}

static enum sid_err
recover_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.recover);
    struct sid_recover *recover = &req->u.recover;
    memcpy(recover->look.id, req->id, sizeof req->id);
    if (!by_officer(req))
        return sid_api_take_photos(req, recover->photo, recover->challenge_id);
    json_t *body = NULL;
    enum sid_err err = sid_json_parse(sid_buf_span(&req->body), &body);
    if (err == SID_OK)
        err = read_reason(body, &recover->reason, &req->field);
    json_decref(body);
    return err;
}

static void
recover_start(struct sid_request *req) {
    req->has_place = false; /* the flow takes it over in every case */
    req->u.recover.body_bytes = req->content_length;
    sid_recover_start(&req->u.recover);
}

static enum sid_err
recover_finish(struct sid_request *req) {
    const struct sid_recover *recover = &req->u.recover;
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_json_bool(&json, "recovered", recover->recovered);
    if (recover->recovered) {
        sid_json_open(&json, "credential", '{');
        sid_api_write_credential(&json, req, &recover->look.credential,
                                 recover->look.state);
        sid_json_close(&json, '}');
        sid_json_string(&json, "holder_secret", recover->holder_secret);
    } else {
        sid_api_write_reasons(&json, &recover->reasons, false);
        if (!recover->by_number)
            sid_json_int(&json, "tries_left", recover->tries_left);
    }
    sid_json_close(&json, '}');
    return json.err;
}

static void
recover_fini(struct sid_request *req) {
    sid_recover_fini(&req->u.recover);
}

const struct sid_handler sid_api_credential_recover = {
    .check = recover_check,
    .prepare = recover_prepare,
    .start = recover_start,
    .finish = recover_finish,
    .fini = recover_fini,
};

/* ---- POST /v1/recoveries ------------------------------------------------- */
const struct sid_handler sid_api_recovery = {
    .check = sid_api_take_place,
    .prepare = recovery_prepare,
    .start = recover_start,
    .finish = recover_finish,
    .fini = recover_fini,
};
