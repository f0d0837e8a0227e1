/* holder.c: what a person states about themselves: one blob for sealing, and a
 * name that may be shown to those who need not know it. Pure; any thread; the
 * caller owns and wipes. */
#include <string.h>

#include "smartid/enrolment.h"

void
sid_holder_fini(struct sid_holder *holder) {
    sid_wipe(holder, sizeof *holder);
}

enum sid_err
sid_holder_pack(const struct sid_holder *holder, struct sid_buf *out) {
    const char *const texts[] = {holder->name, holder->id_number,
                                 holder->phone};
    struct sid_buf made = SID_BUF_EMPTY;
    enum sid_err err = sid_buf_reserve(&made, sizeof *holder);
    for (size_t i = 0; i < 3 && err == SID_OK; i++)
        err = sid_buf_append(&made, texts[i], strlen(texts[i]) + 1);
    if (err == SID_OK)
        sid_buf_move(&made, out);
    sid_buf_free(&made);
    return err;
}

/* Moves one text and its NUL from the blob to <out, size>. */
static bool
take_text(struct sid_span *blob, char *out, size_t size) {
    const uint8_t *end =
        blob->len == 0 ? NULL : memchr(blob->ptr, '\0', blob->len);
    if (end == NULL)
        return false;
    size_t len = (size_t)(end - blob->ptr) + 1;
    if (len > size)
        return false;
    memcpy(out, blob->ptr, len);
    blob->ptr += len;
    blob->len -= len;
    return true;
}

enum sid_err
sid_holder_unpack(struct sid_span blob, struct sid_holder *out) {
    struct sid_holder made = {0};
    bool good = take_text(&blob, made.name, sizeof made.name) &&
                take_text(&blob, made.id_number, sizeof made.id_number) &&
                take_text(&blob, made.phone, sizeof made.phone) &&
                blob.len == 0;
    if (good)
        *out = made;
    sid_holder_fini(&made);
    return good ? SID_OK : SID_E_SEAL;
}

void
sid_name_mask(const char *name, char out[SID_NAME_SIZE]) {
    size_t len = 0;
    bool first = true;  /* of a word */
    bool shown = false; /* the character being read is copied */
    for (const char *at = name; *at != '\0' && len + 1 < SID_NAME_SIZE; at++) {
        bool continues = ((unsigned char)*at & 0xc0) == 0x80;
        if (continues) {
            if (shown)
                out[len++] = *at;
            continue;
        }
        /* U+00B7 stands between the parts of many minority names. */
        bool space = *at == ' ' || strncmp(at, "\xc2\xb7", 2) == 0;
        shown = first || space;
        out[len++] = shown ? *at : '*';
        first = space;
    }
    out[len] = '\0';
}
