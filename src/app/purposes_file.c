/* purposes_file.c: the purposes from their file, and as text again (see
 * purposes_file.h). Main thread; owns nothing afterwards. */
#include "smartid/purposes_file.h"

#include <stdio.h>
#include <string.h>

#include "smartid/inifile.h"
#include "smartid/text.h"

/* Embedded at build time. */
static const char builtin[] =
#include "purposes_example.inc"
    ;
#define BUILTIN_NAME "built-in purposes"
#define ACCEPTED_SIZE 160

enum key {
    KEY_ATTRIBUTES,
    KEY_ASSURANCE,
    KEY_CODE,
    KEY_COUNTER,
    KEY_FACE,
    KEY_HELP,
    KEY_COUNT
};
static const char *const keys[KEY_COUNT] = {"attributes", "assurance", "code",
                                            "counter",    "face",      "help"};

/* One load; the set's last item is the section being read. */
struct reading {
    struct sid_ini ini;
    struct sid_purposes set;
    unsigned seen;    /* keys of the section, as bits 1 << enum key */
    int section_line; /* where it began */
};

/* All words, with `between` between them. */
static void
list_words(const char *(*word)(int), int count, const char *between,
           char out[ACCEPTED_SIZE]) {
    size_t len = 0;
    for (int i = 0; i < count; i++) {
        int n = snprintf(out + len, ACCEPTED_SIZE - len, "%s%s",
                         i > 0 ? between : "", word(i));
        len += (size_t)n;
        SID_ASSERT(len < ACCEPTED_SIZE);
    }
}

static const char *
attribute_word(int i) {
    return sid_attribute_name((enum sid_attribute)i);
}

static const char *
assurance_word(int i) {
    return sid_assurance_name((enum sid_assurance)i);
}

static const char *
key_word(int i) {
    return keys[i];
}

/* What the section before the present line, or the last one, lacks. */
static enum sid_err
end_section(struct reading *r) {
    if (r->set.count == 0 || (r->seen & 1u << KEY_ATTRIBUTES) != 0)
        return SID_OK;
    char words[ACCEPTED_SIZE];
    list_words(attribute_word, SID_ATTRIBUTE_COUNT, ", ", words);
    r->ini.line = r->section_line;
    return sid_ini_refuse(&r->ini,
                          "[%s]: attributes are missing; accepted: attributes "
                          "= one or more of %s",
                          r->set.item[r->set.count - 1].name, words);
}

static enum sid_err
take_section(struct sid_ini *ini, const char *section) {
    struct reading *r = ini->ctx;
    int line = ini->line;
    enum sid_err err = end_section(r);
    if (err != SID_OK)
        return err;
    if (!sid_purpose_name_valid(section))
        return sid_ini_refuse(ini,
                              "[%.40s]: not a purpose's name; accepted: 1 to "
                              "%d of a-z, 0-9 and _, a letter first",
                              section, SID_PURPOSE_NAME_SIZE - 1);
    if (sid_purposes_find(&r->set, section) != NULL)
        return sid_ini_refuse(
            ini, "[%s]: there already; accepted: each purpose once", section);
    if (r->set.count == SID_PURPOSES_MAX)
        return sid_ini_refuse(ini, "[%s]: too many; accepted: %d purposes",
                              section, SID_PURPOSES_MAX);
    struct sid_purpose *made = &r->set.item[r->set.count++];
    *made = (struct sid_purpose){.assurance = SID_ASSURANCE_REMOTE};
    memcpy(made->name, section, strlen(section) + 1);
    r->seen = 0;
    r->section_line = line;
    return SID_OK;
}

static bool
take_code(const char *value, bool *live) {
    *live = strcmp(value, "live") == 0;
    return *live || strcmp(value, "day") == 0;
}

static bool
take_required(const char *value, bool *required) {
    *required = strcmp(value, "required") == 0;
    return *required || strcmp(value, "optional") == 0;
}

static bool
take_help(const char *value, char out[SID_PURPOSE_HELP_SIZE]) {
    return sid_utf8_clean(value, strlen(value)) &&
           sid_text_copy(out, SID_PURPOSE_HELP_SIZE, value) == SID_OK;
}

/* Takes a value, or says in `accepted` what would have been. */
static bool
take_value(struct sid_purpose *purpose, enum key key, const char *value,
           char accepted[ACCEPTED_SIZE]) {
    switch (key) {
    case KEY_ATTRIBUTES:
        list_words(attribute_word, SID_ATTRIBUTE_COUNT, ", ", accepted);
        return sid_attributes_parse(value, &purpose->attributes) == SID_OK;
    case KEY_ASSURANCE:
        list_words(assurance_word, SID_ASSURANCE_COUNT, " | ", accepted);
        return sid_assurance_parse(value, &purpose->assurance) == SID_OK;
    case KEY_CODE:
        (void)snprintf(accepted, ACCEPTED_SIZE, "day | live");
        return take_code(value, &purpose->live_required);
    case KEY_COUNTER:
        (void)snprintf(accepted, ACCEPTED_SIZE, "required | optional");
        return take_required(value, &purpose->counter_required);
    case KEY_FACE:
        (void)snprintf(accepted, ACCEPTED_SIZE, "required | optional");
        return take_required(value, &purpose->face_required);
    case KEY_HELP:
        (void)snprintf(accepted, ACCEPTED_SIZE, "up to %d bytes of text",
                       SID_PURPOSE_HELP_SIZE - 1);
        return take_help(value, purpose->help);
    case KEY_COUNT:
        break;
    }
    return false;
}

static enum sid_err
take_pair(struct sid_ini *ini, const char *section, const char *name,
          const char *value) {
    struct reading *r = ini->ctx;
    (void)section; /* inih's is cut; the last item has the whole name */
    if (r->set.count == 0)
        return sid_ini_refuse(ini,
                              "%.40s: of no purpose; accepted: a [name] "
                              "line before it",
                              name);
    struct sid_purpose *purpose = &r->set.item[r->set.count - 1];
    char accepted[ACCEPTED_SIZE];
    enum key key = KEY_ATTRIBUTES;
    while (key < KEY_COUNT && strcmp(keys[key], name) != 0)
        key++;
    if (key == KEY_COUNT) {
        list_words(key_word, KEY_COUNT, ", ", accepted);
        return sid_ini_refuse(ini, "%s.%.40s: unknown; accepted: %s",
                              purpose->name, name, accepted);
    }
    if ((r->seen & 1u << key) != 0)
        return sid_ini_refuse(ini, "%s.%s: set already; accepted: once",
                              purpose->name, name);
    r->seen |= 1u << key;
    if (take_value(purpose, key, value, accepted))
        return SID_OK;
    return sid_ini_refuse(ini, "%s.%s: not understood; accepted: %s",
                          purpose->name, name, accepted);
}

static enum sid_err
parse(struct reading *r, struct sid_span text, struct sid_purposes *out) {
    enum sid_err err = sid_ini_parse(&r->ini, text);
    if (err == SID_OK)
        err = end_section(r);
    if (r->ini.line == 0)
        r->ini.line = 1; /* of an empty file */
    if (err == SID_OK && r->set.count == 0)
        err = sid_ini_refuse(&r->ini, "there is no purpose; accepted: 1 to %d",
                             SID_PURPOSES_MAX);
    if (err == SID_OK)
        *out = r->set;
    return err;
}

#define READING(name, r, to)                                                   \
    {                                                                          \
        .ini = {.path = (name),                                                \
                .section = take_section,                                       \
                .pair = take_pair,                                             \
                .ctx = (r),                                                    \
                .problem = (to)},                                              \
    }

enum sid_err
sid_purposes_parse(const char *name, struct sid_span text,
                   struct sid_purposes *out,
                   struct sid_config_problem *problem) {
    struct reading r = READING(name, &r, problem);
    return parse(&r, text, out);
}

enum sid_err
sid_purposes_load(const char *path, struct sid_purposes *out,
                  struct sid_config_problem *problem) {
    if (path[0] == '\0')
        return sid_purposes_parse(BUILTIN_NAME, sid_span_str(builtin), out,
                                  problem);
    struct reading r = READING(path, &r, problem);
    struct sid_buf text = SID_BUF_EMPTY;
    enum sid_err err = sid_ini_read(&r.ini, &text);
    if (err == SID_OK)
        err = parse(&r, sid_buf_span(&text), out);
    sid_buf_free(&text);
    return err;
}

/* ---- back into text ------------------------------------------------------ */

static enum sid_err
print_purpose(const struct sid_purpose *purpose, struct sid_buf *out) {
    enum sid_err err =
        sid_buf_printf(out, "[%s]\nattributes = ", purpose->name);
    const char *between = "";
    for (int i = 0; err == SID_OK && i < SID_ATTRIBUTE_COUNT; i++) {
        if ((purpose->attributes & 1u << i) == 0)
            continue;
        err = sid_buf_printf(out, "%s%s", between, attribute_word(i));
        between = ", ";
    }
    if (err == SID_OK && purpose->assurance != SID_ASSURANCE_REMOTE)
        err = sid_buf_printf(out, "\nassurance = %s",
                             sid_assurance_name(purpose->assurance));
    if (err == SID_OK && purpose->live_required)
        err = sid_buf_append_str(out, "\ncode = live");
    if (err == SID_OK && purpose->counter_required)
        err = sid_buf_append_str(out, "\ncounter = required");
    if (err == SID_OK && purpose->face_required)
        err = sid_buf_append_str(out, "\nface = required");
    if (err == SID_OK && purpose->help[0] != '\0')
        err = sid_buf_printf(out, "\nhelp = %s", purpose->help);
    return err == SID_OK ? sid_buf_append_str(out, "\n") : err;
}

enum sid_err
sid_purposes_print(const struct sid_purposes *set, struct sid_buf *out) {
    enum sid_err err = SID_OK;
    for (size_t i = 0; err == SID_OK && i < set->count; i++) {
        if (i > 0)
            err = sid_buf_append_str(out, "\n");
        if (err == SID_OK)
            err = print_purpose(&set->item[i], out);
    }
    return err == SID_OK ? sid_buf_append(out, "", 1) : err;
}
