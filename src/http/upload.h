/* upload.h: the body of an enrolment, an appeal, a recovery or a look at a
 * face: photos, frames, and short texts, each once.
 *
 * Bytes go straight into the buffers that the flow will take; nothing is kept
 * twice. io thread of the connection; owned by the request. */
#ifndef SMARTID_HTTP_UPLOAD_H
#define SMARTID_HTTP_UPLOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "smartid/buf.h"
#include "smartid/enrolment.h"
#include "smartid/err.h"
#include "smartid/json.h"

/* Source: issue 1 B (holder is a handful of short fields). */
#define SID_HOLDER_PART_MAX_BYTES 4096

/* 18 characters, of full width and with a blank behind each. Own choice. */
#define SID_NUMBER_PART_MAX_BYTES 72

/* The short texts of a body. */
enum sid_upload_text {
    SID_TEXT_HOLDER,    /* JSON; of an enrolment, needed */
    SID_TEXT_CHALLENGE, /* id of the challenge that the frames answer */
    SID_TEXT_STATEMENT, /* of an appeal */
    SID_TEXT_NUMBER,    /* ID number of who recovers by it, needed */
    SID_UPLOAD_TEXTS
};

/* What a part of that name may be, for a refusal: bytes (0: there is no such
 * part) and media types. */
size_t sid_upload_part_max(const char *name, size_t photo_max_bytes);
const char *sid_upload_part_types(const char *name);

/* Whose parts are taken. */
enum sid_upload_of {
    SID_UPLOAD_ENROLMENT,
    SID_UPLOAD_APPEAL,
    SID_UPLOAD_RECOVERY, /* no photo of the card */
    SID_UPLOAD_NUMBER,   /* the same, with an ID number */
    SID_UPLOAD_FACE /* one photo, called that; as the selfie it is taken out */
};

struct sid_upload;

/* photo_max_bytes: of each photo; total_bytes: Content-Length, which bounds
 * what is allocated. field: borrowed; told which part was refused. Errors:
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err
sid_upload_new(const char *boundary, enum sid_upload_of of,
               size_t photo_max_bytes, size_t total_bytes,
               struct sid_field *field, struct sid_upload **out);
/* Takes the next bytes. Errors: SID_E_BAD_REQUEST (malformed),
 * SID_E_FIELD_UNKNOWN (part), SID_E_FIELD_INVALID (repeated),
 * SID_E_MEDIA_TYPE (of a part), SID_E_BODY_TOO_LARGE (part),
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_upload_feed(struct sid_upload *upload,
                                          const char *ptr, size_t len);
/* The body is over: it must have been closed by its boundary and have had all
 * parts that are needed: both photos and the holder, a selfie at least; frames
 * from the first one on, with a challenge, and the other way round. Errors:
 * SID_E_BAD_REQUEST, SID_E_FIELD_MISSING, SID_E_FIELD_INVALID (an empty part).
 */
SID_FALLIBLE enum sid_err sid_upload_finish(struct sid_upload *upload);
/* Moves a photo out; a frame that was not sent leaves *out empty, as it must
 * be. */
void sid_upload_take_photo(struct sid_upload *upload, enum sid_photo_kind kind,
                           struct sid_buf *out);
/* The bytes of a text; borrowed; empty when it was not sent. */
struct sid_span sid_upload_text(const struct sid_upload *upload,
                                enum sid_upload_text text);
/* Wipes and frees. */
void sid_upload_free(struct sid_upload **upload);

#endif
