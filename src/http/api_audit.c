/* api_audit.c: rows that lie in an archive leave the audit log, for smartidctl.
 * io thread of the connection; the flow belongs to the request. */
#include <string.h>

#include "api.h"
#include "server_priv.h"
#include "smartid/text.h"

/* ---- POST /v1/audit/archive ---------------------------------------------- */
static enum sid_err
read_row(const json_t *body, const char *name, int64_t *out,
         struct sid_field *field) {
    const json_t *row = json_object_get(body, name);
    *out = json_integer_value(row);
    if (json_is_integer(row) && *out > 0)
        return SID_OK;
    sid_field_set(field, "", name);
    return row == NULL ? SID_E_FIELD_MISSING : SID_E_FIELD_INVALID;
}

static bool
is_month(const char *text) {
    return strlen(text) == SID_MONTH_SIZE - 1 &&
           strspn(text, "0123456789-") == SID_MONTH_SIZE - 1;
}

static enum sid_err
read_segment(const json_t *body, struct sid_audit_segment *segment,
             struct sid_field *field) {
    static const char *const names[] = {"month", "first", "last", "mac", NULL};
    char mac[2 * SID_SHA256_BYTES + 1];
    enum sid_err err = sid_json_only(body, "", names, field);
    if (err == SID_OK)
        err = sid_json_get_text(
            body, &(struct sid_json_text){.path = "", .name = "month"},
            segment->month, sizeof segment->month, field);
    if (err == SID_OK && !is_month(segment->month)) {
        sid_field_set(field, "", "month");
        err = SID_E_FIELD_INVALID;
    }
    if (err == SID_OK)
        err = read_row(body, "first", &segment->first, field);
    if (err == SID_OK)
        err = read_row(body, "last", &segment->last, field);
    if (err == SID_OK)
        err = sid_json_get_text(
            body, &(struct sid_json_text){.path = "", .name = "mac"}, mac,
            sizeof mac, field);
    if (err == SID_OK &&
        sid_hex_decode(mac, segment->mac, sizeof segment->mac) != SID_OK) {
        sid_field_set(field, "", "mac");
        err = SID_E_FIELD_INVALID;
    }
    return err;
}

static enum sid_err
archive_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.audit_archive);
    json_t *body = NULL;
    enum sid_err err = sid_json_parse(sid_buf_span(&req->body), &body);
    if (err != SID_OK)
        return err;
    err = read_segment(body, &req->u.audit_archive.segment, &req->field);
    json_decref(body);
    return err;
}

static void
archive_start(struct sid_request *req) {
    sid_audit_archive_start(&req->u.audit_archive);
}

static enum sid_err
archive_finish(struct sid_request *req) {
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_json_int(&json, "left", req->u.audit_archive.left);
    sid_json_close(&json, '}');
    return json.err;
}

const struct sid_handler sid_api_audit_archive = {
    .prepare = archive_prepare,
    .start = archive_start,
    .finish = archive_finish,
};
