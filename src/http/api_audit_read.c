/* api_audit_read.c: the audit log page by page. io thread of the connection;
 * the flow belongs to the request. */
#include <string.h>

#include "api.h"
#include "server_priv.h"
#include "smartid/store.h"
#include "smartid/text.h"

#define LIMIT_DEFAULT 50

static enum sid_err
refuse(struct sid_request *req, const char *name) {
    sid_field_set(&req->field, "", name);
    return SID_E_FIELD_INVALID;
}

/* Words of the log: small letters and _. */
static bool
is_event(const char *text) {
    size_t len = strlen(text);
    return len > 0 && len < SID_AUDIT_EVENT_SIZE &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz_") == len;
}

/* What a person's history is of. */
static bool
is_subject(const char *text) {
    return sid_id_valid("crd_", text) || sid_id_valid("enr_", text) ||
           sid_id_valid("cli_", text) || sid_id_valid("dsp_", text);
}

static enum sid_err
read_query(struct sid_request *req, struct sid_audit_look *look) {
    static const char *const names[] = {"after", "limit", "event", "subject",
                                        NULL};
    enum sid_err err = sid_request_query_only(req, names);
    if (err != SID_OK)
        return err;
    const char *after = sid_request_query(req, "after");
    const char *limit = sid_request_query(req, "limit");
    const char *event = sid_request_query(req, "event");
    const char *subject = sid_request_query(req, "subject");
    look->limit =
        limit == NULL ? LIMIT_DEFAULT : sid_number_parse(limit, SID_PAGE_MAX);
    if (look->limit < 1)
        return refuse(req, "limit");
    if (after != NULL &&
        sid_text_number(after, 1, INT64_MAX, &look->before_seq) != SID_OK)
        return refuse(req, "after");
    if (event != NULL && !is_event(event))
        return refuse(req, "event");
    if (subject != NULL && !is_subject(subject))
        return refuse(req, "subject");
    if (event != NULL)
        memcpy(look->event, event, strlen(event) + 1);
    if (subject != NULL)
        memcpy(look->subject, subject, SID_ID_SIZE);
    /* Officers look at people they name; the whole log is an admin's. */
    if (req->caller.role == SID_ROLE_OFFICER &&
        strncmp(look->subject, "crd_", 4) != 0 &&
        strncmp(look->subject, "enr_", 4) != 0)
        return SID_E_FORBIDDEN;
    return SID_OK;
}

static enum sid_err
audit_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.audit);
    return read_query(req, &req->u.audit);
}

static void
audit_start(struct sid_request *req) {
    sid_audit_look_start(&req->u.audit);
}

static enum sid_err
append(struct sid_buf *out, const char *text) {
    return sid_buf_append(out, text, strlen(text));
}

static enum sid_err
audit_finish(struct sid_request *req) {
    const struct sid_audit_look *look = &req->u.audit;
    struct sid_buf *out = &req->answer.body;
    enum sid_err err = append(out, "{\"rows\":[");
    for (int i = look->count; err == SID_OK && i-- > 0;) {
        const struct sid_buf *row =
            &look->rows[(look->first + i) % look->limit];
        err = sid_buf_append(out, row->ptr, row->len);
        if (err == SID_OK && i > 0)
            err = append(out, ",");
    }
    if (err == SID_OK)
        err = append(out, "]");
    if (err == SID_OK && look->next_seq > 0)
        err = sid_buf_printf(out, ",\"next\":%lld", (long long)look->next_seq);
    return err == SID_OK ? append(out, "}") : err;
}

static void
audit_fini(struct sid_request *req) {
    sid_audit_look_fini(&req->u.audit);
}

const struct sid_handler sid_api_audit = {
    .prepare = audit_prepare,
    .start = audit_start,
    .finish = audit_finish,
    .fini = audit_fini,
};
