/* upload.c: the parts of an enrolment, an appeal, a recovery or a look at a
 * face (see upload.h). io thread; owns the parts until they are taken. */
#include "upload.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "multipart.h"
#include "smartid/config.h"
#include "smartid/store.h"

/* Photos first, by enum sid_photo_kind; then texts. */
#define PARTS (SID_PHOTO_KINDS + SID_UPLOAD_TEXTS)
#define TEXT(text) (SID_PHOTO_KINDS + (text))

static const struct {
    const char *name;
    size_t max_bytes;
    unsigned taken; /* bits 1 << enum sid_upload_of: which of them have it */
} texts[SID_UPLOAD_TEXTS] = {
    [SID_TEXT_HOLDER] = {"holder", SID_HOLDER_PART_MAX_BYTES,
                         1u << SID_UPLOAD_ENROLMENT},
    [SID_TEXT_CHALLENGE] = {"challenge_id", SID_ID_CHARS,
                            ~(1u << SID_UPLOAD_FACE)},
    [SID_TEXT_STATEMENT] = {"statement", SID_NOTE_SIZE - 1,
                            1u << SID_UPLOAD_APPEAL},
    [SID_TEXT_NUMBER] = {"id_number", SID_NUMBER_PART_MAX_BYTES,
                         1u << SID_UPLOAD_NUMBER},
};

struct sid_upload {
    struct sid_multipart multipart;
    struct sid_field *field; /* borrowed */
    enum sid_upload_of of;
    size_t photo_max_bytes;
    size_t left_bytes; /* of the body, not yet fed */
    int current;       /* part, -1 between parts */
    bool seen[PARTS];
    struct sid_buf part[PARTS];
};

static const char *
part_name(int part) {
    return part >= SID_PHOTO_KINDS
               ? texts[part - SID_PHOTO_KINDS].name
               : sid_photo_kind_name((enum sid_photo_kind)part);
}

/* What a counter's camera takes is called by no more than what it is. */
#define COUNTER_PHOTO "photo"

static const char *
name_in(enum sid_upload_of of, int part) {
    return of == SID_UPLOAD_FACE && part == SID_PHOTO_SELFIE ? COUNTER_PHOTO
                                                             : part_name(part);
}

static bool
is_taken(const struct sid_upload *upload, int part) {
    if (part < SID_PHOTO_KINDS && upload->of == SID_UPLOAD_FACE)
        return part == SID_PHOTO_SELFIE;
    if (part < SID_PHOTO_KINDS)
        return part != SID_PHOTO_ID || (upload->of != SID_UPLOAD_RECOVERY &&
                                        upload->of != SID_UPLOAD_NUMBER);
    return (texts[part - SID_PHOTO_KINDS].taken & 1u << upload->of) != 0;
}

static bool
is_needed(const struct sid_upload *upload, int part) {
    return (part <= SID_PHOTO_SELFIE || part == TEXT(SID_TEXT_HOLDER) ||
            part == TEXT(SID_TEXT_NUMBER)) &&
           is_taken(upload, part);
}

/* A photo must say that it is one; a text may come without a type, as forms
 * send it, or as text. */
static bool
type_fits(int part, const char *type) {
    if (part >= SID_PHOTO_KINDS)
        return type[0] == '\0' || strcasecmp(type, "text/plain") == 0 ||
               (part == TEXT(SID_TEXT_HOLDER) &&
                strcasecmp(type, "application/json") == 0);
    return strcasecmp(type, "image/jpeg") == 0 ||
           strcasecmp(type, "image/png") == 0;
}

/* PARTS when there is none. */
static int
part_of(enum sid_upload_of of, const char *name) {
    int at = 0;
    while (at < PARTS && strcmp(name_in(of, at), name) != 0)
        at++;
    return at;
}

/* The same of whichever body has it. */
static int
any_part_of(const char *name) {
    int at = part_of(SID_UPLOAD_ENROLMENT, name);
    return at < PARTS ? at : part_of(SID_UPLOAD_FACE, name);
}

static enum sid_err
part_begin(void *ctx, const struct sid_part *part) {
    struct sid_upload *upload = ctx;
    int at = part_of(upload->of, part->name);
    if (at < PARTS)
        sid_field_set(upload->field, "", part->name);
    else
        sid_field_set_foreign(upload->field, "", part->name);
    if (at == PARTS || !is_taken(upload, at))
        return SID_E_FIELD_UNKNOWN;
    if (upload->seen[at])
        return SID_E_FIELD_INVALID;
    if (!type_fits(at, part->content_type))
        return SID_E_MEDIA_TYPE;
    upload->seen[at] = true;
    upload->current = at;
    return SID_OK;
}

static size_t
part_max(int part, size_t photo_max_bytes) {
    if (part >= SID_PHOTO_KINDS)
        return texts[part - SID_PHOTO_KINDS].max_bytes;
    return part >= SID_PHOTO_FRAME_1 ? photo_max_bytes / SID_FRAME_SHARE
                                     : photo_max_bytes;
}

size_t
sid_upload_part_max(const char *name, size_t photo_max_bytes) {
    int part = any_part_of(name);
    return part < PARTS ? part_max(part, photo_max_bytes) : 0;
}

const char *
sid_upload_part_types(const char *name) {
    int part = any_part_of(name);
    if (part < SID_PHOTO_KINDS)
        return "image/jpeg or image/png";
    return part == TEXT(SID_TEXT_HOLDER) ? "application/json or text/plain"
                                         : "text/plain";
}

static enum sid_err
part_data(void *ctx, const uint8_t *ptr, size_t len) {
    struct sid_upload *upload = ctx;
    struct sid_buf *buf = &upload->part[upload->current];
    size_t max = part_max(upload->current, upload->photo_max_bytes);
    if (len > max - buf->len)
        return SID_E_BODY_TOO_LARGE;
    if (buf->ptr == NULL) {
        /* Room for all that can still come, so that a photo is never moved.
         * Pages that are not written to cost nothing. left_bytes already
         * excludes this call's bytes. */
        size_t room = upload->left_bytes + len;
        enum sid_err err = sid_buf_reserve(buf, room < max ? room : max);
        if (err != SID_OK)
            return err;
    }
    return sid_buf_append(buf, ptr, len);
}

static enum sid_err
part_end(void *ctx) {
    struct sid_upload *upload = ctx;
    upload->current = -1;
    upload->field->name[0] = '\0';
    return SID_OK;
}

static const struct sid_multipart_calls calls = {
    .begin = part_begin,
    .data = part_data,
    .end = part_end,
};

enum sid_err
sid_upload_new(const char *boundary, enum sid_upload_of of,
               size_t photo_max_bytes, size_t total_bytes,
               struct sid_field *field, struct sid_upload **out) {
    struct sid_upload *upload = calloc(1, sizeof *upload);
    if (upload == NULL)
        return SID_E_NO_MEMORY;
    upload->field = field;
    upload->of = of;
    upload->photo_max_bytes = photo_max_bytes;
    upload->left_bytes = total_bytes;
    upload->current = -1;
    sid_multipart_init(&upload->multipart, boundary, &calls, upload);
    *out = upload;
    return SID_OK;
}

enum sid_err
sid_upload_feed(struct sid_upload *upload, const char *ptr, size_t len) {
    upload->left_bytes -= len < upload->left_bytes ? len : upload->left_bytes;
    return sid_multipart_feed(&upload->multipart, (const uint8_t *)ptr, len);
}

/* The first part that is missing though others call for it, or PARTS. */
static int
missing_part(const struct sid_upload *upload) {
    const bool *seen = upload->seen;
    for (int at = 0; at < PARTS; at++)
        if (is_needed(upload, at) && !seen[at])
            return at;
    if (seen[TEXT(SID_TEXT_CHALLENGE)] && !seen[SID_PHOTO_FRAME_1])
        return SID_PHOTO_FRAME_1;
    for (int at = SID_PHOTO_FRAME_3; at > SID_PHOTO_FRAME_1; at--)
        if (seen[at] && !seen[at - 1])
            return at - 1;
    if (seen[SID_PHOTO_FRAME_1] && !seen[TEXT(SID_TEXT_CHALLENGE)])
        return TEXT(SID_TEXT_CHALLENGE);
    return PARTS;
}

enum sid_err
sid_upload_finish(struct sid_upload *upload) {
    enum sid_err err = sid_multipart_finish(&upload->multipart);
    if (err != SID_OK)
        return err;
    int missing = missing_part(upload);
    if (missing < PARTS) {
        sid_field_set(upload->field, "", name_in(upload->of, missing));
        return SID_E_FIELD_MISSING;
    }
    for (int at = 0; at < PARTS; at++) {
        if (upload->seen[at] && upload->part[at].len == 0) {
            sid_field_set(upload->field, "", name_in(upload->of, at));
            return SID_E_FIELD_INVALID;
        }
    }
    return SID_OK;
}

void
sid_upload_take_photo(struct sid_upload *upload, enum sid_photo_kind kind,
                      struct sid_buf *out) {
    SID_ASSERT(kind < SID_PHOTO_KINDS);
    sid_buf_move(&upload->part[kind], out);
}

struct sid_span
sid_upload_text(const struct sid_upload *upload, enum sid_upload_text text) {
    return sid_buf_span(&upload->part[TEXT(text)]);
}

void
sid_upload_free(struct sid_upload **upload) {
    struct sid_upload *me = *upload;
    if (me == NULL)
        return;
    *upload = NULL;
    for (int at = 0; at < PARTS; at++)
        sid_buf_free(&me->part[at]);
    sid_wipe(me, sizeof *me); /* heads of parts tell names of files */
    free(me);
}
