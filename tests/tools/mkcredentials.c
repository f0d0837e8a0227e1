/* mkcredentials.c: a grown database for measurements: approved enrolments with
 * their keys and credentials, written past the daemon while none runs.
 *
 * Usage: mkcredentials DATABASE MASTERKEY COUNT CODES
 * Prints CODES codes of people spread over all of them, good for a day. Those
 * have seals of their own; the others' are copies, which open for nobody but
 * take the same room: with CODES as large as COUNT all open. Without face
 * templates and photos. Not to be interrupted: the database has no journal
 * meanwhile. */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/clock.h"
#include "smartid/enrolment.h"
#include "smartid/keys.h"
#include "smartid/log.h"
#include "smartid/token.h"

#define PER_TRANSACTION 100000
#define CODE_LIFE_S 86400
#define CLIENT "cli_00000000000000000000000000"

enum { ADD_KEY, ADD_ENROLMENT, ADD_CREDENTIAL, STATEMENTS };

static const char *const statements[STATEMENTS] = {
    [ADD_KEY] = "INSERT INTO subject_key (subject, data_version, data_wrapped, "
                "template_version, template_wrapped) VALUES (?, ?, ?, ?, ?)",
    [ADD_ENROLMENT] =
        "INSERT INTO enrolment (id, client_id, state, created_at_s, "
        "updated_at_s, decided_at_s, attempts, consent_version, consent_at_s, "
        "id_index, holder_hash, holder_sealed, credential_id) VALUES "
        "(?1, '" CLIENT "', 'approved', ?2, ?2, ?2, 1, '2026-01', ?2, ?3, ?3, "
        "?4, ?5)",
    [ADD_CREDENTIAL] =
        "INSERT INTO credential (serial, id, enrolment_id, client_id, type, "
        "assurance, state, issued_at_s, id_index, holder_hash, holder_sealed) "
        "VALUES (?1, ?2, ?3, '" CLIENT "', 'resident_id', 'remote', 'active', "
        "?4, ?5, ?5, ?6)",
};

/* A person, as far as it is not the same for all. */
struct person {
    int64_t number;
    char enrolment[SID_ID_SIZE], credential[SID_ID_SIZE];
    uint8_t index[SID_SHA256_BYTES];
    struct sid_subject_key key;
    struct sid_buf sealed, enrolled; /* for credential and enrolment */
};

struct maker {
    sqlite3 *db;
    sqlite3_stmt *add[STATEMENTS];
    const struct sid_keyring *keys;
    int64_t count, codes, now_s;
};

/* Ids and indexes rise: written at the end of each tree, read like any. */
static void
name_person(struct person *person, int64_t number) {
    person->number = number;
    (void)snprintf(person->enrolment, SID_ID_SIZE, "enr_%026" PRId64, number);
    (void)snprintf(person->credential, SID_ID_SIZE, "crd_%026" PRId64, number);
    for (size_t i = 0; i < 8; i++)
        person->index[i] = (uint8_t)(number >> (56 - 8 * i));
}

static enum sid_err
seal_person(const struct maker *maker, struct person *person) {
    struct sid_holder holder = {.name = "Zhang Yangben",
                                .id_number = "440524188001010014"};
    struct sid_subject subject = {maker->keys, person->enrolment, &person->key,
                                  SID_KEY_DATA};
    struct sid_place place = {"credential", "holder", person->credential};
    struct sid_place before = {"enrolment", "holder", person->enrolment};
    struct sid_buf plain = SID_BUF_EMPTY;
    sid_buf_free(&person->sealed);
    sid_buf_free(&person->enrolled);
    enum sid_err err =
        sid_subject_make(maker->keys, person->enrolment, &person->key);
    if (err == SID_OK)
        err = sid_holder_pack(&holder, &plain);
    if (err == SID_OK)
        err = sid_subject_seal(&subject, &place, sid_buf_span(&plain),
                               &person->sealed);
    if (err == SID_OK)
        err = sid_subject_seal(&subject, &before, sid_buf_span(&plain),
                               &person->enrolled);
    sid_buf_free(&plain);
    return err;
}

static enum sid_err
print_code(const struct maker *maker, const struct person *person) {
    char code[SID_TOKEN_SIZE];
    struct sid_token token = {
        .serial = (uint64_t)person->number,
        .not_after_s = (uint32_t)(maker->now_s + CODE_LIFE_S),
        .key_id = (uint8_t)sid_keyring_current(maker->keys, SID_KEY_CODE)};
    enum sid_err err = sid_token_make(maker->keys, &token, code);
    if (err == SID_OK)
        (void)printf("%s\n", code);
    return err;
}

static void
bind_text(sqlite3_stmt *to, int at, const char *text) {
    (void)sqlite3_bind_text(to, at, text, -1, SQLITE_STATIC);
}

static void
bind_blob(sqlite3_stmt *to, int at, const uint8_t *bytes, size_t len) {
    (void)sqlite3_bind_blob(to, at, bytes, (int)len, SQLITE_STATIC);
}

static enum sid_err
step(sqlite3_stmt *statement) {
    bool done = sqlite3_step(statement) == SQLITE_DONE;
    return sqlite3_reset(statement) == SQLITE_OK && done ? SID_OK : SID_E_STORE;
}

static enum sid_err
add_person(const struct maker *maker, const struct person *person) {
    sqlite3_stmt *key = maker->add[ADD_KEY];
    sqlite3_stmt *enrolment = maker->add[ADD_ENROLMENT];
    sqlite3_stmt *credential = maker->add[ADD_CREDENTIAL];
    bind_text(key, 1, person->enrolment);
    (void)sqlite3_bind_int(key, 2, person->key.data_version);
    bind_blob(key, 3, person->key.data_wrapped, SID_WRAPPED_BYTES);
    (void)sqlite3_bind_int(key, 4, person->key.template_version);
    bind_blob(key, 5, person->key.template_wrapped, SID_WRAPPED_BYTES);
    bind_text(enrolment, 1, person->enrolment);
    (void)sqlite3_bind_int64(enrolment, 2, maker->now_s);
    bind_blob(enrolment, 3, person->index, sizeof person->index);
    bind_blob(enrolment, 4, person->enrolled.ptr, person->enrolled.len);
    bind_text(enrolment, 5, person->credential);
    (void)sqlite3_bind_int64(credential, 1, person->number);
    bind_text(credential, 2, person->credential);
    bind_text(credential, 3, person->enrolment);
    (void)sqlite3_bind_int64(credential, 4, maker->now_s);
    bind_blob(credential, 5, person->index, sizeof person->index);
    bind_blob(credential, 6, person->sealed.ptr, person->sealed.len);
    enum sid_err err = step(key);
    if (err == SID_OK)
        err = step(enrolment);
    return err == SID_OK ? step(credential) : err;
}

static enum sid_err
execute(sqlite3 *db, const char *sql) {
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? SID_OK
                                                                : SID_E_STORE;
}

/* Everybody, in long transactions. */
static enum sid_err
add_all(const struct maker *maker) {
    int64_t apart = maker->count / maker->codes;
    struct person person = {.number = 0};
    enum sid_err err = execute(maker->db, "BEGIN");
    for (int64_t n = 1; n <= maker->count && err == SID_OK; n++) {
        bool checked = (n - 1) % apart == 0;
        name_person(&person, n);
        if (checked)
            err = seal_person(maker, &person);
        if (err == SID_OK && checked && (n - 1) / apart < maker->codes)
            err = print_code(maker, &person);
        if (err == SID_OK)
            err = add_person(maker, &person);
        if (err == SID_OK && n % PER_TRANSACTION == 0)
            err = execute(maker->db, "COMMIT; BEGIN");
    }
    sid_buf_free(&person.sealed);
    sid_buf_free(&person.enrolled);
    return err == SID_OK ? execute(maker->db, "COMMIT") : err;
}

static enum sid_err
write_past_the_daemon(struct maker *maker, const char *path) {
    /* The checks of a word among others make a table in memory for each row:
     * nine tenths of the time. */
    static const char settings[] =
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF;"
        "PRAGMA synchronous = OFF; PRAGMA cache_size = -262144;"
        "PRAGMA ignore_check_constraints = ON;";
    enum sid_err err = SID_OK;
    if (sqlite3_open_v2(path, &maker->db, SQLITE_OPEN_READWRITE, NULL) !=
        SQLITE_OK)
        err = SID_E_STORE;
    if (err == SID_OK)
        err = execute(maker->db, settings);
    for (size_t i = 0; i < STATEMENTS && err == SID_OK; i++) {
        if (sqlite3_prepare_v2(maker->db, statements[i], -1, &maker->add[i],
                               NULL) != SQLITE_OK)
            err = SID_E_STORE;
    }
    if (err == SID_OK)
        err = add_all(maker);
    if (err != SID_OK)
        (void)fprintf(stderr, "mkcredentials: %s\n", sqlite3_errmsg(maker->db));
    for (size_t i = 0; i < STATEMENTS; i++)
        (void)sqlite3_finalize(maker->add[i]);
    (void)sqlite3_close(maker->db);
    return err;
}

int
main(int argc, char **argv) {
    struct sid_store *store = NULL;
    struct sid_master *master = NULL;
    struct sid_keyring *keys = NULL;
    if (argc != 5)
        return 2;
    struct maker maker = {.count = strtoll(argv[3], NULL, 10),
                          .codes = strtoll(argv[4], NULL, 10),
                          .now_s = sid_now_s()};
    if (maker.codes < 1 || maker.count < maker.codes)
        return 2;
    sid_log_set_level(SID_LOG_ERROR);
    enum sid_err err = sid_crypto_init();
    if (err == SID_OK)
        err = sid_store_open(argv[1], false, NULL, &store);
    if (err == SID_OK)
        err = sid_keys_open(store, argv[2], &master, &keys);
    sid_store_close(&store);
    maker.keys = keys;
    if (err == SID_OK)
        err = write_past_the_daemon(&maker, argv[1]);
    sid_keyring_free(&keys);
    sid_master_free(&master);
    if (err != SID_OK)
        (void)fprintf(stderr, "mkcredentials: %s\n", sid_err_text(err));
    return err == SID_OK ? 0 : 1;
}
