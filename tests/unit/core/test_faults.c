/* test_faults.c: whatever call inside says no, codes, keys, secrets, pseudonyms
 * and links of the audit log say no too, give nothing out, and work the next
 * time. Each such call fails in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../../fuzz/each_fails.h"
#include "smartid/apikey.h"
#include "smartid/audit.h"
#include "smartid/audit_chain.h"
#include "smartid/audit_head.h"
#include "smartid/enrolment.h"
#include "smartid/keyring.h"
#include "smartid/offline.h"
#include "smartid/pseudonym.h"
#include "smartid/ratelimit.h"
#include "smartid/token.h"

#define NOW_S 1795428000

static const uint8_t seed[SID_KEY_BYTES] = {1, 2, 3};
static struct sid_keyring *ring;

static int
start(void **state) {
    (void)state;
    return sid_crypto_init() == SID_OK &&
                   sid_keyring_new_fixed(seed, &ring) == SID_OK
               ? 0
               : -1;
}

static int
stop(void **state) {
    (void)state;
    sid_keyring_free(&ring);
    sid_crypto_fini();
    return 0;
}

static enum sid_err
make_and_open_a_code(void) {
    const struct sid_token_times times = {
        .now_s = NOW_S, .period_s = 86400, .grace_s = 120, .skew_s = 30};
    const struct sid_token token = {
        .serial = 7, .not_after_s = NOW_S + 60, .key_id = 1};
    struct sid_token out = {0};
    char text[SID_TOKEN_SIZE] = "";
    enum sid_err err = sid_token_make(ring, &token, text);
    assert_true((err == SID_OK) == (text[0] != '\0'));
    if (err == SID_OK)
        err = sid_token_open(ring, text, strlen(text), &times, &out);
    assert_true((err == SID_OK) == (out.serial == 7));
    return err;
}

static enum sid_err
make_and_check_a_key(void) {
    struct sid_client client = {.id = "cli_1",
                                .role = SID_ROLE_CLERK,
                                .purpose_names = "a,b",
                                .expires_at_s = NOW_S + 60};
    struct sid_keyset *set = NULL;
    struct sid_caller caller = {0};
    char text[SID_APIKEY_SIZE] = "";
    enum sid_err err = sid_apikey_make(&client, text);
    assert_true((err == SID_OK) == (text[0] != '\0'));
    if (err == SID_OK)
        err = sid_keyset_new(&set);
    if (err == SID_OK)
        err = sid_keyset_put(set, &client);
    if (err == SID_OK) {
        const struct sid_shown_key shown = {text, strlen(text), NULL};
        err = sid_keyset_check(set, &shown, NOW_S, &caller, NULL);
        assert_true((err == SID_OK) == (caller.role == SID_ROLE_CLERK));
    }
    sid_keyset_free(&set);
    sid_keyset_free(&set); /* NULL is fine */
    return err;
}

static enum sid_err
make_and_check_a_secret(void) {
    struct sid_keyset *set = NULL;
    struct sid_caller caller = {0};
    char text[SID_HOLDER_SECRET_SIZE] = "";
    uint8_t hash[SID_SHA256_BYTES];
    enum sid_err err = sid_holder_secret_make(sid_keyring_holder(ring), "enr_1",
                                              1, text, hash);
    assert_true((err == SID_OK) == (text[0] != '\0'));
    if (err == SID_OK)
        err = sid_keyset_new(&set);
    if (err == SID_OK) {
        const struct sid_shown_key shown = {text, strlen(text), NULL};
        err = sid_keyset_check(set, &shown, NOW_S, &caller, NULL);
        assert_true((err == SID_OK) == caller.has_holder_secret);
    }
    sid_keyset_free(&set);
    return err;
}

static enum sid_err
make_a_pseudonym(void) {
    const uint8_t index[SID_SHA256_BYTES] = {9};
    char text[SID_PSEUDONYM_SIZE] = "";
    enum sid_err err =
        sid_pseudonym_make(sid_keyring_pseudonym(ring), "bank", index, text);
    assert_true((err == SID_OK) == (text[0] != '\0'));
    return err;
}

static void
nothing_found(const struct sid_chain_finding *finding, void *ctx) {
    (void)finding;
    ++*(int *)ctx;
}

static enum sid_err
link_and_walk_rows(void) {
    static const uint8_t zeros[SID_SHA256_BYTES];
    const struct sid_mac_key *key = sid_keyring_audit(ring);
    struct sid_audit_entry entry = {.row = {.seq = 1,
                                            .event = "verification",
                                            .actor = "cli_1",
                                            .subject = "",
                                            .outcome = "valid",
                                            .detail = ""},
                                    .intact = true};
    struct sid_chain chain;
    uint8_t seal[SID_SHA256_BYTES];
    int found = 0;
    sid_chain_begin(&chain, key, 0, zeros, nothing_found, &found);
    enum sid_err err = sid_audit_link(key, zeros, &entry.row, entry.mac);
    if (err == SID_OK)
        err = sid_audit_anchor(key, 1, entry.mac, seal);
    if (err == SID_OK)
        err = sid_chain_row(&chain, &entry);
    /* Behind a row that was changed both ways are tried. */
    entry.row.seq = 2;
    entry.mac[0] ^= 1;
    if (err == SID_OK)
        err = sid_chain_row(&chain, &entry);
    entry.row.seq = 3;
    if (err == SID_OK)
        err = sid_chain_row(&chain, &entry);
    return err;
}

static enum sid_err
sign_a_head(void) {
    struct sid_audit_head head = {.seq = 1, .at_s = NOW_S};
    uint8_t public_key[SID_PUBLIC_KEY_BYTES];
    enum sid_err err = sid_head_sign(sid_keyring_head(ring), &head);
    if (err == SID_OK) {
        sid_sign_public(sid_keyring_head(ring), public_key);
        bool good = false;
        err = sid_head_check(public_key, &head, &good);
        assert_true(good == (err == SID_OK));
    }
    return err;
}

static enum sid_err
make_an_offline_code(void) {
    const struct sid_offline in = {.key_id = 1,
                                   .kind = SID_OFFLINE_AGE,
                                   .issued_at_s = NOW_S,
                                   .not_after_s = NOW_S + 60};
    char text[SID_OFFLINE_SIZE] = "";
    enum sid_err err = sid_offline_make(sid_keyring_head(ring), &in, text);
    assert_true((err == SID_OK) == (text[0] != '\0'));
    return err;
}

static enum sid_err
pack_a_person(void) {
    const struct sid_holder holder = {.name = "x", .id_number = "1"};
    struct sid_buf out = SID_BUF_EMPTY;
    enum sid_err err = sid_holder_pack(&holder, &out);
    assert_true((err == SID_OK) == (out.ptr != NULL));
    sid_buf_free(&out);
    return err;
}

static enum sid_err
count_failures(void) {
    struct sid_rate *rate = NULL;
    enum sid_err err = sid_rate_new(60, &rate);
    assert_true((err == SID_OK) == (rate != NULL));
    sid_rate_free(&rate);
    return err;
}

static void
each_failure_inside_is_a_failure_outside(void **state) {
    (void)state;
    each_call_fails(make_and_open_a_code);
    each_call_fails(make_and_check_a_key);
    each_call_fails(make_and_check_a_secret);
    each_call_fails(make_a_pseudonym);
    each_call_fails(link_and_walk_rows);
    each_call_fails(sign_a_head);
    each_call_fails(make_an_offline_code);
    each_call_fails(pack_a_person);
    each_call_fails(count_failures);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failure_inside_is_a_failure_outside),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
