/* test_log.c: one event is one line, whatever its values are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smartid/log.h"

#define TEXT_SIZE (1 << 20)
static char text[TEXT_SIZE];

static int saved = -1;
static FILE *sink;

/* From here on stderr is a file. */
static void
begin(void) {
    sink = tmpfile();
    assert_non_null(sink);
    saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
    assert_true(saved >= 0);
    assert_true(dup2(fileno(sink), STDERR_FILENO) >= 0);
}

/* stderr is as before; what was written stands in text. */
static size_t
end(void) {
    (void)dup2(saved, STDERR_FILENO);
    (void)close(saved);
    rewind(sink);
    size_t len = fread(text, 1, TEXT_SIZE - 1, sink);
    (void)fclose(sink);
    text[len] = '\0';
    return len;
}

static void
a_line_has_time_level_event_and_fields(void **state) {
    (void)state;
    begin();
    sid_log(SID_LOG_INFO, "listening", SID_S("address", "127.0.0.1"),
            SID_N("port", 8080));
    (void)end();
    const char *rest = strchr(text, ' ');
    assert_non_null(rest);
    assert_string_equal(
        rest, " level=info event=listening address=127.0.0.1 port=8080\n");
    /* ts=2026-11-23T10:00:00.123Z */
    assert_int_equal(rest - text, 27);
    assert_memory_equal(text, "ts=", 3);
    assert_int_equal(text[22], '.');
    assert_int_equal(text[26], 'Z');
}

static void
an_event_needs_no_fields(void **state) {
    (void)state;
    begin();
    sid_log(SID_LOG_ERROR, "stopped");
    (void)end();
    assert_non_null(strstr(text, " level=error event=stopped\n"));
}

static void
no_value_can_end_a_line_or_its_quotes(void **state) {
    (void)state;
    begin();
    sid_log(SID_LOG_WARN, "odd", SID_S("a", "x\ny"), SID_S("b", "q\"z\\"),
            SID_S("c", ""), SID_S("d", "k=v"), SID_S("e", "\x1b[2J\r\x7f"),
            SID_S("f", "张 三"), SID_S("g", "\xff\x80"),
            SID_S("h", "a\xe2\x80\xa8z"), SID_N("n", INT64_MIN));
    size_t len = end();
    assert_non_null(
        strstr(text, " a=\"x\\ny\" b=\"q\\\"z\\\\\" c=\"\" d=\"k=v\""
                     " e=\"\\x1b[2J\\x0d\\x7f\" f=\"张 三\" g=\"\\xff\\x80\""
                     " h=\"a\\xe2\\x80\\xa8z\" n=-9223372036854775808\n"));
    assert_ptr_equal(strchr(text, '\n'), text + len - 1);
}

/* What an attacker may put into a value, beside every single byte. */
static const char *const injections[] = {
    "\nts=2026-01-01T00:00:00.000Z level=info event=ready",
    "\r\nts=2026-01-01T00:00:00.000Z level=info event=stopped",
    "\" event=ready x=\"",
    "\\",
    "\\\"",
    "\\n",
    "a\" level=error b=\"",
    "%n%n%n%s%s%s",
    "%0d%0aevent=ready",
    "\xe2\x80\xa8ts=1 event=x", /* U+2028 */
    "\xe2\x80\xa9ts=1 event=x", /* U+2029 */
    "\xc2\x85ts=1 event=x",     /* U+0085 */
    "\xc0\x8ats=1 event=x",     /* LF in too many bytes */
    "\xe0\x80\x8a",             /* the same in three */
    "\xed\xa0\x80",             /* half a surrogate pair */
    "\xf4\x90\x80\x80",         /* beyond Unicode */
    "\xf0\x9f\x98",             /* cut off */
    "\xe2\x80\xae"
    "txt.exe",       /* right to left */
    "\xef\xbb\xbfx", /* byte order mark */
    "\x1b]0;title\x07\x1b[2J\x1b[31m",
    "\x9b"
    "31m",
    "\b\b\b\b\b\b",
    "<script>alert(1)</script>",
    "${jndi:ldap://x/y}",
    "{\"event\":\"ready\"}",
    "'; DROP TABLE audit; --",
    "a=b c=d",
    "\t\v\f",
    "张\n三",
    " ",
    "",
};
#define INJECTIONS (sizeof injections / sizeof injections[0])

/* Reads one quoted or bare value; NULL when it is no value. */
static const char *
read_value(const char *at) {
    if (*at != '"') {
        const char *from = at;
        while (*at > ' ' && *at < 0x7f && *at != '"' && *at != '=' &&
               *at != '\\')
            at++;
        return at > from ? at : NULL;
    }
    for (at++; *at != '"'; at++) {
        if (*at == '\\')
            at++;
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            return NULL;
    }
    return at + 1;
}

/* One line with the fields ts, level, event, v and end, and nothing else. */
static void
assert_one_line(size_t len) {
    static const char *const names[] = {"ts", "level", "event", "v", "end"};
    assert_int_equal(strlen(text), len);
    const char *at = text;
    for (size_t i = 0; i < 5; i++) {
        size_t n = strlen(names[i]);
        assert_memory_equal(at, names[i], n);
        assert_int_equal(at[n], '=');
        /* A time has no quotes and no colon that could end it. */
        at = i == 0 ? strchr(at, ' ') : read_value(at + n + 1);
        assert_non_null(at);
        assert_int_equal(*at, i < 4 ? ' ' : '\n');
        at++;
    }
    assert_ptr_equal(at, text + len);
    /* Terminals and viewers end lines at these too. */
    assert_null(strstr(text, "\xe2\x80\xa8"));
    assert_null(strstr(text, "\xe2\x80\xa9"));
    assert_null(strstr(text, "\xc2\x85"));
}

/* 255 bytes and the list above, each alone, in the middle, and many times. */
static void
no_injection_makes_two_lines_of_one_event(void **state) {
    (void)state;
    static char value[1800];
    size_t payloads = 0;
    for (size_t i = 1; i < 256 + INJECTIONS; i++) {
        char byte[2] = {(char)i, '\0'};
        const char *payload = i < 256 ? byte : injections[i - 256];
        for (int form = 0; form < 3; form++) {
            size_t at = 0;
            for (int n = 0; n < (form == 2 ? 20 : 1); n++)
                at += (size_t)snprintf(value + at, sizeof value - at, "%s%s%s",
                                       form == 1 ? "before" : "", payload,
                                       form == 1 ? "after" : "");
            begin();
            sid_log(SID_LOG_INFO, "odd", SID_S("v", value), SID_N("end", 1));
            assert_one_line(end());
            payloads++;
        }
    }
    assert_true(payloads >= 200);
}

static void
lines_below_the_level_are_dropped(void **state) {
    (void)state;
    begin();
    sid_log(SID_LOG_DEBUG, "hidden");
    sid_log_set_level(SID_LOG_ERROR);
    sid_log(SID_LOG_WARN, "hidden");
    sid_log(SID_LOG_ERROR, "shown");
    sid_log_set_level(SID_LOG_DEBUG);
    sid_log(SID_LOG_DEBUG, "shown");
    sid_log_set_level(SID_LOG_INFO);
    (void)end();
    assert_null(strstr(text, "hidden"));
    assert_non_null(strstr(text, "level=error event=shown"));
    assert_non_null(strstr(text, "level=debug event=shown"));
}

static void
what_is_written_always_is_not_dropped_at_any_level(void **state) {
    (void)state;
    begin();
    sid_log_set_level(SID_LOG_ERROR);
    sid_log(SID_LOG_ALWAYS, "evidence");
    sid_log_set_level(SID_LOG_INFO);
    (void)end();
    assert_non_null(strstr(text, " level=info event=evidence\n"));
}

/* 200 texts that want to be a line of their own, at every place of a value. */
static void
no_payload_makes_a_second_line(void **state) {
    (void)state;
    static const char *const seeds[] = {
        "\r\n",         "\n",         "\r",       "\x1b[2J",  "\xe2\x80\xa8",
        "\xe2\x80\xa9", "\xc2\x85",   "%0a",      "\"",       "\\",
        "\\n",          "\" event=x", "' OR 1=1", "\x7f",     "\x0b",
        "\x0c",         "\x1c",       "\xff\xfe", "\xc0\x8a", "ts=1 level=info",
    };
    static const char *const shapes[] = {
        "%s",    "a%s",       "%sb",    "a%sb",     "%s%s",
        "a b%s", "%s level=", "x=\"%s", "%s\nts=2", "\\%s",
    };
    size_t made = 0;
    begin();
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        for (size_t j = 0; j < sizeof shapes / sizeof *shapes; j++) {
            char value[128];
            const char *mark = strstr(shapes[j], "%s");
            (void)snprintf(value, sizeof value, "%.*s%s%s",
                           (int)(mark - shapes[j]), shapes[j], seeds[i],
                           strcmp(mark, "%s%s") == 0 ? seeds[i] : mark + 2);
            sid_log(SID_LOG_INFO, "payload", SID_S("v", value),
                    SID_N("end", 1));
            made++;
        }
    }
    size_t len = end();
    assert_int_equal(made, 200);
    size_t lines = 0;
    char *save = NULL;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        assert_true(c == '\n' || (c >= 0x20 && c != 0x7f));
    }
    assert_null(strstr(text, "\xe2\x80\xa8"));
    assert_null(strstr(text, "\xc2\x85"));
    for (char *l = strtok_r(text, "\n", &save); l != NULL;
         l = strtok_r(NULL, "\n", &save), lines++) {
        assert_memory_equal(l + 27, " level=info event=payload v=", 28);
        assert_string_equal(l + strlen(l) - 6, " end=1");
    }
    assert_int_equal(lines, 200);
}

static void
levels_are_read_by_name(void **state) {
    (void)state;
    enum sid_log_level level = SID_LOG_ERROR;
    assert_int_equal(sid_log_level_parse("debug", &level), SID_OK);
    assert_int_equal(level, SID_LOG_DEBUG);
    assert_int_equal(sid_log_level_parse("error", &level), SID_OK);
    assert_int_equal(level, SID_LOG_ERROR);
    assert_int_equal(sid_log_level_parse("loud", &level), SID_E_ARGUMENT);
    assert_int_equal(sid_log_level_parse("", &level), SID_E_ARGUMENT);
    assert_int_equal(level, SID_LOG_ERROR);
}

static void
a_value_that_is_too_long_still_leaves_one_whole_line(void **state) {
    (void)state;
    char bare[5000], quoted[5000];
    memset(bare, 'a', sizeof bare - 1);
    bare[sizeof bare - 1] = '\0';
    memset(quoted, ' ', sizeof quoted - 1);
    quoted[sizeof quoted - 1] = '\0';
    begin();
    sid_log(SID_LOG_INFO, "long", SID_S("v", bare), SID_N("n", 7));
    sid_log(SID_LOG_INFO, "long", SID_S("v", quoted), SID_N("n", 7));
    size_t len = end();
    assert_true(len < 4096);
    const char *first_end = strchr(text, '\n');
    assert_non_null(first_end);
    assert_memory_equal(first_end - 3, "n=7", 3);
    assert_non_null(strstr(text, "v=\"(too long)\" n=7\n"));
    assert_int_equal(text[len - 1], '\n');
    assert_int_equal(text[len - 2], '"');
    assert_ptr_equal(strchr(first_end + 1, '\n'), text + len - 1);
}

static void
fields_beyond_sixteen_are_left_out(void **state) {
    (void)state;
    struct sid_log_field fields[20] = {{0}};
    for (int i = 0; i < 19; i++)
        fields[i] = SID_N("n", i);
    begin();
    sid_log_fields(SID_LOG_INFO, "many", fields);
    (void)end();
    assert_non_null(strstr(text, "n=14 n=15\n"));
}

#define LINES 200
static void *
write_lines(void *ctx) {
    const char *name = ctx;
    for (int i = 0; i < LINES; i++)
        sid_log(SID_LOG_INFO, "line", SID_S("by", name), SID_N("n", i));
    return NULL;
}

static void
lines_of_several_threads_do_not_mix(void **state) {
    (void)state;
    static char names[4][2] = {"a", "b", "c", "d"};
    pthread_t thread[4];
    begin();
    /* The file's own offset is shared: append makes each write atomic. */
    (void)fcntl(STDERR_FILENO, F_SETFL, O_APPEND);
    int made = 0;
    for (int i = 0; i < 4; i++)
        made += pthread_create(&thread[i], NULL, write_lines, names[i]) == 0;
    for (int i = 0; i < made; i++)
        (void)pthread_join(thread[i], NULL);
    (void)end();
    assert_int_equal(made, 4);
    int count[4] = {0};
    char *save = NULL;
    for (char *l = strtok_r(text, "\n", &save); l != NULL;
         l = strtok_r(NULL, "\n", &save)) {
        const char *rest = strstr(l, " level=info event=line by=");
        assert_ptr_equal(rest, l + 27);
        int who = rest[26] - 'a';
        assert_in_range(who, 0, 3);
        char expected[64];
        (void)snprintf(expected, sizeof expected,
                       " level=info event=line by=%c n=%d", 'a' + who,
                       count[who]++);
        assert_string_equal(rest, expected);
    }
    for (int i = 0; i < 4; i++)
        assert_int_equal(count[i], LINES);
}

/* ---- lines that wait ----------------------------------------------------- */

/* How many lines stand in the file, as a reader sees it now. */
static int
lines_so_far(void) {
    struct stat st;
    assert_int_equal(fstat(fileno(sink), &st), 0);
    assert_in_range(st.st_size, 0, TEXT_SIZE - 1);
    assert_int_equal(pread(fileno(sink), text, (size_t)st.st_size, 0),
                     st.st_size);
    text[st.st_size] = '\0';
    int lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    return lines;
}

static void *
hold_and_flush(void *seen) {
    int *count = seen;
    sid_log_hold();
    sid_log(SID_LOG_INFO, "one");
    sid_log(SID_LOG_INFO, "two");
    count[0] = lines_so_far();
    sid_log_flush();
    count[1] = lines_so_far();
    sid_log_flush();
    count[2] = lines_so_far();
    return NULL;
}

static void *
hold_and_warn(void *seen) {
    int *count = seen;
    sid_log_hold();
    sid_log(SID_LOG_INFO, "one");
    sid_log(SID_LOG_WARN, "two");
    count[0] = lines_so_far();
    sid_log(SID_LOG_INFO, "three");
    sid_log(SID_LOG_ALWAYS, "four");
    count[1] = lines_so_far();
    return NULL;
}

static void *
hold_many(void *seen) {
    int *count = seen;
    sid_log_hold();
    for (int i = 0; i < LINES; i++)
        sid_log(SID_LOG_INFO, "line", SID_N("n", i));
    count[0] = lines_so_far();
    sid_log_flush();
    count[1] = lines_so_far();
    return NULL;
}

static void
run_alone(void *(*what)(void *), int *seen) {
    pthread_t thread;
    begin();
    (void)fcntl(STDERR_FILENO, F_SETFL, O_APPEND);
    assert_int_equal(pthread_create(&thread, NULL, what, seen), 0);
    (void)pthread_join(thread, NULL);
    (void)end();
}

static void
lines_of_a_thread_that_holds_wait_until_it_flushes(void **state) {
    (void)state;
    int seen[3] = {-1, -1, -1};
    run_alone(hold_and_flush, seen);
    assert_int_equal(seen[0], 0);
    assert_int_equal(seen[1], 2);
    assert_int_equal(seen[2], 2);
}

static void
a_warning_and_evidence_do_not_wait_and_come_after_what_did(void **state) {
    (void)state;
    int seen[3] = {-1, -1, -1};
    run_alone(hold_and_warn, seen);
    assert_int_equal(seen[0], 2);
    assert_int_equal(seen[1], 4);
    const char *at = text;
    static const char *const events[] = {"one", "two", "three", "four"};
    for (size_t i = 0; i < 4; i++) {
        at = strstr(at, events[i]);
        assert_non_null(at);
    }
}

static void
lines_that_wait_are_bounded_whole_and_in_order(void **state) {
    (void)state;
    int seen[3] = {-1, -1, -1};
    run_alone(hold_many, seen);
    assert_in_range(seen[0], 1, LINES - 1);
    assert_int_equal(seen[1], LINES);
    int n = 0;
    char *save = NULL;
    for (char *l = strtok_r(text, "\n", &save); l != NULL;
         l = strtok_r(NULL, "\n", &save), n++) {
        char expected[32];
        (void)snprintf(expected, sizeof expected, " event=line n=%d", n);
        const char *rest = strstr(l, " event=");
        assert_non_null(rest);
        assert_string_equal(rest, expected);
    }
    assert_int_equal(n, LINES);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_level_event_and_fields),
        cmocka_unit_test(an_event_needs_no_fields),
        cmocka_unit_test(no_value_can_end_a_line_or_its_quotes),
        cmocka_unit_test(no_injection_makes_two_lines_of_one_event),
        cmocka_unit_test(lines_below_the_level_are_dropped),
        cmocka_unit_test(what_is_written_always_is_not_dropped_at_any_level),
        cmocka_unit_test(no_payload_makes_a_second_line),
        cmocka_unit_test(levels_are_read_by_name),
        cmocka_unit_test(a_value_that_is_too_long_still_leaves_one_whole_line),
        cmocka_unit_test(fields_beyond_sixteen_are_left_out),
        cmocka_unit_test(lines_of_several_threads_do_not_mix),
        cmocka_unit_test(lines_of_a_thread_that_holds_wait_until_it_flushes),
        cmocka_unit_test(
            a_warning_and_evidence_do_not_wait_and_come_after_what_did),
        cmocka_unit_test(lines_that_wait_are_bounded_whole_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
