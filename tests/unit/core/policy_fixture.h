/* policy_fixture.h: what the policy's tests share: a policy, two good photos of
 * one person, frames that answer a challenge, and what follows of them. */
#ifndef SID_POLICY_FIXTURE_H
#define SID_POLICY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "smartid/copy.h"
#include "smartid/policy.h"

static const struct sid_policy policy = {
    .match_accept = 0.5f,
    .match_review = 0.35f,
    .liveness_action = SID_LIVENESS_REVIEW,
    .liveness_review = 0.1f,
    .challenge = SID_MODE_OFF,
    .match_accept_without = 0.6f,
    .min_turn_deg = 15,
};

static struct sid_photo_facts id_photo, selfie, frame[SID_STEPS_MAX];
static struct sid_frames frames;

/* A unit vector at this cosine from the first axis. */
static inline void
point(float cosine, float out[SID_EMBEDDING_FLOATS]) {
    memset(out, 0, SID_EMBEDDING_FLOATS * sizeof *out);
    out[0] = cosine;
    out[1] = sqrtf(1 - cosine * cosine);
}

/* Blotches: another seed is another picture. */
static inline void
picture(unsigned seed, uint8_t out[SID_COPY_PX * SID_COPY_PX]) {
    for (int y = 0; y < SID_COPY_PX; y += 4)
        for (int x = 0; x < SID_COPY_PX; x += 4) {
            seed = seed * 1664525u + 1013904223u;
            for (int i = 0; i < 16; i++)
                out[(y + i / 4) * SID_COPY_PX + x + i % 4] =
                    (uint8_t)(seed >> 24);
        }
}

/* Two good photos of one person. */
static inline int
good_photos(void **state) {
    (void)state;
    id_photo = (struct sid_photo_facts){.image = SID_OK,
                                        .width_px = 1000,
                                        .height_px = 700,
                                        .faces = 1,
                                        .face_px = 120,
                                        .sharpness = 150,
                                        .brightness = 128};
    selfie = id_photo;
    selfie.face_px = 300;
    selfie.has_pose = selfie.has_liveness = true;
    selfie.liveness = 0.9f;
    picture(1, id_photo.grey);
    picture(2, selfie.grey);
    id_photo.sha256[0] = 1;
    selfie.sha256[0] = 2;
    point(1, id_photo.embedding);
    point(0.8f, selfie.embedding);
    frames = (struct sid_frames){.frame = frame};
    return 0;
}

/* A challenge of left and up that the frames answer well. */
static inline void
answer_well(void) {
    frames.steps = (struct sid_steps){2, {SID_TURN_LEFT, SID_TURN_UP}};
    picture(1, id_photo.grey);
    picture(2, selfie.grey);
    for (unsigned i = 0; i < 2; i++) {
        frame[i] = selfie;
        frame[i].has_liveness = false;
        frame[i].sha256[0] = (uint8_t)(3 + i);
        picture(3 + i, frame[i].grey);
    }
    frame[0].yaw_deg = -20;
    frame[1].pitch_deg = 20;
}

static inline struct sid_decision
decide_with(const struct sid_policy *p) {
    struct sid_decision out;
    memset(&out, 0x33, sizeof out);
    sid_policy_decide(p, &id_photo, &selfie, &frames, &out);
    return out;
}

static inline struct sid_decision
decide(void) {
    return decide_with(&policy);
}

/* Exactly this one reason, with this state. */
static inline void
decides(const struct sid_policy *p, enum sid_enrol_state state,
        enum sid_reason reason, enum sid_photo_kind photo) {
    struct sid_decision d = decide_with(p);
    assert_int_equal(d.state, state);
    assert_int_equal(d.reasons.count, 1);
    assert_string_equal(sid_reason_code(d.reasons.item[0].reason),
                        sid_reason_code(reason));
    assert_int_equal(d.reasons.item[0].photo, photo);
}

static inline void
approves(void) {
    struct sid_decision d = decide();
    assert_int_equal(d.reasons.count, 0);
    assert_int_equal(d.state, SID_ENROL_APPROVED);
}

/* The reasons, packed. */
static inline const char *
reasons_with(const struct sid_policy *p, enum sid_enrol_state state) {
    static char text[SID_REASONS_TEXT_SIZE];
    struct sid_decision d = decide_with(p);
    assert_int_equal(d.state, state);
    sid_reasons_pack(&d.reasons, text);
    return text;
}

#endif
