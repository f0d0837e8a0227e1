/* keyring.h: every key the daemon works with, by use and version.
 *
 * Keys lie wrapped in the database (master.h) and are opened into the ring at
 * the start and when one is made. Of the root key come, by HKDF-SHA-256:
 *   smartidd/blind/v1          blind index of ID numbers         (mac)
 *   smartidd/holder/v1         holder secrets                    (mac)
 *   smartidd/audit/v1          chain of the audit log            (mac)
 *   smartidd/audit-head/v1     signature of the chain's head     (sign)
 *   smartidd/pseudonym/v1      pseudonyms of people              (mac)
 *   smartidd/webhook/v1        signature of what is sent out     (mac)
 * and of each code key, where <kid> is its version:
 *   smartidd/code/mac/<kid>    codes: MAC                        (mac)
 *   smartidd/code/handle/<kid> codes: handle block               (block)
 *   smartidd/code/offline/<kid> codes for counters without a
 *                              network: signature                (sign)
 * and of each template key:
 *   smartidd/transform/v1      turns face templates              (mac)
 * Several versions stand side by side; a version's key never changes.
 *
 * Threads: keys are put by main before threads start and by the writer later;
 * anybody may look up meanwhile, without a lock. What was looked up stays good
 * until the ring is freed, a retired key included. Owned by main. */
#ifndef SMARTID_KEYRING_H
#define SMARTID_KEYRING_H

#include <stdbool.h>
#include <stdint.h>

#include "smartid/aead.h"
#include "smartid/err.h"
#include "smartid/mac.h"
#include "smartid/master.h"
#include "smartid/sign.h"

#define SID_KEY_VERSION_MAX 255 /* a version is one byte in codes and seals */

struct sid_keyring;

/* An empty ring. Errors: SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_keyring_new(struct sid_keyring **out);
/* A ring with one random key of every use, version 1, made at 0 s: for tests
 * and for tools that only need some keys. seed: 32 bytes. Errors: those of
 * sid_keyring_put(). */
SID_FALLIBLE enum sid_err
sid_keyring_new_fixed(const uint8_t seed[SID_KEY_BYTES],
                      struct sid_keyring **out);
void sid_keyring_free(struct sid_keyring **ring);

/* Puts the key (borrowed) of this use and version; the highest version is the
 * current one. made_at_s: since when it is used. Errors: SID_E_EXISTS,
 * SID_E_ARGUMENT (version, or a second root key), SID_E_CRYPTO,
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_keyring_put(struct sid_keyring *ring,
                                          enum sid_key_use use, int version,
                                          int64_t made_at_s,
                                          const uint8_t key[SID_KEY_BYTES]);
/* The same, but it becomes the current one with sid_keyring_use() only: until
 * then what others make with it can be read. */
SID_FALLIBLE enum sid_err
sid_keyring_put_ahead(struct sid_keyring *ring, enum sid_key_use use,
                      int version, int64_t made_at_s,
                      const uint8_t key[SID_KEY_BYTES]);
/* Makes a version that was put the current one, unless a higher one is. */
void sid_keyring_use(struct sid_keyring *ring, enum sid_key_use use,
                     int version);
bool sid_keyring_has(const struct sid_keyring *ring, enum sid_key_use use,
                     int version);
/* From now on the version is not found any more. */
void sid_keyring_retire(struct sid_keyring *ring, enum sid_key_use use,
                        int version);
/* The version that new things are made with; 0 while there is none. */
int sid_keyring_current(const struct sid_keyring *ring, enum sid_key_use use);

/* A key that wraps data or template keys; NULL when there is no such version.
 */
const struct sid_aead_key *sid_keyring_wrap(const struct sid_keyring *ring,
                                            enum sid_key_use use, int version);

/* The key of the transform that face templates are turned by while they lie
 * under this version of the template key; NULL when there is none. */
const struct sid_mac_key *sid_keyring_transform(const struct sid_keyring *ring,
                                                int version);

/* Keys of the root; it must have been put. */
const struct sid_mac_key *sid_keyring_blind(const struct sid_keyring *ring);
const struct sid_mac_key *sid_keyring_holder(const struct sid_keyring *ring);
const struct sid_mac_key *sid_keyring_audit(const struct sid_keyring *ring);
const struct sid_mac_key *sid_keyring_pseudonym(const struct sid_keyring *ring);
const struct sid_mac_key *sid_keyring_webhook(const struct sid_keyring *ring);
const struct sid_sign_key *sid_keyring_head(const struct sid_keyring *ring);

/* The code key for a window that begins at at_s: the newest one made before
 * that second, so that a window keeps its key although another one is current
 * by now. When that was retired or is none, the next newer one; 0 when there is
 * none at all. */
int sid_keyring_code_at(const struct sid_keyring *ring, int64_t at_s);
/* The two halves of code key `kid`. False when there is no such key. */
bool sid_keyring_code(const struct sid_keyring *ring, int kid,
                      const struct sid_mac_key **mac,
                      const struct sid_block_key **handle);
/* The key that code key `kid` gives for signing; NULL when there is none. */
const struct sid_sign_key *sid_keyring_offline(const struct sid_keyring *ring,
                                               int kid);

#endif
