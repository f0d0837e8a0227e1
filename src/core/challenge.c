/* challenge.c: the words of a challenge: drawing its steps by lot, their
 * stored form and that of what was measured. Pure but for the random bytes;
 * any thread; owns nothing. */
#include "smartid/challenge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const turn_names[SID_TURN_COUNT] = {
    [SID_TURN_LEFT] = "left",
    [SID_TURN_RIGHT] = "right",
    [SID_TURN_UP] = "up",
    [SID_TURN_DOWN] = "down"};
static const char *const outcome_names[SID_CHALLENGE_OUTCOMES] = {
    [SID_CHALLENGE_NONE] = "none",
    [SID_CHALLENGE_OPEN] = "open",
    [SID_CHALLENGE_PASSED] = "passed",
    [SID_CHALLENGE_FAILED] = "failed"};

const char *
sid_turn_name(enum sid_turn turn) {
    SID_ASSERT((unsigned)turn < SID_TURN_COUNT);
    return turn_names[turn];
}

const char *
sid_challenge_outcome_name(enum sid_challenge_outcome outcome) {
    SID_ASSERT((unsigned)outcome < SID_CHALLENGE_OUTCOMES);
    return outcome_names[outcome];
}

/* ---- steps --------------------------------------------------------------- */

/* A number below n, each as likely. */
static enum sid_err
draw(unsigned n, unsigned *out) {
    unsigned char byte;
    do {
        enum sid_err err = sid_rand_bytes(&byte, sizeof byte);
        if (err != SID_OK)
            return err;
    } while (byte >= 256 / n * n);
    *out = byte % n;
    return SID_OK;
}

enum sid_err
sid_steps_make(int count, struct sid_steps *out) {
    SID_ASSERT(count >= SID_STEPS_MIN && count <= SID_STEPS_MAX);
    struct sid_steps made = {.count = count};
    enum sid_turn left[SID_TURN_COUNT] = {SID_TURN_LEFT, SID_TURN_RIGHT,
                                          SID_TURN_UP, SID_TURN_DOWN};
    for (int i = 0; i < count; i++) {
        unsigned at = 0, last = SID_TURN_COUNT - 1 - (unsigned)i;
        enum sid_err err = draw(last + 1, &at);
        if (err != SID_OK)
            return err;
        made.turn[i] = left[at];
        left[at] = left[last];
    }
    *out = made;
    return SID_OK;
}

void
sid_steps_pack(const struct sid_steps *steps, char out[SID_STEPS_TEXT_SIZE]) {
    size_t len = 0;
    out[0] = '\0';
    for (int i = 0; i < steps->count; i++) {
        int n = snprintf(out + len, SID_STEPS_TEXT_SIZE - len, "%s%s",
                         i > 0 ? " " : "", sid_turn_name(steps->turn[i]));
        SID_ASSERT(n > 0 && (size_t)n < SID_STEPS_TEXT_SIZE - len);
        len += (size_t)n;
    }
}

/* A turn's name at the start of text; its length, 0 when there is none. */
static size_t
read_turn(const char *text, enum sid_turn *out) {
    size_t len = strcspn(text, " :");
    for (int i = 0; i < SID_TURN_COUNT; i++) {
        if (strlen(turn_names[i]) == len &&
            memcmp(turn_names[i], text, len) == 0) {
            *out = (enum sid_turn)i;
            return len;
        }
    }
    return 0;
}

enum sid_err
sid_steps_unpack(const char *text, struct sid_steps *out) {
    struct sid_steps made = {0};
    for (;;) {
        size_t len = made.count < SID_STEPS_MAX
                         ? read_turn(text, &made.turn[made.count])
                         : 0;
        if (len == 0)
            return SID_E_FIELD_INVALID;
        made.count++;
        text += len;
        if (*text == '\0')
            break;
        if (*text++ != ' ')
            return SID_E_FIELD_INVALID;
    }
    if (made.count < SID_STEPS_MIN)
        return SID_E_FIELD_INVALID;
    *out = made;
    return SID_OK;
}

/* ---- the challenge ------------------------------------------------------- */

const char *
sid_challenge_refused(const struct sid_challenge *challenge,
                      const char *client_id, int64_t now_s) {
    if (strcmp(challenge->client_id, client_id) != 0)
        return "foreign";
    if (challenge->enrolment_id[0] != '\0')
        return "used";
    return now_s >= challenge->expires_at_s ? "expired" : NULL;
}

/* ---- what was measured --------------------------------------------------- */

void
sid_challenge_pack(const struct sid_challenge_report *report,
                   char out[SID_CHALLENGE_TEXT_SIZE]) {
    size_t len = 0;
    out[0] = '\0';
    if (report->outcome == SID_CHALLENGE_NONE)
        return;
    len = (size_t)snprintf(out, SID_CHALLENGE_TEXT_SIZE, "%s",
                           sid_challenge_outcome_name(report->outcome));
    for (int i = 0; i < report->steps.count; i++) {
        const struct sid_frame_report *f = &report->frame[i];
        int n = snprintf(out + len, SID_CHALLENGE_TEXT_SIZE - len,
                         " %s:%.1f:%.1f:%.1f:%.3f:%.3f",
                         sid_turn_name(report->steps.turn[i]),
                         (double)f->turned_deg, (double)f->yaw_deg,
                         (double)f->pitch_deg, (double)f->similarity,
                         (double)f->flatness);
        SID_ASSERT(n > 0 && (size_t)n < SID_CHALLENGE_TEXT_SIZE - len);
        len += (size_t)n;
    }
}

/* " left:1:2:3:4:5" at the start of text; its length, 0 when it is not so. */
static size_t
read_frame(const char *text, enum sid_turn *turn,
           struct sid_frame_report *out) {
    float *const numbers[] = {&out->turned_deg, &out->yaw_deg, &out->pitch_deg,
                              &out->similarity, &out->flatness};
    size_t name = text[0] == ' ' ? read_turn(text + 1, turn) : 0;
    const char *at = text + 1 + name;
    if (name == 0)
        return 0;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char *end = NULL;
        if (*at++ != ':')
            return 0;
        *numbers[i] = strtof(at, &end);
        if (end == at)
            return 0;
        at = end;
    }
    return (size_t)(at - text);
}

enum sid_err
sid_challenge_unpack(const char *text, struct sid_challenge_report *out) {
    struct sid_challenge_report made = {.outcome = SID_CHALLENGE_NONE};
    if (*text == '\0') {
        *out = made;
        return SID_OK;
    }
    size_t word = strcspn(text, " ");
    for (int i = SID_CHALLENGE_OPEN; i < SID_CHALLENGE_OUTCOMES; i++)
        if (strlen(outcome_names[i]) == word &&
            memcmp(outcome_names[i], text, word) == 0)
            made.outcome = (enum sid_challenge_outcome)i;
    if (made.outcome == SID_CHALLENGE_NONE)
        return SID_E_FIELD_INVALID;
    text += word;
    while (*text != '\0') {
        int at = made.steps.count;
        size_t len = at < SID_STEPS_MAX ? read_frame(text, &made.steps.turn[at],
                                                     &made.frame[at])
                                        : 0;
        if (len == 0)
            return SID_E_FIELD_INVALID;
        made.steps.count++;
        text += len;
    }
    if (made.steps.count < SID_STEPS_MIN)
        return SID_E_FIELD_INVALID;
    *out = made;
    return SID_OK;
}
