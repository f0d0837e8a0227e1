/* upload.h: the body of an enrolment: id_photo, selfie and holder, each once.
 *
 * Bytes go straight into the buffers that the flow will take; nothing is kept
 * twice. io thread of the connection; owned by the request. */
#ifndef SMARTID_HTTP_UPLOAD_H
#define SMARTID_HTTP_UPLOAD_H

#include <stddef.h>

#include "smartid/buf.h"
#include "smartid/enrolment.h"
#include "smartid/err.h"
#include "smartid/json.h"

/* Source: issue 1 B (holder is a handful of short fields). */
#define SID_HOLDER_PART_MAX_BYTES 4096

struct sid_upload;

/* photo_max_bytes: of each photo; total_bytes: Content-Length, which bounds
 * what is allocated. field: borrowed; told which part was refused. Errors:
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err
sid_upload_new(const char *boundary, size_t photo_max_bytes, size_t total_bytes,
               struct sid_field *field, struct sid_upload **out);
/* Takes the next bytes. Errors: SID_E_BAD_REQUEST (malformed),
 * SID_E_FIELD_UNKNOWN (part), SID_E_FIELD_INVALID (repeated),
 * SID_E_MEDIA_TYPE (of a part), SID_E_BODY_TOO_LARGE (part),
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_upload_feed(struct sid_upload *upload,
                                          const char *ptr, size_t len);
/* The body is over: it must have been closed by its boundary and have had all
 * three parts. Errors: SID_E_BAD_REQUEST, SID_E_FIELD_MISSING,
 * SID_E_FIELD_INVALID (an empty photo). */
SID_FALLIBLE enum sid_err sid_upload_finish(struct sid_upload *upload);
/* Moves a photo out. *out must be empty. */
void sid_upload_take_photo(struct sid_upload *upload, enum sid_photo_kind kind,
                           struct sid_buf *out);
/* The JSON of the holder part; borrowed. */
struct sid_span sid_upload_holder(const struct sid_upload *upload);
/* Wipes and frees. */
void sid_upload_free(struct sid_upload **upload);

#endif
