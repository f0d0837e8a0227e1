/* api_review.c: what officers do: list what waits, look at the photos, decide.
 * io thread of the connection; flows belong to the request. */
#include <string.h>

#include "api.h"

/* ---- GET /v1/enrollments ------------------------------------------------ */
static enum sid_err
refuse(struct sid_request *req, const char *name, enum sid_err err) {
    sid_field_set(&req->field, "", name);
    return err;
}

/* Whose eyes it waits for: the first officer's or the second one's. */
static bool
read_waiting(const char *text, enum sid_waiting *out) {
    if (strcmp(text, "first") == 0)
        *out = SID_WAITING_FIRST;
    else if (strcmp(text, "second") == 0)
        *out = SID_WAITING_SECOND;
    else
        return false;
    return true;
}

static enum sid_err
read_list(struct sid_request *req, struct sid_enrol_list *list) {
    static const char *const names[] = {"state", "after", "limit", "waiting",
                                        NULL};
    enum sid_err err = sid_request_query_only(req, names);
    if (err != SID_OK)
        return err;
    const char *state = sid_request_query(req, "state");
    if (state == NULL)
        return refuse(req, "state", SID_E_FIELD_MISSING);
    if (sid_enrol_state_parse(state, &list->state) != SID_OK)
        return refuse(req, "state", SID_E_FIELD_INVALID);
    const char *waiting = sid_request_query(req, "waiting");
    if (waiting != NULL && !read_waiting(waiting, &list->waiting))
        return refuse(req, "waiting", SID_E_FIELD_INVALID);
    return sid_request_page(req, "enr_", list->after, &list->limit);
}

static enum sid_err
list_check(struct sid_request *req) {
    struct sid_enrol_list ignored = {.limit = 0};
    return read_list(req, &ignored);
}

static enum sid_err
list_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.list);
    return read_list(req, &req->u.list);
}

static void
list_start(struct sid_request *req) {
    sid_enrol_list_start(&req->u.list);
}

static enum sid_err
list_finish(struct sid_request *req) {
    const struct sid_enrol_list *list = &req->u.list;
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_json_open(&json, "enrollments", '[');
    for (int i = 0; i < list->count; i++) {
        sid_json_open(&json, NULL, '{');
        sid_api_write_enrolment(&json, req, &list->rows[i], true);
        sid_json_close(&json, '}');
    }
    sid_json_close(&json, ']');
    if (list->more && list->count > 0)
        sid_json_string(&json, "next", list->rows[list->count - 1].id);
    sid_json_close(&json, '}');
    return json.err;
}

static void
list_fini(struct sid_request *req) {
    sid_enrol_list_fini(&req->u.list);
}

const struct sid_handler sid_api_enrol_list = {
    .check = list_check,
    .prepare = list_prepare,
    .start = list_start,
    .finish = list_finish,
    .fini = list_fini,
};

/* ---- POST /v1/enrollments/{id}/decision --------------------------------- */
static enum sid_err
read_decision(const json_t *body, struct sid_enrol_decide *decide,
              struct sid_field *field) {
    static const char *const names[] = {"decision", "reason", NULL};
    char word[16];
    enum sid_err err = sid_json_only(body, "", names, field);
    if (err == SID_OK)
        err = sid_json_get_text(
            body, &(struct sid_json_text){.path = "", .name = "decision"}, word,
            sizeof word, field);
    if (err == SID_OK)
        err = sid_json_get_text(
            body,
            &(struct sid_json_text){.path = "", .name = "reason", .trim = true},
            decide->reason, sizeof decide->reason, field);
    if (err != SID_OK)
        return err;
    decide->approve = strcmp(word, "approve") == 0;
    decide->withdraw = strcmp(word, "withdraw") == 0;
    if (!decide->approve && !decide->withdraw && strcmp(word, "reject") != 0) {
        sid_field_set(field, "", "decision");
        return SID_E_FIELD_INVALID;
    }
    return SID_OK;
}

static enum sid_err
decide_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.decide);
    memcpy(req->u.decide.id, req->id, sizeof req->id);
    json_t *body = NULL;
    enum sid_err err = sid_json_parse(sid_buf_span(&req->body), &body);
    if (err != SID_OK)
        return err;
    err = read_decision(body, &req->u.decide, &req->field);
    json_decref(body);
    return err;
}

static void
decide_start(struct sid_request *req) {
    sid_enrol_decide_start(&req->u.decide);
}

static enum sid_err
decide_finish(struct sid_request *req) {
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_api_write_enrolment(&json, req, &req->u.decide.enrolment, true);
    sid_json_close(&json, '}');
    return json.err;
}

static void
decide_fini(struct sid_request *req) {
    sid_enrol_decide_fini(&req->u.decide);
}

const struct sid_handler sid_api_enrol_decide = {
    .prepare = decide_prepare,
    .start = decide_start,
    .finish = decide_finish,
    .fini = decide_fini,
};

/* ---- GET /v1/enrollments/{id}/photos/{photo} ---------------------------- */
static enum sid_err
photo_check(struct sid_request *req) {
    return req->photo == SID_PHOTO_NONE ? SID_E_NOT_FOUND : SID_OK;
}

static enum sid_err
photo_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.photo);
    memcpy(req->u.photo.id, req->id, sizeof req->id);
    req->u.photo.kind = req->photo;
    return SID_OK;
}

static void
photo_start(struct sid_request *req) {
    sid_enrol_photo_start(&req->u.photo);
}

/* By the first bytes; what the sender declared is not kept. */
static const char *
type_of(const struct sid_buf *photo) {
    static const uint8_t jpeg[] = {0xff, 0xd8, 0xff};
    static const uint8_t png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    if (photo->len >= sizeof jpeg && memcmp(photo->ptr, jpeg, sizeof jpeg) == 0)
        return "image/jpeg";
    if (photo->len >= sizeof png && memcmp(photo->ptr, png, sizeof png) == 0)
        return "image/png";
    return "application/octet-stream";
}

static enum sid_err
photo_finish(struct sid_request *req) {
    enum sid_err err = sid_enrol_photo_finish(&req->u.photo);
    if (err != SID_OK)
        return err;
    req->answer.content_type = type_of(&req->u.photo.photo);
    req->answer.show_inline = true;
    sid_buf_move(&req->u.photo.photo, &req->answer.body);
    return SID_OK;
}

static void
photo_fini(struct sid_request *req) {
    sid_enrol_photo_fini(&req->u.photo);
}

const struct sid_handler sid_api_enrol_photo = {
    .check = photo_check,
    .prepare = photo_prepare,
    .start = photo_start,
    .finish = photo_finish,
    .fini = photo_fini,
};
