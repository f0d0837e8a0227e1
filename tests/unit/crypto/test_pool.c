/* test_pool.c: contexts that are kept: never one for two threads, never more
 * than there is room for, and right results from more threads than that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <pthread.h>
#include <string.h>

#include "../../../src/crypto/algs.h"
#include "smartid/aead.h"
#include "smartid/mac.h"

/* More than are kept; a thread that has to wait for a core in the middle of its
 * work has a context in its hands. */
#define THREADS (3 * CTX_POOL_SLOTS)
#define ROUNDS 60

static const uint8_t key_bytes[SID_KEY_BYTES] = {1, 2, 3};
static struct sid_mac_key *mac;
static struct sid_aead_key *aead;
static struct sid_block_key *block;
static uint8_t expected[SID_SHA256_BYTES];
static uint8_t text[16384];
static pthread_barrier_t barrier;

static int
start(void **state) {
    (void)state;
    const struct sid_span part = sid_span_of(text, sizeof text);
    return sid_crypto_init() == SID_OK &&
                   sid_mac_key_new(key_bytes, &mac) == SID_OK &&
                   sid_aead_key_new(key_bytes, 1, &aead) == SID_OK &&
                   sid_block_key_new(key_bytes, &block) == SID_OK &&
                   sid_mac(mac, &part, 1, expected) == SID_OK
               ? 0
               : -1;
}

static int
stop(void **state) {
    (void)state;
    sid_mac_key_free(&mac);
    sid_aead_key_free(&aead);
    sid_block_key_free(&block);
    sid_crypto_fini();
    sid_mac_key_free(&mac); /* NULL is fine */
    sid_block_key_free(&block);
    return 0;
}

static void
the_pool_holds_sixteen_and_gives_each_once(void **state) {
    (void)state;
    static struct ctx_pool pool;
    char ctx[CTX_POOL_SLOTS + 1];
    unsigned seen = 0;
    assert_null(ctx_pool_take(&pool));
    for (size_t i = 0; i < CTX_POOL_SLOTS; i++)
        assert_null(ctx_pool_give(&pool, &ctx[i]));
    assert_ptr_equal(ctx_pool_give(&pool, &ctx[CTX_POOL_SLOTS]),
                     &ctx[CTX_POOL_SLOTS]);
    for (char *c; (c = ctx_pool_take(&pool)) != NULL;) {
        assert_in_range(c - ctx, 0, CTX_POOL_SLOTS - 1);
        assert_int_equal(seen & 1u << (c - ctx), 0);
        seen |= 1u << (c - ctx);
    }
    assert_int_equal(seen, (1u << CTX_POOL_SLOTS) - 1);
}

static bool
one_round(void) {
    static const struct sid_place place = {"table", "column", "row"};
    const struct sid_span part = sid_span_of(text, sizeof text);
    uint8_t out[SID_SHA256_BYTES] = {0};
    uint8_t in[SID_BLOCK_BYTES] = "block", hidden[SID_BLOCK_BYTES];
    uint8_t back[SID_BLOCK_BYTES] = {0};
    struct sid_buf sealed = SID_BUF_EMPTY, plain = SID_BUF_EMPTY;
    bool good =
        sid_mac(mac, &part, 1, out) == SID_OK &&
        memcmp(out, expected, sizeof out) == 0 &&
        sid_seal(aead, &place, part, &sealed) == SID_OK &&
        sid_open(aead, &place, sid_buf_span(&sealed), &plain) == SID_OK &&
        plain.len == sizeof text && memcmp(plain.ptr, text, plain.len) == 0;
    for (int i = 0; i < 50 && good; i++)
        good = sid_block_encrypt(block, in, hidden) == SID_OK &&
               sid_block_decrypt(block, hidden, back) == SID_OK &&
               memcmp(in, back, sizeof in) == 0;
    sid_buf_free(&sealed);
    sid_buf_free(&plain);
    return good;
}

static void *
work(void *failed) {
    (void)pthread_barrier_wait(&barrier);
    for (int i = 0; i < ROUNDS; i++)
        if (!one_round())
            *(bool *)failed = true;
    return NULL;
}

static void
more_threads_than_contexts_are_kept_get_right_results(void **state) {
    (void)state;
    pthread_t thread[THREADS];
    bool failed[THREADS] = {false};
    assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, work, &failed[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
        assert_false(failed[i]);
    }
    (void)pthread_barrier_destroy(&barrier);
}

static void
keys_that_are_still_there_survive_a_stop_and_a_start(void **state) {
    (void)state;
    uint8_t out[SID_SHA256_BYTES];
    const struct sid_span part = sid_span_of(text, sizeof text);
    sid_crypto_fini();
    assert_int_equal(sid_crypto_init(), SID_OK);
    assert_int_equal(sid_mac(mac, &part, 1, out), SID_OK);
    assert_memory_equal(out, expected, sizeof out);
}

static void
more_than_openssl_can_count_is_no_sealed_text(void **state) {
    (void)state;
    static const struct sid_place place = {"table", "column", "row"};
    struct sid_buf out = SID_BUF_EMPTY;
    const struct sid_span long_one = sid_span_of(text, (size_t)INT32_MAX + 1);
    assert_int_equal(sid_open(aead, &place, long_one, &out), SID_E_SEAL);
    assert_int_equal(sid_seal(aead, &place, long_one, &out), SID_E_ARGUMENT);
    assert_null(out.ptr);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pool_holds_sixteen_and_gives_each_once),
        cmocka_unit_test(more_threads_than_contexts_are_kept_get_right_results),
        cmocka_unit_test(keys_that_are_still_there_survive_a_stop_and_a_start),
        cmocka_unit_test(more_than_openssl_can_count_is_no_sealed_text),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
