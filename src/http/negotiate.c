/* negotiate.c: Accept, Prefer and Idempotency-Key (see negotiate.h). Pure; any
 * thread; owns nothing. */
#include "negotiate.h"

#include <string.h>
#include <strings.h>

#include "header.h"

static const char *const media_names[SID_MEDIA_COUNT] = {
#define SID_MEDIA_NAME(sym, name) [sym] = name,
    SID_MEDIA_MAP(SID_MEDIA_NAME)
#undef SID_MEDIA_NAME
};

const char *
sid_media_name(enum sid_media media) {
    SID_ASSERT((unsigned)media < SID_MEDIA_COUNT);
    return media_names[media];
}

/* The ',' that ends this element, or the end; quoted strings are jumped. */
static const char *
element_end(const char *at) {
    bool quoted = false;
    for (; *at != '\0' && (quoted || *at != ','); at++) {
        if (quoted && *at == '\\' && at[1] != '\0')
            at++;
        else if (*at == '"')
            quoted = !quoted;
    }
    return at;
}

static size_t
token_len(const char *at) {
    size_t len = 0;
    while (sid_header_tchar(at[len]))
        len++;
    return len;
}

/* "1", "0", "0.5", "1.000": thousandths, or -1. */
static int
read_q(const char *at, const char *end) {
    if (at >= end || (*at != '0' && *at != '1'))
        return -1;
    int q = (*at - '0') * 1000;
    at++;
    if (at < end && *at == '.') {
        at++;
        for (int unit = 100; unit > 0 && at < end && *at >= '0' && *at <= '9';
             unit /= 10, at++)
            q += (*at - '0') * unit;
    }
    at = sid_header_skip(at);
    return at >= end && q <= 1000 ? q : -1;
}

/* The q of an element's parameters; 1000 when there is none. */
static int
element_q(const char *at, const char *end) {
    while (at < end && *at == ';') {
        at = sid_header_skip(at + 1);
        const char *stop = at;
        while (stop < end && *stop != ';')
            stop++;
        if ((*at == 'q' || *at == 'Q') && at[1] == '=')
            return read_q(at + 2, stop);
        at = stop;
    }
    return 1000;
}

static void
accept_element(struct sid_accept *accept, const char *at, const char *end) {
    at = sid_header_skip(at);
    size_t type = token_len(at);
    if (type == 0 || at[type] != '/')
        return;
    size_t range = type + 1 + token_len(at + type + 1);
    if (range == type + 1)
        return;
    int q = element_q(sid_header_skip(at + range), end);
    if (q < 0)
        return;
    for (size_t i = 0; i < SID_MEDIA_COUNT; i++) {
        const char *name = media_names[i];
        int specific = 0;
        if (range == 3 && memcmp(at, "*/*", 3) == 0)
            specific = 1;
        else if (range == type + 2 && at[type + 1] == '*' &&
                 strncasecmp(at, name, type + 1) == 0)
            specific = 2;
        else if (range == strlen(name) && strncasecmp(at, name, range) == 0)
            specific = 3;
        if (specific > accept->of[i].specific) {
            accept->of[i].specific = specific;
            accept->of[i].q = q;
        }
    }
}

void
sid_accept_add(struct sid_accept *accept, const char *value) {
    accept->given = true;
    for (;;) {
        const char *end = element_end(value);
        accept_element(accept, value, end);
        if (*end == '\0')
            return;
        value = end + 1;
    }
}

enum sid_err
sid_accept_choose(const struct sid_accept *accept, enum sid_media *out) {
    if (!accept->given) {
        *out = SID_MEDIA_JSON;
        return SID_OK;
    }
    int best = 0;
    size_t at = SID_MEDIA_COUNT;
    for (size_t i = 0; i < SID_MEDIA_COUNT; i++) {
        if (accept->of[i].q > best) {
            best = accept->of[i].q;
            at = i;
        }
    }
    if (at == SID_MEDIA_COUNT)
        return SID_E_NOT_ACCEPTABLE;
    *out = (enum sid_media)at;
    return SID_OK;
}

static void
encoding_element(struct sid_encoding *encoding, const char *at,
                 const char *end) {
    at = sid_header_skip(at);
    size_t len = token_len(at);
    int q = element_q(sid_header_skip(at + len), end);
    if (len == 1 && *at == '*') {
        encoding->any_given = true;
        encoding->any = q > 0;
    } else if ((len == 4 && strncasecmp(at, "gzip", 4) == 0) ||
               (len == 6 && strncasecmp(at, "x-gzip", 6) == 0)) {
        encoding->gzip_given = true;
        encoding->gzip = q > 0;
    }
}

void
sid_encoding_add(struct sid_encoding *encoding, const char *value) {
    for (;;) {
        const char *end = element_end(value);
        encoding_element(encoding, value, end);
        if (*end == '\0')
            return;
        value = end + 1;
    }
}

bool
sid_encoding_gzip(const struct sid_encoding *encoding) {
    return encoding->gzip_given ? encoding->gzip
                                : encoding->any_given && encoding->any;
}

bool
sid_etag_in(const char *line, const char *etag) {
    size_t len = strlen(etag);
    for (;;) {
        const char *at = sid_header_skip(line);
        const char *end = element_end(at);
        if (at[0] == 'W' && at[1] == '/')
            at += 2;
        const char *behind = strncmp(at, etag, len) == 0 ? at + len : at;
        if ((*at == '*' && sid_header_skip(at + 1) == end) ||
            (behind != at && sid_header_skip(behind) == end))
            return true;
        if (*end == '\0')
            return false;
        line = end + 1;
    }
}

/* Non-negative decimal, bare or quoted; -1 when it is none. A number too large
 * for any purpose stops growing. */
static int64_t
read_seconds(const char *at, const char *end) {
    bool quoted = at < end && *at == '"';
    if (quoted)
        at++;
    if (at >= end || *at < '0' || *at > '9')
        return -1;
    int64_t sum = 0;
    for (; at < end && *at >= '0' && *at <= '9'; at++) {
        if (sum < INT32_MAX)
            sum = sum * 10 + (*at - '0');
    }
    if (quoted) {
        if (at >= end || *at != '"')
            return -1;
        at++;
    }
    at = sid_header_skip(at);
    return at >= end || *at == ';' ? sum : -1;
}

static void
prefer_element(struct sid_prefer *prefer, const char *at, const char *end) {
    at = sid_header_skip(at);
    size_t len = token_len(at);
    const char *behind = sid_header_skip(at + len);
    if (len == strlen("respond-async") &&
        strncasecmp(at, "respond-async", len) == 0) {
        prefer->respond_async = true;
    } else if (len == strlen("wait") && strncasecmp(at, "wait", len) == 0 &&
               *behind == '=' && !prefer->has_wait) {
        int64_t wait_s = read_seconds(sid_header_skip(behind + 1), end);
        if (wait_s < 0)
            return;
        prefer->has_wait = true;
        prefer->wait_s = wait_s;
    }
}

void
sid_prefer_add(struct sid_prefer *prefer, const char *value) {
    for (;;) {
        const char *end = element_end(value);
        prefer_element(prefer, value, end);
        if (*end == '\0')
            return;
        value = end + 1;
    }
}

enum sid_err
sid_idempotency_parse(const char *value, char out[SID_IDEMPOTENCY_SIZE]) {
    size_t len = strlen(value);
    if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
        value++;
        len -= 2;
    }
    if (len == 0 || len >= SID_IDEMPOTENCY_SIZE)
        return SID_E_BAD_REQUEST;
    for (size_t i = 0; i < len; i++) {
        /* Quotes and escapes inside would give one key two spellings. */
        if (value[i] < 0x20 || value[i] > 0x7e || value[i] == '"' ||
            value[i] == '\\')
            return SID_E_BAD_REQUEST;
    }
    memcpy(out, value, len);
    out[len] = '\0';
    return SID_OK;
}
