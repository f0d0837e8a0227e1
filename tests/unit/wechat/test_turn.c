/* Tests of what becomes of a push: turn.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "../../../src/app/app_internal.h"
#include "../../../src/wechat/service.h"
#include "smartid/clock.h"
#include "smartid/log.h"

#define ok(expression) assert_int_equal((expression), SID_OK)

static sem_t over;

static void
turn_over(struct sid_flow *flow) {
    (void)flow;
    assert_int_equal(sem_post(&over), 0);
}

/* What is answered to somebody who stops following. */
static enum sid_err
push(struct sid_wechat *wechat, int64_t created_at_s) {
    struct sid_wechat_turn turn = {
        .flow = {.app = wechat->app, .done = turn_over}, .wechat = wechat};
    turn.taken = calloc(1, sizeof *turn.taken);
    assert_non_null(turn.taken);
    turn.taken->push.kind = SID_WECHAT_UNSUBSCRIBE;
    turn.taken->push.created_at_s = created_at_s;
    memcpy(turn.taken->push.from, "o1", sizeof "o1");
    sid_wechat_turn_start(&turn);
    while (sem_wait(&over) != 0)
        continue;
    enum sid_err err = turn.flow.err;
    sid_wechat_turn_fini(&turn);
    return err;
}

/* Among what is not known may be that a clerk's key was revoked. */
static void
r_a_push_comes_again_while_it_is_unknown_what_other_daemons_did(void **state) {
    (void)state;
    static const uint8_t key[SID_KEY_BYTES] = {1};
    struct sid_wechat_account account = {.name = "city"};
    struct sid_app *app = calloc(1, sizeof *app);
    struct sid_wechat *wechat = calloc(1, sizeof *wechat);
    struct sid_store *store = NULL;
    assert_non_null(app);
    assert_non_null(wechat);
    assert_int_equal(sem_init(&over, 0, 0), 0);
    ok(sid_crypto_init());
    ok(sid_keyring_new_fixed(key, &wechat->keys));
    sid_log_set_level(SID_LOG_ERROR);
    ok(sid_store_open(":memory:", true, NULL, &store));
    ok(sid_writer_new(&store, &wechat->writer));
    wechat->accounts.item = &account;
    memcpy(wechat->run, "run", sizeof "run");
    wechat->app = app;

    ok(push(wechat, 1));
    app->shared.is = true;
    atomic_store(&app->shared.known_us, sid_mono_us() - (int64_t)6 * 1000000);
    assert_int_equal(push(wechat, 2), SID_E_STORE);
    atomic_store(&app->shared.known_us, sid_mono_us());
    ok(push(wechat, 2));

    sid_writer_free(&wechat->writer);
    sid_keyring_free(&wechat->keys);
    sid_crypto_fini();
    (void)sem_destroy(&over);
    free(wechat);
    free(app);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            r_a_push_comes_again_while_it_is_unknown_what_other_daemons_did),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
