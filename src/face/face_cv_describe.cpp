// face_cv_describe.cpp: one face that was found: its five points, its aligned
// picture of 112 x 112, what is measured on that, its embedding. Runs on the
// engine's thread.
#include "face_cv.hpp"

namespace {

// 68 points as the landmark network gives them, in parts of its crop.
// Source: architecture.md section 5, indices from 0.
cv::Point2f
mean_of(const float *p, std::initializer_list<int> indices) {
    cv::Point2f sum(0, 0);
    for (int i : indices)
        sum += cv::Point2f(p[2 * i], p[2 * i + 1]);
    return sum * (1.0F / static_cast<float>(indices.size()));
}

// Where the five points lie in the aligned face. Source: architecture.md
// section 5 (the template the feature network was trained with).
const cv::Point2f target[5] = {{38.2946F, 51.6963F},
                               {73.5318F, 51.5014F},
                               {56.0252F, 71.7366F},
                               {41.5493F, 92.3655F},
                               {70.7299F, 92.2041F}};

// The similarity (turn, scale, shift) that brings the points nearest to the
// target, by least squares. Source: Umeyama 1991; in the plane, without
// reflection, it has this closed form.
cv::Matx23f
similarity_to_target(const sid_face_points *points) {
    cv::Point2d from(0, 0), to(0, 0);
    for (int i = 0; i < 5; i++) {
        from += cv::Point2d(points->x[i], points->y[i]) / 5;
        to += cv::Point2d(target[i]) / 5;
    }
    double a = 0, b = 0, n = 0;
    for (int i = 0; i < 5; i++) {
        const cv::Point2d p = cv::Point2d(points->x[i], points->y[i]) - from;
        const cv::Point2d q = cv::Point2d(target[i]) - to;
        a += p.x * q.x + p.y * q.y;
        b += p.x * q.y - p.y * q.x;
        n += p.x * p.x + p.y * p.y;
    }
    CV_Assert(n > 0);
    a /= n;
    b /= n;
    const double tx = to.x - a * from.x + b * from.y;
    const double ty = to.y - b * from.x - a * from.y;
    return {static_cast<float>(a),  static_cast<float>(-b),
            static_cast<float>(tx), static_cast<float>(b),
            static_cast<float>(a),  static_cast<float>(ty)};
}

// The part of the image that the aligned square shows, with a border for the
// warp's neighbours.
cv::Rect
shown_part(const cv::Matx23f &to_face, cv::Size face, cv::Size image) {
    const float n =
        to_face(0, 0) * to_face(0, 0) + to_face(1, 0) * to_face(1, 0);
    std::vector<cv::Point2f> corners;
    for (int i = 0; i < 4; i++) {
        const float x = (i % 2 == 0 ? 0.0F : static_cast<float>(face.width)) -
                        to_face(0, 2);
        const float y = (i / 2 == 0 ? 0.0F : static_cast<float>(face.height)) -
                        to_face(1, 2);
        corners.emplace_back((to_face(0, 0) * x + to_face(1, 0) * y) / n,
                             (to_face(0, 0) * y - to_face(1, 0) * x) / n);
    }
    const cv::Rect box = cv::boundingRect(corners);
    const int border = 4 + box.width / 16;
    return cv::Rect(box.x - border, box.y - border, box.width + 2 * border,
                    box.height + 2 * border) &
           cv::Rect(cv::Point(), image);
}

// The face in the feature network's pixels. A face more than twice as large is
// halved first, because the warp looks at 4 pixels only.
cv::Mat
aligned(const cv::Mat &image, const sid_face_points *points, cv::Size size) {
    cv::Matx23f m = similarity_to_target(points);
    const float scale = std::sqrt(m(0, 0) * m(0, 0) + m(1, 0) * m(1, 0));
    const cv::Rect part = shown_part(m, size, image.size());
    int times = 0;
    while (std::ldexp(scale, times) < 0.5F &&
           std::min(part.width, part.height) >> (times + 1) > 0)
        times++;
    cv::Mat face;
    if (times == 0) {
        cv::warpAffine(image, face, m, size, cv::INTER_LINEAR);
        return face;
    }
    cv::Mat source = sid::halved(image(part), times);
    // Where pixel 0 of the halved part has its middle, in the image.
    const float by = std::ldexp(1.0F, times), middle = (by - 1) / 2;
    const cv::Matx22f turn(m(0, 0), m(0, 1), m(1, 0), m(1, 1));
    const cv::Vec2f moved =
        cv::Vec2f(m(0, 2), m(1, 2)) +
        turn * cv::Vec2f(static_cast<float>(part.x) + middle,
                         static_cast<float>(part.y) + middle);
    const cv::Matx23f from_source(m(0, 0) * by, m(0, 1) * by, moved[0],
                                  m(1, 0) * by, m(1, 1) * by, moved[1]);
    cv::warpAffine(source, face, from_source, size, cv::INTER_LINEAR);
    sid::wipe(source);
    return face;
}

// The part of the aligned face without background. Source: the target above:
// between the temples, from the brow to the chin.
const cv::Rect inner_face(28, 36, 56, 68);

void
measure(const cv::Mat &face, sid_face_print *out) {
    cv::Mat luma, laplacian;
    cv::cvtColor(face, luma, cv::COLOR_BGR2GRAY);
    cv::Scalar mean, spread, none, detail;
    cv::meanStdDev(luma(inner_face), mean, spread);
    cv::Laplacian(luma, laplacian, CV_32F, 3);
    cv::meanStdDev(laplacian(inner_face), none, detail);
    out->brightness = static_cast<float>(mean[0]);
    out->sharpness =
        static_cast<float>(100.0 * detail[0] / std::max(spread[0], 1.0));
    CV_Assert(luma.total() == sizeof out->grey && luma.isContinuous());
    memcpy(out->grey, luma.data, sizeof out->grey);
    sid::wipe(luma);
    sid::wipe(laplacian);
}

} // namespace

extern "C" enum sid_err
sid_face_find_points(struct sid_face_engine *engine,
                     const struct sid_image *image,
                     const struct sid_face_box *box,
                     struct sid_face_points *out) {
    return sid::guarded([&] {
        const sid_face_net_spec &spec = engine->pack.net[SID_NET_LANDMARK];
        const float side = std::max(box->w, box->h) * spec.crop;
        const cv::Point2f centre(box->x + box->w / 2, box->y + box->h / 2);
        cv::Mat crop =
            sid::square_crop(sid::view(image), centre, side, spec.width_px);
        cv::Mat p = sid::run(engine, SID_NET_LANDMARK, crop);
        sid::wipe(crop);
        CV_Assert(p.total() == 136);
        const float *v = p.ptr<float>();
        const cv::Point2f five[5] = {
            mean_of(v, {37, 38, 40, 41}), mean_of(v, {43, 44, 46, 47}),
            mean_of(v, {30}), mean_of(v, {48, 60}), mean_of(v, {54, 64})};
        const cv::Point2f origin(
            static_cast<float>(cvRound(centre.x - side / 2)),
            static_cast<float>(cvRound(centre.y - side / 2)));
        for (int i = 0; i < 5; i++) {
            out->x[i] = origin.x + five[i].x * side;
            out->y[i] = origin.y + five[i].y * side;
        }
        sid::wipe(p);
        return SID_OK;
    });
}

extern "C" enum sid_err
sid_face_describe(struct sid_face_engine *engine, const struct sid_image *image,
                  const struct sid_face_points *points,
                  struct sid_face_print *out) {
    return sid::guarded([&] {
        const sid_face_net_spec &spec = engine->pack.net[SID_NET_FEATURE];
        cv::Mat face = aligned(sid::view(image), points,
                               cv::Size(spec.width_px, spec.height_px));
        cv::Mat feature = sid::run(engine, SID_NET_FEATURE, face);
        CV_Assert(feature.total() == SID_FACE_FLOATS);
        const double norm = cv::norm(feature);
        CV_Assert(norm > 0);
        sid_face_print print = {};
        print.strength = static_cast<float>(norm);
        const float *v = feature.ptr<float>();
        for (int i = 0; i < SID_FACE_FLOATS; i++)
            print.embedding[i] = static_cast<float>(v[i] / norm);
        sid::wipe(feature); // the network's own copy too
        measure(face, &print);
        sid::wipe(face);
        *out = print;
        sid_wipe(&print, sizeof print);
        return SID_OK;
    });
}
