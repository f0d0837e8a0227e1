/* forwarded.c: see forwarded.h. Pure; any thread; owns nothing. */
#include "forwarded.h"

#include <stdbool.h>
#include <string.h>

struct walk {
    const struct sid_networks *trusted;
    struct sid_address first; /* the left-most */
    struct sid_address last;  /* the last one so far that is not trusted */
    bool any, foreign;
};

static enum sid_err
take_line(struct walk *walk, const char *line) {
    for (;;) {
        line += strspn(line, " \t");
        size_t len = strcspn(line, ",");
        size_t text = len;
        while (text > 0 && (line[text - 1] == ' ' || line[text - 1] == '\t'))
            text--;
        struct sid_address address;
        if (sid_address_parse(line, text, &address) != SID_OK)
            return SID_E_BAD_REQUEST;
        if (!walk->any)
            walk->first = address;
        walk->any = true;
        if (!sid_networks_have(walk->trusted, &address)) {
            walk->last = address;
            walk->foreign = true;
        }
        if (line[len] == '\0')
            return SID_OK;
        line += len + 1;
    }
}

enum sid_err
sid_forwarded_source(const struct sid_address *peer, const char *const *lines,
                     size_t count, const struct sid_networks *trusted,
                     struct sid_address *out) {
    struct walk walk = {.trusted = trusted};
    if (count > SID_FORWARDED_LINES_MAX)
        return SID_E_BAD_REQUEST;
    for (size_t i = 0; i < count; i++) {
        enum sid_err err = take_line(&walk, lines[i]);
        if (err != SID_OK)
            return err;
    }
    *out = walk.foreign ? walk.last : walk.any ? walk.first : *peer;
    return SID_OK;
}
