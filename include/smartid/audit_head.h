/* audit_head.h: a signed head: "at this time the log ended with this row".
 *
 * Heads lie in a second place, so that a tail that was cut off, or a whole file
 * that was replaced by an older one, shows. Signed with Ed25519: whoever has
 * the public key can check them, and cannot make one. Each names the head
 * before it, so that a head that was taken away shows too. Pure. Any thread. */
#ifndef SMARTID_AUDIT_HEAD_H
#define SMARTID_AUDIT_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartid/err.h"
#include "smartid/sign.h"

/* Which log a head belongs to: the first bytes of SHA-256 of the public key,
 * which every database has of its own. */
#define SID_CHAIN_ID_BYTES 8

struct sid_audit_head {
    uint8_t chain[SID_CHAIN_ID_BYTES];
    int64_t after; /* row of the last head in the daemon's file; 0: none */
    int64_t seq;   /* the last row, from 1 */
    int64_t at_s;  /* when the head was made, Unix seconds */
    uint8_t mac[SID_SHA256_BYTES]; /* of that row */
    uint8_t signature[SID_SIGNATURE_BYTES];
};

/* One line of text, the same in the file and in the log:
 *   version=1 chain=<16 hex> after=<n> seq=<n> time=<RFC 3339> mac=<64 hex>
 *   sig=<128 hex>
 * The signature is over "smartid audit head\n" and the line up to " sig=". */
#define SID_HEAD_TEXT_SIZE 384

/* Errors: SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err
sid_chain_id(const uint8_t public_key[SID_PUBLIC_KEY_BYTES],
             uint8_t out[SID_CHAIN_ID_BYTES]);
/* Fills chain and signature. Errors: SID_E_CRYPTO, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_head_sign(const struct sid_sign_key *key,
                                        struct sid_audit_head *head);
/* *good: whether the head belongs to the owner of the public key and is whole.
 * Errors: SID_E_CRYPTO (it could not be found out; out untouched). */
SID_FALLIBLE enum sid_err
sid_head_check(const uint8_t public_key[SID_PUBLIC_KEY_BYTES],
               const struct sid_audit_head *head, bool *good);
/* The same for who does not believe what could not be found out. */
bool sid_head_verify(const uint8_t public_key[SID_PUBLIC_KEY_BYTES],
                     const struct sid_audit_head *head);

/* Without newline. */
void sid_head_print(const struct sid_audit_head *head,
                    char out[SID_HEAD_TEXT_SIZE]);
/* Reads a line of a file of heads or of the daemon's log; what stands before
 * "version=1 chain=" is passed over. Errors: SID_E_ARGUMENT (out untouched). */
SID_FALLIBLE enum sid_err sid_head_parse(const char *line,
                                         struct sid_audit_head *out);

#endif
