/* enrolment.c: states and reasons: their words, their messages, their stored
 * form. Pure; any thread; owns nothing. */
#include "smartid/enrolment.h"

#include <stdio.h>
#include <string.h>

static const char *const state_names[SID_ENROL_STATE_COUNT] = {
#define SID_ENROL_STATE_ROW(sym, name) [sym] = name,
    SID_ENROL_STATE_MAP(SID_ENROL_STATE_ROW)
#undef SID_ENROL_STATE_ROW
};

static const char *const photo_names[SID_PHOTO_KINDS] = {
    [SID_PHOTO_ID] = "id_photo",     [SID_PHOTO_SELFIE] = "selfie",
    [SID_PHOTO_FRAME_1] = "frame_1", [SID_PHOTO_FRAME_2] = "frame_2",
    [SID_PHOTO_FRAME_3] = "frame_3",
};

static const struct {
    const char *code;
    enum sid_reason_class class_of;
    bool retryable;
    const char *message;
} reasons_table[SID_REASON_COUNT] = {
#define SID_REASON_ROW(sym, code, class_of, retryable, message)                \
    [sym] = {code, SID_CLASS_##class_of, retryable, message},
    SID_REASON_MAP(SID_REASON_ROW)
#undef SID_REASON_ROW
};

const char *
sid_enrol_state_name(enum sid_enrol_state state) {
    SID_ASSERT((unsigned)state < SID_ENROL_STATE_COUNT);
    return state_names[state];
}

enum sid_err
sid_enrol_state_parse(const char *name, enum sid_enrol_state *out) {
    for (size_t i = 0; i < SID_ENROL_STATE_COUNT; i++) {
        if (strcmp(state_names[i], name) == 0) {
            *out = (enum sid_enrol_state)i;
            return SID_OK;
        }
    }
    return SID_E_FIELD_INVALID;
}

const char *
sid_enrol_method_name(enum sid_enrol_method method) {
    return method == SID_METHOD_COUNTER ? "counter" : "face";
}

bool
sid_enrol_state_settled(enum sid_enrol_state state) {
    return state != SID_ENROL_RECEIVED && state != SID_ENROL_PROCESSING;
}

const char *
sid_photo_kind_name(enum sid_photo_kind kind) {
    return kind < SID_PHOTO_KINDS ? photo_names[kind] : NULL;
}

const char *
sid_reason_code(enum sid_reason reason) {
    SID_ASSERT((unsigned)reason < SID_REASON_COUNT);
    return reasons_table[reason].code;
}

const char *
sid_reason_class_name(enum sid_reason_class class_of) {
    switch (class_of) {
    case SID_CLASS_QUALITY:
        return "quality";
    case SID_CLASS_FRAUD:
        return "fraud";
    case SID_CLASS_OTHER:
        break;
    }
    return "other";
}

enum sid_reason_class
sid_reason_class_of(enum sid_reason reason) {
    SID_ASSERT((unsigned)reason < SID_REASON_COUNT);
    return reasons_table[reason].class_of;
}

bool
sid_reason_retryable(enum sid_reason reason) {
    SID_ASSERT((unsigned)reason < SID_REASON_COUNT);
    return reasons_table[reason].retryable;
}

/* What "{photo}" and "{Photo}" stand for. */
static const char *
photo_words(enum sid_photo_kind photo, bool capital) {
    static const char *const words[SID_PHOTO_KINDS + 1][2] = {
        [SID_PHOTO_ID] = {"the photo of the ID card",
                          "The photo of the ID card"},
        [SID_PHOTO_SELFIE] = {"the selfie", "The selfie"},
        [SID_PHOTO_FRAME_1] = {"the first frame", "The first frame"},
        [SID_PHOTO_FRAME_2] = {"the second frame", "The second frame"},
        [SID_PHOTO_FRAME_3] = {"the third frame", "The third frame"},
        [SID_PHOTO_NONE] = {"the photo", "The photo"},
    };
    return words[photo][capital ? 1 : 0];
}

void
sid_reason_message(enum sid_reason reason, enum sid_photo_kind photo, char *out,
                   size_t out_size) {
    SID_ASSERT((unsigned)reason < SID_REASON_COUNT && out_size > 0);
    static const char small[] = "{photo}", capital[] = "{Photo}";
    const size_t mark = sizeof small - 1;
    size_t len = 0;
    out[0] = '\0';
    for (const char *at = reasons_table[reason].message;
         *at != '\0' && len + 1 < out_size;) {
        bool is_small = strncmp(at, small, mark) == 0;
        bool is_capital = strncmp(at, capital, mark) == 0;
        int n;
        if (is_small || is_capital) {
            n = snprintf(out + len, out_size - len, "%s",
                         photo_words(photo, is_capital));
            at += mark;
        } else {
            n = snprintf(out + len, out_size - len, "%c", *at++);
        }
        len += n < 0 ? 0 : (size_t)n;
    }
}

void
sid_reasons_add(struct sid_reasons *reasons, enum sid_reason reason,
                enum sid_photo_kind photo) {
    if (reasons->count == SID_REASONS_MAX)
        return;
    reasons->item[reasons->count].reason = reason;
    reasons->item[reasons->count].photo = photo;
    reasons->count++;
}

bool
sid_reasons_has(const struct sid_reasons *reasons, enum sid_reason reason,
                enum sid_photo_kind photo) {
    for (size_t i = 0; i < reasons->count; i++)
        if (reasons->item[i].reason == reason &&
            reasons->item[i].photo == photo)
            return true;
    return false;
}

void
sid_reasons_public(const struct sid_reasons *reasons,
                   enum sid_enrol_state state, bool by_officer,
                   struct sid_reasons *out) {
    struct sid_reasons told = {0};
    bool review = state == SID_ENROL_REVIEW;
    bool rejected = state == SID_ENROL_REJECTED;
    bool by_rule = !review && !(rejected && by_officer);
    if (review)
        sid_reasons_add(&told, SID_REASON_UNDER_REVIEW, SID_PHOTO_NONE);
    if (rejected && by_officer)
        sid_reasons_add(&told, SID_REASON_OFFICER, SID_PHOTO_NONE);
    for (size_t i = 0; i < reasons->count; i++) {
        enum sid_reason reason = reasons->item[i].reason;
        enum sid_reason_class class_of = sid_reason_class_of(reason);
        if (class_of == SID_CLASS_QUALITY ||
            (class_of == SID_CLASS_OTHER && by_rule))
            sid_reasons_add(&told, reason, reasons->item[i].photo);
    }
    if (rejected && told.count == 0)
        sid_reasons_add(&told, SID_REASON_OFFICER, SID_PHOTO_NONE);
    *out = told;
}

void
sid_reasons_pack(const struct sid_reasons *reasons,
                 char out[SID_REASONS_TEXT_SIZE]) {
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < reasons->count; i++) {
        const char *photo = sid_photo_kind_name(reasons->item[i].photo);
        int n =
            snprintf(out + len, SID_REASONS_TEXT_SIZE - len, "%s%s%s%s",
                     i > 0 ? " " : "", sid_reason_code(reasons->item[i].reason),
                     photo != NULL ? ":" : "", photo != NULL ? photo : "");
        SID_ASSERT(n > 0 && (size_t)n < SID_REASONS_TEXT_SIZE - len);
        len += (size_t)n;
    }
}

static bool
is_text(const char *at, size_t len, const char *text) {
    return strlen(text) == len && memcmp(at, text, len) == 0;
}

/* One word, "code" or "code:photo". */
static bool
unpack_word(const char *word, size_t len, struct sid_reasons *to) {
    const char *colon = memchr(word, ':', len);
    size_t code_len = colon == NULL ? len : (size_t)(colon - word);
    enum sid_photo_kind photo = SID_PHOTO_NONE;
    if (colon != NULL) {
        size_t left = len - code_len - 1;
        for (int i = 0; i < SID_PHOTO_KINDS; i++)
            if (is_text(colon + 1, left, photo_names[i]))
                photo = (enum sid_photo_kind)i;
        if (photo == SID_PHOTO_NONE)
            return false;
    }
    for (size_t i = 0; i < SID_REASON_COUNT; i++) {
        if (is_text(word, code_len, reasons_table[i].code)) {
            sid_reasons_add(to, (enum sid_reason)i, photo);
            return true;
        }
    }
    return false;
}

enum sid_err
sid_reasons_unpack(const char *text, struct sid_reasons *out) {
    struct sid_reasons made = {0};
    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        if (made.count == SID_REASONS_MAX || !unpack_word(text, len, &made))
            return SID_E_FIELD_INVALID;
        text += len;
        if (*text == ' ' && *++text == '\0')
            return SID_E_FIELD_INVALID;
    }
    *out = made;
    return SID_OK;
}
