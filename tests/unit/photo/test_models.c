/* test_models.c: a model pack that is not what its manifest says is refused,
 * with the file, what was expected and what was found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "smartid/mac.h"
#include "smartid/models.h"
#include "smartid/text.h"

struct folder {
    char path[256];
};

static const char *const files[] = {"a.onnx", "b.onnx", "c.onnx",
                                    "d.onnx", "e.onnx", "models.ini"};

static void
write_file(const struct folder *f, const char *name, const char *text) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", f->path, name);
    FILE *to = fopen(path, "w");
    assert_non_null(to);
    assert_true(fputs(text, to) >= 0);
    assert_int_equal(fclose(to), 0);
}

static void
hash_text(const char *text, char out[65]) {
    uint8_t digest[SID_SHA256_BYTES];
    assert_int_equal(sid_sha256(sid_span_str(text), digest), SID_OK);
    sid_hex_encode(digest, sizeof digest, out);
}

/* A complete manifest but for `instead`, which stands for the line of [pose]
 * that begins like it; "selftest" alone leaves that line out. */
static void
write_manifest(const struct folder *f, const char *instead) {
    static const char *const sections[] = {"detect", "landmark", "feature",
                                           "liveness", "pose"};
    char text[4096] = "[pack]\nname = test\n", sha256[65];
    hash_text("nothing\n", sha256);
    for (int i = 0; i < 5; i++) {
        char lines[7][128];
        (void)snprintf(lines[0], 128, "file = %s", files[i]);
        (void)snprintf(lines[1], 128, "sha256 = %s", sha256);
        (void)snprintf(lines[2], 128, "width_px = 64");
        (void)snprintf(lines[3], 128, "height_px = 64");
        (void)snprintf(lines[4], 128, "channels = bgr");
        (void)snprintf(lines[5], 128, "std = 1 1 1");
        (void)snprintf(lines[6], 128, "selftest = 1 2 3 4 5 6 7 8");
        size_t len = strlen(text);
        (void)snprintf(text + len, sizeof text - len, "[%s]\n", sections[i]);
        for (int line = 0; line < 7; line++) {
            bool replace = i == 4 && instead != NULL &&
                           strncmp(instead, lines[line], 3) == 0;
            len = strlen(text);
            (void)snprintf(text + len, sizeof text - len, "%s\n",
                           !replace                           ? lines[line]
                           : strcmp(instead, "selftest") == 0 ? ""
                                                              : instead);
        }
        write_file(f, files[i], "nothing\n");
    }
    write_file(f, "models.ini", text);
}

static int
make_folder(void **state) {
    struct folder *f = calloc(1, sizeof *f);
    const char *tmp = getenv("TMPDIR");
    assert_non_null(f);
    (void)snprintf(f->path, sizeof f->path, "%s/sid-models-XXXXXX",
                   tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(f->path));
    assert_int_equal(sid_crypto_init(), SID_OK);
    *state = f;
    return 0;
}

static int
remove_folder(void **state) {
    struct folder *f = *state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/%s", f->path, files[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(f->path), 0);
    sid_crypto_fini();
    free(f);
    return 0;
}

/* Refused, and the message has all of these. */
static void
assert_refused(const struct folder *f, const char *const *parts) {
    char problem[512] = "";
    struct sid_models *models = NULL;
    assert_int_equal(sid_models_load(f->path, &models, problem, sizeof problem),
                     SID_E_MODEL);
    assert_null(models);
    for (; *parts != NULL; parts++) {
        if (strstr(problem, *parts) == NULL)
            print_error("\"%s\" lacks \"%s\"\n", problem, *parts);
        assert_non_null(strstr(problem, *parts));
    }
}

static void
a_folder_without_a_manifest_is_refused(void **state) {
    assert_refused(*state, (const char *const[]){"models.ini", NULL});
}

static void
a_changed_file_is_refused_with_expected_and_found(void **state) {
    const struct folder *f = *state;
    write_manifest(f, NULL);
    write_file(f, "c.onnx", "something\n");
    char expected[65], found[65];
    hash_text("nothing\n", expected);
    hash_text("something\n", found);
    assert_refused(f, (const char *const[]){"c.onnx", expected, found, NULL});
}

static void
a_missing_file_is_refused_by_name(void **state) {
    const struct folder *f = *state;
    char path[512];
    write_manifest(f, NULL);
    (void)snprintf(path, sizeof path, "%s/d.onnx", f->path);
    assert_int_equal(unlink(path), 0);
    assert_refused(f, (const char *const[]){"d.onnx", NULL});
}

static void
a_manifest_with_a_bad_line_is_refused_with_its_number(void **state) {
    const struct folder *f = *state;
    static const char *const bad[] = {"file = ../e.onnx",
                                      "file = .hidden",
                                      "sha256 = 123",
                                      "width_px = 0",
                                      "width_px = 9999",
                                      "width_px = x",
                                      "channels = cmyk",
                                      "std = 1 1 1 1",
                                      "std = a",
                                      "std_deviation = 1",
                                      "sha256 = zz",
                                      "selftest = 1 2 3",
                                      "selftest = 1 2 3 4 5 6 7 8 9"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        write_manifest(f, bad[i]);
        assert_refused(f, (const char *const[]){"models.ini:", NULL});
    }
}

static void
a_manifest_that_is_not_complete_is_refused(void **state) {
    const struct folder *f = *state;
    write_manifest(f, "std = 0 0 0");
    assert_refused(f, (const char *const[]){"[pose]", NULL});
    write_file(f, "models.ini", "[pack]\nname = x\n");
    assert_refused(f, (const char *const[]){"[detect]", NULL});
}

/* Without a line `selftest`, the message says how to get one. */
static void
a_manifest_without_self_test_is_refused_with_the_command(void **state) {
    const struct folder *f = *state;
    write_manifest(f, "self = ");
    assert_refused(f, (const char *const[]){"models.ini:", NULL});
    write_manifest(f, "selftest");
    assert_refused(f, (const char *const[]){"[pose] has no selftest",
                                            "smartidctl models selftest",
                                            f->path, NULL});
}

static void
a_self_test_cannot_be_printed_of_what_is_no_network(void **state) {
    const struct folder *f = *state;
    char problem[512] = "";
    FILE *to = tmpfile();
    assert_non_null(to);
    write_manifest(f, "selftest");
    assert_int_equal(
        sid_models_print_selftest(f->path, to, problem, sizeof problem),
        SID_E_MODEL);
    assert_non_null(strstr(problem, "a.onnx"));
    assert_int_equal(ftell(to), 0);
    (void)fclose(to);
}

static void
a_file_with_the_right_hash_that_is_no_network_is_refused(void **state) {
    const struct folder *f = *state;
    char problem[512] = "";
    struct sid_models *models = NULL;
    struct sid_face_engine *engine = NULL;
    write_manifest(f, NULL);
    assert_int_equal(sid_models_load(f->path, &models, problem, sizeof problem),
                     SID_OK);
    assert_int_equal(sid_models_engine(models, &engine), SID_E_MODEL);
    assert_null(engine);
    sid_models_problem(models, problem, sizeof problem);
    assert_non_null(strstr(problem, "a.onnx"));
    sid_models_free(&models);
    assert_null(models);
}

int
main(void) {
#define WITH_FOLDER(test)                                                      \
    cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(a_folder_without_a_manifest_is_refused),
        WITH_FOLDER(a_changed_file_is_refused_with_expected_and_found),
        WITH_FOLDER(a_missing_file_is_refused_by_name),
        WITH_FOLDER(a_manifest_with_a_bad_line_is_refused_with_its_number),
        WITH_FOLDER(a_manifest_that_is_not_complete_is_refused),
        WITH_FOLDER(a_manifest_without_self_test_is_refused_with_the_command),
        WITH_FOLDER(a_self_test_cannot_be_printed_of_what_is_no_network),
        WITH_FOLDER(a_file_with_the_right_hash_that_is_no_network_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
