/* test_flows.c: enrolments, credentials and checks as flows, with the fake face
 * engine and an in-memory store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "smartid/clock.h"
#include "smartid/text.h"

#include <cmocka.h>

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
get_start(void *flow) {
    sid_enrol_get_start(flow);
}

static void
add_start(void *flow) {
    sid_client_add_start(flow);
}

static void
client_revoke_start(void *flow) {
    sid_client_revoke_start(flow);
}

static bool
has_reason(const struct sid_enrolment *enrolment, enum sid_reason reason) {
    for (size_t i = 0; i < enrolment->reasons.count; i++)
        if (enrolment->reasons.item[i].reason == reason)
            return true;
    return false;
}

static void
two_photos_of_one_person_give_a_credential_and_leave_no_photo(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit;
    fixture_enrol(f, &submit, NUMBER_A, 0, 0);
    assert_int_equal(submit.enrolment.state, SID_ENROL_APPROVED);
    assert_true(sid_id_valid("crd_", submit.enrolment.credential_id));
    assert_int_equal(submit.enrolment.attempts, 1);
    assert_int_equal(strlen(submit.holder_secret), SID_HOLDER_SECRET_CHARS);
    assert_int_equal(fixture_photos_stored(f), 0);
    sid_enrol_submit_fini(&submit);
}

static void
two_people_are_rejected_with_faces_differ(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit = {0};
    fixture_fill(&submit, NUMBER_A, 5, 0, 6, 0);
    submit.wait_until_us = sid_mono_us() + 60000000;
    fixture_submit(f, &submit, &f->app_caller);
    assert_int_equal(submit.flow.err, SID_OK);
    assert_int_equal(submit.enrolment.state, SID_ENROL_REJECTED);
    assert_true(has_reason(&submit.enrolment, SID_REASON_FACES_DIFFER));
    assert_int_equal(fixture_photos_stored(f), 0);
    sid_enrol_submit_fini(&submit);
}

static void
without_waiting_the_answer_is_received_and_the_job_goes_on(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit = {0};
    fixture_fill(&submit, NUMBER_A, 5, 0, 5, 0);
    fixture_submit(f, &submit, &f->app_caller);
    assert_int_equal(submit.flow.err, SID_OK);
    assert_int_equal(submit.enrolment.state, SID_ENROL_RECEIVED);
    struct sid_enrol_get get = {.wait_until_us = sid_mono_us() + 60000000};
    memcpy(get.id, submit.enrolment.id, sizeof get.id);
    fixture_run(f, &get.flow, &f->app_caller, get_start);
    assert_int_equal(get.flow.err, SID_OK);
    assert_int_equal(get.enrolment.state, SID_ENROL_APPROVED);
    sid_enrol_get_fini(&get);
    sid_enrol_submit_fini(&submit);
}

static void
a_wait_that_is_over_at_once_tells_the_present_state(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit = {0};
    fixture_fill(&submit, NUMBER_A, 5, 11, 5, 11); /* slow */
    submit.wait_until_us = sid_mono_us() - 1;
    fixture_submit(f, &submit, &f->app_caller);
    assert_int_equal(submit.flow.err, SID_OK);
    assert_int_equal(submit.enrolment.state, SID_ENROL_RECEIVED);
    sid_enrol_submit_fini(&submit);
}

static void
an_invalid_number_is_rejected_at_the_door(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit;
    fixture_enrol(f, &submit, "110105194912310021", 0, 0);
    assert_int_equal(submit.enrolment.state, SID_ENROL_REJECTED);
    assert_true(has_reason(&submit.enrolment, SID_REASON_ID_NUMBER_INVALID));
    assert_int_equal(submit.enrolment.attempts, 0);
    assert_int_equal(fixture_photos_stored(f), 0);
    sid_enrol_submit_fini(&submit);
}

static void
revoke_start(void *flow) {
    sid_credential_change_start(flow);
}

static void
revoke(struct fixture *f, const char *id, const struct sid_caller *caller,
       enum sid_err expected) {
    struct sid_credential_change revoke = {
        .change = SID_CHANGE_REVOKE, .reason = SID_REVOKE_LOST, .note = "lost"};
    memcpy(revoke.look.id, id, sizeof revoke.look.id);
    fixture_run(f, &revoke.look.flow, caller, revoke_start);
    assert_int_equal(revoke.look.flow.err, expected);
    if (expected == SID_OK)
        assert_int_equal(revoke.look.state, SID_CREDENTIAL_REVOKED);
    sid_credential_change_fini(&revoke);
}

static void
a_number_in_use_is_rejected_until_its_credential_is_revoked(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit first, second, third;
    fixture_enrol(f, &first, NUMBER_A, 0, 0);
    fixture_enrol(f, &second, NUMBER_A, 0, 0);
    assert_int_equal(second.enrolment.state, SID_ENROL_REJECTED);
    assert_true(has_reason(&second.enrolment, SID_REASON_ID_NUMBER_IN_USE));
    revoke(f, first.enrolment.credential_id, &f->officer, SID_OK);
    revoke(f, first.enrolment.credential_id, &f->officer, SID_E_REVOKED);
    fixture_enrol(f, &third, NUMBER_A, 0, 0);
    assert_int_equal(third.enrolment.state, SID_ENROL_APPROVED);
    sid_enrol_submit_fini(&first);
    sid_enrol_submit_fini(&second);
    sid_enrol_submit_fini(&third);
}

static void
the_reason_of_a_revocation_is_sealed_under_the_persons_key(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit;
    struct sid_buf words = SID_BUF_EMPTY;
    fixture_enrol(f, &submit, NUMBER_A, 0, 0);
    struct sid_credential_change revoke = {
        .change = SID_CHANGE_REVOKE, .reason = SID_REVOKE_LOST, .note = "lost"};
    memcpy(revoke.look.id, submit.enrolment.credential_id,
           sizeof revoke.look.id);
    fixture_run(f, &revoke.look.flow, &f->app_caller, revoke_start);
    assert_int_equal(revoke.look.flow.err, SID_OK);
    const struct sid_credential *row = &revoke.look.credential;
    const struct sid_subject person = {f->keys, submit.enrolment.id, &row->key,
                                       SID_KEY_DATA};
    struct sid_place place = {"credential", "note", row->id};
    assert_int_equal(sid_subject_open(&person, &place,
                                      sid_buf_span(&row->note_sealed), &words),
                     SID_OK);
    assert_true(sid_span_eq(sid_buf_span(&words), sid_span_str("lost")));
    sid_buf_free(&words);
    sid_credential_change_fini(&revoke);
    sid_enrol_submit_fini(&submit);
}

static void
submit_with_key(struct fixture *f, struct sid_enrol_submit *submit,
                const char *key, int selfie_person) {
    *submit = (struct sid_enrol_submit){0};
    fixture_fill(submit, NUMBER_A, 5, 0, selfie_person, 0);
    submit->consent_at_s = 1764000000;
    assert_int_equal(sid_text_copy(submit->idempotency_key,
                                   sizeof submit->idempotency_key, key),
                     SID_OK);
    submit->wait_until_us = sid_mono_us() + 60000000;
    fixture_submit(f, submit, &f->app_caller);
}

static void
a_retry_with_the_same_key_gets_the_first_answer_again(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit first, again;
    submit_with_key(f, &first, "k-1", 5);
    submit_with_key(f, &again, "k-1", 5);
    assert_int_equal(first.flow.err, SID_OK);
    assert_int_equal(again.flow.err, SID_OK);
    assert_false(first.replayed);
    assert_true(again.replayed);
    assert_string_equal(first.enrolment.id, again.enrolment.id);
    assert_string_equal(first.holder_secret, again.holder_secret);
    assert_int_equal(again.enrolment.state, SID_ENROL_APPROVED);
    sid_enrol_submit_fini(&first);
    sid_enrol_submit_fini(&again);
}

static void
the_same_key_with_another_request_is_a_mismatch(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit first, again;
    submit_with_key(f, &first, "k-1", 5);
    submit_with_key(f, &again, "k-1", 6);
    assert_int_equal(again.flow.err, SID_E_IDEMPOTENCY_MISMATCH);
    sid_enrol_submit_fini(&first);
    sid_enrol_submit_fini(&again);
}

static void
places_come_back_after_every_kind_of_end(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit;
    for (int i = 0; i < 12; i++) { /* more than the 8 places */
        fixture_enrol(f, &submit, i % 2 == 0 ? "1" : NUMBER_B, 0, i % 3);
        sid_enrol_submit_fini(&submit);
    }
    for (int i = 0; i < 8; i++)
        assert_int_equal(sid_enrol_reserve(f->app, 1), SID_OK);
    assert_int_equal(sid_enrol_reserve(f->app, 1), SID_E_QUEUE_FULL);
    for (int i = 0; i < 8; i++)
        sid_enrol_release(f->app, 1);
}

static void
room_for_bodies_comes_back_after_every_kind_of_end(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit;
    const uint64_t total = (uint64_t)f->config.upload_total_bytes;
    for (int i = 0; i < 6; i++) {
        fixture_enrol(f, &submit, i % 2 == 0 ? "1" : NUMBER_B, 0, i % 3);
        sid_enrol_submit_fini(&submit);
    }
    assert_int_equal(sid_enrol_reserve(f->app, total + 1), SID_E_QUEUE_FULL);
    assert_int_equal(sid_enrol_reserve(f->app, UINT64_MAX), SID_E_QUEUE_FULL);
    assert_int_equal(sid_enrol_reserve(f->app, total - 5), SID_OK);
    assert_int_equal(sid_enrol_reserve(f->app, 6), SID_E_QUEUE_FULL);
    assert_int_equal(sid_enrol_reserve(f->app, 5), SID_OK);
    assert_int_equal(sid_enrol_reserve(f->app, 1), SID_E_QUEUE_FULL);
    sid_enrol_release(f->app, 5);
    sid_enrol_release(f->app, total - 5);
    assert_int_equal(sid_enrol_reserve(f->app, total), SID_OK);
    /* A refusal for want of a place takes no room. */
    for (int i = 1; i < 8; i++)
        assert_int_equal(sid_enrol_reserve(f->app, 0), SID_OK);
    sid_enrol_release(f->app, total);
    assert_int_equal(sid_enrol_reserve(f->app, 0), SID_OK);
    assert_int_equal(sid_enrol_reserve(f->app, total), SID_E_QUEUE_FULL);
    sid_enrol_release(f->app, 0);
    assert_int_equal(sid_enrol_reserve(f->app, total), SID_OK);
    sid_enrol_release(f->app, total);
    for (int i = 1; i < 8; i++)
        sid_enrol_release(f->app, 0);
}

static void
a_code_is_valid_until_the_credential_is_revoked(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit;
    struct sid_verify verify;
    char code[SID_TOKEN_SIZE];
    fixture_enrol(f, &submit, NUMBER_A, 0, 0);
    fixture_code(f, submit.enrolment.credential_id, code);
    fixture_verify(f, &verify, code, "household_registration");
    assert_int_equal(verify.flow.err, SID_OK);
    assert_true(verify.valid);
    assert_string_equal(verify.holder.name, "Zhang Yangben");
    assert_string_equal(verify.holder.id_number, NUMBER_A);
    assert_string_equal(verify.type, "resident_id");
    assert_string_equal(fixture_audit(f).outcome, "valid");
    sid_verify_fini(&verify);
    revoke(f, submit.enrolment.credential_id, &f->app_caller, SID_OK);
    fixture_verify(f, &verify, code, "household_registration");
    assert_false(verify.valid);
    assert_false(verify.expired);
    assert_string_equal(verify.holder.name, "");
    assert_string_equal(fixture_audit(f).outcome, "revoked");
    sid_verify_fini(&verify);
    sid_enrol_submit_fini(&submit);
}

static void
each_check_is_one_audit_row_whatever_the_code_is(void **state) {
    struct fixture *f = *state;
    struct sid_verify verify;
    int64_t before = fixture_audit(f).rows;
    fixture_verify(f, &verify, "SID1:NONSENSE", "security_check");
    assert_int_equal(verify.flow.err, SID_OK);
    assert_false(verify.valid);
    struct last_audit last = fixture_audit(f);
    assert_int_equal(last.rows, before + 1);
    assert_string_equal(last.event, "verification");
    assert_string_equal(last.outcome, "code_length");
    assert_string_equal(last.actor, f->clerk.client_id);
    assert_non_null(strstr(last.detail, "purpose=security_check counter=7"));
    sid_verify_fini(&verify);
}

static void
a_purpose_that_was_not_granted_is_refused_and_recorded(void **state) {
    struct fixture *f = *state;
    struct sid_verify verify;
    int64_t before = fixture_audit(f).rows;
    fixture_verify(f, &verify, "SID1:NONSENSE", "bank_account");
    assert_int_equal(verify.flow.err, SID_E_PURPOSE_FORBIDDEN);
    struct last_audit last = fixture_audit(f);
    assert_int_equal(last.rows, before + 1);
    assert_string_equal(last.outcome, "purpose_forbidden");
    sid_verify_fini(&verify);
}

static enum sid_err
get_as(struct fixture *f, const char *id, const struct sid_caller *caller) {
    struct sid_enrol_get get = {0};
    memcpy(get.id, id, sizeof get.id);
    fixture_run(f, &get.flow, caller, get_start);
    enum sid_err err = get.flow.err;
    sid_enrol_get_fini(&get);
    return err;
}

static void
only_its_app_its_holder_and_officers_see_an_enrolment(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit;
    fixture_enrol(f, &submit, NUMBER_A, 0, 0);
    const char *id = submit.enrolment.id;
    struct sid_caller holder = {.role = SID_ROLE_HOLDER,
                                .has_holder_secret = true};
    memcpy(holder.holder_hash, submit.enrolment.holder_hash,
           sizeof holder.holder_hash);
    assert_int_equal(get_as(f, id, &f->app_caller), SID_OK);
    assert_int_equal(get_as(f, id, &f->officer), SID_OK);
    assert_int_equal(get_as(f, id, &holder), SID_OK);
    holder.holder_hash[0] ^= 1;
    assert_int_equal(get_as(f, id, &holder), SID_E_NOT_FOUND);
    assert_int_equal(get_as(f, id, &f->other_app), SID_E_NOT_FOUND);
    assert_int_equal(get_as(f, id, &f->clerk), SID_E_NOT_FOUND);
    assert_int_equal(get_as(f, id, &f->admin), SID_E_NOT_FOUND);
    sid_enrol_submit_fini(&submit);
}

static void
photo_start(void *flow) {
    sid_enrol_photo_start(flow);
}

static void
decide_start(void *flow) {
    sid_enrol_decide_start(flow);
}

static enum sid_err
decide(struct fixture *f, const char *id, bool approve,
       struct sid_enrol_decide *out) {
    *out = (struct sid_enrol_decide){.approve = approve,
                                     .reason = "looked at both"};
    memcpy(out->id, id, sizeof out->id);
    fixture_run(f, &out->flow, &f->officer, decide_start);
    return out->flow.err;
}

static void
an_unclear_match_waits_for_an_officer_who_sees_the_photos(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit;
    fixture_enrol(f, &submit, NUMBER_A, 0, 9);
    const char *id = submit.enrolment.id;
    assert_int_equal(submit.enrolment.state, SID_ENROL_REVIEW);
    assert_true(submit.enrolment.has_scores);
    assert_int_equal(fixture_photos_stored(f), 2);
    struct sid_enrol_photo photo = {.kind = SID_PHOTO_SELFIE};
    memcpy(photo.id, id, sizeof photo.id);
    fixture_run(f, &photo.flow, &f->officer, photo_start);
    assert_int_equal(photo.flow.err, SID_OK);
    assert_int_equal(sid_enrol_photo_finish(&photo), SID_OK);
    struct sid_buf same = fixture_photo(5, 9, 200);
    assert_true(sid_span_eq(sid_buf_span(&photo.photo), sid_buf_span(&same)));
    assert_string_equal(fixture_audit(f).event, "photo_viewed");
    sid_buf_free(&same);
    sid_enrol_photo_fini(&photo);
    struct sid_enrol_decide first, second;
    assert_int_equal(decide(f, id, true, &first), SID_OK);
    assert_int_equal(first.enrolment.state, SID_ENROL_APPROVED);
    assert_string_equal(first.enrolment.decided_by, f->officer.client_id);
    assert_int_equal(fixture_photos_stored(f), 0);
    assert_int_equal(decide(f, id, false, &second), SID_E_CONFLICT);
    photo = (struct sid_enrol_photo){.kind = SID_PHOTO_SELFIE};
    memcpy(photo.id, id, sizeof photo.id);
    fixture_run(f, &photo.flow, &f->officer, photo_start);
    assert_int_equal(photo.flow.err, SID_E_NOT_FOUND);
    sid_enrol_photo_fini(&photo);
    sid_enrol_decide_fini(&first);
    sid_enrol_decide_fini(&second);
    sid_enrol_submit_fini(&submit);
}

static void
an_officer_can_reject_and_the_number_stays_free(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit, again;
    struct sid_enrol_decide rejected;
    fixture_enrol(f, &submit, NUMBER_A, 0, 9);
    assert_int_equal(decide(f, submit.enrolment.id, false, &rejected), SID_OK);
    assert_int_equal(rejected.enrolment.state, SID_ENROL_REJECTED);
    assert_true(has_reason(&rejected.enrolment, SID_REASON_OFFICER));
    fixture_enrol(f, &again, NUMBER_A, 0, 0);
    assert_int_equal(again.enrolment.state, SID_ENROL_APPROVED);
    sid_enrol_decide_fini(&rejected);
    sid_enrol_submit_fini(&submit);
    sid_enrol_submit_fini(&again);
}

static enum sid_err
authenticate(struct fixture *f, const char *key, struct sid_caller *caller) {
    const struct sid_address from = {{[15] = 1}};
    struct sid_attempt attempt = {key, strlen(key), &from, "/v1/test"};
    int64_t retry_s;
    return sid_app_authenticate(f->app, &attempt, caller, &retry_s);
}

static void
a_key_that_was_added_works_and_a_revoked_one_does_not(void **state) {
    struct fixture *f = *state;
    struct sid_client_add add = {.order = {.name = "front desk",
                                           .role = SID_ROLE_OFFICER,
                                           .lifetime_s = 3600}};
    struct sid_caller caller;
    fixture_run(f, &add.flow, &f->admin, add_start);
    assert_int_equal(add.flow.err, SID_OK);
    assert_int_equal(authenticate(f, add.key, &caller), SID_OK);
    assert_int_equal(caller.role, SID_ROLE_OFFICER);
    struct sid_client_revoke gone = {0};
    memcpy(gone.id, add.client.id, sizeof gone.id);
    fixture_run(f, &gone.flow, &f->admin, client_revoke_start);
    assert_int_equal(gone.flow.err, SID_OK);
    assert_string_equal(fixture_audit(f).event, "client_revoked");
    assert_int_equal(authenticate(f, add.key, &caller), SID_E_UNAUTHENTICATED);
    sid_client_add_fini(&add);
}

static void
an_order_without_name_or_with_the_wrong_purposes_is_refused(void **state) {
    struct fixture *f = *state;
    const struct sid_client_order orders[] = {
        {.name = "", .role = SID_ROLE_APP, .lifetime_s = 3600},
        {.name = "x", .role = SID_ROLE_CLERK, .lifetime_s = 3600},
        {.name = "x",
         .role = SID_ROLE_APP,
         .purpose_names = "train_ticket",
         .lifetime_s = 3600},
        {.name = "x",
         .role = SID_ROLE_CLERK,
         .purpose_names = "train_ticket spying",
         .lifetime_s = 3600},
        {.name = "x",
         .role = SID_ROLE_APP,
         .party = "Bank",
         .lifetime_s = 3600},
        {.name = "x", .role = SID_ROLE_APP, .lifetime_s = 1},
    };
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        struct sid_client_add add = {.order = orders[i]};
        fixture_run(f, &add.flow, &f->admin, add_start);
        assert_int_equal(add.flow.err, SID_E_FIELD_INVALID);
    }
}

static void
after_quiesce_new_flows_are_refused(void **state) {
    struct fixture *f = *state;
    struct sid_verify verify;
    sid_app_quiesce(f->app);
    assert_false(sid_app_ready(f->app));
    assert_int_equal(sid_enrol_reserve(f->app, 1), SID_E_STOPPING);
    fixture_verify(f, &verify, "SID1:X", "security_check");
    assert_int_equal(verify.flow.err, SID_E_STOPPING);
    sid_verify_fini(&verify);
}

int
main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(two_photos_of_one_person_give_a_credential_and_leave_no_photo),
        T(two_people_are_rejected_with_faces_differ),
        T(without_waiting_the_answer_is_received_and_the_job_goes_on),
        T(a_wait_that_is_over_at_once_tells_the_present_state),
        T(an_invalid_number_is_rejected_at_the_door),
        T(a_number_in_use_is_rejected_until_its_credential_is_revoked),
        T(the_reason_of_a_revocation_is_sealed_under_the_persons_key),
        T(a_retry_with_the_same_key_gets_the_first_answer_again),
        T(the_same_key_with_another_request_is_a_mismatch),
        T(places_come_back_after_every_kind_of_end),
        T(room_for_bodies_comes_back_after_every_kind_of_end),
        T(a_code_is_valid_until_the_credential_is_revoked),
        T(each_check_is_one_audit_row_whatever_the_code_is),
        T(a_purpose_that_was_not_granted_is_refused_and_recorded),
        T(only_its_app_its_holder_and_officers_see_an_enrolment),
        T(an_unclear_match_waits_for_an_officer_who_sees_the_photos),
        T(an_officer_can_reject_and_the_number_stays_free),
        T(a_key_that_was_added_works_and_a_revoked_one_does_not),
        T(an_order_without_name_or_with_the_wrong_purposes_is_refused),
        T(after_quiesce_new_flows_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
