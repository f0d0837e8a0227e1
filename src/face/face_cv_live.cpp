// face_cv_live.cpp: how the face stands before the camera: liveness and pose.
// Runs on the engine's thread.
#include <cmath>

#include "face_cv.hpp"

namespace {

// Softmax of `n` values, in double.
std::vector<double>
softmax(const cv::Mat &values) {
    const float *v = values.ptr<float>();
    const size_t n = values.total();
    const double top = *std::max_element(v, v + n);
    std::vector<double> p(n);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += p[i] = std::exp(v[i] - top);
    for (double &x : p)
        x /= sum;
    return p;
}

// Source: architecture.md section 5: bins of 3 degrees from -99.
float
degrees(const cv::Mat &bins) {
    CV_Assert(bins.total() == 66);
    const std::vector<double> p = softmax(bins);
    double mean = 0;
    for (size_t i = 0; i < p.size(); i++)
        mean += p[i] * static_cast<double>(i);
    return static_cast<float>(mean * 3 - 99);
}

// The box grown to `crop` times its size round its centre; when it does not
// fit it is made smaller, then moved inside the image. Source: the liveness
// network's training code keeps the context round the face this way.
cv::Rect
grown_inside(const sid_face_box *box, float crop, cv::Size image) {
    const float scale =
        std::min({crop, static_cast<float>(image.width - 1) / box->w,
                  static_cast<float>(image.height - 1) / box->h});
    const float w = box->w * scale, h = box->h * scale;
    const float x = std::clamp(box->x + box->w / 2 - w / 2, 0.0F,
                               static_cast<float>(image.width) - 1 - w);
    const float y = std::clamp(box->y + box->h / 2 - h / 2, 0.0F,
                               static_cast<float>(image.height) - 1 - h);
    return cv::Rect(cvFloor(x), cvFloor(y), cvRound(w), cvRound(h)) &
           cv::Rect(cv::Point(), image);
}

cv::Mat
resized(const cv::Mat &part, int width, int height) {
    cv::Mat out(height, width, CV_8UC3);
    sid::fit(part, out);
    return out;
}

} // namespace

extern "C" enum sid_err
sid_face_read_liveness(struct sid_face_engine *engine,
                       const struct sid_image *image,
                       const struct sid_face_box *box, float *out) {
    return sid::guarded([&] {
        const sid_face_net_spec &spec = engine->pack.net[SID_NET_LIVENESS];
        const cv::Mat pixels = sid::view(image);
        const cv::Rect part = grown_inside(box, spec.crop, pixels.size());
        cv::Mat crop = resized(pixels(part), spec.width_px, spec.height_px);
        const cv::Mat answer = sid::run(engine, SID_NET_LIVENESS, crop);
        sid::wipe(crop);
        CV_Assert(answer.total() == 3);
        *out = static_cast<float>(softmax(answer)[0]);
        return SID_OK;
    });
}

extern "C" enum sid_err
sid_face_read_pose(struct sid_face_engine *engine,
                   const struct sid_image *image,
                   const struct sid_face_box *box, struct sid_face_pose *out) {
    return sid::guarded([&] {
        const sid_face_net_spec &spec = engine->pack.net[SID_NET_POSE];
        const cv::Mat pixels = sid::view(image);
        const float margin = (spec.crop - 1) / 2;
        const cv::Rect want(cvRound(box->x - box->w * margin),
                            cvRound(box->y - box->h * margin),
                            std::max(1, cvRound(box->w * spec.crop)),
                            std::max(1, cvRound(box->h * spec.crop)));
        const cv::Rect part = want & cv::Rect(0, 0, pixels.cols, pixels.rows);
        CV_Assert(!part.empty());
        cv::Mat crop = resized(pixels(part), spec.width_px, spec.height_px);
        const std::vector<cv::Mat> angles =
            sid::run(engine, SID_NET_POSE, crop, {"output", "617", "618"});
        sid::wipe(crop);
        out->yaw_deg = degrees(angles.at(0));
        out->pitch_deg = degrees(angles.at(1));
        out->roll_deg = degrees(angles.at(2));
        return SID_OK;
    });
}
