/* policy.c: from what was measured on two photos to a decision. Pure: facts in,
 * decision out; any thread; owns nothing. */
#include "smartid/policy.h"

#include <math.h>
#include <string.h>

/* Limits of one photo, by kind. Source: measured, by making photos of the
 * public set faces-london worse step by step and watching the similarity to
 * another photo of the same person (unharmed: 0.91 on average). */
struct photo_limits {
    /* Width of the detector's box in the full-size photo. Selfies: 50 px still
     * gave 0.90. Portraits on cards: 40 px gave 0.76, 90 px 0.84. */
    float face_px;
    /* See face.h. Photos read 130 to 360, portraits on cards 63 and more. At
     * 46 the similarity has fallen by 0.17, at 37 by 0.3. */
    float sharpness;
    /* Mean luma of the inner face, 0..255. Unharmed faces read 58 (dark skin,
     * soft light) to 176; at 30 the similarity has fallen by 0.06, below 15
     * no face is found; at 222 by 0.03, at 240 by 0.14. */
    float luma_min, luma_max;
    /* Turned or tipped further than this, the far half of the face is hidden
     * and the similarity says little. Frontal photos read up to 17 degrees of
     * yaw and 21 of pitch (an open mouth reads as tipped). */
    float turn_deg;
};
static const struct photo_limits limits_of_id = {
    .face_px = 40, .sharpness = 35, .luma_min = 35, .luma_max = 225};
static const struct photo_limits limits_of_selfie = {.face_px = 64,
                                                     .sharpness = 45,
                                                     .luma_min = 35,
                                                     .luma_max = 225,
                                                     .turn_deg = 30};

/* The picture on the card, sent as the selfie in another file. Source: measured
 * on 117 photos of people, each against itself recompressed at 50, cut to 80 %,
 * halved, mirrored, turned by 3 degrees, brightened by 40, blurred, and through
 * several of these at once: 99.1 % to 100 % of each reach the score; through a
 * tilted, blurred screen 98 %, photographed off a card 97 % to 100 %. Of true
 * pairs (102 studio portraits, neutral and smiling; 48 pairs of frames of a
 * film 4 s apart and more; each as a selfie and off a card, mirrored, halved,
 * blurred) 3 of 1,800 do, all of one man who does not smile. No copy was less
 * similar than 0.77. */
#define COPY_SIMILARITY 0.6f
#define COPY_SCORE 0.975f

void
sid_photo_facts_fini(struct sid_photo_facts *facts) {
    sid_wipe(facts, sizeof *facts);
}

const char *
sid_band_name(enum sid_band band) {
    switch (band) {
    case SID_BAND_ACCEPT:
        return "accept";
    case SID_BAND_REVIEW:
        return "review";
    case SID_BAND_REJECT:
        break;
    }
    return "reject";
}

void
sid_policy_from_config(const struct sid_config *config,
                       struct sid_policy *out) {
    const char *action = config->liveness_action;
    out->match_accept = (float)config->match_accept;
    out->match_review = (float)config->match_review;
    out->liveness_review = (float)config->liveness_review;
    out->liveness_action = strcmp(action, "off") == 0 ? SID_LIVENESS_OFF
                           : strcmp(action, "reject") == 0
                               ? SID_LIVENESS_REJECT
                               : SID_LIVENESS_REVIEW;
}

float
sid_similarity(const float a[SID_EMBEDDING_FLOATS],
               const float b[SID_EMBEDDING_FLOATS]) {
    double sum = 0;
    for (size_t i = 0; i < SID_EMBEDDING_FLOATS; i++)
        sum += (double)a[i] * (double)b[i];
    /* Rounding may lead a little out of the range of a cosine; a broken
     * embedding (not a number) must never count as a match. */
    return isnan(sum) ? -1.0f : sum > 1 ? 1.0f : sum < -1 ? -1.0f : (float)sum;
}

enum sid_band
sid_policy_band(const struct sid_policy *policy, float similarity) {
    if (similarity >= policy->match_accept)
        return SID_BAND_ACCEPT;
    if (similarity >= policy->match_review)
        return SID_BAND_REVIEW;
    return SID_BAND_REJECT;
}

/* The reason of a photo without usable pixels. */
static enum sid_reason
image_reason(enum sid_err image) {
    if (image == SID_E_IMAGE_TOO_LARGE)
        return SID_REASON_IMAGE_TOO_LARGE;
    if (image == SID_E_IMAGE_TOO_SMALL)
        return SID_REASON_IMAGE_TOO_SMALL;
    return SID_REASON_IMAGE_UNREADABLE;
}

static void
judge_face(const struct sid_photo_facts *facts, enum sid_photo_kind kind,
           struct sid_reasons *out) {
    bool selfie = kind == SID_PHOTO_SELFIE;
    const struct photo_limits *limits =
        selfie ? &limits_of_selfie : &limits_of_id;
    if (facts->face_px < limits->face_px)
        sid_reasons_add(out, SID_REASON_FACE_TOO_SMALL, kind);
    if (facts->brightness < limits->luma_min)
        sid_reasons_add(out, SID_REASON_TOO_DARK, kind);
    if (facts->brightness > limits->luma_max)
        sid_reasons_add(out, SID_REASON_TOO_BRIGHT, kind);
    if (facts->sharpness < limits->sharpness)
        sid_reasons_add(out, SID_REASON_TOO_BLURRED, kind);
    if (selfie && facts->has_pose &&
        (fabsf(facts->yaw_deg) > limits->turn_deg ||
         fabsf(facts->pitch_deg) > limits->turn_deg))
        sid_reasons_add(out, SID_REASON_FACE_TURNED_AWAY, kind);
}

void
sid_policy_photo(const struct sid_photo_facts *facts, enum sid_photo_kind kind,
                 struct sid_reasons *out) {
    if (facts->image != SID_OK) {
        sid_reasons_add(out, image_reason(facts->image), kind);
    } else if (facts->faces == 0) {
        sid_reasons_add(out, SID_REASON_NO_FACE, kind);
    } else {
        if (facts->faces > 1)
            sid_reasons_add(out, SID_REASON_MANY_FACES, kind);
        judge_face(facts, kind, out);
    }
}

static bool
same_file(const struct sid_photo_facts *a, const struct sid_photo_facts *b) {
    return memcmp(a->sha256, b->sha256, sizeof a->sha256) == 0;
}

static bool
is_copy(const struct sid_photo_facts *a, const struct sid_photo_facts *b,
        float similarity) {
    return similarity >= COPY_SIMILARITY &&
           sid_copy_score(a->grey, b->grey) >= COPY_SCORE;
}

/* Both photos are usable: band, then liveness. */
static void
judge_pair(const struct sid_policy *policy,
           const struct sid_photo_facts *selfie, struct sid_decision *to) {
    enum sid_band band = sid_policy_band(policy, to->similarity);
    bool dead = policy->liveness_action != SID_LIVENESS_OFF &&
                selfie->has_liveness &&
                !(selfie->liveness >= policy->liveness_review);
    bool dead_rejects = policy->liveness_action == SID_LIVENESS_REJECT;
    if (band == SID_BAND_REJECT || (dead && dead_rejects))
        to->state = SID_ENROL_REJECTED;
    else if (band == SID_BAND_REVIEW || dead)
        to->state = SID_ENROL_REVIEW;
    else
        to->state = SID_ENROL_APPROVED;

    if (band == SID_BAND_REJECT)
        sid_reasons_add(&to->reasons, SID_REASON_FACES_DIFFER, SID_PHOTO_NONE);
    if (band == SID_BAND_REVIEW)
        sid_reasons_add(&to->reasons, SID_REASON_FACES_UNCLEAR, SID_PHOTO_NONE);
    /* "An officer will look" is told only where one will. */
    if (dead && (dead_rejects || to->state == SID_ENROL_REVIEW))
        sid_reasons_add(&to->reasons, SID_REASON_SELFIE_NOT_LIVE,
                        SID_PHOTO_SELFIE);
}

void
sid_policy_decide(const struct sid_policy *policy,
                  const struct sid_photo_facts *id_photo,
                  const struct sid_photo_facts *selfie,
                  struct sid_decision *out) {
    struct sid_decision made = {.state = SID_ENROL_REJECTED};
    /* First, for it explains a small or missing face better than that does. */
    if (id_photo->image == SID_OK && same_file(id_photo, selfie))
        sid_reasons_add(&made.reasons, SID_REASON_SELFIE_IS_ID_PHOTO,
                        SID_PHOTO_SELFIE);
    sid_policy_photo(id_photo, SID_PHOTO_ID, &made.reasons);
    sid_policy_photo(selfie, SID_PHOTO_SELFIE, &made.reasons);
    if (made.reasons.count > 0) {
        *out = made;
        return;
    }
    made.has_scores = true;
    made.similarity = sid_similarity(id_photo->embedding, selfie->embedding);
    made.liveness = selfie->has_liveness ? selfie->liveness : 0;
    judge_pair(policy, selfie, &made);
    /* No proof, so a person looks; what is rejected anyway needs none. */
    if (made.state != SID_ENROL_REJECTED &&
        is_copy(id_photo, selfie, made.similarity)) {
        made.state = SID_ENROL_REVIEW;
        sid_reasons_add(&made.reasons, SID_REASON_SELFIE_IS_ID_PHOTO,
                        SID_PHOTO_SELFIE);
    }
    *out = made;
}
