/* api_credential.c: a credential, and its code as text or picture.
 * io thread of the connection; flows belong to the request. */
#include <string.h>

#include "api.h"
#include "server_priv.h"

/* Pixels per module when nothing is asked for. Source: qr.md (about 300 pixels
 * for a version 3 symbol with its quiet zone). */
#define SCALE_DEFAULT 8

/* What follows from the state. A reason that only officers give is told to
 * officers only: it may be a fraud. */
static void
write_state(struct sid_json *json, const struct sid_credential *credential,
            enum sid_credential_state state, bool for_officer) {
    const struct sid_life *life = &credential->life;
    sid_json_string(json, "state", sid_credential_state_name(state));
    switch (state) {
    case SID_CREDENTIAL_SUSPENDED:
        sid_json_time(json, "suspended_at", life->since_s);
        sid_json_string(json, "suspended_by",
                        sid_role_name(life->suspended_by));
        return;
    case SID_CREDENTIAL_REVOKED:
        sid_json_time(json, "revoked_at", life->since_s);
        if (life->reason != SID_REVOKE_NONE &&
            (for_officer || !sid_revoke_reason_officers(life->reason)))
            sid_json_string(json, "reason",
                            sid_revoke_reason_name(life->reason));
        return;
    case SID_CREDENTIAL_REPLACED:
        sid_json_time(json, "replaced_at", life->since_s);
        sid_json_string(json, "replaced_by", credential->replaced_by);
        return;
    case SID_CREDENTIAL_ACTIVE:
    case SID_CREDENTIAL_EXPIRED:
    case SID_CREDENTIAL_STATE_COUNT:
        return;
    }
}

void
sid_api_write_credential(struct sid_json *json, const struct sid_request *req,
                         const struct sid_credential *credential,
                         enum sid_credential_state state) {
    sid_json_string(json, "id", credential->id);
    sid_json_string(json, "type", credential->type);
    sid_json_string(json, "assurance", credential->assurance);
    write_state(json, credential, state, req->caller.role == SID_ROLE_OFFICER);
    sid_json_time(json, "issued_at", credential->issued_at_s);
    if (credential->life.valid_until_s != 0) {
        char date[SID_DATE_SIZE];
        sid_valid_until_text(credential->life.valid_until_s, date);
        sid_json_string(json, "valid_until", date);
    }
    sid_json_string(json, "enrollment_id", credential->enrolment_id);
}

void
sid_api_write_details(struct sid_json *json, const char *name,
                      const struct sid_credential_type *type,
                      const struct sid_details *details) {
    if (type == NULL)
        return;
    sid_json_open(json, name, '{');
    for (size_t i = 0; i < type->count; i++)
        sid_json_string(json, type->field[i].name, details->value[i]);
    sid_json_close(json, '}');
}

/* ---- GET /v1/credentials/{id} ------------------------------------------- */
static enum sid_err
look_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.look);
    memcpy(req->u.look.id, req->id, sizeof req->id);
    return SID_OK;
}

static void
look_start(struct sid_request *req) {
    sid_credential_look_start(&req->u.look);
}

static enum sid_err
look_finish(struct sid_request *req) {
    struct sid_credential_look *look = &req->u.look;
    struct sid_json json;
    enum sid_err err = sid_credential_look_finish(look);
    if (err != SID_OK)
        return err;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_api_write_credential(&json, req, &look->credential, look->state);
    sid_api_write_details(&json, "fields", look->with_details, &look->details);
    sid_json_close(&json, '}');
    return json.err;
}

static void
look_fini(struct sid_request *req) {
    sid_credential_look_fini(&req->u.look);
}

const struct sid_handler sid_api_credential_get = {
    .prepare = look_prepare,
    .start = look_start,
    .finish = look_finish,
    .fini = look_fini,
};

/* ---- GET /v1/credentials/{id}/code -------------------------------------- */
static enum sid_err
read_scale(struct sid_request *req, int *scale) {
    const char *text = sid_request_query(req, "scale");
    *scale =
        text == NULL ? SCALE_DEFAULT : sid_number_parse(text, SID_QR_SCALE_MAX);
    if (*scale >= SID_QR_SCALE_MIN)
        return SID_OK;
    sid_field_set(&req->field, "", "scale");
    return SID_E_FIELD_INVALID;
}

static enum sid_err
read_level(struct sid_request *req, enum sid_qr_level *level) {
    const char *text = sid_request_query(req, "level");
    *level = SID_QR_M;
    if (text == NULL || strcmp(text, "M") == 0)
        return SID_OK;
    *level = SID_QR_Q;
    if (strcmp(text, "Q") == 0)
        return SID_OK;
    sid_field_set(&req->field, "", "level");
    return SID_E_FIELD_INVALID;
}

/* What a code is asked for. */
struct wanted {
    enum sid_token_kind kind;
    enum sid_offline_kind offline;
};

static enum sid_err
refuse(struct sid_request *req, const char *name, enum sid_err err) {
    sid_field_set(&req->field, "", name);
    return err;
}

/* What a code for a counter without a network tells; no other tells any. */
static enum sid_err
read_attributes(struct sid_request *req, bool offline, struct wanted *out) {
    const char *text = sid_request_query(req, "attributes");
    if (!offline)
        return text == NULL ? SID_OK
                            : refuse(req, "attributes", SID_E_FIELD_UNKNOWN);
    if (text == NULL)
        return refuse(req, "attributes", SID_E_FIELD_MISSING);
    out->offline = sid_offline_kind_parse(text);
    return out->offline == SID_OFFLINE_NONE
               ? refuse(req, "attributes", SID_E_FIELD_INVALID)
               : SID_OK;
}

static enum sid_err
read_kind(struct sid_request *req, struct wanted *out) {
    const char *text = sid_request_query(req, "kind");
    bool live = text != NULL && strcmp(text, "live") == 0;
    bool offline = text != NULL && strcmp(text, "offline") == 0;
    *out = (struct wanted){.kind = live ? SID_TOKEN_LIVE : SID_TOKEN_DAY};
    if (text != NULL && !live && !offline && strcmp(text, "day") != 0)
        return refuse(req, "kind", SID_E_FIELD_INVALID);
    return read_attributes(req, offline, out);
}

static enum sid_err
read_query(struct sid_request *req, struct wanted *wanted,
           enum sid_media *media, int *scale, enum sid_qr_level *level) {
    static const char *const names[] = {"kind", "attributes", "scale", "level",
                                        NULL};
    enum sid_err err = sid_request_query_only(req, names);
    if (err == SID_OK)
        err = read_kind(req, wanted);
    if (err == SID_OK)
        err = read_scale(req, scale);
    if (err == SID_OK)
        err = read_level(req, level);
    if (err == SID_OK)
        err = sid_accept_choose(&req->head.accept, media);
    return err;
}

static enum sid_err
code_check(struct sid_request *req) {
    struct wanted wanted;
    enum sid_media media;
    enum sid_qr_level level;
    int scale;
    req->answer.vary_accept = true;
    return read_query(req, &wanted, &media, &scale, &level);
}

static enum sid_err
code_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.code);
    memcpy(req->u.code.flow.id, req->id, sizeof req->id);
    struct wanted wanted = {0};
    enum sid_err err = read_query(req, &wanted, &req->u.code.media,
                                  &req->u.code.scale, &req->u.code.level);
    req->u.code.flow.kind = wanted.kind;
    req->u.code.flow.offline = wanted.offline;
    return err;
}

static void
code_start(struct sid_request *req) {
    sid_credential_code_start(&req->u.code.flow);
}

static enum sid_err
write_code(struct sid_request *req) {
    const struct sid_credential_code *code = &req->u.code.flow;
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_json_string(&json, "code", code->code);
    sid_json_string(&json, "kind",
                    code->offline != SID_OFFLINE_NONE ? "offline"
                    : code->kind == SID_TOKEN_LIVE    ? "live"
                                                      : "day");
    sid_json_time(&json, "not_before", code->not_before_s);
    sid_json_time(&json, "not_after", code->not_after_s);
    sid_json_time(&json, "refresh_after", code->refresh_after_s);
    sid_json_close(&json, '}');
    return json.err;
}

static enum sid_err
code_finish(struct sid_request *req) {
    enum sid_err err = sid_credential_code_finish(&req->u.code.flow);
    if (err != SID_OK)
        return err;
    enum sid_media media = req->u.code.media;
    if (media == SID_MEDIA_JSON)
        return write_code(req);
    req->answer.content_type = sid_media_name(media);
    req->answer.show_inline = true;
    return (media == SID_MEDIA_PNG ? sid_qr_png : sid_qr_svg)(
        req->u.code.flow.code, req->u.code.level, req->u.code.scale,
        &req->answer.body);
}

static void
code_fini(struct sid_request *req) {
    sid_credential_code_fini(&req->u.code.flow);
}

const struct sid_handler sid_api_credential_code = {
    .check = code_check,
    .prepare = code_prepare,
    .start = code_start,
    .finish = code_finish,
    .fini = code_fini,
};
