/* test_template.c: turned embeddings compare as the plain ones do, say nothing
 * under another transform, and come back. The figures are printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/template.h"

#define N SID_EMBEDDING_FLOATS
#define PEOPLE 1000

static struct sid_transform old_one, new_one;
static uint64_t random_state = 20261125;

/* Source: splitmix64, public domain. */
static double
uniform(void) {
    uint64_t z = (random_state += 0x9E3779B97F4A7C15u);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (double)((z ^ z >> 31) >> 11) / (double)(1ull << 53);
}

static double
normal(void) {
    return sqrt(-2 * log(1 - uniform())) * cos(2 * M_PI * uniform());
}

static void
make_unit(float v[N]) {
    double square = 0;
    for (size_t i = 0; i < N; i++)
        square += (double)v[i] * (double)v[i];
    for (size_t i = 0; i < N; i++)
        v[i] = (float)((double)v[i] / sqrt(square));
}

static void
random_embedding(float v[N]) {
    for (size_t i = 0; i < N; i++)
        v[i] = (float)normal();
    make_unit(v);
}

/* One whose cosine to v is about c: another photo of the person, or not. */
static void
embedding_near(const float v[N], double c, float out[N]) {
    float other[N];
    random_embedding(other);
    for (size_t i = 0; i < N; i++)
        out[i] = (float)(c * (double)v[i] + sqrt(1 - c * c) * (double)other[i]);
    make_unit(out);
}

static int
start(void **state) {
    (void)state;
    uint8_t raw[2][SID_KEY_BYTES] = {{1}, {2}};
    struct sid_transform *to[] = {&old_one, &new_one};
    bool good = sid_crypto_init() == SID_OK;
    for (int i = 0; i < 2 && good; i++) {
        struct sid_mac_key *key = NULL;
        good = sid_mac_key_new(raw[i], &key) == SID_OK &&
               sid_transform_make(key, to[i]) == SID_OK;
        sid_mac_key_free(&key);
    }
    return good ? 0 : -1;
}

static int
stop(void **state) {
    (void)state;
    sid_crypto_fini();
    return 0;
}

static void
a_key_gives_one_transform_and_another_key_another(void **state) {
    (void)state;
    const uint8_t raw[SID_KEY_BYTES] = {1};
    struct sid_mac_key *key = NULL;
    struct sid_transform again;
    assert_int_equal(sid_mac_key_new(raw, &key), SID_OK);
    assert_int_equal(sid_transform_make(key, &again), SID_OK);
    sid_mac_key_free(&key);
    assert_memory_equal(&again, &old_one, sizeof again);
    int differ = 0;
    for (size_t i = 0; i < sizeof again; i++)
        differ +=
            __builtin_popcount((unsigned)(((const uint8_t *)&old_one)[i] ^
                                          ((const uint8_t *)&new_one)[i]));
    print_message("%d of %d signs differ\n", differ, N * SID_TRANSFORM_ROUNDS);
    assert_in_range(differ, 600, 936); /* half, within 8 deviations */
    for (int r = 1; r < SID_TRANSFORM_ROUNDS; r++)
        assert_memory_not_equal(old_one.sign[0], old_one.sign[r],
                                sizeof old_one.sign[0]);
}

static void
the_transform_has_not_drifted(void **state) {
    (void)state;
    /* Row 7 of the matrix under key 1, 0, 0 …, computed by a second
     * implementation (Python): what is stored must stay readable. */
    float v[N] = {0};
    v[7] = 1;
    sid_transform_apply(&old_one, v, v);
    const float expected[] = {0.07077973F,  -0.03141930F, -0.04315837F,
                              -0.03763410F, 0.06525546F,  -0.01070328F,
                              -0.02106129F, 0.00794114F};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_float_equal(v[i], expected[i], 1e-6F);
}

static void
turned_embeddings_compare_as_plain_ones(void **state) {
    (void)state;
    double worst = 0;
    int differ = 0;
    for (int i = 0; i < PEOPLE; i++) {
        float a[N], b[N];
        random_embedding(a);
        embedding_near(a, 0.3 + 0.4 * uniform(), b);
        float plain = sid_similarity(a, b);
        sid_transform_apply(&old_one, a, a);
        sid_transform_apply(&old_one, b, b);
        float turned = sid_similarity(a, b);
        worst = fmax(worst, fabs((double)plain - (double)turned));
        differ += (plain >= 0.5F) != (turned >= 0.5F) ||
                  (plain >= 0.35F) != (turned >= 0.35F);
    }
    print_message("%d pairs: %d decisions differ, similarity by %.1e at "
                  "most\n",
                  PEOPLE, differ, worst);
    assert_int_equal(differ, 0);
    assert_true(worst < 5e-7);
}

static void
the_same_face_under_two_transforms_looks_like_two_strangers(void **state) {
    (void)state;
    double sum = 0, strangers = 0, worst = 0;
    int near = 0;
    for (int i = 0; i < PEOPLE; i++) {
        float v[N], was[N], is[N];
        random_embedding(v);
        sid_transform_apply(&old_one, v, was);
        sid_transform_apply(&new_one, v, is);
        double c = fabs((double)sid_similarity(was, is));
        sum += c;
        worst = fmax(worst, c);
        near += c <= 0.1;
        random_embedding(v);
        sid_transform_apply(&new_one, v, is);
        strangers += fabs((double)sid_similarity(was, is));
    }
    print_message("old and new of %d faces: mean |cos| %.4f (two strangers "
                  "%.4f), largest %.3f, %.1f %% within 0.1\n",
                  PEOPLE, sum / PEOPLE, strangers / PEOPLE, worst,
                  100.0 * near / PEOPLE);
    /* A random rotation of 512 dimensions gives sqrt(2 / (512 pi)) = 0.0353
     * and 97.6 %: no transform that knows nothing of the other gives more. */
    assert_true(fabs(sum / PEOPLE - 0.0353) < 0.003);
    assert_true(near >= 0.96 * PEOPLE);
    assert_true(worst < 0.25);
}

static int
by_size(const void *a, const void *b) {
    float x = fabsf(*(const float *)a), y = fabsf(*(const float *)b);
    return (x > y) - (x < y);
}

static void
sorting_the_magnitudes_does_not_link_two_transforms(void **state) {
    (void)state;
    /* Signs and a permutation would leave these the same. */
    double same = 0, other = 0;
    for (int i = 0; i < 200; i++) {
        float v[N], was[N], is[N], stranger[N];
        random_embedding(v);
        sid_transform_apply(&old_one, v, was);
        sid_transform_apply(&new_one, v, is);
        random_embedding(v);
        sid_transform_apply(&new_one, v, stranger);
        qsort(was, N, sizeof was[0], by_size);
        qsort(is, N, sizeof is[0], by_size);
        qsort(stranger, N, sizeof stranger[0], by_size);
        for (size_t k = 0; k < N; k++) {
            same += fabs(fabs((double)was[k]) - fabs((double)is[k]));
            other += fabs(fabs((double)was[k]) - fabs((double)stranger[k]));
        }
    }
    print_message("distance of sorted magnitudes: same face %.4f, strangers "
                  "%.4f\n",
                  same / 200, other / 200);
    assert_true(same > 0.9 * other);
}

static void
even_an_embedding_of_one_component_is_spread(void **state) {
    (void)state;
    float v[N] = {1}, was[N], is[N];
    sid_transform_apply(&old_one, v, was);
    sid_transform_apply(&new_one, v, is);
    assert_true(fabsf(sid_similarity(was, is)) < 0.25F);
}

static void
a_turned_embedding_comes_back_through_many_rotations(void **state) {
    (void)state;
    float v[N], t[N];
    random_embedding(v);
    memcpy(t, v, sizeof t);
    for (int i = 0; i < 254; i++) { /* as many as there are key versions */
        sid_transform_apply(i % 2 == 0 ? &old_one : &new_one, t, t);
        sid_transform_undo(i % 2 == 0 ? &old_one : &new_one, t, t);
    }
    float left = 1 - sid_similarity(v, t);
    print_message("254 rotations later: 1 - cos = %.1e\n", (double)left);
    assert_true(left < 1e-6F);
}

static void
a_template_is_unpacked_as_it_was_packed(void **state) {
    (void)state;
    float v[N], got[N];
    uint8_t bytes[SID_TEMPLATE_BYTES];
    random_embedding(v);
    sid_template_pack(v, bytes);
    assert_int_equal(sid_template_unpack(sid_span_of(bytes, sizeof bytes), got),
                     SID_OK);
    assert_memory_equal(v, got, sizeof v);
    float one[N] = {0};
    one[0] = 1;
    sid_template_pack(one, bytes);
    assert_memory_equal(bytes, "\0\0\x80\x3f\0\0\0\0", 8);
}

static void
what_is_no_embedding_is_refused(void **state) {
    (void)state;
    float v[N], got[N] = {7};
    uint8_t bytes[SID_TEMPLATE_BYTES + 1] = {0};
    random_embedding(v);
    sid_template_pack(v, bytes);
    assert_int_equal(
        sid_template_unpack(sid_span_of(bytes, sizeof bytes - 2), got),
        SID_E_SEAL);
    assert_int_equal(sid_template_unpack(sid_span_of(bytes, sizeof bytes), got),
                     SID_E_SEAL);
    v[3] = NAN;
    sid_template_pack(v, bytes);
    assert_int_equal(
        sid_template_unpack(sid_span_of(bytes, SID_TEMPLATE_BYTES), got),
        SID_E_SEAL);
    v[3] = 1;
    sid_template_pack(v, bytes);
    assert_int_equal(
        sid_template_unpack(sid_span_of(bytes, SID_TEMPLATE_BYTES), got),
        SID_E_SEAL);
    assert_true(got[0] == 7);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_gives_one_transform_and_another_key_another),
        cmocka_unit_test(the_transform_has_not_drifted),
        cmocka_unit_test(turned_embeddings_compare_as_plain_ones),
        cmocka_unit_test(
            the_same_face_under_two_transforms_looks_like_two_strangers),
        cmocka_unit_test(sorting_the_magnitudes_does_not_link_two_transforms),
        cmocka_unit_test(even_an_embedding_of_one_component_is_spread),
        cmocka_unit_test(a_turned_embedding_comes_back_through_many_rotations),
        cmocka_unit_test(a_template_is_unpacked_as_it_was_packed),
        cmocka_unit_test(what_is_no_embedding_is_refused),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
