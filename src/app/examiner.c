/* examiner.c: one worker's way of having photos examined (examiner.h): by its
 * own engine, or by a face process with a second attempt when that breaks. Runs
 * on the worker's thread. */
#include "examiner.h"

#include <stdlib.h>
#include <string.h>

#include "smartid/clock.h"
#include "smartid/image.h"
#include "smartid/log.h"
#include "smartid/mac.h"
#include "smartid/metrics.h"
#include "smartid/photo.h"
#include "smartid/sandbox.h"

/* Source: issue 3 parts A and C: a job is taken again once, and lasts 10 s at
 * most. */
#define SECOND_ATTEMPTS 1
#define JOB_US ((int64_t)10 * 1000 * 1000)
/* A process that was killed from outside, or for want of memory, tells nothing
 * about the photo. Own choice: so often in a job, then it counts. */
#define KILLS_MAX 3

struct sid_examiner {
    struct sid_face_engine *engine;    /* in this thread, or NULL */
    struct sid_forkserver *forkserver; /* borrowed; NULL with an engine */
    struct sid_faceproc process;
    int attempts_left; /* second ones, of the job */
    int kills_left;
    int64_t deadline_us;  /* of the job; 0 before its first photo */
    enum sid_fault fault; /* the last one of the job, or SID_FAULT_NONE */
    bool assists;         /* another one has the job */
    bool gave_up;
};

static enum sid_err
prepare(struct sid_examiner *examiner) {
    if (examiner->forkserver == NULL)
        return SID_OK;
    return sid_faceproc_ensure(&examiner->process, examiner->forkserver);
}

enum sid_err
sid_examiner_new(struct sid_models *models, struct sid_forkserver *forkserver,
                 struct sid_examiner **out) {
    struct sid_examiner *examiner = calloc(1, sizeof *examiner);
    if (examiner == NULL)
        return SID_E_NO_MEMORY;
    examiner->forkserver = forkserver;
    enum sid_err err = SID_OK;
    if (forkserver == NULL)
        err = sid_models_engine(models, &examiner->engine);
    else
        err = sid_faceproc_init(&examiner->process);
    if (err == SID_OK)
        err = prepare(examiner);
    if (err == SID_OK)
        *out = examiner;
    else
        sid_examiner_free(&examiner);
    return err;
}

void
sid_examiner_free(struct sid_examiner **examiner) {
    if (*examiner == NULL)
        return;
    sid_face_engine_free(&(*examiner)->engine);
    sid_faceproc_fini(&(*examiner)->process);
    free(*examiner);
    *examiner = NULL;
}

enum sid_err
sid_examiner_begin(struct sid_examiner *examiner) {
    examiner->attempts_left = SECOND_ATTEMPTS;
    examiner->kills_left = KILLS_MAX;
    examiner->deadline_us = 0;
    examiner->fault = SID_FAULT_NONE;
    examiner->assists = false;
    examiner->gave_up = false;
    return prepare(examiner);
}

enum sid_err
sid_examiner_assist(struct sid_examiner *examiner, int64_t deadline_us) {
    enum sid_err err = sid_examiner_begin(examiner);
    examiner->attempts_left = examiner->kills_left = 0;
    examiner->deadline_us = deadline_us;
    examiner->assists = true;
    return err;
}

bool
sid_examiner_gave_up(const struct sid_examiner *examiner) {
    return examiner->gave_up;
}

/* From the first photo on: what the storage takes before it is no photo's
 * fault. */
static void
start_time(struct sid_examiner *examiner) {
    if (examiner->deadline_us == 0)
        examiner->deadline_us = sid_mono_us() + JOB_US * sid_sandbox_patience();
}

int64_t
sid_examiner_deadline(struct sid_examiner *examiner) {
    start_time(examiner);
    return examiner->deadline_us;
}

static bool
has_time(const struct sid_examiner *examiner, const char *id,
         enum sid_photo_kind kind) {
    if (sid_mono_us() < examiner->deadline_us)
        return true;
    sid_log(SID_LOG_WARN, "photos_out_of_time", SID_S("id", id),
            SID_S("photo", sid_photo_kind_name(kind)));
    return false;
}

static void
give_up(struct sid_examiner *examiner, struct sid_photo_facts *out) {
    examiner->gave_up = true;
    *out = (struct sid_photo_facts){.image = SID_E_IMAGE_UNREADABLE};
}

static void
count_fault(struct sid_forkserver *forkserver, enum sid_fault fault) {
    static const enum sid_metric metrics[SID_FAULT_COUNT] = {
        [SID_FAULT_CRASH] = SID_M_FACE_FAULT_CRASH,
        [SID_FAULT_FORBIDDEN] = SID_M_FACE_FAULT_FORBIDDEN,
        [SID_FAULT_CPU] = SID_M_FACE_FAULT_CPU,
        [SID_FAULT_MEMORY] = SID_M_FACE_FAULT_MEMORY,
        [SID_FAULT_HANG] = SID_M_FACE_FAULT_HANG,
        [SID_FAULT_KILLED] = SID_M_FACE_FAULT_KILLED,
        [SID_FAULT_ANSWER] = SID_M_FACE_FAULT_ANSWER,
    };
    sid_metric_add(metrics[fault], 1);
    if (fault == SID_FAULT_CRASH || fault == SID_FAULT_FORBIDDEN ||
        fault == SID_FAULT_ANSWER)
        sid_forkserver_broken(forkserver);
}

/* Whether a photo that has cost its process is taken again. */
static bool
again(struct sid_examiner *examiner, enum sid_fault fault) {
    if (fault == SID_FAULT_KILLED && examiner->kills_left > 0) {
        examiner->kills_left--;
        return true;
    }
    if (examiner->attempts_left > 0) {
        examiner->attempts_left--;
        return true;
    }
    return false;
}

static int
attempt_of(const struct sid_examiner *examiner) {
    return examiner->attempts_left > 0 || examiner->assists ? 1 : 2;
}

static enum sid_err
examine_apart(struct sid_examiner *examiner, const char *id,
              struct sid_span bytes, enum sid_photo_kind kind,
              uint8_t *portrait, struct sid_photo_facts *out) {
    enum sid_fault fault;
    do {
        enum sid_err err = prepare(examiner);
        if (err != SID_OK)
            return err;
        if (!has_time(examiner, id, kind))
            break;
        pid_t pid = examiner->process.pid;
        fault = sid_faceproc_ask(&examiner->process, bytes, kind,
                                 examiner->deadline_us, portrait, &err, out);
        if (fault == SID_FAULT_NONE)
            return err;
        examiner->fault = fault;
        count_fault(examiner->forkserver, fault);
        sid_log(SID_LOG_WARN, "face_process_ended", SID_S("id", id),
                SID_S("photo", sid_photo_kind_name(kind)), SID_N("pid", pid),
                SID_S("reason", sid_fault_name(fault)),
                SID_N("attempt", attempt_of(examiner)));
    } while (again(examiner, fault));
    give_up(examiner, out);
    /* The next photo shall not have to wait for it. */
    (void)!prepare(examiner);
    return SID_OK;
}

/* Judged here, so that a bomb costs no process and none of its time; there it
 * is judged again. */
static enum sid_err
examine_judged(struct sid_examiner *examiner, const char *id,
               struct sid_span bytes, enum sid_photo_kind kind,
               uint8_t *portrait, struct sid_photo_facts *out) {
    struct sid_image_info info;
    enum sid_err err = sid_image_probe(bytes, &info);
    if (err == SID_OK)
        return examine_apart(examiner, id, bytes, kind, portrait, out);
    *out = (struct sid_photo_facts){.image = err};
    return SID_OK;
}

/* A photo under way cannot be stopped here; the next one is not begun. */
static enum sid_err
examine_here(struct sid_examiner *examiner, const char *id,
             struct sid_span bytes, enum sid_photo_kind kind, uint8_t *portrait,
             struct sid_photo_facts *out) {
    if (has_time(examiner, id, kind))
        return sid_photo_portray(examiner->engine, bytes, kind, portrait, out);
    give_up(examiner, out);
    return SID_OK;
}

enum sid_err
sid_examiner_examine(struct sid_examiner *examiner, const char *id,
                     struct sid_span bytes, enum sid_photo_kind kind,
                     struct sid_photo_facts *out) {
    return sid_examiner_portray(examiner, id, bytes, kind, NULL, out);
}

enum sid_err
sid_examiner_portray(struct sid_examiner *examiner, const char *id,
                     struct sid_span bytes, enum sid_photo_kind kind,
                     uint8_t *portrait, struct sid_photo_facts *out) {
    start_time(examiner);
    if (examiner->engine != NULL)
        return examine_here(examiner, id, bytes, kind, portrait, out);
    uint8_t sha256[SID_SHA256_BYTES];
    enum sid_err err = sid_sha256(bytes, sha256);
    if (err == SID_OK)
        err = examine_judged(examiner, id, bytes, kind, portrait, out);
    if (err == SID_OK)
        memcpy(out->sha256, sha256, sizeof sha256);
    return err;
}

enum sid_fault
sid_examiner_fault(const struct sid_examiner *examiner) {
    return examiner->fault;
}

bool
sid_examiner_take_over(struct sid_examiner *examiner, enum sid_fault fault) {
    if (fault == SID_FAULT_NONE || again(examiner, fault))
        return true;
    examiner->gave_up = true;
    return false;
}
