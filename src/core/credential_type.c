/* credential_type.c: the table of types, and their fields as bytes (see
 * credential_type.h). Pure; any thread; owns nothing. */
#include "smartid/credential_type.h"

#include <string.h>

#include "smartid/credential.h"

static const struct sid_type_field licence_fields[] = {
    {"classes", SID_FORM_CODES},
    {"first_issue", SID_FORM_DATE},
};

static const struct sid_credential_type types[] = {
    {SID_TYPE_RESIDENT, NULL, 0, NULL},
    {"drivers_licence", SID_TYPE_RESIDENT,
     sizeof licence_fields / sizeof *licence_fields, licence_fields},
};

_Static_assert(sizeof licence_fields / sizeof *licence_fields <=
                   SID_TYPE_FIELDS_MAX,
               "room for the fields");

const struct sid_credential_type *
sid_credential_type_find(const char *name) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, name) == 0)
            return &types[i];
    return NULL;
}

static bool
is_codes(const char *value) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    for (;;) {
        size_t word = strspn(value, letters);
        if (word == 0)
            return false;
        value += word;
        if (*value == '\0')
            return true;
        if (*value++ != ' ')
            return false;
    }
}

bool
sid_type_field_fits(const struct sid_type_field *field, const char *value) {
    int64_t ignored;
    if (field->form == SID_FORM_CODES)
        return is_codes(value);
    return sid_valid_until_parse(value, &ignored) == SID_OK;
}

enum sid_err
sid_details_pack(const struct sid_credential_type *type,
                 const struct sid_details *details, struct sid_buf *out) {
    struct sid_buf made = SID_BUF_EMPTY;
    enum sid_err err = SID_OK;
    for (size_t i = 0; err == SID_OK && i < type->count; i++)
        err = sid_buf_append(&made, details->value[i],
                             strlen(details->value[i]) + 1);
    if (err == SID_OK)
        sid_buf_move(&made, out);
    sid_buf_free(&made);
    return err;
}

enum sid_err
sid_details_unpack(const struct sid_credential_type *type, struct sid_span blob,
                   struct sid_details *out) {
    struct sid_details made = {0};
    bool good = true;
    for (size_t i = 0; good && i < type->count; i++) {
        const uint8_t *end =
            blob.len == 0 ? NULL : memchr(blob.ptr, '\0', blob.len);
        size_t len = end == NULL ? 0 : (size_t)(end - blob.ptr) + 1;
        good = len > 1 && len <= sizeof made.value[i];
        if (!good)
            break;
        memcpy(made.value[i], blob.ptr, len);
        blob.ptr += len;
        blob.len -= len;
    }
    good = good && blob.len == 0;
    if (good)
        *out = made;
    sid_wipe(&made, sizeof made);
    return good ? SID_OK : SID_E_SEAL;
}
