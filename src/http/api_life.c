/* api_life.c: suspending, resuming and revoking a credential. io thread of the
 * connection; flows belong to the request. */
#include <string.h>

#include "api.h"

enum sid_err
sid_api_nothing(struct sid_request *req) {
    static const char *const names[] = {NULL};
    if (req->body.len == 0)
        return SID_OK;
    json_t *body = NULL;
    enum sid_err err = sid_json_parse(sid_buf_span(&req->body), &body);
    if (err != SID_OK)
        return err;
    err = sid_json_only(body, "", names, &req->field);
    json_decref(body);
    return err;
}

static void
make(struct sid_request *req, enum sid_change change) {
    sid_request_make_flow(req, sizeof req->u.change);
    memcpy(req->u.change.look.id, req->id, sizeof req->id);
    req->u.change.change = change;
}

void
sid_api_change_start(struct sid_request *req) {
    sid_credential_change_start(&req->u.change);
}

enum sid_err
sid_api_change_finish(struct sid_request *req) {
    const struct sid_credential_look *look = &req->u.change.look;
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_api_write_credential(&json, req, &look->credential, look->state);
    sid_json_close(&json, '}');
    return json.err;
}

void
sid_api_change_fini(struct sid_request *req) {
    sid_credential_change_fini(&req->u.change);
}

/* ---- POST /v1/credentials/{id}/suspend ---------------------------------- */
static enum sid_err
suspend_prepare(struct sid_request *req) {
    make(req, SID_CHANGE_SUSPEND);
    return sid_api_nothing(req);
}

const struct sid_handler sid_api_credential_suspend = {
    .prepare = suspend_prepare,
    .start = sid_api_change_start,
    .finish = sid_api_change_finish,
    .fini = sid_api_change_fini,
};

/* ---- POST /v1/credentials/{id}/resume ----------------------------------- */
static enum sid_err
resume_prepare(struct sid_request *req) {
    make(req, SID_CHANGE_RESUME);
    return sid_api_nothing(req);
}

const struct sid_handler sid_api_credential_resume = {
    .prepare = resume_prepare,
    .start = sid_api_change_start,
    .finish = sid_api_change_finish,
    .fini = sid_api_change_fini,
};

/* ---- POST /v1/credentials/{id}/revoke ----------------------------------- */
static enum sid_err
read_revocation(const json_t *body, struct sid_credential_change *change,
                struct sid_field *field) {
    static const char *const names[] = {"reason", "note", NULL};
    static const struct sid_json_text reason = {.path = "", .name = "reason"};
    static const struct sid_json_text note = {
        .path = "", .name = "note", .optional = true, .trim = true};
    char word[SID_REVOKE_REASON_SIZE];
    enum sid_err err = sid_json_only(body, "", names, field);
    if (err == SID_OK)
        err = sid_json_get_text(body, &reason, word, sizeof word, field);
    if (err != SID_OK)
        return err;
    /* Whether it is the caller's to say is for the flow. */
    err = sid_revoke_reason_parse(word, &change->reason);
    if (err != SID_OK) {
        sid_field_set(field, reason.path, reason.name);
        return err;
    }
    return sid_json_get_text(body, &note, change->note, sizeof change->note,
                             field);
}

static enum sid_err
revoke_prepare(struct sid_request *req) {
    make(req, SID_CHANGE_REVOKE);
    json_t *body = NULL;
    enum sid_err err = sid_json_parse(sid_buf_span(&req->body), &body);
    if (err != SID_OK)
        return err;
    err = read_revocation(body, &req->u.change, &req->field);
    json_decref(body);
    return err;
}

const struct sid_handler sid_api_credential_revoke = {
    .prepare = revoke_prepare,
    .start = sid_api_change_start,
    .finish = sid_api_change_finish,
    .fini = sid_api_change_fini,
};
