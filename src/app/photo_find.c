/* photo_find.c: which face of a photo is meant, how many count, and which way
 * up it is. The detector alone cannot tell: it finds faces on their side and
 * head too, as surely as upright ones. The length of the feature vector can:
 * the network answers strongly only to an upright, recognisable face. Runs on
 * the engine's thread; owns nothing beyond a call. */
#include "photo_internal.h"

#include <string.h>

#include "smartid/clock.h"

/* Feature length from which a face is certainly upright. Source: measured on
 * 60 upright and 180 turned portraits on specimen cards and on 40 photos:
 * upright 3.1 and more (blurred: 3.1), turned by a quarter or more 3.0 and
 * less. */
#define UPRIGHT_STRENGTH 3.2F
/* Below this a second box on a card is no face (print, texture, a thumb) and
 * does not count. Source: as above; masks and drawings read 2.3 to 3.0. */
#define FACE_STRENGTH 2.6F
/* A face counts when it is at least this part of the main one's width. On a
 * photo of a card even small ones count (somebody holding the card), unless
 * it is the same person again (the ghost portrait of some cards). */
#define SELFIE_COUNTS 0.333F
#define CARD_COUNTS 0.10F
#define SAME_PERSON_COSINE 0.35F
/* Boxes that are looked at on a card; more are no card. */
#define CARD_BOXES_MAX 4
/* Second search, when the whole card's photo shows no upright face: 3 x 3
 * overlapping tiles of half its sides, so that the portrait is twice as large
 * in the detector's small input. */
#define TILES_PER_SIDE 3

struct boxes {
    struct sid_face_box box[SID_FACES_MAX];
    int count;
};

float
sid_photo_lap_ms(int64_t *at_us) {
    int64_t now_us = sid_mono_us();
    float ms = (float)(now_us - *at_us) / 1000.0F;
    *at_us = now_us;
    return ms;
}

static struct sid_face_box
quarter(struct sid_face_box b, float h) {
    return (struct sid_face_box){h - b.y - b.h, b.x, b.h, b.w, b.score};
}

struct sid_face_box
sid_photo_turn_box(struct sid_face_box box, int turns, float w, float h) {
    for (int i = 0; i < turns; i++)
        box = quarter(box, i % 2 == 0 ? h : w);
    return box;
}

struct sid_face_box
sid_photo_unturn_box(struct sid_face_box box, int turns, float w, float h) {
    if (turns == 0)
        return box;
    return turns % 2 == 0 ? sid_photo_turn_box(box, turns, w, h)
                          : sid_photo_turn_box(box, 4 - turns, h, w);
}

void
sid_photo_find_fini(struct sid_photo_find *find) {
    sid_image_fini(&find->turned);
    sid_wipe(find, sizeof *find);
}

static enum sid_err
describe(struct sid_photo_seeker *seeker, const struct sid_image *image,
         const struct sid_face_box *box, struct sid_face_print *out) {
    struct sid_face_points points;
    int64_t at_us = sid_mono_us();
    enum sid_err err =
        sid_face_find_points(seeker->engine, image, box, &points);
    seeker->ms_landmark += sid_photo_lap_ms(&at_us);
    if (err == SID_OK)
        err = sid_face_describe(seeker->engine, image, &points, out);
    seeker->ms_embed += sid_photo_lap_ms(&at_us);
    return err;
}

enum sid_err
sid_photo_find_selfie(struct sid_photo_seeker *seeker,
                      const struct sid_image *image,
                      struct sid_photo_find *out) {
    struct boxes found = {.count = 0};
    enum sid_err err =
        sid_face_find(seeker->engine, image, found.box, &found.count);
    if (err != SID_OK)
        return err;
    struct sid_photo_find find = {.faces = 0};
    for (int i = 0; i < found.count; i++)
        if (found.box[i].w >= SELFIE_COUNTS * found.box[0].w)
            find.faces++;
    find.box = found.box[0];
    *out = find;
    return SID_OK;
}

static float
cosine(const struct sid_face_print *a, const struct sid_face_print *b) {
    double sum = 0;
    for (int i = 0; i < SID_FACE_FLOATS; i++)
        sum += (double)a->embedding[i] * (double)b->embedding[i];
    return (float)sum;
}

/* Of the boxes in one orientation, the most recognisable face is meant. */
static enum sid_err
choose(struct sid_photo_seeker *seeker, const struct sid_image *image,
       const struct boxes *found, struct sid_photo_find *find) {
    struct sid_face_print print[CARD_BOXES_MAX] = {0};
    int n = found->count < CARD_BOXES_MAX ? found->count : CARD_BOXES_MAX;
    int best = 0;
    enum sid_err err = SID_OK;
    for (int i = 0; err == SID_OK && i < n; i++) {
        err = describe(seeker, image, &found->box[i], &print[i]);
        if (print[i].strength > print[best].strength)
            best = i;
    }
    if (err == SID_OK && n > 0) {
        find->box = found->box[best];
        find->print = print[best];
        find->has_print = true;
        find->faces = 1;
        for (int i = 0; i < n; i++)
            if (i != best && print[i].strength >= FACE_STRENGTH &&
                found->box[i].w >= CARD_COUNTS * find->box.w &&
                cosine(&print[i], &print[best]) < SAME_PERSON_COSINE)
                find->faces++;
    }
    sid_wipe(print, sizeof print);
    return err;
}

/* Looks for faces in a part of an image; boxes are of the whole image. */
static enum sid_err
find_in_part(struct sid_photo_seeker *seeker, const struct sid_image *image,
             struct sid_image_rect rect, struct boxes *out) {
    struct sid_image part = *image;
    part.bgr += (size_t)rect.y * image->stride_bytes + (size_t)rect.x * 3;
    part.width_px = rect.w;
    part.height_px = rect.h;
    enum sid_err err =
        sid_face_find(seeker->engine, &part, out->box, &out->count);
    for (int i = 0; err == SID_OK && i < out->count; i++) {
        out->box[i].x += (float)rect.x;
        out->box[i].y += (float)rect.y;
    }
    return err;
}

static bool
is_better(const struct sid_photo_find *a, const struct sid_photo_find *b) {
    return a->has_print &&
           (!b->has_print || a->print.strength > b->print.strength);
}

static bool
is_upright(const struct sid_photo_find *find) {
    return find->has_print && find->print.strength >= UPRIGHT_STRENGTH;
}

/* The whole picture, or its tiles until one shows an upright face. */
static enum sid_err
search(struct sid_photo_seeker *seeker, const struct sid_image *image,
       bool tiles, struct sid_photo_find *best) {
    int per_side = tiles ? TILES_PER_SIDE : 1;
    int w = tiles ? image->width_px / 2 : image->width_px;
    int h = tiles ? image->height_px / 2 : image->height_px;
    enum sid_err err = SID_OK;
    for (int i = 0; i < per_side * per_side && !is_upright(best); i++) {
        struct boxes found = {.count = 0};
        struct sid_photo_find find = {.faces = 0};
        struct sid_image_rect rect = {i % per_side * (w / 2),
                                      i / per_side * (h / 2), w, h};
        err = find_in_part(seeker, image, rect, &found);
        if (err == SID_OK)
            err = choose(seeker, image, &found, &find);
        if (err != SID_OK)
            break;
        if (is_better(&find, best))
            *best = find;
        sid_wipe(&find, sizeof find);
    }
    return err;
}

/* One orientation; *best is replaced when it shows the face better. */
static enum sid_err
try_turns(struct sid_photo_seeker *seeker, const struct sid_image *image,
          int turns, bool tiles, struct sid_photo_find *best) {
    struct sid_photo_find find = {.faces = 0};
    enum sid_err err = SID_OK;
    if (turns != 0)
        err = sid_image_turn(image, turns, &find.turned);
    struct sid_image turned = find.turned; /* search() replaces find */
    if (err == SID_OK)
        err = search(seeker, turns == 0 ? image : &turned, tiles, &find);
    find.turned = turned;
    find.turns = turns;
    if (err == SID_OK && is_better(&find, best)) {
        sid_photo_find_fini(best);
        *best = find;
    } else {
        sid_image_fini(&turned);
    }
    sid_wipe(&find, sizeof find);
    return err;
}

enum sid_err
sid_photo_find_card(struct sid_photo_seeker *seeker,
                    const struct sid_image *image, struct sid_photo_find *out) {
    struct sid_photo_find best = {.faces = 0};
    enum sid_err err = SID_OK;
    for (int round = 0; round < 2 && !is_upright(&best); round++) {
        for (int turns = 0; turns < 4 && !is_upright(&best); turns++) {
            err = try_turns(seeker, image, turns, round == 1, &best);
            if (err != SID_OK)
                goto out;
        }
    }
    *out = best;
    best = (struct sid_photo_find){.faces = 0};
out:
    sid_photo_find_fini(&best);
    return err;
}
