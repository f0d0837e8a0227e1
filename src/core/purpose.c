/* purpose.c: the table of purposes and what each may see. Pure; any thread. */
#include "smartid/purpose.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    uint32_t attributes;
} purposes[SID_PURPOSE_COUNT] = {
#define SID_PURPOSE_ROW(sym, name, attributes) [sym] = {name, attributes},
    SID_PURPOSE_MAP(SID_PURPOSE_ROW)
#undef SID_PURPOSE_ROW
};

_Static_assert(SID_PURPOSE_COUNT <= 32, "a purpose is a bit of a uint32_t");

enum sid_err
sid_purpose_parse(const char *name, enum sid_purpose *out) {
    for (size_t i = 0; i < SID_PURPOSE_COUNT; i++) {
        if (strcmp(purposes[i].name, name) == 0) {
            *out = (enum sid_purpose)i;
            return SID_OK;
        }
    }
    return SID_E_FIELD_INVALID;
}

const char *
sid_purpose_name(enum sid_purpose purpose) {
    SID_ASSERT((unsigned)purpose < SID_PURPOSE_COUNT);
    return purposes[purpose].name;
}

uint32_t
sid_purpose_attributes(enum sid_purpose purpose) {
    SID_ASSERT((unsigned)purpose < SID_PURPOSE_COUNT);
    return purposes[purpose].attributes;
}
