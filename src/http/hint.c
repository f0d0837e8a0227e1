/* hint.c: the one place that says in words what would be accepted instead of
 * what was refused (see hint.h). Constant; io threads; owns nothing. */
#include "hint.h"

#include <stdio.h>
#include <string.h>

#include "route.h"
#include "upload.h"

/* Fields whose rule the name does not tell. */
static const struct {
    const char *field;
    const char *rule;
} rules[] = {
    {"id_number", "18 characters, the last one a check digit or X."},
    {"holder.phone", "5 to 24 digits, blanks, + or -."},
    {"holder.consent.given_at",
     "A time that has passed, as in 2026-01-05T08:00:00Z."},
    {"holder.consent.portrait", "true or false."},
    {"holder.valid_until", "The card's last valid day, as in 2035-01-31."},
    {"valid_until", "The last valid day, not yet over, as in 2035-01-31."},
    {"challenge_id", "A challenge of this app, not used and not expired: "
                     "POST /v1/challenges."},
    {"steps", "2 or 3."},
    {"kind", "day, live or offline."},
    {"attributes", "age_over_18 or identity."},
    {"checks", "1 to 50 objects with a code and, where it was taken earlier, "
               "received_at."},
    {"checks.received_at", "A time within the last 30 days, as in "
                           "2026-01-05T08:00:00Z."},
    {"counter", "Up to 64 bytes of text without control characters."},
};

static bool
field_is(const struct sid_request *req, const char *name) {
    return strcmp(req->field.name, name) == 0;
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
    for (size_t i = 0;
         err == SID_E_FIELD_INVALID && i < sizeof rules / sizeof rules[0];
         i++) {
        if (field_is(req, rules[i].field))
            (void)snprintf(out, SID_HINT_SIZE, "Accepted: %s", rules[i].rule);
    }
}
