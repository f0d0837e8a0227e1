/* photo.c: one photo from its bytes to its facts, the only code path there is:
 * decode small -> find the face (photo_find.c) -> take a closer look when the
 * face is small -> points, embedding, for a selfie liveness, and for all but
 * the card pose. Runs on the thread that owns the engine; owns nothing beyond a
 * call; every pixel is wiped when it ends. */
#include "smartid/photo.h"

#include <math.h>
#include <string.h>

#include "photo_internal.h"
#include "smartid/clock.h"
#include "smartid/image.h"

_Static_assert(SID_FACE_FLOATS == SID_EMBEDDING_FLOATS,
               "one length of embedding");

/* Long side the photo is first decoded to, at least. A selfie's face fills
 * much of it; on a card that fills 40 % of the width the box is 6 % wide.
 * Source: measured on 12 megapixels: reading at 1/8, 1/4, 1/2 takes 20, 26,
 * 31 ms, a closer look 30 ms with all that follows; so a card is read at 1/2
 * at once, a selfie at 1/8. */
#define SELFIE_LONG_PX 480
#define CARD_LONG_PX 1500
/* Width of the detector's box below which more pixels are fetched from the
 * file: the box is 1.2 times narrower than the face from cheek to cheek, which
 * shall have the 112 px of the feature network. */
#define BOX_ENOUGH_PX 94.0F
/* Side of the closer look in sides of the box: room for the aligned crop and
 * for the pose network (1.5). */
#define CLOSE_UP 2.6F

struct exam {
    struct sid_face_engine *engine; /* borrowed */
    struct sid_span bytes;          /* borrowed */
    enum sid_photo_kind kind;
    bool alive;             /* measure liveness, and pose of any kind */
    uint8_t *portrait;      /* borrowed; cut out here; NULL: is not wanted */
    struct sid_image whole; /* upright by EXIF, decoded small */
    struct sid_photo_find find;
    struct sid_image close; /* closer look, after the turns; or empty */
    struct sid_photo_facts facts;
};

/* The picture the found box belongs to. */
static const struct sid_image *
seen(const struct exam *exam) {
    return exam->find.turns == 0 ? &exam->whole : &exam->find.turned;
}

static bool
is_photo_error(enum sid_err err) {
    return err == SID_E_IMAGE_UNREADABLE || err == SID_E_IMAGE_TOO_LARGE ||
           err == SID_E_IMAGE_TOO_SMALL;
}

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

/* The found box in the upright full-size photo. */
static struct sid_face_box
full_box(const struct exam *exam) {
    const struct sid_image *whole = &exam->whole;
    struct sid_face_box b =
        sid_photo_unturn_box(exam->find.box, exam->find.turns,
                             (float)whole->width_px, (float)whole->height_px);
    return (struct sid_face_box){b.x / whole->scale, b.y / whole->scale,
                                 b.w / whole->scale, b.h / whole->scale,
                                 b.score};
}

/* Decodes the face's surroundings again, larger; *box becomes a box of
 * exam->close. */
static enum sid_err
look_closer(struct exam *exam, struct sid_face_box *box) {
    struct sid_face_box full = full_box(exam);
    float longer = full.w > full.h ? full.w : full.h;
    float wider = full.w > full.h ? full.h : full.w;
    float side = longer * CLOSE_UP;
    float x = full.x + full.w / 2 - side / 2;
    float y = full.y + full.h / 2 - side / 2;
    struct sid_image_want want = {
        .region = {(int)floorf(x), (int)floorf(y), (int)ceilf(side),
                   (int)ceilf(side)},
        .min_long_px = (int)(BOX_ENOUGH_PX * side / wider)};
    struct sid_image part = SID_IMAGE_EMPTY;
    enum sid_err err = sid_image_decode(exam->bytes, &want, &part);
    if (err != SID_OK)
        return err;
    struct sid_face_box b = {(full.x - part.origin_x_px) * part.scale,
                             (full.y - part.origin_y_px) * part.scale,
                             full.w * part.scale, full.h * part.scale,
                             full.score};
    *box = sid_photo_turn_box(b, exam->find.turns, (float)part.width_px,
                              (float)part.height_px);
    if (exam->find.turns == 0) {
        exam->close = part;
        return SID_OK;
    }
    err = sid_image_turn(&part, exam->find.turns, &exam->close);
    sid_image_fini(&part);
    return err;
}

static void
take_print(struct sid_photo_facts *facts, const struct sid_face_print *print) {
    memcpy(facts->embedding, print->embedding, sizeof facts->embedding);
    facts->sharpness = print->sharpness;
    facts->brightness = print->brightness;
    memcpy(facts->grey, print->grey, sizeof facts->grey);
}

static enum sid_err
measure_face(struct exam *exam, const struct sid_image *image,
             const struct sid_face_box *box) {
    struct sid_photo_facts *facts = &exam->facts;
    struct sid_face_points points;
    struct sid_face_print print;
    int64_t at_us = sid_mono_us();
    enum sid_err err = sid_face_find_points(exam->engine, image, box, &points);
    facts->ms_landmark += sid_photo_lap_ms(&at_us);
    if (err != SID_OK)
        return err;
    err = sid_face_describe(exam->engine, image, &points, &print);
    facts->ms_embed += sid_photo_lap_ms(&at_us);
    if (err != SID_OK)
        return err;
    take_print(facts, &print);
    sid_wipe(&print, sizeof print);
    return SID_OK;
}

/* Of the small picture: liveness wants the surroundings. */
static enum sid_err
measure_liveness(struct exam *exam) {
    struct sid_photo_facts *facts = &exam->facts;
    int64_t at_us = sid_mono_us();
    enum sid_err err = sid_face_read_liveness(
        exam->engine, seen(exam), &exam->find.box, &facts->liveness);
    facts->ms_liveness = sid_photo_lap_ms(&at_us);
    facts->has_liveness = err == SID_OK;
    return err;
}

static enum sid_err
measure_pose(struct exam *exam, const struct sid_image *image,
             const struct sid_face_box *box) {
    struct sid_photo_facts *facts = &exam->facts;
    struct sid_face_pose pose;
    int64_t at_us = sid_mono_us();
    enum sid_err err = sid_face_read_pose(exam->engine, image, box, &pose);
    facts->ms_pose = sid_photo_lap_ms(&at_us);
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
    struct sid_face_box box = exam->find.box, full = full_box(exam);
    facts->faces = exam->find.faces;
    facts->box_x = full.x;
    facts->box_y = full.y;
    facts->box_w = full.w;
    facts->box_h = full.h;
    facts->box_score = full.score;
    facts->quarter_turns = exam->find.turns;
    facts->face_px = box.w / exam->whole.scale;
    const struct sid_image *image = seen(exam);
    enum sid_err err = SID_OK;
    bool closer = box.w < BOX_ENOUGH_PX && exam->whole.scale < 1;
    if (closer) {
        int64_t at_us = sid_mono_us();
        err = look_closer(exam, &box);
        facts->ms_decode += sid_photo_lap_ms(&at_us);
        image = &exam->close;
    }
    if (err == SID_OK && exam->find.has_print && !closer)
        take_print(facts, &exam->find.print);
    else if (err == SID_OK)
        err = measure_face(exam, image, &box);
    if (err == SID_OK && exam->alive)
        err = measure_liveness(exam);
    if (err == SID_OK && (exam->alive || exam->kind != SID_PHOTO_ID))
        err = measure_pose(exam, image, &box);
    if (err == SID_OK && exam->portrait != NULL)
        sid_photo_cut_portrait(image, &box, exam->portrait);
    return err;
}

static enum sid_err
examine(struct exam *exam) {
    int64_t at_us = sid_mono_us();
    enum sid_err err = decode(exam);
    exam->facts.ms_decode = sid_photo_lap_ms(&at_us);
    if (err != SID_OK)
        return err;
    struct sid_photo_seeker seeker = {.engine = exam->engine};
    err = exam->kind == SID_PHOTO_ID
              ? sid_photo_find_card(&seeker, &exam->whole, &exam->find)
              : sid_photo_find_selfie(&seeker, &exam->whole, &exam->find);
    exam->facts.ms_landmark = seeker.ms_landmark;
    exam->facts.ms_embed = seeker.ms_embed;
    exam->facts.ms_detect =
        sid_photo_lap_ms(&at_us) - seeker.ms_landmark - seeker.ms_embed;
    if (err == SID_OK && exam->find.faces > 0)
        err = measure(exam);
    return err;
}

/* Runs the exam, frees what it has made, hands the facts out. */
static enum sid_err
finish(struct exam *exam, struct sid_photo_facts *out) {
    enum sid_err err = examine(exam);
    if (is_photo_error(err)) {
        exam->facts.image = err;
        exam->facts.faces = 0;
        err = SID_OK;
    }
    sid_image_fini(&exam->whole);
    sid_image_fini(&exam->close);
    sid_photo_find_fini(&exam->find);
    if (err == SID_OK)
        *out = exam->facts;
    sid_wipe(&exam->facts, sizeof exam->facts);
    return err;
}

static enum sid_err
finish_hashed(struct exam *exam, struct sid_photo_facts *out) {
    uint8_t sha256[SID_SHA256_BYTES];
    enum sid_err err = sid_sha256(exam->bytes, sha256);
    if (err == SID_OK)
        err = finish(exam, out);
    if (err == SID_OK)
        memcpy(out->sha256, sha256, sizeof out->sha256);
    return err;
}

enum sid_err
sid_photo_examine(struct sid_face_engine *engine, struct sid_span bytes,
                  enum sid_photo_kind kind, struct sid_photo_facts *out) {
    return sid_photo_portray(engine, bytes, kind, NULL, out);
}

enum sid_err
sid_photo_portray(struct sid_face_engine *engine, struct sid_span bytes,
                  enum sid_photo_kind kind, uint8_t *portrait,
                  struct sid_photo_facts *out) {
    struct exam exam = {.engine = engine,
                        .bytes = bytes,
                        .kind = kind,
                        .alive = kind == SID_PHOTO_SELFIE,
                        .portrait = portrait};
    return finish_hashed(&exam, out);
}

enum sid_err
sid_photo_examine_fully(struct sid_face_engine *engine, struct sid_span bytes,
                        enum sid_photo_kind kind, struct sid_photo_facts *out) {
    struct exam exam = {
        .engine = engine, .bytes = bytes, .kind = kind, .alive = true};
    return finish_hashed(&exam, out);
}

enum sid_err
sid_photo_look(struct sid_face_engine *engine, struct sid_span bytes,
               enum sid_photo_kind kind, uint8_t *portrait,
               struct sid_photo_facts *out) {
    struct exam exam = {.engine = engine,
                        .bytes = bytes,
                        .kind = kind,
                        .alive = kind == SID_PHOTO_SELFIE,
                        .portrait = portrait};
    return finish(&exam, out);
}
