/* fuzz_text.c: the small parsers of what strangers send or a damaged disk gives
 * back: request lines and headers, networks and proxies' lists, JSON of a
 * holder, ID numbers, stored reasons and holders. The first byte picks one.
 * libFuzzer's one thread. */
#include <stdlib.h>
#include <string.h>

#include "../../src/http/forwarded.h"
#include "../../src/http/header.h"
#include "../../src/http/holder.h"
#include "../../src/http/negotiate.h"
#include "smartid/clock.h"
#include "smartid/enrolment.h"
#include "smartid/idnumber.h"
#include "smartid/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
headers(const char *text) {
    const char *key = NULL;
    size_t key_len = 0;
    bool query;
    uint64_t length;
    char boundary[SID_BOUNDARY_SIZE];
    char idempotency[SID_IDEMPOTENCY_SIZE];
    struct sid_accept accept = {0};
    struct sid_prefer prefer = {0};
    enum sid_media media;
    (void)sid_uri_clean(text, &query);
    (void)sid_request_id_clean(text);
    if (sid_bearer_parse(text, &key, &key_len) &&
        (key < text || key + key_len > text + strlen(text)))
        abort();
    enum sid_err err = sid_content_length_parse(text, &length);
    if (sid_boundary_parse(text, boundary) == SID_OK &&
        (boundary[0] == '\0' || strlen(boundary) >= SID_BOUNDARY_SIZE))
        abort();
    err = sid_idempotency_parse(text, idempotency);
    sid_accept_add(&accept, text);
    err = sid_accept_choose(&accept, &media);
    sid_prefer_add(&prefer, text);
    (void)err;
}

static void
holder_json(const uint8_t *data, size_t size) {
    static bool ready;
    if (!ready && sid_json_setup() != SID_OK)
        abort();
    ready = true;
    static struct sid_enrol_submit submit;
    struct sid_field field = {""};
    enum sid_err err =
        sid_holder_read(sid_span_of(data, size), 1795428000, &submit, &field);
    if (err == SID_OK && submit.holder.name[0] == '\0')
        abort();
    memset(&submit, 0, sizeof submit);
}

static void
stored(const uint8_t *data, size_t size, const char *text) {
    struct sid_reasons reasons;
    char packed[SID_REASONS_TEXT_SIZE];
    struct sid_holder holder;
    if (sid_reasons_unpack(text, &reasons) == SID_OK) {
        sid_reasons_pack(&reasons, packed);
        if (strcmp(packed, text) != 0)
            abort();
    }
    if (sid_holder_unpack(sid_span_of(data, size), &holder) == SID_OK)
        sid_holder_fini(&holder);
    int64_t at_s;
    enum sid_err err = sid_time_parse(text, &at_s);
    (void)err;
}

/* What is taken is written in a form that is taken again, to the same effect.
 */
static void
networks(const char *text) {
    struct sid_networks trusted, again;
    char form[SID_NETWORKS_TEXT_SIZE];
    if (sid_networks_parse(text, &trusted) == SID_OK) {
        sid_networks_text(&trusted, form);
        if (sid_networks_parse(form, &again) != SID_OK ||
            again.count != trusted.count)
            abort();
    }
    const struct sid_address peer = {{[15] = 1}};
    struct sid_address source;
    trusted = (struct sid_networks){0};
    if (sid_forwarded_source(&peer, &text, 1, &trusted, &source) == SID_OK &&
        sid_address_class(&source)[0] == '\0')
        abort();
}

static void
base45(const uint8_t *data, size_t size) {
    uint8_t bytes[256];
    char again[SID_BASE45_CHARS(sizeof bytes) + 1];
    size_t len = 0;
    if (sid_base45_decode((const char *)data, size, bytes, sizeof bytes,
                          &len) != SID_OK)
        return;
    sid_base45_encode(bytes, len, again);
    if (strlen(again) != size || memcmp(again, data, size) != 0)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    const uint8_t *rest = data + 1;
    size_t len = size - 1;
    char *text = malloc(len + 1);
    if (text == NULL)
        return 0;
    memcpy(text, rest, len);
    text[len] = '\0';
    switch (data[0] % 5) {
    case 0:
        headers(text);
        break;
    case 1:
        holder_json(rest, len);
        break;
    case 2:
        stored(rest, len, text);
        break;
    case 3:
        networks(text);
        break;
    default:
        base45(rest, len);
    }
    free(text);
    return 0;
}
