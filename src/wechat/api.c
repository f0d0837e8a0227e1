/* api.c: the client's life, and calls taken in from any thread. The lock
 * guards what is handed over; the rest belongs to the thread (api_loop.c). Owns
 * the thread, the multi handle and the tokens; never a call. */
#include "api.h"

#include <stdlib.h>
#include <string.h>

#include "smartid/clock.h"
#include "smartid/rand.h"
#include "text_tame.h"

#define CAPACITY_MAX 1024
#define CONNECTIONS_MAX 64
#define ATTEMPTS_MAX 10

void
sid_wechat_api_config_default(struct sid_wechat_api_config *out) {
    /* Own choices. WeChat's answers take tenths of a second; a user who waits
     * for a photo to be looked at waits ten. */
    *out = (struct sid_wechat_api_config){
        .capacity = 256,
        .connections = 8,
        .connect_timeout_ms = 3000,
        .timeout_ms = 10000,
        .deadline_ms = 30000,
        .attempts = 3,
        .backoff_ms = 300,
        .backoff_max_ms = 5000,
        .breaker_failures = 5,
        .breaker_ms = 5000,
        .breaker_max_ms = 120000,
        .media_max_bytes = (size_t)8 << 20,
        .stop_ms = 3000,
    };
}

void
sid_wechat_call_fini(struct sid_wechat_call *call) {
    SID_ASSERT(call->state == CALL_OUT);
    sid_buf_free(&call->body);
    sid_buf_free(&call->answer);
    sid_wipe(call, sizeof *call);
}

/* ---- life ---------------------------------------------------------------- */

static enum sid_err
make_parts(struct sid_wechat_api *api) {
    const struct sid_wechat_accounts *accounts = api->config.accounts;
    /* One more: calloc(0) may be NULL. */
    api->remotes = calloc(accounts->count + 1, sizeof *api->remotes);
    api->multi = curl_multi_init();
    if (api->remotes == NULL || api->multi == NULL)
        return SID_E_NO_MEMORY;
    for (size_t i = 0; i < accounts->count; i++)
        api->remotes[i].account = &accounts->item[i];
    if (curl_multi_setopt(api->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
                          api->config.connections) != CURLM_OK)
        return SID_E_INTERNAL;
    return SID_OK;
}

static void
free_parts(struct sid_wechat_api *api) {
    if (api->multi != NULL)
        (void)curl_multi_cleanup(api->multi);
    sid_free_wiped(api->remotes); /* tokens */
    free(api);
    curl_global_cleanup();
}

enum sid_err
sid_wechat_api_new(const struct sid_wechat_api_config *config,
                   struct sid_wechat_api **out) {
    SID_ASSERT(config->capacity >= 1 && config->capacity <= CAPACITY_MAX);
    SID_ASSERT(config->connections >= 1 &&
               config->connections <= CONNECTIONS_MAX);
    SID_ASSERT(config->attempts >= 1 && config->attempts <= ATTEMPTS_MAX);
    /* Tokens and what people said pass through its memory. */
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, sid_free_wiped,
                             sid_realloc_wiped, strdup, calloc) != CURLE_OK)
        return SID_E_INTERNAL;
    struct sid_wechat_api *api = calloc(1, sizeof *api);
    if (api == NULL) {
        curl_global_cleanup();
        return SID_E_NO_MEMORY;
    }
    api->config = *config;
    if (api->config.mono_us == NULL)
        api->config.mono_us = sid_mono_us;
    if (api->config.random == NULL)
        api->config.random = sid_rand_bytes;
    enum sid_err err = make_parts(api);
    if (err == SID_OK && pthread_mutex_init(&api->lock, NULL) != 0)
        err = SID_E_INTERNAL;
    if (err != SID_OK) {
        free_parts(api);
        return err;
    }
    if (pthread_create(&api->thread, NULL, wechat_api_main, api) != 0) {
        pthread_mutex_destroy(&api->lock);
        free_parts(api);
        return SID_E_INTERNAL;
    }
    (void)pthread_setname_np(api->thread, "sid-wechat");
    *out = api;
    return SID_OK;
}

void
sid_wechat_api_quiesce(struct sid_wechat_api *api) {
    (void)pthread_mutex_lock(&api->lock);
    api->quiet = true;
    (void)pthread_mutex_unlock(&api->lock);
}

void
sid_wechat_api_free(struct sid_wechat_api **api) {
    struct sid_wechat_api *a = *api;
    if (a == NULL)
        return;
    (void)pthread_mutex_lock(&a->lock);
    a->quiet = true;
    a->stopping = true;
    (void)pthread_mutex_unlock(&a->lock);
    (void)curl_multi_wakeup(a->multi);
    (void)pthread_join(a->thread, NULL);
    SID_ASSERT(a->held == 0 && a->calls == NULL && a->incoming == NULL);
    pthread_mutex_destroy(&a->lock);
    free_parts(a);
    *api = NULL;
}

/* ---- calls --------------------------------------------------------------- */

/* 1 to size-1 printable ASCII characters. */
static bool
word_fits(const char *text, size_t size) {
    size_t len = strnlen(text, size);
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    }
    return len > 0 && len < size;
}

static bool
text_fits(const struct sid_buf *body) {
    char copy[SID_WECHAT_TEXT_SIZE];
    if (body->len == 0 || body->len >= sizeof copy)
        return false;
    memcpy(copy, body->ptr, body->len);
    bool good = wechat_text_tame(copy, body->len) == SID_OK;
    sid_wipe(copy, sizeof copy);
    return good;
}

static bool
inputs_fit(const struct sid_wechat_call *call) {
    bool openid = word_fits(call->openid, sizeof call->openid);
    bool param = word_fits(call->param, sizeof call->param);
    switch (call->op) {
    case SID_WECHAT_MEDIA_GET:
    case SID_WECHAT_OAUTH_CODE:
        return param;
    case SID_WECHAT_MEDIA_UPLOAD:
        return call->body.len > 0 &&
               call->body.len <= SID_WECHAT_UPLOAD_MAX_BYTES;
    case SID_WECHAT_SEND_TEXT:
        return openid && text_fits(&call->body);
    case SID_WECHAT_SEND_IMAGE:
        return openid && param;
    case SID_WECHAT_JSAPI_TICKET:
    case SID_WECHAT_CALLBACK_IPS:
        return true;
    case SID_WECHAT_FETCH_TOKEN:
    case SID_WECHAT_FETCH_TICKET:
    case SID_WECHAT_OP_COUNT:
        break;
    }
    return false;
}

enum sid_err
sid_wechat_api_submit(struct sid_wechat_api *api,
                      struct sid_wechat_call *call) {
    SID_ASSERT(call->state == CALL_OUT);
    if (call->account >= api->config.accounts->count || !inputs_fit(call))
        return SID_E_ARGUMENT;
    enum sid_err err = SID_OK;
    (void)pthread_mutex_lock(&api->lock);
    if (api->quiet)
        err = SID_E_STOPPING;
    else if (api->held >= api->config.capacity)
        err = SID_E_QUEUE_FULL;
    if (err == SID_OK) {
        api->held++;
        call->state = CALL_READY;
        call->next = api->incoming;
        api->incoming = call;
    }
    (void)pthread_mutex_unlock(&api->lock);
    if (err == SID_OK)
        (void)curl_multi_wakeup(api->multi);
    return err;
}
