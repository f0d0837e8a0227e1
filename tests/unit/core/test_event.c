/* Which rows of the audit log become events, how they read, and how they are
 * signed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "smartid/event.h"

#define AT_US 1795000000123456 /* 2026-11-18T11:06:40Z */

static struct sid_audit_entry
entry_of(const char *event, const char *subject, const char *outcome,
         const char *detail) {
    struct sid_audit_entry entry = {
        .row = {.seq = 42,
                .at_us = AT_US,
                .event = event,
                .actor = "system",
                .subject = subject,
                .outcome = outcome,
                .detail = detail},
        .intact = true,
    };
    memset(entry.mac, 0xab, sizeof entry.mac);
    return entry;
}

static void
assert_event(struct sid_audit_entry entry, const char *expected) {
    struct sid_buf to = SID_BUF_EMPTY;
    enum sid_event_type type;
    assert_true(sid_event_of(&entry, &type));
    assert_int_equal(sid_event_print(&entry, type, &to), SID_OK);
    assert_int_equal(sid_buf_append(&to, "", 1), SID_OK);
    assert_string_equal((const char *)to.ptr, expected);
    sid_buf_free(&to);
}

static void
assert_no_event(struct sid_audit_entry entry) {
    enum sid_event_type type;
    assert_false(sid_event_of(&entry, &type));
}

#define HEAD(type)                                                             \
    "{\"id\":\"42-abababab\",\"type\":\"" type                                 \
    "\",\"at\":\"2026-11-18T11:06:40Z\","

static void
rows_about_somebody_become_events(void **state) {
    (void)state;
    assert_event(entry_of("enrolment_decided", "enr_1", "rejected",
                          "attempts=1 challenge=none reasons=faces_differ"),
                 HEAD("enrollment.decided") "\"enrollment\":\"enr_1\","
                                            "\"state\":\"rejected\"}");
    assert_event(entry_of("credential_issued", "crd_1", "resident_id",
                          "enrolment=enr_1"),
                 HEAD("credential.changed") "\"credential\":\"crd_1\","
                                            "\"state\":\"active\","
                                            "\"enrollment\":\"enr_1\"}");
    assert_event(
        entry_of("credential_suspended", "crd_1", "suspended", "by=holder"),
        HEAD("credential.changed") "\"credential\":\"crd_1\","
                                   "\"state\":\"suspended\","
                                   "\"by\":\"holder\"}");
    assert_event(entry_of("credential_erased", "crd_1", "request", ""),
                 HEAD("credential.changed") "\"credential\":\"crd_1\","
                                            "\"state\":\"erased\"}");
    assert_event(
        entry_of("credential_recovered", "crd_1", "counter", "reason=lost"),
        HEAD("credential.recovered") "\"credential\":\"crd_1\","
                                     "\"how\":\"counter\"}");
    assert_event(entry_of("recovery_failed", "crd_1", "failed",
                          "failures=2 reasons=faces_differ"),
                 HEAD("credential.recovery_failed") "\"credential\":\"crd_1\","
                                                    "\"failures\":\"2\"}");
    /* A photo that has to be taken again is nobody's attempt. */
    assert_no_event(entry_of("recovery_failed", "crd_1", "retake",
                             "failures=0 reasons=too_dark"));
    assert_event(entry_of("credential_expiring", "crd_1", "soon",
                          "valid_until=2026-12-01T00:00:00Z"),
                 HEAD("credential.expiring") "\"credential\":\"crd_1\","
                                             "\"valid_until\":"
                                             "\"2026-12-01T00:00:00Z\"}");
}

static void
a_check_tells_all_but_who_asked(void **state) {
    (void)state;
    assert_event(entry_of("verification", "crd_1", "valid",
                          "id=ver_1 purpose=hotel_check_in counter=a \"b\" c"),
                 HEAD("credential.checked") "\"credential\":\"crd_1\","
                                            "\"valid\":true,"
                                            "\"verification\":\"ver_1\","
                                            "\"purpose\":\"hotel_check_in\","
                                            "\"counter\":\"a \\\"b\\\" c\"}");
    assert_event(entry_of("verification", "crd_1", "code_expired",
                          "id=ver_1 purpose=bank_account counter="),
                 HEAD("credential.checked") "\"credential\":\"crd_1\","
                                            "\"valid\":false,"
                                            "\"verification\":\"ver_1\","
                                            "\"purpose\":\"bank_account\","
                                            "\"counter\":\"\"}");
    assert_event(entry_of("verification", "crd_1", "could_not_check",
                          "id=ver_1 purpose=bank_account counter="),
                 HEAD("credential.checked") "\"credential\":\"crd_1\","
                                            "\"verification\":\"ver_1\","
                                            "\"purpose\":\"bank_account\","
                                            "\"counter\":\"\"}");
}

/* A fraud is the officers' affair, and so is why something was revoked. */
static void
reasons_are_not_told(void **state) {
    (void)state;
    assert_event(
        entry_of("credential_revoked", "crd_1", "revoked", "reason=fraud"),
        HEAD("credential.changed") "\"credential\":\"crd_1\","
                                   "\"state\":\"revoked\"}");
}

static void
other_rows_do_not(void **state) {
    (void)state;
    enum sid_event_type type;
    const struct sid_audit_entry others[] = {
        entry_of("enrolment_viewed", "enr_1", "approved", "shown=state"),
        entry_of("authorisation_refused", "route", "expired", ""),
        entry_of("verification", "", "code_mac", "id=ver_1"),
        entry_of("enrolment_decide", "enr_1", "approved", ""),
        entry_of("", "enr_1", "approved", ""),
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(sid_event_of(&others[i], &type));
    struct sid_audit_entry spoilt =
        entry_of("enrolment_decided", "enr_1", "approved", "");
    spoilt.intact = false;
    assert_false(sid_event_of(&spoilt, &type));
}

/* Computed with another program: HMAC-SHA-256 in Python's hmac. */
static void
a_signature_is_an_hmac_over_time_and_body(void **state) {
    (void)state;
    struct sid_mac_key *branch = NULL, *secret = NULL;
    char text[SID_EVENT_SECRET_SIZE], again[SID_EVENT_SECRET_SIZE];
    char signature[SID_EVENT_SIGNATURE_SIZE];
    const uint8_t bytes[SID_KEY_BYTES] = {1, 2, 3};
    assert_int_equal(sid_crypto_init(), SID_OK);
    assert_int_equal(sid_mac_key_new(bytes, &branch), SID_OK);
    assert_int_equal(sid_event_secret(branch, text), SID_OK);
    assert_int_equal(sid_event_secret(branch, again), SID_OK);
    assert_string_equal(text, again);
    assert_string_equal(text, "w6f8yer2339aq96yxepdqfgbxdy5qh78");
    assert_int_equal(sid_mac_key_new((const uint8_t *)text, &secret), SID_OK);
    assert_int_equal(sid_event_sign(secret, 1795000000,
                                    sid_span_str("{\"events\":[]}"), signature),
                     SID_OK);
    assert_string_equal(
        signature,
        "t=1795000000,v1="
        "1ae69e9ca49ae2aef35cc14e1c9ec55dd0772efb1d4d703bd83c381c37c6a6ab");
    sid_mac_key_free(&branch);
    sid_mac_key_free(&secret);
    sid_crypto_fini();
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_about_somebody_become_events),
        cmocka_unit_test(a_check_tells_all_but_who_asked),
        cmocka_unit_test(reasons_are_not_told),
        cmocka_unit_test(other_rows_do_not),
        cmocka_unit_test(a_signature_is_an_hmac_over_time_and_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
