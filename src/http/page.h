/* page.h: pages over HTTP: which file an address is, and the headers that keep
 * it to itself. io threads; server.c keeps the set in force. */
#ifndef SMARTID_HTTP_PAGE_H
#define SMARTID_HTTP_PAGE_H

#include <microhttpd.h>
#include <stdbool.h>

#include "page_files.h"

struct sid_request;
struct sid_server;

/* The set in force, held for the caller, who drops it. Any thread. */
struct sid_page_set *sid_pages_hold(struct sid_server *server);

/* Of a request whose answer is a file: the response with its bytes, which the
 * request holds; NULL when there is no memory. */
struct MHD_Response *sid_page_response(const struct sid_request *req);
/* Adds type, caching and security headers of that file; false when there is no
 * memory. */
bool sid_page_headers(struct MHD_Response *response,
                      const struct sid_request *req);

#endif
