/* examiner.h: who takes photos apart for one worker: an engine in the worker's
 * own thread, or a face process. Private to src/app.
 *
 * An examiner belongs to its worker's thread and owns its engine or process,
 * and the photo buffer that it shares with the process. */
#ifndef SMARTID_EXAMINER_H
#define SMARTID_EXAMINER_H

#include "smartid/buf.h"
#include "smartid/enrolment.h"
#include "smartid/err.h"
#include "smartid/models.h"
#include "smartid/policy.h"

#include "faceproc_internal.h"
#include "forkserver.h"

struct sid_examiner;

/* forkserver: borrowed for the examiner's life, face processes come from it;
 * NULL: an engine of this thread is made from models. Errors: SID_E_MODEL (see
 * sid_models_problem()), SID_E_NO_MEMORY, SID_E_IO (no face process can be
 * had). */
SID_FALLIBLE enum sid_err sid_examiner_new(struct sid_models *models,
                                           struct sid_forkserver *forkserver,
                                           struct sid_examiner **out);
void sid_examiner_free(struct sid_examiner **examiner);

/* Begins a job: sees to it that there is somebody to ask; before an attempt is
 * counted. Errors: SID_E_IO (nobody at present; later perhaps). */
SID_FALLIBLE enum sid_err sid_examiner_begin(struct sid_examiner *examiner);

/* sid_photo_examine(), wherever it happens. A photo that sid_image_probe()
 * refuses is not handed to a process. One that breaks the process that looks at
 * it, or its limits, is taken again, once in a job; the next such one cannot be
 * used: out->image is SID_E_IMAGE_UNREADABLE. Processes that were killed from
 * outside do not count, up to a few in a job. A job has 10 s from its first
 * photo on: the process that looks at one then is ended, and none is begun any
 * more; neither can be used (an engine finishes the photo it is at). Twice that
 * where a sanitizer makes all slower. id: whose photo, for the log.
 * Errors: those of sid_photo_examine(), SID_E_IO (as above). */
SID_FALLIBLE enum sid_err sid_examiner_examine(struct sid_examiner *examiner,
                                               const char *id,
                                               struct sid_span bytes,
                                               enum sid_photo_kind kind,
                                               struct sid_photo_facts *out);
/* The same, and the face's portrait, when there is a face (out->faces). Its
 * pixels are whatever the process has said: a picture, if perhaps not of that
 * face. portrait: NULL, or room for SID_PORTRAIT_PIXEL_BYTES. */
SID_FALLIBLE enum sid_err
sid_examiner_portray(struct sid_examiner *examiner, const char *id,
                     struct sid_span bytes, enum sid_photo_kind kind,
                     uint8_t *portrait, struct sid_photo_facts *out);
/* Two examiners may see to one job, a photo each. The one that assists has
 * until the job's deadline and makes no second attempt: whose job it is decides
 * about that by the fault that it is told, and has the photo again itself if it
 * may (true); else the photo cannot be used (false, and
 * sid_examiner_gave_up()). Errors: as sid_examiner_begin(). */
SID_FALLIBLE enum sid_err sid_examiner_assist(struct sid_examiner *examiner,
                                              int64_t deadline_us);
/* Until when the job may take (monotonic); its time begins now if it has not.
 */
int64_t sid_examiner_deadline(struct sid_examiner *examiner);
/* The last fault of the job, or SID_FAULT_NONE. */
enum sid_fault sid_examiner_fault(const struct sid_examiner *examiner);
bool sid_examiner_take_over(struct sid_examiner *examiner,
                            enum sid_fault fault);
/* Whether a photo of this job was one that cannot be used for that reason. The
 * others are then better left alone: each might cost as much time as the job
 * has left. */
bool sid_examiner_gave_up(const struct sid_examiner *examiner);

#endif
