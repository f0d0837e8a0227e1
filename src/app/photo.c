/* photo.c: one photo from its bytes to its facts, the only code path there is:
 * decode small -> find the face (a card in four orientations) -> take a closer
 * look when the face is small -> points, embedding, and for a selfie liveness
 * and pose. Runs on the thread that owns the engine; owns nothing beyond a
 * call; every pixel is wiped when it ends. */
#include "smartid/photo.h"

#include <math.h>
#include <string.h>

#include "smartid/clock.h"
#include "smartid/image.h"

_Static_assert(SID_FACE_FLOATS == SID_EMBEDDING_FLOATS,
               "one length of embedding");

/* Long side the photo is first decoded to, at least. A selfie's face fills
 * much of it; on a card that fills 40 % of the width the face is 7 % wide.
 * Source: measured, see the limits in issue 2. */
#define SELFIE_LONG_PX 480
#define CARD_LONG_PX 960
/* Width of a face below which more pixels are fetched from the file. Source:
 * the feature network sees 112 x 112. */
#define FACE_ENOUGH_PX 112.0F
/* Side of the closer look in widths of the face: room for the aligned crop
 * (2.3 widths at most) and for the pose network (1.5). */
#define CLOSE_UP 2.6F
/* A face that scores this much in the orientation of the file is upright.
 * Source: measured on specimen cards in four orientations: upright 0.97 and
 * more, on its side or head 0.95 and less. */
#define UPRIGHT_SCORE 0.965F
/* A face counts when it is at least this part of the widest one's width. On a
 * photo of a card even small ones count (somebody holding the card), unless
 * it is the same person again (the ghost portrait of some cards). */
#define SELFIE_COUNTS 0.333F
#define CARD_COUNTS 0.10F
#define SAME_PERSON_COSINE 0.35F
/* Tiles of the second search, when nothing was found on the whole photo: 2 x 2,
 * each this part of a side, overlapping. */
#define TILE_PART 0.6F

struct exam {
    struct sid_face_engine *engine; /* borrowed */
    struct sid_span bytes;          /* borrowed */
    enum sid_photo_kind kind;
    struct sid_image whole;  /* upright by EXIF, decoded small */
    struct sid_image turned; /* whole after the turns; empty when turns is 0 */
    struct sid_image close;  /* closer look, after the turns; or empty */
    int turns;
    struct sid_face_box box[SID_FACES_MAX]; /* in look(exam) */
    int count;
    struct sid_photo_facts facts;
};

/* The picture the boxes belong to. */
static const struct sid_image *
look(const struct exam *exam) {
    return exam->turns == 0 ? &exam->whole : &exam->turned;
}

static bool
is_photo_error(enum sid_err err) {
    return err == SID_E_IMAGE_UNREADABLE || err == SID_E_IMAGE_TOO_LARGE ||
           err == SID_E_IMAGE_TOO_SMALL;
}

/* Milliseconds since *at_us, which moves to now. */
static float
lap_ms(int64_t *at_us) {
    int64_t now_us = sid_mono_us();
    float ms = (float)(now_us - *at_us) / 1000.0F;
    *at_us = now_us;
    return ms;
}

/* ---- boxes through quarter turns ---------------------------------------- */

/* From a picture of w x h to the same turned clockwise. */
static struct sid_face_box
turn_box(struct sid_face_box b, int turns, float w, float h) {
    struct sid_face_box t = b;
    if (turns == 1)
        t = (struct sid_face_box){h - b.y - b.h, b.x, b.h, b.w, b.score};
    else if (turns == 2)
        t = (struct sid_face_box){w - b.x - b.w, h - b.y - b.h, b.w, b.h,
                                  b.score};
    else if (turns == 3)
        t = (struct sid_face_box){b.y, w - b.x - b.w, b.h, b.w, b.score};
    return t;
}

/* From the turned picture back to the one of w x h. */
static struct sid_face_box
unturn_box(struct sid_face_box b, int turns, float w, float h) {
    return turns % 2 == 0 ? turn_box(b, turns, w, h)
                          : turn_box(b, 4 - turns, h, w);
}

/* From look(exam) to the upright full-size photo. */
static struct sid_face_box
full_box(const struct exam *exam, const struct sid_face_box *box) {
    const struct sid_image *whole = &exam->whole;
    struct sid_face_box b = unturn_box(
        *box, exam->turns, (float)whole->width_px, (float)whole->height_px);
    return (struct sid_face_box){whole->origin_x_px + b.x / whole->scale,
                                 whole->origin_y_px + b.y / whole->scale,
                                 b.w / whole->scale, b.h / whole->scale,
                                 b.score};
}

/* ---- finding ------------------------------------------------------------ */

/* Looks for faces in a part of an image; boxes are of the whole image. */
static enum sid_err
find_in_part(struct exam *exam, const struct sid_image *image, int x, int y,
             int w, int h) {
    struct sid_image part = *image;
    part.bgr += (size_t)y * image->stride_bytes + (size_t)x * 3;
    part.width_px = w;
    part.height_px = h;
    enum sid_err err =
        sid_face_find(exam->engine, &part, exam->box, &exam->count);
    for (int i = 0; err == SID_OK && i < exam->count; i++) {
        exam->box[i].x += (float)x;
        exam->box[i].y += (float)y;
    }
    return err;
}

/* The four overlapping corners, until one has a face. */
static enum sid_err
find_in_tiles(struct exam *exam, const struct sid_image *image) {
    int w = (int)((float)image->width_px * TILE_PART);
    int h = (int)((float)image->height_px * TILE_PART);
    enum sid_err err = SID_OK;
    exam->count = 0;
    for (int tile = 0; err == SID_OK && tile < 4 && exam->count == 0; tile++)
        err = find_in_part(exam, image, tile % 2 == 0 ? 0 : image->width_px - w,
                           tile / 2 == 0 ? 0 : image->height_px - h, w, h);
    return err;
}

static float
best_score(const struct exam *exam) {
    float best = 0;
    for (int i = 0; i < exam->count; i++)
        if (exam->box[i].score > best)
            best = exam->box[i].score;
    return best;
}

/* Searches one orientation; keeps what it found when that is better. */
static enum sid_err
try_turns(struct exam *exam, int turns, bool tiles, struct exam *best) {
    struct sid_image turned = SID_IMAGE_EMPTY;
    enum sid_err err = SID_OK;
    if (turns != 0)
        err = sid_image_turn(&exam->whole, turns, &turned);
    if (err != SID_OK)
        return err;
    const struct sid_image *image = turns == 0 ? &exam->whole : &turned;
    err = tiles ? find_in_tiles(exam, image)
                : find_in_part(exam, image, 0, 0, image->width_px,
                               image->height_px);
    if (err == SID_OK && best_score(exam) > best_score(best)) {
        sid_image_fini(&best->turned);
        best->turned = turned;
        best->turns = turns;
        best->count = exam->count;
        memcpy(best->box, exam->box, sizeof best->box);
    } else {
        sid_image_fini(&turned);
    }
    return err;
}

/* A card lies as it likes: the orientation with the best face wins, searching
 * ends early when a face is clearly upright. */
static enum sid_err
find_on_card(struct exam *exam) {
    struct exam best = {.count = 0};
    enum sid_err err = SID_OK;
    for (int round = 0; err == SID_OK && round < 2 && best.count == 0; round++)
        for (int turns = 0; err == SID_OK && turns < 4; turns++) {
            err = try_turns(exam, turns, round == 1, &best);
            if (best_score(&best) >= UPRIGHT_SCORE)
                break;
        }
    exam->turned = best.turned;
    exam->turns = best.turns;
    exam->count = best.count;
    memcpy(exam->box, best.box, sizeof exam->box);
    return err;
}

static float
cosine(const struct sid_face_print *a, const struct sid_face_print *b) {
    double sum = 0;
    for (int i = 0; i < SID_FACE_FLOATS; i++)
        sum += (double)a->embedding[i] * (double)b->embedding[i];
    return (float)sum;
}

static enum sid_err
describe(struct exam *exam, const struct sid_image *image,
         const struct sid_face_box *box, struct sid_face_print *out) {
    struct sid_face_points points;
    enum sid_err err = sid_face_find_points(exam->engine, image, box, &points);
    if (err == SID_OK)
        err = sid_face_describe(exam->engine, image, &points, out);
    return err;
}

/* How many of the faces count; box[0] is the widest. */
static enum sid_err
count_faces(struct exam *exam) {
    float least = (exam->kind == SID_PHOTO_ID ? CARD_COUNTS : SELFIE_COUNTS) *
                  exam->box[0].w;
    struct sid_face_print first = {0}, other = {0};
    enum sid_err err = SID_OK;
    bool compare = exam->kind == SID_PHOTO_ID && exam->count > 1;
    if (compare)
        err = describe(exam, look(exam), &exam->box[0], &first);
    exam->facts.faces = 1;
    for (int i = 1; err == SID_OK && i < exam->count; i++) {
        if (exam->box[i].w < least)
            continue;
        if (compare)
            err = describe(exam, look(exam), &exam->box[i], &other);
        if (!compare || cosine(&first, &other) < SAME_PERSON_COSINE)
            exam->facts.faces++;
    }
    sid_wipe(&first, sizeof first);
    sid_wipe(&other, sizeof other);
    return err;
}

/* ---- measuring ---------------------------------------------------------- */

/* Decodes the face's surroundings again, larger; *box becomes a box of
 * exam->close. */
static enum sid_err
look_closer(struct exam *exam, struct sid_face_box *box) {
    struct sid_face_box full = full_box(exam, box);
    float side = (full.w > full.h ? full.w : full.h) * CLOSE_UP;
    float x = full.x + full.w / 2 - side / 2;
    float y = full.y + full.h / 2 - side / 2;
    struct sid_image_want want = {
        .region = {(int)floorf(x), (int)floorf(y), (int)ceilf(side),
                   (int)ceilf(side)},
        .min_long_px = (int)(FACE_ENOUGH_PX * CLOSE_UP)};
    struct sid_image part = SID_IMAGE_EMPTY;
    enum sid_err err = sid_image_decode(exam->bytes, &want, &part);
    if (err != SID_OK)
        return err;
    struct sid_face_box b = {(full.x - part.origin_x_px) * part.scale,
                             (full.y - part.origin_y_px) * part.scale,
                             full.w * part.scale, full.h * part.scale,
                             full.score};
    *box =
        turn_box(b, exam->turns, (float)part.width_px, (float)part.height_px);
    if (exam->turns == 0) {
        exam->close = part;
        return SID_OK;
    }
    err = sid_image_turn(&part, exam->turns, &exam->close);
    sid_image_fini(&part);
    return err;
}

static enum sid_err
measure_face(struct exam *exam, const struct sid_image *image,
             const struct sid_face_box *box) {
    struct sid_photo_facts *facts = &exam->facts;
    struct sid_face_points points;
    struct sid_face_print print;
    int64_t at_us = sid_mono_us();
    enum sid_err err = sid_face_find_points(exam->engine, image, box, &points);
    facts->ms_landmark = lap_ms(&at_us);
    if (err != SID_OK)
        return err;
    err = sid_face_describe(exam->engine, image, &points, &print);
    facts->ms_embed = lap_ms(&at_us);
    if (err != SID_OK)
        return err;
    memcpy(facts->embedding, print.embedding, sizeof facts->embedding);
    facts->sharpness = print.sharpness;
    facts->brightness = print.brightness;
    facts->dhash = print.dhash;
    sid_wipe(&print, sizeof print);
    return SID_OK;
}

/* Liveness wants the surroundings (the small picture), pose the face. */
static enum sid_err
measure_selfie(struct exam *exam, const struct sid_image *image,
               const struct sid_face_box *box) {
    struct sid_photo_facts *facts = &exam->facts;
    struct sid_face_pose pose;
    int64_t at_us = sid_mono_us();
    enum sid_err err = sid_face_read_liveness(exam->engine, look(exam),
                                              &exam->box[0], &facts->liveness);
    facts->ms_liveness = lap_ms(&at_us);
    if (err != SID_OK)
        return err;
    facts->has_liveness = true;
    err = sid_face_read_pose(exam->engine, image, box, &pose);
    facts->ms_pose = lap_ms(&at_us);
    if (err != SID_OK)
        return err;
    facts->yaw_deg = pose.yaw_deg;
    facts->pitch_deg = pose.pitch_deg;
    facts->roll_deg = pose.roll_deg;
    facts->has_pose = true;
    return SID_OK;
}

static enum sid_err
measure(struct exam *exam) {
    struct sid_photo_facts *facts = &exam->facts;
    struct sid_face_box box = exam->box[0], full = full_box(exam, &box);
    facts->box_x = full.x;
    facts->box_y = full.y;
    facts->box_w = full.w;
    facts->box_h = full.h;
    facts->box_score = full.score;
    facts->quarter_turns = exam->turns;
    facts->face_px = box.w / exam->whole.scale;
    const struct sid_image *image = look(exam);
    enum sid_err err = SID_OK;
    if (box.w < FACE_ENOUGH_PX && exam->whole.scale < 1) {
        int64_t at_us = sid_mono_us();
        err = look_closer(exam, &box);
        facts->ms_decode += lap_ms(&at_us);
        image = &exam->close;
    }
    if (err == SID_OK)
        err = measure_face(exam, image, &box);
    if (err == SID_OK && exam->kind == SID_PHOTO_SELFIE)
        err = measure_selfie(exam, image, &box);
    return err;
}

/* ---- the recipe --------------------------------------------------------- */

static enum sid_err
decode(struct exam *exam) {
    struct sid_image_info info = {0};
    enum sid_err err = sid_image_probe(exam->bytes, &info);
    if (err != SID_OK)
        return err;
    exam->facts.width_px = info.width_px;
    exam->facts.height_px = info.height_px;
    struct sid_image_want want = {.min_long_px = exam->kind == SID_PHOTO_ID
                                                     ? CARD_LONG_PX
                                                     : SELFIE_LONG_PX};
    return sid_image_decode(exam->bytes, &want, &exam->whole);
}

static enum sid_err
examine(struct exam *exam) {
    int64_t at_us = sid_mono_us();
    enum sid_err err = sid_sha256(exam->bytes, exam->facts.sha256);
    if (err != SID_OK)
        return err;
    err = decode(exam);
    exam->facts.ms_decode = lap_ms(&at_us);
    if (err != SID_OK)
        return err;
    err = exam->kind == SID_PHOTO_ID
              ? find_on_card(exam)
              : find_in_part(exam, &exam->whole, 0, 0, exam->whole.width_px,
                             exam->whole.height_px);
    if (err == SID_OK && exam->count > 0)
        err = count_faces(exam);
    exam->facts.ms_detect = lap_ms(&at_us);
    if (err == SID_OK && exam->count > 0)
        err = measure(exam);
    return err;
}

enum sid_err
sid_photo_examine(struct sid_face_engine *engine, struct sid_span bytes,
                  enum sid_photo_kind kind, struct sid_photo_facts *out) {
    struct exam exam = {.engine = engine, .bytes = bytes, .kind = kind};
    enum sid_err err = examine(&exam);
    if (is_photo_error(err)) {
        exam.facts.image = err;
        exam.facts.faces = 0;
        err = SID_OK;
    }
    sid_image_fini(&exam.whole);
    sid_image_fini(&exam.turned);
    sid_image_fini(&exam.close);
    if (err == SID_OK)
        *out = exam.facts;
    sid_wipe(&exam.facts, sizeof exam.facts);
    return err;
}
