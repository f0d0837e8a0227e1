/* policy.h: from what was measured on two photos to a decision.
 *
 * Pure: facts in, decision out; no OpenCV, no SQL, no clock. Every limit has
 * its source beside it in core/policy.c. Any thread. */
#ifndef SMARTID_POLICY_H
#define SMARTID_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "smartid/config.h"
#include "smartid/copy.h"
#include "smartid/enrolment.h"
#include "smartid/err.h"
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
    float yaw_deg, pitch_deg, roll_deg; /* of the upright face; selfie only */
    float liveness;                     /* 0..1, index 0 of the softmax */
    bool has_pose, has_liveness;
    float embedding[SID_EMBEDDING_FLOATS]; /* unit length */
    uint64_t dhash;                        /* of the aligned face, 64 bit */
    uint8_t grey[112 * 112];
    uint8_t sha256[SID_SHA256_BYTES]; /* of the file's bytes */
    /* milliseconds per stage, for compare and for the metrics */
    float ms_decode, ms_detect, ms_landmark, ms_embed, ms_liveness, ms_pose;
};
/* Wipes the embedding, the face and the rest. */
void sid_photo_facts_fini(struct sid_photo_facts *facts);

enum sid_band { SID_BAND_ACCEPT, SID_BAND_REVIEW, SID_BAND_REJECT };
const char *sid_band_name(enum sid_band band); /* accept | review | reject */

enum sid_liveness_action {
    SID_LIVENESS_REVIEW,
    SID_LIVENESS_REJECT,
    SID_LIVENESS_OFF
};

struct sid_policy {
    float match_accept; /* cosine; at or above: accept */
    float match_review; /* cosine; below: reject */
    enum sid_liveness_action liveness_action;
    float liveness_review; /* below: not live */
};

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
};

/* Quality of both photos first (all reasons of both are told), then the band,
 * then liveness. One file sent twice is a mistake and rejected at once; any
 * other copy of the ID photo as selfie is a suspicion (selfie_is_id_photo) and
 * goes to review. About 2 ms, for the copy check. */
void sid_policy_decide(const struct sid_policy *policy,
                       const struct sid_photo_facts *id_photo,
                       const struct sid_photo_facts *selfie,
                       struct sid_decision *out);

#endif
