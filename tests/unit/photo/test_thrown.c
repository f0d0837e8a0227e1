/* test_thrown.c: whatever is thrown under a function of face.h ends there as an
 * error code, and nothing is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../tools/throwing.hpp"
#include "smartid/face.h"

enum { SIDE = 64 };

static struct sid_face_engine *engine;
static uint8_t pixels[SIDE * SIDE * 3];
static const struct sid_image image = {.bgr = pixels,
                                       .stride_bytes = SIDE * 3,
                                       .width_px = SIDE,
                                       .height_px = SIDE,
                                       .scale = 1};
static const struct sid_face_box box = {.x = 8, .y = 8, .w = 40, .h = 40};
/* What out-parameters are filled with, to see that nothing was written. */
static const uint8_t untouched = 0x5A;

static const struct sid_face_pack *
bad_pack(void) {
    static const uint8_t onnx[] = "this is no network";
    static struct sid_face_pack pack;

    for (int i = 0; i < SID_NET_COUNT; i++) {
        pack.net[i] = (struct sid_face_net_spec){.onnx = onnx,
                                                 .onnx_len = sizeof onnx,
                                                 .file = "bad.onnx",
                                                 .width_px = SIDE,
                                                 .height_px = SIDE};
    }
    return &pack;
}

static void
assert_untouched(const void *out, size_t size) {
    const uint8_t *bytes = out;

    for (size_t i = 0; i < size; i++)
        assert_int_equal(bytes[i], untouched);
}

static enum sid_err
engine_new(void) {
    struct sid_face_engine *out = NULL;
    char problem[200];
    enum sid_err err =
        sid_face_engine_new(bad_pack(), &out, problem, sizeof problem);

    assert_null(out);
    return err;
}

static enum sid_err
selftest(void) {
    float out[SID_SELFTEST_VALUES];

    memset(out, untouched, sizeof out);
    enum sid_err err = sid_face_selftest(bad_pack(), SID_NET_FEATURE, out);
    assert_untouched(out, sizeof out);
    return err;
}

static enum sid_err
find(void) {
    struct sid_face_box out[SID_FACES_MAX];
    int count = 77;

    memset(out, untouched, sizeof out);
    enum sid_err err = sid_face_find(engine, &image, out, &count);
    assert_untouched(out, sizeof out);
    assert_int_equal(count, 77);
    return err;
}

static enum sid_err
find_points(void) {
    struct sid_face_points out;

    memset(&out, untouched, sizeof out);
    enum sid_err err = sid_face_find_points(engine, &image, &box, &out);
    assert_untouched(&out, sizeof out);
    return err;
}

static enum sid_err
describe(void) {
    static const struct sid_face_points points = {.x = {20, 40, 30, 22, 38},
                                                  .y = {20, 20, 30, 40, 40}};
    static struct sid_face_print out;

    memset(&out, untouched, sizeof out);
    enum sid_err err = sid_face_describe(engine, &image, &points, &out);
    assert_untouched(&out, sizeof out);
    return err;
}

static enum sid_err
read_liveness(void) {
    float out;

    memset(&out, untouched, sizeof out);
    enum sid_err err = sid_face_read_liveness(engine, &image, &box, &out);
    assert_untouched(&out, sizeof out);
    return err;
}

static enum sid_err
read_pose(void) {
    struct sid_face_pose out;

    memset(&out, untouched, sizeof out);
    enum sid_err err = sid_face_read_pose(engine, &image, &box, &out);
    assert_untouched(&out, sizeof out);
    return err;
}

static void
whatever_is_thrown_comes_out_as_an_error_code(void **state) {
    static enum sid_err (*const functions[])(void) = {
        engine_new, selftest,      find,     find_points,
        describe,   read_liveness, read_pose};
    static const enum sid_err expected[THROWING_KINDS] = {
        [THROWING_BAD_ALLOC] = SID_E_NO_MEMORY,
        [THROWING_CV_EXCEPTION] = SID_E_MODEL,
        [THROWING_CV_NO_MEMORY] = SID_E_NO_MEMORY,
        [THROWING_INT] = SID_E_MODEL,
    };

    (void)state;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        for (int kind = THROWING_BAD_ALLOC; kind < THROWING_KINDS; kind++) {
            throwing_begin((enum throwing)kind);
            enum sid_err err = functions[i]();
            assert_true(throwing_end() > 0);
            assert_int_equal(err, expected[kind]);
        }
    }
}

static int
setup(void **state) {
    (void)state;
    engine = throwing_engine();
    return engine == NULL ? -1 : 0;
}

static int
teardown(void **state) {
    (void)state;
    sid_face_engine_free(&engine);
    return engine == NULL ? 0 : -1;
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_is_thrown_comes_out_as_an_error_code),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
