/* api_loop.c: the client's thread: starts attempts, judges what came of them,
 * waits, tries again, and gives each call back once. Holds the lock only to
 * take calls over and to count them out, never during a transfer or done(). */
#include "api.h"

#include <string.h>

#include "api_answer.h"
#include "api_request.h"
#include "smartid/clock.h"
#include "smartid/log.h"
#include "smartid/metrics.h"

/* Longest sleep: the clock may be a test's. */
#define POLL_MAX_MS 1000

static int64_t
now_us(const struct sid_wechat_api *api) {
    return api->config.mono_us();
}

/* Jitter needs no secret: without chance there is none. */
static uint32_t
chance(const struct sid_wechat_api *api) {
    uint32_t value = 0;
    return api->config.random(&value, sizeof value) == SID_OK ? value : 0;
}

static struct remote *
remote_of(const struct sid_wechat_api *api,
          const struct sid_wechat_call *call) {
    return &api->remotes[call->account];
}

/* ---- calls come and go --------------------------------------------------- */

static void
begin(struct sid_wechat_api *api, struct sid_wechat_call *call) {
    call->err = SID_OK;
    call->errcode = 0;
    call->maybe_done = false;
    call->snapshot = false;
    call->text[0] = '\0';
    sid_buf_free(&call->answer);
    call->state = CALL_READY;
    call->attempts = 0;
    call->token_renewed = false;
    call->due_us = now_us(api);
    call->deadline_us =
        call->due_us +
        1000 * (call->limit_ms > 0 ? call->limit_ms : api->config.deadline_ms);
    call->next = api->calls;
    api->calls = call;
}

/* Takes over what was submitted, in its order. True when it is time to end. */
static bool
take_incoming(struct sid_wechat_api *api) {
    (void)pthread_mutex_lock(&api->lock);
    struct sid_wechat_call *call = api->incoming;
    api->incoming = NULL;
    bool stopping = api->stopping;
    (void)pthread_mutex_unlock(&api->lock);
    while (call != NULL) {
        struct sid_wechat_call *next = call->next;
        begin(api, call);
        call = next;
    }
    return stopping;
}

static void
unlink_call(struct sid_wechat_api *api, struct sid_wechat_call *call) {
    struct sid_wechat_call **link = &api->calls;
    while (*link != call) {
        SID_ASSERT(*link != NULL);
        link = &(*link)->next;
    }
    *link = call->next;
    call->next = NULL;
    call->waits_for = NULL;
    call->state = CALL_OUT;
}

/* Wakes whoever waits for this token or ticket, to go on or to fail too. */
static void
secret_fetched(struct sid_wechat_api *api, struct wechat_secret *secret) {
    struct sid_wechat_call *fetch = &secret->fetch;
    secret->fetching = false;
    for (struct sid_wechat_call *c = api->calls; c != NULL; c = c->next) {
        if (c->waits_for != secret)
            continue;
        c->waits_for = NULL;
        c->state = fetch->err == SID_OK ? CALL_READY : CALL_FAILED;
        c->due_us = now_us(api);
        c->err = fetch->err;
        c->errcode = fetch->errcode;
    }
    sid_wipe(fetch->text, sizeof fetch->text);
}

static void
log_failure(const struct sid_wechat_api *api,
            const struct sid_wechat_call *call) {
    sid_log(SID_LOG_WARN, "wechat_call_failed",
            SID_S("account", remote_of(api, call)->account->name),
            SID_S("op", wechat_op_name(call->op)),
            SID_S("code", sid_err_code(call->err)),
            SID_N("errcode", call->errcode), SID_N("attempts", call->attempts));
}

/* Gives a call back. It may be freed, or submitted again, by done(). */
static void
complete(struct sid_wechat_api *api, struct sid_wechat_call *call,
         enum sid_err err) {
    unlink_call(api, call);
    call->err = err;
    /* What was never tried has its reason in another line. */
    if (err != SID_OK && err != SID_E_STOPPING && call->attempts > 0)
        log_failure(api, call);
    struct remote *remote = remote_of(api, call);
    if (call == &remote->token.fetch) {
        secret_fetched(api, &remote->token);
    } else if (call == &remote->ticket.fetch) {
        secret_fetched(api, &remote->ticket);
    } else {
        (void)pthread_mutex_lock(&api->lock);
        api->held--;
        (void)pthread_mutex_unlock(&api->lock);
        call->done(call);
    }
}

/* ---- tokens -------------------------------------------------------------- */

/* Lets a call wait for a secret; fetches it, unless somebody does already. */
static void
wait_for(struct sid_wechat_api *api, struct sid_wechat_call *call,
         struct wechat_secret *secret) {
    struct remote *remote = remote_of(api, call);
    call->state = CALL_WAITING;
    call->waits_for = secret;
    if (secret->fetching)
        return;
    secret->fetching = true;
    secret->fetch.op = secret == &remote->token ? SID_WECHAT_FETCH_TOKEN
                                                : SID_WECHAT_FETCH_TICKET;
    secret->fetch.account = call->account;
    begin(api, &secret->fetch);
}

static void
keep_secret(struct sid_wechat_api *api, struct sid_wechat_call *call,
            int64_t expires_in_s) {
    struct remote *remote = remote_of(api, call);
    struct wechat_secret *secret =
        call == &remote->token.fetch ? &remote->token : &remote->ticket;
    wechat_secret_set(secret, call->text, expires_in_s, now_us(api));
}

/* ---- attempts ------------------------------------------------------------ */

static void
note_success(struct sid_wechat_api *api, struct sid_wechat_call *call) {
    struct remote *remote = remote_of(api, call);
    if (wechat_breaker_success(&remote->breaker)) {
        sid_metric_add(SID_M_WECHAT_PAUSED, -1);
        sid_log(SID_LOG_INFO, "wechat_resumed",
                SID_S("account", remote->account->name));
    }
}

static void
note_failure(struct sid_wechat_api *api, struct sid_wechat_call *call) {
    struct remote *remote = remote_of(api, call);
    const struct wechat_breaker_limits limits = {
        .failures = api->config.breaker_failures,
        .pause_us = api->config.breaker_ms * 1000,
        .pause_max_us = api->config.breaker_max_ms * 1000,
    };
    bool was_open = remote->breaker.pause_us > 0;
    if (!wechat_breaker_failure(&remote->breaker, &limits, now_us(api),
                                chance(api)))
        return;
    sid_metric_add(SID_M_WECHAT_PAUSED, was_open ? 0 : 1);
    sid_log(SID_LOG_WARN, "wechat_paused",
            SID_S("account", remote->account->name),
            SID_N("pause_s", remote->breaker.pause_us / 1000000));
}

/* Puts an attempt on the wire. Errors: SID_E_NO_MEMORY, SID_E_INTERNAL. */
static enum sid_err
send_out(struct sid_wechat_api *api, struct sid_wechat_call *call) {
    const struct sid_wechat_api_config *config = &api->config;
    struct remote *remote = remote_of(api, call);
    int64_t left_ms = (call->deadline_us - now_us(api)) / 1000 + 1;
    const struct wechat_wire wire = {
        .connect_timeout_ms = config->connect_timeout_ms,
        .timeout_ms =
            config->timeout_ms < left_ms ? config->timeout_ms : left_ms,
        .media_max_bytes = config->media_max_bytes,
    };
    call->generation = remote->token.generation;
    enum sid_err err = wechat_transfer_new(
        call, remote->account, remote->token.text, &wire, &call->transfer);
    if (err != SID_OK)
        return err;
    if (curl_multi_add_handle(api->multi, call->transfer->easy) != CURLM_OK) {
        wechat_transfer_free(&call->transfer);
        return SID_E_INTERNAL;
    }
    call->state = CALL_RUNNING;
    call->attempts++;
    api->running++;
    return SID_OK;
}

/* Tries a call that is due. */
static void
try_call(struct sid_wechat_api *api, struct sid_wechat_call *call) {
    struct remote *remote = remote_of(api, call);
    int64_t now = now_us(api);
    if (call->op == SID_WECHAT_JSAPI_TICKET) {
        if (!wechat_secret_fresh(&remote->ticket, now)) {
            wait_for(api, call, &remote->ticket);
            return;
        }
        memcpy(call->text, remote->ticket.text, sizeof call->text);
        complete(api, call, SID_OK);
        return;
    }
    if (wechat_op_facts(call->op)->token &&
        !wechat_secret_fresh(&remote->token, now)) {
        wait_for(api, call, &remote->token);
        return;
    }
    if (!wechat_breaker_allows(&remote->breaker, now)) {
        complete(api, call, call->attempts > 0 ? call->err : SID_E_API_PAUSED);
        return;
    }
    enum sid_err err = send_out(api, call);
    if (err != SID_OK) {
        note_failure(api, call);
        complete(api, call, err);
    }
}

/* Tries again later, if there is an attempt and time left. */
static void
try_later(struct sid_wechat_api *api, struct sid_wechat_call *call,
          enum sid_err err) {
    const struct sid_wechat_api_config *config = &api->config;
    int64_t wait_us = wechat_backoff_us(config->backoff_ms * 1000,
                                        config->backoff_max_ms * 1000,
                                        call->attempts + 1, chance(api));
    int64_t due_us = now_us(api) + wait_us;
    if (call->attempts >= config->attempts || due_us >= call->deadline_us) {
        complete(api, call, err);
        return;
    }
    call->err = err;
    call->state = CALL_READY;
    call->due_us = due_us;
}

/* What follows from an attempt. */
static void
settle(struct sid_wechat_api *api, struct sid_wechat_call *call,
       struct wechat_judged judged) {
    bool repeat = wechat_op_facts(call->op)->repeat;
    call->errcode = judged.errcode;
    switch (judged.verdict) {
    case WECHAT_DONE:
        if (call->op == SID_WECHAT_FETCH_TOKEN ||
            call->op == SID_WECHAT_FETCH_TICKET)
            keep_secret(api, call, judged.expires_in_s);
        complete(api, call, SID_OK);
        return;
    case WECHAT_TOKEN:
        if (wechat_op_facts(call->op)->token && !call->token_renewed) {
            wechat_secret_drop(&remote_of(api, call)->token, call->generation);
            call->token_renewed = true;
            call->attempts--; /* it was not the call's fault */
            call->err = judged.err;
            call->state = CALL_READY;
            call->due_us = now_us(api);
            return;
        }
        complete(api, call, judged.err);
        return;
    case WECHAT_AGAIN:
        try_later(api, call, judged.err);
        return;
    case WECHAT_UNCLEAR:
        if (repeat) {
            try_later(api, call, judged.err);
            return;
        }
        call->maybe_done = true;
        complete(api, call, judged.err);
        return;
    case WECHAT_REFUSED:
        break;
    }
    complete(api, call, judged.err);
}

/* What a transfer that libcurl has ended comes to. */
static struct wechat_judged
judge_transfer(struct wechat_transfer *t, CURLcode code) {
    struct wechat_raw raw = {.body = sid_buf_span(&t->received)};
    char *type = NULL;
    long sent_bytes = 0;
    bool media = t->call->op == SID_WECHAT_MEDIA_GET;
    if (t->too_large)
        return (struct wechat_judged){
            .verdict = media ? WECHAT_REFUSED : WECHAT_UNCLEAR,
            .err = media ? SID_E_BODY_TOO_LARGE : SID_E_API_ANSWER};
    if (code != CURLE_OK) {
        (void)curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &sent_bytes);
        return (struct wechat_judged){.verdict = sent_bytes > 0 ? WECHAT_UNCLEAR
                                                                : WECHAT_AGAIN,
                                      .err = SID_E_API_UNREACHABLE};
    }
    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &raw.status);
    (void)curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
    raw.content_type = type;
    struct wechat_judged judged = wechat_answer_judge(&raw, t->call);
    if (judged.verdict == WECHAT_DONE && media)
        sid_buf_move(&t->received, &t->call->answer);
    return judged;
}

static void
take_off_wire(struct sid_wechat_api *api, struct sid_wechat_call *call) {
    (void)curl_multi_remove_handle(api->multi, call->transfer->easy);
    wechat_transfer_free(&call->transfer);
    api->running--;
}

static void
finish(struct sid_wechat_api *api, CURL *easy, CURLcode code) {
    struct wechat_transfer *t = NULL;
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&t);
    struct sid_wechat_call *call = t->call;
    struct wechat_judged judged = judge_transfer(t, code);
    take_off_wire(api, call);
    if (judged.verdict == WECHAT_AGAIN || judged.verdict == WECHAT_UNCLEAR ||
        (judged.verdict == WECHAT_REFUSED &&
         sid_wechat_errcode_of_account(judged.errcode)))
        note_failure(api, call);
    else
        note_success(api, call);
    settle(api, call, judged);
}

/* ---- the thread ---------------------------------------------------------- */

/* Deals with one call that cannot go on waiting; false when there is none. */
static bool
step(struct sid_wechat_api *api, bool stopping) {
    int64_t now = now_us(api);
    for (struct sid_wechat_call *c = api->calls; c != NULL; c = c->next) {
        if (c->state == CALL_RUNNING)
            continue;
        if (c->state == CALL_FAILED)
            complete(api, c, c->err);
        else if (stopping)
            complete(api, c, SID_E_STOPPING);
        else if (c->deadline_us <= now)
            complete(api, c, SID_E_TIMEOUT);
        else if (c->state == CALL_READY && c->due_us <= now)
            try_call(api, c);
        else
            continue;
        return true;
    }
    return false;
}

static int
sleep_ms(const struct sid_wechat_api *api) {
    int64_t now = now_us(api);
    int64_t until_us = now + POLL_MAX_MS * 1000;
    for (const struct sid_wechat_call *c = api->calls; c != NULL; c = c->next) {
        int64_t at_us = c->state == CALL_READY     ? c->due_us
                        : c->state == CALL_WAITING ? c->deadline_us
                                                   : until_us;
        if (at_us < until_us)
            until_us = at_us;
    }
    return until_us <= now ? 0 : (int)((until_us - now + 999) / 1000);
}

/* Ends what is still on the wire: nobody knows how far it has come. */
static void
abort_running(struct sid_wechat_api *api) {
    while (api->calls != NULL) {
        struct sid_wechat_call *call = api->calls;
        SID_ASSERT(call->state == CALL_RUNNING);
        take_off_wire(api, call);
        call->maybe_done = !wechat_op_facts(call->op)->repeat;
        complete(api, call, SID_E_STOPPING);
    }
}

void *
wechat_api_main(void *ctx) {
    struct sid_wechat_api *api = ctx;
    int64_t stop_us = 0; /* by the real clock; 0: not stopping */
    for (;;) {
        if (take_incoming(api) && stop_us == 0)
            stop_us = sid_mono_us() + api->config.stop_ms * 1000;
        while (step(api, stop_us != 0)) {
        }
        if (stop_us != 0 && (api->running == 0 || sid_mono_us() >= stop_us))
            break;
        int running = 0, left = 0;
        (void)curl_multi_perform(api->multi, &running);
        bool ended = false;
        for (CURLMsg *m; (m = curl_multi_info_read(api->multi, &left)) != NULL;
             ended = true) {
            if (m->msg == CURLMSG_DONE)
                finish(api, m->easy_handle, m->data.result);
        }
        /* What has ended may have woken others. */
        int wait_ms = stop_us != 0 ? 10 : sleep_ms(api);
        if (!ended)
            (void)curl_multi_poll(api->multi, NULL, 0, wait_ms, NULL);
    }
    abort_running(api);
    return NULL;
}
