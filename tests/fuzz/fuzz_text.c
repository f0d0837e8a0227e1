/* fuzz_text.c: src/core/enrolment.c, src/base/network.c, text.c,
 * clock_common.c: the small texts that a damaged disk gives back or people
 * write: stored reasons and holders, times, networks, Base45. The first byte
 * picks one. libFuzzer's one thread. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "smartid/clock.h"
#include "smartid/enrolment.h"
#include "smartid/network.h"
#include "smartid/text.h"

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

void
fuzz_setup(void) {}

void
fuzz_one(const uint8_t *data, size_t size) {
    if (size < 1)
        return;
    const uint8_t *rest = data + 1;
    size_t len = size - 1;
    char *text = malloc(len + 1);
    if (text == NULL)
        return;
    memcpy(text, rest, len);
    text[len] = '\0';
    switch (data[0] % 3) {
    case 0:
        stored(rest, len, text);
        break;
    case 1:
        networks(text);
        break;
    default:
        base45(rest, len);
    }
    free(text);
}
