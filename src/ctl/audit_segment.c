/* audit_segment.c: see audit_segment.h. */
#include "audit_segment.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "smartid/clock.h"
#include "smartid/json_out.h"
#include "smartid/text.h"

/* Longest line. Source: own choice: a row has a path in it at most, each byte
 * of which may take six. */
#define LINE_MAX_BYTES 65536
/* Of the form of the file. */
#define FORM 1

/* ---- names --------------------------------------------------------------- */

#define MONTH_PATTERN "dddd-dd"

void
sid_segment_name(const char month[SID_MONTH_SIZE], int slot,
                 char out[SID_SEGMENT_NAME_SIZE]) {
    if (slot == 0)
        (void)snprintf(out, SID_SEGMENT_NAME_SIZE, "audit-%.7s.jsonl", month);
    else
        (void)snprintf(out, SID_SEGMENT_NAME_SIZE,
                       "audit-%.7s.chain-%02u.jsonl", month,
                       (unsigned)slot % SID_SLOTS_MAX);
}

static bool
is_name(const char *pattern, const char *text) {
    for (; *pattern != '\0' && *text != '\0'; pattern++, text++) {
        bool fits = *pattern == 'd' && pattern[-1] != 'u'
                        ? *text >= '0' && *text <= '9'
                        : *text == *pattern;
        if (!fits)
            return false;
    }
    return *pattern == *text;
}

enum sid_err
sid_segment_next(const char *folder, int slot, const char *behind, bool *found,
                 char out[SID_SEGMENT_NAME_SIZE]) {
    char best[SID_SEGMENT_NAME_SIZE] = "";
    char pattern[SID_SEGMENT_NAME_SIZE];
    sid_segment_name(MONTH_PATTERN, slot, pattern);
    DIR *dir = opendir(folder);
    const struct dirent *one = NULL;
    errno = dir == NULL ? errno : 0;
    while (dir != NULL && (one = readdir(dir)) != NULL) {
        if (is_name(pattern, one->d_name) && strcmp(one->d_name, behind) > 0 &&
            (best[0] == '\0' || strcmp(one->d_name, best) < 0))
            memcpy(best, one->d_name, strlen(pattern) + 1);
    }
    if (errno != 0)
        (void)fprintf(stderr, "smartidctl: %s: %s\n", folder, strerror(errno));
    enum sid_err err = errno != 0 ? SID_E_IO : SID_OK;
    if (dir != NULL)
        (void)closedir(dir);
    if (err == SID_OK) {
        *found = best[0] != '\0';
        memcpy(out, best, sizeof best);
    }
    return err;
}

/* ---- writing ------------------------------------------------------------- */

static enum sid_err
put_line(struct sid_segment_writer *writer, enum sid_err err) {
    if (err == SID_OK)
        err = sid_buf_append(&writer->line, "\n", 1);
    if (err == SID_OK && fwrite(writer->line.ptr, 1, writer->line.len,
                                writer->to) != writer->line.len)
        err = SID_E_IO;
    writer->line.len = 0;
    return err;
}

enum sid_err
sid_segment_write_head(struct sid_segment_writer *writer,
                       const struct sid_segment_head *head) {
    char mac[2 * SID_SHA256_BYTES + 1];
    struct sid_json json;
    sid_hex_encode(head->after_mac, sizeof head->after_mac, mac);
    sid_json_init(&json, &writer->line);
    sid_json_open(&json, NULL, '{');
    sid_json_int(&json, "segment", FORM);
    sid_json_string(&json, "month", head->month);
    sid_json_int(&json, "after", head->after);
    sid_json_string(&json, "mac", mac);
    sid_json_close(&json, '}');
    return put_line(writer, json.err);
}

enum sid_err
sid_segment_write_row(struct sid_segment_writer *writer,
                      const struct sid_audit_entry *entry) {
    struct sid_json json;
    sid_json_init(&json, &writer->line);
    sid_json_open(&json, NULL, '{');
    sid_audit_write_row(&json, entry);
    sid_json_string(&json, "detail", entry->row.detail);
    sid_json_close(&json, '}');
    writer->rows++;
    return put_line(writer, json.err);
}

enum sid_err
sid_segment_write_end(struct sid_segment_writer *writer) {
    struct sid_json json;
    sid_json_init(&json, &writer->line);
    sid_json_open(&json, NULL, '{');
    sid_json_int(&json, "rows", writer->rows);
    sid_json_close(&json, '}');
    return put_line(writer, json.err);
}

void
sid_segment_writer_fini(struct sid_segment_writer *writer) {
    sid_buf_free(&writer->line);
}

/* ---- reading ------------------------------------------------------------- */

struct reader {
    FILE *in;
    const struct sid_segment_visit *visit;
    struct sid_segment_problem *problem;
    size_t line;
    char text[LINE_MAX_BYTES];
};

static enum sid_err
broken(struct reader *reader, const char *what) {
    *reader->problem = (struct sid_segment_problem){reader->line, what};
    return SID_E_BAD_REQUEST;
}

/* The next line as an object, the caller's to free. */
static enum sid_err
next_line(struct reader *reader, json_t **out) {
    reader->line++;
    if (fgets(reader->text, sizeof reader->text, reader->in) == NULL)
        return ferror(reader->in) != 0 ? SID_E_IO
                                       : broken(reader, "its end is missing");
    size_t len = strlen(reader->text);
    if (len == 0 || reader->text[len - 1] != '\n')
        return broken(reader, "no line of a segment");
    json_t *root = json_loadb(reader->text, len, JSON_REJECT_DUPLICATES, NULL);
    if (root == NULL)
        return broken(reader, "no line of a segment");
    *out = root;
    return SID_OK;
}

static bool
take_mac(const char *text, uint8_t mac[SID_SHA256_BYTES]) {
    return sid_hex_decode(text, mac, SID_SHA256_BYTES) == SID_OK;
}

static enum sid_err
read_head(struct reader *reader) {
    json_t *root = NULL;
    enum sid_err err = next_line(reader, &root);
    if (err != SID_OK)
        return err;
    struct sid_segment_head head = {.after = 0};
    const char *month = "", *mac = "";
    int form = 0;
    json_int_t after = -1;
    if (json_unpack(root, "{s:i, s:s, s:I, s:s!}", "segment", &form, "month",
                    &month, "after", &after, "mac", &mac) != 0 ||
        form != FORM || after < 0 || !take_mac(mac, head.after_mac) ||
        sid_text_copy(head.month, sizeof head.month, month) != SID_OK)
        err = broken(reader, "not the first line of a segment");
    head.after = after;
    json_decref(root);
    return err == SID_OK ? reader->visit->head(&head, reader->visit->ctx) : err;
}

/* "2026-09-01T10:00:00.123456Z", and no other spelling. */
static bool
take_time(const char *text, int64_t *out_us) {
    char whole[SID_TIME_TEXT_SIZE], again[SID_AUDIT_TIME_SIZE];
    int64_t at_s = 0;
    if (strlen(text) != SID_AUDIT_TIME_SIZE - 1)
        return false;
    (void)snprintf(whole, sizeof whole, "%.19sZ", text);
    if (sid_time_parse(whole, &at_s) != SID_OK)
        return false;
    int64_t at_us = at_s * 1000000 + strtoll(text + 20, NULL, 10);
    sid_audit_time_text(at_us, again);
    *out_us = at_us;
    return strcmp(text, again) == 0;
}

static enum sid_err
take_row(struct reader *reader, json_t *root) {
    struct sid_audit_entry entry = {.intact = true};
    struct sid_audit_row *row = &entry.row;
    const char *at = "", *mac = "";
    json_int_t seq = 0;
    if (json_unpack(root, "{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s!}", "seq",
                    &seq, "at", &at, "event", &row->event, "actor", &row->actor,
                    "subject", &row->subject, "outcome", &row->outcome, "mac",
                    &mac, "detail", &row->detail) != 0 ||
        !take_time(at, &row->at_us) || !take_mac(mac, entry.mac))
        return broken(reader, "no row of the log");
    row->seq = seq;
    return reader->visit->row(&entry, reader->visit->ctx);
}

static enum sid_err
read_rows(struct reader *reader) {
    enum sid_err err = SID_OK;
    bool ended = false;
    for (json_int_t rows = 0; err == SID_OK && !ended; rows++) {
        json_t *root = NULL;
        err = next_line(reader, &root);
        if (err != SID_OK)
            break;
        const json_t *count = json_object_get(root, "rows");
        ended = count != NULL;
        if (!ended)
            err = take_row(reader, root);
        else if (json_typeof(count) != JSON_INTEGER ||
                 json_object_size(root) != 1 ||
                 json_integer_value(count) != rows)
            err = broken(reader, "it has not as many rows as it says");
        json_decref(root);
    }
    if (err == SID_OK && fgetc(reader->in) != EOF)
        err = broken(reader, "something follows its end");
    return err;
}

enum sid_err
sid_segment_read(const char *path, const struct sid_segment_visit *visit,
                 struct sid_segment_problem *problem) {
    struct reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return SID_E_NO_MEMORY;
    enum sid_err err = SID_OK;
    reader->visit = visit;
    reader->problem = problem;
    reader->in = fopen(path, "re");
    if (reader->in == NULL)
        err = errno == ENOENT ? SID_E_NOT_FOUND : SID_E_IO;
    if (err == SID_OK)
        err = read_head(reader);
    if (err == SID_OK)
        err = read_rows(reader);
    if (reader->in != NULL)
        (void)fclose(reader->in);
    free(reader);
    return err;
}
