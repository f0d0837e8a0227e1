/* test_gate.c: who may come in: failures of one source are limited, refusals
 * recorded without anybody waiting; what a check asks for and tells. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "smartid/clock.h"
#include "smartid/metrics.h"
#include "smartid/text.h"

#include <cmocka.h>

#include "../../../src/app/app_internal.h"
#include "../../fuzz/each_fails.h"

#define ROUTE "/v1/test"
#define WRONG_KEY                                                              \
    "sidk_000000000000_0000000000000000000000000000000000000000000000000000"

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

static struct sid_address
address(const char *text) {
    struct sid_address out;
    assert_int_equal(sid_address_parse(text, strlen(text), &out), SID_OK);
    return out;
}

static enum sid_err
show(struct fixture *f, const char *from, const char *key, int64_t *retry_s) {
    struct sid_address source = address(from);
    struct sid_attempt attempt = {key, key == NULL ? 0 : strlen(key), &source,
                                  ROUTE};
    struct sid_caller caller;
    *retry_s = 0;
    return sid_app_authenticate(f->app, &attempt, &caller, retry_s);
}

static struct sid_client
put_client(struct fixture *f, char key[SID_APIKEY_SIZE]) {
    struct sid_client client = {.role = SID_ROLE_APP,
                                .expires_at_s = sid_now_s() + 1000};
    assert_int_equal(sid_id_make("cli_", client.id), SID_OK);
    assert_int_equal(sid_apikey_make(&client, key), SID_OK);
    assert_int_equal(sid_keyset_put(f->keyset, &client), SID_OK);
    return client;
}

static enum sid_err
make_a_gate(void) {
    struct sid_gate *gate = NULL;
    enum sid_err err = sid_gate_new(&gate);
    assert_true((err == SID_OK) == (gate != NULL));
    sid_gate_free(&gate);
    sid_gate_free(&gate); /* NULL is fine */
    return err;
}

static void
a_gate_is_made_whole_or_not_at_all(void **state) {
    (void)state;
    each_call_fails(make_a_gate);
}

static void
who_has_no_bucket_has_no_quota(void **state) {
    struct fixture *f = *state;
    int64_t retry_s = 0;
    const struct sid_caller holder = {.role = SID_ROLE_HOLDER};
    const struct sid_caller control = {.role = SID_ROLE_ADMIN, .per_minute = 1};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sid_app_within_quota(f->app, &holder, &retry_s),
                         SID_OK);
        assert_int_equal(sid_app_within_quota(f->app, &control, &retry_s),
                         SID_OK);
    }
    assert_int_equal(retry_s, 0);
}

static void
after_five_failures_a_source_is_told_to_wait_but_a_good_key_passes(
    void **state) {
    struct fixture *f = *state;
    char key[SID_APIKEY_SIZE];
    int64_t retry_s, limited = sid_metric_get(SID_M_AUTH_LIMITED);
    (void)put_client(f, key);
    for (int i = 0; i < 5; i++)
        assert_int_equal(show(f, "192.0.2.1", WRONG_KEY, &retry_s),
                         SID_E_UNAUTHENTICATED);
    assert_int_equal(show(f, "192.0.2.1", WRONG_KEY, &retry_s), SID_E_RATE);
    assert_in_range(retry_s, 1, 60);
    assert_int_equal(show(f, "192.0.2.1", NULL, &retry_s), SID_E_RATE);
    assert_int_equal(sid_metric_get(SID_M_AUTH_LIMITED) - limited, 2);
    assert_int_equal(show(f, "192.0.2.1", key, &retry_s), SID_OK);
    assert_int_equal(show(f, "192.0.2.2", WRONG_KEY, &retry_s),
                     SID_E_UNAUTHENTICATED);
}

static void
the_record_has_each_failure_within_the_limit_and_one_more(void **state) {
    struct fixture *f = *state;
    char key[SID_APIKEY_SIZE];
    struct sid_client client = put_client(f, key);
    int64_t rows = fixture_audit(f).rows, retry_s;
    int64_t unrecorded = sid_metric_get(SID_M_REFUSALS_UNRECORDED);
    key[SID_APIKEY_CHARS - 1] = key[SID_APIKEY_CHARS - 1] == '0' ? '1' : '0';
    assert_int_equal(show(f, "10.0.0.1", key, &retry_s), SID_E_UNAUTHENTICATED);
    struct last_audit last = fixture_audit(f);
    char detail[96] = "source=private key_of=";
    (void)strcat(detail, client.id);
    assert_int_equal(last.rows, rows + 1);
    assert_string_equal(last.event, "authorisation_refused");
    assert_string_equal(last.actor, "unknown");
    assert_string_equal(last.subject, ROUTE);
    assert_string_equal(last.outcome, "key_wrong");
    assert_string_equal(last.detail, detail);
    for (int i = 0; i < 20; i++)
        (void)show(f, "10.0.0.1", WRONG_KEY, &retry_s);
    last = fixture_audit(f);
    assert_int_equal(last.rows, rows + 6);
    assert_string_equal(last.outcome, "too_many_failures");
    assert_string_equal(last.detail, "source=private");
    assert_int_equal(sid_metric_get(SID_M_REFUSALS_UNRECORDED) - unrecorded,
                     15);
}

static void
a_dead_key_is_recorded_with_its_client(void **state) {
    struct fixture *f = *state;
    char key[SID_APIKEY_SIZE];
    int64_t retry_s;
    struct sid_client client = put_client(f, key);
    sid_keyset_revoke(f->keyset, client.id);
    assert_int_equal(show(f, "203.0.113.1", key, &retry_s),
                     SID_E_UNAUTHENTICATED);
    struct last_audit last = fixture_audit(f);
    assert_string_equal(last.outcome, "key_revoked");
    assert_string_equal(last.actor, client.id);
    assert_non_null(strstr(last.detail, "source=public "));
}

static void
without_a_limit_nobody_is_told_to_wait(void **state) {
    struct fixture *f = *state;
    struct sid_config next = f->config;
    int64_t retry_s;
    next.auth_failures_per_minute = 0;
    assert_int_equal(fixture_reload(f, &next, &f->purposes), SID_OK);
    for (int i = 0; i < 50; i++)
        assert_int_equal(show(f, "192.0.2.1", WRONG_KEY, &retry_s),
                         SID_E_UNAUTHENTICATED);
}

static void
a_role_that_may_not_is_recorded_and_never_told_to_wait(void **state) {
    struct fixture *f = *state;
    struct sid_address from = address("127.0.0.1");
    struct sid_attempt attempt = {"", 0, &from, ROUTE};
    int64_t retry_s, rows = fixture_audit(f).rows;
    for (int i = 0; i < 9; i++)
        assert_int_equal(sid_app_forbid(f->app, &attempt, &f->clerk, &retry_s),
                         SID_E_FORBIDDEN);
    /* Nor is it a wrong key of that source. */
    assert_int_equal(show(f, "127.0.0.1", WRONG_KEY, &retry_s),
                     SID_E_UNAUTHENTICATED);
    assert_int_equal(fixture_audit(f).rows, rows + 7);
    attempt.from = NULL;
    assert_int_equal(sid_app_forbid(f->app, &attempt, &f->clerk, &retry_s),
                     SID_E_FORBIDDEN);
    struct last_audit last = fixture_audit(f);
    assert_string_equal(last.outcome, "wrong_role");
    assert_string_equal(last.actor, f->clerk.client_id);
    assert_string_equal(last.detail, "source=control");
    const struct sid_caller nobody = {.role = SID_ROLE_NONE};
    assert_int_equal(sid_app_forbid(f->app, &attempt, &nobody, &retry_s),
                     SID_E_FORBIDDEN);
    last = fixture_audit(f);
    assert_string_equal(last.outcome, "wrong_user");
    assert_string_equal(last.actor, "unknown");
}

/* Anybody can write down what looks like a holder's secret. */
static void
holders_who_have_proven_nothing_are_limited_like_wrong_keys(void **state) {
    struct fixture *f = *state;
    struct sid_address from = address("192.0.2.1");
    struct sid_attempt attempt = {"", 0, &from, ROUTE};
    const struct sid_caller holder = {.role = SID_ROLE_HOLDER,
                                      .has_holder_secret = true};
    int64_t retry_s = 0;
    for (int i = 0; i < 5; i++)
        assert_int_equal(sid_app_forbid(f->app, &attempt, &holder, &retry_s),
                         SID_E_FORBIDDEN);
    assert_string_equal(fixture_audit(f).actor, "holder");
    assert_int_equal(sid_app_forbid(f->app, &attempt, &holder, &retry_s),
                     SID_E_RATE);
    assert_in_range(retry_s, 1, 60);
}

/* Stands in the writer's way until it is let go. */
struct wall {
    struct sid_op op;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool reached, open;
};

static enum sid_err
wall_run(struct sid_op *op, struct sid_store *store) {
    struct wall *wall = (struct wall *)op;
    (void)store;
    pthread_mutex_lock(&wall->lock);
    wall->reached = true;
    pthread_cond_broadcast(&wall->changed);
    while (!wall->open)
        pthread_cond_wait(&wall->changed, &wall->lock);
    pthread_mutex_unlock(&wall->lock);
    return SID_OK;
}

static void
wall_done(struct sid_op *op) {
    (void)op;
}

static void
a_writer_that_hangs_delays_no_refusal_and_what_is_left_out_is_counted(
    void **state) {
    struct fixture *f = *state;
    struct sid_config next = f->config;
    int64_t retry_s;
    int64_t unrecorded = sid_metric_get(SID_M_REFUSALS_UNRECORDED);
    struct wall wall = {
        .op = {.run = wall_run, .done = wall_done, .read_only = true},
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER};
    next.auth_failures_per_minute = 0;
    assert_int_equal(fixture_reload(f, &next, &f->purposes), SID_OK);
    int64_t rows = fixture_audit(f).rows;
    sid_writer_submit(f->writer, &wall.op);
    pthread_mutex_lock(&wall.lock);
    while (!wall.reached)
        pthread_cond_wait(&wall.changed, &wall.lock);
    pthread_mutex_unlock(&wall.lock);
    for (int i = 0; i < 100; i++)
        assert_int_equal(show(f, "192.0.2.1", WRONG_KEY, &retry_s),
                         SID_E_UNAUTHENTICATED);
    assert_int_equal(sid_metric_get(SID_M_REFUSALS_UNRECORDED) - unrecorded,
                     100 - 32);
    pthread_mutex_lock(&wall.lock);
    wall.open = true;
    pthread_cond_broadcast(&wall.changed);
    pthread_mutex_unlock(&wall.lock);
    assert_int_equal(fixture_audit(f).rows, rows + 32);
    /* And there is room again. */
    (void)show(f, "192.0.2.1", WRONG_KEY, &retry_s);
    assert_int_equal(fixture_audit(f).rows, rows + 33);
}

static enum sid_err
nothing_run(struct sid_op *op, struct sid_store *store) {
    (void)op;
    (void)store;
    return SID_OK;
}

static void
a_refusal_that_cannot_be_recorded_stays_one_and_is_counted(void **state) {
    struct fixture *f = *state;
    int64_t retry_s, unrecorded = sid_metric_get(SID_M_REFUSALS_UNRECORDED);
    struct sid_config next = f->config;
    next.auth_failures_per_minute = 0;
    assert_int_equal(fixture_reload(f, &next, &f->purposes), SID_OK);
    bool failed = true;
    for (unsigned n = 1; failed; n++) {
        struct sid_op nothing = {.run = nothing_run, .read_only = true};
        fuzz_fail_nth(n);
        assert_int_not_equal(show(f, "192.0.2.1", WRONG_KEY, &retry_s), SID_OK);
        /* Behind it, so that the writer has had its turn. */
        (void)!sid_writer_run(f->writer, &nothing);
        failed = fuzz_fail_end();
    }
    assert_true(sid_metric_get(SID_M_REFUSALS_UNRECORDED) > unrecorded);
}

static struct fixture *holding;
static struct sid_caller holder_of_1;

static enum sid_err
hold(void) {
    return sid_app_holds(holding->app, &holder_of_1, "enr_1") ? SID_OK
                                                              : SID_E_CRYPTO;
}

static void
only_the_secret_of_an_enrolment_holds_it(void **state) {
    char secret[SID_HOLDER_SECRET_SIZE];
    holding = *state;
    holder_of_1 =
        (struct sid_caller){.role = SID_ROLE_HOLDER, .has_holder_secret = true};
    assert_int_equal(sid_holder_secret_make(sid_keyring_holder(holding->keys),
                                            "enr_1", 0, secret,
                                            holder_of_1.holder_hash),
                     SID_OK);
    each_call_fails(hold);
    assert_false(sid_app_holds(holding->app, &holder_of_1, "enr_2"));
    assert_false(sid_app_holds(holding->app, &holder_of_1, ""));
    holder_of_1.has_holder_secret = false;
    assert_false(sid_app_holds(holding->app, &holder_of_1, "enr_1"));
}

/* ---- purposes ------------------------------------------------------------ */

static void
other_purposes_are_in_force_at_once_and_old_ones_stay_readable(void **state) {
    struct fixture *f = *state;
    const struct sid_purposes *before = sid_app_purposes(f->app);
    assert_int_equal(fixture_reload(f, &f->config, &f->purposes), SID_OK);
    assert_ptr_equal(sid_app_purposes(f->app), before); /* nothing changed */
    static struct sid_purposes other = {
        .count = 1, .item = {{.name = "gate", .attributes = SID_ATTR_NAME}}};
    assert_int_equal(fixture_reload(f, &f->config, &other), SID_OK);
    const struct sid_purposes *now = sid_app_purposes(f->app);
    assert_ptr_not_equal(now, before);
    assert_true(sid_purposes_same(now, &other));
    assert_true(sid_purposes_same(before, &f->purposes));
    struct sid_verify verify;
    fixture_verify(f, &verify, "SID1:X", "security_check");
    assert_int_equal(verify.flow.err, SID_OK);
    sid_verify_fini(&verify);
}

static void
assurance_below_the_purposes_is_not_valid_and_says_so(void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit submit;
    struct sid_verify verify;
    char code[SID_TOKEN_SIZE];
    static struct sid_purposes strict;
    strict = f->purposes;
    strict.item[0].assurance = SID_ASSURANCE_REMOTE_LIVE;
    fixture_enrol(f, &submit, NUMBER_A, 0, 0);
    fixture_code(f, submit.enrolment.credential_id, code);
    assert_int_equal(fixture_reload(f, &f->config, &strict), SID_OK);
    f->clerk.purpose_set = sid_app_purposes(f->app);
    fixture_verify(f, &verify, code, strict.item[0].name);
    assert_int_equal(verify.flow.err, SID_OK);
    assert_false(verify.valid);
    assert_true(verify.too_low);
    assert_false(verify.expired);
    assert_string_equal(verify.holder.name, "");
    assert_string_equal(verify.pseudonym, "");
    assert_string_equal(fixture_audit(f).outcome, "assurance_too_low");
    sid_verify_fini(&verify);
    fixture_verify(f, &verify, code, "security_check");
    assert_true(verify.valid);
    sid_verify_fini(&verify);
    sid_enrol_submit_fini(&submit);
}

/* ---- pseudonyms ---------------------------------------------------------- */

static void
pseudonym(struct fixture *f, const char *party, const char *credential_id,
          char out[SID_PSEUDONYM_SIZE]) {
    struct sid_verify verify;
    char code[SID_TOKEN_SIZE];
    assert_int_equal(
        sid_text_copy(f->clerk.party, sizeof f->clerk.party, party), SID_OK);
    fixture_code(f, credential_id, code);
    fixture_verify(f, &verify, code, "security_check");
    assert_true(verify.valid);
    memcpy(out, verify.pseudonym, SID_PSEUDONYM_SIZE);
    sid_verify_fini(&verify);
}

static void
revoke_start(void *flow) {
    sid_credential_change_start(flow);
}

static void
a_party_knows_a_person_by_one_pseudonym_even_after_another_enrolment(
    void **state) {
    struct fixture *f = *state;
    struct sid_enrol_submit first, second, somebody;
    char bank[SID_PSEUDONYM_SIZE], hotel[SID_PSEUDONYM_SIZE];
    char again[SID_PSEUDONYM_SIZE], other[SID_PSEUDONYM_SIZE];
    fixture_enrol(f, &first, NUMBER_A, 0, 0);
    fixture_enrol(f, &somebody, NUMBER_B, 0, 0);
    pseudonym(f, "Bank", first.enrolment.credential_id, bank);
    pseudonym(f, "Hotel", first.enrolment.credential_id, hotel);
    pseudonym(f, "Bank", somebody.enrolment.credential_id, other);
    assert_int_equal(strncmp(bank, "psn_", 4), 0);
    assert_string_not_equal(bank, hotel);
    assert_string_not_equal(bank, other);
    struct sid_credential_change revoke = {
        .change = SID_CHANGE_REVOKE, .reason = SID_REVOKE_LOST, .note = "lost"};
    memcpy(revoke.look.id, first.enrolment.credential_id,
           sizeof revoke.look.id);
    fixture_run(f, &revoke.look.flow, &f->app_caller, revoke_start);
    assert_int_equal(revoke.look.flow.err, SID_OK);
    sid_credential_change_fini(&revoke);
    fixture_enrol(f, &second, NUMBER_A, 0, 0);
    pseudonym(f, "Bank", second.enrolment.credential_id, again);
    assert_string_equal(again, bank);
    sid_enrol_submit_fini(&first);
    sid_enrol_submit_fini(&second);
    sid_enrol_submit_fini(&somebody);
}

int
main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gate_is_made_whole_or_not_at_all),
        T(who_has_no_bucket_has_no_quota),
        T(after_five_failures_a_source_is_told_to_wait_but_a_good_key_passes),
        T(the_record_has_each_failure_within_the_limit_and_one_more),
        T(a_dead_key_is_recorded_with_its_client),
        T(without_a_limit_nobody_is_told_to_wait),
        T(a_role_that_may_not_is_recorded_and_never_told_to_wait),
        T(holders_who_have_proven_nothing_are_limited_like_wrong_keys),
        T(a_writer_that_hangs_delays_no_refusal_and_what_is_left_out_is_counted),
        T(a_refusal_that_cannot_be_recorded_stays_one_and_is_counted),
        T(only_the_secret_of_an_enrolment_holds_it),
        T(other_purposes_are_in_force_at_once_and_old_ones_stay_readable),
        T(assurance_below_the_purposes_is_not_valid_and_says_so),
        T(a_party_knows_a_person_by_one_pseudonym_even_after_another_enrolment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
