/* recovery.h: a person whose phone is lost gets a new holder secret: who is
 * recognised, and the words of it. Pure. Any thread. */
#ifndef SMARTID_RECOVERY_H
#define SMARTID_RECOVERY_H

#include <stdbool.h>

#include "smartid/challenge.h"
#include "smartid/enrolment.h"
#include "smartid/err.h"
#include "smartid/policy.h"

/* Recoveries that fail before only an officer can do it. Source: issue 6 B. */
#define SID_RECOVERY_FAILURES_MAX 3

/* Why an officer does it. X(symbol, word). A closed list: it stands in the
 * audit log. */
#define SID_RECOVER_REASON_MAP(X)                                              \
    X(SID_RECOVER_LOST, "lost")                                                \
    X(SID_RECOVER_STOLEN, "stolen")                                            \
    X(SID_RECOVER_NEW_PHONE, "new_phone")                                      \
    X(SID_RECOVER_NOT_RECOGNISED, "not_recognised")
enum sid_recover_reason {
#define SID_RECOVER_REASON_ENUM(sym, word) sym,
    SID_RECOVER_REASON_MAP(SID_RECOVER_REASON_ENUM)
#undef SID_RECOVER_REASON_ENUM
        SID_RECOVER_REASON_COUNT
};
const char *sid_recover_reason_name(enum sid_recover_reason reason);
/* Errors: SID_E_FIELD_INVALID. */
SID_FALLIBLE enum sid_err
sid_recover_reason_parse(const char *name, enum sid_recover_reason *out);

/* What a fresh selfie has shown. */
struct sid_recovery_facts {
    float similarity; /* to the template, -1..1 */
    float liveness;   /* 0..1 */
    bool has_liveness;
    enum sid_challenge_outcome challenge;
};
/* Why the person is not recognised; none: the list is empty. There is no
 * officer who looks at what is unclear, so it counts against; a low liveness
 * does, too, unless a challenge was passed, which proves more. */
void sid_recovery_judge(const struct sid_policy *policy,
                        const struct sid_recovery_facts *facts,
                        struct sid_reasons *out);
/* What app and person are told: what is wrong with a photo; of all else only
 * that the person was not recognised, for more would teach. */
void sid_recovery_public(const struct sid_reasons *reasons,
                         struct sid_reasons *out);
/* Whether all of them are about photos, which can be taken again: then it was
 * no failure. */
bool sid_recovery_retake(const struct sid_reasons *reasons);

#endif
