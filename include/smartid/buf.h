/* buf.h: bytes, borrowed and owned.
 *
 * A sid_span never owns; a sid_buf always does and is wiped when it is freed,
 * because nearly everything this daemon holds (photos, names, keys) is secret.
 * Not thread safe: a buffer has one owner at a time. */
#ifndef SMARTID_BUF_H
#define SMARTID_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartid/err.h"

struct sid_span {
    const uint8_t *ptr; /* may be NULL when len is 0 */
    size_t len;         /* bytes */
};

struct sid_buf {
    uint8_t *ptr; /* NULL while cap is 0 */
    size_t len;   /* bytes in use */
    size_t cap;   /* bytes allocated */
};

#define SID_BUF_EMPTY ((struct sid_buf){0})

/* A borrowed view of <ptr, len>, of a C string, of a buffer. */
static inline struct sid_span
sid_span_of(const void *ptr, size_t len) {
    return (struct sid_span){.ptr = (const uint8_t *)ptr, .len = len};
}
struct sid_span sid_span_str(const char *str);
static inline struct sid_span
sid_buf_span(const struct sid_buf *buf) {
    return (struct sid_span){.ptr = buf->ptr, .len = buf->len};
}

/* True when both have the same bytes. Not constant time: never for secrets. */
bool sid_span_eq(struct sid_span a, struct sid_span b);

/* Makes room for at least `cap` bytes in all; old bytes are moved by copy and
 * the old place is wiped (never realloc). Errors: SID_E_NO_MEMORY (unchanged).
 */
SID_FALLIBLE enum sid_err sid_buf_reserve(struct sid_buf *buf, size_t cap);

/* Appends a copy of <ptr, len>. Errors: SID_E_NO_MEMORY (unchanged). */
SID_FALLIBLE enum sid_err sid_buf_append(struct sid_buf *buf, const void *ptr,
                                         size_t len);
SID_FALLIBLE enum sid_err sid_buf_append_str(struct sid_buf *buf,
                                             const char *str);
/* Appends formatted text, without its NUL. Errors: SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_buf_printf(struct sid_buf *buf, const char *fmt,
                                         ...)
    __attribute__((format(printf, 2, 3)));

/* Moves the bytes out of *take into *out; *take is empty afterwards. *out must
 * be empty. */
void sid_buf_move(struct sid_buf *take, struct sid_buf *out);

/* Sets len to 0 and wipes what was in use; the room is kept. */
void sid_buf_clear(struct sid_buf *buf);

/* Wipes, frees, and leaves the buffer empty. Safe on an empty buffer. */
void sid_buf_free(struct sid_buf *buf);

/* Overwrites memory in a way the compiler may not leave out. */
void sid_wipe(void *ptr, size_t len);

/* free() and realloc() that wipe what they give back: for libraries that let
 * their caller choose, and through which secrets pass. NULL and 0 as there. */
void sid_free_wiped(void *ptr);
void *sid_realloc_wiped(void *ptr, size_t size);
/* Overwrites what calls that have returned may have left on this thread's
 * stack: copies of names, keys and texts on their way from one place to
 * another. To be called where such work is done, from no deeper than it was
 * begun. */
void sid_wipe_stack(void);

/* Compares <len> bytes in a time that depends on len only. */
bool sid_equal_ct(const void *a, const void *b, size_t len);

#endif
