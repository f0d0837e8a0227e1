/* audit_fixture.c: see audit_fixture.h. */
#include "audit_fixture.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "smartid/appendfile.h"
#include "smartid/keys.h"
#include "smartid/log.h"
#include "smartid/secretfile.h"

#define ok(expression) assert_int_equal((expression), SID_OK)

static struct sid_store *
open_good(struct audit_fixture *f, struct sid_keyring **keys) {
    struct sid_store *store = NULL;
    struct sid_master *master = NULL;
    ok(sid_store_open(f->good_db, true, NULL, &store));
    ok(sid_keys_open(store, f->master_key, &master, keys));
    sid_master_free(&master);
    return store;
}

static void
append_row(struct audit_fixture *f, struct sid_store *store, const char *event,
           int64_t step_s, const char *detail) {
    char subject[40];
    int64_t n = sid_store_audit_head(store, NULL) + 1;
    (void)snprintf(subject, sizeof subject, "crd_%026lld", (long long)n % 7);
    f->at_us += step_s * 1000000;
    struct sid_audit_row row = {.at_us = f->at_us,
                                .event = event,
                                .actor = "cli_00000000000000000000000001",
                                .subject = subject,
                                .outcome = "valid",
                                .detail = detail};
    ok(sid_store_audit(store, &row));
}

static void
append(struct audit_fixture *f, struct sid_store *store, const char *event,
       int64_t step_s) {
    char detail[80];
    int64_t n = sid_store_audit_head(store, NULL) + 1;
    (void)snprintf(detail, sizeof detail,
                   "id=ver_%026lld purpose=bank_account counter=%lld",
                   (long long)n, (long long)n % 3);
    append_row(f, store, event, step_s, detail);
}

static void
sign(struct audit_fixture *f, struct sid_store *store) {
    char text[SID_HEAD_TEXT_SIZE];
    struct sid_audit_head head = {.after = f->last_head,
                                  .at_s = f->at_us / 1000000};
    head.seq = sid_store_audit_head(store, head.mac);
    ok(sid_head_sign(sid_keyring_head(f->keys), &head));
    sid_head_print(&head, text);
    ok(sid_appendfile_add(f->good_heads, text));
    f->last_head = head.seq;
    f->head_lines++;
}

static void
run_daemon(struct audit_fixture *f, struct sid_store *store) {
    ok(sid_store_begin(store));
    append(f, store, "daemon_started", ROW_STEP_S);
    sign(f, store);
    for (int i = 1; i < RUN_ROWS - 1; i++) {
        append(f, store, "verification", ROW_STEP_S);
        if (i % HEAD_EVERY == 0)
            sign(f, store);
    }
    append(f, store, "daemon_stopped", ROW_STEP_S);
    sign(f, store);
    ok(sid_store_commit(store));
}

struct audit_fixture *
audit_fixture_new(void) {
    struct audit_fixture *f = calloc(1, sizeof *f);
    const char *tmp = getenv("TMPDIR");
    assert_non_null(f);
    sid_log_set_level(SID_LOG_ALWAYS);
    (void)snprintf(f->folder, sizeof f->folder, "%.30s/sid-audit-XXXXXX",
                   tmp != NULL && strlen(tmp) <= 30 ? tmp : "/tmp");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->master_key, sizeof f->master_key, "%s/key", f->folder);
    (void)snprintf(f->db, sizeof f->db, "%s/db", f->folder);
    (void)snprintf(f->heads, sizeof f->heads, "%s/db.heads", f->folder);
    (void)snprintf(f->good_db, sizeof f->good_db, "%s/good", f->folder);
    (void)snprintf(f->good_heads, sizeof f->good_heads, "%s/good.heads",
                   f->folder);
    ok(sid_secretfile_make(f->master_key, SID_KEY_BYTES));
    struct sid_store *store = open_good(f, &f->keys);
    f->at_us = INT64_C(4000000000) * 1000000;
    for (int run = 0; run < RUNS; run++) {
        run_daemon(f, store);
        f->rows = sid_store_audit_head(store, NULL);
        sid_store_close(&store);
        char old[sizeof f->old_db[run]];
        (void)snprintf(old, sizeof old, "%s/old%d", f->folder, run);
        memcpy(f->old_db[run], old, sizeof old);
        audit_copy(f->good_db, f->old_db[run]);
        ok(sid_store_open(f->good_db, false, sid_keyring_audit(f->keys),
                          &store));
    }
    sid_store_close(&store);
    audit_fixture_restore(f);
    return f;
}

void
audit_fixture_free(struct audit_fixture *f) {
    char path[160];
    static const char *const names[] = {
        "key",       "db",     "db.heads", "good",     "good.heads", "db.lock",
        "good.lock", "db-wal", "db-shm",   "good-wal", "good-shm",   "other"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", f->folder, names[i]);
        (void)unlink(path);
    }
    for (int run = 0; run < RUNS; run++)
        (void)unlink(f->old_db[run]);
    static const char *const folders[] = {"db.photos", "good.photos"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", f->folder, folders[i]);
        (void)rmdir(path);
    }
    sid_keyring_free(&f->keys);
    assert_int_equal(rmdir(f->folder), 0);
    free(f);
    sid_log_set_level(SID_LOG_INFO);
}

int
audit_fixture_start(void **state) {
    if (sid_crypto_init() != SID_OK)
        return -1;
    *state = audit_fixture_new();
    return 0;
}

int
audit_fixture_stop(void **state) {
    audit_fixture_free(*state);
    sid_crypto_fini();
    return 0;
}

void
audit_copy(const char *from, const char *to) {
    char bytes[65536];
    FILE *in = fopen(from, "re");
    FILE *out = fopen(to, "we");
    assert_non_null(in);
    assert_non_null(out);
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, in)) > 0;)
        assert_int_equal(fwrite(bytes, 1, n, out), n);
    assert_int_equal(fclose(in), 0);
    assert_int_equal(fclose(out), 0);
}

static void
remove_wal(const struct audit_fixture *f) {
    static const char *const suffixes[] = {"-wal", "-shm"};
    for (int i = 0; i < 2; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s%s", f->db, suffixes[i]);
        (void)unlink(path);
    }
}

void
audit_fixture_restore(struct audit_fixture *f) {
    remove_wal(f);
    audit_copy(f->good_db, f->db);
    audit_copy(f->good_heads, f->heads);
}

void
audit_sql(struct audit_fixture *f, const char *sql) {
    sqlite3 *db = NULL;
    char *why = NULL;
    assert_int_equal(sqlite3_open(f->db, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "PRAGMA synchronous=OFF", NULL, NULL, NULL),
        SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
    assert_true(sqlite3_total_changes(db) > 0);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

char *
audit_head_line(const char *path, int n) {
    FILE *in = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;
    assert_non_null(in);
    for (int i = 0; i < n; i++)
        assert_true(getline(&line, &room, in) > 0);
    line[strcspn(line, "\n")] = '\0';
    assert_int_equal(fclose(in), 0);
    return line;
}

void
audit_heads_rewrite(struct audit_fixture *f, int n, const char *text) {
    FILE *out = fopen(f->heads, "we");
    assert_non_null(out);
    for (int i = 1; i <= f->head_lines; i++) {
        char *line = audit_head_line(f->good_heads, i);
        if (i != n)
            assert_true(fprintf(out, "%s\n", line) > 0);
        else if (text != NULL)
            assert_true(fprintf(out, "%s\n", text) > 0);
        free(line);
    }
    assert_int_equal(fclose(out), 0);
}

void
audit_append(struct audit_fixture *f, const char *event, int64_t step_s,
             bool signs) {
    struct sid_store *store = NULL;
    ok(sid_store_open(f->good_db, false, sid_keyring_audit(f->keys), &store));
    ok(sid_store_begin(store));
    append(f, store, event, step_s);
    if (signs)
        sign(f, store);
    ok(sid_store_commit(store));
    f->rows = sid_store_audit_head(store, NULL);
    sid_store_close(&store);
}

void
audit_append_detail(struct audit_fixture *f, const char *event, int64_t step_s,
                    const char *detail) {
    struct sid_store *store = NULL;
    ok(sid_store_open(f->good_db, false, sid_keyring_audit(f->keys), &store));
    ok(sid_store_begin(store));
    append_row(f, store, event, step_s, detail);
    ok(sid_store_commit(store));
    f->rows = sid_store_audit_head(store, NULL);
    sid_store_close(&store);
}

void
audit_prune(struct audit_fixture *f, int n) {
    struct sid_store *store = NULL;
    int64_t removed = 0;
    ok(sid_store_open(f->db, false, sid_keyring_audit(f->keys), &store));
    ok(sid_store_begin(store));
    ok(sid_store_audit_prune(store, INT64_MAX, n, &removed));
    ok(sid_store_commit(store));
    assert_int_equal(removed, n);
    sid_store_close(&store);
}

int64_t
audit_check(struct audit_fixture *f, struct sid_audit_check *what, char *out,
            size_t out_size) {
    struct sid_audit_check none = {.own_heads = f->heads};
    struct sid_store *store = NULL;
    struct sid_keyring *keys = NULL;
    int64_t findings = -1;
    if (what == NULL)
        what = &none;
    memset(out, 0, out_size);
    FILE *to = fmemopen(out, out_size - 1, "w");
    assert_non_null(to);
    enum sid_err err = sid_store_open_readonly(f->db, &store);
    if (err == SID_OK)
        err = sid_keys_open_readonly(store, f->master_key, &keys);
    if (err == SID_OK) {
        what->store = store;
        what->keys = keys;
        what->head_interval_s = HEAD_INTERVAL_S;
        err = sid_audit_check_run(what, to, &findings);
    }
    assert_int_equal(fclose(to), 0);
    sid_store_close(&store);
    sid_keyring_free(&keys);
    return err == SID_OK ? findings : -1;
}
