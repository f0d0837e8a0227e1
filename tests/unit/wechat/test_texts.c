/* test_texts.c: the texts built in, the bureau's own, and what is filled in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smartid/enrolment.h"
#include "smartid/wechat_texts.h"
#include "vectors.h"

static char folder[64];
static char path[96];
static struct sid_config_problem problem;
static struct sid_wechat_texts *texts;

static int
make_folder(void **state) {
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(folder, sizeof folder, "%.40s/sid-texts-XXXXXX",
                   tmp != NULL && strlen(tmp) <= 40 ? tmp : "/tmp");
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(path, sizeof path, "%s/texts", folder);
    return vectors_start(state);
}

static int
drop_folder(void **state) {
    sid_wechat_texts_free(&texts);
    (void)unlink(path);
    return rmdir(folder) == 0 ? vectors_stop(state) : -1;
}

static enum sid_err
load_bytes(const char *text, size_t len) {
    FILE *to = fopen(path, "w");
    assert_non_null(to);
    assert_int_equal(fwrite(text, 1, len, to), len);
    assert_int_equal(fclose(to), 0);
    memset(&problem, 0, sizeof problem);
    sid_wechat_texts_free(&texts);
    return sid_wechat_texts_load(path, &texts, &problem);
}

static enum sid_err
load(const char *text) {
    return load_bytes(text, strlen(text));
}

static void
said(enum sid_wechat_text text, const struct sid_wechat_fill *fill,
     const char *expected) {
    struct sid_buf out = SID_BUF_EMPTY;
    assert_int_equal(sid_wechat_texts_say(texts, text, fill, &out), SID_OK);
    assert_string_equal(as_text(&out), expected);
    sid_buf_free(&out);
}

static void
refused(const char *text, int line, const char *what, const char *accepted) {
    assert_int_equal(load(text), SID_E_CONFIG);
    assert_null(texts);
    char where[160];
    (void)snprintf(where, sizeof where, "%s:%d: ", path, line);
    if (strncmp(problem.text, where, strlen(where)) != 0 ||
        strstr(problem.text, what) == NULL ||
        strstr(problem.text, accepted) == NULL)
        fail_msg("told: %s", problem.text);
}

static void
without_a_file_the_texts_built_in_are_said(void **state) {
    (void)state;
    assert_int_equal(sid_wechat_texts_load("", &texts, &problem), SID_OK);
    said(SID_WT_NAME, NULL, "请回复您的姓名，须与身份证一致。");
    const struct sid_wechat_fill fill[] = {{"until", "明天8点"}, {NULL, NULL}};
    said(SID_WT_CODE_UNTIL, fill,
         "您的二维码有效期至明天8点，请勿转发给他人。"
         "过期后，或没有收到图片时，请再回复“我的码”。");
}

static void
the_bureaus_wording_takes_the_place_of_ours(void **state) {
    (void)state;
    assert_int_equal(load("# ours\n\n  name_ask =  姓名？ \r\n"
                          "code_link={url}\\n{url} a\\\\b = c;d # e\n"
                          "asked_line = {party}{time}{purpose}"),
                     SID_OK);
    said(SID_WT_NAME, NULL, "姓名？");
    said(SID_WT_NUMBER, NULL, "请回复您的18位身份证号码。");
    const struct sid_wechat_fill fill[] = {
        {"other", "5"}, {"url", "https://a/{x}"}, {NULL, NULL}};
    said(SID_WT_CODE_LINK, fill, "https://a/{x}\nhttps://a/{x} a\\b = c;d # e");
}

static void
a_name_without_a_value_is_left_out(void **state) {
    (void)state;
    assert_int_equal(load("reason_no_face = {{photo}|{photo}} {\n"), SID_OK);
    said(SID_WT_R_NO_FACE, NULL, "{|} {");
}

static void
a_line_that_is_not_understood_is_refused(void **state) {
    (void)state;
    refused("# x\nhello\n", 2, "not understood", "key = text");
    refused("[texts]\n", 1, "not understood", "key = text");
    refused("helo = x\n", 1, "helo: unknown text", "a key");
    refused(" = x\n", 1, ": unknown text", "a key");
    refused("help = a\n\nhelp = b\n", 3, "help: set on line 1 already", "once");
    refused("help =\n", 1, "help: empty", "1 to 1500 bytes");
    refused("help = a\\tb\n", 1, "help: unknown escape", "\\n and \\\\");
    refused("help = a\\\n", 1, "help: unknown escape", "\\n and \\\\");
    refused("help = a\x01\n", 1, "help: not clean text", "UTF-8");
    refused("help = \xff\n", 1, "help: not clean text", "UTF-8");
    assert_int_equal(load_bytes("help = a\0b\n", 11), SID_E_CONFIG);
    assert_non_null(strstr(problem.text, ":1: the line has a NUL byte"));
}

static void
a_name_that_cannot_be_filled_in_or_is_missing_is_refused(void **state) {
    (void)state;
    refused("help = {url}\n", 1, "help: {url} cannot be filled in",
            "no braces");
    refused("code_link = {url} {URL}\n", 1, "{URL} cannot", "url!");
    refused("code_link = {url} {}\n", 1, "{} cannot", "url!");
    refused("code_link = {url} {url!}\n", 1, "{url!} cannot", "url!");
    refused("code_link = url\n", 1, "{url} is missing", "with it");
    refused("asked_line = {time} {party}\n", 1, "{purpose} is missing",
            "with it");
}

static void
a_text_or_file_that_is_too_long_is_refused(void **state) {
    (void)state;
    char text[1600] = "help = ";
    memset(text + 7, 'x', 1501);
    refused(text, 1, "help: too long", "1 to 1500 bytes");
    text[7 + 1500] = '\0';
    assert_int_equal(load(text), SID_OK);
    size_t large = SID_INI_FILE_MAX_BYTES + 1;
    char *file = malloc(large);
    assert_non_null(file);
    memset(file, '#', large);
    assert_int_equal(load_bytes(file, large), SID_E_CONFIG);
    assert_non_null(strstr(problem.text, ":1: the file is too large"));
    assert_int_equal(load_bytes(file, large - 1), SID_OK);
    free(file);
}

static void
a_file_that_cannot_be_read_is_an_io_error(void **state) {
    (void)state;
    (void)unlink(path);
    sid_wechat_texts_free(&texts);
    assert_int_equal(sid_wechat_texts_load(path, &texts, &problem), SID_E_IO);
    assert_non_null(strstr(problem.text, path));
    assert_int_equal(sid_wechat_texts_load(folder, &texts, &problem), SID_E_IO);
    assert_null(texts);
}

static void
the_printed_file_says_what_is_built_in(void **state) {
    (void)state;
    FILE *to = fopen(path, "w");
    assert_non_null(to);
    sid_wechat_texts_print(to);
    assert_int_equal(fclose(to), 0);
    sid_wechat_texts_free(&texts);
    enum sid_err err = sid_wechat_texts_load(path, &texts, &problem);
    if (err != SID_OK)
        fail_msg("told: %s", problem.text);
    struct sid_wechat_texts *own = texts, *built_in = NULL;
    assert_int_equal(sid_wechat_texts_load("", &built_in, &problem), SID_OK);
    for (int t = 0; t < SID_WECHAT_TEXT_COUNT; t++) {
        struct sid_buf out = SID_BUF_EMPTY;
        texts = built_in;
        assert_int_equal(
            sid_wechat_texts_say(built_in, (enum sid_wechat_text)t, NULL, &out),
            SID_OK);
        texts = own;
        said((enum sid_wechat_text)t, NULL, as_text(&out));
        assert_in_range(out.len, 2, 2048);
        sid_buf_free(&out);
    }
    sid_wechat_texts_free(&built_in);
}

static void
every_rejection_reason_has_a_text_of_its_own(void **state) {
    (void)state;
    for (int r = 0; r < SID_REASON_COUNT; r++) {
        const char *code = sid_reason_code((enum sid_reason)r);
        if (sid_wechat_texts_reason(code) == SID_WT_R_OTHER)
            fail_msg("no text for %s", code);
    }
    assert_int_equal(sid_wechat_texts_reason("no_face"), SID_WT_R_NO_FACE);
    assert_int_equal(sid_wechat_texts_reason("unheard_of"), SID_WT_R_OTHER);
    assert_int_equal(sid_wechat_texts_reason(""), SID_WT_R_OTHER);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_file_the_texts_built_in_are_said),
        cmocka_unit_test(the_bureaus_wording_takes_the_place_of_ours),
        cmocka_unit_test(a_name_without_a_value_is_left_out),
        cmocka_unit_test(a_line_that_is_not_understood_is_refused),
        cmocka_unit_test(
            a_name_that_cannot_be_filled_in_or_is_missing_is_refused),
        cmocka_unit_test(a_text_or_file_that_is_too_long_is_refused),
        cmocka_unit_test(a_file_that_cannot_be_read_is_an_io_error),
        cmocka_unit_test(the_printed_file_says_what_is_built_in),
        cmocka_unit_test(every_rejection_reason_has_a_text_of_its_own),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
