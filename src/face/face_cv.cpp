// face_cv.cpp: the life of an engine: networks from bytes, each tested by one
// run, which warms it up; and the small things all networks need. Any thread
// may make an engine; then it belongs to one thread. OpenCV's own threads are
// switched off once, because the daemon has one engine per worker already.
#include "face_cv.hpp"

#include <cstdio>
#include <mutex>

#include "face_cv_layer.hpp"

namespace sid {

cv::Mat
blob_of(const sid_face_net_spec &spec, const cv::Mat &pixels) {
    CV_Assert(pixels.cols == spec.width_px && pixels.rows == spec.height_px);
    cv::Mat ordered = pixels;
    if (spec.channels == SID_CHANNELS_RGB)
        cv::cvtColor(pixels, ordered, cv::COLOR_BGR2RGB);
    else if (spec.channels == SID_CHANNELS_GREY)
        cv::cvtColor(pixels, ordered, cv::COLOR_BGR2GRAY);
    const int channels = ordered.channels();
    const int shape[4] = {1, channels, pixels.rows, pixels.cols};
    cv::Mat blob(4, shape, CV_32F);
    std::vector<cv::Mat> planes;
    cv::split(ordered, planes);
    for (int c = 0; c < channels; c++) {
        cv::Mat plane(pixels.rows, pixels.cols, CV_32F, blob.ptr<float>(0, c));
        const double std = spec.std[c];
        planes[static_cast<size_t>(c)].convertTo(plane, CV_32F, 1.0 / std,
                                                 -spec.mean[c] / std);
        wipe(planes[static_cast<size_t>(c)]);
    }
    if (ordered.data != pixels.data)
        wipe(ordered);
    return blob;
}

std::vector<cv::Mat>
run(sid_face_engine *engine, sid_face_net net, const cv::Mat &pixels,
    const std::vector<cv::String> &names) {
    cv::Mat blob = blob_of(engine->pack.net[net], pixels);
    engine->net[net].setInput(blob);
    std::vector<cv::Mat> outputs;
    engine->net[net].forward(outputs, names);
    wipe(blob);
    // The network has a copy of its input: nothing takes the face's place.
    engine->net[net].setInput(blob);
    return outputs;
}

cv::Mat
run(sid_face_engine *engine, sid_face_net net, const cv::Mat &pixels) {
    return run(engine, net, pixels,
               engine->net[net].getUnconnectedOutLayersNames())
        .at(0);
}

cv::Mat
halved(const cv::Mat &image, int times) {
    cv::Mat whole = image;
    for (int i = 0; i < times; i++) {
        const cv::Size size(whole.cols / 2, whole.rows / 2);
        cv::Mat half;
        cv::resize(whole(cv::Rect(cv::Point(), size * 2)), half, size, 0, 0,
                   cv::INTER_AREA);
        if (i > 0)
            wipe(whole);
        whole = half;
    }
    return whole;
}

void
fit(const cv::Mat &image, cv::Mat &out) {
    int times = 0;
    while (image.cols >> (times + 1) >= out.cols &&
           image.rows >> (times + 1) >= out.rows)
        times++;
    cv::Mat source = halved(image, times);
    const bool narrow =
        source.cols < 2 * out.cols && source.rows < 2 * out.rows;
    cv::resize(source, out, out.size(), 0, 0,
               narrow ? cv::INTER_LINEAR : cv::INTER_AREA);
    if (times > 0)
        wipe(source);
}

cv::Mat
square_crop(const cv::Mat &image, cv::Point2f centre, float side, int out_px) {
    const int px = std::max(1, cvRound(side));
    const cv::Rect want(cvRound(centre.x - side / 2),
                        cvRound(centre.y - side / 2), px, px);
    const cv::Rect have = want & cv::Rect(0, 0, image.cols, image.rows);
    cv::Mat square = cv::Mat::zeros(px, px, CV_8UC3);
    if (!have.empty())
        image(have).copyTo(square(have - want.tl()));
    cv::Mat out(out_px, out_px, CV_8UC3);
    fit(square, out);
    wipe(square);
    return out;
}

void
load(sid_face_engine *engine, const sid_face_pack *pack, sid_face_net which) {
    static std::once_flag opencv_ready;
    std::call_once(opencv_ready, [] {
        cv::setNumThreads(1);
        register_layers();
    });
    sid_face_net_spec &spec = engine->pack.net[which] = pack->net[which];
    cv::dnn::Net &net = engine->net[which];
    net = cv::dnn::readNetFromONNX(reinterpret_cast<const char *>(spec.onnx),
                                   spec.onnx_len);
    net.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
    net.setPreferableTarget(cv::dnn::DNN_TARGET_CPU);
    spec.onnx = nullptr;
    spec.onnx_len = 0;
}

} // namespace sid

extern "C" bool
sid_face_needs_pack(void) {
    return true;
}

extern "C" enum sid_err
sid_face_engine_new(const struct sid_face_pack *pack,
                    struct sid_face_engine **out, char *problem,
                    size_t problem_size) {
    int at = 0;
    sid_face_engine *engine = nullptr;
    problem[0] = '\0';
    enum sid_err err = sid::guarded([&] {
        engine = new sid_face_engine();
        engine->pack = *pack;
        for (at = 0; at < SID_NET_COUNT; at++) {
            const auto net = static_cast<sid_face_net>(at);
            sid::load(engine, pack, net);
            if (!sid::test(engine, net, problem, problem_size))
                return SID_E_MODEL;
        }
        return SID_OK;
    });
    if (err != SID_OK) {
        if (problem[0] == '\0')
            (void)std::snprintf(problem, problem_size,
                                "%s: not a network that can be loaded",
                                pack->net[at < SID_NET_COUNT ? at : 0].file);
        sid_face_engine_free(&engine);
        return err;
    }
    *out = engine;
    return SID_OK;
}

extern "C" void
sid_face_engine_free(struct sid_face_engine **engine) {
    (void)sid::guarded([&] {
        delete *engine;
        return SID_OK;
    });
    *engine = nullptr;
}
