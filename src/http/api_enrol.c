/* api_enrol.c: sending an enrolment in, looking at one, erasing it. io thread
 * of the connection; what prepare makes belongs to the flow in the request. */
#include <stdio.h>
#include <string.h>

#include "api.h"
#include "holder.h"
#include "server_priv.h"
#include "smartid/clock.h"
#include "smartid/log.h"
#include "upload.h"

/* When a client that polls should look again: an enrolment takes some tenths of
 * a second. */
#define POLL_AGAIN_S 1

void
sid_api_grant_wait(struct sid_request *req) {
    const struct sid_prefer *prefer = &req->head.prefer;
    struct sid_answer *answer = &req->answer;
    if (prefer->has_wait) {
        struct sid_config config;
        sid_app_config(req->door->server->app, &config);
        req->wait_s = prefer->wait_s < config.wait_max_s ? prefer->wait_s
                                                         : config.wait_max_s;
        (void)snprintf(answer->preference, sizeof answer->preference, "wait=%d",
                       (int)req->wait_s);
    } else if (prefer->respond_async) {
        (void)snprintf(answer->preference, sizeof answer->preference,
                       "respond-async");
    }
}

int64_t
sid_api_wait_until_us(const struct sid_request *req) {
    return req->wait_s > 0 ? sid_mono_us() + req->wait_s * 1000000 : 0;
}

void
sid_api_write_reasons(struct sid_json *json, const struct sid_reasons *reasons,
                      bool for_officer) {
    sid_json_open(json, "reasons", '[');
    for (size_t i = 0; i < reasons->count; i++) {
        enum sid_reason reason = reasons->item[i].reason;
        enum sid_photo_kind photo = reasons->item[i].photo;
        char message[256];
        sid_reason_message(reason, photo, message, sizeof message);
        sid_json_open(json, NULL, '{');
        sid_json_string(json, "code", sid_reason_code(reason));
        sid_json_string(json, "message", message);
        sid_json_bool(json, "retryable", sid_reason_retryable(reason));
        if (photo != SID_PHOTO_NONE)
            sid_json_string(json, "photo", sid_photo_kind_name(photo));
        if (for_officer)
            sid_json_string(json, "class",
                            sid_reason_class_name(sid_reason_class_of(reason)));
        sid_json_close(json, '}');
    }
    sid_json_close(json, ']');
}

static void
write_challenge(struct sid_json *json,
                const struct sid_challenge_report *report) {
    sid_json_open(json, "challenge", '{');
    sid_json_string(json, "outcome",
                    sid_challenge_outcome_name(report->outcome));
    sid_json_open(json, "steps", '[');
    for (int i = 0; i < report->steps.count; i++) {
        const struct sid_frame_report *frame = &report->frame[i];
        sid_json_open(json, NULL, '{');
        sid_json_string(json, "turn", sid_turn_name(report->steps.turn[i]));
        sid_json_real(json, "turned_deg", (double)frame->turned_deg);
        sid_json_real(json, "yaw_deg", (double)frame->yaw_deg);
        sid_json_real(json, "pitch_deg", (double)frame->pitch_deg);
        sid_json_real(json, "similarity", (double)frame->similarity);
        sid_json_real(json, "flatness", (double)frame->flatness);
        sid_json_close(json, '}');
    }
    sid_json_close(json, ']');
    sid_json_close(json, '}');
}

/* What somebody has written, if anything. What does not open, because the row
 * was damaged or changed, is told as that and takes nothing else with it. */
static void
write_words(struct sid_json *json, const struct sid_request *req,
            const struct sid_enrolment *enrolment, enum sid_words words,
            const char *name) {
    struct sid_buf text = SID_BUF_EMPTY;
    enum sid_err err =
        sid_enrol_open_words(req->door->server->app, enrolment, words, &text);
    if (err == SID_OK && text.len > 0) {
        err = sid_buf_append(&text, "", 1);
        if (err == SID_OK)
            sid_json_string(json, name, (const char *)text.ptr);
    } else if (err == SID_E_SEAL) {
        char member[32];
        (void)snprintf(member, sizeof member, "%s_unreadable", name);
        sid_json_bool(json, member, true);
        sid_log(SID_LOG_ERROR, "words_unreadable", SID_S("id", enrolment->id),
                SID_S("what", name));
        err = SID_OK;
    }
    sid_buf_free(&text);
    if (json->err == SID_OK)
        json->err = err;
}

static void
write_first_decision(struct sid_json *json, const struct sid_request *req,
                     const struct sid_enrolment *enrolment) {
    sid_json_open(json, "first_decision", '{');
    sid_json_string(json, "decision",
                    enrolment->first_approve ? "approve" : "reject");
    sid_json_string(json, "decided_by", enrolment->first_by);
    sid_json_time(json, "decided_at", enrolment->first_at_s);
    write_words(json, req, enrolment, SID_WORDS_FIRST_NOTE, "note");
    sid_json_close(json, '}');
}

static void
write_for_officer(struct sid_json *json, const struct sid_request *req,
                  const struct sid_enrolment *enrolment) {
    if (enrolment->has_scores) {
        sid_json_open(json, "scores", '{');
        sid_json_real(json, "similarity", enrolment->similarity);
        sid_json_real(json, "liveness", enrolment->liveness);
        sid_json_close(json, '}');
    }
    if (enrolment->challenge.outcome != SID_CHALLENGE_NONE)
        write_challenge(json, &enrolment->challenge);
    if (enrolment->first_by[0] != '\0')
        write_first_decision(json, req, enrolment);
    if (enrolment->decided_by[0] != '\0')
        sid_json_string(json, "decided_by", enrolment->decided_by);
    if (enrolment->replaces)
        sid_json_bool(json, "replaces", true);
    write_words(json, req, enrolment, SID_WORDS_NOTE, "note");
}

void
sid_api_write_enrolment(struct sid_json *json, const struct sid_request *req,
                        const struct sid_enrolment *enrolment,
                        bool for_officer) {
    struct sid_reasons told = enrolment->reasons;
    if (!for_officer)
        sid_reasons_public(&enrolment->reasons, enrolment->state,
                           enrolment->decided_by[0] != '\0', &told);
    sid_json_string(json, "id", enrolment->id);
    sid_json_string(json, "state", sid_enrol_state_name(enrolment->state));
    if (enrolment->method == SID_METHOD_COUNTER)
        sid_json_string(json, "method",
                        sid_enrol_method_name(enrolment->method));
    sid_api_write_reasons(json, &told, for_officer);
    sid_json_time(json, "created_at", enrolment->created_at_s);
    sid_json_time(json, "updated_at", enrolment->updated_at_s);
    if (enrolment->appealed_at_s != 0)
        sid_json_time(json, "appealed_at", enrolment->appealed_at_s);
    if (enrolment->credential_id[0] != '\0')
        sid_json_string(json, "credential_id", enrolment->credential_id);
    if (for_officer)
        write_for_officer(json, req, enrolment);
}

/* ---- what enrolment and appeal share ------------------------------------ */
static enum sid_err
take_challenge(struct sid_request *req, char challenge_id[SID_ID_SIZE]) {
    struct sid_span text = sid_upload_text(req->upload, SID_TEXT_CHALLENGE);
    struct sid_config config;
    sid_app_config(req->door->server->app, &config);
    sid_field_set(&req->field, "", "challenge_id");
    if (text.len == 0 &&
        sid_policy_challenge_mode(&config) == SID_MODE_REQUIRED)
        return SID_E_CHALLENGE_REQUIRED;
    memcpy(challenge_id, text.ptr == NULL ? (const uint8_t *)"" : text.ptr,
           text.len);
    if (text.len > 0 && !sid_id_valid("chl_", challenge_id))
        return SID_E_FIELD_INVALID;
    req->field.name[0] = '\0';
    return SID_OK;
}

enum sid_err
sid_api_take_photos(struct sid_request *req, struct sid_buf *photo,
                    char challenge_id[SID_ID_SIZE]) {
    enum sid_err err = take_challenge(req, challenge_id);
    if (err != SID_OK)
        return err;
    for (int kind = 0; kind < SID_PHOTO_KINDS; kind++)
        sid_upload_take_photo(req->upload, (enum sid_photo_kind)kind,
                              &photo[kind]);
    sid_upload_free(&req->upload);
    return SID_OK;
}

enum sid_err
sid_api_take_place(struct sid_request *req) {
    enum sid_err err =
        sid_enrol_reserve(req->door->server->app, req->content_length);
    req->has_place = err == SID_OK;
    return err;
}

void
sid_api_answer_sent(struct sid_request *req,
                    const struct sid_enrolment *enrolment) {
    struct sid_answer *answer = &req->answer;
    if (enrolment->state == SID_ENROL_APPROVED) {
        answer->success = SID_SUCCESS_CREATED;
    } else if (!sid_enrol_state_settled(enrolment->state)) {
        /* 202 is for who would not wait; who did asked for the state. */
        if (!req->head.prefer.has_wait)
            answer->success = SID_SUCCESS_ACCEPTED;
        answer->retry_after_s = POLL_AGAIN_S;
    }
    (void)snprintf(answer->location, sizeof answer->location,
                   "/v1/enrollments/%s", enrolment->id);
}

/* ---- POST /v1/enrollments ----------------------------------------------- */
enum sid_err
sid_api_check_retry(struct sid_request *req) {
    const char *key = req->head.idempotency_key;
    char judged[SID_IDEMPOTENCY_SIZE];
    enum sid_err err =
        key == NULL ? SID_OK : sid_idempotency_parse(key, judged);
    sid_wipe(judged, sizeof judged);
    if (err != SID_OK)
        sid_field_set(&req->field, "", "Idempotency-Key");
    return err;
}

static enum sid_err
submit_check(struct sid_request *req) {
    enum sid_err err = sid_api_check_retry(req);
    /* Last: a place that is taken must be given back. */
    return err == SID_OK ? sid_api_take_place(req) : err;
}

static enum sid_err
submit_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.submit);
    struct sid_enrol_submit *submit = &req->u.submit;
    enum sid_err err =
        sid_holder_read(sid_upload_text(req->upload, SID_TEXT_HOLDER),
                        sid_now_s(), submit, &req->field);
    if (err != SID_OK)
        return err;
    if (req->head.idempotency_key != NULL) {
        err = sid_idempotency_parse(req->head.idempotency_key,
                                    submit->idempotency_key);
        if (err != SID_OK)
            return err;
    }
    err = sid_api_take_photos(req, submit->photo, submit->challenge_id);
    if (err != SID_OK)
        return err;
    sid_api_grant_wait(req);
    submit->wait_until_us = sid_api_wait_until_us(req);
    memcpy(submit->wechat_account, req->session.wechat_account,
           sizeof submit->wechat_account);
    memcpy(submit->wechat_openid, req->session.wechat_openid,
           sizeof submit->wechat_openid);
    return SID_OK;
}

static void
submit_start(struct sid_request *req) {
    req->has_place = false; /* the flow takes it over in every case */
    req->u.submit.body_bytes = req->content_length;
    sid_enrol_submit_start(&req->u.submit);
}

enum sid_err
sid_api_write_submitted(struct sid_request *req, bool for_officer) {
    const struct sid_enrol_submit *submit = &req->u.submit;
    sid_api_answer_sent(req, &submit->enrolment);
    req->answer.replayed = submit->replayed;
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_api_write_enrolment(&json, req, &submit->enrolment, for_officer);
    sid_json_string(&json, "holder_secret", submit->holder_secret);
    sid_json_close(&json, '}');
    return json.err;
}

static enum sid_err
submit_finish(struct sid_request *req) {
    return sid_api_write_submitted(req, false);
}

static void
submit_fini(struct sid_request *req) {
    sid_enrol_submit_fini(&req->u.submit);
}

const struct sid_handler sid_api_enrol_submit = {
    .check = submit_check,
    .prepare = submit_prepare,
    .start = submit_start,
    .finish = submit_finish,
    .fini = submit_fini,
};

/* ---- GET /v1/enrollments/{id} ------------------------------------------- */
static enum sid_err
get_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.get);
    memcpy(req->u.get.id, req->id, sizeof req->id);
    sid_api_grant_wait(req);
    req->u.get.wait_until_us = sid_api_wait_until_us(req);
    return SID_OK;
}

static void
get_start(struct sid_request *req) {
    sid_enrol_get_start(&req->u.get);
}

/* The person's name and number, for the officer who has to decide. */
static enum sid_err
write_holder(struct sid_json *json, struct sid_request *req) {
    struct sid_holder holder;
    enum sid_err err = sid_enrol_open_holder(req->door->server->app,
                                             &req->u.get.enrolment, &holder);
    if (err != SID_OK)
        return err;
    sid_json_open(json, "holder", '{');
    sid_json_string(json, "name", holder.name);
    sid_json_string(json, "id_number", holder.id_number);
    sid_json_close(json, '}');
    sid_holder_fini(&holder);
    return SID_OK;
}

static void
write_standing(struct sid_json *json, const struct sid_enrol_get *get) {
    if (get->standing_count == 0)
        return;
    sid_json_open(json, "credentials", '[');
    for (int i = 0; i < get->standing_count; i++) {
        const struct sid_standing *one = &get->standing[i];
        sid_json_open(json, NULL, '{');
        sid_json_string(json, "id", one->id);
        sid_json_string(json, "type", one->type);
        sid_json_string(json, "state", sid_credential_state_name(one->state));
        sid_json_close(json, '}');
    }
    sid_json_close(json, ']');
}

/* The limits between which the scores lie, for this case. */
static void
write_bands(struct sid_json *json, const struct sid_enrol_get *get) {
    const struct sid_policy *policy = &get->policy;
    float accept = sid_policy_accept(policy, get->enrolment.challenge.outcome);
    sid_json_open(json, "bands", '{');
    sid_json_open(json, "similarity", '{');
    sid_json_real(json, "review", (double)policy->match_review);
    sid_json_real(json, "accept", (double)accept);
    sid_json_close(json, '}');
    if (policy->liveness_action == SID_LIVENESS_REVIEW) {
        sid_json_open(json, "liveness", '{');
        sid_json_real(json, "accept", (double)policy->liveness_review);
        sid_json_close(json, '}');
    }
    sid_json_close(json, '}');
}

/* What of it can be looked at: none of who was enrolled at a counter. */
static void
write_photos(struct sid_json *json, const struct sid_enrol_get *get) {
    sid_json_open(json, "photos", '[');
    for (int kind = 0; kind < SID_PHOTO_END; kind++)
        if (kind != SID_PHOTO_NONE && (get->photos & 1U << kind) != 0)
            sid_json_string(json, NULL,
                            sid_photo_kind_name((enum sid_photo_kind)kind));
    sid_json_close(json, ']');
}

/* What else this ID number has sent. */
static void
write_earlier(struct sid_json *json, const struct sid_enrol_get *get) {
    sid_json_open(json, "earlier", '[');
    for (int i = 0; i < get->earlier_count; i++) {
        const struct sid_earlier *one = &get->earlier[i];
        sid_json_open(json, NULL, '{');
        sid_json_string(json, "id", one->id);
        sid_json_string(json, "state", sid_enrol_state_name(one->state));
        if (one->counter)
            sid_json_string(json, "method",
                            sid_enrol_method_name(SID_METHOD_COUNTER));
        sid_json_time(json, "created_at", one->created_at_s);
        sid_api_write_reasons(json, &one->reasons, true);
        sid_json_close(json, '}');
    }
    sid_json_close(json, ']');
}

static enum sid_err
get_finish(struct sid_request *req) {
    const struct sid_enrolment *enrolment = &req->u.get.enrolment;
    bool officer = req->caller.role == SID_ROLE_OFFICER;
    if (!sid_enrol_state_settled(enrolment->state))
        req->answer.retry_after_s = POLL_AGAIN_S;
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_api_write_enrolment(&json, req, enrolment, officer);
    if (officer && enrolment->state == SID_ENROL_REVIEW) {
        enum sid_err err = write_holder(&json, req);
        if (err != SID_OK)
            return err;
        write_words(&json, req, enrolment, SID_WORDS_STATEMENT, "statement");
        write_bands(&json, &req->u.get);
        write_photos(&json, &req->u.get);
        write_earlier(&json, &req->u.get);
    }
    write_standing(&json, &req->u.get);
    sid_json_close(&json, '}');
    return json.err;
}

static void
get_fini(struct sid_request *req) {
    sid_enrol_get_fini(&req->u.get);
}

const struct sid_handler sid_api_enrol_get = {
    .prepare = get_prepare,
    .start = get_start,
    .finish = get_finish,
    .fini = get_fini,
};

/* ---- DELETE /v1/enrollments/{id} ---------------------------------------- */
static enum sid_err
read_cause(const json_t *body, enum sid_erase_cause *cause,
           struct sid_field *field) {
    static const char *const names[] = {"reason", NULL};
    char word[32];
    enum sid_err err = sid_json_only(body, "", names, field);
    if (err == SID_OK)
        err = sid_json_get_text(body,
                                &(struct sid_json_text){.path = "",
                                                        .name = "reason",
                                                        .optional = true},
                                word, sizeof word, field);
    if (err != SID_OK || word[0] == '\0')
        return err;
    err = sid_erase_cause_parse(word, cause);
    if (err != SID_OK)
        sid_field_set(field, "", "reason");
    return err;
}

static enum sid_err
erase_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.erase);
    struct sid_enrol_erase *erase = &req->u.erase;
    memcpy(erase->id, req->id, sizeof req->id);
    erase->cause = SID_ERASE_REQUEST;
    if (req->body.len == 0)
        return SID_OK;
    json_t *body = NULL;
    enum sid_err err = sid_json_parse(sid_buf_span(&req->body), &body);
    if (err != SID_OK)
        return err;
    err = read_cause(body, &erase->cause, &req->field);
    json_decref(body);
    return err;
}

static void
erase_start(struct sid_request *req) {
    sid_enrol_erase_start(&req->u.erase);
}

static enum sid_err
erase_finish(struct sid_request *req) {
    req->answer.success = SID_SUCCESS_NO_CONTENT;
    return SID_OK;
}

const struct sid_handler sid_api_enrol_erase = {
    .prepare = erase_prepare,
    .start = erase_start,
    .finish = erase_finish,
};
