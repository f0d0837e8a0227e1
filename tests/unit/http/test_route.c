/* test_route.c: the route table: what matches, and every cell of who may. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../src/http/api.h"
#include "../../../src/http/route.h"

#define N SID_ROLE_NONE
#define H SID_ROLE_HOLDER
#define A SID_ROLE_APP
#define C SID_ROLE_CLERK
#define O SID_ROLE_OFFICER
#define M SID_ROLE_ADMIN
#define OPEN SID_ROUTE_OPEN
#define CONTROL SID_ROUTE_CONTROL
#define P SID_ROUTE_APPLICANT

/* The matrix, written down a second time: issue 1 part B, issue 2 part B. */
static const struct {
    enum sid_method method;
    const char *path;
    unsigned any; /* role bits; OPEN: everybody, without a key as well */
    unsigned own;
    enum sid_body_kind body;
} matrix[] = {
    {SID_METHOD_POST, "/v1/verifications", C, N, SID_BODY_JSON},
    {SID_METHOD_POST, "/v1/verifications/batch", C, N, SID_BODY_JSON},
    {SID_METHOD_POST, "/v1/enrollments", A | P, N, SID_BODY_MULTIPART},
    {SID_METHOD_POST, "/v1/counter/enrollments", O, N, SID_BODY_JSON},
    {SID_METHOD_POST, "/v1/challenges", A | P, N, SID_BODY_JSON},
    {SID_METHOD_GET, "/v1/enrollments", O, N, SID_BODY_NONE},
    {SID_METHOD_GET, "/v1/enrollments/enr_1", O, A | H, SID_BODY_NONE},
    {SID_METHOD_DELETE, "/v1/enrollments/enr_1", O, H, SID_BODY_NOTHING},
    {SID_METHOD_POST, "/v1/enrollments/enr_1/decision", O, N, SID_BODY_JSON},
    {SID_METHOD_POST, "/v1/enrollments/enr_1/appeal", N, A | H,
     SID_BODY_APPEAL},
    {SID_METHOD_GET, "/v1/enrollments/enr_1/photos/selfie", O, N,
     SID_BODY_NONE},
    {SID_METHOD_GET, "/v1/credentials/crd_1", O, A | H, SID_BODY_NONE},
    {SID_METHOD_GET, "/v1/credentials/crd_1/code", N, A | H, SID_BODY_NONE},
    {SID_METHOD_POST, "/v1/credentials/crd_1/suspend", O, A | H,
     SID_BODY_NOTHING},
    {SID_METHOD_POST, "/v1/credentials/crd_1/resume", O, A | H,
     SID_BODY_NOTHING},
    {SID_METHOD_POST, "/v1/credentials/crd_1/revoke", O, A | H, SID_BODY_JSON},
    {SID_METHOD_POST, "/v1/credentials/crd_1/issue", O, A, SID_BODY_JSON},
    {SID_METHOD_POST, "/v1/credentials/crd_1/upgrade", O, N, SID_BODY_JSON},
    {SID_METHOD_POST, "/v1/credentials/crd_1/recover", O, A, SID_BODY_RECOVERY},
    {SID_METHOD_GET, "/v1/verifications/ver_1/portrait", N, C, SID_BODY_NONE},
    {SID_METHOD_POST, "/v1/verifications/ver_1/face", N, C, SID_BODY_FACE},
    {SID_METHOD_GET, "/v1/credentials/crd_1/checks", N, A | H, SID_BODY_NONE},
    {SID_METHOD_POST, "/v1/verifications/ver_1/dispute", N, H, SID_BODY_JSON},
    {SID_METHOD_GET, "/v1/disputes", O, N, SID_BODY_NONE},
    {SID_METHOD_POST, "/v1/disputes/dsp_1/settle", O, N, SID_BODY_JSON},
    {SID_METHOD_POST, "/v1/clients", M, N, SID_BODY_JSON},
    {SID_METHOD_GET, "/v1/clients", M, N, SID_BODY_NONE},
    {SID_METHOD_POST, "/v1/clients/cli_1/revoke", M, N, SID_BODY_NOTHING},
    {SID_METHOD_GET, "/v1/keys", M, N, SID_BODY_NONE},
    {SID_METHOD_POST, "/v1/keys/rotate", M, N, SID_BODY_JSON},
    {SID_METHOD_POST, "/v1/keys/master", CONTROL, N, SID_BODY_NOTHING},
    {SID_METHOD_GET, "/v1/retention", M, N, SID_BODY_NONE},
    {SID_METHOD_GET, "/v1/audit/report", O | M, N, SID_BODY_NONE},
    {SID_METHOD_POST, "/v1/audit/archive", CONTROL, N, SID_BODY_JSON},
    {SID_METHOD_GET, "/v1/webhook", M, N, SID_BODY_NONE},
    {SID_METHOD_POST, "/v1/webhook/replay", M, N, SID_BODY_JSON},
    {SID_METHOD_POST, "/v1/recoveries", A | P, N, SID_BODY_NUMBER},
    {SID_METHOD_POST, "/v1/credentials/search", O, N, SID_BODY_JSON},
    {SID_METHOD_GET, "/v1/overview", O | M, N, SID_BODY_NONE},
    {SID_METHOD_GET, "/v1/audit", O | M, N, SID_BODY_NONE},
    {SID_METHOD_POST, "/v1/sessions", OPEN, N, SID_BODY_JSON},
    {SID_METHOD_GET, "/v1/sessions", OPEN, N, SID_BODY_NONE},
    {SID_METHOD_DELETE, "/v1/sessions", OPEN, N, SID_BODY_NOTHING},
    {SID_METHOD_GET, "/", OPEN, N, SID_BODY_NONE},
    {SID_METHOD_GET, "/enroll", OPEN, N, SID_BODY_NONE},
    {SID_METHOD_GET, "/card", OPEN, N, SID_BODY_NONE},
    {SID_METHOD_GET, "/scan", OPEN, N, SID_BODY_NONE},
    {SID_METHOD_GET, "/console", OPEN, N, SID_BODY_NONE},
    {SID_METHOD_GET, "/docs", OPEN, N, SID_BODY_NONE},
    {SID_METHOD_GET, "/openapi.json", OPEN, N, SID_BODY_NONE},
    {SID_METHOD_GET, "/sw.js", OPEN, N, SID_BODY_NONE},
    {SID_METHOD_GET, "/manifest.webmanifest", OPEN, N, SID_BODY_NONE},
    {SID_METHOD_GET, "/robots.txt", OPEN, N, SID_BODY_NONE},
    {SID_METHOD_GET, "/web/css/tokens.css", OPEN, N, SID_BODY_NONE},
    {SID_METHOD_GET, "/channels/wechat/city", OPEN, N, SID_BODY_NONE},
    {SID_METHOD_POST, "/channels/wechat/city", OPEN, N, SID_BODY_PUSH},
    {SID_METHOD_GET, "/channels/wechat/city/enter", OPEN, N, SID_BODY_NONE},
    {SID_METHOD_GET, "/channels/wechat/city/oauth", OPEN, N, SID_BODY_NONE},
    {SID_METHOD_GET, "/channels/wechat/city/jssdk", OPEN, N, SID_BODY_NONE},
    {SID_METHOD_GET, "/MP_verify_8Qw3.txt", OPEN, N, SID_BODY_NONE},
    {SID_METHOD_POST, "/v1/sessions/wechat", C, N, SID_BODY_NOTHING},
    {SID_METHOD_DELETE, "/v1/sessions/wechat", C, N, SID_BODY_NOTHING},
    {SID_METHOD_GET, "/healthz", OPEN, N, SID_BODY_NONE},
    {SID_METHOD_GET, "/readyz", OPEN, N, SID_BODY_NONE},
    {SID_METHOD_GET, "/metrics", OPEN, N, SID_BODY_NONE},
    {SID_METHOD_GET, "/.well-known/smartid-keys.json", OPEN, N, SID_BODY_NONE},
    {SID_METHOD_GET, "/version", OPEN, N, SID_BODY_NONE},
};
#define ROWS (sizeof matrix / sizeof matrix[0])

static enum sid_err
find(enum sid_method method, const char *path, const struct sid_route **out,
     unsigned *allow) {
    struct sid_path segments;
    return sid_route_find(method, path, out, &segments, allow);
}

static void
every_cell_of_the_role_matrix_is_as_the_issue_says(void **state) {
    (void)state;
    static const unsigned roles[] = {N, H, A, P, C, O, M, M | CONTROL};
    for (size_t i = 0; i < ROWS; i++) {
        const struct sid_route *route = NULL;
        unsigned allow;
        assert_int_equal(find(matrix[i].method, matrix[i].path, &route, &allow),
                         SID_OK);
        assert_int_equal(route->body, matrix[i].body);
        assert_int_equal(route->any, matrix[i].any);
        assert_int_equal(route->own, matrix[i].own);
        for (size_t r = 0; r < sizeof roles / sizeof roles[0]; r++) {
            unsigned may = matrix[i].any | matrix[i].own;
            bool allowed = may == OPEN || (may & roles[r]) != 0;
            assert_int_equal(sid_route_allows(route, roles[r]), allowed);
        }
    }
}

static void
a_row_that_names_nobody_lets_nobody_in(void **state) {
    (void)state;
    static const unsigned roles[] = {N, H, A, P, C, O, M, M | CONTROL};
    const struct sid_route row = {.method = SID_METHOD_GET};
    for (size_t r = 0; r < sizeof roles / sizeof roles[0]; r++)
        assert_false(sid_route_allows(&row, roles[r]));
    assert_false(sid_route_open(&row));
}

static void
nobody_owns_where_there_is_no_object(void **state) {
    (void)state;
    for (size_t i = 0; i < sid_routes_count; i++) {
        const struct sid_route *route = &sid_routes[i];
        assert_int_equal(route->any & route->own & 0xffu, 0);
        if (route->own != 0)
            assert_non_null(route->id_prefix);
    }
}

static void
the_table_has_no_route_that_the_matrix_does_not_know(void **state) {
    (void)state;
    assert_int_equal(sid_routes_count, ROWS);
    for (size_t i = 0; i < sid_routes_count; i++) {
        const struct sid_route *first = NULL;
        unsigned allow;
        size_t hits = 0;
        for (size_t k = 0; k < ROWS; k++) {
            assert_int_equal(
                find(matrix[k].method, matrix[k].path, &first, &allow), SID_OK);
            hits += first == &sid_routes[i];
        }
        assert_int_equal(hits, 1);
    }
}

static void
every_route_can_prepare_and_finish(void **state) {
    (void)state;
    for (size_t i = 0; i < sid_routes_count; i++) {
        const struct sid_handler *handler = sid_routes[i].handler;
        assert_non_null(handler->prepare);
        assert_non_null(handler->finish);
        /* Only open routes answer without a flow; of these only some that
         * change something, or have to ask WeChat, have one. */
        bool asks = handler == &sid_api_visit_back || handler == &sid_api_jssdk;
        if (handler->start == NULL)
            assert_int_equal(sid_routes[i].any, OPEN);
        else if (sid_routes[i].any == OPEN && !asks)
            assert_int_not_equal(sid_routes[i].method, SID_METHOD_GET);
        bool has_id = strstr(sid_routes[i].pattern, "{id}") != NULL;
        assert_int_equal(has_id, sid_routes[i].id_prefix != NULL);
    }
}

static void
an_unknown_path_is_not_found_whatever_the_method(void **state) {
    (void)state;
    static const char *const paths[] = {
        "//",
        "/v1",
        "/v1/",
        "/v1/enrollments/",
        "/healthz/",
        "/HEALTHZ",
        "//healthz",
        "/v1/enrollments//",
        "/v2/clients",
        "/v1/clients/x",
        "/v1/enrollments/a/b",
        "/v1/enrollments/a/photos",
        "/v1/enrollments/a/photos/",
        "/v1/credentials/a/code/",
        "/v1/verifications/x",
        "/healthzz",
        "/health",
        "/web",
        "/web/",
        "/enroll/",
        "/enroll.html",
    };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        for (int m = SID_METHOD_GET; m <= SID_METHOD_OTHER; m++) {
            const struct sid_route *route = NULL;
            unsigned allow = 99;
            assert_int_equal(find((enum sid_method)m, paths[i], &route, &allow),
                             SID_E_NOT_FOUND);
            assert_null(route);
            assert_int_equal(allow, 0);
        }
    }
}

static void
a_known_path_with_a_wrong_method_names_the_right_ones(void **state) {
    (void)state;
    const struct sid_route *route = NULL;
    unsigned allow;
    assert_int_equal(find(SID_METHOD_GET, "/v1/verifications", &route, &allow),
                     SID_E_METHOD);
    assert_int_equal(allow, 1u << SID_METHOD_POST);
    assert_int_equal(find(SID_METHOD_OTHER, "/v1/clients", &route, &allow),
                     SID_E_METHOD);
    assert_int_equal(allow, 1u << SID_METHOD_GET | 1u << SID_METHOD_HEAD |
                                1u << SID_METHOD_POST);
    assert_int_equal(find(SID_METHOD_POST, "/healthz", &route, &allow),
                     SID_E_METHOD);
    assert_int_equal(allow, 1u << SID_METHOD_GET | 1u << SID_METHOD_HEAD);
    /* A path that is spelled out is no name of something. */
    assert_int_equal(
        find(SID_METHOD_GET, "/v1/credentials/search", &route, &allow),
        SID_E_METHOD);
    assert_int_equal(allow, 1u << SID_METHOD_POST);
    assert_null(route);
}

/* RFC 9110 9.3.2. */
static void
head_is_served_where_get_is(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        const struct sid_route *get = NULL, *head = NULL;
        unsigned allow;
        enum sid_err want = find(SID_METHOD_GET, matrix[i].path, &get, &allow);
        assert_int_equal(find(SID_METHOD_HEAD, matrix[i].path, &head, &allow),
                         want);
        assert_ptr_equal(head, get);
    }
}

static void
the_segments_of_a_path_are_handed_out(void **state) {
    (void)state;
    const struct sid_route *route = NULL;
    struct sid_path path;
    unsigned allow;
    assert_int_equal(sid_route_find(SID_METHOD_GET,
                                    "/v1/enrollments/enr_7/photos/id_photo",
                                    &route, &path, &allow),
                     SID_OK);
    assert_int_equal(path.id_len, 5);
    assert_memory_equal(path.id, "enr_7", 5);
    assert_int_equal(path.photo_len, 8);
    assert_memory_equal(path.photo, "id_photo", 8);
    assert_int_equal(sid_route_find(SID_METHOD_GET,
                                    "/channels/wechat/city-2/oauth", &route,
                                    &path, &allow),
                     SID_OK);
    assert_int_equal(path.account_len, 6);
    assert_memory_equal(path.account, "city-2", 6);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell_of_the_role_matrix_is_as_the_issue_says),
        cmocka_unit_test(a_row_that_names_nobody_lets_nobody_in),
        cmocka_unit_test(nobody_owns_where_there_is_no_object),
        cmocka_unit_test(the_table_has_no_route_that_the_matrix_does_not_know),
        cmocka_unit_test(every_route_can_prepare_and_finish),
        cmocka_unit_test(an_unknown_path_is_not_found_whatever_the_method),
        cmocka_unit_test(a_known_path_with_a_wrong_method_names_the_right_ones),
        cmocka_unit_test(head_is_served_where_get_is),
        cmocka_unit_test(the_segments_of_a_path_are_handed_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
