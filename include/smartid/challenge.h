/* challenge.h: the active challenge: turns of the head that the daemon draws
 * by lot, and how the frames that answer it are judged.
 *
 * Pure but for the random bytes; nothing is owned. Any thread.
 *
 * Left, right, up and down are the person's own. In a picture that is not
 * mirrored, as cameras take it, the person's left is the picture's right, and
 * fr_pose reads a negative yaw. Up is a positive pitch. An app that shows a
 * mirrored preview must send the frames as the camera took them. */
#ifndef SMARTID_CHALLENGE_H
#define SMARTID_CHALLENGE_H

#include <stdbool.h>
#include <stdint.h>

#include "smartid/enrolment.h"
#include "smartid/err.h"
#include "smartid/rand.h"

struct sid_photo_facts;

/* ---- steps ------------------------------------------------------------- */
enum sid_turn {
    SID_TURN_LEFT,
    SID_TURN_RIGHT,
    SID_TURN_UP,
    SID_TURN_DOWN,
    SID_TURN_COUNT
};
const char *sid_turn_name(enum sid_turn turn); /* left | right | up | down */

#define SID_STEPS_MIN 2
#define SID_STEPS_MAX 3
struct sid_steps {
    int count; /* 0: no challenge */
    enum sid_turn turn[SID_STEPS_MAX];
};
/* Draws count turns by lot, no two alike: a head that is turned to one side a
 * second time looks like a copy of the first (plane.h). Errors: SID_E_IO. */
SID_FALLIBLE enum sid_err sid_steps_make(int count, struct sid_steps *out);
/* "left up": the stored form. */
#define SID_STEPS_TEXT_SIZE 24
void sid_steps_pack(const struct sid_steps *steps,
                    char out[SID_STEPS_TEXT_SIZE]);
/* Errors: SID_E_FIELD_INVALID (out untouched). */
SID_FALLIBLE enum sid_err sid_steps_unpack(const char *text,
                                           struct sid_steps *out);

/* ---- the challenge itself ---------------------------------------------- */
struct sid_challenge {
    char id[SID_ID_SIZE];        /* "chl_…" */
    char client_id[SID_ID_SIZE]; /* only this client may answer it */
    struct sid_steps steps;
    int64_t made_at_s;
    int64_t expires_at_s;
    char enrolment_id[SID_ID_SIZE]; /* that used it, or "" */
};
/* Whether an answer may be taken now: NULL, or why not: "foreign", "used",
 * "expired" (for the audit log; outside they look alike). */
const char *sid_challenge_refused(const struct sid_challenge *challenge,
                                  const char *client_id, int64_t now_s);

/* ---- what was measured ------------------------------------------------- */
enum sid_challenge_outcome {
    SID_CHALLENGE_NONE,   /* the enrolment came without one */
    SID_CHALLENGE_OPEN,   /* answered, and not judged: a photo is no use */
    SID_CHALLENGE_PASSED, /* assurance "remote_live" */
    SID_CHALLENGE_FAILED,
    SID_CHALLENGE_OUTCOMES
};
const char *sid_challenge_outcome_name(enum sid_challenge_outcome outcome);

struct sid_frame_report {
    float turned_deg;         /* from the selfie, to the side that was asked */
    float yaw_deg, pitch_deg; /* as fr_pose reads them */
    float similarity;         /* to the selfie */
    float flatness;           /* most, to any other photo; see plane.h */
};
struct sid_challenge_report {
    enum sid_challenge_outcome outcome;
    struct sid_steps steps;
    struct sid_frame_report frame[SID_STEPS_MAX]; /* by step */
};
/* "passed left:21.3:-22.0:1.5:0.81:0.62 up:…": the stored form; "" for none. */
#define SID_CHALLENGE_TEXT_SIZE 192
void sid_challenge_pack(const struct sid_challenge_report *report,
                        char out[SID_CHALLENGE_TEXT_SIZE]);
/* Errors: SID_E_FIELD_INVALID (out untouched). */
SID_FALLIBLE enum sid_err
sid_challenge_unpack(const char *text, struct sid_challenge_report *out);

/* ---- judging ----------------------------------------------------------- */
/* The photos of an answer; facts are borrowed, frames by step; id_photo NULL:
 * there is no card. */
struct sid_challenge_answer {
    struct sid_steps steps;
    const struct sid_photo_facts *id_photo, *selfie, *frame;
    float min_turn_deg; /* a head that turns less has not turned */
};

/* Adds what the applicant can mend: a selfie that is not frontal, a frame
 * without a usable face, turned too little or too far. Writes the angles. */
void sid_challenge_quality(const struct sid_challenge_answer *answer,
                           struct sid_reasons *reasons,
                           struct sid_challenge_report *out);
/* Judges frames in which no such thing was found: each must show the face of
 * the selfie, and none may be another photo's flat picture. Writes the outcome.
 */
void sid_challenge_judge(const struct sid_challenge_answer *answer,
                         struct sid_challenge_report *out);

#endif
