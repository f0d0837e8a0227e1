/* api_counter.c: what an officer does who has the person and the card before
 * them: enrolling without a face, upgrading a credential. io thread of the
 * connection; flows belong to the request. */
#include <stdio.h>
#include <string.h>

#include "api.h"
#include "holder.h"
#include "smartid/clock.h"

/* Both must be stated, and be true: there is nothing else to go by. */
static enum sid_err
read_seen(const json_t *body, struct sid_field *field) {
    static const char *const names[] = {"person_seen", "card_seen"};
    for (int i = 0; i < 2; i++) {
        const json_t *seen = json_object_get(body, names[i]);
        if (json_is_true(seen))
            continue;
        sid_field_set(field, "", names[i]);
        return seen == NULL ? SID_E_FIELD_MISSING : SID_E_FIELD_INVALID;
    }
    return SID_OK;
}

/* ---- POST /v1/counter/enrollments --------------------------------------- */
static enum sid_err
read_enrolment(const json_t *body, struct sid_enrol_submit *submit,
               struct sid_field *field) {
    static const char *const names[] = {"holder", "person_seen", "card_seen",
                                        "replace", NULL};
    const json_t *holder = json_object_get(body, "holder");
    const json_t *replace = json_object_get(body, "replace");
    enum sid_err err = sid_json_only(body, "", names, field);
    if (err == SID_OK)
        err = read_seen(body, field);
    if (err != SID_OK)
        return err;
    sid_field_set(field, "", "replace");
    if (replace != NULL && !json_is_boolean(replace))
        return SID_E_FIELD_INVALID;
    submit->replace = json_is_true(replace);
    sid_field_set(field, "", "holder");
    if (holder == NULL)
        return SID_E_FIELD_MISSING;
    if (!json_is_object(holder))
        return SID_E_FIELD_INVALID;
    return sid_holder_read_members(holder, sid_now_s(), submit, field);
}

static enum sid_err
enrol_check(struct sid_request *req) {
    return sid_api_check_retry(req);
}

static enum sid_err
enrol_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.submit);
    struct sid_enrol_submit *submit = &req->u.submit;
    submit->counter = true;
    json_t *body = NULL;
    enum sid_err err = sid_json_parse(sid_buf_span(&req->body), &body);
    if (err != SID_OK)
        return err;
    err = read_enrolment(body, submit, &req->field);
    json_decref(body);
    if (err == SID_OK && req->head.idempotency_key != NULL)
        err = sid_idempotency_parse(req->head.idempotency_key,
                                    submit->idempotency_key);
    return err;
}

static void
enrol_start(struct sid_request *req) {
    sid_enrol_submit_start(&req->u.submit);
}

static enum sid_err
enrol_finish(struct sid_request *req) {
    return sid_api_write_submitted(req, true);
}

static void
enrol_fini(struct sid_request *req) {
    sid_enrol_submit_fini(&req->u.submit);
}

const struct sid_handler sid_api_counter_enrol = {
    .check = enrol_check,
    .prepare = enrol_prepare,
    .start = enrol_start,
    .finish = enrol_finish,
    .fini = enrol_fini,
};

/* ---- POST /v1/credentials/{id}/upgrade ---------------------------------- */
static enum sid_err
upgrade_prepare(struct sid_request *req) {
    static const char *const names[] = {"person_seen", "card_seen", NULL};
    sid_request_make_flow(req, sizeof req->u.change);
    memcpy(req->u.change.look.id, req->id, sizeof req->id);
    req->u.change.change = SID_CHANGE_UPGRADE;
    json_t *body = NULL;
    enum sid_err err = sid_json_parse(sid_buf_span(&req->body), &body);
    if (err != SID_OK)
        return err;
    err = sid_json_only(body, "", names, &req->field);
    if (err == SID_OK)
        err = read_seen(body, &req->field);
    json_decref(body);
    return err;
}

const struct sid_handler sid_api_credential_upgrade = {
    .prepare = upgrade_prepare,
    .start = sid_api_change_start,
    .finish = sid_api_change_finish,
    .fini = sid_api_change_fini,
};
