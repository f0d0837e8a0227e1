/* config.c: from a file and the environment to the settings, refusing all that
 * is not exactly understood and saying what would be. Runs on the main thread
 * only (inih's options are globals): at start and at a reload. Owns nothing
 * afterwards. */
#include "smartid/config.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "config_schema.h"
#include "smartid/buf.h"
#include "smartid/inifile.h"

/* Rows of the schema, at most. */
#define SETTINGS_MAX 80
#define ENV_PREFIX "SMARTIDD_"

/* One load: the file's lines, what they have set, and the first thing wrong. */
struct reading {
    struct sid_ini ini;
    struct sid_config config;
    int line_of[SETTINGS_MAX]; /* where a row was set; 0: not in the file */
};

void
sid_config_default(struct sid_config *out) {
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < config_settings_count; i++) {
        const struct sid_setting *s = &config_settings[i];
        const char *what;
        SID_ASSERT(sid_setting_parse(s, s->default_value, out, &what) ==
                   SID_OK);
    }
}

/* ---- the file ------------------------------------------------------------ */

static enum sid_err
take_section(struct sid_ini *ini, const char *section) {
    if (config_section_known(section))
        return SID_OK;
    char known[160] = "";
    for (size_t i = 0; i < config_settings_count; i++) {
        const char *name = config_settings[i].section;
        if (i > 0 && strcmp(name, config_settings[i - 1].section) == 0)
            continue;
        size_t have = strlen(known);
        (void)snprintf(known + have, sizeof known - have, "%s%s",
                       have > 0 ? " | " : "", name);
    }
    return sid_ini_refuse(ini, "[%.31s]: unknown section; accepted: %s",
                          section, known);
}

/* "near" names for an unknown key: all of its section. */
static enum sid_err
refuse_unknown_key(struct sid_ini *ini, const char *section, const char *name) {
    char known[400] = "";
    for (size_t i = 0; i < config_settings_count; i++) {
        if (strcmp(config_settings[i].section, section) != 0)
            continue;
        size_t have = strlen(known);
        (void)snprintf(known + have, sizeof known - have, "%s%s",
                       have > 0 ? ", " : "", config_settings[i].name);
    }
    return sid_ini_refuse(
        ini, "%.30s.%.60s: unknown setting; accepted: %s", section, name,
        known[0] != '\0' ? known : "a [section] line before it");
}

static enum sid_err
take_pair(struct sid_ini *ini, const char *section, const char *name,
          const char *value) {
    struct reading *r = ini->ctx;
    const struct sid_setting *s = config_setting_find(section, name);
    if (s == NULL)
        return refuse_unknown_key(ini, section, name);
    int *line = &r->line_of[s - config_settings];
    if (*line != 0)
        return sid_ini_refuse(ini,
                              "%s.%s: set on line %d already; accepted: once",
                              section, name, *line);
    *line = ini->line;
    const char *what;
    if (sid_setting_parse(s, value, &r->config, &what) == SID_OK)
        return SID_OK;
    char accepted[SID_SETTING_ACCEPTED_SIZE];
    sid_setting_accepted(s, accepted);
    return sid_ini_refuse(ini, "%s.%s: %s; accepted: %s", section, name, what,
                          accepted);
}

/* ---- the environment ----------------------------------------------------- */

/* True for "SMARTIDD_<SECTION>_<NAME>" of this setting. */
static bool
is_env_of(const struct sid_setting *s, const char *variable, size_t len) {
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

/* A variable that is ours but no setting. */
static bool
is_other_env(const char *variable, size_t len) {
    static const char clock[] = "SMARTIDD_TEST_CLOCK";
    return len == sizeof clock - 1 && memcmp(clock, variable, len) == 0;
}

static enum sid_err refuse_env(struct reading *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static enum sid_err
refuse_env(struct reading *r, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(r->ini.problem->text, sizeof r->ini.problem->text, fmt,
                    args);
    va_end(args);
    return SID_E_CONFIG;
}

static enum sid_err
take_env(struct reading *r, const char *variable) {
    size_t len = strcspn(variable, "=");
    if (is_other_env(variable, len))
        return SID_OK;
    const struct sid_setting *s = NULL;
    for (size_t i = 0; i < config_settings_count && s == NULL; i++) {
        if (is_env_of(&config_settings[i], variable, len))
            s = &config_settings[i];
    }
    if (s == NULL)
        return refuse_env(r,
                          "environment: %.*s: unknown variable; "
                          "accepted: " ENV_PREFIX
                          "<SECTION>_<NAME> of a setting",
                          (int)(len < 80 ? len : 80), variable);
    const char *value = variable[len] == '=' ? variable + len + 1 : "";
    const char *what;
    if (sid_setting_parse(s, value, &r->config, &what) == SID_OK)
        return SID_OK;
    char accepted[SID_SETTING_ACCEPTED_SIZE];
    sid_setting_accepted(s, accepted);
    return refuse_env(r, "environment: %.*s: %s.%s: %s; accepted: %s", (int)len,
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

/* The line that set section.name; 0 when the file did not. */
static int
line_of(const struct reading *r, const char *section, const char *name) {
    const struct sid_setting *s = config_setting_find(section, name);
    SID_ASSERT(s != NULL);
    return r->line_of[s - config_settings];
}

static enum sid_err
check_bands(struct reading *r) {
    if (r->config.match_review <= r->config.match_accept)
        return SID_OK;
    int review = line_of(r, "face", "match_review");
    int accept = line_of(r, "face", "match_accept");
    r->ini.line = review > accept ? review : accept;
    return sid_ini_refuse(&r->ini,
                          "face.match_review: %g is above match_accept; "
                          "accepted: a number, 0 to %g",
                          r->config.match_review, r->config.match_accept);
}

static enum sid_err
check_uploads(struct reading *r) {
    int64_t least = sid_config_upload_max_bytes(&r->config);
    if (r->config.upload_total_bytes >= least)
        return SID_OK;
    int total = line_of(r, "limits", "upload_total_bytes");
    int photo = line_of(r, "limits", "photo_max_bytes");
    r->ini.line = total > photo ? total : photo;
    return sid_ini_refuse(&r->ini,
                          "limits.upload_total_bytes: %lld is less than one "
                          "enrolment; accepted: %lld or more",
                          (long long)r->config.upload_total_bytes,
                          (long long)least);
}

/* There is nothing beside a server where these could lie. */
static enum sid_err
check_server(struct reading *r) {
    if (!sid_url_is_server(r->config.database) ||
        (r->config.control_socket[0] != '\0' && r->config.head_file[0] != '\0'))
        return SID_OK;
    r->ini.line = line_of(r, "store", "database");
    return sid_ini_refuse(&r->ini, "store.database: a server without "
                                   "store.control_socket and audit.head_file; "
                                   "accepted: with both of them");
}

static enum sid_err
check_socket(struct reading *r) {
    const size_t most = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
    bool own = r->config.control_socket[0] != '\0';
    size_t len = own ? strlen(r->config.control_socket)
                     : strlen(r->config.database) + strlen(".sock");
    if (len <= most)
        return SID_OK;
    r->ini.line = line_of(r, "store", own ? "control_socket" : "database");
    return sid_ini_refuse(
        &r->ini,
        "store.control_socket: %zu bytes%s; accepted: a path "
        "of up to %zu bytes",
        len, own ? "" : " with .sock behind the database's path", most);
}

static enum sid_err
check_pages(struct reading *r) {
    if (strcmp(r->config.page_enroll, "on") != 0 ||
        r->config.page_client[0] != '\0')
        return SID_OK;
    r->ini.line = line_of(r, "pages", "enroll");
    return sid_ini_refuse(&r->ini, "pages.enroll: on without pages.client; "
                                   "accepted: off, or the id of a client of "
                                   "role app in pages.client");
}

static enum sid_err
check_together(struct reading *r) {
    enum sid_err err = check_bands(r);
    if (err == SID_OK)
        err = check_uploads(r);
    if (err == SID_OK)
        err = check_server(r);
    if (err == SID_OK)
        err = check_socket(r);
    if (err == SID_OK)
        err = check_pages(r);
    return err;
}

enum sid_err
sid_config_load(const char *path, struct sid_config *out,
                struct sid_config_problem *problem) {
    SID_ASSERT(config_settings_count <= SETTINGS_MAX);
    struct sid_buf text = SID_BUF_EMPTY;
    struct reading r = {.ini = {.path = path,
                                .section = take_section,
                                .pair = take_pair,
                                .ctx = &r,
                                .problem = problem}};
    sid_config_default(&r.config);
    enum sid_err err = sid_ini_read(&r.ini, &text);
    if (err != SID_OK)
        goto out;
    err = sid_ini_parse(&r.ini, sid_buf_span(&text));
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
