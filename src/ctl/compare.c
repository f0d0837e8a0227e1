/* compare.c: smartidctl compare: the daemon's own way from a photo to its facts
 * and to a decision, shown to an operator. Two photos (and the frames of a
 * challenge) give JSON, a table of pairs gives a table (compare_pairs.c). Main
 * thread. */
#include "compare.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "csv.h"
#include "ctl.h"
#include "smartid/photo.h"
#include "smartid/text.h"

static const char usage[] =
    "usage: smartidctl compare [options] A B        JSON about both and how "
    "alike\n"
    "       smartidctl compare [options] --steps left,up A B FRAME FRAME\n"
    "                          the same, and how frames answer a challenge\n"
    "       smartidctl compare [options] --pairs FILE.csv [--root DIR]\n"
    "                          [--jobs N] > out.csv\n"
    "  --pairs FILE   table with the columns path_a,path_b,same\n"
    "  --root DIR     folder of the paths in the table (default .)\n"
    "  --jobs N       threads (default: cores)\n"
    "  --steps LIST   2 or 3 of left, right, up, down: turns of the head that\n"
    "                 the frames show, as the person's own sides\n"
    "  --kind-a, --kind-b id_photo|selfie   what the photos are\n"
    "                 (default id_photo and selfie)\n"
    "  --model-dir DIR   folder of the model pack\n"
    "  --accept X, --review X   thresholds of the bands\n"
    "Model pack, thresholds and what a selfie that looks dead leads to are\n"
    "those of the settings (smartidctl -c FILE compare; without -c those of\n"
    "the usual place, or the defaults where there are none).\n";

#define JOBS_MAX 64

static bool
read_threshold(const char *text, float *out) {
    char *end = NULL;
    float value = strtof(text, &end);
    if (end == text || *end != '\0' || !(value >= 0 && value <= 1))
        return false;
    *out = value;
    return true;
}

static bool
read_kind(const char *text, enum sid_photo_kind *out) {
    if (strcmp(text, sid_photo_kind_name(SID_PHOTO_ID)) == 0)
        *out = SID_PHOTO_ID;
    else if (strcmp(text, sid_photo_kind_name(SID_PHOTO_SELFIE)) == 0)
        *out = SID_PHOTO_SELFIE;
    else
        return false;
    return true;
}

static bool
read_jobs(const char *text, long *out) {
    char *end = NULL;
    long value = strtol(text, &end, 10);
    if (end == text || *end != '\0' || value < 1 || value > JOBS_MAX)
        return false;
    *out = value;
    return true;
}

/* "left,up" */
static bool
read_steps(const char *text, struct sid_steps *out) {
    char words[SID_STEPS_TEXT_SIZE];
    if (sid_text_copy(words, sizeof words, text) != SID_OK)
        return false;
    for (char *at = words; *at != '\0'; at++)
        *at = *at == ',' ? ' ' : *at;
    return sid_steps_unpack(words, out) == SID_OK;
}

static bool
take_option(struct sid_compare *me, int option, const char *value) {
    switch (option) {
    case 'm':
        me->model_dir = value;
        return true;
    case 'a':
        return read_threshold(value, &me->policy.match_accept);
    case 'r':
        return read_threshold(value, &me->policy.match_review);
    case 'A':
        return read_kind(value, &me->kind_a);
    case 'B':
        return read_kind(value, &me->kind_b);
    case 'p':
        me->pairs = value;
        return true;
    case 'R':
        me->root = value;
        return true;
    case 'j':
        return read_jobs(value, &me->jobs);
    case 's':
        return read_steps(value, &me->steps);
    default:
        return false;
    }
}

/* 0, or the exit code after a message. */
static int
read_options(int argc, char **argv, struct sid_compare *me) {
    static const struct option options[] = {
        {"model-dir", required_argument, NULL, 'm'},
        {"models", required_argument, NULL, 'm'}, /* its former name */
        {"accept", required_argument, NULL, 'a'},
        {"review", required_argument, NULL, 'r'},
        {"kind-a", required_argument, NULL, 'A'},
        {"kind-b", required_argument, NULL, 'B'},
        {"pairs", required_argument, NULL, 'p'},
        {"root", required_argument, NULL, 'R'},
        {"jobs", required_argument, NULL, 'j'},
        {"steps", required_argument, NULL, 's'},
        {NULL, 0, NULL, 0}};
    int option = 0;
    optind = 1;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (!take_option(me, option, optarg)) {
            (void)fputs(usage, stderr);
            return SID_CTL_USAGE;
        }
    }
    if (argc - optind != (me->pairs == NULL ? 2 + me->steps.count : 0) ||
        me->policy.match_review > me->policy.match_accept) {
        (void)fputs(usage, stderr);
        return SID_CTL_USAGE;
    }
    return 0;
}

enum sid_err
sid_compare_file(struct sid_face_engine *engine, const char *path,
                 enum sid_photo_kind kind, bool fully,
                 struct sid_photo_facts *out) {
    struct sid_buf bytes = SID_BUF_EMPTY;
    enum sid_err err =
        sid_ctl_read_file(path, SID_COMPARE_FILE_BYTES_MAX, &bytes);
    struct sid_span span = sid_buf_span(&bytes);
    if (err == SID_OK)
        err = fully ? sid_photo_examine_fully(engine, span, kind, out)
                    : sid_photo_examine(engine, span, kind, out);
    sid_buf_free(&bytes);
    return err;
}

/* A number as people read it: 4 decimals at most. */
static json_t *
number(double value) {
    return json_real(round(value * 10000) / 10000);
}

static json_t *
reasons_json(const struct sid_reasons *reasons) {
    json_t *list = json_array();
    for (size_t i = 0; i < reasons->count; i++)
        (void)json_array_append_new(
            list, json_string(sid_reason_code(reasons->item[i].reason)));
    return list;
}

static void
put_face(json_t *object, const struct sid_photo_facts *facts) {
    (void)json_object_set_new(
        object, "box",
        json_pack("{s:i, s:i, s:i, s:i, s:o}", "x", (int)lroundf(facts->box_x),
                  "y", (int)lroundf(facts->box_y), "w",
                  (int)lroundf(facts->box_w), "h", (int)lroundf(facts->box_h),
                  "score", number((double)facts->box_score)));
    (void)json_object_set_new(object, "quarter_turns",
                              json_integer(facts->quarter_turns));
    (void)json_object_set_new(object, "sharpness",
                              number((double)facts->sharpness));
    (void)json_object_set_new(object, "brightness",
                              number((double)facts->brightness));
    if (facts->has_pose)
        (void)json_object_set_new(
            object, "pose",
            json_pack("{s:o, s:o, s:o}", "yaw_deg",
                      number((double)facts->yaw_deg), "pitch_deg",
                      number((double)facts->pitch_deg), "roll_deg",
                      number((double)facts->roll_deg)));
    if (facts->has_liveness)
        (void)json_object_set_new(object, "liveness",
                                  number((double)facts->liveness));
}

static json_t *
photo_json(const char *path, const struct sid_photo_facts *facts,
           enum sid_photo_kind kind) {
    struct sid_reasons reasons = {.count = 0};
    sid_policy_photo(facts, kind, &reasons);
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:i, s:i, s:i}", "path", path, "kind",
                  sid_photo_kind_name(kind), "image",
                  sid_err_code(facts->image), "width_px", facts->width_px,
                  "height_px", facts->height_px, "faces", facts->faces);
    if (object == NULL) /* a path that is not UTF-8 */
        return json_null();
    if (facts->faces > 0)
        put_face(object, facts);
    (void)json_object_set_new(object, "reasons", reasons_json(&reasons));
    (void)json_object_set_new(
        object, "ms",
        json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "decode",
                  number((double)facts->ms_decode), "detect",
                  number((double)facts->ms_detect), "landmark",
                  number((double)facts->ms_landmark), "embed",
                  number((double)facts->ms_embed), "liveness",
                  number((double)facts->ms_liveness), "pose",
                  number((double)facts->ms_pose)));
    return object;
}

static json_t *
challenge_json(const struct sid_challenge_report *report) {
    json_t *steps = json_array();
    for (int i = 0; i < report->steps.count; i++) {
        const struct sid_frame_report *frame = &report->frame[i];
        (void)json_array_append_new(
            steps, json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "turn",
                             sid_turn_name(report->steps.turn[i]), "turned_deg",
                             number((double)frame->turned_deg), "yaw_deg",
                             number((double)frame->yaw_deg), "pitch_deg",
                             number((double)frame->pitch_deg), "similarity",
                             number((double)frame->similarity), "flatness",
                             number((double)frame->flatness)));
    }
    return json_pack("{s:s, s:o}", "outcome",
                     sid_challenge_outcome_name(report->outcome), "steps",
                     steps);
}

static enum sid_photo_kind
kind_of(const struct sid_compare *me, int at) {
    return at == 0   ? me->kind_a
           : at == 1 ? me->kind_b
                     : (enum sid_photo_kind)(SID_PHOTO_FRAME_1 + at - 2);
}

static void
print_all(const struct sid_compare *me, char *const *paths,
          const struct sid_photo_facts *facts) {
    struct sid_decision decision;
    struct sid_frames frames = {.steps = me->steps, .frame = facts + 2};
    json_t *similarity = json_null(), *band = json_null();
    json_t *photos = json_array();
    sid_policy_decide(&me->policy, &facts[0], &facts[1], &frames, &decision);
    if (facts[0].faces > 0 && facts[1].faces > 0) {
        float value = sid_similarity(facts[0].embedding, facts[1].embedding);
        similarity = number((double)value);
        band = json_string(sid_band_name(sid_policy_band(&me->policy, value)));
    }
    for (int i = 0; i < 2 + me->steps.count; i++)
        (void)json_array_append_new(
            photos, photo_json(paths[i], &facts[i], kind_of(me, i)));
    json_t *all =
        json_pack("{s:o, s:o, s:s, s:o, s:o}", "similarity", similarity, "band",
                  band, "state", sid_enrol_state_name(decision.state),
                  "reasons", reasons_json(&decision.reasons), "photos", photos);
    if (me->steps.count > 0)
        (void)json_object_set_new(all, "challenge",
                                  challenge_json(&decision.challenge));
    (void)json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    (void)putchar('\n');
    json_decref(all);
}

/* Reads and examines the photos one after the other. */
static bool
examine_all(const struct sid_compare *me, struct sid_face_engine *engine,
            char *const *paths, struct sid_photo_facts *facts) {
    for (int i = 0; i < 2 + me->steps.count; i++) {
        errno = 0;
        enum sid_err err =
            sid_compare_file(engine, paths[i], kind_of(me, i), true, &facts[i]);
        if (err != SID_OK) {
            (void)fprintf(stderr, "smartidctl: %s: %s\n", paths[i],
                          err == SID_E_IO ? strerror(errno)
                                          : sid_err_text(err));
            return false;
        }
    }
    return true;
}

static int
compare_files(const struct sid_compare *me, char *const *paths) {
    struct sid_face_engine *engine = NULL;
    struct sid_photo_facts *facts = calloc(SID_PHOTO_KINDS, sizeof *facts);
    int code = SID_CTL_FAILED;
    enum sid_err err = facts == NULL ? SID_E_NO_MEMORY
                                     : sid_models_engine(me->models, &engine);
    if (err != SID_OK) {
        char problem[512] = "";
        sid_models_problem(me->models, problem, sizeof problem);
        (void)fprintf(stderr, "smartidctl: %s %s\n", sid_err_text(err),
                      problem);
    } else if (examine_all(me, engine, paths, facts)) {
        print_all(me, paths, facts);
        code = facts[0].faces > 0 && facts[1].faces > 0 ? SID_CTL_OK
                                                        : SID_CTL_FAILED;
    }
    for (int i = 0; facts != NULL && i < SID_PHOTO_KINDS; i++)
        sid_photo_facts_fini(&facts[i]);
    free(facts);
    sid_face_engine_free(&engine);
    return code;
}

/* The settings of the file that -c names; without -c of the usual file, or the
 * defaults when that cannot be read. 0, or the exit code after a message. */
static int
read_settings(const char *config_path, struct sid_config *out) {
    if (config_path != NULL)
        return sid_ctl_load_config(config_path, out);
    if (access(SID_CTL_DEFAULT_CONFIG, R_OK) == 0)
        return sid_ctl_load_config(SID_CTL_DEFAULT_CONFIG, out);
    if (errno != ENOENT)
        (void)fprintf(stderr,
                      "smartidctl: %s: %s; the defaults are used instead\n",
                      SID_CTL_DEFAULT_CONFIG, strerror(errno));
    sid_config_default(out);
    const char *dir = getenv("SMARTIDD_FACE_MODEL_DIR");
    if (dir != NULL &&
        sid_text_copy(out->model_dir, sizeof out->model_dir, dir) != SID_OK) {
        (void)fputs("smartidctl: SMARTIDD_FACE_MODEL_DIR is too long\n",
                    stderr);
        return SID_CTL_CONFIG;
    }
    return 0;
}

int
sid_ctl_compare(const char *config_path, int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        (void)fputs(usage, stdout);
        return SID_CTL_OK;
    }
    struct sid_config config;
    int code = read_settings(config_path, &config);
    if (code != 0)
        return code;
    struct sid_compare me = {.model_dir = config.model_dir,
                             .kind_a = SID_PHOTO_ID,
                             .kind_b = SID_PHOTO_SELFIE,
                             .root = ".",
                             .jobs = sysconf(_SC_NPROCESSORS_ONLN)};
    sid_policy_from_config(&config, &me.policy);
    code = read_options(argc, argv, &me);
    if (code != 0)
        return code;
    char *const *paths = argv + optind;
    char problem[512] = "";
    enum sid_err err =
        sid_models_load(me.model_dir, &me.models, problem, sizeof problem);
    if (err != SID_OK) {
        (void)fprintf(stderr, "smartidctl: %s %s\n", sid_err_text(err),
                      problem);
        code = SID_CTL_FAILED;
    } else if (me.pairs != NULL) {
        code = sid_compare_pairs(&me);
    } else {
        code = compare_files(&me, paths);
    }
    sid_models_free(&me.models);
    return code;
}
