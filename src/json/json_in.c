/* json_in.c: bounded reading of JSON with jansson (see json.h). Any thread;
 * the documents belong to the caller. */
#include "smartid/json.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/rand.h"
#include "smartid/text.h"

/* Own choice: the longest name of a member here has 15 characters. */
#define NAME_SHOWN_MAX 24

/* jansson 2.14 stops the process when the text buffer of its reader cannot
 * grow. So while a document is read there is a reserve for that, and a document
 * that has needed it is thrown away. The buffer's sizes are powers of two, from
 * 32; whatever else has no memory fails, which ends the reading. */
static _Thread_local struct {
    uint8_t *block; /* NULL: nothing is being read */
    size_t size, used;
    bool no_memory;
} reserve;
#define RESERVE_LEAST_BYTES 4096
/* Of a body's bytes: the buffer, doubling, takes 4, and what else has such a
 * size, members and strings, under 10. */
#define RESERVE_SHARE 16

static void *
take_memory(size_t size) {
    void *ptr = malloc(size);
    if (ptr != NULL || reserve.block == NULL)
        return ptr;
    reserve.no_memory = true;
    if (size < 32 || (size & (size - 1)) != 0 ||
        size > reserve.size - reserve.used)
        return NULL;
    ptr = reserve.block + reserve.used;
    reserve.used += size;
    return ptr;
}

/* Names, codes and numbers of people pass through here. */
static void
free_wiped(void *ptr) {
    uintptr_t offset = (uintptr_t)ptr - (uintptr_t)reserve.block;
    if (reserve.block != NULL && offset < reserve.size)
        return; /* the whole is wiped at the end */
    if (ptr != NULL)
        sid_wipe(ptr, malloc_usable_size(ptr));
    free(ptr);
}

enum sid_err
sid_json_setup(void) {
    size_t seed = 0;
    enum sid_err err = sid_rand_bytes(&seed, sizeof seed);
    if (err != SID_OK)
        return err;
    json_set_alloc_funcs(take_memory, free_wiped);
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

void
sid_field_set_foreign(struct sid_field *field, const char *path,
                      const char *name) {
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz_");
    if (len > 0 && name[len] >= '0' && name[len] <= '9')
        len++; /* frame_1 */
    bool ours = name[len] == '\0' && len <= NAME_SHOWN_MAX;
    if (ours)
        sid_field_set(field, path, name);
    else
        sid_field_set(field, "", path);
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

static enum sid_err
open_reserve(size_t text_len) {
    if (text_len > (SIZE_MAX - RESERVE_LEAST_BYTES) / RESERVE_SHARE)
        return SID_E_NO_MEMORY;
    size_t size = text_len * RESERVE_SHARE + RESERVE_LEAST_BYTES;
    reserve.block = malloc(size);
    reserve.size = size;
    reserve.used = 0;
    reserve.no_memory = false;
    return reserve.block == NULL ? SID_E_NO_MEMORY : SID_OK;
}

static void
close_reserve(void) {
    sid_wipe(reserve.block, reserve.used);
    free(reserve.block);
    reserve.block = NULL;
}

enum sid_err
sid_json_parse(struct sid_span text, json_t **out) {
    if (text.len == 0 || !depth_bounded(text))
        return SID_E_BAD_JSON;
    enum sid_err err = open_reserve(text.len);
    if (err != SID_OK)
        return err;
    json_error_t error;
    json_t *root = json_loadb((const char *)text.ptr, text.len,
                              JSON_REJECT_DUPLICATES, &error);
    if (reserve.no_memory)
        err = SID_E_NO_MEMORY;
    else if (root == NULL || !json_is_object(root))
        err = SID_E_BAD_JSON;
    if (err == SID_OK) {
        *out = root;
        root = NULL;
    }
    json_decref(root);
    close_reserve();
    return err;
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
            sid_field_set_foreign(field, path, key);
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
    return sid_json_take_text(json_string_value(value),
                              json_string_length(value), what, out, out_size,
                              field);
}

enum sid_err
sid_json_take_text(const char *text, size_t len,
                   const struct sid_json_text *what, char *out, size_t out_size,
                   struct sid_field *field) {
    sid_field_set(field, what->path, what->name);
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
