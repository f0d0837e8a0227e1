/* wechat_reply.h: what the answer to a push may say: a text or a picture, in
 * the form of the push, sealed where the push was.
 *
 * Whoever cannot answer within WeChat's five seconds answers "success" and
 * sends the rest later (wechat_api.h); that word needs no sealing. Pure; any
 * thread. Source: developers.weixin.qq.com, passive replies. */
#ifndef SMARTID_WECHAT_REPLY_H
#define SMARTID_WECHAT_REPLY_H

#include "smartid/wechat_crypt.h"
#include "smartid/wechat_push.h"

/* Takes a push without an answer; in every mode, in both forms. */
#define SID_WECHAT_SUCCESS "success"

/* Appends the reply that shows `text` (1 to SID_WECHAT_TEXT_SIZE-1 bytes) to
 * whoever sent the push. Control characters become spaces. Errors:
 * SID_E_ARGUMENT (length, not UTF-8), SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err
sid_wechat_reply_text(enum sid_wechat_format format,
                      const struct sid_wechat_push *push, const char *text,
                      int64_t now_s, struct sid_buf *out);

/* The same with a picture that was uploaded before. Errors: SID_E_ARGUMENT
 * (the id is empty, too long, or not printable ASCII), SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err
sid_wechat_reply_image(enum sid_wechat_format format,
                       const struct sid_wechat_push *push, const char *media_id,
                       int64_t now_s, struct sid_buf *out);

struct sid_wechat_seal {
    const char *token;
    const char *app_id;
    const struct sid_wechat_aes_key *key; /* the one that opened the push */
    const char *nonce;                    /* of the push's URL */
    int64_t now_s;
    uint8_t random[SID_WECHAT_RANDOM_BYTES]; /* fresh */
};
/* Appends a reply in its envelope. Errors: SID_E_ARGUMENT (too long),
 * SID_E_CRYPTO, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err
sid_wechat_reply_seal(enum sid_wechat_format format,
                      const struct sid_wechat_seal *seal, struct sid_span reply,
                      struct sid_buf *out);

#endif
