/* json.h: JSON in, and with it the writer for JSON out (smartid/json_out.h).
 *
 * jansson, with bounds of our own (object at the top, depth 8, no repeated
 * member, no NUL, members named by the caller and no others), and with
 * allocations that are wiped when they are freed, because bodies hold names and
 * codes. Any thread; a document has one owner at a time. */
#ifndef SMARTID_JSON_H
#define SMARTID_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartid/buf.h"
#include "smartid/err.h"
#include "smartid/json_out.h"

/* Which member was refused, for example "holder.name"; "" when none. Only
 * characters that are safe to show: others end the name. */
#define SID_FIELD_SIZE 64
struct sid_field {
    char name[SID_FIELD_SIZE];
};
/* path: "" or "holder". */
void sid_field_set(struct sid_field *field, const char *path, const char *name);
/* The same for a name that the client has chosen: it is shown only if it could
 * be one of ours (small letters and _, a digit at the end), because answers are
 * logged by others and it may be anything, an ID number for example. Otherwise
 * the path alone is left. */
void sid_field_set_foreign(struct sid_field *field, const char *path,
                           const char *name);

/* Source: reliability B6. */
#define SID_JSON_DEPTH_MAX 8

/* Seeds jansson's hashing and sets its allocator. Once, before any thread that
 * uses JSON. Errors: SID_E_IO. */
SID_FALLIBLE enum sid_err sid_json_setup(void);

/* Reads one object. The caller frees *out with json_decref(). Errors:
 * SID_E_BAD_JSON, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_json_parse(struct sid_span text, json_t **out);

/* Refuses members that are not in `names` (ended by NULL). Errors:
 * SID_E_FIELD_UNKNOWN. */
SID_FALLIBLE enum sid_err sid_json_only(const json_t *object, const char *path,
                                        const char *const *names,
                                        struct sid_field *field);

struct sid_json_text {
    const char *path; /* for the field's name: "" or "holder" */
    const char *name;
    bool optional; /* then out becomes "" when it is not there */
    bool trim;     /* spaces and tabs at both ends are taken away */
};
/* Copies a text of 1..out_size-1 bytes of clean UTF-8. Errors:
 * SID_E_FIELD_MISSING, SID_E_FIELD_INVALID. */
SID_FALLIBLE enum sid_err sid_json_get_text(const json_t *object,
                                            const struct sid_json_text *what,
                                            char *out, size_t out_size,
                                            struct sid_field *field);
/* The same for the bytes of a member's string. Errors: SID_E_FIELD_INVALID. */
SID_FALLIBLE enum sid_err sid_json_take_text(const char *text, size_t len,
                                             const struct sid_json_text *what,
                                             char *out, size_t out_size,
                                             struct sid_field *field);

/* ---- json_plain.c ------------------------------------------------------ */
/* A member of a flat object. */
struct sid_json_plain {
    const char *name;
    const char *text; /* borrowed from the body; NULL: not there */
    size_t len;
};
/* Reads an object of the simplest form: one to n members, all of `members`,
 * none twice, each a string of printable ASCII without an escape. True when the
 * body is one: then it means what sid_json_parse() would read. Otherwise
 * nothing is known of it, and .text and .len of the members mean nothing. */
bool sid_json_plain(struct sid_span text, struct sid_json_plain *members,
                    size_t n);

#endif
