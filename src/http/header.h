/* header.h: what the lines of a request head mean: pure parsers.
 *
 * libmicrohttpd hands lines over as C strings; here they become values or
 * refusals. Pure: no connection, no clock, no allocation. Any thread. */
#ifndef SMARTID_HTTP_HEADER_H
#define SMARTID_HTTP_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartid/err.h"

/* A request id is 1..64 characters of [A-Za-z0-9._-]. Source: issue 1 B. */
#define SID_REQUEST_ID_SIZE 65
/* Source: RFC 2046 5.1.1 (70 characters). */
#define SID_BOUNDARY_SIZE 71

/* True when a raw request target is a path of [A-Za-z0-9._~/-] that begins
 * with '/', with at most one query of the same characters and "=&". Escapes
 * are never needed here, so '%' is refused before anything unescapes it.
 * *has_query is always written. */
bool sid_uri_clean(const char *uri, bool *has_query);

/* True when text may serve as a request id. */
bool sid_request_id_clean(const char *text);
/* Makes one: unique within this process and unlikely to repeat elsewhere. */
void sid_request_id_make(char out[SID_REQUEST_ID_SIZE]);

/* True when <value, len> has no NUL, no control character but a tab, no DEL. */
bool sid_header_value_clean(const char *value, size_t len);

/* Digits only. Errors: SID_E_BAD_REQUEST. */
SID_FALLIBLE enum sid_err sid_content_length_parse(const char *value,
                                                   uint64_t *out);

/* A number of a query, 1..max, digits only; 0 when it is not one. */
int sid_number_parse(const char *text, int max);

/* The text behind "Bearer " (any case, one or more spaces); false when it is
 * another scheme or empty. *key points into value. */
bool sid_bearer_parse(const char *value, const char **key, size_t *key_len);

/* A token character of RFC 9110 5.6.2. */
bool sid_header_tchar(char c);
/* Skips spaces and tabs. */
const char *sid_header_skip(const char *at);

/* One "; name=value" of a header; value is a token or a quoted string, with
 * the quotes and escapes taken away. */
struct sid_header_param {
    char name[32];
    char value[512]; /* room for file names, which nobody looks at */
};
/* Reads the parameter at *at (which points to ';' or to the end). Returns false
 * at the end. Errors go to *err: SID_E_BAD_REQUEST. */
bool sid_header_param_next(const char **at, struct sid_header_param *out,
                           enum sid_err *err);

/* True when value is this media type, whatever its parameters. */
bool sid_media_type_is(const char *value, const char *type);
/* The boundary of a multipart/form-data value. Errors: SID_E_MEDIA_TYPE (not
 * multipart/form-data), SID_E_BAD_REQUEST (no or no proper boundary). */
SID_FALLIBLE enum sid_err sid_boundary_parse(const char *value,
                                             char out[SID_BOUNDARY_SIZE]);

#endif
