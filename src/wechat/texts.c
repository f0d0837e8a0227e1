/* texts.c: the table of texts, the bureau's file over it, and the filling in of
 * names. Loading: main thread; saying: any thread. Owns the texts that were
 * read. */
#include "smartid/wechat_texts.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/text.h"

/* A message has at most 2,048 bytes; room is left for what is filled in. */
#define TEXT_MAX_BYTES 1500

static const struct {
    const char *key;
    const char *names;
    const char *text;
} rows[SID_WECHAT_TEXT_COUNT] = {
#define SID_WECHAT_TEXT_ROW(sym, key, names, text) [sym] = {key, names, text},
    SID_WECHAT_TEXT_MAP(SID_WECHAT_TEXT_ROW)
#undef SID_WECHAT_TEXT_ROW
};

struct sid_wechat_texts {
    char *own[SID_WECHAT_TEXT_COUNT]; /* NULL: the default */
};

/* One load. Of an INI file it has the bounds and the way to say what is wrong
 * where, but no sections, and texts that may have a ';' in them. */
struct reading {
    struct sid_ini ini;
    int line_of[SID_WECHAT_TEXT_COUNT];
    struct sid_wechat_texts *texts;
};

/* ---- names in braces ---------------------------------------------------- */

/* The next "{name}" at or after `at`; NULL: there is none. *len: of the name,
 * which begins behind the brace. */
static const char *
next_name(const char *at, size_t *len) {
    for (; (at = strchr(at, '{')) != NULL; at++) {
        *len = strcspn(at + 1, "{}");
        if (at[1 + *len] == '}')
            return at;
    }
    return NULL;
}

/* Looks a name up in a row's list; *must: it has to be there. */
static bool
list_has(const char *list, const char *name, size_t len, bool *must) {
    while (*list != '\0') {
        size_t word = strcspn(list, " ");
        bool marked = list[word - 1] == '!';
        if (word - (marked ? 1 : 0) == len && memcmp(list, name, len) == 0) {
            *must = marked;
            return true;
        }
        list += word;
        list += strspn(list, " ");
    }
    return false;
}

static bool
text_has(const char *text, const char *name, size_t len) {
    size_t found;
    for (; (text = next_name(text, &found)) != NULL; text++) {
        if (found == len && memcmp(text + 1, name, len) == 0)
            return true;
    }
    return false;
}

static enum sid_err
check_names(struct reading *r, size_t row, const char *text) {
    const char *names = rows[row].names;
    size_t len;
    bool must;
    for (const char *at = text; (at = next_name(at, &len)) != NULL; at++) {
        if (!list_has(names, at + 1, len, &must))
            return sid_ini_refuse(
                &r->ini, "%s: {%.*s} cannot be filled in; accepted: %s",
                rows[row].key, len < 40 ? (int)len : 40, at + 1,
                names[0] != '\0' ? names : "no braces");
    }
    for (const char *at = names; *at != '\0'; at += strspn(at, " ")) {
        size_t word = strcspn(at, " ");
        if (at[word - 1] == '!' && !text_has(text, at, word - 1))
            return sid_ini_refuse(
                &r->ini, "%s: {%.*s} is missing; accepted: a text with it",
                rows[row].key, (int)word - 1, at);
        at += word;
    }
    return SID_OK;
}

/* ---- the file ----------------------------------------------------------- */

/* Takes "\n" and "\\" out of <text, len>, in place; false for others. */
static bool
unescape(char *text) {
    char *to = text;
    for (; *text != '\0'; text++) {
        char c = *text;
        if (c == '\\') {
            c = *++text;
            if (c != 'n' && c != '\\')
                return false;
            c = c == 'n' ? '\n' : '\\';
        }
        *to++ = c;
    }
    *to = '\0';
    return true;
}

static enum sid_err
take_text(struct reading *r, size_t row, const char *value) {
    size_t len = strlen(value);
    const char *key = rows[row].key;
    if (r->line_of[row] != 0)
        return sid_ini_refuse(&r->ini,
                              "%s: set on line %d already; accepted: once", key,
                              r->line_of[row]);
    if (len == 0 || len > TEXT_MAX_BYTES)
        return sid_ini_refuse(&r->ini,
                              "%s: %s; accepted: 1 to %d bytes of text", key,
                              len == 0 ? "empty" : "too long", TEXT_MAX_BYTES);
    if (!sid_utf8_clean(value, len))
        return sid_ini_refuse(
            &r->ini,
            "%s: not clean text; accepted: UTF-8, \\n for a new "
            "line",
            key);
    char *own = strdup(value);
    if (own == NULL)
        return SID_E_NO_MEMORY;
    r->texts->own[row] = own;
    r->line_of[row] = r->ini.line;
    if (!unescape(own))
        return sid_ini_refuse(
            &r->ini, "%s: unknown escape; accepted: \\n and \\\\", key);
    return check_names(r, row, own);
}

/* The end of <text, len> without blanks. */
static size_t
trimmed(const char *text, size_t len) {
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t' ||
                       text[len - 1] == '\r'))
        len--;
    return len;
}

static enum sid_err
take_line(struct reading *r, char *line) {
    line += strspn(line, " \t\r");
    line[trimmed(line, strlen(line))] = '\0';
    if (*line == '\0' || *line == '#')
        return SID_OK;
    char *equals = strchr(line, '=');
    if (equals == NULL)
        return sid_ini_refuse(
            &r->ini, "not understood; accepted: key = text, or a comment "
                     "with #");
    char *value = equals + 1;
    value += strspn(value, " \t");
    line[trimmed(line, (size_t)(equals - line))] = '\0';
    for (size_t row = 0; row < SID_WECHAT_TEXT_COUNT; row++) {
        if (strcmp(rows[row].key, line) == 0)
            return take_text(r, row, value);
    }
    return sid_ini_refuse(
        &r->ini,
        "%.60s: unknown text; accepted: a key of the list that "
        "smartidd prints",
        line);
}

static enum sid_err
read_lines(struct reading *r, struct sid_buf *file) {
    r->ini.line = 0;
    enum sid_err err = sid_buf_append(file, "", 1);
    char *at = (char *)file->ptr;
    char *end = at + file->len - 1;
    while (err == SID_OK && at < end) {
        char *newline = memchr(at, '\n', (size_t)(end - at));
        char *stop = newline != NULL ? newline : end;
        *stop = '\0';
        r->ini.line++;
        if (strlen(at) != (size_t)(stop - at))
            return sid_ini_refuse(
                &r->ini, "the line has a NUL byte; accepted: text only");
        err = take_line(r, at);
        at = stop + 1;
    }
    return err;
}

enum sid_err
sid_wechat_texts_load(const char *path, struct sid_wechat_texts **out,
                      struct sid_config_problem *problem) {
    struct sid_buf file = SID_BUF_EMPTY;
    enum sid_err err = SID_E_NO_MEMORY;
    struct sid_wechat_texts *made = calloc(1, sizeof *made);
    if (made == NULL)
        goto out;
    struct reading r = {.ini = {.path = path, .problem = problem},
                        .texts = made};
    err = SID_OK;
    if (path[0] != '\0')
        err = sid_ini_read(&r.ini, &file);
    if (err == SID_OK && path[0] != '\0')
        err = read_lines(&r, &file);
    if (err != SID_OK)
        goto out;
    *out = made;
    made = NULL;
out:
    sid_wechat_texts_free(&made);
    sid_buf_free(&file);
    return err;
}

void
sid_wechat_texts_free(struct sid_wechat_texts **texts) {
    if (*texts == NULL)
        return;
    for (size_t i = 0; i < SID_WECHAT_TEXT_COUNT; i++)
        free((*texts)->own[i]);
    free(*texts);
    *texts = NULL;
}

/* ---- saying it ---------------------------------------------------------- */

static const char *
value_of(const struct sid_wechat_fill *fill, const char *name, size_t len) {
    for (; fill != NULL && fill->name != NULL; fill++) {
        if (strlen(fill->name) == len && memcmp(fill->name, name, len) == 0)
            return fill->value;
    }
    return "";
}

enum sid_err
sid_wechat_texts_say(const struct sid_wechat_texts *texts,
                     enum sid_wechat_text text,
                     const struct sid_wechat_fill *fill, struct sid_buf *out) {
    SID_ASSERT((unsigned)text < SID_WECHAT_TEXT_COUNT);
    const char *at =
        texts->own[text] != NULL ? texts->own[text] : rows[text].text;
    enum sid_err err = SID_OK;
    size_t len;
    for (const char *brace; err == SID_OK; at = brace + len + 2) {
        brace = next_name(at, &len);
        if (brace == NULL)
            return sid_buf_append_str(out, at);
        err = sid_buf_append(out, at, (size_t)(brace - at));
        if (err == SID_OK)
            err = sid_buf_append_str(out, value_of(fill, brace + 1, len));
    }
    return err;
}

enum sid_wechat_text
sid_wechat_texts_reason(const char *code) {
    static const char prefix[] = "reason_";
    for (size_t row = 0; row < SID_WECHAT_TEXT_COUNT; row++) {
        if (strncmp(rows[row].key, prefix, sizeof prefix - 1) == 0 &&
            strcmp(rows[row].key + sizeof prefix - 1, code) == 0)
            return (enum sid_wechat_text)row;
    }
    return SID_WT_R_OTHER;
}

void
sid_wechat_texts_print(FILE *to) {
    fputs("# What the chat says. A line left out keeps the text that is built "
          "in.\n"
          "# \\n is a new line. {name} is filled in; those with a ! must stay."
          "\n\n",
          to);
    for (size_t row = 0; row < SID_WECHAT_TEXT_COUNT; row++) {
        if (rows[row].names[0] != '\0')
            fprintf(to, "# {}: %s\n", rows[row].names);
        fprintf(to, "%s = ", rows[row].key);
        for (const char *c = rows[row].text; *c != '\0'; c++) {
            if (*c == '\n')
                fputs("\\n", to);
            else
                fprintf(to, "%s%c", *c == '\\' ? "\\" : "", *c);
        }
        fputc('\n', to);
    }
}
