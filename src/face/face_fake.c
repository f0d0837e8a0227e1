/* face_fake.c: the face engine's twin for tests: no OpenCV, no models; it reads
 * its answers out of the photo's mean colour. Linked into test builds only
 * (smartidd-fake, unit tests of the upper layers). Runs wherever the real one
 * runs.
 *
 * How a test makes a photo: one plain colour, PNG, at least 160 x 160 pixels.
 *
 *   red    who it is: 32 people, person = round(red / 8). Two photos of one
 *          person compare at about 0.9, of two people at about 0.
 *   green  what is wrong, in steps of 16 (flaw = round(green / 16)):
 *            0 nothing       4 too_blurred        8 not live (liveness 0.01)
 *            1 no_face       5 too_dark           9 unclear: this photo and a
 *            2 many_faces    6 too_bright           flawless one of the same
 *            3 face_too_     7 face_turned_         person compare at 0.42
 *              small           away: 75 degrees  10 abort() while looking for
 *                                                   faces
 *                                               11 slow: 300 ms of CPU time
 *           12 head turned to the person's left by 25 degrees; 13 right;
 *           14 up; 15 down
 *           16 (green 255) trouble: which one is in red / 8, see
 *              face_fake_trouble.h
 *   blue   which photo of that person (0..255): another value is another photo
 *          (embedding a little off, another aligned face); the same value is
 *          a copy, and as a frame of a challenge a flat picture.
 *
 * Example: id photo (80, 0, 10) and selfie (80, 0, 200) is person 10, accepted;
 * selfie (88, 0, 200) is person 11: faces_differ. */
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "face_fake_trouble.h"
#include "smartid/face.h"

enum flaw {
    FLAW_NONE,
    FLAW_NO_FACE,
    FLAW_MANY_FACES,
    FLAW_SMALL,
    FLAW_BLURRED,
    FLAW_DARK,
    FLAW_BRIGHT,
    FLAW_TURNED,
    FLAW_NOT_LIVE,
    FLAW_UNCLEAR,
    FLAW_ABORT,
    FLAW_SLOW,
    FLAW_LEFT,
    FLAW_RIGHT,
    FLAW_UP,
    FLAW_DOWN,
    FLAW_TROUBLE
};

/* Work that FLAW_SLOW does per photo. */
#define SLOW_MS 300
/* Weight of the photo's own part beside the person's: two photos of a person
 * compare at 1 / (1 + 0.33^2) = 0.90. */
#define OWN_PART 0.33F
/* Between match_review 0.35 and match_accept 0.50 (the defaults). */
#define UNCLEAR_COSINE 0.42F
/* An upright face, so that a card is not searched in all orientations. */
#define STRENGTH 5.0F
/* Angles of a turned head and of one that is turned away. */
#define TURN_DEG 25.0F
#define AWAY_DEG 75.0F
/* Smaller than any limit for a face. */
#define SMALL_FACE_PX 20.0F

struct sid_face_engine {
    int unused;
};

struct colour {
    unsigned person, flaw, photo;
};

static struct colour
read_colour(const struct sid_image *image) {
    uint64_t sum[3] = {0};
    for (int y = 0; y < image->height_px; y++) {
        const uint8_t *p = image->bgr + (size_t)y * image->stride_bytes;
        for (int x = 0; x < image->width_px; x++, p += 3)
            for (int c = 0; c < 3; c++)
                sum[c] += p[c];
    }
    uint64_t n = (uint64_t)image->width_px * (uint64_t)image->height_px;
    unsigned mean[3];
    for (int c = 0; c < 3; c++)
        mean[c] = (unsigned)((sum[c] + n / 2) / n);
    return (struct colour){.person = (mean[2] + 4) / 8,
                           .flaw = (mean[1] + 8) / 16,
                           .photo = mean[0]};
}

/* Source: splitmix64, public domain. */
static uint64_t
next_random(uint64_t *state) {
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* A unit vector that belongs to the seed. */
static void
make_direction(uint64_t seed, float out[SID_FACE_FLOATS]) {
    double norm = 0;
    for (int i = 0; i < SID_FACE_FLOATS; i++) {
        out[i] = (float)(next_random(&seed) >> 40) / (float)(1 << 24) - 0.5F;
        norm += (double)out[i] * (double)out[i];
    }
    for (int i = 0; i < SID_FACE_FLOATS; i++)
        out[i] /= (float)sqrt(norm);
}

static void
make_embedding(struct colour colour, float *out) {
    float v[SID_FACE_FLOATS];
    double norm = 0;
    float own = OWN_PART;
    if (colour.flaw == FLAW_UNCLEAR) {
        /* cos to a flawless photo is 1/(sqrt(1+own^2) sqrt(1+OWN_PART^2)) */
        float c = UNCLEAR_COSINE * UNCLEAR_COSINE * (1 + OWN_PART * OWN_PART);
        own = sqrtf(1 / c - 1);
    }
    float person[SID_FACE_FLOATS], part[SID_FACE_FLOATS];
    make_direction(1000 + colour.person, person);
    make_direction(1000000 + colour.person * 1000 + colour.photo, part);
    /* The photo's own part is made square to the person's: chance alone would
     * move the cosine of an unclear pair by 0.04, out of the review band. */
    double along = 0;
    for (int i = 0; i < SID_FACE_FLOATS; i++)
        along += (double)person[i] * (double)part[i];
    for (int i = 0; i < SID_FACE_FLOATS; i++)
        v[i] = person[i] + own * (part[i] - (float)along * person[i]);
    for (int i = 0; i < SID_FACE_FLOATS; i++)
        norm += (double)v[i] * (double)v[i];
    for (int i = 0; i < SID_FACE_FLOATS; i++)
        out[i] = v[i] / (float)sqrt(norm);
}

/* Noise that belongs to the photo. */
static void
make_grey(struct colour colour, uint8_t *out) {
    uint64_t seed = 2000000 + colour.person * 1000 + colour.photo;
    for (int i = 0; i < SID_FACE_GREY_PX * SID_FACE_GREY_PX; i++)
        out[i] = (uint8_t)(64 + (next_random(&seed) >> 57));
}

static void
work_slowly(void) {
    struct timespec start, now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
    do {
        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    } while ((now.tv_sec - start.tv_sec) * 1000 +
                 (now.tv_nsec - start.tv_nsec) / 1000000 <
             SLOW_MS);
}

bool
sid_face_needs_pack(void) {
    return false;
}

enum sid_err
sid_face_engine_new(const struct sid_face_pack *pack,
                    struct sid_face_engine **out, char *problem,
                    size_t problem_size) {
    (void)pack;
    (void)problem;
    (void)problem_size;
    struct sid_face_engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL)
        return SID_E_NO_MEMORY;
    *out = engine;
    return SID_OK;
}

void
sid_face_engine_free(struct sid_face_engine **engine) {
    free(*engine);
    *engine = NULL;
}

enum sid_err
sid_face_selftest(const struct sid_face_pack *pack, enum sid_face_net net,
                  float out[SID_SELFTEST_VALUES]) {
    (void)pack;
    (void)net;
    for (int i = 0; i < SID_SELFTEST_VALUES; i++)
        out[i] = 0;
    return SID_OK;
}

enum sid_err
sid_face_find(struct sid_face_engine *engine, const struct sid_image *image,
              struct sid_face_box out[SID_FACES_MAX], int *count) {
    (void)engine;
    struct colour colour = read_colour(image);
    float w = (float)image->width_px, h = (float)image->height_px;
    float side = 0.45F * (w < h ? w : h);
    if (colour.flaw == FLAW_ABORT)
        abort();
    if (colour.flaw == FLAW_SLOW)
        work_slowly();
    if (colour.flaw == FLAW_TROUBLE)
        face_fake_trouble(colour.person);
    if (colour.flaw == FLAW_TROUBLE && colour.person == TROUBLE_MEMORY)
        return SID_E_NO_MEMORY;
    if (colour.flaw == FLAW_SMALL)
        side = SMALL_FACE_PX * image->scale;
    int n = colour.flaw == FLAW_NO_FACE      ? 0
            : colour.flaw == FLAW_MANY_FACES ? 2
                                             : 1;
    for (int i = 0; i < n; i++)
        out[i] =
            (struct sid_face_box){.x = (w - side) * (n == 1 ? 0.5F : (float)i),
                                  .y = (h - side) / 2,
                                  .w = side,
                                  .h = side,
                                  .score = 0.99F};
    *count = n;
    return SID_OK;
}

enum sid_err
sid_face_find_points(struct sid_face_engine *engine,
                     const struct sid_image *image,
                     const struct sid_face_box *box,
                     struct sid_face_points *out) {
    static const float x[5] = {0.3F, 0.7F, 0.5F, 0.35F, 0.65F};
    static const float y[5] = {0.4F, 0.4F, 0.6F, 0.8F, 0.8F};
    (void)engine;
    (void)image;
    for (int i = 0; i < 5; i++) {
        out->x[i] = box->x + x[i] * box->w;
        out->y[i] = box->y + y[i] * box->h;
    }
    return SID_OK;
}

enum sid_err
sid_face_describe(struct sid_face_engine *engine, const struct sid_image *image,
                  const struct sid_face_points *points,
                  struct sid_face_print *out) {
    (void)engine;
    struct colour colour = read_colour(image);
    /* With several faces, each is another person: told apart by its place. */
    if (colour.flaw == FLAW_MANY_FACES &&
        points->x[2] > (float)image->width_px / 2)
        colour.person += 100;
    struct sid_face_print print = {
        .strength = STRENGTH, .sharpness = 100.0F, .brightness = 128.0F};
    if (colour.flaw == FLAW_BLURRED)
        print.sharpness = 0.1F;
    if (colour.flaw == FLAW_DARK)
        print.brightness = 5.0F;
    if (colour.flaw == FLAW_BRIGHT)
        print.brightness = 252.0F;
    if (colour.flaw == FLAW_TROUBLE && colour.person == TROUBLE_LIE)
        print.brightness = NAN;
    make_embedding(colour, print.embedding);
    make_grey(colour, print.grey);
    *out = print;
    return SID_OK;
}

enum sid_err
sid_face_read_liveness(struct sid_face_engine *engine,
                       const struct sid_image *image,
                       const struct sid_face_box *box, float *out) {
    (void)engine;
    (void)box;
    *out = read_colour(image).flaw == FLAW_NOT_LIVE ? 0.01F : 0.99F;
    return SID_OK;
}

enum sid_err
sid_face_read_pose(struct sid_face_engine *engine,
                   const struct sid_image *image,
                   const struct sid_face_box *box, struct sid_face_pose *out) {
    (void)engine;
    (void)box;
    unsigned flaw = read_colour(image).flaw;
    *out = (struct sid_face_pose){.yaw_deg = flaw == FLAW_TURNED  ? AWAY_DEG
                                             : flaw == FLAW_LEFT  ? -TURN_DEG
                                             : flaw == FLAW_RIGHT ? TURN_DEG
                                                                  : 0,
                                  .pitch_deg = flaw == FLAW_UP     ? TURN_DEG
                                               : flaw == FLAW_DOWN ? -TURN_DEG
                                                                   : 0};
    return SID_OK;
}
