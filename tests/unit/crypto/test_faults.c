/* test_faults.c: whatever call inside says no - the heap, the secure heap,
 * OpenSSL, the kernel's randomness - the whole says no, gives nothing out, and
 * works the next time. Each such call fails in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../fuzz/each_fails.h"
#include "smartid/aead.h"
#include "smartid/keyring.h"
#include "smartid/legacy.h"
#include "smartid/log.h"
#include "smartid/master.h"
#include "smartid/sign.h"
#include "smartid/subject.h"

static const uint8_t key[SID_KEY_BYTES] = {1, 2, 3};
static const struct sid_place place = {"table", "column", "row"};
static struct sid_keyring *ring;

static int
start(void **state) {
    (void)state;
    return sid_crypto_init() == SID_OK &&
                   sid_keyring_new_fixed(key, &ring) == SID_OK
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

/* Twice: with a context that is made, and with one that was used. */
static enum sid_err
seal_and_open(void) {
    struct sid_aead_key *aead = NULL;
    struct sid_buf sealed = SID_BUF_EMPTY, plain = SID_BUF_EMPTY;
    enum sid_err err = sid_aead_key_new(key, 1, &aead);
    assert_true((err == SID_OK) == (aead != NULL));
    for (int i = 0; i < 2 && err == SID_OK; i++) {
        err = sid_seal(aead, &place, sid_span_str("text"), &sealed);
        assert_true((err == SID_OK) == (sealed.ptr != NULL));
        if (err == SID_OK)
            err = sid_open(aead, &place, sid_buf_span(&sealed), &plain);
        assert_true((err == SID_OK) == (plain.ptr != NULL));
        sid_buf_free(&sealed);
        sid_buf_free(&plain);
    }
    sid_aead_key_free(&aead);
    return err;
}

/* Of a place that is authenticated in more than one piece. */
static enum sid_err
seal_for_a_long_place(void) {
    static const char word[] =
        "a name of seventy bytes or so, of which two do not fit into one piece";
    const struct sid_place far = {word, word, word};
    struct sid_aead_key *aead = NULL;
    struct sid_buf sealed = SID_BUF_EMPTY;
    enum sid_err err = sid_aead_key_new(key, 1, &aead);
    if (err == SID_OK)
        err = sid_seal(aead, &far, sid_span_str("text"), &sealed);
    sid_buf_free(&sealed);
    sid_aead_key_free(&aead);
    return err;
}

static enum sid_err
encrypt_and_decrypt(void) {
    struct sid_block_key *block = NULL;
    uint8_t in[SID_BLOCK_BYTES] = "block", out[SID_BLOCK_BYTES] = {0};
    uint8_t back[SID_BLOCK_BYTES] = {0};
    enum sid_err err = sid_block_key_new(key, &block);
    for (int i = 0; i < 2 && err == SID_OK; i++) {
        err = sid_block_encrypt(block, in, out);
        if (err == SID_OK)
            err = sid_block_decrypt(block, out, back);
    }
    assert_true(err == SID_OK ? memcmp(in, back, sizeof in) == 0
                              : back[0] == 0 || block != NULL);
    sid_block_key_free(&block);
    return err;
}

static enum sid_err
make_macs(void) {
    struct sid_mac_key *mac = NULL;
    const struct sid_span parts[] = {sid_span_str("a"), sid_span_str("b")};
    uint8_t out[SID_SHA256_BYTES] = {0};
    enum sid_err err = sid_mac_key_new(key, &mac);
    for (int i = 0; i < 2 && err == SID_OK; i++)
        err = sid_mac(mac, parts, 2, out);
    sid_mac_key_free(&mac);
    return err;
}

static enum sid_err
hash(void) {
    struct sid_sha256 *ctx = NULL;
    uint8_t once[SID_SHA256_BYTES], out[SID_SHA256_BYTES] = {0};
    enum sid_err err = sid_sha256(sid_span_str("text"), once);
    if (err == SID_OK)
        err = sid_sha256_new(&ctx);
    if (err == SID_OK)
        err = sid_sha256_update(ctx, sid_span_str("text"));
    if (err == SID_OK)
        err = sid_sha256_final(ctx, out);
    if (err == SID_OK)
        assert_memory_equal(once, out, sizeof out);
    sid_sha256_free(&ctx);
    return err;
}

/* What failed leaves nothing of the plaintext behind. */
static enum sid_err
speak_as_others_do(void) {
    static const uint8_t zeros[2 * SID_CBC_BLOCK_BYTES];
    static const uint8_t iv[SID_CBC_BLOCK_BYTES] = {4};
    const struct sid_span parts[] = {sid_span_str("a"), sid_span_str("b")};
    uint8_t digest[SID_SHA1_BYTES] = {0};
    uint8_t in[2 * SID_CBC_BLOCK_BYTES] = "text", out[sizeof in];
    uint8_t back[sizeof in];
    memset(out, 9, sizeof out);
    memset(back, 9, sizeof back);
    enum sid_err err = sid_legacy_sha1(parts, 2, digest);
    assert_true((err == SID_OK) == (memcmp(digest, zeros, sizeof digest) != 0));
    if (err != SID_OK)
        return err;
    err = sid_legacy_cbc_encrypt(key, iv, sid_span_of(in, sizeof in), out);
    assert_true((err != SID_OK) == (memcmp(out, zeros, sizeof out) == 0));
    if (err != SID_OK)
        return err;
    err = sid_legacy_cbc_decrypt(key, iv, sid_span_of(out, sizeof out), back);
    assert_memory_equal(back, err == SID_OK ? in : zeros, sizeof back);
    return err;
}

static enum sid_err
sign_and_verify(void) {
    struct sid_sign_key *pair = NULL;
    uint8_t public_key[SID_PUBLIC_KEY_BYTES];
    uint8_t signature[SID_SIGNATURE_BYTES] = {0};
    enum sid_err err = sid_sign_key_new(key, &pair);
    if (err == SID_OK)
        err = sid_sign(pair, sid_span_str("text"), signature);
    if (err == SID_OK) {
        sid_sign_public(pair, public_key);
        bool good = false;
        err =
            sid_sign_check(public_key, sid_span_str("text"), signature, &good);
        /* What cannot be checked is neither believed nor denied. */
        assert_true(good == (err == SID_OK));
    }
    sid_sign_key_free(&pair);
    return err;
}

static enum sid_err
make_a_keyring(void) {
    struct sid_keyring *made = NULL;
    enum sid_err err = sid_keyring_new_fixed(key, &made);
    assert_true((err == SID_OK) == (made != NULL));
    sid_keyring_free(&made);
    return err;
}

static enum sid_err
wrap_by_master(void) {
    struct sid_master *master = NULL;
    uint8_t wrapped[SID_WRAPPED_BYTES], out[SID_KEY_BYTES] = {0};
    enum sid_err err = sid_master_new(key, &master);
    if (err == SID_OK)
        err = sid_master_wrap(master, SID_KEY_DATA, 1, key, wrapped);
    if (err == SID_OK)
        err = sid_master_unwrap(master, SID_KEY_DATA, 1, wrapped, out);
    if (err == SID_OK)
        assert_memory_equal(out, key, sizeof out);
    sid_master_free(&master);
    return err;
}

static enum sid_err
use_a_persons_keys(void) {
    struct sid_subject_key own;
    struct sid_buf sealed = SID_BUF_EMPTY, plain = SID_BUF_EMPTY;
    enum sid_err err = sid_subject_make(ring, "sub_1", &own);
    const struct sid_subject subject = {
        .ring = ring, .id = "sub_1", .key = &own, .branch = SID_KEY_DATA};
    if (err == SID_OK)
        err = sid_subject_renew_template(ring, "sub_1", &own);
    if (err == SID_OK)
        err = sid_subject_seal(&subject, &place, sid_span_str("text"), &sealed);
    if (err == SID_OK)
        err = sid_subject_open(&subject, &place, sid_buf_span(&sealed), &plain);
    assert_true((err == SID_OK) == (plain.ptr != NULL));
    sid_buf_free(&sealed);
    sid_buf_free(&plain);
    return err;
}

static struct sid_subject_key old;

static enum sid_err
wrap_a_persons_keys_again(void) {
    struct sid_subject_key own = old;
    bool changed = false;
    enum sid_err err = sid_subject_rewrap(ring, "sub_1", &own, &changed);
    assert_true((err == SID_OK) == changed);
    if (err != SID_OK)
        assert_memory_equal(&own, &old, sizeof own);
    return err;
}

static enum sid_err
make_macs_from_nothing(void) {
    enum sid_err err = sid_crypto_init();
    if (err == SID_OK)
        err = make_macs();
    return err;
}

static enum sid_err
begin_anew(void) {
    enum sid_err err = sid_crypto_init();
    if (err == SID_OK)
        sid_crypto_fini();
    return err;
}

static void
each_failure_inside_is_a_failure_outside(void **state) {
    (void)state;
    each_call_fails(seal_and_open);
    each_call_fails(seal_for_a_long_place);
    each_call_fails(encrypt_and_decrypt);
    each_call_fails(make_macs);
    each_call_fails(hash);
    each_call_fails(speak_as_others_do);
    each_call_fails(sign_and_verify);
    each_call_fails(make_a_keyring);
    each_call_fails(wrap_by_master);
    each_call_fails(use_a_persons_keys);
}

static void
a_rewrap_that_fails_changes_nothing(void **state) {
    (void)state;
    assert_int_equal(sid_subject_make(ring, "sub_1", &old), SID_OK);
    assert_int_equal(sid_keyring_put(ring, SID_KEY_DATA, 2, 0, key), SID_OK);
    assert_int_equal(sid_keyring_put(ring, SID_KEY_TEMPLATE, 2, 0, key),
                     SID_OK);
    each_call_fails(wrap_a_persons_keys_again);
}

/* Not in the group above: nothing else may lie in the secure heap. */
static void
the_library_begins_whole_or_not_at_all(void **state) {
    (void)state;
    each_call_fails(begin_anew);
}

/* In a process of its own, without the right to lock and without an allowance.
 */
static void
memory_that_cannot_be_locked_is_used_all_the_same(void **state) {
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct __user_cap_header_struct head = {
            .version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct none[2] = {{0}};
        const struct rlimit nothing = {0, 0};
        sid_log_set_level(SID_LOG_ALWAYS);
        bool good = syscall(SYS_capset, &head, none) == 0 &&
                    setrlimit(RLIMIT_MEMLOCK, &nothing) == 0 &&
                    make_macs_from_nothing() == SID_OK;
        exit(good ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failure_inside_is_a_failure_outside),
        cmocka_unit_test(a_rewrap_that_fails_changes_nothing),
    };
    const struct CMUnitTest beginning[] = {
        cmocka_unit_test(the_library_begins_whole_or_not_at_all),
        cmocka_unit_test(memory_that_cannot_be_locked_is_used_all_the_same),
    };
    int failed = cmocka_run_group_tests(beginning, NULL, NULL);
    return failed + cmocka_run_group_tests(tests, start, stop);
}
