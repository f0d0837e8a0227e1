/* test_stand_in.c: who has shown a key before and stands in for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <string.h>

#include "smartid/apikey.h"

#define NOW_S 1795428000
#define HOME "192.0.2.7"

static struct sid_keyset *set;

static int
start(void **state) {
    (void)state;
    return sid_crypto_init() == SID_OK && sid_keyset_new(&set) == SID_OK ? 0
                                                                         : -1;
}

static int
stop(void **state) {
    (void)state;
    sid_keyset_free(&set);
    sid_crypto_fini();
    return 0;
}

/* A clerk in the set. */
static struct sid_client
add(void) {
    char key[SID_APIKEY_SIZE];
    struct sid_client client = {.role = SID_ROLE_CLERK,
                                .created_at_s = NOW_S,
                                .expires_at_s = NOW_S + 100};
    assert_int_equal(sid_id_make("cli_", client.id), SID_OK);
    assert_int_equal(sid_apikey_make(&client, key), SID_OK);
    assert_int_equal(sid_keyset_put(set, &client), SID_OK);
    return client;
}

/* Somebody who has shown this client's key before. */
static enum sid_err
stand_in(const char *client_id, const char *from, bool anywhere, int64_t now_s,
         enum sid_key_refusal *why) {
    struct sid_address address;
    struct sid_caller caller, before;
    struct sid_refused_key told = {.why = SID_KEY_REFUSAL_COUNT};
    memset(&caller, 0x33, sizeof caller);
    before = caller;
    if (from != NULL)
        assert_int_equal(sid_address_parse(from, strlen(from), &address),
                         SID_OK);
    const struct sid_stand_in one = {client_id, from == NULL ? NULL : &address,
                                     anywhere};
    enum sid_err err = sid_keyset_stand_in(set, &one, now_s, &caller, &told);
    *why = told.why;
    if (err == SID_OK)
        assert_string_equal(caller.client_id, client_id);
    else
        assert_memory_equal(&caller, &before, sizeof caller);
    return err;
}

static void
who_stands_in_for_a_key_may_what_it_may_and_no_longer(void **state) {
    (void)state;
    enum sid_key_refusal why;
    enum sid_role role = SID_ROLE_NONE;
    struct sid_client client = add();
    assert_int_equal(stand_in(client.id, HOME, false, NOW_S + 99, &why),
                     SID_OK);
    assert_int_equal(stand_in(client.id, HOME, false, NOW_S + 100, &why),
                     SID_E_UNAUTHENTICATED);
    assert_int_equal(why, SID_KEY_EXPIRED);
    assert_int_equal(stand_in("cli_nobody", HOME, true, NOW_S, &why),
                     SID_E_UNAUTHENTICATED);
    assert_int_equal(why, SID_KEY_UNKNOWN);
    assert_int_equal(stand_in("", HOME, true, NOW_S, &why),
                     SID_E_UNAUTHENTICATED);
    assert_int_equal(sid_networks_parse("192.0.2.0/24", &client.networks),
                     SID_OK);
    assert_int_equal(sid_keyset_put(set, &client), SID_OK);
    assert_int_equal(stand_in(client.id, HOME, false, NOW_S, &why), SID_OK);
    assert_int_equal(stand_in(client.id, "::1", false, NOW_S, &why),
                     SID_E_UNAUTHENTICATED);
    assert_int_equal(why, SID_KEY_ELSEWHERE);
    assert_int_equal(stand_in(client.id, NULL, false, NOW_S, &why),
                     SID_E_UNAUTHENTICATED);
    assert_int_equal(stand_in(client.id, "::1", true, NOW_S, &why), SID_OK);
    sid_keyset_revoke(set, client.id);
    assert_int_equal(stand_in(client.id, HOME, true, NOW_S, &why),
                     SID_E_UNAUTHENTICATED);
    assert_int_equal(why, SID_KEY_REVOKED);
    assert_int_equal(sid_keyset_role(set, client.id, &role), SID_OK);
    assert_int_equal(role, SID_ROLE_CLERK);
    assert_int_equal(sid_keyset_role(set, "cli_nobody", &role),
                     SID_E_NOT_FOUND);
    /* Nobody has shown a wrong key. */
    assert_int_equal(sid_keyset_failures(set, client.id), 0);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_stands_in_for_a_key_may_what_it_may_and_no_longer),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
