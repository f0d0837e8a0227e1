/* json_out.c: the append-only JSON writer of json_out.h. Any thread; borrows
 * the buffer it writes to. */
#include "smartid/json_out.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "smartid/clock.h"

void
sid_json_init(struct sid_json *json, struct sid_buf *buf) {
    json->buf = buf;
    json->err = SID_OK;
    json->comma = false;
}

static void
put(struct sid_json *json, const char *text, size_t len) {
    if (json->err == SID_OK)
        json->err = sid_buf_append(json->buf, text, len);
}

/* Length of the well-formed UTF-8 sequence at <at, left>, 0 when it is none.
 * Source: Unicode 15, table 3-7. */
static size_t
utf8_sequence(const unsigned char *at, size_t left) {
    unsigned char c = at[0];
    size_t len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    if (c < 0xc2 || c > 0xf4 || left < len)
        return 0;
    unsigned char low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    unsigned char high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++) {
        if (at[i] < 0x80 || at[i] > 0xbf)
            return 0;
    }
    return len;
}

/* A sequence that some reader takes for a control character or the end of a
 * line: U+0080 to U+009F, U+2028, U+2029. 0 when it is none. */
static unsigned
separator(const unsigned char *at, size_t len) {
    if (len == 2 && at[0] == 0xc2 && at[1] < 0xa0)
        return at[1];
    if (len == 3 && at[0] == 0xe2 && at[1] == 0x80 &&
        (at[2] == 0xa8 || at[2] == 0xa9))
        return 0x2000u + (at[2] - 0x80u);
    return 0;
}

static void
put_escaped(struct sid_json *json, unsigned c) {
    char text[8];
    int n = c == '"' || c == '\\'
                ? snprintf(text, sizeof text, "\\%c", (char)c)
                : snprintf(text, sizeof text, "\\u%04x", c & 0xffffu);
    put(json, text, (size_t)n);
}

/* ASCII that may stand in a string as it is. */
static bool
is_plain(unsigned char c) {
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void
put_quoted(struct sid_json *json, const char *text) {
    size_t len = strlen(text);
    const unsigned char *at = (const unsigned char *)text;
    put(json, "\"", 1);
    size_t run = 0; /* bytes at `at` that go out as they are */
    while (run < len) {
        if (is_plain(at[run])) {
            run++;
            continue;
        }
        const unsigned char *next = at + run;
        bool ascii = *next < 0x80;
        size_t bytes = ascii ? 1 : utf8_sequence(next, len - run);
        unsigned bad = ascii        ? *next
                       : bytes == 0 ? 0xfffdu
                                    : separator(next, bytes);
        if (bad == 0) {
            run += bytes;
            continue;
        }
        put(json, (const char *)at, run);
        put_escaped(json, bad);
        at = next + (bytes == 0 ? 1 : bytes);
        len -= run + (bytes == 0 ? 1 : bytes);
        run = 0;
    }
    put(json, (const char *)at, run);
    put(json, "\"", 1);
}

static void
begin(struct sid_json *json, const char *name) {
    if (json->comma)
        put(json, ",", 1);
    json->comma = true;
    if (name != NULL) {
        put_quoted(json, name);
        put(json, ":", 1);
    }
}

void
sid_json_open(struct sid_json *json, const char *name, char bracket) {
    begin(json, name);
    put(json, &bracket, 1);
    json->comma = false;
}

void
sid_json_close(struct sid_json *json, char bracket) {
    put(json, &bracket, 1);
    json->comma = true;
}

void
sid_json_string(struct sid_json *json, const char *name, const char *text) {
    begin(json, name);
    if (text == NULL)
        put(json, "null", 4);
    else
        put_quoted(json, text);
}

void
sid_json_int(struct sid_json *json, const char *name, int64_t value) {
    char text[24];
    int n = snprintf(text, sizeof text, "%lld", (long long)value);
    begin(json, name);
    put(json, text, (size_t)n);
}

void
sid_json_real(struct sid_json *json, const char *name, double value) {
    /* JSON has no word for what is not a number. */
    if (!isfinite(value)) {
        sid_json_string(json, name, NULL);
        return;
    }
    char text[64];
    int n = snprintf(text, sizeof text, "%.4f", value);
    begin(json, name);
    if (n < 0 || (size_t)n >= sizeof text)
        put(json, "null", 4);
    else
        put(json, text, (size_t)n);
}

void
sid_json_bool(struct sid_json *json, const char *name, bool value) {
    begin(json, name);
    if (value)
        put(json, "true", 4);
    else
        put(json, "false", 5);
}

void
sid_json_time(struct sid_json *json, const char *name, int64_t at_s) {
    char text[SID_TIME_TEXT_SIZE];
    sid_time_text(at_s, text);
    sid_json_string(json, name, text);
}
