/* holder.c: reading what the person states (see holder.h). Pure; any thread;
 * owns nothing. */
#include "holder.h"

#include <string.h>

#include "smartid/clock.h"

#define PHONE_MIN_CHARS 5

static bool
phone_clean(const char *phone) {
    size_t len = strlen(phone);
    return len >= PHONE_MIN_CHARS && strspn(phone, "+0123456789 -") == len;
}

static enum sid_err
read_consent(const json_t *holder, int64_t now_s, struct sid_enrol_submit *out,
             struct sid_field *field) {
    static const char *const names[] = {"version", "given_at", "portrait",
                                        NULL};
    static const char path[] = "holder.consent";
    const json_t *consent = json_object_get(holder, "consent");
    sid_field_set(field, "holder", "consent");
    if (!json_is_object(consent))
        return consent == NULL ? SID_E_FIELD_MISSING : SID_E_FIELD_INVALID;
    enum sid_err err = sid_json_only(consent, path, names, field);
    if (err != SID_OK)
        return err;
    err = sid_json_get_text(
        consent, &(struct sid_json_text){.path = path, .name = "version"},
        out->consent_version, sizeof out->consent_version, field);
    if (err != SID_OK)
        return err;
    char given_at[40]; /* RFC 3339 with fractions of a second */
    err = sid_json_get_text(
        consent, &(struct sid_json_text){.path = path, .name = "given_at"},
        given_at, sizeof given_at, field);
    if (err != SID_OK)
        return err;
    sid_field_set(field, path, "given_at");
    err = sid_time_parse(given_at, &out->consent_at_s);
    if (err != SID_OK)
        return err;
    if (out->consent_at_s > now_s + SID_CONSENT_SKEW_S)
        return SID_E_FIELD_INVALID;
    /* Nothing but a plain yes is one. */
    const json_t *portrait = json_object_get(consent, "portrait");
    sid_field_set(field, path, "portrait");
    out->consent_portrait = json_is_true(portrait);
    if (!out->consent_portrait && portrait != NULL && !json_is_false(portrait))
        return SID_E_FIELD_INVALID;
    field->name[0] = '\0';
    return SID_OK;
}

/* The last day of the card, if it was stated. */
static enum sid_err
read_validity(const json_t *holder, struct sid_enrol_submit *out,
              struct sid_field *field) {
    static const struct sid_json_text what = {
        .path = "holder", .name = "valid_until", .optional = true};
    char date[SID_DATE_SIZE];
    enum sid_err err =
        sid_json_get_text(holder, &what, date, sizeof date, field);
    if (err != SID_OK || date[0] == '\0')
        return err;
    err = sid_valid_until_parse(date, &out->valid_until_s);
    if (err != SID_OK)
        sid_field_set(field, what.path, what.name);
    return err;
}

enum sid_err
sid_holder_read_members(const json_t *holder, int64_t now_s,
                        struct sid_enrol_submit *out, struct sid_field *field) {
    static const char *const names[] = {"name",        "id_number", "phone",
                                        "valid_until", "consent",   NULL};
    static const char path[] = "holder";
    enum sid_err err = sid_json_only(holder, path, names, field);
    if (err != SID_OK)
        return err;
    err = sid_json_get_text(
        holder,
        &(struct sid_json_text){.path = path, .name = "name", .trim = true},
        out->holder.name, sizeof out->holder.name, field);
    if (err != SID_OK)
        return err;
    err = sid_json_get_text(
        holder, &(struct sid_json_text){.path = path, .name = "id_number"},
        out->id_number_text, sizeof out->id_number_text, field);
    if (err != SID_OK)
        return err;
    err = sid_json_get_text(
        holder,
        &(struct sid_json_text){
            .path = path, .name = "phone", .optional = true, .trim = true},
        out->holder.phone, sizeof out->holder.phone, field);
    if (err != SID_OK)
        return err;
    if (out->holder.phone[0] != '\0' && !phone_clean(out->holder.phone)) {
        sid_field_set(field, path, "phone");
        return SID_E_FIELD_INVALID;
    }
    err = read_validity(holder, out, field);
    return err == SID_OK ? read_consent(holder, now_s, out, field) : err;
}

enum sid_err
sid_holder_read(struct sid_span text, int64_t now_s,
                struct sid_enrol_submit *out, struct sid_field *field) {
    json_t *holder = NULL;
    enum sid_err err = sid_json_parse(text, &holder);
    if (err != SID_OK) {
        sid_field_set(field, "", "holder");
        return err;
    }
    err = sid_holder_read_members(holder, now_s, out, field);
    json_decref(holder);
    return err;
}
