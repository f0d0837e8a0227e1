/* rand.c: random bytes from the kernel, and public names made of them. Any
 * thread; owns nothing. */
#include "smartid/rand.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#include "smartid/buf.h"
#include "smartid/text.h"

#define PREFIX_CHARS 4
#define ID_RANDOM_BYTES 16 /* 128 bits: no two alike in this world */
#define ID_STOCK_BYTES ((size_t)32 * ID_RANDOM_BYTES) /* own choice */

enum sid_err
sid_rand_bytes(void *out, size_t len) {
    uint8_t *at = out;
    size_t left = len;
    while (left > 0) {
        ssize_t n = getrandom(at, left, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            sid_wipe(out, len);
            return SID_E_IO;
        }
        at += n;
        left -= (size_t)n;
    }
    return SID_OK;
}

/* Bytes for this thread's next names, fetched together: a call to the kernel
 * takes longer than all the rest of a name. A name is public, so that nothing
 * is lost with what lies here; keys and nonces come from sid_rand_bytes(). A
 * process forked from here makes no names. */
static _Thread_local struct {
    uint8_t bytes[ID_STOCK_BYTES];
    size_t left;
} stock;

static enum sid_err
take_from_stock(uint8_t out[ID_RANDOM_BYTES]) {
    if (stock.left == 0) {
        enum sid_err err = sid_rand_bytes(stock.bytes, sizeof stock.bytes);
        if (err != SID_OK)
            return err;
        stock.left = sizeof stock.bytes;
    }
    stock.left -= ID_RANDOM_BYTES;
    memcpy(out, stock.bytes + stock.left, ID_RANDOM_BYTES);
    sid_wipe(stock.bytes + stock.left, ID_RANDOM_BYTES);
    return SID_OK;
}

enum sid_err
sid_id_make(const char *prefix, char out[SID_ID_SIZE]) {
    SID_ASSERT(strlen(prefix) == PREFIX_CHARS);
    uint8_t random[ID_RANDOM_BYTES];
    enum sid_err err = take_from_stock(random);
    if (err != SID_OK)
        return err;
    memcpy(out, prefix, PREFIX_CHARS);
    sid_base32_encode(random, sizeof random, out + PREFIX_CHARS);
    return SID_OK;
}

int
sid_id_valid(const char *prefix, const char *text) {
    return strlen(text) == SID_ID_CHARS &&
           memcmp(text, prefix, PREFIX_CHARS) == 0 &&
           sid_base32_clean(text + PREFIX_CHARS, SID_ID_CHARS - PREFIX_CHARS);
}
