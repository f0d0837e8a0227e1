/* config_print.c: the settings as text: the commented example, the settings in
 * force, and what a reload would change. Main thread; owns nothing. */
#include <string.h>

#include "config_schema.h"
#include "smartid/config.h"

#define COLUMNS 78

static void
print_section(size_t i, FILE *to) {
    const char *section = config_settings[i].section;
    if (i == 0 || strcmp(section, config_settings[i - 1].section) != 0)
        fprintf(to, "%s[%s]\n", i == 0 ? "" : "\n", section);
}

/* A comment, broken between words. */
static void
print_wrapped(const char *text, FILE *to) {
    size_t column = 0;
    while (*text != '\0') {
        size_t word = strcspn(text, " ");
        if (column > 0 && column + 1 + word > COLUMNS) {
            fputc('\n', to);
            column = 0;
        }
        if (column == 0)
            column = (size_t)fprintf(to, "#");
        column += (size_t)fprintf(to, " %.*s", (int)word, text);
        text += word;
        text += strspn(text, " ");
    }
    fputc('\n', to);
}

void
sid_config_print_example(FILE *to) {
    fputs("# Settings of smartidd; made by smartidd --print-example-config\n"
          "# A line that is commented out shows the default. An unknown name "
          "or a value\n"
          "# out of its range is refused at the start. Each setting can be "
          "given in the\n"
          "# environment too, as SMARTIDD_<SECTION>_<NAME>; that wins over "
          "this file.\n"
          "# (reload): taken over on SIGHUP; the others need a restart.\n"
          "# A comment has a line of its own: a ; or # behind a value is part "
          "of the value.\n\n",
          to);
    for (size_t i = 0; i < config_settings_count; i++) {
        const struct sid_setting *s = &config_settings[i];
        char accepted[SID_SETTING_ACCEPTED_SIZE];
        sid_setting_accepted(s, accepted);
        print_section(i, to);
        fputc('\n', to);
        print_wrapped(s->help, to);
        fprintf(to, "# Accepted: %s.%s\n", accepted,
                s->reloadable ? " (reload)" : "");
        fprintf(to, "#%s =%s%s\n", s->name,
                s->default_value[0] == '\0' ? "" : " ", s->default_value);
    }
}

void
sid_config_print(const struct sid_config *config, FILE *to) {
    for (size_t i = 0; i < config_settings_count; i++) {
        const struct sid_setting *s = &config_settings[i];
        char value[SID_SETTING_VALUE_SIZE];
        sid_setting_value(s, config, value);
        print_section(i, to);
        fprintf(to, "%s =%s%s\n", s->name, value[0] == '\0' ? "" : " ", value);
    }
}

/* "section.name" */
static void
full_name(const struct sid_setting *s, char out[SID_SETTING_VALUE_SIZE]) {
    (void)snprintf(out, SID_SETTING_VALUE_SIZE, "%s.%s", s->section, s->name);
}

void
sid_config_each(const struct sid_config *config,
                void (*each)(const char *name, const char *value,
                             bool is_default, void *ctx),
                void *ctx) {
    struct sid_config usual;
    sid_config_default(&usual);
    for (size_t i = 0; i < config_settings_count; i++) {
        const struct sid_setting *s = &config_settings[i];
        char name[SID_SETTING_VALUE_SIZE], value[SID_SETTING_VALUE_SIZE],
            is_usually[SID_SETTING_VALUE_SIZE];
        full_name(s, name);
        sid_setting_value(s, config, value);
        sid_setting_value(s, &usual, is_usually);
        each(name, value, strcmp(value, is_usually) == 0, ctx);
    }
}

void
sid_config_diff(const struct sid_config *now, const struct sid_config *next,
                void (*each)(const char *name, const char *value,
                             bool reloadable, void *ctx),
                void *ctx) {
    for (size_t i = 0; i < config_settings_count; i++) {
        const struct sid_setting *s = &config_settings[i];
        char name[SID_SETTING_VALUE_SIZE], old[SID_SETTING_VALUE_SIZE],
            new[SID_SETTING_VALUE_SIZE];
        sid_setting_value(s, now, old);
        sid_setting_value(s, next, new);
        if (strcmp(old, new) == 0)
            continue;
        full_name(s, name);
        each(name, new, s->reloadable, ctx);
    }
}

void
sid_config_beside(const struct sid_config *config, const char *setting,
                  const char *suffix, char out[SID_BESIDE_SIZE]) {
    bool own = setting[0] != '\0';
    (void)snprintf(out, SID_BESIDE_SIZE, "%s%s",
                   own ? setting : config->database, own ? "" : suffix);
}

void
sid_config_take_reloadable(struct sid_config *now,
                           const struct sid_config *next) {
    for (size_t i = 0; i < config_settings_count; i++) {
        const struct sid_setting *s = &config_settings[i];
        if (s->reloadable)
            memcpy((char *)now + s->offset, (const char *)next + s->offset,
                   s->size);
    }
}
