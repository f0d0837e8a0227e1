/* token.h: the code, version 1: what the QR shows.
 *
 * "SID1:" + Base45 of 34 bytes = 56 characters of the QR alphanumeric set:
 *   byte 0       version (1)
 *   byte 1       key id
 *   bytes 2-17   handle: one AES-256 block: serial u64, not_after u32 (Unix s),
 *                kind u8 (0 day code, 1 live code), draw u24 (of a live code
 *                random, else 0); big endian
 *   bytes 18-33  HMAC-SHA-256 over "SID1" and bytes 0-17, first 16 bytes
 * Nothing personal is inside, and two codes of one person have nothing in
 * common. Pure: no clock, no socket, no SQL. Any thread. */
#ifndef SMARTID_TOKEN_H
#define SMARTID_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartid/err.h"
#include "smartid/keyring.h"

#define SID_TOKEN_PREFIX "SID1:"
#define SID_TOKEN_BYTES 34
#define SID_TOKEN_CHARS 56
#define SID_TOKEN_SIZE (SID_TOKEN_CHARS + 1)

enum sid_token_kind { SID_TOKEN_DAY = 0, SID_TOKEN_LIVE = 1 };

/* Life of a live code. Source: issue 5, letter C. */
#define SID_TOKEN_LIVE_S 60
#define SID_TOKEN_DRAW_MAX 0xffffffu

struct sid_token {
    uint64_t serial;      /* the credential's */
    uint32_t not_after_s; /* Unix seconds; the code is dead at this second,
                             grace and skew apart */
    enum sid_token_kind kind;
    uint8_t key_id;
    uint32_t draw; /* 0..SID_TOKEN_DRAW_MAX: no two live codes are the same,
                      each can be used up alone; 0 in day codes */
};

/* Writes the code's 56 characters and a NUL under key token->key_id.
 * Deterministic: the same token gives the same characters. Errors:
 * SID_E_CODE_KEY (no such key), SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err sid_token_make(const struct sid_keyring *ring,
                                         const struct sid_token *token,
                                         char out[SID_TOKEN_SIZE]);

/* The code inside what a scanner that types like a keyboard sends: without CR,
 * LF and TAB at both ends, and without blanks at the end as far as the text is
 * longer than a code, which may have a blank there. Borrowed from text. */
struct sid_span sid_token_strip(const char *text, size_t text_len);

/* Reads and judges a code as a ladder of refusals, in this order: length,
 * alphabet, version (and prefix), key id, MAC (constant time), content, time.
 * It has expired when now_s >= not_after_s + grace_s + skew_s. It is from a
 * future that no window of ours reaches (SID_E_CODE_EARLY) when
 * not_after_s > now_s + period_s + skew_s. A live code has a period of
 * SID_TOKEN_LIVE_S and no grace: the clock that made it judges it, and whoever
 * shows it gets the next one at once. *out is written on success and also
 * on the two errors of time, so that the audit row can name the credential.
 * Errors: SID_E_CODE_LENGTH, _ALPHABET, _VERSION, _KEY, _MAC, _CONTENT,
 * _EXPIRED, _EARLY; SID_E_CRYPTO. */
struct sid_token_times {
    int64_t now_s;
    int64_t period_s;
    int64_t grace_s;
    int64_t skew_s;
};
SID_FALLIBLE enum sid_err sid_token_open(const struct sid_keyring *ring,
                                         const char *text, size_t text_len,
                                         const struct sid_token_times *times,
                                         struct sid_token *out);

/* Whether an outcome of sid_token_open() tells about the code: all but a
 * failure of our own, after which nothing is known about it. */
bool sid_token_judged(enum sid_err outcome);

/* The window of a credential that contains now_s: [*not_before_s,
 * *not_after_s), starting at issued_at_s and period_s long, so that the
 * change-over is spread over the day. Before issued_at_s: the first window. */
void sid_token_window(int64_t issued_at_s, int64_t period_s, int64_t now_s,
                      int64_t *not_before_s, int64_t *not_after_s);

#endif
