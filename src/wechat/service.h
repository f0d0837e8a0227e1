/* service.h: what the files of the service share: the accounts at work, a turn
 * under way, the outbox. Private to src/wechat. */
#ifndef SID_WECHAT_SERVICE_H
#define SID_WECHAT_SERVICE_H

#include <pthread.h>
#include <stdatomic.h>

#include "smartid/flow_credential.h"
#include "smartid/flow_dispute.h"
#include "smartid/flow_enrol.h"
#include "smartid/flow_verify.h"
#include "smartid/flow_wechat.h"
#include "smartid/wechat.h"

/* Calls on the wire for one account. Own choice: as many as connections. */
#define MAIL_AT_ONCE 8

/* An account at work. */
struct wechat_line {
    struct sid_wechat_channel *channel;
    struct sid_wechat_texts *texts;
    _Atomic int under_way; /* errands with the writer or WeChat */
    _Atomic bool idle;     /* nothing was due at the last look */
};

struct sid_wechat {
    struct sid_app *app;        /* borrowed */
    struct sid_writer *writer;  /* borrowed */
    struct sid_keyring *keys;   /* borrowed */
    struct sid_wechat_api *api; /* owned */
    struct sid_wechat_accounts accounts;
    struct wechat_line line[SID_WECHAT_ACCOUNTS_MAX];
    char run[SID_ID_SIZE]; /* of this start of the daemon */
    _Atomic bool stopping;
    int64_t next_look_us; /* main thread */
    pthread_mutex_t lock;
    struct wechat_mail *parked; /* under lock: could not be written down */
};

/* ---- said.c: what was said in a conversation ----------------------------- */
/* Steps, in their order; "" is none. */
#define STEP_CONSENT "consent"
#define STEP_NAME "name"
#define STEP_NUMBER "number"
#define STEP_CARD "card"
#define STEP_SELFIE "selfie"
#define STEP_PURPOSE "purpose" /* a clerk is choosing */
#define STEP_CHECK "check"     /* both photos are there or on their way */

struct wechat_said {
    int64_t consent_at_s;
    char name[SID_NAME_SIZE];
    char number[SID_IDNUMBER_SIZE];
    /* When the photo that was taken for the card was sent, by WeChat's clock
     * and count; 0 and "": none was. */
    int64_t photo_at_s;
    char photo_msg_id[SID_WECHAT_MSG_ID_SIZE];
    /* The photo that came first was sent second: each lies where the other one
     * would. */
    bool swapped;
};
/* Seals it into the chat. Errors: those of sid_contact_seal(). */
SID_FALLIBLE enum sid_err
wechat_said_seal(const struct sid_keyring *keys,
                 const struct sid_wechat_contact *contact,
                 const struct wechat_said *said, struct sid_wechat_chat *chat);
/* Opens it. Errors: SID_E_SEAL, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err
wechat_said_open(const struct sid_keyring *keys,
                 const struct sid_wechat_contact *contact,
                 const struct sid_wechat_chat *chat, struct wechat_said *out);

/* Notes when the photo of this push was sent. */
void wechat_said_note(struct wechat_said *said,
                      const struct sid_wechat_push *push);
/* Whether it was sent before the one that was noted. */
bool wechat_said_is_earlier(const struct wechat_said *said,
                            const struct sid_wechat_push *push);
/* Where the photo that shows this lies, and what the one that lies there shows.
 */
enum sid_photo_kind wechat_said_place(const struct wechat_said *said,
                                      enum sid_photo_kind kind);

/* ---- talk.c: what people ask for ----------------------------------------- */
enum wechat_command {
    COMMAND_NONE,
    COMMAND_APPLY,
    COMMAND_APPLY_CHAT,
    COMMAND_CODE,
    COMMAND_LOST,
    COMMAND_LOST_SURE,
    COMMAND_RESUME,
    COMMAND_ASKED,
    COMMAND_DELETE,
    COMMAND_DELETE_SURE,
    COMMAND_PROGRESS,
    COMMAND_HELP,
    COMMAND_CANCEL,
    COMMAND_AGREE,
    COMMAND_PURPOSE,
};
/* By what was typed (blanks around it do not count), or a menu's key. */
enum wechat_command wechat_command_of(const char *text);
enum wechat_command wechat_menu_of(const char *key);
/* A name that could be one: no digits, signs or line ends. out: trimmed. */
bool wechat_name_fits(const char *text, char out[SID_NAME_SIZE]);
/* "11月26日20:17", UTC+8. */
#define WECHAT_TIME_SIZE 40
void wechat_time_text(int64_t at_s, char out[WECHAT_TIME_SIZE]);

/* ---- word.c: wording ----------------------------------------------------- */
/* Replaces what `to` has by a text; fill may be NULL. Errors:
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err wechat_say(const struct sid_wechat *wechat,
                                     size_t account, enum sid_wechat_text text,
                                     const struct sid_wechat_fill *fill,
                                     struct sid_buf *to);
/* The same with a link into the pages: to=WHERE. */
SID_FALLIBLE enum sid_err wechat_say_link(const struct sid_wechat *wechat,
                                          size_t account,
                                          enum sid_wechat_text text,
                                          const char *where,
                                          struct sid_buf *to);
/* What has become of an enrolment. */
SID_FALLIBLE enum sid_err wechat_say_state(const struct sid_wechat *wechat,
                                           size_t account,
                                           enum sid_enrol_state state,
                                           const struct sid_reasons *reasons,
                                           struct sid_buf *to);
/* An event of the outbox (sid_contact_tell()). Empty: there are no words for
 * it. */
SID_FALLIBLE enum sid_err wechat_say_event(const struct sid_wechat *wechat,
                                           size_t account, const char *event,
                                           struct sid_buf *to);

/* ---- turns --------------------------------------------------------------- */
/* What follows the first look, through a flow of the app's. */
enum wechat_act {
    ACT_NONE,
    ACT_SUSPEND,
    ACT_RESUME,
    ACT_ASKED,
    ACT_ERASE,
    ACT_VERIFY,
};
struct wechat_work {
    struct sid_wechat_turn *turn;
    uint8_t push[SID_SHA256_BYTES]; /* what it is known by */
    /* What is not in the store, and is done once however often it runs. */
    bool paid;    /* out of the clerk's quota */
    bool refused; /* the clerk's key was, and that was written down */
    /* The rest is of one run. */
    bool known; /* the push was taken before */
    int64_t now_s;
    struct sid_wechat_contact contact;
    struct sid_contact_holder holder;
    struct sid_wechat_chat chat; /* step "": none */
    struct wechat_said said;
    bool expired;            /* a conversation was dropped for its silence */
    struct sid_caller clerk; /* when it is one */
    const struct sid_purpose *purpose; /* of a check; borrowed */
    enum wechat_act act;
    enum sid_err failed; /* why it could not be done */
    union {
        struct sid_flow flow; /* all of them begin with it */
        struct sid_credential_change change;
        struct sid_check_list list;
        struct sid_enrol_erase erase;
        struct sid_verify verify;
    } u;
};
/* converse.c. Inside the transaction: the answer to a push of somebody whose
 * contact and chat are in work; changes what is stored of them. Errors: those
 * of seal and store. */
SID_FALLIBLE enum sid_err wechat_converse(struct wechat_work *work,
                                          struct sid_store *store);
/* act.c. Starts the flow of work->act; then() follows on the writer's thread,
 * with the answer in the turn, or work->u.flow.err. */
void wechat_act_start(struct wechat_work *work,
                      void (*then)(struct sid_flow *flow));
/* Words what has come of it into the turn's answer, frees the flow. Errors:
 * SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err wechat_act_finish(struct wechat_work *work);

/* ---- clerk.c ------------------------------------------------------------- */
/* Inside the transaction: a code was scanned; a purpose was chosen, or is to be
 * chosen anew. Errors: those of the store. */
SID_FALLIBLE enum sid_err wechat_clerk_scans(struct wechat_work *work,
                                             struct sid_store *store);
SID_FALLIBLE enum sid_err wechat_clerk_chooses(struct wechat_work *work,
                                               struct sid_store *store,
                                               const char *content);
SID_FALLIBLE enum sid_err wechat_clerk_changes(struct wechat_work *work,
                                               struct sid_store *store);
/* Starts the check; words its answer. */
void wechat_clerk_start(struct wechat_work *work);
SID_FALLIBLE enum sid_err wechat_clerk_finish(struct wechat_work *work);

/* ---- mail.c: the outbox -------------------------------------------------- */
/* One errand on its way. Owned by whoever has it: writer, client, flow. */
struct wechat_code;
struct wechat_mail {
    struct sid_op op;                /* first */
    struct wechat_mail *next;        /* of those that are parked */
    struct sid_wechat_call call;     /* its call */
    struct sid_enrol_submit *submit; /* a finished conversation's */
    struct wechat_code *code;        /* that is being made */
    struct sid_wechat *wechat;
    size_t account;
    struct sid_errand errand;
    struct sid_wechat_contact contact;
    struct sid_buf content;
    enum sid_photo_kind kind; /* of a fetch: where the photo is to lie */
    bool look;                /* also count what waits */
    int64_t waiting;          /* as it was counted; -1: it was not */
    bool skip;                /* there is nothing to be done */
    bool fetched;             /* the photo is in the store */
    bool ready;               /* the conversation is complete */
    bool missing;             /* the photo cannot be had */
    bool forget;              /* the conversation is over */
    enum { MAIL_END, MAIL_BACK } fate;
    enum sid_wechat_text also; /* told as well at the end; COUNT: nothing */
    int64_t until_s;           /* named in that; 0: nothing is */
    int64_t now_s;
};
/* Takes the next errand of an account, if it has places. Any thread. */
void wechat_mail_next(struct sid_wechat *wechat, size_t account);
/* The same, and counts what waits. */
void wechat_mail_look(struct sid_wechat *wechat, size_t account);
/* Writes the fate into the store, and goes on with the next one. The mail is
 * not the caller's any more. */
void wechat_mail_close(struct wechat_mail *mail);
/* Hands the call over to WeChat's client, and goes on with what comes of it.
 * Takes the mail. */
void wechat_mail_call(struct wechat_mail *mail);
/* Tries again what could not be written down; drops it at a stop. */
void wechat_mail_unpark(struct sid_wechat *wechat);

/* ---- mail_code.c --------------------------------------------------------- */
/* Inside a transaction: the code of the enrolment that this contact is bound to
 * is to be sent as a picture. Errors: those of seal and store. */
SID_FALLIBLE enum sid_err
wechat_code_order(const struct sid_keyring *keys, struct sid_store *store,
                  const struct sid_wechat_contact *contact, int64_t now_s);
/* Whether that is what was taken from the outbox. */
bool wechat_code_is_asked(const struct wechat_mail *mail);
/* Inside the transaction that takes it: makes mail->code, or says in also why
 * there is none. Errors: those of the store; SID_E_NOT_FOUND: it is not this
 * contact's any more. */
SID_FALLIBLE enum sid_err wechat_code_prepare(struct wechat_mail *mail,
                                              struct sid_store *store);
/* Makes the code, draws it, uploads it. Takes the mail. Writer's thread. */
void wechat_code_start(struct wechat_mail *mail);
/* It is uploaded: makes the call that sends it. Errors: SID_E_API_ANSWER. */
SID_FALLIBLE enum sid_err wechat_code_uploaded(struct wechat_mail *mail);
/* NULL-safe. */
void wechat_code_free(struct wechat_code **code);

/* ---- mail_photo.c -------------------------------------------------------- */
/* Inside the transaction that takes a fetch: what is to be fetched, or that it
 * is there already. Errors: those of seal and store; SID_E_NOT_FOUND: nobody
 * waits for it any more. */
SID_FALLIBLE enum sid_err wechat_photo_prepare(struct wechat_mail *mail,
                                               struct sid_store *store);
/* Inside a transaction: keeps what was fetched. Errors: those of seal and
 * store. */
SID_FALLIBLE enum sid_err wechat_photo_keep(struct wechat_mail *mail,
                                            struct sid_store *store);
/* Inside the transaction that ends a fetch without a photo: the conversation
 * goes back to where it was asked for. Errors: those of the store. */
SID_FALLIBLE enum sid_err wechat_photo_missing(struct wechat_mail *mail,
                                               struct sid_store *store);
/* Forgets the submission that one of them has made. Any thread that has it. */
void wechat_photo_unready(struct wechat_mail *mail);
/* The conversation is complete: it goes the way of POST /v1/enrollments. Takes
 * the mail. Writer's thread, between transactions. */
void wechat_photo_submit(struct wechat_mail *mail);

#endif
