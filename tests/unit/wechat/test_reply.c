/* test_reply.c: what answers say, and their envelope. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <string.h>

#include "../../../src/wechat/text_tame.h"
#include "smartid/wechat_reply.h"
#include "vectors.h"

static const struct sid_wechat_push push = {.to = "gh_a", .from = "oX"};

static void
a_text_goes_back_to_its_sender(void **state) {
    (void)state;
    struct sid_buf out = SID_BUF_EMPTY;
    assert_int_equal(
        sid_wechat_reply_text(SID_WECHAT_XML, &push, "您好\n<&>", 1122, &out),
        SID_OK);
    assert_string_equal(
        as_text(&out),
        "<xml><ToUserName><![CDATA[oX]]></ToUserName>"
        "<FromUserName><![CDATA[gh_a]]></FromUserName>"
        "<CreateTime>1122</CreateTime><MsgType><![CDATA[text]]></MsgType>"
        "<Content><![CDATA[您好\n<&>]]></Content></xml>");
    sid_buf_clear(&out);
    assert_int_equal(
        sid_wechat_reply_text(SID_WECHAT_JSON, &push, "您好\n\"", 1122, &out),
        SID_OK);
    assert_string_equal(as_text(&out),
                        "{\"ToUserName\":\"oX\",\"FromUserName\":\"gh_a\","
                        "\"CreateTime\":1122,\"MsgType\":\"text\","
                        "\"Content\":\"您好\\u000a\\\"\"}");
    sid_buf_free(&out);
}

static void
a_picture_goes_back_by_its_media_id(void **state) {
    (void)state;
    struct sid_buf out = SID_BUF_EMPTY;
    assert_int_equal(
        sid_wechat_reply_image(SID_WECHAT_XML, &push, "m-_1", 1122, &out),
        SID_OK);
    assert_non_null(strstr(as_text(&out),
                           "<MsgType><![CDATA[image]]></MsgType><Image>"
                           "<MediaId><![CDATA[m-_1]]></MediaId></Image>"
                           "</xml>"));
    sid_buf_clear(&out);
    assert_int_equal(
        sid_wechat_reply_image(SID_WECHAT_JSON, &push, "m-_1", 1122, &out),
        SID_OK);
    assert_non_null(strstr(as_text(&out),
                           "\"MsgType\":\"image\",\"Image\":{\"MediaId\":"
                           "\"m-_1\"}}"));
    sid_buf_free(&out);
}

static void
the_end_of_a_cdata_section_inside_a_text_is_cut_in_two(void **state) {
    (void)state;
    static const char *const texts[] = {
        "]]>", "a]]>b]]>c", "]]]>", "]]>]]>", "]]", "]", "&lt;]]&gt;"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct sid_buf out = SID_BUF_EMPTY;
        struct sid_wechat_push back;
        enum sid_wechat_format format;
        assert_int_equal(
            sid_wechat_reply_text(SID_WECHAT_XML, &push, texts[i], 1, &out),
            SID_OK);
        /* Read as a push it needs an id. */
        out.len -= strlen("</xml>");
        assert_int_equal(sid_buf_append_str(&out, "<MsgId>1</MsgId></xml>"),
                         SID_OK);
        assert_int_equal(
            sid_wechat_push_parse(sid_buf_span(&out), &back, &format), SID_OK);
        assert_string_equal(back.content, texts[i]);
        sid_buf_free(&out);
    }
}

static void
what_xml_forbids_is_not_sent(void **state) {
    (void)state;
    struct sid_buf out = SID_BUF_EMPTY;
    assert_int_equal(sid_wechat_reply_text(SID_WECHAT_XML, &push,
                                           "a\x01\xef"
                                           "\xbf\xbe"
                                           "b",
                                           1, &out),
                     SID_OK);
    assert_non_null(strstr(as_text(&out), "[a    b]"));
    sid_buf_free(&out);
}

static void
a_text_that_is_too_long_ends_behind_a_whole_character(void **state) {
    (void)state;
    static const struct {
        const char *unit; /* repeated */
        size_t len, cut;  /* before and after */
    } rows[] = {
        {"a", 2048, 2048},
        {"a", 2049, 2048},
        {"a", 5000, 2048},
        {"\xe9\x95\xbf", 2046, 2046},
        {"\xe9\x95\xbf", 2049, 2046}, /* 681 characters, and the mark */
        {"\xf0\x9f\x99\x82", 2052, 2047},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sid_buf text = SID_BUF_EMPTY;
        while (text.len < rows[i].len)
            assert_int_equal(sid_buf_append_str(&text, rows[i].unit), SID_OK);
        assert_int_equal(text.len, rows[i].len);
        wechat_text_cut(&text);
        assert_int_equal(text.len, rows[i].cut);
        if (rows[i].len >= SID_WECHAT_TEXT_SIZE)
            assert_memory_equal(text.ptr + text.len - 3, "\xe2\x80\xa6", 3);
        assert_int_equal(wechat_text_tame((char *)text.ptr, text.len), SID_OK);
        sid_buf_free(&text);
    }
    struct sid_buf empty = SID_BUF_EMPTY;
    wechat_text_cut(&empty);
    assert_int_equal(empty.len, 0);
}

static void
an_answer_that_cannot_be_is_refused(void **state) {
    (void)state;
    struct sid_buf out = SID_BUF_EMPTY;
    char text[SID_WECHAT_TEXT_SIZE + 1];
    memset(text, 'x', sizeof text);
    text[SID_WECHAT_TEXT_SIZE] = '\0';
    assert_int_equal(
        sid_wechat_reply_text(SID_WECHAT_XML, &push, text, 1, &out),
        SID_E_ARGUMENT);
    assert_int_equal(sid_wechat_reply_text(SID_WECHAT_XML, &push, "", 1, &out),
                     SID_E_ARGUMENT);
    assert_int_equal(
        sid_wechat_reply_text(SID_WECHAT_XML, &push, "\xff", 1, &out),
        SID_E_ARGUMENT);
    static const char *const ids[] = {"", "a b", "\xc3\xa4", "a\n"};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        assert_int_equal(
            sid_wechat_reply_image(SID_WECHAT_XML, &push, ids[i], 1, &out),
            SID_E_ARGUMENT);
    text[SID_WECHAT_MEDIA_ID_SIZE] = '\0';
    assert_int_equal(
        sid_wechat_reply_image(SID_WECHAT_XML, &push, text, 1, &out),
        SID_E_ARGUMENT);
    assert_int_equal(out.len, 0);
    text[SID_WECHAT_MEDIA_ID_SIZE] = 'x';
    text[SID_WECHAT_TEXT_SIZE - 1] = '\0';
    assert_int_equal(
        sid_wechat_reply_text(SID_WECHAT_XML, &push, text, 1, &out), SID_OK);
    sid_buf_free(&out);
}

static void
the_published_reply_is_sealed_to_the_very_same_envelope(void **state) {
    (void)state;
    const struct vector *v = vector_of("tencent-doc-secure-reply");
    struct sid_wechat_aes_key key;
    assert_int_equal(sid_wechat_aes_key_parse(v->aes_key, &key), SID_OK);
    struct sid_wechat_seal seal = {.token = v->token,
                                   .app_id = v->app_id,
                                   .key = &key,
                                   .nonce = v->nonce,
                                   .now_s = 1713424427};
    memcpy(seal.random, v->random, sizeof seal.random);
    struct sid_buf out = SID_BUF_EMPTY, expected = SID_BUF_EMPTY;
    assert_int_equal(sid_wechat_reply_seal(SID_WECHAT_JSON, &seal,
                                           sid_span_str(v->plaintext), &out),
                     SID_OK);
    assert_int_equal(
        sid_buf_printf(&expected,
                       "{\"Encrypt\":\"%s\",\"MsgSignature\":\"%s\","
                       "\"TimeStamp\":1713424427,\"Nonce\":\"415670741\"}",
                       v->encrypt, v->msg_signature),
        SID_OK);
    assert_string_equal(as_text(&out), as_text(&expected));
    sid_buf_clear(&out);
    sid_buf_clear(&expected);
    assert_int_equal(sid_wechat_reply_seal(SID_WECHAT_XML, &seal,
                                           sid_span_str(v->plaintext), &out),
                     SID_OK);
    assert_int_equal(
        sid_buf_printf(&expected,
                       "<xml><Encrypt><![CDATA[%s]]></Encrypt>"
                       "<MsgSignature><![CDATA[%s]]></MsgSignature>"
                       "<TimeStamp>1713424427</TimeStamp>"
                       "<Nonce><![CDATA[415670741]]></Nonce></xml>",
                       v->encrypt, v->msg_signature),
        SID_OK);
    assert_string_equal(as_text(&out), as_text(&expected));
    sid_buf_free(&out);
    sid_buf_free(&expected);
}

static void
a_reply_that_is_too_long_is_not_sealed(void **state) {
    (void)state;
    static uint8_t large[SID_WECHAT_BODY_MAX_BYTES + 1];
    struct sid_wechat_aes_key key = {{0}};
    struct sid_wechat_seal seal = {
        .token = "t", .app_id = "a", .key = &key, .nonce = "n"};
    struct sid_buf out = SID_BUF_EMPTY;
    assert_int_equal(sid_wechat_reply_seal(SID_WECHAT_XML, &seal,
                                           sid_span_of(large, sizeof large),
                                           &out),
                     SID_E_ARGUMENT);
    assert_int_equal(out.len, 0);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_goes_back_to_its_sender),
        cmocka_unit_test(a_picture_goes_back_by_its_media_id),
        cmocka_unit_test(
            the_end_of_a_cdata_section_inside_a_text_is_cut_in_two),
        cmocka_unit_test(what_xml_forbids_is_not_sent),
        cmocka_unit_test(a_text_that_is_too_long_ends_behind_a_whole_character),
        cmocka_unit_test(an_answer_that_cannot_be_is_refused),
        cmocka_unit_test(
            the_published_reply_is_sealed_to_the_very_same_envelope),
        cmocka_unit_test(a_reply_that_is_too_long_is_not_sealed),
    };
    return cmocka_run_group_tests(tests, vectors_start, vectors_stop);
}
