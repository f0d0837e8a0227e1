/* api_issue.c: a credential of another type for a person who has one. io thread
 * of the connection; the flow belongs to the request. */
#include <stdio.h>
#include <string.h>

#include "api.h"

/* ---- POST /v1/credentials/{id}/issue ------------------------------------ */
static enum sid_err
read_type(const json_t *body, struct sid_issue *issue,
          struct sid_field *field) {
    static const struct sid_json_text what = {.path = "", .name = "type"};
    char name[24];
    enum sid_err err = sid_json_get_text(body, &what, name, sizeof name, field);
    if (err != SID_OK)
        return err;
    issue->type = sid_credential_type_find(name);
    /* What comes of an enrolment is not had without. */
    if (issue->type != NULL && issue->type->needs != NULL)
        return SID_OK;
    sid_field_set(field, what.path, what.name);
    return SID_E_FIELD_INVALID;
}

/* All fields of the type, and no others. */
static enum sid_err
read_fields(const json_t *body, struct sid_issue *issue,
            struct sid_field *field) {
    const struct sid_credential_type *type = issue->type;
    const json_t *fields = json_object_get(body, "fields");
    const char *names[SID_TYPE_FIELDS_MAX + 1] = {NULL};
    sid_field_set(field, "", "fields");
    if (fields == NULL)
        return SID_E_FIELD_MISSING;
    if (!json_is_object(fields))
        return SID_E_FIELD_INVALID;
    for (size_t i = 0; i < type->count; i++)
        names[i] = type->field[i].name;
    enum sid_err err = sid_json_only(fields, "fields", names, field);
    for (size_t i = 0; err == SID_OK && i < type->count; i++) {
        const struct sid_json_text what = {.path = "fields", .name = names[i]};
        char *value = issue->details.value[i];
        err =
            sid_json_get_text(fields, &what, value, SID_TYPE_FIELD_SIZE, field);
        if (err == SID_OK && !sid_type_field_fits(&type->field[i], value)) {
            sid_field_set(field, what.path, what.name);
            err = SID_E_FIELD_INVALID;
        }
    }
    return err;
}

static enum sid_err
read_validity(const json_t *body, struct sid_issue *issue,
              struct sid_field *field) {
    static const struct sid_json_text what = {
        .path = "", .name = "valid_until", .optional = true};
    char date[SID_DATE_SIZE];
    enum sid_err err = sid_json_get_text(body, &what, date, sizeof date, field);
    if (err != SID_OK || date[0] == '\0')
        return err;
    err = sid_valid_until_parse(date, &issue->valid_until_s);
    if (err != SID_OK)
        sid_field_set(field, what.path, what.name);
    return err;
}

static enum sid_err
issue_prepare(struct sid_request *req) {
    static const char *const names[] = {"type", "fields", "valid_until", NULL};
    sid_request_make_flow(req, sizeof req->u.issue);
    struct sid_issue *issue = &req->u.issue;
    memcpy(issue->look.id, req->id, sizeof req->id);
    json_t *body = NULL;
    enum sid_err err = sid_json_parse(sid_buf_span(&req->body), &body);
    if (err != SID_OK)
        return err;
    err = sid_json_only(body, "", names, &req->field);
    if (err == SID_OK)
        err = read_type(body, issue, &req->field);
    if (err == SID_OK)
        err = read_fields(body, issue, &req->field);
    if (err == SID_OK)
        err = read_validity(body, issue, &req->field);
    json_decref(body);
    return err;
}

static void
issue_start(struct sid_request *req) {
    sid_issue_start(&req->u.issue);
}

static enum sid_err
issue_finish(struct sid_request *req) {
    const struct sid_credential *made = &req->u.issue.look.credential;
    struct sid_json json;
    req->answer.success = SID_SUCCESS_CREATED;
    (void)snprintf(req->answer.location, sizeof req->answer.location,
                   "/v1/credentials/%s", made->id);
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_api_write_credential(&json, req, made, SID_CREDENTIAL_ACTIVE);
    sid_api_write_details(&json, "fields", req->u.issue.type,
                          &req->u.issue.details);
    sid_json_close(&json, '}');
    return json.err;
}

static void
issue_fini(struct sid_request *req) {
    sid_issue_fini(&req->u.issue);
}

const struct sid_handler sid_api_credential_issue = {
    .prepare = issue_prepare,
    .start = issue_start,
    .finish = issue_finish,
    .fini = issue_fini,
};
