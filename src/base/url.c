/* url.c: see url.h. Pure; owns nothing. */
#include "smartid/url.h"

#include <arpa/inet.h>
#include <string.h>

#define DIGITS "0123456789"
#define NAME_CHARS                                                             \
    DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-"
/* RFC 3986 section 3.3 and 3.4: what a path and a query are made of. */
#define PATH_CHARS NAME_CHARS "_~%!$&'()*+,;=:@/?"

/* The length of a host, brackets included; 0 when there is none. */
static size_t
host_length(const char *at) {
    if (*at != '[')
        return strspn(at, NAME_CHARS);
    const char *end = strchr(at, ']');
    char text[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    if (end == NULL || (size_t)(end - at) > sizeof text)
        return 0;
    size_t len = (size_t)(end - at) - 1;
    memcpy(text, at + 1, len);
    text[len] = '\0';
    return inet_pton(AF_INET6, text, bytes) == 1 ? len + 2 : 0;
}

static bool
is_loopback(const char *host, size_t len) {
    static const char *const names[] = {"127.0.0.1", "[::1]", "localhost"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strlen(names[i]) == len && memcmp(host, names[i], len) == 0)
            return true;
    return false;
}

/* Behind the host. */
static bool
is_port_and_path(const char *at) {
    if (*at == ':') {
        size_t digits = strspn(++at, DIGITS);
        if (digits == 0 || digits > 5)
            return false;
        at += digits;
    }
    if (*at != '\0' && *at != '/')
        return false;
    return at[strspn(at, PATH_CHARS)] == '\0';
}

bool
sid_url_target(const char *url) {
    static const char tls[] = "https://", plain[] = "http://";
    bool secure = strncmp(url, tls, sizeof tls - 1) == 0;
    if (strlen(url) >= SID_URL_SIZE ||
        (!secure && strncmp(url, plain, sizeof plain - 1) != 0))
        return false;
    const char *host = url + (secure ? sizeof tls : sizeof plain) - 1;
    size_t len = host_length(host);
    return len > 0 && (secure || is_loopback(host, len)) &&
           is_port_and_path(host + len);
}

bool
sid_url_is_server(const char *place) {
    static const char *const schemes[] = {"postgresql://", "postgres://"};

    for (int i = 0; i < 2; i++) {
        if (strncmp(place, schemes[i], strlen(schemes[i])) == 0)
            return true;
    }
    return false;
}

bool
sid_url_has_password(const char *place) {
    if (!sid_url_is_server(place))
        return false;
    if (strstr(place, "password=") != NULL) /* also sslpassword */
        return true;
    const char *host = strstr(place, "://") + 3;
    size_t len = strcspn(host, "/?");
    const char *at = memchr(host, '@', len);
    return at != NULL && memchr(host, ':', (size_t)(at - host)) != NULL;
}
