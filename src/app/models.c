/* models.c: the model pack from its folder: the manifest is read, each file is
 * read once, hashed, and only then handed to the networks, so that no file
 * that was not pinned reaches OpenCV's parser. The starting thread loads; the
 * worker threads make their engines from it. */
#include "smartid/models.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smartid/buf.h"
#include "smartid/mac.h"
#include "smartid/text.h"

#define MANIFEST "models.ini"
/* The largest network in use has 6 MB. */
#define FILE_BYTES_MAX ((off_t)256 << 20)
#define SIDE_PX_MAX 2048
#define PROBLEM_SIZE 512
#define PATH_BYTES 768

struct sid_models {
    struct sid_face_pack pack;
    struct sid_buf bytes[SID_NET_COUNT];
    uint8_t sha256[SID_NET_COUNT][SID_SHA256_BYTES];
    bool has_sha256[SID_NET_COUNT], has_selftest[SID_NET_COUNT];
    pthread_mutex_t lock;
    char problem[PROBLEM_SIZE]; /* under lock */
};

static const char *const section_names[SID_NET_COUNT] = {
    [SID_NET_DETECT] = "detect",
    [SID_NET_LANDMARK] = "landmark",
    [SID_NET_FEATURE] = "feature",
    [SID_NET_LIVENESS] = "liveness",
    [SID_NET_POSE] = "pose"};

static bool
read_side(const char *text, int *out) {
    char *end = NULL;
    long value = strtol(text, &end, 10);
    if (end == text || *end != '\0' || value < 1 || value > SIDE_PX_MAX)
        return false;
    *out = (int)value;
    return true;
}

/* 1 to `max` numbers with blanks between them: how many; 0 when it is not
 * that. */
static int
read_floats(const char *text, float *out, int max) {
    int n = 0;
    for (;;) {
        char *end = NULL;
        float value = strtof(text, &end);
        if (end == text)
            break;
        if (n == max)
            return 0;
        out[n++] = value;
        text = end;
    }
    while (*text == ' ')
        text++;
    return *text == '\0' ? n : 0;
}

static bool
read_channels(const char *text, enum sid_face_channels *out) {
    static const char *const names[] = {[SID_CHANNELS_BGR] = "bgr",
                                        [SID_CHANNELS_RGB] = "rgb",
                                        [SID_CHANNELS_GREY] = "grey"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (enum sid_face_channels)i;
            return true;
        }
    }
    return false;
}

static bool
read_net(struct sid_models *models, int net, const char *name,
         const char *value) {
    struct sid_face_net_spec *spec = &models->pack.net[net];
    if (strcmp(name, "file") == 0)
        return strchr(value, '/') == NULL && value[0] != '.' &&
               sid_text_copy(spec->file, sizeof spec->file, value) == SID_OK;
    if (strcmp(name, "sha256") == 0) {
        models->has_sha256[net] = strlen(value) == SID_SHA256_BYTES * 2 &&
                                  sid_hex_decode(value, models->sha256[net],
                                                 SID_SHA256_BYTES) == SID_OK;
        return models->has_sha256[net];
    }
    if (strcmp(name, "width_px") == 0)
        return read_side(value, &spec->width_px);
    if (strcmp(name, "height_px") == 0)
        return read_side(value, &spec->height_px);
    if (strcmp(name, "channels") == 0)
        return read_channels(value, &spec->channels);
    if (strcmp(name, "mean") == 0)
        return read_floats(value, spec->mean, 3) > 0;
    if (strcmp(name, "std") == 0)
        return read_floats(value, spec->std, 3) > 0;
    if (strcmp(name, "crop") == 0)
        return read_floats(value, &spec->crop, 1) == 1 && spec->crop > 0;
    if (strcmp(name, "selftest") == 0) {
        models->has_selftest[net] =
            read_floats(value, spec->selftest, SID_SELFTEST_VALUES) ==
            SID_SELFTEST_VALUES;
        return models->has_selftest[net];
    }
    if (net == SID_NET_DETECT && strcmp(name, "score_min") == 0)
        return read_floats(value, &models->pack.score_min, 1) == 1;
    if (net == SID_NET_DETECT && strcmp(name, "nms_iou") == 0)
        return read_floats(value, &models->pack.nms_iou, 1) == 1;
    return false;
}

/* inih's callback: 1 when the line is good. */
static int
on_line(void *ctx, const char *section, const char *name, const char *value) {
    struct sid_models *models = ctx;
    if (strcmp(section, "pack") == 0)
        return 1; /* for people */
    for (int net = 0; net < SID_NET_COUNT; net++)
        if (strcmp(section, section_names[net]) == 0)
            return read_net(models, net, name, value);
    return 0;
}

static bool
spec_complete(const struct sid_models *models, int net) {
    const struct sid_face_net_spec *spec = &models->pack.net[net];
    int channels = spec->channels == SID_CHANNELS_GREY ? 1 : 3;
    for (int c = 0; c < channels; c++)
        if (!(spec->std[c] > 0))
            return false;
    return spec->file[0] != '\0' && models->has_sha256[net] &&
           spec->width_px > 0 && spec->height_px > 0;
}

static enum sid_err
read_manifest(const char *dir, struct sid_models *models, char *problem,
              size_t problem_size) {
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", dir, MANIFEST);
    for (int net = 0; net < SID_NET_COUNT; net++)
        models->pack.net[net].crop = 1.0F;
    models->pack.score_min = 0.65F; /* architecture.md section 5 */
    models->pack.nms_iou = 0.4F;
    ini_allow_inline_comments = false; /* as in the settings */
    int line = ini_parse(path, on_line, models);
    if (line != 0) {
        if (line < 0)
            (void)snprintf(problem, problem_size,
                           "%s: cannot be read (run `make setup`)", path);
        else
            (void)snprintf(problem, problem_size,
                           "%s:%d: unknown key or bad value", path, line);
        return SID_E_MODEL;
    }
    for (int net = 0; net < SID_NET_COUNT; net++) {
        if (!spec_complete(models, net)) {
            (void)snprintf(problem, problem_size,
                           "%s: section [%s] is not complete", path,
                           section_names[net]);
            return SID_E_MODEL;
        }
    }
    return SID_OK;
}

/* Reads a regular file of bounded size. Errors: SID_E_IO, SID_E_NO_MEMORY. */
static enum sid_err
read_file(const char *path, struct sid_buf *out) {
    struct stat st;
    enum sid_err err = SID_E_IO;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return SID_E_IO;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
        st.st_size > FILE_BYTES_MAX)
        goto out;
    err = sid_buf_reserve(out, (size_t)st.st_size);
    while (err == SID_OK && out->len < (size_t)st.st_size) {
        ssize_t n =
            read(fd, out->ptr + out->len, (size_t)st.st_size - out->len);
        if (n > 0)
            out->len += (size_t)n;
        else if (n == 0 || errno != EINTR)
            err = SID_E_IO;
    }
out:
    (void)close(fd);
    return err;
}

static enum sid_err
read_checked(const char *dir, struct sid_models *models, int net, char *problem,
             size_t problem_size) {
    struct sid_face_net_spec *spec = &models->pack.net[net];
    char path[PATH_BYTES], expected[65], found[65];
    uint8_t sha256[SID_SHA256_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", dir, spec->file);
    sid_hex_encode(models->sha256[net], SID_SHA256_BYTES, expected);
    enum sid_err err = read_file(path, &models->bytes[net]);
    if (err == SID_E_IO) {
        (void)snprintf(problem, problem_size,
                       "%s: cannot be read; expected a file with SHA-256 %s",
                       path, expected);
        return SID_E_MODEL;
    }
    if (err == SID_OK)
        err = sid_sha256(sid_buf_span(&models->bytes[net]), sha256);
    if (err != SID_OK)
        return err;
    if (memcmp(sha256, models->sha256[net], sizeof sha256) != 0) {
        sid_hex_encode(sha256, sizeof sha256, found);
        (void)snprintf(problem, problem_size,
                       "%s: wrong SHA-256: expected %s, found %s", path,
                       expected, found);
        return SID_E_MODEL;
    }
    spec->onnx = models->bytes[net].ptr;
    spec->onnx_len = models->bytes[net].len;
    return SID_OK;
}

/* The manifest must say what the networks answer to their test inputs. */
static enum sid_err
check_selftest(const char *dir, const struct sid_models *models, char *problem,
               size_t problem_size) {
    for (int net = 0; net < SID_NET_COUNT; net++) {
        if (models->has_selftest[net])
            continue;
        (void)snprintf(problem, problem_size,
                       "%s/%s: section [%s] has no selftest; if you trust this "
                       "pack, `smartidctl models selftest --models %s` prints "
                       "the lines",
                       dir, MANIFEST, section_names[net], dir);
        return SID_E_MODEL;
    }
    return SID_OK;
}

/* The manifest and all that it names. */
static enum sid_err
load_pack(const char *dir, struct sid_models **out, char *problem,
          size_t problem_size) {
    struct sid_models *models = calloc(1, sizeof *models);
    if (models == NULL)
        return SID_E_NO_MEMORY;
    SID_ASSERT(pthread_mutex_init(&models->lock, NULL) == 0);
    enum sid_err err = SID_OK;
    if (sid_face_needs_pack()) {
        err = read_manifest(dir, models, problem, problem_size);
        for (int net = 0; err == SID_OK && net < SID_NET_COUNT; net++)
            err = read_checked(dir, models, net, problem, problem_size);
    }
    if (err != SID_OK) {
        sid_models_free(&models);
        return err;
    }
    *out = models;
    return SID_OK;
}

enum sid_err
sid_models_load(const char *model_dir, struct sid_models **out, char *problem,
                size_t problem_size) {
    struct sid_models *models = NULL;
    enum sid_err err = load_pack(model_dir, &models, problem, problem_size);
    if (err == SID_OK && sid_face_needs_pack())
        err = check_selftest(model_dir, models, problem, problem_size);
    if (err != SID_OK) {
        sid_models_free(&models);
        return err;
    }
    *out = models;
    return SID_OK;
}

enum sid_err
sid_models_print_selftest(const char *model_dir, FILE *to, char *problem,
                          size_t problem_size) {
    struct sid_models *models = NULL;
    float value[SID_NET_COUNT][SID_SELFTEST_VALUES];
    enum sid_err err = load_pack(model_dir, &models, problem, problem_size);
    for (int net = 0; err == SID_OK && net < SID_NET_COUNT; net++) {
        err = sid_face_selftest(&models->pack, (enum sid_face_net)net,
                                value[net]);
        if (err == SID_E_MODEL)
            (void)snprintf(problem, problem_size,
                           "%s: not a network that can be run",
                           models->pack.net[net].file);
    }
    for (int net = 0; err == SID_OK && net < SID_NET_COUNT; net++) {
        (void)fprintf(to, "[%s]\nselftest =", section_names[net]);
        for (int i = 0; i < SID_SELFTEST_VALUES; i++)
            (void)fprintf(to, " %.6g", (double)value[net][i]);
        (void)fputc('\n', to);
    }
    sid_models_free(&models);
    return err;
}

enum sid_err
sid_models_engine(struct sid_models *models, struct sid_face_engine **out) {
    char problem[PROBLEM_SIZE] = "";
    enum sid_err err =
        sid_face_engine_new(&models->pack, out, problem, sizeof problem);
    if (err == SID_E_MODEL) {
        (void)pthread_mutex_lock(&models->lock);
        memcpy(models->problem, problem, sizeof problem);
        (void)pthread_mutex_unlock(&models->lock);
    }
    return err;
}

const struct sid_face_pack *
sid_models_pack(const struct sid_models *models) {
    return &models->pack;
}

void
sid_models_problem(struct sid_models *models, char *out, size_t out_size) {
    (void)pthread_mutex_lock(&models->lock);
    (void)snprintf(out, out_size, "%s", models->problem);
    (void)pthread_mutex_unlock(&models->lock);
}

void
sid_models_free(struct sid_models **models) {
    if (*models == NULL)
        return;
    for (int net = 0; net < SID_NET_COUNT; net++)
        sid_buf_free(&(*models)->bytes[net]);
    (void)pthread_mutex_destroy(&(*models)->lock);
    free(*models);
    *models = NULL;
}
