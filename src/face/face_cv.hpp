// face_cv.hpp: what the files of the OpenCV face engine share. The engine is a
// bag of networks that belongs to one thread; pixels are borrowed as cv::Mat
// headers over sid_image rows and never kept.
#ifndef SID_FACE_CV_HPP
#define SID_FACE_CV_HPP

#include <new>

#include <opencv2/core.hpp>
#include <opencv2/dnn.hpp>
#include <opencv2/imgproc.hpp>

// The contracts are C17: spellings that C++17 does not have are allowed here.
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc++20-designator"
#endif
#define _Noreturn __attribute__((noreturn)) // NOLINT
extern "C" {
#include "smartid/face.h"
}
#undef _Noreturn
#ifdef __clang__
#pragma clang diagnostic pop
#endif

struct sid_face_engine {
    sid_face_pack pack; // without the bytes
    cv::dnn::Net net[SID_NET_COUNT];
};

namespace sid {

// The image's rows as a Mat header; the pixels stay the image's.
inline cv::Mat
view(const sid_image *image) {
    return {image->height_px, image->width_px, CV_8UC3, image->bgr,
            image->stride_bytes};
}

// Overwrites a Mat that holds (a part of) a face.
inline void
wipe(cv::Mat &mat) {
    if (mat.data != nullptr && mat.isContinuous())
        sid_wipe(mat.data, mat.total() * mat.elemSize());
}

// Input of a network: pixels of exactly its size, BGR, as NCHW floats.
cv::Mat blob_of(const sid_face_net_spec &spec, const cv::Mat &pixels);

// Makes one network of the pack out of its bytes.
void load(sid_face_engine *engine, const sid_face_pack *pack,
          sid_face_net which);

// Whether a network answers its test input as the pack says; else the problem
// says with file, expected and found.
bool test(sid_face_engine *engine, sid_face_net net, char *problem,
          size_t problem_size);

// Runs a network on one input; all its outputs, in the order of `names`.
std::vector<cv::Mat> run(sid_face_engine *engine, sid_face_net net,
                         const cv::Mat &pixels,
                         const std::vector<cv::String> &names);
// The same for a network with a single output.
cv::Mat run(sid_face_engine *engine, sid_face_net net, const cv::Mat &pixels);

// The image with half its sides so many times, each pixel the mean of four.
// OpenCV has vectors for this step, not for means of other areas. Of an odd
// side the last line is left out. 0 times: the image itself.
cv::Mat halved(const cv::Mat &image, int times);

// Fills `out`, which has its size, with the whole image: halved until it is
// less than twice as large, then linearly, which leaves out no pixel there.
void fit(const cv::Mat &image, cv::Mat &out);

// A square of the image round a centre, `side` wide, scaled to `out_px`; what
// lies outside the image is black.
cv::Mat square_crop(const cv::Mat &image, cv::Point2f centre, float side,
                    int out_px);

// The contract's edge: nothing thrown gets through.
template <typename Body>
enum sid_err
guarded(Body body) noexcept {
    try {
        return body();
    } catch (const std::bad_alloc &) {
        return SID_E_NO_MEMORY;
    } catch (const cv::Exception &e) {
        return e.code == cv::Error::StsNoMem ? SID_E_NO_MEMORY : SID_E_MODEL;
    } catch (...) {
        return SID_E_MODEL;
    }
}

} // namespace sid

#endif
