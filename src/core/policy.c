/* policy.c: from what was measured on the photos to a decision. Pure: facts in,
 * decision out; any thread; owns nothing. */
#include "smartid/policy.h"

#include <math.h>
#include <string.h>

#include "smartid/copy.h"

_Static_assert(SID_FACE_GREY_PX == SID_COPY_PX, "one size of aligned face");

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
/* Frames of a turning head. Source: frames of three films in which the head
 * has turned by 15 degrees and more read a sharpness of 98 to 230. How far it
 * may turn is challenge_judge.c's. */
static const struct photo_limits limits_of_frame = {
    .face_px = 64, .sharpness = 45, .luma_min = 35, .luma_max = 225};

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

enum sid_challenge_mode
sid_policy_challenge_mode(const struct sid_config *config) {
    if (strcmp(config->challenge, "off") == 0)
        return SID_MODE_OFF;
    return strcmp(config->challenge, "required") == 0 ? SID_MODE_REQUIRED
                                                      : SID_MODE_PREFERRED;
}

void
sid_policy_from_config(const struct sid_config *config,
                       struct sid_policy *out) {
    out->match_accept = (float)config->match_accept;
    out->match_review = (float)config->match_review;
    out->liveness_review = (float)config->liveness_review;
    out->liveness_action = strcmp(config->liveness_action, "off") == 0
                               ? SID_LIVENESS_OFF
                               : SID_LIVENESS_REVIEW;
    out->challenge = sid_policy_challenge_mode(config);
    out->match_accept_without = (float)config->match_accept_without;
    out->min_turn_deg = (float)config->min_turn_deg;
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
    const struct photo_limits *limits = selfie ? &limits_of_selfie
                                        : kind == SID_PHOTO_ID
                                            ? &limits_of_id
                                            : &limits_of_frame;
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

static void
flag(struct sid_decision *to, enum sid_reason reason,
     enum sid_photo_kind photo) {
    sid_reasons_add(&to->reasons, reason, photo);
    if (to->state == SID_ENROL_APPROVED)
        to->state = SID_ENROL_REVIEW;
}

static void
judge_band(const struct sid_policy *policy, struct sid_decision *to) {
    bool passed = to->challenge.outcome == SID_CHALLENGE_PASSED;
    switch (sid_policy_band(policy, to->similarity)) {
    case SID_BAND_REJECT:
        to->state = SID_ENROL_REJECTED;
        sid_reasons_add(&to->reasons, SID_REASON_FACES_DIFFER, SID_PHOTO_NONE);
        return;
    case SID_BAND_REVIEW:
        flag(to, SID_REASON_FACES_UNCLEAR, SID_PHOTO_NONE);
        return;
    case SID_BAND_ACCEPT:
        break;
    }
    if (passed || to->challenge.outcome == SID_CHALLENGE_FAILED ||
        policy->challenge == SID_MODE_OFF)
        return;
    /* REQUIRED only gets here when the setting has changed meanwhile. */
    if (policy->challenge == SID_MODE_REQUIRED ||
        to->similarity < policy->match_accept_without)
        flag(to, SID_REASON_CHALLENGE_MISSING, SID_PHOTO_NONE);
}

/* All photos are usable. Frauds are written down even where the band has
 * rejected already: officers and auditors see them. */
static void
judge_faces(const struct sid_policy *policy,
            const struct sid_photo_facts *id_photo,
            const struct sid_photo_facts *selfie, struct sid_decision *to) {
    to->state = SID_ENROL_APPROVED;
    judge_band(policy, to);
    if (is_copy(id_photo, selfie, to->similarity))
        flag(to, SID_REASON_SELFIE_IS_ID_PHOTO, SID_PHOTO_SELFIE);
    if (policy->liveness_action != SID_LIVENESS_OFF && selfie->has_liveness &&
        !(selfie->liveness >= policy->liveness_review))
        flag(to, SID_REASON_SELFIE_NOT_LIVE, SID_PHOTO_SELFIE);
    if (to->challenge.outcome == SID_CHALLENGE_FAILED)
        flag(to, SID_REASON_CHALLENGE_FAILED, SID_PHOTO_NONE);
}

void
sid_policy_decide(const struct sid_policy *policy,
                  const struct sid_photo_facts *id_photo,
                  const struct sid_photo_facts *selfie,
                  const struct sid_frames *frames, struct sid_decision *out) {
    struct sid_decision made = {.state = SID_ENROL_REJECTED};
    struct sid_challenge_answer answer = {.id_photo = id_photo,
                                          .selfie = selfie,
                                          .min_turn_deg = policy->min_turn_deg};
    /* First, for it explains a small or missing face better than that does. */
    if (id_photo->image == SID_OK && same_file(id_photo, selfie))
        sid_reasons_add(&made.reasons, SID_REASON_SAME_FILE, SID_PHOTO_SELFIE);
    sid_policy_photo(id_photo, SID_PHOTO_ID, &made.reasons);
    sid_policy_photo(selfie, SID_PHOTO_SELFIE, &made.reasons);
    if (frames != NULL && frames->steps.count > 0) {
        answer.steps = frames->steps;
        answer.frame = frames->frame;
        sid_challenge_quality(&answer, &made.reasons, &made.challenge);
    }
    if (made.reasons.count == 0) {
        made.has_scores = true;
        made.similarity =
            sid_similarity(id_photo->embedding, selfie->embedding);
        made.liveness = selfie->has_liveness ? selfie->liveness : 0;
        if (answer.steps.count > 0)
            sid_challenge_judge(&answer, &made.challenge);
        judge_faces(policy, id_photo, selfie, &made);
    }
    *out = made;
}
