/* fuzz_audit.c: what `smartidctl audit` reads: src/core/audit_head.c and
 * src/ctl/audit_heads.c (files of signed heads), src/core/audit_chain.c over
 * src/store (rows that somebody has changed), src/ctl/csv.c and report_places.c
 * (tables of counters). A log that nobody has touched has no finding; one that
 * was changed has; src/ctl/audit_segment.c (files of an archive). The first
 * byte picks one. libFuzzer's one thread. */
#include "fuzz.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/ctl/audit.h"
#include "../../src/ctl/audit_segment.h"
#include "../../src/ctl/csv.h"
#include "../../src/ctl/report.h"
#include "smartid/audit.h"
#include "smartid/text.h"

#define ROWS 6

static struct sid_keyring *keys;
static struct sid_store *store;
static sqlite3 *database; /* the store's own connection */
static uint8_t public_key[SID_PUBLIC_KEY_BYTES];
static FILE *nowhere;

static int
take_database(sqlite3 *db, char **problem, const void *api) {
    (void)problem;
    (void)api;
    database = db;
    return SQLITE_OK;
}

static bool
open_log(void) {
    struct sid_audit_row row = {.event = "verification",
                                .actor = "cli_1",
                                .subject = "crd_1",
                                .outcome = "valid",
                                .detail = "id=ver_1 purpose=bank counter=7"};
    if (sid_store_open(":memory:", true, sid_keyring_audit(keys), &store) !=
            SID_OK ||
        sid_store_begin(store) != SID_OK)
        return false;
    for (int i = 0; i < ROWS; i++) {
        row.at_us = (1795428000 + i) * INT64_C(1000000);
        if (sid_store_audit(store, &row) != SID_OK)
            return false;
    }
    return sid_store_commit(store) == SID_OK &&
           sqlite3_exec(database,
                        "CREATE TEMP TABLE kept AS SELECT * FROM audit", NULL,
                        NULL, NULL) == SQLITE_OK;
}

void
fuzz_setup(void) {
    static const uint8_t seed[SID_KEY_BYTES] = {1, 2, 3};
    nowhere = fopen("/dev/null", "we");
    if (nowhere == NULL || sid_crypto_init() != SID_OK ||
        sqlite3_auto_extension((void (*)(void))take_database) != SQLITE_OK ||
        sid_keyring_new_fixed(seed, &keys) != SID_OK || !open_log())
        abort();
    sid_sign_public(sid_keyring_head(keys), public_key);
}

/* ---- heads --------------------------------------------------------------- */
static void
read_line(const char *line) {
    struct sid_audit_head head;
    char again[SID_HEAD_TEXT_SIZE];
    if (sid_head_parse(line, &head) != SID_OK)
        return;
    sid_head_print(&head, again);
    fuzz_expect(strstr(line, again) != NULL && head.seq > 0);
}

static void
read_heads(const uint8_t *data, size_t size) {
    struct sid_known_heads heads = {0};
    struct sid_findings findings = {.to = nowhere};
    char path[FUZZ_PATH_SIZE];
    int fd = fuzz_file(data, size, path);
    enum sid_err err = sid_heads_read(path, public_key, &heads, &findings);
    fuzz_expect(err == SID_OK);
    sid_heads_sort(&heads);
    for (size_t i = 1; i < heads.count; i++)
        fuzz_expect(heads.row[i - 1].seq <= heads.row[i].seq);
    sid_findings_end(&findings);
    sid_heads_fini(&heads);
    fuzz_file_close(fd);
}

/* A head for each byte, signed, with the numbers that the byte says; one byte
 * of the file is then another, unless it is 0. */
static void
sign_heads(const uint8_t *data, size_t size) {
    char file[8 * SID_HEAD_TEXT_SIZE] = "";
    size_t len = 0;
    for (size_t i = 3; i < size && i < 10; i++) {
        struct sid_audit_head head = {
            .after = data[i] >> 4, .seq = data[i] & 0x0f, .at_s = 1795428000};
        if (sid_head_sign(sid_keyring_head(keys), &head) != SID_OK)
            return;
        sid_head_print(&head, file + len);
        read_line(file + len);
        len += strlen(file + len);
        file[len++] = '\n';
    }
    if (size > 2 && len > 0 && data[2] != 0)
        file[((size_t)data[0] << 8 | data[1]) % len] = (char)data[2];
    read_heads((const uint8_t *)file, len);
}

/* ---- rows ---------------------------------------------------------------- */
static const char *const columns[] = {"seq",     "at_us",   "event",  "actor",
                                      "subject", "outcome", "detail", "mac"};

/* Changes one row's column; true when the database took it. */
static bool
change_row(int seq, unsigned column, const uint8_t *data, size_t size) {
    char sql[120];
    sqlite3_stmt *statement = NULL;
    bool whole = column <= 1;
    (void)snprintf(sql, sizeof sql, "UPDATE audit SET %s=? WHERE seq=%d",
                   columns[column], seq);
    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK)
        return false;
    sqlite3_int64 number = 0;
    memcpy(&number, data, size < sizeof number ? size : sizeof number);
    int rc = whole         ? sqlite3_bind_int64(statement, 1, number)
             : column == 7 ? sqlite3_bind_blob(statement, 1, data, (int)size,
                                               SQLITE_TRANSIENT)
                           : sqlite3_bind_text(statement, 1, (const char *)data,
                                               (int)size, SQLITE_TRANSIENT);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    bool changed = rc == SQLITE_DONE && sqlite3_changes(database) == 1;
    (void)sqlite3_finalize(statement);
    return changed;
}

static int64_t
count_findings(void) {
    struct sid_audit_check what = {.store = store, .keys = keys};
    int64_t findings = 0;
    enum sid_err err = sid_audit_check_run(&what, nowhere, &findings);
    fuzz_expect(err == SID_OK);
    return findings;
}

/* A log as it was written; made anew when the last one could not be put right.
 */
static bool
ready_log(void) {
    static const char restore[] =
        "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept";
    if (store != NULL && !sid_store_broken(store) &&
        sqlite3_exec(database, restore, NULL, NULL, NULL) == SQLITE_OK)
        return true;
    sid_store_close(&store);
    return open_log();
}

/* Whether the log is another than it was. */
static bool
differs(void) {
    sqlite3_stmt *statement = NULL;
    bool other = sqlite3_prepare_v2(database,
                                    "SELECT * FROM audit EXCEPT "
                                    "SELECT * FROM kept",
                                    -1, &statement, NULL) == SQLITE_OK &&
                 sqlite3_step(statement) == SQLITE_ROW;
    (void)sqlite3_finalize(statement);
    return other;
}

static void
change_log(const uint8_t *data, size_t size) {
    if (size < 2)
        return;
    if (!ready_log()) {
        fuzz_expect(false);
        return;
    }
    fuzz_expect(count_findings() == 0);
    if (change_row(data[0] % ROWS + 1, data[1] % 8, data + 2, size - 2) &&
        differs())
        fuzz_expect(count_findings() > 0);
}

/* ---- tables -------------------------------------------------------------- */
static void
read_table(const uint8_t *data, size_t size) {
    struct sid_csv_reader reader = {.in = sid_span_of(data, size)};
    struct sid_csv_record record = {.line = 1};
    struct sid_places *places = NULL;
    char problem[200] = "", path[FUZZ_PATH_SIZE];
    enum sid_err err = SID_OK;
    while (sid_csv_next(&reader, &record, &err)) {
        fuzz_expect(record.count >= 1 && record.count <= SID_CSV_FIELDS_MAX);
        for (size_t i = 0; i < record.count; i++)
            fuzz_expect(strlen(sid_csv_field(&record, i)) <= size);
    }
    sid_csv_record_fini(&record);
    int fd = fuzz_file(data, size, path);
    err = sid_places_read(path, &places, problem, sizeof problem);
    if (err == SID_OK) {
        int at = sid_places_find(places, "7");
        fuzz_expect(at < 0 || sid_places_km(places, at, at) < 1);
    }
    fuzz_expect(err == SID_OK || (err == SID_E_BAD_REQUEST && problem[0] != 0));
    sid_places_free(&places);
    fuzz_file_close(fd);
}

static void
read_detail(const char *text) {
    struct sid_audit_member member;
    const char *end = text + strlen(text);
    for (const char *at = text; sid_audit_member_next(&at, &member);)
        fuzz_expect(member.key >= text && member.value >= member.key &&
                    member.value + member.value_len <= end && at <= end);
}

/* ---- segments ------------------------------------------------------------ */
static enum sid_err
take_head(const struct sid_segment_head *head, void *ctx) {
    (void)ctx;
    fuzz_expect(head->after >= 0 && strlen(head->month) < SID_MONTH_SIZE);
    return SID_OK;
}

static enum sid_err
take_segment_row(const struct sid_audit_entry *entry, void *ctx) {
    char at[SID_AUDIT_TIME_SIZE];
    int64_t *rows = ctx;
    sid_audit_time_text(entry->row.at_us, at);
    fuzz_expect(entry->intact && strlen(at) == SID_AUDIT_TIME_SIZE - 1);
    ++*rows;
    return SID_OK;
}

static void
read_segment(const uint8_t *data, size_t size) {
    int64_t rows = 0;
    const struct sid_segment_visit visit = {take_head, take_segment_row, &rows};
    struct sid_segment_problem problem = {0};
    char path[FUZZ_PATH_SIZE];
    int fd = fuzz_file(data, size, path);
    enum sid_err err = sid_segment_read(path, &visit, &problem);
    fuzz_expect(err == SID_OK || err == SID_E_NO_MEMORY ||
                (err == SID_E_BAD_REQUEST && problem.what != NULL));
    fuzz_file_close(fd);
}

/* Beside the five that the corpus knows by the rest of a division. */
#define SEGMENT 0xff

void
fuzz_one(const uint8_t *data, size_t size) {
    if (size < 1)
        return;
    if (data[0] == SEGMENT) {
        read_segment(data + 1, size - 1);
        return;
    }
    char *text = malloc(size);
    if (text == NULL)
        return;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    switch (data[0] % 5) {
    case 0:
        read_line(text);
        read_heads(data + 1, size - 1);
        break;
    case 1:
        sign_heads(data + 1, size - 1);
        break;
    case 2:
        change_log(data + 1, size - 1);
        break;
    case 3:
        read_table(data + 1, size - 1);
        break;
    default:
        read_detail(text);
    }
    free(text);
}
