/* Tests of a session's ladder of refusals, called as an io thread does: what a
 * browser cannot be made to send, and every call that can fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sched.h>

#include "../../../src/http/cookie.h"
#include "../../../src/http/request.h"
#include "../../../src/http/server_priv.h"
#include "../../fuzz/each_fails.h"
#include "fixture.h"

static struct fixture *f;
static struct sid_request *req;
static struct sid_session who;
static char header[256], token[SID_CSRF_SIZE];

/* As the pages are set by these; "on" or "off". */
static void
set_pages(const char *scan, const char *console) {
    struct sid_config_problem problem;
    struct sid_page_set *pages = NULL;
    (void)snprintf(f->config.page_scan, sizeof f->config.page_scan, "%s", scan);
    (void)snprintf(f->config.page_console, sizeof f->config.page_console, "%s",
                   console);
    assert_int_equal(
        sid_server_read_pages(f->server, &f->config, &problem, &pages), SID_OK);
    sid_server_take_pages(f->server, &pages);
    sid_server_drop_pages(&pages);
}

static enum sid_err
open_session(void) {
    const struct sid_session_times times = {sid_app_now_s(f->app), 1800};
    char cookie[SID_SESSION_COOKIE_SIZE];
    who.ends_at_s = times.now_s + 3600;
    enum sid_err err =
        sid_session_open(f->server->sessions, &who, &times, cookie);
    if (err == SID_OK)
        err = sid_session_csrf(cookie, token);
    if (err == SID_OK)
        (void)snprintf(header, sizeof header, "%s=%s", SID_COOKIE_NAME, cookie);
    return err;
}

static int
setup(void **state) {
    (void)state;
    f = fixture_new();
    set_pages("on", "on");
    who = (struct sid_session){.kind = SID_SESSION_KEY};
    (void)snprintf(who.client_id, sizeof who.client_id, "cli_%026d", 2);
    assert_int_equal(open_session(), SID_OK);
    req = calloc(1, sizeof *req);
    assert_non_null(req);
    req->door = &f->server->tcp[0];
    req->method = SID_METHOD_POST;
    req->head.host = "t";
    req->head.cookie = header;
    req->head.csrf_token = token;
    return 0;
}

static int
teardown(void **state) {
    (void)state;
    free(req);
    fixture_free(f);
    return 0;
}

static enum sid_err
judge(void) {
    static const struct sid_address from = {.bytes = {127, 0, 0, 1}};
    const struct sid_attempt attempt = {.from = &from, .route = "/v1/x"};
    return sid_session_judge(req, &attempt);
}

static void
a_clerk_with_the_token_is_the_clerk(void **state) {
    (void)state;
    assert_int_equal(judge(), SID_OK);
    assert_int_equal(req->caller.role, SID_ROLE_CLERK);
    assert_string_equal(req->session.client_id, who.client_id);
}

static void
without_a_cookie_nobody_is_signed_in(void **state) {
    (void)state;
    req->head.cookie = NULL;
    assert_int_equal(judge(), SID_E_UNAUTHENTICATED);
    req->head.cookie = "another=1";
    assert_int_equal(judge(), SID_E_UNAUTHENTICATED);
}

static void
an_origin_without_a_host_is_somebody_elses(void **state) {
    (void)state;
    req->head.origin = "http://t";
    assert_int_equal(judge(), SID_OK);
    req->head.host = NULL;
    assert_int_equal(judge(), SID_E_ORIGIN);
    req->head.host = "other";
    assert_int_equal(judge(), SID_E_ORIGIN);
}

static void
a_change_needs_the_token_and_looking_does_not(void **state) {
    (void)state;
    char wrong[SID_CSRF_SIZE], longer[SID_CSRF_SIZE + 1];
    memcpy(wrong, token, sizeof wrong);
    wrong[0] = wrong[0] == 'A' ? 'B' : 'A';
    (void)snprintf(longer, sizeof longer, "%sx", token);
    const char *const none[] = {NULL, "", "short", longer};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        req->head.csrf_token = none[i];
        assert_int_equal(judge(), SID_E_CSRF);
    }
    req->head.csrf_token = wrong;
    assert_int_equal(judge(), SID_E_CSRF);
    req->method = SID_METHOD_GET;
    assert_int_equal(judge(), SID_OK);
    req->method = SID_METHOD_HEAD;
    assert_int_equal(judge(), SID_OK);
}

static void
whose_page_was_switched_off_is_signed_out_for_good(void **state) {
    (void)state;
    set_pages("off", "on");
    assert_int_equal(judge(), SID_E_UNAUTHENTICATED);
    set_pages("on", "on");
    assert_int_equal(judge(), SID_E_UNAUTHENTICATED);
}

static void
a_session_of_a_key_that_was_revoked_ends(void **state) {
    (void)state;
    sid_keyset_revoke(f->keyset, who.client_id);
    assert_int_equal(judge(), SID_E_UNAUTHENTICATED);
    assert_int_equal(judge(), SID_E_UNAUTHENTICATED);
}

static void
who_fails_too_often_waits_and_the_session_ends_all_the_same(void **state) {
    (void)state;
    f->config.auth_failures_per_minute = 1;
    enum sid_err err =
        sid_app_reload(f->app, &f->config, sid_app_purposes(f->app));
    assert_int_equal(err, SID_OK);
    while (!sid_app_reloaded(f->app, &err))
        (void)sched_yield();
    assert_int_equal(err, SID_OK);
    sid_keyset_revoke(f->keyset, who.client_id);
    assert_int_equal(judge(), SID_E_UNAUTHENTICATED);
    assert_int_equal(open_session(), SID_OK);
    assert_int_equal(judge(), SID_E_RATE);
    assert_true(req->retry_s > 0);
    assert_int_equal(judge(), SID_E_UNAUTHENTICATED); /* it is gone */
}

static void
each_role_and_kind_has_a_page(void **state) {
    (void)state;
    /* Officers and admins: the console. */
    (void)snprintf(who.client_id, sizeof who.client_id, "cli_%026d", 3);
    assert_int_equal(open_session(), SID_OK);
    set_pages("off", "on");
    assert_int_equal(judge(), SID_OK);
    assert_int_equal(req->caller.role, SID_ROLE_OFFICER);
    /* Who has come out of a chat, and is nobody yet: the scanner's. */
    who = (struct sid_session){.kind = SID_SESSION_VISITOR};
    assert_int_equal(open_session(), SID_OK);
    assert_int_equal(judge(), SID_E_UNAUTHENTICATED);
    set_pages("on", "on");
    assert_int_equal(open_session(), SID_OK);
    assert_int_equal(judge(), SID_OK);
    assert_int_equal(req->caller.role, SID_ROLE_NONE);
    assert_false(req->caller.has_holder_secret);
    /* A holder: the card's, or enrolling's; both are off here. */
    who = (struct sid_session){.kind = SID_SESSION_HOLDER};
    assert_int_equal(open_session(), SID_OK);
    assert_int_equal(judge(), SID_E_UNAUTHENTICATED);
    (void)snprintf(who.credential_id, sizeof who.credential_id, "crd_x");
    assert_int_equal(open_session(), SID_OK);
    assert_int_equal(judge(), SID_E_UNAUTHENTICATED);
    (void)snprintf(f->config.page_card, sizeof f->config.page_card, "on");
    set_pages("on", "on");
    assert_int_equal(open_session(), SID_OK);
    assert_int_equal(judge(), SID_OK);
    assert_int_equal(req->caller.role, SID_ROLE_HOLDER);
    assert_true(req->caller.has_holder_secret);
}

static void
each_call_that_fails_lets_nobody_in(void **state) {
    (void)state;
    each_call_fails(judge);
}

/* Also the calls that write down why, and that end it. */
static void
each_call_that_fails_lets_no_revoked_key_in(void **state) {
    (void)state;
    bool failed = true;
    sid_keyset_revoke(f->keyset, who.client_id);
    for (unsigned n = 1; failed; n++) {
        assert_int_equal(open_session(), SID_OK);
        fuzz_fail_nth(n);
        enum sid_err err = judge();
        failed = fuzz_fail_end();
        assert_true(
            err == SID_E_UNAUTHENTICATED ||
            (failed && (err == SID_E_NO_MEMORY || err == SID_E_CRYPTO)));
    }
}

int
main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_clerk_with_the_token_is_the_clerk),
        T(without_a_cookie_nobody_is_signed_in),
        T(an_origin_without_a_host_is_somebody_elses),
        T(a_change_needs_the_token_and_looking_does_not),
        T(whose_page_was_switched_off_is_signed_out_for_good),
        T(a_session_of_a_key_that_was_revoked_ends),
        T(who_fails_too_often_waits_and_the_session_ends_all_the_same),
        T(each_role_and_kind_has_a_page),
        T(each_call_that_fails_lets_nobody_in),
        T(each_call_that_fails_lets_no_revoked_key_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
