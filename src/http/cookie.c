/* cookie.c: see cookie.h. Pure; any thread; owns nothing. */
#include "cookie.h"

#include <string.h>
#include <strings.h>

#include "header.h"
#include "smartid/text.h"

bool
sid_cookie_find(const char *line, const char *name,
                char out[SID_SESSION_COOKIE_SIZE]) {
    const size_t name_len = strlen(name);
    const char *value = NULL;
    size_t value_len = 0;
    for (;;) {
        line = sid_header_skip(line);
        size_t len = strcspn(line, ";");
        if (len > name_len && memcmp(line, name, name_len) == 0 &&
            line[name_len] == '=') {
            if (value != NULL)
                return false;
            value = line + name_len + 1;
            value_len = len - name_len - 1;
        }
        if (line[len] == '\0')
            break;
        line += len + 1;
    }
    if (value == NULL || value_len != SID_SESSION_COOKIE_CHARS ||
        !sid_base32_clean(value, value_len))
        return false;
    memcpy(out, value, value_len);
    out[value_len] = '\0';
    return true;
}

/* What stands before and behind the last colon that is no part of an IPv6
 * address. */
struct authority {
    const char *name;
    size_t name_len;
    const char *port;
};

static struct authority
split(const char *text, const char *default_port) {
    const char *colon = strrchr(text, ':');
    const char *bracket = strrchr(text, ']');
    if (colon == NULL || (bracket != NULL && colon < bracket))
        return (struct authority){text, strlen(text), default_port};
    return (struct authority){text, (size_t)(colon - text), colon + 1};
}

bool
sid_origin_is_host(const char *origin, const char *host, bool tls) {
    static const char https[] = "https://", http[] = "http://";
    const char *port = "443";
    if (strncasecmp(origin, https, sizeof https - 1) == 0) {
        origin += sizeof https - 1;
    } else if (!tls && strncasecmp(origin, http, sizeof http - 1) == 0) {
        origin += sizeof http - 1;
        port = "80";
    } else {
        return false;
    }
    struct authority from = split(origin, port), to = split(host, port);
    return from.name_len > 0 && from.name_len == to.name_len &&
           strncasecmp(from.name, to.name, from.name_len) == 0 &&
           strcmp(from.port, to.port) == 0;
}
