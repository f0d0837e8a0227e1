// enrol_cost.cpp: what an enrolment costs beside the bare networks it needs:
// both in turns on one thread, so that a busy machine hurts both. Usage:
// bench-enrol MODEL_DIR CARD SELFIE [ROUNDS]. Prints one line of JSON; times
// are CPU milliseconds, medians over the rounds: stock is the networks with
// OpenCV's own layers, bare the same with the engine's, ratio enrolment by
// bare; jpeg is the least that libjpeg can do with both files: an eighth of
// their size, in grey, which shows no face well enough.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "../../src/face/face_cv.hpp"

#define _Noreturn __attribute__((noreturn)) // NOLINT
extern "C" {
#include <jpeglib.h>

#include "smartid/mac.h"
#include "smartid/models.h"
#include "smartid/photo.h"
}
#undef _Noreturn

// Linked in the place of the clock that stages are measured by: of the thread.
extern "C" int64_t __wrap_sid_mono_us(void); // NOLINT
extern "C" int64_t
__wrap_sid_mono_us(void) { // NOLINT
    timespec now = {};
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

namespace {

constexpr int rounds_default = 30;
const char *const net_names[SID_NET_COUNT] = {"detect", "landmark", "feature",
                                              "liveness", "pose"};
// Forward runs of one enrolment whose card lies upright: both photos are
// searched, both faces described; liveness and pose are of the selfie.
const int runs[SID_NET_COUNT] = {2, 2, 2, 1, 1};
const std::vector<cv::String> outputs[SID_NET_COUNT] = {
    {"boxes", "scores"}, {}, {}, {}, {"output", "617", "618"}};

using column = std::vector<double>;

double
cpu_ms() {
    timespec now = {};
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 +
           static_cast<double>(now.tv_nsec) / 1e6;
}

double
median(column values) {
    std::sort(values.begin(), values.end());
    return values.at(values.size() / 2);
}

std::string
content(const char *path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) {
        (void)std::fprintf(stderr, "bench-enrol: %s: cannot be read\n", path);
        std::exit(1);
    }
    return {std::istreambuf_iterator<char>(in), {}};
}

// Networks as OpenCV makes them.
struct networks {
    cv::dnn::Net net[SID_NET_COUNT];
};

void
load_stock(const sid_face_pack *pack, networks *out) {
    for (int i = 0; i < SID_NET_COUNT; i++)
        out->net[i] = cv::dnn::readNetFromONNX(
            reinterpret_cast<const char *>(pack->net[i].onnx),
            pack->net[i].onnx_len);
}

// An input that is ready.
cv::Mat
make_blob(const sid_face_net_spec &spec) {
    const int shape[4] = {1, spec.channels == SID_CHANNELS_GREY ? 1 : 3,
                          spec.height_px, spec.width_px};
    cv::Mat blob(4, shape, CV_32F);
    cv::randu(blob, -1, 1);
    return blob;
}

// Of all forward runs of an enrolment with one network.
double
forward_ms(cv::dnn::Net &net, int which, const cv::Mat &blob) {
    const std::vector<cv::String> names =
        outputs[which].empty() ? net.getUnconnectedOutLayersNames()
                               : outputs[which];
    std::vector<cv::Mat> out;
    const double began = cpu_ms();
    for (int n = 0; n < runs[which]; n++) {
        net.setInput(blob);
        net.forward(out, names);
    }
    return cpu_ms() - began;
}

double
least_jpeg_ms(const std::string &bytes) {
    jpeg_decompress_struct file = {};
    jpeg_error_mgr errors = {};
    const double began = cpu_ms();
    file.err = jpeg_std_error(&errors); // ends the process
    jpeg_create_decompress(&file);
    jpeg_mem_src(&file, reinterpret_cast<const unsigned char *>(bytes.data()),
                 bytes.size());
    (void)jpeg_read_header(&file, TRUE);
    file.scale_num = 1;
    file.scale_denom = 8;
    file.out_color_space = JCS_GRAYSCALE;
    (void)jpeg_start_decompress(&file);
    std::vector<JSAMPLE> line(file.output_width);
    JSAMPLE *lines[1] = {line.data()};
    while (file.output_scanline < file.output_height)
        (void)jpeg_read_scanlines(&file, lines, 1);
    (void)jpeg_finish_decompress(&file);
    jpeg_destroy_decompress(&file);
    return cpu_ms() - began;
}

const char *const stage_names[] = {"decode", "detect",   "landmark",
                                   "embed",  "liveness", "pose"};
constexpr size_t stages = sizeof stage_names / sizeof stage_names[0];

struct photo {
    std::string bytes;
    sid_photo_kind kind;
    column all, stage[stages];

    double look_ms(sid_face_engine *engine) {
        sid_photo_facts facts = {};
        const sid_span span = sid_span_of(
            reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
        const double began = cpu_ms();
        const enum sid_err err =
            sid_photo_look(engine, span, kind, nullptr, &facts);
        const double ms = cpu_ms() - began;
        if (err != SID_OK || facts.image != SID_OK || facts.faces != 1) {
            (void)std::fprintf(stderr, "bench-enrol: a photo has no face\n");
            std::exit(1);
        }
        all.push_back(ms);
        const float each[stages] = {facts.ms_decode,   facts.ms_detect,
                                    facts.ms_landmark, facts.ms_embed,
                                    facts.ms_liveness, facts.ms_pose};
        for (size_t i = 0; i < stages; i++)
            stage[i].push_back(static_cast<double>(each[i]));
        return ms;
    }
};

struct columns {
    column stock, bare, jpeg, whole, ratio, net[SID_NET_COUNT];
};

void
print(const columns &all, const photo photos[2], int rounds) {
    (void)std::printf("{\"rounds\": %d, \"stock_ms\": %.2f, \"bare_ms\": "
                      "%.2f, \"jpeg_ms\": %.2f, \"enrolment_ms\": %.2f, "
                      "\"ratio\": %.3f",
                      rounds, median(all.stock), median(all.bare),
                      median(all.jpeg), median(all.whole), median(all.ratio));
    for (int i = 0; i < SID_NET_COUNT; i++)
        (void)std::printf(", \"bare_%s_ms\": %.2f", net_names[i],
                          median(all.net[i]));
    const char *const names[2] = {"card", "selfie"};
    for (int i = 0; i < 2; i++) {
        (void)std::printf(", \"%s_ms\": %.2f", names[i], median(photos[i].all));
        for (size_t k = 0; k < stages; k++)
            (void)std::printf(", \"%s_%s_ms\": %.2f", names[i], stage_names[k],
                              median(photos[i].stage[k]));
    }
    (void)std::printf("}\n");
}

void
measure(const sid_face_pack *pack, networks *stock, sid_face_engine *engine,
        photo photos[2], int rounds) {
    columns all;
    cv::Mat blob[SID_NET_COUNT];
    for (int i = 0; i < SID_NET_COUNT; i++)
        blob[i] = make_blob(pack->net[i]);
    for (int round = -1; round < rounds; round++) {
        double plain = 0, bare = 0, jpeg = 0, whole = 0;
        double each[SID_NET_COUNT];
        for (int i = 0; i < SID_NET_COUNT; i++) {
            plain += forward_ms(stock->net[i], i, blob[i]);
            bare += each[i] = forward_ms(engine->net[i], i, blob[i]);
        }
        for (int i = 0; i < 2; i++) {
            jpeg += least_jpeg_ms(photos[i].bytes);
            whole += photos[i].look_ms(engine);
        }
        if (round < 0)
            continue; // warms up
        for (int i = 0; i < SID_NET_COUNT; i++)
            all.net[i].push_back(each[i] / runs[i]);
        all.stock.push_back(plain);
        all.bare.push_back(bare);
        all.jpeg.push_back(jpeg);
        all.whole.push_back(whole);
        all.ratio.push_back(whole / bare);
    }
    print(all, photos, rounds);
}

} // namespace

int
main(int argc, char **argv) {
    const int rounds = argc == 5 ? std::atoi(argv[4]) : rounds_default;
    if (argc < 4 || argc > 5 || rounds < 1) {
        (void)std::fprintf(
            stderr, "usage: bench-enrol MODEL_DIR CARD SELFIE [ROUNDS]\n");
        return 2;
    }
    char problem[512] = "";
    sid_models *models = nullptr;
    sid_face_engine *engine = nullptr;
    enum sid_err err = sid_crypto_init();
    if (err == SID_OK)
        err = sid_models_load(argv[1], &models, problem, sizeof problem);
    networks stock;
    if (err == SID_OK) {
        // Before the engine: from then on OpenCV makes the engine's layers.
        load_stock(sid_models_pack(models), &stock);
        err = sid_models_engine(models, &engine);
        sid_models_problem(models, problem, sizeof problem);
    }
    if (err != SID_OK) {
        (void)std::fprintf(stderr, "bench-enrol: %s\n", problem);
        sid_models_free(&models);
        return 1;
    }
    photo photos[2] = {{content(argv[2]), SID_PHOTO_ID, {}, {}},
                       {content(argv[3]), SID_PHOTO_SELFIE, {}, {}}};
    measure(sid_models_pack(models), &stock, engine, photos, rounds);
    sid_face_engine_free(&engine);
    sid_models_free(&models);
    sid_crypto_fini();
    return 0;
}
