// throwing.cpp: see throwing.hpp. OpenCV calls a function of its user's before
// it throws; ours throws first. One thread.
#include "throwing.hpp"

#include "../../src/face/face_cv.hpp"

namespace {

throwing now = THROWING_NOTHING;
int thrown = 0;

int
throw_now(int, const char *, const char *, const char *, int, void *) {
    thrown++;
    switch (now) {
    case THROWING_BAD_ALLOC:
        throw std::bad_alloc();
    case THROWING_CV_NO_MEMORY:
        throw cv::Exception(cv::Error::StsNoMem, "test", "", "", 0);
    case THROWING_INT:
        throw 7; // NOLINT: the point is that it is no std::exception
    case THROWING_NOTHING:
    case THROWING_CV_EXCEPTION:
    case THROWING_KINDS:
    default:
        return 0; // OpenCV throws its own
    }
}

} // namespace

extern "C" void
throwing_begin(throwing kind) {
    now = kind;
    thrown = 0;
    cv::redirectError(throw_now);
}

extern "C" int
throwing_end(void) {
    cv::redirectError(nullptr);
    return thrown;
}

extern "C" sid_face_engine *
throwing_engine(void) {
    auto *engine = new sid_face_engine();
    for (auto &net : engine->pack.net) {
        net.width_px = net.height_px = 64;
        net.crop = 1;
    }
    return engine;
}
