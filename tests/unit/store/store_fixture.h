/* store_fixture.h: what the store's tests share: a folder that goes away, a
 * key, a store, and rows to put into it. Every row is made up. Nothing here
 * knows a back end, but for the place: SID_TEST_STORE chooses "sqlite" (a file;
 * so when it is not set), "memory", or "pgsql": then each test has a schema of
 * its own on the server at SID_TEST_PG. */
#ifndef SID_STORE_FIXTURE_H
#define SID_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smartid/audit_chain.h"
#include "smartid/store_photo.h"
#include "smartid/store_slot.h"

#define ok(expression) assert_int_equal((expression), SID_OK)

static const uint8_t fixture_key[SID_KEY_BYTES] = {1, 2, 3};

struct fixture {
    char folder[256];
    char path[300];
    char schema[64]; /* "": no server */
    struct sid_mac_key *key;
    struct sid_store *store;
};

static inline bool
fixture_is(const char *store) {
    const char *chosen = getenv("SID_TEST_STORE");

    return strcmp(chosen == NULL ? "sqlite" : chosen, store) == 0;
}

/* On the server, outside of any store. */
static inline void
fixture_sql(const struct fixture *f, const char *before, const char *after) {
    char sql[200];
    PGconn *conn = PQconnectdb(getenv("SID_TEST_PG"));

    assert_int_equal(PQstatus(conn), CONNECTION_OK);
    snprintf(sql, sizeof sql,
             "SET client_min_messages = error; %s SCHEMA %s %s", before,
             f->schema, after);
    PGresult *result = PQexec(conn, sql);
    assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
    PQclear(result);
    PQfinish(conn);
}

static inline void
fixture_place(struct fixture *f) {
    static int number;

    if (fixture_is("memory")) {
        snprintf(f->path, sizeof f->path, ":memory:");
    } else if (fixture_is("pgsql")) {
        snprintf(f->schema, sizeof f->schema, "t%d_%d", (int)getpid(),
                 number++);
        snprintf(f->path, sizeof f->path, "%s&options=-csearch_path%%3D%s",
                 getenv("SID_TEST_PG"), f->schema);
        fixture_sql(f, "CREATE", "");
    } else {
        snprintf(f->path, sizeof f->path, "%s/test.db", f->folder);
    }
}

static inline void
fixture_reopen(struct fixture *f) {
    sid_store_close(&f->store);
    ok(sid_store_open(f->path, true, f->key, &f->store));
}

static inline int
fixture_setup_closed(void **state) {
    const char *tmp = getenv("TMPDIR");
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    snprintf(f->folder, sizeof f->folder, "%s/sid-store-XXXXXX",
             tmp == NULL ? "/tmp" : tmp);
    assert_non_null(mkdtemp(f->folder));
    fixture_place(f);
    ok(sid_mac_key_new(fixture_key, &f->key));
    *state = f;
    return 0;
}

static inline int
fixture_setup(void **state) {
    fixture_setup_closed(state);
    fixture_reopen(*state);
    return 0;
}

/* Files, and one level of folders (the blobs'). */
static inline void
fixture_remove(const char *folder) {
    char path[1200];
    DIR *dir = opendir(folder);

    assert_non_null(dir);
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        if (e->d_name[0] == '.')
            continue;
        int len = snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        assert_in_range(len, 1, sizeof path - 1);
        if (unlink(path) != 0)
            fixture_remove(path);
    }
    closedir(dir);
    assert_int_equal(rmdir(folder), 0);
}

static inline int
fixture_teardown(void **state) {
    struct fixture *f = *state;

    sid_store_close(&f->store);
    sid_mac_key_free(&f->key);
    fixture_remove(f->folder);
    if (f->schema[0] != '\0')
        fixture_sql(f, "DROP", "CASCADE");
    free(f);
    return 0;
}

static inline int
fixture_group_setup(void **state) {
    (void)state;
    return sid_crypto_init() == SID_OK ? 0 : -1;
}

static inline int
fixture_group_teardown(void **state) {
    (void)state;
    sid_crypto_fini();
    return 0;
}

/* Runs the tests of a list, named after it. */
#define FIXTURE_RUN(list)                                                      \
    cmocka_run_group_tests_name(#list, list, fixture_group_setup,              \
                                fixture_group_teardown)

/* An id such as "enr_00000000000000000000000007". */
static inline void
make_id(char out[SID_ID_SIZE], const char *prefix, int number) {
    snprintf(out, SID_ID_SIZE, "%.4s%026d", prefix, number);
}

static inline struct sid_audit_row
audit_row(int64_t at_us) {
    return (struct sid_audit_row){
        .at_us = at_us,
        .event = "verification",
        .actor = "cli_1",
        .subject = "crd_1",
        .outcome = "valid",
        .detail = "purpose=bank_account",
    };
}

static inline void
note_first_bad(const struct sid_chain_finding *finding, void *ctx) {
    int64_t *bad = ctx;

    if (*bad == 0)
        *bad = finding->first;
}

static inline enum sid_err
feed_chain(const struct sid_audit_entry *entry, void *ctx) {
    return sid_chain_row(ctx, entry);
}

/* Walks the chain under the key, from the anchor on: rows read, first row of a
 * finding or 0; -1 when the anchor does not fit. */
static inline void
check_audit(struct sid_store *store, const struct sid_mac_key *key,
            int64_t *rows, int64_t *bad) {
    struct sid_chain chain;

    int64_t seq = 0;
    uint8_t mac[SID_SHA256_BYTES] = {0};

    enum sid_err err = sid_store_audit_anchor(store, key, 0, &seq, mac);
    *bad = err == SID_E_SEAL ? -1 : 0;
    if (err != SID_E_SEAL)
        ok(err);
    sid_chain_begin(&chain, key, seq, mac, note_first_bad, bad);
    ok(sid_store_audit_each(store, INT64_MIN, INT64_MAX, feed_chain, &chain));
    sid_chain_end(&chain);
    *rows = chain.rows;
}

/* The rows of an unbroken log. */
static inline int64_t
count_audit(struct sid_store *store) {
    struct sid_mac_key *key = NULL;
    int64_t rows = -1;
    int64_t bad = -1;

    ok(sid_mac_key_new(fixture_key, &key));
    check_audit(store, key, &rows, &bad);
    sid_mac_key_free(&key);
    assert_int_equal(bad, 0);
    return rows;
}

static inline int64_t
count_photos(struct sid_store *store) {
    int64_t n = -1;

    ok(sid_store_photo_count(store, &n));
    return n;
}

static inline struct sid_client
make_client(int number) {
    struct sid_client c = {
        .name = "Counter 3",
        .role = SID_ROLE_CLERK,
        .purpose_names = "bank_account train_ticket",
        .party = "Bank",
        .networks = {.count = 1, .item = {{.base = {{[0] = 0xfd}}, .bits = 8}}},
        .created_at_s = 1000 + number,
        .expires_at_s = 900000,
    };

    make_id(c.id, "cli_", number);
    snprintf(c.key_name, sizeof c.key_name, "%012d", number);
    memset(c.key_hash, number, sizeof c.key_hash);
    return c;
}

/* Free with sid_enrolment_fini. */
static inline struct sid_enrolment
make_enrolment(int number) {
    struct sid_enrolment e = {
        .state = SID_ENROL_RECEIVED,
        .created_at_s = 5000 + number,
        .updated_at_s = 5000 + number,
        .consent_version = "2026-11",
        .consent_at_s = 4999,
    };

    make_id(e.id, "enr_", number);
    make_id(e.client_id, "cli_", 1);
    memset(e.id_index, number, sizeof e.id_index);
    memset(e.holder_hash, number + 1, sizeof e.holder_hash);
    ok(sid_buf_append(&e.holder_sealed, "sealed\0holder", 13));
    return e;
}

static inline void
insert_enrolment(struct sid_store *store, int number) {
    struct sid_enrolment e = make_enrolment(number);

    ok(sid_store_enrol_insert(store, &e));
    ok(sid_store_photo_put(store, e.id, SID_PHOTO_ID,
                           sid_span_str("sealed card")));
    ok(sid_store_photo_put(store, e.id, SID_PHOTO_SELFIE,
                           sid_span_str("sealed selfie")));
    sid_enrolment_fini(&e);
}

/* person decides the id_index. Free with sid_credential_fini. */
static inline struct sid_credential
make_credential(int number, int person) {
    struct sid_credential c = {
        .type = "resident_id",
        .assurance = "remote",
        .issued_at_s = 7000 + number,
    };

    make_id(c.id, "crd_", number);
    make_id(c.enrolment_id, "enr_", number);
    make_id(c.client_id, "cli_", 1);
    memset(c.id_index, person, sizeof c.id_index);
    memset(c.holder_hash, person + 1, sizeof c.holder_hash);
    ok(sid_buf_append(&c.holder_sealed, "sealed\0holder", 13));
    return c;
}

static inline enum sid_err
insert_credential(struct sid_store *store, int number, int person,
                  uint64_t *serial) {
    struct sid_credential c = make_credential(number, person);
    enum sid_err err = sid_store_credential_insert(store, &c, serial);

    sid_credential_fini(&c);
    return err;
}

#endif
