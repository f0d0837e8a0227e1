/* wechat_driver.c: lets a black-box test work WeChat's client and channel, one
 * JSON object a line in, one out. Usage: wechat-driver ACCOUNTS [name=value]…
 * (figures of struct sid_wechat_api_config).
 *
 *   {"do":"send_text","id":7,"openid":"o","body":"hello"}   and the other ops
 *   {"do":"shift","seconds":7000}      the client's clock, forward
 *   {"do":"verify_url","query":{…},"now":1}
 *   {"do":"take","query":{…},"body":"…","now":1}
 *   {"do":"reply","text":"…","now":1}  to what was taken last
 *   {"do":"quiesce"}
 *
 * At the end of its input it stops the client and says so. The main thread
 * reads; done() answers on the client's thread. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/clock.h"
#include "smartid/json.h"
#include "smartid/mac.h"
#include "smartid/text.h"
#include "smartid/wechat_api.h"
#include "smartid/wechat_channel.h"

#define LINE_BYTES ((size_t)4 << 20)

static _Atomic int64_t shift_us;
static struct sid_wechat_taken taken;

struct job {
    struct sid_wechat_call call; /* first */
    int64_t id;
};

static int64_t
shifted_clock(void) {
    return sid_mono_us() + atomic_load(&shift_us);
}

static void
check(enum sid_err err) {
    if (err == SID_OK)
        return;
    (void)fprintf(stderr, "wechat-driver: %s\n", sid_err_code(err));
    exit(1);
}

/* ---- answers ------------------------------------------------------------- */

static void
say(struct sid_buf *line) {
    check(sid_buf_append_str(line, "\n"));
    flockfile(stdout);
    (void)fwrite(line->ptr, 1, line->len, stdout);
    (void)fflush(stdout);
    funlockfile(stdout);
    sid_buf_free(line);
}

static void
open_line(struct sid_json *json, struct sid_buf *line, int64_t id,
          enum sid_err err) {
    sid_json_init(json, line);
    sid_json_open(json, NULL, '{');
    sid_json_int(json, "id", id);
    sid_json_string(json, "err", sid_err_code(err));
}

static void
close_line(struct sid_json *json, struct sid_buf *line) {
    sid_json_close(json, '}');
    check(json->err);
    say(line);
}

static void
say_err(int64_t id, enum sid_err err) {
    struct sid_buf line = SID_BUF_EMPTY;
    struct sid_json json;
    open_line(&json, &line, id, err);
    close_line(&json, &line);
}

static void
on_done(struct sid_wechat_call *call) {
    struct job *job = (struct job *)call;
    struct sid_buf line = SID_BUF_EMPTY;
    struct sid_json json;
    char *base64 = malloc(SID_BASE64_CHARS(call->answer.len) + 1);
    if (base64 == NULL)
        abort();
    sid_base64_encode(call->answer.ptr, call->answer.len, base64);
    open_line(&json, &line, job->id, call->err);
    sid_json_int(&json, "errcode", call->errcode);
    sid_json_bool(&json, "maybe_done", call->maybe_done);
    sid_json_bool(&json, "snapshot", call->snapshot);
    sid_json_int(&json, "attempts", call->attempts);
    sid_json_string(&json, "text", call->text);
    sid_json_string(&json, "answer", base64);
    sid_json_string(&json, "format",
                    call->format == SID_IMAGE_PNG ? "png" : "jpeg");
    close_line(&json, &line);
    free(base64);
    sid_wechat_call_fini(call);
    free(job);
}

/* ---- commands ------------------------------------------------------------ */

static const char *
text_of(const json_t *object, const char *name) {
    return json_string_value(json_object_get(object, name));
}

static int64_t
int_of(const json_t *object, const char *name) {
    return json_integer_value(json_object_get(object, name));
}

/* The op of that name; false when there is none. */
static bool
op_of(const char *name, enum sid_wechat_op *out) {
    static const char *const names[] = {
#define OP_NAME(sym, name) name,
        SID_WECHAT_OP_MAP(OP_NAME)
#undef OP_NAME
    };
    for (size_t i = 0; i < SID_WECHAT_OP_COUNT; i++) {
        if (strcmp(names[i], name) == 0) {
            *out = (enum sid_wechat_op)i;
            return true;
        }
    }
    return false;
}

static void
submit(struct sid_wechat_api *api, const json_t *in, enum sid_wechat_op op) {
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL)
        abort();
    struct sid_wechat_call *call = &job->call;
    const char *openid = text_of(in, "openid"), *param = text_of(in, "param");
    const char *body = text_of(in, "body"), *body64 = text_of(in, "body64");
    job->id = int_of(in, "id");
    call->op = op;
    call->account = (size_t)int_of(in, "account");
    call->done = on_done;
    (void)snprintf(call->openid, sizeof call->openid, "%s",
                   openid != NULL ? openid : "");
    (void)snprintf(call->param, sizeof call->param, "%s",
                   param != NULL ? param : "");
    if (body != NULL)
        check(sid_buf_append_str(&call->body, body));
    if (body64 != NULL) {
        check(sid_buf_reserve(&call->body, strlen(body64)));
        check(sid_base64_decode(body64, strlen(body64), call->body.ptr,
                                call->body.cap, &call->body.len));
    }
    enum sid_err err = sid_wechat_api_submit(api, call);
    if (err == SID_OK)
        return;
    say_err(job->id, err);
    sid_wechat_call_fini(call);
    free(job);
}

static struct sid_wechat_query
query_of(const json_t *in) {
    const json_t *q = json_object_get(in, "query");
    return (struct sid_wechat_query){
        .signature = text_of(q, "signature"),
        .timestamp = text_of(q, "timestamp"),
        .nonce = text_of(q, "nonce"),
        .echostr = text_of(q, "echostr"),
        .encrypt_type = text_of(q, "encrypt_type"),
        .msg_signature = text_of(q, "msg_signature"),
    };
}

static void
take(struct sid_wechat_channel *channel, const json_t *in) {
    struct sid_wechat_query query = query_of(in);
    struct sid_buf line = SID_BUF_EMPTY;
    struct sid_json json;
    char key[SID_WECHAT_DEDUPE_SIZE];
    enum sid_err err = sid_wechat_channel_take(
        channel, &query, sid_span_str(text_of(in, "body")), int_of(in, "now"),
        &taken);
    if (err != SID_OK) {
        say_err(int_of(in, "id"), err);
        return;
    }
    open_line(&json, &line, int_of(in, "id"), err);
    sid_json_int(&json, "kind", taken.push.kind);
    sid_json_string(&json, "from", taken.push.from);
    sid_json_string(&json, "content", taken.push.content);
    sid_json_string(&json, "media_id", taken.push.media_id);
    sid_json_string(&json, "event_key", taken.push.event_key);
    sid_json_string(&json, "scan_result", taken.push.scan_result);
    sid_json_bool(&json, "again", taken.again);
    sid_json_int(&json, "key", (int64_t)taken.key);
    sid_wechat_dedupe_key(&taken.push, key);
    sid_json_string(&json, "dedupe", key);
    close_line(&json, &line);
}

static void
reply(const struct sid_wechat_channel *channel, const json_t *in) {
    static const uint8_t random[SID_WECHAT_RANDOM_BYTES] = "not by chance..";
    struct sid_buf plain = SID_BUF_EMPTY, out = SID_BUF_EMPTY;
    struct sid_buf line = SID_BUF_EMPTY;
    struct sid_json json;
    int64_t now_s = int_of(in, "now");
    check(sid_wechat_reply_text(taken.format, &taken.push, text_of(in, "text"),
                                now_s, &plain));
    check(sid_wechat_channel_answer(channel, &taken, sid_buf_span(&plain),
                                    now_s, random, &out));
    check(sid_buf_append(&out, "", 1));
    open_line(&json, &line, int_of(in, "id"), SID_OK);
    sid_json_string(&json, "body", (const char *)out.ptr);
    close_line(&json, &line);
    sid_buf_free(&plain);
    sid_buf_free(&out);
}

static void
run(struct sid_wechat_api *api, struct sid_wechat_channel *channel,
    const json_t *in) {
    const char *what = text_of(in, "do");
    struct sid_wechat_query query = query_of(in);
    enum sid_wechat_op op;
    if (what == NULL)
        say_err(int_of(in, "id"), SID_E_ARGUMENT);
    else if (op_of(what, &op))
        submit(api, in, op);
    else if (strcmp(what, "shift") == 0)
        atomic_fetch_add(&shift_us, int_of(in, "seconds") * 1000000);
    else if (strcmp(what, "quiesce") == 0)
        sid_wechat_api_quiesce(api);
    else if (strcmp(what, "verify_url") == 0)
        say_err(int_of(in, "id"), sid_wechat_channel_verify_url(
                                      channel, &query, int_of(in, "now")));
    else if (strcmp(what, "take") == 0)
        take(channel, in);
    else if (strcmp(what, "reply") == 0)
        reply(channel, in);
    else
        say_err(int_of(in, "id"), SID_E_ARGUMENT);
}

/* ---- start and stop ------------------------------------------------------ */

static void
set_figure(struct sid_wechat_api_config *config, const char *argument) {
    const char *equals = strchr(argument, '=');
    char *end = NULL;
    long long n = equals == NULL ? 0 : strtoll(equals + 1, &end, 10);
    if (equals == NULL || *end != '\0')
        check(SID_E_ARGUMENT);
#define FIGURE(member, type)                                                   \
    if (strncmp(argument, #member "=", sizeof #member) == 0) {                 \
        config->member = (type)n;                                              \
        return;                                                                \
    }
    FIGURE(capacity, size_t)
    FIGURE(connections, long)
    FIGURE(connect_timeout_ms, int64_t)
    FIGURE(timeout_ms, int64_t)
    FIGURE(deadline_ms, int64_t)
    FIGURE(attempts, int)
    FIGURE(backoff_ms, int64_t)
    FIGURE(backoff_max_ms, int64_t)
    FIGURE(breaker_failures, int)
    FIGURE(breaker_ms, int64_t)
    FIGURE(breaker_max_ms, int64_t)
    FIGURE(media_max_bytes, size_t)
    FIGURE(stop_ms, int64_t)
#undef FIGURE
    check(SID_E_ARGUMENT);
}

static void
serve(struct sid_wechat_api *api, struct sid_wechat_channel *channel) {
    char *line = malloc(LINE_BYTES);
    if (line == NULL)
        abort();
    while (fgets(line, (int)LINE_BYTES, stdin) != NULL) {
        json_t *in = NULL;
        if (sid_json_parse(sid_span_str(line), &in) != SID_OK) {
            say_err(0, SID_E_BAD_JSON);
            continue;
        }
        run(api, channel, in);
        json_decref(in);
    }
    free(line);
}

int
main(int argc, char **argv) {
    struct sid_config_problem problem = {""};
    struct sid_wechat_accounts accounts = {0};
    struct sid_wechat_api_config config;
    struct sid_wechat_api *api = NULL;
    struct sid_wechat_channel *channel = NULL;
    check(sid_crypto_init());
    check(sid_json_setup());
    enum sid_err err =
        sid_wechat_accounts_load(argc > 1 ? argv[1] : "", &accounts, &problem);
    if (err != SID_OK)
        (void)fprintf(stderr, "wechat-driver: %s\n", problem.text);
    check(err);
    sid_wechat_api_config_default(&config);
    config.accounts = &accounts;
    config.mono_us = shifted_clock;
    for (int i = 2; i < argc; i++)
        set_figure(&config, argv[i]);
    check(sid_wechat_api_new(&config, &api));
    check(sid_wechat_channel_new(&accounts.item[0], SID_WECHAT_REPLAY_CAPACITY,
                                 &channel));
    serve(api, channel);
    sid_wechat_api_free(&api);
    sid_wechat_channel_free(&channel);
    sid_wechat_accounts_free(&accounts);
    sid_crypto_fini();
    (void)printf("{\"stopped\":true}\n");
    return 0;
}
