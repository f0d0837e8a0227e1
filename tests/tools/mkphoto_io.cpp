// mkphoto_io.cpp: files in and out of mkphoto: reading by the daemon's own
// decoder, writing JPEG and PNG. Test tool; one thread.
#include "mkphoto.hpp"

#include <csetjmp>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <vector>

#include <jpeglib.h>
#include <png.h>

#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc++20-designator"
#endif
#define _Noreturn __attribute__((noreturn)) // NOLINT
extern "C" {
#include "smartid/mac.h"
#include "smartid/models.h"
}
#undef _Noreturn
#ifdef __clang__
#pragma clang diagnostic pop
#endif

namespace {

std::vector<uint8_t>
read_file(const std::string &path) {
    std::ifstream in(path, std::ios::binary);
    if (!in)
        throw std::runtime_error(path + ": cannot be read");
    return {std::istreambuf_iterator<char>(in), {}};
}

struct file {
    FILE *f;
    file(const std::string &path, const char *mode)
        : f(std::fopen(path.c_str(), mode)) {
        if (f == nullptr)
            throw std::runtime_error(path + ": cannot be written");
    }
    file(const file &) = delete;
    file &operator=(const file &) = delete;
    ~file() {
        if (f != nullptr)
            (void)std::fclose(f);
    }
};

} // namespace

cv::Mat
read_photo(const std::string &path) {
    const std::vector<uint8_t> bytes = read_file(path);
    struct sid_image image = {};
    struct sid_image_want want = {};
    const enum sid_err err = sid_image_decode(
        sid_span_of(bytes.data(), bytes.size()), &want, &image);
    if (err != SID_OK)
        throw std::runtime_error(path + ": " + sid_err_text(err));
    cv::Mat pixels = cv::Mat(image.height_px, image.width_px, CV_8UC3,
                             image.bgr, image.stride_bytes)
                         .clone();
    sid_image_fini(&image);
    return pixels;
}

void
write_jpeg(const std::string &path, const cv::Mat &bgr, int quality) {
    const file out(path, "wb");
    jpeg_compress_struct cinfo = {};
    jpeg_error_mgr error = {};
    cinfo.err = jpeg_std_error(&error);
    jpeg_create_compress(&cinfo);
    jpeg_stdio_dest(&cinfo, out.f);
    cinfo.image_width = static_cast<JDIMENSION>(bgr.cols);
    cinfo.image_height = static_cast<JDIMENSION>(bgr.rows);
    cinfo.input_components = 3;
    cinfo.in_color_space = JCS_EXT_BGR;
    jpeg_set_defaults(&cinfo);
    jpeg_set_quality(&cinfo, quality, TRUE);
    jpeg_start_compress(&cinfo, TRUE);
    std::vector<uint8_t> row(static_cast<size_t>(bgr.cols) * 3);
    for (int y = 0; y < bgr.rows; y++) {
        std::copy_n(bgr.ptr<uint8_t>(y), row.size(), row.begin());
        JSAMPROW rows[1] = {row.data()};
        (void)jpeg_write_scanlines(&cinfo, rows, 1);
    }
    jpeg_finish_compress(&cinfo);
    jpeg_destroy_compress(&cinfo);
}

void
write_png(const std::string &path, const cv::Mat &bgr) {
    const cv::Mat whole = bgr.isContinuous() ? bgr : bgr.clone();
    png_image image = {};
    image.version = PNG_IMAGE_VERSION;
    image.width = static_cast<png_uint_32>(whole.cols);
    image.height = static_cast<png_uint_32>(whole.rows);
    image.format = PNG_FORMAT_BGR;
    if (png_image_write_to_file(&image, path.c_str(), 0, whole.data, 0,
                                nullptr) == 0)
        throw std::runtime_error(path + ": " + image.message);
}

void
write_photo(const std::string &path, const cv::Mat &bgr, int quality) {
    if (path.size() > 4 && path.compare(path.size() - 4, 4, ".png") == 0)
        write_png(path, bgr);
    else
        write_jpeg(path, bgr, quality);
}

cv::Rect2f
face_in(const cv::Mat &bgr, const std::string &model_dir) {
    char problem[512] = "";
    struct sid_models *models = nullptr;
    struct sid_face_engine *engine = nullptr;
    struct sid_face_box box[SID_FACES_MAX] = {};
    int count = 0;
    struct sid_image image = {};
    if (sid_crypto_init() != SID_OK ||
        sid_models_load(model_dir.c_str(), &models, problem, sizeof problem) !=
            SID_OK ||
        sid_models_engine(models, &engine) != SID_OK)
        throw std::runtime_error(problem);
    image.bgr = bgr.data;
    image.stride_bytes = bgr.step[0];
    image.width_px = bgr.cols;
    image.height_px = bgr.rows;
    image.scale = 1;
    const enum sid_err err = sid_face_find(engine, &image, box, &count);
    sid_face_engine_free(&engine);
    sid_models_free(&models);
    sid_crypto_fini();
    if (err != SID_OK || count == 0)
        throw std::runtime_error("no face was found in the portrait");
    return {box[0].x, box[0].y, box[0].w, box[0].h};
}
