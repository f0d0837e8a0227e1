/* test_api_audit.c: which pages of the audit log may be asked for, and by whom;
 * a page is whole or none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../src/http/api.h"
#include "../../../src/http/server_priv.h"
#include "../../fuzz/each_fails.h"
#include "fixture.h"

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
ask(const char *key, const char *query) {
    char request[512];
    struct answer answer;
    (void)snprintf(request, sizeof request,
                   "GET /v1/audit%s HTTP/1.1\r\nHost: t\r\nAuthorization: "
                   "Bearer %s\r\nConnection: close\r\n\r\n",
                   query, key);
    fixture_ask(f, request, &answer);
    return answer.status;
}

#define A26 "aaaaaaaaaaaaaaaaaaaaaaaaaa"
#define EVENT_47 "abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstu"

static void
an_admin_asks_for_what_there_is_and_for_nothing_else(void **state) {
    (void)state;
    static const char *const good[] = {
        "",
        "?limit=1",
        "?limit=50&after=3",
        "?event=key_made",
        "?subject=crd_" A26,
        "?subject=enr_" A26,
        "?subject=cli_" A26,
        "?subject=dsp_" A26 "&event=x",
    };
    static const char *const bad[] = {
        "?limit=0",  "?limit=51",         "?limit=x",       "?after=0",
        "?after=x",  "?event=",           "?event=Key",     "?event=" EVENT_47,
        "?subject=", "?subject=ver_" A26, "?subject=crd_a", "?other=1",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(ask(f->admin_key, good[i]), 200);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(ask(f->admin_key, bad[i]) / 100, 4);
}

static void
an_officer_asks_for_one_persons_rows(void **state) {
    (void)state;
    assert_int_equal(ask(f->officer_key, "?subject=crd_" A26), 200);
    assert_int_equal(ask(f->officer_key, "?subject=enr_" A26), 200);
    assert_int_equal(ask(f->officer_key, "?subject=cli_" A26), 403);
    assert_int_equal(ask(f->officer_key, ""), 403);
    assert_int_equal(ask(f->clerk_key, "?subject=crd_" A26), 403);
}

static struct sid_request *req;

static enum sid_err
write_page(void) {
    enum sid_err err = sid_api_audit.finish(req);
    const struct sid_buf *body = &req->answer.body;
    if (err == SID_OK) {
        assert_memory_equal(body->ptr, "{\"rows\":[\"ccc", 13);
        assert_memory_equal(body->ptr + body->len - 13, "a\"],\"next\":7}", 13);
    }
    sid_buf_free(&req->answer.body);
    return err;
}

/* The newest row first, which is not the first in the ring. */
static void
a_page_that_does_not_fit_into_memory_is_none(void **state) {
    (void)state;
    struct sid_buf rows[3] = {SID_BUF_EMPTY, SID_BUF_EMPTY, SID_BUF_EMPTY};
    char text[3001];
    for (int i = 0; i < 3; i++) {
        memset(text, 'a' + i, sizeof text);
        text[0] = text[sizeof text - 1] = '"';
        assert_int_equal(sid_buf_append(&rows[(i + 1) % 3], text, sizeof text),
                         SID_OK);
    }
    req = calloc(1, sizeof *req);
    assert_non_null(req);
    req->u.audit.rows = rows;
    req->u.audit.limit = req->u.audit.count = 3;
    req->u.audit.first = 1;
    req->u.audit.next_seq = 7;
    each_call_fails(write_page);
    for (int i = 0; i < 3; i++)
        sid_buf_free(&rows[i]);
    free(req);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            an_admin_asks_for_what_there_is_and_for_nothing_else, setup,
            teardown),
        cmocka_unit_test_setup_teardown(an_officer_asks_for_one_persons_rows,
                                        setup, teardown),
        cmocka_unit_test(a_page_that_does_not_fit_into_memory_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
