/* json.h: JSON in and out, for whoever talks to the outside: the API, WeChat.
 *
 * In: jansson, with bounds of our own (object at the top, depth 8, no repeated
 * member, no NUL, members named by the caller and no others), and with
 * allocations that are wiped when they are freed, because bodies hold names and
 * codes. Out: a small append-only writer over a sid_buf that escapes what must
 * be escaped. Any thread; a document or a writer has one owner at a time. */
#ifndef SMARTID_JSON_H
#define SMARTID_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartid/buf.h"
#include "smartid/err.h"

/* Which member was refused, for example "holder.name"; "" when none. Only
 * characters that are safe to show: others end the name. */
#define SID_FIELD_SIZE 64
struct sid_field {
    char name[SID_FIELD_SIZE];
};
/* path: "" or "holder". */
void sid_field_set(struct sid_field *field, const char *path, const char *name);

/* ---- in ---------------------------------------------------------------- */
/* Source: reliability B6. */
#define SID_JSON_DEPTH_MAX 8

/* Seeds jansson's hashing and sets its allocator. Once, before any thread that
 * uses JSON. Errors: SID_E_IO. */
SID_FALLIBLE enum sid_err sid_json_setup(void);

/* Reads one object. The caller frees *out with json_decref(). Errors:
 * SID_E_BAD_JSON. */
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

/* ---- out --------------------------------------------------------------- */
/* The first failure (memory) sticks in err; later calls do nothing. */
struct sid_json {
    struct sid_buf *buf; /* borrowed */
    enum sid_err err;
    bool comma; /* a member or element stands before the next one */
};
void sid_json_init(struct sid_json *json, struct sid_buf *buf);
/* name: of the member, or NULL for an element of an array and for the top. */
void sid_json_open(struct sid_json *json, const char *name, char bracket);
void sid_json_close(struct sid_json *json, char bracket);
/* text: UTF-8; a byte that is not becomes U+FFFD. NULL writes null. */
void sid_json_string(struct sid_json *json, const char *name, const char *text);
void sid_json_int(struct sid_json *json, const char *name, int64_t value);
/* Four decimals. */
void sid_json_real(struct sid_json *json, const char *name, double value);
void sid_json_bool(struct sid_json *json, const char *name, bool value);
/* RFC 3339 UTC. */
void sid_json_time(struct sid_json *json, const char *name, int64_t at_s);

#endif
