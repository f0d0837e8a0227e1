/* log.c: one logfmt line per event on stderr, built on the stack and written
 * with one write(2), alone or with others of its thread, so that no lock is
 * needed and lines never mix. Any thread; owns the level and the lines that
 * wait. */
#include "smartid/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "smartid/clock.h"
#include "smartid/text.h"

/* Below PIPE_BUF (4096, POSIX), so that a pipe takes a line whole. */
#define LINE_BYTES 2048
#define FIELDS_MAX 16

static _Atomic int least = SID_LOG_INFO;

/* By enum sid_log_level; the last one cannot be asked for. */
static const char *const level_names[] = {"debug", "info", "warn", "error",
                                          "info"};
#define LEVELS_TO_SET ((size_t)SID_LOG_ALWAYS)

void
sid_log_set_level(enum sid_log_level level) {
    atomic_store_explicit(&least, (int)level, memory_order_relaxed);
}

enum sid_err
sid_log_level_parse(const char *text, enum sid_log_level *out) {
    for (size_t i = 0; i < LEVELS_TO_SET; i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *out = (enum sid_log_level)i;
            return SID_OK;
        }
    }
    return SID_E_ARGUMENT;
}

struct line {
    size_t len;
    char text[LINE_BYTES];
};

/* Adds <text, len> whole or not at all; one byte stays free for the newline. */
static void
put(struct line *line, const char *text, size_t len) {
    if (len > LINE_BYTES - 1 - line->len)
        return;
    memcpy(line->text + line->len, text, len);
    line->len += len;
}

static void
put_str(struct line *line, const char *text) {
    put(line, text, strlen(text));
}

static bool
is_bare(const char *text) {
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text == '"' || *text == '=' || *text == '\\' ||
            (unsigned char)*text >= 0x7f)
            return false;
    }
    return true;
}

/* One byte inside quotes. Bytes of clean UTF-8 stay as they are. */
static void
put_escaped(struct line *line, char c, bool utf8) {
    char text[8];
    unsigned char byte = (unsigned char)c;
    if (c == '"' || c == '\\')
        (void)snprintf(text, sizeof text, "\\%c", c);
    else if (c == '\n')
        (void)snprintf(text, sizeof text, "\\n");
    else if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !utf8))
        (void)snprintf(text, sizeof text, "\\x%02x", byte);
    else
        (void)snprintf(text, sizeof text, "%c", c);
    put_str(line, text);
}

static void
put_value(struct line *line, const char *text) {
    if (is_bare(text)) {
        put_str(line, text);
        return;
    }
    /* Room for the longest escape and the closing quote, so that a value that
     * is cut off still ends properly. */
    const size_t margin = 8;
    bool utf8 = sid_utf8_clean(text, strlen(text));
    put_str(line, "\"");
    for (; *text != '\0' && line->len + margin < LINE_BYTES; text++)
        put_escaped(line, *text, utf8);
    put_str(line, "\"");
}

#define NUMBER_SIZE 24

/* The text of a number, at the end of the room for it. */
static const char *
number_text(int64_t number, char room[NUMBER_SIZE]) {
    char *at = room + NUMBER_SIZE - 1;
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    *at = '\0';
    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (number < 0)
        *--at = '-';
    return at;
}

static void
put_field(struct line *line, const struct sid_log_field *field) {
    char number[NUMBER_SIZE];
    const char *value =
        field->text != NULL ? field->text : number_text(field->number, number);
    /* A field that may not fit is left out rather than cut in its key. */
    if (line->len + strlen(field->key) + sizeof number + 4 > LINE_BYTES)
        return;
    put_str(line, " ");
    put_str(line, field->key);
    put_str(line, "=");
    if (field->text != NULL && is_bare(value) &&
        strlen(value) > LINE_BYTES - 1 - line->len)
        value = "(too long)";
    put_value(line, value);
}

static void
put_head(struct line *line, enum sid_log_level level, const char *event) {
    int64_t now_us = sid_now_us();
    char at[SID_TIME_TEXT_SIZE];
    sid_time_text(now_us / 1000000, at);
    unsigned ms = (unsigned)(now_us / 1000 % 1000);
    const char fraction[] = {'.', (char)('0' + ms / 100),
                             (char)('0' + ms / 10 % 10), (char)('0' + ms % 10),
                             'Z'};
    put_str(line, "ts=");
    put(line, at, strlen(at) - 1);
    put(line, fraction, sizeof fraction);
    put_str(line, " level=");
    put_str(line, level_names[level]);
    put_str(line, " event=");
    put_str(line, event);
}

/* Not more than a pipe takes whole. */
#define HELD_BYTES 4096
static _Thread_local struct {
    bool on;
    size_t len;
    char text[HELD_BYTES];
} held;

static void
write_out(const char *text, size_t len) {
    ssize_t n;
    do {
        n = write(STDERR_FILENO, text, len);
    } while (n < 0 && errno == EINTR);
}

void
sid_log_hold(void) {
    held.on = true;
}

void
sid_log_flush(void) {
    if (held.len > 0)
        write_out(held.text, held.len);
    held.len = 0;
}

void
sid_log_fields(enum sid_log_level level, const char *event,
               const struct sid_log_field *fields) {
    if ((int)level < atomic_load_explicit(&least, memory_order_relaxed))
        return;
    /* Only what is written to it goes out: no reason to clear it first. */
    __attribute__((uninitialized)) struct line line;
    line.len = 0;
    put_head(&line, level, event);
    for (int i = 0; i < FIELDS_MAX && fields[i].key != NULL; i++)
        put_field(&line, &fields[i]);
    line.text[line.len++] = '\n';
    bool waits = held.on && level < SID_LOG_WARN;
    if (!waits || line.len > HELD_BYTES - held.len)
        sid_log_flush();
    if (!waits) {
        write_out(line.text, line.len);
        return;
    }
    memcpy(held.text + held.len, line.text, line.len);
    held.len += line.len;
}
