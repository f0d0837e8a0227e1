/* flow_wechat.h: whom an openid of a WeChat account stands for: the holder of
 * an enrolment, or a clerk; and what such a person is to be told.
 *
 * An openid is personal data: it is found by a keyed hash, lies sealed under
 * the contact's own key and is named in no log. Nothing here speaks WeChat's
 * protocol; whoever does has proven that the person is who they are. */
#ifndef SMARTID_FLOW_WECHAT_H
#define SMARTID_FLOW_WECHAT_H

#include "smartid/app.h"
#include "smartid/store_wechat.h"

/* 28 characters as a rule; WeChat names no bound. */
#define SID_OPENID_SIZE 65
/* Both borrowed. */
struct sid_wechat_who {
    const char *account; /* name of its section */
    const char *openid;
};

/* A conversation that nobody goes on with is dropped. Source: own choice: long
 * enough to look for the card. */
#define SID_WECHAT_SILENCE_S ((int64_t)1800)

/* ---- inside a transaction ------------------------------------------------ */
/* Errors: SID_E_NOT_FOUND (never talked to us, or has left), SID_E_CRYPTO. */
SID_FALLIBLE enum sid_err sid_contact_find(const struct sid_keyring *keys,
                                           struct sid_store *store,
                                           const struct sid_wechat_who *who,
                                           struct sid_wechat_contact *out);
/* The same, but makes one that is bound to nothing when there is none, and
 * notes that it was seen. Errors: those of seal and store. */
SID_FALLIBLE enum sid_err sid_contact_take(const struct sid_keyring *keys,
                                           struct sid_store *store,
                                           const struct sid_wechat_who *who,
                                           int64_t now_s,
                                           struct sid_wechat_contact *out);
/* From now on the person is the holder of this enrolment; in the place of
 * another one, unless a credential stands on that. Writes it down: by account,
 * never by openid. Errors: those of seal and store. */
SID_FALLIBLE enum sid_err sid_contact_bind(const struct sid_keyring *keys,
                                           struct sid_store *store,
                                           const struct sid_wechat_who *who,
                                           const char *enrolment_id,
                                           int64_t now_s);

/* Forgets a contact who leaves; that they were bound to an enrolment or were a
 * clerk is written down as ended. Errors: those of the store. */
SID_FALLIBLE enum sid_err
sid_contact_leave(struct sid_store *store,
                  const struct sid_wechat_contact *contact);

/* What an enrolment's holder has, as far as the chat has to know. */
struct sid_contact_holder {
    bool found;
    char enrolment_id[SID_ID_SIZE];
    enum sid_enrol_state state;
    struct sid_reasons reasons;      /* such as the person may be told */
    char credential_id[SID_ID_SIZE]; /* the resident's that stands, or "" */
    enum sid_credential_state credential_state;
    uint8_t holder_hash[SID_SHA256_BYTES]; /* of the present secret */
};
/* "" and an enrolment that is gone: not found. Errors: those of the store. */
SID_FALLIBLE enum sid_err sid_contact_holder(struct sid_store *store,
                                             const char *enrolment_id,
                                             int64_t now_s,
                                             struct sid_contact_holder *out);
/* Who acts as that holder, through this account. */
void sid_contact_caller(const struct sid_contact_holder *holder,
                        const char *account, struct sid_caller *out);

/* What lies sealed under a contact's key. SID_CONTACT_OPENID … */
enum sid_contact_part {
    SID_CONTACT_OPENID,
    SID_CONTACT_SAID,
    SID_CONTACT_ANSWER,
    SID_CONTACT_ERRAND,
    SID_CONTACT_CARD,
    SID_CONTACT_SELFIE,
};
/* *out must be empty. Errors: those of sid_subject_seal(), sid_subject_open().
 */
SID_FALLIBLE enum sid_err sid_contact_seal(
    const struct sid_keyring *keys, const struct sid_wechat_contact *contact,
    enum sid_contact_part part, struct sid_span plain, struct sid_buf *out);
SID_FALLIBLE enum sid_err sid_contact_open(
    const struct sid_keyring *keys, const struct sid_wechat_contact *contact,
    enum sid_contact_part part, struct sid_span sealed, struct sid_buf *out);

/* Puts something into the outbox for a contact. operation: what it is known by,
 * so that it is not put twice. Errors: those of seal and store. */
struct sid_errand_order {
    const char *operation;
    enum sid_errand_kind kind;
    struct sid_span content; /* not empty */
    int64_t now_s;
};
SID_FALLIBLE enum sid_err
sid_contact_order(const struct sid_keyring *keys, struct sid_store *store,
                  const struct sid_wechat_contact *contact,
                  const struct sid_errand_order *order);
/* Puts an event into the outbox of every contact of an enrolment. content:
 * "approved", "review", "rejected REASONS" (sid_reasons_pack()), "failed",
 * "expiring UNIX-TIME". Errors: those of seal and store. */
SID_FALLIBLE enum sid_err sid_contact_tell(const struct sid_keyring *keys,
                                           struct sid_store *store,
                                           const char *enrolment_id,
                                           const char *operation,
                                           const char *content, int64_t now_s);

/* Somebody is the holder on another phone: whoever holds the old one may hold a
 * chat on it. Parts every contact from the enrolment, which is written down and
 * puts "recovered" into its outbox; all but `now` (may be NULL), who is bound
 * (see sid_contact_bind()). operation as in sid_contact_tell(). Errors: those
 * of seal and store. */
struct sid_contact_move {
    const char *enrolment_id;
    const struct sid_wechat_who *now;
    const char *operation;
    int64_t now_s;
};
SID_FALLIBLE enum sid_err sid_contact_move(const struct sid_keyring *keys,
                                           struct sid_store *store,
                                           const struct sid_contact_move *move);

/* ---- flows --------------------------------------------------------------- */
/* Whom an openid stands for. */
struct sid_wechat_whois {
    struct sid_flow flow;
    /* in */
    char account[SID_WECHAT_ACCOUNT_SIZE];
    char openid[SID_OPENID_SIZE];
    /* out; "" when there is none */
    char enrolment_id[SID_ID_SIZE];
    char credential_id[SID_ID_SIZE]; /* the resident's that stands */
    char client_id[SID_ID_SIZE];
    /* out: of whom the holder's secret is known by; only with an enrolment. A
     * caller with SID_ROLE_HOLDER, has_holder_secret and this acts as the
     * holder until the secret is another one. */
    uint8_t holder_hash[SID_SHA256_BYTES];
};
/* flow.err: those of the store, SID_E_STOPPING; somebody unknown is none. */
void sid_wechat_whois_start(struct sid_wechat_whois *whois);
void sid_wechat_whois_fini(struct sid_wechat_whois *whois);

/* A clerk (flow.caller) and an openid become one, or are parted. */
struct sid_wechat_clerk {
    struct sid_flow flow;
    /* in */
    bool part; /* else bind */
    char account[SID_WECHAT_ACCOUNT_SIZE];
    char openid[SID_OPENID_SIZE];
};
/* Written down. flow.err: SID_E_NOT_FOUND (parted: they were not one),
 * SID_E_FORBIDDEN (no clerk), those of seal and store. */
void sid_wechat_clerk_start(struct sid_wechat_clerk *clerk);
void sid_wechat_clerk_fini(struct sid_wechat_clerk *clerk);

#endif
