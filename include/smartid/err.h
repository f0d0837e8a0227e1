/* err.h: the one list of what can go wrong.
 *
 * Every fallible function returns an enum sid_err; 0 is success. Each error has
 * a symbol, a stable wire code (the `code` member of a problem document, the
 * `code=` field of a log line) and a sentence. HTTP status numbers are not
 * here: http/reply.c maps errors to them. Any thread; nothing is owned. */
#ifndef SMARTID_ERR_H
#define SMARTID_ERR_H

/* X(symbol, wire code, sentence a caller may be shown) */
#define SID_ERR_MAP(X)                                                         \
    X(SID_OK, "ok", "No error.")                                               \
    /* general */                                                              \
    X(SID_E_INTERNAL, "internal", "The service failed on its own account.")    \
    X(SID_E_NO_MEMORY, "no_memory",                                            \
      "The service is out of memory; try again.")                              \
    X(SID_E_IO, "io", "Reading or writing failed.")                            \
    X(SID_E_TIMEOUT, "timeout", "It took too long.")                           \
    X(SID_E_AGAIN, "again",                                                    \
      "Something else was in the way; nothing was done: try again.")           \
    X(SID_E_ARGUMENT, "argument", "An argument is out of its range.")          \
    X(SID_E_EXISTS, "exists", "It exists already.")                            \
    X(SID_E_NOT_FOUND, "not_found", "There is nothing here under this name.")  \
    X(SID_E_REVOKED, "credential_revoked", "The credential has been revoked.") \
    X(SID_E_SUSPENDED, "credential_suspended", "The credential is suspended.") \
    X(SID_E_REPLACED, "credential_replaced",                                   \
      "Another credential has taken its place.")                               \
    X(SID_E_EXPIRED, "credential_expired",                                     \
      "The card that the credential stands for has expired.")                  \
    X(SID_E_RECOVERY_LOCKED, "recovery_locked",                                \
      "Only an officer at a counter can recover this credential.")             \
    X(SID_E_FACE_TRIES, "face_tries_used",                                     \
      "Enough photos were compared for this check; scan a code again.")        \
    X(SID_E_NO_FACE, "no_face_kept",                                           \
      "No face of this person is kept that a photo could be compared with.")   \
    X(SID_E_CONFLICT, "conflict", "Its present state does not allow this.")    \
    /* configuration and files of secrets */                                   \
    X(SID_E_CONFIG, "config", "The configuration is not valid.")               \
    X(SID_E_SECRET_MODE, "secret_mode",                                        \
      "A secret file must be a regular file of this user with mode 0600 or "   \
      "0400.")                                                                 \
    X(SID_E_SECRET_FORMAT, "secret_format",                                    \
      "A secret file does not have the form that is expected.")                \
    X(SID_E_LOCKED, "locked", "Another process uses this data folder.")        \
    /* cryptography */                                                         \
    X(SID_E_CRYPTO, "crypto", "The cryptographic library failed.")             \
    X(SID_E_WRONG_KEY, "wrong_key",                                            \
      "This master key does not belong to this database.")                     \
    X(SID_E_SEAL, "seal", "Sealed data does not open: wrong key or changed.")  \
    /* codes: what the ladder in core/token.c refuses */                       \
    X(SID_E_CODE_LENGTH, "code_length", "The code's length is wrong.")         \
    X(SID_E_CODE_ALPHABET, "code_alphabet",                                    \
      "The code has a character that codes never have.")                       \
    X(SID_E_CODE_VERSION, "code_version", "The code's version is unknown.")    \
    X(SID_E_CODE_KEY, "code_key", "The code names an unknown key.")            \
    X(SID_E_CODE_MAC, "code_mac", "The code is not one of ours.")              \
    X(SID_E_CODE_CONTENT, "code_content", "The code's content is impossible.") \
    X(SID_E_CODE_EXPIRED, "code_expired", "The code has expired.")             \
    X(SID_E_CODE_EARLY, "code_early", "The code is not valid yet.")            \
    /* photos and models */                                                    \
    X(SID_E_IMAGE_UNREADABLE, "image_unreadable",                              \
      "The photo is not a JPEG or PNG file that can be read.")                 \
    X(SID_E_IMAGE_TOO_LARGE, "image_too_large",                                \
      "The photo has more than 24.5 million pixels.")                          \
    X(SID_E_IMAGE_TOO_SMALL, "image_too_small",                                \
      "The photo has too few pixels.")                                         \
    X(SID_E_MODEL, "model", "A face model is missing, damaged or fails.")      \
    /* requests */                                                             \
    X(SID_E_BAD_REQUEST, "bad_request", "The request is malformed.")           \
    X(SID_E_BAD_JSON, "bad_json",                                              \
      "The body is not the JSON that is expected.")                            \
    X(SID_E_FIELD_MISSING, "field_missing", "A required field is missing.")    \
    X(SID_E_FIELD_INVALID, "field_invalid", "A field's value is not allowed.") \
    X(SID_E_FIELD_UNKNOWN, "field_unknown", "A field is not known here.")      \
    X(SID_E_CHALLENGE_REQUIRED, "challenge_required",                          \
      "An enrolment needs a challenge and its frames: POST /v1/challenges.")   \
    X(SID_E_UNAUTHENTICATED, "unauthenticated",                                \
      "A valid key is needed: Authorization: Bearer KEY.")                     \
    X(SID_E_FORBIDDEN, "forbidden", "This key may not do this.")               \
    X(SID_E_CSRF, "csrf", "A request of a session needs its X-CSRF-Token.")    \
    X(SID_E_ORIGIN, "foreign_origin",                                          \
      "Only the pages of this service may use its sessions.")                  \
    X(SID_E_PURPOSE_FORBIDDEN, "purpose_forbidden",                            \
      "This key has not been granted this purpose.")                           \
    X(SID_E_METHOD, "method_not_allowed", "This method is not allowed here.")  \
    X(SID_E_NOT_ACCEPTABLE, "not_acceptable",                                  \
      "None of the accepted media types can be made here.")                    \
    X(SID_E_LENGTH_REQUIRED, "length_required",                                \
      "A request with a body needs a Content-Length.")                         \
    X(SID_E_HEAD_TOO_LARGE, "head_too_large",                                  \
      "The target or the header lines are longer than is taken here.")         \
    X(SID_E_BODY_TOO_LARGE, "body_too_large",                                  \
      "The body, or one of its parts, is larger than allowed.")                \
    X(SID_E_MEDIA_TYPE, "unsupported_media_type",                              \
      "This content type is not taken here.")                                  \
    X(SID_E_IDEMPOTENCY_MISMATCH, "idempotency_mismatch",                      \
      "This Idempotency-Key was used with a different request.")               \
    X(SID_E_RATE, "too_many_requests", "Too many requests; wait a little.")    \
    X(SID_E_ATTEMPTS, "too_many_attempts",                                     \
      "There were too many enrolments of this person today; try again later.") \
    X(SID_E_QUEUE_FULL, "queue_full",                                          \
      "Every place in the queue is taken; try again shortly.")                 \
    X(SID_E_STOPPING, "stopping", "The service is stopping; try again.")       \
    /* WeChat: what is pushed to us */                                         \
    X(SID_E_PUSH_SIGNATURE, "push_signature",                                  \
      "The message's signature does not fit.")                                 \
    X(SID_E_PUSH_STALE, "push_stale",                                          \
      "The message's time is too far from ours.")                              \
    X(SID_E_PUSH_REPLAYED, "push_replayed",                                    \
      "The message's signature has been used for another one.")                \
    X(SID_E_PUSH_SEALED, "push_sealed",                                        \
      "The message does not decrypt for this account.")                        \
    X(SID_E_PUSH_FORMAT, "push_format",                                        \
      "The message is not what the protocol says.")                            \
    /* WeChat: what we call */                                                 \
    X(SID_E_API_UNREACHABLE, "api_unreachable",                                \
      "The messaging service cannot be reached; try again.")                   \
    X(SID_E_API_PAUSED, "api_paused",                                          \
      "The messaging service has failed too often; calls pause.")              \
    X(SID_E_API_REFUSED, "api_refused",                                        \
      "The messaging service refuses this call.")                              \
    X(SID_E_API_ANSWER, "api_answer",                                          \
      "The messaging service's answer makes no sense.")                        \
    /* storage */                                                              \
    X(SID_E_STORE, "store_unavailable",                                        \
      "The storage is not available; nothing was changed.")                    \
    X(SID_E_STORE_FULL, "storage_full",                                        \
      "The storage is full; nothing was changed.")                             \
    X(SID_E_SCHEMA, "schema", "The database is newer than this program.")

enum sid_err {
#define SID_ERR_ENUM(sym, code, text) sym,
    SID_ERR_MAP(SID_ERR_ENUM)
#undef SID_ERR_ENUM
        SID_ERR_COUNT
};

/* A result that must be looked at. */
#define SID_FALLIBLE __attribute__((warn_unused_result))

/* The stable wire code of an error, for example "code_mac". Borrowed, static.
 * Any thread. A value outside the list gives "internal". */
const char *sid_err_code(enum sid_err err);

/* The sentence of an error. Borrowed, static. Any thread. */
const char *sid_err_text(enum sid_err err);

/* Ends the process with file and line when an invariant of the program itself
 * is broken. Stays on in release; never depends on input. */
#define SID_ASSERT(cond)                                                       \
    ((cond) ? (void)0 : sid_assert_failed(#cond, __FILE__, __LINE__))

_Noreturn void sid_assert_failed(const char *cond, const char *file, int line);

#endif
