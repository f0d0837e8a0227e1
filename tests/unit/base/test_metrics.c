/* test_metrics.c: what is counted, and the text a Prometheus server reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "smartid/metrics.h"

/* The whole exposition as a C string; the caller frees the buffer. */
static const char *
exposition(struct sid_buf *buf) {
    assert_int_equal(sid_metrics_write(buf), SID_OK);
    assert_int_equal(sid_buf_append(buf, "", 1), SID_OK);
    return (const char *)buf->ptr;
}

/* The value on the line that begins with `series` and a space. */
static double
value_of(const char *text, const char *series) {
    char start[128];
    (void)snprintf(start, sizeof start, "\n%s ", series);
    const char *at = strstr(text, start);
    if (at == NULL)
        fail_msg("no series %s", series);
    return strtod(at + strlen(start), NULL);
}

static void
a_counter_adds_and_a_gauge_is_set(void **state) {
    (void)state;
    int64_t before = sid_metric_get(SID_M_CODES);
    sid_metric_add(SID_M_CODES, 2);
    sid_metric_add(SID_M_CODES, 1);
    assert_int_equal(sid_metric_get(SID_M_CODES), before + 3);
    sid_metric_set(SID_M_QUEUE_DEPTH, 7);
    sid_metric_add(SID_M_QUEUE_DEPTH, -2);
    assert_int_equal(sid_metric_get(SID_M_QUEUE_DEPTH), 5);
    struct sid_buf buf = SID_BUF_EMPTY;
    const char *text = exposition(&buf);
    assert_true(value_of(text, "smartidd_queue_depth") == 5);
    assert_true(value_of(text, "smartidd_codes_issued_total{kind=\"day\"}") ==
                (double)(before + 3));
    sid_buf_free(&buf);
}

static void
an_observation_lands_in_its_bucket_and_all_above(void **state) {
    (void)state;
    sid_histogram_observe_us(SID_H_VERIFY, 0);
    sid_histogram_observe_us(SID_H_VERIFY, -5); /* a clock that stepped */
    sid_histogram_observe_us(SID_H_VERIFY, 500);
    sid_histogram_observe_us(SID_H_VERIFY, 501);
    sid_histogram_observe_us(SID_H_VERIFY, 10000000);
    sid_histogram_observe_us(SID_H_VERIFY, 10000001);
    struct sid_buf buf = SID_BUF_EMPTY;
    const char *text = exposition(&buf);
#define VERIFY "smartidd_verification_seconds"
    assert_true(value_of(text, VERIFY "_bucket{le=\"0.0005\"}") == 3);
    assert_true(value_of(text, VERIFY "_bucket{le=\"0.001\"}") == 4);
    assert_true(value_of(text, VERIFY "_bucket{le=\"5\"}") == 4);
    assert_true(value_of(text, VERIFY "_bucket{le=\"10\"}") == 5);
    assert_true(value_of(text, VERIFY "_bucket{le=\"+Inf\"}") == 6);
    assert_true(value_of(text, VERIFY "_count") == 6);
    assert_true(value_of(text, VERIFY "_sum") == 20.001002);
    sid_buf_free(&buf);
}

static void
the_process_tells_its_own_state(void **state) {
    (void)state;
    struct sid_buf buf = SID_BUF_EMPTY;
    const char *text = exposition(&buf);
    assert_true(value_of(text, "process_resident_memory_bytes") > 500e3);
    assert_true(value_of(text, "process_open_fds") >= 3);
    assert_true(value_of(text, "process_cpu_seconds_total") >= 0);
    double start_s = value_of(text, "process_start_time_seconds");
    double now_s = (double)time(NULL);
    assert_true(start_s > now_s - 600 && start_s <= now_s + 1);
    assert_true(value_of(text, "smartidd_build_info{version=\"" SID_VERSION
                               "\"}") == 1);
    sid_buf_free(&buf);
}

static void
open_descriptors_are_counted(void **state) {
    (void)state;
    struct sid_buf buf = SID_BUF_EMPTY;
    double before = value_of(exposition(&buf), "process_open_fds");
    sid_buf_free(&buf);
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    double after = value_of(exposition(&buf), "process_open_fds");
    sid_buf_free(&buf);
    (void)close(pipes[0]);
    (void)close(pipes[1]);
    assert_true(after == before + 2);
}

static void
each_name_has_one_help_and_one_type_before_its_series(void **state) {
    (void)state;
    struct sid_buf buf = SID_BUF_EMPTY;
    char *save = NULL;
    char seen[64][64];
    size_t names = 0;
    (void)exposition(&buf);
    for (char *l = strtok_r((char *)buf.ptr, "\n", &save); l != NULL;
         l = strtok_r(NULL, "\n", &save)) {
        if (strncmp(l, "# HELP ", 7) != 0)
            continue;
        assert_in_range(names, 0, 63);
        (void)snprintf(seen[names], sizeof seen[names], "%.*s",
                       (int)strcspn(l + 7, " "), l + 7);
        assert_true(strlen(l) > 7 + strlen(seen[names]) + 3);
        for (size_t i = 0; i < names; i++)
            assert_string_not_equal(seen[i], seen[names]);
        names++;
    }
    assert_true(names > 15);
    sid_buf_free(&buf);
}

static void
the_text_is_added_behind_what_is_there(void **state) {
    (void)state;
    struct sid_buf buf = SID_BUF_EMPTY;
    assert_int_equal(sid_buf_append_str(&buf, "before\n"), SID_OK);
    assert_int_equal(sid_metrics_write(&buf), SID_OK);
    assert_memory_equal(buf.ptr, "before\n# HELP ", 14);
    sid_buf_free(&buf);
}

#define ROUNDS 20000
static void *
count(void *ctx) {
    (void)ctx;
    for (int i = 0; i < ROUNDS; i++) {
        sid_metric_add(SID_M_OPS, 1);
        sid_histogram_observe_us(SID_H_COMMIT, i % 3000);
    }
    return NULL;
}

static void
nothing_is_lost_between_threads(void **state) {
    (void)state;
    pthread_t thread[4];
    int64_t before = sid_metric_get(SID_M_OPS);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, count, NULL), 0);
    for (int i = 0; i < 20; i++) {
        struct sid_buf buf = SID_BUF_EMPTY;
        const char *text = exposition(&buf);
        double all =
            value_of(text, "smartidd_store_commit_seconds_bucket{le=\"+Inf\"}");
        assert_true(value_of(text, "smartidd_store_commit_seconds_count") ==
                    all);
        sid_buf_free(&buf);
    }
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(thread[i], NULL), 0);
    assert_int_equal(sid_metric_get(SID_M_OPS), before + 4 * ROUNDS);
    struct sid_buf buf = SID_BUF_EMPTY;
    assert_true(value_of(exposition(&buf),
                         "smartidd_store_commit_seconds_count") == 4 * ROUNDS);
    sid_buf_free(&buf);
}

static void
a_quantile_is_the_end_of_its_bucket(void **state) {
    (void)state;
    assert_int_equal(sid_histogram_count(SID_H_ENROL_WORK), 0);
    assert_int_equal(sid_histogram_quantile_us(SID_H_ENROL_WORK, 990), 0);
    for (int i = 0; i < 99; i++)
        sid_histogram_observe_us(SID_H_ENROL_WORK, 700);
    sid_histogram_observe_us(SID_H_ENROL_WORK, 20000000);
    assert_int_equal(sid_histogram_count(SID_H_ENROL_WORK), 100);
    assert_int_equal(sid_histogram_quantile_us(SID_H_ENROL_WORK, 500), 1000);
    assert_int_equal(sid_histogram_quantile_us(SID_H_ENROL_WORK, 990), 1000);
    assert_int_equal(sid_histogram_quantile_us(SID_H_ENROL_WORK, 1000),
                     10000000);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quantile_is_the_end_of_its_bucket),
        cmocka_unit_test(a_counter_adds_and_a_gauge_is_set),
        cmocka_unit_test(an_observation_lands_in_its_bucket_and_all_above),
        cmocka_unit_test(the_process_tells_its_own_state),
        cmocka_unit_test(open_descriptors_are_counted),
        cmocka_unit_test(each_name_has_one_help_and_one_type_before_its_series),
        cmocka_unit_test(the_text_is_added_behind_what_is_there),
        cmocka_unit_test(nothing_is_lost_between_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
