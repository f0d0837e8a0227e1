/* test_session.c: the table of sessions, and what a cookie and an origin are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../src/http/cookie.h"
#include "../../../src/http/session.h"
#include "../../fuzz/each_fails.h"
#include "smartid/text.h"

#define LIFE_S 1000
#define IDLE_S 100

static struct sid_sessions *sessions;

static int
setup(void **state) {
    (void)state;
    return sid_sessions_new(&sessions) == SID_OK ? 0 : -1;
}

static int
teardown(void **state) {
    (void)state;
    sid_sessions_free(&sessions);
    return sessions == NULL ? 0 : -1;
}

static struct sid_session_times
at(int64_t now_s) {
    return (struct sid_session_times){now_s, IDLE_S};
}

static enum sid_err
open_one(const char *client, bool applicant, int64_t now_s,
         char cookie[SID_SESSION_COOKIE_SIZE]) {
    struct sid_session who = {.kind = applicant ? SID_SESSION_APPLICANT
                                                : SID_SESSION_KEY,
                              .ends_at_s = now_s + LIFE_S};
    const struct sid_session_times times = at(now_s);
    (void)snprintf(who.client_id, sizeof who.client_id, "%s", client);
    return sid_session_open(sessions, &who, &times, cookie);
}

static enum sid_err
open_holder(uint8_t person, int64_t now_s,
            char cookie[SID_SESSION_COOKIE_SIZE]) {
    struct sid_session who = {.kind = SID_SESSION_HOLDER,
                              .holder_hash = {person},
                              .ends_at_s = now_s + LIFE_S};
    const struct sid_session_times times = at(now_s);
    return sid_session_open(sessions, &who, &times, cookie);
}

static enum sid_err
find(const char *cookie, int64_t now_s, struct sid_session *out) {
    const struct sid_session_times times = at(now_s);
    return sid_session_find(sessions, cookie, &times, out);
}

static bool
lives(const char *cookie, int64_t now_s) {
    struct sid_session ignored;
    return find(cookie, now_s, &ignored) == SID_OK;
}

static void
a_session_is_found_by_its_cookie(void **state) {
    (void)state;
    char one[SID_SESSION_COOKIE_SIZE], two[SID_SESSION_COOKIE_SIZE];
    struct sid_session found;
    assert_int_equal(open_one("cli_one", false, 10, one), SID_OK);
    assert_int_equal(open_one("cli_two", true, 10, two), SID_OK);
    assert_int_equal(strlen(one), SID_SESSION_COOKIE_CHARS);
    assert_true(sid_base32_clean(one, strlen(one)));
    assert_string_not_equal(one, two);
    assert_int_equal(find(one, 20, &found), SID_OK);
    assert_string_equal(found.client_id, "cli_one");
    assert_int_equal(found.kind, SID_SESSION_KEY);
    assert_int_equal(found.ends_at_s, 10 + LIFE_S);
    assert_int_equal(found.seen_at_s, 20);
    assert_int_equal(find(two, 20, &found), SID_OK);
    assert_int_equal(found.kind, SID_SESSION_APPLICANT);
}

static void
another_cookie_finds_nothing(void **state) {
    (void)state;
    char one[SID_SESSION_COOKIE_SIZE];
    struct sid_session kept;
    memset(&kept, 0x55, sizeof kept);
    struct sid_session before = kept;
    assert_int_equal(open_one("cli_one", false, 10, one), SID_OK);
    one[51] = one[51] == '0' ? '1' : '0';
    assert_int_equal(find(one, 10, &kept), SID_E_UNAUTHENTICATED);
    assert_memory_equal(&kept, &before, sizeof kept);
}

static void
a_session_ends_when_nothing_is_done(void **state) {
    (void)state;
    char one[SID_SESSION_COOKIE_SIZE];
    assert_int_equal(open_one("cli_one", false, 0, one), SID_OK);
    assert_true(lives(one, IDLE_S - 1));
    assert_true(lives(one, 2 * IDLE_S - 2));
    assert_false(lives(one, 3 * IDLE_S - 2));
    assert_false(lives(one, 2 * IDLE_S - 1)); /* and it is gone */
}

static void
a_session_ends_whatever_is_done(void **state) {
    (void)state;
    char one[SID_SESSION_COOKIE_SIZE];
    assert_int_equal(open_one("cli_one", false, 0, one), SID_OK);
    for (int64_t now_s = 0; now_s < LIFE_S; now_s += IDLE_S - 1)
        assert_true(lives(one, now_s));
    assert_true(lives(one, LIFE_S - 1));
    assert_false(lives(one, LIFE_S));
}

static void
a_session_that_was_closed_is_gone_and_others_stay(void **state) {
    (void)state;
    static char all[300][SID_SESSION_COOKIE_SIZE];
    for (size_t i = 0; i < 300; i++)
        assert_int_equal(open_one("cli_one", false, 0, all[i]), SID_OK);
    for (size_t i = 0; i < 300; i += 2)
        assert_int_equal(sid_session_close(sessions, all[i]), SID_OK);
    for (size_t i = 0; i < 300; i++)
        assert_int_equal(lives(all[i], 1), i % 2 == 1);
    assert_int_equal(sid_session_close(sessions, all[0]), SID_OK);
}

/* Fills what is free with sessions of this client. */
static void
fill(size_t count, const char *client, bool applicant, int64_t now_s) {
    char ignored[SID_SESSION_COOKIE_SIZE];
    for (size_t i = 0; i < count; i++)
        assert_int_equal(open_one(client, applicant, now_s, ignored), SID_OK);
}

static void
who_leaves_a_chat_leaves_every_page_and_nobody_else_does(void **state) {
    (void)state;
    static const struct {
        enum sid_session_kind kind;
        const char *account, *openid;
        bool stays;
    } rows[] = {
        {SID_SESSION_HOLDER, "city", "oONE", false},
        {SID_SESSION_APPLICANT, "city", "oONE", false},
        {SID_SESSION_VISITOR, "city", "oONE", false},
        {SID_SESSION_KEY, "city", "oONE", false},
        {SID_SESSION_HOLDER, "city", "oONE2", true},
        {SID_SESSION_HOLDER, "town", "oONE", true},
        {SID_SESSION_KEY, "", "", true},
    };
    enum { N = sizeof rows / sizeof rows[0] };
    char cookie[N][SID_SESSION_COOKIE_SIZE];
    for (size_t i = 0; i < N; i++) {
        struct sid_session who = {.kind = rows[i].kind, .ends_at_s = LIFE_S};
        const struct sid_session_times times = at(10);
        (void)snprintf(who.wechat_account, sizeof who.wechat_account, "%s",
                       rows[i].account);
        (void)snprintf(who.wechat_openid, sizeof who.wechat_openid, "%s",
                       rows[i].openid);
        assert_int_equal(sid_session_open(sessions, &who, &times, cookie[i]),
                         SID_OK);
    }
    sid_session_close_chat(sessions, "city", "");
    sid_session_close_chat(sessions, "city", "oONE");
    for (size_t i = 0; i < N; i++)
        assert_int_equal(lives(cookie[i], 11), rows[i].stays);
}

static void
in_a_full_table_what_is_over_makes_room_first(void **state) {
    (void)state;
    char applicant[SID_SESSION_COOKIE_SIZE], one[SID_SESSION_COOKIE_SIZE];
    fill(SID_SESSIONS_MAX - 1, "cli_other", false, 0);
    assert_int_equal(open_one("cli_page", true, 50, applicant), SID_OK);
    assert_int_equal(open_one("cli_one", false, IDLE_S, one), SID_OK);
    assert_true(lives(applicant, IDLE_S));
    assert_true(lives(one, IDLE_S));
    fill(SID_SESSIONS_MAX - 2, "cli_one", false, IDLE_S);
    assert_true(lives(applicant, IDLE_S));
}

static void
then_the_applicant_seen_longest_ago_goes(void **state) {
    (void)state;
    char old[SID_SESSION_COOKIE_SIZE], older[SID_SESSION_COOKIE_SIZE];
    char same[SID_SESSION_COOKIE_SIZE], next[SID_SESSION_COOKIE_SIZE];
    assert_int_equal(open_one("cli_one", false, 0, same), SID_OK);
    assert_int_equal(open_one("cli_page", true, 1, older), SID_OK);
    assert_int_equal(open_one("cli_page", true, 1, old), SID_OK);
    fill(SID_SESSIONS_MAX - 3, "cli_other", false, 3);
    assert_true(lives(old, 2));
    assert_int_equal(open_one("cli_one", false, 4, next), SID_OK);
    assert_false(lives(older, 4));
    assert_true(lives(old, 4));
    assert_true(lives(same, 4));
    assert_true(lives(next, 4));
    /* Newcomers of that kind, too, displace nobody else. */
    assert_int_equal(open_one("cli_page", true, 5, next), SID_OK);
    assert_false(lives(old, 5));
    assert_true(lives(same, 5));
}

static void
then_one_of_the_same_client(void **state) {
    (void)state;
    char old[SID_SESSION_COOKIE_SIZE], next[SID_SESSION_COOKIE_SIZE];
    char other[SID_SESSION_COOKIE_SIZE];
    assert_int_equal(open_one("cli_other", false, 0, other), SID_OK);
    assert_int_equal(open_one("cli_one", false, 1, old), SID_OK);
    fill(SID_SESSIONS_MAX - 2, "cli_one", false, 2);
    assert_int_equal(open_one("cli_one", false, 3, next), SID_OK);
    assert_false(lives(old, 3));
    assert_true(lives(other, 3));
    assert_true(lives(next, 3));
}

/* Not the one that was opened first. */
static void
of_one_client_the_one_goes_that_was_seen_longest_ago(void **state) {
    (void)state;
    char used[SID_SESSION_COOKIE_SIZE], left[SID_SESSION_COOKIE_SIZE];
    char next[SID_SESSION_COOKIE_SIZE];
    assert_int_equal(open_one("cli_one", false, 0, used), SID_OK);
    assert_int_equal(open_one("cli_one", false, 1, left), SID_OK);
    fill(SID_SESSIONS_MAX - 2, "cli_other", false, 2);
    assert_true(lives(used, 3));
    assert_int_equal(open_one("cli_one", false, 4, next), SID_OK);
    assert_false(lives(left, 4));
    assert_true(lives(used, 4));
}

static void
who_has_come_out_of_a_chat_goes_before_a_key_but_not_for_an_applicant(
    void **state) {
    (void)state;
    char next[SID_SESSION_COOKIE_SIZE], visitor[SID_SESSION_COOKIE_SIZE];
    const struct sid_session who = {.kind = SID_SESSION_VISITOR,
                                    .ends_at_s = LIFE_S};
    const struct sid_session_times times = at(0);
    assert_int_equal(sid_session_open(sessions, &who, &times, visitor), SID_OK);
    fill(SID_SESSIONS_MAX - 1, "cli_other", false, 1);
    assert_int_equal(open_one("cli_page", true, 2, next), SID_E_QUEUE_FULL);
    assert_true(lives(visitor, 2));
    assert_int_equal(open_one("cli_one", false, 2, next), SID_OK);
    assert_false(lives(visitor, 2));
}

static void
a_table_full_of_others_takes_nobody(void **state) {
    (void)state;
    char next[SID_SESSION_COOKIE_SIZE] = "kept";
    fill(SID_SESSIONS_MAX, "cli_other", false, 0);
    assert_int_equal(open_one("cli_one", false, 1, next), SID_E_QUEUE_FULL);
    assert_int_equal(open_one("cli_other", true, 1, next), SID_E_QUEUE_FULL);
    assert_string_equal(next, "kept");
}

static void
a_holder_displaces_their_own_session_first(void **state) {
    (void)state;
    char old[SID_SESSION_COOKIE_SIZE], other[SID_SESSION_COOKIE_SIZE];
    char applicant[SID_SESSION_COOKIE_SIZE], next[SID_SESSION_COOKIE_SIZE];
    assert_int_equal(open_holder(2, 0, other), SID_OK);
    assert_int_equal(open_one("cli_page", true, 0, applicant), SID_OK);
    assert_int_equal(open_holder(1, 1, old), SID_OK);
    fill(SID_SESSIONS_MAX - 3, "cli_other", false, 2);
    assert_int_equal(open_holder(1, 3, next), SID_OK);
    assert_false(lives(old, 3));
    assert_true(lives(other, 3));
    assert_true(lives(applicant, 3));
    assert_true(lives(next, 3));
}

static void
then_an_applicants_and_then_any_holders(void **state) {
    (void)state;
    char one[SID_SESSION_COOKIE_SIZE], applicant[SID_SESSION_COOKIE_SIZE];
    char next[SID_SESSION_COOKIE_SIZE], key[SID_SESSION_COOKIE_SIZE];
    assert_int_equal(open_one("cli_one", false, 0, key), SID_OK);
    assert_int_equal(open_holder(1, 1, one), SID_OK);
    assert_int_equal(open_one("cli_page", true, 1, applicant), SID_OK);
    fill(SID_SESSIONS_MAX - 3, "cli_other", false, 2);
    assert_int_equal(open_holder(2, 3, next), SID_OK);
    assert_false(lives(applicant, 3));
    assert_true(lives(one, 3));
    /* Who is nobody yet displaces no person. */
    assert_int_equal(open_one("cli_page", true, 4, applicant),
                     SID_E_QUEUE_FULL);
    assert_int_equal(open_one("cli_new", false, 5, applicant), SID_OK);
    assert_false(lives(one, 5));
    assert_true(lives(next, 5));
    assert_true(lives(key, 5));
}

static void
applicants_of_one_source_are_counted_together(void **state) {
    (void)state;
    struct sid_address one, other;
    int64_t left_s = 0;
    assert_int_equal(sid_address_parse("192.0.2.1", 9, &one), SID_OK);
    assert_int_equal(sid_address_parse("192.0.2.2", 9, &other), SID_OK);
    for (int i = 0; i < 3; i++)
        assert_true(sid_session_applicant_may(sessions, &one, 3, 10, &left_s));
    assert_false(sid_session_applicant_may(sessions, &one, 3, 20, &left_s));
    assert_int_equal(left_s, 50);
    assert_true(sid_session_applicant_may(sessions, &other, 3, 20, &left_s));
    assert_true(sid_session_applicant_may(sessions, &one, 0, 20, &left_s));
    assert_true(sid_session_applicant_may(sessions, &one, 3, 70, &left_s));
}

static enum sid_err
begin_open_and_close(void) {
    struct sid_sessions *mine = sessions;
    char cookie[SID_SESSION_COOKIE_SIZE] = "";
    sessions = NULL;
    enum sid_err err = sid_sessions_new(&sessions);
    assert_true((err == SID_OK) == (sessions != NULL));
    if (err == SID_OK)
        err = open_one("cli_1", false, 0, cookie);
    assert_true((err == SID_OK) == (cookie[0] != '\0'));
    if (err == SID_OK)
        err = sid_session_close(sessions, cookie);
    sid_sessions_free(&sessions);
    sid_sessions_free(&sessions); /* NULL is fine */
    sessions = mine;
    return err;
}

static void
each_call_that_fails_opens_no_session(void **state) {
    (void)state;
    each_call_fails(begin_open_and_close);
}

static void
the_token_is_the_cookies_own(void **state) {
    (void)state;
    char one[SID_SESSION_COOKIE_SIZE], two[SID_SESSION_COOKIE_SIZE];
    char first[SID_CSRF_SIZE], again[SID_CSRF_SIZE], other[SID_CSRF_SIZE];
    assert_int_equal(open_one("cli_one", false, 0, one), SID_OK);
    assert_int_equal(open_one("cli_one", false, 0, two), SID_OK);
    assert_int_equal(sid_session_csrf(one, first), SID_OK);
    assert_int_equal(sid_session_csrf(one, again), SID_OK);
    assert_int_equal(sid_session_csrf(two, other), SID_OK);
    assert_int_equal(strlen(first), SID_CSRF_CHARS);
    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
    assert_string_not_equal(first, one);
}

#define VALUE "0123456789abcdefghjkmnpqrstvwxyz0123456789abcdefghjk"

static bool
cookie_is(const char *line, bool tls) {
    char out[SID_SESSION_COOKIE_SIZE] = "kept";
    bool found =
        sid_cookie_find(line, tls ? SID_COOKIE_NAME_TLS : SID_COOKIE_NAME, out);
    assert_string_equal(out, found ? VALUE : "kept");
    return found;
}

static void
a_cookie_is_found_among_others(void **state) {
    (void)state;
    assert_true(cookie_is("sid_session=" VALUE, false));
    assert_true(cookie_is("a=b; sid_session=" VALUE "; c=d", false));
    assert_true(cookie_is("a=b;sid_session=" VALUE ";", false));
    assert_true(cookie_is("__Host-sid_session=" VALUE, true));
    assert_true(cookie_is("sid_session=x; __Host-sid_session=" VALUE, true));
}

static void
what_is_no_cookie_of_a_session_is_not_taken(void **state) {
    (void)state;
    static const char *const lines[] = {
        "",
        ";",
        "sid_session",
        "sid_session=",
        "sid_session=" VALUE "0",
        "sid_session=" VALUE " ",
        "sid_session=\"" VALUE "\"",
        "sid_session= " VALUE,
        "xsid_session=" VALUE,
        "sid_session2=" VALUE,
        "SID_SESSION=" VALUE,
        "a=sid_session=" VALUE,
        "sid_session=" VALUE "; sid_session=" VALUE,
        "sid_session=; sid_session=" VALUE,
        "sid_session=0123456789abcdefghjkmnpqrstvwxyz0123456789abcdefghjI",
        "__Host-sid_session=" VALUE,
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (cookie_is(lines[i], false))
            fail_msg("taken: %s", lines[i]);
    }
    assert_false(cookie_is("sid_session=" VALUE, true));
}

static void
an_origin_is_the_host_that_is_asked(void **state) {
    (void)state;
    static const struct {
        const char *origin, *host;
        bool plain, tls;
    } cases[] = {
        {"https://a.example", "a.example", true, true},
        {"https://a.example", "a.example:443", true, true},
        {"https://a.example:443", "a.example", true, true},
        {"HTTPS://A.example", "a.EXAMPLE", true, true},
        {"https://a.example:8443", "a.example:8443", true, true},
        {"https://[::1]:8443", "[::1]:8443", true, true},
        {"https://[::1]", "[::1]", true, true},
        {"http://a.example", "a.example", true, false},
        {"http://a.example", "a.example:80", true, false},
        {"http://a.example:443", "a.example", false, false},
        {"https://a.example:8443", "a.example", false, false},
        {"https://a.example", "a.example:80", false, false},
        {"https://b.example", "a.example", false, false},
        {"https://a.example.b", "a.example", false, false},
        {"https://b.a.example", "a.example", false, false},
        {"https://", "", false, false},
        {"https://a.example/", "a.example", false, false},
        {"https://a.example@b", "a.example", false, false},
        {"null", "a.example", false, false},
        {"", "", false, false},
        {"a.example", "a.example", false, false},
        {"ftp://a.example", "a.example", false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (sid_origin_is_host(cases[i].origin, cases[i].host, false) !=
                cases[i].plain ||
            sid_origin_is_host(cases[i].origin, cases[i].host, true) !=
                cases[i].tls)
            fail_msg("%s of %s", cases[i].origin, cases[i].host);
    }
}

int
main(void) {
    if (sid_crypto_init() != SID_OK)
        return EXIT_FAILURE;
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_session_is_found_by_its_cookie),
        TEST(another_cookie_finds_nothing),
        TEST(a_session_ends_when_nothing_is_done),
        TEST(a_session_ends_whatever_is_done),
        TEST(a_session_that_was_closed_is_gone_and_others_stay),
        TEST(who_leaves_a_chat_leaves_every_page_and_nobody_else_does),
        TEST(in_a_full_table_what_is_over_makes_room_first),
        TEST(then_the_applicant_seen_longest_ago_goes),
        TEST(then_one_of_the_same_client),
        TEST(of_one_client_the_one_goes_that_was_seen_longest_ago),
        TEST(
            who_has_come_out_of_a_chat_goes_before_a_key_but_not_for_an_applicant),
        TEST(a_table_full_of_others_takes_nobody),
        TEST(a_holder_displaces_their_own_session_first),
        TEST(then_an_applicants_and_then_any_holders),
        TEST(applicants_of_one_source_are_counted_together),
        TEST(each_call_that_fails_opens_no_session),
        TEST(the_token_is_the_cookies_own),
        cmocka_unit_test(a_cookie_is_found_among_others),
        cmocka_unit_test(what_is_no_cookie_of_a_session_is_not_taken),
        cmocka_unit_test(an_origin_is_the_host_that_is_asked),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sid_crypto_fini();
    return failed;
}
