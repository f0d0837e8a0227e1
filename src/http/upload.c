/* upload.c: the three parts of an enrolment (see upload.h). io thread; owns the
 * parts until they are taken. */
#include "upload.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "multipart.h"

#define PARTS 3
#define HOLDER 2 /* after the photos, which are enum sid_photo_kind */

struct sid_upload {
    struct sid_multipart multipart;
    struct sid_field *field; /* borrowed */
    size_t photo_max_bytes;
    size_t left_bytes; /* of the body, not yet fed */
    int current;       /* part, -1 between parts */
    bool seen[PARTS];
    struct sid_buf part[PARTS];
};

static const char *
part_name(int part) {
    return part == HOLDER ? "holder"
                          : sid_photo_kind_name((enum sid_photo_kind)part);
}

/* A photo must say that it is one; the holder may come without a type, as forms
 * send it, or as text. */
static bool
type_fits(int part, const char *type) {
    if (part == HOLDER)
        return type[0] == '\0' || strcasecmp(type, "application/json") == 0 ||
               strcasecmp(type, "text/plain") == 0;
    return strcasecmp(type, "image/jpeg") == 0 ||
           strcasecmp(type, "image/png") == 0;
}

static enum sid_err
part_begin(void *ctx, const struct sid_part *part) {
    struct sid_upload *upload = ctx;
    sid_field_set(upload->field, "", part->name);
    int at = 0;
    while (at < PARTS && strcmp(part_name(at), part->name) != 0)
        at++;
    if (at == PARTS)
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
part_max(const struct sid_upload *upload) {
    return upload->current == HOLDER ? SID_HOLDER_PART_MAX_BYTES
                                     : upload->photo_max_bytes;
}

static enum sid_err
part_data(void *ctx, const uint8_t *ptr, size_t len) {
    struct sid_upload *upload = ctx;
    struct sid_buf *buf = &upload->part[upload->current];
    size_t max = part_max(upload);
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
sid_upload_new(const char *boundary, size_t photo_max_bytes, size_t total_bytes,
               struct sid_field *field, struct sid_upload **out) {
    struct sid_upload *upload = calloc(1, sizeof *upload);
    if (upload == NULL)
        return SID_E_NO_MEMORY;
    upload->field = field;
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

enum sid_err
sid_upload_finish(struct sid_upload *upload) {
    enum sid_err err = sid_multipart_finish(&upload->multipart);
    for (int at = 0; at < PARTS && err == SID_OK; at++) {
        if (!upload->seen[at])
            err = SID_E_FIELD_MISSING;
        else if (upload->part[at].len == 0)
            err = SID_E_FIELD_INVALID;
        if (err != SID_OK)
            sid_field_set(upload->field, "", part_name(at));
    }
    return err;
}

void
sid_upload_take_photo(struct sid_upload *upload, enum sid_photo_kind kind,
                      struct sid_buf *out) {
    SID_ASSERT(kind == SID_PHOTO_ID || kind == SID_PHOTO_SELFIE);
    sid_buf_move(&upload->part[kind], out);
}

struct sid_span
sid_upload_holder(const struct sid_upload *upload) {
    return sid_buf_span(&upload->part[HOLDER]);
}

void
sid_upload_free(struct sid_upload **upload) {
    struct sid_upload *me = *upload;
    if (me == NULL)
        return;
    *upload = NULL;
    for (int at = 0; at < PARTS; at++)
        sid_buf_free(&me->part[at]);
    free(me);
}
