/* config.c: from a file and the environment to the settings, refusing all that
 * is not exactly understood and saying what would be. Runs on the main thread
 * only (inih's options are globals): at start and at a reload. Owns nothing
 * afterwards. */
#include "smartid/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "config_schema.h"
#include "smartid/buf.h"

/* The settings are few: a file larger than this is not one of ours. */
#define FILE_MAX_BYTES ((size_t)65536)
/* Longest line, newline and NUL included: a path and its name, doubled. */
#define LINE_MAX_BYTES 1100
/* Rows of the schema, at most. */
#define SETTINGS_MAX 64
#define ENV_PREFIX "SMARTIDD_"

/* One load: the text, where we are in it, and the first thing wrong. */
struct reading {
    const char *path;
    struct sid_span text;
    size_t at; /* next byte of text */
    int line;  /* the line given to inih last, from 1 */
    struct sid_config config;
    int line_of[SETTINGS_MAX]; /* where a row was set; 0: not in the file */
    enum sid_err err;
    struct sid_config_problem *problem;
};

static enum sid_err fail(struct reading *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Keeps the first problem only. */
static enum sid_err
fail(struct reading *r, const char *fmt, ...) {
    if (r->err != SID_OK)
        return r->err;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(r->problem->text, sizeof r->problem->text, fmt, args);
    va_end(args);
    r->err = SID_E_CONFIG;
    return r->err;
}

void
sid_config_default(struct sid_config *out) {
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < config_settings_count; i++) {
        const struct setting *s = &config_settings[i];
        const char *what;
        SID_ASSERT(config_setting_parse(s, s->default_value, out, &what) ==
                   SID_OK);
    }
}

/* ---- the file ------------------------------------------------------------ */

static enum sid_err
read_file(struct reading *r, struct sid_buf *out) {
    int fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        (void)snprintf(r->problem->text, sizeof r->problem->text,
                       "%s: cannot be opened: %s", r->path, strerror(errno));
        return r->err = SID_E_IO;
    }
    ssize_t n = 0;
    enum sid_err err = sid_buf_reserve(out, FILE_MAX_BYTES + 1);
    while (err == SID_OK && out->len <= FILE_MAX_BYTES) {
        n = read(fd, out->ptr + out->len, FILE_MAX_BYTES + 1 - out->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        out->len += (size_t)n;
    }
    if (err == SID_OK && n < 0) {
        (void)snprintf(r->problem->text, sizeof r->problem->text,
                       "%s: cannot be read: %s", r->path, strerror(errno));
        err = SID_E_IO;
    }
    close(fd);
    return r->err = err;
}

/* A "[section]" line: inih does not tell of sections without a key. */
static void
check_section_line(struct reading *r, const char *line) {
    while (isspace((unsigned char)*line))
        line++;
    if (*line != '[')
        return;
    char name[32];
    size_t len = strcspn(++line, "]\n");
    if (line[len] != ']')
        return; /* inih refuses it */
    (void)snprintf(name, sizeof name, "%.*s", (int)(len < 31 ? len : 31), line);
    if (config_section_known(name) && strlen(name) == len)
        return;
    char known[128] = "";
    for (size_t i = 0; i < config_settings_count; i++) {
        const char *section = config_settings[i].section;
        if (i > 0 && strcmp(section, config_settings[i - 1].section) == 0)
            continue;
        size_t have = strlen(known);
        (void)snprintf(known + have, sizeof known - have, "%s%s",
                       have > 0 ? " | " : "", section);
    }
    (void)fail(r, "%s:%d: [%s]: unknown section; accepted: %s", r->path,
               r->line, name, known);
}

/* inih's fgets: gives one line and counts it (Debian's inih tells no line
 * numbers to its handler). */
static char *
next_line(char *out, int size, void *stream) {
    struct reading *r = stream;
    if (r->err != SID_OK || r->at >= r->text.len)
        return NULL;
    const uint8_t *line = r->text.ptr + r->at;
    size_t left = r->text.len - r->at;
    const uint8_t *newline = memchr(line, '\n', left);
    size_t len = newline == NULL ? left : (size_t)(newline - line) + 1;
    r->line++;
    if (len >= (size_t)size) {
        (void)fail(r, "%s:%d: the line is too long; accepted: up to %d bytes",
                   r->path, r->line, size - 2);
        return NULL;
    }
    if (memchr(line, '\0', len) != NULL) {
        (void)fail(r, "%s:%d: the line has a NUL byte; accepted: text only",
                   r->path, r->line);
        return NULL;
    }
    memcpy(out, line, len);
    out[len] = '\0';
    r->at += len;
    check_section_line(r, out);
    return out;
}

/* "near" names for an unknown key: all of its section. */
static void
fail_unknown_key(struct reading *r, const char *section, const char *name) {
    char known[400] = "";
    for (size_t i = 0; i < config_settings_count; i++) {
        if (strcmp(config_settings[i].section, section) != 0)
            continue;
        size_t have = strlen(known);
        (void)snprintf(known + have, sizeof known - have, "%s%s",
                       have > 0 ? ", " : "", config_settings[i].name);
    }
    (void)fail(r, "%s:%d: %.30s.%.60s: unknown setting; accepted: %s", r->path,
               r->line, section, name,
               known[0] != '\0' ? known : "a [section] line before it");
}

static int
take_pair(void *user, const char *section, const char *name,
          const char *value) {
    struct reading *r = user;
    if (r->err != SID_OK)
        return 0;
    const struct setting *s = config_setting_find(section, name);
    if (s == NULL) {
        fail_unknown_key(r, section, name);
        return 0;
    }
    int *line = &r->line_of[s - config_settings];
    if (*line != 0) {
        (void)fail(r, "%s:%d: %s.%s: set on line %d already; accepted: once",
                   r->path, r->line, section, name, *line);
        return 0;
    }
    *line = r->line;
    const char *what;
    if (config_setting_parse(s, value, &r->config, &what) != SID_OK) {
        char accepted[CONFIG_ACCEPTED_SIZE];
        config_setting_accepted(s, accepted);
        (void)fail(r, "%s:%d: %s.%s: %s; accepted: %s", r->path, r->line,
                   section, name, what, accepted);
        return 0;
    }
    return 1;
}

static enum sid_err
parse_file(struct reading *r) {
    if (r->text.len > FILE_MAX_BYTES)
        return fail(r, "%s:1: the file is too large; accepted: up to %zu bytes",
                    r->path, FILE_MAX_BYTES);
    ini_use_stack = false; /* its stack line has 200 bytes only */
    ini_initial_alloc = LINE_MAX_BYTES;
    ini_max_line = LINE_MAX_BYTES;
    ini_allow_multiline = false;
    ini_stop_on_first_error = true;
    int bad = ini_parse_stream(next_line, r, take_pair, r);
    if (r->err == SID_OK && bad == -2)
        r->err = SID_E_NO_MEMORY;
    if (r->err == SID_OK && bad != 0)
        return fail(r,
                    "%s:%d: not understood; accepted: [section], name = value, "
                    "or a comment with # or ;",
                    r->path, bad);
    return r->err;
}

/* ---- the environment ----------------------------------------------------- */

/* True for "SMARTIDD_<SECTION>_<NAME>" of this setting. */
static bool
is_env_of(const struct setting *s, const char *variable, size_t len) {
    char name[96];
    int n =
        snprintf(name, sizeof name, ENV_PREFIX "%s_%s", s->section, s->name);
    if (n < 0 || (size_t)n != len)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (toupper((unsigned char)name[i]) != variable[i])
            return false;
    }
    return true;
}

/* Variables that are ours but not settings. */
static bool
is_other_env(const char *variable, size_t len) {
    static const char *const others[] = {"SMARTIDD_TEST_CLOCK",
                                         "SMARTIDD_CONFIG"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (strlen(others[i]) == len && memcmp(others[i], variable, len) == 0)
            return true;
    }
    return false;
}

static enum sid_err
take_env(struct reading *r, const char *variable) {
    size_t len = strcspn(variable, "=");
    if (is_other_env(variable, len))
        return SID_OK;
    const struct setting *s = NULL;
    for (size_t i = 0; i < config_settings_count && s == NULL; i++) {
        if (is_env_of(&config_settings[i], variable, len))
            s = &config_settings[i];
    }
    if (s == NULL)
        return fail(r,
                    "environment: %.*s: unknown variable; accepted: " ENV_PREFIX
                    "<SECTION>_<NAME> of a setting",
                    (int)(len < 80 ? len : 80), variable);
    const char *value = variable[len] == '=' ? variable + len + 1 : "";
    const char *what;
    if (config_setting_parse(s, value, &r->config, &what) == SID_OK)
        return SID_OK;
    char accepted[CONFIG_ACCEPTED_SIZE];
    config_setting_accepted(s, accepted);
    return fail(r, "environment: %.*s: %s.%s: %s; accepted: %s", (int)len,
                variable, s->section, s->name, what, accepted);
}

static enum sid_err
parse_environment(struct reading *r) {
    for (char **e = environ; e != NULL && *e != NULL; e++) {
        if (strncmp(*e, ENV_PREFIX, strlen(ENV_PREFIX)) != 0)
            continue;
        enum sid_err err = take_env(r, *e);
        if (err != SID_OK)
            return err;
    }
    return SID_OK;
}

/* ---- all of it ----------------------------------------------------------- */

/* The line that set face.`name`; 0 when the file did not. */
static int
line_of_face(const struct reading *r, const char *name) {
    const struct setting *s = config_setting_find("face", name);
    SID_ASSERT(s != NULL);
    return r->line_of[s - config_settings];
}

static enum sid_err
check_together(struct reading *r) {
    if (r->config.match_review <= r->config.match_accept)
        return SID_OK;
    int review = line_of_face(r, "match_review");
    int accept = line_of_face(r, "match_accept");
    return fail(r,
                "%s:%d: face.match_review: %g is above match_accept; "
                "accepted: a number, 0 to %g",
                r->path, review > accept ? review : accept,
                r->config.match_review, r->config.match_accept);
}

enum sid_err
sid_config_load(const char *path, struct sid_config *out,
                struct sid_config_problem *problem) {
    SID_ASSERT(config_settings_count <= SETTINGS_MAX);
    struct sid_buf text = SID_BUF_EMPTY;
    struct reading r = {.path = path, .problem = problem};
    sid_config_default(&r.config);
    enum sid_err err = read_file(&r, &text);
    if (err != SID_OK)
        goto out;
    r.text = sid_buf_span(&text);
    err = parse_file(&r);
    if (err != SID_OK)
        goto out;
    err = parse_environment(&r);
    if (err != SID_OK)
        goto out;
    err = check_together(&r);
    if (err != SID_OK)
        goto out;
    *out = r.config;
out:
    sid_buf_free(&text);
    return err;
}
