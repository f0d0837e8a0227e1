/* flow_face.h: what a clerk can still ask about a valid check, for a few
 * minutes and with the key that has made it: the person's portrait, and whether
 * a photo from the counter's camera shows that person. */
#ifndef SMARTID_FLOW_FACE_H
#define SMARTID_FLOW_FACE_H

#include "smartid/app.h"
#include "smartid/enrolment.h"
#include "smartid/recent.h"
#include "smartid/store.h"

/* ---- the portrait --------------------------------------------------------
 * io: which check; writer: the sealed portrait and the audit row in one
 * transaction; io: sid_portrait_finish opens it. */
struct sid_portrait_look {
    struct sid_flow flow;
    char id[SID_ID_SIZE];    /* in: of the check */
    struct sid_buf portrait; /* out, after finish: a JPEG file */
    /* private */
    struct sid_recent_check check;
    char enrolment_id[SID_ID_SIZE];
    struct sid_subject_key key;
    struct sid_buf sealed;
};
/* flow.err: SID_E_NOT_FOUND (no such check, or another key's, or too long ago,
 * or its purpose tells no portrait, or none is kept, or the credential is no
 * longer active) … done is always called. */
void sid_portrait_look_start(struct sid_portrait_look *look);
/* io thread, after done. Errors: SID_E_SEAL, SID_E_CRYPTO, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err
sid_portrait_look_finish(struct sid_portrait_look *look);
void sid_portrait_look_fini(struct sid_portrait_look *look);

/* ---- the face ------------------------------------------------------------
 * io: a place (before the body), one of the check's tries; writer: is there a
 * face to compare with; a worker examines the photo, which is never stored;
 * writer: compares it with the template, and the audit row. */
enum sid_face_result { SID_FACE_MATCH, SID_FACE_NO_MATCH, SID_FACE_UNCLEAR };
const char *sid_face_result_name(enum sid_face_result result);

struct sid_face_check {
    struct sid_flow flow;
    /* in: a place and body_bytes are reserved (sid_enrol_reserve) */
    char id[SID_ID_SIZE]; /* of the check */
    struct sid_buf photo; /* taken */
    uint64_t body_bytes;
    /* out, when flow.err is SID_OK */
    enum sid_face_result result;
    struct sid_reasons reasons; /* why the photo is of no use; else none */
    enum sid_band band;         /* when it is of use */
    int tries_left;
    /* private */
    struct sid_job job;
    struct sid_recent_check check;
    bool has_place, has_try;
    float face[SID_EMBEDDING_FLOATS];
    enum sid_err work_err; /* nobody could look at the photo now */
};
/* Before the body: whether there is such a check with a try left, of which none
 * is taken. Errors: SID_E_NOT_FOUND, SID_E_FACE_TRIES. */
SID_FALLIBLE enum sid_err sid_face_check_known(struct sid_app *app,
                                               const struct sid_caller *caller,
                                               const char *id);
/* Takes place and bytes over in every case. A try is given back unless the
 * photo was compared. flow.err: SID_E_NOT_FOUND (no such check, or another
 * key's, or too long ago, or the credential is no longer active),
 * SID_E_FACE_TRIES, SID_E_NO_FACE, SID_E_QUEUE_FULL (nobody can look at photos
 * now), SID_E_STOPPING … done is always called. */
void sid_face_check_start(struct sid_face_check *face);
void sid_face_check_fini(struct sid_face_check *face);

#endif
