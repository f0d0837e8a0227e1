/* test_server.c: requests over real sockets: heads that are refused, bodies
 * that are not waited for, keep-alive, pipelining, the stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <poll.h>

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../../src/http/route.h"
#include "fixture.h"
#include "smartid/metrics.h"

#define HOST "Host: t\r\n"
#define GET "GET /healthz HTTP/1.1\r\n" HOST
#define QUESTION "{\"code\":\"x\",\"purpose\":\"household_registration\"}"

static struct fixture *f;

static int
setup(void **state) {
    (void)state;
    f = fixture_new();
    return 0;
}

static int
teardown(void **state) {
    (void)state;
    fixture_free(f);
    return 0;
}

static int
status_of(const char *request) {
    struct answer answer;
    fixture_ask(f, request, &answer);
    return answer.status;
}

static void
has(const struct answer *answer, const char *header) {
    if (strstr(answer->head, header) == NULL)
        fail_msg("no '%s' in:\n%s", header, answer->head);
}

static void
open_endpoints_answer_anybody(void **state) {
    (void)state;
    struct answer answer;
    fixture_ask(f, GET "\r\n", &answer);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "{\"status\":\"ok\"}\n");
    fixture_ask(f, "GET /readyz HTTP/1.1\r\n" HOST "\r\n", &answer);
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.body, "\"ready\":true"));
    fixture_ask(f, "GET /version HTTP/1.1\r\n" HOST "\r\n", &answer);
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.body, "\"api\":\"v1\",\"test_clock\":true"));
    fixture_ask(f, "GET /metrics HTTP/1.1\r\n" HOST "\r\n", &answer);
    assert_int_equal(answer.status, 200);
    has(&answer, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
    assert_non_null(strstr(answer.body, "smartidd_http_responses_total{"));
}

static void
every_answer_has_its_headers_and_none_names_the_server(void **state) {
    (void)state;
    struct answer answer;
    fixture_ask(f, GET "X-Request-Id: my.id-1\r\n\r\n", &answer);
    has(&answer, "Content-Type: application/json; charset=utf-8\r\n");
    has(&answer, "Cache-Control: no-store\r\n");
    has(&answer, "X-Content-Type-Options: nosniff\r\n");
    has(&answer, "X-Request-Id: my.id-1\r\n");
    assert_null(strcasestr(answer.head, "\r\nServer:"));
    fixture_ask(f, GET "X-Request-Id: not my id\r\n\r\n", &answer);
    assert_null(strstr(answer.head, "not my id"));
    has(&answer, "X-Request-Id: ");
}

static void
a_problem_document_tells_code_status_and_request(void **state) {
    (void)state;
    struct answer answer;
    fixture_ask(f, "GET /nothing HTTP/1.1\r\n" HOST "X-Request-Id: r-1\r\n\r\n",
                &answer);
    assert_int_equal(answer.status, 404);
    has(&answer, "Content-Type: application/problem+json; charset=utf-8\r\n");
    assert_string_equal(
        answer.body,
        "{\"type\":\"urn:smartid:problem:not_found\",\"title\":\"Not Found\","
        "\"status\":404,\"detail\":\"There is nothing here under this name.\","
        "\"code\":\"not_found\",\"request_id\":\"r-1\"}\n");
}

static void
a_wrong_method_is_told_the_right_ones(void **state) {
    (void)state;
    struct answer answer;
    fixture_ask(f, "DELETE /v1/clients HTTP/1.1\r\n" HOST "\r\n", &answer);
    assert_int_equal(answer.status, 405);
    has(&answer, "Allow: GET, HEAD, POST\r\n");
}

static void
a_missing_key_gets_401_and_a_wrong_role_403(void **state) {
    (void)state;
    int64_t before = sid_metric_get(SID_M_AUTH_REFUSED);
    struct answer answer;
    fixture_post(f, "", "/v1/verifications", QUESTION, &answer);
    assert_int_equal(answer.status, 401);
    has(&answer, "WWW-Authenticate: Bearer realm=\"smartid\"\r\n");
    fixture_post(f, "sidk_nonsense", "/v1/verifications", QUESTION, &answer);
    assert_int_equal(answer.status, 401);
    fixture_post(f, f->app_key, "/v1/verifications", QUESTION, &answer);
    assert_int_equal(answer.status, 403);
    fixture_post(f, f->clerk_key, "/v1/verifications", QUESTION, &answer);
    assert_int_equal(answer.status, 200);
    assert_non_null(
        strstr(answer.body, "\"valid\":false,\"reason\":\"not_valid\""));
    assert_int_equal(sid_metric_get(SID_M_AUTH_REFUSED), before + 3);
}

static void
a_head_with_two_readings_is_refused_and_closed(void **state) {
    (void)state;
    static const char *const bad[] = {
        "GET /healthz HTTP/1.1\r\n\r\n", /* no Host */
        GET HOST "\r\n",
        GET "X-A : a\r\n\r\n",
        GET "X-A: a\r\n b\r\n\r\n",
        GET "X-A: a\nX-B: b\r\n\r\n",
        GET "X-A: a\r\n\n",
        GET "X-A: a\x01\r\n\r\n",
        GET "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        GET "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        GET "Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
        GET "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
        "GET  /healthz HTTP/1.1\r\n" HOST "\r\n",
        "GET /health%7A HTTP/1.1\r\n" HOST "\r\n",
        "GET /healthz%00x HTTP/1.1\r\n" HOST "\r\n",
        "GET http://t/healthz HTTP/1.1\r\n" HOST "\r\n",
        "OPTIONS * HTTP/1.1\r\n" HOST "\r\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct answer answer;
        int fd = fixture_connect(f, false);
        fixture_send(fd, bad[i], strlen(bad[i]));
        fixture_read(fd, &answer, NULL);
        if (answer.status != 400 || !fixture_closed(fd))
            fail_msg("status %d for: %s", answer.status, bad[i]);
        close(fd);
    }
}

static void
a_nul_in_the_head_is_refused_wherever_it_stands(void **state) {
    (void)state;
    static const char first[] =
        "GET /healthz HTTP/1.1\r\nX-A: a\0b\r\n" HOST "\r\n";
    static const char last[] = GET "X-A: a\0\r\n\r\n";
    struct answer answer;
    int fd = fixture_connect(f, false);
    fixture_send(fd, first, sizeof first - 1);
    fixture_read(fd, &answer, NULL);
    assert_int_equal(answer.status, 400);
    close(fd);
    fd = fixture_connect(f, false);
    fixture_send(fd, last, sizeof last - 1);
    fixture_read(fd, &answer, NULL);
    assert_int_equal(answer.status, 400);
    close(fd);
}

static void
a_head_that_is_only_unusual_is_taken(void **state) {
    (void)state;
    assert_int_equal(status_of("\r\n" GET "\r\n"), 200);
    assert_int_equal(status_of(GET "X-A:\r\nX-B:   \r\nX-C:c \r\n\r\n"), 200);
    assert_int_equal(status_of(GET "Cookie: a=b; c=d\r\nCookie: e\r\n\r\n"),
                     200);
    assert_int_equal(status_of("GET /healthz HTTP/1.0\r\n\r\n"), 200);
    char request[16384] = GET;
    for (int i = 0; i < 100; i++)
        (void)sprintf(request + strlen(request), "X-%d: %0100d\r\n", i, i);
    strcat(request, "\r\n");
    assert_int_equal(status_of(request), 200);
}

static void
a_query_is_only_taken_where_one_is_known(void **state) {
    (void)state;
    struct answer answer;
    char request[512];
    assert_int_equal(status_of("GET /healthz?a=b HTTP/1.1\r\n" HOST "\r\n"),
                     400);
    static const struct {
        const char *query;
        int status;
        const char *field;
    } cases[] = {
        {"?state=review", 200, NULL},
        {"?state=review&limit=1", 200, NULL},
        {"", 422, "\"field\":\"state\""},
        {"?state=odd", 422, "\"field\":\"state\""},
        {"?state=review&limit=0", 422, "\"field\":\"limit\""},
        {"?state=review&limit=51", 422, "\"field\":\"limit\""},
        {"?state=review&after=enr_1", 422, "\"field\":\"after\""},
        {"?state=review&x=1", 422, "\"field\":\"x\""},
        {"?state=review&state=review", 422, "\"field\":\"state\""},
        {"?state", 422, "\"field\":\"state\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)snprintf(request, sizeof request,
                       "GET /v1/enrollments%s HTTP/1.1\r\n" HOST
                       "Authorization: Bearer %s\r\n\r\n",
                       cases[i].query, f->officer_key);
        fixture_ask(f, request, &answer);
        assert_int_equal(answer.status, cases[i].status);
        if (cases[i].field != NULL)
            assert_non_null(strstr(answer.body, cases[i].field));
    }
}

/* A POST of a verification with these lines instead of type and length. */
static int
post_status(const char *lines, const char *body) {
    static char request[20000];
    (void)snprintf(request, sizeof request,
                   "POST /v1/verifications HTTP/1.1\r\n" HOST
                   "Authorization: Bearer %s\r\n%s\r\n%s",
                   f->clerk_key, lines, body);
    return status_of(request);
}

#define TYPE "Content-Type: application/json\r\n"
static void
a_body_is_judged_by_its_head(void **state) {
    (void)state;
    assert_int_equal(post_status("Content-Length: 2\r\n", "{}"), 415);
    assert_int_equal(
        post_status("Content-Type: text/plain\r\nContent-Length: 2\r\n", "{}"),
        415);
    assert_int_equal(post_status(TYPE, ""), 411);
    assert_int_equal(
        post_status(TYPE "Transfer-Encoding: chunked\r\n", "0\r\n\r\n"), 411);
    char large[SID_JSON_BODY_MAX_BYTES + 2];
    memset(large, ' ', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    assert_int_equal(post_status(TYPE "Content-Length: 16385\r\n", large), 413);
    assert_int_equal(post_status(TYPE "Content-Length: 16384\r\n", large), 400);
    assert_int_equal(post_status(TYPE "Content-Length: 70000\r\n", ""), 413);
    assert_int_equal(post_status(TYPE "Content-Length: 2\r\n", "{}"), 422);
    assert_int_equal(post_status(TYPE "Content-Length: 2\r\n", "[]"), 400);
    assert_int_equal(status_of(GET "Content-Length: 1\r\n\r\nx"), 400);
}

static void
a_refused_short_body_leaves_the_connection_alive(void **state) {
    (void)state;
    struct answer answer;
    int fd = fixture_connect(f, false);
    static const char refused[] =
        "POST /v1/verifications HTTP/1.1\r\n" HOST TYPE
        "Content-Length: 5\r\n\r\nhello" GET "\r\n";
    fixture_send(fd, refused, sizeof refused - 1);
    fixture_read(fd, &answer, NULL);
    assert_int_equal(answer.status, 401);
    assert_false(answer.closed);
    fixture_read(fd, &answer, NULL);
    assert_int_equal(answer.status, 200);
    close(fd);
}

static void
a_client_that_sends_megabytes_still_reads_why_it_was_refused(void **state) {
    (void)state;
    enum { MEGABYTES = 8 };
    char *megabyte = calloc(1, 1 << 20);
    assert_non_null(megabyte);
    for (int round = 0; round < 10; round++) {
        char head[256];
        (void)snprintf(head, sizeof head,
                       "POST /v1/enrollments HTTP/1.1\r\n" HOST
                       "Content-Type: multipart/form-data; boundary=b\r\n"
                       "Content-Length: %d\r\n\r\n",
                       MEGABYTES << 20);
        struct answer answer;
        int fd = fixture_connect(f, false);
        fixture_send(fd, head, strlen(head));
        for (int i = 0; i < MEGABYTES; i++)
            fixture_send(fd, megabyte, 1 << 20);
        fixture_read(fd, &answer, NULL);
        assert_int_equal(answer.status, 401);
        assert_true(answer.closed);
        close(fd);
    }
    free(megabyte);
}

static void
expect_100_is_answered_before_the_body_or_by_the_refusal(void **state) {
    (void)state;
    char head[512];
    struct answer answer;
    int continues = 0;
    int fd = fixture_connect(f, false);
    (void)snprintf(head, sizeof head,
                   "POST /v1/verifications HTTP/1.1\r\n" HOST TYPE
                   "Authorization: Bearer %s\r\nExpect: 100-continue\r\n"
                   "Content-Length: %zu\r\n\r\n",
                   f->clerk_key, strlen(QUESTION));
    fixture_send(fd, head, strlen(head));
    char line[26];
    assert_int_equal(recv(fd, line, 25, MSG_WAITALL), 25);
    line[25] = '\0';
    assert_string_equal(line, "HTTP/1.1 100 Continue\r\n\r\n");
    fixture_send(fd, QUESTION, strlen(QUESTION));
    fixture_read(fd, &answer, &continues);
    assert_int_equal(answer.status, 200);
    close(fd);
    fd = fixture_connect(f, false);
    static const char refused[] =
        "POST /v1/verifications HTTP/1.1\r\n" HOST TYPE
        "Expect: 100-continue\r\nContent-Length: 9\r\n\r\n";
    fixture_send(fd, refused, sizeof refused - 1);
    fixture_read(fd, &answer, &continues);
    assert_int_equal(answer.status, 401);
    assert_int_equal(continues, 0);
    close(fd);
}

static void
pipelined_requests_are_answered_in_order(void **state) {
    (void)state;
    char one[512], all[8192] = "";
    struct answer answer;
    for (int i = 0; i < 10; i++) {
        (void)snprintf(one, sizeof one,
                       "POST /v1/verifications HTTP/1.1\r\n" HOST TYPE
                       "Authorization: Bearer %s\r\nX-Request-Id: p-%d\r\n"
                       "Content-Length: %zu\r\n\r\n" QUESTION GET
                       "X-Request-Id: h-%d\r\n\r\n",
                       f->clerk_key, i, strlen(QUESTION), i);
        strcat(all, one);
    }
    int fd = fixture_connect(f, false);
    fixture_send(fd, all, strlen(all));
    for (int i = 0; i < 20; i++) {
        char id[32];
        (void)snprintf(id, sizeof id, "X-Request-Id: %s-%d\r\n",
                       i % 2 == 0 ? "p" : "h", i / 2);
        fixture_read(fd, &answer, NULL);
        assert_int_equal(answer.status, 200);
        has(&answer, id);
    }
    close(fd);
}

static void
places_are_given_back_when_uploads_are_cut(void **state) {
    (void)state;
    /* The queue has two places; each upload takes one and hangs up. */
    char head[512];
    (void)snprintf(head, sizeof head,
                   "POST /v1/enrollments HTTP/1.1\r\n" HOST
                   "Authorization: Bearer %s\r\nContent-Type: "
                   "multipart/form-data; boundary=b\r\nContent-Length: "
                   "1000\r\n\r\n--b\r\nContent-Disposition: form-data; "
                   "name=\"id_photo\"\r\nContent-Type: image/png\r\n\r\nxxxx",
                   f->app_key);
    for (int i = 0; i < 20; i++) {
        int fd = fixture_connect(f, false);
        fixture_send(fd, head, strlen(head));
        /* The end arrives together with the bytes; that the server hangs up
         * in turn says that it has let go of the request. */
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        struct pollfd end = {.fd = fd, .events = POLLIN};
        while (poll(&end, 1, 10) == 0)
            sid_server_tick(f->server); /* main's, ten times a second */
        assert_true(fixture_closed(fd));
        close(fd);
    }
}

static void
photos_without_a_type_are_refused_by_the_head(void **state) {
    (void)state;
    char request[512];
    (void)snprintf(request, sizeof request,
                   "POST /v1/enrollments HTTP/1.1\r\n" HOST
                   "Authorization: Bearer %s\r\nContent-Length: 1000\r\n"
                   "Expect: 100-continue\r\n\r\n",
                   f->app_key);
    assert_int_equal(status_of(request), 415);
}

static void
a_full_queue_is_told_before_the_body(void **state) {
    (void)state;
    char head[512];
    (void)snprintf(head, sizeof head,
                   "POST /v1/enrollments HTTP/1.1\r\n" HOST
                   "Authorization: Bearer %s\r\nContent-Type: "
                   "multipart/form-data; boundary=b\r\nContent-Length: "
                   "100000\r\nExpect: 100-continue\r\n\r\n",
                   f->app_key);
    int held[2];
    char line[25];
    for (int i = 0; i < 2; i++) {
        held[i] = fixture_connect(f, false);
        fixture_send(held[i], head, strlen(head));
        /* Its 100 says that it has its place. */
        assert_int_equal(recv(held[i], line, sizeof line, MSG_WAITALL), 25);
    }
    struct answer answer;
    int fd = fixture_connect(f, false);
    fixture_send(fd, head, strlen(head));
    fixture_read(fd, &answer, NULL);
    assert_int_equal(answer.status, 503);
    assert_non_null(strstr(answer.body, "\"code\":\"queue_full\""));
    has(&answer, "Retry-After: 2\r\n");
    close(fd);
    close(held[0]);
    close(held[1]);
}

static void
after_quiesce_nobody_new_comes_in_and_the_open_ones_are_closed(void **state) {
    (void)state;
    struct answer answer;
    int fd = fixture_connect(f, false);
    fixture_send(fd, GET "\r\n", strlen(GET "\r\n"));
    fixture_read(fd, &answer, NULL);
    assert_false(answer.closed);
    sid_server_quiesce(f->server);
    fixture_send(fd, "GET /readyz HTTP/1.1\r\n" HOST "\r\n",
                 strlen("GET /readyz HTTP/1.1\r\n" HOST "\r\n"));
    fixture_read(fd, &answer, NULL);
    assert_int_equal(answer.status, 503);
    assert_non_null(strstr(answer.body, "\"ready\":false"));
    assert_true(answer.closed);
    close(fd);
    assert_int_equal(fixture_try_connect(f), ECONNREFUSED);
}

int
main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(open_endpoints_answer_anybody),
        T(every_answer_has_its_headers_and_none_names_the_server),
        T(a_problem_document_tells_code_status_and_request),
        T(a_wrong_method_is_told_the_right_ones),
        T(a_missing_key_gets_401_and_a_wrong_role_403),
        T(a_head_with_two_readings_is_refused_and_closed),
        T(a_nul_in_the_head_is_refused_wherever_it_stands),
        T(a_head_that_is_only_unusual_is_taken),
        T(a_query_is_only_taken_where_one_is_known),
        T(a_body_is_judged_by_its_head),
        T(a_refused_short_body_leaves_the_connection_alive),
        T(a_client_that_sends_megabytes_still_reads_why_it_was_refused),
        T(expect_100_is_answered_before_the_body_or_by_the_refusal),
        T(pipelined_requests_are_answered_in_order),
        T(places_are_given_back_when_uploads_are_cut),
        T(photos_without_a_type_are_refused_by_the_head),
        T(a_full_queue_is_told_before_the_body),
        T(after_quiesce_nobody_new_comes_in_and_the_open_ones_are_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
