/* image_jpeg_write.c: pixels as a JPEG file in memory, by libjpeg-turbo, into
 * room that is fixed before it begins. Pixels can be anything, so nothing that
 * came with the photo (EXIF, comments, what a decoder might trip over) gets
 * into the file. Any thread; owns nothing beyond a call. */
#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include <jerror.h>

#include "image_priv.h"

/* Source: own choice: below, skin shows blocks at this size; above, a file only
 * grows. */
#define QUALITY 85

struct target {
    struct jpeg_error_mgr mgr; /* first: libjpeg hands it back */
    struct jpeg_destination_mgr room;
    jmp_buf jump;
    bool full;
    bool no_memory;
};

static struct target *
target_of(const struct jpeg_error_mgr *mgr) {
    return (struct target *)(uintptr_t)mgr;
}

static void
on_error(j_common_ptr cinfo) {
    struct target *target = target_of(cinfo->err);
    target->no_memory = cinfo->err->msg_code == JERR_OUT_OF_MEMORY;
    longjmp(target->jump, 1);
}

static void
on_output(j_common_ptr cinfo) {
    (void)cinfo; /* the library never writes to stderr here */
}

static void
on_begin(j_compress_ptr cinfo) {
    (void)cinfo; /* the room is there */
}

static boolean
on_full(j_compress_ptr cinfo) {
    target_of(cinfo->err)->full = true;
    longjmp(target_of(cinfo->err)->jump, 1);
}

static void
on_end(j_compress_ptr cinfo) {
    (void)cinfo;
}

/* The part that may be left by longjmp: it changes only what it was handed. */
static enum sid_err
encode(struct jpeg_compress_struct *cinfo, struct target *target,
       const struct sid_image *image, struct sid_buf *made) {
    if (setjmp(target->jump) != 0)
        return target->full        ? SID_E_IMAGE_TOO_LARGE
               : target->no_memory ? SID_E_NO_MEMORY
                                   : SID_E_INTERNAL;
    jpeg_create_compress(cinfo);
    cinfo->dest = &target->room;
    cinfo->image_width = (JDIMENSION)image->width_px;
    cinfo->image_height = (JDIMENSION)image->height_px;
    cinfo->input_components = 3;
    cinfo->in_color_space = JCS_EXT_BGR;
    jpeg_set_defaults(cinfo);
    jpeg_set_quality(cinfo, QUALITY, TRUE);
    jpeg_start_compress(cinfo, TRUE);
    for (int y = 0; y < image->height_px; y++) {
        JSAMPROW row = image->bgr + (size_t)y * image->stride_bytes;
        (void)jpeg_write_scanlines(cinfo, &row, 1);
    }
    jpeg_finish_compress(cinfo);
    made->len = made->cap - target->room.free_in_buffer;
    return SID_OK;
}

enum sid_err
sid_image_write_jpeg(const struct sid_image *image, size_t max_bytes,
                     struct sid_buf *out) {
    struct jpeg_compress_struct cinfo = {0};
    struct target target = {.full = false};
    struct sid_buf made = SID_BUF_EMPTY;
    enum sid_err err = sid_buf_reserve(&made, max_bytes);
    if (err != SID_OK)
        return err;
    cinfo.err = jpeg_std_error(&target.mgr);
    target.mgr.error_exit = on_error;
    target.mgr.output_message = on_output;
    target.room = (struct jpeg_destination_mgr){
        .next_output_byte = made.ptr,
        .free_in_buffer = made.cap,
        .init_destination = on_begin,
        .empty_output_buffer = on_full,
        .term_destination = on_end,
    };
    err = encode(&cinfo, &target, image, &made);
    jpeg_destroy_compress(&cinfo);
    if (err == SID_OK)
        sid_buf_move(&made, out);
    sid_buf_free(&made);
    return err;
}
