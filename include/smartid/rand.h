/* rand.h: random bytes and names made of them, straight from the kernel
 * (getrandom). Any thread; nothing is owned. */
#ifndef SMARTID_RAND_H
#define SMARTID_RAND_H

#include <stddef.h>

#include "smartid/err.h"

/* Fills <out, len>. Errors: SID_E_IO when the kernel has none (out wiped). */
SID_FALLIBLE enum sid_err sid_rand_bytes(void *out, size_t len);

/* An object's public name: a four-character prefix such as "enr_" and 26
 * characters of Crockford base32 (lower case) = 128 random bits, plus NUL. */
#define SID_ID_CHARS 30
#define SID_ID_SIZE (SID_ID_CHARS + 1)

/* Makes a fresh name. prefix: exactly four characters. Errors: SID_E_IO. */
SID_FALLIBLE enum sid_err sid_id_make(const char *prefix,
                                      char out[SID_ID_SIZE]);

/* True when text is prefix + 26 base32 characters, nothing else. */
int sid_id_valid(const char *prefix, const char *text);

#endif
