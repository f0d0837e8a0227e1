/* test_audit_tamper.c: tamperings of every kind at random places, each of which
 * must be found. SID_TAMPERINGS says how many (make check-slow: 10,000),
 * E2E_SEED where the dice begin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit_fixture.h"
#include "smartid/mac.h"

#define TAMPERINGS 300
#define SQL_SIZE 1024

static uint64_t dice;

/* xorshift64*: the same tamperings for the same seed. */
static int64_t
roll(int64_t below) {
    dice ^= dice >> 12;
    dice ^= dice << 25;
    dice ^= dice >> 27;
    return (int64_t)((dice * 2685821657736338717U) >> 33) % below;
}

static int64_t
some_row(const struct audit_fixture *f) {
    return 1 + roll(f->rows);
}

/* ---- in the database ----------------------------------------------------- */

/* Another value for a column, whatever stands there. */
static void
edit_column(struct audit_fixture *f, char sql[SQL_SIZE]) {
    static const char *const texts[] = {"event", "actor", "subject", "outcome",
                                        "detail"};
    static const char *const values[] = {
        "%s || 'x'",
        "'x' || %s",
        "%s || ' '",
        "CASE %s WHEN '' THEN 'x' ELSE '' END",
        "%s || char(0)",
        "CASE upper(%s) WHEN %s THEN %s || 'x' ELSE upper(%s) END",
        "CASE substr(%s, 2) WHEN %s THEN 'y' ELSE substr(%s, 2) END",
    };
    static const char *const others[] = {
        "at_us = at_us + 1",
        "at_us = at_us - 1000000",
        "at_us = -at_us",
        "at_us = 0",
        "mac = zeroblob(32)",
        "mac = randomblob(32)",
        "mac = (SELECT mac FROM audit AS o WHERE o.seq = audit.seq % 56 + 1)",
    };
    char what[256];
    int64_t kind = roll(3);
    if (kind == 0) {
        (void)snprintf(what, sizeof what, "%s", others[roll(7)]);
    } else if (kind == 1) {
        const char *c = texts[roll(5)];
        char value[200];
        /* Every %s is the column. */
        size_t len = 0;
        for (const char *at = values[roll(7)]; *at != '\0'; at++) {
            bool mark = at[0] == '%' && at[1] == 's';
            len += (size_t)snprintf(value + len, sizeof value - len, "%.*s",
                                    mark ? (int)strlen(c) : 1, mark ? c : at);
            at += mark;
        }
        (void)snprintf(what, sizeof what, "%s = %s", c, value);
    } else {
        /* A boundary between two columns moved: the bytes stay the same. */
        int64_t left = roll(4);
        (void)snprintf(what, sizeof what,
                       "%s = %s || substr(%s || 'z', 1, 1), "
                       "%s = substr(%s || 'z', 2)",
                       texts[left], texts[left], texts[left + 1],
                       texts[left + 1], texts[left + 1]);
    }
    (void)snprintf(sql, SQL_SIZE, "UPDATE audit SET %s WHERE seq = %" PRId64,
                   what, some_row(f));
}

static void
delete_rows(struct audit_fixture *f, char sql[SQL_SIZE]) {
    int64_t row = some_row(f);
    (void)snprintf(sql, SQL_SIZE,
                   "DELETE FROM audit WHERE seq BETWEEN %" PRId64
                   " AND %" PRId64,
                   row, row + roll(5));
}

/* The hole is closed again. */
static void
delete_and_close(struct audit_fixture *f, char sql[SQL_SIZE]) {
    int64_t row = some_row(f);
    (void)snprintf(sql, SQL_SIZE,
                   "DELETE FROM audit WHERE seq = %" PRId64 ";"
                   "UPDATE audit SET seq = -seq WHERE seq > %" PRId64 ";"
                   "UPDATE audit SET seq = -seq - 1 WHERE seq < 0",
                   row, row);
}

static void
swap_rows(struct audit_fixture *f, char sql[SQL_SIZE]) {
    int64_t a = some_row(f);
    int64_t b = 1 + (a - 1 + 1 + roll(f->rows - 1)) % f->rows;
    (void)snprintf(sql, SQL_SIZE,
                   "UPDATE audit SET seq = 100000 WHERE seq = %" PRId64 ";"
                   "UPDATE audit SET seq = %" PRId64 " WHERE seq = %" PRId64 ";"
                   "UPDATE audit SET seq = %" PRId64 " WHERE seq = 100000",
                   a, a, b, b);
}

/* A row of the forger's own, or a true one once more. */
static void
insert_row(struct audit_fixture *f, char sql[SQL_SIZE]) {
    int64_t at = 1 + roll(f->rows + 1);
    int64_t from = some_row(f);
    bool copy = roll(2) == 0;
    (void)snprintf(sql, SQL_SIZE,
                   "UPDATE audit SET seq = -seq WHERE seq >= %" PRId64 ";"
                   "UPDATE audit SET seq = -seq + 1 WHERE seq < 0;"
                   "INSERT INTO audit SELECT %" PRId64
                   ", at_us, event, actor, subject, %s, detail, %s FROM audit "
                   "WHERE seq = %" PRId64,
                   at, at, copy ? "outcome" : "'forged'",
                   copy ? "mac" : "randomblob(32)",
                   from >= at ? from + 1 : from);
}

static void
renumber_row(struct audit_fixture *f, char sql[SQL_SIZE]) {
    static const char *const numbers[] = {"0", "-1", "-9223372036854775808",
                                          "9223372036854775807", "seq + 1000"};
    (void)snprintf(sql, SQL_SIZE,
                   "UPDATE audit SET seq = %s WHERE seq = %" PRId64,
                   numbers[roll(5)], some_row(f));
}

static void
cut_tail(struct audit_fixture *f, char sql[SQL_SIZE]) {
    (void)snprintf(sql, SQL_SIZE, "DELETE FROM audit WHERE seq > %" PRId64,
                   roll(f->rows));
}

typedef void sql_fn(struct audit_fixture *f, char sql[SQL_SIZE]);

static const struct {
    const char *name;
    sql_fn *act;
} in_rows[] = {
    {"edit", edit_column}, {"delete", delete_rows}, {"close", delete_and_close},
    {"swap", swap_rows},   {"insert", insert_row},  {"renumber", renumber_row},
    {"cut", cut_tail},
};

static void
tamper_rows(struct audit_fixture *f, char *name, size_t name_size) {
    char sql[SQL_SIZE];
    int64_t kind = roll(sizeof in_rows / sizeof *in_rows);
    in_rows[kind].act(f, sql);
    (void)snprintf(name, name_size, "%s: %s", in_rows[kind].name, sql);
    audit_sql(f, sql);
}

/* ---- the files ----------------------------------------------------------- */

static void
tamper_file(struct audit_fixture *f, char *name, size_t name_size) {
    int run = (int)roll(RUNS - 1);
    (void)snprintf(name, name_size, "an older file: run %d", run);
    audit_copy(f->old_db[run], f->db);
}

static void
tamper_heads(struct audit_fixture *f, char *name, size_t name_size) {
    int n = 1 + (int)roll(f->head_lines);
    char *line = audit_head_line(f->good_heads, n);
    size_t len = strlen(line);
    size_t at = (size_t)roll((int64_t)len);
    switch (roll(5)) {
    case 0:
        (void)snprintf(name, name_size, "head line %d removed", n);
        audit_heads_rewrite(f, n, NULL);
        break;
    case 1: {
        char was = line[at];
        while (line[at] == was)
            line[at] = (char)(' ' + roll(95));
        (void)snprintf(name, name_size, "head line %d byte %zu", n, at);
        audit_heads_rewrite(f, n, line);
        break;
    }
    case 2:
        line[at] = '\0';
        (void)snprintf(name, name_size, "head line %d cut at %zu", n, at);
        audit_heads_rewrite(f, n, line);
        break;
    case 3: {
        int other =
            1 + (n - 1 + 1 + (int)roll(f->head_lines - 1)) % f->head_lines;
        char *text = audit_head_line(f->good_heads, other);
        (void)snprintf(name, name_size, "head line %d over %d", other, n);
        audit_heads_rewrite(f, n, text);
        free(text);
        break;
    }
    default:
        (void)snprintf(name, name_size, "heads emptied");
        assert_int_equal(truncate(f->heads, 0), 0);
        break;
    }
    free(line);
}

static void
every_tampering_is_found(void **state) {
    struct audit_fixture *f = *state;
    static char out[AUDIT_OUT_SIZE];
    const char *many = getenv("SID_TAMPERINGS");
    const char *seed = getenv("E2E_SEED");
    int64_t count = many != NULL ? strtoll(many, NULL, 10) : TAMPERINGS;
    int64_t missed = 0;
    dice = 0x9e3779b97f4a7c15U ^
           (uint64_t)(seed != NULL ? strtoll(seed, NULL, 10) : 20261123);
    assert_true(count > 0);
    for (int64_t i = 0; i < count; i++) {
        char name[SQL_SIZE + 16];
        int64_t where = roll(10);
        audit_fixture_restore(f);
        if (where < 7)
            tamper_rows(f, name, sizeof name);
        else if (where < 9)
            tamper_heads(f, name, sizeof name);
        else
            tamper_file(f, name, sizeof name);
        if (audit_check(f, NULL, out, sizeof out) == 0) {
            print_error("not found: %s\n%s", name, out);
            missed++;
        }
    }
    audit_fixture_restore(f);
    assert_int_equal(audit_check(f, NULL, out, sizeof out), 0);
    print_message("%" PRId64 " tamperings, %" PRId64 " found\n", count,
                  count - missed);
    assert_int_equal(missed, 0);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tampering_is_found),
    };
    return cmocka_run_group_tests(tests, audit_fixture_start,
                                  audit_fixture_stop);
}
