/* converse.c: what is answered to a push, and how far the conversation has come
 * then. Writer thread, inside the transaction of the turn; owns nothing. */
#include <stdio.h>
#include <string.h>

#include "service.h"
#include "smartid/policy.h"
#include "smartid/text.h"

static enum sid_err
say(struct wechat_work *work, enum sid_wechat_text text) {
    return wechat_say(work->turn->wechat, work->turn->account, text, NULL,
                      &work->turn->answer);
}

static const struct sid_wechat_account *
account_of(const struct wechat_work *work) {
    return &work->turn->wechat->accounts.item[work->turn->account];
}

/* ---- steps --------------------------------------------------------------- */

/* Goes on to a step and asks for what belongs to it. */
static enum sid_err
go_on(struct wechat_work *work, struct sid_store *store, const char *step,
      enum sid_wechat_text ask) {
    enum sid_err err =
        sid_text_copy(work->chat.step, sizeof work->chat.step, step);
    memcpy(work->chat.contact_id, work->contact.id,
           sizeof work->chat.contact_id);
    work->chat.updated_at_s = work->now_s;
    if (err == SID_OK)
        err = wechat_said_seal(work->turn->wechat->keys, &work->contact,
                               &work->said, &work->chat);
    if (err == SID_OK)
        err = sid_store_chat_put(store, &work->chat);
    return err == SID_OK ? say(work, ask) : err;
}

/* Faces that must be live cannot be shown in a chat. */
static bool
chat_is_enough(const struct wechat_work *work) {
    struct sid_config config;
    sid_app_config(work->turn->wechat->app, &config);
    return sid_policy_challenge_mode(&config) != SID_MODE_REQUIRED;
}

static enum sid_err
begin_chat(struct wechat_work *work, struct sid_store *store) {
    enum sid_err err = sid_store_chat_forget(store, work->contact.id);
    work->said = (struct wechat_said){.consent_at_s = 0};
    if (err == SID_OK)
        err = sid_id_make("wcr_", work->chat.round);
    return err == SID_OK ? go_on(work, store, STEP_CONSENT, SID_WT_CONSENT)
                         : err;
}

static enum sid_err
apply(struct wechat_work *work, struct sid_store *store, bool in_chat) {
    const struct sid_contact_holder *holder = &work->holder;
    bool has_pages = account_of(work)->page_base[0] != '\0';
    if (holder->credential_id[0] != '\0')
        return say(work, SID_WT_ENROLLED);
    if (holder->found && holder->state == SID_ENROL_REVIEW)
        return say(work, SID_WT_REVIEW);
    if ((holder->found && !sid_enrol_state_settled(holder->state)) ||
        strcmp(work->chat.step, STEP_CHECK) == 0)
        return say(work, SID_WT_RUNNING);
    if (has_pages && (!in_chat || !chat_is_enough(work)))
        return wechat_say_link(work->turn->wechat, work->turn->account,
                               SID_WT_APPLY_LINK, "enroll",
                               &work->turn->answer);
    return chat_is_enough(work) ? begin_chat(work, store)
                                : say(work, SID_WT_CHAT_OFF);
}

static enum sid_err
take_name(struct wechat_work *work, struct sid_store *store,
          const char *content) {
    if (!wechat_name_fits(content, work->said.name))
        return say(work, SID_WT_NAME_INVALID);
    return go_on(work, store, STEP_NUMBER, SID_WT_NUMBER);
}

static enum sid_err
take_number(struct wechat_work *work, struct sid_store *store,
            const char *content) {
    if (sid_idnumber_normalise(content, strlen(content), work->now_s,
                               work->said.number) != SID_OK)
        return say(work, SID_WT_NUMBER_INVALID);
    return go_on(work, store, STEP_CARD, SID_WT_CARD);
}

/* A text that is no command. */
static enum sid_err
take_text(struct wechat_work *work, struct sid_store *store,
          const char *content) {
    const char *step = work->chat.step;
    if (strcmp(step, STEP_NAME) == 0)
        return take_name(work, store, content);
    if (strcmp(step, STEP_NUMBER) == 0)
        return take_number(work, store, content);
    if (strcmp(step, STEP_CONSENT) == 0)
        return say(work, SID_WT_CONSENT);
    if (strcmp(step, STEP_CARD) == 0)
        return say(work, SID_WT_CARD);
    if (strcmp(step, STEP_SELFIE) == 0)
        return say(work, SID_WT_SELFIE);
    if (strcmp(step, STEP_CHECK) == 0)
        return say(work, SID_WT_RUNNING);
    if (strcmp(step, STEP_PURPOSE) == 0)
        return wechat_clerk_chooses(work, store, content);
    return say(work, work->expired ? SID_WT_EXPIRED : SID_WT_NOT_UNDERSTOOD);
}

/* It is fetched at once, and for a conversation of this round only. place:
 * where it is to lie. */
static enum sid_err
order_photo(struct wechat_work *work, struct sid_store *store,
            enum sid_photo_kind place) {
    char operation[SID_ERRAND_OPERATION_SIZE], push[64];
    struct sid_buf content = SID_BUF_EMPTY;
    sid_base32_encode(work->push, sizeof work->push, push);
    (void)snprintf(operation, sizeof operation, "photo %s", push);
    enum sid_err err =
        sid_buf_printf(&content, "%s %s %s", sid_photo_kind_name(place),
                       work->chat.round, work->turn->taken->push.media_id);
    if (err == SID_OK) {
        const struct sid_errand_order order = {.operation = operation,
                                               .kind = SID_ERRAND_FETCH,
                                               .content =
                                                   sid_buf_span(&content),
                                               .now_s = work->now_s};
        err = sid_contact_order(work->turn->wechat->keys, store, &work->contact,
                                &order);
    }
    sid_buf_free(&content);
    return err;
}

/* Whether the selfie has come already, when the card is sent once more. */
static enum sid_err
has_selfie(struct wechat_work *work, struct sid_store *store, bool *out) {
    struct sid_buf sealed = SID_BUF_EMPTY;
    enum sid_err err = sid_store_chat_photo_get(
        store, work->contact.id,
        wechat_said_place(&work->said, SID_PHOTO_SELFIE), &sealed);
    *out = err == SID_OK;
    sid_buf_free(&sealed);
    return err == SID_E_NOT_FOUND ? SID_OK : err;
}

/* The card is asked for first: of two photos that come in the wrong order it is
 * the one that was sent first. Returns where the photo of this push is to lie.
 */
static enum sid_photo_kind
place_photo(struct wechat_work *work, bool is_second) {
    const struct sid_wechat_push *push = &work->turn->taken->push;
    enum sid_photo_kind place = wechat_said_place(
        &work->said, is_second ? SID_PHOTO_SELFIE : SID_PHOTO_ID);
    if (!is_second)
        wechat_said_note(&work->said, push);
    else if (wechat_said_is_earlier(&work->said, push))
        work->said.swapped = !work->said.swapped;
    return place;
}

static enum sid_err
take_photo(struct wechat_work *work, struct sid_store *store) {
    const char *step = work->chat.step;
    bool both = strcmp(step, STEP_SELFIE) == 0;
    if (strcmp(step, STEP_CHECK) == 0)
        return say(work, SID_WT_RUNNING);
    if (!both && strcmp(step, STEP_CARD) != 0)
        return say(work, work->expired ? SID_WT_EXPIRED : SID_WT_PHOTO_EARLY);
    enum sid_err err = order_photo(work, store, place_photo(work, both));
    if (err == SID_OK && !both)
        err = has_selfie(work, store, &both);
    if (err != SID_OK)
        return err;
    return both ? go_on(work, store, STEP_CHECK, SID_WT_CHECKING)
                : go_on(work, store, STEP_SELFIE, SID_WT_SELFIE);
}

/* ---- commands ------------------------------------------------------------ */

static enum sid_err
agree(struct wechat_work *work, struct sid_store *store, const char *content) {
    if (strcmp(work->chat.step, STEP_CONSENT) != 0)
        return take_text(work, store, content);
    work->said.consent_at_s = work->now_s;
    return go_on(work, store, STEP_NAME, SID_WT_NAME);
}

static enum sid_err
cancel(struct wechat_work *work, struct sid_store *store) {
    enum sid_err err = sid_store_chat_forget(store, work->contact.id);
    return err == SID_OK ? say(work, SID_WT_CANCELLED) : err;
}

static enum sid_err
send_code(struct wechat_work *work, struct sid_store *store) {
    enum sid_err err = wechat_code_order(work->turn->wechat->keys, store,
                                         &work->contact, work->now_s);
    return err == SID_OK ? say(work, SID_WT_CODE_COMING) : err;
}

static enum sid_err
show_code(struct wechat_work *work, struct sid_store *store) {
    const struct sid_contact_holder *holder = &work->holder;
    if (holder->credential_id[0] == '\0')
        return say(work, SID_WT_CODE_NONE);
    if (holder->credential_state == SID_CREDENTIAL_SUSPENDED)
        return say(work, SID_WT_CODE_STOPPED);
    if (account_of(work)->page_base[0] == '\0')
        return send_code(work, store);
    return wechat_say_link(work->turn->wechat, work->turn->account,
                           SID_WT_CODE_LINK, "card", &work->turn->answer);
}

/* Through the app's flow, if there is a credential. */
static enum sid_err
act_on_credential(struct wechat_work *work, enum wechat_act act) {
    if (work->holder.credential_id[0] == '\0')
        return say(work, SID_WT_CODE_NONE);
    work->act = act;
    return SID_OK;
}

static enum sid_err
progress(struct wechat_work *work, struct sid_store *store) {
    const struct sid_contact_holder *holder = &work->holder;
    if (work->chat.step[0] != '\0')
        return take_text(work, store, "");
    if (!holder->found)
        return say(work, SID_WT_CODE_NONE);
    return wechat_say_state(work->turn->wechat, work->turn->account,
                            holder->state, &holder->reasons,
                            &work->turn->answer);
}

static enum sid_err
obey(struct wechat_work *work, struct sid_store *store,
     enum wechat_command command, const char *content) {
    switch (command) {
    case COMMAND_APPLY:
        return apply(work, store, false);
    case COMMAND_APPLY_CHAT:
        return apply(work, store, true);
    case COMMAND_CODE:
        return show_code(work, store);
    case COMMAND_LOST:
        return say(work, work->holder.credential_id[0] == '\0'
                             ? SID_WT_CODE_NONE
                             : SID_WT_LOST);
    case COMMAND_LOST_SURE:
        return act_on_credential(work, ACT_SUSPEND);
    case COMMAND_RESUME:
        return act_on_credential(work, ACT_RESUME);
    case COMMAND_ASKED:
        return act_on_credential(work, ACT_ASKED);
    case COMMAND_DELETE:
        return say(work,
                   work->holder.found ? SID_WT_DELETE : SID_WT_DELETE_NONE);
    case COMMAND_DELETE_SURE:
        if (!work->holder.found)
            return say(work, SID_WT_DELETE_NONE);
        work->act = ACT_ERASE;
        return SID_OK;
    case COMMAND_PROGRESS:
        return progress(work, store);
    case COMMAND_HELP:
        return say(work, SID_WT_HELP);
    case COMMAND_CANCEL:
        return cancel(work, store);
    case COMMAND_PURPOSE:
        return wechat_clerk_changes(work, store);
    case COMMAND_AGREE:
        return agree(work, store, content);
    case COMMAND_NONE:
        break;
    }
    return take_text(work, store, content);
}

static enum sid_err
welcome(struct wechat_work *work) {
    struct sid_buf *answer = &work->turn->answer;
    enum sid_err err = say(work, SID_WT_WELCOME);
    if (err == SID_OK)
        err = sid_buf_append_str(answer, "\n\n");
    return err == SID_OK
               ? sid_wechat_texts_say(
                     work->turn->wechat->line[work->turn->account].texts,
                     SID_WT_HOW, NULL, answer)
               : err;
}

static enum sid_err
press(struct wechat_work *work, struct sid_store *store, const char *key) {
    enum wechat_command command = wechat_menu_of(key);
    return command == COMMAND_NONE ? say(work, SID_WT_NOT_UNDERSTOOD)
                                   : obey(work, store, command, "");
}

enum sid_err
wechat_converse(struct wechat_work *work, struct sid_store *store) {
    const struct sid_wechat_push *push = &work->turn->taken->push;
    switch (push->kind) {
    case SID_WECHAT_TEXT:
        return push->too_long
                   ? say(work, SID_WT_TOO_LONG)
                   : obey(work, store, wechat_command_of(push->content),
                          push->content);
    case SID_WECHAT_IMAGE:
        return take_photo(work, store);
    case SID_WECHAT_SUBSCRIBE:
    case SID_WECHAT_SCAN:
        return welcome(work);
    case SID_WECHAT_CLICK:
        return press(work, store, push->event_key);
    case SID_WECHAT_SCANCODE_WAITMSG:
        return wechat_clerk_scans(work, store);
    case SID_WECHAT_OTHER_MESSAGE:
        return say(work, SID_WT_UNSUPPORTED);
    case SID_WECHAT_UNSUBSCRIBE:
    case SID_WECHAT_VIEW:
    case SID_WECHAT_SCANCODE_PUSH:
    case SID_WECHAT_OTHER_EVENT:
        break;
    }
    return SID_OK; /* nobody waits for an answer */
}
