/* keyring.h: every key the daemon uses, derived from the one master key.
 *
 * HKDF-SHA-256 with a distinct info per use:
 *   smartidd/data/v1          personal fields and photos        (aead)
 *   smartidd/blind/v1         blind index of ID numbers         (mac)
 *   smartidd/holder/v1        holder secrets                    (mac)
 *   smartidd/audit/v1         chain of the audit log            (mac)
 *   smartidd/code/mac/<kid>   codes: MAC                        (mac)
 *   smartidd/code/handle/<kid> codes: handle block              (block)
 * Made before threads start, immutable afterwards: any thread. Owned by main.
 */
#ifndef SMARTID_KEYRING_H
#define SMARTID_KEYRING_H

#include <stdint.h>

#include "smartid/aead.h"
#include "smartid/err.h"
#include "smartid/mac.h"

struct sid_keyring;

/* Derives all keys from 32 master bytes (borrowed; the caller wipes them).
 * Errors: SID_E_CRYPTO, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_keyring_new(const uint8_t master[SID_KEY_BYTES],
                                          struct sid_keyring **out);
/* Reads the master key file and derives. Errors: those of
 * sid_secretfile_read() and of sid_keyring_new(). */
SID_FALLIBLE enum sid_err sid_keyring_load(const char *path,
                                           struct sid_keyring **out);
void sid_keyring_free(struct sid_keyring **ring);

const struct sid_aead_key *sid_keyring_data(const struct sid_keyring *ring);
const struct sid_mac_key *sid_keyring_blind(const struct sid_keyring *ring);
const struct sid_mac_key *sid_keyring_holder(const struct sid_keyring *ring);
const struct sid_mac_key *sid_keyring_audit(const struct sid_keyring *ring);

/* The code key new codes are made with. */
uint8_t sid_keyring_code_current(const struct sid_keyring *ring);
/* The two halves of code key `kid`. False when there is no such key. */
int sid_keyring_code(const struct sid_keyring *ring, uint8_t kid,
                     const struct sid_mac_key **mac,
                     const struct sid_block_key **handle);

#endif
