/* policy.h: from what was measured on the photos to a decision.
 *
 * Pure: facts in, decision out; no OpenCV, no SQL, no clock. Every limit has
 * its source beside it in core/policy.c. Any thread. */
#ifndef SMARTID_POLICY_H
#define SMARTID_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "smartid/challenge.h"
#include "smartid/config.h"
#include "smartid/enrolment.h"
#include "smartid/err.h"
#include "smartid/face.h"
#include "smartid/mac.h"

#define SID_EMBEDDING_FLOATS 512

/* What app/photo.c found out about one photo. */
struct sid_photo_facts {
    /* SID_OK, or why the photo could not be used at all:
     * SID_E_IMAGE_UNREADABLE, SID_E_IMAGE_TOO_LARGE, SID_E_IMAGE_TOO_SMALL. */
    enum sid_err image;
    int width_px, height_px; /* upright, of the file */
    int faces;               /* faces that count; 0: the rest is unset */
    /* The face, in pixels of the upright full-size photo. */
    float box_x, box_y, box_w, box_h;
    float box_score;   /* detector, 0..1 */
    int quarter_turns; /* clockwise turns that made the face upright, 0..3 */
    float face_px;     /* face width in pixels of the full-size photo */
    float sharpness;   /* of the face crop; see face.h */
    float brightness;  /* mean luma of the face crop, 0..255 */
    float yaw_deg, pitch_deg, roll_deg; /* of the upright face; not of cards */
    float liveness;                     /* 0..1, index 0 of the softmax */
    bool has_pose, has_liveness;
    float embedding[SID_EMBEDDING_FLOATS];             /* unit length */
    uint8_t grey[SID_FACE_GREY_PX * SID_FACE_GREY_PX]; /* the aligned face */
    uint8_t sha256[SID_SHA256_BYTES];                  /* of the file's bytes */
    /* milliseconds per stage, for compare and for the metrics */
    float ms_decode, ms_detect, ms_landmark, ms_embed, ms_liveness, ms_pose;
};
/* Wipes the embedding, the face and the rest. */
void sid_photo_facts_fini(struct sid_photo_facts *facts);

enum sid_band { SID_BAND_ACCEPT, SID_BAND_REVIEW, SID_BAND_REJECT };
const char *sid_band_name(enum sid_band band); /* accept | review | reject */

/* What a selfie that does not look alive does: an officer looks, or nothing.
 * It never rejects: the network misjudges many real people. Source:
 * architecture.md section 5. */
enum sid_liveness_action { SID_LIVENESS_REVIEW, SID_LIVENESS_OFF };

enum sid_challenge_mode {
    SID_MODE_PREFERRED, /* without a challenge the match must be better */
    SID_MODE_REQUIRED,  /* refused at the door without */
    SID_MODE_OFF        /* judged when it is there, and not missed */
};

struct sid_policy {
    float match_accept; /* cosine; at or above: accept */
    float match_review; /* cosine; below: reject */
    enum sid_liveness_action liveness_action;
    float liveness_review; /* below: not live */
    enum sid_challenge_mode challenge;
    float match_accept_without; /* cosine; accept without a challenge */
    float min_turn_deg;         /* of a frame, see challenge.h */
};

/* What their word for [challenge] challenge means. */
enum sid_challenge_mode
sid_policy_challenge_mode(const struct sid_config *config);
/* What the settings say. */
void sid_policy_from_config(const struct sid_config *config,
                            struct sid_policy *out);

/* Cosine of two unit vectors, -1..1. */
float sid_similarity(const float a[SID_EMBEDDING_FLOATS],
                     const float b[SID_EMBEDDING_FLOATS]);
enum sid_band sid_policy_band(const struct sid_policy *policy,
                              float similarity);

/* The quality reasons one photo has by itself (none: the list is empty). */
void sid_policy_photo(const struct sid_photo_facts *facts,
                      enum sid_photo_kind kind, struct sid_reasons *out);

struct sid_decision {
    enum sid_enrol_state state; /* APPROVED, REVIEW or REJECTED */
    struct sid_reasons reasons;
    bool has_scores;
    float similarity;
    float liveness;
    struct sid_challenge_report challenge;
};

/* The frames of a challenge and what was asked. */
struct sid_frames {
    struct sid_steps steps;              /* none: count 0 */
    const struct sid_photo_facts *frame; /* borrowed, by step */
};

/* Quality of all photos first (all reasons of all are told; one file sent twice
 * is a mistake among them); then the band; then what an officer has to see: a
 * selfie that is a copy of the card's portrait or does not look alive, a
 * challenge that failed, or none where the match is not good enough without.
 * frames: NULL when there are none. About 2 ms for the copy check, 3 ms for
 * each pair of photos of a challenge. */
void sid_policy_decide(const struct sid_policy *policy,
                       const struct sid_photo_facts *id_photo,
                       const struct sid_photo_facts *selfie,
                       const struct sid_frames *frames,
                       struct sid_decision *out);

#endif
