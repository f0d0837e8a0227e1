/* subject.h: a person's own keys, under which all that is stored about them is
 * sealed.
 *
 * Two random keys for each enrolment: one for the statement and the photos,
 * one, under a branch of its own, for the face template. Both lie beside the
 * rows, wrapped by the ring's data and template keys; whoever forgets them has
 * erased the person, copies and backups of the rows included. Pure but for the
 * random bytes. Any thread; nothing is owned. */
#ifndef SMARTID_SUBJECT_H
#define SMARTID_SUBJECT_H

#include <stdint.h>

#include "smartid/aead.h"
#include "smartid/err.h"
#include "smartid/keyring.h"

/* As stored. A version of 0 says that the key was never made or is forgotten.
 */
struct sid_subject_key {
    int data_version;
    uint8_t data_wrapped[SID_WRAPPED_BYTES];
    int template_version;
    uint8_t template_wrapped[SID_WRAPPED_BYTES];
};

/* Makes both keys for the subject of this id ("enr_…") and wraps them under the
 * current versions. Errors: SID_E_CRYPTO (no current version), SID_E_IO,
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_subject_make(const struct sid_keyring *ring,
                                           const char *subject,
                                           struct sid_subject_key *out);

/* Wraps again what is not under the current versions; *changed says whether
 * something was. Errors: as sid_subject_open(). */
SID_FALLIBLE enum sid_err sid_subject_rewrap(const struct sid_keyring *ring,
                                             const char *subject,
                                             struct sid_subject_key *key,
                                             bool *changed);

/* Replaces the template key by a fresh one under the current version. What was
 * sealed under the old one must be sealed again. Errors: as sid_subject_make().
 */
SID_FALLIBLE enum sid_err
sid_subject_renew_template(const struct sid_keyring *ring, const char *subject,
                           struct sid_subject_key *key);

/* One of the two keys and whose it is; all borrowed. */
struct sid_subject {
    const struct sid_keyring *ring;
    const char *id;
    const struct sid_subject_key *key;
    enum sid_key_use branch; /* SID_KEY_DATA or SID_KEY_TEMPLATE */
};

/* sid_seal() and sid_open() under a subject's key. Errors: those, and
 * SID_E_SEAL when the key does not open or is forgotten. */
SID_FALLIBLE enum sid_err sid_subject_seal(const struct sid_subject *subject,
                                           const struct sid_place *place,
                                           struct sid_span plain,
                                           struct sid_buf *out);
SID_FALLIBLE enum sid_err sid_subject_open(const struct sid_subject *subject,
                                           const struct sid_place *place,
                                           struct sid_span sealed,
                                           struct sid_buf *out);

#endif
