/* test_retention.c: what was kept long enough is erased by itself, a little at
 * a time, with an audit row each; and what is due is told before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../src/app/app_internal.h"
#include "fixture.h"
#include "smartid/audit_chain.h"
#include "smartid/clock.h"
#include "smartid/metrics.h"
#include "smartid/retention.h"

#include <cmocka.h>

#define DAY_S ((int64_t)86400)

/* By so much the test's clock is ahead. */
static char clock_path[] = "/tmp/sid-retention-clock-XXXXXX";

static void
set_clock(int64_t seconds) {
    char fresh[sizeof clock_path + 4];
    (void)snprintf(fresh, sizeof fresh, "%s.new", clock_path);
    FILE *file = fopen(fresh, "w");
    assert_non_null(file);
    assert_true(fprintf(file, "%lld\n", (long long)seconds) > 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(fresh, clock_path), 0);
}

static int
make_clock(void **state) {
    (void)state;
    int fd = mkstemp(clock_path);
    if (fd < 0 || close(fd) != 0)
        return -1;
    return setenv("SMARTIDD_TEST_CLOCK", clock_path, 1);
}

static int
remove_clock(void **state) {
    (void)state;
    return unlink(clock_path);
}

static int
setup(void **state) {
    set_clock(0);
    *state = fixture_new();
    return 0;
}

static int
teardown(void **state) {
    fixture_free(*state);
    return 0;
}

struct apply_op {
    struct sid_op op;
    const struct sid_config *config;
    const struct sid_keyring *keys;
    enum sid_retention_rule rule;
    int64_t now_s;
    int done;
    bool more;
    struct sid_retention_row row[SID_RETENTION_COUNT];
    int64_t rows, bad_seq;
};

static enum sid_err
apply_run(struct sid_op *op, struct sid_store *store) {
    struct apply_op *apply = (struct apply_op *)op;
    return sid_retention_apply_in(store, apply->config, apply->rule,
                                  apply->now_s, &apply->done, &apply->more);
}

static struct apply_op
apply(struct fixture *f, enum sid_retention_rule rule, int64_t after_s) {
    struct apply_op apply = {.op = {.run = apply_run},
                             .config = &f->config,
                             .rule = rule,
                             .now_s = sid_now_s() + after_s};
    assert_int_equal(sid_writer_run(f->writer, &apply.op), SID_OK);
    return apply;
}

static void
note_bad(const struct sid_chain_finding *finding, void *ctx) {
    int64_t *bad_seq = ctx;
    *bad_seq = finding->first;
}

static enum sid_err
feed(const struct sid_audit_entry *entry, void *ctx) {
    return sid_chain_row(ctx, entry);
}

/* The whole log, from where it begins. */
static enum sid_err
walk_log(struct sid_store *store, struct apply_op *apply) {
    const struct sid_mac_key *key = sid_keyring_audit(apply->keys);
    struct sid_chain chain;
    int64_t seq;
    uint8_t mac[SID_SHA256_BYTES];
    enum sid_err err = sid_store_audit_anchor(store, key, 0, &seq, mac);
    if (err != SID_OK)
        return err;
    sid_chain_begin(&chain, key, seq, mac, note_bad, &apply->bad_seq);
    err = sid_store_audit_each(store, INT64_MIN, INT64_MAX, feed, &chain);
    sid_chain_end(&chain);
    apply->rows = chain.rows;
    return err;
}

static enum sid_err
status_run(struct sid_op *op, struct sid_store *store) {
    struct apply_op *apply = (struct apply_op *)op;
    enum sid_err err =
        sid_retention_status_in(store, apply->config, apply->now_s, apply->row);
    if (err == SID_OK)
        err = walk_log(store, apply);
    return err;
}

static struct apply_op
status(struct fixture *f, int64_t after_s) {
    struct apply_op apply = {.op = {.run = status_run, .read_only = true},
                             .config = &f->config,
                             .keys = f->keys,
                             .now_s = sid_now_s() + after_s};
    assert_int_equal(sid_writer_run(f->writer, &apply.op), SID_OK);
    return apply;
}

static void
enrol(struct fixture *f, const char *number, int flaw, char id[SID_ID_SIZE],
      char credential_id[SID_ID_SIZE]) {
    struct sid_enrol_submit submit;
    fixture_enrol(f, &submit, number, 0, flaw);
    memcpy(id, submit.enrolment.id, SID_ID_SIZE);
    if (credential_id != NULL)
        memcpy(credential_id, submit.enrolment.credential_id, SID_ID_SIZE);
    sid_enrol_submit_fini(&submit);
}

static void
get_start(void *flow) {
    sid_enrol_get_start(flow);
}

static bool
is_there(struct fixture *f, const char *id) {
    struct sid_enrol_get get = {.wait_until_us = 0};
    memcpy(get.id, id, sizeof get.id);
    fixture_run(f, &get.flow, &f->officer, get_start);
    bool there = get.flow.err == SID_OK;
    sid_enrol_get_fini(&get);
    return there;
}

static void
revoke_start(void *flow) {
    sid_credential_change_start(flow);
}

static void
revoke_credential(struct fixture *f, const char *id) {
    struct sid_credential_change revoke = {
        .change = SID_CHANGE_REVOKE, .reason = SID_REVOKE_LOST, .note = "lost"};
    memcpy(revoke.look.id, id, sizeof revoke.look.id);
    fixture_run(f, &revoke.look.flow, &f->officer, revoke_start);
    assert_int_equal(revoke.look.flow.err, SID_OK);
    sid_credential_change_fini(&revoke);
}

static void
each_rule_erases_its_own_after_its_days_and_says_so(void **state) {
    struct fixture *f = *state;
    char review[SID_ID_SIZE], rejected[SID_ID_SIZE], active[SID_ID_SIZE];
    enrol(f, NUMBER_A, 9, review, NULL);
    enrol(f, NUMBER_A, 1, rejected, NULL);
    enrol(f, NUMBER_B, 0, active, NULL);
    f->config.undecided_days = 5;
    f->config.rejected_days = 7;
    assert_int_equal(apply(f, SID_RETAIN_UNDECIDED, 5 * DAY_S - 60).done, 0);
    assert_int_equal(apply(f, SID_RETAIN_UNDECIDED, 5 * DAY_S + 60).done, 1);
    assert_false(is_there(f, review));
    assert_int_equal(fixture_photos_stored(f), 0);
    struct last_audit last = fixture_audit(f);
    assert_string_equal(last.event, "enrolment_erased");
    assert_string_equal(last.actor, "system");
    assert_string_equal(last.outcome, "undecided");
    assert_int_equal(apply(f, SID_RETAIN_REJECTED, 7 * DAY_S - 60).done, 0);
    assert_int_equal(apply(f, SID_RETAIN_REJECTED, 7 * DAY_S + 60).done, 1);
    assert_false(is_there(f, rejected));
    for (int rule = 0; rule < SID_RETAIN_AUDIT; rule++)
        assert_int_equal(
            apply(f, (enum sid_retention_rule)rule, 3650 * DAY_S).done, 0);
    assert_true(is_there(f, active));
}

static void
a_person_is_erased_so_long_after_the_revocation(void **state) {
    struct fixture *f = *state;
    char id[SID_ID_SIZE], credential_id[SID_ID_SIZE];
    enrol(f, NUMBER_A, 0, id, credential_id);
    assert_int_equal(apply(f, SID_RETAIN_REVOKED, 999 * DAY_S).done, 0);
    revoke_credential(f, credential_id);
    assert_int_equal(apply(f, SID_RETAIN_REVOKED, 365 * DAY_S - 60).done, 0);
    assert_int_equal(apply(f, SID_RETAIN_REVOKED, 365 * DAY_S + 60).done, 1);
    assert_false(is_there(f, id));
    assert_string_equal(fixture_audit(f).detail, credential_id);
    assert_string_equal(fixture_audit(f).outcome, "revoked");
}

static void
much_that_is_due_goes_in_bounded_steps(void **state) {
    struct fixture *f = *state;
    char id[SID_ID_SIZE];
    for (int i = 0; i < SID_RETENTION_PEOPLE_MAX + 2; i++)
        enrol(f, "1", 0, id, NULL); /* rejected at the door */
    struct apply_op first = apply(f, SID_RETAIN_REJECTED, 31 * DAY_S);
    assert_int_equal(first.done, SID_RETENTION_PEOPLE_MAX);
    assert_true(first.more);
    struct apply_op second = apply(f, SID_RETAIN_REJECTED, 31 * DAY_S);
    assert_int_equal(second.done, 2);
    assert_false(second.more);
}

static void
the_audit_log_is_kept_for_ever_unless_days_are_set(void **state) {
    struct fixture *f = *state;
    char id[SID_ID_SIZE];
    enrol(f, NUMBER_A, 0, id, NULL);
    int64_t rows = fixture_audit(f).rows;
    assert_int_equal(apply(f, SID_RETAIN_AUDIT, 36500 * DAY_S).done, 0);
    assert_int_equal(fixture_audit(f).rows, rows);
    f->config.audit_days = 400;
    assert_int_equal(apply(f, SID_RETAIN_AUDIT, 399 * DAY_S).done, 0);
    assert_int_equal(apply(f, SID_RETAIN_AUDIT, 401 * DAY_S).done, rows - 1);
    struct last_audit last = fixture_audit(f);
    assert_int_equal(last.rows, 2);
    assert_string_equal(last.event, "audit_pruned");
    assert_int_equal(status(f, 0).rows, 2);
    assert_int_equal(status(f, 0).bad_seq, 0);
}

static void
what_is_due_and_since_when_is_told(void **state) {
    struct fixture *f = *state;
    char id[SID_ID_SIZE];
    int64_t now_s = sid_now_s();
    enrol(f, NUMBER_A, 9, id, NULL);
    struct apply_op now = status(f, 0);
    assert_int_equal(now.row[SID_RETAIN_UNDECIDED].days, 30);
    assert_int_equal(now.row[SID_RETAIN_UNDECIDED].due, 0);
    assert_in_range(now.row[SID_RETAIN_UNDECIDED].oldest_s, now_s, now_s + 60);
    assert_int_equal(now.row[SID_RETAIN_UNDECIDED].ran_at_s, 0);
    assert_int_equal(now.row[SID_RETAIN_REVOKED].oldest_s, 0);
    assert_int_equal(now.row[SID_RETAIN_AUDIT].days, 0);
    assert_in_range(now.row[SID_RETAIN_AUDIT].oldest_s, now_s - 60, now_s + 60);
    f->config.audit_days = 1;
    struct apply_op later = status(f, 31 * DAY_S);
    assert_int_equal(later.row[SID_RETAIN_UNDECIDED].due, 1);
    assert_int_equal(later.row[SID_RETAIN_REJECTED].due, 0);
    assert_int_equal(later.row[SID_RETAIN_AUDIT].due, fixture_audit(f).rows);
    struct apply_op ran = apply(f, SID_RETAIN_UNDECIDED, 0);
    assert_int_equal(status(f, 0).row[SID_RETAIN_UNDECIDED].ran_at_s,
                     ran.now_s);
}

static void
the_timer_applies_all_rules_until_nothing_is_due(void **state) {
    struct fixture *f = *state;
    char id[SID_ID_SIZE];
    int people = 2 * SID_RETENTION_PEOPLE_MAX + 3;
    int64_t erased = sid_metric_get(SID_M_ERASED);
    for (int i = 0; i < people; i++)
        enrol(f, "1", 0, id, NULL);
    sid_app_tick(f->app); /* nothing is due yet */
    set_clock(31 * DAY_S);
    f->app->retention.next_us = 0;
    while (sid_metric_get(SID_M_ERASED) - erased < people)
        sid_app_tick(f->app);
    assert_false(is_there(f, id));
    assert_int_equal(status(f, 0).row[SID_RETAIN_REJECTED].due, 0);
    assert_true(status(f, 0).row[SID_RETAIN_AUDIT].ran_at_s > 0);
}

static void
the_alarm_of_stored_faces_goes_on_and_off(void **state) {
    struct fixture *f = *state;
    char id[SID_ID_SIZE];
    struct sid_config config = f->config;
    config.faces_alarm = 2;
    assert_int_equal(fixture_reload(f, &config, &f->purposes), SID_OK);
    enrol(f, NUMBER_A, 0, id, NULL);
    sid_app_tick(f->app);
    assert_int_equal(sid_metric_get(SID_M_FACES_ALARM), 0);
    enrol(f, NUMBER_B, 9, id, NULL);
    sid_app_tick(f->app);
    assert_int_equal(sid_metric_get(SID_M_FACES_STORED), 2);
    assert_int_equal(sid_metric_get(SID_M_FACES_ALARM), 1);
    config.faces_alarm = 3;
    assert_int_equal(fixture_reload(f, &config, &f->purposes), SID_OK);
    sid_app_tick(f->app);
    assert_int_equal(sid_metric_get(SID_M_FACES_ALARM), 0);
}

static void
look_start(void *flow) {
    sid_retention_look_start(flow);
}

static void
admins_see_the_rules_and_the_faces(void **state) {
    struct fixture *f = *state;
    char id[SID_ID_SIZE];
    struct sid_retention_look look = {.faces = -1};
    enrol(f, NUMBER_A, 0, id, NULL);
    fixture_run(f, &look.flow, &f->admin, look_start);
    assert_int_equal(look.flow.err, SID_OK);
    assert_int_equal(look.faces, 1);
    assert_int_equal(look.faces_alarm, 90000);
    assert_int_equal(look.row[SID_RETAIN_REVOKED].days, 365);
}

int
main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(each_rule_erases_its_own_after_its_days_and_says_so),
        T(a_person_is_erased_so_long_after_the_revocation),
        T(much_that_is_due_goes_in_bounded_steps),
        T(the_audit_log_is_kept_for_ever_unless_days_are_set),
        T(what_is_due_and_since_when_is_told),
        T(the_timer_applies_all_rules_until_nothing_is_due),
        T(the_alarm_of_stored_faces_goes_on_and_off),
        T(admins_see_the_rules_and_the_faces),
    };
    return cmocka_run_group_tests(tests, make_clock, remove_clock);
}
