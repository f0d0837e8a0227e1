/* vectors.h: the published samples of tests/data/wechat_vectors.json, and small
 * helpers that every test of this folder needs. */
#ifndef TEST_WECHAT_VECTORS_H
#define TEST_WECHAT_VECTORS_H

#include <stdint.h>

#include "smartid/buf.h"

struct vector {
    const char *id, *token, *timestamp, *nonce, *echostr, *aes_key, *app_id,
        *encrypt, *signature, *msg_signature, *random, *plaintext, *ticket,
        *noncestr, *url; /* "" where the sample has none */
};

const struct vector *vectors(size_t *n);
/* The one of that id; the test fails when there is none. */
const struct vector *vector_of(const char *id);

/* Group set-up and tear-down: the algorithms, JSON, the vectors. */
int vectors_start(void **state);
int vectors_stop(void **state);

/* A C string of a buffer, for comparing; the buffer keeps it. */
const char *as_text(struct sid_buf *buf);

#endif
