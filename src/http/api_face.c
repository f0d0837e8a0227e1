/* api_face.c: what a clerk can still ask about a check: the person's portrait,
 * and whether a photo shows that person. io thread of the connection; flows
 * belong to the request. */
#include <string.h>

#include "api.h"
#include "server_priv.h"
#include "upload.h"

/* ---- GET /v1/verifications/{id}/portrait -------------------------------- */
static enum sid_err
portrait_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.portrait);
    memcpy(req->u.portrait.id, req->id, sizeof req->id);
    return SID_OK;
}

static void
portrait_start(struct sid_request *req) {
    sid_portrait_look_start(&req->u.portrait);
}

static enum sid_err
portrait_finish(struct sid_request *req) {
    enum sid_err err = sid_portrait_look_finish(&req->u.portrait);
    if (err != SID_OK)
        return err;
    req->answer.content_type = "image/jpeg";
    req->answer.show_inline = true;
    sid_buf_move(&req->u.portrait.portrait, &req->answer.body);
    return SID_OK;
}

static void
portrait_fini(struct sid_request *req) {
    sid_portrait_look_fini(&req->u.portrait);
}

const struct sid_handler sid_api_portrait = {
    .prepare = portrait_prepare,
    .start = portrait_start,
    .finish = portrait_finish,
    .fini = portrait_fini,
};

/* ---- POST /v1/verifications/{id}/face ----------------------------------- */
/* Last the place, which must be given back once it is taken. */
static enum sid_err
face_check(struct sid_request *req) {
    enum sid_err err =
        sid_face_check_known(req->door->server->app, &req->caller, req->id);
    return err == SID_OK ? sid_api_take_place(req) : err;
}

static enum sid_err
face_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.face);
    memcpy(req->u.face.id, req->id, sizeof req->id);
    sid_upload_take_photo(req->upload, SID_PHOTO_SELFIE, &req->u.face.photo);
    sid_upload_free(&req->upload);
    return SID_OK;
}

static void
face_start(struct sid_request *req) {
    req->has_place = false; /* the flow takes it over in every case */
    req->u.face.body_bytes = req->content_length;
    sid_face_check_start(&req->u.face);
}

static enum sid_err
face_finish(struct sid_request *req) {
    const struct sid_face_check *face = &req->u.face;
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_json_string(&json, "result", sid_face_result_name(face->result));
    if (face->reasons.count > 0)
        sid_api_write_reasons(&json, &face->reasons, false);
    else
        sid_json_string(&json, "band", sid_band_name(face->band));
    if (face->result == SID_FACE_MATCH)
        sid_json_string(&json, "assurance", "code+face");
    sid_json_int(&json, "tries_left", face->tries_left);
    sid_json_close(&json, '}');
    return json.err;
}

static void
face_fini(struct sid_request *req) {
    sid_face_check_fini(&req->u.face);
}

const struct sid_handler sid_api_face = {
    .check = face_check,
    .prepare = face_prepare,
    .start = face_start,
    .finish = face_finish,
    .fini = face_fini,
};
