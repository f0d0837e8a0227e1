/* purpose.c: the words of purposes, and sets of them (see purpose.h). Pure; any
 * thread; owns nothing. */
#include "smartid/purpose.h"

#include <string.h>

#include "smartid/text.h"

static const char *const assurances[SID_ASSURANCE_COUNT] = {
#define SID_ASSURANCE_ROW(sym, word) [sym] = (word),
    SID_ASSURANCE_MAP(SID_ASSURANCE_ROW)
#undef SID_ASSURANCE_ROW
};

static const char *const attributes[SID_ATTRIBUTE_COUNT] = {
#define SID_ATTRIBUTE_ROW(sym, word) [SID_ATTRIBUTE_##sym] = (word),
    SID_ATTRIBUTE_MAP(SID_ATTRIBUTE_ROW)
#undef SID_ATTRIBUTE_ROW
};

const char *
sid_assurance_name(enum sid_assurance assurance) {
    SID_ASSERT((unsigned)assurance < SID_ASSURANCE_COUNT);
    return assurances[assurance];
}

enum sid_err
sid_assurance_parse(const char *name, enum sid_assurance *out) {
    for (int i = 0; i < SID_ASSURANCE_COUNT; i++) {
        if (strcmp(assurances[i], name) == 0) {
            *out = (enum sid_assurance)i;
            return SID_OK;
        }
    }
    return SID_E_FIELD_INVALID;
}

const char *
sid_attribute_name(enum sid_attribute attribute) {
    SID_ASSERT((unsigned)attribute < SID_ATTRIBUTE_COUNT);
    return attributes[attribute];
}

/* The bit of the attribute that <word, len> names; 0: none. */
static uint32_t
attribute_bit(const char *word, size_t len) {
    for (unsigned i = 0; i < SID_ATTRIBUTE_COUNT; i++) {
        if (strlen(attributes[i]) == len &&
            memcmp(attributes[i], word, len) == 0)
            return 1u << i;
    }
    return 0;
}

enum sid_err
sid_attributes_parse(const char *text, uint32_t *out) {
    uint32_t bits = 0;
    for (;;) {
        text += strspn(text, " \t");
        size_t len = strcspn(text, ", \t");
        uint32_t bit = attribute_bit(text, len);
        if (bit == 0 || (bits & bit) != 0)
            return SID_E_FIELD_INVALID;
        bits |= bit;
        text += len;
        text += strspn(text, " \t");
        if (*text == '\0')
            break;
        if (*text++ != ',')
            return SID_E_FIELD_INVALID;
    }
    *out = bits;
    return SID_OK;
}

bool
sid_purpose_name_valid(const char *name) {
    static const char taken[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    size_t len = strlen(name);
    return len > 0 && len < SID_PURPOSE_NAME_SIZE &&
           strspn(name, taken) == len && name[0] >= 'a' && name[0] <= 'z';
}

const struct sid_purpose *
sid_purposes_find(const struct sid_purposes *set, const char *name) {
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        if (strcmp(set->item[i].name, name) == 0)
            return &set->item[i];
    }
    return NULL;
}

bool
sid_purposes_same(const struct sid_purposes *a, const struct sid_purposes *b) {
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        const struct sid_purpose *x = &a->item[i], *y = &b->item[i];
        same = strcmp(x->name, y->name) == 0 && strcmp(x->help, y->help) == 0 &&
               x->attributes == y->attributes && x->assurance == y->assurance &&
               x->counter_required == y->counter_required &&
               x->live_required == y->live_required &&
               x->face_required == y->face_required;
    }
    return same;
}

uint64_t
sid_purposes_bit(const struct sid_purposes *set,
                 const struct sid_purpose *purpose) {
    SID_ASSERT(purpose >= set->item && purpose < set->item + set->count);
    return UINT64_C(1) << (purpose - set->item);
}

bool
sid_purpose_names_next(const char **at, char out[SID_PURPOSE_NAME_SIZE]) {
    *at += strspn(*at, " ");
    size_t len = strcspn(*at, " ");
    if (len == 0)
        return false;
    size_t kept = len < SID_PURPOSE_NAME_SIZE ? len : SID_PURPOSE_NAME_SIZE - 1;
    memcpy(out, *at, kept);
    out[kept] = '\0';
    *at += len;
    return true;
}

enum sid_err
sid_purpose_names_add(char names[SID_PURPOSE_NAMES_SIZE], const char *name) {
    if (!sid_purpose_name_valid(name))
        return SID_E_FIELD_INVALID;
    char have[SID_PURPOSE_NAME_SIZE];
    for (const char *at = names; sid_purpose_names_next(&at, have);) {
        if (strcmp(have, name) == 0)
            return SID_OK;
    }
    size_t used = strlen(names), len = strlen(name);
    if (used + 1 + len >= SID_PURPOSE_NAMES_SIZE)
        return SID_E_FIELD_INVALID;
    if (used > 0)
        names[used++] = ' ';
    memcpy(names + used, name, len + 1);
    return SID_OK;
}

uint64_t
sid_purposes_resolve(const struct sid_purposes *set, const char *names,
                     sid_purpose_unknown_fn *unknown, void *ctx) {
    uint64_t bits = 0;
    char name[SID_PURPOSE_NAME_SIZE];
    while (sid_purpose_names_next(&names, name)) {
        const struct sid_purpose *purpose = sid_purposes_find(set, name);
        if (purpose != NULL)
            bits |= sid_purposes_bit(set, purpose);
        else if (unknown != NULL)
            unknown(name, ctx);
    }
    return bits;
}
