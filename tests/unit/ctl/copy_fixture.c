/* copy_fixture.c: see copy_fixture.h. */
#include "copy_fixture.h"

#include <dirent.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../fuzz/fuzz.h"
#include "io_fails.h"
#include "smartid/keys.h"
#include "smartid/log.h"
#include "smartid/secretfile.h"
#include "smartid/store_photo.h"
#include "smartid/subject.h"
#include "smartid/template.h"

#define ok(expression) assert_int_equal((expression), SID_OK)
#define WORDS_MAX 12
#define NOW_S INT64_C(1795428000)

/* ---- people -------------------------------------------------------------- */

/* Sealed for a place of this person. */
static struct sid_buf
seal(const struct sid_subject *subject, const char *table, const char *column,
     const char *id, const char *text) {
    const struct sid_place place = {table, column, id};
    struct sid_buf out = SID_BUF_EMPTY;
    ok(sid_subject_seal(subject, &place, sid_span_of(text, strlen(text)),
                        &out));
    return out;
}

struct person {
    char id[SID_ID_SIZE];
    struct sid_subject_key key;
    struct sid_subject data, face;
};

static void
make_person(const struct sid_keyring *keys, int number, struct person *out) {
    (void)snprintf(out->id, sizeof out->id, "enr_%026d", number);
    ok(sid_subject_make(keys, out->id, &out->key));
    out->data = (struct sid_subject){keys, out->id, &out->key, SID_KEY_DATA};
    out->face =
        (struct sid_subject){keys, out->id, &out->key, SID_KEY_TEMPLATE};
}

/* Approved: with the credential of its number. */
static void
insert(struct sid_store *store, const struct person *person, int number,
       bool approved) {
    struct sid_enrolment row = {.state = SID_ENROL_RECEIVED,
                                .created_at_s = NOW_S,
                                .updated_at_s = NOW_S,
                                .consent_at_s = NOW_S,
                                .consent_portrait = approved,
                                .key = person->key};
    (void)snprintf(row.id, sizeof row.id, "%s", person->id);
    (void)snprintf(row.client_id, sizeof row.client_id, "cli_%026d", 1);
    (void)snprintf(row.consent_version, sizeof row.consent_version, "2026-01");
    row.id_index[0] = row.holder_hash[0] = (uint8_t)number;
    row.holder_sealed =
        seal(&person->data, "enrolment", "holder", person->id, "a name");
    ok(sid_store_enrol_insert(store, &row));
    row.state = SID_ENROL_APPROVED;
    row.decided_at_s = NOW_S;
    (void)snprintf(row.credential_id, sizeof row.credential_id, "crd_%026d",
                   number);
    if (approved)
        ok(sid_store_enrol_decide(store, &row, SID_ENROL_RECEIVED));
    sid_enrolment_fini(&row);
}

static void
add_approved(struct sid_store *store, const struct sid_keyring *keys) {
    struct person person;
    uint64_t serial = 0;
    make_person(keys, 1, &person);
    insert(store, &person, 1, true);
    struct sid_credential row = {.issued_at_s = NOW_S, .key = person.key};
    (void)snprintf(row.id, sizeof row.id, "crd_%026d", 1);
    (void)snprintf(row.enrolment_id, sizeof row.enrolment_id, "%s", person.id);
    (void)snprintf(row.client_id, sizeof row.client_id, "cli_%026d", 1);
    (void)snprintf(row.type, sizeof row.type, "resident_id");
    (void)snprintf(row.assurance, sizeof row.assurance, "remote");
    row.id_index[0] = row.holder_hash[0] = 1;
    row.holder_sealed =
        seal(&person.data, "credential", "holder", row.id, "a name");
    row.details_sealed =
        seal(&person.data, "credential", "details", row.id, "a class");
    ok(sid_store_credential_insert(store, &row, &serial));
    sid_credential_fini(&row);
    char numbers[SID_TEMPLATE_BYTES + 1];
    (void)memset(numbers, 'f', sizeof numbers - 1);
    numbers[sizeof numbers - 1] = '\0';
    struct sid_buf face =
        seal(&person.face, "template", "sealed", person.id, numbers);
    struct sid_buf portrait =
        seal(&person.data, "portrait", "sealed", person.id, "a picture");
    ok(sid_store_template_put(store, person.id, sid_buf_span(&face)));
    ok(sid_store_portrait_put(store, person.id, sid_buf_span(&portrait)));
    sid_buf_free(&face);
    sid_buf_free(&portrait);
}

static void
put_done(struct sid_blob_put *put) {
    (void)put;
}

/* Photos as the daemon keeps them: a file, and rows that name it. */
static void
add_waiting(struct sid_store *store, const struct sid_keyring *keys) {
    struct person person;
    struct sid_buf sealed[SID_PHOTO_KINDS] = {0};
    struct sid_blob_put put = {.done = put_done};
    make_person(keys, 2, &person);
    insert(store, &person, 2, false);
    (void)snprintf(put.name, sizeof put.name, "blb_%026d", 2);
    for (int i = SID_PHOTO_ID; i <= SID_PHOTO_SELFIE; i++) {
        enum sid_photo_kind kind = (enum sid_photo_kind)i;
        sealed[i] = seal(&person.data, "photo", sid_photo_kind_name(kind),
                         person.id, "a photo");
        put.part[i] = sid_buf_span(&sealed[i]);
        ok(sid_store_photo_note(store, person.id, kind, put.name));
    }
    sid_blobs_put(sid_store_blobs(store), &put);
    sid_blobs_settle(sid_store_blobs(store));
    ok(put.err);
    for (int i = 0; i < SID_PHOTO_KINDS; i++)
        sid_buf_free(&sealed[i]);
}

static void
fill(struct copy_fixture *f) {
    struct sid_store *store = NULL;
    struct sid_master *master = NULL;
    struct sid_keyring *keys = NULL;
    const struct sid_audit_row started = {.at_us = NOW_S * 1000000,
                                          .event = "daemon_started",
                                          .actor = "system",
                                          .subject = "",
                                          .outcome = "started",
                                          .detail = "head=0"};
    ok(sid_store_open(f->db, true, NULL, &store));
    ok(sid_keys_open(store, f->key, &master, &keys));
    ok(sid_store_begin(store));
    ok(sid_store_audit(store, &started));
    add_approved(store, keys);
    add_waiting(store, keys);
    ok(sid_store_commit(store));
    sid_store_close(&store);
    sid_keyring_free(&keys);
    sid_master_free(&master);
}

/* ---- life ---------------------------------------------------------------- */

struct copy_fixture *
copy_fixture_new(void) {
    struct copy_fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    ok(sid_crypto_init());
    sid_log_set_level(SID_LOG_ALWAYS);
    /* A sync costs nothing there. */
    (void)snprintf(f->folder, sizeof f->folder, "%s/sid-copy-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->conf, sizeof f->conf, "%s/conf", f->folder);
    (void)snprintf(f->key, sizeof f->key, "%s/key", f->folder);
    (void)snprintf(f->db, sizeof f->db, "%s/db", f->folder);
    ok(sid_secretfile_make(f->key, SID_KEY_BYTES));
    FILE *conf = fopen(f->conf, "we");
    assert_non_null(conf);
    assert_true(fprintf(conf,
                        "[store]\ndatabase = %s\n[keys]\nmaster_key_file = "
                        "%s\n",
                        f->db, f->key) > 0);
    assert_int_equal(fclose(conf), 0);
    fill(f);
    return f;
}

static int
remove_one(const char *path, const struct stat *st, int kind,
           struct FTW *where) {
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

void
copy_fixture_free(struct copy_fixture *f) {
    assert_int_equal(nftw(f->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    free(f);
    sid_log_set_level(SID_LOG_INFO);
    sid_crypto_fini();
}

bool
copy_is_there(const struct copy_fixture *f, const char *name) {
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", f->folder, name);
    return access(path, F_OK) == 0;
}

void
copy_remove(const struct copy_fixture *f, const char *name) {
    DIR *dir = opendir(f->folder);
    assert_non_null(dir);
    for (struct dirent *one; (one = readdir(dir)) != NULL;) {
        char path[400];
        if (strncmp(one->d_name, name, strlen(name)) != 0)
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", f->folder, one->d_name);
        assert_int_equal(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    }
    assert_int_equal(closedir(dir), 0);
}

/* ---- commands ------------------------------------------------------------ */

int
copy_run(struct copy_fixture *f, copy_command *command, const char *line,
         unsigned nth, bool *failed) {
    static char paths[WORDS_MAX][200];
    char words[1024];
    char *argv[WORDS_MAX + 1] = {NULL};
    char *rest = NULL;
    int argc = 0;
    (void)snprintf(words, sizeof words, "%s", line);
    for (char *word = strtok_r(words, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        assert_true(argc < WORDS_MAX);
        (void)snprintf(paths[argc], sizeof paths[argc], "%s%s%s",
                       word[0] == '@' ? f->folder : "",
                       word[0] == '@' ? "/" : "",
                       word[0] == '@' ? word + 1 : word);
        argv[argc] = paths[argc];
        argc++;
    }
    const int to[2] = {dup(STDOUT_FILENO), dup(STDERR_FILENO)};
    int file = memfd_create("said", MFD_CLOEXEC);
    assert_true(file >= 0 && to[0] >= 0 && to[1] >= 0);
    assert_int_equal(fflush(stdout), 0);
    assert_true(dup2(file, STDOUT_FILENO) >= 0);
    assert_true(dup2(file, STDERR_FILENO) >= 0);
    io_output_lost = false;
    io_deep = nth > 0;
    if (nth > 0)
        fuzz_fail_nth(nth);
    int status = command(f->conf, argc, argv);
    *failed = fuzz_fail_end() && nth > 0;
    io_deep = false;
    (void)fflush(stdout);
    assert_true(dup2(to[0], STDOUT_FILENO) >= 0);
    assert_true(dup2(to[1], STDERR_FILENO) >= 0);
    ssize_t len = pread(file, f->said, sizeof f->said - 1, 0);
    assert_true(len >= 0);
    f->said[len] = '\0';
    (void)close(to[0]);
    (void)close(to[1]);
    (void)close(file);
    return status == SID_CTL_OK && io_output_lost ? SID_CTL_FAILED : status;
}

void
copy_expect(struct copy_fixture *f, copy_command *command, const char *line,
            int status, const char *words) {
    bool failed = false;
    int got = copy_run(f, command, line, 0, &failed);
    if (got != status || strstr(f->said, words) == NULL)
        fail_msg("%s: %d, no \"%s\" in: %s", line, got, words, f->said);
}
