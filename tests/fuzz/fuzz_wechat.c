/* fuzz_wechat.c: what WeChat's side can send: pushes and envelopes (XML, JSON),
 * sealed messages, URL parameters, replies that quote them, and the answers of
 * its API. The first byte picks one. libFuzzer's one thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/wechat/api_answer.h"
#include "fuzz.h"
#include "smartid/json.h"
#include "smartid/mac.h"
#include "smartid/text.h"
#include "smartid/wechat_channel.h"
#include "smartid/wechat_page.h"
#include "smartid/wechat_replay.h"

#define NOW 1700000000
#define NOW_TEXT "1700000000"

static struct sid_wechat_account account = {
    .app_id = "wx1", .token = "token", .window_s = 600, .aes_key_n = 1};
static const uint8_t random_bytes[SID_WECHAT_RANDOM_BYTES] = {1};

void
fuzz_setup(void) {
    fuzz_expect(sid_crypto_init() == SID_OK && sid_json_setup() == SID_OK);
}

/* What was read is bounded text; quoted in a reply it reads back the same. */
static void
check_push(const struct sid_wechat_push *push) {
    struct sid_wechat_push back;
    enum sid_wechat_format format;
    struct sid_buf reply = SID_BUF_EMPTY;
    char key[SID_WECHAT_DEDUPE_SIZE];
    fuzz_expect(push->to[0] != '\0' && push->from[0] != '\0');
    sid_wechat_dedupe_key(push, key);
    fuzz_expect(key[0] != '\0');
    if (push->content[0] == '\0')
        return;
    enum sid_err err =
        sid_wechat_reply_text(SID_WECHAT_XML, push, push->content, NOW, &reply);
    if (err == SID_OK) {
        reply.len -= strlen("</xml>");
        err = sid_buf_append_str(&reply, "<MsgId>1</MsgId></xml>");
    }
    if (err == SID_OK)
        err = sid_wechat_push_parse(sid_buf_span(&reply), &back, &format);
    fuzz_expect(err == SID_OK);
    if (err == SID_OK)
        fuzz_expect(strcmp(back.content, push->content) == 0 &&
                    strcmp(back.to, push->from) == 0);
    sid_buf_free(&reply);
}

static void
push(struct sid_span body) {
    static struct sid_wechat_push out;
    enum sid_wechat_format format;
    if (sid_wechat_push_parse(body, &out, &format) == SID_OK)
        check_push(&out);
}

/* Signed and sealed as WeChat would, so that the inside is reached. */
static void
sealed_push(struct sid_span inner) {
    static struct sid_wechat_taken taken;
    struct sid_wechat_channel *channel = NULL;
    struct sid_buf sealed = SID_BUF_EMPTY, body = SID_BUF_EMPTY;
    struct sid_buf out = SID_BUF_EMPTY;
    char signature[SID_WECHAT_SIGNATURE_SIZE];
    enum sid_err err = sid_wechat_channel_new(&account, 4, &channel);
    if (err == SID_OK)
        err = sid_wechat_encrypt(&account.aes_keys[0], account.app_id,
                                 random_bytes, inner, &sealed);
    const struct sid_span parts[] = {sid_span_str(account.token),
                                     sid_span_str(NOW_TEXT), sid_span_str("n"),
                                     sid_buf_span(&sealed)};
    if (err == SID_OK)
        err = sid_wechat_sign(parts, 4, signature);
    if (err == SID_OK)
        err = sid_buf_printf(&body, "<xml><Encrypt>%.*s</Encrypt></xml>",
                             (int)sealed.len, (const char *)sealed.ptr);
    fuzz_expect(err == SID_OK);
    if (err != SID_OK)
        goto done;
    const struct sid_wechat_query query = {.timestamp = NOW_TEXT,
                                           .nonce = "n",
                                           .encrypt_type = "aes",
                                           .msg_signature = signature};
    err = sid_wechat_channel_take(channel, &query, sid_buf_span(&body), NOW,
                                  &taken);
    fuzz_expect(err == SID_OK || err == SID_E_PUSH_FORMAT ||
                err == SID_E_BODY_TOO_LARGE);
    if (err == SID_OK) {
        check_push(&taken.push);
        fuzz_expect(sid_wechat_channel_answer(channel, &taken,
                                              sid_span_str("r"), NOW,
                                              random_bytes, &out) == SID_OK);
    }
done:
    sid_buf_free(&sealed);
    sid_buf_free(&body);
    sid_buf_free(&out);
    sid_wechat_channel_free(&channel);
}

static void
envelope(struct sid_span body) {
    struct sid_buf encrypted = SID_BUF_EMPTY, plain = SID_BUF_EMPTY;
    enum sid_wechat_format format;
    size_t used;
    if (sid_wechat_envelope_parse(body, &encrypted, &format) == SID_OK)
        fuzz_expect(encrypted.len > 0);
    if (sid_wechat_decrypt(account.aes_keys, 1, account.app_id, body, &plain,
                           &used) == SID_OK)
        fuzz_expect(used == 0);
    sid_buf_free(&encrypted);
    sid_buf_free(&plain);
}

/* Bytes under AES that need not be whole in any way. */
static void
raw_sealed(struct sid_span plain) {
    struct sid_buf sealed = SID_BUF_EMPTY, out = SID_BUF_EMPTY;
    uint8_t back[96];
    size_t len = plain.len < sizeof back ? plain.len : sizeof back;
    char text[SID_BASE64_CHARS(sizeof back) + 1];
    size_t used, back_len = 0;
    sid_base64_encode(plain.ptr, len, text);
    fuzz_expect(
        sid_base64_decode(text, strlen(text), back, len, &back_len) == SID_OK &&
        back_len == len && (len == 0 || memcmp(back, plain.ptr, len) == 0));
    if (sid_wechat_decrypt(account.aes_keys, 1, account.app_id,
                           sid_span_str(text), &out, &used) == SID_OK)
        fuzz_expect(out.len <= len);
    sid_buf_free(&sealed);
    sid_buf_free(&out);
}

/* URL parameters, one a line. */
static void
parameters(char *text) {
    static struct sid_wechat_taken taken;
    struct sid_wechat_channel *channel = NULL;
    const char *part[6] = {NULL};
    char *rest = text;
    for (int i = 0; i < 6 && rest != NULL; i++)
        part[i] = strsep(&rest, "\n");
    const struct sid_wechat_query query = {part[0], part[1], part[2],
                                           part[3], part[4], part[5]};
    struct sid_buf url = SID_BUF_EMPTY;
    char signature[SID_WECHAT_SIGNATURE_SIZE];
    if (sid_wechat_channel_new(&account, 4, &channel) != SID_OK)
        return fuzz_expect(false);
    fuzz_expect(sid_wechat_channel_verify_url(channel, &query, NOW) != SID_OK);
    fuzz_expect(sid_wechat_channel_take(channel, &query, sid_span_str(text),
                                        NOW, &taken) != SID_OK);
    if (part[0] != NULL && part[1] != NULL &&
        sid_wechat_jssdk_sign("T", part[0], NOW, part[1], signature) == SID_OK)
        fuzz_expect(strlen(signature) == SID_WECHAT_SIGNATURE_CHARS);
    if (part[0] != NULL && part[1] != NULL &&
        sid_wechat_oauth_url("https://o", "wx1", part[0], part[1], &url) ==
            SID_OK)
        fuzz_expect(url.len > 0);
    sid_buf_free(&url);
    sid_wechat_channel_free(&channel);
}

static void
api_answer(struct sid_span body, uint8_t pick) {
    static const char *const types[] = {NULL, "application/json", "image/png",
                                        "text/plain"};
    static struct sid_wechat_call call;
    call.op = (enum sid_wechat_op)(pick % SID_WECHAT_OP_COUNT);
    const struct wechat_raw raw = {.status = pick & 0x80 ? 200 : 503,
                                   .content_type = types[pick / 16 % 4],
                                   .body = body};
    struct wechat_judged judged = wechat_answer_judge(&raw, &call);
    fuzz_expect((judged.verdict == WECHAT_DONE) == (judged.err == SID_OK));
    fuzz_expect(memchr(call.text, '\0', sizeof call.text) != NULL);
    sid_wechat_call_fini(&call);
}

void
fuzz_one(const uint8_t *data, size_t size) {
    if (size < 2)
        return;
    struct sid_span rest = sid_span_of(data + 2, size - 2);
    char *text = NULL;
    switch (data[0] % 6) {
    case 0:
        push(rest);
        break;
    case 1:
        sealed_push(rest);
        break;
    case 2:
        envelope(rest);
        break;
    case 3:
        raw_sealed(rest);
        break;
    case 4:
        text = calloc(rest.len + 1, 1);
        if (text != NULL) {
            memcpy(text, rest.ptr, rest.len);
            parameters(text);
        }
        free(text);
        break;
    default:
        api_answer(rest, data[1]);
    }
}
