/* erasure.c: the words of erasure and retention. Pure; any thread; owns
 * nothing. */
#include "smartid/erasure.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    bool asked;
} causes[SID_ERASE_CAUSE_COUNT] = {
#define SID_ERASE_CAUSE_ROW(sym, name, asked) [sym] = {name, asked},
    SID_ERASE_CAUSE_MAP(SID_ERASE_CAUSE_ROW)
#undef SID_ERASE_CAUSE_ROW
};

static const struct {
    const char *name;
    enum sid_erase_cause cause;
} rules[SID_RETENTION_COUNT] = {
#define SID_RETENTION_ROW(sym, name, cause) [sym] = {name, cause},
    SID_RETENTION_MAP(SID_RETENTION_ROW)
#undef SID_RETENTION_ROW
};

const char *
sid_erase_cause_name(enum sid_erase_cause cause) {
    SID_ASSERT((unsigned)cause < SID_ERASE_CAUSE_COUNT);
    return causes[cause].name;
}

enum sid_err
sid_erase_cause_parse(const char *name, enum sid_erase_cause *out) {
    for (size_t i = 0; i < SID_ERASE_CAUSE_COUNT; i++) {
        if (causes[i].asked && strcmp(causes[i].name, name) == 0) {
            *out = (enum sid_erase_cause)i;
            return SID_OK;
        }
    }
    return SID_E_FIELD_INVALID;
}

const char *
sid_retention_name(enum sid_retention_rule rule) {
    SID_ASSERT((unsigned)rule < SID_RETENTION_COUNT);
    return rules[rule].name;
}

enum sid_erase_cause
sid_retention_cause(enum sid_retention_rule rule) {
    SID_ASSERT((unsigned)rule < SID_RETENTION_COUNT &&
               rule != SID_RETAIN_AUDIT);
    return rules[rule].cause;
}
