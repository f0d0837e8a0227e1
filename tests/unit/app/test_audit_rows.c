/* test_audit_rows.c: whatever shows or changes something leaves its row, and
 * what the daemon writes down about itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "smartid/appendfile.h"
#include "smartid/audit_head.h"
#include "smartid/clock.h"
#include "smartid/log.h"
#include "smartid/metrics.h"

#include <cmocka.h>

static int64_t seq; /* rows up to here have been looked at */

static int
setup(void **state) {
    struct fixture *f = fixture_new();
    char text[4096];
    seq = fixture_audit_text(f, 0, text, sizeof text);
    *state = f;
    return 0;
}

static int
teardown(void **state) {
    fixture_free(*state);
    return 0;
}

/* The rows since the last look are exactly these. In `expected`, @A is the app,
 * @C the clerk, @O the officer, @X the admin; * stands for an id. */
static void
expect_rows(struct fixture *f, const char *expected) {
    char text[8192], plain[8192] = "";
    const struct {
        const char *id, *sign;
    } people[] = {{f->app_caller.client_id, "@A"},
                  {f->clerk.client_id, "@C"},
                  {f->officer.client_id, "@O"},
                  {f->admin.client_id, "@X"}};
    size_t len = 0;
    seq = fixture_audit_text(f, seq, text, sizeof text);
    for (const char *at = text; *at != '\0';) {
        const char *put = NULL;
        for (size_t i = 0; i < 4 && put == NULL; i++)
            if (strncmp(at, people[i].id, SID_ID_CHARS) == 0)
                put = people[i].sign;
        if (put == NULL && strlen(at) >= SID_ID_CHARS && at[3] == '_') {
            char id[SID_ID_SIZE] = "";
            memcpy(id, at, SID_ID_CHARS);
            if (sid_id_valid("enr_", id) || sid_id_valid("crd_", id) ||
                sid_id_valid("ver_", id))
                put = "*";
        }
        len += (size_t)snprintf(plain + len, sizeof plain - len, "%.*s",
                                put == NULL ? 1 : 2, put == NULL ? at : put);
        at += put == NULL ? 1 : SID_ID_CHARS;
    }
    assert_string_equal(plain, expected);
}

/* ---- enrolment ----------------------------------------------------------- */

static void
every_step_of_an_enrolment_is_a_row(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit;
    fixture_enrol(f, &submit, NUMBER_A, 0, 0);
    expect_rows(f, "enrolment_received @A received \n"
                   "enrolment_begun system processing attempts=1\n"
                   "credential_issued system resident_id enrolment=*\n"
                   "enrolment_decided system approved attempts=1 "
                   "challenge=none reasons=\n");
    sid_enrol_submit_fini(&submit);
}

static void
an_enrolment_refused_at_the_door_is_received_and_decided(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit;
    fixture_enrol(f, &submit, "110105194912310021", 0, 0);
    expect_rows(f, "enrolment_received @A received \n"
                   "enrolment_decided system rejected attempts=0 "
                   "challenge=none reasons=id_number_invalid\n");
    sid_enrol_submit_fini(&submit);
}

static void
a_retry_that_hands_the_secret_out_again_is_a_row(void **state) {
    struct fixture *f = *state;
    for (int i = 0; i < 2; i++) {
        struct sid_enrol_submit submit = {.idempotency_key = "once"};
        fixture_fill(&submit, NUMBER_A, 5, 0, 5, 0);
        submit.consent_at_s = 1700000000;
        submit.wait_until_us = sid_mono_us() + 60000000;
        fixture_submit(f, &submit, &f->app_caller);
        assert_int_equal(submit.flow.err, SID_OK);
        assert_int_equal(submit.replayed, i == 1);
        sid_enrol_submit_fini(&submit);
        if (i == 0) {
            char text[4096];
            seq = fixture_audit_text(f, seq, text, sizeof text);
        }
    }
    expect_rows(f, "enrolment_replayed @A approved \n");
}

/* ---- looks --------------------------------------------------------------- */

static void
get_start(void *flow) {
    sid_enrol_get_start(flow);
}

static void
get(struct fixture *f, const char *id, const struct sid_caller *caller) {
    struct sid_enrol_get look = {.wait_until_us = 0};
    memcpy(look.id, id, sizeof look.id);
    fixture_run(f, &look.flow, caller, get_start);
    assert_int_equal(look.flow.err, SID_OK);
    sid_enrol_get_fini(&look);
}

static void
list_start(void *flow) {
    sid_enrol_list_start(flow);
}

static void
photo_start(void *flow) {
    sid_enrol_photo_start(flow);
}

static void
decide_start(void *flow) {
    sid_enrol_decide_start(flow);
}

static void
each_look_of_an_officer_is_a_row_and_so_is_the_decision(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit;
    char text[4096];
    fixture_enrol(f, &submit, NUMBER_A, 0, 9);
    const char *id = submit.enrolment.id;
    assert_int_equal(submit.enrolment.state, SID_ENROL_REVIEW);
    seq = fixture_audit_text(f, seq, text, sizeof text);

    struct sid_enrol_list list = {.state = SID_ENROL_REVIEW, .limit = 10};
    fixture_run(f, &list.flow, &f->officer, list_start);
    assert_int_equal(list.flow.err, SID_OK);
    assert_int_equal(list.count, 1);
    sid_enrol_list_fini(&list);
    get(f, id, &f->officer);
    struct sid_enrol_photo photo = {.kind = SID_PHOTO_SELFIE};
    memcpy(photo.id, id, sizeof photo.id);
    fixture_run(f, &photo.flow, &f->officer, photo_start);
    assert_int_equal(photo.flow.err, SID_OK);
    sid_enrol_photo_fini(&photo);
    struct sid_enrol_decide decide = {.approve = true, .reason = "canary"};
    memcpy(decide.id, id, sizeof decide.id);
    fixture_run(f, &decide.flow, &f->officer, decide_start);
    assert_int_equal(decide.flow.err, SID_OK);
    sid_enrol_decide_fini(&decide);
    get(f, id, &f->officer);
    expect_rows(
        f, "enrolments_listed @O review shown=1 after=\n"
           "enrolment_viewed @O review shown=holder\n"
           "photo_viewed @O shown photo=selfie\n"
           "credential_issued @O resident_id enrolment=*\n"
           "enrolment_decided @O approved attempts=1 challenge=none reasons=\n"
           "enrolment_viewed @O approved shown=state\n");
    /* Owners look at what is theirs, as often as they like. */
    get(f, id, &f->app_caller);
    expect_rows(f, "");
    sid_enrol_submit_fini(&submit);
}

static void
look_start(void *flow) {
    sid_credential_look_start(flow);
}

static void
revoke_start(void *flow) {
    sid_credential_change_start(flow);
}

static void
the_life_of_a_credential_is_rows_and_so_are_its_codes_and_checks(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit;
    char text[4096], code[SID_TOKEN_SIZE];
    struct sid_verify verify;
    fixture_enrol(f, &submit, NUMBER_A, 0, 0);
    const char *id = submit.enrolment.credential_id;
    seq = fixture_audit_text(f, seq, text, sizeof text);
    fixture_code(f, id, code);
    fixture_verify(f, &verify, code, "security_check");
    sid_verify_fini(&verify);
    fixture_verify(f, &verify, "SID1:X", "security_check");
    sid_verify_fini(&verify);
    fixture_verify(f, &verify, code, "bank_account"); /* not granted */
    sid_verify_fini(&verify);
    for (int i = 0; i < 2; i++) {
        struct sid_credential_look look = {0};
        memcpy(look.id, id, sizeof look.id);
        fixture_run(f, &look.flow, i == 0 ? &f->officer : &f->app_caller,
                    look_start);
        assert_int_equal(look.flow.err, SID_OK);
        sid_credential_look_fini(&look);
    }
    struct sid_credential_change revoke = {.change = SID_CHANGE_REVOKE,
                                           .reason = SID_REVOKE_LOST,
                                           .note = "canary"};
    memcpy(revoke.look.id, id, sizeof revoke.look.id);
    fixture_run(f, &revoke.look.flow, &f->app_caller, revoke_start);
    assert_int_equal(revoke.look.flow.err, SID_OK);
    sid_credential_change_fini(&revoke);
    expect_rows(f,
                "code_issued @A day \n"
                "verification @C valid id=* purpose=security_check counter=7\n"
                "verification @C code_length id=* purpose=security_check "
                "counter=7\n"
                "verification @C purpose_forbidden id=* purpose=bank_account "
                "counter=7\n"
                "credential_viewed @O active \n"
                "credential_revoked @A revoked reason=lost by=app\n");
    sid_enrol_submit_fini(&submit);
}

/* ---- keys ---------------------------------------------------------------- */

static void
add_start(void *flow) {
    sid_client_add_start(flow);
}

static void
clients_start(void *flow) {
    sid_client_list_start(flow);
}

static void
client_revoke_start(void *flow) {
    sid_client_revoke_start(flow);
}

static void
rotate_start(void *flow) {
    sid_key_rotate_start(flow);
}

static void
keys_and_clients_leave_rows_and_so_does_the_list(void **state) {
    struct fixture *f = *state;
    struct sid_client_add add = {.order = {.name = "canary",
                                           .role = SID_ROLE_OFFICER,
                                           .lifetime_s = 3600}};
    fixture_run(f, &add.flow, &f->admin, add_start);
    assert_int_equal(add.flow.err, SID_OK);
    struct sid_client_list list = {0};
    fixture_run(f, &list.flow, &f->admin, clients_start);
    assert_int_equal(list.flow.err, SID_OK);
    assert_int_equal(list.count, 1);
    sid_client_list_fini(&list);
    struct sid_client_revoke gone = {0};
    memcpy(gone.id, add.client.id, sizeof gone.id);
    fixture_run(f, &gone.flow, &f->admin, client_revoke_start);
    assert_int_equal(gone.flow.err, SID_OK);
    struct sid_key_rotate rotate = {.use = SID_KEY_CODE, .revoke_old = true};
    fixture_run(f, &rotate.flow, &f->admin, rotate_start);
    assert_int_equal(rotate.flow.err, SID_OK);
    sid_key_rotate_fini(&rotate);
    expect_rows(
        f, "client_added @X officer networks=\"\" purposes=\"\" per_minute=0\n"
           "clients_listed @X shown \n"
           "client_revoked @X revoked \n"
           "key_made @X done \n"
           "key_retired @X done \n");
    sid_client_add_fini(&add);
}

/* ---- the daemon itself --------------------------------------------------- */

/* Values that depend on the machine are cut off. */
static void
expect_events(struct fixture *f, const char *expected) {
    char text[8192], events[2048];
    size_t len = 0;
    char *save = NULL;
    events[0] = '\0';
    seq = fixture_audit_text(f, seq, text, sizeof text);
    for (char *l = strtok_r(text, "\n", &save); l != NULL;
         l = strtok_r(NULL, "\n", &save)) {
        char *end = strstr(l, " version=");
        if (end == NULL)
            end = strstr(l, " value=/");
        if (end != NULL)
            *end = '\0';
        len += (size_t)snprintf(events + len, sizeof events - len, "%s\n", l);
    }
    assert_string_equal(events, expected);
}

static void
the_start_is_a_row_with_the_settings_that_were_touched_and_its_head(
    void **state) {
    struct fixture *f = *state;
    char text[2048];
    struct sid_audit_head head;
    uint8_t public_key[SID_PUBLIC_KEY_BYTES];
    assert_int_equal(sid_app_audit_start(f->app), SID_OK);
    expect_events(f,
                  "daemon_started system started\n"
                  "setting system in_force\n" /* the master key's path */
                  "setting system in_force value=2\n"
                  "setting system in_force value=8\n"
                  "setting system in_force value=thread\n"
                  "setting system in_force value=0\n"); /* attempts_per_day */
    sid_sign_public(sid_keyring_head(f->keys), public_key);
    assert_int_equal(sid_appendfile_tail(f->heads, text, sizeof text), SID_OK);
    assert_int_equal(sid_head_parse(text, &head), SID_OK);
    assert_true(sid_head_verify(public_key, &head));
    assert_int_equal(head.seq, seq);
    assert_int_equal(head.after, 0);
}

static void
a_reload_is_rows_before_it_is_taken_over(void **state) {
    struct fixture *f = *state;
    struct sid_config next = f->config, now;
    next.match_accept = 0.75;
    next.io_threads = 7;
    assert_int_equal(fixture_reload(f, &next, &f->purposes), SID_OK);
    expect_rows(f, "setting_changed system needs_restart value=7\n"
                   "setting_changed system in_force value=0.75\n"
                   "settings_read system taken changed=2\n");
    sid_app_config(f->app, &now);
    assert_true(now.match_accept == 0.75);
    assert_int_equal(fixture_reload(f, &next, &f->purposes), SID_OK);
    assert_int_equal(fixture_reload(f, NULL, NULL), SID_OK);
    expect_rows(f, "setting_changed system needs_restart value=7\n"
                   "settings_read system taken changed=1\n"
                   "settings_read system refused \n");
}

static void
purposes_that_a_reload_changes_adds_or_takes_away_are_rows(void **state) {
    struct fixture *f = *state;
    struct sid_purposes next = f->purposes;
    struct sid_purpose *last = &next.item[next.count - 1];
    (void)snprintf(next.item[0].name, sizeof next.item[0].name, "dog_licence");
    next.item[0].attributes = SID_ATTR_NAME | SID_ATTR_SEX;
    next.item[0].counter_required = true;
    last->assurance = SID_ASSURANCE_COUNTER;
    last->attributes = SID_ATTR_NAME;
    last->counter_required = false;
    last->face_required = true;
    assert_int_equal(fixture_reload(f, &f->config, &next), SID_OK);
    char text[4096], expected[512];
    const struct sid_purpose *gone = &f->purposes.item[0];
    (void)fixture_audit_text(f, seq, text, sizeof text);
    (void)snprintf(
        expected, sizeof expected,
        "purpose_changed system in_force assurance=%s "
        "code=day counter_required=yes face_required=no tells=name,sex\n"
        "purpose_changed system in_force assurance=counter "
        "code=day counter_required=no face_required=yes tells=name\n"
        "purpose_changed system removed assurance=%s ",
        sid_assurance_name(gone->assurance),
        sid_assurance_name(gone->assurance));
    assert_memory_equal(text, expected, strlen(expected));
    assert_non_null(strstr(text, "\nsettings_read system taken changed=3\n"));
    assert_ptr_not_equal(
        sid_purposes_find(sid_app_purposes(f->app), "dog_licence"), NULL);
}

/* Ticks until the count of heads is there; the writer answers meanwhile. */
static void
tick_until_heads(struct fixture *f, int64_t heads) {
    int64_t end_us = sid_mono_us() + 30000000;
    while (sid_metric_get(SID_M_AUDIT_HEADS) < heads &&
           sid_mono_us() < end_us) {
        sid_app_tick(f->app);
        char text[64];
        (void)fixture_audit_text(f, seq + 1000, text, sizeof text);
    }
    assert_int_equal(sid_metric_get(SID_M_AUDIT_HEADS), heads);
}

static int
lines_of(const char *path) {
    char text[8192];
    int lines = 0;
    if (sid_appendfile_tail(path, text, sizeof text) != SID_OK)
        return -1;
    for (const char *at = text; *at != '\0'; at++)
        lines += *at == '\n';
    return lines;
}

static void
a_head_is_written_when_rows_were_added_and_only_then(void **state) {
    struct fixture *f = *state;
    int64_t before = sid_metric_get(SID_M_AUDIT_HEADS);
    assert_int_equal(sid_app_audit_start(f->app), SID_OK);
    assert_int_equal(sid_metric_get(SID_M_AUDIT_HEADS), before + 1);
    assert_int_equal(fixture_reload(f, NULL, NULL), SID_OK);
    tick_until_heads(f, before + 2); /* the first is due at once */
    /* No more for the same row, as often as it is asked. */
    struct sid_config next = f->config;
    next.head_interval_s = 0;
    assert_int_equal(fixture_reload(f, &next, &f->purposes), SID_OK);
    tick_until_heads(f, before + 3);
    for (int i = 0; i < 20; i++) {
        char text[64];
        sid_app_tick(f->app);
        (void)fixture_audit_text(f, seq + 1000, text, sizeof text);
    }
    assert_int_equal(sid_metric_get(SID_M_AUDIT_HEADS), before + 3);
    assert_int_equal(lines_of(f->heads), 3);
}

static void
the_stop_is_the_last_row_and_has_its_head(void **state) {
    struct fixture *f = *state;
    char text[8192];
    struct sid_audit_head head;
    assert_int_equal(sid_app_audit_start(f->app), SID_OK);
    seq = fixture_audit_text(f, seq, text, sizeof text);
    sid_app_quiesce(f->app);
    sid_app_free(&f->app);
    int64_t last = fixture_audit_text(f, seq, text, sizeof text);
    assert_string_equal(text, "daemon_stopped system stopped \n");
    assert_int_equal(sid_appendfile_tail(f->heads, text, sizeof text), SID_OK);
    const char *line = strchr(text, '\n') + 1;
    assert_int_equal(sid_head_parse(line, &head), SID_OK);
    assert_int_equal(head.seq, last);
    assert_int_equal(head.after, seq);
    /* For the teardown. */
    struct sid_app_parts parts = {.config = &f->config,
                                  .keys = f->keys,
                                  .writer = f->writer,
                                  .keyset = f->keyset,
                                  .purposes = &f->purposes};
    sid_keyset_free(&f->keyset);
    assert_int_equal(sid_keyset_new(&f->keyset), SID_OK);
    parts.keyset = f->keyset;
    assert_int_equal(sid_app_new(&parts, &f->app), SID_OK);
}

static void
a_head_that_cannot_be_written_is_counted_told_and_made_up_for(void **state) {
    struct fixture *f = *state;
    int64_t errors = sid_metric_get(SID_M_AUDIT_HEAD_ERRORS);
    int64_t heads = sid_metric_get(SID_M_AUDIT_HEADS);
    sid_log_set_level(SID_LOG_ALWAYS);
    assert_int_equal(mkdir(f->heads, 0700), 0); /* in its place */
    assert_true(sid_app_heads_written(f->app));
    assert_int_equal(sid_app_audit_start(f->app), SID_OK);
    assert_int_equal(sid_metric_get(SID_M_AUDIT_HEAD_ERRORS), errors + 1);
    assert_false(sid_app_heads_written(f->app));
    assert_int_equal(rmdir(f->heads), 0);
    tick_until_heads(f, heads + 1);
    assert_true(sid_app_heads_written(f->app));
    assert_int_equal(lines_of(f->heads), 1);
    sid_log_set_level(SID_LOG_ERROR);
}

/* A head of a row that this log does not have. */
static void
write_foreign_head(struct fixture *f, int64_t row) {
    char text[SID_HEAD_TEXT_SIZE];
    struct sid_audit_head head = {.seq = row, .at_s = 1795428000, .mac = {7}};
    assert_int_equal(sid_head_sign(sid_keyring_head(f->keys), &head), SID_OK);
    sid_head_print(&head, text);
    assert_int_equal(sid_appendfile_add(f->heads, text), SID_OK);
}

static void
a_log_that_was_taken_back_is_noticed_at_the_start(void **state) {
    struct fixture *f = *state;
    sid_log_set_level(SID_LOG_ALWAYS);
    write_foreign_head(f, 500);
    assert_int_equal(sid_app_audit_start(f->app), SID_OK);
    sid_log_set_level(SID_LOG_ERROR);
    char text[4096];
    (void)fixture_audit_text(f, seq, text, sizeof text);
    assert_non_null(strstr(text, "daemon_started system behind_head version="));
    assert_non_null(strstr(text, " head=500\n"));
}

static void
a_log_that_went_on_from_an_older_state_is_noticed_too(void **state) {
    struct fixture *f = *state;
    sid_log_set_level(SID_LOG_ALWAYS);
    write_foreign_head(f, 2);
    assert_int_equal(sid_app_audit_start(f->app), SID_OK);
    sid_log_set_level(SID_LOG_ERROR);
    char text[4096];
    (void)fixture_audit_text(f, seq, text, sizeof text);
    assert_non_null(strstr(text, "daemon_started system behind_head version="));
}

static void
heads_of_another_log_and_broken_lines_are_passed_over(void **state) {
    struct fixture *f = *state;
    struct sid_keyring *other = NULL;
    const uint8_t seed[SID_KEY_BYTES] = {9};
    assert_int_equal(sid_keyring_new_fixed(seed, &other), SID_OK);
    struct sid_keyring *mine = f->keys;
    f->keys = other;
    write_foreign_head(f, 500);
    f->keys = mine;
    assert_int_equal(sid_appendfile_add(f->heads, "version=1 chain=00"),
                     SID_OK);
    assert_int_equal(sid_app_audit_start(f->app), SID_OK);
    char text[4096];
    (void)fixture_audit_text(f, seq, text, sizeof text);
    assert_non_null(strstr(text, "daemon_started system started version="));
    assert_non_null(strstr(text, " head=0\n"));
    sid_keyring_free(&other);
}

int
main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(every_step_of_an_enrolment_is_a_row),
        T(an_enrolment_refused_at_the_door_is_received_and_decided),
        T(a_retry_that_hands_the_secret_out_again_is_a_row),
        T(each_look_of_an_officer_is_a_row_and_so_is_the_decision),
        T(the_life_of_a_credential_is_rows_and_so_are_its_codes_and_checks),
        T(keys_and_clients_leave_rows_and_so_does_the_list),
        T(the_start_is_a_row_with_the_settings_that_were_touched_and_its_head),
        T(a_reload_is_rows_before_it_is_taken_over),
        T(purposes_that_a_reload_changes_adds_or_takes_away_are_rows),
        T(a_head_is_written_when_rows_were_added_and_only_then),
        T(the_stop_is_the_last_row_and_has_its_head),
        T(a_head_that_cannot_be_written_is_counted_told_and_made_up_for),
        T(a_log_that_was_taken_back_is_noticed_at_the_start),
        T(a_log_that_went_on_from_an_older_state_is_noticed_too),
        T(heads_of_another_log_and_broken_lines_are_passed_over),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
