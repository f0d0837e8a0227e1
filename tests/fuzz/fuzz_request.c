/* fuzz_request.c: src/http/head.c, header.c, route.c, negotiate.c, forwarded.c,
 * cookie.c: the head of a request, as libmicrohttpd 0.9.75 leaves it behind:
 * cut in place into method, target, version and lines. A head that is taken has
 * one reading only, and leads to at most one route. The functions of
 * libmicrohttpd that are asked about a head are answered here. libFuzzer's one
 * thread. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../../src/http/cookie.h"
#include "../../src/http/request.h"
#include "../../src/http/route.h"

#define LINES_MAX 64

/* One head, cut. */
static struct {
    const char *method, *target, *version;
    struct {
        char *name, *value;
    } line[LINES_MAX];
    size_t lines, size;
} head;

/* ---- in place of libmicrohttpd ------------------------------------------- */
const char *
MHD_get_version(void) {
    return "0.9.75";
}

int
MHD_get_connection_values_n(struct MHD_Connection *connection,
                            enum MHD_ValueKind kind, MHD_KeyValueIteratorN each,
                            void *cls) {
    (void)connection;
    for (size_t i = 0; i < head.lines; i++) {
        const char *name = head.line[i].name, *value = head.line[i].value;
        if (each(cls, kind, name, strlen(name), value, strlen(value)) !=
            MHD_YES)
            break;
    }
    return (int)head.lines;
}

const union MHD_ConnectionInfo *
MHD_get_connection_info(struct MHD_Connection *connection,
                        enum MHD_ConnectionInfoType what, ...) {
    static union MHD_ConnectionInfo info;
    (void)connection;
    info.header_size = head.size;
    return what == MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE ? &info : NULL;
}

/* Ends the line at *at as that version does, at CR LF, CR or LF; NULL at the
 * end of the text. */
static char *
next_line(char **at) {
    char *line = *at;
    char *end = line + strcspn(line, "\r\n");
    if (*end == '\0')
        return NULL;
    size_t both = end[0] == '\r' && end[1] == '\n' ? 2 : 1;
    memset(end, '\0', both);
    *at = end + both;
    return line;
}

/* False when that version answers by itself or waits for more. */
static bool
cut(char *text) {
    char *at = text, *line = next_line(&at);
    memset(&head, 0, sizeof head);
    if (line == NULL)
        return false;
    char *target = strchr(line, ' ');
    char *version = target == NULL ? NULL : strrchr(line, ' ');
    if (version == target)
        return false;
    *target++ = '\0';
    *version++ = '\0';
    head.method = line;
    head.target = target;
    head.version = version;
    while ((line = next_line(&at)) != NULL && *line != '\0') {
        char *value = strchr(line, ':');
        if (value == NULL || head.lines == LINES_MAX)
            return false;
        *value++ = '\0';
        value += strspn(value, " \t");
        head.line[head.lines].name = line;
        head.line[head.lines++].value = value;
    }
    head.size = (size_t)(at - text);
    return line != NULL;
}

/* ---- what may be taken --------------------------------------------------- */
static size_t
count_lines(const char *name) {
    size_t count = 0;
    for (size_t i = 0; i < head.lines; i++)
        count += strcasecmp(head.line[i].name, name) == 0;
    return count;
}

/* The raw bytes, read by RFC 9112 to the letter. */
static bool
has_one_reading(const char *raw, size_t size) {
    const char *at = memchr(raw, '\r', size);
    if (at == NULL || strlen(raw) < size)
        return false;
    for (at += 2; at[0] != '\r';) {
        size_t name = strcspn(at, ":\r\n"), line = strcspn(at, "\r\n");
        if (name == 0 || at[name] != ':' ||
            strspn(at, "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                       "abcdefghijklmnopqrstuvwxyz") != name ||
            at[line] != '\r' || at[line + 1] != '\n')
            return false;
        at += line + 2;
    }
    return (size_t)(at - raw) + 2 == size && at[1] == '\n' &&
           count_lines("Host") <= 1 && count_lines("Content-Length") <= 1 &&
           count_lines("Content-Length") + count_lines("Transfer-Encoding") <=
               1;
}

/* ---- what follows -------------------------------------------------------- */
static void
find_route(const char *path) {
    const struct sid_route *route = NULL;
    struct sid_path segments;
    unsigned allow = 0;
    for (int method = SID_METHOD_GET; method <= SID_METHOD_OTHER; method++) {
        enum sid_err err = sid_route_find((enum sid_method)method, path, &route,
                                          &segments, &allow);
        fuzz_expect(err != SID_OK || route != NULL);
        fuzz_expect((err == SID_E_METHOD) == (err != SID_OK && allow != 0));
        fuzz_expect(err != SID_OK ||
                    segments.id_len + segments.photo_len <= strlen(path));
    }
}

/* Of a browser's request. */
static void
read_page_values(const struct sid_head *lines) {
    char cookie[SID_SESSION_COOKIE_SIZE];
    for (int tls = 0; tls < 2; tls++) {
        if (lines->cookie != NULL &&
            sid_cookie_find(lines->cookie,
                            tls == 1 ? SID_COOKIE_NAME_TLS : SID_COOKIE_NAME,
                            cookie))
            fuzz_expect(strlen(cookie) == SID_SESSION_COOKIE_CHARS);
        if (lines->origin != NULL && lines->host != NULL &&
            sid_origin_is_host(lines->origin, lines->host, tls == 1))
            fuzz_expect(strncasecmp(lines->origin, "http", 4) == 0);
    }
    if (lines->if_none_match != NULL)
        fuzz_expect(sid_etag_in(lines->if_none_match, "\"0a\"") ||
                    strcmp(lines->if_none_match, "\"0a\"") != 0);
    fuzz_expect(!sid_encoding_gzip(&lines->encoding) ||
                lines->encoding.gzip_given || lines->encoding.any_given);
}

static void
read_values(const struct sid_head *lines) {
    const struct sid_address peer = {{[15] = 1}};
    struct sid_networks trusted;
    struct sid_address source;
    const char *key = NULL;
    size_t key_len = 0;
    char boundary[SID_BOUNDARY_SIZE] = "", idempotency[SID_IDEMPOTENCY_SIZE];
    enum sid_media media;
    if (sid_networks_parse("10.0.0.0/8, ::1", &trusted) == SID_OK &&
        sid_forwarded_source(&peer, lines->forwarded, lines->forwarded_count,
                             &trusted, &source) == SID_OK)
        fuzz_expect(sid_address_class(&source)[0] != '\0');
    if (lines->authorization != NULL &&
        sid_bearer_parse(lines->authorization, &key, &key_len))
        fuzz_expect(key_len > 0 && key >= lines->authorization &&
                    key_len <= strlen(key));
    if (lines->content_type != NULL &&
        sid_boundary_parse(lines->content_type, boundary) == SID_OK)
        fuzz_expect(boundary[0] != '\0');
    if (lines->idempotency_key != NULL &&
        sid_idempotency_parse(lines->idempotency_key, idempotency) == SID_OK)
        fuzz_expect(idempotency[0] != '\0');
    if (sid_accept_choose(&lines->accept, &media) == SID_OK)
        fuzz_expect(media < SID_MEDIA_COUNT);
    fuzz_expect(lines->prefer.wait_s >= 0);
    read_page_values(lines);
}

void
fuzz_setup(void) {}

void
fuzz_one(const uint8_t *data, size_t size) {
    static struct sid_request req;
    char *text = malloc(size + 1), *raw = malloc(size + 1);
    if (text == NULL || raw == NULL)
        goto out;
    memcpy(text, data, size);
    text[size] = '\0';
    memcpy(raw, text, size + 1);
    memset(&req, 0, sizeof req);
    if (!cut(text))
        goto out;
    req.uri_clean = sid_uri_clean(head.target, &req.has_query);
    /* The library parts the query from the path. */
    char *query = strchr(text + strlen(text) + 1, '?');
    enum sid_err err =
        sid_head_read(&req, head.method, head.target, head.version);
    fuzz_expect(sid_request_id_clean(req.request_id));
    if (err == SID_OK) {
        fuzz_expect(has_one_reading(raw, head.size));
        if (query != NULL)
            *query = '\0';
        find_route(head.target);
        read_values(&req.head);
    }
out:
    free(text);
    free(raw);
}
