/* head.c: the lines of a request's head, collected and held against what
 * libmicrohttpd 0.9.75 lets pass. io thread of the connection; owns nothing.
 *
 * That version takes repeated Host and Content-Length lines, lines that end
 * with a bare LF, folded lines, blanks before the colon, and cuts a value at a
 * NUL: each of them has two readings, which is what request smuggling lives on
 * (reliability.md section 0, finding 6). It parses the head in place, so the
 * strings it hands out still lie where the client put them, and a head that is
 * nothing but "name: value CR LF" lines leaves no gap between them. */
#include <string.h>
#include <strings.h>

#include "request.h"
#include "smartid/log.h"

/* How the lines lie in memory. */
struct layout {
    bool known;       /* this version of the library is the one described */
    const char *next; /* where the next line has to begin */
};

struct scan {
    struct sid_head *head;
    struct layout layout;
};

/* The place behind a line's text: CR and LF, both overwritten by NULs. */
static const char *
behind(const char *text) {
    return text + strlen(text) + 2;
}

/* A line that may come once. */
static void
take_once(struct sid_head *head, const char **slot, const char *value) {
    if (*slot != NULL)
        head->broken = true;
    *slot = value;
}

/* Judged only when the peer is trusted: others may write what they like. */
static void
take_forwarded(struct sid_head *head, const char *value) {
    if (head->forwarded_count < SID_FORWARDED_LINES_MAX)
        head->forwarded[head->forwarded_count] = value;
    head->forwarded_count++;
}

/* The same of whether it came by TLS: said twice it is not known. */
static void
take_scheme(struct sid_head *head, const char *value) {
    head->forwarded_tls =
        !head->scheme_forwarded && strcasecmp(value, "https") == 0;
    head->scheme_forwarded = true;
}

/* Browsers send one line: in several it is not clear which cookie counts. */
static void
take_cookie(struct sid_head *head, const char *value) {
    head->cookie = head->cookie_given ? NULL : value;
    head->cookie_given = true;
}

static bool
name_clean(const char *name) {
    if (*name == '\0')
        return false;
    for (; *name != '\0'; name++) {
        if (!sid_header_tchar(*name))
            return false;
    }
    return true;
}

static void
take_value(struct sid_head *head, const char *key, const char *value) {
    struct {
        const char *name;
        const char **slot;
    } const once[] = {
        {"Host", &head->host},
        {"Content-Length", &head->content_length},
        {"Content-Type", &head->content_type},
        {"Transfer-Encoding", &head->transfer_encoding},
        {"Authorization", &head->authorization},
        {"Origin", &head->origin},
        {"X-CSRF-Token", &head->csrf_token},
        {"Idempotency-Key", &head->idempotency_key},
        {"X-Request-Id", &head->request_id},
    };
    for (size_t i = 0; i < sizeof once / sizeof once[0]; i++) {
        if (strcasecmp(key, once[i].name) == 0) {
            take_once(head, once[i].slot, value);
            return;
        }
    }
    if (strcasecmp(key, "Accept") == 0)
        sid_accept_add(&head->accept, value);
    else if (strcasecmp(key, "Prefer") == 0)
        sid_prefer_add(&head->prefer, value);
    else if (strcasecmp(key, "Accept-Encoding") == 0)
        sid_encoding_add(&head->encoding, value);
    else if (strcasecmp(key, "If-None-Match") == 0)
        head->if_none_match =
            head->if_none_match == NULL ? value : head->if_none_match;
    else if (strcasecmp(key, "Expect") == 0)
        head->expects = true;
    else if (strcasecmp(key, "X-Forwarded-For") == 0)
        take_forwarded(head, value);
    else if (strcasecmp(key, "X-Forwarded-Proto") == 0)
        take_scheme(head, value);
    else if (strcasecmp(key, "Cookie") == 0)
        take_cookie(head, value);
}

static enum MHD_Result
take_line(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_len,
          const char *value, size_t value_len) {
    (void)kind;
    struct scan *scan = cls;
    if (value == NULL || strlen(key) != key_len || !name_clean(key) ||
        strlen(value) != value_len ||
        !sid_header_value_clean(value, value_len) ||
        (scan->layout.known && key != scan->layout.next)) {
        scan->head->broken = true;
        return MHD_NO;
    }
    scan->layout.next = behind(value);
    take_value(scan->head, key, value);
    return MHD_YES;
}

/* True when the head ends where its last line says. */
static bool
ends_well(struct sid_request *req, const char *method,
          const struct layout *layout) {
    if (!layout->known)
        return true;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        req->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return info != NULL && method + info->header_size == layout->next + 2;
}

static void
name_request(struct sid_request *req) {
    const char *given = req->head.request_id;
    if (given != NULL && sid_request_id_clean(given))
        memcpy(req->request_id, given, strlen(given) + 1);
    else
        sid_request_id_make(req->request_id);
}

enum sid_err
sid_head_read(struct sid_request *req, const char *method, const char *url,
              const char *version) {
    struct sid_head *head = &req->head;
    struct scan scan = {
        .head = head,
        .layout = {.known = strcmp(MHD_get_version(), "0.9.75") == 0,
                   .next = behind(version)},
    };
    if (scan.layout.known && url != method + strlen(method) + 1)
        head->broken = true;
    (void)MHD_get_connection_values_n(req->connection, MHD_HEADER_KIND,
                                      take_line, &scan);
    name_request(req);
    if (!head->broken && !ends_well(req, method, &scan.layout))
        head->broken = true;
    /* RFC 9112 3.2. */
    if (head->host == NULL && strcmp(version, MHD_HTTP_VERSION_1_0) != 0)
        head->broken = true;
    if (head->content_length != NULL &&
        sid_content_length_parse(head->content_length, &req->content_length) !=
            SID_OK)
        head->broken = true;
    /* Both lengths at once (RFC 9112 6.3). */
    if (head->content_length != NULL && head->transfer_encoding != NULL)
        head->broken = true;
    return head->broken || !req->uri_clean ? SID_E_BAD_REQUEST : SID_OK;
}
