/* face.h: faces in pixels: where they are and what they are like.
 *
 * Implemented twice, chosen at link time: src/face/face_cv*.cpp (OpenCV's dnn;
 * the only place with OpenCV, no exception leaves it) and src/face/face_fake.c
 * (reads its answers out of the pixels' mean colour; for tests without OpenCV).
 *
 * An engine owns its networks and belongs to one thread. The bytes of the
 * networks come from outside (app/models.c, which checks their SHA-256), are
 * only read, and may be shared by any number of engines being made. */
#ifndef SMARTID_FACE_H
#define SMARTID_FACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartid/err.h"
#include "smartid/image.h"

enum sid_face_net {
    SID_NET_DETECT,
    SID_NET_LANDMARK,
    SID_NET_FEATURE,
    SID_NET_LIVENESS,
    SID_NET_POSE,
    SID_NET_COUNT
};

enum sid_face_channels {
    SID_CHANNELS_BGR,
    SID_CHANNELS_RGB,
    SID_CHANNELS_GREY
};

/* Numbers that stand for a network's answer to its built-in test input. */
#define SID_SELFTEST_VALUES 8

/* One network and how its input is made of pixels: value = (p - mean) / std,
 * channel by channel in the network's own order. */
struct sid_face_net_spec {
    const uint8_t *onnx; /* borrowed, only while an engine is made */
    size_t onnx_len;
    char file[64]; /* its name, for messages */
    int width_px, height_px;
    enum sid_face_channels channels;
    float mean[3], std[3];
    float crop; /* side of the input crop in widths of the face's box */
    float selftest[SID_SELFTEST_VALUES]; /* what sid_face_selftest() says */
};

/* A model pack, as its manifest describes it. */
struct sid_face_pack {
    struct sid_face_net_spec net[SID_NET_COUNT];
    float score_min; /* detector: a face scores more than this */
    float nms_iou;   /* detector: boxes that overlap more are one face */
};

/* Whether this build's engine needs a model pack (the fake one does not). */
bool sid_face_needs_pack(void);

struct sid_face_engine;

/* Loads the networks of a pack and tests each: it must answer its built-in test
 * input as the pack says, and the feature network must tell two inputs apart
 * and answer one alike twice. pack is borrowed for the call; NULL only when
 * sid_face_needs_pack() says no. problem: filled on SID_E_MODEL with the file,
 * what was expected, what was found. Errors: SID_E_MODEL, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_face_engine_new(const struct sid_face_pack *pack,
                                              struct sid_face_engine **out,
                                              char *problem,
                                              size_t problem_size);
void sid_face_engine_free(struct sid_face_engine **engine);

/* What a network of the pack answers to its test input; for the manifest of a
 * pack that one trusts. Any thread. Errors: SID_E_MODEL, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_face_selftest(const struct sid_face_pack *pack,
                                            enum sid_face_net net,
                                            float out[SID_SELFTEST_VALUES]);

/* A face, in pixels of the image it was found in. */
struct sid_face_box {
    float x, y, w, h;
    float score; /* detector, 0..1 */
};

/* More faces than any usable photo has; the rest is dropped. */
#define SID_FACES_MAX 16

/* Finds the upright faces of an image, widest first. Errors: SID_E_MODEL,
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_face_find(struct sid_face_engine *engine,
                                        const struct sid_image *image,
                                        struct sid_face_box out[SID_FACES_MAX],
                                        int *count);

/* Eyes, nose, mouth corners (the image's left first), in its pixels. */
struct sid_face_points {
    float x[5], y[5];
};
/* Errors: SID_E_MODEL, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_face_find_points(struct sid_face_engine *engine,
                                               const struct sid_image *image,
                                               const struct sid_face_box *box,
                                               struct sid_face_points *out);

#define SID_FACE_FLOATS 512
/* Side of the aligned face. Source: the input of the feature network. */
#define SID_FACE_GREY_PX 112

/* What is measured on the aligned face of 112 x 112 pixels. */
struct sid_face_print {
    float embedding[SID_FACE_FLOATS]; /* unit length; compare by cosine */
    /* Length of the feature before it was made a unit: the network answers
     * weakly to what is not an upright, recognisable face. */
    float strength;
    /* Standard deviation of the 3 x 3 Laplacian over the inner face divided
     * by the standard deviation of its luma, times 100: how much of the
     * contrast is fine detail, whatever the light. */
    float sharpness;
    float brightness; /* mean luma of the inner face, 0..255 */
    /* The aligned face itself, its luma, row by row; see copy.h, plane.h. */
    uint8_t grey[SID_FACE_GREY_PX * SID_FACE_GREY_PX];
};
/* Aligns the face by its points and measures it. Errors: SID_E_MODEL,
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err
sid_face_describe(struct sid_face_engine *engine, const struct sid_image *image,
                  const struct sid_face_points *points,
                  struct sid_face_print *out);

/* How much the face looks like one before the camera, 0..1. Advice only, see
 * policy.h. Errors: SID_E_MODEL, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_face_read_liveness(struct sid_face_engine *engine,
                                                 const struct sid_image *image,
                                                 const struct sid_face_box *box,
                                                 float *out);

/* Degrees; all near 0 for a face that looks into the camera. */
struct sid_face_pose {
    float yaw_deg, pitch_deg, roll_deg;
};
/* Errors: SID_E_MODEL, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_face_read_pose(struct sid_face_engine *engine,
                                             const struct sid_image *image,
                                             const struct sid_face_box *box,
                                             struct sid_face_pose *out);

#endif
