/* test_audit_words.c: what a person may say to smartidctl audit, what the
 * daemon may say, and what may lie in the folder of segments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../src/ctl/audit_segment.h"
#include "audit_command.h"
#include "io_fails.h"

/* ---- archive: what the daemon says, what lies in the folder -------------- */

#define MONTH_S INT64_C(2678400)
#define ARCHIVE "archive --until 2999-01 --to @A"

static void
what_the_daemon_says_of_the_rows_is_believed_and_nothing_else(void **state) {
    (void)state;
    static const struct {
        struct io_daemon daemon;
        int status;
        const char *words;
    } cases[] = {
        {{.answer = {"{\"detail\":\"not now\"}"}, .status = 409},
         SID_CTL_FAILED,
         "not now"},
        {{.answer = {"{\"left\":\"0\"}"}, .status = 200}, SID_CTL_FAILED, ""},
        {{.answer = {"left: 0"}, .status = 200}, SID_CTL_FAILED, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)audit_command_restore(state);
        io_daemon = cases[i].daemon;
        expect(ARCHIVE, cases[i].status, cases[i].words);
        assert_int_equal(io_daemon.times, 1);
        assert_non_null(strstr(io_daemon.asked, "POST /v1/audit/archive {"
                                                "\"month\":\"2096-10\","));
        expect_none_lost(0);
    }
    /* It removes some at a time, and then the next tool takes the database. */
    (void)audit_command_restore(state);
    io_daemon = (struct io_daemon){{"{\"left\":5}", "no"}, 200, 0, ""};
    expect(ARCHIVE, SID_CTL_FAILED, "");
    assert_int_equal(io_daemon.times, 2);
}

static bool
stands_in_segment(const char *words) {
    char path[160], text[16384];
    (void)snprintf(path, sizeof path, "%s/" SEGMENT, archive);
    FILE *in = fopen(path, "re");
    assert_non_null(in);
    size_t len = fread(text, 1, sizeof text - 1, in);
    assert_int_equal(fclose(in), 0);
    text[len] = '\0';
    return strstr(text, words) != NULL;
}

/* Spoils the segment: the first `from` in it becomes `to`. */
static void
spoil(const char *from, const char *to) {
    char path[160], text[16384], whole[16384];
    (void)snprintf(path, sizeof path, "%s/" SEGMENT, archive);
    FILE *in = fopen(path, "re");
    assert_non_null(in);
    size_t len = fread(text, 1, sizeof text - 1, in);
    assert_int_equal(fclose(in), 0);
    text[len] = '\0';
    const char *at = strstr(text, from);
    assert_non_null(at);
    (void)snprintf(whole, sizeof whole, "%.*s%s%s", (int)(at - text), text, to,
                   at + strlen(from));
    audit_write_file(path, whole);
}

static void
a_segment_of_another_form_is_named_with_its_line(void **state) {
    static const struct {
        const char *from, *to, *words;
    } acts[] = {
        {"\"segment\":1", "\"segment\":2", "line 1: not the first line"},
        {"\"after\":", "\"after\":-", "line 1: not the first line"},
        {"\"mac\":\"", "\"mac\":\"x", "line 1: not the first line"},
        {"\"month\":\"2096-10\"", "\"month\":\"2096-10-01\"",
         "line 1: not the first line"},
        {"2096-10-02T", "2096-10-2T", "line 2: no row of the log"},
        {"2096-10-02T", "2096-13-02T", "line 2: no row of the log"},
        {"000Z\"", "00xZ\"", "line 2: no row of the log"},
        {"\"event\":", "\"Event\":", "line 2: no row of the log"},
        {"\"valid\",\"mac\":\"", "\"valid\",\"mac\":\"x",
         "line 2: no row of the log"},
        {"{\"rows\":", "{\"rows\":1", "it has not as many rows"},
        {"{\"rows\":", "{\"more\":1,\"rows\":", "it has not as many rows"},
        {"{\"rows\":", "{\"rows\":null,\"x\":", "it has not as many rows"},
        {"{\"segment\"", "[\"segment\"", "line 1: no line of a segment"},
    };
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        (void)audit_command_restore(state);
        expect(ARCHIVE, SID_CTL_OK, SEGMENT);
        spoil(acts[i].from, acts[i].to);
        expect("verify --archive @A", SID_CTL_FAILED, acts[i].words);
    }
}

static void
put(const char *name) {
    char path[224];
    (void)snprintf(path, sizeof path, "%s/%s", archive, name);
    audit_write_file(path, "x");
}

static void
files_of_other_names_are_no_segments(void **state) {
    (void)state;
    static const char *const names[] = {
        "audit-2096-1x.jsonl", "audit-2096-1-.jsonl",
        "audit-2096-:0.jsonl", "audit",
        "notes.txt",           "audit-2096-10.jsonl.part",
        "audit-2096-10.json"};
    expect(ARCHIVE, SID_CTL_OK, SEGMENT);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        put(names[i]);
    expect("verify --archive @A", SID_CTL_OK, "in 1 segment\n");
    put("audit-2096-11.jsonl");
    expect("verify --archive @A", SID_CTL_FAILED,
           "audit-2096-11.jsonl, line 1: no line of a segment");
}

static void
a_segment_that_cannot_be_read_is_told(void **state) {
    char path[160];
    const struct sid_segment_visit nobody = {NULL, NULL, NULL};
    struct sid_segment_problem problem = {0};
    (void)state;
    (void)snprintf(path, sizeof path, "%s/" SEGMENT, archive);
    assert_int_equal(sid_segment_read(path, &nobody, &problem),
                     SID_E_NOT_FOUND);
    FILE *to = fopen(path, "we");
    assert_non_null(to);
    assert_int_equal(fwrite("\0\n", 1, 2, to), 2);
    assert_int_equal(fclose(to), 0);
    assert_int_equal(sid_segment_read(path, &nobody, &problem),
                     SID_E_BAD_REQUEST);
    assert_int_equal(problem.line, 1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    expect("verify --archive @A", SID_CTL_FAILED, "cannot be read");
    expect(ARCHIVE, SID_CTL_FAILED, "");
    assert_int_equal(rmdir(path), 0);
    expect("verify", SID_CTL_OK, "10 rows, chain unbroken");
}

static void
rows_that_came_back_and_are_others_are_found(void **state) {
    (void)state;
    expect(ARCHIVE, SID_CTL_OK, SEGMENT);
    /* The log as it was before; the last row they share is another one. */
    audit_fixture_restore(f);
    expect("verify --archive @A", SID_CTL_OK, "are still in the log");
    spoil("\"outcome\":\"valid\"", "\"outcome\":\"other\"");
    expect("verify --archive @A", SID_CTL_FAILED, ": changed");
}

/* A file that is there already is held against the log, which it must begin
 * with. */
static void
a_segment_that_is_not_the_logs_beginning_moves_nothing(void **state) {
    static const struct {
        const char *sql, *from, *to, *words;
    } acts[] = {
        {NULL, "\"mac\":\"", "\"mac\":\"0", "not the first line"},
        {"DELETE FROM audit WHERE seq > 61", NULL, NULL, "has not all rows"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        (void)audit_command_restore(state);
        expect(ARCHIVE, SID_CTL_OK, SEGMENT);
        audit_fixture_restore(f);
        if (acts[i].sql != NULL)
            audit_sql(f, acts[i].sql);
        if (acts[i].from != NULL)
            spoil(acts[i].from, acts[i].to);
        expect(ARCHIVE, SID_CTL_FAILED, acts[i].words);
    }
    /* Of a log that had another row before. */
    (void)audit_command_restore(state);
    expect(ARCHIVE, SID_CTL_OK, SEGMENT);
    audit_fixture_restore(f);
    static const char digits[] = "0123456789abcdef";
    char was[] = "\"after\":52,\"mac\":\"?", is[] = "\"after\":52,\"mac\":\"?";
    for (int i = 0; i < 16; i++) {
        was[sizeof was - 2] = digits[i];
        is[sizeof is - 2] = digits[(i + 1) % 16];
        if (stands_in_segment(was)) {
            spoil(was, is);
            break;
        }
    }
    expect(ARCHIVE, SID_CTL_FAILED, "do not fit the chain");
    /* One that ends where the log begins, in place of the next. */
    (void)audit_command_restore(state);
    expect(ARCHIVE, SID_CTL_OK, SEGMENT);
    char from[160], to[160];
    (void)snprintf(from, sizeof from, "%s/" SEGMENT, archive);
    (void)snprintf(to, sizeof to, "%s/audit-2096-11.jsonl", archive);
    audit_copy(from, to);
    expect(ARCHIVE, SID_CTL_FAILED, "is not what the log begins with");
}

static void
a_log_with_spoilt_times_or_none_at_all_stays(void **state) {
    static const char *const acts[] = {
        "UPDATE audit SET at_us = -1 WHERE seq = 53", "DELETE FROM audit"};
    for (size_t i = 0; i < 2; i++) {
        (void)audit_command_restore(state);
        audit_sql(f, acts[i]);
        expect(ARCHIVE, SID_CTL_OK, "");
        assert_int_equal(archived("", false), 0);
    }
}

static void
rows_that_the_backend_was_not_told_of_stay(void **state) {
    (void)state;
    audit_sql(f, "INSERT INTO webhook_place (slot, seq) VALUES (0, 10)");
    assert_int_equal(
        setenv("SMARTIDD_WEBHOOK_WEBHOOK_URL", "http://127.0.0.1:9/e", 1), 0);
    expect(ARCHIVE, SID_CTL_FAILED, "present state does not allow");
    assert_int_equal(unsetenv("SMARTIDD_WEBHOOK_WEBHOOK_URL"), 0);
    expect("verify", SID_CTL_OK, "10 rows, chain unbroken");
}

static void
an_anchor_that_was_changed_behind_an_archive_is_found(void **state) {
    (void)state;
    expect(ARCHIVE, SID_CTL_OK, SEGMENT);
    audit_sql(f, "UPDATE audit_anchor SET seal = zeroblob(32)");
    expect("verify --archive @A", SID_CTL_FAILED, "the anchor, which says");
}

static void
the_last_row_that_log_and_archive_share_is_one(void **state) {
    (void)state;
    expect(ARCHIVE, SID_CTL_OK, SEGMENT);
    audit_fixture_restore(f);
    audit_sql(f, "UPDATE audit SET mac = zeroblob(32) WHERE seq = 61");
    expect("verify --archive @A", SID_CTL_FAILED,
           "row 61: is another one in the archive");
}

/* ---- heads --------------------------------------------------------------- */

static void
add_head(FILE *to, int64_t after, int64_t seq, const char *before) {
    char text[SID_HEAD_TEXT_SIZE];
    struct sid_audit_head head = {.after = after, .seq = seq, .at_s = 1};
    assert_int_equal(sid_head_sign(sid_keyring_head(f->keys), &head), SID_OK);
    sid_head_print(&head, text);
    assert_true(fprintf(to, "%s%s\n", before, text) > 0);
}

static void
heads_in_files_of_any_length_are_held_against_each_other(void **state) {
    char check[160], key[2 * SID_PUBLIC_KEY_BYTES + 1];
    (void)state;
    expect("public-key", SID_CTL_OK, "");
    (void)snprintf(key, sizeof key, "%.64s", said);
    (void)snprintf(check, sizeof check, "check-heads @H --public-key %s", key);
    FILE *to = fopen(f->heads, "we");
    assert_non_null(to);
    for (int i = 1; i <= 100; i++) {
        add_head(to, i - 1, i, "");
        assert_true(fputc('\n', to) == '\n'); /* an empty line is none */
    }
    assert_true(fputs("version=1 ch", to) >= 0); /* torn, and without an end */
    assert_int_equal(fclose(to), 0);
    expect(check, SID_CTL_OK, "heads: 100, all signed by this key");
    /* Of two that are known neither is the one that is named. */
    static const char *const before[] = {"", "level=always event=audit_head "};
    for (int i = 0; i < 2; i++) {
        to = fopen(f->heads, "we");
        assert_non_null(to);
        add_head(to, 0, 5, before[i]);
        add_head(to, 5, 8, before[i]);
        add_head(to, 7, 10, before[i]);
        assert_int_equal(fclose(to), 0);
        expect(check, SID_CTL_FAILED, ":3: follows a head of row 7");
    }
    expect("verify --heads /nowhere --heads @H --head x", SID_CTL_FAILED,
           "cannot be read");
    expect("verify --heads - --heads /nowhere --head x", SID_CTL_FAILED,
           "cannot be read");
}

static void
a_start_alone_waits_for_its_first_head(void **state) {
    (void)state;
    audit_prune(f, KEPT - 1);
    assert_int_equal(unlink(f->heads), 0);
    expect("verify", SID_CTL_OK, "heads: none yet");
}

/* ---- words --------------------------------------------------------------- */

static void
wrong_words_get_the_usage_and_do_nothing(void **state) {
    (void)state;
    static const char *const lines[] = {
        "public-key x",
        "export --since",
        "export --event",
        "export --until soon",
        "export --from 2096-10-01",
        "check-heads",
        "check-heads @H",
        "check-heads @H --public-key 00",
        "check-heads @H @H",
        "check-heads --public-key",
        "verify --public-key 00",
        "verify --other x",
        "verify --head",
        "report --night -6",
        "report --night 1000-6",
        "report --night 22",
        "report --night 24-6",
        "report --night x-6",
        "report --night 22-24",
        "report --often x",
        "report --often 1x",
        "report --often 0",
        "report --often 1000001",
        "report --often 99999999999999999999",
        "report --utc-offset :30",
        "report --utc-offset +100",
        "report --utc-offset 15",
        "report --utc-offset +5:60",
        "report --since",
        "report --since never",
        "report --until never",
        "report --most 5",
        "archive --until 2096-10",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        expect(lines[i], SID_CTL_USAGE, "usage: smartidctl");
    char far[5000] = "archive --until 2999-01 --to ";
    memset(far + strlen(far), 'x', 4096);
    expect(far, SID_CTL_USAGE, "usage: smartidctl");
    expect("report x --help", SID_CTL_USAGE, "usage");
    expect("report --json", SID_CTL_OK, "");
    expect("report --help", SID_CTL_OK, "Lists what looks like misuse");
    expect("verify", SID_CTL_OK, "10 rows, chain unbroken");
}

static void
what_the_options_of_a_report_and_an_export_say_is_done(void **state) {
    (void)state;
    expect("report --often 1", SID_CTL_OK, "often");
    /* 15:06 in the bureau's time, of which others have another. */
    expect("report --night 15-16", SID_CTL_OK, "at night");
    expect("report --night 15-16 --night-purposes bank_account", SID_CTL_OK,
           "0 found\n");
    expect("report --night 15-16 --utc-offset 8", SID_CTL_OK, "at night");
    expect("report --night 1-2 --utc-offset -5:30", SID_CTL_OK, "at night");
    expect("report --night 3-4 --utc-offset 5:45", SID_CTL_OK, "0 found");
    expect("report --night 12-13 --utc-offset 5:45", SID_CTL_OK, "at night");
    expect("report --often 1 --until 2096-10-02", SID_CTL_OK, "0 found");
    expect("report --often 1 --since 2096-10-03 --until 2999-01-01", SID_CTL_OK,
           "0 found");
    expect("export --event daemon_stopped", SID_CTL_OK, "daemon_stopped");
    assert_null(strstr(said, "verification"));
    expect("report --counters /nowhere", SID_CTL_FAILED, "/nowhere: ");
}

/* What a row was spoilt with does not reach a terminal. */
static void
a_report_prints_no_bytes_that_a_terminal_obeys(void **state) {
    (void)state;
    audit_sql(f, "UPDATE audit SET detail = 'purpose=b' || char(27, 233, 127), "
                 "subject = 'crd' || char(27) || ' '");
    audit_sql(f, "UPDATE audit SET actor = 'cli' || char(27, 127) || "
                 "'12345678901234567890123456789012345678901234567890'");
    audit_sql(f, "UPDATE audit SET actor = 'one' || seq WHERE seq IN (53, 55, "
                 "57)");
    expect("report --bulk 3 --people 3 --near 1", SID_CTL_OK,
           " cli??12345678901234567890");
    assert_non_null(strstr(said, " for b?"));
    for (const char *at = said; *at != '\0'; at++)
        assert_true((*at >= ' ' && *at < 0x7f) || *at == '\n');
    /* A name that is too long to be kept is one all the same. */
    audit_sql(f, "UPDATE audit SET actor = 'cli' || "
                 "'12345678901234567890123456789012345678901234567890'");
    expect("report", SID_CTL_OK, "0 found");
}

/* Rows are read some thousand at a time. */
static void
a_long_log_is_exported_reported_and_archived_to_its_end(void **state) {
    struct sid_store *store = NULL;
    (void)state;
    assert_int_equal(
        sid_store_open(f->db, false, sid_keyring_audit(f->keys), &store),
        SID_OK);
    assert_int_equal(sid_store_begin(store), SID_OK);
    for (int i = 0; i < 9000; i++) {
        const struct sid_audit_row row = {.at_us = f->at_us + i,
                                          .event = "verification",
                                          .actor = "cli_1",
                                          .subject = "crd_1",
                                          .outcome = "valid",
                                          .detail = ""};
        assert_int_equal(sid_store_audit(store, &row), SID_OK);
    }
    const struct sid_audit_row late = {.at_us = f->at_us + MONTH_S * 1000000,
                                       .event = "last_of_all",
                                       .actor = "",
                                       .subject = "",
                                       .outcome = "",
                                       .detail = ""};
    assert_int_equal(sid_store_audit(store, &late), SID_OK);
    assert_int_equal(sid_store_commit(store), SID_OK);
    sid_store_close(&store);
    expect("export --event last_of_all", SID_CTL_OK, "last_of_all");
    expect("report", SID_CTL_OK, "found");
    expect(ARCHIVE, SID_CTL_OK, "audit-2096-11.jsonl");
    expect("verify --archive @A --heads @H", SID_CTL_OK,
           "audit log: 9013 rows, chain unbroken\narchive: 9010 of them, in 2 "
           "segments");
    /* A good segment in the place of the next one, which it does not reach. */
    char from[160], to[160];
    (void)snprintf(from, sizeof from, "%s/" SEGMENT, archive);
    (void)snprintf(to, sizeof to, "%s/audit-2096-12.jsonl", archive);
    audit_copy(from, to);
    expect(ARCHIVE, SID_CTL_FAILED, "is not what the log begins with");
}

int
main(void) {
#define T(name) cmocka_unit_test_setup(name, audit_command_restore)
    const struct CMUnitTest tests[] = {
        T(what_the_daemon_says_of_the_rows_is_believed_and_nothing_else),
        T(a_segment_of_another_form_is_named_with_its_line),
        T(files_of_other_names_are_no_segments),
        T(a_segment_that_cannot_be_read_is_told),
        T(rows_that_came_back_and_are_others_are_found),
        T(a_segment_that_is_not_the_logs_beginning_moves_nothing),
        T(a_log_with_spoilt_times_or_none_at_all_stays),
        T(rows_that_the_backend_was_not_told_of_stay),
        T(an_anchor_that_was_changed_behind_an_archive_is_found),
        T(the_last_row_that_log_and_archive_share_is_one),
        T(heads_in_files_of_any_length_are_held_against_each_other),
        T(a_start_alone_waits_for_its_first_head),
        T(wrong_words_get_the_usage_and_do_nothing),
        T(what_the_options_of_a_report_and_an_export_say_is_done),
        T(a_report_prints_no_bytes_that_a_terminal_obeys),
        T(a_long_log_is_exported_reported_and_archived_to_its_end),
    };
    return cmocka_run_group_tests(tests, audit_command_start,
                                  audit_command_stop);
}
