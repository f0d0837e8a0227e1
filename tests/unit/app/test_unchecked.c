/* test_unchecked.c: a check that fails on our account is an error, never an
 * answer about the code: each call inside that can fail does so in turn, and
 * what is stored is spoilt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "smartid/metrics.h"

#include <cmocka.h>

#include "../../../src/app/app_internal.h"
#include "../../fuzz/each_fails.h"

#define PURPOSE "household_registration"

static int
setup(void **state) {
    *state = fixture_new();
    return 0;
}

static int
teardown(void **state) {
    fixture_free(*state);
    return 0;
}

static void
start(void *flow) {
    sid_verify_start(flow);
}

static void
ask(struct sid_verify *verify, const struct fixture *f, const char *code) {
    *verify = (struct sid_verify){
        .purpose = sid_purposes_find(f->clerk.purpose_set, PURPOSE)};
    verify->code_len = strlen(code);
    memcpy(verify->code, code, verify->code_len + 1);
}

/* The check's error, that of its end included. */
static enum sid_err
check(struct fixture *f, struct sid_verify *verify) {
    fixture_run(f, &verify->flow, &f->clerk, start);
    return verify->flow.err == SID_OK ? sid_verify_finish(verify)
                                      : verify->flow.err;
}

static void
a_call_that_fails_never_makes_a_code_not_valid(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit;
    struct sid_verify verify;
    char code[SID_TOKEN_SIZE];
    fixture_enrol(f, &submit, NUMBER_A, 0, 0);
    fixture_code(f, submit.enrolment.credential_id, code);
    int unchecked = 0;
    bool failed = true;
    for (unsigned n = 1; failed; n++) {
        ask(&verify, f, code);
        fuzz_fail_nth(n);
        enum sid_err err = check(f, &verify);
        failed = fuzz_fail_end();
        assert_true(err != SID_OK || verify.valid);
        assert_false(err != SID_OK && !failed);
        unchecked += err != SID_OK;
        sid_verify_fini(&verify);
    }
    assert_true(unchecked > 3);
    sid_enrol_submit_fini(&submit);
}

static void
code_start(void *flow) {
    sid_credential_code_start(flow);
}

static void
live_code(struct fixture *f, const char *credential_id,
          char out[SID_TOKEN_SIZE]) {
    struct sid_credential_code code = {.kind = SID_TOKEN_LIVE};
    memcpy(code.id, credential_id, sizeof code.id);
    fixture_run(f, &code.flow, &f->app_caller, code_start);
    assert_int_equal(code.flow.err, SID_OK);
    assert_int_equal(sid_credential_code_finish(&code), SID_OK);
    memcpy(out, code.code, SID_TOKEN_SIZE);
    sid_credential_code_fini(&code);
}

static void
a_live_code_that_could_not_be_checked_can_be_shown_again(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit;
    struct sid_verify verify;
    char code[SID_TOKEN_SIZE];
    fixture_enrol(f, &submit, NUMBER_A, 0, 0);
    int unchecked = 0;
    bool failed = true;
    for (unsigned n = 1; failed; n++) {
        live_code(f, submit.enrolment.credential_id, code);
        ask(&verify, f, code);
        fuzz_fail_nth(n);
        enum sid_err err = check(f, &verify);
        failed = fuzz_fail_end();
        sid_verify_fini(&verify);
        if (err == SID_OK)
            continue;
        unchecked++;
        ask(&verify, f, code);
        assert_int_equal(check(f, &verify), SID_OK);
        assert_true(verify.valid);
        sid_verify_fini(&verify);
    }
    assert_true(unchecked > 3);
    sid_enrol_submit_fini(&submit);
}

/* What is sealed as it should be, and is nobody. */
static enum sid_err
open_garbage(struct sid_verify *verify) {
    struct sid_subject subject =
        sid_app_subject(verify->flow.app, verify->enrolment_id, &verify->key);
    struct sid_place place = {"credential", "holder", verify->credential_id};
    sid_buf_free(&verify->sealed);
    assert_int_equal(sid_subject_seal(&subject, &place, sid_span_str("garbage"),
                                      &verify->sealed),
                     SID_OK);
    return sid_verify_finish(verify);
}

static void
what_does_not_open_or_unpack_is_an_error(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit;
    struct sid_verify verify;
    char code[SID_TOKEN_SIZE];
    fixture_enrol(f, &submit, NUMBER_A, 0, 0);
    fixture_code(f, submit.enrolment.credential_id, code);
    int64_t counted = sid_metric_get(SID_M_VERIFY_VALID);
    ask(&verify, f, code);
    fixture_run(f, &verify.flow, &f->clerk, start);
    verify.sealed.ptr[verify.sealed.len - 1] ^= 1;
    assert_int_equal(sid_verify_finish(&verify), SID_E_SEAL);
    assert_int_equal(open_garbage(&verify), SID_E_SEAL);
    assert_int_equal(sid_metric_get(SID_M_VERIFY_VALID), counted);
    sid_verify_fini(&verify);
    sid_enrol_submit_fini(&submit);
}

static void
batch_start(void *flow) {
    sid_verify_batch_start(flow);
}

static void
one_code_of_a_batch_that_fails_does_not_hurt_the_others(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit;
    char code[SID_TOKEN_SIZE];
    fixture_enrol(f, &submit, NUMBER_A, 0, 0);
    fixture_code(f, submit.enrolment.credential_id, code);
    int64_t unchecked = sid_metric_get(SID_M_VERIFY_UNCHECKED);
    int64_t rows = fixture_audit(f).rows;
    struct sid_verify_batch batch = {
        .purpose = sid_purposes_find(f->clerk.purpose_set, PURPOSE),
        .counter = "7",
        .count = 3,
        .item = calloc(3, sizeof *batch.item)};
    assert_non_null(batch.item);
    for (size_t i = 0; i < batch.count; i++)
        ask(&batch.item[i], f, i == 1 ? "nonsense" : code);
    fixture_run(f, &batch.flow, &f->clerk, batch_start);
    assert_int_equal(batch.flow.err, SID_OK);
    batch.item[2].flow.err = SID_E_SEAL; /* as the writer leaves it */
    sid_verify_batch_finish(&batch);
    assert_int_equal(fixture_audit(f).rows, rows + 3);
    assert_true(batch.item[0].valid);
    assert_int_equal(batch.item[0].flow.err, SID_OK);
    assert_string_equal(batch.item[0].holder.id_number, NUMBER_A);
    assert_false(batch.item[1].valid);
    assert_int_equal(batch.item[1].flow.err, SID_OK);
    assert_int_equal(batch.item[2].flow.err, SID_E_SEAL);
    assert_int_equal(sid_metric_get(SID_M_VERIFY_UNCHECKED) - unchecked, 1);
    sid_verify_batch_fini(&batch);
    sid_enrol_submit_fini(&submit);
}

static void
a_batch_while_the_daemon_stops_checks_nothing(void **state) {
    struct fixture *f = *state;
    struct sid_verify_batch batch = {
        .purpose = sid_purposes_find(f->clerk.purpose_set, PURPOSE),
        .count = 1,
        .item = calloc(1, sizeof *batch.item)};
    assert_non_null(batch.item);
    sid_app_quiesce(f->app);
    fixture_run(f, &batch.flow, &f->clerk, batch_start);
    assert_int_equal(batch.flow.err, SID_E_STOPPING);
    sid_verify_batch_fini(&batch);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_call_that_fails_never_makes_a_code_not_valid, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_live_code_that_could_not_be_checked_can_be_shown_again, setup,
            teardown),
        cmocka_unit_test_setup_teardown(
            what_does_not_open_or_unpack_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(
            one_code_of_a_batch_that_fails_does_not_hurt_the_others, setup,
            teardown),
        cmocka_unit_test_setup_teardown(
            a_batch_while_the_daemon_stops_checks_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
