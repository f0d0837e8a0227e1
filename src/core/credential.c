/* credential.c: the life of a credential as a table of words and a few ladders
 * of refusals (see credential.h). Pure; any thread; owns nothing. */
#include "smartid/credential.h"

#include <stdio.h>
#include <string.h>

#include "smartid/buf.h"
#include "smartid/clock.h"

#define DAY_S ((int64_t)86400)
#define UTC8_S ((int64_t)8 * 3600) /* China has one time zone */

static const struct {
    const char *name;
    enum sid_err err;
} states[SID_CREDENTIAL_STATE_COUNT] = {
#define SID_STATE_ROW(sym, word, told) [sym] = {(word), (told)},
    SID_CREDENTIAL_STATE_MAP(SID_STATE_ROW)
#undef SID_STATE_ROW
};

static const struct {
    const char *name;
    bool officers;
} reasons[SID_REVOKE_REASON_COUNT] = {
#define SID_REASON_ROW(sym, word, only) [sym] = {(word), (only)},
    SID_REVOKE_REASON_MAP(SID_REASON_ROW)
#undef SID_REASON_ROW
};

const char *
sid_credential_state_name(enum sid_credential_state state) {
    SID_ASSERT((unsigned)state < SID_CREDENTIAL_STATE_COUNT);
    return states[state].name;
}

enum sid_err
sid_credential_state_err(enum sid_credential_state state) {
    SID_ASSERT((unsigned)state < SID_CREDENTIAL_STATE_COUNT);
    return states[state].err;
}

enum sid_err
sid_credential_state_parse(const char *name, enum sid_credential_state *out) {
    for (int i = 0; i < SID_CREDENTIAL_EXPIRED; i++) {
        if (strcmp(states[i].name, name) == 0) {
            *out = (enum sid_credential_state)i;
            return SID_OK;
        }
    }
    return SID_E_FIELD_INVALID;
}

const char *
sid_revoke_reason_name(enum sid_revoke_reason reason) {
    SID_ASSERT((unsigned)reason < SID_REVOKE_REASON_COUNT);
    return reasons[reason].name;
}

bool
sid_revoke_reason_officers(enum sid_revoke_reason reason) {
    SID_ASSERT((unsigned)reason < SID_REVOKE_REASON_COUNT);
    return reasons[reason].officers;
}

enum sid_err
sid_revoke_reason_parse(const char *name, enum sid_revoke_reason *out) {
    for (int i = 0; i < SID_REVOKE_REASON_COUNT; i++) {
        if (strcmp(reasons[i].name, name) == 0) {
            *out = (enum sid_revoke_reason)i;
            return SID_OK;
        }
    }
    return SID_E_FIELD_INVALID;
}

/* ---- changes ------------------------------------------------------------- */

static bool
is_final(const struct sid_life *life) {
    return life->state == SID_CREDENTIAL_REVOKED ||
           life->state == SID_CREDENTIAL_REPLACED;
}

enum sid_credential_state
sid_life_state(const struct sid_life *life, int64_t now_s) {
    bool over = life->valid_until_s != 0 && now_s >= life->valid_until_s;
    return over && !is_final(life) ? SID_CREDENTIAL_EXPIRED : life->state;
}

static void
go_to(struct sid_life *life, enum sid_credential_state state, int64_t now_s) {
    life->state = state;
    life->since_s = now_s;
    life->suspended_by = SID_ROLE_NONE;
}

enum sid_err
sid_life_suspend(struct sid_life *life, enum sid_role by, int64_t now_s) {
    enum sid_credential_state state = sid_life_state(life, now_s);
    /* The numbers of holder, app and officer rise with their strength. */
    bool takes_over =
        state == SID_CREDENTIAL_SUSPENDED && by > life->suspended_by;
    if (state != SID_CREDENTIAL_ACTIVE && !takes_over)
        return sid_credential_state_err(state);
    go_to(life, SID_CREDENTIAL_SUSPENDED, now_s);
    life->suspended_by = by;
    return SID_OK;
}

enum sid_err
sid_life_resume(struct sid_life *life, enum sid_role by, int64_t now_s) {
    enum sid_credential_state state = sid_life_state(life, now_s);
    if (state == SID_CREDENTIAL_ACTIVE)
        return SID_E_CONFLICT;
    if (state != SID_CREDENTIAL_SUSPENDED)
        return sid_credential_state_err(state);
    if (by != life->suspended_by && by != SID_ROLE_OFFICER)
        return SID_E_FORBIDDEN;
    go_to(life, SID_CREDENTIAL_ACTIVE, now_s);
    return SID_OK;
}

enum sid_err
sid_life_revoke(struct sid_life *life, enum sid_role by,
                enum sid_revoke_reason reason, int64_t now_s) {
    if (is_final(life))
        return sid_credential_state_err(life->state);
    if (reason == SID_REVOKE_NONE ||
        (reasons[reason].officers && by != SID_ROLE_OFFICER))
        return SID_E_FIELD_INVALID;
    go_to(life, SID_CREDENTIAL_REVOKED, now_s);
    life->reason = reason;
    return SID_OK;
}

enum sid_err
sid_life_replace(struct sid_life *life, int64_t now_s) {
    if (is_final(life))
        return sid_credential_state_err(life->state);
    go_to(life, SID_CREDENTIAL_REPLACED, now_s);
    return SID_OK;
}

/* ---- the last day of a card ---------------------------------------------- */

static int
digits(const char *at, int count) {
    int value = 0;
    for (int i = 0; i < count; i++)
        value = value * 10 + (at[i] - '0');
    return value;
}

enum sid_err
sid_valid_until_parse(const char *text, int64_t *out) {
    static const char form[] = "dddd-dd-dd";
    if (strlen(text) != sizeof form - 1)
        return SID_E_FIELD_INVALID;
    for (size_t i = 0; i < sizeof form - 1; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (form[i] == 'd' ? !digit : text[i] != form[i])
            return SID_E_FIELD_INVALID;
    }
    int year = digits(text, 4);
    int64_t days =
        sid_days_of_date(year, digits(text + 5, 2), digits(text + 8, 2));
    if (days == SID_DAYS_NONE || year < 1970 || year > 9998)
        return SID_E_FIELD_INVALID;
    *out = (days + 1) * DAY_S - UTC8_S;
    return SID_OK;
}

void
sid_valid_until_text(int64_t valid_until_s, char out[SID_DATE_SIZE]) {
    int year, month, day;
    sid_date_of_days((valid_until_s + UTC8_S) / DAY_S - 1, &year, &month, &day);
    /* The moduli are for the compiler: no date is longer. */
    (void)snprintf(out, SID_DATE_SIZE, "%04u-%02u-%02u", (unsigned)year % 10000,
                   (unsigned)month % 100, (unsigned)day % 100);
}
