/* test_account.c: which accounts are taken, and how the rest is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smartid/wechat_account.h"
#include "vectors.h"

static char folder[64];
static char path[96];
static struct sid_config_problem problem;
static struct sid_wechat_accounts accounts;

static void
put_file(const char *name, const char *text, mode_t mode) {
    char file[128];
    (void)snprintf(file, sizeof file, "%s/%s", folder, name);
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static const char *const files[] = {"secret", "token", "key",   "old",
                                    "bad",    "open",  "a.conf"};

static int
make_folder(void **state) {
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(folder, sizeof folder, "%.40s/sid-wechat-XXXXXX",
                   tmp != NULL && strlen(tmp) <= 40 ? tmp : "/tmp");
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(path, sizeof path, "%s/a.conf", folder);
    put_file("secret", "0123456789abcdef0123456789abcdef\n", 0600);
    put_file("token", "pamtest\n", 0600);
    put_file("key", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG\n", 0400);
    put_file("old", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", 0600);
    put_file("bad", "a b\n", 0600);
    put_file("open", "pamtest\n", 0644);
    return vectors_start(state);
}

static int
drop_folder(void **state) {
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char file[128];
        (void)snprintf(file, sizeof file, "%s/%s", folder, files[i]);
        (void)unlink(file);
    }
    sid_wechat_accounts_free(&accounts);
    return rmdir(folder) == 0 ? vectors_stop(state) : -1;
}

/* Loads text with each '@' made the folder. */
static enum sid_err
load(const char *text) {
    FILE *to = fopen(path, "w");
    assert_non_null(to);
    for (; *text != '\0'; text++) {
        if (*text == '@')
            assert_true(fputs(folder, to) >= 0);
        else
            assert_int_equal(fputc(*text, to), *text);
    }
    assert_int_equal(fclose(to), 0);
    memset(&problem, 0, sizeof problem);
    sid_wechat_accounts_free(&accounts);
    return sid_wechat_accounts_load(path, &accounts, &problem);
}

static void
refused(const char *text, int line, const char *what, const char *accepted) {
    assert_int_equal(load(text), SID_E_CONFIG);
    assert_null(accounts.item);
    char where[160];
    (void)snprintf(where, sizeof where, "%s:%d: ", path, line);
    if (strncmp(problem.text, where, strlen(where)) != 0 ||
        strstr(problem.text, what) == NULL ||
        strstr(problem.text, accepted) == NULL)
        fail_msg("told: %s", problem.text);
}

#define CLIENT "cli_aaaaaaaaaaaaaaaaaaaaaaaaaa"
#define CITY                                                                   \
    "[wechat.city]\napp_id = wxb11529c136998cb6\napp_secret_file = @/secret\n" \
    "token_file = @/token\nclient = " CLIENT "\n"
#define KEY "aes_key_file = @/key\n"

static void
an_account_has_its_defaults_and_its_secrets(void **state) {
    (void)state;
    if (load("# one\n" CITY KEY) != SID_OK)
        fail_msg("told: %s", problem.text);
    assert_int_equal(accounts.count, 1);
    const struct sid_wechat_account *a =
        sid_wechat_accounts_find(&accounts, "city");
    assert_non_null(a);
    assert_string_equal(a->name, "city");
    assert_string_equal(a->app_id, "wxb11529c136998cb6");
    assert_string_equal(a->app_secret, "0123456789abcdef0123456789abcdef");
    assert_string_equal(a->token, "pamtest");
    assert_string_equal(a->mode, "secure");
    assert_true(sid_wechat_account_sealed(a));
    assert_string_equal(a->api_base, "https://api.weixin.qq.com");
    assert_string_equal(a->oauth_base, "https://open.weixin.qq.com");
    assert_string_equal(a->page_base, "");
    assert_string_equal(a->texts_file, "");
    assert_string_equal(a->purposes, "");
    assert_string_equal(a->client, CLIENT);
    assert_string_equal(a->consent_version, "wechat-1");
    assert_string_equal(a->domain_file, "");
    assert_int_equal(a->window_s, 600);
    struct sid_wechat_aes_key key;
    assert_int_equal(sid_wechat_aes_key_parse(
                         "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", &key),
                     SID_OK);
    assert_int_equal(a->aes_key_n, 1);
    assert_memory_equal(&a->aes_keys[0], &key, sizeof key);
    assert_null(sid_wechat_accounts_find(&accounts, "cit"));
}

static void
several_accounts_stand_side_by_side(void **state) {
    (void)state;
    if (load(CITY KEY "aes_key_previous_file = @/old\n"
                      "purposes = train_ticket hotel_check_in\n"
                      "[wechat.town-2]\napp_id = wx2\n"
                      "app_secret_file = @/secret\ntoken_file = @/token\n"
                      "client = " CLIENT
                      "\nmode = plain\napi_base = http://127.0.0.1:8081\n"
                      "oauth_base = http://localhost\n"
                      "page_base = https://id.town.example:8443\n"
                      "texts_file = /etc/t\nwindow_s = 60\n") != SID_OK)
        fail_msg("told: %s", problem.text);
    assert_int_equal(accounts.count, 2);
    assert_int_equal(accounts.item[0].aes_key_n, 2);
    assert_string_equal(accounts.item[0].purposes,
                        "train_ticket hotel_check_in");
    const struct sid_wechat_account *a =
        sid_wechat_accounts_find(&accounts, "town-2");
    assert_non_null(a);
    assert_false(sid_wechat_account_sealed(a));
    assert_int_equal(a->aes_key_n, 0);
    assert_string_equal(a->api_base, "http://127.0.0.1:8081");
    assert_string_equal(a->page_base, "https://id.town.example:8443");
    assert_int_equal(a->window_s, 60);
}

static void
a_file_without_accounts_is_good(void **state) {
    (void)state;
    assert_int_equal(load("# none yet\n"), SID_OK);
    assert_int_equal(accounts.count, 0);
}

static void
a_file_that_cannot_be_read_is_an_io_error(void **state) {
    (void)state;
    (void)unlink(path);
    sid_wechat_accounts_free(&accounts);
    assert_int_equal(sid_wechat_accounts_load(path, &accounts, &problem),
                     SID_E_IO);
    assert_non_null(strstr(problem.text, path));
}

static void
an_unknown_section_or_key_is_refused(void **state) {
    (void)state;
    refused("[city]\n", 1, "[city]: unknown section", "[wechat.NAME]");
    refused("[wechat.]\n", 1, "[wechat.]: unknown section", "a-z 0-9 -");
    refused("[wechat.City]\n", 1, "unknown section", "a-z 0-9 -");
    refused("[wechat.a/../b]\n", 1, "unknown section", "a-z 0-9 -");
    refused("[wechat.abcdefghijklmnopqrstuvwxyz0123456]\n", 1,
            "unknown section", "1 to 32");
    refused("app_id = wx1\n", 1, "app_id: before any section", "line before");
    refused("[wechat.city]\nappid = wx1\n", 2,
            "wechat.city.appid: unknown setting", "app_id, app_secret_file");
    refused(CITY KEY "hello\n", 7, "not understood", "name = value");
}

static void
what_is_given_twice_is_refused(void **state) {
    (void)state;
    refused(CITY "app_id = wx2\n", 6, "wechat.city.app_id: set on line 2",
            "once");
    refused(CITY KEY "[wechat.city]\n", 7, "[wechat.city]: begun on line 1",
            "once");
    refused(CITY KEY "[wechat.town]\napp_id = wxb11529c136998cb6\n"
                     "app_secret_file = @/secret\ntoken_file = @/token\n"
                     "client = " CLIENT "\n" KEY,
            8, "wechat.town.app_id: the app_id of another section",
            "one of its own");
}

static void
what_is_missing_is_refused(void **state) {
    (void)state;
    refused("\n[wechat.city]\n", 2, "wechat.city.app_id: missing", "text");
    refused("[wechat.city]\napp_id = wx1\n", 1,
            "wechat.city.app_secret_file: missing", "absolute path");
    refused(CITY, 1, "wechat.city.aes_key_file: missing", "mode = plain");
    refused(CITY "mode = compat\n", 1, "aes_key_file: missing", "mode = plain");
    refused(CITY "mode = plain\n" KEY, 7, "aes_key_file: not used",
            "mode = secure");
    refused(CITY "mode = plain\naes_key_previous_file = @/old\n", 7,
            "aes_key_previous_file: without aes_key_file", "both");
}

static void
a_value_that_is_not_of_its_form_is_refused(void **state) {
    (void)state;
    refused("[wechat.city]\napp_id = wx 1\n", 2, "app_id: not an AppID",
            "letters");
    refused(CITY "mode = secret\n", 6, "mode: not one of the words",
            "plain | compat | secure");
    refused(CITY "window_s = 29\n", 6, "window_s: out of range",
            "30 to 3600 seconds");
    refused(CITY "token_file = token\n", 6, "token_file", "once");
    refused("[wechat.city]\ntoken_file = token\n", 2, "not an absolute path",
            "credential:NAME");
    refused(CITY "purposes = train_ticket, bank\n", 6, "purposes: not names",
            "single spaces");
    refused(CITY "purposes = a  b\n", 6, "purposes: not names", "spaces");
    refused(CITY "purposes = a b a\n", 6, "purposes: not names", "once");
    refused(CITY "purposes = a\tb\n", 6, "purposes: not clean", "text");
    refused(CITY "texts_file = texts\n", 6, "not an absolute path", "empty");
}

static void
an_address_that_is_more_or_less_than_a_host_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "ftp://a",    "api.weixin.qq.com", "https://",         "https://a/b",
        "https://a/", "https://u@a",       "https://a?b",      "https://a#b",
        "https://a:", "https://a:1x",      "https://a:123456", "https://:80",
        "https://-a", "https://[::1",      "https://a b",      "https://[::1]x",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[512];
        (void)snprintf(text, sizeof text, CITY "api_base = %s\n", bad[i]);
        refused(text, 6, "wechat.city.api_base: ", "https://HOST");
    }
    static const char *const beyond[] = {"http://api.weixin.qq.com",
                                         "http://127.0.0.1.example",
                                         "http://10.0.0.1:80",
                                         "http://localhost.example",
                                         "http://[::2]",
                                         "http://0.0.0.0"};
    for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
        char text[512];
        (void)snprintf(text, sizeof text, CITY "api_base = %s\n", beyond[i]);
        refused(text, 6, "http beyond the loopback", "https://HOST");
    }
    assert_int_equal(load(CITY KEY "api_base = http://[::1]:80\n"
                                   "oauth_base = https://[2001:db8::1]\n"),
                     SID_OK);
}

static void
a_secret_that_is_open_to_others_or_not_of_its_form_is_refused(void **state) {
    (void)state;
#define BASE "[wechat.city]\napp_id = wx1\n"
#define REST "client = " CLIENT "\n"
    refused(BASE "app_secret_file = @/none\ntoken_file = @/token\n" REST KEY, 3,
            "app_secret_file: there is no such file", "a file with");
    refused(BASE "app_secret_file = @/token/x\ntoken_file = @/token\n" REST KEY,
            3, "app_secret_file: cannot be read", "a file with");
    refused(BASE "app_secret_file = @/bad\ntoken_file = @/token\n" REST KEY, 3,
            "app_secret_file: not of its form", "up to 64");
    refused(BASE "app_secret_file = @/secret\ntoken_file = @/open\n" REST KEY,
            4, "token_file: no regular file of this user with mode 0600",
            "3 to 32");
    refused(BASE "app_secret_file = @/secret\ntoken_file = @/key\n" REST KEY, 4,
            "token_file: not of its form", "3 to 32");
    refused(CITY "aes_key_file = @/token\n", 6,
            "aes_key_file: not an EncodingAESKey", "43 characters");
    refused(CITY "aes_key_file = @/open\n", 6, "aes_key_file: no regular file",
            "43 characters");
    refused(CITY KEY "aes_key_previous_file = @/secret\n", 7,
            "aes_key_previous_file: not an EncodingAESKey", "43 characters");
    put_file("bad", "ab\n", 0600);
    refused(BASE "app_secret_file = @/secret\ntoken_file = @/bad\n" REST KEY, 4,
            "token_file: not a Token", "3 to 32");
    put_file("bad", "pam-test\n", 0600);
    refused(BASE "app_secret_file = @/secret\ntoken_file = @/bad\n" REST KEY, 4,
            "token_file: not a Token", "3 to 32");
    /* What is told never has the secret in it. */
    assert_null(strstr(problem.text, "pam-test"));
}

static void
a_33rd_account_is_refused(void **state) {
    (void)state;
    struct sid_buf text = SID_BUF_EMPTY;
    for (int i = 0; i < 33; i++)
        assert_int_equal(sid_buf_printf(&text,
                                        "[wechat.a%d]\napp_id = wx%d\n"
                                        "app_secret_file = @/secret\n"
                                        "token_file = @/token\nmode = plain\n"
                                        "client = " CLIENT "\n",
                                        i, i),
                         SID_OK);
    refused(as_text(&text), 193, "[wechat.a32]: too many", "up to 32");
    sid_buf_free(&text);
}

static void
the_example_is_all_comments_and_names_every_setting(void **state) {
    (void)state;
    FILE *to = fopen(path, "w");
    assert_non_null(to);
    sid_wechat_accounts_print_example(to);
    assert_int_equal(fclose(to), 0);
    sid_wechat_accounts_free(&accounts);
    assert_int_equal(sid_wechat_accounts_load(path, &accounts, &problem),
                     SID_OK);
    assert_int_equal(accounts.count, 0);
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_account_has_its_defaults_and_its_secrets),
        cmocka_unit_test(several_accounts_stand_side_by_side),
        cmocka_unit_test(a_file_without_accounts_is_good),
        cmocka_unit_test(a_file_that_cannot_be_read_is_an_io_error),
        cmocka_unit_test(an_unknown_section_or_key_is_refused),
        cmocka_unit_test(what_is_given_twice_is_refused),
        cmocka_unit_test(what_is_missing_is_refused),
        cmocka_unit_test(a_value_that_is_not_of_its_form_is_refused),
        cmocka_unit_test(
            an_address_that_is_more_or_less_than_a_host_is_refused),
        cmocka_unit_test(
            a_secret_that_is_open_to_others_or_not_of_its_form_is_refused),
        cmocka_unit_test(a_33rd_account_is_refused),
        cmocka_unit_test(the_example_is_all_comments_and_names_every_setting),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
