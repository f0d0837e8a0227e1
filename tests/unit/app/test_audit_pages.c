/* test_audit_pages.c: pages of a log of several chains, as several writers on
 * one server leave it: in the order of the rows' times, each row once, whatever
 * there is of one chain alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "smartid/clock.h"
#include "smartid/flow_audit_read.h"
#include "smartid/flow_session.h"

#include <cmocka.h>

#include "../../../src/app/app_internal.h"
#include "../../../src/store/store_front.h"
#include "../../fuzz/fuzz.h"

#define CHAINS 4
/* So many that the parts of one page do not reach their beginnings. */
#define MANY (SID_AUDIT_SCAN_ROWS / CHAINS + 50)
#define STEP_US 1000000
#define SEEN_MAX 8192

static struct fixture *f;
static int64_t base_us; /* later than all that the fixture wrote */

static int
setup(void **state) {
    (void)state;
    f = fixture_new();
    base_us = (sid_now_s() + 86400) * 1000000;
    return 0;
}

static int
teardown(void **state) {
    (void)state;
    fixture_free(f);
    return 0;
}

/* ---- rows of any chain --------------------------------------------------- */

struct add_op {
    struct sid_op op;
    int slot, count;
    int64_t from_us; /* the first one's time; then one each second */
    int64_t gap;     /* numbers that are left out before the first */
};
/* One row in so many is another event's. */
#define RARE 400
#define RARE_EVENT "code_issued"

/* As the store whose place that is would write them. */
static enum sid_err
add_run(struct sid_op *op, struct sid_store *store) {
    const struct add_op *add = (const struct add_op *)op;
    const struct chain_head own = store->head;
    const int own_slot = store->slot;
    enum sid_err err =
        store->back->ops->audit_head(store->back, add->slot, &store->head.seq,
                                     &store->head.at_us, store->head.mac);
    store->slot = add->slot;
    store->head.seq += add->gap;
    for (int i = 0; err == SID_OK && i < add->count; i++) {
        const struct sid_audit_row row = {
            .at_us = add->from_us + i * STEP_US,
            .event = i % RARE == 3 ? RARE_EVENT : "verification",
            .actor = "cli_1",
            .subject = "",
            .outcome = "valid",
            .detail = ""};
        err = sid_store_audit(store, &row);
    }
    if (add->slot != own_slot)
        store->head = own;
    store->slot = own_slot;
    return err;
}

static void
add(int slot, int count, int64_t from_us, int64_t gap) {
    struct add_op op = {{.run = add_run}, slot, count, from_us, gap};
    assert_int_equal(sid_writer_run(f->writer, &op.op), SID_OK);
}

/* ---- pages --------------------------------------------------------------- */

struct seen {
    int64_t seq[SEEN_MAX];
    char at[SEEN_MAX][40];
    int count, pages;
};

static void
look_start(void *flow) {
    sid_audit_look_start(flow);
}

static void
note_row(struct seen *seen, const struct sid_buf *row) {
    char text[512];
    (void)snprintf(text, sizeof text, "%.*s", (int)row->len,
                   (const char *)row->ptr);
    const char *at = strstr(text, "\"at\":\"");
    assert_true(strncmp(text, "{\"seq\":", 7) == 0 && at != NULL);
    assert_true(seen->count < SEEN_MAX);
    seen->seq[seen->count] = strtoll(text + 7, NULL, 10);
    (void)snprintf(seen->at[seen->count++], sizeof seen->at[0], "%.27s",
                   at + 6);
}

/* The newest first. Returns where to go on. */
static int64_t
page(struct seen *seen, const char *event, int64_t before, int limit) {
    struct sid_audit_look look = {.limit = limit, .before_seq = before};
    (void)snprintf(look.event, sizeof look.event, "%s", event);
    fixture_run(f, &look.flow, &f->admin, look_start);
    assert_int_equal(look.flow.err, SID_OK);
    for (int i = look.count - 1; i >= 0; i--)
        note_row(seen, &look.rows[(look.first + i) % limit]);
    int64_t next = look.next_seq;
    sid_audit_look_fini(&look);
    seen->pages++;
    return next;
}

static int
ascending(const void *a, const void *b) {
    const int64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* All pages, from the newest row on: so many rows, each once, none newer than
 * the one before it. */
static void
expect_all_once(const char *event, int64_t before, int limit, int rows) {
    struct seen *seen = calloc(1, sizeof *seen);
    assert_non_null(seen);
    do {
        before = page(seen, event, before, limit);
        assert_true(seen->pages < 200);
    } while (before > 0);
    assert_int_equal(seen->count, rows);
    for (int i = 1; i < seen->count; i++)
        assert_true(strcmp(seen->at[i - 1], seen->at[i]) >= 0);
    qsort(seen->seq, (size_t)seen->count, sizeof *seen->seq, ascending);
    for (int i = 1; i < seen->count; i++)
        assert_true(seen->seq[i - 1] < seen->seq[i]);
    free(seen);
}

static void
rows_of_several_chains_are_read_in_the_order_of_their_times(void **state) {
    (void)state;
    /* Two have the same times, one ends early, one begins late. */
    add(0, 60, base_us, 0);
    add(1, 60, base_us, 0);
    add(2, 20, base_us + 1, 0);
    add(5, 30, base_us + 45 * STEP_US, 0);
    expect_all_once("verification", 0, 7, 166);
    expect_all_once("verification", 0, 50, 166);
    expect_all_once(RARE_EVENT, 0, 3, 4);
    /* From further on than there are rows: from the last one. */
    expect_all_once("verification", INT64_MAX, 33, 166);
}

/* Of each chain a page reads a part: what is older than the beginning of one
 * of these waits for the next page, of whatever chain it is. */
static void
no_row_is_left_out_where_chains_are_read_in_parts(void **state) {
    (void)state;
    add(0, 10, base_us, 0);
    add(1, MANY, base_us, 0);
    add(2, MANY, base_us + 400 * STEP_US, 0);
    add(3, MANY, base_us + 100 * STEP_US, 0);
    expect_all_once(RARE_EVENT, 0, SID_PAGE_MAX, 1 + 3 * (1 + MANY / RARE));
    expect_all_once("verification", 0, SID_PAGE_MAX,
                    10 + 3 * MANY - 1 - 3 * (1 + MANY / RARE));
}

/* Somebody has taken more rows away than a page reads; audit verify tells. */
static void
a_gap_in_one_chain_hides_no_rows_of_another(void **state) {
    (void)state;
    struct seen seen = {.count = 0};
    add(0, 10, base_us, 0);
    add(1, 5, base_us, 0);
    add(1, 5, base_us + 100 * STEP_US, SID_AUDIT_SCAN_ROWS);
    const int64_t inside = sid_chain_base(1) + SID_AUDIT_SCAN_ROWS - 100;
    assert_int_equal(page(&seen, "verification", inside, SID_PAGE_MAX), 0);
    assert_int_equal(seen.count, 9);
    for (int i = 0; i < seen.count; i++)
        assert_int_equal(sid_chain_slot(seen.seq[i]), 0);
}

static void
a_page_of_several_chains_is_shown_with_a_row_about_it_or_not_at_all(
    void **state) {
    (void)state;
    bool failed = true;
    unsigned n = 0;
    add(0, 10, base_us, 0);
    add(1, 10, base_us, 0);
    const int64_t before = sid_chain_base(1) + 6;
    fuzz_fail_chains = true;
    while (failed) {
        struct sid_audit_look look = {.limit = 4, .before_seq = before};
        int64_t rows = fixture_audit(f).rows;
        fuzz_fail_nth(++n);
        fixture_run(f, &look.flow, &f->admin, look_start);
        failed = fuzz_fail_end();
        assert_true(failed == (look.flow.err != SID_OK));
        assert_int_equal(fixture_audit(f).rows, failed ? rows : rows + 1);
        if (!failed)
            assert_int_equal(look.count, 4);
        sid_audit_look_fini(&look);
    }
    fuzz_fail_chains = false;
    assert_true(n > 10);
}

/* ---- signing in ---------------------------------------------------------- */

static void
note_start(void *flow) {
    sid_session_note_start(flow);
}

static void
a_sign_in_while_the_app_stops_is_refused_and_not_written_down(void **state) {
    (void)state;
    static const struct sid_address from = {.bytes = {127, 0, 0, 1}};
    struct sid_session_note note = {.from = &from};
    int64_t rows = fixture_audit(f).rows;
    f->app->stopping = true;
    fixture_run(f, &note.flow, &f->officer, note_start);
    f->app->stopping = false;
    assert_int_equal(note.flow.err, SID_E_STOPPING);
    assert_int_equal(fixture_audit(f).rows, rows);
}

int
main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(rows_of_several_chains_are_read_in_the_order_of_their_times),
        T(no_row_is_left_out_where_chains_are_read_in_parts),
        T(a_gap_in_one_chain_hides_no_rows_of_another),
        T(a_page_of_several_chains_is_shown_with_a_row_about_it_or_not_at_all),
        T(a_sign_in_while_the_app_stops_is_refused_and_not_written_down),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
