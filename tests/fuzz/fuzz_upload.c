/* fuzz_upload.c: src/http/upload.c over multipart.c: the body of an
 * enrolment, an appeal or a recovery, part by part. The first byte says which,
 * the second how it is cut into pieces, which must change nothing. libFuzzer's
 * one thread. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/http/upload.h"

#define PHOTO_MAX_BYTES 256

struct taken {
    enum sid_err err;
    struct sid_field field;
    struct sid_buf photo[SID_PHOTO_KINDS];
    struct sid_buf text[SID_UPLOAD_TEXTS];
};

void
fuzz_setup(void) {}

static enum sid_err
keep(struct sid_upload *upload, struct taken *out) {
    enum sid_err err = SID_OK;
    for (int i = 0; i < SID_UPLOAD_TEXTS && err == SID_OK; i++) {
        struct sid_span text = sid_upload_text(upload, (enum sid_upload_text)i);
        if (text.len > 0)
            err = sid_buf_append(&out->text[i], text.ptr, text.len);
    }
    for (int i = 0; i < SID_PHOTO_KINDS; i++)
        sid_upload_take_photo(upload, (enum sid_photo_kind)i, &out->photo[i]);
    return err;
}

static void
take(enum sid_upload_of of, const uint8_t *data, size_t size, size_t piece,
     struct taken *out) {
    struct sid_upload *upload = NULL;
    memset(out, 0, sizeof *out);
    out->err = sid_upload_new("b0undary", of, PHOTO_MAX_BYTES, size,
                              &out->field, &upload);
    for (size_t at = 0; at < size && out->err == SID_OK; at += piece)
        out->err = sid_upload_feed(upload, (const char *)data + at,
                                   size - at < piece ? size - at : piece);
    if (out->err == SID_OK)
        out->err = sid_upload_finish(upload);
    if (out->err == SID_OK)
        out->err = keep(upload, out);
    sid_upload_free(&upload);
}

static bool
same(const struct sid_buf *a, const struct sid_buf *b) {
    return a->len == b->len &&
           (a->len == 0 || memcmp(a->ptr, b->ptr, a->len) == 0);
}

static void
expect_complete(const struct taken *it, enum sid_upload_of of) {
    fuzz_expect((it->photo[SID_PHOTO_ID].len > 0) ==
                    (of != SID_UPLOAD_RECOVERY && of != SID_UPLOAD_FACE) &&
                it->photo[SID_PHOTO_SELFIE].len > 0 &&
                (it->text[SID_TEXT_HOLDER].len > 0) ==
                    (of == SID_UPLOAD_ENROLMENT));
    for (int i = 0; i < SID_PHOTO_KINDS; i++)
        fuzz_expect(it->photo[i].len <= PHOTO_MAX_BYTES);
    for (int i = SID_PHOTO_FRAME_1; i < SID_PHOTO_FRAME_3; i++)
        fuzz_expect(it->photo[i].len > 0 || it->photo[i + 1].len == 0);
    fuzz_expect((it->photo[SID_PHOTO_FRAME_1].len > 0) ==
                (it->text[SID_TEXT_CHALLENGE].len > 0));
}

void
fuzz_one(const uint8_t *data, size_t size) {
    if (size < 3)
        return;
    struct taken whole, cut;
    enum sid_upload_of of = (enum sid_upload_of)(data[0] % 3);
    take(of, data + 2, size - 2, size, &whole);
    take(of, data + 2, size - 2, (size_t)data[1] % 32 + 1, &cut);
    fuzz_expect(whole.err == cut.err &&
                strcmp(whole.field.name, cut.field.name) == 0);
    if (whole.err == SID_OK)
        expect_complete(&whole, of);
    for (int i = 0; i < SID_PHOTO_KINDS; i++) {
        fuzz_expect(same(&whole.photo[i], &cut.photo[i]));
        sid_buf_free(&whole.photo[i]);
        sid_buf_free(&cut.photo[i]);
    }
    for (int i = 0; i < SID_UPLOAD_TEXTS; i++) {
        fuzz_expect(same(&whole.text[i], &cut.text[i]));
        sid_buf_free(&whole.text[i]);
        sid_buf_free(&cut.text[i]);
    }
}
