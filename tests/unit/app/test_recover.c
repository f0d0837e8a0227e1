/* test_recover.c: a lost phone as a flow, with the fake face engine and an
 * in-memory store: what the end-to-end tests cannot bring about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../../../src/app/app_internal.h"
#include "fixture.h"
#include "smartid/clock.h"
#include "smartid/flow_recover.h"
#include "smartid/text.h"

#include <cmocka.h>

#include "../../fuzz/each_fails.h"

#define PERSON 5

struct scene {
    struct fixture *f;
    struct sid_enrol_submit submit;
};

static int
setup(void **state) {
    struct scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->f = fixture_new();
    fixture_enrol(s->f, &s->submit, NUMBER_A, 0, 0);
    assert_int_equal(s->submit.enrolment.state, SID_ENROL_APPROVED);
    *state = s;
    return 0;
}

static int
teardown(void **state) {
    struct scene *s = *state;
    sid_enrol_submit_fini(&s->submit);
    fixture_free(s->f);
    free(s);
    return 0;
}

static void
start(void *flow) {
    sid_recover_start(flow);
}

/* A recovery by the app with a selfie of this person. The caller calls fini. */
static void
recover(struct scene *s, struct sid_recover *out, int person,
        const struct sid_caller *caller) {
    *out = (struct sid_recover){.reason = SID_RECOVER_STOLEN};
    memcpy(out->look.id, s->submit.enrolment.credential_id,
           sizeof out->look.id);
    if (caller->role != SID_ROLE_OFFICER) {
        out->photo[SID_PHOTO_SELFIE] = fixture_photo(person, 0, 60);
        out->body_bytes = 100;
        assert_int_equal(sid_enrol_reserve(s->f->app, 100), SID_OK);
    }
    fixture_run(s->f, &out->look.flow, caller, start);
}

/* Every place is free again: as many can be taken as there are. */
static void
expect_no_place_taken(struct scene *s) {
    int64_t taken = 0;
    while (sid_enrol_reserve(s->f->app, 1) == SID_OK)
        taken++;
    assert_int_equal(taken, s->f->config.queue_capacity);
    assert_int_equal(atomic_load(&s->f->app->upload_bytes), taken);
    while (taken-- > 0)
        sid_enrol_release(s->f->app, 1);
}

struct write_op {
    struct sid_op op;
    struct scene *s;
    const char *assurance; /* NULL: erase the template */
    char read[SID_ASSURANCE_SIZE];
};

static enum sid_err
set_run(struct sid_op *op, struct sid_store *store) {
    struct write_op *to = (struct write_op *)op;
    struct sid_credential c = {.serial = 0};
    enum sid_err err = sid_store_credential_get(
        store, to->s->submit.enrolment.credential_id, &c);
    if (err == SID_OK && to->assurance != NULL) {
        memcpy(c.assurance, to->assurance, strlen(to->assurance) + 1);
        err = sid_store_credential_renew(store, &c);
    }
    memcpy(to->read, c.assurance, sizeof to->read);
    sid_credential_fini(&c);
    return err;
}

static void
the_old_secret_and_the_old_code_are_dead(void **state) {
    struct scene *s = *state;
    struct sid_recover it;
    struct sid_verify verify;
    char code[SID_TOKEN_SIZE];
    fixture_code(s->f, s->submit.enrolment.credential_id, code);
    recover(s, &it, PERSON, &s->f->app_caller);
    assert_int_equal(it.look.flow.err, SID_OK);
    assert_true(it.recovered);
    assert_int_equal(strlen(it.holder_secret), SID_HOLDER_SECRET_CHARS);
    assert_string_not_equal(it.holder_secret, s->submit.holder_secret);
    assert_string_equal(fixture_audit(s->f).event, "credential_recovered");
    fixture_verify(s->f, &verify, code, "household_registration");
    assert_false(verify.valid);
    assert_string_equal(fixture_audit(s->f).outcome, "recovered");
    sid_verify_fini(&verify);
    fixture_code(s->f, s->submit.enrolment.credential_id, code);
    fixture_verify(s->f, &verify, code, "household_registration");
    assert_true(verify.valid);
    sid_verify_fini(&verify);
    sid_recover_fini(&it);
    expect_no_place_taken(s);
}

static void
who_is_not_recognised_has_used_up_a_try_and_no_place(void **state) {
    struct scene *s = *state;
    for (int left = 2; left >= 0; left--) {
        struct sid_recover it;
        recover(s, &it, PERSON + 1, &s->f->app_caller);
        assert_int_equal(it.look.flow.err, SID_OK);
        assert_false(it.recovered);
        assert_int_equal(it.tries_left, left);
        assert_int_equal(it.reasons.count, 1);
        assert_int_equal(it.reasons.item[0].reason, SID_REASON_NOT_RECOGNISED);
        assert_string_equal(it.holder_secret, "");
        sid_recover_fini(&it);
    }
    struct sid_recover it;
    recover(s, &it, PERSON, &s->f->app_caller);
    assert_int_equal(it.look.flow.err, SID_E_RECOVERY_LOCKED);
    assert_string_equal(fixture_audit(s->f).event, "recovery_refused");
    assert_string_equal(fixture_audit(s->f).detail, "failures");
    sid_recover_fini(&it);
    expect_no_place_taken(s);
    recover(s, &it, 0, &s->f->officer);
    assert_true(it.recovered);
    assert_string_equal(fixture_audit(s->f).detail, "reason=stolen");
    sid_recover_fini(&it);
}

static void
to_a_stranger_there_is_nothing_to_recover(void **state) {
    struct scene *s = *state;
    struct sid_recover it;
    recover(s, &it, PERSON, &s->f->other_app);
    assert_int_equal(it.look.flow.err, SID_E_NOT_FOUND);
    sid_recover_fini(&it);
    expect_no_place_taken(s);
}

static void
no_try_is_used_up_when_nobody_could_look(void **state) {
    struct scene *s = *state;
    struct sid_pool *pool = atomic_load(&s->f->app->pool);
    struct sid_recover it;
    /* The workers end; a job finds none. */
    atomic_store(&s->f->app->pool, NULL);
    it = (struct sid_recover){.body_bytes = 0};
    memcpy(it.look.id, s->submit.enrolment.credential_id, sizeof it.look.id);
    it.photo[SID_PHOTO_SELFIE] = fixture_photo(PERSON, 0, 60);
    fixture_run(s->f, &it.look.flow, &s->f->app_caller, start);
    assert_int_equal(it.look.flow.err, SID_E_STOPPING);
    sid_recover_fini(&it);
    atomic_store(&s->f->app->pool, pool);
    for (int left = 2; left >= 0; left--) {
        recover(s, &it, PERSON + 1, &s->f->app_caller);
        assert_int_equal(it.tries_left, left);
        sid_recover_fini(&it);
    }
}

struct tries_op {
    struct sid_op op;
    struct scene *s;
    int used;
};

static enum sid_err
tries_run(struct sid_op *op, struct sid_store *store) {
    struct tries_op *tries = (struct tries_op *)op;
    struct sid_enrolment row = {0};
    enum sid_err err =
        sid_store_enrol_get(store, tries->s->submit.enrolment.id, &row);
    tries->used = row.recovery_failures;
    sid_enrolment_fini(&row);
    return err;
}

/* The right face; each call inside that can fail does so in turn. */
static void
a_call_that_fails_uses_up_no_try(void **state) {
    struct scene *s = *state;
    int errors = 0;
    bool failed = true;
    for (unsigned n = 1; failed; n++) {
        struct sid_recover it = {.body_bytes = 100};
        struct tries_op tries = {.op = {.run = tries_run, .read_only = true},
                                 .s = s};
        memcpy(it.look.id, s->submit.enrolment.credential_id,
               sizeof it.look.id);
        it.photo[SID_PHOTO_SELFIE] = fixture_photo(PERSON, 0, 60);
        assert_int_equal(sid_enrol_reserve(s->f->app, 100), SID_OK);
        fuzz_fail_nth(n);
        fixture_run(s->f, &it.look.flow, &s->f->app_caller, start);
        failed = fuzz_fail_end();
        errors += it.look.flow.err != SID_OK;
        sid_recover_fini(&it);
        assert_int_equal(sid_writer_run(s->f->writer, &tries.op), SID_OK);
        assert_int_equal(tries.used, 0);
    }
    assert_true(errors > 3);
    expect_no_place_taken(s);
}

static void
when_the_daemon_stops_it_is_refused_and_the_place_is_free(void **state) {
    struct scene *s = *state;
    struct sid_recover it;
    atomic_store(&s->f->app->stopping, true);
    it = (struct sid_recover){.body_bytes = 0};
    memcpy(it.look.id, s->submit.enrolment.credential_id, sizeof it.look.id);
    assert_int_equal(sid_pool_reserve(atomic_load(&s->f->app->pool)), SID_OK);
    fixture_run(s->f, &it.look.flow, &s->f->app_caller, start);
    assert_int_equal(it.look.flow.err, SID_E_STOPPING);
    sid_recover_fini(&it);
    atomic_store(&s->f->app->stopping, false);
    expect_no_place_taken(s);
}

static void
from_afar_the_assurance_falls_to_what_was_shown(void **state) {
    struct scene *s = *state;
    static const char *const had[] = {"counter", "remote_live", "remote"};
    for (int i = 0; i < 3; i++) {
        struct write_op set = {
            .op = {.run = set_run}, .s = s, .assurance = had[i]};
        struct sid_recover it;
        assert_int_equal(sid_writer_run(s->f->writer, &set.op), SID_OK);
        recover(s, &it, 0, &s->f->officer);
        assert_string_equal(it.look.credential.assurance, had[i]);
        sid_recover_fini(&it);
        recover(s, &it, PERSON, &s->f->app_caller);
        assert_true(it.recovered);
        assert_string_equal(it.look.credential.assurance, "remote");
        sid_recover_fini(&it);
    }
}

int
main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(the_old_secret_and_the_old_code_are_dead),
        T(who_is_not_recognised_has_used_up_a_try_and_no_place),
        T(to_a_stranger_there_is_nothing_to_recover),
        T(no_try_is_used_up_when_nobody_could_look),
        T(a_call_that_fails_uses_up_no_try),
        T(when_the_daemon_stops_it_is_refused_and_the_place_is_free),
        T(from_afar_the_assurance_falls_to_what_was_shown),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
