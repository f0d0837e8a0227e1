/* store_wechat.h: what is kept of people who talk to a WeChat account: who they
 * are, how far their conversation has come, which pushes were taken, what is
 * still to be sent.
 *
 * What they said and who they are comes sealed, under a key of the contact's
 * own that goes with it. Used by the thread that owns the store, as store.h
 * says; so are the errors. */
#ifndef SMARTID_STORE_WECHAT_H
#define SMARTID_STORE_WECHAT_H

#include "smartid/purpose.h"
#include "smartid/store.h"

/* ---- contacts ------------------------------------------------------------ */
#define SID_WECHAT_ACCOUNT_SIZE 33
struct sid_wechat_contact {
    char id[SID_ID_SIZE];                  /* "wcc_…" */
    char account[SID_WECHAT_ACCOUNT_SIZE]; /* name of its section */
    uint8_t person[SID_SHA256_BYTES];      /* keyed hash: account and openid */
    struct sid_buf openid_sealed;          /* place wechat|openid|id */
    char enrolment_id[SID_ID_SIZE];        /* whose holder this is, or "" */
    char client_id[SID_ID_SIZE];           /* whose clerk this is, or "" */
    char purpose[SID_PURPOSE_NAME_SIZE];   /* what the clerk chose, or "" */
    int64_t made_at_s, seen_at_s;
    struct sid_subject_key key; /* written by put only */
};
void sid_wechat_contact_fini(struct sid_wechat_contact *contact);

/* Errors: SID_E_EXISTS (id or person). */
SID_FALLIBLE enum sid_err
sid_store_contact_put(struct sid_store *store,
                      const struct sid_wechat_contact *contact);
/* Errors: SID_E_NOT_FOUND. */
SID_FALLIBLE enum sid_err
sid_store_contact_find(struct sid_store *store,
                       const uint8_t person[SID_SHA256_BYTES],
                       struct sid_wechat_contact *out);
/* Errors: SID_E_NOT_FOUND. */
SID_FALLIBLE enum sid_err sid_store_contact_get(struct sid_store *store,
                                                const char *id,
                                                struct sid_wechat_contact *out);
/* Writes enrolment_id, client_id, purpose and seen_at_s. Errors:
 * SID_E_NOT_FOUND. */
SID_FALLIBLE enum sid_err
sid_store_contact_change(struct sid_store *store,
                         const struct sid_wechat_contact *contact);
/* Calls each for up to limit contacts that are bound to an enrolment. each as
 * in sid_store_client_each(), but it may put rows into the outbox. */
#define SID_WECHAT_CONTACTS_MAX 16
SID_FALLIBLE enum sid_err sid_store_contact_of(
    struct sid_store *store, const char *enrolment_id,
    enum sid_err (*each)(const struct sid_wechat_contact *contact, void *ctx),
    void *ctx);
/* Forgets a contact: its key, conversation, photos, what was to be sent.
 * Errors: SID_E_NOT_FOUND. */
SID_FALLIBLE enum sid_err sid_store_contact_forget(struct sid_store *store,
                                                   const char *id);
/* Forgets up to limit of those that are bound to nothing, have no conversation
 * and wait for nothing, and were last seen before before_s. */
SID_FALLIBLE enum sid_err sid_store_contact_purge(struct sid_store *store,
                                                  int64_t before_s, int limit);

/* ---- conversations ------------------------------------------------------- */
#define SID_WECHAT_STEP_SIZE 16
struct sid_wechat_chat {
    char contact_id[SID_ID_SIZE];
    char step[SID_WECHAT_STEP_SIZE];
    char round[SID_ID_SIZE];    /* "wcr_…", of this attempt to enrol */
    struct sid_buf said_sealed; /* place wechat|said|contact; may be empty */
    int64_t updated_at_s;
};
void sid_wechat_chat_fini(struct sid_wechat_chat *chat);

/* Puts it, or in the place of what is there. Errors: SID_E_NOT_FOUND (no such
 * contact). */
SID_FALLIBLE enum sid_err
sid_store_chat_put(struct sid_store *store, const struct sid_wechat_chat *chat);
/* Errors: SID_E_NOT_FOUND. */
SID_FALLIBLE enum sid_err sid_store_chat_get(struct sid_store *store,
                                             const char *contact_id,
                                             struct sid_wechat_chat *out);
/* Forgets it with its photos and what was still to be fetched for it; none:
 * nothing. */
SID_FALLIBLE enum sid_err sid_store_chat_forget(struct sid_store *store,
                                                const char *contact_id);
/* Forgets those that nobody has gone on with since before_s and that wait for
 * nothing. */
SID_FALLIBLE enum sid_err sid_store_chat_purge(struct sid_store *store,
                                               int64_t before_s);
/* A photo of the conversation, in the place of what is there. Errors:
 * SID_E_NOT_FOUND (no conversation), SID_E_ARGUMENT (length). */
SID_FALLIBLE enum sid_err sid_store_chat_photo_put(struct sid_store *store,
                                                   const char *contact_id,
                                                   enum sid_photo_kind kind,
                                                   struct sid_span sealed);
/* *out must be empty. Errors: SID_E_NOT_FOUND. */
SID_FALLIBLE enum sid_err sid_store_chat_photo_get(struct sid_store *store,
                                                   const char *contact_id,
                                                   enum sid_photo_kind kind,
                                                   struct sid_buf *out);

/* ---- pushes -------------------------------------------------------------- */
struct sid_wechat_seen {
    char run[SID_ID_SIZE];        /* "run_…": of which start of the daemon */
    bool answered;                /* else: taken, and not known how it ended */
    struct sid_buf answer_sealed; /* place wechat|answer|contact; empty: none */
    int64_t taken_at_s;
};
void sid_wechat_seen_fini(struct sid_wechat_seen *seen);
/* Puts it, or in the place of what is there. */
SID_FALLIBLE enum sid_err
sid_store_push_put(struct sid_store *store,
                   const uint8_t push[SID_SHA256_BYTES],
                   const struct sid_wechat_seen *seen);
/* Errors: SID_E_NOT_FOUND (it was not taken before). */
SID_FALLIBLE enum sid_err
sid_store_push_get(struct sid_store *store,
                   const uint8_t push[SID_SHA256_BYTES],
                   struct sid_wechat_seen *out);
/* Forgets those taken before before_s. */
SID_FALLIBLE enum sid_err sid_store_push_purge(struct sid_store *store,
                                               int64_t before_s);

/* ---- outbox -------------------------------------------------------------- */
/* X(symbol, word) */
#define SID_ERRAND_MAP(X)                                                      \
    X(SID_ERRAND_FETCH, "fetch") /* a photo, for a conversation */             \
    X(SID_ERRAND_TEXT, "text")   /* these words */                             \
    X(SID_ERRAND_EVENT, "event") /* what has happened; worded when sent */
enum sid_errand_kind {
#define SID_ERRAND_ENUM(sym, word) sym,
    SID_ERRAND_MAP(SID_ERRAND_ENUM)
#undef SID_ERRAND_ENUM
        SID_ERRAND_KINDS
};
#define SID_ERRAND_OPERATION_SIZE 96
struct sid_errand {
    int64_t seq;                               /* given by the store */
    char operation[SID_ERRAND_OPERATION_SIZE]; /* what it is known by */
    char contact_id[SID_ID_SIZE];
    char account[SID_WECHAT_ACCOUNT_SIZE];
    enum sid_errand_kind kind;
    struct sid_buf content_sealed; /* place wechat|errand|contact */
    int attempts;
    int64_t due_at_s, made_at_s;
};
void sid_errand_fini(struct sid_errand *errand);
/* One that is there under this operation already stays as it is. Errors:
 * SID_E_NOT_FOUND (no such contact). */
SID_FALLIBLE enum sid_err sid_store_errand_put(struct sid_store *store,
                                               const struct sid_errand *errand);
/* Takes the next one of this account that is due by now_s: of each contact the
 * oldest, and none while another of the contact is taken; counts the attempt.
 * Errors: SID_E_NOT_FOUND (none is due). */
SID_FALLIBLE enum sid_err sid_store_errand_take(struct sid_store *store,
                                                const char *account,
                                                int64_t now_s,
                                                struct sid_errand *out);
/* It may be taken again from due_at_s on. Unknown: nothing. */
SID_FALLIBLE enum sid_err sid_store_errand_back(struct sid_store *store,
                                                int64_t seq, int64_t due_at_s);
/* It is done, or will never be. Unknown: nothing. */
SID_FALLIBLE enum sid_err sid_store_errand_end(struct sid_store *store,
                                               int64_t seq);
/* After a start: what was on the wire when the process ended. What may have
 * been shown to somebody is not sent again; the rest may be taken again. */
SID_FALLIBLE enum sid_err sid_store_errand_recover(struct sid_store *store,
                                                   int64_t *lost);
SID_FALLIBLE enum sid_err sid_store_errand_count(struct sid_store *store,
                                                 int64_t *out);

#endif
