/* rows.c: see rows.h. The writer's thread, once it is open. */
#include "rows.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CREDENTIALS 1000000
#define MAC_BYTES 32
/* As long as the daemon's. */
#define ACTOR "cli_00000000000000000000000000"
#define SUBJECT "crd_00000000000000000000000000"
#define DETAIL                                                                 \
    "id=ver_00000000000000000000000000 purpose=train_ticket counter=12"

/* The daemon's settings, and its tables without what a look-up and a row do
 * not need. */
static const char setup[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
    "PRAGMA cache_size=-65536; PRAGMA wal_autocheckpoint=4000;"
    "CREATE TABLE credential (serial INTEGER PRIMARY KEY, id TEXT NOT NULL,"
    " state TEXT NOT NULL) STRICT;"
    "CREATE TABLE audit (seq INTEGER PRIMARY KEY, at_us INTEGER NOT NULL,"
    " event TEXT NOT NULL, actor TEXT NOT NULL, subject TEXT NOT NULL,"
    " outcome TEXT NOT NULL, detail TEXT NOT NULL, mac BLOB NOT NULL) STRICT;"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
    " LIMIT 1000000) INSERT INTO credential SELECT i, '" SUBJECT
    "', 'active' FROM n;"
    "PRAGMA wal_checkpoint(TRUNCATE);";

struct rows {
    sqlite3 *db;
    sqlite3_stmt *begin, *look_up, *append, *commit;
    int64_t seq;
    uint32_t serial; /* the last one that was asked for */
    uint8_t mac[MAC_BYTES];
};

static bool
prepare(struct rows *rows, const char *text, sqlite3_stmt **out) {
    return sqlite3_prepare_v3(rows->db, text, -1, SQLITE_PREPARE_PERSISTENT,
                              out, NULL) == SQLITE_OK;
}

struct rows *
rows_open(const char *path) {
    struct rows *rows = calloc(1, sizeof *rows);
    if (rows == NULL || sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) ||
        sqlite3_open(path, &rows->db) != SQLITE_OK ||
        sqlite3_exec(rows->db, setup, NULL, NULL, NULL) != SQLITE_OK ||
        !prepare(rows, "BEGIN IMMEDIATE", &rows->begin) ||
        !prepare(rows, "SELECT state FROM credential WHERE serial = ?",
                 &rows->look_up) ||
        !prepare(rows, "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                 &rows->append) ||
        !prepare(rows, "COMMIT", &rows->commit))
        return NULL;
    return rows;
}

static bool
run(sqlite3_stmt *stmt) {
    bool done = sqlite3_step(stmt) == SQLITE_DONE;
    return sqlite3_reset(stmt) == SQLITE_OK && done;
}

/* Any of them, and a different one each time. */
static bool
look_up(struct rows *rows) {
    rows->serial = rows->serial * 1664525U + 1013904223U;
    sqlite3_bind_int64(rows->look_up, 1, 1 + rows->serial % CREDENTIALS);
    bool found = sqlite3_step(rows->look_up) == SQLITE_ROW &&
                 strcmp((const char *)sqlite3_column_text(rows->look_up, 0),
                        "active") == 0;
    return sqlite3_reset(rows->look_up) == SQLITE_OK && found;
}

static bool
append(struct rows *rows) {
    static const char *const texts[] = {"verification", ACTOR, SUBJECT, "valid",
                                        DETAIL};
    static const uint8_t key[MAC_BYTES] = {1};
    uint8_t row[MAC_BYTES + sizeof rows->seq + sizeof ACTOR + sizeof SUBJECT +
                sizeof DETAIL + MAC_BYTES];
    size_t len = 0;
    unsigned mac_len = 0;

    rows->seq++;
    memcpy(row, rows->mac, MAC_BYTES);
    len += MAC_BYTES;
    memcpy(row + len, &rows->seq, sizeof rows->seq);
    len += sizeof rows->seq;
    sqlite3_bind_int64(rows->append, 1, rows->seq);
    sqlite3_bind_int64(rows->append, 2, rows->seq);
    for (int i = 0; i < 5; i++) {
        size_t n = strlen(texts[i]);
        memcpy(row + len, texts[i], n);
        len += n;
        sqlite3_bind_text(rows->append, 3 + i, texts[i], (int)n, SQLITE_STATIC);
    }
    if (HMAC(EVP_sha256(), key, sizeof key, row, len, rows->mac, &mac_len) ==
        NULL)
        return false;
    sqlite3_bind_blob(rows->append, 8, rows->mac, MAC_BYTES, SQLITE_STATIC);
    return run(rows->append);
}

bool
rows_write(struct rows *rows, size_t n) {
    bool well = run(rows->begin);
    for (size_t i = 0; i < n && well; i++)
        well = look_up(rows) && append(rows);
    return well && run(rows->commit);
}
