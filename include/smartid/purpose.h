/* purpose.h: what a clerk may ask for, and what the answer then contains.
 * A static table in core/purpose.c. Pure. Any thread. */
#ifndef SMARTID_PURPOSE_H
#define SMARTID_PURPOSE_H

#include <stdint.h>

#include "smartid/err.h"

/* X(symbol, name, attributes) */
#define SID_PURPOSE_MAP(X)                                                     \
    X(SID_PURPOSE_HOUSEHOLD, "household_registration",                         \
      SID_ATTR_NAME | SID_ATTR_ID_NUMBER | SID_ATTR_BIRTH_DATE |               \
          SID_ATTR_SEX | SID_ATTR_REGION)                                      \
    X(SID_PURPOSE_BANK, "bank_account",                                        \
      SID_ATTR_NAME | SID_ATTR_ID_NUMBER | SID_ATTR_BIRTH_DATE | SID_ATTR_SEX) \
    X(SID_PURPOSE_TRAIN, "train_ticket", SID_ATTR_NAME | SID_ATTR_ID_NUMBER)   \
    X(SID_PURPOSE_DRIVER, "drivers_licence",                                   \
      SID_ATTR_NAME | SID_ATTR_ID_NUMBER | SID_ATTR_BIRTH_DATE | SID_ATTR_SEX) \
    X(SID_PURPOSE_HOTEL, "hotel_check_in", SID_ATTR_NAME | SID_ATTR_ID_NUMBER) \
    X(SID_PURPOSE_SECURITY, "security_check",                                  \
      SID_ATTR_NAME_MASKED | SID_ATTR_ID_NUMBER_MASKED)                        \
    X(SID_PURPOSE_EMERGENCY, "emergency_service",                              \
      SID_ATTR_NAME | SID_ATTR_BIRTH_DATE | SID_ATTR_SEX)                      \
    X(SID_PURPOSE_IMMIGRATION, "immigration_service",                          \
      SID_ATTR_NAME | SID_ATTR_ID_NUMBER | SID_ATTR_BIRTH_DATE |               \
          SID_ATTR_SEX | SID_ATTR_REGION)

/* Attributes, as bits. */
#define SID_ATTR_NAME (1u << 0)
#define SID_ATTR_NAME_MASKED (1u << 1)
#define SID_ATTR_ID_NUMBER (1u << 2)
#define SID_ATTR_ID_NUMBER_MASKED (1u << 3)
#define SID_ATTR_BIRTH_DATE (1u << 4)
#define SID_ATTR_AGE_OVER_18 (1u << 5)
#define SID_ATTR_SEX (1u << 6)
#define SID_ATTR_REGION (1u << 7)

enum sid_purpose {
#define SID_PURPOSE_ENUM(sym, name, attributes) sym,
    SID_PURPOSE_MAP(SID_PURPOSE_ENUM)
#undef SID_PURPOSE_ENUM
        SID_PURPOSE_COUNT
};

/* Errors: SID_E_FIELD_INVALID (no such purpose). */
SID_FALLIBLE enum sid_err sid_purpose_parse(const char *name,
                                            enum sid_purpose *out);
const char *sid_purpose_name(enum sid_purpose purpose);
/* Bits SID_ATTR_*. */
uint32_t sid_purpose_attributes(enum sid_purpose purpose);
/* The bit of a purpose in a client's set. */
static inline uint32_t
sid_purpose_bit(enum sid_purpose purpose) {
    return 1u << (unsigned)purpose;
}

#endif
