/* test_push.c: what WeChat pushes, as XML and as JSON, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/wechat_crypt.h"
#include "smartid/wechat_push.h"
#include "vectors.h"

static struct sid_wechat_push push;
static enum sid_wechat_format format;

static enum sid_err
parse(const char *text) {
    struct sid_wechat_push before;
    memset(&push, 0x33, sizeof push);
    before = push;
    enum sid_err err =
        sid_wechat_push_parse(sid_span_str(text), &push, &format);
    if (err != SID_OK)
        assert_memory_equal(&push, &before, sizeof push);
    return err;
}

#define HEAD                                                                   \
    "<xml><ToUserName><![CDATA[gh_a]]></ToUserName>"                           \
    "<FromUserName><![CDATA[oX]]></FromUserName>"                              \
    "<CreateTime>1348831860</CreateTime>"
#define TAIL "<MsgId>1234567890123456789</MsgId></xml>"
#define TYPE(t) "<MsgType><![CDATA[" t "]]></MsgType>"
#define EVENT(e) TYPE("event") "<Event><![CDATA[" e "]]></Event>"

static void
is_head(void) {
    assert_string_equal(push.to, "gh_a");
    assert_string_equal(push.from, "oX");
    assert_int_equal(push.created_at_s, 1348831860);
    assert_false(push.too_long);
}

/* ---- what is pushed ------------------------------------------------------ */

static void
a_text_is_read_from_xml(void **state) {
    (void)state;
    assert_int_equal(
        parse(HEAD TYPE("text") "<Content><![CDATA[我要<办理> & ]]></Content>"
                                "<Other>x</Other>" TAIL),
        SID_OK);
    is_head();
    assert_int_equal(format, SID_WECHAT_XML);
    assert_int_equal(push.kind, SID_WECHAT_TEXT);
    assert_string_equal(push.content, "我要<办理> & ");
    assert_string_equal(push.msg_id, "1234567890123456789");
    assert_string_equal(push.event, "");
    assert_string_equal(push.media_id, "");
}

static void
a_text_is_read_from_json(void **state) {
    (void)state;
    assert_int_equal(
        parse(" \r\n{\"ToUserName\":\"gh_a\",\"FromUserName\":\"oX\","
              "\"CreateTime\":1348831860,\"MsgType\":\"text\",\"Content\":"
              "\"我要\\n办理\",\"MsgId\":1234567890123456789,\"Event\":null}"),
        SID_OK);
    is_head();
    assert_int_equal(format, SID_WECHAT_JSON);
    assert_int_equal(push.kind, SID_WECHAT_TEXT);
    assert_string_equal(push.content, "我要\n办理");
    assert_string_equal(push.msg_id, "1234567890123456789");
}

static void
an_image_has_its_media_id(void **state) {
    (void)state;
    assert_int_equal(
        parse(HEAD TYPE("image") "<PicUrl><![CDATA[http://x/]]></PicUrl>"
                                 "<MediaId><![CDATA[m-_1]]></MediaId>" TAIL),
        SID_OK);
    assert_int_equal(push.kind, SID_WECHAT_IMAGE);
    assert_string_equal(push.media_id, "m-_1");
}

static void
events_are_told_apart(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum sid_wechat_kind kind;
        const char *key;
    } events[] = {
        {EVENT("subscribe") "<EventKey></EventKey>", SID_WECHAT_SUBSCRIBE, ""},
        {EVENT("subscribe") "<EventKey><![CDATA[qrscene_123]]></EventKey>"
                            "<Ticket><![CDATA[T]]></Ticket>",
         SID_WECHAT_SUBSCRIBE, "qrscene_123"},
        {EVENT("unsubscribe"), SID_WECHAT_UNSUBSCRIBE, ""},
        {EVENT("SCAN") "<EventKey>123</EventKey>", SID_WECHAT_SCAN, "123"},
        {EVENT("CLICK") "<EventKey>apply</EventKey>", SID_WECHAT_CLICK,
         "apply"},
        {EVENT("VIEW") "<EventKey>https://x/?a=1&amp;b=2</EventKey>"
                       "<MenuId>7</MenuId>",
         SID_WECHAT_VIEW, "https://x/?a=1&b=2"},
        {EVENT("pic_sysphoto") "<EventKey>k</EventKey><SendPicsInfo>"
                               "<Count>1</Count><PicList><item><PicMd5Sum>a"
                               "</PicMd5Sum></item></PicList></SendPicsInfo>",
         SID_WECHAT_OTHER_EVENT, "k"},
        {EVENT("scan") "<EventKey>1</EventKey>", SID_WECHAT_SCAN, "1"},
        {EVENT("TEMPLATESENDJOBFINISH") "<MsgID>1</MsgID>",
         SID_WECHAT_OTHER_EVENT, ""},
    };
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        char text[1024];
        (void)snprintf(text, sizeof text, HEAD "%s</xml>", events[i].text);
        assert_int_equal(parse(text), SID_OK);
        is_head();
        assert_int_equal(push.kind, events[i].kind);
        assert_string_equal(push.event_key, events[i].key);
        assert_string_equal(push.msg_id, "");
        assert_string_not_equal(push.event, "");
    }
}

static void
a_clerks_scan_has_what_the_code_says(void **state) {
    (void)state;
    assert_int_equal(
        parse(HEAD EVENT("scancode_waitmsg") "<EventKey>scan</EventKey>"
                                             "<ScanCodeInfo><ScanType>qrcode"
                                             "</ScanType><ScanResult>SID1:A%"
                                             "</ScanResult></ScanCodeInfo>"
                                             "</xml>"),
        SID_OK);
    assert_int_equal(push.kind, SID_WECHAT_SCANCODE_WAITMSG);
    assert_string_equal(push.scan_result, "SID1:A%");
    assert_int_equal(
        parse("{\"ToUserName\":\"gh_a\",\"FromUserName\":\"oX\",\"CreateTime\":"
              "\"1348831860\",\"MsgType\":\"event\",\"Event\":\"scancode_push\""
              ",\"ScanCodeInfo\":{\"ScanType\":\"qrcode\",\"ScanResult\":\"SID1"
              ":A%\"}}"),
        SID_OK);
    is_head();
    assert_int_equal(push.kind, SID_WECHAT_SCANCODE_PUSH);
    assert_string_equal(push.scan_result, "SID1:A%");
}

static void
other_messages_are_told_as_such(void **state) {
    (void)state;
    assert_int_equal(
        parse(
            HEAD TYPE("voice") "<MediaId>m</MediaId><Format>amr</Format>" TAIL),
        SID_OK);
    assert_int_equal(push.kind, SID_WECHAT_OTHER_MESSAGE);
}

static void
the_published_messages_are_read(void **state) {
    (void)state;
    size_t n, read = 0;
    const struct vector *v = vectors(&n);
    for (size_t i = 0; i < n; i++) {
        if (strstr(v[i].plaintext, "FromUserName") == NULL)
            continue;
        assert_int_equal(parse(v[i].plaintext), SID_OK);
        assert_int_equal(push.kind, format == SID_WECHAT_JSON
                                        ? SID_WECHAT_OTHER_EVENT
                                        : SID_WECHAT_TEXT);
        read++;
    }
    assert_int_equal(read, 4);
}

/* ---- what people type ---------------------------------------------------- */

static void
control_characters_become_spaces(void **state) {
    (void)state;
    assert_int_equal(parse(HEAD TYPE("text") "<Content>a\tb\r\nc\x7f"
                                             "d\xc2\x85"
                                             "e\xe2\x80\xa8"
                                             "f😀</Content>" TAIL),
                     SID_OK);
    assert_string_equal(push.content, "a\tb\nc d  e   f😀");
    assert_int_equal(
        parse("{\"ToUserName\":\"gh_a\",\"FromUserName\":\"oX\",\"CreateTime\":"
              "1,\"MsgType\":\"text\",\"Content\":\"a\\u0001\\r\\ufffe\\u2029"
              "b\",\"MsgId\":1}"),
        SID_OK);
    assert_string_equal(push.content, "a        b");
}

static void
a_text_that_is_too_long_is_left_out_and_told(void **state) {
    (void)state;
    static char text[8192];
    for (size_t len = 2048; len <= 2049; len++) {
        int n = snprintf(text, sizeof text, HEAD TYPE("text") "<Content>");
        memset(text + n, 'x', len);
        (void)snprintf(text + n + len, sizeof text - len - (size_t)n,
                       "</Content>" TAIL);
        assert_int_equal(parse(text), SID_OK);
        assert_int_equal(push.too_long, len > 2048);
        assert_int_equal(strlen(push.content), len > 2048 ? 0 : len);
    }
}

/* ---- what is refused ----------------------------------------------------- */

static void
a_field_that_is_missing_or_given_twice_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "<xml></xml>",
        "<xml/>",
        HEAD TAIL,
        HEAD TYPE("text") TAIL,
        HEAD TYPE("text") "<Content>a</Content></xml>",
        HEAD TYPE("image") TAIL,
        HEAD TYPE("event") "</xml>",
        HEAD EVENT("scancode_waitmsg") "</xml>",
        HEAD TYPE("text") TYPE("text") "<Content>a</Content>" TAIL,
        HEAD TYPE("text") "<Content>a</Content><Content>a</Content>" TAIL,
        HEAD TYPE("text") "<Content>a<b/>c</Content>" TAIL,
        HEAD EVENT("CLICK") "<EventKey>a<b/>c</EventKey></xml>",
        "<xml><ToUserName>gh_a</ToUserName><CreateTime>1</CreateTime>" TYPE(
            "text") "<Content>a</Content>" TAIL,
        "{}",
        "{\"ToUserName\":\"gh_a\"}",
        ("{\"ToUserName\":\"g\",\"ToUserName\":\"g\",\"FromUserName\":\"o\","
         "\"CreateTime\":1,\"MsgType\":\"event\",\"Event\":\"a\"}"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(parse(bad[i]), SID_E_PUSH_FORMAT);
}

static void
a_field_that_is_not_of_its_form_is_refused(void **state) {
    (void)state;
    static const char *const values[][2] = {
        {"ToUserName", "g h"},
        {"ToUserName", ""},
        {"FromUserName", "ö"},
        {"FromUserName", "a&#10;b"},
        {"CreateTime", "-1"},
        {"CreateTime", "1.5"},
        {"CreateTime", "1234567890123"},
        {"CreateTime", ""},
        {"MsgId", "12a"},
        {"MsgId", "123456789012345678901"},
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        static const char *const names[] = {"ToUserName", "FromUserName",
                                            "CreateTime", "MsgId"};
        static const char *const good[] = {"gh_a", "oX", "1", "1"};
        char text[512] = "<xml>";
        for (size_t f = 0; f < 4; f++) {
            size_t at = strlen(text);
            bool this = strcmp(values[i][0], names[f]) == 0;
            (void)snprintf(text + at, sizeof text - at, "<%s>%s</%s>", names[f],
                           this ? values[i][1] : good[f], names[f]);
        }
        size_t at = strlen(text);
        (void)snprintf(text + at, sizeof text - at,
                       TYPE("text") "<Content>a</Content></xml>");
        assert_int_equal(parse(text), SID_E_PUSH_FORMAT);
    }
    char large[800];
    int n = snprintf(large, sizeof large, HEAD TYPE("image") "<MediaId>");
    memset(large + n, 'm', 257);
    (void)snprintf(large + n + 257, sizeof large - 257 - (size_t)n,
                   "</MediaId>" TAIL);
    assert_int_equal(parse(large), SID_E_PUSH_FORMAT);
    assert_int_equal(
        parse("{\"ToUserName\":1.5,\"FromUserName\":\"oX\",\"CreateTime\":1,"
              "\"MsgType\":\"event\",\"Event\":\"SCAN\"}"),
        SID_E_PUSH_FORMAT);
    assert_int_equal(
        parse("{\"ToUserName\":[],\"FromUserName\":\"oX\",\"CreateTime\":1,"
              "\"MsgType\":\"event\",\"Event\":\"SCAN\"}"),
        SID_E_PUSH_FORMAT);
}

static void
what_is_neither_form_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "hello",
        "<html></html>",
        "<xml>",
        "<xml></xml><xml></xml>",
        "<xml></xml>x",
        "[{}]",
        "{\"a\":}",
        "<xml>\xff</xml>",
        "<xml>\xc0\xaf</xml>",
        "<xml>&nbsp;</xml>",
        "<xml>&#0;</xml>",
        "<xml><a></b></xml>",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(parse(bad[i]), SID_E_PUSH_FORMAT);
}

static void
another_encoding_is_not_believed(void **state) {
    (void)state;
    /* In UTF-16 or Latin-1 the same bytes would say something else. */
    assert_int_equal(
        parse("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>" HEAD TYPE(
            "text") "<Content>\xe4</Content>" TAIL),
        SID_E_PUSH_FORMAT);
    assert_int_equal(
        parse("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>" HEAD TYPE(
            "text") "<Content>\xc3\xa4</Content>" TAIL),
        SID_OK);
    assert_string_equal(push.content, "ä");
}

static void
a_doctype_is_refused_whatever_it_declares(void **state) {
    (void)state;
    static const char *const bad[] = {
        "<!DOCTYPE xml>" HEAD TYPE("text") "<Content>a</Content>" TAIL,
        "<!DOCTYPE xml SYSTEM \"http://127.0.0.1:1/x.dtd\">" HEAD TYPE(
            "text") "<Content>a</Content>" TAIL,
        "<!DOCTYPE xml [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>" HEAD TYPE(
            "text") "<Content>&x;</Content>" TAIL,
        "<!DOCTYPE xml [<!ENTITY a \"aaaaaaaaaa\">"
        "<!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">"
        "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\">"
        "<!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;\">"
        "<!ENTITY e \"&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;\">"
        "<!ENTITY f \"&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;\">"
        "<!ENTITY g \"&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;\">"
        "<!ENTITY h \"&g;&g;&g;&g;&g;&g;&g;&g;&g;&g;\">"
        "]>" HEAD TYPE("text") "<Content>&h;</Content>" TAIL,
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(parse(bad[i]), SID_E_PUSH_FORMAT);
}

static void
an_entity_that_nobody_declared_is_refused(void **state) {
    (void)state;
    assert_int_equal(parse(HEAD TYPE("text") "<Content>&x;</Content>" TAIL),
                     SID_E_PUSH_FORMAT);
}

/* HEAD, a text, and something of up to 64 KiB behind it. */
static enum sid_err
parse_filled(const char *open, size_t times, const char *close) {
    struct sid_buf text = SID_BUF_EMPTY;
    assert_int_equal(sid_buf_append_str(&text, open[0] == '{' ? "" : HEAD),
                     SID_OK);
    for (size_t i = 0; i < times; i++)
        assert_int_equal(sid_buf_append_str(&text, open), SID_OK);
    for (size_t i = 0; i < times; i++)
        assert_int_equal(sid_buf_append_str(&text, close), SID_OK);
    assert_int_equal(sid_buf_append_str(
                         &text, open[0] == '{'
                                    ? ""
                                    : TYPE("text") "<Content>a</Content>" TAIL),
                     SID_OK);
    assert_int_equal(sid_buf_append(&text, "", 1), SID_OK);
    enum sid_err err = parse((const char *)text.ptr);
    sid_buf_free(&text);
    return err;
}

static void
nesting_deeper_than_eight_is_refused_up_to_64_kib_of_it(void **state) {
    (void)state;
    assert_int_equal(parse_filled("<a>", 7, "</a>"), SID_OK);
    assert_int_equal(parse_filled("<a>", 8, "</a>"), SID_E_PUSH_FORMAT);
    assert_int_equal(parse_filled("<a>", 9000, "</a>"), SID_E_PUSH_FORMAT);
    assert_int_equal(parse_filled("<a>", 21000, ""), SID_E_PUSH_FORMAT);
    assert_int_equal(parse_filled("{\"a\":", 13000, ""), SID_E_PUSH_FORMAT);
    assert_int_equal(parse_filled("{\"a\":[", 9, "]}"), SID_E_PUSH_FORMAT);
}

static void
a_name_with_the_path_of_a_field_in_it_is_not_that_field(void **state) {
    (void)state;
    /* A long way down, and back up again. */
    assert_int_equal(
        parse(HEAD "<ScanCodeInfo><a123456789a123456789a123456789a123456789>"
                   "<b123456789b123456789b123456789><ScanResult>x</ScanResult>"
                   "</b123456789b123456789b123456789>"
                   "</a123456789a123456789a123456789a123456789>"
                   "<ScanResult>right</ScanResult></ScanCodeInfo>"
                   "<x><ToUserName>gh_b</ToUserName></x>"
                   "<ScanCodeInfo.ScanResult>y</ScanCodeInfo.ScanResult>" EVENT(
                       "scancode_waitmsg") "</xml>"),
        SID_OK);
    assert_string_equal(push.scan_result, "right");
    assert_string_equal(push.to, "gh_a");
}

static void
a_body_over_64_kib_is_refused(void **state) {
    (void)state;
    char *text = calloc(1, SID_WECHAT_BODY_MAX_BYTES + 2);
    assert_non_null(text);
    static const char start[] = HEAD TYPE("text") "<Content>a</Content>" TAIL;
    memset(text, ' ', SID_WECHAT_BODY_MAX_BYTES + 1);
    memcpy(text, start, strlen(start));
    assert_int_equal(
        sid_wechat_push_parse(sid_span_of(text, SID_WECHAT_BODY_MAX_BYTES),
                              &push, &format),
        SID_OK);
    assert_int_equal(
        sid_wechat_push_parse(sid_span_of(text, SID_WECHAT_BODY_MAX_BYTES + 1),
                              &push, &format),
        SID_E_BODY_TOO_LARGE);
    free(text);
}

/* ---- the envelope -------------------------------------------------------- */

static enum sid_err
envelope(const char *text, const char *expected) {
    struct sid_buf encrypted = SID_BUF_EMPTY;
    enum sid_err err =
        sid_wechat_envelope_parse(sid_span_str(text), &encrypted, &format);
    if (err == SID_OK)
        assert_string_equal(as_text(&encrypted), expected);
    else
        assert_null(encrypted.ptr);
    sid_buf_free(&encrypted);
    return err;
}

static void
the_envelope_is_found_in_secure_and_in_compat_mode(void **state) {
    (void)state;
    assert_int_equal(envelope("<xml><ToUserName>gh_a</ToUserName><Encrypt>"
                              "<![CDATA[abc=]]></Encrypt></xml>",
                              "abc="),
                     SID_OK);
    assert_int_equal(format, SID_WECHAT_XML);
    assert_int_equal(envelope(HEAD TYPE("text") "<Content>clear</Content>"
                                                "<Encrypt>abc=</Encrypt>" TAIL,
                              "abc="),
                     SID_OK);
    assert_int_equal(
        envelope("{\"ToUserName\":\"gh_a\",\"Encrypt\":\"abc=\"}", "abc="),
        SID_OK);
    assert_int_equal(format, SID_WECHAT_JSON);
}

static void
a_body_without_its_envelope_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "<xml><ToUserName>gh_a</ToUserName></xml>",
        "<xml><Encrypt></Encrypt></xml>",
        "<xml><a><Encrypt>abc</Encrypt></a></xml>",
        "<xml><Encrypt>abc</Encrypt><Encrypt>abc</Encrypt></xml>",
        "<!DOCTYPE xml><xml><Encrypt>abc</Encrypt></xml>",
        "{\"ToUserName\":\"gh_a\"}",
        "{\"Encrypt\":\"\"}",
        "{\"Encrypt\":{}}",
        "",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(envelope(bad[i], ""), SID_E_PUSH_FORMAT);
}

/* ---- delivered again ----------------------------------------------------- */

static void
deliveries_of_one_push_have_one_key_and_others_another(void **state) {
    (void)state;
    static const char *const different[] = {
        HEAD TYPE("text") "<Content>a</Content>" TAIL,
        HEAD TYPE("text") "<Content>a</Content><MsgId>2</MsgId></xml>",
        HEAD EVENT("CLICK") "<EventKey>a</EventKey></xml>",
        HEAD EVENT("subscribe") "</xml>",
        "<xml><ToUserName>gh_b</ToUserName><FromUserName>oX</FromUserName>"
        "<CreateTime>1348831860</CreateTime>" EVENT("CLICK") "</xml>",
        "<xml><ToUserName>gh_a</ToUserName><FromUserName>oY</FromUserName>"
        "<CreateTime>1348831860</CreateTime>" EVENT("CLICK") "</xml>",
        "<xml><ToUserName>gh_a</ToUserName><FromUserName>oX</FromUserName>"
        "<CreateTime>1348831861</CreateTime>" EVENT("CLICK") "</xml>",
    };
    enum { N = sizeof different / sizeof different[0] };
    char keys[N][SID_WECHAT_DEDUPE_SIZE], again[SID_WECHAT_DEDUPE_SIZE];
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(parse(different[i]), SID_OK);
        sid_wechat_dedupe_key(&push, keys[i]);
        assert_int_equal(parse(different[i]), SID_OK);
        sid_wechat_dedupe_key(&push, again);
        assert_string_equal(keys[i], again);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(keys[i], keys[j]);
    }
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_read_from_xml),
        cmocka_unit_test(a_text_is_read_from_json),
        cmocka_unit_test(an_image_has_its_media_id),
        cmocka_unit_test(events_are_told_apart),
        cmocka_unit_test(a_clerks_scan_has_what_the_code_says),
        cmocka_unit_test(other_messages_are_told_as_such),
        cmocka_unit_test(the_published_messages_are_read),
        cmocka_unit_test(control_characters_become_spaces),
        cmocka_unit_test(a_text_that_is_too_long_is_left_out_and_told),
        cmocka_unit_test(a_field_that_is_missing_or_given_twice_is_refused),
        cmocka_unit_test(a_field_that_is_not_of_its_form_is_refused),
        cmocka_unit_test(what_is_neither_form_is_refused),
        cmocka_unit_test(another_encoding_is_not_believed),
        cmocka_unit_test(a_doctype_is_refused_whatever_it_declares),
        cmocka_unit_test(an_entity_that_nobody_declared_is_refused),
        cmocka_unit_test(
            nesting_deeper_than_eight_is_refused_up_to_64_kib_of_it),
        cmocka_unit_test(
            a_name_with_the_path_of_a_field_in_it_is_not_that_field),
        cmocka_unit_test(a_body_over_64_kib_is_refused),
        cmocka_unit_test(the_envelope_is_found_in_secure_and_in_compat_mode),
        cmocka_unit_test(a_body_without_its_envelope_is_refused),
        cmocka_unit_test(
            deliveries_of_one_push_have_one_key_and_others_another),
    };
    return cmocka_run_group_tests(tests, vectors_start, vectors_stop);
}
