/* base64.c: Base64, for the protocols of others that want it. Any thread; owns
 * nothing. */
#include <string.h>

#include "smartid/text.h"

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
sid_base64_encode(const void *in, size_t len, char *out) {
    const uint8_t *bytes = in;
    for (; len > 0; bytes += 3) {
        size_t n = len < 3 ? len : 3;
        uint32_t bits = (uint32_t)bytes[0] << 16;
        if (n > 1)
            bits |= (uint32_t)bytes[1] << 8;
        if (n > 2)
            bits |= bytes[2];
        *out++ = digits[bits >> 18];
        *out++ = digits[bits >> 12 & 63];
        *out++ = n > 1 ? digits[bits >> 6 & 63] : '=';
        *out++ = n > 2 ? digits[bits & 63] : '=';
        len -= n;
    }
    *out = '\0';
}

static int
value_of(char c) {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

enum sid_err
sid_base64_decode(const char *text, size_t text_len, void *out, size_t out_cap,
                  size_t *out_len) {
    if (text_len % 4 != 0)
        return SID_E_ARGUMENT;
    size_t chars = text_len;
    while (chars > 0 && text_len - chars < 2 && text[chars - 1] == '=')
        chars--;
    size_t need = chars / 4 * 3 + (chars % 4 > 0 ? chars % 4 - 1 : 0);
    if (need > out_cap)
        return SID_E_ARGUMENT;
    for (size_t i = 0; i < chars; i++) {
        if (value_of(text[i]) < 0)
            return SID_E_ARGUMENT;
    }
    uint8_t *bytes = out;
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < chars; i++) {
        bits = (bits << 6 | (uint32_t)value_of(text[i])) & 0xffffff;
        have += 6;
        if (have >= 8) {
            have -= 8;
            *bytes++ = (uint8_t)(bits >> have);
        }
    }
    *out_len = need;
    return SID_OK;
}
