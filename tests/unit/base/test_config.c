/* test_config.c: what a configuration may say, and how the rest is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smartid/config.h"

static char folder[64];
static char path[96];
static struct sid_config config;
static struct sid_config_problem problem;

static int
make_folder(void **state) {
    (void)state;
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(folder, sizeof folder, "%.40s/sid-config-XXXXXX",
                   tmp != NULL && strlen(tmp) <= 40 ? tmp : "/tmp");
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(path, sizeof path, "%s/c.conf", folder);
    return 0;
}

static int
drop_folder(void **state) {
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static enum sid_err
load_bytes(const char *text, size_t len) {
    FILE *to = fopen(path, "w");
    assert_non_null(to);
    assert_int_equal(fwrite(text, 1, len, to), len);
    assert_int_equal(fclose(to), 0);
    memset(&problem, 0, sizeof problem);
    return sid_config_load(path, &config, &problem);
}

static enum sid_err
load(const char *text) {
    return load_bytes(text, strlen(text));
}

/* Refused on this line, with both of these in the text; config untouched. */
static void
refused(const char *text, int line, const char *what, const char *accepted) {
    struct sid_config before;
    memset(&config, 0x33, sizeof config);
    before = config;
    assert_int_equal(load(text), SID_E_CONFIG);
    assert_memory_equal(&config, &before, sizeof config);
    char where[160];
    (void)snprintf(where, sizeof where, "%s:%d: ", path, line);
    if (strncmp(problem.text, where, strlen(where)) != 0 ||
        strstr(problem.text, what) == NULL ||
        strstr(problem.text, accepted) == NULL)
        fail_msg("told: %s", problem.text);
}

static void
an_empty_file_gives_the_defaults(void **state) {
    (void)state;
    assert_int_equal(load("# nothing\n\n; at all\n"), SID_OK);
    struct sid_config defaults;
    sid_config_default(&defaults);
    assert_memory_equal(&config, &defaults, sizeof config);
    assert_string_equal(config.listen_address, "127.0.0.1");
    assert_int_equal(config.listen_port, 8080);
    assert_int_equal(config.io_threads, 2);
    assert_int_equal(config.max_connections, 1024);
    assert_int_equal(config.wait_max_s, 60);
    assert_string_equal(config.database, "/var/lib/smartidd/smartidd.db");
    assert_string_equal(config.control_socket, "");
    assert_string_equal(config.master_key_file, "/etc/smartidd/master.key");
    assert_int_equal(config.code_period_s, 86400);
    assert_int_equal(config.code_grace_s, 120);
    assert_int_equal(config.clock_skew_s, 30);
    assert_int_equal(config.queue_capacity, 64);
    assert_true(config.match_accept == 0.5);
    assert_true(config.match_review == 0.35);
    assert_string_equal(config.liveness_action, "review");
    assert_string_equal(config.challenge, "preferred");
    assert_int_equal(config.life_s, 120);
    assert_true(config.min_turn_deg == 15);
    assert_true(config.match_accept_without == 0.6);
    assert_string_equal(config.review_two_person, "off");
    assert_int_equal(config.appeal_days, 30);
    assert_int_equal(config.attempts_per_day, 5);
    assert_int_equal(config.photo_max_bytes, 8 << 20);
    assert_int_equal(config.upload_total_bytes, 256 << 20);
    assert_string_equal(config.log_level, "info");
}

static void
values_are_taken_from_the_file(void **state) {
    (void)state;
    assert_int_equal(load("[http]\n  listen_port = 0\nio_threads=64\r\n"
                          "[face]\nmatch_accept = 0.42\n"
                          "liveness_action : off\n"
                          "[store]\ndatabase = /srv/with space/x.db\n"
                          "[http]\nwait_max_s = 300"),
                     SID_OK);
    assert_int_equal(config.listen_port, 0);
    assert_int_equal(config.io_threads, 64);
    assert_int_equal(config.wait_max_s, 300);
    assert_true(config.match_accept == 0.42);
    assert_string_equal(config.liveness_action, "off");
    assert_string_equal(config.database, "/srv/with space/x.db");
    assert_int_equal(config.max_connections, 1024);
}

static void
a_file_that_cannot_be_read_is_an_io_error(void **state) {
    (void)state;
    (void)unlink(path);
    assert_int_equal(sid_config_load(path, &config, &problem), SID_E_IO);
    assert_non_null(strstr(problem.text, path));
    assert_int_equal(sid_config_load(folder, &config, &problem), SID_E_IO);
    assert_non_null(strstr(problem.text, folder));
}

static void
an_unknown_section_or_key_is_refused(void **state) {
    (void)state;
    refused("# one\n[htp]\n", 2, "[htp]: unknown section", "http | store");
    refused("[httpsomething_longer_than_any_name_that_is_known]\n", 1,
            "unknown section", "http | store");
    refused("[http]\nlisten_prot = 1\n", 2, "http.listen_prot: unknown setting",
            "listen_port");
    refused("[store]\nlisten_port = 1\n", 2,
            "store.listen_port: unknown setting", "database");
    refused("listen_port = 1\n", 1, "unknown setting", "[section]");
}

static void
a_setting_given_twice_is_refused(void **state) {
    (void)state;
    refused("[http]\nlisten_port = 1\n[log]\n[http]\nlisten_port = 1\n", 5,
            "http.listen_port: set on line 2 already", "once");
}

static void
a_line_that_is_no_setting_is_refused(void **state) {
    (void)state;
    refused("[http]\nlisten_port\n", 2, "not understood", "name = value");
    refused("[http\n", 1, "not understood", "[section]");
}

static void
a_value_of_the_wrong_type_is_refused(void **state) {
    (void)state;
    static const char *const numbers[] = {"",    "x",  "1x",  "0x10", "1.5",
                                          "1e3", "+1", "1 2", "--1",  "１"};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "[http]\nlisten_port = %s\n",
                       numbers[i]);
        refused(text, 2, "http.listen_port: not a whole number",
                "a whole number, 0 to 65535");
    }
    static const char *const reals[] = {"",    "x",      "0.5x", "inf",
                                        "nan", "0x1p-1", "0,5"};
    for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "[face]\nmatch_accept = %s\n",
                       reals[i]);
        refused(text, 2, "face.match_accept: not a number", "a number, 0 to 1");
    }
    refused("[face]\nliveness_action = maybe\n", 2, "not one of the words",
            "review | off");
    /* The passive score sends to review, no more: issue 2 part E. */
    refused("[face]\nliveness_action = reject\n", 2, "not one of the words",
            "review | off");
    refused("[face]\nliveness_action = review | off\n", 2,
            "not one of the words", "review | off");
    refused("[log]\nlog_level =\n", 2, "log.log_level: empty", "debug | info");
    refused("[store]\ndatabase = here.db\n", 2, "an absolute path",
            "postgresql://");
    refused("[store]\ndatabase =\n", 2, "store.database: empty",
            "an absolute path");
    refused("[http]\nlisten_address =\n", 2, "empty", "an IPv4 or IPv6");
    refused("[http]\nlisten_address = \xff\n", 2, "not clean text",
            "an IPv4 or IPv6");
}

static void
an_address_that_is_not_in_digits_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "localhost",      "example.org", "8080",  "127.1",   "127.0.0.1:80",
        "256.0.0.1",      "[::1]",       "::1/8", "0x7f.1",  "1.2.3.4.5",
        "fe80::1%no-nic", "*",           ":::1",  "1.2.3.04"};
    static const char *const good[] = {
        "127.0.0.1", "0.0.0.0", "::", "::1", "2001:db8::1", "::ffff:10.0.0.1"};
    char text[96];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)snprintf(text, sizeof text, "[http]\nlisten_address = %s\n",
                       bad[i]);
        refused(text, 2, "http.listen_address: not an address in digits",
                "an IPv4 or IPv6 address");
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        (void)snprintf(text, sizeof text, "[http]\nlisten_address = %s\n",
                       good[i]);
        assert_int_equal(load(text), SID_OK);
        assert_string_equal(config.listen_address, good[i]);
    }
}

/* A value would be cut without a word otherwise. */
static void
what_stands_behind_a_value_is_part_of_it(void **state) {
    (void)state;
    refused("[http]\nlisten_port = 80 ; the usual\n", 2,
            "listen_port: not a whole number", "0 to 65535");
    refused("[http]\nlisten_port = 80 # the usual\n", 2,
            "listen_port: not a whole number", "0 to 65535");
    assert_int_equal(load("[store]\ndatabase = /srv/a ;b/#c ; d.db\n"
                          "[keys]\nmaster_key_file = /k ;#\n"),
                     SID_OK);
    assert_string_equal(config.database, "/srv/a ;b/#c ; d.db");
    assert_string_equal(config.master_key_file, "/k ;#");
}

static void
a_control_socket_that_no_socket_can_have_is_refused(void **state) {
    (void)state;
    char path_text[200], text[400];
    memset(path_text, 'a', sizeof path_text);
    path_text[0] = '/';
    for (int len = 107; len <= 108; len++) {
        (void)snprintf(text, sizeof text, "[store]\ncontrol_socket = %.*s\n",
                       len, path_text);
        if (len == 107)
            assert_int_equal(load(text), SID_OK);
        else
            refused(text, 2, "store.control_socket: 108 bytes",
                    "up to 107 bytes");
    }
    for (int len = 102; len <= 103; len++) { /* and ".sock" */
        (void)snprintf(text, sizeof text, "\n[store]\ndatabase = %.*s\n", len,
                       path_text);
        if (len == 102)
            assert_int_equal(load(text), SID_OK);
        else
            refused(text, 3, "store.control_socket: 108 bytes with .sock",
                    "up to 107 bytes");
    }
    /* A database with a long path needs a socket of its own. */
    (void)snprintf(text, sizeof text,
                   "[store]\ndatabase = %.*s\ncontrol_socket = /run/s\n", 199,
                   path_text);
    assert_int_equal(load(text), SID_OK);
}

static void
a_page_to_enrol_needs_a_client(void **state) {
    (void)state;
    static const char client[] = "cli_0123456789abcdefghjkmnpqrs";
    char text[200];
    assert_int_equal(load(""), SID_OK);
    assert_string_equal(config.page_enroll, "off");
    assert_string_equal(config.page_docs, "on");
    refused("[pages]\nenroll = on\n", 2, "pages.enroll: on without",
            "pages.client");
    (void)snprintf(text, sizeof text, "[pages]\nenroll = on\nclient = %s\n",
                   client);
    assert_int_equal(load(text), SID_OK);
    assert_string_equal(config.page_client, client);
    refused("[pages]\nclient = cli_x\n", 2, "not a client's id",
            "smartidctl client list");
}

static void
a_value_out_of_range_is_refused(void **state) {
    (void)state;
    refused("[http]\nlisten_port = 65536\n", 2, "out of range", "0 to 65535");
    refused("[http]\nlisten_port = -1\n", 2, "out of range", "0 to 65535");
    refused("[http]\nlisten_port = 99999999999999999999\n", 2, "out of range",
            "0 to 65535");
    refused("[http]\nio_threads = 0\n", 2, "out of range", "1 to 64 threads");
    refused("[code]\ncode_period_s = 86401\n", 2, "out of range",
            "60 to 86400 seconds");
    refused("[face]\nmatch_accept = 1.01\n", 2, "out of range", "0 to 1");
    refused("[face]\nmatch_accept = -0.1\n", 2, "out of range", "0 to 1");
}

static void
a_value_that_is_too_long_is_refused(void **state) {
    (void)state;
    char text[3000] = "[keys]\nmaster_key_file = /";
    size_t start = strlen(text);
    memset(text + start, 'a', 511);
    text[start + 511] = '\0';
    refused(text, 2, "keys.master_key_file: too long", "511 bytes");
    text[start + 510] = '\0';
    assert_int_equal(load(text), SID_OK);
    assert_int_equal(strlen(config.master_key_file), 511);
    memset(text + start, 'a', 2000);
    text[start + 2000] = '\0';
    refused(text, 2, "the line is too long", "bytes");
}

static void
a_nul_byte_is_refused_with_its_line(void **state) {
    (void)state;
    static const char text[] = "[http]\nlisten_port = 80\0"
                               "80\n";
    assert_int_equal(load_bytes(text, sizeof text - 1), SID_E_CONFIG);
    assert_non_null(strstr(problem.text, ":2: the line has a NUL byte"));
}

static void
a_file_that_is_too_large_is_refused(void **state) {
    (void)state;
    char *text = malloc(70001);
    assert_non_null(text);
    memset(text, '\n', 70000);
    text[70000] = '\0';
    refused(text, 1, "the file is too large", "65536 bytes");
    text[65536] = '\0';
    assert_int_equal(load(text), SID_OK);
    free(text);
}

static void
the_total_of_uploads_holds_one_enrolment(void **state) {
    (void)state;
    refused("[limits]\nphoto_max_bytes = 1000000\n"
            "upload_total_bytes = 2815535\n",
            3, "limits.upload_total_bytes: 2815535 is less than one enrolment",
            "2815536 or more");
    refused("[limits]\nupload_total_bytes = 23134207\n", 2,
            "upload_total_bytes", "23134208 or more");
    assert_int_equal(load("[limits]\nupload_total_bytes = 23134208\n"), SID_OK);
}

static void
a_review_band_above_the_accept_band_is_refused(void **state) {
    (void)state;
    refused("[face]\nmatch_accept = 0.3\n", 2, "match_review", "0 to 0.3");
    refused("[face]\nmatch_accept = 0.4\n\nmatch_review = 0.41\n", 4,
            "face.match_review: 0.41 is above match_accept", "0 to 0.4");
    assert_int_equal(load("[face]\nmatch_accept = 0.4\nmatch_review = 0.4\n"),
                     SID_OK);
}

static void
trusted_proxies_are_networks(void **state) {
    (void)state;
    assert_int_equal(load("[http]\ntrusted_proxies = 127.0.0.1/32 ::1/128\n"),
                     SID_OK);
    assert_string_equal(config.trusted_proxies, "127.0.0.1/32 ::1/128");
    assert_int_equal(load("[http]\ntrusted_proxies =\n"), SID_OK);
    static const char *const wrong[] = {"nginx", "127.0.0.1/33",
                                        "127.0.0.1/8 ::1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "[http]\ntrusted_proxies = %s\n",
                       wrong[i]);
        refused(text, 2, "http.trusted_proxies: not networks",
                "networks such as 10.1.0.0/16");
    }
}

static void
only_the_first_problem_is_told(void **state) {
    (void)state;
    refused("[http]\nio_threads = 0\nbad = 1\n[nope]\n", 2, "io_threads",
            "1 to 64");
}

static void
the_environment_wins_over_the_file(void **state) {
    (void)state;
    assert_int_equal(setenv("SMARTIDD_HTTP_LISTEN_PORT", "9", 1), 0);
    assert_int_equal(setenv("SMARTIDD_FACE_MATCH_ACCEPT", "0.7", 1), 0);
    assert_int_equal(load("[http]\nlisten_port = 5\n"), SID_OK);
    assert_int_equal(config.listen_port, 9);
    assert_true(config.match_accept == 0.7);
    assert_int_equal(unsetenv("SMARTIDD_HTTP_LISTEN_PORT"), 0);
    assert_int_equal(unsetenv("SMARTIDD_FACE_MATCH_ACCEPT"), 0);
}

static void
a_wrong_value_in_the_environment_is_refused(void **state) {
    (void)state;
    assert_int_equal(setenv("SMARTIDD_HTTP_LISTEN_PORT", "many", 1), 0);
    assert_int_equal(load(""), SID_E_CONFIG);
    assert_string_equal(problem.text,
                        "environment: SMARTIDD_HTTP_LISTEN_PORT: "
                        "http.listen_port: not a whole number; accepted: a "
                        "whole number, 0 to 65535");
    assert_int_equal(unsetenv("SMARTIDD_HTTP_LISTEN_PORT"), 0);
}

static void
an_unknown_variable_of_ours_is_refused(void **state) {
    (void)state;
    static const char *const names[] = {"SMARTIDD_HTTP_LISTEN_PROT",
                                        "SMARTIDD_", "SMARTIDD_listen_port",
                                        "SMARTIDD_CONFIG"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(setenv(names[i], "1", 1), 0);
        assert_int_equal(load(""), SID_E_CONFIG);
        assert_non_null(strstr(problem.text, names[i]));
        assert_non_null(strstr(problem.text, "unknown variable; accepted:"));
        assert_int_equal(unsetenv(names[i]), 0);
    }
    assert_int_equal(setenv("SMARTIDD_TEST_CLOCK", "/x", 1), 0);
    assert_int_equal(load(""), SID_OK);
    assert_int_equal(unsetenv("SMARTIDD_TEST_CLOCK"), 0);
}

static void
the_example_is_a_file_that_gives_the_defaults(void **state) {
    (void)state;
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    assert_non_null(to);
    sid_config_print_example(to);
    assert_int_equal(fclose(to), 0);
    struct sid_config defaults;
    sid_config_default(&defaults);
    assert_int_equal(load(text), SID_OK);
    assert_memory_equal(&config, &defaults, sizeof config);
    /* And again with every commented setting taken in. */
    for (char *at = text; (at = strstr(at, "\n#")) != NULL; at++) {
        if (at[2] != ' ')
            at[1] = ' ';
    }
    assert_non_null(strstr(text, "\n listen_port = 8080\n"));
    assert_int_equal(load(text), SID_OK);
    assert_memory_equal(&config, &defaults, sizeof config);
    char *save = NULL;
    for (char *l = strtok_r(text, "\n", &save); l != NULL;
         l = strtok_r(NULL, "\n", &save))
        assert_true(strlen(l) <= 80);
    free(text);
}

static void
what_is_printed_loads_to_the_same_settings(void **state) {
    (void)state;
    assert_int_equal(load("[http]\nlisten_port = 1\n[face]\nmatch_accept = "
                          "0.4123456789\n[log]\nlog_level = warn\n"
                          "[store]\ncontrol_socket = /run/x.sock\n"),
                     SID_OK);
    struct sid_config first = config;
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    assert_non_null(to);
    sid_config_print(&first, to);
    assert_int_equal(fclose(to), 0);
    assert_int_equal(load(text), SID_OK);
    assert_memory_equal(&config, &first, sizeof config);
    free(text);
}

struct differences {
    int reloadable, fixed;
    char last[80], value[80];
};

static void
note(const char *name, const char *value, bool reloadable, void *ctx) {
    struct differences *d = ctx;
    (void)snprintf(d->value, sizeof d->value, "%s", value);
    d->reloadable += reloadable;
    d->fixed += !reloadable;
    (void)snprintf(d->last, sizeof d->last, "%s", name);
}

static void
a_reload_takes_only_what_needs_no_restart(void **state) {
    (void)state;
    struct sid_config now, next;
    sid_config_default(&now);
    next = now;
    struct differences d = {0};
    sid_config_diff(&now, &next, note, &d);
    assert_int_equal(d.reloadable + d.fixed, 0);

    next.match_accept = 0.6;
    (void)strcpy(next.log_level, "debug");
    next.code_grace_s = 1;
    next.listen_port = 1;
    next.code_period_s = 60;
    (void)strcpy(next.database, "/elsewhere");
    sid_config_diff(&now, &next, note, &d);
    assert_int_equal(d.reloadable, 3);
    assert_int_equal(d.fixed, 3);
    assert_string_equal(d.last, "log.log_level");
    assert_string_equal(d.value, "debug");

    sid_config_take_reloadable(&now, &next);
    assert_true(now.match_accept == 0.6);
    assert_string_equal(now.log_level, "debug");
    assert_int_equal(now.code_grace_s, 1);
    assert_int_equal(now.listen_port, 8080);
    assert_int_equal(now.code_period_s, 86400);
    assert_string_equal(now.database, "/var/lib/smartidd/smartidd.db");
}

struct seen_settings {
    int all, touched;
    char last[80], value[SID_PATH_SIZE];
};

static void
see_setting(const char *name, const char *value, bool is_default, void *ctx) {
    struct seen_settings *seen = ctx;
    seen->all++;
    if (is_default)
        return;
    seen->touched++;
    (void)snprintf(seen->last, sizeof seen->last, "%s", name);
    (void)snprintf(seen->value, sizeof seen->value, "%s", value);
}

static void
each_setting_is_told_with_its_value_and_whether_it_was_touched(void **state) {
    (void)state;
    struct sid_config made;
    struct seen_settings seen = {0};
    sid_config_default(&made);
    sid_config_each(&made, see_setting, &seen);
    assert_true(seen.all > 20);
    assert_int_equal(seen.touched, 0);
    made.match_accept = 0.25;
    sid_config_each(&made, see_setting, &seen);
    assert_int_equal(seen.touched, 1);
    assert_string_equal(seen.last, "face.match_accept");
    assert_string_equal(seen.value, "0.25");
}

static void
an_empty_path_means_beside_the_database(void **state) {
    (void)state;
    struct sid_config made;
    char found[SID_BESIDE_SIZE];
    sid_config_default(&made);
    sid_config_beside(&made, made.head_file, ".heads", found);
    assert_string_equal(found, "/var/lib/smartidd/smartidd.db.heads");
    (void)strcpy(made.head_file, "/mnt/other/heads");
    sid_config_beside(&made, made.head_file, ".heads", found);
    assert_string_equal(found, "/mnt/other/heads");
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_total_of_uploads_holds_one_enrolment),
        cmocka_unit_test(an_address_that_is_not_in_digits_is_refused),
        cmocka_unit_test(what_stands_behind_a_value_is_part_of_it),
        cmocka_unit_test(a_page_to_enrol_needs_a_client),
        cmocka_unit_test(a_control_socket_that_no_socket_can_have_is_refused),
        cmocka_unit_test(an_empty_file_gives_the_defaults),
        cmocka_unit_test(
            each_setting_is_told_with_its_value_and_whether_it_was_touched),
        cmocka_unit_test(an_empty_path_means_beside_the_database),
        cmocka_unit_test(values_are_taken_from_the_file),
        cmocka_unit_test(a_file_that_cannot_be_read_is_an_io_error),
        cmocka_unit_test(an_unknown_section_or_key_is_refused),
        cmocka_unit_test(a_setting_given_twice_is_refused),
        cmocka_unit_test(a_line_that_is_no_setting_is_refused),
        cmocka_unit_test(a_value_of_the_wrong_type_is_refused),
        cmocka_unit_test(a_value_out_of_range_is_refused),
        cmocka_unit_test(a_value_that_is_too_long_is_refused),
        cmocka_unit_test(a_nul_byte_is_refused_with_its_line),
        cmocka_unit_test(a_file_that_is_too_large_is_refused),
        cmocka_unit_test(a_review_band_above_the_accept_band_is_refused),
        cmocka_unit_test(trusted_proxies_are_networks),
        cmocka_unit_test(only_the_first_problem_is_told),
        cmocka_unit_test(the_environment_wins_over_the_file),
        cmocka_unit_test(a_wrong_value_in_the_environment_is_refused),
        cmocka_unit_test(an_unknown_variable_of_ours_is_refused),
        cmocka_unit_test(the_example_is_a_file_that_gives_the_defaults),
        cmocka_unit_test(what_is_printed_loads_to_the_same_settings),
        cmocka_unit_test(a_reload_takes_only_what_needs_no_restart),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
