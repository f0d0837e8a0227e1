/* json_out.c: the append-only JSON writer of json.h. Any thread; borrows the
 * buffer it writes to. */
#include "smartid/json.h"

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

static void
put_escaped(struct sid_json *json, unsigned char c) {
    char text[8];
    int n = c == '"' || c == '\\' ? snprintf(text, sizeof text, "\\%c", c)
                                  : snprintf(text, sizeof text, "\\u%04x",
                                             c >= 0x80 ? 0xfffdu : (unsigned)c);
    put(json, text, (size_t)n);
}

static void
put_quoted(struct sid_json *json, const char *text) {
    size_t len = strlen(text);
    const unsigned char *at = (const unsigned char *)text;
    put(json, "\"", 1);
    size_t run = 0; /* bytes at `at` that go out as they are */
    while (run < len) {
        unsigned char c = at[run];
        size_t clean = c >= 0x80 ? utf8_sequence(at + run, len - run)
                                 : (size_t)(c >= 0x20 && c != '"' &&
                                            c != '\\' && c != 0x7f);
        if (clean > 0) {
            run += clean;
            continue;
        }
        put(json, (const char *)at, run);
        put_escaped(json, c);
        at += run + 1;
        len -= run + 1;
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
