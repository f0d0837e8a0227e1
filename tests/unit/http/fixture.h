/* fixture.h: a whole server in memory for the HTTP tests: in-memory store,
 * fake faces, a port of its own, one key per role; and a client that sends
 * bytes exactly as they are given. */
#ifndef SMARTID_TEST_HTTP_FIXTURE_H
#define SMARTID_TEST_HTTP_FIXTURE_H

#include "smartid/server.h"

struct fixture {
    char folder[64];
    char control_path[96];
    struct sid_config config;
    struct sid_keyring *keys;
    struct sid_keyset *keyset;
    struct sid_writer *writer;
    struct sid_app *app;
    struct sid_server *server;
    char app_key[SID_APIKEY_SIZE], clerk_key[SID_APIKEY_SIZE];
    char officer_key[SID_APIKEY_SIZE], admin_key[SID_APIKEY_SIZE];
};

struct fixture *fixture_new(void);
void fixture_free(struct fixture *f);

/* A connection: to the port, or (control) to the Unix socket. */
int fixture_connect(const struct fixture *f, bool control);
/* The errno of connecting to the port, 0 when it works. */
int fixture_try_connect(const struct fixture *f);
void fixture_send(int fd, const void *data, size_t len);

struct answer {
    int status; /* 0: the server closed without one */
    char head[2048];
    char body[16384];
    size_t body_len;
    bool closed; /* the connection ended behind it */
};
/* Reads one answer; passes over 100 Continue but counts it in *continues. */
void fixture_read(int fd, struct answer *out, int *continues);
/* True when the server closes within the time a test may take. */
bool fixture_closed(int fd);
/* Sends one request as text and reads its answer over a fresh connection. */
void fixture_ask(const struct fixture *f, const char *request,
                 struct answer *out);
/* "POST path" with JSON and a key ("" for none). */
void fixture_post(const struct fixture *f, const char *key, const char *path,
                  const char *json, struct answer *out);

#endif
