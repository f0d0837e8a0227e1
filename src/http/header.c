/* header.c: the pure parsers of header.h. Any thread; owns the counter and the
 * prefix of the request ids that are made here. */
#include "header.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "smartid/rand.h"
#include "smartid/text.h"

static bool
is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9');
}

static bool
one_of(char c, const char *set) {
    return c != '\0' && strchr(set, c) != NULL;
}

bool
sid_uri_clean(const char *uri, bool *has_query) {
    *has_query = false;
    if (uri[0] != '/')
        return false;
    for (; *uri != '\0' && *uri != '?'; uri++) {
        if (!is_alnum(*uri) && !one_of(*uri, "._~/-"))
            return false;
    }
    if (*uri == '\0')
        return true;
    *has_query = true;
    for (uri++; *uri != '\0'; uri++) {
        if (!is_alnum(*uri) && !one_of(*uri, "._~-=&"))
            return false;
    }
    return true;
}

bool
sid_request_id_clean(const char *text) {
    size_t len = 0;
    for (; text[len] != '\0'; len++) {
        if (len >= SID_REQUEST_ID_SIZE - 1 ||
            (!is_alnum(text[len]) && !one_of(text[len], "._-")))
            return false;
    }
    return len > 0;
}

/* 50 bits are enough to tell the runs of one daemon apart. */
#define RUN_BYTES 6
static char run_prefix[SID_BASE32_CHARS(RUN_BYTES) + 1];
static pthread_once_t run_once = PTHREAD_ONCE_INIT;
static _Atomic uint64_t run_count;

static void
make_run_prefix(void) {
    uint8_t bytes[RUN_BYTES] = {0};
    /* An id only helps to find a log line: without randomness it still does. */
    if (sid_rand_bytes(bytes, sizeof bytes) != SID_OK)
        bytes[0] = 1;
    sid_base32_encode(bytes, sizeof bytes, run_prefix);
}

void
sid_request_id_make(char out[SID_REQUEST_ID_SIZE]) {
    pthread_once(&run_once, make_run_prefix);
    uint64_t count =
        atomic_fetch_add_explicit(&run_count, 1, memory_order_relaxed);
    size_t at = sizeof run_prefix - 1;
    memcpy(out, run_prefix, at);
    out[at++] = '-';
    char digits[2 * sizeof count];
    size_t n = 0;
    do {
        digits[n++] = "0123456789abcdef"[count & 15];
        count >>= 4;
    } while (count != 0);
    while (n > 0)
        out[at++] = digits[--n];
    out[at] = '\0';
}

bool
sid_header_value_clean(const char *value, size_t len) {
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

enum sid_err
sid_content_length_parse(const char *value, uint64_t *out) {
    uint64_t sum = 0;
    if (*value == '\0')
        return SID_E_BAD_REQUEST;
    for (; *value != '\0'; value++) {
        if (*value < '0' || *value > '9')
            return SID_E_BAD_REQUEST;
        uint64_t digit = (uint64_t)(*value - '0');
        if (sum > (UINT64_MAX - digit) / 10)
            return SID_E_BAD_REQUEST;
        sum = sum * 10 + digit;
    }
    *out = sum;
    return SID_OK;
}

int
sid_number_parse(const char *text, int max) {
    int64_t sum = 0;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return 0;
        sum = sum * 10 + (*text - '0');
        if (sum > max)
            return 0;
    }
    return (int)sum;
}

bool
sid_bearer_parse(const char *value, const char **key, size_t *key_len) {
    static const char scheme[] = "Bearer ";
    if (strncasecmp(value, scheme, sizeof scheme - 1) != 0)
        return false;
    value += sizeof scheme - 1;
    while (*value == ' ')
        value++;
    size_t len = strlen(value);
    while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
        len--;
    if (len == 0)
        return false;
    *key = value;
    *key_len = len;
    return true;
}

bool
sid_header_tchar(char c) {
    return is_alnum(c) || one_of(c, "!#$%&'*+-.^_`|~");
}

const char *
sid_header_skip(const char *at) {
    while (*at == ' ' || *at == '\t')
        at++;
    return at;
}

/* A token or a quoted string into <out, size>; NULL when malformed. */
static const char *
read_value(const char *at, char *out, size_t size) {
    size_t len = 0;
    bool quoted = *at == '"';
    if (quoted)
        at++;
    for (; quoted ? *at != '"' : sid_header_tchar(*at); at++) {
        if (quoted && *at == '\\')
            at++;
        if (*at == '\0' || len + 1 >= size)
            return NULL;
        out[len++] = *at;
    }
    out[len] = '\0';
    if (quoted)
        return at + 1;
    return len > 0 ? at : NULL;
}

bool
sid_header_param_next(const char **at, struct sid_header_param *out,
                      enum sid_err *err) {
    const char *p = sid_header_skip(*at);
    *err = SID_OK;
    /* Empty parameters ("; ;") are allowed by RFC 9110 5.6.6. */
    while (*p == ';')
        p = sid_header_skip(p + 1);
    *at = p;
    if (*p == '\0')
        return false;
    *err = SID_E_BAD_REQUEST;
    size_t len = 0;
    while (sid_header_tchar(p[len]))
        len++;
    if (len == 0 || len >= sizeof out->name || p[len] != '=')
        return false;
    memcpy(out->name, p, len);
    out->name[len] = '\0';
    p = read_value(p + len + 1, out->value, sizeof out->value);
    if (p == NULL)
        return false;
    p = sid_header_skip(p);
    if (*p != ';' && *p != '\0')
        return false;
    *at = p;
    *err = SID_OK;
    return true;
}

bool
sid_media_type_is(const char *value, const char *type) {
    size_t len = strlen(type);
    value = sid_header_skip(value);
    if (strncasecmp(value, type, len) != 0)
        return false;
    value = sid_header_skip(value + len);
    return *value == '\0' || *value == ';';
}

/* Characters of RFC 2046 5.1.1; a space may not be the last one. */
static bool
boundary_clean(const char *text) {
    size_t len = strlen(text);
    if (len == 0 || len >= SID_BOUNDARY_SIZE || text[len - 1] == ' ')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!is_alnum(text[i]) && !one_of(text[i], "'()+_,-./:=? "))
            return false;
    }
    return true;
}

enum sid_err
sid_boundary_parse(const char *value, char out[SID_BOUNDARY_SIZE]) {
    if (!sid_media_type_is(value, "multipart/form-data"))
        return SID_E_MEDIA_TYPE;
    const char *at = strchr(value, ';');
    struct sid_header_param param;
    enum sid_err err = SID_OK;
    bool found = false;
    while (at != NULL && sid_header_param_next(&at, &param, &err)) {
        if (strcasecmp(param.name, "boundary") != 0)
            continue;
        if (found || !boundary_clean(param.value))
            return SID_E_BAD_REQUEST;
        found = true;
        (void)snprintf(out, SID_BOUNDARY_SIZE, "%.*s", SID_BOUNDARY_SIZE - 1,
                       param.value);
    }
    return err == SID_OK && found ? SID_OK : SID_E_BAD_REQUEST;
}
