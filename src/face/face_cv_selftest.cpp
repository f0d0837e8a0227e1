// face_cv_selftest.cpp: whether the networks answer as they did when the pack
// was taken over: a damaged, swapped or constant network must not let strangers
// match. The first run of each network is the test, so it costs next to
// nothing. Runs on the thread that makes the engine.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "face_cv.hpp"

namespace {

using answers = std::array<float, SID_SELFTEST_VALUES>;

// How far an answer may be off, in parts of the network's largest. Source:
// measured with OpenCV 4.6: with and without AVX2 and FMA the answers differ by
// at most 1e-6; 4 KiB of zeros among a network's weights change them by 1e-4 to
// 4 (80 places tried in five networks).
constexpr float tolerance = 5e-5F;
// Embeddings of the two test inputs: 0.51 with the shipped pack. Source:
// architecture.md section 5 for the pack; a network that had been damaged by
// rounding to 8 bits gave 0.999999 for two people.
constexpr double alike_max = 0.99;
constexpr double same_min = 0.9999;

// Source: splitmix64, public domain.
uint64_t
next_random(uint64_t *state) {
    uint64_t z = (*state += 0x9E3779B97F4A7C15U);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27) * 0x94D049BB133111EBU;
    return z ^ z >> 31;
}

// Soft blotches of colour: 5 x 5 random points and what lies between them.
// Integers only, so that it is the same picture everywhere.
cv::Mat
test_input(cv::Size size, uint64_t seed) {
    constexpr int cells = 4;
    int corner[cells + 1][cells + 1][3];
    for (auto &row : corner)
        for (auto &point : row)
            for (int &value : point)
                value = static_cast<int>(next_random(&seed) >> 56);
    cv::Mat out(size, CV_8UC3);
    for (int y = 0; y < size.height; y++)
        for (int x = 0; x < size.width; x++) {
            const int u = x * cells * 256 / size.width, i = u >> 8;
            const int v = y * cells * 256 / size.height, j = v >> 8;
            const int right = u & 255, down = v & 255;
            for (int c = 0; c < 3; c++) {
                const int above = corner[j][i][c] * (256 - right) +
                                  corner[j][i + 1][c] * right;
                const int below = corner[j + 1][i][c] * (256 - right) +
                                  corner[j + 1][i + 1][c] * right;
                out.at<cv::Vec3b>(y, x)[c] = static_cast<uchar>(
                    (above * (256 - down) + below * down) >> 16);
            }
        }
    return out;
}

std::vector<cv::Mat>
run_on(sid_face_engine *engine, sid_face_net net, uint64_t seed) {
    const sid_face_net_spec &spec = engine->pack.net[net];
    const std::vector<cv::String> all =
        engine->net[net].getUnconnectedOutLayersNames();
    std::vector<cv::String> names(all.begin(), all.end());
    std::sort(names.begin(), names.end());
    return sid::run(engine, net,
                    test_input(cv::Size(spec.width_px, spec.height_px), seed),
                    names);
}

// All outputs of a network folded into a few numbers: sums in which each output
// counts with a sign of its own, so that none can change unseen.
answers
folded(const std::vector<cv::Mat> &outputs) {
    std::array<double, SID_SELFTEST_VALUES> sum = {};
    uint64_t state = 1;
    size_t n = 0;
    for (const cv::Mat &output : outputs)
        for (size_t i = 0; i < output.total(); i++, n++) {
            const double value = output.ptr<float>()[i];
            const uint64_t signs = next_random(&state);
            for (size_t k = 0; k < sum.size(); k++)
                sum[k] += (signs >> k & 1U) != 0 ? value : -value;
        }
    answers out = {};
    for (size_t k = 0; k < out.size(); k++)
        out[k] = static_cast<float>(sum[k] / std::sqrt(static_cast<double>(n)));
    return out;
}

constexpr uint64_t first_seed = 1, second_seed = 2;

bool
as_expected(const sid_face_net_spec &spec, const answers &found, char *problem,
            size_t problem_size) {
    float largest = 0;
    for (float value : spec.selftest)
        largest = std::max(largest, std::abs(value));
    for (size_t k = 0; k < found.size(); k++) {
        if (std::abs(found[k] - spec.selftest[k]) <= tolerance * largest)
            continue; // not so when it is not a number
        (void)std::snprintf(problem, problem_size,
                            "%s: self-test value %zu: expected %.6g, found "
                            "%.6g: damaged, or not the network of this pack",
                            spec.file, k + 1,
                            static_cast<double>(spec.selftest[k]),
                            static_cast<double>(found[k]));
        return false;
    }
    return true;
}

double
cosine(const cv::Mat &a, const cv::Mat &b) {
    return a.dot(b) / (cv::norm(a) * cv::norm(b));
}

// A feature network that answers the same to everybody matches everybody.
bool
tells_apart(sid_face_engine *engine, const cv::Mat &first, char *problem,
            size_t problem_size) {
    const cv::Mat kept = first.clone(); // the network reuses its memory
    const double alike =
        cosine(kept, run_on(engine, SID_NET_FEATURE, second_seed).at(0));
    const double same =
        cosine(kept, run_on(engine, SID_NET_FEATURE, first_seed).at(0));
    if (alike <= alike_max && same >= same_min)
        return true;
    (void)std::snprintf(
        problem, problem_size,
        "%s: self-test: expected at most %.4g for two inputs and at least %.4g "
        "for one input twice, found %.6g and %.6g",
        engine->pack.net[SID_NET_FEATURE].file, alike_max, same_min, alike,
        same);
    return false;
}

} // namespace

namespace sid {

bool
test(sid_face_engine *engine, sid_face_net net, char *problem,
     size_t problem_size) {
    const std::vector<cv::Mat> outputs = run_on(engine, net, first_seed);
    return as_expected(engine->pack.net[net], folded(outputs), problem,
                       problem_size) &&
           (net != SID_NET_FEATURE ||
            tells_apart(engine, outputs.at(0), problem, problem_size));
}

} // namespace sid

extern "C" enum sid_err
sid_face_selftest(const struct sid_face_pack *pack, enum sid_face_net net,
                  float out[SID_SELFTEST_VALUES]) {
    return sid::guarded([&] {
        sid_face_engine engine = {};
        sid::load(&engine, pack, net);
        const answers found = folded(run_on(&engine, net, first_seed));
        std::copy(found.begin(), found.end(), out);
        return SID_OK;
    });
}
