/* enrolment.h: the words of an enrolment: its states, the reasons it can have,
 * its photos, the person's own statement. Pure. Any thread. */
#ifndef SMARTID_ENROLMENT_H
#define SMARTID_ENROLMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smartid/buf.h"
#include "smartid/err.h"
#include "smartid/idnumber.h"

/* X(symbol, wire name). Stored by wire name. */
#define SID_ENROL_STATE_MAP(X)                                                 \
    X(SID_ENROL_RECEIVED, "received")                                          \
    X(SID_ENROL_PROCESSING, "processing")                                      \
    X(SID_ENROL_APPROVED, "approved")                                          \
    X(SID_ENROL_REVIEW, "review")                                              \
    X(SID_ENROL_REJECTED, "rejected")                                          \
    X(SID_ENROL_FAILED, "failed")
enum sid_enrol_state {
#define SID_ENROL_STATE_ENUM(sym, name) sym,
    SID_ENROL_STATE_MAP(SID_ENROL_STATE_ENUM)
#undef SID_ENROL_STATE_ENUM
        SID_ENROL_STATE_COUNT
};
const char *sid_enrol_state_name(enum sid_enrol_state state);
/* Errors: SID_E_FIELD_INVALID. */
SID_FALLIBLE enum sid_err sid_enrol_state_parse(const char *name,
                                                enum sid_enrol_state *out);
/* True once nothing will change any more by itself (all but received and
 * processing; review is decided as far as a waiting client is concerned). */
bool sid_enrol_state_settled(enum sid_enrol_state state);

/* How a person was recognised when enrolling. Stored by word. */
enum sid_enrol_method { SID_METHOD_FACE, SID_METHOD_COUNTER };
const char *sid_enrol_method_name(enum sid_enrol_method method);

enum sid_photo_kind {
    SID_PHOTO_ID,
    SID_PHOTO_SELFIE,
    SID_PHOTO_FRAME_1, /* of a challenge, by step */
    SID_PHOTO_FRAME_2,
    SID_PHOTO_FRAME_3,
    SID_PHOTO_NONE
};
#define SID_PHOTO_KINDS SID_PHOTO_NONE
/* "id_photo", "selfie", "frame_1" …, NULL for SID_PHOTO_NONE. */
const char *sid_photo_kind_name(enum sid_photo_kind kind);

/* The picture of a person that a counter may see: 3 : 4 as on a card. Source:
 * issue 5 part D, "small"; a face of half that height is told at a glance. */
#define SID_PORTRAIT_WIDTH_PX 240
#define SID_PORTRAIT_HEIGHT_PX 320
/* Its pixels, blue first. */
#define SID_PORTRAIT_PIXEL_BYTES                                               \
    (SID_PORTRAIT_WIDTH_PX * SID_PORTRAIT_HEIGHT_PX * 3)
/* As a JPEG file. Source: measured: faces take 12 to 13 KiB; noise fits in (see
 * tests/unit/image/test_write.c). */
#define SID_PORTRAIT_MAX_BYTES (128 * 1024)

/* Who is told a reason. */
enum sid_reason_class {
    SID_CLASS_QUALITY, /* of a photo: always told, for it can be mended */
    SID_CLASS_FRAUD,   /* never told to app or holder: it would teach */
    SID_CLASS_OTHER    /* told when it has decided */
};
const char *sid_reason_class_name(enum sid_reason_class class_of);

/* X(symbol, wire code, class, retryable, message: what to do, in plain words).
 * "{photo}" in a message stands for "the photo of the ID card", "the selfie" or
 * "the second frame". */
#define SID_REASON_MAP(X)                                                      \
    X(SID_REASON_IMAGE_UNREADABLE, "image_unreadable", QUALITY, true,          \
      "{Photo} could not be read. Send it again as a JPEG or PNG file.")       \
    X(SID_REASON_IMAGE_TOO_LARGE, "image_too_large", QUALITY, true,            \
      "{Photo} has more than 24.5 million pixels. Take it at a lower "         \
      "resolution and send it again.")                                         \
    X(SID_REASON_IMAGE_TOO_SMALL, "image_too_small", QUALITY, true,            \
      "{Photo} has too few pixels. Take it at a higher resolution and send "   \
      "it again.")                                                             \
    X(SID_REASON_NO_FACE, "no_face", QUALITY, true,                            \
      "No face was found in {photo}. Take it again with the whole face in "    \
      "view.")                                                                 \
    X(SID_REASON_MANY_FACES, "many_faces", QUALITY, true,                      \
      "More than one face is in {photo}. Take it again with only one person "  \
      "in view.")                                                              \
    X(SID_REASON_FACE_TOO_SMALL, "face_too_small", QUALITY, true,              \
      "The face in {photo} is too small. Go closer and take it again.")        \
    X(SID_REASON_TOO_BLURRED, "too_blurred", QUALITY, true,                    \
      "{Photo} is blurred. Hold the phone steady and take it again in "        \
      "daylight.")                                                             \
    X(SID_REASON_TOO_DARK, "too_dark", QUALITY, true,                          \
      "{Photo} is too dark. Take it again in daylight or turn on a light.")    \
    X(SID_REASON_TOO_BRIGHT, "too_bright", QUALITY, true,                      \
      "{Photo} is too bright. Take it again away from the sun or the lamp, "   \
      "without flash.")                                                        \
    X(SID_REASON_FACE_TURNED_AWAY, "face_turned_away", QUALITY, true,          \
      "The face in {photo} is turned away. Look straight into the camera and " \
      "take it again.")                                                        \
    X(SID_REASON_NOT_TURNED, "not_turned", QUALITY, true,                      \
      "The head in {photo} is not turned as was asked. Take it again and "     \
      "turn the head further to that side.")                                   \
    X(SID_REASON_TURNED_TOO_FAR, "turned_too_far", QUALITY, true,              \
      "The head in {photo} is turned too far. Take it again and turn the "     \
      "head less.")                                                            \
    X(SID_REASON_SAME_FILE, "same_file", QUALITY, true,                        \
      "The selfie is the same file as the photo of the ID card. Take a new "   \
      "selfie of yourself now.")                                               \
    X(SID_REASON_SELFIE_IS_ID_PHOTO, "selfie_is_id_photo", FRAUD, false,       \
      "The selfie is a copy of the portrait on the card.")                     \
    X(SID_REASON_SELFIE_NOT_LIVE, "selfie_not_live", FRAUD, false,             \
      "The selfie does not look like a face before a camera.")                 \
    X(SID_REASON_CHALLENGE_FAILED, "challenge_failed", FRAUD, false,           \
      "The frames do not show the selfie's head turning.")                     \
    X(SID_REASON_FACES_DIFFER, "faces_differ", OTHER, true,                    \
      "The face in the selfie does not match the photo on the card. Take a "   \
      "new selfie in daylight without glasses, hat or mask, or bring the "     \
      "card to a counter.")                                                    \
    X(SID_REASON_FACES_UNCLEAR, "faces_unclear", OTHER, false,                 \
      "The match is not clear. An officer looks at both photos.")              \
    X(SID_REASON_CHALLENGE_MISSING, "challenge_missing", OTHER, false,         \
      "There was no challenge, and the match is not clear enough without.")    \
    X(SID_REASON_APPEAL, "appeal", OTHER, false,                               \
      "The person has appealed. An officer looks at the new photos.")          \
    X(SID_REASON_SELFIE_KNOWN, "selfie_known", FRAUD, false,                   \
      "The selfie is the photo that was sent at the enrolment.")               \
    X(SID_REASON_NOT_RECOGNISED, "not_recognised", OTHER, true,                \
      "The person was not recognised. Take a new selfie in daylight without "  \
      "glasses, hat or mask, or bring the card to a counter.")                 \
    X(SID_REASON_UNDER_REVIEW, "under_review", OTHER, false,                   \
      "An officer will look at the enrolment. Nothing needs to be done.")      \
    X(SID_REASON_ID_NUMBER_INVALID, "id_number_invalid", OTHER, true,          \
      "The ID number is not a valid number. Check each digit and send it "     \
      "again.")                                                                \
    X(SID_REASON_ID_NUMBER_IN_USE, "id_number_in_use", OTHER, false,           \
      "There is already a credential for this ID number. If it is yours and "  \
      "you lost access, bring the card to a counter.")                         \
    X(SID_REASON_CARD_EXPIRED, "card_expired", OTHER, false,                   \
      "The ID card has expired. Enrol again with the new card.")               \
    X(SID_REASON_OFFICER, "officer_decision", OTHER, false,                    \
      "An officer has rejected the enrolment.")                                \
    X(SID_REASON_GAVE_UP, "processing_failed", OTHER, true,                    \
      "The photos could not be processed. Send them again, or bring the card " \
      "to a counter.")
enum sid_reason {
#define SID_REASON_ENUM(sym, code, class_of, retryable, message) sym,
    SID_REASON_MAP(SID_REASON_ENUM)
#undef SID_REASON_ENUM
        SID_REASON_COUNT
};
const char *sid_reason_code(enum sid_reason reason);
enum sid_reason_class sid_reason_class_of(enum sid_reason reason);
bool sid_reason_retryable(enum sid_reason reason);
/* The message with {photo}/{Photo} filled in. out: at least 256 bytes. */
void sid_reason_message(enum sid_reason reason, enum sid_photo_kind photo,
                        char *out, size_t out_size);

/* Not more than 8: gcc 12 miscompiles copies of larger arrays of structs, see
 * the Makefile at -ftrivial-auto-var-init. */
#define SID_REASONS_MAX 8
struct sid_reasons {
    size_t count;
    struct {
        enum sid_reason reason;
        enum sid_photo_kind photo; /* SID_PHOTO_NONE: of none */
    } item[SID_REASONS_MAX];
};
/* Adds a reason; beyond SID_REASONS_MAX it is dropped. */
void sid_reasons_add(struct sid_reasons *reasons, enum sid_reason reason,
                     enum sid_photo_kind photo);
bool sid_reasons_has(const struct sid_reasons *reasons, enum sid_reason reason,
                     enum sid_photo_kind photo);
/* What app and holder are told: quality always (only an appeal can be in review
 * with it); frauds never. In review else only under_review, whatever led there;
 * rejected by an officer, or of a fraud alone, else only officer_decision. */
void sid_reasons_public(const struct sid_reasons *reasons,
                        enum sid_enrol_state state, bool by_officer,
                        struct sid_reasons *out);
/* "no_face:selfie too_dark:id_photo": the stored form. */
#define SID_REASONS_TEXT_SIZE 320
void sid_reasons_pack(const struct sid_reasons *reasons,
                      char out[SID_REASONS_TEXT_SIZE]);
/* Errors: SID_E_FIELD_INVALID (out untouched). */
SID_FALLIBLE enum sid_err sid_reasons_unpack(const char *text,
                                             struct sid_reasons *out);

/* What the person states. Wiped by its owner (sid_holder_fini). */
#define SID_NAME_SIZE 129   /* 128 bytes of UTF-8 and NUL */
#define SID_PHONE_SIZE 25   /* 24 characters and NUL */
#define SID_CONSENT_SIZE 33 /* 32 characters and NUL */
struct sid_holder {
    char name[SID_NAME_SIZE];
    char id_number[SID_IDNUMBER_SIZE]; /* normalised */
    char phone[SID_PHONE_SIZE];        /* "" when not given */
};
void sid_holder_fini(struct sid_holder *holder);
/* One blob for sealing: name, number, phone, each ended by NUL. Errors:
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err sid_holder_pack(const struct sid_holder *holder,
                                          struct sid_buf *out);
/* Errors: SID_E_SEAL when the blob does not have that form. */
SID_FALLIBLE enum sid_err sid_holder_unpack(struct sid_span blob,
                                            struct sid_holder *out);
/* "张*" / "J*** S****": first character of each word, the rest as '*'.
 * out: SID_NAME_SIZE bytes. */
void sid_name_mask(const char *name, char out[SID_NAME_SIZE]);

#endif
