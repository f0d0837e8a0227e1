/* migrate.h: whether what is sealed in a copy of a database opens. Private to
 * src/ctl. Single threaded. */
#ifndef SID_CTL_MIGRATE_H
#define SID_CTL_MIGRATE_H

#include "ctl.h"

/* People that are looked at, spread over all. Source: own choice: a second's
 * work; that each row is the same as before is shown for all of them. */
#define SID_SEAL_SAMPLE 300

struct sid_seal_check {
    const struct sid_keyring *keys; /* borrowed */
    struct sid_store *copy;         /* borrowed, not in a transaction */
    struct sid_store *original;     /* the same; NULL: there is none */
    int64_t opened, photos;         /* photos: how many of the opened */
    int64_t bad;
    int64_t dead; /* do not open in the original either */
};
/* Opens what is sealed of this person: holder, credentials, face, portrait,
 * photos. ctx is the check. Errors: those of the store. */
enum sid_err sid_seal_check_person(const char *enrolment_id, void *ctx);

#endif
