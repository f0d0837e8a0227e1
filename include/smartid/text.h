/* text.h: small pure helpers on text: encodings, UTF-8, bounded copies.
 * Any thread; nothing is owned. */
#ifndef SMARTID_TEXT_H
#define SMARTID_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartid/buf.h"
#include "smartid/err.h"

/* Copies a C string into <out, out_size> with NUL. Errors: SID_E_ARGUMENT when
 * it does not fit (out untouched). */
SID_FALLIBLE enum sid_err sid_text_copy(char *out, size_t out_size,
                                        const char *text);

/* A number in decimal digits alone, from min (at least 0) to max. Errors:
 * SID_E_ARGUMENT. */
SID_FALLIBLE enum sid_err sid_text_number(const char *text, int64_t min,
                                          int64_t max, int64_t *out);

/* Lower-case hex of <in, len>; out has 2*len+1 bytes. */
void sid_hex_encode(const void *in, size_t len, char *out);
/* Reads exactly 2*len hex digits. Errors: SID_E_ARGUMENT. */
SID_FALLIBLE enum sid_err sid_hex_decode(const char *text, void *out,
                                         size_t len);

/* Crockford base32, lower case, most significant bits first, no padding:
 * ceil(len*8/5) characters and a NUL. */
#define SID_BASE32_CHARS(len) (((len)*8 + 4) / 5)
void sid_base32_encode(const void *in, size_t len, char *out);
/* True when all `len` characters are of that alphabet. */
bool sid_base32_clean(const char *text, size_t len);

/* Base45 (RFC 9285). Encoded length of len bytes, without NUL. */
#define SID_BASE45_CHARS(len) ((len) / 2 * 3 + (len) % 2 * 2)
void sid_base45_encode(const void *in, size_t len, char *out);
/* True when all `len` characters are of the Base45 alphabet, which is also the
 * QR alphanumeric set. */
bool sid_base45_clean(const char *text, size_t len);
/* Decodes <text, text_len> into <out, out_cap>, sets *out_len. Errors:
 * SID_E_ARGUMENT for length 1 mod 3, a character outside the alphabet, a value
 * over 65535 (three) or 255 (two), or too little room. */
SID_FALLIBLE enum sid_err sid_base45_decode(const char *text, size_t text_len,
                                            void *out, size_t out_cap,
                                            size_t *out_len);

/* Base64 (RFC 4648, section 4) with padding. Encoded length, without NUL. */
#define SID_BASE64_CHARS(len) (((len) + 2) / 3 * 4)
void sid_base64_encode(const void *in, size_t len, char *out);
/* Decodes <text, text_len> into <out, out_cap>, sets *out_len. The bits of the
 * last character that belong to no byte are ignored, as RFC 4648, 3.5 allows:
 * the keys that WeChat hands out have them set. Errors: SID_E_ARGUMENT (out
 * untouched) for a length that is no multiple of 4, a character outside the
 * alphabet (blanks and line ends too), padding elsewhere than at the end, or
 * too little room. */
SID_FALLIBLE enum sid_err sid_base64_decode(const char *text, size_t text_len,
                                            void *out, size_t out_cap,
                                            size_t *out_len);

/* Appends text with every byte but A-Z a-z 0-9 - . _ ~ as %XX (RFC 3986, 2.3):
 * fit for a query's value. Errors: SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_percent_append(struct sid_buf *out,
                                             const char *text);

/* True when <text,len> is well-formed UTF-8 without NUL, and without control
 * characters (below U+0020, U+007F..U+009F, U+2028, U+2029). */
bool sid_utf8_clean(const char *text, size_t len);
/* Number of code points of clean UTF-8. */
size_t sid_utf8_count(const char *text, size_t len);

#endif
