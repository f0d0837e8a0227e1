/* test_apikey.c: keys, holders' secrets, and the set that judges them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "smartid/apikey.h"
#include "smartid/text.h"

#define NOW_S 1795428000

static struct sid_keyset *set;

/* Where keys are shown in these tests unless they say otherwise. */
#define HOME "192.0.2.7"

static const struct sid_purposes purposes = {
    .count = 3,
    .item = {{.name = "bank"}, {.name = "train"}, {.name = "hotel"}}};

static int
start(void **state) {
    (void)state;
    return sid_crypto_init() == SID_OK ? 0 : -1;
}

static int
stop(void **state) {
    (void)state;
    sid_crypto_fini();
    return 0;
}

static int
new_set(void **state) {
    (void)state;
    if (sid_keyset_new(&set) != SID_OK)
        return -1;
    sid_keyset_use_purposes(set, &purposes, NULL, NULL);
    return 0;
}

static int
free_set(void **state) {
    (void)state;
    sid_keyset_free(&set);
    sid_keyset_free(&set);
    return set == NULL ? 0 : -1;
}

/* A client in the set, and its key. */
static struct sid_client
add(enum sid_role role, char key[SID_APIKEY_SIZE]) {
    struct sid_client client = {.role = role,
                                .purpose_names = "hotel gone bank",
                                .party = "Bureau",
                                .created_at_s = NOW_S,
                                .expires_at_s = NOW_S + 100};
    assert_int_equal(sid_id_make("cli_", client.id), SID_OK);
    assert_int_equal(sid_apikey_make(&client, key), SID_OK);
    assert_int_equal(sid_keyset_put(set, &client), SID_OK);
    return client;
}

static enum sid_err
check_from(const char *from, const char *text, int64_t now_s,
           struct sid_caller *out, struct sid_refused_key *refused) {
    struct sid_address address;
    assert_int_equal(sid_address_parse(from, strlen(from), &address), SID_OK);
    struct sid_shown_key shown = {text, strlen(text), &address};
    return sid_keyset_check(set, &shown, now_s, out, refused);
}

static enum sid_err
check_at(const char *text, int64_t now_s, struct sid_caller *out) {
    return check_from(HOME, text, now_s, out, NULL);
}

static void
refused(const char *text, size_t len) {
    struct sid_caller out, before;
    memset(&out, 0x33, sizeof out);
    before = out;
    struct sid_shown_key shown = {text, len, NULL};
    assert_int_equal(sid_keyset_check(set, &shown, NOW_S, &out, NULL),
                     SID_E_UNAUTHENTICATED);
    assert_memory_equal(&out, &before, sizeof out);
}

/* Refused from this address at this second for this reason; nothing is told of
 * the caller. */
static void
refused_for(enum sid_key_refusal why, const char *from, const char *key,
            int64_t now_s, struct sid_refused_key *told) {
    struct sid_caller out, before;
    memset(&out, 0x33, sizeof out);
    before = out;
    assert_int_equal(check_from(from, key, now_s, &out, told),
                     SID_E_UNAUTHENTICATED);
    assert_memory_equal(&out, &before, sizeof out);
    assert_int_equal(told->why, why);
}

static void
roles_are_read_by_name(void **state) {
    (void)state;
    static const struct {
        const char *name;
        enum sid_role role;
    } roles[] = {{"app", SID_ROLE_APP},
                 {"clerk", SID_ROLE_CLERK},
                 {"officer", SID_ROLE_OFFICER},
                 {"admin", SID_ROLE_ADMIN}};
    for (size_t i = 0; i < 4; i++) {
        enum sid_role role = SID_ROLE_NONE;
        assert_int_equal(sid_role_parse(roles[i].name, &role), SID_OK);
        assert_int_equal(role, roles[i].role);
        assert_string_equal(sid_role_name(role), roles[i].name);
    }
    assert_string_equal(sid_role_name(SID_ROLE_NONE), "none");
    assert_string_equal(sid_role_name(SID_ROLE_HOLDER), "holder");
    assert_string_equal(sid_role_name((enum sid_role)0x7fff), "none");
}

static void
holder_and_none_cannot_be_asked_for(void **state) {
    (void)state;
    static const char *const wrong[] = {"holder", "none", "", "Admin", "app "};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        enum sid_role role = SID_ROLE_CLERK;
        assert_int_equal(sid_role_parse(wrong[i], &role), SID_E_ARGUMENT);
        assert_int_equal(role, SID_ROLE_CLERK);
    }
}

static void
a_key_has_its_form_and_only_its_hash_is_kept(void **state) {
    (void)state;
    struct sid_client client = {0};
    char key[SID_APIKEY_SIZE], again[SID_APIKEY_SIZE];
    uint8_t hash[SID_SHA256_BYTES];
    assert_int_equal(sid_apikey_make(&client, key), SID_OK);
    assert_int_equal(strlen(key), SID_APIKEY_CHARS);
    assert_memory_equal(key, "sidk_", 5);
    assert_memory_equal(key + 5, client.key_name, 12);
    assert_int_equal(strlen(client.key_name), 12);
    assert_int_equal(key[17], '_');
    assert_true(sid_base32_clean(key + 18, 52));
    assert_int_equal(sid_sha256(sid_span_str(key), hash), SID_OK);
    assert_memory_equal(client.key_hash, hash, sizeof hash);
    assert_int_equal(sid_apikey_make(&client, again), SID_OK);
    assert_string_not_equal(key, again);
}

static void
a_key_in_the_set_tells_who_calls(void **state) {
    (void)state;
    char key[SID_APIKEY_SIZE];
    struct sid_client client = add(SID_ROLE_CLERK, key);
    struct sid_caller caller;
    memset(&caller, 0x33, sizeof caller);
    assert_int_equal(check_at(key, NOW_S, &caller), SID_OK);
    assert_int_equal(caller.role, SID_ROLE_CLERK);
    assert_string_equal(caller.client_id, client.id);
    assert_int_equal(caller.purposes, 5);
    assert_ptr_equal(caller.purpose_set, &purposes);
    assert_string_equal(caller.party, "Bureau");
    assert_false(caller.has_holder_secret);
}

static void
unknown_revoked_and_expired_keys_are_refused_alike(void **state) {
    (void)state;
    char key[SID_APIKEY_SIZE], other[SID_APIKEY_SIZE];
    struct sid_caller caller;
    struct sid_client unknown = {0};
    refused("sidk_000000000000_"
            "0000000000000000000000000000000000000000000000000000",
            SID_APIKEY_CHARS); /* in an empty set */
    struct sid_client client = add(SID_ROLE_APP, key);
    assert_int_equal(sid_apikey_make(&unknown, other), SID_OK);
    refused(other, SID_APIKEY_CHARS);
    assert_int_equal(check_at(key, NOW_S + 99, &caller), SID_OK);
    assert_int_equal(check_at(key, NOW_S + 100, &caller),
                     SID_E_UNAUTHENTICATED);
    sid_keyset_revoke(set, "cli_nobody"); /* which changes nothing */
    assert_int_equal(check_at(key, NOW_S + 99, &caller), SID_OK);
    client.revoked_at_s = NOW_S;
    assert_int_equal(sid_keyset_put(set, &client), SID_OK);
    refused(key, SID_APIKEY_CHARS);
}

static void
the_record_is_told_why_and_whose_key_it_was(void **state) {
    (void)state;
    char key[SID_APIKEY_SIZE], other[SID_APIKEY_SIZE];
    struct sid_client unknown = {0};
    struct sid_refused_key told;
    struct sid_client client = add(SID_ROLE_APP, key);
    assert_int_equal(sid_apikey_make(&unknown, other), SID_OK);
    refused_for(SID_KEY_UNKNOWN, HOME, other, NOW_S, &told);
    assert_string_equal(told.client_id, "");
    assert_string_equal(told.claimed_id, "");
    refused_for(SID_KEY_MALFORMED, HOME, "sidk_x", NOW_S, &told);
    assert_string_equal(told.claimed_id, "");
    refused_for(SID_KEY_EXPIRED, HOME, key, NOW_S + 100, &told);
    assert_string_equal(told.client_id, client.id);
    memcpy(other, key, sizeof other);
    other[SID_APIKEY_CHARS - 1] = key[SID_APIKEY_CHARS - 1] == '0' ? '1' : '0';
    /* Not its secret: its owner has proven nothing. */
    refused_for(SID_KEY_WRONG, HOME, other, NOW_S, &told);
    assert_string_equal(told.client_id, "");
    assert_string_equal(told.claimed_id, client.id);
    sid_keyset_revoke(set, client.id);
    refused_for(SID_KEY_REVOKED, HOME, key, NOW_S, &told);
    assert_string_equal(told.client_id, client.id);
    refused_for(SID_KEY_WRONG, HOME, other, NOW_S, &told);
}

static void
each_reason_has_a_word_for_the_record(void **state) {
    (void)state;
    static const char *const words[] = {"key_malformed", "key_unknown",
                                        "key_wrong",     "key_revoked",
                                        "key_expired",   "key_from_elsewhere"};
    assert_int_equal(sizeof words / sizeof words[0], SID_KEY_REFUSAL_COUNT);
    for (int i = 0; i < SID_KEY_REFUSAL_COUNT; i++)
        assert_string_equal(sid_key_refusal_name((enum sid_key_refusal)i),
                            words[i]);
}

static void
a_key_is_good_in_its_networks_only(void **state) {
    (void)state;
    char key[SID_APIKEY_SIZE];
    struct sid_caller caller;
    struct sid_refused_key told;
    struct sid_client client = add(SID_ROLE_CLERK, key);
    assert_int_equal(
        sid_networks_parse("192.0.2.0/24 2001:db8::/32", &client.networks),
        SID_OK);
    assert_int_equal(sid_keyset_put(set, &client), SID_OK);
    static const char *const inside[] = {"192.0.2.0", "192.0.2.255",
                                         "::ffff:192.0.2.1", "2001:db8::1"};
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++)
        assert_int_equal(check_from(inside[i], key, NOW_S, &caller, NULL),
                         SID_OK);
    static const char *const outside[] = {"192.0.3.0", "127.0.0.1", "::1",
                                          "2001:db9::1"};
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        refused_for(SID_KEY_ELSEWHERE, outside[i], key, NOW_S, &told);
        assert_string_equal(told.client_id, client.id);
    }
    refused(key, SID_APIKEY_CHARS); /* from where there are no addresses */
}

static void
a_keys_bucket_goes_on_when_the_client_is_put_anew(void **state) {
    (void)state;
    char key[SID_APIKEY_SIZE];
    struct sid_caller before, after;
    struct sid_client client = add(SID_ROLE_CLERK, key);
    int64_t retry_s = 0;
    assert_int_equal(check_from("::1", key, NOW_S, &before, NULL), SID_OK);
    assert_int_equal(before.per_minute, 0);
    assert_true(sid_quota_take(&before.key->bucket, 1, 1, 1, &retry_s));
    client.per_minute = 1;
    assert_int_equal(sid_keyset_put(set, &client), SID_OK);
    assert_int_equal(check_from("::1", key, NOW_S, &after, NULL), SID_OK);
    assert_int_equal(after.per_minute, 1);
    assert_false(sid_quota_take(&after.key->bucket, 1, 1, 1, &retry_s));
    /* Another key has another one. */
    (void)add(SID_ROLE_CLERK, key);
    assert_int_equal(check_from("::1", key, NOW_S, &after, NULL), SID_OK);
    assert_true(sid_quota_take(&after.key->bucket, 1, 1, 1, &retry_s));
}

static void
failures_are_counted_for_the_key_whose_name_was_shown(void **state) {
    (void)state;
    char key[SID_APIKEY_SIZE], other[SID_APIKEY_SIZE];
    struct sid_caller caller;
    struct sid_client client = add(SID_ROLE_APP, key);
    struct sid_client second = add(SID_ROLE_APP, other);
    assert_int_equal(check_at(key, NOW_S, &caller), SID_OK);
    assert_int_equal(sid_keyset_failures(set, client.id), 0);
    key[SID_APIKEY_CHARS - 1] = key[SID_APIKEY_CHARS - 1] == '0' ? '1' : '0';
    for (int i = 0; i < 3; i++)
        assert_int_equal(check_at(key, NOW_S, &caller), SID_E_UNAUTHENTICATED);
    assert_int_equal(sid_keyset_failures(set, client.id), 3);
    assert_int_equal(sid_keyset_failures(set, second.id), 0);
    assert_int_equal(sid_keyset_failures(set, "cli_nobody"), 0);
}

static void
ages_tell_which_keys_will_soon_expire(void **state) {
    (void)state;
    static const int64_t left_s[] = {-5,
                                     0,
                                     1,
                                     SID_KEY_WARN_SOON_S,
                                     SID_KEY_WARN_SOON_S + 1,
                                     SID_KEY_WARN_S,
                                     SID_KEY_WARN_S + 1};
    char key[SID_APIKEY_SIZE];
    struct sid_client client = {0};
    for (size_t i = 0; i < sizeof left_s / sizeof left_s[0]; i++) {
        client = add(SID_ROLE_OFFICER, key);
        client.expires_at_s = NOW_S + left_s[i];
        assert_int_equal(sid_keyset_put(set, &client), SID_OK);
    }
    struct sid_key_ages ages;
    sid_keyset_ages(set, SID_ROLE_OFFICER, NOW_S, &ages);
    assert_int_equal(ages.expired, 2);
    assert_int_equal(ages.soon, 2);
    assert_int_equal(ages.warn, 4);
    sid_keyset_ages(set, SID_ROLE_APP, NOW_S, &ages);
    assert_int_equal(ages.expired + ages.soon + ages.warn, 0);
    /* The last one has most of its time, and none when it is revoked. */
    sid_keyset_ages(set, SID_ROLE_OFFICER, NOW_S + 2, &ages);
    assert_int_equal(ages.warn, 4);
    sid_keyset_revoke(set, client.id);
    sid_keyset_ages(set, SID_ROLE_OFFICER, NOW_S + 2, &ages);
    assert_int_equal(ages.warn, 3);
}

static int unknown_count;

static void
note_unknown(const char *client_id, const char *purpose, void *ctx) {
    assert_int_equal(strncmp(client_id, "cli_", 4), 0);
    assert_string_equal(purpose, "gone");
    ++*(int *)ctx;
}

static void
other_purposes_change_what_grants_mean_at_once(void **state) {
    (void)state;
    static const struct sid_purposes next = {
        .count = 2, .item = {{.name = "hotel"}, {.name = "bank"}}};
    static const struct sid_purposes less = {.count = 1,
                                             .item = {{.name = "gone"}}};
    char key[SID_APIKEY_SIZE], dead[SID_APIKEY_SIZE];
    struct sid_caller caller;
    (void)add(SID_ROLE_CLERK, key);
    struct sid_client revoked = add(SID_ROLE_CLERK, dead);
    sid_keyset_revoke(set, revoked.id);
    sid_keyset_use_purposes(set, &next, note_unknown, &unknown_count);
    assert_int_equal(unknown_count, 1); /* of a key in use */
    assert_int_equal(check_at(key, NOW_S, &caller), SID_OK);
    assert_ptr_equal(caller.purpose_set, &next);
    assert_int_equal(caller.purposes, 3);
    /* A name that was unknown is kept and may come back. */
    sid_keyset_use_purposes(set, &less, NULL, NULL);
    assert_int_equal(check_at(key, NOW_S, &caller), SID_OK);
    assert_int_equal(caller.purposes, 1);
}

static void
a_key_with_any_other_character_or_length_is_refused(void **state) {
    (void)state;
    char key[SID_APIKEY_SIZE + 8] = {0};
    (void)add(SID_ROLE_APP, key);
    for (size_t at = 0; at < SID_APIKEY_CHARS; at++) {
        char good = key[at];
        for (const char *c = "0z_A-\x80"; *c != '\0'; c++) {
            key[at] = *c;
            if (*c != good)
                refused(key, SID_APIKEY_CHARS);
        }
        key[at] = good;
    }
    for (size_t len = 0; len < SID_APIKEY_CHARS; len++)
        refused(key, len);
    refused(key, SID_APIKEY_CHARS + 1);
    struct sid_caller caller;
    assert_int_equal(check_at(key, NOW_S, &caller), SID_OK);
}

static void
the_dummy_of_an_unknown_name_is_no_key(void **state) {
    (void)state;
    /* A client whose stored hash is all zeros must not open either. */
    struct sid_client zeros = {.role = SID_ROLE_ADMIN,
                               .expires_at_s = NOW_S + 100};
    memcpy(zeros.key_name, "000000000000", 13);
    assert_int_equal(sid_keyset_put(set, &zeros), SID_OK);
    refused("sidk_000000000000_"
            "0000000000000000000000000000000000000000000000000000",
            SID_APIKEY_CHARS);
}

static void
a_client_that_is_put_again_has_only_its_new_key(void **state) {
    (void)state;
    char before[SID_APIKEY_SIZE], after[SID_APIKEY_SIZE];
    struct sid_client client = add(SID_ROLE_APP, before);
    struct sid_caller caller;
    client.role = SID_ROLE_OFFICER;
    assert_int_equal(sid_apikey_make(&client, after), SID_OK);
    assert_int_equal(sid_keyset_put(set, &client), SID_OK);
    refused(before, SID_APIKEY_CHARS);
    assert_int_equal(check_at(after, NOW_S, &caller), SID_OK);
    assert_int_equal(caller.role, SID_ROLE_OFFICER);
}

static void
three_hundred_keys_are_all_found(void **state) {
    (void)state;
    static char keys[300][SID_APIKEY_SIZE];
    static struct sid_client clients[300];
    for (size_t i = 0; i < 300; i++)
        clients[i] = add(SID_ROLE_APP, keys[i]);
    for (size_t i = 0; i < 300; i += 3) {
        clients[i].revoked_at_s = 1;
        assert_int_equal(sid_keyset_put(set, &clients[i]), SID_OK);
    }
    for (size_t i = 0; i < 300; i++) {
        struct sid_caller caller;
        enum sid_err err = check_at(keys[i], NOW_S, &caller);
        assert_int_equal(err, i % 3 == 0 ? SID_E_UNAUTHENTICATED : SID_OK);
        if (err == SID_OK)
            assert_string_equal(caller.client_id, clients[i].id);
    }
}

static struct sid_mac_key *
holder_key(void) {
    uint8_t master[SID_KEY_BYTES], raw[SID_KEY_BYTES];
    for (size_t i = 0; i < sizeof master; i++)
        master[i] = (uint8_t)i;
    struct sid_mac_key *key = NULL;
    assert_int_equal(sid_hkdf(master, "smartidd/holder/v1", raw), SID_OK);
    assert_int_equal(sid_mac_key_new(raw, &key), SID_OK);
    return key;
}

static void
a_holder_secret_is_the_same_each_time_it_is_made(void **state) {
    (void)state;
    struct sid_mac_key *key = holder_key();
    char a[SID_HOLDER_SECRET_SIZE], b[SID_HOLDER_SECRET_SIZE];
    uint8_t hash[SID_SHA256_BYTES], own[SID_SHA256_BYTES];
    const char *id = "enr_0123456789abcdefghjkmnpqrs";
    assert_int_equal(sid_holder_secret_make(key, id, 1, a, hash), SID_OK);
    /* Computed by a second implementation (Python's hmac). */
    assert_string_equal(
        a, "sidh_gkw2e08dqa2wq28kqy6xrsc4r0v85g05v5d6809y450b8g90yp3g");
    assert_int_equal(strlen(a), SID_HOLDER_SECRET_CHARS);
    assert_int_equal(sid_sha256(sid_span_str(a), own), SID_OK);
    assert_memory_equal(hash, own, sizeof own);
    assert_int_equal(sid_holder_secret_make(key, id, 2, b, hash), SID_OK);
    assert_string_not_equal(a, b);
    assert_int_equal(sid_holder_secret_make(key, "enr_0", 1, b, hash), SID_OK);
    assert_string_not_equal(a, b);
    sid_mac_key_free(&key);
}

static void
a_holder_secret_proves_nothing_yet_but_gives_its_hash(void **state) {
    (void)state;
    struct sid_mac_key *key = holder_key();
    char secret[SID_HOLDER_SECRET_SIZE];
    uint8_t hash[SID_SHA256_BYTES];
    struct sid_caller caller;
    assert_int_equal(sid_holder_secret_make(key, "enr_1", 1, secret, hash),
                     SID_OK);
    assert_int_equal(check_at(secret, NOW_S, &caller), SID_OK);
    assert_int_equal(caller.role, SID_ROLE_HOLDER);
    assert_true(caller.has_holder_secret);
    assert_memory_equal(caller.holder_hash, hash, sizeof hash);
    assert_string_equal(caller.client_id, "");
    assert_int_equal(caller.purposes, 0);
    refused(secret, SID_HOLDER_SECRET_CHARS - 1);
    secret[10] = 'U';
    refused(secret, SID_HOLDER_SECRET_CHARS);
    sid_mac_key_free(&key);
}

static atomic_bool done;
static char shared_key[SID_APIKEY_SIZE];

static void *
look_up(void *ctx) {
    int *wrong = ctx;
    for (int i = 0; i < 2000; i++) {
        struct sid_caller caller;
        *wrong += check_at(shared_key, NOW_S, &caller) != SID_OK ||
                  caller.role != SID_ROLE_APP;
    }
    return NULL;
}

static void *
change(void *ctx) {
    char key[SID_APIKEY_SIZE];
    struct sid_client client = {.role = SID_ROLE_CLERK,
                                .expires_at_s = NOW_S + 100};
    int *wrong = ctx;
    for (int i = 0; !atomic_load(&done) && i < 3000; i++) {
        *wrong += sid_id_make("cli_", client.id) != SID_OK ||
                  sid_apikey_make(&client, key) != SID_OK ||
                  sid_keyset_put(set, &client) != SID_OK;
    }
    return NULL;
}

static void
look_ups_go_on_while_the_set_changes(void **state) {
    (void)state;
    pthread_t reader[3], writer;
    int wrong[4] = {0};
    (void)add(SID_ROLE_APP, shared_key);
    atomic_store(&done, false);
    assert_int_equal(pthread_create(&writer, NULL, change, &wrong[3]), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&reader[i], NULL, look_up, &wrong[i]),
                         0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_join(reader[i], NULL), 0);
    atomic_store(&done, true);
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_int_equal(wrong[0] + wrong[1] + wrong[2] + wrong[3], 0);
}

int
main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, new_set, free_set)
    const struct CMUnitTest tests[] = {
        T(roles_are_read_by_name),
        T(holder_and_none_cannot_be_asked_for),
        T(a_key_has_its_form_and_only_its_hash_is_kept),
        T(a_key_in_the_set_tells_who_calls),
        T(unknown_revoked_and_expired_keys_are_refused_alike),
        T(the_record_is_told_why_and_whose_key_it_was),
        T(each_reason_has_a_word_for_the_record),
        T(a_key_is_good_in_its_networks_only),
        T(a_keys_bucket_goes_on_when_the_client_is_put_anew),
        T(failures_are_counted_for_the_key_whose_name_was_shown),
        T(ages_tell_which_keys_will_soon_expire),
        T(other_purposes_change_what_grants_mean_at_once),
        T(a_key_with_any_other_character_or_length_is_refused),
        T(the_dummy_of_an_unknown_name_is_no_key),
        T(a_client_that_is_put_again_has_only_its_new_key),
        T(three_hundred_keys_are_all_found),
        T(a_holder_secret_is_the_same_each_time_it_is_made),
        T(a_holder_secret_proves_nothing_yet_but_gives_its_hash),
        T(look_ups_go_on_while_the_set_changes),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
