/* text.c: encodings and UTF-8, without tables that must be built first. Any
 * thread; owns nothing. */
#include "smartid/text.h"

#include <string.h>

enum sid_err
sid_text_copy(char *out, size_t out_size, const char *text) {
    size_t len = strlen(text);
    if (len >= out_size)
        return SID_E_ARGUMENT;
    memcpy(out, text, len + 1);
    return SID_OK;
}

enum sid_err
sid_text_number(const char *text, int64_t min, int64_t max, int64_t *out) {
    int64_t n = 0;
    if (text[0] == '\0')
        return SID_E_ARGUMENT;
    for (const char *at = text; *at != '\0'; at++) {
        int digit = *at - '0';
        if (digit < 0 || digit > 9 || n > (INT64_MAX - digit) / 10)
            return SID_E_ARGUMENT;
        n = n * 10 + digit;
    }
    if (n < min || n > max)
        return SID_E_ARGUMENT;
    *out = n;
    return SID_OK;
}

void
sid_hex_encode(const void *in, size_t len, char *out) {
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = in;
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * len] = '\0';
}

static int
hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

enum sid_err
sid_hex_decode(const char *text, void *out, size_t len) {
    if (strnlen(text, 2 * len + 1) != 2 * len)
        return SID_E_ARGUMENT;
    for (size_t i = 0; i < 2 * len; i++) {
        if (hex_digit(text[i]) < 0)
            return SID_E_ARGUMENT;
    }
    uint8_t *bytes = out;
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)((unsigned)hex_digit(text[2 * i]) << 4 |
                             (unsigned)hex_digit(text[2 * i + 1]));
    return SID_OK;
}

/* Without i, l, o, u. Source: Crockford, Base 32. */
static const char base32_digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

void
sid_base32_encode(const void *in, size_t len, char *out) {
    const uint8_t *bytes = in;
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < len; i++) {
        bits = (bits << 8 | bytes[i]) & 0xfff;
        for (have += 8; have >= 5; have -= 5)
            *out++ = base32_digits[bits >> (have - 5) & 31];
    }
    if (have > 0)
        *out++ = base32_digits[bits << (5 - have) & 31];
    *out = '\0';
}

static bool
is_base32(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z' && c != 'i' &&
                                      c != 'l' && c != 'o' && c != 'u');
}

bool
sid_base32_clean(const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (!is_base32(text[i]))
            return false;
    }
    return true;
}

/* Source: RFC 9285, table 1. */
static const char base45_digits[] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

static int
base45_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'Z')
        return c - 'A' + 10;
    for (int i = 36; base45_digits[i] != '\0'; i++) {
        if (base45_digits[i] == c)
            return i;
    }
    return -1;
}

void
sid_base45_encode(const void *in, size_t len, char *out) {
    const uint8_t *bytes = in;
    for (; len >= 2; len -= 2, bytes += 2) {
        unsigned n = bytes[0] * 256u + bytes[1];
        *out++ = base45_digits[n % 45];
        *out++ = base45_digits[n / 45 % 45];
        *out++ = base45_digits[n / 2025];
    }
    if (len == 1) {
        *out++ = base45_digits[bytes[0] % 45];
        *out++ = base45_digits[bytes[0] / 45];
    }
    *out = '\0';
}

bool
sid_base45_clean(const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (base45_value(text[i]) < 0)
            return false;
    }
    return true;
}

/* The number that <text, len> (2 or 3 characters, least significant first)
 * stands for; -1 for a character outside the alphabet. */
static int
base45_number(const char *text, size_t len) {
    int n = 0;
    for (size_t i = len; i > 0; i--) {
        int value = base45_value(text[i - 1]);
        if (value < 0)
            return -1;
        n = n * 45 + value;
    }
    return n;
}

/* One pass over the text; writes only where out is not NULL. */
static bool
base45_pass(const char *text, size_t text_len, uint8_t *out) {
    for (size_t i = 0, o = 0; i < text_len; i += 3) {
        size_t chars = text_len - i >= 3 ? 3 : 2;
        int n = base45_number(text + i, chars);
        if (n < 0 || n > (chars == 3 ? 65535 : 255))
            return false;
        if (out == NULL)
            continue;
        if (chars == 3)
            out[o++] = (uint8_t)(n >> 8);
        out[o++] = (uint8_t)(n & 255);
    }
    return true;
}

enum sid_err
sid_base45_decode(const char *text, size_t text_len, void *out, size_t out_cap,
                  size_t *out_len) {
    if (text_len % 3 == 1)
        return SID_E_ARGUMENT;
    size_t need = text_len / 3 * 2 + (text_len % 3 == 2 ? 1 : 0);
    if (need > out_cap || !base45_pass(text, text_len, NULL))
        return SID_E_ARGUMENT;
    (void)base45_pass(text, text_len, out);
    *out_len = need;
    return SID_OK;
}

enum sid_err
sid_percent_append(struct sid_buf *out, const char *text) {
    enum sid_err err = SID_OK;
    for (; *text != '\0' && err == SID_OK; text++) {
        bool plain = (*text >= 'A' && *text <= 'Z') ||
                     (*text >= 'a' && *text <= 'z') ||
                     (*text >= '0' && *text <= '9') || *text == '-' ||
                     *text == '.' || *text == '_' || *text == '~';
        err = plain ? sid_buf_append(out, text, 1)
                    : sid_buf_printf(out, "%%%02X", (unsigned char)*text);
    }
    return err;
}

/* Reads one code point of well-formed UTF-8 (no overlong form, no surrogate,
 * nothing over U+10FFFF). Returns its bytes, 0 when it is malformed.
 * Source: RFC 3629, section 4. */
static size_t
utf8_read(const uint8_t *at, size_t left, uint32_t *out) {
    if (at[0] < 0x80) {
        *out = at[0];
        return 1;
    }
    size_t len = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (at[0] < 0xc2 || at[0] > 0xf4 || len > left)
        return 0;
    uint32_t code = at[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (at[i] & 0x3fu);
    }
    if (code < least[len] || code > 0x10ffff ||
        (code >= 0xd800 && code <= 0xdfff))
        return 0;
    *out = code;
    return len;
}

static bool
is_control(uint32_t code) {
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x2028 ||
           code == 0x2029;
}

bool
sid_utf8_clean(const char *text, size_t len) {
    const uint8_t *at = (const uint8_t *)text;
    while (len > 0) {
        uint32_t code;
        size_t n = utf8_read(at, len, &code);
        if (n == 0 || is_control(code))
            return false;
        at += n;
        len -= n;
    }
    return true;
}

size_t
sid_utf8_count(const char *text, size_t len) {
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += ((uint8_t)text[i] & 0xc0) != 0x80;
    return count;
}
