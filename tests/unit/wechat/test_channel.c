/* test_channel.c: the whole ladder, from the published requests to a push and
 * from an answer to its envelope. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/wechat_channel.h"
#include "vectors.h"

static struct sid_wechat_account account;
static struct sid_wechat_channel *channel;
static struct sid_wechat_query query;
static struct sid_wechat_taken taken;
static char body[2048];

/* An account and a request out of a sample; sealed where the sample is. */
static int64_t
set_up(const char *id) {
    const struct vector *v = vector_of(id);
    sid_wechat_channel_free(&channel);
    memset(&account, 0, sizeof account);
    account.window_s = 600;
    bool sealed = v->encrypt[0] != '\0';
    (void)snprintf(account.mode, sizeof account.mode, "%s",
                   sealed ? "secure" : "plain");
    (void)snprintf(account.app_id, sizeof account.app_id, "%s", v->app_id);
    (void)snprintf(account.token, sizeof account.token, "%s", v->token);
    if (sealed) {
        assert_int_equal(
            sid_wechat_aes_key_parse(v->aes_key, &account.aes_keys[0]), SID_OK);
        account.aes_key_n = 1;
    }
    assert_int_equal(sid_wechat_channel_new(&account, 16, &channel), SID_OK);
    query = (struct sid_wechat_query){
        .signature = v->signature,
        .timestamp = v->timestamp,
        .nonce = v->nonce,
        .echostr = v->echostr[0] != '\0' ? v->echostr : NULL,
        .encrypt_type = sealed ? "aes" : NULL,
        .msg_signature = v->msg_signature[0] != '\0' ? v->msg_signature : NULL,
    };
    bool json = v->plaintext[0] == '{';
    (void)snprintf(body, sizeof body,
                   json ? "{\"ToUserName\":\"gh_a\",\"Encrypt\":\"%s\"}"
                        : "<xml><ToUserName><![CDATA[gh_a]]></ToUserName>"
                          "<Encrypt><![CDATA[%s]]></Encrypt></xml>",
                   v->encrypt);
    return strtoll(v->timestamp, NULL, 10);
}

static int
tear_down(void **state) {
    sid_wechat_channel_free(&channel);
    return vectors_stop(state);
}

/* Takes `body`; on a refusal nothing is written. */
static enum sid_err
take(int64_t now_s) {
    static struct sid_wechat_taken before;
    memset(&taken, 0x33, sizeof taken);
    before = taken;
    enum sid_err err = sid_wechat_channel_take(
        channel, &query, sid_span_str(body), now_s, &taken);
    if (err != SID_OK)
        assert_memory_equal(&taken, &before, sizeof taken);
    return err;
}

static void
the_published_question_for_the_url_is_answered(void **state) {
    (void)state;
    int64_t at_s = set_up("tencent-doc-url-verification");
    assert_int_equal(sid_wechat_channel_verify_url(channel, &query, at_s + 600),
                     SID_OK);
    assert_int_equal(sid_wechat_channel_verify_url(channel, &query, at_s + 601),
                     SID_E_PUSH_STALE);
    query.nonce = "1514711493";
    assert_int_equal(sid_wechat_channel_verify_url(channel, &query, at_s),
                     SID_E_PUSH_SIGNATURE);
}

static void
a_question_with_a_parameter_missing_is_refused(void **state) {
    (void)state;
    int64_t at_s = set_up("tencent-doc-url-verification");
    const char **parameters[] = {&query.signature, &query.timestamp,
                                 &query.nonce, &query.echostr};
    static const char *const bad[] = {NULL, ""};
    for (size_t i = 0; i < 4; i++) {
        for (size_t b = 0; b < 2; b++) {
            const char *kept = *parameters[i];
            *parameters[i] = bad[b];
            enum sid_err err =
                sid_wechat_channel_verify_url(channel, &query, at_s);
            assert_int_equal(err, i == 0 && b == 1 ? SID_E_PUSH_SIGNATURE
                                                   : SID_E_PUSH_FORMAT);
            *parameters[i] = kept;
        }
    }
    query.echostr = "<script>\n";
    assert_int_equal(sid_wechat_channel_verify_url(channel, &query, at_s),
                     SID_E_PUSH_FORMAT);
}

static void
every_published_push_is_taken(void **state) {
    (void)state;
    static const struct {
        const char *id;
        enum sid_wechat_format format;
        const char *content;
    } pushes[] = {
        {"tencent-doc-secure-push (JSON data format)", SID_WECHAT_JSON, ""},
        {"easywechat-EncryptorTest", SID_WECHAT_XML, "hello"},
        {"easywechat-DecryptXmlMessageTest", SID_WECHAT_XML, "hello"},
        {"tencent-official-demo-Sample.py", SID_WECHAT_XML, "abcdteT"},
    };
    for (size_t i = 0; i < sizeof pushes / sizeof pushes[0]; i++) {
        int64_t at_s = set_up(pushes[i].id);
        assert_int_equal(take(at_s), SID_OK);
        assert_int_equal(taken.format, pushes[i].format);
        assert_string_equal(taken.push.content, pushes[i].content);
        assert_string_equal(taken.nonce, query.nonce);
        assert_int_equal(taken.key, 0);
        assert_false(taken.again);
    }
}

static void
a_push_in_compat_mode_is_taken_by_its_envelope_alone(void **state) {
    (void)state;
    const struct vector *v = vector_of("tencent-official-demo-Sample.py");
    int64_t at_s = set_up(v->id);
    memcpy(account.mode, "compat", 7);
    (void)snprintf(body, sizeof body,
                   "<xml><ToUserName>gh_10f6c3c3ac5a</ToUserName>"
                   "<FromUserName>oForged</FromUserName>"
                   "<CreateTime>1409735668</CreateTime>"
                   "<MsgType>text</MsgType><Content>forged</Content>"
                   "<MsgId>1</MsgId><Encrypt>%s</Encrypt></xml>",
                   v->encrypt);
    assert_int_equal(take(at_s), SID_OK);
    assert_string_equal(taken.push.content, "abcdteT");
    assert_string_equal(taken.push.from, "oyORnuP8q7ou2gfYjqLzSIWZf0rs");
}

static void
a_sealed_account_takes_nothing_in_clear_and_the_reverse(void **state) {
    (void)state;
    int64_t at_s = set_up("easywechat-EncryptorTest");
    query.encrypt_type = NULL;
    assert_int_equal(take(at_s), SID_E_PUSH_FORMAT);
    query.encrypt_type = "raw";
    assert_int_equal(take(at_s), SID_E_PUSH_FORMAT);
    query.encrypt_type = "des";
    assert_int_equal(take(at_s), SID_E_PUSH_FORMAT);
    query.encrypt_type = "aes";
    assert_int_equal(take(at_s), SID_OK);
    memcpy(account.mode, "plain", 6);
    assert_int_equal(take(at_s), SID_E_PUSH_FORMAT);
}

static void
the_url_signature_does_not_stand_in_for_that_of_the_message(void **state) {
    (void)state;
    int64_t at_s = set_up("tencent-doc-secure-push (JSON data format)");
    assert_string_not_equal(query.signature, "");
    query.msg_signature = query.signature;
    assert_int_equal(take(at_s), SID_E_PUSH_SIGNATURE);
    query.msg_signature = NULL;
    assert_int_equal(take(at_s), SID_E_PUSH_FORMAT);
}

static void
one_changed_character_anywhere_is_refused(void **state) {
    (void)state;
    int64_t at_s = set_up("easywechat-EncryptorTest");
    char *encrypt = strstr(body, "rTNFc");
    assert_non_null(encrypt);
    encrypt[30] = encrypt[30] == 'A' ? 'B' : 'A';
    assert_int_equal(take(at_s), SID_E_PUSH_SIGNATURE);
    at_s = set_up("easywechat-EncryptorTest");
    query.nonce = "260774614";
    assert_int_equal(take(at_s), SID_E_PUSH_SIGNATURE);
    at_s = set_up("easywechat-EncryptorTest");
    account.token[0] = 'q';
    assert_int_equal(take(at_s), SID_E_PUSH_SIGNATURE);
    at_s = set_up("easywechat-EncryptorTest");
    account.app_id[2] = 'c';
    assert_int_equal(take(at_s), SID_E_PUSH_SEALED);
    at_s = set_up("easywechat-EncryptorTest");
    account.aes_keys[0].bytes[0] ^= 1;
    assert_int_equal(take(at_s), SID_E_PUSH_SEALED);
    at_s = set_up("easywechat-EncryptorTest");
    assert_int_equal(take(at_s - 601), SID_E_PUSH_STALE);
    query.timestamp = "1458300676 ";
    assert_int_equal(take(at_s), SID_E_PUSH_FORMAT);
}

static void
a_nonce_that_would_not_fit_is_refused(void **state) {
    (void)state;
    int64_t at_s = set_up("easywechat-EncryptorTest");
    char nonce[SID_WECHAT_NONCE_SIZE + 1];
    memset(nonce, '1', sizeof nonce);
    nonce[SID_WECHAT_NONCE_SIZE] = '\0';
    query.nonce = nonce;
    assert_int_equal(take(at_s), SID_E_PUSH_FORMAT);
    nonce[SID_WECHAT_NONCE_SIZE - 1] = '\0';
    assert_int_equal(take(at_s), SID_E_PUSH_SIGNATURE);
    query.nonce = "a b";
    assert_int_equal(take(at_s), SID_E_PUSH_FORMAT);
}

static void
a_missing_envelope_and_a_large_body_are_refused(void **state) {
    (void)state;
    int64_t at_s = set_up("easywechat-EncryptorTest");
    (void)snprintf(body, sizeof body, "<xml><ToUserName>a</ToUserName></xml>");
    assert_int_equal(take(at_s), SID_E_PUSH_FORMAT);
    static char large[SID_WECHAT_BODY_MAX_BYTES + 1];
    assert_int_equal(sid_wechat_channel_take(channel, &query,
                                             sid_span_of(large, sizeof large),
                                             at_s, &taken),
                     SID_E_BODY_TOO_LARGE);
}

#define PLAIN                                                                  \
    "<xml><ToUserName>gh_a</ToUserName><FromUserName>oX</FromUserName>"        \
    "<CreateTime>1</CreateTime><MsgType>text</MsgType>"                        \
    "<Content>%s</Content><MsgId>1</MsgId></xml>"

static void
a_plain_signature_is_good_for_one_body_only(void **state) {
    (void)state;
    int64_t at_s = set_up("tencent-doc-plain-push");
    (void)snprintf(body, sizeof body, PLAIN, "a");
    assert_int_equal(take(at_s), SID_OK);
    assert_false(taken.again);
    assert_int_equal(take(at_s + 10), SID_OK);
    assert_true(taken.again);
    (void)snprintf(body, sizeof body, PLAIN, "b");
    assert_int_equal(take(at_s + 10), SID_E_PUSH_REPLAYED);
    query.signature = "899cf89e464efb63f54ddac96b0a0a235f53aa79";
    assert_int_equal(take(at_s + 10), SID_E_PUSH_SIGNATURE);
    query.signature = NULL;
    assert_int_equal(take(at_s + 10), SID_E_PUSH_FORMAT);
}

static void
a_sealed_push_delivered_again_is_told_so(void **state) {
    (void)state;
    int64_t at_s = set_up("easywechat-EncryptorTest");
    assert_int_equal(take(at_s), SID_OK);
    assert_false(taken.again);
    assert_int_equal(take(at_s + 5), SID_OK);
    assert_true(taken.again);
}

static const uint8_t random_bytes[SID_WECHAT_RANDOM_BYTES] = "0123456789abcde";

static void
an_answer_is_sealed_with_the_key_that_opened_the_push(void **state) {
    (void)state;
    int64_t at_s = set_up("easywechat-EncryptorTest");
    /* The account's key has been changed since. */
    account.aes_keys[1] = account.aes_keys[0];
    memset(account.aes_keys[0].bytes, 7, 32);
    account.aes_key_n = 2;
    assert_int_equal(take(at_s), SID_OK);
    assert_int_equal(taken.key, 1);
    struct sid_buf out = SID_BUF_EMPTY, plain = SID_BUF_EMPTY;
    struct sid_buf encrypted = SID_BUF_EMPTY;
    assert_int_equal(sid_wechat_channel_answer(channel, &taken,
                                               sid_span_str("<xml>r</xml>"),
                                               at_s, random_bytes, &out),
                     SID_OK);
    enum sid_wechat_format format;
    size_t used;
    assert_int_equal(
        sid_wechat_envelope_parse(sid_buf_span(&out), &encrypted, &format),
        SID_OK);
    assert_int_equal(format, SID_WECHAT_XML);
    assert_non_null(strstr(as_text(&out), "<Nonce><![CDATA[260774613]]>"));
    assert_int_equal(sid_wechat_decrypt(&account.aes_keys[1], 1, account.app_id,
                                        sid_buf_span(&encrypted), &plain,
                                        &used),
                     SID_OK);
    assert_string_equal(as_text(&plain), "<xml>r</xml>");
    sid_buf_free(&out);
    sid_buf_free(&plain);
    sid_buf_free(&encrypted);
}

static void
an_answer_in_plain_mode_goes_out_as_it_is(void **state) {
    (void)state;
    int64_t at_s = set_up("tencent-doc-plain-push");
    (void)snprintf(body, sizeof body, PLAIN, "a");
    assert_int_equal(take(at_s), SID_OK);
    struct sid_buf out = SID_BUF_EMPTY;
    assert_int_equal(sid_wechat_channel_answer(channel, &taken,
                                               sid_span_str("<xml>r</xml>"),
                                               at_s, random_bytes, &out),
                     SID_OK);
    assert_string_equal(as_text(&out), "<xml>r</xml>");
    sid_buf_free(&out);
}

struct worker {
    pthread_t thread;
    int64_t now_s;
    int first, again, wrong;
};

static void *
take_many(void *ctx) {
    struct worker *w = ctx;
    struct sid_wechat_taken *mine = calloc(1, sizeof *mine);
    for (int i = 0; i < 50 && mine != NULL; i++) {
        enum sid_err err = sid_wechat_channel_take(
            channel, &query, sid_span_str(body), w->now_s, mine);
        w->wrong += err != SID_OK;
        w->first += err == SID_OK && !mine->again;
        w->again += err == SID_OK && mine->again;
    }
    free(mine);
    return NULL;
}

static void
of_many_threads_one_takes_a_push_for_the_first_time(void **state) {
    (void)state;
    struct worker workers[4] = {0};
    int64_t at_s = set_up("easywechat-EncryptorTest");
    int first = 0, again = 0;
    for (size_t i = 0; i < 4; i++) {
        workers[i].now_s = at_s;
        assert_int_equal(
            pthread_create(&workers[i].thread, NULL, take_many, &workers[i]),
            0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        assert_int_equal(workers[i].wrong, 0);
        first += workers[i].first;
        again += workers[i].again;
    }
    assert_int_equal(first, 1);
    assert_int_equal(again, 199);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_question_for_the_url_is_answered),
        cmocka_unit_test(a_question_with_a_parameter_missing_is_refused),
        cmocka_unit_test(every_published_push_is_taken),
        cmocka_unit_test(a_push_in_compat_mode_is_taken_by_its_envelope_alone),
        cmocka_unit_test(
            a_sealed_account_takes_nothing_in_clear_and_the_reverse),
        cmocka_unit_test(
            the_url_signature_does_not_stand_in_for_that_of_the_message),
        cmocka_unit_test(one_changed_character_anywhere_is_refused),
        cmocka_unit_test(a_nonce_that_would_not_fit_is_refused),
        cmocka_unit_test(a_missing_envelope_and_a_large_body_are_refused),
        cmocka_unit_test(a_plain_signature_is_good_for_one_body_only),
        cmocka_unit_test(a_sealed_push_delivered_again_is_told_so),
        cmocka_unit_test(an_answer_is_sealed_with_the_key_that_opened_the_push),
        cmocka_unit_test(an_answer_in_plain_mode_goes_out_as_it_is),
        cmocka_unit_test(of_many_threads_one_takes_a_push_for_the_first_time),
    };
    return cmocka_run_group_tests(tests, vectors_start, tear_down);
}
