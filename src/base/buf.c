/* buf.c: owned bytes that are wiped wherever they die or move. One owner at a
 * time; owns what it allocates until sid_buf_free() or sid_buf_move(). */
#include "smartid/buf.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first allocation of a growing buffer: one cache line. */
#define FIRST_CAP_BYTES ((size_t)64)
/* Own choice: parsing a request goes less deep; takes about 0.2 us. */
#define STACK_BYTES ((size_t)16 * 1024)

struct sid_span
sid_span_str(const char *str) {
    return sid_span_of(str, strlen(str));
}

bool
sid_span_eq(struct sid_span a, struct sid_span b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

void
sid_wipe(void *ptr, size_t len) {
    if (len > 0)
        explicit_bzero(ptr, len);
}

void
sid_free_wiped(void *ptr) {
    if (ptr != NULL)
        sid_wipe(ptr, malloc_usable_size(ptr));
    free(ptr);
}

void *
sid_realloc_wiped(void *ptr, size_t size) {
    if (size == 0) {
        sid_free_wiped(ptr);
        return NULL;
    }
    void *room = size > PTRDIFF_MAX ? NULL : malloc(size);
    if (room == NULL || ptr == NULL)
        return room;
    size_t had = malloc_usable_size(ptr);
    memcpy(room, ptr, had < size ? had : size);
    sid_free_wiped(ptr);
    return room;
}

__attribute__((noinline)) void
sid_wipe_stack(void) {
    /* The compiler need not clear it, too. */
    __attribute__((uninitialized)) uint8_t dead[STACK_BYTES];
    sid_wipe(dead, sizeof dead);
}

bool
sid_equal_ct(const void *a, const void *b, size_t len) {
    /* volatile: the compiler may not leave the loop at the first difference. */
    const volatile uint8_t *x = a;
    const volatile uint8_t *y = b;
    uint8_t differ = 0;
    for (size_t i = 0; i < len; i++)
        differ = (uint8_t)(differ | (x[i] ^ y[i]));
    return differ == 0;
}

enum sid_err
sid_buf_reserve(struct sid_buf *buf, size_t cap) {
    if (cap <= buf->cap)
        return SID_OK;
    if (cap > PTRDIFF_MAX) /* no object is larger: some sum went wrong */
        return SID_E_NO_MEMORY;
    /* Never realloc: it may leave a copy of a secret behind. */
    uint8_t *room = malloc(cap);
    if (room == NULL)
        return SID_E_NO_MEMORY;
    if (buf->len > 0)
        memcpy(room, buf->ptr, buf->len);
    sid_wipe(buf->ptr, buf->cap);
    free(buf->ptr);
    buf->ptr = room;
    buf->cap = cap;
    return SID_OK;
}

/* Room for `more` bytes behind those in use, growing by doubling. */
static enum sid_err
grow(struct sid_buf *buf, size_t more) {
    if (more > SIZE_MAX - buf->len)
        return SID_E_NO_MEMORY;
    size_t need = buf->len + more;
    if (need <= buf->cap)
        return SID_OK;
    size_t cap = buf->cap < FIRST_CAP_BYTES ? FIRST_CAP_BYTES : buf->cap;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    return sid_buf_reserve(buf, cap);
}

enum sid_err
sid_buf_append(struct sid_buf *buf, const void *ptr, size_t len) {
    if (len == 0)
        return SID_OK;
    enum sid_err err = grow(buf, len);
    if (err != SID_OK)
        return err;
    memcpy(buf->ptr + buf->len, ptr, len);
    buf->len += len;
    return SID_OK;
}

enum sid_err
sid_buf_append_str(struct sid_buf *buf, const char *str) {
    return sid_buf_append(buf, str, strlen(str));
}

enum sid_err
sid_buf_printf(struct sid_buf *buf, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    enum sid_err err = n < 0 ? SID_E_NO_MEMORY : grow(buf, (size_t)n + 1);
    if (err == SID_OK) {
        (void)vsnprintf((char *)buf->ptr + buf->len, (size_t)n + 1, fmt, again);
        buf->len += (size_t)n;
    }
    va_end(again);
    return err;
}

void
sid_buf_move(struct sid_buf *take, struct sid_buf *out) {
    SID_ASSERT(out->ptr == NULL);
    *out = *take;
    *take = SID_BUF_EMPTY;
}

void
sid_buf_clear(struct sid_buf *buf) {
    sid_wipe(buf->ptr, buf->len);
    buf->len = 0;
}

void
sid_buf_free(struct sid_buf *buf) {
    /* The whole room: bytes beyond len may be left from a printf. */
    sid_wipe(buf->ptr, buf->cap);
    free(buf->ptr);
    *buf = SID_BUF_EMPTY;
}
