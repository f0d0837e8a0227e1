// face_cv_find.cpp: where the faces of an image are: the detector on a small
// letterboxed copy, then non-maximum suppression. Runs on the engine's thread.
#include <algorithm>

#include "face_cv.hpp"

namespace {

// The image inside the network's input, top left, black beside it.
struct letterbox {
    cv::Mat pixels;
    float image_w, image_h; // of the input, in pixels
};

letterbox
letterboxed(const cv::Mat &image, int width, int height) {
    const double scale = std::min(static_cast<double>(width) / image.cols,
                                  static_cast<double>(height) / image.rows);
    const int w = std::clamp(cvRound(image.cols * scale), 1, width);
    const int h = std::clamp(cvRound(image.rows * scale), 1, height);
    letterbox box{cv::Mat::zeros(height, width, CV_8UC3), static_cast<float>(w),
                  static_cast<float>(h)};
    cv::Mat inside = box.pixels(cv::Rect(0, 0, w, h));
    sid::fit(image, inside);
    return box;
}

// A box of which this much lies in another is of the same face: the detector
// sometimes frames the eyes and mouth within the head.
constexpr float inside = 0.7F;

bool
same_face(const sid_face_box &a, const sid_face_box &b, float iou) {
    const float w = std::min(a.x + a.w, b.x + b.w) - std::max(a.x, b.x);
    const float h = std::min(a.y + a.h, b.y + b.h) - std::max(a.y, b.y);
    if (w <= 0 || h <= 0)
        return false;
    return w * h > iou * (a.w * a.h + b.w * b.h - w * h) ||
           w * h > inside * std::min(a.w * a.h, b.w * b.h);
}

// All boxes over the score, best first, in pixels of the image.
std::vector<sid_face_box>
candidates(const cv::Mat &boxes, const cv::Mat &scores, float score_min,
           cv::Point2f unit, const sid_image *image) {
    std::vector<sid_face_box> found;
    const int n = boxes.size[1];
    CV_Assert(boxes.dims == 3 && boxes.size[2] == 4 && scores.dims == 3 &&
              scores.size[1] == n && scores.size[2] == 2);
    for (int i = 0; i < n; i++) {
        const float score = scores.ptr<float>(0, i)[1];
        const float *b = boxes.ptr<float>(0, i);
        if (!(score > score_min) || !(b[2] > b[0]) || !(b[3] > b[1]))
            continue;
        const sid_face_box box{b[0] * unit.x, b[1] * unit.y,
                               (b[2] - b[0]) * unit.x, (b[3] - b[1]) * unit.y,
                               score};
        const cv::Point2f centre(box.x + box.w / 2, box.y + box.h / 2);
        if (centre.x >= 0 && centre.y >= 0 &&
            centre.x < static_cast<float>(image->width_px) &&
            centre.y < static_cast<float>(image->height_px))
            found.push_back(box);
    }
    std::sort(found.begin(), found.end(),
              [](const auto &a, const auto &b) { return a.score > b.score; });
    return found;
}

std::vector<sid_face_box>
suppressed(const std::vector<sid_face_box> &found, float iou) {
    std::vector<sid_face_box> kept;
    for (const sid_face_box &box : found) {
        const bool again =
            std::any_of(kept.begin(), kept.end(), [&](const auto &other) {
                return same_face(box, other, iou);
            });
        if (!again && kept.size() < SID_FACES_MAX)
            kept.push_back(box);
    }
    std::sort(kept.begin(), kept.end(),
              [](const auto &a, const auto &b) { return a.w > b.w; });
    return kept;
}

} // namespace

extern "C" enum sid_err
sid_face_find(struct sid_face_engine *engine, const struct sid_image *image,
              struct sid_face_box out[SID_FACES_MAX], int *count) {
    return sid::guarded([&] {
        const sid_face_net_spec &spec = engine->pack.net[SID_NET_DETECT];
        const cv::Mat pixels = sid::view(image);
        letterbox box = letterboxed(pixels, spec.width_px, spec.height_px);
        const std::vector<cv::Mat> outputs =
            sid::run(engine, SID_NET_DETECT, box.pixels, {"boxes", "scores"});
        sid::wipe(box.pixels);
        // The network answers in parts of its input; one such part in pixels
        // of the image:
        const cv::Point2f unit(static_cast<float>(spec.width_px) / box.image_w *
                                   static_cast<float>(image->width_px),
                               static_cast<float>(spec.height_px) /
                                   box.image_h *
                                   static_cast<float>(image->height_px));
        const std::vector<sid_face_box> kept =
            suppressed(candidates(outputs.at(0), outputs.at(1),
                                  engine->pack.score_min, unit, image),
                       engine->pack.nms_iou);
        std::copy(kept.begin(), kept.end(), out);
        *count = static_cast<int>(kept.size());
        return SID_OK;
    });
}
