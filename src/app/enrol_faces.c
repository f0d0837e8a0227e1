/* enrol_faces.c: the two faces of an enrolment as they were compared, for the
 * officer who looks at it: made into files of the grey squares that whoever
 * looked at the photos has handed back. They are pixels, so they are a picture
 * whatever that was. Owns nothing. */
#include <string.h>

#include "app_internal.h"
#include "smartid/policy.h"
#include "smartid/store_photo.h"

/* A square of that side as a JPEG file. Source: the limit of the portrait,
 * which has six times the pixels. */
#define FILE_MAX_BYTES SID_PORTRAIT_MAX_BYTES

static enum sid_photo_kind
kind_of(int i) {
    return (enum sid_photo_kind)(SID_PHOTO_ID_FACE + i);
}

static enum sid_err
write_file(const struct sid_photo_facts *facts, struct sid_buf *out) {
    const size_t pixels = sizeof facts->grey;
    struct sid_buf bgr = SID_BUF_EMPTY;
    enum sid_err err = sid_buf_reserve(&bgr, 3 * pixels);
    if (err == SID_OK) {
        for (size_t i = 0; i < pixels; i++)
            memset(bgr.ptr + 3 * i, facts->grey[i], 3);
        bgr.len = 3 * pixels;
        const struct sid_image image = {
            .bgr = bgr.ptr,
            .stride_bytes = (size_t)SID_FACE_GREY_PX * 3,
            .width_px = SID_FACE_GREY_PX,
            .height_px = SID_FACE_GREY_PX,
        };
        err = sid_image_write_jpeg(&image, FILE_MAX_BYTES, out);
    }
    sid_buf_free(&bgr);
    return err;
}

enum sid_err
sid_enrol_faces_seal(const struct sid_subject *subject, const char *id,
                     const struct sid_photo_facts *facts,
                     struct sid_buf out[SID_FACES_SHOWN]) {
    static const enum sid_photo_kind of[SID_FACES_SHOWN] = {SID_PHOTO_ID,
                                                            SID_PHOTO_SELFIE};
    enum sid_err err = SID_OK;
    for (int i = 0; err == SID_OK && i < SID_FACES_SHOWN; i++) {
        struct sid_place place = sid_enrol_photo_place(id, kind_of(i));
        struct sid_buf file = SID_BUF_EMPTY;
        sid_buf_free(&out[i]); /* of an attempt before */
        if (facts[of[i]].faces == 0)
            continue;
        err = write_file(&facts[of[i]], &file);
        if (err == SID_OK)
            err =
                sid_subject_seal(subject, &place, sid_buf_span(&file), &out[i]);
        sid_buf_free(&file);
    }
    return err;
}

enum sid_err
sid_enrol_faces_store(struct sid_store *store, const char *id,
                      const struct sid_buf faces[SID_FACES_SHOWN]) {
    enum sid_err err = SID_OK;
    for (int i = 0; err == SID_OK && i < SID_FACES_SHOWN; i++)
        if (faces[i].len > 0)
            err = sid_store_photo_put(store, id, kind_of(i),
                                      sid_buf_span(&faces[i]));
    return err;
}
