/* apikey.h: keys of apps, clerks, officers and admins, and secrets of holders.
 *
 * A key is "sidk_<12 base32>_<52 base32>": a public name for the look-up and
 * 256 random bits. Only SHA-256 of the whole text is stored. The set of keys is
 * kept in memory (struct sid_keyset) so that a request can be refused before
 * its body is read; it changes in place when a key is added or revoked.
 * The set is thread safe (rwlock). */
#ifndef SMARTID_APIKEY_H
#define SMARTID_APIKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartid/err.h"
#include "smartid/mac.h"
#include "smartid/network.h"
#include "smartid/purpose.h"
#include "smartid/quota.h"
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
    /* Clerks only, else "": what they were granted, known here or not, and for
     * whom they ask. */
    char purpose_names[SID_PURPOSE_NAMES_SIZE];
    char party[SID_CLIENT_NAME_SIZE];
    struct sid_networks networks; /* where it may be used; none: anywhere */
    int64_t per_minute; /* requests; 0: what the settings say of its role */
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

/* What changes about a key while it is in use. */
struct sid_key_state {
    sid_bucket bucket;
    _Atomic bool revoked;
};

#define SID_CHANNEL_SIZE 41
/* Who is asking, as far as the Authorization header tells. */
struct sid_caller {
    enum sid_role role;          /* NONE when nobody was proven */
    char client_id[SID_ID_SIZE]; /* "" for none and holder */
    /* Clerks: granted bits of this set, which lives as long as the keyset's
     * owner keeps it (see sid_keyset_use_purposes()). */
    uint64_t purposes;
    const struct sid_purposes *purpose_set;
    char party[SID_CLIENT_NAME_SIZE]; /* clerks: for whom they ask */
    int64_t per_minute;               /* as stored */
    struct sid_key_state *key; /* borrowed from the keyset, lives as long as it;
                                  NULL: no key was shown */
    bool has_holder_secret;    /* a well-formed holder secret was shown; it
                                  proves nothing until compared with the hash
                                  of the object that is asked for */
    uint8_t holder_hash[SID_SHA256_BYTES];
    /* Through which channel a holder acts, for the record: "wechat:ACCOUNT";
     * "" when by the secret itself. */
    char channel[SID_CHANNEL_SIZE];
};

/* Why a key was refused: for the record, never for the asker. X(symbol, word
 * of the audit log) */
#define SID_KEY_REFUSAL_MAP(X)                                                 \
    X(SID_KEY_MALFORMED, "key_malformed")                                      \
    X(SID_KEY_UNKNOWN, "key_unknown")                                          \
    X(SID_KEY_WRONG, "key_wrong") /* a known name, not its secret */           \
    X(SID_KEY_REVOKED, "key_revoked")                                          \
    X(SID_KEY_EXPIRED, "key_expired")                                          \
    X(SID_KEY_ELSEWHERE, "key_from_elsewhere") /* not in its networks */
enum sid_key_refusal {
#define SID_KEY_REFUSAL_ENUM(sym, word) sym,
    SID_KEY_REFUSAL_MAP(SID_KEY_REFUSAL_ENUM)
#undef SID_KEY_REFUSAL_ENUM
        SID_KEY_REFUSAL_COUNT
};
const char *sid_key_refusal_name(enum sid_key_refusal refusal);

struct sid_refused_key {
    enum sid_key_refusal why;
    char client_id[SID_ID_SIZE];  /* whose key it was; "" when not proven */
    char claimed_id[SID_ID_SIZE]; /* whose key's name was shown; "" when of
                                     nobody */
};

/* ---- the set ----------------------------------------------------------- */
struct sid_keyset;
SID_FALLIBLE enum sid_err sid_keyset_new(struct sid_keyset **out);
void sid_keyset_free(struct sid_keyset **set);
/* Adds or, for a known id, replaces. Errors: SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_keyset_put(struct sid_keyset *set,
                                         const struct sid_client *client);

/* The client with this id can no longer prove itself. Unknown ids: nothing. */
void sid_keyset_revoke(struct sid_keyset *set, const char *client_id);
/* What another daemon has done: puts a client that is not known, revokes one
 * that is revoked, and leaves alone what is the same. Errors: SID_E_NO_MEMORY.
 */
SID_FALLIBLE enum sid_err sid_keyset_follow(struct sid_keyset *set,
                                            const struct sid_client *client);

/* From now on grants are resolved against this set (borrowed; callers keep
 * pointing to it, so it has to outlive the keyset's last caller). unknown (may
 * be NULL) is told of each grant of a key in use that the set does not know;
 * under the lock: it must not call the keyset. */
typedef void sid_keyset_unknown_fn(const char *client_id, const char *purpose,
                                   void *ctx);
void sid_keyset_use_purposes(struct sid_keyset *set,
                             const struct sid_purposes *purposes,
                             sid_keyset_unknown_fn *unknown, void *ctx);

/* Judges the text behind "Bearer " that came from this address. An unknown,
 * revoked or expired key and one from elsewhere all give
 * SID_E_UNAUTHENTICATED, in the same time (hash compared in constant time, a
 * dummy for unknown names); *refused (may be NULL) then says more, and the
 * client's failures are counted. A holder secret gives role SID_ROLE_HOLDER
 * with has_holder_secret. Errors: SID_E_UNAUTHENTICATED, SID_E_CRYPTO. */
struct sid_shown_key {
    const char *text;
    size_t len;
    const struct sid_address *from; /* NULL: nowhere that networks know */
};
SID_FALLIBLE enum sid_err sid_keyset_check(struct sid_keyset *set,
                                           const struct sid_shown_key *shown,
                                           int64_t now_s,
                                           struct sid_caller *out,
                                           struct sid_refused_key *refused);

/* Judges the client's key as if it had been shown by somebody who has shown it
 * before. Errors: SID_E_UNAUTHENTICATED (no such client, or a key that is not
 * good any more, or not from there); *refused says more. */
struct sid_stand_in {
    const char *client_id;
    const struct sid_address *from; /* NULL: nowhere that networks know */
    bool anywhere;                  /* its networks are not looked at */
};
SID_FALLIBLE enum sid_err sid_keyset_stand_in(struct sid_keyset *set,
                                              const struct sid_stand_in *one,
                                              int64_t now_s,
                                              struct sid_caller *out,
                                              struct sid_refused_key *refused);

/* The role of a client, dead or alive. Errors: SID_E_NOT_FOUND. */
SID_FALLIBLE enum sid_err sid_keyset_role(struct sid_keyset *set,
                                          const char *client_id,
                                          enum sid_role *out);

/* Refused keys that bore the name of this client's, since the start. */
uint64_t sid_keyset_failures(struct sid_keyset *set, const char *client_id);

/* Keys that are not revoked, by how long they still live. */
#define SID_KEY_WARN_SOON_S (7 * 86400)
#define SID_KEY_WARN_S (30 * 86400)
struct sid_key_ages {
    int64_t soon;    /* expire within SID_KEY_WARN_SOON_S */
    int64_t warn;    /* within SID_KEY_WARN_S, the former included */
    int64_t expired; /* have expired */
};
void sid_keyset_ages(struct sid_keyset *set, enum sid_role role, int64_t now_s,
                     struct sid_key_ages *out);

#endif
