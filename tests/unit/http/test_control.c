/* test_control.c: keys of clients, and the two listeners. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "smartid/log.h"

#define HOST "Host: t\r\n"
#define GET "GET /healthz HTTP/1.1\r\n" HOST
#define QUESTION "{\"code\":\"x\",\"purpose\":\"household_registration\"}"

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

static int
status_of(const char *request) {
    struct answer answer;
    fixture_ask(f, request, &answer);
    return answer.status;
}

static void
the_control_socket_needs_no_key_and_is_private(void **state) {
    (void)state;
    struct stat st;
    assert_int_equal(stat(f->control_path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    static const char request[] = "GET /v1/clients HTTP/1.1\r\n" HOST "\r\n";
    struct answer answer;
    int fd = fixture_connect(f, true);
    fixture_send(fd, request, sizeof request - 1);
    fixture_read(fd, &answer, NULL);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "{\"clients\":[]}\n");
    close(fd);
    assert_int_equal(status_of(request), 401);
}

/* A process of another user, to whom somebody has opened the door. */
static void
who_is_neither_root_nor_its_user_is_nobody_there(void **state) {
    (void)state;
    static const char request[] = "GET /healthz HTTP/1.1\r\n" HOST "\r\n";
    struct stat st;
    assert_int_equal(stat(f->folder, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    if (geteuid() != 0)
        return; /* cannot become somebody else; the folder is shut to them */
    assert_int_equal(chmod(f->folder, 0711), 0);
    assert_int_equal(chmod(f->control_path, 0666), 0);
    /* Told by a pipe: of a child's exit memcheck has its own idea. */
    int told[2], status = 0;
    assert_int_equal(pipe(told), 0);
    pid_t child = fork();
    if (child == 0) {
        struct answer other = {0};
        if (setresgid(65534, 65534, 65534) != 0 ||
            setresuid(65534, 65534, 65534) != 0)
            _exit(1);
        int socket_fd = fixture_connect(f, true);
        fixture_send(socket_fd, request, sizeof request - 1);
        fixture_read(socket_fd, &other, NULL);
        _exit(write(told[1], &other.status, sizeof status) == sizeof status);
    }
    assert_int_equal(close(told[1]), 0);
    assert_int_equal(read(told[0], &status, sizeof status), sizeof status);
    assert_int_equal(status, 403);
    close(told[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    /* Root is let in by a daemon that is not root. */
    int fd = fixture_connect(f, true);
    assert_int_equal(seteuid(65534), 0);
    struct answer answer;
    fixture_send(fd, request, sizeof request - 1);
    fixture_read(fd, &answer, NULL);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(answer.status, 200);
    close(fd);
}

static void
an_admin_makes_lists_and_revokes_a_key(void **state) {
    (void)state;
    struct answer answer;
    fixture_post(f, f->admin_key, "/v1/clients",
                 "{\"name\":\"Desk\",\"role\":\"clerk\",\"purposes\":[\"train_"
                 "ticket\"],\"lifetime_s\":60}",
                 &answer);
    assert_int_equal(answer.status, 201);
    assert_non_null(strstr(answer.body, "\"purposes\":[\"train_ticket\"]"));
    char id[SID_ID_SIZE], key[SID_APIKEY_SIZE], path[96];
    memcpy(id, strstr(answer.body, "cli_"), SID_ID_CHARS);
    id[SID_ID_CHARS] = '\0';
    memcpy(key, strstr(answer.body, "sidk_"), SID_APIKEY_CHARS);
    key[SID_APIKEY_CHARS] = '\0';
    fixture_post(f, key, "/v1/verifications", QUESTION, &answer);
    assert_int_equal(answer.status, 403); /* another purpose */
    assert_non_null(strstr(answer.body, "purpose_forbidden"));
    (void)snprintf(path, sizeof path, "/v1/clients/%s/revoke", id);
    fixture_post(f, f->admin_key, path, "{\"x\":1}", &answer);
    assert_int_equal(answer.status, 422);
    fixture_post(f, f->admin_key, path, "{}", &answer);
    assert_int_equal(answer.status, 200);
    fixture_post(f, key, "/v1/verifications", QUESTION, &answer);
    assert_int_equal(answer.status, 401);
}

static void
an_order_of_a_clerk_names_party_and_networks(void **state) {
    (void)state;
    struct answer answer;
    fixture_post(f, f->admin_key, "/v1/clients",
                 "{\"name\":\"Desk\",\"role\":\"clerk\",\"purposes\":"
                 "[\"train_ticket\",\"bank_account\",\"train_ticket\"],"
                 "\"party\":\" Railway \",\"networks\":[\"::1\","
                 "\"10.0.0.0/8\"],\"per_minute\":1000000}",
                 &answer);
    assert_int_equal(answer.status, 201);
    assert_non_null(strstr(answer.body, "\"per_minute\":1000000"));
    assert_non_null(strstr(answer.body, "\"purposes\":[\"train_ticket\","
                                        "\"bank_account\"]"));
    assert_non_null(strstr(answer.body, "\"party\":\"Railway\""));
    assert_non_null(
        strstr(answer.body, "\"networks\":[\"::1/128\",\"10.0.0.0/8\"]"));
    /* Its own name, and everywhere, unless it says otherwise. */
    fixture_post(f, f->admin_key, "/v1/clients",
                 "{\"name\":\"Desk\",\"role\":\"clerk\",\"purposes\":"
                 "[\"train_ticket\"]}",
                 &answer);
    assert_int_equal(answer.status, 201);
    assert_non_null(strstr(answer.body, "\"party\":\"Desk\""));
    assert_non_null(strstr(answer.body, "\"networks\":[]"));
    assert_null(strstr(answer.body, "per_minute"));
}

static void
a_client_order_that_makes_no_sense_is_refused_by_field(void **state) {
    (void)state;
    static const struct {
        const char *json;
        const char *field;
    } cases[] = {
        {"{\"role\":\"app\"}", "name"},
        {"{\"name\":\"a\"}", "role"},
        {"{\"name\":\"a\",\"role\":\"holder\"}", "role"},
        {"{\"name\":\"a\",\"role\":\"clerk\"}", "purposes"},
        {"{\"name\":\"a\",\"role\":\"clerk\",\"purposes\":[]}", "purposes"},
        {"{\"name\":\"a\",\"role\":\"clerk\",\"purposes\":[\"x\"]}",
         "purposes"},
        {"{\"name\":\"a\",\"role\":\"clerk\",\"purposes\":[1]}", "purposes"},
        {"{\"name\":\"a\",\"role\":\"app\",\"purposes\":[\"train_ticket\"]}",
         "purposes"},
        {"{\"name\":\"a\",\"role\":\"app\",\"party\":\"b\"}", "party"},
        {"{\"name\":\"a\",\"role\":\"app\",\"networks\":\"::1\"}", "networks"},
        {"{\"name\":\"a\",\"role\":\"app\",\"networks\":[\"10.1.0.0/8\"]}",
         "networks"},
        {"{\"name\":\"a\",\"role\":\"app\",\"networks\":[7]}", "networks"},
        {"{\"name\":\"a\",\"role\":\"app\",\"lifetime_s\":59}", "lifetime_s"},
        {"{\"name\":\"a\",\"role\":\"app\",\"lifetime_s\":315619201}",
         "lifetime_s"},
        {"{\"name\":\"a\",\"role\":\"app\",\"lifetime_s\":\"60\"}",
         "lifetime_s"},
        {"{\"name\":\"a\",\"role\":\"app\",\"per_minute\":-1}", "per_minute"},
        {"{\"name\":\"a\",\"role\":\"app\",\"per_minute\":1000001}",
         "per_minute"},
        {"{\"name\":\"a\",\"role\":\"app\",\"per_minute\":\"9\"}",
         "per_minute"},
        {"{\"name\":\"a\",\"role\":\"app\",\"days\":1}", "days"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct answer answer;
        char field[64];
        fixture_post(f, f->admin_key, "/v1/clients", cases[i].json, &answer);
        assert_int_equal(answer.status, 422);
        (void)snprintf(field, sizeof field, "\"field\":\"%s\"", cases[i].field);
        assert_non_null(strstr(answer.body, field));
    }
}

static void
a_port_or_socket_that_is_taken_is_not_shared(void **state) {
    (void)state;
    struct sid_config config = f->config;
    struct sid_server *second = NULL;
    sid_log_set_level(SID_LOG_ERROR + 1); /* the refusal is logged */
    for (config.io_threads = 1; config.io_threads <= 2; config.io_threads++) {
        config.listen_port = sid_server_port(f->server);
        assert_int_equal(
            sid_server_new(f->app, &config, "", NULL, NULL, &second), SID_E_IO);
        config.listen_port = 0;
        assert_int_equal(sid_server_new(f->app, &config, f->control_path, NULL,
                                        NULL, &second),
                         SID_E_IO);
        assert_int_equal(access(f->control_path, F_OK), 0);
    }
    assert_null(second);
}

static void
a_file_that_is_no_socket_is_left_alone(void **state) {
    (void)state;
    struct sid_server *second = NULL;
    struct sid_config config = f->config;
    char path[128];
    (void)snprintf(path, sizeof path, "%s/file", f->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fclose(file);
    sid_log_set_level(SID_LOG_ERROR + 1);
    assert_int_equal(sid_server_new(f->app, &config, path, NULL, NULL, &second),
                     SID_E_IO);
    assert_int_equal(unlink(path), 0);
}

static void
the_socket_file_of_a_dead_daemon_is_replaced(void **state) {
    (void)state;
    struct sid_server *second = NULL;
    struct sid_config config = f->config;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    (void)snprintf(at.sun_path, sizeof at.sun_path, "%s/dead", f->folder);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    close(fd);
    assert_int_equal(
        sid_server_new(f->app, &config, at.sun_path, NULL, NULL, &second),
        SID_OK);
    sid_server_free(&second);
    assert_int_not_equal(access(at.sun_path, F_OK), 0);
}

static void
every_socket_that_shares_the_port_answers(void **state) {
    (void)state;
    enum { CONNECTIONS = 64 };
    struct answer answer;
    for (int i = 0; i < CONNECTIONS; i++) {
        /* Each one a new connection: all must be answered, whichever of the
         * sockets that share the port gets it. */
        fixture_ask(f, GET "\r\n", &answer);
        assert_int_equal(answer.status, 200);
    }
}

/* Asks for rows to leave the log, over the control socket. */
static void
archive(const char *json, struct answer *answer) {
    char request[1024];
    int len = snprintf(request, sizeof request,
                       "POST /v1/audit/archive HTTP/1.1\r\n" HOST
                       "Content-Type: application/json\r\n"
                       "Content-Length: %zu\r\n\r\n%s",
                       strlen(json), json);
    assert_in_range(len, 1, sizeof request - 1);
    int fd = fixture_connect(f, true);
    fixture_send(fd, request, (size_t)len);
    fixture_read(fd, answer, NULL);
    close(fd);
}

#define MAC "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ROWS "\"first\":1,\"last\":2,\"mac\":\"" MAC "\""

static void
rows_that_leave_the_log_are_named_whole_or_refused_by_field(void **state) {
    (void)state;
    static const struct {
        const char *json, *field;
    } bad[] = {
        {"{" ROWS "}", "month"},
        {"{\"month\":\"2026-1\"," ROWS "}", "month"},
        {"{\"month\":\"2026/11\"," ROWS "}", "month"},
        {"{\"month\":\"2026-11\",\"last\":2,\"mac\":\"" MAC "\"}", "first"},
        {"{\"month\":\"2026-11\",\"first\":0,\"last\":2,\"mac\":\"" MAC "\"}",
         "first"},
        {"{\"month\":\"2026-11\",\"first\":1,\"last\":\"2\",\"mac\":\"" MAC
         "\"}",
         "last"},
        {"{\"month\":\"2026-11\",\"first\":1,\"last\":2}", "mac"},
        {"{\"month\":\"2026-11\",\"first\":1,\"last\":2,\"mac\":\"xy\"}",
         "mac"},
        {"{\"month\":\"2026-11\",\"more\":1," ROWS "}", "more"},
    };
    struct answer answer;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char named[64];
        archive(bad[i].json, &answer);
        (void)snprintf(named, sizeof named, "\"field\":\"%s\"", bad[i].field);
        assert_int_equal(answer.status, 422);
        assert_non_null(strstr(answer.body, named));
    }
    archive("no json", &answer);
    assert_int_equal(answer.status, 400);
    /* Rows that there are not. */
    archive("{\"month\":\"2026-11\"," ROWS "}", &answer);
    assert_int_equal(answer.status, 409);
}

int
main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(the_control_socket_needs_no_key_and_is_private),
        T(who_is_neither_root_nor_its_user_is_nobody_there),
        T(an_admin_makes_lists_and_revokes_a_key),
        T(an_order_of_a_clerk_names_party_and_networks),
        T(a_client_order_that_makes_no_sense_is_refused_by_field),
        T(a_port_or_socket_that_is_taken_is_not_shared),
        T(a_file_that_is_no_socket_is_left_alone),
        T(the_socket_file_of_a_dead_daemon_is_replaced),
        T(every_socket_that_shares_the_port_answers),
        T(rows_that_leave_the_log_are_named_whole_or_refused_by_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
