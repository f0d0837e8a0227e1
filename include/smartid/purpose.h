/* purpose.h: what a clerk may ask for: the purposes, what each of them tells,
 * and what it asks for in return.
 *
 * A set of purposes is made once from a file (purposes_file.h) and never
 * changed. Clients are granted purposes by name; sid_purposes_resolve() makes
 * bits of them, which mean something only together with the set they were
 * resolved against. Pure. Any thread. */
#ifndef SMARTID_PURPOSE_H
#define SMARTID_PURPOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartid/err.h"

/* How surely a credential is its holder's, the weakest first; a purpose takes
 * its own level and those above. X(symbol, word); stored by word. */
#define SID_ASSURANCE_MAP(X)                                                   \
    X(SID_ASSURANCE_REMOTE, "remote")           /* two photos, from afar */    \
    X(SID_ASSURANCE_REMOTE_LIVE, "remote_live") /* and a passed challenge */   \
    X(SID_ASSURANCE_COUNTER, "counter")         /* seen by an official */
enum sid_assurance {
#define SID_ASSURANCE_ENUM(sym, word) sym,
    SID_ASSURANCE_MAP(SID_ASSURANCE_ENUM)
#undef SID_ASSURANCE_ENUM
        SID_ASSURANCE_COUNT
};
#define SID_ASSURANCE_SIZE 16 /* of the longest word, with room */
const char *sid_assurance_name(enum sid_assurance assurance);
/* Errors: SID_E_FIELD_INVALID. */
SID_FALLIBLE enum sid_err sid_assurance_parse(const char *name,
                                              enum sid_assurance *out);

/* What can be told of a person. X(symbol, word) */
#define SID_ATTRIBUTE_MAP(X)                                                   \
    X(NAME, "name")                                                            \
    X(NAME_MASKED, "name_masked")                                              \
    X(ID_NUMBER, "id_number")                                                  \
    X(ID_NUMBER_MASKED, "id_number_masked")                                    \
    X(BIRTH_DATE, "birth_date")                                                \
    X(AGE_OVER_18, "age_over_18")                                              \
    X(SEX, "sex")                                                              \
    X(PORTRAIT, "portrait")                                                    \
    X(REGION, "region")                                                        \
    X(DETAILS, "details") /* the fields of the credential's type */
enum sid_attribute {
#define SID_ATTRIBUTE_ENUM(sym, word) SID_ATTRIBUTE_##sym,
    SID_ATTRIBUTE_MAP(SID_ATTRIBUTE_ENUM)
#undef SID_ATTRIBUTE_ENUM
        SID_ATTRIBUTE_COUNT
};
/* The same as bits. */
enum {
#define SID_ATTRIBUTE_BIT(sym, word) SID_ATTR_##sym = 1 << SID_ATTRIBUTE_##sym,
    SID_ATTRIBUTE_MAP(SID_ATTRIBUTE_BIT)
#undef SID_ATTRIBUTE_BIT
};
const char *sid_attribute_name(enum sid_attribute attribute);
/* "name, birth_date" into bits: at least one, none twice. Errors:
 * SID_E_FIELD_INVALID. */
SID_FALLIBLE enum sid_err sid_attributes_parse(const char *text, uint32_t *out);

#define SID_PURPOSE_NAME_SIZE 33  /* 32 characters and NUL */
#define SID_PURPOSE_HELP_SIZE 161 /* 160 bytes of UTF-8 and NUL */
struct sid_purpose {
    char name[SID_PURPOSE_NAME_SIZE];
    char help[SID_PURPOSE_HELP_SIZE]; /* for who grants it; may be "" */
    uint32_t attributes;              /* SID_ATTR_* bits that may be told */
    enum sid_assurance assurance;     /* least that it takes */
    bool counter_required;            /* a check must name its counter */
    bool live_required;               /* takes live codes only */
    bool face_required; /* the clerk is told to compare the face, too */
};
/* 1 to 32 of a-z, 0-9 and _, a letter first. */
bool sid_purpose_name_valid(const char *name);

#define SID_PURPOSES_MAX 64 /* a purpose is a bit of a uint64_t */
struct sid_purposes {
    size_t count;
    struct sid_purpose item[SID_PURPOSES_MAX];
};
/* Borrowed from the set; NULL when there is none of that name. */
const struct sid_purpose *sid_purposes_find(const struct sid_purposes *set,
                                            const char *name);
/* True when both are the same, word for word. */
bool sid_purposes_same(const struct sid_purposes *a,
                       const struct sid_purposes *b);
/* The bit of a purpose of this set. */
uint64_t sid_purposes_bit(const struct sid_purposes *set,
                          const struct sid_purpose *purpose);

/* Names with one space between them, each once: how grants are stored. */
#define SID_PURPOSE_NAMES_SIZE (SID_PURPOSES_MAX * SID_PURPOSE_NAME_SIZE)
/* Errors: SID_E_FIELD_INVALID (not a name, or no room). */
SID_FALLIBLE enum sid_err
sid_purpose_names_add(char names[SID_PURPOSE_NAMES_SIZE], const char *name);
/* Takes the name at *at, which moves on; false at the end. A name that is too
 * long is cut. */
bool sid_purpose_names_next(const char **at, char out[SID_PURPOSE_NAME_SIZE]);
/* The bits of the names; unknown (may be NULL) is called for each name that the
 * set does not have. set NULL: an empty one. */
typedef void sid_purpose_unknown_fn(const char *name, void *ctx);
uint64_t sid_purposes_resolve(const struct sid_purposes *set, const char *names,
                              sid_purpose_unknown_fn *unknown, void *ctx);

#endif
