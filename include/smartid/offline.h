/* offline.h: the code for a counter without a network: what it tells stands in
 * it, signed, so that whoever has the public key can check it.
 *
 * "SIDO1:" + Base45 of
 *   byte 0       version (1)
 *   byte 1       key id
 *   byte 2       what it tells (enum sid_offline_kind)
 *   bytes 3-6    issued at u32, bytes 7-10 not after u32 (Unix s), big endian
 *   then         over 18: one byte, 0 or 1; identity: length u8 and name,
 *                18 characters of the ID number
 *   last 64      Ed25519 signature over "SIDO1:" and all bytes before
 * Weaker than an online code: a revocation after it was issued is not seen, and
 * whoever has a picture of it can show it. No key of the daemon's is needed to
 * check it, and none that can check it can make one. Pure. Any thread. */
#ifndef SMARTID_OFFLINE_H
#define SMARTID_OFFLINE_H

#include "smartid/enrolment.h"
#include "smartid/err.h"
#include "smartid/sign.h"

#define SID_OFFLINE_PREFIX "SIDO1:"
#define SID_OFFLINE_LIFE_MAX_S 86400 /* Source: issue 5, letter J */
/* How often counters fetch the public keys: no key signs that is younger, as
 * long as there is an older one. Source: README. */
#define SID_OFFLINE_FETCH_S 86400
/* Bytes at most: head, name with its length, number, signature. */
#define SID_OFFLINE_BYTES                                                      \
    (11 + SID_NAME_SIZE + SID_IDNUMBER_CHARS + SID_SIGNATURE_BYTES)
#define SID_OFFLINE_SIZE 341 /* characters at most, and NUL */

enum sid_offline_kind {
    SID_OFFLINE_NONE = 0,
    SID_OFFLINE_AGE = 1,      /* over 18 or not, and nothing else */
    SID_OFFLINE_IDENTITY = 2, /* name and ID number */
};
/* "age_over_18", "identity". NONE for another word. */
enum sid_offline_kind sid_offline_kind_parse(const char *word);
const char *sid_offline_kind_name(enum sid_offline_kind kind);

struct sid_offline {
    uint8_t key_id;
    enum sid_offline_kind kind;
    uint32_t issued_at_s;
    uint32_t not_after_s; /* dead at this second */
    bool age_over_18;     /* of SID_OFFLINE_AGE */
    char name[SID_NAME_SIZE];
    char id_number[SID_IDNUMBER_SIZE];
};
void sid_offline_fini(struct sid_offline *offline);

/* Writes the code. Errors: SID_E_CRYPTO, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_offline_make(const struct sid_sign_key *key,
                                           const struct sid_offline *offline,
                                           char out[SID_OFFLINE_SIZE]);

/* The public key of a key id, or NULL. */
typedef const uint8_t *sid_offline_key_fn(uint8_t key_id, const void *ctx);
/* Reads and judges a code as of now_s; clocks of counters may be off by
 * skew_s. *out is written on success, and on the errors of time. Errors:
 * SID_E_CODE_LENGTH, _ALPHABET, _VERSION (also another prefix), _KEY (an
 * unknown key), _MAC (the signature), _CONTENT, _EXPIRED, _EARLY. */
SID_FALLIBLE enum sid_err sid_offline_open(const char *text, size_t len,
                                           sid_offline_key_fn *key_of,
                                           const void *ctx, int64_t now_s,
                                           int64_t skew_s,
                                           struct sid_offline *out);

#endif
