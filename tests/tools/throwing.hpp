// throwing.hpp: OpenCV that throws what a test says, wherever it would have
// thrown its own exception; and a face engine that makes it do so. For
// tests/unit/photo.
#ifndef SID_THROWING_HPP
#define SID_THROWING_HPP

#ifdef __cplusplus
extern "C" {
#endif

struct sid_face_engine;

enum throwing {
    THROWING_NOTHING, // OpenCV is as it was
    THROWING_BAD_ALLOC,
    THROWING_CV_EXCEPTION,
    THROWING_CV_NO_MEMORY,
    THROWING_INT,
    THROWING_KINDS
};

void throwing_begin(enum throwing kind);
// How often something was thrown since; nothing is from now on.
int throwing_end(void);
// One whose networks were never loaded. Free with sid_face_engine_free().
struct sid_face_engine *throwing_engine(void);

#ifdef __cplusplus
}
#endif

#endif
