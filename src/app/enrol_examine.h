/* enrol_examine.h: a job's photos, looked at. Private to src/app. */
#ifndef SMARTID_ENROL_EXAMINE_H
#define SMARTID_ENROL_EXAMINE_H

#include "app_internal.h"
#include "examiner.h"

/* Looks at the photos of a job that has begun, in their order; a worker that
 * has nothing to do takes every other one. facts: SID_PHOTO_KINDS, zeroed; the
 * caller frees them in any case. portrait: NULL, or room for that of the
 * selfie. *broken: the photo that nobody could look at, after which none is
 * begun; or SID_PHOTO_NONE. On the worker's thread. Errors: those of
 * sid_examiner_examine() and sid_subject_open(). */
SID_FALLIBLE enum sid_err sid_enrol_examine(struct sid_enrol_job *job,
                                            struct sid_examiner *examiner,
                                            uint8_t *portrait,
                                            struct sid_photo_facts *facts,
                                            enum sid_photo_kind *broken);

#endif
