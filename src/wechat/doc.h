/* doc.h: the wanted fields of a small document, be it XML or JSON: the two
 * forms in which WeChat pushes the same message. Pure; any thread. */
#ifndef SID_WECHAT_DOC_H
#define SID_WECHAT_DOC_H

#include <stddef.h>

#include "smartid/buf.h"
#include "smartid/err.h"
#include "smartid/wechat_push.h"

/* Elements in elements, the outermost one included; as for JSON. The deepest
 * that WeChat sends is 5 (PicMd5Sum). */
#define WECHAT_DOC_DEPTH_MAX 8
/* Wanted fields at most, and the longest path of one, NUL included. */
#define WECHAT_DOC_FIELDS_MAX 32
#define WECHAT_DOC_PATH_SIZE 64

/* Gets the text of wanted[index]; valid UTF-8 without NUL; borrowed for the
 * call. Its error ends the reading. */
typedef enum sid_err wechat_doc_fn(void *ctx, size_t index, const char *text,
                                   size_t len);

struct wechat_doc {
    const char *const *wanted; /* paths such as "ScanCodeInfo/ScanResult" */
    size_t wanted_n;
    wechat_doc_fn *field;
    void *ctx;
};

/* XML: one element `xml` with the fields in it; no DOCTYPE (and so no entity
 * but the five of XML), no field twice, no element inside a wanted field.
 * Errors: SID_E_PUSH_FORMAT, SID_E_NO_MEMORY, those of field(). */
SID_FALLIBLE enum sid_err wechat_doc_xml(struct sid_span text,
                                         const struct wechat_doc *doc);
/* JSON: an object; a wanted field is a string, a whole number or null, which
 * counts as not there. Errors: as above. */
SID_FALLIBLE enum sid_err wechat_doc_json(struct sid_span text,
                                          const struct wechat_doc *doc);

/* Either, by the first byte that is not blank. Errors: as above, and
 * SID_E_BODY_TOO_LARGE. */
SID_FALLIBLE enum sid_err wechat_doc_read(struct sid_span text,
                                          const struct wechat_doc *doc,
                                          enum sid_wechat_format *format);

#endif
