/* test_keys_faults.c: keys are made, changed and destroyed whole or not at all,
 * whatever call inside fails; each in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "smartid/log.h"
#include "smartid/secretfile.h"

#include <cmocka.h>

#include "../../../src/app/app_internal.h"
#include "../../../src/store/store_front.h"
#include "../../fuzz/fuzz.h"

#define ok(expression) assert_int_equal((expression), SID_OK)
#define NOW_S INT64_C(1795428000)
#define LIFE_S 86400

struct place {
    char folder[32], path[64], next_path[72];
    struct sid_store *store;
};

static int
setup(void **state) {
    struct place *p = calloc(1, sizeof *p);
    assert_non_null(p);
    sid_log_set_level(SID_LOG_ALWAYS);
    ok(sid_crypto_init());
    (void)snprintf(p->folder, sizeof p->folder, "/tmp/sid-keys-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    (void)snprintf(p->path, sizeof p->path, "%s/key", p->folder);
    ok(sid_master_next_path(p->path, p->next_path, sizeof p->next_path));
    ok(sid_secretfile_make(p->path, SID_KEY_BYTES));
    ok(sid_store_open(":memory:", true, NULL, &p->store));
    *state = p;
    return 0;
}

static int
teardown(void **state) {
    struct place *p = *state;
    sid_store_close(&p->store);
    sid_crypto_fini();
    assert_int_equal(unlink(p->path), 0);
    (void)unlink(p->next_path);
    assert_int_equal(rmdir(p->folder), 0);
    free(p);
    return 0;
}

/* ---- what is there ------------------------------------------------------- */

struct counted {
    int all, retired;
};

static enum sid_err
count_key(const struct sid_wrapped_key *key, void *ctx) {
    struct counted *counted = ctx;
    counted->all++;
    counted->retired += key->retired_at_s != 0;
    return SID_OK;
}

static struct counted
keys_in(struct place *p) {
    struct counted counted = {0};
    ok(sid_store_key_each(p->store, count_key, &counted));
    return counted;
}

/* As when the store is opened anew: the audit key is given to it once. */
static enum sid_err
open_keys(struct place *p, struct sid_master **master,
          struct sid_keyring **ring) {
    p->store->audit_key = NULL;
    sid_master_free(master);
    sid_keyring_free(ring);
    return sid_keys_open(p->store, p->path, master, ring);
}

static enum sid_err
read_keys(struct place *p, struct sid_keyring **ring) {
    p->store->audit_key = NULL;
    sid_keyring_free(ring);
    return sid_keys_open_readonly(p->store, p->path, ring);
}

static void
close_keys(struct sid_master **master, struct sid_keyring **ring) {
    sid_master_free(master);
    sid_keyring_free(ring);
}

/* The master key at hand opens them. */
static void
expect_open(struct place *p) {
    struct sid_master *master = NULL;
    struct sid_keyring *ring = NULL;
    ok(open_keys(p, &master, &ring));
    close_keys(&master, &ring);
    ok(read_keys(p, &ring));
    close_keys(&master, &ring);
}

/* Ends the transaction that was begun; whether a call failed in it. */
static bool
end(struct place *p, enum sid_err err) {
    bool failed = fuzz_fail_end();
    assert_true(failed == (err != SID_OK));
    if (err == SID_OK)
        ok(sid_store_commit(p->store));
    else
        sid_store_rollback(p->store);
    return failed;
}

/* ---- the first ones ------------------------------------------------------ */

static void
a_new_database_has_all_its_keys_or_none(void **state) {
    struct place *p = *state;
    struct sid_master *master = NULL;
    struct sid_keyring *ring = NULL;
    bool failed = true;
    unsigned n = 0;
    assert_int_equal(read_keys(p, &ring), SID_E_NOT_FOUND);
    while (failed) {
        fuzz_fail_nth(++n);
        enum sid_err err = open_keys(p, &master, &ring);
        failed = fuzz_fail_end();
        assert_true(failed == (err != SID_OK));
        assert_int_equal(keys_in(p).all, failed ? 0 : SID_KEY_USE_COUNT);
        assert_int_equal(sid_store_audit_head(p->store, NULL),
                         failed ? 0 : 1 + SID_KEY_USE_COUNT);
        assert_true(failed == (master == NULL && ring == NULL));
    }
    assert_true(n > 20);
    close_keys(&master, &ring);
    expect_open(p);
}

static void
keys_that_cannot_be_read_are_an_error_and_stay(void **state) {
    struct place *p = *state;
    struct sid_master *master = NULL;
    struct sid_keyring *ring = NULL;
    ok(open_keys(p, &master, &ring));
    close_keys(&master, &ring);
    bool failed = true;
    for (unsigned n = 1; failed; n++) {
        fuzz_fail_nth(n);
        enum sid_err err = open_keys(p, &master, &ring);
        failed = fuzz_fail_end();
        assert_true(failed == (err != SID_OK));
    }
    close_keys(&master, &ring);
    failed = true;
    for (unsigned n = 1; failed; n++) {
        fuzz_fail_nth(n);
        enum sid_err err = read_keys(p, &ring);
        failed = fuzz_fail_end();
        assert_true(failed == (err != SID_OK));
        assert_true(failed == (ring == NULL));
    }
    close_keys(&master, &ring);
    assert_int_equal(keys_in(p).all, SID_KEY_USE_COUNT);
    /* Another master key, and none. */
    assert_int_equal(unlink(p->path), 0);
    assert_int_not_equal(open_keys(p, &master, &ring), SID_OK);
    ok(sid_secretfile_make(p->path, SID_KEY_BYTES));
    assert_int_equal(open_keys(p, &master, &ring), SID_E_WRONG_KEY);
    assert_int_equal(read_keys(p, &ring), SID_E_WRONG_KEY);
}

/* ---- new versions -------------------------------------------------------- */

static void
a_new_version_is_made_with_its_row_or_not_at_all(void **state) {
    struct place *p = *state;
    struct sid_master *master = NULL;
    struct sid_keyring *ring = NULL;
    struct sid_new_key made = {.version = 0};
    bool failed = true;
    ok(open_keys(p, &master, &ring));
    for (unsigned n = 1; failed; n++) {
        ok(sid_store_begin(p->store));
        fuzz_fail_nth(n);
        failed = end(p, sid_keys_rotate_in(p->store, master, SID_KEY_CODE,
                                           "control", NOW_S, &made));
        assert_int_equal(made.version, failed ? 0 : 2);
        assert_int_equal(keys_in(p).all, SID_KEY_USE_COUNT + !failed);
    }
    ok(sid_store_begin(p->store));
    assert_int_equal(sid_keys_rotate_in(p->store, master, SID_KEY_ROOT,
                                        "control", NOW_S, &made),
                     SID_E_ARGUMENT);
    for (int version = 3; version <= SID_KEY_VERSION_MAX; version++) {
        ok(sid_keys_rotate_in(p->store, master, SID_KEY_CODE, "control", NOW_S,
                              &made));
        assert_int_equal(made.version, version);
    }
    assert_int_equal(sid_keys_rotate_in(p->store, master, SID_KEY_CODE,
                                        "control", NOW_S, &made),
                     SID_E_CONFLICT);
    ok(sid_store_commit(p->store));
    close_keys(&master, &ring);
    expect_open(p);
}

static void
code_keys_are_destroyed_all_together_or_none(void **state) {
    struct place *p = *state;
    struct sid_master *master = NULL;
    struct sid_keyring *ring = NULL;
    struct sid_new_key made;
    struct sid_key_range range = {0};
    bool failed = true;
    ok(open_keys(p, &master, &ring));
    ok(sid_store_begin(p->store));
    for (int i = 0; i < 3; i++)
        ok(sid_keys_rotate_in(p->store, master, SID_KEY_CODE, "control",
                              NOW_S + i * LIFE_S, &made));
    /* The first one's codes may still be out. */
    ok(sid_keys_retire_codes_in(p->store, false, LIFE_S, "control", NOW_S,
                                &range));
    assert_int_equal(range.first, 0);
    ok(sid_store_commit(p->store));
    for (unsigned n = 1; failed; n++) {
        ok(sid_store_begin(p->store));
        fuzz_fail_nth(n);
        failed = end(p, sid_keys_retire_codes_in(p->store, true, LIFE_S,
                                                 "control", NOW_S, &range));
        assert_int_equal(keys_in(p).retired, failed ? 0 : 3);
        assert_int_equal(range.last, failed ? 0 : 3);
    }
    assert_int_equal(range.first, 1);
    close_keys(&master, &ring);
    expect_open(p);
}

/* ---- another master key -------------------------------------------------- */

static void
all_keys_are_under_one_master_key_whatever_fails(void **state) {
    struct place *p = *state;
    struct sid_master *master = NULL, *next = NULL;
    struct sid_keyring *ring = NULL;
    bool failed = true;
    ok(open_keys(p, &master, &ring));
    ok(sid_secretfile_make(p->next_path, SID_KEY_BYTES));
    ok(sid_master_load(p->next_path, &next));
    for (unsigned n = 1; failed; n++) {
        ok(sid_store_begin(p->store));
        fuzz_fail_nth(n);
        failed =
            end(p, sid_master_change_in(p->store, master, next, "control"));
        if (failed) /* the one of before opens all */
            ok(open_keys(p, &master, &ring));
    }
    sid_master_free(&next);
    close_keys(&master, &ring);
    /* Broken off here: who only reads takes the next one, and leaves it. */
    ok(read_keys(p, &ring));
    assert_int_equal(access(p->next_path, F_OK), 0);
    close_keys(&master, &ring);
    failed = true;
    for (unsigned n = 1; failed; n++) {
        fuzz_fail_nth(n);
        enum sid_err err = open_keys(p, &master, &ring);
        failed = fuzz_fail_end();
        assert_true(err == SID_OK || failed);
        assert_int_equal(access(p->path, F_OK), 0);
        if (err == SID_OK)
            break;
    }
    assert_int_not_equal(access(p->next_path, F_OK), 0); /* it moved */
    close_keys(&master, &ring);
    expect_open(p);
}

/* ---- what is sealed for people ------------------------------------------- */

static struct fixture *f;

struct keys_op {
    struct sid_op op;
    enum sid_key_use use;
    struct sid_new_key made;
    struct sid_stale stale;
    int destroyed;
};

static enum sid_err
rotate_run(struct sid_op *op, struct sid_store *store) {
    struct keys_op *keys = (struct keys_op *)op;
    return sid_keys_rotate_in(store, f->master, keys->use, "control", NOW_S,
                              &keys->made);
}

static enum sid_err
find_run(struct sid_op *op, struct sid_store *store) {
    struct keys_op *keys = (struct keys_op *)op;
    return sid_keys_stale_in(store, f->keys, SID_REWRAP_MAX, &keys->stale);
}

static enum sid_err
wrap_run(struct sid_op *op, struct sid_store *store) {
    struct keys_op *keys = (struct keys_op *)op;
    return sid_keys_rewrap_in(store, f->keys, &keys->stale);
}

static enum sid_err
destroy_run(struct sid_op *op, struct sid_store *store) {
    struct keys_op *keys = (struct keys_op *)op;
    return sid_keys_destroy_in(store, f->keys, "control", NOW_S,
                               &keys->destroyed);
}

/* Whatever fails: an error, and with none of them it is done. */
static void
whatever_fails(struct keys_op *keys, sid_op_run_fn *run) {
    bool failed = true;
    for (unsigned n = 1; failed; n++) {
        keys->op = (struct sid_op){.run = run};
        fuzz_fail_nth(n);
        enum sid_err err = sid_writer_run(f->writer, &keys->op);
        failed = fuzz_fail_end();
        assert_true(failed == (err != SID_OK));
    }
}

static void
rotate(enum sid_key_use use) {
    struct keys_op op = {.op = {.run = rotate_run}, .use = use};
    ok(sid_writer_run(f->writer, &op.op));
    ok(sid_keyring_put(f->keys, use, op.made.version, op.made.made_at_s,
                       op.made.key));
}

static void
a_code_still_opens_after_peoples_keys_were_wrapped_again(void **state) {
    struct sid_enrol_submit submit;
    struct sid_verify verify;
    char code[SID_TOKEN_SIZE];
    struct keys_op keys = {.use = SID_KEY_DATA};
    (void)state;
    f = fixture_new();
    fixture_enrol(f, &submit, NUMBER_A, 0, 0);
    rotate(SID_KEY_DATA);
    rotate(SID_KEY_TEMPLATE);
    keys.op.run = destroy_run;
    assert_int_equal(sid_writer_run(f->writer, &keys.op), SID_E_CONFLICT);
    whatever_fails(&keys, find_run);
    assert_int_equal(keys.stale.count, 1);
    whatever_fails(&keys, wrap_run);
    whatever_fails(&keys, wrap_run); /* it is done: nothing changes */
    whatever_fails(&keys, destroy_run);
    assert_int_equal(keys.destroyed, 2);
    assert_string_equal(fixture_audit(f).event, "key_retired");
    fixture_code(f, submit.enrolment.credential_id, code);
    fixture_verify(f, &verify, code, "household_registration");
    ok(verify.flow.err);
    sid_verify_fini(&verify);
    sid_enrol_submit_fini(&submit);
    fixture_free(f);
}

/* ---- by itself ----------------------------------------------------------- */

static enum sid_err
begin_run(struct sid_op *op, struct sid_store *store) {
    (void)op;
    return sid_keys_rewrap_begin(f->app, store);
}

static enum sid_err
nothing_run(struct sid_op *op, struct sid_store *store) {
    (void)op;
    (void)store;
    return SID_OK;
}

/* One tick, to the end of what it began: that is looked for, then done. */
static void
tick(void) {
    sid_keys_tick(f->app);
    for (int i = 0; i < 2; i++) {
        struct sid_op nothing = {.run = nothing_run, .read_only = true};
        (void)!sid_writer_run(f->writer, &nothing); /* behind it */
    }
    assert_false(atomic_load(&f->app->rewrap.running));
}

static void
what_fails_of_it_is_done_with_the_next_tick(void **state) {
    struct sid_enrol_submit submit;
    struct keys_op begin = {.op = {.run = begin_run}};
    struct keys_op count = {.op = {.run = find_run, .read_only = true}};
    bool failed = true;
    int failures = 0;
    (void)state;
    f = fixture_new();
    fixture_enrol(f, &submit, NUMBER_A, 0, 0);
    rotate(SID_KEY_DATA);
    ok(sid_writer_run(f->writer, &begin.op));
    assert_int_equal(atomic_load(&f->app->rewrap.left), 1);
    for (unsigned n = 1; failed; n++) {
        fuzz_fail_nth(n);
        tick();
        failed = fuzz_fail_end();
        failures += failed;
    }
    assert_true(failures > 3);
    for (int i = 0; atomic_load(&f->app->rewrap.due); i++) {
        assert_true(i < 3);
        tick();
    }
    assert_int_equal(atomic_load(&f->app->rewrap.left), 0);
    ok(sid_writer_run(f->writer, &count.op));
    assert_int_equal(count.stale.count, 0);
    assert_string_equal(fixture_audit(f).event, "key_retired");
    sid_enrol_submit_fini(&submit);
    fixture_free(f);
}

int
main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_new_database_has_all_its_keys_or_none),
        T(keys_that_cannot_be_read_are_an_error_and_stay),
        T(a_new_version_is_made_with_its_row_or_not_at_all),
        T(code_keys_are_destroyed_all_together_or_none),
        T(all_keys_are_under_one_master_key_whatever_fails),
        cmocka_unit_test(
            a_code_still_opens_after_peoples_keys_were_wrapped_again),
        cmocka_unit_test(what_fails_of_it_is_done_with_the_next_tick),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
