/* credential_type.h: which types of credentials there are, and which fields
 * each has: a table, so that another type is another row. Pure. Any thread. */
#ifndef SMARTID_CREDENTIAL_TYPE_H
#define SMARTID_CREDENTIAL_TYPE_H

#include <stdbool.h>
#include <stddef.h>

#include "smartid/buf.h"
#include "smartid/err.h"

/* What comes of an enrolment; all others need it. */
#define SID_TYPE_RESIDENT "resident_id"
#define SID_TYPE_SIZE 24 /* of the name of a type, with NUL */

enum sid_field_form {
    SID_FORM_DATE, /* "2020-01-31" */
    SID_FORM_CODES /* "C1 D": of A-Z and 0-9, with one space between */
};
struct sid_type_field {
    const char *name;
    enum sid_field_form form;
};
struct sid_credential_type {
    const char *name;
    const char *needs; /* the type that the same person must have, active, to
                          get and to use this one; NULL: none */
    size_t count;
    const struct sid_type_field *field; /* all of them must be given */
};
/* NULL when there is none of that name. Static. */
const struct sid_credential_type *sid_credential_type_find(const char *name);

#define SID_TYPE_FIELDS_MAX 4
#define SID_TYPE_FIELD_SIZE 33 /* 32 characters and NUL */
/* The fields of one credential, in the order of its type. Wiped by its owner.
 */
struct sid_details {
    char value[SID_TYPE_FIELDS_MAX][SID_TYPE_FIELD_SIZE];
};
/* Whether a value has the form. */
bool sid_type_field_fits(const struct sid_type_field *field, const char *value);
/* One blob for sealing: each value ended by NUL. Errors: SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err
sid_details_pack(const struct sid_credential_type *type,
                 const struct sid_details *details, struct sid_buf *out);
/* Errors: SID_E_SEAL when the blob does not have that form. */
SID_FALLIBLE enum sid_err
sid_details_unpack(const struct sid_credential_type *type, struct sid_span blob,
                   struct sid_details *out);

#endif
