/* dudect.c: does the comparison of MACs take the same time whatever it
 * compares? After dudect (Reparaz, Balasch and Verbauwhede, "Dude, is my code
 * constant time?", 2017): two classes of inputs in random order, Welch's t over
 * their times. Built twice: with the comparison that tokens are judged by
 * (core/token.c), and with memcmp(), which has to be caught. Test tool; one
 * thread; owns nothing.
 *
 * Usage: dudect [samples of each pair of classes]; prints one line for each
 * pair: name, length, |t|. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "smartid/buf.h"
#include "smartid/rand.h"

#define SAMPLES_DEFAULT 1000000
/* Comparisons in one sample: far longer than a reading of the clock. */
#define BATCH 64
/* Inputs made in advance, so that making them is not measured. */
#define CHUNK 1000
#define BYTES_MAX 32
/* Of all samples, the slowest are interrupts and the like. */
#define KEEP 0.90

#ifdef WITH_MEMCMP
#define NAME "memcmp"
static bool
equal(const void *a, const void *b, size_t len) {
    return memcmp(a, b, len) == 0;
}
#else
#define NAME "sid_equal_ct"
#define equal sid_equal_ct
#endif

enum pair { EQUAL_OR_RANDOM, FIRST_OR_LAST_BYTE, PAIRS };
static const char *const pair_names[] = {"equal_or_random", "first_or_last"};

struct sample {
    uint32_t ns;
    uint8_t class;
};

static uint8_t secret[BYTES_MAX];
static uint8_t input[CHUNK][BYTES_MAX];
static uint8_t class_of[CHUNK];
static volatile unsigned sink; /* keeps the calls alive */

static void
fail(const char *what) {
    (void)fprintf(stderr, "dudect: %s\n", what);
    exit(1);
}

static void
make_inputs(enum pair pair, size_t len) {
    if (sid_rand_bytes(input, sizeof input) != SID_OK ||
        sid_rand_bytes(class_of, sizeof class_of) != SID_OK)
        fail("no randomness");
    for (size_t i = 0; i < CHUNK; i++) {
        class_of[i] &= 1;
        if (pair == EQUAL_OR_RANDOM && class_of[i] == 1)
            continue;
        memcpy(input[i], secret, sizeof secret);
        if (pair == FIRST_OR_LAST_BYTE)
            input[i][class_of[i] == 0 ? 0 : len - 1] ^= 0x80;
    }
}

static int64_t
now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint32_t
measure(const uint8_t *one, size_t len) {
    unsigned sum = 0;
    int64_t began = now_ns();
    for (int i = 0; i < BATCH; i++) {
        sum += equal(one, secret, len) ? 1u : 0u;
        /* The next call may not be answered out of this one. */
        __asm__ volatile("" ::: "memory");
    }
    int64_t took = now_ns() - began;
    sink += sum;
    return took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
}

static int
by_time(const void *a, const void *b) {
    const struct sample *x = a, *y = b;
    return (x->ns > y->ns) - (x->ns < y->ns);
}

/* Welch's t of the samples that are kept. */
static double
welch(struct sample *sample, size_t count) {
    qsort(sample, count, sizeof *sample, by_time);
    count = (size_t)((double)count * KEEP);
    double n[2] = {0}, mean[2] = {0}, square[2] = {0};
    for (size_t i = 0; i < count; i++) { /* Welford */
        int c = sample[i].class;
        double off = sample[i].ns - mean[c];
        n[c] += 1;
        mean[c] += off / n[c];
        square[c] += off * (sample[i].ns - mean[c]);
    }
    if (n[0] < 2 || n[1] < 2)
        return INFINITY; /* one class alone is as different as can be */
    double error =
        square[0] / (n[0] - 1) / n[0] + square[1] / (n[1] - 1) / n[1];
    return error > 0 ? (mean[0] - mean[1]) / sqrt(error) : 0;
}

static double
run(enum pair pair, size_t len, struct sample *sample, size_t count) {
    for (size_t at = 0; at < count; at++) {
        size_t i = at % CHUNK;
        if (i == 0)
            make_inputs(pair, len);
        sample[at].class = class_of[i];
        sample[at].ns = measure(input[i], len);
    }
    return fabs(welch(sample, count));
}

int
main(int argc, char **argv) {
    size_t count =
        argc > 1 ? strtoul(argv[1], NULL, 10) : (size_t)SAMPLES_DEFAULT;
    struct sample *sample = calloc(count, sizeof *sample);
    if (sample == NULL || sid_rand_bytes(secret, sizeof secret) != SID_OK)
        fail("no memory or no randomness");
    /* The tag of a code and the hash of a key. */
    static const size_t lengths[] = {16, 32};
    for (int pair = 0; pair < PAIRS; pair++)
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
            (void)printf("%s %s %zu %.2f\n", NAME, pair_names[pair], lengths[i],
                         run((enum pair)pair, lengths[i], sample, count));
    free(sample);
    return 0;
}
