/* refusal.c: see refusal.h. io threads, after the set-up by main. Owns nothing
 * but a pointer. */
#include "refusal.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/socket.h>

#include "deadline.h"
#include "header.h"
#include "reply.h"
#include "smartid/log.h"

typedef enum MHD_Result queue_function(struct MHD_Connection *, unsigned,
                                       struct MHD_Response *);

static queue_function *library_queue;

enum sid_err
sid_refusal_setup(void) {
    void *found = dlsym(RTLD_NEXT, "MHD_queue_response");
    /* ISO C has no cast from an object to a function; POSIX has this. */
    memcpy(&library_queue, &found, sizeof found);
    return found == NULL ? SID_E_INTERNAL : SID_OK;
}

enum MHD_Result
sid_refusal_pass(struct MHD_Connection *connection, unsigned status,
                 struct MHD_Response *response) {
    return library_queue(connection, status, response);
}

enum sid_err
sid_refusal_error(unsigned status) {
    switch (status) {
    case MHD_HTTP_URI_TOO_LONG:
    case MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE:
        return SID_E_HEAD_TOO_LARGE;
    case MHD_HTTP_CONTENT_TOO_LARGE:
        return SID_E_BODY_TOO_LARGE;
    default: /* also 505, for which there is no use, and 500 */
        return SID_E_BAD_REQUEST;
    }
}

/* All earlier answers on the socket have been sent by now, and this one is
 * smaller than what the kernel takes at once. */
static void
send_refusal(int fd, enum sid_err err) {
    struct sid_buf answer = SID_BUF_EMPTY;
    char request_id[SID_REQUEST_ID_SIZE];
    sid_request_id_make(request_id);
    sid_log(SID_LOG_INFO, "request_refused", SID_S("code", sid_err_code(err)),
            SID_S("request_id", request_id));
    if (sid_reply_print(&answer, err, request_id) == SID_OK)
        (void)send(fd, answer.ptr, answer.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    sid_buf_free(&answer);
}

/* Called by the library only. Its text is dropped, and no other answer queued:
 * 0.9.75 goes on with a request whose Content-Length it has refused, and sends
 * the head of the answer twice. It closes the connection instead. */
enum MHD_Result
MHD_queue_response(struct MHD_Connection *connection, unsigned status,
                   struct MHD_Response *response) {
    (void)response;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info == NULL)
        return MHD_NO;
    int fd = info->connect_fd;
    send_refusal(fd, sid_refusal_error(status));
    info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    const struct sid_guest *guest = info == NULL ? NULL : info->socket_context;
    if (guest != NULL)
        sid_linger_add(guest->guests->linger, fd);
    return MHD_NO;
}
