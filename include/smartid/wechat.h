/* wechat.h: the bureau's accounts on WeChat at work: pushes taken in and
 * answered, the conversation, what is told later.
 *
 * One object, made when the settings name accounts. A push is a flow ("turn"):
 * io thread: checked and read (sid_wechat_take()); writer: known already? whose
 * is it, how far has the conversation come, what is the answer; commands go
 * through the flows that the API uses, as the holder of the enrolment that the
 * openid is bound to. All of it ends in an answer that is on disk before it is
 * given. Nothing in a turn waits for WeChat: what has to be fetched or sent
 * goes into the outbox, and from there, in order for each person, to the
 * client (wechat_api.h). */
#ifndef SMARTID_WECHAT_H
#define SMARTID_WECHAT_H

#include "smartid/app.h"
#include "smartid/wechat_account.h"
#include "smartid/wechat_api.h"
#include "smartid/wechat_channel.h"
#include "smartid/wechat_texts.h"

struct sid_wechat;

struct sid_wechat_parts {
    const struct sid_config *config; /* copied as far as it is needed */
    struct sid_app *app;             /* borrowed for its life, as the others */
    struct sid_writer *writer;
    struct sid_keyring *keys;
};
/* Reads the accounts that the settings name, their secrets and texts, starts
 * the client and takes the outbox up. *out stays NULL when there are none. Main
 * thread, before others use libcurl. problem: filled on SID_E_CONFIG and
 * SID_E_IO. Errors: SID_E_CONFIG (also: an account's client is none of role
 * app), SID_E_IO, SID_E_NO_MEMORY, those of the store. */
SID_FALLIBLE enum sid_err sid_wechat_new(const struct sid_wechat_parts *parts,
                                         struct sid_config_problem *problem,
                                         struct sid_wechat **out);
/* Takes from the outbox what is due. Main thread, each tick. NULL-safe. */
void sid_wechat_tick(struct sid_wechat *wechat);
/* Ends: what is on the wire gets a moment, what waits stays in the outbox. No
 * turn may be under way. Main thread; the writer still works. NULL-safe. */
void sid_wechat_free(struct sid_wechat **wechat);

/* The index of the account of that name (not ended by NUL); false when there is
 * none, also with wechat NULL. The rest takes such an index. Any thread. */
bool sid_wechat_find(const struct sid_wechat *wechat, const char *name,
                     size_t name_len, size_t *account);
const struct sid_wechat_account *
sid_wechat_account(const struct sid_wechat *wechat, size_t account);
/* The account whose domain file has this name; NULL when there is none, also
 * with wechat NULL. */
const struct sid_wechat_account *
sid_wechat_domain(const struct sid_wechat *wechat, const char *name);
const struct sid_wechat_texts *sid_wechat_texts(const struct sid_wechat *wechat,
                                                size_t account);
struct sid_wechat_api *sid_wechat_api(const struct sid_wechat *wechat);

/* sid_wechat_channel_verify_url(), _take(). Counted. */
SID_FALLIBLE enum sid_err
sid_wechat_verify_url(const struct sid_wechat *wechat, size_t account,
                      const struct sid_wechat_query *query);
SID_FALLIBLE enum sid_err sid_wechat_take(struct sid_wechat *wechat,
                                          size_t account,
                                          const struct sid_wechat_query *query,
                                          struct sid_span body,
                                          struct sid_wechat_taken *out);

struct wechat_work;
struct sid_wechat_turn {
    struct sid_flow flow;
    /* in */
    struct sid_wechat *wechat;
    size_t account;
    struct sid_wechat_taken *taken; /* of malloc(); owned */
    /* out */
    struct sid_buf answer; /* the text that is shown; empty: none */
    /* private */
    struct wechat_work *work;
};
/* flow.err: SID_E_STORE …, SID_E_NO_MEMORY, SID_E_STOPPING: then the push was
 * not taken, and WeChat brings it again. */
void sid_wechat_turn_start(struct sid_wechat_turn *turn);
/* The body that answers the push (appended), and its type (static). io thread,
 * after done. Errors: SID_E_CRYPTO, SID_E_IO, SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err
sid_wechat_turn_reply(const struct sid_wechat_turn *turn, struct sid_buf *out,
                      const char **type);
void sid_wechat_turn_fini(struct sid_wechat_turn *turn);

#endif
