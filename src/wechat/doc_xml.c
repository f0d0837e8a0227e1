/* doc_xml.c: the wanted fields of an XML document, with expat. Any thread; the
 * parser's memory is wiped when it is freed, for people's names and numbers
 * pass through it. */
#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include "doc.h"

#define ROOT "xml"

struct reading {
    const struct wechat_doc *doc;
    XML_Parser parser;
    int depth;                       /* open elements */
    char path[WECHAT_DOC_PATH_SIZE]; /* of the open elements below the root */
    int lost;      /* open elements that no longer fit into path */
    int wanted;    /* the wanted field we are in; -1: in none */
    uint32_t seen; /* wanted fields, by index */
    struct sid_buf text;
    enum sid_err err;
};

_Static_assert(WECHAT_DOC_FIELDS_MAX <= 32, "a field is a bit of a uint32_t");

static void
stop(struct reading *r, enum sid_err err) {
    if (r->err == SID_OK)
        r->err = err;
    (void)XML_StopParser(r->parser, XML_FALSE);
}

static void
push_name(struct reading *r, const char *name) {
    size_t have = strlen(r->path), more = strlen(name);
    size_t slash = have > 0 ? 1 : 0;
    if (r->lost > 0 || have + slash + more >= sizeof r->path) {
        r->lost++;
        return;
    }
    if (slash > 0)
        r->path[have++] = '/';
    memcpy(r->path + have, name, more + 1);
}

static void
pop_name(struct reading *r) {
    if (r->lost > 0) {
        r->lost--;
        return;
    }
    char *slash = strrchr(r->path, '/');
    *(slash != NULL ? slash : r->path) = '\0';
}

static int
find_wanted(const struct reading *r) {
    for (size_t i = 0; i < r->doc->wanted_n && r->lost == 0; i++) {
        if (strcmp(r->doc->wanted[i], r->path) == 0)
            return (int)i;
    }
    return -1;
}

static void XMLCALL
on_start(void *ctx, const XML_Char *name, const XML_Char **attributes) {
    (void)attributes;
    struct reading *r = ctx;
    if (r->err != SID_OK) /* some are still told of after a stop */
        return;
    if (++r->depth > WECHAT_DOC_DEPTH_MAX || r->wanted >= 0 ||
        (r->depth == 1 && strcmp(name, ROOT) != 0)) {
        stop(r, SID_E_PUSH_FORMAT);
        return;
    }
    if (r->depth == 1)
        return;
    push_name(r, name);
    r->wanted = find_wanted(r);
    if (r->wanted < 0)
        return;
    uint32_t bit = 1u << (unsigned)r->wanted;
    if ((r->seen & bit) != 0)
        stop(r, SID_E_PUSH_FORMAT);
    r->seen |= bit;
}

static void XMLCALL
on_text(void *ctx, const XML_Char *text, int len) {
    struct reading *r = ctx;
    if (r->wanted < 0 || r->err != SID_OK)
        return;
    enum sid_err err = sid_buf_append(&r->text, text, (size_t)len);
    if (err != SID_OK)
        stop(r, err);
}

static void XMLCALL
on_end(void *ctx, const XML_Char *name) {
    (void)name;
    struct reading *r = ctx;
    if (r->err != SID_OK)
        return;
    if (r->wanted >= 0) {
        const char *text = r->text.len > 0 ? (const char *)r->text.ptr : "";
        enum sid_err err =
            r->doc->field(r->doc->ctx, (size_t)r->wanted, text, r->text.len);
        if (err != SID_OK)
            stop(r, err);
        sid_buf_clear(&r->text);
        r->wanted = -1;
    }
    if (r->depth-- > 1)
        pop_name(r);
}

static void XMLCALL
on_doctype(void *ctx, const XML_Char *name, const XML_Char *system,
           const XML_Char *public, int has_subset) {
    (void)name;
    (void)system;
    (void)public;
    (void)has_subset;
    stop(ctx, SID_E_PUSH_FORMAT);
}

enum sid_err
wechat_doc_xml(struct sid_span text, const struct wechat_doc *doc) {
    static const XML_Memory_Handling_Suite memory = {malloc, sid_realloc_wiped,
                                                     sid_free_wiped};
    struct reading r = {.doc = doc, .wanted = -1};
    SID_ASSERT(doc->wanted_n <= WECHAT_DOC_FIELDS_MAX);
    /* The encoding named here counts, whatever the document says. */
    r.parser = XML_ParserCreate_MM("UTF-8", &memory, NULL);
    if (r.parser == NULL)
        return SID_E_NO_MEMORY;
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, on_start, on_end);
    XML_SetCharacterDataHandler(r.parser, on_text);
    XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
    enum XML_Status status =
        XML_Parse(r.parser, (const char *)text.ptr, (int)text.len, XML_TRUE);
    if (r.err == SID_OK && status != XML_STATUS_OK)
        r.err = XML_GetErrorCode(r.parser) == XML_ERROR_NO_MEMORY
                    ? SID_E_NO_MEMORY
                    : SID_E_PUSH_FORMAT;
    XML_ParserFree(r.parser);
    sid_buf_free(&r.text);
    return r.err;
}
