/* fuzz_multipart.c: src/http/multipart.c: the body of an enrolment, as it may
 * come in over the wire. How it is cut into pieces must not change what is
 * understood. The first byte says how the second reading is cut. libFuzzer's
 * one thread. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/http/multipart.h"

/* FNV-1a over everything the parser tells. Source: RFC draft
 * draft-eastlake-fnv. */
struct told {
    uint64_t hash;
    size_t parts;
};

static void
mix(struct told *told, const void *ptr, size_t len) {
    const uint8_t *at = ptr;
    for (size_t i = 0; i < len; i++)
        told->hash = (told->hash ^ at[i]) * 0x100000001b3u;
}

static enum sid_err
on_begin(void *ctx, const struct sid_part *part) {
    struct told *told = ctx;
    told->parts++;
    mix(told, part->name, strlen(part->name) + 1);
    mix(told, part->content_type, strlen(part->content_type) + 1);
    return SID_OK;
}

static enum sid_err
on_data(void *ctx, const uint8_t *ptr, size_t len) {
    mix(ctx, ptr, len);
    return SID_OK;
}

static enum sid_err
on_end(void *ctx) {
    mix(ctx, "|end|", 5);
    return SID_OK;
}

static enum sid_err
read_in_pieces(const uint8_t *data, size_t size, size_t piece,
               struct told *told) {
    static const struct sid_multipart_calls calls = {
        .begin = on_begin, .data = on_data, .end = on_end};
    struct sid_multipart multipart;
    sid_multipart_init(&multipart, "b0undary", &calls, told);
    for (size_t at = 0; at < size; at += piece) {
        size_t len = size - at < piece ? size - at : piece;
        /* A copy of its own, so that reading beyond it is seen. */
        uint8_t *copy = malloc(len);
        if (copy == NULL)
            return SID_E_NO_MEMORY;
        memcpy(copy, data + at, len);
        enum sid_err err = sid_multipart_feed(&multipart, copy, len);
        free(copy);
        if (err != SID_OK)
            return err;
    }
    return sid_multipart_finish(&multipart);
}

void
fuzz_setup(void) {}

void
fuzz_one(const uint8_t *data, size_t size) {
    if (size < 2)
        return;
    struct told whole = {.hash = 0xcbf29ce484222325u};
    struct told cut = whole;
    size_t piece = (size_t)data[0] % 32 + 1;
    enum sid_err a = read_in_pieces(data + 1, size - 1, size, &whole);
    enum sid_err b = read_in_pieces(data + 1, size - 1, piece, &cut);
    fuzz_expect(a == b && (a != SID_OK || (whole.hash == cut.hash &&
                                           whole.parts == cut.parts)));
}
