/* api_appeal.c: a rejected person appeals. io thread of the connection; what
 * prepare makes belongs to the flow in the request. */
#include <string.h>

#include "api.h"
#include "server_priv.h"
#include "smartid/text.h"
#include "upload.h"

/* ---- POST /v1/enrollments/{id}/appeal ----------------------------------- */
/* The person's words; they end with the last byte of the part. */
static enum sid_err
read_statement(struct sid_request *req, struct sid_enrol_appeal *appeal) {
    struct sid_span text = sid_upload_text(req->upload, SID_TEXT_STATEMENT);
    if (text.len == 0)
        return SID_OK;
    if (!sid_utf8_clean((const char *)text.ptr, text.len)) {
        sid_field_set(&req->field, "", "statement");
        return SID_E_FIELD_INVALID;
    }
    memcpy(appeal->statement, text.ptr, text.len);
    return SID_OK;
}

static enum sid_err
appeal_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.appeal);
    struct sid_enrol_appeal *appeal = &req->u.appeal;
    memcpy(appeal->get.id, req->id, sizeof req->id);
    enum sid_err err = read_statement(req, appeal);
    if (err == SID_OK)
        err = sid_api_take_photos(req, appeal->photo, appeal->challenge_id);
    if (err != SID_OK)
        return err;
    sid_api_grant_wait(req);
    appeal->get.wait_until_us = sid_api_wait_until_us(req);
    return SID_OK;
}

static void
appeal_start(struct sid_request *req) {
    req->has_place = false; /* the flow takes it over in every case */
    req->u.appeal.body_bytes = req->content_length;
    sid_enrol_appeal_start(&req->u.appeal);
}

static enum sid_err
appeal_finish(struct sid_request *req) {
    const struct sid_enrolment *enrolment = &req->u.appeal.get.enrolment;
    struct sid_json json;
    sid_api_answer_sent(req, enrolment);
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_api_write_enrolment(&json, req, enrolment, false);
    sid_json_close(&json, '}');
    return json.err;
}

static void
appeal_fini(struct sid_request *req) {
    sid_enrol_appeal_fini(&req->u.appeal);
}

/* Anybody can write down something of the form of a holder's secret. The room
 * for photos is for who holds the right one. */
static enum sid_err
appeal_check(struct sid_request *req) {
    if (req->caller.role == SID_ROLE_HOLDER &&
        !sid_app_holds(req->door->server->app, &req->caller, req->id))
        return SID_E_NOT_FOUND;
    return sid_api_take_place(req);
}

const struct sid_handler sid_api_enrol_appeal = {
    .check = appeal_check,
    .prepare = appeal_prepare,
    .start = appeal_start,
    .finish = appeal_finish,
    .fini = appeal_fini,
};
