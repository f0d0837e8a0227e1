/* json_in.c: bounded reading of JSON with jansson (see json.h). Any thread;
 * the documents belong to the caller. */
#include "smartid/json.h"

#include <stdlib.h>
#include <string.h>

#include "smartid/rand.h"
#include "smartid/text.h"

enum sid_err
sid_json_setup(void) {
    size_t seed = 0;
    enum sid_err err = sid_rand_bytes(&seed, sizeof seed);
    if (err != SID_OK)
        return err;
    /* Names, codes and numbers of people pass through here. */
    json_set_alloc_funcs(malloc, sid_free_wiped);
    json_object_seed(seed | 1); /* 0 would mean: choose one yourself */
    return SID_OK;
}

void
sid_field_set(struct sid_field *field, const char *path, const char *name) {
    size_t at = 0;
    const char *parts[] = {path, path[0] == '\0' ? "" : ".", name};
    for (size_t i = 0; i < 3; i++) {
        for (const char *c = parts[i]; *c != '\0'; c++) {
            bool safe = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                        (*c >= '0' && *c <= '9') || *c == '_' || *c == '.' ||
                        *c == '-';
            if (!safe || at + 1 >= sizeof field->name)
                break;
            field->name[at++] = *c;
        }
    }
    field->name[at] = '\0';
}

/* Brackets outside of strings; jansson itself judges the rest. */
static bool
depth_bounded(struct sid_span text) {
    int depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            depth++;
        else if (!quoted && (c == '}' || c == ']'))
            depth--;
        if (depth > SID_JSON_DEPTH_MAX)
            return false;
    }
    return true;
}

enum sid_err
sid_json_parse(struct sid_span text, json_t **out) {
    if (text.len == 0 || !depth_bounded(text))
        return SID_E_BAD_JSON;
    json_error_t error;
    json_t *root = json_loadb((const char *)text.ptr, text.len,
                              JSON_REJECT_DUPLICATES, &error);
    if (root == NULL)
        return SID_E_BAD_JSON;
    if (!json_is_object(root)) {
        json_decref(root);
        return SID_E_BAD_JSON;
    }
    *out = root;
    return SID_OK;
}

enum sid_err
sid_json_only(const json_t *object, const char *path, const char *const *names,
              struct sid_field *field) {
    /* Iterating changes nothing, though jansson does not say so. */
    json_t *each = (json_t *)(uintptr_t)object;
    for (void *it = json_object_iter(each); it != NULL;
         it = json_object_iter_next(each, it)) {
        const char *key = json_object_iter_key(it);
        size_t i = 0;
        while (names[i] != NULL && strcmp(names[i], key) != 0)
            i++;
        if (names[i] == NULL) {
            sid_field_set(field, path, key);
            return SID_E_FIELD_UNKNOWN;
        }
    }
    return SID_OK;
}

static bool
is_blank(char c) {
    return c == ' ' || c == '\t';
}

enum sid_err
sid_json_get_text(const json_t *object, const struct sid_json_text *what,
                  char *out, size_t out_size, struct sid_field *field) {
    const json_t *value = json_object_get(object, what->name);
    if (value == NULL && what->optional) {
        out[0] = '\0';
        return SID_OK;
    }
    sid_field_set(field, what->path, what->name);
    if (value == NULL)
        return SID_E_FIELD_MISSING;
    if (!json_is_string(value))
        return SID_E_FIELD_INVALID;
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);
    while (what->trim && len > 0 && is_blank(text[0])) {
        text++;
        len--;
    }
    while (what->trim && len > 0 && is_blank(text[len - 1]))
        len--;
    if (len == 0 || len >= out_size || !sid_utf8_clean(text, len))
        return SID_E_FIELD_INVALID;
    memcpy(out, text, len);
    out[len] = '\0';
    field->name[0] = '\0';
    return SID_OK;
}
