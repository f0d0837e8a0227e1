/* doc_json.c: the wanted fields of a JSON document, with the bounds of
 * smartid/json.h; and which of the two forms a document has. Any thread. */
#include <stdio.h>
#include <string.h>

#include "doc.h"
#include "smartid/json.h"
#include "smartid/wechat_crypt.h"

/* The member at a path of names with slashes between them; NULL: not there. */
static const json_t *
member_at(const json_t *object, const char *path) {
    char name[WECHAT_DOC_PATH_SIZE];
    for (;;) {
        size_t len = strcspn(path, "/");
        SID_ASSERT(len < sizeof name);
        memcpy(name, path, len);
        name[len] = '\0';
        object = json_object_get(object, name);
        if (path[len] == '\0' || object == NULL)
            return object;
        path += len + 1;
    }
}

static enum sid_err
tell(const struct wechat_doc *doc, size_t index, const json_t *value) {
    if (json_is_string(value))
        return doc->field(doc->ctx, index, json_string_value(value),
                          json_string_length(value));
    if (!json_is_integer(value))
        return SID_E_PUSH_FORMAT;
    char text[24];
    int len = snprintf(text, sizeof text, "%lld",
                       (long long)json_integer_value(value));
    return doc->field(doc->ctx, index, text, (size_t)len);
}

enum sid_err
wechat_doc_json(struct sid_span text, const struct wechat_doc *doc) {
    json_t *root = NULL;
    if (sid_json_parse(text, &root) != SID_OK)
        return SID_E_PUSH_FORMAT;
    enum sid_err err = SID_OK;
    for (size_t i = 0; i < doc->wanted_n && err == SID_OK; i++) {
        const json_t *value = member_at(root, doc->wanted[i]);
        if (value != NULL && !json_is_null(value))
            err = tell(doc, i, value);
    }
    json_decref(root);
    return err;
}

enum sid_err
wechat_doc_read(struct sid_span text, const struct wechat_doc *doc,
                enum sid_wechat_format *format) {
    if (text.len > SID_WECHAT_BODY_MAX_BYTES)
        return SID_E_BODY_TOO_LARGE;
    size_t at = 0;
    while (at < text.len && memchr(" \t\r\n", text.ptr[at], 4) != NULL)
        at++;
    enum sid_wechat_format found =
        at < text.len && text.ptr[at] == '{' ? SID_WECHAT_JSON : SID_WECHAT_XML;
    enum sid_err err = found == SID_WECHAT_JSON ? wechat_doc_json(text, doc)
                                                : wechat_doc_xml(text, doc);
    if (err == SID_OK)
        *format = found;
    return err;
}
