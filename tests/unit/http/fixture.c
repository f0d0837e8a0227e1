/* fixture.c: see fixture.h. */
#include "fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "smartid/clock.h"
#include "smartid/log.h"
#include "smartid/purposes_file.h"

/* Longest wait for an answer; a test that gets there has failed. */
#define PATIENCE_S 20

static void
add_key(struct fixture *f, enum sid_role role, const char *id,
        char key[SID_APIKEY_SIZE]) {
    struct sid_client client = {.role = role, .created_at_s = sid_now_s()};
    (void)snprintf(client.id, sizeof client.id, "cli_%026d", atoi(id));
    (void)snprintf(client.name, sizeof client.name, "test %s", id);
    client.expires_at_s = client.created_at_s + 3600;
    if (role == SID_ROLE_CLERK)
        (void)snprintf(client.purpose_names, sizeof client.purpose_names,
                       "household_registration");
    assert_int_equal(sid_apikey_make(&client, key), SID_OK);
    assert_int_equal(sid_keyset_put(f->keyset, &client), SID_OK);
}

static void
start_app(struct fixture *f) {
    const uint8_t master[SID_KEY_BYTES] = {4, 5, 6};
    struct sid_store *store = NULL;
    assert_int_equal(sid_keyring_new_fixed(master, &f->keys), SID_OK);
    assert_int_equal(
        sid_store_open(":memory:", true, sid_keyring_audit(f->keys), &store),
        SID_OK);
    assert_int_equal(sid_writer_new(&store, &f->writer), SID_OK);
    assert_int_equal(sid_keyset_new(&f->keyset), SID_OK);
    struct sid_purposes purposes;
    struct sid_config_problem wrong;
    assert_int_equal(sid_purposes_load("", &purposes, &wrong), SID_OK);
    struct sid_app_parts parts = {.config = &f->config,
                                  .keys = f->keys,
                                  .writer = f->writer,
                                  .keyset = f->keyset,
                                  .purposes = &purposes};
    assert_int_equal(sid_app_new(&parts, &f->app), SID_OK);
    char problem[512] = "";
    assert_int_equal(sid_app_start_workers(f->app, problem, sizeof problem),
                     SID_OK);
}

struct fixture *
fixture_new(void) {
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    sid_log_set_level(SID_LOG_ERROR);
    assert_int_equal(sid_crypto_init(), SID_OK);
    const char *base = getenv("TMPDIR");
    (void)snprintf(f->folder, sizeof f->folder, "%.40s/sidhttpXXXXXX",
                   base == NULL || strlen(base) > 40 ? "/tmp" : base);
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->control_path, sizeof f->control_path, "%s/control",
                   f->folder);
    sid_config_default(&f->config);
    f->config.listen_port = 0;
    f->config.workers = 1;
    f->config.queue_capacity = 2;
    f->config.photo_max_bytes = 65536;
    f->config.auth_failures_per_minute = 0; /* tests fail all the time */
    (void)snprintf(f->config.face_isolation, sizeof f->config.face_isolation,
                   "thread");
    start_app(f);
    add_key(f, SID_ROLE_APP, "1", f->app_key);
    add_key(f, SID_ROLE_CLERK, "2", f->clerk_key);
    add_key(f, SID_ROLE_OFFICER, "3", f->officer_key);
    add_key(f, SID_ROLE_ADMIN, "4", f->admin_key);
    assert_int_equal(sid_server_new(f->app, &f->config, f->control_path, NULL,
                                    NULL, &f->server),
                     SID_OK);
    return f;
}

void
fixture_free(struct fixture *f) {
    sid_server_quiesce(f->server);
    sid_app_quiesce(f->app);
    assert_true(sid_server_drain(f->server, (int64_t)PATIENCE_S * 1000 * 1000));
    sid_server_free(&f->server);
    sid_app_free(&f->app);
    sid_writer_free(&f->writer);
    sid_keyset_free(&f->keyset);
    sid_keyring_free(&f->keys);
    sid_crypto_fini();
    assert_int_equal(rmdir(f->folder), 0); /* the control socket is gone */
    free(f);
}

static struct sockaddr_in
tcp_address(const struct fixture *f) {
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port =
                                    htons((uint16_t)sid_server_port(f->server)),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

int
fixture_try_connect(const struct fixture *f) {
    struct sockaddr_in at = tcp_address(f);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    int reason =
        connect(fd, (struct sockaddr *)&at, sizeof at) == 0 ? 0 : errno;
    close(fd);
    return reason;
}

int
fixture_connect(const struct fixture *f, bool control) {
    int fd = socket(control ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    struct timeval patience = {.tv_sec = PATIENCE_S};
    assert_int_equal(
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    if (control) {
        struct sockaddr_un at = {.sun_family = AF_UNIX};
        memcpy(at.sun_path, f->control_path, strlen(f->control_path) + 1);
        assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    } else {
        struct sockaddr_in at = tcp_address(f);
        assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    }
    return fd;
}

void
fixture_send(int fd, const void *data, size_t len) {
    const char *at = data;
    while (len > 0) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
        assert_true(n > 0);
        at += n;
        len -= (size_t)n;
    }
}

static bool
read_head(int fd, struct answer *out) {
    size_t len = 0;
    while (len + 1 < sizeof out->head) {
        if (recv(fd, out->head + len, 1, 0) != 1)
            return false;
        out->head[++len] = '\0';
        if (len >= 4 && strcmp(out->head + len - 4, "\r\n\r\n") == 0)
            return true;
    }
    return false;
}

static void
read_body(int fd, struct answer *out) {
    const char *length = strcasestr(out->head, "\r\nContent-Length:");
    size_t want = length == NULL ? 0 : strtoul(length + 17, NULL, 10);
    assert_true(want < sizeof out->body);
    while (out->body_len < want) {
        ssize_t n =
            recv(fd, out->body + out->body_len, want - out->body_len, 0);
        assert_true(n > 0);
        out->body_len += (size_t)n;
    }
    out->body[out->body_len] = '\0';
}

void
fixture_read(int fd, struct answer *out, int *continues) {
    for (;;) {
        memset(out, 0, sizeof *out);
        if (!read_head(fd, out)) {
            out->closed = true;
            return;
        }
        assert_memory_equal(out->head, "HTTP/1.1 ", 9);
        out->status = atoi(out->head + 9);
        if (out->status != 100)
            break;
        if (continues != NULL)
            ++*continues;
    }
    read_body(fd, out);
    out->closed = strcasestr(out->head, "\r\nConnection: close") != NULL;
}

bool
fixture_closed(int fd) {
    char byte;
    return recv(fd, &byte, 1, 0) == 0;
}

void
fixture_ask(const struct fixture *f, const char *request, struct answer *out) {
    int fd = fixture_connect(f, false);
    fixture_send(fd, request, strlen(request));
    fixture_read(fd, out, NULL);
    close(fd);
}

void
fixture_post(const struct fixture *f, const char *key, const char *path,
             const char *json, struct answer *out) {
    char request[4096];
    int n = snprintf(request, sizeof request,
                     "POST %s HTTP/1.1\r\nHost: t\r\n%s%s%sContent-Type: "
                     "application/json\r\nContent-Length: %zu\r\n\r\n%s",
                     path, key[0] == '\0' ? "" : "Authorization: Bearer ", key,
                     key[0] == '\0' ? "" : "\r\n", strlen(json), json);
    assert_in_range(n, 1, sizeof request - 1);
    fixture_ask(f, request, out);
}
