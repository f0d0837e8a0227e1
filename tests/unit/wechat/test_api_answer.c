/* test_api_answer.c: what WeChat's answers come to: files from errors, refusals
 * from what may be tried again, and nonsense from both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../../../src/wechat/api_answer.h"
#include "vectors.h"

static struct sid_wechat_call call;

static struct wechat_judged
judge_bytes(enum sid_wechat_op op, long status, const char *type,
            const void *body, size_t len) {
    sid_wechat_call_fini(&call);
    call.op = op;
    const struct wechat_raw raw = {
        .status = status, .content_type = type, .body = sid_span_of(body, len)};
    struct wechat_judged judged = wechat_answer_judge(&raw, &call);
    assert_int_equal(judged.verdict == WECHAT_DONE, judged.err == SID_OK);
    return judged;
}

static struct wechat_judged
judge(enum sid_wechat_op op, const char *body) {
    return judge_bytes(op, 200, "application/json", body, strlen(body));
}

static int
tear_down(void **state) {
    sid_wechat_call_fini(&call);
    return vectors_stop(state);
}

static void
nonsense(enum sid_wechat_op op, const char *body) {
    struct wechat_judged judged = judge(op, body);
    if (judged.verdict != WECHAT_UNCLEAR || judged.err != SID_E_API_ANSWER)
        fail_msg("verdict %d, error %s on %s", (int)judged.verdict,
                 sid_err_code(judged.err), body);
    assert_string_equal(call.text, "");
    assert_null(call.answer.ptr);
}

static void
a_token_has_its_life_with_it(void **state) {
    (void)state;
    struct wechat_judged judged =
        judge(SID_WECHAT_FETCH_TOKEN,
              "{\"access_token\":\"A_-.b\",\"expires_in\":7200}");
    assert_int_equal(judged.verdict, WECHAT_DONE);
    assert_int_equal(judged.expires_in_s, 7200);
    assert_string_equal(call.text, "A_-.b");
    judged = judge(SID_WECHAT_FETCH_TICKET,
                   "{\"errcode\":0,\"errmsg\":\"ok\",\"ticket\":\"T\","
                   "\"expires_in\":1}");
    assert_int_equal(judged.verdict, WECHAT_DONE);
    assert_string_equal(call.text, "T");
    static const char *const bad[] = {
        "{}",
        "{\"access_token\":\"A\"}",
        "{\"expires_in\":7200}",
        "{\"access_token\":\"\",\"expires_in\":7200}",
        "{\"access_token\":\"a b\",\"expires_in\":7200}",
        "{\"access_token\":1,\"expires_in\":7200}",
        "{\"access_token\":\"A\",\"expires_in\":\"7200\"}",
        "{\"access_token\":\"A\",\"expires_in\":0}",
        "{\"access_token\":\"A\",\"expires_in\":-1}",
        "{\"access_token\":\"A\",\"expires_in\":86401}",
        "{\"ticket\":\"A\",\"expires_in\":7200}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        nonsense(SID_WECHAT_FETCH_TOKEN, bad[i]);
}

static void
a_token_that_is_too_long_is_nonsense(void **state) {
    (void)state;
    char text[1200];
    for (int len = 1024; len <= 1025; len++) {
        int n = snprintf(text, sizeof text, "{\"access_token\":\"");
        memset(text + n, 'a', (size_t)len);
        (void)snprintf(text + n + len, sizeof text - (size_t)(n + len),
                       "\",\"expires_in\":7200}");
        if (len == 1025)
            nonsense(SID_WECHAT_FETCH_TOKEN, text);
        else
            assert_int_equal(judge(SID_WECHAT_FETCH_TOKEN, text).verdict,
                             WECHAT_DONE);
    }
}

static void
an_errcode_decides_whatever_stands_beside_it(void **state) {
    (void)state;
    struct wechat_judged judged =
        judge(SID_WECHAT_FETCH_TOKEN,
              "{\"errcode\":40013,\"errmsg\":\"invalid appid\","
              "\"access_token\":\"A\",\"expires_in\":7200}");
    assert_int_equal(judged.verdict, WECHAT_REFUSED);
    assert_int_equal(judged.err, SID_E_API_REFUSED);
    assert_int_equal(judged.errcode, 40013);
    assert_string_equal(call.text, "");
    judged = judge(SID_WECHAT_SEND_TEXT, "{\"errcode\":42001}");
    assert_int_equal(judged.verdict, WECHAT_TOKEN);
    judged = judge(SID_WECHAT_SEND_TEXT, "{\"errcode\":-1}");
    assert_int_equal(judged.verdict, WECHAT_AGAIN);
    assert_int_equal(judged.err, SID_E_API_UNREACHABLE);
    assert_int_equal(judged.errcode, -1);
    nonsense(SID_WECHAT_SEND_TEXT, "{\"errcode\":\"0\"}");
}

static void
a_message_counts_as_sent_only_when_wechat_says_so(void **state) {
    (void)state;
    assert_int_equal(
        judge(SID_WECHAT_SEND_TEXT, "{\"errcode\":0,\"errmsg\":\"ok\"}")
            .verdict,
        WECHAT_DONE);
    assert_int_equal(judge(SID_WECHAT_SEND_IMAGE, "{\"errcode\":0}").verdict,
                     WECHAT_DONE);
    nonsense(SID_WECHAT_SEND_TEXT, "{}");
    nonsense(SID_WECHAT_SEND_TEXT, "");
    nonsense(SID_WECHAT_SEND_TEXT, "<html>hello</html>");
    nonsense(SID_WECHAT_SEND_IMAGE, "[]");
}

static void
an_upload_gives_its_media_id(void **state) {
    (void)state;
    assert_int_equal(judge(SID_WECHAT_MEDIA_UPLOAD,
                           "{\"type\":\"image\",\"media_id\":\"m-1\","
                           "\"created_at\":1}")
                         .verdict,
                     WECHAT_DONE);
    assert_string_equal(call.text, "m-1");
    nonsense(SID_WECHAT_MEDIA_UPLOAD, "{\"type\":\"image\"}");
    nonsense(SID_WECHAT_MEDIA_UPLOAD, "{\"media_id\":\"a b\"}");
}

static void
an_oauth_code_gives_an_openid_but_not_of_a_snapshot(void **state) {
    (void)state;
    assert_int_equal(
        judge(SID_WECHAT_OAUTH_CODE,
              "{\"access_token\":\"A\",\"expires_in\":7200,\"refresh_token\":"
              "\"R\",\"openid\":\"oX\",\"scope\":\"snsapi_base\"}")
            .verdict,
        WECHAT_DONE);
    assert_string_equal(call.text, "oX");
    assert_false(call.snapshot);
    static const char *const marks[] = {"1", "true"};
    for (size_t i = 0; i < 2; i++) {
        char text[128];
        (void)snprintf(text, sizeof text,
                       "{\"openid\":\"oX\",\"is_snapshotuser\":%s}", marks[i]);
        struct wechat_judged judged = judge(SID_WECHAT_OAUTH_CODE, text);
        assert_int_equal(judged.verdict, WECHAT_REFUSED);
        assert_int_equal(judged.err, SID_E_API_REFUSED);
        assert_true(call.snapshot);
        assert_string_equal(call.text, "");
    }
    assert_int_equal(judge(SID_WECHAT_OAUTH_CODE,
                           "{\"openid\":\"oX\",\"is_snapshotuser\":0}")
                         .verdict,
                     WECHAT_DONE);
    nonsense(SID_WECHAT_OAUTH_CODE, "{\"scope\":\"snsapi_base\"}");
    struct wechat_judged judged =
        judge(SID_WECHAT_OAUTH_CODE, "{\"errcode\":40029}");
    assert_int_equal(judged.verdict, WECHAT_REFUSED);
    assert_int_equal(judged.errcode, 40029);
}

static void
addresses_come_one_a_line(void **state) {
    (void)state;
    assert_int_equal(judge(SID_WECHAT_CALLBACK_IPS,
                           "{\"ip_list\":[\"101.226.62.77\",\"1.2.3.0/24\","
                           "\"2001:db8::1\"]}")
                         .verdict,
                     WECHAT_DONE);
    assert_string_equal(as_text(&call.answer),
                        "101.226.62.77\n1.2.3.0/24\n2001:db8::1\n");
    static const char *const bad[] = {
        "{}", "{\"ip_list\":\"1.2.3.4\"}", "{\"ip_list\":[1]}",
        "{\"ip_list\":[\"1.2.3.4\",\"\"]}",
        "{\"ip_list\":[\"1.2.3.4\",\"all; deny\"]}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        nonsense(SID_WECHAT_CALLBACK_IPS, bad[i]);
}

#define JPEG "\xff\xd8\xff\xe0 and so on"
#define PNG "\x89PNG\r\n\x1a\n and so on"

static void
a_picture_is_told_by_its_first_bytes(void **state) {
    (void)state;
    assert_int_equal(judge_bytes(SID_WECHAT_MEDIA_GET, 200, "image/jpeg", JPEG,
                                 sizeof JPEG - 1)
                         .verdict,
                     WECHAT_DONE);
    assert_int_equal(call.format, SID_IMAGE_JPEG);
    assert_int_equal(
        judge_bytes(SID_WECHAT_MEDIA_GET, 200, NULL, PNG, sizeof PNG - 1)
            .verdict,
        WECHAT_DONE);
    assert_int_equal(call.format, SID_IMAGE_PNG);
    static const char *const bad[] = {"",       "GIF89a", "\xff\xd8",
                                      "<html>", "BM6",    "\x89PNG\r\n\x1a"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct wechat_judged judged = judge_bytes(
            SID_WECHAT_MEDIA_GET, 200, "image/jpeg", bad[i], strlen(bad[i]));
        assert_int_equal(judged.verdict, WECHAT_REFUSED);
        assert_int_equal(judged.err, SID_E_API_ANSWER);
    }
}

static void
an_error_in_place_of_a_picture_is_seen(void **state) {
    (void)state;
    static const char error[] = "{\"errcode\":40007,\"errmsg\":\"no\"}";
    static const char *const types[] = {"application/json; charset=utf-8",
                                        "Application/JSON", "text/plain",
                                        "image/jpeg", NULL};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct wechat_judged judged = judge_bytes(
            SID_WECHAT_MEDIA_GET, 200, types[i], error, sizeof error - 1);
        assert_int_equal(judged.verdict, WECHAT_REFUSED);
        assert_int_equal(judged.errcode, 40007);
    }
    assert_int_equal(judge_bytes(SID_WECHAT_MEDIA_GET, 200, "text/plain",
                                 "{\"errcode\":42001}", 17)
                         .verdict,
                     WECHAT_TOKEN);
    /* A picture that calls itself JSON is none. */
    assert_int_equal(judge_bytes(SID_WECHAT_MEDIA_GET, 200, "application/json",
                                 JPEG, sizeof JPEG - 1)
                         .verdict,
                     WECHAT_UNCLEAR);
}

static void
the_address_of_a_video_is_not_followed(void **state) {
    (void)state;
    struct wechat_judged judged =
        judge(SID_WECHAT_MEDIA_GET, "{\"video_url\":\"http://10.0.0.1/\"}");
    assert_int_equal(judged.verdict, WECHAT_REFUSED);
    assert_int_equal(judged.err, SID_E_API_ANSWER);
}

static void
http_errors_say_whether_it_may_have_been_done(void **state) {
    (void)state;
    static const struct {
        long status;
        enum wechat_verdict verdict;
        enum sid_err err;
    } cases[] = {
        {503, WECHAT_AGAIN, SID_E_API_UNREACHABLE},
        {429, WECHAT_AGAIN, SID_E_API_UNREACHABLE},
        {500, WECHAT_UNCLEAR, SID_E_API_UNREACHABLE},
        {502, WECHAT_UNCLEAR, SID_E_API_UNREACHABLE},
        {504, WECHAT_UNCLEAR, SID_E_API_UNREACHABLE},
        {302, WECHAT_REFUSED, SID_E_API_ANSWER},
        {404, WECHAT_REFUSED, SID_E_API_ANSWER},
        {206, WECHAT_REFUSED, SID_E_API_ANSWER},
        {0, WECHAT_REFUSED, SID_E_API_ANSWER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wechat_judged judged = judge_bytes(
            SID_WECHAT_SEND_TEXT, cases[i].status, NULL, "{\"errcode\":0}", 13);
        assert_int_equal(judged.verdict, cases[i].verdict);
        assert_int_equal(judged.err, cases[i].err);
    }
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_has_its_life_with_it),
        cmocka_unit_test(a_token_that_is_too_long_is_nonsense),
        cmocka_unit_test(an_errcode_decides_whatever_stands_beside_it),
        cmocka_unit_test(a_message_counts_as_sent_only_when_wechat_says_so),
        cmocka_unit_test(an_upload_gives_its_media_id),
        cmocka_unit_test(an_oauth_code_gives_an_openid_but_not_of_a_snapshot),
        cmocka_unit_test(addresses_come_one_a_line),
        cmocka_unit_test(a_picture_is_told_by_its_first_bytes),
        cmocka_unit_test(an_error_in_place_of_a_picture_is_seen),
        cmocka_unit_test(the_address_of_a_video_is_not_followed),
        cmocka_unit_test(http_errors_say_whether_it_may_have_been_done),
    };
    return cmocka_run_group_tests(tests, vectors_start, tear_down);
}
