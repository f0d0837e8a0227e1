/* apikey.h: keys of apps, clerks, officers and admins, and secrets of holders.
 *
 * A key is "sidk_<12 base32>_<52 base32>": a public name for the look-up and
 * 256 random bits. Only SHA-256 of the whole text is stored. The set of keys is
 * kept in memory (struct sid_keyset) so that a request can be refused before
 * its body is read; it is replaced as a whole when a key is added or revoked.
 * The set is thread safe (rwlock). */
#ifndef SMARTID_APIKEY_H
#define SMARTID_APIKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartid/err.h"
#include "smartid/mac.h"
#include "smartid/rand.h"

enum sid_role {
    SID_ROLE_NONE = 0,    /* no key */
    SID_ROLE_HOLDER = 1,  /* the person: secret of one enrolment */
    SID_ROLE_APP = 2,     /* an app's backend that enrols people */
    SID_ROLE_CLERK = 4,   /* verifies codes for granted purposes */
    SID_ROLE_OFFICER = 8, /* decides reviews, revokes */
    SID_ROLE_ADMIN = 16,  /* manages keys */
};

/* "app" … Errors: SID_E_ARGUMENT (holder and none cannot be asked for). */
SID_FALLIBLE enum sid_err sid_role_parse(const char *text, enum sid_role *out);
const char *sid_role_name(enum sid_role role);

#define SID_APIKEY_NAME_CHARS 12
#define SID_APIKEY_CHARS 70 /* sidk_ + 12 + _ + 52 */
#define SID_APIKEY_SIZE (SID_APIKEY_CHARS + 1)
#define SID_HOLDER_SECRET_CHARS 57 /* sidh_ + 52 */
#define SID_HOLDER_SECRET_SIZE (SID_HOLDER_SECRET_CHARS + 1)
#define SID_CLIENT_NAME_SIZE 65 /* 64 bytes of UTF-8 and NUL */

/* A client, as stored. */
struct sid_client {
    char id[SID_ID_SIZE];                     /* "cli_…" */
    char key_name[SID_APIKEY_NAME_CHARS + 1]; /* public part of the key */
    uint8_t key_hash[SID_SHA256_BYTES];
    char name[SID_CLIENT_NAME_SIZE];
    enum sid_role role;
    uint32_t purposes; /* bits of enum sid_purpose; clerks only */
    int64_t created_at_s;
    int64_t expires_at_s; /* dead from this second on */
    int64_t revoked_at_s; /* 0: not revoked */
};

/* Makes a new key: the text (shown once, then wiped by the caller) and the
 * fields key_name and key_hash of *client. Errors: SID_E_IO, SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err sid_apikey_make(struct sid_client *client,
                                          char out[SID_APIKEY_SIZE]);

/* A holder's secret is derived, never stored: HMAC under the keyring's holder
 * key over enrolment id and generation, so that a retried enrolment can return
 * the same one. Stored is its SHA-256. Errors: SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err
sid_holder_secret_make(const struct sid_mac_key *holder_key,
                       const char *enrolment_id, uint32_t generation,
                       char out[SID_HOLDER_SECRET_SIZE],
                       uint8_t hash[SID_SHA256_BYTES]);

struct sid_keyset;
SID_FALLIBLE enum sid_err sid_keyset_new(struct sid_keyset **out);
void sid_keyset_free(struct sid_keyset **set);
/* Adds or, for a known id, replaces. Errors: SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_keyset_put(struct sid_keyset *set,
                                         const struct sid_client *client);

/* The client with this id can no longer prove itself. Unknown ids: nothing. */
void sid_keyset_revoke(struct sid_keyset *set, const char *client_id);

/* Who is asking, as far as the Authorization header tells. */
struct sid_caller {
    enum sid_role role;          /* NONE when nobody was proven */
    char client_id[SID_ID_SIZE]; /* "" for none and holder */
    uint32_t purposes;
    bool has_holder_secret; /* a well-formed holder secret was shown; it
                               proves nothing until compared with the hash
                               of the object that is asked for */
    uint8_t holder_hash[SID_SHA256_BYTES];
};

/* Judges the text behind "Bearer ". An unknown, revoked or expired key all give
 * SID_E_UNAUTHENTICATED, in the same time (hash compared in constant time, a
 * dummy for unknown names). A holder secret gives role SID_ROLE_HOLDER with
 * has_holder_secret. Errors: SID_E_UNAUTHENTICATED, SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err sid_keyset_check(struct sid_keyset *set,
                                           const char *text, size_t len,
                                           int64_t now_s,
                                           struct sid_caller *out);

#endif
