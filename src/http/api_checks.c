/* api_checks.c: what a person sees of the checks of a credential, what is
 * disputed, and how officers settle it. io thread of the connection; flows
 * belong to the request. */
#include <stdio.h>
#include <string.h>

#include "api.h"
#include "server_priv.h"
#include "smartid/log.h"

/* ---- both lists --------------------------------------------------------- */
static enum sid_err
refuse(struct sid_request *req, const char *name) {
    sid_field_set(&req->field, "", name);
    return SID_E_FIELD_INVALID;
}

/* A member of the row's detail, where there is one. */
static void
write_member(struct sid_json *json, const struct sid_check *check,
             const char *key, const char *name) {
    struct sid_audit_member member;
    char value[SID_CHECK_DETAIL_SIZE];
    if (!sid_audit_member_find(check->detail, key, &member) ||
        member.value_len == 0)
        return;
    memcpy(value, member.value, member.value_len);
    value[member.value_len] = '\0';
    sid_json_string(json, name, value);
}

static void
write_check(struct sid_json *json, const struct sid_check *check) {
    write_member(json, check, "id", "id");
    sid_json_time(json, "at", check->at_us / 1000000);
    sid_json_string(json, "party", check->party);
    write_member(json, check, "purpose", "purpose");
    write_member(json, check, "counter", "counter");
    write_member(json, check, "received", "received_at");
    sid_json_string(json, "outcome", check->outcome);
}

/* ---- GET /v1/credentials/{id}/checks ------------------------------------ */
static enum sid_err
read_checks(struct sid_request *req, char after[SID_ID_SIZE], int *limit) {
    static const char *const names[] = {"after", "limit", NULL};
    enum sid_err err = sid_request_query_only(req, names);
    return err == SID_OK ? sid_request_page(req, "ver_", after, limit) : err;
}

static enum sid_err
checks_check(struct sid_request *req) {
    char after[SID_ID_SIZE];
    int limit;
    return read_checks(req, after, &limit);
}

static enum sid_err
checks_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.check_list);
    struct sid_check_list *list = &req->u.check_list;
    memcpy(list->credential_id, req->id, sizeof req->id);
    return read_checks(req, list->after, &list->limit);
}

static void
checks_start(struct sid_request *req) {
    sid_check_list_start(&req->u.check_list);
}

static void
write_shown(struct sid_json *json, const struct sid_shown_check *row) {
    sid_json_open(json, NULL, '{');
    write_check(json, &row->check);
    if (row->dispute_id[0] != '\0') {
        sid_json_open(json, "dispute", '{');
        sid_json_string(json, "id", row->dispute_id);
        sid_json_string(json, "state", sid_dispute_outcome_name(row->outcome));
        if (row->settled_at_s != 0)
            sid_json_time(json, "settled_at", row->settled_at_s);
        sid_json_close(json, '}');
    }
    sid_json_close(json, '}');
}

static enum sid_err
checks_finish(struct sid_request *req) {
    const struct sid_check_list *list = &req->u.check_list;
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_json_open(&json, "checks", '[');
    for (int i = 0; i < list->count; i++)
        write_shown(&json, &list->rows[i]);
    sid_json_close(&json, ']');
    if (list->more && list->count > 0)
        write_member(&json, &list->rows[list->count - 1].check, "id", "next");
    sid_json_close(&json, '}');
    return json.err;
}

static void
checks_fini(struct sid_request *req) {
    sid_check_list_fini(&req->u.check_list);
}

const struct sid_handler sid_api_checks = {
    .check = checks_check,
    .prepare = checks_prepare,
    .start = checks_start,
    .finish = checks_finish,
    .fini = checks_fini,
};

/* ---- a dispute ----------------------------------------------------------- */
/* What does not open, because the row was damaged or changed, is told as that
 * and takes nothing else with it. */
static void
write_words(struct sid_json *json, const struct sid_request *req,
            const struct sid_dispute *dispute, bool officers) {
    const char *name = officers ? "note" : "reason";
    struct sid_buf text = SID_BUF_EMPTY;
    enum sid_err err =
        sid_dispute_words(req->door->server->app, dispute, officers, &text);
    if (err == SID_OK && text.len > 0) {
        err = sid_buf_append(&text, "", 1);
        if (err == SID_OK)
            sid_json_string(json, name, (const char *)text.ptr);
    } else if (err == SID_E_SEAL) {
        sid_json_bool(json, officers ? "note_unreadable" : "reason_unreadable",
                      true);
        sid_log(SID_LOG_ERROR, "words_unreadable", SID_S("id", dispute->id),
                SID_S("what", name));
        err = SID_OK;
    }
    sid_buf_free(&text);
    if (json->err == SID_OK)
        json->err = err;
}

static void
write_dispute(struct sid_json *json, const struct sid_request *req,
              const struct sid_dispute *dispute) {
    sid_json_string(json, "id", dispute->id);
    sid_json_string(json, "verification_id", dispute->verification_id);
    sid_json_string(json, "credential_id", dispute->credential_id);
    sid_json_string(json, "state", sid_dispute_outcome_name(dispute->outcome));
    sid_json_time(json, "opened_at", dispute->opened_at_s);
    write_words(json, req, dispute, false);
    if (dispute->check.at_us != 0) {
        sid_json_open(json, "check", '{');
        write_check(json, &dispute->check);
        sid_json_close(json, '}');
    }
    if (dispute->settled_at_s == 0)
        return;
    sid_json_time(json, "settled_at", dispute->settled_at_s);
    sid_json_string(json, "settled_by", dispute->settled_by);
    write_words(json, req, dispute, true);
}

static enum sid_err
answer_dispute(struct sid_request *req, const struct sid_dispute *dispute) {
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    write_dispute(&json, req, dispute);
    sid_json_close(&json, '}');
    return json.err;
}

/* ---- POST /v1/verifications/{id}/dispute -------------------------------- */
static enum sid_err
read_dispute(const json_t *body, struct sid_dispute_open *open,
             struct sid_field *field) {
    static const char *const names[] = {"credential_id", "reason", NULL};
    static const struct sid_json_text credential = {.path = "",
                                                    .name = "credential_id"};
    static const struct sid_json_text reason = {
        .path = "", .name = "reason", .trim = true};
    enum sid_err err = sid_json_only(body, "", names, field);
    if (err == SID_OK)
        err = sid_json_get_text(body, &credential, open->credential_id,
                                sizeof open->credential_id, field);
    if (err == SID_OK && !sid_id_valid("crd_", open->credential_id)) {
        sid_field_set(field, credential.path, credential.name);
        err = SID_E_FIELD_INVALID;
    }
    if (err == SID_OK)
        err = sid_json_get_text(body, &reason, open->reason,
                                sizeof open->reason, field);
    return err;
}

static enum sid_err
dispute_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.dispute_open);
    struct sid_dispute_open *open = &req->u.dispute_open;
    memcpy(open->verification_id, req->id, sizeof req->id);
    json_t *body = NULL;
    enum sid_err err = sid_json_parse(sid_buf_span(&req->body), &body);
    if (err != SID_OK)
        return err;
    err = read_dispute(body, open, &req->field);
    json_decref(body);
    return err;
}

static void
dispute_start(struct sid_request *req) {
    sid_dispute_open_start(&req->u.dispute_open);
}

/* The holder knows the words. */
static enum sid_err
dispute_finish(struct sid_request *req) {
    const struct sid_dispute *dispute = &req->u.dispute_open.dispute;
    req->answer.success = SID_SUCCESS_CREATED;
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_json_string(&json, "id", dispute->id);
    sid_json_string(&json, "verification_id", dispute->verification_id);
    sid_json_string(&json, "state", sid_dispute_outcome_name(dispute->outcome));
    sid_json_time(&json, "opened_at", dispute->opened_at_s);
    sid_json_close(&json, '}');
    return json.err;
}

static void
dispute_fini(struct sid_request *req) {
    sid_dispute_open_fini(&req->u.dispute_open);
}

const struct sid_handler sid_api_dispute = {
    .prepare = dispute_prepare,
    .start = dispute_start,
    .finish = dispute_finish,
    .fini = dispute_fini,
};

/* ---- GET /v1/disputes --------------------------------------------------- */
static enum sid_err
read_list(struct sid_request *req, enum sid_dispute_outcome *outcome,
          char after[SID_ID_SIZE], int *limit) {
    static const char *const names[] = {"state", "after", "limit", NULL};
    enum sid_err err = sid_request_query_only(req, names);
    if (err != SID_OK)
        return err;
    const char *state = sid_request_query(req, "state");
    *outcome = SID_DISPUTE_OPEN;
    if (state != NULL && sid_dispute_outcome_parse(state, outcome) != SID_OK)
        return refuse(req, "state");
    return sid_request_page(req, "dsp_", after, limit);
}

static enum sid_err
list_check(struct sid_request *req) {
    enum sid_dispute_outcome outcome;
    char after[SID_ID_SIZE];
    int limit;
    return read_list(req, &outcome, after, &limit);
}

static enum sid_err
list_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.dispute_list);
    struct sid_dispute_list *list = &req->u.dispute_list;
    return read_list(req, &list->outcome, list->after, &list->limit);
}

static void
list_start(struct sid_request *req) {
    sid_dispute_list_start(&req->u.dispute_list);
}

static enum sid_err
list_finish(struct sid_request *req) {
    const struct sid_dispute_list *list = &req->u.dispute_list;
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_json_open(&json, "disputes", '[');
    for (int i = 0; i < list->count; i++) {
        sid_json_open(&json, NULL, '{');
        write_dispute(&json, req, &list->rows[i]);
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
    sid_dispute_list_fini(&req->u.dispute_list);
}

const struct sid_handler sid_api_dispute_list = {
    .check = list_check,
    .prepare = list_prepare,
    .start = list_start,
    .finish = list_finish,
    .fini = list_fini,
};

/* ---- POST /v1/disputes/{id}/settle -------------------------------------- */
static enum sid_err
read_settling(const json_t *body, struct sid_dispute_settle *settle,
              struct sid_field *field) {
    static const char *const names[] = {"outcome", "note", NULL};
    static const struct sid_json_text outcome = {.path = "", .name = "outcome"};
    static const struct sid_json_text note = {
        .path = "", .name = "note", .trim = true};
    char word[16];
    enum sid_err err = sid_json_only(body, "", names, field);
    if (err == SID_OK)
        err = sid_json_get_text(body, &outcome, word, sizeof word, field);
    if (err != SID_OK)
        return err;
    if (sid_dispute_outcome_parse(word, &settle->outcome) != SID_OK ||
        settle->outcome == SID_DISPUTE_OPEN) {
        sid_field_set(field, outcome.path, outcome.name);
        return SID_E_FIELD_INVALID;
    }
    return sid_json_get_text(body, &note, settle->note, sizeof settle->note,
                             field);
}

static enum sid_err
settle_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.dispute_settle);
    memcpy(req->u.dispute_settle.id, req->id, sizeof req->id);
    json_t *body = NULL;
    enum sid_err err = sid_json_parse(sid_buf_span(&req->body), &body);
    if (err != SID_OK)
        return err;
    err = read_settling(body, &req->u.dispute_settle, &req->field);
    json_decref(body);
    return err;
}

static void
settle_start(struct sid_request *req) {
    sid_dispute_settle_start(&req->u.dispute_settle);
}

static enum sid_err
settle_finish(struct sid_request *req) {
    return answer_dispute(req, &req->u.dispute_settle.dispute);
}

static void
settle_fini(struct sid_request *req) {
    sid_dispute_settle_fini(&req->u.dispute_settle);
}

const struct sid_handler sid_api_dispute_settle = {
    .prepare = settle_prepare,
    .start = settle_start,
    .finish = settle_finish,
    .fini = settle_fini,
};
