/* csv.c: RFC 4180, so that tables from a spreadsheet can be read and written.
 * Any thread; owns nothing beyond the record of its caller. */
#include "csv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static bool
at_end(const struct sid_csv_reader *r) {
    return r->at >= r->in.len;
}

static char
peek(const struct sid_csv_reader *r) {
    return (char)r->in.ptr[r->at];
}

/* Inside quotes, after the first one; ends behind the last. */
static enum sid_err
read_quoted(struct sid_csv_reader *r, struct sid_buf *to) {
    while (!at_end(r)) {
        char c = peek(r);
        r->at++;
        if (c == '"') {
            if (at_end(r) || peek(r) != '"')
                return SID_OK;
            r->at++; /* two quotes are one */
        }
        if (c == '\n')
            r->line++;
        if (c == '\0')
            return SID_E_BAD_REQUEST;
        enum sid_err err = sid_buf_append(to, &c, 1);
        if (err != SID_OK)
            return err;
    }
    return SID_E_BAD_REQUEST;
}

static bool
ends_field(char c) {
    return c == ',' || c == '\n' || c == '\r';
}

static enum sid_err
read_field(struct sid_csv_reader *r, struct sid_buf *to) {
    enum sid_err err = SID_OK;
    if (!at_end(r) && peek(r) == '"') {
        r->at++;
        err = read_quoted(r, to);
        if (err == SID_OK && !at_end(r) && !ends_field(peek(r)))
            err = SID_E_BAD_REQUEST;
    } else {
        size_t begin = r->at;
        while (!at_end(r) && !ends_field(peek(r)))
            r->at++;
        struct sid_span text = sid_span_of(r->in.ptr + begin, r->at - begin);
        if (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL)
            err = SID_E_BAD_REQUEST;
        else if (text.len > 0)
            err = sid_buf_append(to, text.ptr, text.len);
    }
    if (err == SID_OK)
        err = sid_buf_append(to, "", 1);
    return err;
}

/* Behind a field: true when another follows in this record. */
static bool
another_follows(struct sid_csv_reader *r) {
    if (at_end(r))
        return false;
    if (peek(r) == ',') {
        r->at++;
        return true;
    }
    if (peek(r) == '\r')
        r->at++;
    if (!at_end(r) && peek(r) == '\n')
        r->at++;
    r->line++;
    return false;
}

bool
sid_csv_next(struct sid_csv_reader *r, struct sid_csv_record *record,
             enum sid_err *err) {
    *err = SID_OK;
    if (r->at == 0 && r->line == 0) {
        r->line = 1;
        if (r->in.len >= 3 && memcmp(r->in.ptr, "\xEF\xBB\xBF", 3) == 0)
            r->at = 3; /* byte order mark of spreadsheets */
    }
    while (!at_end(r) && (peek(r) == '\n' || peek(r) == '\r'))
        (void)another_follows(r); /* empty lines */
    record->line = r->line;
    if (at_end(r))
        return false;
    sid_buf_clear(&record->text);
    record->count = 0;
    do {
        if (record->count == SID_CSV_FIELDS_MAX)
            *err = SID_E_BAD_REQUEST;
        else
            record->begin[record->count++] = record->text.len;
        if (*err == SID_OK)
            *err = read_field(r, &record->text);
        if (*err != SID_OK)
            return false;
    } while (another_follows(r));
    return true;
}

void
sid_csv_record_fini(struct sid_csv_record *record) {
    sid_buf_free(&record->text);
    record->count = 0;
}

const char *
sid_csv_field(const struct sid_csv_record *record, size_t i) {
    SID_ASSERT(i < record->count);
    return (const char *)record->text.ptr + record->begin[i];
}

int
sid_csv_column(const struct sid_csv_record *header, const char *name) {
    for (size_t i = 0; i < header->count; i++)
        if (strcmp(sid_csv_field(header, i), name) == 0)
            return (int)i;
    return -1;
}

bool
sid_csv_truth(const char *text, bool *out) {
    bool yes = strcmp(text, "1") == 0 || strcasecmp(text, "true") == 0;
    bool no = strcmp(text, "0") == 0 || strcasecmp(text, "false") == 0;
    if (yes || no)
        *out = yes;
    return yes || no;
}

void
sid_csv_write(FILE *to, const char *field) {
    if (strpbrk(field, ",\"\r\n") == NULL) {
        (void)fputs(field, to);
        return;
    }
    (void)fputc('"', to);
    for (; *field != '\0'; field++) {
        if (*field == '"')
            (void)fputc('"', to);
        (void)fputc(*field, to);
    }
    (void)fputc('"', to);
}

enum sid_err
sid_ctl_read_file(const char *path, size_t max, struct sid_buf *out) {
    static const size_t step_bytes = 65536;
    enum sid_err err = SID_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return SID_E_IO;
    for (;;) {
        if (out->cap - out->len < step_bytes)
            err = sid_buf_reserve(out, out->cap * 2 + step_bytes);
        if (err != SID_OK)
            break;
        ssize_t n = read(fd, out->ptr + out->len, step_bytes);
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            err = SID_E_IO;
        if (n > 0)
            out->len += (size_t)n;
        if (out->len > max)
            err = SID_E_BODY_TOO_LARGE;
        if (err != SID_OK)
            break;
    }
    int why = errno;
    (void)close(fd);
    errno = why;
    return err;
}
