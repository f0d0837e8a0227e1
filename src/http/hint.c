/* hint.c: the one place that says in words what would be accepted instead of
 * what was refused (see hint.h). Constant; io threads; owns nothing. */
#include "hint.h"

#include <stdio.h>
#include <string.h>

#include "api.h"
#include "upload.h"

#define WORDS "1 to 400 bytes of text without control characters."

/* Fields whose rule the name does not tell; of: of that handler only. */
static const struct {
    const char *field;
    const char *rule;
    const struct sid_handler *of;
} rules[] = {
    {"id_number",
     "18 characters, the last one a check digit or X; one of id_number and "
     "credential_id.",
     &sid_api_credential_search},
    {"id_number", "18 characters, the last one a check digit or X.",
     &sid_api_recovery},
    {"credential_id", "The id of a credential: crd_ and 26 characters.",
     &sid_api_credential_search},
    {"page", "enroll, without a key.", &sid_api_session_open},
    {"event", "A word of the log, as in verification.", &sid_api_audit},
    {"subject", "The id of an enrolment, a credential, a client or a dispute.",
     &sid_api_audit},
    {"after", "What next has said.", &sid_api_audit},
    {"reason",
     "lost, stolen or unwanted; of officers also data_wrong, card_invalid, "
     "deceased or fraud.",
     &sid_api_credential_revoke},
    {"reason", "lost, stolen, new_phone or not_recognised.",
     &sid_api_credential_recover},
    {"reason",
     "request, consent_withdrawn, purpose_ended, mistake or unlawful.",
     &sid_api_enrol_erase},
    {"reason", WORDS, &sid_api_dispute},
    {"reason", WORDS, &sid_api_enrol_decide},
    {"note", WORDS, NULL},
    {"decision", "approve, reject or withdraw.", NULL},
    {"outcome", "upheld or dismissed.", NULL},
    {"type", "drivers_licence.", &sid_api_credential_issue},
    {"fields.classes", "Words of A-Z and 0-9 with one blank between them.",
     NULL},
    {"fields.first_issue", "A date, as in 2020-05-17.", NULL},
    {"person_seen", "true.", NULL},
    {"card_seen", "true.", NULL},
    {"replace", "true or false.", NULL},
    {"seq", "The seq of a refused event.", NULL},
    {"holder.phone", "5 to 24 digits, blanks, + or -.", NULL},
    {"holder.consent.given_at",
     "A time that has passed, as in 2026-01-05T08:00:00Z.", NULL},
    {"holder.consent.portrait", "true or false.", NULL},
    {"holder.valid_until", "The card's last valid day, as in 2035-01-31.",
     NULL},
    {"valid_until", "The last valid day, not yet over, as in 2035-01-31.",
     NULL},
    {"challenge_id",
     "A challenge of this app, not used and not expired: "
     "POST /v1/challenges.",
     NULL},
    {"steps", "2 or 3.", NULL},
    {"kind", "day, live or offline.", NULL},
    {"attributes", "age_over_18 or identity.", NULL},
    {"checks",
     "1 to 50 objects with a code and, where it was taken earlier, "
     "received_at.",
     NULL},
    {"checks.received_at",
     "A time within the last 30 days, as in "
     "2026-01-05T08:00:00Z.",
     NULL},
    {"counter", "Up to 64 bytes of text without control characters.", NULL},
};

static bool
field_is(const struct sid_request *req, const char *name) {
    return strcmp(req->field.name, name) == 0;
}

/* Whoever may use these routes at all is refused for this alone. */
static bool
is_suspended_by_another(const struct sid_request *req) {
    const struct sid_route *route = req->route;
    return route != NULL &&
           ((route->any | route->own) & req->caller.role) != 0 &&
           (route->handler == &sid_api_credential_resume ||
            route->handler == &sid_api_credential_issue);
}

static const char *
types_taken(const struct sid_request *req) {
    bool part = req->field.name[0] != '\0';
    bool officer = req->caller.role == SID_ROLE_OFFICER;
    if (req->route->body != SID_BODY_MULTIPART &&
        req->route->body != SID_BODY_APPEAL &&
        req->route->body != SID_BODY_FACE &&
        req->route->body != SID_BODY_NUMBER &&
        (req->route->body != SID_BODY_RECOVERY || officer))
        return "application/json";
    return part ? sid_upload_part_types(req->field.name)
                : "multipart/form-data";
}

static uint64_t
limit_bytes(const struct sid_request *req) {
    size_t part = sid_upload_part_max(req->field.name, req->photo_max_bytes);
    return part > 0 ? part : req->body_max_bytes;
}

void
sid_hint(const struct sid_request *req, enum sid_err err,
         char out[SID_HINT_SIZE]) {
    out[0] = '\0';
    if (err == SID_E_MEDIA_TYPE)
        (void)snprintf(out, SID_HINT_SIZE, "Accepted: %s.", types_taken(req));
    if (err == SID_E_BODY_TOO_LARGE)
        (void)snprintf(out, SID_HINT_SIZE, "Accepted: up to %llu bytes.",
                       (unsigned long long)limit_bytes(req));
    if (err == SID_E_FORBIDDEN && is_suspended_by_another(req))
        (void)snprintf(out, SID_HINT_SIZE,
                       "Somebody else has suspended the credential.");
    for (size_t i = 0;
         err == SID_E_FIELD_INVALID && i < sizeof rules / sizeof rules[0];
         i++) {
        if (field_is(req, rules[i].field) &&
            (rules[i].of == NULL || rules[i].of == req->route->handler))
            (void)snprintf(out, SID_HINT_SIZE, "Accepted: %s", rules[i].rule);
    }
}
