/* channel.c: the ladder of refusals between the network and a push, and the
 * way back. Any thread; owns the replay ring, under its mutex; borrows the
 * account. */
#include "smartid/wechat_channel.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/wechat_replay.h"

/* WeChat's echostr has 19 digits. Own choice. */
#define ECHOSTR_CHARS_MAX 256

struct sid_wechat_channel {
    const struct sid_wechat_account *account;
    pthread_mutex_t lock;
    struct sid_wechat_replay *replay; /* under lock */
};

enum sid_err
sid_wechat_channel_new(const struct sid_wechat_account *account,
                       size_t replay_capacity,
                       struct sid_wechat_channel **out) {
    struct sid_wechat_channel *made = calloc(1, sizeof *made);
    if (made == NULL)
        return SID_E_NO_MEMORY;
    made->account = account;
    enum sid_err err = sid_wechat_replay_new(replay_capacity, &made->replay);
    if (err == SID_OK && pthread_mutex_init(&made->lock, NULL) != 0)
        err = SID_E_INTERNAL;
    if (err != SID_OK) {
        sid_wechat_replay_free(&made->replay);
        free(made);
        return err;
    }
    *out = made;
    return SID_OK;
}

void
sid_wechat_channel_free(struct sid_wechat_channel **channel) {
    if (*channel == NULL)
        return;
    sid_wechat_replay_free(&(*channel)->replay);
    pthread_mutex_destroy(&(*channel)->lock);
    free(*channel);
    *channel = NULL;
}

/* ---- the ladder --------------------------------------------------------- */

/* 1 to max printable ASCII characters. */
static bool
fits(const char *text, size_t max) {
    size_t len = text == NULL ? 0 : strnlen(text, max + 1);
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    }
    return len > 0 && len <= max;
}

/* The parameters every request has, and its time. */
static enum sid_err
check_head(const struct sid_wechat_channel *channel,
           const struct sid_wechat_query *query, int64_t now_s, int64_t *at_s) {
    if (query->timestamp == NULL ||
        !fits(query->nonce, SID_WECHAT_NONCE_SIZE - 1))
        return SID_E_PUSH_FORMAT;
    return sid_wechat_timestamp_check(query->timestamp,
                                      channel->account->window_s, now_s, at_s);
}

/* encrypted: empty where nothing is. */
static enum sid_err
check_signature(const struct sid_wechat_channel *channel,
                const struct sid_wechat_query *query, const char *claimed,
                struct sid_span encrypted) {
    const struct sid_span parts[] = {sid_span_str(channel->account->token),
                                     sid_span_str(query->timestamp),
                                     sid_span_str(query->nonce), encrypted};
    if (claimed == NULL)
        return SID_E_PUSH_FORMAT;
    return sid_wechat_signature_check(parts, encrypted.len > 0 ? 4 : 3,
                                      claimed);
}

static enum sid_err
check_replay(struct sid_wechat_channel *channel, const char *signature,
             struct sid_span body, int64_t at_s, int64_t now_s, bool *again) {
    (void)pthread_mutex_lock(&channel->lock);
    enum sid_err err =
        sid_wechat_replay_take(channel->replay, signature, body, at_s,
                               channel->account->window_s, now_s, again);
    (void)pthread_mutex_unlock(&channel->lock);
    return err;
}

enum sid_err
sid_wechat_channel_verify_url(const struct sid_wechat_channel *channel,
                              const struct sid_wechat_query *query,
                              int64_t now_s) {
    int64_t at_s;
    if (!fits(query->echostr, ECHOSTR_CHARS_MAX))
        return SID_E_PUSH_FORMAT;
    enum sid_err err = check_head(channel, query, now_s, &at_s);
    if (err == SID_OK)
        err = check_signature(channel, query, query->signature,
                              sid_span_of(NULL, 0));
    return err;
}

/* Plain mode: the signature covers no body; the replay ring ties it to one. */
static enum sid_err
take_plain(struct sid_wechat_channel *channel,
           const struct sid_wechat_query *query, struct sid_span body,
           int64_t at_s, int64_t now_s, struct sid_wechat_taken *taken) {
    enum sid_err err =
        check_signature(channel, query, query->signature, sid_span_of(NULL, 0));
    if (err == SID_OK)
        err = check_replay(channel, query->signature, body, at_s, now_s,
                           &taken->again);
    if (err == SID_OK)
        err = sid_wechat_push_parse(body, &taken->push, &taken->format);
    return err;
}

static enum sid_err
take_sealed(struct sid_wechat_channel *channel,
            const struct sid_wechat_query *query, struct sid_span body,
            int64_t at_s, int64_t now_s, struct sid_wechat_taken *taken) {
    const struct sid_wechat_account *account = channel->account;
    struct sid_buf encrypted = SID_BUF_EMPTY, plain = SID_BUF_EMPTY;
    enum sid_wechat_format inner;
    enum sid_err err =
        sid_wechat_envelope_parse(body, &encrypted, &taken->format);
    if (err == SID_OK)
        err = check_signature(channel, query, query->msg_signature,
                              sid_buf_span(&encrypted));
    if (err == SID_OK)
        err =
            check_replay(channel, query->msg_signature,
                         sid_buf_span(&encrypted), at_s, now_s, &taken->again);
    if (err == SID_OK)
        err = sid_wechat_decrypt(account->aes_keys, account->aes_key_n,
                                 account->app_id, sid_buf_span(&encrypted),
                                 &plain, &taken->key);
    if (err == SID_OK)
        err = sid_wechat_push_parse(sid_buf_span(&plain), &taken->push, &inner);
    sid_buf_free(&encrypted);
    sid_buf_free(&plain);
    return err;
}

enum sid_err
sid_wechat_channel_take(struct sid_wechat_channel *channel,
                        const struct sid_wechat_query *query,
                        struct sid_span body, int64_t now_s,
                        struct sid_wechat_taken *out) {
    bool sealed = sid_wechat_account_sealed(channel->account);
    const char *type = query->encrypt_type;
    bool says_sealed = type != NULL && strcmp(type, "aes") == 0;
    if (type != NULL && !says_sealed && strcmp(type, "raw") != 0)
        return SID_E_PUSH_FORMAT;
    if (sealed != says_sealed)
        return SID_E_PUSH_FORMAT;
    if (body.len > SID_WECHAT_BODY_MAX_BYTES)
        return SID_E_BODY_TOO_LARGE;
    int64_t at_s;
    enum sid_err err = check_head(channel, query, now_s, &at_s);
    if (err != SID_OK)
        return err;
    struct sid_wechat_taken taken = {0};
    memcpy(taken.nonce, query->nonce, strlen(query->nonce) + 1);
    err = sealed ? take_sealed(channel, query, body, at_s, now_s, &taken)
                 : take_plain(channel, query, body, at_s, now_s, &taken);
    if (err == SID_OK)
        *out = taken;
    sid_wipe(&taken, sizeof taken);
    return err;
}

enum sid_err
sid_wechat_channel_answer(const struct sid_wechat_channel *channel,
                          const struct sid_wechat_taken *taken,
                          struct sid_span reply, int64_t now_s,
                          const uint8_t random[SID_WECHAT_RANDOM_BYTES],
                          struct sid_buf *out) {
    const struct sid_wechat_account *account = channel->account;
    if (!sid_wechat_account_sealed(account))
        return sid_buf_append(out, reply.ptr, reply.len);
    struct sid_wechat_seal seal = {
        .token = account->token,
        .app_id = account->app_id,
        .key = &account->aes_keys[taken->key],
        .nonce = taken->nonce,
        .now_s = now_s,
    };
    memcpy(seal.random, random, sizeof seal.random);
    return sid_wechat_reply_seal(taken->format, &seal, reply, out);
}
