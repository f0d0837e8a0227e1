/* test_page.c: the JS-SDK's signature and the address of OAuth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/wechat_page.h"
#include "vectors.h"

static void
the_published_page_signatures_are_ours(void **state) {
    (void)state;
    size_t n, signed_n = 0;
    const struct vector *v = vectors(&n);
    for (size_t i = 0; i < n; i++) {
        if (v[i].ticket[0] == '\0')
            continue;
        char ours[SID_WECHAT_SIGNATURE_SIZE];
        int64_t at_s = strtoll(v[i].timestamp, NULL, 10);
        assert_int_equal(sid_wechat_jssdk_sign(v[i].ticket, v[i].noncestr, at_s,
                                               v[i].url, ours),
                         SID_OK);
        assert_string_equal(ours, v[i].signature);
        signed_n++;
    }
    assert_int_equal(signed_n, 2);
}

static void
what_stands_behind_the_hash_is_not_signed(void **state) {
    (void)state;
    const struct vector *v = vector_of("tencent-doc-jssdk");
    char ours[SID_WECHAT_SIGNATURE_SIZE];
    assert_int_equal(
        sid_wechat_jssdk_sign(v->ticket, v->noncestr, 1414587457,
                              "http://mp.weixin.qq.com?params=value#a#b", ours),
        SID_OK);
    assert_string_equal(ours, v->signature);
    assert_int_equal(
        sid_wechat_jssdk_sign(v->ticket, v->noncestr, 1414587457,
                              "http://mp.weixin.qq.com?params=valu", ours),
        SID_OK);
    assert_string_not_equal(ours, v->signature);
}

static void
what_is_no_address_is_not_signed(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",           "javascript:1", "//host/",
        "http//x",    "https://a b",  "https://\xe4\xb8\xad/",
        "https://a\n"};
    char ours[SID_WECHAT_SIGNATURE_SIZE] = "kept";
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(sid_wechat_jssdk_sign("T", "N", 1, bad[i], ours),
                         SID_E_ARGUMENT);
    assert_int_equal(sid_wechat_jssdk_sign("T", "", 1, "https://a/", ours),
                     SID_E_ARGUMENT);
    assert_int_equal(sid_wechat_jssdk_sign("T", "a b", 1, "https://a/", ours),
                     SID_E_ARGUMENT);
    assert_string_equal(ours, "kept");
}

static void
the_oauth_address_is_as_wechat_wants_it(void **state) {
    (void)state;
    struct sid_buf out = SID_BUF_EMPTY;
    assert_int_equal(sid_wechat_oauth_url("https://open.weixin.qq.com", "wx1",
                                          "https://id.example/w?a=1&b", "St8",
                                          &out),
                     SID_OK);
    assert_string_equal(
        as_text(&out),
        "https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx1"
        "&redirect_uri=https%3A%2F%2Fid.example%2Fw%3Fa%3D1%26b"
        "&response_type=code&scope=snsapi_base&state=St8#wechat_redirect");
    sid_buf_free(&out);
}

static void
a_state_that_wechat_would_not_return_is_refused(void **state) {
    (void)state;
    char large[130];
    memset(large, 'a', sizeof large);
    large[129] = '\0';
    const char *const bad[] = {"", "a b", "a-b", "a&b", large};
    struct sid_buf out = SID_BUF_EMPTY;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(sid_wechat_oauth_url("https://o", "wx1", "https://r/",
                                              bad[i], &out),
                         SID_E_ARGUMENT);
    assert_int_equal(out.len, 0);
    large[128] = '\0';
    assert_int_equal(
        sid_wechat_oauth_url("https://o", "wx1", "https://r/", large, &out),
        SID_OK);
    sid_buf_free(&out);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_page_signatures_are_ours),
        cmocka_unit_test(what_stands_behind_the_hash_is_not_signed),
        cmocka_unit_test(what_is_no_address_is_not_signed),
        cmocka_unit_test(the_oauth_address_is_as_wechat_wants_it),
        cmocka_unit_test(a_state_that_wechat_would_not_return_is_refused),
    };
    return cmocka_run_group_tests(tests, vectors_start, vectors_stop);
}
