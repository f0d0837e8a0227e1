/* test_audit_flows.c: rows of the audit log leave it for an archive and are
 * read page by page, and the daemon writes down its own start, settings and
 * stop: whole or not at all, whatever call inside fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "smartid/appendfile.h"
#include "smartid/audit_head.h"
#include "smartid/flow_audit.h"
#include "smartid/flow_audit_read.h"
#include "smartid/log.h"
#include "smartid/metrics.h"

#include <cmocka.h>

#include "../../../src/app/app_internal.h"
#include "../../fuzz/fuzz.h"

static struct fixture *f;

static int
setup(void **state) {
    (void)state;
    f = fixture_new();
    return 0;
}

static int
teardown(void **state) {
    (void)state;
    fixture_free(f);
    return 0;
}

/* ---- the log ------------------------------------------------------------- */

struct log_op {
    struct sid_op op;
    int add;
    int64_t first, rows, at; /* at: the row whose MAC is asked for */
    uint8_t mac[SID_SHA256_BYTES];
};

static enum sid_err
see_row(const struct sid_audit_entry *entry, void *ctx) {
    struct log_op *seen = ctx;
    seen->first = seen->rows++ == 0 ? entry->row.seq : seen->first;
    if (entry->row.seq == seen->at)
        memcpy(seen->mac, entry->mac, sizeof seen->mac);
    return SID_OK;
}

static enum sid_err
log_run(struct sid_op *op, struct sid_store *store) {
    struct log_op *seen = (struct log_op *)op;
    enum sid_err err = SID_OK;
    for (int i = 0; i < seen->add && err == SID_OK; i++)
        err = sid_app_audit(store, i % 2 == 0 ? "verification" : "code_issued",
                            "cli_1", i % 4 == 0 ? "crd_1" : "", "valid", "");
    return err == SID_OK
               ? sid_store_audit_each(store, 0, INT64_MAX, see_row, seen)
               : err;
}

/* Adds rows; then: where the log begins, how many rows it has, the MAC of one.
 */
static struct log_op
look_at_log(int add, int64_t at) {
    struct log_op seen = {.op = {.run = log_run}, .add = add, .at = at};
    assert_int_equal(sid_writer_run(f->writer, &seen.op), SID_OK);
    return seen;
}

static struct sid_audit_segment
segment_of(int64_t first, int64_t last) {
    struct sid_audit_segment segment = {"2026-09", first, last, {0}};
    struct log_op seen = look_at_log(0, last);
    memcpy(segment.mac, seen.mac, sizeof segment.mac);
    return segment;
}

/* ---- archive ------------------------------------------------------------- */

static void
archive_start(void *flow) {
    sid_audit_archive_start(flow);
}

/* *left: as it is told. */
static enum sid_err
archive(const struct sid_audit_segment *segment, unsigned nth, bool *failed,
        int64_t *left) {
    struct sid_audit_archive archive = {.segment = *segment, .left = -1};
    if (nth > 0)
        fuzz_fail_nth(nth);
    fixture_run(f, &archive.flow, &f->admin, archive_start);
    *failed = fuzz_fail_end() && nth > 0;
    *left = archive.left;
    return archive.flow.err;
}

static void
expect_archived(const struct sid_audit_segment *segment, enum sid_err expected,
                int64_t expected_left) {
    bool failed = false;
    int64_t left = 0;
    assert_int_equal(archive(segment, 0, &failed, &left), expected);
    assert_int_equal(left, expected_left);
}

static void
rows_leave_with_a_row_about_it_or_stay_when_a_call_fails(void **state) {
    (void)state;
    int64_t rows = look_at_log(20, 0).rows;
    const struct sid_audit_segment segment = segment_of(1, 10);
    enum sid_err err = SID_E_STORE;
    bool failed = true;
    int64_t left = 0;
    unsigned n = 0;
    while (err != SID_OK) {
        err = archive(&segment, ++n, &failed, &left);
        assert_true(failed == (err != SID_OK));
        struct log_op seen = look_at_log(0, 0);
        /* Ten are gone, and one tells of them. */
        assert_int_equal(seen.rows, failed ? rows : rows - 9);
        assert_int_equal(seen.first, failed ? 1 : 11);
    }
    assert_int_equal(left, 0);
    assert_true(n > 4);
    struct last_audit last = fixture_audit(f);
    assert_string_equal(last.event, "audit_archived");
    assert_string_equal(last.actor, f->admin.client_id);
    assert_string_equal(last.detail, "month=2026-09 first=1 last=10");
    /* Asked again, by one who was stopped: there is nothing to do. */
    expect_archived(&segment, SID_OK, 0);
    assert_int_equal(look_at_log(0, 0).rows, rows - 9);
}

static void
many_rows_leave_piece_by_piece_and_one_row_tells_of_it(void **state) {
    (void)state;
    int64_t rows = look_at_log(SID_ARCHIVE_ROWS_MAX + 20, 0).rows;
    const struct sid_audit_segment segment =
        segment_of(1, SID_ARCHIVE_ROWS_MAX + 10);
    expect_archived(&segment, SID_OK, 10);
    assert_int_equal(look_at_log(0, 0).rows, rows - SID_ARCHIVE_ROWS_MAX + 1);
    expect_archived(&segment, SID_OK, 0);
    assert_int_equal(look_at_log(0, 0).rows,
                     rows - SID_ARCHIVE_ROWS_MAX - 10 + 1);
}

static void
a_segment_that_the_log_does_not_begin_in_moves_nothing(void **state) {
    (void)state;
    int64_t rows = look_at_log(20, 0).rows;
    struct sid_audit_segment segment = segment_of(2, 10);
    expect_archived(&segment, SID_E_CONFLICT, -1);
    segment = segment_of(1, 10);
    segment.mac[0] ^= 1; /* has another last row */
    expect_archived(&segment, SID_E_CONFLICT, -1);
    assert_int_equal(look_at_log(0, 0).rows, rows);
}

struct told_op {
    struct sid_op op;
    int64_t seq;
};

static enum sid_err
told_run(struct sid_op *op, struct sid_store *store) {
    return sid_store_webhook_told(store, ((struct told_op *)op)->seq);
}

static void
tell_backend(int64_t seq) {
    struct told_op told = {{.run = told_run}, seq};
    assert_int_equal(sid_writer_run(f->writer, &told.op), SID_OK);
}

static void
rows_wait_until_the_backend_was_told_of_them(void **state) {
    (void)state;
    (void)look_at_log(30, 0);
    /* Whoever would tell it, and meet what is made to fail below. */
    sid_webhook_stop(f->app);
    (void)snprintf(f->app->config.webhook_url,
                   sizeof f->app->config.webhook_url, "https://x.example/");
    /* One that was never told anything will begin at the end. */
    struct sid_audit_segment segment = segment_of(1, 5);
    expect_archived(&segment, SID_OK, 0);
    segment = segment_of(6, 15);
    tell_backend(14);
    expect_archived(&segment, SID_E_CONFLICT, -1);
    tell_backend(15);
    /* Also when it cannot be known. */
    bool failed = true;
    int64_t left = 0;
    enum sid_err err = SID_E_STORE;
    for (unsigned n = 1; err != SID_OK; n++) {
        err = archive(&segment, n, &failed, &left);
        assert_true(failed == (err != SID_OK));
        assert_int_equal(look_at_log(0, 0).first, failed ? 6 : 16);
    }
}

/* ---- a page -------------------------------------------------------------- */

static void
look_start(void *flow) {
    sid_audit_look_start(flow);
}

static void
a_page_is_shown_with_a_row_about_it_or_not_at_all(void **state) {
    (void)state;
    (void)look_at_log(20, 0);
    bool failed = true;
    unsigned n = 0;
    while (failed) {
        struct sid_audit_look look = {.limit = 4, .event = "verification"};
        int64_t before = look_at_log(0, 0).rows;
        fuzz_fail_nth(++n);
        fixture_run(f, &look.flow, &f->admin, look_start);
        failed = fuzz_fail_end();
        assert_true(failed == (look.flow.err != SID_OK));
        assert_int_equal(look_at_log(0, 0).rows, failed ? before : before + 1);
        if (!failed) {
            assert_int_equal(look.count, 4);
            assert_true(look.next_seq > 0);
            assert_string_equal(fixture_audit(f).detail,
                                "shown=4 event=verification");
        }
        sid_audit_look_fini(&look);
        sid_audit_look_fini(&look); /* nothing is left */
    }
    assert_true(n > 4);
}

static int
page(struct sid_audit_look *look) {
    fixture_run(f, &look->flow, &f->admin, look_start);
    assert_int_equal(look->flow.err, SID_OK);
    return look->count;
}

static void
a_page_ends_where_the_next_one_goes_on(void **state) {
    (void)state;
    int64_t rows = look_at_log(40, 0).rows, seen = 0, before = 0;
    do {
        struct sid_audit_look look = {.limit = 7, .before_seq = before};
        seen += page(&look);
        before = look.next_seq;
        sid_audit_look_fini(&look);
        assert_true(seen <= rows);
    } while (before > 0);
    assert_int_equal(seen, rows);
    /* From further on than there are rows: from the last one. */
    struct sid_audit_look late = {.limit = SID_PAGE_MAX,
                                  .before_seq = INT64_MAX};
    assert_true(page(&late) > rows);
    sid_audit_look_fini(&late);
    struct sid_audit_look one = {.limit = SID_PAGE_MAX, .subject = "crd_1"};
    assert_int_equal(page(&one), 10);
    assert_int_equal(one.next_seq, 0);
    sid_audit_look_fini(&one);
}

static void
a_search_that_finds_nothing_says_where_to_go_on(void **state) {
    (void)state;
    (void)look_at_log(SID_AUDIT_SCAN_ROWS + 300, 0);
    struct sid_audit_look look = {.limit = 5, .event = "key_made"};
    assert_int_equal(page(&look), 0);
    assert_true(look.next_seq > 1);
    struct sid_audit_look next = {
        .limit = 5, .event = "key_made", .before_seq = look.next_seq};
    assert_true(page(&next) > 0);
    assert_int_equal(next.next_seq, 0);
    sid_audit_look_fini(&next);
    sid_audit_look_fini(&look);
    /* And not, where the log begins above: what lay below is archived. */
    const int64_t last = SID_AUDIT_SCAN_ROWS + 200;
    const struct sid_audit_segment segment = segment_of(1, last);
    bool failed = false;
    int64_t left = last;
    while (left > 0)
        assert_int_equal(archive(&segment, 0, &failed, &left), SID_OK);
    struct sid_audit_look end = {
        .limit = 5, .event = "none", .before_seq = last + 1};
    assert_int_equal(page(&end), 0);
    assert_int_equal(end.next_seq, 0);
    sid_audit_look_fini(&end);
}

static void
an_app_that_stops_shows_and_moves_nothing(void **state) {
    (void)state;
    int64_t rows = look_at_log(20, 0).rows;
    const struct sid_audit_segment segment = segment_of(1, 10);
    f->app->stopping = true;
    expect_archived(&segment, SID_E_STOPPING, -1);
    struct sid_audit_look look = {.limit = 4};
    fixture_run(f, &look.flow, &f->admin, look_start);
    assert_int_equal(look.flow.err, SID_E_STOPPING);
    sid_audit_look_fini(&look);
    f->app->stopping = false;
    assert_int_equal(look_at_log(0, 0).rows, rows);
}

/* ---- the daemon itself --------------------------------------------------- */

static void
a_start_is_written_down_whole_or_is_none(void **state) {
    (void)state;
    bool failed = true;
    unsigned n = 0;
    sid_log_set_level(SID_LOG_ALWAYS);     /* it tells of heads */
    sid_webhook_stop(f->app);              /* it looks at the settings */
    f->app->config.purposes_file[0] = 'x'; /* then they are rows, too */
    assert_int_equal(sid_app_audit_start(f->app), SID_OK); /* has a head */
    while (failed) {
        int64_t before = look_at_log(0, 0).rows;
        fuzz_fail_nth(++n);
        enum sid_err err = sid_app_audit_start(f->app);
        failed = fuzz_fail_end();
        int64_t after = look_at_log(0, 0).rows;
        if (err != SID_OK) {
            assert_true(failed);
            assert_int_equal(after, before);
        } else {
            assert_true(after > before + (int64_t)f->purposes.count);
            assert_true(failed || sid_app_heads_written(f->app));
        }
    }
    assert_true(n > 10);
    sid_log_set_level(SID_LOG_ERROR);
}

/* With other daemons on the database. */
static void
purposes_are_taken_only_when_the_others_will_find_them(void **state) {
    (void)state;
    bool failed = true;
    unsigned n = 0;
    struct sid_purposes purposes = f->purposes;
    purposes.item[0].live_required = !purposes.item[0].live_required;
    f->app->shared.is = true;
    f->app->shared_purposes.file = f->purposes;
    while (failed) {
        fuzz_fail_nth(++n);
        enum sid_err err = fixture_reload(f, &f->config, &purposes);
        failed = fuzz_fail_end();
        assert_true(failed == (err != SID_OK));
        const struct sid_purposes *in_force = failed ? &f->purposes : &purposes;
        assert_true(sid_purposes_same(sid_app_purposes(f->app), in_force));
        assert_int_equal(f->app->shared_purposes.seq, failed ? 0 : 1);
    }
    assert_true(n > 6);
    f->app->shared.is = false;
    enum sid_err err;
    assert_false(sid_app_reloaded(f->app, &err)); /* none is under way */
}

static void
settings_are_taken_only_when_they_are_written_down(void **state) {
    (void)state;
    bool failed = true;
    unsigned n = 0;
    struct sid_config next = f->config, now;
    next.match_accept = 0.75;
    next.io_threads = 7;
    struct sid_purposes purposes = f->purposes;
    purposes.item[0].live_required = !purposes.item[0].live_required;
    purposes.item[1].counter_required = !purposes.item[1].counter_required;
    purposes.item[2].face_required = !purposes.item[2].face_required;
    while (failed) {
        int64_t before = look_at_log(0, 0).rows;
        fuzz_fail_nth(++n);
        enum sid_err err = fixture_reload(f, &next, &purposes);
        failed = fuzz_fail_end();
        assert_true(failed == (err != SID_OK));
        sid_app_config(f->app, &now);
        assert_true(failed ? now.match_accept == f->config.match_accept
                           : now.match_accept == next.match_accept);
        /* Only when it stood there already was it not taken for another
         * reason. */
        int64_t rows = look_at_log(0, 0).rows - before;
        assert_true(rows == 6 || (failed && rows == 0));
    }
    assert_true(n > 6);
    assert_int_equal(
        sid_purposes_find(sid_app_purposes(f->app), purposes.item[0].name)
            ->live_required,
        purposes.item[0].live_required);
    /* And what was refused is a row, or an error. */
    failed = true;
    for (n = 1; failed; n++) {
        int64_t before = look_at_log(0, 0).rows;
        fuzz_fail_nth(n);
        enum sid_err err = fixture_reload(f, NULL, NULL);
        failed = fuzz_fail_end();
        assert_true(failed == (err != SID_OK));
        assert_int_equal(look_at_log(0, 0).rows, before + !failed);
    }
}

static void
a_stop_that_is_not_written_down_has_no_head(void **state) {
    (void)state;
    bool failed = true;
    assert_int_equal(sid_app_audit_start(f->app), SID_OK);
    sid_log_set_level(SID_LOG_ALWAYS);
    for (unsigned n = 1; failed; n++) {
        int64_t head = f->app->heads.written_seq;
        int64_t before = look_at_log(0, 0).rows;
        fuzz_fail_nth(n);
        sid_audit_stop(f->app);
        failed = fuzz_fail_end();
        int64_t after = look_at_log(0, 0).rows;
        assert_true(failed == (f->app->heads.written_seq == head));
        assert_true(after == before + 1 || failed);
        if (failed && after > before) /* its head could not be signed */
            assert_false(sid_app_heads_written(f->app));
    }
    sid_log_set_level(SID_LOG_ERROR);
}

static void
a_head_of_a_row_that_is_gone_is_not_the_logs(void **state) {
    (void)state;
    char text[SID_HEAD_TEXT_SIZE];
    struct sid_audit_head head = {.seq = 2, .at_s = 1795428000};
    (void)look_at_log(20, 0);
    const struct sid_audit_segment segment = segment_of(1, 10);
    expect_archived(&segment, SID_OK, 0);
    assert_int_equal(sid_head_sign(sid_keyring_head(f->keys), &head), SID_OK);
    sid_head_print(&head, text);
    assert_int_equal(sid_appendfile_add(f->heads, text), SID_OK);
    int64_t after = look_at_log(0, 0).first + look_at_log(0, 0).rows - 1;
    sid_log_set_level(SID_LOG_ALWAYS);
    assert_int_equal(sid_app_audit_start(f->app), SID_OK);
    sid_log_set_level(SID_LOG_ERROR);
    char rows[8192];
    (void)fixture_audit_text(f, after, rows, sizeof rows);
    assert_non_null(strstr(rows, "daemon_started system behind_head "));
}

static void
a_head_that_was_not_answered_for_is_asked_for_again(void **state) {
    (void)state;
    int64_t heads = sid_metric_get(SID_M_AUDIT_HEADS);
    assert_int_equal(sid_app_audit_start(f->app), SID_OK);
    (void)look_at_log(3, 0);
    int64_t now_us = INT64_C(1) << 50;
    fuzz_fail_nth(1); /* the writer's transaction */
    sid_heads_tick(f->app, now_us);
    /* Behind the question, or in the same transaction. */
    struct log_op behind = {.op = {.run = log_run, .read_only = true}};
    (void)!sid_writer_run(f->writer, &behind.op);
    assert_true(fuzz_fail_end());
    sid_heads_tick(f->app, now_us);
    assert_int_equal(sid_metric_get(SID_M_AUDIT_HEADS), heads + 1);
    assert_true(sid_app_heads_written(f->app));
    for (int i = 0; i < 2; i++) {
        now_us += INT64_C(1) << 40;
        sid_heads_tick(f->app, now_us);
        (void)look_at_log(0, 0);
    }
    assert_int_equal(sid_metric_get(SID_M_AUDIT_HEADS), heads + 2);
}

static void
without_a_file_no_heads_are_written(void **state) {
    (void)state;
    int64_t heads = sid_metric_get(SID_M_AUDIT_HEADS);
    char path[sizeof f->app->heads.path];
    memcpy(path, f->app->heads.path, sizeof path);
    f->app->heads.path[0] = '\0';
    assert_int_equal(sid_app_audit_start(f->app), SID_OK);
    sid_heads_tick(f->app, INT64_C(1) << 50);
    sid_audit_stop(f->app);
    assert_int_equal(sid_metric_get(SID_M_AUDIT_HEADS), heads);
    assert_int_not_equal(access(path, F_OK), 0);
    memcpy(f->app->heads.path, path, sizeof path);
}

int
main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(rows_leave_with_a_row_about_it_or_stay_when_a_call_fails),
        T(many_rows_leave_piece_by_piece_and_one_row_tells_of_it),
        T(a_segment_that_the_log_does_not_begin_in_moves_nothing),
        T(rows_wait_until_the_backend_was_told_of_them),
        T(a_page_is_shown_with_a_row_about_it_or_not_at_all),
        T(a_page_ends_where_the_next_one_goes_on),
        T(a_search_that_finds_nothing_says_where_to_go_on),
        T(an_app_that_stops_shows_and_moves_nothing),
        T(a_start_is_written_down_whole_or_is_none),
        T(purposes_are_taken_only_when_the_others_will_find_them),
        T(settings_are_taken_only_when_they_are_written_down),
        T(a_stop_that_is_not_written_down_has_no_head),
        T(a_head_of_a_row_that_is_gone_is_not_the_logs),
        T(a_head_that_was_not_answered_for_is_asked_for_again),
        T(without_a_file_no_heads_are_written),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
