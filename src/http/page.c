/* page.c: see page.h. Owns nothing: a request holds the set of files that its
 * answer's bytes are of. */
#include "page.h"

#include <string.h>

#include "api.h"
#include "negotiate.h"
#include "server_priv.h"

/* A page loads from this daemon only, is framed by nobody, and sends nothing
 * elsewhere. Pictures and videos are also made in the page (blob:, data:). */
#define POLICY                                                                 \
    "default-src 'self'; img-src 'self' blob: data:; "                         \
    "media-src 'self' blob:; object-src 'none'; base-uri 'none'; "             \
    "form-action 'none'; frame-ancestors 'none'"
/* Besides, the reader of codes on /scan is compiled in the browser. */
#define POLICY_SCAN POLICY "; script-src 'self' 'wasm-unsafe-eval'"

struct sid_page_set *
sid_pages_hold(struct sid_server *server) {
    pthread_mutex_lock(&server->pages_lock);
    struct sid_page_set *set = sid_page_set_hold(server->pages);
    pthread_mutex_unlock(&server->pages_lock);
    return set;
}

static enum sid_err
prepare(struct sid_request *req) {
    (void)req;
    return SID_OK;
}

static enum sid_err
finish(struct sid_request *req) {
    struct sid_answer *answer = &req->answer;
    req->pages = sid_pages_hold(req->door->server);
    const struct sid_page_file *file = sid_page_find(req->pages, req->path);
    if (file == NULL)
        return SID_E_NOT_FOUND;
    answer->file = file;
    answer->file_gzip =
        file->gzip.len > 0 && sid_encoding_gzip(&req->head.encoding);
    const char *etag = answer->file_gzip ? file->etag_gzip : file->etag;
    if (req->head.if_none_match != NULL &&
        sid_etag_in(req->head.if_none_match, etag))
        answer->success = SID_SUCCESS_NOT_MODIFIED;
    return SID_OK;
}

/* The address alone leads to where people begin, if they can here. */
static enum sid_err
finish_root(struct sid_request *req) {
    static const char first[] = "/enroll";
    struct sid_page_set *set = sid_pages_hold(req->door->server);
    bool on = sid_page_on(set, SID_PAGE_ENROLL);
    sid_page_set_drop(&set);
    if (!on)
        return SID_E_NOT_FOUND;
    req->answer.success = SID_SUCCESS_SEE_OTHER;
    memcpy(req->answer.location, first, sizeof first);
    return SID_OK;
}

struct MHD_Response *
sid_page_response(const struct sid_request *req) {
    const struct sid_answer *answer = &req->answer;
    struct sid_span bytes =
        answer->file_gzip ? answer->file->gzip : answer->file->plain;
    if (answer->success == SID_SUCCESS_NOT_MODIFIED)
        bytes.len = 0;
    /* The library takes what it does not change without const. */
    return MHD_create_response_from_buffer(
        bytes.len, (void *)(uintptr_t)bytes.ptr, MHD_RESPMEM_PERSISTENT);
}

static bool
add(struct MHD_Response *response, const char *name, const char *value) {
    return MHD_add_response_header(response, name, value) == MHD_YES;
}

bool
sid_page_headers(struct MHD_Response *response, const struct sid_request *req) {
    const struct sid_answer *answer = &req->answer;
    const struct sid_page_file *file = answer->file;
    bool camera = file->is_document && file->page != SID_PAGE_DOCS;
    const struct {
        const char *name, *value;
    } headers[] = {
        {"ETag", answer->file_gzip ? file->etag_gzip : file->etag},
        {"Cache-Control", "no-cache"},
        {"Vary", file->gzip.len > 0 ? "Accept-Encoding" : NULL},
        {"Content-Type", file->type},
        {"Content-Encoding", answer->file_gzip ? "gzip" : NULL},
        {"Content-Security-Policy",
         file->page == SID_PAGE_SCAN ? POLICY_SCAN : POLICY},
        {"Permissions-Policy",
         camera ? "camera=(self), microphone=(), geolocation=()"
                : "camera=(), microphone=(), geolocation=()"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
    };
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof headers / sizeof headers[0]; i++) {
        if (headers[i].value != NULL)
            ok = add(response, headers[i].name, headers[i].value);
    }
    return ok;
}

const struct sid_handler sid_api_page = {.prepare = prepare, .finish = finish};
const struct sid_handler sid_api_page_root = {.prepare = prepare,
                                              .finish = finish_root};
