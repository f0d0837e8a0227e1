/* image_jpeg.c: a part of a JPEG file at 1/1, 1/2, 1/4 or 1/8, by
 * libjpeg-turbo. It runs after image_scan_jpeg.c has judged the file; still,
 * every error and every warning of the library ends the decoding (a warning
 * means data is missing or was made up), but for bytes that belong to nothing.
 * What follows the last line is nobody's business: phones and messengers leave
 * the end marker out, or put zeros before it. Any thread; owns nothing beyond a
 * call. */
#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include <jerror.h>

#include "image_priv.h"

struct failure {
    struct jpeg_error_mgr mgr; /* first: libjpeg hands it back */
    jmp_buf jump;
    bool no_memory;
    bool no_end; /* the file ended before its end marker */
};

static void
on_error(j_common_ptr cinfo) {
    struct failure *failure = (struct failure *)(void *)cinfo->err;
    failure->no_memory = cinfo->err->msg_code == JERR_OUT_OF_MEMORY;
    longjmp(failure->jump, 1);
}

static void
on_message(j_common_ptr cinfo, int level) {
    if (level < 0 && cinfo->err->msg_code != JWRN_EXTRANEOUS_DATA)
        on_error(cinfo); /* a warning: corrupt data */
}

static void
on_output(j_common_ptr cinfo) {
    (void)cinfo; /* the library never writes to stderr here */
}

static void
set_up(struct jpeg_decompress_struct *cinfo, struct failure *failure) {
    cinfo->err = jpeg_std_error(&failure->mgr);
    failure->mgr.error_exit = on_error;
    failure->mgr.emit_message = on_message;
    failure->mgr.output_message = on_output;
}

/* The file is over: the end marker, as often as it is asked for. Coefficients
 * that are missing are found out by the decoder, which meets it too early. */
static boolean
give_end_marker(j_decompress_ptr cinfo) {
    static const JOCTET end[] = {0xFF, JPEG_EOI};
    ((struct failure *)(void *)cinfo->err)->no_end = true;
    cinfo->src->next_input_byte = end;
    cinfo->src->bytes_in_buffer = sizeof end;
    return TRUE;
}

/* Whether all scans were there, as far as the file can say without its end
 * marker: each component was met, each coefficient is known to its last bit. */
static bool
complete(const struct jpeg_decompress_struct *cinfo) {
    for (int i = 0; i < cinfo->num_components; i++) {
        if (cinfo->comp_info[i].quant_table == NULL)
            return false;
        for (int k = 0; cinfo->coef_bits != NULL && k < DCTSIZE2; k++) {
            if (cinfo->coef_bits[i][k] != 0)
                return false;
        }
    }
    return true;
}

/* Reads the header and sets what is wanted. False: not what was scanned. */
static bool
begin(struct jpeg_decompress_struct *cinfo, struct sid_span file,
      const struct sid_image_info *info, int denom) {
    jpeg_mem_src(cinfo, file.ptr, (unsigned long)file.len);
    cinfo->src->fill_input_buffer = give_end_marker;
    (void)jpeg_read_header(cinfo, TRUE);
    if (cinfo->image_width != (JDIMENSION)info->file_width_px ||
        cinfo->image_height != (JDIMENSION)info->file_height_px)
        return false;
    cinfo->scale_num = 1;
    cinfo->scale_denom = (unsigned)denom;
    cinfo->out_color_space = JCS_EXT_BGR;
    cinfo->do_fancy_upsampling = FALSE; /* merged, faster; faces don't care */
    (void)jpeg_start_decompress(cinfo);
    return true;
}

/* Reads rows [y0, y1) of the started (and cropped) output into image. */
static void
read_rows(struct jpeg_decompress_struct *cinfo, JDIMENSION y0,
          struct sid_image *image) {
    if (y0 > 0)
        (void)jpeg_skip_scanlines(cinfo, y0);
    for (JDIMENSION y = 0; y < (JDIMENSION)image->height_px;) {
        JSAMPROW row = image->bgr + (size_t)y * image->stride_bytes;
        y += jpeg_read_scanlines(cinfo, &row, 1);
    }
}

/* Output pixels of the part: whole ones that cover it. */
struct span_px {
    JDIMENSION begin, len;
};

static struct span_px
scaled(int begin, int len, int denom, JDIMENSION limit) {
    JDIMENSION first = (JDIMENSION)(begin / denom);
    JDIMENSION last = (JDIMENSION)((begin + len + denom - 1) / denom);
    if (last > limit)
        last = limit;
    return (struct span_px){first, last > first ? last - first : 1};
}

/* The part that may be left by longjmp: it changes only what it was handed. */
static enum sid_err
decode(struct jpeg_decompress_struct *cinfo, struct failure *failure,
       struct sid_span file, const struct sid_image_info *info,
       const struct sid_image_rect *rect, int denom, struct sid_image *made) {
    if (setjmp(failure->jump) != 0)
        return failure->no_memory ? SID_E_NO_MEMORY : SID_E_IMAGE_UNREADABLE;
    jpeg_create_decompress(cinfo);
    if (!begin(cinfo, file, info, denom))
        return SID_E_IMAGE_UNREADABLE;
    bool whole =
        rect->w == info->file_width_px && rect->h == info->file_height_px;
    struct span_px x = scaled(rect->x, rect->w, denom, cinfo->output_width);
    struct span_px y = scaled(rect->y, rect->h, denom, cinfo->output_height);
    if (!whole)
        jpeg_crop_scanline(cinfo, &x.begin, &x.len);
    enum sid_err err =
        sid_image_new((int)cinfo->output_width, (int)y.len, made);
    if (err != SID_OK)
        return err;
    read_rows(cinfo, y.begin, made);
    made->scale = 1.0F / (float)denom;
    made->origin_x_px = (float)x.begin * (float)denom;
    made->origin_y_px = (float)y.begin * (float)denom;
    /* Not to the end marker: all lines are out. */
    return failure->no_end && !complete(cinfo) ? SID_E_IMAGE_UNREADABLE
                                               : SID_OK;
}

enum sid_err
sid_jpeg_decode(struct sid_span file, const struct sid_image_info *info,
                const struct sid_image_rect *rect, int denom,
                struct sid_image *out) {
    struct jpeg_decompress_struct cinfo = {0};
    struct failure failure = {.no_memory = false};
    struct sid_image image = SID_IMAGE_EMPTY;
    set_up(&cinfo, &failure);
    enum sid_err err =
        decode(&cinfo, &failure, file, info, rect, denom, &image);
    jpeg_destroy_decompress(&cinfo);
    if (err == SID_OK)
        *out = image;
    else
        sid_image_fini(&image);
    return err;
}
