/* wechat_channel.h: one account's end of the line: from the URL and body of a
 * request to a push that can be trusted, and from an answer back to a body.
 *
 * This is the recipe; wechat_crypt.h, wechat_push.h, wechat_reply.h and
 * wechat_replay.h are its parts. Any thread: the channel locks what changes.
 * To the outside every refusal should look the same (403 and nothing else);
 * the error is for log and metrics.
 *
 * For whoever writes the route /channels/wechat/{account}: GET answers
 * echostr as text/plain; POST takes a body of up to SID_WECHAT_BODY_MAX_BYTES,
 * then asks the durable dedupe (sid_wechat_dedupe_key()), and answers within a
 * second, "success" where the answer is not known yet. The query is handed
 * over percent-decoded. */
#ifndef SMARTID_WECHAT_CHANNEL_H
#define SMARTID_WECHAT_CHANNEL_H

#include "smartid/wechat_account.h"
#include "smartid/wechat_push.h"
#include "smartid/wechat_reply.h"

/* Of the URL; NULL: not there. All borrowed. */
struct sid_wechat_query {
    const char *signature;
    const char *timestamp;
    const char *nonce;
    const char *echostr;      /* URL verification only */
    const char *encrypt_type; /* "aes", "raw" */
    const char *msg_signature;
};

struct sid_wechat_channel;

/* account: borrowed for the channel's life. replay_capacity: pushes remembered
 * (see wechat_replay.h); at 16,384 and a window of 600 s that is 27 pushes a
 * second. Errors: SID_E_NO_MEMORY, SID_E_INTERNAL. */
#define SID_WECHAT_REPLAY_CAPACITY 16384
SID_FALLIBLE enum sid_err
sid_wechat_channel_new(const struct sid_wechat_account *account,
                       size_t replay_capacity, struct sid_wechat_channel **out);
void sid_wechat_channel_free(struct sid_wechat_channel **channel);

/* Judges WeChat's question whether this URL is ours (GET): when it is good, the
 * answer is echostr, nothing else. Never encrypted, whatever the mode. Errors:
 * SID_E_PUSH_FORMAT (a parameter is missing or not of its form),
 * SID_E_PUSH_STALE, SID_E_PUSH_SIGNATURE, SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err
sid_wechat_channel_verify_url(const struct sid_wechat_channel *channel,
                              const struct sid_wechat_query *query,
                              int64_t now_s);

#define SID_WECHAT_NONCE_SIZE 65
/* A push and what its answer needs. Wiped by its owner. */
struct sid_wechat_taken {
    struct sid_wechat_push push;
    enum sid_wechat_format format; /* of the body; the answer has the same */
    bool again; /* a copy of a push that came before: a retry as a rule */
    size_t key; /* index of the AES key that opened it */
    char nonce[SID_WECHAT_NONCE_SIZE];
};

/* Checks and reads a push (POST): the form of the parameters, time, signature
 * (msg_signature over what is encrypted, except in plain mode), replay,
 * envelope, app id, content, in this order. What is not encrypted is refused
 * except in plain mode, and the reverse. *out is written only on success.
 * Errors: SID_E_PUSH_FORMAT, SID_E_PUSH_STALE, SID_E_PUSH_SIGNATURE,
 * SID_E_PUSH_REPLAYED, SID_E_PUSH_SEALED, SID_E_BODY_TOO_LARGE, SID_E_CRYPTO,
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_wechat_channel_take(
    struct sid_wechat_channel *channel, const struct sid_wechat_query *query,
    struct sid_span body, int64_t now_s, struct sid_wechat_taken *out);

/* Appends the body that answers a push: `reply` (of sid_wechat_reply_text() or
 * _image()) as it is in plain mode, sealed with the key that opened the push
 * otherwise. SID_WECHAT_SUCCESS is sent as it is, without this. random: fresh.
 * Errors: SID_E_ARGUMENT (too long), SID_E_CRYPTO, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_wechat_channel_answer(
    const struct sid_wechat_channel *channel,
    const struct sid_wechat_taken *taken, struct sid_span reply, int64_t now_s,
    const uint8_t random[SID_WECHAT_RANDOM_BYTES], struct sid_buf *out);

#endif
