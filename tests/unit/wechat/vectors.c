/* vectors.c: reads the published samples (see vectors.h). */
#include "vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka needs these */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/json.h"
#include "smartid/mac.h"

#define VECTORS_MAX 16

static json_t *root;
static struct vector all[VECTORS_MAX];
static size_t count;

static const char *
text_of(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

static void
take(const json_t *v, struct vector *out) {
    *out = (struct vector){
        .id = text_of(v, "id"),
        .token = text_of(v, "token"),
        .timestamp = text_of(v, "timestamp"),
        .nonce = text_of(v, "nonce"),
        .echostr = text_of(v, "echostr"),
        .aes_key = text_of(v, "encodingAESKey"),
        .app_id = text_of(v, "appid"),
        .encrypt = text_of(v, "encrypt"),
        .signature = text_of(v, "signature"),
        .msg_signature = text_of(v, "msg_signature"),
        .random = text_of(v, "random"),
        .plaintext = text_of(v, "plaintext"),
        .ticket = text_of(v, "jsapi_ticket"),
        .noncestr = text_of(v, "noncestr"),
        .url = text_of(v, "url"),
    };
}

int
vectors_start(void **state) {
    (void)state;
    const char *folder = getenv("SMARTID_TEST_DATA");
    char path[512];
    (void)snprintf(path, sizeof path, "%s/wechat_vectors.json",
                   folder != NULL ? folder : "tests/data");
    if (sid_crypto_init() != SID_OK || sid_json_setup() != SID_OK)
        return -1;
    root = json_load_file(path, 0, NULL);
    const json_t *list = json_object_get(root, "vectors");
    count = json_array_size(list);
    if (count == 0 || count > VECTORS_MAX)
        return -1;
    for (size_t i = 0; i < count; i++)
        take(json_array_get(list, i), &all[i]);
    return 0;
}

int
vectors_stop(void **state) {
    (void)state;
    json_decref(root);
    root = NULL;
    sid_crypto_fini();
    return 0;
}

const struct vector *
vectors(size_t *n) {
    *n = count;
    return all;
}

const struct vector *
vector_of(const char *id) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(all[i].id, id) == 0)
            return &all[i];
    }
    fail_msg("no vector %s", id);
    return NULL;
}

const char *
as_text(struct sid_buf *buf) {
    assert_int_equal(sid_buf_append(buf, "", 1), SID_OK);
    buf->len--;
    return (const char *)buf->ptr;
}
