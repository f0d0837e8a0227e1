/* pseudonym.h: the name by which one relying party knows a person.
 *
 * Keyed, so that nobody without the daemon's key can make or reverse it, and
 * over the party's name and the blind index of the person's number: the same
 * for years and after another enrolment, and without anything in common between
 * two parties. Pure. Any thread. */
#ifndef SMARTID_PSEUDONYM_H
#define SMARTID_PSEUDONYM_H

#include <stdint.h>

#include "smartid/err.h"
#include "smartid/mac.h"

#define SID_PSEUDONYM_BYTES 16 /* of the MAC */
#define SID_PSEUDONYM_SIZE 31  /* psn_ + 26 base32 and NUL */

/* key: sid_keyring_pseudonym(). Errors: SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err
sid_pseudonym_make(const struct sid_mac_key *key, const char *party,
                   const uint8_t id_index[SID_SHA256_BYTES],
                   char out[SID_PSEUDONYM_SIZE]);

#endif
