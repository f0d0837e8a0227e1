/* json_plain.c: see json.h. Any thread; owns nothing. */
#include <string.h>

#include "smartid/json.h"

/* What is left of the text. */
struct rest {
    const char *at, *end;
};

static void
skip_blanks(struct rest *rest) {
    while (rest->at < rest->end && (*rest->at == ' ' || *rest->at == '\t' ||
                                    *rest->at == '\n' || *rest->at == '\r'))
        rest->at++;
}

static bool
take_sign(struct rest *rest, char sign) {
    skip_blanks(rest);
    if (rest->at == rest->end || *rest->at != sign)
        return false;
    rest->at++;
    return true;
}

/* A string of printable ASCII without an escape. */
static bool
take_string(struct rest *rest, const char **text, size_t *len) {
    if (!take_sign(rest, '"'))
        return false;
    const char *first = rest->at;
    for (; rest->at < rest->end && *rest->at != '"'; rest->at++) {
        if (*rest->at < ' ' || *rest->at > '~' || *rest->at == '\\')
            return false;
    }
    *text = first;
    *len = (size_t)(rest->at - first);
    return take_sign(rest, '"');
}

static bool
take_member(struct rest *rest, struct sid_json_plain *members, size_t n) {
    const char *name;
    size_t len;
    if (!take_string(rest, &name, &len) || !take_sign(rest, ':'))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (strlen(members[i].name) == len &&
            memcmp(members[i].name, name, len) == 0)
            return members[i].text == NULL &&
                   take_string(rest, &members[i].text, &members[i].len);
    }
    return false;
}

bool
sid_json_plain(struct sid_span text, struct sid_json_plain *members, size_t n) {
    if (text.len == 0)
        return false;
    struct rest rest = {(const char *)text.ptr,
                        (const char *)text.ptr + text.len};
    if (!take_sign(&rest, '{'))
        return false;
    do {
        if (!take_member(&rest, members, n))
            return false;
    } while (take_sign(&rest, ','));
    if (!take_sign(&rest, '}'))
        return false;
    skip_blanks(&rest);
    return rest.at == rest.end;
}
