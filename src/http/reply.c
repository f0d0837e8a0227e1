/* reply.c: errors and answers become HTTP. The only file with status numbers.
 * io threads; borrows the request. */
#include "reply.h"

#include <stdio.h>
#include <string.h>

#include "hint.h"
#include "page.h"
#include "refusal.h"
#include "request.h"
#include "route.h"
#include "server_priv.h"
#include "smartid/log.h"
#include "smartid/metrics.h"

/* Seconds after which a retry makes sense. Own choice: an enrolment takes
 * tenths of a second, a restart some seconds, a full disk somebody's hand. */
#define RETRY_BUSY_S 2
#define RETRY_RESTART_S 5
#define RETRY_DISK_S 30
#define PROBLEM_TYPE "application/problem+json; charset=utf-8"

enum sid_err
sid_reply_public(enum sid_err err) {
    /* The algorithms were fetched and tried at the start: what OpenSSL lacks
     * afterwards is memory. */
    if (err == SID_E_CRYPTO)
        return SID_E_NO_MEMORY;
    return sid_reply_status(err) == 500 ? SID_E_INTERNAL : err;
}

/* A table reads better with its cases side by side. */
/* clang-format off */
unsigned
sid_reply_status(enum sid_err err) {
    switch (err) {
    case SID_OK: return 200;
    case SID_E_BAD_REQUEST: case SID_E_BAD_JSON: return 400;
    case SID_E_UNAUTHENTICATED: return 401;
    case SID_E_FORBIDDEN: case SID_E_PURPOSE_FORBIDDEN:
    case SID_E_CSRF: case SID_E_ORIGIN: return 403;
    case SID_E_NOT_FOUND: return 404;
    case SID_E_METHOD: return 405;
    case SID_E_NOT_ACCEPTABLE: return 406;
    case SID_E_EXISTS: case SID_E_CONFLICT: case SID_E_REVOKED:
    case SID_E_SUSPENDED: case SID_E_REPLACED: case SID_E_EXPIRED:
    case SID_E_RECOVERY_LOCKED: case SID_E_FACE_TRIES: case SID_E_NO_FACE:
        return 409;
    case SID_E_LENGTH_REQUIRED: return 411;
    case SID_E_BODY_TOO_LARGE: return 413;
    case SID_E_MEDIA_TYPE: return 415;
    case SID_E_FIELD_MISSING: case SID_E_FIELD_INVALID:
    case SID_E_FIELD_UNKNOWN: case SID_E_IDEMPOTENCY_MISMATCH:
    case SID_E_CHALLENGE_REQUIRED:
    /* Of a file that an admin has named. */
    case SID_E_SECRET_MODE: case SID_E_SECRET_FORMAT: return 422;
    case SID_E_HEAD_TOO_LARGE: return 431;
    case SID_E_RATE: case SID_E_ATTEMPTS: return 429;
    case SID_E_NO_MEMORY: case SID_E_QUEUE_FULL: case SID_E_STOPPING:
    case SID_E_STORE: case SID_E_CRYPTO: case SID_E_API_UNREACHABLE:
    case SID_E_API_PAUSED: return 503;
    case SID_E_STORE_FULL: return 507;
    /* The service's own affair. */
    case SID_E_INTERNAL: case SID_E_IO: case SID_E_TIMEOUT:
    case SID_E_ARGUMENT: case SID_E_CONFIG: case SID_E_LOCKED:
    case SID_E_SEAL: case SID_E_MODEL: case SID_E_SCHEMA:
    case SID_E_WRONG_KEY: case SID_ERR_COUNT:
    /* WeChat's: its pushes are all refused alike. */
    case SID_E_PUSH_FORMAT: case SID_E_PUSH_SIGNATURE: case SID_E_PUSH_STALE:
    case SID_E_PUSH_REPLAYED: case SID_E_PUSH_SEALED:
    case SID_E_API_REFUSED: case SID_E_API_ANSWER:
    /* These never leave a flow: a refused code is an answer, a photo that
     * cannot be used a reason, and the writer tries again. */
    case SID_E_AGAIN:
    case SID_E_CODE_LENGTH: case SID_E_CODE_ALPHABET:
    case SID_E_CODE_VERSION: case SID_E_CODE_KEY: case SID_E_CODE_MAC:
    case SID_E_CODE_CONTENT: case SID_E_CODE_EXPIRED: case SID_E_CODE_EARLY:
    case SID_E_IMAGE_UNREADABLE: case SID_E_IMAGE_TOO_LARGE:
    case SID_E_IMAGE_TOO_SMALL: return 500;
    }
    return 500;
}
/* clang-format on */

unsigned
sid_reply_success(enum sid_success success) {
    switch (success) {
    case SID_SUCCESS_OK:
        return 200;
    case SID_SUCCESS_CREATED:
        return 201;
    case SID_SUCCESS_ACCEPTED:
        return 202;
    case SID_SUCCESS_NO_CONTENT:
        return 204;
    case SID_SUCCESS_SEE_OTHER:
        return 303;
    case SID_SUCCESS_NOT_MODIFIED:
        return 304;
    case SID_SUCCESS_NOT_READY:
        return 503;
    }
    return 500;
}

/* A check that failed on our account: nothing is known about the code. */
static bool
is_unchecked(const struct sid_request *req, unsigned status) {
    return status >= 500 && req->route != NULL && req->route->handler->is_check;
}

static int
retry_after_s(const struct sid_request *req, enum sid_err err,
              unsigned status) {
    if (status == 429 && req->retry_s > 0)
        return (int)req->retry_s;
    if (err == SID_E_STOPPING)
        return RETRY_RESTART_S;
    if (status == 507)
        return RETRY_DISK_S;
    if (is_unchecked(req, status))
        return status == 503 ? RETRY_BUSY_S : RETRY_DISK_S;
    return status == 503 || status == 429 ? RETRY_BUSY_S : 0;
}

/* A problem document (RFC 9457). hint and field may be "". */
static enum sid_err
print_problem(struct sid_buf *to, enum sid_err err, bool unchecked,
              const char *hint, const char *field, const char *request_id) {
    unsigned status = sid_reply_status(err);
    char type[96];
    char detail[SID_HINT_SIZE + 128];
    (void)snprintf(type, sizeof type, "urn:smartid:problem:%s",
                   sid_err_code(err));
    (void)snprintf(detail, sizeof detail, "%s%s%s", sid_err_text(err),
                   hint[0] == '\0' ? "" : " ", hint);
    struct sid_json json;
    sid_json_init(&json, to);
    sid_json_open(&json, NULL, '{');
    sid_json_string(&json, "type", type);
    sid_json_string(&json, "title", MHD_get_reason_phrase_for(status));
    sid_json_int(&json, "status", status);
    sid_json_string(&json, "detail", detail);
    sid_json_string(&json, "code", sid_err_code(err));
    if (unchecked)
        sid_json_string(&json, "result", "could_not_check");
    if (field[0] != '\0')
        sid_json_string(&json, "field", field);
    sid_json_string(&json, "request_id", request_id);
    sid_json_close(&json, '}');
    return json.err;
}

/* Replaces the answer by a problem document. */
static enum sid_err
write_problem(struct sid_request *req, enum sid_err err, unsigned status) {
    struct sid_answer *answer = &req->answer;
    sid_buf_clear(&answer->body);
    /* What was granted or made is void now. */
    answer->location[0] = '\0';
    answer->preference[0] = '\0';
    answer->replayed = false;
    answer->show_inline = false;
    answer->file = NULL;
    sid_wipe(answer->cookie, sizeof answer->cookie);
    answer->content_type = PROBLEM_TYPE;
    answer->retry_after_s = retry_after_s(req, err, status);
    enum sid_err shown = sid_reply_public(err);
    char hint[SID_HINT_SIZE];
    sid_hint(req, shown, hint);
    return print_problem(&answer->body, shown, is_unchecked(req, status), hint,
                         status == 500 ? "" : req->field.name, req->request_id);
}

static void
allow_text(unsigned allow, char out[32]) {
    (void)snprintf(out, 32, "%s%s%s%s",
                   (allow & 1u << SID_METHOD_GET) != 0 ? "GET, " : "",
                   (allow & 1u << SID_METHOD_HEAD) != 0 ? "HEAD, " : "",
                   (allow & 1u << SID_METHOD_POST) != 0 ? "POST, " : "",
                   (allow & 1u << SID_METHOD_DELETE) != 0 ? "DELETE, " : "");
    size_t len = strlen(out);
    if (len > 2)
        out[len - 2] = '\0';
}

static bool
add(struct MHD_Response *response, const char *name, const char *value) {
    return MHD_add_response_header(response, name, value) == MHD_YES;
}

static bool
add_answer_headers(struct MHD_Response *response,
                   const struct sid_answer *answer) {
    bool ok = true;
    if (answer->location[0] != '\0')
        ok = ok && add(response, "Location", answer->location);
    if (answer->preference[0] != '\0')
        ok = ok && add(response, "Preference-Applied", answer->preference);
    if (answer->cookie[0] != '\0')
        ok = ok && add(response, "Set-Cookie", answer->cookie);
    if (answer->replayed)
        ok = ok && add(response, "Idempotent-Replayed", "true");
    if (answer->vary_accept)
        ok = ok && add(response, "Vary", "Accept");
    if (answer->show_inline)
        ok = ok && add(response, "Content-Disposition", "inline");
    if (answer->retry_after_s > 0) {
        char text[16];
        (void)snprintf(text, sizeof text, "%d", answer->retry_after_s);
        ok = ok && add(response, "Retry-After", text);
    }
    return ok;
}

static bool
is_empty(const struct sid_answer *answer, enum sid_err err) {
    return err == SID_OK && (answer->success == SID_SUCCESS_NO_CONTENT ||
                             answer->success == SID_SUCCESS_SEE_OTHER ||
                             answer->success == SID_SUCCESS_NOT_MODIFIED);
}

static bool
add_headers(struct MHD_Response *response, struct sid_request *req,
            enum sid_err err) {
    const struct sid_answer *answer = &req->answer;
    const char *type = answer->content_type != NULL
                           ? answer->content_type
                           : "application/json; charset=utf-8";
    bool ok =
        answer->file != NULL
            ? sid_page_headers(response, req)
            : (is_empty(answer, err) || add(response, "Content-Type", type)) &&
                  add(response, "Cache-Control", "no-store");
    ok = ok && add(response, "X-Content-Type-Options", "nosniff") &&
         add(response, "X-Request-Id", req->request_id) &&
         add_answer_headers(response, answer);
    if (err == SID_E_METHOD) {
        char allow[32];
        allow_text(req->allow, allow);
        ok = ok && add(response, "Allow", allow);
    }
    if (err == SID_E_UNAUTHENTICATED)
        ok =
            ok && add(response, "WWW-Authenticate", "Bearer realm=\"smartid\"");
    if (atomic_load_explicit(&req->door->server->quiesced,
                             memory_order_relaxed))
        ok = ok && add(response, "Connection", "close");
    return ok;
}

static void
count(unsigned status) {
    sid_metric_add(status >= 500   ? SID_M_HTTP_5XX
                   : status >= 400 ? SID_M_HTTP_4XX
                   : status >= 300 ? SID_M_HTTP_3XX
                                   : SID_M_HTTP_1XX_2XX,
                   1);
    if (status == 401 || status == 403)
        sid_metric_add(SID_M_AUTH_REFUSED, 1);
}

enum MHD_Result
sid_reply(struct sid_request *req, enum sid_err err) {
    unsigned status = err == SID_OK ? sid_reply_success(req->answer.success)
                                    : sid_reply_status(err);
    if (err != SID_OK) {
        if (status == 500)
            sid_log(SID_LOG_ERROR, "request_failed",
                    SID_S("code", sid_err_code(err)),
                    SID_S("request_id", req->request_id));
        if (is_unchecked(req, status))
            sid_metric_add(SID_M_VERIFY_UNCHECKED, 1);
        if (write_problem(req, err, status) != SID_OK)
            return MHD_NO;
    }
    struct sid_buf *body = &req->answer.body;
    /* Text that ends without one runs into the next prompt. */
    bool json = err != SID_OK ||
                (req->answer.content_type == NULL && req->answer.file == NULL &&
                 !is_empty(&req->answer, err));
    if (json && sid_buf_append(body, "\n", 1) != SID_OK)
        return MHD_NO;
    /* The bytes stay the request's, which outlives their sending. */
    struct MHD_Response *response =
        req->answer.file != NULL
            ? sid_page_response(req)
            : MHD_create_response_from_buffer(body->len, body->ptr,
                                              MHD_RESPMEM_PERSISTENT);
    if (response == NULL)
        return MHD_NO;
    enum MHD_Result result = MHD_NO;
    if (add_headers(response, req, err))
        result = sid_refusal_pass(req->connection, status, response);
    if (req->answer.cookie[0] != '\0')
        req->secret_response = response;
    else
        MHD_destroy_response(response);
    if (result == MHD_YES) {
        req->stage = SID_STAGE_ANSWERED;
        req->status = status;
        count(status);
    }
    return result;
}

void
sid_reply_forget(struct MHD_Response **response) {
    struct MHD_Response *me = *response;
    if (me == NULL)
        return;
    *response = NULL;
    /* The library has no other way to the copy that it made. */
    const char *copy = MHD_get_response_header(me, "Set-Cookie");
    if (copy != NULL)
        sid_wipe((void *)(uintptr_t)copy, strlen(copy));
    MHD_destroy_response(me);
}

enum sid_err
sid_reply_print(struct sid_buf *to, enum sid_err err, const char *request_id) {
    unsigned status = sid_reply_status(err);
    struct sid_buf body = SID_BUF_EMPTY;
    char head[512];
    enum sid_err done = print_problem(&body, err, false, "", "", request_id);
    if (done == SID_OK)
        done = sid_buf_append(&body, "\n", 1);
    int len = snprintf(head, sizeof head,
                       "HTTP/1.1 %u %s\r\nConnection: close\r\n"
                       "Content-Type: " PROBLEM_TYPE "\r\n"
                       "Cache-Control: no-store\r\n"
                       "X-Content-Type-Options: nosniff\r\n"
                       "X-Request-Id: %s\r\nContent-Length: %zu\r\n\r\n",
                       status, MHD_get_reason_phrase_for(status), request_id,
                       body.len);
    SID_ASSERT(len > 0 && (size_t)len < sizeof head);
    if (done == SID_OK)
        done = sid_buf_append(to, head, (size_t)len);
    if (done == SID_OK)
        done = sid_buf_append(to, body.ptr, body.len);
    sid_buf_free(&body);
    if (done == SID_OK)
        count(status);
    return done;
}
