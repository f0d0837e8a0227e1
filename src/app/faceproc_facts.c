/* faceproc_facts.c: the range of each fact about a photo, for facts that come
 * from a process which a photo may have taken over. A wrong fact inside its
 * range cannot be told from a right one: it is about that photo only. Any
 * thread; owns nothing. */
#include <math.h>
#include <string.h>

#include "faceproc_internal.h"
#include "smartid/image.h"

enum kind { WHOLE, REAL, YES_NO, ANY };

struct rule {
    enum kind kind;
    size_t offset, size;
    double min, max;
};

#define RULE(kind, member, least, most)                                        \
    {                                                                          \
        (kind), offsetof(struct sid_photo_facts, member),                      \
            sizeof(((struct sid_photo_facts *)NULL)->member), (least), (most)  \
    }

#define SIDE_MAX (SID_IMAGE_MAX_PX / (double)SID_IMAGE_MIN_SIDE_PX)
/* Rounding in single precision. */
#define ABOUT 1.001
#define NORM_ABOUT 1e-3
/* Longer than any photo may take. */
#define MS_MAX 600e3

/* Every member, in the order of the struct; a test finds one without. */
static const struct rule rules[] = {
    RULE(WHOLE, image, 0, SID_ERR_COUNT - 1),
    RULE(WHOLE, width_px, 0, SIDE_MAX),
    RULE(WHOLE, height_px, 0, SIDE_MAX),
    RULE(WHOLE, faces, 0, SID_FACES_MAX),
    RULE(REAL, box_x, -SIDE_MAX, SIDE_MAX),
    RULE(REAL, box_y, -SIDE_MAX, SIDE_MAX),
    RULE(REAL, box_w, 0, SIDE_MAX),
    RULE(REAL, box_h, 0, SIDE_MAX),
    RULE(REAL, box_score, 0, ABOUT),
    RULE(WHOLE, quarter_turns, 0, 3),
    RULE(REAL, face_px, 0, SIDE_MAX),
    /* The Laplacian of bytes reaches 8 * 255, over a spread of at least 1. */
    RULE(REAL, sharpness, 0, 100.0 * 8 * 255),
    RULE(REAL, brightness, 0, 255 * ABOUT),
    RULE(REAL, yaw_deg, -180, 180),
    RULE(REAL, pitch_deg, -180, 180),
    RULE(REAL, roll_deg, -180, 180),
    RULE(REAL, liveness, 0, ABOUT),
    RULE(YES_NO, has_pose, 0, 1),
    RULE(YES_NO, has_liveness, 0, 1),
    RULE(REAL, embedding, -ABOUT, ABOUT),
    RULE(ANY, grey, 0, 0), /* each value of a byte can be */
    RULE(ANY, sha256, 0, 0),
    RULE(REAL, ms_decode, -1, MS_MAX), /* a difference may round below 0 */
    RULE(REAL, ms_detect, -1, MS_MAX),
    RULE(REAL, ms_landmark, -1, MS_MAX),
    RULE(REAL, ms_embed, -1, MS_MAX),
    RULE(REAL, ms_liveness, -1, MS_MAX),
    RULE(REAL, ms_pose, -1, MS_MAX),
};
#define RULES (sizeof rules / sizeof rules[0])

static bool
in_range(const struct rule *rule, const unsigned char *at) {
    int whole;
    float real;
    switch (rule->kind) {
    case WHOLE:
        memcpy(&whole, at, sizeof whole);
        return whole >= rule->min && whole <= rule->max;
    case REAL:
        memcpy(&real, at, sizeof real);
        /* Not a number is in no range. */
        return (double)real >= rule->min && (double)real <= rule->max;
    case YES_NO:
        return *at <= 1;
    case ANY:
        break;
    }
    return true;
}

static bool
all_in_range(const struct sid_photo_facts *facts) {
    const unsigned char *base = (const unsigned char *)facts;
    for (size_t i = 0; i < RULES; i++) {
        size_t step = rules[i].kind == REAL     ? sizeof(float)
                      : rules[i].kind == YES_NO ? 1
                                                : rules[i].size;
        for (size_t at = 0; at < rules[i].size; at += step)
            if (!in_range(&rules[i], base + rules[i].offset + at))
                return false;
    }
    return true;
}

static bool
is_unit(const float v[SID_EMBEDDING_FLOATS]) {
    double sum = 0;
    for (int i = 0; i < SID_EMBEDDING_FLOATS; i++)
        sum += (double)v[i] * (double)v[i];
    return fabs(sqrt(sum) - 1) <= NORM_ABOUT;
}

bool
sid_facts_credible(const struct sid_photo_facts *facts,
                   enum sid_photo_kind kind) {
    if (!all_in_range(facts))
        return false;
    if (facts->image != SID_OK)
        return facts->faces == 0 && (facts->image == SID_E_IMAGE_UNREADABLE ||
                                     facts->image == SID_E_IMAGE_TOO_LARGE ||
                                     facts->image == SID_E_IMAGE_TOO_SMALL);
    if (facts->width_px < SID_IMAGE_MIN_SIDE_PX ||
        facts->height_px < SID_IMAGE_MIN_SIDE_PX ||
        (int64_t)facts->width_px * facts->height_px > SID_IMAGE_MAX_PX)
        return false;
    if (facts->faces == 0)
        return true;
    /* What the rules go by cannot be left out. */
    return facts->box_w > 0 && facts->box_h > 0 && facts->face_px > 0 &&
           facts->has_pose == (kind != SID_PHOTO_ID) &&
           facts->has_liveness == (kind == SID_PHOTO_SELFIE) &&
           is_unit(facts->embedding);
}
